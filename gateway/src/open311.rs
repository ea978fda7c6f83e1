//! Open311 `GeoReport` v2 at `/open311/v2`: how other systems of a town list, read and file reports, whatever they are
//! written in. The contract is wiki.open311.org/GeoReport_v2; nothing of it is bent.
//!
//! XML and JSON are two ways to write one [`render::Node`]. Everything is asked of the complaints service by public calls,
//! so what is *rahasia*, withheld or whistleblowing cannot be listed here: it is not told to this side at all. Of a
//! reporter nothing is ever read back.
//!
//! A request id is given at once, so no token is ever given out, and asking for one answers 404.
//!
//! Beside the contract stands the updates extension of FixMyStreet, at an address of its own: it changes nothing of the rest.

mod config;
mod discovery;
mod params;
mod render;
mod requests;
mod services;
mod updates;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, Request, State},
    response::Response,
    routing::get,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use mpp_kit::{caller::NETWORK, client::PeerChannel, clock::Clock};
use mpp_proto::complaints::v1::complaints_service_client::ComplaintsServiceClient;
use tonic::{
    Code, Status,
    metadata::{MetadataMap, MetadataValue},
};
use tonic_types::StatusExt as _;

pub use config::Open311Config;
use params::Params;
use render::{Format, Node};

use crate::edge::REQUEST_ID;

/// A form beyond this many bytes is none: 4,000 characters, percent-encoded, and what is around them.
const LARGEST_FORM: usize = 64 << 10;

/// What the interface needs.
#[derive(Clone)]
pub(crate) struct Open311 {
    complaints: ComplaintsServiceClient<PeerChannel>,
    config: Arc<Open311Config>,
    clock: Arc<dyn Clock>,
    /// The address people use, without a slash at the end.
    base_url: String,
}

impl Open311 {
    pub(crate) fn new(
        channel: PeerChannel,
        config: Open311Config,
        clock: Arc<dyn Clock>,
        base_url: &str,
    ) -> Self {
        Self {
            complaints: ComplaintsServiceClient::new(channel),
            config: Arc::new(config),
            clock,
            base_url: base_url.trim_end_matches('/').to_owned(),
        }
    }

    /// Where this interface is.
    fn endpoint(&self) -> String {
        format!("{}/open311/v2", self.base_url)
    }

    /// The jurisdiction: as configured, or the host.
    fn jurisdiction(&self) -> &str {
        if !self.config.jurisdiction_id.is_empty() {
            return &self.config.jurisdiction_id;
        }
        let rest = self.base_url.split_once("://").map_or(self.base_url.as_str(), |(_, rest)| rest);
        rest.split([':', '/']).next().unwrap_or(rest)
    }

    /// One endpoint serves one jurisdiction, so nobody has to name it; who names another asks for what is not here.
    fn check_jurisdiction(&self, params: &Params) -> Result<(), Errors> {
        match params.one("jurisdiction_id") {
            Some(told) if told != self.jurisdiction() => {
                Err(Errors::new(404, format!("jurisdiction_id {told} was not found here")))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Why a call is refused. One status, one or more descriptions, each naming its parameter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Errors {
    code: u16,
    descriptions: Vec<String>,
}

impl Errors {
    fn new(code: u16, description: impl Into<String>) -> Self {
        Self { code, descriptions: vec![description.into()] }
    }

    fn bad(descriptions: Vec<String>) -> Self {
        Self { code: 400, descriptions }
    }

    fn node(&self) -> Node {
        let errors = self.descriptions.iter().map(|description| {
            Node::Object(vec![
                ("code", Node::Integer(self.code.into())),
                ("description", Node::text(description)),
            ])
        });
        Node::List("error", errors.collect())
    }
}

/// What a service refused, as this contract says it: whatever the caller can mend is 400 and names its parameter.
impl From<Status> for Errors {
    fn from(status: Status) -> Self {
        match status.code() {
            Code::InvalidArgument => {
                let violations =
                    status.get_details_bad_request().map(|it| it.field_violations).unwrap_or_default();
                let told = violations.iter().map(|it| {
                    format!("{}: {}", requests::parameter(&it.field), it.description.trim_end_matches('.'))
                });
                let told = told.collect::<Vec<_>>();
                if told.is_empty() { Self::new(400, "the request is not usable") } else { Self::bad(told) }
            }
            Code::NotFound => Self::new(404, "not found"),
            Code::ResourceExhausted => Self::new(429, "too many requests: try again later"),
            Code::FailedPrecondition | Code::PermissionDenied | Code::Unauthenticated | Code::OutOfRange => {
                Self::new(400, "the request was refused")
            }
            Code::Unavailable | Code::DeadlineExceeded | Code::Aborted | Code::Cancelled => {
                Self::new(503, "the service does not answer: try again later")
            }
            Code::Ok
            | Code::Unknown
            | Code::AlreadyExists
            | Code::Unimplemented
            | Code::Internal
            | Code::DataLoss => Self::new(500, "an error on our side"),
        }
    }
}

/// The routes.
pub(crate) fn router(state: Open311) -> Router {
    let routes = Router::new()
        .route("/open311/v2/{*path}", get(answer).post(answer).fallback(answer))
        .layer(DefaultBodyLimit::max(LARGEST_FORM));
    routes.with_state(state)
}

/// Answers every call under the interface, so that every refusal has its shape.
async fn answer(State(state): State<Open311>, Path(path): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (resource, format) = match path.rsplit_once('.') {
        Some((resource, "xml")) => (resource, Format::Xml),
        Some((resource, "json")) => (resource, Format::Json),
        // XML is the format that every client must know.
        Some(_) | None => {
            let told = format!("{path} was not found: addresses end in .xml or .json");
            return respond(Format::Xml, "errors", 404, &Errors::new(404, told).node());
        }
    };
    let segments = resource.split('/').collect::<Vec<_>>();
    let is_read = parts.method == Method::GET || parts.method == Method::HEAD;
    let answered = match (is_read, segments.as_slice()) {
        (true, ["discovery"]) => discovery::get(&state),
        (true, ["services"]) => {
            services::list(&state, &parts.headers, &Params::of_query(parts.uri.query())).await
        }
        (true, ["services", code]) => {
            services::definition(&state, &parts.headers, &Params::of_query(parts.uri.query()), code).await
        }
        (true, ["requests"]) => {
            requests::list(&state, &parts.headers, &Params::of_query(parts.uri.query())).await
        }
        (true, ["requests", id]) => {
            requests::one(&state, &parts.headers, &Params::of_query(parts.uri.query()), id).await
        }
        (true, [updates::RESOURCE]) => {
            updates::list(&state, &parts.headers, &Params::of_query(parts.uri.query())).await
        }
        (true, ["tokens", _]) => {
            let checked = state.check_jurisdiction(&Params::of_query(parts.uri.query()));
            checked.and_then(|()| Err(Errors::new(404, "token was not found: ids are given at once")))
        }
        (false, ["requests"]) if parts.method == Method::POST => requests::file(&state, &parts, body).await,
        (false, [updates::RESOURCE]) if parts.method == Method::POST => {
            updates::push(&state, &parts, body).await
        }
        (
            false,
            ["discovery" | "services" | "requests" | updates::RESOURCE]
            | ["services" | "requests" | "tokens", _],
        ) => Err(Errors::new(405, format!("{} is not a method of {resource}", parts.method))),
        _ => Err(Errors::new(404, format!("{resource} was not found"))),
    };
    match answered {
        Ok(Answer { root, status, node }) => respond(format, root, status, &node),
        Err(errors) => respond(format, "errors", errors.code, &errors.node()),
    }
}

/// What is answered when nothing is wrong.
struct Answer {
    /// The name of the XML root.
    root: &'static str,
    status: u16,
    node: Node,
}

impl Answer {
    fn ok(root: &'static str, node: Node) -> Self {
        Self { root, status: 200, node }
    }
}

fn respond(format: Format, root: &str, status: u16, node: &Node) -> Response {
    let (media_type, body) = match format {
        Format::Xml => ("text/xml; charset=utf-8", render::xml(root, node)),
        Format::Json => ("application/json; charset=utf-8", render::json(node)),
    };
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Maps in browsers read this; there is nothing here that is not public, and no cookie counts.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// A call that hands in a report: complaints hears from which network it comes.
fn reported<T>(message: T, headers: &HeaderMap) -> tonic::Request<T> {
    let mut request = call(message, headers);
    if let Some(network) = headers.get(NETWORK).and_then(|it| MetadataValue::try_from(it.as_bytes()).ok()) {
        request.metadata_mut().insert(NETWORK, network);
    }
    request
}

/// A call of nobody in particular: whose cookie came along does not matter here.
fn call<T>(message: T, headers: &HeaderMap) -> tonic::Request<T> {
    let mut forwarded = HeaderMap::new();
    if let Some(id) = headers.get(REQUEST_ID) {
        forwarded.insert(REQUEST_ID, id.clone());
    }
    // The descriptions of this contract are English, as its parameters are.
    forwarded.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
    let mut request = tonic::Request::new(message);
    *request.metadata_mut() = MetadataMap::from_headers(forwarded);
    request.set_timeout(std::time::Duration::from_secs(20));
    request
}

//! Where every request comes in: what is asked for, by whom, and whether it may go on. Then it goes to REST, gRPC or the
//! pages, and leaves with the headers that every answer has.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use http_body_util::BodyExt as _;
use mpp_kit::{
    auth::Verifier, caller::Caller, caller::NETWORK, client::PeerChannel, clock::Clock, component::Role,
    fault::Language, fault::Problem, shutdown::Shutdown,
};
use opentelemetry::{KeyValue, metrics::Histogram, propagation::Extractor};
use tokio::{
    sync::{Semaphore, watch},
    time::Instant,
};
use tonic::Status;
use tower::ServiceExt as _;
use tracing::{Instrument as _, Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use uuid::Uuid;

use crate::{
    catalog::{Catalog, Rpc},
    grpc, health,
    hub::Hub,
    limits::{Limits, is_of_a_client, network},
    matcher::Found,
    problem::{self, own},
    rest,
    session::{self, Sessions},
    web::oss,
};

/// The header that names a request in logs and problems.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
/// The header with the time a gRPC caller waits at most.
pub(crate) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What counts how many reports come from a network.
const FILE_COMPLAINT: &str = "/mpp.complaints.v1.ComplaintsService/FileComplaint";

/// The only headers that go upstream, besides `authorization` and those of the gRPC protocol itself.
pub(crate) const FORWARDED: [HeaderName; 3] = [header::ACCEPT_LANGUAGE, TRACEPARENT, GRPC_TIMEOUT];

/// What every answer says to browsers. Pages load nothing from another host and run no inline script.
const SECURITY: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
             connect-src 'self'; media-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        PERMISSIONS_POLICY,
        HeaderValue::from_static(
            "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];
/// What a page says that shows a PDF of ours within itself.
const FRAMING: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
/// What a PDF says. Browsers show it in a small page of their own, which brings its own style and no script of ours.
const FILE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'",
);
/// What a page says that may ask where its visitor is, once the visitor presses the button for it.
const LOCATING: HeaderValue = HeaderValue::from_static(
    "camera=(), display-capture=(), geolocation=(self), microphone=(), payment=(), usb=()",
);
/// The slowest line that what is sent may come over, in bytes per second: GPRS in its most robust coding carries 9.05 kbit/s on
/// one time slot (3GPP TS 43.064, CS-1), and something of that is not the body.
const SLOWEST: u64 = 1024;
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What an answer needs of its policies that others do not. Put into the extensions of the answer by the
/// pages; nothing that comes from a service can hold it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ContentPolicy {
    /// A page that shows a file of ours within itself.
    Framing,
    /// A file that a page of ours may show.
    File,
    /// A page that may ask where its visitor is.
    Locating,
}

/// Everything a request needs. One per process.
pub(crate) struct Gateway {
    pub(crate) catalog: Catalog,
    /// The roles that are called, with the way to each.
    pub(crate) roles: Vec<(Role, PeerChannel)>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) hub: Hub,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) shutdown: Shutdown,
    /// Permits for open event streams.
    pub(crate) streams: Arc<Semaphore>,
    /// Those of them that are for who did not sign in.
    pub(crate) public_streams: Arc<Semaphore>,
    pub(crate) heartbeat: Duration,
    /// How long a request may take. Streams are not cut.
    pub(crate) request_timeout: Duration,
    pub(crate) body_limit: usize,
    /// The same where the body carries a file.
    pub(crate) file_body_limit: usize,
    /// The header in which a proxy in front writes the client's address.
    pub(crate) proxy_header: Option<HeaderName>,
    pub(crate) pages: Router,
    pub(crate) openapi: Bytes,
    pub(crate) docs: Bytes,
    pub(crate) durations: Histogram<f64>,
}

/// A request on its way: what is known about it besides its parts.
pub(crate) struct Exchange {
    pub(crate) request_id: String,
    pub(crate) language: Language,
    pub(crate) address: IpAddr,
    /// What goes upstream: [`FORWARDED`], the request id, and the authorization once it is known.
    pub(crate) forwarded: HeaderMap,
    /// Who calls, if a valid token came with the request.
    pub(crate) caller: Option<Arc<Caller>>,
}

/// Why a request was refused.
pub(crate) enum Refusal {
    /// By the gateway, with another HTTP status than that of the code if one is given.
    Own(Problem, Option<StatusCode>),
    /// By a service.
    Service(Status),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Own(problem, None)
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::Service(status)
    }
}

/// What a request asks for.
enum Target<'g, 'p> {
    Rest(&'g crate::catalog::Binding, Vec<&'p str>),
    Grpc(Option<&'g Arc<Rpc>>),
    WrongMethod(Vec<Method>),
    NoSuchPath,
    Health,
    Ready,
    OpenApi,
    Docs,
    Asset,
    /// A webhook: its signature is what lets it in, and it comes in bursts from few addresses.
    Hook,
    Open311,
    Page,
}

/// What a form of the pages is, when somebody sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Something is handed in: a ticket, an application, a file.
    HandsIn,
    /// It carries a number that only one person knows, and acts on it.
    ProvesWho,
    /// Something is looked up, or the sender is known otherwise.
    Other,
}

impl Form {
    /// The form at this path.
    fn of(path: &str) -> Self {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match parts.as_slice() {
            ["h", _]
            | ["surat", _, "ajukan"]
            | ["permohonan", _, "perbaiki" | "tarik"]
            | ["periksa", "berkas"]
            | ["lapor"] => Self::HandsIn,
            ["lacak"] | ["lacak", "jawab" | "cabut"] => Self::ProvesWho,
            ["surat", _, "isi"] | ["permohonan", _, "perbaiki", "isi"] | ["permohonan", _, "unduh"] => {
                Self::ProvesWho
            }
            _ => Self::Other,
        }
    }
}

impl Target<'_, '_> {
    /// A name with few values for spans and metrics. Never the path: it may hold a ticket's secret token.
    fn route(&self) -> &str {
        match self {
            Self::Rest(binding, _) => &binding.template,
            Self::Grpc(Some(rpc)) => rpc.path.as_str(),
            Self::Grpc(None) => "unknown rpc",
            Self::WrongMethod(_) | Self::NoSuchPath => "unknown path",
            Self::Health => "/healthz",
            Self::Ready => "/readyz",
            Self::OpenApi => "/openapi.json",
            Self::Docs => "/docs",
            Self::Asset => "/assets",
            Self::Hook => "/hooks",
            Self::Open311 => "/open311/v2",
            Self::Page => "page",
        }
    }

    fn rpc(&self) -> Option<&Arc<Rpc>> {
        match self {
            Self::Rest(binding, _) => Some(&binding.rpc),
            Self::Grpc(rpc) => *rpc,
            Self::WrongMethod(_)
            | Self::NoSuchPath
            | Self::Health
            | Self::Ready
            | Self::OpenApi
            | Self::Docs
            | Self::Asset
            | Self::Hook
            | Self::Open311
            | Self::Page => None,
        }
    }

    /// Whether it costs so little that nobody is counted for it.
    fn is_free(&self) -> bool {
        match self {
            Self::Health | Self::Ready | Self::OpenApi | Self::Docs | Self::Asset | Self::Hook => true,
            Self::Rest(..)
            | Self::Grpc(_)
            | Self::WrongMethod(_)
            | Self::NoSuchPath
            | Self::Open311
            | Self::Page => false,
        }
    }
}

impl Gateway {
    /// Answers a request. Never fails and never panics.
    pub(crate) async fn handle(self: Arc<Self>, request: Request) -> Response {
        let began = Instant::now();
        let (mut parts, body) = request.into_parts();
        let mut exchange = self.exchange(&mut parts);
        let uri = parts.uri.clone();
        let target = self.target(&parts.method, uri.path(), &parts.headers);
        let span = span(&target, &parts, &exchange.request_id);
        let method = KeyValue::new("http.request.method", method_name(&parts.method));
        let route = KeyValue::new("http.route", target.route().to_owned());
        let is_grpc = matches!(target, Target::Grpc(_));
        let (request_id, language) = (exchange.request_id.clone(), exchange.language);
        let media_type = parts.headers.get(header::CONTENT_TYPE).filter(|_| is_grpc).cloned();
        let answer = AssertUnwindSafe(self.answer(&mut exchange, target, parts, body))
            .catch_unwind()
            .instrument(span.clone());
        let answer = answer.await.unwrap_or_else(|panic| Err(panicked(&*panic)));
        let is_refused = answer.is_err();
        let mut response = match (answer, media_type) {
            (Ok(response), _) => response,
            (Err(refusal), Some(media_type)) => grpc_refusal(refusal, language, media_type),
            (Err(Refusal::Own(problem, http)), None) => {
                problem::respond(problem, http, &request_id, language)
            }
            (Err(Refusal::Service(status)), None) => problem::from_status(&status, &request_id, language),
        };
        if is_refused && let Some(method) = uri.path().strip_prefix(oss::PREFIX) {
            // OSS understands its own envelope alone.
            response = oss::refused(method, response);
        }
        self.finish(&mut response, &request_id);
        let status = response.status().as_u16();
        span.record("http.response.status_code", status);
        let status = KeyValue::new("http.response.status_code", i64::from(status));
        self.durations.record(began.elapsed().as_secs_f64(), &[method, route, status]);
        response
    }

    /// What a request brings along. Gives it a request id if it has none.
    fn exchange(&self, parts: &mut Parts) -> Exchange {
        let given = parts
            .headers
            .get(REQUEST_ID)
            .and_then(|id| id.to_str().ok())
            .and_then(|id| Uuid::parse_str(id).ok());
        let request_id = given.unwrap_or_else(Uuid::now_v7).hyphenated().to_string();
        let mut forwarded = HeaderMap::with_capacity(8);
        for name in FORWARDED {
            if let Some(value) = parts.headers.get(&name) {
                forwarded.insert(name, value.clone());
            }
        }
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            forwarded.insert(REQUEST_ID, value.clone());
            // For the pages, which call the services themselves.
            parts.headers.insert(REQUEST_ID, value);
        }
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let language = accepted.map(Language::from_accept_language).unwrap_or_default();
        let address = self.address(parts);
        // Whatever a client writes there itself is not the network it calls from.
        parts.headers.remove(NETWORK);
        if is_of_a_client(address)
            && let Ok(value) = HeaderValue::from_str(&network(address).to_string())
        {
            // For the pages, which call the services themselves.
            parts.headers.insert(NETWORK, value);
        }
        Exchange { request_id, language, address, forwarded, caller: None }
    }

    /// The client's address: of the connection, or what the trusted proxy wrote last.
    fn address(&self, parts: &Parts) -> IpAddr {
        let told = self.proxy_header.as_ref().and_then(|name| parts.headers.get_all(name).iter().next_back());
        let told = told.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        told.or(peer).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    fn target<'p>(&self, method: &Method, path: &'p str, headers: &HeaderMap) -> Target<'_, 'p> {
        if grpc::is_grpc(headers) {
            return Target::Grpc(self.catalog.rpcs.get(path));
        }
        let is_read = *method == Method::GET || *method == Method::HEAD;
        match path {
            "/healthz" if is_read => Target::Health,
            "/readyz" if is_read => Target::Ready,
            "/openapi.json" if is_read => Target::OpenApi,
            "/docs" | problem::TYPE_BASE if is_read => Target::Docs,
            "/healthz" | "/readyz" | "/openapi.json" | "/docs" | problem::TYPE_BASE => {
                Target::WrongMethod(vec![Method::GET])
            }
            path if path.starts_with("/assets/") => Target::Asset,
            path if path.starts_with("/hooks/") => Target::Hook,
            path if path.starts_with("/open311/") => Target::Open311,
            path => match self.catalog.matcher.find(method, path) {
                Found::Binding(index, segments) => {
                    let binding = &self.catalog.bindings[index];
                    // There is nothing to say about a stream but the stream.
                    if binding.rpc.streaming && *method == Method::HEAD {
                        return Target::WrongMethod(vec![binding.method.clone()]);
                    }
                    Target::Rest(binding, segments)
                }
                Found::OtherMethods(methods) => Target::WrongMethod(methods),
                Found::Nothing if path == "/v1" || path.starts_with("/v1/") => Target::NoSuchPath,
                Found::Nothing => Target::Page,
            },
        }
    }

    async fn answer(
        &self,
        exchange: &mut Exchange,
        target: Target<'_, '_>,
        parts: Parts,
        body: Body,
    ) -> Result<Response, Refusal> {
        if !target.is_free() {
            self.admit(exchange, target.rpc(), &parts).await?;
        }
        match target {
            Target::Rest(binding, segments) if binding.rpc.streaming => {
                rest::watch(self, exchange, binding, &segments, &parts).await
            }
            Target::Rest(binding, segments) => {
                let call = |body| rest::unary(self, exchange, binding, &segments, &parts, body);
                self.patiently(body, call).await.unwrap_or_else(|| Err(own::too_slow().into()))
            }
            Target::Grpc(Some(rpc)) => self.grpc(exchange, rpc, parts, body).await,
            Target::Grpc(None) => {
                Err(Status::unimplemented("the gateway serves the services of the contract only").into())
            }
            Target::WrongMethod(methods) => Ok(wrong_method(&parts.method, &methods, exchange)),
            Target::NoSuchPath => Err(own::no_such_path().into()),
            Target::Health => Ok("ok\n".into_response()),
            Target::Ready => {
                let (status, body) = health::ready(&self.roles).await;
                Ok((status, [(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response())
            }
            Target::OpenApi => Ok(document("application/json", self.openapi.clone())),
            Target::Docs => Ok(document("text/html; charset=utf-8", self.docs.clone())),
            Target::Asset | Target::Hook | Target::Open311 | Target::Page => {
                self.page(exchange, parts, body).await
            }
        }
    }

    /// Finds out who calls, and counts the request. Fills in the authorization and the caller.
    async fn admit(
        &self,
        exchange: &mut Exchange,
        rpc: Option<&Arc<Rpc>>,
        parts: &Parts,
    ) -> Result<(), Refusal> {
        let limited = |wait: Duration| Refusal::from(own::rate_limited(wait));
        let sessions = &self.sessions;
        if rpc.is_some_and(|rpc| rpc.sign_in) {
            // Whoever signs in is nobody yet, whatever else comes along.
            return self.limits.sign_in(exchange.address).map_err(limited);
        }
        // The forms of the pages call the services themselves, so they are counted here as what they stand for.
        let form = match rpc {
            None if parts.method == Method::POST => Form::of(parts.uri.path()),
            Some(_) | None => Form::Other,
        };
        let hands_in = rpc.map_or(form == Form::HandsIn, |rpc| rpc.submission);
        // No other service has to know.
        if rpc.is_some_and(|rpc| rpc.path == FILE_COMPLAINT)
            && let Some(network) = parts.headers.get(NETWORK)
        {
            exchange.forwarded.insert(NETWORK, network.clone());
        }
        let by_cookie = sessions.is_cookie_authenticated(&parts.headers);
        if by_cookie && !sessions.is_same_origin(&parts.method, &parts.uri, &parts.headers) {
            return Err(own::cross_site().into());
        }
        // An exchange costs the identity service a call: invented cookies are counted before.
        let counted = by_cookie && !sessions.is_cached(&parts.headers);
        if counted {
            self.limits.anonymous(exchange.address).map_err(limited)?;
        }
        let authorization = match sessions.authorization(&parts.headers).await {
            Ok(authorization) => authorization,
            // What needs no sign-in goes on without.
            Err(_) if rpc.is_none_or(|rpc| rpc.is_public()) => None,
            Err(status) => return Err(status.into()),
        };
        if let Some(authorization) = authorization {
            if let Some(token) = session::bearer_token(&authorization) {
                // A token that does not verify is nobody's here; the service refuses it with the reason.
                exchange.caller = self.verifier.verify_shared(token).await.ok();
            }
            exchange.forwarded.insert(header::AUTHORIZATION, authorization);
        }
        match &exchange.caller {
            Some(caller) => self.limits.principal(&caller.id).map_err(limited),
            None if form == Form::ProvesWho => self.limits.sign_in(exchange.address).map_err(limited),
            None if hands_in => self.limits.submission(exchange.address).map_err(limited),
            None if counted => Ok(()),
            None => self.limits.anonymous(exchange.address).map_err(limited),
        }
    }

    /// The way to the role of an RPC.
    pub(crate) fn channel(&self, rpc: &Rpc) -> Result<PeerChannel, Problem> {
        let known = self.roles.iter().find(|(role, _)| role.0 == rpc.role);
        known
            .map(|(_, channel)| channel.clone())
            .ok_or_else(|| Problem::internal(anyhow::anyhow!("no role {}", rpc.role)))
    }

    async fn grpc(
        &self,
        exchange: &Exchange,
        rpc: &Rpc,
        parts: Parts,
        body: Body,
    ) -> Result<Response, Refusal> {
        let headers = parts.headers.clone();
        let channel = self.channel(rpc)?;
        let request = Request::from_parts(parts, body);
        let mut response = grpc::pass(channel, exchange.forwarded.clone(), request).await.map(Body::new);
        let secret = response.headers_mut().remove(session::SESSION_METADATA);
        // A refusal comes as headers only; what ends with its trailers was done.
        if !response.headers().contains_key(Status::GRPC_STATUS) {
            rest::session_cookie(self, rpc, &headers, secret.as_ref(), response.headers_mut())?;
        }
        Ok(response)
    }

    async fn page(&self, exchange: &Exchange, parts: Parts, body: Body) -> Result<Response, Refusal> {
        let call = |body| self.pages.clone().oneshot(Request::from_parts(parts, body));
        let response = match self.patiently(body, call).await {
            Some(Ok(response)) => response,
            Some(Err(never)) => match never {},
            None => return Err(own::too_slow().into()),
        };
        // The router's bare 404 says nothing; a page of its own has a media type.
        let is_bare = response.status() == StatusCode::NOT_FOUND
            && !response.headers().contains_key(header::CONTENT_TYPE);
        if is_bare {
            Ok(problem::respond(own::no_such_path(), None, &exchange.request_id, exchange.language))
        } else {
            Ok(response)
        }
    }

    /// Waits for what a request makes: for the time of a request, and longer while its body still comes at no less than
    /// [`SLOWEST`]. A photo takes minutes over 2G, and is not to be cut for that; who sends a byte now and then is. `None` if
    /// it took too long.
    async fn patiently<F: Future>(&self, body: Body, call: impl FnOnce(Body) -> F) -> Option<F::Output> {
        let began = Instant::now();
        let (came, progress) = watch::channel((0_u64, began));
        let body = Body::new(body.map_frame(move |frame| {
            let length = frame.data_ref().map_or(0, Bytes::len) as u64;
            came.send_modify(|(all, last)| (*all, *last) = (*all + length, Instant::now()));
            frame
        }));
        let mut call = std::pin::pin!(call(body));
        loop {
            let (all, last) = *progress.borrow();
            let earned = Duration::from_millis(all.saturating_mul(1000) / SLOWEST);
            let until = (began + earned).min(last) + self.request_timeout;
            if let Ok(output) = tokio::time::timeout_at(until, &mut call).await {
                return Some(output);
            }
            if progress.borrow().0 == all {
                return None;
            }
        }
    }

    /// The headers of every answer.
    fn finish(&self, response: &mut Response, request_id: &str) {
        let own = response.extensions().get::<ContentPolicy>().copied();
        let headers = response.headers_mut();
        for (name, value) in SECURITY {
            headers.insert(name, value);
        }
        match own {
            Some(ContentPolicy::Framing) => headers.insert(header::CONTENT_SECURITY_POLICY, FRAMING),
            Some(ContentPolicy::File) => headers.insert(header::CONTENT_SECURITY_POLICY, FILE),
            Some(ContentPolicy::Locating) => headers.insert(PERMISSIONS_POLICY, LOCATING),
            None => None,
        };
        if self.sessions.is_secure() {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
        }
        if let Ok(value) = HeaderValue::from_str(request_id) {
            headers.insert(REQUEST_ID, value);
        }
    }
}

fn span(target: &Target<'_, '_>, parts: &Parts, request_id: &str) -> Span {
    let span = tracing::info_span!(
        "http",
        otel.name = target.route(),
        otel.kind = "server",
        http.request.method = method_name(&parts.method),
        http.route = target.route(),
        http.response.status_code = field::Empty,
        request_id,
    );
    if parts.headers.contains_key(TRACEPARENT) && !span.is_disabled() {
        let parent = opentelemetry::global::get_text_map_propagator(|propagator| {
            propagator.extract(&Carrier(&parts.headers))
        });
        if let Err(error) = span.set_parent(parent) {
            tracing::debug!(%error, "the trace of the caller cannot be continued");
        }
    }
    span
}

struct Carrier<'a>(&'a HeaderMap);

impl Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// The method, if it is a usual one: metrics must not grow by what clients invent.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Refusal {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Problem::internal(anyhow::anyhow!("panic: {text}")).into()
}

/// A refusal as a gRPC client reads it: a status in the headers, of the media type the client spoke.
fn grpc_refusal(refusal: Refusal, language: Language, media_type: HeaderValue) -> Response {
    let status = match refusal {
        Refusal::Own(problem, _) => problem.into_status(language),
        Refusal::Service(status) => status,
    };
    let mut response = status.into_http::<tonic::body::Body>().map(Body::new);
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    response
}

fn wrong_method(method: &Method, allowed: &[Method], exchange: &Exchange) -> Response {
    let mut names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    let mut response = if *method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let http = Some(StatusCode::METHOD_NOT_ALLOWED);
        problem::respond(own::method_not_allowed(), http, &exchange.request_id, exchange.language)
    };
    if let Ok(allow) = HeaderValue::from_str(&names.join(", ")) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

fn document(media_type: &'static str, body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-cache")], body).into_response()
}

//! One visit of one page: in which language, by whom, and how its answer is made.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use askama::Template;
use axum::{
    Extension,
    body::Body,
    extract::{FromRequestParts, Query},
    response::Response,
};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use mpp_kit::{caller::NETWORK, fault::Language};
use mpp_proto::{
    identity::v1::{GetCurrentSessionRequest, get_current_session_response::Principal},
    queue::v1::{Hall, ListHallsRequest},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tonic::{Code, Request, Status, metadata::MetadataValue};
use tonic_types::StatusExt as _;

use super::{
    WebState, assets, cases, inbox,
    words::{self, Words},
};
use crate::{
    edge::{ContentPolicy, REQUEST_ID},
    problem,
    session::{self, Sessions},
};

/// The cookie that remembers the language.
const LANGUAGE_COOKIE: &str = "mpp_lang";
/// How long it does: a year.
const LANGUAGE_AGE: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// How long a page waits for a service.
const PATIENCE: Duration = Duration::from_secs(10);
/// Halls a person can choose from; more than any installation has.
const HALLS: i32 = 200;

/// What a page is rendered with besides its own content; `p` in the templates.
pub(crate) struct Frame {
    /// `id` or `en`.
    pub(crate) lang: &'static str,
    /// Where the assets are.
    pub(crate) assets: &'static str,
    /// The words.
    pub(crate) t: &'static Words,
    /// This page in Indonesian.
    pub(crate) switch_id: String,
    /// This page in English.
    pub(crate) switch_en: String,
}

impl Frame {
    /// Words that the scripts of the page say, as JSON for a block of data within it: who comes over a slow line does not
    /// fetch all words for the sake of a few.
    pub(crate) fn words_of(&self, keys: &[&str]) -> String {
        let words: BTreeMap<&str, &str> = keys.iter().map(|key| (*key, self.t[key].as_str())).collect();
        // Strings alone cannot fail to be written; and nothing in them may end the block.
        serde_json::to_string(&words).unwrap_or_default().replace('<', "\\u003c")
    }
}

/// A visit. Extracted from the request; never fails.
pub(crate) struct Visit {
    /// The headers of the request.
    pub(crate) headers: HeaderMap,
    /// The language: asked for, remembered, or Indonesian. What the browser prefers does not count: the hall speaks
    /// Indonesian to whoever does not choose.
    pub(crate) language: Language,
    chosen: bool,
    path: String,
    query: Vec<(String, String)>,
    sessions: Arc<Sessions>,
}

/// What a handler answers, or what a step of it comes to. The error is the page to show instead: `?` answers with it at once.
pub(crate) type Answer<T = Response> = Result<T, Response>;

/// Who is signed in.
pub(crate) struct Viewer {
    /// `Bearer …`, for further calls.
    authorization: HeaderValue,
    /// The account or device, acc_… or dev_….
    pub(crate) id: String,
    /// What people call the account or device.
    pub(crate) name: String,
    /// The hall of a device.
    pub(crate) hall: Option<String>,
    /// How many messages wait to be read; `None` when that is not known, and of a device.
    pub(crate) unread: Option<i64>,
    /// Whether it distributes the complaints of the regency, by grant or by acting in that office (Plt., Plh.), which no permission
    /// of the session tells.
    pub(crate) coordinates: bool,
    permissions: BTreeSet<String>,
}

impl Viewer {
    /// Whether some grant holds this permission.
    pub(crate) fn may(&self, permission: &str) -> bool {
        self.permissions.contains(permission)
    }
}

/// What the header of the pages of officials offers to who is signed in; `menu` in the templates.
pub(crate) struct Menu {
    /// What people call the account.
    pub(crate) who: String,
    /// The desk of letters and its signing box.
    pub(crate) letters: bool,
    /// What was issued.
    pub(crate) documents: bool,
    /// The editor of letter types.
    pub(crate) types: bool,
    /// The offices and what stands at the head of their letters.
    pub(crate) offices: bool,
    /// The work lists of complaints.
    pub(crate) cases: bool,
    /// The complaint desk.
    pub(crate) intake: bool,
    /// The board of lateness.
    pub(crate) lateness: bool,
    /// The papers for the Ombudsman.
    pub(crate) evidence: bool,
    /// What is configured of complaints or messages.
    pub(crate) settings: bool,
    /// How many messages wait to be read; empty for none, and when that is not known.
    pub(crate) unread: String,
}

impl Menu {
    /// By what somebody may do.
    pub(crate) fn of(viewer: &Viewer) -> Self {
        Self {
            who: viewer.name.clone(),
            letters: viewer.may("documents.work"),
            documents: viewer.may("documents.read"),
            types: viewer.may("documents.catalogue"),
            offices: viewer.may("documents.office"),
            cases: viewer.may("complaints.read"),
            intake: viewer.may("complaints.file"),
            lateness: viewer.may("complaints.board"),
            evidence: viewer.may(cases::AUDIT) || viewer.coordinates,
            settings: viewer.may("complaints.configure") || viewer.may("notifications.configure"),
            unread: inbox::badge(viewer.unread),
        }
    }
}

/// Pages of a list that are read at most; beyond it a list is not for choosing from.
const LIST_PAGES: usize = 25;

/// A whole list, page by page: `ask` answers the rows after a page token, and the next token.
///
/// # Errors
/// The status of the first page that could not be read.
pub(crate) async fn whole<T, F>(mut ask: impl FnMut(String) -> F) -> Result<Vec<T>, Status>
where
    F: Future<Output = Result<(Vec<T>, String), Status>>,
{
    let (mut all, mut page_token) = (Vec::new(), String::new());
    for _ in 0..LIST_PAGES {
        let (rows, next) = ask(page_token).await?;
        all.extend(rows);
        page_token = next;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(all)
}

/// Rows of a page of a list that are asked for; the most that the services give.
pub(crate) const PAGE: i32 = 200;

/// Every row of a list of a service, [`whole`]: its client, the list that is asked for with what narrows it down, and the
/// rows in the answer.
macro_rules! every {
    (
        $visit:expr, $viewer:expr, $service:expr,
        $list:ident($request:ident { $($field:ident: $value:expr),* $(,)? }).$rows:ident
    ) => {
        $crate::web::visit::whole(|page_token| async move {
            let request = $request { $($field: $value,)* page_size: $crate::web::visit::PAGE, page_token };
            let answer = $service.clone().$list($visit.call(request, $viewer)).await?.into_inner();
            Ok((answer.$rows, answer.next_page_token))
        })
    };
}
pub(crate) use every;

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = <Extension<Arc<Sessions>> as FromRequestParts<S>>::Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let Extension(sessions) = Extension::<Arc<Sessions>>::from_request_parts(parts, state).await?;
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map(|Query(query)| query)
            .unwrap_or_default();
        let (asked, query): (Vec<_>, Vec<_>) = query.into_iter().partition(|(name, _)| name == "lang");
        let asked = asked.iter().find_map(|(_, code)| words::from_code(code));
        let language = asked.or_else(|| cookie(&parts.headers, LANGUAGE_COOKIE).and_then(words::from_code));
        Ok(Self {
            headers: parts.headers.clone(),
            language: language.unwrap_or(Language::Id),
            chosen: asked.is_some(),
            path: parts.uri.path().to_owned(),
            query,
            sessions,
        })
    }
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|one| one.trim().split_once('='))
        .find(|one| one.0 == name)
        .map(|one| one.1)
}

impl Visit {
    /// A parameter of the address.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The words of its language.
    pub(crate) fn words(&self) -> &'static Words {
        Words::of(self.language)
    }

    /// The frame of its page.
    pub(crate) fn frame(&self) -> Frame {
        Frame {
            lang: words::code(self.language),
            assets: assets::base(),
            t: self.words(),
            switch_id: self.address(Some(Language::Id)),
            switch_en: self.address(Some(Language::En)),
        }
    }

    /// Its path and parameters, in another language if one is given.
    fn address(&self, language: Option<Language>) -> String {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut pairs: Vec<String> =
            self.query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        pairs.extend(language.map(|language| format!("lang={}", words::code(language))));
        if pairs.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, pairs.join("&")) }
    }

    /// Renders a page.
    pub(crate) fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        let Ok(html) = page.render() else { return bare(StatusCode::INTERNAL_SERVER_ERROR) };
        let mut response = Response::new(Body::from(html));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.remember(headers);
        response
    }

    /// A file, shown in the browser, or saved under a name if one is given. Never kept by anybody in between.
    pub(crate) fn file(&self, content: Vec<u8>, media_type: &str, save_as: Option<&str>) -> Response {
        let known = ["application/pdf", "image/jpeg", "image/png", "image/svg+xml", "text/csv"];
        let media_type = known.into_iter().find(|known| *known == media_type);
        let mut response = Response::new(Body::from(content));
        response.extensions_mut().insert(ContentPolicy::File);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(media_type.unwrap_or("application/octet-stream")),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        let disposition = match save_as {
            None if media_type.is_some() => "inline".to_owned(),
            None => "attachment".to_owned(),
            // RFC 6266: the plain name for old programs, the whole one for all others.
            Some(name) => format!(
                "attachment; filename=\"{}\"; filename*=UTF-8''{}",
                name.chars()
                    .map(|letter| match letter {
                        '.' | '-' | '_' => letter,
                        letter if letter.is_ascii_alphanumeric() => letter,
                        _ => '-',
                    })
                    .collect::<String>(),
                utf8_percent_encode(name, NON_ALPHANUMERIC)
            ),
        };
        if let Ok(disposition) = HeaderValue::try_from(disposition) {
            headers.insert(header::CONTENT_DISPOSITION, disposition);
        }
        response
    }

    /// Renders a page that shows a file of ours within itself.
    pub(crate) fn framing_page(&self, status: StatusCode, page: &impl Template) -> Response {
        let mut response = self.page(status, page);
        response.extensions_mut().insert(ContentPolicy::Framing);
        response
    }

    /// Renders a page that may ask where its visitor is.
    pub(crate) fn locating_page(&self, status: StatusCode, page: &impl Template) -> Response {
        let mut response = self.page(status, page);
        response.extensions_mut().insert(ContentPolicy::Locating);
        response
    }

    /// Remembers a language that was chosen.
    fn remember(&self, headers: &mut HeaderMap) {
        if !self.chosen {
            return;
        }
        let secure = if self.sessions.is_secure() { "; Secure" } else { "" };
        let (code, age) = (words::code(self.language), LANGUAGE_AGE.as_secs());
        let text = format!("{LANGUAGE_COOKIE}={code}; Path=/; SameSite=Lax; HttpOnly; Max-Age={age}{secure}");
        headers.insert(header::SET_COOKIE, HeaderValue::try_from(text).expect("a cookie of plain ASCII"));
    }

    /// To another page.
    pub(crate) fn redirect(&self, to: &str) -> Response {
        let Ok(location) = HeaderValue::try_from(to) else { return self.broken() };
        let mut response = bare(StatusCode::SEE_OTHER);
        response.headers_mut().insert(header::LOCATION, location);
        self.remember(response.headers_mut());
        response
    }

    /// To the sign-in page, and back here afterwards.
    pub(crate) fn sign_in_first(&self) -> Response {
        self.redirect(&format!("/masuk?ke={}", utf8_percent_encode(&self.address(None), NON_ALPHANUMERIC)))
    }

    fn error(&self, status: StatusCode, heading: &str, detail: &str, action: (&str, &str)) -> Response {
        let page = ErrorPage {
            p: self.frame(),
            status: status.as_u16(),
            heading,
            detail,
            action: action.0,
            action_href: action.1,
        };
        self.page(status, &page)
    }

    /// A friendly 404 with the words under this key.
    pub(crate) fn missing(&self, key: &str) -> Response {
        let t = self.words();
        self.error(StatusCode::NOT_FOUND, &t[key], &t[&format!("{key}_detail")], (&t["error.home"], "/"))
    }

    /// What is shown to who may not see this.
    pub(crate) fn forbidden(&self) -> Response {
        let t = self.words();
        let back = format!("/masuk?ke={}", utf8_percent_encode(&self.address(None), NON_ALPHANUMERIC));
        self.error(
            StatusCode::FORBIDDEN,
            &t["error.403"],
            &t["error.403_detail"],
            (&t["signin.submit"], &back),
        )
    }

    /// What is shown when something failed that the visitor cannot help.
    pub(crate) fn broken(&self) -> Response {
        let t = self.words();
        self.error(
            StatusCode::SERVICE_UNAVAILABLE,
            &t["error.500"],
            &t["error.500_detail"],
            (&t["again"], &self.address(None)),
        )
    }

    /// A QR of the hall that is no longer good.
    pub(crate) fn stale_code(&self) -> Response {
        let t = self.words();
        self.error(StatusCode::FORBIDDEN, &t["error.site"], &t["error.site_detail"], (&t["error.home"], "/"))
    }

    /// What a refusal of a service looks like as a page.
    pub(crate) fn refused(&self, status: &Status) -> Response {
        match status.code() {
            Code::Unauthenticated => self.sign_in_first(),
            Code::PermissionDenied => self.forbidden(),
            Code::NotFound | Code::InvalidArgument => self.missing("error.404"),
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::AlreadyExists
            | Code::ResourceExhausted
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss => {
                tracing::warn!(code = ?status.code(), "a page could not be made: a service refused or did not answer");
                self.broken()
            }
        }
    }

    /// The sentence of a refusal, in the language of the call; a general one if the service gave none.
    pub(crate) fn sentence(&self, status: &Status) -> String {
        let told = status.get_error_details().localized_message().map(|message| message.message.clone());
        told.unwrap_or_else(|| format!("{}.", problem::title(status.code()).1.in_language(self.language)))
    }

    /// A call to a service, for somebody or for nobody in particular.
    pub(crate) fn call<T>(&self, message: T, viewer: Option<&Viewer>) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(PATIENCE);
        let metadata = request.metadata_mut();
        metadata.insert("accept-language", MetadataValue::from_static(words::code(self.language)));
        if let Some(id) =
            self.headers.get(REQUEST_ID).and_then(|id| MetadataValue::try_from(id.as_bytes()).ok())
        {
            metadata.insert("x-request-id", id);
        }
        let authorization =
            viewer.and_then(|viewer| MetadataValue::try_from(viewer.authorization.as_bytes()).ok());
        if let Some(authorization) = authorization {
            metadata.insert("authorization", authorization);
        }
        request
    }

    /// A call that hands in a report: complaints hears from which network it comes.
    pub(crate) fn report<T>(&self, message: T, viewer: Option<&Viewer>) -> Request<T> {
        let mut request = self.call(message, viewer);
        let network = self.headers.get(NETWORK).and_then(|it| MetadataValue::try_from(it.as_bytes()).ok());
        if let Some(network) = network {
            request.metadata_mut().insert(NETWORK, network);
        }
        request
    }

    /// A call to a service with a token of the gateway's own.
    pub(crate) fn call_with<T>(&self, message: T, bearer: &HeaderValue) -> Request<T> {
        let mut request = self.call(message, None);
        if let Ok(bearer) = MetadataValue::try_from(bearer.as_bytes()) {
            request.metadata_mut().insert("authorization", bearer);
        }
        request
    }

    /// Who is signed in, if anybody is.
    ///
    /// # Errors
    /// The status of the identity service if it could not be asked.
    pub(crate) async fn viewer(&self, state: &WebState) -> Result<Option<Viewer>, Status> {
        let Some(authorization) = self.sessions.authorization(&self.headers).await? else { return Ok(None) };
        if session::bearer_token(&authorization).is_none() {
            return Ok(None);
        }
        let nobody = Viewer {
            authorization,
            id: String::new(),
            name: String::new(),
            hall: None,
            unread: None,
            coordinates: false,
            permissions: BTreeSet::new(),
        };
        let answer = match state
            .identity
            .clone()
            .get_current_session(self.call(GetCurrentSessionRequest {}, Some(&nobody)))
            .await
        {
            Ok(answer) => answer.into_inner(),
            Err(status) if status.code() == Code::Unauthenticated => return Ok(None),
            Err(status) => return Err(status),
        };
        let permissions = answer.permissions.into_iter().collect();
        Ok(match answer.principal {
            Some(Principal::Account(account)) => {
                let viewer = Viewer { id: account.id, name: account.display_name, permissions, ..nobody };
                let (unread, coordinates) = tokio::join!(
                    state.unread.of(state, self, &viewer),
                    state.coordinators.has(state, self, &viewer)
                );
                Some(Viewer { unread, coordinates, ..viewer })
            }
            Some(Principal::Device(device)) => Some(Viewer {
                id: device.id,
                name: device.label,
                hall: Some(device.hall_id),
                permissions,
                ..nobody
            }),
            None => None,
        })
    }

    /// The halls that somebody may see.
    ///
    /// # Errors
    /// The status of the queue service.
    pub(crate) async fn halls(&self, state: &WebState, viewer: &Viewer) -> Result<Vec<Hall>, Status> {
        let request =
            self.call(ListHallsRequest { page_size: HALLS, page_token: String::new() }, Some(viewer));
        Ok(state.queue.clone().list_halls(request).await?.into_inner().halls)
    }
}

#[derive(Template)]
#[template(path = "galat.html")]
struct ErrorPage<'a> {
    p: Frame,
    status: u16,
    heading: &'a str,
    detail: &'a str,
    action: &'a str,
    action_href: &'a str,
}

fn bare(code: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

#[cfg(test)]
mod tests {
    use mpp_kit::{client::Peers, component::Role};
    use mpp_proto::identity::v1::identity_service_client::IdentityServiceClient;

    use super::*;

    async fn visit(address: &str, cookies: &'static str) -> Visit {
        let identity = IdentityServiceClient::new(Peers::new().channel(Role("identity")));
        let sessions = Arc::new(Sessions::new(identity, None).expect("sessions"));
        let request =
            http::Request::get(address).header(header::COOKIE, cookies).header(header::ACCEPT_LANGUAGE, "en");
        let (mut parts, ()) = request.extension(sessions).body(()).expect("a request").into_parts();
        Visit::from_request_parts(&mut parts, &()).await.expect("a visit")
    }

    #[tokio::test]
    async fn speaks_indonesian_until_another_language_is_chosen_and_then_remembers() {
        assert_eq!(visit("/papan", "").await.language, Language::Id);
        assert_eq!(visit("/papan", "a=b; mpp_lang=en").await.language, Language::En);
        assert_eq!(visit("/papan?lang=id", "mpp_lang=en").await.language, Language::Id);
        assert_eq!(visit("/papan?lang=fr", "mpp_lang=en").await.language, Language::En);
        let chosen = visit("/nowhere?lang=en", "").await.missing("error.404");
        assert_eq!(chosen.status(), StatusCode::NOT_FOUND);
        assert_eq!(
            chosen.headers()[header::SET_COOKIE],
            "mpp_lang=en; Path=/; SameSite=Lax; HttpOnly; Max-Age=31536000"
        );
        assert!(
            !visit("/nowhere", "mpp_lang=en")
                .await
                .missing("error.404")
                .headers()
                .contains_key(header::SET_COOKIE)
        );
    }

    #[tokio::test]
    async fn keeps_the_other_parameters_when_the_language_is_switched() {
        let visit = visit("/h/hal_1?kode=a%26b&lang=en", "").await;
        assert_eq!(visit.frame().switch_id, "/h/hal%5F1?kode=a%26b&lang=id".replace("%5F", "_"));
        assert_eq!(
            visit.sign_in_first().headers()[header::LOCATION],
            "/masuk?ke=%2Fh%2Fhal%5F1%3Fkode%3Da%2526b"
        );
    }
}

//! The codes that phones read: of the page of a ticket or an application, and of the form to take a number in the hall.

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use qrcode::{EcLevel, QrCode, render::svg};

use super::{WebState, visit::Visit};

/// Least width and height of a code, in units of its own image; pages scale it.
const SIZE: u32 = 240;
/// A token or a hall is never longer.
const LONGEST: usize = 128;

/// The code of a ticket's page: `/kiosk/qr/{token}.svg`.
pub(crate) async fn ticket(
    State(state): State<WebState>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Response {
    let token = file.strip_suffix(".svg").filter(|token| is_plain(token));
    let Some((token, base)) = token.zip(base_url(&state, &headers)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    image(&format!("{base}/t/{token}"))
}

/// The code of a page whose address ends with a secret code: `/{page}/{code}`.
pub(crate) fn page(state: &WebState, headers: &HeaderMap, page: &str, code: &str) -> Response {
    match (is_plain(code), base_url(state, headers)) {
        (true, Some(base)) => image(&format!("{base}/{page}/{code}")),
        (true, None) | (false, _) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The code that the board shows: `/papan/qr.svg?hall=…&kode=…`.
pub(crate) async fn site(State(state): State<WebState>, visit: Visit) -> Response {
    let hall = visit.parameter("hall").filter(|hall| is_plain(hall));
    let code = visit.parameter("kode").filter(|code| !code.is_empty() && code.len() <= LONGEST);
    let known = hall.zip(code).zip(base_url(&state, &visit.headers));
    let Some(((hall, code), base)) = known else { return StatusCode::NOT_FOUND.into_response() };
    image(&format!("{base}/h/{hall}?kode={}", utf8_percent_encode(code, NON_ALPHANUMERIC)))
}

/// The code of a page of ours as an image within another page: a `data:` address, so that what the code leads to stands
/// in no address that is asked for. None without an address that phones can reach.
pub(crate) fn inline(state: &WebState, headers: &HeaderMap, path: &str) -> Option<String> {
    let base = base_url(state, headers)?;
    let code = QrCode::with_error_correction_level(format!("{base}{path}"), EcLevel::M).ok()?;
    let drawing = code.render::<svg::Color<'_>>().min_dimensions(SIZE, SIZE).build();
    Some(format!("data:image/svg+xml,{}", utf8_percent_encode(&drawing, IN_DATA)))
}

/// What cannot stand in a `data:` address as it is.
const IN_DATA: &AsciiSet = &CONTROLS.add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'&').add(b'\'');

fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(plain)
}

/// The address phones can reach: the configured one, or the one this page was asked under.
fn base_url(state: &WebState, headers: &HeaderMap) -> Option<String> {
    if let Some(url) = &state.public_url {
        return Some(url.trim_end_matches('/').to_owned());
    }
    let host = headers.get(header::HOST)?.to_str().ok()?;
    host.parse::<http::uri::Authority>().ok().map(|host| format!("http://{host}"))
}

fn image(text: &str) -> Response {
    match QrCode::with_error_correction_level(text, EcLevel::M) {
        Ok(code) => {
            let drawing = code.render::<svg::Color<'_>>().min_dimensions(SIZE, SIZE).build();
            let media_type = (header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
            // The address holds what nobody else should know.
            ([media_type, (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"))], drawing)
                .into_response()
        }
        // Only a text that is too long for a code cannot be drawn.
        Err(_) => StatusCode::URI_TOO_LONG.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use mpp_kit::{client::Peers, clock::SystemClock, component::Role};
    use mpp_proto::{
        complaints::v1::complaints_service_client::ComplaintsServiceClient,
        documents::v1::documents_service_client::DocumentsServiceClient,
        identity::v1::identity_service_client::IdentityServiceClient,
        notifications::v1::notifications_service_client::NotificationsServiceClient,
        queue::v1::queue_service_client::QueueServiceClient,
    };

    use super::*;

    fn state(public_url: Option<&str>) -> WebState {
        let peers = Peers::new();
        WebState {
            documents: DocumentsServiceClient::new(peers.channel(Role("documents"))),
            complaints: ComplaintsServiceClient::new(peers.channel(Role("complaints"))),
            notifications: NotificationsServiceClient::new(peers.channel(Role("notifications"))),
            unread: std::sync::Arc::new(super::super::inbox::Unread::new(std::sync::Arc::new(SystemClock))),
            coordinators: std::sync::Arc::new(super::super::cases::Coordinators::new()),
            halls: std::sync::Arc::new(super::super::today::Halls::new(std::sync::Arc::new(|| {
                Box::pin(async { anyhow::bail!("no token here") })
            }))),
            file_limit: 3 << 20,
            form_limit: 20 << 20,
            queue: QueueServiceClient::new(peers.channel(Role("queue"))),
            identity: IdentityServiceClient::new(peers.channel(Role("identity"))),
            public_url: public_url.map(str::to_owned),
        }
    }

    #[test]
    fn the_code_leads_to_the_configured_address_else_to_the_one_that_was_asked() {
        let mut headers = HeaderMap::new();
        assert_eq!(base_url(&state(None), &headers), None);
        headers.insert(header::HOST, HeaderValue::from_static("10.0.0.5:8080"));
        assert_eq!(base_url(&state(None), &headers).as_deref(), Some("http://10.0.0.5:8080"));
        assert_eq!(
            base_url(&state(Some("https://antre.example.go.id/")), &headers).as_deref(),
            Some("https://antre.example.go.id")
        );
        headers.insert(header::HOST, HeaderValue::from_static("evil.example/path?<svg>"));
        assert_eq!(base_url(&state(None), &headers), None);
    }

    #[tokio::test]
    async fn draws_a_ticket_and_refuses_what_is_no_token() {
        let state = state(Some("https://antre.example.go.id"));
        let drawn = ticket(State(state.clone()), Path("abc-DEF_123.svg".to_owned()), HeaderMap::new()).await;
        assert_eq!(
            (drawn.status(), &drawn.headers()[header::CONTENT_TYPE]),
            (StatusCode::OK, &HeaderValue::from_static("image/svg+xml"))
        );
        let body = axum::body::to_bytes(drawn.into_body(), usize::MAX).await.expect("a body");
        assert!(
            body.windows(4).any(|part| part == b"<svg") && !body.windows(6).any(|part| part == b"style=")
        );
        for file in ["abc", ".svg", "a/b.svg", "a%22.svg", "a b.svg"] {
            assert_eq!(
                ticket(State(state.clone()), Path(file.to_owned()), HeaderMap::new()).await.status(),
                StatusCode::NOT_FOUND,
                "{file}"
            );
        }
    }
}

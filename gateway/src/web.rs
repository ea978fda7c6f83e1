//! The web pages: server-rendered shells for the counter console, kiosk, board and control room, whose small scripts
//! talk to the REST API like any other client; and the two pages a citizen meets on a phone, which work without a script.
//!
//! Nothing here decides anything: a page shows what the services answer to the caller's own token. Words live in
//! `gateway/web/i18n`, looks in `gateway/web/css`, behaviour in `gateway/web/js`.

use axum::{Router, extract::State, response::Response, routing::get};
use http::HeaderMap;
use mpp_kit::client::PeerChannel;
use mpp_proto::{
    identity::v1::identity_service_client::IdentityServiceClient,
    queue::v1::queue_service_client::QueueServiceClient,
};

mod assets;
mod citizen;
mod pages;
mod qr;
mod visit;
mod words;

use visit::Visit;

/// What the pages need.
#[derive(Debug, Clone)]
pub struct WebState {
    /// The queue service.
    pub queue: QueueServiceClient<PeerChannel>,
    /// The identity service.
    pub identity: IdentityServiceClient<PeerChannel>,
    /// The address people use, if it is configured.
    pub public_url: Option<String>,
}

/// The routes of the pages. They expect an `Extension<Arc<Sessions>>`, to know whose browser asks.
pub fn router(state: WebState) -> Router {
    Router::new()
        .route("/", get(pages::landing))
        // A form that is sent before its script has loaded must not put a password into the address.
        .route("/masuk", get(pages::sign_in).post(pages::sign_in))
        .route("/loket", get(pages::desk))
        .route("/kendali", get(pages::control_room))
        .route("/kiosk", get(pages::kiosk).post(pages::kiosk))
        .route("/kiosk/qr/{file}", get(qr::ticket))
        .route("/papan", get(pages::board).post(pages::board))
        .route("/papan/qr.svg", get(qr::site))
        .route("/t/{token}", get(citizen::ticket))
        .route("/h/{hall}", get(citizen::onsite_form).post(citizen::onsite_issue))
        .route("/assets/{*path}", get(assets::serve))
        .fallback(not_found)
        .with_state(state)
}

/// A page for people; programs get the bare status, which the gateway turns into a problem.
async fn not_found(State(_): State<WebState>, headers: HeaderMap, visit: Visit) -> Response {
    let accepts = headers.get(http::header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") {
        visit.missing("error.404")
    } else {
        let mut bare = Response::new(axum::body::Body::empty());
        *bare.status_mut() = http::StatusCode::NOT_FOUND;
        bare
    }
}

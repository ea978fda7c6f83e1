//! `/berhenti/{token}`: where a mail program ends digests. What it means is the service's matter.

use axum::{
    body::Body,
    extract::{Path, State},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use mpp_proto::notifications::v1::UnsubscribeRequest;
use tonic::{Code, Status};

use super::{WebState, visit::Visit};

/// A mail program ends digests (RFC 8058): its form holds nothing that is needed.
pub(super) async fn unsubscribe(
    State(state): State<WebState>,
    Path(token): Path<String>,
    visit: Visit,
) -> Response {
    let request = UnsubscribeRequest { token };
    match state.notifications.clone().unsubscribe(visit.call(request, None)).await {
        Ok(_) => answer(StatusCode::OK, String::new()),
        Err(status) => answer(status_of(&status), String::new()),
    }
}

/// What is a fault of the call is not called again; what is ours is.
fn status_of(status: &Status) -> StatusCode {
    const OF_THE_CALL: [(Code, StatusCode); 3] = [
        (Code::Unauthenticated, StatusCode::UNAUTHORIZED),
        (Code::NotFound, StatusCode::NOT_FOUND),
        (Code::InvalidArgument, StatusCode::BAD_REQUEST),
    ];
    let found = OF_THE_CALL.iter().find(|(code, _)| *code == status.code());
    found.map_or(StatusCode::SERVICE_UNAVAILABLE, |(_, http)| *http)
}

fn answer(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

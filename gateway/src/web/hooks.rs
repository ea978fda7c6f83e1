//! `/hooks/whatsapp/{account}`: where Meta calls, and `/berhenti/{token}`, where a mail program ends digests. What is told is
//! passed on byte for byte, for its signature is over the bytes; what it means is the services' matter.

use std::collections::BTreeMap;

use axum::{
    body::{Body, Bytes},
    extract::{Path, Query, State},
    response::Response,
};
use futures::{
    FutureExt as _,
    future::{BoxFuture, join_all},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use mpp_proto::notifications::v1::{
    ReceiveWhatsAppWebhookRequest, UnsubscribeRequest, VerifyWhatsAppWebhookRequest,
};
use tonic::{Code, Status};

use super::{WebState, visit::Visit};

/// The largest call, in bytes: what Meta sends at most.
pub(super) const LARGEST: usize = 3 << 20;

/// The header that a call is signed in.
const SIGNATURE: &str = "x-hub-signature-256";

/// A call as it came.
#[derive(Clone)]
struct Call {
    /// Our account at WhatsApp, by its key in the settings.
    account: String,
    signature: String,
    body: Bytes,
}

/// A service that takes calls of WhatsApp. It checks the signature itself and bears repetitions: when one of them fails, Meta
/// calls all of them again.
type Receiver = fn(&WebState, &Visit, Call) -> BoxFuture<'static, Result<(), Status>>;

/// Everybody who is told.
const RECEIVERS: &[Receiver] = &[notifications];

fn notifications(state: &WebState, visit: &Visit, call: Call) -> BoxFuture<'static, Result<(), Status>> {
    let mut client = state.notifications.clone();
    let request = visit.call(
        ReceiveWhatsAppWebhookRequest {
            channel_account: call.account,
            signature: call.signature,
            body: call.body.to_vec(),
        },
        None,
    );
    async move { client.receive_whats_app_webhook(request).await.map(|_| ()) }.boxed()
}

/// A webhook is called.
pub(super) async fn receive(
    State(state): State<WebState>,
    Path(account): Path<String>,
    headers: HeaderMap,
    visit: Visit,
    body: Bytes,
) -> Response {
    let signature = headers.get(SIGNATURE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let call = Call { account, signature: signature.to_owned(), body };
    let told = join_all(RECEIVERS.iter().map(|receiver| receiver(&state, &visit, call.clone()))).await;
    let failed = told.into_iter().find_map(Result::err);
    answer(failed.as_ref().map_or(StatusCode::OK, status_of), String::new())
}

/// Meta asks whether the address is ours: who presents our token gets its challenge back, bare.
pub(super) async fn shake_hands(
    State(state): State<WebState>,
    Path(account): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    visit: Visit,
) -> Response {
    let text = |name: &str| query.get(name).cloned().unwrap_or_default();
    let request = VerifyWhatsAppWebhookRequest {
        channel_account: account,
        mode: text("hub.mode"),
        verify_token: text("hub.verify_token"),
        challenge: text("hub.challenge"),
    };
    match state.notifications.clone().verify_whats_app_webhook(visit.call(request, None)).await {
        Ok(response) => answer(StatusCode::OK, response.into_inner().challenge),
        // To Meta a wrong token is a matter of permission.
        Err(status) if status.code() == Code::Unauthenticated => answer(StatusCode::FORBIDDEN, String::new()),
        Err(status) => answer(status_of(&status), String::new()),
    }
}

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
    match status.code() {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::InvalidArgument => StatusCode::BAD_REQUEST,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn answer(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

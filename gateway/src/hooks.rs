//! `/hooks/{channel}/{account}`: where Meta's webhooks arrive. The bytes go on as they came, because the signature is over
//! them; what they mean is the services' matter.
//!
//! Answers are quick and say little: 200 when everything is stored, 401 or 403 when the signature does not hold, and 503
//! when a service is away: then the same is delivered again, and repetitions change nothing.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, RawQuery, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use mpp_kit::client::PeerChannel;
use mpp_proto::complaints::v1::{
    GetChannelChallengeRequest, ReceiveChannelWebhookRequest,
    complaints_service_client::ComplaintsServiceClient,
};
use tonic::{Code, Status, metadata::MetadataMap};

use crate::edge::REQUEST_ID;

/// The largest delivery, in bytes: Meta gathers up to a thousand updates in one.
const LARGEST: usize = 3 << 20;
const SIGNATURE: &str = "x-hub-signature-256";

/// What the webhooks need.
#[derive(Debug, Clone)]
pub(crate) struct Hooks {
    complaints: ComplaintsServiceClient<PeerChannel>,
}

impl Hooks {
    pub(crate) fn new(complaints: PeerChannel) -> Self {
        let complaints =
            ComplaintsServiceClient::new(complaints).max_encoding_message_size(LARGEST + (64 << 10));
        Self { complaints }
    }
}

/// The routes.
pub(crate) fn router(state: Hooks) -> Router {
    Router::new()
        .route("/hooks/{channel}/{account}", get(challenge).post(receive))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(state)
}

/// The handshake of a subscription: the bare challenge.
async fn challenge(
    State(state): State<Hooks>,
    Path((channel, account)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let value = |wanted: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let request = GetChannelChallengeRequest {
        channel,
        account,
        mode: value("hub.mode"),
        verify_token: value("hub.verify_token"),
        challenge: value("hub.challenge"),
    };
    match state.complaints.clone().get_channel_challenge(call(request, &headers)).await {
        Ok(answer) => {
            let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (plain, answer.into_inner().challenge).into_response()
        }
        Err(status) => refusal(&status),
    }
}

async fn receive(
    State(state): State<Hooks>,
    Path((channel, account)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let signature = headers.get(SIGNATURE).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let request = ReceiveChannelWebhookRequest { channel, account, body: body.to_vec(), signature };
    match state.complaints.clone().receive_channel_webhook(call(request, &headers)).await {
        Ok(_) => StatusCode::OK.into_response(),
        Err(status) => refusal(&status),
    }
}

/// What a delivery is answered when it was not taken. Whatever would fail again in the same way is a 4xx; of a service that
/// is away, Meta hears 503 and delivers again.
fn refusal(status: &Status) -> Response {
    match status.code() {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::AlreadyExists
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => StatusCode::SERVICE_UNAVAILABLE,
    }
    .into_response()
}

fn call<T>(message: T, headers: &HeaderMap) -> tonic::Request<T> {
    let mut forwarded = HeaderMap::new();
    if let Some(id) = headers.get(REQUEST_ID) {
        forwarded.insert(REQUEST_ID, id.clone());
    }
    let mut request = tonic::Request::new(message);
    *request.metadata_mut() = MetadataMap::from_headers(forwarded);
    request.set_timeout(std::time::Duration::from_secs(10));
    request
}

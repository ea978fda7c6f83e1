//! `/hooks/{channel}/{account}`: where Meta's webhooks arrive. The bytes go on as they came, because the signature is over
//! them; what they mean is the services' matter.
//!
//! What Meta delivers is of two kinds in one: messages of citizens are the complaints service's, statuses of what was sent and
//! who may be written to are the notifications service's. One callback address per app is all that Meta gives, so both get
//! everything.
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
use mpp_kit::{client::PeerChannel, meta};
use mpp_proto::{
    complaints::v1::{
        GetChannelChallengeRequest, ReceiveChannelWebhookRequest,
        complaints_service_client::ComplaintsServiceClient,
    },
    notifications::v1::{
        ReceiveDirectWebhookRequest, ReceiveWhatsAppWebhookRequest, VerifyWhatsAppWebhookRequest,
        notifications_service_client::NotificationsServiceClient,
    },
};
use tonic::{Code, Status, metadata::MetadataMap};

use crate::edge::REQUEST_ID;

/// The largest delivery, in bytes: Meta gathers up to a thousand updates in one.
const LARGEST: usize = 3 << 20;
/// The channel whose handshake both services know.
const WHATSAPP: &str = "whatsapp";

/// What the webhooks need.
#[derive(Debug, Clone)]
pub(crate) struct Hooks {
    complaints: ComplaintsServiceClient<PeerChannel>,
    notifications: NotificationsServiceClient<PeerChannel>,
}

impl Hooks {
    pub(crate) fn new(complaints: PeerChannel, notifications: PeerChannel) -> Self {
        Self {
            complaints: ComplaintsServiceClient::new(complaints),
            notifications: NotificationsServiceClient::new(notifications),
        }
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
    let (mode, verify_token, challenge) =
        (value("hub.mode"), value("hub.verify_token"), value("hub.challenge"));
    let (mut complaints, mut notifications) = (state.complaints.clone(), state.notifications.clone());
    let ours = async {
        let request = GetChannelChallengeRequest {
            channel: channel.clone(),
            account: account.clone(),
            mode: mode.clone(),
            verify_token: verify_token.clone(),
            challenge: challenge.clone(),
        };
        complaints.get_channel_challenge(call(request, &headers)).await.map(|it| it.into_inner().challenge)
    };
    let theirs = async {
        if channel != WHATSAPP {
            return Err(Status::not_found("of no concern"));
        }
        let (channel_account, mode) = (account.clone(), mode.clone());
        let (verify_token, challenge) = (verify_token.clone(), challenge.clone());
        let request = VerifyWhatsAppWebhookRequest { channel_account, mode, verify_token, challenge };
        notifications
            .verify_whats_app_webhook(call(request, &headers))
            .await
            .map(|it| it.into_inner().challenge)
    };
    // One token permits a subscription, whichever service it is set at.
    match futures::join!(ours, theirs) {
        (Ok(challenge), _) | (_, Ok(challenge)) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], challenge).into_response()
        }
        (Err(ours), Err(theirs)) => {
            let status = refusal(&worse(ours, theirs));
            // Another token than ours is refused, whichever service looked: Meta sends no credentials that it could renew.
            if status == StatusCode::UNAUTHORIZED { StatusCode::FORBIDDEN } else { status }.into_response()
        }
    }
}

async fn receive(
    State(state): State<Hooks>,
    Path((channel, account)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let signature =
        headers.get(meta::SIGNATURE).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let (mut complaints, mut notifications) = (state.complaints.clone(), state.notifications.clone());
    let ours = async {
        let (channel, account, signature) = (channel.clone(), account.clone(), signature.clone());
        let request = ReceiveChannelWebhookRequest { channel, account, body: body.to_vec(), signature };
        complaints.receive_channel_webhook(call(request, &headers)).await.map(|_| ())
    };
    let theirs = async {
        let (channel_account, signature, body) = (account.clone(), signature.clone(), body.to_vec());
        if channel == WHATSAPP {
            let request = ReceiveWhatsAppWebhookRequest { channel_account, signature, body };
            notifications.receive_whats_app_webhook(call(request, &headers)).await.map(|_| ())
        } else {
            let network = channel.clone();
            let request = ReceiveDirectWebhookRequest { network, channel_account, signature, body };
            notifications.receive_direct_webhook(call(request, &headers)).await.map(|_| ())
        }
    };
    let status = match futures::join!(ours, theirs) {
        (Ok(()), Ok(())) => StatusCode::OK,
        // An account that only one of them knows is that one's.
        (Ok(()), Err(other)) | (Err(other), Ok(())) if other.code() == Code::NotFound => StatusCode::OK,
        (Ok(()), Err(status)) | (Err(status), Ok(())) => refusal(&status),
        (Err(ours), Err(theirs)) => refusal(&worse(ours, theirs)),
    };
    status.into_response()
}

/// The refusal that says more: not to know an account says least.
fn worse(one: Status, other: Status) -> Status {
    let weight = |status: &Status| refusal(status).as_u16() * u16::from(status.code() != Code::NotFound);
    if weight(&other) > weight(&one) { other } else { one }
}

/// What a delivery is answered when it was not taken. Whatever would fail again in the same way is a 4xx; of a service that
/// is away, Meta hears 503 and delivers again.
fn refusal(status: &Status) -> StatusCode {
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

//! Whether the process lives, and whether the roles it needs answer.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::{StatusCode, uri::PathAndQuery};
use mpp_kit::{client::PeerChannel, component::Role};
use serde_json::json;
use tokio::time::timeout;
use tonic::{Code, Request, client::Grpc};

use crate::codec::BytesCodec;

/// How long a role may take to say that it is well.
const PATIENCE: Duration = Duration::from_secs(2);
const CHECK: PathAndQuery = PathAndQuery::from_static("/grpc.health.v1.Health/Check");
/// `HealthCheckResponse { status: SERVING }`.
const SERVING: &[u8] = &[0x08, 0x01];

/// Asks every role. The answer is 200 if all of them serve, else 503, with the state of each.
pub(crate) async fn ready(roles: &[(Role, PeerChannel)]) -> (StatusCode, serde_json::Value) {
    let states =
        join_all(roles.iter().map(|(role, channel)| async { (role.0, state(channel.clone()).await) })).await;
    let is_ready = states.iter().all(|(_, state)| *state == "serving");
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let roles: serde_json::Map<_, _> =
        states.into_iter().map(|(role, state)| (role.to_owned(), json!(state))).collect();
    (status, json!({"status": if is_ready { "ready" } else { "not ready" }, "roles": roles}))
}

/// Asks one role by the standard health service.
async fn state(channel: PeerChannel) -> &'static str {
    let mut client = Grpc::new(channel);
    let request = Request::new(Bytes::new());
    match timeout(PATIENCE, client.unary(request, CHECK, BytesCodec)).await {
        Ok(Ok(answer)) if answer.get_ref() == SERVING => "serving",
        Ok(Ok(_)) => "not serving",
        // It answers, only not about its health.
        Ok(Err(status)) if status.code() == Code::Unimplemented => "serving",
        Ok(Err(_)) => "unreachable",
        Err(_) => "no answer",
    }
}

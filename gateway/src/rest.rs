//! REST calls: JSON in, one gRPC call, JSON out; and server-streaming RPCs as event streams.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use mpp_kit::{fault::Problem, idempotency};
use mpp_proto::queue::v1::WatchBoardRequest;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use tokio::sync::Semaphore;
use tonic::{Code, Extensions, Request, client::Grpc, metadata::MetadataMap};

use crate::{
    catalog::{Binding, Rpc},
    codec::BytesCodec,
    edge::{Exchange, GRPC_TIMEOUT, Gateway, Refusal},
    problem::own,
    session, sse,
    stream::{self, Relay},
    transcode,
};

const CREATE_DEVICE_SESSION: &str = "/mpp.identity.v1.IdentityService/CreateDeviceSession";
const DELETE_SESSION: &str = "/mpp.identity.v1.IdentityService/DeleteCurrentSession";
/// The stream that is shared by all who watch the same hall.
const WATCH_BOARD: &str = "/mpp.queue.v1.QueueService/WatchBoard";

/// Makes a unary call.
pub(crate) async fn unary(
    gateway: &Gateway,
    exchange: &Exchange,
    binding: &Binding,
    segments: &[&str],
    parts: &Parts,
    body: Body,
) -> Result<Response, Refusal> {
    let rpc = &*binding.rpc;
    let limit = if rpc.carries_file { gateway.file_body_limit } else { gateway.body_limit };
    let body = if binding.has_body { read(body, &parts.headers, limit).await? } else { Bytes::new() };
    let message = transcode::request(binding, segments, parts.uri.query(), &parts.headers, &body)?;
    let mut headers = exchange.forwarded.clone();
    if !headers.contains_key(GRPC_TIMEOUT) {
        // The upstream gives up when nobody waits any more.
        let milliseconds = gateway.request_timeout.as_millis().min(99_999_999);
        headers.insert(
            GRPC_TIMEOUT,
            HeaderValue::try_from(format!("{milliseconds}m")).map_err(Problem::internal)?,
        );
    }
    let mut client = Grpc::new(gateway.channel(rpc)?);
    let answer = client.unary(request(headers, &message), rpc.path.clone(), BytesCodec).await;
    let answer = match answer {
        Ok(answer) => answer,
        // A session that is gone already leaves no cookie behind either.
        Err(status) if rpc.path == DELETE_SESSION && status.code() == Code::Unauthenticated => {
            let mut response = crate::problem::from_status(&status, &exchange.request_id, exchange.language);
            session_cookie(gateway, rpc, &parts.headers, None, response.headers_mut())?;
            return Ok(response);
        }
        Err(status) => return Err(status.into()),
    };
    let (metadata, bytes, _) = answer.into_parts();
    let message = transcode::response(&rpc.output, bytes)?;
    let mut response = Response::new(Body::from(transcode::json(&message)?));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if binding.method == Method::GET
        && let Some(etag) = transcode::etag(rpc, &message)
    {
        headers.insert(header::ETAG, etag);
    }
    let metadata = metadata.into_headers();
    if let Some(told) = metadata.get(idempotency::REPLAYED) {
        headers.insert(idempotency::REPLAYED, told.clone());
    }
    session_cookie(gateway, rpc, &parts.headers, metadata.get(session::SESSION_METADATA), headers)?;
    Ok(response)
}

/// Opens an event stream.
pub(crate) async fn watch(
    gateway: &Gateway,
    exchange: &Exchange,
    binding: &Binding,
    segments: &[&str],
    parts: &Parts,
) -> Result<Response, Refusal> {
    let rpc = &binding.rpc;
    let message = transcode::request(binding, segments, parts.uri.query(), &parts.headers, &[])?;
    let place = |streams: &Arc<Semaphore>| {
        streams.clone().try_acquire_owned().map_err(|_| Refusal::from(own::too_many_streams()))
    };
    // Who holds the code of one ticket may open as many views of it as there are. A hall's boards and consoles, which come back
    // every ten minutes, always find one.
    let public = rpc.is_public().then(|| place(&gateway.public_streams)).transpose()?;
    let permit = (place(&gateway.streams)?, public);
    let events = if rpc.path == WATCH_BOARD {
        let request =
            WatchBoardRequest::decode(message.encode_to_vec().as_slice()).map_err(Problem::internal)?;
        // The hub reads with a token of its own, so what each watcher may see is checked here.
        let caller = exchange.caller.as_ref();
        let caller = match caller {
            Some(caller) => caller,
            None => return Err(reason_for_nobody(gateway, exchange).await.into()),
        };
        if !caller.has(&rpc.permission) {
            let problem = Problem { reason: "PERMISSION_MISSING", ..Problem::denied() };
            return Err(problem.with("permission", &rpc.permission).into());
        }
        // As the queue says it: what is out of reach is not there for the caller.
        if !caller.allows(&rpc.permission, &[("hall", &request.hall)]) {
            return Err(Problem::not_found("aula layanan", "hall").with("thing", "hall").into());
        }
        gateway.hub.watch(&request, exchange.language).await?
    } else {
        let mut headers = exchange.forwarded.clone();
        headers.remove(GRPC_TIMEOUT);
        let mut client = Grpc::new(gateway.channel(rpc)?);
        let call = client.server_streaming(request(headers, &message), rpc.path.clone(), BytesCodec);
        let upstream =
            tokio::time::timeout(gateway.request_timeout, call).await.map_err(|_| own::too_slow())??;
        let relay = Relay {
            rpc: rpc.clone(),
            clock: gateway.clock.clone(),
            heartbeat: gateway.heartbeat,
            instance: exchange.request_id.clone(),
            language: exchange.language,
        };
        relay.start(upstream.into_inner())
    };
    // A stream lasts no longer than the token it was opened with; a browser comes back with its cookie and gets a new one.
    let expires_at =
        exchange.caller.as_ref().filter(|_| !rpc.is_public()).and_then(|caller| caller.expires_at);
    let events = stream::until_end(events, expires_at, &gateway.clock, gateway.shutdown.wait(), permit);
    Ok(sse::response(events))
}

/// Why there is no caller: no token, or one that does not verify.
async fn reason_for_nobody(gateway: &Gateway, exchange: &Exchange) -> Problem {
    let token = exchange.forwarded.get(header::AUTHORIZATION).and_then(session::bearer_token);
    match token {
        Some(token) => {
            gateway.verifier.verify_shared(token).await.err().unwrap_or_else(Problem::unauthenticated)
        }
        None => Problem::unauthenticated(),
    }
}

fn request(headers: HeaderMap, message: &DynamicMessage) -> Request<Bytes> {
    Request::from_parts(MetadataMap::from_headers(headers), Extensions::new(), message.encode_to_vec().into())
}

/// Reads a JSON body within the limit.
async fn read(body: Body, headers: &HeaderMap, limit: usize) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::Own(own::body_too_large(limit), Some(StatusCode::PAYLOAD_TOO_LARGE));
    let told =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if told.is_some_and(|told| told > limit as u64) {
        return Err(too_large());
    }
    let body = match Limited::new(body, limit).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
        Err(_) => return Err(own::body_broken().into()),
    };
    let is_json = headers.get(header::CONTENT_TYPE).is_none_or(is_json);
    if body.is_empty() || is_json {
        Ok(body)
    } else {
        Err(Refusal::Own(own::not_json(), Some(StatusCode::UNSUPPORTED_MEDIA_TYPE)))
    }
}

fn is_json(media_type: &HeaderValue) -> bool {
    let essence = media_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Turns the secret of a new session into a cookie, and removes the cookie of one that was ended.
pub(crate) fn session_cookie(
    gateway: &Gateway,
    rpc: &Rpc,
    request: &HeaderMap,
    secret: Option<&HeaderValue>,
    response: &mut HeaderMap,
) -> Result<(), Problem> {
    let sessions = &gateway.sessions;
    let cookie = if let Some(secret) = secret {
        let secret = secret
            .to_str()
            .map_err(|_| Problem::internal(anyhow::anyhow!("the session secret is not text")))?;
        sessions.set_cookie(secret, rpc.path == CREATE_DEVICE_SESSION)
    } else if rpc.path == DELETE_SESSION {
        sessions.forget(request);
        sessions.clear_cookie()
    } else {
        return Ok(());
    };
    response.append(header::SET_COOKIE, cookie.map_err(Problem::internal)?);
    Ok(())
}

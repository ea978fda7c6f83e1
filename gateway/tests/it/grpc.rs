//! gRPC and gRPC-web through the gateway, to a role in this process and to one behind a socket.

use axum::body::Body;
use base64::Engine as _;
use bytes::{Buf as _, Bytes};
use futures::future::join_all;
use http::Request;
use http_body_util::BodyExt as _;
use mpp_gateway::Rate;
use mpp_proto::queue::v1::{
    CallNextRequest, GetTicketByTokenRequest, GetTicketByTokenResponse, WatchTicketRequest,
    queue_service_client::QueueServiceClient,
};
use prost::Message as _;
use tonic::{Code, transport::Channel};
use tonic_types::StatusExt as _;

use crate::fake::{Gate, SECRET};

const BASE64: base64::engine::GeneralPurpose = base64::engine::general_purpose::STANDARD;

async fn client(gate: &Gate) -> QueueServiceClient<Channel> {
    let address = gate.listen().await;
    let endpoint = tonic::transport::Endpoint::from_shared(address).expect("an address");
    QueueServiceClient::new(endpoint.connect().await.expect("a connection"))
}

async fn apart() -> Gate {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    Gate::build(|config| config.rate.enabled = false, Some(listener)).await
}

/// More calls than h2 permits empty frames on one connection: a proxy that adds one per call dies at the 101st.
#[tokio::test]
async fn native_calls_and_streams_pass_through_many_times() {
    let gate = apart().await;
    let mut client = client(&gate).await;
    for n in 0..250 {
        let request = GetTicketByTokenRequest { token: format!("t{n}") };
        let answer =
            client.get_ticket_by_token(request).await.unwrap_or_else(|status| panic!("call {n}: {status}"));
        assert_eq!(answer.into_inner().ticket.expect("a ticket").number, format!("t{n}"));
    }
    let stream = client.watch_ticket(WatchTicketRequest { token: "abc".into() }).await.expect("a stream");
    let message = stream.into_inner().message().await.expect("a message").expect("one");
    assert_eq!(message.ticket.expect("a ticket").number, "abc");
}

#[tokio::test]
async fn refusals_of_the_gateway_and_of_services_are_grpc_statuses() {
    let gate = Gate::with(|config| config.rate.anonymous = Rate { per_second: 1, burst: 5 }).await;
    let mut client = client(&gate).await;
    let status = client.call_next(CallNextRequest::default()).await.expect_err("nobody signed in");
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.get_details_error_info().expect("info").reason, "TOKEN_MISSING");
    let unknown = Request::post("/mpp.other.v1.Service/Method").header("content-type", "application/grpc");
    let response = gate.send(unknown.body(Body::empty()).expect("a request")).await;
    assert_eq!(response.headers()["grpc-status"], "12");
    // All at once: one after the other, on a slow machine, they may be slower than what is permitted anew.
    let calls = (0..30).map(|_| {
        let mut client = client.clone();
        async move { client.get_ticket_by_token(GetTicketByTokenRequest::default()).await }
    });
    let status = join_all(calls).await.into_iter().find_map(Result::err).expect("a limit");
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.get_details_error_info().expect("info").reason, "RATE_LIMITED");
}

/// A gRPC-web message: a flag, a length, and the message.
fn frame(message: &impl prost::Message) -> Vec<u8> {
    let encoded = message.encode_to_vec();
    let length = u32::try_from(encoded.len()).expect("small").to_be_bytes();
    [&[0][..], &length, &encoded].concat()
}

/// The messages and the trailers of a gRPC-web body.
fn frames(mut body: Bytes) -> (Vec<Bytes>, String) {
    let (mut messages, mut trailers) = (Vec::new(), String::new());
    while body.has_remaining() {
        let (flag, length) = (body.get_u8(), body.get_u32() as usize);
        let part = body.split_to(length);
        if flag & 0x80 == 0 {
            messages.push(part)
        } else {
            trailers = String::from_utf8_lossy(&part).into_owned()
        }
    }
    (messages, trailers)
}

async fn web(gate: &Gate, method: &str, media_type: &str, body: Vec<u8>) -> http::Response<Body> {
    let request = Request::post(format!("/mpp.queue.v1.QueueService/{method}"))
        .header("content-type", media_type)
        .header("accept", media_type)
        .header("x-grpc-web", "1")
        .header("content-length", body.len());
    gate.send(request.body(Body::from(body)).expect("a request")).await
}

#[tokio::test]
async fn grpc_web_goes_both_ways_in_binary_and_text() {
    for gate in [Gate::start().await, apart().await] {
        let message = frame(&GetTicketByTokenRequest { token: "abc".into() });
        let response = web(&gate, "GetTicketByToken", "application/grpc-web+proto", message.clone()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/grpc-web+proto");
        let (messages, trailers) = frames(response.into_body().collect().await.expect("a body").to_bytes());
        assert!(trailers.contains("grpc-status:0"), "{trailers}");
        let ticket = GetTicketByTokenResponse::decode(messages[0].clone()).expect("a message").ticket;
        assert_eq!(ticket.expect("a ticket").number, "abc");

        let text = BASE64.encode(&message).into_bytes();
        let response = web(&gate, "GetTicketByToken", "application/grpc-web-text", text).await;
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        // Each piece is encoded on its own; padding ends one.
        let decoded: Vec<u8> = String::from_utf8_lossy(&body)
            .split_inclusive('=')
            .fold(Vec::<String>::new(), |mut pieces, piece| {
                match pieces.last_mut().filter(|last| piece == "=" && last.ends_with('=')) {
                    Some(last) => last.push('='),
                    None => pieces.push(piece.to_owned()),
                }
                pieces
            })
            .iter()
            .flat_map(|piece| BASE64.decode(piece).expect("base64"))
            .collect();
        let (messages, trailers) = frames(decoded.into());
        assert_eq!(messages.len(), 1);
        assert!(trailers.contains("grpc-status:0"), "{trailers}");
    }
}

#[tokio::test]
async fn grpc_web_of_a_browser_uses_the_cookie_and_only_from_our_pages() {
    let gate = Gate::start().await;
    let call = |origin: &'static str| {
        Request::post("/mpp.queue.v1.QueueService/CallNext")
            .header("content-type", "application/grpc-web+proto")
            .header("cookie", format!("mpp_session={SECRET}"))
            .header("host", "antre.test")
            .header("origin", origin)
            .body(Body::from(frame(&CallNextRequest { counter: "c1".into(), ..CallNextRequest::default() })))
            .expect("a request")
    };
    let response = gate.send(call("http://antre.test")).await;
    let (messages, _) = frames(response.into_body().collect().await.expect("a body").to_bytes());
    assert_eq!(messages.len(), 1);
    let refused = gate.send(call("http://evil.test")).await;
    assert_eq!(refused.headers()["grpc-status"], "7");
    assert_eq!(refused.headers()["content-type"], "application/grpc-web+proto");
}

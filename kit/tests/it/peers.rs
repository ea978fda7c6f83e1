//! Calls between roles: in one process and over HTTP/2.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use mpp_kit::auth::Policies;
use mpp_kit::client::{PeerChannel, Peers};
use mpp_kit::fault::{Language, Problem};
use mpp_kit::server::{GrpcService, StackOptions, serve};
use mpp_kit::shutdown::Shutdown;
use prost::Message as _;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

use crate::stack::{ROLE, Setup, request};

const LIST: &str = "/mpp.queue.v1.QueueService/ListHalls";
const CALL: &str = "/mpp.queue.v1.QueueService/CallNext";

async fn served(service: GrpcService) -> (String, Shutdown, tokio::task::JoinHandle<anyhow::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = Shutdown::new();
    let server = tokio::spawn(serve(listener, service, shutdown.clone()));
    (url, shutdown, server)
}

async fn send(channel: &PeerChannel, request: Request<Body>) -> Response<Body> {
    let Ok(response) = channel.clone().oneshot(request).await;
    response
}

#[tokio::test]
async fn a_channel_binds_late_and_passes_the_same_stack_either_way() {
    let setup = Setup::new(StackOptions::default());
    let token = format!("Bearer {}", setup.token(&["queue.read"]));
    let headers = [("authorization", token.as_str()), ("content-type", "application/grpc")];
    let peers = Peers::new();
    let channel = peers.channel(ROLE);
    let nobody = Status::from_header_map(send(&channel, request(LIST, &headers)).await.headers()).unwrap();
    assert_eq!(nobody.code(), Code::Unavailable);
    assert_eq!(nobody.get_details_error_info().unwrap().reason, "PEER_UNAVAILABLE");
    peers.local(ROLE, setup.service.clone());
    assert_eq!(send(&channel, request(LIST, &headers)).await.headers()["caller"], "acc_1");
    let (url, shutdown, server) = served(setup.service.clone()).await;
    peers.remote(ROLE, &url).unwrap();
    assert_eq!(send(&channel, request(LIST, &headers)).await.headers()["caller"], "acc_1");
    let refused = Status::from_header_map(send(&channel, request(LIST, &[])).await.headers()).unwrap();
    assert_eq!(refused.get_details_error_info().unwrap().reason, "TOKEN_MISSING", "details survive the way");
    shutdown.trigger();
    tokio::time::timeout(Duration::from_secs(5), server).await.expect("the server drains").unwrap().unwrap();
    let gone = Status::from_header_map(send(&channel, request(LIST, &headers)).await.headers()).unwrap();
    assert_eq!(gone.get_details_error_info().unwrap().reason, "PEER_UNAVAILABLE");
    assert!(peers.remote(ROLE, "not a url").is_err());
}

/// Answers UNAVAILABLE a number of times, then how much came in, and that it was done before.
fn failing(times: usize) -> (GrpcService, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let service = GrpcService::new(tower::service_fn(move |request: Request<Body>| {
        let call = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            if call < times {
                let problem = Problem::unavailable(anyhow::anyhow!("restarting"), Duration::from_secs(1));
                return Ok(problem.into_status(Language::En).into_http());
            }
            let done = Response::builder().header("length", body.len()).header("idempotent-replayed", "true");
            Ok(done.body(Body::empty()).unwrap())
        }
    }));
    (service, calls)
}

/// A request with one message of a type that has a `request_id`.
fn call_next(request_id: &str) -> Request<Body> {
    let message =
        mpp_proto::queue::v1::CallNextRequest { request_id: request_id.into(), ..Default::default() };
    let message = message.encode_to_vec();
    let mut frame = vec![0];
    frame.extend((message.len() as u32).to_be_bytes());
    frame.extend(message);
    request(CALL, &[("content-type", "application/grpc")]).map(|_| Body::new(Full::new(Bytes::from(frame))))
}

#[tokio::test]
async fn only_what_cannot_have_a_second_effect_is_repeated() {
    let policies = Arc::new(Policies::from_descriptors(mpp_proto::DESCRIPTORS).unwrap());
    for (what, fails, request, calls, answered) in [
        ("read only", 2, request(LIST, &[("content-type", "application/grpc")]), 3, true),
        ("read only, too often", 9, request(LIST, &[("content-type", "application/grpc")]), 3, false),
        ("with a request id", 1, call_next("r1"), 2, true),
        ("without a request id", 1, call_next(""), 1, false),
    ] {
        let (service, counted) = failing(fails);
        let (url, _shutdown, _server) = served(service).await;
        let peers = Peers::retrying(Arc::clone(&policies));
        peers.remote(ROLE, &url).unwrap();
        let answer = send(&peers.channel(ROLE), request).await;
        assert_eq!(answer.headers().contains_key("length"), answered, "{what}");
        assert_eq!(counted.load(Ordering::SeqCst), calls, "{what}");
    }
}

/// The attempt that was answered with UNAVAILABLE may have done it. To who called once, that is no other request.
#[tokio::test]
async fn what_a_repetition_finds_done_is_not_said_to_be_of_an_earlier_request() {
    let policies = Arc::new(Policies::from_descriptors(mpp_proto::DESCRIPTORS).unwrap());
    for (fails, told) in [(0, true), (1, false), (2, false)] {
        let (service, _) = failing(fails);
        let (url, _shutdown, _server) = served(service).await;
        let peers = Peers::retrying(Arc::clone(&policies));
        peers.remote(ROLE, &url).unwrap();
        let answer = send(&peers.channel(ROLE), call_next("r1")).await;
        assert!(answer.headers().contains_key("length"), "{fails}");
        assert_eq!(answer.headers().contains_key("idempotent-replayed"), told, "{fails}");
    }
}

#[tokio::test]
async fn what_is_left_of_a_deadline_goes_along() {
    // The first role's handler calls the second one, which tells the time it was given.
    let inner = GrpcService::new(tower::service_fn(|request: Request<Body>| async move {
        let left = request.headers().get("grpc-timeout").cloned();
        let mut response = Response::new(Body::empty());
        if let Some(left) = left {
            response.headers_mut().insert("left", left);
        }
        Ok(response)
    }));
    let second = mpp_kit::component::Role("second");
    let peers = Peers::new();
    peers.local(second, inner);
    let channel = peers.channel(second);
    let router = axum::Router::new().fallback(move |_: Request<axum::body::Body>| {
        let channel = channel.clone();
        async move { send(&channel, request("/any.Service/Method", &[])).await }
    });
    let policies = Arc::new(Policies::from_descriptors(mpp_proto::DESCRIPTORS).unwrap());
    let verifier = Arc::new(mpp_kit::testing::Issuer::new()).verifier(Arc::new(mpp_kit::clock::SystemClock));
    let outer = mpp_kit::server::stack(ROLE, router.into(), policies, verifier, StackOptions::default());
    let public = "/mpp.queue.v1.QueueService/GetTicketByToken";
    let answer = outer.oneshot(request(public, &[("grpc-timeout", "500m")])).await.unwrap();
    let left = answer.headers()["left"].to_str().unwrap().strip_suffix('u').unwrap().parse::<u64>().unwrap();
    assert!((400_000..=490_000).contains(&left), "{left} µs");
}

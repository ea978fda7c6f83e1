//! The tower stack before a hand-made handler, so that each layer is met on purpose.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use mpp_kit::auth::Policies;
use mpp_kit::caller::{Caller, CallerKind};
use mpp_kit::clock::{Clock, SystemClock};
use mpp_kit::component::Role;
use mpp_kit::fault::{Language, Problem};
use mpp_kit::server::{GrpcService, StackOptions, stack, with_health_and_reflection};
use mpp_kit::shutdown::Shutdown;
use mpp_kit::testing::{Issuer, scope};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

const LIST: &str = "/mpp.queue.v1.QueueService/ListHalls";
const CALL: &str = "/mpp.queue.v1.QueueService/CallNext";
const PUBLIC: &str = "/mpp.queue.v1.QueueService/GetTicketByToken";
const WATCH: &str = "/mpp.queue.v1.QueueService/WatchTicket";

pub(crate) const ROLE: Role = Role("queue");

/// Does what the header `do` says.
pub(crate) async fn handler(request: Request<axum::body::Body>) -> Response<axum::body::Body> {
    let caller = request.extensions().get::<Arc<Caller>>().cloned().unwrap();
    let language = caller.language;
    let what =
        request.headers().get("do").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let refuse = |status: Status| status.into_http::<axum::body::Body>();
    match what.as_str() {
        "panic" => panic!("with a secret in it"),
        "internal" => refuse(Problem::internal(anyhow::anyhow!("a secret table")).into_status(language)),
        "bare" => refuse(Status::internal("a secret in a bare status")),
        "not-found" => refuse(Problem::not_found("tiket", "ticket").into_status(language)),
        "again" | "again-refused" => {
            mpp_kit::idempotency::note_replay();
            if what == "again" {
                Response::new(axum::body::Body::empty())
            } else {
                refuse(Problem::not_found("tiket", "ticket").into_status(language))
            }
        }
        "sleep" => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Response::new(axum::body::Body::empty())
        }
        "stream" => {
            let frames = futures::stream::iter([Ok::<_, Status>(Frame::data(Bytes::from_static(b"one")))])
                .chain(futures::stream::pending());
            Response::new(axum::body::Body::new(StreamBody::new(frames)))
        }
        _ => Response::builder()
            .header("caller", &caller.id)
            .header("kind", caller.kind.to_string())
            .body(axum::body::Body::empty())
            .unwrap(),
    }
}

pub(crate) struct Setup {
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) service: GrpcService,
}

impl Setup {
    pub(crate) fn new(options: StackOptions) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let issuer = Arc::new(Issuer::new());
        let policies = Arc::new(Policies::from_descriptors(mpp_proto::DESCRIPTORS).unwrap());
        let routes = Routes::from(axum::Router::new().fallback(handler));
        let service = stack(ROLE, routes, policies, issuer.verifier(clock), options);
        Self { issuer, service }
    }

    pub(crate) fn token(&self, permissions: &[&str]) -> String {
        self.issuer.token(&SystemClock, "acc_1", &[(permissions, scope(&[]))])
    }

    async fn send(&self, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        self.service.clone().oneshot(request(path, headers)).await.unwrap()
    }

    async fn status(&self, path: &str, headers: &[(&str, &str)]) -> Status {
        Status::from_header_map(self.send(path, headers).await.headers()).expect("it is refused")
    }
}

pub(crate) fn request(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::post(format!("http://queue{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

/// What was logged.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Logged {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn attempts_at_what_is_audited_are_logged_with_who_tried() {
    // For all threads: where another thread is the first to pass a place in the code at which a span begins, a subscriber of this
    // thread alone may never hear of it.
    let logged = Logged::default();
    let writer = logged.clone();
    tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();
    let setup = Setup::new(StackOptions::default());
    let bearer = |permissions: &[&str]| {
        let token = setup.issuer.token(&SystemClock, "acc_tries", &[(permissions, scope(&[]))]);
        format!("Bearer {token}")
    };
    let refusals = || -> Vec<String> {
        let log = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
        let is_ours =
            |line: &&str| line.contains("an audited call was refused") && line.contains("acc_tries");
        log.lines().filter(is_ours).map(str::to_owned).collect()
    };
    let (reader, caller) = (bearer(&["queue.read"]), bearer(&["queue.call"]));
    setup.send(CALL, &[("authorization", &caller)]).await;
    setup.status(LIST, &[("authorization", &caller)]).await;
    setup.status(LIST, &[("authorization", &reader), ("do", "not-found")]).await;
    assert_eq!(
        refusals(),
        Vec::<String>::new(),
        "a call that went well, and refusals of what is not audited"
    );
    setup.status(CALL, &[("authorization", &reader)]).await;
    setup.status(CALL, &[("authorization", &caller), ("do", "not-found")]).await;
    let refusals = refusals();
    assert_eq!(refusals.len(), 2, "without the permission, and out of reach");
    assert!(refusals.iter().all(|line| line.contains("CallNext")), "{refusals:?}");
}

fn reason(status: &Status) -> String {
    let info = status.get_details_error_info().expect("each refusal has an ErrorInfo");
    assert_eq!(info.domain, "mpp");
    info.reason
}

#[tokio::test]
async fn only_who_has_the_permission_of_the_contract_gets_through() {
    let setup = Setup::new(StackOptions::default());
    let bearer = |token: String| format!("Bearer {token}");
    let missing = setup.status(LIST, &[]).await;
    assert_eq!((missing.code(), reason(&missing).as_str()), (Code::Unauthenticated, "TOKEN_MISSING"));
    let scheme = setup.status(LIST, &[("authorization", "Basic eDp5")]).await;
    assert_eq!(reason(&scheme), "TOKEN_INVALID");
    let rubbish = setup.status(LIST, &[("authorization", "Bearer x.y.z")]).await;
    assert_eq!((rubbish.code(), reason(&rubbish).as_str()), (Code::Unauthenticated, "TOKEN_INVALID"));
    let reader = bearer(setup.token(&["queue.read"]));
    let denied = setup.status(CALL, &[("authorization", &reader)]).await;
    assert_eq!((denied.code(), reason(&denied).as_str()), (Code::PermissionDenied, "PERMISSION_MISSING"));
    assert_eq!(denied.get_details_error_info().unwrap().metadata["permission"], "queue.call");
    let answer = setup.send(LIST, &[("authorization", &reader)]).await;
    assert_eq!(answer.headers()["caller"], "acc_1");
    assert_eq!(answer.headers()["kind"], CallerKind::Staff.to_string());
}

#[tokio::test]
async fn a_public_method_takes_anybody_and_an_old_token_does_not_harm() {
    let setup = Setup::new(StackOptions::default());
    assert_eq!(setup.send(PUBLIC, &[]).await.headers()["caller"], "anonymous");
    assert_eq!(setup.send(PUBLIC, &[("authorization", "Bearer old")]).await.headers()["caller"], "anonymous");
    let token = format!("Bearer {}", setup.token(&[]));
    assert_eq!(setup.send(PUBLIC, &[("authorization", &token)]).await.headers()["caller"], "acc_1");
}

#[tokio::test]
async fn an_answer_that_was_given_before_says_so_and_no_other_does() {
    let setup = Setup::new(StackOptions::default());
    let replayed = async |what: &str| {
        let answer = setup.send(PUBLIC, &[("do", what)]).await;
        answer.headers().get("idempotent-replayed").map(|told| told.to_str().unwrap().to_owned())
    };
    assert_eq!(replayed("again").await.as_deref(), Some("true"));
    assert_eq!(replayed("").await, None, "what one request was noted of says nothing of the next");
    assert_eq!(replayed("again-refused").await, None);
    // Outside of a request there is nobody to be told.
    mpp_kit::idempotency::note_replay();
}

#[tokio::test]
async fn what_has_no_policy_is_refused_even_with_every_permission() {
    let setup = Setup::new(StackOptions::default());
    let token = format!("Bearer {}", setup.token(&["queue.read", "public", "authenticated", ""]));
    for path in
        ["/mpp.queue.v1.QueueService/Nothing", "/other.Service/Method", "/", "/grpc.health.v1.Healthy/Check"]
    {
        let status = setup.status(path, &[("authorization", &token)]).await;
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::PermissionDenied, "NO_POLICY"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_internal_failure_shows_nothing_of_itself_in_the_callers_language() {
    let setup = Setup::new(StackOptions::default());
    for what in ["panic", "internal", "bare"] {
        for (language, message) in [
            ("en", "The system failed. Please try again."),
            ("id", "Terjadi kesalahan pada sistem. Silakan coba lagi."),
        ] {
            let response = setup.send(PUBLIC, &[("do", what), ("accept-language", language)]).await;
            assert!(
                response.headers().iter().all(|(_, value)| !format!("{value:?}").contains("secret")),
                "{what}"
            );
            let status = Status::from_header_map(response.headers()).unwrap();
            assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "INTERNAL"), "{what}");
            assert!(!String::from_utf8_lossy(status.details()).contains("secret"), "{what}");
            assert_eq!(status.get_details_localized_message().unwrap().message, message);
        }
    }
    let found = setup.status(PUBLIC, &[("do", "not-found"), ("accept-language", "en")]).await;
    assert_eq!(found.get_details_localized_message().unwrap().message, "Ticket not found.");
    assert_eq!(Language::from_accept_language("en"), Language::En);
}

#[tokio::test]
async fn a_request_ends_at_its_deadline_or_ours_whichever_is_first() {
    let options = StackOptions { deadline_max: Duration::from_millis(600), ..StackOptions::default() };
    let setup = Setup::new(options);
    for (asked, earliest, latest) in
        [("50m", 50, 500), ("1H", 600, 5000), ("rubbish", 600, 5000), ("123456789S", 600, 5000)]
    {
        let since = std::time::Instant::now();
        let status = setup.status(PUBLIC, &[("do", "sleep"), ("grpc-timeout", asked)]).await;
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
            "{asked}"
        );
        let took = since.elapsed().as_millis();
        assert!((earliest..latest).contains(&took), "{asked} took {took} ms");
    }
}

#[tokio::test]
async fn what_is_too_much_is_refused_at_once_and_probes_still_pass() {
    let setup = Setup::new(StackOptions { in_flight: 1, ..StackOptions::default() });
    let slow = setup.send(PUBLIC, &[("do", "sleep"), ("grpc-timeout", "1S")]);
    let fast = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let refused = setup.status(PUBLIC, &[]).await;
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "OVERLOADED"));
        assert!(refused.get_details_retry_info().unwrap().retry_delay.is_some());
        let probe = setup.send("/grpc.health.v1.Health/Check", &[]).await;
        assert_eq!(probe.headers()["caller"], "anonymous");
    };
    tokio::join!(slow, fast);
    assert_eq!(setup.send(PUBLIC, &[]).await.headers()["caller"], "anonymous", "the place is free again");
    let streams =
        [setup.send(WATCH, &[("do", "stream")]).await, setup.send(WATCH, &[("do", "stream")]).await];
    assert!(
        streams.iter().all(|stream| !stream.headers().contains_key("grpc-status")),
        "streams take no place"
    );
}

#[tokio::test]
async fn a_stream_outlives_the_deadline_and_ends_at_shutdown() {
    let shutdown = Shutdown::new();
    let options = StackOptions {
        deadline_max: Duration::from_millis(100),
        shutdown: Some(shutdown.clone()),
        ..StackOptions::default()
    };
    let setup = Setup::new(options);
    let mut body = setup.send(WATCH, &[("do", "stream"), ("grpc-timeout", "100m")]).await.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
    let nothing = tokio::time::timeout(Duration::from_millis(300), body.frame()).await;
    assert!(nothing.is_err(), "the stream goes on");
    shutdown.trigger();
    let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
    let status = Status::from_header_map(&trailers).unwrap();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "SHUTTING_DOWN"));
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn health_and_reflection_answer_without_sign_in() {
    let services = ["mpp.queue.v1.QueueService"];
    let (routes, reporter) =
        with_health_and_reflection(Routes::default(), mpp_proto::DESCRIPTORS, &services).await.unwrap();
    let policies = Arc::new(Policies::from_descriptors(mpp_proto::DESCRIPTORS).unwrap());
    let verifier = Arc::new(Issuer::new()).verifier(Arc::new(SystemClock));
    let service = stack(ROLE, routes, policies, verifier, StackOptions::default());
    let mut client = tonic_health::pb::health_client::HealthClient::new(service.clone());
    let mut check = async |name: &str| {
        let request = tonic_health::pb::HealthCheckRequest { service: name.into() };
        client.check(request).await.map(|answer| answer.into_inner().status())
    };
    use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};
    assert_eq!(check("").await.unwrap(), Serving);
    assert_eq!(check(services[0]).await.unwrap(), Serving);
    reporter.set_service_status(services[0], tonic_health::ServingStatus::NotServing).await;
    assert_eq!(check(services[0]).await.unwrap(), NotServing);
    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        let mut request = request(&path, &[("content-type", "application/grpc")]);
        *request.body_mut() = Body::empty();
        let answer = service.clone().oneshot(request).await.unwrap();
        assert!(!answer.headers().contains_key("grpc-status"), "{version} streams");
    }
}

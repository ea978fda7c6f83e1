//! What leaves the process over OTLP, received by a collector of our own. A binary of its own: telemetry is started once
//! per process.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mpp_kit::auth::Policies;
use mpp_kit::client::Peers;
use mpp_kit::clock::SystemClock;
use mpp_kit::component::Role;
use mpp_kit::fault::Problem;
use mpp_kit::server::{StackOptions, serve, stack};
use mpp_kit::shutdown::Shutdown;
use mpp_kit::telemetry::{self, TelemetryConfig};
use mpp_kit::testing::Issuer;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::{Request, Response, Status};
use tower::ServiceExt as _;

/// Keeps everything it is told, as text where only its presence matters.
#[derive(Clone, Default)]
struct Collector {
    spans: Arc<Mutex<Vec<opentelemetry_proto::tonic::trace::v1::Span>>>,
    metrics: Arc<Mutex<String>>,
    logs: Arc<Mutex<String>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let spans = request.into_inner().resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        self.spans.lock().unwrap().extend(spans.flat_map(|scope| scope.spans));
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.metrics.lock().unwrap().push_str(&format!("{:?}", request.into_inner()));
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Collector {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.logs.lock().unwrap().push_str(&format!("{:?}", request.into_inner()));
        Ok(Response::new(Default::default()))
    }
}

const OUTER: Role = Role("outer");
const INNER: Role = Role("inner");
const PUBLIC: &str = "/mpp.queue.v1.QueueService/GetTicketByToken";
const WATCHED: &str = "/mpp.queue.v1.QueueService/ListOnsiteServices";

fn request(path: &str) -> http::Request<Body> {
    http::Request::post(format!("http://peer{path}"))
        .header("content-type", "application/grpc")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .header("x-request-id", "req-1")
        .body(Body::empty())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_goes_through_two_roles_and_a_failure_is_logged_once() {
    let collector = Collector::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .add_service(MetricsServiceServer::new(collector.clone()))
            .add_service(LogsServiceServer::new(collector.clone()))
            .serve_with_incoming(incoming),
    );
    let config = TelemetryConfig {
        otlp_endpoint: Some(endpoint),
        service_name: "kit-test".into(),
        ..Default::default()
    };
    let guard = telemetry::init(&config).unwrap();
    assert!(telemetry::init(&config).is_err(), "once per process");

    let policies = Arc::new(Policies::from_descriptors(mpp_proto::DESCRIPTORS).unwrap());
    let issuer = Arc::new(Issuer::new());
    let make = |role, router: axum::Router| {
        let verifier = issuer.verifier(Arc::new(SystemClock));
        stack(role, router.into(), Arc::clone(&policies), verifier, StackOptions::default())
    };
    // The inner role fails and knows the trace; it is reached over TCP.
    let inner = make(
        INNER,
        axum::Router::new().fallback(async || {
            let problem = Problem::internal(anyhow::anyhow!("the cause is {}", telemetry::trace_id()));
            problem.into_status(mpp_kit::fault::Language::En).into_http::<axum::body::Body>()
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peers = Peers::new();
    peers.remote(INNER, &format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(serve(listener, inner, Shutdown::new()));
    let channel = peers.channel(INNER);
    let outer = make(
        OUTER,
        axum::Router::new().fallback(move || {
            let channel = channel.clone();
            async move {
                // Without a traceparent of its own: the channel adds the present one.
                let mut request = request(WATCHED);
                request.headers_mut().remove("traceparent");
                let Ok(_) = channel.oneshot(request).await;
                http::Response::new(axum::body::Body::empty())
            }
        }),
    );
    outer.oneshot(request(PUBLIC)).await.unwrap();
    // Dropping blocks until all is sent; this thread must stay free to receive it.
    tokio::task::spawn_blocking(move || drop(guard)).await.unwrap();

    let deadline = Instant::now() + Duration::from_secs(10);
    while collector.spans.lock().unwrap().len() < 2 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let spans = collector.spans.lock().unwrap().clone();
    let named = |name: &str| {
        spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name}: {spans:?}"))
    };
    let (outer, inner) = (named(&PUBLIC[1..]), named(&WATCHED[1..]));
    let trace = "0af7651916cd43dd8448eb211c80319c";
    assert_eq!(hex::encode(&outer.trace_id), trace);
    assert_eq!(hex::encode(&outer.parent_span_id), "b7ad6b7169203331");
    assert_eq!((&inner.trace_id, &inner.parent_span_id), (&outer.trace_id, &outer.span_id));
    let attributes = format!("{:?}", inner.attributes);
    assert!(attributes.contains("req-1") && attributes.contains("rpc.grpc.status_code"), "{attributes}");
    let metrics = collector.metrics.lock().unwrap().clone();
    for name in ["rpc.server.call.duration", "rpc.server.active_calls", &WATCHED[1..], "INTERNAL", "kit-test"]
    {
        assert!(metrics.contains(name), "{name} in {metrics}");
    }
    let logs = collector.logs.lock().unwrap().clone();
    assert_eq!(logs.matches(&format!("the cause is {trace}")).count(), 1, "{logs}");
}

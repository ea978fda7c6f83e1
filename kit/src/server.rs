//! The tower stack that stands before every RPC, and the server that listens.
//!
//! [`stack`] is one service for both ways in: [`serve`] puts it behind a TCP listener, [`crate::client::Peers::local`]
//! hands it to the neighbours in the same process, so that a call passes the same checks either way.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::TraceContextExt as _;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tower::Service as _;
use tracing::Instrument as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::auth::{Policies, Policy, Verifier};
use crate::caller::Caller;
use crate::component::Role;
use crate::fault::{Language, Problem};
use crate::idempotency;
use crate::shutdown::Shutdown;

mod edge;
mod meters;

use edge::{Stream, leave, panicked};
use meters::Meters;

pub use edge::code_name;

/// A gRPC service with one type, whether it runs here or elsewhere.
pub type GrpcService = tower::util::BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// The header with the time a caller waits at most.
pub(crate) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long connections may take to finish their requests after a shutdown was triggered.
const DRAIN: Duration = Duration::from_secs(20);

tokio::task_local! {
    static DEADLINE: Instant;
}

/// When the request that this task works on has to be answered; `None` outside of a request.
#[must_use]
pub fn deadline() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok()
}

/// Limits of a stack.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// How many requests may be worked on at once; more are refused at once. A stream counts until it has begun.
    pub in_flight: usize,
    /// How long a request may take at most, whatever its caller asks for. Streams are not cut.
    pub deadline_max: Duration,
    /// Ends streams when the process is to end, so that it need not wait for them.
    pub shutdown: Option<Shutdown>,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self { in_flight: 1024, deadline_max: Duration::from_secs(30), shutdown: None }
    }
}

/// Adds `grpc.health.v1` and reflection (v1 and v1alpha) to the routes of a role. `descriptors` is the encoded
/// descriptor set, `services` the full names that the reporter answers for besides the empty one.
///
/// # Errors
/// When the descriptor set cannot be read.
pub async fn with_health_and_reflection(
    routes: Routes,
    descriptors: &'static [u8],
    services: &[&str],
) -> anyhow::Result<(Routes, tonic_health::server::HealthReporter)> {
    let (reporter, health) = tonic_health::server::health_reporter();
    for service in services {
        reporter.set_service_status(*service, tonic_health::ServingStatus::Serving).await;
    }
    let configure =
        || tonic_reflection::server::Builder::configure().register_encoded_file_descriptor_set(descriptors);
    // Tools disagree about the version: buf asks for v1, Python's grpcio-reflection for v1alpha.
    let routes = routes
        .add_service(health)
        .add_service(configure().build_v1()?)
        .add_service(configure().build_v1alpha()?);
    Ok((routes, reporter))
}

/// Puts the tower stack before the routes of a role. The result is cheap to clone; the limits are shared by all clones.
///
/// Make it after telemetry was set up: instruments are bound to the meter provider of that moment.
#[must_use]
pub fn stack(
    role: Role,
    routes: Routes,
    policies: Arc<Policies>,
    verifier: Arc<Verifier>,
    options: StackOptions,
) -> GrpcService {
    let routes = routes.prepare();
    let stack = Arc::new(Stack {
        role,
        policies,
        verifier,
        in_flight: Semaphore::new(options.in_flight),
        deadline_max: options.deadline_max,
        shutdown: options.shutdown,
        meters: Meters::new(),
    });
    // The layers are futures within one future, so that a call is boxed once, here, and not once per layer.
    GrpcService::new(tower::service_fn(move |request| {
        let (stack, routes) = (Arc::clone(&stack), routes.clone());
        async move { Ok(stack.answer(routes, request).await) }
    }))
}

/// Listens until shutdown, then lets requests in flight finish for up to 20 seconds.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: tokio::net::TcpListener,
    service: GrpcService,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let incoming = tonic::transport::server::TcpIncoming::from(listener)
        .with_nodelay(Some(true))
        .with_keepalive(Some(Duration::from_secs(30)));
    let serving = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        // Peers put every call and stream of a process on a few connections.
        .max_concurrent_streams(4096)
        // Room for a token with many grants, not for abuse.
        .http2_max_header_list_size(32 * 1024)
        .serve_with_incoming_shutdown(service, incoming, shutdown.wait());
    tokio::select! {
        result = serving => result?,
        () = async { shutdown.triggered().await; tokio::time::sleep(DRAIN).await } => {
            tracing::warn!(after = ?DRAIN, "some requests did not finish and were cut");
        }
    }
    Ok(())
}

struct Stack {
    role: Role,
    policies: Arc<Policies>,
    verifier: Arc<Verifier>,
    in_flight: Semaphore,
    deadline_max: Duration,
    shutdown: Option<Shutdown>,
    meters: Meters,
}

/// What the layers need to know about a request.
struct Call<'a> {
    policy: Option<&'a Policy>,
    /// Health and reflection: no policy, no sign-in, no limit.
    infrastructure: bool,
    language: Language,
}

impl Stack {
    /// The layers, outermost first. Read this function from top to bottom to know what a request meets.
    async fn answer(&self, routes: Routes, request: Request<Body>) -> Response<Body> {
        let path = request.uri().path();
        let call = Call {
            policy: self.policies.get(path),
            infrastructure: is_infrastructure(path),
            language: header_str(request.headers(), &header::ACCEPT_LANGUAGE)
                .map_or(Language::default(), Language::from_accept_language),
        };
        // Names that are not in the contract are not kept apart: their number has no bound.
        let name = call.policy.map_or_else(
            || Arc::from(if call.infrastructure { "infrastructure" } else { "unknown" }),
            |policy| Arc::clone(&policy.name),
        );

        // 1. Trace span: outermost, so that everything below, refusals too, is seen in the trace of the caller.
        let span = request_span(self.role, &name, request.headers());
        async {
            // 2. Metrics: outside of everything that may refuse, so that refusals are counted and timed as well.
            let measured = self.meters.begin(name);

            // 3. Catch panic: a panic ends one request, not the connection with all the others on it. Inside the
            //    metrics, so that it counts as an error.
            let guarded = AssertUnwindSafe(self.limited(&call, routes, request)).catch_unwind();
            let response = guarded.await.unwrap_or_else(|panic| panicked(&*panic, call.language));

            // 9. The edge: what failed inside is logged here, once, with the span around it; what leaves has details
            //    in the caller's language and nothing internal.
            let (response, code) = leave(response, call.language);
            measured.end(code);
            self.streamed(&call, response, code)
        }
        .instrument(span)
        .await
    }

    async fn limited(&self, call: &Call<'_>, routes: Routes, mut request: Request<Body>) -> Response<Body> {
        // 4. In-flight limit with load shed: what cannot be worked on now is refused in microseconds instead of waiting
        //    until its caller is gone. Before anything that costs. Probes pass, or a busy process would be taken for dead.
        let permit = if call.infrastructure { None } else { Some(self.in_flight.try_acquire()) };
        let _permit = match permit {
            Some(Err(_)) => return overloaded().into_status(call.language).into_http(),
            Some(Ok(permit)) => Some(permit),
            None => None,
        };

        // 5. Deadline: the caller's, but never beyond ours, so that no request holds its place for ever. Around the
        //    token check too, which may have to fetch keys.
        let allowed = header_str(request.headers(), &GRPC_TIMEOUT)
            .and_then(parse_timeout)
            .map_or(self.deadline_max, |asked| asked.min(self.deadline_max));
        let deadline = Instant::now() + allowed;
        let work = async {
            // 6. Authenticate: who calls.  7. Permission: whether the contract lets them call this at all. Both before
            //    the request is even decoded: who may not call learns nothing about what a valid request looks like.
            let caller = match self.admit(call, request.headers()).await {
                Ok(caller) => caller,
                Err(problem) => return problem.into_status(call.language).into_http(),
            };
            request.extensions_mut().insert(Arc::clone(&caller));
            // 8. The handler. It turns its own errors into a status; what it may see of the thing it loads is its rule.
            let mut routes = routes;
            let (answer, is_replay) = idempotency::watched(routes.call(request)).await;
            match answer {
                Ok(mut response) => {
                    if let Some(status) = Status::from_header_map(response.headers()) {
                        note_refusal(call, &caller, status.code());
                    } else if is_replay {
                        response
                            .headers_mut()
                            .insert(idempotency::REPLAYED, HeaderValue::from_static("true"));
                    }
                    response
                }
                Err(never) => match never {},
            }
        };
        match tokio::time::timeout_at(deadline, DEADLINE.scope(deadline, work)).await {
            Ok(response) => response,
            Err(_) => too_late().into_status(call.language).into_http(),
        }
    }

    async fn admit(&self, call: &Call<'_>, headers: &HeaderMap) -> Result<Arc<Caller>, Problem> {
        let Some(policy) = call.policy else {
            if call.infrastructure {
                return Ok(Arc::new(Caller::anonymous(call.language)));
            }
            return Err(Problem { reason: "NO_POLICY", ..Problem::denied() });
        };
        let public = policy.permission == Policy::PUBLIC;
        let caller = match bearer(headers) {
            Ok(Some(token)) => match self.verifier.verify_in(token, call.language).await {
                Ok(caller) => caller,
                // An old token must not keep anybody from what needs none, such as signing in again.
                Err(_) if public => Arc::new(Caller::anonymous(call.language)),
                Err(problem) => return Err(problem),
            },
            Ok(None) | Err(_) if public => Arc::new(Caller::anonymous(call.language)),
            Ok(None) => return Err(Problem::unauthenticated()),
            Err(problem) => return Err(problem),
        };
        if !public && policy.permission != Policy::AUTHENTICATED && !caller.has(&policy.permission) {
            note_refusal(call, &caller, Code::PermissionDenied);
            let problem = Problem { reason: "PERMISSION_MISSING", ..Problem::denied() };
            return Err(problem.with("permission", &policy.permission));
        }
        Ok(caller)
    }

    /// Watches over a stream that has begun: counts it, ends it at shutdown, notes how it ended.
    fn streamed(&self, call: &Call<'_>, response: Response<Body>, code: Code) -> Response<Body> {
        let Some(policy) = call.policy.filter(|policy| policy.server_streaming && code == Code::Ok) else {
            return response;
        };
        let open = self.meters.open_streams(Arc::clone(&policy.name));
        let stopped = self.shutdown.as_ref().map(|shutdown| Box::pin(shutdown.wait()) as Pin<Box<_>>);
        let (language, span) = (call.language, tracing::Span::current());
        response.map(|inner| Body::new(Stream { inner, stopped, language, span, ended: false, _open: open }))
    }
}

/// Of what the contract calls audited, a service keeps an entry with each change it makes. What is not permitted, or lies out of
/// the caller's reach, changes nothing and leaves none there: that it was tried stands in the log, with who tried.
fn note_refusal(call: &Call<'_>, caller: &Caller, code: Code) {
    let is_audited = call.policy.is_some_and(|policy| policy.audited);
    if is_audited && (code == Code::PermissionDenied || code == Code::NotFound) {
        tracing::info!(caller = caller.id, kind = %caller.kind, code = ?code, "an audited call was refused");
    }
}

fn is_infrastructure(path: &str) -> bool {
    const SERVICES: [&str; 3] = [
        "/grpc.health.v1.Health/",
        "/grpc.reflection.v1.ServerReflection/",
        "/grpc.reflection.v1alpha.ServerReflection/",
    ];
    SERVICES.iter().any(|service| path.starts_with(service))
}

fn header_str<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The bearer token of a request, if it has one.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| Some(token.trim()))
        .ok_or_else(|| Problem { reason: "TOKEN_INVALID", ..Problem::unauthenticated() })
}

/// Reads a `grpc-timeout` (at most eight digits and a unit). A malformed one is as good as none: ours still holds.
fn parse_timeout(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

fn request_span(role: Role, name: &str, headers: &HeaderMap) -> tracing::Span {
    let request_id = header_str(headers, &REQUEST_ID).filter(|id| is_plain(id));
    let span = tracing::info_span!(
        "rpc",
        otel.name = name,
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        rpc.system = "grpc",
        rpc.grpc.status_code = tracing::field::Empty,
        role = role.0,
        request_id,
    );
    if !span.is_disabled() && headers.contains_key("traceparent") {
        let parent = opentelemetry::global::get_text_map_propagator(|propagator| {
            propagator.extract(&Headers(headers))
        });
        if parent.span().span_context().is_valid() {
            // The only error is that no tracer listens; then there is nothing to be the parent of.
            let _no_tracer = span.set_parent(parent);
        }
    }
    span
}

/// A request id comes from outside: only what cannot break a log line, and is no name or number of a person, is kept.
fn is_plain(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 64
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'))
}

fn overloaded() -> Problem {
    Problem {
        reason: "OVERLOADED",
        ..Problem::new(
            Code::Unavailable,
            "OVERLOADED",
            "Sistem sedang sangat sibuk. Silakan coba lagi sebentar lagi.",
            "The system is very busy. Please try again in a moment.",
        )
        .retry_after(Duration::from_secs(1))
    }
}

fn too_late() -> Problem {
    Problem::new(
        Code::DeadlineExceeded,
        "DEADLINE_EXCEEDED",
        "Waktu tunggu habis. Silakan coba lagi.",
        "The request was not finished in time. Please try again.",
    )
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

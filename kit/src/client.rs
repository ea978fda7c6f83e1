//! Calls to other roles: a neighbour in the same process, or channels to another one. Who calls cannot tell.
//!
//! A [`PeerChannel`] binds late: it may be taken, and clients may be built on it, before its role is registered.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use opentelemetry::propagation::Injector;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::{Service, ServiceExt as _};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::auth::{Policies, Policy};
use crate::component::Role;
use crate::fault::{Language, Problem};
use crate::idempotency;
use crate::server::{self, GrpcService};

/// One HTTP/2 connection tops out well below what a process can serve; a second one nearly doubles it (measured).
const CONNECTIONS_PER_PEER: usize = 2;
/// Besides the first attempt.
const RETRIES: usize = 2;
/// What the answer needs to travel back before the caller's own deadline.
const TRAVEL: Duration = Duration::from_millis(10);

#[derive(Clone)]
enum Target {
    Local(GrpcService),
    Remote(Channel),
}

type Cell = Arc<RwLock<Option<Target>>>;

/// The other roles, wherever they run. Clones are one and the same.
#[derive(Clone, Default)]
pub struct Peers {
    cells: Arc<Mutex<HashMap<Role, Cell>>>,
    policies: Option<Arc<Policies>>,
}

impl Peers {
    /// No peer yet, and nothing is retried.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No peer yet. Calls to other processes are retried when their contract says that this is harmless.
    #[must_use]
    pub fn retrying(policies: Arc<Policies>) -> Self {
        Self { policies: Some(policies), ..Self::default() }
    }

    /// Says that a role runs in this process.
    pub fn local(&self, role: Role, service: GrpcService) {
        self.set(role, Target::Local(service));
    }

    /// Says that a role runs at a URL such as `http://queue:50051`. Connects when it is first called.
    ///
    /// # Errors
    /// When the URL cannot be one.
    pub fn remote(&self, role: Role, url: &str) -> anyhow::Result<()> {
        let endpoint = Endpoint::from_shared(url.to_owned())
            .map_err(|error| {
                anyhow::anyhow!(
                    "the address of {role}, \"{url}\", is no URL such as http://{role}:50051: {error}"
                )
            })?
            .connect_timeout(Duration::from_secs(2))
            .tcp_nodelay(true)
            .tcp_keepalive(Some(Duration::from_secs(30)))
            .http2_keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10))
            .keep_alive_while_idle(true)
            // A slow reader of an event stream must not use up the budget of small frames that h2 grants a connection.
            .initial_connection_window_size(16 << 20)
            .initial_stream_window_size(2 << 20);
        let (channel, endpoints) = Channel::balance_channel(CONNECTIONS_PER_PEER);
        for index in 0..CONNECTIONS_PER_PEER {
            // The balancer tells endpoints apart by key, so the same address may stand in it twice.
            endpoints
                .try_send(tonic::transport::channel::Change::Insert(index, endpoint.clone()))
                .map_err(|_| anyhow::anyhow!("the channel to {role} takes no endpoint"))?;
        }
        self.set(role, Target::Remote(channel));
        Ok(())
    }

    /// The way to a role.
    #[must_use]
    pub fn channel(&self, role: Role) -> PeerChannel {
        PeerChannel { role, cell: self.cell(role), policies: self.policies.clone() }
    }

    fn set(&self, role: Role, target: Target) {
        *self.cell(role).write().unwrap_or_else(PoisonError::into_inner) = Some(target);
    }

    fn cell(&self, role: Role) -> Cell {
        Arc::clone(self.cells.lock().unwrap_or_else(PoisonError::into_inner).entry(role).or_default())
    }
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(cells.keys()).finish()
    }
}

/// The way to a role. Give it to a generated client: `QueueServiceClient::new(peers.channel(ROLE))`.
///
/// A call carries the trace and what is left of the deadline of the request it is made for. A failure of the way is an
/// answer with status `UNAVAILABLE` and reason `PEER_UNAVAILABLE`.
#[derive(Clone)]
pub struct PeerChannel {
    role: Role,
    cell: Cell,
    policies: Option<Arc<Policies>>,
}

impl fmt::Debug for PeerChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PeerChannel").field(&self.role).finish()
    }
}

impl Service<Request<Body>> for PeerChannel {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Readiness is awaited in the call, with the target that is registered then.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let target = self.cell.read().unwrap_or_else(PoisonError::into_inner).clone();
        let role = self.role;
        propagate(request.headers_mut());
        match target {
            Some(Target::Local(mut service)) => service.call(request),
            Some(Target::Remote(channel)) => match self.retryable(request.uri().path()) {
                Some(policy) => {
                    Box::pin(async move { Ok(call_retrying(role, channel, request, policy).await) })
                }
                None => Box::pin(async move { Ok(call_remote(role, channel, request).await) }),
            },
            None => Box::pin(std::future::ready(Ok(unavailable(
                role,
                anyhow::anyhow!("no {role} is configured: neither in this process nor by an address"),
            )))),
        }
    }
}

impl PeerChannel {
    fn retryable(&self, path: &str) -> Option<Policy> {
        let policy = self.policies.as_ref()?.get(path)?;
        (!policy.client_streaming && (policy.read_only || policy.idempotent)).then(|| policy.clone())
    }
}

async fn call_remote(role: Role, channel: Channel, request: Request<Body>) -> Response<Body> {
    match channel.oneshot(request).await {
        Ok(response) => response,
        Err(error) => unavailable(role, anyhow::Error::new(error).context(format!("{role} does not answer"))),
    }
}

/// Repeats a call that was answered with `UNAVAILABLE`, when a repetition cannot have a second effect.
async fn call_retrying(
    role: Role,
    channel: Channel,
    request: Request<Body>,
    policy: Policy,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(status) => return status.into_http(),
    };
    let mut delays = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(20))
        .with_max_delay(Duration::from_millis(500))
        .with_max_times(RETRIES)
        .with_jitter()
        .build();
    let mut is_repetition = false;
    loop {
        let request = Request::from_parts(parts.clone(), Body::new(Full::new(body.clone())));
        let mut response = call_remote(role, channel.clone(), request).await;
        if is_repetition {
            // What it was done by may be the attempt before. Who called asked once, and is not told of another request.
            response.headers_mut().remove(idempotency::REPLAYED);
        }
        if grpc_code(response.headers()) != Some(Code::Unavailable)
            || !(policy.read_only || has_request_id(&policy, &body))
        {
            return response;
        }
        let Some(delay) = delays.next() else { return response };
        tracing::debug!(
            peer = role.0,
            method = &*policy.name,
            "repeating a call that was answered with UNAVAILABLE"
        );
        tokio::time::sleep(delay).await;
        is_repetition = true;
    }
}

/// Whether the one message of a request body carries a request id: without one, a repetition would be a second request.
fn has_request_id(policy: &Policy, body: &Bytes) -> bool {
    const FRAME_HEADER: usize = 5;
    // The first byte says whether the message is compressed; then it is not looked into.
    if body.len() < FRAME_HEADER || body[0] != 0 {
        return false;
    }
    prost_reflect::DynamicMessage::decode(policy.input.clone(), body.slice(FRAME_HEADER..))
        .ok()
        .and_then(|message| {
            message.get_field_by_name("request_id").map(|id| id.as_str().is_some_and(|id| !id.is_empty()))
        })
        .unwrap_or(false)
}

fn grpc_code(headers: &HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(|value| Code::from_bytes(value.as_bytes()))
}

fn unavailable(role: Role, source: anyhow::Error) -> Response<Body> {
    let problem =
        Problem { reason: "PEER_UNAVAILABLE", ..Problem::unavailable(source, Duration::from_secs(1)) };
    problem.with("peer", role).into_status(Language::default()).into_http()
}

/// Passes on the trace and what is left of the deadline.
fn propagate(headers: &mut HeaderMap) {
    let span = tracing::Span::current();
    if !span.is_none() {
        opentelemetry::global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&span.context(), &mut Headers(headers));
        });
    }
    if !headers.contains_key(server::GRPC_TIMEOUT)
        && let Some(deadline) = server::deadline()
    {
        let left = deadline.saturating_duration_since(tokio::time::Instant::now()).saturating_sub(TRAVEL);
        if let Ok(value) = HeaderValue::from_str(&format!("{}u", left.as_micros().clamp(1, 99_999_999))) {
            headers.insert(server::GRPC_TIMEOUT, value);
        }
    }
}

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(key.as_bytes()), HeaderValue::from_str(&value))
        {
            self.0.insert(name, value);
        }
    }
}

//! The gateway: everything that comes from outside comes through here.
//!
//! REST by transcoding from the contracts ([`catalog`], [`matcher`], [`transcode`]), gRPC and gRPC-web passed through
//! ([`grpc`]), live views as server-sent events ([`hub`], [`board`], [`stream`]), browser sessions ([`session`]), OpenAPI
//! and the documentation page ([`openapi`], [`docs`]), and the web pages ([`web`]). [`edge`] is the way in: read it first.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use axum::{Router, extract::DefaultBodyLimit};
use http::{HeaderMap, HeaderName, StatusCode, Version, header};
use mpp_kit::{
    component::{Env, Role},
    relay::TokenSource,
};
use mpp_proto::{
    complaints::v1::complaints_service_client::ComplaintsServiceClient,
    documents::v1::documents_service_client::DocumentsServiceClient,
    identity::v1::identity_service_client::IdentityServiceClient,
    notifications::v1::notifications_service_client::NotificationsServiceClient,
    queue::v1::queue_service_client::QueueServiceClient,
};
use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, time::interval};
use tower::service_fn;
use tower_http::compression::{CompressionLayer, Predicate as _, predicate::SizeAbove};

mod board;
mod catalog;
mod codec;
mod docs;
mod edge;
mod errors;
mod explain;
mod grpc;
mod health;
mod hooks;
mod hub;
mod limits;
mod matcher;
mod open311;
mod openapi;
mod problem;
mod rest;
mod serve;
mod session;
mod sse;
mod stream;
mod transcode;
pub mod web;

pub use limits::{Rate, RateLimits};
pub use open311::Open311Config;
pub use serve::serve;
pub use session::Sessions;

/// The part the gateway plays.
pub const ROLE: Role = Role("gateway");

/// The roles it calls.
pub const CALLS: &[Role] = &[IDENTITY, QUEUE, DOCUMENTS, COMPLAINTS, NOTIFICATIONS];

const IDENTITY: Role = Role("identity");
const QUEUE: Role = Role("queue");
const DOCUMENTS: Role = Role("documents");
const COMPLAINTS: Role = Role("complaints");
const NOTIFICATIONS: Role = Role("notifications");

/// Settings of the gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address people use, such as `https://antre.example.go.id`. With https, cookies are `Secure` and browsers are
    /// told to come back by https only. Absent: whatever address they come by.
    pub public_url: Option<String>,
    /// The header in which the proxy in front writes the client's address, such as `x-forwarded-for`. Absent (the
    /// default): the address of the connection counts, and no header is believed.
    pub trusted_proxy_header: Option<String>,
    /// How large a request body may be, in bytes.
    pub body_limit_bytes: usize,
    /// How large an uploaded file may be, in bytes. The documents service has a limit of its own; 3 MiB is the largest
    /// that its contract allows.
    pub file_limit_bytes: usize,
    /// How large a form with its attachments may be, in bytes.
    pub form_limit_bytes: usize,
    /// How long a request may take, in milliseconds. Streams are not cut.
    pub request_timeout_ms: u64,
    /// Between two signs of life in an event stream, in milliseconds.
    pub heartbeat_ms: u64,
    /// How many event streams may be open at once; half of them at most for who did not sign in.
    pub streams: usize,
    /// Rate limits.
    pub rate: RateLimits,
    /// Open311 GeoReport v2.
    pub open311: Open311Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: None,
            trusted_proxy_header: None,
            body_limit_bytes: 1 << 20,
            file_limit_bytes: 3 << 20,
            form_limit_bytes: 20 << 20,
            request_timeout_ms: 30_000,
            heartbeat_ms: 5_000,
            streams: 10_000,
            rate: RateLimits::default(),
            open311: Open311Config::default(),
        }
    }
}

/// Answers smaller than this cost more to compress than to send, in bytes.
const COMPRESS_ABOVE: u64 = 1024;
/// How often rate limit counters that are not needed any more are dropped.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Builds the gateway. `board_token` gives the token with which it reads boards for all of their watchers.
///
/// # Errors
/// If a setting is not usable (the message names it), or the contracts hold what the gateway cannot serve.
pub async fn router(env: &Env, config: Config, board_token: TokenSource) -> anyhow::Result<Router> {
    let pages = web::router(web::WebState {
        queue: QueueServiceClient::new(env.peers.channel(QUEUE)),
        identity: IdentityServiceClient::new(env.peers.channel(IDENTITY)),
        documents: DocumentsServiceClient::new(env.peers.channel(DOCUMENTS)),
        complaints: ComplaintsServiceClient::new(env.peers.channel(COMPLAINTS)),
        notifications: NotificationsServiceClient::new(env.peers.channel(NOTIFICATIONS)),
        unread: Arc::new(web::inbox::Unread::new(env.clock.clone())),
        coordinators: Arc::new(web::cases::Coordinators::new()),
        public_url: config.public_url.clone(),
        halls: Arc::new(web::today::Halls::new(board_token.clone())),
        file_limit: config.file_limit_bytes,
        form_limit: config.form_limit_bytes,
    });
    config.open311.check()?;
    let complaints = || env.peers.channel(COMPLAINTS);
    let open311 =
        open311::Open311::new(complaints(), config.open311.clone(), env.clock.clone(), base_url(&config));
    let pages = pages
        .merge(open311::router(open311))
        .merge(hooks::router(hooks::Hooks::new(complaints(), env.peers.channel(NOTIFICATIONS))));
    build(env, config, board_token, pages)
}

/// The address people use, without a slash at the end.
fn base_url(config: &Config) -> &str {
    config.public_url.as_deref().unwrap_or("http://localhost:8080").trim_end_matches('/')
}

fn build(env: &Env, config: Config, board_token: TokenSource, pages: Router) -> anyhow::Result<Router> {
    let catalog = catalog::Catalog::new(mpp_proto::DESCRIPTORS)?;
    for rpc in catalog.rpcs.values() {
        ensure!(
            CALLS.iter().any(|role| role.0 == rpc.role),
            "{} belongs to no role the gateway calls",
            rpc.path
        );
    }
    ensure!(config.request_timeout_ms > 0, "gateway.request_timeout_ms must be at least 1");
    ensure!(config.heartbeat_ms > 0, "gateway.heartbeat_ms must be at least 1");
    let proxy_header = config.trusted_proxy_header.as_deref().map(|name| {
        name.parse::<HeaderName>()
            .with_context(|| format!("gateway.trusted_proxy_header {name:?} is no header name"))
    });
    let roles: Vec<_> = CALLS.iter().map(|role| (*role, env.peers.channel(*role))).collect();
    let queue = QueueServiceClient::new(env.peers.channel(QUEUE));
    let identity = IdentityServiceClient::new(env.peers.channel(IDENTITY));
    let sessions = Arc::new(Sessions::new(identity, config.public_url.as_deref())?);
    let limits = Arc::new(limits::Limits::new(&config.rate)?);
    let heartbeat = Duration::from_millis(config.heartbeat_ms);
    let frame = catalog
        .pool
        .get_message_by_name("mpp.queue.v1.WatchBoardResponse")
        .context("the contracts lack boards")?;
    let hub = hub::Hub::new(queue, board_token, env.clock.clone(), env.shutdown.clone(), heartbeat, frame);
    let base_url = base_url(&config);
    let openapi = serde_json::to_vec(&openapi::document(&catalog, sessions.cookie_name()))?;
    let docs = docs::page(&catalog, base_url, "/assets")?;
    let pages =
        pages.layer(axum::Extension(sessions.clone())).layer(DefaultBodyLimit::max(config.body_limit_bytes));
    let gateway = Arc::new(edge::Gateway {
        roles,
        sessions,
        verifier: env.verifier.clone(),
        limits: limits.clone(),
        hub,
        clock: env.clock.clone(),
        shutdown: env.shutdown.clone(),
        streams: Arc::new(Semaphore::new(config.streams)),
        public_streams: Arc::new(Semaphore::new(config.streams / 2)),
        heartbeat,
        request_timeout: Duration::from_millis(config.request_timeout_ms),
        body_limit: config.body_limit_bytes,
        file_body_limit: config.body_limit_bytes.max(file_body(config.file_limit_bytes)),
        proxy_header: proxy_header.transpose()?,
        pages,
        openapi: openapi.into(),
        docs: docs.into(),
        durations: opentelemetry::global::meter("mpp-gateway")
            .f64_histogram("http.server.request.duration")
            .with_unit("s")
            .with_description("How long requests took until their answer began")
            .build(),
        catalog,
    });
    tokio::spawn(forget_idle(limits, env.shutdown.clone()));
    let service = service_fn(move |request| {
        let gateway = gateway.clone();
        async move { Ok::<_, std::convert::Infallible>(gateway.handle(request).await) }
    });
    let compression =
        CompressionLayer::new().gzip(true).compress_when(SizeAbove::new(COMPRESS_ABOVE).and(is_compressible));
    Ok(Router::new().fallback_service(service).layer(compression))
}

/// How large the JSON is that carries a file of this size: base64, and the other fields.
fn file_body(file: usize) -> usize {
    file.div_ceil(3).saturating_mul(4).saturating_add(16 << 10)
}

/// Text that a browser asks for once. Never event streams, which must not wait for a compressor, nor gRPC.
fn is_compressible(_: StatusCode, _: Version, headers: &HeaderMap, _: &http::Extensions) -> bool {
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    matches!(
        media_type.split(';').next().unwrap_or_default(),
        "text/html"
            | "text/css"
            | "text/javascript"
            | "application/javascript"
            | "application/json"
            | "application/problem+json"
            | "application/manifest+json"
            | "image/svg+xml"
    )
}

async fn forget_idle(limits: Arc<limits::Limits>, shutdown: mpp_kit::shutdown::Shutdown) {
    let mut every = interval(FORGET_EVERY);
    loop {
        tokio::select! {
            _ = every.tick() => limits.forget_idle(),
            () = shutdown.triggered() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use http::Request;
    use mpp_kit::{client::Peers, clock::SystemClock, shutdown::Shutdown, testing::Issuer};
    use tower::ServiceExt as _;

    use super::*;

    fn gateway(config: Config, pages: Router) -> anyhow::Result<Router> {
        let clock: Arc<dyn mpp_kit::clock::Clock> = Arc::new(SystemClock);
        let verifier = Arc::new(Issuer::new()).verifier(clock.clone());
        let env = Env { clock, peers: Peers::new(), verifier, shutdown: Shutdown::new() };
        let token: TokenSource = Arc::new(|| Box::pin(async { anyhow::bail!("no token here") }));
        build(&env, config, token, pages)
    }

    async fn send(router: &Router, target: &str) -> anyhow::Result<axum::response::Response> {
        Ok(router.clone().oneshot(Request::get(target).body(Body::empty())?).await?)
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_and_the_next_request_is_served() -> anyhow::Result<()> {
        async fn broken() -> &'static str {
            panic!("a secret in a panic")
        }
        let pages = Router::new().route("/broken", get(broken)).route("/fine", get(|| async { "fine" }));
        let router = gateway(Config::default(), pages)?;
        let response = send(&router, "/broken").await?;
        assert_eq!(response.status(), 500);
        assert!(response.headers().contains_key("content-security-policy"));
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await?;
        let text = std::str::from_utf8(&body)?;
        assert!(text.contains("\"INTERNAL\"") && !text.contains("secret"), "{text}");
        assert_eq!(send(&router, "/fine").await?.status(), 200);
        Ok(())
    }

    #[tokio::test]
    async fn without_services_it_starts_and_says_what_is_missing() -> anyhow::Result<()> {
        let router = gateway(Config::default(), Router::new())?;
        assert_eq!(send(&router, "/healthz").await?.status(), 200);
        assert_eq!(send(&router, "/readyz").await?.status(), 503);
        assert_eq!(send(&router, "/v1/ticketTokens/abc").await?.status(), 503);
        let page = send(&router, "/no/such/page").await?;
        assert_eq!(
            (page.status(), &page.headers()["content-type"]),
            (StatusCode::NOT_FOUND, &problem::MEDIA_TYPE)
        );
        Ok(())
    }

    #[tokio::test]
    async fn unusable_settings_are_named() {
        type Change = fn(&mut Config);
        let cases: [(&str, Change); 4] = [
            ("gateway.public_url", |config| config.public_url = Some("antre.example".into())),
            ("gateway.trusted_proxy_header", |config| config.trusted_proxy_header = Some("no header".into())),
            ("gateway.rate.sign_in.burst", |config| config.rate.sign_in.burst = 0),
            ("gateway.heartbeat_ms", |config| config.heartbeat_ms = 0),
        ];
        for (name, change) in cases {
            let mut config = Config::default();
            change(&mut config);
            let error = gateway(config, Router::new()).expect_err(name).to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}

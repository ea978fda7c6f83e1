//! What this machine could do at best, each part alone, on private servers that end with the run.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context as TaskContext, Poll};

use anyhow::{Context as _, ensure};
use axum::Json;
use axum::extract::State;
use axum::routing::post;
use futures::future::BoxFuture;
use mpp::seeding::Bearer;
use mpp_kit::auth::Policies;
use mpp_kit::clock::{Clock as _, SystemClock};
use mpp_kit::component::Role;
use mpp_kit::db::{self, Db};
use mpp_kit::redis::{PrivateServer, Redis};
use mpp_kit::server::{self, StackOptions};
use mpp_kit::shutdown::Shutdown;
use mpp_kit::testing::Issuer;
use mpp_proto::identity::v1::identity_service_client::IdentityServiceClient;
use mpp_proto::identity::v1::{GetCurrentSessionRequest, GetCurrentSessionResponse};
use redis::Script;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::codegen::http;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use super::measure::{Samples, closed_loop};
use super::rows;

/// The script of the queue, byte for byte.
const APPEND: &str = include_str!("../../../services/queue/src/hall/append.lua");

/// Events of a large append, and operations of a large transaction.
pub const BATCH: usize = 64;

const META: &str = "q:{load}:meta";
const LOG: &str = "q:{load}:log";

/// Clients that share one connection, as in the fixture.
const PER_CONNECTION: usize = 16;

type Client = IdentityServiceClient<InterceptedService<Channel, Bearer>>;

/// The private servers.
pub struct Ceilings {
    directory: tempfile::TempDir,
    shutdown: Shutdown,
    tasks: JoinSet<anyhow::Result<()>>,
    rpc: SocketAddr,
    hop: SocketAddr,
    issuer: Arc<Issuer>,
    redis: Redis,
    redis_server: PrivateServer,
    run_id: String,
    db: Db,
    /// What an event holds.
    body: Arc<str>,
    seq: AtomicI64,
}

impl Ceilings {
    /// Starts a server with the kit's stack and an empty handler, an axum server before it, a Redis, a database.
    ///
    /// # Errors
    /// When one of them does not start.
    pub async fn start(postgres_url: Option<&str>, event: &str) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir().context("a temporary directory")?;
        let (shutdown, mut tasks) = (Shutdown::new(), JoinSet::new());
        let issuer = Arc::new(Issuer::new());

        let policies = Arc::new(Policies::from_descriptors(mpp_proto::DESCRIPTORS)?);
        let verifier = issuer.verifier(Arc::new(SystemClock));
        let stack =
            server::stack(Role("empty"), Routes::new(Empty), policies, verifier, StackOptions::default());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let rpc = listener.local_addr()?;
        tasks.spawn(server::serve(listener, stack, shutdown.clone()));

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let hop = listener.local_addr()?;
        let router =
            axum::Router::new().route("/hop", post(forward)).with_state(client(&connect(rpc)?, &issuer)?);
        let stopped = shutdown.clone();
        tasks.spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(async move { stopped.triggered().await })
                .await?;
            Ok(())
        });

        let redis_server = PrivateServer::start(&directory.path().join("redis")).await?;
        let redis = Redis::connect(redis_server.url()).await?;
        let info: String = redis::cmd("INFO").arg("server").query_async(&mut redis.connection()).await?;
        let run_id =
            info.lines().find_map(|line| line.strip_prefix("run_id:")).context("Redis has no run_id")?;
        redis::cmd("HSET")
            .arg(META)
            .arg(&["epoch", "1", "run", run_id.trim(), "seq", "0", "state", "OPEN"])
            .exec_async(&mut redis.connection())
            .await?;

        let db = match postgres_url {
            Some(url) => Db::connect(url, Some("mpp_load")).await?,
            None => Db::connect(&db::sqlite_url(&directory.path().join("load.db")), None).await?,
        };
        rows::create(&db).await?;
        let run_id = run_id.trim().to_owned();
        Ok(Self {
            directory,
            shutdown,
            tasks,
            rpc,
            hop,
            issuer,
            redis,
            redis_server,
            run_id,
            db,
            body: event.into(),
            seq: AtomicI64::new(0),
        })
    }

    /// An empty unary RPC over TCP through trace, metrics, limits, deadline, token and permission.
    ///
    /// # Errors
    /// When one fails.
    pub async fn empty_rpc(&self, clients: usize, samples: &mut Samples) -> anyhow::Result<()> {
        let channels = (0..clients.div_ceil(PER_CONNECTION))
            .map(|_| connect(self.rpc))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let ready = (0..clients)
            .map(|nth| client(&channels[nth / PER_CONNECTION], &self.issuer))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let total = if clients == 1 { 2_000 } else { 16_000 };
        let sample = closed_loop(clients, total / clients, |nth| {
            let client = ready[nth].clone();
            move |_| {
                let mut client = client.clone();
                async move {
                    let answer = client.get_current_session(GetCurrentSessionRequest {}).await?.into_inner();
                    ensure!(
                        answer == GetCurrentSessionResponse::default(),
                        "the empty handler answered something"
                    );
                    Ok(())
                }
            }
        })
        .await?;
        samples.push(format!("empty RPC@{clients}"), sample);
        Ok(())
    }

    /// `append.lua` alone: one event, and a batch.
    ///
    /// # Errors
    /// When the script refuses, or the log is not as long as it should be.
    pub async fn append(&self, samples: &mut Samples) -> anyhow::Result<()> {
        for (events, times) in [(1, 1_000), (BATCH, 200)] {
            let script = Arc::new(Script::new(APPEND));
            let (body, chain) = (self.body.to_string(), "0".repeat(64));
            let length = || async {
                anyhow::Ok(
                    redis::cmd("XLEN").arg(LOG).query_async::<usize>(&mut self.redis.connection()).await?,
                )
            };
            let before = length().await?;
            let sample = closed_loop(1, times, |_| {
                let (script, redis, run) = (Arc::clone(&script), self.redis.clone(), self.run_id.clone());
                let (body, chain) = (body.clone(), chain.clone());
                move |operation| {
                    let (script, mut connection, run) =
                        (Arc::clone(&script), redis.connection(), run.clone());
                    let (body, chain) = (body.clone(), chain.clone());
                    async move {
                        let mut call = script.prepare_invoke();
                        call.key(META).key(LOG).arg(1).arg(run).arg(before + operation * events).arg(&chain);
                        for _ in 0..events {
                            call.arg(&body).arg(&chain);
                        }
                        let answer: Vec<String> = call.invoke_async(&mut connection).await?;
                        ensure!(
                            answer.first().is_some_and(|word| word == "OK"),
                            "append.lua answered {answer:?}"
                        );
                        Ok(())
                    }
                }
            })
            .await?;
            let after = length().await?;
            ensure!(
                after == before + events * times,
                "the log grew by {} instead of {}",
                after - before,
                events * times
            );
            samples.push(format!("append.lua of {events}"), sample);
        }
        Ok(())
    }

    /// One row in one commit, and the rows of a batch of calls in one transaction; one connection, the suite's settings.
    ///
    /// # Errors
    /// When a row is missing.
    pub async fn commits(&self, samples: &mut Samples) -> anyhow::Result<()> {
        let before = rows::events(&self.db).await?;
        let (called, served) = rows::called(&self.db).await?;
        let single = 1_000_usize;
        let sample = closed_loop(1, single, |_| {
            let (db, body, first) = (self.db.clone(), Arc::clone(&self.body), self.reserve(single));
            move |nth| {
                let (db, body) = (db.clone(), Arc::clone(&body));
                async move { rows::commit_one(&db, first + as_seq(nth) + 1, &body, SystemClock.now()).await }
            }
        })
        .await?;
        samples.push("SQL commit of one row", sample);
        let mut expected = single;
        for (operations, times) in [(1, 300), (BATCH, 60)] {
            let first = self.reserve(times * operations);
            rows::stand_at(&self.db, first, times * operations, &self.body, SystemClock.now()).await?;
            let sample = closed_loop(1, times, |_| {
                let (db, body) = (self.db.clone(), Arc::clone(&self.body));
                move |nth| {
                    let (db, body) = (db.clone(), Arc::clone(&body));
                    let from = first + as_seq(nth * operations);
                    async move {
                        rows::commit_batch(&db, from, as_seq(operations), &body, SystemClock.now()).await
                    }
                }
            })
            .await?;
            samples.push(transaction(operations), sample);
            expected += times * operations;
        }
        let grown = rows::events(&self.db).await? - before;
        ensure!(grown == expected as u64, "{grown} rows are there instead of {expected}");
        let (now_called, now_served) = rows::called(&self.db).await?;
        let calls = (expected - single) as u64;
        ensure!(
            now_called - called == calls,
            "{} tickets were called instead of {calls}",
            now_called - called
        );
        ensure!(
            now_served - served == calls,
            "{} tickets are served instead of {calls}",
            now_served - served
        );
        Ok(())
    }

    fn reserve(&self, rows: usize) -> i64 {
        self.seq.fetch_add(as_seq(rows), Ordering::Relaxed)
    }

    /// JSON over HTTP/1.1 to axum, from there an empty RPC over TCP, and back.
    ///
    /// # Errors
    /// When one fails.
    pub async fn hop(&self, samples: &mut Samples) -> anyhow::Result<()> {
        let (http, url) = (reqwest::Client::new(), format!("http://{}/hop", self.hop));
        let sample = closed_loop(1, 1_000, |_| {
            let (http, url) = (http.clone(), url.clone());
            move |_| {
                let request = http.post(&url).json(&json!({}));
                async move {
                    let answer: Value = request.send().await?.error_for_status()?.json().await?;
                    ensure!(answer == json!({ "permissions": 0 }), "the hop answered {answer}");
                    Ok(())
                }
            }
        })
        .await?;
        samples.push("axum to tonic hop@1", sample);
        Ok(())
    }

    /// Ends the private servers and removes what they kept.
    ///
    /// # Errors
    /// When one does not end.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.shutdown.trigger();
        while let Some(ended) = self.tasks.join_next().await {
            ended.context("a private server panicked")??;
        }
        rows::drop_all(&self.db).await?;
        self.db.close().await?;
        drop(self.redis);
        tokio::task::spawn_blocking(move || self.redis_server.stop())
            .await
            .context("stopping the private Redis")?;
        self.directory.close().context("removing the private files")
    }
}

/// The name of the benchmark of a transaction.
#[must_use]
pub fn transaction(operations: usize) -> String {
    format!("SQL transaction of {operations} operation{}", if operations == 1 { "" } else { "s" })
}

fn as_seq(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn connect(address: SocketAddr) -> anyhow::Result<Channel> {
    Ok(Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true).connect_lazy())
}

fn client(channel: &Channel, issuer: &Issuer) -> anyhow::Result<Client> {
    // A token like that of the people who work here: one grant, bound to a hall, and the permissions of a manager.
    let scope = mpp_kit::testing::scope(&[("hall", &["hal_01h455vb4pex5vsknk084sn02q"])]);
    let permissions = [
        "queue.audit",
        "queue.call",
        "queue.call.specific",
        "queue.cancel",
        "queue.issue",
        "queue.manage",
        "queue.read",
        "queue.restore",
        "queue.sitecode",
        "queue.statistics",
        "queue.supervise",
        "queue.ticket.read",
    ];
    let token = issuer.token(&SystemClock, "acc_01h455vb4pex5vsknk084sn02q", &[(&permissions, scope)]);
    Ok(IdentityServiceClient::with_interceptor(channel.clone(), Bearer::new(&token)?))
}

async fn forward(State(client): State<Client>, Json(_): Json<Value>) -> Result<Json<Value>, String> {
    let answer = client
        .clone()
        .get_current_session(GetCurrentSessionRequest {})
        .await
        .map_err(|error| error.to_string())?;
    Ok(Json(json!({ "permissions": answer.into_inner().permissions.len() })))
}

/// A service whose one method does nothing, under the name of a real one so that the stack has its policy.
#[derive(Clone)]
struct Empty;

impl NamedService for Empty {
    const NAME: &'static str = "mpp.identity.v1.IdentityService";
}

impl UnaryService<GetCurrentSessionRequest> for Empty {
    type Response = GetCurrentSessionResponse;
    type Future = std::future::Ready<Result<Response<GetCurrentSessionResponse>, Status>>;

    fn call(&mut self, _request: Request<GetCurrentSessionRequest>) -> Self::Future {
        std::future::ready(Ok(Response::new(GetCurrentSessionResponse::default())))
    }
}

impl tonic::codegen::Service<http::Request<tonic::body::Body>> for Empty {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        Box::pin(async move { Ok(Grpc::new(tonic_prost::ProstCodec::default()).unary(Empty, request).await) })
    }
}

//! The whole suite in one process: started in order, watched, stopped in order.
//!
//! Bind first (a taken port fails before any work), then take the data directory, then Redis, databases and tables,
//! then the components, then serve. Stopping goes the other way: no new requests, those in flight are finished, workers
//! end, and the private Redis goes last.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use mpp_kit::auth::{Policies, Verifier};
use mpp_kit::client::Peers;
use mpp_kit::clock::{Clock, SystemClock};
use mpp_kit::component::{Component, Env, Role, Worker};
use mpp_kit::config::{ExposeSecret as _, Secret};
use mpp_kit::redis::PrivateServer;
use mpp_kit::server::{self, GrpcService, StackOptions};
use mpp_kit::shutdown::Shutdown;
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tonic::service::Routes;

use crate::boards;
use crate::config::Config;
use crate::data::DataDir;
use crate::demo::accounts;
use crate::failure::{Exit, Failure};
use crate::keys::PeerKeys;
use crate::office::Identity;
use crate::roles::{RoleName, SERVICES};
use crate::seeding::{self, Bearer, Seeding};
use crate::sender;
use crate::simulator::bsre::Bsre;
use crate::simulator::whatsapp::{Account, Simulator};
use crate::storage;

/// How a suite is started.
pub struct Options {
    /// The settings.
    pub config: Config,
    /// The roles this process plays.
    pub roles: BTreeSet<RoleName>,
    /// The time, for tokens and everything else but the queue.
    pub clock: Arc<dyn Clock>,
    /// The time of the queue: a rehearsal plays a day in minutes while people sign in by the real time.
    pub queue_clock: Arc<dyn Clock>,
    /// Whether to listen. Without, only this process can call the suite: what a command needs.
    pub listen: bool,
    /// Whether letters are signed by a stand-in for BSrE that starts with the suite: they are samples.
    pub sample_signatures: bool,
    /// Whether messages go to a stand-in for WhatsApp that starts with the suite: nobody gets them.
    pub sample_messages: bool,
}

impl Options {
    /// A process that plays `roles` with the clock of the machine, and listens.
    #[must_use]
    pub fn new(config: Config, roles: BTreeSet<RoleName>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Self {
            config,
            roles,
            queue_clock: Arc::clone(&clock),
            clock,
            listen: true,
            sample_signatures: false,
            sample_messages: false,
        }
    }
}

/// A suite that runs. Dropped, it ends at once, the private Redis too; [`Suite::stop`] ends it in order.
pub struct Suite {
    config: Config,
    base_url: String,
    peers: Peers,
    queue_clock: Arc<dyn Clock>,
    identity: Option<Identity>,
    shutdown: Shutdown,
    tasks: JoinSet<(String, anyhow::Result<()>)>,
    simulator: Option<Bsre>,
    whatsapp: Option<Simulator>,
    // Fields drop in order: the server goes after the tasks that use it, and the directory is free after both.
    redis: Option<PrivateServer>,
    data: Option<DataDir>,
}

/// The key of the account at the stand-in for WhatsApp.
const SAMPLE_ACCOUNT: &str = "utama";
/// How often the stand-in for WhatsApp tells what arrived.
const REPORTS_EVERY: Duration = Duration::from_secs(1);
/// How often the token of the system is renewed, which lives for a minute.
const RENEW: Duration = Duration::from_secs(20);

/// A listener with the role that answers on it.
type Bound = (Role, TcpListener);

impl Suite {
    /// Starts the suite. When it returns, every role answers.
    ///
    /// # Errors
    /// A [`Failure`] in one sentence; whatever was started by then has been stopped.
    pub async fn start(options: Options) -> Result<Self, Failure> {
        let Options { mut config, roles, clock, queue_clock, listen, sample_signatures, sample_messages } =
            options;
        config.check()?;
        let plays = |role: RoleName| roles.contains(&role);
        let local =
            SERVICES.into_iter().filter(|(name, _)| plays(*name)).map(|(_, role)| role).collect::<Vec<_>>();

        let peers = Peers::retrying(policies()?);
        name_remote_peers(&config, &roles, &local, &peers)?;
        let bound = if listen { bind(&config, &roles, &local).await? } else { Vec::new() };
        let addresses = bound
            .iter()
            .map(|(role, listener)| Ok((*role, listener.local_addr()?)))
            .collect::<std::io::Result<Vec<_>>>()
            .map_err(|error| Failure::new(Exit::Software, format!("a listener has no address: {error}")))?;
        for (role, address) in &addresses {
            tracing::info!(role = role.0, %address, "listening");
        }
        let base_url = base_url(&config, &addresses);

        let mut data = None;
        if local.iter().any(|role| storage::needs_data(&config, *role)) {
            let mut directory = DataDir::take(&config.server.data)?;
            directory.announce(&base_url).map_err(|error| {
                Failure::new(
                    Exit::CannotCreate,
                    format!("cannot write to {}: {error}", directory.path().display()),
                )
            })?;
            data = Some(directory);
        }
        if data.is_some() && config.server.demo && config.gateway.open311.api_keys.expose_secret().is_empty()
        {
            let key = accounts::open311_key_or_new(&config.server.data).map_err(|error| {
                Failure::new(Exit::CannotCreate, format!("the demo's key for Open311: {error:#}"))
            })?;
            if config.complaints.channels.partners.is_empty() {
                // The same key says what became of a case, for whichever agency has it.
                let partner = mpp_complaints::intake::config::Partner {
                    api_key: Secret::from(key.clone()),
                    area: config.complaints.regency.clone(),
                };
                config.complaints.channels.partners.insert("demo".to_owned(), partner);
            }
            config.gateway.open311.api_keys = Secret::from(key);
        }
        let mut simulator = None;
        if sample_signatures {
            let home = config.server.data.join("bsre-simulator");
            let started = Bsre::start(&home, Arc::clone(&clock)).await.map_err(|error| {
                Failure::because(Exit::CannotCreate, "the stand-in for BSrE cannot start", &error)
            })?;
            started.configure(&mut config.documents.signing);
            simulator = Some(started);
        }
        let mut whatsapp = None;
        if sample_messages {
            let started =
                Simulator::start(Account::default(), Arc::clone(&clock)).await.map_err(|error| {
                    Failure::because(
                        Exit::CannotCreate,
                        "the stand-in for WhatsApp cannot start",
                        &error.into(),
                    )
                })?;
            config.notifications.whatsapp.insert(SAMPLE_ACCOUNT.to_owned(), started.settings());
            // Nobody real is reached by it; where mail leaves the machine, whom it may reach stays as configured.
            if config.notifications.email.host.is_empty() {
                config.notifications.allow_list = "*".into();
            }
            whatsapp = Some(started);
        }

        let shutdown = Shutdown::new();
        let mut identity = None;
        if plays(RoleName::Identity) {
            identity = Some(Identity::open(&config, Arc::clone(&clock)).await?);
        }
        let keys = identity.as_ref().map_or_else(|| PeerKeys::source(&peers), Identity::key_source);
        let verifier = Arc::new(Verifier::new(keys, Arc::clone(&clock)));
        let env = Env { clock, peers: peers.clone(), verifier, shutdown: shutdown.clone() };
        let mut parts = Vec::new();
        let mut redis = None;
        if let Some(identity) = &identity {
            parts.push(identity.component(&env, &config).await?);
        }
        if plays(RoleName::Queue) {
            let db = storage::open_current(&config, mpp_queue::ROLE).await?;
            let (connection, private) = storage::open_redis(&config, &config.server.data).await?;
            redis = private;
            // Tokens are checked by the verifier, which keeps the real time.
            let env = Env { clock: Arc::clone(&queue_clock), ..env.clone() };
            let component = mpp_queue::component(&env, db, connection, config.queue.clone());
            parts.push(component.await.map_err(|error| refused(mpp_queue::ROLE, &error))?);
        }
        if plays(RoleName::Documents) {
            let db = storage::open_current(&config, mpp_documents::ROLE).await?;
            let place = mpp_documents::Place {
                files: config.server.data.join("files"),
                base_url: base_url.clone(),
                key_file: config.server.data.join("documents.key"),
                token: sender::token_source(identity.clone(), &peers, &config),
            };
            let component = mpp_documents::component(&env, db, config.documents.clone(), place);
            parts.push(component.await.map_err(|error| refused(mpp_documents::ROLE, &error))?);
        }
        if plays(RoleName::Complaints) {
            let db = storage::open_current(&config, mpp_complaints::ROLE).await?;
            let place = mpp_complaints::Place {
                files: config.server.data.join("complaint-files"),
                key_file: config.server.data.join("complaints.key"),
                vault_key_file: config.server.data.join("complaints-vault.key"),
                base_url: base_url.clone(),
                token: sender::token_source(identity.clone(), &peers, &config),
            };
            let component = mpp_complaints::component(&env, db, config.complaints.clone(), place);
            parts.push(component.await.map_err(|error| refused(mpp_complaints::ROLE, &error))?);
        }
        if plays(RoleName::Notifications) {
            let db = storage::open_current(&config, mpp_notifications::ROLE).await?;
            let place = mpp_notifications::Place {
                key_file: config.server.data.join("notifications.key"),
                base_url: base_url.clone(),
            };
            let component = mpp_notifications::component(&env, db, config.notifications.clone(), place);
            parts.push(component.await.map_err(|error| refused(mpp_notifications::ROLE, &error))?);
        }

        let mut suite = Self {
            config,
            base_url,
            peers,
            queue_clock,
            identity,
            shutdown,
            tasks: JoinSet::new(),
            simulator,
            whatsapp,
            redis,
            data,
        };
        suite.serve(&env, parts, bound).await?;
        suite.report_messages();
        Ok(suite)
    }

    /// Joins the components, starts their workers and answers on the listeners.
    async fn serve(&mut self, env: &Env, parts: Vec<Component>, bound: Vec<Bound>) -> Result<(), Failure> {
        let mut services = Vec::new();
        for Component { role, routes, workers } in parts {
            let service = stacked(env, role, routes).await?;
            self.peers.local(role, service.clone());
            services.push((role, service));
            for worker in workers {
                self.watch(role, worker);
            }
        }
        for (role, listener) in bound {
            if role == mpp_gateway::ROLE {
                self.serve_gateway(env, listener).await?;
            } else if let Some((_, service)) = services.iter().find(|(it, _)| *it == role) {
                self.serve_role(role, listener, service.clone());
            }
        }
        Ok(())
    }

    /// The stand-in for WhatsApp tells the gateway that everything arrived, as Meta would.
    fn report_messages(&mut self) {
        let Some(simulator) = self.whatsapp.clone() else { return };
        let url = format!("{}/hooks/whatsapp/{SAMPLE_ACCOUNT}", self.base_url);
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = shutdown.triggered() => (),
                () = simulator.report_everything(url, REPORTS_EVERY) => (),
            }
            ("notifications: stand-in for WhatsApp".to_owned(), Ok(()))
        });
    }

    fn watch(&mut self, role: Role, worker: Worker) {
        let Worker { name, task } = worker;
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            let ended = match task.await {
                Ok(()) if !shutdown.is_triggered() => {
                    Err(anyhow::anyhow!("it ended although nobody asked it to"))
                }
                ended => ended,
            };
            (format!("{role}: {name}"), ended)
        });
    }

    fn serve_role(&mut self, role: Role, listener: TcpListener, service: GrpcService) {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            (format!("{role}: server"), server::serve(listener, service, shutdown).await)
        });
    }

    async fn serve_gateway(&mut self, env: &Env, listener: TcpListener) -> Result<(), Failure> {
        let boards = boards::token_source(self.identity.clone(), &self.peers, &self.config);
        let router = mpp_gateway::router(env, self.config.gateway.clone(), boards)
            .await
            .map_err(|error| refused(mpp_gateway::ROLE, &error))?;
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            ("gateway: server".to_owned(), mpp_gateway::serve(listener, router, shutdown).await)
        });
        Ok(())
    }

    /// Where the gateway answers, without a slash at the end: `http://localhost:8080`. Without a gateway, where the first
    /// role of this process does; empty when it does not listen.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The ways to the roles, past the gateway.
    #[must_use]
    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// Tells every part to end. [`Suite::stop`] also waits.
    #[must_use]
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// The stand-in for BSrE, if it signs.
    #[must_use]
    pub fn simulator(&self) -> Option<&Bsre> {
        self.simulator.as_ref()
    }

    /// The stand-in for WhatsApp, if it takes the messages.
    #[must_use]
    pub fn whatsapp(&self) -> Option<&Simulator> {
        self.whatsapp.as_ref()
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.config.server.data
    }

    /// An access token of the system, which may do everything, for a minute.
    ///
    /// # Errors
    /// When identity runs elsewhere, or its database does not answer.
    pub async fn system_token(&self) -> anyhow::Result<String> {
        self.identity.as_ref().context("identity does not run in this process")?.system_token().await
    }

    /// Clients that act as the system, for a program that fills the suite.
    ///
    /// # Errors
    /// As [`Suite::system_token`].
    pub async fn seeding(&self) -> anyhow::Result<Seeding<'_>> {
        let bearer = Bearer::new(&self.system_token().await?)?;
        let mut renewal = JoinSet::new();
        if let Some(identity) = self.identity.clone() {
            renewal.spawn(renew(identity, bearer.clone()));
        }
        Ok(Seeding {
            identity: seeding::identity_client(&self.peers, bearer.clone()),
            queue: seeding::queue_client(&self.peers, bearer.clone()),
            documents: seeding::documents_client(&self.peers, bearer.clone()),
            complaints: seeding::complaints_client(&self.peers, bearer),
            data: &self.config.server.data,
            base_url: &self.base_url,
            clock: Arc::clone(&self.queue_clock),
            renewal,
        })
    }

    /// Waits until the suite is told to stop or a part of it fails, then stops it in order.
    ///
    /// # Errors
    /// Which part failed, and why.
    pub async fn run(mut self) -> Result<(), Failure> {
        let shutdown = self.shutdown.clone();
        let failed = loop {
            tokio::select! {
                () = shutdown.triggered() => break None,
                Some(ended) = self.tasks.join_next() => {
                    if let Some(failure) = failure_of(ended) {
                        break Some(failure);
                    }
                }
            }
        };
        if let Some(failure) = &failed {
            tracing::error!(%failure, "a part of the suite failed: stopping");
        }
        let stopped = self.stop().await;
        failed.map_or(stopped, Err)
    }

    /// Stops the suite in order: requests in flight are finished within `server.drain_seconds`, then workers end, then
    /// the private Redis.
    ///
    /// # Errors
    /// A part that failed while stopping; everything else is stopped nevertheless.
    pub async fn stop(mut self) -> Result<(), Failure> {
        self.shutdown.trigger();
        let mut failed = None;
        // The servers themselves cut their connections at the longest drain; this is a moment later.
        let drain = Duration::from_secs(self.config.server.drain_seconds.into()) + Duration::from_millis(500);
        let drained = tokio::time::timeout(drain, async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Some(failure) = failure_of(ended) {
                    failed.get_or_insert(failure);
                }
            }
        });
        if drained.await.is_err() {
            tracing::warn!(still = self.tasks.len(), "the time to drain is over: the rest is cut off");
            self.tasks.shutdown().await;
        }
        if let Some(redis) = self.redis.take() {
            // It waits until everything is on the disk, so it waits in a thread that may.
            if let Err(error) = tokio::task::spawn_blocking(move || redis.stop()).await {
                failed.get_or_insert(Failure::new(
                    Exit::Software,
                    format!("the private redis-server was not stopped: {error}"),
                ));
            }
        }
        drop(self.data.take());
        failed.map_or(Ok(()), Err)
    }
}

/// The RPCs of a role behind everything that stands before each of them, with health and reflection.
pub(crate) async fn stacked(env: &Env, role: Role, routes: Routes) -> Result<GrpcService, Failure> {
    let service = match role {
        mpp_identity::ROLE => "mpp.identity.v1.IdentityService",
        mpp_queue::ROLE => "mpp.queue.v1.QueueService",
        mpp_documents::ROLE => mpp_documents::SERVICE,
        mpp_complaints::ROLE => mpp_complaints::SERVICE,
        mpp_notifications::ROLE => mpp_notifications::SERVICE,
        other => return Err(Failure::new(Exit::Software, format!("{other} has no service"))),
    };
    let (routes, _) = server::with_health_and_reflection(routes, mpp_proto::DESCRIPTORS, &[service])
        .await
        .map_err(|error| refused(role, &error))?;
    let options = StackOptions { shutdown: Some(env.shutdown.clone()), ..StackOptions::default() };
    Ok(server::stack(role, routes, policies()?, Arc::clone(&env.verifier), options))
}

/// The permissions of every RPC, read from the contracts.
pub(crate) fn policies() -> Result<Arc<Policies>, Failure> {
    Policies::from_descriptors(mpp_proto::DESCRIPTORS).map(Arc::new).map_err(|error| {
        Failure::new(Exit::Software, format!("the contracts in this program are damaged: {error}"))
    })
}

pub(crate) fn refused(role: Role, error: &anyhow::Error) -> Failure {
    Failure::because(Exit::Unavailable, format!("{role} cannot start"), error)
}

/// Renews the token of `bearer` well before it ends, for as long as it is let.
async fn renew(identity: Identity, bearer: Bearer) {
    loop {
        tokio::time::sleep(RENEW).await;
        let renewed = identity.system_token().await.and_then(|token| bearer.renew(&token));
        if let Err(error) = renewed {
            // The call that needs it says what is wrong.
            tracing::warn!(error = %error, "the token of the system was not renewed");
        }
    }
}

fn failure_of(ended: Result<(String, anyhow::Result<()>), JoinError>) -> Option<Failure> {
    match ended {
        Ok((_, Ok(()))) => None,
        Ok((part, Err(error))) => Some(Failure::because(Exit::Software, format!("{part} failed"), &error)),
        Err(error) if error.is_cancelled() => None,
        Err(error) => Some(Failure::new(Exit::Software, format!("a part of the suite panicked: {error}"))),
    }
}

/// Tells where the roles are that do not run here, and refuses to start without one that is needed.
fn name_remote_peers(
    config: &Config,
    roles: &BTreeSet<RoleName>,
    local: &[Role],
    peers: &Peers,
) -> Result<(), Failure> {
    let mut called = BTreeSet::from([mpp_identity::ROLE]);
    if roles.contains(&RoleName::Gateway) {
        called.extend(mpp_gateway::CALLS);
    }
    if roles.contains(&RoleName::Queue) {
        called.extend(mpp_queue::CALLS);
    }
    if roles.contains(&RoleName::Identity) {
        called.extend(mpp_identity::CALLS);
    }
    if roles.contains(&RoleName::Documents) {
        called.extend(mpp_documents::CALLS);
    }
    if roles.contains(&RoleName::Complaints) {
        called.extend(mpp_complaints::CALLS);
    }
    if roles.contains(&RoleName::Notifications) {
        called.extend(mpp_notifications::CALLS);
    }
    for role in called.into_iter().filter(|role| !local.contains(role)) {
        let url = match role {
            mpp_identity::ROLE => &config.peers.identity,
            mpp_documents::ROLE => &config.peers.documents,
            mpp_complaints::ROLE => &config.peers.complaints,
            mpp_notifications::ROLE => &config.peers.notifications,
            _ => &config.peers.queue,
        };
        if url.is_empty() {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "{role} runs neither in this process nor at a known address: set peers.{role}, such as http://{role}:9101"
                ),
            ));
        }
        peers
            .remote(role, url)
            .map_err(|error| Failure::new(Exit::Usage, format!("setting peers.{role}: {error}")))?;
    }
    Ok(())
}

async fn bind(config: &Config, roles: &BTreeSet<RoleName>, local: &[Role]) -> Result<Vec<Bound>, Failure> {
    let mut bound = Vec::new();
    if roles.contains(&RoleName::Gateway) {
        bound.push((
            mpp_gateway::ROLE,
            listen(config.server.host, config.server.port, "server.port", "--port").await?,
        ));
    }
    // With every role in one process the gateway passes gRPC through: no second way in.
    if !(roles.contains(&RoleName::Gateway) && local.len() == SERVICES.len()) {
        for role in local {
            let (port, setting, variable) = match *role {
                mpp_identity::ROLE => {
                    (config.grpc.identity_port, "grpc.identity_port", "MPP_GRPC__IDENTITY_PORT")
                }
                mpp_documents::ROLE => {
                    (config.grpc.documents_port, "grpc.documents_port", "MPP_GRPC__DOCUMENTS_PORT")
                }
                mpp_complaints::ROLE => {
                    (config.grpc.complaints_port, "grpc.complaints_port", "MPP_GRPC__COMPLAINTS_PORT")
                }
                mpp_notifications::ROLE => (
                    config.grpc.notifications_port,
                    "grpc.notifications_port",
                    "MPP_GRPC__NOTIFICATIONS_PORT",
                ),
                _ => (config.grpc.queue_port, "grpc.queue_port", "MPP_GRPC__QUEUE_PORT"),
            };
            bound.push((*role, listen(config.grpc.host, port, setting, variable).await?));
        }
    }
    Ok(bound)
}

async fn listen(host: IpAddr, port: u16, setting: &str, by: &str) -> Result<TcpListener, Failure> {
    let address = SocketAddr::new(host, port);
    TcpListener::bind(address).await.map_err(|error| {
        let kind = error.kind();
        let sentence = if kind == ErrorKind::AddrInUse {
            format!("{address} is taken by another program: stop that, or choose another port with {by} (setting {setting})")
        } else if kind == ErrorKind::PermissionDenied {
            format!("{address} may not be opened by this user: choose a port above 1023 with {by} (setting {setting})")
        } else if kind == ErrorKind::AddrNotAvailable {
            format!("{host} is no address of this machine: choose another with --host (setting server.host or grpc.host)")
        } else {
            format!("cannot listen on {address} (setting {setting}): {error}")
        };
        Failure::new(Exit::Unavailable, sentence)
    })
}

/// Where people reach the gateway: the public address if there is one, else this machine. Without either, where the first
/// role is.
fn base_url(config: &Config, addresses: &[(Role, SocketAddr)]) -> String {
    // Also where the gateway runs elsewhere: links in letters and messages lead to it.
    if let Some(public) = &config.gateway.public_url {
        return public.trim_end_matches('/').to_owned();
    }
    let gateway = addresses.iter().find(|(role, _)| *role == mpp_gateway::ROLE);
    let Some((_, address)) = gateway.or(addresses.first()) else { return String::new() };
    let ip = address.ip();
    if ip.is_loopback() || ip.is_unspecified() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

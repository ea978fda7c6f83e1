//! Redis: connections for scripts, for reading that blocks and for messages, and a private server for a machine without
//! one.

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection, PubSub};
use ::redis::io::tcp::TcpSettings;
use ::redis::{AsyncConnectionConfig, Client, IntoConnectionInfo as _, RedisError};
use thiserror::Error;

/// A script that takes longer than this is stuck; redis-rs would give up after 0.5 s, which a slow disk can reach.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A private server reads its whole log before it answers.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Redis as a service uses it. Clones share the connection.
#[derive(Clone)]
pub struct Redis {
    url: String,
    client: Client,
    manager: ConnectionManager,
}

/// Why Redis cannot be used. Never holds the password of a URL.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The URL cannot be one.
    #[error(
        "a Redis URL looks like redis://host:6379, rediss://host:6379 or redis+unix:///path/to/socket: {0}"
    )]
    Url(RedisError),
    /// Redis does not answer or refuses.
    #[error("cannot connect to Redis at {at}: {source}")]
    Connect {
        /// Where, without credentials.
        at: String,
        /// Why.
        source: RedisError,
    },
}

impl Redis {
    /// Connects to `redis://[user:password@]host[:port][/db]`, with `rediss://` over TLS, or to
    /// `redis+unix:///path/to/socket`. Over TLS the server proves its name by a certificate of an authority that the machine
    /// trusts, or of one in the file that `SSL_CERT_FILE` names.
    ///
    /// # Errors
    /// [`ConnectError`], in one sentence for the person who configured the URL.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        let info = url.into_connection_info().map_err(ConnectError::Url)?;
        // Nagle's algorithm would hold back a script call until the answer of the one before; off by default in 1.x.
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = Client::open(info).map_err(ConnectError::Url)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            // Short: a request that waits for Redis has a deadline, and the next one tries again.
            .set_number_of_retries(2)
            .set_min_delay(Duration::from_millis(50))
            .set_max_delay(Duration::from_millis(500));
        let manager = ConnectionManager::new_with_config(client.clone(), config)
            .await
            .map_err(|source| ConnectError::Connect { at: crate::db::redacted(url), source })?;
        Ok(Self { url: url.to_owned(), client, manager })
    }

    /// The shared connection: multiplexed, connects again by itself (the command that meets the break fails). Not for
    /// commands that block.
    #[must_use]
    pub fn connection(&self) -> ConnectionManager {
        self.manager.clone()
    }

    /// A connection of its own, multiplexed, with the response timeout of scripts. It does not connect again by itself:
    /// whoever holds it takes a new one after an error, and so is never stuck on a failed attempt to reconnect.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn fresh(&self) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// A connection of its own without a response timeout, for commands that block such as `XREAD BLOCK`.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn dedicated(&self) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(None);
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// A connection of its own for subscriptions. Its stream ends when the connection breaks; subscribe again then.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn subscriber(&self) -> Result<PubSub, RedisError> {
        self.client.get_async_pubsub().await
    }

    /// Whether Redis answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), RedisError> {
        ::redis::cmd("PING").exec_async(&mut self.connection()).await
    }

    /// Where Redis is. May hold a password: never log it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redis").field(&crate::db::redacted(&self.url)).finish()
    }
}

/// Why a private server cannot run.
#[derive(Debug, Error)]
pub enum ServerError {
    /// No `redis-server` in `PATH`.
    #[error(
        "redis-server was not found: install it with `apt-get install redis-server` or set MPP_REDIS__URL to a Redis that runs"
    )]
    Missing,
    /// Another process of ours holds the directory.
    #[error(
        "the Redis data in {0} is in use by another process: stop that one first or choose another data directory"
    )]
    InUse(PathBuf),
    /// The directory cannot be used.
    #[error("cannot use {path} for the private redis-server: {source}")]
    Directory {
        /// Which path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The program cannot be started.
    #[error("cannot start redis-server: {0}")]
    Spawn(io::Error),
    /// It ended again at once.
    #[error("redis-server ended at its start ({status}): {log}")]
    Ended {
        /// How.
        status: ExitStatus,
        /// The last line of its log.
        log: String,
    },
    /// It does not answer.
    #[error("redis-server did not answer within {} seconds; see {log}", START_TIMEOUT.as_secs())]
    Silent {
        /// Where its log is.
        log: PathBuf,
    },
}

/// A `redis-server` child of this process on a unix socket, with its data in a directory. It ends with the value, and with
/// the process however that ends.
///
/// The child is started and owned by a thread of its own. `setpriv --pdeathsig` (util-linux) makes the kernel end it when
/// that thread ends, hence when the process is killed. Where `setpriv` is missing, the next start on the same directory
/// finds the child that was left over by its pid file and ends it first.
#[derive(Debug)]
pub struct PrivateServer {
    url: String,
    pid: u32,
    order: mpsc::Sender<Order>,
    keeper: Option<std::thread::JoinHandle<()>>,
}

#[derive(Debug)]
enum Order {
    /// Write what is pending, then end.
    Stop,
    /// End at once, as a crash would.
    Kill,
}

impl PrivateServer {
    /// Starts a server with its data in `dir` (made if it is missing) and waits until it answers.
    ///
    /// # Errors
    /// [`ServerError`], in one sentence for the person who starts the suite.
    pub async fn start(dir: &Path) -> Result<Self, ServerError> {
        let (started, answer) = tokio::sync::oneshot::channel();
        let (order, orders) = mpsc::channel();
        let dir = dir.to_owned();
        let keeper = std::thread::Builder::new()
            .name("redis-keeper".into())
            .spawn(move || match Kept::start(&dir) {
                Ok(kept) => {
                    // The receiver is gone when the start was given up: then stop at once.
                    let wanted = started.send(Ok((kept.url(), kept.child.id()))).is_ok();
                    kept.keep(if wanted { Some(orders) } else { None });
                }
                Err(error) => drop(started.send(Err(error))),
            })
            .map_err(ServerError::Spawn)?;
        let (url, pid) = answer
            .await
            .unwrap_or_else(|_| Err(ServerError::Spawn(io::Error::other("its keeper thread ended"))))?;
        Ok(Self { url, pid, order, keeper: Some(keeper) })
    }

    /// The URL to connect to, `redis+unix://…`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process id of the child.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Ends the server in order: everything it acknowledged is on the disk. Blocks the thread until it has ended, as
    /// dropping does; ten seconds at most.
    pub fn stop(self) {
        drop(self);
    }

    /// Ends the server as a crash would (SIGKILL): up to a second of writes may be lost.
    pub fn kill(mut self) {
        self.end(Order::Kill);
    }

    fn end(&mut self, order: Order) {
        if let Some(keeper) = self.keeper.take() {
            // An error of either means that the keeper is gone, and it does not go before its child.
            let _gone = self.order.send(order);
            let _gone = keeper.join();
        }
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        self.end(Order::Stop);
    }
}

/// What the keeper thread holds.
struct Kept {
    child: Child,
    socket: PathBuf,
    /// A directory made only because the data directory's path is too long for a socket.
    short: Option<PathBuf>,
    /// Held as long as the server runs: tells a second process that the directory is in use.
    _lock: File,
}

impl Kept {
    fn start(dir: &Path) -> Result<Self, ServerError> {
        let program = crate::process::find("redis-server").ok_or(ServerError::Missing)?;
        let fail = |source| ServerError::Directory { path: dir.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(fail)?;
        let dir = dir.canonicalize().map_err(fail)?;
        let lock = File::create(dir.join("redis.lock")).map_err(fail)?;
        // A child that another thread starts at this moment has a copy of the descriptor until it is a program of its
        // own: a lock that was let go just before may be held that long.
        let patience = Instant::now() + Duration::from_secs(1);
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(fs::TryLockError::WouldBlock) if Instant::now() < patience => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(fs::TryLockError::WouldBlock) => return Err(ServerError::InUse(dir)),
                Err(fs::TryLockError::Error(source)) => return Err(fail(source)),
            }
        }
        end_left_over(&dir);
        let (socket, short) = socket_path(&dir).map_err(fail)?;
        // A socket file without a server behind it would make redis-server refuse to listen.
        match fs::remove_file(&socket) {
            Ok(()) => (),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            Err(error) => return Err(fail(error)),
        }
        let child = spawn(&program, &dir, &socket).map_err(ServerError::Spawn)?;
        let mut kept = Self { child, socket, short, _lock: lock };
        match kept.wait_until_it_answers(&dir) {
            Ok(()) => Ok(kept),
            Err(error) => {
                kept.end(&Order::Kill);
                Err(error)
            }
        }
    }

    fn url(&self) -> String {
        format!("redis+unix://{}", crate::db::url_path(&self.socket))
    }

    fn wait_until_it_answers(&mut self, dir: &Path) -> Result<(), ServerError> {
        let log = dir.join("redis.log");
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().map_err(ServerError::Spawn)? {
                let text = fs::read_to_string(&log).unwrap_or_default();
                let log = text.lines().next_back().unwrap_or("it left no log").to_owned();
                return Err(ServerError::Ended { status, log });
            }
            // While it reads its log it answers LOADING, which is an error here.
            if self.socket.exists() && command(&self.url(), "PING").is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(ServerError::Silent { log })
    }

    /// Waits for the order to end. `None`: nobody waits for the server any more.
    fn keep(mut self, orders: Option<mpsc::Receiver<Order>>) {
        let order = orders.and_then(|orders| orders.recv().ok()).unwrap_or(Order::Stop);
        self.end(&order);
    }

    fn end(&mut self, order: &Order) {
        if matches!(order, Order::Stop) && command(&self.url(), "SHUTDOWN").is_err() {
            // SHUTDOWN has no answer: the connection just ends. Whether it worked is seen below.
            tracing::trace!("redis-server was told to stop");
        }
        let deadline =
            Instant::now() + if matches!(order, Order::Stop) { STOP_TIMEOUT } else { Duration::ZERO };
        let ended = loop {
            match self.child.try_wait() {
                Ok(Some(_)) => break true,
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
                Ok(None) | Err(_) => break false,
            }
        };
        if !ended && let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            tracing::warn!(%error, "redis-server could not be ended");
        }
        let _gone_with_the_server = fs::remove_file(&self.socket);
        if let Some(short) = self.short.take() {
            let _left_to_the_system = fs::remove_dir_all(short);
        }
    }
}

fn spawn(program: &Path, dir: &Path, socket: &Path) -> io::Result<Child> {
    let mut child = if let Some(setpriv) = crate::process::find("setpriv") {
        let mut child = Command::new(setpriv);
        child.args(["--pdeathsig", "TERM"]).arg(program);
        child
    } else {
        Command::new(program)
    };
    child
        .args(["--port", "0", "--unixsocketperm", "700", "--daemonize", "no"])
        .args(["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""])
        .args(["--maxmemory-policy", "noeviction"])
        .arg("--unixsocket")
        .arg(socket)
        .arg("--dir")
        .arg(dir)
        .arg("--logfile")
        .arg(dir.join("redis.log"))
        .arg("--pidfile")
        .arg(dir.join("redis.pid"))
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C goes to the whole group of the terminal; the server must outlive the drain of those who use it.
        .process_group(0)
        .spawn()
}

/// Where the socket goes. A socket's path may have 108 bytes; a deep data directory gets a short one elsewhere.
fn socket_path(dir: &Path) -> io::Result<(PathBuf, Option<PathBuf>)> {
    const LIMIT: usize = 100;
    let socket = dir.join("redis.sock");
    if socket.as_os_str().len() <= LIMIT {
        return Ok((socket, None));
    }
    // A fresh name that is made, not found: nobody else can have put something there.
    let short = std::env::temp_dir().join(format!("mpp-{:016x}", rand::random::<u64>()));
    DirBuilder::new().mode(0o700).create(&short)?;
    tracing::info!(socket = %short.display(), "the data directory's path is too long for a unix socket; Redis listens elsewhere");
    Ok((short.join("redis.sock"), Some(short)))
}

/// Ends a server of ours that outlived its process. Only called with the lock held: its process is gone.
fn end_left_over(dir: &Path) {
    let Ok(pid) = fs::read_to_string(dir.join("redis.pid")) else { return };
    let Ok(pid) = pid.trim().parse::<u32>() else { return };
    let proc = PathBuf::from(format!("/proc/{pid}"));
    // Pids are used again: it must be a redis-server and it must live in this directory.
    let is_redis = || fs::read_to_string(proc.join("comm")).is_ok_and(|name| name.trim() == "redis-server");
    let is_ours = || fs::read_link(proc.join("cwd")).is_ok_and(|cwd| cwd == dir);
    if !is_redis() || !is_ours() {
        return;
    }
    tracing::info!(pid, "ending a redis-server that was left over");
    for signal in ["-TERM", "-KILL"] {
        let sent = Command::new("kill").args([signal, &pid.to_string()]).stderr(Stdio::null()).status();
        if let Err(error) = sent {
            tracing::warn!(%error, "cannot run kill");
        }
        let deadline = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < deadline {
            // One that ended but was not waited for yet has a name and no directory.
            if !is_redis() || !is_ours() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// One command on a connection of its own, waiting in this thread.
fn command(url: &str, name: &str) -> Result<(), RedisError> {
    let mut connection = Client::open(url)?.get_connection_with_timeout(CONNECT_TIMEOUT)?;
    connection.set_read_timeout(Some(STOP_TIMEOUT))?;
    ::redis::cmd(name).exec(&mut connection)
}

//! Private servers, databases and tokens for tests. Never a server that happens to run on the machine.
//!
//! Everything lives under one temporary directory per test process. A watchdog (a shell that reads from a pipe of this
//! process) stops the servers and removes the directory when the process ends, however it ends: after the last test, by a
//! failure, or killed.
//!
//! What fails here fails the test with a sentence: these functions panic instead of answering an error.

pub mod audit;
mod lines;
pub mod mail;
pub mod meters;
mod refusal;
mod stand_in;
mod tools;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::EncodePrivateKey as _;
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database};
use tempfile::TempDir;

use crate::auth::{Claims, GrantClaim, ISSUER, Jwk, KeySource, TOKEN_TYPE};
use crate::caller::Scope;
use crate::clock::Clock;
pub use crate::db::Engine;
use crate::db::{self, Db};
use crate::redis::{PrivateServer, Redis};

pub use refusal::Refusal;
pub use stand_in::StandIn;
pub use tools::{S3, qr_codes, s3};

/// Both engines, for a test that runs on each.
pub const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// The temporary directory of this process and the shell that looks after it.
struct Watchdog {
    root: PathBuf,
    /// Closed by the kernel when this process ends; each line is a command to run until then.
    commands: Mutex<ChildStdin>,
}

/// Runs each line as a child of its own; at the end of its input stops them all, waits, and removes the directory.
const WATCHDOG: &str = r#"
pids=
while IFS= read -r line; do
  sh -c "exec $line" </dev/null >>"$1/watchdog.log" 2>&1 &
  pids="$pids $!"
done
[ -z "$pids" ] || kill -INT $pids 2>/dev/null
wait
rm -rf "$1" || { sleep 1; rm -rf "$1"; }
"#;

fn watchdog() -> &'static Watchdog {
    static WATCHDOG_CELL: OnceLock<Watchdog> = OnceLock::new();
    WATCHDOG_CELL.get_or_init(|| {
        let root = TempDir::with_prefix("mpp-test-").expect("a temporary directory").keep();
        // The user that PostgreSQL runs as must get through to its own directory.
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o711))
            .expect("the directory is ours");
        #[expect(
            clippy::zombie_processes,
            reason = "it outlives this process on purpose, to clean up after it"
        )]
        let mut shell = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(&root)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C must not end it before its work is done.
            .process_group(0)
            .spawn()
            .expect("a shell");
        let commands = Mutex::new(shell.stdin.take().expect("it is piped"));
        Watchdog { root, commands }
    })
}

impl Watchdog {
    fn run(&self, command: &str) {
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(commands, "{command}").expect("the watchdog listens as long as this process lives");
    }
}

/// A fresh directory that is removed with the value, or with the process.
#[must_use]
pub fn temp_dir() -> TempDir {
    tempfile::Builder::new().prefix("t").tempdir_in(&watchdog().root).expect("a temporary directory")
}

/// The private PostgreSQL of this process. Starts when first asked for; every test makes databases of its own in it.
#[derive(Debug)]
pub struct Postgres {
    socket_dir: PathBuf,
}

impl Postgres {
    /// The URL of one of its databases, over its unix socket.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        // The host of such a URL is the directory of the socket.
        let dir = self.socket_dir.to_string_lossy().replace('/', "%2F");
        format!("postgres://postgres@localhost/{database}?host={dir}")
    }
}

/// The private PostgreSQL of this process: data in a temporary directory, unix socket only, no `fsync` (a test does not
/// survive a power cut anyway), run as user `postgres` when the tests run as root.
#[must_use]
pub fn postgres() -> &'static Postgres {
    static POSTGRES: OnceLock<Postgres> = OnceLock::new();
    POSTGRES.get_or_init(|| {
        let dir = watchdog().root.join("pg");
        std::fs::DirBuilder::new().mode(0o700).create(&dir).expect("the temporary directory is ours");
        let as_user = postgres_user(&dir);
        let data = dir.join("data");
        let initdb = postgres_program("initdb");
        let mut init = as_user.clone();
        init.extend([initdb, data.display().to_string()]);
        let output = Command::new(&init[0])
            .args(&init[1..])
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C", "--no-sync"])
            .current_dir(&dir)
            .output()
            .expect("initdb can be run");
        assert!(output.status.success(), "initdb failed: {}", String::from_utf8_lossy(&output.stderr));
        let mut start = as_user;
        start.push(postgres_program("postgres"));
        let settings = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=400 \
                        -c shared_buffers=64MB -c listen_addresses= -c timezone=UTC -c logging_collector=off";
        watchdog().run(&format!("{} -D {} -k {} {settings}", start.join(" "), data.display(), dir.display()));
        let deadline = Instant::now() + Duration::from_secs(30);
        // The socket is there before connections are accepted; the status line of the pid file says when they are.
        while !std::fs::read_to_string(data.join("postmaster.pid")).is_ok_and(|pid| pid.contains("\nready")) {
            assert!(
                Instant::now() < deadline,
                "postgres did not start: {}",
                std::fs::read_to_string(watchdog().root.join("watchdog.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Postgres { socket_dir: dir }
    })
}

/// What to put before a command so that it does not run as root, which PostgreSQL refuses. Gives `dir` to that user.
fn postgres_user(dir: &Path) -> Vec<String> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
    if !is_root {
        return Vec::new();
    }
    let owner = Command::new("chown").arg("postgres:").arg(dir).status().expect("chown can be run");
    assert!(
        owner.success(),
        "there is no user postgres: install PostgreSQL with `apt-get install postgresql`"
    );
    let setpriv = crate::process::find("setpriv").expect("setpriv (util-linux)");
    [&setpriv.display().to_string(), "--reuid=postgres", "--regid=postgres", "--init-groups"]
        .map(str::to_owned)
        .to_vec()
}

/// Debian keeps the server's programs out of `PATH`; the newest version is taken.
fn postgres_program(name: &str) -> String {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let newest = versions
        .filter(|entry| entry.path().join("bin").join(name).is_file())
        .max_by_key(|entry| entry.file_name().to_string_lossy().parse::<u32>().unwrap_or(0))
        .map(|entry| entry.path().join("bin").join(name));
    newest
        .or_else(|| crate::process::find(name))
        .unwrap_or_else(|| {
            panic!("{name} was not found: install PostgreSQL with `apt-get install postgresql`")
        })
        .display()
        .to_string()
}

/// Databases of PostgreSQL whose tests are over. What still holds their connections is not waited for: the server has room for
/// so many only.
static LEFT: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A database of PostgreSQL that is in use until this is dropped.
#[derive(Debug)]
struct InUse(String);

impl Drop for InUse {
    fn drop(&mut self) {
        LEFT.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.0));
    }
}

/// A fresh, empty database. Removed with the value, or with the process.
#[derive(Debug)]
pub struct TestDb {
    /// The database.
    pub db: Db,
    /// Which engine it is.
    pub engine: Engine,
    /// Its URL, for a part of the test that connects by itself.
    pub url: String,
    /// The schema that [`TestDb::db`] uses, on PostgreSQL.
    pub schema: Option<&'static str>,
    _dir: Option<TempDir>,
    _in_use: Option<InUse>,
}

impl TestDb {
    /// Connects once more, as a second process would.
    pub async fn connect_again(&self) -> Db {
        Db::connect(&self.url, self.schema).await.expect("the database of the test")
    }
}

/// Takes the triggers away that keep a journal append-only, as whoever owns its tables can: for a test that changes entries and
/// wants that to be seen.
pub async fn unguard_journal(db: &Db) {
    let free = match db.engine() {
        Engine::Postgres => "DROP TRIGGER journal_append_only ON journal",
        Engine::Sqlite => "DROP TRIGGER journal_keeps_entries; DROP TRIGGER journal_keeps_rows",
    };
    db.write.execute_unprepared(free).await.expect("the triggers of the migrations");
}

/// A fresh, empty database on one engine.
pub async fn fresh_db(engine: Engine) -> TestDb {
    let (url, schema, dir, in_use) = match engine {
        Engine::Sqlite => {
            let dir = temp_dir();
            (db::sqlite_url(&dir.path().join("test.db")), None, Some(dir), None)
        }
        Engine::Postgres => {
            let (url, in_use) = fresh_postgres_database().await;
            (url, Some("test"), None, Some(in_use))
        }
    };
    let db = Db::connect(&url, schema).await.expect("a fresh database");
    TestDb { db, engine, url, schema, _dir: dir, _in_use: in_use }
}

/// A fresh, empty database on each engine.
pub async fn databases() -> Vec<TestDb> {
    let mut databases = Vec::new();
    for engine in ENGINES {
        databases.push(fresh_db(engine).await);
    }
    databases
}

async fn fresh_postgres_database() -> (String, InUse) {
    let postgres = tokio::task::spawn_blocking(postgres).await.expect("PostgreSQL starts");
    let name = format!("t{:016x}", rand::random::<u64>());
    // A connection for this alone: a shared pool would belong to the runtime of the test that made it.
    let mut options = ConnectOptions::new(postgres.url("postgres"));
    options.max_connections(1).sqlx_logging(false);
    let admin = Database::connect(options).await.expect("the private PostgreSQL answers");
    let left = std::mem::take(&mut *LEFT.lock().unwrap_or_else(PoisonError::into_inner));
    if !left.is_empty() {
        let names = left.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
        let end = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname IN ({names})"
        );
        admin.execute_unprepared(&end).await.expect("connections of tests that are over can be ended");
    }
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.expect("a database can be made");
    admin.close().await.expect("the connection closes");
    (postgres.url(&name), InUse(name))
}

/// A private Redis with its data in a temporary directory.
#[derive(Debug)]
pub struct TestRedis {
    /// A connection to it.
    pub redis: Redis,
    /// The server: stop or kill it, and start another one in [`TestRedis::dir`].
    pub server: PrivateServer,
    dir: TempDir,
}

impl TestRedis {
    /// Where its data is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Ends the server as a crash would and starts it again on what is left of its data. Connections break.
    pub async fn crash(self) -> Self {
        let Self { redis: _, server, dir } = self;
        tokio::task::spawn_blocking(move || server.kill()).await.expect("the server ends");
        Self::in_dir(dir).await
    }

    async fn in_dir(dir: TempDir) -> Self {
        let server = PrivateServer::start(dir.path()).await.expect("a private redis-server");
        let redis = Redis::connect(server.url()).await.expect("the private redis-server answers");
        Self { redis, server, dir }
    }
}

/// A fresh private Redis.
pub async fn redis() -> TestRedis {
    TestRedis::in_dir(temp_dir()).await
}

/// Signs access tokens as the identity service does, and is the source of the keys to verify them.
pub struct Issuer {
    key: EncodingKey,
    jwk: Jwk,
}

impl Default for Issuer {
    fn default() -> Self {
        Self::new()
    }
}

impl Issuer {
    /// An issuer with a fresh key.
    #[must_use]
    pub fn new() -> Self {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let secret = loop {
            // All but one in 2^32 random texts are a key.
            if let Ok(secret) = p256::SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
                break secret;
            }
        };
        let point = secret.public_key().to_sec1_point(false);
        let coordinate =
            |bytes: Option<&[u8]>| URL_SAFE_NO_PAD.encode(bytes.expect("the point is not compressed"));
        let jwk = Jwk {
            kty: "EC".into(),
            usage: "sig".into(),
            alg: "ES256".into(),
            kid: format!("test-{:08x}", rand::random::<u32>()),
            crv: "P-256".into(),
            x: coordinate(point.x().map(|x| x.as_slice())),
            y: coordinate(point.y().map(|y| y.as_slice())),
        };
        let der = secret.to_pkcs8_der().expect("a key can be encoded");
        Self { key: EncodingKey::from_ec_der(der.as_bytes()), jwk }
    }

    /// Its public key.
    #[must_use]
    pub fn jwk(&self) -> Jwk {
        self.jwk.clone()
    }

    /// A token of ten minutes for `sub` (`acc_…` or `dev_…`) with grants of permissions and scopes.
    #[must_use]
    pub fn token(&self, clock: &dyn Clock, sub: &str, grants: &[(&[&str], Scope)]) -> String {
        self.sign(&self.claims(clock, sub, grants))
    }

    /// The claims of [`Issuer::token`], to be changed before they are signed.
    #[must_use]
    pub fn claims(&self, clock: &dyn Clock, sub: &str, grants: &[(&[&str], Scope)]) -> Claims {
        let now = clock.now();
        Claims {
            iss: ISSUER.into(),
            aud: ISSUER.into(),
            sub: sub.into(),
            sid: "ses_test".into(),
            iat: now.timestamp(),
            exp: (now + TimeDelta::minutes(10)).timestamp(),
            jti: format!("{:032x}", rand::random::<u128>()),
            kind: if sub.starts_with("dev_") { "device" } else { "staff" }.into(),
            service: false,
            name: "Penguji".into(),
            grants: grants
                .iter()
                .map(|(permissions, scope)| GrantClaim {
                    p: permissions.iter().map(|permission| (*permission).to_owned()).collect::<BTreeSet<_>>(),
                    s: scope.clone(),
                })
                .collect(),
        }
    }

    /// Signs claims.
    #[must_use]
    pub fn sign(&self, claims: &Claims) -> String {
        self.sign_with(claims, TOKEN_TYPE)
    }

    /// Signs claims with another `typ`.
    #[must_use]
    pub fn sign_with(&self, claims: &Claims, typ: &str) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.jwk.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.key).expect("claims can be signed")
    }

    /// A verifier that knows this issuer.
    #[must_use]
    pub fn verifier(self: &Arc<Self>, clock: Arc<dyn Clock>) -> Arc<crate::auth::Verifier> {
        Arc::new(crate::auth::Verifier::new(Arc::clone(self) as Arc<dyn KeySource>, clock))
    }
}

#[async_trait::async_trait]
impl KeySource for Issuer {
    async fn jwks(&self) -> anyhow::Result<Vec<Jwk>> {
        Ok(vec![self.jwk()])
    }
}

/// The scope that is bound to these places: `scope(&[("hall", &["hal_…"])])`.
#[must_use]
pub fn scope(bounds: &[(&str, &[&str])]) -> Scope {
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    Scope(bounds.iter().map(|(kind, bound)| ((*kind).to_owned(), ids(bound))).collect())
}

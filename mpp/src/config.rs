//! The settings of the whole suite: defaults, then a TOML file, then `MPP_*` of the environment, then the command line.
//!
//! `MPP_SERVER__PORT=80` is the setting `server.port`. Every setting has a default; without any, one process serves all
//! roles from SQLite files and a private Redis under `./data`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use mpp_kit::config::{ExposeSecret as _, Secret};
use mpp_kit::telemetry::TelemetryConfig;
use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure};

/// Every setting.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the suite answers and what it keeps.
    pub server: Server,
    /// Where roles answer each other when they run apart.
    pub grpc: Grpc,
    /// Where the roles are that do not run in this process.
    pub peers: PeerUrls,
    /// Where tables are.
    pub database: Databases,
    /// Where the order of queues is kept.
    pub redis: Redis,
    /// How the gateway reads boards when identity runs elsewhere.
    pub board: Board,
    /// What is logged, and where traces and metrics go.
    pub telemetry: TelemetryConfig,
    /// Settings of the identity service.
    pub identity: mpp_identity::Config,
    /// Settings of the queue service.
    pub queue: mpp_queue::Config,
    /// Settings of the documents service.
    pub documents: mpp_documents::Config,
    /// Settings of the complaints service.
    pub complaints: mpp_complaints::Config,
    /// How the services that send messages, complaints and documents, sign in when identity runs elsewhere.
    pub sender: Sender,
    /// Settings of the notifications service.
    pub notifications: mpp_notifications::Config,
    /// Settings of the gateway.
    pub gateway: mpp_gateway::Config,
}

/// The account with which complaints and documents ask notifications to send, in a process without identity.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sender {
    /// Its name. The role `notification-sender` is all it needs, and all it should have.
    pub username: String,
    /// Its password.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub password: Secret,
}

/// Where the suite answers and what it keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address to listen on: `127.0.0.1` for this machine only, `0.0.0.0` for all networks.
    pub host: IpAddr,
    /// TCP port of the gateway; 0 for any free one.
    pub port: u16,
    /// The data directory: SQLite files, the private Redis, the demo accounts.
    pub data: PathBuf,
    /// Whether an all-in-one process shows a demo hall.
    pub demo: bool,
    /// Whether the demo starts stand-ins for services that it has not, such as BSrE.
    pub simulators: bool,
    /// Seconds that requests in flight are given when the process is told to stop, 1 to 20.
    pub drain_seconds: u16,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            host: IpAddr::from([127, 0, 0, 1]),
            port: 8080,
            data: PathBuf::from("./data"),
            demo: true,
            simulators: true,
            drain_seconds: 20,
        }
    }
}

/// Where roles answer each other when they run apart. A process that plays every role opens none of these.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grpc {
    /// Address to listen on. The ports are for the private network of the suite: there is no TLS on them.
    pub host: IpAddr,
    /// TCP port of identity; 0 for any free one.
    pub identity_port: u16,
    /// TCP port of the queue; 0 for any free one.
    pub queue_port: u16,
    /// TCP port of documents; 0 for any free one.
    pub documents_port: u16,
    /// TCP port of complaints; 0 for any free one.
    pub complaints_port: u16,
    /// TCP port of notifications; 0 for any free one.
    pub notifications_port: u16,
}

impl Default for Grpc {
    fn default() -> Self {
        Self {
            host: IpAddr::from([127, 0, 0, 1]),
            identity_port: 9101,
            queue_port: 9102,
            documents_port: 9103,
            complaints_port: 9105,
            notifications_port: 9106,
        }
    }
}

/// Where the roles are that do not run in this process, such as `http://queue:9102`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PeerUrls {
    /// Identity.
    pub identity: String,
    /// The queue.
    pub queue: String,
    /// Documents.
    pub documents: String,
    /// Complaints.
    pub complaints: String,
    /// Notifications.
    pub notifications: String,
}

/// Where tables are. An empty address means a SQLite file in the data directory.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Databases {
    /// One address for every service: `postgres://user:password@host/database`; each service has a schema of its own.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub url: Secret,
    /// The address of identity's database, with a login role of its own.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub identity_url: Secret,
    /// The address of the queue's database, with a login role of its own.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub queue_url: Secret,
    /// The address of the database of documents, with a login role of its own.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub documents_url: Secret,
    /// The address of the database of complaints, with a login role of its own.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub complaints_url: Secret,
    /// The address of the database of notifications, with a login role of its own.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub notifications_url: Secret,
    /// Whether a server brings the tables up to date when it starts. Without, `mpp migrate` must have.
    pub migrate: bool,
}

impl Default for Databases {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            identity_url: Secret::default(),
            queue_url: Secret::default(),
            documents_url: Secret::default(),
            complaints_url: Secret::default(),
            notifications_url: Secret::default(),
            migrate: true,
        }
    }
}

/// Where the order of queues is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Redis {
    /// `redis://…`, or `rediss://…` over TLS; empty for a private redis-server in the data directory.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub url: Secret,
}

/// How the gateway reads boards when identity runs elsewhere.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Board {
    /// The key of a board that was enrolled for the gateway (`mpp device enrol --kind board`).
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub device_key: Secret,
}

impl Config {
    /// Reads the file, if one is given, and `environment`, of which only names such as `MPP_A__B` count.
    ///
    /// # Errors
    /// A sentence that names the setting and what it should be.
    pub fn load(file: Option<&Path>, environment: BTreeMap<String, String>) -> Result<Self, Failure> {
        // Every setting lies in a section. A variable without one belongs to somebody else, such as a test program.
        let environment = environment.into_iter().filter(|(name, _)| name.contains("__")).collect();
        mpp_kit::config::load(file, environment).map_err(|error| Failure::new(Exit::Usage, error.to_string()))
    }

    /// Refuses what cannot work, before anything is started.
    ///
    /// # Errors
    /// A sentence that names the setting and its bounds.
    pub fn check(&self) -> Result<(), Failure> {
        if !(1..=20).contains(&self.server.drain_seconds) {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "setting server.drain_seconds is {}: give a number from 1 to 20",
                    self.server.drain_seconds
                ),
            ));
        }
        let database = ("sqlite:// or postgres://", ["sqlite", "postgres", "postgresql"].as_slice());
        let redis =
            ("redis://, rediss:// or redis+unix://", ["redis", "rediss", "redis+unix", "unix"].as_slice());
        for (setting, url, (expected, schemes)) in [
            ("database.url", &self.database.url, database),
            ("database.identity_url", &self.database.identity_url, database),
            ("database.queue_url", &self.database.queue_url, database),
            ("database.documents_url", &self.database.documents_url, database),
            ("database.complaints_url", &self.database.complaints_url, database),
            ("database.notifications_url", &self.database.notifications_url, database),
            ("redis.url", &self.redis.url, redis),
        ] {
            let url = url.expose_secret();
            let known = url.split_once("://").is_some_and(|(scheme, _)| schemes.contains(&scheme));
            if !url.is_empty() && !known {
                return Err(Failure::new(
                    Exit::Usage,
                    format!(
                        "setting {setting} is no address that the suite can use: begin it with {expected}"
                    ),
                ));
            }
        }
        self.identity.check().map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        self.documents.check().map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        self.complaints.check().map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        self.notifications.check().map_err(|error| Failure::new(Exit::Usage, error.to_string()))
    }
}

//! Complaints: from any channel, with clocks that cannot be forgotten, and reporters that cannot be exposed.
//!
//! Read [`domain`] first; `README.md` beside the manifest says what the service owns and promises.

mod catalogue;
mod config;
pub mod domain;
mod error;
pub mod intake;
mod metrics;
mod rpc;
mod store;
mod worker;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use mpp_kit::cipher::{Cipher, load_or_make_key};
use mpp_kit::component::{Component, Env, Role};
use mpp_kit::config::ExposeSecret as _;
use mpp_kit::db::Db;
use mpp_kit::files::Files;
use mpp_kit::relay::TokenSource;
use mpp_proto::complaints::v1::complaints_service_server::ComplaintsServiceServer;
use tokio::sync::RwLock;
use tonic::service::Routes;

pub use config::{Config, ConfigError};

/// The part this service plays.
pub const ROLE: Role = Role("complaints");

/// The roles it calls.
pub const CALLS: &[Role] = &[worker::NOTIFICATIONS];

/// The name of the service in its contract.
pub const SERVICE: &str = "mpp.complaints.v1.ComplaintsService";

/// Messages that come in up to this size: an upload of 3 MiB with what is around it.
const MESSAGE_LIMIT: usize = 16 << 20;
/// Answers up to this size: an evidence pack with its files.
pub const ANSWER_LIMIT: usize = 64 << 20;
/// What digests of cases are made for. The same for ever: PINs follow from them.
const DIGESTS: &str = "mpp.complaints.digests";
/// What digests of the vault are made for. The same for ever: pseudonyms follow from them.
const VAULT_DIGESTS: &str = "mpp.complaints.vault";

/// Where the process keeps what is not configured to be elsewhere, and what it is given.
#[derive(Clone)]
pub struct Place {
    /// The folder for files, when no bucket is configured.
    pub files: PathBuf,
    /// The file with the key of cases, when none is configured. Made when it is missing.
    pub key_file: PathBuf,
    /// The file with the key of the vault, when none is configured.
    pub vault_key_file: PathBuf,
    /// Where people reach the gateway, without a slash at the end.
    pub base_url: String,
    /// Tokens for notifications.
    pub token: TokenSource,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("files", &self.files)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// The service, ready to be served. The tables must be there (`mpp_migrations::run("complaints", …)`). The first start makes
/// both keys, unless they are configured, and puts in the deadlines table and the calendar that ship with it.
///
/// # Errors
/// A setting that cannot be used, by name; or a database or file store that does not answer.
pub async fn component(env: &Env, db: Db, config: Config, place: Place) -> anyhow::Result<Component> {
    config.check()?;
    // Whoever was first chose; what matters is that there is one before a client is built.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let key = load_or_make_key("complaints.key", config.key.expose_secret(), &place.key_file)?;
    let vault =
        load_or_make_key("complaints.vault_key", config.vault_key.expose_secret(), &place.vault_key_file)?;
    anyhow::ensure!(
        key != vault,
        "the vault needs a key of its own: setting complaints.vault_key is that of complaints.key"
    );
    let cipher = Cipher::new(key, DIGESTS);
    let files = Files::open(&config.files, &place.files, cipher.clone())?;
    let core = Arc::new(rpc::Core {
        db,
        clock: Arc::clone(&env.clock),
        config,
        base_url: place.base_url,
        cipher,
        vault: Cipher::new(vault, VAULT_DIGESTS),
        files,
        metrics: metrics::Metrics::new(),
        rules: RwLock::new(None),
    });
    worker::fill_catalogue(&core).await.context("filling the catalogue")?;
    let workers = worker::workers(env, &core, place.token)?;
    let server = ComplaintsServiceServer::new(rpc::Service(core))
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(ANSWER_LIMIT);
    Ok(Component { role: ROLE, routes: Routes::new(server), workers })
}

//! Letters and licences of villages, sub-districts and agencies: applied for, approved step by step, numbered, signed,
//! verifiable by anybody.
//!
//! Read [`domain`] first; `README.md` beside the manifest says what the service owns and promises.

mod adapter;
pub mod catalogue;
mod config;
pub mod domain;
mod error;
pub mod letter;
mod metrics;
mod press;
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
use mpp_proto::documents::v1::documents_service_server::DocumentsServiceServer;
use tonic::service::Routes;

pub use config::{
    Config, ConfigError, FilesConfig, OssConfig, SicantikConfig, SigningConfig, SigningService,
    WebhooksConfig,
};

/// The part this service plays.
pub const ROLE: Role = Role("documents");

/// The roles it calls.
pub const CALLS: &[Role] = &[worker::IDENTITY, worker::NOTIFICATIONS];

/// The name of the service in its contract.
pub const SERVICE: &str = "mpp.documents.v1.DocumentsService";

/// Messages up to this size: an upload of 3 MiB with what is around it, and a signed letter.
const MESSAGE_LIMIT: usize = 5 << 20;

/// What digests are made for. The same for ever: codes and links follow from them.
const DIGESTS: &str = "mpp.documents.digests";

/// Where the process keeps what is not configured to be elsewhere, and what it is given.
#[derive(Clone)]
pub struct Place {
    /// The folder for files, when no bucket is configured.
    pub files: PathBuf,
    /// The file with the key of the installation, when none is configured. Made when it is missing.
    pub key_file: PathBuf,
    /// Where people reach the gateway, without a slash at the end: what stands in the QR of a letter.
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

/// The service, ready to be served. The tables must be there (`mpp_migrations::run("documents", …)`). The first start makes
/// the key of the installation, unless one is configured, and fills the catalogue with the types that ship with it. Versions of
/// letter types that releases before left unfrozen are frozen.
///
/// # Errors
/// A setting that cannot be used, by name; or a database or file store that does not answer.
pub async fn component(env: &Env, db: Db, config: Config, place: Place) -> anyhow::Result<Component> {
    config.check()?;
    // Whoever was first chose; what matters is that there is one before a client is built.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let key = load_or_make_key("documents.file_key", config.file_key.expose_secret(), &place.key_file)?;
    let cipher = Cipher::new(key, DIGESTS);
    let files = Files::open(&config.files, &place.files, cipher.clone())?;
    let signers = adapter::signer::Signers::open(&config.signing, &files, env.clock.now()).await?;
    let core = Arc::new(rpc::Core {
        db,
        clock: Arc::clone(&env.clock),
        types: rpc::types::Types::default(),
        press: press::Press::new()?,
        signers,
        config,
        base_url: place.base_url,
        cipher,
        files,
        metrics: metrics::Metrics::new(),
        owners: rpc::integration::owners::Owners::default(),
        codes: rpc::underway::Underway::default(),
    });
    worker::freeze_catalogue(&core).await.context("freezing what is in force")?;
    worker::fill_catalogue(&core).await.context("filling the catalogue")?;
    let workers = worker::workers(env, &core, place.token)?;
    let server = DocumentsServiceServer::new(rpc::Service(core))
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    Ok(Component { role: ROLE, routes: Routes::new(server), workers })
}

//! Messages that arrive: by WhatsApp, e-mail and the list inside of the system, each with its plan, proof and limits.
//!
//! Read [`domain`] first; `README.md` beside the manifest says what the service owns and promises.

mod catalogue;
mod channel;
mod config;
pub mod domain;
mod error;
mod metrics;
mod rpc;
mod store;
mod worker;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use mpp_kit::cipher::{Cipher, load_or_make_key};
use mpp_kit::component::{Component, Env, Role};
use mpp_kit::config::ExposeSecret as _;
use mpp_kit::db::Db;
use mpp_proto::notifications::v1::notifications_service_server::NotificationsServiceServer;
use tonic::service::Routes;

pub use channel::{direct_simulator, simulator};
pub use config::{Config, ConfigError, DirectConfig, EmailConfig, Security, WhatsAppConfig};
pub use mpp_kit::webhook::WebhooksConfig;

use channel::Channels;
use domain::channel::Channel;

/// The part this service plays.
pub const ROLE: Role = Role("notifications");

/// The roles it calls: none.
pub const CALLS: &[Role] = &[];

/// The name of the service in its contract.
pub const SERVICE: &str = "mpp.notifications.v1.NotificationsService";

/// What digests of addresses and tokens of links are made for. The same for ever.
const DIGESTS: &str = "mpp.notifications.digests";
/// The list inside of the system has no provider that could be hurried.
const IN_APP_PER_SECOND: u32 = 1000;

/// Where the process keeps what is not configured to be elsewhere.
#[derive(Debug, Clone)]
pub struct Place {
    /// The file with the key of the installation, when none is configured. Made when it is missing.
    pub key_file: PathBuf,
    /// Where people reach the gateway, without a slash at the end: what links begin with.
    pub base_url: String,
}

/// The service, ready to be served. The tables must be there (`mpp_migrations::run("notifications", …)`). The first start
/// makes the key of the installation, unless one is configured, and writes the first version of every text.
///
/// # Errors
/// A setting that cannot be used, by name; or a database that does not answer.
pub async fn component(env: &Env, db: Db, config: Config, place: Place) -> anyhow::Result<Component> {
    config.check()?;
    // Whoever was first chose; what matters is that there is one before a client is built.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let key = load_or_make_key("notifications.key", config.key.expose_secret(), &place.key_file)?;
    let cipher = Cipher::new(key, DIGESTS);
    let mut channels = Channels::new();
    let list = channel::in_app::InApp { db: db.clone(), cipher: cipher.clone() };
    channels.add(channel::IN_APP, (Channel::InApp, IN_APP_PER_SECOND, 0), Arc::new(list));
    if !config.email.host.is_empty() {
        let email = channel::email::Email::new(&config.email)?;
        channels.add(channel::EMAIL, (Channel::Email, config.email.per_second, 0), Arc::new(email));
    }
    let mut templates = BTreeMap::new();
    for (key, account) in &config.whatsapp {
        if config.sender() == Some(key) {
            let whatsapp = channel::whatsapp::WhatsApp::new(account)?;
            let limits = (Channel::Whatsapp, account.per_second, account.pair_seconds);
            channels.add(&channel::whatsapp_queue(key), limits, Arc::new(whatsapp));
        }
        if let Some(known) = channel::templates::Templates::new(account, &place.base_url)? {
            templates.insert(key.clone(), known);
        }
    }
    for (network, key, account) in config.direct() {
        let limits = (Channel::Direct, account.per_second, account.pair_seconds);
        let way = channel::Way::new(limits, Arc::new(channel::direct::Account::new(network, account)?));
        let terms = channel::DirectTerms {
            network,
            account: account.id.clone(),
            human_agent: !account.human_agent_tag.is_empty(),
            text_bytes: account.text_bytes as usize,
        };
        channels.add_direct(
            &channel::direct_queue(network, key),
            way,
            (account.has_receipts(network), terms),
        );
    }
    let core = Arc::new(rpc::Core {
        db,
        clock: Arc::clone(&env.clock),
        allowed: config.allowed(),
        config,
        base_url: place.base_url,
        cipher,
        catalogue: catalogue::Catalogue::load()?,
        channels,
        templates,
        metrics: metrics::Metrics::new(),
    });
    worker::fill_catalogue(&core).await.context("writing the first texts")?;
    let workers = worker::workers(env, &core)?;
    let server = NotificationsServiceServer::new(rpc::Service(core));
    Ok(Component { role: ROLE, routes: Routes::new(server), workers })
}

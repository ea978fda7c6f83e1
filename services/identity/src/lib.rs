//! Identity: staff accounts, enrolled devices, sessions, and the access tokens that every service verifies.
//!
//! Read [`domain`] first; `README.md` beside the manifest says what it owns and promises.

mod config;
mod crypto;
pub mod domain;
mod error;
mod metrics;
mod rpc;
mod store;
mod worker;

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use chrono::TimeDelta;
use mpp_kit::{
    auth::{Jwk, KeySource},
    caller::CallerKind,
    cipher::{Cipher, load_or_make_key},
    clock::Clock,
    component::{Component, Env, Role},
    config::ExposeSecret as _,
    db::Db,
};
use mpp_proto::identity::v1::identity_service_server::IdentityServiceServer;
use tonic::service::Routes;

pub use config::{Argon2Costs, Config, ConfigError};
pub use worker::rotate;

use crypto::{
    digest::{self, ServiceSecret},
    password::Hasher,
    signing::Bearer,
};

/// The part this service plays.
pub const ROLE: Role = Role("identity");

/// The roles it calls: none.
pub const CALLS: &[Role] = &[];

/// The name of the service in its contract.
pub const SERVICE: &str = "mpp.identity.v1.IdentityService";

/// The life of a [`system_token`]. Verifiers accept none that lives longer (`mpp_kit::auth`).
const SYSTEM_TOKEN_LIFE: TimeDelta = TimeDelta::seconds(60);

/// What encrypts the secrets of this service: under the key in `config`, else under that in `key_file`, which is made when it
/// is missing.
///
/// # Errors
/// A sentence that names the setting or the file.
pub fn cipher(config: &Config, key_file: &Path) -> anyhow::Result<Cipher> {
    let key = load_or_make_key("identity.key", config.key.expose_secret(), key_file)?;
    Ok(Cipher::new(key, "mpp.identity.digests"))
}

/// The service, ready to be served. The tables must be there (`mpp_migrations::run("identity", …)`). The first start
/// makes the secret of the installation and the first signing key.
///
/// # Errors
/// A setting out of bounds, by name; or a database that does not answer.
pub async fn component(env: &Env, db: Db, config: Config, cipher: Cipher) -> anyhow::Result<Component> {
    config.check()?;
    let secret = store::secret::get_or_insert(&db.write, &cipher, &digest::random_secret())
        .await
        .context("reading the secret of the installation")?;
    worker::ensure_key((&db, &cipher), env.clock.now()).await?;
    let upkeep = worker::upkeep(env, (db.clone(), cipher.clone()), config.clone());
    let service = rpc::Service(rpc::Core {
        hasher: Hasher::new(config.argon2).await?,
        secret: ServiceSecret::new(&secret),
        metrics: metrics::Metrics::new(),
        clock: Arc::clone(&env.clock),
        db,
        cipher,
        config,
    });
    Ok(Component {
        role: ROLE,
        routes: Routes::new(IdentityServiceServer::new(service)),
        workers: vec![upkeep],
    })
}

/// The public keys read from identity's own database: for a verifier in the same process.
#[must_use]
pub fn key_source(db: Db) -> Arc<dyn KeySource> {
    Arc::new(OwnKeys(db))
}

struct OwnKeys(Db);

#[async_trait::async_trait]
impl KeySource for OwnKeys {
    async fn jwks(&self) -> anyhow::Result<Vec<Jwk>> {
        store::signing_key::public(&self.0.read).await.context("reading the public keys")
    }
}

/// An access token with every permission, for sixty seconds: the authority of whoever has identity's database
/// and its key anyway. For the command line on the same machine; it must not leave the process. Longer work asks again.
///
/// # Errors
/// When the database does not answer.
pub async fn system_token(db: &Db, cipher: &Cipher, clock: &dyn Clock) -> anyhow::Result<String> {
    let now = clock.now();
    worker::ensure_key((db, cipher), now).await?;
    let everything = domain::grant::Grant {
        role: domain::role::Role::Admin,
        hall: None,
        agency: None,
        counters: std::collections::BTreeSet::new(),
        area: None,
        valid_from: None,
        valid_to: None,
    };
    let bearer = Bearer {
        subject: "system".to_owned(),
        session: "system".to_owned(),
        kind: CallerKind::System,
        name: "system",
        grants: &[everything],
        ends_by: None,
    };
    Ok(rpc::issue((db, cipher), &bearer, now, SYSTEM_TOKEN_LIFE).await?.jwt)
}

//! What a command of an operator needs: identity beside the database it works on, with or without a running server.

use std::sync::Arc;

use mpp_kit::auth::{KeySource, Verifier};
use mpp_kit::cipher::Cipher;
use mpp_kit::client::Peers;
use mpp_kit::clock::{Clock, SystemClock};
use mpp_kit::component::{Component, Env};
use mpp_kit::db::Db;
use mpp_kit::relay::TokenSource;
use mpp_kit::shutdown::Shutdown;

use crate::config::Config;
use crate::failure::Failure;
use crate::seeding::{self, Bearer, IdentityClient};
use crate::{storage, suite};

/// Identity in this process: what makes tokens of the system.
#[derive(Clone)]
pub(crate) struct Identity {
    db: Db,
    cipher: Cipher,
    clock: Arc<dyn Clock>,
}

impl Identity {
    /// Identity on its database, which is up to date.
    ///
    /// # Errors
    /// A database that does not answer, or a key that cannot be used.
    pub(crate) async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let db = storage::open_current(config, mpp_identity::ROLE).await?;
        if config.identity.keeps_files_here() {
            crate::data::create(&config.server.data)?;
        }
        let cipher = mpp_identity::cipher(&config.identity, &config.server.data.join("identity.key"))
            .map_err(|error| suite::refused(mpp_identity::ROLE, &error))?;
        Ok(Self { db, cipher, clock })
    }

    /// The service, ready to be served.
    pub(crate) async fn component(&self, env: &Env, config: &Config) -> Result<Component, Failure> {
        mpp_identity::component(env, self.db.clone(), config.identity.clone(), self.cipher.clone())
            .await
            .map_err(|error| suite::refused(mpp_identity::ROLE, &error))
    }

    /// The keys that verify tokens, without a call.
    pub(crate) fn key_source(&self) -> Arc<dyn KeySource> {
        mpp_identity::key_source(self.db.clone())
    }

    /// An access token of the system.
    pub(crate) async fn system_token(&self) -> anyhow::Result<String> {
        mpp_identity::system_token(&self.db, &self.cipher, self.clock.as_ref()).await
    }

    /// Such tokens, for whoever calls other roles.
    pub(crate) fn token_source(self) -> TokenSource {
        Arc::new(move || {
            let identity = self.clone();
            Box::pin(async move { identity.system_token().await })
        })
    }
}

/// Identity without a server: commands call it through the same client and the same checks as everybody. Its database
/// may be in use by a running server; both engines serve several processes.
pub struct Office {
    /// Acts as the system.
    pub identity: IdentityClient,
    /// The token it acts with, for a minute.
    pub token: String,
}

impl Office {
    /// Opens the database that `config` names.
    ///
    /// # Errors
    /// A [`Failure`] in one sentence.
    pub async fn open(config: &Config) -> Result<Self, Failure> {
        config.check()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let identity = Identity::open(config, Arc::clone(&clock)).await?;
        let verifier = Arc::new(Verifier::new(identity.key_source(), Arc::clone(&clock)));
        let env = Env { clock, peers: Peers::new(), verifier, shutdown: Shutdown::new() };
        let component = identity.component(&env, config).await?;
        // Its workers (key rotation, clean-up) are left to servers.
        let service = suite::stacked(&env, component.role, component.routes).await?;
        env.peers.local(component.role, service);
        let refused = |error: anyhow::Error| suite::refused(mpp_identity::ROLE, &error);
        let token = identity.system_token().await.map_err(refused)?;
        let bearer = Bearer::new(&token).map_err(refused)?;
        Ok(Self { identity: seeding::identity_client(&env.peers, bearer), token })
    }
}

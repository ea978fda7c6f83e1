//! The people of letters and licences in a test, and the stand-in for BSrE that signs for them.
//!
//! They are those of the demo ([`mpp::demo::letters`]): a village with RT and RW, its sub-district, two agencies, editors,
//! and another system.

use std::collections::BTreeMap;

use mpp::demo::accounts::{Account, DemoAccounts};
use mpp::simulator::bsre::Bsre;

use super::rest::Api;

/// Who signs the letters of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// The seal of the installation.
    Seal,
    /// The stand-in for BSrE by interface version 1.
    BsreV1,
    /// The stand-in for BSrE by interface version 2.
    BsreV2,
}

/// Everybody who works on letters.
pub struct Letters {
    /// Who they are, with passwords and passphrases.
    pub accounts: DemoAccounts,
    /// The stand-in for BSrE, if it signs.
    pub bsre: Option<Bsre>,
    tokens: tokio::sync::Mutex<BTreeMap<String, String>>,
}

impl Letters {
    pub(super) fn new(accounts: DemoAccounts, bsre: Option<Bsre>) -> Self {
        Self { accounts, bsre, tokens: tokio::sync::Mutex::default() }
    }

    /// The account with this username, such as `camat`.
    ///
    /// # Panics
    /// When nobody has it.
    #[must_use]
    pub fn account(&self, username: &str) -> &Account {
        let found = self.accounts.accounts.iter().find(|account| account.username == username);
        found.unwrap_or_else(|| panic!("nobody is called {username}"))
    }

    /// The passphrase of somebody who signs.
    ///
    /// # Panics
    /// When nobody has the name.
    #[must_use]
    pub fn passphrase(&self, username: &str) -> &str {
        &self.account(username).passphrase
    }

    /// The stand-in for BSrE.
    ///
    /// # Panics
    /// When the seal signs.
    #[must_use]
    pub fn bsre(&self) -> &Bsre {
        self.bsre.as_ref().expect("a suite that is signed for by the stand-in for BSrE")
    }

    /// A client that acts as this account. Signs in once.
    pub async fn api(&self, anonymous: &Api, username: &str) -> Api {
        let mut tokens = self.tokens.lock().await;
        if let Some(token) = tokens.get(username) {
            return anonymous.with_token(token);
        }
        let api = anonymous.sign_in(username, &self.account(username).password).await;
        if let Some(token) = api.token() {
            tokens.insert(username.to_owned(), token.to_owned());
        }
        api
    }
}

//! What an operator may set for channels, under `complaints.channels.`.

use std::collections::{BTreeMap, BTreeSet};

use mpp_kit::config::{ExposeSecret as _, Secret};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::email::Mailbox;
use super::envelope::Source;
use super::imap::ImapConfig;

/// The channels that people write on. Accounts have a key of their own, such as `utama`: it is the last part of the
/// address of their webhook, `/hooks/whatsapp/utama`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChannelsConfig {
    /// The key of the category of what comes without one: everything that is written as a message.
    pub category: String,
    /// Numbers at `WhatsApp` Cloud API.
    pub whatsapp: BTreeMap<String, MetaAccount>,
    /// Facebook Pages.
    pub facebook: BTreeMap<String, MetaAccount>,
    /// Instagram accounts.
    pub instagram: BTreeMap<String, MetaAccount>,
    /// Mailboxes.
    pub email: BTreeMap<String, MailboxConfig>,
    /// SP4N-LAPOR!, after an agreement.
    pub sp4n: Sp4nConfig,
    /// Systems of agencies that say what became of their cases, by Open311. The key is what the journal calls them.
    pub partners: BTreeMap<String, Partner>,
    /// Where media of `WhatsApp` are asked for.
    pub graph_url: String,
    /// The hosts, with everything below them, that files of messages are fetched from, separated by commas.
    pub media_hosts: String,
    /// Seconds between two looks at waiting messages, 1 to 60.
    pub tick_seconds: u32,
}

impl Default for ChannelsConfig {
    fn default() -> Self {
        Self {
            category: "UMUM".to_owned(),
            whatsapp: BTreeMap::new(),
            facebook: BTreeMap::new(),
            instagram: BTreeMap::new(),
            email: BTreeMap::new(),
            sp4n: Sp4nConfig::default(),
            partners: BTreeMap::new(),
            graph_url: "https://graph.facebook.com/v25.0".to_owned(),
            media_hosts: "fbcdn.net,fbsbx.com,cdninstagram.com,whatsapp.net".to_owned(),
            tick_seconds: 2,
        }
    }
}

/// An account at Meta.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetaAccount {
    /// The id of the phone number, the Page or the Instagram account. Empty: whatever this app's webhook brings.
    pub id: String,
    /// The secret of the app, under which webhooks are signed.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub app_secret: Secret,
    /// The token of the handshake.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub verify_token: Secret,
    /// The token with which media are fetched.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub access_token: Secret,
    /// Of a Page or an Instagram account: whether who writes or comments there is answered there, in direct messages. Then the
    /// same account is set up at notifications, `notifications.facebook.KEY`.
    pub answers: bool,
}

/// A system of an agency.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Partner {
    /// Its key, at least 16 characters.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub api_key: Secret,
    /// The agency it speaks for, such as `17.07/pupr`; a regency for all of its agencies.
    pub area: String,
}

/// A mailbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailboxConfig {
    /// Its address, such as `aduan@contoh.go.id`.
    pub address: String,
    /// Other addresses of ours, separated by commas: what they send never makes a case.
    pub own_addresses: String,
    /// The domains in the message ids of what we send, separated by commas.
    pub own_domains: String,
    /// The name under which our own mail server writes `Authentication-Results`. Empty: no verdict is believed.
    pub authority: String,
    /// The key of signed reply addresses, 32 characters or more. Empty: there are none.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub reply_key: Secret,
    /// Where it is fetched from.
    pub imap: ImapConfig,
    /// Seconds between two looks, 10 to 3600.
    pub every_seconds: u32,
}

impl Default for MailboxConfig {
    fn default() -> Self {
        Self {
            address: String::new(),
            own_addresses: String::new(),
            own_domains: String::new(),
            authority: String::new(),
            reply_key: Secret::default(),
            imap: ImapConfig::default(),
            every_seconds: 60,
        }
    }
}

/// The interface of SP4N-LAPOR!.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sp4nConfig {
    /// Its address at the service bus. Empty: files and typing alone.
    pub base_url: String,
    /// The token.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub token: Secret,
    /// Minutes between two readings, 1 to 1440.
    pub every_minutes: u32,
    /// How long it may take, in seconds, 5 to 120.
    pub timeout_seconds: u32,
}

impl Default for Sp4nConfig {
    fn default() -> Self {
        Self { base_url: String::new(), token: Secret::default(), every_minutes: 15, timeout_seconds: 30 }
    }
}

fn listed(text: &str) -> Vec<String> {
    text.split(',').map(|it| it.trim().to_lowercase()).filter(|it| !it.is_empty()).collect()
}

impl MailboxConfig {
    /// The mailbox as mail is read with it.
    #[must_use]
    pub fn mailbox(&self) -> Mailbox {
        Mailbox {
            address: self.address.trim().to_lowercase(),
            own_addresses: listed(&self.own_addresses),
            own_domains: listed(&self.own_domains),
            authority: self.authority.trim().to_owned(),
            reply_key: self.reply_key.clone(),
        }
    }
}

impl ChannelsConfig {
    /// The account whose webhook this is.
    #[must_use]
    pub fn account(&self, channel: &str, key: &str) -> Option<&MetaAccount> {
        match channel {
            "whatsapp" => self.whatsapp.get(key),
            "facebook" => self.facebook.get(key),
            "instagram" => self.instagram.get(key),
            _ => None,
        }
    }

    /// The account with a provider's id, for fetching what came with its messages.
    #[must_use]
    pub fn account_of(&self, source: Source, id: &str) -> Option<&MetaAccount> {
        let accounts = match source {
            Source::Whatsapp => &self.whatsapp,
            Source::Messenger | Source::FacebookFeed => &self.facebook,
            Source::InstagramDirect | Source::InstagramComment => &self.instagram,
            Source::Email | Source::Sp4nLapor => return None,
        };
        accounts.values().find(|it| it.id == id).or_else(|| accounts.values().find(|it| it.id.is_empty()))
    }

    /// Whether who writes or comments on this account is answered there.
    #[must_use]
    pub fn answers(&self, source: Source, id: &str) -> bool {
        source.messages().is_some() && self.account_of(source, id).is_some_and(|it| it.answers)
    }

    /// The ids of the accounts of a channel that belong to the same app as this one: its secret signs for all of them.
    #[must_use]
    pub fn of_app(&self, channel: &str, account: &MetaAccount) -> Vec<&str> {
        let accounts = match channel {
            "whatsapp" => &self.whatsapp,
            "facebook" => &self.facebook,
            "instagram" => &self.instagram,
            _ => return Vec::new(),
        };
        let secret = account.app_secret.expose_secret();
        accounts
            .values()
            .filter(|it| it.app_secret.expose_secret() == secret)
            .map(|it| it.id.as_str())
            .collect()
    }

    /// The partner with this key, by name. Digests are compared: how far a guess was right tells nothing.
    #[must_use]
    pub fn partner(&self, api_key: &str) -> Option<(&str, &Partner)> {
        let told = Sha256::digest(api_key.as_bytes());
        let fits = |it: &Partner| Sha256::digest(it.api_key.expose_secret().as_bytes()) == told;
        self.partners.iter().find(|(_, it)| fits(it)).map(|(name, it)| (name.as_str(), it))
    }

    /// The hosts that files are fetched from.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        listed(&self.media_hosts)
    }

    /// Refuses what cannot work.
    ///
    /// # Errors
    /// The setting that is wrong, with the remedy.
    pub fn check(&self) -> Result<(), String> {
        let at = |name: &str, remedy: &str| {
            Err(format!("setting complaints.channels.{name} is not usable: {remedy}"))
        };
        if !(1..=60).contains(&self.tick_seconds) {
            return at("tick_seconds", "give a number from 1 to 60");
        }
        let meta =
            [("whatsapp", &self.whatsapp), ("facebook", &self.facebook), ("instagram", &self.instagram)];
        for (channel, accounts) in meta {
            for (key, account) in accounts {
                if account.app_secret.expose_secret().is_empty() {
                    let name = format!("{channel}.{key}.app_secret");
                    return at(&name, "give the secret of the app: without it nothing could be believed");
                }
                if account.answers && channel == "whatsapp" {
                    let name = format!("{channel}.{key}.answers");
                    return at(&name, "leave it out: reporters on WhatsApp are answered by their number");
                }
            }
        }
        for (key, mailbox) in &self.email {
            let name = |field: &str| format!("email.{key}.{field}");
            let reply_key = mailbox.reply_key.expose_secret();
            if !mailbox.address.contains('@') {
                return at(&name("address"), "give the address of the mailbox");
            }
            if !reply_key.is_empty() && reply_key.len() < 32 {
                return at(&name("reply_key"), "give at least 32 characters, or none");
            }
            if mailbox.imap.host.is_empty() {
                return at(&name("imap.host"), "give the name of the mail server");
            }
            if !(10..=3600).contains(&mailbox.every_seconds) {
                return at(&name("every_seconds"), "give a number from 10 to 3600");
            }
        }
        let mut keys = BTreeSet::new();
        for (key, partner) in &self.partners {
            let secret = partner.api_key.expose_secret();
            if secret.len() < 16 || !keys.insert(secret) {
                let name = format!("partners.{key}.api_key");
                return at(&name, "give at least 16 characters that no other partner has");
            }
            if partner.area.is_empty() {
                return at(
                    &format!("partners.{key}.area"),
                    "give the agency it speaks for, such as 17.07/pupr",
                );
            }
        }
        let sp4n = &self.sp4n;
        if !(1..=1440).contains(&sp4n.every_minutes) {
            return at("sp4n.every_minutes", "give a number from 1 to 1440");
        }
        if !(5..=120).contains(&sp4n.timeout_seconds) {
            return at("sp4n.timeout_seconds", "give a number from 5 to 120");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_usable_and_wrong_settings_are_named() {
        assert_eq!(ChannelsConfig::default().check(), Ok(()));
        let with = |change: fn(&mut ChannelsConfig)| {
            let mut config = ChannelsConfig::default();
            change(&mut config);
            config.check().unwrap_err()
        };
        for (name, change) in [
            ("tick_seconds", (|it| it.tick_seconds = 0) as fn(&mut ChannelsConfig)),
            ("whatsapp.utama.app_secret", |it| {
                it.whatsapp.insert("utama".into(), MetaAccount::default());
            }),
            ("whatsapp.utama.answers", |it| {
                let app_secret = "rahasia".to_owned().into();
                it.whatsapp.insert(
                    "utama".into(),
                    MetaAccount { app_secret, answers: true, ..MetaAccount::default() },
                );
            }),
            ("email.utama.address", |it| {
                it.email.insert("utama".into(), MailboxConfig::default());
            }),
            ("email.utama.imap.host", |it| {
                let mailbox = MailboxConfig { address: "a@b".into(), ..MailboxConfig::default() };
                it.email.insert("utama".into(), mailbox);
            }),
            ("sp4n.every_minutes", |it| it.sp4n.every_minutes = 0),
            ("partners.pupr.api_key", |it| {
                it.partners.insert(
                    "pupr".into(),
                    Partner { api_key: "pendek".to_owned().into(), area: "17.07/pupr".into() },
                );
            }),
            ("partners.pupr.area", |it| {
                let api_key = "kunci-yang-panjang".to_owned().into();
                it.partners.insert("pupr".into(), Partner { api_key, area: String::new() });
            }),
        ] {
            assert!(with(change).contains(&format!("complaints.channels.{name}")), "{name}");
        }
    }

    #[test]
    fn accounts_are_found_by_key_and_by_the_providers_id() {
        let mut config = ChannelsConfig::default();
        let account = |id: &str| MetaAccount { id: id.into(), ..MetaAccount::default() };
        config.whatsapp.insert("utama".into(), account("P1"));
        config.whatsapp.insert("lain".into(), account(""));
        assert_eq!(config.account("whatsapp", "utama").unwrap().id, "P1");
        assert!(config.account("facebook", "utama").is_none() && config.account("x", "utama").is_none());
        assert_eq!(config.account_of(Source::Whatsapp, "P1").unwrap().id, "P1");
        assert_eq!(config.account_of(Source::Whatsapp, "P2").unwrap().id, "");
        assert!(config.account_of(Source::Email, "P1").is_none());
    }
}

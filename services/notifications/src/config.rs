//! What an operator may set for notifications, under `notifications.` in the configuration file or `MPP_NOTIFICATIONS__…`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use mpp_kit::config::{ExposeSecret as _, Secret};
use mpp_kit::webhook::WebhooksConfig;
use serde::{Deserialize, Serialize};

use crate::domain::direct::{Network, is_id};
use crate::domain::outcome::Outcome;
use crate::domain::rules::is_account;

/// The settings of the notifications service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The key under which addresses and texts are encrypted: 32 bytes in base64. Empty: made at the first start, in the data
    /// directory. Several instances need one and the same.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub key: Secret,
    /// Whether this installation writes to real people. Otherwise only addresses of `allow_list` are written to.
    pub production: bool,
    /// Numbers and mail addresses that an installation that is not in production may write to, separated by commas. `*`
    /// permits all, and only where every provider is on this machine.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub allow_list: Secret,
    /// The accounts that are told of trouble where the delivery rules name nobody, separated by commas, such as
    /// `acc_01h455vb4pex5vsknk084sn02q`: templates that cannot be used, channel accounts that failed. With neither, only the log
    /// says so.
    pub admin_accounts: String,
    /// The mail server.
    pub email: EmailConfig,
    /// Our accounts at WhatsApp Cloud API, by a key of their own, such as `utama`. The first one (by key) sends.
    pub whatsapp: BTreeMap<String, WhatsAppConfig>,
    /// Our Facebook Pages, by a key of their own: direct messages (Messenger) to who wrote or commented there.
    pub facebook: BTreeMap<String, DirectConfig>,
    /// Our Instagram accounts, likewise.
    pub instagram: BTreeMap<String, DirectConfig>,
    /// How other systems are told of statuses.
    pub callbacks: WebhooksConfig,
    /// Milliseconds between two looks at the queue, 100 to 60000.
    pub tick_millis: u32,
    /// Days after its end that a notification keeps addresses and text, 1 to 3650. After that only the numbers stay.
    pub keep_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            key: Secret::default(),
            production: false,
            allow_list: Secret::default(),
            admin_accounts: String::new(),
            email: EmailConfig::default(),
            whatsapp: BTreeMap::new(),
            facebook: BTreeMap::new(),
            instagram: BTreeMap::new(),
            callbacks: WebhooksConfig::default(),
            tick_millis: 500,
            keep_days: 180,
        }
    }
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS begins on the plain port (STARTTLS) and is required.
    #[default]
    Starttls,
    /// TLS from the first byte (port 465).
    Tls,
    /// None. For a server on this machine alone.
    None,
}

/// The mail server. Without a host, e-mail is off.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmailConfig {
    /// Its host name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// A PEM file with further roots to trust, for a server with a certificate of the agency's own.
    pub roots: PathBuf,
    /// The user name; empty for none.
    pub username: String,
    /// Its password.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub password: Secret,
    /// The sender, such as `Sinergi MPP <tidak-dibalas@contohkab.go.id>`.
    pub from: String,
    /// The domain of Message-IDs and of the envelope `pantul+…@`, to which bounces come.
    pub domain: String,
    /// How many mails go out in a second, 1 to 1000.
    pub per_second: u32,
    /// How long the server may take for each of its answers, in seconds, 1 to 60.
    pub timeout_seconds: u32,
}

impl Default for EmailConfig {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 587,
            security: Security::Starttls,
            roots: PathBuf::new(),
            username: String::new(),
            password: Secret::default(),
            from: String::new(),
            domain: String::new(),
            per_second: 10,
            timeout_seconds: 30,
        }
    }
}

/// An account at WhatsApp Cloud API.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WhatsAppConfig {
    /// The address of the Graph API with its version.
    pub base_url: String,
    /// The id of the number that sends.
    pub phone_number_id: String,
    /// The id of the WhatsApp Business Account, where templates are; empty: templates are kept in step by hand.
    pub business_account_id: String,
    /// The token of a system user.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub token: Secret,
    /// The app secret, with which webhooks are signed.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub app_secret: Secret,
    /// What the handshake of the webhook must present.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub verify_token: Secret,
    /// Messages in a second, 1 to 1000: 80 for a number, 20 in coexistence with the app.
    pub per_second: u32,
    /// Seconds between two messages to one recipient, 0 to 60.
    pub pair_seconds: u32,
    /// How long an answer may take, in seconds, 1 to 60.
    pub timeout_seconds: u32,
}

impl Default for WhatsAppConfig {
    fn default() -> Self {
        Self {
            base_url: "https://graph.facebook.com/v25.0".to_owned(),
            phone_number_id: String::new(),
            business_account_id: String::new(),
            token: Secret::default(),
            app_secret: Secret::default(),
            verify_token: Secret::default(),
            per_second: 80,
            pair_seconds: 6,
            timeout_seconds: 20,
        }
    }
}

/// An account at Facebook or Instagram that writes direct messages. What Meta does not say in so many words is a setting.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DirectConfig {
    /// The address of the Graph API with its version: `https://graph.facebook.com/v25.0`, or `https://graph.instagram.com/v25.0`
    /// for an Instagram account that signed in by itself.
    pub base_url: String,
    /// The id of the Page or of the Instagram account, as webhooks tell it.
    pub id: String,
    /// The id that messages are sent from, where it is another one: of an Instagram account that belongs to a Page, that Page.
    pub sender_id: String,
    /// The token of the Page or account.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub token: Secret,
    /// The app secret, with which webhooks are signed.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub app_secret: Secret,
    /// The tag for what a person wrote after more than 24 hours, `HUMAN_AGENT`, once Meta has granted it. Empty: nothing is sent
    /// after 24 hours.
    pub human_agent_tag: String,
    /// Whether deliveries are told of (the app is subscribed to `message_deliveries`). Otherwise a message that was taken counts
    /// as delivered after 24 hours. Not set: at Facebook they are, at Instagram not.
    pub receipts: Option<bool>,
    /// Whether messages may carry our tag, which comes back in echoes (`message_echoes`). Not set: at Facebook they may, at
    /// Instagram not.
    pub metadata: Option<bool>,
    /// The most bytes of a text in UTF-8, 200 to 2000. Longer ones are shortened and name the link.
    pub text_bytes: u32,
    /// What codes of the Graph API mean, where they mean something else than the suite knows: `"10/2018278" = "WINDOW_CLOSED"`, or
    /// the code alone. The words are those of the outcomes of attempts.
    pub codes: BTreeMap<String, String>,
    /// Messages in a second, 1 to 1000.
    pub per_second: u32,
    /// Seconds between two messages to one recipient, 0 to 60.
    pub pair_seconds: u32,
    /// How long an answer may take, in seconds, 1 to 60.
    pub timeout_seconds: u32,
}

impl Default for DirectConfig {
    fn default() -> Self {
        Self {
            base_url: "https://graph.facebook.com/v25.0".to_owned(),
            id: String::new(),
            sender_id: String::new(),
            token: Secret::default(),
            app_secret: Secret::default(),
            human_agent_tag: String::new(),
            receipts: None,
            metadata: None,
            text_bytes: 1000,
            codes: BTreeMap::new(),
            per_second: 10,
            pair_seconds: 1,
            timeout_seconds: 20,
        }
    }
}

impl DirectConfig {
    /// The id that messages are sent from.
    pub(crate) fn sends_as(&self) -> &str {
        if self.sender_id.is_empty() { &self.id } else { &self.sender_id }
    }

    /// Whether deliveries are told of.
    pub(crate) fn has_receipts(&self, network: Network) -> bool {
        self.receipts.unwrap_or(network == Network::Facebook)
    }

    /// Whether messages carry our tag.
    pub(crate) fn has_metadata(&self, network: Network) -> bool {
        self.metadata.unwrap_or(network == Network::Facebook)
    }
}

/// A setting that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Whether the key lies in the data directory.
    #[must_use]
    pub fn keeps_files_here(&self) -> bool {
        self.key.expose_secret().is_empty()
    }

    /// The accounts that are told of trouble where the delivery rules name nobody.
    pub(crate) fn admins(&self) -> impl Iterator<Item = &str> {
        self.admin_accounts.split(',').map(str::trim).filter(|it| !it.is_empty())
    }

    /// Refuses what cannot work, before anything is started.
    ///
    /// # Errors
    /// A sentence that names the setting and its bounds.
    pub fn check(&self) -> Result<(), ConfigError> {
        let unusable = |setting: String, remedy: &str| {
            Err(ConfigError(format!("setting notifications.{setting} is not usable: {remedy}")))
        };
        if !self.admins().all(is_account) {
            return unusable(
                "admin_accounts".to_owned(),
                "give ids of accounts, such as acc_01h455vb4pex5vsknk084sn02q, separated by commas",
            );
        }
        let mut bounds = vec![
            ("tick_millis".to_owned(), self.tick_millis, 100, 60_000),
            ("keep_days".to_owned(), self.keep_days, 1, 3650),
            ("callbacks.timeout_seconds".to_owned(), self.callbacks.timeout_seconds, 1, 30),
            ("callbacks.concurrency".to_owned(), self.callbacks.concurrency, 1, 16),
            ("callbacks.keep_days".to_owned(), self.callbacks.keep_days, 1, 365),
            ("email.per_second".to_owned(), self.email.per_second, 1, 1000),
            ("email.timeout_seconds".to_owned(), self.email.timeout_seconds, 1, 60),
        ];
        for (key, account) in &self.whatsapp {
            bounds.push((format!("whatsapp.{key}.per_second"), account.per_second, 1, 1000));
            bounds.push((format!("whatsapp.{key}.pair_seconds"), account.pair_seconds, 0, 60));
            bounds.push((format!("whatsapp.{key}.timeout_seconds"), account.timeout_seconds, 1, 60));
        }
        for (network, key, account) in self.direct() {
            for (setting, value, min, max) in [
                ("per_second", account.per_second, 1, 1000),
                ("pair_seconds", account.pair_seconds, 0, 60),
                ("timeout_seconds", account.timeout_seconds, 1, 60),
                ("text_bytes", account.text_bytes, 200, 2000),
            ] {
                bounds.push((format!("{network}.{key}.{setting}"), value, min, max));
            }
        }
        for (setting, value, min, max) in bounds {
            if !(min..=max).contains(&value) {
                return Err(ConfigError(format!(
                    "setting notifications.{setting} is {value}: give a number from {min} to {max}"
                )));
            }
        }
        let is_key = |key: &str| {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            (1..=40).contains(&key.len()) && key.chars().all(fits)
        };
        for (network, key, account) in self.direct() {
            let name = |setting: &str| format!("{network}.{key}.{setting}");
            if !is_key(key) {
                return unusable(
                    format!("{network}.{key}"),
                    "use lower-case letters, digits and _ for its key",
                );
            }
            if !account.base_url.starts_with("https://") && !is_local(&account.base_url) {
                return unusable(name("base_url"), "give an https:// address");
            }
            if !is_id(&account.id) || !is_id(account.sends_as()) {
                return unusable(name("id"), "give the id of the Page or account, as Meta shows it");
            }
            for (setting, secret) in [("token", &account.token), ("app_secret", &account.app_secret)] {
                if secret.expose_secret().is_empty() {
                    return unusable(name(setting), "give what Meta shows for the app");
                }
            }
            if let Some((code, _)) = account.codes.iter().find(|(_, word)| Outcome::of_word(word).is_none()) {
                return unusable(name(&format!("codes.{code}")), "give an outcome such as WINDOW_CLOSED");
            }
        }
        if !self.callbacks.ports_are_sound() {
            return unusable("callbacks.allow_ports".to_owned(), "give port numbers, separated by commas");
        }
        for (key, account) in &self.whatsapp {
            let name = |setting: &str| format!("whatsapp.{key}.{setting}");
            if !is_key(key) {
                return unusable(
                    format!("whatsapp.{key}"),
                    "use lower-case letters, digits and _ for its key",
                );
            }
            let local = is_local(&account.base_url);
            if !account.base_url.starts_with("https://") && !local {
                return unusable(name("base_url"), "give an https:// address");
            }
            if account.phone_number_id.is_empty()
                || !account.phone_number_id.bytes().all(|b| b.is_ascii_digit())
            {
                return unusable(name("phone_number_id"), "give the id of the number, digits alone");
            }
            for (setting, secret) in [
                ("token", &account.token),
                ("app_secret", &account.app_secret),
                ("verify_token", &account.verify_token),
            ] {
                if secret.expose_secret().is_empty() {
                    return unusable(name(setting), "give what Meta shows for the app");
                }
            }
        }
        let email = &self.email;
        if !email.host.is_empty() {
            if email.security == Security::None && !is_this_machine(&email.host) {
                return unusable(
                    "email.security".to_owned(),
                    "only a server on this machine may be reached without TLS",
                );
            }
            if email.from.parse::<lettre::message::Mailbox>().is_err() {
                return unusable(
                    "email.from".to_owned(),
                    "give a sender such as Sinergi MPP <tidak-dibalas@contohkab.go.id>",
                );
            }
            if !crate::domain::channel::is_email(&format!("a@{}", email.domain)) {
                return unusable("email.domain".to_owned(), "give a domain such as contohkab.go.id");
            }
        }
        let everybody = self.allow_list.expose_secret().trim() == "*";
        let remote = self.whatsapp.values().any(|account| !is_local(&account.base_url))
            || self.direct().any(|(_, _, account)| !is_local(&account.base_url))
            || !(email.host.is_empty() || is_this_machine(&email.host));
        if everybody && remote {
            return unusable(
                "allow_list".to_owned(),
                "* is only for providers on this machine; name the addresses",
            );
        }
        Ok(())
    }

    /// Whom an installation that is not in production may write to; `None` for everybody.
    pub(crate) fn allowed(&self) -> Option<BTreeSet<String>> {
        let list = self.allow_list.expose_secret();
        if self.production || list.trim() == "*" {
            return None;
        }
        let entries = list.split(',').map(|entry| entry.trim().to_lowercase());
        Some(entries.filter(|entry| !entry.is_empty()).collect())
    }

    /// Every account for direct messages, with where it is and its key.
    pub(crate) fn direct(&self) -> impl Iterator<Item = (Network, &str, &DirectConfig)> {
        let facebook = self.facebook.iter().map(|(key, it)| (Network::Facebook, key.as_str(), it));
        let instagram = self.instagram.iter().map(|(key, it)| (Network::Instagram, key.as_str(), it));
        facebook.chain(instagram)
    }

    /// The account for direct messages with this key.
    pub(crate) fn direct_account(&self, network: Network, key: &str) -> Option<&DirectConfig> {
        match network {
            Network::Facebook => self.facebook.get(key),
            Network::Instagram => self.instagram.get(key),
        }
    }

    /// The account that sends.
    pub(crate) fn sender(&self) -> Option<&str> {
        self.whatsapp.keys().next().map(String::as_str)
    }
}

fn is_this_machine(host: &str) -> bool {
    ["localhost", "127.0.0.1", "::1", "[::1]"].contains(&host)
}

fn is_local(url: &str) -> bool {
    reqwest::Url::parse(url)
        .is_ok_and(|url| url.scheme() == "http" && url.host_str().is_some_and(is_this_machine))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> WhatsAppConfig {
        WhatsAppConfig {
            phone_number_id: "1".to_owned(),
            token: "a".into(),
            app_secret: "b".into(),
            verify_token: "c".into(),
            ..WhatsAppConfig::default()
        }
    }

    fn page() -> DirectConfig {
        DirectConfig {
            id: "1".to_owned(),
            token: "a".into(),
            app_secret: "b".into(),
            ..DirectConfig::default()
        }
    }

    #[test]
    fn the_defaults_are_usable_and_wrong_settings_are_named() {
        assert_eq!(Config::default().check(), Ok(()));
        type Change = fn(&mut Config);
        let cases: [(&str, Change); 13] = [
            ("notifications.tick_millis", |config| config.tick_millis = 0),
            ("notifications.admin_accounts", |config| config.admin_accounts = "acc_ani, budi".to_owned()),
            ("notifications.whatsapp.utama.token", |config| {
                config
                    .whatsapp
                    .insert("utama".to_owned(), WhatsAppConfig { token: Secret::default(), ..account() });
            }),
            ("notifications.whatsapp.utama.base_url", |config| {
                let base_url = "http://graph.example".to_owned();
                config.whatsapp.insert("utama".to_owned(), WhatsAppConfig { base_url, ..account() });
            }),
            ("notifications.whatsapp.Utama", |config| {
                config.whatsapp.insert("Utama".to_owned(), account());
            }),
            ("notifications.email.security", |config| {
                config.email.host = "smtp.example".to_owned();
                config.email.security = Security::None;
            }),
            ("notifications.email.from", |config| config.email.host = "smtp.example".to_owned()),
            ("notifications.email.domain", |config| {
                config.email.host = "smtp.example".to_owned();
                config.email.from = "MPP <a@contohkab.go.id>".to_owned();
            }),
            ("notifications.facebook.utama.id", |config| {
                config.facebook.insert("utama".to_owned(), DirectConfig { token: "a".into(), ..page() });
                config.facebook.get_mut("utama").unwrap().id = "../1".to_owned();
            }),
            ("notifications.instagram.utama.app_secret", |config| {
                let app_secret = Secret::default();
                config.instagram.insert("utama".to_owned(), DirectConfig { app_secret, ..page() });
            }),
            ("notifications.facebook.utama.codes.10", |config| {
                let codes = [("10".to_owned(), "CLOSED".to_owned())].into();
                config.facebook.insert("utama".to_owned(), DirectConfig { codes, ..page() });
            }),
            ("notifications.allow_list", |config| {
                config.allow_list = "*".into();
                config.facebook.insert("utama".to_owned(), page());
            }),
            ("notifications.allow_list", |config| {
                config.allow_list = "*".into();
                config.whatsapp.insert("utama".to_owned(), account());
            }),
        ];
        for (name, change) in cases {
            let mut config = Config::default();
            change(&mut config);
            let told = config.check().expect_err(name).to_string();
            assert!(told.contains(name), "{told}");
        }
    }

    #[test]
    fn n_10_only_production_writes_to_everybody() {
        let staging = Config { allow_list: " 6281, Budi@Contoh.example ,".into(), ..Config::default() };
        let allowed = staging.allowed().unwrap();
        assert_eq!(allowed.into_iter().collect::<Vec<_>>(), ["6281", "budi@contoh.example"]);
        assert_eq!(Config::default().allowed(), Some(BTreeSet::new()));
        assert_eq!(Config { production: true, ..staging }.allowed(), None);
    }
}

//! What an operator may set for notifications, under `notifications.` in the configuration file or `MPP_NOTIFICATIONS__…`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use mpp_kit::config::{ExposeSecret as _, Secret};
use mpp_kit::webhook::WebhooksConfig;
use serde::{Deserialize, Serialize};

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
    /// The mail server.
    pub email: EmailConfig,
    /// Our accounts at WhatsApp Cloud API, by a key of their own, such as `utama`. The first one (by key) sends.
    pub whatsapp: BTreeMap<String, WhatsAppConfig>,
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
            email: EmailConfig::default(),
            whatsapp: BTreeMap::new(),
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

    /// Refuses what cannot work, before anything is started.
    ///
    /// # Errors
    /// A sentence that names the setting and its bounds.
    pub fn check(&self) -> Result<(), ConfigError> {
        let unusable = |setting: String, remedy: &str| {
            Err(ConfigError(format!("setting notifications.{setting} is not usable: {remedy}")))
        };
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
        for (setting, value, min, max) in bounds {
            if !(min..=max).contains(&value) {
                return Err(ConfigError(format!(
                    "setting notifications.{setting} is {value}: give a number from {min} to {max}"
                )));
            }
        }
        for (key, account) in &self.whatsapp {
            let name = |setting: &str| format!("whatsapp.{key}.{setting}");
            let is_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if key.is_empty() || key.len() > 40 || !key.chars().all(is_key) {
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

    #[test]
    fn the_defaults_are_usable_and_wrong_settings_are_named() {
        assert_eq!(Config::default().check(), Ok(()));
        type Change = fn(&mut Config);
        let cases: [(&str, Change); 8] = [
            ("notifications.tick_millis", |config| config.tick_millis = 0),
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

//! What an operator may set for documents, under `documents.` in the configuration file or `MPP_DOCUMENTS__…`.

mod integration;

use std::fmt;
use std::path::PathBuf;

use mpp_kit::config::{ExposeSecret as _, Secret};
use serde::{Deserialize, Serialize};

pub use integration::{OssConfig, SicantikConfig};
pub use mpp_kit::files::FilesConfig;
pub use mpp_kit::webhook::WebhooksConfig;

/// The settings of the documents service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The key under which files are encrypted: 32 bytes in base64. Empty: made at the first start, in the data
    /// directory. Several instances need one and the same.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub file_key: Secret,
    /// Where files are kept.
    pub files: FilesConfig,
    /// Who signs.
    pub signing: SigningConfig,
    /// How long a download link lives, in minutes, 1 to 60.
    pub link_minutes: u32,
    /// Seconds between two looks at clocks, ends of validity and loose files, 1 to 300.
    pub sweep_seconds: u32,
    /// Minutes from the filing of an application until files that nobody used are deleted, 60 to 10080.
    pub loose_file_minutes: u32,
    /// The address of ClamAV's daemon that looks at every upload, such as `clamav:3310`; empty for none. While it does not
    /// answer, uploads are refused.
    pub scanner: String,
    /// How other systems are told of events.
    pub webhooks: WebhooksConfig,
    /// The account at OSS-RBA.
    pub oss: OssConfig,
    /// A report of SiCantik Cloud.
    pub sicantik: SicantikConfig,
}

/// Kinds of signing services.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SigningService {
    /// The seal of this installation: a key of its own.
    #[default]
    Seal,
    /// BSrE's Esign Client Service, interface version 1.
    BsreV1,
    /// BSrE's Esign Client Service, interface version 2.
    BsreV2,
}

/// Who signs, and whom this installation trusts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SigningConfig {
    /// The kind of service.
    pub service: SigningService,
    /// The address of the Esign Client Service in the agency's network.
    pub url: String,
    /// The application account there.
    pub username: String,
    /// Its password.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub password: Secret,
    /// A PEM file with the root certificates that signatures must lead to. Empty for the seal's own root.
    pub roots: PathBuf,
    /// A PEM file with the seal's PKCS#8 private key; empty for one that is made at the first start.
    pub seal_key: PathBuf,
    /// A PEM file with the seal's certificate and those above it.
    pub seal_chain: PathBuf,
    /// The address of an RFC 3161 time stamp authority for the seal; empty for none. A signing service elsewhere has its own.
    pub tsa_url: String,
    /// A PEM file with root certificates that time stamps must lead to, besides those of `roots`.
    pub tsa_roots: PathBuf,
    /// Whether a letter waits while the time stamp authority does not answer. Off: it is sealed without a time stamp then,
    /// and a warning says so. An answer that is not trusted is refused either way.
    pub tsa_required: bool,
    /// Whether a signature of a signing service elsewhere must carry a time stamp that leads to `roots` or `tsa_roots`. Off: when
    /// it was made is the word of its maker alone, for as long as the letter is kept.
    pub timestamp_required: bool,
    /// How long the signing service may take, in seconds, 10 to 300. BSrE asks for a minute at least.
    pub timeout_seconds: u32,
    /// Whether letters are samples: signed with test certificates, marked CONTOH.
    pub sample: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            file_key: Secret::default(),
            files: FilesConfig::default(),
            signing: SigningConfig::default(),
            link_minutes: 10,
            sweep_seconds: 5,
            loose_file_minutes: 1440,
            scanner: String::new(),
            webhooks: WebhooksConfig::default(),
            oss: OssConfig::default(),
            sicantik: SicantikConfig::default(),
        }
    }
}

impl Default for SigningConfig {
    fn default() -> Self {
        Self {
            service: SigningService::Seal,
            url: String::new(),
            username: String::new(),
            password: Secret::default(),
            roots: PathBuf::new(),
            seal_key: PathBuf::new(),
            seal_chain: PathBuf::new(),
            tsa_url: String::new(),
            tsa_roots: PathBuf::new(),
            tsa_required: true,
            timestamp_required: true,
            timeout_seconds: 90,
            sample: false,
        }
    }
}

impl SigningConfig {
    /// Whether nobody has said who signs.
    #[must_use]
    pub fn is_left_alone(&self) -> bool {
        self.service == SigningService::Seal && self.seal_key.as_os_str().is_empty() && self.url.is_empty()
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
    /// Whether something of it lies in the data directory: files, or the key.
    #[must_use]
    pub fn keeps_files_here(&self) -> bool {
        self.files.bucket.is_empty() || self.file_key.expose_secret().is_empty()
    }

    /// Refuses what cannot work, before anything is started.
    ///
    /// # Errors
    /// The first setting that is wrong, by name, with the remedy.
    pub fn check(&self) -> Result<(), ConfigError> {
        integration::check(&self.webhooks, &self.oss, &self.sicantik)?;
        let signing = &self.signing;
        for (setting, value, min, max) in [
            ("link_minutes", self.link_minutes, 1, 60),
            ("sweep_seconds", self.sweep_seconds, 1, 300),
            ("loose_file_minutes", self.loose_file_minutes, 60, 10_080),
            ("signing.timeout_seconds", signing.timeout_seconds, 10, 300),
        ] {
            if !(min..=max).contains(&value) {
                let told =
                    format!("setting documents.{setting} is {value}: give a number from {min} to {max}");
                return Err(ConfigError(told));
            }
        }
        let is_address = |text: &str| {
            text.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
            })
        };
        if !self.scanner.is_empty() && !is_address(&self.scanner) {
            let told = "setting documents.scanner is not usable: give host and port, such as clamav:3310";
            return Err(ConfigError(told.to_owned()));
        }
        let remote = match signing.service {
            SigningService::Seal => false,
            SigningService::BsreV1 | SigningService::BsreV2 => true,
        };
        let needed = [
            (
                remote && !is_http(&signing.url),
                "url",
                "give the http:// or https:// address of the Esign Client Service",
            ),
            (
                remote && signing.roots.as_os_str().is_empty(),
                "roots",
                "give the PEM file with the roots of BSrE",
            ),
            (
                signing.seal_key.as_os_str().is_empty() != signing.seal_chain.as_os_str().is_empty(),
                "seal_key",
                "give seal_key and seal_chain together, or neither",
            ),
            (
                !signing.tsa_url.is_empty() && !is_http(&signing.tsa_url),
                "tsa_url",
                "give an http:// or https:// address",
            ),
            (
                !signing.tsa_url.is_empty()
                    && signing.tsa_roots.as_os_str().is_empty()
                    && signing.roots.as_os_str().is_empty(),
                "tsa_roots",
                "give the PEM file with the roots of the time stamp authority",
            ),
        ];
        match needed.into_iter().find(|(wrong, _, _)| *wrong) {
            Some((_, setting, remedy)) => {
                Err(ConfigError(format!("setting documents.signing.{setting} is not usable: {remedy}")))
            }
            None => Ok(()),
        }
    }
}

fn is_http(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_usable_and_wrong_settings_are_named() {
        assert_eq!(Config::default().check(), Ok(()));
        type Change = fn(&mut Config);
        let cases: [(&str, Change); 8] = [
            ("documents.scanner", |config| config.scanner = "clamav".into()),
            ("documents.link_minutes", |config| config.link_minutes = 0),
            ("documents.sweep_seconds", |config| config.sweep_seconds = 301),
            ("documents.signing.timeout_seconds", |config| config.signing.timeout_seconds = 5),
            ("documents.signing.url", |config| config.signing.service = SigningService::BsreV2),
            ("documents.signing.seal_key", |config| config.signing.seal_key = "a.pem".into()),
            ("documents.signing.tsa_url", |config| config.signing.tsa_url = "tsa".into()),
            ("documents.signing.tsa_roots", |config| config.signing.tsa_url = "http://tsa.example".into()),
        ];
        for (name, change) in cases {
            let mut config = Config::default();
            change(&mut config);
            let told = config.check().expect_err(name).to_string();
            assert!(told.contains(name), "{told}");
        }
    }
}

//! What an operator may set for Open311, under `gateway.open311.`.

use mpp_kit::config::{ExposeSecret as _, Secret};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Whether what is filed here is worked on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointType {
    /// It is.
    #[default]
    Production,
    /// It is for tries.
    Test,
}

/// Settings of the Open311 interface.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Open311Config {
    /// The name of the jurisdiction, such as `contoh.go.id`. Empty: the host of `gateway.public_url`.
    pub jurisdiction_id: String,
    /// The keys with which reports may be filed, separated by commas. Empty: nobody files, everybody reads.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub api_keys: Secret,
    /// Production or test, as discovery tells it.
    pub endpoint_type: EndpointType,
    /// Whom to ask, as discovery tells it.
    pub contact: String,
    /// How to get a key, as discovery tells it.
    pub key_service: String,
    /// When the interface was changed last, as discovery tells it: RFC 3339, in the past.
    pub changeset: String,
}

impl Default for Open311Config {
    fn default() -> Self {
        Self {
            jurisdiction_id: String::new(),
            api_keys: Secret::default(),
            endpoint_type: EndpointType::Production,
            contact: "Pengelola pengaduan pemerintah kabupaten".to_owned(),
            key_service: "Kunci API diminta kepada pengelola pengaduan.".to_owned(),
            changeset: "2026-11-01T00:00:00+08:00".to_owned(),
        }
    }
}

impl Open311Config {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// The setting that is wrong, with the remedy.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            chrono::DateTime::parse_from_rfc3339(&self.changeset).is_ok(),
            "gateway.open311.changeset is no moment: give one such as 2026-11-01T00:00:00+08:00"
        );
        for key in self.keys() {
            anyhow::ensure!(
                key.len() >= 16,
                "gateway.open311.api_keys: give each key at least 16 characters"
            );
        }
        Ok(())
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.api_keys.expose_secret().split(',').map(str::trim).filter(|key| !key.is_empty())
    }

    /// Whether somebody may file with this key. Digests are compared: how far a guess was right tells nothing.
    pub(crate) fn knows(&self, told: &str) -> bool {
        let told = Sha256::digest(told.as_bytes());
        self.keys().any(|key| Sha256::digest(key.as_bytes()) == told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_or_not_and_bad_settings_are_named() {
        let config = Open311Config {
            api_keys: Secret::from("kunci-yang-panjang-1, kunci-yang-panjang-2".to_owned()),
            ..Open311Config::default()
        };
        config.check().unwrap();
        assert!(config.knows("kunci-yang-panjang-1") && config.knows("kunci-yang-panjang-2"));
        assert!(!config.knows("") && !config.knows("kunci-yang-panjang-1,"));
        assert!(!Open311Config::default().knows(""));
        let short = Open311Config { api_keys: Secret::from("pendek".to_owned()), ..config.clone() };
        assert!(short.check().unwrap_err().to_string().contains("gateway.open311.api_keys"));
        let undated = Open311Config { changeset: "kemarin".into(), ..config };
        assert!(undated.check().unwrap_err().to_string().contains("gateway.open311.changeset"));
    }
}

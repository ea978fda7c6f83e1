//! What an operator may set for identity, under `identity.` in the configuration file or `MPP_IDENTITY__…`.

use std::fmt;

use chrono::TimeDelta;
use mpp_kit::config::{ExposeSecret as _, Secret};
use serde::{Deserialize, Serialize};

use crate::domain::{session::Lifetimes, signing_key::PUBLISH_AHEAD};

/// The settings of the identity service. Every one has a default that is good for production.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The key under which signing keys and the secret of the installation are encrypted: 32 bytes in base64. Empty: made at
    /// the first start, in the data directory. Several instances need one and the same.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub key: Secret,
    /// Life of an access token in seconds, 30 to 3600. A revocation takes at most this long to reach a service that
    /// only verifies tokens.
    pub token_seconds: u32,
    /// A staff session ends after this many minutes without use, 1 to 1440.
    pub session_idle_minutes: u32,
    /// A staff session ends this many hours after sign-in, used or not, 1 to 168.
    pub session_absolute_hours: u32,
    /// A signing key is replaced after this many days, 2 to 365.
    pub key_rotation_days: u32,
    /// What hashing a password costs.
    pub argon2: Argon2Costs,
}

/// The costs of argon2id. A stored hash carries its own, so a change holds from the next sign-in of each account on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Argon2Costs {
    /// Memory in KiB, 8 × lanes to 1048576.
    pub memory_kib: u32,
    /// Passes over the memory, 1 to 64.
    pub passes: u32,
    /// Lanes, 1 to 16.
    pub lanes: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            key: Secret::default(),
            token_seconds: 600,
            session_idle_minutes: 60,
            session_absolute_hours: 12,
            key_rotation_days: 30,
            argon2: Argon2Costs::default(),
        }
    }
}

impl Default for Argon2Costs {
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 }
    }
}

/// A setting outside what it may be.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError {
    setting: &'static str,
    value: u32,
    min: u32,
    max: u32,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, value, min, max } = self;
        write!(f, "setting identity.{setting} is {value}: give a number from {min} to {max}")
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Whether the key lies in the data directory.
    #[must_use]
    pub fn keeps_files_here(&self) -> bool {
        self.key.expose_secret().is_empty()
    }

    /// Refuses what would be unsafe or cannot work.
    ///
    /// # Errors
    /// The first setting that is out of bounds, by name, with its bounds.
    pub fn check(&self) -> Result<(), ConfigError> {
        let argon2 = &self.argon2;
        for (setting, value, min, max) in [
            ("token_seconds", self.token_seconds, 30, 3600),
            ("session_idle_minutes", self.session_idle_minutes, 1, 1440),
            ("session_absolute_hours", self.session_absolute_hours, 1, 168),
            ("key_rotation_days", self.key_rotation_days, 2, 365),
            ("argon2.lanes", argon2.lanes, 1, 16),
            ("argon2.passes", argon2.passes, 1, 64),
            ("argon2.memory_kib", argon2.memory_kib, 8 * argon2.lanes.min(16), 1024 * 1024),
        ] {
            if !(min..=max).contains(&value) {
                return Err(ConfigError { setting, value, min, max });
            }
        }
        Ok(())
    }

    pub(crate) fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            idle: TimeDelta::minutes(self.session_idle_minutes.into()),
            absolute: TimeDelta::hours(self.session_absolute_hours.into()),
        }
    }

    pub(crate) fn token_life(&self) -> TimeDelta {
        TimeDelta::seconds(self.token_seconds.into())
    }

    pub(crate) fn rotate_after(&self) -> TimeDelta {
        TimeDelta::days(self.key_rotation_days.into()).max(PUBLISH_AHEAD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_what_the_documentation_says() {
        let config = Config::default();
        assert_eq!(config.check(), Ok(()));
        assert_eq!(config.argon2, Argon2Costs { memory_kib: 65_536, passes: 3, lanes: 1 });
        assert_eq!(
            config.lifetimes(),
            Lifetimes { idle: TimeDelta::minutes(60), absolute: TimeDelta::hours(12) }
        );
        assert_eq!(config.token_life(), TimeDelta::minutes(10));
    }

    #[test]
    fn a_setting_out_of_bounds_is_named_with_its_bounds() {
        let config = Config { token_seconds: 5, ..Config::default() };
        assert_eq!(
            config.check().unwrap_err().to_string(),
            "setting identity.token_seconds is 5: give a number from 30 to 3600"
        );
    }
}

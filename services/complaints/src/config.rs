//! What an operator may set for complaints, under `complaints.` in the configuration file or `MPP_COMPLAINTS__…`.

use std::fmt;

use mpp_kit::caller::reaches;
use mpp_kit::config::{ExposeSecret as _, Secret};
use mpp_kit::files::FilesConfig;
use mpp_kit::zone::TimeZone;
use serde::{Deserialize, Serialize};

use crate::domain::digest::Times;
use crate::intake::config::ChannelsConfig;

/// The settings of the complaints service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The area of the regency, such as `17.07`: agencies lie below it, and its calendar counts where no other does.
    pub regency: String,
    /// The agency, such as `17.07/setda`, that handles whistleblowing about the inspectorate itself: its inspectors
    /// (`complaints.inspect` in that area) read it, the inspectorate does not. Empty: such reports are refused, with where
    /// else to go.
    pub inspectorate_alternative: String,
    /// The time zone of the regency's first calendar.
    pub zone: TimeZone,
    /// The key under which cases and files are encrypted: 32 bytes in base64. Empty: made at the first start, in the data
    /// directory. Several instances need one and the same.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub key: Secret,
    /// The key of the vault with who reported: another one, kept elsewhere.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub vault_key: Secret,
    /// Where files are kept.
    pub files: FilesConfig,
    /// The address of a ClamAV daemon, such as `clamav:3310`. Empty: files are not scanned.
    pub clamd: String,
    /// Whether officers may open files that no scanner has looked at. Only where there is none.
    pub allow_unscanned: bool,
    /// Milliseconds between two looks at clocks, 100 to 4000: lateness shows within 5 seconds.
    pub sweep_milliseconds: u32,
    /// Minutes until files that no report used are deleted, 60 to 10080.
    pub loose_file_minutes: u32,
    /// Months after its end when a case loses its personal data, 1 to 240.
    pub retention_months: u32,
    /// Reports of one contact within a day at most, 1 to 1000. A shared address of a village needs many.
    pub reports_per_contact: u32,
    /// Reports without a contact from one network (IPv4 address, IPv6 /64) within a day at most, 10 to 100000. A whole village, or
    /// the customers of a telephone company, may stand behind one; whoever gives a contact is not counted.
    pub reports_per_network: u32,
    /// Hours an approved look at an identity stays open, 1 to 72.
    pub reveal_hours: u32,
    /// Days before the last day of a decree or a procedure kept for the Ombudsman when the coordinator is told, 1 to 365.
    pub evidence_warning_days: u32,
    /// Minutes that a link to the file of such a paper works, 1 to 60.
    pub evidence_link_minutes: u32,
    /// When heads of agencies get the digest of what is late, due today and not acknowledged at their agency: `07:30`, by the clock
    /// of the regency. Empty: never.
    pub digest_heads_at: String,
    /// When the regent gets that of all agencies: `08:00`. Empty: never.
    pub digest_regent_at: String,
    /// Whether deadlines that nobody vouches for may be used: else the service does not start. For installations that
    /// serve real citizens it is false.
    pub allow_unverified_deadlines: bool,
    /// The channels that people write on.
    pub channels: ChannelsConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            regency: "17.07".to_owned(),
            inspectorate_alternative: String::new(),
            zone: TimeZone::Wib,
            key: Secret::default(),
            vault_key: Secret::default(),
            files: FilesConfig::default(),
            clamd: String::new(),
            allow_unscanned: true,
            sweep_milliseconds: 1000,
            loose_file_minutes: 1440,
            retention_months: 24,
            reports_per_contact: 20,
            reports_per_network: 500,
            reveal_hours: 24,
            evidence_warning_days: 30,
            evidence_link_minutes: 10,
            digest_heads_at: "07:30".to_owned(),
            digest_regent_at: "08:00".to_owned(),
            allow_unverified_deadlines: true,
            channels: ChannelsConfig::default(),
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
    /// Whether something of it lies in the data directory: files, or a key.
    #[must_use]
    pub fn keeps_files_here(&self) -> bool {
        self.files.bucket.is_empty()
            || self.key.expose_secret().is_empty()
            || self.vault_key.expose_secret().is_empty()
    }

    /// When digests go out. What [`Self::check`] refuses is none.
    pub(crate) fn digests(&self) -> Times {
        let read = |text: &str| Times::read(text).flatten();
        Times { heads: read(&self.digest_heads_at), regent: read(&self.digest_regent_at) }
    }

    /// Refuses what cannot work, before anything is started.
    ///
    /// # Errors
    /// The first setting that is wrong, by name, with the remedy.
    pub fn check(&self) -> Result<(), ConfigError> {
        for (setting, value, min, max) in [
            ("sweep_milliseconds", self.sweep_milliseconds, 100, 4000),
            ("loose_file_minutes", self.loose_file_minutes, 60, 10_080),
            ("retention_months", self.retention_months, 1, 240),
            ("reports_per_contact", self.reports_per_contact, 1, 1000),
            ("reports_per_network", self.reports_per_network, 10, 100_000),
            ("reveal_hours", self.reveal_hours, 1, 72),
            ("evidence_warning_days", self.evidence_warning_days, 1, 365),
            ("evidence_link_minutes", self.evidence_link_minutes, 1, 60),
        ] {
            if !(min..=max).contains(&value) {
                return Err(ConfigError(format!(
                    "setting complaints.{setting} is {value}: give a number from {min} to {max}"
                )));
            }
        }
        for (setting, value) in
            [("digest_heads_at", &self.digest_heads_at), ("digest_regent_at", &self.digest_regent_at)]
        {
            if Times::read(value).is_none() {
                return Err(ConfigError(format!(
                    "setting complaints.{setting} is {value}: give a time such as 07:30, or nothing for none"
                )));
            }
        }
        if self.regency.is_empty() {
            return Err(ConfigError(
                "setting complaints.regency is empty: give the code of the regency, such as 17.07".to_owned(),
            ));
        }
        let other = self.inspectorate_alternative.as_str();
        if !other.is_empty() && (other == self.regency || !reaches(&self.regency, other)) {
            return Err(ConfigError(format!(
                "setting complaints.inspectorate_alternative is {other}: give an agency below {}, such as {}/setda",
                self.regency, self.regency
            )));
        }
        let (key, vault) = (self.key.expose_secret(), self.vault_key.expose_secret());
        if !key.is_empty() && key == vault {
            return Err(ConfigError(
                "setting complaints.vault_key is the same as complaints.key: who reported needs a key of its own"
                    .to_owned(),
            ));
        }
        self.channels.check().map_err(ConfigError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_usable_and_wrong_settings_are_named() {
        assert_eq!(Config::default().check(), Ok(()));
        type Change = fn(&mut Config);
        let cases: [(&str, Change); 11] = [
            ("complaints.inspectorate_alternative", |config| {
                config.inspectorate_alternative = "17.08/setda".to_owned();
            }),
            ("complaints.sweep_milliseconds", |config| config.sweep_milliseconds = 5000),
            ("complaints.retention_months", |config| config.retention_months = 0),
            ("complaints.reports_per_network", |config| config.reports_per_network = 0),
            ("complaints.reveal_hours", |config| config.reveal_hours = 100),
            ("complaints.evidence_warning_days", |config| config.evidence_warning_days = 0),
            ("complaints.evidence_link_minutes", |config| config.evidence_link_minutes = 61),
            ("complaints.digest_heads_at", |config| config.digest_heads_at = "7.30".to_owned()),
            ("complaints.digest_regent_at", |config| config.digest_regent_at = "24:00".to_owned()),
            ("complaints.regency", |config| config.regency.clear()),
            ("complaints.vault_key", |config| {
                config.key = "same".to_owned().into();
                config.vault_key = "same".to_owned().into();
            }),
        ];
        for (name, change) in cases {
            let mut config = Config::default();
            change(&mut config);
            let told = config.check().expect_err(name).to_string();
            assert!(told.contains(name), "{told}");
        }
    }
}

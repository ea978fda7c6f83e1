//! Offices that issue documents, and who signs for them.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::area::{AreaLevel, RegionCode};
use super::calendar::{TimeZone, WorkCalendar};
use super::person::Nik;
use super::step::{OfficeLevel, StepRole};
use super::{DelegationId, OfficeId};

/// The most signers that one office names.
pub const MAX_SIGNERS: usize = 50;

/// Where an office stands among offices: a region code, and for an agency a short code behind it (`17.07/dinkes`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OfficeArea(String);

/// Why a text is no area of an office.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected 17.07.05.2003 for a village, 17.07.05 for a sub-district or 17.07/dinkes for an agency")]
pub struct OfficeAreaError;

impl OfficeArea {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The region: for an agency, its regency.
    #[must_use]
    pub fn region(&self) -> Option<RegionCode> {
        self.0.split('/').next().and_then(|code| code.parse().ok())
    }

    /// The level of the office that such an area belongs to.
    #[must_use]
    pub fn level(&self) -> Option<OfficeLevel> {
        let region = self.region()?.level();
        match (region, self.0.contains('/')) {
            (AreaLevel::Village, false) => Some(OfficeLevel::Village),
            (AreaLevel::SubDistrict, false) => Some(OfficeLevel::SubDistrict),
            (AreaLevel::Regency | AreaLevel::Province, true) => Some(OfficeLevel::Agency),
            (
                AreaLevel::Province
                | AreaLevel::Regency
                | AreaLevel::SubDistrict
                | AreaLevel::Village
                | AreaLevel::Rw
                | AreaLevel::Rt,
                _,
            ) => None,
        }
    }
}

impl FromStr for OfficeArea {
    type Err = OfficeAreaError;

    fn from_str(text: &str) -> Result<Self, OfficeAreaError> {
        let area = Self(text.to_owned());
        let code_is_plain = text.split_once('/').is_none_or(|(_, code)| {
            (2..=32).contains(&code.len())
                && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        });
        if code_is_plain && area.level().is_some() { Ok(area) } else { Err(OfficeAreaError) }
    }
}

impl TryFrom<String> for OfficeArea {
    type Error = OfficeAreaError;

    fn try_from(text: String) -> Result<Self, OfficeAreaError> {
        text.parse()
    }
}

impl From<OfficeArea> for String {
    fn from(area: OfficeArea) -> Self {
        area.0
    }
}

impl fmt::Display for OfficeArea {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Somebody who signs for an office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// The account that signs.
    pub account: String,
    /// In which role.
    pub role: StepRole,
    /// The name as it stands in the letter, with degrees.
    pub name: String,
    /// The office as it stands in the letter: "Kepala Desa Ujung Tanjung".
    pub title: String,
    /// "Penata Tk. I", or empty.
    pub rank: String,
    /// NIP, or empty.
    pub nip: String,
    /// The number that the signing service knows the person by.
    pub nik: Option<Nik>,
    /// Whose name it is signed in: "a.n. Kepala Desa Ujung Tanjung", or empty.
    pub on_behalf_of: String,
    /// Who signs in that name and lets this person sign for him, `u.b.`: "Sekretaris Daerah", or empty.
    #[serde(default)]
    pub between: String,
}

/// An office that issues documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Office {
    /// Its id; found by its area.
    pub id: OfficeId,
    /// Where it stands.
    pub area: OfficeArea,
    /// "Desa Ujung Tanjung".
    pub name: String,
    /// The lines of its letterhead, from the regency down.
    pub letterhead: Vec<String>,
    /// Its code in numbers.
    pub code: String,
    /// Its postal address and contact, one line.
    pub address: String,
    /// The place before the date of a letter.
    pub place: String,
    /// Who signs.
    pub signers: Vec<Signer>,
    /// Whether applications go to it straight: RT and RW do not take part here.
    pub without_neighbourhoods: bool,
    /// Its working time.
    pub calendar: WorkCalendar,
    /// Whether that is its own, and not the national calendar that ships.
    #[serde(default)]
    pub own_calendar: bool,
}

impl Office {
    /// Village, sub-district or agency.
    #[must_use]
    pub fn level(&self) -> OfficeLevel {
        // An area that parsed has a level.
        self.area.level().unwrap_or(OfficeLevel::Agency)
    }

    /// Its time zone.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        self.calendar.zone()
    }

    /// Who this account is when it signs in this role.
    #[must_use]
    pub fn signer(&self, account: &str, role: StepRole) -> Option<&Signer> {
        self.signers.iter().find(|signer| signer.account == account && signer.role == role)
    }
}

/// A span in which one account acts in a role that is another's (Plt., Plh.).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// Its id.
    pub id: DelegationId,
    /// At which office.
    pub office: OfficeId,
    /// In which role.
    pub role: StepRole,
    /// Who acts.
    pub account: String,
    /// "Plt." or "Plh.".
    pub title: String,
    /// The decree that appoints.
    pub decree: String,
    /// First moment.
    pub from: DateTime<Utc>,
    /// First moment after.
    pub to: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_tells_the_level_of_an_office() {
        for (text, level) in [
            ("17.07.05.2003", Some(OfficeLevel::Village)),
            ("17.07.05", Some(OfficeLevel::SubDistrict)),
            ("17.07/dinkes", Some(OfficeLevel::Agency)),
            ("17/biro-organisasi", Some(OfficeLevel::Agency)),
            ("17.07", None),
            ("17.07.05/dinkes", None),
            ("17.07/D", None),
            ("17.07/", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<OfficeArea>().ok().and_then(|area| area.level()), level, "{text}");
        }
    }
}

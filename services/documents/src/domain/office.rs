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
    /// Where its registers on paper ended. Left out where there are none, so that earlier releases read what they know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers_before: Vec<NumbersBefore>,
}

/// The numbers that an office gave before the suite did: they are on papers that are somewhere, and are given to no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumbersBefore {
    /// The name of the series, [`crate::domain::number::SeriesPolicy::series`].
    pub series: String,
    /// Its year.
    pub year: i32,
    /// The last of them.
    pub last: u32,
}

impl Office {
    /// The last number of a series and year that it gave on paper; 0 for none.
    #[must_use]
    pub fn given_before(&self, series: &str, year: i32) -> u32 {
        let before = self.numbers_before.iter().filter(|it| it.series == series && it.year == year);
        before.map(|it| it.last).max().unwrap_or(0)
    }

    /// Village, sub-district or agency.
    #[must_use]
    pub fn level(&self) -> OfficeLevel {
        // An area that parsed has a level.
        self.area.level().unwrap_or(OfficeLevel::Agency)
    }

    /// [`regency_in`] its letterhead.
    #[must_use]
    pub fn regency(&self) -> Option<&str> {
        regency_in(&self.letterhead)
    }

    /// "Provinsi Bengkulu": as these lines of a letterhead write it, else as the code of its region says.
    #[must_use]
    pub fn province<'a>(&'a self, letterhead: &'a [String]) -> Option<&'a str> {
        named_in(letterhead, &["provinsi "]).or_else(|| self.area.region()?.province())
    }

    /// Whether it lies in a regency: an agency of a province does not.
    #[must_use]
    pub fn is_in_regency(&self) -> bool {
        self.area.region().is_some_and(|region| region.level() > AreaLevel::Province)
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

/// "Kabupaten Lebong" or "Kota Bengkulu", from the line of a letterhead that names it: letters name it too. None where no line
/// does, as with an agency of a province.
#[must_use]
pub fn regency_in(letterhead: &[String]) -> Option<&str> {
    named_in(letterhead, &["kabupaten ", "kota "])
}

/// The rest of the first line from one of these words on, which are small and end in a space.
fn named_in<'a>(lines: &'a [String], words: &[&str]) -> Option<&'a str> {
    lines.iter().find_map(|line| {
        let line = line.trim();
        // Of ASCII letters alone the case is changed: the places of bytes stay.
        let small = line.to_ascii_lowercase();
        let begins = |word: &&str| {
            small
                .match_indices(*word)
                .map(|(at, _)| at)
                .find(|at| small[..*at].chars().next_back().is_none_or(|before| !before.is_alphabetic()))
        };
        let at = words.iter().find_map(begins)?;
        line.get(at..)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters name regency and province: from the letterhead, and the province from the code where no line names it.
    #[test]
    fn an_office_knows_its_regency_and_its_province() {
        let office = |area: &str, lines: &[&str]| Office {
            id: OfficeId::generate(),
            area: area.parse().unwrap(),
            name: "Kantor".to_owned(),
            letterhead: lines.iter().map(|line| (*line).to_owned()).collect(),
            code: "K".to_owned(),
            address: "Jalan Raya".to_owned(),
            place: "Tubei".to_owned(),
            signers: Vec::new(),
            without_neighbourhoods: false,
            calendar: WorkCalendar::five_days(TimeZone::Wib),
            own_calendar: false,
            numbers_before: Vec::new(),
        };
        for (area, lines, regency, province) in [
            (
                "17.07.05.2003",
                &["Pemerintah Kabupaten Lebong", "Desa Ujung"][..],
                Some("Kabupaten Lebong"),
                Some("Provinsi Bengkulu"),
            ),
            (
                "17.71.01",
                &["PEMERINTAH KOTA BENGKULU", "KECAMATAN GADING CEMPAKA"][..],
                Some("KOTA BENGKULU"),
                Some("Provinsi Bengkulu"),
            ),
            // A word that only ends like it names nothing.
            ("17.07.05", &["Kecamatan Sukota Raya"][..], None, Some("Provinsi Bengkulu")),
            (
                "17/dinkes",
                &["Pemerintah Provinsi Bengkulu", "Dinas Kesehatan"][..],
                None,
                Some("Provinsi Bengkulu"),
            ),
            (
                "34.04.01",
                &["Pemerintah Kabupaten Sleman"][..],
                Some("Kabupaten Sleman"),
                Some("Daerah Istimewa Yogyakarta"),
            ),
            // A province that is newer than the list is named by the letterhead.
            (
                "97.01.01",
                &["Provinsi Baru", "Kabupaten Baru"][..],
                Some("Kabupaten Baru"),
                Some("Provinsi Baru"),
            ),
            ("97.01.01", &["Kabupaten Baru"][..], Some("Kabupaten Baru"), None),
        ] {
            let office = office(area, lines);
            assert_eq!(
                (office.regency(), office.province(&office.letterhead)),
                (regency, province),
                "{area} {lines:?}"
            );
            assert_eq!(office.is_in_regency(), area != "17/dinkes");
        }
    }

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

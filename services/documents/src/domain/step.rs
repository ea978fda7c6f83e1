//! Steps of a procedure: who decides at which level, how, and how long it may take.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

use super::area::AreaLevel;

/// The level at which a step is taken.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    EnumIter,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// Rukun tetangga.
    Rt,
    /// Rukun warga.
    Rw,
    /// Desa or kelurahan.
    Village,
    /// Kecamatan.
    SubDistrict,
    /// A technical agency of the regency.
    Agency,
}

impl Level {
    /// The level of area that a role here is held for; none for an agency, which is an office.
    #[must_use]
    pub fn area(self) -> Option<AreaLevel> {
        match self {
            Self::Rt => Some(AreaLevel::Rt),
            Self::Rw => Some(AreaLevel::Rw),
            Self::Village => Some(AreaLevel::Village),
            Self::SubDistrict => Some(AreaLevel::SubDistrict),
            Self::Agency => None,
        }
    }

    /// The office that keeps the file during such a step: RT and RW work within their village's.
    #[must_use]
    pub fn office(self) -> OfficeLevel {
        match self {
            Self::Rt | Self::Rw | Self::Village => OfficeLevel::Village,
            Self::SubDistrict => OfficeLevel::SubDistrict,
            Self::Agency => OfficeLevel::Agency,
        }
    }

    /// The role that leads here, and may free what a colleague has claimed.
    #[must_use]
    pub fn head(self) -> StepRole {
        match self {
            Self::Rt => StepRole::RtHead,
            Self::Rw => StepRole::RwHead,
            Self::Village => StepRole::VillageHead,
            Self::SubDistrict => StepRole::SubDistrictHead,
            Self::Agency => StepRole::AgencyHead,
        }
    }
}

/// Kinds of issuing offices.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    EnumIter,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OfficeLevel {
    /// Pemerintah desa or kelurahan.
    Village,
    /// Kecamatan.
    SubDistrict,
    /// Perangkat daerah.
    Agency,
}

/// What somebody is, where applications are decided.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    EnumIter,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StepRole {
    /// Ketua RT.
    RtHead,
    /// Ketua RW.
    RwHead,
    /// Perangkat desa or staf kelurahan.
    VillageOfficer,
    /// Sekretaris desa or sekretaris kelurahan.
    VillageSecretary,
    /// Kepala desa or lurah.
    VillageHead,
    /// Staf or kepala seksi at the kecamatan.
    SubDistrictOfficer,
    /// Camat.
    SubDistrictHead,
    /// Staf or verifikator at the agency.
    AgencyOfficer,
    /// Kepala dinas.
    AgencyHead,
}

impl StepRole {
    /// The level at which the role is held.
    #[must_use]
    pub fn level(self) -> Level {
        match self {
            Self::RtHead => Level::Rt,
            Self::RwHead => Level::Rw,
            Self::VillageOfficer | Self::VillageSecretary | Self::VillageHead => Level::Village,
            Self::SubDistrictOfficer | Self::SubDistrictHead => Level::SubDistrict,
            Self::AgencyOfficer | Self::AgencyHead => Level::Agency,
        }
    }
}

/// What is done in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StepKind {
    /// Compare the papers with what was written.
    Verify,
    /// Agree to it.
    Approve,
    /// Give it this office's own register number, without a signature.
    Register,
    /// Sign it, with this office's number.
    Sign,
}

/// Why the applicant must come in person: only where the law asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// The rule that asks for it, by article.
    pub legal_reason: String,
}

/// One step of a procedure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Where.
    pub level: Level,
    /// By whom.
    pub role: StepRole,
    /// What.
    pub kind: StepKind,
    /// May be left out: by the applicant's choice (a second signature), or where an office works without it.
    #[serde(default)]
    pub optional: bool,
    /// Working minutes that it may take.
    pub sla_minutes: u32,
    /// Whether Plt and Plh may take it.
    #[serde(default)]
    pub may_delegate: bool,
    /// Set where the applicant must come in person.
    #[serde(default)]
    pub presence: Option<Presence>,
}

/// In whose name somebody signs (Permendagri 1/2023 on official documents).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SigningStyle {
    /// In his own.
    Own,
    /// `a.n.`: in the name of the head.
    OnBehalf,
    /// `u.b.`: for one who himself signs in the name of the head.
    ForAnother,
}

/// Who may sign a step that is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signatory {
    /// At which level's signing step.
    pub level: Level,
    /// Who.
    pub role: StepRole,
    /// In whose name.
    pub style: SigningStyle,
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn every_level_is_led_by_one_of_its_roles() {
        for level in Level::iter() {
            assert_eq!(level.head().level(), level);
        }
    }

    #[test]
    fn names_are_those_of_the_contract() {
        assert_eq!(StepRole::RtHead.to_string(), "RT_HEAD");
        assert_eq!(StepRole::SubDistrictOfficer.to_string(), "SUB_DISTRICT_OFFICER");
        for role in StepRole::iter() {
            assert_eq!(role.to_string().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.to_string());
        }
        for level in Level::iter() {
            assert_eq!(serde_json::to_value(level).unwrap(), level.to_string());
        }
    }
}

//! The deadlines table: rows with value, unit, legal source and validity. A row is never changed; a later one follows it.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};
use thiserror::Error;

use super::DeadlineId;
use super::words::{Class, ClockKind, Rung};

/// What a length is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Unit {
    /// Hari kerja, due when work ends on the last.
    WorkingDays,
    /// Hours of working time.
    WorkingHours,
    /// Days of 24 hours.
    Days,
    /// Hours by the wall clock.
    Hours,
}

impl Unit {
    /// Whether it is counted by a working calendar.
    #[must_use]
    pub fn is_working(self) -> bool {
        match self {
            Self::WorkingDays | Self::WorkingHours => true,
            Self::Days | Self::Hours => false,
        }
    }
}

/// How sure a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
pub enum Confidence {
    /// Read in the source itself.
    A,
    /// Read in what others write about it.
    B,
    /// From memory: somebody has to read it before it is relied on.
    C,
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// Its id: what a clock keeps.
    pub id: DeadlineId,
    /// Its key: rows of one key follow each other.
    pub key: String,
    /// Which clock it sets; none for rows that only set a window or inform.
    pub clock: Option<ClockKind>,
    /// For which class; none for all.
    pub class: Option<Class>,
    /// For which kind of category; empty for all.
    pub kind: String,
    /// For who holds the case: empty for anybody, [`SUB_DISTRICT`], or an agency. Rows of one key are for the same.
    #[serde(default)]
    pub holder: String,
    /// How much.
    pub value: u32,
    /// Of what.
    pub unit: Unit,
    /// The legal source.
    pub source: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// What one should know about it.
    pub note: String,
    /// The first date it holds.
    pub valid_from: NaiveDate,
    /// The last date it holds.
    pub valid_to: Option<NaiveDate>,
    /// Who vouches for it.
    pub signed_off_by: Option<String>,
    /// When.
    pub signed_off_at: Option<DateTime<Utc>>,
    /// At which percentages whom is told.
    pub ladder: BTreeMap<u32, Rung>,
}

/// Every kecamatan as who holds a case: agencies whose area is the code of one, `17.07.05`.
pub const SUB_DISTRICT: &str = "SUB_DISTRICT";

/// Whether an agency is a kecamatan: its area is a region code of three groups.
fn is_sub_district(agency: &str) -> bool {
    let groups: Vec<&str> = agency.split('.').collect();
    groups.len() == 3 && groups.iter().all(|it| it.len() == 2 && it.bytes().all(|it| it.is_ascii_digit()))
}

impl Deadline {
    /// Whether it is for who holds the case: an agency, or nobody yet but who distributes.
    fn is_for(&self, holder: Option<&str>) -> bool {
        match self.holder.as_str() {
            "" => true,
            SUB_DISTRICT => holder.is_some_and(is_sub_district),
            agency => holder == Some(agency),
        }
    }

    /// How much it says about who holds the case.
    fn nearness(&self) -> u8 {
        match self.holder.as_str() {
            "" => 0,
            SUB_DISTRICT => 1,
            _ => 2,
        }
    }

    /// Whether it holds on a date.
    #[must_use]
    pub fn holds(&self, date: NaiveDate) -> bool {
        self.valid_from <= date && self.valid_to.is_none_or(|last| date <= last)
    }

    /// Whether nobody may rely on it yet: its source was not read, and no official vouches for it.
    #[must_use]
    pub fn is_unverified(&self) -> bool {
        self.confidence != Confidence::A && self.signed_off_by.is_none()
    }
}

/// The row that sets a clock: of those that hold on the date, the one that says most about the case; of equal ones the
/// latest.
#[must_use]
pub fn choose<'a>(
    rows: &'a [Deadline],
    clock: ClockKind,
    (class, kind, holder): (Class, &str, Option<&str>),
    date: NaiveDate,
) -> Option<&'a Deadline> {
    rows.iter()
        .filter(|row| row.clock == Some(clock) && row.holds(date))
        .filter(|row| row.class.is_none_or(|it| it == class) && (row.kind.is_empty() || row.kind == kind))
        .filter(|row| row.is_for(holder))
        .max_by_key(|row| {
            (row.class.is_some(), !row.kind.is_empty(), row.nearness(), row.valid_from, row.key.clone())
        })
}

/// The row of a key that holds on a date.
#[must_use]
pub fn by_key<'a>(rows: &'a [Deadline], key: &str, date: NaiveDate) -> Option<&'a Deadline> {
    rows.iter().filter(|row| row.key == key && row.holds(date)).max_by_key(|row| row.valid_from)
}

/// Why a row cannot follow another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DeadlineError {
    /// Its first date is not after the first date of the row it follows.
    #[error("a row follows the one before on a later date")]
    NotLater,
}

/// The row before, ended the day before `next` begins.
///
/// # Errors
/// [`DeadlineError::NotLater`].
pub fn follow(before: &Deadline, next: &Deadline) -> Result<Deadline, DeadlineError> {
    if next.valid_from <= before.valid_from {
        return Err(DeadlineError::NotLater);
    }
    let last = next.valid_from.pred_opt().ok_or(DeadlineError::NotLater)?;
    Ok(Deadline { valid_to: Some(before.valid_to.map_or(last, |it| it.min(last))), ..before.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str, class: Option<Class>, kind: &str, from: &str) -> Deadline {
        Deadline {
            id: DeadlineId::generate(),
            key: key.to_owned(),
            clock: Some(ClockKind::Settle),
            class,
            kind: kind.to_owned(),
            holder: String::new(),
            value: 14,
            unit: Unit::WorkingDays,
            source: String::new(),
            confidence: Confidence::B,
            note: String::new(),
            valid_from: from.parse().unwrap(),
            valid_to: None,
            signed_off_by: None,
            signed_off_at: None,
            ladder: BTreeMap::new(),
        }
    }

    #[test]
    fn the_row_that_says_most_sets_the_clock() {
        let rows = [
            row("ALL", None, "", "2026-01-01"),
            row("CLASS", Some(Class::Complaint), "", "2026-01-01"),
            row("KIND", Some(Class::Complaint), "ROAD", "2026-01-01"),
            row("LATER", Some(Class::Complaint), "", "2027-01-01"),
        ];
        let key = |class, kind, date: &str| {
            let of = (class, kind, Some("17.07/pupr"));
            choose(&rows, ClockKind::Settle, of, date.parse().unwrap()).map(|it| it.key.as_str())
        };
        assert_eq!(key(Class::Aspiration, "", "2026-06-01"), Some("ALL"));
        assert_eq!(key(Class::Complaint, "GENERAL", "2026-06-01"), Some("CLASS"));
        assert_eq!(key(Class::Complaint, "ROAD", "2026-06-01"), Some("KIND"));
        assert_eq!(key(Class::Complaint, "GENERAL", "2027-06-01"), Some("LATER"));
        assert_eq!(key(Class::Complaint, "", "2025-06-01"), None);
    }

    #[test]
    fn c_34_a_row_may_be_for_who_holds_the_case() {
        let of = |key: &str, holder: &str| Deadline {
            holder: holder.to_owned(),
            ..row(key, None, "", "2026-01-01")
        };
        let rows =
            [of("ALL", ""), of("CAMAT", SUB_DISTRICT), of("OWN", "17.07.06"), of("PUPR", "17.07/pupr")];
        let key = |holder| {
            let of = (Class::Complaint, "", holder);
            let found = choose(&rows, ClockKind::Settle, of, "2026-06-01".parse().unwrap());
            found.map(|it| it.key.as_str())
        };
        assert_eq!(key(None), Some("ALL"), "whoever distributes");
        assert_eq!(key(Some("17.07.05")), Some("CAMAT"));
        assert_eq!(key(Some("17.07.06")), Some("OWN"), "the one that says most");
        assert_eq!(key(Some("17.07/pupr")), Some("PUPR"));
        for other in ["17.07/kec-05", "17.07.05.2003", "17.07.5", "17.07/pupr/bina-marga", "17.07"] {
            assert_eq!(key(Some(other)), Some("ALL"), "{other}");
        }
        // What says more about the case goes before.
        let class = row("CLASS", Some(Class::Complaint), "", "2026-01-01");
        let rows = [class, of("CAMAT", SUB_DISTRICT)];
        let of = (Class::Complaint, "", Some("17.07.05"));
        let found = choose(&rows, ClockKind::Settle, of, "2026-06-01".parse().unwrap()).unwrap();
        assert_eq!(found.key, "CLASS");
    }

    #[test]
    fn a_row_follows_the_one_before_without_a_gap() {
        let (before, next) = (row("D5", None, "", "2026-01-01"), row("D5", None, "", "2026-12-01"));
        let ended = follow(&before, &next).unwrap();
        assert_eq!(ended.valid_to, Some("2026-11-30".parse().unwrap()));
        assert_eq!(follow(&next, &before), Err(DeadlineError::NotLater));
    }
}

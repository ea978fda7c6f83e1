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

impl Deadline {
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
    (class, kind): (Class, &str),
    date: NaiveDate,
) -> Option<&'a Deadline> {
    rows.iter()
        .filter(|row| row.clock == Some(clock) && row.holds(date))
        .filter(|row| row.class.is_none_or(|it| it == class) && (row.kind.is_empty() || row.kind == kind))
        .max_by_key(|row| (row.class.is_some(), !row.kind.is_empty(), row.valid_from, row.key.clone()))
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
            choose(&rows, ClockKind::Settle, (class, kind), date.parse().unwrap()).map(|it| it.key.as_str())
        };
        assert_eq!(key(Class::Aspiration, "", "2026-06-01"), Some("ALL"));
        assert_eq!(key(Class::Complaint, "GENERAL", "2026-06-01"), Some("CLASS"));
        assert_eq!(key(Class::Complaint, "ROAD", "2026-06-01"), Some("KIND"));
        assert_eq!(key(Class::Complaint, "GENERAL", "2027-06-01"), Some("LATER"));
        assert_eq!(key(Class::Complaint, "", "2025-06-01"), None);
    }

    #[test]
    fn a_row_follows_the_one_before_without_a_gap() {
        let (before, next) = (row("D5", None, "", "2026-01-01"), row("D5", None, "", "2026-12-01"));
        let ended = follow(&before, &next).unwrap();
        assert_eq!(ended.valid_to, Some("2026-11-30".parse().unwrap()));
        assert_eq!(follow(&next, &before), Err(DeadlineError::NotLater));
    }
}

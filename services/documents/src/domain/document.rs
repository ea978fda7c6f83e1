//! What was issued, and whether it holds.

use chrono::{Datelike, Months, NaiveDate, TimeDelta};
use mpp_kit::fsm::{Row, Table};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

/// States of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DocumentState {
    /// It holds.
    Valid,
    /// Its time is over.
    Expired,
    /// It was withdrawn by who issued it.
    Revoked,
    /// Another stands in its place.
    Replaced,
}

impl DocumentState {
    /// The word on the verification page.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Valid => "BERLAKU",
            Self::Expired => "KEDALUWARSA",
            Self::Revoked => "DICABUT",
            Self::Replaced => "DIGANTIKAN",
        }
    }
}

/// What can be done to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DocumentVerb {
    /// Its time is over.
    Expire,
    /// Withdraw it, with a reason and the authority to do so.
    Revoke,
    /// Put a corrected or renewed one in its place.
    Replace,
}

/// Which transitions are permitted, and why. A document that was revoked or replaced stays so.
pub const TRANSITIONS: Table<DocumentState, DocumentVerb> = Table(&[
    Row {
        from: DocumentState::Valid,
        verb: DocumentVerb::Expire,
        to: DocumentState::Expired,
        why: "its last day is over",
    },
    Row {
        from: DocumentState::Valid,
        verb: DocumentVerb::Revoke,
        to: DocumentState::Revoked,
        why: "it should not have been issued, or its ground fell away",
    },
    Row {
        from: DocumentState::Valid,
        verb: DocumentVerb::Replace,
        to: DocumentState::Replaced,
        why: "a corrected or renewed one was issued",
    },
    Row {
        from: DocumentState::Expired,
        verb: DocumentVerb::Revoke,
        to: DocumentState::Revoked,
        why: "it was found wrong after its time",
    },
    Row {
        from: DocumentState::Expired,
        verb: DocumentVerb::Replace,
        to: DocumentState::Replaced,
        why: "it was renewed after its time",
    },
]);

/// How a document is signed. All signatures of one are made the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Signature {
    /// Tanda tangan elektronik (TTE): its file proves itself.
    Electronic,
    /// Tanda tangan basah, on paper: its file is a scan, and no electronic signature.
    ByHand,
}

/// How long a document holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Validity {
    /// Without end: it states a fact.
    Unlimited,
    /// Days, the day of issue being the first.
    Days(u32),
    /// Months: until the day before the same day of the month.
    Months(u32),
    /// Years: until the day before the same date.
    Years(u32),
    /// Until the last day of the year of issue.
    EndOfYear,
}

/// How many months a span from its first to its last day is, if it is a number of months.
#[must_use]
pub fn months_of(first: NaiveDate, last: NaiveDate) -> Option<u32> {
    let month = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month0());
    let about = u32::try_from(month(last) - month(first)).ok()?;
    [about, about + 1].into_iter().find(|months| Validity::Months(*months).last_day(first) == Some(last))
}

impl Validity {
    /// The last day on which a document issued on `issued` (the office's local date) holds; none if it has no end.
    #[must_use]
    pub fn last_day(self, issued: NaiveDate) -> Option<NaiveDate> {
        // Where the last month has no such day, its last day ends the span by itself.
        let day_before = |date: Option<NaiveDate>| {
            date.map(|date| if date.day() == issued.day() { date - TimeDelta::days(1) } else { date })
        };
        match self {
            Self::Unlimited => None,
            Self::Days(days) => issued.checked_add_signed(TimeDelta::days(i64::from(days) - 1)),
            Self::Months(months) => day_before(issued.checked_add_months(Months::new(months))),
            Self::Years(years) => {
                day_before(issued.checked_add_months(Months::new(years.saturating_mul(12))))
            }
            Self::EndOfYear => NaiveDate::from_ymd_opt(issued.year(), 12, 31),
        }
    }

    /// The validity in words, as it is printed in service standards.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Unlimited => "tidak dibatasi".to_owned(),
            Self::Days(days) => format!("{days} hari"),
            Self::Months(months) => format!("{months} bulan"),
            Self::Years(years) => format!("{years} tahun"),
            Self::EndOfYear => "sampai dengan 31 Desember tahun terbit".to_owned(),
        }
    }
}

/// The state that a page shows on `today`, whether or not the nightly job has been: a valid document is expired from the
/// day after its last.
#[must_use]
pub fn shown(state: DocumentState, last_day: Option<NaiveDate>, today: NaiveDate) -> DocumentState {
    match state {
        DocumentState::Valid if last_day.is_some_and(|last| today > last) => DocumentState::Expired,
        DocumentState::Valid | DocumentState::Expired | DocumentState::Revoked | DocumentState::Replaced => {
            state
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_table_is_sound_and_ends() {
        let all: Vec<_> = DocumentState::iter().collect();
        assert_eq!(TRANSITIONS.defects(DocumentState::Valid, &all), Vec::<String>::new());
        for state in [DocumentState::Revoked, DocumentState::Replaced] {
            assert!(TRANSITIONS.allowed(state).is_empty(), "{state}");
        }
    }

    #[test]
    fn a_span_is_told_in_months_where_it_is_a_number_of_them() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (first, last, months) in [
            ("2026-11-23", "2031-11-22", Some(60)),
            ("2026-01-01", "2026-12-31", Some(12)),
            ("2026-12-31", "2027-02-28", Some(2)),
            ("2026-11-23", "2026-12-22", Some(1)),
            ("2026-11-23", "2026-12-23", None),
            ("2026-11-23", "2026-12-31", None),
            ("2026-11-23", "2026-11-23", None),
            ("2026-11-23", "2026-10-22", None),
        ] {
            assert_eq!(months_of(day(first), day(last)), months, "{first} to {last}");
        }
    }

    #[test]
    fn the_last_day_belongs_to_the_document() {
        for (validity, last) in [
            (Validity::Unlimited, None),
            (Validity::Days(1), Some("2026-11-26")),
            (Validity::Days(30), Some("2026-12-25")),
            (Validity::Months(3), Some("2027-02-25")),
            (Validity::Years(5), Some("2031-11-25")),
            (Validity::EndOfYear, Some("2026-12-31")),
        ] {
            assert_eq!(validity.last_day(day("2026-11-26")), last.map(day), "{validity:?}");
        }
        // February has no 31st: its last day still belongs to the document.
        assert_eq!(Validity::Months(1).last_day(day("2027-01-31")), Some(day("2027-02-28")));
        assert_eq!(Validity::Years(1).last_day(day("2028-02-29")), Some(day("2029-02-28")));
    }

    #[test]
    fn a_page_shows_expiry_the_day_after_without_waiting_for_a_job() {
        let last = Some(day("2026-12-25"));
        assert_eq!(shown(DocumentState::Valid, last, day("2026-12-25")), DocumentState::Valid);
        assert_eq!(shown(DocumentState::Valid, last, day("2026-12-26")).label(), "KEDALUWARSA");
        assert_eq!(shown(DocumentState::Revoked, last, day("2026-12-26")).label(), "DICABUT");
    }
}

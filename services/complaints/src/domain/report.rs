//! The report of a period. Every case that was there at its beginning or came is there at its end or went: it reconciles.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};
use mpp_kit::zone::TimeZone;
use serde::Serialize;
use thiserror::Error;

use super::words::State;

/// How a case ended, as a report counts it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    strum::Display,
    strum::EnumString,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Settled.
    Settled,
    /// Archived.
    Archived,
    /// Forwarded outside.
    Forwarded,
    /// Withdrawn, or deemed so.
    Withdrawn,
    /// Merged.
    Merged,
}

impl Outcome {
    /// The outcome of a closed state; none of an open one.
    #[must_use]
    pub fn of(state: State) -> Option<Self> {
        match state {
            State::Settled => Some(Self::Settled),
            State::Archived => Some(Self::Archived),
            State::ForwardedOutside => Some(Self::Forwarded),
            State::DeemedWithdrawn | State::Withdrawn => Some(Self::Withdrawn),
            State::Merged => Some(Self::Merged),
            State::New
            | State::Verified
            | State::Disposed
            | State::InProgress
            | State::AwaitingCompletion
            | State::AwaitingConfirmation
            | State::Reopened => None,
        }
    }
}

/// The figures of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Open at the beginning.
    pub opening: i64,
    /// Received.
    pub received: i64,
    /// Opened again.
    pub reopened: i64,
    /// Settled.
    pub settled: i64,
    /// Archived.
    pub archived: i64,
    /// Forwarded outside.
    pub forwarded: i64,
    /// Withdrawn.
    pub withdrawn: i64,
    /// Merged.
    pub merged: i64,
    /// Open at the end.
    pub open: i64,
    /// Of those settled, in time by law.
    pub settled_in_time: i64,
    /// Reporters who were asked how it was handled: those of each case, each time it was settled.
    pub asked: i64,
    /// Ratings that were given.
    pub rated: i64,
    /// Their sum, each 1 to 5.
    pub rating_sum: i64,
}

impl Figures {
    /// Whether what came in equals what went out and what is left.
    #[must_use]
    pub fn reconciles(&self) -> bool {
        self.opening + self.received + self.reopened
            == self.settled + self.archived + self.forwarded + self.withdrawn + self.merged + self.open
    }

    /// Adds another line.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            opening: self.opening + other.opening,
            received: self.received + other.received,
            reopened: self.reopened + other.reopened,
            settled: self.settled + other.settled,
            archived: self.archived + other.archived,
            forwarded: self.forwarded + other.forwarded,
            withdrawn: self.withdrawn + other.withdrawn,
            merged: self.merged + other.merged,
            open: self.open + other.open,
            settled_in_time: self.settled_in_time + other.settled_in_time,
            asked: self.asked + other.asked,
            rated: self.rated + other.rated,
            rating_sum: self.rating_sum + other.rating_sum,
        }
    }
}

/// A text that is no period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no period")]
pub struct NoPeriod;

/// The first moment of a period and the first after it: `2026-11`, `2026-Q4` or `2026`, in local time.
///
/// # Errors
/// [`NoPeriod`].
pub fn period(text: &str, zone: TimeZone) -> Result<(DateTime<Utc>, DateTime<Utc>), NoPeriod> {
    let (year, rest) = text.split_once('-').map_or((text, None), |(year, rest)| (year, Some(rest)));
    let year: i32 = year.parse().ok().filter(|it| (2000..=2999).contains(it)).ok_or(NoPeriod)?;
    let (month, months) = match rest {
        None => (1, 12),
        Some(rest) => match rest.strip_prefix('Q') {
            Some(quarter) => {
                let quarter: u32 = quarter.parse().ok().filter(|it| (1..=4).contains(it)).ok_or(NoPeriod)?;
                (quarter * 3 - 2, 3)
            }
            None if rest.len() == 2 => (rest.parse().map_err(|_| NoPeriod)?, 1),
            None => return Err(NoPeriod),
        },
    };
    let first = NaiveDate::from_ymd_opt(year, month, 1).ok_or(NoPeriod)?;
    let after = first.checked_add_months(Months::new(months)).ok_or(NoPeriod)?;
    let moment = |date: NaiveDate| zone.moment(date.and_time(NaiveTime::MIN));
    Ok((moment(first), moment(after)))
}

/// The year of a number: local.
#[must_use]
pub fn year(date: NaiveDate) -> u16 {
    u16::try_from(date.year()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_months_quarters_and_years_in_local_time() {
        let span = |text| {
            period(text, TimeZone::Wita).map(|(from, to)| {
                (from.format("%Y-%m-%dT%H").to_string(), to.format("%Y-%m-%dT%H").to_string())
            })
        };
        assert_eq!(span("2026-11"), Ok(("2026-10-31T16".to_owned(), "2026-11-30T16".to_owned())));
        assert_eq!(span("2026-Q4"), Ok(("2026-09-30T16".to_owned(), "2026-12-31T16".to_owned())));
        assert_eq!(span("2026"), Ok(("2025-12-31T16".to_owned(), "2026-12-31T16".to_owned())));
        for wrong in ["", "26", "2026-13", "2026-1", "2026-Q5", "2026-Q", "2026-11-01", "x"] {
            assert_eq!(period(wrong, TimeZone::Wib), Err(NoPeriod), "{wrong}");
        }
    }
}

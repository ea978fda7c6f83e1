//! The soft lock against guessing passwords.
//!
//! A name that failed [`FREE_FAILURES`] times is locked for a second, and for twice as long after each further failure,
//! up to [`LONGEST`]. A success, or [`FORGET_AFTER`] without a failure, forgets them. Names that do not exist are counted
//! in the same way, so that a lock tells nothing.

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::patience::doubled;

/// The number of the failure that locks for the first time.
pub const FREE_FAILURES: u32 = 5;
/// The longest lock.
pub const LONGEST: TimeDelta = TimeDelta::minutes(5);
/// The quiet time after which earlier failures no longer count. Longer than [`LONGEST`], so that waiting out a lock does
/// not reset it.
pub const FORGET_AFTER: TimeDelta = TimeDelta::minutes(15);

/// The recent failures of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many there were in a row.
    pub count: u32,
    /// When the last one was.
    pub last_at: DateTime<Utc>,
}

/// How long a name is locked after so many failures in a row.
#[must_use]
pub fn lock_for(count: u32) -> TimeDelta {
    let Some(doublings) = count.checked_sub(FREE_FAILURES) else { return TimeDelta::zero() };
    doubled(TimeDelta::seconds(1), doublings, LONGEST)
}

impl Failures {
    /// Whether they are so old that they no longer count.
    #[must_use]
    pub fn forgotten(&self, now: DateTime<Utc>) -> bool {
        now - self.last_at >= FORGET_AFTER
    }

    /// The time until the name may be tried again; `None` when it may be tried now.
    #[must_use]
    pub fn locked_for(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let left = self.last_at + lock_for(self.count) - now;
        // A clock that was set back must not lock for longer than the lock is.
        (left > TimeDelta::zero()).then(|| left.min(lock_for(self.count)))
    }

    /// The failures after one more.
    #[must_use]
    pub fn after_another(earlier: Option<Self>, now: DateTime<Utc>) -> Self {
        let count = earlier.filter(|earlier| !earlier.forgotten(now)).map_or(0, |earlier| earlier.count);
        Self { count: count.saturating_add(1), last_at: now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_lock_for_a_second_and_each_further_one_for_twice_as_long_up_to_five_minutes() {
        let seconds: Vec<i64> = (0..16).map(|count| lock_for(count).num_seconds()).collect();
        assert_eq!(seconds, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(lock_for(u32::MAX), LONGEST);
    }

    #[test]
    fn waiting_out_a_lock_does_not_reset_it_but_a_quiet_time_does() {
        let start = DateTime::from_timestamp(0, 0).unwrap();
        let many = Failures { count: 40, last_at: start };
        let after_lock = start + LONGEST;
        assert_eq!(many.locked_for(after_lock), None);
        assert_eq!(Failures::after_another(Some(many), after_lock).count, 41);
        assert_eq!(Failures::after_another(Some(many), start + FORGET_AFTER).count, 1);
        assert_eq!(Failures::after_another(None, start).count, 1);
    }

    #[test]
    fn a_clock_set_back_does_not_lengthen_a_lock() {
        let start = DateTime::from_timestamp(10_000, 0).unwrap();
        let five = Failures { count: 5, last_at: start };
        assert_eq!(five.locked_for(start - TimeDelta::hours(1)), Some(TimeDelta::seconds(1)));
    }
}

//! When an account at a provider is left alone. While its circuit is open nothing is sent, and nothing is lost: what is to be
//! sent waits.

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::patience::doubled;

/// Failures in a row that open the circuit.
pub const THRESHOLD: u32 = 5;
/// How long it stays open the first time; twice as long each time after that.
pub const FIRST_REST: TimeDelta = TimeDelta::seconds(30);
/// The longest rest.
pub const LONGEST_REST: TimeDelta = TimeDelta::minutes(15);

/// The circuit of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Circuit {
    /// Failures in a row.
    pub failures: u32,
    /// How often it was opened in a row.
    pub opened: u32,
    /// Until when nothing is sent; the circuit is open (or half open, after that moment) while there is one.
    pub open_until: Option<DateTime<Utc>>,
}

impl Circuit {
    /// How many attempts may begin now, of `most`: none while it is open, one to find out, one at a time while it fails.
    #[must_use]
    pub fn admits(&self, most: u32, now: DateTime<Utc>) -> u32 {
        match self.open_until {
            Some(until) if now < until => 0,
            Some(_) => most.min(1),
            None if self.failures > 0 => most.min(1),
            None => most,
        }
    }

    /// After an attempt that the account failed. A locked account is not tried five times.
    #[must_use]
    pub fn failed(&self, locked: bool, now: DateTime<Utc>) -> Self {
        let failures = self.failures.saturating_add(1);
        if !locked && self.open_until.is_none() && failures < THRESHOLD {
            return Self { failures, ..self.clone() };
        }
        let rest = doubled(FIRST_REST, self.opened, LONGEST_REST);
        Self { failures, opened: self.opened.saturating_add(1), open_until: Some(now + rest) }
    }

    /// After an attempt that the account did not fail.
    #[must_use]
    pub fn succeeded(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n_21_it_opens_after_five_failures_tries_once_and_rests_longer_each_time() {
        let now: DateTime<Utc> = "2026-11-26T01:00:00Z".parse().unwrap();
        let mut circuit = Circuit::default();
        assert_eq!(circuit.admits(16, now), 16);
        for _ in 0..4 {
            circuit = circuit.failed(false, now);
            assert_eq!(circuit.admits(16, now), 1, "one at a time while it fails");
        }
        circuit = circuit.failed(false, now);
        assert_eq!(circuit.admits(16, now), 0);
        let later = now + FIRST_REST;
        assert_eq!(circuit.admits(16, later), 1);
        let again = circuit.failed(false, later);
        assert_eq!(again.open_until, Some(later + FIRST_REST * 2));
        assert_eq!(again.succeeded().admits(16, later), 16);
        let locked = Circuit::default().failed(true, now);
        assert_eq!(locked.admits(16, now), 0, "a locked account is not tried again at once");
    }
}

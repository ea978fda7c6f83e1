//! A clock for stories of weeks.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::clock::{Clock, ScaledClock};

/// Runs faster than real time, so that pauses between two messages pass by themselves, and leaps ahead when it is told to.
/// It never goes back.
#[derive(Debug)]
pub struct FastForward {
    running: ScaledClock,
    leapt: Mutex<TimeDelta>,
}

impl FastForward {
    /// A clock that shows `start` now and runs `speed` times as fast as real time.
    #[must_use]
    pub fn new(start: DateTime<Utc>, speed: f64) -> Self {
        Self { running: ScaledClock::new(start, speed), leapt: Mutex::new(TimeDelta::zero()) }
    }

    /// Leaps ahead to `to`, or stays where it is if that has passed.
    pub fn leap_to(&self, to: DateTime<Utc>) {
        let mut leapt = self.leapt();
        let missing = to - (self.running.now() + *leapt);
        *leapt += missing.max(TimeDelta::zero());
    }

    /// Leaps ahead.
    pub fn leap(&self, by: TimeDelta) {
        *self.leapt() += by.max(TimeDelta::zero());
    }

    fn leapt(&self) -> MutexGuard<'_, TimeDelta> {
        self.leapt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for FastForward {
    fn now(&self) -> DateTime<Utc> {
        self.running.now() + *self.leapt()
    }
}

//! The time. This is the only file of the suite that may ask the system for it.

use std::sync::Mutex;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

/// A source of the present time. Everything that depends on time takes one, so that tests can set it.
pub trait Clock: Send + Sync {
    /// The present time in UTC.
    fn now(&self) -> DateTime<Utc>;
}

/// The clock of the machine.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// A clock that stands still until it is moved. For tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<DateTime<Utc>>);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: TimeDelta) {
        let mut now = self.lock();
        *now += by;
    }

    /// Sets the clock, also back.
    pub fn set(&self, to: DateTime<Utc>) {
        *self.lock() = to;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, DateTime<Utc>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.lock()
    }
}

/// A clock that starts at a given time and runs faster than real time. For rehearsals and tests of whole days.
#[derive(Debug)]
pub struct ScaledClock {
    start: DateTime<Utc>,
    since: Instant,
    speed: f64,
}

impl ScaledClock {
    /// A clock that shows `start` now and runs `speed` times as fast as real time.
    #[must_use]
    pub fn new(start: DateTime<Utc>, speed: f64) -> Self {
        Self { start, since: Instant::now(), speed }
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> DateTime<Utc> {
        let elapsed_us = self.since.elapsed().as_secs_f64() * self.speed * 1e6;
        // A day at any sensible speed is far below 2^53 microseconds, so the cast is exact enough.
        self.start + TimeDelta::microseconds(elapsed_us as i64)
    }
}

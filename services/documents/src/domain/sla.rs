//! The clock of a promise: how much working time a step or an application has used, and when it is due.
//!
//! Its verbs are those of OSS-RBA: 41 paused, 42 resumed, 43 reset, 44 started again. A clock is the list of what was
//! done to it; every figure is computed from that list and a calendar, so that a holiday entered later counts too.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use mpp_kit::fsm::{Row, Table};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};
use thiserror::Error;

use super::calendar::WorkCalendar;

/// How much working time is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Promise {
    /// Minutes of working time.
    Minutes(u32),
    /// Working days; the day on which it begins does not count, and it is due at the end of the last one.
    Days(u32),
}

/// What a clock does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClockState {
    /// It runs.
    Running,
    /// It stands still, and goes on from there.
    Paused,
    /// It is back at zero, and waits to be started again.
    Reset,
    /// It has ended.
    Stopped,
}

/// What is done to a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClockVerb {
    /// Let it stand still.
    Pause,
    /// Let it go on.
    Resume,
    /// Set it back to zero.
    Reset,
    /// Start it again from zero.
    Restart,
    /// End it.
    Stop,
}

/// Which verbs a clock permits, and why.
pub const TRANSITIONS: Table<ClockState, ClockVerb> = Table(&[
    Row {
        from: ClockState::Running,
        verb: ClockVerb::Pause,
        to: ClockState::Paused,
        why: "the office waits for somebody else",
    },
    Row {
        from: ClockState::Running,
        verb: ClockVerb::Reset,
        to: ClockState::Reset,
        why: "the application changed in substance",
    },
    Row { from: ClockState::Running, verb: ClockVerb::Stop, to: ClockState::Stopped, why: "it was decided" },
    Row {
        from: ClockState::Paused,
        verb: ClockVerb::Resume,
        to: ClockState::Running,
        why: "the wait is over",
    },
    Row {
        from: ClockState::Paused,
        verb: ClockVerb::Reset,
        to: ClockState::Reset,
        why: "the application changed in substance",
    },
    Row {
        from: ClockState::Paused,
        verb: ClockVerb::Stop,
        to: ClockState::Stopped,
        why: "it was given up or refused meanwhile",
    },
    Row {
        from: ClockState::Reset,
        verb: ClockVerb::Restart,
        to: ClockState::Running,
        why: "work on it begins anew",
    },
    Row { from: ClockState::Reset, verb: ClockVerb::Stop, to: ClockState::Stopped, why: "it was given up" },
]);

/// Something done to a clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub verb: ClockVerb,
    /// Why; empty where the verb says it.
    pub reason: String,
}

/// Why nothing is done to a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ClockError {
    /// Its state does not permit the verb.
    #[error("a clock that is {state} cannot {verb}")]
    NotPermitted {
        /// What was asked.
        verb: ClockVerb,
        /// The state it is in.
        state: ClockState,
    },
    /// The moment lies before the last thing done to it: a pause would become negative.
    #[error("the clock cannot go back")]
    Backwards,
    /// Pausing and resetting need a reason.
    #[error("a reason is required")]
    ReasonRequired,
}

/// A clock that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlaClock {
    /// How much is promised.
    pub promise: Promise,
    /// When it was started.
    pub started: DateTime<Utc>,
    /// What was done to it since, in order.
    pub events: Vec<ClockEvent>,
    /// Whether the delay was reported; once for each clock.
    pub escalated: bool,
}

impl SlaClock {
    /// A clock that runs from `at`.
    #[must_use]
    pub fn start(promise: Promise, at: DateTime<Utc>) -> Self {
        Self { promise, started: at, events: Vec::new(), escalated: false }
    }

    /// What it does now.
    #[must_use]
    pub fn state(&self) -> ClockState {
        self.events
            .iter()
            .fold(ClockState::Running, |state, event| TRANSITIONS.next(state, event.verb).unwrap_or(state))
    }

    /// The clock after `verb`.
    ///
    /// # Errors
    /// A [`ClockError`] that says why the verb is not possible.
    pub fn after(&self, verb: ClockVerb, reason: &str, at: DateTime<Utc>) -> Result<Self, ClockError> {
        let state = self.state();
        if TRANSITIONS.next(state, verb).is_none() {
            return Err(ClockError::NotPermitted { verb, state });
        }
        if at < self.last_moment() {
            return Err(ClockError::Backwards);
        }
        let reason = reason.trim();
        if matches!(verb, ClockVerb::Pause | ClockVerb::Reset) && reason.is_empty() {
            return Err(ClockError::ReasonRequired);
        }
        let mut next = self.clone();
        next.events.push(ClockEvent { at, verb, reason: reason.to_owned() });
        if verb == ClockVerb::Restart {
            next.escalated = false;
        }
        Ok(next)
    }

    /// The last moment at which something was done to it.
    #[must_use]
    pub fn last_moment(&self) -> DateTime<Utc> {
        self.events.last().map_or(self.started, |event| event.at)
    }

    /// The spans in which it ran since it was last at zero, the open one up to `now`.
    fn spans(&self, now: DateTime<Utc>) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        let mut spans = Vec::new();
        let mut running = Some(self.started);
        for event in &self.events {
            match event.verb {
                ClockVerb::Pause | ClockVerb::Stop => {
                    if let Some(from) = running.take() {
                        spans.push((from, event.at));
                    }
                }
                ClockVerb::Resume | ClockVerb::Restart => running = Some(event.at),
                ClockVerb::Reset => {
                    spans.clear();
                    running = None;
                }
            }
        }
        if let Some(from) = running {
            spans.push((from, now.max(from)));
        }
        spans
    }

    fn elapsed(&self, calendar: &WorkCalendar, spans: &[(DateTime<Utc>, DateTime<Utc>)]) -> TimeDelta {
        spans
            .iter()
            .fold(TimeDelta::zero(), |sum, (from, to)| sum + calendar.working_time_between(*from, *to))
    }

    /// When it is due, if it goes on running: `None` while it stands still or has ended.
    #[must_use]
    pub fn due(&self, calendar: &WorkCalendar) -> Option<DateTime<Utc>> {
        if self.state() != ClockState::Running {
            return None;
        }
        let mut spans = self.spans(self.last_moment());
        let (since, _) = spans.pop()?;
        Some(match self.promise {
            Promise::Minutes(promised) => {
                let left = TimeDelta::minutes(i64::from(promised)) - self.elapsed(calendar, &spans);
                if left <= TimeDelta::zero() {
                    // Used up in a span before: it was due when that was over.
                    self.used_up(calendar, &spans, promised)
                } else {
                    // Seconds that a pause has cut off are given back as a whole minute at most.
                    let minutes = left.num_minutes()
                        + i64::from(left.subsec_nanos() > 0 || left.num_seconds() % 60 > 0);
                    calendar.add_working_minutes(since, u32::try_from(minutes).unwrap_or(u32::MAX))
                }
            }
            Promise::Days(promised) => {
                let mut left = promised;
                for (from, to) in &spans {
                    let used = calendar.working_days_between(calendar.date(*from), calendar.date(*to));
                    if used > left || (used == left && *to > self.day_end(calendar, *from, left)) {
                        return Some(self.day_end(calendar, *from, left));
                    }
                    left -= used;
                }
                self.day_end(calendar, since, left)
            }
        })
    }

    fn day_end(&self, calendar: &WorkCalendar, from: DateTime<Utc>, days: u32) -> DateTime<Utc> {
        let date: NaiveDate = calendar.add_working_days(calendar.date(from), days);
        calendar.end_of_day(date)
    }

    fn used_up(
        &self,
        calendar: &WorkCalendar,
        spans: &[(DateTime<Utc>, DateTime<Utc>)],
        promised: u32,
    ) -> DateTime<Utc> {
        let mut left = promised;
        for (from, to) in spans {
            let due = calendar.add_working_minutes(*from, left);
            if due <= *to {
                return due;
            }
            left = left.saturating_sub(calendar.working_minutes_between(*from, *to));
        }
        spans.last().map_or(self.started, |(_, to)| *to)
    }

    /// Whether it runs and its due moment is over.
    #[must_use]
    pub fn is_overdue(&self, calendar: &WorkCalendar, now: DateTime<Utc>) -> bool {
        self.due(calendar).is_some_and(|due| now > due)
    }

    /// Whether its delay should be reported now: it is overdue, and was not reported.
    #[must_use]
    pub fn should_escalate(&self, calendar: &WorkCalendar, now: DateTime<Utc>) -> bool {
        !self.escalated && self.is_overdue(calendar, now)
    }
}

#[cfg(test)]
mod tests {
    use super::super::calendar::TimeZone;
    use super::*;
    use chrono::NaiveDateTime;
    use proptest::prelude::*;
    use strum::IntoEnumIterator;

    /// Working minutes a clock has run since it was last at zero.
    fn elapsed_minutes(clock: &SlaClock, calendar: &WorkCalendar, now: DateTime<Utc>) -> u32 {
        u32::try_from(clock.elapsed(calendar, &clock.spans(now)).num_minutes()).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        TimeZone::Wib.moment(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap())
    }

    fn office() -> WorkCalendar {
        WorkCalendar::five_days(TimeZone::Wib)
    }

    #[test]
    fn the_table_is_sound_and_speaks_oss() {
        assert_eq!(
            TRANSITIONS.defects(ClockState::Running, &ClockState::iter().collect::<Vec<_>>()),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_pause_moves_the_due_moment_by_the_working_time_it_takes() {
        let clock = SlaClock::start(Promise::Minutes(120), at("2026-11-26 09:00"));
        assert_eq!(clock.due(&office()), Some(at("2026-11-26 11:00")));
        let clock = clock.after(ClockVerb::Pause, "menunggu kelengkapan", at("2026-11-26 10:00")).unwrap();
        assert_eq!(
            (clock.due(&office()), clock.is_overdue(&office(), at("2026-12-26 10:00"))),
            (None, false)
        );
        // Resumed on Friday afternoon: one hour is left.
        let clock = clock.after(ClockVerb::Resume, "", at("2026-11-27 16:00")).unwrap();
        assert_eq!(clock.due(&office()), Some(at("2026-11-30 08:00")));
        assert_eq!(elapsed_minutes(&clock, &office(), at("2026-11-27 20:00")), 90);
        assert!(!clock.is_overdue(&office(), at("2026-11-30 08:00")));
        assert!(clock.should_escalate(&office(), at("2026-11-30 08:01")));
    }

    #[test]
    fn a_reset_clock_begins_at_zero_when_it_is_started_again() {
        let clock = SlaClock::start(Promise::Days(3), at("2026-11-23 09:00"));
        assert_eq!(clock.due(&office()), Some(at("2026-11-26 16:00")));
        let clock = clock.after(ClockVerb::Reset, "lokasi usaha berubah", at("2026-11-25 10:00")).unwrap();
        assert_eq!(
            (clock.due(&office()), elapsed_minutes(&clock, &office(), at("2026-11-26 10:00"))),
            (None, 0)
        );
        let clock = clock.after(ClockVerb::Restart, "", at("2026-11-26 08:00")).unwrap();
        assert_eq!(clock.due(&office()), Some(at("2026-12-01 16:00")));
    }

    #[test]
    fn days_used_before_a_pause_stay_used() {
        let clock = SlaClock::start(Promise::Days(3), at("2026-11-23 09:00"))
            .after(ClockVerb::Pause, "menunggu pemohon", at("2026-11-24 09:00"))
            .and_then(|it| it.after(ClockVerb::Resume, "", at("2026-12-07 09:00")))
            .unwrap();
        assert_eq!(clock.due(&office()), Some(at("2026-12-09 16:00")));
    }

    #[test]
    fn a_clock_that_was_late_before_its_pause_stays_late() {
        let clock = SlaClock::start(Promise::Minutes(60), at("2026-11-26 08:00"))
            .after(ClockVerb::Pause, "menunggu pemohon", at("2026-11-26 11:00"))
            .and_then(|it| it.after(ClockVerb::Resume, "", at("2026-11-27 09:00")))
            .unwrap();
        assert_eq!(clock.due(&office()), Some(at("2026-11-26 09:00")));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let clock = SlaClock::start(Promise::Minutes(60), at("2026-11-26 08:00"));
        let not = |verb, state| Err(ClockError::NotPermitted { verb, state });
        assert_eq!(
            clock.after(ClockVerb::Resume, "", at("2026-11-26 09:00")),
            not(ClockVerb::Resume, ClockState::Running)
        );
        assert_eq!(
            clock.after(ClockVerb::Pause, " ", at("2026-11-26 09:00")),
            Err(ClockError::ReasonRequired)
        );
        assert_eq!(clock.after(ClockVerb::Pause, "x", at("2026-11-26 07:59")), Err(ClockError::Backwards));
        let paused = clock.after(ClockVerb::Pause, "x", at("2026-11-26 09:00")).unwrap();
        assert_eq!(paused.after(ClockVerb::Resume, "", at("2026-11-26 08:59")), Err(ClockError::Backwards));
        let stopped = paused.after(ClockVerb::Stop, "", at("2026-11-26 10:00")).unwrap();
        assert_eq!(
            stopped.after(ClockVerb::Pause, "x", at("2026-11-26 11:00")),
            not(ClockVerb::Pause, ClockState::Stopped)
        );
    }

    fn any_verb() -> impl Strategy<Value = ClockVerb> {
        prop::sample::select(ClockVerb::iter().collect::<Vec<_>>())
    }

    proptest! {
        /// Whatever is done to it, a clock never counts time in which it stood still, never runs backwards, and the
        /// moment it names as due is the one at which the promise is used up.
        #[test]
        fn a_clock_counts_only_the_time_it_ran(
            steps in prop::collection::vec((any_verb(), -2_000_i64..20_000), 0..12),
            promised in 1_u32..3_000,
        ) {
            let calendar = office();
            let mut clock = SlaClock::start(Promise::Minutes(promised), at("2026-01-05 08:00"));
            let mut now = clock.started;
            let mut ran = 0_i64;
            for (verb, minutes) in steps {
                let then = now + TimeDelta::minutes(minutes);
                if let Ok(next) = clock.after(verb, "alasan", then) {
                    prop_assert!(then >= clock.last_moment());
                    if clock.state() == ClockState::Running {
                        ran += calendar.working_time_between(clock.last_moment(), then).num_minutes();
                    }
                    if next.state() == ClockState::Reset {
                        ran = 0;
                    }
                    clock = next;
                    now = then;
                }
                prop_assert_eq!(i64::from(elapsed_minutes(&clock, &calendar, now)), ran);
            }
            if let Some(due) = clock.due(&calendar) {
                prop_assert_eq!(clock.state(), ClockState::Running);
                if due >= clock.last_moment() {
                    prop_assert_eq!(elapsed_minutes(&clock, &calendar, due), promised);
                } else {
                    prop_assert!(elapsed_minutes(&clock, &calendar, now) >= promised);
                }
            }
        }
    }
}

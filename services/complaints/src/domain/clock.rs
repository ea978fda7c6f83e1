//! A clock of a case. It falls due by time alone; once it is late it stays late, whatever is done to it afterwards.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::calendar::WorkCalendar;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

use super::DeadlineId;
use super::deadline::{Deadline, Unit};
use super::words::{ClockKind, Rung};

/// What a clock does. That it is late is another fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClockState {
    /// It runs.
    Running,
    /// It stands still while the reporter is asked.
    Paused,
    /// What it waited for has happened.
    Met,
    /// It ended without that: the case went another way.
    Stopped,
}

/// A span in which a clock stood still; open while it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// From.
    pub from: DateTime<Utc>,
    /// Until.
    pub to: Option<DateTime<Utc>>,
}

/// A clock. The row of the deadlines table that set it is kept with it, so that a later row changes nothing here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Which one.
    pub kind: ClockKind,
    /// The how-manyeth of its kind in this case, from 1.
    pub cycle: u32,
    /// What it does.
    pub state: ClockState,
    /// The row that set it.
    pub deadline: DeadlineId,
    /// Its length.
    pub value: u32,
    /// What that is counted in.
    pub unit: Unit,
    /// The calendar it counts by.
    pub calendar: String,
    /// The version of that calendar.
    pub calendar_version: u32,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it falls due; while it is paused, as it stood when the pause began.
    pub due_at: DateTime<Utc>,
    /// When it became late.
    pub late_at: Option<DateTime<Utc>>,
    /// When it was met or stopped.
    pub ended_at: Option<DateTime<Utc>>,
    /// When it stood still.
    pub pauses: Vec<Pause>,
    /// Percentages at which the ladder was climbed already.
    pub climbed: Vec<u32>,
    /// Percentages at which it is to be climbed, and to which rung.
    pub ladder: BTreeMap<u32, Rung>,
}

impl Clock {
    /// A clock that starts now by this row and calendar.
    #[must_use]
    pub fn start(
        kind: ClockKind,
        cycle: u32,
        row: &Deadline,
        (name, version, calendar): (&str, u32, &WorkCalendar),
        at: DateTime<Utc>,
    ) -> Self {
        let mut clock = Self {
            kind,
            cycle,
            state: ClockState::Running,
            deadline: row.id,
            value: row.value,
            unit: row.unit,
            calendar: if row.unit.is_working() { name.to_owned() } else { String::new() },
            calendar_version: if row.unit.is_working() { version } else { 0 },
            started_at: at,
            due_at: at,
            late_at: None,
            ended_at: None,
            pauses: Vec::new(),
            climbed: Vec::new(),
            ladder: row.ladder.clone(),
        };
        clock.due_at = clock.moment(100, calendar);
        clock
    }

    /// Whether what it waits for is still awaited.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self.state {
            ClockState::Running | ClockState::Paused => true,
            ClockState::Met | ClockState::Stopped => false,
        }
    }

    /// Whether it is late at a moment, marked or not yet.
    #[must_use]
    pub fn is_late(&self, now: DateTime<Utc>) -> bool {
        self.late_at.is_some() || (self.state == ClockState::Running && self.due_at <= now)
    }

    /// Whether its time is over at a moment, also while it stands still: then it is late as soon as it goes on.
    #[must_use]
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        let stands = self.pauses.last().filter(|it| it.to.is_none()).map_or(now, |it| it.from);
        self.late_at.is_some() || self.due_at <= stands
    }

    /// Marks what time alone has done: a running clock whose moment has come is late from that moment. `true` if it was
    /// marked now.
    pub fn mark(&mut self, now: DateTime<Utc>) -> bool {
        let newly = self.state == ClockState::Running && self.late_at.is_none() && self.due_at <= now;
        if newly {
            self.late_at = Some(self.due_at);
        }
        newly
    }

    /// Lets it stand still. One that is late by now stays late.
    pub fn pause(&mut self, now: DateTime<Utc>) {
        if self.state == ClockState::Running {
            self.mark(now);
            self.state = ClockState::Paused;
            self.pauses.push(Pause { from: now, to: None });
        }
    }

    /// Lets it go on: what was left of it is left still.
    pub fn resume(&mut self, calendar: &WorkCalendar, now: DateTime<Utc>) {
        if self.state == ClockState::Paused {
            if let Some(pause) = self.pauses.last_mut() {
                pause.to = Some(now.max(pause.from));
            }
            self.state = ClockState::Running;
            if self.late_at.is_none() {
                self.due_at = self.moment(100, calendar);
            }
        }
    }

    /// What it waited for has happened.
    pub fn meet(&mut self, now: DateTime<Utc>) {
        self.end(ClockState::Met, now);
    }

    /// The case went another way.
    pub fn stop(&mut self, now: DateTime<Utc>) {
        self.end(ClockState::Stopped, now);
    }

    fn end(&mut self, state: ClockState, now: DateTime<Utc>) {
        if self.is_open() {
            self.mark(now);
            if let Some(pause) = self.pauses.last_mut() {
                pause.to.get_or_insert(now);
            }
            self.state = state;
            self.ended_at = Some(now);
        }
    }

    /// Counts it again by another version of its calendar. A clock that was met, stopped or missed stays as it is.
    /// `true` if its moment changed.
    pub fn recount(&mut self, version: u32, calendar: &WorkCalendar, now: DateTime<Utc>) -> bool {
        if !self.is_open() || self.is_late(now) || !self.unit.is_working() {
            return false;
        }
        self.calendar_version = version;
        let before = self.due_at;
        self.due_at = self.moment(100, calendar);
        self.due_at != before
    }

    /// The moment at which so many percent of it are used up, if it goes on as it does.
    #[must_use]
    pub fn moment(&self, percent: u32, calendar: &WorkCalendar) -> DateTime<Utc> {
        let full = self.unpaused(calendar);
        // A working day ends when work ends: no percentage of minutes lands there as exactly as the date itself.
        if percent == 100 && self.pauses.is_empty() {
            return full;
        }
        let seconds = match self.unit {
            Unit::WorkingDays | Unit::WorkingHours => calendar.working_time_between(self.started_at, full),
            Unit::Days | Unit::Hours => full - self.started_at,
        }
        .num_seconds()
        .saturating_mul(i64::from(percent))
            / 100;
        self.after(TimeDelta::seconds(seconds), calendar)
    }

    /// The moment at which it falls due without any pause.
    fn unpaused(&self, calendar: &WorkCalendar) -> DateTime<Utc> {
        match self.unit {
            Unit::WorkingDays => {
                calendar.end_of_day(calendar.add_working_days(calendar.date(self.started_at), self.value))
            }
            Unit::WorkingHours => {
                calendar.add_working_minutes(self.started_at, self.value.saturating_mul(60))
            }
            Unit::Days => self.started_at + TimeDelta::days(i64::from(self.value)),
            Unit::Hours => self.started_at + TimeDelta::hours(i64::from(self.value)),
        }
    }

    /// The moment at which it has run for so long, leaving out its pauses; an open pause is left out as if it ended where
    /// it began.
    fn after(&self, length: TimeDelta, calendar: &WorkCalendar) -> DateTime<Utc> {
        let working = self.unit.is_working();
        let mut left = length;
        let mut from = self.started_at;
        for pause in &self.pauses {
            let ran =
                if working { calendar.working_time_between(from, pause.from) } else { pause.from - from };
            if ran >= left {
                break;
            }
            left -= ran;
            from = pause.to.unwrap_or(pause.from);
        }
        if working { calendar.add_working_time(from, left) } else { from + left }
    }

    /// How much of its length it had run at a moment, per mille, leaving out its pauses: 1000 is the whole.
    #[must_use]
    pub fn used(&self, at: DateTime<Utc>, calendar: &WorkCalendar) -> i64 {
        let between = |from: DateTime<Utc>, to: DateTime<Utc>| match (from < to, self.unit.is_working()) {
            (false, _) => TimeDelta::zero(),
            (true, true) => calendar.working_time_between(from, to),
            (true, false) => to - from,
        };
        let stood: TimeDelta =
            self.pauses.iter().map(|it| between(it.from.min(at), it.to.unwrap_or(at).min(at))).sum();
        let length = between(self.started_at, self.unpaused(calendar)).num_seconds().max(1);
        (between(self.started_at, at) - stood).num_seconds().saturating_mul(1000) / length
    }

    /// How long it stood still in all, by the wall clock.
    #[must_use]
    pub fn paused(&self, now: DateTime<Utc>) -> TimeDelta {
        self.pauses.iter().map(|pause| pause.to.unwrap_or(now) - pause.from).sum()
    }

    /// The next percentage of the ladder that is not climbed yet, with its moment; none when it does not run.
    #[must_use]
    pub fn next_rung(&self, calendar: &WorkCalendar) -> Option<(u32, DateTime<Utc>)> {
        if self.state != ClockState::Running {
            return None;
        }
        let percent = self.ladder.keys().copied().find(|it| !self.climbed.contains(it))?;
        Some((percent, self.moment(percent, calendar)))
    }

    /// When something happens to it by time alone.
    #[must_use]
    pub fn next_moment(&self, calendar: &WorkCalendar) -> Option<DateTime<Utc>> {
        let due = (self.state == ClockState::Running && self.late_at.is_none()).then_some(self.due_at);
        let rung = self.next_rung(calendar).map(|(_, at)| at);
        due.into_iter().chain(rung).min()
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use mpp_kit::zone::TimeZone;
    use proptest::prelude::*;

    use super::super::deadline::Confidence;
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn row(value: u32, unit: Unit) -> Deadline {
        Deadline {
            id: DeadlineId::from_uuid(uuid::Uuid::nil()),
            key: "D5".to_owned(),
            clock: Some(ClockKind::Settle),
            class: None,
            kind: String::new(),
            holder: String::new(),
            value,
            unit,
            source: "test".to_owned(),
            confidence: Confidence::A,
            note: String::new(),
            valid_from: NaiveDate::MIN,
            valid_to: None,
            signed_off_by: None,
            signed_off_at: None,
            ladder: BTreeMap::from([(50, Rung::Admin), (100, Rung::AgencyHead), (150, Rung::Regent)]),
        }
    }

    fn clock(value: u32, unit: Unit, from: DateTime<Utc>) -> Clock {
        Clock::start(ClockKind::Settle, 1, &row(value, unit), ("17.07", 1, &office()), from)
    }

    fn office() -> WorkCalendar {
        WorkCalendar::five_days(TimeZone::Wib)
    }

    #[test]
    fn working_days_end_when_work_ends_and_hours_of_a_promise_run_at_night() {
        // Monday 23 November 2026, 15:00 WIB.
        let from = at("2026-11-23T08:00:00Z");
        assert_eq!(clock(3, Unit::WorkingDays, from).due_at, at("2026-11-26T09:00:00Z"));
        assert_eq!(clock(4, Unit::Hours, from).due_at, at("2026-11-23T12:00:00Z"));
        // One hour of work is left on Monday, three follow on Tuesday from 07:30.
        assert_eq!(clock(4, Unit::WorkingHours, from).due_at, at("2026-11-24T03:30:00Z"));
        assert_eq!(clock(10, Unit::Days, from).due_at, at("2026-12-03T08:00:00Z"));
    }

    #[test]
    fn c_39_pausing_a_late_clock_leaves_it_late() {
        let from = at("2026-11-23T08:00:00Z");
        let mut clock = clock(4, Unit::Hours, from);
        clock.pause(at("2026-11-23T12:00:00Z"));
        assert_eq!(clock.late_at, Some(at("2026-11-23T12:00:00Z")));
        clock.resume(&office(), at("2026-11-30T12:00:00Z"));
        assert!(clock.is_late(at("2026-11-30T12:00:00Z")));
        assert_eq!(clock.due_at, at("2026-11-23T12:00:00Z"), "its moment is not moved");
        clock.meet(at("2026-11-30T13:00:00Z"));
        assert_eq!((clock.state, clock.late_at), (ClockState::Met, Some(at("2026-11-23T12:00:00Z"))));
    }

    #[test]
    fn c_45_what_was_used_of_a_clock_leaves_out_its_pauses() {
        // Monday, 15:00 WIB, of five working days: one hour today, five days to follow.
        let from = at("2026-11-23T08:00:00Z");
        let mut five = clock(5, Unit::WorkingDays, from);
        assert_eq!((five.used(from, &office()), five.used(five.due_at, &office())), (0, 1000));
        assert_eq!(five.used(at("2026-11-22T08:00:00Z"), &office()), 0, "before it began");
        let half = five.moment(50, &office());
        five.pause(half);
        let later = half + TimeDelta::days(9);
        assert_eq!(five.used(later, &office()), five.used(half, &office()), "it stands still");
        assert!((499..=500).contains(&five.used(half, &office())));
        five.resume(&office(), later);
        assert_eq!(five.used(five.due_at, &office()), 1000);
        let hours = clock(4, Unit::Hours, from);
        assert_eq!(hours.used(at("2026-11-23T14:00:00Z"), &office()), 1500);
    }

    #[test]
    fn a_clock_that_ended_changes_no_more() {
        let from = at("2026-11-23T08:00:00Z");
        let mut met = clock(4, Unit::Hours, from);
        met.meet(at("2026-11-23T09:00:00Z"));
        let before = met.clone();
        met.pause(at("2026-11-23T13:00:00Z"));
        met.mark(at("2026-11-23T13:00:00Z"));
        met.stop(at("2026-11-23T13:00:00Z"));
        assert!(!met.recount(2, &office(), at("2026-11-23T13:00:00Z")));
        assert_eq!(met, before);
    }

    fn any_unit() -> impl Strategy<Value = Unit> {
        prop_oneof![Just(Unit::WorkingDays), Just(Unit::WorkingHours), Just(Unit::Days), Just(Unit::Hours)]
    }

    #[test]
    fn what_is_left_counts_to_the_second_where_work_ends() {
        // Monday, 08:00 WIB; after 49 minutes and 50 seconds it stands still until 11:49:20, before a break at noon.
        let mut clock = clock(1, Unit::WorkingHours, at("2026-11-23T01:00:00Z"));
        clock.pause(at("2026-11-23T01:49:50Z"));
        clock.resume(&office(), at("2026-11-23T04:49:20Z"));
        assert_eq!(clock.due_at, at("2026-11-23T04:59:30Z"));
    }

    proptest! {
        #[test]
        fn what_is_left_stays_left_over_a_pause(value in 1_u32..40, unit in any_unit(), start in 0_i64..10_000_000,
                                               used in 0_u32..100, stood in 0_i64..3_000_000) {
            let from = at("2026-01-05T00:00:00Z") + TimeDelta::seconds(start);
            let office = office();
            let fresh = clock(value, unit, from);
            let begins = fresh.moment(used, &office);
            prop_assume!(begins < fresh.due_at);
            let ends = begins + TimeDelta::seconds(stood);
            let mut paused = fresh.clone();
            paused.pause(begins);
            paused.resume(&office, ends);
            let left = |from, to: DateTime<Utc>| if unit.is_working() { office.working_time_between(from, to) } else { to - from };
            let before = left(begins, fresh.due_at);
            let after = left(ends, paused.due_at);
            prop_assert!((before - after).num_seconds().abs() <= 1, "{} left, then {}", before, after);
            prop_assert!(paused.due_at >= fresh.due_at);
        }

        #[test]
        fn late_by_time_alone_and_for_ever(value in 1_u32..40, unit in any_unit(), start in 0_i64..10_000_000,
                                           steps in prop::collection::vec((0_u8..5, 0_i64..2_000_000), 0..12)) {
            let mut now = at("2026-01-05T00:00:00Z") + TimeDelta::seconds(start);
            let office = office();
            let mut clock = clock(value, unit, now);
            let mut late_since: Option<DateTime<Utc>> = None;
            for (what, wait) in steps {
                now += TimeDelta::seconds(wait);
                let due = clock.due_at;
                let was_running = clock.state == ClockState::Running;
                match what {
                    0 => clock.pause(now),
                    1 => clock.resume(&office, now),
                    2 => { clock.mark(now); }
                    3 => clock.meet(now),
                    _ => clock.stop(now),
                }
                if was_running && due <= now && late_since.is_none() {
                    late_since = Some(due);
                }
                // A mark may wait for the next call, but never vanishes and never moves.
                if late_since.is_some() && clock.late_at.is_some() {
                    prop_assert_eq!(clock.late_at, late_since);
                }
                if late_since.is_some() && clock.state != ClockState::Running {
                    prop_assert_eq!(clock.late_at, late_since);
                }
                prop_assert_eq!(clock.ended_at.is_some(), !clock.is_open());
            }
        }

        #[test]
        fn the_ladder_is_climbed_in_order(value in 1_u32..40, unit in any_unit(), start in 0_i64..10_000_000) {
            let office = office();
            let mut clock = clock(value, unit, at("2026-01-05T00:00:00Z") + TimeDelta::seconds(start));
            let mut last = clock.started_at;
            while let Some((percent, moment)) = clock.next_rung(&office) {
                prop_assert!(moment >= last);
                if percent <= 100 { prop_assert!(moment <= clock.due_at) } else { prop_assert!(moment >= clock.due_at) }
                last = moment;
                clock.climbed.push(percent);
            }
            prop_assert_eq!(clock.climbed.clone(), vec![50, 100, 150]);
        }
    }
}

//! Working time of an office: what "three working days" and "four working hours" mean on the clock.
//!
//! Presidential Regulation 21/2023 sets 37 hours and 30 minutes a week with a longer break on Fridays; an office may
//! differ, so everything here is data. Moments are UTC, windows are local time.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use crate::zone::TimeZone;
pub use national::national;

mod national;

/// A span of working time within a day, in minutes since local midnight: `from` inclusive, `to` exclusive, at most 1440.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// First minute.
    pub from: u16,
    /// First minute after.
    pub to: u16,
}

impl Period {
    /// A span as people write it, "07:30" to "12:00"; "24:00" ends a day.
    #[must_use]
    pub fn read(from: &str, to: &str) -> Option<Self> {
        Some(Self { from: minutes(from)?, to: minutes(to)? })
    }

    /// Its two ends as people write them.
    #[must_use]
    pub fn written(self) -> (String, String) {
        let text = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        (text(self.from), text(self.to))
    }
}

fn minutes(text: &str) -> Option<u16> {
    if text == "24:00" {
        return Some(1440);
    }
    let time = NaiveTime::parse_from_str(text, "%H:%M").ok()?;
    u16::try_from(time.signed_duration_since(NaiveTime::MIN).num_minutes()).ok()
}

/// Why a calendar cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CalendarError {
    /// No weekday has working time, so that nothing would ever be due.
    #[error("a week needs working time")]
    NoWorkingTime,
    /// The periods of this ISO weekday are empty, out of order or overlap.
    #[error("the periods of weekday {0} are out of order")]
    Periods(u8),
    /// Weekdays are 1 (Monday) to 7 (Sunday).
    #[error("weekdays are 1 to 7, not {0}")]
    Weekday(u8),
}

/// The working time of an office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Plan", into = "Plan")]
pub struct WorkCalendar {
    zone: TimeZone,
    week: BTreeMap<u8, Vec<Period>>,
    holidays: BTreeMap<NaiveDate, String>,
    special: Vec<SpecialHours>,
}

/// Other hours within a span of dates, such as the month of Ramadan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecialHours {
    /// The first date.
    pub from: NaiveDate,
    /// The last date.
    pub to: NaiveDate,
    /// Why.
    pub name: String,
    /// The week that holds then.
    pub week: BTreeMap<u8, Vec<Period>>,
}

/// A calendar as it is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The zone of its wall clock.
    pub zone: TimeZone,
    /// Working periods by ISO weekday (1 Monday … 7 Sunday); a weekday without an entry is free.
    pub week: BTreeMap<u8, Vec<Period>>,
    /// Free days: national holidays and collective leave (SKB 3 Menteri of each year), local ones.
    #[serde(default)]
    pub holidays: BTreeMap<NaiveDate, String>,
    /// Other hours within spans of dates. Of several for one date the first holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub special: Vec<SpecialHours>,
}

impl TryFrom<Plan> for WorkCalendar {
    type Error = CalendarError;

    fn try_from(plan: Plan) -> Result<Self, CalendarError> {
        for (weekday, periods) in plan.special.iter().flat_map(|it| &it.week).chain(&plan.week) {
            if !(1..=7).contains(weekday) {
                return Err(CalendarError::Weekday(*weekday));
            }
            let sound = periods.iter().all(|it| it.from < it.to && it.to <= 1440)
                && periods.windows(2).all(|two| two[0].to <= two[1].from);
            if !sound {
                return Err(CalendarError::Periods(*weekday));
            }
        }
        if plan.week.values().all(Vec::is_empty) {
            return Err(CalendarError::NoWorkingTime);
        }
        Ok(Self { zone: plan.zone, week: plan.week, holidays: plan.holidays, special: plan.special })
    }
}

impl From<WorkCalendar> for Plan {
    fn from(calendar: WorkCalendar) -> Self {
        Self {
            zone: calendar.zone,
            week: calendar.week,
            holidays: calendar.holidays,
            special: calendar.special,
        }
    }
}

impl WorkCalendar {
    /// Five days of 7½ hours, Monday to Friday, with the longer break on Fridays.
    #[must_use]
    pub fn five_days(zone: TimeZone) -> Self {
        let usual = [(450, 720), (780, 960)];
        let friday = [(450, 690), (780, 990)];
        Self::weekly(zone, &[(1, &usual), (2, &usual), (3, &usual), (4, &usual), (5, &friday)])
    }

    /// Six shorter days, Monday to Saturday, as many villages keep them; 37½ hours as well.
    #[must_use]
    pub fn six_days(zone: TimeZone) -> Self {
        let usual = [(450, 720), (750, 855)];
        let friday = [(450, 690), (780, 900)];
        let saturday = [(450, 720), (750, 870)];
        Self::weekly(
            zone,
            &[(1, &usual), (2, &usual), (3, &usual), (4, &usual), (5, &friday), (6, &saturday)],
        )
    }

    fn weekly(zone: TimeZone, days: &[(u8, &[(u16, u16)])]) -> Self {
        let week = days
            .iter()
            .map(|(day, periods)| {
                (*day, periods.iter().map(|(from, to)| Period { from: *from, to: *to }).collect())
            })
            .collect();
        Self { zone, week, holidays: BTreeMap::new(), special: Vec::new() }
    }

    /// The same calendar with these free days added.
    #[must_use]
    pub fn with_holidays(mut self, holidays: impl IntoIterator<Item = (NaiveDate, String)>) -> Self {
        self.holidays.extend(holidays);
        self
    }

    /// The same calendar with other hours within spans of dates.
    ///
    /// # Errors
    /// [`CalendarError`] when a week of them cannot be one.
    pub fn with_special_hours(self, special: Vec<SpecialHours>) -> Result<Self, CalendarError> {
        Self::try_from(Plan { special, ..Plan::from(self) })
    }

    /// The last day of the last year whose free days are written; none when no free day is. A first of January alone writes no
    /// year: it stands in the list of the year before (SKB 3 Menteri).
    #[must_use]
    pub fn written_until(&self) -> Option<NaiveDate> {
        let last = self.holidays.keys().rev().find(|it| (it.month(), it.day()) != (1, 1))?;
        NaiveDate::from_ymd_opt(last.year(), 12, 31)
    }

    /// The zone of its wall clock.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        self.zone
    }

    /// The local date at a moment.
    #[must_use]
    pub fn date(&self, at: DateTime<Utc>) -> NaiveDate {
        self.zone.local(at).date()
    }

    /// The working periods of a date; none when it is free.
    #[must_use]
    pub fn periods(&self, date: NaiveDate) -> &[Period] {
        if self.holidays.contains_key(&date) {
            return &[];
        }
        let weekday = u8::try_from(date.weekday().number_from_monday()).unwrap_or(0);
        let special = self.special.iter().find(|it| (it.from..=it.to).contains(&date));
        let week = special.map_or(&self.week, |it| &it.week);
        week.get(&weekday).map_or(&[], Vec::as_slice)
    }

    /// Whether people work on a date.
    #[must_use]
    pub fn is_working_day(&self, date: NaiveDate) -> bool {
        !self.periods(date).is_empty()
    }

    /// Whether people work at a moment.
    #[must_use]
    pub fn is_working_time(&self, at: DateTime<Utc>) -> bool {
        let local = self.zone.local(at);
        self.spans(local.date()).any(|(from, to)| from <= local && local < to)
    }

    /// The moment at which `minutes` of working time have gone by since `from`: with 0 minutes, `from` itself.
    #[must_use]
    pub fn add_working_minutes(&self, from: DateTime<Utc>, minutes: u32) -> DateTime<Utc> {
        self.add_working_time(from, TimeDelta::minutes(i64::from(minutes)))
    }

    /// The moment at which so much working time has gone by since `from`: with none or less, `from` itself.
    #[must_use]
    pub fn add_working_time(&self, from: DateTime<Utc>, time: TimeDelta) -> DateTime<Utc> {
        let mut left = time;
        if left <= TimeDelta::zero() {
            return from;
        }
        let start = self.zone.local(from);
        let mut date = start.date();
        // Ends: a week has working time, and free days are listed one by one.
        loop {
            for (opens, closes) in self.spans(date) {
                let begins = opens.max(start);
                if begins < closes {
                    let length = closes - begins;
                    if left <= length {
                        return self.zone.moment(begins + left);
                    }
                    left -= length;
                }
            }
            match date.checked_add_days(Days::new(1)) {
                Some(next) => date = next,
                // The end of the calendar of the library, 260,000 years on.
                None => return DateTime::<Utc>::MAX_UTC,
            }
        }
    }

    /// Whole minutes of working time from `from` to `to`; 0 when `to` is not later.
    #[must_use]
    pub fn working_minutes_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> u32 {
        u32::try_from(self.working_time_between(from, to).num_minutes()).unwrap_or(u32::MAX)
    }

    /// Working time from `from` to `to`, to the full precision of the moments; zero when `to` is not later.
    #[must_use]
    pub fn working_time_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        let (start, end) = (self.zone.local(from), self.zone.local(to));
        let mut total = TimeDelta::zero();
        let mut date = start.date();
        while date <= end.date() {
            for (opens, closes) in self.spans(date) {
                let (begins, ends) = (opens.max(start), closes.min(end));
                if begins < ends {
                    total += ends - begins;
                }
            }
            let Some(next) = date.checked_add_days(Days::new(1)) else { break };
            date = next;
        }
        total
    }

    /// The `days`th working day after `from`. The day itself does not count (hari kerja are counted from the next); with
    /// 0 days it is `from` itself.
    #[must_use]
    pub fn add_working_days(&self, from: NaiveDate, days: u32) -> NaiveDate {
        let mut date = from;
        let mut left = days;
        while left > 0 {
            let Some(next) = date.checked_add_days(Days::new(1)) else { return NaiveDate::MAX };
            date = next;
            if self.is_working_day(date) {
                left -= 1;
            }
        }
        date
    }

    /// Working days after `from` up to and with `to`; 0 when `to` is not later.
    #[must_use]
    pub fn working_days_between(&self, from: NaiveDate, to: NaiveDate) -> u32 {
        let count =
            from.iter_days().skip(1).take_while(|date| *date <= to).filter(|date| self.is_working_day(*date));
        u32::try_from(count.count()).unwrap_or(u32::MAX)
    }

    /// The moment at which work ends on a date: the end of its last period, or the end of the date when it is free.
    #[must_use]
    pub fn end_of_day(&self, date: NaiveDate) -> DateTime<Utc> {
        let local = self
            .spans(date)
            .map(|(_, closes)| closes)
            .last()
            .unwrap_or_else(|| date.and_time(NaiveTime::MIN) + TimeDelta::days(1));
        self.zone.moment(local)
    }

    fn spans(&self, date: NaiveDate) -> impl Iterator<Item = (NaiveDateTime, NaiveDateTime)> + '_ {
        let midnight = date.and_time(NaiveTime::MIN);
        self.periods(date).iter().map(move |period| {
            (
                midnight + TimeDelta::minutes(i64::from(period.from)),
                midnight + TimeDelta::minutes(i64::from(period.to)),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        TimeZone::Wib.moment(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap())
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn office() -> WorkCalendar {
        WorkCalendar::five_days(TimeZone::Wib)
            .with_holidays([(day("2026-12-25"), "Hari Raya Natal".to_owned())])
    }

    #[test]
    fn a_year_is_written_when_more_than_its_first_day_is() {
        let day = |text: &str| (text.parse::<NaiveDate>().unwrap(), String::new());
        let until = |days: &[&str]| {
            let plain = WorkCalendar::five_days(TimeZone::Wib);
            plain.with_holidays(days.iter().map(|it| day(it))).written_until().map(|it| it.to_string())
        };
        assert_eq!(until(&[]), None);
        assert_eq!(until(&["2027-01-01"]), None);
        assert_eq!(until(&["2026-03-19", "2026-12-25", "2027-01-01"]).as_deref(), Some("2026-12-31"));
        assert_eq!(until(&["2026-12-25", "2027-01-01", "2027-03-10"]).as_deref(), Some("2027-12-31"));
    }

    #[test]
    fn both_weeks_have_thirty_seven_and_a_half_hours() {
        for week in [WorkCalendar::five_days(TimeZone::Wib), WorkCalendar::six_days(TimeZone::Wib)] {
            assert_eq!(week.working_minutes_between(at("2026-11-23 00:00"), at("2026-11-30 00:00")), 2250);
        }
    }

    /// Requirement 4.16: at 15:30 with four working hours, an office of 08:00 to 16:00 is due at 11:30 of the next
    /// working day.
    #[test]
    fn four_working_hours_from_half_past_three_end_the_next_morning() {
        let day_of = |weekday| (weekday, vec![Period { from: 480, to: 960 }]);
        let plan = Plan {
            zone: TimeZone::Wib,
            week: (1..=4).map(day_of).collect(),
            holidays: BTreeMap::new(),
            special: vec![],
        };
        let office = WorkCalendar::try_from(plan).unwrap();
        // A Thursday: the next working day is Monday.
        assert_eq!(office.add_working_minutes(at("2026-11-26 15:30"), 240), at("2026-11-30 11:30"));
    }

    #[test]
    fn breaks_weekends_and_holidays_do_not_count() {
        let office = office();
        // Over the Friday break.
        assert_eq!(office.add_working_minutes(at("2026-11-27 11:00"), 60), at("2026-11-27 13:30"));
        // From Thursday evening over Christmas and the weekend.
        assert_eq!(office.add_working_minutes(at("2026-12-24 18:00"), 30), at("2026-12-28 08:00"));
        assert_eq!(office.add_working_days(day("2026-12-24"), 1), day("2026-12-28"));
        assert_eq!(office.working_days_between(day("2026-12-24"), day("2026-12-28")), 1);
        assert_eq!(office.end_of_day(day("2026-12-28")), at("2026-12-28 16:00"));
        assert!(
            !office.is_working_time(at("2026-12-25 09:00"))
                && !office.is_working_time(at("2026-12-28 12:00"))
        );
        assert!(office.is_working_time(at("2026-12-28 07:30")));
    }

    #[test]
    fn the_time_zone_moves_the_working_day() {
        let east = WorkCalendar::five_days(TimeZone::Wit);
        // 07:30 WIT is 05:30 WIB.
        assert_eq!(east.add_working_minutes(at("2026-11-26 00:00"), 1), at("2026-11-26 05:31"));
    }

    #[test]
    fn ramadan_has_hours_of_its_own() {
        let short = vec![Period { from: 480, to: 720 }, Period { from: 750, to: 900 }];
        let ramadan = SpecialHours {
            from: day("2026-02-18"),
            to: day("2026-03-19"),
            name: "Ramadan".to_owned(),
            week: (1..=5).map(|weekday| (weekday, short.clone())).collect(),
        };
        let office = WorkCalendar::five_days(TimeZone::Wib).with_special_hours(vec![ramadan]).unwrap();
        assert_eq!(office.end_of_day(day("2026-02-17")), at("2026-02-17 16:00"));
        assert_eq!(office.end_of_day(day("2026-02-18")), at("2026-02-18 15:00"));
        // From the last usual day into the month.
        assert_eq!(office.add_working_minutes(at("2026-02-17 15:30"), 60), at("2026-02-18 08:30"));
        let text = serde_json::to_string(&office).unwrap();
        assert_eq!(serde_json::from_str::<WorkCalendar>(&text).unwrap(), office);
    }

    #[test]
    fn weeks_that_would_never_end_are_refused() {
        let plan = |week| Plan { zone: TimeZone::Wib, week, holidays: BTreeMap::new(), special: vec![] };
        let check = |week| WorkCalendar::try_from(plan(week)).unwrap_err();
        assert_eq!(check(BTreeMap::new()), CalendarError::NoWorkingTime);
        assert_eq!(check([(1, vec![])].into()), CalendarError::NoWorkingTime);
        assert_eq!(check([(8, vec![])].into()), CalendarError::Weekday(8));
        assert_eq!(check([(1, vec![Period { from: 600, to: 600 }])].into()), CalendarError::Periods(1));
        let overlap = vec![Period { from: 480, to: 720 }, Period { from: 700, to: 900 }];
        assert_eq!(check([(2, overlap)].into()), CalendarError::Periods(2));
        assert!(serde_json::from_str::<WorkCalendar>(r#"{"zone":"WIB","week":{}}"#).is_err());
    }

    prop_compose! {
        fn any_calendar()(zone in prop_oneof![Just(TimeZone::Wib), Just(TimeZone::Wita), Just(TimeZone::Wit)],
                          six in any::<bool>(), free in prop::collection::btree_set(0_u64..400, 0..30)) -> WorkCalendar {
            let first: NaiveDate = "2026-01-01".parse().unwrap();
            let week = if six { WorkCalendar::six_days(zone) } else { WorkCalendar::five_days(zone) };
            week.with_holidays(free.into_iter().map(|days| (first + Days::new(days), "libur".to_owned())))
        }
    }

    proptest! {
        #[test]
        fn adding_and_counting_minutes_are_inverse(calendar in any_calendar(), start in 0_i64..31_536_000, minutes in 0_u32..20_000) {
            let from = at("2026-01-01 00:00") + TimeDelta::seconds(start);
            let to = calendar.add_working_minutes(from, minutes);
            prop_assert!(to >= from);
            prop_assert_eq!(calendar.working_minutes_between(from, to), minutes);
            // It is the first such moment.
            if minutes > 0 {
                prop_assert!(calendar.working_time_between(from, to - TimeDelta::seconds(1)) < TimeDelta::minutes(i64::from(minutes)));
            }
        }

        #[test]
        fn adding_and_counting_days_are_inverse(calendar in any_calendar(), start in 0_u64..365, days in 0_u32..60) {
            let from = day("2026-01-01") + Days::new(start);
            let to = calendar.add_working_days(from, days);
            prop_assert_eq!(calendar.working_days_between(from, to), days);
            prop_assert!(days == 0 || calendar.is_working_day(to));
        }

        #[test]
        fn time_adds_up(calendar in any_calendar(), a in 0_i64..10_000_000, b in 0_i64..10_000_000, c in 0_i64..10_000_000) {
            let mut moments = [a, b, c].map(|seconds| at("2026-01-01 00:00") + TimeDelta::seconds(seconds));
            moments.sort();
            let [a, b, c] = moments;
            prop_assert_eq!(
                calendar.working_time_between(a, b) + calendar.working_time_between(b, c),
                calendar.working_time_between(a, c)
            );
        }
    }
}

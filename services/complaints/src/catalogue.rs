//! What ships with the suite: the deadlines table with the confidence of each source, and the free days and Ramadan hours
//! of the national calendar. An installation corrects both by later rows and versions.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::NaiveDate;
use mpp_kit::calendar::{Period, SpecialHours, WorkCalendar};
use mpp_kit::zone::TimeZone;
use serde::Deserialize;

use crate::domain::DeadlineId;
use crate::domain::deadline::{Confidence, Deadline, Unit};
use crate::domain::words::{Class, ClockKind, Rung};

const DEADLINES: &str = include_str!("data/deadlines.json");
const HOLIDAYS: &str = include_str!("data/holidays.json");
/// The first date of the shipped rows.
const SINCE: (i32, u32, u32) = (2026, 1, 1);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    key: String,
    clock: Option<ClockKind>,
    class: Option<Class>,
    value: u32,
    unit: Unit,
    source: String,
    confidence: Confidence,
    note: String,
    #[serde(default)]
    ladder: BTreeMap<String, Rung>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Holidays {
    free_days: Vec<(NaiveDate, String)>,
    ramadan: Ramadan,
}

#[derive(Deserialize)]
struct Ramadan {
    from: NaiveDate,
    to: NaiveDate,
    name: String,
    usual: Vec<(u16, u16)>,
    friday: Vec<(u16, u16)>,
}

/// The deadlines table as it ships.
///
/// # Errors
/// When the shipped data is damaged.
pub(crate) fn deadlines() -> anyhow::Result<Vec<Deadline>> {
    let rows: Vec<Row> = serde_json::from_str(DEADLINES).context("the shipped deadlines")?;
    let since = NaiveDate::from_ymd_opt(SINCE.0, SINCE.1, SINCE.2).context("a date")?;
    rows.into_iter()
        .map(|row| {
            let ladder = row
                .ladder
                .into_iter()
                .map(|(percent, rung)| Ok((percent.parse().context("a percentage")?, rung)))
                .collect::<anyhow::Result<_>>()?;
            Ok(Deadline {
                id: DeadlineId::generate(),
                key: row.key,
                clock: row.clock,
                class: row.class,
                kind: String::new(),
                value: row.value,
                unit: row.unit,
                source: row.source,
                confidence: row.confidence,
                note: row.note,
                valid_from: since,
                valid_to: None,
                signed_off_by: None,
                signed_off_at: None,
                ladder,
            })
        })
        .collect()
}

/// The calendar of a regency as it ships: five days, national free days, Ramadan hours.
///
/// # Errors
/// When the shipped data is damaged.
pub(crate) fn calendar(zone: TimeZone) -> anyhow::Result<WorkCalendar> {
    let holidays: Holidays = serde_json::from_str(HOLIDAYS).context("the shipped free days")?;
    let periods = |spans: &[(u16, u16)]| {
        spans.iter().map(|(from, to)| Period { from: *from, to: *to }).collect::<Vec<_>>()
    };
    let ramadan = &holidays.ramadan;
    let mut week: BTreeMap<u8, Vec<Period>> =
        (1..=4).map(|weekday| (weekday, periods(&ramadan.usual))).collect();
    week.insert(5, periods(&ramadan.friday));
    let special = SpecialHours { from: ramadan.from, to: ramadan.to, name: ramadan.name.clone(), week };
    Ok(WorkCalendar::five_days(zone).with_holidays(holidays.free_days).with_special_hours(vec![special])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_40_the_table_ships_with_source_and_confidence_of_each_row() {
        let rows = deadlines().unwrap();
        for at in 1..=22 {
            let row = rows.iter().find(|it| it.key == format!("D{at}")).expect("a row");
            assert!(!row.source.is_empty() && row.value > 0, "{}", row.key);
        }
        let clocks = [
            ClockKind::Verify,
            ClockKind::Accept,
            ClockKind::FirstAnswer,
            ClockKind::Settle,
            ClockKind::Reaction,
        ];
        for clock in clocks {
            assert!(rows.iter().any(|it| it.clock == Some(clock) && !it.ladder.is_empty()), "{clock}");
        }
        assert!(rows.iter().all(Deadline::is_unverified), "nobody has vouched for a shipped row");
    }

    #[test]
    fn c_35_free_days_and_ramadan_hours_are_data() {
        let calendar = calendar(TimeZone::Wita).unwrap();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert!(!calendar.is_working_day(day("2026-12-24")) && !calendar.is_working_day(day("2026-08-17")));
        assert_eq!(calendar.periods(day("2026-02-19")).len(), 2);
        assert_eq!(calendar.periods(day("2026-02-19"))[1].to, 900);
        assert_eq!(calendar.periods(day("2026-04-06"))[1].to, 960);
    }
}

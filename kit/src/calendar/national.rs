//! The national calendar that ships with the suite: free days and the hours of Ramadan, as data. Islamic dates follow each
//! year's decision, so that an installation corrects it by calendars of its own.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use anyhow::{Context as _, anyhow};
use chrono::NaiveDate;
use serde::Deserialize;

use super::{Period, SpecialHours, TimeZone, WorkCalendar};

static NATIONAL: LazyLock<Result<Holidays, String>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/holidays.json")).map_err(|error| error.to_string())
});

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

/// Five days with the national free days (SKB 3 Menteri) and the hours of Ramadan.
///
/// # Errors
/// When the shipped data is damaged.
pub fn national(zone: TimeZone) -> anyhow::Result<WorkCalendar> {
    let holidays = NATIONAL.as_ref().map_err(|error| anyhow!("the shipped free days: {error}"))?;
    let periods = |spans: &[(u16, u16)]| {
        spans.iter().map(|(from, to)| Period { from: *from, to: *to }).collect::<Vec<_>>()
    };
    let ramadan = &holidays.ramadan;
    let mut week: BTreeMap<u8, Vec<Period>> =
        (1..=4).map(|weekday| (weekday, periods(&ramadan.usual))).collect();
    week.insert(5, periods(&ramadan.friday));
    let special = SpecialHours { from: ramadan.from, to: ramadan.to, name: ramadan.name.clone(), week };
    WorkCalendar::five_days(zone)
        .with_holidays(holidays.free_days.iter().cloned())
        .with_special_hours(vec![special])
        .context("the shipped hours of Ramadan")
}

//! What ships with the suite: the deadlines table with the confidence of each source. An installation corrects it by later rows.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::domain::DeadlineId;
use crate::domain::deadline::{Confidence, Deadline, Unit};
use crate::domain::words::{Class, ClockKind, Rung};

const DEADLINES: &str = include_str!("data/deadlines.json");
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
        let calendar = mpp_kit::calendar::national(mpp_kit::zone::TimeZone::Wita).unwrap();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert!(!calendar.is_working_day(day("2026-12-24")) && !calendar.is_working_day(day("2026-08-17")));
        assert_eq!(calendar.periods(day("2026-02-19")).len(), 2);
        assert_eq!(calendar.periods(day("2026-02-19"))[1].to, 900);
        assert_eq!(calendar.periods(day("2026-04-06"))[1].to, 960);
    }
}

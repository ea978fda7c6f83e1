//! Calendars: when offices work. A form writes days and hours as lines of text.

use mpp_proto::complaints::v1::{
    ApplyCalendarRequest, CalendarVersion, FreeDay, ListCalendarsRequest, SpecialHours, WorkingPeriod,
};
use tonic::Status;

use super::{Apply, Loaded, Look, Part, Refused, inputs::Maker};
use crate::web::{
    fields::Input,
    form::Sent,
    moment,
    visit::{Visit, every},
    words,
};

pub(super) async fn load(look: &Look<'_>) -> Result<Loaded, Status> {
    let all = every!(
        look.visit,
        Some(look.viewer),
        look.state.complaints,
        list_calendars(ListCalendarsRequest { calendar: String::new() }).calendars
    )
    .await?;
    let t = look.t();
    let mut values = Sent::default();
    values.set("zona", "WIB");
    // The newest version comes first.
    if let Some(one) = all.iter().find(|one| one.id == look.asked) {
        for (name, value) in [
            ("kode", one.id.clone()),
            ("zona", one.zone.clone()),
            ("jam_kerja", week_lines(&one.periods).join("\n")),
            (
                "hari_libur",
                one.free_days
                    .iter()
                    .map(|day| format!("{} {}", day.date, day.name))
                    .collect::<Vec<_>>()
                    .join("\n"),
            ),
            ("jam_khusus", one.special_hours.iter().map(special_line).collect::<Vec<_>>().join("\n")),
        ] {
            values.set(name, value);
        }
    }
    let row = |one: &CalendarVersion| {
        let facts = vec![
            one.zone.clone(),
            week_lines(&one.periods).join("; "),
            t.say("rules.free_days", &[("n", &one.free_days.len())]),
            moment::day(one.created_at, look.zone, look.visit.language),
        ];
        let title = format!("{} · {} {}", one.id, t["types.version"], one.version);
        let mut row = look.row(Part::Calendar, &one.id, title, facts);
        if is_short(&one.free_days_until, &one.counted_until) {
            row.chips.push((t["rules.unwritten"].clone(), "warn"));
            row.facts.push(unwritten(&one.free_days_until, &one.counted_until, look.visit));
        }
        row
    };
    Ok(Loaded { rows: all.iter().map(row).collect(), values })
}

/// Whether clocks that begin now fall due after the free days end: dates are ordered as text.
fn is_short(free_days_until: &str, counted_until: &str) -> bool {
    free_days_until < counted_until
}

/// What that means, in words.
pub(crate) fn unwritten(free_days_until: &str, counted_until: &str, visit: &Visit) -> String {
    let t = visit.words();
    let date = |day: &str| words::date(day, visit.language);
    match free_days_until {
        "" => t.say("rules.unwritten_all", &[("due", &date(counted_until))]),
        until => t.say("rules.unwritten_from", &[("until", &date(until)), ("due", &date(counted_until))]),
    }
}

pub(super) fn inputs(make: &Maker<'_>) -> Vec<Input> {
    vec![
        make.line("kode", true, 60),
        make.listed("zona", "select", true, "zone", &["WIB", "WITA", "WIT"]),
        make.area("jam_kerja", true, 1_000),
        make.area("hari_libur", false, 10_000),
        make.area("jam_khusus", false, 5_000),
    ]
}

/// The input that a field of the request stands for.
pub(super) fn input_of(field: &str) -> &'static str {
    match field {
        "id" => "kode",
        "zone" => "zona",
        "periods" => "jam_kerja",
        "free_days" => "hari_libur",
        "special_hours" => "jam_khusus",
        _ => "",
    }
}

/// Saves; answers how many running clocks were counted anew.
pub(super) async fn save(apply: &Apply<'_>) -> Result<i64, Refused> {
    let days = apply.lines("jam_kerja", "rules.bad_hours", working_day)?;
    let calendar = CalendarVersion {
        id: apply.text("kode"),
        zone: apply.text("zona"),
        periods: days.into_iter().flatten().collect(),
        free_days: apply.lines("hari_libur", "rules.bad_day", free_day)?,
        special_hours: apply.lines("jam_khusus", "rules.bad_special", special_hours)?,
        ..CalendarVersion::default()
    };
    let request = ApplyCalendarRequest { request_id: apply.request_id.clone(), calendar: Some(calendar) };
    let answer = apply.service().apply_calendar(apply.call(request)).await?;
    Ok(answer.into_inner().recounted)
}

/// `1 08:00-12:00 13:00-16:00`: a weekday from 1 Monday to 7 Sunday with its hours.
fn working_day(line: &str) -> Option<Vec<WorkingPeriod>> {
    let mut parts = line.split_whitespace();
    let weekday: u32 = parts.next()?.parse().ok().filter(|day| (1..=7).contains(day))?;
    let periods: Option<Vec<WorkingPeriod>> = parts
        .map(|span| {
            let (from, to) = span.split_once('-')?;
            let is_time = |time: &str| time.len() == 5 && time.as_bytes()[2] == b':';
            (is_time(from) && is_time(to)).then(|| WorkingPeriod {
                weekday,
                from: from.to_owned(),
                to: to.to_owned(),
            })
        })
        .collect();
    periods.filter(|periods| !periods.is_empty())
}

/// The hours of a week, a line for each weekday.
fn week_lines(periods: &[WorkingPeriod]) -> Vec<String> {
    (1..=7)
        .filter_map(|day| {
            let spans: Vec<String> = periods
                .iter()
                .filter(|period| period.weekday == day)
                .map(|period| format!("{}-{}", period.from, period.to))
                .collect();
            (!spans.is_empty()).then(|| format!("{day} {}", spans.join(" ")))
        })
        .collect()
}

fn is_date(text: &str) -> bool {
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// `2026-12-25 Hari Natal`.
fn free_day(line: &str) -> Option<FreeDay> {
    let (date, name) = line.split_once(char::is_whitespace)?;
    is_date(date).then(|| FreeDay { date: date.to_owned(), name: name.trim().to_owned() })
}

/// `2026-02-18..2026-03-19 Ramadan: 1 08:00-15:00; 2 08:00-15:00`.
fn special_hours(line: &str) -> Option<SpecialHours> {
    let (span, rest) = line.split_once(char::is_whitespace)?;
    let (from, to) = span.split_once("..")?;
    let (name, hours) = rest.split_once(": ")?;
    let days: Option<Vec<Vec<WorkingPeriod>>> = hours.split(';').map(|day| working_day(day.trim())).collect();
    (is_date(from) && is_date(to)).then_some(SpecialHours {
        from: from.to_owned(),
        to: to.to_owned(),
        name: name.trim().to_owned(),
        periods: days?.into_iter().flatten().collect(),
    })
}

fn special_line(special: &SpecialHours) -> String {
    let hours = week_lines(&special.periods).join("; ");
    format!("{}..{} {}: {hours}", special.from, special.to, special.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_calendar_are_read_as_they_are_written() {
        let week = "1 08:00-12:00 13:00-16:00\n5 08:00-11:30 13:30-16:30";
        let periods: Vec<WorkingPeriod> = week.lines().filter_map(working_day).flatten().collect();
        assert_eq!(periods.len(), 4);
        assert_eq!(week_lines(&periods).join("\n"), week);
        assert!(is_short("2026-12-31", "2027-02-03") && is_short("", "2027-02-03"));
        assert!(!is_short("2027-12-31", "2027-02-03") && !is_short("", ""), "also of a version before");
        let ramadan = "2026-02-18..2026-03-19 Ramadan: 1 08:00-15:00; 5 08:00-15:30";
        assert_eq!(special_line(&special_hours(ramadan).expect("a line")), ramadan);
        for wrong in ["8 08:00-12:00", "1", "1 8-12", "Senin 08:00-12:00"] {
            assert_eq!(working_day(wrong), None, "{wrong}");
        }
        for wrong in ["2026-02-30 Libur", "besok", "25-12-2026 Natal"] {
            assert_eq!(free_day(wrong), None, "{wrong}");
        }
    }
}

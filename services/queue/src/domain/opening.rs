//! When tickets are issued: opening hours, holidays, closures, in the time zone of the hall.

use chrono::{Datelike, Days, NaiveDateTime, Timelike};

use super::hall::{Agency, Calendar, Hall, Window};

/// Whether an agency takes visitors at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// It does.
    Open,
    /// It does not at this hour; the next window of today opens at this minute of the day, if there is one.
    OutsideHours {
        /// Minutes since local midnight.
        next: Option<u16>,
    },
    /// The hall keeps a holiday with this name.
    Holiday(String),
    /// The agency is closed today for this reason.
    Closure(String),
}

/// Whether `agency` takes visitors when the wall clock of the hall shows `local`.
#[must_use]
pub fn opening(hall: &Hall, agency: &Agency, local: NaiveDateTime) -> Opening {
    if hall.calendar == Calendar::Demo {
        return Opening::Open;
    }
    if let Some(holiday) = hall.holidays.iter().find(|holiday| holiday.date == local.date()) {
        return Opening::Holiday(holiday.name.clone());
    }
    if let Some(closure) = agency.closures.iter().find(|closure| closure.date == local.date())
        && closure.windows.is_empty()
    {
        return Opening::Closure(closure.reason.clone());
    }
    // Minutes of a day are below 1440.
    let minute = u16::try_from(local.hour() * 60 + local.minute()).unwrap_or(u16::MAX);
    let windows = windows_on(hall, agency, local.date());
    if windows.iter().any(|window| window.from <= minute && minute < window.to) {
        Opening::Open
    } else {
        Opening::OutsideHours { next: windows.iter().map(|window| window.from).find(|from| *from > minute) }
    }
}

/// Days that are looked through for the next opening, today included.
const LOOK_AHEAD: u64 = 15;

/// When `agency` takes visitors next, seen from the wall clock `local` and in its time. None while it does, and when no
/// day of the next two weeks has hours.
#[must_use]
pub fn next_opening(hall: &Hall, agency: &Agency, local: NaiveDateTime) -> Option<NaiveDateTime> {
    if opening(hall, agency, local) == Opening::Open {
        return None;
    }
    (0..LOOK_AHEAD).find_map(|days| {
        let date = local.date().checked_add_days(Days::new(days))?;
        let openings = windows_on(hall, agency, date).iter().filter_map(|window| {
            date.and_hms_opt(u32::from(window.from / 60), u32::from(window.from % 60), 0)
        });
        openings.filter(|opening| *opening > local).min()
    })
}

/// The windows of `agency` on a date; empty when it is closed all day.
#[must_use]
pub fn windows_on<'a>(hall: &Hall, agency: &'a Agency, date: chrono::NaiveDate) -> &'a [Window] {
    if hall.holidays.iter().any(|holiday| holiday.date == date) {
        return &[];
    }
    if let Some(closure) = agency.closures.iter().find(|closure| closure.date == date) {
        return &closure.windows;
    }
    let weekday = u8::try_from(date.weekday().number_from_monday()).unwrap_or(0);
    agency.hours.get(&weekday).map_or(&[], Vec::as_slice)
}

/// A minute of the day as `HH:MM`.
#[must_use]
pub fn clock_face(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

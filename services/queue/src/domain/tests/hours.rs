//! When tickets are issued: several windows, the Friday break, holidays, closures, three time zones, midnight.

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, TimeDelta};
use proptest::prelude::*;

use super::world::{World, agency, at, monday, simple};
use crate::domain::decide::Order;
use crate::domain::hall::{Calendar, Closure, Hall, Holiday, TimeZone, Window};
use crate::domain::opening::{Opening, next_opening, opening, windows_on};
use crate::domain::rejection::{IntakeClosed, Rejection};

const fn window(from: u16, to: u16) -> Window {
    Window { from: from / 100 * 60 + from % 100, to: to / 100 * 60 + to % 100 }
}

/// Monday to Thursday 08:00–12:00 and 13:00–15:30, Friday with the long break, Saturday morning, a holiday, a closure
/// and a short day.
fn office() -> Hall {
    let mut hall = simple();
    let agency = &mut hall.agencies[0];
    agency.hours = (1..=4).map(|day| (day, vec![window(800, 1200), window(1300, 1530)])).collect();
    agency.hours.insert(5, vec![window(800, 1130), window(1330, 1530)]);
    agency.hours.insert(6, vec![window(900, 1100)]);
    agency.closures = vec![
        Closure { date: date("2026-03-04"), windows: Vec::new(), reason: "rapat kerja".to_owned() },
        Closure {
            date: date("2026-03-05"),
            windows: vec![window(1000, 1100)],
            reason: "pelatihan".to_owned(),
        },
    ];
    hall.holidays = vec![Holiday { date: date("2026-03-19"), name: "Nyepi".to_owned() }];
    hall
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn local(text: &str) -> NaiveDateTime {
    text.parse().expect("a wall clock")
}

fn minutes(hhmm: u16) -> u16 {
    hhmm / 100 * 60 + hhmm % 100
}

#[test]
fn windows_breaks_holidays_and_closures() {
    let hall = office();
    let open = |text: &str| opening(&hall, &hall.agencies[0], local(text));
    let outside = |next: Option<u16>| Opening::OutsideHours { next: next.map(minutes) };
    for (text, expected) in [
        ("2026-03-02T07:59:59", outside(Some(800))),
        ("2026-03-02T08:00:00", Opening::Open),
        ("2026-03-02T11:59:59", Opening::Open),
        ("2026-03-02T12:00:00", outside(Some(1300))),
        ("2026-03-02T13:00:00", Opening::Open),
        ("2026-03-02T15:29:59", Opening::Open),
        ("2026-03-02T15:30:00", outside(None)),
        // Friday: the break is longer, and begins earlier.
        ("2026-03-06T11:29:59", Opening::Open),
        ("2026-03-06T11:30:00", outside(Some(1330))),
        ("2026-03-06T13:29:59", outside(Some(1330))),
        ("2026-03-06T13:30:00", Opening::Open),
        ("2026-03-07T09:00:00", Opening::Open),
        ("2026-03-07T11:00:00", outside(None)),
        // Sunday has no entry.
        ("2026-03-08T10:00:00", outside(None)),
        ("2026-03-04T10:00:00", Opening::Closure("rapat kerja".to_owned())),
        // A closure with windows is a day with other hours.
        ("2026-03-05T09:00:00", outside(Some(1000))),
        ("2026-03-05T10:30:00", Opening::Open),
        ("2026-03-05T11:00:00", outside(None)),
        ("2026-03-19T10:00:00", Opening::Holiday("Nyepi".to_owned())),
    ] {
        assert_eq!(open(text), expected, "{text}");
    }
    let next = |text: &str| next_opening(&hall, &hall.agencies[0], local(text));
    for (text, expected) in [
        ("2026-03-02T07:00:00", Some("2026-03-02T08:00:00")),
        ("2026-03-02T09:00:00", None),
        ("2026-03-02T12:10:00", Some("2026-03-02T13:00:00")),
        // Over the closed Wednesday to the Thursday with other hours.
        ("2026-03-03T16:00:00", Some("2026-03-05T10:00:00")),
        // Over Saturday noon and Sunday.
        ("2026-03-07T11:00:00", Some("2026-03-09T08:00:00")),
        ("2026-03-19T10:00:00", Some("2026-03-20T08:00:00")),
    ] {
        assert_eq!(next(text), expected.map(local), "{text}");
    }
    let mut never = hall.clone();
    never.agencies[0].hours.clear();
    never.agencies[0].closures.clear();
    assert_eq!(next_opening(&never, &never.agencies[0], local("2026-03-02T09:00:00")), None);
    assert_eq!(windows_on(&hall, &hall.agencies[0], date("2026-03-19")), []);
    assert_eq!(windows_on(&hall, &hall.agencies[0], date("2026-03-06")).len(), 2);
}

#[test]
fn the_demo_calendar_is_always_open() {
    let hall = Hall { calendar: Calendar::Demo, ..office() };
    for text in ["2026-03-19T03:00:00", "2026-03-08T23:59:59", "2026-03-04T00:00:00"] {
        assert_eq!(opening(&hall, &hall.agencies[0], local(text)), Opening::Open, "{text}");
    }
}

#[test]
fn the_same_moment_is_another_date_in_another_zone() {
    // 15:30 UTC on 2 March: 22:30 WIB, 23:30 WITA, 00:30 WIT of the next day.
    for (zone, expected) in
        [(TimeZone::Wib, "2026-03-02"), (TimeZone::Wita, "2026-03-02"), (TimeZone::Wit, "2026-03-03")]
    {
        let mut world = World::new(Hall { time_zone: zone, ..simple() });
        world.now = at("2026-03-02T15:30:00Z");
        world.order(Order::OpenDay).expect("the day opens");
        assert_eq!(world.fold.day().expect("a day").date, date(expected), "{zone}");
        world.open_counter(super::world::counter_id(1)).expect("open");
        let ticket = world.issue(1);
        assert_eq!(world.ticket(ticket).date, date(expected));
    }
}

#[test]
fn a_day_that_nobody_closed_gives_no_numbers_after_midnight() {
    for (zone, midnight) in [
        (TimeZone::Wib, "2026-03-02T17:00:00Z"),
        (TimeZone::Wita, "2026-03-02T16:00:00Z"),
        (TimeZone::Wit, "2026-03-02T15:00:00Z"),
    ] {
        let mut world = World::new(Hall { time_zone: zone, ..simple() });
        world.now = monday();
        world.order(Order::OpenDay).expect("the day opens");
        world.now = at(midnight) - TimeDelta::seconds(1);
        world.issue(1);
        world.now = at(midnight);
        assert_eq!(world.issue_new(|_| {}), Err(Rejection::IntakeClosed(IntakeClosed::DayNotOpen)), "{zone}");
        // The next day closes the one before and begins with the first number.
        let events = world.order(Order::OpenDay).expect("the next day opens");
        assert_eq!(events.len(), 3, "one ticket expired, one day closed, one opened");
        let ticket = world.issue(1);
        assert_eq!(
            (world.ticket(ticket).number.as_str(), world.ticket(ticket).date),
            ("A001", date("2026-03-03"))
        );
    }
}

#[test]
fn a_clock_that_was_set_back_does_not_open_yesterday_again() {
    let mut world = World::open(simple());
    world.issue(1);
    world.now -= TimeDelta::days(1);
    let events = world.order(Order::OpenDay);
    assert!(events.as_ref().map_or(true, Vec::is_empty), "the later day stays: {events:?}");
    assert_eq!(world.fold.day().map(|day| (day.date, day.is_open())), Some((date("2026-03-02"), true)));
}

#[test]
fn the_demo_calendar_runs_ahead() {
    let mut world = World::new(Hall { calendar: Calendar::Demo, ..simple() });
    for expected in ["2026-03-02", "2026-03-03", "2026-03-04"] {
        world.order(Order::OpenDay).expect("the day opens");
        assert_eq!(world.fold.day().expect("a day").date, date(expected));
        let ticket = world.issue_new(|_| {}).expect("always open");
        assert_eq!(world.ticket(ticket).number, "A001");
        world.order(Order::CloseDay { date: None }).expect("the day closes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Open exactly in the windows of the date, at any minute of two months.
    #[test]
    fn open_means_within_a_window(day in 0..60_i64, minute in 0..1440_u16) {
        let hall = office();
        let date = date("2026-02-01") + TimeDelta::days(day);
        let local = date.and_hms_opt(u32::from(minute) / 60, u32::from(minute) % 60, 17).expect("a time");
        let within = windows_on(&hall, &hall.agencies[0], date).iter().any(|window| (window.from..window.to).contains(&minute));
        let open = opening(&hall, &hall.agencies[0], local);
        prop_assert_eq!(open == Opening::Open, within);
        if date.weekday().number_from_monday() == 7 {
            prop_assert!(open != Opening::Open);
        }
        if let Opening::OutsideHours { next: Some(next) } = open {
            prop_assert!(next > minute);
        }
    }

    /// The wall clock and back, in every zone.
    #[test]
    fn zones_are_whole_hours_ahead(seconds in 1_700_000_000_i64..1_900_000_000) {
        let moment = chrono::DateTime::from_timestamp(seconds, 0).expect("a moment");
        for (zone, hours) in [(TimeZone::Wib, 7), (TimeZone::Wita, 8), (TimeZone::Wit, 9)] {
            prop_assert_eq!(zone.moment(zone.local(moment)), moment);
            prop_assert_eq!(zone.local(moment) - moment.naive_utc(), TimeDelta::hours(hours));
            prop_assert_eq!(i64::from(zone.fixed().local_minus_utc()), hours * 3600);
        }
    }
}

#[test]
fn hours_apply_per_agency() {
    let mut hall = super::world::two_agencies();
    hall.agencies[1] = agency(2, 2);
    hall.agencies[1].hours.clear();
    let mut world = World::open(hall);
    world.issue(1);
    let refused = world.issue_new(|new| new.service = super::world::service_id(3));
    assert_eq!(refused, Err(Rejection::IntakeClosed(IntakeClosed::OutsideHours { next: None })));
}

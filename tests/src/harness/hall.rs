//! The hall of the tests: two agencies with three services each, four counters, two zones.
//!
//! | agency | services (series) | counters (zone) |
//! |---|---|---|
//! | `ALFA` | `A1` (A), `A2` (B), `A3` (C) | 1 (U), 2 (U) |
//! | `BETA` | `B1` (D), `B2` (E), `B3` (F) | 3 (S), 4 (S) |
//!
//! Each counter calls for every service of its agency. No quotas, no limits; three calls make a no-show.

use chrono::Weekday;
use mpp_proto::common::v1::TimeWindow;
use mpp_proto::queue::v1::{Agency, Calendar, Counter, DayHours, Hall, Series, Service, TimeZone, Zone};

/// The code of the hall.
pub const CODE: &str = "MPP-UJI";

/// The hall with a demo calendar: open whenever the test runs.
#[must_use]
pub fn demo() -> Hall {
    hall(Calendar::Demo)
}

/// The hall with real dates and hours, Monday to Friday 08:00–12:00 and 13:00–15:00 (Friday break 11:30–13:30), in WIB.
/// Its day is opened by hand.
#[must_use]
pub fn regular() -> Hall {
    hall(Calendar::Regular)
}

fn hall(calendar: Calendar) -> Hall {
    Hall {
        code: CODE.to_owned(),
        name: "MPP Uji".to_owned(),
        time_zone: TimeZone::Wib.into(),
        calendar: calendar.into(),
        zones: vec![zone("U", "Sayap Utara"), zone("S", "Sayap Selatan")],
        agencies: vec![agency("ALFA", "Dinas Alfa"), agency("BETA", "Dinas Beta")],
        services: [
            ("A1", "ALFA", "A"),
            ("A2", "ALFA", "B"),
            ("A3", "ALFA", "C"),
            ("B1", "BETA", "D"),
            ("B2", "BETA", "E"),
            ("B3", "BETA", "F"),
        ]
        .map(|(code, agency, prefix)| service(code, agency, prefix))
        .into(),
        counters: [("1", "ALFA", "U"), ("2", "ALFA", "U"), ("3", "BETA", "S"), ("4", "BETA", "S")]
            .map(|(number, agency, zone)| counter(number, agency, zone))
            .into(),
        ..Hall::default()
    }
}

fn zone(code: &str, name: &str) -> Zone {
    Zone { code: code.to_owned(), name: name.to_owned() }
}

fn agency(code: &str, name: &str) -> Agency {
    let usual = [("08:00", "12:00"), ("13:00", "15:00")];
    let friday = [("08:00", "11:30"), ("13:30", "15:00")];
    let hours =
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri].map(|weekday| DayHours {
            weekday: weekday.number_from_monday().cast_signed(),
            windows: if weekday == Weekday::Fri { friday } else { usual }
                .map(|(from, to)| TimeWindow { from: from.to_owned(), to: to.to_owned() })
                .into(),
        });
    Agency { code: code.to_owned(), name: name.to_owned(), hours: hours.into(), ..Agency::default() }
}

fn service(code: &str, agency: &str, prefix: &str) -> Service {
    Service {
        code: code.to_owned(),
        name: format!("Layanan {code}"),
        name_en: format!("Service {code}"),
        agency_code: agency.to_owned(),
        series: Some(Series { prefix: prefix.to_owned(), ..Series::default() }),
        promised_minutes: 10,
        requirements: vec!["KTP".to_owned()],
        ..Service::default()
    }
}

fn counter(number: &str, agency: &str, zone: &str) -> Counter {
    Counter {
        number: number.to_owned(),
        name: format!("Loket {number}"),
        agency_code: agency.to_owned(),
        zone_code: zone.to_owned(),
        ..Counter::default()
    }
}

/// The id of the service with this code.
///
/// # Panics
/// When the hall has none.
#[must_use]
pub fn service_id<'h>(hall: &'h Hall, code: &str) -> &'h str {
    &hall.services.iter().find(|it| it.code == code).unwrap_or_else(|| panic!("no service {code}")).id
}

/// The id of the agency with this code.
///
/// # Panics
/// When the hall has none.
#[must_use]
pub fn agency_id<'h>(hall: &'h Hall, code: &str) -> &'h str {
    &hall.agencies.iter().find(|it| it.code == code).unwrap_or_else(|| panic!("no agency {code}")).id
}

/// The id of the counter with this number.
///
/// # Panics
/// When the hall has none.
#[must_use]
pub fn counter_id<'h>(hall: &'h Hall, number: &str) -> &'h str {
    &hall.counters.iter().find(|it| it.number == number).unwrap_or_else(|| panic!("no counter {number}")).id
}

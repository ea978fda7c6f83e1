//! A hall as it is configured: zones, agencies, services, counters, hours.

use std::collections::{BTreeMap, HashMap};

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

pub use mpp_kit::zone::TimeZone;

use super::{AgencyId, CounterId, HallId, ServiceId};

/// Which calendar a hall keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Calendar {
    /// Real dates, opening hours and holidays.
    Regular,
    /// Always open; a day that was closed is followed by the next date at once.
    Demo,
}

/// A span of local time within a day, in minutes since midnight: `from` inclusive, `to` exclusive, at most 1440.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window {
    /// First minute.
    pub from: u16,
    /// First minute after.
    pub to: u16,
}

/// A part of the building with its own boards and its own sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// Short code, unique in the hall.
    pub code: String,
    /// Name on signs.
    pub name: String,
}

/// A date on which the hours of an agency differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closure {
    /// The date.
    pub date: NaiveDate,
    /// Windows instead of the usual ones; none means closed all day.
    pub windows: Vec<Window>,
    /// Why, for the citizen.
    pub reason: String,
}

/// A date on which the hall is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holiday {
    /// The date.
    pub date: NaiveDate,
    /// Its name.
    pub name: String,
}

/// An agency present in the hall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agency {
    /// Its id.
    pub id: AgencyId,
    /// Short code, unique in the hall.
    pub code: String,
    /// Full name.
    pub name: String,
    /// Opening windows by ISO weekday (1 Monday … 7 Sunday); a weekday without an entry is closed.
    pub hours: BTreeMap<u8, Vec<Window>>,
    /// Dates on which hours differ.
    pub closures: Vec<Closure>,
    /// How many calls that go ahead may pass over a waiting ticket before it is its turn; at least 1.
    pub priority_ratio: u32,
    /// Tickets per person and day, if limited.
    pub daily_limit_per_person: Option<u32>,
}

/// A series of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// 1 to 3 capital letters, unique per series in the hall.
    pub prefix: String,
    /// Digits, zero-padded.
    pub digits: u8,
    /// First number.
    pub first: u32,
    /// Last number; after it issuing is refused.
    pub last: u32,
}

impl Series {
    /// The number as it is printed and called: `A012`.
    #[must_use]
    pub fn number(&self, ordinal: u32) -> String {
        format!("{}{:0width$}", self.prefix, ordinal, width = usize::from(self.digits))
    }
}

/// Where a restored no-show stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestorePosition {
    /// Where it stood before.
    Original,
    /// Behind this many waiting tickets of its service.
    After(u32),
    /// Behind everybody.
    End,
}

/// A service that tickets are issued for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// Short code, unique in the hall.
    pub code: String,
    /// Name in Indonesian.
    pub name: String,
    /// Name in English; may be empty.
    pub name_en: String,
    /// The agency that gives it.
    pub agency: AgencyId,
    /// The numbers it gives.
    pub series: Series,
    /// Tickets per day, if limited.
    pub daily_quota: Option<u32>,
    /// Minutes promised in the standar pelayanan; also the first guess of estimates.
    pub promised_minutes: u32,
    /// Calls after which an absent visitor becomes a no-show; at least 1.
    pub max_calls: u32,
    /// Least time between two calls of the same ticket, in seconds.
    pub recall_gap_seconds: u32,
    /// Time in which an absent visitor's ticket is not called again, in seconds.
    pub no_show_cooldown_seconds: u32,
    /// Where a restored no-show stands.
    pub restore: RestorePosition,
    /// What to bring.
    pub requirements: Vec<String>,
    /// Given no longer.
    pub retired: bool,
}

/// A counter as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterPlan {
    /// Its id.
    pub id: CounterId,
    /// The number on the sign, unique in the hall.
    pub number: String,
    /// A longer name; may be empty.
    pub name: String,
    /// The agency that works there.
    pub agency: AgencyId,
    /// The zone it stands in, by code.
    pub zone: String,
    /// Services it can call for; all of the agency's when empty in the configuration, never empty here.
    pub services: Vec<ServiceId>,
}

/// A hall as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hall {
    /// Its id.
    pub id: HallId,
    /// Short code, unique in the installation.
    pub code: String,
    /// Full name.
    pub name: String,
    /// Its time zone.
    pub time_zone: TimeZone,
    /// Which calendar it keeps.
    pub calendar: Calendar,
    /// Parts of the building.
    pub zones: Vec<Zone>,
    /// Agencies present.
    pub agencies: Vec<Agency>,
    /// Services, in the order kiosks show them.
    pub services: Vec<Service>,
    /// Counters.
    pub counters: Vec<CounterPlan>,
    /// Dates on which the hall is closed.
    pub holidays: Vec<Holiday>,
    /// Local time at which the day opens by itself.
    pub day_opens_at: Option<NaiveTime>,
    /// Local time at which the day closes by itself.
    pub day_closes_at: Option<NaiveTime>,
    /// Minutes before an appointment from which it is due.
    pub appointment_early_minutes: u32,
    /// Minutes after an appointment until which it is due.
    pub appointment_late_minutes: u32,
}

/// Finds the parts of a hall by id in constant time.
#[derive(Debug, Clone, Default)]
pub struct HallIndex {
    agencies: HashMap<AgencyId, usize>,
    services: HashMap<ServiceId, usize>,
    counters: HashMap<CounterId, usize>,
}

impl HallIndex {
    /// The index of `hall`.
    #[must_use]
    pub fn of(hall: &Hall) -> Self {
        Self {
            agencies: hall.agencies.iter().enumerate().map(|(at, agency)| (agency.id, at)).collect(),
            services: hall.services.iter().enumerate().map(|(at, service)| (service.id, at)).collect(),
            counters: hall.counters.iter().enumerate().map(|(at, counter)| (counter.id, at)).collect(),
        }
    }

    /// The agency with this id.
    #[must_use]
    pub fn agency<'h>(&self, hall: &'h Hall, id: AgencyId) -> Option<&'h Agency> {
        self.agencies.get(&id).and_then(|at| hall.agencies.get(*at))
    }

    /// The service with this id.
    #[must_use]
    pub fn service<'h>(&self, hall: &'h Hall, id: ServiceId) -> Option<&'h Service> {
        self.services.get(&id).and_then(|at| hall.services.get(*at))
    }

    /// The counter with this id.
    #[must_use]
    pub fn counter<'h>(&self, hall: &'h Hall, id: CounterId) -> Option<&'h CounterPlan> {
        self.counters.get(&id).and_then(|at| hall.counters.get(*at))
    }
}

/// Why a configuration cannot be used. Each names the field in the public form of the hall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    /// Path of the field, such as `services[3].series`.
    pub field: String,
    /// What is wrong and what to do, in Indonesian.
    pub id: String,
    /// The same in English.
    pub en: String,
}

impl Hall {
    /// Everything that is wrong with the parts taken together: codes that stand twice, series that differ or overlap,
    /// windows out of order.
    #[must_use]
    pub fn defects(&self) -> Vec<Defect> {
        let mut defects = Vec::new();
        let mut note = |field: String, id: &str, en: &str| {
            defects.push(Defect { field, id: id.to_owned(), en: en.to_owned() })
        };
        duplicates(self.zones.iter().map(|zone| zone.code.as_str()), "zones", "code", &mut note);
        duplicates(self.agencies.iter().map(|agency| agency.code.as_str()), "agencies", "code", &mut note);
        duplicates(self.services.iter().map(|service| service.code.as_str()), "services", "code", &mut note);
        duplicates(
            self.counters.iter().map(|counter| counter.number.as_str()),
            "counters",
            "number",
            &mut note,
        );
        let mut series: HashMap<&str, &Series> = HashMap::new();
        for (at, service) in self.services.iter().enumerate() {
            let known = series.entry(service.series.prefix.as_str()).or_insert(&service.series);
            if *known != &service.series {
                note(
                    format!("services[{at}].series"),
                    "samakan seri dengan layanan lain yang memakai awalan ini",
                    "make the series equal to that of the other service with this prefix",
                );
            }
            if service.series.first == 0 || service.series.first > service.series.last {
                note(
                    format!("services[{at}].series"),
                    "nomor pertama harus 1 atau lebih dan tidak melewati nomor terakhir",
                    "the first number must be 1 or more and not above the last",
                );
            }
        }
        for (at, agency) in self.agencies.iter().enumerate() {
            for (day, windows) in &agency.hours {
                if !in_order(windows) {
                    note(
                        format!("agencies[{at}].hours[{day}].windows"),
                        "urutkan jam buka dan jangan tumpang tindih",
                        "put the windows in order, without overlap",
                    );
                }
            }
            for (nth, closure) in agency.closures.iter().enumerate() {
                if !in_order(&closure.windows) {
                    note(
                        format!("agencies[{at}].closures[{nth}].windows"),
                        "urutkan jam buka dan jangan tumpang tindih",
                        "put the windows in order, without overlap",
                    );
                }
            }
        }
        defects
    }
}

fn duplicates<'a>(
    codes: impl Iterator<Item = &'a str>,
    list: &str,
    field: &str,
    note: &mut impl FnMut(String, &str, &str),
) {
    let mut seen = std::collections::HashSet::new();
    for (at, code) in codes.enumerate() {
        if !seen.insert(code) {
            note(
                format!("{list}[{at}].{field}"),
                "pakai kode yang belum dipakai",
                "use a code that is not used yet",
            );
        }
    }
}

fn in_order(windows: &[Window]) -> bool {
    windows.iter().all(|window| window.from < window.to && window.to <= 1440)
        && windows.windows(2).all(|pair| pair[0].to <= pair[1].from)
}

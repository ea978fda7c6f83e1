//! Reading a configuration. Parts refer to each other by code; a part whose code is known keeps its id.
//!
//! What is wrong with one part alone is found here. What is wrong with the parts together is found by the rules
//! ([`Hall::defects`]). After a violation the hall that is answered is only good for finding more of them.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveTime;
use mpp_kit::check::Checker;
use mpp_proto::common::v1 as common;
use mpp_proto::queue::v1 as proto;

use crate::domain::hall::{
    Agency, Calendar, Closure, CounterPlan, Hall, Holiday, RestorePosition, Series, Service, TimeZone,
    Window, Zone,
};
use crate::domain::{AgencyId, CounterId, HallId, ServiceId};
use crate::rpc::input;

/// Parts of each kind at most.
const ZONES: usize = 100;
const AGENCIES: usize = 200;
const SERVICES: usize = 1000;
const COUNTERS: usize = 500;
const HOLIDAYS: usize = 1000;
const CLOSURES: usize = 1000;
/// Windows of a day, requirements of a service at most.
const LINES: usize = 50;
/// Characters of codes and names at most.
const CODE: usize = 40;
const NAME: usize = 160;
const MINUTES_OF_A_DAY: u16 = 1440;

/// Reads a configuration. `known` is the hall that has this code now.
pub(in crate::rpc) fn read(check: &mut Checker, hall: &proto::Hall, known: Option<&Hall>) -> Hall {
    let mut reader = Reader { check, known, agencies: HashMap::new(), services: Vec::new() };
    let zones = reader.zones(&hall.zones);
    let agencies = reader.agencies(&hall.agencies);
    let services = reader.services(&hall.services);
    let counters = reader.counters(&hall.counters, &zones);
    let check = reader.check;
    Hall {
        id: known.map_or_else(HallId::generate, |known| known.id),
        code: code(check, "hall.code", &hall.code),
        name: check.text("hall.name", &hall.name, 1, NAME),
        time_zone: time_zone(check, hall.time_zone),
        calendar: calendar(check, hall.calendar),
        zones,
        agencies,
        services,
        counters,
        holidays: holidays(check, &hall.holidays),
        day_opens_at: day_time(check, "hall.dayOpensAt", &hall.day_opens_at),
        day_closes_at: day_time(check, "hall.dayClosesAt", &hall.day_closes_at),
        appointment_early_minutes: setting(
            check,
            "hall.appointmentEarlyMinutes",
            hall.appointment_early_minutes,
            1440,
            15,
        ),
        appointment_late_minutes: setting(
            check,
            "hall.appointmentLateMinutes",
            hall.appointment_late_minutes,
            1440,
            15,
        ),
    }
}

/// The parts read so far, to which later ones refer.
struct Reader<'a> {
    check: &'a mut Checker,
    known: Option<&'a Hall>,
    agencies: HashMap<String, AgencyId>,
    /// Code, id and agency of each service.
    services: Vec<(String, ServiceId, AgencyId)>,
}

impl Reader<'_> {
    fn zones(&mut self, zones: &[proto::Zone]) -> Vec<Zone> {
        at_most(self.check, "hall.zones", zones, ZONES)
            .iter()
            .enumerate()
            .map(|(at, zone)| Zone {
                code: code(self.check, &format!("hall.zones[{at}].code"), &zone.code),
                name: self.check.text(&format!("hall.zones[{at}].name"), &zone.name, 1, NAME),
            })
            .collect()
    }

    fn agencies(&mut self, agencies: &[proto::Agency]) -> Vec<Agency> {
        at_most(self.check, "hall.agencies", agencies, AGENCIES)
            .iter()
            .enumerate()
            .map(|(at, agency)| self.agency(&format!("hall.agencies[{at}]"), agency))
            .collect()
    }

    fn agency(&mut self, path: &str, agency: &proto::Agency) -> Agency {
        let check = &mut *self.check;
        let code = code(check, &format!("{path}.code"), &agency.code);
        let known = self.known.and_then(|hall| hall.agencies.iter().find(|known| known.code == code));
        let id = known.map_or_else(AgencyId::generate, |known| known.id);
        self.agencies.insert(code.clone(), id);
        let limit =
            setting(check, &format!("{path}.dailyLimitPerPerson"), agency.daily_limit_per_person, 1000, 0);
        Agency {
            id,
            code,
            name: check.text(&format!("{path}.name"), &agency.name, 1, NAME),
            hours: hours(check, path, &agency.hours),
            closures: closures(check, path, &agency.closures),
            priority_ratio: setting(check, &format!("{path}.priorityRatio"), agency.priority_ratio, 100, 2),
            daily_limit_per_person: (limit > 0).then_some(limit),
        }
    }

    fn services(&mut self, services: &[proto::Service]) -> Vec<Service> {
        at_most(self.check, "hall.services", services, SERVICES)
            .iter()
            .enumerate()
            .map(|(at, service)| self.service(&format!("hall.services[{at}]"), service))
            .collect()
    }

    fn service(&mut self, path: &str, service: &proto::Service) -> Service {
        let agency = self.agency_id(&format!("{path}.agencyCode"), &service.agency_code);
        let check = &mut *self.check;
        let code = code(check, &format!("{path}.code"), &service.code);
        let known = self.known.and_then(|hall| hall.services.iter().find(|known| known.code == code));
        let id = known.map_or_else(ServiceId::generate, |known| known.id);
        self.services.push((code.clone(), id, agency));
        let quota = setting(check, &format!("{path}.dailyQuota"), service.daily_quota, 1_000_000, 0);
        Service {
            id,
            code,
            name: check.text(&format!("{path}.name"), &service.name, 1, NAME),
            name_en: check.text(&format!("{path}.nameEn"), &service.name_en, 0, NAME),
            agency,
            series: series(check, &format!("{path}.series"), service.series.as_ref()),
            daily_quota: (quota > 0).then_some(quota),
            promised_minutes: setting(
                check,
                &format!("{path}.promisedMinutes"),
                service.promised_minutes,
                1440,
                0,
            ),
            max_calls: setting(check, &format!("{path}.maxCalls"), service.max_calls, 100, 3),
            recall_gap_seconds: setting(
                check,
                &format!("{path}.recallGapSeconds"),
                service.recall_gap_seconds,
                3600,
                10,
            ),
            no_show_cooldown_seconds: setting(
                check,
                &format!("{path}.noShowCooldownSeconds"),
                service.no_show_cooldown_seconds,
                86_400,
                300,
            ),
            restore: restore(check, &format!("{path}.restoreAfter"), service.restore_after),
            requirements: at_most(check, &format!("{path}.requirements"), &service.requirements, LINES)
                .iter()
                .enumerate()
                .map(|(at, line)| check.text(&format!("{path}.requirements[{at}]"), line, 1, 200))
                .collect(),
            retired: service.retired,
        }
    }

    fn counters(&mut self, counters: &[proto::Counter], zones: &[Zone]) -> Vec<CounterPlan> {
        at_most(self.check, "hall.counters", counters, COUNTERS)
            .iter()
            .enumerate()
            .map(|(at, counter)| self.counter(&format!("hall.counters[{at}]"), counter, zones))
            .collect()
    }

    fn counter(&mut self, path: &str, counter: &proto::Counter, zones: &[Zone]) -> CounterPlan {
        let agency = self.agency_id(&format!("{path}.agencyCode"), &counter.agency_code);
        let services = self.services_of(path, counter, agency);
        let check = &mut *self.check;
        let number = check.text(&format!("{path}.number"), &counter.number, 1, 8);
        let known = self.known.and_then(|hall| hall.counters.iter().find(|known| known.number == number));
        let zone = counter.zone_code.trim().to_owned();
        // A hall that is not divided needs no zones.
        if zones.iter().all(|known| known.code != zone) && !(zone.is_empty() && zones.is_empty()) {
            unknown_code(check, &format!("{path}.zoneCode"), "zona", "zones");
        }
        CounterPlan {
            id: known.map_or_else(CounterId::generate, |known| known.id),
            number,
            name: check.text(&format!("{path}.name"), &counter.name, 0, NAME),
            agency,
            zone,
            services,
        }
    }

    /// The services a counter can call for: those it names, or all of its agency.
    fn services_of(&mut self, path: &str, counter: &proto::Counter, agency: AgencyId) -> Vec<ServiceId> {
        let of_agency = self.services.iter().filter(|service| service.2 == agency);
        if counter.service_codes.is_empty() {
            let all: Vec<ServiceId> = of_agency.map(|service| service.1).collect();
            if all.is_empty() {
                self.check.violation(
                    format!("{path}.serviceCodes"),
                    "REQUIRED",
                    "beri instansi loket ini sedikitnya satu layanan",
                    "give the agency of this counter at least one service",
                );
            }
            return all;
        }
        let mut services = Vec::new();
        for (at, code) in counter.service_codes.iter().enumerate() {
            match self.services.iter().find(|service| service.2 == agency && service.0 == code.trim()) {
                Some(service) if !services.contains(&service.1) => services.push(service.1),
                Some(_) => {}
                None => unknown_code(
                    self.check,
                    &format!("{path}.serviceCodes[{at}]"),
                    "layanan dari instansi loket ini",
                    "services of this counter's agency",
                ),
            }
        }
        services
    }

    fn agency_id(&mut self, field: &str, code: &str) -> AgencyId {
        match self.agencies.get(code.trim()) {
            Some(id) => *id,
            None => {
                unknown_code(self.check, field, "instansi", "agencies");
                AgencyId::generate()
            }
        }
    }
}

fn unknown_code(check: &mut Checker, field: &str, what_id: &str, what_en: &str) {
    check.violation(
        field,
        "UNKNOWN_CODE",
        format!("pakai salah satu kode {what_id} dalam konfigurasi ini"),
        format!("use one of the codes of the {what_en} in this configuration"),
    );
}

fn at_most<'l, T>(check: &mut Checker, field: &str, list: &'l [T], max: usize) -> &'l [T] {
    if list.len() > max {
        check.violation(
            field,
            "TOO_MANY",
            format!("kurangi sampai paling banyak {max}"),
            format!("give at most {max}"),
        );
    }
    &list[..list.len().min(max)]
}

/// A number from 0 to `max`, where 0 stands for `default`.
fn setting(check: &mut Checker, field: &str, value: i32, max: i32, default: u32) -> u32 {
    // What is out of range was noted; nothing is computed with it.
    match u32::try_from(check.range(field, value, 0, max)) {
        Ok(within) if within > 0 && value <= max => within,
        Ok(_) | Err(_) => default,
    }
}

fn code(check: &mut Checker, field: &str, text: &str) -> String {
    let code = check.text(field, text, 1, CODE);
    if !code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        check.violation(
            field,
            "INVALID_CODE",
            "pakai huruf, angka, titik, garis bawah, dan tanda hubung saja",
            "use letters, digits, dots, underscores and hyphens only",
        );
    }
    code
}

fn series(check: &mut Checker, path: &str, series: Option<&proto::Series>) -> Series {
    let series = series.cloned().unwrap_or_default();
    let prefix = series.prefix.trim().to_owned();
    if !(1..=3).contains(&prefix.len()) || !prefix.bytes().all(|byte| byte.is_ascii_uppercase()) {
        check.violation(
            format!("{path}.prefix"),
            "INVALID_PREFIX",
            "isi dengan 1 sampai 3 huruf besar",
            "give 1 to 3 capital letters",
        );
    }
    let digits = setting(check, &format!("{path}.digits"), series.digits, 6, 3);
    let nines = 10_u32.pow(digits) - 1;
    let last = i32::try_from(nines).unwrap_or(i32::MAX);
    Series {
        prefix,
        digits: u8::try_from(digits).unwrap_or(3),
        first: setting(check, &format!("{path}.first"), series.first, last, 1),
        last: setting(check, &format!("{path}.last"), series.last, last, nines),
    }
}

fn restore(check: &mut Checker, field: &str, after: i32) -> RestorePosition {
    match check.range(field, after, -1, 1000) {
        0 => RestorePosition::Original,
        after => u32::try_from(after).map_or(RestorePosition::End, RestorePosition::After),
    }
}

fn time_zone(check: &mut Checker, value: i32) -> TimeZone {
    match input::enumeration(check, "hall.timeZone", value) {
        Some(proto::TimeZone::Wib) | None => TimeZone::Wib,
        Some(proto::TimeZone::Wita) => TimeZone::Wita,
        Some(proto::TimeZone::Wit) => TimeZone::Wit,
        Some(proto::TimeZone::Unspecified) => {
            check.violation(
                "hall.timeZone",
                "REQUIRED",
                "pilih WIB, WITA, atau WIT",
                "choose WIB, WITA or WIT",
            );
            TimeZone::Wib
        }
    }
}

fn calendar(check: &mut Checker, value: i32) -> Calendar {
    match input::enumeration(check, "hall.calendar", value) {
        Some(proto::Calendar::Unspecified | proto::Calendar::Regular) | None => Calendar::Regular,
        Some(proto::Calendar::Demo) => Calendar::Demo,
    }
}

fn hours(check: &mut Checker, path: &str, days: &[proto::DayHours]) -> BTreeMap<u8, Vec<Window>> {
    let mut hours = BTreeMap::new();
    for (at, day) in at_most(check, &format!("{path}.hours"), days, 7).iter().enumerate() {
        let field = format!("{path}.hours[{at}]");
        let weekday = u8::try_from(check.range(&format!("{field}.weekday"), day.weekday, 1, 7)).unwrap_or(0);
        let windows = windows(check, &field, &day.windows);
        if hours.insert(weekday, windows).is_some() {
            check.violation(
                format!("{field}.weekday"),
                "DUPLICATE",
                "isi tiap hari sekali saja",
                "give each weekday once",
            );
        }
    }
    hours
}

fn closures(check: &mut Checker, path: &str, list: &[proto::Closure]) -> Vec<Closure> {
    let mut closures = Vec::new();
    for (at, closure) in at_most(check, &format!("{path}.closures"), list, CLOSURES).iter().enumerate() {
        let field = format!("{path}.closures[{at}]");
        let date = input::date(check, &format!("{field}.date"), &closure.date);
        let windows = windows(check, &field, &closure.windows);
        let reason = check.text(&format!("{field}.reason"), &closure.reason, 0, NAME);
        closures.extend(date.map(|date| Closure { date, windows, reason }));
    }
    closures
}

fn holidays(check: &mut Checker, list: &[proto::Holiday]) -> Vec<Holiday> {
    let mut holidays = Vec::new();
    for (at, holiday) in at_most(check, "hall.holidays", list, HOLIDAYS).iter().enumerate() {
        let date = input::date(check, &format!("hall.holidays[{at}].date"), &holiday.date);
        let name = check.text(&format!("hall.holidays[{at}].name"), &holiday.name, 1, NAME);
        holidays.extend(date.map(|date| Holiday { date, name }));
    }
    holidays
}

fn windows(check: &mut Checker, path: &str, list: &[common::TimeWindow]) -> Vec<Window> {
    let mut windows = Vec::new();
    for (at, window) in at_most(check, &format!("{path}.windows"), list, LINES).iter().enumerate() {
        let from = minute(check, &format!("{path}.windows[{at}].from"), &window.from, MINUTES_OF_A_DAY - 1);
        let to = minute(check, &format!("{path}.windows[{at}].to"), &window.to, MINUTES_OF_A_DAY);
        windows.extend(from.zip(to).map(|(from, to)| Window { from, to }));
    }
    windows
}

fn day_time(check: &mut Checker, field: &str, text: &str) -> Option<NaiveTime> {
    if text.is_empty() {
        return None;
    }
    let minute = minute(check, field, text, MINUTES_OF_A_DAY - 1)?;
    NaiveTime::from_hms_opt(u32::from(minute / 60), u32::from(minute % 60), 0)
}

/// The minute of the day that `HH:MM` names, up to `max`. `None` means that a violation was noted.
fn minute(check: &mut Checker, field: &str, text: &str, max: u16) -> Option<u16> {
    let two = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u16>().ok()).flatten()
    };
    let minute = text
        .split_once(':')
        .filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)
        .and_then(|(hour, minute)| two(hour).zip(two(minute)))
        .filter(|(_, minute)| *minute < 60)
        .map(|(hour, minute)| hour * 60 + minute)
        .filter(|minute| *minute <= max);
    if minute.is_none() {
        check.violation(field, "INVALID_TIME", "isi dengan jam seperti 08:30", "give a time such as 08:30");
    }
    minute
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::samples;

    fn fields(hall: &proto::Hall) -> Vec<String> {
        let mut check = Checker::new();
        read(&mut check, hall, None);
        check.finish().map_or_else(
            |problem| problem.violations.into_iter().map(|one| one.field).collect(),
            |()| Vec::new(),
        )
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let mut check = Checker::new();
        let hall = read(&mut check, &samples::configuration(), None);
        check.finish().unwrap();
        assert_eq!((hall.appointment_early_minutes, hall.appointment_late_minutes), (15, 15));
        assert_eq!(hall.calendar, Calendar::Regular);
        let service = &hall.services[0];
        assert_eq!(
            (service.max_calls, service.recall_gap_seconds, service.no_show_cooldown_seconds),
            (3, 10, 300)
        );
        assert_eq!(service.restore, RestorePosition::Original);
        assert_eq!((service.series.digits, service.series.first, service.series.last), (3, 1, 999));
        assert_eq!(service.daily_quota, None);
        assert_eq!((hall.agencies[0].priority_ratio, hall.agencies[0].daily_limit_per_person), (2, None));
        assert_eq!(
            hall.counters[0].services,
            vec![hall.services[0].id, hall.services[1].id],
            "all of its agency"
        );
        assert_eq!(hall.defects(), Vec::new());
    }

    #[test]
    fn a_part_whose_code_is_known_keeps_its_id() {
        let mut check = Checker::new();
        let first = read(&mut check, &samples::configuration(), None);
        let mut changed = samples::configuration();
        changed.agencies.reverse();
        changed.services.reverse();
        changed.counters.remove(0);
        changed.services[0].code = "BARU".to_owned();
        let second = read(&mut check, &changed, Some(&first));
        check.finish().unwrap();
        assert_eq!(second.id, first.id);
        assert_eq!(second.agencies[1].id, first.agencies[0].id);
        assert_eq!(second.services[2].id, first.services[0].id);
        assert!(
            first.services.iter().all(|known| known.id != second.services[0].id),
            "a new code is a new service"
        );
        assert_eq!(second.counters[0].id, first.counters[1].id);
    }

    #[test]
    fn everything_that_is_wrong_is_found_at_once() {
        let mut hall = samples::configuration();
        hall.code = "MPP BWI".to_owned();
        hall.name = String::new();
        hall.time_zone = 0;
        hall.calendar = 9;
        hall.day_opens_at = "7:30".to_owned();
        hall.agencies[0].hours[0].windows[0].to = "24:30".to_owned();
        hall.agencies[0].hours[1].weekday = 1;
        hall.agencies[1].priority_ratio = -1;
        hall.services[0].series.as_mut().unwrap().prefix = "a".to_owned();
        hall.services[1].agency_code = "TIDAKADA".to_owned();
        hall.services[2].restore_after = -2;
        hall.counters[0].zone_code = "Z".to_owned();
        hall.counters[1].service_codes = vec!["KTP".to_owned()];
        hall.holidays.push(proto::Holiday { date: "2026-13-01".to_owned(), name: "Salah".to_owned() });
        let mut found = fields(&hall);
        found.sort();
        assert_eq!(
            found,
            [
                "hall.agencies[0].hours[0].windows[0].to",
                "hall.agencies[0].hours[1].weekday",
                "hall.agencies[1].priorityRatio",
                "hall.calendar",
                "hall.code",
                "hall.counters[0].zoneCode",
                "hall.counters[1].serviceCodes[0]",
                "hall.dayOpensAt",
                "hall.holidays[0].date",
                "hall.name",
                "hall.services[0].series.prefix",
                "hall.services[1].agencyCode",
                "hall.services[2].restoreAfter",
                "hall.timeZone",
            ]
        );
    }

    #[test]
    fn times_are_read_strictly() {
        for (text, max, expected) in [
            ("08:30", 1439, Some(510)),
            ("00:00", 1439, Some(0)),
            ("23:59", 1439, Some(1439)),
            ("24:00", 1440, Some(1440)),
            ("24:00", 1439, None),
            ("8:30", 1440, None),
            ("08:60", 1440, None),
            ("+8:30", 1440, None),
            ("08:3", 1440, None),
            ("0830", 1440, None),
            ("08:30:00", 1440, None),
        ] {
            let mut check = Checker::new();
            assert_eq!(minute(&mut check, "x", text, max), expected, "{text}");
            assert_eq!(check.is_clean(), expected.is_some());
        }
    }

    #[test]
    fn a_hall_has_bounds() {
        let mut hall = samples::configuration();
        hall.agencies = vec![hall.agencies[0].clone(); AGENCIES + 1];
        hall.services = vec![hall.services[0].clone(); SERVICES + 1];
        hall.counters = vec![hall.counters[0].clone(); COUNTERS + 1];
        assert_eq!(fields(&hall), ["hall.agencies", "hall.services", "hall.counters"]);
    }
}

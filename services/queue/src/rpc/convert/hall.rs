//! The configuration of a hall: contract ⇄ domain.

mod read;

use chrono::NaiveTime;
use mpp_proto::common::v1 as common;
use mpp_proto::queue::v1 as proto;

use super::number;
use crate::domain::decide::Reach;
use crate::domain::fold::Fold;
use crate::domain::hall::{
    Agency, Calendar, CounterPlan, Hall, RestorePosition, Series, Service, TimeZone, Window,
};
use crate::domain::opening::clock_face;

pub(in crate::rpc) use read::read;

/// A hall with its day and the state of its counters. Who works where is shown of what `staff` covers.
pub(in crate::rpc) fn hall(fold: &Fold, staff: &Reach) -> proto::Hall {
    let hall = fold.hall();
    proto::Hall {
        id: hall.id.to_string(),
        code: hall.code.clone(),
        name: hall.name.clone(),
        time_zone: time_zone(hall.time_zone).into(),
        calendar: calendar(hall.calendar).into(),
        zones: zones(hall),
        agencies: hall.agencies.iter().map(agency).collect(),
        services: hall.services.iter().map(|one| service(hall, one)).collect(),
        counters: hall
            .counters
            .iter()
            .map(|plan| super::counter(hall, Some(plan), &fold.counter(plan.id), staff.agency(plan.agency)))
            .collect(),
        holidays: hall
            .holidays
            .iter()
            .map(|holiday| proto::Holiday { date: holiday.date.to_string(), name: holiday.name.clone() })
            .collect(),
        day_opens_at: hall.day_opens_at.map(wall_time).unwrap_or_default(),
        day_closes_at: hall.day_closes_at.map(wall_time).unwrap_or_default(),
        day: fold.day().map(|day| super::day(day, hall.id)),
        appointment_early_minutes: number(hall.appointment_early_minutes),
        appointment_late_minutes: number(hall.appointment_late_minutes),
    }
}

/// The zones of a hall.
pub(in crate::rpc) fn zones(hall: &Hall) -> Vec<proto::Zone> {
    hall.zones.iter().map(|zone| proto::Zone { code: zone.code.clone(), name: zone.name.clone() }).collect()
}

/// What is configured of a counter.
pub(super) fn plan(hall: &Hall, plan: &CounterPlan) -> proto::Counter {
    let codes = hall
        .services
        .iter()
        .filter(|service| plan.services.contains(&service.id))
        .map(|service| service.code.clone());
    proto::Counter {
        id: plan.id.to_string(),
        number: plan.number.clone(),
        name: plan.name.clone(),
        agency_code: agency_code(hall, plan.agency),
        agency_id: plan.agency.to_string(),
        zone_code: plan.zone.clone(),
        service_codes: codes.collect(),
        ..proto::Counter::default()
    }
}

/// A time zone in the contract.
pub(in crate::rpc) fn time_zone(zone: TimeZone) -> proto::TimeZone {
    match zone {
        TimeZone::Wib => proto::TimeZone::Wib,
        TimeZone::Wita => proto::TimeZone::Wita,
        TimeZone::Wit => proto::TimeZone::Wit,
    }
}

fn calendar(calendar: Calendar) -> proto::Calendar {
    match calendar {
        Calendar::Regular => proto::Calendar::Regular,
        Calendar::Demo => proto::Calendar::Demo,
    }
}

fn agency(agency: &Agency) -> proto::Agency {
    proto::Agency {
        id: agency.id.to_string(),
        code: agency.code.clone(),
        name: agency.name.clone(),
        hours: agency
            .hours
            .iter()
            .map(|(weekday, list)| proto::DayHours { weekday: i32::from(*weekday), windows: windows(list) })
            .collect(),
        closures: agency
            .closures
            .iter()
            .map(|closure| proto::Closure {
                date: closure.date.to_string(),
                windows: windows(&closure.windows),
                reason: closure.reason.clone(),
            })
            .collect(),
        priority_ratio: number(agency.priority_ratio),
        daily_limit_per_person: number(agency.daily_limit_per_person.unwrap_or(0)),
    }
}

fn windows(windows: &[Window]) -> Vec<common::TimeWindow> {
    windows
        .iter()
        .map(|window| common::TimeWindow { from: clock_face(window.from), to: clock_face(window.to) })
        .collect()
}

fn service(hall: &Hall, service: &Service) -> proto::Service {
    proto::Service {
        id: service.id.to_string(),
        code: service.code.clone(),
        name: service.name.clone(),
        name_en: service.name_en.clone(),
        agency_code: agency_code(hall, service.agency),
        agency_id: service.agency.to_string(),
        series: Some(series(&service.series)),
        daily_quota: number(service.daily_quota.unwrap_or(0)),
        promised_minutes: number(service.promised_minutes),
        max_calls: number(service.max_calls),
        recall_gap_seconds: number(service.recall_gap_seconds),
        no_show_cooldown_seconds: number(service.no_show_cooldown_seconds),
        restore_after: match service.restore {
            RestorePosition::Original => 0,
            RestorePosition::After(tickets) => number(tickets),
            RestorePosition::End => -1,
        },
        requirements: service.requirements.clone(),
        retired: service.retired,
    }
}

fn series(series: &Series) -> proto::Series {
    proto::Series {
        prefix: series.prefix.clone(),
        digits: i32::from(series.digits),
        first: number(series.first),
        last: number(series.last),
    }
}

fn agency_code(hall: &Hall, id: crate::domain::AgencyId) -> String {
    hall.agencies.iter().find(|agency| agency.id == id).map(|agency| agency.code.clone()).unwrap_or_default()
}

fn wall_time(time: NaiveTime) -> String {
    time.format("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use mpp_kit::check::Checker;

    use super::*;
    use crate::rpc::samples;

    #[test]
    fn what_is_shown_can_be_applied_again_and_changes_nothing() {
        let mut wanted = samples::configuration();
        wanted.calendar = proto::Calendar::Demo.into();
        wanted.day_opens_at = "07:30".to_owned();
        wanted.agencies[0].closures = vec![proto::Closure {
            date: "2026-12-24".to_owned(),
            windows: vec![common::TimeWindow { from: "08:00".to_owned(), to: "24:00".to_owned() }],
            reason: "Setengah hari".to_owned(),
        }];
        wanted.holidays =
            vec![proto::Holiday { date: "2026-08-17".to_owned(), name: "Hari Kemerdekaan".to_owned() }];
        wanted.services[0].restore_after = -1;
        wanted.services[1].restore_after = 3;
        wanted.services[2].daily_quota = 40;
        let mut check = Checker::new();
        let first = read(&mut check, &wanted, None);
        let shown = hall(&Fold::new(first.clone()), &Reach::default());
        let second = read(&mut check, &shown, Some(&first));
        check.finish().unwrap();
        assert_eq!(second, first);
        assert_eq!(shown.services[0].series.as_ref().unwrap().last, 999);
        assert_eq!(shown.counters[0].state(), proto::CounterState::Closed);
    }

    #[test]
    fn who_works_where_is_shown_to_supervisors_only() {
        let mut day = samples::Hall::open();
        day.opened(0);
        assert_eq!(hall(&day.fold, &Reach::everything()).counters[0].staff_id, "acc_1");
        assert_eq!(hall(&day.fold, &Reach::default()).counters[0].staff_id, "");
    }
}

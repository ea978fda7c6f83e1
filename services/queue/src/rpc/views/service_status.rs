//! A service as a citizen meets it now.

use chrono::{DateTime, Utc};
use mpp_kit::fault::Language;
use mpp_proto::queue::v1 as proto;

use super::waiting;
use crate::domain::decide::intake;
use crate::domain::estimate;
use crate::domain::fold::Fold;
use crate::domain::hall::{Agency, Calendar, Hall, Service};
use crate::domain::opening::{clock_face, next_opening, windows_on};
use crate::domain::rejection::IntakeClosed;
use crate::error::intake_text;
use crate::rpc::convert;

/// The services that are given, with their order in lists: by agency, then by code.
pub(in crate::rpc) fn listed(hall: &Hall) -> Vec<(String, &Service)> {
    let agency_code = |service: &Service| {
        hall.agencies
            .iter()
            .find(|agency| agency.id == service.agency)
            .map(|agency| agency.code.as_str())
            .unwrap_or_default()
    };
    // A tab sorts before everything a code may hold, so that DUKCAPIL comes before DUKCAPIL-2.
    let key = |service: &Service| format!("{}\t{}", agency_code(service), service.code);
    let mut listed: Vec<_> = hall
        .services
        .iter()
        .filter(|service| !service.retired)
        .map(|service| (key(service), service))
        .collect();
    listed.sort_by(|one, two| one.0.cmp(&two.0));
    listed
}

/// Whether a ticket is issued for a service, how many wait, and how long it may take.
pub(in crate::rpc) fn status(
    fold: &Fold,
    service: &Service,
    now: DateTime<Utc>,
    language: Language,
) -> proto::ServiceStatus {
    let closed = intake(fold, service, now).err();
    let agency = fold.agency(service.agency);
    let outlook = estimate::outlook_of_newcomer(fold, service, now);
    proto::ServiceStatus {
        id: service.id.to_string(),
        code: service.code.clone(),
        name: service.name.clone(),
        agency_id: service.agency.to_string(),
        state: closed.as_ref().map_or(proto::ServiceState::Open, state).into(),
        quota_left: service
            .daily_quota
            .map(|quota| convert::number(quota.saturating_sub(fold.issued(service.id)))),
        waiting: convert::number(waiting(fold, service.id)),
        estimate: outlook.estimate.map(convert::range),
        people_ahead: convert::number(outlook.people_ahead),
        name_en: service.name_en.clone(),
        agency_name: agency.map(|agency| agency.name.clone()).unwrap_or_default(),
        reason: closed
            .map(|closed| intake_text(&closed).in_language(language).to_owned())
            .unwrap_or_default(),
        open_counters: convert::number(fold.open_counters(service.id).count()),
        requirements: service.requirements.clone(),
        hours_today: agency.map(|agency| hours_today(fold.hall(), agency, now)).unwrap_or_default(),
        next_open_time: agency.and_then(|agency| next_open_time(fold.hall(), agency, now)),
    }
}

fn state(closed: &IntakeClosed) -> proto::ServiceState {
    match closed {
        IntakeClosed::DayNotOpen => proto::ServiceState::DayNotOpen,
        IntakeClosed::OutsideHours { .. } => proto::ServiceState::OutsideHours,
        IntakeClosed::Holiday(_) => proto::ServiceState::Holiday,
        // A retired service is not listed; if it is asked for all the same, the reason says what it is.
        IntakeClosed::Closure(_) | IntakeClosed::Retired => proto::ServiceState::Closure,
        IntakeClosed::QuotaFull(_) => proto::ServiceState::QuotaFull,
        IntakeClosed::Stopped(_) => proto::ServiceState::IntakeStopped,
        IntakeClosed::NumbersExhausted => proto::ServiceState::NumbersExhausted,
    }
}

fn next_open_time(hall: &Hall, agency: &Agency, now: DateTime<Utc>) -> Option<prost_types::Timestamp> {
    let zone = hall.time_zone;
    let opening = next_opening(hall, agency, zone.local(now))?;
    Some(convert::time(zone.moment(opening)))
}

fn hours_today(hall: &Hall, agency: &Agency, now: DateTime<Utc>) -> String {
    if hall.calendar == Calendar::Demo {
        return "00:00–24:00".to_owned();
    }
    let windows = windows_on(hall, agency, hall.time_zone.local(now).date());
    let spans: Vec<String> = windows
        .iter()
        .map(|window| format!("{}–{}", clock_face(window.from), clock_face(window.to)))
        .collect();
    spans.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decide::Order;
    use crate::domain::event::IntakeStop;
    use crate::rpc::samples::Hall;

    fn first(hall: &Hall) -> proto::ServiceStatus {
        status(&hall.fold, &hall.fold.hall().services[0], hall.now, Language::Id)
    }

    #[test]
    fn says_open_or_why_not_in_the_language_of_the_caller() {
        let mut hall = Hall::closed();
        assert_eq!(first(&hall).state(), proto::ServiceState::DayNotOpen);
        hall.done(Order::OpenDay);
        let open = first(&hall);
        assert_eq!((open.state(), open.reason.as_str()), (proto::ServiceState::Open, ""));
        assert_eq!(open.hours_today, "08:00–12:00, 13:00–15:00");
        hall.after(3 * 3600 + 600);
        let pause = first(&hall);
        assert_eq!(pause.state(), proto::ServiceState::OutsideHours);
        assert!(pause.reason.contains("13:00"), "{}", pause.reason);
        hall.after(3600);
        hall.done(Order::StopIntake(IntakeStop {
            agency: None,
            service: None,
            reason: "Listrik padam".into(),
        }));
        let stopped = status(&hall.fold, &hall.fold.hall().services[0], hall.now, Language::En);
        assert_eq!(stopped.state(), proto::ServiceState::IntakeStopped);
        assert_eq!(stopped.reason, "No tickets are given for the moment: Listrik padam");
    }

    #[test]
    fn an_estimate_needs_an_open_counter() {
        let mut hall = Hall::open();
        hall.walk_in(0);
        hall.walk_in(0);
        let alone = first(&hall);
        assert_eq!((alone.waiting, alone.open_counters, alone.estimate), (2, 0, None));
        hall.opened(0);
        let served = first(&hall);
        assert_eq!(served.open_counters, 1);
        let range = served.estimate.unwrap();
        assert_eq!((range.min_minutes, range.max_minutes), (14, 33), "two of ten minutes ± 30 % and a half");
    }

    #[test]
    fn services_are_listed_by_agency_and_code() {
        let hall = Hall::closed();
        let codes: Vec<_> =
            listed(hall.fold.hall()).into_iter().map(|(_, service)| service.code.as_str()).collect();
        assert_eq!(codes, ["KK", "KTP", "STNK"]);
    }
}

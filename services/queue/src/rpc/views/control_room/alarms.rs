//! What needs attention now.

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::fault::{Language, Text};
use mpp_proto::queue::v1::{Alarm, AlarmKind};

use crate::domain::choice;
use crate::domain::counter::{Availability, Counter};
use crate::domain::decide::Reach;
use crate::domain::event::Day;
use crate::domain::fold::Fold;
use crate::domain::hall::{Agency, CounterPlan, Service};
use crate::domain::ticket::{State, Ticket};
use crate::rpc::convert;
use crate::rpc::views::waiting;

/// A wait is long from twice the promised minutes on, but never below this.
const LONG_WAIT: TimeDelta = TimeDelta::minutes(30);
/// From here on a counter that does not call while somebody waits is idle.
const IDLE: TimeDelta = TimeDelta::minutes(15);
/// From here on a ticket that was called and not started is stuck.
const STUCK: TimeDelta = TimeDelta::minutes(10);

/// An alarm with what it is sorted by: its kind first, then how bad it is.
struct Raised {
    severity: i64,
    /// Without its text, which is chosen by language.
    alarm: Alarm,
    text: Text,
}

/// The alarms of the agencies within reach, most urgent first. A closed day has none.
pub(super) fn alarms(fold: &Fold, now: DateTime<Utc>, language: Language, reach: &Reach) -> Vec<Alarm> {
    if !fold.day().is_some_and(Day::is_open) {
        return Vec::new();
    }
    let mut raised = Vec::new();
    for agency in fold.hall().agencies.iter().filter(|agency| reach.agency(agency.id)) {
        raised.extend(nobody_calls(fold, agency));
        raised.extend(services(fold, agency).filter_map(|service| long_wait(fold, agency, service, now)));
        for plan in fold.hall().counters.iter().filter(|plan| plan.agency == agency.id) {
            let counter = fold.counter(plan.id);
            raised.extend(idle(fold, plan, &counter, now));
            raised.extend(stuck(fold, plan, &counter, now));
        }
    }
    raised.sort_by_key(|raised| (raised.alarm.kind, Reverse(raised.severity)));
    raised
        .into_iter()
        .map(|raised| Alarm { text: raised.text.in_language(language).to_owned(), ..raised.alarm })
        .collect()
}

/// Somebody waits and no counter is open: for the whole agency, else for each of its services.
fn nobody_calls(fold: &Fold, agency: &Agency) -> Vec<Raised> {
    let alone: Vec<(&Service, usize)> = services(fold, agency)
        .map(|service| (service, waiting(fold, service.id)))
        .filter(|(service, tickets)| *tickets > 0 && fold.open_counters(service.id).next().is_none())
        .collect();
    let raised = |tickets: usize, service: Option<&Service>, text| Raised {
        severity: i64::try_from(tickets).unwrap_or(i64::MAX),
        alarm: Alarm {
            kind: AlarmKind::NoCounterOpen.into(),
            agency_id: agency.id.to_string(),
            service_id: service.map(|service| service.id.to_string()).unwrap_or_default(),
            waiting: convert::number(tickets),
            ..Alarm::default()
        },
        text,
    };
    let name = &agency.name;
    if services(fold, agency).any(|service| fold.open_counters(service.id).next().is_some()) {
        let one = |(service, tickets): (&Service, usize)| {
            let english = if service.name_en.is_empty() { &service.name } else { &service.name_en };
            raised(
                tickets,
                Some(service),
                Text::new(
                    format!(
                        "{tickets} menunggu {} di {name}, tidak ada loket buka untuk layanan ini",
                        service.name
                    ),
                    format!("{tickets} waiting for {english} at {name}, no counter is open for it"),
                ),
            )
        };
        return alone.into_iter().map(one).collect();
    }
    let tickets: usize = alone.iter().map(|(_, tickets)| tickets).sum();
    let whole = raised(
        tickets,
        None,
        Text::new(
            format!("{tickets} menunggu di {name}, tidak ada loket buka"),
            format!("{tickets} waiting at {name}, no counter is open"),
        ),
    );
    if tickets > 0 { vec![whole] } else { Vec::new() }
}

fn long_wait(fold: &Fold, agency: &Agency, service: &Service, now: DateTime<Utc>) -> Option<Raised> {
    let longest: &Ticket = fold
        .line(service.id)?
        .tickets()
        .filter_map(|id| fold.ticket(id))
        .min_by_key(|ticket| (ticket.leg().queued_at, ticket.id))?;
    let waited = now - longest.leg().queued_at;
    let limit = LONG_WAIT.max(TimeDelta::minutes(2 * i64::from(service.promised_minutes)));
    let (number, minutes, name) = (&longest.number, waited.num_minutes(), &agency.name);
    (waited > limit).then(|| Raised {
        severity: minutes,
        alarm: Alarm {
            kind: AlarmKind::LongWait.into(),
            agency_id: agency.id.to_string(),
            service_id: service.id.to_string(),
            ticket_id: longest.id.to_string(),
            ticket_number: number.clone(),
            seconds: seconds(waited),
            ..Alarm::default()
        },
        text: Text::new(
            format!("{number} sudah menunggu {minutes} menit di {name}"),
            format!("{number} has waited {minutes} minutes at {name}"),
        ),
    })
}

/// Both must have lasted: the silence of the counter, and the wait of somebody it could call.
fn idle(fold: &Fold, plan: &CounterPlan, counter: &Counter, now: DateTime<Utc>) -> Option<Raised> {
    if counter.availability != Availability::Open || counter.current.is_some() {
        return None;
    }
    let next = fold.ticket(choice::next(fold, &counter.services, now)?.ticket)?;
    let acted_at =
        [counter.last_call_at, counter.opened_at, counter.changed_at].into_iter().flatten().max()?;
    let silent = now - acted_at.max(next.leg().queued_at);
    let (number, minutes, ticket) = (&plan.number, silent.num_minutes(), &next.number);
    (silent >= IDLE).then(|| Raised {
        severity: minutes,
        alarm: Alarm {
            kind: AlarmKind::IdleCounter.into(),
            agency_id: plan.agency.to_string(),
            counter_id: plan.id.to_string(),
            seconds: seconds(silent),
            ..Alarm::default()
        },
        text: Text::new(
            format!(
                "Loket {number} buka tetapi {minutes} menit tidak memanggil, sementara {ticket} menunggu"
            ),
            format!("Counter {number} is open but has not called for {minutes} minutes while {ticket} waits"),
        ),
    })
}

fn stuck(fold: &Fold, plan: &CounterPlan, counter: &Counter, now: DateTime<Utc>) -> Option<Raised> {
    let held = fold.ticket(counter.current?).filter(|ticket| ticket.state == State::Called)?;
    let since = now - held.last_call_at?;
    let (number, minutes, ticket) = (&plan.number, since.num_minutes(), &held.number);
    (since >= STUCK).then(|| Raised {
        severity: minutes,
        alarm: Alarm {
            kind: AlarmKind::StuckTicket.into(),
            agency_id: plan.agency.to_string(),
            counter_id: plan.id.to_string(),
            ticket_id: held.id.to_string(),
            ticket_number: held.number.clone(),
            seconds: seconds(since),
            ..Alarm::default()
        },
        text: Text::new(
            format!(
                "{ticket} dipanggil ke loket {number} {minutes} menit yang lalu dan belum mulai dilayani"
            ),
            format!("{ticket} was called to counter {number} {minutes} minutes ago and has not been started"),
        ),
    })
}

fn seconds(time: TimeDelta) -> i32 {
    convert::number(time.num_seconds().max(0))
}

fn services<'f>(fold: &'f Fold, agency: &Agency) -> impl Iterator<Item = &'f Service> {
    let id = agency.id;
    fold.hall().services.iter().filter(move |service| service.agency == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decide::Order;
    use crate::rpc::samples::Hall;

    fn raised(hall: &Hall) -> Vec<(AlarmKind, String)> {
        let found = alarms(&hall.fold, hall.now, Language::Id, &Reach::everything());
        found.into_iter().map(|alarm| (alarm.kind(), alarm.text)).collect()
    }

    #[test]
    fn no_counter_open_comes_first_and_says_how_many_wait() {
        let mut hall = Hall::open();
        assert_eq!(raised(&hall), []);
        for _ in 0..3 {
            hall.walk_in(0);
        }
        assert_eq!(
            raised(&hall),
            [(AlarmKind::NoCounterOpen, "3 menunggu di Disdukcapil, tidak ada loket buka".to_owned())]
        );
        hall.after(31 * 60);
        let kinds: Vec<_> = raised(&hall).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [AlarmKind::NoCounterOpen, AlarmKind::LongWait]);
        hall.done(Order::CloseDay { date: None });
        assert_eq!(raised(&hall), [], "nobody waits after the day");
    }

    #[test]
    fn a_service_that_no_open_counter_gives_is_named() {
        let mut hall = Hall::open();
        hall.walk_in(1);
        let (counter, only) = (hall.counter(0), hall.service(0));
        hall.done(Order::OpenCounter { counter, services: vec![only], switch_desk: false });
        let text =
            "1 menunggu Kartu Keluarga di Disdukcapil, tidak ada loket buka untuk layanan ini".to_owned();
        assert_eq!(raised(&hall), [(AlarmKind::NoCounterOpen, text)]);
    }

    #[test]
    fn each_alarm_is_another_one_and_says_how_many_it_is_about() {
        let mut hall = Hall::open();
        let mut fold = crate::domain::hall::Hall::clone(hall.fold.hall());
        // A third service of the agency, so that two of them can be without a counter.
        let third = Service {
            id: crate::domain::ServiceId::generate(),
            code: "AKTA".into(),
            name: "Akta Kelahiran".into(),
            ..fold.services[0].clone()
        };
        fold.services.push(third.clone());
        hall.done(Order::Configure(std::sync::Arc::new(fold)));
        let at = hall.fold.hall().services.iter().position(|service| service.id == third.id).expect("third");
        for service in [0, 1, 1, at] {
            hall.walk_in(service);
        }
        let (counter, only) = (hall.counter(0), hall.service(0));
        hall.done(Order::OpenCounter { counter, services: vec![only], switch_desk: false });
        let found = alarms(&hall.fold, hall.now, Language::Id, &Reach::everything());
        let one = |alarm: &Alarm| {
            (
                alarm.kind,
                alarm.agency_id.clone(),
                alarm.service_id.clone(),
                alarm.counter_id.clone(),
                alarm.ticket_id.clone(),
            )
        };
        let keys: std::collections::HashSet<_> = found.iter().map(one).collect();
        assert_eq!((found.len(), keys.len()), (2, 2), "{found:?}");
        let told: Vec<_> = found.iter().map(|alarm| (alarm.service_id.clone(), alarm.waiting)).collect();
        assert_eq!(told, [(hall.service(1).to_string(), 2), (third.id.to_string(), 1)]);
        hall.after(31 * 60);
        let found = alarms(&hall.fold, hall.now, Language::Id, &Reach::everything());
        let long: Vec<_> = found.iter().filter(|alarm| alarm.kind() == AlarmKind::LongWait).collect();
        assert_eq!(long.len(), 3, "each service has somebody who waits too long");
        assert!(long.iter().all(|alarm| alarm.seconds == 31 * 60 && !alarm.ticket_number.is_empty()));
        assert_eq!(found.iter().map(one).collect::<std::collections::HashSet<_>>().len(), found.len());
    }

    #[test]
    fn a_counter_is_idle_when_it_could_have_called_for_a_quarter_of_an_hour() {
        let mut hall = Hall::open();
        hall.opened(0);
        hall.after(20 * 60);
        hall.walk_in(0);
        assert_eq!(raised(&hall), [], "until now nobody waited");
        hall.after(15 * 60);
        let text = "Loket 1 buka tetapi 15 menit tidak memanggil, sementara A001 menunggu".to_owned();
        assert_eq!(raised(&hall), [(AlarmKind::IdleCounter, text)]);
        hall.called(0);
        assert_eq!(raised(&hall), []);
        hall.after(10 * 60);
        let text = "A001 dipanggil ke loket 1 10 menit yang lalu dan belum mulai dilayani".to_owned();
        assert_eq!(raised(&hall), [(AlarmKind::StuckTicket, text)]);
    }
}

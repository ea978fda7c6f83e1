//! What a supervisor sees: every counter, every agency, and what needs attention.

mod alarms;

use chrono::{DateTime, Utc};
use mpp_kit::fault::Language;
use mpp_proto::queue::v1 as proto;

use super::Waiting;
use crate::domain::counter::Availability;
use crate::domain::decide::Reach;
use crate::domain::fold::Fold;
use crate::domain::hall::Agency;
use crate::domain::ticket::State;
use crate::rpc::convert;

/// The control room, within reach.
pub(in crate::rpc) fn control_room(
    fold: &Fold,
    now: DateTime<Utc>,
    language: Language,
    reach: &Reach,
) -> proto::ControlRoom {
    proto::ControlRoom {
        seq: convert::position(fold.seq()),
        time: Some(convert::time(now)),
        day: fold.day().map(|day| convert::day(day, fold.hall().id)),
        counters: counters(fold, now, reach),
        agencies: fold
            .hall()
            .agencies
            .iter()
            .filter(|agency| reach.agency(agency.id))
            .map(|one| agency(fold, one, now))
            .collect(),
        alarms: alarms::alarms(fold, now, language, reach),
    }
}

/// Takes out of a control room what moves by itself.
pub(in crate::rpc) fn still(room: &mut proto::ControlRoom) {
    room.seq = 0;
    room.time = None;
    for agency in &mut room.agencies {
        agency.longest_wait_seconds = 0;
    }
    for alarm in &mut room.alarms {
        alarm.seconds = 0;
    }
}

fn counters(fold: &Fold, now: DateTime<Utc>, reach: &Reach) -> Vec<proto::ControlCounter> {
    let in_reach = fold.hall().counters.iter().filter(|plan| reach.agency(plan.agency));
    in_reach
        .map(|plan| {
            let counter = fold.counter(plan.id);
            proto::ControlCounter {
                ticket: counter
                    .current
                    .and_then(|id| fold.ticket(id))
                    .map(|ticket| convert::live_ticket(fold, ticket, now)),
                finished: convert::number(counter.finished),
                counter: Some(convert::counter(fold.hall(), Some(plan), &counter, true)),
            }
        })
        .collect()
}

fn agency(fold: &Fold, agency: &Agency, now: DateTime<Utc>) -> proto::ControlAgency {
    let services: Vec<_> =
        fold.hall().services.iter().filter(|service| service.agency == agency.id).collect();
    let waiting =
        services.iter().map(|service| Waiting::at(fold, service.id)).fold(Waiting::default(), Waiting::and);
    let counters: Vec<_> = fold
        .hall()
        .counters
        .iter()
        .filter(|plan| plan.agency == agency.id)
        .map(|plan| fold.counter(plan.id))
        .collect();
    proto::ControlAgency {
        agency_id: agency.id.to_string(),
        name: agency.name.clone(),
        waiting: convert::number(waiting.tickets),
        open_counters: convert::number(
            counters.iter().filter(|one| one.availability == Availability::Open).count(),
        ),
        longest_wait_seconds: waiting.longest_seconds(now),
        issued: convert::number(services.iter().map(|service| fold.given(service.id)).sum::<u32>()),
        finished: convert::number(counters.iter().map(|counter| counter.finished).sum::<u32>()),
        parked: convert::number(fold.aside(agency.id).filter(|ticket| ticket.state == State::Parked).count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decide::{Act, Bound};
    use crate::domain::ticket::Outcome;
    use crate::rpc::samples::Hall;

    #[test]
    fn counts_each_agency_and_shows_each_counter() {
        let mut hall = Hall::open();
        let first = hall.walk_in(0);
        hall.after(90).walk_in(1);
        hall.walk_in(2);
        hall.opened(0);
        hall.called(0);
        hall.acted(first, Act::Start);
        hall.acted(first, Act::Finish { outcome: Outcome::Done, delivered: Vec::new() });
        hall.after(10);
        let room = control_room(&hall.fold, hall.now, Language::Id, &Reach::everything());
        let dukcapil = &room.agencies[0];
        assert_eq!((dukcapil.waiting, dukcapil.open_counters, dukcapil.longest_wait_seconds), (1, 1, 10));
        assert_eq!((dukcapil.issued, dukcapil.finished, dukcapil.parked), (2, 1, 0));
        assert_eq!((room.agencies[1].waiting, room.agencies[1].open_counters), (1, 0));
        assert_eq!(room.counters.len(), 2);
        assert_eq!(room.counters[0].counter.as_ref().unwrap().staff_id, "acc_1");
    }

    #[test]
    fn another_agency_is_not_seen() {
        let mut hall = Hall::open();
        hall.walk_in(0);
        hall.walk_in(2);
        let agency = hall.fold.hall().agencies[1].id;
        let reach = Reach(vec![Bound { agencies: Some([agency].into()), counters: None }]);
        let room = control_room(&hall.fold, hall.now, Language::Id, &reach);
        assert_eq!(room.agencies.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Samsat"]);
        assert_eq!(room.counters.len(), 1);
        assert!(room.alarms.iter().all(|alarm| alarm.agency_id == agency.to_string()));
        assert_eq!(room.alarms.len(), 1);
    }
}

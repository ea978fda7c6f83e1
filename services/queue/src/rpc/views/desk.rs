//! A counter with all that its staff sees.

use std::cmp::Reverse;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use mpp_proto::queue::v1 as proto;

use super::{Waiting, next::next};
use crate::domain::CounterId;
use crate::domain::choice;
use crate::domain::fold::Fold;
use crate::domain::hall::CounterPlan;
use crate::domain::ticket::{State, Ticket};
use crate::rpc::convert;

/// Tickets of the queue, and no-shows, that are shown at most.
const SHOWN: usize = 30;

/// The desk of a counter; none if the hall has no such counter. `with_staff` shows who works there.
pub(in crate::rpc) fn desk(
    fold: &Fold,
    id: CounterId,
    now: DateTime<Utc>,
    with_staff: bool,
) -> Option<proto::CounterDesk> {
    let plan = fold.plan(id)?;
    let counter = fold.counter(id);
    let show = |ticket: &Arc<Ticket>| convert::live_ticket(fold, ticket, now);
    // A closed counter calls for nothing yet; its staff still want to see who waits.
    let services = if counter.services.is_empty() { &plan.services } else { &counter.services };
    let lines: Vec<_> = services.iter().map(|service| (*service, Waiting::at(fold, *service))).collect();
    let queue = choice::order(fold, services, now, SHOWN);
    let next = next(fold, id, now);
    Some(proto::CounterDesk {
        seq: convert::position(fold.seq()),
        counter: Some(convert::counter(fold.hall(), Some(plan), &counter, with_staff)),
        current: counter.current.and_then(|held| fold.ticket(held)).map(show),
        waiting: convert::number(lines.iter().map(|(_, line)| line.tickets).sum::<usize>()),
        services: lines
            .iter()
            .map(|(service, line)| proto::WaitingService {
                service_id: service.to_string(),
                waiting: convert::number(line.tickets),
                longest_wait_seconds: line.longest_seconds(now),
            })
            .collect(),
        queue: queue.iter().filter_map(|choice| fold.ticket(choice.ticket)).map(show).collect(),
        parked: parked(fold, plan).into_iter().map(show).collect(),
        no_shows: no_shows(fold, plan).into_iter().map(show).collect(),
        finished: convert::number(counter.finished),
        next_ticket_id: next.ticket.map(|ticket| ticket.id.to_string()).unwrap_or_default(),
        next_reason: next.reason.into(),
        time: Some(convert::time(now)),
        day: fold.day().map(|day| convert::day(day, fold.hall().id)),
    })
}

/// Takes out of a desk what moves by itself.
pub(in crate::rpc) fn still(desk: &mut proto::CounterDesk) {
    desk.seq = 0;
    desk.time = None;
    for service in &mut desk.services {
        service.longest_wait_seconds = 0;
    }
}

/// By arrival.
fn parked<'f>(fold: &'f Fold, plan: &CounterPlan) -> Vec<&'f Arc<Ticket>> {
    let mut parked: Vec<_> = fold.aside(plan.agency).filter(|ticket| ticket.state == State::Parked).collect();
    parked.sort_by_key(|ticket| (ticket.place, ticket.id));
    parked
}

/// Newest first.
fn no_shows<'f>(fold: &'f Fold, plan: &CounterPlan) -> Vec<&'f Arc<Ticket>> {
    let mut absent: Vec<_> = fold.aside(plan.agency).filter(|ticket| ticket.state == State::NoShow).collect();
    absent.sort_by_key(|ticket| (Reverse(ticket.ended_at), ticket.id));
    absent.truncate(SHOWN);
    absent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decide::Act;
    use crate::rpc::samples::Hall;

    #[test]
    fn shows_ticket_queue_parked_and_who_is_next() {
        let mut hall = Hall::open();
        let (first, second, third) = (hall.walk_in(0), hall.walk_in(1), hall.walk_in(0));
        hall.walk_in(2);
        let closed = desk(&hall.fold, hall.counter(0), hall.now, false).unwrap();
        assert_eq!((closed.waiting, closed.queue.len()), (3, 3), "a closed counter still shows who waits");
        assert_eq!(closed.next_reason(), proto::ChoiceReason::CounterNotOpen);
        hall.opened(0);
        hall.called(0);
        hall.acted(first, Act::Park { note: "ambil fotokopi".into() });
        hall.after(60).called(0);
        let desk = desk(&hall.fold, hall.counter(0), hall.now, true).unwrap();
        assert_eq!(desk.current.as_ref().unwrap().id, second.to_string());
        assert_eq!(
            desk.queue.iter().map(|ticket| ticket.id.as_str()).collect::<Vec<_>>(),
            [third.to_string()]
        );
        assert_eq!(
            (desk.parked[0].number.as_str(), desk.parked[0].note.as_str()),
            ("A001", "ambil fotokopi")
        );
        assert_eq!(desk.parked[0].counter_id, hall.counter(0).to_string());
        assert_eq!(
            (desk.next_ticket_id.as_str(), desk.next_reason()),
            ("", proto::ChoiceReason::CounterBusy)
        );
        assert_eq!(desk.services[0].longest_wait_seconds, 60);
        assert_eq!(desk.counter.as_ref().unwrap().state(), proto::CounterState::Serving);
        assert_eq!(desk.counter.unwrap().staff_id, "acc_1");
        assert!(desk.queue.iter().all(|ticket| ticket.token.is_empty()), "the token is the visitor's");
    }

    #[test]
    fn a_call_offers_to_be_undone_only_while_it_can_be() {
        let mut hall = Hall::open();
        hall.walk_in(0);
        hall.opened(0);
        hall.called(0);
        let offered = |hall: &Hall| {
            let current = desk(&hall.fold, hall.counter(0), hall.now, false).unwrap().current.unwrap();
            (current.undo_until.is_some(), current.verbs().any(|verb| verb == proto::TicketVerb::UndoCall))
        };
        assert_eq!(offered(&hall), (true, true));
        assert_eq!(offered(hall.after(11)), (false, false));
    }

    #[test]
    fn what_moves_by_itself_is_nothing_new() {
        let mut hall = Hall::open();
        hall.walk_in(0);
        hall.opened(0);
        let mut before = desk(&hall.fold, hall.counter(0), hall.now, false).unwrap();
        hall.after(5).walk_in(2);
        let mut after = desk(&hall.fold, hall.counter(0), hall.now, false).unwrap();
        assert_ne!(before, after);
        still(&mut before);
        still(&mut after);
        assert_eq!(before, after, "a ticket for another agency does not change this desk");
    }
}

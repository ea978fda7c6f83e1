//! What a citizen may see of a ticket without signing in: nothing that names a person.

use chrono::{DateTime, Utc};
use mpp_proto::queue::v1 as proto;

use crate::domain::event::Day;
use crate::domain::fold::Fold;
use crate::domain::hall::CounterPlan;
use crate::domain::ticket::Ticket;
use crate::rpc::convert;

/// The page of a ticket, also of one of a past day.
pub(in crate::rpc) fn public_ticket(fold: &Fold, ticket: &Ticket, now: DateTime<Utc>) -> proto::PublicTicket {
    let hall = fold.hall();
    let service = fold.service(ticket.service);
    let plan = ticket.counter.filter(|_| ticket.is_held()).and_then(|id| fold.plan(id));
    let is_of_today = fold.day().is_some_and(|day| Day::is_open(day) && day.date == ticket.date);
    let (people_ahead, estimate) =
        if is_of_today { convert::place_in_line(fold, ticket, now) } else { (0, None) };
    proto::PublicTicket {
        number: ticket.number.clone(),
        state: convert::ticket_state(ticket.state).into(),
        hall_name: hall.name.clone(),
        service_name: service.map(|service| service.name.clone()).unwrap_or_default(),
        agency_name: fold.agency(ticket.agency).map(|agency| agency.name.clone()).unwrap_or_default(),
        counter_number: plan.map(|plan| plan.number.clone()).unwrap_or_default(),
        zone_name: plan.map(|plan| zone_name(fold, plan)).unwrap_or_default(),
        people_ahead,
        estimate,
        business_date: ticket.date.to_string(),
        arrival_time: Some(convert::time(ticket.arrived_at)),
        call_time: ticket.last_call_at.map(convert::time),
        requirements: service.map(|service| service.requirements.clone()).unwrap_or_default(),
        open: is_of_today && ticket.is_open(),
        call_count: convert::number(ticket.leg().calls),
        time: Some(convert::time(now)),
        service_name_en: service.map(|service| service.name_en.clone()).unwrap_or_default(),
    }
}

/// Takes out of a page what moves by itself.
pub(in crate::rpc) fn still(ticket: &mut proto::PublicTicket) {
    ticket.time = None;
}

fn zone_name(fold: &Fold, plan: &CounterPlan) -> String {
    fold.hall()
        .zones
        .iter()
        .find(|zone| zone.code == plan.zone)
        .map(|zone| zone.name.clone())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decide::{Act, Order};
    use crate::rpc::samples::Hall;

    #[test]
    fn shows_the_way_to_the_counter_only_while_it_is_called() {
        let mut hall = Hall::open();
        hall.walk_in(0);
        let id = hall.walk_in(0);
        let page = |hall: &Hall| public_ticket(&hall.fold, &hall.ticket(id), hall.now);
        let waits = page(&hall);
        assert_eq!((waits.people_ahead, waits.open, waits.counter_number.as_str()), (1, true, ""));
        assert_eq!(waits.estimate, None, "no counter is open");
        hall.opened(0);
        hall.called(0);
        let first = hall.fold.counter(hall.counter(0)).current.unwrap();
        hall.acted(first, Act::Start);
        hall.acted(first, Act::Cancel);
        assert!(page(&hall).estimate.is_some());
        hall.called(0);
        let called = page(&hall);
        assert_eq!(called.state(), proto::TicketState::Called);
        assert_eq!(
            (called.counter_number.as_str(), called.zone_name.as_str(), called.people_ahead),
            ("1", "Zona A", 0)
        );
        hall.acted(id, Act::Park { note: "rahasia petugas".into() });
        let parked = page(&hall);
        assert_eq!((parked.counter_number.as_str(), parked.open), ("", true));
        hall.done(Order::CloseDay { date: None });
        let over = page(&hall);
        assert_eq!((over.state(), over.open), (proto::TicketState::Expired, false));
    }
}

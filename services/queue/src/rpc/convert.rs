//! The contract ⇄ the domain: tickets, counters, days, events. Halls are in [`hall`], enums in [`words`].

pub(super) mod hall;
mod words;

use chrono::{DateTime, Utc};
pub(super) use mpp_kit::wire::count as number;
pub(crate) use mpp_kit::wire::timestamp as time;
use mpp_proto::queue::v1 as proto;

use crate::domain::HallId;
use crate::domain::counter::Counter;
use crate::domain::decide::Reach;
use crate::domain::estimate;
use crate::domain::event::{Day, Kind};
use crate::domain::fold::Fold;
use crate::domain::hall::{CounterPlan, Hall};
use crate::domain::statistics::{Row, percentile};
use crate::domain::ticket::{Leg, TRANSITIONS, Ticket, Verb};
use crate::store::StoredEvent;

use words::{actor, assistance, channel, kind, leg_outcome, outcome, priority};
pub(super) use words::{asked_assistance, asked_channel, asked_outcome, asked_priority, asked_void_reason};
pub(crate) use words::{availability, ticket_state, verb};

/// A position of the log on the wire.
pub(super) fn position(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// Whole seconds since `from`, never negative.
pub(super) fn seconds_since(from: DateTime<Utc>, now: DateTime<Utc>) -> i32 {
    number((now - from).num_seconds().max(0))
}

/// A ticket as staff see it, without its token. `is_live` says that its business day is open, so that its verbs can be
/// used.
pub(super) fn ticket(ticket: &Ticket, now: DateTime<Utc>, is_live: bool) -> proto::Ticket {
    let leg = ticket.leg();
    let undo_until =
        ticket.before_call.as_ref().map(|before| before.until).filter(|until| is_live && now <= *until);
    let offered = |verb: &Verb| match verb {
        // Nobody can ask for it.
        Verb::Expire | Verb::Reopen => false,
        Verb::UndoCall => undo_until.is_some(),
        Verb::Call
        | Verb::Recall
        | Verb::Start
        | Verb::Finish
        | Verb::NoShow
        | Verb::Restore
        | Verb::Park
        | Verb::Resume
        | Verb::Transfer
        | Verb::Cancel
        | Verb::Release => is_live,
    };
    proto::Ticket {
        id: ticket.id.to_string(),
        number: ticket.number.clone(),
        token: String::new(),
        hall_id: ticket.hall.to_string(),
        service_id: ticket.service.to_string(),
        agency_id: ticket.agency.to_string(),
        state: ticket_state(ticket.state).into(),
        business_date: ticket.date.to_string(),
        version: ticket.version,
        priority: priority(ticket.priority).into(),
        assistance: ticket.assistance.iter().map(|one| assistance(*one).into()).collect(),
        channel: channel(ticket.channel).into(),
        party_size: number(ticket.party_size),
        arrival_time: Some(time(ticket.arrived_at)),
        appointment_time: ticket.appointment.map(time),
        queue_time: Some(time(leg.queued_at)),
        call_count: number(leg.calls),
        call_time: ticket.last_call_at.map(time),
        start_time: leg.started_at.map(time),
        end_time: ticket.ended_at.map(time),
        counter_id: ticket.counter.map(|id| id.to_string()).unwrap_or_default(),
        note: ticket.note.clone(),
        not_before: ticket.not_before.map(time),
        legs: ticket.legs.iter().map(self::leg).collect(),
        delivered: ticket
            .delivered
            .iter()
            .map(|one| proto::DeliveredService {
                service_id: one.service.to_string(),
                quantity: number(one.quantity),
            })
            .collect(),
        outcome: ticket.outcome.map_or(proto::Outcome::Unspecified, outcome).into(),
        verbs: TRANSITIONS
            .allowed(ticket.state)
            .into_iter()
            .filter(offered)
            .map(|one| verb(one).into())
            .collect(),
        undo_until: undo_until.map(time),
    }
}

/// A ticket of the present day of a hall.
pub(super) fn live_ticket(fold: &Fold, of: &Ticket, now: DateTime<Utc>) -> proto::Ticket {
    ticket(of, now, fold.day().is_some_and(Day::is_open))
}

/// How many would be called before a ticket, and when it may be its turn; nothing unless it waits.
pub(super) fn place_in_line(
    fold: &Fold,
    ticket: &Ticket,
    now: DateTime<Utc>,
) -> (i32, Option<proto::Estimate>) {
    let outlook = estimate::outlook(fold, ticket, now);
    (number(outlook.people_ahead), outlook.estimate.map(range))
}

/// An estimate.
pub(super) fn range(range: estimate::Estimate) -> proto::Estimate {
    proto::Estimate { min_minutes: number(range.min_minutes), max_minutes: number(range.max_minutes) }
}

fn leg(leg: &Leg) -> proto::Leg {
    proto::Leg {
        service_id: leg.service.to_string(),
        agency_id: leg.agency.to_string(),
        queue_time: Some(time(leg.queued_at)),
        call_time: leg.called_at.map(time),
        start_time: leg.started_at.map(time),
        end_time: leg.ended_at.map(time),
        counter_id: leg.counter.map(|id| id.to_string()).unwrap_or_default(),
        outcome: leg.outcome.map_or(proto::LegOutcome::Unspecified, leg_outcome).into(),
        calls: number(leg.calls),
        service_seconds: leg.service_seconds().map(number).unwrap_or_default(),
    }
}

/// A counter as it is now, with what is configured of it. `with_staff` shows who works there.
pub(super) fn counter(
    hall: &Hall,
    plan: Option<&CounterPlan>,
    counter: &Counter,
    with_staff: bool,
) -> proto::Counter {
    let mut shown = plan.map(|plan| hall::plan(hall, plan)).unwrap_or_default();
    shown.id = counter.id.to_string();
    shown.hall_id = hall.id.to_string();
    shown.state = counter_state(counter).into();
    shown.open_service_ids = counter.services.iter().map(ToString::to_string).collect();
    shown.current_ticket_id = counter.current.map(|id| id.to_string()).unwrap_or_default();
    shown.reason.clone_from(&counter.reason);
    shown.staff_id = counter.staff.clone().filter(|_| with_staff).unwrap_or_default();
    shown.open_time = counter.opened_at.map(time);
    shown.change_time = counter.changed_at.map(time);
    shown
}

/// The state of a counter: one that holds a ticket is serving.
pub(super) fn counter_state(counter: &Counter) -> proto::CounterState {
    if counter.current.is_some() { proto::CounterState::Serving } else { availability(counter.availability) }
}

/// A business day.
pub(super) fn day(day: &Day, hall: HallId) -> proto::Day {
    let state = if day.is_open() { proto::DayState::Open } else { proto::DayState::Closed };
    proto::Day {
        date: day.date.to_string(),
        state: state.into(),
        open_time: Some(time(day.opened_at)),
        close_time: day.closed_at.map(time),
        intake_stops: day
            .stops
            .iter()
            .map(|stop| proto::IntakeStop {
                agency_id: stop.agency.map(|id| id.to_string()).unwrap_or_default(),
                service_id: stop.service.map(|id| id.to_string()).unwrap_or_default(),
                reason: stop.reason.clone(),
            })
            .collect(),
        hall_id: hall.to_string(),
    }
}

/// An entry of the log, with what `reach` covers of it; none if it is about something out of reach. Who works at a counter is
/// shown of what `staff` covers.
pub(super) fn event(fold: &Fold, stored: &StoredEvent, reach: &Reach, staff: &Reach) -> Option<proto::Event> {
    let event = &stored.event;
    // The day end closes every counter; it is not about one of them.
    let about = event.counters.first().filter(|_| event.day.is_none());
    let is_in_reach = match (&event.ticket, about) {
        // What happens after a transfer is about the next agency's ticket. The transfer itself both may see.
        (Some(ticket), _) => {
            let sent_on = event.kind == Kind::TicketTransferred;
            ticket.legs.iter().rev().take(1 + usize::from(sent_on)).any(|leg| reach.agency(leg.agency))
        }
        (None, Some(counter)) => {
            fold.plan(counter.id).map_or_else(|| reach.hall(), |plan| reach.agency(plan.agency))
        }
        (None, None) => true,
    };
    is_in_reach.then(|| proto::Event {
        seq: position(stored.seq),
        id: event.id.to_string(),
        kind: kind(event.kind).into(),
        time: Some(time(event.at)),
        actor: Some(actor(&event.actor)),
        ticket: event.ticket.as_ref().map(|of| ticket(of, event.at, true)),
        counter: about.map(|of| {
            let plan = fold.plan(of.id);
            let with_staff = plan.map_or_else(|| staff.hall(), |plan| staff.agency(plan.agency));
            counter(fold.hall(), plan, of, with_staff)
        }),
        counter_id: event.counter.map(|id| id.to_string()).unwrap_or_default(),
        reason: event.reason.clone(),
        chain: stored.chain.clone(),
    })
}

/// Numbers of one key.
pub(super) fn row(key: &str, row: &Row) -> proto::StatisticsRow {
    proto::StatisticsRow {
        key: key.to_owned(),
        issued: number(row.issued),
        served: number(row.served),
        no_show: number(row.no_show),
        cancelled: number(row.cancelled),
        transferred: number(row.transferred),
        expired: number(row.expired),
        open: number(row.open),
        wait_p50_seconds: number(percentile(&row.waits, 50)),
        wait_p90_seconds: number(percentile(&row.waits, 90)),
        way_p50_seconds: number(percentile(&row.ways, 50)),
        service_p50_seconds: number(percentile(&row.services, 50)),
        service_p90_seconds: number(percentile(&row.services, 90)),
        persons: number(row.persons),
        calls: number(row.calls),
        tickets: number(row.tickets),
        received: number(row.received),
        restored: number(row.restored),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decide::{Bound, Order};
    use crate::rpc::samples;

    #[test]
    fn events_of_agencies_out_of_reach_are_left_out() {
        let mut day = samples::Hall::closed();
        let own =
            Reach(vec![Bound { agencies: Some([day.fold.hall().agencies[0].id].into()), counters: None }]);
        let seen = |day: &mut samples::Hall, order: Order, reach: &Reach| -> Vec<bool> {
            let events = day.events(order);
            let store = |event| StoredEvent { seq: 1, chain: String::new(), event };
            events
                .into_iter()
                .map(|one| event(&day.fold, &store(one), reach, &Reach::default()).is_some())
                .collect()
        };
        let (here, there) = (day.counter(0), day.counter(1));
        let open = |counter| Order::OpenCounter { counter, services: Vec::new(), switch_desk: false };
        assert_eq!(seen(&mut day, Order::OpenDay, &own), [true], "the day is everybody's");
        assert_eq!(seen(&mut day, open(here), &own), [true]);
        assert_eq!(seen(&mut day, open(there), &own), [false]);
        assert_eq!(seen(&mut day, open(there), &Reach::everything()), [true]);
        let foreign = day.walk_in(2);
        assert_eq!(
            seen(&mut day, Order::CloseDay { date: None }, &own),
            [false, true],
            "not the foreign ticket's end, but the day's"
        );
        assert!(day.ticket(foreign).ended_at.is_some());
    }
}

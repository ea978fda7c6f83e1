//! The contract ⇄ the domain: enums, tickets, counters, days, events. Halls are in [`hall`].

pub(super) mod hall;

use chrono::{DateTime, Utc};
use mpp_proto::common::v1 as common;
use mpp_proto::queue::v1 as proto;
use prost_types::Timestamp;

use crate::domain::HallId;
use crate::domain::counter::{Availability, Counter};
use crate::domain::decide::Reach;
use crate::domain::estimate;
use crate::domain::event::{Actor, ActorKind, Day, Kind};
use crate::domain::fold::Fold;
use crate::domain::hall::{CounterPlan, Hall};
use crate::domain::statistics::{Row, percentile};
use crate::domain::ticket::{
    Assistance, Channel, Leg, LegOutcome, Outcome, Priority, State, TRANSITIONS, Ticket, Verb,
};
use crate::store::StoredEvent;

/// A moment on the wire.
pub(crate) fn time(at: DateTime<Utc>) -> Timestamp {
    // A leap second has more than 10⁹ nanoseconds, which the wire does not know.
    let nanos = at.timestamp_subsec_nanos().min(999_999_999);
    Timestamp { seconds: at.timestamp(), nanos: i32::try_from(nanos).unwrap_or(0) }
}

/// A number on the wire; what does not fit is shown as the largest.
pub(super) fn number(value: impl TryInto<i32>) -> i32 {
    value.try_into().unwrap_or(i32::MAX)
}

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
        Verb::Expire => false,
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
    if ticket.state != State::Waiting {
        return (0, None);
    }
    let ahead = estimate::people_ahead(fold, ticket, now);
    let range = fold.service(ticket.service).and_then(|service| estimate::estimate(fold, service, ahead));
    (number(ahead), range.map(self::range))
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

/// An entry of the log, with what `reach` covers of it; none if it is about something out of reach.
pub(super) fn event(
    fold: &Fold,
    stored: &StoredEvent,
    reach: &Reach,
    with_staff: bool,
) -> Option<proto::Event> {
    let event = &stored.event;
    // The day end closes every counter; it is not about one of them.
    let about = event.counters.first().filter(|_| event.day.is_none());
    let is_in_reach = match (&event.ticket, about) {
        (Some(ticket), _) => ticket.legs.iter().any(|leg| reach.agency(leg.agency)),
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
        counter: about.map(|of| counter(fold.hall(), fold.plan(of.id), of, with_staff)),
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
    }
}

fn actor(actor: &Actor) -> common::Actor {
    let kind = match actor.kind {
        ActorKind::Staff => common::ActorKind::Staff,
        ActorKind::Device => common::ActorKind::Device,
        ActorKind::Citizen => common::ActorKind::Citizen,
        ActorKind::System => common::ActorKind::System,
    };
    common::Actor { id: actor.id.clone(), kind: kind.into() }
}

/// The state of a ticket in the contract.
pub(crate) fn ticket_state(state: State) -> proto::TicketState {
    match state {
        State::Waiting => proto::TicketState::Waiting,
        State::Called => proto::TicketState::Called,
        State::Serving => proto::TicketState::Serving,
        State::Parked => proto::TicketState::Parked,
        State::NoShow => proto::TicketState::NoShow,
        State::Done => proto::TicketState::Done,
        State::Cancelled => proto::TicketState::Cancelled,
        State::Expired => proto::TicketState::Expired,
    }
}

/// A verb in the contract.
pub(crate) fn verb(verb: Verb) -> proto::TicketVerb {
    match verb {
        Verb::Call => proto::TicketVerb::Call,
        Verb::Recall => proto::TicketVerb::Recall,
        Verb::Start => proto::TicketVerb::Start,
        Verb::Finish => proto::TicketVerb::Finish,
        Verb::NoShow => proto::TicketVerb::NoShow,
        Verb::Restore => proto::TicketVerb::Restore,
        Verb::Park => proto::TicketVerb::Park,
        Verb::Resume => proto::TicketVerb::Resume,
        Verb::Transfer => proto::TicketVerb::Transfer,
        Verb::Cancel => proto::TicketVerb::Cancel,
        Verb::UndoCall => proto::TicketVerb::UndoCall,
        Verb::Release => proto::TicketVerb::Release,
        Verb::Expire => proto::TicketVerb::Expire,
    }
}

/// The availability of a counter in the contract.
pub(crate) fn availability(availability: Availability) -> proto::CounterState {
    match availability {
        Availability::Closed => proto::CounterState::Closed,
        Availability::Open => proto::CounterState::Open,
        Availability::Break => proto::CounterState::Break,
    }
}

fn priority(priority: Option<Priority>) -> proto::Priority {
    match priority {
        None => proto::Priority::None,
        Some(Priority::Disability) => proto::Priority::Disability,
        Some(Priority::Elderly) => proto::Priority::Elderly,
        Some(Priority::Pregnant) => proto::Priority::Pregnant,
        Some(Priority::Child) => proto::Priority::Child,
        Some(Priority::DisasterVictim) => proto::Priority::DisasterVictim,
        Some(Priority::Internal) => proto::Priority::Internal,
    }
}

/// The priority that a request asks for.
pub(super) fn asked_priority(priority: proto::Priority) -> Option<Priority> {
    match priority {
        proto::Priority::Unspecified | proto::Priority::None => None,
        proto::Priority::Disability => Some(Priority::Disability),
        proto::Priority::Elderly => Some(Priority::Elderly),
        proto::Priority::Pregnant => Some(Priority::Pregnant),
        proto::Priority::Child => Some(Priority::Child),
        proto::Priority::DisasterVictim => Some(Priority::DisasterVictim),
        proto::Priority::Internal => Some(Priority::Internal),
    }
}

fn assistance(assistance: Assistance) -> proto::Assistance {
    match assistance {
        Assistance::Wheelchair => proto::Assistance::Wheelchair,
        Assistance::SignLanguage => proto::Assistance::SignLanguage,
        Assistance::Escort => proto::Assistance::Escort,
        Assistance::Reading => proto::Assistance::Reading,
    }
}

/// The help that a request asks for; none when it does not say which.
pub(super) fn asked_assistance(assistance: proto::Assistance) -> Option<Assistance> {
    match assistance {
        proto::Assistance::Unspecified => None,
        proto::Assistance::Wheelchair => Some(Assistance::Wheelchair),
        proto::Assistance::SignLanguage => Some(Assistance::SignLanguage),
        proto::Assistance::Escort => Some(Assistance::Escort),
        proto::Assistance::Reading => Some(Assistance::Reading),
    }
}

fn channel(channel: Channel) -> proto::Channel {
    match channel {
        Channel::Kiosk => proto::Channel::Kiosk,
        Channel::Reception => proto::Channel::Reception,
        Channel::Api => proto::Channel::Api,
        Channel::Onsite => proto::Channel::Onsite,
    }
}

/// The channel that a request names.
pub(super) fn asked_channel(channel: proto::Channel) -> Channel {
    match channel {
        proto::Channel::Unspecified | proto::Channel::Api => Channel::Api,
        proto::Channel::Kiosk => Channel::Kiosk,
        proto::Channel::Reception => Channel::Reception,
        proto::Channel::Onsite => Channel::Onsite,
    }
}

fn outcome(outcome: Outcome) -> proto::Outcome {
    match outcome {
        Outcome::Done => proto::Outcome::Done,
        Outcome::IncompleteDocuments => proto::Outcome::IncompleteDocuments,
        Outcome::NotProvided => proto::Outcome::NotProvided,
        Outcome::Cancelled => proto::Outcome::Cancelled,
    }
}

/// The outcome that a request names.
pub(super) fn asked_outcome(outcome: proto::Outcome) -> Outcome {
    match outcome {
        proto::Outcome::Unspecified | proto::Outcome::Done => Outcome::Done,
        proto::Outcome::IncompleteDocuments => Outcome::IncompleteDocuments,
        proto::Outcome::NotProvided => Outcome::NotProvided,
        proto::Outcome::Cancelled => Outcome::Cancelled,
    }
}

fn leg_outcome(outcome: LegOutcome) -> proto::LegOutcome {
    match outcome {
        LegOutcome::Served => proto::LegOutcome::Served,
        LegOutcome::Transferred => proto::LegOutcome::Transferred,
        LegOutcome::NoShow => proto::LegOutcome::NoShow,
        LegOutcome::Cancelled => proto::LegOutcome::Cancelled,
        LegOutcome::Expired => proto::LegOutcome::Expired,
    }
}

fn kind(kind: Kind) -> proto::EventKind {
    match kind {
        Kind::DayOpened => proto::EventKind::DayOpened,
        Kind::DayClosed => proto::EventKind::DayClosed,
        Kind::Configured => proto::EventKind::Configured,
        Kind::IntakeStopped => proto::EventKind::IntakeStopped,
        Kind::IntakeResumed => proto::EventKind::IntakeResumed,
        Kind::CounterOpened => proto::EventKind::CounterOpened,
        Kind::CounterPaused => proto::EventKind::CounterPaused,
        Kind::CounterResumed => proto::EventKind::CounterResumed,
        Kind::CounterClosed => proto::EventKind::CounterClosed,
        Kind::TicketIssued => proto::EventKind::TicketIssued,
        Kind::TicketCalled => proto::EventKind::TicketCalled,
        Kind::TicketCalledSpecific => proto::EventKind::TicketCalledSpecific,
        Kind::TicketRecalled => proto::EventKind::TicketRecalled,
        Kind::TicketStarted => proto::EventKind::TicketStarted,
        Kind::TicketFinished => proto::EventKind::TicketFinished,
        Kind::TicketAbsent => proto::EventKind::TicketAbsent,
        Kind::TicketNoShow => proto::EventKind::TicketNoShow,
        Kind::TicketRestored => proto::EventKind::TicketRestored,
        Kind::TicketParked => proto::EventKind::TicketParked,
        Kind::TicketResumed => proto::EventKind::TicketResumed,
        Kind::TicketTransferred => proto::EventKind::TicketTransferred,
        Kind::TicketCancelled => proto::EventKind::TicketCancelled,
        Kind::CallUndone => proto::EventKind::CallUndone,
        Kind::TicketReleased => proto::EventKind::TicketReleased,
        Kind::TicketExpired => proto::EventKind::TicketExpired,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::IntoEnumIterator as _;

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
            events.into_iter().map(|one| event(&day.fold, &store(one), reach, false).is_some()).collect()
        };
        let (here, there) = (day.counter(0), day.counter(1));
        let open = |counter| Order::OpenCounter { counter, services: Vec::new(), switch_desk: false };
        assert_eq!(seen(&mut day, Order::OpenDay, &own), [true], "the day is everybody's");
        assert_eq!(seen(&mut day, open(here), &own), [true]);
        assert_eq!(seen(&mut day, open(there), &own), [false]);
        assert_eq!(seen(&mut day, open(there), &Reach::everything()), [true]);
        let foreign = day.walk_in(2);
        assert_eq!(
            seen(&mut day, Order::CloseDay, &own),
            [false, true],
            "not the foreign ticket's end, but the day's"
        );
        assert!(day.ticket(foreign).ended_at.is_some());
    }

    /// The names of a domain enum, in the contract's spelling, and the contract's own, without the unspecified zero.
    fn parity<D>(
        all: impl Iterator<Item = D>,
        convert: impl Fn(D) -> &'static str,
        prefix: &str,
        highest: i32,
        name: impl Fn(i32) -> Option<&'static str>,
    ) where
        D: ToString + Copy,
    {
        let mut seen = BTreeSet::new();
        for value in all {
            let wire = convert(value);
            assert_eq!(wire, format!("{prefix}_{}", value.to_string().to_uppercase()));
            assert!(seen.insert(wire), "{wire} stands for two values");
        }
        let contract: BTreeSet<&str> = (1..=highest).filter_map(name).collect();
        assert_eq!(seen, contract, "every value of the contract has one in the domain");
    }

    #[test]
    fn states_verbs_and_kinds_are_the_same_in_contract_and_domain() {
        parity(
            State::iter(),
            |state| ticket_state(state).as_str_name(),
            "TICKET_STATE",
            50,
            |value| proto::TicketState::try_from(value).ok().map(|value| value.as_str_name()),
        );
        parity(
            Verb::iter(),
            |one| verb(one).as_str_name(),
            "TICKET_VERB",
            50,
            |value| proto::TicketVerb::try_from(value).ok().map(|value| value.as_str_name()),
        );
        parity(
            Kind::iter(),
            |one| kind(one).as_str_name(),
            "EVENT_KIND",
            50,
            |value| proto::EventKind::try_from(value).ok().map(|value| value.as_str_name()),
        );
        parity(
            LegOutcome::iter(),
            |one| leg_outcome(one).as_str_name(),
            "LEG_OUTCOME",
            50,
            |value| proto::LegOutcome::try_from(value).ok().map(|value| value.as_str_name()),
        );
        parity(
            Outcome::iter(),
            |one| outcome(one).as_str_name(),
            "OUTCOME",
            50,
            |value| proto::Outcome::try_from(value).ok().map(|value| value.as_str_name()),
        );
    }

    #[test]
    fn what_a_request_asks_for_comes_back_as_it_was_asked() {
        for value in Priority::iter() {
            assert_eq!(asked_priority(priority(Some(value))), Some(value));
        }
        assert_eq!(asked_priority(proto::Priority::Unspecified), None);
        for value in Assistance::iter() {
            assert_eq!(asked_assistance(assistance(value)), Some(value));
        }
        for value in Channel::iter() {
            assert_eq!(asked_channel(channel(value)), value);
        }
        for value in Outcome::iter() {
            assert_eq!(asked_outcome(outcome(value)), value);
        }
    }
}

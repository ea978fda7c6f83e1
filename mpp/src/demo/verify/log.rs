//! The log in itself: order, numbers, transitions, holding, hours, day end.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mpp_proto::queue::v1::{Calendar, Event, EventKind, Hall, Ticket, TicketState};

use super::Check;
use super::recompute::hours_ahead;
use crate::demo::plan;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Positions follow each other, ids and chain hashes are distinct, time does not go back.
pub(super) fn gap_free(events: &[Event]) -> Check {
    let mut check = Check::new("the log has no gap, no repetition and no step back in time");
    let (mut ids, mut chains) = (BTreeSet::new(), BTreeSet::new());
    for event in events {
        check.expect(ids.insert(event.id.as_str()), || format!("event id {} occurs twice", event.id));
        let hash = event.chain.len() == 64 && event.chain.bytes().all(|digit| digit.is_ascii_hexdigit());
        check.expect(hash && chains.insert(event.chain.as_str()), || {
            format!("event {} has no chain hash of its own", event.seq)
        });
    }
    for pair in events.windows(2) {
        check.expect(pair[1].seq == pair[0].seq + 1, || {
            format!("event {} is followed by event {}", pair[0].seq, pair[1].seq)
        });
        let moment = |event: &Event| event.time.map(|time| (time.seconds, time.nanos));
        check.expect(moment(&pair[0]) <= moment(&pair[1]), || {
            format!("event {} is earlier than the one before it", pair[1].seq)
        });
    }
    check
}

/// Each number is issued once, and each series counts up by one from its first number.
pub(super) fn numbers_once(hall: &Hall, events: &[Event]) -> Check {
    let mut check = Check::new("no number is issued twice, each series counts up by one");
    let mut next: HashMap<String, u32> = hall
        .services
        .iter()
        .filter_map(|service| service.series.as_ref())
        .map(|series| (series.prefix.clone(), u32::try_from(series.first.max(1)).unwrap_or(1)))
        .collect();
    let mut given: HashMap<&str, &str> = HashMap::new();
    for (event, ticket) in tickets(events).filter(|(event, _)| event.kind() == EventKind::TicketIssued) {
        if let Some(other) = given.insert(&ticket.number, &ticket.id) {
            check.differs(format!("number {} belongs to {other} and to {}", ticket.number, ticket.id));
        }
        let digits = ticket.number.trim_start_matches(|letter: char| letter.is_ascii_uppercase());
        let prefix = &ticket.number[..ticket.number.len() - digits.len()];
        match (digits.parse::<u32>(), next.get_mut(prefix)) {
            (Ok(ordinal), Some(expected)) => {
                check.expect(ordinal == *expected, || {
                    format!("event {} issues {} where {prefix} {expected} is next", event.seq, ticket.number)
                });
                *expected = ordinal + 1;
            }
            (Err(_), _) | (_, None) => {
                check.differs(format!("event {} issues {}, which is of no series", event.seq, ticket.number));
            }
        }
    }
    check
}

/// Each ticket begins with its issue and goes on by permitted steps, its version growing by one; its number, hall,
/// date and arrival never change.
pub(super) fn legal_transitions(events: &[Event]) -> Check {
    let mut check = Check::new("every ticket goes by permitted steps, one version at a time");
    let mut before: HashMap<&str, &Ticket> = HashMap::new();
    for (event, ticket) in tickets(events) {
        let known = before.insert(&ticket.id, ticket);
        let from = known.map_or(TicketState::Unspecified, Ticket::state);
        check.expect(permitted(event.kind(), from, ticket.state()), || {
            format!(
                "event {}: {} leads ticket {} from {} to {}",
                event.seq,
                event.kind().as_str_name(),
                ticket.number,
                from.as_str_name(),
                ticket.state().as_str_name()
            )
        });
        let version = known.map_or(1, |known| known.version + 1);
        check.expect(ticket.version == version, || {
            format!(
                "event {}: ticket {} has version {}, not {version}",
                event.seq, ticket.number, ticket.version
            )
        });
        if let Some(known) = known {
            let identity = |ticket: &Ticket| {
                (
                    ticket.number.clone(),
                    ticket.hall_id.clone(),
                    ticket.business_date.clone(),
                    ticket.arrival_time,
                )
            };
            check.expect(identity(known) == identity(ticket), || {
                format!("event {}: ticket {} changed number, hall, date or arrival", event.seq, known.number)
            });
        }
    }
    check
}

/// The states that a kind of event leads from and to. The first issue of a ticket comes from nowhere.
fn permitted(kind: EventKind, from: TicketState, to: TicketState) -> bool {
    use TicketState::{Called, Cancelled, Done, Expired, NoShow, Parked, Serving, Unspecified, Waiting};
    let (froms, tos): (&[TicketState], &[TicketState]) = match kind {
        EventKind::TicketIssued => (&[Unspecified], &[Waiting]),
        EventKind::TicketCalled | EventKind::TicketCalledSpecific => (&[Waiting], &[Called]),
        EventKind::TicketRecalled => (&[Called], &[Called]),
        EventKind::TicketStarted => (&[Called], &[Serving]),
        EventKind::TicketFinished => (&[Serving], &[Done]),
        EventKind::TicketAbsent => (&[Called], &[Waiting]),
        EventKind::TicketNoShow => (&[Called], &[NoShow]),
        EventKind::TicketRestored => (&[NoShow], &[Waiting]),
        EventKind::TicketParked => (&[Called, Serving], &[Parked]),
        EventKind::TicketResumed => (&[Parked], &[Called]),
        EventKind::TicketTransferred => (&[Called, Serving, Parked], &[Waiting]),
        EventKind::TicketCancelled => (&[Waiting, Called, Serving, Parked], &[Cancelled]),
        EventKind::CallUndone => (&[Called], &[Waiting, Parked]),
        EventKind::TicketReleased => (&[Called, Serving], &[Waiting]),
        EventKind::TicketExpired => (&[Waiting, Called, Serving, Parked], &[Expired]),
        EventKind::TicketReopened => (&[Expired], &[Waiting]),
        EventKind::Unspecified
        | EventKind::DayReopened
        | EventKind::DayOpened
        | EventKind::DayClosed
        | EventKind::Configured
        | EventKind::IntakeStopped
        | EventKind::IntakeResumed
        | EventKind::CounterOpened
        | EventKind::CounterPaused
        | EventKind::CounterResumed
        | EventKind::CounterClosed => (&[], &[]),
    };
    froms.contains(&from) && tos.contains(&to)
}

/// At no position of the log do two counters hold one ticket, or one counter two tickets.
pub(super) fn one_ticket_one_counter(events: &[Event]) -> Check {
    let mut check = Check::new("no two counters hold one ticket, no counter holds two");
    let mut held_by: HashMap<&str, &Ticket> = HashMap::new();
    let mut holder_of: HashMap<&str, &str> = HashMap::new();
    for (event, ticket) in tickets(events) {
        let held = matches!(ticket.state(), TicketState::Called | TicketState::Serving);
        let before = holder_of.remove(ticket.id.as_str());
        if let Some(counter) = before {
            held_by.remove(counter);
        }
        if !held {
            continue;
        }
        check.expect(!ticket.counter_id.is_empty(), || {
            format!("event {}: ticket {} is held by no counter", event.seq, ticket.number)
        });
        check.expect(before.is_none_or(|counter| counter == ticket.counter_id), || {
            format!("event {}: ticket {} is held by two counters", event.seq, ticket.number)
        });
        if let Some(other) = held_by.insert(&ticket.counter_id, ticket) {
            check.differs(format!(
                "event {}: counter {} holds {} and {}",
                event.seq, ticket.counter_id, other.number, ticket.number
            ));
        }
        holder_of.insert(&ticket.id, &ticket.counter_id);
        if let Some(counter) = &event.counter {
            check.expect(counter.id != ticket.counter_id || counter.current_ticket_id == ticket.id, || {
                format!("event {}: counter and ticket {} do not agree", event.seq, ticket.number)
            });
        }
    }
    check
}

/// Nothing is called at a counter that is closed or on break.
pub(super) fn called_at_open_counters(events: &[Event]) -> Check {
    let mut check = Check::new("tickets are called only at open counters");
    let mut open: BTreeSet<&str> = BTreeSet::new();
    for event in events {
        match event.kind() {
            EventKind::CounterOpened | EventKind::CounterResumed => {
                open.insert(&event.counter_id);
            }
            EventKind::CounterPaused | EventKind::CounterClosed => {
                open.remove(event.counter_id.as_str());
            }
            EventKind::TicketCalled | EventKind::TicketCalledSpecific | EventKind::TicketResumed => {
                check.expect(open.contains(event.counter_id.as_str()), || {
                    format!("event {}: called at counter {}, which is not open", event.seq, event.counter_id)
                });
            }
            EventKind::Unspecified
            | EventKind::DayOpened
            | EventKind::DayClosed
            | EventKind::Configured
            | EventKind::IntakeStopped
            | EventKind::IntakeResumed
            | EventKind::TicketIssued
            | EventKind::TicketRecalled
            | EventKind::TicketStarted
            | EventKind::TicketFinished
            | EventKind::TicketAbsent
            | EventKind::TicketNoShow
            | EventKind::TicketRestored
            | EventKind::TicketParked
            | EventKind::TicketTransferred
            | EventKind::TicketCancelled
            | EventKind::CallUndone
            | EventKind::TicketReleased
            | EventKind::TicketExpired
            | EventKind::DayReopened
            | EventKind::TicketReopened => {}
        }
    }
    check
}

/// In a hall with a real calendar, tickets are issued in the windows of their agency only. Closures are not looked at:
/// a day is played on a date that has none.
pub(super) fn within_hours(hall: &Hall, events: &[Event]) -> Check {
    let mut check = Check::new("tickets are issued within the hours of their agency (real calendar)");
    if hall.calendar() == Calendar::Demo {
        return check;
    }
    for (event, ticket) in tickets(events).filter(|(event, _)| event.kind() == EventKind::TicketIssued) {
        let local = event.time.map_or(0, |time| time.seconds) + hours_ahead(hall.time_zone()) * 3600;
        // 1 January 1970 was a Thursday.
        let weekday = i32::try_from((local.div_euclid(DAY) + 3).rem_euclid(7) + 1).unwrap_or(0);
        let second = local.rem_euclid(DAY) as f64;
        let open = hall.agencies.iter().filter(|agency| agency.id == ticket.agency_id).any(|agency| {
            plan::windows(agency, weekday).iter().any(|window| window.0 <= second && second < window.1)
        });
        check.expect(open, || {
            let minute = local.rem_euclid(DAY) / 60;
            let (hours, minutes) = (minute / 60, minute % 60);
            format!(
                "event {}: {} is issued at {hours:02}:{minutes:02}, outside the hours",
                event.seq, ticket.number
            )
        });
    }
    check
}

/// The day opens first and closes last; before it closes, everything that is open expires; nothing stays open.
pub(super) fn day_end(events: &[Event]) -> Check {
    let mut check = Check::new("the day opens once and closes once, and leaves no ticket open");
    let at = |kind: EventKind| -> Vec<usize> {
        events.iter().enumerate().filter(|(_, event)| event.kind() == kind).map(|(at, _)| at).collect()
    };
    let (opened, closed, expired) =
        (at(EventKind::DayOpened), at(EventKind::DayClosed), at(EventKind::TicketExpired));
    check.expect(opened == [0], || format!("the day opened at {opened:?} of its own log, not first"));
    check.expect(closed.len() == 1, || format!("the day closed {} times", closed.len()));
    if let [closed] = closed[..] {
        for (nth, at) in expired.iter().rev().enumerate() {
            check.expect(at + nth + 1 == closed, || {
                format!("event {} expires a ticket, but not as part of the day end", events[*at].seq)
            });
        }
        check.expect(tickets(&events[closed..]).next().is_none(), || {
            "a ticket changed after the day end".to_owned()
        });
    }
    let last: BTreeMap<&str, &Ticket> =
        tickets(events).map(|(_, ticket)| (ticket.id.as_str(), ticket)).collect();
    for ticket in last.values() {
        let ended = matches!(
            ticket.state(),
            TicketState::Done | TicketState::NoShow | TicketState::Cancelled | TicketState::Expired
        );
        check.expect(ended, || format!("ticket {} is still {}", ticket.number, ticket.state().as_str_name()));
    }
    check
}

fn tickets(events: &[Event]) -> impl Iterator<Item = (&Event, &Ticket)> {
    events.iter().filter_map(|event| event.ticket.as_ref().map(|ticket| (event, ticket)))
}

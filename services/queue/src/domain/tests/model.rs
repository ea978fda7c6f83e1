//! Independent recomputations: what the fold, the choice and the statistics must equal, written from the rules and the
//! events again, in the plainest way.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::choice::Reason;
use crate::domain::event::{Event, Kind};
use crate::domain::fold::Fold;
use crate::domain::hall::TimeZone;
use crate::domain::statistics::{Row, Statistics};
use crate::domain::ticket::{Lane, State, Ticket, Verb};
use crate::domain::{ServiceId, TicketId};

/// The verb behind an event about a ticket; none for its issue.
pub(super) fn verb(kind: Kind) -> Option<Verb> {
    match kind {
        Kind::TicketCalled | Kind::TicketCalledSpecific => Some(Verb::Call),
        Kind::TicketRecalled => Some(Verb::Recall),
        Kind::TicketStarted => Some(Verb::Start),
        Kind::TicketFinished => Some(Verb::Finish),
        Kind::TicketAbsent | Kind::TicketNoShow => Some(Verb::NoShow),
        Kind::TicketRestored => Some(Verb::Restore),
        Kind::TicketParked => Some(Verb::Park),
        Kind::TicketResumed => Some(Verb::Resume),
        Kind::TicketTransferred => Some(Verb::Transfer),
        Kind::TicketCancelled => Some(Verb::Cancel),
        Kind::CallUndone => Some(Verb::UndoCall),
        Kind::TicketReleased => Some(Verb::Release),
        Kind::TicketExpired => Some(Verb::Expire),
        Kind::TicketReopened => Some(Verb::Reopen),
        Kind::TicketIssued
        | Kind::DayOpened
        | Kind::DayClosed
        | Kind::DayReopened
        | Kind::Configured
        | Kind::IntakeStopped
        | Kind::IntakeResumed
        | Kind::CounterOpened
        | Kind::CounterPaused
        | Kind::CounterResumed
        | Kind::CounterClosed => None,
    }
}

/// Everything a fold holds, in one text that is equal for equal folds.
pub(super) fn snapshot(fold: &Fold, events: &[Event]) -> String {
    let mut out = format!("{}\n{:?}\n{:?}\n", fold.seq(), fold.day(), fold.hall());
    let mut tickets: Vec<_> = fold.tickets().collect();
    tickets.sort_by_key(|ticket| ticket.id);
    for ticket in tickets {
        writeln!(out, "{ticket:?} {:?}", fold.ticket_by_token(&ticket.token).map(|it| it.id)).expect("text");
    }
    writeln!(out, "{:?}", fold.tickets_after(0).map(|(at, it)| (at, it.id)).collect::<Vec<_>>())
        .expect("text");
    for plan in &fold.hall().counters {
        writeln!(out, "{:?}", fold.counter(plan.id)).expect("text");
    }
    for service in &fold.hall().services {
        let line = fold.line(service.id).cloned().unwrap_or_default();
        let counts =
            [Lane::Priority, Lane::Appointment, Lane::Ordinary].map(|lane| fold.passed(service.id, lane));
        writeln!(
            out,
            "{line:?} {counts:?} {} {:?} {:?}",
            fold.issued(service.id),
            fold.durations(service.id),
            fold.last_ordinal(&service.series.prefix)
        )
        .expect("text");
    }
    for agency in &fold.hall().agencies {
        let aside: Vec<_> = fold.aside(agency.id).map(|ticket| ticket.id).collect();
        let persons: Vec<_> = (0..8).map(|n| fold.issued_to(agency.id, &format!("person-{n}"))).collect();
        writeln!(out, "{aside:?} {persons:?}").expect("text");
    }
    writeln!(out, "{:?}", fold.calls()).expect("text");
    for request in events.iter().filter_map(|event| event.request.as_ref()) {
        writeln!(out, "{} {:?}", request.key, fold.replay(&request.key)).expect("text");
    }
    out
}

/// The lines as they follow from the tickets alone.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct PlainLine {
    pub(super) priority: BTreeSet<(u64, TicketId)>,
    pub(super) ordinary: BTreeSet<(u64, TicketId)>,
    pub(super) appointments: BTreeSet<(DateTime<Utc>, (u64, TicketId))>,
}

pub(super) fn lines(fold: &Fold) -> BTreeMap<ServiceId, PlainLine> {
    let mut lines: BTreeMap<ServiceId, PlainLine> = BTreeMap::new();
    for ticket in fold.tickets().filter(|ticket| ticket.state == State::Waiting) {
        let line = lines.entry(ticket.service).or_default();
        match (ticket.priority, ticket.appointment) {
            (Some(_), _) => line.priority.insert((ticket.place, ticket.id)),
            (None, Some(time)) => line.appointments.insert((time, (ticket.place, ticket.id))),
            (None, None) => line.ordinary.insert((ticket.place, ticket.id)),
        };
    }
    lines
}

/// Where a waiting ticket stands now; `None` is an appointment before its time.
fn lane(fold: &Fold, ticket: &Ticket, now: DateTime<Utc>) -> Option<Lane> {
    let early = TimeDelta::minutes(i64::from(fold.hall().appointment_early_minutes));
    let late = TimeDelta::minutes(i64::from(fold.hall().appointment_late_minutes));
    match (ticket.priority, ticket.appointment) {
        (Some(_), _) => Some(Lane::Priority),
        (None, Some(time)) if now > time + late => Some(Lane::Ordinary),
        (None, Some(time)) if now < time - early => None,
        (None, Some(_)) => Some(Lane::Appointment),
        (None, None) => Some(Lane::Ordinary),
    }
}

/// What a call would be: the ticket, why, and the counts that change.
pub(super) type PlainChoice = (TicketId, Reason, BTreeMap<(ServiceId, String), u32>);

/// The rule of choice.rs, from all tickets, without lines.
pub(super) fn next(fold: &Fold, services: &[ServiceId], now: DateTime<Utc>) -> Option<PlainChoice> {
    let ready: Vec<&Ticket> = fold
        .tickets()
        .map(AsRef::as_ref)
        .filter(|ticket| ticket.state == State::Waiting && services.contains(&ticket.service))
        .filter(|ticket| ticket.not_before.is_none_or(|until| until <= now))
        .collect();
    let in_lane = |wanted: Option<Lane>| ready.iter().filter(move |ticket| lane(fold, ticket, now) == wanted);
    let by_arrival = |wanted| in_lane(Some(wanted)).min_by_key(|ticket| (ticket.place, ticket.id)).copied();
    let by_time =
        |wanted| in_lane(wanted).min_by_key(|ticket| (ticket.appointment, ticket.place, ticket.id)).copied();
    let (priority, ordinary) = (by_arrival(Lane::Priority), by_arrival(Lane::Ordinary));
    let (appointment, early) = (by_time(Some(Lane::Appointment)), by_time(None));
    let turn = |ticket: Option<&Ticket>, lane| {
        ticket.is_some_and(|ticket| {
            let ratio = fold.agency(ticket.agency).expect("an agency").priority_ratio;
            fold.passed(ticket.service, lane) >= ratio
        })
    };
    let (chosen, lane, reason) =
        if turn(ordinary, Lane::Ordinary) && (priority.is_some() || appointment.is_some()) {
            (ordinary?, Some(Lane::Ordinary), Reason::Ratio)
        } else if turn(appointment, Lane::Appointment) && priority.is_some() {
            (appointment?, Some(Lane::Appointment), Reason::Ratio)
        } else if let Some(ticket) = priority {
            (ticket, Some(Lane::Priority), Reason::Priority)
        } else if let Some(ticket) = appointment {
            (ticket, Some(Lane::Appointment), Reason::Appointment)
        } else if let Some(ticket) = ordinary {
            (ticket, Some(Lane::Ordinary), Reason::Arrival)
        } else {
            (early?, None, Reason::EarlyAppointment)
        };
    let mut counts = BTreeMap::new();
    let mut pass = |head: Option<&Ticket>, passed: Lane| {
        if let Some(head) = head {
            counts.insert((head.service, passed.to_string()), fold.passed(head.service, passed) + 1);
        }
    };
    match lane {
        Some(Lane::Priority) => {
            pass(appointment, Lane::Appointment);
            pass(ordinary, Lane::Ordinary);
        }
        Some(Lane::Appointment) => pass(ordinary, Lane::Ordinary),
        Some(Lane::Ordinary) | None => {}
    }
    if let Some(own @ (Lane::Appointment | Lane::Ordinary)) = lane
        && fold.passed(chosen.service, own) > 0
    {
        counts.insert((chosen.service, own.to_string()), 0);
    }
    Some((chosen.id, reason, counts))
}

/// What a leg is known by while events are read.
#[derive(Debug, Clone, Default)]
struct PlainLeg {
    service: String,
    agency: String,
    counter: Option<String>,
    queued: DateTime<Utc>,
    called: Option<DateTime<Utc>>,
    started: Option<DateTime<Utc>>,
    ended: Option<DateTime<Utc>>,
    outcome: Option<&'static str>,
    calls: u32,
    party: u32,
    /// What it began with.
    came: Option<Kind>,
    /// Spans in which it was really served.
    served: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)>,
}

impl PlainLeg {
    fn stop(&mut self, at: DateTime<Utc>) {
        if let Some((_, end @ None)) = self.served.last_mut() {
            *end = Some(at);
        }
    }

    fn end(&mut self, at: DateTime<Utc>, outcome: &'static str) {
        self.stop(at);
        self.ended = Some(at);
        self.outcome = Some(outcome);
    }
}

/// The numbers of the last day in `events`, from kinds, times and counters alone: no leg, no version, no fold.
pub(super) fn statistics(events: &[Event], zone: TimeZone) -> Statistics {
    let from = events.iter().rposition(|event| event.kind == Kind::DayOpened).unwrap_or(0);
    let mut legs: HashMap<TicketId, Vec<PlainLeg>> = HashMap::new();
    let mut undo: HashMap<TicketId, PlainLeg> = HashMap::new();
    for event in &events[from..] {
        let Some(ticket) = &event.ticket else { continue };
        let all = legs.entry(ticket.id).or_default();
        let begin = || PlainLeg {
            service: ticket.service.to_string(),
            agency: ticket.agency.to_string(),
            queued: event.at,
            party: ticket.party_size,
            came: Some(event.kind),
            ..PlainLeg::default()
        };
        if event.kind == Kind::TicketIssued {
            all.push(begin());
            continue;
        }
        let leg = all.last_mut().expect("issued before anything else");
        match event.kind {
            Kind::TicketCalled | Kind::TicketCalledSpecific | Kind::TicketResumed => {
                undo.insert(ticket.id, leg.clone());
                leg.called.get_or_insert(event.at);
                leg.counter = event.counter.map(|counter| counter.to_string());
                leg.calls += 1;
            }
            Kind::TicketRecalled => leg.calls += 1,
            Kind::TicketStarted => {
                leg.started.get_or_insert(event.at);
                leg.served.push((event.at, None));
            }
            Kind::TicketFinished => leg.end(event.at, "served"),
            Kind::TicketNoShow => leg.end(event.at, "no_show"),
            Kind::TicketCancelled => leg.end(event.at, "cancelled"),
            Kind::TicketExpired => leg.end(event.at, "expired"),
            Kind::TicketRestored => all.push(begin()),
            Kind::TicketTransferred => {
                leg.end(event.at, "transferred");
                all.push(begin());
            }
            Kind::CallUndone => *leg = undo.remove(&ticket.id).expect("a call to take back"),
            Kind::TicketParked | Kind::TicketReleased => leg.stop(event.at),
            Kind::TicketAbsent => {}
            Kind::TicketReopened => (leg.ended, leg.outcome) = (None, None),
            Kind::TicketIssued
            | Kind::DayOpened
            | Kind::DayClosed
            | Kind::DayReopened
            | Kind::Configured
            | Kind::IntakeStopped
            | Kind::IntakeResumed
            | Kind::CounterOpened
            | Kind::CounterPaused
            | Kind::CounterResumed
            | Kind::CounterClosed => unreachable!("{:?} carries a ticket", event.kind),
        }
    }
    let mut sums = Statistics::default();
    for leg in legs.into_values().flatten() {
        let hour = zone.local(leg.queued).format("%H").to_string();
        count(&mut sums.total, &leg);
        count(sums.services.entry(leg.service.clone()).or_default(), &leg);
        count(sums.agencies.entry(leg.agency.clone()).or_default(), &leg);
        count(sums.hours.entry(hour).or_default(), &leg);
        if let Some(counter) = &leg.counter {
            count(sums.counters.entry(counter.clone()).or_default(), &leg);
        }
    }
    let mut rows = vec![&mut sums.total];
    rows.extend(sums.services.values_mut());
    rows.extend(sums.agencies.values_mut());
    rows.extend(sums.counters.values_mut());
    rows.extend(sums.hours.values_mut());
    for row in rows {
        row.waits.sort_unstable();
        row.ways.sort_unstable();
        row.services.sort_unstable();
    }
    sums
}

fn count(row: &mut Row, leg: &PlainLeg) {
    let seconds = |from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>| {
        // A clock that was set back gives no negative times.
        from.zip(to).map(|(from, to)| u32::try_from((to - from).num_seconds()).unwrap_or(0))
    };
    row.issued += 1;
    match leg.came {
        Some(Kind::TicketTransferred) => row.received += 1,
        Some(Kind::TicketRestored) => row.restored += 1,
        _ => {
            row.tickets += 1;
            row.persons += leg.party;
        }
    }
    row.calls += leg.calls;
    match leg.outcome {
        None => row.open += 1,
        Some("served") => row.served += 1,
        Some("no_show") => row.no_show += 1,
        Some("cancelled") => row.cancelled += 1,
        Some("transferred") => row.transferred += 1,
        Some("expired") => row.expired += 1,
        Some(other) => unreachable!("{other}"),
    }
    row.waits.extend(seconds(Some(leg.queued), leg.called));
    row.ways.extend(seconds(leg.called, leg.started));
    if matches!(leg.outcome, Some("served" | "transferred")) {
        let spans = leg.served.iter().filter_map(|(from, to)| Some((*to)? - *from));
        let whole: TimeDelta = spans.fold(TimeDelta::zero(), |sum, span| sum + span);
        row.services.extend(leg.started.map(|_| u32::try_from(whole.num_seconds()).unwrap_or(0)));
    }
}

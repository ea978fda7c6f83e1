//! The log against the clients: what they were told is there once, and nothing is there that nobody asked for.

use std::collections::{HashMap, HashSet};

use mpp_proto::common::v1::ActorKind;
use mpp_proto::queue::v1::{Counter, Event, EventKind, Ticket};

use super::Check;
use crate::demo::history::{Action, Operation, Outcome};

/// Every acknowledged command is one event with the same outcome; every event has a command; order is real.
pub(super) fn checks(operations: &[Operation], events: &[Event]) -> [Check; 3] {
    let mut matching = Matching::of(events);
    let acknowledged = matching.acknowledged(operations);
    let asked_for = matching.asked_for(operations);
    let real_time = matching.real_time(operations);
    [acknowledged, asked_for, real_time]
}

/// Which event belongs to which command.
struct Matching<'e> {
    events: &'e [Event],
    /// Index of the command of each event, once it is known.
    command: Vec<Option<usize>>,
    by_ticket: HashMap<(&'e str, u32), usize>,
    by_counter: HashMap<(&'e str, EventKind), Vec<usize>>,
    by_kind: HashMap<EventKind, Vec<usize>>,
}

impl<'e> Matching<'e> {
    fn of(events: &'e [Event]) -> Self {
        let mut matching = Self {
            events,
            command: vec![None; events.len()],
            by_ticket: HashMap::new(),
            by_counter: HashMap::new(),
            by_kind: HashMap::new(),
        };
        for (at, event) in events.iter().enumerate() {
            if let Some(ticket) = &event.ticket {
                matching.by_ticket.insert((&ticket.id, ticket.version), at);
            }
            matching.by_counter.entry((&event.counter_id, event.kind())).or_default().push(at);
            matching.by_kind.entry(event.kind()).or_default().push(at);
        }
        matching
    }

    fn acknowledged(&mut self, operations: &[Operation]) -> Check {
        let mut check = Check::new("every acknowledged command is in the log once, with the same outcome");
        for (nth, operation) in operations.iter().enumerate() {
            let Outcome::Done { ticket, counter, .. } = &operation.outcome else { continue };
            check.look();
            let found = match (ticket, counter) {
                (Some(ticket), _) => self.of_ticket(operation.action, ticket),
                (None, Some(counter)) => self.of_counter(operation.action, counter),
                (None, None) => self.of_day(operation.action),
            };
            match found {
                Ok(at) => self.command[at] = Some(nth),
                Err(sentence) => {
                    check.differs(format!("{} by {}: {sentence}", name(operation), operation.by))
                }
            }
        }
        check
    }

    fn of_ticket(&self, action: Action, answered: &Ticket) -> Result<usize, String> {
        let Some(at) = self.by_ticket.get(&(answered.id.as_str(), answered.version)).copied() else {
            return Err(format!("ticket {} version {} is not in the log", answered.number, answered.version));
        };
        let event = &self.events[at];
        if self.command[at].is_some() {
            return Err(format!("event {} was acknowledged to two commands", event.seq));
        }
        if !action.kinds().contains(&event.kind()) {
            return Err(format!("event {} is {}", event.seq, event.kind().as_str_name()));
        }
        let differing = event.ticket.as_ref().map(|logged| differences(logged, answered)).unwrap_or_default();
        if differing.is_empty() {
            Ok(at)
        } else {
            Err(format!("ticket {} was answered with another {}", answered.number, differing.join(", ")))
        }
    }

    fn of_counter(&self, action: Action, answered: &Counter) -> Result<usize, String> {
        action
            .kinds()
            .iter()
            .filter_map(|kind| self.by_counter.get(&(answered.id.as_str(), *kind)))
            .flatten()
            .copied()
            .find(|at| {
                let logged = self.events[*at].counter.as_ref();
                self.command[*at].is_none()
                    && logged.is_some_and(|logged| {
                        logged.change_time == answered.change_time
                            && logged.state == answered.state
                            && logged.reason == answered.reason
                    })
            })
            .ok_or_else(|| format!("counter {} as it was answered is not in the log", answered.number))
    }

    fn of_day(&self, action: Action) -> Result<usize, String> {
        let free = |at: &&usize| self.command[**at].is_none();
        let mut found = action.kinds().iter().filter_map(|kind| self.by_kind.get(kind)).flatten();
        found.find(free).copied().ok_or_else(|| "it is not in the log".to_owned())
    }

    /// Events without an acknowledged command must be those of a command whose answer was lost, of the day end, or of
    /// the system.
    fn asked_for(&mut self, operations: &[Operation]) -> Check {
        let mut check = Check::new("every event was asked for, by a client or by the system");
        let mut used: HashSet<usize> = HashSet::new();
        for (at, event) in self.events.iter().enumerate() {
            check.look();
            if self.command[at].is_some() || event.kind() == EventKind::TicketExpired {
                continue;
            }
            let lost = operations.iter().enumerate().find(|(nth, operation)| {
                matches!(operation.outcome, Outcome::Unknown(_))
                    && !used.contains(nth)
                    && may_have_made(operation, event)
            });
            if let Some((nth, _)) = lost {
                used.insert(nth);
                self.command[at] = Some(nth);
                continue;
            }
            let system = event.actor.as_ref().is_some_and(|actor| actor.kind() == ActorKind::System);
            if !system {
                let who = event.actor.as_ref().map(|actor| actor.id.as_str()).unwrap_or_default();
                check.differs(format!(
                    "event {} ({}) by {who} was asked for by no client of this day",
                    event.seq,
                    event.kind().as_str_name()
                ));
            }
        }
        check
    }

    /// A command that was answered before another was sent stands before it in the log.
    fn real_time(&self, operations: &[Operation]) -> Check {
        let mut check = Check::new("the order of the log is the order in which clients saw things happen");
        let mut latest_sent: Option<(u64, &Event)> = None;
        for (event, operation) in self.events.iter().zip(&self.command).filter_map(|(event, nth)| {
            nth.and_then(|nth| operations.get(nth)).map(|operation| (event, operation))
        }) {
            check.look();
            if let Some((sent, earlier)) = latest_sent
                && matches!(operation.outcome, Outcome::Done { .. })
                && operation.answered < sent
            {
                check.differs(format!(
                    "event {} was answered before event {} was asked for, but stands behind it",
                    event.seq, earlier.seq
                ));
            }
            if latest_sent.is_none_or(|(sent, _)| sent < operation.sent) {
                latest_sent = Some((operation.sent, event));
            }
        }
        check
    }
}

/// Fields of a ticket that an answer must show as the log has them.
fn differences(logged: &Ticket, answered: &Ticket) -> Vec<&'static str> {
    [
        ("number", logged.number == answered.number),
        ("state", logged.state == answered.state),
        ("service", logged.service_id == answered.service_id),
        ("agency", logged.agency_id == answered.agency_id),
        ("counter", logged.counter_id == answered.counter_id),
        ("business date", logged.business_date == answered.business_date),
        ("priority", logged.priority == answered.priority),
        ("outcome", logged.outcome == answered.outcome),
        ("legs", logged.legs == answered.legs),
        ("end time", logged.end_time == answered.end_time),
    ]
    .into_iter()
    .filter_map(|(field, same)| (!same).then_some(field))
    .collect()
}

/// Whether a command whose answer was lost may have left this event.
fn may_have_made(operation: &Operation, event: &Event) -> bool {
    let ticket = event.ticket.as_ref().map(|ticket| ticket.id.as_str()).unwrap_or_default();
    operation.action.kinds().contains(&event.kind())
        && operation.ticket.as_deref().is_none_or(|asked| asked == ticket)
        && operation.counter.as_deref().is_none_or(|asked| asked == event.counter_id)
}

fn name(operation: &Operation) -> String {
    format!("{:?}", operation.action)
}

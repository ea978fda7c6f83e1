//! What a command does: events, or a refusal. Pure: the same fold, command and time give the same answer.
//!
//! Ids and secrets that a command needs are made by the caller and passed in: nothing here is random.

mod counters;
mod day;
mod intake;
mod tickets;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use super::counter::{Availability, Counter};
use super::event::{Actor, Event, IntakeStop, Kind, RequestKey};
use super::fold::{Answer, Fold};
use super::hall::Hall;
use super::rejection::{Rejection, Thing};
use super::ticket::{Assistance, Channel, Delivered, Outcome, Priority, Ticket, VoidReason};
use super::{AgencyId, CounterId, EventId, ServiceId, TicketId};

pub use intake::intake;
pub(crate) use tickets::REASON_LEAST;

/// One bound of what a caller reaches; `None` is no bound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bound {
    /// Only these agencies.
    pub agencies: Option<BTreeSet<AgencyId>>,
    /// Only these counters.
    pub counters: Option<BTreeSet<CounterId>>,
}

/// What a caller reaches in the hall for the permission at hand: the union of its bounds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach(pub Vec<Bound>);

impl Reach {
    /// Everything in the hall.
    #[must_use]
    pub fn everything() -> Self {
        Self(vec![Bound::default()])
    }

    /// Whether the whole hall is within reach.
    #[must_use]
    pub fn hall(&self) -> bool {
        self.0.iter().any(|bound| bound.agencies.is_none() && bound.counters.is_none())
    }

    /// Whether things of this agency are within reach.
    #[must_use]
    pub fn agency(&self, agency: AgencyId) -> bool {
        self.0.iter().any(|bound| bound.agencies.as_ref().is_none_or(|agencies| agencies.contains(&agency)))
    }

    /// Whether the caller stands at this counter of this agency: a bound names it, instead of only not excluding it.
    #[must_use]
    pub fn names(&self, agency: AgencyId, counter: CounterId) -> bool {
        self.0.iter().any(|bound| {
            bound.agencies.as_ref().is_none_or(|agencies| agencies.contains(&agency))
                && bound.counters.as_ref().is_some_and(|counters| counters.contains(&counter))
        })
    }

    /// Whether this counter of this agency is within reach.
    #[must_use]
    pub fn counter(&self, agency: AgencyId, counter: CounterId) -> bool {
        self.0.iter().any(|bound| {
            bound.agencies.as_ref().is_none_or(|agencies| agencies.contains(&agency))
                && bound.counters.as_ref().is_none_or(|counters| counters.contains(&counter))
        })
    }
}

/// A ticket to issue. Id and token are made by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTicket {
    /// Its id.
    pub id: TicketId,
    /// Its public token.
    pub token: String,
    /// The service the visitor wants.
    pub service: ServiceId,
    /// Why it goes ahead, if it does.
    pub priority: Option<Priority>,
    /// Help to be ready to give.
    pub assistance: Vec<Assistance>,
    /// How it is issued.
    pub channel: Channel,
    /// Persons in the group.
    pub party_size: u32,
    /// The time of its appointment.
    pub appointment: Option<DateTime<Utc>>,
    /// Keyed digest of a phone number.
    pub person: Option<String>,
}

/// What is asked.
#[derive(Debug, Clone)]
pub enum Order {
    /// Open the business day.
    OpenDay,
    /// Close the business day.
    CloseDay {
        /// Only the day of this date; `None` for whichever is open.
        date: Option<NaiveDate>,
    },
    /// Replace the configuration.
    Configure(Arc<Hall>),
    /// Stop intake.
    StopIntake(IntakeStop),
    /// Take intake up again.
    ResumeIntake {
        /// Only this agency.
        agency: Option<AgencyId>,
        /// Only this service.
        service: Option<ServiceId>,
    },
    /// Open a counter.
    OpenCounter {
        /// Which.
        counter: CounterId,
        /// For these services; empty for all of its plan.
        services: Vec<ServiceId>,
        /// Leave the counter where the caller works now.
        switch_desk: bool,
    },
    /// Put a counter on break.
    PauseCounter {
        /// Which.
        counter: CounterId,
        /// Why.
        reason: String,
    },
    /// End the break of a counter.
    ResumeCounter {
        /// Which.
        counter: CounterId,
    },
    /// Close a counter.
    CloseCounter {
        /// Which.
        counter: CounterId,
        /// Why; may be empty.
        reason: String,
    },
    /// Issue a ticket.
    Issue(Box<NewTicket>),
    /// Call the next ticket.
    CallNext {
        /// To this counter.
        counter: CounterId,
        /// What the caller believes the counter holds; the outer `None` is no belief.
        expected: Option<Option<TicketId>>,
    },
    /// Call a given ticket out of order.
    CallTicket {
        /// To this counter.
        counter: CounterId,
        /// This ticket.
        ticket: TicketId,
        /// Why.
        reason: String,
    },
    /// Do something to a ticket.
    Ticket {
        /// Which.
        ticket: TicketId,
        /// The version the caller saw, if it wants a check.
        version: Option<u32>,
        /// What.
        act: Act,
        /// Why; may be empty, unless somebody else holds the ticket.
        reason: String,
    },
}

/// What is done to a ticket that is not called from the queue.
#[derive(Debug, Clone)]
pub enum Act {
    /// Announce it again.
    Recall,
    /// Begin service.
    Start,
    /// End service.
    Finish {
        /// How.
        outcome: Outcome,
        /// What was delivered; empty for the ticket's service once.
        delivered: Vec<Delivered>,
    },
    /// The visitor did not come.
    NoShow,
    /// Take a no-show back.
    Restore,
    /// Set it aside.
    Park {
        /// What colleagues should know.
        note: String,
    },
    /// Take it from aside to a counter.
    Resume {
        /// Which; none for the one that parked it.
        counter: Option<CounterId>,
    },
    /// Send it on.
    Transfer {
        /// To this service.
        service: ServiceId,
        /// What the next counter should know.
        note: String,
    },
    /// Cancel it.
    Cancel,
    /// Take it back, soon after it was issued, by who issued it.
    Void {
        /// Why.
        reason: VoidReason,
    },
    /// Take the call back.
    UndoCall,
    /// Free it from its counter.
    Release,
}

/// A command: who asks what.
#[derive(Debug, Clone)]
pub struct Command {
    /// Who asks.
    pub actor: Actor,
    /// What the caller reaches for the permission at hand.
    pub reach: Reach,
    /// Whether the caller may work at several counters at once.
    pub many_desks: bool,
    /// The key under which a retry finds the first answer.
    pub request: Option<RequestKey>,
    /// What is asked.
    pub order: Order,
}

/// What a command does.
#[derive(Debug)]
pub enum Decision {
    /// These events happen, in this order. The answer is in the last one.
    Happens(Vec<Event>),
    /// It was asked before: the first answer again.
    Replayed(Answer),
    /// It is so already.
    Unchanged(Answer),
}

/// Decides a command on the state of a hall. `new_id` gives the ids of the events.
///
/// # Errors
/// A [`Rejection`] that says why nothing happens.
pub fn decide(
    fold: &Fold,
    command: &Command,
    now: DateTime<Utc>,
    new_id: &dyn Fn() -> EventId,
) -> Result<Decision, Rejection> {
    if let Some(request) = &command.request
        && let Some(replay) = fold.replay(&request.key)
    {
        return if replay.fingerprint == request.fingerprint {
            Ok(Decision::Replayed(replay.answer.clone()))
        } else {
            Err(Rejection::RequestIdReused)
        };
    }
    let step = Step { fold, command, now, new_id };
    let decision = match &command.order {
        Order::OpenDay => step.open_day()?,
        Order::CloseDay { date } => step.close_day(*date)?,
        Order::Configure(hall) => Decision::Happens(vec![step.configure(hall)?]),
        Order::StopIntake(stop) => Decision::Happens(vec![step.stop_intake(stop)?]),
        Order::ResumeIntake { agency, service } => step.resume_intake(*agency, *service)?,
        Order::OpenCounter { counter, services, switch_desk } => {
            Decision::Happens(vec![step.open_counter(*counter, services, *switch_desk)?])
        }
        Order::PauseCounter { counter, reason } => {
            Decision::Happens(vec![step.pause_counter(*counter, reason)?])
        }
        Order::ResumeCounter { counter } => step.resume_counter(*counter)?,
        Order::CloseCounter { counter, reason } => step.close_counter(*counter, reason)?,
        Order::Issue(new) => Decision::Happens(vec![step.issue(new)?]),
        Order::CallNext { counter, expected } => {
            Decision::Happens(vec![step.call_next(*counter, *expected)?])
        }
        Order::CallTicket { counter, ticket, reason } => {
            Decision::Happens(vec![step.call_ticket(*counter, *ticket, reason)?])
        }
        Order::Ticket { ticket, version, act, reason } => {
            Decision::Happens(vec![step.act(*ticket, *version, act, reason)?])
        }
    };
    Ok(match decision {
        Decision::Happens(mut events) => {
            if let Some(last) = events.last_mut() {
                last.request.clone_from(&command.request);
            }
            Decision::Happens(events)
        }
        other @ (Decision::Replayed(_) | Decision::Unchanged(_)) => other,
    })
}

/// A command on its way through the rules.
struct Step<'a> {
    fold: &'a Fold,
    command: &'a Command,
    now: DateTime<Utc>,
    new_id: &'a dyn Fn() -> EventId,
}

impl Step<'_> {
    fn event(&self, kind: Kind) -> Event {
        Event {
            id: (self.new_id)(),
            kind,
            at: self.now,
            actor: self.command.actor.clone(),
            request: None,
            ticket: None,
            counters: Vec::new(),
            hall: None,
            day: None,
            passed: Vec::new(),
            counter: None,
            reason: String::new(),
        }
    }

    /// What stands now, for a command that changes nothing.
    fn unchanged(&self, counter: Option<Arc<Counter>>) -> Decision {
        Decision::Unchanged(Answer {
            is_replay: false,
            seq: self.fold.seq(),
            event: None,
            ticket: None,
            counter,
            day: self.fold.day().cloned(),
            hall: None,
        })
    }

    fn require_open_day(&self) -> Result<(), Rejection> {
        match self.fold.day() {
            Some(day) if day.is_open() => Ok(()),
            Some(_) | None => Err(Rejection::DayNotOpen),
        }
    }

    /// The counter, if it exists and the caller may act there. A counter of another agency is not there for the caller;
    /// another counter of the own agency is there, and forbidden.
    fn reachable_counter(&self, id: CounterId) -> Result<Arc<Counter>, Rejection> {
        let plan = self.fold.plan(id).ok_or(Rejection::NotFound(Thing::Counter))?;
        if !self.command.reach.agency(plan.agency) {
            return Err(Rejection::NotFound(Thing::Counter));
        }
        if !self.command.reach.counter(plan.agency, id) {
            return Err(Rejection::NotTheHolder { number: plan.number.clone() });
        }
        Ok(self.fold.counter(id))
    }

    /// Whether the caller works at the counter that holds the ticket: it is theirs by their grant, they opened it, or they
    /// called this very ticket there: a supervisor who calls for a colleague goes on with the call without a word, and only
    /// with that one. Who only reaches the counter does not work there.
    fn works_at(&self, counter: &Counter, ticket: &Ticket) -> bool {
        let me = Some(self.command.actor.id.as_str());
        counter.staff.as_deref() == me
            || ticket.called_by.as_deref() == me
            || self
                .fold
                .plan(counter.id)
                .is_some_and(|plan| self.command.reach.names(plan.agency, counter.id))
    }

    fn number_of(&self, counter: CounterId) -> String {
        self.fold.plan(counter).map(|plan| plan.number.clone()).unwrap_or_default()
    }

    /// The counter, if it is open, holds nothing, and the caller holds nothing elsewhere.
    fn ready_counter(&self, id: CounterId) -> Result<Counter, Rejection> {
        let counter = self.reachable_counter(id)?;
        self.require_open_day()?;
        if let Some(held) = counter.current.and_then(|ticket| self.fold.ticket(ticket)) {
            return Err(Rejection::CounterBusy {
                number: self.number_of(id),
                ticket: held.id,
                ticket_number: held.number.clone(),
                state: held.state,
            });
        }
        if counter.availability != Availability::Open {
            return Err(Rejection::CounterNotOpen {
                number: self.number_of(id),
                availability: counter.availability,
            });
        }
        // Who calls at a desk that a colleague opened begins to work there, as if by opening it without a switch.
        let joins = counter.staff.as_deref() != Some(self.command.actor.id.as_str());
        if !self.command.many_desks
            && let Some(other) = self.desk_elsewhere(id)
            && (other.current.is_some() || (joins && other.availability == Availability::Open))
        {
            return Err(Rejection::DeskElsewhere {
                counter: other.id,
                number: self.number_of(other.id),
                holds_ticket: other.current.is_some(),
            });
        }
        Ok(Counter::clone(&counter))
    }

    /// The other counter where the caller works now, if there is one.
    fn desk_elsewhere(&self, id: CounterId) -> Option<Arc<Counter>> {
        self.fold
            .counters()
            .filter(|other| other.id != id && other.availability != Availability::Closed)
            .filter(|other| other.staff.as_deref() == Some(self.command.actor.id.as_str()))
            .max_by_key(|other| (other.current.is_some(), other.availability == Availability::Open, other.id))
            .cloned()
    }

    /// The ticket, if it exists and its agency is within reach.
    fn reachable_ticket(&self, id: TicketId) -> Result<Ticket, Rejection> {
        let ticket = self.fold.ticket(id).ok_or(Rejection::NotFound(Thing::Ticket))?;
        if !self.command.reach.agency(ticket.agency) {
            return Err(Rejection::NotFound(Thing::Ticket));
        }
        Ok(Ticket::clone(ticket))
    }
}

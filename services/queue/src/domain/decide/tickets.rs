//! The verbs of a ticket after it was called.

use chrono::TimeDelta;

use super::{Act, Step};
use crate::domain::choice;
use crate::domain::counter::Counter;
use crate::domain::event::{Event, Kind};
use crate::domain::hall::RestorePosition;
use crate::domain::rejection::{Rejection, Thing};
use crate::domain::ticket::{
    BeforeCall, Delivered, Leg, LegOutcome, Outcome, Passed, State, Ticket, VOID_SECONDS, Verb, VoidReason,
};
use crate::domain::{CounterId, ServiceId, TicketId};

/// Characters of a reason that says something, at least.
pub(crate) const REASON_LEAST: usize = 3;

impl Act {
    /// The verb of the transition table.
    fn verb(&self) -> Verb {
        match self {
            Self::Recall => Verb::Recall,
            Self::Start => Verb::Start,
            Self::Finish { .. } => Verb::Finish,
            Self::NoShow => Verb::NoShow,
            Self::Restore => Verb::Restore,
            Self::Park { .. } => Verb::Park,
            Self::Resume { .. } => Verb::Resume,
            Self::Transfer { .. } => Verb::Transfer,
            Self::Cancel | Self::Void { .. } => Verb::Cancel,
            Self::UndoCall => Verb::UndoCall,
            Self::Release => Verb::Release,
        }
    }
}

impl Step<'_> {
    pub(super) fn act(
        &self,
        id: TicketId,
        version: Option<u32>,
        act: &Act,
        reason: &str,
    ) -> Result<Event, Rejection> {
        let ticket = self.reachable_ticket(id)?;
        if matches!(act, Act::Void { .. }) && ticket.issued_by.as_deref() != Some(&*self.command.actor.id) {
            return Err(Rejection::NotFound(Thing::Ticket));
        }
        self.require_open_day()?;
        if let Some(expected) = version
            && expected != ticket.version
        {
            return Err(Rejection::StaleVersion { expected, actual: ticket.version, state: ticket.state });
        }
        self.require_permitted(&ticket, act.verb())?;
        if ticket.is_held()
            && let Some(counter) = ticket.counter
        {
            let counter = self.reachable_counter(counter)?;
            // The visitor stands before somebody else: whoever steps in from outside says why. What is taken back says so itself.
            let says_why = reason.chars().count() >= REASON_LEAST || matches!(act, Act::Void { .. });
            if !says_why && !self.works_at(&counter, &ticket) {
                return Err(Rejection::ReasonRequired { number: self.number_of(counter.id) });
            }
        }
        let mut event = match act {
            Act::Recall => self.recall(ticket)?,
            Act::Start => self.start(ticket),
            Act::Finish { outcome, delivered } => self.finish(ticket, *outcome, delivered)?,
            Act::NoShow => self.no_show(ticket),
            Act::Restore => self.restore(ticket),
            Act::Park { note } => self.park(ticket, note),
            Act::Resume { counter } => self.resume(ticket, *counter)?,
            Act::Transfer { service, note } => self.transfer(ticket, *service, note)?,
            Act::Cancel => self.cancel(ticket),
            Act::Void { reason } => self.void(ticket, *reason)?,
            Act::UndoCall => self.undo_call(ticket)?,
            Act::Release => self.release(ticket),
        };
        // What is taken back says why by itself.
        if event.reason.is_empty() {
            reason.clone_into(&mut event.reason);
        }
        Ok(event)
    }

    fn recall(&self, mut ticket: Ticket) -> Result<Event, Rejection> {
        let gap = self.fold.service(ticket.service).map_or(0, |service| service.recall_gap_seconds);
        if let Some(last) = ticket.last_call_at {
            let wait = last + TimeDelta::seconds(i64::from(gap)) - self.now;
            if wait > TimeDelta::zero() {
                return Err(Rejection::RecallTooSoon(u64::try_from(wait.num_seconds() + 1).unwrap_or(1)));
            }
        }
        ticket.last_call_at = Some(self.now);
        ticket.leg_mut().calls += 1;
        // A repeat was heard in the hall; taking the first call back would contradict it.
        ticket.before_call = None;
        let counter = self.counter_of(&ticket).map(|mut counter| {
            counter.last_call_at = Some(self.now);
            counter
        });
        Ok(self.stepped(Kind::TicketRecalled, ticket, State::Called, counter))
    }

    fn start(&self, mut ticket: Ticket) -> Event {
        let at = self.now;
        let leg = ticket.leg_mut();
        leg.started_at.get_or_insert(at);
        leg.settle(at);
        ticket.before_call = None;
        let counter = self.counter_of(&ticket);
        self.stepped(Kind::TicketStarted, ticket, State::Serving, counter)
    }

    fn finish(
        &self,
        mut ticket: Ticket,
        outcome: Outcome,
        delivered: &[Delivered],
    ) -> Result<Event, Rejection> {
        if delivered
            .iter()
            .any(|line| self.fold.service(line.service).is_none_or(|service| service.agency != ticket.agency))
        {
            return Err(Rejection::NotFound(Thing::Service));
        }
        ticket.outcome = Some(outcome);
        ticket.delivered = match (delivered, outcome) {
            ([], Outcome::Done) => vec![Delivered { service: ticket.service, quantity: 1 }],
            (
                lines,
                Outcome::Done | Outcome::IncompleteDocuments | Outcome::NotProvided | Outcome::Cancelled,
            ) => lines.to_vec(),
        };
        let counter = self.freed(&ticket).map(|mut counter| {
            counter.finished += 1;
            counter
        });
        self.end(&mut ticket, LegOutcome::Served);
        Ok(self.stepped(Kind::TicketFinished, ticket, State::Done, counter))
    }

    fn no_show(&self, mut ticket: Ticket) -> Event {
        let service = self.fold.service(ticket.service);
        let max_calls = service.map_or(1, |service| service.max_calls);
        let counter = self.freed(&ticket);
        ticket.before_call = None;
        if ticket.leg().calls >= max_calls {
            self.end(&mut ticket, LegOutcome::NoShow);
            return self.stepped(Kind::TicketNoShow, ticket, State::NoShow, counter);
        }
        let cooldown = service.map_or(0, |service| service.no_show_cooldown_seconds);
        ticket.not_before = Some(self.now + TimeDelta::seconds(i64::from(cooldown)));
        self.stepped(Kind::TicketAbsent, ticket, State::Waiting, counter)
    }

    fn restore(&self, mut ticket: Ticket) -> Event {
        let position =
            self.fold.service(ticket.service).map_or(RestorePosition::End, |service| service.restore);
        if position != RestorePosition::Original {
            // It was missed. With its time it would stand before everybody again, wherever it is put.
            ticket.appointment = None;
        }
        ticket.place = self.place_at(&ticket, position);
        ticket.not_before = None;
        ticket.ended_at = None;
        ticket.before_call = None;
        // The leg that ended as a no-show stays in the history; waiting again is a new leg of the same service.
        ticket.legs.push(Leg::begin(ticket.service, ticket.agency, self.now));
        self.stepped(Kind::TicketRestored, ticket, State::Waiting, None)
    }

    fn park(&self, mut ticket: Ticket, note: &str) -> Event {
        let counter = self.freed(&ticket);
        note.clone_into(&mut ticket.note);
        ticket.leg_mut().interrupt(self.now);
        ticket.before_call = None;
        let parked_at = ticket.counter;
        let mut event = self.stepped(Kind::TicketParked, ticket, State::Parked, counter);
        // Colleagues see where it was parked.
        if let Some(ticket) = &mut event.ticket {
            ticket.counter = parked_at;
        }
        event.counter = parked_at;
        event
    }

    fn resume(&self, ticket: Ticket, counter: Option<CounterId>) -> Result<Event, Rejection> {
        let id = counter.or(ticket.counter).ok_or(Rejection::NotFound(Thing::Counter))?;
        let counter = self.ready_counter(id)?;
        let plan = self.fold.plan(id).ok_or(Rejection::NotFound(Thing::Counter))?;
        if plan.agency != ticket.agency {
            return Err(Rejection::ServiceNotAtCounter { number: plan.number.clone() });
        }
        Ok(self.called(Kind::TicketResumed, ticket, counter, Vec::new()))
    }

    fn transfer(&self, mut ticket: Ticket, service: ServiceId, note: &str) -> Result<Event, Rejection> {
        let target = self
            .fold
            .service(service)
            .filter(|service| !service.retired)
            .ok_or(Rejection::NotFound(Thing::Service))?;
        if target.id == ticket.service {
            return Err(Rejection::SameService);
        }
        let counter = self.freed(&ticket);
        let source = ticket.counter;
        self.end(&mut ticket, LegOutcome::Transferred);
        ticket.ended_at = None;
        ticket.legs.push(Leg::begin(target.id, target.agency, self.now));
        ticket.service = target.id;
        ticket.agency = target.agency;
        ticket.appointment = None;
        ticket.not_before = None;
        ticket.last_call_at = None;
        note.clone_into(&mut ticket.note);
        let mut event = self.stepped(Kind::TicketTransferred, ticket, State::Waiting, counter);
        event.counter = source;
        Ok(event)
    }

    fn cancel(&self, mut ticket: Ticket) -> Event {
        let counter = self.freed(&ticket);
        self.end(&mut ticket, LegOutcome::Cancelled);
        self.stepped(Kind::TicketCancelled, ticket, State::Cancelled, counter)
    }

    fn void(&self, mut ticket: Ticket, reason: VoidReason) -> Result<Event, Rejection> {
        // As it was issued. A call that was undone leaves no trace in the ticket but this; the hall may have heard it.
        let is_untouched = ticket.version == 1;
        if !is_untouched || self.now > ticket.arrived_at + TimeDelta::seconds(VOID_SECONDS) {
            return Err(Rejection::VoidTooLate { state: ticket.state });
        }
        ticket.void = Some(reason);
        let mut event = self.cancel(ticket);
        event.reason = reason.to_string();
        Ok(event)
    }

    fn undo_call(&self, mut ticket: Ticket) -> Result<Event, Rejection> {
        let before = ticket
            .before_call
            .take()
            .filter(|before| self.now <= before.until)
            .ok_or(Rejection::UndoTooLate)?;
        let counter = self.freed(&ticket);
        let passed = self.passes_taken_back(&before);
        ticket.not_before = before.not_before;
        ticket.last_call_at = before.last_call_at;
        *ticket.leg_mut() = before.leg;
        let called_to = ticket.counter;
        let mut event = self.stepped(Kind::CallUndone, ticket, before.state, counter);
        if let Some(ticket) = &mut event.ticket {
            ticket.counter = before.counter;
        }
        event.counter = called_to;
        event.passed = passed;
        Ok(event)
    }

    fn release(&self, mut ticket: Ticket) -> Event {
        let counter = self.freed(&ticket);
        ticket.leg_mut().interrupt(self.now);
        ticket.before_call = None;
        ticket.not_before = None;
        self.stepped(Kind::TicketReleased, ticket, State::Waiting, counter)
    }

    /// The ticket at day end: expired, its counter freed.
    pub(super) fn expired(&self, mut ticket: Ticket) -> Event {
        let counter = self.freed(&ticket);
        self.end(&mut ticket, LegOutcome::Expired);
        self.stepped(Kind::TicketExpired, ticket, State::Expired, counter)
    }

    /// The ticket after its day end was taken back: it waits at its place, as if it had not ended.
    pub(super) fn reopened(&self, mut ticket: Ticket) -> Event {
        let leg = ticket.leg_mut();
        if let Some(ended) = leg.ended_at.take() {
            leg.interrupt(ended);
        }
        leg.outcome = None;
        ticket.ended_at = None;
        self.stepped(Kind::TicketReopened, ticket, State::Waiting, None)
    }

    /// Counts as they must stand after a call is taken back. If nothing else was called meanwhile, exactly as before it.
    /// Otherwise the heads it had passed over lose this call's own share, unless their lane has moved on; and the head it
    /// took keeps the larger of what was counted for it and, since then, for those behind it.
    fn passes_taken_back(&self, before: &BeforeCall) -> Vec<Passed> {
        let now = |old: &Passed| self.fold.passed(old.service, old.lane);
        let over = before.passed.iter().filter(|old| self.fold.moved(old.service, old.lane) < before.seq);
        over.map(|old| Passed { times: now(old).saturating_sub(1), ..*old })
            .chain(before.turn.iter().map(|old| Passed { times: now(old).max(old.times), ..*old }))
            .collect()
    }

    /// A place for a restored ticket among those waiting for its service in its own lane.
    fn place_at(&self, ticket: &Ticket, position: RestorePosition) -> u64 {
        let behind = match position {
            RestorePosition::Original => return ticket.place,
            RestorePosition::End => return self.last_place(),
            RestorePosition::After(behind) => usize::try_from(behind).unwrap_or(usize::MAX),
        };
        let Some(line) = self.fold.line(ticket.service) else { return self.last_place() };
        let mut places: Vec<u64> = if ticket.priority.is_some() {
            line.priority.iter().map(|key| key.0).collect()
        } else {
            // Those who are late for their appointment stand among the ordinary by arrival.
            let due = choice::due(self.fold, self.now);
            let late = line.appointments.iter().filter(|(time, _)| time < due.start()).map(|(_, key)| key.0);
            line.ordinary.iter().map(|key| key.0).chain(late).collect()
        };
        places.sort_unstable();
        places.drain(..behind.saturating_sub(1).min(places.len()));
        // Between two neighbours there is room for some twenty restores. Where it is used up, further behind: never before
        // somebody who was restored earlier.
        let gap = places.windows(2).find(|pair| pair[1] - pair[0] > 1);
        gap.map_or_else(|| self.last_place(), |pair| pair[0] + (pair[1] - pair[0]) / 2)
    }

    /// Ends the present leg and with it, unless another leg follows, the visit.
    fn end(&self, ticket: &mut Ticket, outcome: LegOutcome) {
        let at = self.now;
        let leg = ticket.leg_mut();
        leg.settle(at);
        leg.ended_at = Some(at);
        leg.outcome = Some(outcome);
        ticket.ended_at = Some(at);
        ticket.before_call = None;
    }

    fn counter_of(&self, ticket: &Ticket) -> Option<Counter> {
        ticket.counter.filter(|_| ticket.is_held()).map(|id| Counter::clone(&self.fold.counter(id)))
    }

    /// The counter that holds the ticket, holding nothing.
    fn freed(&self, ticket: &Ticket) -> Option<Counter> {
        self.counter_of(ticket).map(|mut counter| {
            counter.current = None;
            counter
        })
    }

    /// The event that leaves the ticket in `state`.
    fn stepped(&self, kind: Kind, mut ticket: Ticket, state: State, counter: Option<Counter>) -> Event {
        ticket.version += 1;
        ticket.state = state;
        let mut event = self.event(kind);
        event.counter = ticket.counter;
        if !ticket.is_held() {
            ticket.counter = None;
            ticket.called_by = None;
        }
        event.ticket = Some(ticket);
        event.counters = counter.into_iter().collect();
        event
    }
}

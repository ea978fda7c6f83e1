//! Counters: opening, breaks, closing, calling.

use super::{Decision, Step};
use crate::domain::choice;
use crate::domain::counter::{Availability, Counter};
use crate::domain::event::{Event, Kind};
use crate::domain::rejection::{Rejection, Thing};
use crate::domain::ticket::{BeforeCall, Passed, State, TRANSITIONS, Ticket, UNDO_SECONDS, Verb};
use crate::domain::{CounterId, ServiceId, TicketId};

impl Step<'_> {
    pub(super) fn open_counter(
        &self,
        id: CounterId,
        services: &[ServiceId],
        switch_desk: bool,
    ) -> Result<Event, Rejection> {
        let mut counter = Counter::clone(&*self.reachable_counter(id)?);
        self.require_open_day()?;
        let plan = self.fold.plan(id).ok_or(Rejection::NotFound(Thing::Counter))?;
        if services.iter().any(|service| !plan.services.contains(service)) {
            return Err(Rejection::ServiceNotAtCounter { number: plan.number.clone() });
        }
        self.refuse_busy(&counter)?;
        let mut event = self.event(Kind::CounterOpened);
        let left = self.leave_other_desk(id, switch_desk)?;
        counter.availability = Availability::Open;
        counter.reason = String::new();
        counter.services = each_once(if services.is_empty() { &plan.services } else { services });
        counter.staff = Some(self.command.actor.id.clone());
        counter.opened_at = Some(self.now);
        counter.changed_at = Some(self.now);
        event.counter = Some(id);
        event.counters = std::iter::once(counter).chain(left).collect();
        Ok(event)
    }

    pub(super) fn pause_counter(&self, id: CounterId, reason: &str) -> Result<Event, Rejection> {
        let mut counter = Counter::clone(&*self.reachable_counter(id)?);
        self.require_open_day()?;
        self.refuse_busy(&counter)?;
        if counter.availability == Availability::Closed {
            return Err(self.not_open(&counter));
        }
        counter.availability = Availability::Break;
        reason.clone_into(&mut counter.reason);
        counter.changed_at = Some(self.now);
        let mut event = self.event(Kind::CounterPaused);
        event.counter = Some(id);
        reason.clone_into(&mut event.reason);
        event.counters = vec![counter];
        Ok(event)
    }

    pub(super) fn resume_counter(&self, id: CounterId) -> Result<Decision, Rejection> {
        let reached = self.reachable_counter(id)?;
        self.require_open_day()?;
        match reached.availability {
            Availability::Open => return Ok(self.unchanged(Some(reached))),
            Availability::Closed => return Err(self.not_open(&reached)),
            Availability::Break => {}
        }
        let left = self.leave_other_desk(id, false)?;
        let mut counter = Counter::clone(&*reached);
        counter.availability = Availability::Open;
        counter.reason = String::new();
        counter.staff = Some(self.command.actor.id.clone());
        counter.changed_at = Some(self.now);
        let mut event = self.event(Kind::CounterResumed);
        event.counter = Some(id);
        event.counters = std::iter::once(counter).chain(left).collect();
        Ok(Decision::Happens(vec![event]))
    }

    pub(super) fn close_counter(&self, id: CounterId, reason: &str) -> Result<Decision, Rejection> {
        let reached = self.reachable_counter(id)?;
        self.require_open_day()?;
        self.refuse_busy(&reached)?;
        if reached.availability == Availability::Closed {
            return Ok(self.unchanged(Some(reached)));
        }
        let mut counter = Counter::clone(&*reached);
        counter.availability = Availability::Closed;
        reason.clone_into(&mut counter.reason);
        counter.services = Vec::new();
        counter.staff = None;
        counter.changed_at = Some(self.now);
        let mut event = self.event(Kind::CounterClosed);
        event.counter = Some(id);
        reason.clone_into(&mut event.reason);
        event.counters = vec![counter];
        Ok(Decision::Happens(vec![event]))
    }

    pub(super) fn call_next(
        &self,
        id: CounterId,
        expected: Option<Option<TicketId>>,
    ) -> Result<Event, Rejection> {
        let reached = self.reachable_counter(id)?;
        if let Some(expected) = expected
            && expected != reached.current
        {
            let current = reached.current.and_then(|ticket| self.fold.ticket(ticket));
            return Err(Rejection::UnexpectedCurrent {
                current: current.map(|ticket| (ticket.id, ticket.number.clone())),
            });
        }
        let counter = self.ready_counter(id)?;
        let Some(choice) = choice::next(self.fold, &counter.services, self.now) else {
            let cooldown_seconds = choice::cooldown_ends(self.fold, &counter.services)
                .map(|until| u64::try_from((until - self.now).num_seconds() + 1).unwrap_or(0));
            return Err(Rejection::NobodyWaiting { cooldown_seconds });
        };
        let ticket = self.fold.ticket(choice.ticket).ok_or(Rejection::NotFound(Thing::Ticket))?;
        Ok(self.called(Kind::TicketCalled, Ticket::clone(ticket), counter, choice.passed))
    }

    pub(super) fn call_ticket(
        &self,
        id: CounterId,
        ticket: TicketId,
        reason: &str,
    ) -> Result<Event, Rejection> {
        let counter = self.ready_counter(id)?;
        let ticket = self.reachable_ticket(ticket)?;
        self.require_permitted(&ticket, Verb::Call)?;
        let plan = self.fold.plan(id).ok_or(Rejection::NotFound(Thing::Counter))?;
        if ticket.agency != plan.agency {
            return Err(Rejection::ServiceNotAtCounter { number: plan.number.clone() });
        }
        let mut event = self.called(Kind::TicketCalledSpecific, ticket, counter, Vec::new());
        reason.clone_into(&mut event.reason);
        Ok(event)
    }

    /// The ticket, called to the counter. Remembers what stood before, so that the call can be taken back exactly.
    pub(super) fn called(
        &self,
        kind: Kind,
        mut ticket: Ticket,
        mut counter: Counter,
        passed: Vec<Passed>,
    ) -> Event {
        let before =
            |passed: &Passed| Passed { times: self.fold.passed(passed.service, passed.lane), ..*passed };
        // Only the lane that the ticket is taken from begins anew; the others have been passed over at least once.
        let (turn, over): (Vec<&Passed>, Vec<&Passed>) = passed.iter().partition(|passed| passed.times == 0);
        ticket.before_call = Some(Box::new(BeforeCall {
            state: ticket.state,
            counter: ticket.counter,
            not_before: ticket.not_before,
            last_call_at: ticket.last_call_at,
            leg: ticket.leg().clone(),
            passed: over.into_iter().map(before).collect(),
            turn: turn.first().map(|passed| before(passed)),
            seq: self.fold.seq() + 1,
            until: self.now + chrono::TimeDelta::seconds(UNDO_SECONDS),
        }));
        ticket.version += 1;
        ticket.state = State::Called;
        ticket.counter = Some(counter.id);
        ticket.called_by = Some(self.command.actor.id.clone());
        ticket.not_before = None;
        ticket.last_call_at = Some(self.now);
        let leg = ticket.leg_mut();
        leg.called_at.get_or_insert(self.now);
        leg.counter = Some(counter.id);
        leg.calls += 1;
        counter.current = Some(ticket.id);
        counter.last_call_at = Some(self.now);
        if !self.command.many_desks {
            // One active ticket per person: the desk is the caller's from here, whoever opened it.
            counter.staff = Some(self.command.actor.id.clone());
        }
        let mut event = self.event(kind);
        event.counter = Some(counter.id);
        event.ticket = Some(ticket);
        event.counters = vec![counter];
        event.passed = passed;
        event
    }

    pub(super) fn require_permitted(&self, ticket: &Ticket, verb: Verb) -> Result<(), Rejection> {
        if TRANSITIONS.next(ticket.state, verb).is_some() {
            return Ok(());
        }
        Err(Rejection::NotPermittedInState {
            verb,
            state: ticket.state,
            allowed: TRANSITIONS.allowed(ticket.state),
            holder: ticket.counter.filter(|_| ticket.is_held()).map(|counter| self.number_of(counter)),
        })
    }

    fn refuse_busy(&self, counter: &Counter) -> Result<(), Rejection> {
        match counter.current.and_then(|ticket| self.fold.ticket(ticket)) {
            None => Ok(()),
            Some(held) => Err(Rejection::CounterBusy {
                number: self.number_of(counter.id),
                ticket: held.id,
                ticket_number: held.number.clone(),
                state: held.state,
            }),
        }
    }

    fn not_open(&self, counter: &Counter) -> Rejection {
        Rejection::CounterNotOpen { number: self.number_of(counter.id), availability: counter.availability }
    }

    /// The counter the caller leaves by opening another one, put on break; refused unless the switch is explicit.
    fn leave_other_desk(&self, id: CounterId, switch_desk: bool) -> Result<Option<Counter>, Rejection> {
        if self.command.many_desks {
            return Ok(None);
        }
        let Some(other) = self.desk_elsewhere(id) else { return Ok(None) };
        let holds_ticket = other.current.is_some();
        if holds_ticket || (!switch_desk && other.availability == Availability::Open) {
            return Err(Rejection::DeskElsewhere {
                counter: other.id,
                number: self.number_of(other.id),
                holds_ticket,
            });
        }
        if other.availability == Availability::Break {
            return Ok(None);
        }
        let mut left = Counter::clone(&other);
        left.availability = Availability::Break;
        left.reason = format!("Petugas di loket {}", self.number_of(id));
        left.changed_at = Some(self.now);
        Ok(Some(left))
    }
}

/// The services in the order they were given, each once: who stands twice would be counted twice.
fn each_once(services: &[ServiceId]) -> Vec<ServiceId> {
    let mut once = Vec::with_capacity(services.len());
    for service in services {
        if !once.contains(service) {
            once.push(*service);
        }
    }
    once
}

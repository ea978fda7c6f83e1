//! The state that the log of a day adds up to. Applying an event copies outcomes; it never decides anything.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::counter::{Availability, Counter};
use super::event::{Day, Event, Kind};
use super::hall::{Agency, CounterPlan, Hall, HallIndex, Service};
use super::ticket::{Lane, LegOutcome, State, Ticket};
use super::{AgencyId, CounterId, EventId, ServiceId, TicketId};

/// Durations kept per service for estimates.
const DURATIONS: usize = 20;
/// Announcements kept for boards that reconnect.
pub const ANNOUNCEMENTS: usize = 128;

/// Where a ticket stands in a lane: place, then id to break ties.
pub type Key = (u64, TicketId);

/// The tickets waiting for one service.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Kelompok rentan, by arrival.
    pub priority: BTreeSet<Key>,
    /// Everybody else, by arrival.
    pub ordinary: BTreeSet<Key>,
    /// Appointments, by time and arrival. Whether one is early, due or late depends on the time.
    pub appointments: BTreeSet<(DateTime<Utc>, Key)>,
    /// Those of all lanes who were absent when they were called, by the end of their cooldown. It may be over.
    pub cooldowns: BTreeSet<(DateTime<Utc>, TicketId)>,
}

impl Line {
    /// Tickets waiting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.priority.len() + self.ordinary.len() + self.appointments.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every ticket, in no particular order.
    pub fn tickets(&self) -> impl Iterator<Item = TicketId> + '_ {
        self.priority
            .iter()
            .chain(&self.ordinary)
            .map(|key| key.1)
            .chain(self.appointments.iter().map(|(_, key)| key.1))
    }

    /// Tickets whose cooldown is not over at `now`: they stand aside.
    pub fn cooling(&self, now: DateTime<Utc>) -> impl Iterator<Item = TicketId> + '_ {
        self.cooldowns.iter().rev().take_while(move |(until, _)| *until > now).map(|(_, id)| *id)
    }
}

/// The first answer to a request, for its retries.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Digest of what was asked.
    pub fingerprint: String,
    /// What was answered.
    pub answer: Answer,
}

/// What a command answers: the things it was about, as they were after it.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Whether an earlier request did what was asked. Never of a request whose own append was in doubt and took place.
    pub is_replay: bool,
    /// Position of its last event; the answer may be given once this is durable.
    pub seq: u64,
    /// That event, by which its author knows it again; none where nothing happened.
    pub event: Option<EventId>,
    /// The ticket.
    pub ticket: Option<Arc<Ticket>>,
    /// The counter.
    pub counter: Option<Arc<Counter>>,
    /// The day.
    pub day: Option<Day>,
    /// The hall.
    pub hall: Option<Arc<Hall>>,
}

/// A call as boards announce it. Its id is its position in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Position in the log.
    pub seq: u64,
    /// The number called.
    pub number: String,
    /// The agency.
    pub agency: AgencyId,
    /// The counter.
    pub counter: CounterId,
    /// 1 for the first call of the leg, 2 for the first repeat, …
    pub repeat: u32,
    /// When.
    pub at: DateTime<Utc>,
}

/// The state of a hall.
#[derive(Debug, Clone)]
pub struct Fold {
    hall: Arc<Hall>,
    index: Arc<HallIndex>,
    seq: u64,
    day: Option<Day>,
    tickets: HashMap<TicketId, Arc<Ticket>>,
    tokens: HashMap<String, TicketId>,
    arrivals: BTreeMap<u64, TicketId>,
    counters: HashMap<CounterId, Arc<Counter>>,
    lines: HashMap<ServiceId, Line>,
    passed: HashMap<(ServiceId, Lane), u32>,
    moved: HashMap<(ServiceId, Lane), u64>,
    ordinals: HashMap<String, u32>,
    issued: HashMap<ServiceId, u32>,
    given: HashMap<ServiceId, u32>,
    persons: HashMap<(AgencyId, String), u32>,
    aside: HashMap<AgencyId, BTreeSet<TicketId>>,
    durations: HashMap<ServiceId, VecDeque<u32>>,
    calls: VecDeque<Call>,
    requests: HashMap<String, Replay>,
}

impl Fold {
    /// The empty state of a hall: nothing logged yet.
    #[must_use]
    pub fn new(hall: Hall) -> Self {
        Self {
            index: Arc::new(HallIndex::of(&hall)),
            hall: Arc::new(hall),
            seq: 0,
            day: None,
            tickets: HashMap::new(),
            tokens: HashMap::new(),
            arrivals: BTreeMap::new(),
            counters: HashMap::new(),
            lines: HashMap::new(),
            passed: HashMap::new(),
            moved: HashMap::new(),
            ordinals: HashMap::new(),
            issued: HashMap::new(),
            given: HashMap::new(),
            persons: HashMap::new(),
            aside: HashMap::new(),
            durations: HashMap::new(),
            calls: VecDeque::new(),
            requests: HashMap::new(),
        }
    }

    /// The same hall with nothing folded, standing before position `seq + 1`: where the log of its day begins.
    #[must_use]
    pub fn rewound(hall: Hall, seq: u64) -> Self {
        Self { seq, ..Self::new(hall) }
    }

    /// The hall as it is configured.
    #[must_use]
    pub fn hall(&self) -> &Arc<Hall> {
        &self.hall
    }

    /// The position of the last event.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The latest business day.
    #[must_use]
    pub fn day(&self) -> Option<&Day> {
        self.day.as_ref()
    }

    /// A ticket of the latest day.
    #[must_use]
    pub fn ticket(&self, id: TicketId) -> Option<&Arc<Ticket>> {
        self.tickets.get(&id)
    }

    /// A ticket of the latest day by its public token.
    #[must_use]
    pub fn ticket_by_token(&self, token: &str) -> Option<&Arc<Ticket>> {
        self.tokens.get(token).and_then(|id| self.tickets.get(id))
    }

    /// Tickets of the latest day in order of arrival, from after the given arrival position.
    pub fn tickets_after(&self, position: u64) -> impl Iterator<Item = (u64, &Arc<Ticket>)> {
        self.arrivals
            .range((std::ops::Bound::Excluded(position), std::ops::Bound::Unbounded))
            .filter_map(|(at, id)| self.tickets.get(id).map(|ticket| (*at, ticket)))
    }

    /// Every ticket of the latest day.
    pub fn tickets(&self) -> impl Iterator<Item = &Arc<Ticket>> {
        self.tickets.values()
    }

    /// A counter; one that was never opened today is closed.
    #[must_use]
    pub fn counter(&self, id: CounterId) -> Arc<Counter> {
        self.counters.get(&id).cloned().unwrap_or_else(|| Arc::new(Counter::closed(id)))
    }

    /// Counters that were opened today.
    pub fn counters(&self) -> impl Iterator<Item = &Arc<Counter>> {
        self.counters.values()
    }

    /// The plan of a counter.
    #[must_use]
    pub fn plan(&self, id: CounterId) -> Option<&CounterPlan> {
        self.index.counter(&self.hall, id)
    }

    /// A service.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> Option<&Service> {
        self.index.service(&self.hall, id)
    }

    /// An agency.
    #[must_use]
    pub fn agency(&self, id: AgencyId) -> Option<&Agency> {
        self.index.agency(&self.hall, id)
    }

    /// The tickets waiting for a service.
    #[must_use]
    pub fn line(&self, service: ServiceId) -> Option<&Line> {
        self.lines.get(&service)
    }

    /// How often the head of a lane has been passed over since it last moved.
    #[must_use]
    pub fn passed(&self, service: ServiceId, lane: Lane) -> u32 {
        self.passed.get(&(service, lane)).copied().unwrap_or(0)
    }

    /// Position of the last call that took the head of a lane which had been passed over; 0 if there was none today.
    #[must_use]
    pub fn moved(&self, service: ServiceId, lane: Lane) -> u64 {
        self.moved.get(&(service, lane)).copied().unwrap_or(0)
    }

    /// The last number given in a series today.
    #[must_use]
    pub fn last_ordinal(&self, prefix: &str) -> Option<u32> {
        self.ordinals.get(prefix).copied()
    }

    /// Tickets issued for a service today, without those that were taken back at once.
    #[must_use]
    pub fn issued(&self, service: ServiceId) -> u32 {
        self.issued.get(&service).copied().unwrap_or(0)
    }

    /// Numbers given for a service today, those that were taken back too.
    #[must_use]
    pub fn given(&self, service: ServiceId) -> u32 {
        self.given.get(&service).copied().unwrap_or(0)
    }

    /// Tickets issued to a person at an agency today, without those that were taken back at once.
    #[must_use]
    pub fn issued_to(&self, agency: AgencyId, person: &str) -> u32 {
        self.persons.get(&(agency, person.to_owned())).copied().unwrap_or(0)
    }

    /// Parked and no-show tickets of an agency.
    pub fn aside(&self, agency: AgencyId) -> impl Iterator<Item = &Arc<Ticket>> {
        self.aside.get(&agency).into_iter().flatten().filter_map(|id| self.tickets.get(id))
    }

    /// The last service times of a service in seconds, oldest first; at most 20.
    #[must_use]
    pub fn durations(&self, service: ServiceId) -> Vec<u32> {
        self.durations.get(&service).map(|recent| recent.iter().copied().collect()).unwrap_or_default()
    }

    /// The last calls, oldest first.
    #[must_use]
    pub fn calls(&self) -> &VecDeque<Call> {
        &self.calls
    }

    /// The first answer to a request.
    #[must_use]
    pub fn replay(&self, key: &str) -> Option<&Replay> {
        self.requests.get(key)
    }

    /// Counters that can call for a service now: open, not on break.
    pub fn open_counters(&self, service: ServiceId) -> impl Iterator<Item = &Arc<Counter>> {
        self.counters.values().filter(move |counter| {
            counter.availability == Availability::Open && counter.services.contains(&service)
        })
    }

    /// Applies the next event, which stands at `seq() + 1`.
    pub fn apply(&mut self, event: &Event) {
        self.seq += 1;
        if let Some(hall) = &event.hall {
            self.index = Arc::new(HallIndex::of(hall));
            self.hall = Arc::new(hall.clone());
        }
        if event.kind == Kind::DayOpened {
            // A day begins with nothing but the hall and the position.
            let (hall, index, seq) = (Arc::clone(&self.hall), Arc::clone(&self.index), self.seq);
            *self = Self { seq, hall, index, ..Self::new(Hall::clone(&self.hall)) };
        }
        if let Some(day) = &event.day {
            self.day = Some(day.clone());
        }
        for counter in &event.counters {
            self.counters.insert(counter.id, Arc::new(counter.clone()));
        }
        for passed in &event.passed {
            self.passed.insert((passed.service, passed.lane), passed.times);
            if passed.times == 0 && event.kind == Kind::TicketCalled {
                self.moved.insert((passed.service, passed.lane), self.seq);
            }
        }
        let ticket = event.ticket.clone().map(Arc::new);
        if let Some(ticket) = &ticket {
            self.put(event, ticket);
        }
        if let Some(request) = &event.request {
            let answer = Answer {
                is_replay: false,
                seq: self.seq,
                event: Some(event.id),
                ticket,
                counter: event.counters.first().map(|counter| Arc::new(counter.clone())),
                day: self.day.clone(),
                hall: event.hall.as_ref().map(|_| Arc::clone(&self.hall)),
            };
            self.requests
                .insert(request.key.clone(), Replay { fingerprint: request.fingerprint.clone(), answer });
        }
    }

    fn put(&mut self, event: &Event, ticket: &Arc<Ticket>) {
        if let Some(before) = self.tickets.insert(ticket.id, Arc::clone(ticket)) {
            self.leave(&before);
            if ticket.void.is_some() && before.void.is_none() {
                self.uncount(ticket);
            }
        } else {
            self.tokens.insert(ticket.token.clone(), ticket.id);
            self.arrivals.insert(self.seq, ticket.id);
            self.ordinals.insert(ticket.series.clone(), ticket.ordinal);
            *self.issued.entry(ticket.service).or_default() += 1;
            *self.given.entry(ticket.service).or_default() += 1;
            if let Some(person) = &ticket.person {
                *self.persons.entry((ticket.agency, person.clone())).or_default() += 1;
            }
        }
        match ticket.state {
            State::Waiting => {
                let line = self.lines.entry(ticket.service).or_default();
                let key = (ticket.place, ticket.id);
                if ticket.priority.is_some() {
                    line.priority.insert(key);
                } else if let Some(appointment) = ticket.appointment {
                    line.appointments.insert((appointment, key));
                } else {
                    line.ordinary.insert(key);
                }
                if let Some(until) = ticket.not_before {
                    line.cooldowns.insert((until, ticket.id));
                }
            }
            State::Parked | State::NoShow => {
                self.aside.entry(ticket.agency).or_default().insert(ticket.id);
            }
            State::Called | State::Serving | State::Done | State::Cancelled | State::Expired => {}
        }
        if let Some(leg) = ended_leg(event.kind, ticket)
            && let Some(seconds) = leg.service_seconds()
        {
            let recent = self.durations.entry(leg.service).or_default();
            recent.push_back(seconds);
            if recent.len() > DURATIONS {
                recent.pop_front();
            }
        }
        if event.kind.is_announced()
            && let Some(counter) = ticket.counter
        {
            self.calls.push_back(Call {
                seq: self.seq,
                number: ticket.number.clone(),
                agency: ticket.agency,
                counter,
                repeat: ticket.leg().calls,
                at: event.at,
            });
            if self.calls.len() > ANNOUNCEMENTS {
                self.calls.pop_front();
            }
        }
    }

    /// A ticket that was taken back counts for no quota and no limit any more. It has its first leg alone.
    fn uncount(&mut self, ticket: &Ticket) {
        if let Some(issued) = self.issued.get_mut(&ticket.service) {
            *issued = issued.saturating_sub(1);
        }
        if let Some(person) = &ticket.person
            && let Some(count) = self.persons.get_mut(&(ticket.agency, person.clone()))
        {
            *count = count.saturating_sub(1);
        }
    }

    fn leave(&mut self, ticket: &Ticket) {
        match ticket.state {
            State::Waiting => {
                if let Some(line) = self.lines.get_mut(&ticket.service) {
                    let key = (ticket.place, ticket.id);
                    line.priority.remove(&key);
                    line.ordinary.remove(&key);
                    if let Some(appointment) = ticket.appointment {
                        line.appointments.remove(&(appointment, key));
                    }
                    if let Some(until) = ticket.not_before {
                        line.cooldowns.remove(&(until, ticket.id));
                    }
                }
            }
            State::Parked | State::NoShow => {
                if let Some(aside) = self.aside.get_mut(&ticket.agency) {
                    aside.remove(&ticket.id);
                }
            }
            State::Called | State::Serving | State::Done | State::Cancelled | State::Expired => {}
        }
    }
}

/// The leg that this event ended after it was served, if it ended one.
fn ended_leg(kind: Kind, ticket: &Ticket) -> Option<&super::ticket::Leg> {
    match kind {
        Kind::TicketFinished => Some(ticket.leg()),
        Kind::TicketTransferred => {
            ticket.legs.iter().rev().find(|leg| leg.outcome == Some(LegOutcome::Transferred))
        }
        Kind::DayOpened
        | Kind::DayClosed
        | Kind::DayReopened
        | Kind::Configured
        | Kind::IntakeStopped
        | Kind::IntakeResumed
        | Kind::CounterOpened
        | Kind::CounterPaused
        | Kind::CounterResumed
        | Kind::CounterClosed
        | Kind::TicketIssued
        | Kind::TicketCalled
        | Kind::TicketCalledSpecific
        | Kind::TicketRecalled
        | Kind::TicketStarted
        | Kind::TicketAbsent
        | Kind::TicketNoShow
        | Kind::TicketRestored
        | Kind::TicketParked
        | Kind::TicketResumed
        | Kind::TicketCancelled
        | Kind::CallUndone
        | Kind::TicketReleased
        | Kind::TicketExpired
        | Kind::TicketReopened => None,
    }
}

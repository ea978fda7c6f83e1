//! A small hall with a clock that stands still, and short ways to say what happens in it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::id::Uuid;

use crate::domain::decide::{Act, Command, Decision, NewTicket, Order, Reach, decide};
use crate::domain::event::{Actor, ActorKind, Event, RequestKey};
use crate::domain::fold::Fold;
use crate::domain::hall::{
    Agency, Calendar, CounterPlan, Hall, RestorePosition, Series, Service, TimeZone, Window, Zone,
};
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Channel, Priority, Ticket};
use crate::domain::{AgencyId, CounterId, EventId, HallId, ServiceId, TicketId};

/// Monday 2 March 2026, 08:00 in the west of Indonesia.
pub(super) fn monday() -> DateTime<Utc> {
    at("2026-03-02T01:00:00Z")
}

pub(super) fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

pub(super) fn agency_id(n: u128) -> AgencyId {
    AgencyId::from_uuid(Uuid::from_u128(n))
}

pub(super) fn service_id(n: u128) -> ServiceId {
    ServiceId::from_uuid(Uuid::from_u128(n))
}

pub(super) fn counter_id(n: u128) -> CounterId {
    CounterId::from_uuid(Uuid::from_u128(n))
}

pub(super) fn ticket_id(n: u128) -> TicketId {
    TicketId::from_uuid(Uuid::from_u128(n))
}

/// An agency that is open around the clock.
pub(super) fn agency(n: u128, ratio: u32) -> Agency {
    Agency {
        id: agency_id(n),
        code: format!("AG{n}"),
        name: format!("Dinas {n}"),
        hours: (1..=7).map(|day| (day, vec![Window { from: 0, to: 1440 }])).collect::<BTreeMap<_, _>>(),
        closures: Vec::new(),
        priority_ratio: ratio,
        daily_limit_per_person: None,
    }
}

/// A service without quota, gaps and cooldowns. Each has a series of its own: A, B, C, …
pub(super) fn service(n: u128, agency: u128) -> Service {
    let letter = char::from(b'A' + u8::try_from(n).expect("a small number") - 1);
    Service {
        id: service_id(n),
        code: format!("SV{n}"),
        name: format!("Layanan {n}"),
        name_en: String::new(),
        agency: agency_id(agency),
        series: Series { prefix: letter.to_string(), digits: 3, first: 1, last: 999 },
        daily_quota: None,
        promised_minutes: 10,
        max_calls: 3,
        recall_gap_seconds: 0,
        no_show_cooldown_seconds: 0,
        restore: RestorePosition::Original,
        requirements: Vec::new(),
        retired: false,
    }
}

pub(super) fn counter(n: u128, agency: u128, services: &[u128]) -> CounterPlan {
    CounterPlan {
        id: counter_id(n),
        number: n.to_string(),
        name: String::new(),
        agency: agency_id(agency),
        zone: "Z1".to_owned(),
        services: services.iter().map(|n| service_id(*n)).collect(),
    }
}

pub(super) fn hall(agencies: Vec<Agency>, services: Vec<Service>, counters: Vec<CounterPlan>) -> Hall {
    Hall {
        id: HallId::from_uuid(Uuid::from_u128(1)),
        code: "MPP-UJI".to_owned(),
        name: "MPP Uji".to_owned(),
        time_zone: TimeZone::Wib,
        calendar: Calendar::Regular,
        zones: vec![Zone { code: "Z1".to_owned(), name: "Zona 1".to_owned() }],
        agencies,
        services,
        counters,
        holidays: Vec::new(),
        day_opens_at: None,
        day_closes_at: None,
        appointment_early_minutes: 15,
        appointment_late_minutes: 15,
    }
}

/// One agency with ratio 2, service 1, counters 1 and 2 for it.
pub(super) fn simple() -> Hall {
    hall(vec![agency(1, 2)], vec![service(1, 1)], vec![counter(1, 1, &[1]), counter(2, 1, &[1])])
}

/// Agency 1 with services 1 and 2 at counters 1 and 2, agency 2 with service 3 at counter 3.
pub(super) fn two_agencies() -> Hall {
    hall(
        vec![agency(1, 2), agency(2, 2)],
        vec![service(1, 1), service(2, 1), service(3, 2)],
        vec![counter(1, 1, &[1, 2]), counter(2, 1, &[1, 2]), counter(3, 2, &[3])],
    )
}

/// A hall and everything that happened in it.
#[derive(Clone)]
pub(super) struct World {
    pub(super) fold: Fold,
    pub(super) now: DateTime<Utc>,
    pub(super) events: Vec<Event>,
    pub(super) start: Hall,
    next_id: Cell<u128>,
}

impl World {
    /// A hall in which no day was ever opened.
    pub(super) fn new(hall: Hall) -> Self {
        Self {
            fold: Fold::new(hall.clone()),
            now: monday(),
            events: Vec::new(),
            start: hall,
            next_id: Cell::new(1000),
        }
    }

    /// A hall with its day and all its counters open.
    pub(super) fn open(hall: Hall) -> Self {
        let mut world = Self::new(hall);
        world.order(Order::OpenDay).expect("the day opens");
        for plan in world.start.counters.clone() {
            world.open_counter(plan.id).expect("the counter opens");
        }
        world
    }

    pub(super) fn fresh(&self) -> u128 {
        self.next_id.set(self.next_id.get() + 1);
        self.next_id.get()
    }

    pub(super) fn wait(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
    }

    pub(super) fn decide(&self, command: &Command) -> Result<Decision, Rejection> {
        decide(&self.fold, command, self.now, &|| EventId::from_uuid(Uuid::from_u128(self.fresh())))
    }

    /// Decides and applies; answers the events that happened.
    pub(super) fn submit(&mut self, command: &Command) -> Result<Vec<Event>, Rejection> {
        match self.decide(command)? {
            Decision::Happens(events) => {
                for event in &events {
                    self.fold.apply(event);
                }
                self.events.extend(events.iter().cloned());
                Ok(events)
            }
            Decision::Replayed(_) | Decision::Unchanged(_) => Ok(Vec::new()),
        }
    }

    pub(super) fn order(&mut self, order: Order) -> Result<Vec<Event>, Rejection> {
        self.submit(&command(order))
    }

    pub(super) fn open_counter(&mut self, counter: CounterId) -> Result<Vec<Event>, Rejection> {
        self.order(Order::OpenCounter { counter, services: Vec::new(), switch_desk: false })
    }

    pub(super) fn issue_new(&mut self, change: impl FnOnce(&mut NewTicket)) -> Result<TicketId, Rejection> {
        let mut new = self.new_ticket(1);
        change(&mut new);
        let id = new.id;
        self.order(Order::Issue(Box::new(new)))?;
        Ok(id)
    }

    pub(super) fn new_ticket(&self, service: u128) -> NewTicket {
        let n = self.fresh();
        NewTicket {
            id: ticket_id(n),
            token: format!("token-{n}"),
            service: service_id(service),
            priority: None,
            assistance: Vec::new(),
            channel: Channel::Kiosk,
            party_size: 1,
            appointment: None,
            person: None,
        }
    }

    pub(super) fn issue(&mut self, service: u128) -> TicketId {
        self.issue_new(|new| new.service = service_id(service)).expect("a ticket")
    }

    pub(super) fn issue_priority(&mut self, service: u128) -> TicketId {
        self.issue_new(|new| {
            new.service = service_id(service);
            new.priority = Some(Priority::Elderly);
        })
        .expect("a ticket")
    }

    /// With an appointment this many minutes from now.
    pub(super) fn issue_appointment(&mut self, service: u128, minutes: i64) -> TicketId {
        let time = self.now + TimeDelta::minutes(minutes);
        self.issue_new(|new| {
            new.service = service_id(service);
            new.appointment = Some(time);
        })
        .expect("a ticket")
    }

    pub(super) fn call(&mut self, counter: u128) -> Result<TicketId, Rejection> {
        let events = self.order(Order::CallNext { counter: counter_id(counter), expected: None })?;
        Ok(events[0].ticket.as_ref().expect("a call has a ticket").id)
    }

    pub(super) fn act(&mut self, ticket: TicketId, act: Act) -> Result<Vec<Event>, Rejection> {
        self.act_because(ticket, act, "")
    }

    pub(super) fn act_because(
        &mut self,
        ticket: TicketId,
        act: Act,
        reason: &str,
    ) -> Result<Vec<Event>, Rejection> {
        self.order(Order::Ticket { ticket, version: None, act, reason: reason.to_owned() })
    }

    /// Serves the ticket that was called to the end.
    pub(super) fn finish(&mut self, ticket: TicketId) {
        self.act(ticket, Act::Start).expect("it starts");
        self.act(ticket, finish()).expect("it ends");
    }

    pub(super) fn ticket(&self, id: TicketId) -> &Ticket {
        self.fold.ticket(id).expect("a ticket of this day")
    }

    /// The tickets in the order in which they would be called at a counter for these services.
    pub(super) fn line(&self, services: &[u128]) -> Vec<TicketId> {
        let services: Vec<ServiceId> = services.iter().map(|n| service_id(*n)).collect();
        crate::domain::choice::order(&self.fold, &services, self.now, 1000)
            .into_iter()
            .map(|choice| choice.ticket)
            .collect()
    }
}

pub(super) fn finish() -> Act {
    Act::Finish { outcome: crate::domain::ticket::Outcome::Done, delivered: Vec::new() }
}

pub(super) fn actor(id: &str) -> Actor {
    Actor { id: id.to_owned(), kind: ActorKind::Staff }
}

/// A command of somebody who may do everything.
pub(super) fn command(order: Order) -> Command {
    Command { actor: actor("acc_all"), reach: Reach::everything(), many_desks: true, request: None, order }
}

pub(super) fn request(key: &str, fingerprint: &str) -> Option<RequestKey> {
    Some(RequestKey { key: key.to_owned(), fingerprint: fingerprint.to_owned() })
}

/// The plan with another configuration.
pub(super) fn configure(hall: Hall) -> Order {
    Order::Configure(Arc::new(hall))
}

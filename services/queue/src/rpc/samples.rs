//! A small hall for tests: two agencies in two zones, three services, two counters, and a day played by the real rules.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::check::Checker;
use mpp_proto::common::v1::TimeWindow;
use mpp_proto::queue::v1 as proto;

use crate::domain::decide::{Act, Command, Decision, NewTicket, Order, Reach, decide};
use crate::domain::event::{Actor, ActorKind, Event};
use crate::domain::fold::Fold;
use crate::domain::ticket::{Channel, Priority, Ticket};
use crate::domain::{CounterId, EventId, ServiceId, TicketId};

/// KTP and KK (series A) of Dukcapil at counter 1 in zone A; STNK (series B) of Samsat at counter 2 in zone B.
pub(super) fn configuration() -> proto::Hall {
    proto::Hall {
        code: "MPP-UJI".to_owned(),
        name: "MPP Uji".to_owned(),
        time_zone: proto::TimeZone::Wib.into(),
        zones: vec![zone("A", "Zona A"), zone("B", "Zona B")],
        agencies: vec![agency("DUKCAPIL", "Disdukcapil"), agency("SAMSAT", "Samsat")],
        services: vec![
            service("KTP", "KTP-el", "DUKCAPIL", "A"),
            service("KK", "Kartu Keluarga", "DUKCAPIL", "A"),
            service("STNK", "Pengesahan STNK", "SAMSAT", "B"),
        ],
        counters: vec![counter("1", "DUKCAPIL", "A"), counter("2", "SAMSAT", "B")],
        ..proto::Hall::default()
    }
}

fn zone(code: &str, name: &str) -> proto::Zone {
    proto::Zone { code: code.to_owned(), name: name.to_owned() }
}

fn agency(code: &str, name: &str) -> proto::Agency {
    let window = |from: &str, to: &str| TimeWindow { from: from.to_owned(), to: to.to_owned() };
    let windows = vec![window("08:00", "12:00"), window("13:00", "15:00")];
    proto::Agency {
        code: code.to_owned(),
        name: name.to_owned(),
        hours: (1..=5).map(|weekday| proto::DayHours { weekday, windows: windows.clone() }).collect(),
        ..proto::Agency::default()
    }
}

fn service(code: &str, name: &str, agency: &str, prefix: &str) -> proto::Service {
    proto::Service {
        code: code.to_owned(),
        name: name.to_owned(),
        agency_code: agency.to_owned(),
        series: Some(proto::Series { prefix: prefix.to_owned(), ..proto::Series::default() }),
        promised_minutes: 10,
        requirements: vec!["KTP asli".to_owned()],
        ..proto::Service::default()
    }
}

fn counter(number: &str, agency: &str, zone: &str) -> proto::Counter {
    proto::Counter {
        number: number.to_owned(),
        agency_code: agency.to_owned(),
        zone_code: zone.to_owned(),
        ..proto::Counter::default()
    }
}

/// A business day in the hall, and the time.
pub(super) struct Hall {
    pub(super) fold: Fold,
    pub(super) now: DateTime<Utc>,
}

impl Hall {
    /// Monday 2 March 2026, nine o'clock in the hall; nothing was done yet.
    pub(super) fn closed() -> Self {
        let mut check = Checker::new();
        let hall = super::convert::hall::read(&mut check, &configuration(), None);
        check.finish().expect("the sample is good");
        Self { fold: Fold::new(hall), now: "2026-03-02T02:00:00Z".parse().expect("a time") }
    }

    /// The same with the day open.
    pub(super) fn open() -> Self {
        let mut hall = Self::closed();
        hall.done(Order::OpenDay);
        hall
    }

    /// Lets time pass.
    pub(super) fn after(&mut self, seconds: i64) -> &mut Self {
        self.now += TimeDelta::seconds(seconds);
        self
    }

    pub(super) fn service(&self, at: usize) -> ServiceId {
        self.fold.hall().services[at].id
    }

    pub(super) fn counter(&self, at: usize) -> CounterId {
        self.fold.hall().counters[at].id
    }

    /// What an order that is permitted makes happen; it is folded.
    pub(super) fn events(&mut self, order: Order) -> Vec<Event> {
        let command = Command {
            actor: Actor { id: "acc_1".to_owned(), kind: ActorKind::Staff },
            reach: Reach::everything(),
            many_desks: true,
            request: None,
            order,
        };
        match decide(&self.fold, &command, self.now, &EventId::generate).expect("the order is permitted") {
            Decision::Happens(events) => {
                events.iter().for_each(|event| self.fold.apply(event));
                events
            }
            Decision::Replayed(_) | Decision::Unchanged(_) => Vec::new(),
        }
    }

    /// As [`Hall::events`].
    pub(super) fn done(&mut self, order: Order) {
        self.events(order);
    }

    /// Issues a ticket.
    pub(super) fn issued(
        &mut self,
        service: usize,
        priority: Option<Priority>,
        appointment: Option<DateTime<Utc>>,
    ) -> TicketId {
        let id = TicketId::generate();
        self.done(Order::Issue(Box::new(NewTicket {
            id,
            token: format!("token-{id}"),
            service: self.service(service),
            priority,
            assistance: Vec::new(),
            channel: Channel::Kiosk,
            party_size: 1,
            appointment,
            person: None,
        })));
        id
    }

    /// Issues an ordinary ticket.
    pub(super) fn walk_in(&mut self, service: usize) -> TicketId {
        self.issued(service, None, None)
    }

    /// Opens a counter for all of its services.
    pub(super) fn opened(&mut self, counter: usize) {
        let counter = self.counter(counter);
        self.done(Order::OpenCounter { counter, services: Vec::new(), switch_desk: false });
    }

    /// Calls the next ticket to a counter.
    pub(super) fn called(&mut self, counter: usize) {
        let counter = self.counter(counter);
        self.done(Order::CallNext { counter, expected: None });
    }

    pub(super) fn acted(&mut self, ticket: TicketId, act: Act) {
        self.done(Order::Ticket { ticket, version: None, act, reason: String::new() });
    }

    pub(super) fn ticket(&self, id: TicketId) -> Arc<Ticket> {
        Arc::clone(self.fold.ticket(id).expect("it was issued"))
    }
}

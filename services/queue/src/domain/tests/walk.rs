//! Random days: any sequence of commands by several people, retries, stale versions, a jumping clock. After each step the
//! fold must hold what the rules promise.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::model;
use super::world::{
    World, actor, agency, configure, counter, counter_id, hall, service, service_id, ticket_id,
};
use crate::domain::choice;
use crate::domain::counter::Availability;
use crate::domain::decide::{Act, Bound, Command, Decision, NewTicket, Order, Reach};
use crate::domain::estimate::{outlook, outlook_of_newcomer};
use crate::domain::event::{Event, IntakeStop, Kind, RequestKey};
use crate::domain::fold::{Fold, Line};
use crate::domain::hall::{Calendar, Hall, RestorePosition, Series};
use crate::domain::rejection::Rejection;
use crate::domain::statistics::Statistics;
use crate::domain::ticket::{
    Channel, Delivered, LegOutcome, Outcome, Priority, State, TRANSITIONS, Ticket, Verb, VoidReason,
};
use crate::domain::{CounterId, ServiceId, TicketId};

/// Which ticket a command is about.
#[derive(Debug, Clone, Copy)]
enum Pick {
    /// The one that this counter holds.
    Held(u8),
    /// The nth of all, in order of arrival.
    Nth(u8),
    /// The nth of those that are parked or did not come.
    Aside(u8),
}

/// Something that somebody tries.
#[derive(Debug, Clone)]
enum Try {
    Wait(i16),
    Issue {
        service: u8,
        priority: bool,
        appointment: Option<i8>,
        person: Option<u8>,
        onsite: bool,
        party: u8,
    },
    Open {
        counter: u8,
        only: Option<u8>,
        switch: bool,
    },
    Pause(u8),
    Back(u8),
    Close(u8),
    Next {
        counter: u8,
        belief: Option<bool>,
    },
    Specific {
        counter: u8,
        ticket: u8,
    },
    Act {
        pick: Pick,
        what: u8,
        to: u8,
        version: Option<bool>,
    },
    OpenDay,
    CloseDay,
    Stop(u8),
    Go(u8),
    Again {
        back: u8,
        changed: bool,
    },
    Configure {
        quota: u8,
        ratio: u8,
    },
}

fn anything() -> impl Strategy<Value = Try> {
    let pick = prop_oneof![3 => (0..4_u8).prop_map(Pick::Held), 2 => any::<u8>().prop_map(Pick::Nth),
        1 => any::<u8>().prop_map(Pick::Aside)];
    prop_oneof![
        8 => (0..120_i16).prop_map(Try::Wait),
        1 => (-600..3000_i16).prop_map(Try::Wait),
        12 => (0..4_u8, any::<bool>(), prop_oneof![4 => Just(None), 1 => (-40..60_i8).prop_map(Some)],
            prop::option::of(0..4_u8), prop::bool::weighted(0.1), 1..6_u8)
            .prop_map(|(service, priority, appointment, person, onsite, party)| Try::Issue {
                service, priority, appointment, person, onsite, party,
            }),
        4 => (0..4_u8, prop::option::of(0..4_u8), any::<bool>())
            .prop_map(|(counter, only, switch)| Try::Open { counter, only, switch }),
        1 => (0..4_u8).prop_map(Try::Pause),
        2 => (0..4_u8).prop_map(Try::Back),
        1 => (0..4_u8).prop_map(Try::Close),
        14 => (0..4_u8, prop_oneof![6 => Just(None), 2 => Just(Some(true)), 1 => Just(Some(false))])
            .prop_map(|(counter, belief)| Try::Next { counter, belief }),
        2 => (0..4_u8, any::<u8>()).prop_map(|(counter, ticket)| Try::Specific { counter, ticket }),
        24 => (pick, 0..18_u8, 0..4_u8, prop_oneof![6 => Just(None), 1 => Just(Some(true)), 1 => Just(Some(false))])
            .prop_map(|(pick, what, to, version)| Try::Act { pick, what, to, version }),
        1 => Just(Try::OpenDay),
        1 => prop::bool::weighted(0.3).prop_map(|close| if close { Try::CloseDay } else { Try::Wait(1) }),
        1 => (0..4_u8).prop_map(Try::Stop),
        1 => (0..4_u8).prop_map(Try::Go),
        4 => (any::<u8>(), prop::bool::weighted(0.3)).prop_map(|(back, changed)| Try::Again { back, changed }),
        1 => (0..20_u8, 1..4_u8).prop_map(|(quota, ratio)| Try::Configure { quota, ratio }),
    ]
}

/// Three services of agency 1 (two share a short series), one of agency 2, four counters, everything switched on.
fn plan(calendar: Calendar, quota: u32, ratio: u32) -> Hall {
    let shared = Series { prefix: "AB".to_owned(), digits: 2, first: 5, last: 40 };
    let mut services = vec![service(1, 1), service(2, 1), service(3, 1), service(4, 2)];
    services[0].series = shared.clone();
    services[1].series = shared;
    services[0].restore = RestorePosition::After(2);
    services[1].restore = RestorePosition::End;
    services[2].daily_quota = Some(quota);
    services[1].no_show_cooldown_seconds = 120;
    services[2].recall_gap_seconds = 20;
    services[2].max_calls = 1;
    let mut agencies = vec![agency(1, ratio), agency(2, 1)];
    agencies[1].daily_limit_per_person = Some(2);
    let counters =
        vec![counter(1, 1, &[1, 2, 3]), counter(2, 1, &[1, 2]), counter(3, 1, &[2, 3]), counter(4, 2, &[4])];
    Hall { calendar, ..hall(agencies, services, counters) }
}

/// A walk through a day, and what it has seen.
struct Walk {
    world: World,
    asked: Vec<Command>,
    /// First answers by request key: fingerprint, position, ticket.
    answers: HashMap<String, (String, u64, Option<Ticket>)>,
    numbers: BTreeMap<(NaiveDate, String), Vec<u32>>,
    issued: HashMap<(NaiveDate, ServiceId), u32>,
}

impl Walk {
    fn new(hall: Hall) -> Self {
        let mut walk = Self {
            world: World::new(hall),
            asked: Vec::new(),
            answers: HashMap::new(),
            numbers: BTreeMap::new(),
            issued: HashMap::new(),
        };
        walk.step(&Try::OpenDay, 0);
        for counter in 0..4 {
            walk.step(&Try::Open { counter, only: None, switch: false }, 0);
        }
        walk
    }

    fn counter(&self, n: u8) -> CounterId {
        counter_id(u128::from(n % 4) + 1)
    }

    fn held(&self, n: u8) -> Option<TicketId> {
        self.world.fold.counter(self.counter(n)).current
    }

    fn nth(&self, n: u8) -> TicketId {
        let all: Vec<_> = self.world.fold.tickets_after(0).map(|(_, ticket)| ticket.id).collect();
        if all.is_empty() { ticket_id(u128::from(n)) } else { all[usize::from(n) % all.len()] }
    }

    fn order(&self, wanted: &Try) -> Option<Order> {
        Some(match wanted {
            Try::Wait(_) | Try::Again { .. } => return None,
            Try::Issue { service, priority, appointment, person, onsite, party } => {
                let new = self.world.new_ticket(u128::from(*service) + 1);
                Order::Issue(Box::new(NewTicket {
                    priority: priority.then_some(Priority::Pregnant),
                    appointment: appointment
                        .map(|minutes| self.world.now + TimeDelta::minutes(i64::from(minutes))),
                    person: person.map(|n| format!("person-{n}")),
                    channel: if *onsite { Channel::Onsite } else { Channel::Reception },
                    party_size: u32::from(*party),
                    ..new
                }))
            }
            Try::Open { counter, only, switch } => Order::OpenCounter {
                counter: self.counter(*counter),
                services: only.iter().map(|n| service_id(u128::from(*n) + 1)).collect(),
                switch_desk: *switch,
            },
            Try::Pause(counter) => {
                Order::PauseCounter { counter: self.counter(*counter), reason: "istirahat".to_owned() }
            }
            Try::Back(counter) => Order::ResumeCounter { counter: self.counter(*counter) },
            Try::Close(counter) => {
                Order::CloseCounter { counter: self.counter(*counter), reason: String::new() }
            }
            Try::Next { counter, belief } => Order::CallNext {
                counter: self.counter(*counter),
                expected: belief.map(|right| if right { self.held(*counter) } else { Some(ticket_id(7)) }),
            },
            Try::Specific { counter, ticket } => Order::CallTicket {
                counter: self.counter(*counter),
                ticket: self.nth(*ticket),
                reason: "keadaan khusus".to_owned(),
            },
            Try::Act { pick, what, to, version } => {
                let ticket = match pick {
                    Pick::Held(counter) => self.held(*counter)?,
                    Pick::Nth(n) => self.nth(*n),
                    Pick::Aside(n) => {
                        let fold = &self.world.fold;
                        let all: Vec<_> = fold
                            .hall()
                            .agencies
                            .iter()
                            .flat_map(|it| fold.aside(it.id))
                            .map(|it| it.id)
                            .collect();
                        *all.get(usize::from(*n) % all.len().max(1))?
                    }
                };
                let now = self.world.fold.ticket(ticket).map_or(1, |ticket| ticket.version);
                let version = version.map(|right| if right { now } else { now + 1 });
                // Whoever does not work at the counter needs one; half of them give none.
                let reason = if *to % 2 == 0 { "alasan".to_owned() } else { String::new() };
                Order::Ticket { ticket, version, act: self.act(*what, *to), reason }
            }
            Try::OpenDay => Order::OpenDay,
            Try::CloseDay => Order::CloseDay { date: None },
            Try::Stop(scope) => {
                let (agency, service) = scope_of(*scope);
                Order::StopIntake(IntakeStop { agency, service, reason: "penuh".to_owned() })
            }
            Try::Go(scope) => {
                let (agency, service) = scope_of(*scope);
                Order::ResumeIntake { agency, service }
            }
            Try::Configure { quota, ratio } => {
                configure(plan(self.world.start.calendar, u32::from(*quota), u32::from(*ratio)))
            }
        })
    }

    fn act(&self, what: u8, to: u8) -> Act {
        let text = || "alasan".to_owned();
        match what {
            0 => Act::Recall,
            1..=3 => Act::Start,
            4 | 5 => Act::Finish { outcome: Outcome::Done, delivered: Vec::new() },
            6 => Act::Finish {
                outcome: Outcome::IncompleteDocuments,
                delivered: vec![Delivered { service: service_id(u128::from(to) + 1), quantity: 2 }],
            },
            7 | 8 => Act::NoShow,
            9 => Act::Restore,
            10 => Act::Park { note: text() },
            11 | 16 => Act::Resume { counter: (to > 0).then(|| self.counter(to)) },
            12 => Act::Transfer { service: service_id(u128::from(to) + 1), note: text() },
            13 => Act::Cancel,
            14 => Act::UndoCall,
            15 => Act::Void { reason: VoidReason::WrongService },
            _ => Act::Release,
        }
    }

    /// Tries it as somebody: 0 and 1 may work at many counters, 2 and 3 at one; 3 only for agency 1.
    fn step(&mut self, wanted: &Try, who: u8) {
        if let Try::Wait(seconds) = wanted {
            self.world.wait(i64::from(*seconds));
            return;
        }
        let asked = if let Try::Again { back, changed } = wanted {
            let Some(first) = self.asked.iter().rev().nth(usize::from(*back) % 12) else { return };
            let mut again = first.clone();
            if *changed && let Some(request) = &mut again.request {
                request.fingerprint.push('x');
            }
            again
        } else {
            let Some(order) = self.order(wanted) else { return };
            let agencies = (who == 3).then(|| BTreeSet::from([super::world::agency_id(1)]));
            let n = self.asked.len();
            Command {
                actor: actor(&format!("acc_{who}")),
                reach: Reach(vec![Bound { agencies, counters: None }]),
                many_desks: who < 2,
                request: Some(RequestKey { key: format!("key-{n}"), fingerprint: format!("body-{n}") }),
                order,
            }
        };
        self.submit(asked);
    }

    fn submit(&mut self, asked: Command) {
        let before = self.world.fold.clone();
        let request = asked.request.clone().expect("every command of a walk has a key");
        let known = self.answers.get(&request.key).cloned();
        let decision = self.world.decide(&asked);
        assert_same_refusal(&decision, &self.world.decide(&asked));
        match (&decision, &known) {
            (Err(Rejection::RequestIdReused), Some((fingerprint, ..))) => {
                assert_ne!(*fingerprint, request.fingerprint)
            }
            (Ok(Decision::Replayed(answer)), Some((fingerprint, seq, ticket))) => {
                assert_eq!(*fingerprint, request.fingerprint);
                assert_eq!(
                    (answer.seq, answer.ticket.as_deref()),
                    (*seq, ticket.as_ref()),
                    "not the first answer"
                );
            }
            (other, Some(_)) => panic!("{request:?} was answered before, and now: {other:?}"),
            (Err(Rejection::RequestIdReused) | Ok(Decision::Replayed(_)), None) => {
                panic!("{request:?} is new")
            }
            (_, None) => {}
        }
        if let Ok(Decision::Happens(events)) = decision {
            assert!(!events.is_empty(), "nothing happened, and it was not said");
            for event in &events {
                let last = self.world.fold.clone();
                self.world.fold.apply(event);
                assert_eq!(self.world.fold.seq(), last.seq() + 1);
                self.look(&last, event);
            }
            self.world.events.extend(events.iter().cloned());
            if events.iter().any(|event| event.kind == Kind::DayOpened) {
                self.answers.clear();
            }
            let last = events.last().expect("not empty");
            self.answers
                .insert(request.key, (request.fingerprint, self.world.fold.seq(), last.ticket.clone()));
            check_day(&before, &events);
        }
        if known.is_none() {
            self.asked.push(asked);
        }
        check(&self.world.fold, self.world.now);
    }

    /// What must hold between the state before and after one event.
    fn look(&mut self, before: &Fold, event: &Event) {
        let Some(ticket) = &event.ticket else { return };
        let old = before.ticket(ticket.id);
        if event.kind == Kind::TicketIssued {
            assert!(old.is_none(), "issued twice");
            assert_eq!((ticket.version, ticket.state), (1, State::Waiting));
            let service = before.service(ticket.service).expect("a service of the hall");
            let (first, last) = (service.series.first, service.series.last);
            assert!(
                (first..=last).contains(&ticket.ordinal),
                "{} is outside of {first} to {last}",
                ticket.ordinal
            );
            assert_eq!(ticket.number, service.series.number(ticket.ordinal));
            let given = self.numbers.entry((ticket.date, ticket.series.clone())).or_default();
            assert!(
                given.last().is_none_or(|last| *last + 1 == ticket.ordinal),
                "{} after {given:?}",
                ticket.ordinal
            );
            given.push(ticket.ordinal);
            let issued = self.issued.entry((ticket.date, ticket.service)).or_default();
            assert!(service.daily_quota.is_none_or(|quota| *issued < quota), "above the quota");
            *issued += 1;
            return;
        }
        let old = old.expect("issued before");
        if let Some(counter) = old.counter.filter(|_| old.is_held() && event.kind != Kind::TicketExpired) {
            let actor = Some(event.actor.id.as_str());
            let theirs =
                before.counter(counter).staff.as_deref() == actor || old.called_by.as_deref() == actor;
            assert!(
                theirs || !event.reason.is_empty(),
                "{:?} by somebody else, and nobody knows why",
                event.kind
            );
        }
        if ticket.void.is_some() {
            assert_eq!((old.state, ticket.state), (State::Waiting, State::Cancelled));
            assert_eq!(old.version, 1, "something had come of it");
            assert_eq!(
                ticket.issued_by.as_deref(),
                Some(event.actor.id.as_str()),
                "taken back by somebody else"
            );
            *self.issued.get_mut(&(ticket.date, ticket.service)).expect("it was counted") -= 1;
        }
        assert_eq!(ticket.version, old.version + 1, "{:?}", event.kind);
        let verb = model::verb(event.kind).expect("an event with a ticket has a verb");
        assert!(
            TRANSITIONS.permits(old.state, verb, ticket.state),
            "{} --{verb}--> {} is not in the table",
            old.state,
            ticket.state
        );
        let kept = |it: &Ticket| {
            (
                it.id,
                it.hall,
                it.date,
                it.number.clone(),
                it.token.clone(),
                it.arrived_at,
                it.channel,
                (it.issued_by.clone(), it.person.clone()),
            )
        };
        assert_eq!(kept(ticket), kept(old), "{:?} changed what never changes", event.kind);
        if verb != Verb::Restore {
            assert_eq!(ticket.place, old.place, "{:?} moved the ticket", event.kind);
        }
        let legs = old.legs.len() + usize::from(matches!(verb, Verb::Transfer | Verb::Restore));
        assert_eq!(ticket.legs.len(), legs, "{:?}", event.kind);
        for leg in &ticket.legs[..ticket.legs.len() - 1] {
            assert!(
                matches!(leg.outcome, Some(LegOutcome::Transferred | LegOutcome::NoShow)),
                "{leg:?} was left behind"
            );
        }
        if event.kind == Kind::TicketCalled {
            let counter = before.counter(event.counter.expect("a call is at a counter"));
            let plain = model::next(before, &counter.services, event.at).expect("somebody waits");
            let counts =
                event.passed.iter().map(|it| ((it.service, it.lane.to_string()), it.times)).collect();
            assert_eq!((ticket.id, counts), (plain.0, plain.2), "{:?}", plain.1);
            assert!(old.not_before.is_none_or(|until| until <= event.at), "called in its cooldown");
            assert!(counter.services.contains(&ticket.service), "called for a service of another counter");
        }
    }
}

fn scope_of(n: u8) -> (Option<crate::domain::AgencyId>, Option<ServiceId>) {
    match n {
        0 => (None, None),
        1 => (Some(super::world::agency_id(1)), None),
        2 => (Some(super::world::agency_id(2)), None),
        _ => (None, Some(service_id(1))),
    }
}

/// The same question at the same time has the same answer, ids of events aside.
fn assert_same_refusal(one: &Result<Decision, Rejection>, two: &Result<Decision, Rejection>) {
    let plain = |decision: &Result<Decision, Rejection>| match decision {
        Err(rejection) => format!("{rejection:?}"),
        Ok(Decision::Unchanged(answer) | Decision::Replayed(answer)) => format!("{answer:?}"),
        Ok(Decision::Happens(events)) => events
            .iter()
            .map(|event| {
                format!(
                    "{:?} {:?} {:?} {:?} {:?}",
                    event.kind, event.ticket, event.counters, event.passed, event.day
                )
            })
            .collect(),
    };
    assert_eq!(plain(one), plain(two), "decide is not a function");
}

/// Day end: what was open expired, counters closed, nothing was finished by it.
fn check_day(before: &Fold, events: &[Event]) {
    let Some(at) = events.iter().position(|event| event.kind == Kind::DayClosed) else { return };
    let expired: BTreeSet<TicketId> =
        events[..at].iter().filter_map(|event| event.ticket.as_ref()).map(|it| it.id).collect();
    let open: BTreeSet<TicketId> =
        before.tickets().filter(|ticket| ticket.is_open()).map(|ticket| ticket.id).collect();
    assert_eq!(expired, open, "the tickets that were open");
    assert!(events[..at].iter().all(|event| event.kind == Kind::TicketExpired));
    let mut after = before.clone();
    events[..=at].iter().for_each(|event| after.apply(event));
    assert!(after.tickets().all(|ticket| !ticket.is_open()));
    assert!(
        after
            .counters()
            .all(|counter| counter.availability == Availability::Closed && counter.current.is_none())
    );
    let done = |fold: &Fold| fold.tickets().filter(|ticket| ticket.state == State::Done).count();
    assert_eq!(done(before), done(&after), "day end finishes nothing");
    assert!(!after.day().expect("a day").is_open());
}

/// What must hold in every state.
fn check(fold: &Fold, now: DateTime<Utc>) {
    // No ticket at two counters, no counter with two tickets.
    let mut held = HashSet::new();
    for plan in &fold.hall().counters {
        let counter = fold.counter(plan.id);
        if let Some(current) = counter.current {
            assert!(held.insert(current), "{current} is held twice");
            assert_eq!(counter.availability, Availability::Open, "a counter that is not open holds a ticket");
            let ticket = fold.ticket(current).expect("a counter holds a ticket of the day");
            assert!(
                ticket.is_held() && ticket.counter == Some(plan.id),
                "{ticket:?} is not held by {}",
                plan.number
            );
        }
    }
    let holding: HashSet<TicketId> =
        fold.tickets().filter(|ticket| ticket.is_held()).map(|ticket| ticket.id).collect();
    assert_eq!(held, holding, "held by a counter, and held by itself");
    // One open counter per person, for those who may not work at several.
    let mut desks = HashMap::new();
    for counter in fold.counters().filter(|counter| counter.availability == Availability::Open) {
        let staff = counter.staff.clone().expect("an open counter has staff");
        let desks = desks.entry(staff.clone()).or_insert(0);
        *desks += 1;
        assert!(*desks == 1 || staff == "acc_0" || staff == "acc_1", "{staff} works at {desks} counters");
    }
    // Lines and what stands aside, from the tickets.
    let plain = model::lines(fold);
    for service in &fold.hall().services {
        let line = fold.line(service.id).cloned().unwrap_or_default();
        let Line { priority, ordinary, appointments, cooldowns } = line;
        let ends: BTreeSet<_> = fold
            .tickets()
            .filter(|ticket| ticket.state == State::Waiting && ticket.service == service.id)
            .filter_map(|ticket| ticket.not_before.map(|until| (until, ticket.id)))
            .collect();
        assert_eq!(cooldowns, ends, "the cooldowns of {}", service.code);
        let line = model::PlainLine { priority, ordinary, appointments };
        assert_eq!(
            &line,
            plain.get(&service.id).unwrap_or(&model::PlainLine::default()),
            "the line of {}",
            service.code
        );
        let counts = |ticket: &Ticket| ticket.legs[0].service == service.id && ticket.void.is_none();
        let issued = fold.tickets().filter(|ticket| counts(ticket)).count();
        assert_eq!(fold.issued(service.id) as usize, issued);
    }
    for agency in &fold.hall().agencies {
        let aside: BTreeSet<TicketId> = fold.aside(agency.id).map(|ticket| ticket.id).collect();
        let plain: BTreeSet<TicketId> = fold
            .tickets()
            .filter(|ticket| {
                ticket.agency == agency.id && matches!(ticket.state, State::Parked | State::NoShow)
            })
            .map(|ticket| ticket.id)
            .collect();
        assert_eq!(aside, plain);
    }
    // The choice: deterministic, its first is next, and it is the plain rule.
    for plan in &fold.hall().counters {
        let order = choice::order(fold, &plan.services, now, 100);
        assert_eq!(order, choice::order(fold, &plan.services, now, 100));
        assert_eq!(order.first(), choice::next(fold, &plan.services, now).as_ref());
        assert_eq!(
            order[..order.len().min(3)],
            choice::order(fold, &plan.services, now, 3)[..],
            "a longer look changes the order"
        );
        let plain = model::next(fold, &plan.services, now).map(|(ticket, reason, _)| (ticket, reason));
        assert_eq!(order.first().map(|choice| (choice.ticket, choice.reason)), plain);
        let once: BTreeSet<TicketId> = order.iter().map(|choice| choice.ticket).collect();
        assert_eq!(once.len(), order.len(), "a ticket stands twice in the order");
        for id in once {
            let ticket = fold.ticket(id).expect("a ticket");
            assert_eq!(
                ticket.state,
                State::Waiting,
                "parked and ended tickets are never called by themselves"
            );
        }
    }
}

/// Everything logged, through JSON and back.
fn stored(events: &[Event]) -> Vec<Event> {
    events
        .iter()
        .map(|event| {
            serde_json::from_str(&serde_json::to_string(event).expect("an event as JSON")).expect("and back")
        })
        .collect()
}

fn check_end(walk: &Walk) {
    let (fold, events) = (&walk.world.fold, &walk.world.events);
    let expected = model::snapshot(fold, events);
    let stored = stored(events);
    assert_eq!(&stored, events, "JSON loses nothing");
    let mut whole = Fold::new(walk.world.start.clone());
    stored.iter().for_each(|event| whole.apply(event));
    assert_eq!(model::snapshot(&whole, events), expected, "refolding the whole log");
    let opened = stored.iter().rposition(|event| event.kind == Kind::DayOpened).expect("a day was opened");
    let mut day = Fold::rewound(walk.world.start.clone(), opened as u64);
    stored[opened..].iter().for_each(|event| day.apply(event));
    assert_eq!(model::snapshot(&day, events), expected, "refolding from the opening of the day");
    let zone = fold.hall().time_zone;
    let tickets: Vec<_> = fold.tickets().collect();
    let statistics = Statistics::of(tickets.iter().map(|ticket| ticket.as_ref()), zone, |_| true);
    assert_eq!(statistics, model::statistics(events, zone), "statistics are those of the events");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_day_keeps_every_promise(
        tries in prop::collection::vec((anything(), 0..4_u8), 1..140),
        demo in any::<bool>(),
        ratio in 1..4_u32,
    ) {
        let calendar = if demo { Calendar::Demo } else { Calendar::Regular };
        let mut walk = Walk::new(plan(calendar, 6, ratio));
        for (wanted, who) in &tries {
            walk.step(wanted, *who);
        }
        check_end(&walk);
    }

    /// From any state: a call that is taken back leaves order, counts and ticket as they were.
    #[test]
    fn a_call_taken_back_leaves_no_trace(
        tries in prop::collection::vec((anything(), 0..2_u8), 1..60),
        after in 0..=10_i64,
    ) {
        let mut walk = Walk::new(plan(Calendar::Demo, 50, 2));
        for (wanted, who) in &tries {
            walk.step(wanted, *who);
        }
        let world = &mut walk.world;
        for n in 1..=4 {
            let then = world.now + TimeDelta::seconds(after);
            let before = world.fold.clone();
            let Ok(called) = world.call(n) else { continue };
            world.now = then;
            // Somebody else may have opened that counter.
            world.act_because(called, Act::UndoCall, "salah pencet").expect("within its time");
            for services in [&[1, 2, 3][..], &[1, 2], &[2, 3], &[4]] {
                let services: Vec<ServiceId> = services.iter().map(|n| service_id(*n)).collect();
                prop_assert_eq!(
                    choice::order(&before, &services, then, 1000),
                    choice::order(&world.fold, &services, then, 1000)
                );
            }
            let old = before.ticket(called).expect("it was there");
            let new = Ticket { version: old.version, ..world.ticket(called).clone() };
            prop_assert_eq!(&new, old.as_ref());
            prop_assert_eq!(world.fold.counter(counter_id(n)).current, None);
        }
    }

    /// How many are ahead is how many a counter that serves it really calls before, at the one that comes to it first:
    /// for any services of two agencies at any counters, priority, appointments before, in and after their time, cooldowns,
    /// and whatever was passed over already. A newcomer is told the same as the ticket it then gets.
    #[test]
    fn people_ahead_is_what_callnext_does(
        sets in prop::collection::vec(prop::collection::btree_set(1..=4_u128, 1..=4), 1..5),
        arrivals in prop::collection::vec((0..6_u8, 1..=4_u128), 1..28),
        calls in prop::collection::vec((0..5_u8, 0..3_u8), 0..14),
        ratios in [1..4_u32, 1..4_u32],
        closed in prop::option::of(0..4_usize),
    ) {
        let mut services: Vec<_> = (1..=4).map(|n| service(n, 1 + n % 2)).collect();
        services[0].no_show_cooldown_seconds = 600;
        services[1].no_show_cooldown_seconds = 600;
        let counters: Vec<_> = sets
            .iter()
            .zip(1..)
            .map(|(set, n)| counter(n, 1, &set.iter().copied().collect::<Vec<_>>()))
            .collect();
        let mut world =
            World::open(hall(vec![agency(1, ratios[0]), agency(2, ratios[1])], services, counters.clone()));
        let mut calls = calls.into_iter();
        for (nth, (kind, wanted)) in arrivals.into_iter().enumerate() {
            world.wait(20);
            match kind {
                0 | 1 => world.issue(wanted),
                2 => world.issue_priority(wanted),
                3 => world.issue_appointment(wanted, 0),
                4 => world.issue_appointment(wanted, -40),
                _ => world.issue_appointment(wanted, 40),
            };
            if nth % 2 == 1
                && let Some((at, what)) = calls.next()
                && let Ok(called) = world.call(u128::from(at) % counters.len() as u128 + 1)
            {
                match what {
                    0 => world.finish(called),
                    1 => drop(world.act(called, Act::NoShow).expect("absent")),
                    _ => drop(world.act(called, Act::UndoCall).expect("in time")),
                }
            }
        }
        if let Some(nth) = closed {
            let counter = counter_id((nth % counters.len()) as u128 + 1);
            world.order(Order::CloseCounter { counter, reason: String::new() }).expect("it holds nobody");
        }
        let orders: Vec<(Vec<ServiceId>, bool, Vec<TicketId>)> = counters
            .iter()
            .map(|plan| {
                let open = world.fold.counter(plan.id).availability == Availability::Open;
                let mut alone = world.clone();
                if !open {
                    alone.open_counter(plan.id).expect("it opens");
                }
                let mut order = Vec::new();
                let n = counters.iter().position(|one| one.id == plan.id).expect("it is there") as u128 + 1;
                while let Ok(called) = alone.call(n) {
                    order.push(called);
                    alone.finish(called);
                }
                (plan.services.clone(), open, order)
            })
            .collect();
        let soonest = |ticket: &Ticket| {
            let serving: Vec<_> =
                orders.iter().filter(|(services, ..)| services.contains(&ticket.service)).collect();
            let any_open = serving.iter().any(|(_, open, _)| *open);
            let counters = serving.into_iter().filter(|(_, open, _)| *open || !any_open);
            counters.filter_map(|(_, _, order)| order.iter().position(|id| *id == ticket.id)).min()
        };
        let waiting = world.fold.tickets().filter(|ticket| ticket.state == State::Waiting);
        for ticket in waiting.filter(|ticket| ticket.not_before.is_none_or(|until| until <= world.now)) {
            let Some(place) = soonest(ticket) else { continue };
            let ahead = outlook(&world.fold, ticket, world.now).people_ahead;
            prop_assert_eq!(ahead as usize, place, "{:?}", ticket);
        }
        for n in 1..=4 {
            let mut with_newcomer = world.clone();
            let id = with_newcomer.issue(n);
            prop_assert_eq!(
                outlook_of_newcomer(&world.fold, world.fold.service(service_id(n)).expect("a service"), world.now),
                outlook(&with_newcomer.fold, with_newcomer.ticket(id), world.now)
            );
        }
    }
}

#[test]
fn a_walk_reaches_every_kind_of_event() {
    // Without this, a generator that only ever met refusals would pass everything above.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = prop::collection::vec((anything(), 0..4_u8), 120);
    let (mut seen, mut taken_back) = (BTreeSet::new(), false);
    for nth in 0..120 {
        let tries = strategy.new_tree(&mut runner).expect("a tree").current();
        // Only a real date is opened again, and only a demonstration has several days in one walk.
        let calendar = if nth % 2 == 0 { Calendar::Demo } else { Calendar::Regular };
        let mut walk = Walk::new(plan(calendar, 6, 2));
        for (wanted, who) in &tries {
            walk.step(wanted, *who);
        }
        seen.extend(walk.world.events.iter().map(|event| event.kind.to_string()));
        taken_back |= walk.world.fold.tickets().any(|ticket| ticket.void.is_some());
    }
    let all: BTreeSet<String> =
        <Kind as strum::IntoEnumIterator>::iter().map(|kind| kind.to_string()).collect();
    assert_eq!(all.difference(&seen).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(taken_back, "no ticket was taken back by who issued it");
}

//! The checks are checked: a day that holds, and the same day with one error planted per check.

use std::collections::BTreeMap;

use mpp_proto::common::v1::{Actor, ActorKind};
use mpp_proto::queue::v1::{
    Calendar, Counter, CounterState, Event, EventKind, Hall, Leg, LegOutcome, Ticket, TicketState,
};
use prost_types::Timestamp;

use super::recompute::Recomputed;
use super::{Report, verify};
use crate::demo::history::{Action, History, Operation, Outcome};
use crate::demo::plan::hall_with_ids;

const COUNTERS: [&str; 2] = ["ctr_1", "ctr_2"];
const KTP: &str = "svc_DUKCAPIL-KTP-REKAM";
const KK: &str = "svc_DUKCAPIL-KK";
const DUKCAPIL: &str = "agc_DUKCAPIL";

/// Monday 2 November 2026, 08:00 in WIB.
const MORNING: i64 = 1_793_581_200;

/// Writes a day as a suite would, and what its clients saw.
struct Script {
    hall: Hall,
    now: i64,
    events: Vec<Event>,
    operations: Vec<Operation>,
    tickets: BTreeMap<&'static str, Ticket>,
    before_call: BTreeMap<&'static str, Leg>,
}

impl Script {
    fn new(calendar: Calendar) -> Self {
        let mut hall = hall_with_ids();
        hall.set_calendar(calendar);
        let mut script = Self {
            hall,
            now: MORNING,
            events: Vec::new(),
            operations: Vec::new(),
            tickets: BTreeMap::new(),
            before_call: BTreeMap::new(),
        };
        script.day(Action::OpenDay, EventKind::DayOpened);
        for counter in COUNTERS {
            script.counter(counter, Action::OpenCounter, EventKind::CounterOpened);
        }
        script
    }

    fn time(&self) -> Timestamp {
        Timestamp { seconds: self.now, nanos: 0 }
    }

    fn wait(&mut self, seconds: i64) {
        self.now += seconds;
    }

    fn event(&mut self, kind: EventKind) -> Event {
        let seq = i64::try_from(self.events.len()).unwrap() + 1;
        Event {
            seq,
            id: format!("evt_{seq}"),
            kind: kind.into(),
            time: Some(self.time()),
            actor: Some(Actor { id: "acc_1".into(), kind: ActorKind::Staff.into() }),
            chain: format!("{seq:064x}"),
            ..Event::default()
        }
    }

    fn done(&mut self, action: Action, ticket: Option<Ticket>, counter: Option<Counter>) {
        let sent = self.operations.len() as u64 * 10;
        self.operations.push(Operation {
            action,
            by: "petugas".into(),
            ticket: None,
            counter: None,
            sent,
            answered: sent + 5,
            outcome: Outcome::Done {
                ticket: ticket.map(Box::new),
                counter: counter.map(Box::new),
                day: None,
            },
        });
    }

    fn day(&mut self, action: Action, kind: EventKind) {
        let event = self.event(kind);
        self.events.push(event);
        self.done(action, None, None);
    }

    fn counter(&mut self, counter: &str, action: Action, kind: EventKind) {
        let shown = Counter {
            id: counter.into(),
            state: CounterState::Open.into(),
            change_time: Some(self.time()),
            ..Counter::default()
        };
        let event = Event { counter: Some(shown.clone()), counter_id: counter.into(), ..self.event(kind) };
        self.events.push(event);
        self.done(action, None, Some(shown));
    }

    fn issue(&mut self, id: &'static str, number: &str, service: &str) {
        let ticket = Ticket {
            id: id.into(),
            number: number.into(),
            service_id: service.into(),
            agency_id: DUKCAPIL.into(),
            state: TicketState::Waiting.into(),
            business_date: "2026-11-02".into(),
            version: 1,
            party_size: 1,
            arrival_time: Some(self.time()),
            legs: vec![self.leg(service)],
            ..Ticket::default()
        };
        self.step(id, ticket, EventKind::TicketIssued, Action::Issue, "");
    }

    fn leg(&self, service: &str) -> Leg {
        Leg {
            service_id: service.into(),
            agency_id: DUKCAPIL.into(),
            queue_time: Some(self.time()),
            ..Leg::default()
        }
    }

    fn step(&mut self, id: &'static str, ticket: Ticket, kind: EventKind, action: Action, counter: &str) {
        let event = Event { ticket: Some(ticket.clone()), counter_id: counter.into(), ..self.event(kind) };
        self.events.push(event);
        self.tickets.insert(id, ticket.clone());
        if kind != EventKind::TicketExpired {
            self.done(action, Some(ticket), None);
        }
    }

    fn change(
        &mut self,
        id: &'static str,
        state: TicketState,
        kind: EventKind,
        action: Action,
        leg: impl FnOnce(&mut Leg),
    ) {
        let mut ticket = self.tickets[id].clone();
        ticket.version += 1;
        ticket.set_state(state);
        let counter = ticket.counter_id.clone();
        if !matches!(state, TicketState::Called | TicketState::Serving) {
            ticket.counter_id.clear();
        }
        leg(ticket.legs.last_mut().unwrap());
        self.step(id, ticket, kind, action, &counter);
    }

    fn call(&mut self, id: &'static str, counter: &str, kind: EventKind, action: Action) {
        self.before_call.insert(id, self.tickets[id].legs.last().unwrap().clone());
        self.tickets.get_mut(id).unwrap().counter_id = counter.into();
        let (now, counter) = (self.time(), counter.to_owned());
        self.change(id, TicketState::Called, kind, action, |leg| {
            leg.call_time.get_or_insert(now);
            leg.counter_id = counter;
            leg.calls += 1;
        });
    }

    fn call_next(&mut self, id: &'static str, counter: &str) {
        self.call(id, counter, EventKind::TicketCalled, Action::CallNext);
    }

    fn start(&mut self, id: &'static str) {
        let now = self.time();
        self.change(id, TicketState::Serving, EventKind::TicketStarted, Action::Start, |leg| {
            leg.start_time.get_or_insert(now);
        });
    }

    fn end(
        &mut self,
        id: &'static str,
        state: TicketState,
        kind: EventKind,
        action: Action,
        outcome: LegOutcome,
    ) {
        let now = self.time();
        self.change(id, state, kind, action, |leg| {
            leg.end_time = Some(now);
            leg.set_outcome(outcome);
        });
    }

    fn finish(&mut self, id: &'static str) {
        self.end(id, TicketState::Done, EventKind::TicketFinished, Action::Finish, LegOutcome::Served);
    }

    fn again(&mut self, id: &'static str, service: &str, kind: EventKind, action: Action) {
        let now = self.time();
        let mut ticket = self.tickets[id].clone();
        ticket.version += 1;
        ticket.set_state(TicketState::Waiting);
        let counter = std::mem::take(&mut ticket.counter_id);
        if kind == EventKind::TicketTransferred {
            let leg = ticket.legs.last_mut().unwrap();
            leg.end_time = Some(now);
            leg.set_outcome(LegOutcome::Transferred);
        }
        ticket.service_id = service.into();
        ticket.legs.push(self.leg(service));
        self.step(id, ticket, kind, action, &counter);
    }

    fn history(mut self) -> History {
        for id in self.tickets.keys().copied().collect::<Vec<_>>() {
            let open = [TicketState::Waiting, TicketState::Called, TicketState::Serving, TicketState::Parked];
            if open.contains(&self.tickets[id].state()) {
                self.end(
                    id,
                    TicketState::Expired,
                    EventKind::TicketExpired,
                    Action::CloseDay,
                    LegOutcome::Expired,
                );
            }
        }
        self.day(Action::CloseDay, EventKind::DayClosed);
        let statistics = Recomputed::of(&self.hall, &self.events).statistics;
        History { hall: self.hall, operations: self.operations, events: self.events, statistics }
    }
}

/// A day with everything in it.
fn sample() -> History {
    let mut day = Script::new(Calendar::Demo);
    day.issue("t1", "A001", KTP);
    day.wait(60);
    day.issue("t2", "A002", KTP);
    day.issue("t3", "A003", KK);
    day.wait(60);
    day.call_next("t1", "ctr_1");
    day.call_next("t3", "ctr_2");
    day.wait(30);
    day.start("t1");
    // Taken back: as if it had not been called.
    let before = day.before_call["t3"].clone();
    day.change("t3", TicketState::Waiting, EventKind::CallUndone, Action::UndoCall, |leg| *leg = before);
    day.wait(600);
    day.finish("t1");
    day.call_next("t2", "ctr_1");
    day.end("t2", TicketState::NoShow, EventKind::TicketNoShow, Action::NoShow, LegOutcome::NoShow);
    day.wait(300);
    day.again("t2", KTP, EventKind::TicketRestored, Action::Restore);
    day.call_next("t3", "ctr_2");
    day.start("t3");
    day.wait(100);
    day.again("t3", KTP, EventKind::TicketTransferred, Action::Transfer);
    day.call_next("t3", "ctr_1");
    day.start("t3");
    day.change("t3", TicketState::Parked, EventKind::TicketParked, Action::Park, |_| ());
    day.wait(500);
    day.call("t3", "ctr_1", EventKind::TicketResumed, Action::Resume);
    day.start("t3");
    day.wait(100);
    day.finish("t3");
    day.issue("t4", "A004", KK);
    day.history()
}

#[track_caller]
fn differs_in(report: &Report, part_of_name: &str) {
    let check =
        report.checks.iter().find(|check| check.name.contains(part_of_name)).expect("a check of this name");
    assert!(!check.differences.is_empty(), "the planted error was not seen by {:?}:\n{report}", check.name);
}

fn event_of(history: &mut History, kind: EventKind) -> &mut Event {
    history.events.iter_mut().find(|event| event.kind() == kind).expect("an event of this kind")
}

#[test]
fn a_day_that_holds_passes_and_every_check_looked_at_something() {
    let report = verify(&sample());
    assert!(report.is_ok(), "{report}");
    for check in &report.checks {
        assert!(check.examined > 0 || check.name.contains("real calendar"), "{}", check.name);
    }
}

#[test]
fn the_numbers_are_those_counted_by_hand() {
    let statistics = verify(&sample()).statistics;
    let total = statistics.total.unwrap();
    // t1; t2 twice; t3 twice; t4.
    assert_eq!(
        (total.issued, total.served, total.no_show, total.transferred, total.expired),
        (6, 2, 1, 1, 2)
    );
    // t1, t2, t3 and then t3 after its transfer, twice because it was parked.
    assert_eq!(total.calls, 1 + 1 + 1 + 2);
    // Waits: 120 (t1), 0 (t3 second leg), 690 (t2: 60 to 750), 990 (t3: 60 to 1050).
    assert_eq!((total.wait_p50_seconds, total.wait_p90_seconds), (120, 990));
    // Service: 600 (t1), 100 (t3 sent on), 100 (t3; its 500 aside are no service).
    assert_eq!((total.service_p50_seconds, total.service_p90_seconds), (100, 600));
    let ktp = statistics.services.iter().find(|row| row.key == KTP).unwrap();
    assert_eq!((ktp.issued, ktp.served, ktp.no_show), (4, 2, 1));
    assert_eq!(
        statistics.hours.iter().map(|row| (row.key.as_str(), row.issued)).collect::<Vec<_>>(),
        [("08", 6)]
    );
    let first = statistics.counters.iter().find(|row| row.key == "ctr_1").unwrap();
    assert_eq!((first.issued, first.served), (3, 2));
}

#[test]
fn a_gap_a_repeated_event_and_a_step_back_in_time_are_seen() {
    for plant in [
        (|history| {
            history.events.remove(5);
        }) as fn(&mut History),
        |history| history.events[5].id = history.events[4].id.clone(),
        |history| history.events[5].chain = history.events[4].chain.clone(),
        |history| history.events[7].time = Some(Timestamp { seconds: MORNING - 1, nanos: 0 }),
    ] {
        let mut history = sample();
        plant(&mut history);
        differs_in(&verify(&history), "no gap");
    }
}

#[test]
fn a_number_given_twice_or_left_out_is_seen() {
    for number in ["A001", "A005", "QQ1"] {
        let mut history = sample();
        for ticket in history
            .events
            .iter_mut()
            .filter_map(|event| event.ticket.as_mut())
            .filter(|ticket| ticket.id == "t2")
        {
            ticket.number = number.into();
        }
        differs_in(&verify(&history), "no number is issued twice");
    }
}

#[test]
fn an_illegal_step_a_skipped_version_and_a_changed_number_are_seen() {
    for plant in [
        (|ticket| ticket.set_state(TicketState::Serving)) as fn(&mut Ticket),
        |ticket| ticket.version += 1,
        |ticket| ticket.number = "A999".into(),
    ] {
        let mut history = sample();
        plant(event_of(&mut history, EventKind::TicketNoShow).ticket.as_mut().unwrap());
        differs_in(&verify(&history), "permitted steps");
    }
}

#[test]
fn two_tickets_at_one_counter_and_one_ticket_at_two_are_seen() {
    let mut history = sample();
    let second =
        history.events.iter_mut().filter(|event| event.kind() == EventKind::TicketCalled).nth(1).unwrap();
    second.ticket.as_mut().unwrap().counter_id = "ctr_1".into();
    differs_in(&verify(&history), "no counter holds two");
    let mut history = sample();
    event_of(&mut history, EventKind::TicketStarted).ticket.as_mut().unwrap().counter_id = "ctr_9".into();
    differs_in(&verify(&history), "no counter holds two");
}

#[test]
fn a_call_at_a_closed_counter_is_seen() {
    let mut history = sample();
    event_of(&mut history, EventKind::TicketCalled).counter_id = "ctr_7".into();
    differs_in(&verify(&history), "only at open counters");
}

#[test]
fn a_ticket_outside_the_hours_of_a_real_calendar_is_seen() {
    let mut day = Script::new(Calendar::Regular);
    day.issue("t1", "A001", KTP);
    assert!(verify(&day.history()).is_ok());
    let mut day = Script::new(Calendar::Regular);
    // Friday of the same week, in the break.
    day.now += 4 * 86_400 + 4 * 3600;
    day.issue("t1", "A001", KTP);
    differs_in(&verify(&day.history()), "real calendar");
}

#[test]
fn a_day_that_does_not_end_properly_is_seen() {
    let mut history = sample();
    history.events.pop();
    differs_in(&verify(&history), "leaves no ticket open");
    let mut history = sample();
    let expired = history.events.iter().position(|event| event.kind() == EventKind::TicketExpired).unwrap();
    let event = history.events.remove(expired);
    history.events.insert(6, event);
    differs_in(&verify(&history), "leaves no ticket open");
    let mut history = sample();
    history.events.retain(|event| event.kind() != EventKind::TicketExpired);
    differs_in(&verify(&history), "leaves no ticket open");
}

#[test]
fn an_acknowledged_command_that_is_lost_or_has_another_outcome_is_seen() {
    let mut history = sample();
    history.events.retain(|event| event.kind() != EventKind::TicketParked);
    differs_in(&verify(&history), "acknowledged command");
    let mut history = sample();
    event_of(&mut history, EventKind::TicketFinished).ticket.as_mut().unwrap().legs[0].calls += 1;
    differs_in(&verify(&history), "acknowledged command");
    let mut history = sample();
    let again =
        history.operations.iter().find(|operation| operation.action == Action::CallNext).unwrap().clone();
    history.operations.push(again);
    differs_in(&verify(&history), "acknowledged command");
    let mut history = sample();
    event_of(&mut history, EventKind::CounterOpened).counter.as_mut().unwrap().reason = "lain".into();
    differs_in(&verify(&history), "acknowledged command");
}

#[test]
fn an_event_that_nobody_asked_for_is_seen_unless_its_answer_was_lost() {
    let mut history = sample();
    let parked = history.operations.iter().position(|operation| operation.action == Action::Park).unwrap();
    let mut operation = history.operations.remove(parked);
    differs_in(&verify(&history), "asked for");
    operation.outcome = Outcome::Unknown("timed out".into());
    operation.ticket = Some("t3".into());
    history.operations.push(operation);
    assert!(verify(&history).is_ok(), "{}", verify(&history));
    // A lost answer explains one event, not two.
    let restored =
        history.operations.iter().position(|operation| operation.action == Action::Restore).unwrap();
    history.operations.remove(restored);
    differs_in(&verify(&history), "asked for");
}

#[test]
fn an_order_that_clients_did_not_see_is_seen() {
    let mut history = sample();
    let issued = history.operations.iter().position(|operation| operation.action == Action::Issue).unwrap();
    // The first issue was sent only after everything else had been answered.
    history.operations[issued].sent = 1_000_000;
    history.operations[issued].answered = 1_000_005;
    differs_in(&verify(&history), "order of the log");
}

#[test]
fn a_ticket_that_reports_another_wait_is_seen() {
    let mut history = sample();
    for ticket in
        history.events.iter_mut().filter_map(|event| event.ticket.as_mut()).filter(|ticket| ticket.id == "t1")
    {
        if let Some(time) = ticket.legs[0].call_time.as_mut() {
            time.seconds += 1;
        }
    }
    differs_in(&verify(&history), "as tickets report them");
}

#[test]
fn every_number_of_the_statistics_is_compared() {
    let plants: [fn(&mut History); 6] = [
        |history| history.statistics.total.as_mut().unwrap().served += 1,
        |history| history.statistics.services[0].wait_p90_seconds += 1,
        |history| history.statistics.agencies[0].way_p50_seconds += 1,
        |history| history.statistics.counters[0].calls += 1,
        |history| history.statistics.hours[0].persons += 1,
        |history| history.statistics.date = "2026-11-03".into(),
    ];
    for plant in plants {
        let mut history = sample();
        plant(&mut history);
        differs_in(&verify(&history), "field by field");
    }
    let mut history = sample();
    history.statistics.counters.remove(0);
    differs_in(&verify(&history), "field by field");
}

#[test]
fn legs_that_do_not_add_up_are_seen() {
    let mut statistics = verify(&sample()).statistics;
    statistics.services[0].open += 1;
    assert!(!super::numbers::legs_add_up(&statistics).differences.is_empty());
    let mut statistics = verify(&sample()).statistics;
    statistics.agencies[0].issued += 1;
    statistics.agencies[0].open += 1;
    assert!(!super::numbers::legs_add_up(&statistics).differences.is_empty());
}

//! Single situations: each rule of decide, and each refusal.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::world::{
    World, actor, agency, agency_id, command, configure, counter, counter_id, finish, hall, monday, request,
    service, service_id, simple, ticket_id, two_agencies,
};
use crate::domain::choice::{self, Reason};
use crate::domain::counter::Availability;
use crate::domain::decide::{Act, Bound, Command, Decision, Order, Reach};
use crate::domain::estimate::{Estimate, outlook, outlook_of_newcomer};
use crate::domain::event::{Actor, ActorKind, IntakeStop, Kind};
use crate::domain::hall::{Calendar, Hall, RestorePosition, Series};
use crate::domain::rejection::{IntakeClosed, Rejection, Thing};
use crate::domain::statistics::{Statistics, percentile};
use crate::domain::ticket::{
    Channel, Delivered, LegOutcome, Outcome, State, Ticket, VOID_SECONDS, Verb, VoidReason,
};
use crate::domain::{CounterId, TicketId};

fn with_service(change: impl FnOnce(&mut crate::domain::hall::Service)) -> Hall {
    let mut hall = simple();
    change(&mut hall.services[0]);
    hall
}

/// A ticket that counter 1 has called.
fn called(world: &mut World) -> TicketId {
    world.issue(1);
    world.call(1).expect("somebody waits")
}

// Numbers.

#[test]
fn an_exhausted_range_refuses_and_never_wraps() {
    let series = Series { prefix: "A".to_owned(), digits: 1, first: 8, last: 9 };
    let mut world = World::open(with_service(|service| service.series = series));
    let numbers = [world.issue(1), world.issue(1)].map(|id| world.ticket(id).number.clone());
    assert_eq!(numbers, ["A8", "A9"]);
    for _ in 0..3 {
        assert_eq!(world.issue_new(|_| {}), Err(Rejection::IntakeClosed(IntakeClosed::NumbersExhausted)));
    }
    world.wait(24 * 3600);
    world.order(Order::OpenDay).expect("the next day");
    let ticket = world.issue(1);
    assert_eq!(world.ticket(ticket).number, "A8", "a new date begins anew");
}

#[test]
fn services_with_one_prefix_share_one_series() {
    let mut hall = two_agencies();
    hall.services[1].series = hall.services[0].series.clone();
    let mut world = World::open(hall);
    let numbers = [1, 2, 1, 2].map(|service| {
        let id = world.issue(service);
        world.ticket(id).number.clone()
    });
    assert_eq!(numbers, ["A001", "A002", "A003", "A004"]);
}

#[test]
fn the_quota_counts_issued_tickets_not_waiting_ones() {
    let mut world = World::open(with_service(|service| service.daily_quota = Some(2)));
    let first = called(&mut world);
    world.act(first, Act::Cancel).expect("cancelled");
    world.issue(1);
    assert_eq!(world.issue_new(|_| {}), Err(Rejection::IntakeClosed(IntakeClosed::QuotaFull(2))));
}

#[test]
fn a_person_gets_as_many_tickets_as_the_agency_permits() {
    let mut hall = simple();
    hall.agencies[0].daily_limit_per_person = Some(2);
    let mut world = World::open(hall);
    for _ in 0..2 {
        world.issue_new(|new| new.person = Some("p".to_owned())).expect("within the limit");
    }
    assert_eq!(world.issue_new(|new| new.person = Some("p".to_owned())), Err(Rejection::PersonLimit(2)));
    world.issue_new(|new| new.person = Some("q".to_owned())).expect("another person");
    world.issue_new(|new| new.channel = Channel::Reception).expect("staff issue without a number");
    for machine in [Channel::Onsite, Channel::Kiosk] {
        assert_eq!(world.issue_new(|new| new.channel = machine), Err(Rejection::PhoneRequired));
    }
}

#[test]
fn who_issued_a_ticket_takes_it_back_and_it_counts_for_nothing() {
    let mut hall = with_service(|service| service.daily_quota = Some(1));
    hall.agencies[0].daily_limit_per_person = Some(1);
    let mut world = World::open(hall);
    let take = |world: &mut World| world.issue_new(|new| new.person = Some("p".to_owned()));
    let void = Act::Void { reason: VoidReason::WrongService };
    let first = take(&mut world).expect("a ticket");
    assert_eq!(take(&mut world), Err(Rejection::IntakeClosed(IntakeClosed::QuotaFull(1))));
    world.wait(VOID_SECONDS);
    let events = world.act(first, void.clone()).expect("taken back");
    assert_eq!((events[0].kind, events[0].reason.as_str()), (Kind::TicketCancelled, "wrong_service"));
    let ticket = world.ticket(first);
    assert_eq!((ticket.state, ticket.leg().outcome), (State::Cancelled, Some(LegOutcome::Cancelled)));
    assert!(world.line(&[1]).is_empty());
    // Neither the quota nor the person's limit knows of it; its number is gone all the same.
    let second = take(&mut world).expect("as if it had not been taken");
    assert_eq!(world.ticket(second).number, "A002");
    assert_eq!(take(&mut world), Err(Rejection::IntakeClosed(IntakeClosed::QuotaFull(1))));
    assert!(matches!(world.act(first, void), Err(Rejection::NotPermittedInState { .. })), "once");
}

#[test]
fn a_ticket_is_taken_back_by_its_issuer_alone_and_only_while_nothing_came_of_it() {
    let void = || Act::Void { reason: VoidReason::TakenTwice };
    let mut world = World::open(simple());
    let waiting = world.issue(1);
    let order = || Order::Ticket { ticket: waiting, version: None, act: void(), reason: String::new() };
    // Whatever they may do otherwise, and whatever state it is in.
    let stranger = |order| Command { actor: actor("dev_other"), ..command(order) };
    assert_eq!(world.submit(&stranger(order())), Err(Rejection::NotFound(Thing::Ticket)));
    world.wait(VOID_SECONDS + 1);
    assert_eq!(world.act(waiting, void()), Err(Rejection::VoidTooLate { state: State::Waiting }));
    let called = world.call(1).expect("called");
    assert_eq!(world.act(called, void()), Err(Rejection::VoidTooLate { state: State::Called }));
    assert_eq!(world.submit(&stranger(order())), Err(Rejection::NotFound(Thing::Ticket)));
    world.finish(called);
    // Called at once, and back in the line: the hall has heard its number.
    let absent = world.issue(1);
    assert_eq!(world.call(1), Ok(absent));
    world.act(absent, Act::NoShow).expect("absent");
    assert_eq!(world.ticket(absent).state, State::Waiting);
    assert_eq!(world.act(absent, void()), Err(Rejection::VoidTooLate { state: State::Waiting }));
    // Also if the call was taken back: it waits as before, and was called all the same.
    world.wait(600);
    let undone = world.issue(1);
    let call = Order::CallTicket { counter: counter_id(1), ticket: undone, reason: "alasan".to_owned() };
    world.order(call).expect("called");
    world.act(undone, Act::UndoCall).expect("in time");
    assert_eq!((world.ticket(undone).state, world.ticket(undone).leg().calls), (State::Waiting, 0));
    assert_eq!(world.act(undone, void()), Err(Rejection::VoidTooLate { state: State::Waiting }));
    // What a citizen's phone took belongs to no device.
    let citizen = Actor { id: String::new(), kind: ActorKind::Citizen };
    let issue = Order::Issue(Box::new(world.new_ticket(1)));
    let own = world.submit(&Command { actor: citizen.clone(), ..command(issue) }).expect("a ticket");
    let own = own[0].ticket.as_ref().expect("a ticket");
    assert_eq!(own.issued_by, None);
    let order = Order::Ticket { ticket: own.id, version: None, act: void(), reason: String::new() };
    let asked = Command { actor: citizen, ..command(order) };
    assert_eq!(world.submit(&asked), Err(Rejection::NotFound(Thing::Ticket)));
}

// Intake.

#[test]
fn intake_stops_for_the_hall_an_agency_or_a_service() {
    let mut world = World::open(two_agencies());
    let stop = |agency, service| IntakeStop { agency, service, reason: "listrik padam".to_owned() };
    let takes =
        |world: &mut World| [1, 2, 3].map(|n| world.issue_new(|new| new.service = service_id(n)).is_ok());
    for (agency, service, open) in [
        (None, None, [false, false, false]),
        (Some(agency_id(1)), None, [false, false, true]),
        (None, Some(service_id(2)), [true, false, true]),
    ] {
        world.order(Order::StopIntake(stop(agency, service))).expect("stopped");
        assert_eq!(takes(&mut world), open);
        world.order(Order::ResumeIntake { agency, service }).expect("resumed");
        assert_eq!(takes(&mut world), [true; 3]);
        assert_eq!(world.order(Order::ResumeIntake { agency, service }).expect("already").len(), 0);
    }
    world.order(Order::StopIntake(stop(None, None))).expect("stopped");
    let refused = world.issue_new(|_| {});
    assert_eq!(refused, Err(Rejection::IntakeClosed(IntakeClosed::Stopped("listrik padam".to_owned()))));
}

#[test]
fn a_retired_service_takes_nobody() {
    let mut world = World::open(with_service(|service| service.retired = true));
    assert_eq!(world.issue_new(|_| {}), Err(Rejection::IntakeClosed(IntakeClosed::Retired)));
}

// The verbs.

#[test]
fn every_pair_outside_of_the_table_is_refused_with_the_state() {
    let bring = |world: &mut World, state: State| -> TicketId {
        let id = match state {
            State::Waiting => world.issue(1),
            State::Called
            | State::Serving
            | State::Parked
            | State::NoShow
            | State::Done
            | State::Cancelled
            | State::Expired => called(world),
        };
        let steps: Vec<Act> = match state {
            State::Waiting | State::Called | State::Expired => vec![],
            State::Serving => vec![Act::Start],
            State::Parked => vec![Act::Park { note: String::new() }],
            State::NoShow => vec![Act::NoShow],
            State::Done => vec![Act::Start, finish()],
            State::Cancelled => vec![Act::Cancel],
        };
        for step in steps {
            world.act(id, step).expect("a permitted step");
        }
        id
    };
    let all = [
        State::Waiting,
        State::Called,
        State::Serving,
        State::Parked,
        State::NoShow,
        State::Done,
        State::Cancelled,
    ];
    let reason = || "alasan".to_owned();
    let acts: Vec<(Verb, Act)> = vec![
        (Verb::Recall, Act::Recall),
        (Verb::Start, Act::Start),
        (Verb::Finish, finish()),
        (Verb::NoShow, Act::NoShow),
        (Verb::Restore, Act::Restore),
        (Verb::Park, Act::Park { note: reason() }),
        (Verb::Resume, Act::Resume { counter: Some(counter_id(2)) }),
        (Verb::Transfer, Act::Transfer { service: service_id(2), note: reason() }),
        (Verb::Cancel, Act::Cancel),
        (Verb::UndoCall, Act::UndoCall),
        (Verb::Release, Act::Release),
    ];
    for state in all {
        for (verb, act) in &acts {
            let mut hall = two_agencies();
            hall.services[0].max_calls = 1;
            let mut world = World::open(hall);
            let id = bring(&mut world, state);
            assert_eq!(world.ticket(id).state, state);
            let before = world.ticket(id).clone();
            let result = world.act(id, act.clone());
            if crate::domain::ticket::TRANSITIONS.next(state, *verb).is_some() {
                assert!(result.is_ok(), "{state} --{verb}: {result:?}");
            } else {
                let Err(Rejection::NotPermittedInState { verb: said, state: in_state, allowed, .. }) = result
                else {
                    panic!("{state} --{verb}: {result:?}")
                };
                assert_eq!((said, in_state), (*verb, state));
                assert_eq!(allowed, crate::domain::ticket::TRANSITIONS.allowed(state));
                assert_eq!(world.ticket(id), &before, "a refusal changes nothing");
            }
        }
    }
}

#[test]
fn a_stale_version_is_refused() {
    let mut world = World::open(simple());
    let id = called(&mut world);
    let start = |version| Order::Ticket {
        ticket: id,
        version: Some(version),
        act: Act::Start,
        reason: String::new(),
    };
    assert_eq!(
        world.order(start(1)),
        Err(Rejection::StaleVersion { expected: 1, actual: 2, state: State::Called })
    );
    world.order(start(2)).expect("the version it has");
    assert_eq!(world.ticket(id).version, 3);
}

#[test]
fn a_counter_with_a_ticket_gets_no_second_one() {
    let mut world = World::open(simple());
    let first = called(&mut world);
    let second = world.issue(1);
    let busy = |world: &World| {
        Err(Rejection::CounterBusy {
            number: "1".to_owned(),
            ticket: first,
            ticket_number: world.ticket(first).number.clone(),
            state: world.ticket(first).state,
        })
    };
    assert_eq!(world.call(1).map(|_| Vec::<crate::domain::event::Event>::new()), busy(&world));
    let specific = Order::CallTicket { counter: counter_id(1), ticket: second, reason: "darurat".to_owned() };
    assert_eq!(world.order(specific), busy(&world));
    for order in [
        Order::PauseCounter { counter: counter_id(1), reason: "x".to_owned() },
        Order::CloseCounter { counter: counter_id(1), reason: String::new() },
        Order::OpenCounter { counter: counter_id(1), services: vec![], switch_desk: false },
    ] {
        assert_eq!(world.order(order), busy(&world));
    }
}

#[test]
fn a_wrong_belief_calls_nobody() {
    let mut world = World::open(simple());
    world.issue(1);
    world.issue(1);
    let next = |expected| Order::CallNext { counter: counter_id(1), expected: Some(expected) };
    let first = world.order(next(None)).expect("it holds none")[0].ticket.clone().expect("a ticket");
    // A double click: the second press still believes that the counter holds nothing.
    let refused = Rejection::UnexpectedCurrent { current: Some((first.id, first.number.clone())) };
    assert_eq!(world.order(next(None)), Err(refused));
    world.finish(first.id);
    assert_eq!(world.order(next(Some(first.id))), Err(Rejection::UnexpectedCurrent { current: None }));
    assert_eq!(world.line(&[1]).len(), 1);
}

#[test]
fn recall_waits_for_the_gap_and_counts() {
    let mut world = World::open(with_service(|service| service.recall_gap_seconds = 10));
    let id = called(&mut world);
    world.wait(9);
    assert!(matches!(world.act(id, Act::Recall), Err(Rejection::RecallTooSoon(1 | 2))));
    world.wait(1);
    let event = world.act(id, Act::Recall).expect("after the gap").remove(0);
    assert!(event.kind.is_announced());
    assert_eq!(world.ticket(id).leg().calls, 2);
    let call = world.fold.calls().back().expect("an announcement").clone();
    assert_eq!((call.seq, call.repeat), (world.fold.seq(), 2));
    // The repeat was heard: the call cannot be taken back any more.
    assert_eq!(world.act(id, Act::UndoCall), Err(Rejection::UndoTooLate));
}

#[test]
fn absent_visitors_go_back_to_their_place_until_the_limit_of_their_service() {
    let mut world = World::open(with_service(|service| {
        service.max_calls = 2;
        service.no_show_cooldown_seconds = 60;
    }));
    let first = called(&mut world);
    let second = world.issue(1);
    world.act(first, Act::NoShow).expect("absent");
    assert_eq!(world.ticket(first).state, State::Waiting);
    // In its cooldown others go first; afterwards it stands where it stood.
    assert_eq!(world.line(&[1]), [second]);
    world.wait(59);
    assert_eq!(world.line(&[1]), [second]);
    world.wait(1);
    assert_eq!(world.line(&[1]), [first, second]);
    assert_eq!(world.call(1), Ok(first));
    let event = world.act(first, Act::NoShow).expect("absent again").remove(0);
    assert_eq!((event.kind, world.ticket(first).state), (Kind::TicketNoShow, State::NoShow));
    assert_eq!(world.ticket(first).leg().outcome, Some(LegOutcome::NoShow));
}

#[test]
fn nobody_waiting_says_when_the_first_cooldown_ends() {
    let mut world = World::open(with_service(|service| service.no_show_cooldown_seconds = 60));
    assert_eq!(world.call(1), Err(Rejection::NobodyWaiting { cooldown_seconds: None }));
    let id = called(&mut world);
    world.act(id, Act::NoShow).expect("absent");
    world.wait(20);
    let Err(Rejection::NobodyWaiting { cooldown_seconds: Some(seconds) }) = world.call(1) else {
        panic!("nobody is ready")
    };
    assert!((40..=41).contains(&seconds), "{seconds}");
    world.wait(i64::try_from(seconds).expect("seconds"));
    assert_eq!(world.call(1), Ok(id), "after what was said");
}

#[test]
fn a_restored_no_show_stands_where_the_service_says() {
    for (position, place) in [
        (RestorePosition::Original, 0),
        (RestorePosition::After(1), 1),
        (RestorePosition::After(2), 2),
        (RestorePosition::After(3), 3),
        (RestorePosition::After(4), 4),
        (RestorePosition::After(99), 4),
        (RestorePosition::End, 4),
    ] {
        let mut world = World::open(with_service(|service| {
            service.max_calls = 1;
            service.restore = position;
        }));
        let id = called(&mut world);
        for _ in 0..4 {
            world.issue(1);
        }
        world.act(id, Act::NoShow).expect("absent");
        world.act_because(id, Act::Restore, "datang terlambat").expect("restored");
        assert_eq!(world.line(&[1]).iter().position(|it| *it == id), Some(place), "{position:?}");
        let ticket = world.ticket(id);
        assert_eq!((ticket.legs.len(), ticket.leg().calls, ticket.leg().queued_at), (2, 0, world.now));
        assert_eq!(world.events.last().map(|event| event.reason.as_str()), Some("datang terlambat"));
        // Whoever comes later stands behind.
        let later = world.issue(1);
        assert_eq!(world.line(&[1]).last(), Some(&later), "{position:?}");
    }
}

/// Whoever missed an appointment is put where the service says, not by the time of it; those who are late for theirs stand
/// among the ordinary and are counted there.
#[test]
fn a_restored_appointment_stands_where_the_service_says() {
    for (position, place) in
        [(RestorePosition::Original, 0), (RestorePosition::After(2), 2), (RestorePosition::End, 4)]
    {
        let mut world = World::open(with_service(|service| {
            service.max_calls = 1;
            service.restore = position;
        }));
        let due = world.now;
        let id = world.issue_new(|new| new.appointment = Some(due)).expect("issued");
        assert_eq!(world.call(1), Ok(id), "{position:?}: it is due");
        let late = world.now - TimeDelta::minutes(90);
        world.issue(1);
        world.issue_new(|new| new.appointment = Some(late)).expect("issued");
        world.issue(1);
        world.issue(1);
        world.act(id, Act::NoShow).expect("absent");
        world.act_because(id, Act::Restore, "datang terlambat").expect("restored");
        assert_eq!(world.line(&[1]).iter().position(|it| *it == id), Some(place), "{position:?}");
    }
}

#[test]
fn many_restores_at_one_place_keep_their_order() {
    // Each stands behind two; the place between two neighbours is halved again and again.
    let mut world = World::open(with_service(|service| {
        service.max_calls = 1;
        service.restore = RestorePosition::After(2);
    }));
    let gone: Vec<TicketId> = (0..40)
        .map(|_| {
            let id = called(&mut world);
            world.act(id, Act::NoShow).expect("absent");
            id
        })
        .collect();
    let waiting: Vec<TicketId> = (0..5).map(|_| world.issue(1)).collect();
    for (nth, id) in gone.into_iter().enumerate() {
        world.act(id, Act::Restore).expect("restored");
        let line = world.line(&[1]);
        let at = line.iter().position(|it| *it == id).expect("it waits");
        assert!(at == 2 || (at > 2 && nth >= 20), "restore {nth} stands behind {at}");
        assert_eq!(line[..2], waiting[..2], "nobody is restored before those it should stand behind");
        let places: BTreeSet<u64> = line.iter().map(|id| world.ticket(*id).place).collect();
        assert_eq!(places.len(), line.len(), "two share a place");
    }
}

#[test]
fn undo_gives_back_the_place_and_ends_after_ten_seconds() {
    let mut world = World::open(simple());
    let first = world.issue(1);
    let second = world.issue(1);
    assert_eq!(world.call(1), Ok(first));
    world.wait(10);
    world.act(first, Act::UndoCall).expect("within ten seconds");
    assert_eq!(world.line(&[1]), [first, second]);
    assert_eq!((world.ticket(first).leg().calls, world.ticket(first).last_call_at), (0, None));
    assert_eq!(world.call(1), Ok(first));
    world.wait(11);
    assert_eq!(world.act(first, Act::UndoCall), Err(Rejection::UndoTooLate));
    assert_eq!(world.ticket(first).state, State::Called);
    world.act(first, Act::Start).expect("it goes on");
    assert!(matches!(world.act(first, Act::UndoCall), Err(Rejection::NotPermittedInState { .. })));
}

#[test]
fn undoing_a_resume_parks_again_where_it_was_parked() {
    let mut world = World::open(simple());
    let id = called(&mut world);
    world.act(id, Act::Park { note: "ambil fotokopi".to_owned() }).expect("parked");
    let before = world.ticket(id).clone();
    world.wait(60);
    world.act(id, Act::Resume { counter: Some(counter_id(2)) }).expect("resumed elsewhere");
    assert_eq!(world.ticket(id).counter, Some(counter_id(2)));
    world.act(id, Act::UndoCall).expect("in time");
    let after = world.ticket(id);
    assert_eq!((after.state, after.counter, &after.note), (State::Parked, Some(counter_id(1)), &before.note));
    assert_eq!(after.legs, before.legs);
}

#[test]
fn parked_tickets_are_never_called_by_themselves() {
    let mut world = World::open(simple());
    let id = called(&mut world);
    world.act(id, Act::Start).expect("started");
    world.act(id, Act::Park { note: "isi formulir".to_owned() }).expect("parked");
    world.wait(3600 * 5);
    assert_eq!(world.call(1), Err(Rejection::NobodyWaiting { cooldown_seconds: None }));
    assert_eq!(
        world.fold.aside(agency_id(1)).map(|ticket| ticket.id).collect::<Vec<_>>(),
        [id],
        "colleagues see it"
    );
    let ticket = world.ticket(id);
    assert_eq!((ticket.counter, ticket.note.as_str()), (Some(counter_id(1)), "isi formulir"));
    world.act(id, Act::Resume { counter: None }).expect("back at its counter");
    assert_eq!(world.fold.counter(counter_id(1)).current, Some(id));
}

#[test]
fn transfer_keeps_number_arrival_and_place_and_adds_a_leg() {
    let mut world = World::open(two_agencies());
    let id = world.issue(1);
    world.wait(60);
    let later = world.issue(3);
    assert_eq!(world.call(1), Ok(id));
    world.wait(30);
    world.act(id, Act::Start).expect("started");
    world.wait(300);
    let before = world.ticket(id).clone();
    world
        .act(id, Act::Transfer { service: service_id(3), note: "lanjut ke Samsat".to_owned() })
        .expect("transferred");
    let after = world.ticket(id);
    assert_eq!(
        (&after.number, after.arrived_at, after.place),
        (&before.number, before.arrived_at, before.place)
    );
    assert_eq!((after.state, after.service, after.agency), (State::Waiting, service_id(3), agency_id(2)));
    assert_eq!(
        after.legs.iter().map(|leg| leg.outcome).collect::<Vec<_>>(),
        [Some(LegOutcome::Transferred), None]
    );
    assert_eq!(after.leg().queued_at, world.now);
    assert_eq!(world.fold.counter(counter_id(1)).finished, 0, "sent on is not finished");
    assert_eq!(world.fold.counter(counter_id(1)).current, None);
    assert_eq!(world.line(&[3]), [id, later], "it arrived earlier");
    assert_eq!(world.fold.issued(service_id(3)), 1, "a transfer takes nothing from the quota");
    let tickets: Vec<_> = world.fold.tickets().collect();
    let sums = Statistics::of(tickets.iter().map(|it| it.as_ref()), world.start.time_zone, |_| true);
    assert_eq!((sums.total.transferred, sums.total.served, sums.total.issued), (1, 0, 3));
    assert_eq!(
        world.act(id, Act::Transfer { service: service_id(3), note: String::new() }),
        Err(rejected_transfer(&world, id))
    );
}

fn rejected_transfer(world: &World, id: TicketId) -> Rejection {
    let state = world.ticket(id).state;
    Rejection::NotPermittedInState {
        verb: Verb::Transfer,
        state,
        allowed: crate::domain::ticket::TRANSITIONS.allowed(state),
        holder: None,
    }
}

#[test]
fn transfer_to_the_same_or_an_unknown_service_is_refused() {
    let mut hall = two_agencies();
    hall.services[1].retired = true;
    let mut world = World::open(hall);
    let id = called(&mut world);
    let transfer = |n| Act::Transfer { service: service_id(n), note: String::new() };
    assert_eq!(world.act(id, transfer(1)), Err(Rejection::SameService));
    assert_eq!(world.act(id, transfer(2)), Err(Rejection::NotFound(Thing::Service)));
    assert_eq!(world.act(id, transfer(99)), Err(Rejection::NotFound(Thing::Service)));
}

#[test]
fn release_frees_a_stuck_ticket_to_its_place() {
    let mut world = World::open(simple());
    let id = called(&mut world);
    let second = world.issue(1);
    world.act(id, Act::Start).expect("started");
    world.act(id, Act::Release).expect("released");
    assert_eq!(world.line(&[1]), [id, second]);
    assert_eq!(world.fold.counter(counter_id(1)).current, None);
}

#[test]
fn finish_says_what_was_delivered() {
    let mut world = World::open(two_agencies());
    let id = called(&mut world);
    world.act(id, Act::Start).expect("started");
    let line = |n, quantity| Delivered { service: service_id(n), quantity };
    let other = Act::Finish { outcome: Outcome::Done, delivered: vec![line(3, 1)] };
    assert_eq!(world.act(id, other), Err(Rejection::NotFound(Thing::Service)), "another agency's service");
    world
        .act(id, Act::Finish { outcome: Outcome::Done, delivered: vec![line(1, 2), line(2, 3)] })
        .expect("finished");
    assert_eq!(world.ticket(id).delivered, [line(1, 2), line(2, 3)]);
    for (outcome, delivered) in [
        (Outcome::Done, vec![line(1, 1)]),
        (Outcome::IncompleteDocuments, vec![]),
        (Outcome::NotProvided, vec![]),
        (Outcome::Cancelled, vec![]),
    ] {
        let id = called(&mut world);
        world.act(id, Act::Start).expect("started");
        world.act(id, Act::Finish { outcome, delivered: vec![] }).expect("finished");
        assert_eq!((world.ticket(id).outcome, &world.ticket(id).delivered), (Some(outcome), &delivered));
        assert_eq!(world.ticket(id).leg().outcome, Some(LegOutcome::Served));
    }
    assert_eq!(world.fold.counter(counter_id(1)).finished, 5);
}

#[test]
fn a_specific_call_is_for_the_own_agency_and_keeps_its_reason() {
    let mut world = World::open(two_agencies());
    let first = world.issue(1);
    let second = world.issue(1);
    let foreign = world.issue(3);
    let specific = |ticket| Order::CallTicket { counter: counter_id(1), ticket, reason: "sakit".to_owned() };
    assert!(matches!(world.order(specific(foreign)), Err(Rejection::ServiceNotAtCounter { .. })));
    let event = world.order(specific(second)).expect("out of order").remove(0);
    assert_eq!((event.kind, event.reason.as_str()), (Kind::TicketCalledSpecific, "sakit"));
    assert_eq!(world.line(&[1]), [first]);
    assert_eq!(world.order(specific(ticket_id(1))), Err(counter_busy(&world, second)));
}

fn counter_busy(world: &World, ticket: TicketId) -> Rejection {
    let ticket = world.ticket(ticket);
    Rejection::CounterBusy {
        number: "1".to_owned(),
        ticket: ticket.id,
        ticket_number: ticket.number.clone(),
        state: ticket.state,
    }
}

// Appointments.

#[test]
fn appointments_are_early_due_or_late() {
    let mut world = World::open(simple());
    let appointment = world.issue_appointment(1, 60);
    let ordinary = world.issue(1);
    let next = |world: &World| {
        choice::next(&world.fold, &[service_id(1)], world.now).map(|it| (it.ticket, it.reason))
    };
    // Before its window it goes behind everybody.
    assert_eq!(next(&world), Some((ordinary, Reason::Arrival)));
    assert_eq!(world.line(&[1]), [ordinary, appointment]);
    world.wait(44 * 60 + 59);
    assert_eq!(next(&world), Some((ordinary, Reason::Arrival)));
    // Due: 15 minutes before …
    world.wait(1);
    assert_eq!(next(&world), Some((appointment, Reason::Appointment)));
    // … to 15 minutes after.
    world.wait(30 * 60);
    assert_eq!(next(&world), Some((appointment, Reason::Appointment)));
    // Late: by arrival, which was before the other's.
    world.wait(1);
    assert_eq!(next(&world), Some((appointment, Reason::Arrival)));
    let called = world.call(1).expect("called");
    world.finish(called);
    assert_eq!(next(&world), Some((ordinary, Reason::Arrival)));
}

#[test]
fn an_early_appointment_is_called_when_nobody_else_waits_and_the_earliest_first() {
    let mut world = World::open(simple());
    let later = world.issue_appointment(1, 90);
    let sooner = world.issue_appointment(1, 60);
    let choice = choice::next(&world.fold, &[service_id(1)], world.now).expect("somebody waits");
    assert_eq!((choice.ticket, choice.reason, choice.passed), (sooner, Reason::EarlyAppointment, vec![]));
    assert_eq!(world.line(&[1]), [sooner, later]);
}

#[test]
fn due_appointments_go_by_their_time_not_by_arrival() {
    let mut world = World::open(simple());
    let second = world.issue_appointment(1, 10);
    let first = world.issue_appointment(1, 5);
    assert_eq!(world.line(&[1]), [first, second]);
}

// Counters and desks.

#[test]
fn a_counter_calls_only_while_it_is_open() {
    let mut world = World::open(simple());
    let id = counter_id(1);
    world.issue(1);
    world.order(Order::PauseCounter { counter: id, reason: "salat".to_owned() }).expect("paused");
    let not_open = |availability| Err(Rejection::CounterNotOpen { number: "1".to_owned(), availability });
    assert_eq!(world.call(1), not_open(Availability::Break));
    assert_eq!(world.fold.counter(id).reason, "salat");
    world.order(Order::ResumeCounter { counter: id }).expect("resumed");
    assert_eq!(world.order(Order::ResumeCounter { counter: id }).expect("again").len(), 0);
    world.order(Order::CloseCounter { counter: id, reason: "pulang".to_owned() }).expect("closed");
    assert_eq!(world.call(1), not_open(Availability::Closed));
    assert_eq!(
        world.order(Order::CloseCounter { counter: id, reason: String::new() }).expect("again").len(),
        0
    );
    assert!(world.order(Order::PauseCounter { counter: id, reason: "x".to_owned() }).is_err());
    world.open_counter(id).expect("open");
    assert!(world.call(1).is_ok());
}

#[test]
fn a_counter_opens_for_services_of_its_plan_each_once() {
    let mut world = World::open(two_agencies());
    let open = |services: &[u128]| Order::OpenCounter {
        counter: counter_id(1),
        services: services.iter().map(|n| service_id(*n)).collect(),
        switch_desk: false,
    };
    assert!(matches!(world.order(open(&[3])), Err(Rejection::ServiceNotAtCounter { .. })));
    world.order(open(&[2])).expect("open for one");
    world.issue(1);
    assert_eq!(world.call(1), Err(Rejection::NobodyWaiting { cooldown_seconds: None }));
    world.order(open(&[2, 1, 2])).expect("said twice");
    assert_eq!(world.fold.counter(counter_id(1)).services, [service_id(2), service_id(1)]);
}

/// Somebody who may work at one desk at a time.
fn at_one_desk(order: Order) -> Command {
    Command { actor: actor("acc_one"), many_desks: false, ..command(order) }
}

#[test]
fn a_person_works_at_one_desk_unless_the_switch_is_explicit() {
    let mut world = World::new(simple());
    world.order(Order::OpenDay).expect("the day opens");
    let open = |n, switch_desk| {
        at_one_desk(Order::OpenCounter { counter: counter_id(n), services: vec![], switch_desk })
    };
    let elsewhere = |holds_ticket| {
        Err(Rejection::DeskElsewhere { counter: counter_id(1), number: "1".to_owned(), holds_ticket })
    };
    world.submit(&open(1, false)).expect("the first desk");
    assert_eq!(world.submit(&open(2, false)), elsewhere(false));
    world.submit(&open(2, true)).expect("switched");
    assert_eq!(world.fold.counter(counter_id(1)).availability, Availability::Break, "the other desk is left");
    // Back, with a ticket in hand: that desk cannot be left.
    world.submit(&open(1, true)).expect("back");
    world.issue(1);
    world.submit(&at_one_desk(Order::CallNext { counter: counter_id(1), expected: None })).expect("called");
    assert_eq!(world.submit(&open(2, true)), elsewhere(true));
    // Somebody who is permitted to may.
    world
        .order(Order::OpenCounter { counter: counter_id(2), services: vec![], switch_desk: false })
        .expect("many desks");
}

#[test]
fn one_active_ticket_per_person_also_at_a_desk_that_a_colleague_opened() {
    let mut world = World::open(simple());
    world.issue(1);
    world.issue(1);
    // Both counters were opened by a colleague.
    let next = |n| at_one_desk(Order::CallNext { counter: counter_id(n), expected: None });
    world.submit(&next(1)).expect("the first");
    let second = world.submit(&next(2));
    assert!(matches!(second, Err(Rejection::DeskElsewhere { holds_ticket: true, .. })), "{second:?}");
}

// Reach.

fn of_agency(n: u128, order: Order) -> Command {
    let bound = Bound { agencies: Some(BTreeSet::from([agency_id(n)])), counters: None };
    Command { reach: Reach(vec![bound]), ..command(order) }
}

#[test]
fn another_agency_is_not_there() {
    let mut world = World::open(two_agencies());
    let foreign = world.issue(3);
    let counter = counter_id(3);
    let reason = || "alasan".to_owned();
    let orders: Vec<(Order, Thing)> = vec![
        (Order::CallNext { counter, expected: None }, Thing::Counter),
        (Order::CallTicket { counter, ticket: foreign, reason: reason() }, Thing::Counter),
        (Order::CallTicket { counter: counter_id(1), ticket: foreign, reason: reason() }, Thing::Ticket),
        (Order::OpenCounter { counter, services: vec![], switch_desk: false }, Thing::Counter),
        (Order::PauseCounter { counter, reason: reason() }, Thing::Counter),
        (Order::ResumeCounter { counter }, Thing::Counter),
        (Order::CloseCounter { counter, reason: reason() }, Thing::Counter),
        (Order::Ticket { ticket: foreign, version: None, act: Act::Cancel, reason: reason() }, Thing::Ticket),
        (
            Order::Ticket { ticket: foreign, version: None, act: Act::Start, reason: String::new() },
            Thing::Ticket,
        ),
        (Order::StopIntake(IntakeStop { agency: None, service: None, reason: reason() }), Thing::Hall),
        (
            Order::StopIntake(IntakeStop { agency: Some(agency_id(2)), service: None, reason: reason() }),
            Thing::Agency,
        ),
        (
            Order::StopIntake(IntakeStop { agency: None, service: Some(service_id(3)), reason: reason() }),
            Thing::Service,
        ),
        (Order::ResumeIntake { agency: Some(agency_id(2)), service: None }, Thing::Agency),
        (Order::OpenDay, Thing::Hall),
        (Order::CloseDay { date: None }, Thing::Hall),
        (configure(two_agencies()), Thing::Hall),
        (Order::Issue(Box::new(world.new_ticket(3))), Thing::Service),
    ];
    for (order, thing) in orders {
        let shown = format!("{order:?}");
        assert_eq!(world.submit(&of_agency(1, order)), Err(Rejection::NotFound(thing)), "{shown}");
    }
    // What is not there at all answers the same.
    let unknown =
        Order::Ticket { ticket: ticket_id(1), version: None, act: Act::Start, reason: String::new() };
    assert_eq!(world.submit(&of_agency(1, unknown)), Err(Rejection::NotFound(Thing::Ticket)));
}

#[test]
fn a_colleagues_counter_is_there_and_forbidden() {
    let mut world = World::open(simple());
    let id = called(&mut world);
    let bound = |n| Bound {
        agencies: Some(BTreeSet::from([agency_id(1)])),
        counters: Some(BTreeSet::<CounterId>::from([counter_id(n)])),
    };
    let of_counter =
        |n, order| Command { actor: actor("acc_two"), reach: Reach(vec![bound(n)]), ..command(order) };
    let act = |act| Order::Ticket { ticket: id, version: None, act, reason: String::new() };
    for wanted in [Act::Recall, Act::Start, Act::NoShow, Act::UndoCall, Act::Park { note: String::new() }] {
        let refused = world.submit(&of_counter(2, act(wanted)));
        assert_eq!(refused, Err(Rejection::NotTheHolder { number: "1".to_owned() }));
    }
    world.submit(&of_counter(1, act(Act::Start))).expect("its own");
    world.submit(&of_counter(1, act(Act::Park { note: String::new() }))).expect("parked");
    // A parked ticket is the agency's: a colleague may take it on.
    world
        .submit(&of_counter(2, act(Act::Resume { counter: Some(counter_id(2)) })))
        .expect("resumed by a colleague");
}

// The day.

#[test]
fn day_end_expires_and_twice_changes_nothing() {
    let mut world = World::open(simple());
    let [done, serving, parked] = [1, 2, 1].map(|counter| {
        world.issue(1);
        let id = world.call(counter).expect("called");
        match counter {
            2 => world.act(id, Act::Start).map(|_| ()).expect("started"),
            _ if world.events.iter().any(|event| event.kind == Kind::TicketFinished) => {
                world.act(id, Act::Park { note: String::new() }).map(|_| ()).expect("parked");
            }
            _ => world.finish(id),
        }
        id
    });
    let waiting = world.issue(1);
    world.wait(3600);
    let events = world.order(Order::CloseDay { date: None }).expect("closed");
    assert_eq!(events.len(), 4, "three expired, one day closed");
    assert_eq!(world.ticket(done).state, State::Done);
    for id in [serving, parked, waiting] {
        let ticket = world.ticket(id);
        assert_eq!(
            (ticket.state, ticket.leg().outcome, ticket.ended_at),
            (State::Expired, Some(LegOutcome::Expired), Some(world.now))
        );
    }
    let seq = world.fold.seq();
    assert_eq!(world.order(Order::CloseDay { date: None }).expect("again"), []);
    let date = world.fold.day().expect("a day").date;
    assert_eq!(world.order(Order::CloseDay { date: Some(date) }).expect("again"), []);
    assert_eq!(world.fold.seq(), seq);
    for order in [
        Order::CallNext { counter: counter_id(1), expected: None },
        Order::OpenCounter { counter: counter_id(1), services: vec![], switch_desk: false },
        Order::StopIntake(IntakeStop { agency: None, service: None, reason: "x".to_owned() }),
    ] {
        assert_eq!(world.order(order), Err(Rejection::DayNotOpen));
    }
    assert_eq!(world.issue_new(|_| {}), Err(Rejection::IntakeClosed(IntakeClosed::DayNotOpen)));
}

/// A press that hung in the air over night names the day it meant.
#[test]
fn a_day_is_not_closed_by_a_press_for_another() {
    let mut world = World::open(simple());
    let yesterday = world.fold.day().expect("a day").date;
    world.wait(24 * 3600);
    world.order(Order::OpenDay).expect("the next day");
    let today = world.fold.day().expect("a day").date;
    assert!(today > yesterday);
    assert_eq!(
        world.order(Order::CloseDay { date: Some(yesterday) }),
        Err(Rejection::DayAlreadyClosed(yesterday))
    );
    let tomorrow = today.succ_opt().expect("a date");
    assert_eq!(world.order(Order::CloseDay { date: Some(tomorrow) }), Err(Rejection::DayNotOpen));
    assert!(world.fold.day().expect("a day").is_open());
    assert_eq!(world.order(Order::CloseDay { date: Some(today) }).expect("closed").len(), 1);
}

#[test]
fn a_day_that_was_closed_by_mistake_goes_on() {
    let mut world = World::open(with_service(|service| service.no_show_cooldown_seconds = 600));
    let done = called(&mut world);
    world.finish(done);
    let serving = called(&mut world);
    world.act(serving, Act::Start).expect("started");
    world.wait(90);
    let (priority, waiting) = (world.issue_priority(1), world.issue(1));
    let before = world.fold.clone();
    world.order(Order::CloseDay { date: None }).expect("closed");
    let at = world.now;
    world.wait(300);
    let events = world.order(Order::OpenDay).expect("open again");
    let kinds: Vec<Kind> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [Kind::TicketReopened, Kind::TicketReopened, Kind::TicketReopened, Kind::DayReopened]);
    let day = world.fold.day().expect("a day").clone();
    assert_eq!((day.is_open(), day.reopened_at), (true, Some(world.now)));
    assert_eq!(before.day().map(|day| (day.date, day.opened_at)), Some((day.date, day.opened_at)));
    for id in [priority, waiting] {
        let old = before.ticket(id).expect("it was there");
        assert_eq!(
            &Ticket { version: old.version, ..world.ticket(id).clone() },
            old.as_ref(),
            "as if nothing was"
        );
    }
    assert_eq!(world.ticket(done).state, State::Done, "what had ended stays ended");
    assert_eq!(world.line(&[1]), [priority, serving, waiting]);
    assert_eq!(world.order(Order::OpenDay).expect("it is open"), []);
    // The time in between is no service.
    world.open_counter(counter_id(1)).expect("opened again");
    let next = world.issue(1);
    assert_eq!(world.ticket(next).ordinal, before.last_ordinal("A").expect("a number") + 1);
    world.call(1).map(|id| world.finish(id)).expect("the priority");
    assert_eq!(world.call(1), Ok(serving));
    world.act(serving, Act::Start).expect("started");
    world.wait(10);
    world.act(serving, finish()).expect("finished");
    let leg = world.ticket(serving).leg();
    assert_eq!((leg.service_seconds(), leg.started_at < Some(at)), (Some(100), true));
    // A clock that was set back opens no date twice.
    world.order(Order::CloseDay { date: None }).expect("closed");
    let date = world.fold.day().expect("a day").date;
    world.wait(-24 * 3600);
    assert_eq!(world.order(Order::OpenDay), Err(Rejection::DayAlreadyClosed(date)));
}

#[test]
fn opening_the_day_twice_changes_nothing() {
    let mut world = World::open(simple());
    world.issue(1);
    assert_eq!(world.order(Order::OpenDay).expect("again"), []);
    assert_eq!(world.order(Order::CloseDay { date: None }).expect("closed").len(), 2);
    let mut never = World::new(simple());
    assert_eq!(never.order(Order::CloseDay { date: None }), Err(Rejection::DayNotOpen));
}

// Retries.

#[test]
fn a_retry_has_one_effect_and_one_answer() {
    let mut world = World::open(simple());
    let issue = |world: &World, fingerprint| {
        let new = world.new_ticket(1);
        Command { request: request("acc_all:r1", fingerprint), ..command(Order::Issue(Box::new(new))) }
    };
    let first = issue(&world, "body");
    world.submit(&first).expect("issued");
    let (seq, ticket) =
        (world.fold.seq(), world.events.last().and_then(|event| event.ticket.clone()).expect("a ticket"));
    world.issue(1);
    world.wait(60);
    // The retry carries another new id for the ticket; the first answer counts.
    let Ok(Decision::Replayed(answer)) = world.decide(&issue(&world, "body")) else { panic!("no replay") };
    assert_eq!((answer.seq, answer.ticket.as_deref()), (seq, Some(&ticket)));
    assert_eq!(world.submit(&issue(&world, "other")), Err(Rejection::RequestIdReused));
    let other = Command {
        request: request("acc_all:r1", "x"),
        ..command(Order::CallNext { counter: counter_id(1), expected: None })
    };
    assert_eq!(world.submit(&other), Err(Rejection::RequestIdReused));
    assert_eq!(world.fold.tickets().count(), 2);
}

#[test]
fn the_answer_of_a_retry_is_the_first_one_though_the_ticket_went_on() {
    let mut world = World::open(simple());
    world.issue(1);
    let next = Command {
        request: request("k", "b"),
        ..command(Order::CallNext { counter: counter_id(1), expected: Some(None) })
    };
    world.submit(&next).expect("called");
    let id = world.fold.counter(counter_id(1)).current.expect("a ticket");
    world.finish(id);
    let Ok(Decision::Replayed(answer)) = world.decide(&next) else { panic!("no replay") };
    assert_eq!(
        answer.ticket.map(|ticket| (ticket.id, ticket.state, ticket.version)),
        Some((id, State::Called, 2))
    );
}

// Configuration.

#[test]
fn an_open_day_keeps_what_its_tickets_hang_on() {
    let mut world = World::open(two_agencies());
    let with = |change: fn(&mut Hall)| {
        let mut hall = two_agencies();
        change(&mut hall);
        configure(hall)
    };
    for change in [
        (|hall| drop(hall.services.remove(1))) as fn(&mut Hall),
        |hall| drop(hall.counters.remove(0)),
        |hall| drop(hall.agencies.remove(1)),
        |hall| hall.services[0].agency = agency_id(2),
        |hall| hall.counters[0].agency = agency_id(2),
        |hall| hall.time_zone = crate::domain::hall::TimeZone::Wit,
        |hall| hall.calendar = Calendar::Demo,
    ] {
        assert!(matches!(world.order(with(change)), Err(Rejection::Configuration(_))));
    }
    world.order(with(|hall| hall.services[0].daily_quota = Some(1))).expect("a quota can change");
    world.issue(1);
    assert_eq!(world.issue_new(|_| {}), Err(Rejection::IntakeClosed(IntakeClosed::QuotaFull(1))));
    world.order(Order::CloseDay { date: None }).expect("closed");
    world.order(with(|hall| drop(hall.services.remove(1)))).expect("after the day");
}

#[test]
fn configurations_with_defects_are_refused() {
    for (change, field) in [
        ((|hall| hall.agencies[1].code = hall.agencies[0].code.clone()) as fn(&mut Hall), "agencies[1].code"),
        (|hall| hall.services[1].code = hall.services[0].code.clone(), "services[1].code"),
        (|hall| hall.counters[2].number = hall.counters[0].number.clone(), "counters[2].number"),
        (|hall| hall.zones.push(hall.zones[0].clone()), "zones[1].code"),
        (
            |hall| hall.services[1].series = Series { last: 50, ..hall.services[0].series.clone() },
            "services[1].series",
        ),
        (|hall| hall.services[0].series.first = 0, "services[0].series"),
        (|hall| hall.services[0].series.last = 0, "services[0].series"),
        (
            |hall| {
                let window = |from, to| crate::domain::hall::Window { from, to };
                hall.agencies[0].hours.insert(1, vec![window(600, 720), window(700, 800)]);
            },
            "agencies[0].hours[1].windows",
        ),
    ] {
        let mut hall = two_agencies();
        change(&mut hall);
        let fields: Vec<String> = hall.defects().into_iter().map(|defect| defect.field).collect();
        assert_eq!(fields, [field]);
        assert!(matches!(
            World::new(two_agencies()).order(configure(hall)),
            Err(Rejection::Configuration(_))
        ));
    }
    assert_eq!(two_agencies().defects(), []);
}

// Estimates.

#[test]
fn nobody_knows_while_no_counter_is_open() {
    let mut world = World::open(simple());
    let id = world.issue(1);
    let now = |world: &World| outlook(&world.fold, world.ticket(id), world.now).estimate;
    let open = now(&world).expect("two counters are open");
    assert!(open.min_minutes == 0 && open.max_minutes > open.min_minutes);
    world
        .order(Order::PauseCounter { counter: counter_id(1), reason: "istirahat".to_owned() })
        .expect("paused");
    assert!(now(&world).is_some(), "one is left");
    world.order(Order::CloseCounter { counter: counter_id(2), reason: String::new() }).expect("closed");
    assert_eq!(now(&world), None, "a counter on break does not count");
    world.order(Order::ResumeCounter { counter: counter_id(1) }).expect("resumed");
    assert!(now(&world).is_some());
}

#[test]
fn estimates_follow_recent_real_durations_and_open_counters() {
    let minutes = |each: i64, counters: u128| {
        let mut world = World::open(simple());
        for _ in 0..10 {
            let id = called(&mut world);
            world.act(id, Act::Start).expect("started");
            world.wait(each * 60);
            world.act(id, finish()).expect("finished");
        }
        if counters == 1 {
            world
                .order(Order::CloseCounter { counter: counter_id(2), reason: String::new() })
                .expect("closed");
        }
        for _ in 0..6 {
            world.issue(1);
        }
        let service = world.start.services[0].clone();
        let outlook = outlook_of_newcomer(&world.fold, &service, world.now);
        assert_eq!(outlook.people_ahead, 6);
        outlook.estimate.expect("a counter is open")
    };
    let (slow, quick, half) = (minutes(10, 2), minutes(2, 2), minutes(10, 1));
    assert!(quick.max_minutes < slow.min_minutes, "{quick:?} {slow:?}");
    assert!(half.min_minutes > slow.min_minutes, "{half:?} {slow:?}");
    // Six before, two counters, ten minutes each: the truth, 30 minutes, lies within.
    assert!((slow.min_minutes..=slow.max_minutes).contains(&30), "{slow:?}");
}

/// When somebody is really called, if each ticket takes ten minutes and every counter calls again as soon as it is free.
fn really_called(world: &World, id: TicketId) -> u32 {
    let mut world = world.clone();
    let from = world.now;
    let mut free: Vec<(i64, u128)> = (1..=world.start.counters.len() as u128).map(|n| (0, n)).collect();
    loop {
        free.sort_unstable();
        let (minute, counter) = free[0];
        world.now = from + TimeDelta::minutes(minute);
        match world.call(counter) {
            Ok(called) if called == id => return u32::try_from(minute).expect("minutes"),
            Ok(called) => world.finish(called),
            Err(Rejection::NobodyWaiting { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
        free[0].0 += 10;
    }
}

#[test]
fn who_waits_for_another_service_of_the_same_counters_goes_before() {
    // Dukcapil: six counters, each for both services. Forty wait for the first; somebody comes for the second.
    let counters = (1..=6).map(|n| counter(n, 1, &[1, 2])).collect();
    let mut world = World::open(hall(vec![agency(1, 2)], vec![service(1, 1), service(2, 1)], counters));
    for _ in 0..40 {
        world.issue(1);
    }
    let expected = outlook_of_newcomer(&world.fold, &world.start.services[1], world.now);
    let id = world.issue(2);
    let outlook = outlook(&world.fold, world.ticket(id), world.now);
    assert_eq!((outlook.people_ahead, outlook), (40, expected));
    let Estimate { min_minutes, max_minutes } = outlook.estimate.expect("counters are open");
    let truth = really_called(&world, id);
    assert!((min_minutes..=max_minutes).contains(&truth), "{truth} is not in {min_minutes} to {max_minutes}");
}

#[test]
fn an_estimate_counts_what_its_counters_do_besides_and_who_helps() {
    // Counter 1 calls for both services, the others for one of them each.
    let build = |sets: &[&[u128]]| {
        let counters = sets.iter().zip(1..).map(|(set, n)| counter(n, 1, set)).collect();
        World::open(hall(vec![agency(1, 2)], vec![service(1, 1), service(2, 1)], counters))
    };
    for (sets, ahead) in [
        // Ten of the first service before it, at the only counter for both.
        (&[&[1, 2][..]][..], 10),
        // Three more counters take those ten.
        (&[&[1, 2], &[1], &[1], &[1]], 10),
        // A counter of its own: nobody before it there.
        (&[&[1, 2], &[2]], 0),
        (&[&[1, 2], &[1, 2], &[1]], 10),
    ] {
        let mut world = build(sets);
        for _ in 0..10 {
            world.issue(1);
        }
        let id = world.issue(2);
        let outlook = outlook(&world.fold, world.ticket(id), world.now);
        assert_eq!(outlook.people_ahead, ahead, "{sets:?}");
        let Estimate { min_minutes, max_minutes } = outlook.estimate.expect("counters are open");
        let truth = really_called(&world, id);
        assert!(
            (min_minutes..=max_minutes).contains(&truth),
            "{sets:?}: {truth} is not in {min_minutes} to {max_minutes}"
        );
    }
}

#[test]
fn an_appointment_is_last_until_it_is_due_and_a_cooldown_is_waited_for() {
    let mut world = World::open(with_service(|service| service.no_show_cooldown_seconds = 1800));
    let absent = called(&mut world);
    for _ in 0..20 {
        world.issue(1);
    }
    let early = world.issue_appointment(1, 30);
    world.act(absent, Act::NoShow).expect("absent");
    let of = |world: &World, id: TicketId| outlook(&world.fold, world.ticket(id), world.now);
    // Whoever is in a cooldown stands aside; its own place is told all the same.
    assert_eq!((of(&world, early).people_ahead, of(&world, absent).people_ahead), (20, 0));
    let back = of(&world, absent).estimate.expect("counters are open");
    assert_eq!((back.min_minutes, back.max_minutes > 30), (30, true));
    // Due in fifteen minutes, and then only the ordinary whose turn it is go before.
    let soon = of(&world, early).estimate.expect("counters are open");
    assert!(soon.min_minutes >= 15 && soon.max_minutes < 40, "{soon:?}");
    world.wait(15 * 60);
    assert_eq!(of(&world, early).people_ahead, 0);
}

#[test]
fn no_stored_appointment_is_too_far_away() {
    let mut world = World::open(simple());
    let far = [chrono::DateTime::<chrono::Utc>::MAX_UTC, chrono::DateTime::<chrono::Utc>::MIN_UTC];
    for appointment in far {
        let id = world.issue_new(|new| new.appointment = Some(appointment)).expect("a ticket");
        assert!(outlook(&world.fold, world.ticket(id), world.now).estimate.is_some());
    }
    assert_eq!(world.line(&[1]).len(), 2);
    world.call(1).expect("the one that is late");
    world.call(2).expect("the one that nobody waits with");
}

#[test]
fn percentiles_are_nearest_rank() {
    assert_eq!(percentile(&[], 50), 0);
    assert_eq!((percentile(&[7], 50), percentile(&[7], 90)), (7, 7));
    let ten: Vec<u32> = (1..=10).collect();
    assert_eq!((percentile(&ten, 50), percentile(&ten, 90), percentile(&ten, 100)), (5, 9, 10));
}

#[test]
fn only_what_is_visible_counts_in_statistics() {
    let mut world = World::open(two_agencies());
    world.issue(1);
    world.issue(3);
    let tickets: Vec<_> = world.fold.tickets().collect();
    let zone = world.start.time_zone;
    let sums = Statistics::of(tickets.iter().map(|it| it.as_ref()), zone, |agency| agency == agency_id(1));
    assert_eq!((sums.total.issued, sums.agencies.len()), (1, 1));
    assert_eq!(sums.hours.keys().collect::<Vec<_>>(), ["08"], "hours are those of the hall");
    assert_eq!(world.now - monday(), TimeDelta::zero());
}

#[test]
fn whoever_does_not_work_at_the_counter_says_why() {
    let acts = |state| match state {
        State::Called => vec![
            Act::Recall,
            Act::Start,
            Act::NoShow,
            Act::UndoCall,
            Act::Park { note: String::new() },
            Act::Cancel,
            Act::Release,
        ],
        State::Serving => vec![
            finish(),
            Act::Park { note: String::new() },
            Act::Transfer { service: service_id(2), note: String::new() },
        ],
        State::Waiting | State::Parked | State::NoShow | State::Done | State::Cancelled | State::Expired => {
            vec![]
        }
    };
    let whole_agency = Bound { agencies: Some(BTreeSet::from([agency_id(1)])), counters: None };
    let its_counter = Bound { counters: Some(BTreeSet::from([counter_id(1)])), ..whole_agency.clone() };
    for state in [State::Called, State::Serving] {
        for act in acts(state) {
            let bring = || {
                let mut world = World::open(two_agencies());
                let id = called(&mut world);
                if state == State::Serving {
                    world.act(id, Act::Start).expect("started");
                }
                (world, id)
            };
            let asked = |id, who: &str, bound: &Bound, reason: &str| Command {
                actor: actor(who),
                reach: Reach(vec![bound.clone()]),
                ..command(Order::Ticket {
                    ticket: id,
                    version: None,
                    act: act.clone(),
                    reason: reason.to_owned(),
                })
            };
            let (mut world, id) = bring();
            let before = world.ticket(id).clone();
            for too_little in ["", "ok"] {
                let refused = world.submit(&asked(id, "acc_other", &whole_agency, too_little));
                let expected = Rejection::ReasonRequired { number: "1".to_owned() };
                assert_eq!(refused, Err(expected), "{act:?} {too_little}");
            }
            assert_eq!(world.ticket(id), &before, "a refusal changes nothing");
            world.submit(&asked(id, "acc_other", &whole_agency, "petugas sakit")).expect("with a reason");
            assert_eq!(world.events.last().map(|event| event.reason.as_str()), Some("petugas sakit"));
            // Of who works there none is asked: by their grant, or because they opened the counter.
            for (who, bound) in [("acc_other", &its_counter), ("acc_all", &whole_agency)] {
                let (mut world, id) = bring();
                world.submit(&asked(id, who, bound, "")).expect("at their counter");
                assert_eq!(world.events.last().map(|event| event.reason.as_str()), Some(""));
            }
        }
    }
    // Nobody holds a ticket that is parked: nobody has to be asked.
    let mut world = World::open(two_agencies());
    let id = called(&mut world);
    world.act(id, Act::Park { note: String::new() }).expect("parked");
    let resume = Order::Ticket {
        ticket: id,
        version: None,
        act: Act::Resume { counter: None },
        reason: String::new(),
    };
    world
        .submit(&Command { actor: actor("acc_other"), reach: Reach(vec![whole_agency]), ..command(resume) })
        .expect("resumed");
}

#[test]
fn whoever_called_for_a_colleague_goes_on_with_that_ticket_without_a_word() {
    let mut world = World::open(simple());
    let bound = Bound { agencies: Some(BTreeSet::from([agency_id(1)])), counters: None };
    let supervisor = |order| Command {
        actor: actor("acc_supervisor"),
        reach: Reach(vec![bound.clone()]),
        ..command(order)
    };
    let act = |ticket, act| Order::Ticket { ticket, version: None, act, reason: String::new() };
    let next = || supervisor(Order::CallNext { counter: counter_id(1), expected: None });
    let why = Err(Rejection::ReasonRequired { number: "1".to_owned() });
    let first = world.issue(1);
    let second = world.issue(1);
    // The colleague opened the counter, and it stays theirs.
    world.submit(&next()).expect("called");
    assert_eq!(world.fold.counter(counter_id(1)).staff.as_deref(), Some("acc_all"));
    world.submit(&supervisor(act(first, Act::UndoCall))).expect("their own call");
    assert_eq!((world.ticket(first).state, &world.ticket(first).called_by), (State::Waiting, &None));
    // Also long after, when it is announced more than once.
    world.submit(&next()).expect("called again");
    for _ in 0..2 {
        world.wait(60);
        world.submit(&supervisor(act(first, Act::Recall))).expect("their own call");
    }
    world.submit(&supervisor(act(first, Act::Start))).expect("their own call");
    world.submit(&supervisor(act(first, Act::Park { note: String::new() }))).expect("their own call");
    assert_eq!(world.ticket(first).called_by, None, "nobody holds it");
    // What the colleague calls there is the colleague's.
    assert_eq!(world.call(1), Ok(second));
    assert_eq!(world.submit(&supervisor(act(second, Act::UndoCall))), why);
    world.act(second, Act::UndoCall).expect("in time");
    world.act(first, Act::Resume { counter: Some(counter_id(1)) }).expect("resumed by the colleague");
    assert_eq!(world.submit(&supervisor(act(first, Act::Recall))), why);
    // A ticket that was stored before this was remembered: nobody is known to have called it.
    let ticket = world.ticket(first);
    let mut stored = serde_json::to_value(ticket).expect("JSON");
    assert_eq!(stored.as_object_mut().expect("an object").remove("called_by"), Some("acc_all".into()));
    let read: Ticket = serde_json::from_value(stored).expect("an older ticket");
    assert_eq!(read, Ticket { called_by: None, ..ticket.clone() });
}

/// The log is written with every step of every ticket: what is not there takes no room in it. Logs of before say `null` for it.
#[test]
fn what_is_absent_is_not_written_and_a_null_of_before_is_read_as_absent() {
    let mut world = World::open(simple());
    let id = called(&mut world);
    let ticket = world.ticket(id).clone();
    let mut stored = serde_json::to_value(&ticket).expect("JSON");
    assert!(!stored.to_string().contains("null"), "{stored}");
    assert_eq!(serde_json::from_value::<Ticket>(stored.clone()).expect("as it is written"), ticket);
    let fields = stored.as_object_mut().expect("an object");
    for absent in ["priority", "person", "appointment", "not_before", "outcome", "ended_at", "void"] {
        assert_eq!(fields.insert(absent.to_owned(), serde_json::Value::Null), None, "{absent}");
    }
    assert_eq!(serde_json::from_value::<Ticket>(stored).expect("as it was written before"), ticket);
    let counter = world.fold.counter(counter_id(2));
    let stored = serde_json::to_string(&*counter).expect("JSON");
    assert!(!stored.contains("null"), "{stored}");
}

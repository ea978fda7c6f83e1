//! Nobody starves: the bound of choice.rs, with priority visitors who never stop coming, due appointments, and several
//! counters whose services overlap.

use std::collections::HashMap;

use proptest::prelude::*;

use super::world::{World, agency, counter, counter_id, hall, service, service_id};
use crate::domain::choice::{self, Reason};
use crate::domain::fold::Fold;
use crate::domain::ticket::Lane;
use crate::domain::{ServiceId, TicketId};

/// A hall of `services` services over two agencies with their own ratios, and counters with the given sets of services.
fn overlapping(ratios: [u32; 2], services: u128, counters: &[Vec<u128>]) -> World {
    let hall = hall(
        vec![agency(1, ratios[0]), agency(2, ratios[1])],
        (1..=services).map(|n| service(n, 1 + n % 2)).collect(),
        counters.iter().enumerate().map(|(at, set)| counter(at as u128 + 1, 1, set)).collect(),
    );
    World::open(hall)
}

fn sets() -> impl Strategy<Value = Vec<Vec<u128>>> {
    prop::collection::vec(
        prop::collection::btree_set(1..=4_u128, 1..=4).prop_map(|set| set.into_iter().collect::<Vec<_>>()),
        1..5,
    )
}

/// The head of a service's ordinary lane, and how many ordinary tickets of other services arrived before it.
fn heads(fold: &Fold) -> Vec<(ServiceId, TicketId, u64)> {
    let services: Vec<ServiceId> = fold.hall().services.iter().map(|service| service.id).collect();
    services
        .iter()
        .filter_map(|service| {
            let head = *fold.line(*service)?.ordinary.first()?;
            let earlier = services
                .iter()
                .filter_map(|other| fold.line(*other))
                .map(|line| line.ordinary.range(..head).count() as u64);
            Some((*service, head.1, earlier.sum()))
        })
        .collect()
}

/// How often the present head of a lane was passed over since it became the head.
#[derive(Default)]
struct Passes {
    head: Option<TicketId>,
    /// While it was also the first of its lane at the counter that called.
    in_turn: u32,
    /// Whatever stood before it.
    all: u64,
    /// Ordinary tickets of other services that had arrived before it.
    earlier: u64,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// The head of a service's ordinary lane is passed over at most `ratio` times; whatever arrived before it at the
    /// shared counters adds at most as many for each.
    #[test]
    fn an_ordinary_head_is_passed_over_at_most_ratio_times(
        sets in sets(),
        ratios in [1..5_u32, 1..5_u32],
        steps in prop::collection::vec((0..8_u8, 0..4_u8, any::<bool>()), 1..160),
        appointments in any::<bool>(),
    ) {
        let mut world = overlapping(ratios, 4, &sets);
        let ratio_of = |service: ServiceId, world: &World| {
            world.fold.service(service).and_then(|service| world.fold.agency(service.agency)).expect("an agency").priority_ratio
        };
        let mut watched: HashMap<ServiceId, Passes> = HashMap::new();
        for (counter, arrival, priority) in steps {
            // Priority visitors for every service never run out.
            for service in 1..=4 {
                if world.fold.line(service_id(service)).is_none_or(|line| line.priority.is_empty()) {
                    world.issue_priority(service);
                }
            }
            let service = u128::from(arrival) + 1;
            match (priority, appointments) {
                (true, true) => world.issue_appointment(service, 0),
                (true, false) => world.issue_priority(service),
                (false, _) => world.issue(service),
            };
            for (service, head, earlier) in heads(&world.fold) {
                let passes = watched.entry(service).or_default();
                if passes.head != Some(head) {
                    *passes = Passes { head: Some(head), earlier, ..Passes::default() };
                }
            }
            let set = &sets[usize::from(counter) % sets.len()];
            let services: Vec<ServiceId> = set.iter().map(|n| service_id(*n)).collect();
            let Some(choice) = choice::next(&world.fold, &services, world.now) else { continue };
            let chosen = world.ticket(choice.ticket).clone();
            let ahead = chosen.priority.is_some() || chosen.appointment.is_some();
            let first = services.iter().filter_map(|service| world.fold.line(*service)?.ordinary.first()).min().map(|key| key.1);
            let most = ratios[0].max(ratios[1]);
            for service in &services {
                let Some(passes) = watched.get_mut(service) else { continue };
                if !ahead || passes.head.is_none() {
                    continue;
                }
                passes.all += 1;
                passes.in_turn += u32::from(first == passes.head);
                let ratio = ratio_of(*service, &world);
                prop_assert!(passes.in_turn <= ratio, "passed over {} times in turn, ratio {ratio}", passes.in_turn);
                let bound = u64::from(most) * (passes.earlier + 1);
                prop_assert!(passes.all <= bound, "passed over {} times, bound {bound}", passes.all);
            }
            let n = u128::from(counter) % sets.len() as u128 + 1;
            let called = world.call(n).expect("there is a choice");
            prop_assert_eq!(called, choice.ticket);
            if watched.get(&chosen.service).is_some_and(|passes| passes.head == Some(called)) {
                watched.remove(&chosen.service);
            }
            world.finish(called);
        }
    }

    /// The same for the head of a service's due appointments and priority calls.
    #[test]
    fn a_due_appointment_is_passed_over_at_most_ratio_times(
        sets in sets(),
        ratios in [1..5_u32, 1..5_u32],
        steps in prop::collection::vec((0..8_u8, 0..4_u8, any::<bool>()), 1..160),
    ) {
        let mut world = overlapping(ratios, 4, &sets);
        let mut watched: HashMap<ServiceId, (TicketId, u32)> = HashMap::new();
        for (counter, arrival, ordinary) in steps {
            for service in 1..=4 {
                if world.fold.line(service_id(service)).is_none_or(|line| line.priority.is_empty()) {
                    world.issue_priority(service);
                }
            }
            let service = u128::from(arrival) + 1;
            if ordinary { world.issue(service) } else { world.issue_appointment(service, 0) };
            let set = &sets[usize::from(counter) % sets.len()];
            let services: Vec<ServiceId> = set.iter().map(|n| service_id(*n)).collect();
            let heads = |of: &World, service: &ServiceId| of.fold.line(*service).and_then(|line| line.appointments.first().copied());
            let first = services.iter().filter_map(|service| heads(&world, service)).min().map(|key| key.1.1);
            let Some(choice) = choice::next(&world.fold, &services, world.now) else { continue };
            if choice.reason == Reason::Priority
                && let Some(head) = first
            {
                let service = world.ticket(head).service;
                let entry = watched.entry(service).or_insert((head, 0));
                if entry.0 != head {
                    *entry = (head, 0);
                }
                entry.1 += 1;
                let agency = world.fold.service(service).expect("a service").agency;
                let ratio = world.fold.agency(agency).expect("an agency").priority_ratio;
                prop_assert!(entry.1 <= ratio, "a due appointment was passed over {} times, ratio {ratio}", entry.1);
            }
            let called = world.call(u128::from(counter) % sets.len() as u128 + 1).expect("there is a choice");
            world.finish(called);
        }
    }

    /// Every ordinary visitor who waits at the start is called within a number of calls that their number and the ratio
    /// bound, though priority visitors never stop coming.
    #[test]
    fn everybody_is_called_in_bounded_time(waiting in prop::collection::vec(1..=3_u128, 1..20), ratio in 1..5_u32) {
        let mut world = overlapping([ratio, ratio], 3, &[vec![1, 2, 3]]);
        let everybody: Vec<TicketId> = waiting.iter().map(|service| world.issue(*service)).collect();
        let mut calls = 0;
        while everybody.iter().any(|id| world.ticket(*id).legs[0].calls == 0) {
            for service in 1..=3 {
                world.issue_priority(service);
            }
            let called = world.call(1).expect("somebody waits");
            world.finish(called);
            calls += 1;
            prop_assert!(calls <= everybody.len() * (ratio as usize + 1), "{calls} calls");
        }
        // And in the order in which they came.
        let called: Vec<_> = everybody.iter().map(|id| world.ticket(*id).ended_at).collect();
        prop_assert!(called.is_sorted());
    }
}

#[test]
fn the_ratio_is_kept_exactly() {
    let mut world = World::open(super::world::simple());
    let ordinary: Vec<TicketId> = (0..3).map(|_| world.issue(1)).collect();
    for _ in 0..8 {
        world.issue_priority(1);
    }
    let mut kinds = Vec::new();
    for _ in 0..9 {
        let services = [service_id(1)];
        let choice = choice::next(&world.fold, &services, world.now).expect("somebody waits");
        kinds.push(choice.reason);
        let called = world.call(1).expect("a call");
        world.finish(called);
    }
    use Reason::{Priority as P, Ratio as R};
    assert_eq!(kinds, [P, P, R, P, P, R, P, P, R]);
    assert!(ordinary.iter().all(|id| world.ticket(*id).ended_at.is_some()));
}

/// Taking calls back cannot be used to pass somebody over without end.
#[test]
fn undone_calls_do_not_eat_the_turn() {
    let mut world = World::open(super::world::simple());
    let ordinary = world.issue(1);
    for _ in 0..20 {
        world.issue_priority(1);
    }
    for _ in 0..5 {
        let called = world.call(1).expect("a call");
        assert_ne!(called, ordinary);
        world.act(called, crate::domain::decide::Act::UndoCall).expect("in time");
        assert_eq!(
            world.fold.passed(service_id(1), Lane::Ordinary),
            0,
            "a call that was taken back passed nobody over"
        );
    }
    // Two counters: both calls are taken back, in the order they were made.
    let (one, two) = (world.call(1).expect("a call"), world.call(2).expect("a call"));
    world.act(one, crate::domain::decide::Act::UndoCall).expect("in time");
    world.act(two, crate::domain::decide::Act::UndoCall).expect("in time");
    assert_eq!(world.fold.passed(service_id(1), Lane::Ordinary), 0, "both were taken back");
    assert_eq!(world.fold.counter(counter_id(1)).current, None);
}

/// A call is taken back after the lane it had passed over has moved on: the new head keeps what was counted for it.
#[test]
fn an_undo_does_not_take_away_the_passes_of_the_next_head() {
    let mut hall =
        hall(vec![agency(1, 1)], vec![service(1, 1)], (1..=4).map(|n| counter(n, 1, &[1])).collect());
    hall.agencies[0].priority_ratio = 1;
    let mut world = World::open(hall);
    let (first, second) = (world.issue(1), world.issue(1));
    for _ in 0..6 {
        world.issue_priority(1);
    }
    let priority = world.call(1).expect("passes over the first");
    assert_eq!(world.call(2), Ok(first), "its turn");
    world.call(3).expect("passes over the second");
    world.act(priority, crate::domain::decide::Act::UndoCall).expect("in time");
    assert_eq!(world.call(4), Ok(second), "it was passed over once, and the ratio is 1");
}

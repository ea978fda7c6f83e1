//! How many go before, and when it may be one's turn.
//!
//! Who goes before is what [`choice`](super::choice) would do, counted instead of simulated: a board, a kiosk and a
//! thousand phones ask this after each call, however many wait. Its order over some services has three facts. (1) Calls
//! that go ahead, priority and due appointments, keep their order whatever the ordinary do: an appointment is called when
//! as many priority calls have passed over the heads of its lane as their ratios say. (2) An ordinary ticket is called
//! when as many calls that go ahead have passed over it and those before it as their ratios say, or when none are left.
//! (3) What a head was passed over already counts for the first of its service only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use mpp_kit::id::Uuid;

use super::choice;
use super::counter::{Availability, Counter};
use super::fold::{Fold, Key, Line};
use super::hall::Service;
use super::ticket::{Lane, State, Ticket};
use super::{ServiceId, TicketId};

/// Recent service times needed before they are trusted more than the promised minutes.
const ENOUGH: usize = 5;
/// What sums of fractions may be off, in minutes.
const ROUNDING: f64 = 1e-6;
/// The line of a service that nobody waits for.
static NOBODY: LazyLock<Line> = LazyLock::new(Line::default);

/// A range of minutes from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// At the earliest.
    pub min_minutes: u32,
    /// At the latest, if nothing unusual happens.
    pub max_minutes: u32,
}

/// What somebody who waits can expect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Tickets that would be called before it now, if nobody else came: at the open counter for its service where it
    /// would be called soonest, over all the services of that counter. While none is open, at the counters that are
    /// configured for it. Whoever is in a cooldown stands aside; its own cooldown is not counted.
    pub people_ahead: u32,
    /// When it may be called. `None` when no counter is open for it: then nobody knows.
    pub estimate: Option<Estimate>,
}

/// What a ticket can expect; nothing unless it waits.
#[must_use]
pub fn outlook(fold: &Fold, ticket: &Ticket, now: DateTime<Utc>) -> Outlook {
    if ticket.state != State::Waiting {
        return Outlook::default();
    }
    let key = (ticket.place, ticket.id);
    let due = choice::due(fold, now);
    let (service, own) = (ticket.service, Some(ticket.id));
    let of = |standing| of(fold, &Target { service, own, standing }, now);
    let mut outlook = match (ticket.priority, ticket.appointment) {
        (Some(_), _) => of(Standing::Priority(key)),
        (None, Some(time)) if due.contains(&time) => of(Standing::Due(time, key)),
        (None, Some(time)) if time > *due.end() => {
            // It goes last until it is due, and ahead from then on: whichever comes first.
            let (last, ahead) = (of(Standing::Early(time, key)), of(Standing::Due(time, key)));
            let wait = minutes((time - *due.end()).num_seconds());
            let sooner = |last: Estimate, ahead: Estimate| Estimate {
                min_minutes: last.min_minutes.min(ahead.min_minutes.saturating_add(wait)),
                max_minutes: last.max_minutes.min(ahead.max_minutes.saturating_add(wait)),
            };
            let estimate = last.estimate.zip(ahead.estimate).map(|(last, ahead)| sooner(last, ahead));
            Outlook { estimate, ..last }
        }
        (None, Some(_) | None) => of(Standing::Ordinary(key)),
    };
    if let Some((until, estimate)) = ticket.not_before.zip(outlook.estimate.as_mut()) {
        let wait = minutes((until - now).num_seconds());
        estimate.min_minutes = estimate.min_minutes.max(wait);
        estimate.max_minutes = estimate.max_minutes.max(wait.saturating_add(1));
    }
    outlook
}

/// What an ordinary ticket of `service` could expect that is issued now.
#[must_use]
pub fn outlook_of_newcomer(fold: &Fold, service: &Service, now: DateTime<Utc>) -> Outlook {
    let last = (u64::MAX, TicketId::from_uuid(Uuid::nil()));
    of(fold, &Target { service: service.id, own: None, standing: Standing::Ordinary(last) }, now)
}

/// Who asks.
struct Target {
    service: ServiceId,
    /// Its ticket, which is not in its own way.
    own: Option<TicketId>,
    standing: Standing,
}

/// Where it stands.
#[derive(Clone, Copy)]
enum Standing {
    Priority(Key),
    Due(DateTime<Utc>, Key),
    Ordinary(Key),
    Early(DateTime<Utc>, Key),
}

fn of(fold: &Fold, target: &Target, now: DateTime<Utc>) -> Outlook {
    let place = counter_services(fold, target.service)
        .into_iter()
        .map(|services| Lanes::of(fold, &services, target.own, now).place(target))
        .min_by_key(|place| place.ahead);
    let Some(place) = place else { return Outlook::default() };
    let people_ahead = u32::try_from(place.ahead).unwrap_or(u32::MAX);
    Outlook { people_ahead, estimate: estimate(fold, target, &place) }
}

/// The services of the counters that serve one, each combination once and always in the same order.
fn counter_services(fold: &Fold, service: ServiceId) -> Vec<Vec<ServiceId>> {
    let each_once = |counters: &mut dyn Iterator<Item = &Vec<ServiceId>>| {
        let mut sets: Vec<Vec<ServiceId>> = Vec::new();
        for services in counters {
            let mut services = services.clone();
            services.sort_unstable();
            if !sets.contains(&services) {
                sets.push(services);
            }
        }
        sets.sort_unstable();
        sets
    };
    let open = each_once(&mut fold.open_counters(service).map(|counter| &counter.services));
    if !open.is_empty() {
        return open;
    }
    let plans = fold.hall().counters.iter().map(|plan| &plan.services);
    let planned = each_once(&mut plans.filter(|services| services.contains(&service)));
    if planned.is_empty() { vec![vec![service]] } else { planned }
}

/// Those who wait for one service and are not in a cooldown.
struct Waiting<'f> {
    service: ServiceId,
    line: &'f Line,
    /// Appointments that are late, among the ordinary by arrival.
    late: Vec<Key>,
    /// In a cooldown.
    aside: Vec<Key>,
    ratio: u64,
    /// How often the head of the ordinary was passed over.
    passed: u64,
    /// How often the first due appointment was passed over.
    passed_due: u64,
}

impl Waiting<'_> {
    fn priority(&self) -> u64 {
        self.line.priority.len() as u64 - self.cooling(&self.line.priority, None)
    }

    fn priority_before(&self, key: Key) -> u64 {
        before(&self.line.priority, key) - self.cooling(&self.line.priority, Some(key))
    }

    fn ordinary(&self) -> u64 {
        (self.line.ordinary.len() + self.late.len()) as u64 - self.cooling(&self.line.ordinary, None)
    }

    fn ordinary_before(&self, key: Key) -> u64 {
        let late = self.late.iter().filter(|late| **late < key).count() as u64;
        before(&self.line.ordinary, key) + late - self.cooling(&self.line.ordinary, Some(key))
    }

    /// How many of a lane are in a cooldown, before a key if one is given.
    fn cooling(&self, lane: &BTreeSet<Key>, before: Option<Key>) -> u64 {
        let aside = self.aside.iter().filter(|key| before.is_none_or(|before| **key < before));
        aside.filter(|key| lane.contains(key)).count() as u64
    }

    /// The ordinary by arrival, in two sorted lists: those without an appointment, and those who are late for one.
    fn ordinary_lists(&self) -> [Box<dyn Iterator<Item = Key> + '_>; 2] {
        let ready = self.line.ordinary.iter().filter(|key| !self.aside.contains(key));
        [Box::new(ready.copied()), Box::new(self.late.iter().copied())]
    }

    /// Calls that must pass over the next of a lane before it is called, when `called` of its service went before it.
    fn need(&self, passed: u64, called: u64) -> u64 {
        self.ratio.saturating_sub(if called == 0 { passed } else { 0 })
    }
}

/// The lanes of a counter, over all its services.
struct Lanes<'f> {
    services: Vec<Waiting<'f>>,
    /// Appointments that are due, with the index of their service.
    due: Vec<(DateTime<Utc>, Key, usize)>,
    /// Appointments that are not due yet.
    early: Vec<(DateTime<Utc>, Key, usize)>,
}

/// Where somebody stands at a counter.
struct Place {
    /// Tickets that the counter would call before.
    ahead: u64,
    /// How many of them are of which service of the counter. Of calls that go ahead of an ordinary ticket, and of
    /// appointments ahead of a priority ticket and the other way round, by their share.
    by_service: BTreeMap<ServiceId, f64>,
}

impl<'f> Lanes<'f> {
    fn of(fold: &'f Fold, services: &[ServiceId], own: Option<TicketId>, now: DateTime<Utc>) -> Self {
        let due_now = choice::due(fold, now);
        let mut lanes = Self { services: Vec::new(), due: Vec::new(), early: Vec::new() };
        for service in services {
            let line = fold.line(*service).unwrap_or(&NOBODY);
            let aside: Vec<Key> = line
                .cooling(now)
                .filter(|id| own != Some(*id))
                .filter_map(|id| fold.ticket(id).map(|ticket| (ticket.place, id)))
                .collect();
            let mut late = Vec::new();
            let at = lanes.services.len();
            for (time, key) in line.appointments.iter().filter(|(_, key)| !aside.contains(key)) {
                if time < due_now.start() {
                    late.push(*key);
                } else if time <= due_now.end() {
                    lanes.due.push((*time, *key, at));
                } else {
                    lanes.early.push((*time, *key, at));
                }
            }
            late.sort_unstable();
            lanes.services.push(Waiting {
                service: *service,
                line,
                late,
                aside,
                ratio: u64::from(choice::ratio(fold, *service)),
                passed: u64::from(fold.passed(*service, Lane::Ordinary)),
                passed_due: u64::from(fold.passed(*service, Lane::Appointment)),
            });
        }
        lanes.due.sort_unstable();
        lanes.early.sort_unstable();
        lanes
    }

    fn place(&self, target: &Target) -> Place {
        let priority: Vec<u64> = self.services.iter().map(Waiting::priority).collect();
        let due = self.count(&self.due);
        let (all_priority, all_due): (u64, u64) = (priority.iter().sum(), due.iter().sum());
        let share = |of: u64, part: u64, all: u64| of as f64 * part as f64 / all.max(1) as f64;
        let (ahead, by_service): (u64, Vec<f64>) = match target.standing {
            Standing::Priority(key) => {
                let before: Vec<u64> =
                    self.services.iter().map(|waiting| waiting.priority_before(key)).collect();
                let in_turn = self.due_after(before.iter().sum());
                let gone = before.iter().sum::<u64>() + in_turn;
                let ordinary = self.ordinary_after(gone);
                let each = |at: usize| (before[at] + ordinary[at]) as f64 + share(in_turn, due[at], all_due);
                (gone + ordinary.iter().sum::<u64>(), (0..before.len()).map(each).collect())
            }
            Standing::Due(time, key) => {
                let first = self.due.partition_point(|one| (one.0, one.1) < (time, key));
                let before = self.count(&self.due[..first]);
                let passes = all_priority.min(self.passes_until_due(first, target.service));
                let gone = first as u64 + passes;
                let ordinary = self.ordinary_after(gone);
                let each = |at: usize| {
                    (before[at] + ordinary[at]) as f64 + share(passes, priority[at], all_priority)
                };
                (gone + ordinary.iter().sum::<u64>(), (0..before.len()).map(each).collect())
            }
            Standing::Ordinary(key) => {
                let before: Vec<u64> =
                    self.services.iter().map(|waiting| waiting.ordinary_before(key)).collect();
                let passes: u64 = self
                    .services
                    .iter()
                    .zip(&before)
                    .map(|(waiting, before)| {
                        let with_own = before + u64::from(waiting.service == target.service);
                        let first = waiting.need(waiting.passed, 0);
                        if with_own == 0 { 0 } else { first + (with_own - 1) * waiting.ratio }
                    })
                    .sum();
                let ahead = passes.min(all_priority + all_due);
                let each = |at: usize| {
                    before[at] as f64 + share(ahead, priority[at] + due[at], all_priority + all_due)
                };
                (before.iter().sum::<u64>() + ahead, (0..before.len()).map(each).collect())
            }
            Standing::Early(time, key) => {
                let first = self.early.partition_point(|one| (one.0, one.1) < (time, key));
                let before = self.count(&self.early[..first]);
                let each: Vec<u64> = self
                    .services
                    .iter()
                    .enumerate()
                    .map(|(at, waiting)| before[at] + priority[at] + due[at] + waiting.ordinary())
                    .collect();
                (each.iter().sum(), each.into_iter().map(|of| of as f64).collect())
            }
        };
        let services = self.services.iter().map(|waiting| waiting.service);
        Place { ahead, by_service: services.zip(by_service).collect() }
    }

    /// How many of these appointments are of each service.
    fn count(&self, appointments: &[(DateTime<Utc>, Key, usize)]) -> Vec<u64> {
        let mut counts = vec![0; self.services.len()];
        for (_, _, at) in appointments {
            counts[*at] += 1;
        }
        counts
    }

    /// How many priority calls must pass over the due appointments before the nth of them is called, which is of `service`.
    fn passes_until_due(&self, nth: usize, service: ServiceId) -> u64 {
        let mut called = vec![0; self.services.len()];
        let mut passes = 0;
        let own = self.services.iter().position(|waiting| waiting.service == service);
        for at in self.due[..nth].iter().map(|(_, _, at)| *at).chain(own) {
            passes += self.services[at].need(self.services[at].passed_due, called[at]);
            called[at] += 1;
        }
        passes
    }

    /// Due appointments that are called before the priority ticket that has this many priority tickets before it.
    fn due_after(&self, priority: u64) -> u64 {
        let mut called = vec![0; self.services.len()];
        let mut passes = 0;
        let in_turn = self.due.iter().take_while(|(_, _, at)| {
            passes += self.services[*at].need(self.services[*at].passed_due, called[*at]);
            called[*at] += 1;
            passes <= priority
        });
        in_turn.count() as u64
    }

    /// Ordinary tickets of each service that are called before the ticket that goes ahead and has this many of those who go
    /// ahead before it. Looks at no more of them than that, and one per service.
    fn ordinary_after(&self, ahead: u64) -> Vec<u64> {
        let mut called = vec![0; self.services.len()];
        let mut passes = 0;
        let mut lists: Vec<_> = self
            .services
            .iter()
            .enumerate()
            .flat_map(|(at, waiting)| waiting.ordinary_lists().map(|list| (at, list.peekable())))
            .collect();
        loop {
            let next =
                lists.iter_mut().filter_map(|(at, list)| list.peek().copied().map(|key| (key, *at, list)));
            let Some((_, at, list)) = next.min_by_key(|(key, _, _)| *key) else { return called };
            passes += self.services[at].need(self.services[at].passed, called[at]);
            if passes > ahead {
                return called;
            }
            called[at] += 1;
            list.next();
        }
    }
}

/// Tickets before `key`, counted from the nearer end: whoever came a moment ago stands near the last of a long line, and
/// whoever asks most often near its head.
fn before(lane: &BTreeSet<Key>, key: Key) -> u64 {
    let (mut before, mut from) = (lane.range(..key), lane.range(key..));
    let mut steps = 0;
    loop {
        if before.next().is_none() {
            return steps;
        }
        if from.next().is_none() {
            return lane.len() as u64 - steps;
        }
        steps += 1;
    }
}

/// When it may be called: the work before it, over the counters that do it.
///
/// The work is recent real service times of each service (their lower and upper quartile; the promised minutes ± 30 %
/// until there are enough). An open counter does as much of it as its share of all that it would call before.
fn estimate(fold: &Fold, target: &Target, place: &Place) -> Option<Estimate> {
    fold.open_counters(target.service).next()?;
    let (_, own_high) = minutes_each(fold, target.service);
    // Whoever is being served now is half done.
    let (mut low, mut high) = (0.0, own_high * 0.5);
    for (service, tickets) in &place.by_service {
        let (each_low, each_high) = minutes_each(fold, *service);
        low += tickets * each_low;
        high += tickets * each_high;
    }
    // Always in the same order: sums of fractions depend on it.
    let counters = fold.hall().counters.iter().map(|plan| fold.counter(plan.id));
    let open = counters.filter(|counter| counter.availability == Availability::Open);
    let counters: f64 = open.map(|counter| share(fold, target, place, &counter)).sum();
    let min_minutes = (low / counters.max(1.0) + ROUNDING).floor() as u32;
    let max_minutes = ((high / counters.max(1.0) - ROUNDING).ceil() as u32).max(min_minutes + 1);
    Some(Estimate { min_minutes, max_minutes })
}

/// How much of what a counter calls before the target is work before the target.
fn share(fold: &Fold, target: &Target, place: &Place, counter: &Counter) -> f64 {
    let (mut inside, mut outside) = (0.0, 0.0);
    for service in &counter.services {
        match place.by_service.get(service) {
            Some(tickets) => inside += tickets + f64::from(u8::from(*service == target.service)),
            None => outside += fold.line(*service).map_or(0.0, |line| backlog(line, target.standing) as f64),
        }
    }
    if inside == 0.0 { 0.0 } else { inside / (inside + outside) }
}

/// How many of a line that is not in the target's way at its own counter stand before it elsewhere.
fn backlog(line: &Line, standing: Standing) -> u64 {
    match standing {
        Standing::Priority(key) => before(&line.priority, key),
        Standing::Due(..) => line.priority.len() as u64,
        Standing::Ordinary(key) => {
            before(&line.ordinary, key) + (line.priority.len() + line.appointments.len()) as u64
        }
        Standing::Early(..) => line.len() as u64,
    }
}

/// Whole minutes, begun ones too.
fn minutes(seconds: i64) -> u32 {
    u32::try_from(seconds.max(0).saturating_add(59) / 60).unwrap_or(u32::MAX)
}

/// Minutes that one ticket of a service takes: at the short and at the long end.
fn minutes_each(fold: &Fold, service: ServiceId) -> (f64, f64) {
    let mut recent = fold.durations(service);
    if recent.len() < ENOUGH {
        let promised = fold.service(service).map_or(1, |service| service.promised_minutes.max(1));
        return (f64::from(promised) * 0.7, f64::from(promised) * 1.3);
    }
    recent.sort_unstable();
    let at = |share: f64| f64::from(recent[((recent.len() - 1) as f64 * share).round() as usize]) / 60.0;
    (at(0.25), at(0.75))
}

//! Who is next: one pure, deterministic function of the fold, the services of a counter, and the time.
//!
//! The rule. Each service has three lanes: *priority* (kelompok rentan), *appointment* (appointments that are due: from
//! `early` minutes before their time to `late` minutes after), *ordinary* (everybody else by arrival, late appointments
//! included). A counter looks at the heads of these lanes over all the services it calls for:
//!
//! 1. the ordinary head, if calls that go ahead have passed over its service's ordinary lane `ratio` times;
//! 2. else the appointment head, if priority calls have passed over its service's appointment lane `ratio` times;
//! 3. else the priority head, 4. else the appointment head, 5. else the ordinary head;
//! 6. else, when nobody else waits, the earliest appointment that is not due yet.
//!
//! Each call counts one pass over the heads of the lanes below its own and sets the count of its own lane to zero.
//! `ratio` is the agency's `priority_ratio`, at least 1. A ticket in its cooldown stands aside for that time.
//!
//! No starvation. A count returns to zero only when the head of that lane of that service is called. So once a ticket is
//! the head of its service's ordinary lane, calls at counters for its service pass over it at most `ratio` times (an
//! ordinary ticket of another service that arrived earlier goes first, which is arrival order, not starvation). The same
//! holds for a due appointment, except that an ordinary ticket whose turn has come goes before it.

use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;

use chrono::{DateTime, TimeDelta, Utc};

use super::fold::{Fold, Key};
use super::ticket::{Lane, Passed};
use super::{ServiceId, TicketId};

/// Why a ticket is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Longest waiting.
    Arrival,
    /// Goes ahead by priority.
    Priority,
    /// Its appointment is due.
    Appointment,
    /// Passed over as often as the ratio permits.
    Ratio,
    /// Not due yet, but nobody else waits.
    EarlyAppointment,
}

/// A ticket that would be called, and what calling it does to the counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The ticket.
    pub ticket: TicketId,
    /// Why.
    pub reason: Reason,
    /// Counts that change, as they are after the call.
    pub passed: Vec<Passed>,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    key: Key,
    service: ServiceId,
}

#[derive(Debug, Default)]
struct Heads {
    priority: VecDeque<Candidate>,
    appointment: VecDeque<Candidate>,
    ordinary: VecDeque<Candidate>,
    early: VecDeque<Candidate>,
}

/// The ticket that a counter with these services would call now, or `None` if nobody would be.
#[must_use]
pub fn next(fold: &Fold, services: &[ServiceId], now: DateTime<Utc>) -> Option<Choice> {
    order(fold, services, now, 1).pop()
}

/// The first `limit` tickets in the order in which a counter with these services would call them, if nothing else
/// happened and no time passed.
#[must_use]
pub fn order(fold: &Fold, services: &[ServiceId], now: DateTime<Utc>, limit: usize) -> Vec<Choice> {
    let mut heads = heads(fold, services, now, limit);
    let mut counts: HashMap<(ServiceId, Lane), u32> = HashMap::new();
    let mut choices = Vec::new();
    while choices.len() < limit {
        let Some((candidate, lane, reason)) = pick(fold, &mut heads, &counts) else { break };
        let mut passed = Vec::new();
        if let Some(lane) = lane {
            for (lower, line) in [(Lane::Appointment, &heads.appointment), (Lane::Ordinary, &heads.ordinary)]
            {
                if lower > lane
                    && let Some(head) = line.front()
                {
                    let times = count(fold, &counts, head.service, lower) + 1;
                    passed.push(Passed { service: head.service, lane: lower, times });
                }
            }
            if lane != Lane::Priority && count(fold, &counts, candidate.service, lane) > 0 {
                passed.push(Passed { service: candidate.service, lane, times: 0 });
            }
        }
        counts.extend(passed.iter().map(|passed| ((passed.service, passed.lane), passed.times)));
        choices.push(Choice { ticket: candidate.key.1, reason, passed });
    }
    choices
}

/// Whether somebody waits for these services, though perhaps in a cooldown; and when the first cooldown ends.
#[must_use]
pub fn cooldown_ends(fold: &Fold, services: &[ServiceId]) -> Option<DateTime<Utc>> {
    services
        .iter()
        .filter_map(|service| fold.line(*service)?.cooldowns.first().map(|(until, _)| *until))
        .min()
}

/// The times between which, both included, an appointment is due at `now`: earlier ones are late and stand among the
/// ordinary, later ones are not due yet. Counted from the clock, so that no appointment can leave the calendar.
pub(super) fn due(fold: &Fold, now: DateTime<Utc>) -> RangeInclusive<DateTime<Utc>> {
    let minutes = |minutes: u32| TimeDelta::minutes(i64::from(minutes));
    now - minutes(fold.hall().appointment_late_minutes)..=now + minutes(fold.hall().appointment_early_minutes)
}

fn pick(
    fold: &Fold,
    heads: &mut Heads,
    counts: &HashMap<(ServiceId, Lane), u32>,
) -> Option<(Candidate, Option<Lane>, Reason)> {
    let due = |candidate: Option<&Candidate>, lane| {
        candidate.is_some_and(|head| count(fold, counts, head.service, lane) >= ratio(fold, head.service))
    };
    let ahead_of_ordinary = !heads.priority.is_empty() || !heads.appointment.is_empty();
    if ahead_of_ordinary && due(heads.ordinary.front(), Lane::Ordinary) {
        return heads.ordinary.pop_front().map(|head| (head, Some(Lane::Ordinary), Reason::Ratio));
    }
    if !heads.priority.is_empty() && due(heads.appointment.front(), Lane::Appointment) {
        return heads.appointment.pop_front().map(|head| (head, Some(Lane::Appointment), Reason::Ratio));
    }
    if let Some(head) = heads.priority.pop_front() {
        return Some((head, Some(Lane::Priority), Reason::Priority));
    }
    if let Some(head) = heads.appointment.pop_front() {
        return Some((head, Some(Lane::Appointment), Reason::Appointment));
    }
    if let Some(head) = heads.ordinary.pop_front() {
        return Some((head, Some(Lane::Ordinary), Reason::Arrival));
    }
    heads.early.pop_front().map(|head| (head, None, Reason::EarlyAppointment))
}

fn count(fold: &Fold, counts: &HashMap<(ServiceId, Lane), u32>, service: ServiceId, lane: Lane) -> u32 {
    counts.get(&(service, lane)).copied().unwrap_or_else(|| fold.passed(service, lane))
}

pub(super) fn ratio(fold: &Fold, service: ServiceId) -> u32 {
    fold.service(service)
        .and_then(|service| fold.agency(service.agency))
        .map_or(1, |agency| agency.priority_ratio.max(1))
}

/// The first `limit` candidates of each lane, over all services. Cost grows with the services and the limit, not with
/// how many wait.
fn heads(fold: &Fold, services: &[ServiceId], now: DateTime<Utc>, limit: usize) -> Heads {
    let due_now = due(fold, now);
    let ready = |key: &Key| {
        fold.ticket(key.1).is_some_and(|ticket| ticket.not_before.is_none_or(|until| until <= now))
    };
    let (mut priority, mut ordinary, mut due, mut not_due) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for service in services {
        let Some(line) = fold.line(*service) else { continue };
        let candidate = |key: &Key| Candidate { key: *key, service: *service };
        priority.extend(line.priority.iter().filter(|key| ready(key)).take(limit).map(candidate));
        ordinary.extend(line.ordinary.iter().filter(|key| ready(key)).take(limit).map(candidate));
        for (time, key) in line.appointments.iter().filter(|(_, key)| ready(key)) {
            if time < due_now.start() {
                ordinary.push(candidate(key));
            } else if time <= due_now.end() {
                due.push((*time, candidate(key)));
            } else {
                not_due.push((*time, candidate(key)));
            }
        }
    }
    priority.sort_by_key(|candidate| candidate.key);
    ordinary.sort_by_key(|candidate| candidate.key);
    due.sort_by_key(|(time, candidate)| (*time, candidate.key));
    not_due.sort_by_key(|(time, candidate)| (*time, candidate.key));
    Heads {
        priority: priority.into(),
        appointment: due.into_iter().map(|(_, candidate)| candidate).collect(),
        ordinary: ordinary.into(),
        early: not_due.into_iter().map(|(_, candidate)| candidate).collect(),
    }
}

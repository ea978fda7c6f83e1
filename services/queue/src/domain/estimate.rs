//! How many go before, and when it may be one's turn.

use chrono::{DateTime, TimeDelta, Utc};

use super::fold::{Fold, Key, Line};
use super::hall::Service;
use super::ticket::{Lane, State, Ticket};

/// Recent service times needed before they are trusted more than the promised minutes.
const ENOUGH: usize = 5;

/// A range of minutes from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// At the earliest.
    pub min_minutes: u32,
    /// At the latest, if nothing unusual happens.
    pub max_minutes: u32,
}

/// Tickets of the same service that would be called before `ticket` if nobody else came; 0 unless it waits.
///
/// The ratio is taken into account: of the tickets that go ahead only as many count as can pass before its turn.
#[must_use]
pub fn people_ahead(fold: &Fold, ticket: &Ticket, now: DateTime<Utc>) -> u32 {
    if ticket.state != State::Waiting {
        return 0;
    }
    let (Some(line), Some(service)) = (fold.line(ticket.service), fold.service(ticket.service)) else {
        return 0;
    };
    let ratio = fold.agency(service.agency).map_or(1, |agency| u64::from(agency.priority_ratio.max(1)));
    let late = TimeDelta::minutes(i64::from(fold.hall().appointment_late_minutes));
    let due = line.appointments.iter().filter(|(time, _)| *time + late >= now).count();
    let (priority, due, ordinary) = (line.priority.len() as u64, due as u64, line.ordinary.len() as u64);
    let passed = u64::from(fold.passed(ticket.service, Lane::Ordinary));
    let key = (ticket.place, ticket.id);
    let ahead = if ticket.priority.is_some() {
        let before = line.priority.range(..key).count() as u64;
        let skipped = u64::from(fold.passed(ticket.service, Lane::Appointment));
        let in_turn = due.min((skipped + before) / ratio);
        before + in_turn + ordinary.min((passed + before + in_turn) / ratio)
    } else if let Some(appointment) = ticket.appointment.filter(|time| *time + late >= now) {
        let before = line.appointments.range(..(appointment, key)).count() as u64;
        let skipped = u64::from(fold.passed(ticket.service, Lane::Appointment));
        let goes_ahead = priority.min((ratio * (before + 1)).saturating_sub(skipped));
        before + goes_ahead + ordinary.min((passed + before + goes_ahead) / ratio)
    } else {
        let before = ordinary_before(line, key);
        before + (priority + due).min((ratio * (before + 1)).saturating_sub(passed))
    };
    u32::try_from(ahead).unwrap_or(u32::MAX)
}

/// Tickets that would be called before an ordinary ticket of `service` issued now, if nobody else came.
#[must_use]
pub fn people_ahead_of_newcomer(fold: &Fold, service: &Service, now: DateTime<Utc>) -> u32 {
    let Some(line) = fold.line(service.id) else { return 0 };
    let ratio = fold.agency(service.agency).map_or(1, |agency| u64::from(agency.priority_ratio.max(1)));
    let late = TimeDelta::minutes(i64::from(fold.hall().appointment_late_minutes));
    let due = line.appointments.iter().filter(|(time, _)| *time + late >= now).count() as u64;
    let before = line.ordinary.len() as u64;
    let passed = u64::from(fold.passed(service.id, Lane::Ordinary));
    let ahead =
        before + (line.priority.len() as u64 + due).min((ratio * (before + 1)).saturating_sub(passed));
    u32::try_from(ahead).unwrap_or(u32::MAX)
}

/// Ordinary tickets before `key`, counted from the nearer end: whoever came a moment ago stands near the last of a long
/// line, and whoever asks most often near its head.
fn ordinary_before(line: &Line, key: Key) -> u64 {
    let (mut before, mut from) = (line.ordinary.range(..key), line.ordinary.range(key..));
    let mut steps = 0;
    loop {
        if before.next().is_none() {
            return steps;
        }
        if from.next().is_none() {
            return line.ordinary.len() as u64 - steps;
        }
        steps += 1;
    }
}

/// When a ticket of `service` with `ahead` tickets before it may be called. `None` when no counter is open for it: then
/// nobody knows.
///
/// Recent real service times of each service (their lower and upper quartile; the promised minutes ± 30 % until there
/// are enough) over the counters that are open now, with the share of those counters that other services take.
#[must_use]
pub fn estimate(fold: &Fold, service: &Service, ahead: u32) -> Option<Estimate> {
    let counters: Vec<_> = fold.open_counters(service.id).collect();
    if counters.is_empty() {
        return None;
    }
    let count = counters.len() as f64;
    let (low, high) = minutes_each(fold, service);
    let mut work_low = f64::from(ahead) * low;
    let mut work_high = (f64::from(ahead) + 0.5) * high;
    for other in
        fold.hall().services.iter().filter(|other| other.agency == service.agency && other.id != service.id)
    {
        let waiting = fold.line(other.id).map_or(0, Line::len);
        let shared = counters.iter().filter(|counter| counter.services.contains(&other.id)).count();
        if waiting == 0 || shared == 0 {
            continue;
        }
        let all = fold.open_counters(other.id).count().max(1);
        // At most as many of the others as stand before can be expected to arrive earlier than this ticket.
        let competing = waiting.min(ahead as usize + counters.len()) as f64 * shared as f64 / all as f64;
        let (other_low, other_high) = minutes_each(fold, other);
        work_low += 0.5 * competing * other_low;
        work_high += competing * other_high;
    }
    let idle = counters.iter().any(|counter| counter.current.is_none());
    let min_minutes = if ahead == 0 && idle { 0 } else { (work_low / count).floor() as u32 };
    let max_minutes = ((work_high / count).ceil() as u32).max(min_minutes + 1);
    Some(Estimate { min_minutes, max_minutes })
}

/// Minutes that one ticket of a service takes: at the short and at the long end.
fn minutes_each(fold: &Fold, service: &Service) -> (f64, f64) {
    let mut recent = fold.durations(service.id);
    if recent.len() < ENOUGH {
        let promised = f64::from(service.promised_minutes.max(1));
        return (promised * 0.7, promised * 1.3);
    }
    recent.sort_unstable();
    let at = |share: f64| f64::from(recent[((recent.len() - 1) as f64 * share).round() as usize]) / 60.0;
    (at(0.25), at(0.75))
}

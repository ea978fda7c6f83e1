//! The legs and the numbers of a day, computed from nothing but the kinds, times and places of its events.

use std::collections::BTreeMap;

use mpp_proto::queue::v1::{Event, EventKind, Hall, LegOutcome, Statistics, StatisticsRow, Ticket, TimeZone};
use prost_types::Timestamp;

/// One leg of a visit.
#[derive(Debug, Clone, PartialEq)]
pub struct LegRecord {
    /// The service.
    pub service: String,
    /// Its agency.
    pub agency: String,
    /// What it began with: issue, transfer or restore.
    pub came: EventKind,
    /// When the visitor began to wait for it.
    pub queued: Timestamp,
    /// When it was first called.
    pub called: Option<Timestamp>,
    /// When service began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The counter that last held it; empty for none.
    pub counter: String,
    /// How it ended; unspecified while open.
    pub outcome: LegOutcome,
    /// Calls and repeats.
    pub calls: i32,
    /// When it was served, from and to.
    served: Vec<(Timestamp, Option<Timestamp>)>,
}

/// One visit.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketRecord {
    /// Its number.
    pub number: String,
    /// Persons in the group.
    pub party_size: i32,
    /// Its legs, oldest first.
    pub legs: Vec<LegRecord>,
    /// The leg as it stood before the last call, for calls that are taken back.
    before_call: Option<LegRecord>,
}

/// A day computed anew.
#[derive(Debug, Clone, Default)]
pub struct Recomputed {
    /// Visits by ticket id.
    pub tickets: BTreeMap<String, TicketRecord>,
    /// The numbers.
    pub statistics: Statistics,
}

impl Recomputed {
    /// Computes the day of a log.
    #[must_use]
    pub fn of(hall: &Hall, events: &[Event]) -> Self {
        let mut tickets: BTreeMap<String, TicketRecord> = BTreeMap::new();
        for event in events {
            if let (Some(ticket), Some(at)) = (&event.ticket, event.time) {
                step(&mut tickets, event, ticket, at);
            }
        }
        let statistics = numbers(&tickets, hall.time_zone(), date_of(events));
        Self { tickets, statistics }
    }
}

fn date_of(events: &[Event]) -> String {
    events
        .iter()
        .find_map(|event| event.ticket.as_ref())
        .map(|ticket| ticket.business_date.clone())
        .unwrap_or_default()
}

fn step(tickets: &mut BTreeMap<String, TicketRecord>, event: &Event, ticket: &Ticket, at: Timestamp) {
    let kind = event.kind();
    if kind == EventKind::TicketIssued {
        let first = leg(kind, &ticket.service_id, &ticket.agency_id, at);
        let record = TicketRecord {
            number: ticket.number.clone(),
            party_size: ticket.party_size,
            legs: vec![first],
            before_call: None,
        };
        tickets.insert(ticket.id.clone(), record);
        return;
    }
    // A ticket that was never issued is reported by the transitions check.
    let Some(record) = tickets.get_mut(&ticket.id) else { return };
    let Some(last) = record.legs.last_mut() else { return };
    match kind {
        EventKind::TicketCalled | EventKind::TicketCalledSpecific | EventKind::TicketResumed => {
            record.before_call = Some(last.clone());
            last.called.get_or_insert(at);
            last.counter.clone_from(&event.counter_id);
            last.calls += 1;
        }
        EventKind::TicketRecalled => last.calls += 1,
        EventKind::TicketStarted => {
            last.started.get_or_insert(at);
            last.served.push((at, None));
        }
        EventKind::TicketFinished => end(last, at, LegOutcome::Served),
        EventKind::TicketNoShow => end(last, at, LegOutcome::NoShow),
        EventKind::TicketCancelled => end(last, at, LegOutcome::Cancelled),
        EventKind::TicketExpired => end(last, at, LegOutcome::Expired),
        // The no-show stays in the history; the visitor begins to wait anew.
        EventKind::TicketRestored => record.legs.push(leg(kind, &ticket.service_id, &ticket.agency_id, at)),
        EventKind::TicketTransferred => {
            end(last, at, LegOutcome::Transferred);
            record.legs.push(leg(kind, &ticket.service_id, &ticket.agency_id, at));
        }
        EventKind::CallUndone => {
            if let Some(before) = record.before_call.take() {
                *last = before;
            }
        }
        EventKind::TicketParked | EventKind::TicketReleased => stop(last, at),
        EventKind::TicketReopened => (last.ended, last.outcome) = (None, LegOutcome::Unspecified),
        EventKind::TicketAbsent => {}
        EventKind::Unspecified
        | EventKind::DayOpened
        | EventKind::DayClosed
        | EventKind::DayReopened
        | EventKind::Configured
        | EventKind::IntakeStopped
        | EventKind::IntakeResumed
        | EventKind::CounterOpened
        | EventKind::CounterPaused
        | EventKind::CounterResumed
        | EventKind::CounterClosed
        | EventKind::TicketIssued => {}
    }
}

fn leg(came: EventKind, service: &str, agency: &str, queued: Timestamp) -> LegRecord {
    LegRecord {
        service: service.to_owned(),
        agency: agency.to_owned(),
        came,
        queued,
        called: None,
        started: None,
        ended: None,
        counter: String::new(),
        outcome: LegOutcome::Unspecified,
        calls: 0,
        served: Vec::new(),
    }
}

fn stop(leg: &mut LegRecord, at: Timestamp) {
    if let Some((_, end @ None)) = leg.served.last_mut() {
        *end = Some(at);
    }
}

fn end(leg: &mut LegRecord, at: Timestamp, outcome: LegOutcome) {
    stop(leg, at);
    leg.ended = Some(at);
    leg.outcome = outcome;
}

/// Counts and durations of one row, before percentiles.
#[derive(Debug, Default)]
struct Tally {
    row: StatisticsRow,
    waits: Vec<i32>,
    ways: Vec<i32>,
    services: Vec<i32>,
}

impl Tally {
    fn add(&mut self, leg: &LegRecord, party_size: i32) {
        let row = &mut self.row;
        row.issued += 1;
        if leg.came == EventKind::TicketTransferred {
            row.received += 1;
        } else if leg.came == EventKind::TicketRestored {
            row.restored += 1;
        } else {
            row.tickets += 1;
            row.persons += party_size;
        }
        row.calls += leg.calls;
        match leg.outcome {
            LegOutcome::Unspecified => row.open += 1,
            LegOutcome::Served => row.served += 1,
            LegOutcome::Transferred => row.transferred += 1,
            LegOutcome::NoShow => row.no_show += 1,
            LegOutcome::Cancelled => row.cancelled += 1,
            LegOutcome::Expired => row.expired += 1,
        }
        if let Some(called) = leg.called {
            self.waits.push(whole_seconds(leg.queued, called));
            self.ways.extend(leg.started.map(|started| whole_seconds(called, started)));
        }
        if leg.started.is_some() && matches!(leg.outcome, LegOutcome::Served | LegOutcome::Transferred) {
            let spans = leg.served.iter().filter_map(|(from, to)| Some(nanos_between(*from, (*to)?)));
            self.services.push(i32::try_from(spans.sum::<i128>() / NANOS).unwrap_or(i32::MAX));
        }
    }

    fn row(mut self, key: String) -> StatisticsRow {
        self.row.key = key;
        self.row.wait_p50_seconds = nearest_rank(&mut self.waits, 50);
        self.row.wait_p90_seconds = nearest_rank(&mut self.waits, 90);
        self.row.way_p50_seconds = nearest_rank(&mut self.ways, 50);
        self.row.service_p50_seconds = nearest_rank(&mut self.services, 50);
        self.row.service_p90_seconds = nearest_rank(&mut self.services, 90);
        self.row
    }
}

/// The smallest value that at least `percent` of the values do not exceed; 0 for none.
fn nearest_rank(values: &mut [i32], percent: usize) -> i32 {
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100);
    if rank == 0 { 0 } else { values[rank - 1] }
}

/// Nanoseconds of a second.
const NANOS: i128 = 1_000_000_000;

/// From one moment to a later one; 0 if it is not later.
fn nanos_between(from: Timestamp, to: Timestamp) -> i128 {
    (i128::from(to.seconds - from.seconds) * NANOS + i128::from(to.nanos - from.nanos)).max(0)
}

/// Whole seconds from one moment to a later one; 0 if it is not later.
fn whole_seconds(from: Timestamp, to: Timestamp) -> i32 {
    i32::try_from(nanos_between(from, to) / NANOS).unwrap_or(i32::MAX)
}

/// Hours that the wall clock of a zone is ahead of UTC.
#[must_use]
pub fn hours_ahead(zone: TimeZone) -> i64 {
    match zone {
        TimeZone::Unspecified | TimeZone::Wib => 7,
        TimeZone::Wita => 8,
        TimeZone::Wit => 9,
    }
}

fn numbers(tickets: &BTreeMap<String, TicketRecord>, zone: TimeZone, date: String) -> Statistics {
    let mut total = Tally::default();
    let (mut services, mut agencies, mut counters, mut hours) =
        (Rows::default(), Rows::default(), Rows::default(), Rows::default());
    for ticket in tickets.values() {
        for leg in &ticket.legs {
            let hour = (leg.queued.seconds.div_euclid(3600) + hours_ahead(zone)).rem_euclid(24);
            total.add(leg, ticket.party_size);
            services.add(leg.service.clone(), leg, ticket.party_size);
            agencies.add(leg.agency.clone(), leg, ticket.party_size);
            hours.add(format!("{hour:02}"), leg, ticket.party_size);
            if !leg.counter.is_empty() {
                counters.add(leg.counter.clone(), leg, ticket.party_size);
            }
        }
    }
    Statistics {
        date,
        total: Some(total.row(String::new())),
        services: services.rows(),
        agencies: agencies.rows(),
        counters: counters.rows(),
        hours: hours.rows(),
    }
}

/// Tallies by key.
#[derive(Debug, Default)]
struct Rows(BTreeMap<String, Tally>);

impl Rows {
    fn add(&mut self, key: String, leg: &LegRecord, party_size: i32) {
        self.0.entry(key).or_default().add(leg, party_size);
    }

    fn rows(self) -> Vec<StatisticsRow> {
        self.0.into_iter().map(|(key, tally)| tally.row(key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_rank_is_a_value_of_the_list() {
        assert_eq!(nearest_rank(&mut [], 50), 0);
        assert_eq!(nearest_rank(&mut [7], 90), 7);
        assert_eq!(nearest_rank(&mut [4, 1, 3, 2], 50), 2);
        assert_eq!(nearest_rank(&mut [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 90), 9);
        assert_eq!(nearest_rank(&mut [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 90), 10);
    }

    #[test]
    fn seconds_are_whole_and_never_negative() {
        let at = |seconds, nanos| Timestamp { seconds, nanos };
        assert_eq!(whole_seconds(at(10, 900_000_000), at(12, 800_000_000)), 1);
        assert_eq!(whole_seconds(at(10, 900_000_000), at(12, 900_000_000)), 2);
        assert_eq!(whole_seconds(at(12, 0), at(10, 0)), 0);
    }
}

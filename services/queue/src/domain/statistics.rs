//! Numbers of a business day, computed from its tickets.
//!
//! A leg counts where it began to wait: its service, its agency, the local hour. For counters it counts where it was last
//! held; a leg that was never held counts at no counter. Percentiles are nearest-rank.

use std::collections::BTreeMap;

use super::hall::TimeZone;
use super::ticket::{Leg, LegOutcome, Ticket};

/// Numbers of one service, agency, counter or hour.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Legs that began to wait: tickets, transfers received, no-shows restored.
    pub issued: u32,
    /// Tickets, each where its first leg began.
    pub tickets: u32,
    /// Legs that came by a transfer.
    pub received: u32,
    /// Legs of no-shows that were restored.
    pub restored: u32,
    /// Legs that were served.
    pub served: u32,
    /// Legs that ended as no-show.
    pub no_show: u32,
    /// Legs that were cancelled.
    pub cancelled: u32,
    /// Legs that were sent on.
    pub transferred: u32,
    /// Legs that expired at day end.
    pub expired: u32,
    /// Legs that are not ended.
    pub open: u32,
    /// Persons in the groups of the tickets, each once.
    pub persons: u32,
    /// Calls and repeats.
    pub calls: u32,
    /// Seconds from waiting to the first call, sorted.
    pub waits: Vec<u32>,
    /// Seconds from the first call to the start of service, sorted.
    pub ways: Vec<u32>,
    /// Seconds of service, of legs that were served or sent on, sorted: from its start to its end without the time in which
    /// the ticket was parked or waited again.
    pub services: Vec<u32>,
}

/// How a leg began to wait.
#[derive(Clone, Copy)]
enum Came {
    Issued,
    Received,
    Restored,
}

impl Came {
    /// How the leg after this one came.
    fn after(leg: &Leg) -> Self {
        if leg.outcome == Some(LegOutcome::NoShow) { Self::Restored } else { Self::Received }
    }
}

/// Numbers of a business day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Of everything.
    pub total: Row,
    /// Per service.
    pub services: BTreeMap<String, Row>,
    /// Per agency.
    pub agencies: BTreeMap<String, Row>,
    /// Per counter.
    pub counters: BTreeMap<String, Row>,
    /// Per local hour, "00" to "23".
    pub hours: BTreeMap<String, Row>,
}

/// The value at the nearest rank of `percent` in a sorted list; 0 for an empty one.
#[must_use]
pub fn percentile(sorted: &[u32], percent: usize) -> u32 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

impl Statistics {
    /// The numbers of these tickets, as they stand now. `visible` says whether a leg of this agency counts.
    pub fn of<'t>(
        tickets: impl Iterator<Item = &'t Ticket>,
        zone: TimeZone,
        visible: impl Fn(super::AgencyId) -> bool,
    ) -> Self {
        let mut statistics = Self::default();
        for ticket in tickets {
            let came = std::iter::once(Came::Issued).chain(ticket.legs.iter().map(Came::after));
            for (leg, came) in ticket.legs.iter().zip(came).filter(|(leg, _)| visible(leg.agency)) {
                let hour = zone.local(leg.queued_at).format("%H").to_string();
                statistics.total.add(ticket, leg, came);
                statistics.services.entry(leg.service.to_string()).or_default().add(ticket, leg, came);
                statistics.agencies.entry(leg.agency.to_string()).or_default().add(ticket, leg, came);
                statistics.hours.entry(hour).or_default().add(ticket, leg, came);
                if let Some(counter) = leg.counter {
                    statistics.counters.entry(counter.to_string()).or_default().add(ticket, leg, came);
                }
            }
        }
        statistics.sort();
        statistics
    }

    fn sort(&mut self) {
        let rows = std::iter::once(&mut self.total)
            .chain(self.services.values_mut())
            .chain(self.agencies.values_mut())
            .chain(self.counters.values_mut())
            .chain(self.hours.values_mut());
        for row in rows {
            row.waits.sort_unstable();
            row.ways.sort_unstable();
            row.services.sort_unstable();
        }
    }
}

impl Row {
    fn add(&mut self, ticket: &Ticket, leg: &Leg, came: Came) {
        self.issued += 1;
        match came {
            Came::Issued => {
                self.tickets += 1;
                self.persons += ticket.party_size;
            }
            Came::Received => self.received += 1,
            Came::Restored => self.restored += 1,
        }
        self.calls += leg.calls;
        match leg.outcome {
            None => self.open += 1,
            Some(LegOutcome::Served) => self.served += 1,
            Some(LegOutcome::NoShow) => self.no_show += 1,
            Some(LegOutcome::Cancelled) => self.cancelled += 1,
            Some(LegOutcome::Transferred) => self.transferred += 1,
            Some(LegOutcome::Expired) => self.expired += 1,
        }
        let seconds = |from: chrono::DateTime<chrono::Utc>, to: chrono::DateTime<chrono::Utc>| {
            u32::try_from((to - from).num_seconds()).unwrap_or(0)
        };
        if let Some(called) = leg.called_at {
            self.waits.push(seconds(leg.queued_at, called));
            if let Some(started) = leg.started_at {
                self.ways.push(seconds(called, started));
            }
        }
        // A ticket that was forgotten until day end, or given up, says nothing about how long service takes.
        if matches!(leg.outcome, Some(LegOutcome::Served | LegOutcome::Transferred)) {
            self.services.extend(leg.service_seconds());
        }
    }
}

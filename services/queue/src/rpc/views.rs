//! What pages show, made from the fold of a hall: pure functions of the fold, the time, the caller's language and reach.

pub(super) mod board;
pub(super) mod control_room;
pub(super) mod desk;
pub(super) mod next;
pub(super) mod public_ticket;
pub(super) mod service_status;

use chrono::{DateTime, Utc};

use crate::domain::ServiceId;
use crate::domain::fold::{Fold, Line};

/// How many wait for a service, and since when the longest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Waiting {
    tickets: usize,
    since: Option<DateTime<Utc>>,
}

impl Waiting {
    /// Those who wait for one service.
    fn at(fold: &Fold, service: ServiceId) -> Self {
        let Some(line) = fold.line(service) else { return Self::default() };
        let since =
            line.tickets().filter_map(|id| fold.ticket(id)).map(|ticket| ticket.leg().queued_at).min();
        Self { tickets: line.len(), since }
    }

    /// Both together.
    fn and(self, other: Self) -> Self {
        let since = match (self.since, other.since) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self { tickets: self.tickets + other.tickets, since }
    }

    /// Seconds that the longest has waited.
    fn longest_seconds(self, now: DateTime<Utc>) -> i32 {
        self.since.map_or(0, |since| super::convert::seconds_since(since, now))
    }
}

/// How many wait for a service.
fn waiting(fold: &Fold, service: ServiceId) -> usize {
    fold.line(service).map_or(0, Line::len)
}

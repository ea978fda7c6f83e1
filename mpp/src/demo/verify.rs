//! Holds a day against its log: recomputes every number from the events and every event from the commands.
//!
//! [`verify`] is a pure function from a [`History`] to a [`Report`]. It trusts nothing that the suite computed: legs,
//! waits and statistics are built anew from the kinds and times of the events ([`recompute`]), and the events are held
//! against what the clients sent and were told.

mod clients;
mod log;
mod numbers;
pub mod recompute;

use std::fmt;

use mpp_proto::queue::v1::Statistics;

use super::history::History;
use recompute::Recomputed;

/// Differences that a check prints before it only counts.
const SHOWN: usize = 10;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked, as a statement that should be true.
    pub name: &'static str,
    /// How many things were looked at. A check that looked at nothing proves nothing.
    pub examined: usize,
    /// What differs, one sentence each.
    pub differences: Vec<String>,
}

/// The result of all checks.
#[derive(Debug, Clone)]
pub struct Report {
    /// The checks, in the order of their making.
    pub checks: Vec<Check>,
    /// The numbers of the day as they were recomputed.
    pub statistics: Statistics,
}

impl Check {
    fn new(name: &'static str) -> Self {
        Self { name, examined: 0, differences: Vec::new() }
    }

    fn look(&mut self) {
        self.examined += 1;
    }

    fn differs(&mut self, sentence: impl Into<String>) {
        self.differences.push(sentence.into());
    }

    /// Counts one look, and notes a difference unless it holds.
    fn expect(&mut self, holds: bool, sentence: impl FnOnce() -> String) {
        self.look();
        if !holds {
            self.differs(sentence());
        }
    }
}

impl Report {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.checks.iter().all(|check| check.differences.is_empty())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let verdict = if check.differences.is_empty() { "OK  " } else { "DIFF" };
            writeln!(f, "  {verdict}  {} ({} looked at)", check.name, check.examined)?;
            for difference in check.differences.iter().take(SHOWN) {
                writeln!(f, "          {difference}")?;
            }
            if check.differences.len() > SHOWN {
                writeln!(f, "          … and {} more", check.differences.len() - SHOWN)?;
            }
        }
        Ok(())
    }
}

/// Checks a finished day.
#[must_use]
pub fn verify(history: &History) -> Report {
    let recomputed = Recomputed::of(&history.hall, &history.events);
    let mut checks = vec![
        log::gap_free(&history.events),
        log::numbers_once(&history.hall, &history.events),
        log::legal_transitions(&history.events),
        log::one_ticket_one_counter(&history.events),
        log::called_at_open_counters(&history.events),
        log::within_hours(&history.hall, &history.events),
        log::day_end(&history.events),
    ];
    checks.extend(clients::checks(&history.operations, &history.events));
    checks.push(numbers::waits_as_reported(&recomputed, &history.events));
    checks.push(numbers::legs_add_up(&recomputed.statistics));
    checks.push(numbers::statistics_equal(&recomputed.statistics, &history.statistics));
    Report { checks, statistics: recomputed.statistics }
}

#[cfg(test)]
mod tests;

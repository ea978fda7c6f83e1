//! What of a case the board counts. A number of the board and the list it opens are made of the same marks, so they agree.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::case::Case;
use super::words::{ClockKind, State};

/// A number of the board.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    EnumIter,
    IntoStaticStr,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Measure {
    /// Open cases.
    Open,
    /// Open cases of which a clock that is still awaited is late.
    Late,
    /// Late to verify.
    LateVerify,
    /// Late to take.
    LateAccept,
    /// Late to answer first.
    LateFirstAnswer,
    /// Late to settle, by law.
    LateSettle,
    /// Late to react, by promise.
    LateReaction,
    /// Open cases that were sent back.
    Bounced,
    /// Open cases that were opened again.
    Reopened,
    /// Settled by a listed reason instead of proof.
    SettledWithoutProof,
    /// Open cases with a step of the ladder that nobody has acknowledged.
    ToAcknowledge,
    /// Open cases with a message that did not arrive.
    Undelivered,
}

impl Measure {
    /// The measure of lateness of a clock.
    #[must_use]
    pub fn late(clock: ClockKind) -> Self {
        match clock {
            ClockKind::Verify => Self::LateVerify,
            ClockKind::Accept => Self::LateAccept,
            ClockKind::FirstAnswer => Self::LateFirstAnswer,
            ClockKind::Settle => Self::LateSettle,
            ClockKind::Reaction => Self::LateReaction,
        }
    }
}

/// What beside the case itself counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beside {
    /// Steps of the ladder that nobody has acknowledged.
    pub waiting_steps: bool,
    /// Messages that did not arrive.
    pub undelivered: bool,
}

/// What of a case is counted at a moment.
#[must_use]
pub fn measures(case: &Case, beside: Beside, now: DateTime<Utc>) -> BTreeSet<Measure> {
    let mut found = BTreeSet::new();
    if case.state == State::Settled && !case.no_proof.is_empty() {
        found.insert(Measure::SettledWithoutProof);
    }
    if case.state.is_closed() {
        return found;
    }
    found.insert(Measure::Open);
    for clock in case.open_clocks().filter(|clock| clock.is_late(now)) {
        found.insert(Measure::Late);
        found.insert(Measure::late(clock.kind));
    }
    for (holds, measure) in [
        (case.bounces > 0, Measure::Bounced),
        (case.reopenings > 0, Measure::Reopened),
        (beside.waiting_steps, Measure::ToAcknowledge),
        (beside.undelivered, Measure::Undelivered),
    ] {
        if holds {
            found.insert(measure);
        }
    }
    found
}

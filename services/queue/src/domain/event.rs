//! What is logged: outcomes, never intentions. Folding a log applies what happened and re-runs no rule.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

use super::counter::Counter;
use super::hall::Hall;
use super::ticket::{Passed, Ticket};
use super::{AgencyId, CounterId, EventId, ServiceId};

/// What an event did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The day opened.
    DayOpened,
    /// The day closed.
    DayClosed,
    /// The hall was configured.
    Configured,
    /// Intake was stopped.
    IntakeStopped,
    /// Intake was taken up again.
    IntakeResumed,
    /// A counter opened.
    CounterOpened,
    /// A counter went on break.
    CounterPaused,
    /// A counter came back from break.
    CounterResumed,
    /// A counter closed.
    CounterClosed,
    /// A ticket was issued.
    TicketIssued,
    /// A ticket was called in order.
    TicketCalled,
    /// A ticket was called out of order.
    TicketCalledSpecific,
    /// A ticket was announced again.
    TicketRecalled,
    /// Service began.
    TicketStarted,
    /// Service ended.
    TicketFinished,
    /// An absent visitor's ticket went back to its place.
    TicketAbsent,
    /// An absent visitor's ticket became a no-show.
    TicketNoShow,
    /// A no-show was taken back.
    TicketRestored,
    /// A ticket was set aside.
    TicketParked,
    /// A parked ticket was called to a counter.
    TicketResumed,
    /// A ticket was sent on to another service.
    TicketTransferred,
    /// A ticket was cancelled.
    TicketCancelled,
    /// A call was taken back.
    CallUndone,
    /// A stuck ticket was freed.
    TicketReleased,
    /// A ticket expired at day end.
    TicketExpired,
    /// The day was opened again.
    DayReopened,
    /// A ticket that had expired waits again.
    TicketReopened,
}

impl Kind {
    /// Whether boards announce it.
    #[must_use]
    pub fn is_announced(self) -> bool {
        matches!(
            self,
            Self::TicketCalled | Self::TicketCalledSpecific | Self::TicketRecalled | Self::TicketResumed
        )
    }
}

/// Kinds of principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person with a staff account.
    Staff,
    /// An enrolled device.
    Device,
    /// A citizen who is not signed in.
    Citizen,
    /// The system itself.
    System,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Account, device or "system".
    pub id: String,
    /// What kind it is.
    pub kind: ActorKind,
}

/// The key under which a retry finds its first answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestKey {
    /// Principal and request id.
    pub key: String,
    /// Digest of what was asked, so that the same id with another body is refused.
    pub fingerprint: String,
}

/// A stop of intake in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntakeStop {
    /// Only this agency; none together with no service for the whole hall.
    pub agency: Option<AgencyId>,
    /// Only this service.
    pub service: Option<ServiceId>,
    /// Why, for the citizen.
    pub reason: String,
}

/// A business day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// The date in the time zone of the hall.
    pub date: NaiveDate,
    /// When it opened.
    pub opened_at: DateTime<Utc>,
    /// When it closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// Stops of intake in force.
    pub stops: Vec<IntakeStop>,
    /// When it was last opened again after it had been closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened_at: Option<DateTime<Utc>>,
}

impl Day {
    /// Whether it is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }
}

/// One entry of the log of a hall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// What was done.
    pub kind: Kind,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: Actor,
    /// The key under which a retry finds this answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestKey>,
    /// The ticket after the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// The counters after the step; the first is the one the step was about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counters: Vec<Counter>,
    /// The hall after the step: when a day opens, and when it is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hall: Option<Hall>,
    /// The day after the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Day>,
    /// How often lanes have been passed over after the step, where it changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<Passed>,
    /// The counter at which it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<CounterId>,
    /// The reason given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

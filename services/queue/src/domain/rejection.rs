//! Why a command is refused. Each variant is a situation, with what its message needs.

use chrono::NaiveDate;
use thiserror::Error;

use super::counter::Availability;
use super::hall::Defect;
use super::ticket::{State, Verb};
use super::{CounterId, TicketId};

/// Why no ticket is issued for a service now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntakeClosed {
    /// No business day is open.
    DayNotOpen,
    /// Outside opening hours; the next window of today opens at this minute of the day.
    OutsideHours {
        /// Minutes since local midnight.
        next: Option<u16>,
    },
    /// The hall keeps this holiday.
    Holiday(String),
    /// The agency is closed today for this reason.
    Closure(String),
    /// The quota of the day is used up.
    QuotaFull(u32),
    /// A supervisor stopped intake for this reason.
    Stopped(String),
    /// All numbers of the series are used up.
    NumbersExhausted,
    /// The service is given no longer.
    Retired,
}

/// What a caller names that is not there, or not visible to the caller: the answer is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Thing {
    /// A hall.
    Hall,
    /// An agency.
    Agency,
    /// A service.
    Service,
    /// A counter.
    Counter,
    /// A ticket.
    Ticket,
}

/// Why a command is refused. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Rejection {
    /// Not there, or not visible to the caller.
    #[error("no such {0}")]
    NotFound(Thing),
    /// No ticket is issued for the service now.
    #[error("intake is closed: {0:?}")]
    IntakeClosed(IntakeClosed),
    /// The person has had as many tickets at this agency today as permitted.
    #[error("the person has had {0} tickets at this agency today")]
    PersonLimit(u32),
    /// The agency limits tickets per person, and no phone number was given.
    #[error("a phone number is required to hold the limit per person")]
    PhoneRequired,
    /// No business day is open.
    #[error("no business day is open")]
    DayNotOpen,
    /// A later day was closed already: the clock was set back.
    #[error("the day {0} was closed already")]
    DayAlreadyClosed(NaiveDate),
    /// The counter is closed or on break.
    #[error("counter {number} is {availability}")]
    CounterNotOpen {
        /// The number on its sign.
        number: String,
        /// What it is instead.
        availability: Availability,
    },
    /// The counter holds a ticket.
    #[error("counter {number} holds ticket {ticket_number}")]
    CounterBusy {
        /// The number on its sign.
        number: String,
        /// The ticket it holds.
        ticket: TicketId,
        /// Its number.
        ticket_number: String,
        /// Its state.
        state: State,
    },
    /// The counter does not hold what the caller believes it holds.
    #[error("the counter holds another ticket than expected")]
    UnexpectedCurrent {
        /// The ticket it holds, with its number.
        current: Option<(TicketId, String)>,
    },
    /// Nobody waits for the services of the counter.
    #[error("nobody is waiting")]
    NobodyWaiting {
        /// Seconds until the first ticket leaves its cooldown, if some wait in one.
        cooldown_seconds: Option<u64>,
    },
    /// The state of the ticket does not permit the verb.
    #[error("a ticket that is {state} cannot {verb}")]
    NotPermittedInState {
        /// What was asked.
        verb: Verb,
        /// The state it is in.
        state: State,
        /// What the state permits.
        allowed: Vec<Verb>,
        /// The number of the counter that holds it.
        holder: Option<String>,
    },
    /// The ticket has changed since the caller saw it.
    #[error("the ticket is at version {actual}, not {expected}")]
    StaleVersion {
        /// The version the caller saw.
        expected: u32,
        /// The version it has.
        actual: u32,
        /// The state it is in.
        state: State,
    },
    /// Another counter holds the ticket, and the caller may not act there.
    #[error("ticket is held by counter {number}")]
    NotTheHolder {
        /// The number of the counter that holds it.
        number: String,
    },
    /// Another counter holds the ticket; the caller may act there, and must say why.
    #[error("ticket is held by counter {number}, and no reason is given")]
    ReasonRequired {
        /// The number of the counter that holds it.
        number: String,
    },
    /// The same ticket was announced a moment ago.
    #[error("announced a moment ago; wait {0} s")]
    RecallTooSoon(u64),
    /// The time in which a call can be taken back is over.
    #[error("the time to take the call back is over")]
    UndoTooLate,
    /// The ticket was called already, or is older than who issued it may take it back.
    #[error("the time to take the ticket back is over; it is {state}")]
    VoidTooLate {
        /// The state it is in.
        state: State,
    },
    /// The caller works at another counter.
    #[error("the caller works at counter {number}")]
    DeskElsewhere {
        /// That counter.
        counter: CounterId,
        /// Its number.
        number: String,
        /// Whether it holds a ticket, so that it cannot be left.
        holds_ticket: bool,
    },
    /// A service is not among those of the counter.
    #[error("the service is not given at counter {number}")]
    ServiceNotAtCounter {
        /// The number of the counter.
        number: String,
    },
    /// The ticket waits for that service already.
    #[error("the ticket is for that service already")]
    SameService,
    /// The request id was used for something else.
    #[error("the request id was used for another request")]
    RequestIdReused,
    /// Somebody else configured the hall meanwhile: parts have ids that this configuration does not know.
    #[error("the hall was configured meanwhile")]
    ConfiguredMeanwhile,
    /// The configuration cannot be used.
    #[error("the configuration has defects")]
    Configuration(Vec<Defect>),
}

//! What the clients of a day saw: every command with when it was sent, when it was answered, and how.
//!
//! Kept outside the suite, so that it can bear witness: [`super::verify`] holds it against the event log.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use mpp_proto::queue::v1::{Counter, Day, Event, EventKind, Hall, Statistics, Ticket};

/// What a client asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Open the day.
    OpenDay,
    /// Close the day.
    CloseDay,
    /// Stop the issue of tickets.
    StopIntake,
    /// Take it up again.
    ResumeIntake,
    /// Open a counter.
    OpenCounter,
    /// Put a counter on break.
    PauseCounter,
    /// End a break.
    ResumeCounter,
    /// Close a counter.
    CloseCounter,
    /// Issue a ticket.
    Issue,
    /// Call the next ticket.
    CallNext,
    /// Call a given ticket.
    CallTicket,
    /// Announce again.
    Recall,
    /// Begin service.
    Start,
    /// End service.
    Finish,
    /// The visitor did not come.
    NoShow,
    /// Take a no-show back.
    Restore,
    /// Set aside.
    Park,
    /// Take from aside.
    Resume,
    /// Send on.
    Transfer,
    /// Cancel.
    Cancel,
    /// Take a call back.
    UndoCall,
}

impl Action {
    /// The kinds of event that this command leaves when it is done; exactly one of them.
    #[must_use]
    pub fn kinds(self) -> &'static [EventKind] {
        match self {
            Self::OpenDay => &[EventKind::DayOpened],
            Self::CloseDay => &[EventKind::DayClosed],
            Self::StopIntake => &[EventKind::IntakeStopped],
            Self::ResumeIntake => &[EventKind::IntakeResumed],
            Self::OpenCounter => &[EventKind::CounterOpened],
            Self::PauseCounter => &[EventKind::CounterPaused],
            Self::ResumeCounter => &[EventKind::CounterResumed],
            Self::CloseCounter => &[EventKind::CounterClosed],
            Self::Issue => &[EventKind::TicketIssued],
            Self::CallNext => &[EventKind::TicketCalled],
            Self::CallTicket => &[EventKind::TicketCalledSpecific],
            Self::Recall => &[EventKind::TicketRecalled],
            Self::Start => &[EventKind::TicketStarted],
            Self::Finish => &[EventKind::TicketFinished],
            Self::NoShow => &[EventKind::TicketAbsent, EventKind::TicketNoShow],
            Self::Restore => &[EventKind::TicketRestored],
            Self::Park => &[EventKind::TicketParked],
            Self::Resume => &[EventKind::TicketResumed],
            Self::Transfer => &[EventKind::TicketTransferred],
            Self::Cancel => &[EventKind::TicketCancelled],
            Self::UndoCall => &[EventKind::CallUndone],
        }
    }
}

/// How a command ended for its client.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Done: what the answer showed.
    Done {
        /// The ticket after the step.
        ticket: Option<Box<Ticket>>,
        /// The counter after the step.
        counter: Option<Box<Counter>>,
        /// The day after the step.
        day: Option<Day>,
    },
    /// Refused with this reason code: no effect.
    Refused(String),
    /// No answer: perhaps an effect, at most one.
    Unknown(String),
}

/// A command of a client.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What was asked for.
    pub action: Action,
    /// Who asked.
    pub by: String,
    /// The ticket it was about, if it named one.
    pub ticket: Option<String>,
    /// The counter it was about, if it named one.
    pub counter: Option<String>,
    /// Microseconds from the start of the recording to when it was first sent.
    pub sent: u64,
    /// Microseconds from the start of the recording to when its outcome was known.
    pub answered: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// Everything that is held against each other at the end of a day.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The hall as it is configured.
    pub hall: Hall,
    /// Every command of every client, in any order.
    pub operations: Vec<Operation>,
    /// The log of the day, as ListEvents gave it.
    pub events: Vec<Event>,
    /// What GetStatistics answered for the day.
    pub statistics: Statistics,
}

/// Records commands from many tasks at once.
#[derive(Debug, Clone)]
pub struct Recorder {
    began: Instant,
    operations: Arc<Mutex<Vec<Operation>>>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self { began: Instant::now(), operations: Arc::default() }
    }
}

impl Recorder {
    /// Microseconds since the recording began.
    #[must_use]
    pub fn now(&self) -> u64 {
        // A recording is hours at most.
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Writes one command down.
    pub fn record(&self, operation: Operation) {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner).push(operation);
    }

    /// Everything recorded so far.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

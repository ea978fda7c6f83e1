//! A ticket and its state machine.

use chrono::{DateTime, NaiveDate, Utc};
use mpp_kit::fsm::{Row, Table};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

use super::{AgencyId, CounterId, HallId, ServiceId, TicketId};

/// Seconds in which a call can be taken back.
pub const UNDO_SECONDS: i64 = 10;
/// Seconds in which who issued a ticket can take it back: twice as long as a kiosk shows it at most, and a broken line on top.
pub const VOID_SECONDS: i64 = 300;

/// States of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In the queue.
    Waiting,
    /// Called to a counter.
    Called,
    /// Being served.
    Serving,
    /// Set aside; only called by hand.
    Parked,
    /// Did not come after the last permitted call.
    NoShow,
    /// Served; only a person ends a ticket so.
    Done,
    /// Cancelled.
    Cancelled,
    /// Still open at day end.
    Expired,
}

/// What can be done to a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, EnumIter)]
#[strum(serialize_all = "snake_case")]
pub enum Verb {
    /// Call it to a counter.
    Call,
    /// Announce it again.
    Recall,
    /// Begin service.
    Start,
    /// End service.
    Finish,
    /// The visitor did not come.
    NoShow,
    /// Take a no-show back.
    Restore,
    /// Set it aside.
    Park,
    /// Take it from aside to a counter.
    Resume,
    /// Send it on to another service.
    Transfer,
    /// Cancel it.
    Cancel,
    /// Take the call back.
    UndoCall,
    /// Free it from a counter where it is stuck.
    Release,
    /// Day end.
    Expire,
    /// The day end is taken back.
    Reopen,
}

/// Which transitions are permitted, and why. Everything else is refused with the current state.
pub const TRANSITIONS: Table<State, Verb> = Table(&[
    Row {
        from: State::Waiting,
        verb: Verb::Call,
        to: State::Called,
        why: "it is its turn, or it is called out of order with a reason",
    },
    Row { from: State::Waiting, verb: Verb::Cancel, to: State::Cancelled, why: "the visitor left" },
    Row { from: State::Waiting, verb: Verb::Expire, to: State::Expired, why: "the day ended" },
    Row { from: State::Called, verb: Verb::Recall, to: State::Called, why: "announced again" },
    Row { from: State::Called, verb: Verb::Start, to: State::Serving, why: "the visitor came" },
    Row {
        from: State::Called,
        verb: Verb::NoShow,
        to: State::Waiting,
        why: "absent, calls remain: back to its place",
    },
    Row {
        from: State::Called,
        verb: Verb::NoShow,
        to: State::NoShow,
        why: "absent at the last permitted call",
    },
    Row { from: State::Called, verb: Verb::UndoCall, to: State::Waiting, why: "called by mistake" },
    Row { from: State::Called, verb: Verb::UndoCall, to: State::Parked, why: "resumed by mistake" },
    Row {
        from: State::Called,
        verb: Verb::Park,
        to: State::Parked,
        why: "the visitor must fetch something first",
    },
    Row {
        from: State::Called,
        verb: Verb::Transfer,
        to: State::Waiting,
        why: "wrong service: waits for the right one",
    },
    Row {
        from: State::Called,
        verb: Verb::Cancel,
        to: State::Cancelled,
        why: "the visitor does not want it any more",
    },
    Row { from: State::Called, verb: Verb::Release, to: State::Waiting, why: "a supervisor frees it" },
    Row { from: State::Called, verb: Verb::Expire, to: State::Expired, why: "the day ended" },
    Row { from: State::Serving, verb: Verb::Finish, to: State::Done, why: "served" },
    Row {
        from: State::Serving,
        verb: Verb::Park,
        to: State::Parked,
        why: "the visitor must fetch something first",
    },
    Row { from: State::Serving, verb: Verb::Transfer, to: State::Waiting, why: "goes on to another service" },
    Row {
        from: State::Serving,
        verb: Verb::Cancel,
        to: State::Cancelled,
        why: "the visitor does not want it any more",
    },
    Row { from: State::Serving, verb: Verb::Release, to: State::Waiting, why: "a supervisor frees it" },
    Row {
        from: State::Serving,
        verb: Verb::Expire,
        to: State::Expired,
        why: "the day ended; nobody said it was served",
    },
    Row { from: State::Parked, verb: Verb::Resume, to: State::Called, why: "the visitor is back" },
    Row { from: State::Parked, verb: Verb::Transfer, to: State::Waiting, why: "goes on to another service" },
    Row {
        from: State::Parked,
        verb: Verb::Cancel,
        to: State::Cancelled,
        why: "the visitor did not come back",
    },
    Row { from: State::Parked, verb: Verb::Expire, to: State::Expired, why: "the day ended" },
    Row {
        from: State::Expired,
        verb: Verb::Reopen,
        to: State::Waiting,
        why: "the day was closed by mistake and is opened again",
    },
    Row {
        from: State::NoShow,
        verb: Verb::Restore,
        to: State::Waiting,
        why: "the visitor came after all, on the same day",
    },
]);

/// Why a visitor goes ahead (kelompok rentan, PermenPANRB 11/2024).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Penyandang disabilitas.
    Disability,
    /// Lanjut usia.
    Elderly,
    /// Ibu hamil atau menyusui.
    Pregnant,
    /// Anak.
    Child,
    /// Korban bencana.
    DisasterVictim,
    /// Internal.
    Internal,
}

/// Help a counter should be ready to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Assistance {
    /// Step-free way, wheelchair.
    Wheelchair,
    /// Sign-language interpreter.
    SignLanguage,
    /// An escort through the hall.
    Escort,
    /// Reading and filling in forms.
    Reading,
}

/// How a ticket was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// At a kiosk.
    Kiosk,
    /// At the reception desk.
    Reception,
    /// By the API.
    Api,
    /// On the visitor's own phone, in the hall.
    Onsite,
}

/// How service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Done,
    /// Documents were missing.
    IncompleteDocuments,
    /// The service could not be provided.
    NotProvided,
    /// The visitor cancelled.
    Cancelled,
}

/// Why a ticket was taken back by who issued it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum VoidReason {
    /// The wrong service was chosen.
    WrongService,
    /// The visitor has a number already.
    TakenTwice,
    /// The visitor does not stay.
    NotStaying,
}

/// How one leg of a visit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum LegOutcome {
    /// Served.
    Served,
    /// Sent on to another service.
    Transferred,
    /// Did not come.
    NoShow,
    /// Cancelled.
    Cancelled,
    /// Open at day end.
    Expired,
}

/// One leg of a visit: one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// The service.
    pub service: ServiceId,
    /// Its agency.
    pub agency: AgencyId,
    /// When the visitor began to wait for it.
    pub queued_at: DateTime<Utc>,
    /// When it was first called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called_at: Option<DateTime<Utc>>,
    /// When service began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When the leg ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// The counter that last held it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<CounterId>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<LegOutcome>,
    /// Times it was called or announced.
    pub calls: u32,
    /// Since when it is parked, or waits again, after service had begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside_since: Option<DateTime<Utc>>,
    /// Milliseconds between the start and the end of service in which it was parked or waited again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub aside_ms: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Leg {
    /// A leg that begins to wait.
    #[must_use]
    pub fn begin(service: ServiceId, agency: AgencyId, at: DateTime<Utc>) -> Self {
        Self {
            service,
            agency,
            queued_at: at,
            called_at: None,
            started_at: None,
            ended_at: None,
            counter: None,
            outcome: None,
            calls: 0,
            aside_since: None,
            aside_ms: 0,
        }
    }

    /// Service that had begun is interrupted.
    pub fn interrupt(&mut self, at: DateTime<Utc>) {
        if self.started_at.is_some() {
            self.aside_since.get_or_insert(at);
        }
    }

    /// Service begins or goes on, or the leg ends.
    pub fn settle(&mut self, at: DateTime<Utc>) {
        if let Some(since) = self.aside_since.take() {
            self.aside_ms += u64::try_from((at - since).num_milliseconds()).unwrap_or(0);
        }
    }

    /// How long service took, in whole seconds, without the time in which it was interrupted; none until it ended.
    #[must_use]
    pub fn service_seconds(&self) -> Option<u32> {
        let whole = self.ended_at? - self.started_at?;
        let aside = i64::try_from(self.aside_ms).unwrap_or(i64::MAX);
        // A clock that was set back gives no negative times.
        Some(u32::try_from(whole.num_milliseconds().saturating_sub(aside).max(0) / 1000).unwrap_or(u32::MAX))
    }
}

/// A service delivered, with a count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// The service.
    pub service: ServiceId,
    /// How many times, at least 1.
    pub quantity: u32,
}

/// What a call changed, so that it can be taken back exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeforeCall {
    /// The state it was called from.
    pub state: State,
    /// The counter that parked it, if it was parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<CounterId>,
    /// Its cooldown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<DateTime<Utc>>,
    /// Its last call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_call_at: Option<DateTime<Utc>>,
    /// The leg as it stood.
    pub leg: Leg,
    /// How often the heads that the call passed over had been passed over before.
    pub passed: Vec<Passed>,
    /// How often its own lane had been passed over, if the call set that to zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Passed>,
    /// Position of the call in the log.
    pub seq: u64,
    /// Until when the call can be taken back.
    pub until: DateTime<Utc>,
}

/// How often calls that go ahead have passed over the head of a lane of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// The service.
    pub service: ServiceId,
    /// The lane that was passed over.
    pub lane: Lane,
    /// How often since its head last moved.
    pub times: u32,
}

/// Lanes of a service's line, in the order they go ahead of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Kelompok rentan.
    Priority,
    /// Appointments that are due.
    Appointment,
    /// Everybody else, by arrival.
    Ordinary,
}

/// A ticket: one visit. Events carry it whole, as it is after the step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// Its hall.
    pub hall: HallId,
    /// The business date.
    pub date: NaiveDate,
    /// Prefix of its series.
    pub series: String,
    /// Its number within the series.
    pub ordinal: u32,
    /// The number as called.
    pub number: String,
    /// The public token of the ticket page, 128 random bits.
    pub token: String,
    /// Grows by one with each change.
    pub version: u32,
    /// Its state.
    pub state: State,
    /// The service it is for now.
    pub service: ServiceId,
    /// The agency of that service.
    pub agency: AgencyId,
    /// Why it goes ahead, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Help to be ready to give.
    pub assistance: Vec<Assistance>,
    /// How it was issued.
    pub channel: Channel,
    /// The account or device that issued it; none for a citizen's own phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_by: Option<String>,
    /// Why it was taken back by who issued it, if it was: it then counts for no limit and no quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<VoidReason>,
    /// Persons in the group.
    pub party_size: u32,
    /// Keyed digest of a phone number, for the limit per person; nothing can be learned from it after the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Its appointment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appointment: Option<DateTime<Utc>>,
    /// When the visitor arrived.
    pub arrived_at: DateTime<Utc>,
    /// Where it stands among the ordinary: smaller is earlier. Set by arrival, kept by transfer.
    pub place: u64,
    /// Not called by itself before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<DateTime<Utc>>,
    /// The counter that holds it, or parked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<CounterId>,
    /// Who called it to the counter that holds it: for this ticket they work there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called_by: Option<String>,
    /// When it was last called or announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_call_at: Option<DateTime<Utc>>,
    /// How to take its call back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_call: Option<Box<BeforeCall>>,
    /// Its legs, oldest first; never empty.
    pub legs: Vec<Leg>,
    /// What was delivered.
    pub delivered: Vec<Delivered>,
    /// How service ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What colleagues left to know.
    pub note: String,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
}

impl Ticket {
    /// The present leg.
    #[must_use]
    pub fn leg(&self) -> &Leg {
        self.legs.last().expect("a ticket has at least one leg")
    }

    /// The present leg, to change.
    pub fn leg_mut(&mut self) -> &mut Leg {
        self.legs.last_mut().expect("a ticket has at least one leg")
    }

    /// Whether a counter holds it: called or serving.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self.state, State::Called | State::Serving)
    }

    /// Whether it may still be served today.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Waiting | State::Called | State::Serving | State::Parked)
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn the_table_is_sound() {
        let all: Vec<State> = State::iter().collect();
        assert_eq!(TRANSITIONS.defects(State::Waiting, &all), Vec::<String>::new());
    }

    #[test]
    fn only_finish_leads_to_done_and_only_expire_to_expired() {
        for row in TRANSITIONS.0 {
            assert_eq!(row.to == State::Done, row.verb == Verb::Finish);
            assert_eq!(row.to == State::Expired, row.verb == Verb::Expire);
        }
    }
}

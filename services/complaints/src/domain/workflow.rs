//! What may be done to a case, by whom, and what becomes of it.
//!
//! The table says which verb leads where; the guards say who may use it. Everything else a verb needs stands in
//! [`decide`]. Holder, clocks and publication are facts beside the state and change with it only where a rule says so.

mod decide;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mpp_kit::fsm::{Row, Table};

use super::CaseId;
use super::case::File;
use super::words::{
    ArchiveReason, Class, ClockKind, ForwardReason, NoProofReason, Part, Publication, Secrecy, State, Verb,
};

pub use decide::{
    COMPLETION_DAYS, Opening, absorb, add, again, choose, decide, deliver, finish_help, hear, open, rate,
    reach, recategorise, recount, remark, reveal, set_publication, set_secrecy, tick, told_otherwise,
    unproven,
};

macro_rules! table {
    ($($from:ident --$verb:ident--> $to:ident: $why:literal;)*) => {
        Table(&[$(Row { from: State::$from, verb: Verb::$verb, to: State::$to, why: $why },)*])
    };
}

/// Which verb leads from which state to which.
pub const TRANSITIONS: Table<State, Verb> = table! {
    New --Verify--> Verified: "it is sound";
    New --AskCompletion--> AwaitingCompletion: "something is missing";
    New --Merge--> Merged: "another case is about the same";
    New --ForwardOutside--> ForwardedOutside: "it is not the regency's to decide";
    New --Archive--> Archived: "it cannot be worked on";
    New --Withdraw--> Withdrawn: "the reporter takes it back";
    Verified --Dispose--> Disposed: "an agency is told to take it";
    Verified --AskCompletion--> AwaitingCompletion: "something is missing";
    Verified --Merge--> Merged: "another case is about the same";
    Verified --ForwardOutside--> ForwardedOutside: "it is not the regency's to decide";
    Verified --Archive--> Archived: "it cannot be worked on";
    Verified --Withdraw--> Withdrawn: "the reporter takes it back";
    Disposed --Accept--> InProgress: "the agency takes it";
    Disposed --Bounce--> Verified: "another agency should have it";
    Disposed --Dispose--> Disposed: "the coordinator decides otherwise";
    Disposed --Merge--> Merged: "another case is about the same";
    Disposed --Withdraw--> Withdrawn: "the reporter takes it back";
    InProgress --FirstAnswer--> InProgress: "the reporter hears that it is worked on";
    InProgress --Answer--> AwaitingConfirmation: "it is answered in substance";
    InProgress --AskCompletion--> AwaitingCompletion: "something is missing";
    InProgress --Bounce--> Verified: "another agency should have it";
    InProgress --Dispose--> Disposed: "the coordinator decides otherwise";
    InProgress --Merge--> Merged: "another case is about the same";
    InProgress --Withdraw--> Withdrawn: "the reporter takes it back";
    AwaitingCompletion --Complete--> New: "it goes on where it stood";
    AwaitingCompletion --Complete--> Verified: "it goes on where it stood";
    AwaitingCompletion --Complete--> InProgress: "it goes on where it stood";
    AwaitingCompletion --Complete--> Reopened: "it goes on where it stood";
    AwaitingCompletion --TakeBackQuestion--> New: "nobody has to be asked any more";
    AwaitingCompletion --TakeBackQuestion--> Verified: "nobody has to be asked any more";
    AwaitingCompletion --TakeBackQuestion--> InProgress: "nobody has to be asked any more";
    AwaitingCompletion --TakeBackQuestion--> Reopened: "nobody has to be asked any more";
    AwaitingCompletion --DeemWithdrawn--> DeemedWithdrawn: "thirty days without an answer";
    AwaitingCompletion --Archive--> Archived: "nobody can be asked";
    AwaitingCompletion --Merge--> Merged: "another case is about the same";
    AwaitingCompletion --Withdraw--> Withdrawn: "the reporter takes it back";
    AwaitingConfirmation --Confirm--> AwaitingConfirmation: "other reporters have not said anything yet";
    AwaitingConfirmation --Confirm--> Settled: "every reporter who can be asked is content";
    AwaitingConfirmation --CloseBySilence--> Settled: "ten days of silence";
    AwaitingConfirmation --Reopen--> Reopened: "a reporter says that it is not done";
    Settled --Reopen--> Reopened: "a reporter says so within the window";
    Reopened --FirstAnswer--> Reopened: "the reporter hears that it is worked on";
    Reopened --Answer--> AwaitingConfirmation: "it is answered in substance";
    Reopened --AskCompletion--> AwaitingCompletion: "something is missing";
    Reopened --Bounce--> Verified: "another agency should have it";
    Reopened --Dispose--> Disposed: "the coordinator decides otherwise";
    Reopened --Merge--> Merged: "another case is about the same";
    Reopened --Withdraw--> Withdrawn: "the reporter takes it back";
};

/// Who may use which verb. Of whistleblowing only the inspector takes the part of officers.
pub const GUARDS: &[(Verb, &[Part])] = &[
    (Verb::Verify, &[Part::Coordinator]),
    (Verb::Dispose, &[Part::Coordinator]),
    (Verb::Accept, &[Part::Agency]),
    (Verb::Bounce, &[Part::Agency]),
    (Verb::AskCompletion, &[Part::Coordinator, Part::Agency]),
    (Verb::Complete, &[Part::Reporter, Part::Coordinator, Part::Agency]),
    (Verb::TakeBackQuestion, &[Part::Coordinator, Part::Agency]),
    (Verb::FirstAnswer, &[Part::Agency]),
    (Verb::Answer, &[Part::Agency]),
    (Verb::Confirm, &[Part::Reporter]),
    (Verb::Reopen, &[Part::Reporter, Part::Coordinator]),
    (Verb::CloseBySilence, &[Part::System]),
    (Verb::Merge, &[Part::Coordinator]),
    (Verb::ForwardOutside, &[Part::Coordinator]),
    (Verb::Archive, &[Part::Coordinator]),
    (Verb::Withdraw, &[Part::Reporter]),
    (Verb::DeemWithdrawn, &[Part::System]),
];

/// Whether a part may use a verb on a case of this class.
#[must_use]
pub fn may(part: Part, verb: Verb, class: Class) -> bool {
    let parts = GUARDS.iter().find(|(it, _)| *it == verb).map_or(&[][..], |(_, parts)| *parts);
    match part {
        Part::Reporter | Part::System => parts.contains(&part),
        Part::Coordinator | Part::Agency => class != Class::Whistleblowing && parts.contains(&part),
        Part::Inspector => {
            class == Class::Whistleblowing
                && (parts.contains(&Part::Coordinator) || parts.contains(&Part::Agency))
        }
    }
}

/// The verbs permitted in a state to who has these parts.
#[must_use]
pub fn allowed(state: State, class: Class, parts: &[Part]) -> Vec<Verb> {
    let mut verbs = TRANSITIONS.allowed(state);
    verbs.retain(|verb| parts.iter().any(|part| may(*part, *verb, class)));
    verbs
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// It is sound.
    Verify {
        /// A note for the agencies.
        note: String,
    },
    /// An agency takes it.
    Dispose {
        /// Which one.
        agency: String,
        /// Who helps: agency, task, until when.
        helpers: Vec<(String, String, DateTime<Utc>)>,
        /// A note.
        note: String,
    },
    /// The agency takes it.
    Accept,
    /// The agency sends it back.
    Bounce {
        /// Why.
        reason: String,
    },
    /// The reporter is asked.
    AskCompletion {
        /// What.
        question: String,
    },
    /// The reporter answers the question.
    Complete {
        /// Who; may be empty when an officer enters it and only one reported.
        reporter: String,
        /// What.
        text: String,
        /// Files.
        files: Vec<File>,
        /// The key of the provider's message.
        external: String,
        /// How the officer learnt it who enters it; empty for reporters.
        note: String,
    },
    /// The question is taken back: the case goes on without an answer.
    TakeBackQuestion {
        /// Why.
        reason: String,
    },
    /// Respon awal.
    FirstAnswer {
        /// What the reporter reads.
        text: String,
    },
    /// Respon substantif.
    Answer {
        /// What the reporter reads, with who, what, when.
        text: String,
        /// Proof.
        proof: Vec<File>,
        /// Why there is none.
        no_proof: Option<NoProofReason>,
    },
    /// Sudah.
    Confirm {
        /// Who says so.
        reporter: String,
        /// 1 to 5; 0 for none.
        rating: u8,
    },
    /// Belum.
    Reopen {
        /// Who says so; empty when the desk says it for them.
        reporter: String,
        /// Why.
        text: String,
        /// Files.
        files: Vec<File>,
    },
    /// Nobody said anything.
    CloseBySilence,
    /// Another case is about the same.
    Merge {
        /// Which one.
        into: CaseId,
        /// When that was received.
        received_at: DateTime<Utc>,
        /// What class it is of.
        class: Class,
        /// Where it stands.
        state: State,
    },
    /// Bukan wewenang.
    ForwardOutside {
        /// Whose it is.
        reason: ForwardReason,
        /// By name.
        to: String,
        /// What the reporter can do next.
        advice: String,
    },
    /// Arsip.
    Archive {
        /// Why.
        reason: ArchiveReason,
        /// What the reporter can do next.
        advice: String,
    },
    /// The reporter takes it back.
    Withdraw {
        /// Who.
        reporter: String,
        /// Why.
        text: String,
    },
    /// The reporter did not complete it.
    DeemWithdrawn,
}

impl Order {
    /// The verb of it.
    #[must_use]
    pub fn verb(&self) -> Verb {
        match self {
            Self::Verify { .. } => Verb::Verify,
            Self::Dispose { .. } => Verb::Dispose,
            Self::Accept => Verb::Accept,
            Self::Bounce { .. } => Verb::Bounce,
            Self::AskCompletion { .. } => Verb::AskCompletion,
            Self::Complete { .. } => Verb::Complete,
            Self::TakeBackQuestion { .. } => Verb::TakeBackQuestion,
            Self::FirstAnswer { .. } => Verb::FirstAnswer,
            Self::Answer { .. } => Verb::Answer,
            Self::Confirm { .. } => Verb::Confirm,
            Self::Reopen { .. } => Verb::Reopen,
            Self::CloseBySilence => Verb::CloseBySilence,
            Self::Merge { .. } => Verb::Merge,
            Self::ForwardOutside { .. } => Verb::ForwardOutside,
            Self::Archive { .. } => Verb::Archive,
            Self::Withdraw { .. } => Verb::Withdraw,
            Self::DeemWithdrawn => Verb::DeemWithdrawn,
        }
    }
}

/// Who asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// In which part.
    pub part: Part,
    /// The account; empty for reporters and the system.
    pub account: String,
    /// The agency it speaks for; empty for none.
    pub agency: String,
}

impl By {
    /// Time itself.
    #[must_use]
    pub fn system() -> Self {
        Self { part: Part::System, account: String::new(), agency: String::new() }
    }

    /// Who reported.
    #[must_use]
    pub fn reporter() -> Self {
        Self { part: Part::Reporter, ..Self::system() }
    }
}

/// Whom a notice goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// A reporter, by pseudonym.
    Reporter(String),
    /// The admin of an agency, or of the coordinator.
    Admin(String),
}

/// What somebody has to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumString, strum::EnumIter)]
#[strum(serialize_all = "snake_case")]
pub enum NoticeKind {
    /// Received, with number and deadlines.
    Received,
    /// Verified.
    Verified,
    /// Given to an agency.
    Disposed,
    /// A question.
    Question,
    /// Respon awal.
    FirstAnswer,
    /// Respon substantif: sudah or belum?
    Answered,
    /// Opened again.
    Reopened,
    /// Settled.
    Settled,
    /// Archived, with what to do next.
    Archived,
    /// Forwarded outside, with what to do next.
    Forwarded,
    /// Deemed withdrawn.
    DeemedWithdrawn,
    /// Merged with another case.
    Merged,
    /// An officer entered what the reporter was asked for.
    CompletedByOffice,
    /// The question is taken back.
    QuestionTakenBack,
    /// Another category.
    Recategorised,
    /// The identity was revealed to an officer.
    Revealed,
    /// To an agency: there is a case to take.
    Assigned,
    /// To an agency: help is asked for.
    HelpAsked,
    /// To an agency that helps, and to the one that has the lead: the help is late.
    HelpLate,
    /// To the coordinator: a case came back.
    Bounced,
}

/// Somebody has to be told something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whom.
    pub to: To,
    /// What.
    pub kind: NoticeKind,
}

/// What becomes of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The case afterwards.
    pub next: super::case::Case,
    /// Who has to be told.
    pub notices: Vec<Notice>,
    /// More for the journal, without personal data.
    pub detail: BTreeMap<&'static str, String>,
}

/// Why it is refused. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The state does not permit the verb.
    #[error("{verb} is not permitted in {state}")]
    NotNow {
        /// What was asked for.
        verb: Verb,
        /// Where it stands.
        state: State,
        /// What is permitted.
        allowed: Vec<Verb>,
    },
    /// The caller has not the part.
    #[error("{part} may not {verb}")]
    NotYours {
        /// What was asked for.
        verb: Verb,
        /// In which part.
        part: Part,
    },
    /// There is no such agency, or it takes no cases.
    #[error("no agency {0}")]
    UnknownAgency(String),
    /// The agency sent it back as often as it may: the coordinator decides.
    #[error("sent back {0} times already")]
    BounceLimit(u32),
    /// Whistleblowing stays with the inspectorate.
    #[error("whistleblowing stays with the inspectorate")]
    InspectorateOnly,
    /// Whistleblowing about the inspectorate, and nobody is named for that.
    #[error("nobody is named for whistleblowing about the inspectorate")]
    NoAlternative,
    /// Neither proof nor a listed reason.
    #[error("neither proof nor a listed reason")]
    NoProof,
    /// The window to say belum is over.
    #[error("the window is over")]
    WindowOver,
    /// Into itself, a closed case, one of another class of secrecy, or one received later.
    #[error("cannot be merged: {0}")]
    CannotMerge(&'static str),
    /// Such a category there is not, or it takes no reports.
    #[error("no category {0}")]
    UnknownCategory(String),
    /// Only the reporter makes it less secret.
    #[error("only the reporter lowers secrecy")]
    SecrecyIsTheReporters,
    /// It cannot be published.
    #[error("it is secret")]
    IsSecret,
    /// It is closed.
    #[error("the case is closed")]
    IsClosed,
    /// No reporter of the case is called so, or it was not said which of several.
    #[error("no reporter {0}")]
    UnknownReporter(String),
    /// That agency was not asked for help.
    #[error("no help was asked of {0}")]
    NoHelper(String),
    /// The answer arrived at everybody who can be reached, or there is none.
    #[error("nobody is left whom the answer did not reach")]
    AllHeard,
    /// The case is answered already, or was rated.
    #[error("a rating was given already, or there is nothing to rate")]
    NothingToRate,
}

/// What time alone did to a case.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ticked {
    /// Clocks that became late.
    pub late: Vec<ClockKind>,
    /// Clocks that were counted again by a new version of their calendar.
    pub recounted: u32,
    /// Agencies that did not help in time.
    pub late_help: Vec<String>,
    /// Steps of the ladder.
    pub climbs: Vec<super::ladder::Climb>,
    /// Whether it was closed by silence or deemed withdrawn.
    pub closed: Option<Verb>,
}

/// What the public may see of it after its reporters' wishes: nothing when one of them asks for secrecy.
#[must_use]
pub fn publication_after(present: Publication, secrecy: Secrecy, class: Class) -> Publication {
    if class == Class::Whistleblowing || secrecy == Secrecy::Secret {
        return Publication::Secret;
    }
    match present {
        Publication::Secret => Publication::Pending,
        Publication::Pending | Publication::Public | Publication::Withheld => present,
    }
}

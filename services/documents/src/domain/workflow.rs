//! What happens to an application: its states as a table, its history as events, and the fold from one to the other.
//!
//! Which steps there are is data of the letter type, frozen into a [`Plan`] when the application is made, so that a newer
//! version of the type changes nothing under way. [`decide`] says what a command does.

pub mod decide;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use mpp_kit::fsm::{Row, Table};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

use super::area::AreaPath;
use super::letter_type::{AfterReturn, LetterType};
use super::payment::{Charge, Payment, Receipt, Settlement, cashiers};
use super::sla::{ClockState, ClockVerb, Promise, SlaClock};
use super::step::{Level, OfficeLevel, Step, StepKind, StepRole};
use super::{ApplicationId, OfficeId};

/// States of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Being written by the applicant.
    Draft,
    /// An official verifies, approves or registers it.
    InReview,
    /// With the applicant again, for correction.
    Returned,
    /// Checked, and its fee is to be paid before anybody signs.
    AwaitingPayment,
    /// Numbered, and waiting for a signature.
    AwaitingSignature,
    /// With the signing service: only its answer leads on.
    Signing,
    /// Printed to be signed by hand: the scan of the signed sheet is to come, and to be confirmed.
    AwaitingScan,
    /// The signed document is there.
    Issued,
    /// The holder has it.
    HandedOver,
    /// Refused, with a reason.
    Rejected,
    /// Given up by the applicant.
    Withdrawn,
}

/// What can be done to an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verb {
    /// Hand it in; from here its content is frozen.
    Submit,
    /// Take it off the common list to work on it.
    Claim,
    /// Put it back on the common list.
    Release,
    /// Agree, verify or register: the step is done.
    Approve,
    /// Send it back for correction.
    Return,
    /// Hand it in again.
    Resubmit,
    /// Refuse it.
    Reject,
    /// Give it up.
    Withdraw,
    /// Write down that the fee was paid.
    RecordPayment,
    /// Let it go on without the fee.
    WaivePayment,
    /// Send the frozen file to be signed.
    BeginSigning,
    /// The signed file was verified and stored.
    CompleteSigning,
    /// Nothing usable came back.
    FailSigning,
    /// Print it to be signed by hand, where its official has no electronic certificate.
    SignByHand,
    /// Bring the scan of the signed sheet.
    UploadScan,
    /// Confirm that the scan is this letter: it is signed.
    ConfirmScan,
    /// Give up the sheet; its number becomes void.
    DiscardSheet,
    /// Give the document to its holder.
    HandOver,
    /// Granted by law, because nobody decided in time.
    DeemGranted,
}

/// Which transitions are permitted, and why. Everything else is refused with the current state.
pub const TRANSITIONS: Table<State, Verb> = Table(&[
    Row {
        from: State::Draft,
        verb: Verb::Submit,
        to: State::InReview,
        why: "complete; the first step decides",
    },
    Row {
        from: State::Draft,
        verb: Verb::Submit,
        to: State::AwaitingSignature,
        why: "complete; the only step is the signature",
    },
    Row {
        from: State::Draft,
        verb: Verb::Submit,
        to: State::AwaitingPayment,
        why: "complete; the fee comes before the only step, the signature",
    },
    Row { from: State::Draft, verb: Verb::Withdraw, to: State::Withdrawn, why: "not wanted any more" },
    Row { from: State::InReview, verb: Verb::Claim, to: State::InReview, why: "somebody works on it" },
    Row { from: State::InReview, verb: Verb::Release, to: State::InReview, why: "back on the common list" },
    Row { from: State::InReview, verb: Verb::Approve, to: State::InReview, why: "the next step decides" },
    Row {
        from: State::InReview,
        verb: Verb::Approve,
        to: State::AwaitingSignature,
        why: "the next step signs",
    },
    Row {
        from: State::InReview,
        verb: Verb::Approve,
        to: State::AwaitingPayment,
        why: "checked; the fee comes before the signature",
    },
    Row {
        from: State::InReview,
        verb: Verb::Approve,
        to: State::Issued,
        why: "it was signed before; this was the last register",
    },
    Row {
        from: State::InReview,
        verb: Verb::Return,
        to: State::Returned,
        why: "something must be corrected",
    },
    Row { from: State::InReview, verb: Verb::Reject, to: State::Rejected, why: "it cannot be granted" },
    Row { from: State::InReview, verb: Verb::Withdraw, to: State::Withdrawn, why: "not wanted any more" },
    Row {
        from: State::InReview,
        verb: Verb::DeemGranted,
        to: State::Signing,
        why: "the deadline of the law is over; the seal signs",
    },
    Row {
        from: State::InReview,
        verb: Verb::DeemGranted,
        to: State::AwaitingPayment,
        why: "the deadline of the law is over; the fee comes before the seal",
    },
    Row {
        from: State::AwaitingPayment,
        verb: Verb::RecordPayment,
        to: State::AwaitingSignature,
        why: "paid; the next step signs",
    },
    Row {
        from: State::AwaitingPayment,
        verb: Verb::RecordPayment,
        to: State::InReview,
        why: "paid; the next step registers",
    },
    Row {
        from: State::AwaitingPayment,
        verb: Verb::WaivePayment,
        to: State::AwaitingSignature,
        why: "nothing is to be paid; the next step signs",
    },
    Row {
        from: State::AwaitingPayment,
        verb: Verb::WaivePayment,
        to: State::InReview,
        why: "nothing is to be paid; the next step registers",
    },
    Row { from: State::AwaitingPayment, verb: Verb::Reject, to: State::Rejected, why: "it was never paid" },
    Row {
        from: State::AwaitingPayment,
        verb: Verb::Withdraw,
        to: State::Withdrawn,
        why: "not wanted any more",
    },
    Row { from: State::Returned, verb: Verb::Resubmit, to: State::InReview, why: "corrected" },
    Row {
        from: State::Returned,
        verb: Verb::Resubmit,
        to: State::AwaitingSignature,
        why: "supplemented; the step that returned it signs",
    },
    Row { from: State::Returned, verb: Verb::Reject, to: State::Rejected, why: "never corrected" },
    Row { from: State::Returned, verb: Verb::Withdraw, to: State::Withdrawn, why: "not wanted any more" },
    Row {
        from: State::AwaitingSignature,
        verb: Verb::Claim,
        to: State::AwaitingSignature,
        why: "somebody works on it",
    },
    Row {
        from: State::AwaitingSignature,
        verb: Verb::Release,
        to: State::AwaitingSignature,
        why: "back on the common list",
    },
    Row {
        from: State::AwaitingSignature,
        verb: Verb::BeginSigning,
        to: State::Signing,
        why: "the signer agrees to exactly what was frozen",
    },
    Row {
        from: State::AwaitingSignature,
        verb: Verb::Return,
        to: State::Returned,
        why: "something must be corrected",
    },
    Row {
        from: State::AwaitingSignature,
        verb: Verb::Reject,
        to: State::Rejected,
        why: "it cannot be granted",
    },
    Row {
        from: State::AwaitingSignature,
        verb: Verb::Withdraw,
        to: State::Withdrawn,
        why: "not wanted any more; its number becomes void",
    },
    Row {
        from: State::AwaitingSignature,
        verb: Verb::DeemGranted,
        to: State::Signing,
        why: "the deadline of the law is over; the seal signs",
    },
    Row {
        from: State::Signing,
        verb: Verb::CompleteSigning,
        to: State::Issued,
        why: "the last signature is there and verified",
    },
    Row {
        from: State::Signing,
        verb: Verb::CompleteSigning,
        to: State::InReview,
        why: "signed; the next office decides",
    },
    Row {
        from: State::Signing,
        verb: Verb::CompleteSigning,
        to: State::AwaitingSignature,
        why: "signed; the next step signs too",
    },
    Row {
        from: State::Signing,
        verb: Verb::FailSigning,
        to: State::AwaitingSignature,
        why: "nothing usable came back; it can be tried again",
    },
    Row {
        from: State::AwaitingSignature,
        verb: Verb::SignByHand,
        to: State::AwaitingScan,
        why: "its official has no certificate: printed to be signed by hand",
    },
    Row {
        from: State::AwaitingScan,
        verb: Verb::UploadScan,
        to: State::AwaitingScan,
        why: "the scan of the signed sheet is there",
    },
    Row {
        from: State::AwaitingScan,
        verb: Verb::ConfirmScan,
        to: State::Issued,
        why: "the scan is the letter of its number, and the last signature",
    },
    Row {
        from: State::AwaitingScan,
        verb: Verb::ConfirmScan,
        to: State::InReview,
        why: "signed by hand; the next office decides",
    },
    Row {
        from: State::AwaitingScan,
        verb: Verb::ConfirmScan,
        to: State::AwaitingSignature,
        why: "signed by hand; the next step signs too",
    },
    Row {
        from: State::AwaitingScan,
        verb: Verb::DiscardSheet,
        to: State::AwaitingSignature,
        why: "the sheet counts no more: its number is void, and the next one is given",
    },
    Row {
        from: State::AwaitingScan,
        verb: Verb::Withdraw,
        to: State::Withdrawn,
        why: "not wanted any more; its number becomes void",
    },
    Row {
        from: State::AwaitingScan,
        verb: Verb::DeemGranted,
        to: State::Signing,
        why: "the deadline of the law is over; the seal signs under another number",
    },
    Row { from: State::Issued, verb: Verb::HandOver, to: State::HandedOver, why: "the holder has it" },
]);

/// A step as it was when the application was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The step.
    pub step: Step,
    /// The roles that may take it.
    pub roles: Vec<StepRole>,
}

/// The procedure of one application, frozen from its letter type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The letter type.
    pub type_key: String,
    /// Its version.
    pub type_version: u32,
    /// The steps.
    pub steps: Vec<PlannedStep>,
    /// Whether one official may take several.
    pub one_may_take_several_steps: bool,
    /// What happens after a return.
    pub after_return: AfterReturn,
    /// Working days promised.
    pub promised_working_days: u32,
    /// Working days after which it is granted by law.
    pub deemed_granted_after_days: Option<u32>,
    /// What it costs; none where it is free.
    #[serde(default)]
    pub charge: Option<Charge>,
    /// Whether it may be signed by hand; none in what was made before types said so.
    #[serde(default)]
    pub by_hand: Option<bool>,
}

impl Plan {
    /// The procedure of a letter type.
    #[must_use]
    pub fn of(letter: &LetterType) -> Self {
        Self {
            type_key: letter.key.clone(),
            type_version: letter.version,
            steps: letter
                .steps
                .iter()
                .map(|step| PlannedStep { step: step.clone(), roles: letter.roles_of(step) })
                .collect(),
            one_may_take_several_steps: letter.one_may_take_several_steps,
            after_return: letter.after_return,
            promised_working_days: letter.promised_working_days,
            deemed_granted_after_days: letter.deemed_granted_after_days,
            charge: (letter.fee.amount > 0).then(|| Charge {
                amount: letter.fee.amount,
                legal_basis: letter.fee.legal_basis.clone(),
                days: letter.fee.days,
                instructions: letter.fee.instructions.clone().unwrap_or_default(),
            }),
            by_hand: Some(letter.may_be_signed_by_hand()),
        }
    }

    /// Whether it may be signed by hand: as its type says, else where no agency takes part.
    #[must_use]
    pub fn may_be_signed_by_hand(&self) -> bool {
        self.by_hand.unwrap_or_else(|| !self.steps.iter().any(|it| it.step.level == Level::Agency))
    }
}

/// Whose application it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The account, if he has one.
    pub account: Option<String>,
    /// A keyed digest of his NIK, by which an official is recognised who is the applicant under another account.
    pub person: Option<String>,
}

/// Where a role is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Scope {
    /// In an area.
    Area(AreaPath),
    /// In an agency.
    Office(OfficeId),
}

/// Acting for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DelegationKind {
    /// Pelaksana tugas: the post is vacant.
    Plt,
    /// Pelaksana harian: its holder is away.
    Plh,
}

/// A role held for somebody, for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// Vacant post or absence.
    pub kind: DelegationKind,
    /// The role.
    pub role: StepRole,
    /// Where.
    pub scope: Scope,
    /// The number of the decree.
    pub decree: String,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when, exclusive.
    pub until: DateTime<Utc>,
}

/// An official, with what he is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// His account.
    pub id: String,
    /// A keyed digest of his NIK, if it is known.
    pub person: Option<String>,
    /// His own roles.
    pub roles: Vec<(StepRole, Scope)>,
    /// What he is for others.
    pub delegations: Vec<Delegation>,
}

/// As what somebody took a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// The role.
    pub role: StepRole,
    /// Set when he held it for somebody, with the decree.
    pub delegation: Option<(DelegationKind, String)>,
}

/// Who took a step, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The official's account.
    pub actor: String,
    /// The keyed digest of his NIK, if it is known.
    pub person: Option<String>,
    /// As what.
    pub capacity: Capacity,
    /// When.
    pub at: DateTime<Utc>,
    /// The digest of the content that he saw.
    pub content_hash: String,
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Progress {
    /// Still to come, or the one at hand.
    Pending,
    /// Left out: it never shows on a list.
    Skipped,
    /// Taken.
    Done(Taken),
    /// Granted by law, because it was not taken in time.
    Deemed,
}

/// Who works on it at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The official's account.
    pub by: String,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// Where a file was, and from when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    /// The office it came from; none for the applicant.
    pub from: Option<OfficeLevel>,
    /// The office it went to.
    pub to: OfficeLevel,
    /// When it was sent.
    pub sent: DateTime<Utc>,
    /// When it was received, and by whom.
    pub acknowledged: Option<(DateTime<Utc>, String)>,
}

/// A sheet that is being signed by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// Who chose it, and signs.
    pub taken: Taken,
    /// Why it is not signed electronically.
    pub reason: String,
    /// The digest of its scan, once that is there, and who uploaded it.
    pub scan: Option<(String, String)>,
}

/// A number of one office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Number {
    /// The store is to allocate it in the transaction at hand.
    Needed,
    /// It is allocated.
    Allocated {
        /// As it is written.
        text: String,
        /// The year of its series.
        year: i32,
        /// Whether a file with it was sent to be signed: then one may exist that never came back, and the number is not
        /// given to another text.
        sent: bool,
    },
}

/// Why something is returned or refused: a code for statistics and words for the applicant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The code.
    pub code: ReasonCode,
    /// In words, with what to do or where to object.
    pub text: String,
    /// Fields or papers it is about, by key.
    pub about: Vec<String>,
}

/// Kinds of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReasonCode {
    /// A paper is missing or cannot be read.
    Incomplete,
    /// What was written does not agree with the papers.
    DataMismatch,
    /// The conditions are not met.
    NotEligible,
    /// The same was applied for already.
    Duplicate,
    /// Another office is competent.
    WrongAuthority,
    /// A rule forbids it.
    Prohibited,
    /// Something else, in words.
    Other,
}

/// Who received a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collector {
    /// The name on his identity document.
    pub name: String,
    /// What he is to the holder; empty for the holder himself.
    pub relation: String,
}

/// A request that goes through its steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// Its procedure.
    pub plan: Plan,
    /// Its state.
    pub state: State,
    /// Whose it is.
    pub applicant: Party,
    /// The keyed digest of the NIK of whom it is about.
    pub subject_person: Option<String>,
    /// The area that decides who is competent.
    pub area: AreaPath,
    /// The agency that is competent, where one is.
    pub agency: Option<OfficeId>,
    /// How far each step of the plan is.
    pub steps: Vec<Progress>,
    /// The step at hand.
    pub current: Option<usize>,
    /// The digest of what was submitted.
    pub content_hash: Option<String>,
    /// Who works on it.
    pub claim: Option<Claim>,
    /// Who began to sign: `None` inside is the seal of the installation.
    pub signing: Option<Option<Taken>>,
    /// The sheet that is being signed by hand.
    #[serde(default)]
    pub sheet: Option<Sheet>,
    /// Whether the signatures that it bears were made by hand: all of a letter are made the same way.
    #[serde(default)]
    pub signed_by_hand: bool,
    /// The numbers of the offices that sign or register it.
    pub numbers: BTreeMap<OfficeLevel, Number>,
    /// Where it has been.
    pub custody: Vec<Custody>,
    /// The clock of the whole promise.
    pub clock: Option<SlaClock>,
    /// The clock of the step at hand.
    pub step_clock: Option<SlaClock>,
    /// Whether it is granted by law.
    pub deemed: bool,
    /// Its fee, once it was asked for.
    #[serde(default)]
    pub payment: Option<Payment>,
    /// Why it was last returned or refused.
    pub reason: Option<Reason>,
    /// When something last happened to it.
    pub changed: DateTime<Utc>,
    /// The latest version that somebody made, and not time alone: who saw that one or a later one saw what he decides on.
    /// 0 where it was not kept.
    #[serde(default)]
    pub touched: u32,
}

/// Where an application waits, for worklists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    /// The level of the step.
    pub level: Level,
    /// The roles that may take it.
    pub roles: Vec<StepRole>,
    /// Where these roles must be held.
    pub scope: Scope,
}

impl Application {
    /// A draft. `now` is when it was begun.
    #[must_use]
    pub fn draft(
        id: ApplicationId,
        plan: Plan,
        applicant: Party,
        subject_person: Option<String>,
        area: AreaPath,
        agency: Option<OfficeId>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            steps: vec![Progress::Pending; plan.steps.len()],
            plan,
            state: State::Draft,
            applicant,
            subject_person,
            area,
            agency,
            current: None,
            content_hash: None,
            claim: None,
            signing: None,
            sheet: None,
            signed_by_hand: false,
            numbers: BTreeMap::new(),
            custody: Vec::new(),
            clock: None,
            step_clock: None,
            deemed: false,
            payment: None,
            reason: None,
            changed: now,
            touched: 0,
        }
    }

    /// The step at hand, while there is one.
    #[must_use]
    pub fn current_step(&self) -> Option<(usize, &PlannedStep)> {
        self.current.and_then(|at| self.plan.steps.get(at).map(|step| (at, step)))
    }

    /// Where roles of a level must be held for this application; none when its area has no such level.
    #[must_use]
    pub fn scope_of(&self, level: Level) -> Option<Scope> {
        match level.area() {
            Some(area) => self.area.at(area).map(Scope::Area),
            None => self.agency.map(Scope::Office),
        }
    }

    /// Where it waits for an official; none while it waits for nobody or for the applicant.
    #[must_use]
    pub fn desk(&self) -> Option<Desk> {
        match self.state {
            State::InReview | State::AwaitingSignature => {
                let (_, planned) = self.current_step()?;
                let level = planned.step.level;
                Some(Desk { level, roles: planned.roles.clone(), scope: self.scope_of(level)? })
            }
            State::AwaitingPayment => {
                let (_, planned) = self.current_step()?;
                let level = planned.step.level;
                let roles = cashiers(level.office()).to_vec();
                Some(Desk { level, roles, scope: self.scope_of(level)? })
            }
            // Whoever works in the office scans; who may take the step confirms.
            State::AwaitingScan => {
                let (_, planned) = self.current_step()?;
                let level = planned.step.level;
                let mut roles = planned.roles.clone();
                roles.extend(cashiers(level.office()).iter().filter(|role| !planned.roles.contains(role)));
                Some(Desk { level, roles, scope: self.scope_of(level)? })
            }
            State::Draft
            | State::Returned
            | State::Signing
            | State::Issued
            | State::HandedOver
            | State::Rejected
            | State::Withdrawn => None,
        }
    }

    /// The offices whose number the store is to allocate now.
    pub fn needs_number(&self) -> impl Iterator<Item = OfficeLevel> + '_ {
        self.numbers.iter().filter(|(_, number)| **number == Number::Needed).map(|(office, _)| *office)
    }

    /// Whether the store is to give a billing code now.
    #[must_use]
    pub fn needs_billing_code(&self) -> bool {
        self.payment.as_ref().is_some_and(|payment| payment.billing_code.is_none())
    }

    /// The number that stands on its sheet: that of the first office that signs.
    #[must_use]
    pub fn printed_number(&self) -> Option<&str> {
        let mut steps = self.plan.steps.iter().zip(&self.steps);
        let (first, _) = steps.find(|(planned, progress)| {
            planned.step.kind == StepKind::Sign && **progress != Progress::Skipped
        })?;
        match self.numbers.get(&first.step.level.office())? {
            Number::Allocated { text, .. } => Some(text),
            Number::Needed => None,
        }
    }

    /// What is still to be settled before anybody signs.
    #[must_use]
    pub fn unsettled(&self) -> Option<&Charge> {
        let settled = self.payment.as_ref().is_some_and(|payment| payment.settled.is_some());
        self.plan.charge.as_ref().filter(|_| !settled)
    }

    /// The first step after `after` that is still to come.
    fn next_pending(&self, after: Option<usize>) -> Option<usize> {
        let first = after.map_or(0, |at| at + 1);
        (first..self.steps.len()).find(|at| self.steps[*at] == Progress::Pending)
    }

    /// The state after one more event. Events are facts: nothing is checked here.
    #[must_use]
    pub fn after(mut self, event: &Event) -> Self {
        self.apply(event);
        self
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Submitted { content_hash, skipped, at } => {
                self.content_hash = Some(content_hash.clone());
                for step in skipped {
                    self.steps[*step] = Progress::Skipped;
                }
                self.clock = Some(SlaClock::start(Promise::Days(self.plan.promised_working_days), *at));
                self.changed = *at;
            }
            Event::StepEntered { step, at } => self.enter(*step, *at),
            Event::CustodyPassed { from, to, at } => {
                self.custody.push(Custody { from: *from, to: *to, sent: *at, acknowledged: None });
            }
            Event::CustodyAcknowledged { by, at } => {
                if let Some(last) = self.custody.last_mut() {
                    last.acknowledged = Some((*at, by.clone()));
                }
                self.changed = *at;
            }
            Event::NumberNeeded { office } => {
                self.numbers.insert(*office, Number::Needed);
            }
            Event::NumberAllocated { office, text, year } => {
                self.numbers
                    .insert(*office, Number::Allocated { text: text.clone(), year: *year, sent: false });
            }
            Event::NumberVoided { office, .. } => {
                self.numbers.remove(office);
            }
            Event::PaymentAsked { step, amount, due, at } => {
                self.state = State::AwaitingPayment;
                self.current = Some(*step);
                self.claim = None;
                self.step_clock = None;
                let (asked, due) = (*at, *due);
                self.payment =
                    Some(Payment { amount: *amount, billing_code: None, asked, due, settled: None });
                self.changed = *at;
            }
            Event::BillingCodeGiven { code } => {
                if let Some(payment) = &mut self.payment {
                    payment.billing_code = Some(code.clone());
                }
            }
            Event::PaymentRecorded { receipt, at, .. } => {
                self.settle(Settlement::Paid(receipt.clone()), *at);
            }
            Event::PaymentWaived { reason, at, .. } => {
                self.settle(Settlement::Waived(reason.clone()), *at);
            }
            Event::Claimed { by, at } => {
                self.claim = Some(Claim { by: by.clone(), at: *at });
                self.changed = *at;
            }
            Event::Released { at, .. } => {
                self.claim = None;
                self.changed = *at;
            }
            Event::StepTaken { step, taken } => {
                self.steps[*step] = Progress::Done(taken.clone());
                self.claim = None;
                self.changed = taken.at;
            }
            Event::Returned { reason, at, .. } => {
                self.state = State::Returned;
                self.claim = None;
                self.reason = Some(reason.clone());
                self.step_clock = None;
                self.changed = *at;
            }
            Event::Resubmitted { content_hash, reopened, at, .. } => {
                self.content_hash = Some(content_hash.clone());
                for step in reopened {
                    self.steps[*step] = Progress::Pending;
                    // It is signed anew, as whoever signs then chooses.
                    self.signed_by_hand &= self.plan.steps[*step].step.kind != StepKind::Sign;
                }
                self.reason = None;
                self.changed = *at;
            }
            Event::Rejected { reason, at, .. } => {
                self.reason = Some(reason.clone());
                self.end(State::Rejected, *at);
            }
            Event::Withdrawn { at, .. } => self.end(State::Withdrawn, *at),
            Event::SigningBegan { taken, at } => {
                self.state = State::Signing;
                self.signing = Some(taken.clone());
                self.numbers_went_out();
                self.changed = *at;
            }
            Event::SheetPrinted { taken, reason, at } => {
                self.state = State::AwaitingScan;
                self.claim = None;
                self.sheet = Some(Sheet { taken: taken.clone(), reason: reason.clone(), scan: None });
                self.numbers_went_out();
                self.changed = *at;
            }
            Event::ScanUploaded { by, file_hash, at } => {
                if let Some(sheet) = &mut self.sheet {
                    sheet.scan = Some((file_hash.clone(), by.clone()));
                }
                self.changed = *at;
            }
            Event::ScanConfirmed { at, .. } => {
                self.sheet = None;
                self.signed_by_hand = true;
                self.changed = *at;
            }
            Event::SheetDiscarded { at, .. } => {
                self.state = State::AwaitingSignature;
                self.sheet = None;
                self.changed = *at;
            }
            Event::SigningCompleted { at, .. } => {
                self.signing = None;
                self.changed = *at;
            }
            Event::SigningFailed { at, .. } => {
                self.state = State::AwaitingSignature;
                self.signing = None;
                self.changed = *at;
            }
            Event::Issued { at } => self.end(State::Issued, *at),
            Event::HandedOver { at, .. } => {
                self.state = State::HandedOver;
                self.changed = *at;
            }
            Event::Escalated { at, .. } => {
                if let Some(clock) = &mut self.step_clock {
                    clock.escalated = true;
                }
                self.changed = *at;
            }
            Event::DeemedGranted { at, .. } => {
                self.deemed = true;
                for step in &mut self.steps {
                    if *step == Progress::Pending {
                        *step = Progress::Deemed;
                    }
                }
                self.claim = None;
                self.step_clock = None;
                self.changed = *at;
            }
            Event::ClockChanged { verb, reason, at, .. } => {
                for clock in [&mut self.clock, &mut self.step_clock].into_iter().flatten() {
                    if let Ok(next) = clock.after(*verb, reason, *at) {
                        *clock = next;
                    }
                }
                self.changed = *at;
            }
        }
    }

    fn enter(&mut self, step: usize, at: DateTime<Utc>) {
        self.current = Some(step);
        self.claim = None;
        let planned = &self.plan.steps[step].step;
        self.step_clock = Some(SlaClock::start(Promise::Minutes(planned.sla_minutes), at));
        self.state = match planned.kind {
            StepKind::Sign => State::AwaitingSignature,
            StepKind::Verify | StepKind::Approve | StepKind::Register => State::InReview,
        };
        self.changed = at;
    }

    /// A paper or a file may exist from here on that bears the numbers.
    fn numbers_went_out(&mut self) {
        for number in self.numbers.values_mut() {
            if let Number::Allocated { sent, .. } = number {
                *sent = true;
            }
        }
    }

    fn settle(&mut self, how: Settlement, at: DateTime<Utc>) {
        if let Some(payment) = &mut self.payment {
            payment.settled = Some((how, at));
        }
        // What is granted by law enters no step any more: it waits for the seal.
        if self.deemed {
            self.state = State::AwaitingSignature;
        }
        self.changed = at;
    }

    fn end(&mut self, state: State, at: DateTime<Utc>) {
        self.state = state;
        self.current = None;
        self.claim = None;
        self.sheet = None;
        self.step_clock = None;
        if let Some(clock) = &self.clock
            && let Ok(stopped) = clock.after(ClockVerb::Stop, "", at)
        {
            self.clock = Some(stopped);
        }
        self.changed = at;
    }

    /// What must be done to the clock of the whole so that it runs.
    fn verb_to_run(&self) -> Option<ClockVerb> {
        match self.clock.as_ref()?.state() {
            ClockState::Paused => Some(ClockVerb::Resume),
            ClockState::Reset => Some(ClockVerb::Restart),
            ClockState::Running | ClockState::Stopped => None,
        }
    }

    /// The steps that the area has no level for, such as the RW of a village without any.
    fn without_scope(&self) -> BTreeSet<usize> {
        let lacks = |level| self.scope_of(level).is_none();
        self.plan.steps.iter().enumerate().filter(|(_, it)| lacks(it.step.level)).map(|(at, _)| at).collect()
    }
}

/// Something that happened to an application. The events of one application, in order, are its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Event {
    /// It was handed in.
    Submitted {
        /// The digest of its content.
        content_hash: String,
        /// Steps that are left out.
        skipped: Vec<usize>,
        /// When.
        at: DateTime<Utc>,
    },
    /// A step is at hand.
    StepEntered {
        /// Which.
        step: usize,
        /// When.
        at: DateTime<Utc>,
    },
    /// The file went from one office to another.
    CustodyPassed {
        /// From; none for the applicant.
        from: Option<OfficeLevel>,
        /// To.
        to: OfficeLevel,
        /// When.
        at: DateTime<Utc>,
    },
    /// The office that has it said so.
    CustodyAcknowledged {
        /// The official.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// An office's number is to be allocated in the same transaction.
    NumberNeeded {
        /// Whose.
        office: OfficeLevel,
    },
    /// The store has allocated it.
    NumberAllocated {
        /// Whose.
        office: OfficeLevel,
        /// As it is written.
        text: String,
        /// The year of its series.
        year: i32,
    },
    /// A number will never be used: it stays visible as void.
    NumberVoided {
        /// Whose.
        office: OfficeLevel,
        /// As it is written.
        text: String,
    },
    /// Its fee is to be paid.
    PaymentAsked {
        /// The step that comes after.
        step: usize,
        /// Whole rupiah.
        amount: i64,
        /// The last day to pay.
        due: NaiveDate,
        /// When.
        at: DateTime<Utc>,
    },
    /// The store has given the code that names the fee.
    BillingCodeGiven {
        /// The code.
        code: String,
    },
    /// Its fee was paid.
    PaymentRecorded {
        /// What proves it.
        receipt: Receipt,
        /// Who wrote it down.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its fee need not be paid.
    PaymentWaived {
        /// Why.
        reason: String,
        /// Who decided that.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody works on it.
    Claimed {
        /// Who.
        by: String,
        /// Since when.
        at: DateTime<Utc>,
    },
    /// It is on the common list again.
    Released {
        /// Who put it there.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// A step is done.
    StepTaken {
        /// Which.
        step: usize,
        /// By whom, as what, on what.
        taken: Taken,
    },
    /// It went back for correction.
    Returned {
        /// From which step.
        step: usize,
        /// By whom.
        by: String,
        /// Why.
        reason: Reason,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was handed in again.
    Resubmitted {
        /// The digest of its content before.
        before: String,
        /// And now.
        content_hash: String,
        /// Steps that are to be taken again.
        reopened: Vec<usize>,
        /// Whether it is about somebody of another number now. Only written where it is so, as it was not written before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        person_changed: bool,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was refused.
    Rejected {
        /// At which step.
        step: usize,
        /// By whom.
        by: String,
        /// Why.
        reason: Reason,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was given up.
    Withdrawn {
        /// Why; may be empty.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// The frozen file went to be signed.
    SigningBegan {
        /// By whom; none for the seal of the installation.
        taken: Option<Taken>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The signed file was verified and stored.
    SigningCompleted {
        /// The step; none when the seal has signed what is granted by law.
        step: Option<usize>,
        /// The digest of the file.
        file_hash: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Nothing usable came back.
    SigningFailed {
        /// Why, as a code.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was printed to be signed by hand.
    SheetPrinted {
        /// By whom, who signs it.
        taken: Taken,
        /// Why it is not signed electronically.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// The scan of the signed sheet was stored.
    ScanUploaded {
        /// By whom.
        by: String,
        /// The digest of the file.
        file_hash: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody confirmed that the scan is this letter.
    ScanConfirmed {
        /// The step that is signed by it.
        step: usize,
        /// By whom.
        by: String,
        /// The digest of the file.
        file_hash: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// The sheet counts no more.
    SheetDiscarded {
        /// By whom; empty for the rules themselves.
        by: String,
        /// Why.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// The document is there.
    Issued {
        /// When.
        at: DateTime<Utc>,
    },
    /// The holder has it.
    HandedOver {
        /// Who received it.
        collector: Collector,
        /// When.
        at: DateTime<Utc>,
    },
    /// The delay of a step was reported.
    Escalated {
        /// Which.
        step: usize,
        /// When it was due.
        due: DateTime<Utc>,
        /// When it was reported.
        at: DateTime<Utc>,
    },
    /// It is granted by law.
    DeemedGranted {
        /// When it was due.
        due: DateTime<Utc>,
        /// When it was noted.
        at: DateTime<Utc>,
    },
    /// Something was done to its clocks.
    ClockChanged {
        /// What.
        verb: ClockVerb,
        /// Why.
        reason: String,
        /// By whom; empty for the rules themselves.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
}

#[cfg(test)]
mod tests;

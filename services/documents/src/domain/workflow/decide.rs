//! What a command does to an application, or why nothing happens.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, Utc};
use thiserror::Error;

use super::{
    Actor, Application, Capacity, Collector, Event, Number, PlannedStep, Progress, Reason, Scope, State,
    TRANSITIONS, Taken, Verb,
};
use crate::domain::calendar::WorkCalendar;
use crate::domain::letter_type::AfterReturn;
use crate::domain::payment::{Method, Receipt, cashiers};
use crate::domain::sla::{ClockError, ClockState, ClockVerb, Promise, SlaClock};
use crate::domain::step::{Level, OfficeLevel, StepKind, StepRole};

/// Characters of a reason at least: enough to say something.
const SHORTEST_REASON: usize = 10;

/// Why the clock stands still while the applicant is to pay.
const AWAITS_PAYMENT: &str = "menunggu pembayaran retribusi";

/// Why a sheet counts no more when the law grants the letter.
const GRANTED: &str = "dikabulkan secara hukum";

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// The applicant: by his account, or by the code of his receipt, or at a counter. That he is who he says was proved
    /// before.
    Applicant {
        /// His account, if he came by it.
        account: Option<String>,
    },
    /// An official.
    Official(Actor),
    /// The service itself: a timer, the answer of the signing service.
    System,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Hand it in.
    Submit {
        /// The digest of its content.
        content_hash: String,
        /// Optional steps to leave out: by the applicant's choice, or because an office works without them.
        skip: BTreeSet<usize>,
    },
    /// Say that the file has arrived.
    Acknowledge,
    /// Take it off the common list.
    Claim,
    /// Put it back.
    Release,
    /// Take the step.
    Approve {
        /// The digest of the content that was shown.
        seen: String,
    },
    /// Send it back for correction.
    Return {
        /// Why.
        reason: Reason,
    },
    /// Hand it in again.
    Resubmit {
        /// The digest of its content now.
        content_hash: String,
        /// Whether it is about somebody of another number now: whoever sent it back for a photo is to see that.
        person_changed: bool,
    },
    /// Refuse it.
    Reject {
        /// Why.
        reason: Reason,
    },
    /// Give it up.
    Withdraw {
        /// Why; may be empty.
        reason: String,
    },
    /// Write down that the fee was paid.
    RecordPayment {
        /// What proves it.
        receipt: Receipt,
        /// How much it was.
        amount: i64,
    },
    /// Let it go on without the fee.
    WaivePayment {
        /// Why.
        reason: String,
    },
    /// Send it to be signed.
    BeginSigning {
        /// The digest of the content that was shown.
        seen: String,
    },
    /// The signed file was verified and stored.
    CompleteSigning {
        /// Its digest.
        file_hash: String,
    },
    /// Nothing usable came back.
    FailSigning {
        /// Why, as a code.
        reason: String,
    },
    /// Print it to be signed by hand.
    SignByHand {
        /// The digest of the content that was shown.
        seen: String,
        /// Why it is not signed electronically.
        reason: String,
    },
    /// Bring the scan of the signed sheet, which is stored.
    UploadScan {
        /// Its digest.
        file_hash: String,
    },
    /// Confirm that the scan is this letter.
    ConfirmScan {
        /// The digest of the scan that was looked at.
        seen: String,
        /// The number that was read from it.
        number: String,
    },
    /// Give up the sheet.
    DiscardSheet {
        /// Why.
        reason: String,
    },
    /// Give the document to its holder.
    HandOver {
        /// Who receives it.
        collector: Collector,
    },
    /// Do something to the clocks.
    Clock {
        /// What.
        verb: ClockVerb,
        /// Why.
        reason: String,
    },
    /// Report a delay.
    Escalate,
    /// Note that it is granted by law.
    DeemGranted,
}

impl Order {
    /// The verb of the table; none for what changes no state.
    #[must_use]
    pub fn verb(&self) -> Option<Verb> {
        match self {
            Self::Submit { .. } => Some(Verb::Submit),
            Self::Claim => Some(Verb::Claim),
            Self::Release => Some(Verb::Release),
            Self::Approve { .. } => Some(Verb::Approve),
            Self::Return { .. } => Some(Verb::Return),
            Self::Resubmit { .. } => Some(Verb::Resubmit),
            Self::Reject { .. } => Some(Verb::Reject),
            Self::Withdraw { .. } => Some(Verb::Withdraw),
            Self::RecordPayment { .. } => Some(Verb::RecordPayment),
            Self::WaivePayment { .. } => Some(Verb::WaivePayment),
            Self::BeginSigning { .. } => Some(Verb::BeginSigning),
            Self::CompleteSigning { .. } => Some(Verb::CompleteSigning),
            Self::FailSigning { .. } => Some(Verb::FailSigning),
            Self::SignByHand { .. } => Some(Verb::SignByHand),
            Self::UploadScan { .. } => Some(Verb::UploadScan),
            Self::ConfirmScan { .. } => Some(Verb::ConfirmScan),
            Self::DiscardSheet { .. } => Some(Verb::DiscardSheet),
            Self::HandOver { .. } => Some(Verb::HandOver),
            Self::DeemGranted => Some(Verb::DeemGranted),
            Self::Acknowledge | Self::Clock { .. } | Self::Escalate => None,
        }
    }
}

/// A command: who asks what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Who asks.
    pub by: By,
    /// What.
    pub order: Order,
}

/// What a command does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The application after it.
    pub next: Application,
    /// What happened, in order; nothing when it was so already.
    pub events: Vec<Event>,
}

/// Why a command is refused. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Rejection {
    /// The state does not permit the verb.
    #[error("an application that is {state} cannot {verb}")]
    NotPermittedInState {
        /// What was asked.
        verb: Verb,
        /// The state it is in.
        state: State,
        /// What the state permits.
        allowed: Vec<Verb>,
    },
    /// The caller does not hold the role of the step in that area.
    #[error("the step is not the caller's")]
    NotYourStep,
    /// The caller is the applicant, or the letter is about him.
    #[error("nobody decides on his own application")]
    OwnApplication,
    /// The caller took another step of the same letter.
    #[error("the caller took step {0} already")]
    TookAnotherStep(usize),
    /// A colleague works on it.
    #[error("a colleague works on it")]
    ClaimedByAnother,
    /// It is not claimed, or not by the caller.
    #[error("the caller did not claim it")]
    NotTheClaimer,
    /// Only the applicant may do that.
    #[error("only the applicant may do that")]
    NotTheApplicant,
    /// Only the service itself may do that.
    #[error("only the service may do that")]
    NotTheService,
    /// A reason of at least ten characters is required.
    #[error("a reason is required")]
    ReasonRequired,
    /// What the caller saw is not what was submitted.
    #[error("the content is not what was shown")]
    ContentDiffers,
    /// The step cannot be left out.
    #[error("step {0} is not optional")]
    NotOptional(usize),
    /// What is left would end without a signature.
    #[error("the steps that are left end without a signature")]
    NoSignatureLeft,
    /// The area or agency of the application does not say who is competent at this level.
    #[error("nobody is competent at level {0}")]
    NobodyCompetent(Level),
    /// The number is not allocated yet.
    #[error("the number is not allocated yet")]
    NumberMissing,
    /// It is granted by law: nobody can refuse or return it any more.
    #[error("it is granted by law")]
    GrantedByLaw,
    /// The letter type knows no granting by law, or the deadline is not over.
    #[error("it is not granted by law")]
    NotDeemable,
    /// The step is not overdue, or was reported.
    #[error("there is no delay to report")]
    NothingToEscalate,
    /// The file has been acknowledged, or is nowhere.
    #[error("there is nothing to acknowledge")]
    NothingToAcknowledge,
    /// What was paid is not the fee.
    #[error("the fee is {0}")]
    AnotherAmount(i64),
    /// The money came before it was asked for, or is still to come.
    #[error("it was not paid at that time")]
    NotPaidThen,
    /// The type does not permit it to be signed by hand.
    #[error("the type asks for an electronic signature")]
    NotByHand,
    /// It bears a signature of the other kind already.
    #[error("it bears another kind of signature already")]
    SignedAnotherWay,
    /// No scan is there, or another than the one that was looked at.
    #[error("the scan is not what was shown")]
    ScanDiffers,
    /// What was typed is not the number that stands on the sheet.
    #[error("the number is another")]
    AnotherNumber,
    /// The clock does not permit it.
    #[error(transparent)]
    Clock(#[from] ClockError),
}

/// Decides a command. `calendar` is that of the office at hand.
///
/// # Errors
/// A [`Rejection`] that says why nothing happens.
pub fn decide(
    application: &Application,
    command: &Command,
    calendar: &WorkCalendar,
    now: DateTime<Utc>,
) -> Result<Decision, Rejection> {
    if let Some(verb) = command.order.verb()
        && TRANSITIONS.next(application.state, verb).is_none()
    {
        let allowed = TRANSITIONS.allowed(application.state);
        return Err(Rejection::NotPermittedInState { verb, state: application.state, allowed });
    }
    let mut course = Course {
        next: application.clone(),
        events: Vec::new(),
        calendar,
        // Clocks of instances differ by moments: a history does not go back.
        now: now.max(application.changed),
    };
    course.run(command)?;
    Ok(Decision { next: course.next, events: course.events })
}

/// What the service itself should order at `now`: reports of delay, and what is granted by law.
#[must_use]
pub fn due_orders(application: &Application, calendar: &WorkCalendar, now: DateTime<Utc>) -> Vec<Order> {
    [Order::DeemGranted, Order::Escalate]
        .into_iter()
        .filter(|order| {
            let command = Command { by: By::System, order: order.clone() };
            decide(application, &command, calendar, now).is_ok()
        })
        .collect()
}

/// What this official could order now, by the names that the contract has for it: exactly what [`decide`] would not refuse.
#[must_use]
pub fn allowed(
    application: &Application,
    actor: &Actor,
    calendar: &WorkCalendar,
    now: DateTime<Utc>,
) -> Vec<&'static str> {
    let seen = application.content_hash.clone().unwrap_or_default();
    // A reason as long as one must be; none of these orders is carried out.
    let why = || "-".repeat(SHORTEST_REASON);
    let reason = || Reason { code: super::ReasonCode::Other, text: why(), about: Vec::new() };
    let clock = |verb| Order::Clock { verb, reason: why() };
    let collector = Collector { name: String::new(), relation: String::new() };
    let receipt = Receipt { reference: String::new(), method: Method::Cash, paid: now };
    let amount = application.payment.as_ref().map_or(0, |payment| payment.amount);
    let scan = application.sheet.as_ref().and_then(|sheet| sheet.scan.clone());
    let confirm = Order::ConfirmScan {
        seen: scan.map(|(hash, _)| hash).unwrap_or_default(),
        number: application.printed_number().unwrap_or_default().to_owned(),
    };
    [
        ("CLAIM", Order::Claim),
        ("RELEASE", Order::Release),
        ("APPROVE", Order::Approve { seen: seen.clone() }),
        ("BEGIN_SIGNING", Order::BeginSigning { seen: seen.clone() }),
        ("SIGN_BY_HAND", Order::SignByHand { seen, reason: why() }),
        ("UPLOAD_SCAN", Order::UploadScan { file_hash: String::new() }),
        ("CONFIRM_SCAN", confirm),
        ("DISCARD_SHEET", Order::DiscardSheet { reason: why() }),
        ("RETURN", Order::Return { reason: reason() }),
        ("REJECT", Order::Reject { reason: reason() }),
        ("PAUSE_CLOCK", clock(ClockVerb::Pause)),
        ("RESUME_CLOCK", clock(ClockVerb::Resume)),
        ("RESET_CLOCK", clock(ClockVerb::Reset)),
        ("HAND_OVER", Order::HandOver { collector }),
        ("RECORD_PAYMENT", Order::RecordPayment { receipt, amount }),
        ("WAIVE_PAYMENT", Order::WaivePayment { reason: why() }),
    ]
    .into_iter()
    .filter(|(_, order)| {
        let command = Command { by: By::Official(actor.clone()), order: order.clone() };
        // What would change nothing, such as claiming again, is no offer.
        decide(application, &command, calendar, now).is_ok_and(|decision| !decision.events.is_empty())
    })
    .map(|(name, _)| name)
    .collect()
}

/// When the application is granted by law, if its type knows that and its clock runs.
#[must_use]
pub fn deemed_at(application: &Application, calendar: &WorkCalendar) -> Option<DateTime<Utc>> {
    let days = application.plan.deemed_granted_after_days?;
    let clock = application.clock.as_ref()?;
    SlaClock { promise: Promise::Days(days), ..clock.clone() }.due(calendar)
}

/// A decision in the making: each event is applied as it happens, so that the next rule sees it.
struct Course<'c> {
    next: Application,
    events: Vec<Event>,
    calendar: &'c WorkCalendar,
    now: DateTime<Utc>,
}

impl Course<'_> {
    fn happens(&mut self, event: Event) {
        self.next.apply(&event);
        self.events.push(event);
    }

    fn run(&mut self, command: &Command) -> Result<(), Rejection> {
        match &command.order {
            Order::Submit { content_hash, skip } => {
                self.applicant(&command.by)?;
                self.submit(content_hash, skip)
            }
            Order::Acknowledge => self.acknowledge(&command.by),
            Order::Claim => self.claim(&command.by),
            Order::Release => self.release(&command.by),
            Order::Approve { seen } => self.approve(&command.by, seen),
            Order::Return { reason } => self.send_back(&command.by, reason),
            Order::Resubmit { content_hash, person_changed } => {
                self.applicant(&command.by)?;
                self.resubmit(content_hash, *person_changed)
            }
            Order::Reject { reason } => self.reject(&command.by, reason),
            Order::Withdraw { reason } => {
                self.applicant(&command.by)?;
                self.not_granted()?;
                self.void_numbers();
                self.happens(Event::Withdrawn { reason: reason.trim().to_owned(), at: self.now });
                Ok(())
            }
            Order::RecordPayment { receipt, amount } => self.record_payment(&command.by, receipt, *amount),
            Order::WaivePayment { reason } => self.waive_payment(&command.by, reason),
            Order::BeginSigning { seen } => self.begin_signing(&command.by, seen),
            Order::CompleteSigning { file_hash } => {
                service(&command.by)?;
                self.complete_signing(file_hash)
            }
            Order::FailSigning { reason } => {
                service(&command.by)?;
                self.happens(Event::SigningFailed { reason: reason.clone(), at: self.now });
                Ok(())
            }
            Order::SignByHand { seen, reason } => self.sign_by_hand(&command.by, seen, reason),
            Order::UploadScan { file_hash } => self.upload_scan(&command.by, file_hash),
            Order::ConfirmScan { seen, number } => self.confirm_scan(&command.by, seen, number),
            Order::DiscardSheet { reason } => {
                let (_, actor, _) = self.official(&command.by)?;
                said(reason)?;
                self.discard_sheet(&actor.id, reason.trim());
                Ok(())
            }
            Order::HandOver { collector } => {
                self.may_hand_over(&command.by)?;
                self.happens(Event::HandedOver { collector: collector.clone(), at: self.now });
                Ok(())
            }
            Order::Clock { verb, reason } => self.clock(&command.by, *verb, reason),
            Order::Escalate => {
                service(&command.by)?;
                self.escalate()
            }
            Order::DeemGranted => {
                service(&command.by)?;
                self.deem_granted()
            }
        }
    }

    // Who may.

    fn applicant(&self, by: &By) -> Result<(), Rejection> {
        let By::Applicant { account } = by else { return Err(Rejection::NotTheApplicant) };
        match (&self.next.applicant.account, account) {
            (Some(owner), Some(account)) if owner != account => Err(Rejection::NotTheApplicant),
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }

    /// As what an official may take the step at hand; the file counts as received when he does.
    fn official(&mut self, by: &By) -> Result<(usize, Actor, Capacity), Rejection> {
        let By::Official(actor) = by else { return Err(Rejection::NotYourStep) };
        let (at, planned) = self.next.current_step().ok_or(Rejection::NotYourStep)?;
        let capacity = capacity(&self.next, planned, actor, self.now).ok_or(Rejection::NotYourStep)?;
        if is_own(&self.next, actor) {
            return Err(Rejection::OwnApplication);
        }
        if !self.next.plan.one_may_take_several_steps
            && let Some(other) = step_taken_by(&self.next, actor, at)
        {
            return Err(Rejection::TookAnotherStep(other));
        }
        if self.next.claim.as_ref().is_some_and(|claim| claim.by != actor.id) {
            return Err(Rejection::ClaimedByAnother);
        }
        Ok((at, actor.clone(), capacity))
    }

    /// Whoever deals with the fee holds one of these roles himself in the office that waits for it, and it is not his own.
    fn cashier(&self, by: &By, roles: &[StepRole]) -> Result<Actor, Rejection> {
        let By::Official(actor) = by else { return Err(Rejection::NotYourStep) };
        let holds = |role: &StepRole, scope: &Scope| {
            roles.contains(role) && self.next.scope_of(role.level()).as_ref() == Some(scope)
        };
        if !actor.roles.iter().any(|(role, scope)| holds(role, scope)) {
            return Err(Rejection::NotYourStep);
        }
        if is_own(&self.next, actor) { Err(Rejection::OwnApplication) } else { Ok(actor.clone()) }
    }

    /// Whoever scans the signed sheet works in the office whose signature it bears, or may take its step.
    fn clerk(&self, by: &By) -> Result<Actor, Rejection> {
        let By::Official(actor) = by else { return Err(Rejection::NotYourStep) };
        let (_, planned) = self.next.current_step().ok_or(Rejection::NotYourStep)?;
        if capacity(&self.next, planned, actor, self.now).is_none() {
            return self.cashier(by, cashiers(planned.step.level.office()));
        }
        if is_own(&self.next, actor) { Err(Rejection::OwnApplication) } else { Ok(actor.clone()) }
    }

    /// The level whose office waits for the fee.
    fn payee(&self) -> Result<Level, Rejection> {
        self.next.current_step().map(|(_, planned)| planned.step.level).ok_or(Rejection::NotYourStep)
    }

    fn received_by(&mut self, actor: &Actor) {
        if self.next.custody.last().is_some_and(|last| last.acknowledged.is_none()) {
            self.happens(Event::CustodyAcknowledged { by: actor.id.clone(), at: self.now });
        }
    }

    fn not_granted(&self) -> Result<(), Rejection> {
        if self.next.deemed { Err(Rejection::GrantedByLaw) } else { Ok(()) }
    }

    /// Anybody with a role in the offices that have signed, or the holder himself.
    fn may_hand_over(&self, by: &By) -> Result<(), Rejection> {
        match by {
            By::Applicant { .. } => self.applicant(by),
            By::Official(actor) => {
                let works_here =
                    self.next.plan.steps.iter().zip(&self.next.steps).any(|(planned, progress)| {
                        *progress != Progress::Skipped && self.works_at(actor, planned.step.level.office())
                    });
                if works_here { Ok(()) } else { Err(Rejection::NotYourStep) }
            }
            By::System => Ok(()),
        }
    }

    /// Whether the official holds a role of an office of this level, where this application belongs to.
    fn works_at(&self, actor: &Actor, office: OfficeLevel) -> bool {
        actor.roles.iter().any(|(role, scope)| {
            role.level().office() == office && self.next.scope_of(role.level()).as_ref() == Some(scope)
        })
    }

    // What happens.

    fn submit(&mut self, content_hash: &str, skip: &BTreeSet<usize>) -> Result<(), Rejection> {
        let mut skipped = BTreeSet::new();
        for at in skip.iter().copied() {
            let optional = self.next.plan.steps.get(at).is_some_and(|it| it.step.optional);
            if !optional {
                return Err(Rejection::NotOptional(at));
            }
            skipped.insert(at);
        }
        for at in self.next.without_scope() {
            let step = &self.next.plan.steps[at].step;
            if !step.optional {
                return Err(Rejection::NobodyCompetent(step.level));
            }
            skipped.insert(at);
        }
        let mut left = self
            .next
            .plan
            .steps
            .iter()
            .enumerate()
            .filter(|(at, _)| !skipped.contains(at))
            .map(|(_, it)| it.step.kind);
        let signed = left.clone().any(|kind| kind == StepKind::Sign);
        let ends_well =
            left.next_back().is_some_and(|kind| matches!(kind, StepKind::Sign | StepKind::Register));
        if !signed || !ends_well {
            return Err(Rejection::NoSignatureLeft);
        }
        let skipped = skipped.into_iter().collect();
        self.happens(Event::Submitted { content_hash: content_hash.to_owned(), skipped, at: self.now });
        self.advance(None);
        Ok(())
    }

    /// Goes on to the next step that is to come, or issues.
    fn advance(&mut self, after: Option<usize>) {
        let Some(step) = self.next.next_pending(after) else {
            self.happens(Event::Issued { at: self.now });
            return;
        };
        let level = self.next.plan.steps[step].step.level;
        let from = self.next.custody.last().map(|last| last.to);
        if from != Some(level.office()) {
            self.happens(Event::CustodyPassed { from, to: level.office(), at: self.now });
        }
        // Nobody signs, and no number is given, before the fee is settled.
        let seals = matches!(self.next.plan.steps[step].step.kind, StepKind::Sign | StepKind::Register);
        if seals && self.next.unsettled().is_some() {
            self.ask_payment(step);
            if self.next.clock.as_ref().is_some_and(|clock| clock.state() == ClockState::Running) {
                self.happens(Event::ClockChanged {
                    verb: ClockVerb::Pause,
                    reason: AWAITS_PAYMENT.to_owned(),
                    by: String::new(),
                    at: self.now,
                });
            }
            return;
        }
        // Whoever waited for somebody has decided meanwhile.
        if let Some(verb) = self.next.verb_to_run() {
            self.happens(Event::ClockChanged {
                verb,
                reason: String::new(),
                by: String::new(),
                at: self.now,
            });
        }
        self.happens(Event::StepEntered { step, at: self.now });
        self.number_for(step);
    }

    /// Asks for the fee before this step; only once, however often the application comes by.
    fn ask_payment(&mut self, step: usize) {
        let Some(charge) = self.next.unsettled() else { return };
        let (amount, days) = (charge.amount, Days::new(charge.days.into()));
        let today = self.calendar.date(self.now);
        let due = today.checked_add_days(days).unwrap_or(today);
        self.happens(Event::PaymentAsked { step, amount, due, at: self.now });
    }

    fn record_payment(&mut self, by: &By, receipt: &Receipt, amount: i64) -> Result<(), Rejection> {
        let level = self.payee()?;
        let actor = self.cashier(by, cashiers(level.office()))?;
        let Some(payment) = &self.next.payment else { return Err(Rejection::NotYourStep) };
        if amount != payment.amount {
            return Err(Rejection::AnotherAmount(payment.amount));
        }
        // A receipt names the minute or only the day.
        let day = |moment| self.calendar.date(moment);
        if receipt.paid > self.now || day(receipt.paid) < day(payment.asked) {
            return Err(Rejection::NotPaidThen);
        }
        self.received_by(&actor);
        self.happens(Event::PaymentRecorded { receipt: receipt.clone(), by: actor.id, at: self.now });
        self.after_payment();
        Ok(())
    }

    /// The head of the office alone lets somebody off.
    fn waive_payment(&mut self, by: &By, reason: &str) -> Result<(), Rejection> {
        let level = self.payee()?;
        let actor = self.cashier(by, &[level.head()])?;
        said(reason)?;
        self.received_by(&actor);
        self.happens(Event::PaymentWaived { reason: reason.trim().to_owned(), by: actor.id, at: self.now });
        self.after_payment();
        Ok(())
    }

    /// Goes on to the step that waited for the fee; what is granted by law waits for the seal.
    fn after_payment(&mut self) {
        match self.next.current {
            Some(step) if self.next.deemed => self.number_for(step),
            Some(step) => self.advance(step.checked_sub(1)),
            None => {}
        }
    }

    /// The office of a step that signs or registers needs a number of this year.
    fn number_for(&mut self, step: usize) {
        let planned = &self.next.plan.steps[step].step;
        if !matches!(planned.kind, StepKind::Sign | StepKind::Register) {
            return;
        }
        let office = planned.level.office();
        let this_year = self.calendar.date(self.now).year();
        match self.next.numbers.get(&office).cloned() {
            Some(Number::Needed) => {}
            Some(Number::Allocated { year, .. }) if year == this_year || self.next.is_signed_by(office) => {}
            Some(Number::Allocated { text, .. }) => {
                self.happens(Event::NumberVoided { office, text });
                self.happens(Event::NumberNeeded { office });
            }
            None => self.happens(Event::NumberNeeded { office }),
        }
    }

    fn void_numbers(&mut self) {
        for (office, number) in self.next.numbers.clone() {
            if let Number::Allocated { text, .. } = number {
                self.happens(Event::NumberVoided { office, text });
            }
        }
    }

    fn acknowledge(&mut self, by: &By) -> Result<(), Rejection> {
        let By::Official(actor) = by else { return Err(Rejection::NotYourStep) };
        // Only a file that waits in an office can arrive there.
        let Some(last) = self.next.custody.last().filter(|_| self.next.desk().is_some()) else {
            return Err(Rejection::NothingToAcknowledge);
        };
        if last.acknowledged.is_some() {
            return Err(Rejection::NothingToAcknowledge);
        }
        if !self.works_at(actor, last.to) {
            return Err(Rejection::NotYourStep);
        }
        self.received_by(actor);
        Ok(())
    }

    fn claim(&mut self, by: &By) -> Result<(), Rejection> {
        let (_, actor, _) = self.official(by)?;
        if self.next.claim.is_none() {
            self.received_by(&actor);
            self.happens(Event::Claimed { by: actor.id, at: self.now });
        }
        Ok(())
    }

    fn release(&mut self, by: &By) -> Result<(), Rejection> {
        let By::Official(actor) = by else { return Err(Rejection::NotYourStep) };
        let Some(claim) = &self.next.claim else { return Err(Rejection::NotTheClaimer) };
        let leads = self.next.current_step().is_some_and(|(_, planned)| {
            let level = planned.step.level;
            actor.roles.iter().any(|(role, scope)| {
                *role == level.head() && self.next.scope_of(level).as_ref() == Some(scope)
            })
        });
        if claim.by != actor.id && !leads {
            return Err(Rejection::NotTheClaimer);
        }
        self.happens(Event::Released { by: actor.id.clone(), at: self.now });
        Ok(())
    }

    fn taken(&self, actor: &Actor, capacity: Capacity, seen: &str) -> Result<Taken, Rejection> {
        if self.next.content_hash.as_deref() != Some(seen) {
            return Err(Rejection::ContentDiffers);
        }
        Ok(Taken {
            actor: actor.id.clone(),
            person: actor.person.clone(),
            capacity,
            at: self.now,
            content_hash: seen.to_owned(),
        })
    }

    fn approve(&mut self, by: &By, seen: &str) -> Result<(), Rejection> {
        let (step, actor, capacity) = self.official(by)?;
        let taken = self.taken(&actor, capacity, seen)?;
        // A register is given before the step is done, or a later crash would leave one without its number.
        if self.next.plan.steps[step].step.kind == StepKind::Register
            && self.next.needs_number().next().is_some()
        {
            return Err(Rejection::NumberMissing);
        }
        self.received_by(&actor);
        self.happens(Event::StepTaken { step, taken });
        self.advance(Some(step));
        Ok(())
    }

    fn send_back(&mut self, by: &By, reason: &Reason) -> Result<(), Rejection> {
        let (step, actor, _) = self.official(by)?;
        self.not_granted()?;
        said(&reason.text)?;
        self.received_by(&actor);
        if self.next.clock.as_ref().is_some_and(|clock| clock.state() == ClockState::Running) {
            let why = reason.code.to_string();
            self.happens(Event::ClockChanged {
                verb: ClockVerb::Pause,
                reason: why,
                by: actor.id.clone(),
                at: self.now,
            });
        }
        self.happens(Event::Returned { step, by: actor.id, reason: reason.clone(), at: self.now });
        Ok(())
    }

    fn resubmit(&mut self, content_hash: &str, person_changed: bool) -> Result<(), Rejection> {
        let before = self.next.content_hash.clone().unwrap_or_default();
        let returned_at = self.next.current.unwrap_or(0);
        // Nobody's approval, and no signature, stands for a text that he has not seen: whatever the type says, a changed
        // text begins again.
        let from = match self.next.plan.after_return {
            AfterReturn::Continue if before == content_hash => returned_at,
            AfterReturn::Continue | AfterReturn::Restart => 0,
        };
        let reopened: Vec<usize> = (from..self.next.steps.len())
            .filter(|at| matches!(self.next.steps[*at], Progress::Done(_)))
            .collect();
        // A file may exist somewhere that was signed under a number: it is not given to another text, nor signed twice.
        let signs_again: BTreeSet<_> = reopened
            .iter()
            .map(|step| &self.next.plan.steps[*step].step)
            .filter(|step| matches!(step.kind, StepKind::Sign | StepKind::Register))
            .map(|step| step.level.office())
            .collect();
        for (office, number) in self.next.numbers.clone() {
            if let Number::Allocated { text, sent, .. } = number
                && (signs_again.contains(&office) || (sent && before != content_hash))
            {
                self.happens(Event::NumberVoided { office, text });
            }
        }
        self.happens(Event::Resubmitted {
            before,
            content_hash: content_hash.to_owned(),
            reopened,
            person_changed,
            at: self.now,
        });
        self.advance(from.checked_sub(1));
        Ok(())
    }

    fn reject(&mut self, by: &By, reason: &Reason) -> Result<(), Rejection> {
        let (step, actor, _) = self.official(by)?;
        self.not_granted()?;
        said(&reason.text)?;
        self.received_by(&actor);
        self.void_numbers();
        self.happens(Event::Rejected { step, by: actor.id, reason: reason.clone(), at: self.now });
        Ok(())
    }

    fn begin_signing(&mut self, by: &By, seen: &str) -> Result<(), Rejection> {
        let (step, actor, capacity) = self.official(by)?;
        if self.next.signed_by_hand {
            return Err(Rejection::SignedAnotherWay);
        }
        let taken = self.taken(&actor, capacity, seen)?;
        let office = self.next.plan.steps[step].step.level.office();
        match self.next.numbers.get(&office) {
            Some(Number::Allocated { .. }) => {}
            Some(Number::Needed) | None => return Err(Rejection::NumberMissing),
        }
        self.received_by(&actor);
        self.happens(Event::SigningBegan { taken: Some(taken), at: self.now });
        Ok(())
    }

    fn complete_signing(&mut self, file_hash: &str) -> Result<(), Rejection> {
        let signed = self.next.signing.clone().flatten();
        let step = self.next.current.filter(|_| signed.is_some());
        if self.next.needs_number().next().is_some() {
            return Err(Rejection::NumberMissing);
        }
        self.happens(Event::SigningCompleted { step, file_hash: file_hash.to_owned(), at: self.now });
        match (step, signed) {
            (Some(step), Some(taken)) => {
                self.happens(Event::StepTaken { step, taken: Taken { at: self.now, ..taken } });
                self.advance(Some(step));
            }
            // The seal: all steps are granted by law.
            (Some(_) | None, Some(_) | None) => self.happens(Event::Issued { at: self.now }),
        }
        Ok(())
    }

    fn sign_by_hand(&mut self, by: &By, seen: &str, reason: &str) -> Result<(), Rejection> {
        let (step, actor, capacity) = self.official(by)?;
        self.not_granted()?;
        if !self.next.plan.may_be_signed_by_hand() {
            return Err(Rejection::NotByHand);
        }
        // What is signed electronically is a file: a print of it is a copy, and no sheet to sign.
        let signed = self.next.plan.steps.iter().zip(&self.next.steps).any(|(planned, progress)| {
            planned.step.kind == StepKind::Sign && matches!(progress, Progress::Done(_))
        });
        if signed && !self.next.signed_by_hand {
            return Err(Rejection::SignedAnotherWay);
        }
        said(reason)?;
        let taken = self.taken(&actor, capacity, seen)?;
        let office = self.next.plan.steps[step].step.level.office();
        match self.next.numbers.get(&office) {
            Some(Number::Allocated { .. }) => {}
            Some(Number::Needed) | None => return Err(Rejection::NumberMissing),
        }
        self.received_by(&actor);
        self.happens(Event::SheetPrinted { taken, reason: reason.trim().to_owned(), at: self.now });
        Ok(())
    }

    fn upload_scan(&mut self, by: &By, file_hash: &str) -> Result<(), Rejection> {
        let actor = self.clerk(by)?;
        let file_hash = file_hash.to_owned();
        self.happens(Event::ScanUploaded { by: actor.id, file_hash, at: self.now });
        Ok(())
    }

    /// A second look, by who may take the step: this scan, and the number that stands on it.
    fn confirm_scan(&mut self, by: &By, seen: &str, number: &str) -> Result<(), Rejection> {
        let (step, actor, _) = self.official(by)?;
        let Some(sheet) = self.next.sheet.clone() else { return Err(Rejection::ScanDiffers) };
        let file_hash = match sheet.scan {
            Some((hash, _)) if hash == seen => hash,
            Some(_) | None => return Err(Rejection::ScanDiffers),
        };
        if !self.next.printed_number().is_some_and(|printed| is_same_number(printed, number)) {
            return Err(Rejection::AnotherNumber);
        }
        self.happens(Event::ScanConfirmed { step, by: actor.id, file_hash, at: self.now });
        self.happens(Event::StepTaken { step, taken: Taken { at: self.now, ..sheet.taken } });
        self.advance(Some(step));
        Ok(())
    }

    /// A paper with this number may be anywhere: it is given to no other.
    fn discard_sheet(&mut self, by: &str, reason: &str) {
        let (by, reason) = (by.to_owned(), reason.to_owned());
        self.happens(Event::SheetDiscarded { by, reason, at: self.now });
        let Some((_, planned)) = self.next.current_step() else { return };
        let office = planned.step.level.office();
        if let Some(Number::Allocated { text, .. }) = self.next.numbers.get(&office).cloned() {
            self.happens(Event::NumberVoided { office, text });
            self.happens(Event::NumberNeeded { office });
        }
    }

    fn clock(&mut self, by: &By, verb: ClockVerb, reason: &str) -> Result<(), Rejection> {
        let (_, actor, _) = self.official(by)?;
        let under_way = matches!(self.next.state, State::InReview | State::AwaitingSignature);
        let Some(clock) = self.next.clock.as_ref().filter(|_| under_way && verb != ClockVerb::Stop) else {
            return Err(Rejection::Clock(ClockError::NotPermitted { verb, state: ClockState::Stopped }));
        };
        // To let a clock go on that is back at zero is to start it again (OSS 44).
        let at_zero = clock.state() == ClockState::Reset;
        let verb = if verb == ClockVerb::Resume && at_zero { ClockVerb::Restart } else { verb };
        clock.after(verb, reason, self.now)?;
        self.received_by(&actor);
        self.happens(Event::ClockChanged {
            verb,
            reason: reason.trim().to_owned(),
            by: actor.id,
            at: self.now,
        });
        Ok(())
    }

    fn escalate(&mut self) -> Result<(), Rejection> {
        let at_hand = self.next.step_clock.as_ref().zip(self.next.current);
        match at_hand {
            Some((clock, step)) if clock.should_escalate(self.calendar, self.now) => {
                let due = clock.due(self.calendar).unwrap_or(self.now);
                self.happens(Event::Escalated { step, due, at: self.now });
                Ok(())
            }
            Some(_) | None => Err(Rejection::NothingToEscalate),
        }
    }

    fn deem_granted(&mut self) -> Result<(), Rejection> {
        if !self.next.deemed {
            // A seal would go onto the scan of what was signed by hand. What is left is for people to do.
            if self.next.signed_by_hand {
                return Err(Rejection::NotDeemable);
            }
            let due = deemed_at(&self.next, self.calendar).filter(|due| self.now > *due);
            let due = due.ok_or(Rejection::NotDeemable)?;
            // The number of who would have signed: the first office that has not.
            let signer = self.next.plan.steps.iter().zip(&self.next.steps).position(|(planned, progress)| {
                planned.step.kind == StepKind::Sign && *progress != Progress::Skipped
            });
            if self.next.sheet.is_some() {
                self.discard_sheet("", GRANTED);
            }
            self.happens(Event::DeemedGranted { due, at: self.now });
            if let Some(step) = signer {
                if self.next.unsettled().is_some() {
                    self.ask_payment(step);
                    return Ok(());
                }
                self.number_for(step);
            }
        }
        self.happens(Event::SigningBegan { taken: None, at: self.now });
        Ok(())
    }
}

impl Application {
    /// Whether an office has put its signature or register on it.
    fn is_signed_by(&self, office: OfficeLevel) -> bool {
        self.plan.steps.iter().zip(&self.steps).any(|(planned, progress)| {
            planned.step.level.office() == office
                && matches!(planned.step.kind, StepKind::Sign | StepKind::Register)
                && matches!(progress, Progress::Done(_))
        })
    }
}

fn service(by: &By) -> Result<(), Rejection> {
    match by {
        By::System => Ok(()),
        By::Applicant { .. } | By::Official(_) => Err(Rejection::NotTheService),
    }
}

/// Whether somebody typed a number as it is printed: blanks and capitals do not matter.
fn is_same_number(printed: &str, typed: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<String>().to_uppercase();
    plain(printed) == plain(typed)
}

fn said(reason: &str) -> Result<(), Rejection> {
    if reason.trim().chars().count() < SHORTEST_REASON { Err(Rejection::ReasonRequired) } else { Ok(()) }
}

/// As what `actor` may take a step: his own role first, then what he holds for others at this moment.
fn capacity(
    application: &Application,
    planned: &PlannedStep,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Option<Capacity> {
    let here = application.scope_of(planned.step.level)?;
    let fits = |role, scope: &Scope| planned.roles.contains(role) && *scope == here;
    if let Some((role, _)) = actor.roles.iter().find(|(role, scope)| fits(role, scope)) {
        return Some(Capacity { role: *role, delegation: None });
    }
    actor
        .delegations
        .iter()
        .filter(|_| planned.step.may_delegate)
        .find(|it| fits(&it.role, &it.scope) && it.from <= now && now < it.until)
        .map(|it| Capacity { role: it.role, delegation: Some((it.kind, it.decree.clone())) })
}

/// Whether the official is the applicant, or the letter is about him. What he filed counts as his own, unless it is known who
/// he is and that he filed it for somebody else, as at a counter.
fn is_own(application: &Application, actor: &Actor) -> bool {
    let applicant = &application.applicant;
    let filed = applicant.account.as_ref() == Some(&actor.id);
    let same_person = actor.person.is_some()
        && (actor.person == applicant.person || actor.person == application.subject_person);
    let for_another =
        actor.person.is_some() && applicant.person.is_some() && actor.person != applicant.person;
    same_person || (filed && !for_another)
}

/// Another step of the letter that the official took, under this account or another.
fn step_taken_by(application: &Application, actor: &Actor, but: usize) -> Option<usize> {
    application.steps.iter().enumerate().position(|(at, progress)| match progress {
        Progress::Done(taken) => {
            at != but && (taken.actor == actor.id || (actor.person.is_some() && taken.person == actor.person))
        }
        Progress::Pending | Progress::Skipped | Progress::Deemed => false,
    })
}

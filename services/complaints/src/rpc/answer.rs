//! What a reporter does with number and PIN: look, add, say sudah or belum, choose another secrecy, withdraw. A wrong PIN
//! and a number that was never given are one answer.

use chrono::{DateTime, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::complaints::v1::{
    AnswerComplaintRequest, AnswerComplaintResponse, CaseMessage, GetPublicComplaintRequest,
    GetPublicComplaintResponse, PublicComplaint, WithdrawComplaintRequest, WithdrawComplaintResponse,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::case::{Asking, Change, verb_name};
use super::file_complaint::{file_ids, long_text};
use super::{Core, convert};
use crate::domain::CaseId;
use crate::domain::case::{Case, Message};
use crate::domain::number::Number;
use crate::domain::rules::Rules;
use crate::domain::words::{Class, ClockKind, DeliveryState, MessageKind, Part, State, Verb};
use crate::domain::workflow::{self, By, Notice, Order, Rejection};
use crate::error::{Error, Thing};
use crate::store;
use crate::store::complaint::Record;
use crate::store::outbox::Recipient;

const ANSWER: &str = "mpp.complaints.v1.ComplaintsService/AnswerComplaint";
const WITHDRAW: &str = "mpp.complaints.v1.ComplaintsService/WithdrawComplaint";
/// Who a reporter is in the journal.
const REPORTER: &str = "reporter";

pub(super) async fn track(
    core: &Core,
    _caller: &Caller,
    request: GetPublicComplaintRequest,
) -> Result<GetPublicComplaintResponse, Error> {
    let (record, number) = core.by_pin(&core.db.read, &request.number, &request.pin).await?;
    let rules = core.rules().await?;
    Ok(GetPublicComplaintResponse { complaint: Some(public(&record.case, number, &rules, core.now())) })
}

pub(super) async fn answer(
    core: &Core,
    caller: &Caller,
    request: AnswerComplaintRequest,
) -> Result<AnswerComplaintResponse, Error> {
    // Before anything else is said about the request, or remembered: a wrong PIN leaves nothing.
    core.by_pin(&core.db.read, &request.number, &request.pin).await?;
    let mut check = Checker::new();
    let text = long_text(&mut check, "text", &request.text, 0, 4000);
    let files = file_ids(&mut check, "file_ids", &request.file_ids);
    let rating = check.range("rating", request.rating, 0, 5);
    let identity = convert::read_contact(&mut check, request.contact.as_ref());
    let secrecy = convert::read_secrecy(request.secrecy);
    let language = convert::read_language(&mut check, "language", &request.language, &*core.rules().await?);
    let says_nothing = text.is_empty()
        && files.is_empty()
        && request.done.is_none()
        && rating == 0
        && secrecy.is_none()
        && request.contact.is_none()
        && language.is_empty();
    if says_nothing {
        check.violation(
            "text",
            "REQUIRED",
            "tulis sesuatu atau pilih jawaban",
            "write something or choose an answer",
        );
    }
    check.finish()?;
    let rating = u8::try_from(rating).unwrap_or(0);
    let (request, text, files, identity, language) = (&request, &text, &files, &identity, &language);
    core.once(caller, ANSWER, (request, &request.request_id), |tx, now| async move {
        let rules = core.rules_in(&tx).await?;
        let (mut record, number) = core.by_pin(&*tx, &request.number, &request.pin).await?;
        let pseudonym = core.pseudonym(number);
        let asking = Asking { who: REPORTER, request_id: &request.request_id };
        if request.contact.is_some() {
            let known = store::vault::hold(&tx, &core.vault, number).await?.unwrap_or_default();
            let contacts = known.contacts();
            let identity = known.told(identity);
            let moved = identity.contacts() != contacts;
            store::vault::save(&tx, &core.vault, number, &identity, now).await?;
            let mut next = record.case.clone();
            for it in next.reporters.iter_mut().filter(|it| it.number == number) {
                // Who left and says where to reach them follows it again.
                (it.reachable, it.left) = (core.can_reach(&identity), false);
            }
            // The same contact is no new way to reach them. What waits goes to the new one by itself; what was taken went to the
            // one before.
            let notices =
                if moved { untold(&tx, &next, number, &[DeliveryState::Queued]).await? } else { Vec::new() };
            let mut change = Change::of(record, next, "complaint.contact");
            change.notices = notices;
            record = core.save_one(&tx, &rules, change, asking, now).await?;
        }
        if !language.is_empty() {
            core.set_language(&tx, record.case.id, number, (language, asking), now).await?;
        }
        if let Some(secrecy) = secrecy {
            let next = workflow::choose(&record.case, &pseudonym, (secrecy, now))?;
            let change = Change::of(record, next, "complaint.secrecy");
            record = core.save_one(&tx, &rules, change, asking, now).await?;
        }
        let said = Said {
            text: text.clone(),
            files: files.clone(),
            done: request.done,
            rating,
            external: String::new(),
        };
        if !(text.is_empty() && files.is_empty() && request.done.is_none() && rating == 0) {
            record = core.listen(&tx, &rules, record, &pseudonym, said, (asking, now)).await?;
        }
        Ok(AnswerComplaintResponse { complaint: Some(public(&record.case, number, &rules, now)) })
    })
    .await
}

pub(super) async fn withdraw(
    core: &Core,
    caller: &Caller,
    request: WithdrawComplaintRequest,
) -> Result<WithdrawComplaintResponse, Error> {
    core.by_pin(&core.db.read, &request.number, &request.pin).await?;
    let mut check = Checker::new();
    let text = long_text(&mut check, "reason", &request.reason, 0, 1000);
    check.finish()?;
    let (request, text) = (&request, &text);
    core.once(caller, WITHDRAW, (request, &request.request_id), |tx, now| async move {
        let rules = core.rules_in(&tx).await?;
        let (record, number) = core.by_pin(&*tx, &request.number, &request.pin).await?;
        let order = Order::Withdraw { reporter: core.pseudonym(number), text: text.clone() };
        // One of several reporters only leaves: the case is the others' too. The last of them takes it back, where it can be.
        let others = record.case.reporters.iter().any(|it| it.number != number && !it.left);
        let several = record.case.reporters.len() > 1;
        let ends = workflow::TRANSITIONS.allowed(record.case.state).contains(&Verb::Withdraw);
        let change = if others || (several && !ends) {
            let what = (text.clone(), Vec::new(), String::new());
            let mut next = workflow::remark(&record.case, &core.pseudonym(number), what, now);
            for it in next.reporters.iter_mut().filter(|it| it.number == number) {
                it.reachable = false;
                it.content = true;
                it.left = true;
            }
            Change::of(record, next, "complaint.left")
        } else {
            let verb = verb_name(order.verb());
            let decision = workflow::decide(&record.case, &By::reporter(), order, &rules, now)?;
            Change::decided(Some(record), decision, &verb)
        };
        let asking = Asking { who: REPORTER, request_id: &request.request_id };
        let record = core.save_one(&tx, &rules, change, asking, now).await?;
        Ok(WithdrawComplaintResponse { complaint: Some(public(&record.case, number, &rules, now)) })
    })
    .await
}

/// What a reporter has to be told once more (see [`workflow::again`]), unless a message of its kind to them is in one of these
/// states, and so under way.
pub(crate) async fn untold(
    tx: &DatabaseTransaction,
    case: &Case,
    number: Number,
    under_way: &[DeliveryState],
) -> Result<Vec<Notice>, Error> {
    let mut notices = workflow::again(case, number);
    if notices.is_empty() {
        return Ok(notices);
    }
    let to = Recipient::Reporter(number.to_string());
    let sent = store::outbox::of_case(tx, case.id).await?;
    notices.retain(|notice| {
        let kind = notice.kind.to_string();
        !sent.iter().any(|it| it.recipient == to && it.kind == kind && under_way.contains(&it.state))
    });
    Ok(notices)
}

/// What a reporter says, whatever way.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) files: Vec<crate::domain::FileId>,
    pub(crate) done: Option<bool>,
    pub(crate) rating: u8,
    /// The provider's key of the message; empty for none.
    pub(crate) external: String,
}

impl Core {
    /// The case that a number leads to, if the PIN is that of the number.
    pub(super) async fn by_pin(
        &self,
        db: &impl ConnectionTrait,
        number: &str,
        pin: &str,
    ) -> Result<(Record, Number), Error> {
        let number: Number = number.parse().map_err(|_| Error::NotFound(Thing::Number))?;
        // The PIN is checked for numbers that were never given too, and the case is looked up either way.
        let fits = self.pin_fits(number, pin);
        let record = store::complaint::by_number(db, &self.cipher, number).await?;
        match record {
            Some(record) if fits => Ok((record, number)),
            Some(_) | None => Err(Error::NotFound(Thing::Number)),
        }
    }

    /// Answers a reporter in another language from now on. Nothing of the case changes.
    pub(crate) async fn set_language(
        &self,
        tx: &DatabaseTransaction,
        case: CaseId,
        number: Number,
        (language, asking): (&str, Asking<'_>),
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        // Who was forgotten is not remembered for it.
        let known = store::vault::hold(tx, &self.vault, number).await?;
        let Some(known) = known.filter(|it| it.language != language) else { return Ok(()) };
        let identity = store::vault::Identity { language: language.to_owned(), ..known };
        store::vault::save(tx, &self.vault, number, &identity, now).await?;
        let (what, case) = ("complaint.language", case.to_string());
        let detail = serde_json::json!({"language": language});
        super::record(tx, (asking.who, what, &case), detail, asking.request_id, now).await
    }

    /// Takes what a reporter says about a case: as an answer where one is awaited, else as an addition.
    pub(crate) async fn listen(
        &self,
        tx: &DatabaseTransaction,
        rules: &Rules,
        record: Record,
        pseudonym: &str,
        said: Said,
        (asking, now): (Asking<'_>, DateTime<Utc>),
    ) -> Result<Record, Error> {
        let files = self.give(tx, &said.files, record.case.id).await?;
        let reporter = pseudonym.to_owned();
        let order = match (said.done, record.case.state) {
            (Some(false), _) => {
                Some(Order::Reopen { reporter, text: said.text.clone(), files: files.clone() })
            }
            (Some(true), State::Settled) => None,
            (Some(true), _) => Some(Order::Confirm { reporter, rating: said.rating }),
            (None, State::AwaitingCompletion) => Some(Order::Complete {
                reporter,
                text: said.text.clone(),
                files: files.clone(),
                external: said.external.clone(),
                note: String::new(),
            }),
            (None, _) => None,
        };
        let says_nothing = said.text.is_empty() && files.is_empty();
        let what = (said.text, files, said.external);
        let change = if let Some(order) = order {
            let verb = verb_name(order.verb());
            // A choice alone takes no words: they are kept beside it.
            let case = if matches!(order, Order::Confirm { .. }) {
                workflow::remark(&record.case, pseudonym, what, now)
            } else {
                record.case.clone()
            };
            let decision = workflow::decide(&case, &By::reporter(), order, rules, now)?;
            Change::decided(Some(record), decision, &verb)
        } else if said.rating > 0 {
            let next = workflow::rate(&record.case, pseudonym, said.rating)?;
            let next = workflow::remark(&next, pseudonym, what, now);
            let mut change = Change::of(record, next, "complaint.rated");
            change.detail.insert("rating", said.rating.to_string());
            change
        } else if says_nothing {
            return Err(Rejection::IsClosed.into());
        } else if said.done == Some(true) {
            // It is settled already, and they say so once more, with words.
            let next = workflow::remark(&record.case, pseudonym, what, now);
            Change::of(record, next, "complaint.addition")
        } else {
            let next = workflow::add(&record.case, &By::reporter(), pseudonym, what, now)?;
            Change::of(record, next, "complaint.addition")
        };
        self.save_one(tx, rules, change, asking, now).await
    }
}

/// A case as the reporter with this number follows it: offices, never persons; what others reported is theirs.
pub(super) fn public(case: &Case, number: Number, rules: &Rules, now: DateTime<Utc>) -> PublicComplaint {
    let own = case.reporter(number);
    let pseudonym = own.map_or("", |it| it.pseudonym.as_str());
    let due = |kind| case.clock(kind).map(|it| convert::timestamp(it.due_at));
    let mut allowed = workflow::allowed(case.state, case.class, &[Part::Reporter]);
    if !case.may_say_not_done(now) {
        allowed.retain(|it| *it != Verb::Reopen);
    }
    PublicComplaint {
        number: number.to_string(),
        complaint_class: convert::class(case.class).into(),
        state: convert::state(case.state).into(),
        category_name: rules.categories.get(&case.category).map(|it| it.name.clone()).unwrap_or_default(),
        holder: rules.name_of(case.holder()),
        received_at: Some(convert::timestamp(case.received_at)),
        settle_due_at: due(ClockKind::Settle),
        reaction_due_at: due(ClockKind::Reaction),
        late: case.is_late(now),
        messages: case
            .messages
            .iter()
            .filter(|it| concerns(it, pseudonym))
            .map(|it| message(it, case.class))
            .collect(),
        secrecy: own.map(|it| convert::secrecy(it.secrecy).into()).unwrap_or_default(),
        reporter_until: case.reporter_until.map(convert::timestamp),
        allowed: allowed.into_iter().map(|it| convert::verb(it).into()).collect(),
        revealed_at: own
            .map(|it| it.revealed.iter().copied().map(convert::timestamp).collect())
            .unwrap_or_default(),
        advice: case.advice.clone(),
        closing_reason: case.closing_reason.clone(),
        forwarded_to: case.forwarded_to.clone(),
        rating: own.map_or(0, |it| i32::from(case.rating_of(it))),
    }
}

/// Whether a reporter reads a message: the own words, and what officers say to all.
fn concerns(message: &Message, pseudonym: &str) -> bool {
    match message.kind {
        MessageKind::Report | MessageKind::Addition => message.reporter == pseudonym,
        MessageKind::Question | MessageKind::FirstAnswer | MessageKind::Answer | MessageKind::Notice => true,
        MessageKind::Note | MessageKind::Unproven => false,
    }
}

fn message(it: &Message, class: Class) -> CaseMessage {
    CaseMessage {
        at: Some(convert::timestamp(it.at)),
        by: it.by.to_string(),
        account_id: String::new(),
        agency_id: if class == Class::Whistleblowing { String::new() } else { it.agency.clone() },
        kind: it.kind.to_string(),
        text: it.text.clone(),
        files: it.files.iter().map(convert::file).collect(),
        reporter: String::new(),
    }
}

//! What officers do to a case. These differ only in what they ask of the rules.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::journal;
use mpp_proto::complaints::v1::*;
use sea_orm::DatabaseTransaction;

use super::case::{Asking, Change, check_version};
use super::file_complaint::{file_ids, long_text};
use super::{Core, access, convert};
use crate::domain::CaseId;
use crate::domain::words::{ArchiveReason, ForwardReason, NoProofReason, Part, Publication, State};
use crate::domain::workflow::{self, Order, Rejection};
use crate::error::{Error, Thing};
use crate::intake::sync;
use crate::store;
use crate::store::complaint::Record;

/// How often a decision on whatever version there is is made again when another one came between.
const PATIENCE: u32 = 3;

/// What a verb works on.
struct Work<'a> {
    core: &'a Core,
    caller: &'a Caller,
    tx: &'a DatabaseTransaction,
    case: CaseId,
    version: u32,
    request_id: &'a str,
    now: DateTime<Utc>,
}

impl Work<'_> {
    async fn order(&self, order: Order) -> Result<Record, Error> {
        let on = (self.case, self.version);
        self.core.order(self.tx, self.caller, on, order, self.request_id, self.now).await
    }

    fn asking(&self) -> Asking<'_> {
        Asking { who: &self.caller.id, request_id: self.request_id }
    }
}

/// Writes a verb: checks the request, does it once, and answers the case as the caller sees it then.
macro_rules! verb {
    (
        $(#[$meta:meta])*
        $name:ident($request:ident) -> $response:ident, $method:literal,
        |$check:ident, $it:ident| $parse:expr,
        |$work:ident, $parsed:ident| $run:expr
    ) => {
        $(#[$meta])*
        pub(super) async fn $name(core: &Core, caller: &Caller, request: $request) -> Result<$response, Error> {
            const METHOD: &str = concat!("mpp.complaints.v1.ComplaintsService/", $method);
            let mut checker = Checker::new();
            let case: Option<CaseId> = checker.id("complaint", &request.complaint);
            // What is out of reach does not exist, whatever is asked of it.
            if let Some(case) = case {
                let rules = core.rules().await?;
                core.visible(&core.db.read, caller, case, &rules).await?;
            }
            let parsed = {
                let ($check, $it) = (&mut checker, &request);
                $parse
            };
            checker.finish()?;
            let case = case.ok_or(Error::NotFound(Thing::Complaint))?;
            let (request, parsed) = (&request, &parsed);
            let mut left = PATIENCE;
            loop {
                let answered = core.once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
                    let (version, request_id) = (request.version, request.request_id.as_str());
                    let record = {
                        let $work = Work { core, caller, tx: &tx, case, version, request_id, now };
                        let $parsed = parsed.clone();
                        $run?
                    };
                    let rules = core.rules_in(&tx).await?;
                    let complaint = core.view(&*tx, caller, &record, &rules, now).await?;
                    Ok($response { complaint: Some(complaint) })
                })
                .await;
                match answered {
                    // Whoever decides on whatever there is need not know that time itself was a moment earlier.
                    Err(Error::Stale { .. }) if request.version == 0 && left > 0 => left -= 1,
                    answered => return answered,
                }
            }
        }
    };
}

verb!(verify_complaint(VerifyComplaintRequest) -> VerifyComplaintResponse, "VerifyComplaint",
    |check, it| long_text(check, "note", &it.note, 0, 4000),
    |work, note| work.order(Order::Verify { note }).await);

verb!(dispose_complaint(DisposeComplaintRequest) -> DisposeComplaintResponse, "DisposeComplaint",
|check, it| (check.text("agency_id", &it.agency_id, 1, 100), helpers(check, it), long_text(check, "note", &it.note, 0, 4000)),
|work, parsed| {
    let (agency, helpers, note) = parsed;
    work.order(Order::Dispose { agency, helpers, note }).await
});

verb!(accept_complaint(AcceptComplaintRequest) -> AcceptComplaintResponse, "AcceptComplaint",
    |_check, _it| (),
    |work, _nothing| work.order(Order::Accept).await);

verb!(bounce_complaint(BounceComplaintRequest) -> BounceComplaintResponse, "BounceComplaint",
    |check, it| long_text(check, "reason", &it.reason, 10, 1000),
    |work, reason| work.order(Order::Bounce { reason }).await);

verb!(ask_completion(AskCompletionRequest) -> AskCompletionResponse, "AskCompletion",
    |check, it| long_text(check, "question", &it.question, 10, 2000),
    |work, question| work.order(Order::AskCompletion { question }).await);

verb!(
/// What the reporter said at the desk, by telephone or at LAPOR!: an officer enters it, and how it was learnt.
complete_complaint(CompleteComplaintRequest) -> CompleteComplaintResponse, "CompleteComplaint",
|check, it| (
    long_text(check, "text", &it.text, 1, 4000),
    long_text(check, "note", &it.note, 10, 1000),
    it.reporter.trim().to_owned(),
    file_ids(check, "file_ids", &it.file_ids),
),
|work, parsed| {
    let (text, note, reporter, ids) = parsed;
    let files = work.core.give(work.tx, &ids, work.case).await?;
    work.order(Order::Complete { reporter, text, files, external: String::new(), note }).await
});

verb!(take_back_question(TakeBackQuestionRequest) -> TakeBackQuestionResponse, "TakeBackQuestion",
    |check, it| long_text(check, "reason", &it.reason, 10, 1000),
    |work, reason| work.order(Order::TakeBackQuestion { reason }).await);

verb!(give_first_answer(GiveFirstAnswerRequest) -> GiveFirstAnswerResponse, "GiveFirstAnswer",
    |check, it| long_text(check, "text", &it.text, 10, 4000),
    |work, text| work.order(Order::FirstAnswer { text }).await);

verb!(
/// The substantive answer says who does what until when: "akan ditindaklanjuti" alone is none.
give_answer(GiveAnswerRequest) -> GiveAnswerResponse, "GiveAnswer",
|check, it| {
    let text = long_text(check, "text", &it.text, 20, 4000);
    let who = check.text("who", &it.who, 3, 200);
    let what = check.text("what", &it.what, 3, 500);
    let when = check.text("when", &it.when, 3, 200);
    let files = file_ids(check, "proof_file_ids", &it.proof_file_ids);
    let reason = (!it.reason_without_proof.is_empty()).then(|| {
        let words = "INFORMATION_GIVEN, NOT_FOUND_ON_SITE, NO_BUDGET_THIS_YEAR, PRIVATE_MATTER";
        convert::word::<NoProofReason>(check, "reason_without_proof", &it.reason_without_proof, words)
    });
    (format!("{text}\n\nSiapa: {who}\nApa: {what}\nKapan: {when}"), files, reason.flatten())
},
|work, parsed| {
    let (text, ids, no_proof) = parsed;
    let mut proof = work.core.give(work.tx, &ids, work.case).await?;
    proof.iter_mut().for_each(|it| it.proof = true);
    work.order(Order::Answer { text, proof, no_proof }).await
});

verb!(complete_help(CompleteHelpRequest) -> CompleteHelpResponse, "CompleteHelp",
    |check, it| (check.text("agency_id", &it.agency_id, 1, 100), long_text(check, "text", &it.text, 1, 4000)),
    |work, parsed| help(&work, parsed.0, parsed.1).await);

verb!(merge_complaint(MergeComplaintRequest) -> MergeComplaintResponse, "MergeComplaint",
    |check, it| check.id::<CaseId>("into", &it.into),
    |work, into| merge(&work, into.ok_or(Error::NotFound(Thing::Complaint))?).await);

verb!(forward_complaint_outside(ForwardComplaintOutsideRequest) -> ForwardComplaintOutsideResponse, "ForwardComplaintOutside",
|check, it| {
    let words = "CENTRAL_GOVERNMENT, PROVINCE, OTHER_REGENCY, STATE_COMPANY, COURT, POLICE";
    let reason = convert::word::<ForwardReason>(check, "reason", &it.reason, words);
    (reason, check.text("forwarded_to", &it.forwarded_to, 3, 200), long_text(check, "advice", &it.advice, 10, 2000))
},
|work, parsed| {
    let (reason, to, advice) = parsed;
    let reason = reason.ok_or(Error::NotFound(Thing::Complaint))?;
    work.order(Order::ForwardOutside { reason, to, advice }).await
});

verb!(archive_complaint(ArchiveComplaintRequest) -> ArchiveComplaintResponse, "ArchiveComplaint",
|check, it| {
    let words = "UNCLEAR, NOT_A_REPORT, DUPLICATE_OF_SETTLED, ABUSIVE, TEST, IN_COURT";
    let reason = convert::word::<ArchiveReason>(check, "reason", &it.reason, words);
    (reason, long_text(check, "advice", &it.advice, 10, 2000))
},
|work, parsed| {
    let (reason, advice) = parsed;
    let reason = reason.ok_or(Error::NotFound(Thing::Complaint))?;
    work.order(Order::Archive { reason, advice }).await
});

verb!(recategorise_complaint(RecategoriseComplaintRequest) -> RecategoriseComplaintResponse, "RecategoriseComplaint",
|check, it| (
    check.text("category", &it.category, 1, 40),
    convert::read_class(it.complaint_class),
    long_text(check, "reason", &it.reason, 3, 1000),
),
|work, parsed| {
    let (category, class, reason) = parsed;
    let rules = work.core.rules_in(work.tx).await?;
    let (record, part) = officer(&work, &[Part::Coordinator, Part::Inspector]).await?;
    let class = class.unwrap_or(record.case.class);
    let by = access::by(work.caller, part, &record.case);
    let decision =
        workflow::recategorise(&record.case, &by, (&category, class), reason, &rules, work.now)?;
    let change = Change::decided(Some(record), decision, "complaint.recategorised");
    work.core.save_one(work.tx, &rules, change, work.asking(), work.now).await
});

verb!(reopen_complaint(ReopenComplaintRequest) -> ReopenComplaintResponse, "ReopenComplaint",
    |check, it| long_text(check, "reason", &it.reason, 3, 2000),
    |work, text| work.order(Order::Reopen { reporter: String::new(), text, files: Vec::new() }).await);

verb!(add_complaint_note(AddComplaintNoteRequest) -> AddComplaintNoteResponse, "AddComplaintNote",
|check, it| (long_text(check, "text", &it.text, if it.answer_told { 10 } else { 1 }, 4000), it.answer_told),
|work, parsed| {
    let (text, told) = parsed;
    let rules = work.core.rules_in(work.tx).await?;
    let (record, part) = officer(&work, &[Part::Coordinator, Part::Agency, Part::Inspector]).await?;
    let by = access::by(work.caller, part, &record.case);
    let mut next = workflow::add(&record.case, &by, "", (text, Vec::new(), String::new()), work.now)?;
    if told {
        next = workflow::told_otherwise(&next, &rules, work.now)?;
    }
    let change = Change::of(record, next, if told { "complaint.answer_told" } else { "complaint.note" });
    work.core.save_one(work.tx, &rules, change, work.asking(), work.now).await
});

verb!(set_complaint_publication(SetComplaintPublicationRequest) -> SetComplaintPublicationResponse, "SetComplaintPublication",
|check, it| {
    let wanted = convert::read_publication(it.publication);
    let publish = wanted == Some(Publication::Public);
    if !publish && wanted != Some(Publication::Withheld) {
        check.violation("publication", "UNKNOWN_WORD", "pilih PUBLIC atau WITHHELD", "choose PUBLIC or WITHHELD");
    }
    (publish, long_text(check, "reason", &it.reason, if publish { 0 } else { 10 }, 1000))
},
|work, parsed| {
    let (publish, reason) = parsed;
    let rules = work.core.rules_in(work.tx).await?;
    let (record, _) = officer(&work, &[Part::Coordinator]).await?;
    let next = workflow::set_publication(&record.case, publish, reason)?;
    let what = if publish { "complaint.published" } else { "complaint.withheld" };
    work.core.save_one(work.tx, &rules, Change::of(record, next, what), work.asking(), work.now).await
});

fn helpers(check: &mut Checker, it: &DisposeComplaintRequest) -> Vec<(String, String, DateTime<Utc>)> {
    let (mut helpers, mut seen) = (Vec::new(), BTreeSet::from([it.agency_id.clone()]));
    for (at, helper) in it.helpers.iter().enumerate() {
        let task = check.text(&format!("helpers[{at}].task"), &helper.task, 3, 500);
        if !seen.insert(helper.agency_id.clone()) {
            check.violation(
                format!("helpers[{at}].agency_id"),
                "TWICE",
                "setiap instansi disebut sekali",
                "name each agency once",
            );
        }
        match convert::moment(helper.due_at.as_ref()) {
            Some(due_at) => helpers.push((helper.agency_id.clone(), task, due_at)),
            None => check.violation(
                format!("helpers[{at}].due_at"),
                "REQUIRED",
                "isi batas waktu instansi pembantu",
                "give the deadline of the helping agency",
            ),
        }
    }
    helpers
}

/// The case, and the first of these parts that the caller has in it.
async fn officer(work: &Work<'_>, wanted: &[Part]) -> Result<(Record, Part), Error> {
    let rules = work.core.rules_in(work.tx).await?;
    let record = work.core.visible(work.tx, work.caller, work.case, &rules).await?;
    check_version(work.version, &record)?;
    let parts = work.core.parts(work.caller, &record.case, &rules);
    let part = parts.into_iter().find(|part| wanted.contains(part)).ok_or(Error::Denied)?;
    Ok((record, part))
}

async fn help(work: &Work<'_>, agency: String, text: String) -> Result<Record, Error> {
    let rules = work.core.rules_in(work.tx).await?;
    let record = work.core.visible(work.tx, work.caller, work.case, &rules).await?;
    check_version(work.version, &record)?;
    if !work.core.areas(work.caller, "complaints.work", &rules).reach(&agency) {
        return Err(Error::Denied);
    }
    let by = workflow::By { part: Part::Agency, account: work.caller.id.clone(), agency: agency.clone() };
    let next = workflow::finish_help(&record.case, &by, &agency, text, work.now)?;
    let mut change = Change::of(record, next, "complaint.helped");
    change.detail.insert("agency", agency);
    work.core.save_one(work.tx, &rules, change, work.asking(), work.now).await
}

async fn merge(work: &Work<'_>, into: CaseId) -> Result<Record, Error> {
    let rules = work.core.rules_in(work.tx).await?;
    let survivor = work.core.visible(work.tx, work.caller, into, &rules).await?;
    let order = Order::Merge {
        into,
        received_at: survivor.case.received_at,
        class: survivor.case.class,
        state: survivor.case.state,
    };
    if into == work.case {
        return Err(Rejection::CannotMerge("ITSELF").into());
    }
    // Rows of the ledger follow the case: their turn comes before any case.
    store::ledger::take_turns(work.tx).await?;
    let on = (work.case, work.version);
    let merging = work.core.decided(work.tx, work.caller, on, order, &rules, work.now).await?;
    let merged = &merging.next;
    if merged.apart != survivor.case.apart {
        return Err(Rejection::CannotMerge("OTHER_CLASS").into());
    }
    let next = workflow::absorb(&survivor.case, merged);
    // That it was merged is told them already; that what it was merged with waits for their word is not.
    let notices = match next.state {
        State::AwaitingConfirmation => {
            merged.reporters.iter().flat_map(|it| workflow::again(&next, it.number)).collect()
        }
        State::New
        | State::Verified
        | State::Disposed
        | State::InProgress
        | State::AwaitingCompletion
        | State::Reopened
        | State::Settled
        | State::Merged
        | State::ForwardedOutside
        | State::Archived
        | State::DeemedWithdrawn
        | State::Withdrawn => Vec::new(),
    };
    let mut change = Change::of(survivor, next, "complaint.absorbed");
    change.notices = notices;
    change.detail.insert("merged", merged.id.to_string());
    let changes = vec![merging, change];
    let (records, mut entries) = work.core.put(work.tx, &rules, changes, work.asking(), work.now).await?;
    // From now on every number of the merged case leads to the survivor, and so does what is said there.
    store::complaint::redirect(work.tx, work.case, into).await?;
    store::file::hand_over(work.tx, work.case, into).await?;
    entries.extend(sync::follow(work.tx, (work.case, into), work.asking(), work.now).await?);
    journal::append_all(work.tx, &entries).await?;
    let merged = records.into_iter().find(|it| it.case.id == work.case);
    merged.ok_or_else(|| anyhow::anyhow!("a merged case was not saved").into())
}

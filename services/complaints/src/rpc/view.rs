//! `GetComplaint` and its journal: a case as officers see it. Who reported is shown only where the reporter's secrecy and
//! the part of the caller permit it, and each such look is recorded.

use chrono::{DateTime, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::journal::{self, Entry};
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::complaints::v1::{
    CaseMessage, Complaint, Delivery, GetComplaintRequest, GetComplaintResponse, Helper, HolderInterval,
    JournalEntry, ListComplaintJournalRequest, ListComplaintJournalResponse, Reporter,
};
use sea_orm::ConnectionTrait;
use serde_json::json;

use super::access::reads_unproven;
use super::file_complaint::PUBLIC;
use super::{Core, convert};
use crate::domain::case::{Case, Message};
use crate::domain::rules::Rules;
use crate::domain::words::{Class, MessageKind, Part, State};
use crate::domain::{CaseId, channel, workflow};
use crate::error::{Error, Thing};
use crate::intake::place::{PROVE, UNPROVEN};
use crate::store;
use crate::store::complaint::Record;
use crate::store::outbox::Recipient;

pub(super) async fn get(
    core: &Core,
    caller: &Caller,
    request: GetComplaintRequest,
) -> Result<GetComplaintResponse, Error> {
    let mut check = Checker::new();
    let id: Option<CaseId> = check.id("complaint", &request.complaint);
    check.finish()?;
    let rules = core.rules().await?;
    let id = id.ok_or(Error::NotFound(Thing::Complaint))?;
    let record = core.visible(&core.db.read, caller, id, &rules).await?;
    let mut complaint = core.view(&core.db.read, caller, &record, &rules, core.now()).await?;
    if core.may_know_reporters(caller, &record.case, &rules) {
        let mut shown = Vec::new();
        for (told, it) in complaint.reporters.iter_mut().zip(&record.case.reporters) {
            if it.secrecy.shows_reporter()
                && let Some(identity) = store::vault::find(&core.db.read, &core.vault, it.number).await?
            {
                told.contact = Some(convert::contact(&identity));
                shown.push(it.pseudonym.clone());
            }
        }
        if !shown.is_empty() {
            core.looked((&caller.id, "reporter.seen", &id.to_string()), json!({"reporters": shown})).await?;
        }
    }
    Ok(GetComplaintResponse { complaint: Some(complaint) })
}

pub(super) async fn journal(
    core: &Core,
    caller: &Caller,
    request: ListComplaintJournalRequest,
) -> Result<ListComplaintJournalResponse, Error> {
    let mut check = Checker::new();
    let id: Option<CaseId> = check.id("complaint", &request.complaint);
    check.finish()?;
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("journal {}", request.complaint);
    let after = PageToken::decode(&request.page_token, &filter)?.and_then(|it| it.parse().ok()).unwrap_or(0);
    let rules = core.rules().await?;
    let id = id.ok_or(Error::NotFound(Thing::Complaint))?;
    let record = core.visible(&core.db.read, caller, id, &rules).await?;
    let all = reads_unproven(&core.parts(caller, &record.case, &rules));
    let mut entries = journal::read(&core.db.read, Some(&id.to_string()), after, u64::from(size) + 1).await?;
    let next_page_token = cut(&mut entries, size, &filter, |it| it.seq.to_string());
    let entries = entries
        .into_iter()
        .filter(|it| all || it.entry.what != UNPROVEN)
        .map(|it| JournalEntry {
            seq: it.seq,
            at: Some(convert::timestamp(it.entry.at)),
            who: filer(&record.case, &it.entry),
            what: it.entry.what,
            from: it.entry.from.unwrap_or_default(),
            to: it.entry.to.unwrap_or_default(),
            detail: it.entry.detail,
            hash: hex::encode(it.hash),
        })
        .collect();
    Ok(ListComplaintJournalResponse { entries, next_page_token })
}

/// Who an entry says it was. Of filing a report only the desk that wrote it down, also in entries of before the rest was left
/// out there: whoever was signed in otherwise is the reporter. What an officer wrote down for a reporter later is no filing.
fn filer(case: &Case, entry: &Entry) -> String {
    let files = matches!(entry.what.as_str(), "complaint.filed" | "complaint.followed");
    let filing = |it: &Message| it.kind == MessageKind::Report || it.at == entry.at;
    let desk = |it: &Message| it.by == Part::Reporter && it.account == entry.who && filing(it);
    if !files || !entry.who.starts_with("acc_") || case.messages.iter().any(desk) {
        return entry.who.clone();
    }
    PUBLIC.to_owned()
}

impl Core {
    /// Whether the caller's part permits to know reporters who asked for no secrecy: who distributes or works on it. Of a
    /// merged case nobody's: what its reporters ask for now is known of the case that survives.
    fn may_know_reporters(&self, caller: &Caller, case: &Case, rules: &Rules) -> bool {
        case.class != Class::Whistleblowing
            && case.state != State::Merged
            && self.parts(caller, case, rules).iter().any(|it| matches!(it, Part::Coordinator | Part::Agency))
    }

    /// A case as the caller sees it, without any identity.
    pub(crate) async fn view(
        &self,
        db: &impl ConnectionTrait,
        caller: &Caller,
        record: &Record,
        rules: &Rules,
        now: DateTime<Utc>,
    ) -> Result<Complaint, Error> {
        let case = &record.case;
        let parts = self.parts(caller, case, rules);
        let all = reads_unproven(&parts);
        let steps = store::escalation::of_case(db, case.id).await?;
        let messages = store::outbox::of_case(db, case.id).await?;
        // What shows where a secret reporter stood is shown to nobody in full.
        let shown = case.secrecy().shows_reporter() && case.state != State::Merged;
        let place = if shown { case.place.clone() } else { case.place.coarse() };
        let charges = case.charges(rules, now);
        Ok(Complaint {
            id: case.id.to_string(),
            number: case.number.to_string(),
            version: record.version,
            complaint_class: convert::class(case.class).into(),
            state: convert::state(case.state).into(),
            allowed: workflow::allowed(case.state, case.class, &parts)
                .into_iter()
                .map(|it| convert::verb(it).into())
                .collect(),
            category: case.category.clone(),
            category_name: rules.categories.get(&case.category).map(|it| it.name.clone()).unwrap_or_default(),
            place: Some(convert::place(&place)),
            occurred_at: case.occurred_at.map(convert::timestamp),
            received_at: Some(convert::timestamp(case.received_at)),
            arrived_at: Some(convert::timestamp(case.arrived_at)),
            channel: convert::channel(case.channel).into(),
            lead_agency_id: case.lead.clone().unwrap_or_default(),
            helpers: case
                .helpers
                .iter()
                .map(|it| Helper {
                    agency_id: it.agency.clone(),
                    task: it.task.clone(),
                    due_at: Some(convert::timestamp(it.due_at)),
                    done_at: it.done_at.map(convert::timestamp),
                    late_at: it.late_at.map(convert::timestamp),
                })
                .collect(),
            messages: case
                .messages
                .iter()
                .filter(|it| all || it.kind != MessageKind::Unproven)
                .map(|it| CaseMessage {
                    at: Some(convert::timestamp(it.at)),
                    by: it.by.to_string(),
                    account_id: it.account.clone(),
                    agency_id: it.agency.clone(),
                    kind: it.kind.to_string(),
                    text: if shown { it.text.clone() } else { channel::without_place(it).to_owned() },
                    files: it.files.iter().map(convert::file).collect(),
                    reporter: it.reporter.clone(),
                })
                .collect(),
            clocks: case.clocks.iter().map(|it| convert::clock(it, now)).collect(),
            holders: charges
                .into_iter()
                .map(|it| HolderInterval {
                    agency_id: it.agency,
                    from: Some(convert::timestamp(it.from)),
                    to: it.to.map(convert::timestamp),
                    working_minutes: it.minutes,
                    late: it.late.into_iter().map(|it| convert::clock_kind(it).into()).collect(),
                })
                .collect(),
            publication: convert::publication(case.publication).into(),
            publication_reason: case.publication_reason.clone(),
            reporters: case
                .reporters
                .iter()
                .map(|it| Reporter {
                    pseudonym: it.pseudonym.clone(),
                    secrecy: convert::secrecy(it.secrecy).into(),
                    channel: convert::channel(it.channel).into(),
                    number: it.number.to_string(),
                    reachable: it.reachable,
                    contact: None,
                    unheard: it.unheard && case.state == State::AwaitingConfirmation && !it.content,
                })
                .collect(),
            bounces: case.bounces,
            reopenings: case.reopenings,
            merged_into: case.merged_into.map(|it| it.to_string()).unwrap_or_default(),
            closing_reason: case.closing_reason.clone(),
            forwarded_to: case.forwarded_to.clone(),
            escalations: steps.iter().map(convert::escalation).collect(),
            deliveries: messages
                .into_iter()
                .filter(|it| all || it.kind != PROVE)
                .map(|it| Delivery {
                    id: it.id.to_string(),
                    kind: it.kind,
                    recipient: match it.recipient {
                        Recipient::Reporter(number) => {
                            number.parse().map(|number| self.pseudonym(number)).unwrap_or_default()
                        }
                        Recipient::Account(account) => account,
                    },
                    state: it.state.to_string(),
                    created_at: Some(convert::timestamp(it.created_at)),
                    updated_at: Some(convert::timestamp(it.updated_at)),
                })
                .collect(),
            reporter_until: case.reporter_until.map(convert::timestamp),
            rating: i32::from(case.rating),
            extra: case.extra.clone().into_iter().collect(),
            closed_at: case.closed_at.map(convert::timestamp),
            may_reveal: self.reveals(caller, rules),
            parts: parts.iter().map(ToString::to_string).collect(),
        })
    }
}

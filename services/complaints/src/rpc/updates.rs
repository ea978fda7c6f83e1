//! What happened to published cases, for other systems; and what systems of agencies say of theirs.
//!
//! Outwards the journal is read: it has every change in its order, and nothing of a person. What is told of a case depends
//! on whether it is published now, so what became secret is told to nobody any more.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::caller::{Caller, reaches};
use mpp_kit::check::Checker;
use mpp_kit::page::{PageToken, page_size};
use mpp_proto::complaints::v1::{
    ListPublishedUpdatesRequest, ListPublishedUpdatesResponse, PublishedUpdate, ReceivePartnerUpdateRequest,
    ReceivePartnerUpdateResponse,
};

use super::case::{Asking, Change};
use super::file_complaint::long_text;
use super::{Core, convert};
use crate::domain::case::{Case, Message};
use crate::domain::disclosure;
use crate::domain::number::Number;
use crate::domain::partner::{self, Status, Told};
use crate::domain::words::{Class, MessageKind, Part};
use crate::domain::workflow::By;
use crate::error::{Error, Thing};
use crate::store;
use crate::store::complaint::{Event, Happened, Record};

const METHOD: &str = "mpp.complaints.v1.ComplaintsService/ReceivePartnerUpdate";
/// The journal of a case from when it was published: then other systems learn where it stands.
const PUBLISHED: &str = "complaint.published";
/// Entries of the journal that one page looks at, at most: the rest is for the next one.
const LOOKED_AT: u64 = 1_000;
/// Numbers that are asked for at once, at most.
const NUMBERS: usize = 100;
/// How far a clock of a partner may be ahead.
const SKEW: TimeDelta = TimeDelta::minutes(5);

pub(super) async fn list(
    core: &Core,
    _caller: &Caller,
    request: ListPublishedUpdatesRequest,
) -> Result<ListPublishedUpdatesResponse, Error> {
    let size = page_size(request.page_size, 50, 200)? as usize;
    let numbers = request.numbers.split(',').map(str::trim).filter(|it| !it.is_empty());
    let numbers: Vec<String> = numbers.map(ToOwned::to_owned).collect();
    let mut check = Checker::new();
    if numbers.len() > NUMBERS {
        check.violation(
            "numbers",
            "TOO_MANY",
            format!("sebut paling banyak {NUMBERS} nomor"),
            format!("name at most {NUMBERS} numbers"),
        );
    }
    check.finish()?;
    let (from, before) = (convert::moment(request.from.as_ref()), convert::moment(request.before.as_ref()));
    let token = format!("updates {numbers:?} {from:?} {before:?}");
    let mut after = PageToken::decode(&request.page_token, &token)?.and_then(|it| at_and_seq(&it));
    let db = &core.db.read;
    let cases =
        if numbers.is_empty() { None } else { Some(store::complaint::public_by_number(db, numbers).await?) };
    if cases.as_ref().is_some_and(Vec::is_empty) {
        return Ok(ListPublishedUpdatesResponse::default());
    }
    let filter = Happened { from, before, cases };
    let events = store::complaint::events(db, &filter, after, LOOKED_AT).await?;
    let mut over = (events.len() as u64) < LOOKED_AT;
    let ids = events.iter().map(|it| it.case.clone()).collect::<BTreeSet<_>>();
    let public = store::complaint::public_among(db, &core.cipher, ids.into_iter().collect()).await?;
    let public: HashMap<String, Record> = public.into_iter().map(|it| (it.case.id.to_string(), it)).collect();
    let mut updates = Vec::new();
    for event in &events {
        if updates.len() == size {
            over = false;
            break;
        }
        updates.extend(public.get(&event.case).and_then(|it| told(&it.case, event)));
        after = Some((event.at, event.seq));
    }
    let next_page_token = match after.filter(|_| !over) {
        Some((at, seq)) => PageToken::encode(&store::place(at, &seq.to_string()), &token),
        None => String::new(),
    };
    Ok(ListPublishedUpdatesResponse { updates, next_page_token })
}

fn at_and_seq(place: &str) -> Option<(DateTime<Utc>, i64)> {
    let (at, seq) = store::read_place(place)?;
    Some((at, seq.parse().ok()?))
}

/// What is told of an entry: nothing, unless the case stands elsewhere since, was published, or was answered.
fn told(case: &Case, event: &Event) -> Option<PublishedUpdate> {
    let said = answer(case, event);
    let moved = event.from != Some(event.to) || event.what == PUBLISHED;
    (moved || said.is_some()).then(|| PublishedUpdate {
        id: id(case, event.version),
        number: case.number.to_string(),
        state: convert::state(event.to).into(),
        at: Some(convert::timestamp(event.at)),
        text: said.map(disclosure::for_everybody).unwrap_or_default(),
    })
}

/// The answer that was given with an entry. Clocks may show one time for two of them, so that it is of its kind counts too.
fn answer<'a>(case: &'a Case, event: &Event) -> Option<&'a str> {
    let (kind, partner) = match event.what.as_str() {
        "complaint.answer" => (MessageKind::Answer, false),
        "complaint.first_answer" => (MessageKind::FirstAnswer, false),
        partner::TOLD => (MessageKind::FirstAnswer, true),
        _ => return None,
    };
    let of = |it: &&Message| it.at == event.at && it.kind == kind && it.external.is_empty() != partner;
    case.messages.iter().find(of).map(|it| it.text.as_str())
}

/// What a change of a case is called outside.
fn id(case: &Case, version: u32) -> String {
    format!("{}.{version}", case.number)
}

pub(super) async fn receive(
    core: &Core,
    caller: &Caller,
    request: ReceivePartnerUpdateRequest,
) -> Result<ReceivePartnerUpdateResponse, Error> {
    // Before anything else: who has no key learns nothing of what would be wrong besides.
    let (name, partner) =
        core.config.channels.partner(&request.api_key).ok_or(Error::Unsigned { missing: false })?;
    let mut check = Checker::new();
    check.text("number", &request.number, 1, 40);
    let update = check.text("update_id", &request.update_id, 1, 100);
    let text = long_text(&mut check, "text", &request.text, 0, 4000);
    let status = request.status.trim().to_uppercase().parse::<Status>();
    if status.is_err() {
        check.violation(
            "status",
            "UNKNOWN_WORD",
            "pilih salah satu status yang dikenal",
            "choose one of OPEN, INVESTIGATING, IN_PROGRESS, ACTION_SCHEDULED, FIXED, CLOSED, DUPLICATE, \
             NOT_COUNCILS_RESPONSIBILITY, NO_FURTHER_ACTION, INTERNAL_REFERRAL, FOR_TRIAGE, CANCELLED, REOPEN",
        );
    }
    let at = convert::moment(request.updated_at.as_ref());
    if at.is_none_or(|at| at > core.now() + SKEW) {
        check.violation(
            "updated_at",
            "OUT_OF_RANGE",
            "isi dengan waktu kejadian, bukan di masa depan",
            "give when it happened, and no moment in the future",
        );
    }
    check.finish()?;
    let status = status.map_err(|_| anyhow::anyhow!("the checker let an unknown status pass"))?;
    let at = at.ok_or_else(|| anyhow::anyhow!("the checker let a missing moment pass"))?;
    let (request, told) =
        (&request, &Told { status, text, at, external: format!("partner/{name}/{update}") });
    core.once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
        let rules = core.rules_in(&tx).await?;
        // Out of the partner's reach is what never was, and so is what no partner is told of.
        let number: Number = request.number.parse().map_err(|_| Error::NotFound(Thing::Complaint))?;
        let record = store::complaint::by_number(&*tx, &core.cipher, number).await?;
        let record = record.ok_or(Error::NotFound(Thing::Complaint))?;
        let agency = speaks_for(&record.case, &partner.area).ok_or(Error::NotFound(Thing::Complaint))?;
        if partner::is_known(&record.case, &told.external) {
            return Err(Error::UpdateKnown);
        }
        let who = format!("partner:{name}");
        let by = By { part: Part::Agency, account: who.clone(), agency };
        let decision = partner::take(&record.case, &by, told, &rules, now)?;
        let change = Change::decided(Some(record), decision, partner::TOLD);
        let asking = Asking { who: &who, request_id: &request.request_id };
        let record = core.save_one(&tx, &rules, change, asking, now).await?;
        Ok(ReceivePartnerUpdateResponse { id: id(&record.case, record.version) })
    })
    .await
}

/// The agency of a case that a partner with this area speaks for: the one that has the lead, else one that helps.
fn speaks_for(case: &Case, area: &str) -> Option<String> {
    if case.class == Class::Whistleblowing {
        return None;
    }
    let helpers = case.helpers.iter().filter(|it| it.done_at.is_none()).map(|it| &it.agency);
    case.lead.iter().chain(helpers).find(|it| reaches(area, it)).cloned()
}

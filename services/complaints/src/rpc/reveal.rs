//! Seeing who reported: one officer asks with a purpose, another one approves, the reporter is told, and the look is open
//! for a while to the one who asked.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::complaints::v1::{
    ApproveRevealRequest, ApproveRevealResponse, GetRevealRequest, GetRevealResponse, ListRevealsRequest,
    ListRevealsResponse, RequestRevealRequest, RequestRevealResponse,
};
use serde_json::json;

use super::case::{Asking, Change};
use super::file_complaint::long_text;
use super::{Core, convert, record};
use crate::domain::workflow;
use crate::domain::{CaseId, RevealId};
use crate::error::{Error, Thing};
use crate::store::reveal::Request;
use crate::store::{self, place, read_place};

const REQUEST: &str = "mpp.complaints.v1.ComplaintsService/RequestReveal";
const APPROVE: &str = "mpp.complaints.v1.ComplaintsService/ApproveReveal";

pub(super) async fn request(
    core: &Core,
    caller: &Caller,
    request: RequestRevealRequest,
) -> Result<RequestRevealResponse, Error> {
    let mut check = Checker::new();
    let case: Option<CaseId> = check.id("complaint", &request.complaint);
    if let Some(case) = case {
        let rules = core.rules().await?;
        core.visible(&core.db.read, caller, case, &rules).await?;
        if !core.reveals(caller, &rules) {
            return Err(Error::Denied);
        }
    }
    let purpose = long_text(&mut check, "purpose", &request.purpose, 20, 1000);
    check.finish()?;
    let case = case.ok_or(Error::NotFound(Thing::Complaint))?;
    let (request, purpose) = (&request, &purpose);
    core.once(caller, REQUEST, (request, &request.request_id), |tx, now| async move {
        let rules = core.rules_in(&tx).await?;
        let found = core.visible(&*tx, caller, case, &rules).await?;
        let reporter = found.case.reporters.iter().find(|it| it.pseudonym == request.reporter);
        let reporter = reporter.ok_or(Error::NotFound(Thing::Reveal))?;
        let reveal = Request {
            id: RevealId::generate(),
            case,
            number: reporter.number.to_string(),
            pseudonym: reporter.pseudonym.clone(),
            purpose: purpose.clone(),
            requested_by: caller.id.clone(),
            requested_at: now,
            approved_by: None,
            approved_at: None,
            open_until: None,
        };
        store::reveal::insert(&tx, &reveal).await?;
        let detail = json!({"reveal": reveal.id.to_string(), "reporter": reveal.pseudonym});
        let what = (caller.id.as_str(), "reveal.requested", &*case.to_string());
        record(&tx, what, detail, &request.request_id, now).await?;
        Ok(RequestRevealResponse { reveal: Some(convert::reveal(&reveal)) })
    })
    .await
}

pub(super) async fn approve(
    core: &Core,
    caller: &Caller,
    request: ApproveRevealRequest,
) -> Result<ApproveRevealResponse, Error> {
    let mut check = Checker::new();
    let id: Option<RevealId> = check.id("reveal", &request.reveal);
    check.finish()?;
    let id = id.ok_or(Error::NotFound(Thing::Reveal))?;
    if store::reveal::find(&core.db.read, id).await?.is_some() && !core.reveals(caller, &*core.rules().await?)
    {
        return Err(Error::Denied);
    }
    let request = &request;
    core.once(caller, APPROVE, (request, &request.request_id), |tx, now| async move {
        let reveal = store::reveal::find(&*tx, id).await?.ok_or(Error::NotFound(Thing::Reveal))?;
        let rules = core.rules_in(&tx).await?;
        let found = core.visible(&*tx, caller, reveal.case, &rules).await.map_err(hide)?;
        if reveal.requested_by == caller.id {
            return Err(Error::OwnRequest);
        }
        let until = now + TimeDelta::hours(i64::from(core.config.reveal_hours));
        if !store::reveal::approve(&tx, id, (&caller.id, until), now).await? {
            return Err(Error::NotWaiting);
        }
        let decision = workflow::reveal(&found.case, &reveal.pseudonym, now);
        let mut change = Change::decided(Some(found), decision, "reveal.approved");
        change.detail.insert("reveal", id.to_string());
        change.detail.insert("requestedBy", reveal.requested_by.clone());
        let asking = Asking { who: &caller.id, request_id: &request.request_id };
        core.save_one(&tx, &rules, change, asking, now).await?;
        let reveal = store::reveal::find(&*tx, id).await?.ok_or(Error::NotFound(Thing::Reveal))?;
        Ok(ApproveRevealResponse { reveal: Some(convert::reveal(&reveal)) })
    })
    .await
}

pub(super) async fn get(
    core: &Core,
    caller: &Caller,
    request: GetRevealRequest,
) -> Result<GetRevealResponse, Error> {
    let mut check = Checker::new();
    let id: Option<RevealId> = check.id("reveal", &request.reveal);
    check.finish()?;
    let id = id.ok_or(Error::NotFound(Thing::Reveal))?;
    let db = &core.db.read;
    let reveal = store::reveal::find(db, id).await?.ok_or(Error::NotFound(Thing::Reveal))?;
    let rules = core.rules().await?;
    core.visible(db, caller, reveal.case, &rules).await.map_err(hide)?;
    if !core.may_see_reveals(caller, &rules) {
        return Err(Error::Denied);
    }
    let mut told = convert::reveal(&reveal);
    let open = reveal.open_until.is_some_and(|until| core.now() < until);
    if open
        && reveal.requested_by == caller.id
        && let Ok(number) = reveal.number.parse()
        && let Some(identity) = store::vault::find(db, &core.vault, number).await?
    {
        let detail = json!({"reveal": id.to_string()});
        core.looked((&caller.id, "reporter.revealed", &reveal.case.to_string()), detail).await?;
        told.contact = Some(convert::contact(&identity));
    }
    Ok(GetRevealResponse { reveal: Some(told) })
}

pub(super) async fn list(
    core: &Core,
    caller: &Caller,
    request: ListRevealsRequest,
) -> Result<ListRevealsResponse, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("reveals {} {}", caller.id, request.waiting_only);
    let after = PageToken::decode(&request.page_token, &filter)?.and_then(|it| read_place(&it));
    let db = &core.db.read;
    let rules = core.rules().await?;
    if !core.may_see_reveals(caller, &rules) {
        return Err(Error::Denied);
    }
    let mut found =
        store::reveal::list(db, request.waiting_only, after.as_ref(), u64::from(size) + 1).await?;
    let next_page_token = cut(&mut found, size, &filter, |it| place(it.requested_at, &it.id.to_string()));
    let ids = found.iter().map(|it| it.case.to_string()).collect();
    let cases = store::complaint::several(db, &core.cipher, ids).await?.into_iter();
    let seen: BTreeSet<_> =
        cases.map(|it| it.case).filter(|it| core.sees(caller, it, &rules)).map(|it| it.id).collect();
    let reveals = found.iter().filter(|it| seen.contains(&it.case)).map(convert::reveal).collect();
    Ok(ListRevealsResponse { reveals, next_page_token })
}

/// What is out of reach is a request that there is not.
fn hide(error: Error) -> Error {
    if matches!(error, Error::NotFound(_)) { Error::NotFound(Thing::Reveal) } else { error }
}

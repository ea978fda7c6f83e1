//! SP4N-LAPOR!: imports of its exports, the ledger of what is what, tracking ids typed in by hand.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::complaints::v1::{
    ImportSp4nFileRequest, ImportSp4nFileResponse, ListSp4nEntriesRequest, ListSp4nEntriesResponse,
    RecordSp4nTrackingRequest, RecordSp4nTrackingResponse,
};
use serde_json::json;

use super::case::Asking;
use super::{Core, convert, record};
use crate::domain::{CaseId, LedgerId};
use crate::error::{Error, Thing};
use crate::intake::lapor::file;
use crate::intake::sync::{self, Taken};
use crate::store;
use crate::store::ledger::{Direction, Entry};

const IMPORT: &str = "mpp.complaints.v1.ComplaintsService/ImportSp4nFile";
const RECORD: &str = "mpp.complaints.v1.ComplaintsService/RecordSp4nTracking";
/// Bytes of an export at most.
const LARGEST: usize = 3 << 20;

pub(super) async fn import(
    core: &Core,
    caller: &Caller,
    request: ImportSp4nFileRequest,
) -> Result<ImportSp4nFileResponse, Error> {
    let mut check = Checker::new();
    let sheet = if request.content.is_empty() || request.content.len() > LARGEST {
        None
    } else {
        file::read(&request.content).ok()
    };
    if sheet.is_none() {
        check.violation(
            "content",
            "UNREADABLE",
            "pilih ekspor LAPOR! berupa CSV atau XLSX, paling besar 3 MB",
            "choose an export of LAPOR! as CSV or XLSX of at most 3 MB",
        );
    }
    check.finish()?;
    let Some(sheet) = sheet else { return Ok(ImportSp4nFileResponse::default()) };
    if !caller.allows("complaints.coordinate", &[("area", core.config.regency.as_str())]) {
        return Err(Error::Denied);
    }
    let (request, sheet) = (&request, &sheet);
    core.once(caller, IMPORT, (request, &request.request_id), |tx, now| async move {
        let rules = core.rules(&*tx).await?;
        let asking = Asking { who: &caller.id, request_id: &request.request_id };
        let mut answer = ImportSp4nFileResponse {
            problems: sheet.bad.iter().map(|it| format!("{}: {}", it.row, it.field)).collect(),
            ..ImportSp4nFileResponse::default()
        };
        for item in &sheet.items {
            match sync::take(core, &tx, &rules, item, asking, now).await? {
                Taken::Created => answer.created += 1,
                Taken::Updated => answer.updated += 1,
                Taken::Unchanged => answer.unchanged += 1,
            }
        }
        let detail = json!({"created": answer.created, "updated": answer.updated, "unchanged": answer.unchanged});
        record(&tx, (&caller.id, "sp4n.imported", "sp4n"), detail, &request.request_id, now).await?;
        Ok(answer)
    })
    .await
}

pub(super) async fn list(
    core: &Core,
    caller: &Caller,
    request: ListSp4nEntriesRequest,
) -> Result<ListSp4nEntriesResponse, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("sp4n {}", request.mismatch_only);
    if !caller.allows("complaints.coordinate", &[("area", core.config.regency.as_str())]) {
        return Ok(ListSp4nEntriesResponse::default());
    }
    let after = PageToken::decode(&request.page_token, &filter)?;
    let (db, limit) = (&core.db.read, u64::from(size) + 1);
    let mut entries = store::ledger::list(db, request.mismatch_only, after.as_deref(), limit).await?;
    let next_page_token = cut(&mut entries, size, &filter, |it| it.id.to_string());
    Ok(ListSp4nEntriesResponse { entries: entries.iter().map(convert::ledger).collect(), next_page_token })
}

pub(super) async fn record_tracking(
    core: &Core,
    caller: &Caller,
    request: RecordSp4nTrackingRequest,
) -> Result<RecordSp4nTrackingResponse, Error> {
    let mut check = Checker::new();
    let case: Option<CaseId> = check.id("complaint", &request.complaint);
    let tracking = check.text("tracking_id", &request.tracking_id, 3, 40);
    let stage = check.text("stage", &request.stage, 0, 60);
    check.finish()?;
    let case = case.ok_or(Error::NotFound(Thing::Complaint))?;
    let (request, tracking, stage) = (&request, &tracking, &stage);
    core.once(caller, RECORD, (request, &request.request_id), |tx, now| async move {
        let rules = core.rules(&*tx).await?;
        let found = core.visible(&*tx, caller, case, &rules).await?;
        if let Some(known) = store::ledger::by_tracking(&*tx, tracking).await?
            && known.case != case.to_string()
        {
            let mut check = Checker::new();
            check.violation(
                "tracking_id",
                "IN_USE",
                "id ini sudah dicatat untuk aduan lain",
                "this id is recorded for another complaint",
            );
            check.finish()?;
        }
        let own = store::ledger::of_case(&*tx, &case.to_string()).await?;
        let known = own.into_iter().find(|it| it.tracking == *tracking || it.tracking.is_empty());
        let entry = Entry {
            id: known.as_ref().map_or_else(LedgerId::generate, |it| it.id),
            tracking: tracking.clone(),
            direction: known.as_ref().map_or(Direction::Out, |it| it.direction),
            case: case.to_string(),
            number: found.case.number.to_string(),
            stage: stage.clone(),
            last_seen_at: Some(now),
            last_pushed_at: known.as_ref().and_then(|it| it.last_pushed_at).or(Some(now)),
            checksum: known.map(|it| it.checksum).unwrap_or_default(),
            mismatch: sync::mismatch(stage, found.case.state.is_closed()),
        };
        store::ledger::save(&tx, &entry).await?;
        let detail = json!({"tracking": tracking, "stage": stage});
        let what = (caller.id.as_str(), "sp4n.recorded", &*case.to_string());
        record(&tx, what, detail, &request.request_id, now).await?;
        Ok(RecordSp4nTrackingResponse { entry: Some(convert::ledger(&entry)) })
    })
    .await
}

//! SP4N-LAPOR!: the file that an admin exports there, the ledger, and the tracking id that an officer types.

use mpp_kit::caller::Caller;
use mpp_kit::fault::{Problem, Text, Violation};
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::complaints::v1::{
    ImportSp4nFileRequest, ImportSp4nFileResponse, ListSp4nEntriesRequest, ListSp4nEntriesResponse,
    RecordSp4nTrackingRequest, RecordSp4nTrackingResponse,
};

use super::{Core, convert};
use crate::domain::words::Part;
use crate::domain::{CaseId, LedgerId};
use crate::error::{Error, Thing};
use crate::intake::lapor::Item;
use crate::intake::lapor::file::{self, Unreadable};
use crate::intake::sync;
use crate::rpc::case::Asking;
use crate::store;
use crate::store::ledger::{Direction, Entry};

const IMPORT: &str = "mpp.complaints.v1.ComplaintsService/ImportSp4nFile";
const RECORD: &str = "mpp.complaints.v1.ComplaintsService/RecordSp4nTracking";
/// Bytes of a file: what its contract allows.
const MAX_FILE: usize = 3 << 20;
/// Items of one file that are imported in one transaction.
const MAX_ITEMS: usize = 5_000;

pub(super) async fn import(
    core: &Core,
    caller: &Caller,
    request: ImportSp4nFileRequest,
) -> Result<ImportSp4nFileResponse, Error> {
    let sheet = read(&request.content)?;
    if !core.coordinates(caller, &*core.rules().await?) {
        return Err(Error::Denied);
    }
    let (request, who) = (&request, caller.who());
    core.once(caller, IMPORT, (request, &request.request_id), |tx, now| async move {
        let rules = core.rules_in(&tx).await?;
        let asking = Asking { who, request_id: &request.request_id };
        let mut answer = ImportSp4nFileResponse::default();
        for item in &sheet.items {
            match sync::take(core, &tx, &rules, item, asking, now).await {
                Ok(sync::Taken::Created) => answer.created += 1,
                Ok(sync::Taken::Updated) => answer.updated += 1,
                Ok(sync::Taken::Unchanged) => answer.unchanged += 1,
                // The rules refuse one; the others are taken all the same.
                Err(Error::Rejected(why)) => answer.problems.push(format!("{}: {why}", item.tracking_id)),
                Err(error) => return Err(error),
            }
        }
        answer.problems.extend(sheet.bad.iter().map(|bad| format!("{}: {}", bad.row, bad.field)));
        let detail = serde_json::json!({
            "created": answer.created, "updated": answer.updated, "unchanged": answer.unchanged,
        });
        super::record(&tx, (who, "sp4n.imported", "sp4n"), detail, &request.request_id, now).await?;
        Ok(answer)
    })
    .await
}

fn read(content: &[u8]) -> Result<file::Sheet, Error> {
    let refuse = |reason, id: String, en: String| {
        let text = Text::new(id, en);
        Err(Problem::invalid(vec![Violation { field: "content".to_owned(), reason, text }]).into())
    };
    let too_large = || {
        refuse(
            "INVALID_LENGTH",
            format!(
                "pilih berkas paling besar 3 MB dan {MAX_ITEMS} baris; berkas yang lebih besar dibagi dulu"
            ),
            format!("choose a file of at most 3 MB and {MAX_ITEMS} rows; split a larger one"),
        )
    };
    if content.len() > MAX_FILE {
        return too_large();
    }
    match file::read(content) {
        Ok(sheet) if sheet.items.len() > MAX_ITEMS => too_large(),
        Ok(sheet) => Ok(sheet),
        Err(Unreadable::TooLarge) => too_large(),
        Err(Unreadable::Format) => refuse(
            "INVALID_TYPE",
            "pilih berkas CSV atau XLSX hasil ekspor SP4N-LAPOR!".to_owned(),
            "choose a CSV or XLSX file exported from SP4N-LAPOR!".to_owned(),
        ),
        Err(Unreadable::Heading(name)) => refuse(
            "MISSING_HEADING",
            format!("berkas ini tidak mempunyai kolom {name:?}: beri judul kolom itu, lalu kirim lagi"),
            format!("the file has no column {name:?}: name it, then send it again"),
        ),
    }
}

pub(super) async fn list(
    core: &Core,
    caller: &Caller,
    request: ListSp4nEntriesRequest,
) -> Result<ListSp4nEntriesResponse, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    if !core.coordinates(caller, &*core.rules().await?) {
        return Ok(ListSp4nEntriesResponse::default());
    }
    let filter = format!("sp4n {} {}", request.mismatch_only, caller.id);
    let before = PageToken::decode(&request.page_token, &filter)?;
    let limit = u64::from(size) + 1;
    let mut rows =
        store::ledger::list(&core.db.read, request.mismatch_only, before.as_deref(), limit).await?;
    let next_page_token = cut(&mut rows, size, &filter, |last| last.id.to_string());
    Ok(ListSp4nEntriesResponse { entries: rows.iter().map(convert::ledger).collect(), next_page_token })
}

pub(super) async fn record_tracking(
    core: &Core,
    caller: &Caller,
    request: RecordSp4nTrackingRequest,
) -> Result<RecordSp4nTrackingResponse, Error> {
    // What is out of reach does not exist, whatever is asked of it.
    if let Ok(case) = request.complaint.parse() {
        let rules = core.rules().await?;
        let record = core.visible(&core.db.read, caller, case, &rules).await?;
        let parts = core.parts(caller, &record.case, &rules);
        if !parts.iter().any(|it| matches!(it, Part::Coordinator | Part::Inspector)) {
            return Err(Error::Denied);
        }
    }
    let tracking = request.tracking_id.trim().trim_start_matches('#').to_owned();
    // The rules of an item hold for what is typed too; its words are not asked for.
    let typed = Item::typed(&tracking);
    if typed.missing().is_some() {
        let text = Text::new(
            "isi nomor laporan (tracking ID) seperti yang ditampilkan SP4N-LAPOR!",
            "give the tracking id as SP4N-LAPOR! shows it",
        );
        let field = "tracking_id".to_owned();
        return Err(Problem::invalid(vec![Violation { field, reason: "INVALID_TRACKING_ID", text }]).into());
    }
    let id: CaseId = request.complaint.parse().map_err(|_| Error::NotFound(Thing::Complaint))?;
    let request = &request;
    core.once(caller, RECORD, (request, &request.request_id), |tx, now| async move {
        let rules = core.rules_in(&tx).await?;
        let record = core.visible(&*tx, caller, id, &rules).await?;
        let known = store::ledger::by_tracking(&*tx, &tracking).await?;
        if known.as_ref().is_some_and(|it| it.case != id.to_string()) {
            return Err(Problem::precondition(
                "TRACKING_ID_TAKEN",
                "Nomor laporan ini sudah dicatat untuk aduan lain.",
                "This tracking id is recorded for another complaint.",
            )
            .into());
        }
        let entry_row = Entry {
            id: known.as_ref().map_or_else(LedgerId::generate, |it| it.id),
            tracking: tracking.clone(),
            direction: known.as_ref().map_or(Direction::Out, |it| it.direction),
            case: id.to_string(),
            number: record.case.number.to_string(),
            stage: request.stage.trim().to_owned(),
            last_seen_at: Some(now),
            // Who says so after something was told and not shown has looked there: it is not told again.
            last_pushed_at: known
                .as_ref()
                .filter(|it| !sync::is_unconfirmed(it))
                .and_then(|it| it.last_pushed_at)
                .or(Some(now)),
            checksum: known.map(|it| it.checksum).unwrap_or_default(),
            mismatch: sync::mismatch(&request.stage, record.case.state.is_closed()),
        };
        store::ledger::save(&tx, &entry_row).await?;
        let detail = serde_json::json!({
            "tracking": tracking, "entry": entry_row.id.to_string(), "stage": entry_row.stage,
            "mismatch": entry_row.mismatch,
        });
        super::record(
            &tx,
            (caller.who(), "sp4n.recorded", &request.complaint),
            detail,
            &request.request_id,
            now,
        )
        .await?;
        Ok(RecordSp4nTrackingResponse { entry: Some(convert::ledger(&entry_row)) })
    })
    .await
}

//! SP4N-LAPOR!: the file that an admin exports there, the item or tracking id that an officer types, what is to be told there, and
//! the ledger of it all.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::{Fault as _, Language, Problem, Text, Violation};
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_kit::wire::count;
use mpp_proto::complaints::v1::{
    ExportSp4nTasksRequest, ExportSp4nTasksResponse, ImportSp4nFileRequest, ImportSp4nFileResponse,
    ListSp4nEntriesRequest, ListSp4nEntriesResponse, ListSp4nTasksRequest, ListSp4nTasksResponse,
    RecordSp4nItemRequest, RecordSp4nItemResponse, RecordSp4nToldRequest, RecordSp4nToldResponse,
    RecordSp4nTrackingRequest, RecordSp4nTrackingResponse, Sp4nItem, Sp4nOutcome, Sp4nRow, Sp4nTask,
    Sp4nTelling, Sp4nText, Sp4nTold,
};
use sea_orm::DatabaseTransaction;

use super::file_complaint::long_text;
use super::{Core, convert};
use crate::domain::words::Part;
use crate::domain::{CaseId, LedgerId, is_inspected};
use crate::error::{Error, Thing};
use crate::intake::lapor::file::{self, BadRow, REPEATED, Unreadable};
use crate::intake::lapor::{Class, Item, Stage};
use crate::intake::sync::{self, Batch, Shown, Since, Taken, Untold};
use crate::rpc::case::{Asking, local};
use crate::rpc::evidence::cell;
use crate::store;
use crate::store::ledger::{Direction, Entry};

const IMPORT: &str = "mpp.complaints.v1.ComplaintsService/ImportSp4nFile";
const ITEM: &str = "mpp.complaints.v1.ComplaintsService/RecordSp4nItem";
const TOLD: &str = "mpp.complaints.v1.ComplaintsService/RecordSp4nTold";
const RECORD: &str = "mpp.complaints.v1.ComplaintsService/RecordSp4nTracking";
/// Bytes of a file: what its contract allows.
const MAX_FILE: usize = 3 << 20;
/// The most items that are exported, or recorded as told, at once.
const MOST_TOLD: usize = 500;
/// Rows that are looked at together for something to tell, and how often before a page ends with what was found.
const ROWS: u64 = 200;
const LOOKS: usize = 20;
/// Rows of one file that are imported in one transaction.
const MAX_ROWS: usize = 5_000;

pub(super) async fn import(
    core: &Core,
    caller: &Caller,
    request: ImportSp4nFileRequest,
) -> Result<ImportSp4nFileResponse, Error> {
    let sheet = read(&request.content)?;
    if !core.coordinates(caller, &*core.rules().await?) {
        return Err(Error::Denied);
    }
    let (request, who, sheet) = (&request, caller.who(), &sheet);
    core.once(caller, IMPORT, (request, &request.request_id), |tx, now| async move {
        store::ledger::take_turns(&tx).await?;
        let rules = core.rules_in(&tx).await?;
        let asking = Asking { who, request_id: &request.request_id };
        let mut batch = Batch::default();
        let mut rows: Vec<Sp4nRow> = sheet.bad.iter().map(|it| unread(it, caller.language)).collect();
        for (item, row) in sheet.items.iter().zip(&sheet.rows) {
            let taken = batch.take(core, &tx, &rules, item, now).await;
            let row = Sp4nRow { row: count(*row), ..became(item, taken, caller.language)? };
            rows.push(row);
        }
        batch.save(core, &tx, &rules, asking, now).await?;
        rows.sort_by_key(|it| it.row);
        lead(&tx, &mut rows).await?;
        let of = |outcome: Sp4nOutcome| count(rows.iter().filter(|it| it.outcome() == outcome).count());
        let refused = rows.iter().filter(|it| it.outcome() == Sp4nOutcome::Refused);
        let mut answer = ImportSp4nFileResponse {
            created: of(Sp4nOutcome::Created),
            updated: of(Sp4nOutcome::Updated),
            unchanged: of(Sp4nOutcome::Unchanged),
            problems: refused.map(|it| format!("{}: {}", it.row, it.reason)).collect(),
            mismatches: 0,
            rows: Vec::new(),
        };
        if request.compare {
            let shown = Shown {
                items: &sheet.items,
                unread: sheet.bad.iter().map(|it| it.tracking_id.as_str()).collect(),
                since: Since::Written(sheet.items.iter().filter_map(|it| it.written_at).min()),
            };
            answer.mismatches = count(sync::compare(&tx, &shown, asking, now).await?);
        }
        let detail = serde_json::json!({
            "created": answer.created, "updated": answer.updated, "unchanged": answer.unchanged,
            "refused": answer.problems.len(),
        });
        super::record(&tx, (who, "sp4n.imported", "sp4n"), detail, &request.request_id, now).await?;
        answer.rows = rows;
        Ok(answer)
    })
    .await
}

/// What became of an item.
fn became(item: &Item, taken: Result<Taken, Error>, language: Language) -> Result<Sp4nRow, Error> {
    let (outcome, reason) = match taken {
        Ok(Taken::Created) => (Sp4nOutcome::Created, String::new()),
        Ok(Taken::Updated) => (Sp4nOutcome::Updated, String::new()),
        Ok(Taken::Unchanged) => (Sp4nOutcome::Unchanged, String::new()),
        // The rules refuse one; the others are taken all the same.
        Err(Error::Rejected(why)) => {
            let problem = Error::Rejected(why).problem();
            (Sp4nOutcome::Refused, problem.text.in_language(language).to_owned())
        }
        Err(error) => return Err(error),
    };
    let tracking_id = item.tracking_id.clone();
    Ok(Sp4nRow { tracking_id, outcome: outcome.into(), reason, ..Sp4nRow::default() })
}

/// What is told of a row that is no item.
fn unread(bad: &BadRow, language: Language) -> Sp4nRow {
    let text = match bad.fault {
        "written_at" => Text::new(
            "Tanggal laporannya tidak terbaca. Tulis seperti 23/11/2026 07:00.",
            "Its date cannot be read. Write it as 23/11/2026 07:00.",
        ),
        "text" => Text::new("Judul dan isinya kosong.", "It has no title and no text."),
        REPEATED => Text::new(
            "Nomor laporan ini sudah ada di baris sebelumnya.",
            "This tracking id stands in a row above already.",
        ),
        _ => Text::new(
            "Nomor laporan (tracking ID) kosong atau bukan nomor LAPOR!.",
            "The tracking id is missing or none of LAPOR!.",
        ),
    };
    Sp4nRow {
        row: count(bad.row),
        tracking_id: bad.tracking_id.clone(),
        outcome: Sp4nOutcome::Refused.into(),
        reason: text.in_language(language).to_owned(),
        ..Sp4nRow::default()
    }
}

/// Lets rows lead to their cases; to those of the inspectorate nothing leads.
async fn lead(tx: &DatabaseTransaction, rows: &mut [Sp4nRow]) -> Result<(), Error> {
    let ids: Vec<&str> = rows.iter().map(|it| it.tracking_id.as_str()).filter(|it| !it.is_empty()).collect();
    let known = store::ledger::of_tracking(tx, &ids).await?;
    let known: BTreeMap<String, Entry> = known.into_iter().map(|it| (it.tracking.clone(), it)).collect();
    for row in rows {
        if let Some(entry) = known.get(&row.tracking_id) {
            (row.complaint_id, row.number) = (entry.case.clone(), entry.number.clone());
        }
    }
    Ok(())
}

pub(super) async fn record_item(
    core: &Core,
    caller: &Caller,
    request: RecordSp4nItemRequest,
) -> Result<RecordSp4nItemResponse, Error> {
    if !core.coordinates(caller, &*core.rules().await?) {
        return Err(Error::Denied);
    }
    let item = &typed(request.item.clone().unwrap_or_default(), core.now())?;
    let request = &request;
    core.once(caller, ITEM, (request, &request.request_id), |tx, now| async move {
        store::ledger::take_turns(&tx).await?;
        let rules = core.rules_in(&tx).await?;
        let asking = Asking { who: caller.who(), request_id: &request.request_id };
        // Alone, what the rules refuse is refused.
        let mut batch = Batch::default();
        let taken = batch.take(core, &tx, &rules, item, now).await?;
        batch.save(core, &tx, &rules, asking, now).await?;
        let mut row = became(item, Ok(taken), caller.language)?;
        lead(&tx, std::slice::from_mut(&mut row)).await?;
        let detail =
            serde_json::json!({"tracking": item.tracking_id, "outcome": row.outcome().as_str_name()});
        super::record(&tx, (asking.who, "sp4n.typed", "sp4n"), detail, asking.request_id, now).await?;
        Ok(RecordSp4nItemResponse { row: Some(row) })
    })
    .await
}

/// An item as somebody typed it.
fn typed(it: Sp4nItem, now: DateTime<Utc>) -> Result<Item, Error> {
    let mut check = Checker::new();
    let stage_label = check.text("item.stage", &it.stage, 1, 60);
    let reporter = check.text("item.reporter", &it.reporter, 0, 100);
    let written_at = convert::moment(it.written_at.as_ref());
    if written_at.is_some_and(|at| at > now) {
        check.violation(
            "item.written_at",
            "IN_FUTURE",
            "isi waktu yang sudah lewat",
            "give a time that has passed",
        );
    }
    let item = Item {
        tracking_id: plain_tracking(&it.tracking_id),
        title: check.text("item.title", &it.title, 0, 200),
        text: long_text(&mut check, "item.text", &it.text, 0, 8_000),
        class: Class::from_label(&check.text("item.classification", &it.classification, 0, 60)),
        category: check.text("item.category", &it.category, 0, 100),
        stage: Stage::from_label(&stage_label),
        stage_label,
        written_at,
        reporter: Some(reporter).filter(|name| !it.anonymous && !name.is_empty()),
        anonymous: it.anonymous,
        secret: it.secret,
        place: check.text("item.place", &it.place, 0, 300),
    };
    match item.missing() {
        None => {}
        Some("text") => check.violation(
            "item.text",
            "REQUIRED",
            "isi judul atau isi laporannya",
            "give its title or its text",
        ),
        Some(_) => {
            let text = wrong_tracking();
            check.violation("item.tracking_id", "INVALID_TRACKING_ID", text.id, text.en);
        }
    }
    check.finish()?;
    Ok(item)
}

/// A tracking id without what people write around it.
fn plain_tracking(typed: &str) -> String {
    typed.trim().trim_start_matches('#').to_owned()
}

fn wrong_tracking() -> Text {
    Text::new(
        "isi nomor laporan (tracking ID) seperti yang ditampilkan SP4N-LAPOR!",
        "give the tracking id as SP4N-LAPOR! shows it",
    )
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
                "pilih berkas paling besar 3 MB dan {MAX_ROWS} baris; berkas yang lebih besar dibagi dulu"
            ),
            format!("choose a file of at most 3 MB and {MAX_ROWS} rows; split a larger one"),
        )
    };
    if content.len() > MAX_FILE {
        return too_large();
    }
    match file::read(content) {
        Ok(sheet) if sheet.items.len() + sheet.bad.len() > MAX_ROWS => too_large(),
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

/// Tasks from a row on with the texts that are `wanted`, at most so many; and the row to go on from, none when there are no more.
async fn tasks_from(
    core: &Core,
    before: Option<String>,
    most: usize,
    wanted: impl Fn(&Untold) -> bool,
) -> Result<(Vec<Sp4nTask>, Option<String>), Error> {
    let db = &core.db.read;
    let rules = core.rules().await?;
    let (mut tasks, mut before) = (Vec::new(), before);
    for _ in 0..LOOKS {
        let rows = store::ledger::changed(db, before.as_deref(), ROWS).await?;
        let full = rows.len() as u64 == ROWS;
        let ids = rows.iter().map(|it| it.case.clone()).collect();
        let cases = store::complaint::several(db, &core.cipher, ids).await?;
        let cases: BTreeMap<String, _> = cases.into_iter().map(|it| (it.case.id.to_string(), it)).collect();
        for row in rows {
            before = Some(row.id.to_string());
            let Some(record) = cases.get(&row.case) else { continue };
            let texts: Vec<Sp4nText> =
                sync::untold(&record.case, &row, &rules).into_iter().filter(&wanted).map(text).collect();
            if texts.is_empty() {
                continue;
            }
            tasks.push(Sp4nTask { entry: Some(convert::ledger(&row)), texts });
            if tasks.len() == most {
                return Ok((tasks, before));
            }
        }
        if !full {
            return Ok((tasks, None));
        }
    }
    Ok((tasks, before))
}

fn text(it: Untold) -> Sp4nText {
    Sp4nText { kind: it.kind, text: it.text, time: Some(convert::timestamp(it.at)), pasted: it.pasted }
}

pub(super) async fn tasks(
    core: &Core,
    caller: &Caller,
    request: ListSp4nTasksRequest,
) -> Result<ListSp4nTasksResponse, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    if !core.coordinates(caller, &*core.rules().await?) {
        return Err(Error::Denied);
    }
    let filter = format!("sp4n tasks {}", caller.id);
    let before = PageToken::decode(&request.page_token, &filter)?;
    let (tasks, next) = tasks_from(core, before, size as usize, |_| true).await?;
    Ok(ListSp4nTasksResponse {
        tasks,
        next_page_token: next.map(|it| PageToken::encode(&it, &filter)).unwrap_or_default(),
        by_interface: !core.config.channels.sp4n.base_url.is_empty(),
    })
}

pub(super) async fn export(
    core: &Core,
    caller: &Caller,
    _: ExportSp4nTasksRequest,
) -> Result<ExportSp4nTasksResponse, Error> {
    let rules = core.rules().await?;
    if !core.coordinates(caller, &rules) {
        return Err(Error::Denied);
    }
    let (mut tasks, mut before) = (Vec::new(), None);
    loop {
        let most = MOST_TOLD - tasks.len();
        let (found, next) = tasks_from(core, before, most, |it| !it.pasted).await?;
        tasks.extend(found);
        before = next;
        if before.is_none() || tasks.len() == MOST_TOLD {
            break;
        }
    }
    let mut content = "Tracking ID,Nomor Aduan,Jenis,Waktu,Isi\r\n".to_owned();
    for task in &tasks {
        let entry = task.entry.clone().unwrap_or_default();
        for text in &task.texts {
            let at = convert::moment(text.time.as_ref()).map(|at| local(&rules, at)).unwrap_or_default();
            let cells = [&entry.tracking_id, &entry.number, &text.kind, &at].map(|it| cell(it)).join(",");
            content.push_str(&format!("{cells},{}\r\n", verbatim(&text.text)));
        }
    }
    let told = tasks.into_iter().filter_map(|task| {
        let until = task.texts.last()?.time;
        Some(Sp4nTold { entry: task.entry?.id, until })
    });
    Ok(ExportSp4nTasksResponse {
        content: content.into_bytes(),
        file_name: format!("jawaban-lapor-{}.csv", rules.date(core.now())),
        told: told.collect(),
    })
}

/// A cell with a text that is pasted elsewhere as it stands (RFC 4180): quoted, with its line breaks. A blank keeps what begins like
/// a formula from being one to a spreadsheet, and changes no word.
fn verbatim(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { " " } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

pub(super) async fn record_told(
    core: &Core,
    caller: &Caller,
    request: RecordSp4nToldRequest,
) -> Result<RecordSp4nToldResponse, Error> {
    if !core.coordinates(caller, &*core.rules().await?) {
        return Err(Error::Denied);
    }
    let (telling, told) = read_told(&request)?;
    let (request, told) = (&request, &told);
    core.once(caller, TOLD, (request, &request.request_id), |tx, now| async move {
        store::ledger::take_turns(&tx).await?;
        let rules = core.rules_in(&tx).await?;
        let mut entries = Vec::new();
        for (id, until) in told {
            // One that is gone, or the inspectorate's by now, keeps no other of the list from being recorded. It is not in the
            // answer.
            let Some(mut row) = store::ledger::hold(&tx, *id).await? else { continue };
            let Ok(case) = row.case.parse::<CaseId>() else { continue };
            let found = store::complaint::find(&*tx, &core.cipher, case).await?;
            let Some(case) = found.map(|it| it.case).filter(|it| !is_inspected(it.desk())) else { continue };
            // Of what there is to tell, and no more: an answer that was given meanwhile is not told.
            let texts = sync::untold(&case, &row, &rules).into_iter().filter(|it| it.at <= *until);
            let texts: Vec<Untold> = match telling {
                Telling::Pasted => texts.filter(|it| !it.pasted).collect(),
                Telling::Shown => texts.collect(),
                Telling::NotShown => texts.filter(|it| it.pasted).collect(),
            };
            if let Some(last) = texts.iter().map(|it| it.at).max() {
                match telling {
                    Telling::Pasted => sync::pasted(&mut row, last),
                    Telling::Shown => sync::confirmed(&mut row, last, case.state.is_closed()),
                    Telling::NotShown => sync::not_shown(&mut row, case.state.is_closed()),
                }
                store::ledger::save(&tx, &row).await?;
                let detail = serde_json::json!({
                    "tracking": row.tracking, "stage": row.stage, "mismatch": row.mismatch,
                    "telling": request.telling().as_str_name(), "texts": texts.len(),
                });
                let about = (caller.who(), "sp4n.told", &*row.id.to_string());
                super::record(&tx, about, detail, &request.request_id, now).await?;
            }
            entries.push(convert::ledger(&row));
        }
        Ok(RecordSp4nToldResponse { entries })
    })
    .await
}

/// What is known of texts there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling {
    Pasted,
    Shown,
    NotShown,
}

/// What is recorded, in the order of the rows, so that two who record at once never wait for each other.
fn read_told(request: &RecordSp4nToldRequest) -> Result<(Telling, BTreeMap<LedgerId, DateTime<Utc>>), Error> {
    let mut check = Checker::new();
    if !(1..=MOST_TOLD).contains(&request.told.len()) {
        check.violation(
            "told",
            "INVALID_LENGTH",
            format!("isi 1 sampai {MOST_TOLD} laporan"),
            format!("give 1 to {MOST_TOLD} items"),
        );
    }
    let telling = match request.telling() {
        Sp4nTelling::Pasted => Telling::Pasted,
        Sp4nTelling::Shown => Telling::Shown,
        Sp4nTelling::NotShown => Telling::NotShown,
        Sp4nTelling::Unspecified => {
            check.unknown_value("telling");
            Telling::NotShown
        }
    };
    let mut told = BTreeMap::new();
    for (at, one) in request.told.iter().enumerate().take(MOST_TOLD) {
        let id: Option<LedgerId> = check.id(&format!("told[{at}].entry"), &one.entry);
        match (id, convert::moment(one.until.as_ref())) {
            (Some(id), Some(until)) => {
                let latest: &mut DateTime<Utc> = told.entry(id).or_insert(until);
                *latest = until.max(*latest);
            }
            (_, None) => check.violation(
                format!("told[{at}].until"),
                "REQUIRED",
                "isi waktu teks terakhir yang disampaikan",
                "give the time of the last text that was told",
            ),
            (None, Some(_)) => {}
        }
    }
    check.finish()?;
    Ok((telling, told))
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
    let tracking = plain_tracking(&request.tracking_id);
    // The rules of an item hold for what is typed too; its words are not asked for.
    let typed = Item::typed(&tracking);
    if typed.missing().is_some() {
        let field = "tracking_id".to_owned();
        let (reason, text) = ("INVALID_TRACKING_ID", wrong_tracking());
        return Err(Problem::invalid(vec![Violation { field, reason, text }]).into());
    }
    let id: CaseId = request.complaint.parse().map_err(|_| Error::NotFound(Thing::Complaint))?;
    let (request, tracking) = (&request, &tracking);
    core.once(caller, RECORD, (request, &request.request_id), |tx, now| async move {
        store::ledger::take_turns(&tx).await?;
        let rules = core.rules_in(&tx).await?;
        let mut record = core.visible(&*tx, caller, id, &rules).await?;
        // What is answered to it is said on the case that it was merged into.
        while let Some(into) = record.case.merged_into {
            record = core.visible(&*tx, caller, into, &rules).await?;
        }
        let id = record.case.id;
        let known = store::ledger::by_tracking(&*tx, tracking).await?;
        if known.as_ref().is_some_and(|it| it.case != id.to_string()) {
            return Err(Problem::precondition(
                "TRACKING_ID_TAKEN",
                "Nomor laporan ini sudah dicatat untuk aduan lain.",
                "This tracking id is recorded for another complaint.",
            )
            .into());
        }
        let known = match known {
            Some(known) => store::ledger::hold(&tx, known.id).await?,
            None => None,
        };
        let entry_row = Entry {
            id: known.as_ref().map_or_else(LedgerId::generate, |it| it.id),
            tracking: tracking.clone(),
            direction: known.as_ref().map_or(Direction::Out, |it| it.direction),
            case: id.to_string(),
            number: record.case.number.to_string(),
            stage: request.stage.trim().to_owned(),
            last_seen_at: Some(now),
            last_pushed_at: match &known {
                // Who says so after something was told and not shown has looked there: it is not told again.
                Some(it) if sync::is_unconfirmed(it) => it.pasted_until.or(Some(now)),
                Some(it) => it.last_pushed_at,
                None => Some(now),
            },
            pasted_until: None,
            written_at: known.as_ref().map_or(Some(now), |it| it.written_at),
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
            (caller.who(), "sp4n.recorded", &*id.to_string()),
            detail,
            &request.request_id,
            now,
        )
        .await?;
        Ok(RecordSp4nTrackingResponse { entry: Some(convert::ledger(&entry_row)) })
    })
    .await
}

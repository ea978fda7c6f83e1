//! SP4N-LAPOR! by hand: the file that is exported there or one report that is typed in comes here, what is answered here is pasted
//! there and confirmed once it is seen, and the page shows where the two sides disagree. With the interface it is told by itself,
//! and the same page shows what was not.

use askama::Template;
use axum::extract::{Request, State};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::complaints::v1::{
    ExportSp4nTasksRequest, ImportSp4nFileRequest, ListSp4nEntriesRequest, ListSp4nTasksRequest,
    RecordSp4nItemRequest, RecordSp4nToldRequest, Sp4nEntry, Sp4nItem, Sp4nOutcome, Sp4nRow, Sp4nTask,
    Sp4nTelling, Sp4nText, Sp4nTold,
};
use prost_types::Timestamp;
use uuid::Uuid;

use super::{
    WebState,
    cases::READ,
    complaints::{self, Ground},
    fields::{self, Choice, Faults, Input},
    form::Sent,
    moment::{self, Zone},
    pages,
    visit::{Answer, Frame, Menu, Viewer, Visit},
    words::Words,
};
use crate::problem;

/// Bytes of a file: what the contract allows.
const MAX_FILE: usize = 3 << 20;
/// Klasifikasi in the words of LAPOR!, with what it is called here.
const CLASSES: [(&str, &str); 4] = [
    ("Pengaduan", "class.pengaduan"),
    ("Aspirasi", "class.aspirasi"),
    ("Permintaan Informasi", "class.informasi"),
    ("Pengaduan Berkadar Pengawasan", "class.pelanggaran"),
];
/// Stages in the words of LAPOR!, to choose from; another word may be typed.
const STAGES: [&str; 7] =
    ["Baru", "Terverifikasi", "Ditunda", "Diproses", "Selesai", "Diarsipkan", "Bukan Wewenang"];

#[derive(Template)]
#[template(path = "sp4n.html")]
struct Page {
    p: Frame,
    here: &'static str,
    menu: Menu,
    by_interface: bool,
    /// What is to be pasted.
    tasks: Vec<Task>,
    /// What was pasted, and nobody saw there yet.
    waiting: Vec<Task>,
    next: String,
    mismatches: Vec<Line>,
    next_mismatch: String,
    key: String,
    all_key: String,
    item_key: String,
    done: String,
    error: String,
    refused: Vec<Row>,
    taken: Vec<Row>,
    summary: Vec<(String, String, String)>,
    inputs: Vec<Input>,
    stages: [&'static str; 7],
    /// What can be ticked: its name, its words, and whether it is.
    flags: Vec<(&'static str, String, bool)>,
}

/// What of an item is to be pasted, or was.
struct Task {
    /// The same in an id of the page.
    id: String,
    tracking: String,
    complaint: String,
    number: String,
    stage: String,
    texts: Vec<Text>,
    told: String,
    key: String,
    other_key: String,
}

struct Text {
    id: String,
    kind: String,
    at: String,
    text: String,
    rows: usize,
}

/// A row where the two sides disagree.
struct Line {
    tracking: String,
    complaint: String,
    number: String,
    stage: String,
    why: String,
    seen: String,
}

/// What became of a row of a file.
struct Row {
    /// Which row, with its tracking id.
    place: String,
    outcome: String,
    reason: String,
    complaint: String,
    number: String,
}

/// What the page says beside what there is.
#[derive(Default)]
struct Told {
    done: String,
    error: String,
    rows: Vec<Sp4nRow>,
    /// What was typed into the form for one report, with what is wrong with it.
    typed: Sent,
    faults: Faults,
}

/// `lpr_…@seconds.nanos`: what a button is about.
fn told(entry: &str, until: Option<Timestamp>) -> String {
    let until = until.unwrap_or_default();
    format!("{entry}@{}.{}", until.seconds, until.nanos)
}

fn read_told(written: &str) -> Option<Sp4nTold> {
    let (entry, until) = written.split_once('@')?;
    let (seconds, nanos) = until.split_once('.')?;
    let until = Timestamp { seconds: seconds.parse().ok()?, nanos: nanos.parse().ok()? };
    Some(Sp4nTold { entry: entry.to_owned(), until: Some(until) })
}

/// The texts of a task that were pasted, or those that were not; `None` if there are none.
fn task(one: &Sp4nTask, pasted: bool, zone: Zone, visit: &Visit) -> Option<Task> {
    let entry = one.entry.clone().unwrap_or_default();
    let t = visit.words();
    let texts: Vec<(usize, &Sp4nText)> =
        one.texts.iter().enumerate().filter(|(_, it)| it.pasted == pasted).collect();
    let until = texts.last()?.1.time;
    let id = fields::id_of(&entry.tracking_id);
    let text = |(at, text): (usize, &Sp4nText)| Text {
        id: format!("teks-{id}-{at}"),
        kind: complaints::keyed("sp4n.kind", &text.kind, t),
        at: moment::moment(text.time, zone, visit.language),
        rows: (text.text.chars().count() / 60 + text.text.lines().count()).clamp(2, 12),
        text: text.text.clone(),
    };
    Some(Task {
        texts: texts.into_iter().map(text).collect(),
        told: told(&entry.id, until),
        tracking: entry.tracking_id,
        complaint: entry.complaint_id,
        number: entry.number,
        stage: entry.stage,
        key: Uuid::new_v4().to_string(),
        other_key: Uuid::new_v4().to_string(),
        id,
    })
}

fn line(one: &Sp4nEntry, zone: Zone, visit: &Visit) -> Line {
    Line {
        tracking: one.tracking_id.clone(),
        complaint: one.complaint_id.clone(),
        number: one.number.clone(),
        stage: one.stage.clone(),
        why: complaints::keyed("sp4n.why", &one.mismatch, visit.words()),
        seen: moment::moment(one.last_seen_at, zone, visit.language),
    }
}

fn outcome_words(outcome: Sp4nOutcome, t: &Words) -> String {
    let word = match outcome {
        Sp4nOutcome::Unspecified => return String::new(),
        Sp4nOutcome::Created => "sp4n.created",
        Sp4nOutcome::Updated => "sp4n.updated",
        Sp4nOutcome::Unchanged => "sp4n.unchanged",
        Sp4nOutcome::Refused => "sp4n.not_taken",
    };
    t[word].clone()
}

fn row(one: &Sp4nRow, t: &Words) -> Row {
    let mut place = t.say("sp4n.row", &[("n", &one.row)]);
    if !one.tracking_id.is_empty() {
        place.push_str(&format!(" · LAPOR! #{}", one.tracking_id));
    }
    Row {
        place,
        outcome: outcome_words(one.outcome(), t),
        reason: one.reason.clone(),
        complaint: one.complaint_id.clone(),
        number: one.number.clone(),
    }
}

/// The form for one report.
fn inputs(told: &Told, visit: &Visit) -> Vec<Input> {
    let t = visit.words();
    let line = |name: &str, required: bool, max_length: i32| Input {
        required,
        max_length,
        ..fields::line(name, &format!("sp4n.{name}"), &told.typed, &told.faults, visit)
    };
    let class = told.typed.get("klasifikasi");
    let classes = CLASSES.iter().enumerate().map(|(at, (value, words))| Choice {
        value: (*value).to_owned(),
        label: t[*words].clone(),
        chosen: *value == class || class.is_empty() && at == 0,
        ..Choice::default()
    });
    vec![
        line("nomor", true, 40),
        line("judul", false, 200),
        Input { shape: "area", kind: "", ..line("uraian", true, 8_000) },
        Input { shape: "select", kind: "", choices: classes.collect(), ..line("klasifikasi", true, 0) },
        Input { list: "tahap-lapor", ..line("tahap", true, 60) },
        Input { kind: "datetime-local", ..line("ditulis", false, 0) },
        line("lokasi", false, 300),
        line("pelapor", false, 100),
    ]
}

/// The input that a field of the request stands for.
fn input_of(field: &str) -> String {
    let name = match field {
        "item.tracking_id" => "nomor",
        "item.title" => "judul",
        "item.text" => "uraian",
        "item.classification" => "klasifikasi",
        "item.stage" => "tahap",
        "item.written_at" => "ditulis",
        "item.place" => "lokasi",
        "item.reporter" => "pelapor",
        _ => "",
    };
    name.to_owned()
}

/// `/aduan/sp4n`, for who coordinates by grant or by appointment, which the service knows.
pub(crate) async fn page(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let told = match visit.parameter("tersimpan") {
        Some(_) => Told { done: visit.words()["sp4n.told"].clone(), ..Told::default() },
        None => Told::default(),
    };
    show(&state, &visit, &viewer, told, StatusCode::OK).await
}

async fn show(state: &WebState, visit: &Visit, viewer: &Viewer, told: Told, http: StatusCode) -> Answer {
    let token = |name: &str| visit.parameter(name).unwrap_or_default().to_owned();
    let tasks = ListSp4nTasksRequest { page_size: complaints::LINES, page_token: token("halaman") };
    let mismatches = ListSp4nEntriesRequest {
        mismatch_only: true,
        page_size: complaints::LINES,
        page_token: token("beda"),
    };
    let (mut one, mut other) = (state.complaints.clone(), state.complaints.clone());
    let (tasks, mismatches, ground) = tokio::join!(
        one.list_sp4n_tasks(visit.call(tasks, Some(viewer))),
        other.list_sp4n_entries(visit.call(mismatches, Some(viewer))),
        Ground::of(state, visit),
    );
    let tasks = tasks.map_err(|status| visit.refused(&status))?.into_inner();
    let mismatches = mismatches.map_err(|status| visit.refused(&status))?.into_inner();
    let (t, zone) = (visit.words(), ground.zone);
    let of = |pasted: bool| tasks.tasks.iter().filter_map(|it| task(it, pasted, zone, visit)).collect();
    let inputs = inputs(&told, visit);
    let places = inputs.iter().map(|it| (it.name.as_str(), it.id.as_str(), it.label.as_str()));
    let summary = told.faults.summary(places);
    let (refused, taken): (Vec<&Sp4nRow>, Vec<&Sp4nRow>) =
        told.rows.iter().partition(|it| it.outcome() == Sp4nOutcome::Refused);
    let flag = |name: &'static str, words: &str| (name, t[words].clone(), told.typed.get(name) == "ya");
    let page = Page {
        p: visit.frame(),
        here: "aduan",
        menu: Menu::of(viewer),
        by_interface: tasks.by_interface,
        tasks: of(false),
        waiting: of(true),
        mismatches: mismatches.entries.iter().map(|one| line(one, zone, visit)).collect(),
        next_mismatch: mismatches.next_page_token,
        key: Uuid::new_v4().to_string(),
        all_key: Uuid::new_v4().to_string(),
        // The same for the same report that is sent once more after no answer came.
        item_key: fields::form_key(&told.typed),
        refused: refused.into_iter().map(|one| row(one, t)).collect(),
        taken: taken.into_iter().map(|one| row(one, t)).collect(),
        summary,
        inputs,
        stages: STAGES,
        flags: vec![flag("anonim", "sp4n.anonim"), flag("rahasia", "sp4n.rahasia")],
        done: told.done,
        error: told.error,
        next: tasks.next_page_token,
    };
    Ok(visit.page(http, &page))
}

/// Takes the file that was exported at LAPOR!.
pub(crate) async fn import(State(state): State<WebState>, visit: Visit, request: Request) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let sent = Sent::with_files(request, state.form_limit, state.file_limit).await;
    let t = visit.words();
    let wrong = match sent.file("berkas") {
        Some(file) if file.too_large || file.content.len() > MAX_FILE => Some("sp4n.too_large"),
        Some(_) => None,
        None if sent.cut => Some("sp4n.too_large"),
        None => Some("sp4n.no_file"),
    };
    if let Some(key) = wrong {
        let told = Told { error: t[key].clone(), ..Told::default() };
        return show(&state, &visit, &viewer, told, StatusCode::BAD_REQUEST).await;
    }
    let content = sent.file("berkas").map(|file| file.content.clone()).unwrap_or_default();
    let request_id = fields::form_key(&sent);
    let import = ImportSp4nFileRequest { request_id, content, compare: sent.get("lengkap") == "ya" };
    match state.complaints.clone().import_sp4n_file(visit.call(import, Some(&viewer))).await {
        // Shown at once: what became of each row stands nowhere else.
        Ok(answer) => {
            let answer = answer.into_inner();
            let mut done = t.say(
                "sp4n.imported",
                &[
                    ("created", &answer.created),
                    ("updated", &answer.updated),
                    ("unchanged", &answer.unchanged),
                    ("refused", &answer.problems.len()),
                ],
            );
            if answer.mismatches > 0 {
                done.push(' ');
                done.push_str(&t.say("sp4n.differs", &[("n", &answer.mismatches)]));
            }
            let told = Told { done, rows: answer.rows, ..Told::default() };
            show(&state, &visit, &viewer, told, StatusCode::OK).await
        }
        Err(status) => {
            let faults = Faults::placed(&status, &visit, |_| String::new());
            let told = Told { error: faults.of(""), ..Told::default() };
            show(&state, &visit, &viewer, told, problem::http_status(status.code())).await
        }
    }
}

/// Takes one report that was typed in.
pub(crate) async fn add(State(state): State<WebState>, visit: Visit, body: Bytes) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let mut sent = Sent::plain(&body);
    let request_id = fields::settle_key(&mut sent);
    let zone = Ground::of(&state, &visit).await.zone;
    let written_at = moment::read(sent.get("ditulis"), zone);
    let t = visit.words();
    if written_at.is_none() && !sent.get("ditulis").is_empty() {
        let mut faults = Faults::default();
        faults.note("ditulis", t["report.bad_time"].clone());
        let told = Told { typed: sent, faults, ..Told::default() };
        return show(&state, &visit, &viewer, told, StatusCode::BAD_REQUEST).await;
    }
    let text = |name: &str| sent.get(name).to_owned();
    let item = Sp4nItem {
        tracking_id: text("nomor"),
        title: text("judul"),
        text: text("uraian"),
        classification: text("klasifikasi"),
        category: String::new(),
        stage: text("tahap"),
        written_at,
        reporter: text("pelapor"),
        anonymous: sent.get("anonim") == "ya",
        secret: sent.get("rahasia") == "ya",
        place: text("lokasi"),
    };
    let request = RecordSp4nItemRequest { request_id, item: Some(item) };
    match state.complaints.clone().record_sp4n_item(visit.call(request, Some(&viewer))).await {
        Ok(answer) => {
            let row = answer.into_inner().row.unwrap_or_default();
            let mut done = format!("LAPOR! #{}: {}", row.tracking_id, outcome_words(row.outcome(), t));
            if !row.number.is_empty() {
                done.push_str(&format!(" · {}", row.number));
            }
            show(&state, &visit, &viewer, Told { done, ..Told::default() }, StatusCode::OK).await
        }
        Err(status) => {
            fields::renew_key(&mut sent, &status);
            let faults = Faults::placed(&status, &visit, input_of);
            let told = Told { typed: sent, faults, ..Told::default() };
            show(&state, &visit, &viewer, told, problem::http_status(status.code())).await
        }
    }
}

/// What is known of texts at LAPOR!: pasted, shown, not shown.
pub(crate) async fn record(State(state): State<WebState>, visit: Visit, body: Bytes) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let sent = Sent::plain(&body);
    let telling = match sent.get("kabar") {
        "ditempel" => Sp4nTelling::Pasted,
        "tampak" => Sp4nTelling::Shown,
        "tidak-tampak" => Sp4nTelling::NotShown,
        _ => Sp4nTelling::Unspecified,
    };
    let told = sent.all("laporan").filter_map(read_told).collect();
    let request =
        RecordSp4nToldRequest { request_id: fields::form_key(&sent), told, telling: telling.into() };
    let answer = state.complaints.clone().record_sp4n_told(visit.call(request, Some(&viewer))).await;
    answer.map_err(|status| visit.refused(&status))?;
    Ok(visit.redirect("/aduan/sp4n?tersimpan=1"))
}

/// What is to be pasted, as a file.
pub(crate) async fn export(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let request = ExportSp4nTasksRequest {};
    let answer = state.complaints.clone().export_sp4n_tasks(visit.call(request, Some(&viewer))).await;
    let file = answer.map_err(|status| visit.refused(&status))?.into_inner();
    Ok(visit.file(file.content, "text/csv", Some(&file.file_name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_11_a_button_names_what_was_told() {
        let until = Some(Timestamp { seconds: 1_795_395_600, nanos: 123_456_000 });
        let written = told("lpr_1", until);
        assert_eq!(read_told(&written), Some(Sp4nTold { entry: "lpr_1".to_owned(), until }));
        for wrong in ["", "lpr_1", "lpr_1@x.y", "lpr_1@1"] {
            assert_eq!(read_told(wrong), None, "{wrong}");
        }
    }
}

//! Surat massal: many letters of one type at once, from a table that was written in a spreadsheet, such as a letter for
//! everybody on a list of aid or in a class of a school. Every row is checked before the first is handed in; what is handed in
//! then goes its way like any other application. The pages work without a script.

use askama::Template;
use axum::extract::{Path, Request, State};
use futures::{StreamExt as _, stream};
use http::StatusCode;
use mpp_kit::fault::Language;
use mpp_proto::documents::v1::{
    ApplicationStatus, FieldKind, FormField, LetterType, SubmitApplicationRequest,
};
use tonic::{Code, Status};
use uuid::Uuid;

use super::{
    WebState,
    apply::{self, Village},
    fields::{self, Faults},
    form::Sent,
    letters::{self, told},
    pages,
    visit::{Answer, Frame, Menu, Viewer, Visit},
    words::Words,
};

/// The permission of everybody who works on applications.
const WORK: &str = "documents.work";
/// The most letters at once: what one answer of a browser waits for.
const MOST: usize = 50;
/// The most bytes of a table: far more than its rows need, and what one field of a form holds.
const LARGEST: usize = 200 << 10;
/// Rows that are asked about at once.
const AT_ONCE: usize = 4;

#[derive(Template)]
#[template(path = "massal.html")]
struct ListPage {
    p: Frame,
    menu: Menu,
    types: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "massal_jenis.html")]
struct BulkPage {
    p: Frame,
    menu: Menu,
    key: String,
    title: String,
    request_id: String,
    columns: Vec<Shown>,
    most: usize,
    villages: Vec<Village>,
    village: String,
    optional_step: String,
    with_optional: bool,
    lead: String,
    /// The papers that have to be seen at the office, as no table holds them; none where the type asks for none.
    papers: Vec<String>,
    papers_seen: bool,
    /// What the table that was sent came to.
    came: Outcome,
}

/// A column as the page explains it.
struct Shown {
    title: String,
    required: bool,
    help: String,
}

/// A row that was handed in.
struct Done {
    line: u64,
    name: String,
    code: String,
}

/// A column of the table.
struct Column<'k> {
    /// The input of the form that it stands for.
    name: String,
    /// What it may be headed with.
    heads: Vec<String>,
    /// What it is headed with in the language of the page.
    title: String,
    required: bool,
    /// The field of the type; `None` for what every form asks.
    field: Option<&'k FormField>,
}

/// A row of the table.
struct Row {
    /// Its line in the file.
    line: u64,
    /// The form that it fills in.
    sent: Sent,
    /// What stands in its cells, for the key of its request.
    cells: String,
}

/// Whether letters of a type can be asked for by table: no list belongs to each, and a village or sub-district issues it.
fn is_bulk(kind: &LetterType) -> bool {
    let reaches = |level: &str| kind.steps.iter().any(|step| step.level == level);
    kind.fields.iter().all(|field| field.kind() != FieldKind::List || !field.required)
        && (reaches("VILLAGE") || reaches("SUB_DISTRICT"))
        && !reaches("AGENCY")
}

/// The columns of a type: who it is about, then its own fields.
fn columns<'k>(kind: &'k LetterType, visit: &Visit) -> Vec<Column<'k>> {
    let both = |key: &str| [Language::Id, Language::En].map(|language| Words::of(language)[key].clone());
    let person = |(name, required): (&str, bool)| {
        let key = format!("person.{name}");
        Column {
            name: name.to_owned(),
            heads: both(&key).into_iter().chain([name.to_owned()]).collect(),
            title: visit.words()[&key].clone(),
            required,
            field: None,
        }
    };
    let neighbourhood = |name: &str| Column {
        name: name.to_owned(),
        heads: vec![name.to_owned()],
        title: name.to_uppercase(),
        required: false,
        field: None,
    };
    let own = |field: &'k FormField| Column {
        name: fields::input_name(&field.key),
        heads: [Language::Id, Language::En]
            .map(|language| told(field.label.as_ref(), language))
            .into_iter()
            .chain([field.key.clone()])
            .collect(),
        title: told(field.label.as_ref(), visit.language),
        required: field.required && field.only_when_key.is_empty(),
        field: Some(field),
    };
    let person = fields::PERSON.map(|name| person((name, fields::must_say(kind, name))));
    let fields = kind.fields.iter().filter(|field| field.kind() != FieldKind::List);
    person.into_iter().chain(["rw", "rt"].map(neighbourhood)).chain(fields.map(own)).collect()
}

/// What is typed into the cells of a column.
fn help(column: &Column<'_>, visit: &Visit) -> String {
    let t = visit.words();
    let Some(field) = column.field else { return String::new() };
    let kind = field.kind();
    if kind == FieldKind::Date {
        t["bulk.date"].clone()
    } else if kind == FieldKind::Boolean {
        format!("{} / {}", t["yes"], t["no"])
    } else if kind == FieldKind::Choice {
        let labels = field.choices.iter().map(|one| told(one.label.as_ref(), visit.language));
        labels.collect::<Vec<_>>().join(" / ")
    } else {
        told(field.help.as_ref(), visit.language)
    }
}

/// A heading as it is compared: spreadsheets and people differ in case, and mark what must be filled in.
fn plain(head: &str) -> String {
    head.trim().trim_end_matches('*').trim().to_lowercase()
}

/// What a cell holds, as the form would have sent it; what means nothing is left to the service.
fn cell(field: Option<&FormField>, written: &str) -> String {
    let is = |kind: FieldKind| field.filter(|field| field.kind() == kind);
    let meant = if is(FieldKind::Boolean).is_some() {
        truth(written).map(str::to_owned)
    } else if is(FieldKind::Date).is_some() {
        day_first(written)
    } else {
        is(FieldKind::Choice).and_then(|field| chosen(field, written))
    };
    meant.unwrap_or_else(|| written.to_owned())
}

/// Yes or no, in either language.
fn truth(written: &str) -> Option<&'static str> {
    let is = |key: &str| {
        [Language::Id, Language::En].iter().any(|it| plain(&Words::of(*it)[key]) == plain(written))
    };
    if is("yes") { Some("true") } else { is("no").then_some("false") }
}

/// The choice that people call so.
fn chosen(field: &FormField, written: &str) -> Option<String> {
    let means = |language: &Language, label| plain(&told(label, *language)) == plain(written);
    let is = |label| [Language::Id, Language::En].iter().any(|it| means(it, label));
    let found = field.choices.iter().find(|one| is(one.label.as_ref()));
    found.map(|one| one.value.clone())
}

/// A date as spreadsheets write it.
fn day_first(written: &str) -> Option<String> {
    let date = |form: &str| chrono::NaiveDate::parse_from_str(written, form).ok();
    date("%d/%m/%Y").or_else(|| date("%d-%m-%Y")).map(|date| date.to_string())
}

/// Reads a table: comma, semicolon or tab between cells, the first line names the columns in any order. Answers a sentence
/// about what is wrong with the table as a whole; what is wrong with a row only the service knows.
fn read(content: &[u8], columns: &[Column<'_>], t: &Words) -> Result<Vec<Row>, String> {
    if content.len() > LARGEST {
        return Err(t.say("bulk.too_large", &[("n", &(LARGEST >> 10))]));
    }
    let content = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content);
    // With one kind of line end, for the reader counts lines by the latter half of the other.
    let text = std::str::from_utf8(content).map_err(|_| t["bulk.not_utf8"].clone())?.replace("\r\n", "\n");
    let first = text.lines().next().unwrap_or_default();
    let between =
        [b',', b'\t', b';'].into_iter().max_by_key(|mark| first.bytes().filter(|byte| byte == mark).count());
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(between.unwrap_or(b','))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let heads = reader.headers().map_err(|_| t["bulk.unreadable"].clone())?.clone();
    let mut placed: Vec<Option<&Column<'_>>> = Vec::with_capacity(heads.len());
    for head in &heads {
        if head.is_empty() {
            placed.push(None);
            continue;
        }
        let column = columns.iter().find(|column| column.heads.iter().any(|it| plain(it) == plain(head)));
        let column = column.ok_or_else(|| t.say("bulk.unknown_column", &[("name", &head)]))?;
        if placed.iter().flatten().any(|other| other.name == column.name) {
            return Err(t.say("bulk.twice", &[("name", &head)]));
        }
        placed.push(Some(column));
    }
    let missing = |column: &&Column<'_>| {
        column.required && !placed.iter().flatten().any(|other| other.name == column.name)
    };
    if let Some(column) = columns.iter().find(missing) {
        return Err(t.say("bulk.missing_column", &[("name", &column.title)]));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|_| t["bulk.unreadable"].clone())?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.iter().all(str::is_empty) {
            continue;
        }
        if record
            .iter()
            .enumerate()
            .any(|(at, cell)| !cell.is_empty() && placed.get(at).copied().flatten().is_none())
        {
            return Err(t.say("bulk.cells", &[("line", &line)]));
        }
        let mut sent = Sent::default();
        for (column, written) in placed.iter().zip(&record) {
            if let Some(column) = column {
                sent.set(&column.name, cell(column.field, written));
            }
        }
        rows.push(Row { line, sent, cells: record.iter().collect::<Vec<_>>().join("\u{1f}") });
    }
    match rows.len() {
        0 => Err(t["bulk.empty"].clone()),
        many if many > MOST => Err(t.say("bulk.too_many", &[("n", &MOST)])),
        _ => Ok(rows),
    }
}

/// `/meja/massal`: the types that can be asked for by table.
pub(crate) async fn list(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, WORK).await?;
    let types = letters::types(&state, &visit).await.map_err(|status| visit.refused(&status))?;
    let mut types: Vec<(String, String)> = types
        .iter()
        .filter(|kind| is_bulk(kind))
        .map(|kind| (kind.key.clone(), told(kind.title.as_ref(), visit.language)))
        .collect();
    types.sort_by(|one, other| one.1.cmp(&other.1));
    Ok(visit.page(StatusCode::OK, &ListPage { p: visit.frame(), menu: Menu::of(&viewer), types }))
}

/// The type of the address, where letters of it can be asked for by table.
async fn bulk_type(state: &WebState, visit: &Visit, key: &str) -> Answer<LetterType> {
    let kind = letters::letter_type(state, visit, key).await?;
    if is_bulk(&kind) { Ok(kind) } else { Err(visit.missing("bulk.not_here")) }
}

/// `/meja/massal/{key}`: what the table looks like, and where it is sent.
pub(crate) async fn form(State(state): State<WebState>, Path(key): Path<String>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, WORK).await?;
    let kind = bulk_type(&state, &visit, &key).await?;
    let mut sent = Sent::default();
    sent.set("kunci", Uuid::new_v4());
    page(&state, &visit, &viewer, &kind, &sent, Outcome::default(), StatusCode::OK).await
}

/// `/meja/massal/{key}/tabel.csv`: an empty table with the headings, for spreadsheets.
pub(crate) async fn empty(State(state): State<WebState>, Path(key): Path<String>, visit: Visit) -> Answer {
    pages::staff(&state, &visit, WORK).await?;
    let kind = bulk_type(&state, &visit, &key).await?;
    let mut writer = csv::WriterBuilder::new().delimiter(b';').from_writer("\u{feff}".as_bytes().to_vec());
    let heads = columns(&kind, &visit)
        .into_iter()
        .map(|column| if column.required { format!("{} *", column.title) } else { column.title });
    let written = writer.write_record(heads).and_then(|()| Ok(writer.flush()?));
    let content = written.ok().and_then(|()| writer.into_inner().ok()).ok_or_else(|| visit.broken())?;
    Ok(visit.file(content, "text/csv", Some(&format!("{}.csv", kind.key))))
}

/// What a table that was sent came to.
#[derive(Default)]
struct Outcome {
    /// What is wrong with the table as a whole; empty if nothing is.
    error: String,
    village_error: String,
    papers_error: String,
    /// What is wrong with single rows, by their line.
    wrong: Vec<(u64, Vec<String>)>,
    /// The rows that can be handed in; none before a table was sent.
    sound: Vec<(u64, String)>,
    /// The table that can be handed in, as it was sent.
    table: String,
    /// What was handed in.
    done: Vec<Done>,
    /// How many of the rows were not handed in.
    left: usize,
}

/// The papers of a type that have to be seen at the office.
fn papers(kind: &LetterType, language: Language) -> Vec<String> {
    let required = kind.requirements.iter().filter(|paper| paper.required);
    required.map(|paper| told(paper.label.as_ref(), language)).collect()
}

/// A table, sent: checked as a whole first. Sent again from the page that says it is sound, it is handed in, each row once
/// however often.
pub(crate) async fn submit(
    State(state): State<WebState>,
    Path(key): Path<String>,
    visit: Visit,
    request: Request,
) -> Answer {
    let viewer = pages::staff(&state, &visit, WORK).await?;
    let kind = bulk_type(&state, &visit, &key).await?;
    let mut sent = Sent::with_files(request, state.form_limit, state.file_limit).await;
    fields::settle_key(&mut sent);
    let t = visit.words();
    let refused = |outcome: Outcome| (outcome, StatusCode::BAD_REQUEST);
    let content = match sent.file("tabel") {
        Some(file) if file.too_large => None,
        Some(file) => Some(file.content.clone()),
        None => Some(sent.get("isi").as_bytes().to_vec()),
    };
    let content = content.filter(|_| !sent.cut);
    let has_papers = !papers(&kind, visit.language).is_empty();
    let (outcome, http) = if has_papers && sent.get("berkas").is_empty() {
        refused(Outcome { papers_error: t["bulk.papers_first"].clone(), ..Outcome::default() })
    } else if sent.get("desa").is_empty() {
        refused(Outcome { village_error: t["apply.choose_village"].clone(), ..Outcome::default() })
    } else if let Some(content) = content {
        match read(&content, &columns(&kind, &visit), t) {
            Err(error) => refused(Outcome { error, ..Outcome::default() }),
            Ok(rows) => {
                let table = String::from_utf8_lossy(&content).trim_start_matches('\u{feff}').to_owned();
                hand_in(&state, &visit, &viewer, &kind, &sent, rows, table).await?
            }
        }
    } else {
        refused(Outcome { error: t.say("bulk.too_large", &[("n", &(LARGEST >> 10))]), ..Outcome::default() })
    };
    page(&state, &visit, &viewer, &kind, &sent, outcome, http).await
}

/// Checks the rows, or hands them in where the page asked for that.
async fn hand_in(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    kind: &LetterType,
    sent: &Sent,
    mut rows: Vec<Row>,
    table: String,
) -> Answer<(Outcome, StatusCode)> {
    let office = apply::issuer(state, visit, kind, sent).await.map_err(|status| visit.refused(&status))?;
    let is_final = !sent.get("ajukan").is_empty();
    for row in &mut rows {
        row.sent.set("desa", sent.get("desa"));
    }
    let columns = columns(kind, visit);
    let wish = |row: &Row| SubmitApplicationRequest {
        request_id: match is_final {
            true => fields::upload_key(sent.get("kunci"), &row.line.to_string(), row.cells.as_bytes()),
            false => String::new(),
        },
        letter_type: kind.key.clone(),
        office_id: office.clone(),
        subject: Some(apply::subject(&row.sent)),
        values: Some(fields::values(kind, &row.sent)),
        attachments: Vec::new(),
        with_optional_steps: !sent.get("lengkap").is_empty(),
        validate_only: !is_final,
        papers_seen: !sent.get("berkas").is_empty(),
    };
    let answers: Vec<(Row, Result<Option<ApplicationStatus>, Status>)> = stream::iter(rows)
        .map(|row| {
            let call = visit.call(wish(&row), Some(viewer));
            async move {
                let answer = state.documents.clone().submit_application(call).await;
                (row, answer.map(|answer| answer.into_inner().status))
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut outcome = Outcome::default();
    for (row, answer) in answers {
        let name = row.sent.get("nama").to_owned();
        match answer {
            Ok(Some(status)) => outcome.done.push(Done { line: row.line, name, code: status.code }),
            Ok(None) => outcome.sound.push((row.line, name)),
            // What is down for one is down for all: nothing is said of the table. What was handed in stands.
            Err(status) if !is_final && !is_about_the_row(&status) => return Err(visit.refused(&status)),
            Err(status) => outcome.wrong.push((row.line, faults(&status, kind, &columns, visit))),
        }
    }
    outcome.left = if is_final { outcome.wrong.len() } else { 0 };
    if outcome.wrong.is_empty() || is_final {
        outcome.table = table;
    } else {
        outcome.sound.clear();
    }
    let http = if outcome.wrong.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok((outcome, http))
}

/// Whether a refusal is about what stands in the row.
fn is_about_the_row(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound | Code::AlreadyExists
    )
}

/// What is wrong with a row, each with its column.
fn faults(status: &Status, kind: &LetterType, columns: &[Column<'_>], visit: &Visit) -> Vec<String> {
    let places = columns.iter().map(|column| (column.name.as_str(), "", column.title.as_str()));
    let found = Faults::read(status, kind, visit).summary(places);
    let said = |(_, label, text): (String, String, String)| {
        if label.is_empty() { text } else { format!("{label}: {text}") }
    };
    found.into_iter().map(said).collect()
}

async fn page(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    kind: &LetterType,
    sent: &Sent,
    outcome: Outcome,
    http: StatusCode,
) -> Answer {
    let offices = letters::offices(state, visit).await.map_err(|status| visit.refused(&status))?;
    let t = visit.words();
    let columns = columns(kind, visit);
    let lead = if !outcome.done.is_empty() {
        t.say("bulk.done", &[("n", &outcome.done.len())])
    } else if !outcome.sound.is_empty() {
        t.say("bulk.sound", &[("n", &outcome.sound.len())])
    } else {
        t["bulk.lead"].clone()
    };
    let page = BulkPage {
        p: visit.frame(),
        menu: Menu::of(viewer),
        key: kind.key.clone(),
        title: told(kind.title.as_ref(), visit.language),
        request_id: sent.get("kunci").to_owned(),
        columns: columns
            .iter()
            .map(|column| Shown {
                title: column.title.clone(),
                required: column.required,
                help: help(column, visit),
            })
            .collect(),
        most: MOST,
        villages: apply::villages(&offices, sent.get("desa")),
        village: sent.get("desa").to_owned(),
        optional_step: apply::optional_step(kind, t),
        with_optional: !sent.get("lengkap").is_empty(),
        lead,
        papers: papers(kind, visit.language),
        papers_seen: !sent.get("berkas").is_empty(),
        came: outcome,
    };
    Ok(visit.page(http, &page))
}

#[cfg(test)]
mod tests {
    use mpp_proto::documents::v1::{FieldChoice, LocalizedText};

    use super::*;

    fn field(key: &str, kind: FieldKind) -> FormField {
        let label = LocalizedText { id: format!("Isian {key}"), en: format!("Field {key}") };
        FormField { key: key.to_owned(), kind: kind.into(), label: Some(label), ..FormField::default() }
    }

    fn table() -> Vec<FormField> {
        let choice = |value: &str, id: &str, en: &str| FieldChoice {
            value: value.to_owned(),
            label: Some(LocalizedText { id: id.to_owned(), en: en.to_owned() }),
        };
        let choices = vec![choice("SCHOOL", "Sekolah", "School"), choice("AID", "Bantuan", "Aid")];
        vec![
            FormField { choices, ..field("guna", FieldKind::Choice) },
            field("lahir", FieldKind::Date),
            field("tetap", FieldKind::Boolean),
        ]
    }

    fn columns_of(fields: &[FormField]) -> Vec<Column<'_>> {
        fields
            .iter()
            .map(|field| Column {
                name: fields::input_name(&field.key),
                heads: [Language::Id, Language::En].map(|it| told(field.label.as_ref(), it)).to_vec(),
                title: told(field.label.as_ref(), Language::Id),
                required: field.key == "guna",
                field: Some(field),
            })
            .collect()
    }

    fn cells(content: &[u8]) -> Result<Vec<(u64, [String; 3])>, String> {
        let fields = table();
        let rows = read(content, &columns_of(&fields), Words::of(Language::Id))?;
        let names = ["isi.guna", "isi.lahir", "isi.tetap"];
        Ok(rows.iter().map(|row| (row.line, names.map(|name| row.sent.get(name).to_owned()))).collect())
    }

    #[test]
    fn a_table_is_read_as_spreadsheets_of_both_languages_write_it() {
        let expected = ["AID", "2010-03-07", "true"].map(str::to_owned);
        for written in [
            "Isian guna *;Isian lahir;Isian tetap\nBantuan;07/03/2010;Ya\n",
            "\u{feff}isian LAHIR,Isian guna,Isian tetap\r\n7-3-2010,bantuan,ya\r\n",
            "Field guna\tField lahir\tField tetap\nAid\t2010-03-07\tYes",
        ] {
            assert_eq!(cells(written.as_bytes()).unwrap(), [(2, expected.clone())], "{written}");
        }
        let rows = cells(b"Isian guna;Isian lahir;;\nsekolah;;;\n;;;\nlain;kemarin;;\n").unwrap();
        assert_eq!(rows[0], (2, ["SCHOOL", "", ""].map(str::to_owned)));
        assert_eq!(
            rows[1],
            (4, ["lain", "kemarin", ""].map(str::to_owned)),
            "what is none is left to the service"
        );
        assert_eq!(rows.len(), 2, "an empty line is no row");
    }

    #[test]
    fn what_is_wrong_with_a_table_is_said_by_name() {
        let t = Words::of(Language::Id);
        let many = "Isian guna\n".to_owned() + &"Bantuan\n".repeat(MOST + 1);
        let large = "x".repeat(LARGEST + 1);
        for (written, said) in [
            ("Isian guna;Isian lain\nBantuan;x\n", t.say("bulk.unknown_column", &[("name", &"Isian lain")])),
            ("Isian guna;isian guna\nBantuan;x\n", t.say("bulk.twice", &[("name", &"isian guna")])),
            ("Isian lahir\n2010-03-07\n", t.say("bulk.missing_column", &[("name", &"Isian guna")])),
            ("Isian guna\nBantuan\nBantuan;x\n", t.say("bulk.cells", &[("line", &3)])),
            ("Isian guna\n\n", t["bulk.empty"].clone()),
            (many.as_str(), t.say("bulk.too_many", &[("n", &MOST)])),
            (large.as_str(), t.say("bulk.too_large", &[("n", &200)])),
        ] {
            assert_eq!(cells(written.as_bytes()).unwrap_err(), said);
        }
        assert_eq!(cells(b"Isian guna\nBantu\xe1n\n").unwrap_err(), t["bulk.not_utf8"], "a code page of old");
    }
}

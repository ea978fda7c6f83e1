//! Bukti Ombudsman: the papers that show how complaints are managed, per indicator, with what is missing for a period. The
//! coordinator enters and withdraws them; who audits the regency reads. The pages work without a script.

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::complaints::v1::{
    CheckEvidenceRequest, CheckEvidenceResponse, CreateEvidenceDocumentRequest, CreateEvidenceLinkRequest,
    DecreeMember, EvidenceDocument, EvidenceGap, EvidenceIndicator, EvidenceKind,
    ListEvidenceDocumentsRequest, ListOfficialsRequest, Official, OpenEvidenceLinkRequest,
    WithdrawEvidenceDocumentRequest,
};
use tonic::{Code, Status};
use uuid::Uuid;

use super::{
    WebState,
    cases::READ,
    complaints,
    fields::{self, Choice, Faults, Input, Paper},
    form::Sent,
    letters::segment,
    pages,
    visit::{Answer, Frame, Menu, Viewer, Visit, every},
    words,
};
use crate::problem;

/// Where the list is.
const HOME: &str = "/meja/eviden";
/// What the file of the form is called.
const FILE: &str = "bukti";

/// Every indicator that papers are kept for, with its code.
const INDICATORS: [(EvidenceIndicator, &str); 5] = [
    (EvidenceIndicator::Pg01, "PG-01"),
    (EvidenceIndicator::Pg02, "PG-02"),
    (EvidenceIndicator::Pg07, "PG-07"),
    (EvidenceIndicator::Pg08, "PG-08"),
    (EvidenceIndicator::Pg09, "PG-09"),
];

/// What a kind of paper is asked beside title, number, date and file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// From when and to when it is valid.
    Validity,
    /// The same, and whom it names for which office.
    Managers,
    /// Its period, and whether it is of the report of the service.
    Period,
    /// How many took part.
    Participants,
    /// Nothing: it shows something from its date on.
    Standing,
    /// Nothing: it is of its date.
    Day,
}

/// A kind of paper.
struct Kind {
    kind: EvidenceKind,
    /// What addresses and words call it.
    slug: &'static str,
    /// The indicator that it shows; unspecified for any.
    indicator: EvidenceIndicator,
    asked: Asked,
    /// Whether it must have a number.
    numbered: bool,
}

const fn kind(
    kind: EvidenceKind,
    slug: &'static str,
    indicator: EvidenceIndicator,
    asked: Asked,
    numbered: bool,
) -> Kind {
    Kind { kind, slug, indicator, asked, numbered }
}

/// Every kind, in the order of the page.
const KINDS: [Kind; 12] = [
    kind(EvidenceKind::TeamDecree, "sk-tim", EvidenceIndicator::Pg01, Asked::Managers, true),
    kind(EvidenceKind::Procedure, "sop", EvidenceIndicator::Pg01, Asked::Validity, false),
    kind(EvidenceKind::Appointment, "surat-penunjukan", EvidenceIndicator::Pg02, Asked::Managers, true),
    kind(EvidenceKind::EvaluationMinutes, "notulen-evaluasi", EvidenceIndicator::Pg07, Asked::Period, false),
    kind(EvidenceKind::EvaluationReport, "laporan-evaluasi", EvidenceIndicator::Pg07, Asked::Period, false),
    kind(EvidenceKind::IntegrationDecree, "sk-integrasi", EvidenceIndicator::Pg08, Asked::Validity, true),
    kind(EvidenceKind::TrialReport, "laporan-uji-coba", EvidenceIndicator::Pg08, Asked::Standing, false),
    kind(EvidenceKind::RequestLetter, "surat-permohonan", EvidenceIndicator::Pg08, Asked::Standing, true),
    kind(EvidenceKind::Attendance, "daftar-hadir", EvidenceIndicator::Pg09, Asked::Participants, false),
    kind(EvidenceKind::TrainingMaterial, "materi-pelatihan", EvidenceIndicator::Pg09, Asked::Day, false),
    kind(EvidenceKind::Letter, "surat", EvidenceIndicator::Unspecified, Asked::Day, true),
    kind(EvidenceKind::Other, "dokumen-lain", EvidenceIndicator::Unspecified, Asked::Day, false),
];

/// The kind that addresses call so.
fn kind_of(slug: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|it| it.slug == slug)
}

/// A kind in words.
fn kind_words(kind: EvidenceKind, visit: &Visit) -> String {
    let slug = KINDS.iter().find(|it| it.kind == kind).map_or("dokumen-lain", |it| it.slug);
    visit.words()[&format!("evidence.kind.{slug}")].clone()
}

/// The indicator with a code.
fn indicator_of(code: &str) -> EvidenceIndicator {
    INDICATORS.iter().find(|(_, one)| *one == code).map_or_else(EvidenceIndicator::default, |(it, _)| *it)
}

#[derive(Template)]
#[template(path = "eviden.html")]
struct ListPage {
    p: Frame,
    here: &'static str,
    menu: Menu,
    enters: bool,
    from: String,
    to: String,
    period_error: String,
    said: String,
    error: String,
    /// What is wrong with a form that was sent.
    summary: Vec<(String, String, String)>,
    sections: Vec<Section>,
}

/// What the list shows beside the papers.
#[derive(Default)]
struct Shown {
    /// Of which days it says what is missing; empty for this year so far.
    from: String,
    to: String,
    /// Why something could not be done that no form of the page asked for.
    error: String,
    refused: Option<Refused>,
}

/// A withdrawal that was refused: what was typed stays.
struct Refused {
    /// Of which paper.
    paper: String,
    sent: Sent,
    faults: Faults,
}

impl Shown {
    /// As the address says.
    fn of(visit: &Visit) -> Self {
        let day = |name: &str| visit.parameter(name).unwrap_or_default().trim().to_owned();
        Self { from: day("dari"), to: day("sampai"), ..Self::default() }
    }
}

/// One indicator.
struct Section {
    code: &'static str,
    about: String,
    /// What is missing; none where nothing is.
    gaps: Vec<String>,
    /// Whether it could be said what is missing.
    checked: bool,
    rows: Vec<Row>,
    /// Where what is entered, with the words of the kind.
    add: Vec<(String, String)>,
}

/// One paper.
struct Row {
    id: String,
    title: String,
    kind: String,
    chips: Vec<(String, &'static str)>,
    facts: Vec<(String, String)>,
    /// Whom it names; empty for nobody.
    members: String,
    hash: String,
    /// Where the report is that an evaluation is of; empty for none.
    report: String,
    withdrawn: bool,
    reason: String,
    key: String,
    /// The form to withdraw it, where that was refused: open, with what was typed and what is wrong with it.
    refused: bool,
    typed: String,
    wrong: String,
}

/// What is missing, as a sentence.
fn gap_words(gap: &EvidenceGap, visit: &Visit) -> String {
    let t = visit.words();
    if gap.managers > 0 {
        return t.say("evidence.gap.managers", &[("n", &gap.managers)]);
    }
    let name = kind_words(gap.kind(), visit);
    let found = KINDS.iter().find(|it| it.kind == gap.kind()).map_or(Asked::Day, |it| it.asked);
    let key = match found {
        Asked::Validity | Asked::Managers => "evidence.gap.validity",
        Asked::Period => "evidence.gap.period",
        Asked::Standing => "evidence.gap.standing",
        Asked::Participants | Asked::Day => "evidence.gap.day",
    };
    let day = |date: &str| words::date(date, visit.language);
    t.say(key, &[("kind", &name), ("from", &day(&gap.from)), ("to", &day(&gap.to))])
}

/// How long a paper is still valid, with a tone; nothing of what has no end.
fn left_words(paper: &EvidenceDocument, visit: &Visit) -> Option<(String, &'static str)> {
    let t = visit.words();
    let tone = if paper.ends_soon { "warn" } else { "good" };
    Some(match paper.days_left? {
        ..0 => (t["evidence.ended"].clone(), "bad"),
        0 => (t["evidence.ends_today"].clone(), "warn"),
        left => (t.say("evidence.ends_in", &[("n", &left)]), tone),
    })
}

fn row(paper: &EvidenceDocument, refused: Option<&Refused>, visit: &Visit) -> Row {
    let t = visit.words();
    let refused = refused.filter(|it| it.paper == paper.id);
    let withdrawn = !paper.withdrawn_by.is_empty();
    let mut chips = Vec::new();
    if withdrawn {
        chips.push((t["evidence.withdrawn"].clone(), "off"));
    } else {
        chips.extend(left_words(paper, visit));
    }
    let file = paper.file.clone().unwrap_or_default();
    if file.scan == "INFECTED" {
        chips.push((t["evidence.infected"].clone(), "bad"));
    }
    let day = |date: &str| words::date(date, visit.language);
    let until = if paper.valid_to.is_empty() { t["evidence.no_end"].clone() } else { day(&paper.valid_to) };
    let valid = if paper.valid_from.is_empty() {
        String::new()
    } else {
        t.say("evidence.valid_span", &[("from", &day(&paper.valid_from)), ("to", &until)])
    };
    let people = if paper.participants > 0 { paper.participants.to_string() } else { String::new() };
    let named: Vec<&str> = paper.members.iter().map(|it| it.title.as_str()).collect();
    let facts = [
        ("evidence.number", paper.number.clone()),
        ("evidence.date", day(&paper.date)),
        ("evidence.valid", valid),
        ("evidence.period", paper.period.clone()),
        ("evidence.participants", people),
        ("evidence.file", fields::file_words(&file.media_type, file.size, visit.language)),
    ];
    Row {
        id: paper.id.clone(),
        title: paper.title.clone(),
        kind: kind_words(paper.kind(), visit),
        chips,
        facts: facts
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (t[key].clone(), text))
            .collect(),
        members: named.join("; "),
        hash: file.sha256,
        report: if paper.cites_report {
            format!("/kendali/aduan/laporan?periode={}", segment(&paper.period))
        } else {
            String::new()
        },
        withdrawn,
        reason: paper.withdrawn_reason.clone(),
        key: refused.map_or_else(|| Uuid::new_v4().to_string(), |it| it.sent.get("kunci").to_owned()),
        refused: refused.is_some(),
        typed: refused.map(|it| it.sent.get("alasan").to_owned()).unwrap_or_default(),
        wrong: refused.map(|it| it.faults.of("alasan")).unwrap_or_default(),
    }
}

fn section(
    (indicator, code): (EvidenceIndicator, &'static str),
    (papers, refused): (&[EvidenceDocument], Option<&Refused>),
    check: &CheckEvidenceResponse,
    visit: &Visit,
) -> Section {
    let t = visit.words();
    let found = check.indicators.iter().find(|it| it.indicator() == indicator);
    let mut rows: Vec<Row> =
        papers.iter().filter(|it| it.indicator() == indicator).map(|it| row(it, refused, visit)).collect();
    rows.sort_by_key(|row| row.withdrawn);
    let fits = |it: &&Kind| it.indicator == indicator || it.indicator == EvidenceIndicator::Unspecified;
    Section {
        code,
        about: t[&format!("evidence.indicator.{code}")].clone(),
        gaps: found.map(|it| it.gaps.iter().map(|gap| gap_words(gap, visit)).collect()).unwrap_or_default(),
        checked: found.is_some(),
        rows,
        add: KINDS
            .iter()
            .filter(fits)
            .map(|it| {
                let address = format!("{HOME}/tambah?jenis={}&indikator={code}", it.slug);
                (address, kind_words(it.kind, visit))
            })
            .collect(),
    }
}

/// `/meja/eviden?dari=…&sampai=…`: papers per indicator, and what is missing for a period: this year so far where none is said.
pub(crate) async fn list(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    list_page(&state, &visit, &viewer, Shown::of(&visit), StatusCode::OK).await
}

async fn list_page(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    Shown { from, to, error, refused }: Shown,
    http: StatusCode,
) -> Answer {
    let t = visit.words();
    let mut service = state.complaints.clone();
    let request = CheckEvidenceRequest { from: from.clone(), to: to.clone() };
    let every = every!(
        visit,
        Some(viewer),
        state.complaints,
        list_evidence_documents(ListEvidenceDocumentsRequest { indicator: 0, withdrawn: true }).documents
    );
    let (papers, check) = tokio::join!(every, service.check_evidence(visit.call(request, Some(viewer))));
    let papers = papers.map_err(|status| visit.refused(&status))?;
    let (check, period_error, http) = match check {
        Ok(check) => (check.into_inner(), String::new(), http),
        // The papers are shown all the same.
        Err(status) if status.code() == Code::InvalidArgument => {
            let said = CheckEvidenceResponse { from, to, ..CheckEvidenceResponse::default() };
            (said, fields::first_told(&status, visit), StatusCode::BAD_REQUEST)
        }
        Err(status) => return Err(visit.refused(&status)),
    };
    let said = match visit.parameter("simpan") {
        Some("cabut") => t["evidence.gone"].clone(),
        Some(_) => t["evidence.saved"].clone(),
        None => String::new(),
    };
    let known = (papers.as_slice(), refused.as_ref());
    let sections: Vec<Section> = INDICATORS.into_iter().map(|it| section(it, known, &check, visit)).collect();
    // It leads to the input, where the paper can be withdrawn still.
    let open = sections.iter().flat_map(|it| &it.rows).find(|row| row.refused && !row.withdrawn);
    let input = open.map(|row| format!("alasan-{}", row.id));
    let inputs = input.iter().map(|id| ("alasan", id.as_str(), t["reason"].as_str()));
    let summary = refused.as_ref().map(|it| it.faults.summary(inputs)).unwrap_or_default();
    let page = ListPage {
        p: visit.frame(),
        here: "eviden",
        menu: Menu::of(viewer),
        enters: check.may_enter,
        sections,
        from: check.from,
        to: check.to,
        period_error,
        said: if error.is_empty() && refused.is_none() { said } else { String::new() },
        error,
        summary,
    };
    Ok(visit.page(http, &page))
}

/// `/meja/eviden/{evidence}/berkas`: a fresh link to the file, and there.
pub(crate) async fn file(State(state): State<WebState>, Path(id): Path<String>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let request = visit.call(CreateEvidenceLinkRequest { evidence: id }, Some(&viewer));
    match state.complaints.clone().create_evidence_link(request).await {
        Ok(answer) => Ok(visit.redirect(&answer.into_inner().path)),
        // The scanner has not looked yet.
        Err(status) if status.code() == Code::FailedPrecondition => {
            let http = problem::http_status(status.code());
            let shown = Shown { error: visit.sentence(&status), ..Shown::of(&visit) };
            list_page(&state, &visit, &viewer, shown, http).await
        }
        Err(status) => Err(visit.refused(&status)),
    }
}

/// `/bukti/{token}`: the file behind a link that lives for minutes.
pub(crate) async fn open(State(state): State<WebState>, Path(token): Path<String>, visit: Visit) -> Answer {
    let request = visit.call(OpenEvidenceLinkRequest { token }, None);
    match state.complaints.clone().open_evidence_link(request).await {
        Ok(answer) => {
            let file = answer.into_inner();
            Ok(visit.file(file.content, &file.media_type, Some(&file.file_name)))
        }
        Err(status) if matches!(status.code(), Code::NotFound | Code::FailedPrecondition) => {
            Err(visit.missing("error.link"))
        }
        Err(status) => Err(visit.refused(&status)),
    }
}

/// To the list, from an address that only takes a form.
pub(crate) async fn back(visit: Visit) -> Response {
    visit.redirect(HOME)
}

/// Withdraws a paper.
pub(crate) async fn withdraw(
    State(state): State<WebState>,
    Path(id): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let mut sent = Sent::plain(&body);
    let request_id = fields::settle_key(&mut sent);
    let reason = sent.get("alasan").to_owned();
    let request = WithdrawEvidenceDocumentRequest { request_id, evidence: id.clone(), reason };
    let (from, to) = (sent.get("dari").trim().to_owned(), sent.get("sampai").trim().to_owned());
    match state.complaints.clone().withdraw_evidence_document(visit.call(request, Some(&viewer))).await {
        Ok(_) => Ok(visit.redirect(&format!("{HOME}?simpan=cabut{}", days(&from, &to)))),
        Err(status) if status.code() == Code::PermissionDenied => Err(visit.forbidden()),
        Err(status) => {
            fields::renew_key(&mut sent, &status);
            let place = |field: &str| if field == "reason" { "alasan".to_owned() } else { String::new() };
            let faults = Faults::placed(&status, &visit, place);
            let refused = Some(Refused { paper: id, sent, faults });
            let shown = Shown { from, to, error: String::new(), refused };
            list_page(&state, &visit, &viewer, shown, problem::http_status(status.code())).await
        }
    }
}

/// The days of the list, for an address; nothing where none were chosen.
fn days(from: &str, to: &str) -> String {
    if from.is_empty() && to.is_empty() {
        return String::new();
    }
    format!("&dari={}&sampai={}", segment(from), segment(to))
}

#[derive(Template)]
#[template(path = "eviden_tambah.html")]
struct FormPage {
    p: Frame,
    here: &'static str,
    menu: Menu,
    title: String,
    about: String,
    kind: &'static str,
    request_id: String,
    summary: Vec<(String, String, String)>,
    inputs: Vec<Input>,
    papers: Vec<Paper>,
    file_limit: usize,
}

/// `/meja/eviden/tambah?jenis=sk-tim`: the form of a kind of paper.
pub(crate) async fn form(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    // Who acts for the coordinator enters papers too: the service knows.
    let request = visit.call(CheckEvidenceRequest::default(), Some(&viewer));
    let check = state.complaints.clone().check_evidence(request).await;
    if !check.map_err(|status| visit.refused(&status))?.into_inner().may_enter {
        return Err(visit.forbidden());
    }
    let Some(kind) = kind_of(visit.parameter("jenis").unwrap_or_default()) else {
        return Ok(visit.redirect(HOME));
    };
    let mut sent = Sent::default();
    sent.set("indikator", visit.parameter("indikator").unwrap_or_default());
    sent.set("kunci", Uuid::new_v4());
    form_page(&state, &visit, &viewer, (kind, &sent), &Faults::default(), StatusCode::OK).await
}

/// The offices that a decree may name, of those that somebody holds.
async fn offices(state: &WebState, visit: &Visit, viewer: &Viewer) -> Result<Vec<Official>, Status> {
    let all =
        every!(visit, Some(viewer), state.complaints, list_officials(ListOfficialsRequest {}).officials)
            .await?;
    Ok(all.into_iter().filter(|it| !it.account_id.is_empty()).collect())
}

async fn form_page(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    (kind, sent): (&'static Kind, &Sent),
    faults: &Faults,
    http: StatusCode,
) -> Answer {
    let t = visit.words();
    let offices = match kind.asked {
        Asked::Managers => offices(state, visit, viewer).await.map_err(|status| visit.refused(&status))?,
        Asked::Validity | Asked::Period | Asked::Participants | Asked::Standing | Asked::Day => Vec::new(),
    };
    let inputs = inputs(kind, &offices, sent, faults, visit);
    let name = fields::paper_name(FILE);
    let kept_name = fields::kept_name(FILE);
    let kept = sent.get(&kept_name).to_owned();
    let paper = Paper {
        id: fields::id_of(&name),
        error: faults.of(&name),
        kept_words: fields::kept_attachment(FILE, &kept)
            .map(|file| fields::file_words(&file.media_type, file.size, visit.language))
            .unwrap_or_default(),
        kept_name,
        kept,
        label: t["evidence.upload"].clone(),
        required: true,
        name,
    };
    let summary = {
        let own = inputs.iter().map(|it| (it.name.as_str(), it.id.as_str(), it.label.as_str()));
        faults.summary(own.chain([(paper.name.as_str(), paper.id.as_str(), paper.label.as_str())]))
    };
    let page = FormPage {
        p: visit.frame(),
        here: "eviden",
        menu: Menu::of(viewer),
        title: t.say("evidence.add", &[("kind", &kind_words(kind.kind, visit))]),
        about: match INDICATORS.iter().find(|(it, _)| *it == kind.indicator) {
            Some((_, code)) => format!("{code} · {}", t[&format!("evidence.indicator.{code}")]),
            None => t["evidence.any"].clone(),
        },
        kind: kind.slug,
        request_id: sent.get("kunci").to_owned(),
        summary,
        inputs,
        papers: vec![paper],
        file_limit: state.file_limit >> 20,
    };
    Ok(visit.page(http, &page))
}

/// What a kind of paper is asked.
fn inputs(kind: &Kind, offices: &[Official], sent: &Sent, faults: &Faults, visit: &Visit) -> Vec<Input> {
    let t = visit.words();
    let line = |name: &str, words: &str| fields::line(name, words, sent, faults, visit);
    let date = |name: &str, words: &str| Input { kind: "date", max_length: 0, ..line(name, words) };
    let mut inputs = Vec::new();
    if kind.indicator == EvidenceIndicator::Unspecified {
        let chosen = sent.get("indikator");
        let choices = INDICATORS.iter().map(|(_, code)| Choice {
            value: (*code).to_owned(),
            label: format!("{code} · {}", t[&format!("evidence.indicator.{code}")]),
            chosen: *code == chosen,
            ..Choice::default()
        });
        let choices = choices.collect();
        inputs.push(Input { shape: "select", choices, ..line("indikator", "evidence.shows") });
    }
    inputs.push(Input { max_length: 200, ..line("judul", "evidence.name") });
    inputs.push(Input { max_length: 80, required: kind.numbered, ..line("nomor", "evidence.number") });
    inputs.push(date("tanggal", "evidence.date"));
    match kind.asked {
        Asked::Validity | Asked::Managers => {
            inputs.push(date("mulai", "evidence.begins"));
            inputs.push(Input { required: false, ..date("akhir", "evidence.ends") });
        }
        Asked::Period => {
            inputs.push(Input { max_length: 7, ..line("periode", "evidence.period") });
            let choice = Choice {
                value: "ya".to_owned(),
                label: t["evidence.cites"].clone(),
                chosen: sent.get("laporan") == "ya",
                ..Choice::default()
            };
            let choices = vec![choice];
            inputs.push(Input {
                shape: "checks",
                required: false,
                choices,
                ..line("laporan", "evidence.service_report")
            });
        }
        Asked::Participants => {
            inputs.push(Input { mode: "numeric", max_length: 6, ..line("peserta", "evidence.participants") });
        }
        Asked::Standing | Asked::Day => {}
    }
    if !offices.is_empty() {
        let named: Vec<&str> = sent.all("pejabat").collect();
        let choices = offices.iter().map(|it| Choice {
            value: it.id.clone(),
            label: it.title.clone(),
            chosen: named.contains(&it.id.as_str()),
            ..Choice::default()
        });
        let choices = choices.collect();
        inputs.push(Input {
            shape: "checks",
            required: false,
            choices,
            ..line("pejabat", "evidence.members")
        });
    }
    inputs
}

/// The input that a field of the request stands for.
fn input_of(field: &str) -> String {
    let name = match field {
        "indicator" => "indikator",
        "title" => "judul",
        "number" => "nomor",
        "date" => "tanggal",
        "valid_from" => "mulai",
        "valid_to" => "akhir",
        "period" => "periode",
        "participants" => "peserta",
        "cites_report" => "laporan",
        "file_id" => return fields::paper_name(FILE),
        field if field.starts_with("members") => "pejabat",
        _ => "",
    };
    name.to_owned()
}

/// A paper, sent.
pub(crate) async fn submit(State(state): State<WebState>, visit: Visit, request: Request) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let mut sent = Sent::with_files(request, state.form_limit, state.file_limit).await;
    let Some(kind) = kind_of(sent.get("jenis")) else { return Err(visit.missing("error.404")) };
    let request_id = fields::settle_key(&mut sent);
    let mut faults = Faults::default();
    let file =
        complaints::upload(&state, &visit, Some(&viewer), &[FILE], &mut sent, &request_id, &mut faults).await;
    let people = match sent.get("peserta") {
        "" => Some(0),
        written => fields::digits(written).parse().ok(),
    };
    if people.is_none() {
        faults.note("peserta", visit.words()["evidence.bad_number"].clone());
    }
    if !faults.is_empty() {
        return form_page(&state, &visit, &viewer, (kind, &sent), &faults, StatusCode::BAD_REQUEST).await;
    }
    let member = |id: &str| DecreeMember { official_id: id.to_owned(), ..DecreeMember::default() };
    let request = CreateEvidenceDocumentRequest {
        request_id,
        indicator: match kind.indicator {
            EvidenceIndicator::Unspecified => indicator_of(sent.get("indikator")),
            known @ (EvidenceIndicator::Pg01
            | EvidenceIndicator::Pg02
            | EvidenceIndicator::Pg07
            | EvidenceIndicator::Pg08
            | EvidenceIndicator::Pg09) => known,
        }
        .into(),
        kind: kind.kind.into(),
        title: sent.get("judul").to_owned(),
        number: sent.get("nomor").to_owned(),
        date: sent.get("tanggal").to_owned(),
        valid_from: sent.get("mulai").to_owned(),
        valid_to: sent.get("akhir").to_owned(),
        period: sent.get("periode").to_owned(),
        participants: people.unwrap_or_default(),
        cites_report: sent.get("laporan") == "ya",
        members: sent.all("pejabat").map(member).collect(),
        // Without one the service says so, with everything else that is wrong.
        file_id: file.into_iter().next().unwrap_or_default(),
    };
    match state.complaints.clone().create_evidence_document(visit.call(request, Some(&viewer))).await {
        Ok(_) => Ok(visit.redirect(&format!("{HOME}?simpan=1"))),
        Err(status) if status.code() == Code::PermissionDenied => Err(visit.forbidden()),
        Err(status) => {
            fields::renew_key(&mut sent, &status);
            let faults = Faults::placed(&status, &visit, input_of);
            let http = problem::http_status(status.code());
            form_page(&state, &visit, &viewer, (kind, &sent), &faults, http).await
        }
    }
}

#[cfg(test)]
mod tests {
    use mpp_kit::fault::Language;

    use super::{words::Words, *};

    #[test]
    fn every_kind_and_indicator_has_its_words_and_its_place() {
        for language in [Language::Id, Language::En] {
            let t = Words::of(language);
            for kind in &KINDS {
                assert!(!t[&format!("evidence.kind.{}", kind.slug)].is_empty());
            }
            for (indicator, code) in INDICATORS {
                assert!(!t[&format!("evidence.indicator.{code}")].is_empty());
                assert_eq!(indicator_of(code), indicator);
                assert!(KINDS.iter().any(|it| it.indicator == indicator), "{code}");
            }
        }
        let numbers: Vec<i32> = KINDS.iter().map(|it| it.kind.into()).collect();
        assert_eq!(numbers, (1..=12).collect::<Vec<_>>(), "each kind of the contract once");
        assert_eq!(indicator_of("PG-99"), EvidenceIndicator::Unspecified);
    }

    #[test]
    fn every_field_of_a_refusal_is_an_input_of_the_form() {
        for (field, input) in [
            ("members[3]", "pejabat"),
            ("file_id", "lampiran.bukti"),
            ("valid_to", "akhir"),
            ("request_id", ""),
        ] {
            assert_eq!(input_of(field), input);
        }
    }
}

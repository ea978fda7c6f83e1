//! Lapor: a report on one page that works without a script, by a citizen or by the complaint desk for somebody who came or
//! telephoned; and its receipt, the only page that ever shows the PIN.

use std::collections::HashMap;

use askama::Template;
use axum::{
    extract::{Request, State},
    response::Response,
};
use http::StatusCode;
use mpp_proto::complaints::v1::{
    self, Agency, Category, Channel, ComplaintClass, Contact, ExtraQuestion, FileComplaintRequest,
    FileComplaintResponse, ListPublishedComplaintsRequest, ListSimilarComplaintsRequest, Place,
    PublishedComplaint,
};
use prost_types::Timestamp;
use tonic::Status;
use uuid::Uuid;

use super::{
    WebState,
    apply::{self, Village},
    cases,
    complaints::{self, Ground},
    fields::{self, Choice, Faults, Input, Paper},
    form::Sent,
    moment::{self, Zone},
    pages, qr,
    visit::{Answer, Frame, Menu, PAGE, Viewer, Visit},
    words,
};
use crate::problem;

/// The permission of the complaint desk.
const FILE: &str = "complaints.file";
/// Places for photos on the form.
const PHOTOS: [&str; 3] = ["foto1", "foto2", "foto3"];
/// Similar reports that are shown at most.
const SIMILAR: usize = 5;
/// The most characters of a report.
const LONGEST: i32 = 4_000;
/// The answer to the question whether one of the similar reports is the same.
const NEW: &str = "baru";

#[derive(Template)]
#[template(path = "lapor.html")]
struct FormPage {
    p: Frame,
    nav: &'static str,
    here: &'static str,
    menu: Option<Menu>,
    action: &'static str,
    request_id: String,
    summary: Vec<(String, String, String)>,
    classes: Vec<Choice>,
    class_error: String,
    text: Input,
    categories: Vec<(String, Vec<Choice>)>,
    category_error: String,
    emergencies: Vec<(String, String)>,
    questions: Vec<Input>,
    accused: Vec<Choice>,
    villages: Vec<Village>,
    village_error: String,
    place: Vec<Input>,
    when: Input,
    papers: Vec<Paper>,
    file_limit: usize,
    contact: Vec<Input>,
    secrecies: Vec<Choice>,
    secrecy_error: String,
    at_desk: Vec<Input>,
    similar: Vec<Similar>,
    seen: bool,
}

/// A published report that may be about the same.
struct Similar {
    number: String,
    text: String,
    facts: String,
    chosen: bool,
}

/// What is needed to show and read the form.
struct Ways {
    categories: Vec<Category>,
    agencies: Vec<Agency>,
    languages: Vec<v1::Language>,
    ground: Ground,
    desk: Option<Viewer>,
}

impl Ways {
    async fn of(state: &WebState, visit: &Visit, desk: Option<Viewer>) -> Result<Self, Status> {
        let (categories, agencies, languages, ground) = tokio::join!(
            complaints::categories(state, visit),
            complaints::agencies(state, visit),
            complaints::languages(state, visit),
            Ground::of(state, visit)
        );
        // Whom it is about can be left open, and Indonesian is understood; what it is about cannot be left open.
        let mut languages = languages.unwrap_or_default();
        languages.retain(|one| one.active);
        languages.sort_by_key(|one| one.code != "id");
        Ok(Self { categories: categories?, agencies: agencies.unwrap_or_default(), languages, ground, desk })
    }

    fn action(&self) -> &'static str {
        if self.desk.is_some() { "/meja-pengaduan" } else { "/lapor" }
    }
}

/// `/lapor`: the empty form.
pub(crate) async fn form(State(state): State<WebState>, visit: Visit) -> Answer {
    empty(&state, &visit, None).await
}

/// `/meja-pengaduan`: the same for the complaint desk.
pub(crate) async fn desk(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, FILE).await?;
    empty(&state, &visit, Some(viewer)).await
}

async fn empty(state: &WebState, visit: &Visit, desk: Option<Viewer>) -> Answer {
    let ways = Ways::of(state, visit, desk).await.map_err(|status| visit.refused(&status))?;
    let mut sent = Sent::default();
    sent.set("kunci", Uuid::new_v4());
    sent.set("jenis", "pengaduan");
    sent.set("kerahasiaan", "biasa");
    sent.set("bahasa", words::code(visit.language));
    Ok(page(state, visit, &ways, &sent, &Faults::default(), &[], StatusCode::OK))
}

/// A report of a citizen, sent.
pub(crate) async fn submit(State(state): State<WebState>, visit: Visit, request: Request) -> Answer {
    take(&state, &visit, request, None).await
}

/// A report that the complaint desk wrote down, sent.
pub(crate) async fn desk_submit(State(state): State<WebState>, visit: Visit, request: Request) -> Answer {
    let viewer = pages::staff(&state, &visit, FILE).await?;
    take(&state, &visit, request, Some(viewer)).await
}

/// One report, however often it is sent. Where something similar is known, that is asked about first.
async fn take(state: &WebState, visit: &Visit, request: Request, desk: Option<Viewer>) -> Answer {
    let ways = Ways::of(state, visit, desk).await.map_err(|status| visit.refused(&status))?;
    let mut sent = Sent::with_files(request, state.form_limit, state.file_limit).await;
    let request_id = fields::settle_key(&mut sent);
    let mut faults = Faults::default();
    let viewer = ways.desk.as_ref();
    let file_ids =
        complaints::upload(state, visit, viewer, &PHOTOS, &mut sent, &request_id, &mut faults).await;
    let request = request_of(&ways, &sent, request_id, file_ids, visit, &mut faults);
    if !faults.is_empty() {
        return Ok(page(state, visit, &ways, &sent, &faults, &[], StatusCode::BAD_REQUEST));
    }
    if sent.get("dilihat").is_empty() {
        let similar = similar(state, visit, &request).await;
        if !similar.is_empty() {
            return Ok(page(state, visit, &ways, &sent, &faults, &similar, StatusCode::OK));
        }
    }
    match state.complaints.clone().file_complaint(visit.report(request, viewer)).await {
        Ok(answer) => Ok(receipt(state, visit, &ways, &sent, answer.into_inner())),
        Err(status) => {
            fields::renew_key(&mut sent, &status);
            let faults = Faults::placed(&status, visit, |field| input_of(field, sent.get("kategori")));
            let http = problem::http_status(status.code());
            Ok(page(state, visit, &ways, &sent, &faults, &[], http))
        }
    }
}

/// The input that a field of the request stands for.
fn input_of(field: &str, category: &str) -> String {
    let name = match field {
        "complaint_class" => "jenis",
        "text" => "uraian",
        "category" => "kategori",
        "occurred_at" => "kapan",
        "secrecy" => "kerahasiaan",
        "sent_at" => "diterima",
        "queue_ticket" => "tiket",
        "about_agency_id" => "terlapor",
        "contact" | "contact.name" => "nama",
        "contact.phone" => "telepon",
        "contact.email" => "surel",
        "language" => "bahasa",
        "place" | "place.village_code" => "desa",
        "place.address" => "alamat",
        "place.latitude" | "place.longitude" => "titik",
        field if field.starts_with("file_ids") => "lampiran.foto1",
        field => match field
            .strip_prefix("extra")
            .and_then(|rest| rest.trim_matches(['.', '[', ']', '"']).split(['.', '[', ']', '"']).next())
        {
            Some(key) if !key.is_empty() => return question_name(category, key),
            Some(_) | None => "",
        },
    };
    name.to_owned()
}

fn question_name(category: &str, key: &str) -> String {
    format!("tanya.{category}.{key}")
}

/// What was typed in, as the service takes it.
fn request_of(
    ways: &Ways,
    sent: &Sent,
    request_id: String,
    file_ids: Vec<String>,
    visit: &Visit,
    faults: &mut Faults,
) -> FileComplaintRequest {
    let t = visit.words();
    let zone = ways.ground.zone;
    let time = |name: &str, faults: &mut Faults| -> Option<Timestamp> {
        let written = sent.get(name);
        let read = moment::read(written, zone);
        if read.is_none() && !written.is_empty() {
            faults.note(name, t["report.bad_time"].clone());
        }
        read
    };
    let (occurred_at, sent_at) = (time("kapan", faults), time("diterima", faults));
    let point = complaints::point(sent.get("titik")).unwrap_or_else(|()| {
        faults.note("titik", t["report.bad_point"].clone());
        None
    });
    let place = Place {
        village_code: sent.get("desa").to_owned(),
        latitude: point.map(|(latitude, _)| latitude),
        longitude: point.map(|(_, longitude)| longitude),
        address: sent.get("alamat").to_owned(),
    };
    let contact = Contact {
        name: sent.get("nama").to_owned(),
        phone: sent.get("telepon").to_owned(),
        email: sent.get("surel").to_owned(),
    };
    let category = sent.get("kategori").to_owned();
    let class = complaints::class_of(sent.get("jenis"));
    let questions = ways.categories.iter().find(|one| one.key == category);
    let extra: HashMap<String, String> = questions
        .iter()
        .flat_map(|one| &one.questions)
        .map(|question| {
            let name = question_name(&category, &question.key);
            (question.key.clone(), sent.all(&name).collect::<Vec<_>>().join(","))
        })
        .filter(|(_, answer)| !answer.is_empty())
        .collect();
    // What is secret or about wrongdoing is never added to somebody else's case.
    let own = class == ComplaintClass::Whistleblowing || sent.get("kerahasiaan") == "rahasia";
    let follow = if own { NEW } else { sent.get("ikut") };
    FileComplaintRequest {
        request_id,
        complaint_class: class.into(),
        text: sent.get("uraian").to_owned(),
        place: (place != Place::default()).then_some(place),
        occurred_at,
        contact: (contact != Contact::default()).then_some(contact),
        secrecy: complaints::secrecy_of(sent.get("kerahasiaan")).into(),
        channel: if ways.desk.is_some() { Channel::Counter } else { Channel::Web }.into(),
        file_ids,
        extra,
        about_agency_id: match class {
            ComplaintClass::Whistleblowing => sent.get("terlapor").to_owned(),
            ComplaintClass::Unspecified
            | ComplaintClass::Complaint
            | ComplaintClass::Aspiration
            | ComplaintClass::InformationRequest => String::new(),
        },
        sent_at: sent_at.filter(|_| ways.desk.is_some()),
        queue_ticket: if ways.desk.is_some() { sent.get("tiket").to_owned() } else { String::new() },
        follow_number: if follow == NEW { String::new() } else { follow.to_owned() },
        language: sent.get("bahasa").to_owned(),
        category,
    }
}

/// Published reports that may be about the same: near the point that was given, or of the same category in the same village.
/// Wrongdoing of officials is compared with nothing.
async fn similar(state: &WebState, visit: &Visit, request: &FileComplaintRequest) -> Vec<PublishedComplaint> {
    if request.complaint_class() == ComplaintClass::Whistleblowing || request.category.is_empty() {
        return Vec::new();
    }
    let Some(place) = &request.place else { return Vec::new() };
    // A report is taken whether or not this can be asked.
    let found = match (place.latitude, place.longitude) {
        (Some(latitude), Some(longitude)) => {
            let near = ListSimilarComplaintsRequest {
                category: request.category.clone(),
                latitude,
                longitude,
                text: request.text.clone(),
                page_size: complaints::LINES,
                page_token: String::new(),
            };
            let answer = state.complaints.clone().list_similar_complaints(visit.call(near, None)).await;
            answer.map(|answer| answer.into_inner().complaints).unwrap_or_default()
        }
        (_, _) if !place.village_code.is_empty() => {
            let there = ListPublishedComplaintsRequest {
                category: request.category.clone(),
                closed: Some(false),
                page_size: PAGE,
                ..ListPublishedComplaintsRequest::default()
            };
            let answer = state.complaints.clone().list_published_complaints(visit.call(there, None)).await;
            let mut found = answer.map(|answer| answer.into_inner().complaints).unwrap_or_default();
            found.retain(|one| {
                one.place.as_ref().is_some_and(|known| known.village_code == place.village_code)
            });
            found
        }
        (_, _) => Vec::new(),
    };
    found.into_iter().take(SIMILAR).collect()
}

fn page(
    state: &WebState,
    visit: &Visit,
    ways: &Ways,
    sent: &Sent,
    faults: &Faults,
    similar: &[PublishedComplaint],
    http: StatusCode,
) -> Response {
    let t = visit.words();
    let line = |name: &str, kind, mode, autocomplete, max_length| Input {
        shape: "line",
        kind,
        mode,
        autocomplete,
        max_length,
        label: t[&format!("report.{name}")].clone(),
        help: t.find(&format!("report.{name}_help")).unwrap_or_default().to_owned(),
        value: sent.get(name).to_owned(),
        error: faults.of(name),
        id: fields::id_of(name),
        name: name.to_owned(),
        ..Input::default()
    };
    let text =
        Input { shape: "area", required: true, rows: Vec::new(), ..line("uraian", "", "", "off", LONGEST) };
    let place = vec![line("alamat", "text", "", "street-address", 300), line("titik", "text", "", "off", 60)];
    let when = line("kapan", "datetime-local", "", "", 0);
    let language = Input {
        shape: "select",
        choices: ways
            .languages
            .iter()
            .map(|one| Choice {
                label: one.name.clone(),
                value: one.code.clone(),
                chosen: one.code == sent.get("bahasa"),
                ..Choice::default()
            })
            .collect(),
        ..line("bahasa", "", "", "", 0)
    };
    let mut contact = vec![
        line("nama", "text", "", "name", 100),
        line("telepon", "tel", "tel", "tel", 20),
        line("surel", "email", "email", "email", 200),
    ];
    if ways.languages.len() > 1 {
        contact.push(language);
    }
    let at_desk = match ways.desk {
        Some(_) => {
            vec![line("diterima", "datetime-local", "", "", 0), line("tiket", "text", "", "off", 40)]
        }
        None => Vec::new(),
    };
    let questions: Vec<Input> = ways
        .categories
        .iter()
        .filter(|one| one.active)
        .flat_map(|one| asked(one, sent, faults, visit))
        .collect();
    let papers = complaints::papers(&PHOTOS, &t["report.photo"], sent, faults, visit);
    let mut order: Vec<(String, String, String)> = vec![
        ("jenis".into(), "jenis".into(), t["report.jenis"].clone()),
        ("uraian".into(), "uraian".into(), text.label.clone()),
        ("kategori".into(), "kategori".into(), t["report.kategori"].clone()),
    ];
    order.extend(questions.iter().flat_map(Input::places));
    order.push(("desa".into(), "desa".into(), t["person.desa"].clone()));
    order.extend(place.iter().chain([&when]).flat_map(Input::places));
    order.extend(papers.iter().map(|paper| (paper.name.clone(), paper.id.clone(), paper.label.clone())));
    order.push(("kerahasiaan".into(), "kerahasiaan".into(), t["report.kerahasiaan"].clone()));
    order.extend(contact.iter().chain(&at_desk).flat_map(Input::places));
    let summary = faults.summary(order);
    let page = FormPage {
        p: visit.frame(),
        nav: "lapor",
        here: "meja-pengaduan",
        menu: ways.desk.as_ref().map(Menu::of),
        action: ways.action(),
        request_id: sent.get("kunci").to_owned(),
        summary,
        classes: complaints::explained(&complaints::CLASSES, "class", sent.get("jenis"), t),
        class_error: faults.of("jenis"),
        text,
        categories: complaints::category_groups(&ways.categories, sent.get("kategori")),
        category_error: faults.of("kategori"),
        emergencies: ways
            .categories
            .iter()
            .filter(|one| one.active && !one.emergency_advice.is_empty())
            .map(|one| (one.name.clone(), one.emergency_advice.clone()))
            .collect(),
        questions,
        accused: complaints::agency_choices(&ways.agencies, sent.get("terlapor")),
        villages: apply::villages(&ways.ground.offices, sent.get("desa")),
        village_error: faults.of("desa"),
        place,
        when,
        papers,
        file_limit: state.file_limit,
        contact,
        secrecies: complaints::explained(&complaints::SECRECIES, "secrecy", sent.get("kerahasiaan"), t),
        secrecy_error: faults.of("kerahasiaan"),
        at_desk,
        similar: similar
            .iter()
            .map(|one| Similar {
                number: one.number.clone(),
                text: shortened(&one.text),
                facts: facts(one, ways, visit),
                chosen: one.number == sent.get("ikut"),
            })
            .collect(),
        seen: !similar.is_empty() || !sent.get("dilihat").is_empty(),
    };
    visit.locating_page(http, &page)
}

/// The beginning of a long text.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN: usize = 180;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    let start: String = text.chars().take(SHOWN).collect();
    format!("{}…", start.rsplit_once(' ').map_or(start.as_str(), |(words, _)| words))
}

/// Where and when a published report was, and where it stands.
fn facts(one: &PublishedComplaint, ways: &Ways, visit: &Visit) -> String {
    let t = visit.words();
    let metres = match one.distance_metres {
        #[expect(clippy::cast_possible_truncation, reason = "less than half the way around the Earth")]
        distance if distance >= 1.0 => t.say("report.metres", &[("n", &(distance.round() as i64))]),
        _ => String::new(),
    };
    [
        metres,
        ways.ground.place(one.place.as_ref()),
        moment::day(one.received_at, ways.ground.zone, visit.language),
        complaints::state_words(one.state(), t).0,
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .collect::<Vec<_>>()
    .join(" · ")
}

/// The questions of a category, asked once it is chosen.
fn asked(category: &Category, sent: &Sent, faults: &Faults, visit: &Visit) -> Vec<Input> {
    let mut questions: Vec<&ExtraQuestion> = category.questions.iter().collect();
    questions.sort_by_key(|question| question.order);
    let only = visit.words().say("report.only_category", &[("category", &category.name)]);
    questions
        .into_iter()
        .map(|question| {
            let name = question_name(&category.key, &question.key);
            let mut values: Vec<(&String, &String)> = question.values.iter().collect();
            values.sort();
            let choices = values
                .into_iter()
                .map(|(value, label)| Choice {
                    chosen: sent.all(&name).any(|one| one == value),
                    value: value.clone(),
                    label: label.clone(),
                    ..Choice::default()
                })
                .collect();
            let line = |kind, mode| Input { shape: "line", kind, mode, ..Input::default() };
            let shaped = match question.datatype.as_str() {
                "number" => line("text", "decimal"),
                "datetime" => line("datetime-local", ""),
                "text" => Input { shape: "area", ..Input::default() },
                "singlevaluelist" => Input { shape: "select", choices, ..Input::default() },
                "multivaluelist" => Input { shape: "checks", choices, ..Input::default() },
                _ => line("text", ""),
            };
            Input {
                id: fields::id_of(&name),
                label: question.label.clone(),
                required: question.required,
                value: sent.get(&name).to_owned(),
                error: faults.of(&name),
                only_name: "kategori".to_owned(),
                only_equals: category.key.clone(),
                only_words: only.clone(),
                name,
                ..shaped
            }
        })
        .collect()
}

#[derive(Template)]
#[template(path = "lapor_terima.html")]
struct ReceiptPage {
    p: Frame,
    nav: &'static str,
    here: &'static str,
    menu: Option<Menu>,
    number: String,
    pin: String,
    follows: bool,
    class: String,
    secrecy: String,
    verify: String,
    settle: String,
    reaction: String,
    qr: String,
    track: String,
    case_id: String,
    reachable: bool,
}

/// The answer to a report. It is part of no address and kept by nobody: the PIN is shown once.
fn receipt(
    state: &WebState,
    visit: &Visit,
    ways: &Ways,
    sent: &Sent,
    filed: FileComplaintResponse,
) -> Response {
    let zone: Zone = ways.ground.zone;
    let t = visit.words();
    let follow = sent.get("ikut");
    let page = ReceiptPage {
        p: visit.frame(),
        nav: "lapor",
        here: "meja-pengaduan",
        menu: ways.desk.as_ref().map(Menu::of),
        follows: !follow.is_empty() && follow != NEW,
        class: complaints::class_words(complaints::class_of(sent.get("jenis")), t),
        secrecy: complaints::secrecy_words(complaints::secrecy_of(sent.get("kerahasiaan")), t),
        verify: moment::moment(filed.verify_due_at, zone, visit.language),
        settle: moment::day(filed.settle_due_at, zone, visit.language),
        reaction: moment::moment(filed.reaction_due_at, zone, visit.language),
        // What follows a # is kept by the browser: no server on the way sees the number.
        qr: qr::inline(state, &visit.headers, &format!("/lacak#{}", filed.number)).unwrap_or_default(),
        track: format!("/lacak#{}", filed.number),
        reachable: !sent.get("telepon").is_empty() || !sent.get("surel").is_empty(),
        number: filed.number,
        pin: filed.pin,
        // The desk files for others and need not be able to read what becomes of it.
        case_id: match &ways.desk {
            Some(viewer) if viewer.may(cases::READ) => filed.complaint_id,
            Some(_) | None => String::new(),
        },
    };
    visit.page(StatusCode::OK, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_shown_at_the_input_it_is_about() {
        for (field, name) in [
            ("text", "uraian"),
            ("contact.phone", "telepon"),
            ("place.longitude", "titik"),
            ("file_ids[0]", "lampiran.foto1"),
            ("extra.kedalaman", "tanya.JALAN.kedalaman"),
            ("extra[\"kedalaman\"]", "tanya.JALAN.kedalaman"),
            ("extra", ""),
            ("request_id", ""),
        ] {
            assert_eq!(input_of(field, "JALAN"), name, "{field}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_words() {
        assert_eq!(shortened("pendek"), "pendek");
        let long = "kata ".repeat(60);
        let cut = shortened(&long);
        assert!(cut.ends_with("kata…") && cut.chars().count() <= 181, "{cut}");
    }
}

//! What an installation decides on about complaints: categories, agencies, deadlines with their sources, calendars, the
//! ladder with who acts for whom, texts of answers, languages, and the texts of messages. A page for each: what there is, and a form.

use std::collections::HashMap;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::complaints::v1::{
    Acting, Agency, ApplyActingRequest, ApplyAgencyRequest, ApplyCalendarRequest, ApplyCategoryRequest,
    ApplyDeadlineRequest, ApplyLanguageRequest, ApplyOfficialRequest, ApplyResponseTemplateRequest,
    CalendarVersion, Category, ClockKind, Deadline, ExtraQuestion, FreeDay, Language, LanguageWords,
    ListActingsRequest, ListCalendarsRequest, ListDeadlinesRequest, ListOfficialsRequest, Official,
    ResponseTemplate, SignOffDeadlineRequest, SpecialHours, WorkingPeriod,
};
use tonic::Status;
use uuid::Uuid;

use super::{
    WebState,
    complaints::{self, Ground},
    fields::{self, Choice, Faults, Input},
    form::Sent,
    letters::segment,
    moment::{self, Zone},
    pages,
    visit::{Frame, Menu, Viewer, Visit, every},
    words::{self, Words},
};
use crate::problem;

/// The permission of whoever configures complaints.
const CONFIGURE: &str = "complaints.configure";
/// Of whoever configures messages.
pub(crate) const MESSAGES: &str = "notifications.configure";

/// The parts, as addresses call them.
const PARTS: [&str; 8] =
    ["kategori", "instansi", "tenggat", "kalender", "pejabat", "plt", "jawaban", LANGUAGES];
/// The part of the languages that reporters are answered in.
const LANGUAGES: &str = "bahasa";
/// The part of another service.
const MESSAGE_PART: &str = "pesan";

/// Clocks that a deadline can set, with what forms call them.
const CLOCKS: [(ClockKind, &str); 5] = [
    (ClockKind::Verify, "verify"),
    (ClockKind::Accept, "accept"),
    (ClockKind::FirstAnswer, "first_answer"),
    (ClockKind::Settle, "settle"),
    (ClockKind::Reaction, "reaction"),
];
const UNITS: [&str; 4] = ["WORKING_DAYS", "WORKING_HOURS", "DAYS", "HOURS"];
const RUNGS: [&str; 5] = ["ADMIN", "AGENCY_HEAD", "SECRETARY", "REGENT", "INSPECTORATE"];
/// What words of a language can mean, in the order of the form.
const MEANINGS: [&str; 9] =
    ["CHOOSE", "YES", "NEW", "DONE", "NOT_DONE", "OPEN", "ANONYMOUS", "SECRET", "TYPICAL"];
const KINDS: [&str; 5] = ["FIRST_ANSWER", "ANSWER", "QUESTION", "ARCHIVE", "FORWARD"];

#[derive(Template)]
#[template(path = "pengaturan.html")]
pub(crate) struct PartPage {
    pub(crate) p: Frame,
    pub(crate) here: &'static str,
    pub(crate) menu: Menu,
    pub(crate) tabs: Vec<(String, String, bool)>,
    pub(crate) title: String,
    pub(crate) lead: String,
    pub(crate) action: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) form: Option<Form>,
    pub(crate) saved: bool,
    pub(crate) note: String,
}

/// What there is, in a line.
pub(crate) struct Row {
    pub(crate) title: String,
    pub(crate) facts: Vec<String>,
    pub(crate) chips: Vec<(String, &'static str)>,
    /// The address of its form; empty for none.
    pub(crate) edit: String,
    /// Presses: address, words, tone, and what goes along.
    pub(crate) presses: Vec<Press>,
}

/// A button of a line.
pub(crate) struct Press {
    pub(crate) action: String,
    pub(crate) words: String,
    pub(crate) hidden: Vec<(&'static str, String)>,
    /// Whether a reason is asked for.
    pub(crate) reason: bool,
}

/// The form under the list.
pub(crate) struct Form {
    pub(crate) title: String,
    pub(crate) key: String,
    pub(crate) inputs: Vec<Input>,
    pub(crate) summary: Vec<(String, String, String)>,
}

/// The tabs that somebody may open.
pub(crate) fn tabs(viewer: &Viewer, chosen: &str, t: &Words) -> Vec<(String, String, bool)> {
    let own = PARTS.into_iter().filter(|_| viewer.may(CONFIGURE));
    let other = Some(MESSAGE_PART).into_iter().filter(|_| viewer.may(MESSAGES));
    own.chain(other)
        .map(|part| {
            (format!("/pengaturan-aduan/{part}"), t[&format!("rules.{part}")].clone(), part == chosen)
        })
        .collect()
}

/// `/pengaturan-aduan`: to the first part that the viewer may open.
pub(crate) async fn first(State(state): State<WebState>, visit: Visit) -> Response {
    match visit.viewer(&state).await {
        Ok(Some(viewer)) => match tabs(&viewer, "", visit.words()).first() {
            Some((address, ..)) => visit.redirect(address),
            None => visit.forbidden(),
        },
        Ok(None) => visit.sign_in_first(),
        Err(status) => visit.refused(&status),
    }
}

/// A part: its lines, and the values of the one that is to be changed.
struct Part {
    rows: Vec<Row>,
    /// What the form begins with.
    values: Sent,
}

/// `/pengaturan-aduan/{part}?ubah=…`: what there is, and the form of one of them; `ubah=baru` for a new one.
pub(crate) async fn show(State(state): State<WebState>, Path(part): Path<String>, visit: Visit) -> Response {
    let viewer = match pages::staff(&state, &visit, CONFIGURE).await {
        Ok(viewer) => viewer,
        Err(response) => return response,
    };
    let Some(part) = PARTS.into_iter().find(|one| *one == part) else { return visit.missing("error.404") };
    page(&state, &visit, &viewer, part, None, StatusCode::OK).await
}

async fn page(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    part: &'static str,
    refused: Option<(Sent, Faults)>,
    http: StatusCode,
) -> Response {
    let (ground, agencies) = tokio::join!(Ground::of(state, visit), complaints::agencies(state, visit));
    let agencies = agencies.unwrap_or_default();
    let asked = visit.parameter("ubah").unwrap_or_default().to_owned();
    let languages = match part {
        LANGUAGES => complaints::languages(state, visit).await,
        _ => Ok(Vec::new()),
    };
    let languages = match languages {
        Ok(languages) => languages,
        Err(status) => return visit.refused(&status),
    };
    let look = Look {
        state,
        visit,
        viewer,
        zone: ground.zone,
        agencies: &agencies,
        languages: &languages,
        asked: &asked,
    };
    let found = match look.load(part).await {
        Ok(found) => found,
        Err(status) => return visit.refused(&status),
    };
    let t = visit.words();
    let has_form = !asked.is_empty() || refused.is_some();
    let (mut values, faults) = refused.unwrap_or((found.values, Faults::default()));
    if values.get("kunci_form").is_empty() {
        values.set("kunci_form", Uuid::new_v4());
    }
    let inputs = look.inputs(part, &values, &faults);
    let order: Vec<(String, String, String)> = inputs.iter().flat_map(Input::places).collect();
    let form = has_form.then(|| Form {
        title: t[&format!("rules.{part}_form")].clone(),
        key: values.get("kunci_form").to_owned(),
        summary: faults
            .summary(order.iter().map(|(name, id, label)| (name.as_str(), id.as_str(), label.as_str()))),
        inputs,
    });
    let page = PartPage {
        p: visit.frame(),
        here: "pengaturan",
        menu: Menu::of(viewer),
        tabs: tabs(viewer, part, t),
        title: t[&format!("rules.{part}")].clone(),
        lead: t[&format!("rules.{part}_lead")].clone(),
        action: format!("/pengaturan-aduan/{part}"),
        rows: found.rows,
        form,
        saved: visit.parameter("tersimpan").is_some(),
        note: match visit.parameter("dihitung").and_then(|count| count.parse::<i64>().ok()) {
            Some(count) => t.say("rules.recounted", &[("n", &count)]),
            None => String::new(),
        },
    };
    visit.page(http, &page)
}

/// The form of a part, sent.
pub(crate) async fn save(
    State(state): State<WebState>,
    Path(part): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Response {
    let viewer = match pages::staff(&state, &visit, CONFIGURE).await {
        Ok(viewer) => viewer,
        Err(response) => return response,
    };
    let Some(part) = PARTS.into_iter().find(|one| *one == part) else { return visit.missing("error.404") };
    let mut sent = Sent::plain(&body);
    let request_id = Uuid::parse_str(sent.get("kunci_form")).unwrap_or_else(|_| Uuid::new_v4()).to_string();
    let zone = Ground::of(&state, &visit).await.zone;
    let apply = Apply { state: &state, visit: &visit, viewer: &viewer, zone, request_id, sent: &sent };
    match apply.call(part).await {
        Ok(to) => visit.redirect(&to),
        Err(Refused::Wrong(name, words)) => {
            let mut faults = Faults::default();
            faults.note(name, visit.words()[words].clone());
            page(&state, &visit, &viewer, part, Some((sent, faults)), StatusCode::BAD_REQUEST).await
        }
        Err(Refused::Service(status)) => {
            if !fields::is_unclear(&status) {
                sent.set("kunci_form", Uuid::new_v4());
            }
            let faults = Faults::placed(&status, &visit, |field| input_of(field, part));
            let http = problem::http_status(status.code());
            page(&state, &visit, &viewer, part, Some((sent, faults)), http).await
        }
    }
}

/// Vouches for a row of the deadlines table.
pub(crate) async fn sign_off(
    State(state): State<WebState>,
    Path(id): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Response {
    let viewer = match pages::staff(&state, &visit, CONFIGURE).await {
        Ok(viewer) => viewer,
        Err(response) => return response,
    };
    let request = SignOffDeadlineRequest { request_id: fields::form_key(&Sent::plain(&body)), deadline: id };
    match state.complaints.clone().sign_off_deadline(visit.call(request, Some(&viewer))).await {
        Ok(_) => visit.redirect("/pengaturan-aduan/tenggat?tersimpan=1"),
        Err(status) => visit.refused(&status),
    }
}

/// What the pages of the parts are made with.
struct Look<'a> {
    state: &'a WebState,
    visit: &'a Visit,
    viewer: &'a Viewer,
    zone: Zone,
    agencies: &'a [Agency],
    /// Of the part of languages alone.
    languages: &'a [Language],
    /// The line that is to be changed; empty for none.
    asked: &'a str,
}

fn yes(is: bool) -> &'static str {
    if is { "ya" } else { "tidak" }
}

impl Look<'_> {
    fn t(&self) -> &'static Words {
        self.visit.words()
    }

    fn row(&self, part: &str, key: &str, title: String, facts: Vec<String>) -> Row {
        Row {
            title,
            facts: facts.into_iter().filter(|fact| !fact.is_empty()).collect(),
            chips: Vec::new(),
            edit: format!("/pengaturan-aduan/{part}?ubah={}", segment(key)),
            presses: Vec::new(),
        }
    }

    async fn load(&self, part: &str) -> Result<Part, Status> {
        match part {
            "kategori" => self.categories().await,
            "instansi" => Ok(self.agencies()),
            "tenggat" => self.deadlines().await,
            "kalender" => self.calendars().await,
            "pejabat" => self.officials().await,
            "plt" => self.actings().await,
            LANGUAGES => Ok(self.languages()),
            _ => self.templates().await,
        }
    }

    async fn categories(&self) -> Result<Part, Status> {
        let all = complaints::categories(self.state, self.visit).await?;
        let t = self.t();
        let mut values = Sent::default();
        values.set("aktif", "ya");
        values.set("jarak", "200");
        if let Some(one) = all.iter().find(|one| one.key == self.asked) {
            for (name, value) in [
                ("kunci", one.key.clone()),
                ("induk", one.parent.clone()),
                ("nama", one.name.clone()),
                ("uraian", one.description.clone()),
                ("kata_kunci", one.keywords.join(", ")),
                ("instansi", one.agency_id.clone()),
                ("jenis_tenggat", one.deadline_kind.clone()),
                ("pertanyaan", one.questions.iter().map(question_line).collect::<Vec<_>>().join("\n")),
                ("jarak", one.duplicate_metres.to_string()),
                ("aktif", yes(one.active).to_owned()),
                ("darurat", one.emergency_advice.clone()),
            ] {
                values.set(name, value);
            }
        }
        let row = |one: &Category| {
            let facts = vec![
                complaints::agency_name(&one.agency_id, self.agencies, t),
                one.deadline_kind.clone(),
                one.description.clone(),
            ];
            let mut row = self.row("kategori", &one.key, format!("{} · {}", one.name, one.key), facts);
            if !one.active {
                row.chips.push((t["rules.inactive"].clone(), "off"));
            }
            row
        };
        Ok(Part { rows: all.iter().map(row).collect(), values })
    }

    fn agencies(&self) -> Part {
        let t = self.t();
        let mut values = Sent::default();
        values.set("aktif", "ya");
        values.set("inspektorat", "tidak");
        values.set("batas_tolak", "3");
        if let Some(one) = self.agencies.iter().find(|one| one.id == self.asked) {
            for (name, value) in [
                ("kode", one.id.clone()),
                ("nama", one.name.clone()),
                ("kalender", one.calendar_id.clone()),
                ("inspektorat", yes(one.inspectorate).to_owned()),
                ("aktif", yes(one.active).to_owned()),
                ("batas_tolak", one.bounce_limit.to_string()),
            ] {
                values.set(name, value);
            }
        }
        let row = |one: &Agency| {
            let facts = vec![one.calendar_id.clone(), t.say("rules.bounces", &[("n", &one.bounce_limit)])];
            let mut row = self.row("instansi", &one.id, format!("{} · {}", one.name, one.id), facts);
            if one.inspectorate {
                row.chips.push((t["rules.inspectorate"].clone(), "help"));
            }
            if !one.active {
                row.chips.push((t["rules.inactive"].clone(), "off"));
            }
            row
        };
        Part { rows: self.agencies.iter().map(row).collect(), values }
    }

    async fn deadlines(&self) -> Result<Part, Status> {
        let all = every!(
            self.visit,
            Some(self.viewer),
            self.state.complaints,
            list_deadlines(ListDeadlinesRequest { in_force_only: false }).deadlines
        )
        .await?;
        let t = self.t();
        let mut values = Sent::default();
        values.set("keyakinan", "B");
        if let Some(one) = all.iter().find(|one| one.id == self.asked) {
            let clock = CLOCKS.iter().find(|(clock, _)| *clock == one.clock()).map_or("", |(_, name)| name);
            let mut ladder: Vec<(u32, String)> = one
                .ladder
                .iter()
                .map(|(percent, rung)| (percent.parse().unwrap_or_default(), format!("{percent} {rung}")))
                .collect();
            ladder.sort();
            for (name, value) in [
                ("kunci", one.key.clone()),
                ("jam", clock.to_owned()),
                ("jenis", complaints::class_name(one.complaint_class()).to_owned()),
                ("jenis_tenggat", one.deadline_kind.clone()),
                ("nilai", one.value.to_string()),
                ("satuan", one.unit.clone()),
                ("sumber", one.source.clone()),
                ("keyakinan", one.confidence.clone()),
                ("keterangan", one.note.clone()),
                ("tangga", ladder.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n")),
            ] {
                values.set(name, value);
            }
        }
        let row = |one: &Deadline| {
            let amount = format!("{} {}", one.value, complaints::keyed("unit", &one.unit, t));
            let class = complaints::class_words(one.complaint_class(), t);
            let span = match one.valid_to.as_str() {
                "" => t.say("since", &[("time", &words::date(&one.valid_from, self.visit.language))]),
                to => format!(
                    "{} – {}",
                    words::date(&one.valid_from, self.visit.language),
                    words::date(to, self.visit.language)
                ),
            };
            let clock = complaints::clock_words(one.clock(), t);
            let facts = vec![class, one.deadline_kind.clone(), span, one.source.clone(), one.note.clone()];
            let mut row = self.row("tenggat", &one.id, format!("{} · {clock} · {amount}", one.key), facts);
            let sure = t.say("rules.confidence", &[("level", &one.confidence)]);
            row.chips.push((sure, if one.confidence == "A" { "good" } else { "warn" }));
            if one.signed_off_by.is_empty() {
                row.presses.push(Press {
                    action: format!("/pengaturan-aduan/tenggat/{}/sahkan", segment(&one.id)),
                    words: t["rules.sign_off"].clone(),
                    hidden: vec![("kunci", Uuid::new_v4().to_string())],
                    reason: false,
                });
            } else {
                row.chips.push((t["rules.signed_off"].clone(), "good"));
            }
            row
        };
        Ok(Part { rows: all.iter().map(row).collect(), values })
    }

    async fn calendars(&self) -> Result<Part, Status> {
        let all = every!(
            self.visit,
            Some(self.viewer),
            self.state.complaints,
            list_calendars(ListCalendarsRequest { calendar: String::new() }).calendars
        )
        .await?;
        let t = self.t();
        let mut values = Sent::default();
        values.set("zona", "WIB");
        // The newest version comes first.
        if let Some(one) = all.iter().find(|one| one.id == self.asked) {
            for (name, value) in [
                ("kode", one.id.clone()),
                ("zona", one.zone.clone()),
                ("jam_kerja", week_lines(&one.periods).join("\n")),
                (
                    "hari_libur",
                    one.free_days
                        .iter()
                        .map(|day| format!("{} {}", day.date, day.name))
                        .collect::<Vec<_>>()
                        .join("\n"),
                ),
                ("jam_khusus", one.special_hours.iter().map(special_line).collect::<Vec<_>>().join("\n")),
            ] {
                values.set(name, value);
            }
        }
        let row = |one: &CalendarVersion| {
            let facts = vec![
                one.zone.clone(),
                week_lines(&one.periods).join("; "),
                t.say("rules.free_days", &[("n", &one.free_days.len())]),
                moment::day(one.created_at, self.zone, self.visit.language),
            ];
            let title = format!("{} · {} {}", one.id, t["types.version"], one.version);
            self.row("kalender", &one.id, title, facts)
        };
        Ok(Part { rows: all.iter().map(row).collect(), values })
    }

    async fn all_officials(&self) -> Result<Vec<Official>, Status> {
        every!(
            self.visit,
            Some(self.viewer),
            self.state.complaints,
            list_officials(ListOfficialsRequest {}).officials
        )
        .await
    }

    async fn officials(&self) -> Result<Part, Status> {
        let all = self.all_officials().await?;
        let t = self.t();
        let mut values = Sent::default();
        if let Some(one) = all.iter().find(|one| one.id == self.asked) {
            for (name, value) in [
                ("jenjang", one.rung.clone()),
                ("instansi", one.agency_id.clone()),
                ("jabatan", one.title.clone()),
                ("akun", one.account_id.clone()),
            ] {
                values.set(name, value);
            }
        }
        let row = |one: &Official| {
            let agency = match one.agency_id.as_str() {
                "" => String::new(),
                id => complaints::agency_name(id, self.agencies, t),
            };
            let facts = vec![complaints::keyed("rung", &one.rung, t), agency, one.account_id.clone()];
            let mut row = self.row("pejabat", &one.id, one.title.clone(), facts);
            if !one.acting_account_id.is_empty() {
                row.chips.push((t.say("rules.acting", &[("who", &one.acting_account_id)]), "warn"));
            }
            if one.failing_since.is_some() {
                let since = moment::moment(one.failing_since, self.zone, self.visit.language);
                row.chips.push((t.say("rules.failing", &[("time", &since)]), "warn"));
            }
            row
        };
        Ok(Part { rows: all.iter().map(row).collect(), values })
    }

    async fn actings(&self) -> Result<Part, Status> {
        let (officials, all) = tokio::join!(
            self.all_officials(),
            every!(
                self.visit,
                Some(self.viewer),
                self.state.complaints,
                list_actings(ListActingsRequest {}).actings
            )
        );
        let (officials, all) = (officials?, all?);
        let t = self.t();
        let mut values = Sent::default();
        values.set("sebutan", "PLH");
        if let Some(one) = all.iter().find(|one| one.id == self.asked) {
            for (name, value) in [
                ("jabatan_id", one.official_id.clone()),
                ("akun", one.account_id.clone()),
                ("sebutan", one.title.clone()),
                ("sk", one.decree.clone()),
                ("dari", moment::written(one.from, self.zone)),
                ("sampai", moment::written(one.to, self.zone)),
            ] {
                values.set(name, value);
            }
        }
        let row = |one: &Acting| {
            let office = officials.iter().find(|office| office.id == one.official_id);
            let office = office.map_or(one.official_id.as_str(), |office| office.title.as_str());
            let span = format!(
                "{} – {}",
                moment::moment(one.from, self.zone, self.visit.language),
                moment::moment(one.to, self.zone, self.visit.language)
            );
            let title = format!("{} {office}", complaints::keyed("acting", &one.title, t));
            self.row("plt", &one.id, title, vec![one.account_id.clone(), one.decree.clone(), span])
        };
        Ok(Part { rows: all.iter().map(row).collect(), values })
    }

    async fn templates(&self) -> Result<Part, Status> {
        let all = complaints::templates(self.state, self.visit, self.viewer).await?;
        let t = self.t();
        let mut values = Sent::default();
        values.set("aktif", "ya");
        if let Some(one) = all.iter().find(|one| one.id == self.asked) {
            for (name, value) in [
                ("id", one.id.clone()),
                ("macam", one.kind.clone()),
                ("nama", one.name.clone()),
                ("teks", one.text.clone()),
                ("aktif", yes(one.active).to_owned()),
            ] {
                values.set(name, value);
            }
        }
        let row = |one: &ResponseTemplate| {
            let facts = vec![complaints::keyed("kind", &one.kind, t), one.text.clone()];
            let mut row = self.row("jawaban", &one.id, one.name.clone(), facts);
            if !one.active {
                row.chips.push((t["rules.inactive"].clone(), "off"));
            }
            row
        };
        Ok(Part { rows: all.iter().map(row).collect(), values })
    }

    fn languages(&self) -> Part {
        let t = self.t();
        let mut values = Sent::default();
        for (name, value) in [("aktif", "tidak"), ("keyakinan", "C")] {
            values.set(name, value);
        }
        if let Some(one) = self.languages.iter().find(|one| one.code == self.asked) {
            for (name, value) in [
                ("kode_bahasa", one.code.clone()),
                ("nama_bahasa", one.name.clone()),
                ("aktif", yes(one.active).to_owned()),
                ("keyakinan", one.confidence.clone()),
                ("sumber_bahasa", one.source.clone()),
            ] {
                values.set(name, value);
            }
            for (key, phrase) in &one.phrases {
                values.set(&format!("ucapan.{key}"), phrase);
            }
            for words in &one.words {
                values.set(&format!("kata.{}", words.meaning), words.words.join(", "));
            }
        }
        let row = |one: &Language| {
            let version = format!("{} {}", t["types.version"], one.version);
            let facts = vec![version, one.source.clone()];
            let mut row = self.row(LANGUAGES, &one.code, format!("{} · {}", one.name, one.code), facts);
            let sure = complaints::keyed("confidence", &one.confidence, t);
            row.chips.push((sure, if one.confidence == "C" { "warn" } else { "good" }));
            if !one.active {
                row.chips.push((t["rules.inactive"].clone(), "off"));
            }
            row
        };
        Part { rows: self.languages.iter().map(row).collect(), values }
    }

    /// What a language says and understands: an input for each phrase, called as it reads in Indonesian, and for each meaning.
    fn of_language(&self, make: &Maker<'_>) -> Vec<Input> {
        let mut inputs = vec![
            make.line("kode_bahasa", true, 3),
            make.line("nama_bahasa", true, 60),
            make.listed("aktif", "radio", true, "yes", &["ya", "tidak"]),
            make.listed("keyakinan", "select", true, "confidence", &["A", "B", "C"]),
            make.line("sumber_bahasa", true, 300),
        ];
        for (key, phrase) in phrases(self.languages) {
            let label = self.t().say("rules.phrase", &[("phrase", &phrase)]);
            inputs.push(Input { label, ..make.area(&format!("ucapan.{key}"), false, 500) });
        }
        inputs.extend(MEANINGS.map(|meaning| {
            let name = format!("kata.{meaning}");
            Input { label: complaints::keyed("meaning", meaning, self.t()), ..make.line(&name, false, 2_000) }
        }));
        inputs
    }

    fn inputs(&self, part: &str, values: &Sent, faults: &Faults) -> Vec<Input> {
        let make = Maker { values, faults, t: self.t() };
        let classes = || {
            let classes = complaints::CLASSES.iter().map(|(class, name)| Choice {
                value: (*name).to_owned(),
                label: complaints::class_words(*class, self.t()),
                chosen: *name == values.get("jenis"),
                ..Choice::default()
            });
            classes.collect::<Vec<_>>()
        };
        let agencies = || complaints::agency_choices(self.agencies, values.get("instansi"));
        let active = || make.listed("aktif", "radio", true, "yes", &["ya", "tidak"]);
        match part {
            "kategori" => vec![
                make.line("kunci", true, 40),
                make.line("nama", true, 100),
                make.line("induk", false, 40),
                make.area("uraian", false, 500),
                make.line("kata_kunci", false, 500),
                make.choose("instansi", "select", false, agencies()),
                make.line("jenis_tenggat", false, 40),
                make.line("jarak", false, 6),
                make.area("pertanyaan", false, 4_000),
                make.area("darurat", false, 500),
                active(),
            ],
            "instansi" => vec![
                make.line("kode", true, 60),
                make.line("nama", true, 200),
                make.line("kalender", false, 60),
                make.line("batas_tolak", false, 3),
                make.listed("inspektorat", "radio", true, "yes", &["ya", "tidak"]),
                active(),
            ],
            "tenggat" => vec![
                make.line("kunci", true, 20),
                make.listed("jam", "select", false, "clock", &CLOCKS.map(|(_, name)| name)),
                make.choose("jenis", "select", false, classes()),
                make.line("jenis_tenggat", false, 40),
                make.line("nilai", true, 6),
                make.listed("satuan", "select", true, "unit", &UNITS),
                make.line("sumber", true, 300),
                make.listed("keyakinan", "select", true, "confidence", &["A", "B", "C"]),
                make.area("keterangan", false, 1_000),
                Input { kind: "date", ..make.line("berlaku", true, 10) },
                make.area("tangga", false, 500),
            ],
            "kalender" => vec![
                make.line("kode", true, 60),
                make.listed("zona", "select", true, "zone", &["WIB", "WITA", "WIT"]),
                make.area("jam_kerja", true, 1_000),
                make.area("hari_libur", false, 10_000),
                make.area("jam_khusus", false, 5_000),
            ],
            "pejabat" => vec![
                make.listed("jenjang", "select", true, "rung", &RUNGS),
                make.choose("instansi", "select", false, agencies()),
                make.line("jabatan", true, 200),
                make.line("akun", true, 60),
            ],
            "plt" => vec![
                make.line("jabatan_id", true, 60),
                make.listed("sebutan", "radio", true, "acting", &["PLT", "PLH"]),
                make.line("akun", true, 60),
                make.line("sk", true, 200),
                Input { kind: "datetime-local", ..make.line("dari", true, 0) },
                Input { kind: "datetime-local", ..make.line("sampai", true, 0) },
            ],
            LANGUAGES => self.of_language(&make),
            _ => vec![
                Input { kind: "hidden", ..make.line("id", true, 60) },
                make.listed("macam", "select", true, "kind", &KINDS),
                make.line("nama", true, 100),
                make.area("teks", true, 4_000),
                active(),
            ],
        }
    }
}

/// Makes inputs with what was sent and what is wrong with it.
pub(crate) struct Maker<'a> {
    pub(crate) values: &'a Sent,
    pub(crate) faults: &'a Faults,
    pub(crate) t: &'static Words,
}

impl Maker<'_> {
    fn input(&self, name: &str, shape: &'static str, required: bool, max_length: i32) -> Input {
        Input {
            name: name.to_owned(),
            id: fields::id_of(name),
            shape,
            kind: if shape == "line" { "text" } else { "" },
            autocomplete: if shape == "line" { "off" } else { "" },
            label: self.t.find(&format!("rule.{name}")).unwrap_or_default().to_owned(),
            help: self.t.find(&format!("rule.{name}_help")).unwrap_or_default().to_owned(),
            required,
            max_length,
            value: self.values.get(name).to_owned(),
            error: self.faults.of(name),
            ..Input::default()
        }
    }

    pub(crate) fn line(&self, name: &str, required: bool, max_length: i32) -> Input {
        self.input(name, "line", required, max_length)
    }

    pub(crate) fn area(&self, name: &str, required: bool, max_length: i32) -> Input {
        self.input(name, "area", required, max_length)
    }

    fn choose(&self, name: &str, shape: &'static str, required: bool, choices: Vec<Choice>) -> Input {
        Input { choices, ..self.input(name, shape, required, 0) }
    }

    pub(crate) fn listed(
        &self,
        name: &str,
        shape: &'static str,
        required: bool,
        prefix: &str,
        values: &[&str],
    ) -> Input {
        let choices = complaints::choices(values, prefix, self.values.get(name), self.t);
        self.choose(name, shape, required, choices)
    }
}

/// The input that a field of a request stands for.
fn input_of(field: &str, part: &str) -> String {
    if let Some(key) = field.strip_prefix("language.phrases.") {
        return format!("ucapan.{key}");
    }
    let field = field.split_once('.').map_or(field, |(_, field)| field);
    let field = field.split(['.', '[']).next().unwrap_or_default();
    let name = match (part, field) {
        ("kategori" | "tenggat", "key") => "kunci",
        ("kategori", "parent") => "induk",
        ("kategori", "description") => "uraian",
        ("kategori", "keywords") => "kata_kunci",
        ("kategori", "questions") => "pertanyaan",
        ("kategori", "duplicate_metres") => "jarak",
        ("kategori", "emergency_advice") => "darurat",
        ("kategori" | "tenggat", "deadline_kind") => "jenis_tenggat",
        ("kategori" | "pejabat", "agency_id") => "instansi",
        ("kategori" | "instansi" | "jawaban", "name") => "nama",
        ("instansi" | "kalender", "id") => "kode",
        ("instansi", "calendar_id") => "kalender",
        ("instansi", "bounce_limit") => "batas_tolak",
        ("tenggat", "clock") => "jam",
        ("tenggat", "complaint_class") => "jenis",
        ("tenggat", "value") => "nilai",
        ("tenggat", "unit") => "satuan",
        ("tenggat", "source") => "sumber",
        ("tenggat", "confidence") => "keyakinan",
        ("tenggat", "note") => "keterangan",
        ("tenggat", "valid_from") => "berlaku",
        ("tenggat", "ladder") => "tangga",
        ("kalender", "zone") => "zona",
        ("kalender", "periods") => "jam_kerja",
        ("kalender", "free_days") => "hari_libur",
        ("kalender", "special_hours") => "jam_khusus",
        ("pejabat", "rung") => "jenjang",
        ("pejabat", "title") => "jabatan",
        ("pejabat" | "plt", "account_id") => "akun",
        ("plt", "official_id") => "jabatan_id",
        ("plt", "title") => "sebutan",
        ("plt", "decree") => "sk",
        ("plt", "from") => "dari",
        ("plt", "to") => "sampai",
        (LANGUAGES, "code") => "kode_bahasa",
        (LANGUAGES, "name") => "nama_bahasa",
        (LANGUAGES, "active") => "aktif",
        (LANGUAGES, "confidence") => "keyakinan",
        (LANGUAGES, "source") => "sumber_bahasa",
        (LANGUAGES, "words") => "kata.CHOOSE",
        ("jawaban", "kind") => "macam",
        ("jawaban", "text") => "teks",
        (_, _) => "",
    };
    name.to_owned()
}

enum Refused {
    /// The name of an input, and the words for what is wrong with it.
    Wrong(&'static str, &'static str),
    Service(Status),
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self::Service(status)
    }
}

/// A form that was sent.
struct Apply<'a> {
    state: &'a WebState,
    visit: &'a Visit,
    viewer: &'a Viewer,
    zone: Zone,
    request_id: String,
    sent: &'a Sent,
}

impl Apply<'_> {
    fn text(&self, name: &str) -> String {
        self.sent.get(name).to_owned()
    }

    fn is(&self, name: &str) -> bool {
        self.sent.get(name) == "ya"
    }

    /// A whole number; none typed in is 0.
    fn number(&self, name: &'static str) -> Result<u32, Refused> {
        match self.sent.get(name) {
            "" => Ok(0),
            written => written.parse().map_err(|_| Refused::Wrong(name, "rules.bad_number")),
        }
    }

    /// What was typed in of a language. What is left empty, or as it ships, is said as it ships in that language, and in
    /// Indonesian where nothing does; complaints keeps only what differs.
    fn language(&self, known: &[Language]) -> Language {
        let said = phrases(known).into_iter().map(|(key, _)| {
            let phrase = self.text(&format!("ucapan.{key}"));
            (key, phrase.trim().to_owned())
        });
        let words = MEANINGS.map(|meaning| LanguageWords {
            meaning: meaning.to_owned(),
            words: listed(self.sent.get(&format!("kata.{meaning}"))),
        });
        Language {
            code: self.text("kode_bahasa"),
            name: self.text("nama_bahasa"),
            active: self.is("aktif"),
            confidence: self.text("keyakinan"),
            source: self.text("sumber_bahasa"),
            phrases: said.filter(|(_, phrase)| !phrase.is_empty()).collect(),
            words: words.into_iter().filter(|it| !it.words.is_empty()).collect(),
            ..Language::default()
        }
    }

    fn lines<T>(
        &self,
        name: &'static str,
        words: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, Refused> {
        self.sent
            .get(name)
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(|line| read(line).ok_or(Refused::Wrong(name, words)))
            .collect()
    }

    /// Saves; answers where to go.
    async fn call(&self, part: &str) -> Result<String, Refused> {
        let mut service = self.state.complaints.clone();
        let request_id = self.request_id.clone();
        let saved = format!("/pengaturan-aduan/{part}?tersimpan=1");
        match part {
            "kategori" => {
                let category = Category {
                    key: self.text("kunci"),
                    parent: self.text("induk"),
                    name: self.text("nama"),
                    description: self.text("uraian"),
                    keywords: listed(self.sent.get("kata_kunci")),
                    agency_id: self.text("instansi"),
                    deadline_kind: self.text("jenis_tenggat"),
                    questions: numbered(self.lines("pertanyaan", "rules.bad_question", question)?),
                    duplicate_metres: self.number("jarak")?,
                    active: self.is("aktif"),
                    emergency_advice: self.text("darurat"),
                };
                let request = ApplyCategoryRequest { request_id, category: Some(category) };
                service.apply_category(self.visit.call(request, Some(self.viewer))).await?;
            }
            "instansi" => {
                let agency = Agency {
                    id: self.text("kode"),
                    name: self.text("nama"),
                    calendar_id: self.text("kalender"),
                    inspectorate: self.is("inspektorat"),
                    active: self.is("aktif"),
                    bounce_limit: self.number("batas_tolak")?,
                };
                let request = ApplyAgencyRequest { request_id, agency: Some(agency) };
                service.apply_agency(self.visit.call(request, Some(self.viewer))).await?;
            }
            "tenggat" => {
                let clock = CLOCKS.iter().find(|(_, name)| *name == self.sent.get("jam"));
                let ladder = self.lines("tangga", "rules.bad_ladder", rung)?;
                let deadline = Deadline {
                    key: self.text("kunci"),
                    clock: clock.map_or(ClockKind::Unspecified, |(clock, _)| *clock).into(),
                    complaint_class: complaints::class_of(self.sent.get("jenis")).into(),
                    deadline_kind: self.text("jenis_tenggat"),
                    value: self.number("nilai")?,
                    unit: self.text("satuan"),
                    source: self.text("sumber"),
                    confidence: self.text("keyakinan"),
                    note: self.text("keterangan"),
                    valid_from: self.text("berlaku"),
                    ladder: ladder.into_iter().collect(),
                    ..Deadline::default()
                };
                let request = ApplyDeadlineRequest { request_id, deadline: Some(deadline) };
                service.apply_deadline(self.visit.call(request, Some(self.viewer))).await?;
            }
            "kalender" => {
                let days = self.lines("jam_kerja", "rules.bad_hours", working_day)?;
                let calendar = CalendarVersion {
                    id: self.text("kode"),
                    zone: self.text("zona"),
                    periods: days.into_iter().flatten().collect(),
                    free_days: self.lines("hari_libur", "rules.bad_day", free_day)?,
                    special_hours: self.lines("jam_khusus", "rules.bad_special", special_hours)?,
                    ..CalendarVersion::default()
                };
                let request = ApplyCalendarRequest { request_id, calendar: Some(calendar) };
                let answer = service.apply_calendar(self.visit.call(request, Some(self.viewer))).await?;
                return Ok(format!("{saved}&dihitung={}", answer.into_inner().recounted));
            }
            "pejabat" => {
                let official = Official {
                    rung: self.text("jenjang"),
                    agency_id: self.text("instansi"),
                    title: self.text("jabatan"),
                    account_id: self.text("akun"),
                    ..Official::default()
                };
                let request = ApplyOfficialRequest { request_id, official: Some(official) };
                service.apply_official(self.visit.call(request, Some(self.viewer))).await?;
            }
            "plt" => {
                let from = moment::read(self.sent.get("dari"), self.zone);
                let to = moment::read(self.sent.get("sampai"), self.zone);
                let acting = Acting {
                    official_id: self.text("jabatan_id"),
                    account_id: self.text("akun"),
                    title: self.text("sebutan"),
                    decree: self.text("sk"),
                    from: Some(from.ok_or(Refused::Wrong("dari", "report.bad_time"))?),
                    to: Some(to.ok_or(Refused::Wrong("sampai", "report.bad_time"))?),
                    ..Acting::default()
                };
                let request = ApplyActingRequest { request_id, acting: Some(acting) };
                service.apply_acting(self.visit.call(request, Some(self.viewer))).await?;
            }
            LANGUAGES => {
                let known = complaints::languages(self.state, self.visit).await?;
                let request = ApplyLanguageRequest { request_id, language: Some(self.language(&known)) };
                service.apply_language(self.visit.call(request, Some(self.viewer))).await?;
            }
            _ => {
                let template = ResponseTemplate {
                    id: self.text("id"),
                    kind: self.text("macam"),
                    name: self.text("nama"),
                    text: self.text("teks"),
                    active: self.is("aktif"),
                };
                let request = ApplyResponseTemplateRequest { request_id, template: Some(template) };
                service.apply_response_template(self.visit.call(request, Some(self.viewer))).await?;
            }
        }
        Ok(saved)
    }
}

/// All there is to say, by its key, as it reads in Indonesian.
fn phrases(languages: &[Language]) -> Vec<(String, String)> {
    let indonesian = languages.iter().find(|one| one.code == "id");
    let mut all: Vec<_> = indonesian.into_iter().flat_map(|one| one.phrases.clone()).collect();
    all.sort();
    all
}

/// Words between commas.
fn listed(written: &str) -> Vec<String> {
    written.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Questions in the order in which they were written.
fn numbered(questions: Vec<ExtraQuestion>) -> Vec<ExtraQuestion> {
    (1..).zip(questions).map(|(order, question)| ExtraQuestion { order, ..question }).collect()
}

/// `kunci | pertanyaan | tipe | wajib | nilai=label; nilai=label`.
fn question(line: &str) -> Option<ExtraQuestion> {
    let mut parts = line.split('|').map(str::trim);
    let (key, label) = (parts.next()?, parts.next()?);
    let (datatype, required) = (parts.next().unwrap_or("string"), parts.next().unwrap_or_default());
    let values: Option<HashMap<String, String>> = parts
        .next()
        .unwrap_or_default()
        .split(';')
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .map(|value| value.split_once('=').map(|(key, name)| (key.trim().to_owned(), name.trim().to_owned())))
        .collect();
    (!key.is_empty() && !label.is_empty()).then_some(ExtraQuestion {
        key: key.to_owned(),
        label: label.to_owned(),
        datatype: datatype.to_owned(),
        required: required == "wajib",
        values: values?,
        order: 0,
    })
}

fn question_line(question: &ExtraQuestion) -> String {
    let mut values: Vec<String> = question.values.iter().map(|(key, name)| format!("{key}={name}")).collect();
    values.sort();
    let required = if question.required { "wajib" } else { "" };
    let line = format!(
        "{} | {} | {} | {required} | {}",
        question.key,
        question.label,
        question.datatype,
        values.join("; ")
    );
    line.trim_end_matches([' ', '|']).to_owned()
}

/// `50 ADMIN`.
fn rung(line: &str) -> Option<(String, String)> {
    let (percent, rung) = line.split_once(char::is_whitespace)?;
    let percent: u32 = percent.trim_end_matches('%').parse().ok()?;
    let rung = rung.trim().to_uppercase();
    RUNGS.contains(&rung.as_str()).then(|| (percent.to_string(), rung))
}

/// `1 08:00-12:00 13:00-16:00`: a weekday from 1 Monday to 7 Sunday with its hours.
fn working_day(line: &str) -> Option<Vec<WorkingPeriod>> {
    let mut parts = line.split_whitespace();
    let weekday: u32 = parts.next()?.parse().ok().filter(|day| (1..=7).contains(day))?;
    let periods: Option<Vec<WorkingPeriod>> = parts
        .map(|span| {
            let (from, to) = span.split_once('-')?;
            let is_time = |time: &str| time.len() == 5 && time.as_bytes()[2] == b':';
            (is_time(from) && is_time(to)).then(|| WorkingPeriod {
                weekday,
                from: from.to_owned(),
                to: to.to_owned(),
            })
        })
        .collect();
    periods.filter(|periods| !periods.is_empty())
}

/// The hours of a week, a line for each weekday.
fn week_lines(periods: &[WorkingPeriod]) -> Vec<String> {
    (1..=7)
        .filter_map(|day| {
            let spans: Vec<String> = periods
                .iter()
                .filter(|period| period.weekday == day)
                .map(|period| format!("{}-{}", period.from, period.to))
                .collect();
            (!spans.is_empty()).then(|| format!("{day} {}", spans.join(" ")))
        })
        .collect()
}

fn is_date(text: &str) -> bool {
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// `2026-12-25 Hari Natal`.
fn free_day(line: &str) -> Option<FreeDay> {
    let (date, name) = line.split_once(char::is_whitespace)?;
    is_date(date).then(|| FreeDay { date: date.to_owned(), name: name.trim().to_owned() })
}

/// `2026-02-18..2026-03-19 Ramadan: 1 08:00-15:00; 2 08:00-15:00`.
fn special_hours(line: &str) -> Option<SpecialHours> {
    let (span, rest) = line.split_once(char::is_whitespace)?;
    let (from, to) = span.split_once("..")?;
    let (name, hours) = rest.split_once(": ")?;
    let days: Option<Vec<Vec<WorkingPeriod>>> = hours.split(';').map(|day| working_day(day.trim())).collect();
    (is_date(from) && is_date(to)).then_some(SpecialHours {
        from: from.to_owned(),
        to: to.to_owned(),
        name: name.trim().to_owned(),
        periods: days?.into_iter().flatten().collect(),
    })
}

fn special_line(special: &SpecialHours) -> String {
    let hours = week_lines(&special.periods).join("; ");
    format!("{}..{} {}: {hours}", special.from, special.to, special.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_calendar_are_read_as_they_are_written() {
        let week = "1 08:00-12:00 13:00-16:00\n5 08:00-11:30 13:30-16:30";
        let periods: Vec<WorkingPeriod> = week.lines().filter_map(working_day).flatten().collect();
        assert_eq!(periods.len(), 4);
        assert_eq!(week_lines(&periods).join("\n"), week);
        let ramadan = "2026-02-18..2026-03-19 Ramadan: 1 08:00-15:00; 5 08:00-15:30";
        assert_eq!(special_line(&special_hours(ramadan).expect("a line")), ramadan);
        for wrong in ["8 08:00-12:00", "1", "1 8-12", "Senin 08:00-12:00"] {
            assert_eq!(working_day(wrong), None, "{wrong}");
        }
        for wrong in ["2026-02-30 Libur", "besok", "25-12-2026 Natal"] {
            assert_eq!(free_day(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn questions_and_rungs_are_read_as_they_are_written() {
        let line = "ukuran | Seberapa besar? | singlevaluelist | wajib | b=Besar; k=Kecil";
        let read = question(line).expect("a question");
        assert!(read.required && read.values["b"] == "Besar");
        assert_eq!(question_line(&read), line);
        assert_eq!(
            question_line(&question("jalan | Nama jalan").expect("a question")),
            "jalan | Nama jalan | string"
        );
        assert_eq!(question("tanpa"), None);
        assert_eq!(rung("75% regent"), Some(("75".into(), "REGENT".into())));
        assert_eq!(rung("75 CAMAT"), None);
    }
}

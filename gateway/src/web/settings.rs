//! What an installation decides on about complaints: categories, agencies, deadlines with their sources, calendars, the
//! ladder with who acts for whom, texts of answers, languages, and the texts of messages. A page for each: what there is, and
//! a form. What the pages share is here; each part has a file with the same four functions: what there is (`load`), its form
//! (`inputs`), which of its inputs a field of the request stands for (`input_of`), and what a sent form does (`save`).

use askama::Template;
use axum::extract::{Path, State};
use bytes::Bytes;
use http::StatusCode;
use mpp_kit::client::PeerChannel;
use mpp_proto::complaints::v1::{Agency, Language, complaints_service_client::ComplaintsServiceClient};
use tonic::{Request, Status};
use uuid::Uuid;

use super::{
    WebState,
    complaints::{self, Ground},
    fields::{self, Choice, Faults, Input},
    form::Sent,
    letters::segment,
    moment::Zone,
    pages,
    visit::{Answer, Frame, Menu, Viewer, Visit},
    words::Words,
};
use crate::problem;

mod acting;
mod agency;
pub(crate) mod calendar;
mod category;
mod deadline;
mod inputs;
mod language;
mod official;
mod template;

pub(crate) use deadline::sign_off;
pub(crate) use inputs::Maker;

/// The permission of whoever configures complaints.
const CONFIGURE: &str = "complaints.configure";
/// Of whoever configures messages.
pub(crate) const MESSAGES: &str = "notifications.configure";

/// The input that holds the key of a form's request; one that is called `kunci` is an input of some of the forms.
const KEY: &str = "kunci_form";

/// The parts of another service.
const MESSAGE_PARTS: [&str; 3] = ["pesan", "kontak", "pengiriman"];

/// Rungs of the ladder: officials stand on them, and deadlines climb them.
const RUNGS: [&str; 5] = ["ADMIN", "AGENCY_HEAD", "SECRETARY", "REGENT", "INSPECTORATE"];

/// A part of the settings, with a page of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Category,
    Agency,
    Deadline,
    Calendar,
    Official,
    Acting,
    Template,
    Language,
}

impl Part {
    /// In the order of the tabs.
    const ALL: [Self; 8] = [
        Self::Category,
        Self::Agency,
        Self::Deadline,
        Self::Calendar,
        Self::Official,
        Self::Acting,
        Self::Template,
        Self::Language,
    ];

    /// What addresses and the keys of its words call it.
    const fn name(self) -> &'static str {
        match self {
            Self::Category => "kategori",
            Self::Agency => "instansi",
            Self::Deadline => "tenggat",
            Self::Calendar => "kalender",
            Self::Official => "pejabat",
            Self::Acting => "plt",
            Self::Template => "jawaban",
            Self::Language => "bahasa",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    /// The input that a field of a request stands for; empty if it stands for none.
    fn input_of(self, field: &str) -> String {
        if let Some(key) = field.strip_prefix("language.phrases.") {
            return format!("ucapan.{key}");
        }
        let field = field.split_once('.').map_or(field, |(_, field)| field);
        let field = field.split(['.', '[']).next().unwrap_or_default();
        let name = match self {
            Self::Category => category::input_of(field),
            Self::Agency => agency::input_of(field),
            Self::Deadline => deadline::input_of(field),
            Self::Calendar => calendar::input_of(field),
            Self::Official => official::input_of(field),
            Self::Acting => acting::input_of(field),
            Self::Template => template::input_of(field),
            Self::Language => language::input_of(field),
        };
        name.to_owned()
    }
}

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
    /// What is to be mended; empty for nothing.
    pub(crate) warning: String,
    /// What the list is called where its form does not say so; empty for nothing.
    pub(crate) rows_title: String,
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

impl Form {
    /// The form with what stands in its inputs and what is wrong with that. It keeps the key that it was sent with.
    pub(crate) fn new(
        title: String,
        mut values: Sent,
        faults: &Faults,
        inputs: impl FnOnce(&Maker<'_>) -> Vec<Input>,
        t: &'static Words,
    ) -> Self {
        if values.get(KEY).is_empty() {
            values.set(KEY, Uuid::new_v4());
        }
        let inputs = inputs(&Maker { values: &values, faults, t });
        let summary = faults.summary(inputs.iter().flat_map(Input::places));
        Self { title, key: values.get(KEY).to_owned(), summary, inputs }
    }
}

/// The key of the request that a form makes: sent twice, it is one request. A new one where none came along.
pub(crate) fn form_key(sent: &Sent) -> String {
    Uuid::parse_str(sent.get(KEY)).unwrap_or_else(|_| Uuid::new_v4()).to_string()
}

/// Gives a form of settings that was refused the key of another request, as [`fields::renew_key`] does.
pub(crate) fn renew_key(sent: &mut Sent, status: &Status) {
    if !fields::is_unclear(status) {
        sent.set(KEY, Uuid::new_v4());
    }
}

/// The tabs that somebody may open.
pub(crate) fn tabs(viewer: &Viewer, chosen: &str, t: &Words) -> Vec<(String, String, bool)> {
    let own = Part::ALL.into_iter().map(Part::name).filter(|_| viewer.may(CONFIGURE));
    let other = MESSAGE_PARTS.into_iter().filter(|_| viewer.may(MESSAGES));
    own.chain(other)
        .map(|part| {
            (format!("/pengaturan-aduan/{part}"), t[&format!("rules.{part}")].clone(), part == chosen)
        })
        .collect()
}

/// `/pengaturan-aduan`: to the first part that the viewer may open.
pub(crate) async fn first(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::signed_in(&state, &visit).await?;
    match tabs(&viewer, "", visit.words()).first() {
        Some((address, ..)) => Ok(visit.redirect(address)),
        None => Err(visit.forbidden()),
    }
}

/// What there is of a part: its lines, and the values of the one that is to be changed.
struct Loaded {
    rows: Vec<Row>,
    /// What the form begins with.
    values: Sent,
}

/// `/pengaturan-aduan/{part}?ubah=…`: what there is, and the form of one of them; `ubah=baru` for a new one.
pub(crate) async fn show(State(state): State<WebState>, Path(part): Path<String>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, CONFIGURE).await?;
    let Some(part) = Part::named(&part) else { return Err(visit.missing("error.404")) };
    page(&state, &visit, &viewer, part, None, StatusCode::OK).await
}

async fn page(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    part: Part,
    refused: Option<(Sent, Faults)>,
    http: StatusCode,
) -> Answer {
    let (ground, agencies) = tokio::join!(Ground::of(state, visit), complaints::agencies(state, visit));
    let agencies = agencies.unwrap_or_default();
    let asked = visit.parameter("ubah").unwrap_or_default().to_owned();
    let languages =
        if part == Part::Language { complaints::languages(state, visit).await } else { Ok(Vec::new()) };
    let languages = languages.map_err(|status| visit.refused(&status))?;
    let look = Look {
        state,
        visit,
        viewer,
        zone: ground.zone,
        agencies: &agencies,
        languages: &languages,
        asked: &asked,
    };
    let found = look.load(part).await.map_err(|status| visit.refused(&status))?;
    let (t, name) = (visit.words(), part.name());
    let has_form = !asked.is_empty() || refused.is_some();
    let (values, faults) = refused.unwrap_or((found.values, Faults::default()));
    let title = t[&format!("rules.{name}_form")].clone();
    let form = has_form.then(|| Form::new(title, values, &faults, |make| look.inputs(part, make), t));
    let page = PartPage {
        p: visit.frame(),
        here: "pengaturan",
        menu: Menu::of(viewer),
        tabs: tabs(viewer, name, t),
        title: t[&format!("rules.{name}")].clone(),
        lead: t[&format!("rules.{name}_lead")].clone(),
        action: format!("/pengaturan-aduan/{name}"),
        rows: found.rows,
        form,
        saved: visit.parameter("tersimpan").is_some(),
        note: match visit.parameter("dihitung").and_then(|count| count.parse::<i64>().ok()) {
            Some(count) => t.say("rules.recounted", &[("n", &count)]),
            None => String::new(),
        },
        warning: String::new(),
        rows_title: String::new(),
    };
    Ok(visit.page(http, &page))
}

/// The form of a part, sent.
pub(crate) async fn save(
    State(state): State<WebState>,
    Path(part): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, CONFIGURE).await?;
    let Some(part) = Part::named(&part) else { return Err(visit.missing("error.404")) };
    let mut sent = Sent::plain(&body);
    let request_id = form_key(&sent);
    let zone = Ground::of(&state, &visit).await.zone;
    let apply = Apply { state: &state, visit: &visit, viewer: &viewer, zone, request_id, sent: &sent };
    match apply.save(part).await {
        Ok(to) => Ok(visit.redirect(&to)),
        Err(Refused::Wrong(name, words)) => {
            let mut faults = Faults::default();
            faults.note(name, visit.words()[words].clone());
            page(&state, &visit, &viewer, part, Some((sent, faults)), StatusCode::BAD_REQUEST).await
        }
        Err(Refused::Service(status)) => {
            renew_key(&mut sent, &status);
            let faults = Faults::placed(&status, &visit, |field| part.input_of(field));
            let http = problem::http_status(status.code());
            page(&state, &visit, &viewer, part, Some((sent, faults)), http).await
        }
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

    fn row(&self, part: Part, key: &str, title: String, facts: Vec<String>) -> Row {
        Row {
            title,
            facts: facts.into_iter().filter(|fact| !fact.is_empty()).collect(),
            chips: Vec::new(),
            edit: format!("/pengaturan-aduan/{}?ubah={}", part.name(), segment(key)),
            presses: Vec::new(),
        }
    }

    fn agency_choices(&self, make: &Maker<'_>) -> Vec<Choice> {
        complaints::agency_choices(self.agencies, make.values.get("instansi"))
    }

    async fn load(&self, part: Part) -> Result<Loaded, Status> {
        match part {
            Part::Category => category::load(self).await,
            Part::Agency => Ok(agency::load(self)),
            Part::Deadline => deadline::load(self).await,
            Part::Calendar => calendar::load(self).await,
            Part::Official => official::load(self).await,
            Part::Acting => acting::load(self).await,
            Part::Template => template::load(self).await,
            Part::Language => Ok(language::load(self)),
        }
    }

    fn inputs(&self, part: Part, make: &Maker<'_>) -> Vec<Input> {
        match part {
            Part::Category => category::inputs(self, make),
            Part::Agency => agency::inputs(make),
            Part::Deadline => deadline::inputs(self, make),
            Part::Calendar => calendar::inputs(make),
            Part::Official => official::inputs(self, make),
            Part::Acting => acting::inputs(make),
            Part::Template => template::inputs(make),
            Part::Language => language::inputs(self, make),
        }
    }
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
    fn service(&self) -> ComplaintsServiceClient<PeerChannel> {
        self.state.complaints.clone()
    }

    fn call<T>(&self, message: T) -> Request<T> {
        self.visit.call(message, Some(self.viewer))
    }

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
    async fn save(&self, part: Part) -> Result<String, Refused> {
        let saved = format!("/pengaturan-aduan/{}?tersimpan=1", part.name());
        match part {
            Part::Category => category::save(self).await?,
            Part::Agency => agency::save(self).await?,
            Part::Deadline => deadline::save(self).await?,
            Part::Calendar => return Ok(format!("{saved}&dihitung={}", calendar::save(self).await?)),
            Part::Official => official::save(self).await?,
            Part::Acting => acting::save(self).await?,
            Part::Template => template::save(self).await?,
            Part::Language => language::save(self).await?,
        }
        Ok(saved)
    }
}

/// Words between commas.
fn listed(written: &str) -> Vec<String> {
    written.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

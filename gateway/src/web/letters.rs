//! What a citizen can apply for: found by life event, by name or in the list, and each type with all that the service
//! standard promises. Nothing here is about a person.

use askama::Template;
use axum::extract::{Path, State};
use http::StatusCode;
use mpp_kit::fault::Language;
use mpp_proto::documents::v1::{
    GetLetterTypeRequest, LetterKind, LetterType, LifeEvent, ListLetterTypesRequest, ListLifeEventsRequest,
    ListOfficesRequest, LocalizedText, Office, StepPlan,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tonic::{Code, Status};

use super::{
    WebState,
    visit::{Answer, Frame, PAGE, Visit, every},
    words::Words,
};

/// Minutes of a working day.
const WORKING_DAY: i32 = 8 * 60;

/// A text in the language of the visit, with the Indonesian one where no other exists.
pub(crate) fn told(text: Option<&LocalizedText>, language: Language) -> String {
    let Some(text) = text else { return String::new() };
    match language {
        Language::En if !text.en.is_empty() => text.en.clone(),
        Language::En | Language::Id => text.id.clone(),
    }
}

/// Every type in force.
///
/// # Errors
/// The status of the documents service.
pub(crate) async fn types(state: &WebState, visit: &Visit) -> Result<Vec<LetterType>, Status> {
    every!(visit, None, state.documents, list_letter_types(ListLetterTypesRequest {}).letter_types).await
}

/// Every office.
///
/// # Errors
/// The status of the documents service.
pub(crate) async fn offices(state: &WebState, visit: &Visit) -> Result<Vec<Office>, Status> {
    every!(visit, None, state.documents, list_offices(ListOfficesRequest {}).offices).await
}

async fn life_events(state: &WebState, visit: &Visit) -> Result<Vec<LifeEvent>, Status> {
    let request = visit.call(ListLifeEventsRequest { page_size: PAGE, page_token: String::new() }, None);
    Ok(state.documents.clone().list_life_events(request).await?.into_inner().life_events)
}

/// A type in force, or the page to show instead.
pub(crate) async fn letter_type(state: &WebState, visit: &Visit, key: &str) -> Answer<LetterType> {
    letter_version(state, visit, key, 0).await
}

/// The version of a type that an application follows, or the page to show instead; 0 for the one in force.
pub(crate) async fn letter_version(
    state: &WebState,
    visit: &Visit,
    key: &str,
    version: i32,
) -> Answer<LetterType> {
    let request = visit.call(GetLetterTypeRequest { letter_type: key.to_owned(), version }, None);
    match state.documents.clone().get_letter_type(request).await {
        Ok(answer) => answer.into_inner().letter_type.ok_or_else(|| visit.broken()),
        Err(status) if matches!(status.code(), Code::NotFound | Code::InvalidArgument) => {
            Err(visit.missing("error.letter"))
        }
        Err(status) => Err(visit.refused(&status)),
    }
}

/// A key or code as it stands in the path of a page.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Keys, ids, codes and tokens hold nothing else that is harmless in a path.
const SEGMENT: &percent_encoding::AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[derive(Template)]
#[template(path = "surat.html")]
struct Finder {
    p: Frame,
    nav: &'static str,
    search: String,
    events: Vec<EventCard>,
    event: Option<Chosen>,
    lists: Vec<TypeList>,
    none_found: bool,
}

struct EventCard {
    key: String,
    icon: &'static str,
    title: String,
    /// A key if there is nothing to choose within.
    only_choice: String,
}

/// A life event that was chosen: its choices, or what is needed.
struct Chosen {
    key: String,
    title: String,
    choices: Vec<(String, String)>,
    choice: String,
    letters: Vec<TypeCard>,
    elsewhere: Vec<String>,
}

struct TypeList {
    heading: String,
    types: Vec<TypeCard>,
}

struct TypeCard {
    key: String,
    title: String,
    summary: String,
    facts: String,
}

/// `/surat`: "Apa yang sedang Anda urus?"
pub(crate) async fn finder(State(state): State<WebState>, visit: Visit) -> Answer {
    let (types, events) = tokio::join!(types(&state, &visit), life_events(&state, &visit));
    let types = types.map_err(|status| visit.refused(&status))?;
    // The list is useful without them.
    let events = events.unwrap_or_default();
    let search = visit.parameter("cari").unwrap_or_default().trim().to_owned();
    let event = visit.parameter("urus").and_then(|key| events.iter().find(|event| event.key == key));
    let event = event.map(|event| chosen(event, visit.parameter("pilih"), &types, &visit));
    let found: Vec<&LetterType> = types.iter().filter(|one| matches(one, &search)).collect();
    let t = visit.words();
    let list = |kind: LetterKind, key: &str| TypeList {
        heading: t[key].clone(),
        types: found.iter().filter(|one| one.kind() == kind).map(|one| card(one, &visit)).collect(),
    };
    let lists = [list(LetterKind::Letter, "letters.letters"), list(LetterKind::Licence, "letters.licences")];
    let page = Finder {
        p: visit.frame(),
        nav: "surat",
        none_found: found.is_empty(),
        events: events
            .iter()
            .map(|event| EventCard {
                icon: event_icon(&event.key),
                key: event.key.clone(),
                title: told(event.title.as_ref(), visit.language),
                only_choice: match event.choices.as_slice() {
                    [only] => only.key.clone(),
                    _ => String::new(),
                },
            })
            .collect(),
        event,
        lists: lists.into_iter().filter(|list| !list.types.is_empty()).collect(),
        search,
    };
    Ok(visit.page(StatusCode::OK, &page))
}

fn chosen(event: &LifeEvent, choice: Option<&str>, types: &[LetterType], visit: &Visit) -> Chosen {
    let choice = choice.and_then(|key| event.choices.iter().find(|choice| choice.key == key));
    Chosen {
        key: event.key.clone(),
        title: told(event.title.as_ref(), visit.language),
        choices: event
            .choices
            .iter()
            .map(|choice| (choice.key.clone(), told(choice.title.as_ref(), visit.language)))
            .collect(),
        choice: choice.map(|choice| told(choice.title.as_ref(), visit.language)).unwrap_or_default(),
        letters: choice
            .iter()
            .flat_map(|choice| &choice.letter_types)
            .filter_map(|key| types.iter().find(|one| one.key == *key))
            .map(|one| card(one, visit))
            .collect(),
        elsewhere: choice
            .iter()
            .flat_map(|choice| &choice.elsewhere)
            .map(|text| told(Some(text), visit.language))
            .collect(),
    }
}

/// Icons of the life events that the catalogue ships; a new one gets a general icon.
fn event_icon(key: &str) -> &'static str {
    match key {
        "lahir" | "kelahiran" => "child",
        "menikah" | "pernikahan" | "keluarga" => "rings",
        "meninggal" | "kematian" => "flower",
        "pindah" | "domisili" | "rumah" | "tempat_tinggal" => "house",
        "usaha" => "shop",
        "penelitian" | "pendidikan" => "reading",
        "identitas" => "user",
        "acara" => "group",
        "kehilangan" => "search",
        "praktik_kesehatan" | "kesehatan" => "health",
        "pekerjaan" | "kerja" => "internal",
        "bantuan" | "sosial" | "tidak_mampu" => "hands",
        "kendaraan" | "trayek" => "bus",
        "tanah" | "bangunan" => "land",
        _ => "letter",
    }
}

/// Whether every word of a search stands in the name, key or summary of a type, in either language.
fn matches(one: &LetterType, search: &str) -> bool {
    let texts = [&one.title, &one.summary].into_iter().flatten().flat_map(|text| [&text.id, &text.en]);
    let hay = texts.fold(one.key.to_lowercase(), |hay, text| hay + " " + &text.to_lowercase());
    search.to_lowercase().split_whitespace().all(|word| hay.contains(word))
}

fn card(one: &LetterType, visit: &Visit) -> TypeCard {
    let t = visit.words();
    TypeCard {
        key: one.key.clone(),
        title: told(one.title.as_ref(), visit.language),
        summary: told(one.summary.as_ref(), visit.language),
        facts: format!("{} · {}", fee(one.fee, t), promised(one.promised_days, t)),
    }
}

/// A fee in words: free, or rupiah with dots between thousands.
pub(crate) fn fee(rupiah: i64, t: &Words) -> String {
    if rupiah == 0 {
        return t["letters.free"].clone();
    }
    self::rupiah(rupiah)
}

/// An amount with dots between thousands.
pub(crate) fn rupiah(amount: i64) -> String {
    let digits = amount.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    format!("Rp{}", groups.join("."))
}

fn promised(days: i32, t: &Words) -> String {
    match days {
        ..=0 => t["letters.same_day"].clone(),
        1 => t["letters.one_day"].clone(),
        days => t.say("letters.days", &[("n", &days)]),
    }
}

/// Working minutes in the largest unit that people would say.
fn within(minutes: i32, t: &Words) -> String {
    match minutes {
        ..=0 => String::new(),
        1..60 => t.say("letters.within_minutes", &[("n", &minutes)]),
        60..WORKING_DAY => t.say("letters.within_hours", &[("n", &(minutes + 30).div_euclid(60))]),
        minutes => {
            t.say("letters.within_days", &[("n", &(minutes + WORKING_DAY - 1).div_euclid(WORKING_DAY))])
        }
    }
}

/// A role of a step, such as "Kepala desa atau lurah".
pub(crate) fn role(name: &str, t: &Words) -> String {
    t.find(&format!("role.{}", name.to_lowercase())).unwrap_or(name).to_owned()
}

/// What a step does: checks, approves or signs.
pub(crate) fn step_kind(kind: &str, t: &Words) -> String {
    t.find(&format!("step.{}", kind.to_lowercase())).unwrap_or(kind).to_owned()
}

#[derive(Template)]
#[template(path = "jenis.html")]
struct TypePage {
    p: Frame,
    nav: &'static str,
    key: String,
    kind: String,
    title: String,
    summary: String,
    fee: String,
    promised: String,
    validity: String,
    requirements: Vec<(String, bool)>,
    steps: Vec<StepRow>,
    standard: Vec<(String, String)>,
}

struct StepRow {
    who: String,
    what: String,
    within: String,
    /// When an optional step is taken; empty for always.
    only: String,
}

/// `/surat/{key}`: one type.
pub(crate) async fn one(State(state): State<WebState>, Path(key): Path<String>, visit: Visit) -> Answer {
    let one = letter_type(&state, &visit, &key).await?;
    let t = visit.words();
    let page = TypePage {
        p: visit.frame(),
        nav: "surat",
        kind: match one.kind() {
            LetterKind::Unspecified | LetterKind::Letter => t["letters.letter"].clone(),
            LetterKind::Licence => t["letters.licence"].clone(),
        },
        title: told(one.title.as_ref(), visit.language),
        summary: told(one.summary.as_ref(), visit.language),
        fee: fee(one.fee, t),
        promised: promised(one.promised_days, t),
        validity: one.validity.clone(),
        requirements: one
            .requirements
            .iter()
            .map(|requirement| (told(requirement.label.as_ref(), visit.language), requirement.required))
            .collect(),
        steps: one.steps.iter().map(|step| step_row(step, t)).collect(),
        standard: one.standard.iter().map(|part| (part.name.clone(), part.text.clone())).collect(),
        key: one.key,
    };
    Ok(visit.page(StatusCode::OK, &page))
}

/// Whether a step lies with RT or RW: an optional one is taken wherever a village has them.
pub(crate) fn is_neighbourhood(step: &StepPlan) -> bool {
    matches!(step.level.as_str(), "RT" | "RW")
}

fn step_row(step: &StepPlan, t: &Words) -> StepRow {
    StepRow {
        who: role(&step.role, t),
        what: step_kind(&step.kind, t),
        within: within(step.sla_minutes, t),
        only: match step.optional {
            true if is_neighbourhood(step) => t["letters.if_there"].clone(),
            true => t["letters.if_asked"].clone(),
            false => String::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_and_spans_are_said_as_people_say_them() {
        let t = Words::of(Language::Id);
        assert_eq!([0, 5_000, 1_250_000].map(|rupiah| fee(rupiah, t)), ["Gratis", "Rp5.000", "Rp1.250.000"]);
        assert_eq!(
            [0, 1, 3].map(|days| promised(days, t)),
            ["Selesai pada hari yang sama", "Selesai dalam 1 hari kerja", "Selesai dalam 3 hari kerja"]
        );
        assert_eq!(
            [30, 60, 240, 480, 500].map(|minutes| within(minutes, t)),
            ["30 menit", "1 jam kerja", "4 jam kerja", "1 hari kerja", "2 hari kerja"]
        );
    }

    #[test]
    fn a_search_finds_a_type_by_words_of_its_name_in_either_language() {
        let text = |id: &str, en: &str| Some(LocalizedText { id: id.into(), en: en.into() });
        let sktm = LetterType {
            key: "sktm".into(),
            title: text("Surat keterangan tidak mampu", "Certificate of low income"),
            ..LetterType::default()
        };
        for search in ["", "SKTM", "tidak mampu", "mampu surat", "income"] {
            assert!(matches(&sktm, search), "{search}");
        }
        assert!(!matches(&sktm, "usaha"));
    }

    #[test]
    fn every_role_and_kind_has_its_words() {
        for language in [Language::Id, Language::En] {
            let t = Words::of(language);
            for name in [
                "RT_HEAD",
                "RW_HEAD",
                "VILLAGE_OFFICER",
                "VILLAGE_SECRETARY",
                "VILLAGE_HEAD",
                "SUB_DISTRICT_OFFICER",
                "SUB_DISTRICT_HEAD",
                "AGENCY_OFFICER",
                "AGENCY_HEAD",
            ] {
                assert_ne!(role(name, t), name);
            }
            for kind in ["VERIFY", "APPROVE", "SIGN"] {
                assert_ne!(step_kind(kind, t), kind);
            }
        }
    }
}

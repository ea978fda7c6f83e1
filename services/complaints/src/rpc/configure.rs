//! What an installation decides on: agencies, categories, offices, appointments, calendars, deadlines, texts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mpp_kit::caller::{Caller, reaches};
use mpp_kit::check::Checker;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::complaints::v1::*;
use sea_orm::DatabaseTransaction;
use serde_json::json;

use super::{Core, convert, record};
use crate::domain::deadline::{Confidence, SUB_DISTRICT, follow};
use crate::domain::ladder::{Acting, ActingKind, Official, holder_of, is_of_an_agency};
use crate::domain::language::{INDONESIAN, Language, Meaning, gaps, is_code};
use crate::domain::rules::{Agency, CalendarVersion, Category, Question, Rules};
use crate::domain::words::Rung;
use crate::domain::{ActingId, COORDINATOR, DeadlineId, OfficialId, TemplateId};
use crate::error::{Error, Thing};
use crate::store;
use crate::store::catalogue::Template;

/// Kinds of response templates.
const TEMPLATE_KINDS: [&str; 5] = ["FIRST_ANSWER", "ANSWER", "QUESTION", "ARCHIVE", "FORWARD"];
/// Data types of GeoReport v2.
const DATATYPES: [&str; 6] = ["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"];

/// Cuts a list that is read whole to a page; the key is its place.
fn pages<T>(mut rows: Vec<T>, (size, token): (i32, &str), what: &str) -> Result<(Vec<T>, String), Error> {
    let size = page_size(size, 200, 1000)?;
    let start = PageToken::decode(token, what)?.and_then(|it| it.parse::<usize>().ok()).unwrap_or(0);
    let mut rows: Vec<T> = rows.drain(..).skip(start).take(size as usize + 1).collect();
    let next = cut(&mut rows, size, what, |_| (start + size as usize).to_string());
    Ok((rows, next))
}

pub(super) async fn list_categories(
    core: &Core,
    _caller: &Caller,
    request: ListCategoriesRequest,
) -> Result<ListCategoriesResponse, Error> {
    let rules = core.rules().await?;
    let all: Vec<_> = rules.categories.values().map(convert::category).collect();
    let (categories, next_page_token) = pages(all, (request.page_size, &request.page_token), "categories")?;
    Ok(ListCategoriesResponse { categories, next_page_token })
}

pub(super) async fn list_agencies(
    core: &Core,
    _caller: &Caller,
    request: ListAgenciesRequest,
) -> Result<ListAgenciesResponse, Error> {
    let rules = core.rules().await?;
    let all: Vec<_> = rules.agencies.values().map(convert::agency).collect();
    let (agencies, next_page_token) = pages(all, (request.page_size, &request.page_token), "agencies")?;
    Ok(ListAgenciesResponse { agencies, next_page_token })
}

/// Where an office stands: those above all agencies, and the coordinator's, in the regency.
fn place_of<'a>(office: &'a Official, core: &'a Core) -> &'a str {
    match office.agency.as_str() {
        "" | COORDINATOR => &core.config.regency,
        agency => agency,
    }
}

pub(super) async fn list_officials(
    core: &Core,
    caller: &Caller,
    request: ListOfficialsRequest,
) -> Result<ListOfficialsResponse, Error> {
    let rules = core.rules().await?;
    let areas = core.areas(caller, "complaints.board", &rules);
    let now = core.now();
    let holders: Vec<String> =
        rules.officials.iter().map(|it| holder_of(it, &rules.actings, now).to_owned()).collect();
    let failing = store::outbox::failing(&core.db.read, &holders).await?;
    let all: Vec<_> = rules
        .officials
        .iter()
        .filter(|it| areas.reach(place_of(it, core)))
        .map(|it| {
            let holder = holder_of(it, &rules.actings, now);
            let acting = if holder == it.account { "" } else { holder };
            convert::official(it, acting, failing.get(holder).copied())
        })
        .collect();
    let (officials, next_page_token) = pages(all, (request.page_size, &request.page_token), "officials")?;
    Ok(ListOfficialsResponse { officials, next_page_token })
}

pub(super) async fn list_actings(
    core: &Core,
    caller: &Caller,
    request: ListActingsRequest,
) -> Result<ListActingsResponse, Error> {
    let rules = core.rules().await?;
    let areas = core.areas(caller, "complaints.board", &rules);
    let seen = |it: &&Acting| {
        rules
            .officials
            .iter()
            .find(|office| office.id == it.official)
            .is_some_and(|it| areas.reach(place_of(it, core)))
    };
    let all: Vec<_> = rules.actings.iter().filter(seen).map(convert::acting).collect();
    let (actings, next_page_token) = pages(all, (request.page_size, &request.page_token), "actings")?;
    Ok(ListActingsResponse { actings, next_page_token })
}

pub(super) async fn list_calendars(
    core: &Core,
    _caller: &Caller,
    request: ListCalendarsRequest,
) -> Result<ListCalendarsResponse, Error> {
    let (rules, now) = (core.rules().await?, core.now());
    let counted = |it: &CalendarVersion| {
        let latest = rules.calendars.get(&it.id).is_some_and(|latest| latest.version == it.version);
        let until = if latest { rules.counted_until(&it.id, now) } else { None };
        until.map(|it| it.to_string()).unwrap_or_default()
    };
    let mut all: Vec<_> = store::catalogue::written_calendars(&core.db.read)
        .await?
        .into_iter()
        .filter(|it| request.calendar.is_empty() || it.version.id == request.calendar)
        .map(|it| {
            let mut told = convert::calendar(&it.version, it.created_at);
            told.counted_until = counted(&it.version);
            told
        })
        .collect();
    all.reverse();
    let what = format!("calendars {}", request.calendar);
    let (calendars, next_page_token) = pages(all, (request.page_size, &request.page_token), &what)?;
    Ok(ListCalendarsResponse { calendars, next_page_token })
}

pub(super) async fn list_languages(
    core: &Core,
    _caller: &Caller,
    request: ListLanguagesRequest,
) -> Result<ListLanguagesResponse, Error> {
    let rules = core.rules().await?;
    let said = |it: &Language| Language { phrases: rules.languages.said(it), ..it.clone() };
    let all: Vec<_> = rules.languages.all().map(|it| convert::language(&said(it))).collect();
    let (languages, next_page_token) = pages(all, (request.page_size, &request.page_token), "languages")?;
    Ok(ListLanguagesResponse { languages, next_page_token })
}

pub(super) async fn list_deadlines(
    core: &Core,
    _caller: &Caller,
    request: ListDeadlinesRequest,
) -> Result<ListDeadlinesResponse, Error> {
    let rules = core.rules().await?;
    let today = rules.date(core.now());
    let all: Vec<_> = rules
        .deadlines
        .iter()
        .filter(|it| !request.in_force_only || it.holds(today))
        .map(convert::deadline)
        .collect();
    let what = format!("deadlines {}", request.in_force_only);
    let (deadlines, next_page_token) = pages(all, (request.page_size, &request.page_token), &what)?;
    Ok(ListDeadlinesResponse { deadlines, next_page_token })
}

pub(super) async fn list_response_templates(
    core: &Core,
    _caller: &Caller,
    request: ListResponseTemplatesRequest,
) -> Result<ListResponseTemplatesResponse, Error> {
    let all: Vec<_> =
        store::catalogue::templates(&core.db.read).await?.iter().map(convert::template).collect();
    let (templates, next_page_token) = pages(all, (request.page_size, &request.page_token), "templates")?;
    Ok(ListResponseTemplatesResponse { templates, next_page_token })
}

/// Writes a change of the catalogue: checks the request, does it once, enters it into the journal.
macro_rules! apply {
    (
        $name:ident($request:ident) -> $response:ident, $method:literal, $what:literal,
        |$check:ident, $it:ident| $parse:expr,
        |$change:ident, $parsed:ident| $run:expr
    ) => {
        pub(super) async fn $name(
            core: &Core,
            caller: &Caller,
            request: $request,
        ) -> Result<$response, Error> {
            const METHOD: &str = concat!("mpp.complaints.v1.ComplaintsService/", $method);
            let mut checker = Checker::new();
            let parsed = {
                let ($check, $it) = (&mut checker, &request);
                $parse
            };
            checker.finish()?;
            let (request, parsed) = (&request, &parsed);
            core.once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
                let (answer, subject, detail): ($response, String, serde_json::Value) = {
                    let $change = Applying { core, caller, tx: &tx, now };
                    let $parsed = parsed.clone();
                    $run
                };
                record(&tx, (&caller.id, $what, &subject), detail, &request.request_id, now).await?;
                Ok(answer)
            })
            .await
        }
    };
}

/// What a change works with.
struct Applying<'a> {
    core: &'a Core,
    caller: &'a Caller,
    tx: &'a DatabaseTransaction,
    now: DateTime<Utc>,
}

impl Applying<'_> {
    /// Refuses what lies outside of where the caller configures.
    fn within(&self, area: &str) -> Result<(), Error> {
        let at = [("area", if area.is_empty() { self.core.config.regency.as_str() } else { area })];
        if self.caller.allows("complaints.configure", &at) { Ok(()) } else { Err(Error::Denied) }
    }

    async fn rules(&self) -> Result<std::sync::Arc<Rules>, Error> {
        self.core.rules_in(self.tx).await
    }
}

apply!(apply_agency(ApplyAgencyRequest) -> ApplyAgencyResponse, "ApplyAgency", "agency.applied",
|check, it| agency(check, it.agency.as_ref()),
|change, it| {
    if !reaches(&change.core.config.regency, &it.id) || it.id == change.core.config.regency {
        let mut check = Checker::new();
        check.violation("agency.id", "OUTSIDE", "isi wilayah instansi di bawah kabupaten ini, seperti 17.07/dinkes", "give an area below this regency, such as 17.07/dinkes");
        check.finish()?;
    }
    change.within(&it.id)?;
    store::catalogue::save_agency(change.tx, &it, change.now).await?;
    let detail = json!({"name": it.name, "active": it.active, "inspectorate": it.inspectorate});
    (ApplyAgencyResponse { agency: Some(convert::agency(&it)) }, it.id.clone(), detail)
});

apply!(apply_category(ApplyCategoryRequest) -> ApplyCategoryResponse, "ApplyCategory", "category.applied",
|check, it| category(check, it.category.as_ref()),
|change, it| {
    change.within("")?;
    let rules = change.rules().await?;
    let mut check = Checker::new();
    if !it.parent.is_empty() && !rules.categories.contains_key(&it.parent) {
        check.violation("category.parent", "UNKNOWN_CATEGORY", "pilih kategori induk dari daftar", "choose a parent of the list");
    }
    if !it.agency.is_empty() && !rules.agencies.contains_key(&it.agency) {
        check.violation("category.agency_id", "UNKNOWN_AGENCY", "pilih instansi dari daftar", "choose an agency of the list");
    }
    check.finish()?;
    store::catalogue::save_category(change.tx, &it, change.now).await?;
    let detail = json!({"name": it.name, "agency": it.agency, "active": it.active});
    (ApplyCategoryResponse { category: Some(convert::category(&it)) }, it.key.clone(), detail)
});

apply!(apply_official(ApplyOfficialRequest) -> ApplyOfficialResponse, "ApplyOfficial", "official.applied",
|check, it| official(check, it.official.as_ref()),
|change, it| {
    let it: Official = it.ok_or(Error::NotFound(Thing::Official))?;
    change.within(if it.agency == COORDINATOR { "" } else { &it.agency })?;
    let rules = change.rules().await?;
    if is_of_an_agency(it.rung) && it.agency != COORDINATOR && !rules.agencies.contains_key(&it.agency) {
        return Err(Error::NotFound(Thing::Agency));
    }
    let saved = store::catalogue::save_official(change.tx, &it).await?.ok_or(Error::NotFound(Thing::Official))?;
    let detail = json!({"rung": saved.rung.to_string(), "agency": saved.agency, "title": saved.title, "account": saved.account});
    (ApplyOfficialResponse { official: Some(convert::official(&saved, "", None)) }, saved.id.to_string(), detail)
});

apply!(apply_acting(ApplyActingRequest) -> ApplyActingResponse, "ApplyActing", "acting.applied",
|check, it| acting(check, it.acting.as_ref()),
|change, it| {
    let it: Acting = it.ok_or(Error::NotFound(Thing::Official))?;
    let rules = change.rules().await?;
    let office = rules.officials.iter().find(|is| is.id == it.official).ok_or(Error::NotFound(Thing::Official))?;
    change.within(if office.agency == COORDINATOR { "" } else { &office.agency })?;
    store::catalogue::insert_acting(change.tx, &it).await?;
    let detail = json!({"official": it.official.to_string(), "account": it.account, "kind": it.kind.to_string()});
    (ApplyActingResponse { acting: Some(convert::acting(&it)) }, it.id.to_string(), detail)
});

apply!(apply_deadline(ApplyDeadlineRequest) -> ApplyDeadlineResponse, "ApplyDeadline", "deadline.applied",
|check, it| convert::read_deadline(check, &it.deadline.clone().unwrap_or_default()),
|change, it| {
    change.within("")?;
    let mut it = it.ok_or(Error::NotFound(Thing::Deadline))?;
    let rules = change.rules().await?;
    let before = rules.deadlines.iter().filter(|row| row.key == it.key).max_by_key(|row| row.valid_from);
    let mut check = Checker::new();
    if let Some(before) = before {
        // For whom a key is does not change, also where whoever writes a row does not know of it.
        if !it.holder.is_empty() && it.holder != before.holder {
            check.violation("deadline.holder", "OTHER_HOLDER", "pakai kunci lain: baris dengan kunci ini untuk pemegang yang sama", "use another key: rows of this one are for the same holder");
        }
        it.holder.clone_from(&before.holder);
    } else if !matches!(it.holder.as_str(), "" | SUB_DISTRICT) && !rules.agencies.contains_key(&it.holder) {
        check.violation("deadline.holder", "UNKNOWN_AGENCY", "isi SUB_DISTRICT, atau pilih instansi dari daftar", "give SUB_DISTRICT, or choose an agency of the list");
    }
    check.finish()?;
    if let Some(before) = before {
        let ended = follow(before, &it).map_err(|error| {
            let mut check = Checker::new();
            check.violation("deadline.valid_from", "NOT_LATER", format!("isi tanggal setelah {}", before.valid_from), format!("{error}: give a date after {}", before.valid_from));
            check.finish().err().map_or_else(|| Error::NotFound(Thing::Deadline), Error::from)
        })?;
        store::catalogue::save_deadline(change.tx, &ended).await?;
    }
    store::catalogue::save_deadline(change.tx, &it).await?;
    let detail = json!({"key": it.key, "value": it.value, "unit": it.unit.to_string(), "validFrom": it.valid_from.to_string()});
    (ApplyDeadlineResponse { deadline: Some(convert::deadline(&it)) }, it.id.to_string(), detail)
});

apply!(sign_off_deadline(SignOffDeadlineRequest) -> SignOffDeadlineResponse, "SignOffDeadline", "deadline.signed_off",
|check, it| check.id::<DeadlineId>("deadline", &it.deadline),
|change, id| {
    change.within("")?;
    let rules = change.rules().await?;
    let mut row = rules.deadlines.iter().find(|row| Some(row.id) == id).cloned().ok_or(Error::NotFound(Thing::Deadline))?;
    row.signed_off_by = Some(change.caller.id.clone());
    row.signed_off_at = Some(change.now);
    store::catalogue::save_deadline(change.tx, &row).await?;
    let detail = json!({"key": row.key, "confidence": row.confidence.to_string()});
    (SignOffDeadlineResponse { deadline: Some(convert::deadline(&row)) }, row.id.to_string(), detail)
});

apply!(apply_response_template(ApplyResponseTemplateRequest) -> ApplyResponseTemplateResponse, "ApplyResponseTemplate", "template.applied",
|check, it| template(check, it.template.as_ref()),
|change, it| {
    change.within("")?;
    store::catalogue::save_template(change.tx, &it).await?;
    let detail = json!({"kind": it.kind, "active": it.active});
    (ApplyResponseTemplateResponse { template: Some(convert::template(&it)) }, it.id.to_string(), detail)
});

apply!(apply_language(ApplyLanguageRequest) -> ApplyLanguageResponse, "ApplyLanguage", "language.applied",
|check, it| language(check, it.language.as_ref()),
|change, it| {
    change.within("")?;
    let rules = change.rules().await?;
    let mut it: Language = it;
    let mut check = Checker::new();
    check_language(&mut check, &it, &rules);
    check.finish()?;
    it.version = rules.languages.get(&it.code).map_or(0, |known| known.version) + 1;
    it = rules.languages.changed(it);
    store::catalogue::insert_language(change.tx, &it, change.now).await?;
    it.phrases = rules.languages.said(&it);
    let detail = json!({"version": it.version, "active": it.active, "confidence": it.confidence.to_string()});
    (ApplyLanguageResponse { language: Some(convert::language(&it)) }, it.code, detail)
});

apply!(apply_calendar(ApplyCalendarRequest) -> ApplyCalendarResponse, "ApplyCalendar", "calendar.applied",
|check, it| {
    let proto = it.calendar.clone().unwrap_or_default();
    (check.text("calendar.id", &proto.id, 1, 60), convert::read_calendar(check, &proto))
},
|change, parsed| {
    let (id, calendar) = parsed;
    let calendar = calendar.ok_or(Error::NotFound(Thing::Calendar))?;
    change.within(&id)?;
    let rules = change.rules().await?;
    let version = rules.calendars.get(&id).map_or(0, |it| it.version) + 1;
    let written = CalendarVersion { id: id.clone(), version, calendar };
    store::catalogue::insert_calendar(change.tx, &written, change.now).await?;
    // The clocks follow in steps of their own: a large regency has too many for one.
    store::recount::ask(change.tx, (&id, version), &change.caller.id, change.now).await?;
    let recounted = store::complaint::count_open(change.tx).await?;
    let detail = json!({"version": version, "openCases": recounted});
    let answer = ApplyCalendarResponse { calendar: Some(convert::calendar(&written, change.now)), recounted };
    (answer, format!("{id}@{version}"), detail)
});

fn agency(check: &mut Checker, it: Option<&mpp_proto::complaints::v1::Agency>) -> Agency {
    let it = it.cloned().unwrap_or_default();
    if !(1..=10).contains(&it.bounce_limit) {
        check.violation("agency.bounce_limit", "OUT_OF_RANGE", "isi 1 sampai 10", "give 1 to 10");
    }
    Agency {
        id: check.text("agency.id", &it.id, 3, 60),
        name: check.text("agency.name", &it.name, 3, 200),
        calendar: check.text("agency.calendar_id", &it.calendar_id, 0, 60),
        inspectorate: it.inspectorate,
        active: it.active,
        bounce_limit: it.bounce_limit,
    }
}

fn category(check: &mut Checker, it: Option<&mpp_proto::complaints::v1::Category>) -> Category {
    let it = it.cloned().unwrap_or_default();
    let key = check.text("category.key", &it.key, 2, 40);
    if !key.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'-') {
        check.violation(
            "category.key",
            "INVALID_CODE",
            "pakai huruf besar, angka, dan tanda hubung",
            "use capital letters, digits and dashes",
        );
    }
    let mut questions = Vec::new();
    for (at, question) in it.questions.iter().enumerate() {
        let field = format!("category.questions[{at}]");
        let lists = question.datatype.ends_with("valuelist");
        if !DATATYPES.contains(&question.datatype.as_str()) || (lists && question.values.is_empty()) {
            check.violation(
                format!("{field}.datatype"),
                "INVALID_DATATYPE",
                format!("pilih salah satu: {}; daftar memerlukan pilihan", DATATYPES.join(", ")),
                format!("choose one of {}; lists need values", DATATYPES.join(", ")),
            );
        }
        questions.push(Question {
            key: check.text(&format!("{field}.key"), &question.key, 1, 40),
            label: check.text(&format!("{field}.label"), &question.label, 3, 200),
            datatype: question.datatype.clone(),
            required: question.required,
            values: question.values.clone().into_iter().collect(),
            order: question.order,
        });
    }
    questions.sort_by_key(|it| it.order);
    Category {
        key,
        parent: it.parent.trim().to_owned(),
        name: check.text("category.name", &it.name, 3, 100),
        description: check.text("category.description", &it.description, 0, 500),
        keywords: it.keywords.iter().take(30).map(|word| word.trim().to_owned()).collect(),
        agency: it.agency_id.trim().to_owned(),
        deadline_kind: check.text("category.deadline_kind", &it.deadline_kind, 0, 40),
        questions,
        duplicate_metres: it.duplicate_metres.min(5000),
        active: it.active,
        emergency_advice: check.text("category.emergency_advice", &it.emergency_advice, 0, 500),
    }
}

fn official(check: &mut Checker, it: Option<&mpp_proto::complaints::v1::Official>) -> Option<Official> {
    let it = it.cloned().unwrap_or_default();
    let words = "ADMIN, AGENCY_HEAD, SECRETARY, REGENT, INSPECTORATE";
    let rung = convert::word::<Rung>(check, "official.rung", &it.rung, words);
    let agency = it.agency_id.trim().to_owned();
    if let Some(rung) = rung
        && is_of_an_agency(rung) == agency.is_empty()
    {
        check.violation(
            "official.agency_id",
            "REQUIRED",
            "isi instansi untuk ADMIN dan AGENCY_HEAD saja",
            "give an agency for ADMIN and AGENCY_HEAD, and for no other",
        );
    }
    Some(Official {
        id: OfficialId::generate(),
        rung: rung?,
        agency,
        title: check.text("official.title", &it.title, 3, 200),
        account: check.text("official.account_id", &it.account_id, 0, 100),
    })
}

fn acting(check: &mut Checker, it: Option<&mpp_proto::complaints::v1::Acting>) -> Option<Acting> {
    let it = it.cloned().unwrap_or_default();
    let official = check.id::<OfficialId>("acting.official_id", &it.official_id);
    let kind = convert::word::<ActingKind>(check, "acting.title", &it.title, "PLT, PLH");
    let (from, to) = (convert::moment(it.from.as_ref()), convert::moment(it.to.as_ref()));
    if from.zip(to).is_none_or(|(from, to)| from >= to) {
        check.violation(
            "acting.to",
            "INVALID_SPAN",
            "isi awal dan akhir penunjukan",
            "give a beginning and a later end",
        );
    }
    Some(Acting {
        id: ActingId::generate(),
        account: check.text("acting.account_id", &it.account_id, 1, 100),
        decree: check.text("acting.decree", &it.decree, 3, 200),
        official: official?,
        kind: kind?,
        from: from?,
        to: to?,
    })
}

fn language(check: &mut Checker, it: Option<&mpp_proto::complaints::v1::Language>) -> Language {
    let it = it.cloned().unwrap_or_default();
    if !is_code(&it.code) {
        check.violation(
            "language.code",
            "INVALID_CODE",
            "isi dengan kode ISO 639: dua atau tiga huruf kecil, misalnya bjn",
            "give a code of ISO 639: two or three small letters, such as bjn",
        );
    }
    let confidence = convert::word::<Confidence>(check, "language.confidence", &it.confidence, "A, B, C");
    let mut phrases = BTreeMap::new();
    for (key, phrase) in &it.phrases {
        let phrase = check.text(&format!("language.phrases.{key}"), phrase, 1, 500);
        phrases.insert(key.clone(), phrase);
    }
    let mut words: BTreeMap<Meaning, Vec<String>> = BTreeMap::new();
    for (at, given) in it.words.iter().enumerate() {
        let field = format!("language.words[{at}]");
        let meanings = "CHOOSE, YES, NEW, DONE, NOT_DONE, OPEN, ANONYMOUS, SECRET, TYPICAL";
        let meaning = convert::word::<Meaning>(check, &format!("{field}.meaning"), &given.meaning, meanings);
        let Some(meaning) = meaning else { continue };
        for word in given.words.iter().take(100) {
            let word = check.text(&format!("{field}.words"), word, 1, 40).to_lowercase();
            words.entry(meaning).or_default().push(word);
        }
    }
    Language {
        code: it.code.clone(),
        name: check.text("language.name", &it.name, 2, 60),
        version: 0,
        active: it.active,
        confidence: confidence.unwrap_or(Confidence::C),
        source: check.text("language.source", &it.source, 3, 300),
        phrases,
        words,
    }
}

/// What a language must hold against what is there: phrases that are said, with their gaps, and words that mean one thing.
fn check_language(check: &mut Checker, it: &Language, rules: &Rules) {
    let known = rules.languages.phrases();
    for (key, phrase) in &it.phrases {
        let field = format!("language.phrases.{}", key.chars().take(60).collect::<String>());
        match known.get(key) {
            None => check.violation(
                field,
                "UNKNOWN_PHRASE",
                "hapus: kunci ini tidak dipakai",
                "remove it: nothing says it",
            ),
            Some(first) if gaps(first) != gaps(phrase) => {
                let needed =
                    gaps(first).into_iter().map(|it| format!("{{{it}}}")).collect::<Vec<_>>().join(" ");
                check.violation(
                    field,
                    "GAPS_DIFFER",
                    format!("pakai isian yang sama: {needed}"),
                    format!("use the same gaps: {needed}"),
                );
            }
            Some(_) => {}
        }
    }
    if let Some((word, other)) = rules.languages.ambiguous(it) {
        check.violation(
            "language.words",
            "AMBIGUOUS",
            format!("kata \"{word}\" sudah berarti lain dalam bahasa {other}"),
            format!("the word \"{word}\" means something else in {other} already"),
        );
    }
    if it.code == INDONESIAN && !it.active {
        check.violation(
            "language.active",
            "ALWAYS_ACTIVE",
            "bahasa Indonesia selalu dipakai",
            "Indonesian is always used",
        );
    }
}

fn template(check: &mut Checker, it: Option<&ResponseTemplate>) -> Template {
    let it = it.cloned().unwrap_or_default();
    let id = check.optional_id::<TemplateId>("template.id", &it.id);
    if !TEMPLATE_KINDS.contains(&it.kind.as_str()) {
        check.violation(
            "template.kind",
            "UNKNOWN_WORD",
            format!("pilih salah satu: {}", TEMPLATE_KINDS.join(", ")),
            format!("choose one of {}", TEMPLATE_KINDS.join(", ")),
        );
    }
    if it.kind == "ANSWER" && !["{who}", "{what}", "{when}"].iter().all(|gap| it.text.contains(gap)) {
        check.violation(
            "template.text",
            "GAPS_MISSING",
            "sebut siapa, apa, dan kapan: {who}, {what}, {when}",
            "name who, what and when: {who}, {what}, {when}",
        );
    }
    Template {
        id: id.unwrap_or_else(TemplateId::generate),
        kind: it.kind.clone(),
        name: check.text("template.name", &it.name, 3, 100),
        text: super::file_complaint::long_text(check, "template.text", &it.text, 10, 4000),
        active: it.active,
    }
}

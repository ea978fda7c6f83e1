//! Kotak kerja: the cases that wait for an officer, and one case with all that is needed to decide. Each press is a form
//! of its own, sent with one key and with the version that was seen; it works without a script.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use mpp_proto::complaints::v1::{
    Agency, CaseMessage, CaseState, CaseVerb, Category, CheckEvidenceRequest, Complaint, ComplaintLine,
    GetComplaintFileRequest, GetComplaintRequest, JournalEntry, ListComplaintJournalRequest,
    ListComplaintsRequest, Publication, WorkList,
};
use tonic::{Code, Status};

use super::{
    WebState,
    acts::{self, Act, Desk},
    complaints::{self, Ground},
    form::Sent,
    known::Known,
    moment::{self, Zone},
    pages,
    visit::{Answer, Frame, Menu, PAGE, Viewer, Visit, every},
    words::Words,
};

/// The permission of everybody who sees cases.
pub(crate) const READ: &str = "complaints.read";
/// Of whoever decides which agency has a case.
pub(crate) const COORDINATE: &str = "complaints.coordinate";
/// Of whoever reads how complaints are managed, and the papers about it.
pub(crate) const AUDIT: &str = "complaints.audit";
/// Of whoever works on cases of an agency.
pub(crate) const WORK: &str = "complaints.work";
/// Of whoever may ask or approve to see who reported.
pub(crate) const REVEAL: &str = "complaints.reveal";

/// How long it is shown whether somebody coordinates: an appointment is made for days.
const KEEP: Duration = Duration::from_secs(60);

/// Who distributes the complaints of the regency, as it was a moment ago.
#[derive(Debug)]
pub(crate) struct Coordinators(Known<bool>);

impl Coordinators {
    /// Nobody is known yet.
    pub(crate) fn new() -> Self {
        Self(Known::new("who coordinates complaints", KEEP))
    }

    /// Whether somebody does, which the service knows. While it does not say so, what the session permits counts.
    pub(super) async fn has(&self, state: &WebState, visit: &Visit, viewer: &Viewer) -> bool {
        let granted = viewer.may(COORDINATE);
        // Nothing of cases is shown, or all of it.
        if !viewer.may(READ) || (granted && viewer.may(AUDIT)) {
            return granted;
        }
        let mut service = state.complaints.clone();
        let ask = async {
            match service.check_evidence(visit.call(CheckEvidenceRequest::default(), Some(viewer))).await {
                Ok(check) => Ok(check.into_inner().may_enter),
                Err(status) if status.code() == Code::PermissionDenied => Ok(false),
                Err(status) => Err(status),
            }
        };
        self.0.of(&viewer.id, ask).await.unwrap_or(granted)
    }
}

/// Work lists with what addresses call them and their words; the first is what opens.
pub(crate) const LISTS: [(WorkList, &str, &str); 6] = [
    (WorkList::Mine, "", "cases.mine"),
    (WorkList::DueToday, "hari-ini", "cases.today"),
    (WorkList::Late, "terlambat", "cases.late"),
    (WorkList::ToAcknowledge, "tangani", "cases.acknowledge"),
    (WorkList::ToCoordinate, "koordinasi", "cases.coordinate"),
    (WorkList::Unspecified, "semua", "cases.all"),
];

#[derive(Template)]
#[template(path = "aduan.html")]
struct ListPage {
    p: Frame,
    here: &'static str,
    menu: Menu,
    tab: &'static str,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    next: String,
    first: bool,
    calm: String,
    number: String,
    may_reveal: bool,
    coordinates: bool,
}

struct Tab {
    key: &'static str,
    label: String,
    chosen: bool,
}

/// One line of a list of cases.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) number: String,
    pub(crate) category: String,
    pub(crate) class: String,
    pub(crate) agency: String,
    pub(crate) place: String,
    pub(crate) state: String,
    pub(crate) tone: &'static str,
    pub(crate) secret: String,
    pub(crate) due: String,
    pub(crate) machine_due: String,
    pub(crate) late: bool,
}

/// What lines are told with.
pub(crate) struct Names {
    pub(crate) categories: Vec<Category>,
    pub(crate) agencies: Vec<Agency>,
    pub(crate) ground: Ground,
}

impl Names {
    /// As far as they can be had: a line without a name shows its key.
    pub(crate) async fn of(state: &WebState, visit: &Visit) -> Self {
        let (categories, agencies, ground) = tokio::join!(
            complaints::categories(state, visit),
            complaints::agencies(state, visit),
            Ground::of(state, visit)
        );
        Self { categories: categories.unwrap_or_default(), agencies: agencies.unwrap_or_default(), ground }
    }

    pub(crate) fn category(&self, key: &str) -> String {
        let found = self.categories.iter().find(|one| one.key == key);
        found.map_or(key, |one| one.name.as_str()).to_owned()
    }

    pub(crate) fn row(&self, line: &ComplaintLine, visit: &Visit) -> Row {
        let t = visit.words();
        let (state, tone) = complaints::state_words(line.state(), t);
        let secrecy = complaints::secrecy_name(line.secrecy());
        Row {
            id: line.id.clone(),
            number: line.number.clone(),
            category: self.category(&line.category),
            class: complaints::class_words(line.complaint_class(), t),
            agency: complaints::agency_name(&line.lead_agency_id, &self.agencies, t),
            place: self.ground.village(&line.village_code),
            state,
            tone,
            secret: match secrecy {
                "" | "biasa" => String::new(),
                _ => complaints::secrecy_words(line.secrecy(), t),
            },
            due: moment::moment(line.due_at, self.ground.zone, visit.language),
            machine_due: moment::machine(line.due_at),
            late: line.late,
        }
    }
}

/// `/aduan`: what waits, what falls due first first. `?tab=hari-ini|terlambat|tangani|koordinasi|semua`, or `?nomor=…`.
pub(crate) async fn list(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let number = visit.parameter("nomor").unwrap_or_default().trim().to_uppercase();
    let asked = visit.parameter("tab").unwrap_or_default();
    let (list, tab, _) = match number.as_str() {
        "" => LISTS.into_iter().find(|(_, key, _)| *key == asked).unwrap_or(LISTS[0]),
        _ => LISTS[5],
    };
    let page_token = visit.parameter("halaman").unwrap_or_default().to_owned();
    let first = page_token.is_empty();
    let request = ListComplaintsRequest {
        list: list.into(),
        number: number.clone(),
        page_size: complaints::LINES,
        page_token,
        ..ListComplaintsRequest::default()
    };
    let mut service = state.complaints.clone();
    let (found, names) =
        tokio::join!(service.list_complaints(visit.call(request, Some(&viewer))), Names::of(&state, &visit));
    let found = found.map_err(|status| visit.refused(&status))?.into_inner();
    if let (false, [only]) = (number.is_empty(), found.complaints.as_slice()) {
        return Ok(visit.redirect(&format!("/aduan/{}", only.id)));
    }
    let t = visit.words();
    let page = ListPage {
        p: visit.frame(),
        here: "aduan",
        menu: Menu::of(&viewer),
        tab,
        tabs: LISTS
            .into_iter()
            .filter(|(list, ..)| {
                *list != WorkList::ToCoordinate || viewer.coordinates || viewer.may(COORDINATE)
            })
            .map(|(_, key, words)| Tab { key, label: t[words].clone(), chosen: key == tab })
            .collect(),
        rows: found.complaints.iter().map(|line| names.row(line, &visit)).collect(),
        next: found.next_page_token,
        first,
        calm: t[match (number.is_empty(), list) {
            (false, _) => "cases.none_found",
            (true, WorkList::Late) => "cases.none_late",
            (
                true,
                WorkList::Unspecified
                | WorkList::Mine
                | WorkList::DueToday
                | WorkList::ToAcknowledge
                | WorkList::ToCoordinate,
            ) => "cases.none",
        }]
        .clone(),
        number,
        may_reveal: viewer.may(REVEAL),
        coordinates: viewer.coordinates,
    };
    Ok(visit.page(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "aduan_satu.html")]
struct CasePage {
    p: Frame,
    here: &'static str,
    menu: Menu,
    id: String,
    number: String,
    category: String,
    class: String,
    state: String,
    tone: &'static str,
    lead: String,
    late: Vec<String>,
    publication: String,
    publication_reason: String,
    facts: Vec<(String, String)>,
    extra: Vec<(String, String)>,
    reporters: Vec<ReporterLine>,
    messages: Vec<Line>,
    clocks: Vec<ClockLine>,
    holders: Vec<HolderLine>,
    helpers: Vec<(String, String, String, bool)>,
    escalations: Vec<StepLine>,
    deliveries: Vec<(String, String, String)>,
    journal: Vec<(String, String)>,
    acts: Vec<Act>,
    done: bool,
    version: u32,
    merged_into: String,
    ended: String,
}

struct ReporterLine {
    pseudonym: String,
    facts: String,
    contact: String,
}

/// Something that was said about a case.
struct Line {
    who: String,
    side: &'static str,
    kind: String,
    note: bool,
    time: String,
    machine: String,
    text: String,
    files: Vec<FileLine>,
}

struct FileLine {
    /// Where it is opened; empty while the scanner keeps it.
    address: String,
    facts: String,
    proof: bool,
}

struct ClockLine {
    name: String,
    basis: String,
    legal: bool,
    state: String,
    running: bool,
    due: String,
    machine: String,
    late: String,
    ended: String,
    paused: String,
}

struct HolderLine {
    agency: String,
    span: String,
    worked: String,
    late: Vec<String>,
    present: bool,
}

/// A step of the ladder.
struct StepLine {
    id: String,
    words: String,
    time: String,
    acknowledged: String,
    mine: bool,
    key: String,
}

/// `/aduan/{id}`: one case.
pub(crate) async fn one(State(state): State<WebState>, Path(id): Path<String>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let found = complaint(&state, &visit, &viewer, &id).await.map_err(|status| visit.refused(&status))?;
    Ok(case_page(&state, &visit, &viewer, found, acts::Pressed::default(), StatusCode::OK).await)
}

/// One case, as its officers see it.
///
/// # Errors
/// The status of the complaints service.
pub(crate) async fn complaint(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    id: &str,
) -> Result<Complaint, Status> {
    let request = visit.call(GetComplaintRequest { complaint: id.to_owned() }, Some(viewer));
    let answer = state.complaints.clone().get_complaint(request).await?;
    answer.into_inner().complaint.ok_or_else(|| Status::unavailable("no case in the answer"))
}

async fn journal(state: &WebState, visit: &Visit, viewer: &Viewer, id: &str) -> Vec<JournalEntry> {
    let entries = every!(
        visit,
        Some(viewer),
        state.complaints,
        list_complaint_journal(ListComplaintJournalRequest { complaint: id.to_owned() }).entries
    );
    // The page is useful without it.
    entries.await.unwrap_or_default()
}

/// Open cases of the same category, and of the same village where both have one: what it may be merged with.
async fn alike(state: &WebState, visit: &Visit, viewer: &Viewer, one: &Complaint) -> Vec<ComplaintLine> {
    const SHOWN: usize = 5;
    let can_merge = one.allowed().any(|verb| verb == CaseVerb::Merge);
    if !can_merge {
        return Vec::new();
    }
    let village = one.place.as_ref().map(|place| place.village_code.as_str()).unwrap_or_default();
    let request = ListComplaintsRequest {
        category: one.category.clone(),
        page_size: PAGE,
        ..ListComplaintsRequest::default()
    };
    let answer = state.complaints.clone().list_complaints(visit.call(request, Some(viewer))).await;
    let mut found = answer.map(|answer| answer.into_inner().complaints).unwrap_or_default();
    // Messages tell no village: where one of the two has none, the place does not speak against them.
    let may_be = |other: &str| other == village || other.is_empty() || village.is_empty();
    found.retain(|line| line.id != one.id && may_be(&line.village_code) && is_open(line.state()));
    found.sort_by_key(|line| line.village_code != village);
    found.truncate(SHOWN);
    found
}

/// Whether a case has not ended.
pub(crate) fn is_open(state: CaseState) -> bool {
    match state {
        CaseState::Unspecified
        | CaseState::New
        | CaseState::Verified
        | CaseState::Disposed
        | CaseState::InProgress
        | CaseState::AwaitingCompletion
        | CaseState::AwaitingConfirmation
        | CaseState::Reopened => true,
        CaseState::Settled
        | CaseState::Merged
        | CaseState::ForwardedOutside
        | CaseState::Archived
        | CaseState::DeemedWithdrawn
        | CaseState::Withdrawn => false,
    }
}

/// The page of a case, with what was pressed last.
pub(crate) async fn case_page(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    one: Complaint,
    pressed: acts::Pressed,
    http: StatusCode,
) -> Response {
    let (names, journal, templates, alike) = tokio::join!(
        Names::of(state, visit),
        journal(state, visit, viewer, &one.id),
        complaints::templates(state, visit, viewer),
        alike(state, visit, viewer, &one)
    );
    // Whoever has no text to start from writes one.
    let templates = templates.unwrap_or_default();
    let t = visit.words();
    let zone = names.ground.zone;
    let (case_state, tone) = complaints::state_words(one.state(), t);
    let desk = Desk { one: &one, names: &names, templates: &templates, alike: &alike, viewer, visit };
    let acts = acts::offered(&desk, &pressed);
    let agency = |id: &str| complaints::agency_name(id, &names.agencies, t);
    let ended = match (one.closing_reason.as_str(), one.forwarded_to.as_str()) {
        ("", to) => to.to_owned(),
        (reason, "") => complaints::keyed("why", reason, t),
        (reason, to) => format!("{} · {to}", complaints::keyed("why", reason, t)),
    };
    let page = CasePage {
        p: visit.frame(),
        here: "aduan",
        menu: Menu::of(viewer),
        category: if one.category_name.is_empty() {
            names.category(&one.category)
        } else {
            one.category_name.clone()
        },
        class: complaints::class_words(one.complaint_class(), t),
        state: case_state,
        tone,
        lead: agency(&one.lead_agency_id),
        late: one
            .clocks
            .iter()
            .filter(|clock| clock.late_at.is_some())
            .map(|clock| complaints::clock_words(clock.kind(), t))
            .collect(),
        publication: complaints::publication_words(one.publication(), t),
        publication_reason: match one.publication() {
            Publication::Withheld => one.publication_reason.clone(),
            Publication::Unspecified | Publication::Pending | Publication::Public | Publication::Secret => {
                String::new()
            }
        },
        facts: facts(&one, &names, visit),
        extra: extra(&one, &names),
        reporters: reporters(&one, t),
        messages: one.messages.iter().map(|message| line(&one.id, message, &names, visit)).collect(),
        clocks: clocks(&one, zone, visit),
        holders: one
            .holders
            .iter()
            .map(|held| HolderLine {
                agency: agency(&held.agency_id),
                span: match held.to {
                    Some(to) => format!(
                        "{} – {}",
                        moment::moment(held.from, zone, visit.language),
                        moment::moment(Some(to), zone, visit.language)
                    ),
                    None => t.say("since", &[("time", &moment::moment(held.from, zone, visit.language))]),
                },
                worked: t.say("cases.held", &[("span", &complaints::span(held.working_minutes, t))]),
                late: held.late().map(|clock| complaints::clock_words(clock, t)).collect(),
                present: held.to.is_none(),
            })
            .collect(),
        helpers: one
            .helpers
            .iter()
            .map(|helper| {
                let when = match helper.done_at {
                    Some(done) => {
                        t.say("cases.helped", &[("time", &moment::moment(Some(done), zone, visit.language))])
                    }
                    None if helper.late_at.is_some() => t.say(
                        "cases.help_late",
                        &[("time", &moment::moment(helper.late_at, zone, visit.language))],
                    ),
                    None => {
                        t.say("follow.due", &[("time", &moment::moment(helper.due_at, zone, visit.language))])
                    }
                };
                (agency(&helper.agency_id), helper.task.clone(), when, helper.done_at.is_some())
            })
            .collect(),
        escalations: steps(&one, viewer, zone, visit),
        deliveries: one
            .deliveries
            .iter()
            .map(|sent| {
                (
                    complaints::keyed("told", &sent.kind, t),
                    complaints::keyed("delivery", &sent.state, t),
                    moment::moment(sent.updated_at.or(sent.created_at), zone, visit.language),
                )
            })
            .collect(),
        journal: journal
            .iter()
            .rev()
            .map(|entry| (happened(entry, t), moment::moment(entry.at, zone, visit.language)))
            .collect(),
        acts,
        done: visit.parameter("tersimpan").is_some() && http == StatusCode::OK,
        version: one.version,
        merged_into: one.merged_into.clone(),
        ended,
        number: one.number,
        id: one.id,
    };
    visit.page(http, &page)
}

/// An entry of the journal in words: what, by whom, from where to where.
fn happened(entry: &JournalEntry, t: &Words) -> String {
    let who = match entry.who.as_str() {
        "system" => t["work.system"].clone(),
        "reporter" => t["by.reporter"].to_lowercase(),
        // Ids say nothing to people.
        _ => t["cases.officer"].clone(),
    };
    let short = entry.what.strip_prefix("complaint.").unwrap_or(&entry.what);
    let known = t.find(&format!("verb.{}", entry.what.to_lowercase()));
    let what = known.map_or_else(|| complaints::keyed("verb", short, t), str::to_owned);
    let state = |name: &str| complaints::keyed("case", name, t);
    match (entry.from.as_str(), entry.to.as_str()) {
        (from, to) if from == to || to.is_empty() => format!("{what} · {who}"),
        ("", to) => format!("{what} · {who} · {}", state(to)),
        (from, to) => format!("{what} · {who} · {} → {}", state(from), state(to)),
    }
}

fn facts(one: &Complaint, names: &Names, visit: &Visit) -> Vec<(String, String)> {
    let t = visit.words();
    let zone = names.ground.zone;
    let point = one.place.as_ref().and_then(|place| place.latitude.zip(place.longitude));
    let lines = [
        ("cases.received", moment::moment(one.received_at, zone, visit.language)),
        ("cases.channel", complaints::channel_words(one.channel(), t)),
        ("cases.happened", moment::moment(one.occurred_at, zone, visit.language)),
        ("cases.place", names.ground.place(one.place.as_ref())),
        (
            "cases.point",
            point.map(|(latitude, longitude)| format!("{latitude:.4}, {longitude:.4}")).unwrap_or_default(),
        ),
        ("cases.bounces", count(one.bounces)),
        ("cases.reopenings", count(one.reopenings)),
        ("cases.until", moment::moment(one.reporter_until, zone, visit.language)),
        ("track.rated", if one.rating > 0 { format!("{}/5", one.rating) } else { String::new() }),
    ];
    lines.into_iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| (t[key].clone(), text)).collect()
}

fn count(number: u32) -> String {
    if number == 0 { String::new() } else { number.to_string() }
}

/// The answers to the questions of the category, with what was asked.
fn extra(one: &Complaint, names: &Names) -> Vec<(String, String)> {
    let category = names.categories.iter().find(|category| category.key == one.category);
    let mut answers: Vec<(String, String)> = one
        .extra
        .iter()
        .map(|(key, answer)| {
            let asked =
                category.and_then(|category| category.questions.iter().find(|question| question.key == *key));
            let shown = asked.and_then(|question| question.values.get(answer)).unwrap_or(answer);
            (asked.map_or(key, |question| &question.label).clone(), shown.clone())
        })
        .collect();
    answers.sort();
    answers
}

fn reporters(one: &Complaint, t: &Words) -> Vec<ReporterLine> {
    one.reporters
        .iter()
        .map(|reporter| {
            let reachable = if reporter.reachable { "cases.reachable" } else { "cases.unreachable" };
            let contact = reporter.contact.as_ref().map(|contact| {
                [contact.name.as_str(), &contact.phone, &contact.email]
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect::<Vec<_>>()
                    .join(" · ")
            });
            ReporterLine {
                pseudonym: reporter.pseudonym.clone(),
                facts: [
                    complaints::secrecy_words(reporter.secrecy(), t),
                    complaints::channel_words(reporter.channel(), t),
                    t[reachable].clone(),
                ]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" · "),
                contact: contact.unwrap_or_default(),
            }
        })
        .collect()
}

fn line(id: &str, message: &CaseMessage, names: &Names, visit: &Visit) -> Line {
    let t = visit.words();
    let is_open = |scan: &str| !matches!(scan, "PENDING" | "INFECTED");
    Line {
        who: match message.by.as_str() {
            "REPORTER" if !message.reporter.is_empty() => message.reporter.clone(),
            "AGENCY" => complaints::agency_name(&message.agency_id, &names.agencies, t),
            by => complaints::keyed("by", by, t),
        },
        side: if message.by == "REPORTER" { "own" } else { "office" },
        kind: match complaints::keyed("said", &message.kind, t) {
            // What a reporter said at the desk or by telephone.
            kind if message.by == "REPORTER" && !message.account_id.is_empty() => {
                format!("{kind} · {}", t["cases.written_down"])
            }
            kind => kind,
        },
        note: matches!(message.kind.as_str(), "NOTE" | "UNPROVEN"),
        time: moment::moment(message.at, names.ground.zone, visit.language),
        machine: moment::machine(message.at),
        text: message.text.clone(),
        files: message
            .files
            .iter()
            .map(|file| FileLine {
                address: match is_open(&file.scan) {
                    true => format!("/aduan/{id}/berkas/{}", file.file_id),
                    false => String::new(),
                },
                facts: complaints::file_words(file, visit),
                proof: file.proof,
            })
            .collect(),
    }
}

fn clocks(one: &Complaint, zone: Zone, visit: &Visit) -> Vec<ClockLine> {
    use mpp_proto::complaints::v1::ClockState;
    let t = visit.words();
    one.clocks
        .iter()
        .map(|clock| ClockLine {
            name: complaints::clock_words(clock.kind(), t),
            basis: t[if clock.legal { "clock.legal" } else { "clock.promise" }].clone(),
            legal: clock.legal,
            state: complaints::clock_state_words(clock.state(), t),
            running: clock.state() == ClockState::Running,
            due: moment::moment(clock.due_at, zone, visit.language),
            machine: moment::machine(clock.due_at),
            late: moment::moment(clock.late_at, zone, visit.language),
            ended: moment::moment(clock.ended_at, zone, visit.language),
            paused: match clock.paused_minutes {
                ..=0 => String::new(),
                minutes => t.say("clock.paused_for", &[("span", &complaints::span(minutes, t))]),
            },
        })
        .collect()
}

fn steps(one: &Complaint, viewer: &Viewer, zone: Zone, visit: &Visit) -> Vec<StepLine> {
    let t = visit.words();
    one.escalations
        .iter()
        .map(|step| StepLine {
            id: step.id.clone(),
            words: t.say(
                "cases.escalated",
                &[
                    ("rung", &complaints::keyed("rung", &step.rung, t)),
                    ("clock", &complaints::clock_words(step.clock(), t)),
                    ("percent", &step.percent),
                ],
            ),
            time: moment::moment(step.at, zone, visit.language),
            acknowledged: moment::moment(step.acknowledged_at, zone, visit.language),
            mine: step.acknowledged_at.is_none() && step.account_id == viewer.id,
            key: uuid::Uuid::new_v4().to_string(),
        })
        .collect()
}

/// `/aduan/{id}/berkas/{file}`: a file of a case. Each look is recorded.
pub(crate) async fn file(
    State(state): State<WebState>,
    Path((id, file)): Path<(String, String)>,
    visit: Visit,
) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let request = visit.call(GetComplaintFileRequest { complaint: id, file }, Some(&viewer));
    let answer = state.complaints.clone().get_complaint_file(request).await;
    let file = answer.map_err(|status| visit.refused(&status))?.into_inner();
    Ok(visit.file(file.content, &file.media_type, None))
}

/// `/aduan/{id}/{verb}`: a press. It leads back to the case, or shows it again with what was refused and why.
pub(crate) async fn press(
    State(state): State<WebState>,
    Path((id, verb)): Path<(String, String)>,
    visit: Visit,
    request: axum::extract::Request,
) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let sent = Sent::with_files(request, state.form_limit, state.file_limit).await;
    match acts::press(&state, &visit, &viewer, &id, &verb, sent).await {
        Ok(to) => Ok(visit.redirect(&to)),
        Err(None) => Err(visit.missing("error.404")),
        Err(Some(refused)) => {
            let (pressed, http) = *refused;
            let one =
                complaint(&state, &visit, &viewer, &id).await.map_err(|status| visit.refused(&status))?;
            Ok(case_page(&state, &visit, &viewer, one, pressed, http).await)
        }
    }
}

/// To the case, from an address that only takes forms.
pub(crate) async fn back(Path((id, _)): Path<(String, String)>, visit: Visit) -> Response {
    visit.redirect(&format!("/aduan/{}", super::letters::segment(&id)))
}

//! The desk of officials: what waits for them, one application with all that is needed to decide, and the signing box.
//! The pages show; what changes something goes through the REST API like everything else that staff press.

use askama::Template;
use axum::extract::{Path, State};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::documents::v1::{
    Application, ApplicationState, Attachment, GetApplicationRequest, GetApplicationResponse,
    GetAttachmentRequest, GetDraftRequest, LetterType, Licence, LicenceMessage, LicenceMessageState,
    ListWorkRequest, ListWorkResponse, Office, ResendLicenceMessageRequest, SigningCredential, StepState,
    WorkItem,
};
use tonic::Status;
use uuid::Uuid;

use super::{
    WebState, fields, follow,
    form::Sent,
    letters::{self, told},
    moment::{self, Zone},
    pages,
    people::Names,
    visit::{Answer, Frame, Menu, Viewer, Visit},
};
use crate::problem;

mod answers;

/// Lines of a worklist on one page.
const LINES: i32 = 50;
/// The permission of everybody who works on applications.
const WORK: &str = "documents.work";

#[derive(Template)]
#[template(path = "meja.html")]
struct ListPage {
    p: Frame,
    menu: Menu,
    tab: &'static str,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    next: String,
    first: bool,
    calm: String,
}

struct Tab {
    key: &'static str,
    label: String,
    count: String,
    chosen: bool,
}

/// One line of a worklist.
struct Row {
    id: String,
    title: String,
    subject: String,
    place: String,
    what: String,
    due: String,
    machine_due: String,
    late: bool,
    claimed: bool,
    /// The billing code of what waits for its fee; empty otherwise.
    code: String,
    /// Of the content that is shown: who signs says what he saw.
    hash: String,
}

/// A village with RW and RT in words, such as "Ujung Tanjung, RW 002 RT 005".
fn place(area: &str, offices: &[Office]) -> String {
    let mut parts = area.split('/');
    let region = parts.next().unwrap_or_default();
    let name =
        offices.iter().find(|office| office.area == region).map_or(region, |office| office.name.as_str());
    match (parts.next(), parts.next()) {
        (Some(rw), Some(rt)) => format!("{name}, RW {rw} RT {rt}"),
        // An agency's area has a short code where a village's has its RW.
        (Some(rw), None) if rw.bytes().all(|byte| byte.is_ascii_digit()) => format!("{name}, RW {rw}"),
        (_, _) => name.to_owned(),
    }
}

/// The time of an area: of its office, else of any office within or around it.
fn zone(area: &str, offices: &[Office]) -> Zone {
    let region = area.split('/').next().unwrap_or_default();
    let near = |office: &&Office| {
        let own = office.area.split('/').next().unwrap_or_default();
        own == region || own.starts_with(region) || region.starts_with(own)
    };
    Zone::of(offices.iter().find(near).map(|office| office.time_zone.as_str()).unwrap_or_default())
}

fn row(item: &WorkItem, offices: &[Office], visit: &Visit) -> Row {
    let zone = zone(&item.area, offices);
    Row {
        id: item.application_id.clone(),
        title: item.title.clone(),
        subject: item.subject_name.clone(),
        place: place(&item.area, offices),
        what: letters::step_kind(&item.kind, visit.words()),
        due: moment::moment(item.due_time, zone, visit.language),
        machine_due: moment::machine(item.due_time),
        late: item.late,
        claimed: !item.claimed_by.is_empty(),
        code: follow::grouped(&item.billing_code),
        hash: item.content_hash.clone(),
    }
}

async fn work(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    request: ListWorkRequest,
) -> Result<ListWorkResponse, Status> {
    Ok(state.documents.clone().list_work(visit.call(request, Some(viewer))).await?.into_inner())
}

/// `/meja`: what waits, what is due first first. `?tab=tanda-tangan|terlambat`.
pub(crate) async fn list(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, WORK).await?;
    let tab = match visit.parameter("tab") {
        Some("tanda-tangan") => "tanda-tangan",
        Some("terlambat") => "terlambat",
        Some(_) | None => "",
    };
    let page_token = visit.parameter("halaman").unwrap_or_default().to_owned();
    let first = page_token.is_empty();
    let request = ListWorkRequest {
        signing_only: tab == "tanda-tangan",
        late_only: tab == "terlambat",
        page_size: LINES,
        page_token,
    };
    let (found, offices) =
        tokio::join!(work(&state, &visit, &viewer, request), letters::offices(&state, &visit));
    let found = found.map_err(|status| visit.refused(&status))?;
    let offices = offices.unwrap_or_default();
    let t = visit.words();
    let late = match found.late {
        0 => String::new(),
        1000.. => "1000+".to_owned(),
        late => late.to_string(),
    };
    let one = |key: &'static str, words: &str, count: &str| Tab {
        key,
        label: t[words].clone(),
        count: count.to_owned(),
        chosen: key == tab,
    };
    let page = ListPage {
        p: visit.frame(),
        menu: Menu::of(&viewer),
        tab,
        tabs: vec![
            one("", "work.tab_mine", ""),
            one("tanda-tangan", "work.tab_signing", ""),
            one("terlambat", "work.tab_late", &late),
        ],
        rows: found.items.iter().map(|item| row(item, &offices, &visit)).collect(),
        next: found.next_page_token,
        first,
        calm: t[match tab {
            "tanda-tangan" => "work.none_signing",
            "terlambat" => "work.none_late",
            _ => "work.none",
        }]
        .clone(),
    };
    Ok(visit.page(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "permohonan_meja.html")]
struct DeskPage {
    p: Frame,
    menu: Menu,
    id: String,
    version: u32,
    content_hash: String,
    short_hash: String,
    title: String,
    holder: String,
    state: String,
    tone: &'static str,
    office: String,
    due: String,
    machine_due: String,
    late: bool,
    paused: bool,
    claimed_by: String,
    document: String,
    person: Vec<(String, String)>,
    values: Vec<(String, String)>,
    files: Vec<FileLine>,
    /// Who saw the papers at the office; empty where they were uploaded.
    papers_seen: String,
    numbers: Vec<(String, String, bool)>,
    steps: Vec<follow::StepLine>,
    history: Vec<Happened>,
    custody: Vec<String>,
    duplicates: Vec<String>,
    problem: String,
    fee: Option<follow::Fee>,
    /// What the payment is asked for in the dialog: whole rupiah, and the offset of the office from UTC.
    fee_amount: i64,
    utc: &'static str,
    verbs: Verbs,
    signing: &'static str,
    /// Whether it is signed by hand.
    by_hand: bool,
    licence: Option<OssLicence>,
}

/// What OSS is told of the licence that an application is for.
struct OssLicence {
    id: String,
    version: u32,
    /// What makes a press of a button safe to repeat.
    request_id: String,
    error: String,
    messages: Vec<OssMessage>,
}

/// One message to OSS.
struct OssMessage {
    id: String,
    what: String,
    state: &'static str,
    tone: &'static str,
    answer: String,
    resend: bool,
}

fn oss_licence(licence: Licence, error: String, request_id: String, visit: &Visit) -> OssLicence {
    let t = visit.words();
    let message = |it: LicenceMessage| {
        let (state, tone) = match it.state() {
            LicenceMessageState::Unspecified | LicenceMessageState::Pending => ("oss.pending", "info"),
            LicenceMessageState::Sent => ("oss.sent", "good"),
            LicenceMessageState::Refused => ("oss.refused", "bad"),
        };
        let what = match it.kind.as_str() {
            "IZINFINAL" => t["oss.final"].clone(),
            "UPDATE" => t["oss.update"].clone(),
            _ => t.say("oss.status", &[("code", &it.status_code)]),
        };
        OssMessage { what, state, tone, answer: it.answer, resend: it.may_resend, id: it.id }
    };
    OssLicence {
        id: licence.id,
        version: licence.version,
        request_id,
        error,
        messages: licence.messages.into_iter().map(message).collect(),
    }
}

/// What the caller may do now, as the service says.
pub(crate) struct Verbs(pub(crate) Vec<String>);

impl Verbs {
    /// Whether this is among it.
    pub(crate) fn may(&self, verb: &str) -> bool {
        self.0.iter().any(|allowed| allowed == verb)
    }

    /// Whether there is anything to do.
    fn any(&self) -> bool {
        !self.0.is_empty()
    }
}

struct FileLine {
    id: String,
    label: String,
    facts: String,
}

struct Happened {
    time: String,
    what: String,
    who: String,
    reason: String,
}

/// `/meja/{application}`: one application.
pub(crate) async fn one(State(state): State<WebState>, Path(id): Path<String>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, WORK).await?;
    case_page(&state, &visit, &viewer, id, (String::new(), None), StatusCode::OK).await
}

/// The press that sends a message again which OSS refused: `/meja/{application}/oss`.
pub(crate) async fn resend(
    State(state): State<WebState>,
    Path(id): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, WORK).await?;
    let sent = Sent::plain(&body);
    let request_id = fields::form_key(&sent);
    let request = ResendLicenceMessageRequest {
        request_id: request_id.clone(),
        licence: sent.get("izin").to_owned(),
        version: sent.get("versi").parse().unwrap_or_default(),
        message: sent.get("kiriman").to_owned(),
    };
    match state.documents.clone().resend_licence_message(visit.call(request, Some(&viewer))).await {
        Ok(_) => Ok(visit.redirect(&format!("/meja/{}", letters::segment(&id)))),
        Err(status) => {
            let again = fields::is_unclear(&status).then_some(request_id);
            let said = (visit.sentence(&status), again);
            case_page(&state, &visit, &viewer, id, said, problem::http_status(status.code())).await
        }
    }
}

/// The page of an application, with what a press on it came to: a sentence, and the key of the press where it may be repeated.
async fn case_page(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    id: String,
    (error, request_id): (String, Option<String>),
    http: StatusCode,
) -> Answer {
    let request = visit.call(GetApplicationRequest { application: id }, Some(viewer));
    let found = state.documents.clone().get_application(request).await;
    let found = found.map_err(|status| visit.refused(&status))?.into_inner();
    let signing = signing(found.signing_credential());
    let GetApplicationResponse { application: Some(application), licence, .. } = found else {
        return Err(visit.broken());
    };
    let request_id = request_id.unwrap_or_else(|| Uuid::new_v4().to_string());
    let licence = licence.map(|licence| oss_licence(licence, error, request_id, visit));
    let people = application
        .history
        .iter()
        .map(|entry| entry.who.as_str())
        .chain(application.steps.iter().map(|step| step.claimed_by.as_str()))
        .chain([application.papers_seen_by.as_str()]);
    // The words of its fields, by the version that it follows.
    let (key, version) = (&application.letter_type, application.letter_type_version);
    let (offices, kind, names) = tokio::join!(
        letters::offices(state, visit),
        letters::letter_version(state, visit, key, version),
        Names::of(state, visit, viewer, people),
    );
    let kind = kind?;
    let offices = offices.unwrap_or_default();
    let page = desk_page((application, signing), (&offices, &kind, &names), viewer, visit);
    Ok(visit.framing_page(http, &DeskPage { licence, ..page }))
}

/// What the signing box asks for: nothing, a passphrase, or a passphrase or a one-time code.
fn signing(credential: SigningCredential) -> &'static str {
    match credential {
        SigningCredential::None => "none",
        SigningCredential::Unspecified | SigningCredential::Passphrase => "passphrase",
        SigningCredential::PassphraseOrCode => "code",
    }
}

fn desk_page(
    (application, signing): (Application, &'static str),
    (offices, kind, names): (&[Office], &LetterType, &Names),
    viewer: &Viewer,
    visit: &Visit,
) -> DeskPage {
    let t = visit.words();
    let office = offices.iter().find(|office| office.id == application.office_id);
    let zone = Zone::of(office.map(|office| office.time_zone.as_str()).unwrap_or_default());
    let name_of = |id: &str| {
        offices.iter().find(|office| office.id == id).map_or(id, |one| one.name.as_str()).to_owned()
    };
    let active = application.steps.iter().find(|step| step.state() == StepState::Active);
    let due = active.and_then(|step| step.due_time);
    let paused = active.is_some_and(|step| step.paused);
    let (state, tone) = follow::state_words(application.state(), t);
    let label = |key: &str| {
        let found = kind.requirements.iter().find(|one| one.key == key);
        found.map_or_else(|| key.to_owned(), |one| told(one.label.as_ref(), visit.language))
    };
    let file = |one: &Attachment| FileLine {
        id: one.file_id.clone(),
        label: label(&one.requirement),
        facts: fields::file_words(&one.media_type, one.size, visit.language),
    };
    DeskPage {
        p: visit.frame(),
        menu: Menu::of(viewer),
        version: application.version,
        short_hash: application.content_hash.chars().take(12).collect(),
        content_hash: application.content_hash.clone(),
        state,
        tone,
        office: name_of(&application.office_id),
        due: moment::moment(due, zone, visit.language),
        machine_due: moment::machine(due),
        late: active.is_some_and(|step| step.late),
        paused,
        claimed_by: active.map(|step| names.name(&step.claimed_by)).unwrap_or_default(),
        document: application.document_id.clone(),
        holder: application.subject.as_ref().map(|subject| subject.name.clone()).unwrap_or_default(),
        person: answers::person(&application, kind, offices, visit),
        values: answers::values(&application, kind, visit),
        files: application.attachments.iter().map(file).collect(),
        papers_seen: match application.papers_seen_by.as_str() {
            "" => String::new(),
            account => visit.words().say("work.papers_seen", &[("who", &names.name(account))]),
        },
        numbers: application
            .numbers
            .iter()
            .map(|number| (name_of(&number.office_id), number.text.clone(), number.void))
            .collect(),
        steps: follow::step_lines(&application.steps, zone, visit),
        history: application
            .history
            .iter()
            .rev()
            .map(|entry| Happened {
                time: moment::moment(entry.time, zone, visit.language),
                what: follow::happened(&entry.what, t),
                who: match entry.who.as_str() {
                    "applicant" => t["work.applicant"].clone(),
                    "system" => t["work.system"].clone(),
                    // Who is not known stays unnamed: ids say nothing to people.
                    account => names.name(account),
                },
                reason: follow::because(entry, offices),
            })
            .collect(),
        custody: application
            .custody
            .iter()
            .map(|link| {
                let received = moment::moment(link.acknowledge_time, zone, visit.language);
                let received = if received.is_empty() { t["work.not_received"].clone() } else { received };
                t.say(
                    "work.custody_line",
                    &[
                        ("from", &name_of(&link.from_office_id)),
                        ("to", &name_of(&link.to_office_id)),
                        ("sent", &moment::moment(link.time, zone, visit.language)),
                        ("received", &received),
                    ],
                )
            })
            .collect(),
        fee: follow::fee(application.payment.as_ref(), true, zone, visit),
        fee_amount: application.payment.as_ref().map_or(0, |payment| payment.amount),
        utc: zone.utc(),
        verbs: Verbs(application.allowed_verbs.clone()),
        signing,
        by_hand: application.by_hand.is_some(),
        licence: None,
        problem: match application.state() {
            ApplicationState::AwaitingSignature => application.signing_problem,
            ApplicationState::Unspecified
            | ApplicationState::Draft
            | ApplicationState::InReview
            | ApplicationState::Returned
            | ApplicationState::AwaitingPayment
            | ApplicationState::Signing
            | ApplicationState::AwaitingScan
            | ApplicationState::Issued
            | ApplicationState::HandedOver
            | ApplicationState::Rejected
            | ApplicationState::Withdrawn => String::new(),
        },
        duplicates: application.possible_duplicates,
        title: application.title,
        id: application.id,
    }
}

/// `/meja/{application}/draf.pdf`: the letter as it will be signed.
pub(crate) async fn draft(State(state): State<WebState>, Path(id): Path<String>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, WORK).await?;
    let request = visit.call(GetDraftRequest { application: id }, Some(&viewer));
    let answer = state.documents.clone().get_draft(request).await.map_err(|status| visit.refused(&status))?;
    Ok(visit.file(answer.into_inner().pdf, "application/pdf", None))
}

/// `/meja/{application}/berkas/{file}`: a file that came with the application.
pub(crate) async fn attachment(
    State(state): State<WebState>,
    Path((id, file)): Path<(String, String)>,
    visit: Visit,
) -> Answer {
    let viewer = pages::staff(&state, &visit, WORK).await?;
    let request = visit.call(GetAttachmentRequest { application: id, file }, Some(&viewer));
    let answer = state.documents.clone().get_attachment(request).await;
    let file = answer.map_err(|status| visit.refused(&status))?.into_inner();
    Ok(visit.file(file.content, &file.media_type, None))
}

#[derive(Template)]
#[template(path = "tanda_tangan.html")]
struct SignPage {
    p: Frame,
    menu: Menu,
    rows: Vec<Row>,
    more: bool,
    signing: &'static str,
}

/// `/meja/tanda-tangan`: what waits for the caller's signature, to be signed with one passphrase or one-time code.
pub(crate) async fn sign(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, WORK).await?;
    let request =
        ListWorkRequest { signing_only: true, late_only: false, page_size: LINES, page_token: String::new() };
    let (found, offices) =
        tokio::join!(work(&state, &visit, &viewer, request), letters::offices(&state, &visit));
    let found = found.map_err(|status| visit.refused(&status))?;
    let offices = offices.unwrap_or_default();
    let page = SignPage {
        signing: signing(found.signing_credential()),
        p: visit.frame(),
        menu: Menu::of(&viewer),
        rows: found.items.iter().map(|item| row(item, &offices, &visit)).collect(),
        more: !found.next_page_token.is_empty(),
    };
    Ok(visit.page(StatusCode::OK, &page))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn office(id: &str, area: &str, name: &str, time_zone: &str) -> Office {
        Office {
            id: id.into(),
            area: area.into(),
            name: name.into(),
            time_zone: time_zone.into(),
            ..Office::default()
        }
    }

    #[test]
    fn an_area_is_said_with_the_name_of_its_village() {
        let offices = [
            office("ofc_1", "17.07.05.2003", "Desa Ujung Tanjung", "Asia/Jakarta"),
            office("ofc_2", "91.03/dinkes", "Dinas Kesehatan", "Asia/Jayapura"),
        ];
        assert_eq!(place("17.07.05.2003/002/005", &offices), "Desa Ujung Tanjung, RW 002 RT 005");
        assert_eq!(place("17.07.05.2003/002", &offices), "Desa Ujung Tanjung, RW 002");
        assert_eq!(place("17.07.05.2004", &offices), "17.07.05.2004");
        assert_eq!(zone("17.07.05.2003/002/005", &offices), Zone::Wib);
        assert_eq!(zone("91.03/dinkes", &offices), Zone::Wit);
    }
}

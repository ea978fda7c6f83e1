//! What an applicant sees afterwards: the receipt, where the application stands, its correction, withdrawal and download.
//! The code in the path is the only key, as the token of a ticket is; none of these pages names a person.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::documents::v1::{
    ApplicationState, ApplicationStatus, CreateDownloadLinkRequest, GetApplicationByCodeRequest, Office,
    OpenFileLinkRequest, SignatureMethod, WithdrawApplicationRequest,
};
use tonic::{Code, Status};
use uuid::Uuid;

use super::{
    WebState, fields,
    form::Sent,
    letters::{self, segment},
    moment::{self, Zone},
    qr, verify,
    visit::{Answer, Frame, Visit},
};
use crate::problem;

mod correction;
mod standing;

pub(crate) use correction::{correct, correct_form, correct_prefill};
use standing::state_word;
pub(crate) use standing::{Fee, StepLine, because, fee, grouped, happened, state_words, step_lines};

#[derive(Template)]
#[template(path = "lacak.html")]
struct EnterPage {
    p: Frame,
    nav: &'static str,
    error: String,
}

/// `/permohonan`: where the code is typed in.
pub(crate) async fn enter(visit: Visit) -> Response {
    visit.page(StatusCode::OK, &EnterPage { p: visit.frame(), nav: "lacak", error: String::new() })
}

/// The code, typed in: to its page.
pub(crate) async fn find(visit: Visit, body: Bytes) -> Response {
    let sent = Sent::plain(&body);
    let code: String = sent.get("kode").split_whitespace().collect();
    if code.is_empty() {
        let error = visit.words()["follow.no_code"].clone();
        return visit.page(StatusCode::BAD_REQUEST, &EnterPage { p: visit.frame(), nav: "lacak", error });
    }
    visit.redirect(&format!("/permohonan/{}", segment(&code.to_uppercase())))
}

/// A code that leads nowhere, in words.
fn unknown(visit: &Visit) -> Response {
    let error = visit.words()["follow.unknown"].clone();
    visit.page(StatusCode::NOT_FOUND, &EnterPage { p: visit.frame(), nav: "lacak", error })
}

/// The application behind a code, or the page to show instead.
async fn status(state: &WebState, visit: &Visit, code: &str) -> Answer<ApplicationStatus> {
    let request = visit.call(GetApplicationByCodeRequest { code: code.to_owned() }, None);
    match state.documents.clone().get_application_by_code(request).await {
        Ok(answer) => answer.into_inner().status.ok_or_else(|| visit.broken()),
        Err(status) if is_unknown(&status) => Err(unknown(visit)),
        Err(status) => Err(visit.refused(&status)),
    }
}

/// Malformed, unknown and forbidden codes are told alike.
fn is_unknown(status: &Status) -> bool {
    matches!(status.code(), Code::NotFound | Code::InvalidArgument | Code::PermissionDenied)
}

#[derive(Template)]
#[template(path = "permohonan.html")]
struct StatusPage {
    p: Frame,
    nav: &'static str,
    path: String,
    code: String,
    title: String,
    office: String,
    holder: String,
    state: &'static str,
    tone: &'static str,
    icon: &'static str,
    headline: String,
    detail: String,
    submitted: String,
    expected: String,
    return_reason: String,
    fee: Option<Fee>,
    steps: Vec<StepLine>,
    history: Vec<HistoryLine>,
    issued: bool,
    /// Whether it is signed by hand, which is no electronic signature.
    by_hand: bool,
    /// The numbers of the document, each with what it is called.
    numbers: Vec<(String, String)>,
    may_withdraw: bool,
    verification: String,
    download_error: String,
}

struct HistoryLine {
    time: String,
    what: String,
    reason: String,
}

/// `/permohonan/{code}`: where it stands.
pub(crate) async fn follow(State(state): State<WebState>, Path(code): Path<String>, visit: Visit) -> Answer {
    let status = status(&state, &visit, &code).await?;
    Ok(status_page(&state, &visit, status, StatusCode::OK, String::new()).await)
}

/// The time of an office that is known by its name.
fn zone_of(offices: &[Office], office: &str) -> Zone {
    let found = offices.iter().find(|one| one.name == office || one.id == office);
    Zone::of(found.map(|office| office.time_zone.as_str()).unwrap_or_default())
}

async fn status_page(
    state: &WebState,
    visit: &Visit,
    status: ApplicationStatus,
    http: StatusCode,
    download_error: String,
) -> Response {
    let offices = letters::offices(state, visit).await.unwrap_or_default();
    let zone = zone_of(&offices, &status.office);
    let t = visit.words();
    let (word, tone, icon) = state_word(status.state());
    let steps = step_lines(&status.steps, zone, visit);
    let now = steps.iter().find(|step| step.state == "active").map(|step| step.who.clone());
    let by_hand = status.signature() == SignatureMethod::ByHand;
    let detail = match now {
        None if by_hand && word == "issued" => t["state.issued_by_hand_detail"].clone(),
        Some(who) if matches!(word, "in_review" | "awaiting_signature") => {
            t.say("follow.now_with", &[("who", &who)])
        }
        Some(_) | None => t[&format!("state.{word}_detail")].clone(),
    };
    let page = StatusPage {
        p: visit.frame(),
        nav: "lacak",
        path: format!("/permohonan/{}", segment(&status.code)),
        headline: t[&format!("state.{word}")].clone(),
        detail,
        state: word,
        tone,
        icon,
        submitted: moment::moment(status.submit_time, zone, visit.language),
        expected: moment::day(status.expected_time, zone, visit.language),
        return_reason: status.return_reason.clone(),
        fee: fee(status.payment.as_ref(), false, zone, visit),
        steps,
        history: status
            .history
            .iter()
            .rev()
            .map(|entry| HistoryLine {
                time: moment::moment(entry.time, zone, visit.language),
                what: happened(&entry.what, t),
                reason: because(entry, &offices),
            })
            .collect(),
        by_hand,
        issued: matches!(status.state(), ApplicationState::Issued | ApplicationState::HandedOver),
        may_withdraw: matches!(
            status.state(),
            ApplicationState::Draft
                | ApplicationState::InReview
                | ApplicationState::Returned
                | ApplicationState::AwaitingPayment
                | ApplicationState::AwaitingSignature
                | ApplicationState::AwaitingScan
        ),
        numbers: Some((t["verify.number"].clone(), status.number))
            .filter(|(_, number)| !number.is_empty())
            .into_iter()
            .chain(verify::registrations(&status.registrations, visit))
            .collect(),
        verification: status.verification_code.clone(),
        title: status.title,
        office: status.office,
        holder: status.subject_masked,
        code: status.code,
        download_error,
    };
    visit.page(http, &page)
}

#[derive(Template)]
#[template(path = "tanda_terima.html")]
struct ReceiptPage {
    p: Frame,
    nav: &'static str,
    path: String,
    code: String,
    title: String,
    office: String,
    holder: String,
    submitted: String,
    expected: String,
    roll: bool,
}

/// `/permohonan/{code}/tanda-terima`: the code in large type, to keep. `?kertas=80` is for the paper of a kiosk.
pub(crate) async fn receipt(State(state): State<WebState>, Path(code): Path<String>, visit: Visit) -> Answer {
    let status = status(&state, &visit, &code).await?;
    let offices = letters::offices(&state, &visit).await.unwrap_or_default();
    let zone = zone_of(&offices, &status.office);
    let page = ReceiptPage {
        p: visit.frame(),
        nav: "lacak",
        path: format!("/permohonan/{}", segment(&status.code)),
        submitted: moment::moment(status.submit_time, zone, visit.language),
        expected: moment::day(status.expected_time, zone, visit.language),
        roll: visit.parameter("kertas") == Some("80"),
        code: status.code,
        title: status.title,
        office: status.office,
        holder: status.subject_masked,
    };
    Ok(visit.page(StatusCode::OK, &page))
}

/// The code of a page for phones: `/permohonan/{code}/qr.svg`.
pub(crate) async fn code_image(
    State(state): State<WebState>,
    Path(code): Path<String>,
    visit: Visit,
) -> Response {
    qr::page(&state, &visit.headers, "permohonan", &code)
}

#[derive(Template)]
#[template(path = "tarik.html")]
struct WithdrawPage {
    p: Frame,
    nav: &'static str,
    path: String,
    title: String,
    request_id: String,
    reason: String,
    error: String,
}

fn withdraw_page(
    visit: &Visit,
    status: ApplicationStatus,
    request_id: String,
    reason: String,
    error: String,
    http: StatusCode,
) -> Response {
    let path = format!("/permohonan/{}", segment(&status.code));
    let page =
        WithdrawPage { p: visit.frame(), nav: "lacak", path, title: status.title, request_id, reason, error };
    visit.page(http, &page)
}

/// `/permohonan/{code}/tarik`: whether it shall really be withdrawn.
pub(crate) async fn withdraw_form(
    State(state): State<WebState>,
    Path(code): Path<String>,
    visit: Visit,
) -> Answer {
    let status = status(&state, &visit, &code).await?;
    let key = Uuid::new_v4().to_string();
    Ok(withdraw_page(&visit, status, key, String::new(), String::new(), StatusCode::OK))
}

/// Withdraws.
pub(crate) async fn withdraw(
    State(state): State<WebState>,
    Path(code): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let sent = Sent::plain(&body);
    let request_id = fields::form_key(&sent);
    let reason = sent.get("alasan").to_owned();
    let request = WithdrawApplicationRequest {
        request_id: request_id.clone(),
        code: code.clone(),
        reason: reason.clone(),
    };
    match state.documents.clone().withdraw_application(visit.call(request, None)).await {
        Ok(_) => Ok(visit.redirect(&format!("/permohonan/{}", segment(&code)))),
        Err(refusal) if refusal.code() == Code::NotFound => Ok(unknown(&visit)),
        Err(refusal) => {
            let key = if fields::is_unclear(&refusal) { request_id } else { Uuid::new_v4().to_string() };
            let http = problem::http_status(refusal.code());
            let status = status(&state, &visit, &code).await?;
            Ok(withdraw_page(&visit, status, key, reason, visit.sentence(&refusal), http))
        }
    }
}

/// Makes a link to the file for whoever knows the last digits, and goes there.
pub(crate) async fn download(
    State(state): State<WebState>,
    Path(code): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let sent = Sent::plain(&body);
    let nik_last4 = fields::digits(sent.get("nik4"));
    let request = CreateDownloadLinkRequest { code: code.clone(), nik_last4 };
    let refusal = match state.documents.clone().create_download_link(visit.call(request, None)).await {
        Ok(answer) => {
            let path = answer.into_inner().path;
            let token = path.rsplit('/').next().unwrap_or_default();
            return Ok(visit.redirect(&format!("/berkas/{}", segment(token))));
        }
        Err(refusal) => refusal,
    };
    let known = status(&state, &visit, &code).await?;
    let told = match refusal.code() {
        Code::PermissionDenied | Code::InvalidArgument | Code::NotFound => {
            visit.words()["follow.wrong_digits"].clone()
        }
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::AlreadyExists
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => visit.sentence(&refusal),
    };
    Ok(status_page(&state, &visit, known, problem::http_status(refusal.code()), told).await)
}

/// `/berkas/{token}`: the file behind a link that lives for minutes.
pub(crate) async fn file(State(state): State<WebState>, Path(token): Path<String>, visit: Visit) -> Answer {
    match state.documents.clone().open_file_link(visit.call(OpenFileLinkRequest { token }, None)).await {
        Ok(answer) => {
            let file = answer.into_inner();
            Ok(visit.file(file.content, &file.media_type, Some(&file.file_name)))
        }
        Err(status) if is_unknown(&status) || status.code() == Code::FailedPrecondition => {
            Err(visit.missing("error.link"))
        }
        Err(status) => Err(visit.refused(&status)),
    }
}

/// To the page of an application, from an address that only takes forms.
pub(crate) async fn back(Path(code): Path<String>, visit: Visit) -> Response {
    visit.redirect(&format!("/permohonan/{}", segment(&code)))
}

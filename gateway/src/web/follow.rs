//! What an applicant sees afterwards: the receipt, where the application stands, its correction, withdrawal and download.
//! The code in the path is the only key, as the token of a ticket is; none of these pages names a person.

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::documents::v1::{
    ApplicationState, ApplicationStatus, CreateDownloadLinkRequest, GetApplicationByCodeRequest,
    HistoryEntry, LetterType, Office, OpenFileLinkRequest, Payment, PaymentMethod, PaymentState,
    PrefillApplicationRequest, ResubmitApplicationRequest, SignatureMethod, Step, StepState,
    WithdrawApplicationRequest,
};
use tonic::{Code, Status};
use uuid::Uuid;

use super::{
    WebState,
    fields::{self, Faults, Input, Paper, Received},
    form::Sent,
    letters::{self, segment},
    moment::{self, Zone},
    qr, verify,
    visit::{Answer, Frame, Visit},
    words::{self, Words},
};
use crate::problem;

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

/// The state of an application as a key of words and a tone.
fn state_word(state: ApplicationState) -> (&'static str, &'static str, &'static str) {
    match state {
        ApplicationState::Unspecified | ApplicationState::InReview => ("in_review", "info", "clock"),
        ApplicationState::Draft => ("draft", "info", "letter"),
        ApplicationState::Returned => ("returned", "warn", "alert"),
        ApplicationState::AwaitingPayment => ("awaiting_payment", "warn", "alert"),
        ApplicationState::AwaitingSignature => ("awaiting_signature", "info", "pen"),
        ApplicationState::Signing => ("signing", "info", "pen"),
        ApplicationState::AwaitingScan => ("awaiting_scan", "info", "pen"),
        ApplicationState::Issued => ("issued", "good", "check"),
        ApplicationState::HandedOver => ("handed_over", "good", "check"),
        ApplicationState::Rejected => ("rejected", "bad", "stop"),
        ApplicationState::Withdrawn => ("withdrawn", "off", "undo"),
    }
}

/// The state of an application in words.
pub(crate) fn state_words(state: ApplicationState, t: &Words) -> (String, &'static str) {
    let (word, tone, _) = state_word(state);
    (t[&format!("state.{word}")].clone(), tone)
}

/// A step on the way of an application.
pub(crate) struct StepLine {
    pub(crate) who: String,
    pub(crate) what: String,
    /// `done`, `active`, `pending` or `skipped`.
    pub(crate) state: &'static str,
    pub(crate) note: String,
    pub(crate) late: bool,
}

/// The way of an application, step by step.
pub(crate) fn step_lines(steps: &[Step], zone: Zone, visit: &Visit) -> Vec<StepLine> {
    let t = visit.words();
    steps
        .iter()
        .map(|step| {
            let (state, note) = match step.state() {
                StepState::Unspecified | StepState::Pending => ("pending", String::new()),
                StepState::Done => ("done", moment::moment(step.done_time, zone, visit.language)),
                StepState::Skipped => ("skipped", t["follow.skipped"].clone()),
                StepState::Active if step.paused => ("active", t["follow.paused"].clone()),
                StepState::Active => {
                    let due = moment::moment(step.due_time, zone, visit.language);
                    ("active", if due.is_empty() { due } else { t.say("follow.due", &[("time", &due)]) })
                }
            };
            StepLine {
                who: letters::role(&step.role, t),
                what: letters::step_kind(&step.kind, t),
                state,
                note,
                late: step.late && step.state() == StepState::Active,
            }
        })
        .collect()
}

/// Something that happened, in words.
pub(crate) fn happened(what: &str, t: &Words) -> String {
    t.find(&format!("happened.{}", what.to_lowercase())).unwrap_or(what).to_owned()
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

/// A fee as its page shows it.
pub(crate) struct Fee {
    /// Whether it is to be paid now.
    pub(crate) due: bool,
    /// Whether the last day to pay is over.
    pub(crate) overdue: bool,
    /// Where it stands, in words; empty while it is to be paid.
    pub(crate) standing: String,
    /// Labels and what they say.
    pub(crate) facts: Vec<(String, String)>,
    /// How and where to pay; empty unless it is to be paid.
    pub(crate) instructions: String,
}

/// The fee of an application, where there is one. `officials` adds what only they may read.
pub(crate) fn fee(payment: Option<&Payment>, officials: bool, zone: Zone, visit: &Visit) -> Option<Fee> {
    let payment = payment?;
    let t = visit.words();
    let due = payment.state() == PaymentState::Due;
    let standing = match payment.state() {
        PaymentState::Unspecified | PaymentState::Due => String::new(),
        PaymentState::Expected => t["fee.expected"].clone(),
        PaymentState::Paid => {
            t.say("fee.paid", &[("time", &moment::day(payment.pay_time, zone, visit.language))])
        }
        PaymentState::Waived => t.say("fee.waived", &[("reason", &payment.waive_reason)]),
    };
    let method = match payment.method() {
        PaymentMethod::Unspecified => String::new(),
        PaymentMethod::Cash => t["fee.cash"].clone(),
        PaymentMethod::Transfer => t["fee.transfer"].clone(),
        PaymentMethod::VirtualAccount => t["fee.virtual_account"].clone(),
        PaymentMethod::Qris => t["fee.qris"].clone(),
    };
    let last_day = if due { words::date(&payment.due_date, visit.language) } else { String::new() };
    let facts = [
        ("fee.amount", letters::rupiah(payment.amount)),
        ("fee.code", grouped(&payment.billing_code)),
        ("fee.last_day", last_day),
        ("fee.basis", payment.legal_basis.clone()),
        ("fee.method", if officials { method } else { String::new() }),
        ("fee.reference", if officials { payment.reference.clone() } else { String::new() }),
    ];
    Some(Fee {
        due,
        overdue: payment.overdue,
        standing,
        facts: facts
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (t[key].clone(), text))
            .collect(),
        instructions: match due {
            true => letters::told(payment.instructions.as_ref(), visit.language),
            false => String::new(),
        },
    })
}

/// A billing code as people read it: `1000 0000 0008`.
pub(crate) fn grouped(code: &str) -> String {
    let digits: Vec<char> = code.chars().collect();
    digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// `/permohonan/{code}`: where it stands.
pub(crate) async fn follow(State(state): State<WebState>, Path(code): Path<String>, visit: Visit) -> Answer {
    let status = status(&state, &visit, &code).await?;
    Ok(status_page(&state, &visit, status, StatusCode::OK, String::new()).await)
}

/// Why something happened; where an application was handed on, the office it went to.
pub(crate) fn because(entry: &HistoryEntry, offices: &[Office]) -> String {
    let to = offices.iter().find(|office| office.area == entry.reason);
    match (entry.what.as_str(), to) {
        ("HAND_ON", Some(office)) => office.name.clone(),
        ("HAND_ON", None) => String::new(),
        (_, _) => entry.reason.clone(),
    }
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

#[derive(Template)]
#[template(path = "perbaiki.html")]
struct CorrectPage {
    p: Frame,
    nav: &'static str,
    path: String,
    title: String,
    return_reason: String,
    request_id: String,
    summary: Vec<(String, String, String)>,
    person: Vec<Input>,
    inputs: Vec<Input>,
    papers: Vec<Paper>,
    file_limit: usize,
    regions: Vec<(String, String)>,
    prefilled: bool,
    prefill_error: String,
}

/// A returned application, and the version of its type that it follows.
struct Returned {
    status: ApplicationStatus,
    kind: LetterType,
}

/// What is to be corrected, or the page to show instead: somebody comes back to a form that was sent meanwhile, and the page
/// of the application tells.
async fn returned(state: &WebState, visit: &Visit, code: &str) -> Answer<Returned> {
    let status = status(state, visit, code).await?;
    if status.state() != ApplicationState::Returned {
        return Err(visit.redirect(&format!("/permohonan/{}", segment(&status.code))));
    }
    let version = status.letter_type_version;
    let kind = letters::letter_version(state, visit, &status.letter_type, version).await?;
    Ok(Returned { status, kind })
}

/// `/permohonan/{code}/perbaiki`: the form of a returned application, once more.
pub(crate) async fn correct_form(
    State(state): State<WebState>,
    Path(code): Path<String>,
    visit: Visit,
) -> Answer {
    let returned = returned(&state, &visit, &code).await?;
    Ok(correct_page(&state, &visit, returned, fresh(), Shown::default(), StatusCode::OK).await)
}

/// An empty form with a key of its own.
fn fresh() -> Sent {
    let mut sent = Sent::default();
    sent.set("kunci", Uuid::new_v4());
    sent
}

/// What the correction form says besides its fields.
#[derive(Default)]
struct Shown {
    faults: Faults,
    prefilled: bool,
    prefill_error: String,
}

/// The same, filled in with all that was told and uploaded, for whoever knows the population number.
pub(crate) async fn correct_prefill(
    State(state): State<WebState>,
    Path(code): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let asked = Sent::plain(&body);
    let returned = returned(&state, &visit, &code).await?;
    let mut sent = fresh();
    let request = PrefillApplicationRequest {
        code,
        nik: fields::digits(asked.get("nik")),
        letter_type: returned.status.letter_type.clone(),
    };
    let (shown, http) = match state.documents.clone().prefill_application(visit.call(request, None)).await {
        Ok(answer) => {
            let told = answer.into_inner();
            fields::put_subject(&mut sent, &told.subject.unwrap_or_default());
            fields::put_values(&mut sent, &returned.kind, told.values.as_ref());
            fields::keep(&mut sent, &told.attachments);
            (Shown { prefilled: true, ..Shown::default() }, StatusCode::OK)
        }
        Err(refusal) if is_unknown(&refusal) => {
            let prefill_error = visit.words()["apply.prefill_unknown"].clone();
            (Shown { prefill_error, ..Shown::default() }, StatusCode::FORBIDDEN)
        }
        Err(refusal) => {
            let prefill_error = visit.sentence(&refusal);
            (Shown { prefill_error, ..Shown::default() }, problem::http_status(refusal.code()))
        }
    };
    Ok(correct_page(&state, &visit, returned, sent, shown, http).await)
}

/// The corrected form, sent.
pub(crate) async fn correct(
    State(state): State<WebState>,
    Path(code): Path<String>,
    visit: Visit,
    request: Request,
) -> Answer {
    let found = returned(&state, &visit, &code).await?;
    let Received { mut sent, request_id, attachments, faults, again } =
        fields::receive(&state, &visit, &found.kind, request).await;
    if let Some(http) = again {
        let shown = Shown { faults, ..Shown::default() };
        return Ok(correct_page(&state, &visit, found, sent, shown, http).await);
    }
    let values = Some(fields::values(&found.kind, &sent));
    // Left empty as a whole, it stays as it was told: whoever does not know the number sees nothing of it here.
    let subject = fields::says_who(&sent).then(|| fields::subject(&sent));
    let request = ResubmitApplicationRequest { request_id, code: code.clone(), values, attachments, subject };
    match state.documents.clone().resubmit_application(visit.call(request, None)).await {
        Ok(_) => Ok(visit.redirect(&format!("/permohonan/{}", segment(&code)))),
        Err(refusal) => {
            fields::renew_key(&mut sent, &refusal);
            // It may have been sent from elsewhere meanwhile.
            let found = returned(&state, &visit, &code).await?;
            let faults = Faults::read(&refusal, &found.kind, &visit);
            let http = problem::http_status(refusal.code());
            Ok(correct_page(&state, &visit, found, sent, Shown { faults, ..Shown::default() }, http).await)
        }
    }
}

async fn correct_page(
    state: &WebState,
    visit: &Visit,
    Returned { status, kind }: Returned,
    sent: Sent,
    shown: Shown,
    http: StatusCode,
) -> Response {
    let offices = letters::offices(state, visit).await.unwrap_or_default();
    let faults = shown.faults;
    let told = fields::says_who(&sent);
    let mut person = fields::person(&kind, &sent, &faults, visit);
    for input in &mut person {
        input.required &= told;
    }
    let inputs = fields::inputs(&kind, &sent, &faults, visit);
    let papers = fields::papers(&kind, &sent, &faults, visit);
    let mut order: Vec<(String, String, String)> = person.iter().flat_map(Input::places).collect();
    order.extend(inputs.iter().flat_map(Input::places));
    order.extend(papers.iter().map(|paper| (paper.name.clone(), paper.id.clone(), paper.label.clone())));
    let page = CorrectPage {
        p: visit.frame(),
        nav: "lacak",
        path: format!("/permohonan/{}", segment(&status.code)),
        title: status.title,
        return_reason: status.return_reason,
        request_id: sent.get("kunci").to_owned(),
        summary: faults.summary(order),
        person,
        inputs,
        papers,
        file_limit: state.file_limit,
        regions: fields::regions(&kind, &offices),
        prefilled: shown.prefilled,
        prefill_error: shown.prefill_error,
    };
    visit.page(http, &page)
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

#[cfg(test)]
mod tests {
    use mpp_kit::fault::Language;

    use super::*;

    #[test]
    fn every_state_has_its_words() {
        for language in [Language::Id, Language::En] {
            let t = Words::of(language);
            for state in [
                ApplicationState::Draft,
                ApplicationState::InReview,
                ApplicationState::Returned,
                ApplicationState::AwaitingPayment,
                ApplicationState::AwaitingSignature,
                ApplicationState::Signing,
                ApplicationState::AwaitingScan,
                ApplicationState::Issued,
                ApplicationState::HandedOver,
                ApplicationState::Rejected,
                ApplicationState::Withdrawn,
            ] {
                let (word, ..) = state_word(state);
                assert!(
                    !t[&format!("state.{word}")].is_empty() && !t[&format!("state.{word}_detail")].is_empty()
                );
            }
            for what in [
                "SUBMIT",
                "APPROVE",
                "RETURN",
                "REJECT",
                "WITHDRAW",
                "SIGN",
                "ISSUE",
                "HAND_ON",
                "ACKNOWLEDGE",
                "PAUSE_CLOCK",
                "ASK_PAYMENT",
                "SIGN_BY_HAND",
                "UPLOAD_SCAN",
                "CONFIRM_SCAN",
                "DISCARD_SHEET",
                "RECORD_PAYMENT",
                "WAIVE_PAYMENT",
            ] {
                assert_ne!(happened(what, t), what);
            }
        }
    }
}

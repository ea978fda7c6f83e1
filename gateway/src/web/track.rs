//! Lacak: a report as its reporter follows it. Number and PIN are the only key; both are sent by POST and stand in no
//! address. A wrong PIN and a number that was never given look alike.

use askama::Template;
use axum::{
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::complaints::v1::{
    AnswerComplaintRequest, CaseMessage, CaseState, CaseVerb, Contact, GetPublicComplaintRequest,
    PublicComplaint, Secrecy, WithdrawComplaintRequest,
};
use tonic::Status;
use uuid::Uuid;

use super::{
    WebState,
    complaints::{self, Ground},
    fields::{self, Choice, Faults, Paper},
    form::Sent,
    moment::{self, Zone},
    visit::{Frame, Visit},
    words::Words,
};
use crate::problem;

/// Places for files in an answer.
const FILES: [&str; 2] = ["berkas1", "berkas2"];

#[derive(Template)]
#[template(path = "lacak_masuk.html")]
struct EnterPage {
    p: Frame,
    nav: &'static str,
    number: String,
    error: String,
}

/// `/lacak`: where number and PIN are typed in.
pub(crate) async fn enter(visit: Visit) -> Response {
    enter_page(&visit, String::new(), String::new(), StatusCode::OK)
}

fn enter_page(visit: &Visit, number: String, error: String, http: StatusCode) -> Response {
    visit.page(http, &EnterPage { p: visit.frame(), nav: "lacak", number, error })
}

/// Number and PIN as a form sent them.
#[derive(Clone)]
struct Key {
    number: String,
    pin: String,
}

impl Key {
    fn of(sent: &Sent) -> Self {
        let plain = |name: &str| -> String { sent.get(name).split_whitespace().collect() };
        Self { number: plain("nomor").to_uppercase(), pin: plain("pin").to_uppercase() }
    }
}

/// Number and PIN, typed in: the page of the report, which has no address of its own.
pub(crate) async fn find(State(state): State<WebState>, visit: Visit, body: Bytes) -> Response {
    let key = Key::of(&Sent::plain(&body));
    if key.number.is_empty() || key.pin.is_empty() {
        let error = visit.words()["track.missing"].clone();
        return enter_page(&visit, key.number, error, StatusCode::BAD_REQUEST);
    }
    match known(&state, &visit, &key).await {
        Ok(complaint) => status_page(&state, &visit, &key, complaint, Shown::default(), StatusCode::OK).await,
        Err(status) => refused(&visit, &key, &status),
    }
}

async fn known(state: &WebState, visit: &Visit, key: &Key) -> Result<PublicComplaint, Status> {
    let request = GetPublicComplaintRequest { number: key.number.clone(), pin: key.pin.clone() };
    let answer = state.complaints.clone().get_public_complaint(visit.call(request, None)).await?;
    answer.into_inner().complaint.ok_or_else(|| Status::unavailable("no case in the answer"))
}

/// What is shown instead of a report. Nothing of it depends on whether the number exists.
fn refused(visit: &Visit, key: &Key, status: &Status) -> Response {
    if complaints::is_unknown(status) {
        let error = visit.words()["track.unknown"].clone();
        return enter_page(visit, key.number.clone(), error, StatusCode::NOT_FOUND);
    }
    if fields::is_unclear(status) {
        return visit.refused(status);
    }
    // Such as after too many tries from one address.
    enter_page(visit, key.number.clone(), visit.sentence(status), problem::http_status(status.code()))
}

/// To the form, from an address that only takes forms.
pub(crate) async fn back(visit: Visit) -> Response {
    visit.redirect("/lacak")
}

/// What the page says besides the report.
#[derive(Default)]
struct Shown {
    /// What was done; empty for nothing.
    done: String,
    /// What is wrong with the form of this name.
    form: &'static str,
    error: String,
    sent: Sent,
}

#[derive(Template)]
#[template(path = "lacak_aduan.html")]
struct StatusPage {
    p: Frame,
    nav: &'static str,
    number: String,
    pin: String,
    class: String,
    category: String,
    headline: String,
    detail: String,
    tone: &'static str,
    icon: &'static str,
    received: String,
    holder: String,
    settle: String,
    settle_machine: String,
    reaction: String,
    reaction_machine: String,
    late: bool,
    open: bool,
    until: String,
    /// Why it was archived or forwarded, in words.
    reason: String,
    forwarded_to: String,
    advice: String,
    revealed: Vec<String>,
    steps: Vec<StageLine>,
    messages: Vec<Said>,
    may_confirm: bool,
    may_withdraw: bool,
    asked: bool,
    rating: i32,
    secrecy: String,
    secrecies: Vec<Choice>,
    papers: Vec<Paper>,
    file_limit: usize,
    keys: Vec<String>,
    done: String,
    form: &'static str,
    error: String,
    text: String,
    phone: String,
    email: String,
}

/// A stage on the way of a report.
pub(crate) struct StageLine {
    pub(crate) name: String,
    /// `done`, `active` or `pending`.
    pub(crate) state: &'static str,
}

/// Something that was said.
pub(crate) struct Said {
    pub(crate) who: String,
    /// `own` for the reporter, `office` for everybody else.
    pub(crate) side: &'static str,
    pub(crate) kind: String,
    pub(crate) time: String,
    pub(crate) machine: String,
    pub(crate) text: String,
    pub(crate) files: Vec<String>,
}

/// The stages with how far a report is. What ended another way has no stages left.
pub(crate) fn stages(state: CaseState, t: &Words) -> Vec<StageLine> {
    let at = match state {
        CaseState::Unspecified | CaseState::New => 0,
        CaseState::Verified => 1,
        CaseState::Disposed => 2,
        CaseState::InProgress | CaseState::AwaitingCompletion | CaseState::Reopened => 3,
        CaseState::AwaitingConfirmation => 4,
        CaseState::Settled => 6,
        CaseState::Merged
        | CaseState::ForwardedOutside
        | CaseState::Archived
        | CaseState::DeemedWithdrawn
        | CaseState::Withdrawn => return Vec::new(),
    };
    ["received", "verified", "disposed", "worked", "answered", "settled"]
        .iter()
        .enumerate()
        .map(|(place, word)| StageLine {
            name: t[&format!("stage.{word}")].clone(),
            state: match place {
                place if place < at => "done",
                place if place == at => "active",
                _ => "pending",
            },
        })
        .collect()
}

/// What was said to and by a reporter. Never who wrote it for an office.
fn said(message: &CaseMessage, holder: &str, zone: Zone, visit: &Visit) -> Said {
    let t = visit.words();
    let own = message.by == "REPORTER";
    Said {
        who: match message.by.as_str() {
            "REPORTER" => t["track.you"].clone(),
            "AGENCY" if !holder.is_empty() => holder.to_owned(),
            by => complaints::keyed("by", by, t),
        },
        side: if own { "own" } else { "office" },
        kind: complaints::keyed("said", &message.kind, t),
        time: moment::moment(message.at, zone, visit.language),
        machine: moment::machine(message.at),
        text: message.text.clone(),
        files: message.files.iter().map(|file| complaints::file_words(file, visit)).collect(),
    }
}

async fn status_page(
    state: &WebState,
    visit: &Visit,
    key: &Key,
    one: PublicComplaint,
    shown: Shown,
    http: StatusCode,
) -> Response {
    let ground = Ground::of(state, visit).await;
    let agencies = complaints::agencies(state, visit).await.unwrap_or_default();
    let zone = ground.zone;
    let t = visit.words();
    let (word, tone, icon) = complaints::state_word(one.state());
    let may = |verb: CaseVerb| one.allowed().any(|allowed| allowed == verb);
    let secrecy = complaints::secrecy_name(one.secrecy());
    let sent = &shown.sent;
    let open = !matches!(
        one.state(),
        CaseState::Settled
            | CaseState::Merged
            | CaseState::ForwardedOutside
            | CaseState::Archived
            | CaseState::DeemedWithdrawn
            | CaseState::Withdrawn
    );
    let page = StatusPage {
        p: visit.frame(),
        nav: "lacak",
        number: key.number.clone(),
        pin: key.pin.clone(),
        class: complaints::class_words(one.complaint_class(), t),
        headline: t[&format!("case.{word}")].clone(),
        detail: t[&format!("case.{word}_detail")].clone(),
        tone,
        icon,
        received: moment::moment(one.received_at, zone, visit.language),
        settle: moment::day(one.settle_due_at, zone, visit.language),
        settle_machine: moment::machine(one.settle_due_at),
        reaction: moment::moment(one.reaction_due_at, zone, visit.language),
        reaction_machine: moment::machine(one.reaction_due_at),
        late: one.late,
        open,
        until: moment::moment(one.reporter_until, zone, visit.language),
        revealed: one
            .revealed_at
            .iter()
            .map(|at| t.say("track.revealed", &[("time", &moment::moment(Some(*at), zone, visit.language))]))
            .collect(),
        steps: stages(one.state(), t),
        messages: one
            .messages
            .iter()
            .map(|message| {
                let office = agencies.iter().find(|agency| agency.id == message.agency_id);
                said(message, office.map_or(one.holder.as_str(), |agency| &agency.name), zone, visit)
            })
            .collect(),
        may_confirm: may(CaseVerb::Confirm) || may(CaseVerb::Reopen),
        may_withdraw: may(CaseVerb::Withdraw),
        asked: may(CaseVerb::Complete),
        rating: one.rating,
        secrecy: complaints::secrecy_words(one.secrecy(), t),
        secrecies: complaints::explained(&complaints::SECRECIES, "secrecy", secrecy, t),
        papers: complaints::papers(&FILES, &t["report.photo"], sent, &Faults::default(), visit),
        file_limit: state.file_limit,
        // Each form of the page is a press of its own.
        keys: (0..5).map(|_| Uuid::new_v4().to_string()).collect(),
        done: shown.done,
        form: shown.form,
        error: shown.error,
        text: sent.get("pesan").to_owned(),
        phone: sent.get("telepon").to_owned(),
        email: sent.get("surel").to_owned(),
        category: one.category_name,
        holder: one.holder,
        reason: match one.closing_reason.as_str() {
            "" => String::new(),
            reason => complaints::keyed("why", reason, t),
        },
        forwarded_to: one.forwarded_to,
        advice: one.advice,
    };
    visit.page(http, &page)
}

/// What the reporter says: whether it is done, more about it, another secrecy or another way to be reached.
pub(crate) async fn answer(State(state): State<WebState>, visit: Visit, request: Request) -> Response {
    let mut sent = Sent::with_files(request, state.form_limit, state.file_limit).await;
    let key = Key::of(&sent);
    let request_id = fields::form_key(&sent);
    let t = visit.words();
    let form = match sent.get("bagian") {
        "selesai" => "selesai",
        "rahasia" => "rahasia",
        "kontak" => "kontak",
        _ => "tambah",
    };
    // Before anything is stored: whoever does not know the PIN stores no files here.
    let complaint = match known(&state, &visit, &key).await {
        Ok(complaint) => complaint,
        Err(status) => return refused(&visit, &key, &status),
    };
    let mut faults = Faults::default();
    let file_ids =
        complaints::upload(&state, &visit, None, &FILES, &mut sent, &request_id, &mut faults).await;
    let done = match sent.get("sudah") {
        "ya" => Some(true),
        "belum" => Some(false),
        _ => None,
    };
    let contact = Contact {
        name: String::new(),
        phone: sent.get("telepon").to_owned(),
        email: sent.get("surel").to_owned(),
    };
    let secrecy = if form == "rahasia" {
        complaints::secrecy_of(sent.get("kerahasiaan"))
    } else {
        Secrecy::Unspecified
    };
    let says_nothing = match form {
        "selesai" => done.is_none(),
        "rahasia" => secrecy == Secrecy::Unspecified,
        "kontak" => contact == Contact::default(),
        _ => sent.get("pesan").is_empty() && file_ids.is_empty(),
    };
    if says_nothing && faults.is_empty() {
        faults.note("", t[&format!("track.nothing.{form}")].clone());
    }
    if !faults.is_empty() {
        let error = faults.summary::<&str>([]).into_iter().map(|(_, _, told)| told).collect::<Vec<_>>();
        let shown = Shown { form, error: error.join(" "), sent, ..Shown::default() };
        return status_page(&state, &visit, &key, complaint, shown, StatusCode::BAD_REQUEST).await;
    }
    let request = AnswerComplaintRequest {
        request_id,
        number: key.number.clone(),
        pin: key.pin.clone(),
        text: sent.get("pesan").to_owned(),
        file_ids,
        done: done.filter(|_| form == "selesai"),
        rating: match done {
            Some(true) if form == "selesai" => sent.get("nilai").parse().unwrap_or_default(),
            Some(_) | None => 0,
        },
        secrecy: secrecy.into(),
        contact: (form == "kontak" && contact != Contact::default()).then_some(contact),
        language: String::new(),
    };
    match state.complaints.clone().answer_complaint(visit.call(request, None)).await {
        Ok(answer) => match answer.into_inner().complaint {
            Some(complaint) => {
                let words = match (form, done) {
                    ("selesai", Some(true)) => "track.done.yes",
                    ("selesai", _) => "track.done.no",
                    ("rahasia", _) => "track.done.secrecy",
                    ("kontak", _) => "track.done.contact",
                    (_, _) => "track.done.added",
                };
                let shown = Shown { done: t[words].clone(), ..Shown::default() };
                status_page(&state, &visit, &key, complaint, shown, StatusCode::OK).await
            }
            None => visit.broken(),
        },
        Err(status) => again(&state, &visit, &key, complaint, form, sent, &status).await,
    }
}

/// The page once more, with what a form was refused for.
async fn again(
    state: &WebState,
    visit: &Visit,
    key: &Key,
    complaint: PublicComplaint,
    form: &'static str,
    sent: Sent,
    status: &Status,
) -> Response {
    let shown = Shown { form, error: fields::first_told(status, visit), sent, ..Shown::default() };
    status_page(state, visit, key, complaint, shown, problem::http_status(status.code())).await
}

/// Withdraws a report.
pub(crate) async fn withdraw(State(state): State<WebState>, visit: Visit, body: Bytes) -> Response {
    let sent = Sent::plain(&body);
    let key = Key::of(&sent);
    let request = WithdrawComplaintRequest {
        request_id: fields::form_key(&sent),
        number: key.number.clone(),
        pin: key.pin.clone(),
        reason: sent.get("alasan").to_owned(),
    };
    match state.complaints.clone().withdraw_complaint(visit.call(request, None)).await {
        Ok(answer) => match answer.into_inner().complaint {
            Some(complaint) => {
                let shown = Shown { done: visit.words()["track.done.withdrawn"].clone(), ..Shown::default() };
                status_page(&state, &visit, &key, complaint, shown, StatusCode::OK).await
            }
            None => visit.broken(),
        },
        Err(status) if complaints::is_unknown(&status) => refused(&visit, &key, &status),
        Err(status) => match known(&state, &visit, &key).await {
            Ok(complaint) => again(&state, &visit, &key, complaint, "cabut", sent, &status).await,
            Err(status) => refused(&visit, &key, &status),
        },
    }
}

#[cfg(test)]
mod tests {
    use mpp_kit::fault::Language;

    use super::*;

    #[test]
    fn number_and_pin_are_read_however_they_are_typed() {
        let key = Key::of(&Sent::plain(b"nomor=+adu-2026-000123-7+&pin=12+34+ab"));
        assert_eq!((key.number.as_str(), key.pin.as_str()), ("ADU-2026-000123-7", "1234AB"));
    }

    #[test]
    fn stages_say_how_far_a_report_is_and_none_are_left_of_one_that_ended_another_way() {
        let t = Words::of(Language::Id);
        let states = |state| stages(state, t).iter().map(|one| one.state).collect::<Vec<_>>();
        assert_eq!(states(CaseState::Disposed), ["done", "done", "active", "pending", "pending", "pending"]);
        assert_eq!(states(CaseState::Settled), ["done"; 6]);
        assert!(states(CaseState::Archived).is_empty());
    }
}

//! Whether a document is what it claims to be: by the code in its QR, and by its file. Anybody may ask; nobody learns a
//! whole name from it.

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::documents::v1::{
    DocumentState, FileVerdict, GetVerificationRequest, PublicDocument, Registration, SignatureFinding,
    SignatureMethod, VerifyFileRequest,
};
use tonic::Code;

use super::{
    WebState,
    form::Sent,
    letters::{self, segment},
    moment::{self, Zone},
    visit::{Answer, Frame, Visit},
    words,
};
use crate::problem;

/// A document as anybody may see it.
struct Shown {
    state: &'static str,
    tone: &'static str,
    icon: &'static str,
    headline: String,
    detail: String,
    sample: bool,
    title: String,
    number: String,
    /// The numbers that other offices gave it, each with what it is called.
    registrations: Vec<(String, String)>,
    office: String,
    signers: Vec<String>,
    holder: String,
    issued: String,
    valid_until: String,
    ended: String,
    /// That it is no electronic signature, and who brought its scan when; empty for what is signed electronically.
    by_hand: String,
}

/// The state of a document: a key of words, a tone and an icon.
pub(crate) fn state_word(state: DocumentState) -> (&'static str, &'static str, &'static str) {
    match state {
        DocumentState::Valid => ("valid", "good", "check"),
        DocumentState::Expired => ("expired", "warn", "clock"),
        // What is not said is not vouched for.
        DocumentState::Unspecified | DocumentState::Revoked => ("revoked", "bad", "cross"),
        DocumentState::Replaced => ("replaced", "warn", "transfer"),
    }
}

async fn shown(document: PublicDocument, state: &WebState, visit: &Visit) -> Shown {
    let t = visit.words();
    let offices = letters::offices(state, visit).await.unwrap_or_default();
    let office = offices.iter().find(|one| one.name == document.office);
    let zone = Zone::of(office.map(|office| office.time_zone.as_str()).unwrap_or_default());
    let (word, tone, icon) = state_word(document.state());
    let by_hand = document.signature() == SignatureMethod::ByHand;
    Shown {
        by_hand: if by_hand {
            let time = moment::moment(document.scan_upload_time, zone, visit.language);
            t.say("hand.public", &[("who", &document.scan_uploaded_by), ("time", &time)])
        } else {
            String::new()
        },
        state: word,
        tone,
        icon,
        headline: t[&format!("verify.state.{word}")].clone(),
        detail: match (by_hand, word) {
            // What nothing proves is not called genuine.
            (true, "valid") => t["hand.valid_detail"].clone(),
            (true, "expired") => t["hand.expired_detail"].clone(),
            (_, word) => t[&format!("verify.state.{word}_detail")].clone(),
        },
        sample: document.sample,
        issued: match document.date.as_str() {
            "" => moment::day(document.issue_time, zone, visit.language),
            date => words::date(date, visit.language),
        },
        valid_until: words::date(&document.valid_until, visit.language),
        ended: moment::day(document.end_time, zone, visit.language),
        title: document.title,
        number: document.number,
        registrations: registrations(&document.registrations, visit),
        office: document.office,
        signers: document.signers,
        holder: document.holder_masked,
    }
}

/// The numbers that other offices gave a document, each with what it is called.
pub(crate) fn registrations(found: &[Registration], visit: &Visit) -> Vec<(String, String)> {
    let t = visit.words();
    let told =
        |it: &Registration| (t.say("verify.registration", &[("office", &it.office)]), it.number.clone());
    found.iter().map(told).collect()
}

#[derive(Template)]
#[template(path = "verifikasi.html")]
struct CodePage {
    p: Frame,
    nav: &'static str,
    document: Shown,
}

/// `/s/{code}`: what the QR of a document leads to.
pub(crate) async fn code(State(state): State<WebState>, Path(code): Path<String>, visit: Visit) -> Answer {
    let request = visit.call(GetVerificationRequest { verification_code: code }, None);
    match state.documents.clone().get_verification(request).await {
        Ok(answer) => match answer.into_inner().document {
            Some(document) => {
                let document = shown(document, &state, &visit).await;
                Ok(visit.page(StatusCode::OK, &CodePage { p: visit.frame(), nav: "periksa", document }))
            }
            None => {
                Ok(check_page(&state, &visit, StatusCode::NOT_FOUND, Told::code(&visit, "check.unknown")))
            }
        },
        // Unknown and malformed codes alike: nobody learns which codes could exist.
        Err(status)
            if matches!(status.code(), Code::NotFound | Code::InvalidArgument | Code::PermissionDenied) =>
        {
            Ok(check_page(&state, &visit, StatusCode::NOT_FOUND, Told::code(&visit, "check.unknown")))
        }
        Err(status) => Err(visit.refused(&status)),
    }
}

#[derive(Template)]
#[template(path = "periksa.html")]
struct CheckPage {
    p: Frame,
    nav: &'static str,
    code_error: String,
    file_error: String,
    file_limit: usize,
}

/// What is wrong with one of the two forms.
#[derive(Default)]
struct Told {
    code: String,
    file: String,
}

impl Told {
    fn code(visit: &Visit, key: &str) -> Self {
        Self { code: visit.words()[key].clone(), ..Self::default() }
    }

    fn file(sentence: String) -> Self {
        Self { file: sentence, ..Self::default() }
    }
}

fn check_page(state: &WebState, visit: &Visit, http: StatusCode, told: Told) -> Response {
    let page = CheckPage {
        p: visit.frame(),
        nav: "periksa",
        code_error: told.code,
        file_error: told.file,
        file_limit: state.file_limit,
    };
    visit.page(http, &page)
}

/// `/periksa`: a code or a file.
pub(crate) async fn check(State(state): State<WebState>, visit: Visit) -> Response {
    check_page(&state, &visit, StatusCode::OK, Told::default())
}

/// The code, typed in: to its page.
pub(crate) async fn find(State(state): State<WebState>, visit: Visit, body: Bytes) -> Response {
    let sent = Sent::plain(&body);
    let code: String = sent.get("kode").split_whitespace().collect();
    if code.is_empty() {
        return check_page(&state, &visit, StatusCode::BAD_REQUEST, Told::code(&visit, "check.no_code"));
    }
    // Somebody may paste the whole address from the QR.
    let code = code.rsplit('/').next().unwrap_or_default().to_uppercase();
    visit.redirect(&format!("/s/{}", segment(&code)))
}

#[derive(Template)]
#[template(path = "hasil.html")]
struct FilePage {
    p: Frame,
    nav: &'static str,
    verdict: &'static str,
    tone: &'static str,
    icon: &'static str,
    headline: String,
    detail: String,
    document: Option<Shown>,
    signatures: Vec<SignatureLine>,
}

struct SignatureLine {
    signer: String,
    time: String,
    facts: Vec<(bool, String)>,
}

/// A file, looked at.
pub(crate) async fn file(State(state): State<WebState>, visit: Visit, request: Request) -> Response {
    let t = visit.words();
    let sent = Sent::with_files(request, state.form_limit, state.file_limit).await;
    let refuse = |key: &str| {
        let limit = state.file_limit >> 20;
        check_page(&state, &visit, StatusCode::BAD_REQUEST, Told::file(t.say(key, &[("n", &limit)])))
    };
    let content = match sent.file("berkas") {
        Some(file) if file.too_large => return refuse("apply.file_too_large"),
        Some(file) => file.content.clone(),
        None if sent.cut => return refuse("apply.file_too_large"),
        None => return refuse("check.no_file"),
    };
    let request = visit.call(VerifyFileRequest { content }, None);
    let answer = match state.documents.clone().verify_file(request).await {
        Ok(answer) => answer.into_inner(),
        Err(status) if status.code() == Code::InvalidArgument => return refuse("check.no_pdf"),
        Err(status) => {
            let http = problem::http_status(status.code());
            return check_page(&state, &visit, http, Told::file(visit.sentence(&status)));
        }
    };
    let (verdict, tone, icon) = verdict_word(answer.verdict());
    let document = match answer.document {
        Some(document) => Some(shown(document, &state, &visit).await),
        None => None,
    };
    let page = FilePage {
        p: visit.frame(),
        nav: "periksa",
        verdict,
        tone,
        icon,
        headline: t[&format!("verdict.{verdict}")].clone(),
        detail: t[&format!("verdict.{verdict}_detail")].clone(),
        document,
        signatures: answer.signatures.iter().map(|finding| signature_line(finding, &visit)).collect(),
    };
    visit.page(StatusCode::OK, &page)
}

fn verdict_word(verdict: FileVerdict) -> (&'static str, &'static str, &'static str) {
    match verdict {
        FileVerdict::Valid => ("valid", "good", "check"),
        FileVerdict::Extended => ("extended", "warn", "alert"),
        FileVerdict::Altered => ("altered", "bad", "cross"),
        // It is what is on record, and proves nothing by itself.
        FileVerdict::ScanOnRecord => ("scan_on_record", "warn", "letter"),
        FileVerdict::Unspecified | FileVerdict::NotOurs => ("not_ours", "bad", "cross"),
    }
}

fn signature_line(finding: &SignatureFinding, visit: &Visit) -> SignatureLine {
    let t = visit.words();
    let fact = |holds: bool, yes: &str, no: &str| (holds, t[if holds { yes } else { no }].clone());
    SignatureLine {
        signer: finding.signer.clone(),
        time: moment::moment(finding.time, Zone::Wib, visit.language),
        facts: vec![
            fact(finding.intact, "check.intact", "check.not_intact"),
            fact(finding.whole_file, "check.whole", "check.not_whole"),
            fact(finding.trusted, "check.trusted", "check.not_trusted"),
            fact(finding.timestamped, "check.timestamped", "check.not_timestamped"),
        ],
    }
}

/// To the page with the two forms, from an address that only takes one.
pub(crate) async fn back(visit: Visit) -> Response {
    visit.redirect("/periksa")
}

#[cfg(test)]
mod tests {
    use mpp_kit::fault::Language;

    use super::*;
    use crate::web::words::Words;

    #[test]
    fn every_state_and_verdict_has_its_words_and_only_the_good_ones_are_green() {
        for language in [Language::Id, Language::En] {
            let t = Words::of(language);
            for state in [
                DocumentState::Valid,
                DocumentState::Expired,
                DocumentState::Revoked,
                DocumentState::Replaced,
            ] {
                let (word, tone, _) = state_word(state);
                assert_eq!(tone == "good", state == DocumentState::Valid);
                assert!(!t[&format!("verify.state.{word}_detail")].is_empty());
            }
            for verdict in [
                FileVerdict::Valid,
                FileVerdict::Extended,
                FileVerdict::Altered,
                FileVerdict::NotOurs,
                FileVerdict::ScanOnRecord,
            ] {
                let (word, tone, _) = verdict_word(verdict);
                assert_eq!(tone == "good", verdict == FileVerdict::Valid);
                assert!(!t[&format!("verdict.{word}_detail")].is_empty());
            }
        }
        assert_eq!(state_word(DocumentState::Unspecified).1, "bad");
    }
}

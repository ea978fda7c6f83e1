//! What was issued, for officials: found by number or code, shown with its file, revoked, corrected or renewed. The forms work
//! without a script, like those of citizens; what the service would refuse is not offered.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::documents::v1::{
    Application, CorrectDocumentRequest, Document, DocumentState, DownloadDocumentRequest,
    GetApplicationRequest, GetDocumentRequest, LetterType, ListDocumentsRequest, Office,
    RenewDocumentRequest, RevokeDocumentRequest, SignatureMethod, Subject,
};
use tonic::Code;
use uuid::Uuid;

use super::{
    WebState,
    fields::{self, Faults, Input},
    form::Sent,
    letters::{self, segment},
    moment::{self, Zone},
    pages, verify,
    visit::{Answer, Frame, Menu, Viewer, Visit},
    words,
};
use crate::problem;

/// Lines of the list on one page.
const LINES: i32 = 50;
/// The permission of everybody who reads what was issued.
const READ: &str = "documents.read";

#[derive(Template)]
#[template(path = "arsip.html")]
struct ListPage {
    p: Frame,
    menu: Menu,
    find: String,
    rows: Vec<Row>,
    next: String,
    first: bool,
}

/// One document of the list.
struct Row {
    id: String,
    title: String,
    number: String,
    office: String,
    issued: String,
    state: String,
    tone: &'static str,
    /// Whether it was signed by hand, which is no electronic signature.
    by_hand: bool,
}

fn office_of<'o>(offices: &'o [Office], id: &str) -> Option<&'o Office> {
    offices.iter().find(|office| office.id == id)
}

/// The date that stands in a document, else the day it was issued.
fn dated(document: &Document, offices: &[Office], visit: &Visit) -> String {
    let office = office_of(offices, &document.office_id);
    match document.date.as_str() {
        "" => {
            let zone = Zone::of(office.map(|office| office.time_zone.as_str()).unwrap_or_default());
            moment::day(document.issue_time, zone, visit.language)
        }
        date => words::date(date, visit.language),
    }
}

/// `/meja/dokumen`: what was issued, the latest change first. `?cari=` is a number or the code of a QR.
pub(crate) async fn list(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let find = visit.parameter("cari").unwrap_or_default().trim().to_owned();
    let page_token = visit.parameter("halaman").unwrap_or_default().to_owned();
    let first = page_token.is_empty();
    let request = ListDocumentsRequest {
        letter_type: String::new(),
        page_size: LINES,
        page_token,
        newest_first: true,
        // Somebody may paste the whole address from the QR.
        find: find.rsplit("/s/").next().unwrap_or_default().to_owned(),
    };
    let mut documents = state.documents.clone();
    let (found, offices) = tokio::join!(
        documents.list_documents(visit.call(request, Some(&viewer))),
        letters::offices(&state, &visit)
    );
    let found = found.map_err(|status| visit.refused(&status))?.into_inner();
    let offices = offices.unwrap_or_default();
    let row = |document: Document| {
        let (state, tone) = state_words(document.state(), &visit);
        Row {
            office: office_of(&offices, &document.office_id).map(|one| one.name.clone()).unwrap_or_default(),
            issued: dated(&document, &offices, &visit),
            by_hand: document.signature() == SignatureMethod::ByHand,
            id: document.id,
            title: document.title,
            number: document.number,
            state,
            tone,
        }
    };
    let page = ListPage {
        p: visit.frame(),
        menu: Menu::of(&viewer),
        find,
        rows: found.documents.into_iter().map(row).collect(),
        next: found.next_page_token,
        first,
    };
    Ok(visit.page(StatusCode::OK, &page))
}

/// The state of a document in words, with its tone.
fn state_words(state: DocumentState, visit: &Visit) -> (String, &'static str) {
    let (word, tone, _) = verify::state_word(state);
    (visit.words()[&format!("verify.state.{word}")].clone(), tone)
}

#[derive(Template)]
#[template(path = "arsip_dokumen.html")]
struct OnePage {
    p: Frame,
    menu: Menu,
    id: String,
    version: u32,
    title: String,
    state: String,
    tone: &'static str,
    facts: Vec<(String, String)>,
    by_hand: bool,
    replaced_by: String,
    replaces: String,
    application: String,
    code: String,
    request_id: String,
    revoke: bool,
    correct: bool,
    renew: bool,
    error: String,
    reason: String,
}

/// What a page of a document says besides it.
#[derive(Default)]
struct Said {
    error: String,
    reason: String,
    request_id: Option<String>,
}

async fn find(state: &WebState, visit: &Visit, viewer: &Viewer, id: &str) -> Answer<Document> {
    let request = visit.call(GetDocumentRequest { document: id.to_owned() }, Some(viewer));
    match state.documents.clone().get_document(request).await {
        Ok(answer) => answer.into_inner().document.ok_or_else(|| visit.broken()),
        Err(status) => Err(visit.refused(&status)),
    }
}

/// `/meja/dokumen/{document}`: one document.
pub(crate) async fn one(State(state): State<WebState>, Path(id): Path<String>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    page(&state, &visit, viewer, &id, Said::default(), StatusCode::OK).await
}

async fn page(
    state: &WebState,
    visit: &Visit,
    viewer: Viewer,
    id: &str,
    said: Said,
    http: StatusCode,
) -> Answer {
    let (document, offices) = tokio::join!(find(state, visit, &viewer, id), letters::offices(state, visit));
    let document = document?;
    let offices = offices.unwrap_or_default();
    let t = visit.words();
    let (word, tone) = state_words(document.state(), visit);
    let office = office_of(&offices, &document.office_id);
    let until = match document.valid_until.as_str() {
        "" => t["verify.no_end"].clone(),
        date => words::date(date, visit.language),
    };
    let by_hand = document.signature() == SignatureMethod::ByHand;
    let facts = [
        ("verify.number", document.number.clone()),
        ("verify.office", office.map(|office| office.name.clone()).unwrap_or_default()),
        ("verify.issued", dated(&document, &offices, visit)),
        ("verify.until", until),
        (
            "docs.signatures",
            if by_hand { t["hand.not_electronic"].clone() } else { document.signatures.to_string() },
        ),
        ("docs.reason", document.revoke_reason.clone()),
    ];
    let may = |verb: &str| document.allowed_verbs.iter().any(|allowed| allowed == verb);
    let page = OnePage {
        p: visit.frame(),
        menu: Menu::of(&viewer),
        version: document.version,
        state: word,
        tone,
        facts: facts
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (t[key].clone(), text))
            .collect(),
        revoke: may("REVOKE"),
        // What is corrected is read first, with the permission of the desk.
        correct: may("CORRECT") && viewer.may("documents.work"),
        renew: may("RENEW"),
        application: if viewer.may("documents.work") { document.application_id } else { String::new() },
        code: document.verification_code,
        by_hand,
        replaced_by: document.replaced_by,
        replaces: document.replaces,
        title: document.title,
        id: document.id,
        request_id: said.request_id.unwrap_or_else(|| Uuid::new_v4().to_string()),
        error: said.error,
        reason: said.reason,
    };
    Ok(visit.page(http, &page))
}

/// `/meja/dokumen/{document}/berkas.pdf`: the signed file, or the scan of what was signed by hand. Each look is recorded.
pub(crate) async fn file(State(state): State<WebState>, Path(id): Path<String>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let request = visit.call(DownloadDocumentRequest { document: id, revision: 0 }, Some(&viewer));
    let answer = state.documents.clone().download_document(request).await;
    let file = answer.map_err(|status| visit.refused(&status))?.into_inner();
    // A service of before says nothing: it had nothing else.
    let media_type = if file.media_type.is_empty() { "application/pdf" } else { &file.media_type };
    Ok(visit.file(file.content, media_type, None))
}

/// Revokes it.
pub(crate) async fn revoke(
    State(state): State<WebState>,
    Path(id): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let sent = Sent::plain(&body);
    let request_id = fields::form_key(&sent);
    let reason = sent.get("alasan").to_owned();
    let request = RevokeDocumentRequest {
        request_id: request_id.clone(),
        document: id.clone(),
        version: sent.get("versi").parse().unwrap_or_default(),
        reason: reason.clone(),
    };
    match state.documents.clone().revoke_document(visit.call(request, Some(&viewer))).await {
        Ok(_) => Ok(visit.redirect(&format!("/meja/dokumen/{}", segment(&id)))),
        Err(status) => {
            let said = Said {
                error: fields::refusal(&status, &visit),
                reason,
                request_id: fields::is_unclear(&status).then_some(request_id),
            };
            page(&state, &visit, viewer, &id, said, problem::http_status(status.code())).await
        }
    }
}

/// Begins its renewal, and goes to the desk with it.
pub(crate) async fn renew(
    State(state): State<WebState>,
    Path(id): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let sent = Sent::plain(&body);
    let request_id = fields::form_key(&sent);
    let request = RenewDocumentRequest {
        request_id: request_id.clone(),
        document: id.clone(),
        version: sent.get("versi").parse().unwrap_or_default(),
    };
    match state.documents.clone().renew_document(visit.call(request, Some(&viewer))).await {
        Ok(answer) => Ok(to_desk(&visit, answer.into_inner().application.as_ref(), &id)),
        Err(status) => {
            let said = Said {
                error: fields::refusal(&status, &visit),
                reason: String::new(),
                request_id: fields::is_unclear(&status).then_some(request_id),
            };
            page(&state, &visit, viewer, &id, said, problem::http_status(status.code())).await
        }
    }
}

/// To the application that was begun.
fn to_desk(visit: &Visit, begun: Option<&Application>, document: &str) -> Response {
    match begun {
        Some(application) => visit.redirect(&format!("/meja/{}", segment(&application.id))),
        None => visit.redirect(&format!("/meja/dokumen/{}", segment(document))),
    }
}

#[derive(Template)]
#[template(path = "arsip_perbaiki.html")]
struct CorrectPage {
    p: Frame,
    menu: Menu,
    id: String,
    version: u32,
    title: String,
    number: String,
    request_id: String,
    summary: Vec<(String, String, String)>,
    person: Vec<Input>,
    inputs: Vec<Input>,
    regions: Vec<(String, String)>,
    reason: Input,
    file_limit: usize,
}

/// A document with what it was made of, and the version of the type that it was made by.
struct Known {
    document: Document,
    application: Application,
    kind: LetterType,
}

async fn known(state: &WebState, visit: &Visit, viewer: &Viewer, id: &str) -> Answer<Known> {
    let document = find(state, visit, viewer, id).await?;
    let request =
        visit.call(GetApplicationRequest { application: document.application_id.clone() }, Some(viewer));
    let application = state.documents.clone().get_application(request).await;
    let application = application.map_err(|status| visit.refused(&status))?.into_inner();
    let application = application.application.ok_or_else(|| visit.broken())?;
    let version = application.letter_type_version;
    let kind = letters::letter_version(state, visit, &document.letter_type, version).await?;
    Ok(Known { document, application, kind })
}

/// `/meja/dokumen/{document}/perbaiki`: what it says, to be corrected.
pub(crate) async fn correct_form(
    State(state): State<WebState>,
    Path(id): Path<String>,
    visit: Visit,
) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let known = known(&state, &visit, &viewer, &id).await?;
    let mut sent = Sent::default();
    sent.set("kunci", Uuid::new_v4());
    fields::put_subject(&mut sent, &known.application.subject.clone().unwrap_or_default());
    fields::put_values(&mut sent, &known.kind, known.application.values.as_ref());
    Ok(correct_page(&state, &visit, viewer, known, &sent, &Faults::default(), StatusCode::OK).await)
}

/// The correction, sent: a new application that replaces the document when it is signed.
pub(crate) async fn correct(
    State(state): State<WebState>,
    Path(id): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let found = known(&state, &visit, &viewer, &id).await?;
    let mut sent = Sent::plain(&body);
    let request_id = fields::settle_key(&mut sent);
    if fields::arrange(&found.kind, &mut sent) {
        return Ok(
            correct_page(&state, &visit, viewer, found, &sent, &Faults::default(), StatusCode::OK).await
        );
    }
    let was = found.application.subject.clone().unwrap_or_default();
    let request = CorrectDocumentRequest {
        request_id,
        document: id.clone(),
        version: sent.get("versi").parse().unwrap_or_default(),
        values: Some(fields::values(&found.kind, &sent)),
        reason: sent.get("alasan").to_owned(),
        subject: Some(Subject { area: was.area, non_resident: was.non_resident, ..fields::subject(&sent) }),
    };
    match state.documents.clone().correct_document(visit.call(request, Some(&viewer))).await {
        Ok(answer) => Ok(to_desk(&visit, answer.into_inner().application.as_ref(), &id)),
        Err(status) => {
            fields::renew_key(&mut sent, &status);
            // Somebody else ended or changed it: its page tells.
            if matches!(status.code(), Code::FailedPrecondition | Code::Aborted | Code::NotFound) {
                let said = Said { error: visit.sentence(&status), ..Said::default() };
                return page(&state, &visit, viewer, &id, said, problem::http_status(status.code())).await;
            }
            let faults = Faults::read(&status, &found.kind, &visit);
            let http = problem::http_status(status.code());
            Ok(correct_page(&state, &visit, viewer, found, &sent, &faults, http).await)
        }
    }
}

async fn correct_page(
    state: &WebState,
    visit: &Visit,
    viewer: Viewer,
    Known { document, kind, .. }: Known,
    sent: &Sent,
    faults: &Faults,
    http: StatusCode,
) -> Response {
    let offices = letters::offices(state, visit).await.unwrap_or_default();
    let person = fields::person(&kind, sent, faults, visit);
    let inputs = fields::inputs(&kind, sent, faults, visit);
    let reason = fields::line("alasan", "person.alasan", sent, faults, visit);
    let mut order: Vec<(String, String, String)> = person.iter().flat_map(Input::places).collect();
    order.extend(inputs.iter().flat_map(Input::places));
    order.extend(reason.places());
    let page = CorrectPage {
        p: visit.frame(),
        menu: Menu::of(&viewer),
        id: document.id,
        version: document.version,
        title: document.title,
        number: document.number,
        request_id: sent.get("kunci").to_owned(),
        summary: faults.summary(order),
        person,
        inputs,
        regions: fields::regions(&kind, &offices),
        reason,
        file_limit: state.file_limit,
    };
    visit.page(http, &page)
}

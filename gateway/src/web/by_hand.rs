//! The desk of a letter that is signed by hand, where its official has no electronic certificate yet: choose it, print the
//! sheet, bring its scan, look at it a second time. Forms that work without a script; what the service would refuse is not
//! offered, and every page says that this is no electronic signature.

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::documents::v1::{
    Application, ConfirmScanRequest, DiscardSheetRequest, GetApplicationRequest, HandSigning,
    SignByHandRequest, UploadScanRequest,
};
use tonic::Status;
use uuid::Uuid;

use super::{
    WebState, fields,
    form::Sent,
    letters::{self, segment},
    moment::{self, Zone},
    pages,
    people::Names,
    visit::{Answer, Frame, Menu, Viewer, Visit},
    work::Verbs,
};
use crate::problem;

/// The permission of everybody who works on applications.
const WORK: &str = "documents.work";

#[derive(Template)]
#[template(path = "basah.html")]
struct HandPage {
    p: Frame,
    menu: Menu,
    id: String,
    version: u32,
    content_hash: String,
    title: String,
    holder: String,
    office: String,
    verbs: Verbs,
    /// The sheet, once it was printed.
    sheet: Option<SheetShown>,
    document: String,
    file_limit: usize,
    /// What makes a press of a button safe to repeat.
    request_id: String,
    said: Said,
    saved: String,
    /// What a press came to whose form is not offered any more.
    lost: String,
}

/// What a press on the page came to, and what was typed.
#[derive(Default)]
struct Said {
    /// Which of the forms it was: `pilih`, `pindaian`, `sahkan` or `lepas`.
    form: &'static str,
    error: String,
    /// What was typed in that form.
    typed: String,
    request_id: Option<String>,
}

impl Said {
    /// What is wrong with this form; empty when nothing is.
    fn wrong(&self, form: &str) -> &str {
        if self.form == form { &self.error } else { "" }
    }

    /// What was typed in this form; else what stands there at first.
    fn typed<'s>(&'s self, form: &str, first: &'s str) -> &'s str {
        if self.form == form { &self.typed } else { first }
    }
}

/// The sheet as its page shows it.
struct SheetShown {
    file: String,
    facts: Vec<(String, String)>,
    confirmed: bool,
    scan: Option<ScanShown>,
}

struct ScanShown {
    file: String,
    sha256: String,
    /// Whether a browser shows it as a picture.
    image: bool,
    facts: Vec<(String, String)>,
}

fn sheet_shown(by_hand: &HandSigning, names: &Names, zone: Zone, visit: &Visit) -> SheetShown {
    let t = visit.words();
    let told = |facts: Vec<(&str, String)>| {
        let given = facts.into_iter().filter(|(_, text)| !text.is_empty());
        given.map(|(key, text)| (t[key].clone(), text)).collect::<Vec<_>>()
    };
    let scan = by_hand.scan.as_ref().map(|scan| ScanShown {
        file: scan.file_id.clone(),
        sha256: scan.sha256.clone(),
        image: scan.media_type.starts_with("image/"),
        facts: told(vec![
            ("hand.file", fields::file_words(&scan.media_type, scan.size, visit.language)),
            ("hand.uploaded_by", names.name(&by_hand.uploaded_by)),
            ("hand.uploaded", moment::moment(by_hand.upload_time, zone, visit.language)),
        ]),
    });
    SheetShown {
        file: by_hand.sheet.as_ref().map(|sheet| sheet.file_id.clone()).unwrap_or_default(),
        facts: told(vec![
            ("hand.reason", by_hand.reason.clone()),
            ("hand.chosen_by", names.name(&by_hand.chosen_by)),
            ("hand.printed", moment::moment(by_hand.print_time, zone, visit.language)),
        ]),
        confirmed: by_hand.confirmed,
        scan,
    }
}

/// `/meja/{application}/basah`: where its signing by hand stands.
pub(crate) async fn one(State(state): State<WebState>, Path(id): Path<String>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, WORK).await?;
    page(&state, &visit, viewer, id, Said::default(), StatusCode::OK).await
}

async fn find(state: &WebState, visit: &Visit, viewer: &Viewer, id: String) -> Answer<Application> {
    let request = visit.call(GetApplicationRequest { application: id }, Some(viewer));
    match state.documents.clone().get_application(request).await {
        Ok(answer) => answer.into_inner().application.ok_or_else(|| visit.broken()),
        Err(status) => Err(visit.refused(&status)),
    }
}

async fn page(
    state: &WebState,
    visit: &Visit,
    viewer: Viewer,
    id: String,
    mut said: Said,
    http: StatusCode,
) -> Answer {
    let application = find(state, visit, &viewer, id).await?;
    let by_hand = application.by_hand.as_ref();
    let people = by_hand.into_iter().flat_map(|it| [it.chosen_by.as_str(), it.uploaded_by.as_str()]);
    let (offices, names) =
        tokio::join!(letters::offices(state, visit), Names::of(state, visit, &viewer, people));
    let offices = offices.unwrap_or_default();
    let office = offices.iter().find(|office| office.id == application.office_id);
    let zone = Zone::of(office.map(|office| office.time_zone.as_str()).unwrap_or_default());
    let saved = match visit.parameter("tersimpan") {
        Some("lembar") => "hand.saved_sheet",
        Some("pindaian") => "hand.saved_scan",
        Some("sah") => "hand.saved_confirmed",
        Some("lepas") => "hand.saved_discarded",
        Some(_) | None => "",
    };
    let verbs = Verbs(application.allowed_verbs);
    let offered = match said.form {
        "pilih" => verbs.may("SIGN_BY_HAND"),
        "pindaian" => verbs.may("UPLOAD_SCAN"),
        "sahkan" => verbs.may("CONFIRM_SCAN"),
        _ => verbs.may("DISCARD_SHEET"),
    };
    let page = HandPage {
        lost: if offered { String::new() } else { said.error.clone() },
        p: visit.frame(),
        menu: Menu::of(&viewer),
        sheet: by_hand.map(|by_hand| sheet_shown(by_hand, &names, zone, visit)),
        version: application.version,
        holder: application.subject.as_ref().map(|subject| subject.name.clone()).unwrap_or_default(),
        office: office.map(|office| office.name.clone()).unwrap_or_default(),
        verbs,
        content_hash: application.content_hash,
        title: application.title,
        document: application.document_id,
        id: application.id,
        file_limit: state.file_limit,
        request_id: said.request_id.take().unwrap_or_else(|| Uuid::new_v4().to_string()),
        saved: if saved.is_empty() || !said.error.is_empty() {
            String::new()
        } else {
            visit.words()[saved].clone()
        },
        said,
    };
    Ok(visit.framing_page(http, &page))
}

/// A press that came to nothing: its page again, with why.
async fn again(
    (state, visit): (&WebState, &Visit),
    viewer: Viewer,
    id: String,
    (form, sent, typed): (&'static str, &Sent, &str),
    status: Status,
) -> Answer {
    let said = Said {
        form,
        error: fields::refusal(&status, visit),
        typed: typed.to_owned(),
        request_id: fields::is_unclear(&status).then(|| fields::form_key(sent)),
    };
    page(state, visit, viewer, id, said, problem::http_status(status.code())).await
}

fn done(visit: &Visit, id: &str, what: &str) -> Response {
    visit.redirect(&format!("/meja/{}/basah?tersimpan={what}", segment(id)))
}

fn version(sent: &Sent) -> u32 {
    sent.get("versi").parse().unwrap_or_default()
}

/// It is to be signed by hand: `/meja/{application}/basah`.
pub(crate) async fn choose(
    State(state): State<WebState>,
    Path(id): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, WORK).await?;
    let mut sent = Sent::plain(&body);
    let request_id = fields::settle_key(&mut sent);
    let request = SignByHandRequest {
        request_id,
        application: id.clone(),
        version: version(&sent),
        content_hash: sent.get("sidik").to_owned(),
        reason: sent.get("alasan").to_owned(),
    };
    match state.documents.clone().sign_by_hand(visit.call(request, Some(&viewer))).await {
        Ok(_) => Ok(done(&visit, &id, "lembar")),
        Err(status) => {
            again((&state, &visit), viewer, id, ("pilih", &sent, sent.get("alasan")), status).await
        }
    }
}

/// The scan of the signed sheet: `/meja/{application}/basah/pindaian`.
pub(crate) async fn upload(
    State(state): State<WebState>,
    Path(id): Path<String>,
    visit: Visit,
    request: Request,
) -> Answer {
    let viewer = pages::staff(&state, &visit, WORK).await?;
    let mut sent = Sent::with_files(request, state.form_limit, state.file_limit).await;
    let content = match sent.file("berkas") {
        Some(file) if !file.too_large => Ok(file.content.clone()),
        Some(_) => Err("apply.file_too_large"),
        None if sent.cut => Err("apply.file_too_large"),
        None => Err("hand.no_file"),
    };
    let content = match content {
        Ok(content) => content,
        Err(key) => {
            let limit = state.file_limit >> 20;
            let error = visit.words().say(key, &[("n", &limit)]);
            let said = Said { form: "pindaian", error, ..Said::default() };
            return page(&state, &visit, viewer, id, said, StatusCode::BAD_REQUEST).await;
        }
    };
    // The same file under the same press is the same request; another file is another one.
    let request_id = fields::upload_key(&fields::settle_key(&mut sent), "pindaian", &content);
    let request = UploadScanRequest { request_id, application: id.clone(), version: version(&sent), content };
    match state.documents.clone().upload_scan(visit.call(request, Some(&viewer))).await {
        Ok(_) => Ok(done(&visit, &id, "pindaian")),
        Err(status) => again((&state, &visit), viewer, id, ("pindaian", &sent, ""), status).await,
    }
}

/// The second look: `/meja/{application}/basah/sahkan`.
pub(crate) async fn confirm(
    State(state): State<WebState>,
    Path(id): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, WORK).await?;
    let mut sent = Sent::plain(&body);
    let request_id = fields::settle_key(&mut sent);
    let request = ConfirmScanRequest {
        request_id,
        application: id.clone(),
        version: version(&sent),
        number: sent.get("nomor").to_owned(),
        sha256: sent.get("sidik").to_owned(),
    };
    match state.documents.clone().confirm_scan(visit.call(request, Some(&viewer))).await {
        Ok(_) => Ok(done(&visit, &id, "sah")),
        Err(status) => {
            again((&state, &visit), viewer, id, ("sahkan", &sent, sent.get("nomor")), status).await
        }
    }
}

/// The sheet is given up: `/meja/{application}/basah/lepas`.
pub(crate) async fn discard(
    State(state): State<WebState>,
    Path(id): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, WORK).await?;
    let mut sent = Sent::plain(&body);
    let request_id = fields::settle_key(&mut sent);
    let request = DiscardSheetRequest {
        request_id,
        application: id.clone(),
        version: version(&sent),
        reason: sent.get("alasan").to_owned(),
    };
    match state.documents.clone().discard_sheet(visit.call(request, Some(&viewer))).await {
        Ok(_) => Ok(done(&visit, &id, "lepas")),
        Err(status) => {
            again((&state, &visit), viewer, id, ("lepas", &sent, sent.get("alasan")), status).await
        }
    }
}

//! Who reported: asked for with a purpose, approved by somebody else, and seen for a while. Each look is recorded and the
//! reporter is told. And the signed link of a message, whose button says "Saya tangani".

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::{
    complaints::v1::{
        AcknowledgeEscalationRequest, ApproveRevealRequest, GetRevealRequest, ListEscalationsRequest,
        ListRevealsRequest, Reveal,
    },
    notifications::v1::RedeemActionLinkRequest,
};
use tonic::{Code, Status};
use uuid::Uuid;

use super::{
    WebState,
    cases::READ,
    complaints::{self, Ground},
    fields,
    form::Sent,
    letters::segment,
    moment::{self, Zone},
    pages,
    visit::{Answer, Frame, Menu, Viewer, Visit, every},
};
use crate::problem;

#[derive(Template)]
#[template(path = "identitas.html")]
struct ListPage {
    p: Frame,
    here: &'static str,
    menu: Menu,
    rows: Vec<Row>,
    next: String,
    error: String,
}

struct Row {
    id: String,
    complaint: String,
    reporter: String,
    purpose: String,
    asked: String,
    until: String,
    /// Whether the viewer asked for it.
    own: bool,
    approved: bool,
    key: String,
}

fn row(reveal: &Reveal, viewer: &Viewer, zone: Zone, visit: &Visit) -> Row {
    Row {
        id: reveal.id.clone(),
        complaint: reveal.complaint_id.clone(),
        reporter: reveal.reporter.clone(),
        purpose: reveal.purpose.clone(),
        asked: moment::moment(reveal.requested_at, zone, visit.language),
        until: moment::moment(reveal.open_until, zone, visit.language),
        own: reveal.requested_by == viewer.id,
        approved: !reveal.approved_by.is_empty(),
        key: Uuid::new_v4().to_string(),
    }
}

/// `/aduan/identitas`: requests to see who reported, latest first.
pub(crate) async fn list(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    list_page(&state, &visit, &viewer, String::new(), StatusCode::OK).await
}

async fn list_page(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    error: String,
    http: StatusCode,
) -> Answer {
    let request = ListRevealsRequest {
        waiting_only: false,
        page_size: complaints::LINES,
        page_token: visit.parameter("halaman").unwrap_or_default().to_owned(),
    };
    let found = state.complaints.clone().list_reveals(visit.call(request, Some(viewer))).await;
    let found = found.map_err(|status| visit.refused(&status))?.into_inner();
    let zone = Ground::of(state, visit).await.zone;
    let page = ListPage {
        p: visit.frame(),
        here: "aduan",
        menu: Menu::of(viewer),
        rows: found.reveals.iter().map(|reveal| row(reveal, viewer, zone, visit)).collect(),
        next: found.next_page_token,
        error,
    };
    Ok(visit.page(http, &page))
}

/// Approves a request of somebody else.
pub(crate) async fn approve(
    State(state): State<WebState>,
    Path(id): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let request = ApproveRevealRequest { request_id: fields::form_key(&Sent::plain(&body)), reveal: id };
    match state.complaints.clone().approve_reveal(visit.call(request, Some(&viewer))).await {
        Ok(_) => Ok(visit.redirect("/aduan/identitas")),
        Err(status) => {
            let http = problem::http_status(status.code());
            list_page(&state, &visit, &viewer, visit.sentence(&status), http).await
        }
    }
}

#[derive(Template)]
#[template(path = "identitas_satu.html")]
struct OnePage {
    p: Frame,
    here: &'static str,
    menu: Menu,
    row: Row,
    name: String,
    phone: String,
    email: String,
    known: bool,
}

/// `/aduan/identitas/{reveal}`: who it is, for the one who asked, while it is open.
pub(crate) async fn one(State(state): State<WebState>, Path(id): Path<String>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let request = visit.call(GetRevealRequest { reveal: id }, Some(&viewer));
    let answer = state.complaints.clone().get_reveal(request).await;
    let reveal = answer.map_err(|status| visit.refused(&status))?.into_inner().reveal;
    let reveal = reveal.ok_or_else(|| visit.broken())?;
    let zone = Ground::of(&state, &visit).await.zone;
    let contact = reveal.contact.clone();
    let page = OnePage {
        p: visit.frame(),
        here: "aduan",
        menu: Menu::of(&viewer),
        row: row(&reveal, &viewer, zone, &visit),
        known: contact.is_some(),
        name: contact.as_ref().map(|contact| contact.name.clone()).unwrap_or_default(),
        phone: contact.as_ref().map(|contact| contact.phone.clone()).unwrap_or_default(),
        email: contact.map(|contact| contact.email).unwrap_or_default(),
    };
    Ok(visit.page(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "tautan.html")]
struct LinkPage {
    p: Frame,
    here: &'static str,
    menu: Menu,
    path: String,
    key: String,
    error: String,
    ended: bool,
}

fn link_page(
    visit: &Visit,
    viewer: &Viewer,
    token: &str,
    key: String,
    error: String,
    http: StatusCode,
) -> Response {
    let ended = http != StatusCode::OK && http != StatusCode::SERVICE_UNAVAILABLE;
    let page = LinkPage {
        p: visit.frame(),
        here: "aduan",
        menu: Menu::of(viewer),
        path: format!("/aksi/{}", segment(token)),
        key,
        error,
        ended,
    };
    visit.page(http, &page)
}

/// `/aksi/{token}`: the link of a message. Opening it does nothing: programs that look at messages open links too.
pub(crate) async fn link(State(state): State<WebState>, Path(token): Path<String>, visit: Visit) -> Answer {
    let viewer = pages::signed_in(&state, &visit).await?;
    let key = Uuid::new_v4().to_string();
    Ok(link_page(&visit, &viewer, &token, key, String::new(), StatusCode::OK))
}

/// The press on the page of a link: uses it up, and says "Saya tangani" to what the message was about.
pub(crate) async fn use_link(
    State(state): State<WebState>,
    Path(token): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::signed_in(&state, &visit).await?;
    let request_id = fields::form_key(&Sent::plain(&body));
    match redeem(&state, &visit, &viewer, &token, &request_id).await {
        Ok(to) => Ok(visit.redirect(&to)),
        Err(status) => {
            let unclear = fields::is_unclear(&status);
            let key = if unclear { request_id } else { Uuid::new_v4().to_string() };
            let error = visit.sentence(&status);
            Ok(link_page(&visit, &viewer, &token, key, error, problem::http_status(status.code())))
        }
    }
}

/// What a message was about, as a page; after its button was pressed, if it has one that does something.
async fn redeem(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    token: &str,
    request_id: &str,
) -> Result<String, Status> {
    let request = RedeemActionLinkRequest { request_id: request_id.to_owned(), token: token.to_owned() };
    let answer = state.notifications.clone().redeem_action_link(visit.call(request, Some(viewer))).await?;
    let redeemed = answer.into_inner();
    let mut service = state.complaints.clone();
    let about = redeemed.reference.as_str();
    if redeemed.action != ACKNOWLEDGE {
        return Ok(if about.starts_with(CASE) { case(about) } else { "/aduan".to_owned() });
    }
    if about.starts_with(STEP) {
        let request =
            AcknowledgeEscalationRequest { request_id: request_id.to_owned(), escalation: about.to_owned() };
        let answer = service.acknowledge_escalation(visit.call(request, Some(viewer))).await?;
        let step = answer.into_inner().escalation.unwrap_or_default();
        return Ok(case(&step.complaint_id));
    }
    // A message about a case: every step of it that went to whoever pressed.
    let steps = every!(
        visit,
        Some(viewer),
        state.complaints,
        list_escalations(ListEscalationsRequest { waiting_only: true }).escalations
    )
    .await?;
    for step in steps.iter().filter(|step| step.complaint_id == about) {
        let request = AcknowledgeEscalationRequest {
            // One key for each step, the same however often the button is pressed.
            request_id: fields::upload_key(request_id, &step.id, b""),
            escalation: step.id.clone(),
        };
        match service.acknowledge_escalation(visit.call(request, Some(viewer))).await {
            Ok(_) => {}
            // Somebody said it meanwhile.
            Err(status) if status.code() == Code::FailedPrecondition => {}
            Err(status) => return Err(status),
        }
    }
    Ok(case(about))
}

/// The key of the action of an escalation.
const ACKNOWLEDGE: &str = "tangani";
/// What ids of cases begin with.
const CASE: &str = "cmp_";
/// What ids of steps of the ladder begin with.
const STEP: &str = "esc_";

fn case(id: &str) -> String {
    format!("/aduan/{}?tersimpan=1", segment(id))
}

//! `servicerequestupdates`, the extension that FixMyStreet and its partners speak: GET tells what happened to published
//! reports, POST takes what the system of an agency says of one.
//!
//! It is a resource of its own beside the contract. Its statuses are finer than open and closed; what they are called is
//! the extension's.

use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, request::Parts};
use mpp_proto::complaints::v1::{
    CaseState, ListPublishedUpdatesRequest, PublishedUpdate, ReceivePartnerUpdateRequest,
};
use prost_types::Timestamp;
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{
    Answer, Errors, Node, Open311, Params, call,
    requests::{IDEMPOTENCY_KEY, MOST, PAGE, form, span, when, with_media},
};

/// The name of it.
pub(super) const RESOURCE: &str = "servicerequestupdates";
/// Reports that are asked for by their ids, at most.
const IDS: usize = 100;

pub(super) async fn list(state: &Open311, headers: &HeaderMap, params: &Params) -> Result<Answer, Errors> {
    state.check_jurisdiction(params)?;
    let wanted = wanted(params, state.clock.now()).map_err(Errors::bad)?;
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListPublishedUpdatesRequest { page_size: PAGE, page_token, ..wanted.clone() };
        let page =
            state.complaints.clone().list_published_updates(call(request, headers)).await?.into_inner();
        found.extend(page.updates);
        page_token = page.next_page_token;
        if page_token.is_empty() || found.len() >= MOST {
            break;
        }
    }
    found.truncate(MOST);
    let nodes = found.iter().map(node).collect();
    Ok(Answer::ok("service_requests_updates", Node::List("request_update", nodes)))
}

/// What a list asks for. Ids override the time, as they do in the list of reports.
fn wanted(params: &Params, now: DateTime<Utc>) -> Result<ListPublishedUpdatesRequest, Vec<String>> {
    let ids = params.list("service_request_id");
    if ids.len() > IDS {
        return Err(vec![format!("service_request_id names more than {IDS} requests")]);
    }
    if !ids.is_empty() {
        return Ok(ListPublishedUpdatesRequest { numbers: ids.join(","), ..Default::default() });
    }
    let mut wrong = Vec::new();
    let (from, before) = span(params, now, &mut wrong);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    // The end is included; the service leaves its own out.
    let before = before.checked_add_signed(TimeDelta::seconds(1)).unwrap_or(before);
    Ok(ListPublishedUpdatesRequest {
        from: Some(stamp(from)),
        before: Some(stamp(before)),
        ..Default::default()
    })
}

fn stamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp { seconds: at.timestamp(), nanos: 0 }
}

fn node(it: &PublishedUpdate) -> Node {
    Node::Object(vec![
        ("update_id", Node::text(&it.id)),
        ("service_request_id", Node::text(&it.number)),
        ("status", Node::text(status(it.state()))),
        ("description", Node::text(&it.text)),
        ("updated_datetime", when(it.at.as_ref())),
        ("media_url", Node::Null),
        ("external_status_code", Node::text(it.state().as_str_name().trim_start_matches("CASE_STATE_"))),
        ("customer_reference", Node::Null),
    ])
}

/// A state in the words of the extension.
fn status(state: CaseState) -> &'static str {
    match state {
        CaseState::Unspecified | CaseState::New => "OPEN",
        CaseState::Verified => "FOR_TRIAGE",
        CaseState::Disposed | CaseState::AwaitingCompletion => "INVESTIGATING",
        // Answered, but its reporter has the word: it is not closed here either.
        CaseState::InProgress | CaseState::AwaitingConfirmation => "IN_PROGRESS",
        CaseState::Reopened => "REOPEN",
        CaseState::Settled => "FIXED",
        CaseState::Merged => "DUPLICATE",
        CaseState::ForwardedOutside => "NOT_COUNCILS_RESPONSIBILITY",
        CaseState::Archived => "NO_FURTHER_ACTION",
        CaseState::DeemedWithdrawn | CaseState::Withdrawn => "CANCELLED",
    }
}

pub(super) async fn push(state: &Open311, parts: &Parts, body: Body) -> Result<Answer, Errors> {
    let form = form(parts, body).await?;
    let Some(api_key) = form.one("api_key") else {
        return Err(Errors::new(403, "api_key was not provided"));
    };
    state.check_jurisdiction(&form)?;
    let told = |name| form.one(name).unwrap_or_default().to_owned();
    let mut wrong = Vec::new();
    let text = with_media(&form, told("description"), &mut wrong);
    // What is missing or unsound besides is the service's to say, once it knows the key.
    let updated_at = form.moment("updated_datetime").unwrap_or_default().map(stamp);
    if !wrong.is_empty() {
        return Err(Errors::bad(wrong));
    }
    let (number, update_id) = (told("service_request_id"), told("update_id"));
    let key = parts.headers.get(IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok());
    let request = ReceivePartnerUpdateRequest {
        // A client that sends its update again means the same one.
        request_id: key.map_or_else(|| request_id(&[api_key, &number, &update_id]), str::to_owned),
        api_key: api_key.to_owned(),
        number,
        update_id,
        status: told("status"),
        text,
        updated_at,
    };
    let number = request.number.clone();
    let taken = state.complaints.clone().receive_partner_update(call(request, &parts.headers)).await;
    let id = taken.map_err(|status| refusal(status, &number))?.into_inner().id;
    Ok(Answer {
        root: "service_request_updates",
        status: 201,
        node: Node::List("request_update", vec![Node::Object(vec![("update_id", Node::text(id))])]),
    })
}

/// What an update is repeated under. The key is in it as a digest: two partners may call theirs alike.
fn request_id(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let bytes: [u8; 32] = digest.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&bytes[..16]);
    uuid::Builder::from_custom_bytes(half).into_uuid().to_string()
}

fn refusal(status: Status, number: &str) -> Errors {
    let reason = status.get_details_error_info().map(|it| it.reason).unwrap_or_default();
    match (status.code(), reason.as_str()) {
        (Code::PermissionDenied | Code::Unauthenticated, _) => Errors::new(403, "api_key is not valid"),
        (Code::NotFound, _) => Errors::new(404, format!("service_request_id {number} was not found")),
        (Code::FailedPrecondition, "REQUEST_ID_REUSED") => {
            Errors::new(400, "update_id was taken before with other content")
        }
        (Code::FailedPrecondition, "IS_CLOSED") => {
            Errors::new(400, format!("service_request_id {number} is closed"))
        }
        // Somebody else was at the case in this moment.
        (Code::Aborted, _) => Errors::new(503, "the request was changed just now: try again"),
        _ => status.into(),
    }
}

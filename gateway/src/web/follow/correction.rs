//! The correction of a returned application: its form once more, filled in for whoever knows the population number, and sent.

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::documents::v1::{
    ApplicationState, ApplicationStatus, LetterType, PrefillApplicationRequest, ResubmitApplicationRequest,
};
use uuid::Uuid;

use super::{is_unknown, status};
use crate::{
    problem,
    web::{
        WebState,
        fields::{self, Faults, Input, Paper, Received},
        form::Sent,
        letters::{self, segment},
        visit::{Answer, Frame, Visit},
    },
};

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

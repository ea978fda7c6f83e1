//! The application form of a citizen: one page that works without a script. What is typed in is never part of an address.

use askama::Template;
use axum::extract::{Path, Request, State};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::documents::v1::{
    LetterType, Office, OfficeKind, PrefillApplicationRequest, PrefillApplicationResponse, Subject,
    SubmitApplicationRequest,
};
use uuid::Uuid;

use super::{
    WebState,
    fields::{self, Choice, Faults, Input, Paper, Received},
    form::Sent,
    letters::{self, segment, told},
    visit::{Answer, Frame, Visit},
    words::Words,
};
use crate::problem;

#[derive(Template)]
#[template(path = "ajukan.html")]
struct FormPage {
    p: Frame,
    nav: &'static str,
    key: String,
    title: String,
    request_id: String,
    summary: Vec<(String, String, String)>,
    person: Vec<Input>,
    villages: Vec<Village>,
    village_error: String,
    rt: String,
    rw: String,
    home: Vec<Input>,
    non_resident: bool,
    agencies: Vec<Choice>,
    agency_error: String,
    inputs: Vec<Input>,
    papers: Vec<Paper>,
    file_limit: usize,
    optional_step: String,
    with_optional: bool,
    regions: Vec<(String, String)>,
    prefilled: bool,
    prefill_error: String,
    facts: String,
}

/// A sub-district with its villages.
pub(crate) struct Village {
    pub(crate) sub_district: String,
    pub(crate) choices: Vec<Choice>,
}

/// What the form says besides what was sent.
#[derive(Default)]
struct Remarks {
    faults: Faults,
    prefilled: bool,
    prefill_error: String,
}

/// `/surat/{key}/ajukan`: the empty form.
pub(crate) async fn form(State(state): State<WebState>, Path(key): Path<String>, visit: Visit) -> Answer {
    let kind = letters::letter_type(&state, &visit, &key).await?;
    let mut sent = Sent::default();
    sent.set("kunci", Uuid::new_v4());
    page(&state, &visit, &kind, &sent, Remarks::default(), StatusCode::OK).await
}

/// The form, filled in with what the person of an earlier application told.
pub(crate) async fn prefill(
    State(state): State<WebState>,
    Path(key): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let kind = letters::letter_type(&state, &visit, &key).await?;
    let mut asked = Sent::plain(&body);
    let mut sent = Sent::default();
    sent.set("kunci", Uuid::new_v4());
    let t = visit.words();
    if asked.get("kode").is_empty() || asked.get("nik").is_empty() {
        let remarks = Remarks { prefill_error: t["apply.prefill_missing"].clone(), ..Remarks::default() };
        return page(&state, &visit, &kind, &sent, remarks, StatusCode::BAD_REQUEST).await;
    }
    let nik = fields::digits(asked.get("nik"));
    asked.set("nik", nik.as_str());
    let request =
        PrefillApplicationRequest { code: asked.get("kode").to_owned(), nik, letter_type: kind.key.clone() };
    match state.documents.clone().prefill_application(visit.call(request, None)).await {
        Ok(answer) => {
            put(&mut sent, &kind, &answer.into_inner());
            let remarks = Remarks { prefilled: true, ..Remarks::default() };
            page(&state, &visit, &kind, &sent, remarks, StatusCode::OK).await
        }
        Err(status) => {
            let http = problem::http_status(status.code());
            let prefill_error = match http {
                // A code that does not exist and a number that does not belong to it are told alike.
                StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => {
                    t["apply.prefill_unknown"].clone()
                }
                _ => visit.sentence(&status),
            };
            page(&state, &visit, &kind, &sent, Remarks { prefill_error, ..Remarks::default() }, http).await
        }
    }
}

/// Fills a form with what is known.
fn put(sent: &mut Sent, kind: &LetterType, known: &PrefillApplicationResponse) {
    if let Some(subject) = &known.subject {
        let mut area = subject.area.split('/');
        fields::put_subject(sent, subject);
        for (name, value) in [
            ("desa", area.next().unwrap_or_default()),
            ("rw", area.next().unwrap_or_default()),
            ("rt", area.next().unwrap_or_default()),
            ("luar", if subject.non_resident { "1" } else { "" }),
        ] {
            sent.set(name, value);
        }
    }
    fields::put_values(sent, kind, known.values.as_ref());
}

/// The form, sent: one application, however often it is sent.
pub(crate) async fn submit(
    State(state): State<WebState>,
    Path(key): Path<String>,
    visit: Visit,
    request: Request,
) -> Answer {
    let kind = letters::letter_type(&state, &visit, &key).await?;
    let Received { mut sent, request_id, attachments, faults, again } =
        fields::receive(&state, &visit, &kind, request).await;
    if let Some(http) = again {
        return page(&state, &visit, &kind, &sent, Remarks { faults, ..Remarks::default() }, http).await;
    }
    let office_id = issuer(&state, &visit, &kind, &sent).await.map_err(|status| visit.refused(&status))?;
    // An official who is signed in files under his own name, also at a counter: he does not decide on what is his own.
    let viewer = visit.viewer(&state).await.map_err(|status| visit.refused(&status))?;
    let request = SubmitApplicationRequest {
        request_id,
        letter_type: kind.key.clone(),
        office_id,
        subject: Some(subject(&sent)),
        values: Some(fields::values(&kind, &sent)),
        attachments,
        with_optional_steps: !sent.get("lengkap").is_empty(),
        validate_only: false,
        papers_seen: false,
    };
    match state.documents.clone().submit_application(visit.call(request, viewer.as_ref())).await {
        Ok(answer) => match answer.into_inner().status {
            Some(status) => {
                Ok(visit.redirect(&format!("/permohonan/{}/tanda-terima", segment(&status.code))))
            }
            None => Err(visit.broken()),
        },
        Err(status) => {
            fields::renew_key(&mut sent, &status);
            let remarks = Remarks { faults: Faults::read(&status, &kind, &visit), ..Remarks::default() };
            let http = problem::http_status(status.code());
            page(&state, &visit, &kind, &sent, remarks, http).await
        }
    }
}

/// Whom the form is about.
pub(crate) fn subject(sent: &Sent) -> Subject {
    Subject {
        area: area(sent.get("desa"), sent.get("rw"), sent.get("rt")),
        non_resident: !sent.get("luar").is_empty(),
        ..fields::subject(sent)
    }
}

/// An area path: the village, with RW and RT of three digits where they were given.
fn area(village: &str, rw: &str, rt: &str) -> String {
    let three = |number: &str| format!("{:0>3}", number.trim());
    match (rw.trim(), rt.trim()) {
        ("", _) => village.to_owned(),
        (rw, "") => format!("{village}/{}", three(rw)),
        (rw, rt) => format!("{village}/{}/{}", three(rw), three(rt)),
    }
}

/// Whether some step of a type lies at this level.
fn reaches(kind: &LetterType, level: &str) -> bool {
    kind.steps.iter().any(|step| step.level == level)
}

/// The agency that was chosen, where one issues or takes a step; else the sub-district above the village for what no village
/// has a part in.
pub(crate) async fn issuer(
    state: &WebState,
    visit: &Visit,
    kind: &LetterType,
    sent: &Sent,
) -> Result<String, tonic::Status> {
    if reaches(kind, "AGENCY") {
        return Ok(sent.get("kantor").to_owned());
    }
    if reaches(kind, "VILLAGE") || !reaches(kind, "SUB_DISTRICT") {
        return Ok(String::new());
    }
    let above = sub_district(sent.get("desa"));
    let offices = letters::offices(state, visit).await?;
    let office = offices.into_iter().find(|one| one.kind() == OfficeKind::SubDistrict && one.area == above);
    Ok(office.map(|office| office.id).unwrap_or_default())
}

/// The sub-district of a village: its code without the last part.
fn sub_district(village: &str) -> &str {
    village.rsplit_once('.').map_or(village, |(above, _)| above)
}

async fn page(
    state: &WebState,
    visit: &Visit,
    kind: &LetterType,
    sent: &Sent,
    remarks: Remarks,
    http: StatusCode,
) -> Answer {
    let offices = letters::offices(state, visit).await.map_err(|status| visit.refused(&status))?;
    let Remarks { faults, prefilled, prefill_error } = remarks;
    let t = visit.words();
    let inputs = fields::inputs(kind, sent, &faults, visit);
    let papers = fields::papers(kind, sent, &faults, visit);
    let mut person = fields::person(kind, sent, &faults, visit);
    // Where somebody lives stands together, after who it is.
    let home = person.split_off(person.len().saturating_sub(1));
    let village_error = faults.of("desa");
    let village_label = t["person.desa"].as_str();
    let shown = |input: &Input| (input.name.clone(), input.id.clone(), input.label.clone());
    let mut order: Vec<(String, String, String)> = person.iter().map(shown).collect();
    order.push(("desa".to_owned(), "desa".to_owned(), village_label.to_owned()));
    order.extend(home.iter().map(shown));
    order.push(("kantor".to_owned(), "kantor".to_owned(), t["apply.agency"].clone()));
    order.extend(inputs.iter().flat_map(Input::places));
    order.extend(papers.iter().map(|paper| (paper.name.clone(), paper.id.clone(), paper.label.clone())));
    let summary = faults.summary(order);
    let agencies: Vec<&Office> = match reaches(kind, "AGENCY") {
        true => offices.iter().filter(|office| office.kind() == OfficeKind::Agency).collect(),
        false => Vec::new(),
    };
    let page = FormPage {
        p: visit.frame(),
        nav: "surat",
        key: kind.key.clone(),
        title: told(kind.title.as_ref(), visit.language),
        request_id: sent.get("kunci").to_owned(),
        summary,
        person,
        villages: villages(&offices, sent.get("desa")),
        village_error,
        rt: sent.get("rt").to_owned(),
        rw: sent.get("rw").to_owned(),
        home,
        non_resident: !sent.get("luar").is_empty(),
        agencies: agencies
            .iter()
            .map(|office| Choice {
                chosen: agencies.len() == 1 || office.id == sent.get("kantor"),
                value: office.id.clone(),
                label: office.name.clone(),
                ..Choice::default()
            })
            .collect(),
        agency_error: faults.of("kantor"),
        regions: fields::regions(kind, &offices),
        inputs,
        papers,
        file_limit: state.file_limit,
        optional_step: optional_step(kind, t),
        with_optional: !sent.get("lengkap").is_empty(),
        prefilled,
        prefill_error,
        facts: letters::fee(kind.fee, t),
    };
    Ok(visit.page(http, &page))
}

/// The question whether the optional step is asked for; empty where a type has none.
pub(crate) fn optional_step(kind: &LetterType, t: &Words) -> String {
    let optional = kind.steps.iter().rev().find(|step| step.optional && !letters::is_neighbourhood(step));
    let asked = |role: &str| t.say("apply.optional_step", &[("who", &letters::role(role, t).to_lowercase())]);
    optional.map(|step| asked(&step.role)).unwrap_or_default()
}

/// Villages under their sub-districts, by name.
pub(crate) fn villages(offices: &[Office], chosen: &str) -> Vec<Village> {
    let mut found: Vec<Village> = Vec::new();
    let mut villages: Vec<&Office> =
        offices.iter().filter(|office| office.kind() == OfficeKind::Village).collect();
    villages.sort_by_key(|office| (sub_district(&office.area), office.name.as_str()));
    for office in villages {
        let above = sub_district(&office.area);
        let name = offices
            .iter()
            .find(|one| one.kind() == OfficeKind::SubDistrict && one.area == above)
            .map_or(above, |one| one.name.as_str());
        let choice = Choice {
            chosen: office.area == chosen,
            value: office.area.clone(),
            label: office.name.clone(),
            ..Choice::default()
        };
        match found.last_mut().filter(|group| group.sub_district == name) {
            Some(group) => group.choices.push(choice),
            None => found.push(Village { sub_district: name.to_owned(), choices: vec![choice] }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_written_with_rw_before_rt_and_three_digits() {
        assert_eq!(area("17.07.05.2003", "2", " 5 "), "17.07.05.2003/002/005");
        assert_eq!(area("17.07.05.2003", "002", ""), "17.07.05.2003/002");
        assert_eq!(area("17.07.05.2003", "", "5"), "17.07.05.2003", "an RT without its RW is nowhere");
        assert_eq!(sub_district("17.07.05.2003"), "17.07.05");
    }
}

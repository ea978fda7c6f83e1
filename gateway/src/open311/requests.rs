//! `requests`: filing a report, and reading what is published.

use std::collections::HashMap;

use axum::body::Body;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::{HeaderMap, header, request::Parts};
use http_body_util::{BodyExt as _, Limited};
use mpp_proto::complaints::v1::{
    Category, Channel, ComplaintClass, Contact, FileComplaintRequest, FileComplaintResponse,
    ListPublishedComplaintsRequest, Place, PublishedComplaint, Secrecy,
};
use prost_types::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    Answer, Errors, LARGEST_FORM, Node, Open311, Params, call, reported,
    services::{Services, questions},
};

/// A list reaches over so many days at most, and as many by default.
const DAYS: i64 = 90;
/// And holds so many reports at most.
pub(super) const MOST: usize = 1_000;
/// Reports of one page of the service.
pub(super) const PAGE: i32 = 200;
/// Characters of a description at most.
pub(super) const LONGEST_DESCRIPTION: usize = 4_000;
/// A description under this many characters is set beside the name of its service: alone it says too little.
const SHORTEST_TEXT: usize = 10;
/// The header with which a client may repeat a report without filing it twice. Not of Open311; whoever does not send it
/// gets what Open311 gives.
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The parameter of this contract that a field of FileComplaint or ReceivePartnerUpdate came from.
pub(super) fn parameter(field: &str) -> &str {
    match field {
        "text" => "description",
        "category" => "service_code",
        "place.latitude" => "lat",
        "place.longitude" => "long",
        "place.address" => "address_string",
        "place.village_code" => "address_id",
        "contact.name" => "first_name",
        "contact.phone" => "phone",
        "contact.email" => "email",
        "number" | "numbers" => "service_request_id",
        "updated_at" => "updated_datetime",
        other => other.strip_prefix("contact.").unwrap_or(other),
    }
}

pub(super) async fn list(state: &Open311, headers: &HeaderMap, params: &Params) -> Result<Answer, Errors> {
    state.check_jurisdiction(params)?;
    let wanted = wanted(params, state.clock.now()).map_err(Errors::bad)?;
    let found = read(state, headers, wanted).await?;
    Ok(Answer::ok("service_requests", Node::List("request", found.iter().map(node).collect())))
}

pub(super) async fn one(
    state: &Open311,
    headers: &HeaderMap,
    params: &Params,
    id: &str,
) -> Result<Answer, Errors> {
    state.check_jurisdiction(params)?;
    // The service takes lists; this names one.
    let found = if id.contains(',') || id.is_empty() {
        Vec::new()
    } else {
        let wanted = ListPublishedComplaintsRequest { numbers: id.to_owned(), ..Default::default() };
        read(state, headers, wanted).await?
    };
    // What is secret and what never was are the same here.
    match found.first() {
        Some(found) => Ok(Answer::ok("service_requests", Node::List("request", vec![node(found)]))),
        None => Err(Errors::new(404, format!("service_request_id {id} was not found"))),
    }
}

/// The time that start_date and end_date bound; 90 days where one of them is missing, or up to now.
pub(super) fn span(
    params: &Params,
    now: DateTime<Utc>,
    wrong: &mut Vec<String>,
) -> (DateTime<Utc>, DateTime<Utc>) {
    let mut date = |name| {
        params.moment(name).unwrap_or_else(|told| {
            wrong.push(told);
            None
        })
    };
    let (start, end) = (date("start_date"), date("end_date"));
    let span = TimeDelta::days(DAYS);
    let (from, before) = match (start, end) {
        (Some(start), Some(end)) => (start, end),
        (Some(start), None) => (start, start.checked_add_signed(span).unwrap_or(now)),
        (None, end) => {
            let end = end.unwrap_or(now);
            (end.checked_sub_signed(span).unwrap_or(end), end)
        }
    };
    if from > before {
        wrong.push("start_date is later than end_date".to_owned());
    } else if before - from > span {
        wrong.push(format!("start_date and end_date are more than {DAYS} days apart"));
    }
    (from, before)
}

/// What a list asks for.
fn wanted(params: &Params, now: DateTime<Utc>) -> Result<ListPublishedComplaintsRequest, Vec<String>> {
    let ids = params.list("service_request_id");
    if !ids.is_empty() {
        // It overrides every other filter, so what those say does not matter, not even whether it is sound.
        if ids.len() > MOST {
            return Err(vec![format!("service_request_id names more than {MOST} requests")]);
        }
        return Ok(ListPublishedComplaintsRequest { numbers: ids.join(","), ..Default::default() });
    }
    let mut wrong = Vec::new();
    let (from, before) = span(params, now, &mut wrong);
    let mut statuses = Vec::new();
    for status in params.list("status") {
        match status {
            "open" => statuses.push(false),
            "closed" => statuses.push(true),
            other => wrong.push(format!("status {other} is neither open nor closed")),
        }
    }
    statuses.sort_unstable();
    statuses.dedup();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let moment = |at: DateTime<Utc>| Timestamp { seconds: at.timestamp(), nanos: 0 };
    Ok(ListPublishedComplaintsRequest {
        category: params.list("service_code").join(","),
        received_from: Some(moment(from)),
        // The end is included; the service leaves its own out.
        received_before: Some(moment(before.checked_add_signed(TimeDelta::seconds(1)).unwrap_or(before))),
        closed: statuses.first().copied().filter(|_| statuses.len() == 1),
        ..Default::default()
    })
}

async fn read(
    state: &Open311,
    headers: &HeaderMap,
    wanted: ListPublishedComplaintsRequest,
) -> Result<Vec<PublishedComplaint>, Errors> {
    let mut found = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListPublishedComplaintsRequest { page_size: PAGE, page_token, ..wanted.clone() };
        let page =
            state.complaints.clone().list_published_complaints(call(request, headers)).await?.into_inner();
        found.extend(page.complaints);
        page_token = page.next_page_token;
        if page_token.is_empty() || found.len() >= MOST {
            found.truncate(MOST);
            return Ok(found);
        }
    }
}

pub(super) fn when(at: Option<&Timestamp>) -> Node {
    let at = at.and_then(|at| DateTime::from_timestamp(at.seconds, 0));
    at.map_or(Node::Null, |at| Node::Text(at.to_rfc3339_opts(SecondsFormat::Secs, true)))
}

/// A report as everybody may read it: nothing of who filed it.
fn node(it: &PublishedComplaint) -> Node {
    let place = it.place.clone().unwrap_or_default();
    Node::Object(vec![
        ("service_request_id", Node::text(&it.number)),
        ("status", Node::text(if it.closed { "closed" } else { "open" })),
        ("status_notes", Node::text(&it.answer)),
        ("service_name", Node::text(&it.category_name)),
        ("service_code", Node::text(&it.category)),
        ("description", Node::text(&it.text)),
        ("agency_responsible", Node::text(&it.agency_name)),
        ("service_notice", Node::Null),
        ("requested_datetime", when(it.received_at.as_ref())),
        ("updated_datetime", when(it.updated_at.as_ref())),
        ("expected_datetime", when(it.settle_due_at.as_ref())),
        ("address", Node::text(&place.address)),
        ("address_id", Node::text(&place.village_code)),
        ("zipcode", Node::Null),
        ("lat", Node::number(place.latitude)),
        ("long", Node::number(place.longitude)),
        ("media_url", Node::Null),
    ])
}

pub(super) async fn file(state: &Open311, parts: &Parts, body: Body) -> Result<Answer, Errors> {
    let form = form(parts, body).await?;
    // Before anything else: who has no key learns nothing of what would be wrong besides.
    match form.one("api_key") {
        None => return Err(Errors::new(403, "api_key was not provided")),
        Some(key) if !state.config.knows(key) => return Err(Errors::new(403, "api_key is not valid")),
        Some(_) => {}
    }
    state.check_jurisdiction(&form)?;
    let Some(code) = form.one("service_code") else {
        return Err(Errors::new(400, "service_code was not provided"));
    };
    let services = Services::read(state, &parts.headers).await?;
    let Some(category) = services.find(code) else {
        return Err(Errors::new(404, format!("service_code {code} was not found")));
    };
    let mut request = report(&form, category).map_err(Errors::bad)?;
    let key = parts.headers.get(IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok());
    // Without a key of the client each call is a report of its own.
    let api_key = form.one("api_key").unwrap_or_default();
    request.request_id = key.map_or_else(|| Uuid::now_v7().to_string(), |key| request_id(api_key, key));
    let filed =
        state.complaints.clone().file_complaint(reported(request, &parts.headers)).await?.into_inner();
    Ok(Answer {
        root: "service_requests",
        status: 201,
        node: Node::List("request", vec![accepted(state, &filed)]),
    })
}

/// A client's key as the service knows it: two partners count their calls alike, and neither is the other's repetition.
fn request_id(api_key: &str, told: &str) -> String {
    let digest = Sha256::new().chain_update(Sha256::digest(api_key)).chain_update(told).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(bytes).to_string()
}

fn accepted(state: &Open311, filed: &FileComplaintResponse) -> Node {
    let due = filed.verify_due_at.as_ref().and_then(|at| DateTime::from_timestamp(at.seconds, 0));
    let due = due
        .map(|at| format!("Diverifikasi paling lambat {}. ", at.to_rfc3339_opts(SecondsFormat::Secs, true)));
    // Number and PIN are what the reporter follows it with; they are told once, to whom filed it.
    let notice =
        format!("{}Ikuti di {}/lacak dengan PIN {}.", due.unwrap_or_default(), state.base_url, filed.pin);
    Node::Object(vec![
        ("service_request_id", Node::text(&filed.number)),
        ("service_notice", Node::text(notice)),
        ("account_id", Node::Null),
    ])
}

pub(super) async fn form(parts: &Parts, body: Body) -> Result<Params, Errors> {
    let media_type =
        parts.headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let charset = media_type.split(';').skip(1).find_map(|part| part.trim().strip_prefix("charset="));
    let utf8 = charset.is_none_or(|charset| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"));
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") || !utf8 {
        return Err(Errors::new(
            400,
            "the body must be application/x-www-form-urlencoded; charset=utf-8 (Content-Type)",
        ));
    }
    match Limited::new(body, LARGEST_FORM).collect().await {
        Ok(body) => Ok(Params::of_form(&body.to_bytes())),
        Err(_) => Err(Errors::new(400, "the body is too large, or was cut off")),
    }
}

/// The report that a form files, or everything that is wrong with it.
fn report(form: &Params, category: &Category) -> Result<FileComplaintRequest, Vec<String>> {
    let mut wrong = Vec::new();
    let place = place(form, &mut wrong);
    let description = form.one("description").unwrap_or_default();
    if description.chars().count() > LONGEST_DESCRIPTION {
        wrong.push(format!("description is longer than {LONGEST_DESCRIPTION} characters"));
    }
    let mut text = match description.chars().count() {
        0 => format!("{} (tanpa uraian)", category.name),
        1..SHORTEST_TEXT => format!("{}: {description}", category.name),
        _ => description.to_owned(),
    };
    text = with_media(form, text, &mut wrong);
    let extra = answers(form, category, &mut wrong);
    let secrecy = match form.one("secrecy").map(str::to_lowercase).as_deref() {
        None | Some("biasa") => Secrecy::Open,
        Some("anonim") => Secrecy::Anonymous,
        Some("rahasia") => Secrecy::Secret,
        Some(_) => {
            wrong.push("secrecy is none of biasa, anonim, rahasia".to_owned());
            Secrecy::Secret
        }
    };
    let names = [form.one("first_name"), form.one("last_name")];
    let contact = Contact {
        name: names.into_iter().flatten().collect::<Vec<_>>().join(" "),
        phone: form.one("phone").unwrap_or_default().to_owned(),
        email: form.one("email").unwrap_or_default().to_owned(),
    };
    if !wrong.is_empty() {
        return Err(wrong);
    }
    Ok(FileComplaintRequest {
        complaint_class: ComplaintClass::Complaint.into(),
        text,
        category: category.key.clone(),
        place: Some(place),
        contact: (contact != Contact::default()).then_some(contact),
        secrecy: secrecy.into(),
        channel: Channel::Open311.into(),
        extra,
        ..Default::default()
    })
}

/// A text with the address of a picture below it. It is shown to the officer, and never fetched: an address that a stranger
/// gives is not visited.
pub(super) fn with_media(form: &Params, text: String, wrong: &mut Vec<String>) -> String {
    let Some(url) = form.one("media_url") else { return text };
    if !(url.starts_with("https://") || url.starts_with("http://")) || url.len() > 500 || url.contains(' ') {
        wrong.push("media_url is no address of at most 500 characters".to_owned());
    }
    let with_link = if text.is_empty() { format!("Media: {url}") } else { format!("{text}\n\nMedia: {url}") };
    if with_link.chars().count() > LONGEST_DESCRIPTION {
        wrong.push("description and media_url together are too long".to_owned());
        return text;
    }
    with_link
}

/// Where it is: a point, an address in words, or a village by its code.
fn place(form: &Params, wrong: &mut Vec<String>) -> Place {
    let mut degrees = |name: &str, most: f64| {
        let told = form.one(name)?;
        let number = told.parse::<f64>().ok().filter(|it| it.is_finite() && it.abs() <= most);
        if number.is_none() {
            wrong.push(format!("{name} is no number of degrees from -{most} to {most}"));
        }
        number
    };
    let (latitude, longitude) = (degrees("lat", 90.0), degrees("long", 180.0));
    let address = form.one("address_string");
    let village = form.one("address_id");
    let told_point = (form.one("lat").is_some(), form.one("long").is_some());
    match told_point {
        (true, false) => wrong.push("long was not provided, and lat needs it".to_owned()),
        (false, true) => wrong.push("lat was not provided, and long needs it".to_owned()),
        (false, false) if address.is_none() && village.is_none() => {
            wrong.push("no location: provide lat and long, or address_string, or address_id".to_owned());
        }
        (true, true) | (false, false) => {}
    }
    Place {
        village_code: village.unwrap_or_default().to_owned(),
        latitude,
        longitude,
        address: address.unwrap_or_default().to_owned(),
    }
}

/// The answers to the questions of a service.
fn answers(form: &Params, category: &Category, wrong: &mut Vec<String>) -> HashMap<String, String> {
    let given = form.attributes();
    let mut answers = HashMap::new();
    for question in questions(category) {
        let name = format!("attribute[{}]", question.key);
        let values =
            given.iter().find(|(code, _)| *code == question.key).map(|(_, values)| values.as_slice());
        let Some(values) = values else {
            if question.required {
                wrong.push(format!("{name} was not provided"));
            }
            continue;
        };
        let several = question.datatype == "multivaluelist";
        let listed = several || question.datatype == "singlevaluelist";
        let sound = match question.datatype.as_str() {
            _ if listed => values.iter().all(|value| question.values.contains_key(value)),
            "number" => values.iter().all(|value| value.parse::<f64>().is_ok_and(f64::is_finite)),
            "datetime" => values.iter().all(|value| DateTime::parse_from_rfc3339(value).is_ok()),
            _ => true,
        };
        if !sound {
            wrong.push(format!("{name} has a value that its definition does not permit"));
        } else if values.len() > 1 && !several {
            wrong.push(format!("{name} has more than one value"));
        } else {
            answers.insert(question.key.clone(), values.join(","));
        }
    }
    for (code, _) in &given {
        if !category.questions.iter().any(|it| it.key == *code) {
            wrong.push(format!("attribute[{code}] is no attribute of {}", category.key));
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_idempotency_key_of_two_partners_is_two_requests() {
        let of = |api_key| request_id(api_key, "1001");
        assert_eq!(of("kunci-satu"), of("kunci-satu"));
        assert_ne!(of("kunci-satu"), of("kunci-dua"));
        assert_ne!(of("kunci-satu"), request_id("kunci-satu", "1002"));
    }
}

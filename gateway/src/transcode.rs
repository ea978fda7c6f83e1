//! JSON to protobuf and back, by descriptor: proto3 JSON as its specification has it (lowerCamelCase, enums by name,
//! 64-bit integers as strings), with defaults printed and absent messages left out.
//!
//! The fast way parses the body straight into a message. Only when that fails, [`crate::explain`] reads it again to say
//! which fields are wrong.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use mpp_kit::fault::{Problem, Violation};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, SerializeOptions, Value};
use serde_json::Value as Json;

use crate::{
    catalog::{Binding, Rpc},
    explain::{self, violation},
    matcher,
};

/// The header that makes a retry safe; fills `request_id`.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header with which a browser resumes an event stream; fills `after_seq`.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

const OPTIONS: SerializeOptions = SerializeOptions::new().skip_default_fields(false);

/// Makes the request message from the parts of an HTTP request.
///
/// # Errors
/// `INVALID_ARGUMENT` with a violation for each field, parameter or header that is wrong.
pub(crate) fn request(
    binding: &Binding,
    segments: &[&str],
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<DynamicMessage, Problem> {
    let rpc = &*binding.rpc;
    let query = query.filter(|query| !query.is_empty());
    let mut violations = Vec::new();
    let mut message = if binding.has_body {
        // With the whole message as the body, parameters would be a second way to say the same.
        violations.extend(
            form_urlencoded::parse(query.unwrap_or_default().as_bytes()).map(|(name, _)| unknown(&name)),
        );
        from_json(&rpc.input, body)?
    } else if let Some(query) = query {
        from_query(&rpc.input, query)?
    } else {
        DynamicMessage::new(rpc.input.clone())
    };
    for (field, segment) in binding.variables.iter().zip(segments) {
        violations.extend(bind(&mut message, field, segment).err());
    }
    violations.extend(headers_into(&mut message, rpc, headers));
    if violations.is_empty() { Ok(message) } else { Err(Problem::invalid(violations)) }
}

/// The message of a JSON body. An empty body is an empty message.
fn from_json(descriptor: &MessageDescriptor, body: &[u8]) -> Result<DynamicMessage, Problem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(DynamicMessage::new(descriptor.clone()));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    DynamicMessage::deserialize(descriptor.clone(), &mut json)
        .and_then(|message| json.end().map(|()| message))
        .map_err(|_| Problem::invalid(explain::body(descriptor, body)))
}

/// The message of query parameters: `pageSize=5&states=A&states=B&window.from=08:00`, in proto or JSON names.
fn from_query(descriptor: &MessageDescriptor, query: &str) -> Result<DynamicMessage, Problem> {
    let mut object = serde_json::Map::new();
    let violations: Vec<_> = form_urlencoded::parse(query.as_bytes())
        .filter_map(|(name, value)| put(&mut object, descriptor, &name, &name, &value).err())
        .collect();
    if !violations.is_empty() {
        return Err(Problem::invalid(violations));
    }
    let json = Json::Object(object);
    DynamicMessage::deserialize(descriptor.clone(), &json)
        .map_err(|_| Problem::invalid(explain::value(descriptor, &json)))
}

/// Puts one parameter into the JSON object of a message. `path` is what is left of `name`.
fn put(
    object: &mut serde_json::Map<String, Json>,
    descriptor: &MessageDescriptor,
    name: &str,
    path: &str,
    text: &str,
) -> Result<(), Violation> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let field = explain::field(descriptor, first).ok_or_else(|| unknown(name))?;
    let key = field.json_name().to_owned();
    match (rest, field.kind()) {
        (Some(rest), Kind::Message(message)) if !field.is_list() && !field.is_map() => {
            let below = object.entry(key).or_insert_with(|| Json::Object(serde_json::Map::new()));
            let below = below.as_object_mut().ok_or_else(|| violation(name, &field))?;
            put(below, &message, name, rest, text)
        }
        (Some(_), _) => Err(unknown(name)),
        (None, kind) if field.is_list() => {
            let list = object.entry(key).or_insert_with(|| Json::Array(Vec::new()));
            let list = list.as_array_mut().ok_or_else(|| violation(name, &field))?;
            list.push(scalar(&kind, text));
            Ok(())
        }
        (None, kind) => match object.insert(key, scalar(&kind, text)) {
            None => Ok(()),
            Some(_) => Err(explain::refuse(name, "GIVEN_TWICE", "isi sekali saja", "give it once")),
        },
    }
}

/// The JSON of a parameter. Numbers may stay strings in proto3 JSON; what does not fit is found when it is parsed.
fn scalar(kind: &Kind, text: &str) -> Json {
    match kind {
        Kind::Bool => text.parse().map_or_else(|_| Json::from(text), Json::Bool),
        Kind::Enum(_) => text.parse::<i32>().map_or_else(|_| Json::from(text), Json::from),
        Kind::Message(message) if message.full_name() == "google.protobuf.BoolValue" => {
            scalar(&Kind::Bool, text)
        }
        Kind::Double
        | Kind::Float
        | Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Fixed32
        | Kind::Fixed64
        | Kind::Sfixed32
        | Kind::Sfixed64
        | Kind::String
        | Kind::Bytes
        | Kind::Message(_) => Json::from(text),
    }
}

/// Sets the field of a path variable. The body may repeat it, but not contradict it.
fn bind(message: &mut DynamicMessage, field: &FieldDescriptor, segment: &str) -> Result<(), Violation> {
    let text = matcher::decoded(segment).ok_or_else(|| violation(field.name(), field))?;
    let value = match field.kind() {
        Kind::String => Value::String(text.into_owned()),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            Value::I32(text.parse().map_err(|_| violation(field.name(), field))?)
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            Value::I64(text.parse().map_err(|_| violation(field.name(), field))?)
        }
        Kind::Uint32 | Kind::Fixed32 => Value::U32(text.parse().map_err(|_| violation(field.name(), field))?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(text.parse().map_err(|_| violation(field.name(), field))?),
        Kind::Bool | Kind::Double | Kind::Float | Kind::Bytes | Kind::Message(_) | Kind::Enum(_) => {
            return Err(violation(field.name(), field));
        }
    };
    if message.has_field(field) && *message.get_field(field) != value {
        return Err(explain::refuse(
            field.name(),
            "CONTRADICTS_PATH",
            "hapus, atau samakan dengan alamatnya",
            "leave it out, or let it equal the path",
        ));
    }
    message.set_field(field, value);
    Ok(())
}

/// Sets the fields that headers may fill and the body left empty. Answers the headers that are wrong.
fn headers_into(message: &mut DynamicMessage, rpc: &Rpc, headers: &HeaderMap) -> Vec<Violation> {
    let mut violations = Vec::new();
    if let (Some(field), Some(key)) = (&rpc.request_id, headers.get(IDEMPOTENCY_KEY)) {
        match key.to_str().ok().filter(|key| is_request_id(key)) {
            Some(key) if !message.has_field(field) => message.set_field(field, Value::String(key.to_owned())),
            Some(_) => {}
            None => violations.push(explain::refuse(
                "Idempotency-Key",
                "INVALID_LENGTH",
                "isi dengan 1 sampai 128 karakter ASCII tanpa spasi",
                "give 1 to 128 visible ASCII characters",
            )),
        }
    }
    if let (Some(field), Some(tags)) = (&rpc.if_match, headers.get(header::IF_MATCH)) {
        match version(tags) {
            Some(version) if !message.has_field(field) => message.set_field(field, Value::U32(version)),
            Some(_) => {}
            None => violations.push(explain::refuse(
                "If-Match",
                "INVALID_VALUE",
                "isi dengan ETag tiket, seperti \"3\"",
                "give the ETag of the ticket, such as \"3\"",
            )),
        }
    }
    if let (Some(field), Some(last)) = (&rpc.after_seq, headers.get(LAST_EVENT_ID)) {
        match last.to_str().ok().and_then(|last| last.parse().ok()) {
            Some(last) if !message.has_field(field) => message.set_field(field, Value::I64(last)),
            Some(_) => {}
            None => violations.push(explain::refuse(
                "Last-Event-ID",
                "INVALID_VALUE",
                "isi dengan id peristiwa terakhir",
                "give the id of the last event",
            )),
        }
    }
    violations
}

/// Whether a text can be a request id: 1 to 128 visible ASCII characters.
fn is_request_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The version of an `If-Match` value: `"3"`, `W/"3"`, or `*` for any (0).
fn version(tags: &HeaderValue) -> Option<u32> {
    let tag = tags.to_str().ok()?.trim();
    if tag == "*" {
        return Some(0);
    }
    tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

fn unknown(name: &str) -> Violation {
    explain::refuse(
        name,
        explain::UNKNOWN_FIELD,
        "hapus: tidak dikenal di sini",
        "remove it: it is not known here",
    )
}

/// A response message from its bytes.
///
/// # Errors
/// `INTERNAL` if the service answered with something else than its contract says.
pub(crate) fn response(descriptor: &MessageDescriptor, bytes: Bytes) -> Result<DynamicMessage, Problem> {
    DynamicMessage::decode(descriptor.clone(), bytes).map_err(Problem::internal)
}

/// One line of JSON.
///
/// # Errors
/// `INTERNAL` if a well-known type in it is out of its range.
pub(crate) fn json(message: &DynamicMessage) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::with_capacity(1024);
    message
        .serialize_with_options(&mut serde_json::Serializer::new(&mut out), &OPTIONS)
        .map_err(Problem::internal)?;
    Ok(out)
}

/// The version of the ticket in a response, as an `ETag`.
pub(crate) fn etag(rpc: &Rpc, message: &DynamicMessage) -> Option<HeaderValue> {
    let [ticket, version] = rpc.etag.as_ref()?;
    let ticket = message.get_field(ticket);
    let version = ticket.as_message()?.get_field(version).as_u32().filter(|version| *version > 0)?;
    HeaderValue::try_from(format!("\"{version}\"")).ok()
}

/// The `seq` of a message of a stream, as an event id.
pub(crate) fn seq(rpc: &Rpc, message: &DynamicMessage) -> Option<i64> {
    let (last, way) = rpc.seq.split_last()?;
    let mut value = None;
    for field in way {
        value = Some(message.get_field(field).into_owned());
    }
    let holder = value.as_ref().map_or(Some(message), Value::as_message)?;
    holder.get_field(last).as_i64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalog::Catalog, matcher::Found};
    use http::Method;
    use prost::Message as _;

    /// Transcodes a request to the JSON of its message, or the violations as `field REASON`.
    fn transcode(
        method: &Method,
        target: &str,
        headers: &[(HeaderName, &str)],
        body: &str,
    ) -> Result<Json, Vec<String>> {
        let catalog = Catalog::new(mpp_proto::DESCRIPTORS).expect("the contracts");
        let uri: http::Uri = target.parse().expect("a target");
        let Found::Binding(index, segments) = catalog.matcher.find(method, uri.path()) else {
            panic!("{target} leads nowhere");
        };
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).expect("a value")))
            .collect();
        let message = request(&catalog.bindings[index], &segments, uri.query(), &headers, body.as_bytes())
            .map_err(|problem| {
                problem
                    .violations
                    .iter()
                    .map(|violation| format!("{} {}", violation.field, violation.reason))
                    .collect::<Vec<_>>()
            })?;
        let mut out = Vec::new();
        message
            .serialize_with_options(&mut serde_json::Serializer::new(&mut out), &SerializeOptions::new())
            .expect("JSON");
        Ok(serde_json::from_slice(&out).expect("JSON"))
    }

    fn fails(method: &Method, target: &str, headers: &[(HeaderName, &str)], body: &str) -> Vec<String> {
        transcode(method, target, headers, body).expect_err("violations")
    }

    #[test]
    fn path_body_and_header_make_one_message() {
        let message = transcode(
            &Method::POST,
            "/v1/counters/ctr%5F1:callNext",
            &[(IDEMPOTENCY_KEY, "abc-1")],
            r#"{"expectedCurrent": ""}"#,
        );
        assert_eq!(
            message,
            Ok(serde_json::json!({"requestId": "abc-1", "counter": "ctr_1", "expectedCurrent": ""}))
        );
        let message = transcode(
            &Method::POST,
            "/v1/halls/hal_1/tickets",
            &[(IDEMPOTENCY_KEY, "from-header")],
            r#"{"request_id":"from-body","service_id":"svc_1","priority":"PRIORITY_ELDERLY","assistance":["ASSISTANCE_ESCORT",4],
                "partySize":"3","appointmentTime":"2026-11-20T08:00:00Z","hall":"hal_1"}"#,
        );
        assert_eq!(
            message,
            Ok(serde_json::json!({
                "requestId": "from-body", "hall": "hal_1", "serviceId": "svc_1", "priority": "PRIORITY_ELDERLY",
                "assistance": ["ASSISTANCE_ESCORT", "ASSISTANCE_READING"], "partySize": 3,
                "appointmentTime": "2026-11-20T08:00:00Z",
            }))
        );
        assert_eq!(
            transcode(&Method::POST, "/v1/halls/hal_1:openDay", &[], " "),
            Ok(serde_json::json!({"hall": "hal_1"}))
        );
    }

    #[test]
    fn query_parameters_take_both_names_lists_and_enums() {
        for query in [
            "pageSize=5&states=TICKET_STATE_WAITING&states=2",
            "page_size=5&states=1&states=TICKET_STATE_CALLED",
        ] {
            assert_eq!(
                transcode(&Method::GET, &format!("/v1/halls/hal_1/tickets?{query}"), &[], ""),
                Ok(serde_json::json!({
                    "hall": "hal_1", "pageSize": 5, "states": ["TICKET_STATE_WAITING", "TICKET_STATE_CALLED"],
                }))
            );
        }
        assert_eq!(
            transcode(
                &Method::GET,
                "/v1/halls/hal_1/board:watch?zone=Z%201&afterSeq=9007199254740993",
                &[],
                ""
            ),
            Ok(serde_json::json!({"hall": "hal_1", "zone": "Z 1", "afterSeq": "9007199254740993"}))
        );
    }

    #[test]
    fn nested_parameters_and_timestamps_are_understood() {
        let catalog = Catalog::new(mpp_proto::DESCRIPTORS).expect("the contracts");
        let message =
            catalog.pool.get_message_by_name("mpp.queue.v1.IssueTicketResponse").expect("a message");
        let parsed = from_query(
            &message,
            "ticket.hall_id=h&ticket.arrivalTime=2026-11-20T08:00:00%2B07:00&estimate.minMinutes=4",
        );
        let json: Json = serde_json::to_value(parsed.expect("a message")).expect("JSON");
        assert_eq!(
            json,
            serde_json::json!({
                "ticket": {"hallId": "h", "arrivalTime": "2026-11-20T01:00:00Z"}, "estimate": {"minMinutes": 4},
            })
        );
        assert!(
            from_query(&message, "ticket.legs.calls=1").is_err(),
            "a list of messages has no parameter form"
        );
    }

    #[test]
    fn every_wrong_part_is_named() {
        let post = Method::POST;
        assert_eq!(
            fails(
                &post,
                "/v1/halls/h/tickets",
                &[],
                r#"{"serviceID":"x","partySize":"many","priority":"URGENT","phone":5}"#
            ),
            [
                "serviceID UNKNOWN_FIELD",
                "partySize INVALID_VALUE",
                "priority INVALID_VALUE",
                "phone INVALID_VALUE"
            ]
        );
        assert_eq!(
            fails(&post, "/v1/halls:apply", &[], r#"{"hall":{"services":[{},{"series":{"digits":1.5}}]}}"#),
            ["hall.services[1].series.digits INVALID_VALUE"]
        );
        assert_eq!(fails(&post, "/v1/halls/h:openDay", &[], "{\"hall\":"), [" INVALID_JSON"]);
        assert_eq!(fails(&post, "/v1/halls/h:openDay", &[], "[]"), [" INVALID_VALUE"]);
        assert_eq!(fails(&post, "/v1/halls/h:openDay", &[], "{} {}"), [" INVALID_JSON"]);
        assert_eq!(fails(&post, "/v1/halls/h:openDay?force=1", &[], "{}"), ["force UNKNOWN_FIELD"]);
        assert_eq!(
            fails(&post, "/v1/halls/h:openDay", &[], r#"{"hall":"other"}"#),
            ["hall CONTRADICTS_PATH"]
        );
        assert_eq!(
            fails(&post, "/v1/halls/h:openDay", &[(IDEMPOTENCY_KEY, "")], ""),
            ["Idempotency-Key INVALID_LENGTH"]
        );
        assert_eq!(
            fails(&post, "/v1/halls/h:openDay", &[(IDEMPOTENCY_KEY, "a b")], ""),
            ["Idempotency-Key INVALID_LENGTH"]
        );
        let long = "x".repeat(129);
        assert_eq!(
            fails(&post, "/v1/halls/h:openDay", &[(IDEMPOTENCY_KEY, &long)], ""),
            ["Idempotency-Key INVALID_LENGTH"]
        );
        assert_eq!(
            fails(&Method::GET, "/v1/halls?pageSize=x&pageToken=a", &[], ""),
            ["pageSize INVALID_VALUE"]
        );
        assert_eq!(
            fails(&Method::GET, "/v1/halls?pageSize=1&page_size=2", &[], ""),
            ["page_size GIVEN_TWICE"]
        );
        assert_eq!(fails(&Method::GET, "/v1/halls/%ff", &[], ""), ["hall INVALID_VALUE"]);
    }

    #[test]
    fn if_match_is_the_version_unless_the_body_has_one() {
        let target = "/v1/tickets/t:start";
        let start =
            |tag: &str, body: &str| transcode(&Method::POST, target, &[(header::IF_MATCH, tag)], body);
        assert_eq!(start("\"7\"", ""), Ok(serde_json::json!({"ticket": "t", "version": 7})));
        assert_eq!(
            start("W/\"7\"", r#"{"version":3}"#),
            Ok(serde_json::json!({"ticket": "t", "version": 3}))
        );
        assert_eq!(start("*", ""), Ok(serde_json::json!({"ticket": "t"})));
        assert_eq!(start("7", ""), Err(vec!["If-Match INVALID_VALUE".to_owned()]));
    }

    #[test]
    fn last_event_id_resumes_after_a_seq() {
        let target = "/v1/halls/h/board:watch";
        let watch = |last: &str| transcode(&Method::GET, target, &[(LAST_EVENT_ID, last)], "");
        assert_eq!(watch("41"), Ok(serde_json::json!({"hall": "h", "afterSeq": "41"})));
        assert_eq!(watch("x"), Err(vec!["Last-Event-ID INVALID_VALUE".to_owned()]));
    }

    #[test]
    fn responses_print_defaults_and_leave_absent_messages_out() {
        let catalog = Catalog::new(mpp_proto::DESCRIPTORS).expect("the contracts");
        let rpc = &catalog.rpcs["/mpp.queue.v1.QueueService/GetTicket"];
        let ticket = mpp_proto::queue::v1::Ticket { id: "tkt_1".into(), version: 4, ..Default::default() };
        let answer = mpp_proto::queue::v1::GetTicketResponse { ticket: Some(ticket), ..Default::default() };
        let message = response(&rpc.output, answer.encode_to_vec().into()).expect("a message");
        assert_eq!(etag(rpc, &message), Some(HeaderValue::from_static("\"4\"")));
        let json: Json = serde_json::from_slice(&json(&message).expect("JSON")).expect("JSON");
        assert_eq!(json["peopleAhead"], 0);
        assert!(json.get("estimate").is_none(), "{json}");
        assert_eq!(json["ticket"]["state"], "TICKET_STATE_UNSPECIFIED");
        assert_eq!(json["ticket"]["legs"], serde_json::json!([]));
        assert!(json["ticket"].get("callTime").is_none(), "{json}");
    }

    #[test]
    fn finds_the_seq_of_stream_messages() {
        use mpp_proto::queue::v1::{CounterDesk, WatchBoardResponse, WatchCounterResponse};
        let catalog = Catalog::new(mpp_proto::DESCRIPTORS).expect("the contracts");
        let seq_of = |path: &str, bytes: Vec<u8>| {
            let rpc = &catalog.rpcs[path];
            seq(rpc, &response(&rpc.output, bytes.into()).expect("a message"))
        };
        let board = WatchBoardResponse { seq: 12, ..Default::default() };
        assert_eq!(seq_of("/mpp.queue.v1.QueueService/WatchBoard", board.encode_to_vec()), Some(12));
        let desk = WatchCounterResponse { desk: Some(CounterDesk { seq: 13, ..Default::default() }) };
        assert_eq!(seq_of("/mpp.queue.v1.QueueService/WatchCounter", desk.encode_to_vec()), Some(13));
        assert_eq!(seq_of("/mpp.queue.v1.QueueService/WatchTicket", Vec::new()), None);
    }
}

//! What the API refuses, on every operation of the contracts: without a token, without the permission, for what is not
//! there, for what is not well formed. Read from the descriptors, so that a new operation is in it by itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::TimeDelta;
use mpp_kit::auth::Policies;
use mpp_kit::clock::{Clock as _, SystemClock};
use mpp_kit::db::Engine;
use mpp_proto::identity::v1::{CreateAccountRequest, Grant, Role};
use mpp_tests::harness::people::PASSWORD;
use mpp_tests::harness::{Api, Persona, Signing, TestSuite, hall};
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::documents;

/// An operation of the public API.
struct Operation {
    name: String,
    service: String,
    method: Method,
    /// With its variables in braces.
    path: String,
    permission: String,
    streams: bool,
    input: MessageDescriptor,
}

fn operations() -> Vec<Operation> {
    let pool = DescriptorPool::decode(mpp_proto::DESCRIPTORS).expect("the contracts");
    let policies = Policies::from_descriptors(mpp_proto::DESCRIPTORS).expect("the policies");
    let http = pool.get_extension_by_name("google.api.http").expect("the annotation");
    let mut operations = Vec::new();
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let options: DynamicMessage = method.options();
        let policy = policies
            .get(&format!("/{}/{}", method.parent_service().full_name(), method.name()))
            .expect("a policy");
        let rule = options.get_extension(&http);
        let rule = rule.as_message().expect("a rule");
        let text = |name: &str| {
            rule.get_field_by_name(name)
                .and_then(|value| value.as_str().map(str::to_owned))
                .unwrap_or_default()
        };
        let (verb, path) = [(Method::GET, "get"), (Method::POST, "post"), (Method::DELETE, "delete")]
            .into_iter()
            .map(|(verb, name)| (verb, text(name)))
            .find(|(_, path)| !path.is_empty())
            .expect("a way in");
        operations.push(Operation {
            name: method.name().to_owned(),
            service: method.parent_service().name().to_owned(),
            method: verb,
            path,
            permission: policy.permission.clone(),
            streams: policy.server_streaming,
            input: method.input(),
        });
    }
    assert!(operations.len() >= 50, "the contracts were not read");
    operations
}

impl Operation {
    fn variables(&self) -> Vec<&str> {
        self.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }

    fn has_body(&self) -> bool {
        self.method == Method::POST
    }

    fn path_with(&self, mut value: impl FnMut(&str) -> String) -> String {
        self.variables()
            .iter()
            .fold(self.path.clone(), |path, name| path.replace(&format!("{{{name}}}"), &value(name)))
    }
}

/// What stands for each name in a request that is well formed.
fn good(suite: &TestSuite, ids: &BTreeMap<&str, String>, field: &str) -> Option<Value> {
    Some(match field {
        "service_id" => json!(hall::service_id(&suite.hall, "A1")),
        "ticket" => json!(ids["ticket"]),
        "reason" => json!("alasan yang cukup panjang"),
        "void_reason" => json!("VOID_REASON_WRONG_SERVICE"),
        "version" => json!(0),
        "collector" => json!("Penerima"),
        "copies" => json!(1),
        "draft_version" => json!(1),
        "letter_type" => json!("sktm"),
        "url" => json!("https://penerima.example/masuk"),
        "status_code" => json!("40"),
        "official_name" => json!("Petugas Contoh"),
        "reference" => json!("STS-0001"),
        "amount" => json!("25000"),
        "from_time" | "pay_time" => json!("2026-11-23T02:00:00Z"),
        "to_time" => json!("2026-11-24T02:00:00Z"),
        "method" => json!("PAYMENT_METHOD_CASH"),
        "message" => json!("lcm_01h455vb4pex5vsknk084sn02q"),
        "request_id" => json!(format!("negatif-{:016x}", rand::random::<u64>())),
        _ => return None,
    })
}

fn good_body(suite: &TestSuite, ids: &BTreeMap<&str, String>, operation: &Operation) -> Value {
    let mut body = Map::new();
    for field in operation.input.fields() {
        if operation.variables().contains(&field.name()) {
            continue;
        }
        if let Some(value) = good(suite, ids, field.name()) {
            body.insert(field.json_name().to_owned(), value);
        }
    }
    Value::Object(body)
}

/// The suite of these tests: with the people of letters, whom the seal of the installation signs for.
async fn start() -> TestSuite {
    start_on(Engine::Sqlite).await
}

async fn start_on(engine: Engine) -> TestSuite {
    TestSuite::builder().engine(engine).letters(Signing::Seal).start().await
}

/// Ids that exist: by the name of the path variable.
async fn known(suite: &TestSuite) -> BTreeMap<&'static str, String> {
    let manager = suite.api(Persona::Manager).await;
    let body = json!({"serviceId": hall::service_id(&suite.hall, "A1")});
    let ticket = manager.post(&format!("/v1/halls/{}/tickets", suite.hall.id), &body).await.ok();
    let admin = suite.api(Persona::Admin).await;
    let first = |list: Value, name: &str| list[name][0]["id"].as_str().expect("an id").to_owned();
    let (filed, document, verification_code) = documents::issued(suite).await;
    let body = json!({"url": "https://penerima.example/masuk"});
    let webhook = admin.post("/v1/webhooks", &body).await.ok();
    BTreeMap::from([
        ("hall", suite.hall.id.clone()),
        ("counter", hall::counter_id(&suite.hall, "1").to_owned()),
        ("ticket", ticket["ticket"]["id"].as_str().expect("an id").to_owned()),
        ("token", ticket["ticket"]["token"].as_str().expect("a token").to_owned()),
        ("account", first(admin.get("/v1/accounts").await.ok(), "accounts")),
        ("device", first(admin.get("/v1/devices").await.ok(), "devices")),
        ("letter_type", "sktm".to_owned()),
        ("office", first(admin.get("/v1/offices").await.ok(), "offices")),
        ("application", filed.id),
        ("code", filed.code),
        ("file", filed.file),
        ("document", document),
        ("verification_code", verification_code),
        ("webhook", webhook["webhook"]["id"].as_str().expect("an id").to_owned()),
        // Nothing was sent, and OSS has asked for nothing: these are well formed alone.
        ("delivery", unknown("delivery")),
        ("licence", unknown("licence")),
        ("signing", unknown("signing")),
        // No complaint was filed: these are well formed alone.
        ("complaint", unknown("complaint")),
        ("number", unknown("number")),
        ("reveal", unknown("reveal")),
        ("escalation", unknown("escalation")),
        ("deadline", unknown("deadline")),
        ("evidence", unknown("evidence")),
        ("agency", unknown("agency")),
        ("period", "2026-11".to_owned()),
        ("channel", unknown("channel")),
        ("message_type", "eskalasi".to_owned()),
        ("notification", unknown("notification")),
        ("item", unknown("item")),
        ("callback", unknown("callback")),
        ("channel_account", unknown("channel_account")),
        ("network", unknown("network")),
    ])
}

/// Ids that are well formed and name nothing.
fn unknown(name: &str) -> String {
    let prefix = match name {
        "hall" => "hal",
        "counter" => "ctr",
        "ticket" => "tkt",
        "account" => "acc",
        "device" => "dev",
        "office" => "ofc",
        "application" => "app",
        "file" => "fil",
        "document" => "doc",
        "webhook" => "whk",
        "delivery" => "dlv",
        "licence" => "lic",
        "notification" => "ntf",
        "item" => "inb",
        "callback" => "whk",
        "complaint" => "cmp",
        "reveal" => "rvl",
        "escalation" => "esc",
        "deadline" => "dln",
        "evidence" => "evd",
        "number" => return "ADU-2026-999999-5".to_owned(),
        "agency" => return "99.99~tidak-ada".to_owned(),
        "period" => return "tidak-ada".to_owned(),
        // A request id.
        "signing" => return "01939b2e-7d0a-7c1e-8f5b-3a4d5e6f7a8b".to_owned(),
        "letter_type" | "message_type" | "channel_account" | "channel" | "network" => {
            return "tidak_ada".to_owned();
        }
        "code" | "verification_code" => return "7Q3K-9M2X-A1B2-C3D4".to_owned(),
        "token" => return "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        other => panic!("{other} is a new variable: say here what its ids look like"),
    };
    format!("{prefix}_01h455vb4pex5vsknk084sn02q")
}

/// The answer to a request; a stream is left as soon as its status is known.
struct Seen {
    status: StatusCode,
    media: String,
    body: Value,
    asked: String,
}

async fn ask(
    api: &Api,
    operation: &Operation,
    path: &str,
    body: Option<&str>,
    headers: &[(&str, &str)],
) -> Seen {
    let mut request = api.http().request(operation.method.clone(), format!("{}{path}", api.base()));
    if let Some(token) = api.token() {
        request = request.bearer_auth(token);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_owned());
    }
    let asked = format!("{} {path} {}", operation.method, body.unwrap_or_default());
    let asked: String = asked.chars().take(300).collect();
    let response = request.send().await.unwrap_or_else(|error| panic!("{asked}: {error:?}"));
    let status = response.status();
    let media =
        response.headers().get("content-type").and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let body = if media.starts_with("text/event-stream") {
        Value::Null
    } else {
        serde_json::from_str(&response.text().await.unwrap_or_default()).unwrap_or(Value::Null)
    };
    Seen { status, media, body, asked }
}

impl Seen {
    /// A refusal in the one shape that all of them have.
    #[track_caller]
    fn refused(&self, status: u16, reason: &str) {
        assert_eq!(self.status.as_u16(), status, "{} → {}", self.asked, self.body);
        assert!(self.media.starts_with("application/problem+json"), "{} → {}", self.asked, self.media);
        assert_eq!(self.body["reason"], reason, "{} → {}", self.asked, self.body);
        assert_eq!(self.body["status"], status, "{}", self.asked);
        for member in ["type", "title", "detail", "instance"] {
            assert!(
                self.body[member].as_str().is_some_and(|text| !text.is_empty()),
                "{} has no {member}: {}",
                self.asked,
                self.body
            );
        }
        assert!(self.body["metadata"].is_object() && self.body["violations"].is_array(), "{}", self.body);
    }

    #[track_caller]
    fn names(&self, field: &str) {
        let violations = self.body["violations"].as_array().cloned().unwrap_or_default();
        let named = violations.iter().any(|it| {
            it["field"].as_str().is_some_and(|it| it == field || it.starts_with(&format!("{field}.")))
        });
        assert!(named, "{} does not name {field}: {}", self.asked, self.body);
        assert!(
            violations.iter().all(|it| it["description"].as_str().is_some_and(|text| !text.is_empty())),
            "{}",
            self.body
        );
    }
}

/// Somebody who is signed in and may do nothing yet: the one grant begins tomorrow.
async fn without_grants(suite: &TestSuite) -> Api {
    let (mut identity, _) = suite.system().await;
    let tomorrow = SystemClock.now() + TimeDelta::days(1);
    let request = CreateAccountRequest {
        request_id: "tanpa-hak".to_owned(),
        username: "tanpa-hak".to_owned(),
        display_name: "Tanpa Hak".to_owned(),
        password: PASSWORD.to_owned(),
        grants: vec![Grant {
            role: Role::Admin.into(),
            valid_from: Some(prost_reflect::prost_types::Timestamp {
                seconds: tomorrow.timestamp(),
                nanos: 0,
            }),
            ..Grant::default()
        }],
    };
    identity.create_account(request).await.expect("an account whose grant begins tomorrow");
    Api::anonymous(suite.base_url()).sign_in("tanpa-hak", PASSWORD).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_every_operation_is_refused() {
    let suite = start().await;
    let ids = known(&suite).await;
    let anonymous = Api::anonymous(suite.base_url());
    let mut refused = 0;
    for operation in operations() {
        let path = operation.path_with(|name| ids[name].clone());
        let body = operation.has_body().then(|| good_body(&suite, &ids, &operation).to_string());
        let seen = ask(&anonymous, &operation, &path, body.as_deref(), &[]).await;
        if operation.permission == "public" {
            assert_ne!(seen.body["reason"], "TOKEN_MISSING", "{} is public", operation.name);
            continue;
        }
        seen.refused(401, "TOKEN_MISSING");
        // Something that is no token is no token.
        for (bearer, reason) in [("Bearer rubbish", "TOKEN_INVALID"), ("Bearer a.b.c", "TOKEN_INVALID")] {
            ask(&anonymous, &operation, &path, body.as_deref(), &[("authorization", bearer)])
                .await
                .refused(401, reason);
        }
        refused += 1;
    }
    assert!(refused >= 45, "only {refused} operations need a token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_permission_every_operation_is_refused() {
    let suite = start().await;
    let ids = known(&suite).await;
    let nothing = without_grants(&suite).await;
    // Who has some permissions, but not this one.
    let others = [
        Persona::Board,
        Persona::Kiosk,
        Persona::Analyst,
        Persona::Counter1,
        Persona::Auditor,
        Persona::Reception,
    ];
    for operation in
        operations().iter().filter(|it| !["public", "authenticated"].contains(&it.permission.as_str()))
    {
        let path = operation.path_with(|name| ids[name].clone());
        let body = operation.has_body().then(|| good_body(&suite, &ids, operation).to_string());
        let seen = ask(&nothing, operation, &path, body.as_deref(), &[]).await;
        seen.refused(403, "PERMISSION_MISSING");
        assert_eq!(seen.body["metadata"]["permission"], operation.permission, "{}", operation.name);
        let mut also = 0;
        for persona in others {
            let seen = ask(&suite.api(persona).await, operation, &path, body.as_deref(), &[]).await;
            if seen.status == StatusCode::FORBIDDEN && seen.body["reason"] == "PERMISSION_MISSING" {
                also += 1;
            }
        }
        // The permission to read the hall is everybody's.
        assert!(also > 0 || operation.permission == "queue.read", "{} is refused to nobody", operation.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_not_found_in_one_way() {
    let suite = start().await;
    let ids = known(&suite).await;
    let admin = suite.api(Persona::Admin).await;
    let mut answers: BTreeMap<String, String> = BTreeMap::new();
    // A period is no thing: a wrong one is refused like a wrong field.
    let things = operations();
    for operation in things.iter().filter(|it| !it.variables().is_empty() && it.variables() != ["period"]) {
        // A wrong code is wrong before it is asked in which hall.
        let onsite = operation.name.contains("Onsite");
        let path = operation.path_with(unknown);
        let body = operation.has_body().then(|| good_body(&suite, &ids, operation).to_string());
        let seen = ask(&admin, operation, &path, body.as_deref(), &[]).await;
        if onsite && seen.status == StatusCode::FORBIDDEN {
            assert_eq!(seen.body["reason"], "SITE_CODE_INVALID");
        } else {
            seen.refused(404, "NOT_FOUND");
            // One sentence per kind of thing, whatever was asked of it. Each service has tokens of its own.
            let kind = format!("{} {}", operation.service, operation.variables()[0]);
            let detail = seen.body["detail"].as_str().unwrap_or_default().to_owned();
            let first = answers.entry(kind).or_insert_with(|| detail.clone());
            assert_eq!(*first, detail, "{}", operation.name);
        }
        // What cannot be an id is said to be wrong, with the name of the field. A token may be any text, and an account
        // may be named by its username.
        let ids = [
            "hall",
            "counter",
            "ticket",
            "device",
            "office",
            "application",
            "document",
            "webhook",
            "delivery",
            "licence",
            "notification",
            "item",
            "callback",
        ];
        if ids.contains(&operation.variables()[0]) {
            let path = operation.path_with(|_| "salah".to_owned());
            let seen = ask(&admin, operation, &path, body.as_deref(), &[]).await;
            seen.refused(400, "INVALID_REQUEST");
            seen.names(operation.variables()[0]);
        }
    }
    // Out of reach is as if it were not there: the same answer, apart from the id of the request.
    let staff = suite.api(Persona::Counter1).await;
    let mut shown = Vec::new();
    for counter in [hall::counter_id(&suite.hall, "3").to_owned(), unknown("counter")] {
        let mut body = staff.get(&format!("/v1/counters/{counter}")).await.refused(404, "NOT_FOUND");
        body["instance"] = Value::Null;
        shown.push(body);
    }
    assert_eq!(shown[0], shown[1]);
    // An address that leads nowhere, and a method that does not fit.
    admin.get("/v1/tidakAda").await.refused(404, "PATH_NOT_FOUND");
    let wrong = admin.send(Method::PUT, &format!("/v1/halls/{}", suite.hall.id), None, &[]).await;
    assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED, "{}", wrong.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_well_formed_is_refused_with_the_name_of_the_field() {
    let suite = start().await;
    let ids = known(&suite).await;
    let admin = suite.api(Persona::Admin).await;
    let mut enums = 0;
    for operation in operations() {
        let path = operation.path_with(|name| ids[name].clone());
        if !operation.has_body() {
            // Parameters of a query are fields as well.
            let seen = ask(&admin, &operation, &format!("{path}?tidakDikenal=1"), None, &[]).await;
            seen.refused(400, "INVALID_REQUEST");
            seen.names("tidakDikenal");
            continue;
        }
        for broken in ["{", "[]", "\"teks\"", "{\"a\":1,}", "nul", "{} {}"] {
            let seen = ask(&admin, &operation, &path, Some(broken), &[]).await;
            seen.refused(400, "INVALID_REQUEST");
        }
        let mut body = good_body(&suite, &ids, &operation);
        body["tidakDikenal"] = json!(1);
        let seen = ask(&admin, &operation, &path, Some(&body.to_string()), &[]).await;
        seen.refused(400, "INVALID_REQUEST");
        seen.names("tidakDikenal");
        for field in operation.input.fields() {
            let wrong = match field.kind() {
                Kind::Enum(_) => json!("TIDAK_DIKENAL"),
                Kind::String => json!(17),
                Kind::Int32 | Kind::Uint32 | Kind::Int64 => json!("dua belas"),
                Kind::Bool => json!("mungkin"),
                Kind::Message(_) => json!(true),
                Kind::Bytes => json!("bukan base64!"),
                Kind::Double
                | Kind::Float
                | Kind::Uint64
                | Kind::Sint32
                | Kind::Sint64
                | Kind::Fixed32
                | Kind::Fixed64
                | Kind::Sfixed32
                | Kind::Sfixed64 => panic!("{:?} is a new kind: say here what is wrong for it", field.kind()),
            };
            enums += usize::from(matches!(field.kind(), Kind::Enum(_)));
            let mut body = good_body(&suite, &ids, &operation);
            body[field.json_name()] = if field.is_list() { json!([wrong]) } else { wrong };
            let seen = ask(&admin, &operation, &path, Some(&body.to_string()), &[]).await;
            seen.refused(400, "INVALID_REQUEST");
            let violations = seen.body["violations"].as_array().cloned().unwrap_or_default();
            let names = |it: &Value| it["field"].as_str().is_some_and(|it| it.starts_with(field.json_name()));
            assert!(
                violations.iter().any(names),
                "{} does not name {}: {}",
                seen.asked,
                field.json_name(),
                seen.body
            );
        }
    }
    assert!(enums >= 4, "only {enums} enums were tried");
}

/// Something odd for a field.
fn odd(rng: &mut StdRng, field: &FieldDescriptor, depth: u8) -> Value {
    let texts = [
        "",
        " ",
        "\u{0}",
        "a\u{0}b",
        "null",
        "../../etc/passwd",
        "'; DROP TABLE queue_event; --",
        "👩‍🦽🎫",
        "\u{202e}kanan",
        "hal_",
        "tkt_01h455vb4pex5vsknk084sn02q",
        "ctr_81h455vb4pex5vsknk084sn02q",
        "app_01h455vb4pex5vsknk084sn02q",
        "17.07.02.2001/001/002",
        "1707026602929998",
        "2026-13-45",
        "25:61",
        "-1",
        "1e400",
        "{}",
    ];
    let long = "x".repeat(20_000);
    let anything = |rng: &mut StdRng| match rng.random_range(0..9) {
        0 => Value::Null,
        1 => json!(rng.random_bool(0.5)),
        2 => json!([i64::MIN, -1, 0, 1, i64::from(i32::MAX) + 1, i64::MAX][rng.random_range(0..6)]),
        3 => json!([0.5, -0.0, 1e308, 4_294_967_296.0][rng.random_range(0..4)]),
        4 => json!([]),
        5 => json!({"a": {"b": [1, null]}}),
        6 => json!(long),
        _ => json!(texts.choose(rng).expect("not empty")),
    };
    // Mostly of the right kind, so that it comes through to the service.
    if rng.random_bool(0.25) {
        return anything(rng);
    }
    let one = |rng: &mut StdRng| match field.kind() {
        Kind::String => json!(texts.choose(rng).expect("not empty")),
        Kind::Bool => json!(rng.random_bool(0.5)),
        Kind::Enum(it) => {
            let values: Vec<_> = it.values().collect();
            let value = values.choose(rng).expect("not empty");
            if rng.random_bool(0.7) {
                json!(value.name())
            } else {
                json!([-1, 99, i32::MAX][rng.random_range(0..3)])
            }
        }
        Kind::Int32 | Kind::Int64 => json!([i32::MIN, -1, 0, 1, 7, 10_000, i32::MAX][rng.random_range(0..7)]),
        Kind::Uint32 => json!([0_u32, 1, 2, u32::MAX][rng.random_range(0..4)]),
        Kind::Message(it) if it.full_name() == "google.protobuf.Timestamp" => {
            let times = [
                "0001-01-01T00:00:00Z",
                "9999-12-31T23:59:59.999999999Z",
                "2026-03-02T01:00:00Z",
                "1969-12-31T23:59:59Z",
                "besok",
            ];
            json!(times.choose(rng).expect("not empty"))
        }
        Kind::Message(it) if it.full_name() == "google.protobuf.Struct" => {
            let mut values = Map::new();
            for key in ["tempat_lahir", "tanggal_lahir", "penghasilan", "nama", "", "\u{0}", "__proto__"] {
                if rng.random_bool(0.5) {
                    values.insert(key.to_owned(), anything(rng));
                }
            }
            Value::Object(values)
        }
        Kind::Message(it) if depth < 3 => object(rng, &it, &[], depth + 1),
        Kind::Bytes => {
            // Nothing, no PDF, the beginnings of a PDF and of pictures, a PDF that leads astray, and no base64.
            let contents = [
                "",
                "AA==",
                "JVBERi0xLjcK",
                "iVBORw0KGgo=",
                "/9j/4AAQSkZJRgABAQ==",
                "JVBERi0xLjcKMSAwIG9iago8PC9UeXBlL1NpZy9CeXRlUmFuZ1swIDk5OTk5OTk5OTkgLTEgNV0vQ29udGVudHM8MDA+Pj4KZW5kb2JqCnRyYWlsZXI8PC9Sb290IDEgMCBSPj4Kc3RhcnR4cmVmCjk5OTk5OTkKJSVFT0YK",
                "?",
            ];
            json!(contents.choose(rng).expect("not empty"))
        }
        Kind::Double
        | Kind::Float
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Fixed32
        | Kind::Fixed64
        | Kind::Sfixed32
        | Kind::Sfixed64
        | Kind::Message(_) => Value::Null,
    };
    if field.is_list() {
        let length = [0, 1, 2, 40][rng.random_range(0..4)];
        (0..length).map(|_| one(rng)).collect()
    } else {
        one(rng)
    }
}

/// An object with some of the fields of a message, odd each.
fn object(rng: &mut StdRng, message: &MessageDescriptor, without: &[&str], depth: u8) -> Value {
    let mut object = Map::new();
    for field in message.fields().filter(|field| !without.contains(&field.name())) {
        if rng.random_bool(0.6) {
            object.insert(field.json_name().to_owned(), odd(rng, &field, depth));
        }
    }
    Value::Object(object)
}

fn query(rng: &mut StdRng, operation: &Operation) -> String {
    let mut out = String::new();
    for field in operation.input.fields() {
        if rng.random_bool(0.5) && !operation.variables().contains(&field.name()) {
            let value = odd(rng, &field, 3);
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let value: String = value.chars().take(500).collect();
            let encoded: String = value.bytes().fold(String::new(), |mut out, byte| {
                write!(out, "%{byte:02X}").expect("text");
                out
            });
            write!(out, "{}{}={encoded}", if out.is_empty() { "?" } else { "&" }, field.json_name())
                .expect("text");
        }
    }
    out
}

/// Odd inputs on every operation: refused or taken, never a failure of the suite, and never a refusal in another shape.
async fn odd_inputs(engine: Engine) {
    // The same every time; another seed is another run.
    let mut rng = StdRng::seed_from_u64(20_261_121);
    let suite = start_on(engine).await;
    let ids = known(&suite).await;
    let (admin, anonymous) = (suite.api(Persona::Admin).await, Api::anonymous(suite.base_url()));
    let segments = [
        "%00",
        "%2e%2e",
        "%F0%9F%8E%AB",
        "a%2Fb",
        "-",
        "%FF",
        "hal_01h455vb4pex5vsknk084sn02q",
        "7Q3K-9M2X-A1B2-C3D4",
        "x",
        "%20",
        "%25",
    ];
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for operation in operations() {
        // Signing the administrator out would make the rest of the run worthless.
        if operation.method == Method::DELETE {
            continue;
        }
        for round in 0..16 {
            let path = operation.path_with(|name| {
                if rng.random_bool(0.7) {
                    ids[name].clone()
                } else {
                    (*segments.choose(&mut rng).expect("not empty")).to_owned()
                }
            });
            let (path, body) = if operation.has_body() {
                (path, Some(object(&mut rng, &operation.input, &operation.variables(), 0).to_string()))
            } else {
                (format!("{path}{}", query(&mut rng, &operation)), None)
            };
            // Accounts and devices of the test must stay as they are.
            if operation.name.starts_with("Disable") || operation.name.starts_with("Revoke") {
                continue;
            }
            let headers: &[(&str, &str)] = match round % 4 {
                0 => &[("idempotency-key", "sama"), ("accept-language", "xx;q=9, en;q=abc")],
                1 => &[("idempotency-key", " "), ("if-match", "*"), ("last-event-id", "-9")],
                2 => &[
                    ("if-match", "\"x\""),
                    ("last-event-id", "99999999999999999999"),
                    ("accept", "text/plain"),
                ],
                _ => &[],
            };
            let api = if round % 5 == 4 { &anonymous } else { &admin };
            let seen = ask(api, &operation, &path, body.as_deref(), headers).await;
            assert!(seen.status.as_u16() < 500, "{} → {} {}", seen.asked, seen.status, seen.body);
            if seen.status.is_client_error() {
                assert!(
                    seen.media.starts_with("application/problem+json"),
                    "{} → {} {}",
                    seen.asked,
                    seen.status,
                    seen.media
                );
                assert!(
                    seen.body["reason"].as_str().is_some_and(|reason| !reason.is_empty()),
                    "{}",
                    seen.asked
                );
            }
            *statuses.entry(seen.status.as_u16()).or_default() += 1;
            assert!(
                !operation.streams
                    || seen.status != StatusCode::OK
                    || seen.media.starts_with("text/event-stream"),
                "{}",
                seen.asked
            );
        }
    }
    for expected in [200, 400, 401, 404] {
        assert!(
            statuses.contains_key(&expected),
            "no {expected} among {statuses:?}: the inputs are not odd enough"
        );
    }
    // And the suite works.
    let body = json!({"serviceId": hall::service_id(&suite.hall, "B1")});
    let hall = suite.api(Persona::Admin).await.get("/v1/halls").await.ok();
    assert_eq!(hall["halls"][0]["id"], suite.hall.id.as_str());
    let manager = suite.api(Persona::Manager).await;
    manager.post(&format!("/v1/halls/{}:openDay", suite.hall.id), &json!({})).await.ok();
    manager.post(&format!("/v1/halls/{}:resumeIntake", suite.hall.id), &json!({})).await.ok();
    manager.post(&format!("/v1/halls/{}/tickets", suite.hall.id), &body).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_inputs_never_make_the_suite_fail_on_sqlite() {
    odd_inputs(Engine::Sqlite).await;
}

/// PostgreSQL refuses what SQLite takes, such as a NUL in a text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_inputs_never_make_the_suite_fail_on_postgresql() {
    odd_inputs(Engine::Postgres).await;
}

//! Notifications through the front door: asked for by REST, sent to the stand-in for WhatsApp, reported back by its webhook.

use std::sync::Arc;
use std::time::Duration;

use mpp::simulator::whatsapp::{Account, Simulator};
use mpp_kit::clock::SystemClock;
use mpp_kit::db::Engine;
use mpp_tests::harness::{Api, Persona, TestSuite};
use serde_json::{Value, json};

const NUMBER: &str = "6281234599001";

async fn start(engine: Engine) -> (TestSuite, Simulator) {
    let simulator = Simulator::start(Account::default(), Arc::new(SystemClock)).await.expect("a free port");
    let settings = simulator.settings();
    let suite = TestSuite::builder()
        .engine(engine)
        .configure(move |config| {
            config.notifications.whatsapp.insert("utama".to_owned(), settings);
            config.notifications.allow_list = "*".into();
            config.notifications.tick_millis = 100;
        })
        .start()
        .await;
    (suite, simulator)
}

/// Asks until the answer is as it should be.
async fn until(api: &Api, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..300 {
        let found = api.get(path).await.ok();
        if is(&found) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{path} never came to what it should be");
}

async fn out_and_back(engine: Engine) {
    let (suite, simulator) = start(engine).await;
    let admin = suite.api(Persona::Admin).await;
    // Meta shakes hands first.
    let hook = format!("{}/hooks/whatsapp/utama", suite.base_url());
    let http = admin.http();
    let shake = |token: &str| {
        let challenge = "hub.mode=subscribe&hub.challenge=1158201444";
        http.get(format!("{hook}?{challenge}&hub.verify_token={token}")).send()
    };
    let answer = shake("simulator-verify").await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.expect("a text"), "1158201444");
    assert_eq!(shake("lain").await.expect("an answer").status(), 403);

    let is_approved =
        |it: &Value| it["channel"] == "CHANNEL_WHATSAPP" && it["state"] == "VARIANT_STATE_APPROVED";
    let approved = |list: &Value| list["variants"].as_array().is_some_and(|it| it.iter().any(is_approved));
    until(&admin, "/v1/messageTypes/tanda_terima/variants", approved).await;
    let body = json!({
        "reference": "adu_e2e",
        "messageType": "tanda_terima",
        "recipient": {"addresses": {"whatsapp": NUMBER}},
        "placeholders": {
            "nomor": "ADU-2026-000009-1", "pin": "113355", "tenggatJawaban": "x",
            "tenggat_jawaban": "1 Desember 2026", "tenggat_selesai": "14 Desember 2026",
            "tautan": "https://mpp.example/lacak",
        },
    });
    let refused = admin.post("/v1/notifications", &body).await.refused(400, "INVALID_REQUEST");
    assert_eq!(refused["violations"][0]["field"], "placeholders.tenggatJawaban");
    let mut body = body;
    body["placeholders"].as_object_mut().expect("an object").remove("tenggatJawaban");
    // Idempotency-Key is the request id.
    let key = [("idempotency-key", "e2e-satu")];
    let post =
        async |body: &Value| admin.send(reqwest::Method::POST, "/v1/notifications", Some(body), &key).await;
    let made = post(&body).await;
    assert!(!made.headers.contains_key("idempotent-replayed"), "{:?}", made.headers);
    let made = made.ok();
    let id = made["notification"]["id"].as_str().expect("an id").to_owned();
    let again = post(&body).await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.ok()["notification"]["id"], id.as_str());
    let mut other = body.clone();
    other["placeholders"]["pin"] = json!("000000");
    post(&other).await.refused(422, "REQUEST_ID_REUSED");

    let path = format!("/v1/notifications/{id}");
    let status = |status: &'static str| move |found: &Value| found["notification"]["status"] == status;
    until(&admin, &path, status("DELIVERY_STATUS_SENT")).await;
    let taken = simulator.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].body["template"]["components"][0]["parameters"][0]["text"], "ADU-2026-000009-1");
    // A webhook that is not signed by Meta changes nothing.
    let mut call = simulator.statuses(&[(&taken[0].id, "delivered", 0)]);
    let good = call.signature.clone();
    call.signature = "sha256=00".to_owned();
    assert_eq!(simulator.post(http, &hook, call.clone()).await.expect("an answer"), 401);
    call.signature = good;
    let elsewhere = format!("{}/hooks/whatsapp/lain", suite.base_url());
    assert_eq!(simulator.post(http, &elsewhere, call.clone()).await.expect("an answer"), 404);
    assert_eq!(simulator.post(http, &hook, call).await.expect("an answer"), 200);
    let found = until(&admin, &path, status("DELIVERY_STATUS_DELIVERED")).await;
    assert!(found["notification"]["steps"][0]["deliveredTime"].is_string(), "{found}");
    let unsubscribe = http.post(format!("{}/berhenti/salah", suite.base_url())).send().await;
    assert_eq!(unsubscribe.expect("an answer").status(), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_out_and_its_status_comes_back_through_the_gateway_on_sqlite() {
    out_and_back(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_out_and_its_status_comes_back_through_the_gateway_on_postgresql() {
    out_and_back(Engine::Postgres).await;
}

/// What complaints signs in with where it has a process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_account_of_complaints_may_send_and_follow_and_nothing_else() {
    let suite = TestSuite::builder().start().await;
    let admin = suite.api(Persona::Admin).await;
    let account = json!({
        "username": "pengaduan.kirim",
        "displayName": "Pengaduan (sistem)",
        "password": "kata-sandi-sistem-yang-panjang",
        "grants": [{"role": "ROLE_NOTIFICATION_SENDER"}],
    });
    admin.post("/v1/accounts", &account).await.ok();
    let sender = admin.sign_in("pengaduan.kirim", "kata-sandi-sistem-yang-panjang").await;
    let notification = json!({
        "reference": "adu_e2e",
        "messageType": "perubahan_status",
        "recipient": {"addresses": {"email": "delivered@simulasi.invalid"}},
        "placeholders": {"nomor": "ADU-2026-000009-1", "status": "selesai", "tautan": "https://mpp.example/lacak"},
    });
    let made = sender.post("/v1/notifications", &notification).await.ok();
    let id = made["notification"]["id"].as_str().expect("an id").to_owned();
    let found = sender.get(&format!("/v1/notifications/{id}")).await.ok();
    assert_eq!(found["notification"]["reference"], "adu_e2e");
    for path in [
        "/v1/accounts",
        "/v1/messageTypes",
        "/v1/deliveryRules",
        "/v1/channelAccounts",
        "/v1/callbacks",
        "/v1/complaints",
        "/v1/halls",
        "/v1/documents",
        "/v1/documentEvents",
    ] {
        sender.get(path).await.refused(403, "PERMISSION_MISSING");
    }
}

//! Both directions of OSS-RBA, on both engines.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::testing::ENGINES;
use mpp_proto::documents::v1 as proto;
use sea_orm::DatabaseTransaction;
use serde_json::{Value, json};

use super::outbox::{Issued, Note, Outbox, on_clock, on_issued, on_status, tell_status};
use super::receive::{Answer, Call, Draft, Drafted, Drafts, NoDrafts, receive, token};
use crate::adapter::testing::{Reply, Server, World, caller, on_both, world};
use crate::config::Config;
use crate::domain::licence::{MessageKind, MessageState, OssStatus, Source};
use crate::domain::sla::ClockVerb;
use crate::domain::{ApplicationId, DocumentId, FileId};
use crate::error::Error;
use crate::rpc::codes::Linked;
use crate::rpc::integration::for_tests as rpc;
use crate::store::licence::{self as store, Licence, Message, NewMessage};
use mpp_kit::event;

const NIB: &str = "1234567890123";

fn row(id_izin: &str) -> Value {
    json!({
        "id_proyek": "R-202611230001",
        "id_produk": "",
        "id_izin": id_izin,
        "jenis_izin": "02",
        "kd_izin": "033000000001",
        "kd_daerah": "1707000000",
        "nama_izin": "Izin Praktik",
        "kewenangan": "02",
        "flag_checklist": "Y",
    })
}

fn nib(oss_id: &str, rows: &[Value]) -> Value {
    json!({
        "dataNIB": {
            "nib": NIB,
            "oss_id": oss_id,
            "nama_perseroan": "Klinik Contoh",
            "tipe_dokumen": "9",
            "penanggung_jwb": [{ "nama_penanggung_jwb": "Orang Contoh" }],
            "data_proyek": [{ "id_proyek": "R-202611230001", "uraian_usaha": "Klinik" }],
            "data_checklist": rows,
        },
    })
}

/// A call with the right token of the day in Western Indonesia.
async fn call(world: &World, drafts: &dyn Drafts, method: &str, body: &Value) -> Result<Answer, Error> {
    let token = token(&world.core.config.oss, NIB, "20261123");
    receive(&world.core, drafts, Call { method, token: &token, body: &body.to_string() }).await
}

async fn bring(world: &World, body: &Value) -> Value {
    let answer = call(world, &NoDrafts, "receiveNIB", body).await.unwrap();
    assert_eq!(answer.http_status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

async fn all(world: &World) -> Vec<Licence> {
    store::list(&world.core.db.read, &world.core.cipher, None, None, 0, 100).await.unwrap()
}

async fn kinds(world: &World) -> Vec<String> {
    let events = event::list(&world.core.db.read, None, 0, 100).await.unwrap();
    events.into_iter().map(|event| event.kind).collect()
}

/// A licence for which an application was made.
async fn worked_on(world: &World, id_izin: &str) -> (Licence, ApplicationId) {
    let application = ApplicationId::generate();
    let drafts = Makes(application, AtomicUsize::new(0));
    let body = nib(&format!("oss-{id_izin}"), &[row(id_izin)]);
    call(world, &drafts, "receiveNIB", &body).await.unwrap();
    (by_key(world, id_izin).await, application)
}

async fn by_key(world: &World, id_izin: &str) -> Licence {
    let found = store::by_key(&world.core.db.read, &world.core.cipher, Source::Oss, id_izin).await.unwrap();
    found.unwrap()
}

/// Makes one application and counts how often it was asked.
struct Makes(ApplicationId, AtomicUsize);

#[async_trait]
impl Drafts for Makes {
    async fn draft(&self, _: &DatabaseTransaction, draft: &Draft<'_>) -> Result<Option<Drafted>, Error> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let values = draft.values();
        assert_eq!(values["nama_perseroan"], "Klinik Contoh");
        assert_eq!(values["uraian_usaha"], "Klinik");
        assert_eq!(values["nama_penanggung_jwb"], "Orang Contoh");
        assert_eq!(values["kd_izin"], "033000000001");
        assert!(!values.contains_key("penanggung_jwb") && !values.contains_key("id_produk"));
        Ok(Some(Drafted { application: self.0, area: "17.07/dinkes".to_owned(), standing: None }))
    }
}

#[test]
fn line_30_the_token_is_the_sha1_that_the_guide_describes() {
    let config = crate::config::OssConfig {
        username: "OSSUSER".into(),
        password: "rahasia".into(),
        ..Default::default()
    };
    // printf 'OSSUSERrahasia123456789012320261123' | sha1sum
    assert_eq!(token(&config, NIB, "20261123"), "374e34078ef6a9dbc24ca39b4f7953da609a108a");
}

#[tokio::test]
async fn line_30_receive_nib_stores_every_licence_with_its_keys() {
    on_both(
        |_| (),
        async |world| {
            let answer = bring(&world, &nib("oss-1", &[row("I-1"), row("I-2")])).await;
            assert_eq!(
                answer,
                json!({ "responreceiveNIB": { "status": "1", "keterangan": "Berhasil menyimpan data" } })
            );
            let found = all(&world).await;
            assert_eq!(found.iter().map(|it| it.source_key.as_str()).collect::<Vec<_>>(), ["I-1", "I-2"]);
            let keys = &found[0].body.keys;
            assert_eq!(
                (keys.nib.as_str(), keys.oss_id.as_str(), keys.id_proyek.as_str()),
                (NIB, "oss-1", "R-202611230001")
            );
            assert_eq!((keys.kd_izin.as_str(), keys.kewenangan.as_str()), ("033000000001", "02"));
            assert_eq!(
                (found[0].area.as_str(), found[0].body.nama_perseroan.as_str()),
                ("17.07", "Klinik Contoh")
            );
            assert_eq!(kinds(&world).await, ["izin.diterima", "izin.diterima"]);
        },
    )
    .await;
}

#[tokio::test]
async fn line_30_receive_nib_is_idempotent() {
    on_both(
        |_| (),
        async |world| {
            let body = nib("oss-1", &[row("I-1"), row("I-2")]);
            // As OSS does when it is impatient: several at once, and again later.
            let calls = (0..6).map(|_| call(&world, &NoDrafts, "receiveNIB", &body));
            for answer in futures::future::join_all(calls).await {
                assert!(answer.unwrap().body.contains(r#""status":"1""#));
            }
            let again = bring(&world, &body).await;
            assert_eq!(again["responreceiveNIB"]["keterangan"], "Data sudah diterima sebelumnya");
            assert_eq!(all(&world).await.len(), 2);
            assert_eq!(kinds(&world).await.len(), 2);
        },
    )
    .await;
}

#[tokio::test]
async fn line_30_a_changed_application_changes_what_changed_and_keeps_what_is_ours() {
    on_both(|_| (), async |world| {
        bring(&world, &nib("oss-1", &[row("I-1"), row("I-2")])).await;
        let file = json!({ "receiveFileDS": { "id_izin": "I-1", "nib": NIB, "file_izin": "https://oss.example/1.pdf" } });
        let answer = call(&world, &NoDrafts, "receiveFileDS", &file).await.unwrap();
        assert_eq!(answer.body, r#"{"responreceiveFileDS":{"status":"1","keterangan":"Berhasil menyimpan data"}}"#);
        let mut changed = row("I-1");
        changed["nama_izin"] = json!("Izin Praktik Dokter");
        bring(&world, &nib("oss-1", &[changed, row("I-2"), row("I-3")])).await;
        let first = by_key(&world, "I-1").await;
        assert_eq!(first.body.nama_izin, "Izin Praktik Dokter");
        assert_eq!(first.body.file_url, "https://oss.example/1.pdf");
        assert_eq!(first.version, 3);
        assert_eq!(by_key(&world, "I-2").await.version, 1);
        assert_eq!(all(&world).await.len(), 3);
        let mut withdrawn = nib("oss-1", &[row("I-3")]);
        withdrawn["dataNIB"]["tipe_dokumen"] = json!("4");
        bring(&world, &withdrawn).await;
        assert_eq!(kinds(&world).await.last().unwrap(), "izin.dicabut");
    })
    .await;
}

#[tokio::test]
async fn line_30_what_is_wrong_is_refused_in_the_envelope_and_changes_nothing() {
    on_both(
        |_| (),
        async |world| {
            let good = nib("oss-1", &[row("I-1")]);
            let with = |change: &dyn Fn(&mut Value)| {
                let mut body = good.clone();
                change(&mut body["dataNIB"]);
                body.to_string()
            };
            let right = token(&world.core.config.oss, NIB, "20261123");
            let yesterday = token(&world.core.config.oss, NIB, "20261122");
            let cases: Vec<(&str, &str, String, u16, &str)> = vec![
                ("receiveNIB", &yesterday, good.to_string(), 401, "User akses"),
                ("receiveNIB", "", good.to_string(), 401, "User akses"),
                ("receiveNIB", &right[..39], good.to_string(), 401, "User akses"),
                ("receiveNIB", &right, "{".to_owned(), 400, "bukan JSON"),
                ("receiveNIB", &right, "{}".to_owned(), 400, "dataNIB"),
                ("receiveNIB", &right, with(&|nib| nib["nib"] = json!("12")), 400, "13 angka"),
                ("receiveNIB", &right, with(&|nib| nib["oss_id"] = json!("")), 400, "oss_id kosong"),
                (
                    "receiveNIB",
                    &right,
                    with(&|nib| nib["data_checklist"][0]["id_izin"] = json!("x".repeat(26))),
                    400,
                    "data_checklist[0].id_izin lebih",
                ),
                (
                    "receiveNIB",
                    &right,
                    with(&|nib| nib["data_checklist"][0]["kewenangan"] = json!("07")),
                    400,
                    "kewenangan tidak dikenal",
                ),
                (
                    "receiveNIB",
                    &right,
                    with(&|nib| nib["data_checklist"][0]["kd_daerah"] = json!("17.07")),
                    400,
                    "kode wilayah",
                ),
                ("receiveLegal", &right, good.to_string(), 404, "tidak ditemukan"),
            ];
            for (method, token, body, status, told) in cases {
                let call = Call { method, token, body: &body };
                let answer = receive(&world.core, &NoDrafts, call).await.unwrap();
                assert_eq!(answer.http_status, status, "{told}: {}", answer.body);
                let body: Value = serde_json::from_str(&answer.body).unwrap();
                let (name, content) = body.as_object().unwrap().iter().next().unwrap();
                assert!(name.starts_with("respon"), "{name}");
                assert_eq!(content["status"], "2");
                assert!(content["keterangan"].as_str().unwrap().contains(told), "{content}");
            }
            assert!(all(&world).await.is_empty() && kinds(&world).await.is_empty());
        },
    )
    .await;
}

#[tokio::test]
async fn line_30_the_token_follows_the_day_of_western_indonesia() {
    on_both(
        |_| (),
        async |world| {
            // 23:55 in Jakarta: OSS may be in tomorrow already.
            world.clock.set("2026-11-23T16:55:00Z".parse().unwrap());
            let body = nib("oss-1", &[]).to_string();
            for (day, status) in [("20261122", 401), ("20261123", 200), ("20261124", 200), ("20261125", 401)]
            {
                let token = token(&world.core.config.oss, NIB, day).to_ascii_uppercase();
                let call = Call { method: "receiveNIB", token: &token, body: &body };
                assert_eq!(receive(&world.core, &NoDrafts, call).await.unwrap().http_status, status, "{day}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn line_30_a_licence_that_a_type_takes_gets_one_application() {
    on_both(
        |_| (),
        async |world| {
            let drafts = Makes(ApplicationId::generate(), AtomicUsize::new(0));
            let body = nib("oss-1", &[row("I-1")]);
            call(&world, &drafts, "receiveNIB", &body).await.unwrap();
            call(&world, &drafts, "receiveNIB", &body).await.unwrap();
            let mut changed = body.clone();
            changed["dataNIB"]["nama_singkatan"] = json!("KC");
            call(&world, &drafts, "receiveNIB", &changed).await.unwrap();
            assert_eq!(drafts.1.load(Ordering::SeqCst), 1);
            let found = by_key(&world, "I-1").await;
            assert_eq!((found.application, found.area.as_str()), (Some(drafts.0), "17.07/dinkes"));
        },
    )
    .await;
}

#[tokio::test]
async fn line_30_check_komitmen_and_a_disabled_adapter() {
    on_both(
        |_| (),
        async |world| {
            bring(&world, &nib("oss-1", &[row("I-1")])).await;
            for (id_izin, number, status) in [("I-1", "", "1"), ("I-1", "7/2026", "2"), ("I-9", "", "2")] {
                let body = json!({ "checkKomitmen": { "nib": NIB, "id_izin": id_izin, "no_izin": number } });
                let answer = call(&world, &NoDrafts, "checkKomitmen", &body).await.unwrap();
                let answer: Value = serde_json::from_str(&answer.body).unwrap();
                assert_eq!(answer["responcheckKomitmen"]["status"], status, "{id_izin} {number}");
            }
        },
    )
    .await;
    let off = |config: &mut Config| config.oss.enabled = false;
    on_both(off, async |world| {
        let answer = call(&world, &NoDrafts, "receiveNIB", &nib("oss-1", &[])).await.unwrap();
        assert_eq!(answer.http_status, 404);
    })
    .await;
}

/// An OSS that answers from a list of codes, then 200, and remembers the last status of each licence.
async fn oss(codes: &[u16]) -> Server {
    let codes = Mutex::new(codes.iter().copied().collect::<VecDeque<_>>());
    let has = Mutex::new(std::collections::HashMap::<String, String>::new());
    let finals = Mutex::new(std::collections::BTreeSet::<String>::new());
    Server::start(move |asked| {
        assert_eq!(asked.headers["user_key"], "kunci");
        let method = asked.path.trim_start_matches('/').to_owned();
        let body = asked.json();
        let content = body.as_object().unwrap().values().next().unwrap().clone();
        let id_izin = content["id_izin"].as_str().unwrap().to_owned();
        if method == "checkLicenseStatus" {
            let status = has.lock().unwrap().get(&id_izin).cloned().unwrap_or_default();
            return Reply::json(&json!({
                "responcheckStatusLicense": { "kode": 200, "dataIZIN": { "id_izin": id_izin, "kd_status": status } }
            }));
        }
        let code = codes.lock().unwrap().pop_front().unwrap_or(200);
        // Only a final licence can be changed, and there is one of each.
        let is_final = finals.lock().unwrap().contains(&id_izin);
        let fits = match method.as_str() {
            "receiveLicense" => !is_final,
            "updateLicense" => is_final,
            _ => true,
        };
        let code = if code == 200 && !fits { 400 } else { code };
        // 504 stands for an answer that got lost: it was taken all the same. 503 for one that was never read.
        if code == 200 || code == 504 {
            if method == "receiveLicense" {
                finals.lock().unwrap().insert(id_izin.clone());
            }
            let status = content["kd_status"].as_str().or(content["status_izin"].as_str()).unwrap();
            has.lock().unwrap().insert(id_izin, status.to_owned());
        }
        let number = if method == "receiveLicenseStatus" { "" } else { "OSS/77/2026" };
        Reply::json(&json!({
            (format!("respon{method}")): { "kode": code, "keterangan": "x", "nomor_izin": number }
        }))
    })
    .await
}

/// Tells statuses of a licence, in their order.
async fn tell(world: &World, id_izin: &str, statuses: &[OssStatus]) {
    for status in statuses {
        let mut licence = by_key(world, id_izin).await;
        let tx = world.core.db.begin().await.unwrap();
        let cause = format!("version:{}", licence.version + 1);
        let note = Note {
            text: "catatan".to_owned(),
            official_name: "Petugas".to_owned(),
            official_nip: String::new(),
            fee: None,
        };
        assert!(
            tell_status(&tx, &world.core, &mut licence, (*status, cause), &note, world.now()).await.unwrap()
        );
        tx.commit().await.unwrap();
    }
}

/// Where the messages of a licence stand.
async fn states(world: &World, id_izin: &str) -> Vec<MessageState> {
    let licence = by_key(world, id_izin).await;
    let messages = store::messages(&world.core.db.read, &world.core.cipher, licence.id).await.unwrap();
    messages.into_iter().map(|message| message.state).collect()
}

/// Runs a test on each engine, each with an OSS of its own that answers these codes.
async fn on_both_with(codes: &[u16], test: impl AsyncFn(World, Server)) {
    for engine in ENGINES {
        let server = oss(codes).await;
        let world = world(engine, |config| config.oss.base_url.clone_from(&server.url)).await;
        test(world, server).await;
    }
}

/// What was said of a licence, by status.
fn said(server: &Server, id_izin: &str) -> Vec<String> {
    let asked = server.asked().into_iter().filter(|asked| asked.path != "/checkLicenseStatus");
    asked
        .map(|asked| asked.json().as_object().unwrap().values().next().unwrap().clone())
        .filter(|content| content["id_izin"] == id_izin)
        .map(|content| content["kd_status"].as_str().or(content["status_izin"].as_str()).unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn line_29_messages_go_out_in_order_for_each_licence_and_none_waits_for_another_licence() {
    use MessageState::{Pending, Sent};
    on_both_with(&[], async |world, server| {
        bring(&world, &nib("oss-1", &[row("I-1"), row("I-2")])).await;
        tell(&world, "I-1", &[OssStatus::Validation, OssStatus::Inspection, OssStatus::Verified]).await;
        tell(&world, "I-2", &[OssStatus::Complete]).await;
        let outbox = Outbox::new(&world.core).unwrap();
        assert_eq!(outbox.tick(world.now()).await.unwrap(), 2, "the first of each");
        assert_eq!(states(&world, "I-1").await, [Sent, Pending, Pending]);
        assert_eq!(states(&world, "I-2").await, [Sent]);
        while outbox.tick(world.now()).await.unwrap() > 0 {}
        assert_eq!(states(&world, "I-1").await, [Sent, Sent, Sent]);
        assert_eq!(said(&server, "I-1"), ["20", "40", "45"]);
    })
    .await;
}

#[tokio::test]
async fn line_29_what_follows_a_failed_message_waits_for_it() {
    use MessageState::{Pending, Sent};
    on_both_with(&[500, 500], async |world, server| {
        bring(&world, &nib("oss-1", &[row("I-1"), row("I-2")])).await;
        tell(&world, "I-1", &[OssStatus::Validation, OssStatus::Inspection]).await;
        let outbox = Outbox::new(&world.core).unwrap();
        while outbox.tick(world.now()).await.unwrap() > 0 {}
        assert_eq!(states(&world, "I-1").await, [Pending, Pending]);
        assert_eq!(outbox.tick(world.after(TimeDelta::seconds(9))).await.unwrap(), 0, "not before its time");
        assert_eq!(outbox.tick(world.after(TimeDelta::seconds(1))).await.unwrap(), 1);
        tell(&world, "I-2", &[OssStatus::Complete]).await;
        assert_eq!(outbox.tick(world.now()).await.unwrap(), 1, "the other licence goes on");
        assert_eq!(said(&server, "I-1"), ["20", "20"]);
        assert_eq!(outbox.tick(world.after(TimeDelta::seconds(20))).await.unwrap(), 1);
        assert_eq!(outbox.tick(world.now()).await.unwrap(), 1);
        assert_eq!(states(&world, "I-1").await, [Sent, Sent]);
        assert_eq!(said(&server, "I-1"), ["20", "20", "20", "40"]);
    })
    .await;
}

#[tokio::test]
async fn line_29_a_lost_answer_is_not_said_twice() {
    on_both_with(&[504], async |world, server| {
        let (licence, application) = worked_on(&world, "I-1").await;
        let tx = world.core.db.begin().await.unwrap();
        assert!(on_issued(&tx, &world.core, &issued(application), world.now()).await.unwrap());
        tx.commit().await.unwrap();
        let outbox = Outbox::new(&world.core).unwrap();
        outbox.tick(world.now()).await.unwrap();
        assert_eq!(states(&world, "I-1").await, [MessageState::Pending]);
        outbox.tick(world.after(TimeDelta::seconds(10))).await.unwrap();
        assert_eq!(states(&world, "I-1").await, [MessageState::Sent]);
        let paths = server.asked().into_iter().map(|asked| asked.path).collect::<Vec<_>>();
        // Only a change of it proves that there is a final licence, and brings the number of the answer that was lost.
        assert_eq!(paths, ["/receiveLicense", "/checkLicenseStatus", "/updateLicense"]);
        assert_eq!(by_key(&world, "I-1").await.body.number, "OSS/77/2026");
        let messages = store::messages(&world.core.db.read, &world.core.cipher, licence.id).await.unwrap();
        assert_eq!(messages[0].attempt_count, 2);
    })
    .await;
}

#[tokio::test]
async fn line_29_a_status_that_another_message_told_is_no_proof_that_this_one_arrived() {
    // 50 is told as a status, and taken; then the final licence is cut off before OSS has read it.
    on_both_with(&[200, 503], async |world, server| {
        let (licence, application) = worked_on(&world, "I-1").await;
        tell(&world, "I-1", &[OssStatus::Approved]).await;
        let tx = world.core.db.begin().await.unwrap();
        assert!(on_issued(&tx, &world.core, &issued(application), world.now()).await.unwrap());
        tx.commit().await.unwrap();
        let outbox = Outbox::new(&world.core).unwrap();
        for _ in 0..4 {
            outbox.tick(world.after(TimeDelta::seconds(10))).await.unwrap();
        }
        assert_eq!(states(&world, "I-1").await, [MessageState::Sent, MessageState::Sent]);
        assert_eq!(said(&server, "I-1"), ["50", "50", "50", "50"]);
        let paths = server.asked().into_iter().map(|asked| asked.path).collect::<Vec<_>>();
        assert_eq!(paths.last().unwrap(), "/receiveLicense", "{paths:?}");
        let messages = store::messages(&world.core.db.read, &world.core.cipher, licence.id).await.unwrap();
        assert!(messages[1].answer.starts_with("200 x"), "{}", messages[1].answer);
    })
    .await;
    // So with a status that follows itself.
    on_both_with(&[200, 503], async |world, server| {
        bring(&world, &nib("oss-1", &[row("I-1")])).await;
        tell(&world, "I-1", &[OssStatus::Inspection, OssStatus::Inspection]).await;
        let outbox = Outbox::new(&world.core).unwrap();
        for _ in 0..4 {
            outbox.tick(world.after(TimeDelta::seconds(10))).await.unwrap();
        }
        assert_eq!(states(&world, "I-1").await, [MessageState::Sent, MessageState::Sent]);
        assert_eq!(said(&server, "I-1"), ["40", "40", "40"], "the second was told again");
    })
    .await;
}

#[tokio::test]
async fn line_29_what_was_refused_is_told_no_other_way_afterwards() {
    on_both_with(&[], async |world, server| {
        let (_, application) = worked_on(&world, "I-1").await;
        let tx = world.core.db.begin().await.unwrap();
        let (core, now, note) = (&world.core, world.now(), Note::default());
        assert!(on_status(&tx, core, application, (OssStatus::Rejected, "app:1"), &note, now).await.unwrap());
        assert!(!on_clock(&tx, core, application, (ClockVerb::Pause, "app:2"), &note, now).await.unwrap());
        assert!(!on_issued(&tx, core, &issued(application), now).await.unwrap());
        tx.commit().await.unwrap();
        let outbox = Outbox::new(&world.core).unwrap();
        while outbox.tick(world.now()).await.unwrap() > 0 {}
        assert_eq!(said(&server, "I-1"), ["90"]);
    })
    .await;
}

#[tokio::test]
async fn line_29_what_replaces_a_refused_final_licence_is_the_final_one() {
    on_both_with(&[400], async |world, server| {
        let (_, application) = worked_on(&world, "I-1").await;
        let outbox = Outbox::new(&world.core).unwrap();
        let first = issued(application);
        let (document, corrected) = (DocumentId::generate(), ApplicationId::generate());
        let second =
            Issued { application: corrected, document, replaced: Some(application), ..first.clone() };
        for issued in [&first, &second] {
            let tx = world.core.db.begin().await.unwrap();
            assert!(on_issued(&tx, &world.core, issued, world.now()).await.unwrap());
            tx.commit().await.unwrap();
            while outbox.tick(world.now()).await.unwrap() > 0 {}
        }
        assert_eq!(states(&world, "I-1").await, [MessageState::Refused, MessageState::Sent]);
        let paths = server.asked().into_iter().map(|asked| asked.path).collect::<Vec<_>>();
        assert_eq!(paths, ["/receiveLicense", "/receiveLicense"]);
    })
    .await;
}

/// Takes a message as a process does that sends it.
async fn claimed(world: &World, message: &Message, until: DateTime<Utc>) -> bool {
    let tx = world.core.db.begin().await.unwrap();
    let is_taken = store::claim(&tx, message, world.now(), until).await.unwrap();
    tx.commit().await.unwrap();
    is_taken
}

#[tokio::test]
async fn line_29_an_attempt_that_a_killed_process_left_behind_is_asked_about_first() {
    on_both_with(&[], async |world, server| {
        bring(&world, &nib("oss-1", &[row("I-1")])).await;
        tell(&world, "I-1", &[OssStatus::Validation]).await;
        let due = store::due(&world.core.db.read, &world.core.cipher, world.now(), 10).await.unwrap();
        let until = world.now() + TimeDelta::minutes(5);
        // Another process took it and is gone before it could write what came of it.
        assert!(claimed(&world, &due[0], until).await);
        let outbox = Outbox::new(&world.core).unwrap();
        assert_eq!(outbox.tick(world.now()).await.unwrap(), 0, "it is that process's");
        assert_eq!(outbox.tick(world.after(TimeDelta::minutes(5))).await.unwrap(), 1);
        let paths = server.asked().into_iter().map(|asked| asked.path).collect::<Vec<_>>();
        assert_eq!(paths, ["/checkLicenseStatus", "/receiveLicenseStatus"]);
        assert_eq!(states(&world, "I-1").await, [MessageState::Sent]);
    })
    .await;
}

#[tokio::test]
async fn line_29_what_oss_refuses_is_shown_and_the_next_goes_on() {
    on_both_with(&[400], async |world, _server| {
        bring(&world, &nib("oss-1", &[row("I-1")])).await;
        tell(&world, "I-1", &[OssStatus::Validation, OssStatus::Inspection]).await;
        let outbox = Outbox::new(&world.core).unwrap();
        while outbox.tick(world.now()).await.unwrap() > 0 {}
        assert_eq!(states(&world, "I-1").await, [MessageState::Refused, MessageState::Sent]);
    })
    .await;
}

#[tokio::test]
async fn line_29_what_oss_refused_is_sent_again_once_by_an_official() {
    for engine in ENGINES {
        // The first is refused, and what is said again is taken.
        let server = oss(&[400, 400]).await;
        let world = world(engine, |config| {
            config.oss.base_url.clone_from(&server.url);
            config.oss.office = "17.07/dinkes".to_owned();
        })
        .await;
        bring(&world, &nib("oss-1", &[row("I-1")])).await;
        tell(&world, "I-1", &[OssStatus::Validation]).await;
        let outbox = Outbox::new(&world.core).unwrap();
        while outbox.tick(world.now()).await.unwrap() > 0 {}
        let licence = by_key(&world, "I-1").await;
        let officer = caller("acc_official", &["documents.work", "documents.act.agency"], &["17.07/dinkes"]);
        let refused =
            store::messages(&world.core.db.read, &world.core.cipher, licence.id).await.unwrap().remove(0);
        assert_eq!(refused.state, MessageState::Refused);
        let request = |id: &str| proto::ResendLicenceMessageRequest {
            request_id: id.to_owned(),
            licence: licence.id.to_string(),
            version: licence.version,
            message: refused.id.to_string(),
        };
        let resend = async |who: &Caller, request| {
            rpc::resend_licence_message(&world.core, who, request).await.map(|told| told.licence.unwrap())
        };
        // Who works elsewhere, or for a village of the region, has nothing to do with it.
        for (permissions, area) in [
            (&["documents.work", "documents.act.agency"][..], "17.08"),
            (&["documents.work", "documents.act.village.head"], "17.07"),
            (&["documents.work"], "17.07"),
        ] {
            let stranger = caller("acc_other", permissions, &[area]);
            assert!(matches!(resend(&stranger, request("x")).await.unwrap_err(), Error::NotFound(_)));
        }
        let again = resend(&officer, request("a")).await.unwrap();
        assert_eq!(
            (again.messages[0].state(), again.messages[0].may_resend),
            (proto::LicenceMessageState::Pending, false)
        );
        assert_eq!(again.nama_perseroan, "Klinik Contoh");
        assert_eq!(resend(&officer, request("a")).await.unwrap(), again, "a repetition sends nothing twice");
        let stale = resend(&officer, request("b")).await.unwrap_err();
        assert!(matches!(stale, Error::Stale { .. }), "{stale}");
        let now = |id| proto::ResendLicenceMessageRequest { version: 0, ..request(id) };
        let reason = |error: Error| {
            let Error::Refused(problem) = error else { panic!("{error}") };
            problem.reason
        };
        assert_eq!(
            reason(resend(&officer, now("c")).await.unwrap_err()),
            "NOT_REFUSED",
            "it waits to be sent"
        );
        // Refused again: it can be sent again; taken, it is not.
        while outbox.tick(world.now()).await.unwrap() > 0 {}
        assert_eq!(states(&world, "I-1").await, [MessageState::Refused]);
        resend(&officer, now("d")).await.unwrap();
        while outbox.tick(world.now()).await.unwrap() > 0 {}
        assert_eq!(states(&world, "I-1").await, [MessageState::Sent]);
        assert_eq!(said(&server, "I-1"), ["20", "20", "20"]);
        assert_eq!(reason(resend(&officer, now("e")).await.unwrap_err()), "NOT_REFUSED");
        let entries = mpp_kit::journal::read(&world.core.db.read, None, 0, 100).await.unwrap();
        let resent = entries.iter().filter(|it| it.entry.what == "licence.resent").count();
        assert_eq!(resent, 2, "each time is in the journal");
    }
}

#[tokio::test]
async fn line_29_nothing_is_sent_again_behind_what_came_after_it() {
    let sees_work = |config: &mut Config| config.oss.office = "17.07/dinkes".to_owned();
    on_both(sees_work, async |world| {
        bring(&world, &nib("oss-1", &[row("I-1")])).await;
        tell(&world, "I-1", &[OssStatus::Validation, OssStatus::Inspection]).await;
        let licence = by_key(&world, "I-1").await;
        let messages = store::messages(&world.core.db.read, &world.core.cipher, licence.id).await.unwrap();
        let [first, second] = &messages[..] else { panic!("{messages:?}") };
        let stands = async |message: &Message, state, unclear| {
            let tx = world.core.db.begin().await.unwrap();
            let message = Message { state, unclear, ..message.clone() };
            store::save_message(&tx, &message, world.now()).await.unwrap();
            tx.commit().await.unwrap();
        };
        let officer = caller("acc_official", &["documents.work", "documents.act.agency"], &["17.07/dinkes"]);
        let resend = async || {
            let request = proto::ResendLicenceMessageRequest {
                licence: licence.id.to_string(),
                message: first.id.to_string(),
                ..Default::default()
            };
            rpc::resend_licence_message(&world.core, &officer, request).await
        };
        let until = world.now() + TimeDelta::minutes(5);
        assert!(!claimed(&world, second, until).await, "the first waits");
        // The first is refused, and the second on its way: whether OSS has it, nobody knows.
        stands(first, MessageState::Refused, false).await;
        assert!(claimed(&world, second, until).await);
        let Error::Refused(problem) = resend().await.unwrap_err() else { panic!("another error") };
        assert_eq!(problem.reason, "NOT_REFUSED");
        // OSS has it not: the first goes before it.
        stands(second, MessageState::Pending, false).await;
        resend().await.unwrap();
        assert!(!claimed(&world, second, until).await, "the first waits again");
        assert!(claimed(&world, first, until).await);
    })
    .await;
}

#[tokio::test]
async fn line_36_with_oss_away_statuses_are_told_later() {
    let away = Server::start(|_| Reply::status(200)).await;
    let closed = away.url.clone();
    drop(away);
    on_both(
        |config| config.oss.base_url.clone_from(&closed),
        async |world| {
            bring(&world, &nib("oss-1", &[row("I-1")])).await;
            tell(&world, "I-1", &[OssStatus::Validation]).await;
            let outbox = Outbox::new(&world.core).unwrap();
            for _ in 0..20 {
                outbox.tick(world.now()).await.unwrap();
                world.after(TimeDelta::hours(1));
            }
            assert_eq!(states(&world, "I-1").await, [MessageState::Pending], "never given up");
        },
    )
    .await;
}

fn issued(application: ApplicationId) -> Issued {
    Issued {
        application,
        document: DocumentId::generate(),
        number: "503/7/DPMPTSP/2026".to_owned(),
        issued_on: "2026-11-23".parse().unwrap(),
        valid_until: Some("2031-11-22".parse().unwrap()),
        signer_name: "n".repeat(60),
        signer_nip: "197001011990011001".to_owned(),
        signer_title: "Kepala Dinas".to_owned(),
        file: Linked {
            file: FileId::generate(),
            file_name: "sip-0123abcd.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            subject: "doc_1".to_owned(),
        },
        replaced: None,
    }
}

/// The end of the link in what was told.
fn link_of(told: &Value) -> String {
    let link = told["IZINFINAL"]["file_izin"].as_str().unwrap();
    link.strip_prefix("https://mpp.example/berkas/").unwrap().to_owned()
}

#[tokio::test]
async fn line_29_an_issued_licence_is_told_as_izinfinal_and_the_number_of_oss_is_kept() {
    on_both_with(&[], async |world, server| {
        let (_, application) = worked_on(&world, "I-1").await;
        let issued = issued(application);
        for first in [true, false] {
            let tx = world.core.db.begin().await.unwrap();
            assert_eq!(
                on_issued(&tx, &world.core, &issued, world.now()).await.unwrap(),
                first,
                "once for a document"
            );
            tx.commit().await.unwrap();
        }
        let outbox = Outbox::new(&world.core).unwrap();
        while outbox.tick(world.now()).await.unwrap() > 0 {}
        let asked = server.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].path, "/receiveLicense");
        let told = asked[0].json();
        assert_eq!(world.core.opened(&link_of(&told), world.now()).unwrap().linked(), issued.file);
        assert_eq!(
            told,
            json!({
                "IZINFINAL": {
                    "nib": NIB,
                    "id_proyek": "R-202611230001",
                    "oss_id": "oss-I-1",
                    "id_izin": "I-1",
                    "kd_izin": "033000000001",
                    "kd_daerah": "1707000000",
                    "nomor_izin": "503/7/DPMPTSP/2026",
                    "tgl_terbit_izin": "2026-11-23",
                    "tgl_berlaku_izin": "2031-11-22",
                    "nama_ttd": "n".repeat(50),
                    "nip_ttd": "197001011990011001",
                    "jabatan_ttd": "Kepala Dinas",
                    "status_izin": "50",
                    "file_izin": told["IZINFINAL"]["file_izin"],
                    "keterangan": "",
                    "file_lampiran": "",
                    "jenis_perizinan": "02",
                    "thn_berlaku_izin": 5,
                    "bln_berlaku_izin": 0,
                },
            })
        );
        let found = by_key(&world, "I-1").await;
        assert_eq!((found.body.number.as_str(), found.status), ("OSS/77/2026", Some(OssStatus::Approved)));
        assert_eq!(kinds(&world).await, ["izin.diterima", "izin.terbit", "izin.status"]);

        // A corrected document is told as an update, with the authority.
        // It has an application of its own, and so has the correction of the correction.
        let mut replaced = application;
        for _ in 0..2 {
            let corrected = Issued {
                application: ApplicationId::generate(),
                document: DocumentId::generate(),
                replaced: Some(replaced),
                ..issued.clone()
            };
            let tx = world.core.db.begin().await.unwrap();
            assert!(on_issued(&tx, &world.core, &corrected, world.now()).await.unwrap());
            tx.commit().await.unwrap();
            outbox.tick(world.now()).await.unwrap();
            replaced = corrected.application;
            assert_eq!(by_key(&world, "I-1").await.application, Some(replaced));
        }
        let asked = server.asked().pop().unwrap();
        let changed = &asked.json()["IZINFINAL"];
        assert_eq!((asked.path.as_str(), &changed["kewenangan"]), ("/updateLicense", &json!("02")));
        assert_eq!((&changed["thn_berlaku_izin"], &changed["bln_berlaku_izin"]), (&json!("5"), &json!("0")));
        assert!(changed.get("jenis_perizinan").is_none(), "{changed}");
        let messages = store::messages(&world.core.db.read, &world.core.cipher, found.id).await.unwrap();
        let kinds = messages.iter().map(|message| message.kind).collect::<Vec<_>>();
        assert_eq!(kinds, [MessageKind::Final, MessageKind::Update, MessageKind::Update]);
    })
    .await;
}

#[tokio::test]
async fn line_29_each_try_brings_a_link_of_its_own_however_long_it_waited() {
    let away = Arc::new(AtomicBool::new(true));
    let is_away = Arc::clone(&away);
    let server = Server::start(move |_| match is_away.load(Ordering::SeqCst) {
        true => Reply::status(503),
        false => Reply::json(&json!({ "respon": { "kode": 200, "keterangan": "ok" } })),
    })
    .await;
    let url = server.url.clone();
    on_both(
        |config| config.oss.base_url.clone_from(&url),
        async |world| {
            away.store(true, Ordering::SeqCst);
            let (licence, application) = worked_on(&world, "I-1").await;
            let told = issued(application);
            let tx = world.core.db.begin().await.unwrap();
            assert!(on_issued(&tx, &world.core, &told, world.now()).await.unwrap());
            // As it was written when the link was made at once, and is over.
            let old = told.file.clone().until(world.now()).seal(&world.core.cipher).unwrap();
            let mut body = json!({ "id_izin": "I-1", "file_izin": "" });
            body["file_izin"] = format!("https://former.example/berkas/{old}").into();
            let message = NewMessage {
                licence: licence.id,
                cause: "doc_before".to_owned(),
                kind: MessageKind::Update,
                status: OssStatus::Approved,
                body,
            };
            store::enqueue(&tx, &world.core.cipher, message, world.now()).await.unwrap();
            tx.commit().await.unwrap();
            let outbox = Outbox::new(&world.core).unwrap();
            outbox.tick(world.now()).await.unwrap();
            let first = link_of(&server.asked().pop().unwrap().json());
            assert!(world.core.opened(&first, world.now()).is_ok());

            world.after(TimeDelta::days(60));
            away.store(false, Ordering::SeqCst);
            while outbox.tick(world.now()).await.unwrap() > 0 {}
            assert_eq!(states(&world, "I-1").await, [MessageState::Sent, MessageState::Sent]);
            assert!(world.core.opened(&first, world.now()).is_err(), "the link of the first try is over");
            for asked in server.asked().iter().rev().take(2) {
                let link = world.core.opened(&link_of(&asked.json()), world.now()).unwrap();
                assert_eq!(link.ends, (world.now() + TimeDelta::days(7)).timestamp(), "{}", asked.path);
                assert_eq!(link.linked(), told.file);
            }
        },
    )
    .await;
}

#[tokio::test]
async fn line_28_what_is_done_to_a_clock_is_told_as_41_to_44() {
    on_both_with(&[], async |world, server| {
        let (_, application) = worked_on(&world, "I-1").await;
        let verbs =
            [ClockVerb::Pause, ClockVerb::Resume, ClockVerb::Reset, ClockVerb::Restart, ClockVerb::Stop];
        for (version, verb) in verbs.into_iter().enumerate() {
            let (cause, note) = (format!("app:{version}"), Note::default());
            for first in [true, false] {
                let tx = world.core.db.begin().await.unwrap();
                let told = on_clock(&tx, &world.core, application, (verb, &cause), &note, world.now())
                    .await
                    .unwrap();
                assert_eq!(told, first && verb != ClockVerb::Stop, "{verb}");
                tx.commit().await.unwrap();
            }
        }
        let tx = world.core.db.begin().await.unwrap();
        let stranger = ApplicationId::generate();
        let status = (OssStatus::Rejected, "app:9");
        assert!(!on_status(&tx, &world.core, stranger, status, &Note::default(), world.now()).await.unwrap());
        drop(tx);
        let outbox = Outbox::new(&world.core).unwrap();
        while outbox.tick(world.now()).await.unwrap() > 0 {}
        let asked = server.asked();
        let told = asked.iter().map(|asked| asked.json()["IZINSTATUS"].clone()).collect::<Vec<_>>();
        let codes = told.iter().map(|status| status["kd_status"].as_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(codes, ["41", "42", "43", "44"]);
        assert_eq!(told[0]["tgl_status"], "2026-11-23 08:00:00", "in Western Indonesia");
        assert_eq!(told[0]["kd_instansi"], "033");
    })
    .await;
}

#[tokio::test]
async fn line_29_an_official_tells_a_status_within_its_area_and_the_rules() {
    let office = |config: &mut Config| config.oss.office = "17.07/dinkes".to_owned();
    on_both(office, async |world| {
        bring(&world, &nib("oss-1", &[row("I-1")])).await;
        let licence = by_key(&world, "I-1").await;
        let officer = caller("acc_official", &["documents.work", "documents.act.agency"], &["17.07/dinkes"]);
        let head = caller("acc_head", &["documents.work", "documents.act.agency.head"], &["17.07/dinkes"]);
        let request = |status: &str| proto::UpdateLicenceStatusRequest {
            request_id: format!("r-{status}"),
            licence: licence.id.to_string(),
            status_code: status.to_owned(),
            official_name: "Petugas Contoh".to_owned(),
            ..Default::default()
        };
        let tell = async |who: &Caller, request: proto::UpdateLicenceStatusRequest| {
            rpc::update_licence_status(&world.core, who, request).await.map(|told| told.licence.unwrap())
        };
        let told = tell(&officer, request("41")).await.unwrap();
        assert_eq!((told.status_code.as_str(), told.status_name.as_str()), ("41", "Konfirmasi Persyaratan"));
        assert_eq!((told.messages.len(), told.messages[0].number), (1, 1));
        assert_eq!(told.nama_perseroan, "Klinik Contoh");
        assert_eq!(tell(&officer, request("41")).await.unwrap(), told, "a repetition");
        let reason = |error: Error| {
            let Error::Refused(problem) = error else { panic!("{error}") };
            problem.reason
        };
        assert_eq!(reason(tell(&officer, request("40")).await.unwrap_err()), "CLOCK_STANDS");
        let unknown = tell(&officer, request("58")).await.unwrap_err();
        assert!(matches!(unknown, Error::Refused(problem) if problem.violations[0].field == "status_code"));
        // Who works elsewhere, or for a village of the same region, has nothing to do with it.
        let mut elsewhere = request("42");
        elsewhere.request_id = "x".to_owned();
        for (permissions, area) in [
            (&["documents.work", "documents.act.agency"][..], "17.08"),
            (&["documents.work", "documents.act.village", "documents.act.village.head"], "17.07"),
            (&["documents.work", "documents.act.subdistrict.head"], "17.07"),
            (&["documents.work"], "17.07"),
        ] {
            let stranger = caller("acc_other", permissions, &[area]);
            let refused = tell(&stranger, elsewhere.clone()).await.unwrap_err();
            assert!(matches!(refused, Error::NotFound(_)), "{permissions:?}");
        }
        elsewhere.version = 1;
        assert!(matches!(tell(&officer, elsewhere).await.unwrap_err(), Error::Stale { version: 2 }));
        // It decides: that is for the head.
        assert_eq!(reason(tell(&officer, request("90")).await.unwrap_err()), "DECISION_OF_THE_HEAD");
        assert_eq!(tell(&head, request("90")).await.unwrap().status_code, "90");
        // Where an application decides, it tells so by itself.
        let (other, _) = worked_on(&world, "I-2").await;
        for status in ["41", "50", "90"] {
            let by_hand = proto::UpdateLicenceStatusRequest {
                request_id: format!("i2-{status}"),
                licence: other.id.to_string(),
                ..request(status)
            };
            assert_eq!(reason(tell(&head, by_hand).await.unwrap_err()), "TOLD_BY_APPLICATION");
        }
        let inspected = proto::UpdateLicenceStatusRequest {
            request_id: "i2-40".to_owned(),
            licence: other.id.to_string(),
            ..request("40")
        };
        assert_eq!(tell(&officer, inspected).await.unwrap().status_code, "40");
    })
    .await;
}

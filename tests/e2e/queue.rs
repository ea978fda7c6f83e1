//! Several instances of the queue on one hall, through the public API: races, crashes of Redis under load, a fail-over that
//! leaves the old primary alive, fencing, and what watchers of the other instance see.
//!
//! The recorder is outside of the suite: it keeps what clients asked and what they were told, and compares that with the
//! log in the end.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::DateTime;
use futures::StreamExt as _;
use futures::future::join_all;
use mpp::{Config, Options, RoleName, Suite};
use mpp_kit::config::Secret;
use mpp_kit::db::{Db, Engine};
use mpp_kit::redis::PrivateServer;
use mpp_kit::testing;
use mpp_proto::queue::v1::{Calendar, Counter, Hall};
use mpp_tests::harness::{Api, Persona, TestSuite, hall};
use sea_orm::{ConnectionTrait as _, QueryResult, Statement};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The test hall with 20 counters of agency ALFA besides the usual ones; one call makes a no-show, which is the shortest
/// way to a free counter.
fn busy_hall() -> Hall {
    let mut hall = hall::demo();
    assert_eq!(hall.calendar(), Calendar::Demo);
    hall.counters.extend((11..=30).map(|number| Counter {
        number: number.to_string(),
        agency_code: "ALFA".to_owned(),
        zone_code: "U".to_owned(),
        ..Counter::default()
    }));
    for service in &mut hall.services {
        service.max_calls = 1;
    }
    hall
}

async fn busy(engine: Engine) -> TestSuite {
    TestSuite::builder().engine(engine).hall(busy_hall()).start().await
}

/// Opens counters 11 to 30.
async fn open_counters(suite: &TestSuite, manager: &Api) -> Vec<String> {
    let ids: Vec<String> =
        (11..=30).map(|number| hall::counter_id(&suite.hall, &number.to_string()).to_owned()).collect();
    for id in &ids {
        manager.post(&format!("/v1/counters/{id}:open"), &json!({})).await.ok();
    }
    ids
}

fn issue_path(suite: &TestSuite) -> String {
    format!("/v1/halls/{}/tickets", suite.hall.id)
}

/// Asks again with the same request id until there is an answer that says something.
async fn insist(apis: &[Api], path: &str, body: &Value) -> Result<Value, String> {
    let deadline = Instant::now() + Duration::from_secs(45);
    for attempt in 0.. {
        assert!(Instant::now() < deadline, "{path} has no answer in time");
        let answer = apis[attempt % apis.len()].try_send(reqwest::Method::POST, path, Some(body), &[]).await;
        match answer {
            Ok(answer) if answer.status.is_success() => return Ok(answer.body),
            Ok(answer) if answer.status.is_server_error() => {
                assert!(
                    matches!(answer.status.as_u16(), 503 | 504),
                    "{path} → {} {}",
                    answer.status,
                    answer.body
                );
            }
            Ok(answer) => return Err(answer.body["reason"].as_str().unwrap_or_default().to_owned()),
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    unreachable!("attempts have no end")
}

/// The log of the latest day, all pages of it.
async fn events(suite: &TestSuite) -> Vec<Value> {
    let auditor = suite.api(Persona::Auditor).await;
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/halls/{}/events?pageSize=1000&pageToken={token}", suite.hall.id);
        let page = auditor.get(&path).await.ok();
        all.extend(page["events"].as_array().expect("events").iter().cloned());
        page["nextPageToken"].as_str().expect("a token").clone_into(&mut token);
        if token.is_empty() {
            return all;
        }
    }
}

fn seq(event: &Value) -> i64 {
    // 64-bit integers are strings in proto3 JSON.
    event["seq"].as_str().and_then(|seq| seq.parse().ok()).expect("a position")
}

/// What the log must hold whatever happened: no gap, each number once, versions that follow, no counter and no ticket
/// held twice at a time.
fn check(events: &[Value]) {
    let (mut numbers, mut versions): (HashSet<String>, HashMap<String, i64>) = Default::default();
    let mut holders: BTreeMap<String, String> = BTreeMap::new();
    for pair in events.windows(2) {
        assert_eq!(seq(&pair[1]), seq(&pair[0]) + 1, "the log has a gap");
    }
    for event in events.iter().filter(|event| event["ticket"].is_object()) {
        let ticket = &event["ticket"];
        let id = ticket["id"].as_str().expect("an id").to_owned();
        let version = ticket["version"].as_i64().expect("a version");
        let before = versions.insert(id.clone(), version).unwrap_or(0);
        assert_eq!(version, before + 1, "{event}");
        if event["kind"] == "EVENT_KIND_TICKET_ISSUED" {
            assert!(
                numbers.insert(ticket["number"].as_str().expect("a number").to_owned()),
                "given twice: {event}"
            );
        }
        holders.retain(|_, held| *held != id);
        if ["TICKET_STATE_CALLED", "TICKET_STATE_SERVING"]
            .contains(&ticket["state"].as_str().expect("a state"))
        {
            let counter = ticket["counterId"].as_str().expect("a counter").to_owned();
            assert_eq!(holders.insert(counter, id), None, "a counter holds two: {event}");
        }
    }
}

async fn database(suite: &TestSuite) -> Db {
    Db::connect(suite.queue_url(), Some("mpp_queue")).await.expect("the queue's database")
}

async fn rows(db: &Db, sql: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(db.write.get_database_backend(), sql);
    db.write.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Verifies the chain of the whole log in SQL, and that the shard row stands at its end.
async fn verify_chain(suite: &TestSuite) {
    let db = database(suite).await;
    let mut chain = "0".repeat(64);
    let log = rows(&db, "SELECT seq, chain, body FROM queue_event ORDER BY seq").await;
    for (at, row) in log.iter().enumerate() {
        let seq: i64 = row.try_get("", "seq").expect("a position");
        let body: String = row.try_get("", "body").expect("a body");
        assert_eq!(seq, at as i64 + 1, "the log has a gap");
        let mut hash = Sha256::new();
        hash.update(chain.as_bytes());
        hash.update(seq.cast_unsigned().to_be_bytes());
        hash.update(body.as_bytes());
        chain = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(row.try_get::<String>("", "chain").expect("a hash"), chain, "the chain breaks at {seq}");
    }
    let shard = rows(&db, "SELECT seq, chain FROM queue_shard").await;
    assert_eq!(shard[0].try_get::<i64>("", "seq").expect("a position"), log.len() as i64);
    assert_eq!(shard[0].try_get::<String>("", "chain").expect("a hash"), chain);
    db.close().await.expect("closed");
}

async fn epoch(db: &Db) -> i64 {
    rows(db, "SELECT epoch FROM queue_shard").await[0].try_get("", "epoch").expect("an epoch")
}

/// 2 × 10 counters racing for the same tickets, each group through its own instance.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_race_and_nobody_is_called_twice() {
    for engine in testing::ENGINES {
        let suite = busy(engine).await;
        let second = suite.second().await;
        let one = suite.api(Persona::Manager).await;
        let two = one.at(second.base_url());
        let counters = open_counters(&suite, &one).await;
        let issued = 150;
        let body = json!({"serviceId": hall::service_id(&suite.hall, "A1")});
        for batch in 0..issued / 25 {
            let apis = [one.clone(), two.clone()];
            let answers = join_all((0..25).map(|n| {
                let mut body = body.clone();
                body["requestId"] = json!(format!("race-{batch}-{n}"));
                let (apis, path) = (apis.clone(), issue_path(&suite));
                // Half of them through each instance.
                async move { insist(&apis[n % 2..=n % 2], &path, &body).await }
            }))
            .await;
            assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        }
        let presses = counters.iter().enumerate().map(|(nth, counter)| {
            let api = [if nth % 2 == 0 { one.clone() } else { two.clone() }];
            let counter = counter.clone();
            async move {
                let mut called = Vec::new();
                for press in 0.. {
                    let body = json!({"requestId": format!("{counter}-{press}")});
                    match insist(&api, &format!("/v1/counters/{counter}:callNext"), &body).await {
                        Ok(answer) => {
                            let ticket = answer["ticket"]["id"].as_str().expect("an id").to_owned();
                            let absent = json!({"requestId": format!("{counter}-{press}-absent")});
                            insist(&api, &format!("/v1/tickets/{ticket}:noShow"), &absent)
                                .await
                                .expect("absent");
                            called.push(ticket);
                        }
                        Err(reason) => {
                            assert_eq!(reason, "NOBODY_WAITING");
                            return called;
                        }
                    }
                }
                called
            }
        });
        let called = join_all(presses).await;
        let all: Vec<String> = called.iter().flatten().cloned().collect();
        assert_eq!(all.len(), issued, "everybody was called");
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), issued, "and nobody twice");
        let busy_counters = called.iter().filter(|called| !called.is_empty()).count();
        assert!(busy_counters >= 10, "only {busy_counters} counters took part: this was no race");
        let events = events(&suite).await;
        check(&events);
        verify_chain(&suite).await;
        second.stop().await;
    }
}

/// What a client asked and was told.
#[derive(Debug, Clone)]
struct Told {
    kind: &'static str,
    ticket: String,
    number: String,
    counter: String,
}

/// kill -9 of Redis under load, once with the loss of its disk: every ok stands in the log exactly once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_killed_under_load_and_every_ok_is_in_the_log_once() {
    for engine in testing::ENGINES {
        let mut hall = busy_hall();
        for service in &mut hall.services {
            // A quiet machine gives more than 999 numbers in this time.
            service.series.as_mut().expect("a series").digits = 5;
        }
        let mut suite = TestSuite::builder().engine(engine).hall(hall).start().await;
        let second = suite.second().await;
        let manager = suite.api(Persona::Manager).await;
        let counters = open_counters(&suite, &manager).await;
        let stop = Arc::new(AtomicBool::new(false));
        let service = hall::service_id(&suite.hall, "A1").to_owned();
        let clients: Vec<_> = counters
            .iter()
            .take(8)
            .enumerate()
            .map(|(nth, counter)| {
                // Each retry goes to the other instance.
                let mut apis = vec![manager.clone(), manager.at(second.base_url())];
                apis.rotate_left(nth % 2);
                let (counter, service, stop, path) =
                    (counter.clone(), service.clone(), Arc::clone(&stop), issue_path(&suite));
                tokio::spawn(async move {
                    let mut told = Vec::new();
                    for round in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let id = |what: &str| format!("{counter}-{round}-{what}");
                        let issue = json!({"serviceId": service, "requestId": id("issue")});
                        let answer = insist(&apis, &path, &issue).await.expect("a ticket");
                        told.push(record("EVENT_KIND_TICKET_ISSUED", &answer));
                        let call = json!({"requestId": id("call"), "expectedCurrent": ""});
                        match insist(&apis, &format!("/v1/counters/{counter}:callNext"), &call).await {
                            Ok(answer) => {
                                told.push(record("EVENT_KIND_TICKET_CALLED", &answer));
                                let ticket = answer["ticket"]["id"].as_str().expect("an id");
                                let absent = json!({"requestId": id("absent")});
                                let answer = insist(&apis, &format!("/v1/tickets/{ticket}:noShow"), &absent)
                                    .await
                                    .expect("absent");
                                told.push(record("EVENT_KIND_TICKET_NO_SHOW", &answer));
                            }
                            // Others have called the last one.
                            Err(reason) => assert_eq!(reason, "NOBODY_WAITING"),
                        }
                    }
                    told
                })
            })
            .collect();
        for crash in 0..4 {
            tokio::time::sleep(Duration::from_millis(1200)).await;
            suite.kill_redis().await;
            if crash == 2 {
                suite.lose_redis_data();
            }
            suite.restart_redis().await;
        }
        tokio::time::sleep(Duration::from_millis(1500)).await;
        suite.flush_redis().await;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        stop.store(true, Ordering::Relaxed);
        let mut told: Vec<Told> = Vec::new();
        for client in clients {
            told.extend(client.await.expect("the client's work"));
        }
        assert!(told.len() > 60, "only {} operations: that was no load", told.len());
        let events = events(&suite).await;
        check(&events);
        verify_chain(&suite).await;
        for kind in ["EVENT_KIND_TICKET_ISSUED", "EVENT_KIND_TICKET_CALLED", "EVENT_KIND_TICKET_NO_SHOW"] {
            let key = |ticket: &Value| {
                (
                    ticket["id"].as_str().expect("an id").to_owned(),
                    ticket["number"].as_str().expect("a number").to_owned(),
                )
            };
            let mut logged: Vec<_> = events
                .iter()
                .filter(|event| event["kind"] == kind)
                .map(|event| key(&event["ticket"]))
                .collect();
            let mut answered: Vec<_> = told
                .iter()
                .filter(|it| it.kind == kind)
                .map(|it| (it.ticket.clone(), it.number.clone()))
                .collect();
            logged.sort();
            answered.sort();
            assert_eq!(
                logged, answered,
                "{engine}: every ok is in the log once, and nothing that nobody was told"
            );
        }
        // The caller was told the counter that the log says.
        let called: BTreeMap<(String, String), ()> = events
            .iter()
            .filter(|event| event["kind"] == "EVENT_KIND_TICKET_CALLED")
            .map(|event| {
                (
                    (
                        event["ticket"]["id"].as_str().expect("an id").to_owned(),
                        event["counterId"].as_str().expect("an id").to_owned(),
                    ),
                    (),
                )
            })
            .collect();
        for it in told.iter().filter(|it| it.kind == "EVENT_KIND_TICKET_CALLED") {
            assert!(called.contains_key(&(it.ticket.clone(), it.counter.clone())), "{it:?}");
        }
        second.stop().await;
    }
}

fn record(kind: &'static str, answer: &Value) -> Told {
    let text = |name: &str| answer["ticket"][name].as_str().unwrap_or_default().to_owned();
    Told { kind, ticket: text("id"), number: text("number"), counter: text("counterId") }
}

/// An epoch that somebody else has taken: what is appended under the old one is never committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_with_an_old_epoch_cannot_commit() {
    for engine in testing::ENGINES {
        let suite = busy(engine).await;
        let kiosk = suite.api(Persona::Kiosk).await;
        let body = |n: i32| json!({"serviceId": hall::service_id(&suite.hall, "A1"), "requestId": format!("fence-{n}")});
        assert_eq!(kiosk.post(&issue_path(&suite), &body(1)).await.ok()["ticket"]["number"], "A001");
        let db = database(&suite).await;
        let (old, before) = (epoch(&db).await, events(&suite).await);
        // Another member takes the next epoch and dies before it installs it. Redis still holds the old one, so an append
        // succeeds there.
        let taken =
            format!("UPDATE queue_shard SET epoch = {}, state = 'rebuilding' WHERE epoch = {old}", old + 1);
        db.write.execute_unprepared(&taken).await.expect("the epoch is taken");
        let answer =
            insist(std::slice::from_ref(&kiosk), &issue_path(&suite), &body(2)).await.expect("a ticket");
        assert_eq!(answer["ticket"]["number"], "A002");
        assert!(epoch(&db).await >= old + 2, "a later epoch was opened");
        let after = events(&suite).await;
        assert_eq!(after.len(), before.len() + 1, "one effect");
        let last = rows(&db, "SELECT epoch FROM queue_event ORDER BY seq DESC LIMIT 1").await;
        let under: i64 = last[0].try_get("", "epoch").expect("an epoch");
        assert!(under >= old + 2, "committed under epoch {under}, which is not in force");
        // And the answer is one for good.
        assert_eq!(
            insist(&[kiosk], &issue_path(&suite), &body(2)).await.expect("replayed")["ticket"],
            answer["ticket"]
        );
        db.close().await.expect("closed");
        check(&events(&suite).await);
        verify_chain(&suite).await;
    }
}

/// A second instance of queue and gateway on another Redis: what a fail-over leaves when it does not reach everybody.
async fn instance_on(suite: &TestSuite, redis: &str, data: &Path) -> Suite {
    let mut config = Config::default();
    config.server.port = 0;
    config.server.demo = false;
    config.server.data = data.to_owned();
    config.server.drain_seconds = 5;
    config.grpc.queue_port = 0;
    config.redis.url = Secret::from(redis.to_owned());
    config.database.queue_url = Secret::from(suite.queue_url().to_owned());
    config.peers.identity = suite.base_url().to_owned();
    config.peers.documents = suite.base_url().to_owned();
    config.peers.complaints = suite.base_url().to_owned();
    config.peers.notifications = suite.base_url().to_owned();
    config.board.device_key = Secret::from(suite.people.board_key.clone());
    Suite::start(Options::new(config, [RoleName::Queue, RoleName::Gateway].into()))
        .await
        .expect("the instance starts")
}

/// Fail-over to a lagging replica while the old primary goes on taking writes: both instances work, nothing is given
/// twice, and every ok is in the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_to_a_lagging_replica_loses_nothing_acknowledged() {
    for engine in testing::ENGINES {
        let suite = busy(engine).await;
        let kiosk = suite.api(Persona::Kiosk).await;
        let body = |n: i32| json!({"serviceId": hall::service_id(&suite.hall, "A1"), "requestId": format!("failover-{n}")});
        let mut told = BTreeSet::new();
        let mut tell = |answer: Value| {
            let number = answer["ticket"]["number"].as_str().expect("a number").to_owned();
            assert!(told.insert(number.clone()), "{number} was given twice");
        };
        for n in 0..3 {
            tell(kiosk.post(&issue_path(&suite), &body(n)).await.ok());
        }
        // The replica has what the primary had written by now …
        let socket = suite.redis_url().strip_prefix("redis+unix://").expect("a socket");
        let primary = Path::new(socket).parent().expect("a directory").join("appendonlydir");
        let dir = testing::temp_dir();
        let replica = dir.path().join("redis").join("appendonlydir");
        std::fs::create_dir_all(&replica).expect("a directory");
        for file in std::fs::read_dir(&primary).expect("the append-only files") {
            let file = file.expect("a file").path();
            std::fs::copy(&file, replica.join(file.file_name().expect("a name"))).expect("copied");
        }
        // … and misses what comes after.
        for n in 3..6 {
            tell(kiosk.post(&issue_path(&suite), &body(n)).await.ok());
        }
        let promoted = PrivateServer::start(&dir.path().join("redis")).await.expect("the replica starts");
        let other = instance_on(&suite, promoted.url(), &dir.path().join("data")).await;
        let there = kiosk.at(other.base_url());
        // Both take presses, each on its own Redis; each has to give way to the other again and again.
        for n in 6..18 {
            let api = if n % 2 == 0 { &kiosk } else { &there };
            tell(insist(std::slice::from_ref(api), &issue_path(&suite), &body(n)).await.expect("a ticket"));
        }
        let expected: BTreeSet<String> = (1..=18).map(|n| format!("A{n:03}")).collect();
        assert_eq!(told, expected, "{engine}");
        let events = events(&suite).await;
        check(&events);
        let issued = events.iter().filter(|event| event["kind"] == "EVENT_KIND_TICKET_ISSUED").count();
        assert_eq!(issued, 18, "one effect each");
        verify_chain(&suite).await;
        other.stop().await.expect("it stops in order");
        drop(promoted);
    }
}

/// What one instance commits, the watchers of the other see at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_reach_the_watchers_of_the_other_instance() {
    for engine in testing::ENGINES {
        let suite = busy(engine).await;
        let second = suite.second().await;
        let board = suite.api(Persona::Board).await.at(second.base_url());
        let response = board
            .http()
            .get(format!("{}/v1/halls/{}/board:watch", board.base(), suite.hall.id))
            .bearer_auth(board.token().expect("a token"))
            .send()
            .await
            .expect("the stream begins");
        assert_eq!(response.status(), 200);
        assert!(
            response.headers()["content-type"].to_str().is_ok_and(|it| it.starts_with("text/event-stream"))
        );
        let mut stream = response.bytes_stream();
        let mut text = String::new();
        let mut wait_for = async |wanted: &str| {
            let pressed = Instant::now();
            while !text.contains(wanted) {
                let chunk = tokio::time::timeout(Duration::from_secs(5), stream.next()).await;
                let chunk = chunk.unwrap_or_else(|_| panic!("{wanted} is not on the board; there is {text}"));
                text.push_str(
                    std::str::from_utf8(&chunk.expect("the stream goes on").expect("bytes")).expect("text"),
                );
            }
            pressed.elapsed()
        };
        wait_for("snapshot").await;
        let manager = suite.api(Persona::Manager).await;
        let counter = hall::counter_id(&suite.hall, "11");
        manager.post(&format!("/v1/counters/{counter}:open"), &json!({})).await.ok();
        let body = json!({"serviceId": hall::service_id(&suite.hall, "A1")});
        for n in 1..=3 {
            manager.post(&issue_path(&suite), &body).await.ok();
            let called = manager.post(&format!("/v1/counters/{counter}:callNext"), &json!({})).await.ok();
            let took = wait_for(&format!("\"ticketNumber\":\"A{n:03}\"")).await;
            assert!(took < Duration::from_secs(2), "{took:?}");
            let ticket = called["ticket"]["id"].as_str().expect("an id");
            manager.post(&format!("/v1/tickets/{ticket}:noShow"), &json!({})).await.ok();
        }
        drop(stream);
        second.stop().await;
    }
}

/// 40. Devices show when they were last seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_show_when_they_were_last_seen() {
    let suite = TestSuite::start(Engine::Sqlite).await;
    let admin = suite.api(Persona::Admin).await;
    let seen = async || {
        let devices = admin.get("/v1/devices").await.ok();
        let all = devices["devices"].as_array().expect("devices").clone();
        let kiosk = all.iter().find(|device| device["kind"] == "DEVICE_KIND_KIOSK").expect("a kiosk");
        DateTime::parse_from_rfc3339(kiosk["lastSeenTime"].as_str().expect("a time")).expect("a time")
    };
    let nobody = Api::anonymous(suite.base_url());
    nobody.sign_in_device(&suite.people.kiosk_key).await;
    let first = seen().await;
    nobody.sign_in_device(&suite.people.kiosk_key).await;
    assert!(seen().await > first, "it moves with each sign-in");
}

//! The program as an operator meets it: it starts, says clearly why it cannot, stops in order, and finds its data again.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::Datelike as _;
use mpp::demo::wire;
use mpp_kit::clock::{Clock as _, SystemClock};
use mpp_kit::db::Db;
use mpp_kit::testing::{self, Engine};
use mpp_tests::harness::binary::{Finished, is_alive};
use mpp_tests::harness::{Api, Binary, hall};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A directory for one test, and the `--data` inside it, which does not exist yet.
fn directory() -> (TempDir, String) {
    let dir = TempDir::with_prefix("mpp-start-").expect("a directory");
    let data = dir.path().join("data").to_string_lossy().into_owned();
    (dir, data)
}

fn serve<'a>(data: &'a str, more: &[&'a str]) -> Binary {
    Binary::with(["serve", "all", "--data", data].into_iter().chain(more.iter().copied()))
}

/// Asserts that the program refused with `code`, in one sentence on standard error that holds each of `words`.
#[track_caller]
fn assert_refused(finished: &Finished, code: i32, words: &[&str]) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    let complaint = finished.stderr.trim();
    assert_eq!(complaint.lines().count(), 1, "one sentence, not {complaint}");
    for word in words {
        assert!(complaint.contains(word), "{word:?} is not in: {complaint}");
    }
}

/// The process id of the private Redis of a data directory.
fn redis_pid(data: &str) -> u32 {
    let pid =
        fs::read_to_string(Path::new(data).join("redis/redis.pid")).expect("the private Redis wrote its pid");
    pid.trim().parse().expect("a pid")
}

#[track_caller]
fn assert_ends(pid: u32) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while is_alive(pid) {
        assert!(Instant::now() < deadline, "the private Redis outlived the suite");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_taken_port_is_named_and_nothing_is_half_started() {
    let (_dir, data) = directory();
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = other.local_addr().expect("its number").port().to_string();
    assert_refused(
        &serve(&data, &["--port", &port]).finish(),
        69,
        &[&port, "--port", "server.port", "taken"],
    );
    assert!(!Path::new(&data).exists(), "it began to work before it had its port");
}

#[test]
fn an_unwritable_data_directory_is_named() {
    let (dir, _) = directory();
    // A file in the way stops root as well, which permissions do not.
    let file = dir.path().join("berkas");
    fs::write(&file, "").expect("a file");
    let data = file.join("data").to_string_lossy().into_owned();
    assert_refused(&serve(&data, &["--port", "0"]).finish(), 73, &[&data, "--data", "server.data"]);
}

#[test]
fn a_missing_redis_server_is_named_with_its_remedy() {
    let (dir, data) = directory();
    let empty = dir.path().join("bin");
    fs::create_dir(&empty).expect("a directory");
    if ["/usr/local/sbin", "/usr/sbin", "/sbin"]
        .iter()
        .any(|bin| Path::new(bin).join("redis-server").exists())
    {
        // Found even with an empty PATH: this machine cannot be made to miss it.
        return;
    }
    let finished = serve(&data, &["--port", "0"]).env("PATH", &empty).finish();
    assert_refused(&finished, 69, &["redis-server", "apt-get install redis-server", "REDIS__URL"]);
}

#[test]
fn bad_settings_are_named() {
    let (dir, data) = directory();
    let serve = || serve(&data, &["--port", "0"]);
    assert_refused(&serve().env("MPP_SERVER__DRAIN_SECONDS", "soon").finish(), 64, &["server.drain_seconds"]);
    assert_refused(
        &serve().env("MPP_SERVER__DRAIN_SECONDS", "0").finish(),
        64,
        &["server.drain_seconds", "1 to 20"],
    );
    assert_refused(&serve().env("MPP_SERVER__PROT", "80").finish(), 64, &["prot"]);
    assert_refused(
        &serve().env("MPP_IDENTITY__TOKEN_SECONDS", "1").finish(),
        64,
        &["identity.token_seconds"],
    );
    assert_refused(
        &serve().env("MPP_DATABASE__URL", "mysql://u:rahasia@h/d").finish(),
        64,
        &["database.url", "postgres://"],
    );
    assert_refused(&serve().env("MPP_REDIS__URL", "localhost:6379").finish(), 64, &["redis.url", "redis://"]);
    assert_refused(&serve().arg("--config").arg("/tidak/ada.toml").finish(), 64, &["/tidak/ada.toml"]);
    let file = dir.path().join("mpp.toml");
    fs::write(&file, "[server]\nport = \"banyak\"\n").expect("a file");
    assert_refused(&serve().arg("--config").arg(&file).finish(), 64, &["server.port", "mpp.toml"]);
    let wrong = Binary::with(["serve", "semua"]).finish();
    assert_eq!(wrong.code, Some(64), "{wrong:?}");
    assert!(!Path::new(&data).exists());
}

/// What a pool of connections says of it is that it has waited; the operator is told what is wrong, and where.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_only_reads_is_named_with_its_remedy() {
    let (_dir, data) = directory();
    let postgres = testing::fresh_db(Engine::Postgres).await;
    let name = postgres.url.split('?').next().and_then(|url| url.rsplit('/').next()).expect("a name");
    let reads_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    postgres.db.write.execute_unprepared(&reads_only).await.expect("it only reads from now on");
    let finished = serve(&data, &["--port", "0"]).env("MPP_DATABASE__URL", &postgres.url).finish();
    assert_refused(
        &finished,
        69,
        &["database.url", "only reads", "give the address of the server that writes"],
    );
    assert!(!finished.stderr.contains("timed out"), "{}", finished.stderr);
}

#[test]
fn roles_that_run_apart_must_know_each_other() {
    let (_dir, data) = directory();
    let alone = Binary::with(["serve", "gateway", "--port", "0", "--data", &data]).finish();
    // The first of those it calls that it does not know.
    assert_refused(&alone, 64, &["peers.complaints"]);
    let some = Binary::with(["serve", "gateway", "--port", "0", "--data", &data])
        .env("MPP_PEERS__COMPLAINTS", "http://complaints:9105")
        .env("MPP_PEERS__DOCUMENTS", "http://documents:9103")
        .finish();
    assert_refused(&some, 64, &["peers.identity"]);
    let documents = Binary::with(["serve", "documents", "--port", "0", "--data", &data]).finish();
    assert_refused(&documents, 64, &["peers.identity"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_in_processes_of_their_own_serve_together() {
    let (dir, _) = directory();
    let data = |role: &str| dir.path().join(role).to_string_lossy().into_owned();
    let role = |name: &'static str| Binary::with(["serve", name, "--port", "0", "--data", &data(name)]);
    let identity = role("identity").env("MPP_GRPC__IDENTITY_PORT", "0").serve();
    let identity_url = identity.url().expect("ready");
    let queue =
        role("queue").env("MPP_GRPC__QUEUE_PORT", "0").env("MPP_PEERS__IDENTITY", &identity_url).serve();
    let queue_url = queue.url().expect("ready");
    let notifications = role("notifications")
        .env("MPP_GRPC__NOTIFICATIONS_PORT", "0")
        .env("MPP_PEERS__IDENTITY", &identity_url)
        .serve();
    let notifications_url = notifications.url().expect("ready");
    let documents = role("documents")
        .env("MPP_GRPC__DOCUMENTS_PORT", "0")
        .env("MPP_PEERS__IDENTITY", &identity_url)
        .env("MPP_PEERS__NOTIFICATIONS", &notifications_url)
        .serve();
    let documents_url = documents.url().expect("ready");
    let complaints = role("complaints")
        .env("MPP_GRPC__COMPLAINTS_PORT", "0")
        .env("MPP_PEERS__IDENTITY", &identity_url)
        .env("MPP_PEERS__NOTIFICATIONS", &notifications_url)
        .serve();
    let complaints_url = complaints.url().expect("ready");
    let gateway = role("gateway")
        .env("MPP_PEERS__IDENTITY", &identity_url)
        .env("MPP_PEERS__QUEUE", &queue_url)
        .env("MPP_PEERS__DOCUMENTS", &documents_url)
        .env("MPP_PEERS__COMPLAINTS", &complaints_url)
        .env("MPP_PEERS__NOTIFICATIONS", &notifications_url)
        .serve();
    let url = gateway.url().expect("ready");
    assert!(!Path::new(&data("gateway")).exists(), "the gateway keeps nothing");

    let add = ["user", "add", "--username", "kepala", "--role", "admin", "--data", &data("identity")];
    let added = Binary::with(add).finish();
    let password = added.stdout.lines().find_map(|line| line.strip_prefix("password: ")).expect("a password");
    let admin = Api::anonymous(&url).sign_in("kepala", password).await;
    // Through three processes: the token is verified with keys that the queue asked identity for.
    let hall =
        json!({"code": "MPP-X", "name": "MPP X", "timeZone": "TIME_ZONE_WITA", "calendar": "CALENDAR_DEMO"});
    let applied = admin.post("/v1/halls:apply", &json!({"hall": hall})).await.ok();
    let hall = applied["hall"]["id"].as_str().expect("an id");
    admin.get(&format!("/v1/halls/{hall}")).await.ok();
    Api::anonymous(&url).get(&format!("/v1/halls/{hall}")).await.refused(401, "TOKEN_MISSING");
    // Letters too: the catalogue without a token, the journal with one.
    let types = Api::anonymous(&url).get("/v1/letterTypes").await.ok();
    assert!(types["letterTypes"].as_array().is_some_and(|types| types.len() > 15), "{types}");
    admin.get("/v1/documentJournal").await.ok();
    let types = admin.get("/v1/messageTypes").await.ok();
    assert!(types["messageTypes"].as_array().is_some_and(|types| types.len() > 8), "{types}");
    let rows = Api::anonymous(&url).get("/v1/complaintDeadlines").await.ok();
    assert!(rows["deadlines"].as_array().is_some_and(|rows| rows.len() > 20), "{rows}");
    for kept in ["complaints.db", "complaints.key", "complaints-vault.key"] {
        assert!(Path::new(&data("complaints")).join(kept).exists(), "{kept} is not there");
    }
    for kept in ["notifications.db", "notifications.key"] {
        assert!(Path::new(&data("notifications")).join(kept).exists(), "{kept} is not there");
    }
    for kept in ["documents.db", "documents.key"] {
        assert!(Path::new(&data("documents")).join(kept).exists(), "{kept} is not there");
    }
    drop(queue);
    let unready = Binary::with(["healthcheck", "--url", &url]).finish();
    assert_refused(&unready, 69, &["/readyz", "503"]);
}

#[test]
fn the_settings_are_printed_without_secrets() {
    let printed = Binary::with(["config"])
        .env("MPP_DATABASE__URL", "postgres://u:rahasia@h/d")
        .env("MPP_REDIS__URL", "redis://:rahasia@h")
        .env("MPP_BOARD__DEVICE_KEY", "rahasia")
        .env("MPP_SERVER__PORT", "8123")
        .finish();
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert!(!printed.stdout.contains("rahasia"), "{}", printed.stdout);
    let settings: Value = serde_json::from_str(&printed.stdout).expect("JSON");
    assert_eq!(settings["server"]["port"], 8123);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_stops_everything_and_the_next_start_finds_the_same_data() {
    let (_dir, data) = directory();
    let file = Path::new(&data).join("demo-accounts.json");
    let read = || {
        serde_json::from_str::<Value>(&fs::read_to_string(&file).expect("the demo accounts")).expect("JSON")
    };

    let mut first = serve(&data, &["--port", "0"]).serve();
    let url = first.url().expect("ready");
    let before = read();
    assert_eq!(before["baseUrl"], url);
    for (role, least) in [("admin", 1), ("hall_manager", 1), ("agency_supervisor", 2), ("counter", 20)] {
        let count =
            before["accounts"].as_array().expect("accounts").iter().filter(|it| it["role"] == role).count();
        assert!(count >= least, "{count} {role}");
    }
    // Each page that it names is there: shown, or shown to those who sign in first.
    let mut banner = first.log();
    while !banner.contains("Ctrl-C stops everything") {
        tokio::time::sleep(Duration::from_millis(50)).await;
        banner = first.log();
    }
    let named: Vec<&str> =
        banner.lines().filter_map(|line| line.split_once(&url)).map(|(_, path)| path).collect();
    for page in
        ["/", "/masuk", "/antrean", "/loket", "/resepsi", "/kendali", "/kiosk", "/papan", "/lapor", "/peta"]
    {
        assert!(named.contains(&page), "{page} is not among {named:?}");
    }
    for page in named.into_iter().filter(|path| path.starts_with('/')) {
        let status = reqwest::get(format!("{url}{page}")).await.expect("an answer").status();
        assert!(status.is_success(), "{page} is named, and answers {status}");
    }
    let manager = |accounts: &Value| {
        let all = accounts["accounts"].as_array().expect("accounts").clone();
        all.into_iter().find(|it| it["role"] == "hall_manager").expect("a hall manager")
    };
    let who = manager(&before);
    let (username, password) =
        (who["username"].as_str().expect("a name"), who["password"].as_str().expect("a password"));
    let api = Api::anonymous(&url).sign_in(username, password).await;
    let hall = before["halls"][0]["id"].as_str().expect("a hall").to_owned();
    let services = api.get(&format!("/v1/halls/{hall}/services")).await.ok();
    let service = services["services"]
        .as_array()
        .expect("services")
        .iter()
        .find(|it| it["state"] == "SERVICE_STATE_OPEN");
    let service = &service.expect("an open service")["id"];
    let ticket = api.post(&format!("/v1/halls/{hall}/tickets"), &json!({"serviceId": service})).await.ok();
    let redis = redis_pid(&data);
    assert!(is_alive(redis));
    // A letter, signed by the stand-in for BSrE of the demo.
    let letter = Path::new(&data).with_file_name("surat.pdf").to_string_lossy().into_owned();
    let played = Binary::with(["demo", "letter", "--out", &letter, "--data", &data]).finish();
    assert_eq!(played.code, Some(0), "{played:?}");
    for kept in ["documents.db", "documents.key", "files", "bsre-simulator/roots.pem"] {
        assert!(Path::new(&data).join(kept).exists(), "{kept} is not there");
    }
    for secret in [
        Path::new(&data).to_owned(),
        Path::new(&data).join("identity.key"),
        Path::new(&data).join("documents.key"),
        Path::new(&data).join("notifications.key"),
        Path::new(&data).join("complaints.key"),
        Path::new(&data).join("complaints-vault.key"),
    ] {
        let mode = fs::metadata(&secret).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} can be read by others", secret.display());
    }

    // Ctrl-C in a terminal.
    first.signal("INT");
    let status = first.wait();
    assert_eq!(status.code(), Some(0), "{}", first.log());
    assert_ends(redis);

    let mut second = serve(&data, &["--port", "0"]).serve();
    let url = second.url().expect("ready");
    let after = read();
    assert_eq!(after["baseUrl"], url, "the file says where the suite is now");
    for part in ["halls", "accounts", "devices"] {
        assert_eq!(after[part], before[part], "{part} changed");
    }
    let api = Api::anonymous(&url).sign_in(username, password).await;
    let id = ticket["ticket"]["id"].as_str().expect("an id");
    let found = api.get(&format!("/v1/tickets/{id}")).await.ok();
    assert_eq!(found["ticket"]["number"], ticket["ticket"]["number"]);
    // What was signed before is as sound after: key, files and roots are the same.
    let verified = Binary::with(["verify", &letter, "--url", &url]).finish();
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(verified.stdout.contains("intact, trusted"), "{verified:?}");

    let third = serve(&data, &["--port", "0"]).finish();
    assert_refused(&third, 69, &["another server", &data, "--data", &url]);

    second.signal("TERM");
    assert_eq!(second.wait().code(), Some(0), "{}", second.log());
}

/// The command for the December of a year, with papers as they stood at an entry of the journal.
fn evidence_of(data: &str, year: i32, out: &str, register: &str) -> Finished {
    let (from, to) = (format!("{year}-12-01"), format!("{year}-12-31"));
    let period = ["complaints", "evidence", "--from", &from, "--to", &to];
    Binary::with(period.into_iter().chain(["--register", register, "--out", out, "--data", data])).finish()
}

#[tokio::test(flavor = "multi_thread")]
async fn c_45_papers_are_in_the_pack_of_the_command_and_an_earlier_pack_is_made_again() {
    let (dir, data) = directory();
    let mut server = serve(&data, &["--port", "0"]).serve();
    let url = server.url().expect("ready");
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    // Last year: the demo's papers are valid since its beginning, and its December is over.
    let year = SystemClock.now().year() - 1;
    let pack = |name: &str, register: &str| {
        let written = evidence_of(&data, year, &path(name), register);
        assert_eq!(written.code, Some(0), "{written:?}");
        fs::read(path(name)).expect("the pack")
    };
    let has = |pack: &[u8], text: &str| pack.windows(text.len()).any(|it| it == text.as_bytes());
    // The demo begins with a decree that names who holds every office, and a procedure.
    let first = pack("satu.zip", "0");
    for text in [
        "PG-01: lengkap",
        &format!("PG-01/{year}-01-01_sk-tim_evd_"),
        &format!("PG-01/{year}-01-01_sop_evd_"),
    ] {
        assert!(has(&first, text), "{text}");
    }
    let accounts: Value =
        serde_json::from_slice(&fs::read(Path::new(&data).join("demo-accounts.json")).expect("the file"))
            .expect("JSON");
    let coordinator = accounts["accounts"]
        .as_array()
        .and_then(|all| all.iter().find(|it| it["username"] == "aduan.koordinator"));
    let password = coordinator.and_then(|it| it["password"].as_str()).expect("a password");
    let api = Api::anonymous(&url).sign_in("aduan.koordinator", password).await;
    let kept = api.get("/v1/complaintEvidence/documents").await.ok()["documents"].clone();
    let procedure =
        kept.as_array().and_then(|all| all.iter().find(|it| it["kind"] == "EVIDENCE_KIND_PROCEDURE"));
    let id = procedure.and_then(|it| it["id"].as_str()).expect("an id");
    let link = api.post(&format!("/v1/complaintEvidence/documents/{id}:link"), &json!({})).await.ok();
    let file =
        reqwest::get(format!("{url}{}", link["path"].as_str().expect("a path"))).await.expect("the file");
    assert_eq!(file.headers()["content-type"], "application/pdf");
    let body = json!({"reason": "Diganti SOP yang baru.", "requestId": "cabut-sop"});
    api.post(&format!("/v1/complaintEvidence/documents/{id}:withdraw"), &body).await.ok();
    let second = pack("dua.zip", "0");
    assert!(has(&second, "PG-01: tidak ada SOP yang berlaku sepanjang periode"));
    // BACA.txt of the first names the entry of the journal with which it is made again.
    let text = String::from_utf8_lossy(&first).into_owned();
    let register = text.split("--register ").nth(1).and_then(|it| it.split('.').next()).expect("a number");
    assert_eq!(pack("tiga.zip", register), first);
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
}

#[test]
fn c_45_the_evidence_of_a_period_is_the_same_file_beside_the_server_and_without_it() {
    let (dir, data) = directory();
    let mut server = serve(&data, &["--port", "0", "--no-demo"]).serve();
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let evidence = |from: &str, to: &str, out: &str| {
        Binary::with(["complaints", "evidence", "--from", from, "--to", to, "--out", out, "--data", &data])
            .finish()
    };
    let january = |name: &str| {
        let written = evidence("2026-01-01", "2026-01-31", &path(name));
        assert_eq!(written.code, Some(0), "{written:?}");
        let content = fs::read(path(name)).expect("the pack");
        // What is printed is the digest of what was written, as sha256sum prints it.
        let checked = std::process::Command::new("sha256sum").arg(path(name)).output().expect("sha256sum");
        assert_eq!(written.stdout, String::from_utf8_lossy(&checked.stdout));
        content
    };
    let first = january("satu.zip");
    assert_eq!(first, january("dua.zip"));
    let has = |pack: &[u8], text: &str| pack.windows(text.len()).any(|it| it == text.as_bytes());
    for file in [
        "BACA.txt",
        "PG-01_bukti.csv",
        "PG-02_pengelola.csv",
        "PG-03",
        "PG-04",
        "PG-05",
        "PG-06",
        "PG-07_bukti.csv",
        "PG-08_sp4n.csv",
        "PG-09_bukti.csv",
        "tenggat.csv",
    ] {
        assert!(has(&first, file), "{file}");
    }
    // Nobody has entered a paper: the pack says so.
    let none = "PG-01: tidak ada SK tim yang berlaku sepanjang periode: kosong 2026-01-01 sampai 2026-01-31";
    assert!(has(&first, none));
    assert_refused(&evidence_of(&data, 2025, &path("lima.zip"), "7000000"), 65, &[]);
    // One that goes on would change: nothing is written.
    let running = evidence("2026-01-01", "2999-01-01", &path("tiga.zip"));
    assert_refused(&running, 65, &[]);
    assert!(!Path::new(&path("tiga.zip")).exists());
    assert_refused(&evidence("2026-01-01", "2026-01-31", &path("tidak/ada.zip")), 73, &["ada.zip"]);
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
    assert_eq!(first, january("empat.zip"), "without a server");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_works_beside_the_running_server() {
    let (dir, data) = directory();
    let server = serve(&data, &["--port", "0", "--no-demo"]).serve();
    let url = server.url().expect("ready");
    assert!(server.log().contains("mpp user add"), "it does not say how to go on: {}", server.log());
    assert!(!Path::new(&data).join("demo-accounts.json").exists());
    let command = |arguments: &[&str]| Binary::with(arguments.iter().copied().chain(["--data", &data]));
    let healthy = command(&["healthcheck", "--url", &url]).finish();
    assert_eq!(healthy.code, Some(0), "{healthy:?}");

    let added = command(&["user", "add", "--username", "kepala", "--role", "admin"]).finish();
    assert_eq!(added.code, Some(0), "{added:?}");
    let password = added.stdout.lines().find_map(|line| line.strip_prefix("password: ")).expect("a password");
    let admin = Api::anonymous(&url).sign_in("kepala", password).await;
    admin.get("/v1/accounts").await.ok();
    let twice = command(&["user", "add", "--username", "kepala", "--role", "admin"]).finish();
    assert_refused(&twice, 65, &[]);

    let file = dir.path().join("hall.json");
    fs::write(
        &file,
        json!({"code": "MPP-X", "name": "MPP X", "timeZone": "TIME_ZONE_WIT", "calendar": "CALENDAR_DEMO"})
            .to_string(),
    )
    .expect("a file");
    let applied = command(&["hall", "apply", &file.to_string_lossy()]).finish();
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let hall = applied.stdout.split_whitespace().next().expect("an id").to_owned();
    admin.get(&format!("/v1/halls/{hall}")).await.ok();

    let enrolled =
        command(&["device", "enrol", "--kind", "kiosk", "--hall", &hall, "--label", "Pintu utara"]).finish();
    assert_eq!(enrolled.code, Some(0), "{enrolled:?}");
    let key = enrolled.stdout.lines().find_map(|line| line.strip_prefix("key: ")).expect("a key");
    let device = enrolled.stdout.split_whitespace().next().expect("an id");
    Api::anonymous(&url).sign_in_device(key).await.get(&format!("/v1/halls/{hall}")).await.ok();
    let revoked = command(&["device", "revoke", device]).finish();
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    let refused = Api::anonymous(&url).post("/v1/deviceSessions", &json!({"deviceKey": key})).await;
    assert_eq!(refused.status.as_u16(), 401, "{refused:?}");

    let given = command(&[
        "user",
        "add",
        "--username",
        "penyelia",
        "--role",
        "hall-manager",
        "--hall",
        &hall,
        "--password-stdin",
    ])
    .finish_with("sandi-yang-cukup-panjang\n");
    assert_eq!(given.code, Some(0), "{given:?}");
    assert!(!given.stdout.contains("sandi"), "a given password is not repeated");
    Api::anonymous(&url).sign_in("penyelia", "sandi-yang-cukup-panjang").await;
    let disabled = command(&["user", "disable", "penyelia"]).finish();
    assert_eq!(disabled.code, Some(0), "{disabled:?}");
    let body = json!({"username": "penyelia", "password": "sandi-yang-cukup-panjang"});
    assert_eq!(Api::anonymous(&url).post("/v1/sessions", &body).await.status.as_u16(), 401);
}

#[test]
fn a_hall_is_applied_without_a_server_too() {
    let (dir, data) = directory();
    let file = dir.path().join("hall.json");
    fs::write(&file, json!({"code": hall::CODE, "name": "MPP", "timeZone": "TIME_ZONE_WIB"}).to_string())
        .expect("a file");
    let apply = || Binary::with(["hall", "apply", &file.to_string_lossy(), "--data", &data]).finish();
    let (first, second) = (apply(), apply());
    assert_eq!((first.code, second.code), (Some(0), Some(0)), "{first:?} {second:?}");
    assert_eq!(first.stdout, second.stdout, "the hall keeps its id");
    fs::write(&file, r#"{"code": "X", "loket": 3}"#).expect("a file");
    assert_refused(&apply(), 65, &["hall.json", "loket"]);
}

/// Must 33: who changes, removes or cuts off entries behind the triggers is found by the first entry that is not what was written,
/// with or without a server. What only looks makes no database.
#[tokio::test(flavor = "multi_thread")]
async fn line_33_a_changed_journal_is_named_with_its_first_broken_entry() {
    for engine in testing::ENGINES {
        let (dir, data) = directory();
        let postgres = match engine {
            Engine::Postgres => Some(testing::fresh_db(engine).await),
            Engine::Sqlite => None,
        };
        let url = postgres.as_ref().map(|database| database.url.clone()).unwrap_or_default();
        let command = |arguments: &[&str]| {
            let all = arguments.iter().copied().chain(["--data", &data]);
            Binary::with(all).env("MPP_DATABASE__URL", &url).finish()
        };
        let verify = |more: &[&str]| command(&[&["journal", "verify"][..], more].concat());
        let schemas = async || match &postgres {
            Some(database) => {
                let sql = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'mpp%'";
                let asked = Statement::from_string(DbBackend::Postgres, sql);
                database.db.read.query_all_raw(asked).await.expect("schemas").len()
            }
            None => 0,
        };
        let there =
            if postgres.is_none() { ["identity.db", "--data"] } else { ["mpp_identity", "database.url"] };
        assert_refused(&verify(&[]), 69, &there);
        assert!(!Path::new(&data).exists() && schemas().await == 0, "it has made what it looked for");
        assert_refused(&verify(&["gateway"]), 64, &["gateway"]);
        assert_eq!(command(&["migrate"]).code, Some(0));
        for username in ["kepala", "penyelia", "pengelola"] {
            let added = command(&["user", "add", "--username", username, "--role", "admin"]);
            assert_eq!(added.code, Some(0), "{added:?}");
        }
        let file = dir.path().join("hall.json");
        fs::write(&file, json!({"code": hall::CODE, "name": "MPP", "timeZone": "TIME_ZONE_WIB"}).to_string())
            .expect("a file");
        assert_eq!(command(&["hall", "apply", &file.to_string_lossy()]).code, Some(0));

        let whole = verify(&[]);
        assert_eq!(whole.code, Some(0), "{whole:?}");
        let told: Vec<_> = whole.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
        let [identity, log, rest @ ..] = told.as_slice() else { panic!("{whole:?}") };
        let log = *log;
        assert!(*identity == "identity" && log.starts_with("queue/hal_"), "{whole:?}");
        assert_eq!(rest, ["documents", "complaints", "notifications"]);
        let entries = |name: &str| {
            let line = whole.stdout.lines().find_map(|line| line.strip_prefix(name)).expect(name);
            line.split_whitespace().next().and_then(|it| it.parse::<i64>().ok()).expect("a number")
        };
        assert!(entries("identity ") >= 3 && entries(log) >= 1, "{whole:?}");
        let noted = dir.path().join("catatan.txt").to_string_lossy().into_owned();
        fs::write(&noted, &whole.stdout).expect("a file");
        assert_eq!(verify(&["--noted", &noted]).code, Some(0));

        let open = async |role: &str| {
            let file = mpp_kit::db::sqlite_url(&Path::new(&data).join(format!("{role}.db")));
            let url = if postgres.is_none() { file } else { url.clone() };
            Db::connect(&url, Some(&format!("mpp_{role}"))).await.expect("the database")
        };
        let journal = open("identity").await;
        let change = "UPDATE journal SET who = 'acc_lain' WHERE seq = 2";
        let refused = journal.write.execute_unprepared(change).await.expect_err("it is append-only");
        assert!(refused.to_string().contains("append-only"), "{refused}");
        // Who owns the tables takes the triggers away.
        testing::unguard_journal(&journal).await;
        journal.write.execute_unprepared(change).await.expect("it is changed");
        let changed = verify(&[]);
        assert_refused(&changed, 65, &["identity", "entry 2", "changed"]);
        assert!(changed.stdout.contains("notifications "), "the others are told all the same: {changed:?}");
        assert_eq!(verify(&["documents", "queue"]).code, Some(0));
        let last = entries("identity ");
        for (sql, words) in [
            ("DELETE FROM journal WHERE seq = 2".to_owned(), ["goes from entry 2 to 3", "identity"]),
            (format!("DELETE FROM journal WHERE seq > 1 AND seq <= {last}"), ["entry", "noted before"]),
        ] {
            journal.write.execute_unprepared(&sql).await.expect("it is removed");
            assert_refused(&verify(&["identity", "--noted", &noted]), 65, &words);
        }
        assert_eq!(verify(&["identity"]).code, Some(0), "by itself it is whole");
        assert_refused(&verify(&["--noted", &file.to_string_lossy()]), 64, &["hall.json"]);

        let hall = open("queue").await;
        let body = "UPDATE queue_event SET body = body || ' ' WHERE seq = 1";
        hall.write.execute_unprepared(body).await.expect("it is changed");
        assert_refused(&verify(&["queue"]), 65, &[log, "entry 1", "changed"]);
        hall.write.execute_unprepared("DELETE FROM queue_event").await.expect("it is removed");
        assert_refused(&verify(&["queue"]), 65, &[log, "gone"]);
    }
}

/// A `redis-server` that speaks nothing but TLS. Dropped, it is killed.
struct TlsRedis(std::process::Child);

impl TlsRedis {
    fn start(directory: &Path, port: u16) -> Self {
        let file = |name: &str| directory.join(name).to_string_lossy().into_owned();
        let child = std::process::Command::new("redis-server")
            .args(["--port", "0", "--tls-port", &port.to_string(), "--tls-auth-clients", "no"])
            .args(["--tls-cert-file", &file("redis.pem"), "--tls-key-file", &file("redis.key")])
            .args(["--save", "", "--dir", &directory.to_string_lossy()])
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("redis-server");
        let server = Self(child);
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

impl Drop for TlsRedis {
    fn drop(&mut self) {
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("it ends");
    }
}

#[test]
fn redis_is_reached_over_tls_if_it_proves_its_name() {
    let (dir, data) = directory();
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let certificate = dir.path().join("redis.pem");
    fs::write(&certificate, certified.cert.pem()).expect("a file");
    fs::write(dir.path().join("redis.key"), certified.signing_key.serialize_pem()).expect("a file");
    // Free a moment ago; redis-server cannot be told to choose.
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("its number").port();
    drop(free);
    let _redis = TlsRedis::start(dir.path(), port);
    let url = format!("rediss://localhost:{port}");
    let with_redis = |binary: Binary| binary.env("MPP_REDIS__URL", &url);
    let trusting = |binary: Binary| with_redis(binary).env("SSL_CERT_FILE", &certificate);
    let server = || serve(&data, &["--port", "0", "--no-demo"]);
    // No authority of this machine knows it.
    assert_refused(&with_redis(server()).finish(), 69, &["redis.url", &url]);
    let plain = server().env("MPP_REDIS__URL", format!("redis://localhost:{port}")).finish();
    assert_refused(&plain, 69, &["redis.url"]);
    let mut server = trusting(server()).serve();
    assert!(!Path::new(&data).join("redis").exists(), "it has started a Redis of its own");
    // A hall begins with its configuration in the log, which is in Redis first.
    let file = dir.path().join("hall.json");
    fs::write(&file, json!({"code": hall::CODE, "name": "MPP", "timeZone": "TIME_ZONE_WIB"}).to_string())
        .expect("a file");
    let apply = Binary::with(["hall", "apply", &file.to_string_lossy(), "--data", &data]);
    let applied = trusting(apply).finish();
    assert_eq!(applied.code, Some(0), "{applied:?}");
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
}

#[test]
fn a_second_signal_and_a_kill_leave_no_redis_behind() {
    let (_dir, data) = directory();
    let mut server = serve(&data, &["--port", "0", "--no-demo"]).serve();
    let redis = redis_pid(&data);
    server.signal("KILL");
    server.wait();
    if Path::new("/usr/bin/setpriv").exists() {
        assert_ends(redis);
    }
    // What a killed server left does not stand in the way of the next.
    let mut next = serve(&data, &["--port", "0", "--no-demo"]).serve();
    assert_ends(redis);
    let redis = redis_pid(&data);
    next.signal("INT");
    next.signal("INT");
    next.wait();
    assert_ends(redis);
}

/// Somebody at work: a kiosk that gives out tickets, or a counter that calls and sends away.
struct Worker {
    name: String,
    /// Of its counter; none at a kiosk.
    counter: Option<String>,
    /// Everything it has asked, in order, and what it was told: only the last may wait for its answer.
    asked: Vec<Asked>,
    /// Requests whose connection broke before there was an answer.
    cut: usize,
    done: Arc<Done>,
}

/// What the counters were told so far.
#[derive(Default)]
struct Done {
    calls: AtomicUsize,
    no_shows: AtomicUsize,
}

impl Done {
    fn count(&self, path: &str) {
        if path.ends_with(":callNext") {
            self.calls.fetch_add(1, Ordering::SeqCst);
        } else if path.ends_with(":noShow") {
            self.no_shows.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Of each kind, those of which there are fewer.
    fn of_each(&self) -> usize {
        self.calls.load(Ordering::SeqCst).min(self.no_shows.load(Ordering::SeqCst))
    }
}

/// A request, and what it was told.
struct Asked {
    path: String,
    body: Value,
    told: Option<Value>,
}

impl Worker {
    /// Works until nobody answers any more. First it asks again what was not answered before.
    async fn work(&mut self, api: &Api, issue: &(String, String)) {
        loop {
            let (name, nth) = (&self.name, self.asked.len());
            let request_id = format!("{name}-{nth}");
            let last = self.asked.last();
            let waits = last.is_some_and(|asked| asked.told.is_none());
            if !waits {
                let (path, body) = match (&self.counter, last.and_then(|asked| asked.told.as_ref())) {
                    (None, _) => (issue.0.clone(), json!({"serviceId": issue.1, "requestId": request_id})),
                    // Who was called does not come, and the next is called.
                    (Some(_), Some(told)) if told["ticket"]["state"] == "TICKET_STATE_CALLED" => {
                        let ticket = told["ticket"]["id"].as_str().expect("an id");
                        (format!("/v1/tickets/{ticket}:noShow"), json!({"requestId": request_id}))
                    }
                    (Some(counter), _) => {
                        let body = json!({"requestId": request_id, "expectedCurrent": ""});
                        (format!("/v1/counters/{counter}:callNext"), body)
                    }
                };
                self.asked.push(Asked { path, body, told: None });
            }
            let asked = self.asked.last_mut().expect("at least one");
            match api.try_send(reqwest::Method::POST, &asked.path, Some(&asked.body), &[]).await {
                Ok(answer) if answer.status.is_success() => {
                    self.done.count(&asked.path);
                    asked.told = Some(answer.body);
                }
                Ok(answer) if answer.body["reason"] == "NOBODY_WAITING" => {
                    // Nothing has happened, so nothing is kept of it.
                    self.asked.pop();
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Ok(answer) => {
                    let status = answer.status.as_u16();
                    assert!(matches!(status, 503 | 504), "{} → {status} {}", asked.path, answer.body);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => {
                    self.cut += usize::from(!error.is_connect());
                    return;
                }
            }
        }
    }

    /// Asks for the last answer as long as it takes, if it is missing.
    async fn settle(&mut self, api: &Api) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while let Some(asked) = self.asked.last_mut().filter(|asked| asked.told.is_none()) {
            let answer = api.post(&asked.path, &asked.body).await;
            if answer.status.is_success() {
                asked.told = Some(answer.body);
            } else if answer.body["reason"] == "NOBODY_WAITING" {
                self.asked.pop();
            } else {
                let status = answer.status.as_u16();
                assert!(matches!(status, 503 | 504), "{} → {status} {}", asked.path, answer.body);
                assert!(Instant::now() < deadline, "{} is not answered after the restart", asked.path);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// What it was told, by the kind of event that it became: the ticket with its number.
    fn told(&self, verb: &str) -> Vec<(String, String)> {
        let those = self.asked.iter().filter(|asked| asked.path.ends_with(verb));
        those.map(|asked| ticket_of(asked.told.as_ref().expect("answered in the end"))).collect()
    }
}

/// Id and number of the ticket of an answer or an event.
fn ticket_of(of: &Value) -> (String, String) {
    let text = |field: &str| of["ticket"][field].as_str().expect("it is there").to_owned();
    (text("id"), text("number"))
}

/// The whole suite is killed with kill -9, again and again, while kiosks and counters are at work. Whatever somebody was told
/// is there, once; who was told nothing asks again and gets one answer, not two; and an old request gets its old answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suite_that_is_killed_while_it_works_loses_nothing_it_has_said() {
    for engine in testing::ENGINES {
        let (dir, data) = directory();
        let postgres = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(testing::fresh_db(engine).await),
        };
        let with_database = |binary: Binary| match &postgres {
            None => binary,
            Some(db) => binary.env("MPP_DATABASE__URL", &db.url),
        };
        let start = || {
            let binary = serve(&data, &["--port", "0", "--no-demo"]);
            // More than one person asks for in a second.
            with_database(binary).env("MPP_GATEWAY__RATE__ENABLED", "false").serve()
        };
        let command = |arguments: &[&str]| {
            let binary = Binary::with(arguments.iter().copied().chain(["--data", &data]));
            let done = with_database(binary).finish();
            assert_eq!(done.code, Some(0), "{done:?}");
            done.stdout
        };
        let mut plan = hall::demo();
        for service in &mut plan.services {
            // Who is called once and does not come is not called again, so each ticket is called once.
            service.max_calls = 1;
            service.series.as_mut().expect("a series").digits = 5;
        }
        let file = dir.path().join("hall.json");
        fs::write(&file, wire::to_json(&plan).expect("JSON").to_string()).expect("a file");
        let mut server = start();
        let added = command(&["user", "add", "--username", "kepala", "--role", "admin"]);
        let password = added.lines().find_map(|line| line.strip_prefix("password: ")).expect("a password");
        let applied = command(&["hall", "apply", &file.to_string_lossy()]);
        let hall = applied.split_whitespace().next().expect("an id").to_owned();
        let mut api = Api::anonymous(&server.url().expect("ready")).sign_in("kepala", password).await;
        let shown = api.get(&format!("/v1/halls/{hall}")).await.ok();
        let id_of = |list: &str, field: &str, value: &str| {
            let all = shown["hall"][list].as_array().expect("a list");
            let one = all.iter().find(|it| it[field] == value).expect("it is configured");
            one["id"].as_str().expect("an id").to_owned()
        };
        api.post(&format!("/v1/halls/{hall}:openDay"), &json!({})).await.ok();
        let issue = (format!("/v1/halls/{hall}/tickets"), id_of("services", "code", "A1"));
        let done = Arc::new(Done::default());
        let worker =
            |name, counter| Worker { name, counter, asked: Vec::new(), cut: 0, done: Arc::clone(&done) };
        let mut workers: Vec<Worker> = (1..=4).map(|nth| worker(format!("kios-{nth}"), None)).collect();
        for number in ["1", "2"] {
            let counter = id_of("counters", "number", number);
            api.post(&format!("/v1/counters/{counter}:open"), &json!({})).await.ok();
            workers.push(worker(format!("loket-{number}"), Some(counter)));
        }
        for round in 0..3 {
            let enough = done.of_each() + 10;
            let before: usize = workers.iter().map(|worker| worker.cut).sum();
            let at_work: Vec<_> = workers
                .drain(..)
                .map(|mut worker| {
                    let (api, issue) = (api.clone(), issue.clone());
                    tokio::spawn(async move {
                        worker.work(&api, &issue).await;
                        worker
                    })
                })
                .collect();
            // By what was said, not by the clock: a slow machine says as much, only later.
            let deadline = Instant::now() + Duration::from_secs(20);
            while done.of_each() < enough && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            server.signal("KILL");
            server.wait();
            for worker in at_work {
                workers.push(worker.await.expect("its work"));
            }
            let cut = workers.iter().map(|worker| worker.cut).sum::<usize>() - before;
            assert!(cut > 0, "{engine}: nobody waited for an answer in round {round}");
            server = start();
            api = api.at(&server.url().expect("ready"));
        }
        let mut again = Vec::new();
        for worker in &mut workers {
            worker.settle(&api).await;
            // Of those whose answer came before the first kill, and of the latest.
            let all = worker.asked.len();
            again.extend(worker.asked[..all.min(4)].iter().chain(&worker.asked[all.saturating_sub(4)..]));
        }
        for asked in again {
            let told = asked.told.as_ref().expect("answered");
            let kept = api.post(&asked.path, &asked.body).await.ok();
            for field in ["id", "number", "version", "state"] {
                let (kept, told) = (&kept["ticket"][field], &told["ticket"][field]);
                assert_eq!(kept, told, "{engine}: {field} of {} {}", asked.path, asked.body);
            }
        }
        let (mut events, mut token) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/halls/{hall}/events?pageSize=1000&pageToken={token}");
            let page = api.get(&path).await.ok();
            events.extend(page["events"].as_array().expect("events").iter().cloned());
            page["nextPageToken"].as_str().expect("a token").clone_into(&mut token);
            if token.is_empty() {
                break;
            }
        }
        for (kind, verb) in [
            ("EVENT_KIND_TICKET_ISSUED", "/tickets"),
            ("EVENT_KIND_TICKET_CALLED", ":callNext"),
            ("EVENT_KIND_TICKET_NO_SHOW", ":noShow"),
        ] {
            let of_kind = events.iter().filter(|event| event["kind"] == kind);
            let mut logged: Vec<(String, String)> = of_kind.map(ticket_of).collect();
            let mut told: Vec<(String, String)> = workers.iter().flat_map(|it| it.told(verb)).collect();
            logged.sort();
            told.sort();
            assert!(told.len() > 20, "{engine}: only {} of {kind}", told.len());
            assert_eq!(logged, told, "{engine}: what was said is in the log once, and nothing else");
            logged.dedup_by(|one, other| one.1 == other.1);
            assert_eq!(logged.len(), told.len(), "{engine}: a number stands for one ticket");
        }
        let seqs: Vec<i64> = events
            .iter()
            .map(|event| event["seq"].as_str().expect("64 bits").parse().expect("a number"))
            .collect();
        assert!(seqs.windows(2).all(|two| two[1] == two[0] + 1), "{engine}: the log has a gap");
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0), "{}", server.log());
    }
}

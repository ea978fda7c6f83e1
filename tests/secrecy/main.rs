//! Nobody who reports can be found out: reporters with unmistakable names, numbers, addresses and pictures write on every
//! channel; then everything that answers, is sent, exported or logged is searched for them, for everybody who may not know.
//!
//! Operations are read from `/openapi.json`, so that a new one is searched by itself. That the search finds something is shown
//! in the same run: who may know a reporter does, and words that are public are found in every feed.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt as _;
use mpp_kit::clock::Clock as _;
use mpp_kit::db::Engine;
use mpp_tests::harness::complaints::{Browser, text};
use mpp_tests::harness::markers::{Kind, Marker, Markers};
use mpp_tests::harness::surface::{self, Known, Operation};
use mpp_tests::harness::{Api, Complaints, hall};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tracing::dispatcher::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, fmt};

/// Monday 2 November 2026, 08:00 in WIB.
const MONDAY: &str = "2026-11-02T01:00:00Z";
const PUPR: &str = "17.07/pupr";
const COORDINATOR: &str = "aduan.koordinator";
/// How many requests are under way at once.
const AT_ONCE: usize = 8;
/// How long the first event of a stream may take.
const FIRST_EVENT: Duration = Duration::from_secs(20);
/// Pages that one person opens at most.
const MOST_PAGES: usize = 40;
/// Words that are public on purpose: where they are not found, the search would not find anything else either.
const CONTROL: &str = "Kontrolzamrudjingga";
/// Everything from level debug on, but for frames of HTTP/2, of which kinds and lengths are told, a hundred for each answer.
const LEVEL: &str = "debug,h2=info,opentelemetry=warn";
/// What requests that are refused hold.
const PROBE: &str = "0819-6655-4433";

/// A reporter with unmistakable data.
struct Reporter {
    owner: &'static str,
    name: &'static str,
    /// As a provider writes it: 62….
    phone: &'static str,
    email: &'static str,
    nik: &'static str,
}

const fn reporter(
    owner: &'static str,
    name: &'static str,
    phone: &'static str,
    email: &'static str,
    nik: &'static str,
) -> Reporter {
    Reporter { owner, name, phone, email, nik }
}

/// Asks for no secrecy; published.
const OPEN: Reporter =
    reporter("biasa", "Qoryvandra Mahesworo", "6281277009911", "qv.lapor@surya1.example", "1707026602929713");
/// Anonymous; published.
const ANONYMOUS: Reporter =
    reporter("anonim", "Wirbhuana Zulkarsih", "6281277009922", "wz.lapor@surya2.example", "1707026602929724");
/// Secret.
const SECRET: Reporter = reporter(
    "rahasia",
    "Yudhaprana Kusworini",
    "6281277009933",
    "yk.lapor@surya3.example",
    "1707026602929735",
);
/// Anonymous, on WhatsApp.
const CHAT: Reporter = reporter("wa", "Xaverinda Poedjowati", "6281277009944", "", "1707026602929746");
/// Asks for no secrecy, on WhatsApp; the case is merged into another.
const JOINED: Reporter =
    reporter("wa-gabung", "Undagiwara Brotosemi", "6281277009955", "", "1707026602929757");
/// Secret, by Open311.
const PROGRAM: Reporter = reporter(
    "open311",
    "Trikusumo Vandhawira",
    "6281277009966",
    "tv.lapor@surya6.example",
    "1707026602929768",
);
/// Anonymous, at the desk.
const DESK: Reporter = reporter(
    "meja",
    "Sekarlintang Djoyoboyo",
    "6281277009977",
    "sd.lapor@surya7.example",
    "1707026602929779",
);
/// Reports wrongdoing at the agency that has the other cases.
const WHISTLE: Reporter =
    reporter("wbs", "Rarasputih Ekowardoyo", "6281277009988", "re.lapor@surya8.example", "1707026602929780");
/// Follows a published case, anonymously.
const FOLLOWER: Reporter = reporter(
    "pengikut",
    "Padmawijaya Hestukoro",
    "6281277009900",
    "ph.lapor@surya9.example",
    "1707026602929791",
);
const REPORTERS: [&Reporter; 9] =
    [&OPEN, &ANONYMOUS, &SECRET, &CHAT, &JOINED, &PROGRAM, &DESK, &WHISTLE, &FOLLOWER];

/// Who comments on Instagram, and the name shown there.
const COMMENTER: (&str, &str) = ("17841499887766551", "zubairmarka77");
/// Who writes directly on Instagram.
const DIRECT: &str = "17841499887766552";
/// Who writes to the Page.
const MESSENGER: &str = "24009988776655443";
/// What cameras write into pictures, as long as what the sample holds.
const CAMERA: &str = "RASDIYANTO1";
/// Where the anonymous reporter stood: digits that no coarse place has.
const POINT: (f64, f64) = (-3.798_641_273, 102.267_315_984);

impl Reporter {
    fn mark(&self, markers: &mut Markers) {
        markers.add(self.owner, "nama", Kind::Identity, self.name);
        // Written with +62, 62 or 0.
        markers.add(self.owner, "telepon", Kind::Identity, &self.phone[2..]);
        if !self.email.is_empty() {
            markers.add(self.owner, "surel", Kind::Identity, self.email);
        }
        markers.add(self.owner, "NIK", Kind::Words, self.nik);
    }

    fn contact(&self) -> Value {
        json!({"name": self.name, "phone": format!("+{}", self.phone), "email": self.email})
    }

    /// What is written into a report, with what nobody should have to write there.
    fn words(&self, about: &str) -> String {
        format!("{about} NIK saya {}.", self.nik)
    }

    fn report(&self, secrecy: &str, about: &str) -> Value {
        json!({
            "complaintClass": "COMPLAINT_CLASS_COMPLAINT", "text": self.words(about), "category": "JALAN",
            "channel": "CHANNEL_WEB", "secrecy": format!("SECRECY_{secrecy}"), "contact": self.contact(),
        })
    }
}

fn markers() -> Markers {
    let mut markers = Markers::default();
    for reporter in REPORTERS {
        reporter.mark(&mut markers);
    }
    for (owner, what, value) in [
        ("ig-komentar", "id", COMMENTER.0),
        ("ig-komentar", "nama akun", COMMENTER.1),
        ("ig-pesan", "id", DIRECT),
        ("fb", "id", MESSENGER),
        ("foto", "EXIF", CAMERA),
        ("anonim", "lintang", "3798641273"),
        ("anonim", "bujur", "102267315984"),
        ("anonim", "alamat", "Gang Merpatilurik 77"),
        ("wa", "nama tempat", "Warung Cendrawasihjati"),
        ("wa", "alamat", "Lorong Kenariwungu 88"),
        ("open311", "perangkat", "dev-99aabbcc77"),
    ] {
        markers.add(owner, what, Kind::Identity, value);
    }
    markers.add("biasa", "telepon di uraian", Kind::Words, "81266001122");
    markers.add("biasa", "surel di uraian", Kind::Words, "uraian.qv@surya1.example");
    markers.add("uji", "kontrol", Kind::Control, CONTROL);
    markers
}

/// Who looks, and what they may find.
struct Looker {
    username: &'static str,
    may: fn(&Marker) -> bool,
}

fn nothing(_: &Marker) -> bool {
    false
}

/// Reporters of cases that the agency PUPR has the lead of.
const OF_PUPR: [&str; 5] = ["biasa", "anonim", "wa", "wa-gabung", "pengikut"];

/// Who distributes: the words of every case but of whistleblowing, and who asked for no secrecy.
fn coordinates(marker: &Marker) -> bool {
    let words = marker.kind == Kind::Words && marker.owner != "wbs";
    words || matches!(marker.owner, "biasa" | "wa-gabung")
}

/// Who works for PUPR: the same for its own cases.
fn works(marker: &Marker) -> bool {
    OF_PUPR.contains(&marker.owner) && coordinates(marker)
}

/// Who leads the regency: words, and nobody's name.
fn leads(marker: &Marker) -> bool {
    marker.kind == Kind::Words && marker.owner != "wbs"
}

/// The secretary, who asked with a purpose to see who the anonymous reporter is, and was permitted to.
fn was_permitted(marker: &Marker) -> bool {
    let shown = marker.owner == "anonim" && matches!(marker.what, "nama" | "telepon" | "surel");
    leads(marker) || shown
}

/// The inspectorate: the words of whistleblowing alone.
fn inspects(marker: &Marker) -> bool {
    marker.kind == Kind::Words && marker.owner == "wbs"
}

const LOOKERS: [Looker; 14] = [
    Looker { username: "", may: nothing },
    Looker { username: "loket-1", may: nothing },
    Looker { username: "auditor", may: nothing },
    Looker { username: "camat", may: nothing },
    Looker { username: "dinkes.kepala", may: nothing },
    Looker { username: "dinkes.aduan", may: nothing },
    Looker { username: "sistem.perizinan", may: nothing },
    Looker { username: "aduan.meja", may: nothing },
    Looker { username: "inspektorat.aduan", may: inspects },
    Looker { username: "bupati", may: leads },
    Looker { username: "sekda", may: was_permitted },
    Looker { username: "pupr.kepala", may: works },
    Looker { username: "admin", may: coordinates },
    Looker { username: COORDINATOR, may: coordinates },
];

/// What was found where it must not be, and what was found at all.
#[derive(Default)]
struct Findings {
    leaks: BTreeSet<String>,
    seen: BTreeSet<(&'static str, &'static str)>,
    /// Where the words were found that are public.
    controls: BTreeSet<String>,
    looked_at: usize,
}

impl Findings {
    fn take(&mut self, markers: &Markers, place: &str, content: &[u8], may: impl Fn(&Marker) -> bool) {
        self.looked_at += 1;
        for marker in markers.found_in(content) {
            self.seen.insert((marker.owner, marker.what));
            if marker.kind == Kind::Control {
                self.controls.insert(place.to_owned());
            } else if !may(marker) {
                self.leaks.insert(format!("{place}: {} {}", marker.owner, marker.what));
            }
        }
    }

    #[track_caller]
    fn assert_none(&self) {
        assert!(self.leaks.is_empty(), "{:#?}", self.leaks);
    }
}

/// A picture as a camera makes it, with a name of its own in it.
fn photo() -> Vec<u8> {
    const SAMPLE: &[u8] = include_bytes!("../../services/complaints/src/intake/samples/photo.jpg");
    let (name, mut out) = (b"KAMERA-SITI", SAMPLE.to_vec());
    assert_eq!(name.len(), CAMERA.len());
    let at = SAMPLE.windows(name.len()).position(|it| it == name).expect("the sample tells its camera");
    out[at..at + name.len()].copy_from_slice(CAMERA.as_bytes());
    out
}

/// Everybody reports. Answers the cases.
async fn everybody_reports(town: &Complaints) -> Vec<String> {
    let mut cases = Vec::new();
    let mut file = async |report: Value| {
        let (number, _) = town.files(&report).await;
        let id = town.case_of(&number).await;
        cases.push(id.clone());
        (number, id)
    };
    let mut open =
        OPEN.report("OPEN", "Lubang di jalan pasar. Telepon 0812-6600-1122, surel uraian.qv@surya1.example.");
    open["fileIds"] = json!([town.uploads(&photo()).await]);
    open["place"] =
        json!({"villageCode": "17.07.02.2001", "latitude": -3.7, "longitude": 102.2, "address": "Pasar"});
    let (published, open) = file(open).await;
    let mut anonymous = ANONYMOUS.report("ANONYMOUS", "Jembatan bambu lapuk.");
    anonymous["place"] = json!({
        "villageCode": "17.07.02.2001", "latitude": POINT.0, "longitude": POINT.1, "address": "Gang Merpatilurik 77",
    });
    anonymous["fileIds"] = json!([town.uploads(&photo()).await]);
    let (_, anonymous) = file(anonymous).await;
    let (_, _secret) = file(SECRET.report("SECRET", "Proyek jalan tidak sesuai gambar.")).await;
    let mut whistle = WHISTLE.report("ANONYMOUS", "Uang pelicin diminta petugas.");
    whistle["complaintClass"] = json!("COMPLAINT_CLASS_WHISTLEBLOWING");
    whistle["aboutAgencyId"] = json!(PUPR);
    town.files(&whistle).await;

    // On every channel of messages.
    let words = json!({"type": "text", "text": {"body": CHAT.words("Trotoar pecah di depan sekolah.")}});
    town.writes(CHAT.phone, CHAT.name, words).await;
    let chat = text(&town.case_by("WHATSAPP", 1).await["id"]);
    town.media.put("M1", &photo());
    let image = json!({"type": "image", "image": {"id": "M1", "mime_type": "image/jpeg", "sha256": "x"}});
    town.writes(CHAT.phone, CHAT.name, image).await;
    let location = json!({
        "latitude": POINT.0, "longitude": POINT.1, "name": "Warung Cendrawasihjati", "address": "Lorong Kenariwungu 88",
    });
    town.writes(CHAT.phone, CHAT.name, json!({"type": "location", "location": location})).await;
    town.writes(CHAT.phone, CHAT.name, json!({"type": "text", "text": {"body": "anonim"}})).await;
    let words = json!({"type": "text", "text": {"body": JOINED.words("Lubang di jalan pasar juga.")}});
    town.writes(JOINED.phone, JOINED.name, words).await;
    let joined = text(&town.case_by("WHATSAPP", 2).await["id"]);
    town.instagram_comment(COMMENTER.0, COMMENTER.1, "Lampu jalan mati sebulan.").await;
    let comment = text(&town.case_by("INSTAGRAM", 1).await["id"]);
    town.instagram(DIRECT, "Selokan mampet di dekat masjid.", None).await;
    let direct = text(&town.case_by("INSTAGRAM", 2).await["id"]);
    town.instagram(DIRECT, "rahasia", None).await;
    town.messenger(MESSENGER, "Pohon tumbang menutup jalan.").await;
    let page = text(&town.case_by("FACEBOOK", 1).await["id"]);
    let (program, _) = town
        .open311(&[
            ("service_code", "DRAINASE"),
            ("description", &PROGRAM.words("Gorong-gorong runtuh.")),
            ("address_string", "Simpang empat"),
            ("first_name", "Trikusumo"),
            ("last_name", "Vandhawira"),
            ("phone", "+6281277009966"),
            ("email", PROGRAM.email),
            ("device_id", "dev-99aabbcc77"),
            ("account_id", "dev-99aabbcc77"),
            ("secrecy", "rahasia"),
        ])
        .await;
    let mut desk = DESK.report("ANONYMOUS", "Atap puskesmas bocor.");
    desk["channel"] = json!("CHANNEL_COUNTER");
    desk["category"] = json!("UMUM");
    let at_desk = town.official("aduan.meja").await.post("/v1/complaints", &desk).await.ok();
    let at_desk = text(&at_desk["complaintId"]);

    // Officers work: an agency gets its cases, two are published, one is merged, one answered with words that are public.
    for case in [&open, &anonymous, &chat] {
        town.does(COORDINATOR, case, "verify", &json!({})).await;
    }
    town.does(COORDINATOR, &joined, "merge", &json!({"into": open})).await;
    for case in [&open, &anonymous, &chat] {
        town.does(COORDINATOR, case, "dispose", &json!({"agencyId": PUPR})).await;
    }
    for case in [&open, &anonymous] {
        town.does(COORDINATOR, case, "setPublication", &json!({"publication": "PUBLICATION_PUBLIC"})).await;
        town.does("pupr.aduan", case, "accept", &json!({})).await;
        let answer = json!({"text": format!("Tim kami meninjau lokasi besok pagi. {CONTROL}")});
        town.does("pupr.aduan", case, "firstAnswer", &answer).await;
    }
    let question = json!({"question": "Di sebelah mana tepatnya trotoar itu pecah?"});
    town.does("pupr.aduan", &chat, "accept", &json!({})).await;
    town.does("pupr.aduan", &chat, "askCompletion", &question).await;
    let mut follow = FOLLOWER.report("ANONYMOUS", "Saya juga jatuh di sana.");
    follow["followNumber"] = json!(published);
    town.files(&follow).await;

    // Two people show who the anonymous reporter is, to one of them.
    let pseudonym = text(&town.case(&anonymous).await["reporters"][0]["pseudonym"]);
    let body = json!({"reporter": pseudonym, "purpose": "Pelapor diminta menjadi saksi dalam pemeriksaan."});
    let asked =
        town.official("sekda").await.post(&format!("/v1/complaints/{anonymous}:requestReveal"), &body).await;
    let reveal = text(&asked.ok()["reveal"]["id"]);
    town.official(COORDINATOR).await.post(&format!("/v1/reveals/{reveal}:approve"), &json!({})).await.ok();
    cases.extend([chat, joined, comment, direct, page, at_desk, town.case_of(&program).await]);
    cases
}

/// Clients that look, each as somebody.
async fn lookers(town: &Complaints) -> Vec<(&'static Looker, Api)> {
    let mut all = Vec::new();
    for looker in &LOOKERS {
        let api =
            if looker.username.is_empty() { town.anybody() } else { town.official(looker.username).await };
        all.push((looker, api));
    }
    all
}

/// Everything that fills variables of addresses.
async fn known(town: &Complaints, cases: &[String], operations: &[Operation]) -> Known {
    let mut known = Known::default();
    let hall = &town.suite.hall;
    known.add("hall", [hall.id.as_str()]);
    known.add("counter", [hall::counter_id(hall, "1")]);
    let kiosk = town.anybody().sign_in_device(&town.suite.people.kiosk_key).await;
    let ticket = json!({"serviceId": hall::service_id(hall, "A1")});
    let ticket = kiosk.post(&format!("/v1/halls/{}/tickets", hall.id), &ticket).await.ok();
    known.add("ticket", [text(&ticket["ticket"]["id"])]);
    for (name, values) in [
        ("agency", ["17.07~pupr", "coordinator", "whistleblowing"].as_slice()),
        ("agencyId", &[PUPR]),
        ("period", &["2026-11", "2026-Q4", "2026"]),
        ("channel", &["whatsapp", "instagram", "facebook"]),
        ("account", &["utama"]),
        ("channel_account", &["utama"]),
        ("network", &["facebook", "instagram"]),
        ("letter_type", &["sktm"]),
        ("message_type", &["eskalasi", "tanda_terima"]),
        ("office", &["17.07.02.2001"]),
        ("code", &["ABCDEFGH"]),
        ("signing", &["01939b2e-7d0a-7c1e-8f5b-3a4d5e6f7a8b"]),
        ("device", &["dev_01jg8q3v5efz2sb0kq4w7r9tdm"]),
        ("token", &["tidak-ada"]),
        ("verification_code", &["ABCDEFGH"]),
        ("category", &["JALAN", "UMUM", "DRAINASE"]),
        ("latitude", &["-3.8"]),
        ("longitude", &["102.27"]),
        ("square", &["-380,10227,1", "!-380,10227,1", "none"]),
        ("from", &["2026-11-02"]),
        ("to", &["2026-11-03"]),
    ] {
        known.add(name, values.iter().copied());
    }
    known.add("cmp_", cases.iter().map(String::as_str));
    known.add("reference", cases.iter().map(String::as_str));
    let mut numbers = Vec::new();
    for case in cases {
        numbers.push(text(&town.case(case).await["number"]));
    }
    for name in ["number", "numbers"] {
        known.add(name, numbers.iter().map(String::as_str));
    }
    // Ids of everything else are in what those read who may read most.
    for username in ["admin", COORDINATOR, "inspektorat.aduan", "sekda", "sistem.perizinan"] {
        let api = town.official(username).await;
        for operation in operations.iter().filter(|it| it.method == "get" && !it.streams) {
            for address in operation.addresses(&known) {
                let answer = api.get(&address).await;
                if answer.status.is_success() {
                    known.learn(&answer.body);
                }
            }
        }
    }
    known
}

/// Reads as somebody; of a stream, what comes until its first event.
async fn read(api: &Api, address: &str, streams: bool) -> Vec<u8> {
    let mut request = api.http().get(format!("{}{address}", api.base()));
    if let Some(token) = api.token() {
        request = request.bearer_auth(token);
    }
    let mut answer = request.send().await.unwrap_or_else(|error| panic!("{address}: {error:?}"));
    let mut content = format!("{:?}", answer.headers()).into_bytes();
    if !streams || !answer.status().is_success() {
        content.extend(answer.bytes().await.expect("a body"));
        return content;
    }
    let first = async {
        while let Some(chunk) = answer.chunk().await.expect("a stream") {
            content.extend(chunk);
            if content.windows(13).any(|it| it == b"event: update") {
                return;
            }
        }
    };
    tokio::time::timeout(FIRST_EVENT, first).await.unwrap_or_else(|_| panic!("{address} sends nothing"));
    content
}

/// Every operation that reads, as everybody.
async fn look_at_operations(
    lookers: &[(&'static Looker, Api)],
    (operations, known): (&[Operation], &Known),
    markers: &Markers,
    findings: &Mutex<Findings>,
) {
    let mut reads = Vec::new();
    for operation in operations.iter().filter(|it| it.method == "get") {
        for address in operation.addresses(known) {
            reads.extend(
                lookers.iter().map(|(looker, api)| (looker, api, address.clone(), operation.streams)),
            );
        }
    }
    assert!(reads.len() > 1_000, "{} reads cannot be all", reads.len());
    futures::stream::iter(reads)
        .for_each_concurrent(AT_ONCE, |(looker, api, address, streams)| async move {
            let content = read(api, &address, streams).await;
            let place = format!("{} {address}", looker.username);
            lock(findings).take(markers, &place, &content, looker.may);
        })
        .await;
}

/// Exports, as everybody: the evidence pack.
async fn look_at_exports(lookers: &[(&'static Looker, Api)], markers: &Markers, findings: &Mutex<Findings>) {
    let mut packs = 0;
    for (looker, api) in lookers {
        let body = json!({"from": "2026-11-02", "to": "2026-11-02"});
        let answer = api.post("/v1/complaintEvidence:export", &body).await;
        if answer.status.is_success() {
            packs += 1;
            assert!(text(&answer.body["archive"]).len() > 1_000, "an empty pack");
        }
        let place = format!("{} evidence", looker.username);
        // A pack names nobody, whoever asks for it.
        lock(findings).take(markers, &place, answer.body.to_string().as_bytes(), nothing);
    }
    assert_eq!(packs, 3, "the coordinator, the regent and the administrator export");
}

/// What refuses does not repeat what it refuses, nor log it.
async fn look_at_refusals(
    lookers: &[(&'static Looker, Api)],
    (operations, known): (&[Operation], &Known),
    probe: &Markers,
    findings: &Mutex<Findings>,
) {
    let outsiders = lookers.iter().filter(|(looker, _)| matches!(looker.username, "" | "loket-1"));
    for (looker, api) in outsiders {
        for operation in operations.iter().filter(|it| it.method == "post") {
            let Some(address) = operation.addresses(known).into_iter().next() else { continue };
            for body in operation.wrong_bodies(PROBE) {
                let answer = api.post(&address, &body).await;
                let place = format!("{} refuses {address}", looker.username);
                lock(findings).take(probe, &place, answer.body.to_string().as_bytes(), nothing);
            }
        }
    }
}

/// Open311, in both formats.
async fn look_at_open311(town: &Complaints, markers: &Markers, findings: &Mutex<Findings>) {
    let visitor = town.anybody();
    let mut resources: Vec<String> =
        ["discovery", "services", "requests", "services/JALAN", "tokens/x", "servicerequestupdates"]
            .map(ToOwned::to_owned)
            .into();
    for line in town.official(COORDINATOR).await.all("/v1/complaints", "complaints").await {
        resources.push(format!("requests/{}", text(&line["number"])));
    }
    for resource in resources {
        for format in ["xml", "json"] {
            let address =
                format!("/open311/v2/{resource}.{format}?start_date=2026-11-01T00:00:00Z&status=open,closed");
            let content = read(&visitor, &address, false).await;
            lock(findings).take(markers, &address, &content, nothing);
        }
    }
}

/// The pages, as browsers: from the first one along every link.
async fn look_at_pages(town: &Complaints, cases: &[String], markers: &Markers, findings: &Mutex<Findings>) {
    // Pages of other services show no case to anybody.
    let others = ["auditor", "camat", "sistem.perizinan", "admin"];
    for looker in LOOKERS.iter().filter(|it| !others.contains(&it.username)) {
        let browser = match looker.username {
            "" => town.visitor(),
            username => town.browser(username).await,
        };
        let mut waiting: Vec<String> = [
            "/",
            "/lapor",
            "/lacak",
            "/peta?tab=semua",
            "/peta?tab=semua&petak=-380,10227,1",
            "/peta?tab=semua&petak=tanpa-titik",
            "/aduan/peta?tab=semua",
            "/surat",
            "/docs",
            "/aduan",
            "/aduan/identitas",
            "/meja",
            "/meja-pengaduan",
            "/meja/eviden",
            "/meja/eviden/tambah?jenis=sk-tim",
            "/kendali/aduan",
            "/kendali/aduan/laporan",
            "/pengaturan-aduan",
            "/healthz",
            "/readyz",
            "/tidak-ada",
        ]
        .map(ToOwned::to_owned)
        .into();
        waiting.extend(cases.iter().map(|it| format!("/aduan/{it}")));
        let mut opened: BTreeSet<String> = BTreeSet::new();
        while let Some(path) = waiting.pop() {
            if opened.len() >= MOST_PAGES || !opened.insert(path.clone()) {
                continue;
            }
            let content = page(&browser, &path).await;
            waiting.extend(links(&content));
            let place = format!("{} opens {path}", looker.username);
            lock(findings).take(markers, &place, &content, looker.may);
        }
        assert!(opened.len() > 20, "{} found no pages", looker.username);
    }
}

async fn page(browser: &Browser, path: &str) -> Vec<u8> {
    browser.open(path).await.bytes().await.expect("a page").to_vec()
}

/// Pages of ours that a page leads to.
fn links(content: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(content).into_owned();
    let all = text.split("href=\"/").skip(1).filter_map(|it| it.split_once('"'));
    let paths =
        all.map(|(path, _)| format!("/{}", path.replace("&amp;", "&").split('#').next().unwrap_or_default()));
    paths.filter(|it| !it.starts_with("/assets") && !it.starts_with("//")).collect()
}

/// What was sent: nobody is named to anybody, not even to themselves.
fn look_at_messages(town: &Complaints, markers: &Markers, findings: &Mutex<Findings>) {
    let mut findings = lock(findings);
    for taken in town.whatsapp.taken() {
        let mut body = taken.body.clone();
        assert_eq!(body["to"].take(), taken.to.as_str());
        findings.take(markers, "WhatsApp", body.to_string().as_bytes(), nothing);
    }
    for mail in town.mail.taken() {
        let to = mail.to.first().expect("a recipient");
        assert!(mail.text.contains(to.as_str()));
        findings.take(markers, "mail", mail.text.replace(to.as_str(), "").as_bytes(), nothing);
    }
    for address in ["kepala@pupr.example", "bupati@contohkab.example", OPEN.email] {
        for notice in town.mailed_to(address) {
            findings.take(markers, "mail in words", notice.text.as_bytes(), nothing);
        }
    }
}

/// Another system that is told of statuses: what it got.
async fn another_system(town: &Complaints) -> Arc<Mutex<Vec<Vec<u8>>>> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/panggilan", listener.local_addr().expect("an address"));
    let got = Arc::<Mutex<Vec<Vec<u8>>>>::default();
    let take = async |State(got): State<Arc<Mutex<Vec<Vec<u8>>>>>, body: axum::body::Bytes| {
        lock(&got).push(body.to_vec());
    };
    let app = Router::new().route("/panggilan", post(take)).with_state(Arc::clone(&got));
    tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    let system = town.official("sistem.perizinan").await;
    system.post("/v1/callbacks", &json!({"url": url, "eventTypes": ["notification.*"]})).await.ok();
    got
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Searches what is logged, line by line.
#[derive(Clone)]
struct Log {
    markers: Arc<Markers>,
    findings: Arc<Mutex<Findings>>,
}

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let words = String::from_utf8_lossy(line);
        // The line itself would be the leak if it were printed whole.
        let place =
            words.split("\"target\":").nth(1).unwrap_or_default().chars().take(60).collect::<String>();
        lock(&self.findings).take(&self.markers, &format!("log of {place}"), line, nothing);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

thread_local! {
    static LOGGED: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

/// Runs a test whose every thread logs at level debug into `log`, as the program would to standard output.
fn logged(log: Log, test: impl Future<Output = ()>) {
    let layer = fmt::layer().json().flatten_event(true).with_writer(move || log.clone());
    let subscriber = tracing_subscriber::registry().with(EnvFilter::new(LEVEL)).with(layer);
    let dispatch = tracing::Dispatch::new(subscriber);
    let _here = tracing::dispatcher::set_default(&dispatch);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(move || {
            let guard = tracing::dispatcher::set_default(&dispatch);
            LOGGED.with(|it| it.borrow_mut().replace(guard));
        })
        .build()
        .expect("a runtime");
    runtime.block_on(test);
}

async fn nobody_is_found(findings: Arc<Mutex<Findings>>, log: Arc<Mutex<Findings>>) {
    let markers = markers();
    let mut probe = Markers::default();
    probe.add("uji", "isian yang ditolak", Kind::Identity, PROBE);
    let start: DateTime<Utc> = MONDAY.parse().expect("a moment");
    let town = Complaints::start(Engine::Sqlite, start, |config| {
        config.notifications.callbacks.allow_loopback = true;
        "127.0.0.1".clone_into(&mut config.notifications.callbacks.allow_http_hosts);
        config.gateway.rate.enabled = false;
        config.complaints.reveal_hours = 72;
    })
    .await;
    for (username, number, address) in [
        (COORDINATOR, "6281234500020", ""),
        ("pupr.aduan", "6281234500021", ""),
        ("pupr.kepala", "", "kepala@pupr.example"),
        ("sekda", "6281234500023", ""),
        ("bupati", "", "bupati@contohkab.example"),
    ] {
        town.reach(username, number, address).await;
    }
    let called = another_system(&town).await;
    let cases = everybody_reports(&town).await;
    town.until("the follower is in the case", async || {
        (town.case(&cases[0]).await["reporters"].as_array()?.len() == 3).then_some(())
    })
    .await;
    // A day later the offices of the ladder know of what is late, and the day before can be exported.
    town.clock.leap(TimeDelta::hours(9));
    town.until("the regent is told", async || {
        (!town.mailed_to("bupati@contohkab.example").is_empty()).then_some(())
    })
    .await;
    town.clock.leap_to(start + TimeDelta::days(1));
    town.until("another system is told", async || (!lock(&called).is_empty()).then_some(())).await;

    let operations = surface::operations(&town.anybody()).await;
    let known = known(&town, &cases, &operations).await;
    let lookers = lookers(&town).await;
    look_at_operations(&lookers, (&operations, &known), &markers, &findings).await;
    look_at_exports(&lookers, &markers, &findings).await;
    look_at_refusals(&lookers, (&operations, &known), &probe, &findings).await;
    look_at_open311(&town, &markers, &findings).await;
    look_at_pages(&town, &cases, &markers, &findings).await;
    look_at_messages(&town, &markers, &findings);
    for body in lock(&called).iter() {
        lock(&findings).take(&markers, "callback", body, nothing);
    }
    {
        let findings = lock(&findings);
        findings.assert_none();
        // Who may know does: so the search would have found the others too.
        for what in ["nama", "telepon", "surel"] {
            for owner in ["biasa", "anonim"] {
                assert!(
                    findings.seen.contains(&(owner, what)),
                    "{what} of {owner} is shown to nobody who may know"
                );
            }
        }
        for owner in REPORTERS.map(|it| it.owner) {
            assert!(findings.seen.contains(&(owner, "NIK")), "the words of {owner} are read by nobody");
        }
        for feed in [
            " /v1/publishedComplaints?",
            " /v1/publishedComplaints:similar?",
            "/open311/v2/requests.xml",
            "/open311/v2/requests.json",
            "WhatsApp",
            "pupr.kepala /v1/complaints/",
        ] {
            let found = findings.controls.iter().any(|it| it.starts_with(feed));
            assert!(found, "the public words were not found in {feed}: {:#?}", findings.controls);
        }
        assert!(town.clock.now() < start + TimeDelta::days(2), "sessions ended while they looked");
    }
    town.stop().await;
    // Last, so that what was logged at the end is in it too.
    tracing::debug!("{CONTROL}");
    assert_eq!(lock(&log).controls.len(), 1, "the log is not searched");
}

#[test]
fn no_answer_export_feed_message_or_log_says_who_reported() {
    let findings = Arc::<Mutex<Findings>>::default();
    let log = Arc::<Mutex<Findings>>::default();
    let mut all = markers();
    all.add("uji", "isian yang ditolak", Kind::Identity, PROBE);
    let writer = Log { markers: Arc::new(all), findings: Arc::clone(&log) };
    logged(writer, nobody_is_found(Arc::clone(&findings), Arc::clone(&log)));
    let log = lock(&log);
    log.assert_none();
    assert!(log.looked_at > 1_000, "{} lines are not the whole log", log.looked_at);
}

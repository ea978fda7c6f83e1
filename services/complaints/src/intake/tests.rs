//! Channels at work, on both databases: what comes in, which case it becomes, and what it must never do.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::cipher::Cipher;
use mpp_kit::clock::ManualClock;
use mpp_kit::config::Secret;
use mpp_kit::files::{Files, FilesConfig};
use mpp_kit::testing::{ENGINES, Engine, TestDb, fresh_db, temp_dir};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::config::{ChannelsConfig, MailboxConfig, MetaAccount};
use super::dovecot::Dovecot;
use super::email::reply_address;
use super::imap::Protection;
use super::lapor::simulator::Simulator;
use super::lapor::{Item, file};
use super::mail::Reader;
use super::media_server::MediaServer;
use super::receive::{self, Counted};
use super::sync::{Sync, Taken, take};
use super::{fetch, place, signature};
use crate::config::Config;
use crate::domain::case::Case;
use crate::domain::rules::{Category, Rules};
use crate::domain::words::{Channel, DeliveryState, MessageKind, Publication, Secrecy, State};
use crate::domain::workflow::{self, By, Order};
use crate::error::Error;
use crate::metrics::Metrics;
use crate::rpc::Core;
use crate::rpc::case::{Change, SYSTEM};
use crate::store;
use crate::store::chat::entity as chat;
use crate::store::entity::{channel_message, complaint, outbox, sp4n_entry, stored_file};

const SECRET: &str = "rahasia-aplikasi";
const TOKEN: &str = "token-media";
const SITI: &str = "62812000111";

struct World {
    core: Arc<Core>,
    fetcher: fetch::Fetcher,
    clock: Arc<ManualClock>,
    media: MediaServer,
    _test_db: TestDb,
    _folder: TempDir,
}

async fn on_both(test: impl AsyncFn(World)) {
    for engine in ENGINES {
        test(World::new(engine, |_| {}).await).await;
    }
}

impl World {
    async fn new(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let test_db = fresh_db(engine).await;
        mpp_migrations::run("complaints", &test_db.db.write).await.unwrap();
        let media = MediaServer::start(TOKEN).await;
        let account = |id: &str| MetaAccount {
            id: id.to_owned(),
            app_secret: Secret::from(SECRET),
            verify_token: Secret::from("token"),
            access_token: Secret::from(TOKEN),
        };
        let mut channels = ChannelsConfig { graph_url: media.url.clone(), ..ChannelsConfig::default() };
        channels.whatsapp.insert("utama".into(), account("P1"));
        channels.facebook.insert("utama".into(), account("PAGE"));
        channels.instagram.insert("utama".into(), account("IG"));
        let mut config = Config { channels, ..Config::default() };
        change(&mut config);
        let clock = Arc::new(ManualClock::at("2026-11-23T01:00:00Z".parse().unwrap()));
        let folder = temp_dir();
        let cipher = Cipher::new([7; 32], "mpp.complaints.digests");
        let core = Core {
            db: test_db.db.clone(),
            clock: clock.clone(),
            base_url: "https://aduan.contoh.go.id".to_owned(),
            files: Files::open(&FilesConfig::default(), folder.path(), cipher.clone()).unwrap(),
            cipher,
            vault: Cipher::new([8; 32], "mpp.complaints.vault"),
            metrics: Metrics::new(),
            rules: tokio::sync::RwLock::default(),
            config,
        };
        let fetcher =
            fetch::Fetcher::new(&core.config.channels.graph_url, core.config.channels.hosts()).unwrap();
        let world = Self { core: Arc::new(core), fetcher, clock, media, _test_db: test_db, _folder: folder };
        world.fill().await;
        world
    }

    /// Deadlines and one category.
    async fn fill(&self) {
        let category = umum();
        let tx = self.core.db.begin().await.unwrap();
        for deadline in crate::catalogue::deadlines().unwrap() {
            store::catalogue::save_deadline(&tx, &deadline).await.unwrap();
        }
        store::catalogue::save_category(&tx, &category, self.now()).await.unwrap();
        for language in crate::catalogue::languages().unwrap() {
            // As an administrator leaves it once somebody who speaks it has read it.
            let language = crate::domain::language::Language { active: true, ..language };
            store::catalogue::insert_language(&tx, &language, self.now()).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    fn now(&self) -> DateTime<Utc> {
        self.core.now()
    }

    fn pass(&self, delta: TimeDelta) {
        self.clock.advance(delta);
    }

    async fn webhook(&self, channel: &str, body: &Value) -> Result<Counted, Error> {
        let body = serde_json::to_vec_pretty(body).unwrap();
        let signed = signature::sign(&Secret::from(SECRET), &body);
        receive::webhook(&self.core, (channel, "utama"), (&signed, &body)).await
    }

    async fn tick(&self) {
        place::tick(&self.core, &self.fetcher, self.now()).await.unwrap();
    }

    /// A WhatsApp message of Siti, worked on at once.
    async fn says(&self, id: &str, message: Value) {
        let mut message = message;
        let fields = message.as_object_mut().unwrap();
        for (key, value) in [
            ("id", id.to_owned()),
            ("from", SITI.to_owned()),
            ("timestamp", self.now().timestamp().to_string()),
        ] {
            fields.entry(key).or_insert_with(|| value.into());
        }
        self.webhook("whatsapp", &whatsapp(&[message])).await.unwrap();
        self.tick().await;
    }

    async fn writes(&self, id: &str, text: &str) {
        self.says(id, json!({"type": "text", "text": {"body": text}})).await;
    }

    /// All cases, oldest first.
    async fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for row in complaint::Entity::find().all(&self.core.db.read).await.unwrap() {
            let id = row.id.parse().unwrap();
            cases.push(
                store::complaint::find(&self.core.db.read, &self.core.cipher, id)
                    .await
                    .unwrap()
                    .unwrap()
                    .case,
            );
        }
        cases.sort_by_key(|it| it.id.to_string());
        cases
    }

    async fn only(&self) -> Case {
        let mut cases = self.cases().await;
        assert_eq!(cases.len(), 1, "{cases:?}");
        cases.remove(0)
    }

    async fn messages(&self) -> Vec<channel_message::Model> {
        channel_message::Entity::find().all(&self.core.db.read).await.unwrap()
    }

    async fn outgoing(&self) -> Vec<outbox::Model> {
        outbox::Entity::find().all(&self.core.db.read).await.unwrap()
    }

    async fn files(&self) -> Vec<stored_file::Model> {
        stored_file::Entity::find().all(&self.core.db.read).await.unwrap()
    }

    /// How many messages wait, and how often it was tried to place one of them.
    async fn waiting(&self) -> (usize, i32) {
        let waiting =
            self.messages().await.into_iter().filter(|it| it.state == "WAITING").collect::<Vec<_>>();
        (waiting.len(), waiting.iter().map(|it| it.attempts).sum())
    }

    /// The reporter takes the only case back.
    async fn withdraw(&self) {
        let case = self.only().await;
        let reporter = case.reporters[0].pseudonym.clone();
        self.decide(&case, By::reporter(), Order::Withdraw { reporter, text: String::new() }).await;
    }

    async fn questions(&self) -> usize {
        self.outgoing().await.iter().filter(|it| it.kind == place::WHICH_CASE).count()
    }

    /// Does something to a case as it would be done by an officer.
    async fn decide(&self, case: &Case, by: By, order: Order) {
        let tx = self.core.db.begin().await.unwrap();
        let rules = self.core.rules_in(&tx).await.unwrap();
        let record = store::complaint::find(&tx, &self.core.cipher, case.id).await.unwrap().unwrap();
        let decision = workflow::decide(&record.case, &by, order, &rules, self.now()).unwrap();
        let change = Change::decided(Some(record), decision, "complaint.test");
        self.core.save_one(&tx, &rules, change, SYSTEM, self.now()).await.unwrap();
        tx.commit().await.unwrap();
    }
}

fn umum() -> Category {
    Category {
        key: "UMUM".into(),
        parent: String::new(),
        name: "Umum".into(),
        description: String::new(),
        keywords: Vec::new(),
        agency: String::new(),
        deadline_kind: "GENERAL".into(),
        questions: Vec::new(),
        duplicate_metres: 0,
        active: true,
        emergency_advice: String::new(),
    }
}

fn whatsapp(messages: &[Value]) -> Value {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "W", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": {"display_phone_number": "62511000", "phone_number_id": "P1"},
        "contacts": [{"profile": {"name": "Siti"}, "wa_id": SITI}], "messages": messages}}]}]})
}

fn text_of(id: &str, text: &str) -> Value {
    json!({"id": id, "from": SITI, "timestamp": "1795395600", "type": "text", "text": {"body": text}})
}

fn said(case: &Case) -> Vec<&str> {
    case.messages.iter().filter(|it| it.kind != MessageKind::Note).map(|it| it.text.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn c_04_the_same_wamid_100_times_in_parallel_gives_one_message() {
    on_both(async |world| {
        let body = whatsapp(&[text_of("wamid.SAME", "Lampu jalan mati")]);
        let mut deliveries = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let (core, fetcher) = (Arc::clone(&world.core), world.fetcher.clone());
            let body = serde_json::to_vec(&body).unwrap();
            deliveries.spawn(async move {
                let signed = signature::sign(&Secret::from(SECRET), &body);
                let counted = receive::webhook(&core, ("whatsapp", "utama"), (&signed, &body)).await.unwrap();
                // Several workers at the same time as well.
                let placed = place::tick(&core, &fetcher, core.now()).await;
                (counted.stored, placed)
            });
        }
        let done = deliveries.join_all().await;
        assert_eq!(done.iter().map(|(stored, _)| stored).sum::<u64>(), 1);
        world.tick().await;
        assert_eq!(world.messages().await.len(), 1);
        assert_eq!(said(&world.only().await), ["Lampu jalan mati"]);
    })
    .await;
}

#[tokio::test]
async fn c_04_an_album_in_parallel_webhooks_is_one_case() {
    on_both(async |world| {
        let mut deliveries = tokio::task::JoinSet::new();
        for number in 0..8 {
            let (core, fetcher) = (Arc::clone(&world.core), world.fetcher.clone());
            let body = whatsapp(&[text_of(&format!("wamid.{number}"), &format!("Bagian {number}"))]);
            let body = serde_json::to_vec(&body).unwrap();
            deliveries.spawn(async move {
                let signed = signature::sign(&Secret::from(SECRET), &body);
                receive::webhook(&core, ("whatsapp", "utama"), (&signed, &body)).await.unwrap();
                place::tick(&core, &fetcher, core.now()).await.unwrap();
            });
        }
        deliveries.join_all().await;
        world.tick().await;
        assert_eq!(world.only().await.messages.len(), 8);
    })
    .await;
}

#[tokio::test]
async fn c_04_each_kind_of_message_creates_or_extends_a_case() {
    on_both(async |world| {
        let photo = include_bytes!("samples/photo.jpg");
        world.media.put("M1", photo);
        world.media.put("M2", b"OggS\0\x02........OpusHead");
        world.media.put("M3", b"%PDF-1.7\n");
        world.media.put("M4", b"MZ\x90\0");
        world.says("a", json!({"type": "image", "image": {"id": "M1", "caption": "Jalan berlubang"}})).await;
        world.says("b", json!({"type": "audio", "audio": {"id": "M2", "voice": true}})).await;
        world.says("c", json!({"type": "document", "document": {"id": "M3", "filename": "surat.pdf"}})).await;
        world.says("d", json!({"type": "location", "location": {"latitude": -3.79, "longitude": 102.26, "name": "Pasar"}})).await;
        world.says("e", json!({"type": "document", "document": {"id": "M4", "filename": "foto.jpg"}})).await;
        world.says("f", json!({"type": "unsupported", "errors": [{"code": 131_051}]})).await;
        let case = world.only().await;
        assert_eq!(case.channel, Channel::Whatsapp);
        let told = said(&case);
        assert_eq!(told[..3], ["Jalan berlubang", "(Pesan suara)", "(Dokumen)"]);
        assert!(told[3].contains("Pasar") && told[4].contains("jenis berkas tidak diterima"), "{told:?}");
        assert!(told[5].contains("tidak dapat disampaikan"), "{told:?}");
        let types = case.messages.iter().flat_map(|it| &it.files).map(|it| it.media_type.as_str());
        assert_eq!(types.collect::<Vec<_>>(), ["image/jpeg", "audio/ogg", "application/pdf"]);
        assert_eq!(case.place.point, Some((-3.79, 102.26)));
        let stored = world.core.files.get(&case.messages[0].files[0].id.to_string()).await.unwrap();
        assert_eq!(stored, photo);
    })
    .await;
}

#[tokio::test]
async fn c_04_a_file_that_cannot_be_fetched_now_comes_later_and_delays_nothing() {
    on_both(async |world| {
        world.media.put("M1", include_bytes!("samples/photo.jpg"));
        world.media.fail_next();
        world.says("a", json!({"type": "image", "image": {"id": "M1", "caption": "Jalan berlubang"}})).await;
        assert_eq!(world.only().await.messages[0].files.len(), 0);
        world.pass(TimeDelta::minutes(1));
        world.tick().await;
        assert_eq!(world.only().await.messages[0].files.len(), 1);
        world.pass(TimeDelta::minutes(10));
        world.tick().await;
        assert_eq!(world.only().await.messages[0].files.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn c_05_who_has_open_cases_is_asked_and_a_button_answers() {
    on_both(async |world| {
        world.writes("a", "Lampu jalan mati").await;
        let first = world.only().await;
        world.pass(TimeDelta::hours(3));
        world.writes("b", "Ada perkembangan?").await;
        world.writes("c", "Masih gelap").await;
        assert_eq!(world.questions().await, 1, "asked once");
        assert_eq!(said(&world.only().await), ["Lampu jalan mati"]);
        let button = json!({"type": "interactive", "interactive": {"type": "button_reply",
            "button_reply": {"id": format!("case:{}", first.id), "title": "Ya"}}});
        world.says("d", button).await;
        assert_eq!(said(&world.only().await), ["Lampu jalan mati", "Ada perkembangan?", "Masih gelap"]);
        // Going on writing is not asked about again.
        world.writes("e", "Fotonya menyusul").await;
        assert_eq!((world.questions().await, world.only().await.messages.len()), (1, 4));
    })
    .await;
}

#[tokio::test]
async fn c_05_ten_minutes_without_an_answer_make_a_new_case() {
    on_both(async |world| {
        world.writes("a", "Lampu jalan mati").await;
        world.pass(TimeDelta::hours(3));
        world.writes("b", "Selokan tersumbat").await;
        world.pass(TimeDelta::minutes(9));
        world.tick().await;
        assert_eq!(world.cases().await.len(), 1);
        world.pass(TimeDelta::minutes(1));
        world.tick().await;
        world.tick().await;
        let cases = world.cases().await;
        assert_eq!(cases.len(), 2);
        assert_eq!(said(&cases[1]), ["Selokan tersumbat"]);
        // Its deadlines run from when it was said, not from when the waiting was over.
        assert_eq!(world.now() - cases[1].received_at, TimeDelta::minutes(10));
    })
    .await;
}

#[tokio::test]
async fn c_05_the_word_for_new_makes_a_new_case_at_once() {
    on_both(async |world| {
        world.writes("a", "Lampu jalan mati").await;
        world.pass(TimeDelta::hours(3));
        world.writes("b", "Selokan tersumbat").await;
        world.writes("c", "0").await;
        let cases = world.cases().await;
        assert_eq!((cases.len(), said(&cases[1])), (2, vec!["Selokan tersumbat"]));
    })
    .await;
}

impl World {
    /// The language that the reporter of a case is answered in.
    async fn language(&self, case: &Case) -> String {
        store::vault::find(&self.core.db.read, &self.core.vault, case.number).await.unwrap().unwrap().language
    }

    /// What the last question says.
    async fn question(&self) -> String {
        let asked = self.outgoing().await.into_iter().filter(|it| it.kind == place::WHICH_CASE);
        asked.max_by_key(|it| it.created_at).expect("a question").body
    }
}

#[tokio::test]
async fn c_65_who_writes_in_a_language_is_asked_and_understood_in_it() {
    on_both(async |world| {
        world.writes("a", "Ulun handak malapor: lampu di muka pasar kada hidup").await;
        let case = world.only().await;
        assert_eq!(world.language(&case).await, "bjn");
        world.pass(TimeDelta::hours(3));
        world.writes("b", "Magin kadap").await;
        let question = world.question().await;
        assert!(
            question.contains("laporan nang mana") && question.contains(&case.number.to_string()),
            "{question}"
        );
        world.writes("c", "Inggih").await;
        assert_eq!(world.only().await.messages.len(), 2, "the answer was understood");
        world.pass(TimeDelta::hours(3));
        world.writes("d", "Salukan tasumbat").await;
        world.writes("e", "Laporan hanyar.").await;
        assert_eq!(world.cases().await.len(), 2);
        // Nothing tells the language of the second one: it is that of its words, and there is no sign in them.
        assert_eq!(world.language(&world.cases().await[1]).await, "");
    })
    .await;
}

#[tokio::test]
async fn c_65_a_word_chooses_the_language_of_all_that_follows() {
    on_both(async |world| {
        // Before there is a case: it is no report.
        world.writes("a", "English").await;
        assert!(world.cases().await.is_empty());
        world.writes("b", "Lampu jalan mati").await;
        let case = world.only().await;
        assert_eq!(world.language(&case).await, "en");
        world.pass(TimeDelta::hours(3));
        world.writes("c", "Still dark").await;
        assert!(
            world.question().await.contains("which report is your message about"),
            "{}",
            world.question().await
        );
        world.writes("d", "New report").await;
        let cases = world.cases().await;
        assert_eq!((cases.len(), world.language(&cases[1]).await.as_str()), (2, "en"));
        // Another word changes it for every open case, and says nothing about any of them.
        world.writes("e", "Bahasa Indonesia").await;
        for case in world.cases().await {
            assert_eq!((case.messages.len(), world.language(&case).await.as_str()), (1, "id"));
        }
        world.pass(TimeDelta::hours(3));
        world.writes("f", "Ada perkembangan?").await;
        assert!(world.question().await.contains("laporan yang mana"), "{}", world.question().await);
    })
    .await;
}

#[tokio::test]
async fn c_65_secrecy_and_sudah_are_understood_in_every_language_that_is_used() {
    on_both(async |world| {
        world.webhook("facebook", &comment("add", "c1", "Jalan rusak")).await.unwrap();
        world.tick().await;
        world.webhook("facebook", &comment("add", "c2", "Anonymous")).await.unwrap();
        world.tick().await;
        assert_eq!(world.only().await.reporters[0].secrecy, Secrecy::Anonymous);
        world.webhook("facebook", &comment("add", "c3", "Banjar")).await.unwrap();
        world.tick().await;
        let case = world.only().await;
        assert_eq!((said(&case), world.language(&case).await.as_str()), (vec!["Jalan rusak"], "bjn"));
    })
    .await;
}

#[tokio::test]
async fn c_05_a_photo_that_waits_for_an_answer_is_fetched_when_it_has_a_case() {
    on_both(async |world| {
        world.media.put("M1", include_bytes!("samples/photo.jpg"));
        world.writes("a", "Lampu jalan mati").await;
        let case = world.only().await;
        world.pass(TimeDelta::hours(3));
        world.says("b", json!({"type": "image", "image": {"id": "M1", "caption": "Fotonya"}})).await;
        assert_eq!((world.questions().await, world.files().await.len()), (1, 0), "nobody's file is kept");
        world.writes("c", "1").await;
        let files = world.files().await;
        assert_eq!((files.len(), files[0].complaint_id.clone()), (1, Some(case.id.to_string())));
        assert_eq!(world.only().await.messages[1].files.len(), 1);
    })
    .await;
}

/// A world in which a contact reports once in a day.
async fn once_a_day(test: impl AsyncFn(World)) {
    for engine in ENGINES {
        test(World::new(engine, |config| config.reports_per_contact = 1).await).await;
    }
}

#[tokio::test]
async fn c_16_one_sender_over_the_limit_keeps_nobody_waiting() {
    once_a_day(async |world| {
        world.media.put("M1", include_bytes!("samples/photo.jpg"));
        world.writes("a", "Lampu jalan mati").await;
        world.withdraw().await;
        let photo = |number: u32| {
            json!({"id": format!("wamid.{number}"), "from": SITI, "timestamp": "1795395600",
            "type": "image", "image": {"id": "M1", "caption": "Masih mati"}})
        };
        let photos: Vec<Value> = (0..500).map(photo).collect();
        world.webhook("whatsapp", &whatsapp(&photos)).await.unwrap();
        let mut other = text_of("b", "Jembatan putus");
        other["from"] = json!("62811");
        world.webhook("whatsapp", &whatsapp(&[other])).await.unwrap();
        world.tick().await;
        let cases = world.cases().await;
        assert_eq!((cases.len(), said(&cases[1])), (2, vec!["Jembatan putus"]));
        assert_eq!(world.media.asked(), 0, "nothing is fetched for what is over the limit");
        assert_eq!(world.waiting().await, (500, 1), "the first was tried, the others wait with it");
        // What is written meanwhile waits behind, and nothing is tried before its time.
        world.pass(TimeDelta::minutes(59));
        world.writes("late", "Tetap mati").await;
        assert_eq!(world.waiting().await, (501, 1));
        world.pass(TimeDelta::minutes(1));
        world.tick().await;
        assert_eq!((world.waiting().await, world.cases().await.len()), ((501, 2), 2));
    })
    .await;
}

#[tokio::test]
async fn c_16_what_was_over_the_limit_is_a_case_tomorrow() {
    once_a_day(async |world| {
        world.media.put("M1", include_bytes!("samples/photo.jpg"));
        world.writes("a", "Lampu jalan mati").await;
        world.withdraw().await;
        world.says("b", json!({"type": "image", "image": {"id": "M1", "caption": "Masih mati"}})).await;
        world.writes("c", "Sejak Senin").await;
        assert_eq!((world.cases().await.len(), world.waiting().await), (1, (2, 1)));
        world.pass(TimeDelta::hours(25));
        world.tick().await;
        let cases = world.cases().await;
        assert_eq!((cases.len(), said(&cases[1])), (2, vec!["Masih mati", "Sejak Senin"]), "in their order");
        assert_eq!((cases[1].messages[0].files.len(), world.waiting().await.0), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn c_16_who_does_not_answer_over_the_limit_has_a_case_tomorrow() {
    once_a_day(async |world| {
        world.writes("a", "Lampu jalan mati").await;
        world.pass(TimeDelta::hours(3));
        world.writes("b", "Selokan tersumbat").await;
        world.pass(TimeDelta::minutes(11));
        world.tick().await;
        assert_eq!(world.cases().await.len(), 1);
        let asked = chat::Entity::find().all(&world.core.db.read).await.unwrap()[0].asked_at.unwrap();
        assert!(asked + super::conversation::PATIENCE > world.now(), "it is not looked at with every pass");
        world.pass(TimeDelta::hours(22));
        world.tick().await;
        let cases = world.cases().await;
        assert_eq!((cases.len(), said(&cases[1])), (2, vec!["Selokan tersumbat"]));
    })
    .await;
}

#[tokio::test]
async fn c_04_a_message_that_cannot_be_read_keeps_no_other_waiting() {
    on_both(async |world| {
        world.webhook("whatsapp", &whatsapp(&[text_of("a", "Lampu jalan mati")])).await.unwrap();
        let whole = world.messages().await[0].body.clone();
        let write = async |body: &str| {
            let written = channel_message::Entity::update_many()
                .col_expr(channel_message::Column::Body, Expr::value(body))
                .filter(channel_message::Column::ExternalId.eq(receive::external(&world.core, "a")))
                .exec(&world.core.db.write)
                .await
                .unwrap();
            assert_eq!(written.rows_affected, 1);
        };
        write("rusak").await;
        let mut other = text_of("b", "Jembatan putus");
        other["from"] = json!("62811");
        world.webhook("whatsapp", &whatsapp(&[other])).await.unwrap();
        world.tick().await;
        assert_eq!(said(&world.only().await), ["Jembatan putus"]);
        world.tick().await;
        assert_eq!(world.waiting().await, (1, 2), "once more at once, then after a while");
        write(&whole).await;
        world.tick().await;
        assert_eq!(world.waiting().await, (1, 2), "not before its time");
        world.pass(TimeDelta::seconds(30));
        world.tick().await;
        assert_eq!((world.cases().await.len(), world.waiting().await.0), (2, 0));
    })
    .await;
}

#[tokio::test]
async fn c_04_what_is_taken_back_before_it_has_a_case_waits_for_it() {
    once_a_day(async |world| {
        let post = |id: &str, post: &str| {
            let mut body = comment("add", id, "Jalan rusak");
            body["entry"][0]["changes"][0]["value"]["post_id"] = json!(post);
            body["entry"][0]["changes"][0]["value"]["parent_id"] = json!(post);
            body
        };
        world.webhook("facebook", &post("c1", "satu")).await.unwrap();
        world.pass(TimeDelta::seconds(1));
        world.webhook("facebook", &post("c2", "dua")).await.unwrap();
        world.tick().await;
        assert_eq!((world.cases().await.len(), world.waiting().await), (1, (1, 1)));
        // Facebook does not say who takes back.
        let mut removed = comment("remove", "c2", "");
        removed["entry"][0]["changes"][0]["value"].as_object_mut().unwrap().remove("from");
        world.webhook("facebook", &removed).await.unwrap();
        world.tick().await;
        assert_eq!(world.waiting().await, (2, 2));
        world.pass(TimeDelta::hours(25));
        world.tick().await;
        let cases = world.cases().await;
        assert_eq!(cases.len(), 2);
        assert_eq!((said(&cases[1]), world.waiting().await.0), (vec![crate::domain::channel::TAKEN_BACK], 0));
    })
    .await;
}

#[tokio::test]
async fn c_13_a_bad_or_missing_signature_stores_nothing() {
    on_both(async |world| {
        let body = serde_json::to_vec(&whatsapp(&[text_of("a", "x")])).unwrap();
        let good = signature::sign(&Secret::from(SECRET), &body);
        let call = async |account: &str, signed: &str, body: &[u8]| {
            receive::webhook(&world.core, ("whatsapp", account), (signed, body)).await.unwrap_err()
        };
        assert!(matches!(call("utama", "", &body).await, Error::Unsigned { missing: true }));
        assert!(matches!(call("utama", "sha256=00", &body).await, Error::Unsigned { missing: false }));
        let altered = [body.as_slice(), b" "].concat();
        assert!(matches!(call("utama", &good, &altered).await, Error::Unsigned { missing: false }));
        assert!(matches!(call("lain", &good, &body).await, Error::NotFound(_)));
        assert!(world.messages().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn c_13_every_entry_of_a_batch_is_handled_and_other_accounts_are_not_ours() {
    on_both(async |world| {
        let mut body = whatsapp(&[text_of("a", "Satu"), text_of("b", "Dua")]);
        let second = whatsapp(&[text_of("c", "Tiga")])["entry"][0].clone();
        let mut foreign = whatsapp(&[text_of("d", "Bukan kami")])["entry"][0].clone();
        foreign["changes"][0]["value"]["metadata"]["phone_number_id"] = json!("P9");
        body["entry"].as_array_mut().unwrap().extend([second, foreign]);
        let counted = world.webhook("whatsapp", &body).await.unwrap();
        assert_eq!(counted, Counted { stored: 3, repeated: 0 });
        assert_eq!(world.webhook("whatsapp", &body).await.unwrap(), Counted { stored: 0, repeated: 3 });
        world.tick().await;
        assert_eq!(said(&world.only().await), ["Satu", "Dua", "Tiga"]);
    })
    .await;
}

#[tokio::test]
async fn c_14_the_channels_time_is_kept_beside_the_arrival() {
    on_both(async |world| {
        let sent = |ago: TimeDelta| (world.now() - ago).timestamp().to_string();
        let message = |id: &str, from: &str, ago: TimeDelta| {
            json!({"id": id, "from": from, "timestamp": sent(ago), "type": "text", "text": {"body": id}})
        };
        let body = whatsapp(&[
            message("a", "62811", TimeDelta::hours(5)),
            message("b", "62812", TimeDelta::hours(60)),
            message("c", "62813", -TimeDelta::hours(5)),
        ]);
        world.webhook("whatsapp", &body).await.unwrap();
        world.tick().await;
        for case in world.cases().await {
            let expected = if said(&case) == ["a"] { TimeDelta::hours(5) } else { TimeDelta::zero() };
            assert!((world.now() - case.received_at - expected).num_seconds().abs() < 2, "{:?}", said(&case));
            assert!((world.now() - case.arrived_at).num_seconds() < 2);
        }
        let key = receive::external(&world.core, "a");
        let row = world.messages().await.into_iter().find(|it| it.external_id == key).unwrap();
        assert_eq!((row.arrived_at - row.received_at).num_hours(), 5);
    })
    .await;
}

fn comment(verb: &str, id: &str, message: &str) -> Value {
    json!({"object": "page", "entry": [{"id": "PAGE", "time": 1, "changes": [{"field": "feed", "value": {
        "item": "comment", "verb": verb, "comment_id": id, "post_id": "post", "parent_id": "post",
        "from": {"id": "U1", "name": "Rina"}, "message": message, "created_time": 1_795_395_600}}]}]})
}

#[tokio::test]
async fn c_08_comments_and_messages_of_facebook_and_instagram_become_cases() {
    on_both(async |world| {
        world.webhook("facebook", &comment("add", "c1", "Jalan rusak")).await.unwrap();
        world.tick().await;
        let direct = |mid: &str, text: &str| json!({"object": "page", "entry": [{"id": "PAGE", "messaging": [{"sender": {"id": "PSID"},
            "recipient": {"id": "PAGE"}, "timestamp": 1_795_395_600_000_i64, "message": {"mid": mid, "text": text}}]}]});
        world.webhook("facebook", &direct("m1", "Air mati")).await.unwrap();
        world.webhook("facebook", &direct("m2", "Sejak pagi")).await.unwrap();
        let value = json!({"id": "k1", "from": {"id": "U7", "username": "warga"}, "text": "Sampah menumpuk", "media": {"id": "p"}});
        let instagram = json!({"object": "instagram", "entry": [{"id": "IG", "time": 1_795_395_600, "field": "comments", "value": value}]});
        world.webhook("instagram", &instagram).await.unwrap();
        // A boosted post delivers it twice.
        world.webhook("instagram", &instagram).await.unwrap();
        world.tick().await;
        let cases = world.cases().await;
        let told = cases.iter().map(|it| (it.channel, said(it))).collect::<Vec<_>>();
        assert!(told.contains(&(Channel::Facebook, vec!["Jalan rusak"])), "{told:?}");
        assert!(told.contains(&(Channel::Facebook, vec!["Air mati", "Sejak pagi"])), "{told:?}");
        assert!(told.contains(&(Channel::Instagram, vec!["Sampah menumpuk"])), "{told:?}");
        assert_eq!(cases.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn c_08_edits_and_deletions_are_honoured() {
    on_both(async |world| {
        world.webhook("facebook", &comment("add", "c1", "Jalan rusak")).await.unwrap();
        world.tick().await;
        world.webhook("facebook", &comment("edited", "c1", "Jalan rusak berat")).await.unwrap();
        world.tick().await;
        assert_eq!(said(&world.only().await), ["Jalan rusak berat"]);
        world.webhook("facebook", &comment("remove", "c1", "")).await.unwrap();
        world.tick().await;
        assert_eq!(said(&world.only().await), [crate::domain::channel::TAKEN_BACK]);
        // Of something that was never here, nothing is made.
        world.webhook("facebook", &comment("remove", "c9", "")).await.unwrap();
        world.tick().await;
        assert_eq!(world.cases().await.len(), 1);
        // In one delivery with what it edits.
        let mut body = comment("add", "c2", "Lampu mati");
        let mut edit = comment("edited", "c2", "Lampu mati total")["entry"][0]["changes"][0].clone();
        edit["value"]["from"] = json!({"id": "U2", "name": "Budi"});
        body["entry"][0]["changes"][0]["value"]["from"] = json!({"id": "U2", "name": "Budi"});
        body["entry"][0]["changes"].as_array_mut().unwrap().push(edit);
        world.webhook("facebook", &body).await.unwrap();
        world.tick().await;
        world.tick().await;
        assert!(world.cases().await.iter().any(|it| said(it) == ["Lampu mati total"]));
    })
    .await;
}

#[tokio::test]
async fn c_09_a_public_comment_is_never_answered_in_public() {
    on_both(async |world| {
        world.webhook("facebook", &comment("add", "c1", "Jalan rusak")).await.unwrap();
        world.tick().await;
        let number = world.only().await.number.to_string();
        let to_reporter =
            world.outgoing().await.into_iter().filter(|it| it.recipient == number).collect::<Vec<_>>();
        // Nothing goes out to where everybody reads.
        assert!(!to_reporter.is_empty());
        for message in to_reporter {
            assert_eq!(message.state, DeliveryState::NoContact.to_string());
        }
    })
    .await;
}

#[tokio::test]
async fn c_17_a_comment_is_secret_until_its_author_chooses_and_a_word_chooses_on_every_channel() {
    on_both(async |world| {
        world.webhook("facebook", &comment("add", "c1", "Jalan rusak")).await.unwrap();
        world.tick().await;
        let case = world.only().await;
        assert!(case.reporters[0].undecided && case.reporters[0].secrecy == Secrecy::Secret);
        assert!(case.publication == Publication::Secret && !case.is_public());
        world.webhook("facebook", &comment("add", "c2", "Anonim")).await.unwrap();
        world.tick().await;
        let case = world.only().await;
        assert!(!case.reporters[0].undecided && case.reporters[0].secrecy == Secrecy::Anonymous);
        assert_eq!(said(&case), ["Jalan rusak"], "the word is no message");

        world.writes("a", "Lampu jalan mati").await;
        world.writes("b", "RAHASIA").await;
        let cases = world.cases().await;
        let mine = cases.iter().find(|it| it.channel == Channel::Whatsapp).unwrap();
        assert_eq!(mine.reporters[0].secrecy, Secrecy::Secret);
        world.writes("c", "biasa").await;
        let cases = world.cases().await;
        let mine = cases.iter().find(|it| it.channel == Channel::Whatsapp).unwrap();
        assert_eq!((mine.reporters[0].secrecy, mine.messages.len()), (Secrecy::Open, 1));
    })
    .await;
}

#[tokio::test]
async fn c_28_a_chat_completes_what_was_asked_for() {
    on_both(async |world| {
        world.writes("a", "Jalan rusak").await;
        let case = world.only().await;
        let officer = By {
            part: crate::domain::words::Part::Coordinator,
            account: "acc_1".into(),
            agency: String::new(),
        };
        world.decide(&case, officer, Order::AskCompletion { question: "Di mana?".into() }).await;
        assert_eq!(world.only().await.state, State::AwaitingCompletion);
        world.writes("b", "Di depan pasar").await;
        let case = world.only().await;
        assert_eq!((case.state, said(&case).last().copied()), (State::New, Some("Di depan pasar")));
    })
    .await;
}

fn mailbox(config: &mut Config, server: &Dovecot) {
    let mailbox = MailboxConfig {
        address: "aduan@contoh.go.id".into(),
        own_addresses: "tidak-dibalas@contoh.go.id".into(),
        own_domains: "contoh.go.id".into(),
        authority: "mx.contoh.go.id".into(),
        reply_key: Secret::from("kunci-balasan-yang-panjang-sekali-32"),
        imap: server.config(Protection::Tls),
        every_seconds: 60,
    };
    config.channels.email.insert("utama".into(), mailbox);
}

/// A world with a mailbox at a real mail server.
async fn with_mail(test: impl AsyncFn(World, Dovecot, Reader)) {
    for engine in ENGINES {
        let server = Dovecot::start().await;
        let world = World::new(engine, |config| mailbox(config, &server)).await;
        let reader =
            Reader::new(Arc::clone(&world.core), "utama", &world.core.config.channels.email["utama"]);
        test(world, server, reader).await;
    }
}

fn mail(from: &str, to: &str, id: &str, headers: &str, body: &str) -> String {
    format!("From: {from}\r\nTo: {to}\r\nMessage-ID: <{id}@warga.example>\r\n{headers}\r\n{body}\r\n")
}

#[tokio::test]
async fn c_06_a_mail_creates_a_case_and_only_who_takes_part_extends_it() {
    with_mail(async |world, server, reader| {
        server.deliver(&mail(
            "Siti <siti@warga.example>",
            "aduan@contoh.go.id",
            "1",
            "Subject: Jalan rusak\r\n",
            "Depan pasar",
        ));
        reader.tick(world.now()).await.unwrap();
        world.tick().await;
        let case = world.only().await;
        assert_eq!((case.channel, said(&case)), (Channel::Email, vec!["Jalan rusak\n\nDepan pasar"]));
        // Read again from the stored end: nothing comes twice.
        reader.tick(world.now()).await.unwrap();
        world.tick().await;
        assert_eq!(world.messages().await.len(), 1);

        let address =
            reply_address(&world.core.config.channels.email["utama"].mailbox(), &case.id.to_string());
        server.deliver(&mail("siti@warga.example", &address, "2", "", "Makin parah"));
        // A reply to the own mail before, and the number in a subject.
        server.deliver(&mail(
            "siti@warga.example",
            "aduan@contoh.go.id",
            "3",
            "In-Reply-To: <1@warga.example>\r\n",
            "Lagi",
        ));
        let number = format!("Subject: Re: {}\r\n", case.number);
        server.deliver(&mail("siti@warga.example", "aduan@contoh.go.id", "4", &number, "Sekali lagi"));
        reader.tick(world.now()).await.unwrap();
        world.tick().await;
        assert_eq!(world.only().await.messages.len(), 4);

        // A stranger who knows address and number, and somebody who only says that it is Siti.
        server.deliver(&mail("orang@lain.example", &address, "5", &number, "Beri tahu saya isinya"));
        let forged = "Authentication-Results: mx.contoh.go.id; dmarc=fail\r\n";
        server.deliver(&mail("siti@warga.example", &address, "6", forged, "Saya Siti"));
        reader.tick(world.now()).await.unwrap();
        world.tick().await;
        let cases = world.cases().await;
        assert_eq!((cases.len(), cases[0].messages.len()), (3, 4));
        let hint = cases[1].messages.iter().find(|it| it.kind == MessageKind::Note).unwrap();
        assert!(hint.text.contains(&case.number.to_string()), "{}", hint.text);
    })
    .await;
}

#[tokio::test]
async fn c_06_a_reply_to_our_mail_extends_the_case_it_was_about() {
    with_mail(async |world, server, reader| {
        let to = "aduan@contoh.go.id";
        server.deliver(&mail(
            "Siti <siti@warga.example>",
            to,
            "1",
            "Subject: Jalan rusak\r\n",
            "Depan pasar",
        ));
        reader.tick(world.now()).await.unwrap();
        world.tick().await;
        let case = world.only().await;
        // As it is once notifications has taken what was to be told to the reporter.
        let taken = outbox::Entity::update_many()
            .col_expr(outbox::Column::NotificationId, Expr::value("ntf_01h455vb4pex5vsknk084sn02q"))
            .filter(outbox::Column::ComplaintId.eq(case.id.to_string()))
            .filter(outbox::Column::RecipientKind.eq("REPORTER"))
            .exec(&world.core.db.write)
            .await
            .unwrap();
        assert_eq!(taken.rows_affected, 1);
        let quotes = |id: &str| format!("In-Reply-To: <{id}>\r\n");
        let ours = quotes("ntf_01h455vb4pex5vsknk084sn02q.0@contoh.go.id");
        server.deliver(&mail("siti@warga.example", to, "2", &ours, "Di sebelah utara"));
        let foreign = quotes("xntf_01h455vb4pex5vsknk084sn02q.0@contoh.go.id");
        server.deliver(&mail("siti@warga.example", to, "3", &foreign, "Lampu mati"));
        reader.tick(world.now()).await.unwrap();
        world.tick().await;
        let cases = world.cases().await;
        assert_eq!(cases.iter().map(|it| it.messages.len()).collect::<Vec<_>>(), [2, 1]);
    })
    .await;
}

#[tokio::test]
async fn c_06_attachments_of_a_mail_are_kept_by_their_content() {
    with_mail(async |world, server, reader| {
        server.deliver(std::str::from_utf8(include_bytes!("samples/multipart.eml")).unwrap());
        reader.tick(world.now()).await.unwrap();
        world.tick().await;
        let case = world.only().await;
        let files = &case.messages[0].files;
        assert_eq!((files.len(), files[0].media_type.as_str()), (1, "image/png"));
    })
    .await;
}

#[tokio::test]
async fn c_16_attachments_of_a_mail_over_the_limit_are_kept_until_it_is_a_case() {
    for engine in ENGINES {
        let server = Dovecot::start().await;
        let configure = |config: &mut Config| {
            mailbox(config, &server);
            config.reports_per_contact = 1;
        };
        let world = World::new(engine, configure).await;
        let reader =
            Reader::new(Arc::clone(&world.core), "utama", &world.core.config.channels.email["utama"]);
        let first = std::str::from_utf8(include_bytes!("samples/multipart.eml")).unwrap();
        for mail in [first.to_owned(), first.replace("multi-1@", "multi-2@")] {
            server.deliver(&mail);
            reader.tick(world.now()).await.unwrap();
            world.tick().await;
        }
        assert_eq!((world.cases().await.len(), world.files().await.len()), (1, 2));
        // An upload of nobody goes, what belongs to a message that waits does not.
        let loose = world.core.keep(include_bytes!("samples/photo.jpg"), 1 << 20).await.unwrap().unwrap();
        store::file::insert(&world.core.db.write, &loose, None, world.now()).await.unwrap();
        world.pass(TimeDelta::hours(25));
        crate::worker::clean_up(&world.core, world.now()).await.unwrap();
        let kept = world.files().await;
        assert!(kept.len() == 2 && kept.iter().all(|it| it.id != loose.id.to_string()));
        world.tick().await;
        let cases = world.cases().await;
        assert_eq!((cases.len(), cases[1].messages[0].files.len()), (2, 1));
        assert!(world.core.files.get(&cases[1].messages[0].files[0].id.to_string()).await.is_ok());
    }
}

#[tokio::test]
async fn c_07_machines_bounces_lists_and_our_own_mail_never_make_or_answer_a_case() {
    with_mail(async |world, server, reader| {
        server.deliver(&mail(
            "siti@warga.example",
            "aduan@contoh.go.id",
            "1",
            "Subject: Jalan rusak\r\n",
            "Depan pasar",
        ));
        reader.tick(world.now()).await.unwrap();
        world.tick().await;
        let case = world.only().await;
        let before = world.outgoing().await.len();
        let address =
            reply_address(&world.core.config.channels.email["utama"].mailbox(), &case.id.to_string());
        for (number, (from, headers)) in [
            ("siti@warga.example", "Auto-Submitted: auto-replied\r\nSubject: Saya cuti\r\n"),
            ("siti@warga.example", "Precedence: bulk\r\n"),
            ("siti@warga.example", "X-Autoreply: yes\r\n"),
            ("siti@warga.example", "List-Id: <warga.example>\r\n"),
            ("tidak-dibalas@contoh.go.id", ""),
            (
                "MAILER-DAEMON@mx.example",
                "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            server.deliver(&mail(
                from,
                &address,
                &format!("m{number}"),
                headers,
                "Terima kasih atas surat Anda",
            ));
        }
        let bounces = reader.tick(world.now()).await.unwrap();
        world.tick().await;
        assert_eq!(bounces.len(), 1);
        assert_eq!(world.only().await, case);
        assert_eq!(world.outgoing().await.len(), before);
        assert_eq!(world.messages().await.iter().filter(|it| it.state == "IGNORED").count(), 6);
    })
    .await;
}

const EXPORT: &[u8] = b"Tracking ID;Judul;Isi Laporan;Klasifikasi;Status;Tanggal Laporan;Pelapor;Rahasia\n\
    1234567;Lampu jalan;Lampu mati tiga malam;Pengaduan;Baru;23/11/2026 06:30;Siti;\n\
    1234568;Jalan rusak;Lubang besar;Pengaduan;Diproses;22/11/2026 09:00;Anonim;Ya\n";

async fn import(world: &World, content: &[u8]) -> Vec<Taken> {
    let sheet = file::read(content).unwrap();
    let tx = world.core.db.begin().await.unwrap();
    let rules = world.core.rules_in(&tx).await.unwrap();
    let mut taken = Vec::new();
    for item in &sheet.items {
        taken.push(take(&world.core, &tx, &rules, item, SYSTEM, world.now()).await.unwrap());
    }
    tx.commit().await.unwrap();
    taken
}

async fn ledger(world: &World) -> Vec<sp4n_entry::Model> {
    let mut rows = sp4n_entry::Entity::find().all(&world.core.db.read).await.unwrap();
    rows.sort_by(|a, b| a.tracking_id.cmp(&b.tracking_id));
    rows
}

#[tokio::test]
async fn c_11_importing_the_same_file_twice_changes_nothing() {
    on_both(async |world| {
        assert_eq!(import(&world, EXPORT).await, [Taken::Created, Taken::Created]);
        let (cases, rows, sent) = (world.cases().await, ledger(&world).await, world.outgoing().await);
        assert_eq!((cases.len(), rows.len()), (2, 2));
        assert_eq!((rows[0].tracking_id.as_str(), rows[0].direction.as_str()), ("1234567", "IN"));
        let secret = cases.iter().find(|it| it.reporters[0].secrecy == Secrecy::Secret).unwrap();
        assert!(said(secret)[0].contains("Lubang besar"));
        world.pass(TimeDelta::hours(1));
        assert_eq!(import(&world, EXPORT).await, [Taken::Unchanged, Taken::Unchanged]);
        assert_eq!((world.cases().await, ledger(&world).await, world.outgoing().await), (cases, rows, sent));
        // A stage that moved brings the row up to date, and makes no case.
        let moved = String::from_utf8(EXPORT.to_vec()).unwrap().replace(";Baru;", ";Selesai;");
        assert_eq!(import(&world, moved.as_bytes()).await, [Taken::Updated, Taken::Unchanged]);
        assert_eq!(
            (world.cases().await.len(), ledger(&world).await[0].mismatch.as_str()),
            (2, "closed_there")
        );
    })
    .await;
}

async fn with_lapor(test: impl AsyncFn(World, Simulator, Sync)) {
    for engine in ENGINES {
        let simulator = Simulator::start().await;
        let url = simulator.url.clone();
        let world = World::new(engine, |config| {
            config.channels.sp4n.base_url = url;
            config.channels.sp4n.token = Secret::from("kunci");
        })
        .await;
        let sync = Sync::new(Arc::clone(&world.core)).unwrap();
        test(world, simulator, sync).await;
    }
}

#[tokio::test]
async fn c_11_the_api_brings_items_once_and_answers_are_read_back() {
    with_lapor(async |world, simulator, mut sync| {
        for id in 1..=4 {
            simulator.write(&id.to_string(), "Lampu jalan mati");
        }
        sync.tick(world.now()).await.unwrap();
        sync.tick(world.now()).await.unwrap();
        assert_eq!((world.cases().await.len(), ledger(&world).await.len()), (4, 4));
        let case = world.cases().await.remove(0);
        let tracking = ledger(&world)
            .await
            .into_iter()
            .find(|it| it.complaint_id == case.id.to_string())
            .unwrap()
            .tracking_id;
        world.pass(TimeDelta::hours(1));
        answer(&world, &case).await;
        // Taken there, and the answer lost: told again, and there it is once.
        simulator.lose_next_answer();
        sync.tick(world.now()).await.unwrap();
        assert!(ledger(&world).await.iter().any(|it| it.mismatch == "not_confirmed"));
        sync.tick(world.now()).await.unwrap();
        sync.tick(world.now()).await.unwrap();
        let told = simulator.follow_ups(&tracking);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].text, "Petugas sudah di lokasi");
        let row = ledger(&world).await.into_iter().find(|it| it.tracking_id == tracking).unwrap();
        assert!(row.last_pushed_at.is_some() && row.mismatch.is_empty(), "{row:?}");
    })
    .await;
}

#[tokio::test]
async fn c_11_what_was_not_read_back_stays_so_until_it_is() {
    with_lapor(async |world, simulator, mut sync| {
        simulator.write("1", "Lampu jalan mati");
        sync.tick(world.now()).await.unwrap();
        let case = world.only().await;
        let found = async || ledger(&world).await.remove(0).mismatch;
        world.pass(TimeDelta::hours(1));
        answer(&world, &case).await;
        world.pass(TimeDelta::minutes(1));
        answer(&world, &case).await;
        // The first is shown, the second is not.
        simulator.forget_after(1);
        sync.tick(world.now()).await.unwrap();
        assert_eq!((simulator.follow_ups("1").len(), found().await.as_str()), (1, "not_confirmed"));
        // A stage that moved, the comparison of the day, a file: none of them hides it.
        simulator.set_status("1", "Diproses");
        simulator.forget_after(0);
        world.pass(TimeDelta::hours(25));
        sync.tick(world.now()).await.unwrap();
        assert_eq!(found().await, "not_confirmed");
        let moved = Item { stage_label: "Selesai".into(), text: "x".into(), ..Item::typed("1") };
        let tx = world.core.db.begin().await.unwrap();
        let rules = world.core.rules_in(&tx).await.unwrap();
        assert_eq!(
            take(&world.core, &tx, &rules, &moved, SYSTEM, world.now()).await.unwrap(),
            Taken::Updated
        );
        tx.commit().await.unwrap();
        assert_eq!(found().await, "not_confirmed");
        // It is told again, and read back.
        sync.tick(world.now()).await.unwrap();
        assert_eq!((simulator.follow_ups("1").len(), found().await.as_str()), (2, ""));
    })
    .await;
}

/// An officer answers first.
async fn answer(world: &World, case: &Case) {
    let tx = world.core.db.begin().await.unwrap();
    let rules = world.core.rules_in(&tx).await.unwrap();
    let record = store::complaint::find(&tx, &world.core.cipher, case.id).await.unwrap().unwrap();
    let mut next = record.case.clone();
    next.messages.push(crate::domain::case::Message {
        at: world.now(),
        by: crate::domain::words::Part::Agency,
        account: "acc_1".into(),
        agency: "17.07/dpu".into(),
        kind: MessageKind::FirstAnswer,
        text: "Petugas sudah di lokasi".into(),
        files: Vec::new(),
        reporter: String::new(),
        external: String::new(),
    });
    world
        .core
        .save_one(&tx, &rules, Change::of(record, next, "complaint.test"), SYSTEM, world.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn c_60_each_day_both_sides_are_held_against_each_other() {
    with_lapor(async |world, simulator, mut sync| {
        simulator.write("1", "Lampu jalan mati");
        simulator.write("2", "Jalan rusak");
        sync.tick(world.now()).await.unwrap();
        assert!(ledger(&world).await.iter().all(|it| it.mismatch.is_empty()));
        // What we have from a file and LAPOR! does not show.
        let lost = Item { stage_label: "Baru".into(), text: "x".into(), ..Item::typed("9") };
        let tx = world.core.db.begin().await.unwrap();
        let rules = world.core.rules_in(&tx).await.unwrap();
        take(&world.core, &tx, &rules, &lost, SYSTEM, world.now()).await.unwrap();
        tx.commit().await.unwrap();
        simulator.set_status("1", "Selesai");
        world.pass(TimeDelta::hours(25));
        sync.tick(world.now()).await.unwrap();
        let reasons =
            ledger(&world).await.into_iter().map(|it| (it.tracking_id, it.mismatch)).collect::<Vec<_>>();
        let expected = [("1", "closed_there"), ("2", ""), ("9", "missing_there")];
        assert_eq!(reasons, expected.map(|(id, reason)| (id.to_owned(), reason.to_owned())));
    })
    .await;
}

#[tokio::test]
async fn what_a_transaction_changed_and_never_committed_is_kept_for_nobody() {
    on_both(async |world| {
        let core = &world.core;
        let name = |rules: &Rules| rules.categories["UMUM"].name.clone();
        let renamed = async |name: &str| {
            let tx = core.db.begin().await.unwrap();
            let category = Category { name: name.to_owned(), ..umum() };
            store::catalogue::save_category(&tx, &category, core.now()).await.unwrap();
            (core.rules_in(&tx).await.unwrap(), tx)
        };
        let (seen, tx) = renamed("Dibatalkan").await;
        assert_eq!(name(&seen), "Dibatalkan", "the transaction sees what it changed");
        tx.rollback().await.unwrap();
        assert_eq!(name(&core.rules().await.unwrap()), "Umum");
        // The next change gets the number of the one that was taken back.
        let (_, tx) = renamed("Lain-lain").await;
        tx.commit().await.unwrap();
        assert_eq!(name(&core.rules().await.unwrap()), "Lain-lain");
    })
    .await;
}

#[tokio::test]
async fn what_is_written_does_not_wait_for_a_setting() {
    for engine in ENGINES {
        let world = World::new(engine, |config| config.channels.category = "TIDAK-ADA".into()).await;
        world.writes("a", "Lampu jalan mati").await;
        assert_eq!(world.only().await.category, "UMUM");
    }
}

#[tokio::test]
async fn what_lies_in_tables_names_nobody() {
    on_both(async |world| {
        world.says("a", json!({"type": "text", "text": {"body": "Lampu mati di rumah Siti"}})).await;
        let rows = format!("{:?} {:?}", world.messages().await, world.outgoing().await);
        for secret in [SITI, "Siti", "Lampu"] {
            assert!(!rows.contains(secret), "{secret}");
        }
    })
    .await;
}

//! Channels at work, on both databases: what comes in, which case it becomes, and what it must never do.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::caller::{Caller, CallerKind, Grant};
use mpp_kit::cipher::Cipher;
use mpp_kit::clock::ManualClock;
use mpp_kit::config::Secret;
use mpp_kit::fault::Language;
use mpp_kit::files::{Files, FilesConfig};
use mpp_kit::meta;
use mpp_kit::testing::{ENGINES, Engine, TestDb, fresh_db, scope, temp_dir};
use mpp_proto::complaints::v1::complaints_service_server::ComplaintsService as _;
use mpp_proto::complaints::v1::{AnswerComplaintRequest, Contact};
use mpp_proto::notifications::v1::ReportBounceRequest;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DbBackend, EntityTrait as _, QueryFilter as _, Statement,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::config::{ChannelsConfig, MailboxConfig, MetaAccount};
use super::dovecot::Dovecot;
use super::email::reply_address;
use super::envelope::{Effect, Envelope, Source};
use super::imap::Protection;
use super::lapor::simulator::Simulator;
use super::lapor::{Item, file};
use super::mail::Reader;
use super::media_server::MediaServer;
use super::receive::{self, Counted};
use super::sync::{self, Batch, Sync, Taken};
use super::{fetch, place};
use crate::config::Config;
use crate::domain::OutboxId;
use crate::domain::case::{Case, Place};
use crate::domain::number::Number;
use crate::domain::rules::{Agency, Category, Rules};
use crate::domain::words::{Channel, DeliveryState, MessageKind, Publication, Secrecy, State};
use crate::domain::workflow::{self, By, Order};
use crate::error::Error;
use crate::metrics::Metrics;
use crate::rpc::case::{Change, SYSTEM};
use crate::rpc::{Core, Service};
use crate::store;
use crate::store::channel::MessageState;
use crate::store::chat::entity as chat;
use crate::store::entity::{channel_message, complaint, outbox, sp4n_entry, stored_file};
use crate::store::outbox::{About, Body, Message, Recipient};
use crate::store::vault::Identity;

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
            answers: false,
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
        let signed = meta::sign(SECRET, &body);
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
    let said =
        case.messages.iter().filter(|it| !matches!(it.kind, MessageKind::Note | MessageKind::Unproven));
    said.map(|it| it.text.as_str()).collect()
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
                let signed = meta::sign(SECRET, &body);
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
                let signed = meta::sign(SECRET, &body);
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
async fn c_57_a_location_that_comes_after_the_report_is_on_the_map() {
    on_both(async |world| {
        let stored = async || {
            let row = complaint::Entity::find().one(&world.core.db.read).await.unwrap().unwrap();
            (row.latitude.zip(row.longitude), row.grid_lat.zip(row.grid_lon))
        };
        world.says("a", json!({"type": "text", "text": {"body": "Jalan berlubang di depan pasar"}})).await;
        assert_eq!(stored().await, (None, None));
        world
            .says("b", json!({"type": "location", "location": {"latitude": -3.7928, "longitude": 102.2651}}))
            .await;
        assert_eq!(stored().await, (Some((-3.7928, 102.2651)), Some((-379, 10_227))));
    })
    .await;
}

#[tokio::test]
async fn c_18_what_a_shared_location_is_called_stands_in_the_place_alone() {
    on_both(async |world| {
        let place = |latitude: f64, name: &str, address: &str| {
            let location =
                json!({"latitude": latitude, "longitude": 102.2651, "name": name, "address": address});
            json!({"type": "location", "location": location})
        };
        world.says("a", place(-3.7928, "Warung Siti", "Gang Merpati 7")).await;
        world.writes("b", "Selokan di depan rumah saya tersumbat").await;
        world.says("c", place(-3.8, "Jembatan kayu", "")).await;
        world.says("d", place(-3.7928, "Warung Siti", "Gang Merpati 7")).await;
        world.writes("e", "anonim").await;
        let case = world.only().await;
        assert_eq!(
            said(&case),
            ["(Lokasi)", "Selokan di depan rumah saya tersumbat", "(Lokasi)", "(Lokasi)"]
        );
        assert_eq!(case.place.address, "Warung Siti, Gang Merpati 7, Jembatan kayu");
        assert_eq!(case.place.point, Some((-3.7928, 102.2651)), "the first point stays");
        assert_eq!(case.place.coarse().address, "");
        // Whoever takes a location back takes back all that was said of it.
        take_back(&world, "c").await;
        assert_eq!(world.only().await.place.address, "Warung Siti, Gang Merpati 7");
        take_back(&world, "a").await;
        let place = world.only().await.place;
        assert_eq!(place.point, Some((-3.7928, 102.2651)), "they said it twice");
        assert_eq!(place.address, "Warung Siti, Gang Merpati 7");
        take_back(&world, "d").await;
        let place = world.only().await.place;
        assert_eq!((place.point, place.address.as_str()), (None, ""));
    })
    .await;
}

#[tokio::test]
async fn c_18_a_location_that_is_taken_back_before_it_has_a_case_leaves_none() {
    on_both(async |world| {
        world.writes("a", "Lampu jalan mati").await;
        world.pass(TimeDelta::hours(3));
        let location = json!({"latitude": -3.7928, "longitude": 102.2651, "name": "Warung Siti", "address": "Gang Merpati 7"});
        world.says("b", json!({"type": "location", "location": location})).await;
        assert_eq!(world.questions().await, 1);
        take_back(&world, "b").await;
        world.pass(TimeDelta::minutes(10));
        world.tick().await;
        world.tick().await;
        let cases = world.cases().await;
        assert_eq!(said(&cases[1]), [crate::domain::channel::TAKEN_BACK]);
        assert!(cases.iter().all(|it| it.place == Place::default()), "{:?}", cases[1].place);
    })
    .await;
}

#[tokio::test]
async fn c_18_what_a_location_was_called_in_words_once_shows_to_nobody_who_may_not_know() {
    on_both(async |world| {
        world
            .says("a", json!({"type": "location", "location": {"latitude": -3.79, "longitude": 102.26}}))
            .await;
        // As it was written before names and addresses stood in the place alone.
        changed(&world, |next, _| next.messages[0].text = "Gang Merpati 7\n(Lokasi)".to_owned()).await;
        let rules = world.core.rules().await.unwrap();
        let shown = async || {
            let (db, case) = (&world.core.db.read, world.only().await);
            let record = store::complaint::find(db, &world.core.cipher, case.id).await.unwrap().unwrap();
            let caller = officer(&world, "complaints.coordinate");
            let seen = world.core.view(db, &caller, &record, &rules, world.now()).await.unwrap();
            (seen.messages[0].text.clone(), crate::rpc::published::told(&case))
        };
        let whole = "Gang Merpati 7\n(Lokasi)".to_owned();
        assert_eq!(shown().await, (whole.clone(), whole), "who asks for no secrecy");
        world.writes("b", "anonim").await;
        assert_eq!(shown().await, ("(Lokasi)".to_owned(), "(Lokasi)".to_owned()));
        // What somebody wrote themselves is theirs to say, on every other channel too.
        changed(&world, |next, _| next.messages[0].text = "Di gang (Lokasi)".to_owned()).await;
        assert_eq!(shown().await.0, "Di gang (Lokasi)");
        changed(&world, |next, _| {
            next.messages[0].text = "Di gang\n(Lokasi)".to_owned();
            next.messages[0].external = "email/utama/1".to_owned();
        })
        .await;
        assert_eq!(shown().await.0, "Di gang\n(Lokasi)");
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
        assert!(told[3] == "(Lokasi)" && told[4].contains("jenis berkas tidak diterima"), "{told:?}");
        assert!(told[5].contains("tidak dapat disampaikan"), "{told:?}");
        let types = case.messages.iter().flat_map(|it| &it.files).map(|it| it.media_type.as_str());
        assert_eq!(types.collect::<Vec<_>>(), ["image/jpeg", "audio/ogg", "application/pdf"]);
        assert_eq!((case.place.point, case.place.address.as_str()), (Some((-3.79, 102.26)), "Pasar"));
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
        let good = meta::sign(SECRET, &body);
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
async fn c_13_one_address_takes_what_is_written_to_every_number_of_its_app() {
    for engine in ENGINES {
        let world = World::new(engine, |config| {
            let first = config.channels.whatsapp["utama"].clone();
            let foreign =
                MetaAccount { id: "P3".to_owned(), app_secret: Secret::from("lain"), ..first.clone() };
            config.channels.whatsapp.insert("kedua".into(), MetaAccount { id: "P2".to_owned(), ..first });
            config.channels.whatsapp.insert("ketiga".into(), foreign);
        })
        .await;
        let mut body = whatsapp(&[text_of("a", "Satu")]);
        for (id, number) in [("b", "P2"), ("c", "P3"), ("d", "P9")] {
            let mut entry = whatsapp(&[text_of(id, "Lain")])["entry"][0].clone();
            entry["changes"][0]["value"]["metadata"]["phone_number_id"] = json!(number);
            body["entry"].as_array_mut().unwrap().push(entry);
        }
        assert_eq!(world.webhook("whatsapp", &body).await.unwrap(), Counted { stored: 2, repeated: 0 });
        let mut accounts: Vec<_> = world.messages().await.into_iter().map(|it| it.account).collect();
        accounts.sort();
        assert_eq!(accounts, ["P1", "P2"], "not those under the secret of another app");
    }
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

/// Merges the second of two cases into the first, as a coordinator does.
async fn merge(world: &World, merged: &Case, survivor: &Case) {
    let officer = By { part: crate::domain::words::Part::Coordinator, ..By::system() };
    let (received_at, class, state) = (survivor.received_at, survivor.class, survivor.state);
    world.decide(merged, officer, Order::Merge { into: survivor.id, received_at, class, state }).await;
    let core = &world.core;
    let tx = core.db.begin().await.unwrap();
    let rules = core.rules_in(&tx).await.unwrap();
    let find = async |id| store::complaint::find(&tx, &core.cipher, id).await.unwrap().unwrap();
    let record = find(survivor.id).await;
    let next = workflow::absorb(&record.case, &find(merged.id).await.case);
    core.save_one(&tx, &rules, Change::of(record, next, "complaint.absorbed"), SYSTEM, world.now())
        .await
        .unwrap();
    store::complaint::redirect(&tx, merged.id, survivor.id).await.unwrap();
    store::file::hand_over(&tx, merged.id, survivor.id).await.unwrap();
    tx.commit().await.unwrap();
}

/// The author takes a message of the WhatsApp chat back.
async fn take_back(world: &World, id: &str) {
    let mut envelope = Envelope::new(Source::Whatsapp, "P1", &format!("{id}#removed"));
    envelope.sender.id = SITI.to_owned();
    envelope.effect = Effect::Remove(id.to_owned());
    let content = receive::Content { envelope, files: Vec::new(), mail: None };
    let tx = world.core.db.begin().await.unwrap();
    receive::store(&world.core, &tx, vec![(content, MessageState::Waiting)], world.now()).await.unwrap();
    tx.commit().await.unwrap();
    world.tick().await;
}

#[tokio::test]
async fn c_08_what_is_taken_back_after_two_merges_is_gone_everywhere_with_its_files() {
    on_both(async |world| {
        world.media.put("M1", include_bytes!("samples/photo.jpg"));
        for (number, from) in ["62811", "62812"].iter().enumerate() {
            let mut message = text_of(&format!("old-{number}"), "Jalan rusak");
            message["from"] = json!(from);
            world.webhook("whatsapp", &whatsapp(&[message])).await.unwrap();
            world.tick().await;
            world.pass(TimeDelta::minutes(1));
        }
        let mut photo = text_of("photo", "");
        photo["type"] = json!("image");
        photo["image"] = json!({"id": "M1", "caption": "Lubang di depan rumah saya"});
        world.media.fail_next();
        world.webhook("whatsapp", &whatsapp(&[photo])).await.unwrap();
        world.tick().await;
        let cases = world.cases().await;
        assert_eq!(cases.len(), 3);
        merge(&world, &cases[2], &cases[1]).await;
        merge(&world, &world.cases().await[1], &cases[0]).await;
        // The photo comes after both: it is where the case is now, and is nobody else's.
        world.pass(TimeDelta::minutes(1));
        world.tick().await;
        let files = world.files().await;
        assert_eq!((files.len(), files[0].complaint_id.clone()), (1, Some(cases[0].id.to_string())));
        let words = async || {
            let cases = world.cases().await;
            let all = cases.iter().flat_map(|it| &it.messages).map(|it| (it.text.clone(), it.files.len()));
            all.filter(|(text, files)| text.contains("rumah saya") || *files > 0).count()
        };
        assert_eq!(words().await, 3, "in each of the three");
        take_back(&world, "photo").await;
        assert_eq!(words().await, 0);
        // The file is nobody's now, and goes with what nobody used.
        assert_eq!(world.files().await[0].complaint_id, None);
        world.pass(TimeDelta::hours(25));
        crate::worker::clean_up(&world.core, world.now()).await.unwrap();
        assert!(world.files().await.is_empty());
        assert!(world.core.files.get(&files[0].id).await.is_err());
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

/// What is known of the only chat.
async fn the_chat(world: &World) -> store::chat::Chat {
    let db = &world.core.db.read;
    let row = chat::Entity::find().one(db).await.unwrap().unwrap();
    store::chat::find(db, &world.core.vault, &row.conversation).await.unwrap()
}

/// As it is for somebody who reported elsewhere and writes here for the first time.
async fn forget_last(world: &World) {
    let forgot = store::chat::Chat { memory: store::chat::Memory::default(), ..the_chat(world).await };
    let tx = world.core.db.begin().await.unwrap();
    let times = (world.now(), world.now());
    assert!(store::chat::save(&tx, &world.core.vault, &forgot, times).await.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn c_46_what_is_known_of_a_chat_goes_with_its_messages() {
    on_both(async |world| {
        let chats = async || chat::Entity::find().all(&world.core.db.read).await.unwrap().len();
        let clean_up = async || crate::worker::clean_up(&world.core, world.now()).await.unwrap();
        world.writes("a", "Lampu jalan mati").await;
        world.pass(TimeDelta::days(90));
        clean_up().await;
        assert_eq!(chats().await, 1, "its message is there still");
        // Who writes again is remembered longer, and so is the case they write on.
        world.writes("b", "Masih mati").await;
        // Nobody says which case is meant.
        world.pass(TimeDelta::minutes(11));
        world.tick().await;
        world.pass(TimeDelta::days(90));
        clean_up().await;
        assert!(the_chat(&world).await.memory.last.is_some());
        world.pass(TimeDelta::seconds(1));
        clean_up().await;
        assert_eq!(chats().await, 0);
        // A question that waits keeps its chat: what waits for its answer has no other place.
        world.writes("c", "Selokan tersumbat").await;
        let mut asked = the_chat(&world).await;
        asked.memory.question = Some(store::chat::Asked { offered: Vec::new(), at: world.now() });
        let (tx, times) = (world.core.db.begin().await.unwrap(), (world.now(), world.now()));
        assert!(store::chat::save(&tx, &world.core.vault, &asked, times).await.unwrap());
        tx.commit().await.unwrap();
        world.pass(TimeDelta::days(91));
        clean_up().await;
        assert_eq!(chats().await, 1);
    })
    .await;
}

#[tokio::test]
async fn c_46_who_goes_on_writing_keeps_no_case_of_long_ago() {
    on_both(async |world| {
        world.writes("a", "Lampu jalan mati").await;
        world.withdraw().await;
        assert!(the_chat(&world).await.memory.last.is_some());
        world.pass(TimeDelta::days(91));
        world.writes("b", "english").await;
        let memory = the_chat(&world).await.memory;
        assert_eq!((memory.language.as_str(), memory.last), ("en", None));
    })
    .await;
}

#[tokio::test]
async fn c_17_a_word_for_secrecy_is_no_message_of_a_case_that_was_asked_about() {
    on_both(async |world| {
        world.writes("a", "Lampu jalan mati").await;
        world.pass(TimeDelta::hours(3));
        world.writes("b", "Selokan tersumbat").await;
        world.writes("c", "0").await;
        world.pass(TimeDelta::hours(3));
        let secrecies = async || {
            let cases = world.cases().await;
            assert!(cases.len() == 2 && cases.iter().all(|it| it.messages.len() == 1), "{cases:?}");
            cases.iter().map(|it| it.reporters[0].secrecy).collect::<Vec<_>>()
        };
        // The chat went on elsewhere: which of the two is meant has to be asked.
        forget_last(&world).await;
        world.writes("d", "anonim").await;
        let first = world.cases().await[0].id.to_string();
        let question = the_chat(&world).await.memory.question.unwrap();
        let row = question.offered.iter().position(|it| *it == first).unwrap() + 1;
        world.writes("e", &row.to_string()).await;
        assert_eq!(secrecies().await, [Secrecy::Anonymous, Secrecy::Open]);
        // Without an answer, what protects more holds for both, and what protects less for none.
        for (id, word, expected) in [
            ("f", "biasa", [Secrecy::Anonymous, Secrecy::Open]),
            ("g", "rahasia", [Secrecy::Secret, Secrecy::Secret]),
        ] {
            forget_last(&world).await;
            world.writes(id, word).await;
            world.pass(TimeDelta::minutes(11));
            world.tick().await;
            assert_eq!(secrecies().await, expected, "{word}");
        }
    })
    .await;
}

#[tokio::test]
async fn c_17_a_number_that_is_theirs_no_longer_speaks_for_no_case() {
    on_both(async |world| {
        world.writes("a", "Lampu jalan mati").await;
        let case = world.only().await;
        let tx = world.core.db.begin().await.unwrap();
        let known = store::vault::find(&tx, &world.core.vault, case.number).await.unwrap().unwrap();
        let anew = Identity { phone: "+62811999".into(), ..Identity::default() };
        let identity = known.told(&anew);
        assert_eq!(identity.name, "Siti");
        store::vault::save(&tx, &world.core.vault, case.number, &identity, world.now()).await.unwrap();
        tx.commit().await.unwrap();
        world.writes("b", "rahasia").await;
        let cases = world.cases().await;
        assert_eq!((cases.len(), cases[0].reporters[0].secrecy), (2, Secrecy::Open));
    })
    .await;
}

/// Until something waits for what a transaction holds. On SQLite, whose writers take turns as a whole, until it has had the time
/// to ask for its turn.
async fn until_one_waits(core: &Core) {
    let db = &core.db.read;
    if db.get_database_backend() == DbBackend::Sqlite {
        return tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    let waiting =
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for _ in 0..600 {
        let waiting = Statement::from_string(DbBackend::Postgres, waiting);
        if db.query_one_raw(waiting).await.unwrap().is_some() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("nothing waits within half a minute");
}

/// Does something while another transaction, which ends after it has begun, gives a reporter this name. Answers what is known then.
async fn beside(
    world: &World,
    number: Number,
    name: &str,
    act: impl Future<Output = ()> + Send + 'static,
) -> Identity {
    let core = &world.core;
    let tx = core.db.begin().await.unwrap();
    let known = store::vault::hold(&tx, &core.vault, number).await.unwrap().unwrap();
    let identity = Identity { name: name.to_owned(), ..known };
    store::vault::save(&tx, &core.vault, number, &identity, world.now()).await.unwrap();
    let acting = tokio::spawn(act);
    until_one_waits(core).await;
    tx.commit().await.unwrap();
    acting.await.unwrap();
    store::vault::find(&core.db.read, &core.vault, number).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn c_17_what_is_learnt_of_a_reporter_at_one_moment_is_kept_whole() {
    on_both(async |world| {
        world.webhook("facebook", &comment("add", "c1", "Jalan rusak")).await.unwrap();
        world.tick().await;
        let case = world.only().await;
        let (number, pin) = (case.number, world.core.pin(case.number));
        let says = |request: AnswerComplaintRequest| {
            let service = Service(Arc::clone(&world.core));
            let request = AnswerComplaintRequest { number: number.to_string(), pin: pin.clone(), ..request };
            async move {
                service.answer_complaint(tonic::Request::new(request)).await.unwrap();
            }
        };
        let contact = Contact { phone: "081234500099".to_owned(), ..Contact::default() };
        let contact = says(AnswerComplaintRequest { contact: Some(contact), ..Default::default() });
        let known = beside(&world, number, "Rina satu", contact).await;
        assert_eq!((known.name.as_str(), known.phone.as_str()), ("Rina satu", "+6281234500099"));

        let language = says(AnswerComplaintRequest { language: "en".to_owned(), ..Default::default() });
        let known = beside(&world, number, "Rina dua", language).await;
        assert_eq!((known.name.as_str(), known.language.as_str()), ("Rina dua", "en"));

        // As the receipt of the answer to a comment tells it.
        let (core, now) = (Arc::clone(&world.core), world.now());
        let message = Message {
            id: OutboxId::generate(),
            about: About::Case(case.id),
            kind: "RECEIVED".to_owned(),
            recipient: Recipient::Reporter(number.to_string()),
            body: Body::default(),
            state: DeliveryState::Accepted,
            notification: None,
            attempts: 0,
            created_at: now,
            updated_at: now,
        };
        let receipt = async move { crate::worker::learn(&core, &message, "PSID9", now).await.unwrap() };
        let known = beside(&world, number, "Rina tiga", receipt).await;
        assert_eq!((known.name.as_str(), known.direct_user.as_str()), ("Rina tiga", "PSID9"));

        world.webhook("facebook", &comment("add", "c2", "Lubangnya makin dalam")).await.unwrap();
        let core = Arc::clone(&world.core);
        let channels = &core.config.channels;
        let fetcher = fetch::Fetcher::new(&channels.graph_url, channels.hosts()).unwrap();
        let comes = async move { place::tick(&core, &fetcher, now).await.unwrap() };
        let known = beside(&world, number, "Rina empat", comes).await;
        let comment = known.comment.as_ref().map(|it| it.id.as_str());
        assert_eq!((known.name.as_str(), comment), ("Rina empat", Some("c2")));
        let whole = (known.phone.as_str(), known.language.as_str(), known.direct_user.as_str());
        assert_eq!(whole, ("+6281234500099", "en", "PSID9"), "and nothing of what came before is lost");
        assert_eq!(said(&world.only().await), ["Jalan rusak", "Lubangnya makin dalam"]);
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

/// The only case, answered in substance.
async fn answered(world: &World) -> Case {
    answered_of(world, &world.only().await).await;
    world.only().await
}

/// A case, answered in substance.
async fn answered_of(world: &World, case: &Case) {
    let officer = |part| By { part, ..By::system() };
    use crate::domain::words::{NoProofReason, Part};
    changed_of(world, case, |next, _| next.state = State::InProgress).await;
    let answer = Order::Answer {
        text: "Lampu sudah diganti.".into(),
        proof: Vec::new(),
        no_proof: Some(NoProofReason::InformationGiven),
    };
    world.decide(case, officer(Part::Agency), answer).await;
}

/// The only case, as something made it that is not tried here.
async fn changed(world: &World, change: impl FnOnce(&mut Case, &Rules)) {
    changed_of(world, &world.only().await, change).await;
}

async fn changed_of(world: &World, case: &Case, change: impl FnOnce(&mut Case, &Rules)) {
    let rules = world.core.rules().await.unwrap();
    let tx = world.core.db.begin().await.unwrap();
    let record = store::complaint::find(&tx, &world.core.cipher, case.id).await.unwrap().unwrap();
    let mut next = record.case.clone();
    change(&mut next, &rules);
    let change = Change::of(record, next, "complaint.test");
    world.core.save_one(&tx, &rules, change, SYSTEM, world.now()).await.unwrap();
    tx.commit().await.unwrap();
}

/// The answer arrived at everybody.
async fn heard(world: &World) {
    changed(world, |next, rules| {
        for number in next.reporters.iter().map(|it| it.number).collect::<Vec<_>>() {
            *next = workflow::hear(next, number, None, rules).expect("not heard yet");
        }
    })
    .await;
}

/// An officer of the regency.
fn officer(world: &World, permission: &str) -> Caller {
    Caller {
        id: "acc_1".to_owned(),
        kind: CallerKind::Staff,
        grants: vec![Grant {
            permissions: [permission, "complaints.read"].map(str::to_owned).into(),
            scope: scope(&[("area", &[world.core.config.regency.as_str()])]),
        }],
        ..Caller::anonymous(Language::Id)
    }
}

fn button(case: &Case, verb: &str) -> Value {
    json!({"type": "interactive", "interactive": {"type": "button_reply",
        "button_reply": {"id": format!("{verb}:{}", case.id), "title": "Tombol"}}})
}

#[tokio::test]
async fn c_31_belum_after_sudah_opens_the_case_again_and_a_late_button_is_no_report() {
    on_both(async |world| {
        world.writes("a", "Lampu jalan mati").await;
        let case = answered(&world).await;
        world.says("b", button(&case, "sudah")).await;
        assert_eq!(world.only().await.state, State::Settled);
        // Pressed twice, and said once more: it is settled, and no report of its own.
        world.says("c", button(&case, "sudah")).await;
        world.writes("d", "Sudah").await;
        assert_eq!((world.only().await.state, world.only().await.messages.len()), (State::Settled, 2));
        world.pass(TimeDelta::days(3));
        world.writes("e", "Belum.").await;
        let opened = world.only().await;
        assert_eq!((opened.state, opened.reopenings), (State::Reopened, 1));
        // The same by the button.
        let case = answered(&world).await;
        world.says("f", button(&case, "sudah")).await;
        world.says("g", button(&case, "belum")).await;
        assert_eq!((world.only().await.state, world.only().await.reopenings), (State::Reopened, 2));
        // After the window nothing opens, nothing is made, and the sender is told so.
        let case = answered(&world).await;
        heard(&world).await;
        world.pass(TimeDelta::days(11));
        crate::worker::tick(&world.core, world.now()).await.unwrap();
        assert_eq!(world.only().await.state, State::Settled);
        for (id, told) in
            [("h", button(&case, "belum")), ("i", json!({"type": "text", "text": {"body": "belum"}}))]
        {
            world.says(id, told).await;
            assert_eq!((world.only().await.state, world.only().await.reopenings), (State::Settled, 2));
        }
        let over = world.outgoing().await.into_iter().filter(|it| it.kind == place::OVER).count();
        assert_eq!(over, 2);
        // A button of somebody else's case opens nothing of theirs.
        let mut foreign = button(&case, "belum");
        foreign["from"] = json!("62899");
        world.says("j", foreign).await;
        assert_eq!(world.only().await.state, State::Settled);
        // What is more than the word is a report.
        world.writes("k", "Belum, dan sekarang jalannya rusak").await;
        assert_eq!(world.cases().await.len(), 2);
    })
    .await;
}

/// Budi reports on WhatsApp, and somebody else after him; their case is merged into his. Answers both as they were before.
async fn joined(world: &World, other: impl AsyncFnOnce()) -> (Case, Case) {
    let mut first = text_of("budi", "Jalan rusak di depan pasar");
    first["from"] = json!("62811000999");
    world.webhook("whatsapp", &whatsapp(&[first])).await.unwrap();
    world.tick().await;
    world.pass(TimeDelta::minutes(1));
    other().await;
    let mut cases = world.cases().await;
    assert_eq!(cases.len(), 2);
    let (merged, survivor) = (cases.remove(1), cases.remove(0));
    merge(world, &merged, &survivor).await;
    (survivor, merged)
}

/// How secret the survivor is for who reported the case that was merged into it.
async fn secrecy_there(world: &World, survivor: &Case, merged: &Case) -> Secrecy {
    let cases = world.cases().await;
    let survivor = cases.iter().find(|it| it.id == survivor.id).unwrap();
    survivor.reporter(merged.number).unwrap().secrecy
}

#[tokio::test]
async fn c_17_a_button_of_a_case_that_was_merged_chooses_where_it_is_now() {
    on_both(async |world| {
        let event = |sender: &str, what: Value| {
            let mut event = json!({"sender": {"id": sender}, "recipient": {"id": "PAGE"}, "timestamp": 1_795_395_600_000_i64});
            event.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
            json!({"object": "page", "entry": [{"id": "PAGE", "messaging": [event]}]})
        };
        let sends = async |sender: &str, what: Value| {
            world.webhook("facebook", &event(sender, what)).await.unwrap();
            world.tick().await;
        };
        let presses = |mid: &str, payload: String| json!({"postback": {"mid": mid, "payload": payload, "title": "Tombol"}});
        let (survivor, merged) =
            joined(&world, async || sends("PSID", json!({"message": {"mid": "m1", "text": "Di depan pasar berlubang"}})).await).await;
        assert_eq!(secrecy_there(&world, &survivor, &merged).await, Secrecy::Open);
        // Somebody else cannot press for them.
        sends("LAIN", presses("m2", format!("rahasia:{}", merged.id))).await;
        assert_eq!(secrecy_there(&world, &survivor, &merged).await, Secrecy::Open);
        sends("PSID", presses("m3", format!("rahasia:{}", merged.id))).await;
        assert_eq!(secrecy_there(&world, &survivor, &merged).await, Secrecy::Secret);
        let cases = world.cases().await;
        assert_eq!((cases.len(), cases[0].publication), (2, Publication::Secret));
        assert!(cases[0].messages.iter().all(|it| it.text != "Tombol"), "a button is no message");
    })
    .await;
}

#[tokio::test]
async fn c_31_a_button_below_an_answer_counts_for_the_case_it_was_merged_into() {
    on_both(async |world| {
        let (survivor, merged) = joined(&world, async || world.writes("a", "Jalan berlubang").await).await;
        world.says("b", button(&merged, "anonim")).await;
        assert_eq!(secrecy_there(&world, &survivor, &merged).await, Secrecy::Anonymous);
        answered_of(&world, &survivor).await;
        let budi = async |id: &str, verb: &str| {
            let mut message = button(&survivor, verb);
            message["from"] = json!("62811000999");
            world.says(id, message).await;
        };
        budi("c", "sudah").await;
        let state = async || world.cases().await.remove(0);
        assert_eq!(state().await.state, State::AwaitingConfirmation, "Siti has not said anything");
        world.says("d", button(&merged, "sudah")).await;
        assert_eq!(state().await.state, State::Settled);
        // It is over there too, and both are found by the button.
        world.says("e", button(&merged, "nilai4")).await;
        assert_eq!(state().await.reporter(merged.number).unwrap().rating, 4);
        world.says("f", button(&merged, "belum")).await;
        assert_eq!((state().await.state, world.cases().await.len()), (State::Reopened, 2));
    })
    .await;
}

#[tokio::test]
async fn c_32_who_quotes_or_chooses_a_merged_case_writes_on_the_one_that_survives() {
    on_both(async |world| {
        let (survivor, merged) = joined(&world, async || world.writes("a", "Jalan berlubang").await).await;
        world.pass(TimeDelta::hours(3));
        world.writes("b", "Selokan tersumbat").await;
        world.writes("c", "0").await;
        world.pass(TimeDelta::hours(3));
        let words = async || {
            let cases = world.cases().await;
            assert_eq!(cases.len(), 3, "no case of its own: {cases:?}");
            let survivor = cases.iter().find(|it| it.id == survivor.id).unwrap();
            said(survivor).last().map(|it| (*it).to_owned()).unwrap()
        };
        let asked = world.questions().await;
        world
            .says("d", json!({"type": "text", "text": {"body": "Makin dalam"}, "context": {"from": "62511000", "id": "a"}}))
            .await;
        assert_eq!((words().await.as_str(), world.questions().await), ("Makin dalam", asked), "it names its case");
        // Asked before the merge, chosen after it: by the row, and by the button.
        for (id, text, answer) in [
            ("e", "Dua motor jatuh", json!({"type": "text", "text": {"body": "1"}})),
            ("f", "Dan satu truk", json!({"type": "interactive", "interactive": {"type": "list_reply",
                "list_reply": {"id": format!("case:{}", merged.id), "title": "1"}}})),
        ] {
            let memory = store::chat::Memory {
                question: Some(store::chat::Asked { offered: vec![merged.id.to_string()], at: world.now() }),
                ..store::chat::Memory::default()
            };
            let chat = siti(&world).await;
            let tx = world.core.db.begin().await.unwrap();
            let (chat, now) = (store::chat::Chat { memory, ..chat }, world.now());
            let times = (now, now - TimeDelta::days(30));
            assert!(store::chat::save(&tx, &world.core.vault, &chat, times).await.unwrap());
            tx.commit().await.unwrap();
            world.writes(id, text).await;
            world.says(&format!("{id}-answer"), answer).await;
            assert_eq!(words().await, text);
        }
    })
    .await;
}

/// What is known of the chat of Siti.
async fn siti(world: &World) -> store::chat::Chat {
    let placed = world
        .messages()
        .await
        .into_iter()
        .find(|it| it.external_id == receive::external(&world.core, "a"))
        .unwrap();
    store::chat::find(&world.core.db.read, &world.core.vault, &placed.conversation).await.unwrap()
}

#[tokio::test]
async fn c_58_a_button_rates_what_is_settled_once_per_settling() {
    on_both(async |world| {
        world.writes("a", "Lampu jalan mati").await;
        let case = answered(&world).await;
        // Before it is settled there is nothing to rate, and no message either.
        world.says("b", button(&case, "nilai1")).await;
        assert_eq!((world.only().await.rating, world.only().await.messages.len()), (0, 2));
        world.says("c", button(&case, "sudah")).await;
        let asked = world.outgoing().await.into_iter().filter(|it| it.kind == "settled").count();
        assert_eq!(asked, 1, "told that it is settled, and asked");
        world.says("d", button(&case, "nilai5")).await;
        world.says("e", button(&case, "nilai1")).await;
        assert_eq!((world.only().await.state, world.only().await.rating), (State::Settled, 5));
        // Opened again and settled again it is rated anew.
        world.pass(TimeDelta::hours(1));
        world.says("f", button(&case, "belum")).await;
        assert_eq!((world.only().await.state, world.only().await.rating), (State::Reopened, 0));
        let case = answered(&world).await;
        world.says("g", button(&case, "sudah")).await;
        world.says("h", button(&case, "nilai3")).await;
        assert_eq!((world.only().await.rating, world.cases().await.len()), (3, 1));
    })
    .await;
}

#[tokio::test]
async fn c_31_words_about_messages_are_no_report_and_complete_nothing() {
    on_both(async |world| {
        for (id, word) in [("a", "BERHENTI"), ("b", "mulai"), ("c", "Stop")] {
            world.writes(id, word).await;
        }
        assert!(world.cases().await.is_empty());
        world.writes("d", "Lampu jalan mati").await;
        let officer = By { part: crate::domain::words::Part::Coordinator, ..By::system() };
        world
            .decide(&world.only().await, officer, Order::AskCompletion { question: "Di mana?".into() })
            .await;
        world.writes("e", "Berhenti").await;
        let case = world.only().await;
        assert_eq!((case.state, case.messages.len()), (State::AwaitingCompletion, 2));
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

/// What our mail server says of a mail that its author's domain vouches for.
const PROVEN: &str = "Authentication-Results: mx.contoh.go.id; dmarc=pass\r\n";

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
            reply_address(&world.core.config.channels.email["utama"].mailbox(), &case.number.to_string());
        server.deliver(&mail("siti@warga.example", &address, "2", "", "Makin parah"));
        // A reply to the own mail before, and the number in a subject: Siti's domain vouches for both.
        let before = format!("{PROVEN}In-Reply-To: <1@warga.example>\r\n");
        server.deliver(&mail("siti@warga.example", "aduan@contoh.go.id", "3", &before, "Lagi"));
        let number = format!("Subject: Re: {}\r\n", case.number);
        let proven = format!("{PROVEN}{number}");
        server.deliver(&mail("siti@warga.example", "aduan@contoh.go.id", "4", &proven, "Sekali lagi"));
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
        assert_eq!((cases.len(), said(&cases[0]).len()), (3, 4));
        let hint = cases[1].messages.iter().find(|it| it.kind == MessageKind::Note).unwrap();
        assert!(hint.text.contains(&case.number.to_string()), "{}", hint.text);
    })
    .await;
}

#[tokio::test]
async fn c_14_the_date_that_a_sender_writes_into_a_mail_starts_no_clock() {
    with_mail(async |world, server, reader| {
        let claimed = (world.now() - TimeDelta::hours(40)).to_rfc2822();
        let headers = format!("Subject: Jalan rusak\r\nDate: {claimed}\r\n");
        server.deliver(&mail("siti@warga.example", "aduan@contoh.go.id", "1", &headers, "Depan pasar"));
        reader.tick(world.now()).await.unwrap();
        world.tick().await;
        let case = world.only().await;
        assert_eq!(case.received_at, case.arrived_at);
        assert!(!case.clocks.is_empty() && case.clocks.iter().all(|it| it.started_at == case.arrived_at));
    })
    .await;
}

#[tokio::test]
async fn c_22_a_mail_that_nothing_proves_changes_nothing_and_tells_nobody_who_reported() {
    with_mail(async |world, server, reader| {
        let to = "aduan@contoh.go.id";
        let write = async |from: &str, to: &str, id: &str, headers: &str, body: &str| {
            server.deliver(&mail(from, to, id, headers, body));
            reader.tick(world.now()).await.unwrap();
            world.tick().await;
        };
        write("siti@warga.example", to, "1", &format!("{PROVEN}Subject: Jalan rusak\r\n"), "Depan pasar")
            .await;
        let number = format!("Subject: {}\r\n", world.only().await.number);
        write("siti@warga.example", to, "2", &format!("{PROVEN}{number}"), "anonim").await;
        let case = world.only().await;
        assert_eq!(case.reporters[0].secrecy, Secrecy::Anonymous, "whose domain vouches for it, chooses");
        // Somebody guesses that it was Siti, and writes in her name.
        let seen = |case: &Case| {
            let mut case = case.clone();
            case.messages.retain(|it| it.kind != MessageKind::Unproven);
            case.touched = 0; // by the messages that are left out
            case
        };
        for (at, body) in ["biasa", "Sudah", "Saya Siti, apa kabarnya?"].into_iter().enumerate() {
            write("siti@warga.example", to, &format!("forged-{at}"), &number, body).await;
            let now = world.only().await;
            assert_eq!(seen(&now), seen(&case), "{body}");
            assert_eq!(now.messages.len(), case.messages.len() + at + 1, "who distributes cases reads it");
        }
        let asked =
            world.outgoing().await.into_iter().filter(|it| it.kind == place::PROVE).collect::<Vec<_>>();
        assert_eq!(asked.len(), 1, "Siti is asked to say it with number and PIN, once a day");
        assert_eq!(asked[0].recipient, case.number.to_string());
        // Who is no reporter leaves just as much behind.
        write("budi@warga.example", to, "other", &number, "Saya Budi").await;
        let cases = world.cases().await;
        assert_eq!((cases.len(), seen(&cases[0]) == seen(&case)), (2, true));
        assert_eq!(cases[0].messages.len(), case.messages.len() + 4);
        assert!(cases[0].messages[4].text.contains(&cases[1].number.to_string()));
        // An officer who only reads sees no trace of either; who distributes cases sees both.
        let rules = world.core.rules().await.unwrap();
        let record =
            store::complaint::find(&world.core.db.read, &world.core.cipher, case.id).await.unwrap().unwrap();
        for (permission, traces) in [("complaints.work", 0), ("complaints.coordinate", 5)] {
            let db = &world.core.db.read;
            let caller = officer(&world, permission);
            let seen = world.core.view(db, &caller, &record, &rules, world.now()).await.unwrap();
            let messages = seen.messages.iter().filter(|it| it.kind == "UNPROVEN").count();
            let deliveries = seen.deliveries.iter().filter(|it| it.kind == place::PROVE).count();
            assert_eq!(messages + deliveries, traces, "{permission}");
        }
        // What is asked for is not completed by it; and the address that only Siti was given does all of it.
        let officer = By { part: crate::domain::words::Part::Coordinator, ..By::system() };
        world.decide(&case, officer, Order::AskCompletion { question: "Di mana?".into() }).await;
        write("siti@warga.example", to, "forged-4", &number, "Di utara").await;
        assert_eq!(world.cases().await[0].state, State::AwaitingCompletion);
        let mailbox = world.core.config.channels.email["utama"].mailbox();
        let address = reply_address(&mailbox, &case.number.to_string());
        write("siti@warga.example", &address, "5", "", "rahasia").await;
        write("siti@warga.example", &address, "6", "", "Di selatan").await;
        let case = world.cases().await.remove(0);
        assert_eq!((case.reporters[0].secrecy, case.state), (Secrecy::Secret, State::New));
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
        let quotes = |id: &str| format!("{PROVEN}In-Reply-To: <{id}>\r\n");
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
async fn c_31_belum_by_mail_opens_a_settled_case_again() {
    with_mail(async |world, server, reader| {
        let write = async |to: &str, id: &str, headers: &str, body: &str| {
            server.deliver(&mail("siti@warga.example", to, id, headers, body));
            reader.tick(world.now()).await.unwrap();
            world.tick().await;
        };
        write("aduan@contoh.go.id", "1", "Subject: Lampu\r\n", "Mati").await;
        let case = answered(&world).await;
        let mailbox = world.core.config.channels.email["utama"].mailbox();
        let to = reply_address(&mailbox, &case.number.to_string());
        let quoted = "\r\n\r\nPada Sen, 23 Nov 2026 Aduan menulis:\r\n> Apakah sudah selesai?";
        write(&to, "2", "", &format!("Sudah{quoted}")).await;
        assert_eq!(world.only().await.state, State::Settled);
        write(&to, "3", "", &format!("Belum{quoted}")).await;
        assert_eq!(world.only().await.state, State::Reopened);
    })
    .await;
}

#[tokio::test]
async fn c_32_a_reply_to_a_mail_about_a_merged_case_reaches_the_one_that_survives() {
    with_mail(async |world, server, reader| {
        let to = "aduan@contoh.go.id";
        let write = async |id: &str, headers: &str, body: &str| {
            server.deliver(&mail("siti@warga.example", to, id, headers, body));
            reader.tick(world.now()).await.unwrap();
            world.tick().await;
        };
        let (survivor, merged) =
            joined(&world, async || write("1", "Subject: Jalan rusak\r\n", "Depan pasar").await).await;
        let ours = "ntf_01h455vb4pex5vsknk084sn02q";
        let taken = outbox::Entity::update_many()
            .col_expr(outbox::Column::NotificationId, Expr::value(ours))
            .filter(outbox::Column::ComplaintId.eq(merged.id.to_string()))
            .filter(outbox::Column::Kind.eq("received"))
            .filter(outbox::Column::RecipientKind.eq("REPORTER"))
            .exec(&world.core.db.write)
            .await
            .unwrap();
        assert_eq!(taken.rows_affected, 1);
        // By our mail, and by the own one before it; the domain vouches for both, no address was made for them.
        let before = format!("{PROVEN}In-Reply-To: <{ours}.0@contoh.go.id>\r\n");
        let own = format!("{PROVEN}In-Reply-To: <1@warga.example>\r\n");
        let now = async || {
            let mut cases = world.cases().await;
            assert_eq!(cases.len(), 2, "no case of its own: {cases:?}");
            cases.remove(0)
        };
        for (id, headers, body) in [("2", &before, "Di sebelah utara"), ("3", &own, "Makin dalam")] {
            write(id, headers, body).await;
            assert_eq!(said(&now().await).last().copied(), Some(body));
        }
        answered_of(&world, &survivor).await;
        write("4", &before, "Belum").await;
        assert_eq!(now().await.state, State::Reopened);
        answered_of(&world, &survivor).await;
        write("5", &own, "Sudah").await;
        assert!(now().await.reporter(merged.number).unwrap().content);
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
            reply_address(&world.core.config.channels.email["utama"].mailbox(), &case.number.to_string());
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

#[tokio::test]
async fn c_07_a_bounce_is_told_though_notifications_is_away_when_it_is_read() {
    with_mail(async |world, server, reader| {
        server.deliver(
            "From: MAILER-DAEMON@mx.example\r\nTo: aduan@contoh.go.id\r\nSubject: Undelivered\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
             --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
             Final-Recipient: rfc822; siti@warga.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n\
             --b\r\nContent-Type: message/rfc822\r\n\r\nFrom: aduan@contoh.go.id\r\n\
             Message-ID: <ntf_1.0@contoh.go.id>\r\n\r\nIsi\r\n--b--\r\n",
        );
        assert_eq!(reader.tick(world.now()).await.unwrap().len(), 1);
        let told = std::sync::Mutex::new(Vec::new());
        let hear = |bounce: ReportBounceRequest| {
            told.lock().unwrap().push((bounce.envelope, bounce.status_code));
            async { anyhow::Ok(()) }
        };
        super::mail::tell(&world.core, |_| async { anyhow::bail!("away") }).await.unwrap();
        for _ in 0..2 {
            super::mail::tell(&world.core, hear).await.unwrap();
        }
        assert_eq!(*told.lock().unwrap(), [("pantul+ntf_1.0@contoh.go.id".to_owned(), "5.1.1".to_owned())]);
    })
    .await;
}

const EXPORT: &[u8] = b"Tracking ID;Judul;Isi Laporan;Klasifikasi;Status;Tanggal Laporan;Pelapor;Rahasia\n\
    1234567;Lampu jalan;Lampu mati tiga malam;Pengaduan;Baru;23/11/2026 06:30;Siti;\n\
    1234568;Jalan rusak;Lubang besar;Pengaduan;Diproses;22/11/2026 09:00;Anonim;Ya\n";

async fn import(world: &World, content: &[u8]) -> Vec<Taken> {
    take(&world.core, &file::read(content).unwrap().items).await
}

/// Takes items in one transaction.
async fn take(core: &Core, items: &[Item]) -> Vec<Taken> {
    let tx = core.db.begin().await.unwrap();
    store::ledger::take_turns(&tx).await.unwrap();
    let rules = core.rules_in(&tx).await.unwrap();
    let (mut batch, mut taken) = (Batch::default(), Vec::new());
    for item in items {
        taken.push(batch.take(core, &tx, &rules, item, core.now()).await.unwrap());
    }
    batch.save(core, &tx, &rules, SYSTEM, core.now()).await.unwrap();
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
async fn c_11_an_item_that_is_refused_keeps_no_other_and_is_taken_when_it_can_be() {
    with_lapor(async |world, simulator, mut sync| {
        for id in ["1", "2", "3"] {
            simulator.write(id, "Lampu jalan mati");
        }
        // No inspectorate is set up.
        simulator.set_class("1", "Pengaduan berkadar pengawasan");
        sync.tick(world.now()).await.unwrap();
        assert_eq!(world.cases().await.len(), 2);
        // What is answered is told.
        let case = world.cases().await.remove(0);
        world.pass(TimeDelta::hours(1));
        answer(&world, &case).await;
        sync.tick(world.now()).await.unwrap();
        assert_eq!(simulator.follow_ups("2").len() + simulator.follow_ups("3").len(), 1);
        let tx = world.core.db.begin().await.unwrap();
        let inspectorate = Agency {
            id: "17.07/inspektorat".to_owned(),
            name: "Inspektorat".to_owned(),
            calendar: String::new(),
            inspectorate: true,
            active: true,
            bounce_limit: 2,
        };
        store::catalogue::save_agency(&tx, &inspectorate, world.now()).await.unwrap();
        tx.commit().await.unwrap();
        sync.tick(world.now()).await.unwrap();
        assert_eq!(world.cases().await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn c_11_questions_are_told_there_too_and_pause_nothing() {
    with_lapor(async |world, simulator, mut sync| {
        simulator.write("1", "Lampu jalan mati");
        sync.tick(world.now()).await.unwrap();
        let case = world.only().await;
        world.pass(TimeDelta::hours(1));
        let officer = By { part: crate::domain::words::Part::Coordinator, ..By::system() };
        world.decide(&case, officer, Order::AskCompletion { question: "Di jalan apa?".into() }).await;
        sync.tick(world.now()).await.unwrap();
        sync.tick(world.now()).await.unwrap();
        let told = simulator.follow_ups("1");
        assert_eq!(
            told.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(),
            ["Mohon dilengkapi: Di jalan apa?"]
        );
        assert!(ledger(&world).await[0].mismatch.is_empty());
        let case = world.only().await;
        assert_eq!((case.state, case.reporter_until), (State::AwaitingCompletion, None));
        assert!(case.open_clocks().all(|it| it.state == crate::domain::clock::ClockState::Running));
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
        assert_eq!(take(&world.core, &[moved]).await, [Taken::Updated]);
        assert_eq!(found().await, "not_confirmed");
        // It is told again, and read back.
        sync.tick(world.now()).await.unwrap();
        assert_eq!((simulator.follow_ups("1").len(), found().await.as_str()), (2, ""));
    })
    .await;
}

/// Changes the only row of the ledger as the coordinator does.
async fn by_hand(world: &World, change: impl FnOnce(&mut store::ledger::Entry)) {
    let tx = world.core.db.begin().await.unwrap();
    let id = ledger(world).await.remove(0).id.parse().unwrap();
    let mut row = store::ledger::hold(&tx, id).await.unwrap().unwrap();
    change(&mut row);
    store::ledger::save(&tx, &row).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn c_11_what_is_pasted_by_hand_is_not_told_twice_and_is_read_back() {
    with_lapor(async |world, simulator, mut sync| {
        simulator.write("1", "Lampu jalan mati");
        sync.tick(world.now()).await.unwrap();
        let case = world.only().await;
        world.pass(TimeDelta::hours(1));
        answer(&world, &case).await;
        let pasted_at = world.now();
        by_hand(&world, |row| sync::pasted(row, pasted_at)).await;
        // Not shown yet: it is not sent a second time, and waits; what is said after it is told all the same, once.
        world.pass(TimeDelta::hours(1));
        let officer = By { part: crate::domain::words::Part::Coordinator, ..By::system() };
        world.decide(&case, officer, Order::AskCompletion { question: "Di jalan apa?".into() }).await;
        for _ in 0..2 {
            sync.tick(world.now()).await.unwrap();
        }
        let said = || simulator.follow_ups("1").into_iter().map(|it| it.text).collect::<Vec<_>>();
        assert_eq!(said(), ["Mohon dilengkapi: Di jalan apa?"]);
        let row = ledger(&world).await.remove(0);
        assert_eq!(
            (row.mismatch.as_str(), row.pasted_until, row.last_pushed_at),
            ("not_confirmed", Some(pasted_at), None)
        );
        // Shown as LAPOR! breaks its lines: both are told.
        simulator.paste("1", "Petugas sudah\r\ndi lokasi");
        sync.tick(world.now()).await.unwrap();
        let row = ledger(&world).await.remove(0);
        assert_eq!(
            (row.mismatch.as_str(), row.pasted_until, row.last_pushed_at),
            ("", None, Some(world.now()))
        );
        assert_eq!(said().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c_11_a_file_that_comes_while_somebody_pastes_undoes_nothing() {
    on_both(async |world| {
        import(&world, EXPORT).await;
        let row = ledger(&world).await.remove(0);
        let tx = world.core.db.begin().await.unwrap();
        store::ledger::take_turns(&tx).await.unwrap();
        let mut held = store::ledger::hold(&tx, row.id.parse().unwrap()).await.unwrap().unwrap();
        sync::pasted(&mut held, world.now());
        store::ledger::save(&tx, &held).await.unwrap();
        let moved = String::from_utf8(EXPORT.to_vec()).unwrap().replace(";Baru;", ";Diproses;");
        let item = file::read(moved.as_bytes()).unwrap().items.remove(0);
        let core = Arc::clone(&world.core);
        let comes = tokio::spawn(async move { assert_eq!(take(&core, &[item]).await, [Taken::Updated]) });
        until_one_waits(&world.core).await;
        tx.commit().await.unwrap();
        comes.await.unwrap();
        let row = ledger(&world).await.remove(0);
        assert_eq!((row.stage.as_str(), row.mismatch.as_str()), ("Diproses", "not_confirmed"));
        assert_eq!(row.pasted_until, Some(world.now()));
    })
    .await;
}

#[tokio::test]
async fn c_33_what_loses_a_race_is_done_once_more() {
    let world = World::new(Engine::Postgres, |_| {}).await;
    let caller = Caller::anonymous(Language::Id);
    let lost = async |code: &'static str, times: u32| {
        let tried = std::sync::atomic::AtomicU32::new(0);
        let (request, id) = (AnswerComplaintRequest::default(), format!("{code}-{times}"));
        let done = world
            .core
            .once(&caller, "mpp.complaints.v1.Test/Test", (&request, id.as_str()), |tx, _| {
                let first = tried.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < times;
                async move {
                    if first {
                        let raised = format!("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$");
                        tx.execute_unprepared(&raised).await?;
                    }
                    Ok::<_, Error>(AnswerComplaintRequest::default())
                }
            })
            .await;
        (done.is_ok(), tried.into_inner())
    };
    assert_eq!(lost("40P01", 1).await, (true, 2), "a deadlock");
    assert_eq!(lost("40001", 1).await, (true, 2), "two that cannot both stand");
    assert_eq!(lost("40P01", 2).await, (false, 2), "not for ever");
    assert_eq!(lost("22012", 1).await, (false, 1), "what is wrong in itself");
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
        take(&world.core, &[lost]).await;
        simulator.set_status("1", "Selesai");
        world.pass(TimeDelta::hours(25));
        sync.tick(world.now()).await.unwrap();
        let reasons =
            ledger(&world).await.into_iter().map(|it| (it.tracking_id, it.mismatch)).collect::<Vec<_>>();
        let expected = [("1", "closed_there"), ("2", ""), ("9", "missing_there")];
        assert_eq!(reasons, expected.map(|(id, reason)| (id.to_owned(), reason.to_owned())));
        // The journal keeps what the ledger says of the present alone: for evidence.
        let journal = mpp_kit::journal::read(&world.core.db.read, None, 0, 100).await.unwrap();
        let told = |what: &str| {
            let of = journal.iter().filter(|it| it.entry.what == what);
            of.map(|it| it.entry.detail.clone()).collect::<Vec<_>>()
        };
        let compared: Value = serde_json::from_str(told("sp4n.compared").last().unwrap()).unwrap();
        assert_eq!(compared, json!({"ours": 3, "theirs": 2, "mismatches": 2}));
        assert!(told("sp4n.seen").iter().any(|it| it.contains("closed_there")), "{:?}", told("sp4n.seen"));
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

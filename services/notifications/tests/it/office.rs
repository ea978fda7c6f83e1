//! A notifications service with its workers, a mail server, a stand-in for WhatsApp, a clock that the test moves, and people
//! with signed tokens.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::auth::Policies;
use mpp_kit::client::{PeerChannel, Peers};
use mpp_kit::clock::{Clock, ManualClock};
use mpp_kit::component::Env;
use mpp_kit::server::{StackOptions, stack};
use mpp_kit::shutdown::Shutdown;
use mpp_kit::testing::audit::Audit;
use mpp_kit::testing::mail::MailServer;
use mpp_kit::testing::{Engine, Issuer, TestDb, fresh_db, scope, temp_dir};
use mpp_notifications::direct_simulator::{self, Network as Where};
use mpp_notifications::simulator::{Account, Call, Simulator};
use mpp_notifications::{
    Config, DirectConfig, EmailConfig, Place, ROLE, Security, WebhooksConfig, component,
};
use mpp_proto::notifications::v1::notifications_service_client::NotificationsServiceClient;
use mpp_proto::notifications::v1::*;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tonic::metadata::MetadataValue;
use tonic::{Request, Status};

/// Far longer than anything takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Thursday 26 November 2026, 10:00 in Jakarta.
pub(crate) const MORNING: &str = "2026-11-26T03:00:00Z";
/// What links begin with.
pub(crate) const BASE_URL: &str = "https://mpp.example";
/// Who sends.
pub(crate) const SENDER: &str = "acc_pengaduan";
/// A head of an agency.
pub(crate) const HEAD: &str = "acc_kepala";
/// The number of the head.
pub(crate) const NUMBER: &str = "6281234500001";
/// The mail address of the head.
pub(crate) const EMAIL: &str = "kepala@dinas.contohkab.example";
/// The number of a citizen.
pub(crate) const CITIZEN: &str = "6281234500002";

const ALL: &[&str] =
    &["notifications.send", "notifications.read", "notifications.configure", "notifications.integrate"];

/// The service and what is around it.
pub(crate) struct Office {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) client: NotificationsServiceClient<PeerChannel>,
    pub(crate) whatsapp: Simulator,
    /// A Page, where Meta lets people answer for seven days.
    pub(crate) facebook: direct_simulator::Simulator,
    /// An Instagram account, where it does not.
    pub(crate) instagram: direct_simulator::Simulator,
    pub(crate) mail: MailServer,
    pub(crate) test_db: TestDb,
    /// What calls leave in the journal, from when it begins.
    pub(crate) audit: Arc<Audit>,
    issuer: Arc<Issuer>,
    config: Config,
    shutdown: Shutdown,
    workers: JoinSet<anyhow::Result<()>>,
    folder: TempDir,
}

impl Office {
    /// With the default settings of tests.
    pub(crate) async fn open(engine: Engine) -> Self {
        Self::with(engine, Account::default(), |_| {}).await
    }

    /// With settings of its own.
    pub(crate) async fn with(engine: Engine, account: Account, change: impl FnOnce(&mut Config)) -> Self {
        Self::behind(engine, account, MailServer::start(), change).await
    }

    /// With a mail server of its own.
    pub(crate) async fn behind(
        engine: Engine,
        account: Account,
        (mail, port): (MailServer, u16),
        change: impl FnOnce(&mut Config),
    ) -> Self {
        logged();
        let test_db = fresh_db(engine).await;
        mpp_migrations::run("notifications", &test_db.db.write).await.unwrap();
        let clock = Arc::new(ManualClock::at(MORNING.parse::<DateTime<Utc>>().unwrap()));
        let whatsapp = Simulator::start(account, clock.clone()).await.unwrap();
        let page =
            direct_simulator::Account { human_agent: true, ..direct_simulator::Account::of(Where::Facebook) };
        let facebook = direct_simulator::Simulator::start(page, clock.clone()).await.unwrap();
        let account = direct_simulator::Account::of(Where::Instagram);
        let instagram = direct_simulator::Simulator::start(account, clock.clone()).await.unwrap();
        let direct = |of: &direct_simulator::Simulator| DirectConfig { pair_seconds: 0, ..of.settings() };
        let mut config = Config {
            allow_list: "*".into(),
            tick_millis: 100,
            whatsapp: [("utama".to_owned(), whatsapp.settings())].into(),
            facebook: [("utama".to_owned(), direct(&facebook))].into(),
            instagram: [("utama".to_owned(), direct(&instagram))].into(),
            email: EmailConfig {
                host: "127.0.0.1".to_owned(),
                port,
                security: Security::None,
                from: "Sinergi MPP <tidak-dibalas@contohkab.example>".to_owned(),
                domain: "contohkab.example".to_owned(),
                ..EmailConfig::default()
            },
            callbacks: WebhooksConfig {
                allow_http_hosts: "127.0.0.1".to_owned(),
                allow_loopback: true,
                ..WebhooksConfig::default()
            },
            ..Config::default()
        };
        change(&mut config);
        let (issuer, folder) = (Arc::new(Issuer::new()), temp_dir());
        let Served { client, workers, shutdown, audit } =
            serve(&test_db, &clock, &issuer, &config, &folder).await;
        let office = Self {
            clock,
            client,
            whatsapp,
            facebook,
            instagram,
            mail,
            test_db,
            audit,
            issuer,
            config,
            shutdown,
            workers,
            folder,
        };
        office.templates_are_approved().await;
        office.head().await;
        office
    }

    /// The process ends as by a crash: whatever was under way is cut off. Another one begins on the same database.
    pub(crate) async fn crash(mut self) -> Self {
        self.workers.shutdown().await;
        let served = serve(&self.test_db, &self.clock, &self.issuer, &self.config, &self.folder).await;
        (self.client, self.workers, self.shutdown) = (served.client, served.workers, served.shutdown);
        self.audit = served.audit;
        self
    }

    /// Another instance on the same database, until it is dropped.
    pub(crate) async fn second_instance(&self) -> Instance {
        let served = serve(&self.test_db, &self.clock, &self.issuer, &self.config, &self.folder).await;
        Instance { shutdown: served.shutdown, _workers: served.workers }
    }

    /// Moves the clock on.
    pub(crate) fn after(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// A request of somebody with these permissions in these areas; everywhere without areas.
    pub(crate) fn by<T>(&self, id: &str, permissions: &[&str], areas: &[&str], message: T) -> Request<T> {
        let bounds: &[(&str, &[&str])] = if areas.is_empty() { &[] } else { &[("area", areas)] };
        let token = self.issuer.token(self.clock.as_ref(), id, &[(permissions, scope(bounds))]);
        let mut request = Request::new(message);
        let value: MetadataValue<_> = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        request
    }

    /// A request of the sender, who may everything here.
    pub(crate) fn system<T>(&self, message: T) -> Request<T> {
        self.by(SENDER, ALL, &[], message)
    }

    async fn templates_are_approved(&self) {
        if self.config.whatsapp.is_empty() {
            return;
        }
        self.until("the templates are approved", async || {
            let mut waiting = 0;
            for message_type in ["eskalasi", "ringkasan", "tanda_terima", "jawaban_akhir", "eskalasi_darurat"]
            {
                let request = self.system(ListVariantsRequest {
                    message_type: message_type.to_owned(),
                    channel: Channel::Whatsapp.into(),
                    ..Default::default()
                });
                let found = self.client.clone().list_variants(request).await.unwrap().into_inner().variants;
                // Drafts wait for somebody, not for Meta.
                let judged = [VariantState::Approved, VariantState::Draft];
                waiting += found.iter().filter(|it| !judged.contains(&it.state())).count();
            }
            (waiting == 0).then_some(())
        })
        .await;
    }

    async fn head(&self) {
        let contact = contact(HEAD, NUMBER, EMAIL, "KEPALA_OPD");
        self.apply(contact).await.unwrap();
    }

    /// Sets a contact.
    pub(crate) async fn apply(&self, contact: Contact) -> Result<Contact, Status> {
        let request = ApplyContactRequest { contact: Some(contact), ..Default::default() };
        let answer = self.client.clone().apply_contact(self.system(request)).await?;
        Ok(answer.into_inner().contact.unwrap())
    }

    /// Sends, and answers the notification as it was accepted.
    pub(crate) async fn send(&self, request: CreateNotificationRequest) -> Notification {
        self.try_send(request).await.unwrap()
    }

    /// As [`Office::send`], with its refusal.
    pub(crate) async fn try_send(&self, request: CreateNotificationRequest) -> Result<Notification, Status> {
        let answer = self.client.clone().create_notification(self.system(request)).await?;
        Ok(answer.into_inner().notification.unwrap())
    }

    /// A notification as it is now.
    pub(crate) async fn get(&self, id: &str) -> Notification {
        let request = self.system(GetNotificationRequest { notification: id.to_owned() });
        let answer = self.client.clone().get_notification(request).await.unwrap();
        answer.into_inner().notification.unwrap()
    }

    /// Waits until a notification is as it should be.
    pub(crate) async fn when(
        &self,
        id: &str,
        what: &str,
        is: impl Fn(&Notification) -> bool,
    ) -> Notification {
        self.until(what, async || Some(self.get(id).await).filter(|found| is(found))).await
    }

    /// Waits until a step has this status.
    pub(crate) async fn when_step(&self, id: &str, step: usize, status: DeliveryStatus) -> Notification {
        let what = format!("step {step} is {}", status.as_str_name());
        self.when(id, &what, |found| found.steps[step].status() == status).await
    }

    /// Waits until something is there.
    pub(crate) async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(Instant::now() < end, "it never came to this: {what}");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Lets the workers look a few times.
    pub(crate) async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(450)).await;
    }

    /// The webhook is called.
    pub(crate) async fn webhook(&self, call: Call) -> Result<ReceiveWhatsAppWebhookResponse, Status> {
        let request = ReceiveWhatsAppWebhookRequest {
            channel_account: "utama".to_owned(),
            signature: call.signature,
            body: call.body,
        };
        let answer = self.client.clone().receive_whats_app_webhook(Request::new(request)).await?;
        Ok(answer.into_inner())
    }

    /// The webhook of a network is called.
    pub(crate) async fn direct_webhook(
        &self,
        network: &str,
        call: Call,
    ) -> Result<ReceiveDirectWebhookResponse, Status> {
        let request = ReceiveDirectWebhookRequest {
            network: network.to_owned(),
            channel_account: "utama".to_owned(),
            signature: call.signature,
            body: call.body,
        };
        let answer = self.client.clone().receive_direct_webhook(Request::new(request)).await?;
        Ok(answer.into_inner())
    }

    /// The list of an account.
    pub(crate) async fn inbox(&self, account: &str) -> ListInboxResponse {
        let request = self.by(account, &[], &[], ListInboxRequest::default());
        self.client.clone().list_inbox(request).await.unwrap().into_inner()
    }

    /// Messages to this number that the stand-in took.
    pub(crate) fn taken(&self, number: &str) -> Vec<mpp_notifications::simulator::Taken> {
        self.whatsapp.taken().into_iter().filter(|taken| taken.to == number).collect()
    }

    /// Sets the rules of delivery.
    pub(crate) async fn rules(&self, rules: DeliveryRules) {
        let request = ApplyDeliveryRulesRequest { rules: Some(rules), ..Default::default() };
        self.client.clone().apply_delivery_rules(self.system(request)).await.unwrap();
    }

    /// The first WhatsApp account, with its circuit.
    pub(crate) async fn whatsapp_account(&self) -> ChannelAccount {
        let request = self.system(ListChannelAccountsRequest::default());
        let found = self.client.clone().list_channel_accounts(request).await.unwrap().into_inner();
        found.channel_accounts.into_iter().find(|it| it.channel() == Channel::Whatsapp).unwrap()
    }
}

/// Another instance.
pub(crate) struct Instance {
    shutdown: Shutdown,
    _workers: JoinSet<anyhow::Result<()>>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

/// The service as it runs.
struct Served {
    client: NotificationsServiceClient<PeerChannel>,
    workers: JoinSet<anyhow::Result<()>>,
    shutdown: Shutdown,
    audit: Arc<Audit>,
}

async fn serve(
    test_db: &TestDb,
    clock: &Arc<ManualClock>,
    issuer: &Arc<Issuer>,
    config: &Config,
    folder: &TempDir,
) -> Served {
    let as_clock: Arc<dyn Clock> = clock.clone();
    let verifier = issuer.verifier(as_clock.clone());
    let (peers, shutdown) = (Peers::new(), Shutdown::new());
    let env =
        Env { clock: as_clock, peers: peers.clone(), verifier: verifier.clone(), shutdown: shutdown.clone() };
    let place = Place { key_file: folder.path().join("notifications.key"), base_url: BASE_URL.to_owned() };
    let component = component(&env, test_db.db.clone(), config.clone(), place).await.unwrap();
    let policies = Arc::new(Policies::from_descriptors(mpp_proto::DESCRIPTORS).unwrap());
    let audit = Audit::of("mpp.notifications.v1.NotificationsService", &policies, &test_db.db);
    let service = stack(ROLE, component.routes, policies, verifier, StackOptions::default());
    peers.local(ROLE, audit.around(service));
    let mut workers = JoinSet::new();
    for worker in component.workers {
        workers.spawn(worker.task);
    }
    Served { client: NotificationsServiceClient::new(peers.channel(ROLE)), workers, shutdown, audit }
}

/// A contact that agreed to both channels.
pub(crate) fn contact(account: &str, whatsapp: &str, email: &str, role: &str) -> Contact {
    let consent = |channel: Channel| Consent {
        channel: channel.into(),
        opted_in: true,
        source: "SK 800/12/2026".to_owned(),
        ..Consent::default()
    };
    Contact {
        account_id: account.to_owned(),
        whatsapp: whatsapp.to_owned(),
        email: email.to_owned(),
        role: role.to_owned(),
        language: "id".to_owned(),
        consents: vec![consent(Channel::Whatsapp), consent(Channel::Email)],
        ..Contact::default()
    }
}

fn values(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn action(key: &str) -> Action {
    Action { key: key.to_owned(), permission: "complaints.work".to_owned(), area: "17.07/pupr".to_owned() }
}

/// An escalation to an official.
pub(crate) fn escalation(account: &str) -> CreateNotificationRequest {
    CreateNotificationRequest {
        request_id: String::new(),
        reference: "adu_1".to_owned(),
        message_type: "eskalasi".to_owned(),
        recipient: Some(Recipient {
            kind: Some(recipient::Kind::AccountId(account.to_owned())),
            language: String::new(),
        }),
        placeholders: values(&[
            ("nomor", "ADU-2026-000123-7"),
            ("kategori", "Jalan berlubang"),
            ("instansi", "Dinas PUPR"),
            ("jenis_tenggat", "jawaban pertama"),
            ("keterlambatan", "terlambat 3 jam"),
        ]),
        actions: vec![action("tangani"), action("buka")],
        ..Default::default()
    }
}

/// The same as an emergency.
pub(crate) fn emergency(account: &str) -> CreateNotificationRequest {
    CreateNotificationRequest {
        message_type: "eskalasi_darurat".to_owned(),
        placeholders: values(&[
            ("nomor", "ADU-2026-000123-7"),
            ("kategori", "Kebakaran"),
            ("instansi", "Damkar"),
            ("keterangan", "api meluas"),
        ]),
        ..escalation(account)
    }
}

/// A digest to an official: e-mail first.
pub(crate) fn digest(account: &str) -> CreateNotificationRequest {
    CreateNotificationRequest {
        message_type: "ringkasan".to_owned(),
        placeholders: values(&[
            ("jabatan", "Kepala Dinas"),
            ("terlambat", "3"),
            ("hari_ini", "5"),
            ("menunggu", "2"),
            ("tautan", "https://mpp.example/kotak"),
        ]),
        actions: Vec::new(),
        ..escalation(account)
    }
}

/// A receipt to a citizen.
pub(crate) fn receipt(whatsapp: &str, email: &str) -> CreateNotificationRequest {
    CreateNotificationRequest {
        reference: "adu_2".to_owned(),
        message_type: "tanda_terima".to_owned(),
        recipient: Some(Recipient {
            kind: Some(recipient::Kind::Addresses(Addresses {
                whatsapp: whatsapp.to_owned(),
                email: email.to_owned(),
                direct: None,
            })),
            language: String::new(),
        }),
        placeholders: values(&[
            ("nomor", "ADU-2026-000124-5"),
            ("pin", "482913"),
            ("tenggat_jawaban", "1 Desember 2026"),
            ("tenggat_selesai", "14 Desember 2026"),
            ("tautan", "https://mpp.example/lacak"),
        ]),
        ..Default::default()
    }
}

/// A final answer to a citizen, with its two buttons.
pub(crate) fn final_answer(whatsapp: &str) -> CreateNotificationRequest {
    CreateNotificationRequest {
        message_type: "jawaban_akhir".to_owned(),
        placeholders: values(&[
            ("nomor", "ADU-2026-000124-5"),
            ("jawaban", "Jalan sudah ditambal"),
            ("batas", "10 Desember 2026"),
            ("tautan", "https://mpp.example/lacak"),
        ]),
        ..receipt(whatsapp, "")
    }
}

/// What was logged by every test of this process.
#[derive(Clone, Default)]
pub(crate) struct Logged(Arc<Mutex<Vec<u8>>>);

impl Logged {
    /// As text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything that our crates log, down to the finest, and that of others as an installation would have it at its most talkative.
pub(crate) fn logged() -> &'static Logged {
    static LOGGED: OnceLock<Logged> = OnceLock::new();
    LOGGED.get_or_init(|| {
        let logged = Logged::default();
        let writer = logged.clone();
        let filter =
            "debug,mpp_notifications=trace,mpp_kit=trace,h2=info,hyper=info,hyper_util=info,rustls=info,mailin=off";
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            // Digits of a time could be taken for those of a secret.
            .without_time()
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_writer(move || writer.clone())
            .init();
        logged
    })
}

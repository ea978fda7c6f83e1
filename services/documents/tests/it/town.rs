//! Three villages, a sub-district and an agency in this process: the documents component behind the tower stack, a
//! database, a folder for files, a clock that stands still, and people with signed tokens.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use mpp_documents::domain::field::Attribute;
use mpp_documents::{Config, Place, ROLE, SigningConfig};
use mpp_kit::auth::{Policies, Verifier};
use mpp_kit::caller::Scope;
use mpp_kit::client::{PeerChannel, Peers};
use mpp_kit::clock::{Clock, ManualClock};
use mpp_kit::component::{Env, Role};
use mpp_kit::journal::{self, Entry};
use mpp_kit::server::{StackOptions, stack};
use mpp_kit::shutdown::Shutdown;
pub(crate) use mpp_kit::testing::Refusal;
use mpp_kit::testing::audit::Audit;
use mpp_kit::testing::{self, Engine, Issuer, TestDb, scope};
use mpp_proto::documents::v1::documents_service_client::DocumentsServiceClient;
use mpp_proto::documents::v1::*;
use prost_types::value::Kind;
use sea_orm::ConnectionTrait as _;
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tonic::{Request, Response};

use super::holders::Holders;
use super::messages::Messages;

/// Access tokens by persona, with when each was made.
type Tokens = HashMap<String, (DateTime<Utc>, String)>;

/// Monday 23 November 2026, 08:00 in the west of Indonesia.
pub(crate) const MONDAY: &str = "2026-11-23T01:00:00Z";
/// A village with RT and RW.
pub(crate) const VILLAGE: &str = "17.07.02.2001";
/// Where the residents of tests live in it.
pub(crate) const RT: &str = "17.07.02.2001/002/005";
/// A village where applications go to the village straight.
pub(crate) const PLAIN: &str = "17.07.02.2002";
/// Such a village two hours ahead.
pub(crate) const EASTERN: &str = "17.07.02.2003";
pub(crate) const SUB_DISTRICT: &str = "17.07.02";
pub(crate) const AGENCY: &str = "17.07/dinkes";
pub(crate) const BASE_URL: &str = "https://layanan.contohkab.example";

fn policies() -> Policies {
    Policies::from_descriptors(mpp_proto::DESCRIPTORS).expect("the policies are read")
}

/// The account that holds a role in an area.
pub(crate) fn account(role: &str, area: &str) -> String {
    format!("acc_{}_{area}", role.to_lowercase())
}

/// The permission to act in a role. Kept apart from the service's table on purpose.
fn act(role: &str) -> &'static str {
    match role {
        "RT_HEAD" => "documents.act.rt",
        "RW_HEAD" => "documents.act.rw",
        "VILLAGE_OFFICER" => "documents.act.village",
        "VILLAGE_SECRETARY" => "documents.act.village.secretary",
        "VILLAGE_HEAD" => "documents.act.village.head",
        "SUB_DISTRICT_OFFICER" => "documents.act.subdistrict",
        "SUB_DISTRICT_HEAD" => "documents.act.subdistrict.head",
        "AGENCY_OFFICER" => "documents.act.agency",
        "AGENCY_HEAD" => "documents.act.agency.head",
        other => panic!("no role {other}"),
    }
}

/// The number of who signs for an office, by the last digit.
pub(crate) fn official_nik(last: u32) -> String {
    format!("170702010170{last:04}")
}

fn signatory(role: &str, area: &str, name: &str, title: &str, nik: u32) -> Signatory {
    Signatory {
        account_id: account(role, area),
        role: role.to_owned(),
        name: name.to_owned(),
        title: title.to_owned(),
        nik: official_nik(nik),
        ..Signatory::default()
    }
}

/// An office as it is applied at the start.
pub(crate) fn office(area: &str) -> Office {
    let (name, code, signatories): (&str, &str, Vec<Signatory>) = match area {
        VILLAGE | PLAIN | EASTERN => (
            match area {
                VILLAGE => "Desa Ujung Tanjung",
                PLAIN => "Desa Air Dingin",
                _ => "Desa Matahari",
            },
            "UT",
            vec![
                signatory("VILLAGE_HEAD", area, "Budi Santoso, S.IP.", "Kepala Desa", 1),
                signatory("VILLAGE_SECRETARY", area, "Dewi Lestari", "Sekretaris Desa", 2),
            ],
        ),
        SUB_DISTRICT => (
            "Kecamatan Rimbo Pengadang",
            "RP",
            vec![signatory(
                "SUB_DISTRICT_HEAD",
                area,
                "Drs. Ahmad Dahlan, M.Si.",
                "Camat Rimbo Pengadang",
                3,
            )],
        ),
        AGENCY => (
            "Dinas Kesehatan",
            "DINKES",
            vec![signatory("AGENCY_HEAD", area, "dr. Ratna Sari", "Kepala Dinas Kesehatan", 4)],
        ),
        other => panic!("no office {other}"),
    };
    Office {
        area: area.to_owned(),
        name: name.to_owned(),
        letterhead: vec!["Pemerintah Kabupaten Lebong".to_owned(), name.to_owned()],
        code: code.to_owned(),
        time_zone: if area == EASTERN { "Asia/Jayapura" } else { "Asia/Jakarta" }.to_owned(),
        address: "Jalan Lintas Curup–Muara Aman Nomor 1".to_owned(),
        signatories,
        place: "Rimbo Pengadang".to_owned(),
        without_neighbourhoods: matches!(area, PLAIN | EASTERN),
        ..Office::default()
    }
}

/// Somebody who applies. The numbers belong to nobody.
#[derive(Debug, Clone)]
pub(crate) struct Resident {
    pub(crate) name: String,
    pub(crate) nik: String,
    pub(crate) family_card: String,
    pub(crate) area: String,
}

impl Resident {
    pub(crate) fn new(number: u32, area: &str) -> Self {
        Self {
            name: "Rohana Zulaikha".to_owned(),
            nik: format!("170702660292{number:04}"),
            family_card: "1707021203189997".to_owned(),
            area: area.to_owned(),
        }
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject {
            name: self.name.clone(),
            nik: self.nik.clone(),
            family_card: self.family_card.clone(),
            area: self.area.clone(),
            address: "Jalan Kenanga Nomor 5".to_owned(),
            phone: "081234567890".to_owned(),
            ..Subject::default()
        }
    }
}

/// The sample values of a shipped type that are typed in beside the subject.
pub(crate) fn values_of(letter_type: &str) -> Map<String, Value> {
    let catalogue = mpp_documents::catalogue::Catalogue::load().expect("the shipped types");
    let letter = catalogue.find(letter_type).expect("a shipped type");
    let mut values = letter.sample();
    for field in &letter.fields {
        if matches!(
            field.prefill,
            Some(Attribute::Name | Attribute::Nik | Attribute::Kk | Attribute::Address | Attribute::Phone)
        ) {
            values.remove(&field.key);
        }
    }
    values
}

/// Values as the contract writes them.
pub(crate) fn structure(values: &Map<String, Value>) -> prost_types::Struct {
    prost_types::Struct { fields: values.iter().map(|(key, value)| (key.clone(), any(value))).collect() }
}

fn any(value: &Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(*value),
        Value::Number(value) => Kind::NumberValue(value.as_f64().expect("a number")),
        Value::String(value) => Kind::StringValue(value.clone()),
        Value::Array(values) => {
            Kind::ListValue(prost_types::ListValue { values: values.iter().map(any).collect() })
        }
        Value::Object(values) => Kind::StructValue(structure(values)),
    };
    prost_types::Value { kind: Some(kind) }
}

/// Changes a value of a request.
pub(crate) fn put(request: &mut SubmitApplicationRequest, key: &str, value: Value) {
    request.values.get_or_insert_default().fields.insert(key.to_owned(), any(&value));
}

/// A small PDF that no other test uploads.
pub(crate) fn scan() -> Vec<u8> {
    format!("%PDF-1.7\n% pindaian {:032x}\n", rand::random::<u128>()).into_bytes()
}

pub(crate) fn moment(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

pub(crate) fn timestamp(at: DateTime<Utc>) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: at.timestamp(), nanos: 0 })
}

/// The installation.
pub(crate) struct Town {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) db: TestDb,
    pub(crate) config: Config,
    pub(crate) folder: TempDir,
    /// What calls leave in the journal, from when it begins.
    pub(crate) audit: Arc<Audit>,
    /// What people were told.
    pub(crate) messages: Messages,
    /// Who holds a role that no office lists.
    pub(crate) holders: Holders,
    offices: BTreeMap<String, Office>,
    issuer: Arc<Issuer>,
    verifier: Arc<Verifier>,
    peers: Peers,
    tokens: Arc<Mutex<Tokens>>,
}

impl Town {
    /// Sealed by the installation itself.
    pub(crate) async fn new(engine: Engine) -> Self {
        Self::with(engine, SigningConfig::default()).await
    }

    pub(crate) async fn with(engine: Engine, signing: SigningConfig) -> Self {
        Self::configured(engine, Config { signing, ..Config::default() }).await
    }

    /// With a virus scanner at this address.
    pub(crate) async fn scanned(engine: Engine, scanner: &str) -> Self {
        Self::configured(engine, Config { scanner: scanner.to_owned(), ..Config::default() }).await
    }

    pub(crate) async fn configured(engine: Engine, config: Config) -> Self {
        let db = testing::fresh_db(engine).await;
        mpp_migrations::run("documents", &db.db.write).await.expect("the tables are made");
        let clock = Arc::new(ManualClock::at(moment(MONDAY)));
        let issuer = Arc::new(Issuer::new());
        let verifier = issuer.verifier(Arc::clone(&clock) as Arc<dyn Clock>);
        let mut town = Self {
            clock,
            audit: Audit::of("mpp.documents.v1.DocumentsService", &policies(), &db.db),
            db,
            config,
            folder: testing::temp_dir(),
            messages: Messages::default(),
            holders: Holders::default(),
            offices: BTreeMap::new(),
            issuer,
            verifier,
            peers: Peers::new(),
            tokens: Arc::default(),
        };
        town.start().await;
        for area in [VILLAGE, PLAIN, EASTERN, SUB_DISTRICT, AGENCY] {
            town.apply(office(area)).await;
        }
        town
    }

    fn env(&self, shutdown: Shutdown) -> Env {
        Env {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            peers: self.peers.clone(),
            verifier: Arc::clone(&self.verifier),
            shutdown,
        }
    }

    fn place(&self) -> Place {
        Place {
            files: self.files(),
            key_file: self.folder.path().join("documents.key"),
            base_url: BASE_URL.to_owned(),
            token: {
                let (issuer, clock) = (Arc::clone(&self.issuer), Arc::clone(&self.clock));
                Arc::new(move || {
                    let token =
                        issuer.token(&*clock, "acc_sender", &[(&["notifications.send"], Scope::default())]);
                    Box::pin(async move { Ok(token) })
                })
            },
        }
    }

    /// Where its files are.
    pub(crate) fn files(&self) -> std::path::PathBuf {
        self.folder.path().join("files")
    }

    /// How many files lie there.
    pub(crate) fn stored(&self) -> usize {
        let folders = std::fs::read_dir(self.files()).expect("a folder");
        let inside =
            folders.map(|it| std::fs::read_dir(it.expect("an entry").path()).map_or(1, Iterator::count));
        inside.sum()
    }

    async fn start(&self) {
        let env = self.env(Shutdown::new());
        let component = mpp_documents::component(&env, self.db.db.clone(), self.config.clone(), self.place())
            .await
            .expect("the component starts");
        let policies = Arc::new(policies());
        let verifier = Arc::clone(&self.verifier);
        let service = stack(
            ROLE,
            component.routes,
            Arc::clone(&policies),
            Arc::clone(&verifier),
            StackOptions::default(),
        );
        self.peers.local(ROLE, self.audit.around(service));
        for (role, routes) in
            [(Role("notifications"), self.messages.routes()), (Role("identity"), self.holders.routes())]
        {
            let (policies, verifier) = (Arc::clone(&policies), Arc::clone(&verifier));
            self.peers.local(role, stack(role, routes, policies, verifier, StackOptions::default()));
        }
    }

    /// Its workers, until the shutdown is triggered.
    pub(crate) async fn workers(&self, shutdown: &Shutdown) -> JoinSet<anyhow::Result<()>> {
        let env = self.env(shutdown.clone());
        let component = mpp_documents::component(&env, self.db.db.clone(), self.config.clone(), self.place())
            .await
            .expect("the component starts");
        component.workers.into_iter().map(|worker| worker.task).collect()
    }

    /// The same installation after the process ended and started again, perhaps with another signing service.
    pub(crate) async fn restart(&mut self, signing: SigningConfig) {
        self.config.signing = signing;
        self.start().await;
    }

    /// Changes what is stored, as another release or somebody with the rights of the database would.
    pub(crate) async fn execute(&self, sql: &str) {
        self.db.db.write.execute_unprepared(sql).await.expect("it is changed");
    }

    /// One pass of what recurs: clocks, grants by law, lost signatures, ends of validity, loose files.
    pub(crate) async fn sweep(&self) {
        self.pass("documents: clocks and clean-up").await;
    }

    /// One pass of what brings messages to notifications.
    pub(crate) async fn tell(&self) {
        self.pass("documents: messages out").await;
    }

    /// One look of what sends webhooks, with the attempts that it begins.
    pub(crate) async fn call_webhooks(&self) {
        self.pass("webhooks").await;
    }

    /// One look of what tells OSS.
    pub(crate) async fn tell_oss(&self) {
        self.pass("documents: outbox to OSS").await;
    }

    async fn pass(&self, worker: &str) {
        let shutdown = Shutdown::new();
        let env = self.env(shutdown.clone());
        let component = mpp_documents::component(&env, self.db.db.clone(), self.config.clone(), self.place())
            .await
            .expect("the component starts");
        let worker = component.workers.into_iter().find(|it| it.name == worker);
        let mut task = worker.expect("the worker").task;
        // It has begun its pass, or ended it, when it is told to end: so it makes exactly one.
        if futures::poll!(&mut task).is_pending() {
            shutdown.trigger();
            task.await.expect("the worker ends");
        }
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    pub(crate) fn set(&self, text: &str) {
        self.clock.set(moment(text));
    }

    // Who is who.

    /// Somebody with these permissions in these areas; everywhere without any.
    pub(crate) fn person(&self, sub: &str, permissions: &[&'static str], areas: &[&str]) -> Client {
        self.person_in(
            sub,
            permissions,
            if areas.is_empty() { Scope::default() } else { scope(&[("area", areas)]) },
        )
    }

    pub(crate) fn person_in(&self, sub: &str, permissions: &[&'static str], scope: Scope) -> Client {
        Client {
            inner: DocumentsServiceClient::new(self.peers.channel(ROLE)),
            sub: sub.to_owned(),
            grants: vec![(permissions.to_vec(), scope)],
            clock: Arc::clone(&self.clock),
            issuer: Arc::clone(&self.issuer),
            tokens: Arc::clone(&self.tokens),
        }
    }

    /// Who holds a role in an area.
    pub(crate) fn official(&self, role: &str, area: &str) -> Client {
        self.official_as(&account(role, area), role, area)
    }

    pub(crate) fn official_as(&self, sub: &str, role: &str, area: &str) -> Client {
        let mut permissions = vec!["documents.work", act(role)];
        if role.ends_with("_HEAD") && !matches!(role, "RT_HEAD" | "RW_HEAD") {
            permissions.extend(["documents.read", "documents.revoke", "documents.integrate"]);
        }
        self.person(sub, &permissions, &[area])
    }

    pub(crate) fn head(&self, village: &str) -> Client {
        self.official("VILLAGE_HEAD", village)
    }

    pub(crate) fn officer(&self, village: &str) -> Client {
        self.official("VILLAGE_OFFICER", village)
    }

    pub(crate) fn admin(&self) -> Client {
        self.person("acc_admin", &["documents.office", "documents.audit", "documents.catalogue"], &[])
    }

    pub(crate) fn editor(&self, name: &str) -> Client {
        self.person(&format!("acc_{name}"), &["documents.catalogue"], &[])
    }

    /// Somebody who may look at everything and do nothing.
    pub(crate) fn reader(&self) -> Client {
        self.person("acc_reader", &["documents.work", "documents.read", "documents.integrate"], &[])
    }

    /// Somebody who did not sign in.
    pub(crate) fn nobody(&self) -> Client {
        Client { grants: Vec::new(), ..self.person("", &[], &[]) }
    }

    // What is what.

    pub(crate) fn office(&self, area: &str) -> &Office {
        &self.offices[area]
    }

    /// Applies an office.
    pub(crate) async fn apply(&mut self, office: Office) {
        let request = ApplyOfficeRequest { request_id: String::new(), office: Some(office) };
        let office =
            self.admin().apply_office(request).await.expect("the office is sound").office.expect("an office");
        self.offices.insert(office.area.clone(), office);
    }

    /// Enters at the office of [`PLAIN`] an official, `acc_plt`, who may be appointed to fill in for its head.
    pub(crate) async fn take_on(&mut self) {
        let mut village = self.office(PLAIN).clone();
        village.signatories.push(Signatory {
            account_id: "acc_plt".to_owned(),
            role: "VILLAGE_OFFICER".to_owned(),
            name: "Gunawan Wibisono".to_owned(),
            title: "Kepala Seksi Pelayanan".to_owned(),
            ..Signatory::default()
        });
        self.apply(village).await;
    }

    /// A decree by which somebody fills in for the holder of a role in an area, from one day to another (UTC).
    pub(crate) fn delegation(
        &self,
        (role, area): (&str, &str),
        account: &str,
        (from, to): (&str, &str),
    ) -> Delegation {
        let day = |day: &str| timestamp(moment(&format!("{day}T00:00:00Z")));
        Delegation {
            office_id: self.office(area).id.clone(),
            role: role.to_owned(),
            account_id: account.to_owned(),
            title: "Plt.".to_owned(),
            decree: "821/77/2026".to_owned(),
            start_time: day(from),
            end_time: day(to),
            ..Delegation::default()
        }
    }

    /// Enters such a decree.
    pub(crate) async fn appoint(&self, delegation: Delegation) {
        let request = ApplyDelegationRequest { request_id: String::new(), delegation: Some(delegation) };
        self.admin().apply_delegation(request).await.expect("appointed");
    }

    // Short ways to do what most tests do.

    pub(crate) async fn upload(&self, content: Vec<u8>) -> Result<Attachment, Refusal> {
        let request = UploadFileRequest { request_id: String::new(), content };
        self.nobody().upload_file(request).await.map(|answer| answer.file.expect("a file"))
    }

    /// A request for a shipped type with its sample values, and one upload for every paper that is asked for.
    pub(crate) async fn wish(&self, letter_type: &str, resident: &Resident) -> SubmitApplicationRequest {
        let request = GetLetterTypeRequest { letter_type: letter_type.to_owned(), version: 0 };
        let letter =
            self.nobody().get_letter_type(request).await.expect("a type").letter_type.expect("a type");
        let file = self.upload(scan()).await.expect("an upload");
        let papers = letter.requirements.iter().filter(|it| it.required);
        let from_agency = letter.steps.iter().all(|step| step.level == "AGENCY");
        SubmitApplicationRequest {
            letter_type: letter_type.to_owned(),
            office_id: if from_agency { self.office(AGENCY).id.clone() } else { String::new() },
            subject: Some(resident.subject()),
            values: Some(structure(&values_of(letter_type))),
            attachments: papers
                .map(|it| Attachment {
                    file_id: file.file_id.clone(),
                    requirement: it.key.clone(),
                    ..Attachment::default()
                })
                .collect(),
            ..SubmitApplicationRequest::default()
        }
    }

    pub(crate) async fn submit(&self, request: SubmitApplicationRequest) -> ApplicationStatus {
        self.nobody().submit_application(request).await.expect("it is taken").status.expect("a status")
    }

    /// An application for a shipped type, by its status.
    pub(crate) async fn applied(&self, letter_type: &str, resident: &Resident) -> ApplicationStatus {
        self.submit(self.wish(letter_type, resident).await).await
    }

    pub(crate) async fn status(&self, code: &str) -> ApplicationStatus {
        let request = GetApplicationByCodeRequest { code: code.to_owned() };
        self.nobody()
            .get_application_by_code(request)
            .await
            .expect("the code is known")
            .status
            .expect("a status")
    }

    /// The application as somebody sees it who may see everything.
    pub(crate) async fn seen(&self, id: &str) -> Application {
        self.reader().application(id).await.expect("it is there")
    }

    /// Who holds the role of the step at hand; a second person where the first took one in the same role.
    pub(crate) fn holder(&self, application: &Application) -> Client {
        let active = active(application);
        let nth =
            application.steps.iter().filter(|it| it.index < active.index && it.role == active.role).count();
        let mut sub = account(&active.role, &active.area);
        if nth > 0 {
            sub = format!("{sub}_{}", nth + 1);
        }
        self.official_as(&sub, &active.role, &active.area)
    }

    /// The step at hand is approved by who holds its role.
    pub(crate) async fn approved(&self, id: &str) -> Application {
        let application = self.seen(id).await;
        self.holder(&application).approve(&application).await.expect("approved")
    }

    /// Every step up to the next signature is approved.
    pub(crate) async fn walk(&self, id: &str) -> Application {
        let mut application = self.seen(id).await;
        while application.state() == ApplicationState::InReview {
            application = self.holder(&application).approve(&application).await.expect("approved");
        }
        application
    }

    /// Everything up to the last signature.
    pub(crate) async fn finish(&self, id: &str) -> Application {
        loop {
            let application = self.walk(id).await;
            if application.state() == ApplicationState::Issued {
                return application;
            }
            let result = self.holder(&application).sign(id).await;
            assert!(result.signed, "{}: {}", result.reason, result.message);
        }
    }

    /// An issued letter of a shipped type: its status and its document.
    pub(crate) async fn issued(
        &self,
        letter_type: &str,
        resident: &Resident,
    ) -> (ApplicationStatus, Document) {
        let status = self.applied(letter_type, resident).await;
        let application = self.finish(&status.application_id).await;
        (self.status(&status.code).await, self.document(&application.document_id).await)
    }

    pub(crate) async fn document(&self, id: &str) -> Document {
        let request = GetDocumentRequest { document: id.to_owned() };
        self.reader().get_document(request).await.expect("it is there").document.expect("a document")
    }

    /// The bytes of a document; revision 0 is the latest.
    pub(crate) async fn bytes(&self, id: &str, revision: i32) -> Vec<u8> {
        let request = DownloadDocumentRequest { document: id.to_owned(), revision };
        self.reader().download_document(request).await.expect("a file").content
    }

    pub(crate) async fn verified(&self, code: &str) -> PublicDocument {
        let request = GetVerificationRequest { verification_code: code.to_owned() };
        self.nobody()
            .get_verification(request)
            .await
            .expect("the code is known")
            .document
            .expect("a document")
    }

    pub(crate) async fn judged(&self, content: Vec<u8>) -> VerifyFileResponse {
        self.nobody().verify_file(VerifyFileRequest { content }).await.expect("a verdict")
    }

    /// The register of an office in a year, all pages of it.
    pub(crate) async fn register(&self, area: &str, year: i32) -> Vec<RegisterNumber> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request =
                ListNumbersRequest { office: self.office(area).id.clone(), year, page_size: 30, page_token };
            let page = self.reader().list_numbers(request).await.expect("the register");
            all.extend(page.numbers);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    }

    /// The types of events, in order.
    pub(crate) async fn events(&self) -> Vec<DocumentEvent> {
        let request = ListDocumentEventsRequest { page_size: 200, ..ListDocumentEventsRequest::default() };
        self.reader().list_document_events(request).await.expect("events").events
    }

    pub(crate) async fn events_of(&self, subject: &str) -> Vec<String> {
        self.events()
            .await
            .into_iter()
            .filter(|event| event.subject == subject)
            .map(|event| event.r#type)
            .collect()
    }

    /// Every entry of the journal, after its chain was checked.
    pub(crate) async fn journal(&self) -> Vec<Entry> {
        journal::verify(&self.db.db.read).await.expect("the chain is whole");
        let recorded = journal::read(&self.db.db.read, None, 0, 10_000).await.expect("the journal");
        recorded.into_iter().map(|recorded| recorded.entry).collect()
    }

    /// What was done to one thing, in order.
    pub(crate) async fn journal_of(&self, subject: &str) -> Vec<String> {
        let entries = self.journal().await.into_iter();
        entries.filter(|entry| entry.subject == subject).map(|entry| entry.what).collect()
    }
}

/// The step at hand.
pub(crate) fn active(application: &Application) -> &Step {
    let active = application.steps.iter().find(|step| step.state() == StepState::Active);
    active.unwrap_or_else(|| panic!("no step is at hand: {:?}", application.state()))
}

/// What happened, in order.
pub(crate) fn history(application: &Application) -> Vec<&str> {
    application.history.iter().map(|entry| entry.what.as_str()).collect()
}

/// Somebody who calls the service.
#[derive(Clone)]
pub(crate) struct Client {
    inner: DocumentsServiceClient<PeerChannel>,
    pub(crate) sub: String,
    grants: Vec<(Vec<&'static str>, Scope)>,
    clock: Arc<ManualClock>,
    issuer: Arc<Issuer>,
    tokens: Arc<Mutex<Tokens>>,
}

impl Client {
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if !self.sub.is_empty() {
            let bearer = format!("Bearer {}", self.token());
            request.metadata_mut().insert("authorization", bearer.parse().expect("a header"));
        }
        request
    }

    /// The client below, for what is sent with headers of its own.
    pub(crate) fn raw(&self) -> DocumentsServiceClient<PeerChannel> {
        self.inner.clone()
    }

    /// A token that holds for some minutes more.
    fn token(&self) -> String {
        let key = format!("{} {:?}", self.sub, self.grants);
        let now = self.clock.now();
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        match tokens.get(&key) {
            Some((made, token)) if (TimeDelta::zero()..TimeDelta::minutes(5)).contains(&(now - *made)) => {
                token.clone()
            }
            Some(_) | None => {
                let grants: Vec<(&[&str], Scope)> = self
                    .grants
                    .iter()
                    .map(|(permissions, scope)| (permissions.as_slice(), scope.clone()))
                    .collect();
                let token = self.issuer.token(&*self.clock, &self.sub, &grants);
                tokens.insert(key, (now, token.clone()));
                token
            }
        }
    }

    pub(crate) async fn application(&self, id: &str) -> Result<Application, Refusal> {
        let request = GetApplicationRequest { application: id.to_owned() };
        self.get_application(request).await.map(|answer| answer.application.expect("an application"))
    }

    /// Approves what was seen.
    pub(crate) async fn approve(&self, seen: &Application) -> Result<Application, Refusal> {
        let request = ApproveApplicationRequest {
            application: seen.id.clone(),
            version: seen.version,
            content_hash: seen.content_hash.clone(),
            ..ApproveApplicationRequest::default()
        };
        self.approve_application(request).await.map(|answer| answer.application.expect("an application"))
    }

    pub(crate) async fn send_back(&self, id: &str, reason: &str) -> Result<Application, Refusal> {
        let request = ReturnApplicationRequest {
            application: id.to_owned(),
            reason: reason.to_owned(),
            ..ReturnApplicationRequest::default()
        };
        self.return_application(request).await.map(|answer| answer.application.expect("an application"))
    }

    pub(crate) async fn reject(&self, id: &str, reason: &str) -> Result<Application, Refusal> {
        let request = RejectApplicationRequest {
            application: id.to_owned(),
            reason: reason.to_owned(),
            ..RejectApplicationRequest::default()
        };
        self.reject_application(request).await.map(|answer| answer.application.expect("an application"))
    }

    /// Signs several with one passphrase.
    pub(crate) async fn sign_all(&self, ids: &[&str]) -> Vec<SigningResult> {
        let request = self.to_sign(ids).await;
        self.sign_applications(request).await.expect("an answer for each").results
    }

    /// Signs several with one one-time code.
    pub(crate) async fn sign_by_code(&self, ids: &[&str], totp: &str) -> Vec<SigningResult> {
        let request = SignApplicationsRequest {
            passphrase: String::new(),
            totp: totp.to_owned(),
            ..self.to_sign(ids).await
        };
        self.sign_applications(request).await.expect("an answer for each").results
    }

    /// Has a one-time code sent.
    pub(crate) async fn wants_code(&self, ids: &[&str]) -> Result<i32, Refusal> {
        let request = RequestSigningCodeRequest {
            applications: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..RequestSigningCodeRequest::default()
        };
        self.request_signing_code(request).await.map(|answer| answer.letters)
    }

    /// A request to sign what is seen now.
    pub(crate) async fn to_sign(&self, ids: &[&str]) -> SignApplicationsRequest {
        let mut request = SignApplicationsRequest { passphrase: PASSPHRASE.to_owned(), ..Default::default() };
        let list = ListWorkRequest { page_size: 200, ..ListWorkRequest::default() };
        let work = self.list_work(list).await.map(|list| list.items).unwrap_or_default();
        for id in ids {
            let hash = match work.iter().find(|item| item.application_id == *id) {
                Some(item) => item.content_hash.clone(),
                None => self.application(id).await.map(|it| it.content_hash).unwrap_or_default(),
            };
            request.applications.push((*id).to_owned());
            request.content_hashes.push(hash);
        }
        request
    }

    /// As [`Client::sign_applications`], by somebody who waits so long for the answer.
    pub(crate) async fn sign_within(
        &self,
        request: SignApplicationsRequest,
        patience: std::time::Duration,
    ) -> Vec<SigningResult> {
        let mut request = self.request(request);
        request.set_timeout(patience);
        let answer = self.inner.clone().sign_applications(request).await;
        answer.expect("an answer in time").into_inner().results
    }

    /// What became of a request to sign, once all of it is answered.
    pub(crate) async fn signing(&self, signing: &str) -> Vec<SigningResult> {
        for _ in 0..600 {
            let request = GetSigningRequest { signing: signing.to_owned() };
            let answer = self.get_signing(request).await.expect("it is known");
            if answer.ended {
                return answer.results;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{signing} does not end");
    }

    pub(crate) async fn sign(&self, id: &str) -> SigningResult {
        self.sign_all(&[id]).await.remove(0)
    }

    /// The first page of what waits.
    pub(crate) async fn work(&self) -> Vec<WorkItem> {
        self.list_work(ListWorkRequest::default()).await.expect("a list").items
    }

    /// What waits, by id.
    pub(crate) async fn inbox(&self) -> Vec<String> {
        self.work().await.into_iter().map(|item| item.application_id).collect()
    }
}

/// What every signer types.
pub(crate) const PASSPHRASE: &str = "frasa-sandi-yang-tidak-pernah-disimpan";

macro_rules! calls {
    ($($name:ident($request:ident) -> $response:ident;)*) => {
        impl Client {
            $(pub(crate) async fn $name(&self, message: $request) -> Result<$response, Refusal> {
                self.inner.clone().$name(self.request(message)).await.map(Response::into_inner).map_err(Refusal::from)
            })*
        }
    };
}

calls! {
    list_letter_types(ListLetterTypesRequest) -> ListLetterTypesResponse;
    get_letter_type(GetLetterTypeRequest) -> GetLetterTypeResponse;
    list_letter_type_versions(ListLetterTypeVersionsRequest) -> ListLetterTypeVersionsResponse;
    list_letter_type_drafts(ListLetterTypeDraftsRequest) -> ListLetterTypeDraftsResponse;
    save_letter_type(SaveLetterTypeRequest) -> SaveLetterTypeResponse;
    preview_letter_type(PreviewLetterTypeRequest) -> PreviewLetterTypeResponse;
    publish_letter_type(PublishLetterTypeRequest) -> PublishLetterTypeResponse;
    retire_letter_type(RetireLetterTypeRequest) -> RetireLetterTypeResponse;
    list_offices(ListOfficesRequest) -> ListOfficesResponse;
    apply_office(ApplyOfficeRequest) -> ApplyOfficeResponse;
    apply_coat_of_arms(ApplyCoatOfArmsRequest) -> ApplyCoatOfArmsResponse;
    get_coat_of_arms(GetCoatOfArmsRequest) -> GetCoatOfArmsResponse;
    apply_delegation(ApplyDelegationRequest) -> ApplyDelegationResponse;
    list_delegations(ListDelegationsRequest) -> ListDelegationsResponse;
    upload_file(UploadFileRequest) -> UploadFileResponse;
    submit_application(SubmitApplicationRequest) -> SubmitApplicationResponse;
    get_application_by_code(GetApplicationByCodeRequest) -> GetApplicationByCodeResponse;
    resubmit_application(ResubmitApplicationRequest) -> ResubmitApplicationResponse;
    withdraw_application(WithdrawApplicationRequest) -> WithdrawApplicationResponse;
    prefill_application(PrefillApplicationRequest) -> PrefillApplicationResponse;
    create_download_link(CreateDownloadLinkRequest) -> CreateDownloadLinkResponse;
    open_file_link(OpenFileLinkRequest) -> OpenFileLinkResponse;
    list_work(ListWorkRequest) -> ListWorkResponse;
    get_application(GetApplicationRequest) -> GetApplicationResponse;
    get_draft(GetDraftRequest) -> GetDraftResponse;
    get_attachment(GetAttachmentRequest) -> GetAttachmentResponse;
    claim_application(ClaimApplicationRequest) -> ClaimApplicationResponse;
    release_application(ReleaseApplicationRequest) -> ReleaseApplicationResponse;
    approve_application(ApproveApplicationRequest) -> ApproveApplicationResponse;
    return_application(ReturnApplicationRequest) -> ReturnApplicationResponse;
    reject_application(RejectApplicationRequest) -> RejectApplicationResponse;
    pause_clock(PauseClockRequest) -> PauseClockResponse;
    resume_clock(ResumeClockRequest) -> ResumeClockResponse;
    reset_clock(ResetClockRequest) -> ResetClockResponse;
    record_payment(RecordPaymentRequest) -> RecordPaymentResponse;
    waive_payment(WaivePaymentRequest) -> WaivePaymentResponse;
    hand_over_application(HandOverApplicationRequest) -> HandOverApplicationResponse;
    sign_applications(SignApplicationsRequest) -> SignApplicationsResponse;
    sign_by_hand(SignByHandRequest) -> SignByHandResponse;
    upload_scan(UploadScanRequest) -> UploadScanResponse;
    confirm_scan(ConfirmScanRequest) -> ConfirmScanResponse;
    discard_sheet(DiscardSheetRequest) -> DiscardSheetResponse;
    request_signing_code(RequestSigningCodeRequest) -> RequestSigningCodeResponse;
    get_signing(GetSigningRequest) -> GetSigningResponse;
    get_letter_report(GetLetterReportRequest) -> GetLetterReportResponse;
    list_documents(ListDocumentsRequest) -> ListDocumentsResponse;
    get_document(GetDocumentRequest) -> GetDocumentResponse;
    download_document(DownloadDocumentRequest) -> DownloadDocumentResponse;
    revoke_document(RevokeDocumentRequest) -> RevokeDocumentResponse;
    correct_document(CorrectDocumentRequest) -> CorrectDocumentResponse;
    renew_document(RenewDocumentRequest) -> RenewDocumentResponse;
    list_numbers(ListNumbersRequest) -> ListNumbersResponse;
    get_verification(GetVerificationRequest) -> GetVerificationResponse;
    verify_file(VerifyFileRequest) -> VerifyFileResponse;
    list_document_journal(ListDocumentJournalRequest) -> ListDocumentJournalResponse;
    list_document_events(ListDocumentEventsRequest) -> ListDocumentEventsResponse;
    list_licences(ListLicencesRequest) -> ListLicencesResponse;
    get_licence(GetLicenceRequest) -> GetLicenceResponse;
    create_licence_application(CreateLicenceApplicationRequest) -> CreateLicenceApplicationResponse;
    resend_licence_message(ResendLicenceMessageRequest) -> ResendLicenceMessageResponse;
    receive_oss_call(ReceiveOssCallRequest) -> ReceiveOssCallResponse;
    update_licence_status(UpdateLicenceStatusRequest) -> UpdateLicenceStatusResponse;
    create_webhook(CreateWebhookRequest) -> CreateWebhookResponse;
    update_webhook(UpdateWebhookRequest) -> UpdateWebhookResponse;
    delete_webhook(DeleteWebhookRequest) -> DeleteWebhookResponse;
    rotate_webhook_secret(RotateWebhookSecretRequest) -> RotateWebhookSecretResponse;
    list_webhook_deliveries(ListWebhookDeliveriesRequest) -> ListWebhookDeliveriesResponse;
    replay_webhook_deliveries(ReplayWebhookDeliveriesRequest) -> ReplayWebhookDeliveriesResponse;
    replay_webhook_delivery(ReplayWebhookDeliveryRequest) -> ReplayWebhookDeliveryResponse;
}

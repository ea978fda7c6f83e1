//! A regency in this process: the complaints component behind the tower stack, a database, a folder for files, a clock that
//! stands still until it is moved, its own workers, and people with signed tokens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_complaints::intake::config::Partner;
use mpp_complaints::{Config, Place as Home, ROLE};
use mpp_kit::auth::{Policies, Verifier};
use mpp_kit::caller::{NETWORK, Scope};
use mpp_kit::client::{PeerChannel, Peers};
use mpp_kit::clock::{Clock, ManualClock};
use mpp_kit::component::{Env, Role};
use mpp_kit::journal;
use mpp_kit::server::{StackOptions, stack};
use mpp_kit::shutdown::Shutdown;
pub(crate) use mpp_kit::testing::Refusal;
use mpp_kit::testing::audit::Audit;
use mpp_kit::testing::{self, Engine, Issuer, TestDb, scope};
use mpp_proto::complaints::v1::complaints_service_client::ComplaintsServiceClient;
use mpp_proto::complaints::v1::*;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, Statement};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::{Request, Response, Streaming};

use crate::messages::Messages;

/// Monday 23 November 2026, 08:00 in the west of Indonesia.
pub(crate) const MONDAY: &str = "2026-11-23T01:00:00Z";
pub(crate) const REGENCY: &str = "17.07";
pub(crate) const PUPR: &str = "17.07/pupr";
pub(crate) const DINKES: &str = "17.07/dinkes";
pub(crate) const INSPEKTORAT: &str = "17.07/inspektorat";
/// Who reports, in tests that look whether the name shows anywhere.
pub(crate) const NAME: &str = "Rohana Zulaikha";
pub(crate) const PHONE: &str = "081234567890";
pub(crate) const EMAIL: &str = "rohana@contoh.id";

pub(crate) fn moment(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

pub(crate) fn stamp(at: DateTime<Utc>) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: at.timestamp(), nanos: 0 })
}

pub(crate) fn at(stamp: Option<&prost_types::Timestamp>) -> DateTime<Utc> {
    let stamp = stamp.expect("a moment");
    DateTime::from_timestamp(stamp.seconds, 0).expect("a moment of the calendar")
}

/// A process of the service.
struct Process {
    shutdown: Shutdown,
    workers: Vec<JoinHandle<anyhow::Result<()>>>,
}

/// The installation.
pub(crate) struct Regency {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) db: TestDb,
    pub(crate) messages: Messages,
    pub(crate) config: Config,
    pub(crate) folder: TempDir,
    /// What calls leave in the journal, from when it begins.
    pub(crate) audit: Arc<Audit>,
    issuer: Arc<Issuer>,
    verifier: Arc<Verifier>,
    peers: Peers,
    process: Option<Process>,
}

impl Regency {
    pub(crate) async fn new(engine: Engine) -> Self {
        Self::with(engine, |_| {}).await
    }

    pub(crate) async fn with(engine: Engine, configure: impl FnOnce(&mut Config)) -> Self {
        let db = testing::fresh_db(engine).await;
        mpp_migrations::run("complaints", &db.db.write).await.expect("the tables are made");
        let clock = Arc::new(ManualClock::at(moment(MONDAY)));
        let issuer = Arc::new(Issuer::new());
        let verifier = issuer.verifier(Arc::clone(&clock) as Arc<dyn Clock>);
        let mut config = Config { sweep_milliseconds: 100, ..Config::default() };
        // It is eight o'clock: digests would come into every test.
        config.digest_heads_at.clear();
        config.digest_regent_at.clear();
        config.channels.tick_seconds = 1;
        for (name, area) in [("pupr", PUPR), ("dinkes", DINKES)] {
            let partner = Partner { api_key: format!("kunci-sistem-{name}").into(), area: area.to_owned() };
            config.channels.partners.insert(name.to_owned(), partner);
        }
        configure(&mut config);
        let mut regency = Self {
            clock,
            audit: Audit::of("mpp.complaints.v1.ComplaintsService", &Self::policies(), &db.db),
            db,
            messages: Messages::new(),
            config,
            folder: testing::temp_dir(),
            issuer,
            verifier,
            peers: Peers::new(),
            process: None,
        };
        regency.start().await;
        regency.furnish().await;
        regency
    }

    fn policies() -> Arc<Policies> {
        Arc::new(Policies::from_descriptors(mpp_proto::DESCRIPTORS).expect("the policies are read"))
    }

    pub(crate) async fn start(&mut self) {
        let shutdown = Shutdown::new();
        let env = Env {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            peers: self.peers.clone(),
            verifier: Arc::clone(&self.verifier),
            shutdown: shutdown.clone(),
        };
        let sending = stack(
            Role("notifications"),
            self.messages.routes(),
            Self::policies(),
            Arc::clone(&self.verifier),
            StackOptions::default(),
        );
        self.peers.local(Role("notifications"), sending);
        let (issuer, clock) = (Arc::clone(&self.issuer), Arc::clone(&self.clock));
        let place = Home {
            files: self.folder.path().join("files"),
            key_file: self.folder.path().join("complaints.key"),
            vault_key_file: self.folder.path().join("vault.key"),
            base_url: "https://layanan.contohkab.example".to_owned(),
            token: Arc::new(move || {
                let permissions: &[&str] = &["notifications.send", "notifications.read"];
                let token = issuer.token(&*clock, "acc_sender", &[(permissions, Scope::default())]);
                Box::pin(async move { Ok(token) })
            }),
        };
        let component = mpp_complaints::component(&env, self.db.db.clone(), self.config.clone(), place)
            .await
            .expect("the component starts");
        let options = StackOptions::default();
        let service = stack(ROLE, component.routes, Self::policies(), Arc::clone(&self.verifier), options);
        self.peers.local(ROLE, self.audit.around(service));
        let workers = component.workers.into_iter().map(|worker| tokio::spawn(worker.task)).collect();
        self.process = Some(Process { shutdown, workers });
    }

    /// The process ends; nothing works on what falls due.
    pub(crate) async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.shutdown.trigger();
            for worker in process.workers {
                worker.await.expect("it ends").expect("without a failure");
            }
        }
    }

    /// Agencies, categories and the ladder.
    async fn furnish(&self) {
        let admin = self.admin();
        for (id, name, inspectorate) in [
            (PUPR, "Dinas Pekerjaan Umum", false),
            (DINKES, "Dinas Kesehatan", false),
            (INSPEKTORAT, "Inspektorat", true),
        ] {
            let agency = Agency {
                id: id.to_owned(),
                name: name.to_owned(),
                calendar_id: REGENCY.to_owned(),
                inspectorate,
                active: true,
                bounce_limit: 2,
            };
            let request = ApplyAgencyRequest { request_id: String::new(), agency: Some(agency) };
            admin.apply_agency(request).await.expect("an agency");
        }
        for (key, name, agency, kind) in [
            ("UMUM", "Lain-lain", "", "GENERAL"),
            ("JALAN", "Jalan rusak", PUPR, "GENERAL"),
            ("AIR", "Air bersih", PUPR, "WATER"),
        ] {
            let category = Category {
                key: key.to_owned(),
                name: name.to_owned(),
                agency_id: agency.to_owned(),
                deadline_kind: kind.to_owned(),
                duplicate_metres: 100,
                active: true,
                ..Category::default()
            };
            let request = ApplyCategoryRequest { request_id: String::new(), category: Some(category) };
            admin.apply_category(request).await.expect("a category");
        }
        for (rung, agency, account) in [
            ("ADMIN", "coordinator", "acc_coordinator"),
            ("ADMIN", PUPR, "acc_pupr"),
            ("AGENCY_HEAD", PUPR, "acc_pupr_head"),
            ("ADMIN", DINKES, "acc_dinkes"),
            ("SECRETARY", "", "acc_sekda"),
            ("REGENT", "", "acc_bupati"),
            ("INSPECTORATE", "", "acc_inspector"),
        ] {
            let official = Official {
                rung: rung.to_owned(),
                agency_id: agency.to_owned(),
                title: format!("Jabatan {rung}"),
                account_id: account.to_owned(),
                ..Official::default()
            };
            let request = ApplyOfficialRequest { request_id: String::new(), official: Some(official) };
            admin.apply_official(request).await.expect("an office");
        }
    }

    pub(crate) fn wait(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    pub(crate) fn clock_now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn set(&self, text: &str) {
        self.clock.set(moment(text));
    }

    /// Waits, at most half a minute of real time, until something holds: the workers are at it.
    pub(crate) async fn until<F, R>(&self, what: &str, holds: F)
    where
        F: Fn() -> R,
        R: Future<Output = bool>,
    {
        for _ in 0..600 {
            if holds().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("within half a minute: {what}");
    }

    /// Waits until somebody waits in the database for what another transaction holds. On SQLite whoever writes waits for the only
    /// connection that does, which nobody sees.
    pub(crate) async fn until_somebody_waits(&self) {
        let db = &self.db.db.read;
        if db.get_database_backend() == DbBackend::Sqlite {
            return tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let waiting = "SELECT 1 FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        self.until("somebody waits", || async {
            let waiting = Statement::from_string(DbBackend::Postgres, waiting);
            db.query_one_raw(waiting).await.expect("the activity").is_some()
        })
        .await;
    }

    /// Enters something into the journal at the end of a transaction, as whoever changes something does: it does not wait for
    /// those who wait for that transaction.
    pub(crate) async fn enter(&self, tx: &DatabaseTransaction, subject: &str) {
        let (what, at) = (("acc_test", "complaint.test", subject), self.clock.now());
        let detail = serde_json::Value::Null;
        let entered = journal::record(tx, what, (None, None), detail, "", at);
        let entered = tokio::time::timeout(Duration::from_millis(700), entered).await;
        entered.expect("nobody who waits has the turn at the journal").expect("an entry");
    }

    // Who is who.

    pub(crate) fn person(&self, sub: &str, permissions: &[&'static str], areas: &[&str]) -> Client {
        let scope = if areas.is_empty() { Scope::default() } else { scope(&[("area", areas)]) };
        Client {
            inner: ComplaintsServiceClient::new(self.peers.channel(ROLE)),
            sub: sub.to_owned(),
            grants: vec![(permissions.to_vec(), scope)],
            network: String::new(),
            clock: Arc::clone(&self.clock),
            issuer: Arc::clone(&self.issuer),
        }
    }

    pub(crate) fn nobody(&self) -> Client {
        Client { grants: Vec::new(), ..self.person("", &[], &[]) }
    }

    pub(crate) fn admin(&self) -> Client {
        self.person("acc_admin", &["complaints.configure", "complaints.board"], &[])
    }

    pub(crate) fn coordinator(&self) -> Client {
        let permissions = [
            "complaints.audit",
            "complaints.board",
            "complaints.configure",
            "complaints.coordinate",
            "complaints.file",
            "complaints.read",
            "complaints.reveal",
        ];
        self.person("acc_coordinator", &permissions, &[REGENCY])
    }

    /// The admin of an agency.
    pub(crate) fn agency(&self, area: &str) -> Client {
        let name = area.rsplit('/').next().unwrap_or_default();
        let permissions = ["complaints.board", "complaints.read", "complaints.work"];
        self.person(&format!("acc_{name}"), &permissions, &[area])
    }

    pub(crate) fn head(&self, area: &str) -> Client {
        let name = area.rsplit('/').next().unwrap_or_default();
        let permissions = ["complaints.board", "complaints.read", "complaints.work"];
        self.person(&format!("acc_{name}_head"), &permissions, &[area])
    }

    pub(crate) fn sekda(&self) -> Client {
        self.person("acc_sekda", &["complaints.board", "complaints.read", "complaints.reveal"], &[REGENCY])
    }

    pub(crate) fn bupati(&self) -> Client {
        self.person("acc_bupati", &["complaints.board", "complaints.read", "complaints.audit"], &[REGENCY])
    }

    pub(crate) fn inspector(&self, name: &str) -> Client {
        let permissions = [
            "complaints.board",
            "complaints.coordinate",
            "complaints.inspect",
            "complaints.read",
            "complaints.reveal",
            "complaints.work",
        ];
        self.person(name, &permissions, &[INSPEKTORAT])
    }

    // Short ways to do what most tests do.

    pub(crate) fn report() -> FileComplaintRequest {
        FileComplaintRequest {
            complaint_class: ComplaintClass::Complaint.into(),
            text: "Jalan di depan pasar berlubang besar dan berbahaya.".to_owned(),
            category: "JALAN".to_owned(),
            place: Some(Place {
                village_code: "17.07.02.2001".to_owned(),
                latitude: Some(-3.123_456),
                longitude: Some(102.234_567),
                address: "Depan pasar".to_owned(),
            }),
            contact: Some(Contact {
                name: NAME.to_owned(),
                phone: PHONE.to_owned(),
                email: EMAIL.to_owned(),
            }),
            ..FileComplaintRequest::default()
        }
    }

    pub(crate) async fn file(&self, request: FileComplaintRequest) -> Filed {
        let answer = self.nobody().file_complaint(request).await.expect("it is taken");
        let found = self.number(&answer.number).await;
        Filed { id: found, number: answer.number, pin: answer.pin }
    }

    async fn number(&self, number: &str) -> String {
        let request = ListComplaintsRequest { number: number.to_owned(), ..ListComplaintsRequest::default() };
        for client in [self.coordinator(), self.inspector("acc_inspector")] {
            let found = client.list_complaints(request.clone()).await.expect("a list").complaints;
            if let Some(line) = found.into_iter().next() {
                return line.id;
            }
        }
        panic!("{number} is on no list");
    }

    /// Lets an account act in an office for five days from now.
    pub(crate) async fn appoint(&self, rung: &str, agency: &str, account: &str) {
        let list = ListOfficialsRequest::default();
        let officials = self.admin().list_officials(list).await.expect("the offices").officials;
        let office =
            officials.iter().find(|it| it.rung == rung && it.agency_id == agency).expect("the office");
        let acting = Acting {
            official_id: office.id.clone(),
            account_id: account.to_owned(),
            title: "PLH".to_owned(),
            decree: "800/12/2026".to_owned(),
            from: stamp(self.clock_now()),
            to: stamp(self.clock_now() + TimeDelta::days(5)),
            ..Acting::default()
        };
        let request = ApplyActingRequest { request_id: String::new(), acting: Some(acting) };
        self.admin().apply_acting(request).await.expect("an appointment");
    }

    /// A case with the agency, taken.
    pub(crate) async fn taken(&self, request: FileComplaintRequest) -> Filed {
        let filed = self.file(request).await;
        self.disposed(&filed.id).await;
        self.agency(PUPR).accept(&filed.id).await.expect("taken");
        filed
    }

    /// Verified, and given to the agency.
    pub(crate) async fn disposed(&self, id: &str) -> Complaint {
        self.coordinator().verify(id).await.expect("verified");
        self.coordinator().dispose(id, PUPR).await.expect("disposed")
    }

    /// A case that was answered in substance.
    pub(crate) async fn answered(&self, request: FileComplaintRequest) -> Filed {
        let filed = self.taken(request).await;
        self.agency(PUPR).answer_without_proof(&filed.id).await.expect("answered");
        filed
    }

    pub(crate) async fn seen(&self, id: &str) -> Complaint {
        self.coordinator().complaint(id).await.expect("it is there")
    }

    pub(crate) async fn followed(&self, filed: &Filed) -> PublicComplaint {
        let request = GetPublicComplaintRequest { number: filed.number.clone(), pin: filed.pin.clone() };
        self.nobody().get_public_complaint(request).await.expect("it is there").complaint.expect("a case")
    }

    /// Number and list length of the board, for each row and measure.
    pub(crate) async fn check_board(&self, client: &Client) -> BTreeMap<(String, i32), i64> {
        // The workers go on: what is counted and what is listed must be of one moment.
        for _ in 0..50 {
            let before = client.get_board(GetBoardRequest {}).await.expect("a board").board.expect("a board");
            let lengths = self.lengths(client, &before).await;
            let after = client.get_board(GetBoardRequest {}).await.expect("a board").board.expect("a board");
            if before.rows == after.rows {
                let numbers: BTreeMap<_, _> = before
                    .rows
                    .iter()
                    .flat_map(|row| {
                        row.numbers.iter().map(|it| ((row.agency_id.clone(), it.measure), it.count))
                    })
                    .collect();
                assert_eq!(numbers, lengths);
                return numbers;
            }
        }
        panic!("the board never stands still");
    }

    async fn lengths(&self, client: &Client, board: &Board) -> BTreeMap<(String, i32), i64> {
        let mut numbers = BTreeMap::new();
        for row in &board.rows {
            for number in &row.numbers {
                let (mut count, mut page_token) = (0, String::new());
                loop {
                    let request = ListBoardCasesRequest {
                        agency: row.agency_id.replace('/', "~"),
                        measure: number.measure,
                        page_size: 2,
                        page_token,
                    };
                    let page = client.list_board_cases(request).await.expect("a list");
                    count += page.complaints.len();
                    page_token = page.next_page_token;
                    if page_token.is_empty() {
                        break;
                    }
                }
                numbers.insert((row.agency_id.clone(), number.measure), i64::try_from(count).unwrap());
            }
        }
        numbers
    }
}

/// What a reporter keeps.
#[derive(Debug, Clone)]
pub(crate) struct Filed {
    pub(crate) id: String,
    pub(crate) number: String,
    pub(crate) pin: String,
}

impl Filed {
    pub(crate) fn says(&self, text: &str) -> AnswerComplaintRequest {
        AnswerComplaintRequest {
            number: self.number.clone(),
            pin: self.pin.clone(),
            text: text.to_owned(),
            ..AnswerComplaintRequest::default()
        }
    }
}

/// Somebody who calls.
#[derive(Clone)]
pub(crate) struct Client {
    inner: ComplaintsServiceClient<PeerChannel>,
    pub(crate) sub: String,
    grants: Vec<(Vec<&'static str>, Scope)>,
    network: String,
    clock: Arc<ManualClock>,
    issuer: Arc<Issuer>,
}

impl Client {
    /// As the gateway passes it on from somebody in a network.
    pub(crate) fn in_network(self, network: &str) -> Self {
        Self { network: network.to_owned(), ..self }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if !self.network.is_empty() {
            request.metadata_mut().insert(NETWORK, self.network.parse().expect("a header"));
        }
        if !self.sub.is_empty() {
            let grants: Vec<(&[&str], Scope)> =
                self.grants.iter().map(|(names, scope)| (names.as_slice(), scope.clone())).collect();
            let token = self.issuer.token(&*self.clock, &self.sub, &grants);
            request
                .metadata_mut()
                .insert("authorization", format!("Bearer {token}").parse().expect("a header"));
        }
        request
    }

    /// The board as it changes.
    pub(crate) async fn watch_board(&self) -> Result<Streaming<WatchBoardResponse>, Refusal> {
        let request = self.request(WatchBoardRequest {});
        self.inner.clone().watch_board(request).await.map(Response::into_inner).map_err(Refusal::from)
    }

    pub(crate) async fn complaint(&self, id: &str) -> Result<Complaint, Refusal> {
        let request = GetComplaintRequest { complaint: id.to_owned() };
        self.get_complaint(request).await.map(|it| it.complaint.expect("a case"))
    }

    pub(crate) async fn verify(&self, id: &str) -> Result<Complaint, Refusal> {
        let request =
            VerifyComplaintRequest { complaint: id.to_owned(), ..VerifyComplaintRequest::default() };
        self.verify_complaint(request).await.map(|it| it.complaint.expect("a case"))
    }

    pub(crate) async fn dispose(&self, id: &str, agency: &str) -> Result<Complaint, Refusal> {
        let request = DisposeComplaintRequest {
            complaint: id.to_owned(),
            agency_id: agency.to_owned(),
            ..DisposeComplaintRequest::default()
        };
        self.dispose_complaint(request).await.map(|it| it.complaint.expect("a case"))
    }

    pub(crate) async fn accept(&self, id: &str) -> Result<Complaint, Refusal> {
        let request =
            AcceptComplaintRequest { complaint: id.to_owned(), ..AcceptComplaintRequest::default() };
        self.accept_complaint(request).await.map(|it| it.complaint.expect("a case"))
    }

    pub(crate) async fn bounce(&self, id: &str) -> Result<Complaint, Refusal> {
        let request = BounceComplaintRequest {
            complaint: id.to_owned(),
            reason: "Ini jalan provinsi.".to_owned(),
            ..BounceComplaintRequest::default()
        };
        self.bounce_complaint(request).await.map(|it| it.complaint.expect("a case"))
    }

    pub(crate) async fn ask(&self, id: &str) -> Result<Complaint, Refusal> {
        let request = AskCompletionRequest {
            complaint: id.to_owned(),
            question: "Di sebelah mana pasar lubangnya?".to_owned(),
            ..AskCompletionRequest::default()
        };
        self.ask_completion(request).await.map(|it| it.complaint.expect("a case"))
    }

    pub(crate) async fn answer_without_proof(&self, id: &str) -> Result<Complaint, Refusal> {
        let request = GiveAnswerRequest {
            complaint: id.to_owned(),
            reason_without_proof: "INFORMATION_GIVEN".to_owned(),
            ..answer(id)
        };
        self.give_answer(request).await.map(|it| it.complaint.expect("a case"))
    }

    pub(crate) async fn listed(&self, list: WorkList) -> Vec<String> {
        let request = ListComplaintsRequest { list: list.into(), ..ListComplaintsRequest::default() };
        let page = self.list_complaints(request).await.expect("a list");
        page.complaints.into_iter().map(|it| it.id).collect()
    }
}

/// A substantive answer, without proof and without a reason.
pub(crate) fn answer(id: &str) -> GiveAnswerRequest {
    GiveAnswerRequest {
        complaint: id.to_owned(),
        text: "Lubang di depan pasar sudah ditambal dengan aspal panas.".to_owned(),
        who: "Bidang Bina Marga".to_owned(),
        what: "Penambalan 4 meter persegi".to_owned(),
        when: "24 November 2026".to_owned(),
        ..GiveAnswerRequest::default()
    }
}

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
    upload_complaint_file(UploadComplaintFileRequest) -> UploadComplaintFileResponse;
    get_complaint_file(GetComplaintFileRequest) -> GetComplaintFileResponse;
    file_complaint(FileComplaintRequest) -> FileComplaintResponse;
    get_public_complaint(GetPublicComplaintRequest) -> GetPublicComplaintResponse;
    answer_complaint(AnswerComplaintRequest) -> AnswerComplaintResponse;
    withdraw_complaint(WithdrawComplaintRequest) -> WithdrawComplaintResponse;
    list_published_complaints(ListPublishedComplaintsRequest) -> ListPublishedComplaintsResponse;
    list_published_updates(ListPublishedUpdatesRequest) -> ListPublishedUpdatesResponse;
    receive_channel_webhook(ReceiveChannelWebhookRequest) -> ReceiveChannelWebhookResponse;
    receive_partner_update(ReceivePartnerUpdateRequest) -> ReceivePartnerUpdateResponse;
    get_published_map(GetPublishedMapRequest) -> GetPublishedMapResponse;
    get_complaint_map(GetComplaintMapRequest) -> GetComplaintMapResponse;
    list_similar_complaints(ListSimilarComplaintsRequest) -> ListSimilarComplaintsResponse;
    list_complaints(ListComplaintsRequest) -> ListComplaintsResponse;
    get_complaint(GetComplaintRequest) -> GetComplaintResponse;
    list_complaint_journal(ListComplaintJournalRequest) -> ListComplaintJournalResponse;
    verify_complaint(VerifyComplaintRequest) -> VerifyComplaintResponse;
    dispose_complaint(DisposeComplaintRequest) -> DisposeComplaintResponse;
    add_complaint_note(AddComplaintNoteRequest) -> AddComplaintNoteResponse;
    accept_complaint(AcceptComplaintRequest) -> AcceptComplaintResponse;
    bounce_complaint(BounceComplaintRequest) -> BounceComplaintResponse;
    ask_completion(AskCompletionRequest) -> AskCompletionResponse;
    complete_complaint(CompleteComplaintRequest) -> CompleteComplaintResponse;
    take_back_question(TakeBackQuestionRequest) -> TakeBackQuestionResponse;
    give_first_answer(GiveFirstAnswerRequest) -> GiveFirstAnswerResponse;
    give_answer(GiveAnswerRequest) -> GiveAnswerResponse;
    complete_help(CompleteHelpRequest) -> CompleteHelpResponse;
    merge_complaint(MergeComplaintRequest) -> MergeComplaintResponse;
    forward_complaint_outside(ForwardComplaintOutsideRequest) -> ForwardComplaintOutsideResponse;
    archive_complaint(ArchiveComplaintRequest) -> ArchiveComplaintResponse;
    reopen_complaint(ReopenComplaintRequest) -> ReopenComplaintResponse;
    import_sp4n_file(ImportSp4nFileRequest) -> ImportSp4nFileResponse;
    list_sp4n_entries(ListSp4nEntriesRequest) -> ListSp4nEntriesResponse;
    record_sp4n_item(RecordSp4nItemRequest) -> RecordSp4nItemResponse;
    list_sp4n_tasks(ListSp4nTasksRequest) -> ListSp4nTasksResponse;
    export_sp4n_tasks(ExportSp4nTasksRequest) -> ExportSp4nTasksResponse;
    record_sp4n_told(RecordSp4nToldRequest) -> RecordSp4nToldResponse;
    record_sp4n_tracking(RecordSp4nTrackingRequest) -> RecordSp4nTrackingResponse;
    recategorise_complaint(RecategoriseComplaintRequest) -> RecategoriseComplaintResponse;
    set_complaint_publication(SetComplaintPublicationRequest) -> SetComplaintPublicationResponse;
    request_reveal(RequestRevealRequest) -> RequestRevealResponse;
    approve_reveal(ApproveRevealRequest) -> ApproveRevealResponse;
    get_reveal(GetRevealRequest) -> GetRevealResponse;
    list_escalations(ListEscalationsRequest) -> ListEscalationsResponse;
    acknowledge_escalation(AcknowledgeEscalationRequest) -> AcknowledgeEscalationResponse;
    get_board(GetBoardRequest) -> GetBoardResponse;
    list_board_cases(ListBoardCasesRequest) -> ListBoardCasesResponse;
    get_report(GetReportRequest) -> GetReportResponse;
    export_evidence(ExportEvidenceRequest) -> ExportEvidenceResponse;
    create_evidence_document(CreateEvidenceDocumentRequest) -> CreateEvidenceDocumentResponse;
    list_evidence_documents(ListEvidenceDocumentsRequest) -> ListEvidenceDocumentsResponse;
    withdraw_evidence_document(WithdrawEvidenceDocumentRequest) -> WithdrawEvidenceDocumentResponse;
    create_evidence_link(CreateEvidenceLinkRequest) -> CreateEvidenceLinkResponse;
    open_evidence_link(OpenEvidenceLinkRequest) -> OpenEvidenceLinkResponse;
    check_evidence(CheckEvidenceRequest) -> CheckEvidenceResponse;
    apply_agency(ApplyAgencyRequest) -> ApplyAgencyResponse;
    apply_category(ApplyCategoryRequest) -> ApplyCategoryResponse;
    apply_official(ApplyOfficialRequest) -> ApplyOfficialResponse;
    apply_acting(ApplyActingRequest) -> ApplyActingResponse;
    list_officials(ListOfficialsRequest) -> ListOfficialsResponse;
    apply_calendar(ApplyCalendarRequest) -> ApplyCalendarResponse;
    list_calendars(ListCalendarsRequest) -> ListCalendarsResponse;
    list_deadlines(ListDeadlinesRequest) -> ListDeadlinesResponse;
    apply_deadline(ApplyDeadlineRequest) -> ApplyDeadlineResponse;
    sign_off_deadline(SignOffDeadlineRequest) -> SignOffDeadlineResponse;
    list_languages(ListLanguagesRequest) -> ListLanguagesResponse;
    apply_language(ApplyLanguageRequest) -> ApplyLanguageResponse;
    apply_response_template(ApplyResponseTemplateRequest) -> ApplyResponseTemplateResponse;
}

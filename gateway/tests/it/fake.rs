//! The services, and a gateway before them.

use std::{
    collections::HashSet,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use mpp_gateway::Config;
use mpp_kit::{
    auth::Policies,
    client::Peers,
    clock::{Clock, SystemClock},
    component::{Env, Role},
    fault::{Language, Problem, Text, Violation},
    relay::TokenSource,
    server::{StackOptions, stack, with_health_and_reflection},
    shutdown::Shutdown,
    testing::{Issuer, scope},
};
use mpp_proto::{
    complaints::v1::complaints_service_server::ComplaintsServiceServer,
    documents::v1::documents_service_server::DocumentsServiceServer, identity::v1 as identity,
    notifications::v1::notifications_service_server::NotificationsServiceServer, queue::v1 as queue,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, service::Routes};
use tower::ServiceExt as _;

use crate::{cases::Cases, complaints::Complaints, documents::Documents, notifications::Notifications};

/// What the account behind the session may do.
const PERMISSIONS: [&str; 16] = [
    "queue.read",
    "queue.call",
    "queue.ticket.read",
    "documents.work",
    "documents.catalogue",
    "documents.office",
    "documents.read",
    "documents.revoke",
    "complaints.board",
    "complaints.configure",
    "complaints.coordinate",
    "complaints.file",
    "complaints.read",
    "complaints.reveal",
    "complaints.work",
    "notifications.configure",
];

pub(crate) const HALL: &str = "hal_01h455vb4pex5vsknk084sn02q";
pub(crate) const SECRET: &str = "session-secret";

type Answer<T> = Result<tonic::Response<T>, Status>;
type Events<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The queue service.
#[derive(Clone, Default)]
pub(crate) struct Queue(Arc<QueueState>);

#[derive(Default)]
struct QueueState {
    headers: Mutex<HeaderMap>,
    call: Mutex<queue::CallNextRequest>,
    start: Mutex<queue::StartTicketRequest>,
    boards: Mutex<Vec<mpsc::Sender<Result<queue::WatchBoardResponse, Status>>>>,
    after: Mutex<Vec<i64>>,
    first: Mutex<queue::WatchBoardResponse>,
    boards_down: AtomicBool,
    services: Mutex<Vec<queue::ServiceStatus>>,
    listed: AtomicU32,
    desk: Mutex<Option<mpsc::Sender<Result<queue::WatchCounterResponse, Status>>>>,
}

impl Queue {
    /// What came with the last call.
    pub(crate) fn headers(&self) -> HeaderMap {
        lock(&self.0.headers).clone()
    }

    /// The last CallNext.
    pub(crate) fn call(&self) -> queue::CallNextRequest {
        lock(&self.0.call).clone()
    }

    /// The last StartTicket.
    pub(crate) fn start(&self) -> queue::StartTicketRequest {
        lock(&self.0.start).clone()
    }

    /// The first frame of a board stream.
    pub(crate) fn set_first(&self, frame: queue::WatchBoardResponse) {
        *lock(&self.0.first) = frame;
    }

    /// The services of every hall, one on the first page.
    pub(crate) fn set_services(&self, services: Vec<queue::ServiceStatus>) {
        *lock(&self.0.services) = services;
    }

    /// How often services were listed.
    pub(crate) fn listed(&self) -> u32 {
        self.0.listed.load(Ordering::SeqCst)
    }

    /// Sends a frame to every board stream.
    pub(crate) async fn board(&self, frame: queue::WatchBoardResponse) {
        let boards = lock(&self.0.boards).clone();
        for board in boards {
            // A stream that is gone gets nothing.
            board.send(Ok(frame.clone())).await.ok();
        }
    }

    /// Breaks every board stream, and refuses new ones while `down`.
    pub(crate) fn break_boards(&self, down: bool) {
        self.0.boards_down.store(down, Ordering::SeqCst);
        lock(&self.0.boards).clear();
    }

    /// The `after_seq` of each board stream that was opened.
    pub(crate) fn board_streams(&self) -> Vec<i64> {
        lock(&self.0.after).clone()
    }

    /// The stream of the desk that is watched.
    pub(crate) fn desk(&self) -> mpsc::Sender<Result<queue::WatchCounterResponse, Status>> {
        lock(&self.0.desk).clone().expect("a desk is watched")
    }

    fn note<T>(&self, request: &tonic::Request<T>) {
        *lock(&self.0.headers) = request.metadata().clone().into_headers();
    }
}

fn language<T>(request: &tonic::Request<T>) -> Language {
    mpp_kit::caller::Caller::of(request).language
}

fn ticket(version: u32) -> queue::Ticket {
    queue::Ticket { id: "tkt_1".into(), number: "A001".into(), version, ..Default::default() }
}

/// The queue service with the given methods, and all others unserved. Written as one macro because `async_trait` must
/// see the expanded methods.
macro_rules! queue_service {
    (unserved: $($name:ident $request:ident $response:ident),* $(,)?; $($served:item)*) => {
        #[tonic::async_trait]
        impl queue::queue_service_server::QueueService for Queue {
            $(async fn $name(&self, _: tonic::Request<queue::$request>) -> Answer<queue::$response> {
                Err(Status::unimplemented("not served by this fake"))
            })*
            $($served)*
        }
    };
}

queue_service! {
    unserved:
        get_hall GetHallRequest GetHallResponse,
        apply_hall ApplyHallRequest ApplyHallResponse,
        issue_ticket IssueTicketRequest IssueTicketResponse,
        get_site_code GetSiteCodeRequest GetSiteCodeResponse,
        list_onsite_services ListOnsiteServicesRequest ListOnsiteServicesResponse,
        issue_onsite_ticket IssueOnsiteTicketRequest IssueOnsiteTicketResponse,
        list_tickets ListTicketsRequest ListTicketsResponse,
        get_counter GetCounterRequest GetCounterResponse,
        open_counter OpenCounterRequest OpenCounterResponse,
        pause_counter PauseCounterRequest PauseCounterResponse,
        resume_counter ResumeCounterRequest ResumeCounterResponse,
        close_counter CloseCounterRequest CloseCounterResponse,
        call_ticket CallTicketRequest CallTicketResponse,
        preview_next PreviewNextRequest PreviewNextResponse,
        recall_ticket RecallTicketRequest RecallTicketResponse,
        finish_ticket FinishTicketRequest FinishTicketResponse,
        no_show_ticket NoShowTicketRequest NoShowTicketResponse,
        restore_ticket RestoreTicketRequest RestoreTicketResponse,
        park_ticket ParkTicketRequest ParkTicketResponse,
        resume_ticket ResumeTicketRequest ResumeTicketResponse,
        transfer_ticket TransferTicketRequest TransferTicketResponse,
        cancel_ticket CancelTicketRequest CancelTicketResponse,
        void_ticket VoidTicketRequest VoidTicketResponse,
        undo_call UndoCallRequest UndoCallResponse,
        release_ticket ReleaseTicketRequest ReleaseTicketResponse,
        get_control_room GetControlRoomRequest GetControlRoomResponse,
        open_day OpenDayRequest OpenDayResponse,
        close_day CloseDayRequest CloseDayResponse,
        stop_intake StopIntakeRequest StopIntakeResponse,
        resume_intake ResumeIntakeRequest ResumeIntakeResponse,
        get_statistics GetStatisticsRequest GetStatisticsResponse,
        list_events ListEventsRequest ListEventsResponse;

    async fn list_halls(&self, request: tonic::Request<queue::ListHallsRequest>) -> Answer<queue::ListHallsResponse> {
        self.note(&request);
        // Long enough to be worth compressing.
        let is_open = lock(&self.0.services).iter().any(|service| service.state() == queue::ServiceState::Open);
        let day = is_open.then(|| queue::Day { state: queue::DayState::Open.into(), ..Default::default() });
        let hall = |n| queue::Hall { id: HALL.into(), code: format!("HALL{n}"), day: day.clone(), ..Default::default() };
        let halls = (0..20).map(hall);
        Ok(queue::ListHallsResponse { halls: halls.collect(), ..Default::default() }.into())
    }

    async fn list_services(&self, request: tonic::Request<queue::ListServicesRequest>) -> Answer<queue::ListServicesResponse> {
        self.note(&request);
        self.0.listed.fetch_add(1, Ordering::SeqCst);
        if self.0.boards_down.load(Ordering::SeqCst) {
            return Err(Status::unavailable("down"));
        }
        let mut services = lock(&self.0.services).clone();
        let mut next_page_token = String::new();
        // The first page holds one service.
        if !request.into_inner().page_token.is_empty() {
            services.remove(0);
        } else if services.len() > 1 {
            services.truncate(1);
            "more".clone_into(&mut next_page_token);
        }
        Ok(queue::ListServicesResponse { services, next_page_token }.into())
    }

    async fn get_board(&self, _: tonic::Request<queue::GetBoardRequest>) -> Answer<queue::GetBoardResponse> {
        Ok(queue::GetBoardResponse { board: lock(&self.0.first).snapshot.clone() }.into())
    }

    async fn get_ticket(&self, _: tonic::Request<queue::GetTicketRequest>) -> Answer<queue::GetTicketResponse> {
        Ok(queue::GetTicketResponse { ticket: Some(ticket(7)), ..Default::default() }.into())
    }

    async fn get_ticket_by_token(
        &self,
        request: tonic::Request<queue::GetTicketByTokenRequest>,
    ) -> Answer<queue::GetTicketByTokenResponse> {
        let number = request.into_inner().token;
        Ok(queue::GetTicketByTokenResponse { ticket: Some(queue::PublicTicket { number, ..Default::default() }) }.into())
    }

    async fn start_ticket(&self, request: tonic::Request<queue::StartTicketRequest>) -> Answer<queue::StartTicketResponse> {
        *lock(&self.0.start) = request.into_inner();
        Ok(queue::StartTicketResponse { ticket: Some(ticket(8)) }.into())
    }

    async fn call_next(&self, request: tonic::Request<queue::CallNextRequest>) -> Answer<queue::CallNextResponse> {
        self.note(&request);
        let language = language(&request);
        let message = request.into_inner();
        *lock(&self.0.call) = message.clone();
        let problem = match message.counter.as_str() {
            "nobody" => Problem::new(Code::FailedPrecondition, "NOBODY_WAITING", "Tidak ada yang menunggu.", "Nobody waits.")
                .with("waiting", 0),
            "invalid" => Problem::invalid(vec![Violation {
                field: "expected_current".into(),
                reason: "INVALID_ID",
                text: Text::new("isi dengan id tiket", "give the id of a ticket"),
            }]),
            "away" => Problem::unavailable(anyhow::anyhow!("redis://secret is gone"), Duration::from_millis(2_500)),
            "slow" => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Problem::denied()
            }
            "reused" => Problem::precondition("REQUEST_ID_REUSED", "Sudah dipakai.", "It was used."),
            "again" => {
                let mut answer = tonic::Response::new(queue::CallNextResponse { ticket: Some(ticket(2)) });
                answer.metadata_mut().insert("idempotent-replayed", "true".parse().expect("a value"));
                return Ok(answer);
            }
            "broken" => Problem::internal(anyhow::anyhow!("a secret table")),
            _ => return Ok(queue::CallNextResponse { ticket: Some(ticket(2)) }.into()),
        };
        Err(problem.into_status(language))
    }

    type WatchTicketStream = Events<queue::WatchTicketResponse>;

    async fn watch_ticket(&self, request: tonic::Request<queue::WatchTicketRequest>) -> Answer<Self::WatchTicketStream> {
        let number = request.into_inner().token;
        if number == "unknown" {
            return Err(Problem::not_found("tiket", "ticket").into_status(Language::En));
        }
        let event = queue::WatchTicketResponse { ticket: Some(queue::PublicTicket { number, ..Default::default() }) };
        Ok(tonic::Response::new(Box::pin(futures::stream::iter([Ok(event)]))))
    }

    type WatchCounterStream = Events<queue::WatchCounterResponse>;

    async fn watch_counter(&self, _: tonic::Request<queue::WatchCounterRequest>) -> Answer<Self::WatchCounterStream> {
        let (sender, receiver) = mpsc::channel(1_000);
        *lock(&self.0.desk) = Some(sender);
        Ok(tonic::Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    type WatchControlRoomStream = Events<queue::WatchControlRoomResponse>;

    async fn watch_control_room(
        &self,
        _: tonic::Request<queue::WatchControlRoomRequest>,
    ) -> Answer<Self::WatchControlRoomStream> {
        Err(Status::unimplemented("not served by this fake"))
    }

    type WatchBoardStream = Events<queue::WatchBoardResponse>;

    async fn watch_board(&self, request: tonic::Request<queue::WatchBoardRequest>) -> Answer<Self::WatchBoardStream> {
        let language = language(&request);
        let request = request.into_inner();
        if request.hall != HALL {
            return Err(Problem::not_found("gedung", "hall").into_status(language));
        }
        if self.0.boards_down.load(Ordering::SeqCst) {
            return Err(Status::unavailable("down"));
        }
        lock(&self.0.after).push(request.after_seq);
        let (sender, receiver) = mpsc::channel(1_000);
        sender.try_send(Ok(lock(&self.0.first).clone())).expect("it was just made");
        lock(&self.0.boards).push(sender);
        Ok(tonic::Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

/// The identity service.
#[derive(Clone)]
pub(crate) struct Identity(Arc<IdentityState>);

struct IdentityState {
    issuer: Arc<Issuer>,
    refreshes: AtomicU32,
    ended: Mutex<HashSet<String>>,
    down: AtomicBool,
    /// Who is behind the session, with what permissions.
    present: Mutex<(String, Vec<String>)>,
}

impl Identity {
    /// How often a cookie was exchanged.
    pub(crate) fn refreshes(&self) -> u32 {
        self.0.refreshes.load(Ordering::SeqCst)
    }

    /// Whether it answers at all.
    pub(crate) fn set_down(&self, down: bool) {
        self.0.down.store(down, Ordering::SeqCst);
    }

    /// From now on somebody else is behind the session.
    pub(crate) fn becomes(&self, account: &str, permissions: &[&str]) {
        let permissions = permissions.iter().map(|it| (*it).to_owned()).collect();
        *lock(&self.0.present) = (account.to_owned(), permissions);
    }

    fn token(&self) -> String {
        self.0.issuer.token(&SystemClock, "acc_1", &[(&PERMISSIONS, scope(&[]))])
    }
}

macro_rules! identity_service {
    (unserved: $($name:ident $request:ident $response:ident),* $(,)?; $($served:item)*) => {
        #[tonic::async_trait]
        impl identity::identity_service_server::IdentityService for Identity {
            $(async fn $name(&self, _: tonic::Request<identity::$request>) -> Answer<identity::$response> {
                Err(Status::unimplemented("not served by this fake"))
            })*
            $($served)*
        }
    };
}

identity_service! {
    unserved:
        create_account CreateAccountRequest CreateAccountResponse,
        list_accounts ListAccountsRequest ListAccountsResponse,
        disable_account DisableAccountRequest DisableAccountResponse,
        enrol_device EnrolDeviceRequest EnrolDeviceResponse,
        list_devices ListDevicesRequest ListDevicesResponse,
        get_role_holders GetRoleHoldersRequest GetRoleHoldersResponse,
        revoke_device RevokeDeviceRequest RevokeDeviceResponse;

    async fn get_current_session(
        &self,
        _: tonic::Request<identity::GetCurrentSessionRequest>,
    ) -> Answer<identity::GetCurrentSessionResponse> {
        let (id, permissions) = lock(&self.0.present).clone();
        let account = identity::Account {
            id,
            display_name: "Hasan Basri".into(),
            ..Default::default()
        };
        Ok(identity::GetCurrentSessionResponse {
            principal: Some(identity::get_current_session_response::Principal::Account(account)),
            permissions,
        }.into())
    }

    async fn create_session(
        &self,
        request: tonic::Request<identity::CreateSessionRequest>,
    ) -> Answer<identity::CreateSessionResponse> {
        let language = language(&request);
        if request.into_inner().password != "benar" {
            let wrong = Problem::new(Code::Unauthenticated, "INVALID_CREDENTIALS", "Nama atau sandi salah.", "Wrong name or password.");
            return Err(wrong.into_status(language));
        }
        let answer = identity::CreateSessionResponse { access_token: self.token(), expires_in: 600, account: None };
        let mut answer = tonic::Response::new(answer);
        answer.metadata_mut().insert("mpp-session", SECRET.parse().expect("a value"));
        Ok(answer)
    }

    async fn create_device_session(
        &self,
        _: tonic::Request<identity::CreateDeviceSessionRequest>,
    ) -> Answer<identity::CreateDeviceSessionResponse> {
        let answer = identity::CreateDeviceSessionResponse { access_token: self.token(), expires_in: 600, device: None };
        let mut answer = tonic::Response::new(answer);
        answer.metadata_mut().insert("mpp-session", SECRET.parse().expect("a value"));
        Ok(answer)
    }

    async fn delete_current_session(
        &self,
        _: tonic::Request<identity::DeleteCurrentSessionRequest>,
    ) -> Answer<identity::DeleteCurrentSessionResponse> {
        lock(&self.0.ended).insert(SECRET.to_owned());
        Ok(identity::DeleteCurrentSessionResponse {}.into())
    }

    async fn refresh_session(
        &self,
        request: tonic::Request<identity::RefreshSessionRequest>,
    ) -> Answer<identity::RefreshSessionResponse> {
        self.0.refreshes.fetch_add(1, Ordering::SeqCst);
        // Long enough that a burst of requests meets one exchange.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let secret = request.into_inner().session_token;
        if self.0.down.load(Ordering::SeqCst) {
            return Err(Problem::unavailable(anyhow::anyhow!("down"), Duration::from_secs(1)).into_status(Language::En));
        }
        if secret != SECRET || lock(&self.0.ended).contains(&secret) {
            let ended = Problem::new(Code::Unauthenticated, "SESSION_ENDED", "Sesi sudah berakhir.", "The session has ended.");
            return Err(ended.into_status(Language::En));
        }
        Ok(identity::RefreshSessionResponse { access_token: self.token(), expires_in: 600 }.into())
    }

    async fn get_account_names(
        &self,
        request: tonic::Request<identity::GetAccountNamesRequest>,
    ) -> Answer<identity::GetAccountNamesResponse> {
        let known = request.into_inner().accounts.into_iter().filter(|account| account == "acc_sekdes");
        let name = |account| identity::AccountName { account, display_name: "Yusuf Effendi".into() };
        Ok(identity::GetAccountNamesResponse { names: known.map(name).collect() }.into())
    }

    async fn get_jwks(&self, _: tonic::Request<identity::GetJwksRequest>) -> Answer<identity::GetJwksResponse> {
        Ok(identity::GetJwksResponse::default().into())
    }
}

/// A gateway before the services, without a socket.
pub(crate) struct Gate {
    pub(crate) router: Router,
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) queue: Queue,
    pub(crate) documents: Documents,
    pub(crate) cases: Cases,
    pub(crate) complaints: Complaints,
    pub(crate) notifications: Notifications,
    pub(crate) identity: Identity,
    pub(crate) shutdown: Shutdown,
}

impl Gate {
    /// With the default settings.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With settings of its own.
    pub(crate) async fn with(configure: impl FnOnce(&mut Config)) -> Self {
        Self::build(configure, None).await
    }

    /// With the complaints service of the pages, instead of that of Open311 and the channels.
    pub(crate) async fn cases() -> Self {
        Self::assemble(|_| {}, None, true).await
    }

    /// The same with settings of its own.
    pub(crate) async fn cases_with(configure: impl FnOnce(&mut Config)) -> Self {
        Self::assemble(configure, None, true).await
    }

    /// With the queue service at an address instead of in this process.
    pub(crate) async fn build(
        configure: impl FnOnce(&mut Config),
        remote_queue: Option<tokio::net::TcpListener>,
    ) -> Self {
        Self::assemble(configure, remote_queue, false).await
    }

    async fn assemble(
        configure: impl FnOnce(&mut Config),
        remote_queue: Option<tokio::net::TcpListener>,
        with_cases: bool,
    ) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let issuer = Arc::new(Issuer::new());
        let verifier = issuer.verifier(clock.clone());
        let policies = Arc::new(Policies::from_descriptors(mpp_proto::DESCRIPTORS).expect("policies"));
        let shutdown = Shutdown::new();
        let queue = Queue::default();
        let identity = Identity(Arc::new(IdentityState {
            issuer: issuer.clone(),
            refreshes: AtomicU32::default(),
            ended: Mutex::default(),
            down: AtomicBool::default(),
            present: Mutex::new(("acc_1".to_owned(), PERMISSIONS.map(String::from).into())),
        }));
        let stacked = async |role: Role, routes: Routes| {
            let (routes, _) =
                with_health_and_reflection(routes, mpp_proto::DESCRIPTORS, &[]).await.expect("health");
            stack(role, routes, policies.clone(), verifier.clone(), StackOptions::default())
        };
        let queue_routes = Routes::new(queue::queue_service_server::QueueServiceServer::new(queue.clone()));
        let queue_stack = stacked(Role("queue"), queue_routes).await;
        let identity_routes =
            Routes::new(identity::identity_service_server::IdentityServiceServer::new(identity.clone()));
        let documents = Documents::default();
        // As the real service: a file of 3 MiB comes in one message.
        let documents_routes = Routes::new(DocumentsServiceServer::new(documents.clone()));
        let cases = Cases::default();
        let cases_routes = Routes::new(ComplaintsServiceServer::new(cases.clone()));
        let peers = Peers::new();
        peers.local(Role("documents"), stacked(Role("documents"), documents_routes).await);
        let complaints = Complaints::default();
        let complaints_routes =
            Routes::new(ComplaintsServiceServer::new(complaints.clone()).max_decoding_message_size(5 << 20));
        let complaints_routes = if with_cases { cases_routes } else { complaints_routes };
        peers.local(Role("complaints"), stacked(Role("complaints"), complaints_routes).await);
        let notifications = Notifications::default();
        let notifications_routes = match with_cases {
            true => Routes::new(NotificationsServiceServer::new(cases.clone())),
            false => Routes::new(NotificationsServiceServer::new(notifications.clone())),
        };
        peers.local(Role("notifications"), stacked(Role("notifications"), notifications_routes).await);
        peers.local(Role("identity"), stacked(Role("identity"), identity_routes).await);
        match remote_queue {
            Some(listener) => {
                let address = listener.local_addr().expect("it listens");
                tokio::spawn(mpp_kit::server::serve(listener, queue_stack, shutdown.clone()));
                peers.remote(Role("queue"), &format!("http://{address}")).expect("an address");
            }
            None => peers.local(Role("queue"), queue_stack),
        }
        let mut config = Config { heartbeat_ms: 100, ..Config::default() };
        configure(&mut config);
        let env = Env { clock, peers, verifier, shutdown: shutdown.clone() };
        let own = issuer.token(&SystemClock, "acc_system", &[(&["queue.read"], scope(&[]))]);
        let token: TokenSource = Arc::new(move || {
            let own = own.clone();
            Box::pin(async move { Ok(own) })
        });
        let router = mpp_gateway::router(&env, config, token).await.expect("a gateway");
        Self { router, issuer, queue, documents, cases, complaints, notifications, identity, shutdown }
    }

    /// A token with permissions everywhere.
    pub(crate) fn token(&self, permissions: &[&str]) -> String {
        self.issuer.token(&SystemClock, "acc_1", &[(permissions, scope(&[]))])
    }

    /// Sends a request.
    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Body> {
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// A request with a token for everything the tests do.
    pub(crate) fn request(&self, method: &str, target: &str, body: &str) -> Request<Body> {
        let token = self.token(&["queue.read", "queue.call", "queue.ticket.read"]);
        let mut request =
            Request::builder().method(method).uri(target).header("authorization", format!("Bearer {token}"));
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        request.body(Body::from(body.to_owned())).expect("a request")
    }

    /// Listens on a free port; answers the address.
    pub(crate) async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        tokio::spawn(mpp_gateway::serve(listener, self.router.clone(), self.shutdown.clone()));
        format!("http://{address}")
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

/// Adds a header to a request.
pub(crate) fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().expect("a header value"));
    request
}

/// The JSON of an answer.
pub(crate) async fn json(response: Response<Body>) -> serde_json::Value {
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{error}: {bytes:?}"))
}

/// One event of a stream.
#[derive(Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: Option<i64>,
    pub(crate) name: String,
    pub(crate) data: serde_json::Value,
}

/// Reads events from the body of an answer.
pub(crate) struct Reader {
    body: axum::body::BodyDataStream,
    text: String,
}

impl Reader {
    pub(crate) fn new(response: Response<Body>) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event; `None` at the end. Panics after three seconds of silence.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let event = event.to_owned();
                self.text = rest.to_owned();
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                if let (Some(name), Some(data)) = (field("event: "), field("data: ")) {
                    let id = field("id: ").map(|id| id.parse().expect("a number"));
                    return Some(Event { id, name, data: serde_json::from_str(&data).expect("JSON") });
                }
            }
            let next = tokio::time::timeout(Duration::from_secs(3), self.body.next())
                .await
                .expect("an event in time");
            let bytes: Bytes = next?.expect("a piece");
            self.text.push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
        }
    }

    /// The next event that is no heartbeat.
    pub(crate) async fn next_update(&mut self) -> Option<Event> {
        loop {
            match self.next().await {
                Some(event) if event.name == "heartbeat" => {}
                other => return other,
            }
        }
    }
}

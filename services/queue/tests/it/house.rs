//! A hall in this process: the queue component behind the tower stack, a private Redis, a database, a clock that stands
//! still, and people with signed tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::auth::{Policies, Verifier};
use mpp_kit::caller::Scope;
use mpp_kit::client::{PeerChannel, Peers};
use mpp_kit::clock::{Clock, ManualClock};
use mpp_kit::component::Env;
use mpp_kit::redis::{PrivateServer, Redis};
use mpp_kit::server::{StackOptions, stack, with_health_and_reflection};
use mpp_kit::shutdown::Shutdown;
use mpp_kit::testing::{self, Engine, Issuer, TestDb, scope};
use mpp_proto::common::v1::TimeWindow;
use mpp_proto::queue::v1::queue_service_client::QueueServiceClient;
use mpp_proto::queue::v1::*;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::StatusExt as _;

/// Access tokens by persona, with when each was made.
type Tokens = HashMap<String, (DateTime<Utc>, String)>;

/// Monday 2 March 2026, 08:00 in the west of Indonesia.
pub(crate) const MONDAY: &str = "2026-03-02T01:00:00Z";

/// Two agencies, three services, three counters in two zones; open around the clock.
///
/// | agency | services (series) | counters (zone) |
/// |---|---|---|
/// | `DUKCAPIL` | `KTP` (A), `KK` (B) | 1 (U), 2 (U) |
/// | `SAMSAT` | `STNK` (C) | 3 (S) |
pub(crate) fn plan() -> Hall {
    let agency = |code: &str| Agency {
        code: code.to_owned(),
        name: format!("Dinas {code}"),
        hours: (1..=7).map(|weekday| hours(weekday, &[("00:00", "24:00")])).collect(),
        ..Agency::default()
    };
    let service = |code: &str, agency: &str, prefix: &str| Service {
        code: code.to_owned(),
        name: format!("Layanan {code}"),
        name_en: format!("Service {code}"),
        agency_code: agency.to_owned(),
        series: Some(Series { prefix: prefix.to_owned(), ..Series::default() }),
        promised_minutes: 10,
        ..Service::default()
    };
    let counter = |number: &str, agency: &str, zone: &str| Counter {
        number: number.to_owned(),
        agency_code: agency.to_owned(),
        zone_code: zone.to_owned(),
        ..Counter::default()
    };
    let zone = |code: &str, name: &str| Zone { code: code.to_owned(), name: name.to_owned() };
    Hall {
        code: "MPP-UJI".to_owned(),
        name: "MPP Uji".to_owned(),
        time_zone: TimeZone::Wib.into(),
        calendar: Calendar::Regular.into(),
        zones: vec![zone("U", "Sayap Utara"), zone("S", "Sayap Selatan")],
        agencies: vec![agency("DUKCAPIL"), agency("SAMSAT")],
        services: vec![
            service("KTP", "DUKCAPIL", "A"),
            service("KK", "DUKCAPIL", "B"),
            service("STNK", "SAMSAT", "C"),
        ],
        counters: vec![
            counter("1", "DUKCAPIL", "U"),
            counter("2", "DUKCAPIL", "U"),
            counter("3", "SAMSAT", "S"),
        ],
        ..Hall::default()
    }
}

pub(crate) fn hours(weekday: i32, windows: &[(&str, &str)]) -> DayHours {
    DayHours { weekday, windows: windows.iter().map(|(from, to)| window(from, to)).collect() }
}

pub(crate) fn window(from: &str, to: &str) -> TimeWindow {
    TimeWindow { from: from.to_owned(), to: to.to_owned() }
}

/// The service in `hall` with this code, to change its plan.
pub(crate) fn service_of<'h>(hall: &'h mut Hall, code: &str) -> &'h mut Service {
    hall.services.iter_mut().find(|service| service.code == code).expect("a service of the plan")
}

/// Roles and what they permit, as the project's brief lists them. Kept apart from identity's table on purpose.
pub(crate) const ROLES: [(&str, &[&str]); 9] = [
    ("kiosk", &["queue.read", "queue.issue", "queue.sitecode"]),
    ("board", &["queue.read", "queue.sitecode"]),
    (
        "reception",
        &[
            "queue.read",
            "queue.issue",
            "queue.sitecode",
            "queue.ticket.read",
            "queue.restore",
            "queue.cancel",
        ],
    ),
    ("counter", &["queue.read", "queue.ticket.read", "queue.call", "queue.restore", "queue.cancel"]),
    (
        "agency_supervisor",
        &[
            "queue.read",
            "queue.ticket.read",
            "queue.call",
            "queue.restore",
            "queue.cancel",
            "queue.call.specific",
            "queue.supervise",
            "queue.statistics",
        ],
    ),
    (
        "hall_manager",
        &[
            "queue.read",
            "queue.ticket.read",
            "queue.call",
            "queue.restore",
            "queue.cancel",
            "queue.call.specific",
            "queue.supervise",
            "queue.statistics",
            "queue.issue",
            "queue.sitecode",
            "queue.manage",
            "queue.audit",
        ],
    ),
    ("analyst", &["queue.read", "queue.statistics"]),
    ("auditor", &["queue.read", "queue.statistics", "queue.audit"]),
    (
        "admin",
        &[
            "identity.manage",
            "queue.read",
            "queue.configure",
            "queue.issue",
            "queue.sitecode",
            "queue.ticket.read",
            "queue.call",
            "queue.call.specific",
            "queue.restore",
            "queue.cancel",
            "queue.supervise",
            "queue.manage",
            "queue.statistics",
            "queue.audit",
        ],
    ),
];

/// What a role permits.
pub(crate) fn permissions(role: &str) -> &'static [&'static str] {
    ROLES.iter().find(|(name, _)| *name == role).expect("a role").1
}

struct Process {
    shutdown: Shutdown,
    tasks: Vec<JoinHandle<()>>,
}

/// A hall with everything it needs.
pub(crate) struct House {
    pub(crate) clock: Arc<ManualClock>,
    /// As it was configured, ids filled in.
    pub(crate) hall: Hall,
    pub(crate) db: TestDb,
    issuer: Arc<Issuer>,
    verifier: Arc<Verifier>,
    peers: Peers,
    // Before its directory: a server whose socket is gone cannot be told to stop.
    redis: Option<PrivateServer>,
    redis_dir: TempDir,
    redis_url: String,
    process: Option<Process>,
    tokens: Arc<Mutex<Tokens>>,
}

impl House {
    /// The hall of [`plan`], its day open, each counter opened by its own staff.
    pub(crate) async fn open(engine: Engine) -> Self {
        Self::with(engine, |_| ()).await
    }

    /// As [`House::open`], with a changed plan.
    pub(crate) async fn with(engine: Engine, change: impl FnOnce(&mut Hall)) -> Self {
        let house = Self::closed(engine, change).await;
        house.open_day().await;
        for counter in &house.hall.counters {
            house.open_counter(&counter.number).await;
        }
        house
    }

    /// The hall of a changed plan, in which no day was ever opened.
    pub(crate) async fn closed(engine: Engine, change: impl FnOnce(&mut Hall)) -> Self {
        testing::meters::begin();
        let db = testing::fresh_db(engine).await;
        mpp_migrations::run("queue", &db.db.write).await.expect("the tables are made");
        let redis_dir = testing::temp_dir();
        let redis = PrivateServer::start(redis_dir.path()).await.expect("a private redis-server");
        let clock = Arc::new(ManualClock::at(MONDAY.parse().expect("a moment")));
        let issuer = Arc::new(Issuer::new());
        let verifier = issuer.verifier(Arc::clone(&clock) as Arc<dyn Clock>);
        let mut house = Self {
            clock,
            hall: Hall::default(),
            db,
            issuer,
            verifier,
            peers: Peers::new(),
            redis_url: redis.url().to_owned(),
            redis: Some(redis),
            redis_dir,
            process: None,
            tokens: Arc::default(),
        };
        house.start_service().await;
        let mut wanted = plan();
        change(&mut wanted);
        let request = ApplyHallRequest { request_id: String::new(), hall: Some(wanted) };
        house.hall =
            house.admin().apply_hall(request).await.expect("the plan is sound").hall.expect("a hall");
        house
    }

    async fn start_service(&mut self) {
        let shutdown = Shutdown::new();
        let env = Env {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            peers: self.peers.clone(),
            verifier: Arc::clone(&self.verifier),
            shutdown: shutdown.clone(),
        };
        let redis = Redis::connect(&self.redis_url).await.expect("the private redis-server answers");
        let config = mpp_queue::Config { day_check_seconds: 1 };
        let component = mpp_queue::component(&env, self.db.connect_again().await, redis, config)
            .await
            .expect("the component starts");
        let (routes, _reporter) = with_health_and_reflection(
            component.routes,
            mpp_proto::DESCRIPTORS,
            &["mpp.queue.v1.QueueService"],
        )
        .await
        .expect("the descriptors are read");
        let policies =
            Arc::new(Policies::from_descriptors(mpp_proto::DESCRIPTORS).expect("the policies are read"));
        // Twenty counters press at once, and more: what is measured here is not the limit.
        let options = StackOptions { in_flight: 4096, ..StackOptions::default() };
        let service = stack(component.role, routes, policies, Arc::clone(&self.verifier), options);
        self.peers.local(component.role, service);
        let tasks = component
            .workers
            .into_iter()
            .map(|worker| {
                tokio::spawn(async move {
                    worker.task.await.unwrap_or_else(|error| panic!("{}: {error}", worker.name))
                })
            })
            .collect();
        self.process = Some(Process { shutdown, tasks });
    }

    /// Ends the service in order and starts it again on the same data, as a deployment does.
    pub(crate) async fn restart_service(&mut self) {
        let process = self.process.take().expect("the service runs");
        process.shutdown.trigger();
        for task in process.tasks {
            task.await.expect("the worker ends");
        }
        self.start_service().await;
    }

    /// Ends Redis with SIGKILL and starts it again on what is left of its data.
    pub(crate) async fn kill_redis(&mut self) {
        self.end_redis().await;
        self.start_redis().await;
    }

    /// As [`House::kill_redis`], and its append-only file is gone: a new disk.
    pub(crate) async fn kill_redis_and_lose_its_data(&mut self) {
        self.end_redis().await;
        let aof = self.redis_dir.path().join("appendonlydir");
        std::fs::remove_dir_all(&aof).expect("there was an append-only file");
        self.start_redis().await;
    }

    /// Ends Redis with SIGKILL.
    pub(crate) async fn end_redis(&mut self) {
        let server = self.redis.take().expect("Redis runs");
        tokio::task::spawn_blocking(move || server.kill()).await.expect("Redis ends");
    }

    /// Starts Redis again in its directory.
    pub(crate) async fn start_redis(&mut self) {
        let server = PrivateServer::start(self.redis_dir.path()).await.expect("a private redis-server");
        assert_eq!(server.url(), self.redis_url, "the same socket");
        self.redis = Some(server);
    }

    /// A connection to the Redis of this hall.
    pub(crate) async fn redis(&self) -> Redis {
        Redis::connect(&self.redis_url).await.expect("Redis answers")
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    pub(crate) fn channel(&self) -> PeerChannel {
        self.peers.channel(mpp_queue::ROLE)
    }

    // Who is who.

    /// Somebody with these permissions in this scope.
    pub(crate) fn person(&self, sub: &str, permissions: &'static [&'static str], scope: Scope) -> Client {
        Client {
            inner: QueueServiceClient::new(self.channel()),
            sub: sub.to_owned(),
            grants: vec![(permissions, scope)],
            language: None,
            clock: Arc::clone(&self.clock),
            issuer: Arc::clone(&self.issuer),
            tokens: Arc::clone(&self.tokens),
        }
    }

    fn of_hall(&self, sub: &str, role: &str) -> Client {
        self.person(sub, permissions(role), scope(&[("hall", &[&self.hall.id])]))
    }

    pub(crate) fn kiosk(&self) -> Client {
        self.of_hall("dev_kiosk", "kiosk")
    }

    pub(crate) fn board(&self) -> Client {
        self.of_hall("dev_board", "board")
    }

    pub(crate) fn reception(&self) -> Client {
        self.of_hall("acc_reception", "reception")
    }

    /// The staff of the counter with this number, bound to it.
    pub(crate) fn staff(&self, number: &str) -> Client {
        let counter = self.counter(number);
        let bounds: &[(&str, &[&str])] =
            &[("hall", &[&self.hall.id]), ("agency", &[&counter.agency_id]), ("counter", &[&counter.id])];
        self.person(&format!("acc_staff{number}"), permissions("counter"), scope(bounds))
    }

    pub(crate) fn supervisor(&self, agency: &str) -> Client {
        let bounds: &[(&str, &[&str])] =
            &[("hall", &[&self.hall.id]), ("agency", &[&self.agency(agency).id])];
        self.person(&format!("acc_supervisor_{agency}"), permissions("agency_supervisor"), scope(bounds))
    }

    pub(crate) fn manager(&self) -> Client {
        self.of_hall("acc_manager", "hall_manager")
    }

    pub(crate) fn analyst(&self) -> Client {
        self.of_hall("acc_analyst", "analyst")
    }

    pub(crate) fn auditor(&self) -> Client {
        self.of_hall("acc_auditor", "auditor")
    }

    /// An auditor of one agency.
    pub(crate) fn auditor_of(&self, agency: &str) -> Client {
        let bounds: &[(&str, &[&str])] =
            &[("hall", &[&self.hall.id]), ("agency", &[&self.agency(agency).id])];
        self.person(&format!("acc_auditor_{agency}"), permissions("auditor"), scope(bounds))
    }

    pub(crate) fn admin(&self) -> Client {
        self.person("acc_admin", permissions("admin"), Scope::default())
    }

    /// Somebody who did not sign in.
    pub(crate) fn nobody(&self) -> Client {
        Client { grants: Vec::new(), ..self.person("", &[], Scope::default()) }
    }

    // What is what.

    pub(crate) fn service(&self, code: &str) -> &Service {
        self.hall.services.iter().find(|service| service.code == code).expect("a service of the plan")
    }

    pub(crate) fn agency(&self, code: &str) -> &Agency {
        self.hall.agencies.iter().find(|agency| agency.code == code).expect("an agency of the plan")
    }

    pub(crate) fn counter(&self, number: &str) -> &Counter {
        self.hall.counters.iter().find(|counter| counter.number == number).expect("a counter of the plan")
    }

    pub(crate) fn hall_id(&self) -> String {
        self.hall.id.clone()
    }

    // Short ways to do what most tests do.

    pub(crate) async fn open_day(&self) -> Day {
        let request = OpenDayRequest { request_id: String::new(), hall: self.hall_id() };
        self.manager().open_day(request).await.expect("the day opens").day.expect("a day")
    }

    pub(crate) async fn close_day(&self) -> Day {
        let request = CloseDayRequest { hall: self.hall_id(), ..CloseDayRequest::default() };
        self.manager().close_day(request).await.expect("the day closes").day.expect("a day")
    }

    pub(crate) async fn open_counter(&self, number: &str) -> Counter {
        let request =
            OpenCounterRequest { counter: self.counter(number).id.clone(), ..OpenCounterRequest::default() };
        self.staff(number).open_counter(request).await.expect("the counter opens").counter.expect("a counter")
    }

    /// A request for a ticket at the kiosk.
    pub(crate) fn wants(&self, service: &str) -> IssueTicketRequest {
        IssueTicketRequest {
            hall: self.hall_id(),
            service_id: self.service(service).id.clone(),
            channel: Channel::Kiosk.into(),
            ..IssueTicketRequest::default()
        }
    }

    /// A ticket from the kiosk.
    pub(crate) async fn issue(&self, service: &str) -> Ticket {
        self.kiosk().issue_ticket(self.wants(service)).await.expect("a ticket").ticket.expect("a ticket")
    }

    /// A ticket for somebody who goes ahead.
    pub(crate) async fn issue_priority(&self, service: &str) -> Ticket {
        let request = IssueTicketRequest { priority: Priority::Elderly.into(), ..self.wants(service) };
        self.kiosk().issue_ticket(request).await.expect("a ticket").ticket.expect("a ticket")
    }

    /// The counter's own staff calls the next ticket.
    pub(crate) async fn call(&self, number: &str) -> Result<Ticket, Refusal> {
        let request =
            CallNextRequest { counter: self.counter(number).id.clone(), ..CallNextRequest::default() };
        self.staff(number).call_next(request).await.map(|answer| answer.ticket.expect("a ticket"))
    }

    /// The counter's own staff calls, serves and finishes a ticket.
    pub(crate) async fn serve(&self, number: &str, seconds: i64) -> Ticket {
        let ticket = self.call(number).await.expect("somebody waits");
        self.start(number, &ticket).await;
        self.wait(seconds);
        self.finish(number, &ticket).await
    }

    pub(crate) async fn start(&self, number: &str, ticket: &Ticket) -> Ticket {
        let request = StartTicketRequest { ticket: ticket.id.clone(), ..StartTicketRequest::default() };
        self.staff(number).start_ticket(request).await.expect("it starts").ticket.expect("a ticket")
    }

    pub(crate) async fn finish(&self, number: &str, ticket: &Ticket) -> Ticket {
        let request = FinishTicketRequest { ticket: ticket.id.clone(), ..FinishTicketRequest::default() };
        self.staff(number).finish_ticket(request).await.expect("it ends").ticket.expect("a ticket")
    }

    pub(crate) async fn no_show(&self, number: &str, ticket: &Ticket) -> Ticket {
        let request = NoShowTicketRequest { ticket: ticket.id.clone(), ..NoShowTicketRequest::default() };
        self.staff(number).no_show_ticket(request).await.expect("absent").ticket.expect("a ticket")
    }

    pub(crate) async fn park(&self, number: &str, ticket: &Ticket, note: &str) -> Ticket {
        let request = ParkTicketRequest {
            ticket: ticket.id.clone(),
            note: note.to_owned(),
            ..ParkTicketRequest::default()
        };
        self.staff(number).park_ticket(request).await.expect("parked").ticket.expect("a ticket")
    }

    pub(crate) async fn transfer(&self, number: &str, ticket: &Ticket, service: &str) -> Ticket {
        let request = TransferTicketRequest {
            ticket: ticket.id.clone(),
            service_id: self.service(service).id.clone(),
            note: "berkas lengkap".to_owned(),
            ..TransferTicketRequest::default()
        };
        self.staff(number).transfer_ticket(request).await.expect("sent on").ticket.expect("a ticket")
    }

    /// The ticket as the manager sees it.
    pub(crate) async fn ticket(&self, id: &str) -> Ticket {
        let request = GetTicketRequest { ticket: id.to_owned() };
        self.manager().get_ticket(request).await.expect("the ticket").ticket.expect("a ticket")
    }

    /// What the counter's own staff sees.
    pub(crate) async fn desk(&self, number: &str) -> CounterDesk {
        let request = GetCounterRequest { counter: self.counter(number).id.clone() };
        self.staff(number).get_counter(request).await.expect("the counter").desk.expect("a desk")
    }

    /// The numbers waiting at a counter, in the order in which they would be called.
    pub(crate) async fn line(&self, number: &str) -> Vec<String> {
        self.desk(number).await.queue.into_iter().map(|ticket| ticket.number).collect()
    }

    /// A citizen's view of a service.
    pub(crate) async fn status(&self, service: &str) -> ServiceStatus {
        let request = ListServicesRequest { hall: self.hall_id(), ..ListServicesRequest::default() };
        let services = self.kiosk().list_services(request).await.expect("the services").services;
        services.into_iter().find(|it| it.code == service).expect("a service of the plan")
    }

    pub(crate) async fn board_of(&self, zone: &str) -> Board {
        let request = GetBoardRequest { hall: self.hall_id(), zone: zone.to_owned(), after_seq: 0 };
        self.board().get_board(request).await.expect("the board").board.expect("a board")
    }

    /// The log of the latest day, all pages of it.
    pub(crate) async fn events(&self) -> Vec<Event> {
        self.events_of("").await
    }

    /// The log of a day, all pages of it.
    pub(crate) async fn events_of(&self, date: &str) -> Vec<Event> {
        let (auditor, mut all, mut page_token) = (self.auditor(), Vec::new(), String::new());
        loop {
            let request =
                ListEventsRequest { hall: self.hall_id(), date: date.to_owned(), page_size: 200, page_token };
            let page = auditor.list_events(request).await.expect("the log");
            all.extend(page.events);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    }

    pub(crate) async fn statistics(&self) -> Statistics {
        let request = GetStatisticsRequest { hall: self.hall_id(), date: String::new() };
        self.analyst().get_statistics(request).await.expect("statistics").statistics.expect("statistics")
    }
}

/// Somebody who calls the service.
#[derive(Clone)]
pub(crate) struct Client {
    inner: QueueServiceClient<PeerChannel>,
    sub: String,
    grants: Vec<(&'static [&'static str], Scope)>,
    language: Option<&'static str>,
    clock: Arc<ManualClock>,
    issuer: Arc<Issuer>,
    tokens: Arc<Mutex<Tokens>>,
}

impl Client {
    /// The same person, with answers in English.
    pub(crate) fn english(mut self) -> Self {
        self.language = Some("en");
        self
    }

    /// A request of this person.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if !self.sub.is_empty() {
            let bearer = format!("Bearer {}", self.token());
            request.metadata_mut().insert("authorization", bearer.parse().expect("a header"));
        }
        if let Some(language) = self.language {
            request.metadata_mut().insert("accept-language", language.parse().expect("a header"));
        }
        request
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
                let token = self.issuer.token(&*self.clock, &self.sub, &self.grants);
                tokens.insert(key, (now, token.clone()));
                token
            }
        }
    }
}

macro_rules! calls {
    (
        answers { $($name:ident($request:ident) -> $response:ident;)* }
        streams { $($watch:ident($asked:ident) -> $frame:ident;)* }
    ) => {
        impl Client {
            $(pub(crate) async fn $name(&self, message: $request) -> Result<$response, Refusal> {
                self.inner.clone().$name(self.request(message)).await.map(Response::into_inner).map_err(Refusal::from)
            })*
            $(pub(crate) async fn $watch(&self, message: $asked) -> Result<Frames<$frame>, Refusal> {
                let answer = self.inner.clone().$watch(self.request(message)).await;
                answer.map(|stream| Frames(stream.into_inner())).map_err(Refusal::from)
            })*
        }
    };
}

calls! {
    answers {
        list_halls(ListHallsRequest) -> ListHallsResponse;
        get_hall(GetHallRequest) -> GetHallResponse;
        apply_hall(ApplyHallRequest) -> ApplyHallResponse;
        list_services(ListServicesRequest) -> ListServicesResponse;
        issue_ticket(IssueTicketRequest) -> IssueTicketResponse;
        get_site_code(GetSiteCodeRequest) -> GetSiteCodeResponse;
        list_onsite_services(ListOnsiteServicesRequest) -> ListOnsiteServicesResponse;
        issue_onsite_ticket(IssueOnsiteTicketRequest) -> IssueOnsiteTicketResponse;
        list_tickets(ListTicketsRequest) -> ListTicketsResponse;
        get_ticket(GetTicketRequest) -> GetTicketResponse;
        get_ticket_by_token(GetTicketByTokenRequest) -> GetTicketByTokenResponse;
        get_counter(GetCounterRequest) -> GetCounterResponse;
        open_counter(OpenCounterRequest) -> OpenCounterResponse;
        pause_counter(PauseCounterRequest) -> PauseCounterResponse;
        resume_counter(ResumeCounterRequest) -> ResumeCounterResponse;
        close_counter(CloseCounterRequest) -> CloseCounterResponse;
        call_next(CallNextRequest) -> CallNextResponse;
        call_ticket(CallTicketRequest) -> CallTicketResponse;
        preview_next(PreviewNextRequest) -> PreviewNextResponse;
        recall_ticket(RecallTicketRequest) -> RecallTicketResponse;
        start_ticket(StartTicketRequest) -> StartTicketResponse;
        finish_ticket(FinishTicketRequest) -> FinishTicketResponse;
        no_show_ticket(NoShowTicketRequest) -> NoShowTicketResponse;
        restore_ticket(RestoreTicketRequest) -> RestoreTicketResponse;
        park_ticket(ParkTicketRequest) -> ParkTicketResponse;
        resume_ticket(ResumeTicketRequest) -> ResumeTicketResponse;
        transfer_ticket(TransferTicketRequest) -> TransferTicketResponse;
        cancel_ticket(CancelTicketRequest) -> CancelTicketResponse;
        void_ticket(VoidTicketRequest) -> VoidTicketResponse;
        undo_call(UndoCallRequest) -> UndoCallResponse;
        release_ticket(ReleaseTicketRequest) -> ReleaseTicketResponse;
        get_board(GetBoardRequest) -> GetBoardResponse;
        get_control_room(GetControlRoomRequest) -> GetControlRoomResponse;
        open_day(OpenDayRequest) -> OpenDayResponse;
        close_day(CloseDayRequest) -> CloseDayResponse;
        stop_intake(StopIntakeRequest) -> StopIntakeResponse;
        resume_intake(ResumeIntakeRequest) -> ResumeIntakeResponse;
        get_statistics(GetStatisticsRequest) -> GetStatisticsResponse;
        list_events(ListEventsRequest) -> ListEventsResponse;
    }
    streams {
        watch_ticket(WatchTicketRequest) -> WatchTicketResponse;
        watch_counter(WatchCounterRequest) -> WatchCounterResponse;
        watch_board(WatchBoardRequest) -> WatchBoardResponse;
        watch_control_room(WatchControlRoomRequest) -> WatchControlRoomResponse;
    }
}

/// A stream with a bound on waiting.
pub(crate) struct Frames<T>(Streaming<T>);

impl<T> Frames<T> {
    /// The next frame, within half a minute.
    pub(crate) async fn next(&mut self) -> T {
        let frame =
            tokio::time::timeout(Duration::from_secs(30), self.0.message()).await.expect("a frame in time");
        frame.expect("the stream goes on").expect("the stream has not ended")
    }

    /// The first frame that `wanted` accepts, within half a minute.
    pub(crate) async fn find(&mut self, wanted: impl Fn(&T) -> bool) -> T {
        let search = async {
            loop {
                let frame = self.next().await;
                if wanted(&frame) {
                    return frame;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), search).await.expect("such a frame in time")
    }

    /// Why the stream ends, within half a minute.
    pub(crate) async fn refusal(&mut self) -> Refusal {
        let frame =
            tokio::time::timeout(Duration::from_secs(30), self.0.message()).await.expect("an end in time");
        frame.err().map(Refusal::from).expect("the stream is refused")
    }
}

/// A refusal as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) metadata: HashMap<String, String>,
    /// In the language of the caller.
    pub(crate) message: String,
    /// The fields that are wrong.
    pub(crate) fields: Vec<String>,
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info().cloned();
        Self {
            code: status.code(),
            reason: info.as_ref().map(|info| info.reason.clone()).unwrap_or_default(),
            metadata: info.map(|info| info.metadata).unwrap_or_default(),
            message: details
                .localized_message()
                .map_or_else(|| status.message().to_owned(), |text| text.message.clone()),
            fields: details
                .bad_request()
                .map(|bad| bad.field_violations.iter().map(|violation| violation.field.clone()).collect())
                .unwrap_or_default(),
        }
    }
}

impl Refusal {
    /// Code and reason, for comparing.
    pub(crate) fn what(&self) -> (Code, &str) {
        (self.code, self.reason.as_str())
    }
}

/// Asks again, with the same request id, until the service takes part again.
pub(crate) async fn insist<T, F: Future<Output = Result<T, Refusal>>>(
    ask: impl Fn() -> F,
) -> Result<T, Refusal> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        match ask().await {
            Err(refusal)
                if matches!(refusal.code, Code::Unavailable | Code::DeadlineExceeded)
                    && tokio::time::Instant::now() < deadline =>
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            answer => return answer,
        }
    }
}

/// A moment on the wire.
pub(crate) fn timestamp(at: DateTime<Utc>) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: at.timestamp(), nanos: 0 })
}

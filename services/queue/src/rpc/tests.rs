//! The RPCs as tonic calls them, on a real Redis and a real database: what the handlers do around the rules.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures::StreamExt as _;
use mpp_kit::caller::{CallerKind, Grant, Scope};
use mpp_kit::clock::{Clock as _, ManualClock};
use mpp_kit::fault::Language;
use mpp_kit::shutdown::Shutdown;
use mpp_kit::testing::{self, Engine, TestDb, TestRedis};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::*;
use crate::metrics::Metrics;
use crate::store::Store;

struct House {
    rpcs: Rpcs,
    clock: Arc<ManualClock>,
    hall: proto::Hall,
    shutdown: Shutdown,
    _db: TestDb,
    _redis: TestRedis,
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

/// Somebody with all these permissions within these bounds.
fn caller(id: &str, permissions: &[&str], bounds: &[(&str, &str)]) -> Caller {
    let scope = bounds.iter().map(|(kind, id)| ((*kind).to_owned(), [(*id).to_owned()].into())).collect();
    let permissions = permissions.iter().map(|one| (*one).to_owned()).collect();
    Caller {
        id: id.to_owned(),
        kind: CallerKind::Staff,
        grants: vec![Grant { permissions, scope: Scope(scope) }],
        ..Caller::anonymous(Language::En)
    }
}

fn by<Q>(caller: &Caller, request: Q) -> Request<Q> {
    let mut request = Request::new(request);
    request.extensions_mut().insert(Arc::new(caller.clone()));
    request
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

fn fields(status: &Status) -> Vec<String> {
    let found = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    found.into_iter().map(|violation| violation.field).collect()
}

impl House {
    async fn open() -> Self {
        let db = testing::fresh_db(Engine::Sqlite).await;
        mpp_migrations::run("queue", &db.db.write).await.unwrap();
        let redis = testing::redis().await;
        let clock = Arc::new(ManualClock::at("2026-03-02T02:00:00Z".parse().unwrap()));
        let shutdown = Shutdown::new();
        let halls = Halls::open(
            Store::new(db.db.clone()),
            redis.redis.clone(),
            clock.clone(),
            shutdown.clone(),
            Metrics::new(),
        )
        .await
        .unwrap();
        let mut configuration = samples::configuration();
        configuration.calendar = proto::Calendar::Demo.into();
        let rpcs = Rpcs(halls);
        let request = proto::ApplyHallRequest { hall: Some(configuration), ..Default::default() };
        let hall = rpcs.apply_hall(by(&Caller::system(), request)).await.unwrap().into_inner().hall.unwrap();
        let house = Self { rpcs, clock, hall, shutdown, _db: db, _redis: redis };
        house.open_day().await;
        house
    }

    async fn open_day(&self) -> proto::Day {
        let request = proto::OpenDayRequest { hall: self.hall.id.clone(), ..Default::default() };
        self.rpcs.open_day(by(&Caller::system(), request)).await.unwrap().into_inner().day.unwrap()
    }

    async fn close_day(&self) {
        let request = proto::CloseDayRequest { hall: self.hall.id.clone(), ..Default::default() };
        self.rpcs.close_day(by(&Caller::system(), request)).await.unwrap();
    }

    async fn issue(&self, service: usize) -> proto::Ticket {
        let request = proto::IssueTicketRequest {
            hall: self.hall.id.clone(),
            service_id: self.hall.services[service].id.clone(),
            channel: proto::Channel::Kiosk.into(),
            ..Default::default()
        };
        self.rpcs.issue_ticket(by(&Caller::system(), request)).await.unwrap().into_inner().ticket.unwrap()
    }

    async fn open_counter(&self, counter: usize) {
        let request = proto::OpenCounterRequest {
            counter: self.hall.counters[counter].id.clone(),
            ..Default::default()
        };
        self.rpcs.open_counter(by(&Caller::system(), request)).await.unwrap();
    }

    async fn call_next(&self, counter: usize) -> proto::Ticket {
        let request =
            proto::CallNextRequest { counter: self.hall.counters[counter].id.clone(), ..Default::default() };
        self.rpcs.call_next(by(&Caller::system(), request)).await.unwrap().into_inner().ticket.unwrap()
    }

    async fn statistics(&self, caller: &Caller, date: &str) -> proto::Statistics {
        let request = proto::GetStatisticsRequest { hall: self.hall.id.clone(), date: date.to_owned() };
        self.rpcs.get_statistics(by(caller, request)).await.unwrap().into_inner().statistics.unwrap()
    }
}

#[tokio::test]
async fn a_hall_is_applied_by_code_and_keeps_its_ids() {
    let house = House::open().await;
    let mut changed = samples::configuration();
    changed.calendar = proto::Calendar::Demo.into();
    changed.name = "MPP Baru".to_owned();
    let request = |hall: &proto::Hall, id: &str| proto::ApplyHallRequest {
        hall: Some(hall.clone()),
        request_id: id.to_owned(),
    };
    let hall = house
        .rpcs
        .apply_hall(by(&Caller::system(), request(&changed, "a")))
        .await
        .unwrap()
        .into_inner()
        .hall
        .unwrap();
    assert_eq!((hall.id.as_str(), hall.name.as_str()), (house.hall.id.as_str(), "MPP Baru"));
    assert_eq!(hall.services[2].id, house.hall.services[2].id);
    assert_eq!(hall.day.as_ref().unwrap().state(), proto::DayState::Open);
    let again = house
        .rpcs
        .apply_hall(by(&Caller::system(), request(&changed, "a")))
        .await
        .unwrap()
        .into_inner()
        .hall
        .unwrap();
    assert_eq!(again, hall);

    // A part that tickets may hang on does not vanish from an open day; the field is named under the request's own name.
    let mut smaller = changed.clone();
    smaller.counters.pop();
    let refused = house.rpcs.apply_hall(by(&Caller::system(), request(&smaller, ""))).await.unwrap_err();
    assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec!["hall.counters".to_owned()]));

    // Configuring one hall permits neither a new one nor another one.
    let local = caller("acc_1", &["queue.configure", "queue.read"], &[("hall", &house.hall.id)]);
    assert!(house.rpcs.apply_hall(by(&local, request(&changed, ""))).await.is_ok());
    changed.code = "MPP-LAIN".to_owned();
    let refused = house.rpcs.apply_hall(by(&local, request(&changed, ""))).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::PermissionDenied, "PERMISSION_DENIED".to_owned()));
    let other = house
        .rpcs
        .apply_hall(by(&Caller::system(), request(&changed, "")))
        .await
        .unwrap()
        .into_inner()
        .hall
        .unwrap();
    assert_ne!(other.id, house.hall.id);

    let page = |caller: &Caller, token: &str| {
        by(caller, proto::ListHallsRequest { page_size: 1, page_token: token.to_owned() })
    };
    let first = house.rpcs.list_halls(page(&Caller::system(), "")).await.unwrap().into_inner();
    let second =
        house.rpcs.list_halls(page(&Caller::system(), &first.next_page_token)).await.unwrap().into_inner();
    assert_eq!((first.halls[0].code.as_str(), second.halls[0].code.as_str()), ("MPP-LAIN", "MPP-UJI"));
    assert_eq!(second.next_page_token, "");
    let own = house.rpcs.list_halls(page(&local, "")).await.unwrap().into_inner();
    assert_eq!((own.halls[0].id.as_str(), own.next_page_token.as_str()), (house.hall.id.as_str(), ""));
    let refused = house.rpcs.list_halls(page(&local, &first.next_page_token)).await.unwrap_err();
    assert_eq!(fields(&refused), ["pageToken"], "a token belongs to its caller");
}

#[tokio::test]
async fn a_phone_in_the_hall_takes_a_ticket_with_the_site_code() {
    let house = House::open().await;
    let hall = house.hall.id.clone();
    let code = |hall: &str| by(&Caller::system(), proto::GetSiteCodeRequest { hall: hall.to_owned() });
    let shown = house.rpcs.get_site_code(code(&hall)).await.unwrap().into_inner();
    assert!((1..=60).contains(&shown.expires_in));
    let citizen = Caller::anonymous(Language::Id);
    let wish = |id: &str, code: &str, phone: &str| {
        let request = proto::IssueOnsiteTicketRequest {
            request_id: id.to_owned(),
            hall: hall.clone(),
            site_code: code.to_owned(),
            service_id: house.hall.services[0].id.clone(),
            phone: phone.to_owned(),
            ..Default::default()
        };
        house.rpcs.issue_onsite_ticket(by(&citizen, request))
    };
    let refused = wish("a", "00000000", "081234567890").await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::PermissionDenied, "SITE_CODE_INVALID".to_owned()));
    let refused = wish("a", &shown.code, "").await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused), fields(&refused)),
        (Code::InvalidArgument, "PHONE_REQUIRED".to_owned(), vec!["phone".to_owned()])
    );
    let first = wish("a", &shown.code, "081234567890").await.unwrap().into_inner();
    let ticket = first.ticket.unwrap();
    assert_eq!(
        (ticket.number.as_str(), ticket.channel(), ticket.token.len()),
        ("A001", proto::Channel::Onsite, 26)
    );
    house.clock.advance(TimeDelta::seconds(60));
    let next = house.rpcs.get_site_code(code(&hall)).await.unwrap().into_inner().code;
    assert_ne!(next, shown.code);
    let again = wish("a", &next, "0812 3456 7890").await.unwrap().into_inner().ticket.unwrap();
    assert_eq!(again, ticket, "a retry with the next code is a retry");
    let refused = wish("a", &next, "081234567891").await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED", "another person does not get this ticket");
    house.clock.advance(TimeDelta::seconds(60));
    assert_eq!(reason(&wish("b", &shown.code, "081234567890").await.unwrap_err()), "SITE_CODE_INVALID");

    let list = proto::ListOnsiteServicesRequest {
        hall: hall.clone(),
        site_code: next.clone(),
        page_size: 2,
        ..Default::default()
    };
    let page = house.rpcs.list_onsite_services(by(&citizen, list.clone())).await.unwrap().into_inner();
    let codes: Vec<&str> = page.services.iter().map(|service| service.code.as_str()).collect();
    assert_eq!((codes, page.hall_name.as_str()), (vec!["KK", "KTP"], "MPP Uji"));
    let rest = proto::ListOnsiteServicesRequest { page_token: page.next_page_token, ..list };
    let rest = house.rpcs.list_onsite_services(by(&citizen, rest)).await.unwrap().into_inner();
    assert_eq!((rest.services[0].code.as_str(), rest.next_page_token.as_str()), ("STNK", ""));
    let stored = serde_json::to_string(
        &house.rpcs.0.store().tickets(hall.parse().unwrap(), "2026-03-02".parse().unwrap()).await.unwrap(),
    )
    .unwrap();
    assert!(!stored.contains("81234567890"), "the number is not kept");
}

#[tokio::test]
async fn a_service_account_gives_a_request_id() {
    let house = House::open().await;
    let service = Caller { is_service: true, ..caller("acc_sistem", &["queue.issue"], &[]) };
    let shown = by(&Caller::system(), proto::GetSiteCodeRequest { hall: house.hall.id.clone() });
    let site_code = house.rpcs.get_site_code(shown).await.unwrap().into_inner().code;
    let onsite = |id: &str| proto::IssueOnsiteTicketRequest {
        request_id: id.to_owned(),
        hall: house.hall.id.clone(),
        site_code: site_code.clone(),
        service_id: house.hall.services[0].id.clone(),
        phone: "081234567890".to_owned(),
        ..Default::default()
    };
    let refused = house.rpcs.issue_onsite_ticket(by(&service, onsite(""))).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::InvalidArgument, "IDEMPOTENCY_KEY_REQUIRED")
    );
    house.rpcs.issue_onsite_ticket(by(&service, onsite("a"))).await.unwrap();
    let desk = |id: &str| proto::IssueTicketRequest {
        request_id: id.to_owned(),
        hall: house.hall.id.clone(),
        service_id: house.hall.services[2].id.clone(),
        ..Default::default()
    };
    let refused = house.rpcs.issue_ticket(by(&service, desk(""))).await.unwrap_err();
    assert_eq!(reason(&refused), "IDEMPOTENCY_KEY_REQUIRED");
    house.rpcs.issue_ticket(by(&service, desk("b"))).await.unwrap();
    let person = Caller { is_service: false, ..service.clone() };
    house.rpcs.issue_ticket(by(&person, desk(""))).await.unwrap();
}

#[tokio::test]
async fn agencies_do_not_see_each_other() {
    let house = House::open().await;
    let (ktp, stnk) = (house.issue(0).await, house.issue(2).await);
    let all = [
        "queue.read",
        "queue.ticket.read",
        "queue.call",
        "queue.supervise",
        "queue.statistics",
        "queue.audit",
        "queue.manage",
    ];
    let samsat = caller("acc_1", &all, &[("hall", &house.hall.id), ("agency", &house.hall.agencies[1].id)]);
    let hall = || house.hall.id.clone();
    let list = proto::ListTicketsRequest { hall: hall(), ..Default::default() };
    let tickets = house.rpcs.list_tickets(by(&samsat, list)).await.unwrap().into_inner().tickets;
    assert_eq!(tickets.iter().map(|ticket| ticket.number.as_str()).collect::<Vec<_>>(), ["B001"]);
    assert_eq!(tickets[0].token, "", "the token is the visitor's");
    let get = |id: &str| by(&samsat, proto::GetTicketRequest { ticket: id.to_owned() });
    assert!(house.rpcs.get_ticket(get(&stnk.id)).await.is_ok());
    let foreign = house.rpcs.get_ticket(get(&ktp.id)).await.unwrap_err();
    let unknown = house.rpcs.get_ticket(get("tkt_01h455vb4pex5vsknk084sn02q")).await.unwrap_err();
    assert_eq!(
        (foreign.code(), foreign.message()),
        (unknown.code(), unknown.message()),
        "they cannot be told apart"
    );
    assert_eq!(foreign.code(), Code::NotFound);
    let desk = |counter: usize| {
        by(&samsat, proto::GetCounterRequest { counter: house.hall.counters[counter].id.clone() })
    };
    assert_eq!(house.rpcs.get_counter(desk(0)).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(house.rpcs.get_counter(desk(1)).await.unwrap().into_inner().desk.unwrap().waiting, 1);
    assert_eq!(house.statistics(&samsat, "").await.total.unwrap().issued, 1);
    let events = proto::ListEventsRequest { hall: hall(), ..Default::default() };
    let events = house.rpcs.list_events(by(&samsat, events)).await.unwrap().into_inner().events;
    assert_eq!(events.iter().filter(|event| event.ticket.is_some()).count(), 1);
    let close = proto::CloseDayRequest { hall: hall(), ..Default::default() };
    assert_eq!(
        house.rpcs.close_day(by(&samsat, close)).await.unwrap_err().code(),
        Code::NotFound,
        "the day is the whole hall's"
    );
    let elsewhere = caller("acc_2", &all, &[("hall", "hal_01h455vb4pex5vsknk084sn02q")]);
    let board = proto::GetBoardRequest { hall: hall(), ..Default::default() };
    assert_eq!(house.rpcs.get_board(by(&elsewhere, board)).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_past_day_is_read_from_the_store() {
    let house = House::open().await;
    let first = house.issue(0).await;
    house.issue(2).await;
    house.open_counter(0).await;
    house.clock.advance(TimeDelta::seconds(90));
    let called = house.call_next(0).await;
    let start = proto::StartTicketRequest {
        ticket: called.id.clone(),
        version: called.version,
        ..Default::default()
    };
    let started =
        house.rpcs.start_ticket(by(&Caller::system(), start)).await.unwrap().into_inner().ticket.unwrap();
    let delivered = vec![proto::DeliveredService { service_id: called.service_id.clone(), quantity: 2 }];
    let finish = proto::FinishTicketRequest {
        ticket: called.id,
        version: started.version,
        delivered,
        ..Default::default()
    };
    let done =
        house.rpcs.finish_ticket(by(&Caller::system(), finish)).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!((done.state(), done.delivered[0].quantity), (proto::TicketState::Done, 2));
    let system = Caller::system();
    let live = house.statistics(&system, "").await;
    house.close_day().await;
    let closed = house.statistics(&system, "2026-03-02").await;
    assert_eq!((live.total.unwrap().open, closed.total.as_ref().unwrap().expired), (1, 1));
    assert_eq!(house.open_day().await.date, "2026-03-03");
    let past = house.statistics(&system, "2026-03-02").await;
    assert_eq!(past, closed, "the store answers what the fold answered");
    assert_eq!(house.statistics(&system, "").await.date, "2026-03-03");
    assert_eq!(house.statistics(&system, "2020-01-01").await.total.unwrap().issued, 0);

    let get = proto::GetTicketRequest { ticket: first.id.clone() };
    let ticket = house.rpcs.get_ticket(by(&system, get)).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!(
        (ticket.state(), ticket.verbs.len()),
        (proto::TicketState::Done, 0),
        "nothing can be done to it any more"
    );
    let token = proto::GetTicketByTokenRequest { token: first.token };
    let page = house
        .rpcs
        .get_ticket_by_token(by(&Caller::anonymous(Language::Id), token))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (page.ticket.as_ref().unwrap().open, page.ticket.unwrap().service_name.as_str()),
        (false, "KTP-el")
    );

    let mut request = proto::ListEventsRequest {
        hall: house.hall.id.clone(),
        date: "2026-03-02".to_owned(),
        page_size: 3,
        page_token: String::new(),
    };
    let mut seqs = Vec::new();
    loop {
        let page = house.rpcs.list_events(by(&system, request.clone())).await.unwrap().into_inner();
        seqs.extend(page.events.iter().map(|event| event.seq));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "gap-free over all pages: {seqs:?}");
    assert!(seqs.len() >= 8);
}

#[tokio::test]
async fn streams_follow_what_is_committed() {
    let house = House::open().await;
    let ticket = house.issue(0).await;
    house.open_counter(0).await;
    let system = Caller::system();
    let board = proto::WatchBoardRequest { hall: house.hall.id.clone(), ..Default::default() };
    let mut board = house.rpcs.watch_board(by(&system, board)).await.unwrap().into_inner();
    let page = proto::WatchTicketRequest { token: ticket.token.clone() };
    let mut page =
        house.rpcs.watch_ticket(by(&Caller::anonymous(Language::Id), page)).await.unwrap().into_inner();
    let desk = proto::WatchCounterRequest { counter: house.hall.counters[0].id.clone() };
    let until = house.clock.now() + TimeDelta::minutes(10);
    let staff = Caller { expires_at: Some(until), ..Caller::system() };
    let mut desk = house.rpcs.watch_counter(by(&staff, desk)).await.unwrap().into_inner();
    let room = proto::WatchControlRoomRequest { hall: house.hall.id.clone() };
    let mut room = house.rpcs.watch_control_room(by(&system, room)).await.unwrap().into_inner();
    assert!(board.next().await.unwrap().unwrap().snapshot.is_some());
    assert_eq!(page.next().await.unwrap().unwrap().ticket.unwrap().state(), proto::TicketState::Waiting);
    assert_eq!(desk.next().await.unwrap().unwrap().desk.unwrap().waiting, 1);
    assert_eq!(room.next().await.unwrap().unwrap().control_room.unwrap().counters.len(), 2);

    house.call_next(0).await;
    let frame = board.next().await.unwrap().unwrap();
    assert_eq!((frame.snapshot, frame.announcements[0].ticket_number.as_str()), (None, "A001"));
    assert_eq!(page.next().await.unwrap().unwrap().ticket.unwrap().counter_number, "1");
    assert_eq!(desk.next().await.unwrap().unwrap().desk.unwrap().current.unwrap().id, ticket.id);
    assert!(room.next().await.unwrap().unwrap().control_room.unwrap().counters[0].ticket.is_some());

    house.clock.advance(TimeDelta::minutes(10));
    house.issue(0).await;
    let end = tokio::time::timeout(Duration::from_secs(2), desk.next()).await.expect("the token has ended");
    assert!(end.is_none());
    let unknown =
        proto::WatchBoardRequest { hall: house.hall.id.clone(), zone: "Z".to_owned(), ..Default::default() };
    assert_eq!(house.rpcs.watch_board(by(&system, unknown)).await.err().unwrap().code(), Code::NotFound);
}

#[tokio::test]
async fn intake_is_resumed_however_the_stop_was_named() {
    let house = House::open().await;
    let (agency, service) = (house.hall.agencies[0].id.clone(), house.hall.services[0].id.clone());
    let system = Caller::system();
    let stop = proto::StopIntakeRequest {
        hall: house.hall.id.clone(),
        agency_id: agency,
        service_id: service.clone(),
        reason: "Jaringan terputus".to_owned(),
        ..Default::default()
    };
    let day = house.rpcs.stop_intake(by(&system, stop)).await.unwrap().into_inner().day.unwrap();
    assert_eq!(day.intake_stops.len(), 1);
    let list = proto::ListServicesRequest { hall: house.hall.id.clone(), ..Default::default() };
    let services = house.rpcs.list_services(by(&system, list)).await.unwrap().into_inner().services;
    let states: Vec<_> = services.iter().map(|one| (one.code.as_str(), one.state())).collect();
    assert_eq!(states[..2], [("KK", proto::ServiceState::Open), ("KTP", proto::ServiceState::IntakeStopped)]);
    let resume =
        proto::ResumeIntakeRequest { hall: house.hall.id.clone(), service_id: service, ..Default::default() };
    let day = house.rpcs.resume_intake(by(&system, resume)).await.unwrap().into_inner().day.unwrap();
    assert_eq!(day.intake_stops, []);
    let short = proto::StopIntakeRequest {
        hall: "x".to_owned(),
        reason: "ab".to_owned(),
        request_id: "a b".to_owned(),
        ..Default::default()
    };
    let refused = house.rpcs.stop_intake(by(&system, short)).await.unwrap_err();
    assert_eq!(fields(&refused), ["requestId", "hall", "reason"]);
}

/// The board that an instance shows to somebody who has seen `after_seq`.
pub(crate) async fn board_at(halls: &Halls, hall: crate::domain::HallId, after_seq: i64) -> proto::Board {
    let request = proto::GetBoardRequest { hall: hall.to_string(), after_seq, ..Default::default() };
    let board = get_board::handle(halls, &Caller::system(), request).await.expect("a board").board;
    board.expect("a board")
}

/// The first frame that an instance sends to somebody who has seen `after_seq`.
pub(crate) async fn first_frame_at(
    halls: &Halls,
    hall: crate::domain::HallId,
    after_seq: i64,
) -> proto::WatchBoardResponse {
    let request = proto::WatchBoardRequest { hall: hall.to_string(), after_seq, ..Default::default() };
    let mut frames = watch_board::handle(halls, &Caller::system(), request).await.expect("a stream");
    frames.next().await.expect("a frame").expect("a frame")
}

/// Several create a hall under one code at once, at two instances: it is one hall, with one id for each of its parts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hall_that_several_create_at_once_is_one() {
    use crate::hall::tests::{command, instance};
    for db in testing::databases().await {
        let redis = testing::redis().await;
        mpp_migrations::run("queue", &db.db.write).await.expect("the tables are made");
        let shutdown = Shutdown::new();
        let one = instance(&db, redis.redis.url(), &shutdown).await;
        let two = instance(&db, redis.redis.url(), &shutdown).await;
        for code in ["MPP-1", "MPP-2", "MPP-3"] {
            let hall = proto::Hall { code: code.to_owned(), ..samples::configuration() };
            let apply = |halls| {
                let request = proto::ApplyHallRequest { request_id: String::new(), hall: Some(hall.clone()) };
                async move { apply_hall::handle(halls, &Caller::system(), request).await }
            };
            let answers = futures::future::join_all([&one, &one, &two, &one, &two].map(apply)).await;
            let halls: Vec<proto::Hall> = answers
                .into_iter()
                .map(|answer| {
                    answer.unwrap_or_else(|error| panic!("{code}: {error:?}")).hall.expect("a hall")
                })
                .collect();
            let ids = |hall: &proto::Hall| {
                let agencies = hall.agencies.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
                let counters = hall.counters.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
                (hall.id.clone(), agencies, counters)
            };
            for other in &halls {
                assert_eq!(ids(other), ids(&halls[0]), "{code} on {}", db.engine);
            }
            for instance in [&one, &two] {
                let id = halls[0].id.parse().expect("an id");
                let hall = instance.hall(id).await.expect("the hall");
                hall.submit(command(crate::domain::decide::Order::OpenDay)).await.expect("it works");
                let codes = instance.all().into_iter().map(|hall| hall.plan().code.clone());
                assert_eq!(codes.filter(|known| known == code).count(), 1, "listed once");
            }
        }
        shutdown.trigger();
    }
}

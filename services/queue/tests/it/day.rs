//! Lines 34 and 35: restarts in the middle of the day, and its end.

use mpp_kit::testing::Engine;
use mpp_proto::queue::v1::*;
use tonic::Code;

use super::history;
use super::house::{House, insist};

/// What must survive: the line, who holds what, the board.
#[derive(Debug, PartialEq)]
struct Picture {
    lines: Vec<Vec<String>>,
    held: Vec<Option<(String, TicketState, u32)>>,
    parked: Vec<String>,
    calls: Vec<(String, String)>,
    statistics: Statistics,
}

async fn picture(house: &House) -> Picture {
    let mut picture = Picture {
        lines: vec![],
        held: vec![],
        parked: vec![],
        calls: vec![],
        statistics: house.statistics().await,
    };
    for number in ["1", "2", "3"] {
        let desk = house.desk(number).await;
        picture.lines.push(desk.queue.iter().map(|ticket| ticket.number.clone()).collect());
        picture.held.push(desk.current.map(|ticket| (ticket.number.clone(), ticket.state(), ticket.version)));
        picture.parked.extend(desk.parked.iter().map(|ticket| ticket.number.clone()));
    }
    let calls = house.board_of("").await.last_calls;
    picture.calls = calls.into_iter().map(|call| (call.ticket_number, call.counter_number)).collect();
    picture
}

/// A hall in the middle of its morning: one serving, one called, one parked, one absent, several waiting.
async fn morning(engine: Engine) -> House {
    let house = House::open(engine).await;
    for _ in 0..8 {
        house.issue("KTP").await;
        house.issue("STNK").await;
    }
    for _ in 0..3 {
        house.issue_priority("KTP").await;
    }
    house.serve("1", 120).await;
    let absent = house.call("1").await.expect("called");
    house.no_show("1", &absent).await;
    let parked = house.call("1").await.expect("called");
    house.park("1", &parked, "fotokopi").await;
    let serving = house.call("1").await.expect("called");
    house.start("1", &serving).await;
    house.call("2").await.expect("called");
    house
}

/// The hall goes on as if nothing had happened.
async fn goes_on(house: &House, next: &str) {
    let kiosk = house.kiosk();
    let request = IssueTicketRequest { request_id: format!("after-{next}"), ..house.wants("KTP") };
    let ticket =
        insist(|| kiosk.issue_ticket(request.clone())).await.expect("a ticket").ticket.expect("a ticket");
    assert_eq!(ticket.number, next, "the next number, none again");
    let refusal = house.call("1").await.expect_err("it still holds its ticket");
    assert_eq!(refusal.what(), (Code::FailedPrecondition, "COUNTER_BUSY"));
}

lines! {
    /// 34. The service restarts in the middle of the day.
    async fn must_34_a_restart_of_the_service_changes_nothing(engine) {
        let mut house = morning(engine).await;
        let before = picture(&house).await;
        house.restart_service().await;
        assert_eq!(picture(&house).await, before);
        goes_on(&house, "A012").await;
        history::verify(&house).await;
    }

    /// 34. Redis is killed with kill -9 and comes back with its file.
    async fn must_34_a_killed_redis_changes_nothing(engine) {
        let mut house = morning(engine).await;
        let before = picture(&house).await;
        house.kill_redis().await;
        assert_eq!(picture(&house).await, before);
        goes_on(&house, "A012").await;
        history::verify(&house).await;
    }

    /// 34. Redis is emptied with FLUSHALL.
    async fn must_34_an_emptied_redis_changes_nothing(engine) {
        let house = morning(engine).await;
        let before = picture(&house).await;
        redis::cmd("FLUSHALL").exec_async(&mut house.redis().await.connection()).await.expect("emptied");
        assert_eq!(picture(&house).await, before);
        goes_on(&house, "A012").await;
        history::verify(&house).await;
    }

    /// 34. Redis loses its append-only file: a new disk.
    async fn must_34_a_redis_without_its_file_changes_nothing(engine) {
        let mut house = morning(engine).await;
        let before = picture(&house).await;
        house.kill_redis_and_lose_its_data().await;
        assert_eq!(picture(&house).await, before);
        goes_on(&house, "A012").await;
        history::verify(&house).await;
    }

    /// 34. Everything at once, twice: the service restarts while Redis is new.
    async fn must_34_service_and_redis_restart_together(engine) {
        let mut house = morning(engine).await;
        let before = picture(&house).await;
        for next in ["A012", "A013"] {
            house.kill_redis_and_lose_its_data().await;
            house.restart_service().await;
            if next == "A012" {
                assert_eq!(picture(&house).await, before);
            }
            goes_on(&house, next).await;
        }
        history::verify(&house).await;
    }

    /// 34. While Redis is away a press is refused honestly, and reading goes on.
    async fn must_34_without_redis_nothing_is_acknowledged(engine) {
        let mut house = morning(engine).await;
        let before = picture(&house).await;
        house.end_redis().await;
        let refusal = house.kiosk().issue_ticket(house.wants("KTP")).await.expect_err("not durable");
        assert_eq!(refusal.code, Code::Unavailable, "{refusal:?}");
        assert_eq!(picture(&house).await, before, "what was acknowledged is still shown");
        house.start_redis().await;
        goes_on(&house, "A012").await;
        history::verify(&house).await;
    }

    /// 35. Day end: open tickets expire and are never finished, counters close, reports are possible, and a repeated run
    /// changes nothing.
    async fn must_35_day_end_expires_and_repeats_without_effect(engine) {
        let house = morning(engine).await;
        house.wait(3600);
        let day = house.close_day().await;
        assert_eq!((day.date.as_str(), day.state()), ("2026-03-02", DayState::Closed));
        let events = house.events().await;
        for number in ["1", "2", "3"] {
            let desk = house.desk(number).await;
            assert_eq!(desk.counter.expect("a counter").state(), CounterState::Closed);
            assert_eq!((desk.current, desk.queue, desk.parked), (None, vec![], vec![]));
        }
        let total = house.statistics().await.total.expect("a total");
        assert_eq!((total.issued, total.served, total.expired, total.open), (19, 1, 18, 0));
        let again = house.close_day().await;
        assert_eq!(again, day);
        assert_eq!(house.events().await, events, "a repeated run changes nothing");
        assert_eq!(house.call("1").await.expect_err("closed").reason, "DAY_NOT_OPEN");
        // The report of a past day.
        house.wait(24 * 3600);
        house.open_day().await;
        house.issue("KTP").await;
        // A press of yesterday that arrives today ends no day, whatever its request id.
        let close = |date: &str| CloseDayRequest {
            hall: house.hall_id(), date: date.to_owned(), ..CloseDayRequest::default()
        };
        let refusal = house.manager().close_day(close("2026-03-02")).await.expect_err("not that day");
        assert_eq!(refusal.what(), (Code::FailedPrecondition, "DAY_ALREADY_CLOSED"));
        let refusal = house.manager().close_day(close("2-3-2026")).await.expect_err("no date");
        assert_eq!((refusal.code, refusal.fields), (Code::InvalidArgument, vec!["date".to_owned()]));
        let request = GetStatisticsRequest { hall: house.hall_id(), date: "2026-03-02".into() };
        let past = house.analyst().get_statistics(request).await.expect("a report").statistics.expect("statistics");
        assert_eq!(past.total.map(|row| (row.issued, row.served, row.expired)), Some((19, 1, 18)));
        assert_eq!(house.statistics().await.total.map(|row| row.issued), Some(1));
        assert_eq!(house.events_of("2026-03-02").await, events);
        history::verify(&house).await;
    }

    /// 35. A day that was closed by mistake is opened again on its date: everybody who was sent away waits at their old place,
    /// numbers go on, and the log says what happened.
    async fn must_35_a_day_closed_by_mistake_is_opened_again(engine) {
        let house = morning(engine).await;
        let before = house.events().await;
        let lines = [house.line("1").await, house.line("3").await];
        house.close_day().await;
        house.wait(60);
        let supervisor = house.supervisor("DUKCAPIL");
        let open = OpenDayRequest { request_id: "again".into(), hall: house.hall_id() };
        assert_eq!(supervisor.open_day(open.clone()).await.expect_err("not theirs").code, Code::PermissionDenied);
        let day = house.manager().open_day(open.clone()).await.expect("open again").day.expect("a day");
        assert_eq!((day.date.as_str(), day.state(), day.close_time), ("2026-03-02", DayState::Open, None));
        let again = house.manager().open_day(open).await.expect("replayed").day.expect("a day");
        assert_eq!(again, day);
        let events = house.events().await;
        assert_eq!(events[..before.len()], before, "what was written stays as it was");
        let count = |kind: EventKind| events.iter().filter(|event| event.kind() == kind).count();
        assert_eq!((count(EventKind::TicketExpired), count(EventKind::TicketReopened), count(EventKind::DayReopened)), (18, 18, 1));
        let total = house.statistics().await.total.expect("a total");
        assert_eq!((total.issued, total.served, total.expired, total.open), (19, 1, 0, 18));
        // Nobody works anywhere until they open their counters; then the line is what it was, and who was at a counter or
        // aside stands in it too.
        assert_eq!(house.call("1").await.expect_err("closed").reason, "COUNTER_NOT_OPEN");
        for number in ["1", "3"] {
            house.open_counter(number).await;
        }
        assert_eq!(house.line("3").await, lines[1], "in the old order");
        let line = house.line("1").await;
        assert!(lines[0].iter().all(|number| line.contains(number)), "{line:?} {lines:?}");
        assert_eq!(house.desk("1").await.waiting, 10, "eight and three, one of them served");
        assert_eq!(house.issue("KTP").await.number, "A012", "the next number, none again");
        house.serve("1", 60).await;
        history::verify(&house).await;
        // The end of the day counts once.
        house.close_day().await;
        let total = house.statistics().await.total.expect("a total");
        assert_eq!((total.issued, total.served, total.expired, total.open), (20, 2, 18, 0));
        house.wait(24 * 3600);
        assert_eq!(house.open_day().await.date, "2026-03-03");
        assert_eq!(house.issue("KTP").await.number, "A001");
        history::verify(&house).await;
    }

    /// 35. The hour at which the day ends by itself sends nobody away from a counter.
    async fn must_35_the_day_ends_by_itself_when_nobody_is_at_a_counter(engine) {
        let house = House::with(engine, |hall| hall.day_closes_at = "08:30".to_owned()).await;
        for _ in 0..3 {
            house.issue("KTP").await;
        }
        let called = house.call("1").await.expect("called");
        house.start("1", &called).await;
        house.wait(31 * 60);
        // The keeper looks once a second.
        tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
        assert_eq!(house.ticket(&called.id).await.state(), TicketState::Serving);
        house.finish("1", &called).await;
        let mut room = house.manager().watch_control_room(WatchControlRoomRequest { hall: house.hall_id() }).await.expect("a stream");
        let closed = room.find(|frame| {
            let day = frame.control_room.as_ref().and_then(|room| room.day.as_ref());
            day.is_some_and(|day| day.state() == DayState::Closed)
        });
        closed.await;
        // Who opens it again after that hour has it open until they close it.
        house.open_day().await;
        tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
        let total = house.statistics().await.total.expect("a total");
        assert_eq!((total.served, total.expired, total.open), (1, 0, 2));
        history::verify(&house).await;
    }

    /// 35. Somebody opens the next day and nobody had closed the last: it ends first.
    async fn must_35_the_next_day_ends_the_one_before(engine) {
        let house = morning(engine).await;
        house.wait(24 * 3600);
        let day = house.open_day().await;
        assert_eq!(day.date, "2026-03-03");
        assert_eq!(house.issue("KTP").await.number, "A001");
        let past = house.events_of("2026-03-02").await;
        assert_eq!(past.last().map(Event::kind), Some(EventKind::DayClosed));
        assert_eq!(past.iter().filter(|event| event.kind() == EventKind::TicketExpired).count(), 18);
        history::verify(&house).await;
    }
}

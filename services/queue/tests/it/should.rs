//! Should-lines 41, 45, 48, 49, 55 and 58.

use mpp_kit::testing::Engine;
use mpp_proto::queue::v1::*;
use tonic::Code;

use super::history;
use super::house::{House, Refusal, permissions};

impl House {
    async fn site_code(&self) -> GetSiteCodeResponse {
        let request = GetSiteCodeRequest { hall: self.hall_id() };
        self.board().get_site_code(request).await.expect("the code")
    }

    fn onsite(&self, code: &str, phone: &str) -> IssueOnsiteTicketRequest {
        IssueOnsiteTicketRequest {
            hall: self.hall_id(),
            site_code: code.to_owned(),
            service_id: self.service("KTP").id.clone(),
            phone: phone.to_owned(),
            ..IssueOnsiteTicketRequest::default()
        }
    }

    async fn room(&self, agency: &str) -> ControlRoom {
        let request = GetControlRoomRequest { hall: self.hall_id() };
        self.supervisor(agency)
            .get_control_room(request)
            .await
            .expect("the room")
            .control_room
            .expect("a room")
    }

    fn opens(&self, number: &str, switch_desk: bool) -> OpenCounterRequest {
        OpenCounterRequest {
            counter: self.counter(number).id.clone(),
            switch_desk,
            ..OpenCounterRequest::default()
        }
    }
}

fn has_alarm(room: &ControlRoom, kind: AlarmKind) -> bool {
    room.alarms.iter().any(|alarm| alarm.kind() == kind && !alarm.text.is_empty())
}

impl House {
    /// Every secret that the database holds: of halls and of days.
    async fn secrets(&self) -> Vec<Vec<u8>> {
        self.column("SELECT secret AS it FROM queue_hall UNION ALL SELECT secret FROM queue_day_secret").await
    }

    /// The log and the tickets, as they are stored.
    async fn bodies(&self) -> Vec<String> {
        self.column("SELECT body AS it FROM queue_event ORDER BY seq").await
    }

    async fn column<T: sea_orm::TryGetable>(&self, sql: &str) -> Vec<T> {
        use sea_orm::ConnectionTrait as _;
        let connection = &self.db.db.write;
        let statement = sea_orm::Statement::from_string(connection.get_database_backend(), sql);
        let rows = connection.query_all_raw(statement).await.expect("the database answers");
        rows.iter().map(|row| row.try_get("", "it").expect("the column")).collect()
    }
}

lines! {
    /// 41. Priority kinds with the ratio of the agency; the assistance needed is shown to the counter.
    async fn should_41_priority_kinds_and_assistance(engine) {
        let house = House::with(engine, |hall| hall.agencies[1].priority_ratio = 1).await;
        for priority in [
            Priority::Disability, Priority::Elderly, Priority::Pregnant, Priority::Child, Priority::DisasterVictim, Priority::Internal,
        ] {
            house.issue("STNK").await;
            let request = IssueTicketRequest {
                priority: priority.into(),
                assistance: vec![Assistance::Wheelchair.into(), Assistance::SignLanguage.into()],
                ..house.wants("STNK")
            };
            house.reception().issue_ticket(request).await.expect("a ticket");
        }
        // A ratio of one: they take turns, the vulnerable first.
        let mut kinds = Vec::new();
        for _ in 0..12 {
            let called = house.call("3").await.expect("called");
            let desk = house.desk("3").await.current.expect("a ticket");
            assert_eq!(desk.assistance.len(), if desk.priority() == Priority::None { 0 } else { 2 }, "{desk:?}");
            kinds.push(desk.priority());
            house.start("3", &called).await;
            house.finish("3", &called).await;
        }
        assert!(kinds.iter().skip(1).step_by(2).all(|kind| *kind == Priority::None), "{kinds:?}");
        assert_eq!(
            kinds.into_iter().step_by(2).collect::<Vec<_>>(),
            [Priority::Disability, Priority::Elderly, Priority::Pregnant, Priority::Child, Priority::DisasterVictim, Priority::Internal]
        );
        history::verify(&house).await;
    }

    /// 45. A limit per phone and day, and the rotating QR in the hall.
    async fn should_45_a_phone_in_the_hall_takes_as_many_tickets_as_permitted(engine) {
        let house = House::with(engine, |hall| hall.agencies[0].daily_limit_per_person = 2).await;
        let nobody = house.nobody();
        let code = house.site_code().await;
        assert!((1..=60).contains(&code.expires_in), "{code:?}");
        assert_eq!(house.site_code().await.code, code.code, "the same within its period");
        let list = |code: &str| ListOnsiteServicesRequest {
            hall: house.hall_id(), site_code: code.to_owned(), ..ListOnsiteServicesRequest::default()
        };
        let services = nobody.list_onsite_services(list(&code.code)).await.expect("the services").services;
        assert_eq!(services.len(), 3);
        // Who is not in the hall does not know the code.
        for wrong in ["", "00000000"] {
            let refusal = nobody.issue_onsite_ticket(house.onsite(wrong, "081234567890")).await.expect_err("not in the hall");
            assert_eq!(refusal.reason, "SITE_CODE_INVALID");
            assert_eq!(nobody.list_onsite_services(list(wrong)).await.expect_err("not in the hall").reason, "SITE_CODE_INVALID");
        }
        // One phone, however it is written.
        let refusal = nobody.issue_onsite_ticket(house.onsite(&code.code, "")).await.expect_err("whose is it?");
        assert_eq!((refusal.reason.as_str(), refusal.fields), ("PHONE_REQUIRED", vec!["phone".to_owned()]));
        for phone in ["0812-3456-7890", "+62 812 3456 7890"] {
            let answer = nobody.issue_onsite_ticket(house.onsite(&code.code, phone)).await.expect("a ticket");
            let ticket = answer.ticket.expect("a ticket");
            assert_eq!(ticket.channel(), Channel::Onsite);
            assert!(!ticket.token.is_empty(), "its page");
        }
        let limit = |refusal: Refusal| assert_eq!(refusal.what(), (Code::FailedPrecondition, "PERSON_LIMIT_REACHED"));
        limit(nobody.issue_onsite_ticket(house.onsite(&code.code, "62812 34567890")).await.expect_err("the third"));
        let kiosk = IssueTicketRequest { phone: "081234567890".into(), ..house.wants("KK") };
        limit(house.kiosk().issue_ticket(kiosk).await.expect_err("the same agency, another way"));
        let refusal = house.kiosk().issue_ticket(house.wants("KK")).await.expect_err("a kiosk asks too");
        assert_eq!((refusal.reason.as_str(), refusal.fields), ("PHONE_REQUIRED", vec!["phone".to_owned()]));
        // What a machine gives is given at a kiosk, whatever it says of the way; and nobody but staff is of the house.
        let silent = IssueTicketRequest { channel: Channel::Unspecified.into(), ..house.wants("KK") };
        assert_eq!(house.kiosk().issue_ticket(silent).await.expect_err("a kiosk asks too").reason, "PHONE_REQUIRED");
        for (field, wants) in [
            ("channel", IssueTicketRequest { channel: Channel::Reception.into(), ..house.wants("STNK") }),
            ("channel", IssueTicketRequest { channel: Channel::Api.into(), ..house.wants("STNK") }),
            ("priority", IssueTicketRequest { priority: Priority::Internal.into(), ..house.wants("STNK") }),
        ] {
            let refusal = house.kiosk().issue_ticket(wants).await.expect_err("not a kiosk's");
            assert_eq!((refusal.code, refusal.fields), (Code::InvalidArgument, vec![field.to_owned()]));
        }
        let own = IssueOnsiteTicketRequest { priority: Priority::Internal.into(), ..house.onsite(&code.code, "081234567899") };
        assert_eq!(nobody.issue_onsite_ticket(own).await.expect_err("not of the house").fields, ["priority"]);
        // Another agency has no limit; another person has their own; tomorrow is another day.
        let other = IssueOnsiteTicketRequest { service_id: house.service("STNK").id.clone(), ..house.onsite(&code.code, "081234567890") };
        nobody.issue_onsite_ticket(other).await.expect("another agency");
        nobody.issue_onsite_ticket(house.onsite(&code.code, "081234567891")).await.expect("another person");
        // The code goes with its time: good for its period and one more.
        house.wait(180);
        let refusal = nobody.issue_onsite_ticket(house.onsite(&code.code, "081234567892")).await.expect_err("an old photograph");
        assert_eq!(refusal.reason, "SITE_CODE_INVALID");
        assert_ne!(house.site_code().await.code, code.code);
        // The number is nowhere.
        use sea_orm::ConnectionTrait as _;
        let connection = &house.db.db.write;
        let statement = sea_orm::Statement::from_string(connection.get_database_backend(), "SELECT body FROM queue_event");
        for row in connection.query_all_raw(statement).await.expect("the log") {
            let body: String = row.try_get("", "body").expect("a body");
            assert!(!body.contains("81234567"), "a phone number was stored");
        }
        history::verify(&house).await;
    }

    /// 45. What is kept of a phone number holds for its day. Then its key is gone from the database, and the log, which is never
    /// rewritten, says nothing to anybody who tries every number.
    async fn should_45_a_phone_number_is_forgotten_with_its_day(engine) {
        let mut house = House::with(engine, |hall| hall.agencies[0].daily_limit_per_person = 1).await;
        let wants = |house: &House| IssueTicketRequest { phone: "081234567890".into(), ..house.wants("KTP") };
        house.kiosk().issue_ticket(wants(&house)).await.expect("a ticket");
        let number = "phone|2026-03-02|6281234567890";
        let digests = |secrets: &[Vec<u8>]| -> Vec<String> {
            use hmac::{Hmac, KeyInit as _, Mac as _};
            let digest = |secret: &Vec<u8>| {
                let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).expect("a key");
                mac.update(number.as_bytes());
                hex::encode(mac.finalize().into_bytes())
            };
            secrets.iter().map(digest).collect()
        };
        let (secrets, bodies) = (house.secrets().await, house.bodies().await);
        let found = |secrets: &[Vec<u8>], bodies: &[String]| {
            digests(secrets).iter().any(|digest| bodies.iter().any(|body| body.contains(digest)))
        };
        assert!(found(&secrets, &bodies), "kept for the day: the second ticket is refused, by any instance");
        house.restart_service().await;
        let refusal = house.kiosk().issue_ticket(wants(&house)).await.expect_err("the second");
        assert_eq!(refusal.reason, "PERSON_LIMIT_REACHED");
        // The day is closed, and its date passes.
        house.close_day().await;
        house.wait(24 * 3600);
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        while found(&house.secrets().await, &bodies) {
            assert!(tokio::time::Instant::now() < deadline, "the key of yesterday is still there");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert_eq!(house.bodies().await[..bodies.len()], bodies, "nothing was rewritten");
        house.open_day().await;
        house.kiosk().issue_ticket(wants(&house)).await.expect("another day");
        history::verify(&house).await;
    }

    /// 48. The supervisor's panel: every counter live, release of a stuck ticket, reassigning a counter, stop and resume
    /// of intake, alarms.
    async fn should_48_the_supervisor_sees_and_steers(engine) {
        let house = House::open(engine).await;
        let supervisor = house.supervisor("DUKCAPIL");
        let watch = WatchControlRoomRequest { hall: house.hall_id() };
        let mut live = supervisor.watch_control_room(watch).await.expect("a stream");
        live.next().await;
        house.issue("KTP").await;
        house.issue("KTP").await;
        let called = house.call("1").await.expect("called");
        let frame = live
            .find(|frame| {
                let room = frame.control_room.as_ref().expect("a room");
                room.counters.iter().any(|it| it.ticket.as_ref().is_some_and(|ticket| ticket.id == called.id))
            })
            .await;
        let room = frame.control_room.expect("a room");
        assert_eq!(room.counters.len(), 2, "those of the agency");
        let agency = &room.agencies[0];
        assert_eq!((agency.waiting, agency.open_counters, agency.issued), (1, 2, 2));
        // Nobody starts it for ten minutes: an alarm, and the way out.
        house.wait(601);
        let room = house.room("DUKCAPIL").await;
        assert!(has_alarm(&room, AlarmKind::StuckTicket), "{:?}", room.alarms);
        assert!(house.staff("1").release_ticket(ReleaseTicketRequest::default()).await.is_err(), "not for counter staff");
        let release = ReleaseTicketRequest { ticket: called.id.clone(), reason: "petugas sakit".into(), ..ReleaseTicketRequest::default() };
        let freed = supervisor.release_ticket(release).await.expect("released").ticket.expect("a ticket");
        assert_eq!(freed.state(), TicketState::Waiting);
        assert_eq!(house.line("2").await[0], called.number, "back to its place");
        // A counter is reassigned to another service.
        let only = OpenCounterRequest { service_ids: vec![house.service("KK").id.clone()], ..house.opens("1", false) };
        let counter = supervisor.open_counter(only).await.expect("reassigned").counter.expect("a counter");
        assert_eq!(counter.open_service_ids, [house.service("KK").id.clone()]);
        // Everybody waits and no counter is open.
        for number in ["1", "2"] {
            let close = CloseCounterRequest { counter: house.counter(number).id.clone(), ..CloseCounterRequest::default() };
            supervisor.close_counter(close).await.expect("closed");
        }
        let room = house.room("DUKCAPIL").await;
        assert!(has_alarm(&room, AlarmKind::NoCounterOpen), "{:?}", room.alarms);
        assert!(room.alarms.iter().any(|alarm| alarm.text.contains('2')), "says how many wait: {:?}", room.alarms);
        house.wait(3600);
        assert!(has_alarm(&house.room("DUKCAPIL").await, AlarmKind::LongWait));
        // An open counter that does not call while somebody waits.
        house.open_counter("2").await;
        house.wait(16 * 60);
        assert!(has_alarm(&house.room("DUKCAPIL").await, AlarmKind::IdleCounter));
        // Intake.
        let stop = StopIntakeRequest {
            hall: house.hall_id(), service_id: house.service("KTP").id.clone(), reason: "jaringan putus".into(), ..StopIntakeRequest::default()
        };
        let day = supervisor.stop_intake(stop.clone()).await.expect("stopped").day.expect("a day");
        assert_eq!(day.intake_stops.iter().map(|stop| stop.reason.as_str()).collect::<Vec<_>>(), ["jaringan putus"]);
        assert_eq!(house.room("DUKCAPIL").await.day.map(|day| day.intake_stops.len()), Some(1));
        house.issue("KK").await;
        assert!(house.kiosk().issue_ticket(house.wants("KTP")).await.is_err());
        let resume = ResumeIntakeRequest { hall: stop.hall, service_id: stop.service_id, ..ResumeIntakeRequest::default() };
        supervisor.resume_intake(resume).await.expect("resumed");
        house.issue("KTP").await;
        history::verify(&house).await;
    }

    /// 49. Break and closing reasons change estimates and the board's text.
    async fn should_49_breaks_change_estimates_and_boards(engine) {
        let house = House::open(engine).await;
        for _ in 0..4 {
            house.issue("KTP").await;
        }
        let two = house.status("KTP").await.estimate.expect("two counters");
        let mut frames = {
            let request = WatchBoardRequest { hall: house.hall_id(), ..WatchBoardRequest::default() };
            house.board().watch_board(request).await.expect("a stream")
        };
        frames.next().await;
        let pause = PauseCounterRequest { counter: house.counter("1").id.clone(), reason: "Salat zuhur".into(), ..PauseCounterRequest::default() };
        house.staff("1").pause_counter(pause).await.expect("paused");
        let shown = |frame: &WatchBoardResponse, state: CounterState, reason: &str| {
            let all = frame.snapshot.iter().flat_map(|board| &board.counters).chain(&frame.counters);
            all.into_iter().any(|counter| counter.number == "1" && counter.state() == state && counter.reason == reason)
        };
        frames.find(|frame| shown(frame, CounterState::Break, "Salat zuhur")).await;
        let one = house.status("KTP").await.estimate.expect("one counter");
        assert!(one.max_minutes > two.max_minutes, "{one:?} {two:?}");
        let close = CloseCounterRequest { counter: house.counter("1").id.clone(), reason: "Pindah ke loket 2".into(), ..CloseCounterRequest::default() };
        house.staff("1").close_counter(close).await.expect("closed");
        frames.find(|frame| shown(frame, CounterState::Closed, "Pindah ke loket 2")).await;
        house.open_counter("1").await;
        frames.find(|frame| shown(frame, CounterState::Open, "")).await;
        assert_eq!(house.status("KTP").await.estimate, Some(two));
        history::verify(&house).await;
    }

    /// 55. One person at two counters: an explicit switch, and one active ticket at a time unless permitted.
    async fn should_55_one_person_switches_desks_explicitly(engine) {
        let house = House::closed(engine, |_| ()).await;
        house.open_day().await;
        // Somebody who may work at both counters.
        let both = mpp_kit::testing::scope(&[
            ("hall", &[&house.hall.id]),
            ("agency", &[&house.agency("DUKCAPIL").id]),
            ("counter", &[&house.counter("1").id, &house.counter("2").id]),
        ]);
        let staff = house.person("acc_both", permissions("counter"), both);
        staff.open_counter(house.opens("1", false)).await.expect("the first desk");
        let refusal = staff.open_counter(house.opens("2", false)).await.expect_err("say so explicitly");
        assert_eq!(refusal.what(), (Code::FailedPrecondition, "OTHER_COUNTER_OPEN"));
        assert_eq!(refusal.metadata["counterNumber"], "1");
        staff.open_counter(house.opens("2", true)).await.expect("switched");
        let left = house.desk("1").await.counter.expect("a counter");
        assert_eq!(left.state(), CounterState::Break, "{left:?}");
        house.issue("KTP").await;
        house.issue("KTP").await;
        let next = |number: &str| CallNextRequest { counter: house.counter(number).id.clone(), ..CallNextRequest::default() };
        staff.call_next(next("2")).await.expect("called");
        let refusal = staff.open_counter(house.opens("1", true)).await.expect_err("with a ticket in hand");
        assert_eq!(refusal.what(), (Code::FailedPrecondition, "OTHER_COUNTER_BUSY"));
        // Also where a colleague opened the desk.
        house.open_counter("1").await;
        let refusal = staff.call_next(next("1")).await.expect_err("a second active ticket");
        assert_eq!(refusal.what(), (Code::FailedPrecondition, "OTHER_COUNTER_BUSY"));
        // A supervisor is permitted.
        let supervisor = house.supervisor("DUKCAPIL");
        supervisor.open_counter(house.opens("1", false)).await.expect("open");
        supervisor.call_next(next("1")).await.expect("called");
        history::verify(&house).await;
    }

    /// 58. A group ticket with its count, and quantities per delivered service.
    async fn should_58_groups_and_quantities(engine) {
        let house = House::open(engine).await;
        for wrong in [-1, 51] {
            let request = IssueTicketRequest { party_size: wrong, ..house.wants("KTP") };
            assert_eq!(house.kiosk().issue_ticket(request).await.expect_err("1 to 50").fields, ["partySize"]);
        }
        let request = IssueTicketRequest { party_size: 7, ..house.wants("KTP") };
        let ticket = house.kiosk().issue_ticket(request).await.expect("a ticket").ticket.expect("a ticket");
        assert_eq!(ticket.party_size, 7);
        assert_eq!(house.issue("KTP").await.party_size, 1, "nothing said is one person");
        let called = house.call("1").await.expect("called");
        assert_eq!(house.desk("1").await.current.map(|ticket| ticket.party_size), Some(7), "the counter sees it");
        house.start("1", &called).await;
        let delivered: Vec<DeliveredService> = [("KTP", 5), ("KK", 2)]
            .map(|(code, quantity)| DeliveredService { service_id: house.service(code).id.clone(), quantity })
            .into();
        let request = FinishTicketRequest { ticket: called.id.clone(), delivered: delivered.clone(), ..FinishTicketRequest::default() };
        let done = house.staff("1").finish_ticket(request).await.expect("finished").ticket.expect("a ticket");
        assert_eq!(done.delivered, delivered);
        let total = house.statistics().await.total.expect("a total");
        assert_eq!((total.issued, total.persons), (2, 8));
        history::verify(&house).await;
    }
}

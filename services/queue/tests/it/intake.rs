//! Lines 1 to 7: issuing tickets, numbers, quota, hours.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use mpp_kit::testing::Engine;
use mpp_proto::common::v1::ActorKind;
use mpp_proto::queue::v1::*;
use tonic::Code;

use super::history;
use super::house::{House, Refusal, hours, insist, permissions, service_of, window};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

fn refused(answer: Result<IssueTicketResponse, Refusal>) -> Refusal {
    answer.expect_err("no ticket is issued")
}

lines! {
    /// 1. Issue a ticket from kiosk, reception or API; the reply holds number, series, people ahead, estimate range,
    /// business date.
    async fn must_01_issue_tells_number_people_ahead_estimate_and_date(engine) {
        let house = House::open(engine).await;
        for (client, channel, number, ahead) in [
            (house.kiosk(), Channel::Kiosk, "A001", 0),
            (house.reception(), Channel::Reception, "A002", 1),
            (house.manager(), Channel::Api, "A003", 2),
        ] {
            let request = IssueTicketRequest { channel: channel.into(), ..house.wants("KTP") };
            let answer = client.issue_ticket(request).await.expect("a ticket");
            let ticket = answer.ticket.expect("a ticket");
            assert_eq!((ticket.number.as_str(), answer.people_ahead), (number, ahead));
            assert_eq!((ticket.channel(), ticket.state(), ticket.version), (channel, TicketState::Waiting, 1));
            assert_eq!((ticket.business_date.as_str(), &ticket.hall_id), ("2026-03-02", &house.hall.id));
            assert_eq!(ticket.service_id, house.service("KTP").id);
            assert_eq!(ticket.agency_id, house.agency("DUKCAPIL").id);
            assert!(ticket.token.len() >= 22, "128 bits in any alphabet: {}", ticket.token);
            let estimate = answer.estimate.expect("counters are open");
            assert!(estimate.min_minutes <= estimate.max_minutes && estimate.max_minutes > 0, "{estimate:?}");
        }
        history::verify(&house).await;
    }

    /// 1. Absent is what nobody knows: without an open counter there is no estimate.
    async fn must_01_issue_without_an_open_counter_has_no_estimate(engine) {
        let house = House::closed(engine, |_| ()).await;
        house.open_day().await;
        let answer = house.kiosk().issue_ticket(house.wants("KTP")).await.expect("a ticket");
        assert_eq!((answer.estimate, answer.people_ahead), (None, 0));
    }

    /// 1. What is wrong with a request is said at once, field by field.
    async fn must_01_issue_names_every_wrong_field(engine) {
        let house = House::open(engine).await;
        let request = IssueTicketRequest { hall: "x".into(), service_id: "y".into(), party_size: 51, ..IssueTicketRequest::default() };
        let refusal = refused(house.kiosk().issue_ticket(request).await);
        assert_eq!(refusal.code, Code::InvalidArgument);
        let fields: BTreeSet<&str> = refusal.fields.iter().map(String::as_str).collect();
        assert_eq!(fields, BTreeSet::from(["hall", "serviceId", "partySize"]));
        let unknown = IssueTicketRequest { service_id: "svc_01h455vb4pex5vsknk084sn02q".into(), ..house.wants("KTP") };
        assert_eq!(refused(house.kiosk().issue_ticket(unknown).await).what(), (Code::NotFound, "NOT_FOUND"));
    }

    /// 2. The same idempotency key gives the same ticket; 100 parallel issues give 100 distinct consecutive numbers.
    async fn must_02_the_same_key_gives_the_same_ticket(engine) {
        let house = House::open(engine).await;
        let request = IssueTicketRequest { request_id: "kiosk-1-0001".into(), ..house.wants("KTP") };
        let kiosk = house.kiosk();
        let answers = join_all((0..20).map(|_| kiosk.issue_ticket(request.clone()))).await;
        let tickets: Vec<Ticket> = answers.into_iter().map(|answer| answer.expect("a ticket").ticket.expect("a ticket")).collect();
        assert!(tickets.iter().all(|ticket| *ticket == tickets[0]), "one effect, one answer");
        let other = IssueTicketRequest { service_id: house.service("KK").id.clone(), ..request.clone() };
        assert_eq!(refused(kiosk.issue_ticket(other).await).what(), (Code::FailedPrecondition, "REQUEST_ID_REUSED"));
        // The key is the caller's own.
        let theirs = house.reception().issue_ticket(request).await.expect("a ticket").ticket.expect("a ticket");
        assert_eq!(theirs.number, "A002");
        assert_eq!(house.events().await.iter().filter(|event| event.kind() == EventKind::TicketIssued).count(), 2);
        history::verify(&house).await;
    }

    /// 2. 100 at once.
    async fn must_02_a_hundred_at_once_get_consecutive_numbers(engine) {
        let house = House::open(engine).await;
        let kiosk = house.kiosk();
        let answers = join_all((0..100).map(|_| kiosk.issue_ticket(house.wants("KTP")))).await;
        let numbers: BTreeSet<String> =
            answers.into_iter().map(|answer| answer.expect("a ticket").ticket.expect("a ticket").number).collect();
        let expected: BTreeSet<String> = (1..=100).map(|n| format!("A{n:03}")).collect();
        assert_eq!(numbers, expected);
        history::verify(&house).await;
    }

    /// 3. Prefix and digits per series; nothing twice on one date; at the end of the range a typed refusal, no wrap.
    async fn must_03_numbers_have_their_format_and_never_wrap(engine) {
        let house = House::with(engine, |hall| {
            service_of(hall, "KTP").series = Some(Series { prefix: "QZ".into(), digits: 4, first: 9998, last: 9999 });
            // Two services share a series.
            service_of(hall, "KK").series = Some(Series { prefix: "C".into(), ..Series::default() });
        }).await;
        assert_eq!(house.issue("KTP").await.number, "QZ9998");
        assert_eq!(house.issue("KTP").await.number, "QZ9999");
        for _ in 0..3 {
            let refusal = refused(house.kiosk().issue_ticket(house.wants("KTP")).await);
            assert_eq!(refusal.what(), (Code::FailedPrecondition, "NUMBERS_EXHAUSTED"));
        }
        assert_eq!(house.status("KTP").await.state(), ServiceState::NumbersExhausted);
        let mut shared = Vec::new();
        for service in ["KK", "STNK", "KK"] {
            shared.push(house.issue(service).await.number);
        }
        assert_eq!(shared, ["C001", "C002", "C003"]);
        history::verify(&house).await;
    }

    /// 4. Numbers begin anew with the business date in the hall's zone, also if no ticket was issued at midnight and
    /// after a restart.
    async fn must_04_numbers_begin_anew_with_the_date_of_the_hall(engine) {
        let mut house = House::closed(engine, |hall| hall.time_zone = TimeZone::Wit.into()).await;
        // 23:59 WIT is 14:59 UTC.
        house.clock.set(at("2026-03-02T14:59:00Z"));
        assert_eq!(house.open_day().await.date, "2026-03-02");
        for _ in 0..3 {
            house.issue("KTP").await;
        }
        // Midnight there. Nothing rolls over by itself, and no number of the old day is given on the new date.
        house.clock.set(at("2026-03-02T15:00:00Z"));
        let refusal = refused(house.kiosk().issue_ticket(house.wants("KTP")).await);
        assert_eq!(refusal.what(), (Code::FailedPrecondition, "DAY_NOT_OPEN"));
        house.restart_service().await;
        assert_eq!(house.open_day().await.date, "2026-03-03");
        let ticket = house.issue("KTP").await;
        assert_eq!((ticket.number.as_str(), ticket.business_date.as_str()), ("A001", "2026-03-03"));
        house.restart_service().await;
        assert_eq!(house.issue("KTP").await.number, "A002", "a restart goes on");
        history::verify(&house).await;
    }

    /// 4. The same request id on another date is another request.
    async fn must_04_a_request_id_belongs_to_its_date(engine) {
        let house = House::open(engine).await;
        let request = IssueTicketRequest { request_id: "same".into(), ..house.wants("KTP") };
        let first = house.kiosk().issue_ticket(request.clone()).await.expect("a ticket").ticket.expect("a ticket");
        house.close_day().await;
        house.wait(24 * 3600);
        house.open_day().await;
        let second = house.kiosk().issue_ticket(request.clone()).await.expect("a ticket").ticket.expect("a ticket");
        assert_ne!(first.id, second.id);
        assert_eq!((second.number.as_str(), second.business_date.as_str()), ("A001", "2026-03-03"));
        let again = house.kiosk().issue_ticket(request).await.expect("a ticket").ticket.expect("a ticket");
        assert_eq!(again, second);
        history::verify(&house).await;
    }

    /// 5. Refused with the reason in words for the citizen: hours, holiday, closure, quota, stop, day.
    async fn must_05_a_refusal_says_why_in_words(engine) {
        let house = House::with(engine, |hall| {
            hall.holidays = vec![Holiday { date: "2026-03-19".into(), name: "Hari Suci Nyepi".into() }];
            hall.agencies[0].hours = (1..=7).map(|day| hours(day, &[("08:00", "12:00"), ("13:00", "15:00")])).collect();
            hall.agencies[1].closures =
                vec![Closure { date: "2026-03-02".into(), windows: vec![], reason: "pindah gedung".into() }];
            service_of(hall, "KK").daily_quota = 1;
        }).await;
        let kiosk = house.kiosk();
        house.issue("KK").await;
        let supervisor = house.supervisor("DUKCAPIL");
        for (service, reason, words, state) in [
            ("KK", "QUOTA_FULL", "1 nomor", ServiceState::QuotaFull),
            ("STNK", "AGENCY_CLOSED", "pindah gedung", ServiceState::Closure),
        ] {
            let refusal = refused(kiosk.issue_ticket(house.wants(service)).await);
            assert_eq!(refusal.what(), (Code::FailedPrecondition, reason));
            assert!(refusal.message.contains(words), "{}", refusal.message);
            let status = house.status(service).await;
            assert_eq!(status.state(), state);
            assert!(status.reason.contains(words), "{}", status.reason);
        }
        // In English for who asks so.
        let refusal = refused(kiosk.clone().english().issue_ticket(house.wants("KK")).await);
        assert!(refusal.message.contains("All 1 tickets"), "{}", refusal.message);
        // Stopped by a supervisor, in the supervisor's words.
        let stop = StopIntakeRequest {
            hall: house.hall_id(),
            agency_id: house.agency("DUKCAPIL").id.clone(),
            reason: "listrik padam".into(),
            ..StopIntakeRequest::default()
        };
        let day = supervisor.stop_intake(stop.clone()).await.expect("stopped").day.expect("a day");
        assert_eq!(day.intake_stops.len(), 1);
        let refusal = refused(kiosk.issue_ticket(house.wants("KTP")).await);
        assert_eq!(refusal.reason, "INTAKE_STOPPED");
        assert!(refusal.message.contains("listrik padam"), "{}", refusal.message);
        assert_eq!(house.status("KTP").await.state(), ServiceState::IntakeStopped);
        let resume = ResumeIntakeRequest { hall: stop.hall, agency_id: stop.agency_id, ..ResumeIntakeRequest::default() };
        supervisor.resume_intake(resume).await.expect("resumed");
        house.issue("KTP").await;
        // The break.
        house.clock.set(at("2026-03-02T05:00:00Z"));
        let refusal = refused(kiosk.issue_ticket(house.wants("KTP")).await);
        assert_eq!(refusal.what(), (Code::FailedPrecondition, "SERVICE_OUTSIDE_HOURS"));
        assert!(refusal.message.contains("13:00"), "{}", refusal.message);
        // Nyepi.
        house.close_day().await;
        house.clock.set(at("2026-03-19T02:00:00Z"));
        house.open_day().await;
        let refusal = refused(kiosk.issue_ticket(house.wants("KTP")).await);
        assert_eq!(refusal.reason, "HALL_HOLIDAY");
        assert!(refusal.message.contains("Nyepi"), "{}", refusal.message);
        // And after the day.
        house.close_day().await;
        assert_eq!(refused(kiosk.issue_ticket(house.wants("KTP")).await).reason, "DAY_NOT_OPEN");
        assert_eq!(house.status("KTP").await.state(), ServiceState::DayNotOpen);
    }

    /// 6. Quota 10, 50 parallel requests → 10.
    async fn must_06_the_quota_is_exact_under_concurrency(engine) {
        let house = House::with(engine, |hall| service_of(hall, "KTP").daily_quota = 10).await;
        let kiosk = house.kiosk();
        let answers = join_all((0..50).map(|_| kiosk.issue_ticket(house.wants("KTP")))).await;
        let (given, refusals): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!(given.len(), 10);
        for refusal in refusals {
            assert_eq!(refused(refusal).what(), (Code::FailedPrecondition, "QUOTA_FULL"));
        }
        let status = house.status("KTP").await;
        assert_eq!((status.quota_left, status.state(), status.waiting), (Some(0), ServiceState::QuotaFull, 10));
        assert_eq!(house.status("KK").await.quota_left, None, "no quota, nothing left to say");
        history::verify(&house).await;
    }

    /// 7. Daily hours per agency with several windows (breaks, Friday), holidays, ad-hoc closure.
    async fn must_07_hours_per_agency_with_breaks_and_friday(engine) {
        let house = House::closed(engine, |hall| {
            let usual: &[(&str, &str)] = &[("08:00", "12:00"), ("13:00", "15:00")];
            hall.agencies[0].hours = (1..=4).map(|day| hours(day, usual)).collect();
            hall.agencies[0].hours.push(hours(5, &[("08:00", "11:30"), ("13:30", "15:00")]));
            hall.agencies[0].closures = vec![Closure {
                date: "2026-03-04".into(),
                windows: vec![window("10:00", "11:00")],
                reason: "rapat".into(),
            }];
        }).await;
        for (local, open, today) in [
            ("2026-03-02T07:59:59+07:00", false, "08:00–12:00, 13:00–15:00"),
            ("2026-03-02T08:00:00+07:00", true, "08:00–12:00, 13:00–15:00"),
            ("2026-03-02T12:00:00+07:00", false, "08:00–12:00, 13:00–15:00"),
            ("2026-03-02T13:00:00+07:00", true, "08:00–12:00, 13:00–15:00"),
            ("2026-03-02T15:00:00+07:00", false, "08:00–12:00, 13:00–15:00"),
            // An ad-hoc change of one date.
            ("2026-03-04T09:00:00+07:00", false, "10:00–11:00"),
            ("2026-03-04T10:30:00+07:00", true, "10:00–11:00"),
            // Friday.
            ("2026-03-06T11:29:00+07:00", true, "08:00–11:30, 13:30–15:00"),
            ("2026-03-06T11:30:00+07:00", false, "08:00–11:30, 13:30–15:00"),
            ("2026-03-06T13:29:59+07:00", false, "08:00–11:30, 13:30–15:00"),
            ("2026-03-06T13:30:00+07:00", true, "08:00–11:30, 13:30–15:00"),
            // Saturday.
            ("2026-03-07T10:00:00+07:00", false, ""),
        ] {
            house.clock.set(at(&local.parse::<DateTime<chrono::FixedOffset>>().expect("a moment").to_utc().to_rfc3339()));
            house.open_day().await;
            let answer = house.kiosk().issue_ticket(house.wants("KTP")).await;
            assert_eq!(answer.is_ok(), open, "{local}: {answer:?}");
            let status = house.status("KTP").await;
            assert_eq!((status.state() == ServiceState::Open, status.hours_today.as_str()), (open, today), "{local}");
            // The other agency keeps its own hours.
            house.issue("STNK").await;
        }
        history::verify(&house).await;
    }

    /// 7. The day itself opens and closes at the hours of the hall, not on holidays.
    async fn must_07_the_day_opens_and_closes_by_itself(engine) {
        let house = House::closed(engine, |hall| {
            hall.day_opens_at = "07:30".into();
            hall.day_closes_at = "16:00".into();
            hall.holidays = vec![Holiday { date: "2026-03-03".into(), name: "Libur".into() }];
        }).await;
        let state = async || {
            let request = GetHallRequest { hall: house.hall_id() };
            house.board().get_hall(request).await.expect("the hall").hall.expect("a hall").day.map(|day| (day.date.clone(), day.state()))
        };
        let becomes = async |date: &str, wanted: DayState| {
            let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
            while state().await != Some((date.to_owned(), wanted)) {
                assert!(tokio::time::Instant::now() < deadline, "{:?} instead of {date} {wanted:?}", state().await);
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        // It is 08:00.
        becomes("2026-03-02", DayState::Open).await;
        house.issue("KTP").await;
        house.clock.set(at("2026-03-02T09:00:00Z"));
        becomes("2026-03-02", DayState::Closed).await;
        house.clock.set(at("2026-03-03T02:00:00Z"));
        tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
        assert_eq!(state().await, Some(("2026-03-02".to_owned(), DayState::Closed)), "a holiday");
        house.clock.set(at("2026-03-04T02:00:00Z"));
        becomes("2026-03-04", DayState::Open).await;
        let who = house.events().await.into_iter().find(|event| event.kind() == EventKind::DayOpened).and_then(|event| event.actor);
        assert_eq!(who.map(|actor| actor.id), Some("system".to_owned()));
        history::verify(&house).await;
    }

    /// 2 and 34 together: a kiosk that hears nothing asks again, and prints one ticket.
    async fn must_02_a_retry_across_a_crash_of_redis_gives_one_ticket(engine) {
        let mut house = House::open(engine).await;
        let kiosk = house.kiosk();
        for n in 0..5 {
            let request = IssueTicketRequest { request_id: format!("r{n}"), ..house.wants("KTP") };
            if n % 2 == 1 {
                house.kill_redis().await;
            }
            let first = insist(|| kiosk.issue_ticket(request.clone())).await.expect("a ticket").ticket.expect("a ticket");
            let again = insist(|| kiosk.issue_ticket(request.clone())).await.expect("a ticket").ticket.expect("a ticket");
            assert_eq!((first.number.as_str(), &again), (format!("A{:03}", n + 1).as_str(), &first));
        }
        history::verify(&house).await;
    }

    /// 29. A visitor who took a number by mistake gives it back at the kiosk that gave it, at once: that ticket alone, that
    /// device alone; it is logged with channel and reason, and counts for no limit.
    async fn must_29_a_kiosk_takes_its_own_ticket_back(engine) {
        let house = House::with(engine, |hall| hall.agencies[0].daily_limit_per_person = 1).await;
        let wants = || IssueTicketRequest { phone: "081234567890".into(), ..house.wants("KTP") };
        let kiosk = house.kiosk();
        let ticket = kiosk.issue_ticket(wants()).await.expect("a ticket").ticket.expect("a ticket");
        let void = |ticket: &Ticket, request_id: &str, reason: VoidReason| VoidTicketRequest {
            ticket: ticket.id.clone(), request_id: request_id.to_owned(), void_reason: reason.into(),
        };
        let before = house.events().await;
        // Another machine, and staff who may cancel: not theirs to take back.
        let scope = mpp_kit::testing::scope(&[("hall", &[&house.hall_id()])]);
        let other = house.person("dev_kiosk2", permissions("kiosk"), scope);
        for who in [&other, &house.reception(), &house.manager()] {
            let refusal = who.void_ticket(void(&ticket, "", VoidReason::WrongService)).await.expect_err("not theirs");
            assert_eq!(refusal.what(), (Code::NotFound, "NOT_FOUND"));
        }
        let refusal = kiosk.void_ticket(void(&ticket, "", VoidReason::Unspecified)).await.expect_err("no reason");
        assert_eq!((refusal.code, refusal.fields), (Code::InvalidArgument, vec!["voidReason".to_owned()]));
        assert_eq!(house.events().await, before, "nothing happened");
        let again = kiosk.issue_ticket(wants()).await.expect_err("one per person");
        assert_eq!(again.reason, "PERSON_LIMIT_REACHED");

        let first = kiosk.void_ticket(void(&ticket, "v-1", VoidReason::WrongService)).await.expect("taken back");
        assert_eq!(first.ticket.as_ref().map(Ticket::state), Some(TicketState::Cancelled));
        let retry = kiosk.void_ticket(void(&ticket, "v-1", VoidReason::WrongService)).await.expect("the first answer");
        assert_eq!(retry, first);
        assert_eq!(house.line("1").await, [""; 0]);
        let events = house.events().await;
        assert_eq!(events.len(), before.len() + 1, "one effect");
        let event = events.last().expect("an event");
        let actor = event.actor.clone().expect("an actor");
        assert_eq!((event.kind(), event.reason.as_str()), (EventKind::TicketCancelled, "wrong_service"));
        assert_eq!((actor.id.as_str(), actor.kind()), ("dev_kiosk", ActorKind::Device));
        assert_eq!(event.ticket.as_ref().map(Ticket::channel), Some(Channel::Kiosk));

        // The right service then; a new number.
        let second = kiosk.issue_ticket(wants()).await.expect("it counts for no limit").ticket.expect("a ticket");
        assert_ne!(second.number, ticket.number);
        house.wait(301);
        let refusal = kiosk.void_ticket(void(&second, "v-2", VoidReason::NotStaying)).await.expect_err("too late");
        assert_eq!(refusal.what(), (Code::FailedPrecondition, "VOID_TOO_LATE"));
        // Known after a restart as well: the log is all there is.
        let third = kiosk.issue_ticket(house.wants("STNK")).await.expect("a ticket").ticket.expect("a ticket");
        let mut house = house;
        house.restart_service().await;
        house.kiosk().void_ticket(void(&third, "v-3", VoidReason::TakenTwice)).await.expect("taken back");
        history::verify(&house).await;
    }

    /// 29. A kiosk that was restarted in the middle of a press knows its key, and no phone number: it gets the ticket of that
    /// press, or hears that there is none.
    async fn must_29_a_press_is_settled_without_its_phone_number(engine) {
        let house = House::with(engine, |hall| hall.agencies[0].daily_limit_per_person = 1).await;
        let press = |key: &str, phone: &str| IssueTicketRequest {
            request_id: key.to_owned(), phone: phone.to_owned(), ..house.wants("KTP")
        };
        let kiosk = house.kiosk();
        let ticket = kiosk.issue_ticket(press("p-1", "081234567890")).await.expect("a ticket").ticket.expect("a ticket");
        let settled = kiosk.issue_ticket(press("p-1", "")).await.expect("the same press").ticket.expect("a ticket");
        assert_eq!((settled.id, settled.token), (ticket.id, ticket.token));
        // Another number, or another wish, is no retry.
        let other = kiosk.issue_ticket(press("p-1", "081234567891")).await.expect_err("another person");
        assert_eq!(other.reason, "REQUEST_ID_REUSED");
        let wish = IssueTicketRequest { priority: Priority::Elderly.into(), ..press("p-1", "") };
        assert_eq!(kiosk.issue_ticket(wish).await.expect_err("another wish").reason, "REQUEST_ID_REUSED");
        // It never arrived: there is no ticket, and none is made for nobody.
        assert_eq!(kiosk.issue_ticket(press("p-2", "")).await.expect_err("whose?").reason, "PHONE_REQUIRED");
        assert_eq!(house.line("1").await, [ticket.number]);
        history::verify(&house).await;
    }
}

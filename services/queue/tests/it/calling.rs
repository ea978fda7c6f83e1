//! Lines 8 to 12 and 19 to 23: counters, calling, order.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use mpp_kit::clock::Clock as _;
use mpp_kit::testing::Engine;
use mpp_proto::queue::v1::*;
use tonic::Code;

use super::history;
use super::house::{House, Refusal, service_of, timestamp};

impl House {
    async fn preview(&self, number: &str) -> PreviewNextResponse {
        let request = PreviewNextRequest { counter: self.counter(number).id.clone() };
        self.staff(number).preview_next(request).await.expect("a preview")
    }

    async fn issue_appointment(&self, service: &str, minutes: i64) -> Ticket {
        let time = self.clock.now() + chrono::TimeDelta::minutes(minutes);
        let request = IssueTicketRequest { appointment_time: timestamp(time), ..self.wants(service) };
        self.reception().issue_ticket(request).await.expect("a ticket").ticket.expect("a ticket")
    }

    async fn undo(&self, number: &str, ticket: &Ticket) -> Result<Ticket, Refusal> {
        let request = UndoCallRequest { ticket: ticket.id.clone(), ..UndoCallRequest::default() };
        self.staff(number).undo_call(request).await.map(|answer| answer.ticket.expect("a ticket"))
    }

    async fn counter_now(&self, number: &str) -> Counter {
        self.desk(number).await.counter.expect("a counter")
    }
}

lines! {
    /// 8. A counter opens with agency, number and services; states closed, open, break (with reason), serving.
    async fn must_08_a_counter_shows_its_state_and_services(engine) {
        let house = House::closed(engine, |_| ()).await;
        house.open_day().await;
        let staff = house.staff("1");
        assert_eq!(house.counter_now("1").await.state(), CounterState::Closed);
        let open = OpenCounterRequest {
            counter: house.counter("1").id.clone(),
            service_ids: vec![house.service("KK").id.clone()],
            ..OpenCounterRequest::default()
        };
        let counter = staff.open_counter(open).await.expect("open").counter.expect("a counter");
        assert_eq!((counter.state(), counter.number.as_str()), (CounterState::Open, "1"));
        assert_eq!((counter.agency_code.as_str(), &counter.agency_id), ("DUKCAPIL", &house.agency("DUKCAPIL").id));
        assert_eq!(counter.open_service_ids, [house.service("KK").id.clone()]);
        // Who works there is for supervisors.
        for (who, shown) in [(house.supervisor("DUKCAPIL"), "acc_staff1"), (house.board(), "")] {
            let hall = who.get_hall(GetHallRequest { hall: house.hall_id() }).await.expect("the hall").hall.expect("a hall");
            assert_eq!(hall.counters[0].staff_id, shown);
        }
        // Only its services.
        house.issue("KTP").await;
        assert_eq!(house.call("1").await.expect_err("nobody").what(), (Code::FailedPrecondition, "NOBODY_WAITING"));
        let wrong = OpenCounterRequest {
            counter: house.counter("1").id.clone(),
            service_ids: vec![house.service("STNK").id.clone()],
            ..OpenCounterRequest::default()
        };
        assert_eq!(staff.open_counter(wrong).await.expect_err("not there").reason, "SERVICE_NOT_AT_COUNTER");
        // For all of its services again.
        house.open_counter("1").await;
        let pause = |reason: &str| PauseCounterRequest {
            counter: house.counter("1").id.clone(),
            reason: reason.to_owned(),
            ..PauseCounterRequest::default()
        };
        assert_eq!(staff.pause_counter(pause("")).await.expect_err("a reason").fields, ["reason"]);
        let counter = staff.pause_counter(pause("salat zuhur")).await.expect("paused").counter.expect("a counter");
        assert_eq!((counter.state(), counter.reason.as_str()), (CounterState::Break, "salat zuhur"));
        assert_eq!(house.call("1").await.expect_err("on break").reason, "COUNTER_NOT_OPEN");
        let resume = ResumeCounterRequest { counter: house.counter("1").id.clone(), ..ResumeCounterRequest::default() };
        let counter = staff.resume_counter(resume).await.expect("resumed").counter.expect("a counter");
        assert_eq!((counter.state(), counter.reason.as_str()), (CounterState::Open, ""));
        let ticket = house.call("1").await.expect("somebody waits");
        let counter = house.counter_now("1").await;
        assert_eq!((counter.state(), &counter.current_ticket_id), (CounterState::Serving, &ticket.id));
        let close = CloseCounterRequest { counter: house.counter("1").id.clone(), ..CloseCounterRequest::default() };
        assert_eq!(staff.close_counter(close.clone()).await.expect_err("busy").reason, "COUNTER_BUSY");
        house.start("1", &ticket).await;
        house.finish("1", &ticket).await;
        let counter = staff.close_counter(close).await.expect("closed").counter.expect("a counter");
        assert_eq!(counter.state(), CounterState::Closed);
        history::verify(&house).await;
    }

    /// 9. Calling is one atomic command: 20 counters × 100 presses never give one ticket twice.
    async fn must_09_twenty_counters_pressing_never_share_a_ticket(engine) {
        let house = House::with(engine, |hall| {
            let ktp = service_of(hall, "KTP");
            ktp.max_calls = 1;
            ktp.series = Some(Series { prefix: "A".into(), digits: 4, ..Series::default() });
            hall.counters = (1..=20)
                .map(|number| Counter {
                    number: number.to_string(),
                    agency_code: "DUKCAPIL".into(),
                    zone_code: "U".into(),
                    ..Counter::default()
                })
                .collect();
        }).await;
        let house = Arc::new(house);
        let kiosk = house.kiosk();
        // 1,900 tickets for 2,000 presses: the last presses find nobody.
        for _ in 0..19 {
            for answer in join_all((0..100).map(|_| kiosk.issue_ticket(house.wants("KTP")))).await {
                answer.expect("a ticket");
            }
        }
        let counters = (1..=20).map(|number| {
            let house = Arc::clone(&house);
            tokio::spawn(async move {
                let number = number.to_string();
                let (mut called, mut nobody) = (Vec::new(), 0);
                for _ in 0..100 {
                    match house.call(&number).await {
                        Ok(ticket) => {
                            // The shortest way to a free counter: nobody came, and one call is the limit.
                            house.no_show(&number, &ticket).await;
                            called.push(ticket.number);
                        }
                        Err(refusal) => {
                            assert_eq!(refusal.what(), (Code::FailedPrecondition, "NOBODY_WAITING"));
                            nobody += 1;
                        }
                    }
                }
                (called, nobody)
            })
        });
        let (mut all, mut presses, mut none) = (HashSet::new(), 0, 0);
        for counter in join_all(counters).await {
            let (called, nobody) = counter.expect("the counter's work");
            presses += called.len();
            none += nobody;
            all.extend(called);
        }
        assert_eq!((presses, none, all.len()), (1900, 100, 1900), "each ticket was called once");
        history::verify(&house).await;
    }

    /// 10. A counter with an active ticket gets "still holds T" instead of a second one.
    async fn must_10_a_busy_counter_is_told_what_it_holds(engine) {
        let house = House::open(engine).await;
        let first = house.issue("KTP").await;
        house.issue("KTP").await;
        let held = house.call("1").await.expect("called");
        assert_eq!(held.id, first.id);
        for serving in [false, true] {
            if serving {
                house.start("1", &held).await;
            }
            let refusal = house.call("1").await.expect_err("busy");
            assert_eq!(refusal.what(), (Code::FailedPrecondition, "COUNTER_BUSY"));
            assert_eq!((refusal.metadata["ticket"].as_str(), refusal.metadata["ticketNumber"].as_str()), (first.id.as_str(), "A001"));
            assert!(refusal.message.contains("A001"), "{}", refusal.message);
        }
        // A double click with a new request id and what the page believes.
        let believes = |ticket: &str| CallNextRequest {
            counter: house.counter("2").id.clone(),
            expected_current: Some(ticket.to_owned()),
            ..CallNextRequest::default()
        };
        let two = house.staff("2");
        let second = two.call_next(believes("")).await.expect("called").ticket.expect("a ticket");
        let refusal = two.call_next(believes("")).await.expect_err("it holds one by now");
        assert_eq!(refusal.what(), (Code::Aborted, "UNEXPECTED_CURRENT"));
        assert_eq!(refusal.metadata["ticket"], second.id);
        assert_eq!(house.line("1").await, Vec::<String>::new());
        history::verify(&house).await;
    }

    /// 11. Ordering is deterministic, and the preview explains in a sentence why a ticket is next.
    async fn must_11_the_preview_explains_who_is_next_and_is_right(engine) {
        let house = House::open(engine).await;
        for _ in 0..2 {
            house.issue("KTP").await;
        }
        for _ in 0..3 {
            house.issue_priority("KTP").await;
        }
        house.issue_appointment("KK", 5).await;
        let mut reasons = Vec::new();
        loop {
            let preview = house.preview("1").await;
            let Some(ticket) = preview.ticket.clone() else {
                assert_eq!(preview.reason(), ChoiceReason::NobodyWaiting);
                break;
            };
            assert_eq!(house.preview("1").await.ticket, preview.ticket, "asking changes nothing");
            assert!(preview.explanation.contains(&ticket.number), "{}", preview.explanation);
            let request = PreviewNextRequest { counter: house.counter("1").id.clone() };
            let english = house.staff("1").english().preview_next(request).await.expect("a preview").explanation;
            assert_ne!(english, preview.explanation);
            let desk = house.desk("1").await;
            assert_eq!((desk.next_ticket_id.as_str(), desk.next_reason()), (ticket.id.as_str(), preview.reason()));
            let called = house.call("1").await.expect("somebody waits");
            assert_eq!(called.id, ticket.id, "the preview said so");
            assert_eq!(house.preview("1").await.reason(), ChoiceReason::CounterBusy);
            reasons.push((called.number.clone(), preview.reason()));
            house.start("1", &called).await;
            house.finish("1", &called).await;
        }
        use ChoiceReason::{Arrival, Priority, Ratio};
        let expected = [
            ("A003", Priority), ("A004", Priority),
            // Passed over twice, which is the ratio: the first ordinary one and then the appointment.
            ("A001", Ratio), ("B001", Ratio), ("A005", Priority), ("A002", Arrival),
        ];
        let reasons: Vec<(&str, ChoiceReason)> = reasons.iter().map(|(number, reason)| (number.as_str(), *reason)).collect();
        assert_eq!(reasons, expected);
        let pause = PauseCounterRequest { counter: house.counter("1").id.clone(), reason: "rehat".into(), ..PauseCounterRequest::default() };
        house.staff("1").pause_counter(pause).await.expect("paused");
        assert_eq!(house.preview("1").await.reason(), ChoiceReason::CounterNotOpen);
    }

    /// 12. With priority visitors who never stop coming, an ordinary ticket is called after at most `ratio` of them.
    async fn must_12_nobody_starves(engine) {
        for ratio in [1_usize, 3] {
            let house = House::with(engine, |hall| {
                hall.agencies[0].priority_ratio = i32::try_from(ratio).expect("small");
                hall.code = format!("MPP-R{ratio}");
            }).await;
            for _ in 0..4 {
                house.issue("KTP").await;
            }
            let mut kinds = Vec::new();
            for press in 0..4 * (ratio + 1) {
                // One arrives for each that is called, and two wait at the start.
                house.issue_priority("KTP").await;
                if press == 0 {
                    house.issue_priority("KTP").await;
                }
                let counter = if press % 2 == 0 { "1" } else { "2" };
                let called = house.serve(counter, 1).await;
                kinds.push(called.priority() == Priority::Elderly);
            }
            for turn in kinds.chunks(ratio + 1) {
                assert_eq!(turn.iter().filter(|priority| **priority).count(), ratio, "{kinds:?}");
                assert!(!turn[ratio], "the ordinary visitor's turn comes after {ratio}");
            }
        }
    }

    /// 19. Undo restores the former position exactly.
    async fn must_19_undo_gives_the_place_back_exactly(engine) {
        let house = House::open(engine).await;
        for _ in 0..3 {
            house.issue("KTP").await;
        }
        house.issue_priority("KTP").await;
        house.issue_priority("KK").await;
        house.issue("KK").await;
        for presses in 0..4 {
            let before = (house.line("1").await, house.line("2").await);
            let statistics = house.statistics().await;
            let called = house.call("1").await.expect("somebody waits");
            house.wait(3);
            let back = house.undo("1", &called).await.expect("in time");
            assert_eq!((back.state(), back.call_count, back.counter_id.as_str()), (TicketState::Waiting, 0, ""));
            assert_eq!((house.line("1").await, house.line("2").await), before, "press {presses}");
            assert_eq!(house.statistics().await, statistics, "as if it had not been called");
            house.serve("1", 1).await;
        }
        // Ten seconds, and not after it was announced again or begun.
        let called = house.call("1").await.expect("somebody waits");
        house.wait(11);
        assert_eq!(house.undo("1", &called).await.expect_err("too late").what(), (Code::FailedPrecondition, "UNDO_TOO_LATE"));
        history::verify(&house).await;
    }

    /// 20. A specific call needs permission and a reason, and is audited.
    async fn must_20_a_specific_call_needs_permission_and_reason(engine) {
        let house = House::open(engine).await;
        house.issue("KTP").await;
        let second = house.issue("KTP").await;
        let request = |reason: &str| CallTicketRequest {
            counter: house.counter("1").id.clone(),
            ticket: second.id.clone(),
            reason: reason.to_owned(),
            ..CallTicketRequest::default()
        };
        let refusal = house.staff("1").call_ticket(request("ibu melahirkan")).await.expect_err("not permitted");
        assert_eq!(refusal.what(), (Code::PermissionDenied, "PERMISSION_MISSING"));
        let supervisor = house.supervisor("DUKCAPIL");
        for reason in ["", "ab", &"x".repeat(201)] {
            let refusal = supervisor.call_ticket(request(reason)).await.expect_err("a reason of 3 to 200 characters");
            assert_eq!((refusal.code, refusal.fields), (Code::InvalidArgument, vec!["reason".to_owned()]));
        }
        let called = supervisor.call_ticket(request("ibu melahirkan")).await.expect("called").ticket.expect("a ticket");
        assert_eq!((called.id.as_str(), called.state()), (second.id.as_str(), TicketState::Called));
        assert_eq!(house.line("1").await, ["A001"]);
        let event = house.events().await.pop().expect("the last event");
        assert_eq!((event.kind(), event.reason.as_str()), (EventKind::TicketCalledSpecific, "ibu melahirkan"));
        assert_eq!(event.actor.expect("an actor").id, "acc_supervisor_DUKCAPIL");
        assert_eq!(event.counter_id, house.counter("1").id);
        history::verify(&house).await;
    }

    /// 21. Any illegal transition gives a typed error with the current state, and changes nothing.
    async fn must_21_illegal_transitions_are_refused_with_the_state(engine) {
        let house = House::open(engine).await;
        let manager = house.manager();
        let waiting = house.issue("KTP").await;
        let parked = {
            let ticket = house.issue("KK").await;
            house.call("1").await.expect("called");
            assert_eq!(house.ticket(&waiting.id).await.state(), TicketState::Called);
            house.undo("1", &waiting).await.expect("in time");
            let request = CallTicketRequest {
                counter: house.counter("1").id.clone(), ticket: ticket.id.clone(), reason: "contoh".into(), ..CallTicketRequest::default()
            };
            let called = manager.call_ticket(request).await.expect("called").ticket.expect("a ticket");
            house.park("1", &called, "fotokopi").await
        };
        let done = {
            house.issue("STNK").await;
            house.serve("3", 5).await
        };
        for (ticket, state, allowed) in [
            (&waiting.id, "TICKET_STATE_WAITING", "TICKET_VERB_CALL,TICKET_VERB_CANCEL"),
            (&parked.id, "TICKET_STATE_PARKED", "TICKET_VERB_RESUME,TICKET_VERB_TRANSFER,TICKET_VERB_CANCEL"),
            (&done.id, "TICKET_STATE_DONE", ""),
        ] {
            let before = house.ticket(ticket).await;
            let id = ticket.clone();
            let refusals = [
                manager.recall_ticket(RecallTicketRequest { ticket: id.clone(), ..RecallTicketRequest::default() }).await.err(),
                manager.start_ticket(StartTicketRequest { ticket: id.clone(), ..StartTicketRequest::default() }).await.err(),
                manager.finish_ticket(FinishTicketRequest { ticket: id.clone(), ..FinishTicketRequest::default() }).await.err(),
                manager.no_show_ticket(NoShowTicketRequest { ticket: id.clone(), ..NoShowTicketRequest::default() }).await.err(),
                manager.undo_call(UndoCallRequest { ticket: id.clone(), ..UndoCallRequest::default() }).await.err(),
                manager.park_ticket(ParkTicketRequest { ticket: id.clone(), ..ParkTicketRequest::default() }).await.err(),
                manager
                    .restore_ticket(RestoreTicketRequest { ticket: id.clone(), reason: "alasan".into(), ..RestoreTicketRequest::default() })
                    .await
                    .err(),
                manager
                    .release_ticket(ReleaseTicketRequest { ticket: id.clone(), reason: "alasan".into(), ..ReleaseTicketRequest::default() })
                    .await
                    .err(),
            ];
            for refusal in refusals {
                let refusal = refusal.expect("it is not permitted");
                assert_eq!(refusal.what(), (Code::FailedPrecondition, "ILLEGAL_TRANSITION"));
                assert_eq!(refusal.metadata["state"], state);
                assert_eq!(refusal.metadata["allowedVerbs"], allowed);
            }
            assert_eq!(house.ticket(ticket).await, before, "nothing changed");
        }
        history::verify(&house).await;
    }

    /// 22. A stale version is refused, and nothing is lost.
    async fn must_22_a_stale_version_is_refused(engine) {
        let house = House::open(engine).await;
        house.issue("KTP").await;
        let called = house.call("1").await.expect("called");
        // Two tabs of one counter decide at once on the same version: one wins, the other is told.
        let staff = house.staff("1");
        let start = StartTicketRequest { ticket: called.id.clone(), version: called.version, ..StartTicketRequest::default() };
        let absent = NoShowTicketRequest { ticket: called.id.clone(), version: called.version, ..NoShowTicketRequest::default() };
        let (one, two) = tokio::join!(staff.start_ticket(start), staff.no_show_ticket(absent));
        let (won, lost) = match (one.map(|it| it.ticket), two.map(|it| it.ticket)) {
            (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won.expect("a ticket"), lost),
            other => panic!("exactly one wins: {other:?}"),
        };
        assert_eq!(lost.what(), (Code::Aborted, "VERSION_MISMATCH"));
        assert_eq!((lost.metadata["expectedVersion"].as_str(), lost.metadata["version"].as_str()), ("2", "3"));
        let now = house.ticket(&called.id).await;
        assert_eq!((now.version, now.state()), (won.version, won.state()));
        history::verify(&house).await;
    }

    /// 23. What is checked in is an appointment of today: anything else is refused by its field, and stops nothing.
    async fn must_23_an_appointment_is_one_of_the_business_date(engine) {
        let house = House::open(engine).await;
        let wants = |seconds: i64| IssueTicketRequest {
            appointment_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            ..house.wants("KTP")
        };
        let now = house.clock.now().timestamp();
        // Tomorrow, yesterday, the end of the calendar, and what no calendar knows.
        for seconds in [now + 24 * 3600, now - 24 * 3600, 253_402_300_799, 8_210_266_876_799, i64::MAX, i64::MIN] {
            let refusal = house.kiosk().issue_ticket(wants(seconds)).await.expect_err("not today");
            assert_eq!((refusal.code, refusal.fields), (Code::InvalidArgument, vec!["appointmentTime".to_owned()]), "{seconds}");
        }
        // The first and the last minute of the date in the hall, which is Monday 2 March 2026 in UTC+7.
        for at in ["2026-03-01T17:00:00Z", "2026-03-02T16:59:59Z"] {
            let at: DateTime<Utc> = at.parse().expect("a moment");
            house.kiosk().issue_ticket(wants(at.timestamp())).await.expect("today");
        }
        house.issue("KTP").await;
        assert!(house.call("1").await.is_ok(), "the hall goes on");
        history::verify(&house).await;
    }

    /// 23. Appointments: the same queue; not ahead before their window; late ones are walk-ins.
    async fn must_23_appointments_are_early_due_or_late(engine) {
        let house = House::open(engine).await;
        let early = house.issue_appointment("KTP", 30).await;
        assert!(early.appointment_time.is_some());
        let ordinary = house.issue("KTP").await;
        assert_eq!(house.line("1").await, [ordinary.number.clone(), early.number.clone()], "before its window");
        house.wait(15 * 60);
        assert_eq!(house.preview("1").await.reason(), ChoiceReason::Appointment);
        assert_eq!(house.line("1").await, [early.number.clone(), ordinary.number.clone()], "due");
        let late = house.issue_appointment("KTP", -16).await;
        let last = house.issue("KTP").await;
        assert_eq!(
            house.line("1").await,
            [early.number.clone(), ordinary.number.clone(), late.number.clone(), last.number.clone()],
            "late is a walk-in by arrival"
        );
        // Not called at its time, the appointment becomes a walk-in too: it arrived first.
        house.wait(31 * 60);
        assert_eq!(house.preview("1").await.reason(), ChoiceReason::Arrival);
        assert_eq!(house.call("1").await.expect("called").id, early.id);
        // Alone, an early one is called although it is early.
        let house = House::open(engine).await;
        house.issue_appointment("KTP", 120).await;
        assert_eq!(house.preview("1").await.reason(), ChoiceReason::EarlyAppointment);
        assert!(house.call("1").await.is_ok());
        history::verify(&house).await;
    }
}

//! Lines 13 to 18: recall, no-show, restore, finish, park, transfer.

use mpp_kit::testing::Engine;
use mpp_proto::queue::v1::*;
use tonic::Code;

use super::history;
use super::house::{House, Refusal, service_of};

impl House {
    async fn recall(&self, number: &str, ticket: &Ticket) -> Result<Ticket, Refusal> {
        let request = RecallTicketRequest { ticket: ticket.id.clone(), ..RecallTicketRequest::default() };
        self.staff(number).recall_ticket(request).await.map(|answer| answer.ticket.expect("a ticket"))
    }

    async fn resume(&self, number: &str, ticket: &Ticket) -> Result<Ticket, Refusal> {
        let request = ResumeTicketRequest {
            ticket: ticket.id.clone(),
            counter_id: self.counter(number).id.clone(),
            ..ResumeTicketRequest::default()
        };
        self.staff(number).resume_ticket(request).await.map(|answer| answer.ticket.expect("a ticket"))
    }

    fn restoring(ticket: &Ticket, reason: &str) -> RestoreTicketRequest {
        RestoreTicketRequest {
            ticket: ticket.id.clone(),
            reason: reason.to_owned(),
            ..RestoreTicketRequest::default()
        }
    }
}

lines! {
    /// 13. Recall announces the same ticket again and counts; only for the holder; with a least gap.
    async fn must_13_recall_announces_again(engine) {
        let house = House::with(engine, |hall| service_of(hall, "KTP").recall_gap_seconds = 20).await;
        house.issue("KTP").await;
        let called = house.call("1").await.expect("called");
        assert_eq!(called.call_count, 1);
        house.wait(19);
        let refusal = house.recall("1", &called).await.expect_err("too soon");
        assert_eq!(refusal.what(), (Code::FailedPrecondition, "RECALL_TOO_SOON"));
        house.wait(1);
        // A colleague of the same agency is told who holds it.
        let refusal = house.recall("2", &called).await.expect_err("not the holder");
        assert_eq!(refusal.what(), (Code::PermissionDenied, "NOT_THE_HOLDER"));
        assert_eq!(refusal.metadata["counterNumber"], "1");
        let again = house.recall("1", &called).await.expect("announced again");
        assert_eq!((again.call_count, again.state(), again.version), (2, TicketState::Called, 3));
        let calls = house.board_of("").await.last_calls;
        let spoken: Vec<(i32, &str)> = calls.iter().map(|call| (call.repeat, call.ticket_number.as_str())).collect();
        assert_eq!(spoken, [(2, "A001"), (1, "A001")], "newest first");
        assert!(calls[0].id > calls[1].id, "a new announcement");
        assert!(house.recall("1", &again).await.is_err(), "the gap holds for each call");
        history::verify(&house).await;
    }

    /// 13, the other side: who reaches the counter but does not work there, as a supervisor, says why; and the log shows it.
    async fn must_13_who_is_not_the_holder_says_why(engine) {
        let house = House::open(engine).await;
        house.issue("KTP").await;
        let called = house.call("1").await.expect("called");
        let supervisor = house.supervisor("DUKCAPIL");
        let ticket = called.id.clone();
        let recall = |reason: &str| RecallTicketRequest {
            ticket: ticket.clone(), reason: reason.to_owned(), ..RecallTicketRequest::default()
        };
        let refusal = supervisor.recall_ticket(recall("")).await.expect_err("why?");
        assert_eq!(refusal.what(), (Code::InvalidArgument, "REASON_REQUIRED"));
        assert_eq!((refusal.fields.join(","), refusal.metadata["counterNumber"].as_str()), ("reason".to_owned(), "1"));
        let refusal = supervisor.recall_ticket(recall("  x ")).await.expect_err("that says nothing");
        assert_eq!(refusal.what(), (Code::InvalidArgument, "REASON_REQUIRED"));
        let start = |reason: &str| StartTicketRequest {
            ticket: ticket.clone(), reason: reason.to_owned(), ..StartTicketRequest::default()
        };
        let finish = |reason: &str| FinishTicketRequest {
            ticket: ticket.clone(), reason: reason.to_owned(), ..FinishTicketRequest::default()
        };
        let park = |reason: &str| ParkTicketRequest {
            ticket: ticket.clone(), reason: reason.to_owned(), ..ParkTicketRequest::default()
        };
        let no_show = |reason: &str| NoShowTicketRequest {
            ticket: ticket.clone(), reason: reason.to_owned(), ..NoShowTicketRequest::default()
        };
        let undo = |reason: &str| UndoCallRequest {
            ticket: ticket.clone(), reason: reason.to_owned(), ..UndoCallRequest::default()
        };
        let transfer = |reason: &str| TransferTicketRequest {
            ticket: ticket.clone(), service_id: house.service("KK").id.clone(), reason: reason.to_owned(),
            ..TransferTicketRequest::default()
        };
        let cancel = |reason: &str| CancelTicketRequest {
            ticket: ticket.clone(), reason: reason.to_owned(), ..CancelTicketRequest::default()
        };
        for refusal in [
            supervisor.start_ticket(start("")).await.expect_err("why?"),
            supervisor.park_ticket(park("")).await.expect_err("why?"),
            supervisor.no_show_ticket(no_show("")).await.expect_err("why?"),
            supervisor.undo_call(undo("")).await.expect_err("why?"),
            supervisor.transfer_ticket(transfer("")).await.expect_err("why?"),
            house.manager().cancel_ticket(cancel("")).await.expect_err("why?"),
            house.reception().cancel_ticket(cancel("")).await.expect_err("why?"),
        ] {
            assert_eq!(refusal.what(), (Code::InvalidArgument, "REASON_REQUIRED"));
            assert_eq!(refusal.fields, ["reason"]);
        }
        assert_eq!(house.ticket(&called.id).await, called, "nothing has changed");
        // With a reason it happens, and the reason is in the log; of the counter's own staff none is asked.
        house.wait(60);
        supervisor.recall_ticket(recall("pemohon menunggu di lobi")).await.expect("announced");
        supervisor.start_ticket(start("petugas dipanggil atasan")).await.expect("started");
        let refusal = supervisor.finish_ticket(finish("")).await.expect_err("why?");
        assert_eq!(refusal.reason, "REASON_REQUIRED");
        supervisor.finish_ticket(finish("petugas pulang sakit")).await.expect("finished");
        house.issue("KTP").await;
        let own = house.call("1").await.expect("called");
        house.start("1", &own).await;
        house.finish("1", &own).await;
        let said: Vec<(EventKind, String)> = house
            .events()
            .await
            .into_iter()
            .filter(|event| matches!(
                event.kind(),
                EventKind::TicketRecalled | EventKind::TicketStarted | EventKind::TicketFinished
            ))
            .map(|event| (event.kind(), event.reason))
            .collect();
        let expected = [
            (EventKind::TicketRecalled, "pemohon menunggu di lobi"),
            (EventKind::TicketStarted, "petugas dipanggil atasan"),
            (EventKind::TicketFinished, "petugas pulang sakit"),
            (EventKind::TicketStarted, ""),
            (EventKind::TicketFinished, ""),
        ];
        assert_eq!(said, expected.map(|(kind, why)| (kind, why.to_owned())));
        // A supervisor who takes a counter over works there.
        house.issue("KTP").await;
        let open = OpenCounterRequest { counter: house.counter("2").id.clone(), ..OpenCounterRequest::default() };
        supervisor.open_counter(open).await.expect("opened");
        let next = CallNextRequest { counter: house.counter("2").id.clone(), ..CallNextRequest::default() };
        let taken = supervisor.call_next(next).await.expect("called").ticket.expect("a ticket");
        let start = StartTicketRequest { ticket: taken.id, ..StartTicketRequest::default() };
        supervisor.start_ticket(start).await.expect("nobody else's");
        history::verify(&house).await;
    }

    /// 14. Below the limit of its service an absent visitor goes back to the original place with a cooldown; at the limit
    /// the ticket is a no-show.
    async fn must_14_absent_visitors_wait_again_until_the_limit_of_their_service(engine) {
        let house = House::with(engine, |hall| {
            let ktp = service_of(hall, "KTP");
            (ktp.max_calls, ktp.no_show_cooldown_seconds) = (3, 60);
            service_of(hall, "KK").max_calls = 1;
        }).await;
        let first = house.issue("KTP").await;
        house.issue("KTP").await;
        let called = house.call("1").await.expect("called");
        let back = house.no_show("1", &called).await;
        assert_eq!((back.id.as_str(), back.state(), back.call_count), (first.id.as_str(), TicketState::Waiting, 1));
        assert!(back.not_before.is_some());
        assert_eq!(house.desk("1").await.counter.expect("a counter").current_ticket_id, "");
        // In its cooldown the next one is called; then it stands at its original place again.
        let other = house.call("1").await.expect("called");
        assert_eq!(other.number, "A002");
        house.no_show("1", &other).await;
        let refusal = house.call("1").await.expect_err("both are in their cooldown");
        assert_eq!(refusal.what(), (Code::FailedPrecondition, "NOBODY_WAITING"));
        assert!(refusal.metadata.contains_key("retryAfter"), "{refusal:?}");
        house.wait(60);
        assert_eq!(house.line("1").await, ["A001", "A002"]);
        for calls in 2..=3 {
            let called = house.call("1").await.expect("called");
            assert_eq!((called.id.as_str(), called.call_count), (first.id.as_str(), calls));
            let after = house.no_show("1", &called).await;
            let expected = if calls == 3 { TicketState::NoShow } else { TicketState::Waiting };
            assert_eq!(after.state(), expected);
            house.wait(61);
        }
        // The limit is that of the ticket's service.
        house.serve("1", 1).await;
        house.issue("KK").await;
        let called = house.call("1").await.expect("called");
        assert_eq!(house.no_show("1", &called).await.state(), TicketState::NoShow);
        assert_eq!(house.desk("1").await.no_shows.len(), 2);
        history::verify(&house).await;
    }

    /// 15. A no-show is restored by permitted staff on the same day, at the configured position, with a reason.
    async fn must_15_a_no_show_is_restored_at_its_position(engine) {
        for (restore_after, place) in [(0, 0), (2, 2), (-1, 3)] {
            let house = House::with(engine, |hall| {
                let ktp = service_of(hall, "KTP");
                (ktp.max_calls, ktp.restore_after) = (1, restore_after);
            }).await;
            let first = house.issue("KTP").await;
            for _ in 0..3 {
                house.issue("KTP").await;
            }
            let called = house.call("1").await.expect("called");
            let gone = house.no_show("1", &called).await;
            assert_eq!(gone.state(), TicketState::NoShow);
            let kiosk = house.kiosk().restore_ticket(House::restoring(&gone, "datang terlambat")).await;
            assert_eq!(kiosk.expect_err("not permitted").code, Code::PermissionDenied);
            let refusal = house.reception().restore_ticket(House::restoring(&gone, "x")).await.expect_err("a reason");
            assert_eq!((refusal.code, refusal.fields), (Code::InvalidArgument, vec!["reason".to_owned()]));
            let back = house.reception().restore_ticket(House::restoring(&gone, "datang terlambat")).await;
            let back = back.expect("restored").ticket.expect("a ticket");
            assert_eq!((back.state(), back.number.as_str(), back.call_count), (TicketState::Waiting, "A001", 0));
            assert_eq!(house.line("1").await.iter().position(|number| *number == first.number), Some(place));
            let event = house.events().await.pop().expect("the last event");
            assert_eq!((event.kind(), event.reason.as_str()), (EventKind::TicketRestored, "datang terlambat"));
            assert_eq!(event.actor.expect("an actor").id, "acc_reception");
            history::verify(&house).await;
        }
    }

    /// 15. Not on the next day.
    async fn must_15_a_no_show_of_yesterday_stays_one(engine) {
        let house = House::with(engine, |hall| service_of(hall, "KTP").max_calls = 1).await;
        house.issue("KTP").await;
        let called = house.call("1").await.expect("called");
        let gone = house.no_show("1", &called).await;
        house.close_day().await;
        let refusal = house.reception().restore_ticket(House::restoring(&gone, "datang terlambat")).await.expect_err("closed");
        assert_eq!(refusal.what(), (Code::FailedPrecondition, "DAY_NOT_OPEN"));
        house.wait(24 * 3600);
        house.open_day().await;
        let refusal = house.reception().restore_ticket(House::restoring(&gone, "datang terlambat")).await.expect_err("another day");
        assert!(matches!(refusal.code, Code::NotFound | Code::FailedPrecondition), "{refusal:?}");
        assert_eq!(house.ticket(&gone.id).await.state(), TicketState::NoShow);
        history::verify(&house).await;
    }

    /// 16. Start, and finish with outcome and delivered services with counts.
    async fn must_16_finish_says_outcome_and_what_was_delivered(engine) {
        let house = House::open(engine).await;
        for (outcome, quantity) in [
            (Outcome::Done, 2),
            (Outcome::IncompleteDocuments, 0),
            (Outcome::NotProvided, 0),
            (Outcome::Cancelled, 0),
        ] {
            house.issue("KTP").await;
            let called = house.call("1").await.expect("called");
            house.wait(40);
            let serving = house.start("1", &called).await;
            assert_eq!(serving.state(), TicketState::Serving);
            assert!(serving.start_time.is_some());
            house.wait(300);
            let delivered = (quantity > 0)
                .then(|| DeliveredService { service_id: house.service("KK").id.clone(), quantity })
                .into_iter()
                .collect::<Vec<_>>();
            let request = FinishTicketRequest {
                ticket: called.id.clone(),
                outcome: outcome.into(),
                delivered: delivered.clone(),
                ..FinishTicketRequest::default()
            };
            let done = house.staff("1").finish_ticket(request).await.expect("finished").ticket.expect("a ticket");
            assert_eq!((done.state(), done.outcome(), done.delivered), (TicketState::Done, outcome, delivered));
            let leg = &done.legs[0];
            assert_eq!((done.legs.len(), leg.outcome()), (1, LegOutcome::Served));
            let seconds = |time: &Option<prost_types::Timestamp>| time.expect("a time").seconds;
            assert_eq!(seconds(&leg.start_time) - seconds(&leg.call_time), 40);
            assert_eq!(seconds(&leg.end_time) - seconds(&leg.start_time), 300);
        }
        // Nothing said is the ticket's service, once.
        house.issue("KK").await;
        let done = house.serve("1", 1).await;
        let line = DeliveredService { service_id: house.service("KK").id.clone(), quantity: 1 };
        assert_eq!((done.outcome(), done.delivered), (Outcome::Done, vec![line]));
        assert_eq!(house.desk("1").await.finished, 5);
        // Wrong lines are refused: a quantity of none, another agency's service.
        house.issue("KTP").await;
        let called = house.call("1").await.expect("called");
        house.start("1", &called).await;
        let finish = |service: &str, quantity| FinishTicketRequest {
            ticket: called.id.clone(),
            delivered: vec![DeliveredService { service_id: house.service(service).id.clone(), quantity }],
            ..FinishTicketRequest::default()
        };
        let refusal = house.staff("1").finish_ticket(finish("KTP", 0)).await.expect_err("none is no delivery");
        assert_eq!(refusal.code, Code::InvalidArgument);
        let refusal = house.staff("1").finish_ticket(finish("STNK", 1)).await.expect_err("another agency's");
        assert_eq!(refusal.code, Code::NotFound);
        history::verify(&house).await;
    }

    /// 17. Park and resume; parked tickets are never called by themselves; counter and note are seen by colleagues.
    async fn must_17_parked_tickets_are_seen_and_never_called_by_themselves(engine) {
        let house = House::open(engine).await;
        house.issue("KTP").await;
        let called = house.call("1").await.expect("called");
        house.start("1", &called).await;
        let parked = house.park("1", &called, "ambil fotokopi KK").await;
        assert_eq!((parked.state(), &parked.counter_id), (TicketState::Parked, &house.counter("1").id));
        house.wait(4 * 3600);
        assert_eq!(house.call("1").await.expect_err("nobody").reason, "NOBODY_WAITING");
        // Colleagues of the agency see it, with the note; the neighbour does not.
        for number in ["1", "2"] {
            let seen = house.desk(number).await.parked;
            assert_eq!((seen.len(), seen[0].note.as_str(), &seen[0].counter_id), (1, "ambil fotokopi KK", &house.counter("1").id));
        }
        assert_eq!(house.desk("3").await.parked, []);
        let resumed = house.resume("2", &parked).await.expect("a colleague takes it on");
        assert_eq!((resumed.state(), &resumed.counter_id), (TicketState::Called, &house.counter("2").id));
        assert_eq!(house.board_of("").await.last_calls[0].counter_number, "2", "the visitor is called there");
        house.start("2", &resumed).await;
        house.finish("2", &resumed).await;
        let refusal = house.resume("2", &parked).await.expect_err("it has ended");
        assert_eq!(refusal.reason, "ILLEGAL_TRANSITION");
        history::verify(&house).await;
    }

    /// 18. Transfer to another service or agency keeps number and arrival, makes a new leg, and the source counts as
    /// transferred, not finished.
    async fn must_18_transfer_keeps_number_and_arrival(engine) {
        let house = House::open(engine).await;
        let first = house.issue("KTP").await;
        house.wait(60);
        house.issue("STNK").await;
        house.wait(60);
        let called = house.call("1").await.expect("called");
        house.start("1", &called).await;
        house.wait(300);
        let sent = house.transfer("1", &called, "STNK").await;
        assert_eq!((&sent.number, &sent.arrival_time, sent.state()), (&first.number, &first.arrival_time, TicketState::Waiting));
        assert_eq!((&sent.service_id, &sent.agency_id), (&house.service("STNK").id, &house.agency("SAMSAT").id));
        assert_eq!(sent.legs.iter().map(Leg::outcome).collect::<Vec<_>>(), [LegOutcome::Transferred, LegOutcome::Unspecified]);
        assert_eq!((sent.note.as_str(), sent.call_count), ("berkas lengkap", 0));
        // It arrived first, so it is first there too; and one number is at one counter.
        assert_eq!(house.line("3").await, ["A001", "C001"]);
        assert_eq!(house.line("1").await, Vec::<String>::new());
        assert_eq!(house.desk("1").await.finished, 0);
        let called = house.call("3").await.expect("called");
        assert_eq!(called.id, first.id);
        house.start("3", &called).await;
        house.wait(100);
        let done = house.finish("3", &called).await;
        assert_eq!(done.legs.len(), 2);
        let statistics = house.statistics().await;
        let row = |key: &str| statistics.agencies.iter().find(|row| row.key == key).expect("a row").clone();
        let (source, target) = (row(&house.agency("DUKCAPIL").id), row(&house.agency("SAMSAT").id));
        assert_eq!((source.issued, source.transferred, source.served), (1, 1, 0));
        assert_eq!((target.issued, target.transferred, target.served), (2, 0, 1));
        // Within the agency, and back to the same service.
        house.issue("KTP").await;
        let called = house.call("2").await.expect("called");
        let same = TransferTicketRequest {
            ticket: called.id.clone(), service_id: house.service("KTP").id.clone(), ..TransferTicketRequest::default()
        };
        assert_eq!(house.staff("2").transfer_ticket(same).await.expect_err("the same").reason, "SAME_SERVICE");
        let sent = house.transfer("2", &called, "KK").await;
        assert_eq!((sent.number.as_str(), &sent.service_id), ("A002", &house.service("KK").id));
        history::verify(&house).await;
    }
}

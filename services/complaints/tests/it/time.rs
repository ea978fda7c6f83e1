//! Clocks that cannot be forgotten.

use std::collections::HashMap;

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_proto::complaints::v1::*;
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::ExprTrait as _;
use tonic::Code;

use crate::regency::*;

fn clock(case: &Complaint, kind: ClockKind) -> CaseClock {
    case.clocks.iter().rev().find(|it| it.kind() == kind).expect("the clock").clone()
}

pub(crate) fn calendar(periods: &[(u32, &str, &str)], free: &[&str]) -> CalendarVersion {
    CalendarVersion {
        id: REGENCY.to_owned(),
        zone: "WITA".to_owned(),
        periods: periods
            .iter()
            .map(|(weekday, from, to)| WorkingPeriod {
                weekday: *weekday,
                from: (*from).to_owned(),
                to: (*to).to_owned(),
            })
            .collect(),
        free_days: free
            .iter()
            .map(|date| FreeDay { date: (*date).to_owned(), name: "Libur daerah".to_owned() })
            .collect(),
        ..CalendarVersion::default()
    }
}

pub(crate) fn week() -> Vec<(u32, &'static str, &'static str)> {
    (1..=5).flat_map(|day| [(day, "08:00", "12:00"), (day, "13:00", "16:00")]).collect()
}

async fn apply(regency: &Regency, calendar: CalendarVersion) -> ApplyCalendarResponse {
    let request = ApplyCalendarRequest { request_id: String::new(), calendar: Some(calendar) };
    regency.coordinator().apply_calendar(request).await.expect("a calendar")
}

/// How often the clocks of a calendar were counted again to the end.
pub(crate) async fn recounts(regency: &Regency) -> usize {
    let told = sea_orm::sea_query::Expr::col("what").eq("calendar.recounted");
    let select = sea_orm::sea_query::Query::select().column("detail").from("journal").and_where(told).take();
    regency.db.db.read.query_all(&select).await.unwrap().len()
}

lines! {
    async fn c_34_five_clocks_with_their_own_rules(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        let case = regency.disposed(&filed.id).await;
        let kinds: Vec<_> = case.clocks.iter().map(|it| (it.kind(), it.state(), it.legal)).collect();
        assert_eq!(kinds, [
            (ClockKind::Verify, ClockState::Met, true),
            (ClockKind::Settle, ClockState::Running, true),
            (ClockKind::Reaction, ClockState::Running, false),
            (ClockKind::Accept, ClockState::Running, true),
            (ClockKind::FirstAnswer, ClockState::Running, true),
        ]);
        assert_eq!(clock(&case, ClockKind::Reaction).calendar, "", "a promise runs at night too");
        assert_eq!(clock(&case, ClockKind::Settle).calendar, "17.07@1");
    }

    async fn c_35_working_time_has_several_periods_free_days_and_a_zone(engine) {
        let regency = Regency::new(engine).await;
        let broken = calendar(&[(1, "08:00", "12:00"), (1, "11:00", "16:00")], &[]);
        let request = ApplyCalendarRequest { request_id: String::new(), calendar: Some(broken) };
        assert!(regency.coordinator().apply_calendar(request).await.unwrap_err().fields.contains_key("calendar.periods"));
        let mut written = calendar(&week(), &["2026-11-24", "2026-11-25"]);
        written.special_hours = vec![SpecialHours {
            from: "2026-11-26".to_owned(),
            to: "2026-11-27".to_owned(),
            name: "Ramadan".to_owned(),
            periods: (1..=5).map(|weekday| WorkingPeriod { weekday, from: "08:00".to_owned(), to: "14:00".to_owned() }).collect(),
        }];
        apply(&regency, written).await;
        let filed = regency.file(Regency::report()).await;
        // Three working days after Monday: Thursday, Friday, Monday, at 16:00 in the middle zone.
        let case = regency.seen(&filed.id).await;
        assert_eq!(at(clock(&case, ClockKind::Verify).due_at.as_ref()), moment("2026-11-30T08:00:00Z"));
        let accept = clock(&regency.disposed(&filed.id).await, ClockKind::Accept);
        assert_eq!(at(accept.due_at.as_ref()), moment("2026-11-26T06:00:00Z"), "short hours on Thursday");
    }

    async fn c_35_a_calendar_whose_free_days_end_before_clocks_do_is_named(engine) {
        let regency = Regency::new(engine).await;
        let gaps = async || regency.bupati().get_board(GetBoardRequest {}).await.unwrap().board.unwrap().calendar_gaps;
        let versions = async || {
            let all = regency.admin().list_calendars(ListCalendarsRequest::default()).await.unwrap().calendars;
            all.into_iter().map(|it| (it.version, it.free_days_until, it.counted_until)).collect::<Vec<_>>()
        };
        // What ships ends with 2026, and sixty working days from November do not. One list says it as the other does.
        let shipped = gaps().await;
        assert_eq!(shipped.iter().map(|it| (it.calendar_id.as_str(), it.free_days_until.as_str())).collect::<Vec<_>>(), [(REGENCY, "2026-12-31")]);
        let until = shipped[0].counted_until.clone();
        assert!(until.as_str() > "2027-01-31", "{until}");
        assert_eq!(versions().await, [(1, "2026-12-31".to_owned(), until)]);
        // A first of January writes no year, another day does.
        apply(&regency, calendar(&week(), &["2026-12-25", "2027-01-01"])).await;
        assert_eq!(gaps().await.len(), 1);
        apply(&regency, calendar(&week(), &["2026-12-25", "2027-01-01", "2027-03-09"])).await;
        assert!(gaps().await.is_empty());
        let now = versions().await;
        assert_eq!(now.iter().map(|it| (it.0, it.1.as_str(), it.2.is_empty())).collect::<Vec<_>>(), [(3, "2027-12-31", false), (2, "2026-12-31", true), (1, "2026-12-31", true)]);
        // An agency that counts by a calendar of its own: only its clocks, of a few days.
        let own = CalendarVersion { id: DINKES.to_owned(), ..calendar(&week(), &["2026-12-25"]) };
        apply(&regency, own).await;
        assert!(gaps().await.is_empty(), "nobody counts by it");
        let agency = Agency { id: DINKES.to_owned(), name: "Dinas Kesehatan".to_owned(), calendar_id: DINKES.to_owned(), active: true, bounce_limit: 2, ..Agency::default() };
        regency.admin().apply_agency(ApplyAgencyRequest { request_id: String::new(), agency: Some(agency) }).await.unwrap();
        assert!(gaps().await.is_empty(), "its clocks end this year");
        regency.set("2026-12-30T01:00:00Z");
        assert_eq!(gaps().await.iter().map(|it| it.calendar_id.as_str()).collect::<Vec<_>>(), [DINKES]);
    }

    async fn c_36_a_new_calendar_moves_running_clocks_and_no_other(engine) {
        let regency = Regency::new(engine).await;
        let met = regency.file(Regency::report()).await;
        regency.disposed(&met.id).await;
        let running = regency.file(Regency::report()).await;
        let missed = regency.file(Regency::report()).await;
        regency.wait(TimeDelta::days(4));
        regency.until("it is late", || async { clock(&regency.seen(&missed.id).await, ClockKind::Verify).late_at.is_some() }).await;
        let before = (regency.seen(&met.id).await, regency.seen(&running.id).await);
        let answer = apply(&regency, calendar(&week(), &["2026-11-30", "2026-12-01"])).await;
        assert_eq!(answer.calendar.unwrap().version, 2);
        assert_eq!(answer.recounted, 3);
        regency.until("the clocks are counted again", || async { clock(&regency.seen(&running.id).await, ClockKind::Settle).calendar == "17.07@2" }).await;
        let after = (regency.seen(&met.id).await, regency.seen(&running.id).await);
        assert_eq!(clock(&after.0, ClockKind::Verify), clock(&before.0, ClockKind::Verify), "met");
        assert_eq!(clock(&after.1, ClockKind::Verify), clock(&before.1, ClockKind::Verify), "missed");
        let settle = clock(&after.1, ClockKind::Settle);
        assert!(at(settle.due_at.as_ref()) > at(clock(&before.1, ClockKind::Settle).due_at.as_ref()));
        assert_eq!(settle.calendar, "17.07@2");
        // A case that something else happens to meanwhile is counted again with that; the whole is told once.
        regency.until("it is done", || async { recounts(&regency).await == 1 }).await;
    }

    async fn c_36_clocks_are_counted_again_in_steps_that_go_on_after_a_restart(engine) {
        let mut regency = Regency::new(engine).await;
        let mut cases = Vec::new();
        for _ in 0..3 {
            cases.push(regency.file(Regency::report()).await.id);
        }
        let settle = async |regency: &Regency, id: &str| clock(&regency.seen(id).await, ClockKind::Settle);
        let before = settle(&regency, &cases[0]).await;
        // One cannot be read: it keeps no other.
        regency.db.db.write.execute_unprepared(&format!("UPDATE complaint SET body = 'x' WHERE id = '{}'", cases[1])).await.unwrap();
        regency.stop().await;
        let answer = apply(&regency, calendar(&week(), &["2026-11-30", "2026-12-01"])).await;
        assert_eq!((answer.calendar.unwrap().version, answer.recounted), (2, 3));
        assert_eq!(settle(&regency, &cases[2]).await, before, "nobody is at it");
        // What is done to a case meanwhile finds its clocks counted again.
        regency.coordinator().verify(&cases[2]).await.unwrap();
        let moved = settle(&regency, &cases[2]).await;
        assert_eq!((moved.calendar.as_str(), moved.late_at), ("17.07@2", None));
        assert!(at(moved.due_at.as_ref()) > at(before.due_at.as_ref()));
        regency.start().await;
        regency.until("the clocks are counted again", || async { settle(&regency, &cases[0]).await == moved }).await;
        regency.until("it is done", || async { recounts(&regency).await == 1 }).await;
    }

    async fn n_11_the_coordinator_is_told_and_the_offices_show_whose_contact_fails(engine) {
        let regency = Regency::new(engine).await;
        let failing = async || {
            let list = ListOfficialsRequest::default();
            let all = regency.coordinator().list_officials(list).await.unwrap().officials.into_iter();
            all.filter(|it| it.failing_since.is_some()).map(|it| it.account_id).collect::<Vec<_>>()
        };
        regency.messages.become_of_next(mpp_proto::notifications::v1::DeliveryStatus::PermanentFailure);
        let filed = regency.file(Regency::report()).await;
        regency.disposed(&filed.id).await;
        let whistle = FileComplaintRequest { complaint_class: ComplaintClass::Whistleblowing.into(), ..Regency::report() };
        regency.file(whistle).await;
        regency.until("they are found to fail", || async {
            // What became of a message is asked for again and again.
            regency.wait(TimeDelta::seconds(5));
            failing().await.len() == 3
        }).await;
        let mut found = failing().await;
        found.sort();
        assert_eq!(found, ["acc_coordinator", "acc_inspector", "acc_pupr"]);
        for message in regency.messages.all() {
            let to = format!("{:?}", message.recipient);
            let wanted = if to.contains("AccountId") && !to.contains("acc_inspector") { "acc_coordinator" } else { "" };
            assert_eq!(message.coordinator_account_id, wanted, "{to}");
        }
        // One that arrives ends it.
        regency.messages.become_of_next(mpp_proto::notifications::v1::DeliveryStatus::Delivered);
        let again = regency.file(Regency::report()).await;
        regency.disposed(&again.id).await;
        regency.until("it arrived", || async {
            regency.wait(TimeDelta::seconds(5));
            failing().await == ["acc_inspector"]
        }).await;
    }

    async fn c_37_lateness_appears_by_time_alone_also_after_a_restart(engine) {
        let mut regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        let late = || async {
            let board = regency.bupati().get_board(GetBoardRequest {}).await.unwrap().board.unwrap();
            let row = board.rows.into_iter().find(|it| it.agency_id == "coordinator").unwrap();
            row.numbers.iter().find(|it| it.measure() == BoardMeasure::LateReaction).unwrap().count
        };
        assert_eq!(late().await, 0);
        regency.wait(TimeDelta::hours(4) - TimeDelta::seconds(1));
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert_eq!(late().await, 0);
        regency.wait(TimeDelta::seconds(1));
        regency.until("it is late", || async { late().await == 1 }).await;
        let due = at(clock(&regency.seen(&filed.id).await, ClockKind::Reaction).late_at.as_ref());
        assert_eq!(due, moment(MONDAY) + TimeDelta::hours(4), "late from the moment, not from when it was seen");
        regency.stop().await;
        regency.set("2026-11-26T09:00:00Z");
        regency.start().await;
        regency.until("what fell due meanwhile is late", || async {
            clock(&regency.seen(&filed.id).await, ClockKind::Verify).late_at.is_some()
        }).await;
        regency.check_board(&regency.bupati()).await;
    }

    async fn c_38_each_step_goes_out_once_to_the_holder_and_stops_when_the_clock_is_met(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.taken(Regency::report()).await;
        regency.wait(TimeDelta::hours(2));
        regency.until("half of the promise", || async { regency.messages.of_type("peringatan_tenggat").len() == 1 }).await;
        assert!(format!("{:?}", regency.messages.of_type("peringatan_tenggat")[0].recipient).contains("acc_pupr"));
        regency.wait(TimeDelta::hours(2));
        regency.until("all of it", || async { regency.messages.of_type("eskalasi").len() == 1 }).await;
        let ends = |message_type: &str| {
            let of = regency.messages.of_type(message_type).into_iter();
            of.map(|it| at(it.expire_time.as_ref())).collect::<Vec<_>>()
        };
        assert_eq!(ends("peringatan_tenggat"), [moment(MONDAY) + TimeDelta::hours(4)], "a warning ends with the time it warns of");
        assert_eq!(ends("eskalasi"), [moment(MONDAY) + TimeDelta::hours(4 + 24)], "and any step with its buttons");
        assert!(regency.messages.of_type("eskalasi")[0].placeholders["keterlambatan"].starts_with("terlambat sejak"));
        let steps = regency.seen(&filed.id).await.escalations;
        let taken: Vec<_> = steps.iter().map(|it| (it.clock(), it.percent, it.rung.as_str(), it.account_id.as_str())).collect();
        assert_eq!(taken, [
            (ClockKind::Reaction, 50, "ADMIN", "acc_pupr"),
            (ClockKind::Reaction, 100, "AGENCY_HEAD", "acc_pupr_head"),
        ]);
        let head = regency.head(PUPR);
        assert_eq!(head.listed(WorkList::ToAcknowledge).await, std::slice::from_ref(&filed.id));
        let take = |id: &str| AcknowledgeEscalationRequest { escalation: id.to_owned(), ..AcknowledgeEscalationRequest::default() };
        assert_eq!(regency.sekda().acknowledge_escalation(take(&steps[1].id)).await.unwrap_err().code, Code::NotFound);
        let answer = head.acknowledge_escalation(take(&steps[1].id)).await.unwrap().escalation.unwrap();
        assert_eq!(answer.acknowledged_by, "acc_pupr_head");
        assert_eq!(head.acknowledge_escalation(take(&steps[1].id)).await.unwrap_err().reason, "NOT_WAITING");
        let first = GiveFirstAnswerRequest { complaint: filed.id.clone(), text: "Tim kami meninjau besok.".to_owned(), ..GiveFirstAnswerRequest::default() };
        regency.agency(PUPR).give_first_answer(first).await.unwrap();
        regency.wait(TimeDelta::hours(10));
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let steps = regency.seen(&filed.id).await.escalations;
        assert!(steps.iter().filter(|it| it.clock() == ClockKind::Reaction).count() == 2, "{steps:?}");
    }

    async fn c_38_a_step_that_nobody_could_be_told_in_its_time_is_not_told_a_week_later(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.taken(Regency::report()).await;
        regency.until("what went before is told", || async { !regency.messages.all().is_empty() }).await;
        regency.messages.go_away();
        regency.wait(TimeDelta::hours(2));
        regency.until("the warning is offered", || async { !regency.messages.asked_in_vain().is_empty() }).await;
        regency.wait(TimeDelta::days(7));
        let offered = regency.messages.asked_in_vain();
        regency.messages.come_back();
        regency.until("the later steps are told", || async { !regency.messages.of_type("eskalasi").is_empty() }).await;
        regency.until("the journal says that one was not", || async {
            let request = ListComplaintJournalRequest { complaint: filed.id.clone(), ..ListComplaintJournalRequest::default() };
            let entries = regency.coordinator().list_complaint_journal(request).await.unwrap().entries;
            entries.iter().any(|it| it.what == "message.failed")
        }).await;
        let now = moment(MONDAY) + TimeDelta::days(7) + TimeDelta::hours(2);
        for step in regency.messages.of_type("eskalasi") {
            assert!(!offered.contains(&step.request_id) && at(step.expire_time.as_ref()) > now, "{step:?}");
        }
    }

    async fn c_38_a_vacant_office_loses_no_step_and_the_journal_says_where_it_went(engine) {
        let regency = Regency::new(engine).await;
        for rung in ["REGENT", "INSPECTORATE"] {
            let official = Official { rung: rung.to_owned(), title: format!("Jabatan {rung}"), ..Official::default() };
            regency.admin().apply_official(ApplyOfficialRequest { request_id: String::new(), official: Some(official) }).await.unwrap();
        }
        let filed = regency.taken(Regency::report()).await;
        let whistle = FileComplaintRequest { complaint_class: ComplaintClass::Whistleblowing.into(), ..Regency::report() };
        let whistle = regency.file(whistle).await;
        regency.wait(TimeDelta::days(60));
        let journal = async |client: Client, id: &str| {
            let request = ListComplaintJournalRequest { complaint: id.to_owned(), page_size: 200, ..ListComplaintJournalRequest::default() };
            let entries = client.list_complaint_journal(request).await.unwrap().entries;
            entries.into_iter().map(|it| it.detail).collect::<String>()
        };
        regency.until("the regent's steps are taken", || async {
            journal(regency.coordinator(), &filed.id).await.contains(":REGENT>SECRETARY")
        }).await;
        let steps = regency.seen(&filed.id).await.escalations;
        let regents: Vec<_> = steps.iter().filter(|it| it.rung == "REGENT").map(|it| it.account_id.as_str()).collect();
        assert!(!regents.is_empty() && regents.iter().all(|it| *it == "acc_sekda"), "{steps:?}");
        regency.until("the journal says that nobody could be told", || async {
            journal(regency.inspector("acc_inspector"), &whistle.id).await.contains(r#""untold":"#)
        }).await;
        assert!(regency.inspector("acc_inspector").complaint(&whistle.id).await.unwrap().escalations.is_empty());
    }

    async fn c_38_steps_that_wait_for_somebody_come_page_by_page(engine) {
        let regency = Regency::new(engine).await;
        let (first, second) = (regency.taken(Regency::report()).await, regency.taken(Regency::report()).await);
        regency.wait(TimeDelta::hours(4));
        let head = regency.head(PUPR);
        regency.until("both are late", || async { head.listed(WorkList::ToAcknowledge).await.len() == 2 }).await;
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let list = WorkList::ToAcknowledge.into();
            let request = ListComplaintsRequest { list, page_size: 1, page_token, ..ListComplaintsRequest::default() };
            let page = head.list_complaints(request).await.unwrap();
            found.extend(page.complaints.into_iter().map(|it| it.id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        found.sort();
        let mut both = [first.id, second.id];
        both.sort();
        assert_eq!(found, both);
    }

    async fn c_67_steps_that_wait_move_with_the_office_and_back(engine) {
        let regency = Regency::new(engine).await;
        let mut cases = Vec::new();
        for _ in 0..3 {
            cases.push(regency.taken(Regency::report()).await.id);
        }
        regency.wait(TimeDelta::hours(4));
        let (head, plh) = (regency.head(PUPR), regency.person("acc_plh", &["complaints.board", "complaints.read", "complaints.work"], &[DINKES]));
        let waiting = async |client: &Client| {
            let request = ListEscalationsRequest { waiting_only: true, ..ListEscalationsRequest::default() };
            client.list_escalations(request).await.unwrap().escalations
        };
        regency.until("the head is told", || async { waiting(&head).await.len() == 3 }).await;
        let steps = waiting(&head).await;
        let take = |id: &str| AcknowledgeEscalationRequest { escalation: id.to_owned(), ..AcknowledgeEscalationRequest::default() };
        head.acknowledge_escalation(take(&steps[0].id)).await.unwrap();
        assert!(waiting(&plh).await.is_empty() && plh.listed(WorkList::ToAcknowledge).await.is_empty());
        regency.appoint("AGENCY_HEAD", PUPR, &plh.sub).await;
        assert_eq!(waiting(&plh).await, steps[1..], "what waits; the latest first");
        let all = plh.list_escalations(ListEscalationsRequest::default()).await.unwrap().escalations;
        assert_eq!(all, steps[1..], "what the one before took on is not theirs");
        let mut listed = plh.listed(WorkList::ToAcknowledge).await;
        listed.sort();
        let mut open: Vec<_> = steps[1..].iter().map(|it| it.complaint_id.clone()).collect();
        open.sort();
        assert_eq!(listed, open);
        // Page by page too: those of the office and those of the account are one list.
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListEscalationsRequest { waiting_only: true, page_size: 1, page_token };
            let page = plh.list_escalations(request).await.unwrap();
            found.extend(page.escalations);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, steps[1..]);
        plh.acknowledge_escalation(take(&steps[1].id)).await.unwrap();
        assert_eq!(waiting(&plh).await, steps[2..]);
        assert_eq!(waiting(&head).await, steps[2..], "it was sent to them");
        regency.wait(TimeDelta::days(6));
        let over = waiting(&plh).await;
        assert!(over.iter().all(|it| it.account_id == plh.sub), "the appointment is over: {over:?}");
        assert!(waiting(&head).await.contains(&steps[2]));
    }

    async fn c_39_pausing_a_late_clock_leaves_it_late(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.taken(Regency::report()).await;
        regency.wait(TimeDelta::days(30));
        regency.agency(PUPR).ask(&filed.id).await.unwrap();
        regency.until("the clocks stand still", || async {
            // What became of a message is asked for again and again.
            regency.wait(TimeDelta::seconds(5));
            clock(&regency.seen(&filed.id).await, ClockKind::Settle).state() == ClockState::Paused
        }).await;
        let paused = clock(&regency.seen(&filed.id).await, ClockKind::Settle);
        assert_eq!(at(paused.late_at.as_ref()), moment("2026-12-11T09:30:00Z"));
        assert!(regency.agency(PUPR).listed(WorkList::Late).await.contains(&filed.id));
        regency.nobody().answer_complaint(filed.says("Di sebelah utara.")).await.unwrap();
        let resumed = clock(&regency.seen(&filed.id).await, ClockKind::Settle);
        assert_eq!((resumed.state(), &resumed.late_at), (ClockState::Running, &paused.late_at));
    }

    async fn c_40_a_case_keeps_the_row_that_set_its_clock(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        let before = clock(&regency.seen(&filed.id).await, ClockKind::Settle);
        let rows = regency.nobody().list_deadlines(ListDeadlinesRequest::default()).await.unwrap().deadlines;
        let row = rows.iter().find(|it| it.id == before.deadline_id).unwrap().clone();
        assert_eq!((row.key.as_str(), row.value, row.confidence.as_str()), ("D5", 14, "B"));
        let next = Deadline { value: 2, valid_from: "2026-11-24".to_owned(), source: "Perbup 1/2026".to_owned(), ladder: HashMap::new(), ..row.clone() };
        let apply = |deadline: Deadline| ApplyDeadlineRequest { request_id: String::new(), deadline: Some(deadline) };
        let early = Deadline { valid_from: "2025-01-01".to_owned(), ..next.clone() };
        assert!(regency.coordinator().apply_deadline(apply(early)).await.unwrap_err().fields.contains_key("deadline.valid_from"));
        regency.coordinator().apply_deadline(apply(next)).await.unwrap();
        let rows = regency.nobody().list_deadlines(ListDeadlinesRequest::default()).await.unwrap().deadlines;
        assert_eq!(rows.iter().find(|it| it.id == before.deadline_id).unwrap().valid_to, "2026-11-23");
        assert_eq!(clock(&regency.seen(&filed.id).await, ClockKind::Settle), before);
        regency.wait(TimeDelta::days(1));
        let later = regency.file(Regency::report()).await;
        let fresh = clock(&regency.seen(&later.id).await, ClockKind::Settle);
        assert_eq!(at(fresh.due_at.as_ref()), moment("2026-11-26T09:00:00Z"));
        assert_ne!(fresh.deadline_id, before.deadline_id);
    }

    async fn c_34_a_deadline_may_be_for_who_holds_the_case(engine) {
        const CAMAT: &str = "17.07.05";
        let regency = Regency::new(engine).await;
        let agency = Agency { id: CAMAT.to_owned(), name: "Kecamatan Satu".to_owned(), calendar_id: REGENCY.to_owned(), active: true, bounce_limit: 2, ..Agency::default() };
        regency.admin().apply_agency(ApplyAgencyRequest { request_id: String::new(), agency: Some(agency) }).await.unwrap();
        let rows = async || regency.nobody().list_deadlines(ListDeadlinesRequest::default()).await.unwrap().deadlines;
        let shipped = rows().await.into_iter().find(|it| it.key == "D12C").unwrap();
        assert_eq!((shipped.holder.as_str(), shipped.value, shipped.unit.as_str()), ("SUB_DISTRICT", 2, "HOURS"));
        let promise = async |filed: &Filed| {
            let clock = clock(&regency.seen(&filed.id).await, ClockKind::Reaction);
            let row = rows().await.into_iter().find(|it| it.id == clock.deadline_id).unwrap();
            (row.key, (at(clock.due_at.as_ref()) - at(clock.started_at.as_ref())).num_hours(), clock.late_at.is_some())
        };
        let is = |key: &str, hours: i64| (key.to_owned(), hours, false);
        let filed = regency.file(Regency::report()).await;
        assert_eq!(promise(&filed).await, is("D12", 4), "nobody has it yet");
        regency.wait(TimeDelta::minutes(30));
        regency.coordinator().verify(&filed.id).await.unwrap();
        regency.coordinator().dispose(&filed.id, CAMAT).await.unwrap();
        assert_eq!(promise(&filed).await, is("D12C", 2), "counted from when it was received");
        regency.agency(CAMAT).bounce(&filed.id).await.unwrap();
        assert_eq!(promise(&filed).await, is("D12", 4));
        regency.coordinator().dispose(&filed.id, PUPR).await.unwrap();
        assert_eq!(promise(&filed).await, is("D12", 4));
        // Who is given a case late is not late by that.
        regency.wait(TimeDelta::minutes(100));
        regency.coordinator().dispose(&filed.id, CAMAT).await.unwrap();
        assert_eq!(promise(&filed).await, is("D12", 4));
        // Nor is anybody by another category, also after what is past has been looked for.
        let request = RecategoriseComplaintRequest { complaint: filed.id.clone(), category: "AIR".to_owned(), reason: "Ini soal air.".to_owned(), ..RecategoriseComplaintRequest::default() };
        regency.coordinator().recategorise_complaint(request).await.unwrap();
        assert_eq!(promise(&filed).await, is("D12", 4));
        regency.wait(TimeDelta::minutes(109));
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert_eq!(promise(&filed).await, is("D12", 4));
        regency.wait(TimeDelta::minutes(1));
        regency.until("it is late by the row that counts", || async { promise(&filed).await.2 }).await;

        // Whoever writes the next row need not know of it, and makes it no row for everybody.
        let apply = async |deadline: Deadline| {
            let request = ApplyDeadlineRequest { request_id: String::new(), deadline: Some(deadline) };
            regency.coordinator().apply_deadline(request).await.map(|it| it.deadline.unwrap())
        };
        let next = Deadline { holder: String::new(), value: 1, valid_from: "2026-11-24".to_owned(), ..shipped.clone() };
        assert_eq!(apply(next.clone()).await.unwrap().holder, "SUB_DISTRICT");
        let other = Deadline { holder: PUPR.to_owned(), valid_from: "2026-11-25".to_owned(), ..next.clone() };
        assert_eq!(apply(other.clone()).await.unwrap_err().fields["deadline.holder"], "OTHER_HOLDER");
        let unknown = Deadline { key: "D12X".to_owned(), holder: "17.07/lain".to_owned(), ..other.clone() };
        assert_eq!(apply(unknown).await.unwrap_err().fields["deadline.holder"], "UNKNOWN_AGENCY");
        let own = Deadline { key: "D12P".to_owned(), value: 3, valid_from: "2026-11-24".to_owned(), ..other };
        assert_eq!(apply(own).await.unwrap().holder, PUPR);
        regency.wait(TimeDelta::days(1));
        let (here, there) = (regency.file(Regency::report()).await, regency.file(Regency::report()).await);
        assert_eq!(promise(&here).await, is("D12", 4));
        for (filed, agency) in [(&here, PUPR), (&there, CAMAT)] {
            regency.coordinator().verify(&filed.id).await.unwrap();
            regency.coordinator().dispose(&filed.id, agency).await.unwrap();
        }
        assert_eq!(promise(&here).await, is("D12P", 3));
        assert_eq!(promise(&there).await, is("D12C", 1));
    }

    async fn c_40_somebody_vouches_for_a_row_by_name(engine) {
        let regency = Regency::new(engine).await;
        let rows = || async { regency.nobody().list_deadlines(ListDeadlinesRequest::default()).await.unwrap().deadlines };
        let before = rows().await.into_iter().find(|it| it.key == "D5").unwrap();
        assert_eq!((before.signed_off_by.as_str(), before.signed_off_at), ("", None));
        let request = SignOffDeadlineRequest { request_id: "sah".to_owned(), deadline: before.id.clone() };
        assert_eq!(regency.agency(PUPR).sign_off_deadline(request.clone()).await.unwrap_err().code, Code::PermissionDenied);
        let signed = regency.coordinator().sign_off_deadline(request.clone()).await.unwrap();
        let row = signed.deadline.clone().unwrap();
        assert_eq!((row.signed_off_by.as_str(), at(row.signed_off_at.as_ref())), ("acc_coordinator", moment(MONDAY)));
        // The same request again, later, is the same signature; what the row says is as it was.
        regency.wait(TimeDelta::hours(1));
        assert_eq!(regency.coordinator().sign_off_deadline(request).await.unwrap(), signed);
        let after = rows().await.into_iter().find(|it| it.id == before.id).unwrap();
        assert_eq!(Deadline { signed_off_by: String::new(), signed_off_at: None, ..after }, before);
        let unknown = SignOffDeadlineRequest { request_id: String::new(), deadline: "dln_01h455vb4pex5vsknk084sn02q".to_owned() };
        assert_eq!(regency.coordinator().sign_off_deadline(unknown).await.unwrap_err().code, Code::NotFound);
    }

    async fn c_67_an_agency_head_who_acts_as_sekda_reads_every_case_and_works_on_those_of_the_own_agency(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        regency.disposed(&filed.id).await;
        let plt = regency.head(DINKES);
        regency.appoint("SECRETARY", "", &plt.sub).await;
        let case = plt.complaint(&filed.id).await.unwrap();
        assert_eq!((case.reporters[0].contact.clone(), case.allowed.len()), (None, 0));
        assert_eq!(plt.accept(&filed.id).await.unwrap_err().code, Code::PermissionDenied);
        assert!(plt.listed(WorkList::Mine).await.is_empty());
        // The own agency is as it was.
        let own = regency.file(Regency::report()).await;
        regency.coordinator().verify(&own.id).await.unwrap();
        regency.coordinator().dispose(&own.id, DINKES).await.unwrap();
        assert!(plt.accept(&own.id).await.unwrap().reporters[0].contact.is_none());
        assert!(plt.complaint(&own.id).await.unwrap().reporters[0].contact.is_some());
    }

    async fn c_67_who_acts_for_the_coordinator_or_the_inspector_has_the_rights_of_that_office(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        let whistle = FileComplaintRequest { complaint_class: ComplaintClass::Whistleblowing.into(), ..Regency::report() };
        let whistle = regency.file(whistle).await;
        let plh = regency.head(DINKES);
        assert_eq!(plh.verify(&filed.id).await.unwrap_err().code, Code::NotFound);
        regency.appoint("ADMIN", "coordinator", &plh.sub).await;
        assert_eq!(plh.listed(WorkList::ToCoordinate).await, std::slice::from_ref(&filed.id));
        plh.verify(&filed.id).await.unwrap();
        plh.dispose(&filed.id, PUPR).await.unwrap();
        let ask = RequestRevealRequest {
            complaint: filed.id.clone(),
            reporter: plh.complaint(&filed.id).await.unwrap().reporters[0].pseudonym.clone(),
            purpose: "Memeriksa kebenaran laporan di tempat kejadian.".to_owned(),
            ..RequestRevealRequest::default()
        };
        assert_eq!(regency.agency(PUPR).request_reveal(ask.clone()).await.unwrap_err().code, Code::PermissionDenied);
        let asked = plh.request_reveal(ask).await.unwrap().reveal.unwrap();
        let look = GetRevealRequest { reveal: asked.id };
        assert_eq!(regency.agency(PUPR).get_reveal(look.clone()).await.unwrap_err().code, Code::PermissionDenied);
        assert!(plh.get_reveal(look.clone()).await.is_ok());
        // Distributing is not working: that is the agency's. Nor is it inspecting.
        assert_eq!(plh.accept(&filed.id).await.unwrap_err().code, Code::PermissionDenied);
        assert_eq!(plh.complaint(&whistle.id).await.unwrap_err().code, Code::NotFound);
        let inspects = regency.person("acc_irban", &["complaints.board", "complaints.read"], &[INSPEKTORAT]);
        assert_eq!(inspects.complaint(&whistle.id).await.unwrap_err().code, Code::NotFound);
        regency.appoint("INSPECTORATE", "", &inspects.sub).await;
        inspects.verify(&whistle.id).await.unwrap();
        inspects.dispose(&whistle.id, INSPEKTORAT).await.unwrap();
        inspects.accept(&whistle.id).await.unwrap();
        assert_eq!(inspects.complaint(&filed.id).await.unwrap_err().code, Code::NotFound);
        regency.wait(TimeDelta::days(6));
        for (client, id) in [(&plh, &filed.id), (&inspects, &whistle.id)] {
            assert_eq!(client.complaint(id).await.unwrap_err().code, Code::NotFound, "the appointment is over");
        }
        assert_eq!(plh.get_reveal(look).await.unwrap_err().code, Code::NotFound);
    }

    async fn c_67_who_acts_in_an_office_gets_its_steps_and_its_reach(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.taken(Regency::report()).await;
        let plt = regency.person("acc_plt", &["complaints.board", "complaints.read", "complaints.work"], &[DINKES]);
        assert_eq!(plt.complaint(&filed.id).await.unwrap_err().code, Code::NotFound);
        let officials = regency.coordinator().list_officials(ListOfficialsRequest::default()).await.unwrap().officials;
        let head = officials.iter().find(|it| it.rung == "AGENCY_HEAD").unwrap();
        let acting = Acting {
            official_id: head.id.clone(),
            account_id: "acc_plt".to_owned(),
            title: "PLT".to_owned(),
            decree: "800/12/2026".to_owned(),
            from: stamp(regency.clock_now()),
            to: stamp(regency.clock_now() + TimeDelta::days(5)),
            ..Acting::default()
        };
        let request = ApplyActingRequest { request_id: String::new(), acting: Some(acting) };
        regency.coordinator().apply_acting(request).await.unwrap();
        assert!(plt.complaint(&filed.id).await.is_ok());
        regency.wait(TimeDelta::hours(4));
        regency.until("the step goes to who acts", || async {
            let steps = plt.list_escalations(ListEscalationsRequest::default()).await.unwrap().escalations;
            steps.iter().any(|it| it.rung == "AGENCY_HEAD" && it.complaint_id == filed.id)
        }).await;
        regency.wait(TimeDelta::days(6));
        assert_eq!(plt.complaint(&filed.id).await.unwrap_err().code, Code::NotFound);
    }
}

//! Line 28: the clock of each step, lateness, and what the law grants.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_proto::documents::v1::*;
use sea_orm::{ConnectionTrait as _, Statement};
use tonic::Code;

use super::town::{AGENCY, PLAIN, RT, Resident, Town, VILLAGE, active, history, moment, office, scan};
use super::tsa::{Authority, Mood};

const WHY: &str = "menunggu surat dari Dukcapil";
/// Uploads that no application has.
const LOOSE: &str = "stored_file WHERE application_id IS NULL";
/// Answers that are kept for repetitions.
const ANSWERS: &str = "idempotency";

impl Town {
    /// How many rows there are of a table, or of a part of it.
    async fn rows(&self, of: &str) -> usize {
        let db = &self.db.db.read;
        let statement = Statement::from_string(db.get_database_backend(), format!("SELECT * FROM {of}"));
        db.query_all_raw(statement).await.expect("rows").len()
    }

    /// When the step at hand is due.
    async fn due(&self, id: &str) -> Option<i64> {
        active(&self.seen(id).await).due_time.as_ref().map(|time| time.seconds)
    }
}

fn at(text: &str) -> Option<i64> {
    Some(moment(text).timestamp())
}

fn pause(id: &str, reason: &str) -> PauseClockRequest {
    PauseClockRequest {
        application: id.to_owned(),
        reason: reason.to_owned(),
        ..PauseClockRequest::default()
    }
}

fn resume(id: &str) -> ResumeClockRequest {
    ResumeClockRequest { application: id.to_owned(), ..ResumeClockRequest::default() }
}

fn reset(id: &str) -> ResetClockRequest {
    ResetClockRequest { application: id.to_owned(), reason: WHY.to_owned(), ..ResetClockRequest::default() }
}

lines! {
    /// 28. SLA clock per step with pause, resume, reset (OSS 41–44) on working days.
    async fn line_28_a_clock_pauses_resumes_and_begins_anew_in_working_time(engine) {
        let town = Town::new(engine).await;
        let id = town.applied("sktm", &Resident::new(1, RT)).await.application_id;
        let rt = town.official("RT_HEAD", RT);
        // 450 minutes from Monday 08:00: 420 until 16:00 with the break, 30 from Tuesday 07:30.
        assert_eq!(town.due(&id).await, at("2026-11-24T01:00:00Z"));
        assert!(rt.pause_clock(pause(&id, "")).await.expect_err("a reason").fields.contains_key("reason"));
        assert_eq!(town.officer("17.07.02.2001").pause_clock(pause(&id, WHY)).await.expect_err("not his step").code, Code::PermissionDenied);
        assert_eq!(rt.resume_clock(resume(&id)).await.expect_err("it runs").reason, "CLOCK_NOT_PERMITTED");
        // An hour later it is paused, until Wednesday.
        town.wait(TimeDelta::hours(1));
        let paused = rt.pause_clock(pause(&id, WHY)).await.expect("paused").application.expect("an application");
        assert!(active(&paused).paused && active(&paused).due_time.is_none());
        assert_eq!(rt.pause_clock(pause(&id, WHY)).await.expect_err("twice").reason, "CLOCK_NOT_PERMITTED");
        town.set("2026-11-25T02:00:00Z");
        let work = rt.list_work(ListWorkRequest::default()).await.expect("a list");
        assert!(work.late == 0 && work.items[0].due_time.is_none() && !work.items[0].late, "who waits is not late");
        town.sweep().await;
        assert!(!history(&town.seen(&id).await).contains(&"ESCALATE"));
        // 390 are left: 360 on Wednesday from 09:00, 30 on Thursday.
        let resumed = rt.resume_clock(resume(&id)).await.expect("resumed").application.expect("an application");
        assert!(!active(&resumed).paused);
        assert_eq!(town.due(&id).await, at("2026-11-26T01:00:00Z"));
        // The application changed in substance: back to zero, and on from the moment it is taken up again.
        town.wait(TimeDelta::hours(1));
        rt.reset_clock(reset(&id)).await.expect("reset");
        town.set("2026-11-26T01:00:00Z");
        assert!(active(&town.seen(&id).await).paused && town.due(&id).await.is_none());
        rt.resume_clock(resume(&id)).await.expect("started again");
        assert_eq!(town.due(&id).await, at("2026-11-27T01:00:00Z"), "all 450 minutes from Thursday 08:00");
        let seen = town.seen(&id).await;
        let clocks: Vec<_> = history(&seen).into_iter().filter(|what| what.ends_with("_CLOCK")).collect();
        assert_eq!(clocks, ["PAUSE_CLOCK", "RESUME_CLOCK", "RESET_CLOCK", "RESTART_CLOCK"]);
        // Over a weekend nothing runs: the next step begins on Friday at 15:00.
        town.set("2026-11-27T08:00:00Z");
        rt.approve(&seen).await.expect("approved");
        // 450: 90 on Friday until 16:30, 360 on Monday from 07:30: 270 until noon, 90 from 13:00.
        assert_eq!(town.due(&id).await, at("2026-11-30T07:30:00Z"));
        assert!(!active(&town.seen(&id).await).paused);
    }

    /// 28. Overdue list and escalation, once.
    async fn line_28_what_is_late_is_listed_and_escalated_once(engine) {
        let town = Town::new(engine).await;
        let late = town.applied("sktm", &Resident::new(1, PLAIN)).await.application_id;
        town.wait(TimeDelta::hours(2));
        let fresh = town.applied("sktm", &Resident::new(2, PLAIN)).await.application_id;
        let officer = town.officer(PLAIN);
        // 225 minutes from 08:00 end at 11:45.
        assert_eq!(town.due(&late).await, at("2026-11-23T04:45:00Z"));
        town.set("2026-11-23T04:45:00Z");
        town.sweep().await;
        assert_eq!(officer.list_work(ListWorkRequest::default()).await.expect("a list").late, 0, "not before it is over");
        town.set("2026-11-23T04:46:00Z");
        for _ in 0..3 {
            town.sweep().await;
        }
        let work = officer.list_work(ListWorkRequest::default()).await.expect("a list");
        assert_eq!(work.late, 1);
        assert_eq!(work.items.iter().map(|item| (&item.application_id, item.late)).collect::<Vec<_>>(), [(&late, true), (&fresh, false)]);
        let only = ListWorkRequest { late_only: true, ..ListWorkRequest::default() };
        let items = officer.list_work(only).await.expect("a list").items;
        assert_eq!(items.iter().map(|item| &item.application_id).collect::<Vec<_>>(), [&late]);
        let seen = town.seen(&late).await;
        assert_eq!(history(&seen).iter().filter(|what| **what == "ESCALATE").count(), 1);
        assert!(active(&seen).late);
        assert_eq!(town.events_of(&late).await, ["surat.diajukan", "surat.terlambat"]);
        // It goes on; the next step has a clock and a report of its own.
        officer.approve(&seen).await.expect("late is better than never");
        town.set("2026-11-25T01:00:00Z");
        town.sweep().await;
        assert_eq!(town.events_of(&late).await, ["surat.diajukan", "surat.terlambat", "surat.disetujui", "surat.terlambat"]);
    }

    /// 28. That a step became late between the page and the press refuses no press; what somebody did meanwhile does.
    async fn line_28_time_alone_outdates_no_decision(engine) {
        let town = Town::new(engine).await;
        let id = town.applied("sktm", &Resident::new(1, PLAIN)).await.application_id;
        let (officer, head) = (town.officer(PLAIN), town.head(PLAIN));
        let shown = town.seen(&id).await;
        town.set("2026-11-23T04:46:00Z");
        town.sweep().await;
        let late = town.seen(&id).await;
        assert!(late.version > shown.version && history(&late).contains(&"ESCALATE"), "{:?}", history(&late));
        let claim = |version: u32| ClaimApplicationRequest { application: id.clone(), version, ..ClaimApplicationRequest::default() };
        assert_eq!(officer.claim_application(claim(late.version + 1)).await.expect_err("no such version").reason, "VERSION_MISMATCH");
        officer.claim_application(claim(shown.version)).await.expect("decided on what was shown");
        assert_eq!(officer.approve(&shown).await.expect_err("it was claimed since").reason, "VERSION_MISMATCH");
        assert_eq!(officer.approve(&late).await.expect_err("it was claimed since").reason, "VERSION_MISMATCH");
        officer.approve(&town.seen(&id).await).await.expect("approved");
        // The same of a letter that is signed by hand.
        let shown = town.seen(&id).await;
        town.set("2026-11-25T09:00:00Z");
        town.sweep().await;
        assert!(town.seen(&id).await.version > shown.version);
        let asked = SignByHandRequest {
            application: id.clone(), version: shown.version, content_hash: shown.content_hash.clone(),
            reason: "sertifikat elektronik belum terbit".to_owned(), ..SignByHandRequest::default()
        };
        head.sign_by_hand(asked.clone()).await.expect("printed");
        assert_eq!(head.sign_by_hand(asked).await.expect_err("it was printed since").reason, "VERSION_MISMATCH");
    }

    /// 28. What cannot be worked keeps nobody else from his turn: one application and one document that cannot be read stand first
    /// in every part of a pass, and lateness, grants by law, ends of validity and clean-up go on behind them.
    async fn line_28_a_row_that_cannot_be_worked_stops_no_clock(engine) {
        let town = Town::new(engine).await;
        // The first of everything: ids grow with time.
        let (_, broken_document) = town.issued("sktm", &Resident::new(1, PLAIN)).await;
        let broken = town.applied("izin_reklame", &Resident::new(2, PLAIN)).await.application_id;
        town.wait(TimeDelta::seconds(1));
        let (_, document) = town.issued("sktm", &Resident::new(3, PLAIN)).await;
        let late = town.applied("sktm", &Resident::new(4, PLAIN)).await.application_id;
        let licence = town.applied("izin_reklame", &Resident::new(5, PLAIN)).await.application_id;
        let loose = UploadFileRequest { request_id: "unggah".to_owned(), content: scan() };
        town.nobody().upload_file(loose).await.expect("taken");
        for statement in [
            format!("UPDATE application SET body = 'rusak', state = 'SIGNING' WHERE id = '{broken}'"),
            format!("UPDATE document SET body = 'rusak' WHERE id = '{}'", broken_document.id),
        ] {
            town.db.db.write.execute_unprepared(&statement).await.expect("broken");
        }
        assert!(town.rows(LOOSE).await > 0 && town.rows(ANSWERS).await > 0);
        town.set("2027-02-24T01:00:00Z");
        town.sweep().await;
        assert!(history(&town.seen(&late).await).contains(&"ESCALATE"));
        assert_eq!(town.seen(&licence).await.state(), ApplicationState::Issued);
        assert_eq!(town.document(&document.id).await.state(), DocumentState::Expired);
        for table in [LOOSE, ANSWERS] {
            assert_eq!(town.rows(table).await, 0, "{table}");
        }
        // They are where they were, for somebody to look at.
        assert_eq!(town.rows(&format!("application WHERE id = '{broken}' AND state = 'SIGNING'")).await, 1);
        assert_eq!(town.rows(&format!("document WHERE id = '{}' AND state = 'VALID'", broken_document.id)).await, 1);
    }

    /// 28. Fiktif positif: what nobody decided in time is granted by law, sealed and valid.
    async fn line_28_what_nobody_decided_in_time_is_granted_by_law(engine) {
        let town = Town::new(engine).await;
        let status = town.applied("izin_reklame", &Resident::new(1, PLAIN)).await;
        let id = &status.application_id;
        let refused = town.applied("izin_reklame", &Resident::new(2, PLAIN)).await.application_id;
        let paused = town.applied("izin_reklame", &Resident::new(3, PLAIN)).await.application_id;
        let letter = town.applied("sktm", &Resident::new(4, PLAIN)).await.application_id;
        let officer = town.official("AGENCY_OFFICER", AGENCY);
        officer.reject(&refused, "lokasi berada di jalur hijau").await.expect("decided");
        officer.pause_clock(pause(&paused, "pemohon melengkapi gambar")).await.expect("paused");
        town.approved(id).await;
        // Five working days after Monday: until the end of the next Monday.
        town.set("2026-11-30T09:00:00Z");
        town.sweep().await;
        assert_eq!(town.seen(id).await.state(), ApplicationState::InReview, "its last day is not over");
        town.set("2026-12-01T01:00:00Z");
        town.sweep().await;
        town.sweep().await;
        let granted = town.seen(id).await;
        assert_eq!(granted.state(), ApplicationState::Issued, "{:?} {}", history(&granted), granted.signing_problem);
        assert!(history(&granted).contains(&"DEEM_GRANTED"));
        let document = town.document(&granted.document_id).await;
        assert_eq!((document.state(), document.number.as_str()), (DocumentState::Valid, "500.16/0001/IRK/DINKES/2026"));
        assert_eq!(town.judged(town.bytes(&document.id, 0).await).await.verdict(), FileVerdict::Valid);
        let told: Vec<_> = town.events_of(id).await;
        assert_eq!(told.iter().filter(|kind| *kind == "surat.dianggap_dikabulkan").count(), 1, "{told:?}");
        assert_eq!(told.iter().filter(|kind| *kind == "surat.terbit").count(), 1, "{told:?}");
        assert_eq!(town.status(&status.code).await.state(), ApplicationState::Issued);
        // What was decided, what is paused, and what the law does not grant stay as they are.
        assert_eq!(town.seen(&refused).await.state(), ApplicationState::Rejected);
        assert_eq!(town.seen(&paused).await.state(), ApplicationState::InReview);
        assert_eq!(town.seen(&letter).await.state(), ApplicationState::InReview);
        // Nobody refuses it any more.
        officer.reject(id, "terlambat menolak permohonan").await.expect_err("it is granted");
    }

    /// 28. What an office keeps as its calendar decides what is late, also of what is under way; without one of its own the
    /// national one holds.
    async fn line_28_free_days_of_an_office_are_no_working_days(engine) {
        let mut town = Town::new(engine).await;
        let id = town.applied("sktm", &Resident::new(1, RT)).await.application_id;
        let rt = town.official("RT_HEAD", RT);
        assert_eq!(town.due(&id).await, at("2026-11-24T01:00:00Z"));
        let free = |date: &str| OfficeFreeDay { date: date.to_owned(), name: "Cuti bersama".to_owned() };
        let mut village = office(VILLAGE);
        village.free_days = ["2026-11-24", "2026-11-25", "2026-11-26"].map(free).to_vec();
        town.apply(village.clone()).await;
        assert_eq!(town.office(VILLAGE).free_days, village.free_days);
        // Thirty minutes are left from Friday 07:30; the worklist says the same.
        assert_eq!(town.due(&id).await, at("2026-11-27T01:00:00Z"));
        let listed = rt.work().await[0].due_time.as_ref().map(|time| time.seconds);
        assert_eq!(listed, at("2026-11-27T01:00:00Z"));
        town.set("2026-11-24T02:00:00Z");
        town.sweep().await;
        assert!(!history(&town.seen(&id).await).contains(&"ESCALATE"));
        town.set("2026-11-27T01:01:00Z");
        town.sweep().await;
        assert!(history(&town.seen(&id).await).contains(&"ESCALATE"));
        // A week of six short days, as many villages keep it.
        let day = |weekday| OfficeHours { weekday, from: "08:00".to_owned(), to: "12:00".to_owned() };
        village.working_periods = (1..=6).map(day).collect();
        village.special_hours = vec![OfficeSpecialHours {
            from: "2026-12-01".to_owned(),
            to: "2026-12-05".to_owned(),
            name: "Ramadan".to_owned(),
            periods: vec![OfficeHours { weekday: 6, from: "09:00".to_owned(), to: "24:00".to_owned() }],
        }];
        town.apply(village.clone()).await;
        let kept = town.office(VILLAGE);
        assert_eq!((&kept.working_periods, &kept.special_hours), (&village.working_periods, &village.special_hours));
        let mut wrong = village.clone();
        wrong.free_days[0].date = "24-11-2026".to_owned();
        wrong.working_periods[1].to = "25:00".to_owned();
        let refused = town.admin().apply_office(ApplyOfficeRequest { office: Some(wrong), ..Default::default() }).await;
        let named = refused.expect_err("no calendar");
        assert_eq!(named.named(), [("office.free_days[0].date", "INVALID_DATE"), ("office.working_periods[1]", "INVALID_PERIOD")]);
        let idle = Office { working_periods: vec![OfficeHours { weekday: 1, from: "12:00".to_owned(), to: "08:00".to_owned() }], ..village };
        let refused = town.admin().apply_office(ApplyOfficeRequest { office: Some(idle), ..Default::default() }).await;
        assert_eq!(refused.expect_err("backwards").named(), [("office.working_periods", "INVALID_CALENDAR")]);
        // 24 and 25 December are free for all who say nothing else, and a weekend follows.
        town.set("2026-12-23T01:00:00Z");
        let plain = town.applied("sktm", &Resident::new(2, PLAIN)).await.application_id;
        town.set("2026-12-23T08:00:00Z");
        town.approved(&plain).await;
        let due = town.due(&plain).await;
        assert!(due > at("2026-12-28T00:00:00Z") && due < at("2026-12-29T10:00:00Z"), "{due:?}");
    }

    /// 28. Nothing is granted by law on days on which nobody had to work.
    async fn line_28_the_law_grants_nothing_on_free_days(engine) {
        let mut town = Town::new(engine).await;
        let before = town.applied("izin_reklame", &Resident::new(1, PLAIN)).await.application_id;
        let mut agency = office(AGENCY);
        agency.free_days = ["2026-11-25", "2026-11-26", "2026-11-27"]
            .map(|date| OfficeFreeDay { date: date.to_owned(), name: "Idulfitri".to_owned() })
            .to_vec();
        town.apply(agency).await;
        let after = town.applied("izin_reklame", &Resident::new(2, PLAIN)).await.application_id;
        // Without them it would have been granted with the first minute of this day.
        town.set("2026-12-01T01:00:00Z");
        town.sweep().await;
        for id in [&before, &after] {
            assert_eq!(town.seen(id).await.state(), ApplicationState::InReview, "three days more");
        }
        town.set("2026-12-03T09:00:00Z");
        town.sweep().await;
        assert_eq!(town.seen(&before).await.state(), ApplicationState::InReview, "its last day is not over");
        town.set("2026-12-04T01:00:00Z");
        town.sweep().await;
        for id in [&before, &after] {
            assert_eq!(town.seen(id).await.state(), ApplicationState::Issued);
        }
    }

    /// 28. While the seal is away, each is granted at its time, and one of a pass alone waits to hear that it is away.
    async fn line_28_a_seal_that_is_away_is_asked_once_in_a_pass(engine) {
        let authority = Authority::start().await;
        let town = Town::with(engine, authority.config(true)).await;
        let mut ids = Vec::new();
        for number in 1..=3 {
            ids.push(town.applied("izin_reklame", &Resident::new(number, PLAIN)).await.application_id);
        }
        authority.is_now(Mood::Busy);
        town.set("2026-12-01T01:00:00Z");
        for asked in 1..=3 {
            town.sweep().await;
            assert_eq!(authority.asked(), asked);
            for id in &ids {
                let waiting = town.seen(id).await;
                assert_eq!(waiting.state(), ApplicationState::AwaitingSignature);
                assert!(waiting.signing_problem.contains("penanda waktu"), "{}", waiting.signing_problem);
                let happened = history(&waiting);
                for what in ["DEEM_GRANTED", "SIGNING_FAILED"] {
                    assert_eq!(happened.iter().filter(|one| **one == what).count(), 1, "{what} in {happened:?}");
                }
            }
            town.wait(TimeDelta::minutes(1));
        }
        authority.is_now(Mood::Stamps);
        town.sweep().await;
        for id in &ids {
            assert_eq!(town.seen(id).await.state(), ApplicationState::Issued);
        }
    }

    /// 28. While the seal is away, what the law grants waits for it, and its history says so once.
    async fn line_28_what_the_law_grants_waits_for_the_seal_without_filling_its_history(engine) {
        let authority = Authority::start().await;
        let town = Town::with(engine, authority.config(true)).await;
        let id = town.applied("izin_reklame", &Resident::new(1, PLAIN)).await.application_id;
        authority.is_now(Mood::Busy);
        town.set("2026-12-01T01:00:00Z");
        for _ in 0..4 {
            town.sweep().await;
            town.wait(TimeDelta::minutes(1));
        }
        let waiting = town.seen(&id).await;
        assert_eq!(waiting.state(), ApplicationState::AwaitingSignature);
        assert!(waiting.signing_problem.contains("penanda waktu"), "{}", waiting.signing_problem);
        let happened = history(&waiting);
        for what in ["DEEM_GRANTED", "SIGNING_FAILED"] {
            assert_eq!(happened.iter().filter(|one| **one == what).count(), 1, "{what} in {happened:?}");
        }
        let done = async || town.journal_of(&id).await.into_iter().filter(|what| what != "application.viewed").count();
        let entries = done().await;
        authority.is_now(Mood::Stamps);
        town.sweep().await;
        let granted = town.seen(&id).await;
        assert_eq!(granted.state(), ApplicationState::Issued, "{}", granted.signing_problem);
        assert_eq!((granted.numbers.len(), &granted.numbers), (1, &waiting.numbers));
        assert_eq!(town.judged(town.bytes(&granted.document_id, 0).await).await.verdict(), FileVerdict::Valid);
        assert_eq!(done().await, entries + 2, "it begins, and it is signed");
        let told = town.events_of(&id).await;
        assert_eq!(told.iter().filter(|kind| *kind == "surat.dianggap_dikabulkan").count(), 1, "{told:?}");
    }
}

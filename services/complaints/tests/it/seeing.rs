//! What is seen of many cases.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_proto::complaints::v1::*;
use sea_orm::ConnectionTrait as _;
use tonic::Code;

use crate::regency::*;

fn done(filed: &Filed) -> AnswerComplaintRequest {
    AnswerComplaintRequest { done: Some(true), ..filed.says("") }
}

async fn report(client: &Client, period: &str) -> Report {
    let request = GetReportRequest { period: period.to_owned(), ..GetReportRequest::default() };
    client.get_report(request).await.unwrap().report.unwrap()
}

fn reconciles(line: &ReportLine) -> bool {
    line.opening + line.received + line.reopened
        == line.settled + line.archived + line.forwarded + line.withdrawn + line.merged + line.open
}

/// Every file below a folder.
fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).map(|it| it.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let below = |path: std::path::PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.into_iter().flat_map(|it| below(it.path())).collect()
}

/// One case of every kind of end, and some that go on.
async fn a_month(regency: &Regency) {
    let settled = regency.answered(Regency::report()).await;
    regency.nobody().answer_complaint(done(&settled)).await.unwrap();
    let reopened = regency.answered(Regency::report()).await;
    regency.nobody().answer_complaint(done(&reopened)).await.unwrap();
    regency.wait(TimeDelta::minutes(1));
    let again = AnswerComplaintRequest { done: Some(false), ..reopened.says("Masih berlubang.") };
    regency.nobody().answer_complaint(again).await.unwrap();
    let archived = regency.file(Regency::report()).await;
    let request = ArchiveComplaintRequest {
        complaint: archived.id,
        reason: "TEST".to_owned(),
        advice: "Ini hanya percobaan formulir.".to_owned(),
        ..ArchiveComplaintRequest::default()
    };
    regency.coordinator().archive_complaint(request).await.unwrap();
    let request = FileComplaintRequest {
        complaint_class: ComplaintClass::Aspiration.into(),
        channel: Channel::Api.into(),
        ..Regency::report()
    };
    regency.file(request).await;
    regency.disposed(&regency.file(Regency::report()).await.id).await;
}

lines! {
    async fn c_41_each_number_of_the_board_is_the_length_of_its_list(engine) {
        let regency = Regency::new(engine).await;
        a_month(&regency).await;
        for hours in [3, 20, 200] {
            regency.wait(TimeDelta::hours(hours));
            regency.check_board(&regency.bupati()).await;
        }
        regency.until("something is late", || async {
            regency.check_board(&regency.bupati()).await[&(PUPR.to_owned(), BoardMeasure::Late.into())] >= 1
        }).await;
        let own = regency.head(PUPR).get_board(GetBoardRequest {}).await.unwrap().board.unwrap();
        assert_eq!(own.rows.iter().map(|it| it.agency_id.as_str()).collect::<Vec<_>>(), [PUPR]);
        assert!(own.rows[0].oldest_late_at.is_some());
        let all = regency.bupati().get_board(GetBoardRequest {}).await.unwrap().board.unwrap();
        assert_eq!(all.rows.len(), 4);
        let request = ListBoardCasesRequest { agency: "17.07~dinkes".to_owned(), measure: BoardMeasure::Open.into(), ..ListBoardCasesRequest::default() };
        assert_eq!(regency.head(PUPR).list_board_cases(request).await.unwrap_err().code, Code::NotFound);
    }

    async fn c_41_the_share_of_settled_cases_that_came_back_is_on_the_board(engine) {
        let regency = Regency::new(engine).await;
        let shares = async |desk: &str| {
            let board = regency.bupati().get_board(GetBoardRequest {}).await.unwrap().board.unwrap();
            board.rows.into_iter().find(|it| it.agency_id == desk).unwrap().reopened_permille
        };
        assert_eq!(shares(PUPR).await, [-1, -1, -1]);
        let mut settled = Vec::new();
        for _ in 0..4 {
            let filed = regency.answered(Regency::report()).await;
            // One says at once that it is not done: that was never settled, and none that came back.
            if settled.is_empty() {
                let not = AnswerComplaintRequest { done: Some(false), ..filed.says("Masih berlubang.") };
                regency.nobody().answer_complaint(not).await.unwrap();
                regency.agency(PUPR).answer_without_proof(&filed.id).await.unwrap();
            }
            regency.nobody().answer_complaint(done(&filed)).await.unwrap();
            settled.push(filed);
        }
        assert_eq!(shares(PUPR).await, [0, 0, 0]);
        regency.wait(TimeDelta::days(2));
        let again = AnswerComplaintRequest { done: Some(false), ..settled[3].says("Masih berlubang.") };
        regency.nobody().answer_complaint(again).await.unwrap();
        assert_eq!(shares(PUPR).await, [250, 250, 250]);
        assert_eq!(shares(DINKES).await, [-1, -1, -1], "another agency");
        regency.wait(TimeDelta::days(5));
        assert_eq!(shares(PUPR).await, [-1, 250, 250], "nothing was settled in the last seven days");
    }

    async fn c_41_a_change_reaches_who_watches_the_board_and_nobody_beyond_their_reach(engine) {
        let regency = Regency::new(engine).await;
        let count = |board: &Board, agency: &str| {
            let row = board.rows.iter().find(|it| it.agency_id == agency)?;
            row.numbers.iter().find(|it| it.measure() == BoardMeasure::Open).map(|it| it.count)
        };
        let next = async |stream: &mut tonic::Streaming<WatchBoardResponse>, holds: &dyn Fn(&Board) -> bool| {
            let look = async {
                loop {
                    let board = stream.message().await.unwrap().expect("the stream goes on").board.unwrap();
                    if holds(&board) {
                        return board;
                    }
                }
            };
            tokio::time::timeout(std::time::Duration::from_secs(5), look).await.expect("within five seconds")
        };
        let mut all = regency.bupati().watch_board().await.unwrap();
        let mut own = regency.head(DINKES).watch_board().await.unwrap();
        next(&mut all, &|it| count(it, PUPR) == Some(0)).await;
        let first = next(&mut own, &|it| count(it, DINKES) == Some(0)).await;
        assert_eq!(first.rows.iter().map(|it| it.agency_id.as_str()).collect::<Vec<_>>(), [DINKES]);
        let filed = regency.file(Regency::report()).await;
        regency.disposed(&filed.id).await;
        next(&mut all, &|it| count(it, PUPR) == Some(1)).await;
        let other = regency.file(Regency::report()).await;
        regency.coordinator().verify(&other.id).await.unwrap();
        regency.coordinator().dispose(&other.id, DINKES).await.unwrap();
        let seen = next(&mut own, &|it| count(it, DINKES) == Some(1)).await;
        assert_eq!(seen.rows.len(), 1);
        assert_eq!(regency.nobody().watch_board().await.err().map(|it| it.code), Some(Code::Unauthenticated));
    }

    async fn c_42_work_lists_hold_what_is_mine_due_late_and_to_acknowledge(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.taken(Regency::report()).await;
        let other = regency.file(Regency::report()).await;
        let pupr = regency.agency(PUPR);
        assert_eq!(pupr.listed(WorkList::Mine).await, std::slice::from_ref(&filed.id));
        assert_eq!(pupr.listed(WorkList::DueToday).await, std::slice::from_ref(&filed.id), "the promise falls due today");
        assert!(pupr.listed(WorkList::Late).await.is_empty());
        assert_eq!(regency.coordinator().listed(WorkList::ToCoordinate).await, std::slice::from_ref(&other.id));
        regency.wait(TimeDelta::hours(5));
        regency.until("it is late", || async { pupr.listed(WorkList::Late).await == std::slice::from_ref(&filed.id) }).await;
        assert_eq!(pupr.listed(WorkList::ToAcknowledge).await, std::slice::from_ref(&filed.id));
        assert!(regency.agency(DINKES).listed(WorkList::Unspecified).await.is_empty());
        // Of what is closed nothing is left to take up; opened again, it waits as it did.
        pupr.answer_without_proof(&filed.id).await.unwrap();
        regency.nobody().answer_complaint(AnswerComplaintRequest { done: Some(true), ..filed.says("") }).await.unwrap();
        assert_eq!(regency.seen(&filed.id).await.state(), CaseState::Settled);
        assert!(pupr.listed(WorkList::ToAcknowledge).await.is_empty());
        regency.nobody().answer_complaint(AnswerComplaintRequest { done: Some(false), ..filed.says("Masih berlubang.") }).await.unwrap();
        assert_eq!(pupr.listed(WorkList::ToAcknowledge).await, std::slice::from_ref(&filed.id));
        // Pages by key: every case once, what falls due first first.
        for _ in 0..5 {
            regency.taken(Regency::report()).await;
        }
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListComplaintsRequest { list: WorkList::Mine.into(), page_size: 2, page_token, ..ListComplaintsRequest::default() };
            let page = pupr.list_complaints(request).await.unwrap();
            all.extend(page.complaints);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(all.len(), 6);
        assert!(all.windows(2).all(|two| two[0].due_at.as_ref().unwrap().seconds <= two[1].due_at.as_ref().unwrap().seconds));
    }

    async fn c_43_tracking_shows_stage_office_deadlines_and_answers_and_no_person(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.answered(Regency::report()).await;
        let note = AddComplaintNoteRequest { complaint: filed.id.clone(), text: "Catatan di antara petugas.".to_owned(), ..AddComplaintNoteRequest::default() };
        regency.agency(PUPR).add_complaint_note(note).await.unwrap();
        let seen = regency.followed(&filed).await;
        assert_eq!((seen.state(), seen.holder.as_str()), (CaseState::AwaitingConfirmation, "Dinas Pekerjaan Umum"));
        assert!(seen.settle_due_at.is_some() && seen.reaction_due_at.is_some() && seen.reporter_until.is_some());
        let kinds: Vec<_> = seen.messages.iter().map(|it| it.kind.as_str()).collect();
        assert_eq!(kinds, ["REPORT", "ANSWER"]);
        assert!(!format!("{seen:?}").contains("acc_"), "no account is shown");
        assert!(seen.allowed().any(|it| it == CaseVerb::Reopen));
    }

    async fn c_44_the_report_reconciles(engine) {
        let regency = Regency::new(engine).await;
        a_month(&regency).await;
        regency.set("2026-12-05T01:00:00Z");
        let before = regency.answered(Regency::report()).await;
        regency.nobody().answer_complaint(done(&before)).await.unwrap();
        for period in ["2026-10", "2026-11", "2026-12", "2026-Q4", "2026", "2027"] {
            let report = report(&regency.bupati(), period).await;
            for line in report.lines.iter().chain(&report.total) {
                assert!(reconciles(line), "{period}: {line:?}");
            }
        }
        let november = report(&regency.bupati(), "2026-11").await.total.unwrap();
        assert_eq!((november.opening, november.received, november.reopened), (0, 5, 1));
        assert_eq!((november.settled, november.archived, november.open), (2, 1, 3));
        let december = report(&regency.bupati(), "2026-12").await.total.unwrap();
        assert_eq!((december.opening, december.received, december.settled, december.settled_in_time), (3, 1, 1, 1));
        // A month that is over stays as it was: an open case of it moves on, another becomes one of another class.
        let past = report(&regency.bupati(), "2026-11").await;
        let open = regency.coordinator().listed(WorkList::ToCoordinate).await;
        regency.disposed(&open[0]).await;
        let held = regency.agency(PUPR).listed(WorkList::Mine).await;
        for (complaint, class) in [(&held[0], ComplaintClass::InformationRequest), (&held[1], ComplaintClass::Whistleblowing)] {
            let request = RecategoriseComplaintRequest { complaint: complaint.clone(), category: "AIR".to_owned(), complaint_class: class.into(), reason: "Jenisnya keliru.".to_owned(), ..RecategoriseComplaintRequest::default() };
            regency.coordinator().recategorise_complaint(request).await.unwrap();
        }
        assert_eq!(report(&regency.bupati(), "2026-11").await, past);
        let own = report(&regency.head(PUPR), "2026-11").await;
        assert!(own.lines.iter().all(|it| it.agency_id == PUPR) && !own.lines.is_empty());
        let wrong = GetReportRequest { period: "2026-13".to_owned(), ..GetReportRequest::default() };
        assert!(regency.bupati().get_report(wrong).await.unwrap_err().fields.contains_key("period"));
    }

    async fn c_58_the_report_counts_ratings_once_for_each_settling_in_the_period_they_came_in(engine) {
        let regency = Regency::new(engine).await;
        let says = async |filed: &Filed, done: Option<bool>, rating: i32| {
            let text = if done == Some(false) { "Masih berlubang." } else { "" };
            regency.nobody().answer_complaint(AnswerComplaintRequest { done, rating, ..filed.says(text) }).await.unwrap();
        };
        let settled = async || {
            let filed = regency.answered(Regency::report()).await;
            regency.wait(TimeDelta::minutes(1));
            filed
        };
        let counts = async |client: Client, period: &str| {
            let it = report(&client, period).await.total.unwrap();
            (it.settled, it.asked, it.rated, it.rating_sum)
        };
        // One rates at once, one later, one never; of one that was opened again the rating of the first time counts too.
        let (at_once, later, never, twice) = (settled().await, settled().await, settled().await, settled().await);
        says(&at_once, Some(true), 5).await;
        says(&later, Some(true), 0).await;
        says(&never, Some(true), 0).await;
        says(&twice, Some(true), 1).await;
        regency.wait(TimeDelta::minutes(1));
        says(&twice, Some(false), 0).await;
        assert_eq!(counts(regency.bupati(), "2026-11").await, (4, 4, 2, 6));
        regency.agency(PUPR).answer_without_proof(&twice.id).await.unwrap();
        says(&twice, Some(true), 4).await;
        assert_eq!(counts(regency.bupati(), "2026-11").await, (5, 5, 3, 10));
        regency.set("2026-12-02T01:00:00Z");
        says(&later, None, 2).await;
        let total = report(&regency.bupati(), "2026-11").await.total.unwrap();
        assert!(reconciles(&total), "{total:?}");
        assert_eq!((total.asked, total.rated, total.rating_sum), (5, 3, 10), "a past period stays as it was");
        assert_eq!(counts(regency.bupati(), "2026-12").await, (0, 0, 1, 2));
        assert_eq!(counts(regency.bupati(), "2026-Q4").await, (5, 5, 4, 12));
        let lines = report(&regency.bupati(), "2026-Q4").await.lines;
        assert_eq!(lines.iter().map(|it| (it.agency_id.as_str(), it.category.as_str(), it.rated)).collect::<Vec<_>>(), [(PUPR, "JALAN", 4)]);
        assert_eq!(counts(regency.head(DINKES), "2026-Q4").await, (0, 0, 0, 0), "those of another agency");
        // Everybody who reported is asked, and each is counted once.
        let (both, other) = (regency.taken(Regency::report()).await, regency.file(Regency::report()).await);
        let request = MergeComplaintRequest { complaint: other.id.clone(), into: both.id.clone(), ..MergeComplaintRequest::default() };
        regency.coordinator().merge_complaint(request).await.unwrap();
        regency.agency(PUPR).answer_without_proof(&both.id).await.unwrap();
        says(&both, Some(true), 3).await;
        assert_eq!(counts(regency.bupati(), "2026-12").await.2, 1, "one of them has not said yet whether it is done");
        says(&other, Some(true), 4).await;
        let december = counts(regency.bupati(), "2026-12").await;
        assert_eq!((december.0, december.1, december.2, december.3), (1, 2, 3, 9));
    }

    async fn c_58_a_rating_of_what_was_settled_before_anybody_was_counted_changes_no_past_report(engine) {
        let regency = Regency::new(engine).await;
        let settled = async || {
            let filed = regency.answered(Regency::report()).await;
            let request = AnswerComplaintRequest { done: Some(true), ..filed.says("") };
            regency.nobody().answer_complaint(request).await.unwrap();
            filed
        };
        let before = settled().await;
        // As an installation is that was there before ratings were counted.
        regency.db.db.write.execute_unprepared("DELETE FROM rating").await.unwrap();
        settled().await;
        let counts = async |period: &str| {
            let it = report(&regency.bupati(), period).await.total.unwrap();
            (it.settled, it.asked, it.rated, it.rating_sum)
        };
        assert_eq!(counts("2026-11").await, (2, 1, 0, 0));
        regency.set("2026-12-02T01:00:00Z");
        let late = AnswerComplaintRequest { rating: 2, ..before.says("") };
        regency.nobody().answer_complaint(late).await.unwrap();
        assert_eq!(regency.followed(&before).await.rating, 2, "it is theirs all the same");
        assert_eq!(counts("2026-11").await, (2, 1, 0, 0));
        assert_eq!(counts("2026-12").await, (0, 0, 0, 0), "nobody answers who was not counted as asked");
    }

    async fn c_45_the_evidence_of_a_period_is_the_same_bytes_each_time(engine) {
        let regency = Regency::new(engine).await;
        a_month(&regency).await;
        let export = || async {
            let request = ExportEvidenceRequest { from: "2026-11-01".to_owned(), to: "2026-11-30".to_owned(), register: 0 };
            regency.bupati().export_evidence(request).await
        };
        assert!(export().await.unwrap_err().fields.contains_key("to"), "it is not over");
        let sign = || async {
            let rows = regency.nobody().list_deadlines(ListDeadlinesRequest::default()).await.unwrap().deadlines;
            let row = rows.into_iter().find(|it| it.key == "D5").unwrap();
            regency.coordinator().sign_off_deadline(SignOffDeadlineRequest { request_id: String::new(), deadline: row.id.clone() }).await.unwrap();
            row
        };
        sign().await;
        let open = regency.coordinator().listed(WorkList::ToCoordinate).await.remove(0);
        let lapor = async |stage: &str| {
            let request = RecordSp4nTrackingRequest { complaint: open.clone(), tracking_id: "1234567".to_owned(), stage: stage.to_owned(), ..RecordSp4nTrackingRequest::default() };
            regency.coordinator().record_sp4n_tracking(request).await.unwrap();
        };
        lapor("Diproses").await;
        regency.set("2026-11-30T17:30:00Z");
        assert!(export().await.unwrap_err().fields.contains_key("to"), "it is over for half an hour");
        regency.set("2026-12-01T01:00:00Z");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let first = export().await.unwrap();
        // What happens later changes nothing in it: cases move on, some get another category or class, what was sent in its
        // last hour comes in, an office gets another holder, an agency another name, a deadline another row and signature.
        lapor("Selesai").await;
        regency.answered(Regency::report()).await;
        let open = regency.coordinator().listed(WorkList::ToCoordinate).await;
        let held = regency.agency(PUPR).listed(WorkList::Mine).await;
        let unspecified = ComplaintClass::Unspecified;
        for (complaint, class) in [(&open[0], unspecified), (&held[0], ComplaintClass::Whistleblowing), (&held[1], ComplaintClass::InformationRequest)] {
            let request = RecategoriseComplaintRequest { complaint: complaint.clone(), category: "AIR".to_owned(), complaint_class: class.into(), reason: "Ini soal air.".to_owned(), ..RecategoriseComplaintRequest::default() };
            regency.coordinator().recategorise_complaint(request).await.unwrap();
        }
        let late = FileComplaintRequest { channel: Channel::Api.into(), sent_at: stamp(moment("2026-11-30T16:30:00Z")), ..Regency::report() };
        regency.file(late).await;
        let agency = Agency { id: PUPR.to_owned(), name: "Dinas Bina Marga".to_owned(), calendar_id: REGENCY.to_owned(), inspectorate: false, active: true, bounce_limit: 2 };
        regency.admin().apply_agency(ApplyAgencyRequest { request_id: String::new(), agency: Some(agency) }).await.unwrap();
        let row = Deadline { value: 2, valid_from: "2026-11-29".to_owned(), source: "Perbup 1/2026".to_owned(), ..sign().await };
        regency.coordinator().apply_deadline(ApplyDeadlineRequest { request_id: String::new(), deadline: Some(row) }).await.unwrap();
        let official = Official { rung: "REGENT".to_owned(), title: "Bupati".to_owned(), account_id: "acc_baru".to_owned(), ..Official::default() };
        regency.admin().apply_official(ApplyOfficialRequest { request_id: String::new(), official: Some(official) }).await.unwrap();
        regency.wait(TimeDelta::days(10));
        let second = export().await.unwrap();
        assert_eq!(first.sha256, second.sha256);
        assert_eq!(first.archive, second.archive);
        let text = String::from_utf8_lossy(&first.archive);
        for file in ["PG-02", "PG-03", "PG-04", "PG-05", "PG-06", "PG-08"] {
            assert!(text.contains(file), "{file}");
        }
        assert!(!text.contains("Rohana") && !text.contains("81234567890"));
        assert!(text.contains("ADU-2026-000001-"));
        assert!(text.contains("1234567,OUT,") && text.contains(",Diproses,,2026-11-23T"), "{text}");
        assert!(text.contains("Dinas Pekerjaan Umum") && !text.contains("Dinas Bina Marga"));
        // The journal says what class it was of.
        let request = ListComplaintJournalRequest { complaint: held[1].clone(), ..ListComplaintJournalRequest::default() };
        let entries = regency.coordinator().list_complaint_journal(request).await.unwrap().entries;
        let change = entries.iter().find(|it| it.what == "complaint.recategorised").unwrap();
        assert!(change.detail.contains(r#""classFrom":"COMPLAINT","classTo":"INFORMATION_REQUEST""#), "{}", change.detail);
    }

    async fn c_46_personal_data_goes_when_its_time_is_over_and_the_numbers_stay(engine) {
        let regency = Regency::with(engine, |config| config.retention_months = 6).await;
        let filed = regency.answered(Regency::report()).await;
        regency.nobody().answer_complaint(done(&filed)).await.unwrap();
        let before = report(&regency.bupati(), "2026-11").await;
        regency.set("2027-07-01T01:00:00Z");
        // The pass of the clean-up comes every ten seconds.
        let mut gone = false;
        for _ in 0..300 {
            let case = regency.seen(&filed.id).await;
            gone = case.messages.iter().all(|it| it.text.is_empty());
            if gone {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert!(gone, "the texts are gone");
        let case = regency.seen(&filed.id).await;
        assert!(case.reporters.iter().all(|it| it.contact.is_none()), "{:?}", case.reporters);
        assert_eq!(case.place.unwrap().latitude, None);
        assert_eq!((case.state, case.clocks.len()), (CaseState::Settled.into(), 5));
        assert_eq!(report(&regency.bupati(), "2026-11").await, before);
    }

    async fn c_46_what_cannot_be_forgotten_now_keeps_no_other_and_is_forgotten_later(engine) {
        let regency = Regency::with(engine, |config| config.retention_months = 6).await;
        let upload = UploadComplaintFileRequest { request_id: "foto".to_owned(), content: include_bytes!("../../src/intake/samples/photo.jpg").to_vec() };
        let file = regency.nobody().upload_complaint_file(upload.clone()).await.unwrap().file.unwrap();
        let folder = regency.folder.path().join("files");
        assert_eq!(files(&folder).len(), 1);
        // The same request for another file is refused, and leaves nothing behind.
        let mut other = upload.clone();
        other.content.extend_from_slice(b"x");
        assert_eq!(regency.nobody().upload_complaint_file(other).await.unwrap_err().reason, "REQUEST_ID_REUSED");
        assert_eq!(regency.nobody().upload_complaint_file(upload).await.unwrap().file.unwrap(), file);
        assert_eq!(files(&folder).len(), 1);

        let damaged = regency.file(Regency::report()).await;
        let stuck = regency.file(FileComplaintRequest { file_ids: vec![file.file_id.clone()], ..Regency::report() }).await;
        let plain = regency.file(Regency::report()).await;
        let merged = regency.file(Regency::report()).await;
        let helper = Helper { agency_id: DINKES.to_owned(), task: "Temui Rohana di rumahnya".to_owned(), due_at: stamp(moment(MONDAY) + TimeDelta::days(2)), ..Helper::default() };
        regency.coordinator().verify(&plain.id).await.unwrap();
        let request = DisposeComplaintRequest { complaint: plain.id.clone(), agency_id: PUPR.to_owned(), helpers: vec![helper], ..DisposeComplaintRequest::default() };
        regency.coordinator().dispose_complaint(request).await.unwrap();
        let ask = RequestRevealRequest { complaint: plain.id.clone(), reporter: regency.seen(&plain.id).await.reporters[0].pseudonym.clone(), purpose: "Rohana diminta menunjukkan tempatnya.".to_owned(), ..RequestRevealRequest::default() };
        let reveal = regency.coordinator().request_reveal(ask).await.unwrap().reveal.unwrap();
        let request = MergeComplaintRequest { complaint: merged.id.clone(), into: plain.id.clone(), ..MergeComplaintRequest::default() };
        regency.coordinator().merge_complaint(request).await.unwrap();
        for id in [&damaged.id, &stuck.id] {
            let request = ArchiveComplaintRequest { complaint: id.clone(), reason: "TEST".to_owned(), advice: "Hubungi Rohana di nomor lain.".to_owned(), ..ArchiveComplaintRequest::default() };
            regency.coordinator().archive_complaint(request).await.unwrap();
        }
        regency.db.db.write.execute_unprepared(&format!("UPDATE complaint SET body = 'x' WHERE id = '{}'", damaged.id)).await.unwrap();
        // A file that cannot be deleted: in its place there is a folder.
        let kept = files(&folder).pop().unwrap();
        std::fs::remove_file(&kept).unwrap();
        std::fs::create_dir_all(kept.join("isi")).unwrap();
        regency.wait(TimeDelta::days(1));
        regency.agency(PUPR).accept(&plain.id).await.unwrap();
        regency.agency(PUPR).answer_without_proof(&plain.id).await.unwrap();
        for reporter in [&plain, &merged] {
            // What became of messages is noted meanwhile: then it is asked again.
            regency.until("it is said", || async { regency.nobody().answer_complaint(done(reporter)).await.is_ok() }).await;
        }
        let gone = async |id: &str| regency.seen(id).await.messages.iter().all(|it| it.text.is_empty());
        let wait = async |id: &str| {
            for _ in 0..300 {
                if gone(id).await {
                    return true;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            false
        };
        // First the merged one alone is over its time: its reporter belongs to the other.
        regency.set("2027-05-23T12:00:00Z");
        assert!(wait(&merged.id).await);
        assert!(!gone(&plain.id).await && !gone(&stuck.id).await);
        assert!(regency.seen(&plain.id).await.reporters.iter().all(|it| it.contact.is_some()), "both are known");
        regency.set("2027-07-01T01:00:00Z");
        assert!(wait(&plain.id).await, "though one before it cannot be read, and one cannot be deleted");
        let case = regency.seen(&plain.id).await;
        assert!(case.reporters.iter().all(|it| it.contact.is_none()) && case.helpers.iter().all(|it| it.task.is_empty()));
        let look = GetRevealRequest { reveal: reveal.id };
        assert_eq!(regency.coordinator().get_reveal(look).await.unwrap().reveal.unwrap().purpose, "");
        assert!(!gone(&stuck.id).await, "its file is there");
        std::fs::remove_dir_all(&kept).unwrap();
        assert!(wait(&stuck.id).await);
        let public = regency.followed(&stuck).await;
        assert!(!format!("{public:?}").contains("Rohana"), "{public:?}");
    }

    async fn c_18_what_is_published_holds_no_number_or_address_of_a_person(engine) {
        let regency = Regency::new(engine).await;
        let mut told = FileComplaintRequest {
            text: "Jalan berlubang. NIK saya 1707026602929998, telepon 0812-3456-7890, rohana@contoh.id.".to_owned(),
            ..Regency::report()
        };
        told.place.as_mut().unwrap().address = "Rumah Rohana, 081234567890".to_owned();
        let filed = regency.taken(told.clone()).await;
        let publish = SetComplaintPublicationRequest { complaint: filed.id.clone(), publication: Publication::Public.into(), ..SetComplaintPublicationRequest::default() };
        regency.coordinator().set_complaint_publication(publish).await.unwrap();
        let first = GiveFirstAnswerRequest {
            complaint: filed.id.clone(),
            text: "Pelapor sudah kami hubungi di 0812-3456-7890 dan rohana@contoh.id.".to_owned(),
            ..GiveFirstAnswerRequest::default()
        };
        regency.agency(PUPR).give_first_answer(first.clone()).await.unwrap();
        let near = ListSimilarComplaintsRequest { category: "JALAN".to_owned(), latitude: -3.123_456, longitude: 102.234_567, ..ListSimilarComplaintsRequest::default() };
        let listed = regency.nobody().list_published_complaints(ListPublishedComplaintsRequest::default()).await.unwrap().complaints;
        for published in [listed, regency.nobody().list_similar_complaints(near).await.unwrap().complaints] {
            assert_eq!(published[0].text, "Jalan berlubang. NIK saya [nomor disamarkan], telepon [nomor disamarkan], [surel disamarkan].");
            assert_eq!(published[0].answer, "Pelapor sudah kami hubungi di [nomor disamarkan] dan [surel disamarkan].");
            assert_eq!(published[0].place.as_ref().unwrap().address, "Rumah Rohana, [nomor disamarkan]");
        }
        // Who works on it reads what was written.
        let seen = regency.seen(&filed.id).await;
        assert_eq!((&seen.messages[0].text, &seen.place.unwrap().address), (&told.text, &told.place.unwrap().address));
        assert_eq!(seen.messages.last().unwrap().text, first.text);
    }

    async fn c_50_similar_reports_are_offered_and_one_can_be_joined(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        let publish = SetComplaintPublicationRequest { complaint: filed.id.clone(), publication: Publication::Public.into(), ..SetComplaintPublicationRequest::default() };
        regency.coordinator().set_complaint_publication(publish).await.unwrap();
        let near = |latitude: f64, category: &str| ListSimilarComplaintsRequest { category: category.to_owned(), latitude, longitude: 102.234_567, text: "lubang di pasar".to_owned(), ..ListSimilarComplaintsRequest::default() };
        let similar = async |request| regency.nobody().list_similar_complaints(request).await.unwrap().complaints;
        let found = similar(near(-3.123_9, "JALAN")).await;
        assert_eq!(found[0].number, filed.number);
        assert!((40.0..60.0).contains(&found[0].distance_metres), "{}", found[0].distance_metres);
        assert!(similar(near(-3.125, "JALAN")).await.is_empty(), "beyond a hundred metres");
        assert!(similar(near(-3.123_9, "AIR")).await.is_empty());
        let follow = FileComplaintRequest { follow_number: filed.number.clone(), ..Regency::report() };
        let answer = regency.nobody().file_complaint(follow).await.unwrap();
        assert_ne!(answer.number, filed.number);
        let case = regency.seen(&filed.id).await;
        assert_eq!(case.reporters.len(), 2);
        let seen = regency.followed(&Filed { id: filed.id.clone(), number: answer.number, pin: answer.pin }).await;
        assert_eq!(seen.messages.len(), 1);
    }
}

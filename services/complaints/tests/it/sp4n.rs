//! SP4N-LAPOR! without its interface: a file or an item by hand in, answers pasted by hand and confirmed once they are seen there,
//! both sides compared. C-11, C-60.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_proto::complaints::v1::*;
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::ExprTrait as _;
use tonic::Code;

use crate::regency::*;

const HEAD: &str = "Tracking ID;Judul;Isi Laporan;Klasifikasi;Status;Tanggal Laporan;Pelapor\n";

/// A row of what an admin exports at LAPOR!.
fn line(id: &str, stage: &str, date: &str) -> String {
    format!("{id};Jalan rusak {id};Lubang besar di depan pasar;Pengaduan;{stage};{date};Warga\n")
}

async fn import_lines(regency: &Regency, lines: &[String], compare: bool) -> ImportSp4nFileResponse {
    let content = format!("{HEAD}{}", lines.concat()).into_bytes();
    let request = ImportSp4nFileRequest { content, compare, ..ImportSp4nFileRequest::default() };
    regency.coordinator().import_sp4n_file(request).await.unwrap()
}

/// Items of Monday morning, each with its stage.
async fn import(regency: &Regency, items: &[(&str, &str)], compare: bool) -> ImportSp4nFileResponse {
    let lines: Vec<_> = items.iter().map(|(id, stage)| line(id, stage, "23/11/2026 07:00")).collect();
    import_lines(regency, &lines, compare).await
}

async fn tasks(regency: &Regency) -> Vec<Sp4nTask> {
    let request = ListSp4nTasksRequest::default();
    let answer = regency.coordinator().list_sp4n_tasks(request).await.unwrap();
    assert!(!answer.by_interface && answer.next_page_token.is_empty());
    answer.tasks
}

/// Kinds of texts, each with whether it was pasted.
fn kinds(task: &Sp4nTask) -> Vec<(&str, bool)> {
    task.texts.iter().map(|it| (it.kind.as_str(), it.pasted)).collect()
}

async fn entries(regency: &Regency, mismatch_only: bool) -> Vec<Sp4nEntry> {
    let request = ListSp4nEntriesRequest { mismatch_only, ..ListSp4nEntriesRequest::default() };
    regency.coordinator().list_sp4n_entries(request).await.unwrap().entries
}

async fn entry(regency: &Regency, tracking: &str) -> Sp4nEntry {
    entries(regency, false).await.into_iter().find(|it| it.tracking_id == tracking).unwrap()
}

async fn case_of(regency: &Regency, tracking: &str) -> String {
    entry(regency, tracking).await.complaint_id
}

async fn mismatches(regency: &Regency) -> Vec<(String, String)> {
    entries(regency, true).await.into_iter().map(|it| (it.tracking_id, it.mismatch)).collect()
}

fn told(task: &Sp4nTask) -> Sp4nTold {
    Sp4nTold { entry: task.entry.clone().unwrap().id, until: task.texts.last().unwrap().time }
}

async fn record(
    regency: &Regency,
    telling: Sp4nTelling,
    told: Vec<Sp4nTold>,
) -> Result<RecordSp4nToldResponse, Refusal> {
    let request = RecordSp4nToldRequest { request_id: String::new(), told, telling: telling.into() };
    regency.coordinator().record_sp4n_told(request).await
}

/// A report as somebody reads it at LAPOR!.
fn item(tracking: &str) -> Sp4nItem {
    Sp4nItem {
        tracking_id: tracking.to_owned(),
        title: "Lampu jalan".to_owned(),
        text: "Lampu jalan mati tiga malam".to_owned(),
        classification: "Pengaduan".to_owned(),
        stage: "Baru".to_owned(),
        written_at: stamp(moment("2026-11-22T13:00:00Z")),
        reporter: "Warga".to_owned(),
        place: "Depan pasar".to_owned(),
        ..Sp4nItem::default()
    }
}

async fn type_in(regency: &Regency, item: Sp4nItem) -> Result<Sp4nRow, Refusal> {
    let request = RecordSp4nItemRequest { request_id: String::new(), item: Some(item) };
    regency.coordinator().record_sp4n_item(request).await.map(|it| it.row.unwrap())
}

/// An agency has the case of an item, and has answered it first.
async fn answered_first(regency: &Regency, tracking: &str) -> String {
    let case = case_of(regency, tracking).await;
    answered_first_of(regency, &case).await;
    case
}

/// An agency has this case, and has answered it first.
async fn answered_first_of(regency: &Regency, case: &str) {
    regency.disposed(case).await;
    regency.agency(PUPR).accept(case).await.unwrap();
    let first = GiveFirstAnswerRequest {
        complaint: case.to_owned(),
        text: "Petugas meninjau besok pagi.".to_owned(),
        ..GiveFirstAnswerRequest::default()
    };
    regency.agency(PUPR).give_first_answer(first).await.unwrap();
}

lines! {
    async fn c_11_who_imports_a_file_and_who_works_on_an_item_of_it_do_not_wait_crosswise(engine) {
        let regency = Regency::new(engine).await;
        import(&regency, &[("8001", "Baru")], false).await;
        // Somebody has changed its row, and not entered it into the journal yet.
        let working = regency.db.db.begin().await.unwrap();
        working.execute_unprepared("UPDATE sp4n_entry SET stage = stage WHERE tracking_id = '8001'").await.unwrap();
        let lines = [line("8002", "Baru", "23/11/2026 07:00"), line("8001", "Diproses", "23/11/2026 07:00")];
        let content = format!("{HEAD}{}", lines.concat()).into_bytes();
        let request = ImportSp4nFileRequest { content, ..ImportSp4nFileRequest::default() };
        let coordinator = regency.coordinator();
        let importing = tokio::spawn(async move { coordinator.import_sp4n_file(request).await });
        regency.until_somebody_waits().await;
        regency.enter(&working, "8001").await;
        working.commit().await.unwrap();
        let told = importing.await.unwrap().unwrap();
        assert_eq!((told.created, told.updated, told.problems.len()), (1, 1, 0));
        assert_eq!(entry(&regency, "8001").await.stage, "Diproses");
    }

    async fn c_11_two_who_import_while_others_file_merge_and_write_all_come_to_an_end(engine) {
        let regency = Regency::with(engine, |config| config.reports_per_contact = 1000).await;
        for round in 0..3 {
            let (first, second) = (regency.file(Regency::report()).await, regency.file(Regency::report()).await);
            let items = |from: u32, stage: &str| {
                let id = |at: u32| (9000 + 100 * round + from + at).to_string();
                (0..12).map(|at| line(&id(at), stage, "23/11/2026 07:00")).collect::<Vec<_>>()
            };
            let (one, mut other) = (items(0, "Baru"), items(6, "Diproses"));
            other.reverse();
            let merge = MergeComplaintRequest { complaint: second.id.clone(), into: first.id.clone(), ..MergeComplaintRequest::default() };
            let note = AddComplaintNoteRequest { complaint: first.id.clone(), text: "Sudah ditinjau.".to_owned(), ..AddComplaintNoteRequest::default() };
            let (coordinator, writer) = (regency.coordinator(), regency.coordinator());
            let file = || async {
                for _ in 0..6 {
                    regency.file(Regency::report()).await;
                }
            };
            let (_, _, merged, noted, (), ()) = tokio::join!(
                import_lines(&regency, &one, true),
                import_lines(&regency, &other, true),
                coordinator.merge_complaint(merge),
                writer.add_complaint_note(note),
                file(),
                file(),
            );
            assert_eq!((merged.err(), noted.err()), (None, None));
        }
        // Eighteen items each time, for six of them are in both files; and fourteen reports beside them.
        let all = ListSp4nEntriesRequest { page_size: 200, ..ListSp4nEntriesRequest::default() };
        assert_eq!(regency.coordinator().list_sp4n_entries(all).await.unwrap().entries.len(), 3 * 18);
        let all = ListComplaintsRequest { page_size: 200, ..ListComplaintsRequest::default() };
        assert_eq!(regency.coordinator().list_complaints(all).await.unwrap().complaints.len(), 3 * (18 + 14));
    }

    async fn c_32_a_tracking_id_of_a_merged_case_is_recorded_for_the_one_that_survives(engine) {
        let regency = Regency::new(engine).await;
        let (first, second) = (regency.file(Regency::report()).await, regency.file(Regency::report()).await);
        let merge = MergeComplaintRequest { complaint: second.id.clone(), into: first.id.clone(), ..MergeComplaintRequest::default() };
        regency.coordinator().merge_complaint(merge).await.unwrap();
        let request = RecordSp4nTrackingRequest { complaint: second.id.clone(), tracking_id: "7100".to_owned(), stage: "Diproses".to_owned(), ..RecordSp4nTrackingRequest::default() };
        let recorded = regency.coordinator().record_sp4n_tracking(request).await.unwrap().entry.unwrap();
        assert_eq!((&recorded.complaint_id, &recorded.number), (&first.id, &first.number));
        // What is said there is to be told at LAPOR!.
        regency.wait(TimeDelta::minutes(1));
        answered_first_of(&regency, &first.id).await;
        assert_eq!(tasks(&regency).await.iter().map(kinds).collect::<Vec<_>>(), [[("FIRST_ANSWER", false)]]);
    }

    async fn c_11_each_row_of_a_file_says_what_became_of_it_and_twice_changes_nothing(engine) {
        let regency = Regency::new(engine).await;
        let whistle = "7003;Pungli;Petugas meminta uang;Pengaduan berkadar pengawasan;Baru;23/11/2026 07:00;Anonim\n".to_owned();
        let good = line("7001", "Baru", "23/11/2026 07:00");
        let file = [
            good.clone(),
            line("", "Baru", "23/11/2026 07:00"),
            line("7002", "Baru", "kemarin"),
            good.clone(),
            whistle.clone(),
            "7004;;;Pengaduan;Baru;23/11/2026 07:00;Warga\n".to_owned(),
        ];
        let content = format!("{HEAD}{}", file.concat()).into_bytes();
        let request = ImportSp4nFileRequest { request_id: "impor-satu".to_owned(), content, compare: false };
        let answer = regency.coordinator().import_sp4n_file(request.clone()).await.unwrap();
        let seen: Vec<_> = answer.rows.iter().map(|it| (it.row, it.tracking_id.as_str(), it.outcome())).collect();
        assert_eq!(
            seen,
            [
                (2, "7001", Sp4nOutcome::Created),
                (3, "", Sp4nOutcome::Refused),
                (4, "7002", Sp4nOutcome::Refused),
                (5, "7001", Sp4nOutcome::Refused),
                (6, "7003", Sp4nOutcome::Created),
                (7, "7004", Sp4nOutcome::Refused),
            ]
        );
        assert_eq!((answer.created, answer.updated, answer.unchanged, answer.problems.len()), (2, 0, 0, 4));
        let reasons: Vec<_> = answer.rows.iter().map(|it| it.reason.split(' ').next().unwrap()).collect();
        assert_eq!(reasons, ["", "Nomor", "Tanggal", "Nomor", "", "Judul"], "each in words");
        assert!(answer.rows[0].complaint_id.starts_with("cmp_") && answer.rows[0].number.starts_with("ADU-"));
        // What is of the inspectorate leads nowhere, also for whoever brought it in.
        assert_eq!((answer.rows[4].complaint_id.as_str(), answer.rows[4].number.as_str()), ("", ""));
        // The same request has the same answer; the same file once more, under another id, changes nothing.
        assert_eq!(regency.coordinator().import_sp4n_file(request.clone()).await.unwrap(), answer);
        let (before, cases) = (entries(&regency, false).await, regency.coordinator().listed(WorkList::Unspecified).await);
        regency.wait(TimeDelta::hours(1));
        let again = ImportSp4nFileRequest { request_id: "impor-dua".to_owned(), ..request };
        let again = regency.coordinator().import_sp4n_file(again).await.unwrap();
        assert_eq!((again.created, again.updated, again.unchanged, again.problems.len()), (0, 0, 2, 4));
        assert_eq!(again.rows[0].outcome(), Sp4nOutcome::Unchanged);
        assert_eq!(again.rows[0].complaint_id, answer.rows[0].complaint_id);
        assert_eq!((entries(&regency, false).await, regency.coordinator().listed(WorkList::Unspecified).await), (before, cases));
        // A stage that moved is a row that says so.
        let moved = import_lines(&regency, &[line("7001", "Diproses", "23/11/2026 07:00")], false).await;
        assert_eq!((moved.updated, moved.rows[0].outcome()), (1, Sp4nOutcome::Updated));
        let request = ImportSp4nFileRequest { content: good.into_bytes(), ..ImportSp4nFileRequest::default() };
        assert_eq!(regency.agency(PUPR).import_sp4n_file(request).await.unwrap_err().fields["content"], "MISSING_HEADING");
        let request = ImportSp4nFileRequest { content: HEAD.as_bytes().to_vec(), ..ImportSp4nFileRequest::default() };
        assert_eq!(regency.agency(PUPR).import_sp4n_file(request).await.unwrap_err().code, Code::PermissionDenied);
    }

    async fn c_11_a_report_that_is_typed_in_is_the_same_case_as_in_a_file(engine) {
        let regency = Regency::new(engine).await;
        let request = RecordSp4nItemRequest { request_id: "ketik-satu".to_owned(), item: Some(item("#7101")) };
        let row = regency.coordinator().record_sp4n_item(request.clone()).await.unwrap().row.unwrap();
        assert_eq!((row.row, row.tracking_id.as_str(), row.outcome()), (0, "7101", Sp4nOutcome::Created));
        assert_eq!(regency.coordinator().record_sp4n_item(request).await.unwrap().row.unwrap(), row, "once");
        let case = regency.coordinator().complaint(&row.complaint_id).await.unwrap();
        assert_eq!((case.channel(), case.number.as_str()), (Channel::Sp4n, row.number.as_str()));
        assert_eq!(case.messages[0].text, "Lampu jalan\n\nLampu jalan mati tiga malam");
        assert_eq!(at(case.received_at.as_ref()), moment("2026-11-22T13:00:00Z"), "deadlines run from when it was written");
        assert_eq!(type_in(&regency, item("7101")).await.unwrap().outcome(), Sp4nOutcome::Unchanged);
        let moved = type_in(&regency, Sp4nItem { stage: "Diproses".to_owned(), ..item("7101") }).await.unwrap();
        assert_eq!((moved.outcome(), moved.complaint_id.as_str()), (Sp4nOutcome::Updated, row.complaint_id.as_str()));
        let known = import(&regency, &[("7101", "Diproses")], false).await;
        assert_eq!((known.created, known.rows[0].complaint_id.as_str()), (0, row.complaint_id.as_str()));
        assert_eq!(entries(&regency, false).await.len(), 1);
        // Who is hidden there has no name here.
        let hidden = type_in(&regency, Sp4nItem { anonymous: true, ..item("7102") }).await.unwrap();
        let hidden = regency.coordinator().complaint(&hidden.complaint_id).await.unwrap();
        assert_eq!((hidden.reporters[0].secrecy(), &hidden.reporters[0].contact), (Secrecy::Anonymous, &None));
        let wrong = Sp4nItem { title: String::new(), text: " ".to_owned(), stage: String::new(), written_at: stamp(regency.clock_now() + TimeDelta::hours(2)), ..item("7103") };
        let wrong = type_in(&regency, wrong).await.unwrap_err();
        let fields: Vec<_> = wrong.fields.iter().map(|(field, reason)| (field.as_str(), reason.as_str())).collect();
        assert_eq!(fields, [("item.stage", "INVALID_LENGTH"), ("item.text", "REQUIRED"), ("item.written_at", "IN_FUTURE")]);
        assert_eq!(type_in(&regency, item("<b>")).await.unwrap_err().fields["item.tracking_id"], "INVALID_TRACKING_ID");
        let request = RecordSp4nItemRequest { request_id: String::new(), item: Some(item("7104")) };
        assert_eq!(regency.agency(PUPR).record_sp4n_item(request).await.unwrap_err().code, Code::PermissionDenied);
    }

    async fn c_11_what_is_pasted_by_hand_is_not_confirmed_until_it_is_seen_there(engine) {
        let regency = Regency::new(engine).await;
        assert_eq!(import(&regency, &[("7001", "Baru"), ("7002", "Baru"), ("7003", "Baru"), ("7004", "Baru")], false).await.created, 4);
        assert!(tasks(&regency).await.is_empty(), "nothing was said yet");
        let one = answered_first(&regency, "7001").await;
        regency.wait(TimeDelta::minutes(5));
        regency.agency(PUPR).ask(&one).await.unwrap();
        let archive = ArchiveComplaintRequest { complaint: case_of(&regency, "7002").await, reason: "IN_COURT".to_owned(), advice: "Tunggu putusan pengadilan.".to_owned(), ..ArchiveComplaintRequest::default() };
        regency.coordinator().archive_complaint(archive).await.unwrap();
        let forward = ForwardComplaintOutsideRequest {
            complaint: case_of(&regency, "7004").await,
            reason: "POLICE".to_owned(),
            forwarded_to: "Polres Contoh".to_owned(),
            advice: "Hubungi Polres.".to_owned(),
            ..ForwardComplaintOutsideRequest::default()
        };
        regency.coordinator().forward_complaint_outside(forward).await.unwrap();

        let found = tasks(&regency).await;
        let of = |tracking: &str| found.iter().find(|it| it.entry.clone().unwrap().tracking_id == tracking).unwrap().clone();
        assert_eq!(found.len(), 3);
        let first = of("7001");
        assert_eq!(kinds(&first), [("FIRST_ANSWER", false), ("QUESTION", false)]);
        assert!(first.texts[1].text.starts_with("Mohon dilengkapi: Di sebelah mana"), "{:?}", first.texts);
        let closed = of("7002");
        assert_eq!(kinds(&closed), [("CLOSED", false)]);
        assert!(closed.texts[0].text.contains("perkaranya sedang di pengadilan") && closed.texts[0].text.contains("Tunggu putusan"), "{}", closed.texts[0].text);
        let passed = of("7004");
        assert!(passed.texts[0].text.starts_with("Laporan diteruskan ke Polres Contoh"), "{}", passed.texts[0].text);
        // Page by page each comes once.
        let mut paged = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListSp4nTasksRequest { page_size: 1, page_token };
            let page = regency.coordinator().list_sp4n_tasks(request).await.unwrap();
            assert!(page.tasks.len() <= 1);
            paged.extend(page.tasks);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(paged, found);

        // As a file, with what to record afterwards.
        let exported = regency.coordinator().export_sp4n_tasks(ExportSp4nTasksRequest {}).await.unwrap();
        let text = String::from_utf8(exported.content).unwrap();
        assert!(text.starts_with("Tracking ID,Nomor Aduan,Jenis,Waktu,Isi\r\n") && text.lines().count() == 5, "{text}");
        assert!(text.contains("7001,") && text.contains("Petugas meninjau besok pagi."), "{text}");
        assert_eq!((exported.file_name.as_str(), exported.told.len()), ("jawaban-lapor-2026-11-23.csv", 3));

        // Only what was shown counts as pasted: the question comes after it. It waits, and says so.
        let partly = Sp4nTold { until: first.texts[0].time, ..told(&first) };
        let pasted = record(&regency, Sp4nTelling::Pasted, vec![partly.clone(), told(&closed)]).await.unwrap();
        assert!(pasted.entries.iter().all(|it| it.mismatch == "not_confirmed" && it.last_pushed_at.is_none()));
        let one_task = async || tasks(&regency).await.into_iter().find(|it| it.entry.clone().unwrap().tracking_id == "7001").unwrap();
        assert_eq!(kinds(&one_task().await), [("FIRST_ANSWER", true), ("QUESTION", false)]);
        let exported = regency.coordinator().export_sp4n_tasks(ExportSp4nTasksRequest {}).await.unwrap();
        assert_eq!(String::from_utf8(exported.content).unwrap().lines().count(), 3, "pasted is not pasted again");
        // A file in which it moved, also a whole one, does not say that the answer is shown.
        import(&regency, &[("7001", "Diproses"), ("7002", "Baru"), ("7003", "Baru"), ("7004", "Baru")], true).await;
        assert_eq!(entry(&regency, "7001").await.mismatch, "not_confirmed");
        // Not there after all: it is to be pasted again.
        record(&regency, Sp4nTelling::NotShown, vec![partly.clone()]).await.unwrap();
        assert_eq!(kinds(&one_task().await), [("FIRST_ANSWER", false), ("QUESTION", false)]);
        assert_eq!(entry(&regency, "7001").await.mismatch, "");
        // Pasted and seen: told, and the question is left, also when the moment lies in the future.
        record(&regency, Sp4nTelling::Pasted, vec![partly.clone()]).await.unwrap();
        let shown = record(&regency, Sp4nTelling::Shown, vec![partly.clone()]).await.unwrap().entries.remove(0);
        assert_eq!((shown.mismatch.as_str(), shown.last_pushed_at, shown.pasted_until), ("", first.texts[0].time, None));
        assert_eq!(kinds(&one_task().await), [("QUESTION", false)]);
        let shown_again = record(&regency, Sp4nTelling::Shown, vec![partly]).await.unwrap().entries.remove(0);
        assert_eq!(shown_again, shown, "twice is once");
        let early = Sp4nTold { until: stamp(regency.clock_now() + TimeDelta::days(9)), ..told(&first) };
        record(&regency, Sp4nTelling::Pasted, vec![early.clone()]).await.unwrap();
        record(&regency, Sp4nTelling::Shown, vec![early, told(&closed), told(&passed)]).await.unwrap();
        assert!(tasks(&regency).await.is_empty());
        regency.wait(TimeDelta::minutes(5));
        let open = case_of(&regency, "7003").await;
        regency.disposed(&open).await;
        regency.agency(PUPR).accept(&open).await.unwrap();
        regency.agency(PUPR).answer_without_proof(&open).await.unwrap();
        assert_eq!(kinds(&tasks(&regency).await[0]), [("ANSWER", false)]);
        // Others than who coordinates see and record none of it.
        let agency = regency.agency(PUPR);
        assert_eq!(agency.list_sp4n_tasks(ListSp4nTasksRequest::default()).await.unwrap_err().code, Code::PermissionDenied);
        assert_eq!(agency.export_sp4n_tasks(ExportSp4nTasksRequest {}).await.unwrap_err().code, Code::PermissionDenied);
        let request = RecordSp4nToldRequest { request_id: String::new(), told: vec![told(&first)], telling: Sp4nTelling::Pasted.into() };
        assert_eq!(agency.record_sp4n_told(request).await.unwrap_err().code, Code::PermissionDenied);
        assert_eq!(record(&regency, Sp4nTelling::Pasted, Vec::new()).await.unwrap_err().fields["told"], "INVALID_LENGTH");
        assert_eq!(record(&regency, Sp4nTelling::Unspecified, vec![told(&first)]).await.unwrap_err().fields["telling"], "UNKNOWN_VALUE");
        let nobody = Sp4nTold { entry: "lpr_01h455vb4pex5vsknk084sn02q".to_owned(), ..told(&first) };
        assert!(record(&regency, Sp4nTelling::Pasted, vec![nobody]).await.unwrap().entries.is_empty());
    }

    async fn c_11_who_types_a_stage_in_loses_no_answer_that_is_to_be_told(engine) {
        let regency = Regency::new(engine).await;
        import(&regency, &[("7201", "Baru")], false).await;
        let case = answered_first(&regency, "7201").await;
        let stage = async |stage: &str| {
            let request = RecordSp4nTrackingRequest { complaint: case.clone(), tracking_id: "7201".to_owned(), stage: stage.to_owned(), ..RecordSp4nTrackingRequest::default() };
            regency.coordinator().record_sp4n_tracking(request).await.unwrap().entry.unwrap()
        };
        assert_eq!(stage("Diproses").await.last_pushed_at, None);
        let first = tasks(&regency).await.remove(0);
        record(&regency, Sp4nTelling::Pasted, vec![told(&first)]).await.unwrap();
        regency.wait(TimeDelta::minutes(5));
        regency.agency(PUPR).ask(&case).await.unwrap();
        // Who looks there and says what stage it has saw what was pasted, and not what was said since.
        let seen = stage("Diproses").await;
        assert_eq!((seen.mismatch.as_str(), seen.last_pushed_at, seen.pasted_until), ("", first.texts[0].time, None));
        assert_eq!(kinds(&tasks(&regency).await[0]), [("QUESTION", false)]);
    }

    async fn c_11_one_row_that_is_gone_keeps_no_other_from_being_recorded(engine) {
        let regency = Regency::new(engine).await;
        import(&regency, &[("7501", "Baru")], false).await;
        answered_first(&regency, "7501").await;
        let there = told(&tasks(&regency).await[0]);
        let gone = Sp4nTold { entry: "lpr_01h455vb4pex5vsknk084sn02q".to_owned(), ..there.clone() };
        let answer = record(&regency, Sp4nTelling::Pasted, vec![gone, there]).await.unwrap();
        assert_eq!(answer.entries.iter().map(|it| it.tracking_id.as_str()).collect::<Vec<_>>(), ["7501"]);
        assert_eq!(kinds(&tasks(&regency).await[0]), [("FIRST_ANSWER", true)]);
    }

    async fn c_11_the_file_for_pasting_holds_each_text_as_it_has_to_stand_there(engine) {
        let regency = Regency::new(engine).await;
        import(&regency, &[("7601", "Baru")], false).await;
        let case = case_of(&regency, "7601").await;
        regency.disposed(&case).await;
        regency.agency(PUPR).accept(&case).await.unwrap();
        let text = "- Petugas meninjau,\nbesok \"pagi\".";
        let first = GiveFirstAnswerRequest { complaint: case, text: text.to_owned(), ..GiveFirstAnswerRequest::default() };
        regency.agency(PUPR).give_first_answer(first).await.unwrap();
        let file = regency.coordinator().export_sp4n_tasks(ExportSp4nTasksRequest {}).await.unwrap().content;
        let file = String::from_utf8(file).unwrap();
        // Quoted with its line break, and no formula: a blank before it changes no word that LAPOR! is read for.
        assert!(file.ends_with(",\" - Petugas meninjau,\nbesok \"\"pagi\"\".\"\r\n"), "{file}");
    }

    async fn c_11_what_was_told_of_a_merged_report_is_told_anew_of_the_one_it_was_merged_into(engine) {
        let regency = Regency::new(engine).await;
        let survivor = regency.taken(Regency::report()).await;
        let first = |case: &str, text: &str| GiveFirstAnswerRequest { complaint: case.to_owned(), text: text.to_owned(), ..GiveFirstAnswerRequest::default() };
        regency.agency(PUPR).give_first_answer(first(&survivor.id, "Kami tinjau hari ini.")).await.unwrap();
        regency.wait(TimeDelta::hours(1));
        import_lines(&regency, &[line("7301", "Diproses", "23/11/2026 08:30")], false).await;
        let merged = answered_first(&regency, "7301").await;
        record(&regency, Sp4nTelling::Shown, vec![told(&tasks(&regency).await[0])]).await.unwrap();
        regency.wait(TimeDelta::minutes(5));
        regency.agency(PUPR).give_first_answer(first(&merged, "Menunggu alat.")).await.unwrap();
        let pasted = record(&regency, Sp4nTelling::Pasted, vec![told(&tasks(&regency).await[0])]).await.unwrap();
        assert_eq!((pasted.entries[0].mismatch.as_str(), pasted.entries[0].last_pushed_at.is_some()), ("not_confirmed", true));
        let request = MergeComplaintRequest { complaint: merged, into: survivor.id.clone(), ..MergeComplaintRequest::default() };
        regency.coordinator().merge_complaint(request).await.unwrap();
        // What the reporter at LAPOR! has to read now is what was said on the other case, also before this.
        let after = entry(&regency, "7301").await;
        assert_eq!((after.complaint_id.as_str(), after.last_pushed_at, after.pasted_until), (survivor.id.as_str(), None, None));
        assert_eq!(after.mismatch, "");
        let tasks = tasks(&regency).await;
        let texts: Vec<_> = tasks[0].texts.iter().map(|it| (it.text.as_str(), it.pasted)).collect();
        assert_eq!((tasks.len(), texts), (1, vec![("Kami tinjau hari ini.", false)]));
    }

    async fn c_60_a_file_in_part_says_anew_whether_both_sides_agree(engine) {
        let regency = Regency::new(engine).await;
        let both = [("7401", "Diproses"), ("7402", "Selesai")];
        import(&regency, &both, false).await;
        let archive = async |tracking: &str| {
            let request = ArchiveComplaintRequest { complaint: case_of(&regency, tracking).await, reason: "IN_COURT".to_owned(), advice: "Tunggu putusan pengadilan.".to_owned(), ..ArchiveComplaintRequest::default() };
            regency.coordinator().archive_complaint(request).await.unwrap();
        };
        assert_eq!(mismatches(&regency).await, [("7402".to_owned(), "closed_there".to_owned())]);
        archive("7401").await;
        archive("7402").await;
        let again = import(&regency, &both, false).await;
        assert_eq!((again.unchanged, again.updated), (2, 0), "nothing moved there");
        assert_eq!(mismatches(&regency).await, [("7401".to_owned(), "closed_here".to_owned())]);
    }

    async fn c_60_what_is_the_inspectorates_is_no_difference(engine) {
        let regency = Regency::new(engine).await;
        let whistle = "7702;Pungli;Diminta uang di loket;Pengaduan berkadar pengawasan;Baru;23/11/2026 07:00;Warga\n".to_owned();
        let all = [line("7701", "Baru", "23/11/2026 07:00"), whistle];
        let first = import_lines(&regency, &all, true).await;
        assert_eq!((first.created, first.mismatches), (2, 0));
        let select = sea_orm::sea_query::Query::select().column("detail").from("journal")
            .and_where(sea_orm::sea_query::Expr::col("what").eq("sp4n.compared")).take();
        let rows = regency.db.db.read.query_all(&select).await.unwrap();
        let detail: String = rows[0].try_get_by_index(0).unwrap();
        assert_eq!((rows.len(), detail.as_str()), (1, r#"{"ours":1,"theirs":1,"mismatches":0}"#));
    }

    async fn c_60_a_file_that_is_whole_is_compared_as_far_back_as_it_reaches(engine) {
        let regency = Regency::new(engine).await;
        let monday = "23/11/2026 07:00";
        let all = [line("8001", "Baru", monday), line("8002", "Baru", monday), line("8003", "Baru", monday), line("8004", "Baru", "20/11/2026 07:00")];
        import_lines(&regency, &all, false).await;
        // Only in part: nothing can be said of what is not in it.
        assert_eq!(import(&regency, &[("8001", "Diproses")], false).await.mismatches, 0);
        assert_eq!(mismatches(&regency).await, []);
        // What is older than everything in it is not missing, and neither is what cannot be read.
        let whole = import_lines(&regency, &[line("8001", "Selesai", monday), line("8003", "Baru", "entah")], true).await;
        assert_eq!((whole.updated, whole.mismatches), (1, 2));
        let expected = [("8002", "missing_there"), ("8001", "closed_there")].map(|(id, why)| (id.to_owned(), why.to_owned()));
        assert_eq!(mismatches(&regency).await, expected);
        let first = ListSp4nEntriesRequest { mismatch_only: true, page_size: 1, page_token: String::new() };
        let first = regency.coordinator().list_sp4n_entries(first).await.unwrap();
        let rest = ListSp4nEntriesRequest { mismatch_only: true, page_size: 1, page_token: first.next_page_token };
        let rest = regency.coordinator().list_sp4n_entries(rest).await.unwrap();
        assert_eq!((first.entries[0].tracking_id.as_str(), rest.entries[0].tracking_id.as_str(), rest.next_page_token.as_str()), ("8002", "8001", ""));
        // It is there again the next day: they agree.
        regency.wait(TimeDelta::days(1));
        assert_eq!(import_lines(&regency, &all, true).await.mismatches, 0);
        assert_eq!(mismatches(&regency).await, []);
    }
}

//! Papers for the Ombudsman: entered, listed, withdrawn, opened by a link, told of when they end, and in the pack.

use chrono::TimeDelta;
use mpp_kit::journal;
use mpp_kit::testing::Engine;
use mpp_proto::complaints::v1::*;
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query, SelectStatement};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::Code;

use crate::regency::*;

const PHOTO: &[u8] = include_bytes!("../../src/intake/samples/photo.jpg");
/// A file that is a PDF by its content.
const PAPER: &[u8] = b"%PDF-1.4\n% SK tim pengelola pengaduan\n%%EOF\n";

/// A stored file.
pub(crate) async fn uploaded(regency: &Regency, content: &[u8]) -> String {
    let request = UploadComplaintFileRequest { request_id: String::new(), content: content.to_vec() };
    regency.nobody().upload_complaint_file(request).await.expect("a file").file.expect("a file").file_id
}

/// A paper of a kind, with a file of its own: valid all year, of the third quarter, or of 16 November.
pub(crate) async fn paper(regency: &Regency, kind: EvidenceKind) -> CreateEvidenceDocumentRequest {
    let content = [PAPER, kind.as_str_name().as_bytes()].concat();
    let request = CreateEvidenceDocumentRequest {
        kind: kind.into(),
        title: "Dokumen pengelolaan pengaduan".to_owned(),
        number: "188/12/2026".to_owned(),
        date: "2026-11-16".to_owned(),
        file_id: uploaded(regency, &content).await,
        ..CreateEvidenceDocumentRequest::default()
    };
    match kind {
        EvidenceKind::TeamDecree
        | EvidenceKind::Procedure
        | EvidenceKind::Appointment
        | EvidenceKind::IntegrationDecree => CreateEvidenceDocumentRequest {
            date: "2025-12-20".to_owned(),
            valid_from: "2026-01-01".to_owned(),
            valid_to: "2026-12-31".to_owned(),
            ..request
        },
        EvidenceKind::EvaluationMinutes | EvidenceKind::EvaluationReport => {
            CreateEvidenceDocumentRequest { period: "2026-Q3".to_owned(), ..request }
        }
        EvidenceKind::Attendance => CreateEvidenceDocumentRequest { participants: 24, ..request },
        EvidenceKind::TrialReport
        | EvidenceKind::RequestLetter
        | EvidenceKind::TrainingMaterial
        | EvidenceKind::Letter
        | EvidenceKind::Other
        | EvidenceKind::Unspecified => request,
    }
}

async fn entered(regency: &Regency, request: CreateEvidenceDocumentRequest) -> EvidenceDocument {
    regency
        .coordinator()
        .create_evidence_document(request)
        .await
        .expect("it is entered")
        .document
        .expect("a paper")
}

fn all() -> ListEvidenceDocumentsRequest {
    ListEvidenceDocumentsRequest { withdrawn: true, ..ListEvidenceDocumentsRequest::default() }
}

async fn pack(regency: &Regency, (from, to): (&str, &str), register: i64) -> ExportEvidenceResponse {
    let request = ExportEvidenceRequest { from: from.to_owned(), to: to.to_owned(), register };
    regency.bupati().export_evidence(request).await.expect("a pack")
}

/// The lines of a table in a pack, whose files lie in it as they are.
fn table(pack: &ExportEvidenceResponse, name: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(&pack.archive);
    // Beside its content stands the name alone; in the list of hashes a line ends behind it.
    let mut parts = text.split(name).skip(1);
    let content = parts.find(|it| !it.starts_with('\n')).expect("the table");
    let lines = content.split("\r\n").take_while(|it| it.is_ascii() && !it.contains('\0'));
    lines.map(ToOwned::to_owned).collect()
}

/// What is missing, as the page asks.
async fn missing(
    regency: &Regency,
    (from, to): (&str, &str),
    indicator: EvidenceIndicator,
) -> Vec<EvidenceGap> {
    let request = CheckEvidenceRequest { from: from.to_owned(), to: to.to_owned() };
    let answer = regency.coordinator().check_evidence(request).await.expect("an answer");
    assert_eq!(answer.indicators.len(), 5);
    answer.indicators.into_iter().find(|it| it.indicator() == indicator).expect("the indicator").gaps
}

lines! {
    async fn c_45_a_paper_is_entered_once_with_its_file_and_withdrawn_with_a_reason_and_never_deleted(engine) {
        let regency = Regency::new(engine).await;
        let coordinator = regency.coordinator();
        let mut request = paper(&regency, EvidenceKind::TeamDecree).await;
        request.request_id = "sk-satu".to_owned();
        let first = entered(&regency, request.clone()).await;
        assert_eq!(first, entered(&regency, request.clone()).await, "a repetition is answered with the first one");
        let other = CreateEvidenceDocumentRequest { title: "SK lain".to_owned(), ..request.clone() };
        assert_eq!(coordinator.create_evidence_document(other).await.unwrap_err().reason, "REQUEST_ID_REUSED");
        // The file is the paper's: no other gets it, and no case.
        let taken = CreateEvidenceDocumentRequest { request_id: "sk-dua".to_owned(), ..request.clone() };
        assert_eq!(coordinator.create_evidence_document(taken).await.unwrap_err().fields["file_id"], "UNKNOWN_FILE");
        let report = FileComplaintRequest { file_ids: vec![request.file_id.clone()], ..Regency::report() };
        assert!(regency.nobody().file_complaint(report).await.is_err());
        assert_eq!((first.indicator(), first.kind()), (EvidenceIndicator::Pg01, EvidenceKind::TeamDecree));
        assert_eq!((first.valid_to.as_str(), first.days_left, first.ends_soon), ("2026-12-31", Some(38), false));
        assert_eq!(first.created_by, "acc_coordinator");
        // What nobody used is deleted after a day; this is used.
        regency.wait(TimeDelta::days(3));
        let loose = uploaded(&regency, PHOTO).await;
        regency.wait(TimeDelta::days(3));
        regency.until("the loose file goes", || async {
            !column(&regency, Query::select().column("id").from("stored_file").take()).await.contains(&loose)
        }).await;
        assert_eq!(opened(&regency, &first.id).await.unwrap().content, [PAPER, b"EVIDENCE_KIND_TEAM_DECREE"].concat());
        let short = WithdrawEvidenceDocumentRequest { evidence: first.id.clone(), reason: "salah".to_owned(), ..WithdrawEvidenceDocumentRequest::default() };
        assert!(coordinator.withdraw_evidence_document(short.clone()).await.unwrap_err().fields.contains_key("reason"));
        let why = WithdrawEvidenceDocumentRequest { reason: "Salah unggah: ini SK tahun lalu.".to_owned(), ..short };
        let gone = coordinator.withdraw_evidence_document(why.clone()).await.unwrap().document.unwrap();
        assert_eq!((gone.withdrawn_by.as_str(), gone.withdrawn_reason.as_str()), ("acc_coordinator", why.reason.as_str()));
        assert_eq!(coordinator.withdraw_evidence_document(why).await.unwrap_err().reason, "WITHDRAWN");
        assert!(coordinator.list_evidence_documents(ListEvidenceDocumentsRequest::default()).await.unwrap().documents.is_empty());
        assert_eq!(coordinator.list_evidence_documents(all()).await.unwrap().documents, [gone]);
        assert!(opened(&regency, &first.id).await.is_ok(), "it stays");
        journal::verify(&regency.db.db.read).await.unwrap();
    }

    async fn c_45_what_a_paper_must_say_depends_on_its_kind_and_everything_wrong_is_told_at_once(engine) {
        let regency = Regency::new(engine).await;
        let coordinator = regency.coordinator();
        let refused = async |request: CreateEvidenceDocumentRequest| {
            coordinator.create_evidence_document(request).await.unwrap_err().fields
        };
        let decree = paper(&regency, EvidenceKind::TeamDecree).await;
        let wrong = CreateEvidenceDocumentRequest {
            indicator: EvidenceIndicator::Pg09.into(),
            title: "x".to_owned(),
            number: String::new(),
            date: "2026-11-24".to_owned(),
            valid_from: "2026-02-01".to_owned(),
            valid_to: "2026-01-31".to_owned(),
            period: "2026".to_owned(),
            participants: 3,
            members: vec![DecreeMember { official_id: "ofl_x".to_owned(), ..DecreeMember::default() }],
            file_id: "fil_x".to_owned(),
            ..decree.clone()
        };
        let told: Vec<_> = refused(wrong).await.into_iter().collect();
        let is = |field: &str, reason: &str| (field.to_owned(), reason.to_owned());
        assert_eq!(told, [
            is("date", "FUTURE"),
            is("file_id", "INVALID_ID"),
            is("indicator", "OTHER_INDICATOR"),
            is("members[0]", "UNKNOWN_OFFICE"),
            is("number", "INVALID_LENGTH"),
            is("participants", "OUT_OF_RANGE"),
            is("period", "NOT_FOR_KIND"),
            is("title", "INVALID_LENGTH"),
            is("valid_to", "BEFORE_BEGINNING"),
        ]);
        let request = CreateEvidenceDocumentRequest { file_id: String::new(), title: String::new(), ..decree.clone() };
        let told = refused(request).await;
        assert_eq!((told["file_id"].as_str(), told["title"].as_str()), ("REQUIRED", "INVALID_LENGTH"));
        let minutes = paper(&regency, EvidenceKind::EvaluationMinutes).await;
        for (period, cites, field, reason) in [
            ("2026-13", false, "period", "INVALID_PERIOD"),
            ("2027", false, "period", "FUTURE"),
            ("2026-11", true, "cites_report", "NOT_OVER"),
        ] {
            let request = CreateEvidenceDocumentRequest { period: period.to_owned(), cites_report: cites, ..minutes.clone() };
            assert_eq!(refused(request).await[field], reason, "{period}");
        }
        let request = CreateEvidenceDocumentRequest { valid_from: "2026-01-01".to_owned(), ..minutes };
        assert_eq!(refused(request).await["valid_from"], "NOT_FOR_KIND");
        let request = CreateEvidenceDocumentRequest { participants: 0, ..paper(&regency, EvidenceKind::Attendance).await };
        assert_eq!(refused(request).await["participants"], "OUT_OF_RANGE");
        assert_eq!(refused(paper(&regency, EvidenceKind::Letter).await).await["indicator"], "OTHER_INDICATOR");
        assert_eq!(refused(paper(&regency, EvidenceKind::Unspecified).await).await["kind"], "UNKNOWN_VALUE");
        // A recording is no paper, and stays nobody's.
        let sound = crate::samples::all(PHOTO).into_iter().find(|it| it.0 == "audio/mpeg").unwrap().1;
        let request = CreateEvidenceDocumentRequest { file_id: uploaded(&regency, &sound).await, ..decree };
        assert_eq!(refused(request.clone()).await["file_id"], "INVALID_TYPE");
        assert_eq!(refused(request).await["file_id"], "INVALID_TYPE", "the refusal has not taken it");
        assert!(coordinator.list_evidence_documents(all()).await.unwrap().documents.is_empty());
    }

    async fn c_45_papers_are_for_who_coordinates_or_audits_the_regency_and_listed_by_key(engine) {
        let regency = Regency::new(engine).await;
        let mut ids = Vec::new();
        for kind in [EvidenceKind::TeamDecree, EvidenceKind::Procedure, EvidenceKind::Attendance, EvidenceKind::EvaluationMinutes, EvidenceKind::Procedure] {
            ids.push(entered(&regency, paper(&regency, kind).await).await.id);
        }
        ids.reverse();
        let (mut seen, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListEvidenceDocumentsRequest { page_size: 2, page_token, ..ListEvidenceDocumentsRequest::default() };
            let page = regency.bupati().list_evidence_documents(request).await.unwrap();
            assert!(page.documents.len() <= 2);
            seen.extend(page.documents.into_iter().map(|it| it.id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, ids);
        let of = ListEvidenceDocumentsRequest { indicator: EvidenceIndicator::Pg01.into(), ..ListEvidenceDocumentsRequest::default() };
        assert_eq!(regency.coordinator().list_evidence_documents(of).await.unwrap().documents.len(), 3);
        let period = || CheckEvidenceRequest { from: "2026-11-01".to_owned(), to: "2026-11-30".to_owned() };
        let withdraw = || WithdrawEvidenceDocumentRequest { evidence: ids[0].clone(), reason: "Bukan untuk tahun ini.".to_owned(), ..WithdrawEvidenceDocumentRequest::default() };
        let link = || CreateEvidenceLinkRequest { evidence: ids[0].clone() };
        // An inspector coordinates the inspectorate, and an auditor of an agency audits that agency.
        let auditor = regency.person("acc_audit", &["complaints.audit", "complaints.read"], &[PUPR]);
        for client in [regency.agency(PUPR), regency.head(DINKES), regency.sekda(), regency.inspector("acc_inspector"), auditor.clone()] {
            let who = client.sub.clone();
            assert_eq!(client.list_evidence_documents(all()).await.unwrap_err().code, Code::PermissionDenied, "{who}");
            assert_eq!(client.check_evidence(period()).await.unwrap_err().code, Code::PermissionDenied, "{who}");
            assert_eq!(client.create_evidence_link(link()).await.unwrap_err().code, Code::PermissionDenied, "{who}");
            let request = paper(&regency, EvidenceKind::TeamDecree).await;
            assert_eq!(client.create_evidence_document(request).await.unwrap_err().code, Code::PermissionDenied, "{who}");
            assert_eq!(client.withdraw_evidence_document(withdraw()).await.unwrap_err().code, Code::PermissionDenied, "{who}");
        }
        let said = regency.bupati().check_evidence(CheckEvidenceRequest::default()).await.unwrap();
        assert_eq!((said.from.as_str(), said.to.as_str()), ("2026-01-01", "2026-11-23"), "this year so far");
        // Who audits reads, and enters nothing. A pack is of the whole regency.
        assert!(!regency.bupati().check_evidence(period()).await.unwrap().may_enter);
        assert!(regency.coordinator().check_evidence(period()).await.unwrap().may_enter);
        assert_eq!(regency.bupati().withdraw_evidence_document(withdraw()).await.unwrap_err().code, Code::PermissionDenied);
        regency.set("2026-12-02T01:00:00Z");
        let export = ExportEvidenceRequest { from: "2026-11-01".to_owned(), to: "2026-11-30".to_owned(), register: 0 };
        assert_eq!(auditor.export_evidence(export).await.unwrap_err().code, Code::PermissionDenied);
        // Who acts for the coordinator has the coordinator's part.
        let stand_in = regency.person("acc_plh", &["complaints.read"], &[DINKES]);
        assert_eq!(stand_in.list_evidence_documents(all()).await.unwrap_err().code, Code::PermissionDenied);
        regency.appoint("ADMIN", "coordinator", "acc_plh").await;
        assert_eq!(stand_in.list_evidence_documents(all()).await.unwrap().documents.len(), 5);
        assert!(stand_in.check_evidence(period()).await.unwrap().may_enter);
        assert!(stand_in.withdraw_evidence_document(withdraw()).await.is_ok());
    }

    async fn c_45_a_link_to_a_paper_opens_for_minutes_and_each_look_is_recorded(engine) {
        let regency = Regency::new(engine).await;
        let kept = entered(&regency, paper(&regency, EvidenceKind::TeamDecree).await).await;
        let link = CreateEvidenceLinkRequest { evidence: kept.id.clone() };
        let made = regency.bupati().create_evidence_link(link).await.unwrap();
        assert_eq!(at(made.expire_time.as_ref()), regency.clock_now() + TimeDelta::minutes(10));
        let token = made.path.strip_prefix("/bukti/").expect("a page").to_owned();
        let open = || OpenEvidenceLinkRequest { token: token.clone() };
        regency.wait(TimeDelta::minutes(9));
        let file = regency.nobody().open_evidence_link(open()).await.unwrap();
        assert_eq!((file.media_type.as_str(), file.content.len()), ("application/pdf", kept.file.as_ref().unwrap().size as usize));
        assert_eq!(file.file_name, format!("PG-01_2025-12-20_sk-tim_{}.pdf", kept.id));
        let mut other = token.clone();
        other.replace_range(60..61, if &token[60..61] == "0" { "1" } else { "0" });
        for wrong in [other, "00".to_owned(), String::new(), "zz".to_owned()] {
            let refused = regency.nobody().open_evidence_link(OpenEvidenceLinkRequest { token: wrong }).await.unwrap_err();
            assert_eq!(refused.code, Code::NotFound);
        }
        regency.wait(TimeDelta::minutes(1));
        assert_eq!(regency.nobody().open_evidence_link(open()).await.unwrap_err().code, Code::NotFound);
        let entries = journal::read(&regency.db.db.read, Some(&kept.id), 0, 10).await.unwrap();
        let seen: Vec<_> = entries.iter().map(|it| (it.entry.who.as_str(), it.entry.what.as_str())).collect();
        assert_eq!(seen, [("acc_coordinator", "evidence.added"), ("acc_bupati", "evidence.link_made"), ("public", "evidence.downloaded")]);
    }

    async fn pg_01_the_end_of_a_decree_is_told_by_time_alone_once_before_and_once_after(engine) {
        let mut regency = Regency::new(engine).await;
        let decree = entered(&regency, paper(&regency, EvidenceKind::TeamDecree).await).await;
        let endless = CreateEvidenceDocumentRequest { valid_to: String::new(), ..paper(&regency, EvidenceKind::Procedure).await };
        let endless = entered(&regency, endless).await;
        assert_eq!((endless.days_left, endless.ends_soon), (None, false));
        // One of last year is kept for last year: there is nothing to tell of it. One that is withdrawn neither.
        let last_year = CreateEvidenceDocumentRequest { valid_from: "2025-01-01".to_owned(), valid_to: "2025-12-31".to_owned(), ..paper(&regency, EvidenceKind::TeamDecree).await };
        let last_year = CreateEvidenceDocumentRequest { date: "2025-01-01".to_owned(), ..last_year };
        assert_eq!(entered(&regency, last_year).await.days_left, Some(-327));
        let gone = entered(&regency, paper(&regency, EvidenceKind::Procedure).await).await;
        let why = WithdrawEvidenceDocumentRequest { evidence: gone.id, reason: "Salah unggah berkas ini.".to_owned(), ..WithdrawEvidenceDocumentRequest::default() };
        regency.coordinator().withdraw_evidence_document(why).await.unwrap();
        let told = |kind: &str| regency.messages.of_type(kind);
        regency.set("2026-11-30T16:59:59Z");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert!(told("bukti_akan_berakhir").is_empty(), "31 days are left, by the clock of the regency");
        // The process sleeps across the moment, and tells when it wakes.
        regency.stop().await;
        regency.set("2026-12-02T01:00:00Z");
        regency.start().await;
        let told = |kind: &str| regency.messages.of_type(kind);
        regency.until("the coordinator is warned", || async { !told("bukti_akan_berakhir").is_empty() }).await;
        let listed = regency.coordinator().list_evidence_documents(all()).await.unwrap().documents;
        let seen = listed.iter().find(|it| it.id == decree.id).unwrap();
        assert_eq!((seen.days_left, seen.ends_soon), (Some(29), true));
        regency.set("2027-01-01T00:00:00Z");
        regency.until("the coordinator is told", || async { !told("bukti_berakhir").is_empty() }).await;
        regency.wait(TimeDelta::days(40));
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let (soon, over) = (told("bukti_akan_berakhir"), told("bukti_berakhir"));
        assert_eq!((soon.len(), over.len()), (1, 1), "once each");
        for message in soon.iter().chain(&over) {
            let to = message.recipient.as_ref().and_then(|it| it.kind.clone());
            assert_eq!(to, Some(mpp_proto::notifications::v1::recipient::Kind::AccountId("acc_coordinator".to_owned())));
            let said = |key: &str| message.placeholders[key].as_str();
            assert_eq!((said("indikator"), said("jenis"), said("nomor"), said("berakhir")), ("PG-01", "SK tim", "188/12/2026", "31-12-2026"));
            assert_eq!(said("tautan"), "https://layanan.contohkab.example/meja/eviden");
            assert_eq!(message.reference, decree.id);
        }
        // A warning ends with what it warns of: midnight in the regency.
        assert_eq!(soon[0].expire_time.as_ref().map(|it| it.seconds), Some(moment("2026-12-31T17:00:00Z").timestamp()));
        // And the rows of the outbox come to an end.
        regency.until("it is known that both arrived", || async {
            let states = Query::select().column("state").from("outbox").and_where(Expr::col("complaint_id").eq(decree.id.as_str())).take();
            column(&regency, states).await == ["DELIVERED", "DELIVERED"]
        }).await;
    }

    async fn pg_01_where_the_coordinator_is_vacant_the_next_above_is_told(engine) {
        let regency = Regency::with(engine, |config| config.evidence_warning_days = 60).await;
        let vacant = Official { rung: "ADMIN".to_owned(), agency_id: "coordinator".to_owned(), title: "Koordinator".to_owned(), ..Official::default() };
        regency.admin().apply_official(ApplyOfficialRequest { request_id: String::new(), official: Some(vacant) }).await.unwrap();
        entered(&regency, paper(&regency, EvidenceKind::TeamDecree).await).await;
        // 38 days are left: as many as the setting says are enough at once.
        regency.until("the secretary is warned", || async { regency.messages.of_type("bukti_akan_berakhir").len() == 1 }).await;
        let message = regency.messages.of_type("bukti_akan_berakhir").remove(0);
        let to = message.recipient.and_then(|it| it.kind);
        assert_eq!(to, Some(mpp_proto::notifications::v1::recipient::Kind::AccountId("acc_sekda".to_owned())));
    }

    async fn pg_01_an_alarm_that_nobody_can_be_told_waits_for_somebody(engine) {
        let regency = Regency::new(engine).await;
        let holds = async |rung: &str, agency: &str, account: &str| {
            let official = Official { rung: rung.to_owned(), agency_id: agency.to_owned(), title: format!("Jabatan {rung}"), account_id: account.to_owned(), ..Official::default() };
            regency.admin().apply_official(ApplyOfficialRequest { request_id: String::new(), official: Some(official) }).await.unwrap();
        };
        for (rung, agency) in [("ADMIN", "coordinator"), ("SECRETARY", ""), ("REGENT", "")] {
            holds(rung, agency, "").await;
        }
        let decree = entered(&regency, paper(&regency, EvidenceKind::TeamDecree).await).await;
        regency.set("2026-12-05T01:00:00Z");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let told = || regency.messages.of_type("bukti_akan_berakhir");
        assert!(told().is_empty());
        // Whoever is named a week later hears of it, and once.
        regency.set("2026-12-12T01:00:00Z");
        holds("SECRETARY", "", "acc_sekda_baru").await;
        regency.until("who is named is told", || async { !told().is_empty() }).await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert_eq!(told().len(), 1);
        assert!(format!("{:?}", told()[0].recipient).contains("acc_sekda_baru") && told()[0].reference == decree.id);
    }

    async fn c_45_dates_beyond_the_calendar_are_named_and_break_nothing(engine) {
        let regency = Regency::new(engine).await;
        regency.set("2026-12-02T01:00:00Z");
        for date in ["-262143-01-01", "262142-12-31", "+12026-01-01", "1899-12-31", "9999-01-01", "2026-02-30", "kemarin"] {
            let check = CheckEvidenceRequest { from: date.to_owned(), to: "2026-01-01".to_owned() };
            let refused = regency.bupati().check_evidence(check).await.unwrap_err();
            assert_eq!((refused.code, refused.fields["from"].as_str()), (Code::InvalidArgument, "INVALID_DATE"), "{date}");
            let export = ExportEvidenceRequest { from: "2026-01-01".to_owned(), to: date.to_owned(), register: 0 };
            let refused = regency.bupati().export_evidence(export).await.unwrap_err();
            assert_eq!((refused.code, refused.fields["to"].as_str()), (Code::InvalidArgument, "INVALID_DATE"), "{date}");
            let decree = paper(&regency, EvidenceKind::TeamDecree).await;
            let decree = CreateEvidenceDocumentRequest { valid_from: date.to_owned(), ..decree };
            let refused = regency.coordinator().create_evidence_document(decree).await.unwrap_err();
            assert_eq!((refused.code, refused.fields["valid_from"].as_str()), (Code::InvalidArgument, "INVALID_DATE"), "{date}");
            let rows = regency.nobody().list_deadlines(ListDeadlinesRequest::default()).await.unwrap().deadlines;
            let row = Deadline { valid_from: date.to_owned(), ..rows[0].clone() };
            let request = ApplyDeadlineRequest { request_id: String::new(), deadline: Some(row) };
            let refused = regency.coordinator().apply_deadline(request).await.unwrap_err();
            assert_eq!((refused.code, refused.fields["deadline.valid_from"].as_str()), (Code::InvalidArgument, "INVALID_DATE"), "{date}");
            let calendar = crate::time::calendar(&crate::time::week(), &[date]);
            let request = ApplyCalendarRequest { request_id: String::new(), calendar: Some(calendar) };
            let refused = regency.coordinator().apply_calendar(request).await.unwrap_err();
            assert_eq!(refused.code, Code::InvalidArgument, "{date}");
            assert!(refused.fields.keys().any(|it| it.starts_with("calendar.free_days")), "{date} {:?}", refused.fields);
        }
        // The first and the last day that is one.
        let check = CheckEvidenceRequest { from: "1900-01-01".to_owned(), to: "9998-12-31".to_owned() };
        assert!(regency.bupati().check_evidence(check).await.is_ok());
    }

    async fn pg_01_the_pack_says_plainly_on_which_days_there_was_no_decree(engine) {
        let regency = Regency::new(engine).await;
        let november = ("2026-11-01", "2026-11-30");
        let gap = |kind: EvidenceKind, from: &str, to: &str| EvidenceGap { kind: kind.into(), from: from.to_owned(), to: to.to_owned(), managers: 0 };
        let before = missing(&regency, november, EvidenceIndicator::Pg01).await;
        assert_eq!(before, [gap(EvidenceKind::TeamDecree, "2026-11-01", "2026-11-30"), gap(EvidenceKind::Procedure, "2026-11-01", "2026-11-30")]);
        let late = CreateEvidenceDocumentRequest { valid_from: "2026-11-10".to_owned(), ..paper(&regency, EvidenceKind::TeamDecree).await };
        entered(&regency, late).await;
        entered(&regency, paper(&regency, EvidenceKind::Procedure).await).await;
        assert_eq!(missing(&regency, november, EvidenceIndicator::Pg01).await, [gap(EvidenceKind::TeamDecree, "2026-11-01", "2026-11-09")]);
        regency.set("2026-12-02T01:00:00Z");
        let text = String::from_utf8_lossy(&pack(&regency, november, 0).await.archive).into_owned();
        assert!(text.contains("PG-01: tidak ada SK tim yang berlaku sepanjang periode: kosong 2026-11-01 sampai 2026-11-09\n"), "{text}");
        assert!(text.contains("PG-07: tidak ada notulen evaluasi untuk sepanjang periode"), "{text}");
        assert!(text.contains("PG-09: tidak ada daftar hadir pelatihan dalam periode\n"), "{text}");
        let decree = CreateEvidenceDocumentRequest { valid_to: "2026-11-09".to_owned(), ..paper(&regency, EvidenceKind::TeamDecree).await };
        entered(&regency, decree).await;
        assert!(missing(&regency, november, EvidenceIndicator::Pg01).await.is_empty());
        let text = String::from_utf8_lossy(&pack(&regency, november, 0).await.archive).into_owned();
        assert!(text.contains("PG-01: lengkap\n"), "{text}");
    }

    async fn c_45_pg_02_holders_of_offices_are_matched_to_the_decree(engine) {
        let regency = Regency::new(engine).await;
        let officials = regency.admin().list_officials(ListOfficialsRequest::default()).await.unwrap().officials;
        assert_eq!(officials.len(), 7);
        let november = ("2026-11-01", "2026-11-30");
        assert_eq!(missing(&regency, november, EvidenceIndicator::Pg02).await[0].managers, 7, "no decree names anybody");
        // The decree names everybody as they hold their offices, but another regent.
        let members = officials.iter().map(|it| DecreeMember {
            official_id: it.id.clone(),
            account_id: if it.rung == "REGENT" { "acc_lama".to_owned() } else { String::new() },
            ..DecreeMember::default()
        });
        let decree = CreateEvidenceDocumentRequest { members: members.collect(), ..paper(&regency, EvidenceKind::TeamDecree).await };
        let decree = entered(&regency, decree).await;
        let named = decree.members.iter().find(|it| it.title == "Jabatan SECRETARY").unwrap();
        assert_eq!(named.account_id, "acc_sekda");
        assert_eq!(missing(&regency, november, EvidenceIndicator::Pg02).await, [EvidenceGap { managers: 1, ..EvidenceGap::default() }]);
        regency.set("2026-12-02T01:00:00Z");
        // What changes after the period changes nothing in it.
        let next = Official { rung: "SECRETARY".to_owned(), title: "Sekda".to_owned(), account_id: "acc_baru".to_owned(), ..Official::default() };
        regency.admin().apply_official(ApplyOfficialRequest { request_id: String::new(), official: Some(next) }).await.unwrap();
        assert_eq!(missing(&regency, november, EvidenceIndicator::Pg02).await[0].managers, 1);
        assert_eq!(missing(&regency, ("2026-12-01", "2026-12-31"), EvidenceIndicator::Pg02).await[0].managers, 2);
        let text = String::from_utf8_lossy(&pack(&regency, november, 0).await.archive).into_owned();
        for line in [
            "jenjang,instansi,nama_instansi,jabatan,akun,sk,cocok\r\n",
            "REGENT,,,Jabatan REGENT,acc_bupati,188/12/2026,SK menyebut akun lain\r\n",
            "SECRETARY,,,Jabatan SECRETARY,acc_sekda,188/12/2026,ya\r\n",
            "ADMIN,17.07/pupr,Dinas Pekerjaan Umum,Jabatan ADMIN,acc_pupr,188/12/2026,ya\r\n",
            "PG-02: 1 pemegang jabatan tidak cocok dengan SK",
        ] {
            assert!(text.contains(line), "{line} {text}");
        }
    }

    async fn pg_02_who_acted_in_an_office_in_the_period_stands_beside_its_decree(engine) {
        let regency = Regency::new(engine).await;
        regency.appoint("AGENCY_HEAD", PUPR, "acc_plh").await;
        regency.set("2026-12-02T01:00:00Z");
        let november = ("2026-11-01", "2026-11-30");
        let first = pack(&regency, november, 0).await;
        let of = |pack: &ExportEvidenceResponse, name: &str| table(pack, name);
        assert_eq!(of(&first, "PG-02_plt_plh.csv"), [
            "jenjang,instansi,nama_instansi,jabatan,sebutan,akun,sk,dari,sampai",
            "AGENCY_HEAD,17.07/pupr,Dinas Pekerjaan Umum,Jabatan AGENCY_HEAD,Plh.,acc_plh,800/12/2026,2026-11-23T01:00:00Z,2026-11-28T01:00:00Z",
        ]);
        // Of another time, or entered afterwards: nothing changes in it.
        regency.appoint("SECRETARY", "", "acc_plt").await;
        assert_eq!(pack(&regency, november, 0).await, first);
        assert_eq!(of(&pack(&regency, ("2026-10-01", "2026-10-31"), 0).await, "PG-02_plt_plh.csv").len(), 1);
    }

    async fn pg_05_pg_06_shares_and_what_was_used_of_each_deadline(engine) {
        let regency = Regency::new(engine).await;
        let says = async |filed: &Filed| {
            let done = AnswerComplaintRequest { done: Some(true), ..filed.says("") };
            regency.nobody().answer_complaint(done).await.unwrap();
        };
        // At once; late, after twenty working days of fourteen; and one that is open still.
        let soon = regency.answered(Regency::report()).await;
        says(&soon).await;
        let late = regency.taken(Regency::report()).await;
        regency.set("2026-12-22T01:00:00Z");
        regency.agency(PUPR).answer_without_proof(&late.id).await.unwrap();
        says(&late).await;
        regency.taken(Regency::report()).await;
        regency.set("2027-01-05T01:00:00Z");
        let year = ("2026-01-01", "2026-12-31");
        let first = pack(&regency, year, 0).await;
        let shares = table(&first, "PG-05_rekonsiliasi.csv");
        assert!(shares[0].ends_with(",selesai_tepat_waktu,persen_selesai,persen_tepat_waktu"), "{shares:?}");
        assert_eq!(shares[1], "COMPLAINT,WEB,0,3,0,2,0,0,0,0,1,1,66.7,50.0");
        assert_eq!(shares[2], "JUMLAH,,0,3,0,2,0,0,0,0,1,1,66.7,50.0");
        let matrix = table(&first, "PG-06_matriks.csv");
        assert_eq!(matrix.len(), 2, "{matrix:?}");
        let cells: Vec<&str> = matrix[1].split(',').collect();
        assert_eq!(cells[..8], ["COMPLAINT", "JALAN", "D5", "14", "WORKING_DAYS", "2", "1", "50.0"]);
        assert_eq!(cells[10..], ["1", "0", "1", "0"], "nothing at all, and up to one and a half times");
        let days = |at: usize| cells[at].parse::<f64>().unwrap();
        assert!((19.0..21.0).contains(&days(9)) && (days(8) * 2.0 - days(9)).abs() < 0.3, "{cells:?}");
        // Another calendar, written later, counts nothing of the past anew.
        let calendar = crate::time::calendar(&crate::time::week(), &["2026-12-01", "2026-12-02", "2027-03-09"]);
        let request = ApplyCalendarRequest { request_id: String::new(), calendar: Some(calendar) };
        regency.coordinator().apply_calendar(request).await.unwrap();
        regency.until("the clocks are counted again", || async { crate::time::recounts(&regency).await == 1 }).await;
        assert_eq!(pack(&regency, year, 0).await, first);
    }

    async fn pg_07_minutes_and_report_of_each_period_with_the_report_of_the_service(engine) {
        let regency = Regency::new(engine).await;
        regency.answered(Regency::report()).await;
        let year = ("2026-01-01", "2026-12-31");
        regency.set("2027-01-05T01:00:00Z");
        for (period, cites_report) in [("2026-Q1", false), ("2026-Q2", false), ("2026-Q4", true)] {
            let minutes = paper(&regency, EvidenceKind::EvaluationMinutes).await;
            let request = CreateEvidenceDocumentRequest { period: period.to_owned(), cites_report, ..minutes };
            assert_eq!(entered(&regency, request).await.cites_report, cites_report);
        }
        let report = CreateEvidenceDocumentRequest { period: "2026".to_owned(), ..paper(&regency, EvidenceKind::EvaluationReport).await };
        entered(&regency, report).await;
        let gaps = missing(&regency, year, EvidenceIndicator::Pg07).await;
        assert_eq!(gaps, [EvidenceGap { kind: EvidenceKind::EvaluationMinutes.into(), from: "2026-07-01".to_owned(), to: "2026-09-30".to_owned(), managers: 0 }]);
        let first = pack(&regency, year, 0).await;
        let text = String::from_utf8_lossy(&first.archive).into_owned();
        assert!(text.contains("PG-07_laporan_layanan_2026-Q4.csv") && !text.contains("PG-07_laporan_layanan_2026-Q1.csv"), "{text}");
        let table = text.rsplit("PG-07_laporan_layanan_2026-Q4.csv").nth(1).unwrap();
        assert!(table.starts_with("jenis,kanal,awal,masuk,") && table.contains("JUMLAH,,0,1,0,"), "{table}");
        assert!(text.contains("notulen evaluasi,2026-11-16,188/12/2026,Dokumen pengelolaan pengaduan,,,2026-Q1,,PG-07/2026-11-16_notulen-evaluasi_evd_"), "{text}");
        // What happens in the next quarter changes nothing in it.
        regency.answered(Regency::report()).await;
        assert_eq!(pack(&regency, year, 0).await, first);
    }

    async fn pg_09_who_was_trained_and_with_what_is_in_the_pack_each_file_with_its_hash(engine) {
        let regency = Regency::new(engine).await;
        for kind in [EvidenceKind::Attendance, EvidenceKind::TrainingMaterial] {
            entered(&regency, paper(&regency, kind).await).await;
        }
        let old = CreateEvidenceDocumentRequest { date: "2025-11-16".to_owned(), ..paper(&regency, EvidenceKind::Attendance).await };
        let old = entered(&regency, CreateEvidenceDocumentRequest { file_id: uploaded(&regency, PHOTO).await, ..old }).await;
        let november = ("2026-11-01", "2026-11-30");
        assert!(missing(&regency, november, EvidenceIndicator::Pg09).await.is_empty());
        regency.set("2026-12-02T01:00:00Z");
        let pack = pack(&regency, november, 0).await;
        // Read as any program reads it.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bukti.zip");
        std::fs::write(&file, &pack.archive).unwrap();
        let script = "import sys,zipfile,hashlib,csv,io\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
            told=dict(reversed(l.split('  ',1)) for l in z.read('BACA.txt').decode().split('SHA-256:\\n')[1].splitlines())\n\
            for n in z.namelist():\n  assert n=='BACA.txt' or hashlib.sha256(z.read(n)).hexdigest()==told[n],n\n\
            rows=list(csv.DictReader(io.StringIO(z.read('PG-09_bukti.csv').decode())))\n\
            for r in rows:\n  assert hashlib.sha256(z.read(r['berkas'])).hexdigest()==r['sha256'],r\n  print(r['jenis'],r['tanggal'],r['peserta'])";
        let told = std::process::Command::new("python3").args(["-c", script]).arg(&file).output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        assert_eq!(String::from_utf8_lossy(&told.stdout), "daftar hadir pelatihan 2026-11-16 24\nmateri pelatihan 2026-11-16 \n");
        assert!(!String::from_utf8_lossy(&pack.archive).contains(&old.id), "a training of last year");
    }

    async fn c_45_a_pack_is_made_again_to_the_bit_whatever_was_entered_or_withdrawn_since(engine) {
        let regency = Regency::new(engine).await;
        let november = ("2026-11-01", "2026-11-30");
        let decree = entered(&regency, paper(&regency, EvidenceKind::TeamDecree).await).await;
        for kind in [EvidenceKind::IntegrationDecree, EvidenceKind::TrialReport, EvidenceKind::RequestLetter] {
            entered(&regency, paper(&regency, kind).await).await;
        }
        regency.set("2026-12-02T01:00:00Z");
        let first = pack(&regency, november, 0).await;
        let text = String::from_utf8_lossy(&first.archive).into_owned();
        assert!(text.contains("PG-08: lengkap\n") && text.contains("PG-08/2026-11-16_surat-permohonan_evd_"), "{text}");
        assert!(first.register > 0 && text.contains(&format!("--register {}", first.register)));
        // What is of another time changes nothing at all.
        let attendance = CreateEvidenceDocumentRequest { date: "2026-12-01".to_owned(), ..paper(&regency, EvidenceKind::Attendance).await };
        entered(&regency, attendance).await;
        assert_eq!(pack(&regency, november, 0).await, first);
        // A paper of the period that comes later, and one that is withdrawn, make another pack; the former can be had still.
        let procedure = entered(&regency, paper(&regency, EvidenceKind::Procedure).await).await;
        let why = WithdrawEvidenceDocumentRequest { evidence: decree.id.clone(), reason: "SK ini sudah diganti yang benar.".to_owned(), ..WithdrawEvidenceDocumentRequest::default() };
        regency.coordinator().withdraw_evidence_document(why).await.unwrap();
        let second = pack(&regency, november, 0).await;
        assert!(second.register > first.register);
        let text = String::from_utf8_lossy(&second.archive).into_owned();
        assert!(text.contains(&procedure.id) && !text.contains(&decree.id));
        assert_eq!(pack(&regency, november, first.register).await, first);
        assert_eq!(pack(&regency, november, second.register).await, second);
        // That there was none can be shown again too.
        let october = ("2024-10-01", "2024-10-31");
        let none = pack(&regency, october, 0).await;
        let old = paper(&regency, EvidenceKind::Procedure).await;
        let old = CreateEvidenceDocumentRequest { date: "2024-01-01".to_owned(), valid_from: "2024-01-01".to_owned(), valid_to: "2024-12-31".to_owned(), ..old };
        entered(&regency, old).await;
        assert_ne!(pack(&regency, october, 0).await, none);
        assert_eq!(pack(&regency, october, none.register).await, none);
        for register in [-1, i64::MAX] {
            let request = ExportEvidenceRequest { from: november.0.to_owned(), to: november.1.to_owned(), register };
            assert!(regency.bupati().export_evidence(request).await.unwrap_err().fields.contains_key("register"));
        }
    }

    async fn c_45_a_paper_that_no_scanner_ever_looks_at_is_in_the_index_alone(engine) {
        let mut regency = Regency::new(engine).await;
        let decree = entered(&regency, paper(&regency, EvidenceKind::TeamDecree).await).await;
        regency.set("2026-12-02T01:00:00Z");
        let november = ("2026-11-01", "2026-11-30");
        let name = format!("PG-01/2025-12-20_sk-tim_{}.pdf", decree.id);
        let text = |pack: &ExportEvidenceResponse| String::from_utf8_lossy(&pack.archive).into_owned();
        assert!(text(&pack(&regency, november, 0).await).contains(&name));
        // An installation that opens nothing unscanned, and has no scanner: no paper keeps the others back.
        regency.stop().await;
        regency.config.allow_unscanned = false;
        regency.start().await;
        let held = text(&pack(&regency, november, 0).await);
        assert!(!held.contains(&name) && held.contains(",belum dipindai\r\n"), "{held}");
        assert!(opened(&regency, &decree.id).await.is_err());
        // Once there is one, it looks at what came before it too; until then a pack waits.
        let scanner = scanner().await;
        regency.stop().await;
        regency.config.clamd = scanner;
        regency.start().await;
        regency.until("the paper is scanned", || async { opened(&regency, &decree.id).await.is_ok() }).await;
        assert!(text(&pack(&regency, november, 0).await).contains(&name));
    }

    async fn c_45_files_that_are_too_many_for_one_pack_are_refused_and_a_shorter_period_is_not(engine) {
        let regency = Regency::new(engine).await;
        // A real PDF needs not be understood to be kept: fifteen of almost three MiB.
        for number in 0..15_u8 {
            let content = [PAPER, &vec![number; (3 << 20) - 100]].concat();
            let day = if number == 0 { "2026-11-01" } else { "2026-11-02" };
            let request = CreateEvidenceDocumentRequest {
                date: day.to_owned(),
                file_id: uploaded(&regency, &content).await,
                ..paper(&regency, EvidenceKind::TrainingMaterial).await
            };
            entered(&regency, request).await;
        }
        regency.set("2026-12-02T01:00:00Z");
        let export = |to: &str| ExportEvidenceRequest { from: "2026-11-01".to_owned(), to: to.to_owned(), register: 0 };
        assert_eq!(regency.bupati().export_evidence(export("2026-11-30")).await.unwrap_err().reason, "PACK_TOO_LARGE");
        let one = regency.bupati().export_evidence(export("2026-11-01")).await.unwrap();
        assert!(one.archive.len() > 2 << 20);
    }
}

/// A virus scanner that finds nothing in anything.
async fn scanner() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut sent = Vec::new();
            // A piece of no length is the end.
            while !sent.ends_with(&[0; 4]) && stream.read_buf(&mut sent).await.is_ok_and(|read| read > 0) {}
            stream.write_all(b"stream: OK\0").await.expect("it listens");
        }
    });
    address
}

/// The first column of what is asked for.
async fn column(regency: &Regency, select: SelectStatement) -> Vec<String> {
    let rows = regency.db.db.read.query_all(&select).await.expect("rows");
    rows.iter().map(|row| row.try_get_by_index(0).expect("a text")).collect()
}

/// What a link to a paper opens.
async fn opened(regency: &Regency, id: &str) -> Result<OpenEvidenceLinkResponse, Refusal> {
    let made = regency
        .coordinator()
        .create_evidence_link(CreateEvidenceLinkRequest { evidence: id.to_owned() })
        .await?;
    let token = made.path.trim_start_matches("/bukti/").to_owned();
    regency.nobody().open_evidence_link(OpenEvidenceLinkRequest { token }).await
}

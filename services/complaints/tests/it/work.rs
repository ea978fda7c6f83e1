//! What officers and reporters do to a case.

use chrono::TimeDelta;
use mpp_kit::journal;
use mpp_kit::testing::{Engine, unguard_journal};
use mpp_proto::complaints::v1::*;
use sea_orm::ConnectionTrait as _;
use tonic::Code;

use crate::regency::*;

fn png() -> Vec<u8> {
    include_bytes!("../../src/intake/samples/drawing.png").to_vec()
}

pub(crate) async fn proof(regency: &Regency) -> String {
    let request = UploadComplaintFileRequest { request_id: String::new(), content: png() };
    regency.nobody().upload_complaint_file(request).await.unwrap().file.unwrap().file_id
}

fn done(filed: &Filed, done: bool, rating: i32) -> AnswerComplaintRequest {
    let text = if done { "" } else { "Masih berlubang." };
    AnswerComplaintRequest { done: Some(done), rating, ..filed.says(text) }
}

lines! {
    async fn c_23_what_the_table_does_not_permit_is_refused_and_changes_nothing(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        let before = regency.seen(&filed.id).await;
        let early = regency.coordinator().dispose(&filed.id, PUPR).await.unwrap_err();
        assert_eq!((early.code, early.reason.as_str()), (Code::FailedPrecondition, "NOT_PERMITTED_IN_STATE"));
        regency.disposed(&filed.id).await;
        let stranger = regency.coordinator().accept(&filed.id).await.unwrap_err();
        assert_eq!(stranger.code, Code::PermissionDenied);
        assert_eq!(regency.agency(DINKES).accept(&filed.id).await.unwrap_err().code, Code::NotFound);
        assert_eq!(regency.nobody().verify(&filed.id).await.unwrap_err().code, Code::Unauthenticated);
        let after = regency.seen(&filed.id).await;
        assert_eq!((after.state(), after.version), (CaseState::Disposed, before.version + 2));
    }

    async fn c_24_every_transition_is_in_a_journal_that_cannot_be_changed_unseen(engine) {
        use sea_orm::{ConnectionTrait as _, sea_query::{Expr, ExprTrait as _, Query}};
        let regency = Regency::new(engine).await;
        let filed = regency.taken(Regency::report()).await;
        let request = ListComplaintJournalRequest { complaint: filed.id.clone(), ..ListComplaintJournalRequest::default() };
        let entries = regency.coordinator().list_complaint_journal(request).await.unwrap().entries;
        let seen: Vec<_> = entries.iter().map(|it| (it.who.as_str(), it.what.as_str(), it.from.as_str(), it.to.as_str())).collect();
        assert_eq!(seen, [
            ("public", "complaint.filed", "", "NEW"),
            ("acc_coordinator", "complaint.verify", "NEW", "VERIFIED"),
            ("acc_coordinator", "complaint.dispose", "VERIFIED", "DISPOSED"),
            ("acc_pupr", "complaint.accept", "DISPOSED", "IN_PROGRESS"),
        ]);
        assert!(entries[3].detail.contains(PUPR), "the holder is kept");
        let db = &regency.db.db;
        journal::verify(&db.read).await.unwrap();
        let change = Query::update().table("journal").value("who", "acc_other").and_where(Expr::col("seq").eq(entries[2].seq)).to_owned();
        db.write.execute(&change).await.unwrap_err(); // not even by the service itself
        unguard_journal(db).await;
        db.write.execute(&change).await.unwrap();
        assert!(journal::verify(&db.read).await.is_err());
    }

    async fn c_25_one_agency_leads_and_helpers_have_their_own_deadlines(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        regency.coordinator().verify(&filed.id).await.unwrap();
        let due = moment(MONDAY) + TimeDelta::days(2);
        let helper = Helper { agency_id: DINKES.to_owned(), task: "Periksa air tergenang".to_owned(), due_at: stamp(due), ..Helper::default() };
        let request = DisposeComplaintRequest {
            complaint: filed.id.clone(),
            agency_id: PUPR.to_owned(),
            helpers: vec![helper.clone(), helper.clone()],
            ..DisposeComplaintRequest::default()
        };
        assert!(regency.coordinator().dispose_complaint(request.clone()).await.unwrap_err().fields.contains_key("helpers[1].agency_id"));
        let request = DisposeComplaintRequest { helpers: vec![helper], ..request };
        let case = regency.coordinator().dispose_complaint(request).await.unwrap().complaint.unwrap();
        assert_eq!((case.lead_agency_id.as_str(), at(case.helpers[0].due_at.as_ref())), (PUPR, due));
        assert_eq!(regency.agency(DINKES).listed(WorkList::Mine).await, std::slice::from_ref(&filed.id));
        assert_eq!(regency.agency(DINKES).accept(&filed.id).await.unwrap_err().code, Code::PermissionDenied);
        let help = |agency: &str| CompleteHelpRequest { complaint: filed.id.clone(), agency_id: agency.to_owned(), text: "Sudah diperiksa.".to_owned(), ..CompleteHelpRequest::default() };
        assert_eq!(regency.agency(PUPR).complete_help(help(DINKES)).await.unwrap_err().code, Code::PermissionDenied);
        let case = regency.agency(DINKES).complete_help(help(DINKES)).await.unwrap().complaint.unwrap();
        assert!(case.helpers[0].done_at.is_some());
        assert!(regency.agency(DINKES).listed(WorkList::Mine).await.is_empty());
    }

    async fn c_25_help_ends_with_its_case_and_goes_on_when_that_is_opened_again(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        regency.coordinator().verify(&filed.id).await.unwrap();
        let helper = Helper { agency_id: DINKES.to_owned(), task: "Periksa air tergenang".to_owned(), due_at: stamp(moment(MONDAY) + TimeDelta::days(2)), ..Helper::default() };
        let request = DisposeComplaintRequest { complaint: filed.id.clone(), agency_id: PUPR.to_owned(), helpers: vec![helper], ..DisposeComplaintRequest::default() };
        regency.coordinator().dispose_complaint(request).await.unwrap();
        regency.agency(PUPR).accept(&filed.id).await.unwrap();
        regency.agency(PUPR).answer_without_proof(&filed.id).await.unwrap();
        let lists = async || {
            let dinkes = regency.agency(DINKES);
            (dinkes.listed(WorkList::Unspecified).await, dinkes.listed(WorkList::Mine).await)
        };
        let there = vec![filed.id.clone()];
        assert_eq!(lists().await, (there.clone(), there.clone()));
        regency.nobody().answer_complaint(done(&filed, true, 4)).await.unwrap();
        assert_eq!(regency.seen(&filed.id).await.state(), CaseState::Settled);
        assert_eq!(lists().await, (Vec::new(), Vec::new()), "there is nothing to help with");
        assert!(regency.agency(DINKES).complaint(&filed.id).await.is_ok(), "who helped reads on");
        regency.nobody().answer_complaint(done(&filed, false, 0)).await.unwrap();
        assert_eq!(lists().await, (there.clone(), there));
    }

    async fn c_42_a_work_list_is_there_however_many_cases_an_agency_helps_with(engine) {
        use sea_orm::ConnectionTrait as _;
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        regency.coordinator().verify(&filed.id).await.unwrap();
        let helper = Helper { agency_id: DINKES.to_owned(), task: "Periksa air tergenang".to_owned(), due_at: stamp(moment(MONDAY) + TimeDelta::days(2)), ..Helper::default() };
        let request = DisposeComplaintRequest { complaint: filed.id.clone(), agency_id: PUPR.to_owned(), helpers: vec![helper], ..DisposeComplaintRequest::default() };
        regency.coordinator().dispose_complaint(request).await.unwrap();
        // More than a statement binds on either engine.
        let many = "INSERT INTO helper (complaint_id, agency_id, due_at, done_at) \
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70000) \
                    SELECT 'cmp_' || i, '17.07/dinkes', '2026-11-23 01:00:00+00:00', NULL FROM n";
        regency.db.db.write.execute_unprepared(many).await.unwrap();
        for list in [WorkList::Unspecified, WorkList::Mine] {
            assert_eq!(regency.agency(DINKES).listed(list).await, std::slice::from_ref(&filed.id));
        }
        assert_eq!(regency.bupati().listed(WorkList::Unspecified).await, std::slice::from_ref(&filed.id));
    }

    async fn c_11_what_lapor_knows_of_a_merged_case_is_about_the_survivor(engine) {
        let regency = Regency::new(engine).await;
        let survivor = regency.file(Regency::report()).await;
        let merged = regency.file(Regency::report()).await;
        let record = async |complaint: &str| {
            let request = RecordSp4nTrackingRequest { complaint: complaint.to_owned(), tracking_id: "1234567".to_owned(), stage: "Diproses".to_owned(), ..RecordSp4nTrackingRequest::default() };
            regency.coordinator().record_sp4n_tracking(request).await.map(|it| it.entry.unwrap())
        };
        let first = record(&merged.id).await.unwrap();
        assert_eq!(record(&survivor.id).await.unwrap_err().reason, "TRACKING_ID_TAKEN");
        let request = MergeComplaintRequest { complaint: merged.id.clone(), into: survivor.id.clone(), ..MergeComplaintRequest::default() };
        regency.coordinator().merge_complaint(request).await.unwrap();
        let after = record(&survivor.id).await.unwrap();
        assert_eq!((&after.id, &after.complaint_id), (&first.id, &survivor.id));
        assert_eq!(record(&merged.id).await.unwrap(), after, "what is recorded for the merged one is the survivor's");
    }

    async fn c_25_a_helper_that_is_late_is_marked_by_time_alone_and_told(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        regency.coordinator().verify(&filed.id).await.unwrap();
        let due = moment(MONDAY) + TimeDelta::minutes(90);
        let helper = Helper { agency_id: DINKES.to_owned(), task: "Periksa air tergenang".to_owned(), due_at: stamp(due), ..Helper::default() };
        let request = DisposeComplaintRequest { complaint: filed.id.clone(), agency_id: PUPR.to_owned(), helpers: vec![helper], ..DisposeComplaintRequest::default() };
        regency.coordinator().dispose_complaint(request).await.unwrap();
        regency.wait(TimeDelta::minutes(89));
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert_eq!(regency.seen(&filed.id).await.helpers[0].late_at, None);
        regency.wait(TimeDelta::minutes(1));
        regency.until("the help is late", || async { regency.seen(&filed.id).await.helpers[0].late_at.is_some() }).await;
        // Both are told, once; nothing else of the case is late.
        let told = || {
            let all = regency.messages.of_type("eskalasi").into_iter();
            let late = all.filter(|it| it.placeholders.get("jenis_tenggat").is_some_and(|it| it == "bantuan instansi"));
            let mut to: Vec<_> = late.map(|it| format!("{:?}", it.recipient)).collect();
            to.sort();
            to
        };
        regency.until("both are told", || async { told().len() == 2 }).await;
        assert!(told()[0].contains("acc_dinkes") && told()[1].contains("acc_pupr"), "{:?}", told());
        let request = ListComplaintJournalRequest { complaint: filed.id.clone(), ..ListComplaintJournalRequest::default() };
        let entries = regency.coordinator().list_complaint_journal(request).await.unwrap().entries;
        assert_eq!(entries.iter().filter(|it| it.what == "complaint.help_late").count(), 1);
        // Done afterwards, it was late.
        let help = CompleteHelpRequest { complaint: filed.id.clone(), agency_id: DINKES.to_owned(), text: "Sudah diperiksa.".to_owned(), ..CompleteHelpRequest::default() };
        regency.agency(DINKES).complete_help(help).await.unwrap();
        let case = regency.seen(&filed.id).await;
        assert_eq!((at(case.helpers[0].late_at.as_ref()), case.helpers[0].done_at.is_some()), (due, true));
        assert!(case.clocks.iter().all(|it| it.late_at.is_none()));
        regency.wait(TimeDelta::minutes(10));
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert_eq!(told().len(), 2);
    }

    async fn c_26_after_two_bounces_the_coordinator_decides(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        regency.disposed(&filed.id).await;
        for bounces in 1..=2 {
            assert_eq!(regency.agency(PUPR).bounce(&filed.id).await.unwrap().bounces, bounces);
            assert!(regency.coordinator().listed(WorkList::ToCoordinate).await.contains(&filed.id));
            regency.coordinator().dispose(&filed.id, PUPR).await.unwrap();
        }
        assert_eq!(regency.agency(PUPR).bounce(&filed.id).await.unwrap_err().reason, "BOUNCE_LIMIT");
        let short = BounceComplaintRequest { complaint: filed.id, reason: "bukan".to_owned(), ..BounceComplaintRequest::default() };
        assert!(regency.agency(PUPR).bounce_complaint(short).await.unwrap_err().fields.contains_key("reason"));
        assert_eq!(regency.check_board(&regency.coordinator()).await[&(PUPR.to_owned(), BoardMeasure::Bounced.into())], 1);
    }

    async fn c_27_closing_otherwise_needs_a_listed_reason_and_advice(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        let archive = |reason: &str, advice: &str| ArchiveComplaintRequest { complaint: filed.id.clone(), reason: reason.to_owned(), advice: advice.to_owned(), ..ArchiveComplaintRequest::default() };
        let refused = regency.coordinator().archive_complaint(archive("BOSAN", "")).await.unwrap_err();
        assert_eq!(refused.fields.keys().collect::<Vec<_>>(), ["advice", "reason"]);
        let advice = "Tulis ulang laporan dengan lokasi yang jelas.";
        regency.coordinator().archive_complaint(archive("UNCLEAR", advice)).await.unwrap();
        let seen = regency.followed(&filed).await;
        assert_eq!((seen.state(), seen.advice.as_str()), (CaseState::Archived, advice));
        assert_eq!((seen.closing_reason.as_str(), seen.forwarded_to.as_str()), ("UNCLEAR", ""));
        let other = regency.file(Regency::report()).await;
        let secret = regency.file(FileComplaintRequest { secrecy: Secrecy::Secret.into(), ..Regency::report() }).await;
        let forward = |filed: &Filed| ForwardComplaintOutsideRequest {
            complaint: filed.id.clone(),
            reason: "PROVINCE".to_owned(),
            forwarded_to: "Dinas PUPR Provinsi".to_owned(),
            advice: "Hubungi Dinas PUPR Provinsi dengan nomor laporan ini.".to_owned(),
            ..ForwardComplaintOutsideRequest::default()
        };
        let case = regency.coordinator().forward_complaint_outside(forward(&other)).await.unwrap().complaint.unwrap();
        assert_eq!((case.state(), case.forwarded_to.as_str()), (CaseState::ForwardedOutside, "Dinas PUPR Provinsi"));
        let seen = regency.followed(&other).await;
        assert_eq!((seen.closing_reason.as_str(), seen.forwarded_to.as_str()), ("PROVINCE", "Dinas PUPR Provinsi"));
        regency.coordinator().forward_complaint_outside(forward(&secret)).await.unwrap();
        regency.until("all are told", || async { regency.messages.of_type("perubahan_status").len() >= 3 }).await;
        let told = |filed: &Filed| {
            let all = regency.messages.of_type("perubahan_status");
            all.into_iter().find(|it| it.placeholders["nomor"] == filed.number).unwrap().placeholders["status"].clone()
        };
        assert_eq!(told(&filed), "ditutup dengan alasan: isinya tidak jelas walau sudah ditanyakan");
        assert_eq!(told(&other), "diteruskan ke Dinas PUPR Provinsi (wewenang pemerintah provinsi)");
        assert!(!told(&secret).contains("PUPR") && told(&secret).contains("provinsi"), "{}", told(&secret));
    }

    async fn c_28_clocks_stand_still_once_the_question_arrived_and_silence_withdraws(engine) {
        let regency = Regency::new(engine).await;
        regency.messages.become_of_next(mpp_proto::notifications::v1::DeliveryStatus::Sending);
        let filed = regency.taken(Regency::report()).await;
        regency.wait(TimeDelta::days(35));
        let asked_at = regency.clock_now();
        regency.agency(PUPR).ask(&filed.id).await.unwrap();
        regency.until("the question is sent", || async { regency.messages.of_type("minta_kelengkapan").len() == 1 }).await;
        regency.wait(TimeDelta::minutes(1));
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        let settle = |case: &Complaint| case.clocks.iter().find(|it| it.kind() == ClockKind::Settle).unwrap().clone();
        assert_eq!(settle(&regency.seen(&filed.id).await).state(), ClockState::Running, "it did not arrive yet");
        regency.messages.deliver_all();
        regency.wait(TimeDelta::minutes(1));
        regency.until("the clocks stand still", || async { settle(&regency.seen(&filed.id).await).state() == ClockState::Paused }).await;
        let until = at(regency.seen(&filed.id).await.reporter_until.as_ref());
        // The workers may have looked before the clock moved, or after.
        let left = until - regency.clock_now();
        assert!(left == TimeDelta::days(30) || left == TimeDelta::days(30) - TimeDelta::minutes(1), "{left}");
        // Asked long after it was filed, and the day that was told lies ahead: no later than the one that counts.
        let told = &regency.messages.of_type("minta_kelengkapan")[0].placeholders["batas"];
        let told = chrono::NaiveDateTime::parse_from_str(told, "%d-%m-%Y %H:%M WIB").unwrap() - TimeDelta::hours(7);
        assert_eq!(told.and_utc(), asked_at + TimeDelta::days(30));
        assert!(told.and_utc() <= until);
        regency.wait(TimeDelta::days(31));
        regency.until("it counts as withdrawn", || async { regency.seen(&filed.id).await.state() == CaseState::DeemedWithdrawn }).await;
    }

    async fn c_06_mails_to_a_reporter_carry_an_address_that_is_theirs_alone(engine) {
        use mpp_complaints::intake::config::MailboxConfig;
        use mpp_complaints::intake::email::{self, Hint};
        let mut mailbox = MailboxConfig { address: "aduan@contoh.go.id".to_owned(), ..MailboxConfig::default() };
        mailbox.reply_key = mpp_kit::config::Secret::from("kunci-balasan-yang-panjang-sekali-32");
        // Nobody answers there: what is read is not what this is about.
        (mailbox.imap.host, mailbox.imap.port) = ("127.0.0.1".to_owned(), 9);
        let regency = Regency::with(engine, |config| {
            config.channels.email.insert("utama".to_owned(), mailbox.clone());
        })
        .await;
        let filed = [regency.file(Regency::report()).await, regency.file(Regency::report()).await];
        regency.until("receipts go out", || async { regency.messages.of_type("tanda_terima").len() == 2 }).await;
        for receipt in regency.messages.of_type("tanda_terima") {
            let raw = format!("From: rohana@contoh.id\r\nTo: {}\r\nSubject: Re\r\n\r\nHalo", receipt.reply_to);
            let mail = email::read(&mailbox.mailbox(), raw.as_bytes()).unwrap();
            assert_eq!(mail.hints, [Hint::Signed(receipt.placeholders["nomor"].to_lowercase())]);
        }
        assert!(filed.iter().all(|it| regency.messages.of_type("tanda_terima").iter().any(|sent| sent.placeholders["nomor"] == it.number)));
        regency.until("the coordinator is told", || async { !regency.messages.of_type("penugasan").is_empty() }).await;
        assert!(regency.messages.of_type("penugasan").iter().all(|it| it.reply_to.is_empty()), "officials answer elsewhere");
    }

    async fn c_28_a_mail_that_a_server_took_is_no_failure_and_what_arrives_later_clears_the_mark(engine) {
        use mpp_proto::notifications::v1::DeliveryStatus;
        let regency = Regency::new(engine).await;
        regency.messages.become_of_next(DeliveryStatus::Sent);
        let filed = regency.file(Regency::report()).await;
        let state = async |kind: &str| {
            let case = regency.seen(&filed.id).await;
            case.deliveries.iter().find(|it| it.kind == kind).map(|it| it.state.clone()).unwrap_or_default()
        };
        let undelivered = async || {
            let numbers = regency.check_board(&regency.coordinator()).await;
            numbers[&("coordinator".to_owned(), BoardMeasure::Undelivered.into())]
        };
        regency.until("it is taken", async || state("received").await == "ACCEPTED").await;
        regency.wait(TimeDelta::hours(97));
        let looked = async || {
            let case = regency.seen(&filed.id).await;
            let told = case.deliveries.iter().find(|it| it.kind == "received").unwrap();
            at(told.updated_at.as_ref()) == regency.clock_now()
        };
        regency.until("it is asked after", looked).await;
        assert_eq!((state("received").await.as_str(), undelivered().await), ("ACCEPTED", 0));
        regency.messages.deliver_all();
        regency.wait(TimeDelta::minutes(11));
        regency.until("it arrived", async || state("received").await == "DELIVERED").await;
        // What fails is a mark, until something reaches them again.
        regency.messages.become_of_next(DeliveryStatus::PermanentFailure);
        regency.coordinator().verify(&filed.id).await.unwrap();
        regency.until("it is taken", async || state("verified").await == "ACCEPTED").await;
        regency.wait(TimeDelta::minutes(1));
        regency.until("it failed", async || state("verified").await == "FAILED").await;
        assert_eq!(undelivered().await, 1);
        regency.messages.become_of_next(DeliveryStatus::Delivered);
        regency.coordinator().ask(&filed.id).await.unwrap();
        regency.until("it is taken", async || state("question").await == "ACCEPTED").await;
        regency.wait(TimeDelta::minutes(1));
        regency.until("it arrived", async || state("question").await == "DELIVERED").await;
        assert_eq!(undelivered().await, 0);
    }

    async fn c_28_without_a_contact_no_question_pauses_a_clock(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.taken(FileComplaintRequest { contact: None, ..Regency::report() }).await;
        let asked = regency.agency(PUPR).ask(&filed.id).await.unwrap();
        assert_eq!(asked.deliveries.iter().find(|it| it.kind == "question").unwrap().state, "NO_CONTACT");
        regency.wait(TimeDelta::days(31));
        let late = async || {
            let case = regency.seen(&filed.id).await;
            case.clocks.iter().any(|it| it.kind() == ClockKind::Settle && it.late_at.is_some())
        };
        regency.until("the law's clock runs out", late).await;
        assert_eq!(regency.seen(&filed.id).await.state(), CaseState::AwaitingCompletion);
        // Time itself may be at it in the same moment.
        let said = AnswerComplaintRequest { request_id: "utara".to_owned(), ..filed.says("Di sebelah utara, dekat jembatan.") };
        regency.until("it is heard", async || regency.nobody().answer_complaint(said.clone()).await.is_ok()).await;
        assert_eq!(regency.seen(&filed.id).await.state(), CaseState::InProgress);
    }

    async fn c_28_who_asks_for_secrecy_is_told_that_they_are_asked_and_until_when(engine) {
        let regency = Regency::new(engine).await;
        let quiet = |secrecy: Secrecy| FileComplaintRequest { secrecy: secrecy.into(), ..Regency::report() };
        let mut asked = Vec::new();
        for secrecy in [Secrecy::Anonymous, Secrecy::Secret] {
            let filed = regency.taken(quiet(secrecy)).await;
            regency.agency(PUPR).ask(&filed.id).await.unwrap();
            asked.push(filed);
        }
        let whistle = FileComplaintRequest { complaint_class: ComplaintClass::Whistleblowing.into(), ..Regency::report() };
        let whistle = regency.file(whistle).await;
        regency.inspector("acc_inspector").ask(&whistle.id).await.unwrap();
        asked.push(whistle);
        let sent = || regency.messages.of_type("kelengkapan_diminta");
        regency.until("each is asked", async || sent().len() == 3).await;
        for filed in &asked {
            let told = sent().into_iter().find(|it| it.placeholders["nomor"] == filed.number).unwrap();
            // 30 days from 23 November: nobody is withdrawn for a question they were not told of.
            assert!(told.placeholders["batas"].starts_with("23-12-2026"), "{:?}", told.placeholders);
            assert!(told.placeholders["tautan"].ends_with("/lacak") && told.confidential);
            assert_eq!(told.placeholders.len(), 3, "and nothing of what is asked");
        }
        assert!(regency.messages.of_type("jawaban_tersedia").is_empty(), "it is no answer");
        // It is a question for the clocks too.
        regency.wait(TimeDelta::minutes(1));
        let until = async || regency.followed(&asked[0]).await.reporter_until.is_some();
        regency.until("it arrived", until).await;
        regency.wait(TimeDelta::days(31));
        let state = async || regency.followed(&asked[0]).await.state();
        regency.until("it counts as withdrawn", async || state().await == CaseState::DeemedWithdrawn).await;
    }

    async fn c_28_what_was_said_elsewhere_is_entered_by_an_officer_and_the_case_goes_on(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.taken(FileComplaintRequest { contact: None, ..Regency::report() }).await;
        regency.agency(PUPR).ask(&filed.id).await.unwrap();
        let said = CompleteComplaintRequest {
            request_id: "meja".to_owned(),
            complaint: filed.id.clone(),
            text: "Di sebelah utara, dekat jembatan.".to_owned(),
            note: "Disampaikan pelapor di meja pengaduan pagi ini.".to_owned(),
            file_ids: vec![proof(&regency).await],
            ..CompleteComplaintRequest::default()
        };
        let refused = regency.agency(PUPR).complete_complaint(CompleteComplaintRequest { text: " ".to_owned(), note: "meja".to_owned(), ..said.clone() }).await.unwrap_err();
        assert_eq!((refused.fields["text"].as_str(), refused.fields["note"].as_str()), ("INVALID_LENGTH", "INVALID_LENGTH"));
        let stranger = CompleteComplaintRequest { reporter: "Pelapor-X".to_owned(), request_id: "lain".to_owned(), ..said.clone() };
        assert_eq!(regency.agency(PUPR).complete_complaint(stranger).await.unwrap_err().fields["reporter"], "UNKNOWN_REPORTER");
        assert_eq!(regency.agency(DINKES).complete_complaint(said.clone()).await.unwrap_err().code, Code::NotFound);
        assert_eq!(regency.sekda().complete_complaint(said.clone()).await.unwrap_err().code, Code::PermissionDenied);
        assert_eq!(regency.nobody().complete_complaint(said.clone()).await.unwrap_err().code, Code::Unauthenticated);
        assert_eq!(regency.seen(&filed.id).await.state(), CaseState::AwaitingCompletion);
        let once = regency.agency(PUPR).complete_complaint(said.clone()).await.unwrap().complaint.unwrap();
        assert_eq!(once.state(), CaseState::InProgress);
        // The same press is done once; another one comes too late.
        assert_eq!(regency.agency(PUPR).complete_complaint(said.clone()).await.unwrap().complaint.unwrap().version, once.version);
        let again = CompleteComplaintRequest { request_id: "lagi".to_owned(), file_ids: Vec::new(), ..said.clone() };
        assert_eq!(regency.agency(PUPR).complete_complaint(again).await.unwrap_err().reason, "NOT_PERMITTED_IN_STATE");
        let seen = regency.seen(&filed.id).await;
        let [words, note] = &seen.messages[seen.messages.len() - 2..] else { panic!("two messages") };
        assert_eq!((words.by.as_str(), words.kind.as_str(), words.account_id.as_str()), ("REPORTER", "ADDITION", "acc_pupr"));
        assert_eq!((&words.reporter, words.files.len()), (&seen.reporters[0].pseudonym, 1));
        assert_eq!((note.kind.as_str(), &note.text), ("NOTE", &said.note));
        // The reporter reads what was entered, and neither the note nor who wrote it.
        let own = regency.followed(&filed).await;
        let shown = own.messages.iter().find(|it| it.text == said.text).unwrap();
        assert_eq!((shown.files.len(), shown.account_id.as_str()), (1, ""));
        assert!(!format!("{own:?}").contains("meja pengaduan"));
        let journal = ListComplaintJournalRequest { complaint: filed.id.clone(), ..Default::default() };
        let entries = regency.coordinator().list_complaint_journal(journal).await.unwrap().entries;
        let entry = entries.iter().find(|it| it.what == "complaint.complete").unwrap();
        assert_eq!((entry.who.as_str(), entry.from.as_str(), entry.to.as_str()), ("acc_pupr", "AWAITING_COMPLETION", "IN_PROGRESS"));
        assert!(entry.detail.contains("AGENCY") && !entry.detail.contains("utara"), "{}", entry.detail);
        assert_eq!(seen.deliveries.iter().filter(|it| it.kind == "completed_by_office").count(), 1);
    }

    async fn c_28_a_question_is_taken_back_and_nobody_is_silent_any_more(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.taken(Regency::report()).await;
        regency.agency(PUPR).ask(&filed.id).await.unwrap();
        regency.until("it is asked", async || regency.messages.of_type("minta_kelengkapan").len() == 1).await;
        regency.wait(TimeDelta::minutes(1));
        let settle = async || {
            let seen = regency.seen(&filed.id).await;
            seen.clocks.into_iter().find(|it| it.kind() == ClockKind::Settle).unwrap().state()
        };
        regency.until("clocks stand still", async || settle().await == ClockState::Paused).await;
        let back = TakeBackQuestionRequest {
            request_id: "tarik".to_owned(),
            complaint: filed.id.clone(),
            reason: "Titiknya sudah ditemukan petugas di lapangan.".to_owned(),
            ..TakeBackQuestionRequest::default()
        };
        let short = TakeBackQuestionRequest { reason: "batal".to_owned(), ..back.clone() };
        assert_eq!(regency.coordinator().take_back_question(short).await.unwrap_err().fields["reason"], "INVALID_LENGTH");
        assert_eq!(regency.agency(DINKES).take_back_question(back.clone()).await.unwrap_err().code, Code::NotFound);
        let version = regency.seen(&filed.id).await.version;
        for _ in 0..2 {
            let case = regency.coordinator().take_back_question(back.clone()).await.unwrap().complaint.unwrap();
            assert_eq!((case.state(), case.version, case.reporter_until), (CaseState::InProgress, version + 1, None));
        }
        assert_eq!(settle().await, ClockState::Running);
        let told = || {
            let all = regency.messages.of_type("perubahan_status");
            all.iter().filter(|it| it.placeholders["status"].contains("pertanyaan ditarik")).count()
        };
        regency.until("the reporter is told once", async || told() == 1).await;
        assert!(!format!("{:?}", regency.followed(&filed).await).contains("ditemukan petugas"));
        // Thirty days later nothing is deemed withdrawn, and it can be answered.
        regency.wait(TimeDelta::days(31));
        regency.agency(PUPR).answer_without_proof(&filed.id).await.unwrap();
        let late = TakeBackQuestionRequest { request_id: "lagi".to_owned(), ..back };
        assert_eq!(regency.coordinator().take_back_question(late).await.unwrap_err().reason, "NOT_PERMITTED_IN_STATE");
    }

    async fn c_28_that_an_old_question_arrives_says_nothing_of_the_new_one(engine) {
        let regency = Regency::new(engine).await;
        regency.messages.become_of_next(mpp_proto::notifications::v1::DeliveryStatus::Sent);
        let filed = regency.taken(Regency::report()).await;
        let agency = regency.agency(PUPR);
        let asked = || regency.messages.of_type("minta_kelengkapan").into_iter().map(|it| it.request_id).collect::<Vec<_>>();
        agency.ask(&filed.id).await.unwrap();
        regency.until("it is asked", || async { asked().len() == 1 }).await;
        let old = asked().remove(0);
        regency.wait(TimeDelta::minutes(1));
        let back = TakeBackQuestionRequest { complaint: filed.id.clone(), reason: "Sudah jelas dari foto.".to_owned(), ..TakeBackQuestionRequest::default() };
        agency.take_back_question(back).await.unwrap();
        regency.wait(TimeDelta::minutes(1));
        agency.ask(&filed.id).await.unwrap();
        regency.until("it is asked again", || async { asked().len() == 2 }).await;
        let new = asked().into_iter().find(|it| *it != old).unwrap();
        let arrives = async |request_id: &str| {
            regency.messages.deliver(request_id);
            regency.until("it is known", || async {
                // What became of a message is asked for again and again.
                regency.wait(TimeDelta::seconds(5));
                regency.seen(&filed.id).await.deliveries.iter().any(|it| it.id == request_id && it.state == "DELIVERED")
            }).await;
            let case = regency.seen(&filed.id).await;
            let paused = case.clocks.iter().filter(|it| it.state() == ClockState::Paused).count();
            (paused, case.reporter_until.is_some())
        };
        assert_eq!(arrives(&old).await, (0, false), "nobody has heard what is asked now");
        assert_eq!(arrives(&new).await, (2, true));
    }

    async fn c_28_the_reporter_completes_and_it_goes_on_where_it_stood(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.taken(Regency::report()).await;
        regency.agency(PUPR).ask(&filed.id).await.unwrap();
        regency.nobody().answer_complaint(filed.says("Di sebelah utara, dekat jembatan.")).await.unwrap();
        let case = regency.seen(&filed.id).await;
        assert_eq!(case.state(), CaseState::InProgress);
        assert!(case.messages.iter().any(|it| it.kind == "ADDITION" && it.text.contains("jembatan")));
    }

    async fn c_29_only_the_substantive_answer_leads_on(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.taken(Regency::report()).await;
        let first = GiveFirstAnswerRequest { complaint: filed.id.clone(), text: "Tim kami meninjau besok pagi.".to_owned(), ..GiveFirstAnswerRequest::default() };
        let case = regency.agency(PUPR).give_first_answer(first).await.unwrap().complaint.unwrap();
        assert_eq!(case.state(), CaseState::InProgress);
        let state = |kind: ClockKind| case.clocks.iter().find(|it| it.kind() == kind).unwrap().state();
        assert_eq!((state(ClockKind::FirstAnswer), state(ClockKind::Reaction)), (ClockState::Met, ClockState::Met));
        assert_eq!(state(ClockKind::Settle), ClockState::Running);
        assert_eq!(regency.nobody().answer_complaint(done(&filed, true, 5)).await.unwrap_err().reason, "NOT_PERMITTED_IN_STATE");
        regency.agency(PUPR).answer_without_proof(&filed.id).await.unwrap();
        let seen = regency.nobody().answer_complaint(done(&filed, true, 5)).await.unwrap().complaint.unwrap();
        assert_eq!((seen.state(), seen.rating), (CaseState::Settled, 5));
    }

    async fn c_30_settling_needs_proof_or_a_listed_reason(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.taken(Regency::report()).await;
        let refused = regency.agency(PUPR).give_answer(answer(&filed.id)).await.unwrap_err();
        assert_eq!(refused.fields["proof_file_ids"], "PROOF_REQUIRED");
        let proven = GiveAnswerRequest { proof_file_ids: vec![proof(&regency).await], ..answer(&filed.id) };
        let case = regency.agency(PUPR).give_answer(proven).await.unwrap().complaint.unwrap();
        assert_eq!(case.state(), CaseState::AwaitingConfirmation);
        assert!(case.messages.last().unwrap().files[0].proof);
        let other = regency.answered(Regency::report()).await;
        regency.nobody().answer_complaint(done(&other, true, 0)).await.unwrap();
        let numbers = regency.check_board(&regency.coordinator()).await;
        assert_eq!(numbers[&(PUPR.to_owned(), BoardMeasure::SettledWithoutProof.into())], 1);
    }

    async fn c_31_belum_within_ten_days_reopens_to_the_same_holder(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.taken(Regency::report()).await;
        regency.wait(TimeDelta::days(40));
        regency.agency(PUPR).answer_without_proof(&filed.id).await.unwrap();
        regency.wait(TimeDelta::days(9));
        let seen = regency.nobody().answer_complaint(done(&filed, false, 0)).await.unwrap().complaint.unwrap();
        assert_eq!(seen.state(), CaseState::Reopened);
        let case = regency.seen(&filed.id).await;
        assert_eq!((case.lead_agency_id.as_str(), case.reopenings), (PUPR, 1));
        let settles: Vec<_> = case.clocks.iter().filter(|it| it.kind() == ClockKind::Settle).collect();
        assert!(settles[0].late_at.is_some() && settles[1].late_at.is_none());
        regency.messages.become_of_next(mpp_proto::notifications::v1::DeliveryStatus::Delivered);
        regency.agency(PUPR).answer_without_proof(&filed.id).await.unwrap();
        regency.until("it is sent", || async { regency.messages.of_type("jawaban_akhir").len() == 2 }).await;
        regency.wait(TimeDelta::minutes(1));
        regency.until("it arrived", || async {
            let told = regency.seen(&filed.id).await.deliveries;
            told.iter().rfind(|it| it.kind == "answered").is_some_and(|it| it.state == "DELIVERED")
        })
        .await;
        regency.wait(TimeDelta::days(10));
        regency.until("silence settles it", || async { regency.seen(&filed.id).await.state() == CaseState::Settled }).await;
        assert_eq!(regency.nobody().answer_complaint(done(&filed, false, 0)).await.unwrap_err().reason, "WINDOW_OVER");
    }

    async fn c_31_a_case_is_not_settled_by_silence_before_its_answer_arrived(engine) {
        use mpp_proto::notifications::v1::DeliveryStatus;
        let regency = Regency::new(engine).await;
        let state = async |filed: &Filed| regency.seen(&filed.id).await.state();
        // A place of time that is far more than the workers need to see what is due.
        let looked = async || tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        regency.messages.become_of_next(DeliveryStatus::Delivered);
        let (lost, late) = (regency.taken(Regency::report()).await, regency.taken(Regency::report()).await);
        regency.until("all is told", || async { regency.messages.of_type("perubahan_status").len() >= 4 }).await;
        regency.messages.become_of_next(DeliveryStatus::PermanentFailure);
        regency.agency(PUPR).answer_without_proof(&lost.id).await.unwrap();
        regency.until("it is sent", || async { regency.messages.of_type("jawaban_akhir").len() == 1 }).await;
        // One that nobody knows the fate of.
        regency.messages.become_of_next(DeliveryStatus::Sent);
        regency.agency(PUPR).answer_without_proof(&late.id).await.unwrap();
        regency.until("it is sent", || async { regency.messages.of_type("jawaban_akhir").len() == 2 }).await;
        regency.wait(TimeDelta::minutes(1));
        regency.until("it failed", || async {
            let numbers = regency.check_board(&regency.coordinator()).await;
            numbers[&(PUPR.to_owned(), BoardMeasure::Undelivered.into())] == 1
        })
        .await;
        // Silence of who was not told says nothing, however long; and they may still say belum.
        regency.wait(TimeDelta::days(11));
        looked().await;
        for filed in [&lost, &late] {
            assert_eq!(state(filed).await, CaseState::AwaitingConfirmation);
        }
        let seen = regency.followed(&lost).await;
        assert!(seen.allowed.contains(&CaseVerb::Reopen.into()), "{:?}", seen.allowed);
        // An officer calls, and says so: ten days from then on.
        let note = |filed: &Filed, text: &str| AddComplaintNoteRequest {
            complaint: filed.id.clone(),
            text: text.to_owned(),
            answer_told: true,
            ..AddComplaintNoteRequest::default()
        };
        let refused = regency.coordinator().add_complaint_note(note(&lost, "ok")).await.unwrap_err();
        assert_eq!(refused.fields["text"], "INVALID_LENGTH");
        let told = note(&lost, "Jawaban dibacakan lewat telepon kepada pelapor.");
        let case = regency.coordinator().add_complaint_note(told.clone()).await.unwrap().complaint.unwrap();
        assert_eq!(at(case.reporter_until.as_ref()) - regency.clock_now(), TimeDelta::days(10));
        let again = AddComplaintNoteRequest { version: 0, ..told };
        assert_eq!(regency.coordinator().add_complaint_note(again).await.unwrap_err().reason, "ALL_HEARD");
        regency.coordinator().add_complaint_note(note(&late, "Jawaban diantar ke rumah pelapor.")).await.unwrap();
        regency.wait(TimeDelta::days(9));
        looked().await;
        assert_eq!(state(&lost).await, CaseState::AwaitingConfirmation);
        regency.wait(TimeDelta::days(1));
        for filed in [&lost, &late] {
            regency.until("silence settles it", || async { state(filed).await == CaseState::Settled }).await;
        }
        // Another telephone number: the answer is told there.
        regency.messages.become_of_next(DeliveryStatus::PermanentFailure);
        let moved = regency.answered(Regency::report()).await;
        regency.until("it is sent", || async { regency.messages.of_type("jawaban_akhir").len() == 3 }).await;
        regency.wait(TimeDelta::minutes(1));
        regency.until("it failed", || async {
            let numbers = regency.check_board(&regency.coordinator()).await;
            numbers[&(PUPR.to_owned(), BoardMeasure::Undelivered.into())] == 1
        })
        .await;
        regency.messages.become_of_next(DeliveryStatus::Delivered);
        let contact = Some(Contact { phone: "081299999999".to_owned(), ..Contact::default() });
        let says = AnswerComplaintRequest { contact, ..moved.says("") };
        regency.nobody().answer_complaint(says).await.unwrap();
        regency.until("it is told there", || async { regency.messages.of_type("jawaban_akhir").len() == 4 }).await;
        regency.wait(TimeDelta::days(11));
        regency.until("silence settles it", || async { state(&moved).await == CaseState::Settled }).await;
    }

    async fn c_32_merged_cases_are_one_and_each_reporter_keeps_number_and_secrecy(engine) {
        let regency = Regency::new(engine).await;
        let first = regency.taken(Regency::report()).await;
        regency.wait(TimeDelta::minutes(5));
        let second = regency.file(FileComplaintRequest { secrecy: Secrecy::Secret.into(), ..Regency::report() }).await;
        let merge = |from: &str, into: &str| MergeComplaintRequest { complaint: from.to_owned(), into: into.to_owned(), ..MergeComplaintRequest::default() };
        assert_eq!(regency.coordinator().merge_complaint(merge(&first.id, &second.id)).await.unwrap_err().reason, "CANNOT_MERGE");
        regency.coordinator().merge_complaint(merge(&second.id, &first.id)).await.unwrap();
        regency.nobody().answer_complaint(second.says("Sudah ada motor yang jatuh.")).await.unwrap();
        let case = regency.seen(&first.id).await;
        assert_eq!(case.reporters.iter().map(|it| it.secrecy()).collect::<Vec<_>>(), [Secrecy::Open, Secrecy::Secret]);
        assert!(case.messages.last().unwrap().text.contains("motor"));
        let (one, other) = (regency.followed(&first).await, regency.followed(&second).await);
        assert_eq!((one.number.as_str(), other.number.as_str()), (first.number.as_str(), second.number.as_str()));
        assert!(!format!("{one:?}").contains("motor"), "what another reporter said is theirs");
        regency.agency(PUPR).answer_without_proof(&first.id).await.unwrap();
        regency.nobody().answer_complaint(done(&first, true, 4)).await.unwrap();
        assert_eq!(regency.seen(&first.id).await.state(), CaseState::AwaitingConfirmation);
        regency.nobody().answer_complaint(done(&second, true, 0)).await.unwrap();
        assert_eq!(regency.followed(&second).await.state(), CaseState::Settled);
        regency.until("each is told", || async { regency.messages.of_type("tanda_terima").len() == 2 }).await;
    }

    async fn c_32_who_merges_and_who_works_on_the_older_case_do_not_wait_crosswise(engine) {
        let regency = Regency::new(engine).await;
        let (first, second) = (regency.file(Regency::report()).await, regency.file(Regency::report()).await);
        // Somebody has changed the older one, and not entered it into the journal yet.
        let working = regency.db.db.begin().await.unwrap();
        working.execute_unprepared(&format!("UPDATE complaint SET late = late WHERE id = '{}'", first.id)).await.unwrap();
        let merge = MergeComplaintRequest { complaint: second.id.clone(), into: first.id.clone(), ..MergeComplaintRequest::default() };
        let coordinator = regency.coordinator();
        let merging = tokio::spawn(async move { coordinator.merge_complaint(merge).await });
        regency.until_somebody_waits().await;
        regency.enter(&working, &first.id).await;
        working.commit().await.unwrap();
        assert_eq!(merging.await.unwrap().unwrap().complaint.unwrap().state(), CaseState::Merged);
        assert_eq!(regency.seen(&first.id).await.reporters.len(), 2);
    }

    async fn c_33_the_second_of_two_officers_gets_a_conflict(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        let version = regency.seen(&filed.id).await.version;
        let note = |text: &str| AddComplaintNoteRequest { complaint: filed.id.clone(), version, text: text.to_owned(), ..AddComplaintNoteRequest::default() };
        let (one, other) = (regency.coordinator(), regency.coordinator());
        let (a, b) = tokio::join!(one.add_complaint_note(note("satu")), other.add_complaint_note(note("dua")));
        assert_eq!([&a, &b].iter().filter(|it| it.is_ok()).count(), 1);
        let refused = a.err().or(b.err()).unwrap();
        assert_eq!((refused.code, refused.reason.as_str()), (Code::Aborted, "VERSION_MISMATCH"));
        assert_eq!(regency.seen(&filed.id).await.messages.len(), 2);
    }

    async fn c_33_time_alone_outdates_no_decision(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        let shown = regency.seen(&filed.id).await.version;
        regency.wait(TimeDelta::days(3));
        regency.until("its clocks are late and its steps taken", || async { regency.seen(&filed.id).await.version > shown }).await;
        let note = |version: u32| AddComplaintNoteRequest { complaint: filed.id.clone(), version, text: "Ditelepon.".to_owned(), ..AddComplaintNoteRequest::default() };
        let coordinator = regency.coordinator();
        assert_eq!(coordinator.add_complaint_note(note(shown + 100)).await.unwrap_err().reason, "VERSION_MISMATCH", "no such version");
        coordinator.add_complaint_note(note(shown)).await.unwrap();
        assert_eq!(coordinator.add_complaint_note(note(shown)).await.unwrap_err().reason, "VERSION_MISMATCH", "somebody has written meanwhile");
    }

    async fn c_53_another_category_keeps_number_and_history(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        let before = regency.seen(&filed.id).await;
        let request = RecategoriseComplaintRequest { complaint: filed.id.clone(), category: "AIR".to_owned(), reason: "Ini soal air.".to_owned(), ..RecategoriseComplaintRequest::default() };
        let case = regency.coordinator().recategorise_complaint(request).await.unwrap().complaint.unwrap();
        assert_eq!((case.number.as_str(), case.category.as_str()), (before.number.as_str(), "AIR"));
        assert_eq!(case.messages[0], before.messages[0]);
        regency.until("the reporter is told once", || async { regency.messages.of_type("perubahan_status").len() == 1 }).await;
    }

    async fn c_54_an_answer_says_who_does_what_when(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.taken(Regency::report()).await;
        let bare = GiveAnswerRequest { complaint: filed.id.clone(), text: "Akan segera ditindaklanjuti oleh tim kami.".to_owned(), reason_without_proof: "INFORMATION_GIVEN".to_owned(), ..GiveAnswerRequest::default() };
        let refused = regency.agency(PUPR).give_answer(bare).await.unwrap_err();
        assert_eq!(refused.fields.keys().collect::<Vec<_>>(), ["what", "when", "who"]);
        let template = ResponseTemplate { kind: "ANSWER".to_owned(), name: "Jalan".to_owned(), text: "Sudah kami tangani dengan baik.".to_owned(), active: true, ..ResponseTemplate::default() };
        let request = ApplyResponseTemplateRequest { request_id: String::new(), template: Some(template) };
        assert!(regency.coordinator().apply_response_template(request).await.unwrap_err().fields.contains_key("template.text"));
    }

    async fn c_31_words_and_files_beside_a_choice_are_kept(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.answered(Regency::report()).await;
        let said = async |request: AnswerComplaintRequest| {
            regency.nobody().answer_complaint(request).await.unwrap();
            let case = regency.seen(&filed.id).await;
            let last = case.messages.last().unwrap().clone();
            (case.state(), last.kind, last.text, last.files.len())
        };
        let addition = "ADDITION".to_owned();
        let sudah = AnswerComplaintRequest {
            file_ids: vec![proof(&regency).await],
            ..AnswerComplaintRequest { done: Some(true), ..filed.says("Sudah rata, terima kasih.") }
        };
        let told = said(sudah).await;
        assert_eq!(told, (CaseState::Settled, addition.clone(), "Sudah rata, terima kasih.".to_owned(), 1));
        let rated = AnswerComplaintRequest { rating: 5, ..filed.says("Cepat sekali.") };
        assert_eq!(said(rated).await, (CaseState::Settled, addition.clone(), "Cepat sekali.".to_owned(), 0));
        let again = AnswerComplaintRequest { done: Some(true), ..filed.says("Tetap rata.") };
        assert_eq!(said(again).await, (CaseState::Settled, addition, "Tetap rata.".to_owned(), 0));
        // One of several reporters leaves, and says why.
        let first = regency.file(Regency::report()).await;
        regency.wait(TimeDelta::minutes(5));
        let second = regency.file(Regency::report()).await;
        let merge = MergeComplaintRequest { complaint: second.id, into: first.id.clone(), ..MergeComplaintRequest::default() };
        regency.coordinator().merge_complaint(merge).await.unwrap();
        let leave = WithdrawComplaintRequest { number: second.number, pin: second.pin, reason: "Saya pindah.".to_owned(), ..WithdrawComplaintRequest::default() };
        regency.nobody().withdraw_complaint(leave).await.unwrap();
        let case = regency.seen(&first.id).await;
        assert_eq!((case.state(), case.messages.last().unwrap().text.as_str()), (CaseState::New, "Saya pindah."));
        // The last of them takes it back.
        let leave = WithdrawComplaintRequest { number: first.number, pin: first.pin, reason: "Sudah ditambal warga.".to_owned(), ..WithdrawComplaintRequest::default() };
        let told = regency.nobody().withdraw_complaint(leave).await.unwrap().complaint.unwrap();
        assert_eq!(told.state(), CaseState::Withdrawn);
        let case = regency.seen(&first.id).await;
        assert_eq!((case.state(), case.messages.last().unwrap().text.as_str()), (CaseState::Withdrawn, "Sudah ditambal warga."));
    }

    async fn c_17_what_a_reporter_does_not_tell_anew_stays(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        let told = async |contact: Contact| {
            let request = AnswerComplaintRequest { contact: Some(contact), ..filed.says("") };
            regency.nobody().answer_complaint(request).await.unwrap();
            regency.seen(&filed.id).await.reporters[0].contact.clone().unwrap()
        };
        let first = regency.seen(&filed.id).await.reporters[0].contact.clone().unwrap();
        let mail = Contact { email: "baru@contoh.id".to_owned(), ..Contact::default() };
        assert_eq!(told(mail).await, Contact { email: "baru@contoh.id".to_owned(), ..first.clone() });
        let phone = Contact { phone: "081200001111".to_owned(), ..Contact::default() };
        let now = told(phone).await;
        assert_eq!((now.name.as_str(), now.phone.as_str(), now.email.as_str()), (NAME, "+6281200001111", "baru@contoh.id"));
    }

    async fn c_58_a_settled_case_is_rated_once(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.answered(Regency::report()).await;
        regency.nobody().answer_complaint(done(&filed, true, 0)).await.unwrap();
        let rate = |rating: i32| AnswerComplaintRequest { rating, ..filed.says("") };
        assert!(regency.nobody().answer_complaint(rate(6)).await.unwrap_err().fields.contains_key("rating"));
        assert_eq!(regency.nobody().answer_complaint(rate(4)).await.unwrap().complaint.unwrap().rating, 4);
        assert_eq!(regency.nobody().answer_complaint(rate(1)).await.unwrap_err().reason, "NOTHING_TO_RATE");
        regency.until("the reporter is asked", || async { regency.messages.of_type("aduan_selesai").len() == 1 }).await;
        // Each settling is rated, and each of several reporters rates it.
        regency.nobody().answer_complaint(done(&filed, false, 0)).await.unwrap();
        assert_eq!(regency.followed(&filed).await.rating, 0);
        regency.wait(TimeDelta::minutes(5));
        let second = regency.file(Regency::report()).await;
        let merge = MergeComplaintRequest { complaint: second.id.clone(), into: filed.id.clone(), ..MergeComplaintRequest::default() };
        regency.coordinator().merge_complaint(merge).await.unwrap();
        regency.agency(PUPR).answer_without_proof(&filed.id).await.unwrap();
        regency.nobody().answer_complaint(done(&filed, true, 2)).await.unwrap();
        regency.nobody().answer_complaint(done(&second, true, 5)).await.unwrap();
        assert_eq!((regency.followed(&filed).await.rating, regency.followed(&second).await.rating), (2, 5));
        assert_eq!(regency.seen(&filed.id).await.rating, 4, "the mean of both, rounded");
    }

    async fn c_31_the_coordinator_opens_a_case_again_within_the_window(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.answered(Regency::report()).await;
        let done = AnswerComplaintRequest { done: Some(true), ..filed.says("") };
        regency.nobody().answer_complaint(done).await.unwrap();
        let request = ReopenComplaintRequest {
            request_id: "buka".to_owned(),
            complaint: filed.id.clone(),
            reason: "Pelapor menelepon: lubangnya kembali.".to_owned(),
            ..ReopenComplaintRequest::default()
        };
        assert_eq!(regency.agency(PUPR).reopen_complaint(request.clone()).await.unwrap_err().code, Code::PermissionDenied);
        let silent = ReopenComplaintRequest { reason: String::new(), ..request.clone() };
        assert!(regency.coordinator().reopen_complaint(silent).await.unwrap_err().fields.contains_key("reason"));
        regency.wait(TimeDelta::days(1));
        let opened = regency.coordinator().reopen_complaint(request.clone()).await.unwrap();
        let case = opened.complaint.clone().unwrap();
        assert_eq!((case.state(), case.reopenings, case.lead_agency_id.as_str()), (CaseState::Reopened, 1, PUPR));
        let settles = case.clocks.iter().filter(|it| it.kind() == ClockKind::Settle).collect::<Vec<_>>();
        assert_eq!(settles.iter().map(|it| it.state()).collect::<Vec<_>>(), [ClockState::Met, ClockState::Running]);
        // Sent twice it is opened once.
        assert_eq!(regency.coordinator().reopen_complaint(request.clone()).await.unwrap(), opened);
        let open = ReopenComplaintRequest { request_id: String::new(), ..request.clone() };
        assert_eq!(regency.coordinator().reopen_complaint(open).await.unwrap_err().reason, "NOT_PERMITTED_IN_STATE");
        // Whoever is told of it: the agency that has it.
        regency.until("the agency hears of it", || async {
            regency.messages.of_type("penugasan").iter().any(|it| format!("{:?}", it.recipient).contains("acc_pupr"))
        }).await;
        let other = regency.answered(Regency::report()).await;
        let done = AnswerComplaintRequest { done: Some(true), ..other.says("") };
        regency.nobody().answer_complaint(done).await.unwrap();
        regency.wait(TimeDelta::days(30));
        let late = ReopenComplaintRequest { request_id: String::new(), complaint: other.id, ..request };
        assert_eq!(regency.coordinator().reopen_complaint(late).await.unwrap_err().reason, "WINDOW_OVER");
    }

    async fn c_11_an_officer_decides_on_what_was_told_and_not_shown(engine) {
        use sea_orm::ConnectionTrait as _;
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        let record = async |stage: &str| {
            let request = RecordSp4nTrackingRequest {
                complaint: filed.id.clone(),
                tracking_id: "1234567".to_owned(),
                stage: stage.to_owned(),
                ..RecordSp4nTrackingRequest::default()
            };
            regency.coordinator().record_sp4n_tracking(request).await.unwrap().entry.unwrap()
        };
        let first = record("Diproses").await;
        assert_eq!((first.mismatch.as_str(), at(first.last_pushed_at.as_ref())), ("", moment(MONDAY)));
        // As the synchronisation leaves it when LAPOR! does not show what it was told.
        let told = "UPDATE sp4n_entry SET mismatch = 'not_confirmed'";
        regency.db.db.write.execute_unprepared(told).await.unwrap();
        regency.wait(TimeDelta::hours(2));
        let decided = record("Diproses").await;
        assert_eq!((decided.mismatch.as_str(), at(decided.last_pushed_at.as_ref())), ("", regency.clock_now()));
        // What agrees is not told anew: the moment stays.
        regency.wait(TimeDelta::hours(2));
        assert_eq!(record("Diproses").await.last_pushed_at, decided.last_pushed_at);
    }
}

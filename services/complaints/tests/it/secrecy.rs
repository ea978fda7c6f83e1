//! Reporters that cannot be exposed.

use mpp_kit::testing::{Engine, unguard_journal};
use mpp_proto::complaints::v1::*;
use tonic::Code;

use crate::regency::*;
use crate::samples;

fn with(secrecy: Secrecy) -> FileComplaintRequest {
    FileComplaintRequest { secrecy: secrecy.into(), ..Regency::report() }
}

/// Whether something anywhere in a text tells who reported.
fn tells(text: &str) -> bool {
    ["Rohana", "Zulaikha", "81234567890", "rohana@contoh.id"].iter().any(|it| text.contains(it))
}

async fn publish(regency: &Regency, id: &str) -> Result<(), Refusal> {
    let request = SetComplaintPublicationRequest {
        complaint: id.to_owned(),
        publication: Publication::Public.into(),
        ..SetComplaintPublicationRequest::default()
    };
    regency.coordinator().set_complaint_publication(request).await.map(|_| ())
}

async fn published(regency: &Regency) -> Vec<PublishedComplaint> {
    let request = ListPublishedComplaintsRequest::default();
    regency.nobody().list_published_complaints(request).await.unwrap().complaints
}

lines! {
    async fn c_17_the_reporter_chooses_the_secrecy(engine) {
        let regency = Regency::new(engine).await;
        for secrecy in [Secrecy::Open, Secrecy::Anonymous, Secrecy::Secret] {
            let filed = regency.file(with(secrecy)).await;
            assert_eq!(regency.followed(&filed).await.secrecy(), secrecy);
            assert_eq!(regency.seen(&filed.id).await.reporters[0].secrecy(), secrecy);
        }
    }

    async fn c_18_anonim_shows_nobody_who_reported(engine) {
        let regency = Regency::new(engine).await;
        let open = regency.taken(with(Secrecy::Open)).await;
        let contact = regency.agency(PUPR).complaint(&open.id).await.unwrap().reporters[0].contact.clone();
        assert_eq!(contact.expect("biasa shows it to who works on it").name, NAME);
        assert_eq!(regency.sekda().complaint(&open.id).await.unwrap().reporters[0].contact, None);
        let journal = ListComplaintJournalRequest { complaint: open.id, ..ListComplaintJournalRequest::default() };
        let entries = regency.coordinator().list_complaint_journal(journal).await.unwrap().entries;
        assert!(entries.iter().any(|it| it.what == "reporter.seen" && it.who == "acc_pupr"), "each look is recorded");

        for secrecy in [Secrecy::Anonymous, Secrecy::Secret] {
            let filed = regency.taken(with(secrecy)).await;
            for client in [regency.coordinator(), regency.agency(PUPR), regency.head(PUPR), regency.sekda(), regency.bupati()] {
                let case = client.complaint(&filed.id).await.unwrap();
                assert!(!tells(&format!("{case:?}")), "{}", client.sub);
                assert!(case.place.unwrap().latitude.is_some_and(|it| (it - -3.12).abs() < 1e-9), "the place is coarse");
                let request = ListComplaintJournalRequest { complaint: filed.id.clone(), ..ListComplaintJournalRequest::default() };
                let entries = client.list_complaint_journal(request).await.unwrap();
                assert!(!tells(&format!("{entries:?}")));
            }
        }
        regency.until("messages go out", || async { regency.messages.all().len() >= 12 }).await;
        for message in regency.messages.all() {
            let official = message.recipient.as_ref().and_then(|it| it.kind.clone());
            if matches!(official, Some(mpp_proto::notifications::v1::recipient::Kind::AccountId(_))) {
                assert!(!tells(&format!("{message:?}")));
            }
            assert!(!tells(&format!("{:?}", message.placeholders)));
        }
    }

    async fn c_18_who_files_while_signed_in_is_named_to_nobody(engine) {
        use sea_orm::ConnectionTrait as _;
        let regency = Regency::new(engine).await;
        let employee = regency.person("acc_rohana", &["complaints.read"], &[DINKES]);
        let request = UploadComplaintFileRequest { request_id: String::new(), content: include_bytes!("../../src/intake/samples/photo.jpg").to_vec() };
        let file = employee.upload_complaint_file(request).await.unwrap().file.unwrap().file_id;
        let request = FileComplaintRequest { channel: Channel::Api.into(), file_ids: vec![file], ..with(Secrecy::Anonymous) };
        let id = employee.file_complaint(request).await.unwrap().complaint_id;
        regency.disposed(&id).await;
        let entries = async |client: &Client| {
            let request = ListComplaintJournalRequest { complaint: id.clone(), ..ListComplaintJournalRequest::default() };
            client.list_complaint_journal(request).await.unwrap().entries
        };
        let told = entries(&regency.agency(PUPR)).await;
        assert_eq!((told[0].what.as_str(), told[0].who.as_str()), ("complaint.filed", "public"));
        let select = sea_orm::sea_query::Query::select().column("who").from("journal").to_owned();
        for row in regency.db.db.read.query_all(&select).await.unwrap() {
            assert_ne!(row.try_get::<String>("", "who").unwrap(), "acc_rohana", "nor does the table name them");
        }
        // Entries of before this was so name them, and are shown without.
        unguard_journal(&regency.db.db).await;
        regency.db.db.write.execute_unprepared("UPDATE journal SET who = 'acc_rohana' WHERE what = 'complaint.filed'").await.unwrap();
        assert!(entries(&regency.agency(PUPR)).await.iter().all(|it| it.who != "acc_rohana"));
        // The desk answers for what it wrote down.
        let desk = FileComplaintRequest { channel: Channel::Counter.into(), ..with(Secrecy::Open) };
        let id = regency.coordinator().file_complaint(desk).await.unwrap().complaint_id;
        let request = ListComplaintJournalRequest { complaint: id, ..ListComplaintJournalRequest::default() };
        assert_eq!(regency.coordinator().list_complaint_journal(request).await.unwrap().entries[0].who, "acc_coordinator");
    }

    async fn c_18_the_tables_hold_no_name_in_the_clear(engine) {
        use sea_orm::{ConnectionTrait as _, sea_query::Query};
        let regency = Regency::new(engine).await;
        regency.taken(with(Secrecy::Anonymous)).await;
        for table in ["complaint", "reporter_vault", "reporter_contact", "case_number", "outbox", "journal", "idempotency"] {
            let select = Query::select().expr(sea_orm::sea_query::Expr::cust("*")).from(table).to_owned();
            for row in regency.db.db.read.query_all(&select).await.unwrap() {
                for column in ["body", "digest", "number", "detail", "recipient"] {
                    if let Ok(text) = row.try_get::<String>("", column) {
                        assert!(!tells(&text), "{table}.{column}");
                    }
                }
            }
        }
    }

    async fn c_18_no_agency_gets_what_a_file_tells_of_its_maker(engine) {
        let regency = Regency::with(engine, |config| config.reports_per_contact = 100).await;
        let photo = include_bytes!("../../src/intake/samples/photo.jpg");
        let has = |content: &[u8], text: &str| content.windows(text.len()).any(|it| it == text.as_bytes());
        let sent = async |secrecy: Secrecy, content: &[u8]| {
            let request = UploadComplaintFileRequest { request_id: String::new(), content: content.to_vec() };
            let file = regency.nobody().upload_complaint_file(request).await.unwrap().file.unwrap().file_id;
            let filed = regency.taken(FileComplaintRequest { file_ids: vec![file.clone()], ..with(secrecy) }).await;
            GetComplaintFileRequest { complaint: filed.id, file }
        };
        let kinds = samples::all(photo);
        for (number, (media_type, content)) in kinds.iter().enumerate() {
            let secrecy = [Secrecy::Open, Secrecy::Anonymous, Secrecy::Secret][number % 3];
            let ask = sent(secrecy, content).await;
            for client in [regency.coordinator(), regency.agency(PUPR), regency.head(PUPR), regency.sekda(), regency.bupati()] {
                let told = client.get_complaint_file(ask.clone()).await.unwrap();
                assert_eq!(told.media_type, *media_type);
                assert!(!has(&told.content, samples::MARK), "{} reads the maker of {media_type}", client.sub);
                assert!(has(&told.content, samples::SHOWN), "{media_type}");
            }
        }
        // What cannot be cleaned: the desk of the coordinator alone, and the agency where nothing is to be hidden.
        for (media_type, content) in samples::closed(photo) {
            for secrecy in [Secrecy::Anonymous, Secrecy::Secret, Secrecy::Open] {
                let ask = sent(secrecy, &content).await;
                for client in [regency.agency(PUPR), regency.head(PUPR), regency.sekda(), regency.bupati()] {
                    let works = client.sub.starts_with("acc_pupr");
                    match client.get_complaint_file(ask.clone()).await {
                        Ok(told) => assert!(secrecy == Secrecy::Open && works && told.content == content, "{}: {media_type}", client.sub),
                        Err(refused) => {
                            assert!(secrecy != Secrecy::Open || !works, "{}: {media_type}", client.sub);
                            assert_eq!((refused.code, refused.reason.as_str()), (Code::PermissionDenied, "FILE_WITHHELD"));
                            assert!(refused.message.contains("Koordinator"), "it says who can open it: {}", refused.message);
                        }
                    }
                }
                assert_eq!(regency.coordinator().get_complaint_file(ask.clone()).await.unwrap().content, content);
                let journal = ListComplaintJournalRequest { complaint: ask.complaint, ..ListComplaintJournalRequest::default() };
                let entries = regency.coordinator().list_complaint_journal(journal).await.unwrap().entries;
                let original = |it: &&JournalEntry| it.what == "file.opened" && it.detail.contains("original");
                assert!(entries.iter().filter(original).any(|it| it.who == "acc_coordinator"), "the look at the original is recorded");
                assert!(!entries.iter().any(|it| it.what == "file.opened" && it.who == "acc_bupati"), "nothing was opened");
            }
        }
        // The evidence of a period and the answers to SP4N-LAPOR! carry words and digests, and no file.
        regency.set("2026-12-05T01:00:00Z");
        let export = ExportEvidenceRequest { from: "2026-11-01".to_owned(), to: "2026-11-30".to_owned(), register: 0 };
        assert!(!has(&regency.bupati().export_evidence(export).await.unwrap().archive, samples::MARK));
    }

    async fn c_18_what_an_officer_adds_is_for_all_who_see_the_case_and_whistleblowing_for_the_inspector(engine) {
        let regency = Regency::new(engine).await;
        let (_, locked) = samples::closed(b"").remove(2);
        let upload = async |client: &Client| {
            let request = UploadComplaintFileRequest { request_id: String::new(), content: locked.clone() };
            client.upload_complaint_file(request).await.unwrap().file.unwrap().file_id
        };
        let filed = regency.taken(with(Secrecy::Secret)).await;
        let pupr = regency.agency(PUPR);
        let file = upload(&pupr).await;
        let proven = GiveAnswerRequest { proof_file_ids: vec![file.clone()], ..answer(&filed.id) };
        pupr.give_answer(proven).await.unwrap();
        let ask = GetComplaintFileRequest { complaint: filed.id, file };
        for client in [regency.coordinator(), pupr, regency.bupati()] {
            assert_eq!(client.get_complaint_file(ask.clone()).await.unwrap().content, locked);
        }
        let file = upload(&regency.nobody()).await;
        let request = FileComplaintRequest {
            complaint_class: ComplaintClass::Whistleblowing.into(),
            file_ids: vec![file.clone()],
            ..with(Secrecy::Anonymous)
        };
        let filed = regency.file(request).await;
        let ask = GetComplaintFileRequest { complaint: filed.id, file };
        assert_eq!(regency.inspector("acc_inspector").get_complaint_file(ask.clone()).await.unwrap().content, locked);
        assert_eq!(regency.coordinator().get_complaint_file(ask).await.unwrap_err().code, Code::NotFound);
    }

    async fn c_19_rahasia_is_nowhere_in_public(engine) {
        let regency = Regency::new(engine).await;
        let open = regency.file(with(Secrecy::Open)).await;
        let secret = regency.file(with(Secrecy::Secret)).await;
        publish(&regency, &open.id).await.unwrap();
        assert_eq!(publish(&regency, &secret.id).await.unwrap_err().reason, "IS_SECRET");
        let shown = published(&regency).await;
        assert_eq!(shown.iter().map(|it| &it.number).collect::<Vec<_>>(), [&open.number]);
        assert!(!tells(&format!("{shown:?}")));
        let ask = ListPublishedComplaintsRequest { numbers: secret.number.clone(), ..ListPublishedComplaintsRequest::default() };
        assert!(regency.nobody().list_published_complaints(ask).await.unwrap().complaints.is_empty());
        let near = ListSimilarComplaintsRequest { category: "JALAN".to_owned(), latitude: -3.123_456, longitude: 102.234_567, ..ListSimilarComplaintsRequest::default() };
        let similar = regency.nobody().list_similar_complaints(near).await.unwrap().complaints;
        assert_eq!(similar.len(), 1);
    }

    async fn c_20_an_identity_is_revealed_by_two_with_a_purpose_and_the_reporter_is_told(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.taken(with(Secrecy::Anonymous)).await;
        let pseudonym = regency.seen(&filed.id).await.reporters[0].pseudonym.clone();
        let ask = |purpose: &str| RequestRevealRequest {
            complaint: filed.id.clone(),
            reporter: pseudonym.clone(),
            purpose: purpose.to_owned(),
            ..RequestRevealRequest::default()
        };
        let coordinator = regency.coordinator();
        assert!(coordinator.request_reveal(ask("perlu")).await.unwrap_err().fields.contains_key("purpose"));
        let purpose = "Ancaman terhadap keselamatan pelapor menurut Polsek.";
        let reveal = coordinator.request_reveal(ask(purpose)).await.unwrap().reveal.unwrap();
        let approve = || ApproveRevealRequest { reveal: reveal.id.clone(), ..ApproveRevealRequest::default() };
        let own = coordinator.approve_reveal(approve()).await.unwrap_err();
        assert_eq!((own.code, own.reason.as_str()), (Code::PermissionDenied, "SECOND_PERSON_REQUIRED"));
        let get = GetRevealRequest { reveal: reveal.id.clone() };
        assert_eq!(coordinator.get_reveal(get.clone()).await.unwrap().reveal.unwrap().contact, None);
        regency.sekda().approve_reveal(approve()).await.unwrap();
        assert_eq!(regency.sekda().approve_reveal(approve()).await.unwrap_err().reason, "NOT_WAITING");
        assert_eq!(coordinator.get_reveal(get.clone()).await.unwrap().reveal.unwrap().contact.unwrap().name, NAME);
        assert_eq!(regency.sekda().get_reveal(get.clone()).await.unwrap().reveal.unwrap().contact, None);
        assert_eq!(regency.followed(&filed).await.revealed_at.len(), 1);
        regency.until("the reporter is told", || async { regency.messages.of_type("pengungkapan_identitas").len() == 1 }).await;
        let journal = ListComplaintJournalRequest { complaint: filed.id.clone(), page_size: 200, ..ListComplaintJournalRequest::default() };
        let entries = coordinator.list_complaint_journal(journal).await.unwrap().entries;
        for what in ["reveal.requested", "reveal.approved", "reporter.revealed"] {
            assert!(entries.iter().any(|it| it.what == what), "{what}");
        }
        regency.wait(chrono::TimeDelta::hours(25));
        assert_eq!(coordinator.get_reveal(get).await.unwrap().reveal.unwrap().contact, None, "it is over");
    }

    async fn c_21_whistleblowing_is_seen_by_the_inspectorate_alone(engine) {
        let regency = Regency::new(engine).await;
        let request = FileComplaintRequest {
            complaint_class: ComplaintClass::Whistleblowing.into(),
            about_agency_id: PUPR.to_owned(),
            ..Regency::report()
        };
        let filed = regency.file(request).await;
        for client in [regency.coordinator(), regency.agency(PUPR), regency.head(PUPR), regency.sekda(), regency.bupati()] {
            assert_eq!(client.complaint(&filed.id).await.unwrap_err().code, Code::NotFound, "{}", client.sub);
            assert!(client.listed(WorkList::Unspecified).await.is_empty(), "{}", client.sub);
            let board = client.get_board(GetBoardRequest {}).await.unwrap().board.unwrap();
            assert!(board.rows.iter().all(|row| row.numbers.iter().all(|it| it.count == 0)), "{}", client.sub);
            let report = client.get_report(GetReportRequest { period: "2026-11".to_owned(), ..GetReportRequest::default() }).await.unwrap();
            assert_eq!(report.report.unwrap().total.unwrap().received, 0, "{}", client.sub);
        }
        let root = ["complaints.inspect", "complaints.read", "complaints.reveal", "complaints.board"];
        let root = regency.person("acc_root", &root, &[]);
        assert_eq!(root.complaint(&filed.id).await.unwrap_err().code, Code::NotFound, "not by holding everything");
        assert_eq!(regency.coordinator().verify(&filed.id).await.unwrap_err().code, Code::NotFound);
        let inspector = regency.inspector("acc_inspector");
        assert_eq!(inspector.complaint(&filed.id).await.unwrap().reporters[0].contact, None);
        inspector.verify(&filed.id).await.unwrap();
        assert_eq!(inspector.dispose(&filed.id, PUPR).await.unwrap_err().reason, "INSPECTORATE_ONLY");
        inspector.dispose(&filed.id, INSPEKTORAT).await.unwrap();
        inspector.accept(&filed.id).await.unwrap();
        assert_eq!(regency.check_board(&inspector).await[&("whistleblowing".to_owned(), 1)], 1);
        regency.set("2027-06-01T01:00:00Z");
        regency.until("the ladder is climbed", || async { regency.messages.of_type("eskalasi").len() >= 3 }).await;
        for message in regency.messages.of_type("eskalasi").iter().chain(&regency.messages.of_type("penugasan")) {
            let to = format!("{:?}", message.recipient);
            assert!(to.contains("acc_inspector"), "{to}");
        }
    }

    async fn c_21_whistleblowing_about_the_inspectorate_goes_to_the_agency_named_for_that(engine) {
        const SETDA: &str = "17.07/setda";
        let about = |agency: &str| FileComplaintRequest {
            complaint_class: ComplaintClass::Whistleblowing.into(),
            about_agency_id: agency.to_owned(),
            ..Regency::report()
        };
        let without = Regency::new(engine).await;
        let refused = without.nobody().file_complaint(about(INSPEKTORAT)).await.unwrap_err();
        assert_eq!(refused.reason, "NO_ALTERNATIVE", "nobody reads what is told about themselves");
        let regency = Regency::with(engine, |config| config.inspectorate_alternative = SETDA.to_owned()).await;
        let agency = Agency { id: SETDA.to_owned(), name: "Sekretariat Daerah".to_owned(), calendar_id: REGENCY.to_owned(), inspectorate: false, active: true, bounce_limit: 2 };
        regency.admin().apply_agency(ApplyAgencyRequest { request_id: String::new(), agency: Some(agency) }).await.unwrap();
        let head = Official { rung: "AGENCY_HEAD".to_owned(), agency_id: SETDA.to_owned(), title: "Asisten".to_owned(), account_id: "acc_asisten".to_owned(), ..Official::default() };
        regency.admin().apply_official(ApplyOfficialRequest { request_id: String::new(), official: Some(head) }).await.unwrap();
        let permissions = ["complaints.board", "complaints.inspect", "complaints.read"];
        let other = regency.person("acc_asisten", &permissions, &[SETDA]);
        regency.nobody().file_complaint(about(INSPEKTORAT)).await.unwrap();
        let id = other.listed(WorkList::Unspecified).await.pop().unwrap();
        // Whoever else there is sees nothing of it, the inspectorate first of all.
        for client in [regency.inspector("acc_inspector"), regency.coordinator(), regency.sekda(), regency.bupati()] {
            assert_eq!(client.complaint(&id).await.unwrap_err().code, Code::NotFound, "{}", client.sub);
            assert!(client.listed(WorkList::Unspecified).await.is_empty(), "{}", client.sub);
            let board = client.get_board(GetBoardRequest {}).await.unwrap().board.unwrap();
            assert!(board.rows.iter().all(|row| row.numbers.iter().all(|it| it.count == 0)), "{}", client.sub);
            let report = client.get_report(GetReportRequest { period: "2026-11".to_owned(), ..GetReportRequest::default() }).await.unwrap();
            assert_eq!(report.report.unwrap().total.unwrap().received, 0, "{}", client.sub);
        }
        assert_eq!(regency.check_board(&other).await[&("whistleblowing-apart".to_owned(), 1)], 1);
        other.verify(&id).await.unwrap();
        assert_eq!(other.dispose(&id, INSPEKTORAT).await.unwrap_err().reason, "INSPECTORATE_ONLY");
        other.dispose(&id, SETDA).await.unwrap();
        other.accept(&id).await.unwrap();
        // What is about somebody else stays with the inspectorate.
        regency.nobody().file_complaint(about(PUPR)).await.unwrap();
        assert_eq!(other.listed(WorkList::Unspecified).await, [id]);
        assert_eq!(regency.inspector("acc_inspector").listed(WorkList::Unspecified).await.len(), 1);
        regency.set("2027-06-01T01:00:00Z");
        regency.until("the ladder is climbed", || async {
            regency.messages.of_type("eskalasi").iter().any(|it| format!("{:?}", it.recipient).contains("acc_asisten"))
        }).await;
        let steps = other.list_escalations(ListEscalationsRequest::default()).await.unwrap().escalations;
        let told = regency.inspector("acc_inspector").list_escalations(ListEscalationsRequest::default()).await.unwrap().escalations;
        assert!(!steps.is_empty() && told.iter().all(|it| steps.iter().all(|step| step.complaint_id != it.complaint_id)));
    }

    async fn c_22_an_upgrade_holds_at_once_and_a_downgrade_is_the_reporters(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(with(Secrecy::Open)).await;
        publish(&regency, &filed.id).await.unwrap();
        assert_eq!(published(&regency).await.len(), 1);
        let choose = |secrecy: Secrecy| AnswerComplaintRequest { secrecy: secrecy.into(), ..filed.says("") };
        regency.nobody().answer_complaint(choose(Secrecy::Secret)).await.unwrap();
        assert!(published(&regency).await.is_empty());
        assert_eq!(regency.seen(&filed.id).await.reporters[0].contact, None);
        assert_eq!(publish(&regency, &filed.id).await.unwrap_err().reason, "IS_SECRET");
        regency.nobody().answer_complaint(choose(Secrecy::Open)).await.unwrap();
        assert!(published(&regency).await.is_empty(), "an officer decides again whether it is published");
        assert!(regency.seen(&filed.id).await.reporters[0].contact.is_some());
    }

    async fn c_22_a_merged_case_is_published_no_more_and_its_reporter_still_takes_the_text_back(engine) {
        let regency = Regency::new(engine).await;
        let survivor = regency.taken(with(Secrecy::Open)).await;
        regency.wait(chrono::TimeDelta::minutes(5));
        let merged = regency.file(with(Secrecy::Open)).await;
        for filed in [&survivor, &merged] {
            publish(&regency, &filed.id).await.unwrap();
        }
        assert_eq!(published(&regency).await.len(), 2);
        let request = MergeComplaintRequest { complaint: merged.id.clone(), into: survivor.id.clone(), ..MergeComplaintRequest::default() };
        regency.coordinator().merge_complaint(request).await.unwrap();
        let shown = published(&regency).await;
        assert_eq!(shown.iter().map(|it| &it.number).collect::<Vec<_>>(), [&survivor.number], "one pothole, once");
        let ask = ListPublishedComplaintsRequest { numbers: merged.number.clone(), ..ListPublishedComplaintsRequest::default() };
        assert!(regency.nobody().list_published_complaints(ask).await.unwrap().complaints.is_empty());
        // As rows are that were merged before this was so.
        use sea_orm::ConnectionTrait as _;
        let older = format!("UPDATE complaint SET is_public = true WHERE id = '{}'", merged.id);
        regency.db.db.write.execute_unprepared(&older).await.unwrap();
        assert_eq!(published(&regency).await.len(), 1);
        // The reporter of the merged case changes their mind: nothing of either is public, and nobody reads who it was.
        let choose = AnswerComplaintRequest { secrecy: Secrecy::Secret.into(), ..merged.says("") };
        regency.nobody().answer_complaint(choose).await.unwrap();
        assert!(published(&regency).await.is_empty());
        for client in [regency.coordinator(), regency.agency(PUPR)] {
            let Ok(case) = client.complaint(&merged.id).await else { continue };
            assert!(case.reporters.iter().all(|it| it.contact.is_none()), "{}", client.sub);
            assert!(case.place.unwrap().latitude.is_some_and(|it| (it - -3.12).abs() < 1e-9), "the place is coarse");
        }
        let case = regency.agency(PUPR).complaint(&survivor.id).await.unwrap();
        assert_eq!(case.reporters.iter().map(|it| it.contact.is_some()).collect::<Vec<_>>(), [true, false]);
    }
}

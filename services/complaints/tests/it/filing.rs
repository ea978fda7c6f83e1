//! Reports come in.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_proto::complaints::v1::*;
use tonic::Code;

use crate::regency::*;

/// A photo with a place in it: JPEG with an EXIF segment.
fn photo() -> Vec<u8> {
    include_bytes!("../../src/intake/samples/photo.jpg").to_vec()
}

async fn upload(regency: &Regency, content: Vec<u8>) -> ComplaintFile {
    let request = UploadComplaintFileRequest { request_id: String::new(), content };
    regency.nobody().upload_complaint_file(request).await.expect("an upload").file.expect("a file")
}

lines! {
    async fn c_01_a_report_gets_a_number_a_pin_and_both_deadlines(engine) {
        let regency = Regency::new(engine).await;
        let answer = regency.nobody().file_complaint(Regency::report()).await.unwrap();
        assert!(answer.number.starts_with("ADU-2026-000001-"), "{}", answer.number);
        assert_eq!((answer.pin.len(), answer.complaint_id.as_str()), (9, ""));
        // Fourteen working days after Monday 23 November, when work ends: 11 December at 16:00, and four hours.
        assert_eq!(at(answer.settle_due_at.as_ref()), moment("2026-12-11T09:30:00Z"));
        assert_eq!(at(answer.reaction_due_at.as_ref()), moment("2026-11-23T05:00:00Z"));
        assert_eq!(at(answer.verify_due_at.as_ref()), moment("2026-11-26T09:00:00Z"));
        regency.until("a receipt goes out", || async { regency.messages.of_type("tanda_terima").len() == 1 }).await;
        let receipt = &regency.messages.of_type("tanda_terima")[0];
        assert_eq!(receipt.placeholders["pin"], answer.pin);
        let refused = regency.nobody().file_complaint(FileComplaintRequest::default()).await.unwrap_err();
        for field in ["complaint_class", "text", "category"] {
            assert!(refused.fields.contains_key(field), "{field}: {:?}", refused.fields);
        }
        // The same request again is the same report.
        let request = FileComplaintRequest { request_id: "sama".to_owned(), ..Regency::report() };
        let first = regency.nobody().file_complaint(request.clone()).await.unwrap();
        assert_eq!(regency.nobody().file_complaint(request).await.unwrap(), first);
    }

    async fn c_02_a_wrong_pin_and_an_unknown_number_are_one_answer(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        let ask = async |number: &str, pin: &str| {
            let request = GetPublicComplaintRequest { number: number.to_owned(), pin: pin.to_owned() };
            regency.nobody().get_public_complaint(request).await
        };
        let wrong = ask(&filed.number, "AAAA-AAAA").await.unwrap_err();
        let unknown = ask("ADU-2026-000777-1", "AAAA-AAAA").await.unwrap_err();
        let damaged = ask("ADU-2026-000001-0x", &filed.pin).await.unwrap_err();
        assert_eq!((wrong.code, &wrong), (Code::NotFound, &unknown));
        assert_eq!(wrong, damaged);
        let mut said = filed.says("Tambahan dari saya.");
        said.pin = "AAAA-AAAA".to_owned();
        assert_eq!(regency.nobody().answer_complaint(said).await.unwrap_err(), wrong);
        assert!(ask(&filed.number.to_lowercase(), &filed.pin.replace('-', " ")).await.is_ok());
    }

    async fn c_03_the_class_selects_the_clocks(engine) {
        let regency = Regency::new(engine).await;
        let settle = async |class: ComplaintClass| {
            let request = FileComplaintRequest { complaint_class: class.into(), ..Regency::report() };
            at(regency.nobody().file_complaint(request).await.unwrap().settle_due_at.as_ref())
        };
        assert_eq!(settle(ComplaintClass::InformationRequest).await, moment("2026-11-30T09:00:00Z"));
        let general = settle(ComplaintClass::Complaint).await;
        assert_eq!(settle(ComplaintClass::Aspiration).await, general);
        assert!(settle(ComplaintClass::Whistleblowing).await > general + TimeDelta::days(60));
    }

    async fn c_10_the_desk_files_for_somebody_with_a_name_a_number_or_nothing(engine) {
        let regency = Regency::new(engine).await;
        for contact in [
            None,
            Some(Contact { name: NAME.to_owned(), ..Contact::default() }),
            Some(Contact { phone: PHONE.to_owned(), ..Contact::default() }),
        ] {
            let request = FileComplaintRequest {
                channel: Channel::Counter.into(),
                queue_ticket: "tkt_01h455vb4pex5vsknk084sn02q".to_owned(),
                contact,
                ..Regency::report()
            };
            assert_eq!(
                regency.nobody().file_complaint(request.clone()).await.unwrap_err().code,
                Code::PermissionDenied
            );
            let answer = regency.coordinator().file_complaint(request).await.unwrap();
            let case = regency.seen(&answer.complaint_id).await;
            assert_eq!(case.channel(), Channel::Counter);
            // Who wrote it down is in the log, and is not who reported.
            assert_eq!(case.messages[0].account_id, "acc_coordinator");
            assert_eq!(case.messages[0].by, "REPORTER");
        }
    }

    async fn c_14_the_channels_time_counts_when_it_is_plausible(engine) {
        let regency = Regency::new(engine).await;
        let now = moment(MONDAY);
        for (sent, counts) in [
            (now - TimeDelta::hours(3), now - TimeDelta::hours(3)),
            (now - TimeDelta::hours(49), now),
            (now + TimeDelta::hours(1), now),
        ] {
            let request = FileComplaintRequest { channel: Channel::Counter.into(), sent_at: stamp(sent), ..Regency::report() };
            let filed = regency.coordinator().file_complaint(request).await.unwrap();
            let case = regency.seen(&filed.complaint_id).await;
            assert_eq!(at(case.received_at.as_ref()), counts);
            assert_eq!(at(case.arrived_at.as_ref()), now);
        }
    }

    async fn c_14_nobody_makes_a_report_late_on_arrival_by_what_they_claim(engine) {
        let regency = Regency::new(engine).await;
        let now = moment(MONDAY);
        for channel in [Channel::Web, Channel::Api, Channel::Open311] {
            let sent_at = stamp(now - TimeDelta::hours(40));
            let filed = regency.file(FileComplaintRequest { channel: channel.into(), sent_at, ..Regency::report() }).await;
            let case = regency.seen(&filed.id).await;
            assert_eq!(at(case.received_at.as_ref()), now, "{channel:?}");
            assert!(case.clocks.iter().all(|it| at(it.started_at.as_ref()) == now && it.late_at.is_none()), "{:?}", case.clocks);
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert!(regency.messages.of_type("eskalasi").is_empty(), "nobody is alarmed");
    }

    async fn c_15_files_are_judged_by_content_and_shown_without_what_the_camera_wrote(engine) {
        let regency = Regency::new(engine).await;
        let refused = async |content: Vec<u8>| {
            let request = UploadComplaintFileRequest { request_id: String::new(), content };
            regency.nobody().upload_complaint_file(request).await.unwrap_err().fields["content"].clone()
        };
        assert_eq!(refused(b"<script>alert(1)</script>".to_vec()).await, "INVALID_TYPE");
        assert_eq!(refused(vec![0; (3 << 20) + 1]).await, "INVALID_LENGTH");
        assert_eq!(refused(Vec::new()).await, "INVALID_LENGTH");
        let file = upload(&regency, photo()).await;
        assert_eq!((file.media_type.as_str(), file.scan.as_str()), ("image/jpeg", "NOT_SCANNED"));
        let request = FileComplaintRequest { file_ids: vec![file.file_id.clone()], ..Regency::report() };
        let filed = regency.file(request).await;
        let ask = GetComplaintFileRequest { complaint: filed.id.clone(), file: file.file_id.clone() };
        let shown = regency.coordinator().get_complaint_file(ask.clone()).await.unwrap();
        let marks = |content: &[u8]| content.windows(4).filter(|it| *it == b"Exif" || *it == b"GPS\0").count();
        assert!(shown.content.len() < photo().len() && marks(&shown.content) <= 1);
        // Nobody who does not see the case gets its file.
        let other = regency.agency(DINKES).get_complaint_file(ask.clone()).await.unwrap_err();
        assert_eq!(other.code, Code::NotFound);
        // What another report has cannot be given to a second one.
        let again = FileComplaintRequest { file_ids: vec![file.file_id], ..Regency::report() };
        assert_eq!(regency.nobody().file_complaint(again).await.unwrap_err().code, Code::NotFound);
    }

    async fn c_15_an_upload_that_was_cleaned_up_is_taken_again_under_its_request_id(engine) {
        let regency = Regency::new(engine).await;
        let request = UploadComplaintFileRequest { request_id: "unggah".to_owned(), content: photo() };
        let first = regency.nobody().upload_complaint_file(request.clone()).await.unwrap().file.unwrap();
        assert_eq!(regency.nobody().upload_complaint_file(request.clone()).await.unwrap().file, Some(first.clone()));
        regency.wait(TimeDelta::hours(48));
        regency.until("nobody sent it with anything", || async {
            regency.nobody().upload_complaint_file(request.clone()).await.unwrap().file.unwrap().file_id != first.file_id
        }).await;
        let again = regency.nobody().upload_complaint_file(request.clone()).await.unwrap().file.unwrap();
        assert_eq!(regency.nobody().upload_complaint_file(request).await.unwrap().file, Some(again.clone()));
        let report = FileComplaintRequest { file_ids: vec![again.file_id], ..Regency::report() };
        regency.nobody().file_complaint(report).await.unwrap();
    }

    async fn c_15_nobody_opens_a_file_before_the_scanner_has_looked(engine) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        // It takes the connection and never answers.
        let regency = Regency::with(engine, |config| config.clamd = address).await;
        let file = upload(&regency, photo()).await;
        assert_eq!(file.scan, "PENDING");
        let request = FileComplaintRequest { file_ids: vec![file.file_id.clone()], ..Regency::report() };
        let filed = regency.file(request).await;
        let ask = GetComplaintFileRequest { complaint: filed.id, file: file.file_id };
        let held = regency.coordinator().get_complaint_file(ask).await.unwrap_err();
        assert_eq!((held.code, held.reason.as_str()), (Code::FailedPrecondition, "FILE_HELD"));
    }

    async fn c_16_reports_are_limited_by_contact_and_not_by_address(engine) {
        let regency = Regency::with(engine, |config| config.reports_per_contact = 3).await;
        for _ in 0..3 {
            regency.nobody().file_complaint(Regency::report()).await.unwrap();
        }
        let refused = regency.nobody().file_complaint(Regency::report()).await.unwrap_err();
        assert_eq!((refused.code, refused.reason.as_str()), (Code::ResourceExhausted, "TOO_MANY_REPORTS"));
        // Everybody else behind the same address goes on.
        for last in 0..20 {
            let contact = Contact { phone: format!("0812000000{last:02}"), ..Contact::default() };
            let request = FileComplaintRequest { contact: Some(contact), ..Regency::report() };
            regency.nobody().file_complaint(request).await.unwrap();
        }
        regency.wait(TimeDelta::hours(25));
        regency.nobody().file_complaint(Regency::report()).await.unwrap();
    }

    async fn c_16_reports_without_a_contact_are_limited_by_network_and_day(engine) {
        use sea_orm::ConnectionTrait as _;
        let regency = Regency::with(engine, |config| config.reports_per_network = 10).await;
        let report = || FileComplaintRequest { contact: None, ..Regency::report() };
        let village = || regency.nobody().in_network("203.0.113.7");
        let first = FileComplaintRequest { request_id: "sekali".to_owned(), ..report() };
        let taken = village().file_complaint(first.clone()).await.unwrap();
        for _ in 0..9 {
            village().file_complaint(report()).await.unwrap();
        }
        let refused = village().file_complaint(report()).await.unwrap_err();
        assert_eq!((refused.code, refused.reason.as_str()), (Code::ResourceExhausted, "TOO_MANY_FROM_NETWORK"));
        assert_eq!(village().file_complaint(first).await.unwrap(), taken, "a repetition is none more");
        // The remedy that the refusal names, and who is not meant: another network, the desk, who is known.
        village().file_complaint(Regency::report()).await.unwrap();
        regency.nobody().in_network("203.0.113.8").file_complaint(report()).await.unwrap();
        let desk = FileComplaintRequest { channel: Channel::Counter.into(), ..report() };
        regency.coordinator().in_network("203.0.113.7").file_complaint(desk).await.unwrap();
        // What is counted says of which network it is to nobody, not even that tomorrow's is the same, and goes with the day.
        let counted = async || {
            let select = sea_orm::sea_query::Query::select().columns(["digest"]).from("network_day").take();
            let rows = regency.db.db.read.query_all(&select).await.unwrap();
            rows.iter().map(|row| row.try_get::<String>("", "digest").unwrap()).collect::<Vec<_>>()
        };
        let today = counted().await;
        assert!(today.len() == 2 && today.iter().all(|it| it.len() == 64), "{today:?}");
        regency.set("2026-11-23T17:00:01Z");
        village().file_complaint(report()).await.unwrap();
        regency.until("yesterday is forgotten", || async { counted().await.len() == 1 }).await;
        assert!(!today.contains(&counted().await[0]));
    }
}

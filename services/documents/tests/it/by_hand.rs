//! Line 45: letters of officials without an electronic certificate, signed by hand: printed, scanned, confirmed, and never said
//! to be electronically signed.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_proto::documents::v1::*;
use prost_types::value::Kind;
use sea_orm::ConnectionTrait as _;
use tonic::Code;

use super::paper::{holds, words};
use super::town::{
    Client, PLAIN, RT, Refusal, Resident, SUB_DISTRICT, Town, VILLAGE, history, moment, put, scan,
};

const NO_CERTIFICATE: &str = "pejabat belum memiliki sertifikat elektronik";
const NUMBER: &str = "400.9/001/1707022002/XI/2026";

/// A small photo that no other test uploads.
pub(crate) fn photo() -> Vec<u8> {
    let mut content = vec![0xFF, 0xD8, 0xFF, 0xE0];
    content.extend(rand::random::<u128>().to_be_bytes());
    content
}

impl Client {
    /// Has what was seen printed to be signed by hand.
    pub(crate) async fn by_hand(&self, seen: &Application) -> Result<Application, Refusal> {
        let request = SignByHandRequest {
            application: seen.id.clone(),
            content_hash: seen.content_hash.clone(),
            reason: NO_CERTIFICATE.to_owned(),
            ..SignByHandRequest::default()
        };
        self.sign_by_hand(request).await.map(|answer| answer.application.expect("an application"))
    }

    /// Brings the scan of the signed sheet.
    pub(crate) async fn brings(&self, id: &str, content: Vec<u8>) -> Result<Application, Refusal> {
        let request =
            UploadScanRequest { application: id.to_owned(), content, ..UploadScanRequest::default() };
        self.upload_scan(request).await.map(|answer| answer.application.expect("an application"))
    }

    /// Confirms the scan that was seen, by the number that was read from it.
    pub(crate) async fn confirms(&self, seen: &Application, number: &str) -> Result<Application, Refusal> {
        let scan = seen.by_hand.as_ref().and_then(|it| it.scan.as_ref());
        let request = ConfirmScanRequest {
            application: seen.id.clone(),
            version: seen.version,
            number: number.to_owned(),
            sha256: scan.map(|scan| scan.sha256.clone()).unwrap_or_default(),
            ..ConfirmScanRequest::default()
        };
        self.confirm_scan(request).await.map(|answer| answer.application.expect("an application"))
    }

    /// Gives up the sheet.
    pub(crate) async fn gives_up(&self, id: &str, reason: &str) -> Result<Application, Refusal> {
        let request = DiscardSheetRequest {
            application: id.to_owned(),
            reason: reason.to_owned(),
            ..DiscardSheetRequest::default()
        };
        self.discard_sheet(request).await.map(|answer| answer.application.expect("an application"))
    }

    async fn may(&self, id: &str) -> Vec<String> {
        self.application(id).await.expect("he sees it").allowed_verbs
    }

    async fn file(&self, application: &str, file: &str) -> Result<Vec<u8>, Refusal> {
        let request = GetAttachmentRequest { application: application.to_owned(), file: file.to_owned() };
        self.get_attachment(request).await.map(|answer| answer.content)
    }
}

impl Town {
    /// An application of a plain village that waits for the signature of its head.
    async fn waiting(&self, number: u32) -> (ApplicationStatus, Application) {
        let status = self.applied("sktm", &Resident::new(number, PLAIN)).await;
        let application = self.walk(&status.application_id).await;
        assert_eq!(application.state(), ApplicationState::AwaitingSignature);
        (status, application)
    }

    /// A letter that was signed by hand, from its form to its document, and its scan.
    async fn signed_by_hand(&self, number: u32) -> (ApplicationStatus, Document, Vec<u8>) {
        let (status, waiting) = self.waiting(number).await;
        let (head, content) = (self.head(PLAIN), photo());
        head.by_hand(&waiting).await.expect("printed");
        let scanned = self.officer(PLAIN).brings(&waiting.id, content.clone()).await.expect("uploaded");
        let text = &scanned.numbers.iter().find(|it| !it.void).expect("a number").text;
        let issued = head.confirms(&scanned, text).await.expect("issued");
        (self.status(&status.code).await, self.document(&issued.document_id).await, content)
    }

    /// The events of one kind about a subject, with their data.
    async fn how_signed(&self, subject: &str, kind: &str) -> Vec<String> {
        let found = self.events().await.into_iter().filter(|it| it.subject == subject && it.r#type == kind);
        let signature = |event: DocumentEvent| {
            let value = event.data.and_then(|data| data.fields.get("signature").cloned());
            match value.and_then(|value| value.kind) {
                Some(Kind::StringValue(text)) => text,
                other => format!("{other:?}"),
            }
        };
        found.map(signature).collect()
    }
}

fn verbs(found: &[String]) -> Vec<&str> {
    let of_hands = ["SIGN_BY_HAND", "UPLOAD_SCAN", "CONFIRM_SCAN", "DISCARD_SHEET", "BEGIN_SIGNING"];
    found.iter().map(String::as_str).filter(|verb| of_hands.contains(verb)).collect()
}

lines! {
    /// 45. A village whose head has no certificate issues on the first day: printed with its number and QR, signed and scanned,
    /// looked at a second time; and everywhere it is said that this is no electronic signature.
    async fn should_45_a_letter_is_printed_signed_by_hand_scanned_and_issued(engine) {
        let town = Town::new(engine).await;
        let (status, waiting) = town.waiting(1).await;
        let id = waiting.id.clone();
        let (head, officer) = (town.head(PLAIN), town.officer(PLAIN));
        let secretary = town.official("VILLAGE_SECRETARY", PLAIN);
        assert_eq!(verbs(&head.may(&id).await), ["BEGIN_SIGNING", "SIGN_BY_HAND"]);
        assert!(verbs(&officer.may(&id).await).is_empty());
        assert_eq!(officer.by_hand(&waiting).await.expect_err("not his").reason, "NOT_YOUR_STEP");
        let asked = SignByHandRequest {
            request_id: "lembar-1".to_owned(), application: id.clone(), version: waiting.version,
            content_hash: waiting.content_hash.clone(), reason: NO_CERTIFICATE.to_owned(),
        };
        for (wrong, what) in [
            (SignByHandRequest { reason: "tidak".to_owned(), ..asked.clone() }, "INVALID_ARGUMENT"),
            (SignByHandRequest { content_hash: "0".repeat(64), ..asked.clone() }, "CONTENT_DIFFERS"),
            (SignByHandRequest { version: waiting.version + 1, ..asked.clone() }, "VERSION_MISMATCH"),
        ] {
            let refused = head.sign_by_hand(SignByHandRequest { request_id: String::new(), ..wrong }).await.expect_err("refused");
            assert!(refused.reason == what || refused.fields.contains_key("reason"), "{what}: {refused:?}");
        }

        // Printed once, however often it is asked for; the number was given before.
        let printed = head.sign_by_hand(asked.clone()).await.expect("printed");
        assert_eq!(head.sign_by_hand(asked).await.expect("again"), printed);
        let printed = printed.application.expect("an application");
        assert_eq!((printed.state(), &printed.numbers), (ApplicationState::AwaitingScan, &waiting.numbers));
        let sheet = printed.by_hand.as_ref().and_then(|it| it.sheet.clone()).expect("a sheet");
        let pdf = officer.file(&id, &sheet.file_id).await.expect("the sheet");
        let draft = officer.get_draft(GetDraftRequest { application: id.clone() }).await.expect("the sheet").pdf;
        assert_eq!(draft, pdf);
        let text = words(&pdf);
        for said in [&format!("Nomor: {NUMBER}"), "Rohana Zulaikha", "Budi Santoso, S.IP.", "bukan tanda tangan elektronik (TTE)"] {
            assert!(text.contains(said), "{said} in {text}");
        }
        assert!(!text.contains("secara elektronik") && !text.contains("PRATINJAU"), "{text}");
        // It bears no signature, and nobody verifies what is not issued.
        assert!(!holds(&pdf, "/ByteRange"), "a signature");
        assert_eq!(town.judged(pdf.clone()).await.verdict(), FileVerdict::NotOurs);
        assert!(town.status(&status.code).await.verification_code.is_empty());

        // It waits for everybody in the office, as what it is; and for nobody's passphrase.
        for person in [&head, &officer, &secretary] {
            let items = person.work().await;
            assert_eq!(items.iter().map(|it| (it.application_id.as_str(), it.kind.as_str())).collect::<Vec<_>>(), [(id.as_str(), "SCAN")]);
        }
        let desk = ListWorkRequest { signing_only: true, ..ListWorkRequest::default() };
        assert!(head.list_work(desk).await.expect("a list").items.is_empty());
        assert_eq!(head.sign(&id).await.reason, "NOT_PERMITTED_IN_STATE");
        assert_eq!(verbs(&officer.may(&id).await), ["UPLOAD_SCAN"]);
        assert_eq!(verbs(&head.may(&id).await), ["UPLOAD_SCAN", "DISCARD_SHEET"]);

        // What is brought is a scan: by its content, of its size, and not the sheet itself.
        let other = town.issued("kehilangan", &Resident::new(2, PLAIN)).await.1;
        for (content, reason) in [
            (b"<html>".to_vec(), "INVALID_TYPE"),
            (b"MZ....".to_vec(), "INVALID_TYPE"),
            (Vec::new(), "INVALID_LENGTH"),
            (vec![0xFF; (3 << 20) + 1], "INVALID_LENGTH"),
            (pdf, "UNSIGNED_SHEET"),
            (town.bytes(&other.id, 0).await, "ANOTHER_DOCUMENT"),
        ] {
            assert_eq!(officer.brings(&id, content).await.expect_err("no scan").named(), [("content", reason)]);
        }
        let (first, second) = (scan(), photo());
        let request = UploadScanRequest {
            request_id: "pindaian-1".to_owned(), application: id.clone(), version: printed.version, content: first.clone(),
        };
        let uploaded = officer.upload_scan(request.clone()).await.expect("uploaded");
        assert_eq!(officer.upload_scan(request).await.expect("again"), uploaded);
        let uploaded = uploaded.application.expect("an application");
        let brought = uploaded.by_hand.clone().expect("by hand");
        let kept = brought.scan.clone().expect("a scan");
        assert_eq!((kept.media_type.as_str(), kept.size, brought.confirmed), ("application/pdf", first.len() as i64, false));
        assert_eq!(head.file(&id, &kept.file_id).await.expect("the scan"), first);
        // The head is called to look at it.
        town.tell().await;
        let called = town.messages.of_type("surat_menunggu_anda");
        assert!(called.iter().any(|it| format!("{it:?}").contains(&head.sub)), "{:?}", town.messages.all());

        // Replaced, the later one counts; the second look is by who may take the step.
        town.wait(TimeDelta::hours(1));
        let replaced = officer.brings(&id, second.clone()).await.expect("replaced");
        assert_eq!(head.confirms(&uploaded, NUMBER).await.expect_err("an old look").reason, "VERSION_MISMATCH");
        let unseen = Application { version: 0, ..uploaded.clone() };
        assert_eq!(head.confirms(&unseen, NUMBER).await.expect_err("another scan").reason, "SCAN_DIFFERS");
        assert_eq!(officer.confirms(&replaced, NUMBER).await.expect_err("not his").reason, "NOT_YOUR_STEP");
        for number in [&other.number, "1", "400.9/001/1707022002/XI/2025"] {
            assert_eq!(head.confirms(&replaced, number).await.expect_err("another").named(), [("number", "ANOTHER_NUMBER")], "{number}");
        }
        assert_eq!(town.seen(&id).await.state(), ApplicationState::AwaitingScan);
        let issued = head.confirms(&replaced, " 400.9 / 001/1707022002/xi/2026 ").await.expect("issued");
        assert_eq!(issued.state(), ApplicationState::Issued);
        assert!(issued.by_hand.as_ref().is_some_and(|it| it.confirmed && it.reason == NO_CERTIFICATE));
        assert_eq!(history(&issued)[history(&issued).len() - 6..], ["SIGN_BY_HAND", "UPLOAD_SCAN", "UPLOAD_SCAN", "CONFIRM_SCAN", "APPROVE", "ISSUE"]);

        // The document is the scan, and everybody is told what it is.
        let document = town.document(&issued.document_id).await;
        assert_eq!((document.signature(), document.signatures, document.media_type.as_str()), (SignatureMethod::ByHand, 0, "image/jpeg"));
        assert_eq!((document.number.as_str(), town.bytes(&document.id, 0).await), (NUMBER, second.clone()));
        let page = town.verified(&document.verification_code).await;
        assert_eq!((page.state(), page.signature()), (DocumentState::Valid, SignatureMethod::ByHand));
        assert_eq!(page.scan_uploaded_by, "Desa Air Dingin", "who is not listed is not named");
        assert_eq!(page.scan_upload_time.map(|it| it.seconds), Some(moment("2026-11-23T02:00:00Z").timestamp()));
        assert_eq!(page.signers, ["Kepala Desa, Budi Santoso, S.IP."]);
        assert!(text.replace(' ', "").contains(&document.verification_code), "the sheet bears the code");
        let electronic = town.verified(&other.verification_code).await;
        assert_eq!((electronic.signature(), electronic.scan_uploaded_by.as_str()), (SignatureMethod::Electronic, ""));
        assert_eq!([town.how_signed(&id, "surat.terbit").await, town.how_signed(&other.application_id, "surat.terbit").await], [["BY_HAND"], ["ELECTRONIC"]]);

        // The check knows it by its bytes alone.
        let judged = town.judged(second.clone()).await;
        assert_eq!((judged.verdict(), judged.document, judged.signatures.len()), (FileVerdict::ScanOnRecord, Some(page), 0));
        let mut changed = second.clone();
        *changed.last_mut().expect("a byte") ^= 1;
        for not_ours in [changed, [second.as_slice(), b"\n"].concat(), first] {
            let judged = town.judged(not_ours).await;
            assert_eq!((judged.verdict(), judged.document), (FileVerdict::NotOurs, None));
        }

        // The applicant is told that it is no electronic signature, learns how and not why, and gets the scan.
        town.tell().await;
        assert_eq!([town.messages.of_type("surat_terbit_basah").len(), town.messages.of_type("surat_terbit").len()], [1, 1]);
        let status = town.status(&status.code).await;
        assert_eq!((status.signature(), status.number.as_str()), (SignatureMethod::ByHand, NUMBER));
        assert!(!format!("{status:?}").contains("sertifikat"), "{status:?}");
        let link = CreateDownloadLinkRequest { code: status.code.clone(), nik_last4: "0001".to_owned() };
        let path = town.nobody().create_download_link(link).await.expect("a link").path;
        let token = path.rsplit('/').next().expect("a token").to_owned();
        let opened = town.nobody().open_file_link(OpenFileLinkRequest { token }).await.expect("the scan");
        assert_eq!((opened.content, opened.media_type.as_str()), (second, "image/jpeg"));
        assert!(opened.file_name.ends_with(".jpg"), "{}", opened.file_name);

        // Lists, reports and the journal tell it apart.
        let listed = head.list_documents(ListDocumentsRequest::default()).await.expect("a list").documents;
        assert_eq!(listed.iter().map(|it| (it.signature(), it.signatures)).collect::<Vec<_>>(), [(SignatureMethod::Electronic, 1), (SignatureMethod::ByHand, 0)]);
        let rows = head.get_letter_report(GetLetterReportRequest::default()).await.expect("a report").rows;
        assert_eq!(rows.iter().map(|row| (row.letter_type.as_str(), row.issued, row.issued_by_hand)).collect::<Vec<_>>(), [("kehilangan", 1, 0), ("sktm", 1, 1)]);
        let journal = town.journal().await;
        let entries: Vec<_> = journal.iter().filter(|it| it.subject == id && it.detail.to_string().contains("BY_HAND")).map(|it| (it.who.as_str(), it.what.as_str())).collect();
        assert_eq!(entries, [
            (head.sub.as_str(), "application.sheet_printed"),
            (officer.sub.as_str(), "application.scan_uploaded"),
            (officer.sub.as_str(), "application.scan_uploaded"),
            (head.sub.as_str(), "application.scan_confirmed"),
        ]);
        // Its paper is handed over as any other.
        let request = HandOverApplicationRequest { application: id, collector: "Rohana Zulaikha".to_owned(), copies: 1, ..HandOverApplicationRequest::default() };
        officer.hand_over_application(request).await.expect("handed over");
    }

    /// 45. A sheet that came to nothing takes its number along, with a row that says why; the letter goes on under the next.
    async fn should_45_a_sheet_that_came_to_nothing_leaves_its_number_void(engine) {
        let town = Town::new(engine).await;
        let head = town.head(PLAIN);
        let (_, waiting) = town.waiting(1).await;
        let id = waiting.id.clone();
        head.by_hand(&waiting).await.expect("printed");
        let scanned = head.brings(&id, photo()).await.expect("uploaded");
        let file = scanned.by_hand.as_ref().and_then(|it| it.scan.clone()).expect("a scan").file_id;
        assert_eq!(town.officer(PLAIN).gives_up(&id, "lembarnya rusak").await.expect_err("not his").reason, "NOT_YOUR_STEP");
        let given_up = head.gives_up(&id, "lembarnya rusak terkena air").await.expect("given up");
        assert_eq!((given_up.state(), given_up.by_hand.is_none()), (ApplicationState::AwaitingSignature, true));
        assert_eq!(head.file(&id, &file).await.expect_err("it counts no more").code, Code::NotFound);
        let rows = async || {
            let register = town.register(PLAIN, 0).await;
            register.into_iter().map(|it| (it.seq, it.void_reason)).collect::<Vec<_>>()
        };
        assert_eq!(rows().await, [(1, "SHEET_DISCARDED".to_owned()), (2, String::new())]);
        assert!(head.confirms(&scanned, NUMBER).await.is_err());
        // By another hand, or electronically.
        assert!(head.sign(&id).await.signed);
        let document = town.document(&town.seen(&id).await.document_id).await;
        assert_eq!((document.number.as_str(), document.signature()), ("400.9/002/1707022002/XI/2026", SignatureMethod::Electronic));
        assert!(town.seen(&id).await.by_hand.is_none());

        // Withdrawn by its applicant meanwhile: nobody confirms it any more.
        let (status, waiting) = town.waiting(2).await;
        head.by_hand(&waiting).await.expect("printed");
        let scanned = head.brings(&waiting.id, photo()).await.expect("uploaded");
        let request = WithdrawApplicationRequest { code: status.code, ..WithdrawApplicationRequest::default() };
        town.nobody().withdraw_application(request).await.expect("withdrawn");
        assert_eq!(head.confirms(&Application { version: 0, ..scanned }, "400.9/003/1707022002/XI/2026").await.expect_err("over").reason, "NOT_PERMITTED_IN_STATE");
        assert_eq!(rows().await[2], (3, "WITHDRAWN".to_owned()));

        // Late like any other step, and told to who leads.
        let (_, waiting) = town.waiting(3).await;
        head.by_hand(&waiting).await.expect("printed");
        town.wait(TimeDelta::days(3));
        town.sweep().await;
        assert!(town.seen(&waiting.id).await.steps.iter().any(|step| step.late));
        assert!(town.events_of(&waiting.id).await.contains(&"surat.terlambat".to_owned()));
    }

    /// 45. The second signature is made on the same sheet; and what is sent back after the first begins anew.
    async fn should_45_the_sub_district_signs_the_same_sheet(engine) {
        let town = Town::new(engine).await;
        let (head, camat) = (town.head(VILLAGE), town.official("SUB_DISTRICT_HEAD", SUB_DISTRICT));
        let clerk = town.official("SUB_DISTRICT_OFFICER", SUB_DISTRICT);
        let mut wish = town.wish("sktm", &Resident::new(1, RT)).await;
        wish.with_optional_steps = true;
        let status = town.submit(wish.clone()).await;
        let first = town.walk(&status.application_id).await;
        let id = first.id.clone();
        let number = "400.9/001/1707022001/XI/2026";
        let printed = head.by_hand(&first).await.expect("printed");
        let sheet = printed.by_hand.as_ref().and_then(|it| it.sheet.clone()).expect("a sheet");
        let text = words(&head.file(&id, &sheet.file_id).await.expect("the sheet"));
        assert!(text.contains("Drs. Ahmad Dahlan, M.Si.") && !text.contains("Tanda tangan elektronik dan"), "{text}");
        let scanned = head.brings(&id, photo()).await.expect("uploaded");
        assert_eq!(scanned.by_hand.as_ref().map(|it| it.uploaded_by.as_str()), Some(head.sub.as_str()));
        let half = head.confirms(&scanned, number).await.expect("signed");
        assert_eq!((half.state(), half.document_id.is_empty()), (ApplicationState::InReview, false));
        assert_eq!(town.status(&status.code).await.signature(), SignatureMethod::ByHand);

        // Sent back and changed, it is another letter: it may be signed either way again, under another number.
        clerk.send_back(&id, "nama sekolahnya keliru").await.expect("returned");
        put(&mut wish, "tanggungan", 7.into());
        let again = ResubmitApplicationRequest {
            request_id: String::new(), code: status.code.clone(), values: wish.values.clone(), attachments: wish.attachments.clone(),
            subject: None,
        };
        town.nobody().resubmit_application(again).await.expect("changed");
        let anew = town.walk(&id).await;
        assert!(anew.by_hand.is_none());
        assert_eq!(verbs(&head.may(&id).await), ["BEGIN_SIGNING", "SIGN_BY_HAND"]);
        let number = anew.numbers.iter().find(|it| !it.void).expect("a number").text.clone();
        assert_eq!(number, "400.9/002/1707022001/XI/2026");
        head.by_hand(&anew).await.expect("printed anew");
        let first_scan = photo();
        let scanned = head.brings(&id, first_scan.clone()).await.expect("uploaded");
        head.confirms(&scanned, &number).await.expect("signed");

        let second = town.walk(&id).await;
        assert_eq!(second.state(), ApplicationState::AwaitingSignature);
        assert_eq!(camat.sign(&id).await.reason, "SIGNED_ANOTHER_WAY");
        assert_eq!(verbs(&camat.may(&id).await), ["SIGN_BY_HAND"]);
        let printed = camat.by_hand(&second).await.expect("the same sheet");
        assert!(printed.by_hand.as_ref().is_some_and(|it| it.scan.is_none() && it.sheet != Some(sheet)));
        assert_eq!(head.brings(&id, photo()).await.expect_err("another office").reason, "NOT_YOUR_STEP");
        // What was scanned before the second signature is no scan of it.
        assert_eq!(clerk.brings(&id, first_scan.clone()).await.expect_err("the first").named(), [("content", "SCANNED_BEFORE")]);
        let second_scan = photo();
        let scanned = clerk.brings(&id, second_scan.clone()).await.expect("uploaded");
        let issued = camat.confirms(&scanned, &number).await.expect("issued");
        assert_eq!(issued.state(), ApplicationState::Issued);
        let document = town.document(&issued.document_id).await;
        assert_eq!((document.signature(), town.bytes(&document.id, 0).await), (SignatureMethod::ByHand, second_scan));
        let page = town.verified(&document.verification_code).await;
        assert_eq!(page.signers, ["Kepala Desa, Budi Santoso, S.IP.", "Camat Rimbo Pengadang, Drs. Ahmad Dahlan, M.Si."]);
        assert_eq!(page.registrations.len(), 1);
        // The scan with one signature is a file of this letter, and not the letter: nothing on it tells what it lacks.
        let judged = town.judged(first_scan).await;
        assert_eq!((judged.verdict(), judged.document.is_none()), (FileVerdict::NotOurs, true));
        let whole = town.bytes(&document.id, 0).await;
        assert_eq!(town.judged(whole).await.verdict(), FileVerdict::ScanOnRecord);

        // What was signed electronically stays so.
        let mut wish = town.wish("sktm", &Resident::new(2, RT)).await;
        wish.with_optional_steps = true;
        let id = town.submit(wish).await.application_id;
        town.walk(&id).await;
        assert!(head.sign(&id).await.signed);
        let second = town.walk(&id).await;
        assert_eq!(camat.by_hand(&second).await.expect_err("a file").reason, "SIGNED_ANOTHER_WAY");
        assert_eq!(verbs(&camat.may(&id).await), ["BEGIN_SIGNING"]);
    }

    /// 45. Whether it may be is data of the type; and who is out of reach, or not listed, does nothing.
    async fn should_45_only_where_the_type_permits_it_and_by_who_may(engine) {
        let town = Town::new(engine).await;
        let permits = async |key: &str| {
            let request = GetLetterTypeRequest { letter_type: key.to_owned(), version: 0 };
            town.nobody().get_letter_type(request).await.expect("a type").letter_type.expect("a type").may_be_signed_by_hand
        };
        assert_eq!([permits("sktm").await, permits("domisili").await, permits("sip_dokter").await, permits("izin_oss").await], [true, true, false, false]);
        let licence = town.applied("sip_dokter", &Resident::new(1, PLAIN)).await.application_id;
        let licence = town.walk(&licence).await;
        let holder = town.holder(&licence);
        assert_eq!(holder.by_hand(&licence).await.expect_err("electronic alone").reason, "NOT_BY_HAND");
        assert_eq!(verbs(&holder.may(&licence.id).await), ["BEGIN_SIGNING"]);

        let (_, waiting) = town.waiting(2).await;
        let stranger = town.official_as("acc_baru", "VILLAGE_HEAD", PLAIN);
        assert_eq!(stranger.by_hand(&waiting).await.expect_err("not listed").reason, "NOT_A_SIGNATORY");
        let elsewhere = town.head(VILLAGE);
        assert_eq!(elsewhere.by_hand(&waiting).await.expect_err("elsewhere").code, Code::NotFound);
        town.head(PLAIN).by_hand(&waiting).await.expect("printed");
        let scanned = town.officer(PLAIN).brings(&waiting.id, photo()).await.expect("uploaded");
        assert_eq!(elsewhere.brings(&waiting.id, photo()).await.expect_err("elsewhere").code, Code::NotFound);
        assert_eq!(elsewhere.confirms(&scanned, NUMBER).await.expect_err("elsewhere").code, Code::NotFound);
        assert_eq!(elsewhere.gives_up(&waiting.id, "lembarnya rusak").await.expect_err("elsewhere").code, Code::NotFound);
        for refused in [
            town.nobody().by_hand(&waiting).await.map(|_| ()),
            town.nobody().brings(&waiting.id, photo()).await.map(|_| ()),
            town.nobody().confirms(&scanned, NUMBER).await.map(|_| ()),
            town.nobody().gives_up(&waiting.id, "lembarnya rusak").await.map(|_| ()),
        ] {
            assert_eq!(refused.expect_err("nobody").code, Code::Unauthenticated);
        }
        // One scan is of one letter: whoever takes the wrong file is told so when he brings it.
        let (_, other) = town.waiting(3).await;
        town.head(PLAIN).by_hand(&other).await.expect("printed");
        let same = photo();
        town.officer(PLAIN).brings(&other.id, same.clone()).await.expect("uploaded");
        let (_, third) = town.waiting(4).await;
        town.head(PLAIN).by_hand(&third).await.expect("printed");
        let refused = town.officer(PLAIN).brings(&third.id, same.clone()).await.expect_err("of another");
        assert_eq!(refused.named(), [("content", "ANOTHER_LETTER")]);
        // What was brought for the wrong one is free for the right one, once that has its own.
        let second = town.officer(PLAIN).brings(&other.id, photo()).await.expect("its own");
        let third = town.officer(PLAIN).brings(&third.id, same).await.expect("it is this one's");
        town.head(PLAIN).confirms(&second, "400.9/002/1707022002/XI/2026").await.expect("issued");
        assert_eq!(town.seen(&third.id).await.state(), ApplicationState::AwaitingScan);
        // Two confirm at once: it is issued once.
        let head = town.head(PLAIN);
        let again = head.clone();
        let both = tokio::join!(head.confirms(&scanned, NUMBER), again.confirms(&scanned, NUMBER));
        assert_eq!([both.0.is_ok(), both.1.is_ok()].iter().filter(|ok| **ok).count(), 1, "{both:?}");
        assert_eq!(town.events_of(&waiting.id).await.iter().filter(|kind| *kind == "surat.terbit").count(), 1);
        assert_eq!(head.list_documents(ListDocumentsRequest::default()).await.expect("a list").documents.len(), 2);
    }

    /// 45. A scan is looked for among all letters that have this file, however many do: of those that came before, none is on its way.
    async fn should_45_a_scan_is_looked_for_among_all_letters_that_have_its_file(engine) {
        let town = Town::new(engine).await;
        let (officer, head, same) = (town.officer(PLAIN), town.head(PLAIN), photo());
        let mut waiting = Vec::new();
        for number in [1, 2] {
            let (_, letter) = town.waiting(number).await;
            waiting.push(head.by_hand(&letter).await.expect("printed"));
        }
        let scanned = officer.brings(&waiting[0].id, same.clone()).await.expect("uploaded");
        let sha256 = scanned.by_hand.and_then(|it| it.scan).expect("a scan").sha256;
        // Letters of another year, by the order of ids, that are not there any more.
        let db = &town.db.db.write;
        for number in 0..250 {
            let sql = format!(
                "INSERT INTO stored_file (id, media_type, size, sha256, application_id, created_at) \
                 VALUES ('file_{number}', 'image/jpeg', 20, '{sha256}', 'app_01h455vb4pex5vsknk084s{number:04}', '2023-07-01T00:00:00Z')"
            );
            db.execute_unprepared(&sql).await.expect("a row");
        }
        let refused = officer.brings(&waiting[1].id, same).await.expect_err("of another");
        assert_eq!(refused.named(), [("content", "ANOTHER_LETTER")]);
    }

    /// 45. After issue it is revoked, corrected, renewed and expires as any other, and stays what it is.
    async fn should_45_what_was_signed_by_hand_ends_as_any_other(engine) {
        let mut town = Town::new(engine).await;
        let (_, revoked, scan) = town.signed_by_hand(1).await;
        let request = RevokeDocumentRequest {
            document: revoked.id.clone(), reason: "terbit atas data yang keliru".to_owned(), ..RevokeDocumentRequest::default()
        };
        let head = town.head(PLAIN);
        head.revoke_document(request).await.expect("revoked");
        let page = town.verified(&revoked.verification_code).await;
        assert_eq!((page.state(), page.signature()), (DocumentState::Revoked, SignatureMethod::ByHand));
        let judged = town.judged(scan).await;
        assert_eq!((judged.verdict(), judged.document), (FileVerdict::ScanOnRecord, Some(page)));
        assert_eq!(town.how_signed(&revoked.id, "surat.dicabut").await, ["BY_HAND"]);

        // The official has a certificate by now: the correction is signed with it.
        let (_, old, _) = town.signed_by_hand(2).await;
        let values = town.seen(&old.application_id).await.values;
        let request = CorrectDocumentRequest {
            document: old.id.clone(), reason: "nama sekolah keliru".to_owned(), values, ..CorrectDocumentRequest::default()
        };
        let begun = head.correct_document(request).await.expect("begun").application.expect("an application");
        let new = town.finish(&begun.id).await.document_id;
        let (old, new) = (town.document(&old.id).await, town.document(&new).await);
        assert_eq!((old.state(), old.signature()), (DocumentState::Replaced, SignatureMethod::ByHand));
        assert_eq!((new.replaces.as_str(), new.signature()), (old.id.as_str(), SignatureMethod::Electronic));

        // Renewed by hand again.
        let (_, old, _) = town.signed_by_hand(3).await;
        let request = RenewDocumentRequest { document: old.id.clone(), ..RenewDocumentRequest::default() };
        let begun = head.renew_document(request).await.expect("begun").application.expect("an application");
        let waiting = town.walk(&begun.id).await;
        head.by_hand(&waiting).await.expect("printed");
        let scanned = town.officer(PLAIN).brings(&waiting.id, photo()).await.expect("uploaded");
        let number = scanned.numbers.iter().find(|it| !it.void).expect("a number").text.clone();
        let issued = head.confirms(&scanned, &number).await.expect("issued");
        assert_eq!(town.document(&old.id).await.state(), DocumentState::Replaced);

        // After a restart, and after its last day.
        let config = town.config.signing.clone();
        town.restart(config).await;
        town.set("2027-02-23T01:00:00Z");
        town.sweep().await;
        let expired = town.document(&issued.document_id).await;
        assert_eq!((expired.state(), expired.signature()), (DocumentState::Expired, SignatureMethod::ByHand));
        assert_eq!(town.how_signed(&expired.id, "surat.kedaluwarsa").await, ["BY_HAND"]);
    }
}

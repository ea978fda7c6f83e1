//! Lines 21 to 26: what anybody can verify, and what happens to a document after it was issued.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_proto::documents::v1::*;
use sea_orm::ConnectionTrait as _;
use serde_json::json;
use tonic::Code;

use super::catalogue::{definition, template};
use super::esign::{Esign, Mood, signed};
use super::paper::words;
use super::town::{
    Client, EASTERN, PLAIN, RT, Refusal, Resident, Town, VILLAGE, moment, official_nik, put, structure,
    values_of,
};

const WHY: &str = "terbit atas data yang keliru";

impl Town {
    async fn revoke(&self, document: &str, reason: &str) -> Result<Document, Refusal> {
        let request = RevokeDocumentRequest {
            document: document.to_owned(),
            reason: reason.to_owned(),
            ..RevokeDocumentRequest::default()
        };
        self.head(PLAIN).revoke_document(request).await.map(|answer| answer.document.expect("a document"))
    }

    /// The state that anybody sees.
    async fn shows(&self, document: &Document) -> DocumentState {
        self.verified(&document.verification_code).await.state()
    }
}

lines! {
    /// 21. Public verify by QR/code shows status, issuer, signer, validity, masked name; unknown code and malformed code look
    /// alike.
    async fn line_21_anybody_verifies_a_code_and_learns_no_whole_name(engine) {
        let town = Town::new(engine).await;
        let resident = Resident::new(1, PLAIN);
        let (_, document) = town.issued("sktm", &resident).await;
        let code = &document.verification_code;
        for typed in [code.clone(), code.to_lowercase(), code.replace('-', ""), code.replace('-', " ")] {
            let found = town.verified(&typed).await;
            assert_eq!((found.state(), found.number.as_str()), (DocumentState::Valid, "400.9/001/1707022002/XI/2026"));
        }
        let found = town.verified(code).await;
        assert_eq!(found.title, "Surat Keterangan Tidak Mampu");
        assert_eq!((found.office.as_str(), found.valid_until.as_str()), ("Desa Air Dingin", "2027-02-22"));
        assert_eq!(found.signers, ["Kepala Desa, Budi Santoso, S.IP."]);
        assert_eq!((found.holder_masked.as_str(), found.sample), ("R***** Z*******", false));
        assert!(found.issue_time.is_some() && found.end_time.is_none());
        let told = format!("{found:?}");
        for secret in ["Rohana", "Zulaikha", &resident.nik, &resident.nik[12..], &resident.family_card] {
            assert!(!told.contains(secret), "{secret} in {told}");
        }
        // Each look is recorded, and no more than that it was looked at.
        assert_eq!(town.journal_of(&document.id).await.iter().filter(|what| *what == "document.verified").count(), 5);
        let mut answers = Vec::new();
        for code in ["0000-0000-0000-0000", "ZZZZ-ZZZZ-ZZZZ-ZZZZ", "0000", "", "<script>", "0000-0000-0000-000U", &document.id, &"0".repeat(500)] {
            let request = GetVerificationRequest { verification_code: code.to_owned() };
            answers.push(town.nobody().get_verification(request).await.expect_err("unknown"));
        }
        assert_eq!(answers[0].code, Code::NotFound);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        // Neither the code that follows an application nor one that only waits verifies anything.
        let waiting = town.applied("sktm", &Resident::new(2, PLAIN)).await;
        town.walk(&waiting.application_id).await;
        let request = GetVerificationRequest { verification_code: waiting.code };
        assert_eq!(town.nobody().get_verification(request).await.expect_err("unknown"), answers[0]);
    }

    /// 22. Verify by uploading the PDF: says intact / changed / not ours / extended after signing.
    async fn line_22_an_uploaded_file_is_valid_extended_altered_or_not_ours(engine) {
        let mut town = Town::new(engine).await;
        let (_, document) = town.issued("sktm", &Resident::new(1, PLAIN)).await;
        let pdf = town.bytes(&document.id, 0).await;
        let judged = town.judged(pdf.clone()).await;
        assert_eq!(judged.verdict(), FileVerdict::Valid);
        assert_eq!(judged.document, Some(town.verified(&document.verification_code).await));
        assert!(judged.signatures.len() == 1 && judged.signatures[0].whole_file && judged.signatures[0].signer.starts_with("Segel"));
        // Something behind it: it is still said which document it was.
        for more in [b"\n% catatan\n".as_slice(), b"\n9 0 obj\n<</A 1>>\nendobj\ntrailer\n<<>>\n%%EOF\n"] {
            let judged = town.judged([pdf.as_slice(), more].concat()).await;
            assert_eq!(judged.verdict(), FileVerdict::Extended, "{:?}", String::from_utf8_lossy(more));
            assert_eq!(judged.document.map(|it| it.number), Some(document.number.clone()));
        }
        // A byte of it, in many places.
        for part in [4, 3, 2] {
            let mut changed = pdf.clone();
            let at = pdf.len() / part;
            changed[at] ^= 1;
            let judged = town.judged(changed).await;
            assert!(matches!(judged.verdict(), FileVerdict::Altered | FileVerdict::NotOurs), "{part}");
            assert!(judged.signatures.iter().all(|it| !it.intact) && judged.document.is_none(), "{part}");
        }
        let mut changed = pdf.clone();
        let at = pdf.windows(14).position(|window| window == b"<pdfaid:part>2").expect("metadata") + 13;
        changed[at] = b'3';
        assert_eq!(town.judged(changed).await.verdict(), FileVerdict::Altered);
        // A draft, a scan, something else, and nothing.
        let draft = town.applied("sktm", &Resident::new(2, PLAIN)).await.application_id;
        let draft = town.reader().get_draft(GetDraftRequest { application: draft }).await.expect("a draft").pdf;
        let elsewhere = Esign::start(Mood::Signs).await;
        let foreign = signed(elsewhere.root(), &draft, &official_nik(1));
        for (other, what) in [(draft.clone(), "unsigned"), (foreign.clone(), "foreign"), (b"%PDF-1.7\n".to_vec(), "broken"), (b"GIF89a".to_vec(), "no PDF")] {
            let judged = town.judged(other).await;
            assert_eq!((judged.verdict(), judged.document), (FileVerdict::NotOurs, None), "{what}");
        }
        for size in [0, (3 << 20) + 1] {
            let refusal = town.nobody().verify_file(VerifyFileRequest { content: vec![b'%'; size] }).await.expect_err("refused");
            assert_eq!(refusal.named(), [("content", "INVALID_LENGTH")]);
        }
        // A looked-up file is a look at the document.
        assert!(town.journal_of(&document.id).await.iter().filter(|what| *what == "document.verified").count() >= 3);
        // Signed under a root that this installation trusts, as every agency's letters are, but issued by another: not ours,
        // whole or extended.
        town.restart(elsewhere.config()).await;
        for other in [foreign.clone(), [foreign.as_slice(), b"\n% catatan\n"].concat()] {
            let judged = town.judged(other).await;
            assert_eq!((judged.verdict(), judged.document), (FileVerdict::NotOurs, None));
        }
        assert_eq!(town.judged(pdf).await.verdict(), FileVerdict::Valid, "what the seal signed stays valid");
    }

    /// 23. Revoke with reason and authority; verify page shows DICABUT at once; webhook sent; file kept.
    async fn line_23_a_revoked_document_says_so_at_once_and_is_kept(engine) {
        let town = Town::new(engine).await;
        let (status, document) = town.issued("sktm", &Resident::new(1, PLAIN)).await;
        let pdf = town.bytes(&document.id, 0).await;
        assert!(town.revoke(&document.id, "salah").await.expect_err("a reason").fields.contains_key("reason"));
        // Authority: the permission, in the area of the office.
        let request = RevokeDocumentRequest { document: document.id.clone(), reason: WHY.to_owned(), ..RevokeDocumentRequest::default() };
        assert_eq!(town.officer(PLAIN).revoke_document(request.clone()).await.expect_err("no authority").code, Code::PermissionDenied);
        assert_eq!(town.head(VILLAGE).revoke_document(request.clone()).await.expect_err("elsewhere").code, Code::NotFound);
        let stale = RevokeDocumentRequest { version: 7, ..request };
        assert_eq!(town.head(PLAIN).revoke_document(stale).await.expect_err("stale").reason, "VERSION_MISMATCH");
        assert_eq!(town.shows(&document).await, DocumentState::Valid);
        town.wait(TimeDelta::hours(1));
        let revoked = town.revoke(&document.id, WHY).await.expect("revoked");
        assert_eq!((revoked.state(), revoked.revoke_reason.as_str(), revoked.version), (DocumentState::Revoked, WHY, 2));
        let page = town.verified(&document.verification_code).await;
        assert_eq!((page.state(), page.end_time.map(|it| it.seconds)), (DocumentState::Revoked, Some(moment("2026-11-23T02:00:00Z").timestamp())));
        assert!(!format!("{page:?}").contains(WHY), "the page does not say why");
        let judged = town.judged(pdf.clone()).await;
        assert_eq!((judged.verdict(), judged.document.expect("ours").state()), (FileVerdict::Valid, DocumentState::Revoked));
        assert_eq!(town.events_of(&document.id).await, ["surat.dicabut"]);
        assert_eq!(town.bytes(&document.id, 0).await, pdf);
        assert_eq!(town.revoke(&document.id, WHY).await.expect_err("once").reason, "NOT_PERMITTED_IN_STATE");
        // Its number stays its own.
        assert!(!town.register(PLAIN, 0).await[0].void);
        assert_eq!(town.status(&status.code).await.state(), ApplicationState::Issued);
    }

    /// 23 and 24. Who looks finds the latest first, and one by its number or code; and is offered what he may do with it.
    async fn line_23_an_official_finds_a_document_and_is_offered_what_he_may_do(engine) {
        let town = Town::new(engine).await;
        let mut issued = Vec::new();
        for (number, area) in (1..).zip([PLAIN, PLAIN, VILLAGE]) {
            issued.push(town.issued("sktm", &Resident::new(number, area)).await.1);
        }
        let list = async |request: ListDocumentsRequest| {
            let found = town.head(PLAIN).list_documents(request).await.expect("a list");
            (found.documents.iter().map(|it| it.id.clone()).collect::<Vec<_>>(), found.next_page_token)
        };
        let newest = ListDocumentsRequest { newest_first: true, page_size: 1, ..ListDocumentsRequest::default() };
        let (first, token) = list(newest.clone()).await;
        let (second, end) = list(ListDocumentsRequest { page_token: token, ..newest }).await;
        assert_eq!([first, second], [[issued[1].id.clone()], [issued[0].id.clone()]]);
        assert!(end.is_empty(), "another village's are not among them");
        let find = |text: &str| ListDocumentsRequest { find: text.to_owned(), ..ListDocumentsRequest::default() };
        let plain = issued[0].verification_code.to_lowercase().replace('-', "");
        for text in [&issued[0].number, &issued[0].verification_code, &plain] {
            assert_eq!(list(find(text)).await.0, [issued[0].id.clone()], "{text}");
        }
        for text in ["400.9/999/1707022002/XI/2026", &issued[2].number, &issued[2].verification_code] {
            assert!(list(find(text)).await.0.is_empty(), "{text}");
        }
        let listed = town.reader().list_documents(ListDocumentsRequest::default()).await.expect("a list").documents;
        for document in &listed {
            let whole = town.document(&document.id).await;
            assert_eq!((&document.sha256, document.signatures), (&whole.sha256, 1));
        }
        let offered = async |person: &Client, id: &str| {
            let request = GetDocumentRequest { document: id.to_owned() };
            person.get_document(request).await.expect("he reads it").document.expect("a document").allowed_verbs
        };
        let head = town.head(PLAIN);
        assert_eq!(offered(&head, &issued[0].id).await, ["REVOKE", "CORRECT", "RENEW"]);
        assert!(offered(&town.reader(), &issued[0].id).await.is_empty());
        let retire = RetireLetterTypeRequest {
            letter_type: "sktm".to_owned(), reason: "diganti jenis lain".to_owned(), ..RetireLetterTypeRequest::default()
        };
        town.editor("ani").retire_letter_type(retire).await.expect("retired");
        assert_eq!(offered(&head, &issued[0].id).await, ["REVOKE", "CORRECT"], "nothing renews it any more");
        town.revoke(&issued[0].id, WHY).await.expect("revoked");
        assert!(offered(&head, &issued[0].id).await.is_empty());
    }

    /// 23 and 36. Letters are revoked and signed at the same time by many: none waits for another for ever.
    async fn line_23_revoking_and_signing_at_once_goes_well(engine) {
        let town = Town::new(engine).await;
        let (mut issued, mut waiting) = (Vec::new(), Vec::new());
        for number in 1..=6 {
            issued.push(town.issued("sktm", &Resident::new(number, PLAIN)).await.1.id);
            let id = town.applied("sktm", &Resident::new(100 + number, PLAIN)).await.application_id;
            waiting.push(town.walk(&id).await.id);
        }
        let head = town.head(PLAIN);
        let revoking = issued.iter().map(|id| town.revoke(id, WHY));
        let signing = waiting.iter().map(|id| head.sign(id));
        let (revoked, signed) =
            futures::join!(futures::future::join_all(revoking), futures::future::join_all(signing));
        for document in revoked {
            assert_eq!(document.expect("revoked").state(), DocumentState::Revoked);
        }
        assert!(signed.iter().all(|result| result.signed), "{signed:?}");
    }

    /// 24. Replace (correction) issues a new document linked to the old, old shows DIGANTIKAN.
    async fn line_24_a_corrected_document_replaces_the_old_one_when_it_is_signed(engine) {
        let town = Town::new(engine).await;
        let (_, old) = town.issued("sktm", &Resident::new(1, PLAIN)).await;
        let mut values = values_of("sktm");
        values.insert("tujuan".to_owned(), json!("SMA Negeri 2 Lebong"));
        let correct = CorrectDocumentRequest {
            document: old.id.clone(),
            values: Some(structure(&values)),
            reason: "nama sekolah keliru".to_owned(),
            ..CorrectDocumentRequest::default()
        };
        assert_eq!(town.head(VILLAGE).correct_document(correct.clone()).await.expect_err("elsewhere").code, Code::NotFound);
        let mut wrong = values.clone();
        wrong.remove("penghasilan");
        let wrong = CorrectDocumentRequest { values: Some(structure(&wrong)), ..correct.clone() };
        assert_eq!(town.head(PLAIN).correct_document(wrong).await.expect_err("a field is missing").named(), [("values.penghasilan", "REQUIRED")]);
        let begun = town.head(PLAIN).correct_document(correct).await.expect("begun").application.expect("an application");
        assert_eq!((begun.state(), begun.subject.as_ref().map(|it| it.name.as_str())), (ApplicationState::InReview, Some("Rohana Zulaikha")));
        town.walk(&begun.id).await;
        assert_eq!((town.shows(&old).await, town.document(&old.id).await.replaced_by), (DocumentState::Valid, String::new()), "until it is signed");
        town.wait(TimeDelta::hours(1));
        let application = town.finish(&begun.id).await;
        let new = town.document(&application.document_id).await;
        let replaced = town.document(&old.id).await;
        assert_eq!((replaced.state(), &replaced.replaced_by, &new.replaces), (DocumentState::Replaced, &new.id, &old.id));
        assert_eq!(replaced.revoke_reason, "nama sekolah keliru");
        assert_eq!((town.shows(&old).await, town.shows(&new).await), (DocumentState::Replaced, DocumentState::Valid));
        assert!(new.number != old.number && new.verification_code != old.verification_code);
        assert!(words(&town.bytes(&new.id, 0).await).contains("SMA Negeri 2 Lebong"));
        // A name is corrected too; where somebody lives is not.
        let subject = Subject { name: "Rohana Zulaiha".to_owned(), area: EASTERN.to_owned(), ..Resident::new(1, PLAIN).subject() };
        let rename = CorrectDocumentRequest {
            document: new.id.clone(),
            values: Some(structure(&values)),
            reason: "nama keliru ditulis".to_owned(),
            subject: Some(subject),
            ..CorrectDocumentRequest::default()
        };
        let wrong = Subject { nik: "123".to_owned(), ..Resident::new(1, PLAIN).subject() };
        let wrong = CorrectDocumentRequest { subject: Some(wrong), ..rename.clone() };
        assert_eq!(town.head(PLAIN).correct_document(wrong).await.expect_err("a number is wrong").named()[0], ("subject.nik", "INVALID_NIK"));
        let renamed = town.head(PLAIN).correct_document(rename).await.expect("begun").application.expect("an application");
        let subject = renamed.subject.clone().expect("a subject");
        assert_eq!((subject.name.as_str(), subject.area.as_str()), ("Rohana Zulaiha", PLAIN));
        town.head(PLAIN).send_back(&renamed.id, "belum jadi diperbaiki").await.expect_err("it is not his step");
        town.officer(PLAIN).reject(&renamed.id, "nama sudah benar semula").await.expect("rejected");
        assert!(words(&town.bytes(&old.id, 0).await).contains("SMP Negeri 1 Rimbo Pengadang"), "every version is kept");
        assert_eq!(town.events_of(&old.id).await, ["surat.digantikan"]);
        // What was replaced is corrected no more; what replaced it is renewed with the values it has.
        let again = RenewDocumentRequest { document: old.id.clone(), ..RenewDocumentRequest::default() };
        assert_eq!(town.head(PLAIN).renew_document(again).await.expect_err("replaced").reason, "NOT_PERMITTED_IN_STATE");
        let renew = RenewDocumentRequest { document: new.id.clone(), ..RenewDocumentRequest::default() };
        let renewed = town.head(PLAIN).renew_document(renew).await.expect("begun").application.expect("an application");
        assert_eq!(renewed.values, application.values);
        // One that is given up replaces nothing.
        town.officer(PLAIN).reject(&renewed.id, "tidak jadi diperpanjang").await.expect("rejected");
        assert_eq!(town.shows(&new).await, DocumentState::Valid);
    }

    /// 24. A wrong name in a letter is corrected also where its type is retired or has another version: by the version that the letter
    /// was made by. A renewal follows the type as it is now, and there is none.
    async fn line_24_a_document_of_a_retired_type_is_corrected_by_its_own_version(engine) {
        let town = Town::new(engine).await;
        let offer = async |sentence: &str| {
            let draft = town.save("ani", &definition("uji"), &template(sentence)).await.expect("saved");
            town.publish("budi", &draft).await.expect("published");
        };
        offer("Kalimat versi satu.").await;
        let mut wish = town.wish("sktm", &Resident::new(1, PLAIN)).await;
        wish.letter_type = "uji".to_owned();
        let first = town.submit(wish.clone()).await;
        let old = town.document(&town.finish(&first.application_id).await.document_id).await;
        offer("Kalimat versi dua.").await;
        let retire = RetireLetterTypeRequest {
            letter_type: "uji".to_owned(), reason: "diganti jenis lain".to_owned(), ..RetireLetterTypeRequest::default()
        };
        let correct = async |document: &Document, name: &str| {
            let subject = Subject { name: name.to_owned(), ..Resident::new(1, PLAIN).subject() };
            let request = CorrectDocumentRequest {
                document: document.id.clone(), values: wish.values.clone(), subject: Some(subject), reason: "nama keliru ditulis".to_owned(), ..Default::default()
            };
            let begun = town.head(PLAIN).correct_document(request).await.expect("begun").application.expect("an application");
            assert_eq!(begun.letter_type_version, 1);
            let new = town.document(&town.finish(&begun.id).await.document_id).await;
            let text = words(&town.bytes(&new.id, 0).await);
            assert!(text.contains(name) && text.contains("versi satu") && !text.contains("versi dua"), "{text}");
            assert_eq!(town.shows(document).await, DocumentState::Replaced);
            new
        };
        // While a newer version is in force, and when none is.
        let second = correct(&old, "Rohana Zulaiha").await;
        town.editor("ani").retire_letter_type(retire).await.expect("retired");
        let third = correct(&second, "Rohana Zulaikhah").await;
        let renew = RenewDocumentRequest { document: third.id.clone(), ..RenewDocumentRequest::default() };
        assert_eq!(town.head(PLAIN).renew_document(renew).await.expect_err("it is not offered").code, Code::NotFound);
        assert_eq!(town.shows(&third).await, DocumentState::Valid);
    }

    /// 24. What is to replace a document that ended meanwhile is refused before it is signed, and loses no signature.
    async fn line_24_a_document_is_replaced_once(engine) {
        let town = Town::new(engine).await;
        let (_, old) = town.issued("sktm", &Resident::new(1, PLAIN)).await;
        let head = town.head(PLAIN);
        let begin = async |document: &Document| {
            let request = RenewDocumentRequest { document: document.id.clone(), ..RenewDocumentRequest::default() };
            let begun = head.renew_document(request).await.expect("begun").application.expect("an application");
            town.walk(&begun.id).await.id
        };
        let (first, second) = (begin(&old).await, begin(&old).await);
        let new = town.document(&town.finish(&first).await.document_id).await;
        let result = head.sign(&second).await;
        assert_eq!((result.signed, result.reason.as_str()), (false, "NOT_PERMITTED_IN_STATE"));
        assert!(result.message.contains("DIGANTIKAN"), "{}", result.message);
        assert_eq!(town.seen(&second).await.state(), ApplicationState::AwaitingSignature, "it hangs nowhere");
        assert_eq!(town.document(&old.id).await.replaced_by, new.id);
        head.reject(&second, "sudah digantikan dokumen lain").await.expect("given up");
        let third = begin(&new).await;
        town.revoke(&new.id, WHY).await.expect("revoked");
        let result = head.sign(&third).await;
        assert!(!result.signed && result.message.contains("DICABUT"), "{result:?}");
        assert_eq!((town.seen(&third).await.state(), town.shows(&new).await), (ApplicationState::AwaitingSignature, DocumentState::Revoked));
    }

    /// 25. Expiry by validity rule; verify shows KEDALUWARSA the day after, by the date of the office.
    async fn line_25_a_document_expires_the_day_after_its_last_by_the_date_of_its_office(engine) {
        let town = Town::new(engine).await;
        let (_, west) = town.issued("kehilangan", &Resident::new(1, PLAIN)).await;
        let (_, east) = town.issued("kehilangan", &Resident::new(2, EASTERN)).await;
        assert_eq!([west.valid_until.as_str(), east.valid_until.as_str()], ["2026-12-06"; 2], "14 days, the first of which is that of issue");
        // The last minute in the east.
        town.set("2026-12-06T14:59:59Z");
        assert_eq!([town.shows(&west).await, town.shows(&east).await], [DocumentState::Valid; 2]);
        town.sweep().await;
        assert_eq!(town.document(&east.id).await.version, 1);
        // Midnight there, 22:00 in the west: said at once, not only after somebody has swept.
        town.set("2026-12-06T15:00:00Z");
        assert_eq!([town.shows(&west).await, town.shows(&east).await], [DocumentState::Valid, DocumentState::Expired]);
        let listed = town.reader().list_documents(ListDocumentsRequest::default()).await.expect("a list").documents;
        assert_eq!(listed.iter().map(Document::state).collect::<Vec<_>>(), [DocumentState::Valid, DocumentState::Expired]);
        town.sweep().await;
        town.sweep().await;
        assert_eq!([town.document(&west.id).await.version, town.document(&east.id).await.version], [1, 2]);
        assert_eq!([town.events_of(&west.id).await, town.events_of(&east.id).await], [vec![], vec!["surat.kedaluwarsa".to_owned()]]);
        town.set("2026-12-06T16:59:59Z");
        assert_eq!(town.shows(&west).await, DocumentState::Valid);
        town.set("2026-12-06T17:00:00Z");
        assert_eq!(town.shows(&west).await, DocumentState::Expired);
        town.sweep().await;
        assert_eq!((town.document(&west.id).await.state(), town.shows(&west).await), (DocumentState::Expired, DocumentState::Expired));
        // Expired is not forged: the file is still ours, and says that its time is over.
        let judged = town.judged(town.bytes(&west.id, 0).await).await;
        assert_eq!((judged.verdict(), judged.document.expect("ours").state()), (FileVerdict::Valid, DocumentState::Expired));
    }

    /// 25. That its last day is over since the page was read refuses no press; what somebody did meanwhile does.
    async fn line_25_time_alone_outdates_no_decision(engine) {
        let town = Town::new(engine).await;
        let (_, shown) = town.issued("kehilangan", &Resident::new(1, PLAIN)).await;
        town.set("2026-12-07T01:00:00Z");
        town.sweep().await;
        let expired = town.document(&shown.id).await;
        assert_eq!((expired.state(), expired.version), (DocumentState::Expired, shown.version + 1));
        let head = town.head(PLAIN);
        let renew = |version: u32| RenewDocumentRequest { document: shown.id.clone(), version, ..RenewDocumentRequest::default() };
        assert_eq!(head.renew_document(renew(expired.version + 1)).await.expect_err("no such version").reason, "VERSION_MISMATCH");
        head.renew_document(renew(shown.version)).await.expect("begun");
        let revoke = |version: u32| RevokeDocumentRequest {
            document: shown.id.clone(), version, reason: WHY.to_owned(), ..RevokeDocumentRequest::default()
        };
        head.revoke_document(revoke(shown.version)).await.expect("revoked");
        for before in [shown.version, expired.version] {
            assert_eq!(head.revoke_document(revoke(before)).await.expect_err("it was revoked since").reason, "VERSION_MISMATCH");
        }
    }

    /// 26. Four digits protect nothing where nobody counts: after five wrong ones there is no link for a while, also for the right
    /// ones, and each try is recorded.
    async fn line_26_wrong_digits_are_counted_and_recorded(engine) {
        let town = Town::new(engine).await;
        let (status, document) = town.issued("sktm", &Resident::new(1234, PLAIN)).await;
        let ask = async |digits: &str| {
            let request = CreateDownloadLinkRequest { code: status.code.clone(), nik_last4: digits.to_owned() };
            town.nobody().create_download_link(request).await.map_err(|refusal| refusal.reason)
        };
        // Many at once are counted like one after another.
        let guesses: Vec<_> = (0..8).map(|guess| format!("000{guess}")).collect();
        let answers = futures::future::join_all(guesses.iter().map(|guess| ask(guess))).await;
        let refused = |reason: &str| answers.iter().filter(|it| it.as_ref().err().is_some_and(|it| it == reason)).count();
        assert_eq!((refused("NIK_DIFFERS"), refused("TOO_MANY_TRIES")), (5, 3), "{answers:?}");
        assert_eq!(ask("1234").await.expect_err("not now"), "TOO_MANY_TRIES");
        town.wait(TimeDelta::minutes(16));
        ask("1234").await.expect("a link");
        let looks = town.journal_of(&document.id).await;
        assert_eq!(looks.iter().filter(|what| *what == "document.link_refused").count(), 5);
        assert_eq!(looks.iter().filter(|what| *what == "document.link_made").count(), 1);
    }

    /// 26. However often a document is looked at, wrong digits of late are found and counted.
    async fn line_26_many_looks_hide_no_wrong_digits(engine) {
        let town = Town::new(engine).await;
        let (status, document) = town.issued("sktm", &Resident::new(1234, PLAIN)).await;
        let ask = async |digits: &str| {
            let request = CreateDownloadLinkRequest { code: status.code.clone(), nik_last4: digits.to_owned() };
            town.nobody().create_download_link(request).await.map_err(|refusal| refusal.reason)
        };
        // As many looks as the service once read to count, and some more. Its chain of hashes is of no matter here.
        let looks = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100010) \
             INSERT INTO journal (seq, at, who, what, subject, detail, request_id, trace_id, prev_hash, hash) \
             SELECT 1000 + i, (SELECT MIN(at) FROM journal), 'public', 'document.verified', '{}', '{{}}', '', '', \
             (SELECT hash FROM journal WHERE seq = 1), (SELECT hash FROM journal WHERE seq = 1) FROM n",
            document.id
        );
        town.db.db.write.execute_unprepared(&looks).await.expect("looks");
        for guess in 0..5 {
            assert_eq!(ask(&format!("000{guess}")).await.expect_err("wrong"), "NIK_DIFFERS");
        }
        assert_eq!(ask("0005").await.expect_err("one too many"), "TOO_MANY_TRIES");
        assert_eq!(ask("1234").await.expect_err("not now"), "TOO_MANY_TRIES");
    }

    /// 26. A letter whose application holds no number is opened by no digits, the empty ones least of all.
    async fn line_26_a_letter_without_a_number_is_not_opened_by_empty_digits(engine) {
        let town = Town::new(engine).await;
        let without = |text: &str| text.replace("\"nik\", \"kk\", \"nama\"", "\"nama\"").replace(", nik = \"nik\"", "");
        let text = template("Kalimat.").lines().filter(|line| !line.contains("fields.nik") && !line.contains("fields.kk")).collect::<Vec<_>>().join("\n");
        let draft = town.save("ani", &without(&definition("uji")), &text).await.expect("saved");
        town.publish("budi", &draft).await.expect("published");
        let mut wish = town.wish("sktm", &Resident::new(1, PLAIN)).await;
        wish.letter_type = "uji".to_owned();
        let subject = wish.subject.get_or_insert_default();
        subject.nik.clear();
        subject.family_card.clear();
        let status = town.submit(wish).await;
        town.finish(&status.application_id).await;
        for digits in ["", " ", "0000"] {
            let request = CreateDownloadLinkRequest { code: status.code.clone(), nik_last4: digits.to_owned() };
            let refusal = town.nobody().create_download_link(request).await.expect_err("not for the code alone");
            assert_eq!(refusal.what(), (Code::FailedPrecondition, "NO_NIK"), "{digits}");
        }
    }

    /// 26. Holder downloads his signed letter, any number of times, each download logged.
    async fn line_26_the_holder_downloads_by_a_short_lived_link(engine) {
        let town = Town::new(engine).await;
        let resident = Resident::new(1234, PLAIN);
        let status = town.applied("sktm", &resident).await;
        let link = CreateDownloadLinkRequest { code: status.code.clone(), nik_last4: "1234".to_owned() };
        assert_eq!(town.nobody().create_download_link(link.clone()).await.expect_err("too early").reason, "NOT_ISSUED");
        let application = town.finish(&status.application_id).await;
        for wrong in ["", "4321", "234", "01234"] {
            let request = CreateDownloadLinkRequest { nik_last4: wrong.to_owned(), ..link.clone() };
            let refusal = town.nobody().create_download_link(request).await.expect_err("not the holder");
            assert_eq!(refusal.what(), (Code::PermissionDenied, "NIK_DIFFERS"), "{wrong}");
        }
        let other = CreateDownloadLinkRequest { code: "0000-0000-0000-0000".to_owned(), ..link.clone() };
        assert_eq!(town.nobody().create_download_link(other).await.expect_err("unknown").code, Code::NotFound);
        let answer = town.nobody().create_download_link(link.clone()).await.expect("a link");
        let token = answer.path.strip_prefix("/berkas/").expect("a path").to_owned();
        assert!(!token.contains(&resident.nik) && !token.contains(&status.code) && !token.contains(&application.document_id));
        let expected = town.bytes(&application.document_id, 0).await;
        let open = OpenFileLinkRequest { token: token.clone() };
        for _ in 0..3 {
            let file = town.nobody().open_file_link(open.clone()).await.expect("a file");
            assert_eq!((&file.content, file.media_type.as_str()), (&expected, "application/pdf"));
            assert!(file.file_name.ends_with(".pdf") && !file.file_name.contains("Rohana"), "{}", file.file_name);
        }
        let looks = town.journal_of(&application.document_id).await;
        assert_eq!(looks.iter().filter(|what| *what == "document.downloaded").count(), 4, "three times by the link, once by the reader");
        assert_eq!(looks.iter().filter(|what| *what == "document.link_made").count(), 1);
        // Changed, shortened, or over.
        let mut changed = token.clone().into_bytes();
        changed[20] = if changed[20] == b'A' { b'B' } else { b'A' };
        for wrong in [String::from_utf8(changed).expect("text"), token[..token.len() - 4].to_owned(), String::new()] {
            let refusal = town.nobody().open_file_link(OpenFileLinkRequest { token: wrong }).await.expect_err("refused");
            assert_eq!(refusal.code, Code::NotFound);
        }
        town.wait(TimeDelta::minutes(10) - TimeDelta::seconds(1));
        town.nobody().open_file_link(open.clone()).await.expect("it still lives");
        town.wait(TimeDelta::seconds(1));
        assert_eq!(town.nobody().open_file_link(open).await.expect_err("over").code, Code::NotFound);
        town.nobody().create_download_link(link).await.expect("another one");
    }

    /// 44. The paper is given to somebody: who collected it is kept, not told.
    async fn should_44_the_paper_is_handed_over_once(engine) {
        let town = Town::new(engine).await;
        let (status, document) = town.issued("kehilangan", &Resident::new(1, RT)).await;
        let request = HandOverApplicationRequest {
            application: document.application_id.clone(),
            collector: "Bambang Pengambil".to_owned(),
            copies: 2,
            ..HandOverApplicationRequest::default()
        };
        for (wrong, field) in [
            (HandOverApplicationRequest { collector: String::new(), ..request.clone() }, "collector"),
            (HandOverApplicationRequest { copies: 0, ..request.clone() }, "copies"),
        ] {
            let refusal = town.officer(VILLAGE).hand_over_application(wrong).await.expect_err("refused");
            assert_eq!(refusal.fields.keys().collect::<Vec<_>>(), [field]);
        }
        let done = town.officer(VILLAGE).hand_over_application(request.clone()).await.expect("given").application.expect("an application");
        assert_eq!(done.state(), ApplicationState::HandedOver);
        assert_eq!(town.officer(VILLAGE).hand_over_application(request).await.expect_err("once").reason, "NOT_PERMITTED_IN_STATE");
        let told = town.status(&status.code).await;
        assert_eq!(told.state(), ApplicationState::HandedOver);
        assert!(!format!("{told:?}{:?}", town.verified(&document.verification_code).await).contains("Bambang"));
        assert_eq!(town.events_of(&document.application_id).await.last().map(String::as_str), Some("surat.diserahkan"));
        // The holder still has it on his phone.
        let link = CreateDownloadLinkRequest { code: status.code, nik_last4: "0001".to_owned() };
        town.nobody().create_download_link(link).await.expect("a link");
        let mut wish = town.wish("kehilangan", &Resident::new(2, RT)).await;
        put(&mut wish, "pekerjaan", json!("Nelayan"));
        town.submit(wish).await;
    }
}

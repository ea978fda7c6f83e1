//! Lines 15, 18 to 20, 27, 36: what a signed letter is, and that none is believed to be signed that is not.

use std::time::Duration;

use chrono::TimeDelta;
use mpp_documents::{Config, SigningConfig};
use mpp_kit::testing::{Engine, qr_codes, s3};
use mpp_proto::documents::v1::*;
use tonic::Code;

use super::catalogue::{definition, template};
use super::esign::{CODE, Esign, Mood};
use super::paper::{fonts_are_embedded, holds, is_preview, signatures, words};
use super::town::{
    BASE_URL, Client, PASSPHRASE, PLAIN, RT, Resident, SUB_DISTRICT, Town, VILLAGE, history, office,
    official_nik, structure, values_of,
};

impl Town {
    /// An application that waits for the signature of a village head.
    async fn awaiting(&self, number: u32) -> Application {
        let id = self.applied("sktm", &Resident::new(number, PLAIN)).await.application_id;
        let application = self.walk(&id).await;
        assert_eq!(application.state(), ApplicationState::AwaitingSignature);
        application
    }

    /// Whether a letter still waits, with the number and content it had.
    async fn still_waits(&self, before: &Application) -> Application {
        let after = self.seen(&before.id).await;
        assert_eq!(after.state(), ApplicationState::AwaitingSignature);
        assert_eq!((&after.numbers, &after.content_hash), (&before.numbers, &before.content_hash));
        assert!(after.document_id.is_empty());
        after
    }
}

async fn refused(head: &Client, id: &str) -> (String, String) {
    let result = head.sign(id).await;
    assert!(!result.signed);
    (result.reason, result.message)
}

lines! {
    /// 15. Output is PDF/A with embedded fonts, QR, code, classification, letterhead.
    async fn line_15_a_letter_is_whole_and_kept_for_long(engine) {
        let town = Town::new(engine).await;
        let (status, document) = town.issued("sktm", &Resident::new(1, RT)).await;
        let pdf = town.bytes(&document.id, 0).await;
        assert!(holds(&pdf, "<pdfaid:part>2</pdfaid:part>") && holds(&pdf, "<pdfaid:conformance>A</pdfaid:conformance>"));
        let fonts = fonts_are_embedded(&pdf);
        assert!(!fonts.is_empty() && fonts.iter().all(|embedded| *embedded), "{fonts:?}");
        let text = words(&pdf);
        for expected in [
            "PEMERINTAH KABUPATEN LEBONG",
            "DESA UJUNG TANJUNG",
            "SURAT KETERANGAN TIDAK MAMPU",
            "Nomor: 400.9/001/1707022001/XI/2026",
            "Rohana Zulaikha",
            "1707026602920001",
            "Kecamatan Rimbo Pengadang",
            "Kabupaten Lebong",
            "23 November 2026",
            "Surat ini berlaku sampai dengan 22 Februari 2027",
            "KEPALA DESA",
            "Budi Santoso, S.IP.",
            "Ditandatangani secara elektronik",
            document.verification_code.as_str(),
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        // The address in the QR, as it stands in the footer; words may break there.
        let squeezed = text.replace(' ', "");
        let address = format!("{}/s/{}", BASE_URL.trim_start_matches("https://"), document.verification_code);
        assert!(squeezed.contains(&address), "{address} in {text}");
        assert!(!is_preview(&pdf) && !text.contains("CONTOH"), "{text}");
        assert_eq!(document.number, "400.9/001/1707022001/XI/2026");
        assert_eq!((status.state(), status.verification_code), (ApplicationState::Issued, document.verification_code.clone()));
        let said = signatures(&pdf);
        assert!(said.contains("Signature is Valid") && said.contains("Total document signed"), "{said}");
        // A sample says so.
        let mut town = town;
        town.restart(SigningConfig { sample: true, ..SigningConfig::default() }).await;
        let (_, document) = town.issued("kehilangan", &Resident::new(2, RT)).await;
        let text = words(&town.bytes(&document.id, 0).await);
        assert!(text.contains("BUKAN DOKUMEN RESMI"), "{text}");
        assert!(town.verified(&document.verification_code).await.sample);
    }

    /// 15. Who reads the code on the page with a telephone comes to its verification: of a letter with one signature, and of one that
    /// the sub-district has signed too.
    async fn line_15_the_code_on_the_page_leads_to_its_verification(engine) {
        let town = Town::new(engine).await;
        for (number, with_optional_steps) in [(1, false), (2, true)] {
            let mut wish = town.wish("sktm", &Resident::new(number, VILLAGE)).await;
            wish.with_optional_steps = with_optional_steps;
            let status = town.submit(wish).await;
            let issued = town.finish(&status.application_id).await;
            let document = town.document(&issued.document_id).await;
            assert_eq!(document.signatures, if with_optional_steps { 2 } else { 1 });
            let codes = qr_codes(&town.bytes(&document.id, 0).await);
            let [address] = codes.as_slice() else { panic!("one code on one page: {codes:?}") };
            let code = address.strip_prefix(&format!("{BASE_URL}/s/")).expect("the address of the page");
            assert_eq!(code, document.verification_code);
            let found = town.verified(code).await;
            assert_eq!((found.number.as_str(), found.state()), (document.number.as_str(), DocumentState::Valid));
        }
        // Before it is signed a letter has no code, whatever is printed of it.
        let waiting = town.applied("sktm", &Resident::new(3, VILLAGE)).await;
        let draft = town.reader().get_draft(GetDraftRequest { application: waiting.application_id }).await.expect("a draft");
        assert_eq!(qr_codes(&draft.pdf), Vec::<String>::new());
    }

    /// 15. What is kept in a bucket is what is kept in a folder: the papers, the sheet that is signed, the letter and the seal.
    async fn line_15_letters_are_issued_from_a_bucket_as_from_a_folder(engine) {
        let s3 = s3().await;
        let files = s3.bucket().await;
        let bucket = files.bucket.clone();
        let mut town = Town::configured(engine, Config { files, ..Config::default() }).await;
        let (_, first) = town.issued("sktm", &Resident::new(1, RT)).await;
        let pdf = town.bytes(&first.id, 0).await;
        assert_eq!(town.judged(pdf.clone()).await.verdict(), FileVerdict::Valid);
        assert!(!town.files().exists(), "nothing lies in a folder");
        let keys = s3.keys(&bucket).await;
        assert!(keys.len() >= 3, "{keys:?}");
        for key in &keys {
            let kept = s3.get(&bucket, key).await.expect("it is there");
            assert!(!kept.windows(5).any(|it| it == b"%PDF-"), "{key} is kept as it is");
        }
        // The next process finds the letter, and the seal that signed it.
        town.restart(town.config.signing.clone()).await;
        assert_eq!(town.bytes(&first.id, 0).await, pdf);
        let (_, second) = town.issued("sktm", &Resident::new(2, RT)).await;
        assert_eq!(town.judged(town.bytes(&second.id, 0).await).await.verdict(), FileVerdict::Valid);
        assert_eq!(town.judged(pdf).await.verdict(), FileVerdict::Valid);
    }

    /// 15. The classification of archives stands in every letter: in its number, or where the format has no place for it, above the
    /// title; and who may read it, where the type says so.
    async fn line_15_a_letter_bears_its_classification(engine) {
        let town = Town::new(engine).await;
        let printed = async |key: &str, definition: String| {
            let draft = town.save("ani", &definition, &template("Kalimat.")).await.expect("saved");
            assert_eq!(draft.defects, Vec::<String>::new());
            town.publish("budi", &draft).await.expect("published");
            let mut wish = town.wish("sktm", &Resident::new(1, PLAIN)).await;
            wish.letter_type = key.to_owned();
            let id = town.submit(wish).await.application_id;
            let document = town.document(&town.finish(&id).await.document_id).await;
            (document.number, words(&town.bytes(&document.id, 0).await))
        };
        let (number, text) = printed("biasa", definition("biasa")).await;
        assert!(number.starts_with("400.9/") && !text.contains("Klasifikasi") && !text.contains("Sifat:"), "{text}");
        let own = definition("tertutup")
            .replace("format = \"[kode_klasifikasi]/", "format = \"[kode_surat]/")
            .replace("version = 1\n", "version = 1\nsensitivity = \"RESTRICTED\"\n");
        let (number, text) = printed("tertutup", own).await;
        assert!(number.starts_with("UJI/"), "{number}");
        assert!(text.contains("Sifat: Terbatas · Klasifikasi: 400.9"), "{text}");
    }

    /// 15. A letter carries the coat of arms of its office, or of what that is part of, as it was when it was handed in; and
    /// without any it carries nobody's.
    async fn line_15_a_letter_keeps_the_coat_of_arms_that_it_was_handed_in_with(engine) {
        let mut town = Town::new(engine).await;
        let draft = async |town: &Town, id: &str| {
            let request = GetDraftRequest { application: id.to_owned() };
            town.reader().get_draft(request).await.expect("a draft").pdf
        };
        let admin = town.admin();
        let apply = async |area: &str, content: &[u8]| {
            let request = ApplyCoatOfArmsRequest { request_id: String::new(), area: area.to_owned(), content: content.to_vec() };
            admin.apply_coat_of_arms(request).await.map(|answer| answer.coat_of_arms)
        };
        let drawing = |colour: &str| format!(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 90 90'><path fill='{colour}' d='M10 10h70v40q0 20-35 35-35-15-35-35z'/></svg>"
        ).into_bytes();
        let wish = town.wish("sktm", &Resident::new(1, PLAIN)).await;
        let bare = town.submit(wish.clone()).await;
        let without = draft(&town, &bare.application_id).await;
        let hash = town.seen(&bare.application_id).await.content_hash;

        // Of the regency, for everything in it.
        let (green, red) = (drawing("#146"), drawing("#c22"));
        let regency = apply("17.07", &green).await.expect("taken").expect("arms");
        assert_eq!((regency.area.as_str(), regency.media_type.as_str(), regency.size), ("17.07", "image/svg+xml", green.len() as i64));
        assert_eq!(draft(&town, &bare.application_id).await, without, "what was handed in before has none");
        // Nor has it any when it is handed in again: unchanged, it is the same content, and what was approved of it holds.
        town.officer(PLAIN).send_back(&bare.application_id, "lengkapi foto rumah tampak depan").await.expect("returned");
        let again = ResubmitApplicationRequest {
            request_id: String::new(),
            code: bare.code.clone(),
            values: wish.values.clone(),
            attachments: wish.attachments.clone(),
            ..ResubmitApplicationRequest::default()
        };
        town.nobody().resubmit_application(again).await.expect("handed in again");
        assert_eq!(town.seen(&bare.application_id).await.content_hash, hash);
        let first = town.applied("sktm", &Resident::new(1, PLAIN)).await.application_id;
        let with_green = draft(&town, &first).await;
        assert_ne!(with_green, without);
        assert_ne!(town.seen(&first).await.content_hash, hash, "whoever signs, signs these arms");

        // Of the village itself, which goes before; and letters keep what they have, through a restart and the signature.
        let own = apply(PLAIN, &red).await.expect("taken").expect("arms");
        let second = town.applied("sktm", &Resident::new(1, PLAIN)).await.application_id;
        assert_ne!(draft(&town, &second).await, with_green);
        assert_eq!(draft(&town, &first).await, with_green);
        town.restart(SigningConfig::default()).await;
        assert_eq!(draft(&town, &first).await, with_green);
        let listed = town.nobody().list_offices(ListOfficesRequest::default()).await.expect("a list").offices;
        let arms = |area: &str| listed.iter().find(|it| it.area == area).and_then(|it| it.coat_of_arms.clone());
        assert_eq!([arms(PLAIN), arms(VILLAGE), arms(SUB_DISTRICT), arms("17.07/dinkes")], [Some(own.clone()), Some(regency.clone()), Some(regency.clone()), Some(regency.clone())]);

        // Taken away: what it is part of has stands there again.
        let admin = town.admin();
        let apply = async |area: &str, content: &[u8]| {
            let request = ApplyCoatOfArmsRequest { request_id: String::new(), area: area.to_owned(), content: content.to_vec() };
            admin.apply_coat_of_arms(request).await.map(|answer| answer.coat_of_arms)
        };
        assert_eq!(apply(PLAIN, b"").await.expect("taken away"), Some(regency.clone()));
        assert_eq!(apply("17.07", b"").await.expect("taken away"), None);
        let third = town.applied("sktm", &Resident::new(1, PLAIN)).await.application_id;
        assert_eq!(draft(&town, &third).await, without, "the same letter as before there were any");
        let get = |area: &str| GetCoatOfArmsRequest { area: area.to_owned() };
        assert_eq!(town.admin().get_coat_of_arms(get(PLAIN)).await.expect("an answer"), GetCoatOfArmsResponse::default());

        // The letter is signed with the arms that it was frozen with, and is PDF/A with them.
        let letter = town.walk(&second).await;
        assert!(town.head(PLAIN).sign(&letter.id).await.signed);
        let pdf = town.bytes(&town.seen(&second).await.document_id, 0).await;
        assert!(holds(&pdf, "<pdfaid:part>2</pdfaid:part>") && signatures(&pdf).contains("Signature is Valid"));
        assert_eq!(town.judged(pdf).await.verdict(), FileVerdict::Valid);
    }

    /// 11. What the letter says of its offices is frozen with the rest: whoever signs later, after an office moved and was renamed,
    /// signs what was handed in and approved.
    async fn line_11_a_letter_says_of_its_offices_what_they_were_when_it_was_handed_in(engine) {
        let mut town = Town::new(engine).await;
        let wish = async |town: &Town| SubmitApplicationRequest {
            with_optional_steps: true,
            ..town.wish("sktm", &Resident::new(1, PLAIN)).await
        };
        let first = wish(&town).await;
        let returned = town.submit(first.clone()).await;
        let id = town.submit(wish(&town).await).await.application_id;
        let before = town.walk(&id).await;
        let draft = async |town: &Town, id: &str| {
            let request = GetDraftRequest { application: id.to_owned() };
            town.reader().get_draft(request).await.expect("a draft")
        };
        let approved = draft(&town, &id).await;

        // Another regency, another name, another place and address; and the sub-district is renamed too.
        let moved = Office {
            name: "Desa Air Panas".to_owned(),
            letterhead: vec!["Pemerintah Kabupaten Rejang".to_owned(), "Desa Air Panas".to_owned()],
            address: "Jalan Baru Nomor 9, telepon 0738 21999".to_owned(),
            place: "Curup".to_owned(),
            ..office(PLAIN)
        };
        town.apply(moved).await;
        town.apply(Office { name: "Kecamatan Seberang".to_owned(), ..office(SUB_DISTRICT) }).await;
        town.restart(SigningConfig::default()).await;
        assert_eq!(draft(&town, &id).await, approved, "the same bytes under the same hash");
        assert_eq!(town.seen(&id).await.content_hash, before.content_hash);

        // Handed in again unchanged, it is the same content, and what was approved of it holds.
        let hash = town.seen(&returned.application_id).await.content_hash;
        town.officer(PLAIN).send_back(&returned.application_id, "lengkapi foto rumah tampak depan").await.expect("returned");
        let again = ResubmitApplicationRequest {
            request_id: String::new(),
            code: returned.code.clone(),
            values: first.values,
            attachments: first.attachments,
            subject: None,
        };
        town.nobody().resubmit_application(again).await.expect("handed in again");
        assert_eq!(town.seen(&returned.application_id).await.content_hash, hash);
        assert_eq!(draft(&town, &returned.application_id).await.pdf, approved.pdf);

        // Signed: the letter, and what anybody is told of it.
        let application = town.finish(&id).await;
        let document = town.document(&application.document_id).await;
        let text = words(&town.bytes(&document.id, 1).await);
        let old = [
            "PEMERINTAH KABUPATEN LEBONG",
            "DESA AIR DINGIN",
            "Jalan Lintas Curup",
            "Kabupaten Lebong",
            "Kecamatan Rimbo Pengadang",
            "Rimbo Pengadang, 23 November 2026",
        ];
        for expected in old {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        for new in ["AIR PANAS", "REJANG", "Rejang", "Jalan Baru", "0738 21999", "Seberang"] {
            assert!(!text.contains(new), "{new} in {text}");
        }
        let told = town.verified(&document.verification_code).await;
        assert_eq!(told.office, "Desa Air Dingin");
        assert_eq!(told.registrations.iter().map(|it| it.office.as_str()).collect::<Vec<_>>(), ["Kecamatan Rimbo Pengadang"]);

        // What is handed in from now on says what is so now.
        let later = town.submit(wish(&town).await).await.application_id;
        let text = words(&draft(&town, &later).await.pdf);
        for expected in ["PEMERINTAH KABUPATEN REJANG", "DESA AIR PANAS", "Jalan Baru Nomor 9", "Kecamatan Seberang"] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
    }

    /// 15. Who sets up an office sets its coat of arms, once for a request, and nothing that is none.
    async fn line_15_a_coat_of_arms_is_set_by_who_sets_up_the_office(engine) {
        let town = Town::new(engine).await;
        let drawing = b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><circle r='4' cx='4' cy='4'/></svg>".to_vec();
        let request = |area: &str, content: &[u8]| ApplyCoatOfArmsRequest {
            request_id: "arms-1".to_owned(), area: area.to_owned(), content: content.to_vec(),
        };
        let bounded = town.person("acc_bounded", &["documents.office"], &[SUB_DISTRICT]);
        for person in [&town.head(PLAIN), &bounded] {
            let refused = person.apply_coat_of_arms(request("17.07", &drawing)).await.expect_err("not his");
            assert_eq!(refused.code, Code::PermissionDenied, "{}", person.sub);
            let read = GetCoatOfArmsRequest { area: "17.07".to_owned() };
            assert_eq!(person.get_coat_of_arms(read).await.expect_err("not his").code, Code::PermissionDenied);
        }
        let first = bounded.apply_coat_of_arms(request(PLAIN, &drawing)).await.expect("taken");
        assert_eq!(bounded.apply_coat_of_arms(request(PLAIN, &drawing)).await.expect("again"), first, "once");
        // Another one under the same id is refused, and leaves no file behind, as the repetition left none.
        let other = String::from_utf8(drawing.clone()).expect("a text").replace("'4'", "'3'").into_bytes();
        let files = town.stored();
        assert_eq!(bounded.apply_coat_of_arms(request(PLAIN, &other)).await.expect_err("another").reason, "REQUEST_ID_REUSED");
        assert_eq!(bounded.apply_coat_of_arms(request(PLAIN, &drawing)).await.expect("again"), first);
        assert_eq!(town.stored(), files);
        let found = bounded.get_coat_of_arms(GetCoatOfArmsRequest { area: PLAIN.to_owned() }).await.expect("an answer");
        assert_eq!((found.coat_of_arms, found.content), (first.coat_of_arms.clone(), drawing.clone()));
        for (content, reason) in [
            (&b"GIF89a"[..], "INVALID_TYPE"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "PART_NOT_PERMITTED"),
            // Sound by its first bytes, and nothing that can be drawn.
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x02\0\0\0", "NOT_DRAWABLE"),
            (b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><g/></svg>", "NOT_DRAWABLE"),
        ] {
            let refused = town.admin().apply_coat_of_arms(ApplyCoatOfArmsRequest { request_id: String::new(), ..request(PLAIN, content) }).await;
            let refused = refused.expect_err("none");
            assert_eq!(refused.fields.get("content").map(String::as_str), Some(reason), "{refused:?}");
        }
        for area in ["", "17.7", "17.07.05/dinkes", "../17.07"] {
            let refused = town.admin().apply_coat_of_arms(request(area, &drawing)).await.expect_err("no area");
            assert!(refused.fields.contains_key("area"), "{area}");
        }
        let entries = town.journal().await;
        let said: Vec<_> = entries.iter().filter(|it| it.what.starts_with("arms.")).map(|it| (it.who.as_str(), it.what.as_str(), it.subject.as_str())).collect();
        assert_eq!(said, [("acc_bounded", "arms.applied", PLAIN)]);
    }

    /// 15 and 20. Same input gives the same bytes: what is sent to be signed again is what was sent.
    async fn line_15_the_same_content_is_the_same_bytes(engine) {
        let esign = Esign::start(Mood::Busy).await;
        let mut town = Town::with(engine, esign.config()).await;
        let letter = town.awaiting(1).await;
        let other = town.awaiting(2).await;
        let head = town.head(PLAIN);
        assert_eq!(refused(&head, &letter.id).await.0, "SIGNING_UNAVAILABLE");
        town.wait(TimeDelta::hours(2));
        town.restart(esign.config()).await;
        assert_eq!(refused(&head, &letter.id).await.0, "SIGNING_UNAVAILABLE");
        assert_eq!(refused(&head, &other.id).await.0, "SIGNING_UNAVAILABLE");
        let asked = esign.asked();
        assert_eq!(asked.len(), 3, "nothing is tried again by itself");
        assert_eq!(asked[0], asked[1]);
        assert_ne!(asked[0].pdf, asked[2].pdf);
        assert_eq!(asked[0].nik, official_nik(1));
        esign.is_now(Mood::Signs);
        let result = head.sign(&letter.id).await;
        assert!(result.signed, "{result:?}");
        let signed = town.bytes(&town.seen(&letter.id).await.document_id, 0).await;
        assert!(signed.starts_with(&asked[0].pdf), "a signature only adds");
    }

    /// 18. A signature that comes back must say when it was made by somebody else than its maker (research, check 6), unless the
    /// installation does without.
    async fn line_18_a_signature_without_a_trusted_time_stamp_is_not_used(engine) {
        let esign = Esign::start(Mood::Unstamped).await;
        let town = Town::with(engine, esign.config()).await;
        let letter = town.awaiting(1).await;
        let head = town.head(PLAIN);
        for mood in [Mood::Unstamped, Mood::StrangeStamp] {
            esign.is_now(mood);
            let (reason, message) = refused(&head, &letter.id).await;
            assert_eq!(reason, "TIMESTAMP_MISSING", "{mood:?}");
            assert!(message.contains("penanda waktu"), "{message}");
            assert!(town.still_waits(&letter).await.signing_problem.contains("penanda waktu"), "{mood:?}");
        }
        esign.is_now(Mood::Signs);
        assert!(head.sign(&letter.id).await.signed);

        let without = SigningConfig { timestamp_required: false, ..esign.config() };
        let town = Town::with(engine, without).await;
        let letter = town.awaiting(1).await;
        esign.is_now(Mood::Unstamped);
        assert!(town.head(PLAIN).sign(&letter.id).await.signed);
    }

    /// 18. Signature result is verified (integrity, whole-file coverage, signer, chain) before it is issued; failure keeps the
    /// letter waiting with a readable reason.
    async fn line_18_what_comes_back_is_believed_only_after_it_was_verified(engine) {
        let esign = Esign::start(Mood::Signs).await;
        let town = Town::with(engine, esign.config()).await;
        let letter = town.awaiting(1).await;
        let head = town.head(PLAIN);
        for mood in [Mood::Unsigned, Mood::Stranger, Mood::Impostor, Mood::Changed] {
            esign.is_now(mood);
            let (reason, message) = refused(&head, &letter.id).await;
            assert_eq!(reason, "SIGNATURE_NOT_VALID", "{mood:?}");
            assert!(message.contains("tidak lolos pemeriksaan"), "{message}");
            let after = town.still_waits(&letter).await;
            assert!(after.signing_problem.contains("tidak lolos pemeriksaan"), "{mood:?}: {}", after.signing_problem);
        }
        let request = ListDocumentsRequest::default();
        assert!(town.reader().list_documents(request).await.expect("a list").documents.is_empty());
        esign.is_now(Mood::Signs);
        assert!(head.sign(&letter.id).await.signed);
        let issued = town.seen(&letter.id).await;
        assert_eq!((issued.state(), issued.signing_problem.as_str()), (ApplicationState::Issued, ""));
        assert_eq!(issued.numbers, letter.numbers);
        assert_eq!(town.events_of(&letter.id).await.iter().filter(|kind| *kind == "surat.terbit").count(), 1);
    }

    /// 19. Wrong passphrase → clear message, attempt counted, no state change, no auto-retry.
    async fn line_19_a_wrong_passphrase_is_told_and_never_tried_again(engine) {
        let esign = Esign::start(Mood::WrongPassphrase).await;
        let town = Town::with(engine, esign.config()).await;
        let (first, second) = (town.awaiting(1).await, town.awaiting(2).await);
        let head = town.head(PLAIN);
        let results = head.sign_all(&[&first.id, &second.id]).await;
        for (result, before) in results.iter().zip([&first, &second]) {
            assert_eq!((result.signed, result.reason.as_str(), &result.application_id), (false, "WRONG_PASSPHRASE", &before.id));
            assert!(result.message.contains("Passphrase salah"), "{}", result.message);
            town.still_waits(before).await;
        }
        assert_eq!(esign.asked().len(), 1, "wrong for the first is wrong for the rest");
        let after = town.seen(&first.id).await;
        assert_eq!(history(&after).iter().filter(|what| **what == "SIGNING_FAILED").count(), 1);
        // None typed: the service is not asked.
        let request = SignApplicationsRequest { passphrase: String::new(), ..head.to_sign(&[&first.id]).await };
        let result = head.sign_applications(request).await.expect("an answer").results.remove(0);
        assert_eq!((result.reason.as_str(), esign.asked().len()), ("PASSPHRASE_REQUIRED", 1));
        esign.is_now(Mood::Signs);
        let results = head.sign_all(&[&first.id, &second.id]).await;
        assert!(results.iter().all(|result| result.signed), "{results:?}");
        assert!(!town.everything().await.iter().any(|row| row.contains(PASSPHRASE)), "nothing holds the passphrase");
    }

    /// 16 and 20. A service that takes its time: the signature is made whoever hangs up, the answer says what is under way, and
    /// what became of it is read by who asked. Nothing is sent to be signed twice.
    async fn line_16_a_slow_signature_is_made_whoever_hangs_up(engine) {
        let esign = Esign::start(Mood::Held).await;
        let town = Town::with(engine, SigningConfig { timeout_seconds: 120, ..esign.config() }).await;
        let (first, second) = (town.awaiting(1).await, town.awaiting(2).await);
        let head = town.head(PLAIN);
        let one = SignApplicationsRequest { request_id: "satu".to_owned(), ..head.to_sign(&[&first.id]).await };
        let answer = head.sign_within(one.clone(), Duration::from_secs(8)).await;
        assert_eq!((answer[0].signed, answer[0].under_way, answer[0].reason.as_str()), (false, true, ""));
        assert_eq!(town.seen(&first.id).await.state(), ApplicationState::Signing);
        // Who sends it again learns the same, and nothing more is asked for.
        let again = head.sign_within(one.clone(), Duration::from_secs(6)).await;
        assert!(again[0].under_way && esign.asked().len() == 1, "{again:?}");
        // The line of the next breaks.
        let two = SignApplicationsRequest { request_id: "dua".to_owned(), ..head.to_sign(&[&second.id]).await };
        let caller = head.clone();
        let call = tokio::spawn(async move { caller.sign_applications(two).await });
        while esign.asked().len() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        call.abort();
        assert!(call.await.is_err_and(|error| error.is_cancelled()));
        esign.go_on();
        for (signing, letter) in [("satu", &first), ("dua", &second)] {
            let results = head.signing(signing).await;
            assert!(results[0].signed && !results[0].under_way && results[0].application_id == letter.id, "{results:?}");
            let issued = town.seen(&letter.id).await;
            assert_eq!((issued.state(), &issued.numbers), (ApplicationState::Issued, &letter.numbers));
            let shown = results[0].application.as_ref().expect("he sees it");
            assert_eq!((shown.state(), &shown.document_id), (ApplicationState::Issued, &issued.document_id));
        }
        assert!(head.sign_applications(one).await.expect("the first answer").results[0].signed);
        assert_eq!(esign.asked().len(), 2);
        // Nobody reads what another asked for, or what nobody did.
        let other = GetSigningRequest { signing: "satu".to_owned() };
        assert_eq!(town.official("VILLAGE_SECRETARY", PLAIN).get_signing(other).await.expect_err("not his").reason, "NOT_FOUND");
        head.get_signing(GetSigningRequest { signing: "tiga".to_owned() }).await.expect_err("nobody asked");
        // Without an id it is given one.
        let third = town.awaiting(3).await;
        let request = head.to_sign(&[&third.id]).await;
        let answer = head.sign_applications(request).await.expect("signed");
        assert!(answer.results[0].signed && head.signing(&answer.signing).await[0].signed);
    }

    /// 18 and 20. An answer that comes after its letter was taken for lost is of no use to the next attempt.
    async fn line_20_an_answer_that_comes_too_late_is_not_used(engine) {
        let esign = Esign::start(Mood::Held).await;
        let town = Town::with(engine, SigningConfig { timeout_seconds: 120, ..esign.config() }).await;
        let letter = town.awaiting(1).await;
        let head = town.head(PLAIN);
        let request = SignApplicationsRequest { request_id: "satu".to_owned(), ..head.to_sign(&[&letter.id]).await };
        assert!(head.sign_within(request.clone(), Duration::from_secs(6)).await[0].under_way);
        town.wait(TimeDelta::seconds(181));
        town.sweep().await;
        town.still_waits(&letter).await;
        let lost = head.signing("satu").await;
        assert_eq!((lost[0].signed, lost[0].reason.as_str()), (false, "SIGNING_INTERRUPTED"));
        // The second attempt is on its way when the first answer comes.
        let second = SignApplicationsRequest { request_id: "dua".to_owned(), ..head.to_sign(&[&letter.id]).await };
        assert!(head.sign_within(second, Duration::from_secs(6)).await[0].under_way);
        esign.go_on();
        assert!(head.signing("dua").await[0].signed);
        let issued = town.seen(&letter.id).await;
        assert_eq!((issued.state(), &issued.numbers), (ApplicationState::Issued, &letter.numbers));
        assert_eq!(history(&issued).iter().filter(|what| **what == "SIGN").count(), 1);
        assert_eq!(town.document(&issued.document_id).await.signatures, 1);
        let first = head.sign_applications(request).await.expect("the first answer").results;
        assert_eq!((first[0].signed, first[0].reason.as_str()), (false, "SIGNING_INTERRUPTED"), "of that attempt nothing is used");
    }

    /// 18 and 19. A certificate that cannot sign and a locked account are told by their names, with what is to be done; the letter
    /// waits, and nothing is tried again.
    async fn line_18_a_certificate_that_cannot_sign_and_a_locked_account_are_told_by_name(engine) {
        let esign = Esign::start(Mood::Locked).await;
        let town = Town::with(engine, esign.config()).await;
        let letter = town.awaiting(1).await;
        let head = town.head(PLAIN);
        let (reason, message) = refused(&head, &letter.id).await;
        assert_eq!(reason, "SIGNER_LOCKED");
        assert!(message.contains("terkunci"), "{message}");
        assert!(esign.statuses().is_empty(), "it said all");
        for (mood, reason, says) in [
            (Mood::Inactive("EXPIRED"), "CERTIFICATE_INACTIVE", "kedaluwarsa"),
            (Mood::Inactive("SUSPEND"), "CERTIFICATE_INACTIVE", "dibekukan"),
            (Mood::Inactive("REVOKE"), "CERTIFICATE_INACTIVE", "dicabut"),
            (Mood::Inactive("RENEW"), "CERTIFICATE_INACTIVE", "diperbarui"),
            (Mood::Inactive("NO_CERTIFICATE"), "CERTIFICATE_INACTIVE", "belum memiliki sertifikat"),
            (Mood::Inactive("WAITING_FOR_VERIFICATION"), "CERTIFICATE_INACTIVE", "belum selesai diverifikasi"),
            // It does not say which.
            (Mood::Inactive("LAIN"), "CERTIFICATE_INACTIVE", "tidak aktif"),
            (Mood::Inactive("NOT_REGISTERED"), "SIGNER_NOT_REGISTERED", "belum terdaftar"),
            // A code that is not known here, and why it was.
            (Mood::Refuses("EXPIRED"), "CERTIFICATE_INACTIVE", "kedaluwarsa"),
            (Mood::Refuses("ISSUE"), "SIGNING_REFUSED", "menolak"),
        ] {
            esign.is_now(mood);
            let asked = esign.asked().len();
            let told = refused(&head, &letter.id).await;
            assert_eq!(told.0, reason, "{mood:?}");
            assert!(told.1.contains(says), "{mood:?}: {}", told.1);
            assert_eq!(esign.asked().len(), asked + 1, "it is tried once");
            let waiting = town.still_waits(&letter).await;
            assert!(waiting.signing_problem.contains(says), "{}", waiting.signing_problem);
        }
        let asked = esign.statuses();
        assert!(asked.len() == 10 && asked.iter().all(|nik| *nik == official_nik(1)), "{asked:?}");
        // Nothing of it in the journal but the reason.
        assert!(town.journal().await.iter().all(|entry| !entry.detail.contains(&official_nik(1))));
        esign.is_now(Mood::Signs);
        assert!(head.sign(&letter.id).await.signed);
    }

    /// 19 and 31. A wrong passphrase is tried once, however often the same request comes.
    async fn line_19_a_repeated_request_is_no_second_try(engine) {
        let esign = Esign::start(Mood::WrongPassphrase).await;
        let mut town = Town::with(engine, esign.config()).await;
        let (first, second) = (town.awaiting(1).await, town.awaiting(2).await);
        let head = town.head(PLAIN);
        let request = SignApplicationsRequest { request_id: "satu".to_owned(), ..head.to_sign(&[&first.id, &second.id]).await };
        for again in 0..3 {
            if again == 2 {
                // Neither does another process forget it.
                town.restart(esign.config()).await;
                esign.is_now(Mood::Signs);
            }
            let passphrase = format!("{PASSPHRASE}{again}");
            let request = SignApplicationsRequest { passphrase, ..request.clone() };
            let results = head.sign_applications(request).await.expect("an answer").results;
            assert!(results.iter().all(|it| !it.signed && it.reason == "WRONG_PASSPHRASE"), "{results:?}");
            assert_eq!(esign.asked().len(), 1);
        }
        // The same id for something else is a mistake.
        let other = SignApplicationsRequest { request_id: "satu".to_owned(), ..head.to_sign(&[&first.id]).await };
        assert_eq!(head.sign_applications(other).await.expect_err("another request").reason, "REQUEST_ID_REUSED");
        let new = SignApplicationsRequest { request_id: "dua".to_owned(), ..request };
        assert!(head.sign_applications(new).await.expect("an answer").results.iter().all(|it| it.signed));
        assert!(!town.everything().await.iter().any(|row| row.contains(PASSPHRASE)), "nothing holds the passphrase");
    }

    /// 11. What is signed is what its signer saw, not what there is by now.
    async fn line_11_a_content_that_was_not_seen_is_not_signed(engine) {
        let esign = Esign::start(Mood::Signs).await;
        let town = Town::with(engine, esign.config()).await;
        let status = town.applied("sktm", &Resident::new(1, PLAIN)).await;
        let id = &status.application_id;
        let head = town.head(PLAIN);
        let (before, other) = (town.walk(id).await, town.awaiting(2).await);
        let stale = head.to_sign(&[id, &other.id]).await;
        head.send_back(id, "penghasilan keliru, mohon diperiksa").await.expect("returned");
        let mut values = values_of("sktm");
        values.insert("tanggungan".to_owned(), serde_json::json!(7));
        let again = ResubmitApplicationRequest {
            code: status.code.clone(),
            values: Some(structure(&values)),
            attachments: town.wish("sktm", &Resident::new(1, PLAIN)).await.attachments,
            ..ResubmitApplicationRequest::default()
        };
        town.nobody().resubmit_application(again).await.expect("handed in again");
        let now = town.walk(id).await;
        assert_eq!(now.state(), ApplicationState::AwaitingSignature);
        assert_ne!(now.content_hash, before.content_hash);
        let results = head.sign_applications(stale).await.expect("an answer for each").results;
        assert_eq!((results[0].signed, results[0].reason.as_str()), (false, "CONTENT_DIFFERS"));
        assert!(results[1].signed, "{results:?}");
        assert_eq!(esign.asked().len(), 1, "only what was seen went out");
        town.still_waits(&now).await;
        // Who does not say what he saw signs nothing at all.
        let blind = SignApplicationsRequest { content_hashes: Vec::new(), ..head.to_sign(&[id]).await };
        assert_eq!(head.sign_applications(blind).await.expect_err("blind").named(), [("content_hashes", "INVALID_LENGTH")]);
        assert!(head.sign(id).await.signed);
    }

    /// 20. A signature that was interrupted is failed by the worker after its time, and can be made again.
    async fn line_20_an_interrupted_signature_is_failed_and_made_again(engine) {
        let esign = Esign::start(Mood::Silent).await;
        let mut town = Town::with(engine, esign.config()).await;
        let letter = town.awaiting(1).await;
        let head = town.head(PLAIN);
        // The process ends while it waits for the answer.
        let (signer, id) = (head.clone(), letter.id.clone());
        let signing = tokio::spawn(async move { signer.sign(&id).await });
        while esign.asked().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        signing.abort();
        let _ended = signing.await;
        let at = town.seen(&letter.id).await;
        assert_eq!(at.state(), ApplicationState::Signing);
        assert!(head.inbox().await.is_empty());
        let result = head.sign(&letter.id).await;
        assert!(!result.signed && result.reason == "NOT_PERMITTED_IN_STATE", "{result:?}");
        // Nor can it be taken back meanwhile: a signed file may be on its way.
        head.reject(&letter.id, "tidak jadi ditandatangani").await.expect_err("only the answer leads out");
        town.wait(TimeDelta::seconds(60));
        town.sweep().await;
        assert_eq!(town.seen(&letter.id).await.state(), ApplicationState::Signing, "it may still come back");
        town.wait(TimeDelta::seconds(11));
        town.sweep().await;
        let waiting = town.still_waits(&letter).await;
        let last = waiting.history.last().expect("a history");
        assert_eq!((last.what.as_str(), last.reason.as_str(), last.who.as_str()), ("SIGNING_FAILED", "SIGNING_INTERRUPTED", "system"));
        assert_eq!(head.inbox().await, std::slice::from_ref(&letter.id));
        town.restart(SigningConfig::default()).await;
        assert!(head.sign(&letter.id).await.signed);
        let issued = town.seen(&letter.id).await;
        assert_eq!((issued.state(), &issued.numbers), (ApplicationState::Issued, &letter.numbers));
    }

    /// 20. Who presses twice, and two who press at once: one signature, one document.
    async fn line_20_two_signatures_at_once_are_one(engine) {
        let town = Town::new(engine).await;
        let letter = town.awaiting(1).await;
        let id = letter.id.as_str();
        let (head, secretary) = (town.head(PLAIN), town.official("VILLAGE_SECRETARY", PLAIN));
        let results = futures::join!(head.sign(id), head.sign(id), secretary.sign(id), head.sign(id));
        let issued = town.seen(id).await;
        assert_eq!(issued.state(), ApplicationState::Issued, "{results:?}");
        assert_eq!(history(&issued).iter().filter(|what| **what == "SIGN").count(), 1);
        assert_eq!(town.document(&issued.document_id).await.signatures, 1);
        assert_eq!(town.reader().list_documents(ListDocumentsRequest::default()).await.expect("a list").documents.len(), 1);
        assert_eq!(issued.numbers, letter.numbers);
        // Whoever has signed is told so when he asks again.
        let by = issued.steps.iter().find(|step| step.kind == "SIGN").expect("a step").done_by.clone();
        let again = if by == head.sub { head.sign(id).await } else { secretary.sign(id).await };
        assert!(again.signed, "{again:?}");
    }

    /// 20. First the file, then the state that says it is signed: where the file cannot be kept, nothing is signed.
    async fn line_20_without_its_file_no_letter_is_signed(engine) {
        let town = Town::new(engine).await;
        let letter = town.awaiting(1).await;
        let head = town.head(PLAIN);
        let (files, aside) = (town.files(), town.folder.path().join("aside"));
        std::fs::rename(&files, &aside).expect("the folder goes away");
        std::fs::write(&files, b"no folder").expect("something else stands there");
        let result = head.sign(&letter.id).await;
        assert!(!result.signed, "{result:?}");
        let after = town.still_waits(&letter).await;
        assert!(!after.signing_problem.is_empty());
        std::fs::remove_file(&files).expect("it goes");
        std::fs::rename(&aside, &files).expect("the folder is back");
        assert!(head.sign(&letter.id).await.signed);
        let issued = town.seen(&letter.id).await;
        let document = town.document(&issued.document_id).await;
        assert_eq!((issued.numbers, document.signatures), (letter.numbers, 1));
        assert!(!town.bytes(&document.id, 0).await.is_empty());
    }

    /// 37. Batch sign N letters with one passphrase: one call, one answer for each, and what it holds is judged for itself.
    async fn should_37_letters_are_signed_in_one_call_with_one_passphrase(engine) {
        let esign = Esign::start(Mood::SecondUnsigned).await;
        let town = Town::with(engine, esign.config()).await;
        let letters = [town.awaiting(1).await, town.awaiting(2).await, town.awaiting(3).await];
        let ids = letters.each_ref().map(|it| it.id.as_str());
        let head = town.head(PLAIN);
        // Named twice, a letter is sent once and answered twice.
        let results = head.sign_all(&[ids[0], ids[1], ids[2], ids[1]]).await;
        let asked = esign.asked();
        assert_eq!((asked.len(), asked[0].files, asked[0].by), (1, 3, "passphrase"));
        let told: Vec<_> = results.iter().map(|it| (it.application_id.as_str(), it.signed, it.reason.as_str())).collect();
        assert_eq!(told.iter().filter(|it| !it.1).count(), 2, "{told:?}");
        assert_eq!(told.iter().map(|it| it.0).collect::<Vec<_>>(), [ids[0], ids[1], ids[2], ids[1]]);
        for (result, before) in results.iter().zip(&letters) {
            if result.signed {
                let issued = town.seen(&result.application_id).await;
                assert_eq!((issued.state(), &issued.numbers), (ApplicationState::Issued, &before.numbers));
            } else {
                assert_eq!(result.reason, "SIGNATURE_NOT_VALID");
                town.still_waits(before).await;
            }
        }
        // Which file is missing, nobody can tell: none is taken for another's.
        let more = [town.awaiting(4).await, town.awaiting(5).await];
        esign.is_now(Mood::OneFewer);
        for (result, before) in head.sign_all(&[&more[0].id, &more[1].id]).await.iter().zip(&more) {
            assert_eq!((result.signed, result.reason.as_str()), (false, "SIGNING_REFUSED"));
            town.still_waits(before).await;
        }
        // A wrong passphrase is one attempt, however many letters there are.
        let calls = esign.asked().len();
        esign.is_now(Mood::WrongPassphrase);
        for result in head.sign_all(&[&more[0].id, &more[1].id]).await {
            assert_eq!((result.signed, result.reason.as_str()), (false, "WRONG_PASSPHRASE"));
        }
        assert_eq!(esign.asked().len(), calls + 1);
        esign.is_now(Mood::Signs);
        assert!(head.sign_all(&[&more[0].id, &more[1].id]).await.iter().all(|it| it.signed));
    }

    /// 37. Or with one one-time code: sent by the service, good for one call, kept nowhere.
    async fn should_37_a_one_time_code_signs_its_batch_and_nothing_more(engine) {
        let esign = Esign::start(Mood::Signs).await;
        let mut town = Town::with(engine, esign.config()).await;
        let letters = [town.awaiting(1).await, town.awaiting(2).await, town.awaiting(3).await];
        let ids = letters.each_ref().map(|it| it.id.as_str());
        let head = town.head(PLAIN);
        let list = head.list_work(ListWorkRequest { signing_only: true, ..Default::default() }).await.expect("a list");
        assert_eq!(list.signing_credential(), SigningCredential::PassphraseOrCode);
        // Only for what waits for the caller's own signature.
        let stranger = town.head(VILLAGE).wants_code(&ids).await.expect_err("another village");
        assert_eq!(stranger.reason, "NOT_FOUND");
        let officer = town.officer(PLAIN).wants_code(&ids).await.expect_err("no signatory");
        assert_eq!(officer.reason, "NOT_A_SIGNATORY");
        assert_eq!(head.wants_code(&[]).await.expect_err("none").named(), [("applications", "INVALID_LENGTH")]);
        assert!(esign.codes().is_empty());

        // The same request asks once.
        let request = RequestSigningCodeRequest { request_id: "kode-1".to_owned(), applications: ids.map(str::to_owned).to_vec() };
        for _ in 0..2 {
            assert_eq!(head.request_signing_code(request.clone()).await.expect("sent").letters, 3);
        }
        assert_eq!(esign.codes(), [(official_nik(1), 3)]);
        // A wrong one is told once for all and never tried again.
        for (result, before) in head.sign_by_code(&ids, "000000").await.iter().zip(&letters) {
            assert_eq!((result.signed, result.reason.as_str()), (false, "WRONG_TOTP"));
            assert!(result.message.contains("minta kode baru"), "{}", result.message);
            town.still_waits(before).await;
        }
        let results = head.sign_by_code(&ids, CODE).await;
        assert!(results.iter().all(|it| it.signed), "{results:?}");
        let asked = esign.asked();
        assert_eq!(asked.iter().map(|it| (it.files, it.by)).collect::<Vec<_>>(), [(3, "totp"), (3, "totp")]);
        // It was good for that call.
        let next = town.awaiting(4).await;
        assert_eq!(head.sign_by_code(&[&next.id], CODE).await[0].reason, "WRONG_TOTP");
        town.still_waits(&next).await;
        // Both at once, or what is no code, is refused before the service is asked.
        let both = SignApplicationsRequest { totp: CODE.to_owned(), ..head.to_sign(&[&next.id]).await };
        assert_eq!(head.sign_applications(both).await.expect_err("both").named(), [("totp", "ONE_OF")]);
        for odd in ["12 34", "1234567890123456789", "12\n34"] {
            let request = SignApplicationsRequest { passphrase: String::new(), totp: odd.to_owned(), ..head.to_sign(&[&next.id]).await };
            assert_eq!(head.sign_applications(request).await.expect_err("no code").named(), [("totp", "INVALID_CODE")]);
        }
        assert_eq!(esign.asked().len(), 3);
        // What was signed needs no code any more.
        let done = head.wants_code(&[ids[0]]).await.expect_err("it is signed");
        assert!(["NOT_A_SIGNATORY", "INVALID_REQUEST"].contains(&done.reason.as_str()) || done.named() == [("applications[0]", "NOT_YOURS_TO_SIGN")], "{done:?}");
        // Nothing holds it, not even who asked for it; that it was asked for is known.
        assert!(!town.everything().await.iter().any(|row| row.contains(CODE)), "nothing holds the code");
        let journal = town.journal().await;
        let entries: Vec<_> = journal.iter().filter(|it| it.what == "application.signing_code_requested").collect();
        assert_eq!(entries.len(), 3);
        assert!(entries.iter().all(|it| it.who == head.sub && it.request_id == "kode-1"));

        // Where the seal signs, there is no code to ask for.
        town.restart(SigningConfig::default()).await;
        assert_eq!(head.wants_code(&[&next.id]).await.expect_err("a seal").reason, "TOTP_NOT_AVAILABLE");
        let seen = head.get_application(GetApplicationRequest { application: next.id.clone() }).await.expect("seen");
        assert_eq!(seen.signing_credential(), SigningCredential::None);
        let first = SigningConfig { service: mpp_documents::SigningService::BsreV1, ..esign.config() };
        town.restart(first).await;
        assert_eq!(head.sign_by_code(&[&next.id], CODE).await[0].reason, "PASSPHRASE_REQUIRED");
        assert_eq!(head.wants_code(&[&next.id]).await.expect_err("version 1").reason, "TOTP_NOT_AVAILABLE");
        assert_eq!(esign.asked().len(), 3);
    }

    /// 37 and 20. A signature that is on its way is made, though its caller's line has broken; asked again, it is the answer.
    async fn should_37_a_batch_goes_on_without_its_caller(engine) {
        let esign = Esign::start(Mood::Slow).await;
        let town = Town::with(engine, esign.config()).await;
        let letters = [town.awaiting(1).await, town.awaiting(2).await];
        let head = town.head(PLAIN);
        head.wants_code(&[&letters[0].id, &letters[1].id]).await.expect("sent");
        let request = SignApplicationsRequest {
            request_id: "teken-1".to_owned(),
            passphrase: String::new(),
            totp: CODE.to_owned(),
            ..head.to_sign(&[&letters[0].id, &letters[1].id]).await
        };
        let (signer, first) = (head.clone(), request.clone());
        let signing = tokio::spawn(async move { signer.sign_applications(first).await });
        while esign.asked().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        signing.abort();
        let _ended = signing.await;
        let results = head.sign_applications(request.clone()).await.expect("the answer of the first").results;
        assert!(results.iter().all(|it| it.signed), "{results:?}");
        assert_eq!(esign.asked().len(), 1, "the code was given once");
        for letter in &letters {
            assert_eq!(town.seen(&letter.id).await.state(), ApplicationState::Issued);
        }
        let other = SignApplicationsRequest { request_id: request.request_id, ..head.to_sign(&[&letters[0].id]).await };
        assert_eq!(head.sign_applications(other).await.expect_err("the id is taken").reason, "REQUEST_ID_REUSED");
    }

    /// 27. Village → sub-district transfer with acknowledgement, both sides see the state; the sub-district adds its own number
    /// and second signature without invalidating the first.
    async fn line_27_the_sub_district_signs_second_and_the_first_signature_stays(engine) {
        let mut town = Town::new(engine).await;
        let mut wish = town.wish("sktm", &Resident::new(1, VILLAGE)).await;
        wish.with_optional_steps = true;
        let status = town.submit(wish).await;
        let id = &status.application_id;
        town.walk(id).await;
        assert!(town.head(VILLAGE).sign(id).await.signed);
        // Handed over: one number so far, and nobody has received it.
        let handed = town.seen(id).await;
        assert_eq!(handed.state(), ApplicationState::InReview);
        let (village, sub_district) = (town.office(VILLAGE).id.clone(), town.office(SUB_DISTRICT).id.clone());
        let chain: Vec<_> = handed.custody.iter().map(|it| (it.from_office_id.as_str(), it.to_office_id.as_str(), it.acknowledge_time.is_some())).collect();
        assert_eq!(chain, [("", village.as_str(), true), (village.as_str(), sub_district.as_str(), false)]);
        assert_eq!(handed.numbers.len(), 1);
        let told = town.status(&status.code).await;
        assert_eq!((told.state(), told.number.as_str(), told.registrations.len()), (ApplicationState::InReview, "", 0));
        let signed_once = town.reader().get_draft(GetDraftRequest { application: id.clone() }).await.expect("a file").pdf;
        // The staff takes it: received, with the date.
        town.wait(TimeDelta::hours(1));
        let staff = town.official("SUB_DISTRICT_OFFICER", SUB_DISTRICT);
        let claim = ClaimApplicationRequest { application: id.clone(), ..ClaimApplicationRequest::default() };
        let received = staff.claim_application(claim).await.expect("taken").application.expect("an application");
        let (sent, acknowledged) = (received.custody[1].time.expect("a time"), received.custody[1].acknowledge_time.expect("a time"));
        assert_eq!(acknowledged.seconds - sent.seconds, 3600);
        let waiting = staff.approve(&received).await.expect("approved");
        let numbers: Vec<_> = waiting.numbers.iter().map(|it| (it.office_id.as_str(), it.text.as_str())).collect();
        assert_eq!(numbers, [(village.as_str(), "400.9/001/1707022001/XI/2026"), (sub_district.as_str(), "400.9/001/170702/XI/2026")]);
        // Both sides see the same.
        let both = [town.officer(VILLAGE).application(id).await, staff.application(id).await].map(|it| it.expect("he sees it"));
        assert_eq!((both[0].state(), &both[0].custody), (both[1].state(), &both[1].custody));
        let request = ListDocumentsRequest::default();
        assert!(town.reader().list_documents(request).await.expect("a list").documents.is_empty(), "not issued before the second");
        let camat = town.official("SUB_DISTRICT_HEAD", SUB_DISTRICT);
        let result = camat.sign(id).await;
        assert!(result.signed, "{result:?}");

        let issued = town.seen(id).await;
        let document = town.document(&issued.document_id).await;
        assert_eq!((document.signatures, document.number.as_str()), (2, "400.9/001/1707022001/XI/2026"));
        let (first, last) = (town.bytes(&document.id, 1).await, town.bytes(&document.id, 0).await);
        assert_eq!(first, signed_once);
        assert!(last.starts_with(&first) && town.bytes(&document.id, 2).await == last);
        let said = signatures(&last);
        assert_eq!(said.matches("Signature is Valid").count(), 2, "{said}");
        let judged = town.judged(last.clone()).await;
        assert_eq!(judged.verdict(), FileVerdict::Valid);
        let found: Vec<_> = judged.signatures.iter().map(|it| (it.intact, it.trusted, it.whole_file)).collect();
        assert_eq!(found, [(true, true, false), (true, true, true)]);
        let public = judged.document.expect("ours");
        assert_eq!(public.signers, ["Kepala Desa, Budi Santoso, S.IP.", "Camat Rimbo Pengadang, Drs. Ahmad Dahlan, M.Si."]);
        // The number of the second office stands beside the first one, where the code leads to and where the applicant looks. The
        // page was printed before it was given, and says where it is.
        let registered = [Registration { office: "Kecamatan Rimbo Pengadang".to_owned(), number: "400.9/001/170702/XI/2026".to_owned() }];
        assert_eq!((public.number.as_str(), public.registrations.as_slice()), ("400.9/001/1707022001/XI/2026", &registered[..]));
        assert_eq!(town.verified(&document.verification_code).await, public);
        let told = town.status(&status.code).await;
        assert_eq!((told.number.as_str(), told.registrations.as_slice()), (public.number.as_str(), &registered[..]));
        let printed = words(&last);
        assert!(!printed.contains("400.9/001/170702/") && printed.contains("Tanda tangan elektronik dan nomornya"), "{printed}");
        // A sub-district that is renamed gave it under its former name.
        let mut renamed = office(SUB_DISTRICT);
        renamed.name = "Kecamatan Rimbo Baru".to_owned();
        town.apply(renamed).await;
        assert_eq!(town.verified(&document.verification_code).await.registrations, registered);
        // What the village signed is ours by itself too.
        assert_eq!(town.judged(first).await.verdict(), FileVerdict::Valid);
        assert_eq!([town.register(VILLAGE, 0).await.len(), town.register(SUB_DISTRICT, 0).await.len()], [1, 1]);
    }

    /// 36. Works with the signing service down: drafting, approval, reading go on; the letter waits.
    async fn line_36_everything_but_the_signature_goes_on_without_the_signing_service(engine) {
        let esign = Esign::start(Mood::Signs).await;
        let mut town = Town::with(engine, esign.away().await).await;
        let status = town.applied("sktm", &Resident::new(1, RT)).await;
        let id = &status.application_id;
        let draft = town.reader().get_draft(GetDraftRequest { application: id.clone() }).await.expect("a draft");
        assert!(is_preview(&draft.pdf));
        let waiting = town.walk(id).await;
        assert_eq!((waiting.state(), waiting.numbers.len()), (ApplicationState::AwaitingSignature, 1));
        let head = town.head(VILLAGE);
        assert_eq!(head.inbox().await, std::slice::from_ref(id));
        let (reason, message) = refused(&head, id).await;
        assert_eq!(reason, "SIGNING_UNAVAILABLE");
        assert!(message.contains("tidak menjawab") && message.contains("tanpa mengisi ulang"), "{message}");
        town.still_waits(&waiting).await;
        assert_eq!(town.status(&status.code).await.state(), ApplicationState::AwaitingSignature);
        assert!(town.status(&status.code).await.history.iter().all(|it| !it.reason.contains("UNAVAILABLE")));
        // The next application comes, and one more is worked on.
        town.applied("kehilangan", &Resident::new(2, RT)).await;
        assert_eq!(town.officer(VILLAGE).inbox().await.len(), 1);
        town.restart(esign.config()).await;
        let result = head.sign(id).await;
        assert!(result.signed, "{result:?}");
        assert_eq!(town.seen(id).await.numbers, waiting.numbers);
    }
}

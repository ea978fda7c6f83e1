//! Lines 3, 6, 7, 31, 35: what is taken and what is refused, receipts, repetitions, files. And prefilled forms,
//! duplicates, texts that deceive.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_proto::documents::v1::*;
use serde_json::json;
use tonic::Code;

use super::catalogue::{definition, template};
use super::clamd::{Clamd, EICAR};
use super::paper::words;
use super::town::{
    AGENCY, Client, PLAIN, RT, Refusal, Resident, SUB_DISTRICT, Town, VILLAGE, account, history, office,
    official_nik, put, scan, structure, values_of,
};

fn attached(file: &Attachment, requirement: &str) -> Attachment {
    Attachment { file_id: file.file_id.clone(), requirement: requirement.to_owned(), ..Attachment::default() }
}

fn any_number(number: f64) -> prost_types::Value {
    prost_types::Value { kind: Some(prost_types::value::Kind::NumberValue(number)) }
}

impl Client {
    async fn submits(&self, request: &SubmitApplicationRequest) -> Result<ApplicationStatus, Refusal> {
        self.submit_application(request.clone()).await.map(|answer| answer.status.expect("a status"))
    }
}

lines! {
    /// 3. Submit validates schema and NIK/KK shape; unknown or missing fields give field-level 422.
    async fn line_03_every_wrong_field_is_named_at_once(engine) {
        let town = Town::new(engine).await;
        let mut wish = town.wish("sktm", &Resident::new(1, RT)).await;
        wish.attachments.retain(|it| it.requirement != "kk");
        let subject = wish.subject.get_or_insert_default();
        subject.nik = "1707053202850001".to_owned();
        subject.family_card = "123".to_owned();
        subject.phone = "12".to_owned();
        wish.values.get_or_insert_default().fields.remove("penghasilan");
        put(&mut wish, "hobi", json!("memancing"));
        put(&mut wish, "tanggungan", json!(31));
        put(&mut wish, "peruntukan", json!("Jalan-jalan"));
        put(&mut wish, "tanggal_lahir", json!("2030-01-01"));
        let refusal = town.nobody().submits(&wish).await.expect_err("refused");
        assert_eq!(refusal.code, Code::InvalidArgument);
        for (field, reason) in [
            ("attachments.kk", "REQUIRED"),
            ("subject.nik", "INVALID_NIK"),
            ("subject.family_card", "INVALID_KK"),
            ("values.penghasilan", "REQUIRED"),
            ("values.hobi", "UNKNOWN_FIELD"),
            ("values.tanggungan", "OUT_OF_RANGE"),
            ("values.peruntukan", "INVALID_CHOICE"),
            ("values.tanggal_lahir", "DATE_IN_FUTURE"),
        ] {
            assert_eq!(refusal.fields.get(field).map(String::as_str), Some(reason), "{refusal:?}");
        }
        assert!(refusal.fields.contains_key("subject.phone"), "{refusal:?}");
        // Nothing of what was typed is repeated, for answers are logged by proxies.
        assert!(!format!("{refusal:?}").contains("1707053202850001"));
        assert!(town.officer(VILLAGE).work().await.is_empty() && town.journal().await.iter().all(|it| it.what != "application.submitted"));
        // Fields that are asked for only with another.
        let mut wish = town.wish("sktm", &Resident::new(1, RT)).await;
        put(&mut wish, "untuk_orang_lain", json!(false));
        let refusal = town.nobody().submits(&wish).await.expect_err("refused");
        assert_eq!(refusal.named(), [("values.hubungan_penerima", "NOT_ASKED"), ("values.nama_penerima", "NOT_ASKED")]);
        // Nobody is competent, no such type, no such file.
        let mut wish = town.wish("sktm", &Resident::new(1, "17.07.02.2009/001/001")).await;
        assert_eq!(town.nobody().submits(&wish).await.expect_err("refused").named(), [("subject.area", "NO_OFFICE")]);
        wish.subject = Some(Resident::new(1, "17.07").subject());
        assert_eq!(town.nobody().submits(&wish).await.expect_err("refused").named(), [("subject.area", "INVALID_AREA")]);
        wish.letter_type = "surat_sakti".to_owned();
        assert_eq!(town.nobody().submits(&wish).await.expect_err("refused").code, Code::NotFound);
        let mut wish = town.wish("sktm", &Resident::new(1, RT)).await;
        wish.attachments[0].file_id = "fil_01h455vb4pex5vsknk084sn02q".to_owned();
        assert_eq!(town.nobody().submits(&wish).await.expect_err("refused").named(), [("attachments[0].file_id", "NO_FILE")]);
    }

    /// 3. Texts that deceive, cannot be printed or do not fit are refused by the field they stand in.
    async fn line_03_texts_that_deceive_or_do_not_fit_are_refused_by_name(engine) {
        let mut town = Town::new(engine).await;
        let wish = town.wish("sktm", &Resident::new(1, RT)).await;
        for (key, value, reason) in [
            ("tujuan", "SMP\u{202E}lapmuR".to_owned(), "INVALID_CHARACTER"),
            ("tujuan", "SMP\u{200B}Negeri".to_owned(), "INVALID_CHARACTER"),
            ("tujuan", "SMP\u{0}Negeri".to_owned(), "INVALID_CHARACTER"),
            ("tujuan", "x".repeat(121), "INVALID_LENGTH"),
            ("tujuan", "SMP \u{1F600}".to_owned(), "NOT_PRINTABLE"),
            ("tujuan", "\u{0645}\u{062F}\u{0631}\u{0633}\u{0629}".to_owned(), "NOT_PRINTABLE"),
            ("nama_penerima", "Budi <b>".to_owned(), "INVALID_NAME"),
        ] {
            let mut wish = wish.clone();
            put(&mut wish, key, json!(value));
            let refusal = town.nobody().submits(&wish).await.expect_err("refused");
            assert_eq!((refusal.code, refusal.named()), (Code::InvalidArgument, vec![(format!("values.{key}").as_str(), reason)]), "{value:?}");
        }
        for name in ["Siti\u{202E}hanimA".to_owned(), "S".repeat(300), "S".to_owned()] {
            let mut wish = wish.clone();
            wish.subject.get_or_insert_default().name = name;
            let refusal = town.nobody().submits(&wish).await.expect_err("refused");
            assert!(refusal.fields.contains_key("subject.name"), "{refusal:?}");
        }
        // What looks like a template is text.
        let mut wish = wish.clone();
        put(&mut wish, "tujuan", json!("#panic(\"x\") *b* $x$ @ref <l>"));
        let status = town.nobody().submits(&wish).await.expect("it is only text");
        let draft = GetDraftRequest { application: status.application_id };
        let text = words(&town.reader().get_draft(draft).await.expect("a draft").pdf);
        assert!(text.contains("#panic(\"x\") *b* $x$ @ref <l>"), "{text}");
        // An office whose name turns letters around would spoil every letter of it.
        let request = ApplyOfficeRequest {
            request_id: String::new(),
            office: Some(Office { name: "Desa \u{202E}gnaD".to_owned(), ..office(VILLAGE) }),
        };
        let refusal = town.admin().apply_office(request).await.expect_err("refused");
        assert_eq!(refusal.named(), [("office.name", "INVALID_CHARACTER")]);
        town.apply(office(VILLAGE)).await;
    }

    /// 6. Subject can be a resident or non-resident (typed), the snapshot is frozen at submit.
    async fn line_06_the_subject_is_frozen_and_non_residents_are_taken_where_the_type_says(engine) {
        let mut town = Town::new(engine).await;
        let resident = Resident::new(1, RT);
        let mut wish = town.wish("sktm", &resident).await;
        wish.subject.get_or_insert_default().non_resident = true;
        assert_eq!(town.nobody().submits(&wish).await.expect_err("refused").named(), [("subject.non_resident", "NOT_OFFERED")]);
        let mut wish = town.wish("domisili", &resident).await;
        wish.subject.get_or_insert_default().non_resident = true;
        let visitor = town.nobody().submits(&wish).await.expect("taken");
        assert!(town.seen(&visitor.application_id).await.subject.expect("a subject").non_resident);
        // The same person under another name, in an office with another name, later: the first application stays.
        let before = town.seen(&visitor.application_id).await;
        let mut other = town.wish("domisili", &Resident { name: "Rohana Mardiyah".to_owned(), ..resident }).await;
        put(&mut other, "pekerjaan", json!("Pedagang"));
        town.nobody().submits(&other).await.expect("taken");
        town.apply(Office { place: "Tempat Lain".to_owned(), ..office(VILLAGE) }).await;
        let after = town.seen(&visitor.application_id).await;
        assert_eq!((after.subject, after.values, after.content_hash), (before.subject, before.values, before.content_hash));
    }

    /// 7. Receipt number + tracking page at submission without login, by code only.
    async fn line_07_receipt_and_tracking_without_login(engine) {
        let town = Town::new(engine).await;
        let resident = Resident::new(1, RT);
        let status = town.applied("sktm", &resident).await;
        assert_eq!(status.code.len(), 19);
        assert_eq!((status.state(), status.office.as_str()), (ApplicationState::InReview, "Desa Ujung Tanjung"));
        assert!(status.expected_time.is_some() && status.verification_code.is_empty());
        town.approved(&status.application_id).await;
        // As people type it.
        for typed in [status.code.clone(), status.code.replace('-', ""), status.code.to_lowercase(), format!(" {} ", status.code)] {
            let found = town.status(&typed).await;
            assert_eq!((&found.code, &found.application_id), (&status.code, &status.application_id));
        }
        let found = town.status(&status.code).await;
        let told = format!("{found:?}");
        for secret in [&resident.name, &resident.nik, &resident.family_card, &account("RT_HEAD", RT), &"Budi Santoso".to_owned()] {
            assert!(!told.contains(secret.as_str()), "{secret} in {told}");
        }
        assert_eq!(found.subject_masked, "R***** Z*******");
        assert!(found.history.iter().any(|entry| entry.what == "APPROVE" && entry.who.is_empty()));
        assert!(found.steps.iter().all(|step| step.done_by.is_empty() && step.claimed_by.is_empty()));
        // Its id opens nothing, and what is no code is answered like a code that nobody has.
        let mut answers = Vec::new();
        for code in [status.application_id.as_str(), "0000-0000-0000-0000", "zzz", "", "0000-0000-0000-000U"] {
            let request = GetApplicationByCodeRequest { code: code.to_owned() };
            answers.push(town.nobody().get_application_by_code(request).await.expect_err("unknown"));
        }
        assert_eq!(answers[0].code, Code::NotFound);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }

    /// 8. A letter that needs an office which is not registered is refused when it is handed in, not when its step comes.
    async fn line_08_every_office_of_a_letter_is_there_when_it_is_handed_in(engine) {
        const ALONE: &str = "17.07.03.2001";
        let mut town = Town::new(engine).await;
        town.apply(Office { area: ALONE.to_owned(), name: "Desa Sendiri".to_owned(), ..office(PLAIN) }).await;
        let resident = Resident::new(1, ALONE);
        let heirs = town.wish("ahli_waris", &resident).await;
        let refused = town.nobody().submit_application(heirs.clone()).await.expect_err("no sub-district signs it");
        assert_eq!(refused.named(), [("subject.area", "NO_OFFICE")]);
        let mut poor = town.wish("sktm", &resident).await;
        poor.with_optional_steps = true;
        let refused = town.nobody().submit_application(poor.clone()).await.expect_err("nor this, and it was asked for");
        assert_eq!(refused.named(), [("with_optional_steps", "NO_OFFICE")]);
        town.apply(Office { area: "17.07.03".to_owned(), ..office(SUB_DISTRICT) }).await;
        for wish in [heirs, poor] {
            let id = town.submit(wish).await.application_id;
            assert!(town.seen(&id).await.steps.iter().any(|step| step.area == "17.07.03"));
        }
    }

    /// 3 and 8. What the text of a letter names and no form asks is known when it is handed in: a village whose sub-district is not
    /// registered is told so, and an office says in its letterhead where it lies, before anybody applies.
    async fn line_03_what_a_letter_names_of_its_offices_is_never_asked_of_the_applicant(engine) {
        const ALONE: &str = "17.07.03.2001";
        let mut town = Town::new(engine).await;
        let alone = Office { area: ALONE.to_owned(), name: "Desa Sendiri".to_owned(), ..office(PLAIN) };
        for (lines, reason) in [(&["Desa Sendiri"][..], "NO_REGENCY"), (&["Kecamatan Sukota Raya", "Desa Sendiri"][..], "NO_REGENCY")] {
            let office = Office { letterhead: lines.iter().map(|line| (*line).to_owned()).collect(), ..alone.clone() };
            let request = ApplyOfficeRequest { request_id: String::new(), office: Some(office) };
            assert_eq!(town.admin().apply_office(request).await.expect_err("no regency").named(), [("office.letterhead", reason)]);
        }
        let province = Office { area: "17/biro-umum".to_owned(), letterhead: vec!["Pemerintah Provinsi Bengkulu".to_owned()], ..office(AGENCY) };
        town.apply(province).await;
        town.apply(alone).await;
        // It names the sub-district, which nobody asks of the applicant.
        let mut wish = town.wish("sktm", &Resident::new(1, ALONE)).await;
        assert_eq!(town.nobody().submit_application(wish.clone()).await.expect_err("no sub-district").named(), [("subject.area", "NO_OFFICE")]);
        town.apply(Office { area: "17.07.03".to_owned(), ..office(SUB_DISTRICT) }).await;
        town.submit(wish.clone()).await;
        // The province stands in a letter that names it.
        let sentence = "Surat ini dipakai di #data.fields.provinsi, #data.fields.kabupaten.";
        let draft = town.save("ani", &definition("uji"), &template(sentence)).await.expect("saved");
        town.publish("budi", &draft).await.expect("published");
        wish.letter_type = "uji".to_owned();
        wish.attachments = town.wish("sktm", &Resident::new(1, ALONE)).await.attachments;
        let id = town.submit(wish.clone()).await.application_id;
        let draft = town.reader().get_draft(GetDraftRequest { application: id }).await.expect("a draft").pdf;
        let text = words(&draft);
        assert!(text.contains("dipakai di Provinsi Bengkulu, Kabupaten Lebong"), "{text}");
        // A province that is newer than the suite is named by the letterhead, or no letter names it.
        let mut new = Office { area: "97.01.01.2001".to_owned(), ..office(PLAIN) };
        town.apply(new.clone()).await;
        town.apply(Office { area: "97.01.01".to_owned(), ..office(SUB_DISTRICT) }).await;
        let mut there = town.wish("sktm", &Resident::new(3, "97.01.01.2001")).await;
        town.submit(there.clone()).await;
        there.letter_type = "uji".to_owned();
        there.attachments = town.wish("sktm", &Resident::new(3, PLAIN)).await.attachments;
        assert_eq!(town.nobody().submit_application(there.clone()).await.expect_err("no province").named(), [("subject.area", "OFFICE_INCOMPLETE")]);
        new.letterhead.insert(0, "Provinsi Baru".to_owned());
        town.apply(new).await;
        town.submit(there).await;
        // An agency of the province lies in no regency: what names one is not for it to issue.
        let agency = town.office("17/biro-umum").id.clone();
        let sentence = "Berlaku di #data.fields.kabupaten.";
        let own = include_str!("../../catalogue/izin_reklame.toml").replace("key = \"izin_reklame\"", "key = \"izin_uji\"");
        let text = format!("{}\n\n{sentence}\n", include_str!("../../catalogue/izin_reklame.typ"));
        let draft = town.save("ani", &own, &text).await.expect("saved");
        town.publish("budi", &draft).await.expect("published");
        let mut wish = town.wish("izin_reklame", &Resident::new(2, PLAIN)).await;
        wish.letter_type = "izin_uji".to_owned();
        wish.office_id = agency;
        assert_eq!(town.nobody().submit_application(wish).await.expect_err("no regency").named(), [("office_id", "OFFICE_INCOMPLETE")]);
    }

    /// 42. Bulk letters with row errors: what is only checked is not kept, and an official vouches for papers of his area alone.
    async fn should_42_what_is_only_checked_is_not_kept_and_papers_are_seen_by_officials_of_the_area(engine) {
        let town = Town::new(engine).await;
        let wish = SubmitApplicationRequest { attachments: Vec::new(), ..town.wish("sktm", &Resident::new(1, RT)).await };
        let seen = |validate_only: bool| SubmitApplicationRequest { papers_seen: true, validate_only, ..wish.clone() };
        // Without papers, and by nobody who may say that they were seen.
        let refused = town.nobody().submit_application(wish.clone()).await.expect_err("papers are asked for");
        assert!(refused.fields.iter().any(|(field, reason)| field.starts_with("attachments.") && reason == "REQUIRED"), "{refused:?}");
        for other in [town.nobody(), town.officer(PLAIN), town.reader()] {
            let refused = other.submit_application(seen(true)).await.expect_err("not of this area");
            assert_eq!(refused.fields, [("papers_seen".to_owned(), "NOT_YOUR_AREA".to_owned())].into());
        }
        let officer = town.officer(VILLAGE);
        let before = town.journal().await.len();
        assert_eq!(officer.submit_application(seen(true)).await.expect("sound").status, None);
        let mut wrong = seen(true);
        put(&mut wrong, "penghasilan", json!(-1));
        let refused = officer.submit_application(wrong).await.expect_err("checked as if it were handed in");
        assert!(refused.fields.iter().any(|(field, _)| field == "values.penghasilan"), "{refused:?}");
        assert_eq!((town.journal().await.len(), town.officer(VILLAGE).inbox().await.len()), (before, 0), "nothing is kept");
        let status = officer.submit_application(seen(false)).await.expect("taken").status.expect("a status");
        let application = town.seen(&status.application_id).await;
        assert_eq!((application.papers_seen_by.as_str(), application.attachments.len()), (account("VILLAGE_OFFICER", VILLAGE).as_str(), 0));
    }

    /// 42. Papers that were seen at the office count for the same persons alone, whom an application that was returned may name anew:
    /// the applicant, whom the letter is about, and everybody in a list.
    async fn should_42_papers_that_were_seen_count_for_the_same_persons_alone(engine) {
        let town = Town::new(engine).await;
        let (officer, vouched) = (town.officer(PLAIN), account("VILLAGE_OFFICER", PLAIN));
        let colleague = town.official_as("acc_rekan", "VILLAGE_OFFICER", PLAIN);
        let because = "isian belum sama dengan surat aslinya";
        // What is asked for anew, and whether the papers count for it.
        let again = async |wish: &SubmitApplicationRequest, changes: &[(&str, SubmitApplicationRequest, bool)]| {
            let file = town.upload(scan()).await.expect("an upload").file_id;
            let papers: Vec<_> = wish.attachments.iter().map(|it| Attachment { file_id: file.clone(), ..it.clone() }).collect();
            let seen = SubmitApplicationRequest { attachments: Vec::new(), papers_seen: true, ..wish.clone() };
            let status = officer.submit_application(seen).await.expect("taken").status.expect("a status");
            let id = &status.application_id;
            for (what, change, same) in changes {
                colleague.send_back(id, because).await.expect("returned");
                let without = ResubmitApplicationRequest {
                    code: status.code.clone(), values: change.values.clone(), subject: change.subject.clone(), ..ResubmitApplicationRequest::default()
                };
                let answer = town.nobody().resubmit_application(without.clone()).await;
                if *same {
                    answer.expect(what);
                    assert_eq!(town.seen(id).await.papers_seen_by, vouched, "{what}");
                    continue;
                }
                let refused = answer.expect_err(what);
                assert!(!refused.fields.is_empty(), "{what}: {refused:?}");
                assert!(refused.fields.iter().all(|(field, why)| field.starts_with("attachments.") && why == "REQUIRED"), "{what}: {refused:?}");
                assert_eq!(town.seen(id).await.state(), ApplicationState::Returned, "{what}");
                // With papers of its own it is taken, and nobody has vouched for it.
                let with = ResubmitApplicationRequest { attachments: papers.clone(), ..without };
                town.nobody().resubmit_application(with).await.expect(what);
                assert_eq!(town.seen(id).await.papers_seen_by, "", "{what}");
            }
        };
        let with = |wish: &SubmitApplicationRequest, key: &str, value: serde_json::Value| {
            let mut changed = wish.clone();
            put(&mut changed, key, value);
            changed
        };
        // The applicant.
        let applicant = Resident::new(1, PLAIN);
        let wish = town.wish("sktm", &applicant).await;
        let renamed = Resident { name: "Rohana Zulaiha".to_owned(), ..applicant.clone() };
        let of = |resident: &Resident| SubmitApplicationRequest { subject: Some(resident.subject()), ..wish.clone() };
        let other = Resident::new(2, PLAIN);
        again(&wish, &[
            ("as it was", wish.clone(), true), ("his name", of(&renamed), true), ("what he earns", with(&wish, "penghasilan", json!(900_000)), true),
            ("another applicant", of(&other), false), ("back again, and nobody saw it since", of(&applicant), false),
        ]).await;
        // Whom it is about, and who stands in a list, however the number is written and in whatever order they stand.
        let wish = town.wish("ahli_waris", &Resident::new(3, PLAIN)).await;
        let sample = values_of("ahli_waris");
        let heirs = sample["ahli_waris"].as_array().expect("heirs").clone();
        let changed = |key: &str, value: &str| {
            let mut heirs = heirs.clone();
            heirs[0][key] = json!(value);
            with(&wish, "ahli_waris", json!(heirs))
        };
        let nik = heirs[0]["nik"].as_str().expect("a number");
        let spaced = format!("{} {}-{}", &nik[..6], &nik[6..12], &nik[12..]);
        let (turned, fewer) = (json!([heirs[1], heirs[0]]), json!([heirs[0]]));
        again(&wish, &[
            ("the number written in another way", changed("nik", &spaced), true), ("a relation", changed("hubungan", "istri sah"), true),
            ("another order", with(&wish, "ahli_waris", turned), true), ("another heir", changed("nik", "1707055509649997"), false),
        ]).await;
        again(&wish, &[("an heir less", with(&wish, "ahli_waris", fewer), false)]).await;
        again(&wish, &[("another deceased", with(&wish, "nik_pewaris", json!("1707050301709997")), false)]).await;
        let without = with(&wish, "nik_pewaris", json!(""));
        again(&without, &[("another deceased without a number", with(&without, "nama_pewaris", json!("Umar Contoh")), false)]).await;
        // Who has no number yet is known by his name.
        let wish = town.wish("kelahiran", &Resident::new(4, PLAIN)).await;
        again(&wish, &[
            ("a place", with(&wish, "tempat_lahir_anak", json!("Muara Aman")), true), ("another child", with(&wish, "nama_anak", json!("Umar Contoh")), false),
        ]).await;
    }

    /// 31. Idempotency-Key on every POST that creates or moves state.
    async fn line_31_a_repeated_request_has_one_effect_and_another_body_is_refused(engine) {
        let town = Town::new(engine).await;
        let content = scan();
        let upload = UploadFileRequest { request_id: "unggah-1".to_owned(), content: content.clone() };
        let first = town.nobody().upload_file(upload.clone()).await.expect("taken");
        let stored = town.stored();
        assert_eq!(town.nobody().upload_file(upload.clone()).await.expect("the same answer"), first);
        let other = UploadFileRequest { content: scan(), ..upload };
        assert_eq!(town.nobody().upload_file(other).await.expect_err("other").what(), (Code::FailedPrecondition, "REQUEST_ID_REUSED"));
        assert_eq!(town.stored(), stored, "neither left a file that nobody names");

        let wish = SubmitApplicationRequest { request_id: "ajukan-1".to_owned(), ..town.wish("kehilangan", &Resident::new(1, RT)).await };
        let status = town.nobody().submits(&wish).await.expect("taken");
        assert_eq!(town.nobody().submits(&wish).await.expect("the same answer"), status);
        assert_eq!(town.officer(VILLAGE).inbox().await, std::slice::from_ref(&status.application_id));
        let mut other = wish.clone();
        put(&mut other, "pekerjaan", json!("Guru"));
        assert_eq!(town.nobody().submits(&other).await.expect_err("other").reason, "REQUEST_ID_REUSED");

        // A verb: the repetition is answered although the step is over.
        let application = town.seen(&status.application_id).await;
        let officer = town.officer(VILLAGE);
        let approve = ApproveApplicationRequest {
            request_id: "setuju-1".to_owned(),
            application: application.id.clone(),
            version: application.version,
            content_hash: application.content_hash.clone(),
        };
        let done = officer.approve_application(approve.clone()).await.expect("approved");
        assert_eq!(officer.approve_application(approve.clone()).await.expect("the same answer"), done);
        let other = ApproveApplicationRequest { content_hash: String::new(), ..approve.clone() };
        assert_eq!(officer.approve_application(other).await.expect_err("other").reason, "REQUEST_ID_REUSED");
        // Another person may choose the same id.
        let denied = town.head(VILLAGE).approve_application(approve).await.expect_err("it waits for a signature");
        assert_ne!(denied.reason, "REQUEST_ID_REUSED");

        // A repetition is answered before its content is judged: the type may be gone by then.
        let wish = SubmitApplicationRequest { request_id: "ajukan-lagi".to_owned(), ..town.wish("kehilangan", &Resident::new(77, RT)).await };
        let kept = town.submit(wish.clone()).await;
        let retire = RetireLetterTypeRequest { letter_type: "kehilangan".to_owned(), reason: "tidak dilayani lagi di sini".to_owned(), ..Default::default() };
        town.editor("satu").retire_letter_type(retire).await.expect("retired");
        assert_eq!(town.submit(wish.clone()).await, kept);
        let other = SubmitApplicationRequest { request_id: "ajukan-baru".to_owned(), ..wish };
        town.nobody().submit_application(other).await.expect_err("nobody offers it");

        // A signature: one document, one number, however often it is asked for.
        let head = town.head(VILLAGE);
        let sign = SignApplicationsRequest { request_id: "teken-1".to_owned(), ..head.to_sign(&[&status.application_id]).await };
        for _ in 0..2 {
            let results = town.head(VILLAGE).sign_applications(sign.clone()).await.expect("signed").results;
            assert!(results[0].signed, "{results:?}");
        }
        let application = town.seen(&status.application_id).await;
        assert_eq!(history(&application).iter().filter(|what| **what == "SIGN").count(), 1);
        assert_eq!((application.numbers.len(), town.document(&application.document_id).await.signatures), (1, 1));
        let revoke = RevokeDocumentRequest {
            request_id: "cabut-1".to_owned(),
            document: application.document_id.clone(),
            version: 0,
            reason: "terbit atas data yang keliru".to_owned(),
        };
        let done = town.head(VILLAGE).revoke_document(revoke.clone()).await.expect("revoked");
        assert_eq!(town.head(VILLAGE).revoke_document(revoke).await.expect("the same answer"), done);
        assert_eq!(town.events_of(&application.document_id).await, ["surat.dicabut"]);
    }

    /// 35. Attachments: type sniffed, size limited, stored encrypted; what nobody used is deleted.
    async fn line_35_attachments_are_judged_limited_and_encrypted(engine) {
        let town = Town::new(engine).await;
        for (content, reason) in [
            (b"MZ\x90\x00 this program".to_vec(), "INVALID_TYPE"),
            (b"<html><script>alert(1)</script></html>".to_vec(), "INVALID_TYPE"),
            (b"PK\x03\x04....................".to_vec(), "INVALID_TYPE"),
            (Vec::new(), "INVALID_LENGTH"),
            ([b"%PDF-1.7\n".as_slice(), &vec![b' '; 3 << 20]].concat(), "INVALID_LENGTH"),
        ] {
            assert_eq!(town.upload(content).await.expect_err("refused").named(), [("content", reason)]);
        }
        let mut largest = b"%PDF-1.7\n".to_vec();
        largest.resize(3 << 20, b' ');
        let largest = town.upload(largest).await.expect("exactly 3 MiB are taken");
        assert_eq!((largest.size, largest.media_type.as_str()), (3 << 20, "application/pdf"));

        let secret = [scan(), b"RAHASIA-DI-DALAM-BERKAS".to_vec()].concat();
        let file = town.upload(secret.clone()).await.expect("taken");
        let mut wish = town.wish("kehilangan", &Resident::new(1, RT)).await;
        wish.attachments = vec![attached(&file, "identitas")];
        let status = town.nobody().submits(&wish).await.expect("taken");
        let request = GetAttachmentRequest { application: status.application_id.clone(), file: file.file_id.clone() };
        let read = town.officer(VILLAGE).get_attachment(request).await.expect("a file");
        assert_eq!((read.content, read.media_type.as_str()), (secret, "application/pdf"));
        assert!(town.journal_of(&status.application_id).await.contains(&"attachment.viewed".to_owned()));
        // Nothing in the folder can be read by who has the folder.
        let mut files = 0;
        let mut folders = vec![town.files()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
                if entry.is_dir() {
                    folders.push(entry);
                    continue;
                }
                files += 1;
                let bytes = std::fs::read(&entry).expect("a file");
                for needle in [b"RAHASIA".as_slice(), b"%PDF", b"PRIVATE KEY"] {
                    assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{}", entry.display());
                }
            }
        }
        assert!(files >= 3, "the seal and the uploads");
        // A file belongs to the application that it came with.
        let mut thief = town.wish("kehilangan", &Resident::new(2, RT)).await;
        thief.attachments = vec![attached(&file, "identitas")];
        assert_eq!(town.nobody().submits(&thief).await.expect_err("it is another's").code, Code::NotFound);
        // What nobody used is gone a day later; what somebody used stays.
        town.wait(TimeDelta::hours(25));
        town.sweep().await;
        thief.attachments = vec![attached(&largest, "identitas")];
        assert_eq!(town.nobody().submits(&thief).await.expect_err("it is gone").named(), [("attachments[0].file_id", "NO_FILE")]);
        let request = GetAttachmentRequest { application: status.application_id, file: file.file_id };
        town.officer(VILLAGE).get_attachment(request).await.expect("it stays");
    }

    /// Ask once: what a person told with one form fills the next; each look stands in the person's log.
    async fn line_06_what_was_told_once_fills_the_next_form_and_is_logged(engine) {
        let town = Town::new(engine).await;
        let resident = Resident::new(1, PLAIN);
        let status = town.applied("sktm", &resident).await;
        let prefill = PrefillApplicationRequest { code: status.code.clone(), nik: resident.nik.clone(), letter_type: "domisili".to_owned() };
        let filled = town.nobody().prefill_application(prefill.clone()).await.expect("filled");
        assert_eq!(filled.subject, Some(resident.subject()));
        let values = filled.values.expect("values").fields;
        let told = structure(&values_of("sktm")).fields;
        for key in ["tempat_lahir", "tanggal_lahir", "pekerjaan"] {
            assert_eq!(values.get(key), told.get(key), "{key}");
        }
        // Only what the other form asks.
        assert!(!values.contains_key("penghasilan") && !values.contains_key("tujuan"), "{values:?}");
        // Anybody can begin an application with another's number: it gives back what he typed himself, nothing of hers.
        let thief = town.applied("kehilangan", &Resident { name: "Orang Lain".to_owned(), ..resident.clone() }).await;
        let mut theft = PrefillApplicationRequest { code: thief.code.clone(), letter_type: "sktm".to_owned(), ..prefill.clone() };
        let stolen = town.nobody().prefill_application(theft.clone()).await.expect("filled").values.expect("values").fields;
        assert!(stolen.contains_key("pekerjaan") && !stolen.contains_key("agama"), "{stolen:?}");
        // Issued, which means that somebody looked who she is, it opens what she told elsewhere.
        town.finish(&status.application_id).await;
        let stolen = town.nobody().prefill_application(theft.clone()).await.expect("filled").values.expect("values").fields;
        assert!(!stolen.contains_key("agama"), "{stolen:?}");
        let (second, _) = town.issued("kehilangan", &resident).await;
        theft.code = second.code;
        let own = town.nobody().prefill_application(theft).await.expect("filled").values.expect("values").fields;
        assert_eq!(own.get("agama"), told.get("agama"));
        let looked: Vec<_> = town.journal().await.into_iter().filter(|entry| entry.what == "person.prefilled").collect();
        assert_eq!(looked.len(), 4);
        assert!(looked[0].subject != resident.nik && !looked[0].detail.contains(&resident.nik), "{looked:?}");
        let log = ListDocumentJournalRequest { subject: looked[0].subject.clone(), ..ListDocumentJournalRequest::default() };
        let log = town.admin().list_document_journal(log).await.expect("the person's log").entries;
        assert_eq!((log.len(), log[0].what.as_str(), log[0].who.as_str()), (4, "person.prefilled", "public"));
        // The code alone tells nothing, and nor does the number.
        for wrong in [
            PrefillApplicationRequest { nik: Resident::new(2, PLAIN).nik, ..prefill.clone() },
            PrefillApplicationRequest { nik: String::new(), ..prefill.clone() },
            PrefillApplicationRequest { code: "0000-0000-0000-0000".to_owned(), ..prefill },
        ] {
            assert_eq!(town.nobody().prefill_application(wrong).await.expect_err("refused").code, Code::NotFound);
        }
    }

    /// 6. Who holds a code guesses no number: wrong ones are counted and recorded, and after five the right one is of no use for a
    /// while either.
    async fn line_06_wrong_numbers_for_a_prefilled_form_are_counted_and_recorded(engine) {
        let town = Town::new(engine).await;
        let resident = Resident::new(1, PLAIN);
        let status = town.applied("sktm", &resident).await;
        let other = town.applied("sktm", &Resident::new(2, PLAIN)).await;
        let ask = async |code: &str, nik: &str| {
            let request = PrefillApplicationRequest { code: code.to_owned(), nik: nik.to_owned(), letter_type: "domisili".to_owned() };
            town.nobody().prefill_application(request).await.map(|_| ()).map_err(|refusal| refusal.reason)
        };
        // Many at once are counted like one after another.
        let guesses: Vec<_> = (10..18).map(|guess| Resident::new(guess, PLAIN).nik).collect();
        let answers = futures::future::join_all(guesses.iter().map(|guess| ask(&status.code, guess))).await;
        let refused = |reason: &str| answers.iter().filter(|it| it.as_ref().err().is_some_and(|it| it == reason)).count();
        assert_eq!((refused("NOT_FOUND"), refused("TOO_MANY_TRIES")), (5, 3), "{answers:?}");
        assert_eq!(ask(&status.code, &resident.nik).await.expect_err("not now"), "TOO_MANY_TRIES");
        // Another application is not concerned.
        ask(&other.code, &Resident::new(2, PLAIN).nik).await.expect("filled");
        town.wait(TimeDelta::minutes(16));
        ask(&status.code, &resident.nik).await.expect("filled");
        let tries = town.journal_of(&status.application_id).await;
        assert_eq!(tries.iter().filter(|what| *what == "application.prefill_refused").count(), 5);
        let journal = town.journal().await;
        assert!(journal.iter().all(|entry| guesses.iter().all(|guess| !format!("{entry:?}").contains(guess))), "no number stands in it");
    }

    /// 6 and 10. What was returned comes back whole, to who knows the code and the number: nothing is typed or uploaded twice.
    async fn line_10_a_returned_application_is_corrected_without_telling_it_again(engine) {
        let town = Town::new(engine).await;
        let resident = Resident::new(1, PLAIN);
        let wish = town.wish("sktm", &resident).await;
        let status = town.submit(wish.clone()).await;
        let prefill = PrefillApplicationRequest { code: status.code.clone(), nik: resident.nik.clone(), letter_type: "sktm".to_owned() };
        // Not before it is returned.
        let early = town.nobody().prefill_application(prefill.clone()).await.expect("filled");
        assert!(early.attachments.is_empty() && !early.values.expect("values").fields.contains_key("penghasilan"));
        town.officer(PLAIN).send_back(&status.application_id, "penghasilan tidak sesuai slip gaji").await.expect("returned");
        let status = town.status(&status.code).await;
        assert_eq!((status.state(), status.letter_type_version), (ApplicationState::Returned, 1));
        let back = town.nobody().prefill_application(prefill.clone()).await.expect("filled");
        let mut values = back.values.expect("values");
        for (key, told) in &wish.values.clone().expect("values").fields {
            assert_eq!(values.fields.get(key), Some(told), "{key}");
        }
        let named = |files: &[Attachment]| {
            let mut named: Vec<_> = files.iter().map(|it| (it.requirement.clone(), it.file_id.clone())).collect();
            named.sort();
            named
        };
        assert_eq!(named(&back.attachments), named(&wish.attachments));
        // The number opens it, and only with the code; another type gets what it asks and no file.
        let wrong = PrefillApplicationRequest { nik: Resident::new(2, PLAIN).nik, ..prefill.clone() };
        assert_eq!(town.nobody().prefill_application(wrong).await.expect_err("refused").code, Code::NotFound);
        let other = PrefillApplicationRequest { letter_type: "domisili".to_owned(), ..prefill.clone() };
        let other = town.nobody().prefill_application(other).await.expect("filled");
        assert!(other.attachments.is_empty() && !other.values.expect("values").fields.contains_key("penghasilan"));
        // One value is corrected, one paper is exchanged, the rest stands; the type has a newer version, or is no more offered.
        let retire = RetireLetterTypeRequest {
            letter_type: "sktm".to_owned(), reason: "diganti jenis lain".to_owned(), ..RetireLetterTypeRequest::default()
        };
        town.editor("ani").retire_letter_type(retire).await.expect("retired");
        assert!(!town.nobody().prefill_application(prefill).await.expect("filled").attachments.is_empty());
        let better = town.upload(scan()).await.expect("an upload");
        values.fields.insert("penghasilan".to_owned(), structure(json!({"it": 900_000}).as_object().expect("an object")).fields["it"].clone());
        let mut attachments = back.attachments;
        attachments[0].file_id.clone_from(&better.file_id);
        let resubmit = ResubmitApplicationRequest { code: status.code, values: Some(values), attachments, ..ResubmitApplicationRequest::default() };
        town.nobody().resubmit_application(resubmit).await.expect("corrected");
        let seen = town.seen(&status.application_id).await;
        assert_eq!((seen.state(), seen.attachments.len()), (ApplicationState::InReview, wish.attachments.len()));
        assert_eq!(seen.attachments[0].file_id, better.file_id);
        assert_eq!(seen.values.expect("values").fields["penghasilan"], any_number(900_000.0));
        // A file of another application is not to be had by its id.
        let wish = town.wish("kehilangan", &Resident::new(3, PLAIN)).await;
        let mut attachments = wish.attachments.clone();
        attachments[0].file_id.clone_from(&better.file_id);
        let stranger = town.submit(wish.clone()).await;
        let why = "lampirkan surat dari kepolisian";
        town.officer(PLAIN).send_back(&stranger.application_id, why).await.expect("returned");
        let theft = ResubmitApplicationRequest {
            code: stranger.code,
            values: wish.values,
            attachments,
            ..ResubmitApplicationRequest::default()
        };
        assert_eq!(town.nobody().resubmit_application(theft).await.expect_err("refused").code, Code::NotFound);
    }

    /// 10. Who applied under a wrong name or number corrects it where it was returned: name, NIK, family card, address, telephone and
    /// e-mail. Where he lives stays, for it says who decides.
    async fn line_10_a_returned_applicant_corrects_name_and_numbers(engine) {
        let town = Town::new(engine).await;
        let (wrong, right) = (Resident { name: "Rohana Zulaiha".to_owned(), ..Resident::new(8, PLAIN) }, Resident::new(1, PLAIN));
        let wish = town.wish("sktm", &wrong).await;
        let status = town.submit(wish.clone()).await;
        let id = &status.application_id;
        let why = "nama dan NIK tidak sama dengan KTP";
        town.officer(PLAIN).send_back(id, why).await.expect("returned");
        let as_told = ResubmitApplicationRequest {
            code: status.code.clone(), values: wish.values, attachments: wish.attachments, ..ResubmitApplicationRequest::default()
        };
        // Without a word of the person it stays as it was.
        town.nobody().resubmit_application(as_told.clone()).await.expect("handed in again");
        assert_eq!(town.seen(id).await.subject, Some(wrong.subject()));
        town.officer(PLAIN).send_back(id, why).await.expect("returned");
        let bad = Subject { nik: "123".to_owned(), family_card: "1".to_owned(), phone: "x".to_owned(), ..right.subject() };
        let bad = ResubmitApplicationRequest { subject: Some(bad), ..as_told.clone() };
        let refused = town.nobody().resubmit_application(bad).await.expect_err("wrong numbers");
        for field in ["subject.nik", "subject.family_card", "subject.phone"] {
            assert!(refused.fields.contains_key(field), "{refused:?}");
        }
        // His number may be another one, and not none: it says who may decide and who gets the file.
        let without = Subject { nik: " ".to_owned(), ..right.subject() };
        let without = ResubmitApplicationRequest { subject: Some(without), ..as_told.clone() };
        let refused = town.nobody().resubmit_application(without).await.expect_err("no number");
        assert_eq!(refused.named(), [("subject.nik", "REQUIRED")]);
        assert_eq!(town.seen(id).await.subject, Some(wrong.subject()));
        assert!(!history(&town.seen(id).await).contains(&"RESUBMIT_PERSON"));
        let expected = Subject {
            family_card: "1707021203180001".to_owned(),
            address: "Jalan Mawar Nomor 7".to_owned(),
            phone: "081298765432".to_owned(),
            email: "rohana@contoh.id".to_owned(),
            ..right.subject()
        };
        let moved = Subject { area: "17.07.02.2003".to_owned(), non_resident: true, ..expected.clone() };
        let corrected = ResubmitApplicationRequest { subject: Some(moved), ..as_told };
        town.nobody().resubmit_application(corrected).await.expect("corrected");
        let seen = town.seen(id).await;
        // Whoever sent it back sees that it is another person's number now, and so does the journal, without the number.
        let happened: Vec<_> = history(&seen).into_iter().filter(|what| what.starts_with("RESUBMIT")).collect();
        assert_eq!(happened, ["RESUBMIT", "RESUBMIT_PERSON"]);
        let told: Vec<_> = town.journal().await.into_iter().filter(|entry| entry.what == "application.resubmitted").collect();
        assert_eq!(told.iter().map(|entry| entry.detail.contains("\"personChanged\":true")).collect::<Vec<_>>(), [false, true]);
        assert!(told.iter().all(|entry| !entry.detail.contains(&right.nik)));
        assert_eq!((seen.state(), seen.subject), (ApplicationState::InReview, Some(expected)));
        // The letter says what is right, and nothing of what was wrong.
        let draft = town.reader().get_draft(GetDraftRequest { application: id.clone() }).await.expect("a draft").pdf;
        let text = words(&draft);
        for part in [&right.name, &right.nik, "1707021203180001", "Jalan Mawar Nomor 7"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("Zulaiha") && !text.contains(&wrong.nik), "{text}");
        // He is known by the right number from now on: a second application is one too many, the form and the file open with it.
        let second = town.applied("sktm", &right).await.application_id;
        assert_eq!(town.seen(&second).await.possible_duplicates, std::slice::from_ref(id));
        let other = town.applied("sktm", &wrong).await.application_id;
        assert!(town.seen(&other).await.possible_duplicates.is_empty());
        let prefill = PrefillApplicationRequest { code: status.code.clone(), nik: right.nik.clone(), letter_type: "domisili".to_owned() };
        town.nobody().prefill_application(prefill.clone()).await.expect("filled");
        let prefill = PrefillApplicationRequest { nik: wrong.nik, ..prefill };
        assert_eq!(town.nobody().prefill_application(prefill).await.expect_err("not his any more").code, Code::NotFound);
        town.finish(id).await;
        for (digits, opens) in [("0008", false), ("0001", true)] {
            let link = CreateDownloadLinkRequest { code: status.code.clone(), nik_last4: digits.to_owned() };
            assert_eq!(town.nobody().create_download_link(link).await.is_ok(), opens, "{digits}");
        }
    }

    /// 10 and 12. Nor does a corrected number let an official decide on what is his own.
    async fn line_10_a_corrected_number_is_compared_with_who_decides(engine) {
        let town = Town::new(engine).await;
        let wish = town.wish("sktm", &Resident::new(8, PLAIN)).await;
        let status = town.submit(wish.clone()).await;
        town.officer(PLAIN).send_back(&status.application_id, "NIK tidak sama dengan KTP").await.expect("returned");
        let subject = Resident { nik: official_nik(1), ..Resident::new(8, PLAIN) }.subject();
        let corrected = ResubmitApplicationRequest {
            code: status.code, values: wish.values, attachments: wish.attachments, subject: Some(subject), ..ResubmitApplicationRequest::default()
        };
        town.nobody().resubmit_application(corrected).await.expect("corrected");
        town.walk(&status.application_id).await;
        let result = town.head(PLAIN).sign(&status.application_id).await;
        assert_eq!((result.signed, result.reason.as_str()), (false, "OWN_APPLICATION"));
    }

    /// 31. An answer is given again for three days, and then the request is another one; so it is, too, when what the answer names was
    /// cleaned up.
    async fn line_31_an_answer_is_given_again_for_three_days(engine) {
        let town = Town::new(engine).await;
        let wish = SubmitApplicationRequest { request_id: "ajukan-lama".to_owned(), ..town.wish("kehilangan", &Resident::new(1, PLAIN)).await };
        let first = town.submit(wish.clone()).await;
        let upload = UploadFileRequest { request_id: "unggah-lama".to_owned(), content: scan() };
        let file = town.nobody().upload_file(upload.clone()).await.expect("taken").file.expect("a file");
        town.wait(TimeDelta::hours(71));
        town.sweep().await;
        assert_eq!(town.submit(wish.clone()).await.application_id, first.application_id);
        // Nobody handed this in, and it lies here no more: it is taken anew, once.
        let again = town.nobody().upload_file(upload.clone()).await.expect("taken again").file.expect("a file");
        assert_ne!(again.file_id, file.file_id);
        assert_eq!(town.nobody().upload_file(upload.clone()).await.expect("the same answer").file, Some(again.clone()));
        let attachments = wish.attachments.iter().map(|it| Attachment { file_id: again.file_id.clone(), ..it.clone() }).collect();
        town.submit(SubmitApplicationRequest { request_id: "ajukan-lain".to_owned(), attachments, ..wish.clone() }).await;
        assert_eq!(town.nobody().upload_file(upload).await.expect("the same answer").file, Some(again), "handed in, it stays");
        town.wait(TimeDelta::minutes(61));
        town.sweep().await;
        // The papers are the first one's.
        let refused = town.nobody().submit_application(wish).await.expect_err("it is done again");
        assert_eq!(refused.code, Code::NotFound);
    }

    /// 35. A scanner looks at every upload before it is stored, and nothing is taken that it has not seen.
    async fn line_35_a_scanner_looks_at_every_upload(engine) {
        let clamd = Clamd::start().await;
        let town = Town::scanned(engine, &clamd.address).await;
        let clean = scan();
        town.upload(clean.clone()).await.expect("clean");
        assert_eq!(clamd.seen(), [clean]);
        let stored = std::fs::read_dir(town.files()).expect("a folder").count();
        let infected = [b"%PDF-1.7\n".as_slice(), EICAR].concat();
        let refusal = town.upload(infected).await.expect_err("infected");
        assert_eq!((refusal.code, refusal.named()), (Code::InvalidArgument, vec![("content", "INFECTED")]));
        // Larger than it looks at: what it could not see is not taken, nor is anything while it is away.
        let refusal = town.upload([b"%PDF-1.7\n".as_slice(), &vec![b' '; 1 << 20]].concat()).await.expect_err("not seen");
        assert_eq!(refusal.code, Code::Unavailable);
        clamd.ends();
        assert_eq!(town.upload(scan()).await.expect_err("away").code, Code::Unavailable);
        assert_eq!(std::fs::read_dir(town.files()).expect("a folder").count(), stored, "nothing of it lies here");
    }

    /// 43. Duplicate detection: same subject + type within N days warns.
    async fn should_43_an_official_is_told_of_earlier_applications_for_the_same(engine) {
        let town = Town::new(engine).await;
        let resident = Resident::new(1, PLAIN);
        let first = town.applied("sktm", &resident).await;
        town.applied("domisili", &resident).await;
        town.applied("sktm", &Resident::new(2, PLAIN)).await;
        assert!(town.seen(&first.application_id).await.possible_duplicates.is_empty());
        town.wait(TimeDelta::days(29));
        let second = town.applied("sktm", &resident).await;
        assert_eq!(town.seen(&second.application_id).await.possible_duplicates, std::slice::from_ref(&first.application_id));
        // One that was withdrawn is none, nor one beyond the window.
        town.wait(TimeDelta::days(2));
        let third = town.applied("sktm", &resident).await;
        assert_eq!(town.seen(&third.application_id).await.possible_duplicates, std::slice::from_ref(&second.application_id));
        let request = WithdrawApplicationRequest { code: second.code, ..WithdrawApplicationRequest::default() };
        town.nobody().withdraw_application(request).await.expect("withdrawn");
        assert!(town.seen(&third.application_id).await.possible_duplicates.is_empty());
    }
}

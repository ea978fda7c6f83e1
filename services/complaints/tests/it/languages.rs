//! Indonesian first, and other languages beside it: C-65. What is understood in chats is tested where chats are.

use mpp_kit::testing::Engine;
use mpp_proto::complaints::v1::*;
use mpp_proto::notifications::v1::CreateNotificationRequest;
use tonic::Code;

use crate::regency::*;

async fn languages(regency: &Regency) -> Vec<Language> {
    regency.nobody().list_languages(ListLanguagesRequest::default()).await.unwrap().languages
}

async fn language(regency: &Regency, code: &str) -> Language {
    languages(regency).await.into_iter().find(|it| it.code == code).unwrap()
}

async fn apply(regency: &Regency, language: Language) -> Result<Language, Refusal> {
    let request = ApplyLanguageRequest { language: Some(language), ..ApplyLanguageRequest::default() };
    Ok(regency.admin().apply_language(request).await?.language.unwrap())
}

fn told_in(request: &CreateNotificationRequest) -> String {
    request.recipient.clone().unwrap_or_default().language
}

/// The last message of a type about this number.
async fn message(regency: &Regency, message_type: &str, number: &str) -> CreateNotificationRequest {
    let find = || {
        let all = regency.messages.of_type(message_type);
        all.into_iter().rev().find(|it| it.placeholders["nomor"] == number)
    };
    regency.until("it is sent", || async { find().is_some() }).await;
    find().unwrap()
}

lines! {
    async fn c_65_notices_follow_the_language_of_the_reporter(engine) {
        let regency = Regency::new(engine).await;
        let in_language = |code: &str| FileComplaintRequest { language: code.to_owned(), ..Regency::report() };
        let visitor = regency.file(in_language("en")).await;
        let citizen = regency.file(in_language("")).await;
        assert_eq!(told_in(&message(&regency, "tanda_terima", &visitor.number).await), "en");
        assert_eq!(told_in(&message(&regency, "tanda_terima", &citizen.number).await), "id");
        for (filed, status) in [(&visitor, "verified"), (&citizen, "terverifikasi")] {
            regency.coordinator().verify(&filed.id).await.unwrap();
            let told = message(&regency, "perubahan_status", &filed.number).await;
            assert_eq!(told.placeholders["status"], status);
        }
        // What nobody who speaks it has read is not offered.
        let refused = regency.nobody().file_complaint(in_language("bjn")).await.unwrap_err();
        assert_eq!(refused.fields.get("language").map(String::as_str), Some("UNKNOWN_LANGUAGE"));
        let read = Language { active: true, source: "Diperiksa penutur asli".to_owned(), ..language(&regency, "bjn").await };
        apply(&regency, read).await.unwrap();
        let banjar = regency.file(in_language("bjn")).await;
        assert_eq!(told_in(&message(&regency, "tanda_terima", &banjar.number).await), "bjn");
        // A reporter may choose another one later; the case is as it was.
        let version = regency.seen(&citizen.id).await.version;
        let says = AnswerComplaintRequest { language: "bjn".to_owned(), ..citizen.says("") };
        regency.nobody().answer_complaint(says).await.unwrap();
        assert_eq!(regency.seen(&citizen.id).await.version, version);
        regency.coordinator().dispose(&citizen.id, PUPR).await.unwrap();
        regency
            .until("it is told in Banjar", || async {
                let told = message(&regency, "perubahan_status", &citizen.number).await;
                told_in(&told) == "bjn" && told.placeholders["status"] == "sudah ditarusakan ka dinas"
            })
            .await;
        let wrong = AnswerComplaintRequest { language: "xx".to_owned(), ..citizen.says("") };
        let refused = regency.nobody().answer_complaint(wrong).await.unwrap_err();
        assert_eq!(refused.fields.get("language").map(String::as_str), Some("UNKNOWN_LANGUAGE"));
    }

    async fn c_27_why_it_was_closed_and_where_it_went_is_told_in_the_language_of_the_reporter(engine) {
        let regency = Regency::new(engine).await;
        let mut told = Vec::new();
        for language in ["en", "id"] {
            let in_language = |secrecy: Secrecy| FileComplaintRequest {
                language: language.to_owned(),
                secrecy: secrecy.into(),
                ..Regency::report()
            };
            let archived = regency.file(in_language(Secrecy::Open)).await;
            let request = ArchiveComplaintRequest {
                complaint: archived.id.clone(),
                reason: "IN_COURT".to_owned(),
                advice: "Tunggu putusan pengadilan.".to_owned(),
                ..ArchiveComplaintRequest::default()
            };
            regency.coordinator().archive_complaint(request).await.unwrap();
            told.push(message(&regency, "perubahan_status", &archived.number).await.placeholders["status"].clone());
            for secrecy in [Secrecy::Open, Secrecy::Anonymous] {
                let forwarded = regency.file(in_language(secrecy)).await;
                let request = ForwardComplaintOutsideRequest {
                    complaint: forwarded.id.clone(),
                    reason: "POLICE".to_owned(),
                    forwarded_to: "Polres Contoh".to_owned(),
                    advice: "Hubungi Polres dengan nomor laporan ini.".to_owned(),
                    ..ForwardComplaintOutsideRequest::default()
                };
                regency.coordinator().forward_complaint_outside(request).await.unwrap();
                let sent = message(&regency, "perubahan_status", &forwarded.number).await;
                told.push(sent.placeholders["status"].clone());
            }
        }
        assert_eq!(
            told,
            [
                "closed with this reason: the matter is before a court",
                "passed on to Polres Contoh (a matter of the police)",
                "passed on to the authority in charge (a matter of the police)",
                "ditutup dengan alasan: perkaranya sedang di pengadilan",
                "diteruskan ke Polres Contoh (wewenang kepolisian)",
                "diteruskan ke lembaga yang berwenang (wewenang kepolisian)",
            ]
        );
    }

    async fn c_65_an_administrator_adds_a_language_in_versions_held_against_indonesian(engine) {
        let regency = Regency::new(engine).await;
        let shipped = languages(&regency).await;
        let told = shipped.iter().map(|it| (it.code.as_str(), it.active, it.version, it.confidence.as_str()));
        assert_eq!(told.collect::<Vec<_>>(), [("bjn", false, 1, "C"), ("en", true, 1, "B"), ("id", true, 1, "A")]);
        let new = Language {
            code: "jv".to_owned(),
            name: "Basa Jawa".to_owned(),
            active: true,
            confidence: "B".to_owned(),
            source: "Balai Bahasa".to_owned(),
            phrases: [("status.SETTLED".to_owned(), "wis rampung".to_owned())].into(),
            words: vec![LanguageWords { meaning: "DONE".to_owned(), words: vec!["wis".to_owned()] }],
            ..Language::default()
        };
        assert_eq!(apply(&regency, new.clone()).await.unwrap().version, 1);
        assert_eq!(apply(&regency, new.clone()).await.unwrap().version, 2);
        assert_eq!(language(&regency, "jv").await.version, 2);
        let refused = async |language: Language| apply(&regency, language).await.unwrap_err().fields;
        let with = |change: &dyn Fn(&mut Language)| {
            let mut language = new.clone();
            change(&mut language);
            language
        };
        for (language, field, reason) in [
            (with(&|it| it.code = "Jawa".to_owned()), "language.code", "INVALID_CODE"),
            (with(&|it| it.confidence = "D".to_owned()), "language.confidence", "UNKNOWN_WORD"),
            (with(&|it| it.source.clear()), "language.source", "INVALID_LENGTH"),
            (with(&|it| it.words[0].meaning = "MAYBE".to_owned()), "language.words[0].meaning", "UNKNOWN_WORD"),
            (with(&|it| it.words[0].words.push("Rahasia".to_owned())), "language.words", "AMBIGUOUS"),
            (
                with(&|it| drop(it.phrases.insert("which_case".to_owned(), "sing endi?".to_owned()))),
                "language.phrases.which_case",
                "GAPS_DIFFER",
            ),
            (
                with(&|it| drop(it.phrases.insert("greeting".to_owned(), "sugeng".to_owned()))),
                "language.phrases.greeting",
                "UNKNOWN_PHRASE",
            ),
        ] {
            assert_eq!(refused(language).await.get(field).map(String::as_str), Some(reason), "{field}");
        }
        let off = Language { active: false, ..language(&regency, "id").await };
        assert_eq!(refused(off).await.get("language.active").map(String::as_str), Some("ALWAYS_ACTIVE"));
        assert_eq!(language(&regency, "jv").await.version, 2, "nothing of all this was kept");
        let request = ApplyLanguageRequest { language: Some(new), ..ApplyLanguageRequest::default() };
        assert_eq!(regency.agency(PUPR).apply_language(request).await.unwrap_err().code, Code::PermissionDenied);
    }
}

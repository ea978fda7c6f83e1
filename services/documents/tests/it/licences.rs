//! Lines 29 and 30: licences of OSS that are worked on here, to their end and beyond.

use mpp_documents::Config;
use mpp_kit::config::Secret;
use mpp_kit::testing::Engine;
use mpp_proto::documents::v1::*;
use serde_json::{Value, json};

use super::oss::TOKEN;
use super::town::{AGENCY, Client, Town, structure};

/// The number of the person who answers for the company.
pub(crate) const NIK: &str = "1707026602929998";

pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.oss.enabled = true;
    config.oss.base_url = "http://127.0.0.1:9".to_owned();
    config.oss.user_key = Secret::from("kunci".to_owned());
    config.oss.username = Secret::from("OSSUSER".to_owned());
    config.oss.password = Secret::from("rahasia".to_owned());
    config.oss.agency_code = "033".to_owned();
    config.oss.office = AGENCY.to_owned();
    config
}

/// A licence as OSS brings it.
pub(crate) fn brought(identity: &str, document_type: &str) -> ReceiveOssCallRequest {
    let nib = json!({
        "nib": "1234567890123",
        "oss_id": "OSS-1",
        "nama_perseroan": "PT Contoh Kopi Lebong",
        "alamat_perseroan": "Jalan Lintas Curup Nomor 8",
        "tipe_dokumen": document_type,
        "penanggung_jwb": [{"nama_penanggung_jwb": "Rohana Zulaikha", "no_identitas_penanggung_jwb": identity}],
        "data_proyek": [{"id_proyek": "R-1", "kbli": "10761"}],
        "data_checklist": [{
            "id_proyek": "R-1",
            "id_izin": "I-1",
            "jenis_izin": "04",
            "kd_izin": "033000000001",
            "kd_daerah": "1707000000",
            "kewenangan": "02",
            "nama_izin": "Sertifikat standar industri pengolahan kopi",
        }],
    });
    ReceiveOssCallRequest {
        method: "receiveNIB".to_owned(),
        token: TOKEN.to_owned(),
        body: json!({ "dataNIB": nib }).to_string(),
    }
}

impl Town {
    pub(crate) async fn bring(&self, call: ReceiveOssCallRequest) {
        let answer = self.nobody().receive_oss_call(call).await.expect("an answer");
        assert_eq!(answer.http_status, 200, "{}", answer.body);
    }

    /// The only licence.
    pub(crate) async fn licence(&self) -> Licence {
        let request = ListLicencesRequest::default();
        let mut found = self.reader().list_licences(request).await.expect("licences").licences;
        assert_eq!(found.len(), 1);
        let request = GetLicenceRequest { licence: found.remove(0).id };
        self.reader().get_licence(request).await.expect("it is there").licence.expect("a licence")
    }
}

fn told(licence: &Licence) -> Vec<(&str, &str)> {
    licence.messages.iter().map(|it| (it.kind.as_str(), it.status_code.as_str())).collect()
}

lines! {
    /// 30. A licence whose data does not fit its type is not lost: an official gives what is missing, and it goes on. OSS takes it
    /// back, and its application ends.
    async fn line_30_a_licence_that_does_not_fit_gets_its_application_from_an_official(engine) {
        let town = Town::configured(engine, config()).await;
        // A passport is no population number.
        town.bring(brought("X1234567", "9")).await;
        let licence = town.licence().await;
        assert_eq!((licence.application_id.as_str(), licence.area.as_str()), ("", "17.07"));
        let officer = town.official("AGENCY_OFFICER", AGENCY);
        let request = |id: &str, values: Value| CreateLicenceApplicationRequest {
            request_id: id.to_owned(),
            licence: licence.id.clone(),
            version: licence.version,
            values: values.as_object().map(structure),
        };
        // Neither a village of the region nor who only reads may.
        for stranger in [town.official("VILLAGE_HEAD", "17.07"), town.reader()] {
            let refused = stranger.create_licence_application(request("x", json!({}))).await;
            assert_eq!(refused.expect_err("not his").reason, "NOT_FOUND");
        }
        let unfit = officer.create_licence_application(request("a", json!({}))).await.expect_err("a passport");
        assert!(unfit.named().iter().any(|(field, _)| *field == "values.nik"), "{:?}", unfit.named());
        let odd = request("b", json!({"nik": NIK, "tidak_ada_isian_ini": "x"}));
        let odd = officer.create_licence_application(odd).await.expect_err("no such field");
        assert!(odd.named().iter().any(|(field, _)| *field == "values.tidak_ada_isian_ini"), "{:?}", odd.named());
        let good = request("c", json!({"nik": NIK}));
        let made = officer.create_licence_application(good.clone()).await.expect("it fits").licence.expect("a licence");
        assert_eq!((made.area.as_str(), made.version), (AGENCY, licence.version + 1));
        assert_eq!(officer.create_licence_application(good).await.expect("a repetition").licence.as_ref(), Some(&made));
        let late = CreateLicenceApplicationRequest { version: 0, ..request("d", json!({"nik": NIK})) };
        assert_eq!(officer.create_licence_application(late).await.expect_err("one is there").reason, "NO_APPLICATION_NEEDED");
        assert_eq!(officer.inbox().await, std::slice::from_ref(&made.application_id));
        assert!(!town.everything().await.iter().any(|row| row.contains(NIK)), "the number stands nowhere in the clear");
        // OSS offers it once more, changed: its application stays. Then the company takes it back.
        town.bring(brought("X7654321", "9")).await;
        assert_eq!(town.licence().await.application_id, made.application_id);
        town.bring(brought("X7654321", "3")).await;
        let ended = town.seen(&made.application_id).await;
        assert_eq!(ended.state(), ApplicationState::Withdrawn);
        assert!(officer.inbox().await.is_empty());
        assert_eq!(town.events_of(&made.id).await.last().map(String::as_str), Some("izin.dicabut"));
    }

    /// 30. A type that a later release put in force ends no search: a licence finds the type that takes it behind that one. Where the
    /// type itself is of a later release OSS is told to offer it again, and nothing is recorded until it can be read.
    async fn line_30_a_type_of_a_later_release_keeps_no_licence_from_its_own(engine) {
        let mut town = Town::configured(engine, config()).await;
        let rule = |key: &str, from: &str, to: &str| {
            let (from, to) = (format!("{{{from}\"key\":"), format!("{{{to}\"key\":"));
            format!("UPDATE letter_type SET frozen = REPLACE(frozen, '{from}\"{key}\",', '{to}\"{key}\",') WHERE letter_type.key = '{key}'")
        };
        let later = "\"aturan_rilis_berikut\":true,";
        // By key, each of them comes before the type that takes the licence.
        for key in ["ahli_waris", "domisili", "izin_oss"] {
            town.execute(&rule(key, "", later)).await;
        }
        town.restart(town.config.signing.clone()).await;
        let answer = town.nobody().receive_oss_call(brought(NIK, "9")).await.expect("an answer");
        assert_eq!(answer.http_status, 500, "{}", answer.body);
        let request = ListLicencesRequest::default();
        assert!(town.reader().list_licences(request).await.expect("a list").licences.is_empty(), "it is offered again");
        town.execute(&rule("izin_oss", later, "")).await;
        town.restart(town.config.signing.clone()).await;
        town.bring(brought(NIK, "9")).await;
        let made = town.licence().await.application_id;
        assert_eq!(town.seen(&made).await.letter_type, "izin_oss");
    }

    /// 29. OSS hears of a licence that was issued again, and of nothing that was not.
    async fn line_29_a_licence_that_is_issued_again_is_told_as_a_change(engine) {
        let town = Town::configured(engine, config()).await;
        town.bring(brought(NIK, "9")).await;
        let first = town.licence().await.application_id;
        let issued = town.finish(&first).await;
        assert_eq!(told(&town.licence().await), [("IZINFINAL", "50")]);
        let head = town.official("AGENCY_HEAD", AGENCY);
        // Who works at its agency sees on the application what OSS is told, and what could be said again: nothing of this.
        let seen = async |who: Client| {
            let request = GetApplicationRequest { application: first.clone() };
            who.get_application(request).await.expect("he reads it").licence
        };
        let looks = town.journal_of("licences").await;
        assert!(!looks.is_empty() && looks.iter().all(|what| what == "list.viewed"), "{looks:?}");
        let shown = seen(town.official("AGENCY_OFFICER", AGENCY)).await.expect("a licence");
        assert_eq!(told(&shown), [("IZINFINAL", "50")]);
        assert!(!shown.messages[0].may_resend && seen(town.reader()).await.is_none());
        let again = ResendLicenceMessageRequest {
            licence: shown.id.clone(),
            message: shown.messages[0].id.clone(),
            ..ResendLicenceMessageRequest::default()
        };
        assert_eq!(head.resend_licence_message(again.clone()).await.expect_err("it waits").reason, "NOT_REFUSED");
        assert_eq!(town.head("17.07").resend_licence_message(again).await.expect_err("not his").reason, "NOT_FOUND");
        let renew = RenewDocumentRequest { document: issued.document_id.clone(), ..RenewDocumentRequest::default() };
        let second = head.renew_document(renew).await.expect("begun").application.expect("an application");
        let renewed = town.finish(&second.id).await;
        let licence = town.licence().await;
        assert_eq!(told(&licence), [("IZINFINAL", "50"), ("UPDATE", "50")]);
        assert_eq!((licence.application_id.as_str(), licence.number.as_str()), (second.id.as_str(), renewed.numbers[0].text.as_str()));
        // A correction that comes to nothing is no decision on the licence.
        let correct = CorrectDocumentRequest {
            document: renewed.document_id.clone(),
            reason: "alamat usaha keliru pada surat".to_owned(),
            values: renewed.values.clone(),
            ..CorrectDocumentRequest::default()
        };
        let third = head.correct_document(correct).await.expect("begun").application.expect("an application");
        let officer = town.official("AGENCY_OFFICER", AGENCY);
        officer.reject(&third.id, "alamat ternyata sudah benar").await.expect("rejected");
        assert_eq!(told(&town.licence().await).len(), 2);
    }

    /// 45 and 29. OSS takes files that are signed electronically: no type of OSS permits a signature by hand.
    async fn should_45_no_licence_of_oss_is_signed_by_hand(engine) {
        let town = Town::configured(engine, config()).await;
        let (definition, template) = (include_str!("../../catalogue/izin_oss.toml"), include_str!("../../catalogue/izin_oss.typ"));
        for (by_hand, defects) in [("true", 1), ("false", 0)] {
            let definition = definition.replace("version = 1\n", &format!("version = 1\nby_hand = {by_hand}\n"));
            let draft = town.save("ani", &definition, template).await.expect("saved");
            assert_eq!(draft.defects.iter().filter(|defect| defect.contains("by_hand")).count(), defects, "{:?}", draft.defects);
            assert_eq!(draft.defects.len(), defects);
            assert_eq!(town.publish("budi", &draft).await.is_ok(), defects == 0);
        }
        // So whoever holds such a licence is offered a signature and no sheet.
        town.bring(brought(NIK, "9")).await;
        let waiting = town.walk(&town.licence().await.application_id).await;
        let verbs = town.holder(&waiting).application(&waiting.id).await.expect("he sees it").allowed_verbs;
        assert!(verbs.contains(&"BEGIN_SIGNING".to_owned()) && !verbs.contains(&"SIGN_BY_HAND".to_owned()), "{verbs:?}");
    }
}

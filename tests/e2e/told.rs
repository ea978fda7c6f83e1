//! What people are told of letters, through the whole suite: mails that a real server takes, and the list of an official.

use std::time::{Duration, Instant};

use mpp::demo::letters::HOME;
use mpp_kit::db::Engine;
use mpp_tests::harness::{Api, Complaints};
use serde_json::{Value, json};

const NIK: &str = "1707026602929998";
const NAME: &str = "Rukmini Sari Dewi";
const EMAIL: &str = "rukmini@contoh.example";

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Files an SKTM as somebody who can be reached by mail alone.
async fn file(citizen: &Api) -> (String, String) {
    let paper = json!({"content": "JVBERi0xLjcKJSBDT05UT0ggYmVya2FzCg=="});
    let mut papers = Vec::new();
    for requirement in ["ktp", "kk", "pernyataan"] {
        let file = citizen.post("/v1/files", &paper).await.ok();
        papers.push(json!({"fileId": file["file"]["fileId"], "requirement": requirement}));
    }
    let form = json!({
        "letterType": "sktm",
        "subject": {
            "name": NAME, "nik": NIK, "familyCard": "1707021203189998", "area": HOME, "email": EMAIL,
            "address": "Dusun II, RT 002 RW 001, Desa Sukau Kayo",
        },
        "values": {
            "tempat_lahir": "Curup", "tanggal_lahir": "1992-02-26", "jenis_kelamin": "Perempuan", "agama": "Islam",
            "pekerjaan": "Petani/pekebun", "penghasilan": 900_000, "tanggungan": 3, "peruntukan": "Pendidikan",
            "tujuan": "SMP Negeri 1 Rimbo Pengadang",
        },
        "attachments": papers,
    });
    let status = citizen.post("/v1/applications", &form).await.ok()["status"].take();
    (text(&status["applicationId"]), text(&status["code"]))
}

/// Waits until as many mails came to the applicant, and answers what the last says.
async fn mailed(town: &Complaints, count: usize) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let mails = town.mailed_to(EMAIL);
        if mails.len() >= count {
            assert_eq!(mails.len(), count, "{:?}", mails.iter().map(|mail| &mail.text).collect::<Vec<_>>());
            let mail = mails.into_iter().next_back().expect("a mail").text;
            for personal in [NIK, NAME, "1707021203189998"] {
                assert!(!mail.contains(personal), "{mail}");
            }
            return mail;
        }
        assert!(Instant::now() < deadline, "{count} mails did not come");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until an official finds in his list that this application waits for him, and answers what it says.
async fn called(official: &Api, id: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let inbox = official.get("/v1/inbox").await.ok();
        let items = inbox["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        if let Some(item) = items.iter().find(|it| it["reference"] == id) {
            let body = text(&item["body"]);
            assert!(!body.contains(NAME) && !body.contains(NIK), "{body}");
            return body;
        }
        assert!(Instant::now() < deadline, "{inbox}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The application as an official sees it now.
async fn seen(official: &Api, id: &str) -> Value {
    official.get(&format!("/v1/applications/{id}")).await.ok()["application"].take()
}

/// 10, 37 and 52: an applicant hears by mail that it arrived, what to mend, and where the letter is; the head of the RT
/// finds in his list that it waits for him, and the village head that it waits for his signature.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_applicant_is_told_by_mail_from_the_receipt_to_the_letter() {
    let at = "2026-11-23T02:00:00Z".parse().expect("a moment");
    let town = Complaints::start(Engine::Sqlite, at, |_| {}).await;
    let citizen = town.anybody();
    let (id, code) = file(&citizen).await;
    let received = mailed(&town, 1).await;
    assert!(received.contains(&code) && received.contains(&format!("/permohonan/{code}")), "{received}");

    // No office lists the head of the RT; identity says who that is.
    let rt = town.official("rt.002").await;
    let call = called(&rt, &id).await;
    assert!(call.contains(&format!("/meja/{id}")), "{call}");
    let why = "foto kartu keluarga tidak terbaca";
    rt.post(&format!("/v1/applications/{id}:return"), &json!({"reason": why})).await.ok();
    let returned = mailed(&town, 2).await;
    assert!(returned.contains(why) && returned.contains(&code), "{returned}");
    // Sent again as it was: with clearer papers.
    let prefill = json!({"nik": NIK, "letterType": "sktm"});
    let known = citizen.post(&format!("/v1/applicationCodes/{code}:prefill"), &prefill).await.ok();
    let again = json!({"values": known["values"], "attachments": known["attachments"]});
    citizen.post(&format!("/v1/applicationCodes/{code}:resubmit"), &again).await.ok();
    for username in ["rt.002", "rw.001", "desa.staf"] {
        let official = town.official(username).await;
        let seen = seen(&official, &id).await;
        let body = json!({"version": seen["version"], "contentHash": seen["contentHash"]});
        official.post(&format!("/v1/applications/{id}:approve"), &body).await.ok();
    }
    let head = town.official("desa.kades").await;
    let call = called(&head, &id).await;
    assert!(call.contains("/meja/tanda-tangan"), "{call}");
    let seen = seen(&head, &id).await;
    let sign = json!({"applications": [id], "contentHashes": [seen["contentHash"]], "passphrase": "apa-pun"});
    let signed = head.post("/v1/applications:sign", &sign).await.ok();
    assert_eq!(signed["results"][0]["signed"], true, "{signed}");
    let issued = mailed(&town, 3).await;
    let status = citizen.get(&format!("/v1/applicationCodes/{code}")).await.ok()["status"].take();
    assert!(issued.contains(&format!("/s/{}", text(&status["verificationCode"]))), "{issued}");
    assert!(issued.contains(&code), "{issued}");
    town.stop().await;
}

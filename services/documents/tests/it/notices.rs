//! Lines 10, 28, 37 and 52: who is told what, once, and without anything that a message need not say.

use chrono::TimeDelta;
use mpp_documents::{Config, WebhooksConfig};
use mpp_kit::testing::Engine;
use mpp_proto::documents::v1::*;
use mpp_proto::identity::v1::Role;
use mpp_proto::notifications::v1::CreateNotificationRequest;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;
use tonic::Request;

use super::exchange::Receiver;
use super::messages::{account_of, addresses_of};
use super::town::{
    AGENCY, BASE_URL, PLAIN, RT, Resident, SUB_DISTRICT, Town, VILLAGE, account, office, official_nik, put,
};

const EMAIL: &str = "rohana@contoh.id";
const WHY: &str = "foto kartu keluarga tidak terbaca";

impl Town {
    /// An application of somebody who gave an e-mail address too.
    async fn filed(&self, letter_type: &str, resident: &Resident) -> ApplicationStatus {
        let mut wish = self.wish(letter_type, resident).await;
        wish.subject.as_mut().expect("a subject").email = EMAIL.to_owned();
        self.submit(wish).await
    }

    /// Tells, and answers what the applicant was told by now, by type.
    async fn told_applicant(&self) -> Vec<String> {
        self.tell().await;
        let all = self.messages.all().into_iter().filter(|it| account_of(it).is_empty());
        all.map(|it| it.message_type).collect()
    }

    /// What an account was told by now, by type.
    fn told(&self, account: &str) -> Vec<String> {
        let all = self.messages.all().into_iter().filter(|it| account_of(it) == account);
        all.map(|it| it.message_type).collect()
    }

    /// The states of what waits to be told or was, as the table holds them.
    async fn outbox(&self) -> Vec<String> {
        let db = &self.db.db.read;
        let sql = "SELECT state, body, recipient, kind FROM notice ORDER BY created_at, id";
        let rows =
            db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.expect("rows");
        rows.iter()
            .map(|row| {
                let text = |column| row.try_get::<String>("", column).expect("a text");
                assert!(
                    !text("body").contains("Rohana") && !text("body").contains(EMAIL),
                    "{}",
                    text("body")
                );
                text("state")
            })
            .collect()
    }
}

/// That nothing of a person stands in a message but its addresses.
fn holds_nothing_personal(message: &CreateNotificationRequest, resident: &Resident) {
    let said = format!("{:?} {}", message.placeholders, message.reference);
    for personal in [&resident.name, &resident.nik, &resident.family_card, "081234567890", EMAIL] {
        assert!(!said.contains(personal), "{said} holds {personal}");
    }
}

lines! {
    /// 10 and 52. The applicant is told that it arrived, what to mend and how, and where the letter is.
    async fn line_10_the_applicant_is_told_from_the_receipt_to_the_letter(engine) {
        let town = Town::new(engine).await;
        let resident = Resident::new(1, PLAIN);
        let status = town.filed("sktm", &resident).await;
        assert_eq!(town.told_applicant().await, ["surat_diterima"]);
        let received = town.messages.of_type("surat_diterima").remove(0);
        assert_eq!((addresses_of(&received).whatsapp.as_str(), addresses_of(&received).email.as_str()), ("6281234567890", EMAIL));
        assert_eq!((received.reference.as_str(), received.placeholders["kode"].as_str()), (status.application_id.as_str(), status.code.as_str()));
        assert_eq!(received.placeholders["tautan"], format!("{BASE_URL}/permohonan/{}", status.code));
        assert_eq!((received.placeholders["jenis"].as_str(), received.recipient.as_ref().expect("somebody").language.as_str()), ("Surat Keterangan Tidak Mampu", "id"));

        let officer = town.officer(PLAIN);
        officer.send_back(&status.application_id, WHY).await.expect("returned");
        assert_eq!(town.told_applicant().await, ["surat_diterima", "surat_dikembalikan"]);
        assert_eq!(town.messages.of_type("surat_dikembalikan")[0].placeholders["alasan"], WHY);
        let mut wish = town.wish("sktm", &resident).await;
        put(&mut wish, "tujuan", json!("SMA Negeri 1 Lebong"));
        let resubmit = ResubmitApplicationRequest { request_id: String::new(), code: status.code.clone(), values: wish.values, attachments: wish.attachments, ..Default::default() };
        town.nobody().resubmit_application(resubmit).await.expect("corrected");
        let application = town.finish(&status.application_id).await;
        // Whoever asks again, or sweeps again, tells nothing twice.
        for _ in 0..3 {
            town.sweep().await;
            town.tell().await;
        }
        assert_eq!(town.told_applicant().await, ["surat_diterima", "surat_dikembalikan", "surat_terbit"]);
        let issued = town.messages.of_type("surat_terbit").remove(0);
        let code = town.document(&application.document_id).await.verification_code;
        assert_eq!(issued.placeholders["periksa"], format!("{BASE_URL}/s/{code}"));
        for message in town.messages.all() {
            holds_nothing_personal(&message, &resident);
        }

        // Replaced by a correction, of which nobody applied for; then revoked.
        let document = town.document(&application.document_id).await;
        let correct = CorrectDocumentRequest {
            document: document.id.clone(),
            version: document.version,
            values: town.wish("sktm", &resident).await.values,
            subject: Some(Subject { email: EMAIL.to_owned(), ..resident.subject() }),
            reason: "nama sekolah tertulis keliru".to_owned(),
            ..CorrectDocumentRequest::default()
        };
        let again = town.head(PLAIN).correct_document(correct).await.expect("corrected").application.expect("an application");
        let corrected = town.finish(&again.id).await;
        assert_eq!(town.told_applicant().await[3..], ["surat_digantikan"]);
        let revoke = RevokeDocumentRequest { document: corrected.document_id, reason: "penerima pindah domisili".to_owned(), ..RevokeDocumentRequest::default() };
        town.head(PLAIN).revoke_document(revoke).await.expect("revoked");
        assert_eq!(town.told_applicant().await[4..], ["surat_dicabut"]);
        let revoked = town.messages.of_type("surat_dicabut").remove(0);
        assert_eq!(revoked.placeholders["kantor"], "Desa Air Dingin");
        holds_nothing_personal(&revoked, &resident);
        assert!(town.outbox().await.iter().all(|state| state == "SENT" || state == "QUEUED" || state == "POINTLESS"));
    }

    /// 10. A refusal reaches the applicant with its reason, in the language he applied in; who gave no address follows by code.
    async fn line_10_a_refusal_is_told_in_the_language_of_the_applicant_if_he_can_be_reached(engine) {
        let town = Town::new(engine).await;
        let mut wish = town.wish("sktm", &Resident::new(1, PLAIN)).await;
        let subject = wish.subject.as_mut().expect("a subject");
        (subject.phone, subject.email) = (String::new(), EMAIL.to_owned());
        let mut request = Request::new(wish.clone());
        request.metadata_mut().insert("accept-language", "en".parse().expect("a header"));
        let status = town.nobody().raw().submit_application(request).await.expect("taken").into_inner().status.expect("a status");
        let officer = town.officer(PLAIN);
        officer.reject(&status.application_id, "pemohon tidak memenuhi syarat").await.expect("rejected");
        assert_eq!(town.told_applicant().await, ["surat_diterima", "surat_ditolak"]);
        let refused = town.messages.of_type("surat_ditolak").remove(0);
        assert_eq!((refused.recipient.as_ref().expect("somebody").language.as_str(), addresses_of(&refused).whatsapp.as_str()), ("en", ""));
        assert_eq!(refused.placeholders["alasan"], "pemohon tidak memenuhi syarat");
        assert!(!refused.placeholders["jenis"].contains("Surat"), "{:?}", refused.placeholders);

        let mut wish = town.wish("sktm", &Resident::new(2, PLAIN)).await;
        wish.subject.as_mut().expect("a subject").phone = String::new();
        wish.values.get_or_insert_default().fields.remove("telepon");
        let quiet = town.submit(wish.clone()).await;
        officer.reject(&quiet.application_id, "pemohon tidak memenuhi syarat").await.expect("rejected");
        assert_eq!(town.told_applicant().await.len(), 2, "nobody to tell");
        assert_eq!(town.status(&quiet.code).await.state(), ApplicationState::Rejected);
        for wrong in ["rohana", "rohana@", "a b@contoh.id", "rohana@contoh.id\r\nBcc: x@y.id"] {
            wish.subject.as_mut().expect("a subject").email = wrong.to_owned();
            let refusal = town.nobody().submit_application(wish.clone()).await.expect_err("no address");
            assert_eq!(refusal.named(), [("subject.email", "INVALID_EMAIL")], "{wrong}");
        }
    }

    /// 37. Who signs is called to the signing desk, once for what comes in half an hour; what is signed meanwhile calls nobody.
    async fn should_37_who_signs_is_called_to_the_desk_and_not_for_each_letter(engine) {
        let town = Town::new(engine).await;
        let head = account("VILLAGE_HEAD", PLAIN);
        let ready = async |number| {
            let id = town.applied("sktm", &Resident::new(number, PLAIN)).await.application_id;
            town.walk(&id).await;
            id
        };
        let mut ids = vec![ready(1).await, ready(2).await];
        town.tell().await;
        assert_eq!(town.told(&head), ["surat_menunggu_tanda_tangan"], "one call for both");
        let call = town.messages.of_type("surat_menunggu_tanda_tangan").remove(0);
        assert_eq!(call.placeholders["meja_tanda_tangan"], format!("{BASE_URL}/meja/tanda-tangan"));
        assert_eq!(call.placeholders["kantor"], "Desa Air Dingin");
        assert_eq!(town.told(&account("VILLAGE_SECRETARY", PLAIN)), ["surat_menunggu_tanda_tangan"], "who may sign too");
        assert!(town.told(&account("VILLAGE_HEAD", VILLAGE)).is_empty(), "another village");
        // Within half an hour: the next call waits, and covers what comes until then.
        town.wait(TimeDelta::minutes(10));
        ids.extend([ready(3).await, ready(4).await]);
        town.tell().await;
        assert_eq!(town.told(&head).len(), 1);
        town.wait(TimeDelta::minutes(20));
        town.tell().await;
        assert_eq!(town.told(&head).len(), 2);
        // Signed before the call goes out: it is pointless, and the next letter calls again.
        town.wait(TimeDelta::minutes(1));
        ids.push(ready(5).await);
        for id in &ids {
            let signer = town.official("VILLAGE_HEAD", PLAIN);
            assert!(signer.sign(id).await.signed);
        }
        town.wait(TimeDelta::hours(1));
        town.tell().await;
        assert_eq!(town.told(&head).len(), 2);
        assert_eq!(town.outbox().await.iter().filter(|state| *state == "POINTLESS").count(), 2, "head and secretary");
        ready(6).await;
        town.tell().await;
        assert_eq!(town.told(&head).len(), 3);
        // An appointed deputy is called as well.
        let days = ("2026-11-23", "2026-12-23");
        town.appoint(town.delegation(("VILLAGE_HEAD", PLAIN), "acc_plt", days)).await;
        ready(7).await;
        town.tell().await;
        assert_eq!(town.told("acc_plt"), ["surat_menunggu_tanda_tangan"]);
    }

    /// 37. Heads of RT and RW, whom no office lists, are called by the role they hold, once for what comes in half an hour; and
    /// while nobody says who they are, no call is lost.
    async fn should_37_heads_of_rt_and_rw_are_called_by_the_role_they_hold(engine) {
        const RW: &str = "17.07.02.2001/002";
        let town = Town::new(engine).await;
        let (rt, rw) = (account("RT_HEAD", RT), account("RW_HEAD", RW));
        let waits = async |number| town.applied("sktm", &Resident::new(number, RT)).await.application_id;
        // The first pass finds out who they are, the second calls them.
        let tell = async || {
            town.tell().await;
            town.tell().await;
        };
        // Nobody holds it yet: there is nobody to call, and nothing is tried again and again.
        let first = waits(1).await;
        for _ in 0..3 {
            tell().await;
            town.wait(TimeDelta::minutes(1));
        }
        let states = town.outbox().await;
        assert_eq!((states.iter().filter(|it| *it == "NO_CONTACT").count(), states.len()), (1, 2), "{states:?}");
        assert_eq!(town.holders.asked(), 1);

        town.holders.are(Role::RtHead, RT, &[&rt, "acc_rt_wakil"]);
        town.holders.are(Role::RwHead, RW, &[&rw]);
        let second = waits(2).await;
        let third = waits(3).await;
        assert_eq!(town.outbox().await.len(), 5, "two receipts, and one call to the desk for both");
        tell().await;
        assert_eq!((town.told(&rt), town.told("acc_rt_wakil")), (vec!["surat_menunggu_anda".to_owned()], vec!["surat_menunggu_anda".to_owned()]));
        let call = town.messages.of_type("surat_menunggu_anda").remove(0);
        assert_eq!((call.placeholders["kantor"].as_str(), call.reference.as_str()), ("Desa Ujung Tanjung", second.as_str()));
        assert_eq!(call.placeholders["meja"], format!("{BASE_URL}/meja/{second}"));
        holds_nothing_personal(&call, &Resident::new(2, RT));
        // Within half an hour: the next call waits.
        let fourth = waits(4).await;
        tell().await;
        assert_eq!(town.told(&rt).len(), 1);
        town.wait(TimeDelta::minutes(30));
        tell().await;
        assert_eq!(town.told(&rt).len(), 2);

        // Approved: the RW is called, as soon as somebody says who that is.
        town.holders.is_away(true);
        town.approved(&third).await;
        tell().await;
        assert!(town.told(&rw).is_empty());
        town.holders.is_away(false);
        town.wait(TimeDelta::minutes(10));
        tell().await;
        assert_eq!(town.told(&rw), ["surat_menunggu_anda"]);
        // Taken off the desk before the call goes out: it is pointless, and nobody is asked who holds it.
        town.wait(TimeDelta::hours(1));
        let fifth = waits(5).await;
        for id in [&first, &second, &fourth, &fifth] {
            town.approved(id).await;
        }
        assert!(town.official("RT_HEAD", RT).inbox().await.is_empty());
        let asked = town.holders.asked();
        tell().await;
        assert_eq!((town.told(&rt).len(), town.told(&rw).len()), (2, 2));
        assert_eq!(town.holders.asked(), asked + 1, "who heads the RW");
        assert_eq!(town.outbox().await.iter().filter(|state| *state == "POINTLESS").count(), 1);
    }

    /// 28. A late step is told to the superior once: to the head, or above him where the step is his own.
    async fn line_28_a_late_step_is_told_to_the_superior_once(engine) {
        let town = Town::new(engine).await;
        let id = town.applied("sktm", &Resident::new(1, PLAIN)).await.application_id;
        let (head, camat) = (account("VILLAGE_HEAD", PLAIN), account("SUB_DISTRICT_HEAD", SUB_DISTRICT));
        // 225 minutes from 08:00 end at 11:45.
        town.set("2026-11-23T04:46:00Z");
        for _ in 0..3 {
            town.sweep().await;
            town.tell().await;
        }
        assert_eq!((town.told(&head), town.told(&camat)), (vec!["surat_terlambat".to_owned()], Vec::new()));
        let late = town.messages.of_type("surat_terlambat").remove(0);
        assert_eq!((late.placeholders["tenggat"].as_str(), late.placeholders["meja"].as_str()), ("23-11-2026 11:45 WIB", format!("{BASE_URL}/meja/{id}").as_str()));
        town.walk(&id).await;
        town.set("2026-11-26T01:00:00Z");
        town.sweep().await;
        town.tell().await;
        assert_eq!(town.told(&camat), ["surat_terlambat"], "the signature is the head's own step");
        assert_eq!(town.told(&head).iter().filter(|it| *it == "surat_terlambat").count(), 1);
        // A late RT is told of to the village.
        let rt = town.applied("sktm", &Resident::new(2, RT)).await.application_id;
        town.set("2026-12-03T01:00:00Z");
        town.sweep().await;
        town.tell().await;
        let told = town.messages.of_type("surat_terlambat").into_iter().filter(|it| it.reference == rt);
        assert_eq!(told.map(|it| account_of(&it).to_owned()).collect::<Vec<_>>(), [account("VILLAGE_HEAD", VILLAGE)]);
    }

    /// 28. What the law grants is told to the head of the office that did not decide, and to the applicant when it is there.
    async fn line_28_what_the_law_grants_is_told_to_the_head_and_the_applicant(engine) {
        let town = Town::new(engine).await;
        let id = town.applied("izin_reklame", &Resident::new(1, PLAIN)).await.application_id;
        town.set("2026-12-01T01:00:00Z");
        for _ in 0..3 {
            town.sweep().await;
            town.tell().await;
        }
        assert_eq!(town.seen(&id).await.state(), ApplicationState::Issued);
        let granted = town.messages.of_type("surat_dianggap_dikabulkan");
        assert_eq!(granted.iter().map(account_of).collect::<Vec<_>>(), [account("AGENCY_HEAD", AGENCY)]);
        assert_eq!(town.told_applicant().await, ["surat_diterima", "surat_terbit"]);
    }

    /// 36 and 52. An outage of notifications holds up no letter; what was not taken is offered again under the same id.
    async fn line_36_an_outage_of_notifications_holds_up_no_letter_and_loses_no_message(engine) {
        let town = Town::new(engine).await;
        town.messages.is_away(true);
        let (status, _) = town.issued("sktm", &Resident::new(1, PLAIN)).await;
        assert_eq!(status.state(), ApplicationState::Issued);
        for _ in 0..3 {
            town.tell().await;
            town.wait(TimeDelta::minutes(10));
        }
        assert!(town.messages.all().is_empty() && town.messages.asked() >= 6, "{}", town.messages.asked());
        assert!(town.outbox().await.contains(&"QUEUED".to_owned()));
        town.messages.is_away(false);
        assert_eq!(town.told_applicant().await, ["surat_diterima", "surat_terbit"]);
        assert!(!town.outbox().await.contains(&"QUEUED".to_owned()));
        let ids: std::collections::BTreeSet<String> = town.messages.all().into_iter().map(|it| it.request_id).collect();
        assert_eq!(ids.len(), town.messages.all().len());
    }

    /// 12. Nobody decides on what he filed himself, listed as a signatory or not; a colleague does.
    async fn line_12_who_files_signed_in_does_not_decide_on_it(engine) {
        let mut town = Town::new(engine).await;
        let wish = town.wish("sktm", &Resident::new(1, RT)).await;
        let rt = town.official("RT_HEAD", RT);
        let id = rt.submit_application(wish).await.expect("taken").status.expect("a status").application_id;
        let seen = town.seen(&id).await;
        assert!(rt.application(&id).await.expect("he reads it").allowed_verbs.is_empty());
        assert_eq!(rt.approve(&seen).await.expect_err("his own").reason, "OWN_APPLICATION");
        assert_eq!(rt.reject(&id, WHY).await.expect_err("his own").reason, "OWN_APPLICATION");
        town.official_as("acc_rt_wakil", "RT_HEAD", RT).approve(&seen).await.expect("a colleague");

        // Known by the number that the office lists him with, whoever filed it and in whatever role he is listed.
        let listed = |number| Signatory {
            account_id: account("VILLAGE_OFFICER", PLAIN),
            role: "VILLAGE_OFFICER".to_owned(),
            name: "Gunawan Wibisono".to_owned(),
            title: "Kepala Seksi Pelayanan".to_owned(),
            nik: number,
            ..Signatory::default()
        };
        let me = Resident { nik: official_nik(7), ..Resident::new(2, PLAIN) };
        let own = town.applied("sktm", &me).await.application_id;
        let mut village = office(PLAIN);
        village.signatories.push(listed(official_nik(7)));
        town.apply(village).await;
        let officer = town.officer(PLAIN);
        assert_eq!(officer.approve(&town.seen(&own).await).await.expect_err("it is he").reason, "OWN_APPLICATION");
        town.official_as("acc_rekan", "VILLAGE_OFFICER", PLAIN).approve(&town.seen(&own).await).await.expect("a colleague");
        // At the counter he files for somebody else, as is known then, and may go on with it.
        let wish = town.wish("sktm", &Resident::new(3, PLAIN)).await;
        let other = officer.submit_application(wish).await.expect("taken").status.expect("a status").application_id;
        officer.approve(&town.seen(&other).await).await.expect("somebody else's");
    }

    /// 32. Who owns a webhook that was turned off is told by another way than the one that fails, once, and not what its receiver
    /// answered.
    async fn line_32_the_owner_of_a_webhook_that_is_turned_off_is_told(engine) {
        let webhooks = WebhooksConfig {
            allow_http_hosts: "127.0.0.1".to_owned(), allow_loopback: true, ..WebhooksConfig::default()
        };
        let town = Town::configured(engine, Config { webhooks, ..Config::default() }).await;
        let receiver = Receiver::answering("HTTP/1.1 410 -\r\nconnection: close\r\ncontent-length: 13\r\n\r\nRohana pindah").await;
        let owner = town.person("acc_dpmptsp", &["documents.integrate"], &["17.07"]);
        let make = async |request_id: &str| {
            let request = CreateWebhookRequest {
                request_id: request_id.to_owned(), url: receiver.url.clone(), ..CreateWebhookRequest::default()
            };
            owner.create_webhook(request).await.expect("made").webhook.expect("a webhook").id
        };
        let (webhook, mended) = (make("satu").await, make("dua").await);
        town.applied("domisili", &Resident::new(1, PLAIN)).await;
        town.messages.is_away(true);
        town.call_webhooks().await;
        town.tell().await;
        assert!(town.told("acc_dpmptsp").is_empty(), "notifications is away");
        // One is enabled again before anybody could be told.
        let enable = UpdateWebhookRequest {
            webhook: mended,
            url: receiver.url.clone(),
            state: WebhookState::Enabled.into(),
            ..UpdateWebhookRequest::default()
        };
        owner.update_webhook(enable).await.expect("enabled");
        town.messages.is_away(false);
        for _ in 0..3 {
            town.wait(TimeDelta::minutes(1));
            town.tell().await;
        }
        assert_eq!(town.told("acc_dpmptsp"), ["webhook_nonaktif"]);
        let told = town.messages.of_type("webhook_nonaktif").remove(0);
        assert_eq!(told.reference, webhook);
        let said: Vec<&str> = ["webhook", "host", "sebab"].iter().map(|gap| told.placeholders[*gap].as_str()).collect();
        assert_eq!(said, [webhook.as_str(), "127.0.0.1", "GONE, HTTP 410"]);
        assert_eq!(told.placeholders.len(), 3);
    }
}

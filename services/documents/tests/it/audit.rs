//! What the contract calls audited leaves an entry in the journal.

use mpp_documents::{Config, WebhooksConfig};
use mpp_kit::shutdown::Shutdown;
use mpp_kit::testing::Engine;
use mpp_proto::documents::v1::*;
use serde_json::json;
use tokio::time::{Duration, sleep};

use super::by_hand::photo;
use super::catalogue::{definition, template};
use super::esign::{Esign, Mood};
use super::exchange::Receiver;
use super::licences::{self, NIK, brought};
use super::payment::WHY;
use super::town::{AGENCY, Client, PLAIN, RT, Resident, Town, VILLAGE, structure};

const ARMS: &[u8] =
    b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><circle r='4' cx='4' cy='4'/></svg>";

/// What OSS answers to everything here.
const REFUSAL: &str = "HTTP/1.1 200 -\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n\
    {\"respon\":{\"kode\":\"400\",\"keterangan\":\"ditolak\"}}";

impl Town {
    /// Types, offices and who stands in for whom.
    async fn is_set_up(&mut self) {
        let draft =
            self.save("ani", &definition("uji"), &template("Kalimat versi satu.")).await.expect("saved");
        self.publish("budi", &draft).await.expect("published");
        let retire = RetireLetterTypeRequest {
            letter_type: "uji".to_owned(),
            reason: "diganti jenis lain".to_owned(),
            ..RetireLetterTypeRequest::default()
        };
        self.editor("ani").retire_letter_type(retire).await.expect("retired");
        self.take_on().await;
        let arms = ApplyCoatOfArmsRequest {
            area: PLAIN.to_owned(),
            content: ARMS.to_vec(),
            ..ApplyCoatOfArmsRequest::default()
        };
        self.admin().apply_coat_of_arms(arms).await.expect("taken");
        let days = ("2026-11-24", "2026-11-25");
        self.appoint(self.delegation(("VILLAGE_HEAD", PLAIN), "acc_plt", days)).await;
    }

    /// A letter from its form to its end, by every verb of those who check it.
    async fn goes_its_way(&self) {
        let resident = Resident::new(1, RT);
        let status = self.applied("sktm", &resident).await;
        let (id, rt) = (status.application_id.clone(), self.official("RT_HEAD", RT));
        let claim = ClaimApplicationRequest { application: id.clone(), ..ClaimApplicationRequest::default() };
        rt.claim_application(claim).await.expect("taken");
        let release =
            ReleaseApplicationRequest { application: id.clone(), ..ReleaseApplicationRequest::default() };
        rt.release_application(release).await.expect("given back");
        let why = || "menunggu surat dari Dukcapil".to_owned();
        let pause =
            PauseClockRequest { application: id.clone(), reason: why(), ..PauseClockRequest::default() };
        rt.pause_clock(pause).await.expect("paused");
        let resume = ResumeClockRequest { application: id.clone(), ..ResumeClockRequest::default() };
        rt.resume_clock(resume.clone()).await.expect("resumed");
        let reset =
            ResetClockRequest { application: id.clone(), reason: why(), ..ResetClockRequest::default() };
        rt.reset_clock(reset).await.expect("reset");
        rt.resume_clock(resume).await.expect("started again");
        rt.send_back(&id, "lengkapi foto rumah tampak depan").await.expect("returned");
        let corrected = self.wish("sktm", &resident).await;
        let resubmit = ResubmitApplicationRequest {
            request_id: String::new(),
            code: status.code,
            values: corrected.values,
            attachments: corrected.attachments,
            ..ResubmitApplicationRequest::default()
        };
        self.nobody().resubmit_application(resubmit).await.expect("corrected");
        let document = self.finish(&id).await.document_id;
        let hand_over = HandOverApplicationRequest {
            application: id,
            collector: "Bambang Pengambil".to_owned(),
            copies: 1,
            ..HandOverApplicationRequest::default()
        };
        self.officer(VILLAGE).hand_over_application(hand_over).await.expect("given");
        let revoke = RevokeDocumentRequest {
            document,
            reason: "penghasilan ternyata lebih dari batas".to_owned(),
            ..RevokeDocumentRequest::default()
        };
        self.head(VILLAGE).revoke_document(revoke).await.expect("revoked");

        // Another one is corrected and renewed, and neither comes to anything; and one is given up.
        let (status, document) = self.issued("sktm", &Resident::new(2, PLAIN)).await;
        let (head, officer) = (self.head(PLAIN), self.officer(PLAIN));
        let correct = CorrectDocumentRequest {
            document: document.id.clone(),
            reason: "nama sekolah keliru".to_owned(),
            values: self.seen(&status.application_id).await.values,
            ..CorrectDocumentRequest::default()
        };
        let begun = head.correct_document(correct).await.expect("begun").application.expect("an application");
        officer.reject(&begun.id, "sudah benar semula").await.expect("rejected");
        let renew = RenewDocumentRequest { document: document.id, ..RenewDocumentRequest::default() };
        let begun = head.renew_document(renew).await.expect("begun").application.expect("an application");
        officer.reject(&begun.id, "tidak jadi diperpanjang").await.expect("rejected");
        let given_up = self.applied("domisili", &Resident::new(3, PLAIN)).await;
        let withdraw =
            WithdrawApplicationRequest { code: given_up.code, ..WithdrawApplicationRequest::default() };
        self.nobody().withdraw_application(withdraw).await.expect("withdrawn");

        // One is signed by hand, on its second sheet.
        let by_hand = self.applied("kehilangan", &Resident::new(6, PLAIN)).await;
        let waiting = self.walk(&by_hand.application_id).await;
        head.by_hand(&waiting).await.expect("printed");
        head.gives_up(&waiting.id, "lembarnya rusak").await.expect("given up");
        head.by_hand(&waiting).await.expect("printed again");
        let scanned = officer.brings(&waiting.id, photo()).await.expect("uploaded");
        let number = scanned.numbers.iter().find(|number| !number.void).map(|number| number.text.clone());
        head.confirms(&scanned, &number.expect("a number")).await.expect("issued");

        // What costs something is paid or waived; a code for the signature is sent.
        self.charge_sktm().await;
        let (_, paid) = self.unpaid(4).await;
        let (_, poor) = self.unpaid(5).await;
        officer.pays(self.receipt(&paid.id, "KW-1")).await.expect("paid");
        head.waives(&poor.id, WHY).await.expect("waived");
        head.wants_code(&[&paid.id]).await.expect("sent");
        assert!(head.sign(&paid.id).await.signed);
    }

    /// What other systems ask for.
    async fn talks_to_others(&self) {
        let receiver = Receiver::start().await;
        let integrator = self.person("acc_dpmptsp", &["documents.integrate"], &["17.07"]);
        let create = CreateWebhookRequest {
            url: receiver.url.clone(),
            event_types: vec!["izin.*".to_owned()],
            ..CreateWebhookRequest::default()
        };
        let webhook = integrator.create_webhook(create).await.expect("made").webhook.expect("a webhook").id;
        self.bring(brought("X1234567", "9")).await;
        let replay = ReplayWebhookDeliveryRequest {
            delivery: self.delivery(&integrator, &webhook).await,
            ..ReplayWebhookDeliveryRequest::default()
        };
        integrator.replay_webhook_delivery(replay).await.expect("again");
        let now = mpp_kit::clock::Clock::now(&*self.clock);
        let stamp = |time: chrono::DateTime<chrono::Utc>| Some(mpp_kit::wire::timestamp(time));
        let all = ReplayWebhookDeliveriesRequest {
            webhook: webhook.clone(),
            from_time: stamp(now - chrono::TimeDelta::days(1)),
            to_time: stamp(now + chrono::TimeDelta::days(1)),
            ..ReplayWebhookDeliveriesRequest::default()
        };
        integrator.replay_webhook_deliveries(all).await.expect("all again");
        let rotate =
            RotateWebhookSecretRequest { webhook: webhook.clone(), grace_hours: 1, ..Default::default() };
        integrator.rotate_webhook_secret(rotate).await.expect("another secret");
        let update = UpdateWebhookRequest {
            webhook: webhook.clone(),
            url: receiver.url.clone(),
            description: "dari uji".to_owned(),
            event_types: vec!["izin.*".to_owned()],
            ..UpdateWebhookRequest::default()
        };
        integrator.update_webhook(update).await.expect("changed");
        let delete = DeleteWebhookRequest { webhook, ..DeleteWebhookRequest::default() };
        integrator.delete_webhook(delete).await.expect("gone");

        let officer = self.official("AGENCY_OFFICER", AGENCY);
        let tell = UpdateLicenceStatusRequest {
            licence: self.licence().await.id,
            status_code: "40".to_owned(),
            official_name: "Petugas Contoh".to_owned(),
            ..UpdateLicenceStatusRequest::default()
        };
        officer.update_licence_status(tell).await.expect("told");
        let resend = ResendLicenceMessageRequest {
            licence: self.licence().await.id,
            message: self.refused().await,
            ..ResendLicenceMessageRequest::default()
        };
        officer.resend_licence_message(resend).await.expect("again");
        let licence = self.licence().await;
        let begin = CreateLicenceApplicationRequest {
            licence: licence.id,
            version: licence.version,
            values: json!({"nik": NIK}).as_object().map(structure),
            ..CreateLicenceApplicationRequest::default()
        };
        officer.create_licence_application(begin).await.expect("it fits");
    }

    /// The message that OSS refused, once a worker has offered it.
    async fn refused(&self) -> String {
        for _ in 0..600 {
            let messages = self.licence().await.messages;
            if let Some(message) = messages.into_iter().find(|it| it.may_resend) {
                return message.id;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("OSS refuses nothing");
    }

    /// The first delivery of a webhook, once a worker has written it down.
    async fn delivery(&self, integrator: &Client, webhook: &str) -> String {
        for _ in 0..600 {
            let list = ListWebhookDeliveriesRequest { webhook: webhook.to_owned(), ..Default::default() };
            let found = integrator.list_webhook_deliveries(list).await.expect("a list").deliveries;
            if let Some(delivery) = found.into_iter().next() {
                return delivery.id;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("nothing is delivered");
    }
}

lines! {
    /// 33. Each RPC that the contract calls audited leaves an entry of who asked; which, stands in a snapshot.
    async fn line_33_every_audited_rpc_leaves_an_entry(engine) {
        let esign = Esign::start(Mood::Signs).await;
        let webhooks = WebhooksConfig {
            allow_http_hosts: "127.0.0.1".to_owned(), allow_loopback: true, ..WebhooksConfig::default()
        };
        let oss = Receiver::answering(REFUSAL).await;
        let mut config = Config { signing: esign.config(), webhooks, ..licences::config() };
        config.oss.base_url.clone_from(&oss.url);
        let mut town = Town::configured(engine, config).await;
        let shutdown = Shutdown::new();
        let mut workers = town.workers(&shutdown).await;
        town.audit.begin();
        town.is_set_up().await;
        town.goes_its_way().await;
        town.talks_to_others().await;
        shutdown.trigger();
        while let Some(ended) = workers.join_next().await {
            ended.expect("no worker breaks").expect("no worker fails");
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("audited", town.audit.table());
        });
    }
}

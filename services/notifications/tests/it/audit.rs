//! What the contract calls audited leaves an entry in the journal.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_proto::notifications::v1::*;
use tonic::Request;

use crate::office::{CITIZEN, HEAD, NUMBER, Office, contact, digest, escalation, receipt};

const CONFIGURE: &[&str] = &["notifications.configure"];

/// A new text of receipts by e-mail, and the next one after it.
async fn texts(office: &Office) {
    let mut client = office.client.clone();
    for (version, ends_paused) in [(2, true), (3, false)] {
        let request = SaveVariantRequest {
            message_type: "tanda_terima".to_owned(),
            channel: Channel::Email.into(),
            language: "id".to_owned(),
            subject: "Tanda terima {nomor}".to_owned(),
            body: format!(
                "Versi {version}: aduan {{nomor}}, PIN {{pin}}, jawaban {{tenggat_jawaban}}, selesai {{tenggat_selesai}}, lihat {{tautan}}."
            ),
            ..Default::default()
        };
        let saved = client.save_variant(office.by("acc_penulis", CONFIGURE, &[], request)).await.unwrap();
        let Variant { message_type, channel, language, version, .. } = saved.into_inner().variant.unwrap();
        let (message_type, language, reason) =
            (|| message_type.clone(), || language.clone(), "uji coba".to_owned());
        let submit = SubmitVariantRequest {
            message_type: message_type(),
            channel,
            language: language(),
            version,
            ..Default::default()
        };
        client.submit_variant(office.by("acc_penulis", CONFIGURE, &[], submit)).await.unwrap();
        if ends_paused {
            let approve = ApproveVariantRequest {
                message_type: message_type(),
                channel,
                language: language(),
                version,
                ..Default::default()
            };
            client.approve_variant(office.by("acc_pemeriksa", CONFIGURE, &[], approve)).await.unwrap();
            let pause = PauseVariantRequest {
                message_type: message_type(),
                channel,
                language: language(),
                version,
                reason,
                ..Default::default()
            };
            client.pause_variant(office.by("acc_pemeriksa", CONFIGURE, &[], pause)).await.unwrap();
        } else {
            let reject = RejectVariantRequest {
                message_type: message_type(),
                channel,
                language: language(),
                version,
                reason,
                ..Default::default()
            };
            client.reject_variant(office.by("acc_pemeriksa", CONFIGURE, &[], reject)).await.unwrap();
        }
    }
}

lines! {
    async fn every_audited_rpc_leaves_an_entry(engine) {
        let office = Office::open(engine).await;
        let mut client = office.client.clone();
        office.audit.begin();
        // Messages: a link of one is used, one is called off, one is told of by WhatsApp, one comes back, one is read.
        let sent = office.send(escalation(HEAD)).await;
        office.when_step(&sent.id, 0, DeliveryStatus::Sent).await;
        let taken = office.taken(NUMBER).remove(0);
        let button = &taken.body["template"]["components"][1]["parameters"][0]["text"];
        let press = RedeemActionLinkRequest { token: button.as_str().unwrap().to_owned(), ..Default::default() };
        client.redeem_action_link(office.by(HEAD, &["complaints.work"], &["17.07/pupr"], press)).await.unwrap();
        office.webhook(office.whatsapp.statuses(&[(&taken.id, "delivered", 0)])).await.unwrap();
        office.webhook(office.whatsapp.statuses(&[(&taken.id, "read", 0)])).await.unwrap();
        office.webhook(office.whatsapp.write(CITIZEN, "BERHENTI")).await.unwrap();
        office.direct_webhook("facebook", office.facebook.write("PSID1", "BERHENTI")).await.unwrap();
        let waiting = CreateNotificationRequest {
            scheduled_time: Some(prost_types::Timestamp { seconds: 1_795_663_200, nanos: 0 }), // 03:20
            ..receipt("", "warga@contoh.example")
        };
        let waiting = office.send(waiting).await;
        let cancel =
            CancelNotificationRequest { notification: waiting.id, reason: "SETTLED".to_owned(), ..Default::default() };
        client.cancel_notification(office.system(cancel)).await.unwrap();
        let mailed = office.send(digest(HEAD)).await;
        office.when_step(&mailed.id, 0, DeliveryStatus::Sent).await;
        let header = office.mail.taken().pop().unwrap().header("List-Unsubscribe").unwrap().to_owned();
        let token = header.trim_matches(['<', '>']).rsplit('/').next().unwrap().to_owned();
        client.unsubscribe(Request::new(UnsubscribeRequest { token })).await.unwrap();
        // Nobody is written to twice within some seconds.
        office.after(TimeDelta::minutes(5));
        office.whatsapp.without_whatsapp(NUMBER);
        let mailed = office.send(escalation(HEAD)).await;
        office.when_step(&mailed.id, 1, DeliveryStatus::Sent).await;
        let bounce = ReportBounceRequest {
            envelope: format!("pantul+{}.2@contohkab.example", mailed.id),
            status_code: "5.1.1".to_owned(),
            ..Default::default()
        };
        client.report_bounce(office.system(bounce)).await.unwrap();
        let item = office.until("it is on the list", async || office.inbox(HEAD).await.items.pop()).await.id;
        let read = MarkReadRequest { item, ..Default::default() };
        client.mark_read(office.by(HEAD, &[], &[], read)).await.unwrap();

        // Who gets what, and how.
        texts(&office).await;
        office.apply(contact("acc_baru", "6281234500077", "baru@contohkab.example", "KEPALA_OPD")).await.unwrap();
        let consent = SetConsentRequest {
            account: HEAD.to_owned(),
            channel: Channel::Whatsapp.into(),
            opted_in: false,
            source: "halaman profil".to_owned(),
            ..Default::default()
        };
        client.set_consent(office.by(HEAD, &[], &[], consent)).await.unwrap();
        office.rules(DeliveryRules { time_zone: "Asia/Jakarta".to_owned(), ..Default::default() }).await;

        // Other systems.
        let create = CreateCallbackRequest {
            url: "http://127.0.0.1:1/masuk".to_owned(),
            event_types: vec!["notification.*".to_owned()],
            ..Default::default()
        };
        let callback = client.create_callback(office.system(create)).await.unwrap().into_inner().callback.unwrap().id;
        let rotate = RotateCallbackSecretRequest { callback: callback.clone(), grace_hours: 1, ..Default::default() };
        client.rotate_callback_secret(office.system(rotate)).await.unwrap();
        let stop = UpdateCallbackRequest {
            callback,
            url: "http://127.0.0.1:1/".to_owned(),
            state: CallbackState::Disabled.into(),
            ..Default::default()
        };
        client.update_callback(office.system(stop)).await.unwrap();
        assert_eq!(
            office.audit.table(),
            "ApplyContact: contact.applied\n\
             ApplyDeliveryRules: delivery_rules.applied\n\
             ApproveVariant: variant.judged\n\
             CancelNotification: notification.cancelled\n\
             CreateCallback: callback.created\n\
             CreateNotification: notification.created\n\
             MarkRead: inbox.read\n\
             PauseVariant: variant.judged\n\
             ReceiveDirectWebhook: contact.opted_out\n\
             ReceiveWhatsAppWebhook: contact.opted_out, notification.told\n\
             RedeemActionLink: action_link.used\n\
             RejectVariant: variant.judged\n\
             ReportBounce: notification.bounced\n\
             RotateCallbackSecret: callback.secret.rotated\n\
             SaveVariant: variant.saved\n\
             SetConsent: contact.consent\n\
             SubmitVariant: variant.judged\n\
             Unsubscribe: digest.unsubscribed\n\
             UpdateCallback: callback.updated\n"
        );
    }
}

//! Who reports at Facebook and Instagram is answered there, in private: C-09, C-17, C-32. What Meta permits is notifications' matter.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::TimeDelta;
use mpp_complaints::Config;
use mpp_complaints::intake::config::MetaAccount;
use mpp_kit::config::Secret;
use mpp_kit::meta;
use mpp_kit::testing::Engine;
use mpp_proto::complaints::v1::*;
use mpp_proto::notifications::v1::{
    Addresses, CreateNotificationRequest, DeliveryStatus, DirectAddress, Network, recipient,
};
use serde_json::{Value, json};

use crate::regency::*;

const SECRET: &str = "rahasia-aplikasi";
/// Who comments, as comments name them, and the same person in messages.
const AUTHOR: &str = "U1";
const USER: &str = "PSID1";

fn answers(config: &mut Config) {
    let account = |id: &str| MetaAccount {
        id: id.to_owned(),
        app_secret: Secret::from(SECRET),
        answers: true,
        ..MetaAccount::default()
    };
    config.channels.facebook.insert("utama".to_owned(), account("PAGE"));
    config.channels.instagram.insert("utama".to_owned(), account("IG"));
}

async fn webhook(regency: &Regency, channel: &str, entry: Value) {
    let object = if channel == "facebook" { "page" } else { "instagram" };
    let body = serde_json::to_vec(&json!({ "object": object, "entry": [entry] })).unwrap();
    let request = ReceiveChannelWebhookRequest {
        channel: channel.to_owned(),
        account: "utama".to_owned(),
        signature: meta::sign(SECRET, &body),
        body,
    };
    regency.nobody().receive_channel_webhook(request).await.unwrap();
}

/// Somebody comments under a post of the Page.
async fn comments(regency: &Regency, id: &str, text: &str) {
    let value = json!({ "item": "comment", "verb": "add", "comment_id": id, "post_id": "post", "parent_id": "post",
        "from": { "id": AUTHOR, "name": "Rina" }, "message": text, "created_time": regency.clock_now().timestamp() });
    webhook(
        regency,
        "facebook",
        json!({ "id": "PAGE", "time": 1, "changes": [{ "field": "feed", "value": value }] }),
    )
    .await;
}

/// Somebody writes a direct message, or presses a button of one.
async fn writes(regency: &Regency, (channel, account, user): (&str, &str, &str), id: &str, message: Value) {
    let mut message = message;
    message["mid"] = json!(id);
    let event = json!({ "sender": { "id": user }, "recipient": { "id": account },
        "timestamp": regency.clock_now().timestamp_millis(), "message": message });
    webhook(regency, channel, json!({ "id": account, "time": 1, "messaging": [event] })).await;
}

fn direct(sent: &CreateNotificationRequest) -> DirectAddress {
    match sent.recipient.clone().and_then(|it| it.kind) {
        Some(recipient::Kind::Addresses(Addresses { direct: Some(direct), .. })) => direct,
        _ => panic!("no direct message: {}", sent.message_type),
    }
}

async fn only(regency: &Regency) -> Complaint {
    let list = async || {
        let request = ListComplaintsRequest::default();
        regency.coordinator().list_complaints(request).await.unwrap().complaints
    };
    regency.until("there is a case", || async { list().await.len() == 1 }).await;
    regency.seen(&list().await[0].id).await
}

/// The last message of a type, once there are so many.
async fn nth(regency: &Regency, message_type: &str, count: usize) -> CreateNotificationRequest {
    regency.until("it is sent", || async { regency.messages.of_type(message_type).len() == count }).await;
    regency.messages.of_type(message_type).pop().unwrap()
}

lines! {
    async fn c_17_who_comments_gets_number_and_pin_in_private_and_chooses_there(engine) {
        let regency = Regency::with(engine, answers).await;
        regency.messages.author_is(USER);
        comments(&regency, "post_1", "Jalan di depan pasar berlubang besar.").await;
        let case = only(&regency).await;
        assert_eq!((case.channel(), case.reporters[0].secrecy()), (Channel::Facebook, Secrecy::Secret));
        assert!(case.reporters[0].reachable);
        let receipt = nth(&regency, "tanda_terima", 1).await;
        let to = direct(&receipt);
        assert_eq!((to.network(), to.account.as_str(), to.comment.as_str()), (Network::Facebook, "PAGE", "post_1"));
        assert_eq!((to.user.as_str(), at(to.comment_time.as_ref())), ("", regency.clock_now()));
        assert_eq!(receipt.placeholders["nomor"], case.number);
        assert_eq!(receipt.placeholders["pin"].len(), 9, "XXXX-XXXX");
        // The answer told who commented: what they write in private from now on is about this case.
        regency.wait(TimeDelta::minutes(1));
        let chosen = async |wanted: Secrecy| {
            regency.until("they chose", || async { regency.seen(&case.id).await.reporters[0].secrecy() == wanted }).await;
        };
        let presses = AtomicU32::new(0);
        regency.until("who it is was learnt", || async {
            let id = format!("m_{}", presses.fetch_add(1, Ordering::Relaxed));
            let button = json!({ "text": "Anonim", "quick_reply": { "payload": format!("anonim:{}", case.id) } });
            writes(&regency, ("facebook", "PAGE", USER), &id, button).await;
            regency.seen(&case.id).await.reporters[0].secrecy() == Secrecy::Anonymous
        })
        .await;
        chosen(Secrecy::Anonymous).await;
        // What was pressed before may be read after this: the word was written later, and holds.
        regency.wait(TimeDelta::seconds(1));
        writes(&regency, ("facebook", "PAGE", USER), "m_word", json!({ "text": "Biasa" })).await;
        chosen(Secrecy::Open).await;
        writes(&regency, ("facebook", "PAGE", USER), "m_more", json!({ "text": "Di sebelah kiri pasar" })).await;
        regency.until("it is added", || async { regency.seen(&case.id).await.messages.len() == 2 }).await;
        // Questions and answers go there too; and a word answers them.
        regency.disposed(&case.id).await;
        regency.agency(PUPR).accept(&case.id).await.unwrap();
        regency.agency(PUPR).ask(&case.id).await.unwrap();
        assert_eq!(direct(&nth(&regency, "minta_kelengkapan", 1).await).user, USER);
        regency.wait(TimeDelta::minutes(1));
        writes(&regency, ("facebook", "PAGE", USER), "m_complete", json!({ "text": "Sebelah kiri, dekat gerbang" })).await;
        regency.until("it goes on", || async { regency.seen(&case.id).await.state() == CaseState::InProgress }).await;
        regency.agency(PUPR).answer_without_proof(&case.id).await.unwrap();
        assert_eq!(direct(&nth(&regency, "jawaban_akhir", 1).await).user, USER);
        let button = |verb: &str| json!({ "text": verb, "quick_reply": { "payload": format!("{verb}:{}", case.id) } });
        writes(&regency, ("facebook", "PAGE", USER), "m_done", button("sudah")).await;
        regency.until("it is settled", || async { regency.seen(&case.id).await.state() == CaseState::Settled }).await;
        // A button of a case that is over is no report; belum within the window opens it again.
        writes(&regency, ("facebook", "PAGE", USER), "m_rate", button("nilai5")).await;
        regency.until("it is rated", || async { regency.seen(&case.id).await.rating == 5 }).await;
        writes(&regency, ("facebook", "PAGE", USER), "m_not", button("belum")).await;
        regency.until("it is open again", || async { regency.seen(&case.id).await.state() == CaseState::Reopened }).await;
        assert_eq!(only(&regency).await.id, case.id);
    }

    async fn c_32_who_writes_again_is_told_what_did_not_arrive(engine) {
        let regency = Regency::with(engine, answers).await;
        let user = ("instagram", "IG", "IGSID1");
        writes(&regency, user, "d_1", json!({ "text": "Lampu jalan mati di simpang empat." })).await;
        let case = only(&regency).await;
        let to = direct(&nth(&regency, "tanda_terima", 1).await);
        assert_eq!((to.network(), to.user.as_str(), to.comment.as_str()), (Network::Instagram, "IGSID1", ""));
        regency.disposed(&case.id).await;
        regency.agency(PUPR).accept(&case.id).await.unwrap();
        // What was said until now is not what fails.
        regency.until("everything is taken", || async {
            regency.seen(&case.id).await.deliveries.iter().all(|it| it.state != "QUEUED")
        })
        .await;
        // The 24 hours are over: nothing may be sent, and silence would mean nothing.
        regency.messages.become_of_next(DeliveryStatus::TechnicalFailure);
        regency.agency(PUPR).answer_without_proof(&case.id).await.unwrap();
        nth(&regency, "jawaban_akhir", 1).await;
        regency.wait(TimeDelta::minutes(1));
        regency.until("it did not arrive", || async {
            let numbers = regency.check_board(&regency.coordinator()).await;
            numbers[&(PUPR.to_owned(), BoardMeasure::Undelivered.into())] == 1
        })
        .await;
        regency.messages.become_of_next(DeliveryStatus::Delivered);
        writes(&regency, user, "d_2", json!({ "text": "Bagaimana kabar laporan saya?" })).await;
        nth(&regency, "jawaban_akhir", 2).await;
        regency.wait(TimeDelta::minutes(1));
        regency.until("it arrived", || async {
            let numbers = regency.check_board(&regency.coordinator()).await;
            numbers[&(PUPR.to_owned(), BoardMeasure::Undelivered.into())] == 0
        })
        .await;
        writes(&regency, user, "d_3", json!({ "text": "berhenti" })).await;
        writes(&regency, user, "d_4", json!({ "text": "belum" })).await;
        regency.until("it is open again", || async { regency.seen(&case.id).await.state() == CaseState::Reopened }).await;
        let said = regency.seen(&case.id).await.messages;
        assert!(said.iter().all(|it| it.text != "berhenti"), "that is about messages");
    }

    async fn c_17_without_an_account_that_answers_nobody_is_promised_a_message(engine) {
        let regency = Regency::with(engine, |config| {
            answers(config);
            config.channels.facebook.get_mut("utama").unwrap().answers = false;
        })
        .await;
        comments(&regency, "post_1", "Jalan berlubang.").await;
        let case = only(&regency).await;
        assert!(!case.reporters[0].reachable);
        assert!(regency.messages.of_type("tanda_terima").is_empty());
    }
}

//! Facebook and Instagram: who wrote or commented there is answered there, in private, as Meta permits it. C-09, C-17, N-04, N-08,
//! N-21.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_notifications::direct_simulator::Simulator;
use mpp_notifications::simulator::Whim;
use mpp_proto::notifications::v1::*;
use tonic::Code;

use crate::office::{Office, final_answer, receipt};

/// Who wrote, by the id of messages.
const USER: &str = "7000000000000001";
/// The same person, by the id of comments.
const AUTHOR: &str = "8000000000000001";

fn network(of: &Simulator) -> Network {
    match of.account().network.to_string().as_str() {
        "facebook" => Network::Facebook,
        _ => Network::Instagram,
    }
}

/// A request to who wrote, or to who commented.
fn to(
    of: &Simulator,
    user: &str,
    comment: Option<(&str, i64)>,
    mut request: CreateNotificationRequest,
) -> CreateNotificationRequest {
    let direct = DirectAddress {
        network: network(of).into(),
        account: of.account().id.clone(),
        user: user.to_owned(),
        comment: comment.map(|it| it.0.to_owned()).unwrap_or_default(),
        comment_time: comment.map(|it| prost_types::Timestamp { seconds: it.1, nanos: 0 }),
    };
    let kept = request.recipient.and_then(|it| match it.kind {
        Some(recipient::Kind::Addresses(addresses)) => Some(addresses),
        Some(recipient::Kind::AccountId(_)) | None => None,
    });
    let addresses = Addresses { direct: Some(direct), ..kept.unwrap_or_default() };
    request.recipient =
        Some(Recipient { kind: Some(recipient::Kind::Addresses(addresses)), language: String::new() });
    request
}

fn second(office: &Office) -> i64 {
    mpp_kit::clock::Clock::now(office.clock.as_ref()).timestamp()
}

lines! {
    async fn c_17_who_wrote_at_facebook_is_answered_there(engine) {
        use DeliveryStatus::*;
        let office = Office::open(engine).await;
        let facebook = &office.facebook;
        let call = facebook.write(USER, "Jalan rusak di depan pasar");
        office.direct_webhook("facebook", call).await.unwrap();
        let sent = office.send(to(facebook, USER, None, receipt("", ""))).await;
        let found = office.when_step(&sent.id, 0, Sent).await;
        assert_eq!((found.steps.len(), found.steps[0].channel()), (3, Channel::Direct));
        let taken = facebook.taken().remove(0);
        assert_eq!(taken.to, USER);
        assert!(taken.text().contains("PIN 482913") && taken.text().contains("ADU-2026-000124-5"), "{}", taken.text());
        assert_eq!(taken.buttons(), ["rahasia:adu_2", "anonim:adu_2", "biasa:adu_2"]);
        // What was taken has not arrived before Messenger says so.
        office.direct_webhook("facebook", facebook.delivered(&taken)).await.unwrap();
        assert_eq!(office.get(&sent.id).await.status(), Delivered);
        office.direct_webhook("facebook", facebook.delivered(&taken)).await.unwrap();
        office.after(TimeDelta::minutes(1));
        let again = office.send(to(facebook, USER, None, receipt("", ""))).await;
        office.when_step(&again.id, 0, Sent).await;
        // One word about all that was sent before a moment.
        office.direct_webhook("facebook", facebook.read(&facebook.taken()[1])).await.unwrap();
        let found = office.get(&again.id).await;
        assert_eq!(found.status(), Delivered);
        assert!(found.steps[0].read_time.is_some());

        // After 24 hours: what a program says is not even tried, what a person wrote goes out under its tag, shortened.
        office.after(TimeDelta::hours(25));
        let calls = facebook.calls();
        let late = office.send(to(facebook, USER, None, receipt("", ""))).await;
        let found = office.when_step(&late.id, 0, TechnicalFailure).await;
        assert_eq!((found.steps[0].reason.as_str(), facebook.calls()), ("WINDOW_CLOSED", calls));
        let mailed = office.send(to(facebook, USER, None, receipt("", "warga@contoh.example"))).await;
        let found = office.when_step(&mailed.id, 2, Sent).await;
        assert_eq!((found.steps[0].status(), found.steps[0].reason.as_str()), (FellBack, "WINDOW_CLOSED"));
        let mut answer = to(facebook, USER, None, final_answer(""));
        answer.placeholders.insert("jawaban".to_owned(), "Sudah ditambal – oleh Bina Marga. ".repeat(100));
        let answered = office.send(answer).await;
        office.when_step(&answered.id, 0, Sent).await;
        let taken = facebook.taken().pop().unwrap();
        assert_eq!((&taken.body["messaging_type"], &taken.body["tag"]), (&"MESSAGE_TAG".into(), &"HUMAN_AGENT".into()));
        assert!((900..=1000).contains(&taken.text().len()), "{}", taken.text().len());
        assert!(taken.text().contains("(lanjutannya di tautan)") && taken.text().ends_with("https://mpp.example/lacak."), "{}", taken.text());
        office.after(TimeDelta::days(7));
        let never = office.send(to(facebook, USER, None, final_answer(""))).await;
        assert_eq!(office.when_step(&never.id, 0, TechnicalFailure).await.steps[0].reason, "WINDOW_CLOSED");
        assert_eq!(facebook.calls(), calls + 1);
    }

    async fn c_09_a_comment_is_answered_in_private_and_once(engine) {
        use DeliveryStatus::*;
        let office = Office::open(engine).await;
        for (name, of) in [("facebook", &office.facebook), ("instagram", &office.instagram)] {
            let (comment, _) = of.comment((USER, AUTHOR, "Rina"), "90", "Lampu mati di sini");
            let written = second(&office);
            let first = office.send(to(of, "", Some((&comment, written)), receipt("", ""))).await;
            office.when_step(&first.id, 0, Sent).await;
            let taken = of.taken().remove(0);
            assert_eq!(taken.body["recipient"]["comment_id"], comment.as_str(), "{name}");
            assert!(taken.text().contains("482913"));
            // One word about all that went to its author is about the answer to the comment too.
            if name == "facebook" {
                assert_eq!(taken.to, USER);
                office.direct_webhook(name, of.read(&taken)).await.unwrap();
                let found = office.get(&first.id).await;
                assert!(found.status() == Delivered && found.steps[0].read_time.is_some());
            }
            // Who asked for it learns who the author is; nobody else does.
            assert_eq!(office.get(&first.id).await.direct_user, USER);
            let request = GetNotificationRequest { notification: first.id.clone() };
            let request = office.by("acc_lain", &["notifications.read"], &[], request);
            let told = office.client.clone().get_notification(request).await.unwrap().into_inner();
            assert_eq!(told.notification.unwrap().direct_user, "");
            // A comment opens no window, and is answered once: nothing more is tried.
            let more = office.send(to(of, "", Some((&comment, written)), receipt("", ""))).await;
            let found = office.when_step(&more.id, 0, TechnicalFailure).await;
            assert_eq!((found.steps[0].reason.as_str(), of.calls()), ("WINDOW_CLOSED", 1));
            // Its author answers: from now on they are written to.
            office.direct_webhook(name, of.press(USER, ("Anonim", "anonim:adu_2"))).await.unwrap();
            let then = office.send(to(of, "", Some((&comment, written)), receipt("", ""))).await;
            office.when_step(&then.id, 0, Sent).await;
            assert_eq!(of.taken()[1].body["recipient"]["id"], USER);
            // Too old a comment is not tried at all.
            let (old, _) = of.comment(("7000000000000009", "8000000000000009", "Budi"), "91", "Sampah");
            let late = office.send(to(of, "", Some((&old, written - 7 * 86_400)), receipt("", ""))).await;
            office.when_step(&late.id, 0, TechnicalFailure).await;
            assert_eq!(of.calls(), 2);
        }
        let wrong = DirectAddress { account: "1".to_owned(), user: "a b".to_owned(), ..DirectAddress::default() };
        let mut request = receipt("", "");
        let addresses = Addresses { direct: Some(wrong), ..Addresses::default() };
        request.recipient =
            Some(Recipient { kind: Some(recipient::Kind::Addresses(addresses)), language: String::new() });
        assert_eq!(office.try_send(request).await.unwrap_err().code(), Code::InvalidArgument);
    }

    async fn n_08_a_direct_message_without_an_answer_is_no_second_one(engine) {
        use DeliveryStatus::*;
        let office = Office::open(engine).await;
        // Messenger says our words back with our tag: the call was taken.
        office.direct_webhook("facebook", office.facebook.write(USER, "Halo")).await.unwrap();
        office.facebook.whim(&[Whim::TakenAndLost]);
        let sent = office.send(to(&office.facebook, USER, None, receipt("", ""))).await;
        office.until("it was taken", async || (office.facebook.taken().len() == 1).then_some(())).await;
        office.direct_webhook("facebook", office.facebook.echo(&office.facebook.taken()[0])).await.unwrap();
        office.when_step(&sent.id, 0, Sent).await;
        office.after(TimeDelta::minutes(3));
        office.settle().await;
        assert_eq!(office.facebook.calls(), 1);
        // Instagram says nothing: it is tried once more, and that the comment was answered before means that it was us.
        let (comment, _) = office.instagram.comment((USER, AUTHOR, "rina"), "90", "Lampu mati");
        office.instagram.whim(&[Whim::TakenAndLost]);
        let written = second(&office);
        let lost = office.send(to(&office.instagram, "", Some((&comment, written)), receipt("", ""))).await;
        office.when(&lost.id, "an attempt", |it| !it.steps[0].attempts.is_empty()).await;
        office.until("it was taken", async || (office.instagram.taken().len() == 1).then_some(())).await;
        office.settle().await;
        office.after(TimeDelta::minutes(3));
        let found = office.when_step(&lost.id, 0, Delivered).await;
        assert_eq!((found.steps[0].attempts.len(), office.instagram.taken().len()), (2, 1));
        assert_eq!(found.steps[0].reason, "ALREADY_ANSWERED");
    }

    async fn n_21_the_codes_of_direct_messages_are_heeded(engine) {
        use DeliveryStatus::*;
        let office = Office::open(engine).await;
        let facebook = &office.facebook;
        let write = async || office.direct_webhook("facebook", facebook.write(USER, "Halo")).await.unwrap();
        write().await;
        // The rate of the account: again after a while.
        facebook.whim(&[Whim::Code(613), Whim::Code(4)]);
        let slow = office.send(to(facebook, USER, None, receipt("", ""))).await;
        for attempts in 1..=2 {
            office.when(&slow.id, "refused", |it| {
                it.steps[0].attempts.iter().filter(|it| it.outcome == "THROUGHPUT").count() == attempts
            })
            .await;
            office.after(TimeDelta::minutes(3));
        }
        office.when_step(&slow.id, 0, Sent).await;
        // Somebody who blocks us is one person, and the account goes on.
        facebook.block(USER, true);
        let blocked = office.send(to(facebook, USER, None, receipt("", ""))).await;
        let found = office.when_step(&blocked.id, 0, PermanentFailure).await;
        assert_eq!(found.steps[0].attempts[0].provider_code, "551/1545041");
        assert!(found.contact_failing);
        let held = office.send(to(facebook, USER, None, receipt("", ""))).await;
        assert_eq!(held.steps[0].reason, "CONTACT_FAILING");
        facebook.block(USER, false);
        write().await;
        let again = office.send(to(facebook, USER, None, receipt("", ""))).await;
        office.when_step(&again.id, 0, Sent).await;
        // A token that is not accepted is ours: the circuit of this account opens, and nothing is burnt.
        facebook.whim(&[Whim::Code(190)]);
        let calls = facebook.calls();
        let waits = office.send(to(facebook, USER, None, receipt("", ""))).await;
        let account = office.until("the circuit opens", async || {
            let request = office.system(ListChannelAccountsRequest::default());
            let found = office.client.clone().list_channel_accounts(request).await.unwrap().into_inner();
            found.channel_accounts.into_iter().find(|it| it.key == "facebook:utama" && it.circuit_open)
        })
        .await;
        assert_eq!((account.channel(), account.problem.as_str()), (Channel::Direct, "ACCOUNT_LOCKED 190"));
        let other = office.send(to(facebook, USER, None, receipt("", ""))).await;
        office.settle().await;
        assert_eq!(facebook.calls(), calls + 1);
        office.after(TimeDelta::minutes(2));
        office.when_step(&waits.id, 0, Sent).await;
        office.when_step(&other.id, 0, Sent).await;
        // Who wants none gets none, and who asks again does.
        office.direct_webhook("facebook", facebook.write(USER, "berhenti")).await.unwrap();
        let stopped = office.send(to(facebook, USER, None, receipt("", ""))).await;
        assert_eq!(stopped.steps[0].reason, "OPTED_OUT");
    }

    async fn c_13_webhooks_of_direct_messages_are_believed_by_their_signature(engine) {
        let office = Office::open(engine).await;
        let call = office.facebook.write(USER, "Halo");
        let unsigned = mpp_notifications::simulator::Call { signature: String::new(), ..call.clone() };
        assert_eq!(office.direct_webhook("facebook", unsigned).await.unwrap_err().code(), Code::Unauthenticated);
        assert_eq!(office.direct_webhook("tiktok", call.clone()).await.unwrap_err().code(), Code::NotFound);
        // Nothing of it was believed: no window is open.
        let sent = office.send(to(&office.facebook, USER, None, receipt("", ""))).await;
        office.when_step(&sent.id, 0, DeliveryStatus::TechnicalFailure).await;
        assert_eq!(office.direct_webhook("facebook", call).await.unwrap().messages, 1);
    }
}

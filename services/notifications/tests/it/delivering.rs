//! Plans, statuses, repetitions and crashes: N-04, N-06, N-07, N-08.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_notifications::simulator::Whim;
use mpp_proto::notifications::v1::*;
use tonic::Code;

use crate::office::{
    CITIZEN, EMAIL, HEAD, NUMBER, Office, contact, digest, escalation, final_answer, receipt,
};

fn statuses(found: &Notification) -> Vec<DeliveryStatus> {
    found.steps.iter().map(DeliveryStep::status).collect()
}

lines! {
    async fn n_04_the_next_step_comes_only_when_the_former_did_not_arrive(engine) {
        use DeliveryStatus::*;
        let office = Office::open(engine).await;
        // Delivered: nothing else is sent.
        let first = office.send(escalation(HEAD)).await;
        office.when_step(&first.id, 0, Sent).await;
        let wamid = office.taken(NUMBER)[0].id.clone();
        office.webhook(office.whatsapp.statuses(&[(&wamid, "delivered", 0)])).await.unwrap();
        let found = office.when(&first.id, "delivered", |found| found.status() == Delivered).await;
        assert_eq!(statuses(&found), [Delivered, Cancelled, Cancelled]);
        office.after(TimeDelta::minutes(30));
        office.settle().await;
        assert!(office.mail.taken().is_empty());

        // Not delivered in its time: a mail. A mail that is taken ends the plan.
        let second = office.send(escalation(HEAD)).await;
        office.when_step(&second.id, 0, Sent).await;
        office.after(TimeDelta::minutes(9));
        office.settle().await;
        assert!(office.mail.taken().is_empty(), "not before its time");
        office.after(TimeDelta::minutes(1));
        let found = office.when_step(&second.id, 1, Sent).await;
        assert_eq!(statuses(&found), [FellBack, Sent, Created]);
        assert_eq!(found.steps[0].reason, "NOT_DELIVERED_IN_TIME");
        let mail = &office.mail.taken()[0];
        assert_eq!(mail.to, [EMAIL]);
        assert_eq!(mail.from, format!("pantul+{}.2@contohkab.example", second.id));
        assert_eq!(mail.header("Message-ID").unwrap(), format!("<{}.2@contohkab.example>", second.id));
        assert_eq!(mail.header("Auto-Submitted").unwrap(), "auto-generated");
        assert!(mail.header("List-Unsubscribe").is_none(), "a message about one's own matter");
        assert!(mail.header("Subject").unwrap().contains("ADU-2026-000123-7"));
        office.after(TimeDelta::hours(23));
        office.settle().await;
        assert_eq!(office.get(&second.id).await.status(), Sent, "it may still come back");
        office.after(TimeDelta::hours(1));
        let found = office.when(&second.id, "nothing came back", |found| found.status() == Delivered).await;
        assert_eq!(statuses(&found), [FellBack, Delivered, Cancelled]);
        assert_eq!((found.steps[1].reason.as_str(), found.complete_time.is_some()), ("NO_BOUNCE", true));
        assert_eq!(office.inbox(HEAD).await.items.len(), 0);
        // What comes back after that says nothing new of the message, and something of the address.
        let envelope = format!("pantul+{}.2@contohkab.example", second.id);
        let late = ReportBounceRequest { envelope, status_code: "5.1.1".to_owned(), ..Default::default() };
        let told = office.client.clone().report_bounce(office.system(late)).await.unwrap().into_inner();
        let told = told.notification.unwrap();
        assert_eq!((told.status(), told.contact_failing), (Delivered, true));
        office.apply(contact(HEAD, NUMBER, "kepala.baru@dinas.contohkab.example", "KEPALA_OPD")).await.unwrap();

        // Undeliverable at once, and the mail bounces: the list.
        office.whatsapp.without_whatsapp(NUMBER);
        let third = office.send(escalation(HEAD)).await;
        let found = office.when_step(&third.id, 1, Sent).await;
        assert_eq!(found.steps[0].status(), PermanentFailure);
        assert_eq!(found.steps[0].attempts.len(), 1, "a permanent error is not tried again");
        let envelope = format!("pantul+{}.2@contohkab.example", third.id);
        let bounce = ReportBounceRequest { envelope, status_code: "5.1.1".to_owned(), ..Default::default() };
        office.client.clone().report_bounce(office.system(bounce)).await.unwrap();
        let found = office.when(&third.id, "delivered", |found| found.status() == Delivered).await;
        assert_eq!(statuses(&found), [PermanentFailure, PermanentFailure, Delivered]);
        let list = office.inbox(HEAD).await;
        assert_eq!((list.items.len(), list.unread_count), (1, 1));
        assert!(list.items[0].body.contains("Dinas PUPR"));
        let item = list.items[0].id.clone();
        let read = office.by(HEAD, &[], &[], MarkReadRequest { item: item.clone(), ..Default::default() });
        office.client.clone().mark_read(read).await.unwrap();
        assert_eq!(office.inbox(HEAD).await.unread_count, 0);
        let foreign = office.by("acc_lain", &[], &[], MarkReadRequest { item, ..Default::default() });
        assert_eq!(office.client.clone().mark_read(foreign).await.unwrap_err().code(), Code::NotFound);
    }

    async fn n_04_a_long_answer_goes_over_whatsapp_with_a_link_and_by_mail_whole(engine) {
        let office = Office::open(engine).await;
        let answer = "Lubang di depan pasar sudah ditambal oleh Bidang Bina Marga. ".repeat(80);
        let mut request = final_answer(CITIZEN);
        request.recipient = receipt(CITIZEN, "warga@contoh.example").recipient;
        request.placeholders.insert("jawaban".to_owned(), answer.clone());
        request.reply_to = "aduan+adu-2026-000124-5-0123456789abcdef0123@contohkab.example".to_owned();
        let sent = office.send(request.clone()).await;
        office.when_step(&sent.id, 0, DeliveryStatus::Sent).await;
        let parameters = office.taken(CITIZEN)[0].body["template"]["components"][0]["parameters"].clone();
        let text = |at: usize| parameters[at]["text"].as_str().unwrap().to_owned();
        let told: usize = (0..4).map(|at| text(at).chars().count()).sum();
        assert!((700..=1024).contains(&told), "as much as a template takes: {told}");
        assert!(text(1).ends_with("(lanjutannya di tautan)"), "{}", text(1));
        assert_eq!(text(3), "https://mpp.example/lacak");
        office.after(TimeDelta::minutes(15));
        office.when_step(&sent.id, 1, DeliveryStatus::Sent).await;
        let mail = office.mail.taken().pop().unwrap();
        assert_eq!(mail.header("Reply-To").as_deref(), Some(request.reply_to.as_str()));
        let letters = |text: &str| text.chars().filter(|it| it.is_alphanumeric()).collect::<String>();
        assert!(letters(&mail.text.replace("=\r\n", "")).contains(&letters(&answer)), "whole: {}", mail.text);
        // What no channel is meant for is said at once, and not shortened in silence.
        let damaged = CreateNotificationRequest { reply_to: "aduan".to_owned(), ..request.clone() };
        assert_eq!(office.try_send(damaged).await.unwrap_err().code(), Code::InvalidArgument);
        request.placeholders.insert("jawaban".to_owned(), "x".repeat(6001));
        assert_eq!(office.try_send(request).await.unwrap_err().code(), Code::InvalidArgument);
    }

    async fn n_06_facts_are_kept_and_final_statuses_stay(engine) {
        use DeliveryStatus::*;
        let office = Office::open(engine).await;
        let first = office.send(receipt(CITIZEN, "warga@contoh.example")).await;
        office.when_step(&first.id, 0, Sent).await;
        let wamid = office.taken(CITIZEN)[0].id.clone();
        let told = |status, code| office.whatsapp.statuses(&[(&wamid, status, code)]);
        // Failed for good, so the mail goes; then it arrives on another device: both facts, and the last word is delivered.
        office.webhook(told("failed", 131_026)).await.unwrap();
        let found = office.when_step(&first.id, 1, Sent).await;
        assert_eq!(found.steps[0].status(), PermanentFailure);
        assert!(found.contact_failing);
        office.webhook(told("delivered", 0)).await.unwrap();
        let found = office.get(&first.id).await;
        assert_eq!(statuses(&found), [Delivered, Sent]);
        assert!(found.steps[0].failed_time.is_some() && found.steps[0].delivered_time.is_some());
        assert!(!found.contact_failing, "it arrived");
        // Told again, late and out of order: nothing changes.
        for call in [told("failed", 131_026), told("sent", 0), told("delivered", 0)] {
            office.webhook(call).await.unwrap();
            let again = office.get(&first.id).await;
            assert_eq!(again.steps[0].status(), Delivered);
            assert_eq!(again.steps[0].delivered_time, found.steps[0].delivered_time);
        }
        office.webhook(told("read", 0)).await.unwrap();
        assert!(office.get(&first.id).await.steps[0].read_time.is_some());
        // A batch is read whole, and what is not ours is left alone.
        let answer =
            office.webhook(office.whatsapp.statuses(&[("wamid.x", "read", 0), (&wamid, "read", 0)])).await;
        assert_eq!(answer.unwrap().statuses, 2);
        // A mail that failed is not brought back, whatever is said of it.
        let expiring = CreateNotificationRequest {
            expire_time: Some(prost_types::Timestamp { seconds: 1_795_663_800, nanos: 0 }), // 03:30
            scheduled_time: Some(prost_types::Timestamp { seconds: 1_795_663_200, nanos: 0 }), // 03:20
            ..receipt("", "warga@contoh.example")
        };
        let late = office.send(expiring).await;
        assert_eq!(late.steps[0].reason, "NO_ADDRESS");
        office.after(TimeDelta::minutes(31));
        let found = office.when(&late.id, "expired", |found| found.status() == Expired).await;
        assert_eq!(statuses(&found), [Suppressed, Expired]);
        let cancel =
            CancelNotificationRequest { notification: late.id, reason: "SETTLED".to_owned(), ..Default::default() };
        let refused = office.client.clone().cancel_notification(office.system(cancel)).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        // What waits can be called off.
        let waiting = CreateNotificationRequest {
            scheduled_time: Some(prost_types::Timestamp { seconds: 1_795_750_000, nanos: 0 }),
            ..receipt(CITIZEN, "")
        };
        let waiting = office.send(waiting).await;
        let cancel = CancelNotificationRequest {
            notification: waiting.id.clone(),
            reason: "SETTLED".to_owned(),
            ..Default::default()
        };
        office.client.clone().cancel_notification(office.system(cancel)).await.unwrap();
        office.after(TimeDelta::days(3));
        office.settle().await;
        let found = office.get(&waiting.id).await;
        assert_eq!((found.status(), found.steps[0].reason.as_str()), (Cancelled, "SETTLED"));
        assert_eq!(office.taken(CITIZEN).len(), 1);
    }

    async fn n_06_without_a_receipt_a_message_is_given_up_after_72_hours(engine) {
        let office = Office::open(engine).await;
        let sent = office.send(receipt(CITIZEN, "")).await;
        office.when_step(&sent.id, 0, DeliveryStatus::Sent).await;
        office.after(TimeDelta::hours(71));
        office.settle().await;
        assert_eq!(office.get(&sent.id).await.status(), DeliveryStatus::Sent);
        office.after(TimeDelta::hours(2));
        let found = office.when_step(&sent.id, 0, DeliveryStatus::TemporaryFailure).await;
        assert_eq!(found.steps[0].reason, "NO_RECEIPT");
    }

    async fn n_07_what_fails_for_now_is_tried_again_later_and_later_and_the_rest_is_not(engine) {
        use DeliveryStatus::*;
        let office = Office::open(engine).await;
        office.mail.whim(&[(451, "4.2.1 greylisted"), (452, "4.2.2 full")]);
        let first = office.send(receipt("", "warga@contoh.example")).await;
        let attempts = |count: usize| move |found: &Notification| found.steps[1].attempts.len() == count;
        office.when(&first.id, "one attempt", attempts(1)).await;
        office.when(&first.id, "its outcome", |found| found.steps[1].attempts[0].outcome == "BUSY").await;
        office.after(TimeDelta::seconds(29));
        office.settle().await;
        assert_eq!(office.get(&first.id).await.steps[1].attempts.len(), 1, "not before 30 s");
        office.after(TimeDelta::seconds(8));
        office.when(&first.id, "two attempts", |found| {
            found.steps[1].attempts.len() == 2 && found.steps[1].attempts[1].outcome == "BUSY"
        })
        .await;
        office.after(TimeDelta::seconds(50));
        office.settle().await;
        assert_eq!(office.get(&first.id).await.steps[1].attempts.len(), 2, "the second delay is twice as long");
        office.after(TimeDelta::seconds(30));
        let found = office.when_step(&first.id, 1, Sent).await;
        let codes: Vec<&str> = found.steps[1].attempts.iter().map(|it| it.provider_code.as_str()).collect();
        assert_eq!(codes[..2], ["4.2.1", "4.2.2"]);
        let ids: Vec<_> = office.mail.taken().iter().map(|mail| mail.header("Message-ID")).collect();
        assert_eq!(ids, [Some(format!("<{}.2@contohkab.example>", first.id))]);

        // A permanent error is the end.
        office.mail.whim(&[(550, "5.1.1 no such user")]);
        let second = office.send(receipt("", "hilang@contoh.example")).await;
        // What follows from it for the contact and the whole is written behind it.
        let found = office
            .when(&second.id, "its end", |found| found.contact_failing && found.complete_time.is_some())
            .await;
        assert_eq!((found.steps[1].status(), found.steps[1].attempts.len()), (PermanentFailure, 1));

        // Four hours are enough.
        office.mail.whim(&[(451, "4.3.0"); 40]);
        let third = office.send(receipt("", "sibuk@contoh.example")).await;
        for attempt in 1..40 {
            let found = office
                .when(&third.id, "the next attempt ended", |found| {
                    let ended = found.steps[1].attempts.iter().filter(|it| it.outcome == "BUSY").count();
                    found.status() == TemporaryFailure || ended >= attempt
                })
                .await;
            if found.status() == TemporaryFailure {
                break;
            }
            office.after(TimeDelta::minutes(37));
        }
        let found = office.get(&third.id).await;
        assert_eq!((found.status(), found.steps[1].reason.as_str()), (TemporaryFailure, "GIVEN_UP"));
        assert!((5..15).contains(&found.steps[1].attempts.len()), "{}", found.steps[1].attempts.len());
    }

    async fn n_08_a_crash_between_acceptance_and_commit_gives_at_most_one_duplicate(engine) {
        use DeliveryStatus::*;
        let office = Office::open(engine).await;
        // The provider takes it and the process ends before it hears so.
        office.whatsapp.whim(&[Whim::TakenAndSilent]);
        let first = office.send(receipt(CITIZEN, "")).await;
        office.until("it was taken", async || (office.taken(CITIZEN).len() == 1).then_some(())).await;
        let found = office.get(&first.id).await;
        assert_eq!(found.steps[0].attempts[0].outcome, "UNCLEAR", "the row was there before the call");
        let office = office.crash().await;
        office.settle().await;
        assert_eq!(office.taken(CITIZEN).len(), 1, "a status is waited for");
        // The status names our id, so it is known that nothing has to be sent again.
        let wamid = office.taken(CITIZEN)[0].id.clone();
        assert_eq!(office.taken(CITIZEN)[0].tag(), format!("{}.1", first.id));
        office.webhook(office.whatsapp.statuses(&[(&wamid, "sent", 0)])).await.unwrap();
        office.when_step(&first.id, 0, Sent).await;
        office.after(TimeDelta::minutes(5));
        office.settle().await;
        assert_eq!(office.taken(CITIZEN).len(), 1);

        // Without any status it is sent once more, and never a third time.
        office.whatsapp.whim(&[Whim::TakenAndLost, Whim::TakenAndLost]);
        let second = office.send(receipt(NUMBER, "")).await;
        let lost = |count: usize| {
            move |found: &Notification| {
                let attempts = &found.steps[0].attempts;
                attempts.len() == count && attempts.iter().all(|it| !it.provider_code.is_empty())
            }
        };
        office.when(&second.id, "the answer was lost", lost(1)).await;
        office.after(TimeDelta::seconds(110));
        office.settle().await;
        assert_eq!(office.taken(NUMBER).len(), 1, "for two minutes");
        office.after(TimeDelta::seconds(15));
        office.when(&second.id, "it is tried again, and the answer is lost", lost(2)).await;
        office.after(TimeDelta::minutes(3));
        let found = office.when_step(&second.id, 0, TechnicalFailure).await;
        assert_eq!(found.steps[0].reason, "UNCLEAR");
        assert_eq!(office.taken(NUMBER).len(), 2, "at most one duplicate");
        let tags: Vec<_> = office.taken(NUMBER).iter().map(|taken| taken.tag().to_owned()).collect();
        assert_eq!(tags, [format!("{}.1", second.id), format!("{}.1", second.id)], "both can be told to be one");
        let wamid = office.taken(NUMBER)[1].id.clone();
        office.webhook(office.whatsapp.statuses(&[(&wamid, "delivered", 0)])).await.unwrap();
        assert_eq!(office.get(&second.id).await.status(), Delivered, "the row is put right");
    }

    async fn buttons_of_citizens_answer_and_digests_are_ended_by_their_header(engine) {
        let office = Office::open(engine).await;
        office.send(final_answer(CITIZEN)).await;
        let taken = office
            .until("it was taken", async || office.taken(CITIZEN).into_iter().next())
            .await;
        let template = &taken.body["template"];
        assert_eq!(template["name"], "jawaban_akhir_v1");
        assert_eq!(template["components"][1]["parameters"][0]["payload"], "sudah:adu_2");
        assert_eq!(template["components"][2]["parameters"][0]["payload"], "belum:adu_2");
        let sent = office.send(digest(HEAD)).await;
        office.when_step(&sent.id, 0, DeliveryStatus::Sent).await;
        let mail = office.mail.taken().pop().unwrap();
        assert_eq!(mail.header("List-Unsubscribe-Post").unwrap(), "List-Unsubscribe=One-Click");
        let header = mail.header("List-Unsubscribe").unwrap();
        let token = header.trim_matches(['<', '>']).rsplit('/').next().unwrap().to_owned();
        let unsubscribe = |token: String| {
            let mut client = office.client.clone();
            async move { client.unsubscribe(tonic::Request::new(UnsubscribeRequest { token })).await }
        };
        assert_eq!(unsubscribe(format!("{token}x")).await.unwrap_err().code(), Code::NotFound);
        unsubscribe(token.clone()).await.unwrap();
        unsubscribe(token).await.unwrap();
        let next = office.send(digest(HEAD)).await;
        assert_eq!((next.steps[0].status(), next.steps[0].reason.as_str()), (DeliveryStatus::Suppressed, "OPTED_OUT"));
        let urgent = office.send(escalation(HEAD)).await;
        assert_ne!(urgent.steps[1].status(), DeliveryStatus::Suppressed, "only digests are ended");
    }
}

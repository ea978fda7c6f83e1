//! How long an attempt is repeated, and by whom: N-07, N-08, N-21.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_notifications::simulator::{Account, Whim};
use mpp_proto::notifications::v1::*;

use crate::office::{CITIZEN, Office, receipt};

lines! {
    async fn n_07_what_is_refused_for_a_reason_that_nobody_knows_is_not_repeated(engine) {
        let office = Office::open(engine).await;
        office.whatsapp.whim(&[Whim::Code(139_999)]);
        let sent = office.send(receipt(CITIZEN, "")).await;
        let found = office.when_step(&sent.id, 0, DeliveryStatus::TechnicalFailure).await;
        assert_eq!((found.steps[0].reason.as_str(), found.steps[0].attempts.len()), ("REFUSED", 1));
        assert_eq!(found.steps[0].attempts[0].provider_code, "139999");
        assert!(!office.whatsapp_account().await.circuit_open, "it says nothing about the account");
        // Neither is what is reported so afterwards.
        office.after(TimeDelta::minutes(1));
        let sent = office.send(receipt(CITIZEN, "")).await;
        office.when_step(&sent.id, 0, DeliveryStatus::Sent).await;
        let wamid = office.taken(CITIZEN)[0].id.clone();
        office.webhook(office.whatsapp.statuses(&[(&wamid, "failed", 139_999)])).await.unwrap();
        let found = office.get(&sent.id).await;
        assert_eq!((found.status(), found.steps[0].reason.as_str()), (DeliveryStatus::TechnicalFailure, "REFUSED"));
    }

    async fn n_07_what_fails_after_it_was_taken_is_repeated_for_four_hours(engine) {
        use DeliveryStatus::*;
        let office = Office::open(engine).await;
        let sent = office.send(receipt(CITIZEN, "")).await;
        for attempt in 1..30 {
            let found = office
                .when(&sent.id, "it is taken again, or given up", |found| {
                    let taken = found.steps[0].status() == Sent && found.steps[0].attempts.len() == attempt;
                    taken || found.status() == TechnicalFailure
                })
                .await;
            if found.status() == TechnicalFailure {
                break;
            }
            let wamid = office.taken(CITIZEN)[attempt - 1].id.clone();
            office.webhook(office.whatsapp.statuses(&[(&wamid, "failed", 131_000)])).await.unwrap();
            office.after(TimeDelta::minutes(37));
        }
        let found = office.get(&sent.id).await;
        assert_eq!((found.status(), found.steps[0].reason.as_str()), (TechnicalFailure, "GIVEN_UP"));
        assert!((5..10).contains(&found.steps[0].attempts.len()), "{}", found.steps[0].attempts.len());
    }

    async fn n_21_what_our_account_fails_is_given_up_after_three_days(engine) {
        use DeliveryStatus::*;
        let office = Office::open(engine).await;
        office.whatsapp.whim(&[Whim::Code(131_031); 20]);
        let sent = office.send(receipt(CITIZEN, "")).await;
        for attempt in 1..20 {
            let found = office
                .when(&sent.id, "the attempt ended", |found| {
                    let ended = found.steps[0].attempts.iter().filter(|it| it.outcome == "ACCOUNT_LOCKED").count();
                    ended == attempt || found.status() == TechnicalFailure
                })
                .await;
            if found.status() == TechnicalFailure {
                break;
            }
            office.after(TimeDelta::hours(13));
        }
        let found = office.get(&sent.id).await;
        assert_eq!((found.status(), found.steps[0].reason.as_str()), (TechnicalFailure, "GIVEN_UP"));
        // The seventh is the first after 72 hours.
        assert_eq!(found.steps[0].attempts.len(), 7);
    }

    async fn n_08_a_mail_server_that_hangs_makes_nobody_send_twice_and_holds_up_nobody_else(engine) {
        let office = Office::with(engine, Account::default(), |config| {
            config.email.per_second = 1000;
            config.email.timeout_seconds = 60;
        })
        .await;
        let other = office.second_instance().await;
        office.mail.hold("antre");
        office.mail.hold("terakhir");
        // As many as both have under way at once, and one that comes after them.
        let at = |seconds: i64| Some(prost_types::Timestamp { seconds: 1_795_663_200 + seconds, nanos: 0 }); // 03:20
        let mut ids = Vec::new();
        for place in 0..32 {
            let request = receipt("", &format!("antre-{place}@contoh.example"));
            ids.push(office.send(CreateNotificationRequest { scheduled_time: at(0), ..request }).await.id);
        }
        let last = receipt("", "terakhir@contoh.example");
        let last = office.send(CreateNotificationRequest { scheduled_time: at(1), ..last }).await.id;
        office.after(TimeDelta::seconds(20 * 60 + 1));
        // One alone has no more than sixteen under way.
        office
            .until("both wait for the mail server", async || (office.mail.waiting().len() > 16).then_some(()))
            .await;
        office.settle().await;
        let citizen = office.send(receipt(CITIZEN, "")).await;
        office.when_step(&citizen.id, 0, DeliveryStatus::Sent).await;

        // It answers just before they would be made again.
        office.after(TimeDelta::seconds(110));
        office.mail.release("antre");
        for id in &ids {
            office.when_step(id, 1, DeliveryStatus::Sent).await;
        }
        let waits = || office.mail.waiting();
        office.until("the last one is under way", async || (waits().len() == 1).then_some(())).await;
        // Longer than two minutes after this pass over the queue began, and not after this attempt did.
        for _ in 0..2 {
            office.after(TimeDelta::seconds(40));
            office.settle().await;
            assert_eq!(waits(), ["terakhir@contoh.example"], "nobody else makes it meanwhile");
        }
        office.mail.release("terakhir");
        office.when_step(&last, 1, DeliveryStatus::Sent).await;
        office.settle().await;
        let taken = office.mail.taken();
        let names: BTreeSet<_> = taken.iter().filter_map(|mail| mail.header("Message-ID")).collect();
        assert_eq!((taken.len(), names.len()), (33, 33), "each once");
        assert_eq!(office.taken(CITIZEN).len(), 1);
        drop(other);
    }
}

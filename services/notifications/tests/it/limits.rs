//! How fast, to whom, and when an account is left alone: N-09, N-10, N-21.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_notifications::simulator::{Account, Whim};
use mpp_proto::notifications::v1::*;

use crate::office::{CITIZEN, HEAD, NUMBER, Office, escalation, receipt};

lines! {
    async fn n_09_one_message_in_six_seconds_to_one_recipient_and_urgent_ones_first(engine) {
        let office = Office::open(engine).await;
        // Held back together, so that the queue has to choose.
        let at = Some(prost_types::Timestamp { seconds: 1_795_663_200, nanos: 0 }); // 03:20
        let with = |urgency: Urgency| {
            let mut request = CreateNotificationRequest { scheduled_time: at, ..receipt(CITIZEN, "") };
            request.set_urgency(urgency);
            request
        };
        let slow = office.send(with(Urgency::Digest)).await;
        let normal = office.send(with(Urgency::Normal)).await;
        let urgent = office.send(with(Urgency::Urgent)).await;
        office.after(TimeDelta::minutes(20));
        for (position, expected) in [&urgent, &normal, &slow].into_iter().enumerate() {
            office.when_step(&expected.id, 0, DeliveryStatus::Sent).await;
            office.settle().await;
            let taken = office.taken(CITIZEN);
            assert_eq!(taken.len(), position + 1, "one at a time");
            assert_eq!(taken[position].tag(), format!("{}.1", expected.id));
            office.after(TimeDelta::seconds(6));
        }
        assert_eq!(office.whatsapp.calls(), 3, "the stand-in had to refuse none");
        // A delay that the provider asks for is one recipient's alone.
        office.whatsapp.whim(&[Whim::Code(131_056)]);
        let first = office.send(receipt(CITIZEN, "")).await;
        office.when(&first.id, "refused", |found| {
            found.steps[0].attempts.first().is_some_and(|it| it.outcome == "PAIR_RATE")
        })
        .await;
        let other = office.send(receipt(NUMBER, "")).await;
        office.when_step(&other.id, 0, DeliveryStatus::Sent).await;
        office.after(TimeDelta::seconds(7));
        office.when_step(&first.id, 0, DeliveryStatus::Sent).await;
    }

    async fn n_09_the_throughput_of_the_number_is_obeyed(engine) {
        let account = Account { per_second: 5, ..Account::default() };
        let office = Office::with(engine, account, |config| {
            config.whatsapp.get_mut("utama").unwrap().per_second = 5;
        })
        .await;
        let mut ids = Vec::new();
        for place in 0..12 {
            ids.push(office.send(receipt(&format!("62812345001{place:02}"), "")).await.id);
        }
        // Second after second, each for as long as the workers need on this machine.
        office.until("all are sent", async || {
            office.settle().await;
            let taken = office.whatsapp.taken();
            for taken_at in &taken {
                let together = taken.iter().filter(|it| it.at == taken_at.at).count();
                assert!(together <= 5, "{together} in one second");
            }
            office.after(TimeDelta::seconds(1));
            (taken.len() == 12).then_some(())
        })
        .await;
        assert_eq!(office.whatsapp.calls(), 12, "the stand-in had to refuse none");
        for id in ids {
            office.when_step(&id, 0, DeliveryStatus::Sent).await;
        }
    }

    async fn n_10_simulated_recipients_reach_every_outcome_and_nobody_else_is_written_to(engine) {
        use DeliveryStatus::*;
        let office = Office::with(engine, Account::default(), |config| {
            config.allow_list = format!("{NUMBER}, boleh@contoh.example").into();
        })
        .await;
        for (number, status) in [
            ("620000000001", Delivered),
            ("620000000002", Sent),
            ("620000000004", PermanentFailure),
            ("620000000005", TechnicalFailure),
            ("620000000006", Delivered),
        ] {
            let sent = office.send(receipt(number, "")).await;
            office.when_step(&sent.id, 0, status).await;
        }
        let busy = office.send(receipt("", "temporary-failure@simulasi.invalid")).await;
        office.when(&busy.id, "it is tried again", |found| {
            found.steps[1].attempts.first().is_some_and(|it| it.outcome == "BUSY")
        })
        .await;
        office.after(TimeDelta::hours(5));
        office.when_step(&busy.id, 1, TemporaryFailure).await;
        let mail = office.send(receipt("", "delivered@simulasi.invalid")).await;
        office.when_step(&mail.id, 1, Delivered).await;
        assert_eq!((office.whatsapp.calls(), office.mail.taken().len()), (0, 0), "nothing left the process");

        let stranger = office.send(receipt("6289999999999", "orang@contoh.example")).await;
        assert_eq!(stranger.status(), Suppressed);
        assert!(stranger.steps.iter().all(|step| step.reason == "NOT_ON_ALLOW_LIST"));
        let friend = office.send(receipt(NUMBER, "Boleh@contoh.example")).await;
        office.when_step(&friend.id, 0, Sent).await;
        assert_eq!(friend.steps[1].status(), Created);
        office.settle().await;
        assert_eq!(office.whatsapp.calls(), 1);
    }

    async fn n_21_an_account_that_fails_is_left_alone_and_the_queue_waits(engine) {
        let office = Office::open(engine).await;
        let admins = DeliveryRules {
            time_zone: "Asia/Jakarta".to_owned(),
            admin_account_ids: vec!["acc_admin".to_owned()],
            ..Default::default()
        };
        office.rules(admins).await;
        office.whatsapp.whim(&[Whim::Gateway(503); 16]);
        let at = Some(prost_types::Timestamp { seconds: 1_795_663_200, nanos: 0 }); // 03:20
        let mut ids = Vec::new();
        for place in 0..30 {
            let request = receipt(&format!("62812345002{place:02}"), "");
            ids.push(office.send(CreateNotificationRequest { scheduled_time: at, ..request }).await.id);
        }
        office.after(TimeDelta::minutes(20));
        let account = office
            .until("the circuit opens", async || Some(office.whatsapp_account().await).filter(|it| it.circuit_open))
            .await;
        assert_eq!(account.problem, "PROVIDER_FAILED 503");
        office
            .until("those under way ended, and the rest waits", async || {
                let waiting = office.whatsapp_account().await.waiting;
                let seen = (office.whatsapp.calls(), office.whatsapp.taken().len(), waiting);
                (seen == (16, 0, 14)).then_some(())
            })
            .await;
        let calls = office.whatsapp.calls();
        office
            .until("the administrator is told, once", async || {
                (office.inbox("acc_admin").await.items.len() == 1).then_some(())
            })
            .await;
        // While it is open nothing is tried, and nothing is given up.
        office.settle().await;
        assert_eq!(office.whatsapp.calls(), calls);
        // After a rest one is tried; it works, and everything goes out: once each.
        for _ in 0..40 {
            if office.whatsapp.taken().len() >= 30 {
                break;
            }
            office.after(TimeDelta::seconds(40));
            office.settle().await;
        }
        for id in &ids {
            office.when_step(id, 0, DeliveryStatus::Sent).await;
        }
        let mut tags: Vec<String> = office.whatsapp.taken().iter().map(|taken| taken.tag().to_owned()).collect();
        assert_eq!(tags.len(), 30);
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), 30, "none twice");
        assert_eq!(office.whatsapp.calls(), 46, "those that waited were tried once");
        assert!(!office.whatsapp_account().await.circuit_open);
        // A locked account is not tried five times.
        office.whatsapp.whim(&[Whim::Code(131_031)]);
        office.send(receipt(CITIZEN, "")).await;
        office
            .until("the circuit opens", async || Some(office.whatsapp_account().await).filter(|it| it.circuit_open))
            .await;
        // What is for an official goes its way: the mail does not wait for the account of another channel.
        let other = office.send(escalation(HEAD)).await;
        for _ in 0..3 {
            office.after(TimeDelta::minutes(4));
            office.whatsapp.whim(&[Whim::Code(131_031)]);
            office.settle().await;
        }
        office.when_step(&other.id, 1, DeliveryStatus::Sent).await;
    }
}

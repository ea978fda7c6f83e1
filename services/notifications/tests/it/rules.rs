//! N-20: hours of rest and times of digests.

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::testing::Engine;
use mpp_proto::notifications::v1::*;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::office::{CITIZEN, EMAIL, HEAD, NUMBER, Office, digest, emergency, escalation, receipt};

fn rules() -> DeliveryRules {
    let hours = |role: &str, from: &str, to: &str| QuietHours {
        role: role.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
    };
    DeliveryRules {
        time_zone: "Asia/Jakarta".to_owned(),
        quiet_hours: vec![hours("KEPALA_OPD", "21:00", "06:00"), hours("WARGA", "22:00", "05:00")],
        digest_times: vec!["07:30".to_owned(), "16:00".to_owned()],
        ..Default::default()
    }
}

fn at(office: &Office, time: &str) {
    office.clock.set(time.parse::<DateTime<Utc>>().unwrap());
}

lines! {
    async fn n_20_quiet_hours_hold_back_by_role_and_an_emergency_does_not_wait(engine) {
        use DeliveryStatus::*;
        let office = Office::open(engine).await;
        office.rules(rules()).await;
        // 21:30 in Jakarta.
        at(&office, "2026-11-26T14:30:00Z");
        let held = office.send(escalation(HEAD)).await;
        let urgent = office.send(emergency(HEAD)).await;
        let citizen = office.send(receipt(CITIZEN, "")).await;
        office.when_step(&urgent.id, 0, Sent).await;
        office.when_step(&citizen.id, 0, Sent).await;
        let wamid = office.taken(NUMBER)[0].id.clone();
        office.webhook(office.whatsapp.statuses(&[(&wamid, "delivered", 0)])).await.unwrap();
        let found = office.when(&held.id, "put off", |found| {
            found.steps[0].next_time.is_some_and(|time| time.seconds == 1_795_734_000)
        })
        .await;
        assert_eq!(found.steps[0].status(), Created);
        office.after(TimeDelta::hours(2));
        office.settle().await;
        assert_eq!(office.taken(NUMBER).len(), 1, "the emergency alone");
        assert!(office.mail.taken().is_empty(), "a message that rests does not fall back");
        // What becomes pointless before the rest ends is not sent at all.
        let pointless = CreateNotificationRequest {
            expire_time: Some(prost_types::Timestamp { seconds: 1_795_720_000, nanos: 0 }), // 19:06 UTC
            ..escalation(HEAD)
        };
        let pointless = office.send(pointless).await;
        let found = office.when(&pointless.id, "held back", |found| found.steps[0].status() == Suppressed).await;
        assert_eq!(found.steps[0].reason, "QUIET_HOURS");
        // 06:00 in Jakarta: now, and the time for its delivery begins now.
        at(&office, "2026-11-26T23:00:00Z");
        office.when_step(&held.id, 0, Sent).await;
        assert_eq!(office.taken(NUMBER).len(), 2);
        office.after(TimeDelta::minutes(10));
        office.when_step(&held.id, 1, Sent).await;
        assert_eq!(office.mail.taken()[0].to, [EMAIL]);
    }

    async fn n_20_digests_go_out_at_their_times(engine) {
        let office = Office::open(engine).await;
        office.rules(rules()).await;
        // 10:00 in Jakarta: the next is at 16:00.
        let sent = office.send(digest(HEAD)).await;
        assert_eq!(sent.steps[0].next_time.unwrap().seconds, 1_795_683_600);
        office.after(TimeDelta::hours(5));
        office.settle().await;
        assert!(office.mail.taken().is_empty());
        at(&office, "2026-11-26T09:00:00Z");
        office.when_step(&sent.id, 0, DeliveryStatus::Sent).await;
        assert_eq!(office.mail.taken().len(), 1);
    }

    async fn n_20_a_digest_whose_sender_names_the_moment_waits_for_no_other(engine) {
        let office = Office::open(engine).await;
        office.rules(rules()).await;
        // 10:00 in Jakarta, when it was to go out at 08:00; and one for 11:00, long before the next at 16:00.
        at(&office, "2026-11-26T03:00:00Z");
        let named = |seconds| CreateNotificationRequest {
            scheduled_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            ..digest(HEAD)
        };
        let passed = office.send(named(1_795_654_800)).await;
        let next = office.send(named(1_795_665_600)).await;
        office.when_step(&passed.id, 0, DeliveryStatus::Sent).await;
        assert_eq!(next.steps[0].next_time.unwrap().seconds, 1_795_665_600);
        office.settle().await;
        assert_eq!(office.mail.taken().len(), 1);
        at(&office, "2026-11-26T04:00:00Z");
        office.when_step(&next.id, 0, DeliveryStatus::Sent).await;
        assert_eq!(office.mail.taken().len(), 2);
    }

    async fn n_20_rules_are_one_document_that_is_checked(engine) {
        let office = Office::open(engine).await;
        let apply = |rules: DeliveryRules, version: u32| {
            let request = ApplyDeliveryRulesRequest { rules: Some(rules), version, ..Default::default() };
            let (mut client, request) = (office.client.clone(), office.system(request));
            async move { client.apply_delivery_rules(request).await }
        };
        let mut wrong = rules();
        wrong.time_zone = "Asia/Singapore".to_owned();
        wrong.quiet_hours[1].role = "KEPALA_OPD".to_owned();
        wrong.quiet_hours[0].from = "25:00".to_owned();
        wrong.digest_times.push("7:30".to_owned());
        wrong.admin_account_ids.push("budi".to_owned());
        let refused = apply(wrong, 0).await.unwrap_err();
        let details = refused.get_details_bad_request().unwrap();
        let fields: Vec<&str> = details.field_violations.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "rules.time_zone",
                "rules.quiet_hours[0].from",
                "rules.quiet_hours[1].role",
                "rules.digest_times[2]",
                "rules.admin_account_ids[0]",
            ]
        );
        let first = apply(rules(), 0).await.unwrap().into_inner().rules.unwrap();
        assert_eq!(first, DeliveryRules { version: 1, ..rules() });
        assert_eq!(apply(rules(), 7).await.unwrap_err().code(), Code::Aborted);
        assert_eq!(apply(rules(), 1).await.unwrap().into_inner().rules.unwrap().version, 2);
        let found = office.client.clone().get_delivery_rules(office.system(GetDeliveryRulesRequest {})).await;
        assert_eq!(found.unwrap().into_inner().rules.unwrap().version, 2);
    }
}

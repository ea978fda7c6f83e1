//! N-12: no number, name or text in logs, in the tables, in events or in refusals. And who may call the webhook.

use mpp_kit::event;
use mpp_kit::journal;
use mpp_kit::testing::Engine;
use mpp_notifications::simulator::{Call, Whim};
use mpp_proto::notifications::v1::*;
use sea_orm::{ConnectionTrait as _, Statement};
use tonic::{Code, Request};

use crate::office::{Office, contact, escalation, logged, receipt};

/// Every text of every table, as it lies on the disk.
async fn tables(office: &Office) -> String {
    let db = &office.test_db.db.read;
    let mut out = String::new();
    for table in [
        "notification",
        "step",
        "attempt",
        "variant",
        "contact",
        "address",
        "answered_comment",
        "inbox",
        "action_link",
        "channel_account",
        "event",
        "journal",
        "webhook_delivery",
        "idempotency",
    ] {
        let sql = match office.test_db.engine {
            Engine::Postgres => format!("SELECT CAST({table} AS text) AS whole FROM {table}"),
            Engine::Sqlite => {
                let columns = db
                    .query_all_raw(Statement::from_string(
                        db.get_database_backend(),
                        format!("SELECT name FROM pragma_table_info('{table}')"),
                    ))
                    .await
                    .unwrap();
                let columns: Vec<String> = columns
                    .iter()
                    .map(|row| {
                        format!("COALESCE(CAST({} AS TEXT), '')", row.try_get::<String>("", "name").unwrap())
                    })
                    .collect();
                format!("SELECT {} AS whole FROM {table}", columns.join(" || ' ' || "))
            }
        };
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        for row in rows {
            // A blob that is no text is encrypted or a hash.
            out.push_str(&row.try_get::<String>("", "whole").unwrap_or_default());
            out.push('\n');
        }
    }
    out
}

lines! {
    async fn n_12_logs_tables_and_events_hold_no_number_name_or_text(engine) {
        let office = Office::open(engine).await;
        let (number, email, text) = ("6287712398745", "rahasia.sekali@contoh.example", "Bunga-Kamboja-7719");
        let secrets = [number, email, text, "482913", "7712398745"];
        office.apply(contact("acc_teduh", number, email, "CAMAT")).await.unwrap();
        // Through every kind of ending: taken, refused, lost, unreadable.
        office.whatsapp.whim(&[Whim::Code(131_000), Whim::Gateway(500), Whim::TakenAndLost]);
        office.mail.whim(&[(451, "4.2.1 <rahasia.sekali@contoh.example> greylisted")]);
        let mut request = escalation("acc_teduh");
        request.placeholders.insert("kategori".to_owned(), text.to_owned());
        let first = office.send(request.clone()).await;
        let second = office.send(receipt(number, email)).await;
        office.when(&first.id, "an attempt ended", |found| {
            found.steps[0].attempts.first().is_some_and(|it| it.outcome != "UNCLEAR")
        })
        .await;
        let mut wrong = receipt("6287712398745x", "rahasia.sekali@");
        wrong.placeholders.insert("pin".to_owned(), String::new());
        let refused = format!("{:?}", office.try_send(wrong).await.unwrap_err());
        office.webhook(office.whatsapp.write(number, text)).await.unwrap();
        // Minute by minute: on a busy machine a leap could pass over the time of a step before anybody looked at it.
        for _ in 0..50 {
            office.after(chrono::TimeDelta::minutes(1));
            office.settle().await;
            if office.get(&first.id).await.steps[1].status() == DeliveryStatus::Sent {
                break;
            }
        }
        office.when_step(&first.id, 1, DeliveryStatus::Sent).await;
        for minutes in [61, 120] {
            office.after(chrono::TimeDelta::minutes(minutes));
            office.settle().await;
        }
        let seen = office.get(&second.id).await;
        assert!(!seen.steps.is_empty());

        let log = logged().text();
        assert!(log.contains("CreateNotification"), "the log was read");
        let events = event::list(&office.test_db.db.read, None, 0, 500).await.unwrap();
        assert!(!events.is_empty());
        let events = format!("{events:?}");
        let journal = format!("{:?}", journal::read(&office.test_db.db.read, None, 0, 500).await.unwrap());
        let tables = tables(&office).await;
        assert!(tables.contains("eskalasi"), "the tables were read");
        for secret in secrets {
            for (place, kept) in
                [("log", &log), ("events", &events), ("journal", &journal), ("tables", &tables), ("refusal", &refused)]
            {
                let at = kept.find(secret).map(|at| &kept[at.saturating_sub(200)..(at + 60).min(kept.len())]);
                assert!(at.is_none(), "{secret} stands in the {place}: {at:?}");
            }
        }
        journal::verify(&office.test_db.db.read).await.unwrap();
    }

    async fn a_service_that_sends_reads_and_calls_off_what_it_sent_alone(engine) {
        let office = Office::open(engine).await;
        let later = CreateNotificationRequest {
            scheduled_time: Some(prost_types::Timestamp { seconds: 1_795_663_200, nanos: 0 }),
            ..receipt("", "warga@contoh.example")
        };
        const SENDER: &[&str] = &["notifications.send", "notifications.read"];
        let send = async |who: &str| {
            let request = office.by(who, SENDER, &[], later.clone());
            office.client.clone().create_notification(request).await.unwrap().into_inner().notification.unwrap().id
        };
        let (own, other) = (send("acc_surat").await, send("acc_aduan").await);
        let get = async |who: &str, may: &[&str], id: &str| {
            let request = office.by(who, may, &[], GetNotificationRequest { notification: id.to_owned() });
            office.client.clone().get_notification(request).await.map_err(|status| status.code())
        };
        let list = async |who: &str, may: &[&str]| {
            let request = ListNotificationsRequest { reference: "adu_2".to_owned(), ..Default::default() };
            let request = office.by(who, may, &[], request);
            let found = office.client.clone().list_notifications(request).await.unwrap().into_inner().notifications;
            found.into_iter().map(|it| it.id).collect::<Vec<_>>()
        };
        assert!(get("acc_surat", SENDER, &own).await.is_ok());
        assert_eq!(get("acc_surat", SENDER, &other).await.unwrap_err(), Code::NotFound);
        assert_eq!(list("acc_surat", SENDER).await, std::slice::from_ref(&own));
        assert_eq!(list("acc_lain", SENDER).await, Vec::<String>::new());
        let call_off = async |id: &str| {
            let request = CancelNotificationRequest {
                notification: id.to_owned(),
                reason: "TIDAK_PERLU".to_owned(),
                ..Default::default()
            };
            let request = office.by("acc_surat", SENDER, &[], request);
            office.client.clone().cancel_notification(request).await.map(drop).map_err(|status| status.code())
        };
        assert_eq!(call_off(&other).await, Err(Code::NotFound));
        assert_eq!(call_off(&own).await, Ok(()));
        // Who sets up sees all of them, and so does who reads without sending.
        for may in [&["notifications.read"][..], &["notifications.send", "notifications.read", "notifications.configure"]] {
            assert!(get("acc_admin", may, &other).await.is_ok(), "{may:?}");
            assert_eq!(list("acc_admin", may).await.len(), 2, "{may:?}");
        }
    }

    async fn only_who_has_the_secret_may_call_the_webhook(engine) {
        let office = Office::open(engine).await;
        let good = office.whatsapp.write("6281200000001", "halo");
        for signature in ["", "sha256=00", &good.signature.replace("sha256", "sha1")] {
            let call = Call { signature: signature.to_owned(), ..good.clone() };
            assert_eq!(office.webhook(call).await.unwrap_err().code(), Code::Unauthenticated);
        }
        let mut changed = good.clone();
        changed.body.push(b' ');
        assert_eq!(office.webhook(changed).await.unwrap_err().code(), Code::Unauthenticated);
        assert_eq!(office.webhook(good).await.unwrap().messages, 1);
        let shake = |token: &str, account: &str| {
            let request = VerifyWhatsAppWebhookRequest {
                channel_account: account.to_owned(),
                mode: "subscribe".to_owned(),
                verify_token: token.to_owned(),
                challenge: "1158201444".to_owned(),
            };
            let mut client = office.client.clone();
            async move { client.verify_whats_app_webhook(Request::new(request)).await }
        };
        assert_eq!(shake("simulator-verify", "utama").await.unwrap().into_inner().challenge, "1158201444");
        assert_eq!(shake("lain", "utama").await.unwrap_err().code(), Code::Unauthenticated);
        assert_eq!(shake("simulator-verify", "lain").await.unwrap_err().code(), Code::NotFound);
    }
}

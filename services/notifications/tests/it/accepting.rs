//! What is accepted, and what is not: N-01, N-03.

use mpp_kit::testing::Engine;
use mpp_proto::notifications::v1::*;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::office::{CITIZEN, HEAD, Office, escalation, final_answer, receipt};

async fn about(office: &Office, reference: &str) -> usize {
    let request = ListNotificationsRequest { reference: reference.to_owned(), ..Default::default() };
    let found = office.client.clone().list_notifications(office.system(request)).await.unwrap();
    found.into_inner().notifications.len()
}

lines! {
    async fn n_01_the_same_key_and_body_is_the_same_message_and_another_body_is_refused(engine) {
        let office = Office::open(engine).await;
        let request = CreateNotificationRequest { request_id: "satu".to_owned(), ..receipt(CITIZEN, "") };
        let first = office.send(request.clone()).await;
        for _ in 0..3 {
            assert_eq!(office.send(request.clone()).await.id, first.id);
        }
        let together = futures::future::join_all((0..8).map(|_| office.try_send(request.clone()))).await;
        for answer in together {
            assert_eq!(answer.unwrap().id, first.id);
        }
        let mut other = request.clone();
        other.placeholders.insert("pin".to_owned(), "000000".to_owned());
        let refused = office.try_send(other).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(refused.get_details_error_info().unwrap().reason, "REQUEST_ID_REUSED");
        // Another caller may choose the same key.
        let foreign = office.by("acc_lain", &["notifications.send"], &[], request);
        let foreign = office.client.clone().create_notification(foreign).await.unwrap().into_inner();
        assert_ne!(foreign.notification.unwrap().id, first.id);
        office.when_step(&first.id, 0, DeliveryStatus::Sent).await;
        office.settle().await;
        assert_eq!(office.taken(CITIZEN).len(), 1, "the second waits for its turn, the first went once");
        assert_eq!(about(&office, "adu_2").await, 2);
    }

    async fn n_03_missing_and_surplus_placeholders_are_named_and_nothing_is_kept(engine) {
        let office = Office::open(engine).await;
        let mut request = receipt("0812", "bukan surel");
        request.placeholders.remove("pin");
        request.placeholders.insert("nama".to_owned(), "Siti".to_owned());
        let refused = office.try_send(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let details = refused.get_details_bad_request().unwrap();
        let named: Vec<(&str, &str)> =
            details.field_violations.iter().map(|it| (it.field.as_str(), it.reason.as_str())).collect();
        for expected in [
            ("placeholders.pin", "MISSING"),
            ("placeholders.nama", "SURPLUS"),
            ("recipient.addresses.whatsapp", "INVALID_NUMBER"),
            ("recipient.addresses.email", "INVALID_EMAIL"),
        ] {
            assert!(named.contains(&expected), "{named:?}");
        }
        assert!(!format!("{refused:?}").contains("Siti"), "a value is not repeated");
        assert_eq!(about(&office, "adu_2").await, 0);
        // Actions are part of what a type asks for, and only officials have them.
        let mut bare = escalation(HEAD);
        bare.actions.clear();
        assert_eq!(office.try_send(bare).await.unwrap_err().code(), Code::InvalidArgument);
        let mut citizen = escalation(HEAD);
        citizen.recipient = receipt(CITIZEN, "").recipient;
        assert_eq!(office.try_send(citizen).await.unwrap_err().code(), Code::InvalidArgument);
        // In a confidential matter a type that may hold personal data is refused.
        let secret = CreateNotificationRequest { confidential: true, ..final_answer(CITIZEN) };
        let refused = office.try_send(secret).await.unwrap_err();
        let details = refused.get_details_bad_request().unwrap();
        assert_eq!(details.field_violations[0].field, "placeholders.jawaban");
        let unknown = CreateNotificationRequest { message_type: "tidak_ada".to_owned(), ..receipt(CITIZEN, "") };
        assert_eq!(office.try_send(unknown).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(about(&office, "adu_2").await, 0);
        let reader = office.by("acc_lain", &["notifications.read"], &[], receipt(CITIZEN, ""));
        let refused = office.client.clone().create_notification(reader).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
}

//! Webhooks end to end: from what happens to the message at the receiver, by the service's own worker.

use mpp_kit::testing::Refusal;
use mpp_proto::documents::v1 as proto;
use tonic::{Code, Request};

use crate::exchange::{Receiver, World, on_both};
use crate::oss::receive_nib;

fn new_webhook(url: &str) -> proto::CreateWebhookRequest {
    proto::CreateWebhookRequest {
        request_id: "satu".to_owned(),
        url: url.to_owned(),
        event_types: vec!["izin.*".to_owned()],
        ..Default::default()
    }
}

fn as_integrator<T>(world: &World, message: T) -> Request<T> {
    world.as_caller("acc_dpmptsp", &["documents.integrate"], message)
}

#[tokio::test(flavor = "multi_thread")]
async fn line_32_what_happens_reaches_the_receiver_signed() {
    on_both(async |world| {
        let mut receiver = Receiver::start().await;
        let mut client = world.client.clone();
        let made = client.create_webhook(as_integrator(world, new_webhook(&receiver.url))).await.unwrap();
        let made = made.into_inner();
        client.receive_oss_call(Request::new(receive_nib("I-1"))).await.unwrap();
        let arrived = receiver.next().await;
        assert!(arrived.is_signed_by(&made.secret));
        let body: serde_json::Value = serde_json::from_str(&arrived.body).unwrap();
        assert_eq!(body["type"], "izin.diterima");
        assert!(!arrived.body.contains("Klinik"), "a message names nobody: {}", arrived.body);

        // What it is about is fetched with the receiver's own permission, and is the event that polling shows.
        let licence = body["data"]["id"].as_str().unwrap().to_owned();
        let request = as_integrator(world, proto::GetLicenceRequest { licence });
        let licence = client.get_licence(request).await.unwrap().into_inner().licence.unwrap();
        assert_eq!(licence.id_izin, "I-1");
        let request = as_integrator(world, proto::ListDocumentEventsRequest::default());
        let polled = client.list_document_events(request).await.unwrap().into_inner();
        assert_eq!(polled.events[0].id, arrived.headers["webhook-id"]);
        assert_eq!(polled.last_seq, 1);
    })
    .await;
}

/// 31. What a program asks twice is done once and says so; without a key it is not done at all.
#[tokio::test(flavor = "multi_thread")]
async fn line_31_a_service_account_gives_a_key_and_is_told_what_is_a_repetition() {
    on_both(async |world| {
        let mut client = world.client.clone();
        let system = |request: proto::CreateWebhookRequest| {
            world.as_service("acc_perizinan", &["documents.integrate"], request)
        };
        let request = new_webhook("https://penerima.example/masuk");
        let no_key = proto::CreateWebhookRequest { request_id: String::new(), ..request.clone() };
        let refused = client.create_webhook(system(no_key.clone())).await.unwrap_err();
        assert_eq!(Refusal::from(refused).what(), (Code::InvalidArgument, "IDEMPOTENCY_KEY_REQUIRED"));
        // Nothing was made; somebody who presses a button needs none.
        let list = as_integrator(world, proto::ListWebhooksRequest::default());
        let found = client.list_webhooks(list).await.unwrap().into_inner();
        assert!(found.webhooks.is_empty());
        client.create_webhook(as_integrator(world, no_key)).await.unwrap();

        let first = client.create_webhook(system(request.clone())).await.unwrap();
        assert!(first.metadata().get("idempotent-replayed").is_none());
        let again = client.create_webhook(system(request.clone())).await.unwrap();
        assert_eq!(again.metadata().get("idempotent-replayed").unwrap(), "true");
        assert_eq!(again.into_inner(), first.into_inner());
        let other = proto::CreateWebhookRequest { description: "lain".to_owned(), ..request };
        let reused = client.create_webhook(system(other)).await.unwrap_err();
        assert_eq!(Refusal::from(reused).what(), (Code::FailedPrecondition, "REQUEST_ID_REUSED"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_34_webhooks_and_events_are_for_integrators_alone() {
    on_both(async |world| {
        let mut client = world.client.clone();
        let request = new_webhook("https://penerima.example/");
        let anonymous = client.create_webhook(Request::new(request.clone())).await.unwrap_err();
        assert_eq!(anonymous.code(), Code::Unauthenticated);
        let official = world.as_caller("acc_official", &["documents.work"], request);
        assert_eq!(client.create_webhook(official).await.unwrap_err().code(), Code::PermissionDenied);
        let events =
            world.as_caller("acc_official", &["documents.work"], proto::ListDocumentEventsRequest::default());
        assert_eq!(client.list_document_events(events).await.unwrap_err().code(), Code::PermissionDenied);
        let outside =
            proto::CreateWebhookRequest { areas: vec!["18".to_owned()], ..new_webhook("https://a.example/") };
        let refused = client.create_webhook(as_integrator(world, outside)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    })
    .await;
}

//! The RPCs for other systems: who may what, what is refused, repetitions, pages.

use chrono::TimeDelta;
use mpp_proto::documents::v1 as proto;

use super::for_tests as rpc;
use crate::adapter::testing::{World, caller, on_both};
use crate::error::Error;

fn integrator(id: &str, areas: &[&str]) -> mpp_kit::caller::Caller {
    caller(id, &["documents.integrate"], areas)
}

fn new_webhook() -> proto::CreateWebhookRequest {
    proto::CreateWebhookRequest {
        request_id: "satu".to_owned(),
        url: "https://penerima.example/masuk".to_owned(),
        description: "Sistem izin".to_owned(),
        ..Default::default()
    }
}

/// The fields that an error is about.
fn fields(error: Error) -> Vec<String> {
    let Error::Refused(problem) = error else { panic!("{error}") };
    problem.violations.into_iter().map(|violation| violation.field).collect()
}

async fn happens(world: &World, kinds: &[&'static str], area: &str) {
    for kind in kinds {
        world.happens(kind, area).await;
    }
}

#[tokio::test]
async fn line_32_a_webhook_is_checked_whole() {
    on_both(
        |config| config.webhooks.allow_loopback = false,
        async |world| {
            let caller = integrator("acc_a", &["17.07"]);
            let wrong = proto::CreateWebhookRequest {
                url: "http://127.0.0.1/".to_owned(),
                description: "x".repeat(201),
                event_types: vec!["surat.terbit".to_owned(), "surat.terbti".to_owned()],
                areas: vec!["17.07.05".to_owned(), "18".to_owned()],
                signing: 9,
                format: 9,
                ..Default::default()
            };
            let refused = rpc::create_webhook(&world.core, &caller, wrong).await.unwrap_err();
            let fields = fields(refused);
            assert_eq!(fields, ["url", "event_types[1]", "areas[1]", "format", "description", "signing"]);
        },
    )
    .await;
}

#[tokio::test]
async fn line_31_a_repeated_request_makes_one_webhook_and_its_secret_is_shown_to_it_alone() {
    on_both(
        |_| (),
        async |world| {
            let caller = integrator("acc_a", &["17.07"]);
            let first = rpc::create_webhook(&world.core, &caller, new_webhook()).await.unwrap();
            let again = rpc::create_webhook(&world.core, &caller, new_webhook()).await.unwrap();
            assert_eq!(first, again);
            assert!(first.secret.starts_with("whsec_"));
            let webhook = first.webhook.unwrap();
            assert_eq!(webhook.areas, ["17.07"], "what the caller reaches");
            let list = rpc::list_webhooks(&world.core, &caller, Default::default()).await.unwrap();
            assert_eq!(list.webhooks, std::slice::from_ref(&webhook));
            // After a rotation that ended the first key, the repetition shows neither.
            let rotate = proto::RotateWebhookSecretRequest {
                request_id: "dua".to_owned(),
                webhook: webhook.id.clone(),
                grace_hours: 1,
            };
            let rotated = rpc::rotate_webhook_secret(&world.core, &caller, rotate.clone()).await.unwrap();
            assert_eq!(
                rpc::rotate_webhook_secret(&world.core, &caller, rotate).await.unwrap().secret,
                rotated.secret
            );
            world.after(TimeDelta::hours(2));
            let rotate = proto::RotateWebhookSecretRequest { webhook: webhook.id, ..Default::default() };
            rpc::rotate_webhook_secret(&world.core, &caller, rotate).await.unwrap();
            assert_eq!(rpc::create_webhook(&world.core, &caller, new_webhook()).await.unwrap().secret, "");
            let mut other = new_webhook();
            other.url = "https://lain.example/".to_owned();
            assert!(rpc::create_webhook(&world.core, &caller, other).await.is_err(), "the id is used");
        },
    )
    .await;
}

#[tokio::test]
async fn line_34_a_webhook_is_its_owners() {
    on_both(
        |_| (),
        async |world| {
            let (owner, other) = (integrator("acc_a", &["17.07"]), integrator("acc_b", &["17.07"]));
            let (everywhere, system) = (integrator("acc_c", &[]), mpp_kit::caller::Caller::system());
            let webhook =
                rpc::create_webhook(&world.core, &owner, new_webhook()).await.unwrap().webhook.unwrap();
            assert!(
                rpc::list_webhooks(&world.core, &other, Default::default())
                    .await
                    .unwrap()
                    .webhooks
                    .is_empty()
            );
            for (caller, seen) in [(&everywhere, 0), (&system, 1)] {
                let found =
                    rpc::list_webhooks(&world.core, caller, Default::default()).await.unwrap().webhooks;
                assert_eq!(found.len(), seen, "{}", caller.id);
            }
            let list =
                proto::ListWebhookDeliveriesRequest { webhook: webhook.id.clone(), ..Default::default() };
            let refused = rpc::list_webhook_deliveries(&world.core, &other, list).await.unwrap_err();
            assert!(matches!(refused, Error::NotFound(_)));
            let rotate =
                proto::RotateWebhookSecretRequest { webhook: webhook.id.clone(), ..Default::default() };
            assert!(matches!(
                rpc::rotate_webhook_secret(&world.core, &other, rotate).await.unwrap_err(),
                Error::NotFound(_)
            ));
            let update = |version| proto::UpdateWebhookRequest {
                webhook: webhook.id.clone(),
                version,
                url: webhook.url.clone(),
                state: proto::WebhookState::Disabled.into(),
                ..Default::default()
            };
            assert!(matches!(
                rpc::update_webhook(&world.core, &other, update(1)).await.unwrap_err(),
                Error::NotFound(_)
            ));
            let disabled =
                rpc::update_webhook(&world.core, &owner, update(1)).await.unwrap().webhook.unwrap();
            assert_eq!((disabled.version, disabled.disable_reason.as_str()), (2, "OWNER"));
            assert!(matches!(
                rpc::update_webhook(&world.core, &owner, update(1)).await.unwrap_err(),
                Error::Stale { version: 2 }
            ));
        },
    )
    .await;
}

#[tokio::test]
async fn line_32_events_are_polled_by_cursor_within_reach() {
    on_both(
        |_| (),
        async |world| {
            happens(&world, &["surat.diajukan", "surat.terbit", "izin.terbit"], "17.07.05.2003").await;
            happens(&world, &["surat.terbit"], "18.01.01.2001").await;
            let caller = integrator("acc_a", &["17.07"]);
            let ask = |after_seq, page_size, page_token: &str| proto::ListDocumentEventsRequest {
                after_seq,
                page_size,
                page_token: page_token.to_owned(),
                ..Default::default()
            };
            let page = rpc::list_document_events(&world.core, &caller, ask(0, 2, "")).await.unwrap();
            let types = |page: &proto::ListDocumentEventsResponse| {
                page.events.iter().map(|event| event.r#type.clone()).collect::<Vec<_>>()
            };
            assert_eq!(
                (types(&page), page.last_seq),
                (vec!["surat.diajukan".into(), "surat.terbit".into()], 2)
            );
            let rest = rpc::list_document_events(&world.core, &caller, ask(0, 2, &page.next_page_token))
                .await
                .unwrap();
            assert_eq!((types(&rest), rest.last_seq), (vec!["izin.terbit".into()], 3));
            assert_eq!(rest.next_page_token, "");
            let none =
                rpc::list_document_events(&world.core, &caller, ask(rest.last_seq, 0, "")).await.unwrap();
            assert_eq!((types(&none), none.last_seq), (vec![], 3));
            happens(&world, &["surat.dicabut"], "17.07").await;
            let new =
                rpc::list_document_events(&world.core, &caller, ask(none.last_seq, 0, "")).await.unwrap();
            assert_eq!(types(&new), ["surat.dicabut"]);
            let stranger = integrator("acc_b", &["17.07"]);
            let refused =
                rpc::list_document_events(&world.core, &stranger, ask(0, 2, &page.next_page_token)).await;
            assert!(refused.is_err(), "a token is its caller's");
            let mut some = ask(0, 0, "");
            some.event_types = vec!["izin.*".to_owned()];
            let some = rpc::list_document_events(&world.core, &caller, some).await.unwrap();
            assert_eq!((types(&some), some.last_seq), (vec!["izin.terbit".into()], 5));
        },
    )
    .await;
}

#[tokio::test]
async fn line_34_a_permission_that_holds_nowhere_reaches_nothing() {
    on_both(
        |_| (),
        async |world| {
            happens(&world, &["surat.terbit"], "17.07.05.2003").await;
            let mut nowhere = integrator("acc_a", &["17.07"]);
            nowhere.grants[0].scope.0.insert("area".to_owned(), Default::default());
            let denied = |error: Error| {
                let reason = mpp_kit::fault::Problem::from(error).reason;
                assert_eq!(reason, "PERMISSION_DENIED");
            };
            denied(rpc::list_document_events(&world.core, &nowhere, Default::default()).await.unwrap_err());
            denied(rpc::list_licences(&world.core, &nowhere, Default::default()).await.unwrap_err());
            denied(rpc::create_webhook(&world.core, &nowhere, new_webhook()).await.unwrap_err());
        },
    )
    .await;
}

#[tokio::test]
async fn line_34_licences_are_seen_within_reach() {
    on_both(
        |_| (),
        async |world| {
            let row = |id: &str, region: &str| {
                serde_json::json!({
                    "id_proyek": "R-1", "id_izin": id, "jenis_izin": "02", "kd_izin": "033000000001",
                    "kd_daerah": region, "kewenangan": "02",
                })
            };
            let rows = [row("I-1", "1707000000"), row("I-2", "1801000000"), row("I-3", "1707050000")];
            let body = serde_json::json!({
                "dataNIB": { "nib": "1234567890123", "oss_id": "o-1", "data_checklist": rows },
            });
            let token =
                crate::adapter::oss::token_for_tests(&world.core.config.oss, "1234567890123", "20261123");
            let request = proto::ReceiveOssCallRequest {
                method: "receiveNIB".to_owned(),
                token,
                body: body.to_string(),
            };
            let anonymous = mpp_kit::caller::Caller::anonymous(mpp_kit::fault::Language::Id);
            let answer = rpc::receive_oss_call(&world.core, &anonymous, request).await.unwrap();
            assert_eq!(answer.http_status, 200, "{}", answer.body);

            let caller = integrator("acc_a", &["17.07"]);
            let ask = |page_token: &str| proto::ListLicencesRequest {
                page_size: 1,
                page_token: page_token.to_owned(),
                ..Default::default()
            };
            let page = rpc::list_licences(&world.core, &caller, ask("")).await.unwrap();
            let rest = rpc::list_licences(&world.core, &caller, ask(&page.next_page_token)).await.unwrap();
            assert_eq!(
                (page.licences[0].id_izin.as_str(), rest.licences[0].id_izin.as_str()),
                ("I-1", "I-3")
            );
            assert_eq!(rest.next_page_token, "");
            let all =
                rpc::list_licences(&world.core, &integrator("acc_x", &[]), Default::default()).await.unwrap();
            let elsewhere = all.licences.iter().find(|licence| licence.id_izin == "I-2").unwrap();
            let get = |licence: &str| proto::GetLicenceRequest { licence: licence.to_owned() };
            assert!(matches!(
                rpc::get_licence(&world.core, &caller, get(&elsewhere.id)).await.unwrap_err(),
                Error::NotFound(_)
            ));
            let own = rpc::get_licence(&world.core, &caller, get(&page.licences[0].id))
                .await
                .unwrap()
                .licence
                .unwrap();
            assert_eq!((own.nib.as_str(), own.messages.len()), ("1234567890123", 0));
        },
    )
    .await;
}

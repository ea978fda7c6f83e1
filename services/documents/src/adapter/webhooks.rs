//! From the event to the receiver, on both engines, with receivers that do all kinds of things.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use mpp_kit::caller::Caller;
use mpp_proto::documents::v1 as proto;
use tokio::sync::Notify;

use crate::adapter::testing::{Asked, Reply, Server, World, caller, on_both};
use crate::rpc::integration::for_tests as rpc;
use mpp_kit::fault::Fault as _;
use mpp_kit::webhook::dispatch::{Dispatcher, Tick, Watch};
use mpp_kit::webhook::guard::{Names, SystemNames};
use mpp_kit::webhook::signature::verifies;
use mpp_kit::wire::timestamp;

const LIMIT: Duration = Duration::from_secs(5);

fn integrator() -> Caller {
    caller("acc_integrator", &["documents.integrate"], &["17.07"])
}

fn dispatcher(world: &World) -> Arc<Dispatcher> {
    with(world, Arc::new(SystemNames), LIMIT)
}

fn with(world: &World, names: Arc<dyn Names>, limit: Duration) -> Arc<Dispatcher> {
    let core = &world.core;
    let parts = (core.db.clone(), core.cipher.clone(), Arc::clone(&core.clock));
    let watched = (core.config.webhooks.clone(), Arc::clone(core) as Arc<dyn Watch>);
    Arc::new(Dispatcher::with(parts, watched, names, limit).unwrap())
}

/// Looks once and waits for every attempt.
async fn look(dispatcher: &Arc<Dispatcher>, world: &World) -> Tick {
    let tick = dispatcher.tick(world.now()).await.unwrap();
    dispatcher.settle().await;
    tick
}

async fn webhook(
    world: &World,
    change: impl FnOnce(&mut proto::CreateWebhookRequest),
) -> (proto::Webhook, String) {
    let mut request = proto::CreateWebhookRequest::default();
    change(&mut request);
    let answer = rpc::create_webhook(&world.core, &integrator(), request).await.unwrap();
    (answer.webhook.unwrap(), answer.secret)
}

async fn deliveries(world: &World, id: &str) -> Vec<proto::WebhookDelivery> {
    let request = proto::ListWebhookDeliveriesRequest { webhook: id.to_owned(), ..Default::default() };
    rpc::list_webhook_deliveries(&world.core, &integrator(), request).await.unwrap().deliveries
}

async fn present(world: &World, id: &str) -> proto::Webhook {
    let request = proto::ListWebhooksRequest::default();
    let found = rpc::list_webhooks(&world.core, &integrator(), request).await.unwrap().webhooks;
    found.into_iter().find(|webhook| webhook.id == id).unwrap()
}

fn signed_by(key: &str, asked: &Asked) -> bool {
    let header = |name: &str| asked.headers.get(name).unwrap().as_str();
    let timestamp = header("webhook-timestamp").parse().unwrap();
    verifies(key, header("webhook-signature"), header("webhook-id"), timestamp, &asked.body)
}

/// Answers with these statuses, one after the other, then with the last for ever.
async fn answers(statuses: &'static [u16]) -> Server {
    let at = AtomicUsize::new(0);
    Server::start(move |_| {
        let index = at.fetch_add(1, Ordering::SeqCst).min(statuses.len() - 1);
        Reply::status(statuses[index])
    })
    .await
}

#[tokio::test]
async fn line_32_an_event_is_told_once_signed_and_thin() {
    on_both(
        |_| (),
        async |world| {
            let server = answers(&[204]).await;
            let (webhook, secret) =
                webhook(&world, |request| request.url = format!("{}/masuk", server.url)).await;
            let id = world.happens("surat.terbit", "17.07.05.2003").await;
            let dispatcher = dispatcher(&world);
            assert_eq!(look(&dispatcher, &world).await, Tick { planned: 1, begun: 1 });
            assert_eq!(look(&dispatcher, &world).await, Tick::default(), "once");
            let another = with(&world, Arc::new(SystemNames), LIMIT);
            assert_eq!(look(&another, &world).await, Tick::default(), "also after a restart");

            let asked = server.asked();
            assert_eq!(asked.len(), 1);
            assert_eq!((asked[0].path.as_str(), &asked[0].headers["webhook-id"]), ("/masuk", &id));
            assert_eq!(asked[0].headers["webhook-timestamp"], world.now().timestamp().to_string());
            assert_eq!(asked[0].headers["content-type"], "application/json");
            assert!(signed_by(&secret, &asked[0]));
            let body = asked[0].json();
            assert_eq!(
                (body["type"].as_str(), body["data"]["letterType"].as_str()),
                (Some("surat.terbit"), Some("sktm"))
            );
            let found = deliveries(&world, &webhook.id).await;
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].state(), proto::DeliveryState::Delivered);
            assert_eq!((found[0].attempts[0].status, found[0].body.as_str()), (204, asked[0].body.as_str()));
        },
    )
    .await;
}

#[tokio::test]
async fn line_32_ed25519_and_cloudevents_are_options_of_the_webhook() {
    on_both(
        |_| (),
        async |world| {
            let server = answers(&[200]).await;
            let (webhook, secret) = webhook(&world, |request| {
                request.url.clone_from(&server.url);
                request.set_signing(proto::WebhookSigning::Ed25519);
                request.set_format(proto::WebhookFormat::Cloudevents);
            })
            .await;
            assert!(secret.is_empty(), "the private half stays here");
            let id = world.happens("surat.terbit", "17.07.05.2003").await;
            look(&dispatcher(&world), &world).await;
            let asked = server.asked().remove(0);
            assert_eq!(asked.headers["content-type"], "application/cloudevents+json");
            assert!(signed_by(&webhook.public_keys[0], &asked));
            let body = asked.json();
            assert_eq!((body["specversion"].as_str(), body["id"].as_str()), (Some("1.0"), Some(id.as_str())));
        },
    )
    .await;
}

#[tokio::test]
async fn line_32_a_failed_attempt_is_made_again_under_the_same_id() {
    on_both(
        |_| (),
        async |world| {
            let server = answers(&[500, 200]).await;
            let (webhook, secret) = webhook(&world, |request| request.url.clone_from(&server.url)).await;
            world.happens("surat.terbit", "17.07.05.2003").await;
            let dispatcher = dispatcher(&world);
            look(&dispatcher, &world).await;
            assert_eq!(present(&world, &webhook.id).await.last_problem, "HTTP 500");
            world.after(TimeDelta::seconds(4));
            assert_eq!(look(&dispatcher, &world).await.begun, 0, "not before its time");
            world.after(TimeDelta::seconds(3));
            assert_eq!(look(&dispatcher, &world).await.begun, 1);
            let asked = server.asked();
            assert_eq!(asked.len(), 2);
            assert_eq!(asked[0].headers["webhook-id"], asked[1].headers["webhook-id"]);
            assert_eq!(asked[0].body, asked[1].body);
            assert_ne!(asked[0].headers["webhook-timestamp"], asked[1].headers["webhook-timestamp"]);
            assert!(signed_by(&secret, &asked[1]));
            let found = deliveries(&world, &webhook.id).await.remove(0);
            assert_eq!(found.attempts.iter().map(|attempt| attempt.status).collect::<Vec<_>>(), [500, 200]);
            let present = present(&world, &webhook.id).await;
            assert_eq!((present.last_problem.as_str(), present.failing_since_time), ("", None));
        },
    )
    .await;
}

#[tokio::test]
async fn line_32_redirects_are_not_followed_and_answers_are_cut() {
    on_both(
        |_| (),
        async |world| {
            let elsewhere = answers(&[200]).await;
            let to = elsewhere.url.clone();
            let server =
                Server::start(move |_| Reply(302, vec![("location", to.clone())], "x".repeat(1000))).await;
            let (webhook, _) = webhook(&world, |request| request.url.clone_from(&server.url)).await;
            world.happens("surat.terbit", "17.07.05.2003").await;
            look(&dispatcher(&world), &world).await;
            assert!(elsewhere.asked().is_empty());
            let found = deliveries(&world, &webhook.id).await.remove(0);
            assert_eq!((found.state(), found.attempts[0].status), (proto::DeliveryState::Pending, 302));
            assert_eq!(found.attempts[0].answer, "x".repeat(200));
        },
    )
    .await;
}

#[tokio::test]
async fn line_32_retry_after_is_honoured() {
    on_both(
        |_| (),
        async |world| {
            let server =
                Server::start(|_| Reply(429, vec![("retry-after", "600".to_owned())], String::new())).await;
            webhook(&world, |request| request.url.clone_from(&server.url)).await;
            world.happens("surat.terbit", "17.07.05.2003").await;
            let dispatcher = dispatcher(&world);
            look(&dispatcher, &world).await;
            world.after(TimeDelta::seconds(599));
            assert_eq!(look(&dispatcher, &world).await.begun, 0);
            world.after(TimeDelta::seconds(1));
            assert_eq!(look(&dispatcher, &world).await.begun, 1);
        },
    )
    .await;
}

#[tokio::test]
async fn line_32_gone_disables_and_what_happens_meanwhile_is_told_when_it_is_enabled() {
    on_both(
        |_| (),
        async |world| {
            let server = answers(&[410, 200]).await;
            let (webhook, _) = webhook(&world, |request| request.url.clone_from(&server.url)).await;
            world.happens("surat.terbit", "17.07.05.2003").await;
            let dispatcher = dispatcher(&world);
            look(&dispatcher, &world).await;
            let disabled = present(&world, &webhook.id).await;
            assert_eq!(
                (disabled.state(), disabled.disable_reason.as_str()),
                (proto::WebhookState::Disabled, "GONE")
            );
            let missed = world.happens("surat.dicabut", "17.07.05.2003").await;
            assert_eq!(look(&dispatcher, &world).await, Tick::default());
            let request = proto::UpdateWebhookRequest {
                webhook: webhook.id.clone(),
                url: server.url.clone(),
                state: proto::WebhookState::Enabled.into(),
                ..Default::default()
            };
            let enabled =
                rpc::update_webhook(&world.core, &integrator(), request).await.unwrap().webhook.unwrap();
            assert_eq!((enabled.disable_reason.as_str(), enabled.failing_since_time), ("", None));
            look(&dispatcher, &world).await;
            assert_eq!(server.asked().last().unwrap().headers["webhook-id"], missed);
        },
    )
    .await;
}

#[tokio::test]
async fn line_32_after_three_days_without_success_the_webhook_is_disabled_and_says_why() {
    on_both(
        |_| (),
        async |world| {
            let server = answers(&[503]).await;
            let (webhook, _) = webhook(&world, |request| request.url.clone_from(&server.url)).await;
            world.happens("surat.terbit", "17.07.05.2003").await;
            let dispatcher = dispatcher(&world);
            let mut attempts = 0;
            while present(&world, &webhook.id).await.state() == proto::WebhookState::Enabled {
                attempts += look(&dispatcher, &world).await.begun;
                // Longer than any jitter makes a wait.
                world.after(TimeDelta::hours(29));
                assert!(attempts <= 10);
            }
            assert_eq!((attempts, server.asked().len()), (10, 10));
            let disabled = present(&world, &webhook.id).await;
            assert_eq!(
                (disabled.disable_reason.as_str(), disabled.last_problem.as_str()),
                ("FAILING", "HTTP 503")
            );
            assert!(disabled.failing_since_time.is_some());
            let found = deliveries(&world, &webhook.id).await.remove(0);
            assert_eq!((found.state(), found.attempts.len()), (proto::DeliveryState::Failed, 10));
        },
    )
    .await;
}

#[tokio::test]
async fn line_32_a_receiver_that_hangs_delays_no_other() {
    on_both(
        |_| (),
        async |world| {
            let release = Arc::new(Notify::new());
            let hold = Arc::clone(&release);
            let hangs = Server::start_async(move |_| {
                let hold = Arc::clone(&hold);
                Box::pin(async move {
                    hold.notified().await;
                    Reply::status(200)
                })
            })
            .await;
            let told = Arc::new(Notify::new());
            let tell = Arc::clone(&told);
            let works = Server::start(move |_| {
                tell.notify_one();
                Reply::status(200)
            })
            .await;
            webhook(&world, |request| request.url.clone_from(&hangs.url)).await;
            webhook(&world, |request| request.url.clone_from(&works.url)).await;
            for _ in 0..10 {
                world.happens("surat.terbit", "17.07.05.2003").await;
            }
            let dispatcher = dispatcher(&world);
            // The first receiver takes its four places and no more; the second goes on to its tenth message.
            let first = dispatcher.tick(world.now()).await.unwrap();
            assert_eq!(first.begun, 8);
            while works.asked().len() < 10 {
                // A place is free again a moment after the answer, when the outcome is written.
                let _told = tokio::time::timeout(Duration::from_millis(20), told.notified()).await;
                dispatcher.tick(world.now()).await.unwrap();
            }
            assert!(hangs.asked().len() <= 4);
            release.notify_waiters();
            dispatcher.settle().await;
        },
    )
    .await;
}

#[tokio::test]
async fn line_32_no_answer_within_the_limit_is_a_failure() {
    on_both(
        |_| (),
        async |world| {
            let hangs = Server::start_async(|_| Box::pin(std::future::pending())).await;
            let (webhook, _) = webhook(&world, |request| request.url.clone_from(&hangs.url)).await;
            world.happens("surat.terbit", "17.07.05.2003").await;
            let limit = Duration::from_millis(100);
            let dispatcher = with(&world, Arc::new(SystemNames), limit);
            look(&dispatcher, &world).await;
            let found = deliveries(&world, &webhook.id).await.remove(0);
            assert_eq!((found.attempts[0].status, found.attempts[0].problem.as_str()), (0, "TIMEOUT"));
        },
    )
    .await;
}

#[tokio::test]
async fn line_32_two_instances_send_a_message_once() {
    on_both(
        |_| (),
        async |world| {
            let server = answers(&[200]).await;
            webhook(&world, |request| request.url.clone_from(&server.url)).await;
            for _ in 0..20 {
                world.happens("surat.terbit", "17.07.05.2003").await;
            }
            let (one, two) = (dispatcher(&world), dispatcher(&world));
            for _ in 0..10 {
                let (first, second) = tokio::join!(one.tick(world.now()), two.tick(world.now()));
                first.unwrap();
                second.unwrap();
                tokio::join!(one.settle(), two.settle());
            }
            let mut ids = server
                .asked()
                .into_iter()
                .map(|asked| asked.headers["webhook-id"].clone())
                .collect::<Vec<_>>();
            assert_eq!(ids.len(), 20);
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), 20);
        },
    )
    .await;
}

#[tokio::test]
async fn line_32_a_rotated_secret_signs_beside_the_old_one_until_its_grace_ends() {
    on_both(
        |_| (),
        async |world| {
            let server = answers(&[200]).await;
            let (webhook, old) = webhook(&world, |request| request.url.clone_from(&server.url)).await;
            let request = proto::RotateWebhookSecretRequest {
                webhook: webhook.id.clone(),
                grace_hours: 2,
                ..Default::default()
            };
            let new = rpc::rotate_webhook_secret(&world.core, &integrator(), request).await.unwrap().secret;
            assert_ne!(old, new);
            let dispatcher = dispatcher(&world);
            world.happens("surat.terbit", "17.07.05.2003").await;
            look(&dispatcher, &world).await;
            world.after(TimeDelta::hours(2));
            world.happens("surat.terbit", "17.07.05.2003").await;
            look(&dispatcher, &world).await;
            let asked = server.asked();
            assert!(signed_by(&old, &asked[0]) && signed_by(&new, &asked[0]));
            assert!(!signed_by(&old, &asked[1]) && signed_by(&new, &asked[1]));
        },
    )
    .await;
}

#[tokio::test]
async fn line_32_only_what_was_asked_for_is_told_and_a_message_can_be_replayed() {
    on_both(
        |_| (),
        async |world| {
            let server = answers(&[200]).await;
            let (webhook, _) = webhook(&world, |request| {
                request.url.clone_from(&server.url);
                request.event_types = vec!["surat.*".to_owned()];
                request.areas = vec!["17.07.05".to_owned()];
            })
            .await;
            let wanted = world.happens("surat.terbit", "17.07.05.2003").await;
            world.happens("izin.terbit", "17.07.05.2003").await;
            world.happens("surat.terbit", "17.07.06.2001").await;
            let dispatcher = dispatcher(&world);
            assert_eq!(look(&dispatcher, &world).await.planned, 1);
            let delivery = deliveries(&world, &webhook.id).await.remove(0);
            let request = proto::ReplayWebhookDeliveryRequest { delivery: delivery.id, ..Default::default() };
            rpc::replay_webhook_delivery(&world.core, &integrator(), request).await.unwrap();
            look(&dispatcher, &world).await;
            let ids = server
                .asked()
                .into_iter()
                .map(|asked| asked.headers["webhook-id"].clone())
                .collect::<Vec<_>>();
            assert_eq!(ids, [wanted.clone(), wanted]);
            let delivery = deliveries(&world, &webhook.id).await.remove(0);
            assert_eq!((delivery.attempts.len(), delivery.attempt_count), (2, 1));
        },
    )
    .await;
}

#[tokio::test]
async fn line_32_the_messages_of_a_range_are_replayed_page_by_page() {
    on_both(
        |_| (),
        async |world| {
            let server = answers(&[200]).await;
            let (webhook, _) = webhook(&world, |request| request.url.clone_from(&server.url)).await;
            let (dispatcher, mut ids) = (dispatcher(&world), Vec::new());
            let began = world.now();
            for _ in 0..5 {
                ids.push(world.happens("surat.terbit", "17.07.05.2003").await);
                look(&dispatcher, &world).await;
                world.after(TimeDelta::minutes(1));
            }
            assert_eq!(server.asked().len(), 5);
            // The first and the last lie outside of it: what was made at its end is not in it.
            let ask = proto::ReplayWebhookDeliveriesRequest {
                request_id: "satu".to_owned(),
                webhook: webhook.id.clone(),
                from_time: Some(timestamp(began + TimeDelta::minutes(1))),
                to_time: Some(timestamp(began + TimeDelta::minutes(4))),
                page_size: 2,
                ..Default::default()
            };
            let replay = async |request: &proto::ReplayWebhookDeliveriesRequest| {
                rpc::replay_webhook_deliveries(&world.core, &integrator(), request.clone()).await
            };
            let first = replay(&ask).await.unwrap();
            assert_eq!(first.replayed, 2);
            assert_eq!(replay(&ask).await.unwrap(), first, "asked again, nothing more");
            look(&dispatcher, &world).await;
            let rest = proto::ReplayWebhookDeliveriesRequest {
                request_id: "dua".to_owned(),
                page_token: first.next_page_token.clone(),
                ..ask.clone()
            };
            let last = replay(&rest).await.unwrap();
            assert_eq!((last.replayed, last.next_page_token.as_str()), (1, ""));
            look(&dispatcher, &world).await;
            let again: Vec<String> =
                server.asked().iter().skip(5).map(|asked| asked.headers["webhook-id"].clone()).collect();
            assert_eq!(again[2], ids[3], "oldest first");
            let (mut again, mut expected) = (again, ids[1..4].to_vec());
            again.sort();
            expected.sort();
            assert_eq!(again, expected, "under their ids, each once");

            // Nothing of them failed; what is pending is not counted.
            let failed = proto::ReplayWebhookDeliveriesRequest {
                request_id: "tiga".to_owned(),
                state: proto::DeliveryState::Failed.into(),
                ..ask.clone()
            };
            assert_eq!(replay(&failed).await.unwrap().replayed, 0);
            let fresh =
                |id: &str| proto::ReplayWebhookDeliveriesRequest { request_id: id.to_owned(), ..ask.clone() };
            let of_another =
                proto::ReplayWebhookDeliveriesRequest { page_token: first.next_page_token, ..failed };
            replay(&of_another).await.expect_err("a token of another range");
            for (wrong, field) in [
                (proto::ReplayWebhookDeliveriesRequest { to_time: ask.from_time, ..fresh("a") }, "to_time"),
                (proto::ReplayWebhookDeliveriesRequest { from_time: None, ..fresh("b") }, "from_time"),
                (
                    proto::ReplayWebhookDeliveriesRequest {
                        state: proto::DeliveryState::Pending.into(),
                        ..fresh("c")
                    },
                    "state",
                ),
            ] {
                let problem = replay(&wrong).await.unwrap_err().problem();
                assert_eq!(
                    problem.violations.iter().map(|it| it.field.as_str()).collect::<Vec<_>>(),
                    [field]
                );
            }
            // It is its owner's, and has to be enabled.
            let other = caller("acc_other", &["documents.integrate"], &["17.07"]);
            let refused = rpc::replay_webhook_deliveries(&world.core, &other, fresh("d")).await.unwrap_err();
            assert!(matches!(refused, crate::error::Error::NotFound(_)), "{refused}");
            let mut stop = proto::UpdateWebhookRequest {
                webhook: webhook.id.clone(),
                url: server.url.clone(),
                ..Default::default()
            };
            stop.set_state(proto::WebhookState::Disabled);
            rpc::update_webhook(&world.core, &integrator(), stop).await.unwrap();
            assert_eq!(replay(&fresh("e")).await.unwrap_err().problem().reason, "WEBHOOK_DISABLED");
        },
    )
    .await;
}

/// Answers one address after the other.
#[derive(Debug)]
struct Changing(Mutex<Vec<IpAddr>>, AtomicUsize);

#[async_trait]
impl Names for Changing {
    async fn lookup(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let mut left = self.0.lock().unwrap();
        let now = if left.len() > 1 { left.remove(0) } else { left[0] };
        Ok(vec![now])
    }
}

#[tokio::test]
async fn line_32_a_name_that_leads_into_a_private_network_is_not_reached() {
    let strict = |config: &mut crate::config::Config| {
        config.webhooks.allow_loopback = false;
        config.webhooks.allow_http_hosts = "penerima.test".to_owned();
    };
    on_both(strict, async |world| {
        let server = answers(&[200]).await;
        let port = server.url.rsplit(':').next().unwrap().to_owned();
        let (webhook, _) =
            webhook(&world, |request| request.url = format!("http://penerima.test:{port}/")).await;
        world.happens("surat.terbit", "17.07.05.2003").await;
        let names = Arc::new(Changing(Mutex::new(vec!["127.0.0.1".parse().unwrap()]), AtomicUsize::new(0)));
        let dispatcher = with(&world, names.clone(), LIMIT);
        look(&dispatcher, &world).await;
        assert!(server.asked().is_empty());
        // Looked up once: there is no second answer that a connection could go to.
        assert_eq!(names.1.load(Ordering::SeqCst), 1);
        let found = deliveries(&world, &webhook.id).await.remove(0);
        assert_eq!(found.attempts[0].problem, "REFUSED_ADDRESS");
    })
    .await;
}

#[tokio::test]
async fn line_32_a_connection_goes_to_the_address_that_was_checked() {
    let hosts = |config: &mut crate::config::Config| {
        config.webhooks.allow_http_hosts = "penerima.test".to_owned();
    };
    on_both(hosts, async |world| {
        let server = answers(&[200]).await;
        let port = server.url.rsplit(':').next().unwrap().to_owned();
        webhook(&world, |request| request.url = format!("http://penerima.test:{port}/")).await;
        world.happens("surat.terbit", "17.07.05.2003").await;
        // The first answer leads to the server; a second look-up would lead elsewhere.
        let addresses = ["127.0.0.1", "192.0.2.1"].map(|ip| ip.parse().unwrap()).to_vec();
        let names = Arc::new(Changing(Mutex::new(addresses), AtomicUsize::new(0)));
        let dispatcher = with(&world, names, LIMIT);
        look(&dispatcher, &world).await;
        assert_eq!(server.asked().len(), 1);
        assert_eq!(server.asked()[0].headers["host"], format!("penerima.test:{port}"));
    })
    .await;
}

/// What an owner reached when a webhook was made is not what he reaches for ever.
#[tokio::test]
async fn line_34_a_webhook_is_told_of_nothing_that_its_owner_reaches_no_more() {
    on_both(
        |_| (),
        async |world| {
            let server = answers(&[503, 200]).await;
            let (webhook, _) = webhook(&world, |request| request.url.clone_from(&server.url)).await;
            let dispatcher = dispatcher(&world);
            world.happens("surat.terbit", "17.07.05.2003").await;
            look(&dispatcher, &world).await;
            assert_eq!(server.asked().len(), 1);
            // He is another village's by now, and any call of his says so.
            world.core.seen(&caller("acc_integrator", &["documents.integrate"], &["17.07.06"])).await;
            world.happens("surat.terbit", "17.07.05.2003").await;
            world.after(TimeDelta::seconds(10));
            assert_eq!(look(&dispatcher, &world).await.begun, 0, "neither what waits nor what comes");
            let found = deliveries(&world, &webhook.id).await;
            let told: Vec<_> =
                found.iter().map(|it| (it.state(), it.attempts.len(), it.body.as_str())).collect();
            assert_eq!(told, [(proto::DeliveryState::Failed, 1, "")]);
            world.happens("surat.terbit", "17.07.06.2001").await;
            assert_eq!(look(&dispatcher, &world).await, Tick { planned: 1, begun: 1 });
            // A replay goes by what he reaches now, too.
            let replay =
                proto::ReplayWebhookDeliveryRequest { delivery: found[0].id.clone(), ..Default::default() };
            rpc::replay_webhook_delivery(&world.core, &integrator(), replay).await.unwrap();
            assert_eq!(look(&dispatcher, &world).await.begun, 0);
            // Without the permission there is nothing at all.
            world.core.seen(&caller("acc_integrator", &["documents.read"], &["17"])).await;
            world.happens("surat.terbit", "17.07.06.2001").await;
            assert_eq!(look(&dispatcher, &world).await, Tick::default());
            // Back, he is told of what happens from then on.
            world.core.seen(&integrator()).await;
            world.happens("surat.terbit", "17.07.05.2003").await;
            assert_eq!(look(&dispatcher, &world).await, Tick { planned: 1, begun: 1 });
            assert_eq!(server.asked().len(), 3);
        },
    )
    .await;
}

#[tokio::test]
async fn line_34_a_webhook_whose_owner_is_not_seen_any_more_is_turned_off() {
    on_both(
        |config| config.webhooks.unseen_days = 7,
        async |world| {
            let server = answers(&[200]).await;
            let (webhook, _) = webhook(&world, |request| request.url.clone_from(&server.url)).await;
            let dispatcher = dispatcher(&world);
            look(&dispatcher, &world).await;
            world.after(TimeDelta::days(6));
            // Any call will do, whatever it asks.
            world.core.seen(&integrator()).await;
            world.after(TimeDelta::days(7));
            world.happens("surat.terbit", "17.07.05.2003").await;
            assert_eq!(look(&dispatcher, &world).await.begun, 1);
            world.after(TimeDelta::seconds(1));
            world.happens("surat.terbit", "17.07.05.2003").await;
            assert_eq!(look(&dispatcher, &world).await, Tick::default());
            let found = present(&world, &webhook.id).await;
            assert_eq!(
                (found.state(), found.disable_reason.as_str()),
                (proto::WebhookState::Disabled, "UNSEEN")
            );
            // He comes back and enables it: what happened meanwhile is told.
            let mut request = proto::UpdateWebhookRequest {
                webhook: webhook.id.clone(),
                url: server.url.clone(),
                ..Default::default()
            };
            request.set_state(proto::WebhookState::Enabled);
            rpc::update_webhook(&world.core, &integrator(), request).await.unwrap();
            assert_eq!(look(&dispatcher, &world).await.begun, 1);
            assert_eq!(server.asked().len(), 2);
        },
    )
    .await;
}

#[tokio::test]
async fn line_32_a_deleted_webhook_is_gone_with_its_messages() {
    on_both(
        |_| (),
        async |world| {
            let server = answers(&[503]).await;
            let (webhook, _) = webhook(&world, |request| request.url.clone_from(&server.url)).await;
            let dispatcher = dispatcher(&world);
            world.happens("surat.terbit", "17.07.05.2003").await;
            look(&dispatcher, &world).await;
            let delete =
                proto::DeleteWebhookRequest { webhook: webhook.id.clone(), request_id: "hapus".to_owned() };
            let other = caller("acc_other", &["documents.integrate"], &["17.07"]);
            let refused = rpc::delete_webhook(&world.core, &other, delete.clone()).await.unwrap_err();
            assert!(matches!(refused, crate::error::Error::NotFound(_)), "{refused}");
            for _ in 0..2 {
                rpc::delete_webhook(&world.core, &integrator(), delete.clone()).await.unwrap();
            }
            let list = proto::ListWebhooksRequest::default();
            assert!(rpc::list_webhooks(&world.core, &integrator(), list).await.unwrap().webhooks.is_empty());
            world.after(TimeDelta::days(1));
            world.happens("surat.terbit", "17.07.05.2003").await;
            assert_eq!(look(&dispatcher, &world).await, Tick::default());
            assert_eq!(server.asked().len(), 1);
            let again = proto::DeleteWebhookRequest { request_id: String::new(), ..delete };
            rpc::delete_webhook(&world.core, &integrator(), again).await.unwrap_err();
        },
    )
    .await;
}

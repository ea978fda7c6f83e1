//! N-14: other systems are told, by Standard Webhooks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use mpp_kit::testing::Engine;
use mpp_kit::webhook::signature::verifies;
use mpp_proto::notifications::v1::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tonic::Code;

use crate::office::{CITIZEN, Office, receipt};

/// A message as it arrived.
#[derive(Debug, Clone)]
struct Arrived {
    headers: BTreeMap<String, String>,
    body: String,
}

impl Arrived {
    fn is_signed_by(&self, secret: &str) -> bool {
        let timestamp = self.headers["webhook-timestamp"].parse().unwrap();
        verifies(
            secret,
            &self.headers["webhook-signature"],
            &self.headers["webhook-id"],
            timestamp,
            &self.body,
        )
    }

    fn kind(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        body["type"].as_str().unwrap().to_owned()
    }
}

/// A system that takes messages.
async fn receiver() -> (String, Arc<Mutex<Vec<Arrived>>>) {
    answering("HTTP/1.1 204 -\r\nconnection: close\r\n\r\n").await
}

/// A system that answers each message so.
async fn answering(answer: &'static str) -> (String, Arc<Mutex<Vec<Arrived>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/masuk", listener.local_addr().unwrap());
    let arrived = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&arrived);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                loop {
                    let mut chunk = [0; 4096];
                    let Ok(read @ 1..) = stream.read(&mut chunk).await else { return };
                    bytes.extend_from_slice(&chunk[..read]);
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let headers: BTreeMap<String, String> = head
                        .split("\r\n")
                        .filter_map(|line| line.split_once(':'))
                        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                        .collect();
                    let length: usize = headers["content-length"].parse().unwrap();
                    if body.len() >= length {
                        seen.lock().unwrap().push(Arrived { headers, body: body.to_owned() });
                        break;
                    }
                }
                let _sent = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    (url, arrived)
}

lines! {
    async fn n_14_statuses_are_told_signed_and_secrets_are_exchanged_without_a_gap(engine) {
        let office = Office::open(engine).await;
        let (url, arrived) = receiver().await;
        let request = CreateCallbackRequest {
            request_id: "satu".to_owned(),
            url,
            event_types: vec!["notification.*".to_owned()],
            ..Default::default()
        };
        let mut client = office.client.clone();
        let made = client.create_callback(office.system(request.clone())).await.unwrap().into_inner();
        let again = client.create_callback(office.system(request)).await.unwrap().into_inner();
        assert_eq!((again.callback.as_ref(), &again.secret), (made.callback.as_ref(), &made.secret));
        let id = made.callback.unwrap().id;
        let sent = office.send(receipt(CITIZEN, "")).await;
        let told = async |count: usize| {
            office
                .until("it is told", async || {
                    let seen = arrived.lock().unwrap();
                    (seen.len() >= count).then(|| seen.clone())
                })
                .await
        };
        // The e-mail of a citizen without an address was held back, and the message was sent.
        let seen = told(2).await;
        let kinds: Vec<String> = seen.iter().map(Arrived::kind).collect();
        assert!(kinds.contains(&"notification.sent".to_owned()), "{kinds:?}");
        assert!(kinds.contains(&"notification.suppressed".to_owned()), "{kinds:?}");
        for it in &seen {
            assert!(it.is_signed_by(&made.secret));
            assert!(it.body.contains(&sent.id) && it.body.contains("adu_2") && !it.body.contains(CITIZEN), "{}", it.body);
        }
        // During the grace time both secrets sign; after it only the new one.
        let rotate = RotateCallbackSecretRequest { callback: id.clone(), grace_hours: 1, ..Default::default() };
        let fresh = client.rotate_callback_secret(office.system(rotate)).await.unwrap().into_inner();
        assert_ne!(fresh.secret, made.secret);
        let wamid = office.taken(CITIZEN)[0].id.clone();
        office.webhook(office.whatsapp.statuses(&[(&wamid, "delivered", 0)])).await.unwrap();
        let last = told(3).await.pop().unwrap();
        assert_eq!(last.kind(), "notification.delivered");
        assert!(last.is_signed_by(&made.secret) && last.is_signed_by(&fresh.secret));
        office.after(chrono::TimeDelta::hours(2));
        office.send(receipt(CITIZEN, "")).await;
        let last = told(5).await.pop().unwrap();
        assert!(!last.is_signed_by(&made.secret) && last.is_signed_by(&fresh.secret));
        let deliveries = ListCallbackDeliveriesRequest { callback: id.clone(), ..Default::default() };
        let deliveries = office
            .until("every delivery ended", async || {
                let request = office.system(deliveries.clone());
                let found = office.client.clone().list_callback_deliveries(request).await.unwrap().into_inner();
                let done = found.deliveries.iter().all(|it| it.last_status == 204);
                done.then_some(found.deliveries)
            })
            .await;
        assert_eq!(deliveries.len(), 5);

        // It is its owner's, its address must be public unless the settings say otherwise, and it can be ended.
        let foreign = office.by("acc_lain", &["notifications.integrate"], &[], RotateCallbackSecretRequest {
            callback: id.clone(),
            ..Default::default()
        });
        assert_eq!(client.rotate_callback_secret(foreign).await.unwrap_err().code(), Code::NotFound);
        let inside = CreateCallbackRequest { url: "http://internal.example/".to_owned(), ..Default::default() };
        assert_eq!(client.create_callback(office.system(inside)).await.unwrap_err().code(), Code::InvalidArgument);
        let stop = UpdateCallbackRequest {
            callback: id,
            url: "http://127.0.0.1:1/".to_owned(),
            state: CallbackState::Disabled.into(),
            ..Default::default()
        };
        let stopped = client.update_callback(office.system(stop)).await.unwrap().into_inner().callback.unwrap();
        assert_eq!((stopped.state(), stopped.disable_reason.as_str()), (CallbackState::Disabled, "OWNER"));
        office.send(receipt("6281234500009", "")).await;
        office.settle().await;
        assert_eq!(arrived.lock().unwrap().len(), 5);
    }

    async fn n_14_the_owner_of_a_callback_that_is_turned_off_is_told_in_the_list_of_the_account(engine) {
        let office = Office::open(engine).await;
        let (url, arrived) = answering("HTTP/1.1 410 -\r\nconnection: close\r\ncontent-length: 4\r\n\r\nBudi").await;
        let request = CreateCallbackRequest { request_id: "satu".to_owned(), url, ..Default::default() };
        let owner = |request| office.by("acc_perizinan", &["notifications.integrate"], &[], request);
        let made = office.client.clone().create_callback(owner(request)).await.unwrap().into_inner();
        let id = made.callback.unwrap().id;
        office.send(receipt(CITIZEN, "")).await;
        let told = office
            .until("its owner is told", async || {
                let found = office.inbox("acc_perizinan").await.items;
                (!found.is_empty()).then_some(found)
            })
            .await;
        office.settle().await;
        assert_eq!((told.len(), office.inbox("acc_perizinan").await.items.len()), (1, 1));
        assert!(told[0].body.contains(&format!("{id} ke 127.0.0.1 dinonaktifkan: GONE, HTTP 410.")), "{}", told[0].body);
        assert!(!arrived.lock().unwrap().is_empty());
    }
}

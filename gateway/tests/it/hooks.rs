//! Webhooks of Meta: their bytes reach the service as they came.

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;

use crate::{complaints::ACCOUNT, fake::Gate};

async fn post(gate: &Gate, path: &str, signature: &str, body: &[u8]) -> u16 {
    let mut request = Request::post(path).header("content-type", "application/json");
    if !signature.is_empty() {
        request = request.header("X-Hub-Signature-256", signature);
    }
    gate.send(request.body(Body::from(body.to_vec())).expect("a request")).await.status().as_u16()
}

#[tokio::test]
async fn c_13_the_bytes_and_the_signature_arrive_as_they_came() {
    let gate = Gate::start().await;
    // Spaces, escapes and bytes that are no UTF-8: nothing may be read and written again on the way.
    let body = b"{ \"object\" :\"x\\u00e9\",\n\xff }";
    assert_eq!(post(&gate, "/hooks/whatsapp/utama", "sha256=ab", body).await, 200);
    let received = gate.complaints.received();
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].channel.as_str(), received[0].account.as_str()), ("whatsapp", ACCOUNT));
    assert_eq!((received[0].body.as_slice(), received[0].signature.as_str()), (body.as_slice(), "sha256=ab"));
    let told = gate.notifications.received();
    assert_eq!((told[0].body.as_slice(), told[0].signature.as_str()), (body.as_slice(), "sha256=ab"));
    // Of the others too: who wrote there may be written to.
    assert_eq!(post(&gate, "/hooks/facebook/utama", "sha256=ab", body).await, 200);
    assert_eq!((gate.complaints.received().len(), gate.notifications.received().len()), (2, 1));
    let told = gate.notifications.direct();
    assert_eq!((told[0].network.as_str(), told[0].channel_account.as_str()), ("facebook", ACCOUNT));
    assert_eq!((told[0].body.as_slice(), told[0].signature.as_str()), (body.as_slice(), "sha256=ab"));
}

#[tokio::test]
async fn c_13_what_is_not_taken_is_told_by_its_status() {
    let gate = Gate::start().await;
    for (path, signature, expected) in [
        ("/hooks/whatsapp/utama", "", 401),
        ("/hooks/facebook/utama", "sha256=wrong", 403),
        ("/hooks/instagram/lain", "sha256=ab", 404),
        ("/hooks/whatsapp/away", "sha256=ab", 503),
        // Stored by one, and the other is away: delivered again, and stored once.
        ("/hooks/whatsapp/half", "sha256=ab", 503),
        // Known to one alone.
        ("/hooks/whatsapp/ours", "sha256=ab", 200),
    ] {
        assert_eq!(post(&gate, path, signature, b"{}").await, expected, "{path}");
    }
    assert_eq!((gate.complaints.received().len(), gate.notifications.received().len()), (2, 0));
    assert_eq!(post(&gate, "/hooks/whatsapp/utama", "sha256=ab", &vec![b' '; 4 << 20]).await, 413);
}

#[tokio::test]
async fn c_13_a_burst_from_one_address_is_not_held_back() {
    let gate = Gate::with(|config| {
        config.rate.submission = mpp_gateway::Rate { per_second: 1, burst: 1 };
        config.rate.anonymous = mpp_gateway::Rate { per_second: 1, burst: 1 };
    })
    .await;
    for _ in 0..50 {
        assert_eq!(post(&gate, "/hooks/whatsapp/utama", "sha256=ab", b"{}").await, 200);
    }
    assert_eq!(gate.complaints.received().len(), 50);
}

#[tokio::test]
async fn a_handshake_is_answered_with_the_bare_challenge() {
    let gate = Gate::start().await;
    let target = "/hooks/whatsapp/utama?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=";
    let get = |token: &str| Request::get(format!("{target}{token}")).body(Body::empty()).expect("a request");
    let answer = gate.send(get("token")).await;
    assert_eq!(answer.status(), 200);
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(body.as_ref(), b"1158201444");
    assert_eq!(gate.send(get("lain")).await.status(), 403);
}

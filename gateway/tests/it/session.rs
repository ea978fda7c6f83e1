//! Browser sessions: the cookie, its exchange, and who may use it.

use axum::body::Body;
use futures::future::join_all;
use http::Request;

use crate::fake::{Gate, SECRET, json};

fn sign_in(path: &str, body: &'static str) -> Request<Body> {
    Request::post(path).header("content-type", "application/json").body(Body::from(body)).expect("a request")
}

fn by_cookie(method: &str, target: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(target)
        .header("cookie", format!("mpp_session={SECRET}"))
        .header("host", "antre.test")
}

#[tokio::test]
async fn a_sign_in_sets_the_cookie_and_never_shows_the_secret() {
    let gate = Gate::start().await;
    let response = gate.send(sign_in("/v1/sessions", r#"{"username":"a","password":"benar"}"#)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["set-cookie"],
        format!("mpp_session={SECRET}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200")
    );
    assert!(!response.headers().contains_key("mpp-session"));
    let body = json(response).await;
    assert_eq!(body["expiresIn"], 600);
    assert!(!body.to_string().contains(SECRET));
    let device = gate.send(sign_in("/v1/deviceSessions", r#"{"deviceKey":"k"}"#)).await;
    assert!(device.headers()["set-cookie"].to_str().is_ok_and(|cookie| cookie.contains("Max-Age=34560000")));
    let wrong = gate.send(sign_in("/v1/sessions", r#"{"username":"a","password":"salah"}"#)).await;
    assert_eq!(wrong.status(), 401);
    assert!(!wrong.headers().contains_key("set-cookie"));
}

#[tokio::test]
async fn a_burst_of_requests_with_a_cookie_makes_one_exchange() {
    let gate = Gate::start().await;
    let requests =
        (0..20).map(|_| gate.send(by_cookie("GET", "/v1/halls").body(Body::empty()).expect("a request")));
    for response in join_all(requests).await {
        assert_eq!(response.status(), 200);
    }
    assert_eq!(gate.identity.refreshes(), 1);
    let seen = gate.queue.headers();
    assert!(!seen.contains_key("cookie"));
    assert!(seen["authorization"].to_str().is_ok_and(|value| value.starts_with("Bearer ")));
}

#[tokio::test]
async fn a_cookie_may_change_things_only_from_our_own_pages() {
    let gate = Gate::start().await;
    let call = |name: &'static str, value: &'static str| {
        by_cookie("POST", "/v1/counters/c1:callNext")
            .header(name, value)
            .body(Body::empty())
            .expect("a request")
    };
    for (name, value, status) in [
        ("origin", "http://antre.test", 200),
        ("sec-fetch-site", "same-origin", 200),
        ("origin", "https://evil.example", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("x-none", "", 403),
    ] {
        let response = gate.send(call(name, value)).await;
        assert_eq!(response.status().as_u16(), status, "{name}: {value}");
        if status == 403 {
            assert_eq!(json(response).await["reason"], "CROSS_SITE_REQUEST");
        }
    }
    let token = gate.token(&["queue.call"]);
    let with_token =
        by_cookie("POST", "/v1/counters/c1:callNext").header("authorization", format!("Bearer {token}"));
    let response = gate.send(with_token.body(Body::empty()).expect("a request")).await;
    assert_eq!(response.status(), 200, "a bearer token is never sent by a browser on its own");
}

#[tokio::test]
async fn signing_out_ends_the_session_at_once_and_clears_the_cookie() {
    let gate = Gate::start().await;
    let get = || by_cookie("GET", "/v1/halls").body(Body::empty()).expect("a request");
    assert_eq!(gate.send(get()).await.status(), 200);
    let delete = by_cookie("DELETE", "/v1/sessions/current").header("origin", "http://antre.test");
    let response = gate.send(delete.body(Body::empty()).expect("a request")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["set-cookie"],
        "mpp_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
    );
    let after = gate.send(get()).await;
    assert_eq!(after.status(), 401, "the exchanged token is forgotten with the session");
    let again = by_cookie("DELETE", "/v1/sessions/current").header("origin", "http://antre.test");
    let again = gate.send(again.body(Body::empty()).expect("a request")).await;
    assert_eq!(again.status(), 401);
    assert!(again.headers().contains_key("set-cookie"), "a dead cookie is cleared too");
}

#[tokio::test]
async fn a_dead_cookie_is_asked_for_once_and_harms_nothing_public() {
    let gate = Gate::start().await;
    let dead = |target: &str| {
        Request::get(target).header("cookie", "mpp_session=dead").body(Body::empty()).expect("a request")
    };
    for _ in 0..3 {
        assert_eq!(gate.send(dead("/v1/halls")).await.status(), 401);
        assert_eq!(gate.send(dead("/v1/ticketTokens/abc")).await.status(), 200);
    }
    assert_eq!(gate.identity.refreshes(), 1);
}

#[tokio::test]
async fn without_the_identity_service_a_session_is_unavailable_not_ended() {
    let gate = Gate::start().await;
    gate.identity.set_down(true);
    let get = |target: &str| by_cookie("GET", target).body(Body::empty()).expect("a request");
    assert_eq!(gate.send(get("/v1/halls")).await.status(), 503);
    assert_eq!(gate.send(get("/v1/ticketTokens/abc")).await.status(), 200, "what is public goes on");
    gate.identity.set_down(false);
    assert_eq!(gate.send(get("/v1/halls")).await.status(), 200, "a failure is not remembered");
}

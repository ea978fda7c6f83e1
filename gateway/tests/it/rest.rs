//! REST: headers, transcoding, errors, limits.

use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use mpp_gateway::Rate;
use mpp_kit::testing::scope;
use mpp_proto::queue::v1::{CallNextRequest, queue_service_client::QueueServiceClient};
use serde_json::json;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::fake::{Gate, json, with};

#[tokio::test]
async fn a_call_is_transcoded_and_only_permitted_headers_go_upstream() {
    let gate = Gate::start().await;
    let id = Uuid::now_v7().to_string();
    let mut request = gate.request("GET", "/v1/halls?pageSize=5", "");
    for (name, value) in [
        ("x-request-id", id.as_str()),
        ("accept-language", "en"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("cookie", "theme=dark"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-evil", "1"),
        ("user-agent", "test"),
    ] {
        request = with(request, name, value);
    }
    let response = gate.send(request).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-request-id"], id.as_str());
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body = json(response).await;
    assert_eq!(body["halls"][0]["code"], "HALL0");
    assert_eq!(body["nextPageToken"], "", "defaults are printed");
    let seen = gate.queue.headers();
    assert_eq!(seen["x-request-id"], id.as_str());
    assert_eq!(seen["accept-language"], "en");
    assert_eq!(seen["traceparent"], "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert!(seen["authorization"].to_str().is_ok_and(|value| value.starts_with("Bearer ")));
    assert!(seen.contains_key("grpc-timeout"));
    for name in ["cookie", "x-forwarded-for", "x-evil"] {
        assert!(!seen.contains_key(name), "{name} went upstream");
    }
}

#[tokio::test]
async fn every_answer_has_the_security_headers_and_a_request_id() {
    let gate = Gate::start().await;
    for target in ["/healthz", "/v1/halls", "/v1/nothing", "/no/such/page", "/docs"] {
        let request =
            Request::get(target).header("x-request-id", "not a uuid").body(Body::empty()).expect("a request");
        let response = gate.send(request).await;
        let headers = response.headers();
        assert_eq!(
            headers["content-security-policy"],
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
             connect-src 'self'; media-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
            "{target}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert!(headers.contains_key("permissions-policy"));
        assert!(!headers.contains_key("strict-transport-security"), "not on http");
        let id = headers["x-request-id"].to_str().expect("text");
        assert!(Uuid::parse_str(id).is_ok(), "{id}");
    }
    let https = Gate::with(|config| config.public_url = Some("https://antre.example.go.id".into())).await;
    let response = https.send(Request::get("/healthz").body(Body::empty()).expect("a request")).await;
    assert_eq!(response.headers()["strict-transport-security"], "max-age=31536000");
}

#[tokio::test]
async fn the_idempotency_key_becomes_the_request_id() {
    let gate = Gate::start().await;
    let request = with(gate.request("POST", "/v1/counters/c1:callNext", "{}"), "idempotency-key", "press-1");
    assert_eq!(json(gate.send(request).await).await["ticket"]["number"], "A001");
    assert_eq!(gate.queue.call().request_id, "press-1");
    let request =
        gate.request("POST", "/v1/counters/c1:callNext", r#"{"requestId":"press-2","expectedCurrent":""}"#);
    gate.send(with(request, "idempotency-key", "press-3")).await;
    assert_eq!(gate.queue.call().request_id, "press-2", "the body has precedence");
    assert_eq!(gate.queue.call().expected_current.as_deref(), Some(""));
    let response = gate
        .send(with(gate.request("POST", "/v1/counters/c1:callNext", ""), "idempotency-key", "two words"))
        .await;
    assert_eq!(response.status(), 400);
    assert_eq!(json(response).await["violations"][0]["field"], "Idempotency-Key");
}

#[tokio::test]
async fn an_answer_that_was_given_before_says_so() {
    let gate = Gate::start().await;
    let replayed = async |counter: &str| {
        let request = gate.request("POST", &format!("/v1/counters/{counter}:callNext"), "{}");
        let response = gate.send(with(request, "idempotency-key", "press-1")).await;
        assert_eq!(response.status(), 200, "{counter}");
        response.headers().get("idempotent-replayed").cloned()
    };
    assert_eq!(replayed("c1").await, None);
    assert_eq!(replayed("again").await.expect("the header"), "true");
}

/// The same refusal over REST and gRPC, in both languages.
#[tokio::test]
async fn errors_are_alike_over_rest_and_grpc() {
    let gate = Gate::start().await;
    let address = gate.listen().await;
    let channel = tonic::transport::Endpoint::from_shared(address)
        .expect("an address")
        .connect()
        .await
        .expect("a connection");
    let mut client = QueueServiceClient::new(channel);
    for (counter, http) in
        [("nobody", 409), ("reused", 422), ("invalid", 400), ("away", 503), ("broken", 500)]
    {
        for language in ["id", "en"] {
            let request = with(
                gate.request("POST", &format!("/v1/counters/{counter}:callNext"), "{}"),
                "accept-language",
                language,
            );
            let response = gate.send(request).await;
            assert_eq!(response.status().as_u16(), http, "{counter}");
            assert_eq!(response.headers()["content-type"], "application/problem+json");
            let retry_after = response.headers().get("retry-after").cloned();
            let id = response.headers()["x-request-id"].to_str().expect("text").to_owned();
            let rest = json(response).await;
            assert!(!rest.to_string().contains("secret"), "{rest}");

            let mut request =
                tonic::Request::new(CallNextRequest { counter: counter.into(), ..Default::default() });
            let token = gate.token(&["queue.call"]);
            request
                .metadata_mut()
                .insert("authorization", format!("Bearer {token}").parse().expect("a value"));
            request.metadata_mut().insert("accept-language", language.parse().expect("a value"));
            let status = client.call_next(request).await.expect_err("a refusal");
            let details = status.get_error_details();
            let info = details.error_info().expect("info");
            assert_eq!(rest["reason"], info.reason.as_str());
            assert_eq!(rest["type"], format!("/docs/errors#{}", info.reason));
            assert_eq!(rest["status"], http);
            assert_eq!(rest["instance"], id.as_str());
            assert_eq!(rest["detail"], details.localized_message().expect("a message").message.as_str());
            assert_eq!(rest["metadata"], json!(info.metadata));
            let violations =
                details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
            assert_eq!(rest["violations"].as_array().map(Vec::len), Some(violations.len()));
            for (ours, theirs) in rest["violations"].as_array().into_iter().flatten().zip(violations) {
                assert_eq!(ours["reason"], theirs.reason.as_str());
                assert_eq!(ours["description"], theirs.description.as_str());
                assert_eq!(
                    (ours["field"].as_str(), theirs.field.as_str()),
                    (Some("expectedCurrent"), "expected_current")
                );
            }
            let delay = details.retry_info().and_then(|info| info.retry_delay);
            assert_eq!(retry_after.is_some(), delay.is_some());
            if counter == "away" {
                assert_eq!(retry_after.expect("a time"), "3", "rounded up");
            }
        }
    }
    let request = with(gate.request("POST", "/v1/counters/nobody:callNext", ""), "accept-language", "id");
    assert_eq!(json(gate.send(request).await).await["detail"], "Tidak ada yang menunggu.");
}

#[tokio::test]
async fn who_may_not_is_told_so_by_the_service() {
    let gate = Gate::start().await;
    let anonymous = gate.send(Request::get("/v1/halls").body(Body::empty()).expect("a request")).await;
    assert_eq!(anonymous.status(), 401);
    assert!(anonymous.headers().contains_key("www-authenticate"));
    assert_eq!(json(anonymous).await["reason"], "TOKEN_MISSING");
    let token = gate.token(&["queue.read"]);
    let request =
        Request::post("/v1/counters/c1:callNext").header("authorization", format!("Bearer {token}"));
    let denied = gate.send(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(denied.status(), 403);
    let public =
        gate.send(Request::get("/v1/ticketTokens/abc").body(Body::empty()).expect("a request")).await;
    assert_eq!(json(public).await["ticket"]["number"], "abc");
}

#[tokio::test]
async fn etag_and_if_match_carry_the_version_of_a_ticket() {
    let gate = Gate::start().await;
    let response = gate.send(gate.request("GET", "/v1/tickets/tkt_1", "")).await;
    let etag = response.headers()["etag"].to_str().expect("text").to_owned();
    assert_eq!(etag, "\"7\"");
    let response =
        gate.send(with(gate.request("POST", "/v1/tickets/tkt_1:start", ""), "if-match", &etag)).await;
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key("etag"));
    assert_eq!(gate.queue.start().version, 7);
    let body = r#"{"version": 5}"#;
    gate.send(with(gate.request("POST", "/v1/tickets/tkt_1:start", body), "if-match", &etag)).await;
    assert_eq!(gate.queue.start().version, 5);
}

#[tokio::test]
async fn paths_methods_and_bodies_are_refused_by_name() {
    let gate = Gate::start().await;
    let refused = async |request: Request<Body>| {
        let response = gate.send(request).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        assert_eq!(headers["content-type"], "application/problem+json");
        (status, headers, json(response).await["reason"].as_str().unwrap_or_default().to_owned())
    };
    let (status, _, reason) = refused(gate.request("GET", "/v1/nothing", "")).await;
    assert_eq!((status, reason.as_str()), (404, "PATH_NOT_FOUND"));
    let (status, _, reason) = refused(gate.request("POST", "/v1/counters/c1:dance", "")).await;
    assert_eq!((status, reason.as_str()), (404, "PATH_NOT_FOUND"));
    let (status, headers, reason) = refused(gate.request("GET", "/v1/counters/c1:callNext", "")).await;
    assert_eq!((status, reason.as_str()), (405, "METHOD_NOT_ALLOWED"));
    assert_eq!(headers["allow"], "POST, OPTIONS");
    let (status, headers, _) = refused(gate.request("PUT", "/v1/halls/h/tickets", "")).await;
    assert_eq!((status, headers["allow"].to_str().ok()), (405, Some("POST, GET, HEAD, OPTIONS")));
    let large = format!("{{\"requestId\":\"{}\"}}", "x".repeat(2 << 20));
    let (status, _, reason) = refused(gate.request("POST", "/v1/counters/c1:callNext", &large)).await;
    assert_eq!((status, reason.as_str()), (413, "BODY_TOO_LARGE"));
    let form = with(
        gate.request("POST", "/v1/counters/c1:callNext", "a=b"),
        "content-type",
        "application/x-www-form-urlencoded",
    );
    let (status, _, reason) = refused(form).await;
    assert_eq!((status, reason.as_str()), (415, "UNSUPPORTED_MEDIA_TYPE"));
    let options = gate.send(gate.request("OPTIONS", "/v1/halls", "")).await;
    assert_eq!(
        (options.status(), options.headers()["allow"].to_str().ok()),
        (StatusCode::NO_CONTENT, Some("GET, HEAD, OPTIONS"))
    );
    let head = gate.send(gate.request("HEAD", "/v1/halls", "")).await;
    assert_eq!(head.status(), 200);
    let response = gate
        .send(gate.request("POST", "/v1/counters/c1:callNext", r#"{"expected":"x","requestId":7}"#))
        .await;
    assert_eq!(
        json(response).await["violations"],
        json!([
            {"field": "expected", "reason": "UNKNOWN_FIELD", "description": "hapus: tidak dikenal di sini"},
            {"field": "requestId", "reason": "INVALID_VALUE", "description": "isi dengan teks"},
        ])
    );
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_ended() {
    let gate = Gate::with(|config| config.request_timeout_ms = 200).await;
    let response = gate.send(gate.request("POST", "/v1/counters/slow:callNext", "")).await;
    assert_eq!(response.status(), 504);
    assert_eq!(json(response).await["reason"], "DEADLINE_EXCEEDED");
}

/// A request whose body comes in pieces of this size, with a pause before each.
fn slowly((path, media_type): (&str, &str), all: usize, piece: usize, pause: Duration) -> Request<Body> {
    let pieces = futures::stream::unfold(all, move |left| async move {
        tokio::time::sleep(pause).await;
        let now = left.min(piece);
        (now > 0).then(|| (Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'a'; now])), left - now))
    });
    Request::post(path).header("content-type", media_type).body(Body::from_stream(pieces)).expect("a request")
}

/// Over GPRS a photo takes minutes. What comes no faster than a byte now and then only holds a connection.
#[tokio::test]
async fn c_66_what_is_sent_over_a_slow_line_is_waited_for_and_what_hardly_comes_is_not() {
    let gate = Gate::with(|config| config.request_timeout_ms = 400).await;
    let (long, short) = (Duration::from_millis(150), Duration::from_millis(40));
    for way in [("/lapor", "application/x-www-form-urlencoded"), ("/v1/complaintFiles", "application/json")] {
        let path = way.0;
        let began = Instant::now();
        let response = gate.send(slowly(way, 8 << 10, 1 << 10, long)).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}: all of it was read and judged");
        assert!(began.elapsed() > Duration::from_secs(1), "{path}: it took longer than a request may");
        for (all, piece, pause) in [(1 << 20, 1, short), (1 << 20, 1 << 10, Duration::from_secs(2))] {
            let began = Instant::now();
            let response = gate.send(slowly(way, all, piece, pause)).await;
            assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT, "{path}");
            assert!(began.elapsed() < Duration::from_secs(1), "{path}: {:?}", began.elapsed());
        }
    }
}

#[tokio::test]
async fn limits_answer_429_with_a_time() {
    let rate = |per_second, burst| Rate { per_second, burst };
    let gate = Gate::with(|config| {
        config.rate.sign_in = rate(1, 2);
        config.rate.anonymous = rate(1, 3);
        config.rate.principal = rate(1, 4);
    })
    .await;
    let sign_in = || {
        let request = Request::post("/v1/sessions").header("content-type", "application/json");
        request.body(Body::from(r#"{"username":"a","password":"salah"}"#)).expect("a request")
    };
    let public = || Request::get("/v1/ticketTokens/abc").body(Body::empty()).expect("a request");
    for (allowed, refusal, request) in [
        (2, 401, &sign_in as &dyn Fn() -> Request<Body>),
        (3, 200, &public),
        (4, 200, &|| gate.request("GET", "/v1/halls", "")),
    ] {
        for _ in 0..allowed {
            assert_eq!(gate.send(request()).await.status(), refusal);
        }
        let response = gate.send(request()).await;
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(json(response).await["reason"], "RATE_LIMITED");
    }
    let other = gate.issuer.token(&mpp_kit::clock::SystemClock, "acc_2", &[(&["queue.read"], scope(&[]))]);
    let request = Request::get("/v1/halls").header("authorization", format!("Bearer {other}"));
    assert_eq!(
        gate.send(request.body(Body::empty()).expect("a request")).await.status(),
        200,
        "another account"
    );
    let forged = Request::get("/v1/halls").header("authorization", "Bearer a.b.c");
    let forged = gate.send(forged.body(Body::empty()).expect("a request")).await;
    assert_eq!(forged.status(), 429, "a token that does not verify counts by address");
    assert_eq!(
        gate.send(Request::get("/healthz").body(Body::empty()).expect("a request")).await.status(),
        200
    );
}

#[tokio::test]
async fn a_proxy_is_believed_only_when_it_is_trusted() {
    let public = |addresses: &str| {
        let request = Request::get("/v1/ticketTokens/abc").header("x-forwarded-for", addresses);
        request.body(Body::empty()).expect("a request")
    };
    for (trusted, statuses) in [(false, [200, 429, 429]), (true, [200, 200, 429])] {
        let gate = Gate::with(|config| {
            config.rate.anonymous = Rate { per_second: 1, burst: 1 };
            config.trusted_proxy_header = trusted.then(|| "x-forwarded-for".to_owned());
        })
        .await;
        // A client may write what it likes before what the proxy adds.
        let sent = ["192.0.2.1", "192.0.2.1, 192.0.2.2", "198.51.100.7, 192.0.2.2"];
        for (addresses, status) in sent.iter().zip(statuses) {
            assert_eq!(
                gate.send(public(addresses)).await.status().as_u16(),
                status,
                "trusted: {trusted}, {addresses}"
            );
        }
    }
}

#[tokio::test]
async fn documents_are_served_and_json_is_compressed_on_request() {
    let gate = Gate::start().await;
    let get = |target: &str| Request::get(target).body(Body::empty()).expect("a request");
    let openapi = gate.send(get("/openapi.json")).await;
    assert_eq!(openapi.headers()["content-type"], "application/json");
    let openapi = json(openapi).await;
    assert_eq!(openapi["openapi"], "3.1.0");
    // For linters: `redocly lint target/tmp/openapi.json`.
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/openapi.json");
    std::fs::write(path, openapi.to_string()).expect("the document can be written");
    for target in ["/docs", "/docs/errors"] {
        let docs = gate.send(get(target)).await;
        assert_eq!(docs.headers()["content-type"], "text/html; charset=utf-8");
        let page = docs.into_body().collect().await.expect("a body").to_bytes();
        assert!(page.windows(15).any(|part| part == b"id=\"TOKEN_EXPIR"), "the catalogue is there");
    }
    let plain = gate.send(gate.request("GET", "/v1/halls", "")).await;
    assert!(!plain.headers().contains_key("content-encoding"));
    let packed = gate.send(with(gate.request("GET", "/v1/halls", ""), "accept-encoding", "gzip")).await;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_eq!(gate.send(get("/")).await.headers().get("content-encoding"), None);
}

#[tokio::test]
async fn ready_means_that_every_role_answers() {
    let gate = Gate::start().await;
    let get = |target: &str| Request::get(target).body(Body::empty()).expect("a request");
    let ready = gate.send(get("/readyz")).await;
    assert_eq!(ready.status(), 200);
    assert_eq!(
        json(ready).await,
        json!({"status": "ready", "roles": {
            "identity": "serving",
            "queue": "serving",
            "documents": "serving",
            "complaints": "serving",
            "notifications": "serving",
        }})
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let apart = Gate::build(|_| {}, Some(listener)).await;
    assert_eq!(apart.send(get("/readyz")).await.status(), 200);
    apart.shutdown.trigger();
    // The other process is gone once its listener is closed.
    for _ in 0..50 {
        if apart.send(get("/readyz")).await.status() == 503 {
            assert_eq!(apart.send(get("/healthz")).await.status(), 200, "the gateway itself lives");
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it is still ready without its queue");
}

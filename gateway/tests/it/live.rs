//! Live views: one upstream per hall, resumption, heartbeats, slow clients, and how streams end.

use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use mpp_kit::{
    clock::{Clock as _, SystemClock},
    testing::scope,
};
use mpp_proto::queue::v1::{
    Announcement, Board, BoardCounter, CounterDesk, CounterState, WatchBoardResponse, WatchCounterResponse,
    Zone,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tonic::Status;

use crate::fake::{Gate, HALL, Reader, json, with};

fn snapshot(seq: i64) -> WatchBoardResponse {
    let zones = ["A", "B"].map(|code| Zone { code: code.into(), ..Zone::default() }).to_vec();
    let board = Board { hall_id: HALL.into(), seq, zones, ..Board::default() };
    WatchBoardResponse { seq, snapshot: Some(board), ..WatchBoardResponse::default() }
}

fn call(seq: i64, zone: &str, reason: &str) -> WatchBoardResponse {
    let now = SystemClock.now();
    let time = Some(prost_types::Timestamp { seconds: now.timestamp(), nanos: 0 });
    WatchBoardResponse {
        seq,
        time,
        snapshot: None,
        counters: vec![BoardCounter {
            counter_id: format!("ctr_{zone}"),
            zone_code: zone.into(),
            state: CounterState::Serving.into(),
            reason: reason.into(),
            ..BoardCounter::default()
        }],
        announcements: vec![Announcement {
            id: seq,
            zone_code: zone.into(),
            time,
            ..Announcement::default()
        }],
        epoch: 0,
    }
}

async fn watch(gate: &Gate, query: &str) -> Response<Body> {
    gate.send(gate.request("GET", &format!("/v1/halls/{HALL}/board:watch{query}"), "")).await
}

/// Waits until the queue service has been asked for so many board streams.
async fn streams(gate: &Gate, count: usize) {
    let reached = async {
        while gate.queue.board_streams().len() < count {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(3), reached).await.expect("an upstream in time");
}

#[tokio::test]
async fn all_watchers_of_a_hall_share_one_upstream() {
    let gate = Gate::start().await;
    gate.queue.set_first(snapshot(10));
    let response = watch(&gate, "").await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let (mut all, mut zone) = (Reader::new(response), Reader::new(watch(&gate, "?zone=A").await));
    let mut also_all = Reader::new(watch(&gate, "").await);
    for reader in [&mut all, &mut zone, &mut also_all] {
        let first = reader.next_update().await.expect("a snapshot");
        assert_eq!((first.id, first.name.as_str()), (Some(10), "update"));
        assert_eq!(first.data["snapshot"]["hallId"], HALL);
    }
    gate.queue.board(call(11, "B", "")).await;
    gate.queue.board(call(12, "A", "")).await;
    for (reader, ids) in [(&mut all, vec![11, 12]), (&mut zone, vec![12]), (&mut also_all, vec![11, 12])] {
        for id in ids {
            let event = reader.next_update().await.expect("an update");
            assert_eq!(event.id, Some(id));
            assert_eq!(event.data["announcements"].as_array().map(Vec::len), Some(1));
        }
    }
    assert_eq!(gate.queue.board_streams().len(), 1, "one upstream for all");
}

#[tokio::test]
async fn last_event_id_resumes_where_it_was() {
    let gate = Gate::start().await;
    gate.queue.set_first(snapshot(10));
    let mut first = Reader::new(watch(&gate, "").await);
    for seq in 11..=14 {
        gate.queue.board(call(seq, "A", "")).await;
    }
    while first.next_update().await.expect("an update").id != Some(14) {}
    drop(first);
    let request = gate.request("GET", &format!("/v1/halls/{HALL}/board:watch"), "");
    let mut back = Reader::new(gate.send(with(request, "last-event-id", "12")).await);
    for id in [13, 14] {
        let event = back.next_update().await.expect("what was missed");
        assert_eq!(event.id, Some(id));
        assert!(event.data.get("snapshot").is_none());
    }
    gate.queue.board(call(15, "A", "")).await;
    assert_eq!(back.next_update().await.expect("what is new").id, Some(15));
    let mut by_query = Reader::new(watch(&gate, "?afterSeq=14").await);
    assert_eq!(by_query.next_update().await.expect("an update").id, Some(15));
    let mut long_gone = Reader::new(watch(&gate, "?afterSeq=3").await);
    let event = long_gone.next_update().await.expect("a snapshot");
    assert!(event.data.get("snapshot").is_some());
    assert_eq!(
        event.data["announcements"].as_array().map(Vec::len),
        Some(5),
        "with what was announced in the last minute"
    );
    assert_eq!(gate.queue.board_streams().len(), 1);
}

#[tokio::test]
async fn heartbeats_stop_while_the_upstream_is_away_and_nothing_is_told_twice() {
    let gate = Gate::start().await;
    gate.queue.set_first(snapshot(10));
    let mut reader = Reader::new(watch(&gate, "").await);
    gate.queue.board(call(11, "A", "")).await;
    while reader.next().await.expect("an event").id != Some(11) {}
    let beat = reader.next().await.expect("a heartbeat");
    assert_eq!(beat.name, "heartbeat");
    assert!(beat.data["time"].as_str().is_some_and(|time| time.ends_with('Z')));

    gate.queue.break_boards(true);
    // What was sent before the break may still be in the buffer.
    sleep(Duration::from_millis(150)).await;
    let silence = async {
        let mut events = 0;
        while timeout(Duration::from_millis(400), reader.next()).await.is_ok() {
            events += 1;
            assert!(events < 5, "events go on without an upstream");
        }
    };
    silence.await;
    let mut back = snapshot(13);
    back.announcements =
        vec![call(11, "A", "").announcements.remove(0), call(13, "A", "").announcements.remove(0)];
    gate.queue.set_first(back);
    gate.queue.break_boards(false);
    let event = reader.next_update().await.expect("the board is back");
    assert_eq!(event.id, Some(13));
    let announced: Vec<_> =
        event.data["announcements"].as_array().expect("a list").iter().map(|one| one["id"].clone()).collect();
    assert_eq!(announced, ["13"], "11 was announced before");
    assert_eq!(gate.queue.board_streams(), [1, 11], "it asks for what came after what it knows");
    while reader.next().await.expect("an event").name != "heartbeat" {}
}

#[tokio::test]
async fn a_slow_client_is_dropped_and_harms_nobody() {
    let gate = Gate::start().await;
    gate.queue.set_first(snapshot(10));
    let slow = watch(&gate, "").await;
    let mut quick = Reader::new(watch(&gate, "").await);
    assert_eq!(quick.next_update().await.expect("a snapshot").id, Some(10));
    for seq in 11..=210 {
        gate.queue.board(call(seq, "A", "")).await;
        assert_eq!(quick.next_update().await.expect("an update").id, Some(seq));
    }
    let mut slow = Reader::new(slow);
    let mut last = 0;
    while let Some(event) = slow.next().await {
        last = event.id.unwrap_or(last);
    }
    assert!(last > 10 && last < 100, "its buffer ended at {last}, and so did its stream");
    let mut again = Reader::new(watch(&gate, &format!("?afterSeq={last}")).await);
    assert_eq!(
        again.next_update().await.expect("what it missed").id,
        Some(last + 1),
        "it resumes without a gap"
    );
}

#[tokio::test]
async fn who_may_not_see_a_hall_gets_no_stream() {
    let gate = Gate::start().await;
    gate.queue.set_first(snapshot(10));
    let target = format!("/v1/halls/{HALL}/board:watch");
    let anonymous = gate.send(Request::get(&target).body(Body::empty()).expect("a request")).await;
    assert_eq!(anonymous.status(), 401);
    let forged =
        Request::get(&target).header("authorization", "Bearer x.y.z").body(Body::empty()).expect("a request");
    assert_eq!(json(gate.send(forged).await).await["reason"], "TOKEN_INVALID");
    let elsewhere =
        gate.issuer.token(&SystemClock, "acc_1", &[(&["queue.read"], scope(&[("hall", &["hal_other"])]))]);
    let elsewhere = Request::get(&target).header("authorization", format!("Bearer {elsewhere}"));
    let elsewhere = gate.send(elsewhere.body(Body::empty()).expect("a request")).await;
    assert_eq!(elsewhere.status(), 404, "out of reach is not there, as for the board itself");
    let nothing = gate.issuer.token(&SystemClock, "acc_1", &[(&["queue.issue"], scope(&[]))]);
    let nothing = Request::get(&target).header("authorization", format!("Bearer {nothing}"));
    let nothing = gate.send(nothing.body(Body::empty()).expect("a request")).await;
    assert_eq!(
        (nothing.status().as_u16(), &json(nothing).await["reason"]),
        (403, &serde_json::json!("PERMISSION_MISSING"))
    );
    assert!(gate.queue.board_streams().is_empty());
    let unknown = gate.send(gate.request("GET", "/v1/halls/hal_unknown/board:watch", "")).await;
    assert_eq!(unknown.status(), 404);
    assert_eq!(json(unknown).await["reason"], "NOT_FOUND");
    let english = with(gate.request("GET", "/v1/halls/hal_unknown/board:watch", ""), "accept-language", "en");
    assert_eq!(json(gate.send(english).await).await["detail"], "Hall not found.");
    let zone = watch(&gate, "?zone=nowhere").await;
    assert_eq!(
        (zone.status().as_u16(), &json(zone).await["detail"]),
        (404, &serde_json::json!("Zona tidak ditemukan."))
    );
}

#[tokio::test]
async fn a_board_that_cannot_be_reached_is_a_problem_and_comes_later() {
    let gate = Gate::start().await;
    gate.queue.set_first(snapshot(10));
    gate.queue.break_boards(true);
    let response = watch(&gate, "").await;
    assert_eq!(response.status(), 503);
    gate.queue.break_boards(false);
    let mut reader = Reader::new(watch(&gate, "").await);
    assert_eq!(reader.next_update().await.expect("a snapshot").id, Some(10));
    streams(&gate, 1).await;
}

#[tokio::test]
async fn a_stream_ends_with_its_token_and_with_the_process() {
    let gate = Gate::start().await;
    gate.queue.set_first(snapshot(10));
    let mut claims = gate.issuer.claims(&SystemClock, "acc_1", &[(&["queue.read"], scope(&[]))]);
    claims.exp = SystemClock.now().timestamp() + 2;
    let short = gate.issuer.sign(&claims);
    let request = Request::get(format!("/v1/halls/{HALL}/board:watch"))
        .header("authorization", format!("Bearer {short}"));
    let mut expiring = Reader::new(gate.send(request.body(Body::empty()).expect("a request")).await);
    let mut lasting = Reader::new(watch(&gate, "").await);
    let end = async { while expiring.next().await.is_some() {} };
    timeout(Duration::from_secs(3), end).await.expect("it ends when its token expires");
    assert!(lasting.next().await.is_some(), "another one goes on");
    gate.shutdown.trigger();
    let end = async { while lasting.next().await.is_some() {} };
    timeout(Duration::from_secs(1), end).await.expect("it ends with the process");
}

#[tokio::test]
async fn other_streams_have_their_own_upstream_and_tell_why_they_end() {
    let gate = Gate::start().await;
    let mut reader = Reader::new(gate.send(gate.request("GET", "/v1/counters/c1:watch", "")).await);
    let desk = |seq| Ok(WatchCounterResponse { desk: Some(CounterDesk { seq, ..CounterDesk::default() }) });
    gate.queue.desk().send(desk(41)).await.expect("it is watched");
    let event = reader.next_update().await.expect("an update");
    assert_eq!((event.id, &event.data["desk"]["seq"]), (Some(41), &serde_json::json!("41")));
    while reader.next().await.expect("an event").name != "heartbeat" {}
    gate.queue.desk().send(Err(Status::unavailable("10.0.0.7 is gone"))).await.expect("it is watched");
    let event = reader.next_update().await.expect("the problem");
    assert_eq!(
        (event.name.as_str(), &event.data["reason"], &event.data["status"]),
        ("error", &serde_json::json!("UNAVAILABLE"), &serde_json::json!(503))
    );
    assert!(!event.data.to_string().contains("10.0.0.7"));
    assert!(reader.next().await.is_none());

    let refused = gate
        .send(Request::get("/v1/ticketTokens/unknown:watch").body(Body::empty()).expect("a request"))
        .await;
    assert_eq!(refused.status(), 404, "a refusal before the first event is an ordinary problem");
    let mut public = Reader::new(
        gate.send(Request::get("/v1/ticketTokens/abc:watch").body(Body::empty()).expect("a request")).await,
    );
    assert_eq!(public.next_update().await.expect("an update").data["ticket"]["number"], "abc");
}

#[tokio::test]
async fn a_slow_client_of_its_own_stream_is_dropped_too() {
    let gate = Gate::start().await;
    let response = gate.send(gate.request("GET", "/v1/counters/c1:watch", "")).await;
    let desk = gate.queue.desk();
    for seq in 1..=300 {
        let message = WatchCounterResponse { desk: Some(CounterDesk { seq, ..CounterDesk::default() }) };
        if desk.send(Ok(message)).await.is_err() {
            break;
        }
    }
    timeout(Duration::from_secs(3), desk.closed()).await.expect("the upstream is let go");
    let mut reader = Reader::new(response);
    let mut events = 0;
    while reader.next().await.is_some() {
        events += 1;
    }
    assert!(events <= 64, "{events}");
}

#[tokio::test]
async fn the_number_of_open_streams_is_bounded() {
    let gate = Gate::with(|config| config.streams = 1).await;
    gate.queue.set_first(snapshot(10));
    let first = watch(&gate, "").await;
    assert_eq!(first.status(), 200);
    let second = watch(&gate, "").await;
    assert_eq!((second.status().as_u16(), second.headers()["retry-after"].to_str().ok()), (503, Some("5")));
    drop(first);
    assert_eq!(watch(&gate, "").await.status(), 200, "a place is free again");
}

#[tokio::test]
async fn pages_of_citizens_leave_room_for_boards_and_consoles() {
    let gate = Gate::with(|config| config.streams = 4).await;
    let page = async || {
        let request = Request::get("/v1/ticketTokens/abc:watch").body(Body::empty()).expect("a request");
        gate.send(request).await
    };
    let open = [page().await, page().await];
    assert_eq!(open.each_ref().map(|page| page.status().as_u16()), [200, 200]);
    let third = page().await;
    assert_eq!((third.status().as_u16(), third.headers()["retry-after"].to_str().ok()), (503, Some("5")));
    let console = async || gate.send(gate.request("GET", "/v1/counters/c1:watch", "")).await;
    let consoles = [console().await, console().await];
    assert_eq!(consoles.each_ref().map(|console| console.status().as_u16()), [200, 200]);
    assert_eq!(console().await.status(), 503, "all are taken");
    drop(open);
    assert_eq!(page().await.status(), 200, "a place is free again");
}

/// Over a socket, as a browser that would take compressed answers: each event comes at once, and the drain ends it.
#[tokio::test]
async fn events_are_not_held_back_and_a_drain_does_not_wait_for_them() {
    let gate = Gate::start().await;
    gate.queue.set_first(snapshot(10));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it listens");
    let server = tokio::spawn(mpp_gateway::serve(listener, gate.router.clone(), gate.shutdown.clone()));
    let mut socket = TcpStream::connect(address).await.expect("a connection");
    let token = gate.token(&["queue.read"]);
    let head = format!(
        "GET /v1/halls/{HALL}/board:watch HTTP/1.1\r\nHost: antre.test\r\nAccept-Encoding: gzip\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.expect("it is sent");
    let mut text = String::new();
    let mut read_until = async |wanted: &str| {
        while !text.contains(wanted) {
            let mut piece = [0; 4096];
            let length = timeout(Duration::from_secs(3), socket.read(&mut piece))
                .await
                .expect("in time")
                .expect("bytes");
            assert!(length > 0, "the stream ended before {wanted:?}: {text}");
            text.push_str(&String::from_utf8_lossy(&piece[..length]));
        }
        text.clone()
    };
    let begun = read_until("id: 10").await;
    assert!(begun.contains("retry: 1000") && !begun.to_lowercase().contains("content-encoding"), "{begun}");
    gate.queue.board(call(11, "A", "")).await;
    read_until("id: 11").await;
    gate.shutdown.trigger();
    let served = timeout(Duration::from_secs(3), server).await.expect("the drain ends");
    assert!(served.is_ok_and(|result| result.is_ok()));
    TcpStream::connect(address).await.expect_err("nobody listens any more");
}

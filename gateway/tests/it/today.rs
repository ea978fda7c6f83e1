//! What citizens see of the halls before they come, and the page of the reception.

use http::StatusCode;
use mpp_proto::queue::v1::{
    Board, BoardCounter, CounterState, Estimate, ServiceState, ServiceStatus, WatchBoardResponse,
};
use prost_types::Timestamp;

use crate::{
    fake::{Gate, HALL},
    letters::{by_cookie, get, text},
};

/// 2026-11-30T01:00:00Z: Monday morning in the west.
const MONDAY: Timestamp = Timestamp { seconds: 1_796_000_400, nanos: 0 };

fn service(code: &str, state: ServiceState, waiting: i32) -> ServiceStatus {
    let open = state == ServiceState::Open;
    ServiceStatus {
        id: format!("svc_{code}"),
        code: code.to_owned(),
        name: format!("Layanan {code}"),
        name_en: format!("Service {code}"),
        agency_id: "agc_1".to_owned(),
        agency_name: "Disdukcapil".to_owned(),
        state: state.into(),
        waiting,
        estimate: open.then_some(Estimate { min_minutes: 5, max_minutes: 12 }),
        reason: if open { String::new() } else { "Di luar jam layanan.".to_owned() },
        next_open_time: (!open).then_some(MONDAY),
        ..ServiceStatus::default()
    }
}

fn calls(gate: &Gate) {
    let counter = |number: &str, ticket: &str, state: CounterState| BoardCounter {
        number: number.to_owned(),
        ticket_number: ticket.to_owned(),
        state: state.into(),
        ..BoardCounter::default()
    };
    let counters = vec![counter("3", "A012", CounterState::Serving), counter("4", "", CounterState::Break)];
    let board = Board { counters, time: Some(MONDAY), ..Board::default() };
    gate.queue.set_first(WatchBoardResponse { snapshot: Some(board), ..WatchBoardResponse::default() });
}

#[tokio::test]
async fn anybody_sees_what_is_open_how_many_wait_and_what_is_called() {
    let gate = Gate::start().await;
    calls(&gate);
    gate.queue
        .set_services(vec![service("KTP", ServiceState::Open, 7), service("KK", ServiceState::QuotaFull, 2)]);
    let page = gate.send(get(&format!("/antrean?hall={HALL}"))).await;
    assert_eq!(page.status(), StatusCode::OK);
    let page = text(page).await;
    for words in [
        "9 orang menunggu · 1 dari 2 layanan memberi nomor",
        "7 orang menunggu",
        "5–12 menit",
        "Di luar jam layanan.",
        "A012",
        "loket 3",
        "Keadaan 30 November 2026 pukul 08.00 WIB",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("Buka lagi"), "it is open");
    assert!(!page.contains("<script"), "no script at all");
    assert!(text(gate.send(get("/antrean?lang=en")).await).await.contains("Service KTP"));
    let home = text(gate.send(get("/")).await).await;
    assert!(home.contains(&format!("/antrean?hall={HALL}")), "{home}");
    assert_eq!(gate.send(get("/antrean?hall=hal_other")).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_closed_hall_says_when_it_opens_next() {
    let gate = Gate::start().await;
    let later = Timestamp { seconds: MONDAY.seconds + 86_400, nanos: 0 };
    let other = ServiceStatus { next_open_time: Some(later), ..service("KK", ServiceState::OutsideHours, 0) };
    gate.queue.set_services(vec![other, service("KTP", ServiceState::OutsideHours, 0)]);
    let page = text(gate.send(get("/antrean")).await).await;
    assert!(page.contains("Buka lagi 30 November 2026 pukul 08.00 WIB"), "the earliest: {page}");
    assert!(!page.contains("layanan memberi nomor"), "no day is open");
}

#[tokio::test]
async fn many_visitors_cost_the_queue_service_as_much_as_one() {
    let gate = Gate::start().await;
    gate.queue.set_services(vec![service("KTP", ServiceState::Open, 1)]);
    assert_eq!(gate.send(get("/antrean")).await.status(), StatusCode::OK);
    let once = gate.queue.listed();
    let visits = (0..20).map(|_| gate.send(get("/antrean")));
    for page in futures::future::join_all(visits).await {
        assert_eq!(page.status(), StatusCode::OK);
    }
    gate.send(get("/")).await;
    assert_eq!(gate.queue.listed(), once);
}

#[tokio::test]
async fn a_queue_service_that_is_away_is_told_and_the_landing_page_stays() {
    let gate = Gate::start().await;
    gate.queue.break_boards(true);
    let page = gate.send(get("/antrean")).await;
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(text(page).await.contains("tidak dapat dibaca"));
    let home = gate.send(get("/")).await;
    assert_eq!(home.status(), StatusCode::OK);
    let home = text(home).await;
    assert!(home.contains("tidak dapat dibaca") && home.contains("href=\"/lapor\""));
}

#[tokio::test]
async fn the_reception_is_for_who_may_issue_tickets() {
    let gate = Gate::start().await;
    let anonymous = gate.send(get("/resepsi")).await;
    assert_eq!(anonymous.status(), StatusCode::SEE_OTHER);
    assert_eq!(anonymous.headers()["location"], "/masuk?ke=%2Fresepsi");
    assert_eq!(gate.send(by_cookie(get("/resepsi"))).await.status(), StatusCode::FORBIDDEN);
}

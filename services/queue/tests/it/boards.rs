//! Lines 24, 25, 28 and 31: boards, and the page of a ticket.

use std::time::{Duration, Instant};

use mpp_kit::testing::Engine;
use mpp_proto::queue::v1::*;
use prost::Message as _;
use tonic::Code;

use super::house::{Frames, House};

impl House {
    async fn watch(&self, zone: &str, after_seq: i64) -> Frames<WatchBoardResponse> {
        let request = WatchBoardRequest {
            hall: self.hall_id(),
            zone: zone.to_owned(),
            after_seq,
            ..WatchBoardRequest::default()
        };
        self.board().watch_board(request).await.expect("the stream begins")
    }

    pub(crate) async fn page(&self, token: &str) -> PublicTicket {
        let request = GetTicketByTokenRequest { token: token.to_owned() };
        self.nobody().get_ticket_by_token(request).await.expect("the page").ticket.expect("a ticket")
    }
}

lines! {
    /// 24. A call is on every board of the zone at most two seconds after the press, and on no board of another zone.
    async fn must_24_a_call_is_on_every_board_of_its_zone_at_once(engine) {
        let house = House::open(engine).await;
        let mut boards = Vec::new();
        for zone in ["U", "U", "U", ""] {
            let mut frames = house.watch(zone, 0).await;
            let first = frames.next().await;
            assert!(first.snapshot.is_some() && first.announcements.is_empty(), "a snapshot first");
            boards.push(frames);
        }
        let mut south = house.watch("S", 0).await;
        south.next().await;
        for press in 1..=5 {
            house.issue("KTP").await;
            let pressed = Instant::now();
            let called = house.call("1").await.expect("called");
            for board in &mut boards {
                let frame = board.find(|frame| !frame.announcements.is_empty()).await;
                assert!(pressed.elapsed() < Duration::from_secs(2), "{:?} after the press", pressed.elapsed());
                assert_eq!(frame.announcements.len(), 1, "press {press}");
                let call = &frame.announcements[0];
                assert_eq!((&call.ticket_number, call.counter_number.as_str(), call.zone_code.as_str()), (&called.number, "1", "U"));
                assert!(frame.seq >= call.id);
                let shown = frame.snapshot.map(|board| board.counters).unwrap_or(frame.counters);
                let counter = shown.iter().find(|counter| counter.number == "1").expect("the counter that called");
                assert_eq!((&counter.ticket_number, counter.state()), (&called.number, CounterState::Serving));
            }
            house.start("1", &called).await;
            house.finish("1", &called).await;
        }
        // The other zone hears its own call first, and only that.
        house.issue("STNK").await;
        let called = house.call("3").await.expect("called");
        let frame = south.find(|frame| !frame.announcements.is_empty()).await;
        assert_eq!(frame.announcements.iter().map(|call| &call.ticket_number).collect::<Vec<_>>(), [&called.number]);
    }

    /// 24. A board shows what is durable, in the order of calls: frames never go back.
    async fn must_24_frames_never_go_back(engine) {
        let house = House::open(engine).await;
        let mut frames = house.watch("", 0).await;
        let mut seq = frames.next().await.seq;
        for _ in 0..6 {
            house.issue("KTP").await;
            house.issue("STNK").await;
        }
        let work = async {
            for _ in 0..6 {
                tokio::join!(house.serve("1", 1), house.serve("3", 1));
            }
        };
        let watch = async {
            let mut heard: Vec<i64> = Vec::new();
            while heard.len() < 12 {
                let frame = frames.next().await;
                assert!(frame.seq >= seq, "from {seq} back to {}", frame.seq);
                seq = frame.seq;
                heard.extend(frame.announcements.iter().map(|call| call.id));
            }
            heard
        };
        let ((), heard) = tokio::join!(work, watch);
        assert!(heard.is_sorted_by(|one, next| one < next), "each once, in the order of calls: {heard:?}");
    }

    /// 25. After a reconnect: a snapshot and what was missed, each announcement at most once, none lost that is younger
    /// than 60 seconds.
    async fn must_25_a_reconnect_brings_what_was_missed_once(engine) {
        let house = House::open(engine).await;
        let mut frames = house.watch("U", 0).await;
        frames.next().await;
        for _ in 0..4 {
            house.issue("KTP").await;
        }
        let first = house.serve("1", 1).await;
        let heard = frames.find(|frame| !frame.announcements.is_empty()).await;
        assert_eq!(heard.announcements[0].ticket_number, first.number);
        // The line breaks; three calls are missed, one of them long ago.
        drop(frames);
        let old = house.serve("1", 1).await;
        house.wait(61);
        let missed = [house.serve("1", 10).await, house.serve("2", 10).await];
        let mut frames = house.watch("U", heard.seq).await;
        let back = frames.next().await;
        let board = back.snapshot.expect("a snapshot");
        assert_eq!(board.counters.iter().map(|counter| counter.number.as_str()).collect::<Vec<_>>(), ["1", "2"]);
        let numbers: Vec<&String> = back.announcements.iter().map(|call| &call.ticket_number).collect();
        assert_eq!(numbers, [&missed[0].number, &missed[1].number], "in order, and {} is too old", old.number);
        // Nothing of it comes again, on this line or the next one.
        house.issue("KTP").await;
        let called = house.call("1").await.expect("called");
        let next = frames.find(|frame| !frame.announcements.is_empty()).await;
        assert_eq!(next.announcements.iter().map(|call| &call.ticket_number).collect::<Vec<_>>(), [&called.number]);
        drop(frames);
        let mut frames = house.watch("U", next.seq).await;
        assert_eq!(frames.next().await.announcements, [], "everything was heard");
    }

    /// 25 with 34. The line breaks because the service restarts.
    async fn must_25_nothing_is_lost_across_a_restart_of_the_service(engine) {
        let mut house = House::open(engine).await;
        let mut frames = house.watch("", 0).await;
        let seen = frames.next().await.seq;
        house.issue("KTP").await;
        let called = house.call("1").await.expect("called");
        drop(frames);
        house.restart_service().await;
        let frame = house.watch("", seen).await.next().await;
        assert_eq!(frame.announcements.iter().map(|call| &call.ticket_number).collect::<Vec<_>>(), [&called.number]);
    }

    /// 28. The board shows current calls, last calls, closed and break notices; no personal names.
    async fn must_28_the_board_shows_calls_and_notices_and_no_names(engine) {
        let house = House::open(engine).await;
        for _ in 0..14 {
            house.issue("KTP").await;
        }
        for _ in 0..13 {
            house.serve("1", 5).await;
        }
        let held = house.call("2").await.expect("called");
        let pause = PauseCounterRequest {
            counter: house.counter("1").id.clone(), reason: "Istirahat 10 menit".into(), ..PauseCounterRequest::default()
        };
        house.staff("1").pause_counter(pause).await.expect("paused");
        let close = CloseCounterRequest {
            counter: house.counter("3").id.clone(), reason: "Tutup lebih awal".into(), ..CloseCounterRequest::default()
        };
        house.staff("3").close_counter(close).await.expect("closed");
        let board = house.board_of("").await;
        assert_eq!(board.hall_name, "MPP Uji");
        let show = |counter: &BoardCounter| (counter.number.clone(), counter.state(), counter.ticket_number.clone(), counter.reason.clone());
        assert_eq!(
            board.counters.iter().map(show).collect::<Vec<_>>(),
            [
                ("1".to_owned(), CounterState::Break, String::new(), "Istirahat 10 menit".to_owned()),
                ("2".to_owned(), CounterState::Serving, held.number.clone(), String::new()),
                ("3".to_owned(), CounterState::Closed, String::new(), "Tutup lebih awal".to_owned()),
            ]
        );
        assert_eq!(board.last_calls.len(), 12, "at most twelve");
        assert_eq!((&board.last_calls[0].ticket_number, board.last_calls[0].counter_number.as_str()), (&held.number, "2"));
        assert!(board.last_calls[0].speech.starts_with("Nomor antrean A, nol, satu, empat"), "{}", board.last_calls[0].speech);
        assert_eq!(board.last_calls[0].clips.first().map(String::as_str), Some("nomor_antrean"));
        assert_eq!(house.board_of("S").await.last_calls, [], "nothing was called in that zone");
        let bytes = String::from_utf8_lossy(&board.encode_to_vec()).into_owned();
        for personal in ["acc_", "Penguji", &held.token, &held.id] {
            assert!(personal.is_empty() || !bytes.contains(personal), "{personal} is on the board");
        }
        let unknown = GetBoardRequest { hall: house.hall_id(), zone: "X".into(), after_seq: 0 };
        assert_eq!(house.board().get_board(unknown).await.expect_err("no zone").code, Code::NotFound);
    }

    /// 31. The ticket's page by its unguessable token: position and state, no login, no personal data.
    async fn must_31_the_page_of_a_ticket_needs_no_login(engine) {
        let house = House::open(engine).await;
        let first = house.issue("KTP").await;
        let request = IssueTicketRequest { phone: "081234567890".into(), priority: Priority::Disability.into(), ..house.wants("KTP") };
        let ahead = house.kiosk().issue_ticket(request).await.expect("a ticket").ticket.expect("a ticket");
        let last = house.issue("KTP").await;
        let page = house.page(&last.token).await;
        assert_eq!((page.number.as_str(), page.state(), page.people_ahead, page.open), ("A003", TicketState::Waiting, 2, true));
        assert_eq!((page.hall_name.as_str(), page.service_name.as_str(), page.agency_name.as_str()), ("MPP Uji", "Layanan KTP", "Dinas DUKCAPIL"));
        assert!(page.estimate.is_some());
        // It follows.
        let mut frames = house.nobody().watch_ticket(WatchTicketRequest { token: ahead.token.clone() }).await.expect("a stream");
        assert_eq!(frames.next().await.ticket.map(|ticket| ticket.people_ahead), Some(0));
        let called = house.call("1").await.expect("called");
        assert_eq!(called.id, ahead.id);
        let frame = frames.find(|frame| frame.ticket.as_ref().is_some_and(|ticket| ticket.state() == TicketState::Called)).await;
        let page = frame.ticket.expect("a ticket");
        assert_eq!((page.counter_number.as_str(), page.zone_name.as_str(), page.call_count), ("1", "Sayap Utara", 1));
        // Nothing that tells who it is or how to act on it.
        let bytes = String::from_utf8_lossy(&page.encode_to_vec()).into_owned();
        for personal in [called.id.as_str(), "acc_", "0812", "dev_"] {
            assert!(!bytes.contains(personal), "{personal} is on the page");
        }
        // Only the answer that issues a ticket carries the token.
        assert_eq!(house.ticket(&first.id).await.token, "");
        assert!(house.desk("1").await.queue.iter().all(|ticket| ticket.token.is_empty()));
        assert!(house.events().await.iter().all(|event| event.ticket.as_ref().is_none_or(|ticket| ticket.token.is_empty())));
        for guess in ["", "x", &"A".repeat(22), &first.id] {
            let request = GetTicketByTokenRequest { token: guess.to_owned() };
            let refusal = house.nobody().get_ticket_by_token(request).await.expect_err("a guess");
            assert_eq!(refusal.code, Code::NotFound, "{guess}");
        }
        // It stays readable after the day, and says that it is over.
        house.close_day().await;
        let page = house.page(&last.token).await;
        assert_eq!((page.state(), page.open, page.people_ahead), (TicketState::Expired, false, 0));
        house.wait(24 * 3600);
        house.open_day().await;
        assert_eq!(house.page(&last.token).await.state(), TicketState::Expired, "also on the next day");
    }
}

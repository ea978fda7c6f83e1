//! Streams the board: a snapshot, then what changes. Each announcement comes once, in order of calls.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use mpp_kit::caller::Caller;
use mpp_proto::queue::v1::{Board, BoardCounter, WatchBoardRequest, WatchBoardResponse};

use super::convert;
use super::get_board::{hall_with_zone, seen};
use super::views::board::{announcements, board, counters};
use super::watch::{AT_ONCE, Frames, Source};
use crate::domain::fold::{ANNOUNCEMENTS, Fold};
use crate::domain::hall::Hall;
use crate::error::Error;
use crate::hall::Halls;

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: WatchBoardRequest,
) -> Result<Frames<WatchBoardResponse>, Error> {
    let hall = hall_with_zone(halls, caller, &request.hall, &request.zone).await?;
    let after_seq = seen(request.after_seq);
    hall.reaches(after_seq).await;
    let mut watcher = Watcher::new(request.zone, after_seq);
    let source = Source::of(halls, &hall, caller, AT_ONCE);
    Ok(source.frames(move |now, is_due| {
        // Before the fold: what is read after it was committed under this epoch or a later one.
        let epoch = hall.epoch();
        Ok(hall.read(|fold| watcher.frame(fold, epoch, now, is_due)))
    }))
}

/// What one watcher has been told.
struct Watcher {
    zone: String,
    /// Calls up to here were announced, or are none of this watcher's business; none before the first frame, when the
    /// watcher has seen nothing before.
    announced: Option<u64>,
    /// The hall and its counters as they were last shown.
    shown: Option<(Arc<Hall>, Vec<BoardCounter>)>,
    /// Epoch and position that were last shown. Nothing older is shown after it.
    at: (i64, u64),
}

impl Watcher {
    /// A watcher that has seen the board up to `after_seq`; 0 for one that is new.
    fn new(zone: String, after_seq: u64) -> Self {
        Self { zone, announced: Some(after_seq).filter(|seq| *seq > 0), shown: None, at: (0, 0) }
    }

    /// The next frame; none if nothing changed and none is due.
    fn frame(
        &mut self,
        fold: &Fold,
        epoch: i64,
        now: DateTime<Utc>,
        is_due: bool,
    ) -> Option<WatchBoardResponse> {
        let (before, at) = (self.at, (epoch, fold.seq()));
        if at < before {
            // A database was set back, and what Redis holds behind it is not committed again yet.
            return None;
        }
        if at.1 < before.1 {
            // It was lost: the log goes on from an earlier position.
            (self.shown, self.announced) = (None, Some(at.1));
        }
        self.at = at;
        let now_shown = counters(fold, &self.zone);
        let calls =
            self.announced.map(|after| announcements(fold, &self.zone, after, now)).unwrap_or_default();
        let (snapshot, changed) = match &self.shown {
            Some((hall, before)) if Arc::ptr_eq(hall, fold.hall()) && !self.has_missed_calls(fold) => {
                let changed = now_shown.iter().zip(before).filter(|(now, before)| now != before);
                (None, changed.map(|(now, _)| now.clone()).collect())
            }
            Some(_) | None => (Some(board(fold, epoch, &self.zone, now)), Vec::new()),
        };
        self.announced = Some(fold.seq());
        self.shown = Some((Arc::clone(fold.hall()), now_shown));
        let is_news = snapshot.is_some() || !changed.is_empty() || !calls.is_empty();
        (is_news || is_due).then(|| frame(fold, epoch, now, snapshot, changed, calls))
    }

    /// Whether calls that this watcher has not been told of may no longer be kept.
    fn has_missed_calls(&self, fold: &Fold) -> bool {
        let oldest = fold.calls().front().map(|call| call.seq);
        fold.calls().len() >= ANNOUNCEMENTS && oldest > self.announced
    }
}

fn frame(
    fold: &Fold,
    epoch: i64,
    now: DateTime<Utc>,
    snapshot: Option<Board>,
    counters: Vec<BoardCounter>,
    announcements: Vec<mpp_proto::queue::v1::Announcement>,
) -> WatchBoardResponse {
    WatchBoardResponse {
        seq: convert::position(fold.seq()),
        time: Some(convert::time(now)),
        snapshot,
        counters,
        announcements,
        epoch,
    }
}

#[cfg(test)]
mod tests {
    use mpp_proto::queue::v1::CounterState;

    use super::*;
    use crate::domain::decide::{Act, Order};
    use crate::rpc::samples::Hall;

    fn numbers(frame: &WatchBoardResponse) -> Vec<&str> {
        frame.announcements.iter().map(|call| call.ticket_number.as_str()).collect()
    }

    #[test]
    fn begins_with_a_snapshot_and_then_tells_what_changed_once() {
        let mut hall = Hall::open();
        for service in [0, 2, 0] {
            hall.walk_in(service);
        }
        hall.opened(0);
        hall.opened(1);
        hall.called(0);
        let mut watcher = Watcher::new(String::new(), 0);
        let first = watcher.frame(&hall.fold, 1, hall.now, true).unwrap();
        assert_eq!(first.snapshot.as_ref().unwrap().counters.len(), 2);
        assert_eq!(numbers(&first), [""; 0], "a new board does not speak what was called before");
        assert_eq!(watcher.frame(&hall.fold, 1, hall.now, false), None);
        hall.called(1);
        let second = watcher.frame(&hall.fold, 1, hall.now, false).unwrap();
        assert_eq!((second.snapshot.as_ref(), numbers(&second)), (None, vec!["B001"]));
        assert_eq!(second.counters.iter().map(|one| one.number.as_str()).collect::<Vec<_>>(), ["2"]);
        hall.walk_in(0);
        assert_eq!(
            watcher.frame(&hall.fold, 1, hall.now, false),
            None,
            "a new ticket is nothing for the board"
        );
        let due = watcher.frame(&hall.fold, 1, hall.now, true).unwrap();
        assert_eq!(
            (due.counters.len(), due.announcements.len(), due.seq),
            (0, 0, convert::position(hall.fold.seq()))
        );
    }

    #[test]
    fn several_commits_at_once_keep_the_order_of_calls() {
        let mut hall = Hall::open();
        let first = hall.walk_in(0);
        hall.walk_in(2);
        hall.opened(0);
        hall.opened(1);
        let mut watcher = Watcher::new(String::new(), 0);
        watcher.frame(&hall.fold, 1, hall.now, true);
        hall.called(1);
        hall.called(0);
        hall.after(10);
        hall.acted(first, Act::Recall);
        let frame = watcher.frame(&hall.fold, 1, hall.now, false).unwrap();
        assert_eq!(numbers(&frame), ["B001", "A001", "A001"]);
        assert!(frame.announcements.is_sorted_by_key(|call| call.id));
    }

    #[test]
    fn one_that_comes_back_hears_what_it_missed_within_a_minute() {
        let mut hall = Hall::open();
        let first = hall.walk_in(0);
        hall.opened(0);
        hall.called(0);
        let seen = hall.fold.seq();
        hall.after(20);
        hall.acted(first, Act::Recall);
        hall.after(59);
        let back = |hall: &Hall| {
            let frame = Watcher::new(String::new(), seen).frame(&hall.fold, 1, hall.now, true).unwrap();
            (frame.snapshot.is_some(), frame.announcements.len())
        };
        assert_eq!(back(&hall), (true, 1));
        assert_eq!(back(hall.after(1)), (true, 0), "too old to speak");
    }

    #[test]
    fn nothing_older_is_shown_after_something_newer_unless_the_log_was_set_back() {
        let mut hall = Hall::open();
        hall.walk_in(0);
        hall.opened(0);
        let before = hall.fold.clone();
        hall.called(0);
        let mut watcher = Watcher::new(String::new(), 0);
        let newest = watcher.frame(&hall.fold, 2, hall.now, true).unwrap();
        assert_eq!(newest.snapshot.unwrap().epoch, 2);
        for (epoch, is_due) in [(2, false), (2, true), (1, true)] {
            assert_eq!(watcher.frame(&before, epoch, hall.now, is_due), None, "an instance that is late");
        }
        let back = watcher.frame(&before, 3, hall.now, false).unwrap();
        assert_eq!((back.seq, numbers(&back)), (convert::position(before.seq()), vec![]));
        assert_eq!(back.snapshot.unwrap().epoch, 3, "the log goes on from there");
        let again = watcher.frame(&hall.fold, 3, hall.now, false).unwrap();
        assert_eq!(numbers(&again), ["A001"]);
    }

    #[test]
    fn a_counter_that_closes_is_told_so_that_it_is_taken_off() {
        let mut hall = Hall::open();
        hall.opened(0);
        let mut watcher = Watcher::new("A".to_owned(), 0);
        assert_eq!(watcher.frame(&hall.fold, 1, hall.now, true).unwrap().snapshot.unwrap().counters.len(), 1);
        let (counter, other) = (hall.counter(0), hall.counter(1));
        hall.done(Order::CloseCounter { counter, reason: String::new() });
        let frame = watcher.frame(&hall.fold, 1, hall.now, false).unwrap();
        assert_eq!(frame.counters[0].state(), CounterState::Closed);
        hall.done(Order::OpenCounter { counter: other, services: Vec::new(), switch_desk: false });
        assert_eq!(watcher.frame(&hall.fold, 1, hall.now, false), None, "counter 2 stands in another zone");
    }

    #[test]
    fn a_new_configuration_or_day_begins_with_a_snapshot_again() {
        let mut hall = Hall::open();
        let mut watcher = Watcher::new(String::new(), 0);
        watcher.frame(&hall.fold, 1, hall.now, true);
        let mut changed = crate::domain::hall::Hall::clone(hall.fold.hall());
        changed.name = "MPP Baru".to_owned();
        hall.done(Order::Configure(Arc::new(changed)));
        let frame = watcher.frame(&hall.fold, 1, hall.now, false).unwrap();
        assert_eq!(frame.snapshot.unwrap().hall_name, "MPP Baru");
    }

    #[test]
    fn one_that_fell_behind_what_is_kept_gets_a_snapshot() {
        let mut hall = Hall::open();
        let id = hall.walk_in(0);
        hall.opened(0);
        hall.called(0);
        let mut watcher = Watcher::new(String::new(), 0);
        watcher.frame(&hall.fold, 1, hall.now, true);
        for _ in 0..=ANNOUNCEMENTS {
            hall.after(10);
            hall.acted(id, Act::Recall);
        }
        let frame = watcher.frame(&hall.fold, 1, hall.now, false).unwrap();
        assert!(frame.snapshot.is_some());
        assert_eq!(frame.announcements.len(), 6, "those of the last minute");
    }
}

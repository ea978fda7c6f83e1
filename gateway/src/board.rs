//! What the hub knows of one board: the fold of all frames, the last of them, and who watches. Pure bookkeeping; the
//! connection to the queue service is [`crate::hub`]'s business.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use mpp_proto::queue::v1::{Announcement, Board, BoardCounter, CounterState, WatchBoardResponse};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::{sse, transcode};

/// Frames kept for those who come back. At three calls a second this is about three minutes.
pub(crate) const RING: usize = 512;
/// Frames a watcher may lag behind. One that cannot keep up is dropped: it reconnects and resumes from the ring.
pub(crate) const BUFFER: usize = 64;
/// Calls the board lists, as in the contract.
const LAST_CALLS: usize = 12;
/// Announcements older than this are not spoken to those who come back, as in the contract.
const ANNOUNCE_WITHIN: TimeDelta = TimeDelta::seconds(60);

/// The state of one board.
#[derive(Debug)]
pub(crate) struct Feed {
    descriptor: MessageDescriptor,
    board: Option<Board>,
    /// The frames after [`Feed::floor`], oldest first.
    ring: VecDeque<WatchBoardResponse>,
    /// Who has seen this seq or a later one can be served from the ring.
    floor: i64,
    /// The last announcement that was passed on; each goes out once.
    announced: i64,
    snapshots: HashMap<String, Bytes>,
    watchers: Vec<Watcher>,
}

/// One client. Dropping the sender ends its stream after what is already in its buffer.
#[derive(Debug)]
struct Watcher {
    zone: String,
    frames: mpsc::Sender<Bytes>,
}

impl Feed {
    /// A board of which nothing is known yet. `descriptor` is that of `WatchBoardResponse`.
    pub(crate) fn new(descriptor: MessageDescriptor) -> Self {
        Self {
            descriptor,
            board: None,
            ring: VecDeque::new(),
            floor: 0,
            announced: 0,
            snapshots: HashMap::new(),
            watchers: Vec::new(),
        }
    }

    /// The last seq that is known; 0 before the first frame.
    pub(crate) fn seq(&self) -> i64 {
        self.board.as_ref().map_or(0, |board| board.seq)
    }

    /// Whether the hall has a zone; the empty one is all of them.
    pub(crate) fn has_zone(&self, zone: &str) -> bool {
        zone.is_empty()
            || self.board.as_ref().is_some_and(|board| board.zones.iter().any(|known| known.code == zone))
    }

    /// Whether nobody watches.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.watchers.retain(|watcher| !watcher.frames.is_closed());
        self.watchers.is_empty()
    }

    /// How many watch.
    #[cfg(test)]
    pub(crate) fn watchers(&self) -> usize {
        self.watchers.len()
    }

    /// Takes in a frame of the service and passes it on.
    pub(crate) fn apply(&mut self, mut frame: WatchBoardResponse) {
        let known = self.seq();
        match &frame.snapshot {
            // A log that begins anew: nothing of what was known can be resumed from.
            Some(snapshot) if snapshot.seq < known => {
                self.ring.clear();
                self.announced = 0;
                self.floor = frame.seq;
            }
            Some(_) => {}
            None if self.board.is_none() || frame.seq < known => return,
            None => {}
        }
        if self.board.is_none() {
            // Whatever was announced before this gateway watched belongs to nobody's gap.
            self.floor = frame.seq;
        }
        frame.announcements.retain(|announcement| announcement.id > self.announced);
        if let Some(last) = frame.announcements.iter().map(|announcement| announcement.id).max() {
            self.announced = last;
        }
        if let Some(counters) =
            frame.snapshot.as_ref().and_then(|next| self.difference(next, &frame.announcements))
        {
            self.board = frame.snapshot.take();
            frame.counters = counters;
        } else {
            self.fold(&frame);
        }
        self.snapshots.clear();
        if frame.snapshot.is_none() && frame.counters.is_empty() && frame.announcements.is_empty() {
            // Only a sign of life of the service: heartbeats tell watchers of it.
            return;
        }
        self.pass_on(&frame);
        if self.ring.len() == RING
            && let Some(oldest) = self.ring.pop_front()
        {
            self.floor = self.floor.max(oldest.seq);
        }
        self.ring.push_back(frame);
    }

    /// The counters that are other than known, when that and the announcements are all that is new in a whole board.
    /// Upstreams are opened anew every now and then; a thousand watchers need not get everything again for that.
    fn difference(&self, next: &Board, announcements: &[Announcement]) -> Option<Vec<BoardCounter>> {
        let known = self.board.as_ref().filter(|known| known.seq <= next.seq)?;
        let frame = |board: &Board| (board.hall_name.clone(), board.zones.clone(), board.time_zone);
        let ids = |calls: &[Announcement]| calls.iter().map(|call| call.id).collect::<Vec<_>>();
        let mut calls = ids(announcements);
        calls.reverse();
        calls.extend(ids(&known.last_calls));
        calls.truncate(LAST_CALLS);
        if frame(known) != frame(next) || calls != ids(&next.last_calls) {
            return None;
        }
        let changed = next.counters.iter().filter(|counter| !known.counters.contains(counter)).cloned();
        let gone = known
            .counters
            .iter()
            .filter(|old| next.counters.iter().all(|new| new.counter_id != old.counter_id));
        // As the service itself tells that a counter is to be taken off.
        let gone = gone.map(|old| BoardCounter {
            state: CounterState::Closed.into(),
            reason: String::new(),
            ticket_number: String::new(),
            call_time: None,
            ..old.clone()
        });
        Some(changed.chain(gone).collect())
    }

    /// Brings the board up to a frame.
    fn fold(&mut self, frame: &WatchBoardResponse) {
        if let Some(snapshot) = &frame.snapshot {
            self.board = Some(snapshot.clone());
            return;
        }
        let Some(board) = self.board.as_mut() else { return };
        board.seq = frame.seq;
        board.time = frame.time;
        for counter in &frame.counters {
            // What is closed without a reason comes once more, to be taken off.
            let shown = counter.state() != CounterState::Closed || !counter.reason.is_empty();
            let position = board.counters.iter().position(|known| known.counter_id == counter.counter_id);
            match position {
                Some(position) if shown => board.counters[position] = counter.clone(),
                Some(position) => drop(board.counters.remove(position)),
                None if shown => board.counters.push(counter.clone()),
                None => {}
            }
        }
        for announcement in &frame.announcements {
            board.last_calls.insert(0, announcement.clone());
        }
        board.last_calls.truncate(LAST_CALLS);
    }

    /// Sends a frame to everybody: encoded once per zone, and not at all to zones it does not concern.
    fn pass_on(&mut self, frame: &WatchBoardResponse) {
        let mut encoded: HashMap<String, Option<Bytes>> = HashMap::new();
        let descriptor = &self.descriptor;
        self.watchers.retain(|watcher| {
            let bytes = match encoded.get(&watcher.zone) {
                Some(bytes) => bytes.clone(),
                None => {
                    let bytes = in_zone(frame, &watcher.zone).map(|frame| encode(descriptor, &frame));
                    encoded.insert(watcher.zone.clone(), bytes.clone());
                    bytes
                }
            };
            bytes.is_none_or(|bytes| send(watcher, bytes))
        });
    }

    /// Sends the same bytes to everybody, such as a heartbeat.
    pub(crate) fn broadcast(&mut self, bytes: &Bytes) {
        self.watchers.retain(|watcher| send(watcher, bytes.clone()));
    }

    /// Ends the stream of everybody.
    pub(crate) fn dismiss(&mut self) {
        self.watchers.clear();
    }

    /// Adds a watcher of a zone (empty for all). With `after`, the last seq it has seen, it gets what came since;
    /// otherwise, or if that is too long ago, the whole board.
    pub(crate) fn watch(&mut self, zone: &str, after: i64, now: DateTime<Utc>) -> mpsc::Receiver<Bytes> {
        let (frames, receiver) = mpsc::channel(BUFFER);
        let first = if after > 0 && after >= self.floor && after <= self.seq() {
            self.since(zone, after)
        } else {
            self.snapshot(zone, after, now)
        };
        let watcher = Watcher { zone: zone.to_owned(), frames };
        if first.is_none_or(|first| send(&watcher, first)) {
            self.watchers.push(watcher);
        }
        receiver
    }

    /// Every frame after a seq, as one piece: however long the gap, it takes one place in the buffer.
    fn since(&self, zone: &str, after: i64) -> Option<Bytes> {
        let frames =
            self.ring.iter().filter(|frame| frame.seq > after).filter_map(|frame| in_zone(frame, zone));
        let pieces: Vec<_> = frames.map(|frame| encode(&self.descriptor, &frame)).collect();
        (!pieces.is_empty()).then(|| Bytes::from(pieces.concat()))
    }

    /// The whole board, with the announcements that somebody who saw `after` has missed.
    fn snapshot(&mut self, zone: &str, after: i64, now: DateTime<Utc>) -> Option<Bytes> {
        let board = self.board.as_ref()?;
        let missed: Vec<Announcement> = if after > 0 && after < board.seq {
            let announcements = self.ring.iter().flat_map(|frame| &frame.announcements);
            // The id of an announcement is its position in the log.
            announcements.filter(|said| said.id > after && is_recent(said, now)).cloned().collect()
        } else {
            Vec::new()
        };
        if missed.is_empty()
            && let Some(bytes) = self.snapshots.get(zone)
        {
            return Some(bytes.clone());
        }
        let is_plain = missed.is_empty();
        let frame = WatchBoardResponse {
            seq: board.seq,
            time: board.time,
            snapshot: Some(board.clone()),
            counters: Vec::new(),
            announcements: missed,
        };
        let bytes = encode(&self.descriptor, &in_zone(&frame, zone)?);
        if is_plain {
            self.snapshots.insert(zone.to_owned(), bytes.clone());
        }
        Some(bytes)
    }
}

/// Sends to one watcher. `false` if it is gone or too slow, and is to be dropped.
fn send(watcher: &Watcher, bytes: Bytes) -> bool {
    match watcher.frames.try_send(bytes) {
        Ok(()) => true,
        Err(TrySendError::Closed(_)) => false,
        Err(TrySendError::Full(_)) => {
            tracing::debug!("a board could not keep up and was dropped");
            false
        }
    }
}

fn is_recent(announcement: &Announcement, now: DateTime<Utc>) -> bool {
    let time = announcement
        .time
        .and_then(|time| DateTime::from_timestamp(time.seconds, u32::try_from(time.nanos).ok()?));
    time.is_some_and(|time| now - time <= ANNOUNCE_WITHIN)
}

/// The part of a frame that a zone sees; `None` if there is nothing in it for the zone.
fn in_zone(frame: &WatchBoardResponse, zone: &str) -> Option<WatchBoardResponse> {
    let mut frame = frame.clone();
    if !zone.is_empty() {
        let counter_here = |counter: &BoardCounter| counter.zone_code == zone;
        let announced_here = |announcement: &Announcement| announcement.zone_code == zone;
        frame.counters.retain(counter_here);
        frame.announcements.retain(announced_here);
        if let Some(board) = &mut frame.snapshot {
            board.counters.retain(counter_here);
            board.last_calls.retain(announced_here);
        }
    }
    let something = frame.snapshot.is_some() || !frame.counters.is_empty() || !frame.announcements.is_empty();
    something.then_some(frame)
}

/// A frame as an event.
fn encode(descriptor: &MessageDescriptor, frame: &WatchBoardResponse) -> Bytes {
    let json = DynamicMessage::decode(descriptor.clone(), frame.encode_to_vec().as_slice())
        .map_err(anyhow::Error::from)
        .and_then(|message| transcode::json(&message).map_err(anyhow::Error::from));
    match json {
        Ok(json) => sse::event(Some(frame.seq), sse::UPDATE, &json),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "a board frame cannot be printed");
            Bytes::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_types::Timestamp;

    fn feed() -> Feed {
        let pool = prost_reflect::DescriptorPool::decode(mpp_proto::DESCRIPTORS).expect("the contracts");
        Feed::new(pool.get_message_by_name("mpp.queue.v1.WatchBoardResponse").expect("a message"))
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
    }

    fn counter(id: &str, zone: &str, ticket: &str) -> BoardCounter {
        BoardCounter {
            counter_id: id.into(),
            zone_code: zone.into(),
            ticket_number: ticket.into(),
            state: CounterState::Serving.into(),
            ..BoardCounter::default()
        }
    }

    fn call(seq: i64, zone: &str, ticket: &str, age_seconds: i64) -> WatchBoardResponse {
        let time = Some(Timestamp { seconds: now().timestamp() - age_seconds, nanos: 0 });
        WatchBoardResponse {
            seq,
            time,
            snapshot: None,
            counters: vec![counter(&format!("ctr_{zone}"), zone, ticket)],
            announcements: vec![Announcement {
                id: seq,
                ticket_number: ticket.into(),
                zone_code: zone.into(),
                time,
                ..Announcement::default()
            }],
        }
    }

    fn snapshot(seq: i64) -> WatchBoardResponse {
        let board = Board {
            seq,
            counters: vec![counter("ctr_A", "A", ""), counter("ctr_B", "B", "")],
            ..Board::default()
        };
        WatchBoardResponse { seq, snapshot: Some(board), ..WatchBoardResponse::default() }
    }

    /// What a watcher has got, as events: id and JSON.
    fn got(receiver: &mut mpsc::Receiver<Bytes>) -> Vec<(i64, serde_json::Value)> {
        let mut text = String::new();
        while let Ok(bytes) = receiver.try_recv() {
            text.push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
        }
        let events = text.split("\n\n").filter(|event| !event.is_empty());
        events
            .map(|event| {
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).expect("a field");
                (field("id: ").parse().expect("an id"), serde_json::from_str(field("data: ")).expect("JSON"))
            })
            .collect()
    }

    fn spoken(events: &[(i64, serde_json::Value)]) -> Vec<String> {
        let announcements =
            events.iter().flat_map(|(_, json)| json["announcements"].as_array().expect("a list").clone());
        announcements.map(|said| said["ticketNumber"].as_str().expect("a number").to_owned()).collect()
    }

    #[test]
    fn a_newcomer_gets_the_board_and_then_what_changes_in_its_zone() {
        let mut feed = feed();
        feed.apply(snapshot(10));
        feed.apply(call(11, "A", "A001", 5));
        let (mut all, mut zone_b) = (feed.watch("", 0, now()), feed.watch("B", 0, now()));
        feed.apply(call(12, "A", "A002", 0));
        feed.apply(call(13, "B", "B001", 0));
        let all = got(&mut all);
        assert_eq!(all.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [11, 12, 13]);
        assert_eq!(all[0].1["snapshot"]["counters"][0]["ticketNumber"], "A001", "the snapshot is the fold");
        assert_eq!(all[0].1["snapshot"]["lastCalls"][0]["ticketNumber"], "A001");
        assert_eq!(spoken(&all), ["A002", "B001"], "what was called before is not spoken to a newcomer");
        let zone_b = got(&mut zone_b);
        assert_eq!(zone_b.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [11, 13]);
        assert_eq!(zone_b[0].1["snapshot"]["counters"].as_array().map(Vec::len), Some(1));
        assert_eq!(spoken(&zone_b), ["B001"]);
    }

    #[test]
    fn who_comes_back_gets_what_was_missed_once() {
        let mut feed = feed();
        feed.apply(snapshot(10));
        for (seq, ticket) in [(11, "A001"), (12, "A002"), (13, "A003")] {
            feed.apply(call(seq, "A", ticket, 5));
        }
        let back = got(&mut feed.watch("", 11, now()));
        assert_eq!(back.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [12, 13]);
        assert!(back[0].1.get("snapshot").is_none());
        assert_eq!(spoken(&back), ["A002", "A003"]);
        assert!(got(&mut feed.watch("", 13, now())).is_empty(), "nothing was missed");
    }

    #[test]
    fn after_too_long_it_is_the_board_with_the_recent_announcements() {
        let mut feed = feed();
        feed.apply(snapshot(10));
        feed.apply(call(11, "A", "A001", 90));
        feed.apply(call(12, "A", "A002", 30));
        let back = got(&mut feed.watch("", 4, now()));
        assert_eq!(back.len(), 1);
        assert_eq!(back[0].0, 12);
        assert_eq!(back[0].1["snapshot"]["lastCalls"].as_array().map(Vec::len), Some(2));
        assert_eq!(spoken(&back), ["A002"], "an announcement older than a minute is not spoken");
        let ahead = got(&mut feed.watch("", 99, now()));
        assert!(ahead[0].1.get("snapshot").is_some(), "a seq of another log gets the whole board");
        assert!(spoken(&ahead).is_empty());
    }

    #[test]
    fn the_ring_is_bounded_and_knows_its_floor() {
        let mut feed = feed();
        feed.apply(snapshot(1));
        let last = i64::try_from(RING).expect("small") + 100;
        for seq in 2..=last {
            feed.apply(call(seq, "A", "A001", 0));
        }
        assert_eq!(feed.ring.len(), RING);
        let oldest = last - i64::try_from(RING).expect("small") + 1;
        assert_eq!(got(&mut feed.watch("", oldest - 1, now())).len(), RING, "just within the ring");
        assert!(got(&mut feed.watch("", oldest - 2, now()))[0].1.get("snapshot").is_some(), "just before it");
    }

    #[test]
    fn a_slow_watcher_is_dropped_and_the_others_are_not() {
        let mut feed = feed();
        feed.apply(snapshot(1));
        let (mut slow, mut quick) = (feed.watch("", 0, now()), feed.watch("", 0, now()));
        let frames = i64::try_from(BUFFER).expect("small") * 2;
        let mut seen = 0;
        for seq in 2..2 + frames {
            feed.apply(call(seq, "A", "A001", 0));
            seen += got(&mut quick).len();
        }
        assert_eq!(seen, BUFFER * 2 + 1);
        assert_eq!(feed.watchers(), 1);
        assert_eq!(got(&mut slow).len(), BUFFER);
        assert_eq!(slow.try_recv(), Err(mpsc::error::TryRecvError::Disconnected), "its stream ends");
    }

    #[test]
    fn repeated_announcements_after_a_reconnect_go_out_once() {
        let mut feed = feed();
        feed.apply(snapshot(10));
        let mut watcher = feed.watch("", 0, now());
        feed.apply(call(11, "A", "A001", 0));
        let mut again = snapshot(12);
        again.announcements = vec![
            call(11, "A", "A001", 0).announcements.remove(0),
            call(12, "A", "A002", 0).announcements.remove(0),
        ];
        feed.apply(again);
        assert_eq!(spoken(&got(&mut watcher)), ["A001", "A002"]);
    }

    #[test]
    fn a_log_that_begins_anew_is_taken_as_it_is() {
        let mut feed = feed();
        feed.apply(snapshot(50));
        feed.apply(call(51, "A", "A050", 0));
        let mut watcher = feed.watch("", 51, now());
        feed.apply(snapshot(3));
        feed.apply(call(4, "A", "A001", 0));
        let events = got(&mut watcher);
        assert_eq!(events.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(spoken(&events), ["A001"]);
        assert_eq!(feed.seq(), 4);
    }

    #[test]
    fn a_snapshot_that_repeats_what_is_known_tells_only_what_is_new() {
        let mut feed = feed();
        feed.apply(snapshot(10));
        let mut watcher = feed.watch("", 0, now());
        feed.apply(call(11, "A", "A001", 0));
        got(&mut watcher);
        let again = |seq, calls: &[i64], counters: Vec<BoardCounter>| {
            let last_calls = calls.iter().map(|id| call(*id, "A", "", 0).announcements.remove(0)).collect();
            let board = Board { seq, counters, last_calls, ..Board::default() };
            WatchBoardResponse { seq, snapshot: Some(board), ..WatchBoardResponse::default() }
        };
        let (a, b) = (counter("ctr_A", "A", "A001"), counter("ctr_B", "B", ""));
        feed.apply(again(11, &[11], vec![a.clone(), b.clone()]));
        assert!(got(&mut watcher).is_empty(), "nothing is new");
        let mut missed = again(13, &[13, 11], vec![counter("ctr_B", "B", "B001")]);
        missed.announcements = vec![call(13, "B", "B001", 0).announcements.remove(0)];
        feed.apply(missed);
        let events = got(&mut watcher);
        assert_eq!((events.len(), events[0].0), (1, 13));
        assert!(events[0].1.get("snapshot").is_none());
        let counters = events[0].1["counters"].as_array().expect("a list");
        let shown: Vec<_> =
            counters.iter().map(|one| (one["counterId"].as_str(), one["state"].as_str())).collect();
        assert_eq!(
            shown,
            [(Some("ctr_B"), Some("COUNTER_STATE_SERVING")), (Some("ctr_A"), Some("COUNTER_STATE_CLOSED"))],
            "what changed, and what is gone"
        );
        assert_eq!(spoken(&events), ["B001"]);
        feed.apply(again(99, &[90, 13, 11], vec![a, b]));
        assert!(
            got(&mut watcher)[0].1.get("snapshot").is_some(),
            "a call that nobody was told of needs the whole board"
        );
    }

    #[test]
    fn a_sign_of_life_is_no_event() {
        let mut feed = feed();
        feed.apply(snapshot(1));
        let mut watcher = feed.watch("", 0, now());
        got(&mut watcher);
        feed.apply(WatchBoardResponse { seq: 5, ..WatchBoardResponse::default() });
        assert!(got(&mut watcher).is_empty() && feed.ring.len() == 1);
        assert_eq!(got(&mut feed.watch("", 0, now()))[0].0, 5, "the board is as fresh as that");
        assert!(got(&mut feed.watch("", 1, now())).is_empty(), "nothing was missed");
    }

    #[test]
    fn a_counter_closed_without_a_reason_leaves_the_board() {
        let mut feed = feed();
        feed.apply(snapshot(1));
        let closed = BoardCounter { state: CounterState::Closed.into(), ..counter("ctr_A", "A", "") };
        feed.apply(WatchBoardResponse { seq: 2, counters: vec![closed], ..WatchBoardResponse::default() });
        let events = got(&mut feed.watch("", 0, now()));
        assert_eq!(events[0].1["snapshot"]["counters"].as_array().map(Vec::len), Some(1));
    }
}

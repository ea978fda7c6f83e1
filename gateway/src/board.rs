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
    /// The epoch of the log that the board is a fold of.
    epoch: i64,
    /// What an instance of the service tells that lags behind what is known, until it has caught up.
    behind: Option<Board>,
    /// Instances lag for too long to be only late: what the next one tells is taken as it is.
    doubted: bool,
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
    /// What it has seen is more than is known here: it gets nothing until that is known too.
    ahead: Option<Seen>,
}

/// What a watcher has seen of a board before it comes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// The last seq; 0 for nothing.
    pub(crate) seq: i64,
    /// The epoch of that seq; 0 when it does not know.
    pub(crate) epoch: i64,
    /// It wants the whole board all the same.
    pub(crate) whole: bool,
}

impl Feed {
    /// A board of which nothing is known yet. `descriptor` is that of `WatchBoardResponse`.
    pub(crate) fn new(descriptor: MessageDescriptor) -> Self {
        Self {
            descriptor,
            board: None,
            epoch: 0,
            behind: None,
            doubted: false,
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

    /// Where the board stands: positions of a later epoch are later, whatever their number.
    fn stand(&self) -> (i64, i64) {
        (self.epoch, self.seq())
    }

    /// Whether the service tells less than is known here.
    pub(crate) fn lags(&self) -> bool {
        self.behind.is_some()
    }

    /// What the service tells next is taken as it is: its instances do not catch up with what is known here.
    pub(crate) fn doubt(&mut self) {
        self.doubted = true;
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

    /// Takes in a frame of the service and passes it on. `false` if it tells less than is known: it comes from an instance
    /// that lags behind the one before, and nobody is told of it.
    pub(crate) fn apply(&mut self, mut frame: WatchBoardResponse) -> bool {
        let told = (frame.epoch, frame.seq);
        let is_late = self.board.is_some() && !self.doubted && told < self.stand();
        match (frame.snapshot.take(), self.behind.take()) {
            (Some(snapshot), _) if is_late => {
                self.behind = Some(snapshot);
                return false;
            }
            (Some(snapshot), _) => frame.snapshot = Some(snapshot),
            // Changes from where the late instance stood: they mean nothing without what it told before.
            (None, Some(mut behind)) => {
                fold(&mut behind, &frame);
                if is_late {
                    self.behind = Some(behind);
                    return false;
                }
                frame.counters.clear();
                frame.snapshot = Some(behind);
            }
            (None, None) if self.board.is_none() || is_late || frame.seq < self.seq() => return false,
            (None, None) => {}
        }
        if self.board.is_none() {
            // Whatever was announced before this gateway watched belongs to nobody's gap.
            self.floor = frame.seq;
        } else if frame.seq < self.seq() {
            // The log was set back: what came after this position is void, and its numbers are given again.
            self.ring.clear();
            self.announced = self.announced.min(frame.seq);
            self.floor = frame.seq;
        }
        self.doubted = false;
        self.epoch = frame.epoch;
        frame.announcements.retain(|announcement| announcement.id > self.announced);
        if let Some(last) = frame.announcements.iter().map(|announcement| announcement.id).max() {
            self.announced = last;
        }
        if let Some(counters) =
            frame.snapshot.as_ref().and_then(|next| self.difference(next, &frame.announcements))
        {
            self.board = frame.snapshot.take();
            frame.counters = counters;
        } else if let Some(snapshot) = &frame.snapshot {
            self.board = Some(snapshot.clone());
        } else if let Some(board) = self.board.as_mut() {
            fold(board, &frame);
        }
        self.snapshots.clear();
        // A frame with nothing in it is only a sign of life of the service: heartbeats tell watchers of it.
        if frame.snapshot.is_some() || !frame.counters.is_empty() || !frame.announcements.is_empty() {
            self.pass_on(&frame);
            if self.ring.len() == RING
                && let Some(oldest) = self.ring.pop_front()
            {
                self.floor = self.floor.max(oldest.seq);
            }
            self.ring.push_back(frame);
        }
        self.admit();
        true
    }

    /// Gives the board to those who had seen more of it than was known here, now that it is.
    fn admit(&mut self) {
        let stand = self.stand();
        let now = self.board.as_ref().and_then(|board| board.time).and_then(moment).unwrap_or_default();
        let is_ready = |watcher: &Watcher| watcher.ahead.is_some_and(|seen| (seen.epoch, seen.seq) <= stand);
        let (ready, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.watchers).into_iter().partition(is_ready);
        self.watchers = others;
        for watcher in ready {
            let seen = watcher.ahead.unwrap_or_default();
            let first = self.snapshot(&watcher.zone, seen.seq, now);
            let watcher = Watcher { ahead: None, ..watcher };
            if first.is_none_or(|first| send(&watcher, first)) {
                self.watchers.push(watcher);
            }
        }
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

    /// Sends a frame to everybody: encoded once per zone, and not at all to zones it does not concern.
    fn pass_on(&mut self, frame: &WatchBoardResponse) {
        let mut encoded: HashMap<String, Option<Bytes>> = HashMap::new();
        let descriptor = &self.descriptor;
        self.watchers.retain(|watcher| {
            if watcher.ahead.is_some() {
                return true;
            }
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

    /// Sends the same bytes to everybody, such as a heartbeat. Who has seen more than is known here gets none: what it
    /// shows is not known to be current.
    pub(crate) fn broadcast(&mut self, bytes: &Bytes) {
        self.watchers.retain(|watcher| watcher.ahead.is_some() || send(watcher, bytes.clone()));
    }

    /// Ends the stream of everybody.
    pub(crate) fn dismiss(&mut self) {
        self.watchers.clear();
    }

    /// Adds a watcher of a zone (empty for all). It gets what came since it has seen the board; the whole board if that is
    /// too long ago, of another log, or wished; and nothing yet if it has seen more than is known here.
    pub(crate) fn watch(&mut self, zone: &str, seen: Seen, now: DateTime<Utc>) -> mpsc::Receiver<Bytes> {
        let (frames, receiver) = mpsc::channel(BUFFER);
        let is_ahead = seen.epoch > 0 && (seen.epoch, seen.seq) > self.stand();
        let is_same_log = seen.epoch == 0 || seen.epoch == self.epoch;
        let is_in_ring = seen.seq > 0 && seen.seq >= self.floor && seen.seq <= self.seq();
        let first = if is_ahead {
            None
        } else if is_in_ring && is_same_log && !seen.whole {
            self.since(zone, seen.seq)
        } else {
            self.snapshot(zone, seen.seq, now)
        };
        let watcher = Watcher { zone: zone.to_owned(), frames, ahead: is_ahead.then_some(seen) };
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
            epoch: self.epoch,
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

/// Brings a board up to a frame without a snapshot.
fn fold(board: &mut Board, frame: &WatchBoardResponse) {
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

fn is_recent(announcement: &Announcement, now: DateTime<Utc>) -> bool {
    announcement.time.and_then(moment).is_some_and(|time| now - time <= ANNOUNCE_WITHIN)
}

fn moment(time: prost_types::Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.seconds, u32::try_from(time.nanos).ok()?)
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

    fn seen(seq: i64) -> Seen {
        Seen { seq, ..Seen::default() }
    }

    fn under(epoch: i64, frame: WatchBoardResponse) -> WatchBoardResponse {
        WatchBoardResponse { epoch, ..frame }
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
            epoch: 0,
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
        let (mut all, mut zone_b) =
            (feed.watch("", Seen::default(), now()), feed.watch("B", Seen::default(), now()));
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
        let back = got(&mut feed.watch("", seen(11), now()));
        assert_eq!(back.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [12, 13]);
        assert!(back[0].1.get("snapshot").is_none());
        assert_eq!(spoken(&back), ["A002", "A003"]);
        assert!(got(&mut feed.watch("", seen(13), now())).is_empty(), "nothing was missed");
    }

    #[test]
    fn after_too_long_it_is_the_board_with_the_recent_announcements() {
        let mut feed = feed();
        feed.apply(snapshot(10));
        feed.apply(call(11, "A", "A001", 90));
        feed.apply(call(12, "A", "A002", 30));
        let back = got(&mut feed.watch("", seen(4), now()));
        assert_eq!(back.len(), 1);
        assert_eq!(back[0].0, 12);
        assert_eq!(back[0].1["snapshot"]["lastCalls"].as_array().map(Vec::len), Some(2));
        assert_eq!(spoken(&back), ["A002"], "an announcement older than a minute is not spoken");
        let ahead = got(&mut feed.watch("", seen(99), now()));
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
        assert_eq!(got(&mut feed.watch("", seen(oldest - 1), now())).len(), RING, "just within the ring");
        assert!(
            got(&mut feed.watch("", seen(oldest - 2), now()))[0].1.get("snapshot").is_some(),
            "just before it"
        );
    }

    #[test]
    fn a_slow_watcher_is_dropped_and_the_others_are_not() {
        let mut feed = feed();
        feed.apply(snapshot(1));
        let (mut slow, mut quick) =
            (feed.watch("", Seen::default(), now()), feed.watch("", Seen::default(), now()));
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
        let mut watcher = feed.watch("", Seen::default(), now());
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
    fn a_log_that_was_set_back_is_known_by_its_epoch() {
        let mut feed = feed();
        feed.apply(under(1, snapshot(50)));
        feed.apply(under(1, call(51, "A", "A050", 0)));
        let mut watcher = feed.watch("", seen(51), now());
        assert!(feed.apply(under(2, snapshot(3))));
        assert!(feed.apply(under(2, call(4, "A", "A001", 0))));
        let events = got(&mut watcher);
        assert_eq!(events.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(events[0].1["epoch"], "2");
        assert_eq!(spoken(&events), ["A001"]);
        assert_eq!(feed.stand(), (2, 4));
        let back = got(&mut feed.watch("", Seen { seq: 51, epoch: 1, whole: false }, now()));
        assert!(back[0].1.get("snapshot").is_some(), "what it has seen is void");
        let back = got(&mut feed.watch("", Seen { seq: 3, epoch: 1, whole: false }, now()));
        assert!(back[0].1.get("snapshot").is_some(), "a position of another log");
    }

    #[test]
    fn an_instance_that_lags_takes_nothing_back_and_is_followed_when_it_has_caught_up() {
        let mut feed = feed();
        feed.apply(under(1, snapshot(10)));
        feed.apply(under(1, call(11, "A", "A001", 5)));
        feed.apply(under(1, call(12, "B", "B001", 4)));
        let mut watcher = feed.watch("", Seen { seq: 12, epoch: 1, whole: false }, now());
        // Another instance, which has not heard of 11 and 12 yet.
        let mut late = snapshot(10);
        late.announcements = call(9, "A", "A000", 30).announcements;
        assert!(!feed.apply(under(1, late)), "not current");
        assert!(feed.lags());
        assert!(!feed.apply(under(1, call(11, "A", "A001", 5))));
        assert!(got(&mut watcher).is_empty(), "nobody is told");
        assert_eq!(feed.stand(), (1, 12));
        let newcomer = got(&mut feed.watch("", Seen::default(), now()));
        assert_eq!(
            (newcomer[0].0, &newcomer[0].1["snapshot"]["counters"][1]["ticketNumber"]),
            (12, &"B001".into())
        );
        // It jumps over 12: counter B has its ticket finished, and A has a new one.
        let mut caught_up = call(13, "A", "A002", 0);
        caught_up.counters.push(counter("ctr_B", "B", ""));
        assert!(feed.apply(under(1, caught_up)) && !feed.lags());
        let events = got(&mut watcher);
        assert_eq!(events.len(), 1);
        assert_eq!(spoken(&events), ["A002"], "and nothing twice");
        let newcomer = got(&mut feed.watch("", Seen::default(), now()));
        let shown = newcomer[0].1["snapshot"]["counters"].as_array().expect("a list");
        assert_eq!(
            shown.iter().map(|one| one["ticketNumber"].as_str()).collect::<Vec<_>>(),
            [Some("A002"), Some("")]
        );
    }

    #[test]
    fn an_instance_of_an_older_epoch_is_late_however_far_it_is() {
        let mut feed = feed();
        feed.apply(under(2, snapshot(10)));
        assert!(!feed.apply(under(1, snapshot(70))));
        assert_eq!(feed.stand(), (2, 10));
        assert!(feed.apply(under(2, snapshot(11))));
        assert_eq!(feed.stand(), (2, 11));
    }

    #[test]
    fn instances_that_never_catch_up_are_believed_in_the_end() {
        let mut feed = feed();
        feed.apply(under(5, snapshot(50)));
        assert!(!feed.apply(under(1, snapshot(3))));
        feed.doubt();
        assert!(feed.apply(under(1, snapshot(3))));
        assert_eq!(feed.stand(), (1, 3));
        assert!(!feed.apply(under(1, snapshot(2))), "once");
    }

    #[test]
    fn who_has_seen_more_than_is_known_waits_for_it() {
        let mut feed = feed();
        feed.apply(under(1, snapshot(10)));
        let mut ahead = feed.watch("", Seen { seq: 12, epoch: 1, whole: false }, now());
        feed.broadcast(&Bytes::from_static(b"event: heartbeat\n\n"));
        assert!(feed.apply(under(1, call(11, "A", "A001", 2))));
        assert_eq!(
            ahead.try_recv(),
            Err(mpsc::error::TryRecvError::Empty),
            "neither an old board nor a sign of life"
        );
        let mut jump = call(13, "B", "B002", 0);
        jump.announcements.insert(0, call(12, "B", "B001", 1).announcements.remove(0));
        assert!(feed.apply(under(1, jump)));
        let events = got(&mut ahead);
        assert_eq!((events.len(), events[0].0), (1, 13));
        assert!(events[0].1.get("snapshot").is_some());
        assert_eq!(spoken(&events), ["B002"], "12 was seen before");
        assert!(feed.apply(under(1, call(14, "A", "A003", 0))));
        assert_eq!(spoken(&got(&mut ahead)), ["A003"]);
    }

    #[test]
    fn one_that_was_loaded_anew_gets_the_whole_board_with_what_it_missed() {
        let mut feed = feed();
        feed.apply(under(1, snapshot(10)));
        for (seq, ticket) in [(11, "A001"), (12, "A002")] {
            feed.apply(under(1, call(seq, "A", ticket, 5)));
        }
        let events = got(&mut feed.watch("A", Seen { seq: 11, epoch: 1, whole: true }, now()));
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].1["snapshot"]["counters"][0]["ticketNumber"], "A002");
        assert_eq!(spoken(&events), ["A002"]);
    }

    #[test]
    fn a_snapshot_that_repeats_what_is_known_tells_only_what_is_new() {
        let mut feed = feed();
        feed.apply(snapshot(10));
        let mut watcher = feed.watch("", Seen::default(), now());
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
        let mut watcher = feed.watch("", Seen::default(), now());
        got(&mut watcher);
        feed.apply(WatchBoardResponse { seq: 5, ..WatchBoardResponse::default() });
        assert!(got(&mut watcher).is_empty() && feed.ring.len() == 1);
        assert_eq!(got(&mut feed.watch("", Seen::default(), now()))[0].0, 5, "the board is as fresh as that");
        assert!(got(&mut feed.watch("", seen(1), now())).is_empty(), "nothing was missed");
    }

    #[test]
    fn a_counter_closed_without_a_reason_leaves_the_board() {
        let mut feed = feed();
        feed.apply(snapshot(1));
        let closed = BoardCounter { state: CounterState::Closed.into(), ..counter("ctr_A", "A", "") };
        feed.apply(WatchBoardResponse { seq: 2, counters: vec![closed], ..WatchBoardResponse::default() });
        let events = got(&mut feed.watch("", Seen::default(), now()));
        assert_eq!(events[0].1["snapshot"]["counters"].as_array().map(Vec::len), Some(1));
    }
}

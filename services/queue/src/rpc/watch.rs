//! Streams: a view of a hall, built anew when the hall has moved on, and passed on when it shows something new.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use mpp_kit::caller::Caller;
use mpp_kit::clock::Clock;
use mpp_kit::fault::{Fault as _, Language};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::error::Error;
use crate::hall::{HallHandle, Halls};

/// The frames of a stream.
pub(super) type Frames<T> = BoxStream<'static, Result<T, Status>>;

/// Between two frames for a person: at most four in a second, however much happens in the hall.
pub(super) const CALM: Duration = Duration::from_millis(250);
/// Between two frames for a board: each commit is seen and heard at once.
pub(super) const AT_ONCE: Duration = Duration::ZERO;
/// After which time a frame is sent although nothing happened: cooldowns end, waits grow, and silence would look like a
/// broken line.
const REFRESH: Duration = Duration::from_secs(10);
/// Frames that wait for a slow client. When they are full the view is built less often; nothing piles up.
const BUFFER: usize = 16;

/// What a stream follows.
pub(super) struct Source {
    /// Ticks when the hall has moved on.
    pub(super) committed: watch::Receiver<u64>,
    /// The time.
    pub(super) clock: Arc<dyn Clock>,
    /// The language of the caller, for what goes wrong on the way.
    pub(super) language: Language,
    /// When the caller's token ends, and with it the stream.
    pub(super) until: Option<DateTime<Utc>>,
    /// Least time between two frames.
    pub(super) gap: Duration,
}

impl Source {
    /// The commits of a hall, as long as the caller's token holds.
    pub(super) fn of(halls: &Halls, hall: &HallHandle, caller: &Caller, gap: Duration) -> Self {
        Self {
            committed: hall.committed(),
            clock: Arc::clone(halls.clock()),
            language: caller.language,
            until: caller.expires_at,
            gap,
        }
    }

    /// The frames that `view` makes. It is called with the time, and whether a frame is due although nothing is new; it
    /// answers `None` when there is nothing to send.
    ///
    /// Ends when the client leaves, when the token ends, when the hall stops, and after the first error. The end of the
    /// process is the server's business: it ends every stream.
    pub(super) fn frames<T, V>(self, view: V) -> Frames<T>
    where
        T: Send + 'static,
        V: FnMut(DateTime<Utc>, bool) -> Result<Option<T>, Error> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(BUFFER);
        tokio::spawn(self.run(view, sender));
        ReceiverStream::new(receiver).boxed()
    }

    async fn run<T, V>(mut self, mut view: V, frames: mpsc::Sender<Result<T, Status>>)
    where
        V: FnMut(DateTime<Utc>, bool) -> Result<Option<T>, Error>,
    {
        let mut refresh_at = Instant::now();
        loop {
            // Seen before the view is built: what is committed meanwhile makes another one.
            self.committed.borrow_and_update();
            let now = self.clock.now();
            if self.until.is_some_and(|until| until <= now) {
                return;
            }
            let is_due = Instant::now() >= refresh_at;
            if is_due {
                refresh_at = Instant::now() + REFRESH;
            }
            match view(now, is_due) {
                Ok(Some(frame)) => {
                    if frames.send(Ok(frame)).await.is_err() {
                        return;
                    }
                    refresh_at = Instant::now() + REFRESH;
                }
                Ok(None) => {}
                Err(error) => {
                    // A client that has left need not be told.
                    let _left = frames.send(Err(error.problem().into_status(self.language))).await;
                    return;
                }
            }
            // Also after a view that was not sent: building it costs, and there may be a thousand phones.
            let calm_until = Instant::now() + self.gap;
            let token_ends =
                self.until.and_then(|until| (until - now).to_std().ok()).map(|left| Instant::now() + left);
            let wake_at = token_ends.map_or(refresh_at, |end| end.min(refresh_at));
            let moved_on = async {
                sleep_until(calm_until).await;
                self.committed.changed().await
            };
            tokio::select! {
                () = frames.closed() => return,
                changed = moved_on => if changed.is_err() { return },
                () = sleep_until(wake_at) => {}
            }
        }
    }
}

/// Keeps of a view what makes it new.
#[derive(Debug)]
pub(super) struct Changes<V> {
    last: Option<V>,
    /// Takes out of a view what moves by itself: the position, the time, the length of waits.
    still: fn(&mut V),
}

impl<V: Clone + PartialEq> Changes<V> {
    /// Nothing was seen yet.
    pub(super) fn new(still: fn(&mut V)) -> Self {
        Self { last: None, still }
    }

    /// The view, if it shows something new or a frame is due.
    pub(super) fn new_in(&mut self, view: V, due: bool) -> Option<V> {
        let mut bare = view.clone();
        (self.still)(&mut bare);
        if !due && self.last.as_ref() == Some(&bare) {
            return None;
        }
        self.last = Some(bare);
        Some(view)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use mpp_kit::clock::ManualClock;

    use super::*;
    use crate::domain::rejection::{Rejection, Thing};

    fn source(gap: Duration) -> (watch::Sender<u64>, Arc<ManualClock>, Source) {
        let (sender, committed) = watch::channel(0);
        let clock = Arc::new(ManualClock::at(DateTime::from_timestamp(1_772_000_000, 0).unwrap()));
        let source = Source {
            committed,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            language: Language::Id,
            until: None,
            gap,
        };
        (sender, clock, source)
    }

    /// Frames that show the number of times a view was built.
    fn counting(source: Source) -> Frames<u32> {
        let mut built = 0;
        source.frames(move |_, _| {
            built += 1;
            Ok(Some(built))
        })
    }

    async fn within<T>(time: u64, next: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(Duration::from_millis(time), next).await.ok()
    }

    #[tokio::test]
    async fn each_commit_makes_a_frame_at_once_and_silence_makes_none() {
        let (commits, _clock, source) = source(AT_ONCE);
        let mut frames = counting(source);
        assert_eq!(within(1000, frames.next()).await.unwrap().unwrap().unwrap(), 1);
        assert!(within(100, frames.next()).await.is_none(), "nothing happened");
        commits.send_replace(1);
        assert_eq!(within(1000, frames.next()).await.unwrap().unwrap().unwrap(), 2);
    }

    #[tokio::test]
    async fn a_calm_stream_gathers_what_happens_between_its_frames() {
        // On a busy machine fifty commits may take longer than the gap. Then they show nothing, and are made again.
        for _ in 0..50 {
            let (commits, _clock, source) = source(CALM);
            let begun = Instant::now();
            let mut frames = counting(source);
            frames.next().await.unwrap().unwrap();
            for seq in 1..=50 {
                commits.send_replace(seq);
                tokio::task::yield_now().await;
            }
            if begun.elapsed() >= CALM {
                continue;
            }
            assert_eq!(frames.next().await.unwrap().unwrap(), 2);
            assert!(begun.elapsed() >= CALM, "not at once");
            assert!(within(600, frames.next()).await.is_none(), "fifty commits made one frame");
            return;
        }
        panic!("fifty commits never fitted between two frames");
    }

    #[tokio::test]
    async fn ends_with_the_token_with_the_hall_and_after_an_error() {
        let (commits, clock, mut expiring) = source(AT_ONCE);
        expiring.until = Some(clock.now() + TimeDelta::seconds(60));
        let mut frames = counting(expiring);
        frames.next().await.unwrap().unwrap();
        clock.advance(TimeDelta::seconds(60));
        commits.send_replace(1);
        assert!(within(1000, frames.next()).await.unwrap().is_none(), "the token has ended");

        let (commits, _clock, source_of_hall) = source(AT_ONCE);
        let mut frames = counting(source_of_hall);
        frames.next().await.unwrap().unwrap();
        drop(commits);
        assert!(within(1000, frames.next()).await.unwrap().is_none(), "the hall has stopped");

        let (_commits, _clock, failing) = source(AT_ONCE);
        let mut frames = failing.frames::<(), _>(|_, _| Err(Rejection::NotFound(Thing::Counter).into()));
        assert_eq!(frames.next().await.unwrap().unwrap_err().code(), tonic::Code::NotFound);
        assert!(within(1000, frames.next()).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn stops_working_when_the_client_leaves() {
        let (commits, _clock, source) = source(AT_ONCE);
        let frames = counting(source);
        drop(frames);
        tokio::time::timeout(Duration::from_secs(1), commits.closed())
            .await
            .expect("the task lets go of the hall");
    }

    #[test]
    fn a_view_is_new_when_more_than_its_time_changed_or_when_it_is_due() {
        let mut changes = Changes::new(|view: &mut (u32, u32)| view.1 = 0);
        assert_eq!(changes.new_in((1, 10), false), Some((1, 10)));
        assert_eq!(changes.new_in((1, 11), false), None);
        assert_eq!(changes.new_in((1, 12), true), Some((1, 12)));
        assert_eq!(changes.new_in((2, 13), false), Some((2, 13)));
    }
}

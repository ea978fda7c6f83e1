//! One upstream per hall for all of its boards: a thousand watchers cost the queue service as much as one.
//!
//! The upstream is always drained at once into [`crate::board::Feed`], whatever its watchers do: an unread HTTP/2
//! stream would use up the budget of small frames and take the whole connection down with it. While the upstream is
//! away, heartbeats stop, so that boards can say that their data is old.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use mpp_kit::{
    client::PeerChannel,
    clock::Clock,
    fault::{Language, Problem},
    relay::TokenSource,
    shutdown::Shutdown,
};
use mpp_proto::queue::v1::{WatchBoardRequest, WatchBoardResponse, queue_service_client::QueueServiceClient};
use prost_reflect::MessageDescriptor;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tonic::{Code, Request, Status, Streaming, metadata::MetadataMap};

use crate::{
    board::{Feed, Seen},
    problem, sse,
};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// The service sends a frame at least every ten seconds, also when nothing happens. When it is silent for longer, what
/// boards show is not known to be fresh: heartbeats stop.
const FRESH: Duration = Duration::from_secs(12);
/// A stream that is silent for this long is broken, whatever its connection says.
const SILENCE: Duration = Duration::from_secs(30);
/// Connections in a row, each of them silent for [`SILENCE`] because the instance at its end lagged behind what is known
/// here, after which it is the log that has changed: an instance looks at SQL every second.
const LAGGING: u32 = 3;
/// A stream that lasted this long did not end for want of something.
const FIRM: Duration = Duration::from_secs(1);
/// How long a hall without watchers is still followed: longer than a browser needs to come back.
const LINGER: Duration = Duration::from_secs(30);

/// The boards of all halls.
#[derive(Clone)]
pub(crate) struct Hub(Arc<Inner>);

struct Inner {
    queue: QueueServiceClient<PeerChannel>,
    token: TokenSource,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
    heartbeat: Duration,
    descriptor: MessageDescriptor,
    halls: Mutex<HashMap<String, Arc<Hall>>>,
}

/// One hall that is followed.
struct Hall {
    id: String,
    /// The language of who asked first: a refusal is told in it.
    language: Language,
    feed: Mutex<Feed>,
    phase: watch::Sender<Phase>,
}

#[derive(Clone)]
enum Phase {
    /// The first frame is awaited.
    Connecting,
    /// There is a board; it may be old while the upstream is away.
    Live,
    /// It is followed no longer, and nobody can join.
    Ended(Status),
}

impl Hub {
    /// A hub without halls. `descriptor` is that of `WatchBoardResponse`.
    pub(crate) fn new(
        queue: QueueServiceClient<PeerChannel>,
        token: TokenSource,
        clock: Arc<dyn Clock>,
        shutdown: Shutdown,
        heartbeat: Duration,
        descriptor: MessageDescriptor,
    ) -> Self {
        Self(Arc::new(Inner {
            queue,
            token,
            clock,
            shutdown,
            heartbeat,
            descriptor,
            halls: Mutex::default(),
        }))
    }

    /// The events for one watcher of a board: what came after `after`, or the whole board. The caller has checked that
    /// the watcher may see the hall.
    ///
    /// # Errors
    /// The status with which the queue service refused, or `UNAVAILABLE` if it does not answer.
    pub(crate) async fn watch(
        &self,
        request: &WatchBoardRequest,
        language: Language,
    ) -> Result<mpsc::Receiver<Bytes>, Status> {
        loop {
            let hall = self.hall(&request.hall, language);
            let mut phases = hall.phase.subscribe();
            let phase = timeout(CONNECT, phases.wait_for(|phase| !matches!(phase, Phase::Connecting))).await;
            match phase.map(|phase| phase.map(|phase| phase.clone())) {
                Ok(Ok(Phase::Live)) => {}
                Ok(Ok(Phase::Ended(status))) if status.code() == Code::Ok => {
                    self.forget(&hall);
                    continue;
                }
                Ok(Ok(Phase::Ended(status))) => return Err(status),
                Ok(Ok(Phase::Connecting) | Err(_)) | Err(_) => {
                    return Err(away(anyhow::anyhow!("no board within {CONNECT:?}")));
                }
            }
            let mut feed = hall.feed();
            // Under the lock of the feed: the task that follows the hall ends it under the same lock.
            if matches!(*hall.phase.borrow(), Phase::Live) {
                if !feed.has_zone(&request.zone) {
                    return Err(Problem::not_found("zona", "zone")
                        .with("thing", "zone")
                        .into_status(language));
                }
                let seen = Seen { seq: request.after_seq, epoch: request.after_epoch, whole: request.whole };
                return Ok(feed.watch(&request.zone, seen, self.0.clock.now()));
            }
        }
    }

    /// The hall, followed from now on if it was not.
    fn hall(&self, id: &str, language: Language) -> Arc<Hall> {
        let mut halls = self.halls();
        if let Some(hall) = halls.get(id) {
            return hall.clone();
        }
        let hall = Arc::new(Hall {
            id: id.to_owned(),
            language,
            feed: Mutex::new(Feed::new(self.0.descriptor.clone())),
            phase: watch::Sender::new(Phase::Connecting),
        });
        halls.insert(id.to_owned(), hall.clone());
        tokio::spawn(self.clone().follow(hall.clone()));
        hall
    }

    fn halls(&self) -> MutexGuard<'_, HashMap<String, Arc<Hall>>> {
        self.0.halls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows one hall until it has no watchers, the queue service refuses it, or the process ends.
    async fn follow(self, hall: Arc<Hall>) {
        let status = tokio::select! {
            status = self.keep_connected(&hall) => status,
            () = self.0.shutdown.wait() => away(anyhow::anyhow!("the gateway is stopping")),
        };
        self.forget(&hall);
        hall.end(status);
    }

    /// Takes a hall out of the map, unless another one has taken its place.
    fn forget(&self, hall: &Arc<Hall>) {
        let mut halls = self.halls();
        if halls.get(&hall.id).is_some_and(|known| Arc::ptr_eq(known, hall)) {
            halls.remove(&hall.id);
        }
    }

    /// Connects again and again; answers why it stopped, `Ok` for want of watchers.
    async fn keep_connected(&self, hall: &Hall) -> Status {
        let patience = || {
            ExponentialBuilder::default()
                .with_jitter()
                .with_min_delay(Duration::from_millis(200))
                .with_max_delay(Duration::from_secs(5))
                .without_max_times()
                .build()
        };
        let mut delays = patience();
        let mut lagging = 0;
        loop {
            let began = Instant::now();
            let connected = timeout(CONNECT, self.connect(hall)).await;
            let connected =
                connected.unwrap_or_else(|_| Err(away(anyhow::anyhow!("no connection in {CONNECT:?}"))));
            let status = match connected {
                Ok(frames) => match self.drain(hall, frames).await {
                    End::Idle => return Status::ok(""),
                    // As when the token ends that it was opened with: nothing is wrong, and nobody is to notice.
                    End::Closed if began.elapsed() >= FIRM => {
                        lagging = 0;
                        delays = patience();
                        continue;
                    }
                    End::Closed => away(anyhow::anyhow!("the board stream ended at once")),
                    End::Broken(status) => {
                        tracing::warn!(hall = hall.id, code = ?status.code(), "the board stream broke off");
                        status
                    }
                },
                Err(status) => {
                    tracing::warn!(hall = hall.id, code = ?status.code(), "the board stream cannot be opened");
                    status
                }
            };
            lagging = if hall.feed().lags() { lagging + 1 } else { 0 };
            if lagging >= LAGGING {
                tracing::error!(
                    hall = hall.id,
                    "every instance tells less than was shown: its log was set back"
                );
                hall.feed().doubt();
            }
            // The first connection decides whether there is such a hall.
            if !hall.is_live() || is_final(status.code()) {
                return own_fault(status);
            }
            if hall.feed().is_idle() {
                return Status::ok("");
            }
            if began.elapsed() > LINGER {
                delays = patience();
            }
            tokio::time::sleep(delays.next().unwrap_or(CONNECT)).await;
        }
    }

    async fn connect(&self, hall: &Hall) -> Result<Streaming<WatchBoardResponse>, Status> {
        let token = (self.0.token)().await.map_err(away)?;
        let mut headers = HeaderMap::new();
        let bearer = HeaderValue::try_from(format!("Bearer {token}")).map_err(|error| away(error.into()))?;
        headers.insert(header::AUTHORIZATION, bearer);
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(hall.language.tag()));
        // Never 0, which would leave out the announcements of the last minute: boards that come back after a restart of
        // the gateway have not heard all of them.
        let after_seq = hall.feed().seq().max(1);
        let message = WatchBoardRequest { hall: hall.id.clone(), after_seq, ..WatchBoardRequest::default() };
        let request =
            Request::from_parts(MetadataMap::from_headers(headers), tonic::Extensions::new(), message);
        self.0.queue.clone().watch_board(request).await.map(tonic::Response::into_inner)
    }

    /// Reads the upstream as fast as it comes.
    async fn drain(&self, hall: &Hall, mut frames: Streaming<WatchBoardResponse>) -> End {
        let mut beat = interval(self.0.heartbeat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut idle_since = None;
        loop {
            tokio::select! {
                frame = frames.message() => match frame {
                    Ok(Some(frame)) => {
                        // What lags behind is no sign that boards are current.
                        if hall.feed().apply(frame) {
                            heard = Instant::now();
                        }
                        hall.phase.send_if_modified(|phase| {
                            let first = matches!(phase, Phase::Connecting);
                            if first {
                                *phase = Phase::Live;
                            }
                            first
                        });
                    }
                    Ok(None) => return End::Closed,
                    Err(status) => return End::Broken(status),
                },
                _ = beat.tick() => {
                    if heard.elapsed() >= SILENCE {
                        return End::Broken(away(anyhow::anyhow!("the board stream is silent")));
                    }
                    let mut feed = hall.feed();
                    if heard.elapsed() < FRESH {
                        feed.broadcast(&sse::heartbeat(self.0.clock.now()));
                    }
                    let since = if feed.is_idle() { Some(*idle_since.get_or_insert_with(Instant::now)) } else { None };
                    idle_since = since;
                    if since.is_some_and(|since| since.elapsed() >= LINGER) {
                        // Ended under the lock of the feed, so that nobody joins in between.
                        hall.phase.send_replace(Phase::Ended(Status::ok("")));
                        return End::Idle;
                    }
                }
            }
        }
    }
}

/// Why a board stream is read no longer.
enum End {
    /// Nobody watches.
    Idle,
    /// The service ended it.
    Closed,
    /// It failed.
    Broken(Status),
}

impl Hall {
    fn feed(&self) -> MutexGuard<'_, Feed> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_live(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Live)
    }

    /// Lets nobody join any more and ends the streams of those who watch.
    fn end(&self, status: Status) {
        let mut feed = self.feed();
        self.phase.send_replace(Phase::Ended(status.clone()));
        if status.code() != Code::Ok {
            let body = problem::ProblemBody::new(&status, "", Language::default());
            feed.broadcast(&sse::event(None, sse::ERROR, body.to_json().as_bytes()));
        }
        feed.dismiss();
    }
}

/// Answers that will not change by asking again.
fn is_final(code: Code) -> bool {
    matches!(code, Code::NotFound | Code::InvalidArgument | Code::Unimplemented)
}

/// What to tell a watcher. That the gateway itself may not read the board is no fault of the watcher's.
fn own_fault(status: Status) -> Status {
    if matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied) {
        tracing::error!(code = ?status.code(), "the gateway's own token does not open the boards");
        return away(status.into());
    }
    status
}

fn away(source: anyhow::Error) -> Status {
    Problem::unavailable(source, Duration::from_secs(2)).into_status(Language::default())
}

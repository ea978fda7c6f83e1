//! The actor of a hall: decides every waiting command in turn on its speculative state, appends the batch in one step, and
//! gathers and decides the next one while the flusher commits.
//!
//! `Serving ──trouble──▶ Reopening ──▶ Serving`. Trouble is anything that makes the view doubtful: another epoch, another
//! Redis, a log that diverges, Redis or SQL out of reach, an SQL that was set back. Reopening reads SQL again and, where Redis does not hold the log
//! of the epoch, opens a new one (rebuild). Answers that were not durable by then are `UNAVAILABLE`; their callers ask again
//! with the same request id. A panic ends nothing but the commands that were at hand: the hall is read from SQL and goes on.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use mpp_kit::clock::Clock;
use mpp_kit::shutdown::Shutdown;
use tokio::sync::{Notify, mpsc, oneshot};

use super::flusher::{self, Flusher};
use super::log::{Appended, Entry, Fence, Log, View};
use super::{CommittedState, Durable};
use crate::domain::decide::{Command, Decision, decide};
use crate::domain::fold::Answer;
use crate::domain::{EventId, HallId};
use crate::error::Error;
use crate::metrics::Metrics;
use crate::store::{Shard, Store};

/// Commands decided before one append.
const BATCH: usize = 256;
/// The longest pause before a hall is tried again.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// How long another instance may take to rebuild before this one does.
const REBUILD_PATIENCE: Duration = Duration::from_secs(2);

/// A command with where its answer goes.
pub(super) struct Submission {
    pub(super) command: Command,
    pub(super) now: DateTime<Utc>,
    pub(super) reply: oneshot::Sender<Result<Answer, Error>>,
    /// Events of which only Redis knows whether they stand in the log: one for each append for it that was not answered.
    pub(super) in_doubt: Vec<EventId>,
}

/// An answer that waits until the state it was decided on is durable.
pub(super) struct Pending {
    pub(super) seq: u64,
    reply: oneshot::Sender<Result<Answer, Error>>,
    answer: Result<Answer, Error>,
}

impl Pending {
    /// An answer that waits, and where it arrives.
    #[cfg(test)]
    pub(super) fn of(
        seq: u64,
        answer: Result<Answer, Error>,
    ) -> (Self, oneshot::Receiver<Result<Answer, Error>>) {
        let (reply, arrives) = oneshot::channel();
        (Self { seq, reply, answer }, arrives)
    }

    /// Whether its caller has given up.
    pub(super) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    pub(super) fn resolve(self) {
        // A caller that has gone away asks again with its request id.
        let _gone = self.reply.send(self.answer);
    }
}

/// What the appender hands to the flusher.
#[derive(Default)]
pub(super) struct Handover {
    /// Entries that stand in Redis and are not known to be committed, without gaps.
    pub(super) appended: VecDeque<Entry>,
    /// Answers in the order of their positions.
    pub(super) pending: VecDeque<Pending>,
}

/// The meeting point of appender and flusher.
pub(super) struct Desk {
    handover: Mutex<Handover>,
    /// Rings for the flusher: something was handed over.
    pub(super) work: Notify,
    /// Rings for the appender: the flusher has nothing left, or gives up for now.
    pub(super) rest: Notify,
    /// SQL has been out of reach for a while: nothing more is appended, so that nobody is told "try again" about a ticket
    /// that then appears after all.
    pub(super) stalled: AtomicBool,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self {
            handover: Mutex::new(Handover::default()),
            work: Notify::new(),
            rest: Notify::new(),
            stalled: AtomicBool::new(false),
        }
    }

    /// Takes over entries that stand in Redis. Appender and flusher both read there, so some may be here or even be committed.
    pub(super) fn add(&self, committed: u64, entries: impl IntoIterator<Item = Entry>) {
        let mut handover = self.lock();
        let known = handover.appended.back().map_or(committed, |entry| entry.seq.max(committed));
        handover.appended.extend(entries.into_iter().filter(|entry| entry.seq > known));
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Handover> {
        self.handover.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Actor {
    hall: HallId,
    store: Store,
    log: Log,
    committed: Arc<CommittedState>,
    commands: mpsc::Receiver<Submission>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    /// The epoch that this instance has taken and not opened yet.
    taken: Option<i64>,
    /// What stands in Redis cannot be committed: the next opening takes a new epoch from what SQL holds.
    doubtful: bool,
    /// The committed state may be half applied: the next opening reads it from SQL.
    broken: bool,
}

impl Actor {
    pub(super) fn new(
        hall: HallId,
        store: Store,
        log: Log,
        committed: Arc<CommittedState>,
        commands: mpsc::Receiver<Submission>,
        (clock, metrics): (Arc<dyn Clock>, Metrics),
    ) -> Self {
        Self {
            hall,
            store,
            log,
            committed,
            commands,
            clock,
            metrics,
            taken: None,
            doubtful: false,
            broken: false,
        }
    }

    /// Serves the hall until the process ends or nobody can reach it any more.
    pub(super) async fn run(mut self, shutdown: Shutdown) {
        // Commands that were taken from the inbox and not decided for good.
        let mut held: Vec<Submission> = Vec::new();
        while AssertUnwindSafe(self.live(&mut held, &shutdown)).catch_unwind().await.is_err() {
            // A fault of ours. The hall must not stand still for it: what may be half done is forgotten, here (`broken`)
            // and in Redis (`doubtful`), and whoever was at hand is told, for one of these commands may be the cause.
            tracing::error!(hall = %self.hall, "a panic in the hall; it is read from SQL and opened again");
            self.metrics.reopened();
            (self.broken, self.doubtful) = (true, true);
            for submission in held.drain(..) {
                let _gone =
                    submission.reply.send(Err(Error::Internal(anyhow::anyhow!("a panic in the hall"))));
            }
            tokio::time::sleep(PAUSE_MAX).await;
        }
    }

    /// Opens the hall and serves it, again and again. Ends with the process.
    async fn live(&mut self, held: &mut Vec<Submission>, shutdown: &Shutdown) {
        let mut pause = Duration::from_millis(20);
        loop {
            let view = tokio::select! {
                () = shutdown.triggered() => return,
                view = self.reopen() => view,
            };
            match view {
                Ok(view) => {
                    pause = Duration::from_millis(20);
                    let Some(trouble) = self.serve(&view, held, shutdown).await else { return };
                    tracing::warn!(hall = %self.hall, epoch = view.epoch, error = %trouble, "reopening the hall");
                    self.metrics.reopened();
                    if matches!(trouble, Trouble::SetBack { .. }) {
                        // What Redis still holds behind it is read again and committed again; nothing doubtful in that.
                        self.broken = true;
                    }
                    if matches!(trouble, Trouble::Refused(_) | Trouble::Fence(Fence::Diverged(_))) {
                        self.doubtful = true;
                        // Whatever it is, it is not gone in a microsecond.
                        tokio::time::sleep(pause).await;
                    }
                }
                Err(error) => {
                    tracing::warn!(hall = %self.hall, error = %error, "the hall cannot be opened yet");
                    self.refuse(held);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    /// Serves until something is wrong; `None` when the process ends.
    async fn serve(
        &mut self,
        view: &View,
        held: &mut Vec<Submission>,
        shutdown: &Shutdown,
    ) -> Option<Trouble> {
        let desk = Desk::new();
        let mut appender = Appender {
            view,
            log: &self.log,
            committed: &self.committed,
            desk: &desk,
            spec: self.committed.snapshot(),
            decided: Decided::default(),
            latest: DateTime::<Utc>::MIN_UTC,
            clock: self.clock.as_ref(),
            metrics: &self.metrics,
        };
        let mut flusher = Flusher {
            hall: self.hall,
            view,
            log: &self.log,
            store: &self.store,
            committed: &self.committed,
            desk: &desk,
            metrics: &self.metrics,
        };
        let ended = tokio::select! {
            trouble = in_turns(appender.run(&mut self.commands, held), flusher.run()) => Some(trouble),
            () = shutdown.triggered() => None,
        };
        if ended.is_none() {
            // What was appended is made durable and answered before the process ends.
            let drained = tokio::time::timeout(Duration::from_secs(5), flusher.drain()).await;
            if !matches!(drained, Ok(Ok(()))) {
                tracing::warn!(hall = %self.hall, "not everything could be flushed; it stands in Redis for the next start");
            }
        }
        for pending in desk.lock().pending.drain(..) {
            let _gone =
                pending.reply.send(Err(Error::Unavailable(anyhow::anyhow!("the hall is being reopened"))));
        }
        ended
    }

    /// Reads SQL, and makes sure that Redis holds the log of the epoch in force; rebuilds it if not.
    async fn reopen(&mut self) -> Result<View, Error> {
        // The epoch that another instance is rebuilding, and since when this one has been waiting for it. Each new epoch
        // gets the whole patience: two instances that overtook each other would never finish.
        let mut waiting: Option<(i64, Instant)> = None;
        loop {
            if self.broken {
                if let Some(durable) = flusher::load(&self.store, self.hall).await? {
                    self.committed.replace(durable);
                }
                self.broken = false;
            }
            let shard = self.shard().await?;
            if !flusher::catch_up(&self.store, self.hall, &self.committed).await? {
                tracing::error!(hall = %self.hall, epoch = shard.epoch, "SQL was set back; the hall is read from it again");
                self.broken = true;
                continue;
            }
            let mut waited = |epoch: i64| match waiting {
                Some((before, since)) if before == epoch => since.elapsed(),
                Some(_) | None => waiting.insert((epoch, Instant::now())).1.elapsed(),
            };
            if !shard.active {
                // Epoch 0 is a hall that was registered and never opened; nobody else is at it.
                let theirs = shard.epoch > 0 && self.taken != Some(shard.epoch);
                if theirs && waited(shard.epoch) < REBUILD_PATIENCE {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
                if let Some(view) = self.rebuild(&shard, shard.epoch + 1).await? {
                    return Ok(view);
                }
                continue;
            }
            if self.doubtful {
                tracing::error!(hall = %self.hall, epoch = shard.epoch, "the log cannot be committed, opening a new epoch from SQL");
                if let Some(view) = self.rebuild(&shard, shard.epoch + 1).await? {
                    return Ok(view);
                }
                continue;
            }
            let view = View { epoch: shard.epoch, run_id: shard.run_id.clone() };
            let (seq, chain) = self.committed.head();
            match self.log.tail(&view, seq, &chain).await {
                Ok(_) => {
                    self.committed.opened(view.epoch);
                    return Ok(view);
                }
                Err(Fence::Epoch(there)) if there > shard.epoch => {
                    // SQL is the truth and was read before somebody moved on; read it again.
                    if waited(shard.epoch) < REBUILD_PATIENCE {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                    // Nobody has: SQL was set back to an earlier moment, by an operator or by a fail-over of its own.
                    tracing::error!(hall = %self.hall, epoch = shard.epoch, there, "Redis holds a later epoch than SQL, opening one after both");
                    if let Some(view) = self.rebuild(&shard, there + 1).await? {
                        return Ok(view);
                    }
                }
                Err(Fence::Unreachable(error)) => return Err(Error::Unavailable(error)),
                Err(
                    fence @ (Fence::NoEpoch
                    | Fence::Epoch(_)
                    | Fence::Identity
                    | Fence::Closed
                    | Fence::Behind(_)
                    | Fence::Diverged(_)),
                ) => {
                    tracing::warn!(hall = %self.hall, epoch = shard.epoch, reason = %fence, "rebuilding the log of the hall");
                    if let Some(view) = self.rebuild(&shard, shard.epoch + 1).await? {
                        return Ok(view);
                    }
                }
            }
        }
    }

    /// Opens the epoch `next`, or the one that this instance has taken, from what SQL holds. `None` when another instance
    /// was first.
    async fn rebuild(&mut self, shard: &Shard, next: i64) -> Result<Option<View>, Error> {
        let started = Instant::now();
        let epoch = if !shard.active && self.taken == Some(shard.epoch) {
            // Taken before, when Redis could not be reached to open it.
            shard.epoch
        } else if self.store.begin_epoch(self.hall, shard.epoch, next).await? {
            self.taken = Some(next);
            next
        } else {
            return Ok(None);
        };
        // Nothing of the old epoch can commit from here on: what SQL holds now is all there is.
        if !flusher::catch_up(&self.store, self.hall, &self.committed).await? {
            self.broken = true;
            return Ok(None);
        }
        let lines = self.store.lines(self.hall, self.store.day_start(self.hall).await?).await?;
        let (seq, chain) = self.committed.head();
        let run_id = match self.log.install(epoch, seq, &chain, &lines).await {
            Ok(run_id) => run_id,
            Err(Fence::Epoch(_)) => return Ok(None),
            Err(fence) => return Err(Error::Unavailable(anyhow::anyhow!(fence))),
        };
        let view = View { epoch, run_id };
        if !self.store.activate(self.hall, &view).await? {
            return Ok(None);
        }
        self.doubtful = false;
        self.committed.opened(epoch);
        self.metrics.rebuilt(started.elapsed());
        tracing::info!(hall = %self.hall, epoch, seq, events = lines.len(), "the log of the hall was rebuilt");
        Ok(Some(view))
    }

    async fn shard(&self) -> Result<Shard, Error> {
        self.store
            .shard(self.hall)
            .await?
            .ok_or_else(|| Error::Internal(anyhow::anyhow!("hall {} has no shard row", self.hall)))
    }

    /// While the hall cannot be opened, callers are told at once instead of waiting in vain.
    fn refuse(&mut self, held: &mut Vec<Submission>) {
        while let Ok(submission) = self.commands.try_recv() {
            held.push(submission);
        }
        for submission in held.drain(..) {
            let _gone = submission
                .reply
                .send(Err(Error::Unavailable(anyhow::anyhow!("the hall cannot be opened yet"))));
        }
    }
}

/// Runs both until one ends. What one hands over, the other takes in the same turn of the task: the flusher what was appended, the
/// appender the time when nothing is left to flush. Else each would be woken by itself, behind the answers that are ready by then.
async fn in_turns(
    appending: impl Future<Output = Trouble>,
    flushing: impl Future<Output = Trouble>,
) -> Trouble {
    let (mut appending, mut flushing) = (pin!(appending), pin!(flushing));
    poll_fn(|cx| {
        if let Poll::Ready(trouble) = flushing.as_mut().poll(cx) {
            return Poll::Ready(trouble);
        }
        if let Poll::Ready(trouble) = appending.as_mut().poll(cx) {
            return Poll::Ready(trouble);
        }
        flushing.as_mut().poll(cx)
    })
    .await
}

/// Why a hall must be reopened.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Redis does not take part.
    #[error("{0}")]
    Fence(#[from] Fence),
    /// SQL is under another epoch.
    #[error("SQL holds another epoch")]
    Epoch,
    /// SQL does not hold any more what it had committed: an operator set it back, or a fail-over to a copy that lagged.
    #[error("SQL was set back from {from} to {to}")]
    SetBack {
        /// The position that was committed.
        from: u64,
        /// Where it stands.
        to: u64,
    },
    /// What is in the log cannot be committed.
    #[error("the log cannot be committed: {0}")]
    Refused(anyhow::Error),
}

/// What the first of the held commands came to, on the state that the log leaves; not appended yet.
#[derive(Default)]
struct Decided {
    /// The position behind which the entries go.
    from: u64,
    entries: Vec<Entry>,
    /// For each of these commands, the position at which its answer may be given, and the answer.
    outcomes: Vec<(u64, Result<Answer, Error>)>,
}

struct Appender<'a> {
    view: &'a View,
    log: &'a Log,
    committed: &'a CommittedState,
    desk: &'a Desk,
    /// The fold of everything that stands in Redis as far as this instance knows, and of what is decided on top of it.
    spec: Durable,
    decided: Decided,
    /// When the last command was decided.
    latest: DateTime<Utc>,
    clock: &'a dyn Clock,
    metrics: &'a Metrics,
}

impl Appender<'_> {
    /// Runs until something is wrong. Commands whose fate is not settled stay in `held`.
    async fn run(
        &mut self,
        commands: &mut mpsc::Receiver<Submission>,
        held: &mut Vec<Submission>,
    ) -> Trouble {
        // What other instances appended and nobody has committed yet belongs to the state.
        if let Err(trouble) = self.read_tail().await {
            return trouble;
        }
        loop {
            if held.is_empty() && commands.recv_many(held, BATCH).await == 0 {
                // Every handle is gone; only the end of the process does that.
                std::future::pending::<()>().await;
            }
            let gathered = match self.gather(commands, held).await {
                Ok(()) if held.is_empty() => Ok(()),
                Ok(()) => self.batch(held).await,
                Err(trouble) => Err(trouble),
            };
            if let Err(trouble) = gathered {
                return trouble;
            }
        }
    }

    /// Group commit: what arrives during a commit becomes the next batch. It is decided meanwhile, and not appended: to append it
    /// piece by piece would cost a script call for each and make nothing durable sooner.
    async fn gather(
        &mut self,
        commands: &mut mpsc::Receiver<Submission>,
        held: &mut Vec<Submission>,
    ) -> Result<(), Trouble> {
        loop {
            while held.len() < BATCH
                && let Ok(submission) = commands.try_recv()
            {
                held.push(submission);
            }
            if self.desk.stalled.load(Ordering::Relaxed) {
                for submission in held.drain(..) {
                    let _gone = submission
                        .reply
                        .send(Err(Error::Unavailable(anyhow::anyhow!("SQL is out of reach"))));
                }
                return self.forget_decided().await;
            }
            if self.desk.lock().appended.is_empty() {
                // Who has gone away asks again, and takes nobody's place meanwhile.
                if held.iter().any(|submission| submission.reply.is_closed()) {
                    held.retain(|submission| !submission.reply.is_closed());
                    self.forget_decided().await?;
                }
                return Ok(());
            }
            self.decide(held)?;
            let room = BATCH - held.len();
            tokio::select! {
                biased;
                () = self.desk.rest.notified() => {}
                more = commands.recv_many(held, room), if room > 0 => if more == 0 {
                    self.desk.rest.notified().await;
                },
            }
        }
    }

    /// Decides and appends every held command. They are taken from `held` only when their fate is settled.
    async fn batch(&mut self, held: &mut Vec<Submission>) -> Result<(), Trouble> {
        loop {
            self.decide(held)?;
            let Decided { from: seq, entries, outcomes } = std::mem::take(&mut self.decided);
            if !entries.is_empty() {
                let started = Instant::now();
                match self.log.append(self.view, seq, &entries).await {
                    Ok(Appended::Done) => {}
                    Ok(Appended::Conflict) => {
                        self.metrics.conflict();
                        self.read_tail().await?;
                        continue;
                    }
                    Err(fence) => {
                        // Perhaps they stand there. When the hall is open again, what is held is decided anew and finds out.
                        for (submission, (_, answer)) in held.iter_mut().zip(&outcomes) {
                            let event = answer.as_ref().ok().filter(|answer| !answer.is_replay);
                            submission.in_doubt.extend(event.and_then(|answer| answer.event));
                        }
                        return Err(fence.into());
                    }
                }
                self.metrics.appended(entries.len(), started.elapsed());
            } else if self.committed.head().0 > seq
                || !self.log.tail(self.view, seq, &self.spec.chain).await?.is_empty()
            {
                // Of what is committed Redis may have let go the part behind `seq`, at the opening of a day; SQL has it.
                // An append proves that it was decided on the latest state. Refusals and replays append nothing: another
                // instance may have opened the counter that is refused here as closed.
                self.read_tail().await?;
                continue;
            }
            self.committed.note_appended(self.spec.fold.seq());
            self.desk.add(self.committed.head().0, entries);
            let mut desk = self.desk.lock();
            for (submission, (seq, answer)) in held.drain(..).zip(outcomes) {
                desk.pending.push_back(Pending { seq, reply: submission.reply, answer });
            }
            drop(desk);
            self.desk.work.notify_one();
            return Ok(());
        }
    }

    /// Decides every command that is not decided yet in turn, each on the state that the ones before leave.
    fn decide(&mut self, held: &[Submission]) -> Result<(), Trouble> {
        if self.decided.outcomes.is_empty() {
            self.decided.from = self.spec.fold.seq();
        }
        for submission in &held[self.decided.outcomes.len()..] {
            // Commands may overtake each other on their way here, or be held while the hall is reopened; the log's time does
            // not step back for that. A clock that was set back is taken as it is.
            let overtaken = submission.now < self.latest && self.clock.now() >= self.latest;
            let now = if overtaken { self.latest } else { submission.now };
            self.latest = now;
            let decision = decide(&self.spec.fold, &submission.command, now, &EventId::generate);
            let answer = match decision {
                Ok(Decision::Happens(events)) => {
                    for event in events {
                        let entry = Entry::after(self.spec.fold.seq(), &self.spec.chain, event)
                            .map_err(Trouble::Refused)?;
                        self.follow(&entry);
                        self.decided.entries.push(entry);
                    }
                    let key = submission.command.request.as_ref().map_or("", |request| request.key.as_str());
                    Ok(self.spec.fold.replay(key).map(|replay| replay.answer.clone()).unwrap_or_default())
                }
                Ok(Decision::Replayed(answer)) => {
                    // What this very request did, in an append that was in doubt, nobody was told before.
                    let is_its_own = answer.event.is_some_and(|event| submission.in_doubt.contains(&event));
                    Ok(Answer { is_replay: !is_its_own, ..answer })
                }
                Ok(Decision::Unchanged(answer)) => Ok(answer),
                Err(rejection) => Err(Error::Rejected(rejection)),
            };
            // Replays and refusals too wait until the state they were decided on is durable.
            self.decided.outcomes.push((self.spec.fold.seq(), answer));
        }
        Ok(())
    }

    /// Goes back to what stands in the log, where something was decided that is not to be appended.
    async fn forget_decided(&mut self) -> Result<(), Trouble> {
        if self.decided.outcomes.is_empty() { Ok(()) } else { self.read_tail().await }
    }

    /// Starts over from what is committed and folds what stands behind it in Redis.
    async fn read_tail(&mut self) -> Result<(), Trouble> {
        self.decided = Decided::default();
        self.spec = self.committed.snapshot();
        let handed: Vec<Entry> = self.desk.lock().appended.iter().cloned().collect();
        let committed = self.spec.fold.seq();
        for entry in handed.iter().filter(|entry| entry.seq > committed) {
            self.follow(entry);
        }
        let entries = self.log.tail(self.view, self.spec.fold.seq(), &self.spec.chain).await?;
        for entry in &entries {
            self.follow(entry);
        }
        self.desk.add(committed, entries);
        self.desk.work.notify_one();
        Ok(())
    }

    /// Takes an entry that stands in Redis into the speculative state.
    fn follow(&mut self, entry: &Entry) {
        self.latest = self.latest.max(entry.event.at);
        self.spec.fold.apply(&entry.event);
        self.spec.chain.clone_from(&entry.chain);
    }
}

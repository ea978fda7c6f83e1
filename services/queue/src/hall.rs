//! The halls that this instance serves: one actor per hall, and the committed state for readers.
//!
//! Any instance may serve any hall. The actor ([`actor`]) decides and appends; the flusher ([`flusher`]) makes it durable and
//! then answers. Readers see committed state only, so that nothing shown is ever rolled back.

mod actor;
mod flusher;
pub(crate) mod log;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::SubsecRound as _;
use futures::StreamExt as _;
use mpp_kit::clock::Clock;
use mpp_kit::idempotency;
use mpp_kit::redis::Redis;
use mpp_kit::shutdown::Shutdown;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::domain::decide::{Command, Order};
use crate::domain::event::RequestKey;
use crate::domain::fold::{Answer, Fold};
use crate::domain::hall::Hall;
use crate::domain::rejection::{Rejection, Thing};
use crate::domain::{CounterId, HallId, TicketId};
use crate::error::Error;
use crate::metrics::Metrics;
use crate::store::{Registration, Store};
use actor::Submission;
use log::Log;

/// Commands that may wait for one hall before further ones are turned away.
const INBOX: usize = 1024;
/// How long a caller waits for its answer to become durable.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long a reader waits for what it has seen at another instance: twice as long as this one takes to look around.
const CATCH_UP: Duration = Duration::from_secs(2);
/// How often halls that another instance created are looked for.
const DISCOVERY: Duration = Duration::from_secs(1);

/// The halls of this installation. Clones share everything.
#[derive(Clone)]
pub struct Halls {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    redis: Redis,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
    metrics: Metrics,
    halls: RwLock<HashMap<HallId, HallHandle>>,
    /// One at a time creates or discovers halls.
    opening: tokio::sync::Mutex<()>,
}

/// One hall, as commands and readers reach it. Clones share everything.
#[derive(Clone)]
pub struct HallHandle {
    id: HallId,
    secret: Arc<[u8]>,
    inbox: mpsc::Sender<Submission>,
    committed: Arc<CommittedState>,
    clock: Arc<dyn Clock>,
}

/// What is durable: the fold for readers, and its position for those who wait.
pub(crate) struct CommittedState {
    durable: RwLock<Durable>,
    /// The epoch that this instance last read or opened. It is noted after what was committed under it is here.
    epoch: AtomicI64,
    position: watch::Sender<u64>,
    /// The last position that is known to stand in Redis.
    appended: AtomicU64,
    /// Rings when another instance may have committed.
    bell: Notify,
}

/// A fold with the hash that chains the log up to its position.
#[derive(Clone)]
pub(crate) struct Durable {
    fold: Fold,
    chain: String,
}

impl CommittedState {
    fn read<T>(&self, f: impl FnOnce(&Fold) -> T) -> T {
        f(&self.durable.read().unwrap_or_else(PoisonError::into_inner).fold)
    }

    /// The whole state, to go on from.
    fn snapshot(&self) -> Durable {
        self.durable.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The position and the hash up to it.
    fn head(&self) -> (u64, String) {
        let durable = self.durable.read().unwrap_or_else(PoisonError::into_inner);
        (durable.fold.seq(), durable.chain.clone())
    }

    /// Notes that the log stands in Redis up to here.
    fn note_appended(&self, seq: u64) {
        self.appended.fetch_max(seq, Ordering::Relaxed);
    }

    /// Notes the epoch in force.
    fn opened(&self, epoch: i64) {
        self.epoch.store(epoch, Ordering::Release);
    }

    /// Starts over from what SQL holds.
    fn replace(&self, durable: Durable) {
        let seq = durable.fold.seq();
        *self.durable.write().unwrap_or_else(PoisonError::into_inner) = durable;
        self.position.send_replace(seq);
    }

    /// Applies entries that are committed now, and shows them.
    fn advance(&self, entries: &[log::Entry]) {
        let Some(last) = entries.last() else { return };
        let mut durable = self.durable.write().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            durable.fold.apply(&entry.event);
        }
        durable.chain.clone_from(&last.chain);
        drop(durable);
        self.position.send_replace(last.seq);
    }
}

impl Halls {
    /// Loads every registered hall and starts its actor.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open(
        store: Store,
        redis: Redis,
        clock: Arc<dyn Clock>,
        shutdown: Shutdown,
        metrics: Metrics,
    ) -> Result<Self, Error> {
        let halls = Self {
            shared: Arc::new(Shared {
                store,
                redis,
                clock,
                shutdown,
                metrics,
                halls: RwLock::new(HashMap::new()),
                opening: tokio::sync::Mutex::new(()),
            }),
        };
        halls.discover().await?;
        Ok(halls)
    }

    /// The hall with this id.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none.
    pub async fn hall(&self, id: HallId) -> Result<HallHandle, Error> {
        if let Some(handle) = self.known(id) {
            return Ok(handle);
        }
        // Another instance may have created it a moment ago.
        self.discover().await?;
        self.known(id).ok_or_else(|| Rejection::NotFound(Thing::Hall).into())
    }

    /// Every hall, by code. One whose log has not begun is none yet.
    #[must_use]
    pub fn all(&self) -> Vec<HallHandle> {
        let mut halls: Vec<(String, HallHandle)> = self
            .handles()
            .into_iter()
            .filter(|hall| hall.read(Fold::seq) > 0)
            .map(|hall| (hall.read(|fold| fold.hall().code.clone()), hall))
            .collect();
        halls.sort_by(|one, other| one.0.cmp(&other.0));
        halls.into_iter().map(|(_, hall)| hall).collect()
    }

    /// The hall that has this counter.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none.
    pub fn of_counter(&self, id: CounterId) -> Result<HallHandle, Error> {
        self.find(|fold| fold.plan(id).is_some(), Thing::Counter)
    }

    /// The hall that issued this ticket on its latest day.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none.
    pub fn of_ticket(&self, id: TicketId) -> Result<HallHandle, Error> {
        self.find(|fold| fold.ticket(id).is_some(), Thing::Ticket)
    }

    /// The hall that issued this ticket, also when another instance issued it a moment ago and this one has not heard of it
    /// yet: the hall's actor reads the log before it refuses.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none.
    pub async fn issuer_of(&self, id: TicketId) -> Result<HallHandle, Error> {
        if let Ok(hall) = self.of_ticket(id) {
            return Ok(hall);
        }
        match self.shared.store.ticket(id).await? {
            Some(ticket) => self.hall(ticket.hall).await,
            None => Err(Rejection::NotFound(Thing::Ticket).into()),
        }
    }

    /// The hall that issued the ticket with this public token on its latest day.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none.
    pub fn of_token(&self, token: &str) -> Result<HallHandle, Error> {
        self.find(|fold| fold.ticket_by_token(token).is_some(), Thing::Ticket)
    }

    /// Configures a hall; creates it when its id is new. The hall of the answer has another id when somebody else began to
    /// create it under the same code.
    ///
    /// # Errors
    /// A refusal, or `UNAVAILABLE`. [`Rejection::ConfiguredMeanwhile`] when somebody else was first: what was asked was made
    /// from what stood before.
    pub async fn apply(&self, mut command: Command) -> Result<Answer, Error> {
        let Order::Configure(hall) = &command.order else {
            return Err(Error::Internal(anyhow::anyhow!("only a configuration can be applied")));
        };
        let mut id = hall.id;
        if self.known(hall.id).is_none() {
            let defects = hall.defects();
            if !defects.is_empty() {
                return Err(Rejection::Configuration(defects).into());
            }
            let _one_at_a_time = self.shared.opening.lock().await;
            let secret: [u8; 32] = rand::random();
            let now = self.shared.clock.now();
            let (registration, has_begun) =
                self.shared.store.register(hall.id, &hall.code, &secret, now).await?;
            if has_begun {
                return Err(Rejection::ConfiguredMeanwhile.into());
            }
            id = registration.id;
            let hall = Hall { id, ..Hall::clone(hall) };
            command.order = Order::Configure(Arc::new(hall.clone()));
            if self.known(id).is_none() {
                self.start(
                    &registration,
                    Durable { fold: Fold::new(hall), chain: log::GENESIS.to_owned() },
                    0,
                );
            }
        }
        self.hall(id).await?.submit(command).await
    }

    /// What SQL holds.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// Tells when the process ends.
    #[must_use]
    pub fn shutdown(&self) -> &Shutdown {
        &self.shared.shutdown
    }

    /// Follows commits of other instances and finds halls that they create, until the process ends.
    ///
    /// # Errors
    /// Never; it works around every failure by asking again.
    pub async fn follow(self) -> anyhow::Result<()> {
        let listen = async {
            loop {
                if let Err(error) = self.listen().await {
                    tracing::warn!(error = %error, "not listening for commits of other instances, asking every second");
                }
                tokio::time::sleep(DISCOVERY).await;
            }
        };
        let discover = async {
            loop {
                tokio::time::sleep(DISCOVERY).await;
                if let Err(error) = self.discover().await {
                    tracing::warn!(error = %error, "cannot look for halls");
                }
            }
        };
        tokio::select! {
            () = self.shared.shutdown.triggered() => {}
            () = listen => {}
            () = discover => {}
        }
        Ok(())
    }

    async fn listen(&self) -> anyhow::Result<()> {
        let mut subscriber = self.shared.redis.subscriber().await?;
        subscriber.psubscribe("q:{*}:committed").await?;
        let mut messages = subscriber.into_on_message();
        while let Some(message) = messages.next().await {
            let seq: u64 = message.get_payload().unwrap_or(u64::MAX);
            let hall = message.get_channel_name().trim_start_matches("q:{").trim_end_matches("}:committed");
            if let Some(handle) = hall.parse().ok().and_then(|id| self.known(id))
                && seq > handle.committed.read(Fold::seq)
            {
                handle.committed.bell.notify_one();
            }
        }
        anyhow::bail!("the subscription ended")
    }

    /// Finds halls that another instance has just created or is creating, and reads on in those that this one knows.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look_for_new_ones(&self) -> Result<(), Error> {
        self.discover().await?;
        for hall in self.handles() {
            hall.committed.bell.notify_one();
            hall.reaches(1).await;
        }
        Ok(())
    }

    async fn discover(&self) -> Result<(), Error> {
        let _one_at_a_time = self.shared.opening.lock().await;
        for registration in self.shared.store.registrations().await? {
            if self.known(registration.id).is_some() {
                continue;
            }
            // Before the log: what is read after it was committed under this epoch or a later one.
            let epoch = self.shared.store.shard(registration.id).await?.map_or(0, |shard| shard.epoch);
            if let Some(durable) = flusher::load(&self.shared.store, registration.id).await? {
                self.start(&registration, durable, epoch);
            }
        }
        Ok(())
    }

    fn start(&self, registration: &Registration, durable: Durable, epoch: i64) {
        let (inbox, commands) = mpsc::channel(INBOX);
        let committed = Arc::new(CommittedState {
            epoch: AtomicI64::new(epoch),
            position: watch::Sender::new(durable.fold.seq()),
            appended: AtomicU64::new(durable.fold.seq()),
            durable: RwLock::new(durable),
            bell: Notify::new(),
        });
        let handle = HallHandle {
            id: registration.id,
            secret: registration.secret.clone().into(),
            inbox,
            committed: Arc::clone(&committed),
            clock: Arc::clone(&self.shared.clock),
        };
        let actor = actor::Actor::new(
            registration.id,
            self.shared.store.clone(),
            Log::new(self.shared.redis.clone(), registration.id),
            committed,
            commands,
            (Arc::clone(&self.shared.clock), self.shared.metrics.clone()),
        );
        tokio::spawn(actor.run(self.shared.shutdown.clone()));
        self.shared.halls.write().unwrap_or_else(PoisonError::into_inner).insert(handle.id, handle);
    }

    fn known(&self, id: HallId) -> Option<HallHandle> {
        self.shared.halls.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    fn handles(&self) -> Vec<HallHandle> {
        self.shared.halls.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn find(&self, has: impl Fn(&Fold) -> bool, thing: Thing) -> Result<HallHandle, Error> {
        let halls = self.shared.halls.read().unwrap_or_else(PoisonError::into_inner);
        halls.values().find(|hall| hall.read(&has)).cloned().ok_or_else(|| Rejection::NotFound(thing).into())
    }
}

impl HallHandle {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> HallId {
        self.id
    }

    /// Asks the hall to do something. The answer is durable when it comes.
    ///
    /// # Errors
    /// A refusal; or `UNAVAILABLE` when Redis or SQL do not take part in time: whether it happened is then unknown, and
    /// asking again with the same request id gives the one answer.
    pub async fn submit(&self, mut command: Command) -> Result<Answer, Error> {
        let keeps_its_key = command.request.is_some();
        // The actor may have to decide a command again after a failure. A key of its own makes that safe also for callers
        // who gave none.
        command.request.get_or_insert_with(|| RequestKey {
            key: format!("-:{}", uuid::Uuid::now_v7().simple()),
            fingerprint: String::new(),
        });
        let (reply, answer) = oneshot::channel();
        // Milliseconds are enough for people, and both databases keep them.
        let submission =
            Submission { command, now: self.clock.now().trunc_subsecs(3), reply, in_doubt: Vec::new() };
        self.inbox
            .try_send(submission)
            .map_err(|_| Error::Unavailable(anyhow::anyhow!("too many commands wait for this hall")))?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => {
                if keeps_its_key && answer.as_ref().is_ok_and(|answer| answer.is_replay) {
                    idempotency::note_replay();
                }
                answer
            }
            Ok(Err(_)) => Err(Error::Unavailable(anyhow::anyhow!("the hall is being reopened"))),
            Err(_) => Err(Error::Unavailable(anyhow::anyhow!("the answer did not become durable in time"))),
        }
    }

    /// Reads the committed state. Keep `f` short: it holds a lock.
    pub fn read<T>(&self, f: impl FnOnce(&Fold) -> T) -> T {
        self.committed.read(f)
    }

    /// The hall as it is configured.
    #[must_use]
    pub fn plan(&self) -> Arc<Hall> {
        self.read(|fold| Arc::clone(fold.hall()))
    }

    /// Ticks with the committed position.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.committed.position.subscribe()
    }

    /// Waits until this instance shows the hall at `seq` or later, for somebody who has seen that elsewhere. Not for ever:
    /// who asks for more than was ever committed, or than a database that was set back still holds, gets what there is.
    pub async fn reaches(&self, seq: u64) {
        let mut committed = self.committed();
        if *committed.borrow_and_update() >= seq {
            return;
        }
        self.committed.bell.notify_one();
        if tokio::time::timeout(CATCH_UP, committed.wait_for(|at| *at >= seq)).await.is_err() {
            tracing::debug!(hall = %self.id, seq, "nothing is known of a position that was seen elsewhere");
        }
    }

    /// Under which epoch this instance serves the hall; 0 before it has opened one. It grows whenever the log is written into
    /// Redis anew. Where positions went back, it is a later one: of two states that with the greater epoch and position is
    /// the newer.
    #[must_use]
    pub fn epoch(&self) -> i64 {
        self.committed.epoch.load(Ordering::Acquire)
    }

    /// Events that stand in Redis and are not durable yet, as far as this instance knows.
    #[must_use]
    pub fn lag(&self) -> u64 {
        let committed = *self.committed.position.borrow();
        self.committed.appended.load(Ordering::Relaxed).saturating_sub(committed)
    }

    /// Streams that follow this hall at this instance.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.committed.position.receiver_count()
    }

    /// 32 random bytes of this hall, for site codes.
    #[must_use]
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }
}

//! The flusher of a hall: makes appended entries durable in SQL, whole prefixes at a time, then answers and shows them.
//!
//! A transaction moves the shard row from where this instance knows it to the last entry, under the epoch; if the row does
//! not stand there, nothing is written. So what SQL holds is one chain, whoever wrote which part of it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::actor::{Desk, Trouble};
use super::log::{Entry, Fence, Log, View, link};
use super::{CommittedState, Durable};
use crate::domain::HallId;
use crate::domain::event::Kind;
use crate::domain::fold::Fold;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::store::{Committed, Store};

/// How often the shard row and the end of the log are looked at when nothing else rings.
const POLL: Duration = Duration::from_secs(1);
/// How long commits may fail before further commands are turned away.
const STALL: Duration = Duration::from_secs(2);
/// The longest pause between two attempts to commit.
const RETRY_MAX: Duration = Duration::from_millis(500);

/// What SQL holds of a hall, folded; `None` when its log has not begun.
pub(super) async fn load(store: &Store, hall: HallId) -> Result<Option<Durable>, Error> {
    let start = store.day_start(hall).await?;
    let entries = store.entries(hall, start).await?;
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(None) };
    let Some(configured) = first.event.hall.clone() else {
        return Err(Error::Internal(anyhow::anyhow!(
            "the log of {hall} does not begin with a configuration"
        )));
    };
    let mut fold = Fold::rewound(configured, start);
    for entry in &entries {
        fold.apply(&entry.event);
    }
    Ok(Some(Durable { fold, chain: last.chain.clone() }))
}

/// Takes over what other instances have committed. Answers false, and takes nothing, when SQL does not hold what this
/// instance knows to be committed: it was set back to an earlier moment.
pub(super) async fn catch_up(store: &Store, hall: HallId, committed: &CommittedState) -> Result<bool, Error> {
    let (seq, chain) = committed.head();
    let entries = store.entries(hall, seq).await?;
    let holds = match entries.first() {
        // The chain runs over everything before.
        Some(next) => next.seq == seq + 1 && next.chain == link(&chain, next.seq, &next.body),
        None => store.holds(hall, seq, &chain).await?,
    };
    if holds {
        committed.advance(&entries);
    }
    Ok(holds)
}

pub(super) struct Flusher<'a> {
    pub(super) hall: HallId,
    pub(super) view: &'a View,
    pub(super) log: &'a Log,
    pub(super) store: &'a Store,
    pub(super) committed: &'a CommittedState,
    pub(super) desk: &'a Desk,
    pub(super) metrics: &'a Metrics,
}

impl Flusher<'_> {
    /// Runs until something is wrong.
    pub(super) async fn run(&mut self) -> Trouble {
        loop {
            let trouble = tokio::select! {
                () = self.desk.work.notified() => self.flush().await,
                () = self.committed.bell.notified() => self.follow_others().await,
                () = tokio::time::sleep(POLL) => self.look_around().await,
            };
            if let Err(trouble) = trouble {
                return trouble;
            }
        }
    }

    /// Flushes everything that was appended.
    pub(super) async fn drain(&mut self) -> Result<(), Trouble> {
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), Trouble> {
        let mut failing_since: Option<Instant> = None;
        loop {
            self.forget_committed();
            self.resolve();
            let entries: Vec<Entry> = self.desk.lock().appended.iter().cloned().collect();
            let Some(first) = entries.first() else {
                // Nothing waits, whoever committed it: commands are welcome.
                self.desk.stalled.store(false, Ordering::Relaxed);
                self.desk.rest.notify_one();
                return Ok(());
            };
            if first.seq != self.committed.head().0 + 1 {
                return Err(Trouble::Fence(Fence::Diverged(first.seq)));
            }
            match self.commit(&entries).await {
                Ok(()) => {
                    failing_since = None;
                    self.desk.stalled.store(false, Ordering::Relaxed);
                }
                Err(Error::Unavailable(error)) => {
                    // What was appended waits in Redis; callers give up on their own.
                    let since = *failing_since.get_or_insert_with(|| {
                        tracing::debug!(hall = %self.hall, error = %error, "cannot commit, trying again");
                        Instant::now()
                    });
                    if since.elapsed() > STALL && !self.desk.stalled.swap(true, Ordering::Relaxed) {
                        tracing::warn!(hall = %self.hall, error = %error, "SQL is out of reach, nothing more is accepted");
                        self.desk.rest.notify_one();
                    }
                    self.desk.lock().pending.retain(|pending| !pending.is_abandoned());
                    // At once the first time: being fenced by another instance is not a fault.
                    tokio::time::sleep((since.elapsed() / 4).min(RETRY_MAX)).await;
                    self.reconcile().await?;
                    if self.committed.head().0 >= first.seq {
                        // Another instance commits what this one could not: SQL is not out of reach.
                        failing_since = None;
                        self.desk.stalled.store(false, Ordering::Relaxed);
                    }
                }
                Err(error @ (Error::Internal(_) | Error::Rejected(_) | Error::Invalid(_))) => {
                    return Err(Trouble::Refused(anyhow::anyhow!(error)));
                }
            }
        }
    }

    async fn commit(&mut self, entries: &[Entry]) -> Result<(), Error> {
        let started = Instant::now();
        let from = self.committed.head();
        let dates = self.dates(entries);
        match self.store.commit(self.hall, self.view, &from, entries, &dates).await? {
            Committed::Done => {
                self.metrics.flushed(entries.len(), started.elapsed());
                self.committed.advance(entries);
                self.forget_committed();
                // First, though it matters less: the runtime goes on with what was woken last, and that should be who waits for
                // an answer.
                self.announce(entries);
                self.resolve();
                Ok(())
            }
            Committed::Fenced => Err(Error::Unavailable(anyhow::anyhow!("another instance has committed"))),
        }
    }

    /// The business date of each entry: that of the day in force after it.
    fn dates(&self, entries: &[Entry]) -> Vec<String> {
        let mut date =
            self.committed.read(|fold| fold.day().map(|day| day.date.to_string())).unwrap_or_default();
        entries
            .iter()
            .map(|entry| {
                if let Some(day) = &entry.event.day {
                    date = day.date.to_string();
                }
                date.clone()
            })
            .collect()
    }

    /// Reads where SQL stands and takes over what others committed.
    async fn reconcile(&mut self) -> Result<(), Trouble> {
        let shard = match self.store.shard(self.hall).await {
            Ok(Some(shard)) => shard,
            Ok(None) => return Err(Trouble::Epoch),
            // Still out of reach: the next round tries again.
            Err(Error::Unavailable(_)) => return Ok(()),
            Err(error @ (Error::Internal(_) | Error::Rejected(_) | Error::Invalid(_))) => {
                return Err(Trouble::Refused(anyhow::anyhow!(error)));
            }
        };
        if shard.epoch != self.view.epoch || !shard.active {
            return Err(Trouble::Epoch);
        }
        let (committed, chain) = self.committed.head();
        // Only a database that lost commits stands before what it has committed, or elsewhere.
        if shard.seq < committed || (shard.seq == committed && shard.chain != chain) {
            return Err(Trouble::SetBack { from: committed, to: shard.seq });
        }
        if shard.seq > committed {
            match catch_up(self.store, self.hall, self.committed).await {
                Ok(true) | Err(Error::Unavailable(_)) => {}
                Ok(false) => return Err(Trouble::SetBack { from: committed, to: shard.seq }),
                Err(error @ (Error::Internal(_) | Error::Rejected(_) | Error::Invalid(_))) => {
                    return Err(Trouble::Refused(anyhow::anyhow!(error)));
                }
            }
            self.forget_committed();
            self.resolve();
        }
        Ok(())
    }

    async fn follow_others(&mut self) -> Result<(), Trouble> {
        self.reconcile().await?;
        self.flush().await
    }

    /// Nothing rang for a while: has another instance committed, or appended something and died before it could commit?
    async fn look_around(&mut self) -> Result<(), Trouble> {
        self.reconcile().await?;
        let (committed, chain) = self.committed.head();
        let (end, chain) = {
            let desk = self.desk.lock();
            desk.appended.back().map_or((committed, chain), |entry| (entry.seq, entry.chain.clone()))
        };
        let entries = self.log.tail(self.view, end, &chain).await?;
        self.desk.add(end, entries);
        self.flush().await
    }

    fn forget_committed(&self) {
        let (committed, _) = self.committed.head();
        self.desk.lock().appended.retain(|entry| entry.seq > committed);
    }

    /// Answers everybody whose state is durable.
    fn resolve(&self) {
        let (committed, _) = self.committed.head();
        let ready = {
            let mut desk = self.desk.lock();
            let ready = desk.pending.iter().take_while(|pending| pending.seq <= committed).count();
            desk.pending.drain(..ready).collect::<Vec<_>>()
        };
        for pending in ready {
            pending.resolve();
        }
    }

    /// Tells other instances; when a day begins, the log of the day before is no longer needed in Redis.
    fn announce(&self, entries: &[Entry]) {
        let Some(last) = entries.last().map(|entry| entry.seq) else { return };
        let keep =
            entries.iter().rev().find(|entry| entry.event.kind == Kind::DayOpened).map(|entry| entry.seq);
        let log = self.log.clone();
        tokio::spawn(async move {
            if let Err(error) = log.announce(last, keep).await {
                // Other instances look at the shard row every second anyway.
                tracing::debug!(error = %error, "a commit was not announced");
            }
        });
    }
}

//! Plans deliveries from the events of the service, and makes the attempts that are due.
//!
//! An event is planned once for each address: the place up to which an address was planned moves in the transaction that
//! writes the deliveries, and a unique index proves it. Attempts of one address run beside those of others, a few at
//! once, and one at a time to an address that fails: a slow or dead receiver costs the others nothing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{DatabaseTransaction, DbErr};
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinSet;

use super::WebhooksConfig;
use super::guard::{Guard, Names, SystemNames};
use super::message;
use super::rules::{self, DeliveryId, DeliveryState, DisableReason, Next, WebhookId, wants};
use super::send::{Outcome, Outgoing, Sender};
use super::signature::SigningKey;
use super::store::{self, Attempt, Delivery, Endpoint};
use crate::cipher::Cipher;
use crate::clock::Clock;
use crate::component::{Env, Worker};
use crate::db::Db;
use crate::event::{self, Recorded};
use crate::fault::chain;
use crate::journal;

/// The id of the installation as a caller.
const SYSTEM: &str = "system";
/// How often the worker looks. An event is under way within this time.
const EVERY: Duration = Duration::from_millis(500);
/// Events that are planned for an address in one transaction.
const BATCH: u64 = 200;
/// How long an attempt holds its delivery beyond its own limit: after that, its process is taken to have ended.
const HOLD: TimeDelta = TimeDelta::seconds(40);
/// How often finished deliveries are forgotten.
const PURGE_EVERY: TimeDelta = TimeDelta::hours(1);
/// How long attempts under way are waited for when the process ends; the rest is tried again elsewhere.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// What a service does with what its dispatcher sees.
#[async_trait::async_trait]
pub trait Watch: Send + Sync {
    /// These addresses get messages now.
    fn enabled(&self, endpoints: &[Endpoint]);
    /// An attempt ended so (`DELIVERED`, `AGAIN`, `GIVEN_UP`, `GONE`) and took this long.
    fn attempted(&self, told: &'static str, took: Duration);
    /// A message was not sent, for its owner does not reach what it tells of.
    fn withheld(&self);
    /// An address gets no more messages, for this reason and by nothing that its owner did: he is to be told, on another way
    /// than the one that fails. In the transaction that ends the messages.
    async fn disabled(
        &self,
        tx: &DatabaseTransaction,
        endpoint: &Endpoint,
        reason: DisableReason,
        now: DateTime<Utc>,
    ) -> Result<(), DbErr>;
}

/// Plans and makes deliveries.
pub struct Dispatcher {
    watch: Arc<dyn Watch>,
    db: Db,
    cipher: Cipher,
    clock: Arc<dyn Clock>,
    config: WebhooksConfig,
    sender: Sender,
    /// Attempts under way, for each address.
    under_way: Mutex<HashMap<WebhookId, u32>>,
    tasks: AsyncMutex<JoinSet<()>>,
    purged_at: Mutex<Option<DateTime<Utc>>>,
}

/// What one look did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tick {
    /// Deliveries that were planned.
    pub planned: usize,
    /// Attempts that were begun.
    pub begun: usize,
}

impl Dispatcher {
    /// A dispatcher for the events in this database.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(
        db: Db,
        cipher: Cipher,
        clock: Arc<dyn Clock>,
        config: WebhooksConfig,
        watch: Arc<dyn Watch>,
    ) -> anyhow::Result<Self> {
        let timeout = Duration::from_secs(config.timeout_seconds.into());
        Self::with((db, cipher, clock), (config, watch), Arc::new(SystemNames), timeout)
    }

    /// As [`Dispatcher::new`], with another resolver and limit.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn with(
        (db, cipher, clock): (Db, Cipher, Arc<dyn Clock>),
        (config, watch): (WebhooksConfig, Arc<dyn Watch>),
        names: Arc<dyn Names>,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            watch,
            db,
            cipher,
            clock,
            sender: Sender::new(Guard::new(&config), names, timeout)?,
            config,
            under_way: Mutex::default(),
            tasks: AsyncMutex::default(),
            purged_at: Mutex::default(),
        })
    }

    /// Plans what happened and begins what is due at `now`. Returns while attempts are under way.
    ///
    /// # Errors
    /// As reported by the database.
    pub async fn tick(self: &Arc<Self>, now: DateTime<Utc>) -> Result<Tick, DbErr> {
        let mut tick = Tick::default();
        let last = event::last_seq(&self.db.read).await?;
        let endpoints = store::enabled(&self.db.read, &self.cipher).await?;
        self.watch.enabled(&endpoints);
        let mut batches: HashMap<i64, Vec<Recorded>> = HashMap::new();
        for endpoint in endpoints {
            // Where nobody notes when owners call, as for the installation itself, nobody is missed.
            let limit = TimeDelta::days(self.config.unseen_days.into());
            if endpoint.body.seen_at.is_some_and(|seen_at| now - seen_at > limit) && endpoint.owner != SYSTEM
            {
                self.turn_off(&endpoint, DisableReason::Unseen, now).await?;
                continue;
            }
            if endpoint.planned_seq < last {
                // Most addresses stand at the same place: what follows it is read once.
                let events = match batches.entry(endpoint.planned_seq) {
                    Entry::Occupied(read) => read.into_mut(),
                    Entry::Vacant(unread) => {
                        unread.insert(event::list(&self.db.read, None, endpoint.planned_seq, BATCH).await?)
                    }
                };
                tick.planned += self.plan(&endpoint, events, now).await?;
            }
            tick.begun += self.begin_due(&endpoint, now).await?;
        }
        self.purge(now).await?;
        let mut tasks = self.tasks.lock().await;
        while tasks.try_join_next().is_some() {}
        Ok(tick)
    }

    /// Waits for the attempts that are under way.
    pub async fn settle(&self) {
        let mut tasks = self.tasks.lock().await;
        while tasks.join_next().await.is_some() {}
    }

    /// Plans what its owner is told of these events, which follow the last that was planned.
    async fn plan(
        &self,
        endpoint: &Endpoint,
        events: &[Recorded],
        now: DateTime<Utc>,
    ) -> Result<usize, DbErr> {
        let Some(last) = events.last() else { return Ok(0) };
        let tx = self.db.begin().await?;
        if !store::advance(&tx, endpoint.id, endpoint.planned_seq, last.seq).await? {
            // Another instance was first.
            return Ok(0);
        }
        let wanted = events
            .iter()
            .filter(|event| wants(&endpoint.body.types, &event.kind) && endpoint.is_told_of(&event.area));
        let mut planned = 0;
        for event in wanted {
            let delivery = Delivery {
                id: DeliveryId::generate(),
                endpoint: endpoint.id,
                event_seq: event.seq,
                event_id: event.id.clone(),
                kind: event.kind.clone(),
                state: DeliveryState::Pending,
                attempt_count: 0,
                due_at: now,
                body: message::body(event, endpoint.body.format),
                attempts: Vec::new(),
                created_at: now,
            };
            store::plan(&tx, &delivery).await?;
            planned += 1;
        }
        tx.commit().await?;
        Ok(planned)
    }

    async fn begin_due(self: &Arc<Self>, endpoint: &Endpoint, now: DateTime<Utc>) -> Result<usize, DbErr> {
        // A receiver that fails gets one message at a time, until one succeeds.
        let limit = if endpoint.failing_since.is_some() { 1 } else { self.config.concurrency };
        let free = limit.saturating_sub(self.count(endpoint.id));
        if free == 0 {
            return Ok(0);
        }
        let mut begun = 0;
        let limit = TimeDelta::seconds(self.config.timeout_seconds.into());
        let until = now + limit + HOLD;
        let due = store::due(&self.db.read, endpoint.id, now, free.into()).await?;
        // What was planned, or is replayed, goes by what its owner reaches now.
        let seqs: Vec<i64> = due.iter().map(|delivery| delivery.event_seq).collect();
        let areas = event::areas_of(&self.db.read, &seqs).await?;
        for delivery in due {
            if !areas.get(&delivery.event_seq).is_some_and(|area| endpoint.is_told_of(area)) {
                store::give_up(&self.db.write, delivery.id, now).await?;
                self.watch.withheld();
                continue;
            }
            if !store::claim(&self.db.write, delivery.id, now, until).await? {
                continue;
            }
            let under_way = UnderWay::new(self, endpoint.id);
            let endpoint = endpoint.clone();
            self.tasks.lock().await.spawn(async move {
                let dispatcher = &under_way.dispatcher;
                if let Err(error) = dispatcher.attempt(&endpoint, delivery, until).await {
                    // It is tried again when its hold has ended.
                    tracing::warn!(error = chain(&error), "the outcome of a webhook could not be written");
                }
            });
            begun += 1;
        }
        Ok(begun)
    }

    /// Makes one attempt and writes what came of it.
    async fn attempt(
        &self,
        endpoint: &Endpoint,
        mut delivery: Delivery,
        until: DateTime<Utc>,
    ) -> Result<(), DbErr> {
        let at = self.now();
        let keys = keys(endpoint, at);
        let outgoing = Outgoing {
            url: &endpoint.body.url,
            id: &delivery.event_id,
            body: &delivery.body,
            format: endpoint.body.format,
            keys: &keys,
        };
        let outcome = self.sender.send(&outgoing, at).await;
        let now = self.now();
        delivery.attempt_count += 1;
        delivery.attempts.push(Attempt {
            at,
            status: outcome.status.unwrap_or(0),
            problem: outcome.problem.to_owned(),
            answer: outcome.answer.clone(),
            ms: u32::try_from(outcome.took.as_millis()).unwrap_or(u32::MAX),
        });
        let next =
            rules::next(delivery.attempt_count, outcome.status, outcome.retry_after, rand::random(), now);
        let told;
        (delivery.state, delivery.due_at, told) = match next {
            Next::Delivered => (DeliveryState::Delivered, now, "DELIVERED"),
            Next::Again(at) => (DeliveryState::Pending, at, "AGAIN"),
            Next::GivenUp => (DeliveryState::Failed, now, "GIVEN_UP"),
            Next::Gone => (DeliveryState::Failed, now, "GONE"),
        };
        self.watch.attempted(told, outcome.took);
        let tx = self.db.begin().await?;
        if !store::save(&tx, &delivery, until, now).await? {
            // Replayed meanwhile: what counts is that one.
            return Ok(());
        }
        self.judge(&tx, endpoint.id, (next, &outcome), now).await?;
        tx.commit().await
    }

    /// Writes what the outcome says about the address.
    async fn judge(
        &self,
        tx: &DatabaseTransaction,
        id: WebhookId,
        (next, outcome): (Next, &Outcome),
        now: DateTime<Utc>,
    ) -> Result<(), DbErr> {
        // As it is now: other attempts may have ended since this one began.
        let Some(mut endpoint) = store::find(tx, &self.cipher, id).await? else { return Ok(()) };
        if next == Next::Delivered {
            if endpoint.failing_since.is_some() || !endpoint.last_problem.is_empty() {
                store::set_health(tx, id, None, "").await?;
            }
            return Ok(());
        }
        let since = endpoint.failing_since.unwrap_or(now);
        endpoint.last_problem = told(outcome);
        store::set_health(tx, id, Some(since), &endpoint.last_problem).await?;
        let reason = match next {
            Next::Gone => Some(DisableReason::Gone),
            Next::GivenUp if rules::failed_too_long(Some(since), now) => Some(DisableReason::Failing),
            Next::GivenUp | Next::Again(_) | Next::Delivered => None,
        };
        match reason {
            Some(reason) => self.disable(tx, &endpoint, reason, now).await,
            None => Ok(()),
        }
    }

    /// Ends the messages to an address, in a transaction of its own.
    async fn turn_off(
        &self,
        endpoint: &Endpoint,
        reason: DisableReason,
        now: DateTime<Utc>,
    ) -> Result<(), DbErr> {
        let tx = self.db.begin().await?;
        self.disable(&tx, endpoint, reason, now).await?;
        tx.commit().await
    }

    /// Ends the messages to an address, says so in the journal, and has its owner told.
    async fn disable(
        &self,
        tx: &DatabaseTransaction,
        endpoint: &Endpoint,
        reason: DisableReason,
        now: DateTime<Utc>,
    ) -> Result<(), DbErr> {
        if !store::disable(tx, endpoint.id, reason, now).await? {
            return Ok(());
        }
        let detail = serde_json::json!({ "reason": reason.to_string() });
        let states = (Some("ENABLED".to_owned()), Some("DISABLED".to_owned()));
        let what = (SYSTEM, "webhook.disabled", &*endpoint.id.to_string());
        self.watch.disabled(tx, endpoint, reason, now).await?;
        // Last: writers of the journal take turns from here to their commit.
        journal::record(tx, what, states, detail, "", now).await?;
        Ok(())
    }

    async fn purge(&self, now: DateTime<Utc>) -> Result<(), DbErr> {
        {
            let mut purged_at = self.purged_at.lock().unwrap_or_else(PoisonError::into_inner);
            if purged_at.is_some_and(|at| now - at < PURGE_EVERY) {
                return Ok(());
            }
            *purged_at = Some(now);
        }
        store::purge(&self.db.write, now - TimeDelta::days(self.config.keep_days.into())).await?;
        Ok(())
    }

    fn now(&self) -> DateTime<Utc> {
        use chrono::SubsecRound as _;
        self.clock.now().trunc_subsecs(6)
    }

    fn count(&self, id: WebhookId) -> u32 {
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.get(&id).copied().unwrap_or(0)
    }
}

/// Counts an attempt as under way as long as it lives, also when its task is torn down.
struct UnderWay {
    dispatcher: Arc<Dispatcher>,
    id: WebhookId,
}

impl UnderWay {
    fn new(dispatcher: &Arc<Dispatcher>, id: WebhookId) -> Self {
        let mut under_way = dispatcher.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        *under_way.entry(id).or_default() += 1;
        drop(under_way);
        Self { dispatcher: Arc::clone(dispatcher), id }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut under_way = self.dispatcher.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = under_way.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.id);
            }
        }
    }
}

/// The keys that hold at this moment, newest first.
fn keys(endpoint: &Endpoint, now: DateTime<Utc>) -> Vec<SigningKey> {
    endpoint
        .body
        .keys
        .iter()
        .filter(|key| key.expires_at.is_none_or(|end| now < end))
        .filter_map(|key| SigningKey::parse(&key.secret))
        .collect()
}

/// A failed attempt in a line for its owner.
fn told(outcome: &Outcome) -> String {
    match outcome.status {
        Some(status) => format!("HTTP {status} {}", outcome.answer).trim().to_owned(),
        None => outcome.problem.to_owned(),
    }
}

/// The worker: looks twice a second until the process ends.
pub fn worker(env: &Env, dispatcher: Arc<Dispatcher>) -> Worker {
    let (clock, shutdown) = (Arc::clone(&env.clock), env.shutdown.clone());
    Worker::new("webhooks", async move {
        while !shutdown.is_triggered() {
            use chrono::SubsecRound as _;
            // A database that is away comes back; what is due then is still due.
            if let Err(error) = dispatcher.tick(clock.now().trunc_subsecs(6)).await {
                tracing::warn!(error = chain(&error), "webhooks are looked at again in a moment");
            }
            tokio::select! { () = shutdown.triggered() => (), () = tokio::time::sleep(EVERY) => () }
        }
        let _unfinished = tokio::time::timeout(LAST_WAIT, dispatcher.settle()).await;
        Ok(())
    })
}

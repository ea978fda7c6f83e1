//! The log of a hall in Redis: three scripts, each fenced by epoch and by the identity of the server.
//!
//! Scripts ship inside the binary and run by `EVALSHA`. They know no business rule. Both keys of a hall share a hash tag,
//! so that whatever spreads halls over servers keeps them together. The driver is built without Cluster and
//! Sentinel: one server, or a name that a fail-over moves.

use std::sync::{Arc, LazyLock};

use anyhow::Context as _;
use mpp_kit::redis::Redis;
use redis::Script;
use redis::aio::MultiplexedConnection;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::domain::HallId;
use crate::domain::event::Event;

static APPEND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("append.lua")));
static TAIL: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("tail.lua")));
static INSTALL: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("install.lua")));

/// The chain before the first event of a hall.
pub(crate) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Under which epoch, and on which Redis server, an instance works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    /// Grows with each rebuild.
    pub(crate) epoch: i64,
    /// `run_id` of the Redis server that this epoch was opened on.
    pub(crate) run_id: String,
}

/// An event at its position, with its bytes and the hash that chains it to all before. Clones share event and bytes:
/// appender and flusher hold the same entries until they are committed.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) event: Arc<Event>,
    pub(crate) body: Arc<str>,
    pub(crate) chain: String,
}

/// An entry as it stands in Redis.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) seq: u64,
    pub(crate) body: String,
    pub(crate) chain: String,
}

impl Entry {
    /// The entry of `event` after the one with this chain.
    pub(crate) fn after(seq: u64, chain: &str, event: Event) -> anyhow::Result<Self> {
        let body = serde_json::to_string(&event).context("an event must serialize")?;
        let chain = link(chain, seq + 1, &body);
        Ok(Self { seq: seq + 1, event: Arc::new(event), body: body.into(), chain })
    }
}

/// The hash of an event chained to the one before: SHA-256 over the former chain, the position and the bytes.
pub(crate) fn link(chain: &str, seq: u64, body: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(chain.as_bytes());
    hash.update(seq.to_be_bytes());
    hash.update(body.as_bytes());
    hex::encode(hash.finalize())
}

/// Why Redis does not take part.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fence {
    /// The log is not there: Redis was emptied or is new.
    #[error("the log is missing in Redis")]
    NoEpoch,
    /// The log in Redis is of another epoch.
    #[error("Redis holds epoch {0}")]
    Epoch(i64),
    /// It is another Redis server, or the same one restarted: it may have lost a suffix.
    #[error("Redis has another identity")]
    Identity,
    /// The log is closed.
    #[error("the log is closed")]
    Closed,
    /// The log of this epoch ends before what is known to stand in it: it was written anew.
    #[error("the log ends at {0}, before what is known of it")]
    Behind(u64),
    /// The log does not continue what SQL holds, or cannot be read.
    #[error("the log diverges at {0}")]
    Diverged(u64),
    /// Redis did not answer; whether a script ran is unknown.
    #[error("Redis did not answer: {0}")]
    Unreachable(anyhow::Error),
}

/// What an append came to.
#[derive(Debug)]
pub(crate) enum Appended {
    /// The events stand at the end of the log.
    Done,
    /// Another instance was first; the log has moved on.
    Conflict,
}

/// The log of one hall.
#[derive(Clone)]
pub(crate) struct Log {
    redis: Redis,
    /// The connection in use; given up after any error, so that the next call begins with a new one.
    connection: Arc<Mutex<Option<MultiplexedConnection>>>,
    hall: HallId,
    meta: String,
    entries: String,
}

impl Log {
    pub(crate) fn new(redis: Redis, hall: HallId) -> Self {
        Self {
            redis,
            connection: Arc::default(),
            hall,
            meta: format!("q:{{{hall}}}:meta"),
            entries: format!("q:{{{hall}}}:log"),
        }
    }

    /// The channel on which a hall's commits are announced.
    pub(crate) fn channel(hall: HallId) -> String {
        format!("q:{{{hall}}}:committed")
    }

    /// Appends entries behind `seq`, in one atomic step.
    pub(crate) async fn append(&self, view: &View, seq: u64, entries: &[Entry]) -> Result<Appended, Fence> {
        let Some(last) = entries.last() else { return Ok(Appended::Done) };
        let mut call = APPEND.prepare_invoke();
        call.key(&self.meta).key(&self.entries).arg(view.epoch).arg(&view.run_id).arg(seq).arg(&last.chain);
        for entry in entries {
            call.arg(&*entry.body).arg(&entry.chain);
        }
        let answer = self.run(&call).await?;
        match answer.first().map(String::as_str) {
            Some("OK") => Ok(Appended::Done),
            Some("CONFLICT") => Ok(Appended::Conflict),
            _ => Err(fence(&answer)),
        }
    }

    /// Reads the entries behind `seq`, whose chain is given, and checks that they continue it.
    pub(crate) async fn tail(&self, view: &View, seq: u64, chain: &str) -> Result<Vec<Entry>, Fence> {
        let mut call = TAIL.prepare_invoke();
        call.key(&self.meta).key(&self.entries).arg(view.epoch).arg(&view.run_id).arg(seq + 1);
        let answer = self.run(&call).await?;
        if answer.first().map(String::as_str) != Some("OK") {
            return Err(fence(&answer));
        }
        let mut entries: Vec<Entry> = Vec::new();
        for fields in answer[2..].chunks_exact(3) {
            let (before, chain) =
                entries.last().map_or((seq, chain), |entry| (entry.seq, entry.chain.as_str()));
            let next = before + 1;
            if fields[0].parse() != Ok(next) || link(chain, next, &fields[1]) != fields[2] {
                return Err(Fence::Diverged(next));
            }
            let event = serde_json::from_str(&fields[1]).map(Arc::new).map_err(|_| Fence::Diverged(next))?;
            let (body, chain) = (fields[1].as_str().into(), fields[2].clone());
            entries.push(Entry { seq: next, event, body, chain });
        }
        let end = entries.last().map_or(seq, |entry| entry.seq);
        // The log must reach as far as its own header says; a hole at the end is a divergence too.
        match answer.get(1).and_then(|text| text.parse::<u64>().ok()) {
            Some(head) if head == end => Ok(entries),
            Some(head) if head < seq => Err(Fence::Behind(head)),
            Some(_) | None => Err(Fence::Diverged(end)),
        }
    }

    /// Writes the log of a new epoch and answers the `run_id` of the server that holds it.
    pub(crate) async fn install(
        &self,
        epoch: i64,
        seq: u64,
        chain: &str,
        lines: &[Line],
    ) -> Result<String, Fence> {
        let mut call = INSTALL.prepare_invoke();
        call.key(&self.meta).key(&self.entries).arg(epoch).arg(seq).arg(chain);
        for line in lines {
            call.arg(line.seq).arg(&line.body).arg(&line.chain);
        }
        let answer = self.run(&call).await?;
        match (answer.first().map(String::as_str), answer.get(1)) {
            (Some("OK"), Some(run_id)) => Ok(run_id.clone()),
            _ => Err(fence(&answer)),
        }
    }

    /// Tells other instances that the log is committed up to `seq`, and forgets entries of days before `keep`.
    pub(crate) async fn announce(&self, seq: u64, keep: Option<u64>) -> anyhow::Result<()> {
        let mut connection = self.connected().await.context("connecting to Redis")?;
        let mut pipe = redis::pipe();
        pipe.cmd("PUBLISH").arg(Self::channel(self.hall)).arg(seq).ignore();
        if let Some(keep) = keep {
            pipe.cmd("XTRIM").arg(&self.entries).arg("MINID").arg(format!("{keep}-0")).ignore();
        }
        pipe.query_async::<()>(&mut connection).await.context("announcing a commit")
    }

    async fn run(&self, call: &redis::ScriptInvocation<'_>) -> Result<Vec<String>, Fence> {
        let unreachable = |error: redis::RedisError| Fence::Unreachable(error.into());
        let mut connection = self.connected().await.map_err(unreachable)?;
        let answer = call.invoke_async(&mut connection).await;
        if answer.is_err() {
            *self.connection.lock().await = None;
        }
        answer.map_err(unreachable)
    }

    async fn connected(&self) -> Result<MultiplexedConnection, redis::RedisError> {
        let mut connection = self.connection.lock().await;
        if let Some(connection) = &*connection {
            return Ok(connection.clone());
        }
        let fresh = self.redis.fresh().await?;
        *connection = Some(fresh.clone());
        Ok(fresh)
    }
}

fn fence(answer: &[String]) -> Fence {
    match answer.first().map(String::as_str) {
        Some("NO_EPOCH") => Fence::NoEpoch,
        Some("EPOCH") => Fence::Epoch(answer.get(1).and_then(|epoch| epoch.parse().ok()).unwrap_or(0)),
        Some("IDENTITY") => Fence::Identity,
        Some("CLOSED") => Fence::Closed,
        other => Fence::Unreachable(anyhow::anyhow!("unknown answer of a script: {other:?}")),
    }
}

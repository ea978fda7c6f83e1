//! The append-only record of who did what, in the transaction of the deed. Each entry carries the hash of the one before,
//! so that a changed, removed or inserted entry is found by [`verify`].
//!
//! The table `journal` is made by `mpp_migrations::shared::journal`, and triggers refuse whoever would change or remove what
//! stands in it. Entries are numbered without gaps: writers of one service take turns from their append to their commit, so
//! append last.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::telemetry;

/// The hash before the first entry.
const GENESIS: [u8; 32] = [0; 32];
const PAGE: u64 = 1000;
/// Twelve columns each; SQLite binds 32,766 values in a statement.
const ROWS_PER_INSERT: usize = 500;
const COLUMNS: [&str; 12] = [
    "seq",
    "at",
    "who",
    "what",
    "subject",
    "from_state",
    "to_state",
    "detail",
    "request_id",
    "trace_id",
    "prev_hash",
    "hash",
];

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// When, to the microsecond.
    pub at: DateTime<Utc>,
    /// Who: the id of an account or device, or `system`. Never a name.
    pub who: String,
    /// What: the method or event, such as `ticket.called`.
    pub what: String,
    /// To which thing: its id.
    pub subject: String,
    /// Its state before, if it has states.
    pub from: Option<String>,
    /// Its state after.
    pub to: Option<String>,
    /// More, as JSON or empty. No personal data.
    pub detail: String,
    /// The caller's request id.
    pub request_id: String,
    /// The trace, see [`crate::telemetry::trace_id`].
    pub trace_id: String,
}

/// Appends what was done, with the trace at hand. Who and what it is about are ids, never names; `detail` holds no personal
/// data.
///
/// # Errors
/// As reported by the database.
pub async fn record(
    tx: &DatabaseTransaction,
    (who, what, subject): (&str, &str, &str),
    (from, to): (Option<String>, Option<String>),
    detail: serde_json::Value,
    request_id: &str,
    at: DateTime<Utc>,
) -> Result<(), DbErr> {
    let entry = Entry {
        at,
        who: who.to_owned(),
        what: what.to_owned(),
        subject: subject.to_owned(),
        from,
        to,
        detail: detail.to_string(),
        request_id: request_id.to_owned(),
        trace_id: telemetry::trace_id(),
    };
    append(tx, &entry).await.map(|_| ())
}

/// An entry as it stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its number, from 1.
    pub seq: i64,
    /// What was done.
    pub entry: Entry,
    /// The hash of the entry before.
    pub prev_hash: Vec<u8>,
    /// The hash of this entry, which covers the one before.
    pub hash: Vec<u8>,
}

/// The state of a sound journal. As text: the number and the hash, `12 5f3a…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// How many entries it has.
    pub entries: i64,
    /// The hash of the last one. Kept elsewhere, it also proves that none was cut off at the end.
    pub head: Vec<u8>,
}

impl fmt::Display for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.entries, hex::encode(&self.head))
    }
}

impl FromStr for Sound {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (entries, head) = text.split_once(' ').ok_or("a number and a hash are expected")?;
        let entries = entries.parse().map_err(|_| "the number of entries is none")?;
        let head = hex::decode(head).map_err(|_| "the hash is none")?;
        if head.len() == GENESIS.len() && entries >= 0 {
            Ok(Self { entries, head })
        } else {
            Err("the hash is none")
        }
    }
}

/// Why a journal is not what was written.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// An entry is missing or was inserted.
    #[error("the journal goes from entry {expected} to {found}: entries are missing")]
    Gap {
        /// The number that should come.
        expected: i64,
        /// The number that came.
        found: i64,
    },
    /// An entry was changed, or the one before it.
    #[error("entry {seq} of the journal was changed")]
    Changed {
        /// Which one.
        seq: i64,
    },
    /// The journal is sound in itself, and another one than that of an earlier look: it was cut off, or written anew.
    #[error(
        "entry {seq} of the journal, which was noted before, is gone or another one: the journal was cut off or written anew"
    )]
    NotAsNoted {
        /// The entry that was the last one then.
        seq: i64,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// A walk along a chain of entries, from the first on.
#[derive(Debug)]
pub struct Walk<'a> {
    sound: Sound,
    noted: &'a [Sound],
}

impl<'a> Walk<'a> {
    /// Before the first entry. `noted` is what earlier walks along the same chain ended with.
    #[must_use]
    pub fn new(noted: &'a [Sound]) -> Self {
        Self { sound: Sound { entries: 0, head: GENESIS.to_vec() }, noted }
    }

    /// How many entries were passed.
    #[must_use]
    pub fn entries(&self) -> i64 {
        self.sound.entries
    }

    /// The hash of the last one that was passed; of the first, what stands before it.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.sound.head
    }

    /// Passes the next entry; `follows` says whether its hash is that of its content after [`Walk::head`].
    ///
    /// # Errors
    /// [`VerifyError`] when it is not what was written.
    pub fn pass(&mut self, seq: i64, hash: Vec<u8>, follows: bool) -> Result<(), VerifyError> {
        let expected = self.sound.entries + 1;
        if seq != expected {
            return Err(VerifyError::Gap { expected, found: seq });
        }
        if !follows {
            return Err(VerifyError::Changed { seq });
        }
        if self.noted.iter().any(|noted| noted.entries == seq && noted.head != hash) {
            return Err(VerifyError::NotAsNoted { seq });
        }
        self.sound = Sound { entries: seq, head: hash };
        Ok(())
    }

    /// After the last entry.
    ///
    /// # Errors
    /// [`VerifyError::NotAsNoted`] when there were more.
    pub fn end(self) -> Result<Sound, VerifyError> {
        match self.noted.iter().find(|noted| noted.entries > self.sound.entries) {
            Some(noted) => Err(VerifyError::NotAsNoted { seq: noted.entries }),
            None => Ok(self.sound),
        }
    }
}

/// Appends an entry and answers its number.
///
/// # Errors
/// As reported by the database.
pub async fn append(tx: &DatabaseTransaction, entry: &Entry) -> Result<i64, DbErr> {
    append_all(tx, std::slice::from_ref(entry)).await
}

/// Keeps the journal for this transaction until it ends: what is read in it stays so until something is appended. Taken last,
/// as an entry is.
///
/// # Errors
/// As reported by the database.
pub async fn hold(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        // Until the end of the transaction. SQLite has one writer anyway.
        tx.execute_unprepared(
            "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.journal', 0))",
        )
        .await?;
    }
    Ok(())
}

/// Appends entries in their order, with one look at the end of the journal, and answers the number of the last; of the
/// last there is, when none is given.
///
/// # Errors
/// As reported by the database.
pub async fn append_all(tx: &DatabaseTransaction, entries: &[Entry]) -> Result<i64, DbErr> {
    hold(tx).await?;
    let last = Query::select()
        .columns(["seq", "hash"])
        .from("journal")
        .order_by("seq", Order::Desc)
        .limit(1)
        .to_owned();
    let (mut seq, mut prev) = match tx.query_one(&last).await? {
        Some(row) => (row.try_get::<i64>("", "seq")?, row.try_get::<Vec<u8>>("", "hash")?),
        None => (0, GENESIS.to_vec()),
    };
    for chunk in entries.chunks(ROWS_PER_INSERT) {
        let mut insert = Query::insert();
        insert.into_table("journal").columns(COLUMNS);
        for entry in chunk {
            seq += 1;
            let hash = hash(seq, entry, &prev).to_vec();
            insert.values_panic([
                seq.into(),
                entry.at.into(),
                entry.who.as_str().into(),
                entry.what.as_str().into(),
                entry.subject.as_str().into(),
                entry.from.clone().into(),
                entry.to.clone().into(),
                entry.detail.as_str().into(),
                entry.request_id.as_str().into(),
                entry.trace_id.as_str().into(),
                prev.into(),
                hash.clone().into(),
            ]);
            prev = hash;
        }
        tx.execute(&insert).await?;
    }
    Ok(seq)
}

/// The entries after number `after`, at most `limit`, in order; of one subject, if it is given.
///
/// # Errors
/// As reported by the database.
pub async fn read(
    db: &impl ConnectionTrait,
    subject: Option<&str>,
    after: i64,
    limit: u64,
) -> Result<Vec<Recorded>, DbErr> {
    let mut select = Query::select();
    select.columns(COLUMNS).from("journal").and_where(Expr::col("seq").gt(after));
    if let Some(subject) = subject {
        select.and_where(Expr::col("subject").eq(subject));
    }
    select.order_by("seq", Order::Asc).limit(limit);
    db.query_all(&select).await?.iter().map(recorded).collect()
}

/// How often `what` was done to `subject` after `since`, counted up to `most`. A service that asks this often has an index over the
/// three.
///
/// # Errors
/// As reported by the database.
pub async fn count(
    db: &impl ConnectionTrait,
    (what, subject): (&str, &str),
    since: DateTime<Utc>,
    most: u64,
) -> Result<usize, DbErr> {
    let select = Query::select()
        .column("seq")
        .from("journal")
        .and_where(Expr::col("subject").eq(subject))
        .and_where(Expr::col("what").eq(what))
        .and_where(Expr::col("at").gt(since))
        .limit(most)
        .to_owned();
    Ok(db.query_all(&select).await?.len())
}

/// Recomputes every hash.
///
/// # Errors
/// [`VerifyError`] with the first entry that is not what was written.
pub async fn verify(db: &impl ConnectionTrait) -> Result<Sound, VerifyError> {
    verify_since(db, None).await
}

/// Recomputes every hash, and looks for what an earlier look ended with: a chain that was cut off, or made anew as a whole, is
/// sound in itself.
///
/// # Errors
/// [`VerifyError`] with the first entry that is not what was written.
pub async fn verify_since(db: &impl ConnectionTrait, noted: Option<&Sound>) -> Result<Sound, VerifyError> {
    let mut walk = Walk::new(noted.map(std::slice::from_ref).unwrap_or_default());
    loop {
        let page = read(db, None, walk.entries(), PAGE).await?;
        if page.is_empty() {
            return walk.end();
        }
        for found in page {
            let prev = walk.head();
            let follows = found.prev_hash == prev && found.hash == hash(found.seq, &found.entry, prev);
            walk.pass(found.seq, found.hash, follows)?;
        }
    }
}

fn recorded(row: &QueryResult) -> Result<Recorded, DbErr> {
    Ok(Recorded {
        seq: row.try_get("", "seq")?,
        entry: Entry {
            at: row.try_get("", "at")?,
            who: row.try_get("", "who")?,
            what: row.try_get("", "what")?,
            subject: row.try_get("", "subject")?,
            from: row.try_get("", "from_state")?,
            to: row.try_get("", "to_state")?,
            detail: row.try_get("", "detail")?,
            request_id: row.try_get("", "request_id")?,
            trace_id: row.try_get("", "trace_id")?,
        },
        prev_hash: row.try_get("", "prev_hash")?,
        hash: row.try_get("", "hash")?,
    })
}

/// SHA-256 over the entry before and every field, each with its length, so that no two entries read the same.
fn hash(seq: i64, entry: &Entry, prev: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    let mut field = |bytes: Option<&[u8]>| match bytes {
        Some(bytes) => {
            digest.update([1]);
            digest.update((bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        }
        None => digest.update([0]),
    };
    field(Some(prev));
    field(Some(&seq.to_be_bytes()));
    // PostgreSQL keeps microseconds; finer parts would not survive the way.
    field(Some(&entry.at.timestamp_micros().to_be_bytes()));
    for text in [&entry.who, &entry.what, &entry.subject] {
        field(Some(text.as_bytes()));
    }
    field(entry.from.as_deref().map(str::as_bytes));
    field(entry.to.as_deref().map(str::as_bytes));
    for text in [&entry.detail, &entry.request_id, &entry.trace_id] {
        field(Some(text.as_bytes()));
    }
    digest.finalize().into()
}

//! A request that is repeated has one effect and one answer (AIP-155).
//!
//! The answer is kept in the transaction of the effect, in the table `idempotency` (made by
//! `mpp_migrations::shared::idempotency`). Whoever repeats the request while the first is still being worked on waits for
//! it. A request that failed leaves nothing: its transaction rolls back, and a repetition is a fresh attempt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderName;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Order, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tonic::Code;

use crate::caller::Caller;
use crate::cipher::Cipher;
use crate::db::Db;
use crate::fault::{Fault, Problem};

/// Stands with `true` in the metadata of an answer to a request that did nothing, because an earlier request with its id had done
/// it all; over HTTP as the header of this name. The earlier one need not have been answered: whoever asks again after a broken
/// line or `UNAVAILABLE` learns from it that the first try took effect. Where it is missing, this request did what was asked, or a
/// repetition of it that [`crate::client`] made by itself found it done.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// How long answers are kept for repetitions: a program that was down over a weekend still learns what became of its request.
pub const KEEP: TimeDelta = TimeDelta::hours(72);
/// Answers that are forgotten with one statement: others write between two.
const BATCH: u64 = 1_000;
/// Statements of a pass.
const BATCHES: usize = 10;

tokio::task_local! {
    static IS_REPLAY: AtomicBool;
}

/// Notes that an earlier request did what the request that this task works on asks for. Outside of a request nothing is noted.
pub fn note_replay() {
    let _outside = IS_REPLAY.try_with(|it| it.store(true, Ordering::Relaxed));
}

/// Works on a request, and says whether its answer was noted as one that was given before.
pub(crate) async fn watched<T>(work: impl Future<Output = T>) -> (T, bool) {
    IS_REPLAY
        .scope(AtomicBool::new(false), async {
            let done = work.await;
            (done, IS_REPLAY.with(|it| it.load(Ordering::Relaxed)))
        })
        .await
}

/// What a request is known by. The caller is part of it: two callers may choose the same id.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// The account or device, [`crate::caller::Caller::id`]. Never the token: a renewed one must not execute again.
    pub principal: &'a str,
    /// The full method, `mpp.queue.v1.QueueService/IssueTicket`.
    pub method: &'a str,
    /// The caller's `request_id`. Empty: the request is not protected.
    pub request_id: &'a str,
}

impl<'a> Key<'a> {
    /// The key of a request of this caller.
    ///
    /// # Errors
    /// [`IdempotencyError::KeyRequired`] for a service account that gives no request id: a program repeats what it got no answer
    /// to, and nobody sees what it does twice.
    pub fn of(caller: &'a Caller, method: &'a str, request_id: &'a str) -> Result<Self, IdempotencyError> {
        require(caller, request_id)?;
        Ok(Self { principal: &caller.id, method, request_id })
    }
}

/// Refuses a service account that gives no request id; for what keeps its answers elsewhere than here.
///
/// # Errors
/// [`IdempotencyError::KeyRequired`].
pub fn require(caller: &Caller, request_id: &str) -> Result<(), IdempotencyError> {
    if caller.is_service && request_id.is_empty() { Err(IdempotencyError::KeyRequired) } else { Ok(()) }
}

/// An answer, and whether it is a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Once {
    /// The request was executed now.
    Run(Vec<u8>),
    /// The request was executed before; this is the answer of that time.
    Replay(Vec<u8>),
}

impl Once {
    /// The answer.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Run(bytes) | Self::Replay(bytes) => bytes,
        }
    }
}

/// Why a request cannot be executed once.
#[derive(Debug, Error)]
pub enum IdempotencyError {
    /// The same id came with another request before.
    #[error("the request id was used for another request")]
    Reused,
    /// A service account gave no id.
    #[error("a service account gives a request id with each change")]
    KeyRequired,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl Fault for IdempotencyError {
    fn problem(self) -> Problem {
        match self {
            Self::Reused => Problem::precondition(
                "REQUEST_ID_REUSED",
                "Permintaan dengan tanda pengenal yang sama sudah dikirim dengan isi berbeda.",
                "This request id was used before for a different request. Choose a new one.",
            ),
            Self::KeyRequired => Problem::new(
                Code::InvalidArgument,
                "IDEMPOTENCY_KEY_REQUIRED",
                "Akun sistem wajib menyertakan Idempotency-Key (requestId) pada setiap permintaan yang mengubah data.",
                "A service account gives an Idempotency-Key (request_id) with each request that changes something.",
            ),
            Self::Database(error) => error.problem(),
        }
    }
}

/// What tells two requests with the same id apart: the SHA-256 of the encoded message.
#[must_use]
pub fn fingerprint(request: &impl prost::Message) -> [u8; 32] {
    Sha256::digest(request.encode_to_vec()).into()
}

/// Executes `run`, or answers what it answered before.
///
/// `run` works in the same transaction `tx`; commit it after a [`Once::Run`]. When `run` fails, drop the transaction.
///
/// # Errors
/// [`IdempotencyError`], or what `run` answers.
pub async fn once<E, F, R>(
    tx: &DatabaseTransaction,
    key: Key<'_>,
    fingerprint: &[u8],
    now: DateTime<Utc>,
    run: F,
) -> Result<Once, E>
where
    E: From<IdempotencyError>,
    F: FnOnce() -> R,
    R: Future<Output = Result<Vec<u8>, E>>,
{
    if key.request_id.is_empty() {
        return run().await.map(Once::Run);
    }
    if let Some(response) = claim(tx, key, fingerprint, now).await? {
        note_replay();
        return Ok(Once::Replay(response));
    }
    let response = run().await?;
    store(tx, key, &response).await?;
    Ok(Once::Run(response))
}

/// As [`once`], in a transaction of its own that is committed, for an answer that is a message. What is kept of it is
/// encrypted, for answers name people. `fingerprint` is kept as it is: of a request that holds a secret, give a keyed one.
///
/// # Errors
/// As [`once`], and when the transaction fails or what was kept is damaged.
pub async fn sealed<T, E, R>(
    db: &Db,
    cipher: &Cipher,
    key: Key<'_>,
    fingerprint: &[u8],
    now: DateTime<Utc>,
    run: impl FnOnce(Arc<DatabaseTransaction>) -> R,
) -> Result<T, E>
where
    T: prost::Message + Default,
    E: From<IdempotencyError> + From<DbErr> + From<anyhow::Error>,
    R: Future<Output = Result<T, E>>,
{
    let tx = Arc::new(db.begin().await?);
    let name = name_of(key);
    let kept: Once = once(&tx, key, fingerprint, now, || async {
        let answer = run(Arc::clone(&tx)).await?.encode_to_vec();
        Ok::<_, E>(cipher.seal(&name, &answer))
    })
    .await?;
    let answer =
        cipher.open(&name, &kept.into_bytes()).context("an answer kept for repetition is damaged")?;
    let tx = Arc::into_inner(tx).context("a transaction outlived its request")?;
    tx.commit().await?;
    Ok(T::decode(answer.as_slice()).context("an answer kept for repetition cannot be read")?)
}

/// What [`sealed`] answered before to this request, if it did: asked before anything is checked that may have changed since.
///
/// # Errors
/// When the database fails, or what was kept is damaged.
pub async fn kept<T, E>(db: &Db, cipher: &Cipher, key: Key<'_>, fingerprint: &[u8]) -> Result<Option<T>, E>
where
    T: prost::Message + Default,
    E: From<DbErr> + From<anyhow::Error>,
{
    if key.request_id.is_empty() {
        return Ok(None);
    }
    let select = Query::select()
        .columns(["fingerprint", "response"])
        .from("idempotency")
        .and_where(is(key))
        .to_owned();
    // The writer: a reader may lag behind an answer that was just given.
    let Some(row) = db.write.query_one(&select).await? else { return Ok(None) };
    let response: Option<Vec<u8>> = row.try_get("", "response")?;
    // Another request under this id is refused where it would be done.
    let same = row.try_get::<Vec<u8>>("", "fingerprint")? == fingerprint;
    let Some(response) = response.filter(|_| same) else { return Ok(None) };
    let name = name_of(key);
    let answer = cipher.open(&name, &response).context("an answer kept for repetition is damaged")?;
    note_replay();
    Ok(Some(T::decode(answer.as_slice()).context("an answer kept for repetition cannot be read")?))
}

/// Under what an answer is encrypted.
fn name_of(key: Key<'_>) -> String {
    format!("answer to {} {} of {}", key.method, key.request_id, key.principal)
}

/// Writes the row first: on PostgreSQL a second transaction with the same key waits here until the first one has ended,
/// on SQLite there is only one that writes. `Some` is the answer of an earlier execution.
async fn claim(
    tx: &DatabaseTransaction,
    key: Key<'_>,
    fingerprint: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<Vec<u8>>, IdempotencyError> {
    let insert = Query::insert()
        .into_table("idempotency")
        .columns(["principal", "method", "request_id", "fingerprint", "created_at"])
        .values_panic([
            key.principal.into(),
            key.method.into(),
            key.request_id.into(),
            fingerprint.to_vec().into(),
            now.into(),
        ])
        .on_conflict(OnConflict::columns(["principal", "method", "request_id"]).do_nothing().to_owned())
        .to_owned();
    if tx.execute(&insert).await?.rows_affected() == 1 {
        return Ok(None);
    }
    let select = Query::select()
        .columns(["fingerprint", "response"])
        .from("idempotency")
        .and_where(is(key))
        .to_owned();
    let row = tx.query_one(&select).await?.ok_or_else(|| DbErr::RecordNotFound("idempotency".into()))?;
    if row.try_get::<Vec<u8>>("", "fingerprint")? != fingerprint {
        return Err(IdempotencyError::Reused);
    }
    let response: Option<Vec<u8>> = row.try_get("", "response")?;
    // A committed row has its answer; only a transaction that nests two requests of one id could see it without.
    response.map(Some).ok_or_else(|| DbErr::Custom("a request is nested in itself".into()).into())
}

async fn store(tx: &DatabaseTransaction, key: Key<'_>, response: &[u8]) -> Result<(), IdempotencyError> {
    let update = Query::update()
        .table("idempotency")
        .value("response", response.to_vec())
        .and_where(is(key))
        .to_owned();
    tx.execute(&update).await?;
    Ok(())
}

/// Forgets answers that are older than [`KEEP`] at `now`, the oldest first and so many in one pass; what is left is for the next.
/// After that, a repetition executes again; natural keys still protect. Answers how many were forgotten.
///
/// # Errors
/// As reported by the database.
pub async fn purge(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let key = ["principal", "method", "request_id"];
    let oldest = Query::select()
        .columns(key)
        .from("idempotency")
        .and_where(Expr::col("created_at").lt(now - KEEP))
        .order_by("created_at", Order::Asc)
        .limit(BATCH)
        .to_owned();
    let delete = Query::delete()
        .from_table("idempotency")
        .and_where(Expr::tuple(key.map(Expr::col)).in_subquery(oldest))
        .to_owned();
    let mut forgotten = 0;
    for _ in 0..BATCHES {
        let batch = db.execute(&delete).await?.rows_affected();
        forgotten += batch;
        if batch < BATCH {
            break;
        }
    }
    Ok(forgotten)
}

/// Forgets one answer before its time, for what it names was cleaned up since: the request executes again.
///
/// # Errors
/// As reported by the database.
pub async fn forget(db: &impl ConnectionTrait, key: Key<'_>) -> Result<(), DbErr> {
    db.execute(&Query::delete().from_table("idempotency").and_where(is(key)).to_owned()).await?;
    let _outside = IS_REPLAY.try_with(|it| it.store(false, Ordering::Relaxed));
    Ok(())
}

fn is(key: Key<'_>) -> Expr {
    Expr::col("principal")
        .eq(key.principal)
        .and(Expr::col("method").eq(key.method))
        .and(Expr::col("request_id").eq(key.request_id))
}

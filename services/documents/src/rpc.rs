//! The RPCs, one file each: parse, load, decide, save. Here is what they share.

pub(crate) mod integration;

use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, SubsecRound as _, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::clock::Clock;
use mpp_kit::db::Db;
use mpp_kit::idempotency::{self, Key, Once};
use mpp_kit::journal::{self, Entry};
use mpp_kit::telemetry;
use prost::Message;
use sea_orm::DatabaseTransaction;

use crate::blob::{Cipher, Files};
use crate::config::Config;
use crate::error::Error;
use crate::metrics::Metrics;

/// What every RPC works with.
pub(crate) struct Core {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Config,
    /// Where people reach the gateway, without a slash at the end.
    pub(crate) base_url: String,
    pub(crate) cipher: Cipher,
    pub(crate) files: Files,
    pub(crate) metrics: Metrics,
}

impl Core {
    /// The present time, as exact as both databases can keep it.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(6)
    }

    /// Does something once for this request id of this caller, in one transaction, or answers what was answered then.
    /// What is in `request` must not be secret: its fingerprint is kept, and so is the answer.
    pub(crate) async fn once<T, R>(
        &self,
        caller: &Caller,
        method: &'static str,
        (request, request_id): (&impl Message, &str),
        run: impl FnOnce(Arc<DatabaseTransaction>, DateTime<Utc>) -> R,
    ) -> Result<T, Error>
    where
        T: Message + Default,
        R: Future<Output = Result<T, Error>>,
    {
        let now = self.now();
        let tx = Arc::new(self.db.begin().await?);
        let key = Key { principal: &caller.id, method, request_id };
        let fingerprint = idempotency::fingerprint(request);
        let answer: Once = idempotency::once(&tx, key, &fingerprint, now, || async {
            Ok::<_, Error>(run(Arc::clone(&tx), now).await?.encode_to_vec())
        })
        .await?;
        let tx = Arc::into_inner(tx).context("a transaction outlived its request")?;
        tx.commit().await?;
        Ok(T::decode(answer.into_bytes().as_slice()).context("an answer kept for repetition cannot be read")?)
    }
}

/// Enters something into the journal. Who and what it is about are ids, never names.
pub(crate) async fn record(
    tx: &DatabaseTransaction,
    (who, what, subject): (&str, &str, &str),
    (from, to): (Option<String>, Option<String>),
    detail: serde_json::Value,
    request_id: &str,
    at: DateTime<Utc>,
) -> Result<(), Error> {
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
    journal::append(tx, &entry).await?;
    Ok(())
}

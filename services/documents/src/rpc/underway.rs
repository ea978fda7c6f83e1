//! Work that goes on when nobody waits for its answer any more: a one-time code that was asked for is sent once, however long
//! the service takes and whether or not the caller's line holds. Who asks again under the same request id waits for that
//! answer, or gets it.
//!
//! It is known to one instance, and for some minutes, as long as a code holds. Signatures are kept longer ([`super::signing`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::fault::Problem;
use mpp_kit::idempotency::{self, IdempotencyError};
use tokio::sync::watch;
use tonic::Code;
use tracing::Instrument as _;

use crate::error::Error;

/// How long an answer is there for who asks again.
const KEPT: TimeDelta = TimeDelta::minutes(5);

/// Who asked, and under which request id.
type Key = (String, String);

struct Entry<T> {
    begun: DateTime<Utc>,
    /// What it is about, to tell two requests with one id apart.
    about: Vec<String>,
    answer: watch::Receiver<Option<T>>,
}

/// What is under way, and what was answered lately.
pub(crate) struct Underway<T>(Arc<Mutex<HashMap<Key, Entry<T>>>>);

impl<T> Default for Underway<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone + Send + Sync + 'static> Underway<T> {
    /// Does this once for a request id of a caller, to its end. What failed is forgotten: asked again, it is tried again.
    pub(crate) async fn once(
        &self,
        caller: &Caller,
        (about, request_id): (&[String], &str),
        now: DateTime<Utc>,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        idempotency::require(caller, request_id)?;
        let key = (caller.id.clone(), request_id.to_owned());
        let told = match self.begun(&key, about, now)? {
            Begun::Now(told) => told,
            Begun::Before(mut first) => {
                let answer = first.wait_for(Option::is_some).await;
                let answer = answer.ok().and_then(|answer| answer.clone()).ok_or_else(unclear)?;
                idempotency::note_replay();
                return Ok(answer);
            }
        };
        let all = Arc::clone(&self.0);
        let task = async move {
            let outcome = work.await;
            match &outcome {
                Ok(answer) => drop(told.send_replace(Some(answer.clone()))),
                Err(_) => drop(all.lock().unwrap_or_else(PoisonError::into_inner).remove(&key)),
            }
            outcome
        };
        match tokio::spawn(task.in_current_span()).await {
            Ok(outcome) => outcome,
            Err(error) => {
                Err(anyhow::Error::new(error).context("work that was under way ended early").into())
            }
        }
    }

    /// Enters it, or answers where the answer of the first will be.
    fn begun(&self, key: &Key, about: &[String], now: DateTime<Utc>) -> Result<Begun<T>, Error> {
        let (told, answer) = watch::channel(None);
        // Without an id nobody can ask again.
        if key.1.is_empty() {
            return Ok(Begun::Now(told));
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, entry| {
            let answered = entry.answer.borrow().is_some();
            // Whoever is still to answer holds the other end.
            if answered { now - entry.begun < KEPT } else { entry.answer.has_changed().is_ok() }
        });
        match all.get(key) {
            Some(entry) if entry.about != about => Err(IdempotencyError::Reused.into()),
            Some(entry) => Ok(Begun::Before(entry.answer.clone())),
            None => {
                all.insert(key.clone(), Entry { begun: now, about: about.to_vec(), answer });
                Ok(Begun::Now(told))
            }
        }
    }
}

/// Who does it.
enum Begun<T> {
    /// This request; here it tells its answer.
    Now(watch::Sender<Option<T>>),
    /// One before; here it will be told.
    Before(watch::Receiver<Option<T>>),
}

/// The first try failed while another waited for it.
fn unclear() -> Problem {
    Problem::new(
        Code::Unavailable,
        "TRY_AGAIN",
        "Permintaan pertama gagal. Coba lagi.",
        "The first request failed. Try again.",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::adapter::testing::caller;

    fn at(minute: u32) -> DateTime<Utc> {
        DateTime::from_timestamp(i64::from(minute) * 60, 0).unwrap()
    }

    #[tokio::test]
    async fn what_was_begun_ends_without_its_caller_and_is_answered_to_who_asks_again() {
        let (all, who) = (Underway::default(), caller("acc_1", &[], &[]));
        let about = ["app_1".to_owned()];
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        let mut first = Box::pin(all.once(&who, (&about, "satu"), at(0), async move {
            let _go = wait.await;
            count.fetch_add(1, Ordering::SeqCst);
            Ok(7)
        }));
        assert!(futures::poll!(&mut first).is_pending());
        drop(first);
        let mut second = Box::pin(all.once(&who, (&about, "satu"), at(1), async { Ok(8) }));
        assert!(futures::poll!(&mut second).is_pending(), "the first is still at work");
        go.send(()).unwrap();
        assert_eq!(second.await.unwrap(), 7);
        assert_eq!(done.load(Ordering::SeqCst), 1);
        let other = ["app_2".to_owned()];
        all.once(&who, (&other, "satu"), at(1), async { Ok(8) }).await.expect_err("the id is taken");
        // Asked later, it is still the answer of then; of another caller or id, and after a while, it is not.
        assert_eq!(all.once(&who, (&about, "satu"), at(4), async { Ok(9) }).await.unwrap(), 7);
        assert_eq!(
            all.once(&caller("acc_2", &[], &[]), (&about, "satu"), at(4), async { Ok(9) }).await.unwrap(),
            9
        );
        assert_eq!(all.once(&who, (&about, "dua"), at(4), async { Ok(10) }).await.unwrap(), 10);
        assert_eq!(all.once(&who, (&about, "satu"), at(6), async { Ok(11) }).await.unwrap(), 11);
    }

    #[tokio::test]
    async fn what_failed_is_tried_again_and_no_id_is_no_repetition() {
        let (all, who) = (Underway::default(), caller("acc_1", &[], &[]));
        let about = ["app_1".to_owned()];
        let failed = all.once(&who, (&about, "satu"), at(0), async { Err::<u32, _>(unclear().into()) }).await;
        assert!(failed.is_err());
        assert_eq!(all.once(&who, (&about, "satu"), at(0), async { Ok(1) }).await.unwrap(), 1);
        assert_eq!(all.once(&who, (&about, ""), at(0), async { Ok(2) }).await.unwrap(), 2);
        assert_eq!(all.once(&who, (&about, ""), at(0), async { Ok(3) }).await.unwrap(), 3);
    }
}

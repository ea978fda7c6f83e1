//! A request to sign, from its first letter to its last: entered before anything is asked of the signing service, done in a
//! task of its own that nobody's broken line can end, and read by who asked, with `GetSigning` or by asking again.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::fault::{Problem, Text};
use mpp_kit::idempotency::{self, IdempotencyError};
use mpp_proto::documents::v1::{
    GetSigningRequest, GetSigningResponse, SignApplicationsResponse, SigningResult,
};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep, timeout_at};
use tonic::Response;
use tracing::Instrument as _;

use super::Core;
use super::sign_applications::signed_by;
use crate::domain::ApplicationId;
use crate::error::{Error, Thing};
use crate::store::signing::{self as store, Letter, Outcome, Signing};

/// How long an answer waits for the signing service at most; what takes longer is read later.
const PATIENCE: Duration = Duration::from_secs(20);
/// What is left of a caller's time for the answer itself.
const TO_ANSWER: Duration = Duration::from_secs(2);
/// Between two looks at what another task or instance does.
const LOOK: Duration = Duration::from_millis(250);
/// How long after the limit of the signing service a letter that nobody answered for counts as lost, as the worker has it.
pub(crate) const LOST_AFTER: TimeDelta = TimeDelta::seconds(60);

/// A letter that is asked for, with the hash of what its signer saw.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) application: ApplicationId,
    pub(super) seen: String,
}

/// Notes what becomes of each letter of a request, while it is being done.
pub(super) struct Progress {
    core: Arc<Core>,
    signing: Signing,
}

impl Progress {
    /// Notes what became of a letter; one that is named twice is answered twice.
    pub(super) async fn note(&mut self, application: ApplicationId, problem: Option<&Problem>) {
        if let Some(source) = problem.and_then(|problem| problem.source.as_ref()) {
            tracing::warn!(%application, error = format!("{source:#}"), "a letter was not signed");
        }
        let outcome = problem.map_or(Outcome::Signed, |problem| Outcome::Failed {
            reason: problem.reason.to_owned(),
            id: problem.text.id.clone(),
            en: problem.text.en.clone(),
        });
        for letter in self.signing.letters.iter_mut().filter(|it| it.application == application) {
            letter.outcome = outcome.clone();
        }
        self.signing.changed_at = self.core.now();
        self.signing.ended = self.signing.letters.iter().all(|letter| letter.outcome != Outcome::UnderWay);
        // The letter itself says whether it is signed: who asks later finds it there.
        if let Err(error) = store::save(&self.core.db.write, &self.core.cipher, &self.signing).await {
            tracing::warn!(%application, %error, "what became of a letter could not be noted");
        }
    }
}

/// Does `work` once for this request id of this caller, in a task of its own, and answers how far it is when the caller's
/// time is over. Asked again, nothing is done: the answer is how the first stands.
pub(super) async fn once<W>(
    core: &Arc<Core>,
    caller: &Caller,
    (asked, request_id): (&[Asked], &str),
    work: impl FnOnce(Progress) -> W + Send + 'static,
) -> Result<Response<SignApplicationsResponse>, Error>
where
    W: Future<Output = ()> + Send + 'static,
{
    idempotency::require(caller, request_id)?;
    let now = core.now();
    let letter = |it: &Asked| Letter { application: it.application, outcome: Outcome::UnderWay };
    let fingerprint = fingerprint(asked);
    let signing = Signing {
        principal: caller.id.clone(),
        request_id: request_id.to_owned(),
        fingerprint: fingerprint.clone(),
        ended: false,
        begun_at: now,
        changed_at: now,
        letters: asked.iter().map(letter).collect(),
    };
    let until = until(mpp_kit::server::deadline(), Instant::now());
    let core_of_task = Arc::clone(core);
    // From its first write on: what is entered is done.
    let task = async move {
        let is_new = store::insert(&core_of_task.db.write, &core_of_task.cipher, &signing).await?;
        if is_new {
            work(Progress { core: core_of_task, signing }).await;
        }
        Ok::<_, Error>(is_new)
    };
    match timeout_at(until, tokio::spawn(task.in_current_span())).await {
        // The caller's time is over, or it is done.
        Err(_) | Ok(Ok(Ok(true))) => {}
        Ok(Ok(Ok(false))) => idempotency::note_replay(),
        Ok(Ok(Err(error))) => return Err(error),
        Ok(Err(error)) => tracing::error!(%error, "a request to sign ended early"),
    }
    answer(core, caller, request_id, &fingerprint, until).await
}

/// How it stands: at its end, or when the caller's time is over.
async fn answer(
    core: &Core,
    caller: &Caller,
    request_id: &str,
    fingerprint: &str,
    until: Instant,
) -> Result<Response<SignApplicationsResponse>, Error> {
    loop {
        // The writer: a reader may lag behind what was just written.
        let found = store::find(&core.db.write, &core.cipher, &caller.id, request_id).await?;
        let found =
            found.ok_or_else(|| Error::Unavailable(anyhow::anyhow!("a request is not entered yet")))?;
        if found.fingerprint != fingerprint {
            return Err(IdempotencyError::Reused.into());
        }
        if found.ended || core.is_lost(&found) || Instant::now() + LOOK >= until {
            let (results, _) = core.signing_results(caller, &found).await?;
            return Ok(Response::new(SignApplicationsResponse { results, signing: request_id.to_owned() }));
        }
        sleep(LOOK).await;
    }
}

/// Until when the answer can wait.
fn until(deadline: Option<Instant>, now: Instant) -> Instant {
    let longest = now + PATIENCE;
    deadline.map_or(longest, |deadline| {
        let left = deadline.saturating_duration_since(now);
        longest.min(now + left.saturating_sub(TO_ANSWER.min(left / 2)))
    })
}

/// What tells two requests apart: which letters, with which content. Never what was typed for them.
fn fingerprint(asked: &[Asked]) -> String {
    let mut digest = Sha256::new();
    for letter in asked {
        digest.update(format!("{} {}\n", letter.application, letter.seen));
    }
    hex::encode(digest.finalize())
}

pub(super) async fn get(
    core: &Core,
    caller: &Caller,
    request: GetSigningRequest,
) -> Result<Response<GetSigningResponse>, Error> {
    let found = store::find(&core.db.write, &core.cipher, &caller.id, &request.signing).await?;
    let found = found.ok_or(Error::NotFound(Thing::Signing))?;
    let (results, ended) = core.signing_results(caller, &found).await?;
    Ok(Response::new(GetSigningResponse { results, ended }))
}

impl Core {
    /// Whether nobody works on it any more: the process that did has ended.
    fn is_lost(&self, signing: &Signing) -> bool {
        let patience = TimeDelta::seconds(i64::from(self.config.signing.timeout_seconds)) + LOST_AFTER;
        !signing.ended && signing.changed_at + patience < self.now()
    }

    /// What became of each letter, and whether all are answered.
    async fn signing_results(
        &self,
        caller: &Caller,
        signing: &Signing,
    ) -> Result<(Vec<SigningResult>, bool), Error> {
        let lost = self.is_lost(signing);
        let mut results = Vec::with_capacity(signing.letters.len());
        for letter in &signing.letters {
            let found = match self.application_of(&self.db.write, caller, letter.application).await {
                Ok(found) => Some(found),
                Err(Error::NotFound(_)) => None,
                Err(error) => return Err(error),
            };
            let outcome = if letter.outcome == Outcome::UnderWay && lost {
                let signed = found.as_ref().is_some_and(|(loaded, actor)| signed_by(loaded, actor));
                if signed { Outcome::Signed } else { interrupted() }
            } else {
                letter.outcome.clone()
            };
            let application = match &found {
                Some((loaded, actor)) => Some(self.shown(&self.db.write, loaded, actor).await?),
                None => None,
            };
            let (reason, message) = match &outcome {
                Outcome::UnderWay | Outcome::Signed => Default::default(),
                Outcome::Failed { reason, id, en } => {
                    let text = Text::new(id, en);
                    (reason.clone(), text.in_language(caller.language).to_owned())
                }
            };
            results.push(SigningResult {
                application_id: letter.application.to_string(),
                signed: outcome == Outcome::Signed,
                under_way: outcome == Outcome::UnderWay,
                reason,
                message,
                application,
            });
        }
        let ended = results.iter().all(|result| !result.under_way);
        Ok((results, ended))
    }

    /// Forgets requests to sign that began before a moment.
    pub(crate) async fn forget_signings(&self, before: DateTime<Utc>) -> Result<(), Error> {
        Ok(store::purge(&self.db.write, before).await?)
    }
}

/// The process that asked for the signature has ended.
fn interrupted() -> Outcome {
    Outcome::Failed {
        reason: "SIGNING_INTERRUPTED".to_owned(),
        id: "Penandatanganan terputus. Surat tetap menunggu; periksa, lalu tanda tangani lagi.".to_owned(),
        en: "The signing was interrupted. The letter still waits; look at it and sign it again.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_waits_as_long_as_its_caller_and_no_longer_than_twenty_seconds() {
        let now = Instant::now();
        let seconds = |left: Option<u64>| {
            let deadline = left.map(|left| now + Duration::from_secs(left));
            (until(deadline, now) - now).as_millis()
        };
        assert_eq!(
            [None, Some(60), Some(30), Some(10), Some(2)].map(seconds),
            [20_000, 20_000, 20_000, 8_000, 1_000]
        );
    }

    #[test]
    fn what_is_typed_is_no_part_of_what_a_request_is_known_by() {
        let letter = |seen: &str| Asked {
            application: "app_01h455vb4pex5vsknk084sn02q".parse().unwrap(),
            seen: seen.to_owned(),
        };
        assert_eq!(fingerprint(&[letter("a")]), fingerprint(&[letter("a")]));
        assert_ne!(fingerprint(&[letter("a")]), fingerprint(&[letter("b")]));
        assert_ne!(fingerprint(&[letter("a")]), fingerprint(&[letter("a"), letter("a")]));
    }
}

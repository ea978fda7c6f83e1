//! What recurs: lateness, grants by law, signatures that never came back, ends of validity, files that nobody used. Each
//! pass is one call with the time, and doing it again changes nothing.

mod relay;

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::component::{Env, Worker};
use mpp_kit::fault::{Problem, Text, chain};
use mpp_kit::idempotency;
use mpp_kit::relay::TokenSource;
use tonic::Code;

use crate::adapter::oss::outbox::{self, Outbox};
use crate::adapter::sicantik;
use crate::catalogue;
use crate::domain::calendar::TimeZone;
use crate::domain::document::DocumentVerb;
use crate::domain::letter_type::TypeState;
use crate::domain::workflow::State;
use crate::domain::workflow::decide::{By, Order, Rejection, due_orders};
use crate::domain::{ApplicationId, DocumentId, FileId};
use crate::error::Error;
use crate::rpc::Core;
use crate::rpc::case::Asking;
use crate::rpc::signing::LOST_AFTER;
use crate::store;
use crate::store::letter_type::Version;
use mpp_kit::webhook::dispatch::{self, Dispatcher};

pub(crate) use relay::{IDENTITY, NOTIFICATIONS};

/// How much of each kind is read at a time.
const BATCH: u64 = 500;
/// Messages that ended are kept this long, so that it can be said what was told.
const KEEP_MESSAGES: TimeDelta = TimeDelta::days(30);
const SYSTEM: Asking<'_> = Asking { who: "system", request_id: "" };

/// The workers of the service: clocks and clean-up, messages, webhooks, and other systems where they are configured.
///
/// # Errors
/// When the system gives no TLS for calls to other systems.
pub(crate) fn workers(env: &Env, core: &Arc<Core>, token: TokenSource) -> anyhow::Result<Vec<Worker>> {
    let webhooks = dispatch::worker(env, Arc::new(dispatcher(core)?));
    let mut workers = vec![sweeper(env, core), relay::worker(env, core, token), webhooks];
    if core.config.oss.enabled {
        workers.push(outbox::worker(env, Outbox::new(core)?));
    }
    if !core.config.sicantik.url.is_empty() {
        workers.push(sicantik::worker(env, sicantik::Poller::new(Arc::clone(core))?));
    }
    Ok(workers)
}

fn dispatcher(core: &Arc<Core>) -> anyhow::Result<Dispatcher> {
    let (clock, watch) = (Arc::clone(&core.clock), Arc::clone(core));
    Dispatcher::new(core.db.clone(), core.cipher.clone(), clock, core.config.webhooks.clone(), watch)
}

fn sweeper(env: &Env, core: &Arc<Core>) -> Worker {
    let every = Duration::from_secs(core.config.sweep_seconds.into());
    Worker::repeating("documents: clocks and clean-up", env, every, Arc::clone(core), |core| {
        Box::pin(async move {
            tick(core, core.now()).await;
            Ok::<(), Error>(())
        })
    })
}

/// Does what is due now. Each part is done whatever became of the one before, and in it each row: what cannot be worked is told
/// in the log and is due again with the next pass, and keeps nobody else from his turn.
pub(crate) async fn tick(core: &Core, now: DateTime<Utc>) {
    told("lost signatures", fail_lost_signatures(core, now).await);
    told("lateness", report_lateness(core, now).await);
    told("ends of validity", expire(core, now).await);
    told("loose files", forget_loose_files(core, now).await);
    told("kept answers", idempotency::purge(&core.db.write, now).await.map_err(Error::from));
    told("requests to sign", core.forget_signings(now - idempotency::KEEP).await);
    let messages = store::notice::purge(&core.db.write, now - KEEP_MESSAGES).await;
    told("messages", messages.map_err(Error::from));
    let messages = store::webhook_notice::purge(&core.db.write, now - KEEP_MESSAGES).await;
    told("messages to owners of webhooks", messages.map_err(Error::from));
    // Last: while whoever seals does not answer, it takes its time.
    told("grants by law", grant_by_law(core, now).await);
}

/// Tells in the log of a part that could not be done.
fn told<T>(part: &str, outcome: Result<T, Error>) {
    if let Err(error) = outcome {
        tracing::warn!(part, error = chain(&error), "a part of the clocks and clean-up is done again later");
    }
}

/// Tells in the log of a row that could not be worked.
fn told_of(part: &str, id: &impl Display, outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        tracing::warn!(part, %id, error = chain(&error), "a row could not be worked and is left for the next pass");
    }
}

/// After which row the next page begins; none after the last.
fn next<I: Copy>(page: &[I]) -> Option<I> {
    page.last().copied().filter(|_| page.len() as u64 >= BATCH)
}

/// A process that ended between asking for a signature and storing the answer left the letter *signing*: it waits again.
async fn fail_lost_signatures(core: &Core, now: DateTime<Utc>) -> Result<(), Error> {
    let patience = TimeDelta::seconds(i64::from(core.config.signing.timeout_seconds)) + LOST_AFTER;
    let before = now - patience;
    let mut after = None;
    loop {
        let ids = store::application::signing_since(&core.db.read, before, after, BATCH).await?;
        for id in &ids {
            told_of("lost signatures", id, fail_lost_signature(core, *id, before, now).await);
        }
        after = next(&ids);
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn fail_lost_signature(
    core: &Core,
    id: ApplicationId,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let tx = core.db.begin().await?;
    let loaded = core.application(&tx, id).await?;
    if loaded.application().state == State::Signing && loaded.record.updated_at < before {
        let order = Order::FailSigning { reason: "SIGNING_INTERRUPTED".to_owned() };
        core.act(&tx, loaded, (By::System, order), SYSTEM, now).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn report_lateness(core: &Core, now: DateTime<Utc>) -> Result<(), Error> {
    let mut after = None;
    loop {
        let ids = store::application::late(&core.db.read, now, after, BATCH).await?;
        for id in &ids {
            told_of("lateness", id, report_late(core, *id, now).await);
        }
        after = next(&ids);
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn report_late(core: &Core, id: ApplicationId, now: DateTime<Utc>) -> Result<(), Error> {
    let tx = core.db.begin().await?;
    let loaded = core.application(&tx, id).await?;
    let found = loaded.clone();
    match core.act(&tx, loaded, (By::System, Order::Escalate), SYSTEM, now).await {
        Ok(_) => {
            tx.commit().await?;
            core.metrics.late();
        }
        // Somebody took the step meanwhile, or its office has another calendar by now.
        Err(Error::Rejected(Rejection::NothingToEscalate)) => {
            core.requeue(&tx, &found).await?;
            tx.commit().await?;
        }
        Err(Error::Stale { .. }) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn grant_by_law(core: &Core, now: DateTime<Utc>) -> Result<(), Error> {
    let mut after = None;
    let mut away = None;
    loop {
        let ids = store::application::deemed(&core.db.read, now, after, BATCH).await?;
        for id in &ids {
            let granted = grant(core, *id, away.as_ref(), now).await;
            if let Err(Error::Refused(problem)) = &granted
                && problem.code == Code::Unavailable
            {
                away.get_or_insert_with(|| Away::of(problem));
            }
            told_of("grants by law", id, granted);
        }
        after = next(&ids);
        if after.is_none() {
            return Ok(());
        }
    }
}

/// What was said when nobody sealed: the others of the pass do not each wait to hear it.
struct Away {
    reason: &'static str,
    text: Text,
}

impl Away {
    fn of(problem: &Problem) -> Self {
        Self { reason: problem.reason, text: problem.text.clone() }
    }

    fn problem(&self) -> Problem {
        Problem::new(Code::Unavailable, self.reason, self.text.id.clone(), self.text.en.clone())
    }
}

/// Grants one by law, and has it sealed. A seal that fails is tried again with the next pass: the letter waits for its signature.
/// What the law grants is granted at its time, also while whoever seals is `away`.
async fn grant(core: &Core, id: ApplicationId, away: Option<&Away>, now: DateTime<Utc>) -> Result<(), Error> {
    let tx = core.db.begin().await?;
    let loaded = core.application(&tx, id).await?;
    let due = due_orders(loaded.application(), &loaded.calendar(), now);
    if !due.contains(&Order::DeemGranted) {
        // Its office has another calendar by now.
        core.requeue(&tx, &loaded).await?;
        tx.commit().await?;
        return Ok(());
    }
    if loaded.application().deemed {
        drop(tx);
        return match away {
            Some(_) => Ok(()),
            None => core.seal_by_law(loaded, now).await,
        };
    }
    let loaded = core.act(&tx, loaded, (By::System, Order::DeemGranted), SYSTEM, now).await?;
    tx.commit().await?;
    if loaded.application().state == State::AwaitingPayment {
        // The seal comes after the fee.
        return Ok(());
    }
    core.sign_by_law(loaded, away.map(Away::problem)).await
}

async fn expire(core: &Core, now: DateTime<Utc>) -> Result<(), Error> {
    // The day ends first in the east; each office judges by its own date.
    let today = TimeZone::Wit.local(now).date();
    let mut after = None;
    loop {
        let ids = store::document::ended(&core.db.read, today, after, BATCH).await?;
        for id in &ids {
            told_of("ends of validity", id, expire_one(core, *id, now).await);
        }
        after = next(&ids);
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn expire_one(core: &Core, id: DocumentId, now: DateTime<Utc>) -> Result<(), Error> {
    let tx = core.db.begin().await?;
    let Some(mut document) = store::document::find(&tx, &core.cipher, id).await? else { return Ok(()) };
    let Some(office) = store::office::find(&tx, &core.cipher, document.office).await? else { return Ok(()) };
    let over = document.valid_until.is_some_and(|last| office.zone().local(now).date() > last);
    if over && document.state == crate::domain::document::DocumentState::Valid {
        let area = office.area.to_string();
        core.end(&tx, &mut document, DocumentVerb::Expire, &area, SYSTEM, now).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn forget_loose_files(core: &Core, now: DateTime<Utc>) -> Result<(), Error> {
    let before = now - TimeDelta::minutes(i64::from(core.config.loose_file_minutes));
    let mut after = None;
    loop {
        let ids = store::file::loose(&core.db.read, before, after, BATCH).await?;
        for id in &ids {
            told_of("loose files", id, forget_loose_file(core, *id).await);
        }
        after = next(&ids);
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn forget_loose_file(core: &Core, id: FileId) -> Result<(), Error> {
    // First the row: a file without a name is found by nobody, a name without a file would be.
    if store::file::forget(&core.db.write, id).await? {
        core.files.delete(&id.to_string()).await?;
    }
    Ok(())
}

/// Writes out what versions of releases that froze none refer to, as it stands in this release, so that the next one changes
/// nothing of them. One that cannot be read is told, and stays as it was written.
pub(crate) async fn freeze_catalogue(core: &Core) -> Result<(), Error> {
    for (key, of) in store::letter_type::unfrozen(&core.db.read).await? {
        let Some(version) = store::letter_type::find(&core.db.read, &key, of).await? else { continue };
        let read = catalogue::read_definition(&version.definition, &version.template);
        match read.and_then(|letter| catalogue::freeze(&letter)) {
            Ok(frozen) => store::letter_type::freeze(&core.db.write, (&key, of), &frozen).await?,
            Err(error) => {
                tracing::warn!(
                    letter_type = key,
                    version = of,
                    "a version that was in force cannot be read: {error:#}"
                );
            }
        }
    }
    Ok(())
}

/// Puts the types that ship with the suite in force where the installation has none of that key. What an installation has
/// changed or retired stays as it is.
pub(crate) async fn fill_catalogue(core: &Core) -> Result<(), Error> {
    for (definition, template) in catalogue::shipped() {
        let letter =
            catalogue::read_definition(definition, template).map_err(|error| anyhow::anyhow!("{error}"))?;
        let now = core.now();
        let tx = core.db.begin().await?;
        if !store::letter_type::versions(&tx, &letter.key, None, 1).await?.is_empty() {
            continue;
        }
        let version = Version {
            key: letter.key.clone(),
            version: 1,
            state: TypeState::Published,
            definition: definition.to_owned(),
            template: template.to_owned(),
            frozen: Some(catalogue::freeze(&letter)?),
            author: "catalogue".to_owned(),
            publisher: Some("catalogue".to_owned()),
            created_at: now,
            published_at: Some(now),
        };
        store::letter_type::save_draft(&tx, &version).await?;
        tx.commit().await?;
    }
    Ok(())
}

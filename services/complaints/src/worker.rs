//! What recurs: what time does to cases, messages that have to go out, messages of channels, the virus scanner, files that
//! nobody used, personal data whose time is over, papers for the Ombudsman that end, digests in the morning. Each pass is one call with the time, and doing it again changes nothing.

mod digest;
mod evidence;
mod relay;

pub(crate) use relay::NOTIFICATIONS;
#[cfg(test)]
pub(crate) use relay::learn;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Months, TimeDelta, Utc};
use mpp_kit::clamd::{self, Finding};
use mpp_kit::component::{Env, Worker};
use mpp_kit::fault::chain;
use mpp_kit::idempotency;
use mpp_kit::relay::TokenSource;
use mpp_kit::row::read;

use crate::catalogue;
use crate::domain::case::Message;
use crate::domain::rules::CalendarVersion;
use crate::domain::words::{Part, Scan};
use crate::domain::workflow;
use crate::domain::{CaseId, FileId};
use crate::error::Error;
use crate::intake;
use crate::rpc::Core;
use crate::rpc::case::{Asking, Change, SYSTEM};
use crate::rpc::record;
use crate::store;

/// How many cases one transaction moves.
const BATCH: u64 = 250;
/// How long a scan may take.
const SCAN_PATIENCE: Duration = Duration::from_secs(60);
/// Between two clean-ups.
const CLEAN_UP: Duration = Duration::from_secs(10);
/// Messages of channels, what is known of their chats, and messages that went out, are kept this long.
pub(crate) const KEEP_MESSAGES: TimeDelta = TimeDelta::days(90);
/// Bounces are offered to notifications this long.
const KEEP_BOUNCES: TimeDelta = TimeDelta::days(14);

/// The workers of the service.
///
/// # Errors
/// When the system gives no TLS for calls to channels.
pub(crate) fn workers(env: &Env, core: &Arc<Core>, token: TokenSource) -> anyhow::Result<Vec<Worker>> {
    let sweep = Duration::from_millis(core.config.sweep_milliseconds.into());
    let mut workers = intake::worker::workers(env, core, &token)?;
    workers.extend([
        Worker::repeating("complaints: clocks", env, sweep, Arc::clone(core), |core| {
            Box::pin(async { tick(core, core.now()).await.map(|_| ()) })
        }),
        Worker::repeating("complaints: calendars", env, sweep, Arc::clone(core), |core| {
            Box::pin(async {
                while recount(core, core.now()).await? {}
                Ok::<_, Error>(())
            })
        }),
        Worker::repeating("complaints: evidence", env, sweep, Arc::clone(core), |core| {
            Box::pin(evidence::tell(core, core.now()))
        }),
        Worker::repeating("complaints: digests", env, sweep, Arc::clone(core), |core| {
            Box::pin(digest::send(core, core.now()))
        }),
        Worker::repeating("complaints: clean-up", env, CLEAN_UP, Arc::clone(core), |core| {
            Box::pin(clean_up(core, core.now()))
        }),
        relay::worker(env, core, token),
    ]);
    Ok(workers)
}

/// Does to every case what time has done by now: marks of lateness, steps of the ladder, ends of windows. Answers how many
/// cases it moved.
pub(crate) async fn tick(core: &Core, now: DateTime<Utc>) -> Result<usize, Error> {
    let (mut moved, mut last) = (0, Vec::new());
    loop {
        let ids = store::complaint::due(&core.db.read, now, BATCH).await?;
        // The same again: the rules leave them where they are, and must not keep this pass going for ever.
        if ids.is_empty() || ids == last {
            return Ok(moved);
        }
        last.clone_from(&ids);
        // So that the transactions find them.
        core.rules().await?;
        let before = moved;
        moved += tick_some(core, ids, now).await?;
        // Another instance is at it, or took them: the next pass looks again.
        if moved == before {
            return Ok(moved);
        }
    }
}

/// Counts some running clocks again by a new version of their calendar, in a transaction of its own, and notes how far it is: a
/// process that ends goes on from there. Meanwhile each case is counted again before anything else is done to it. `true`
/// when there is more to do.
async fn recount(core: &Core, now: DateTime<Utc>) -> Result<bool, Error> {
    if !store::recount::is_asked(&core.db.read).await? {
        return Ok(false);
    }
    let tx = core.db.begin().await?;
    let Some(mut asked) = store::recount::take(&tx).await? else { return Ok(false) };
    let rules = core.rules_in(&tx).await?;
    let found = store::complaint::hold_after(&tx, &core.cipher, &asked.after, BATCH).await?;
    let name = format!("{}@{}", asked.calendar, asked.version);
    let Some((last, _)) = found.last() else {
        store::recount::end(&tx, &asked.calendar).await?;
        let detail = serde_json::json!({"clocks": asked.clocks});
        record(&tx, (&asked.asked_by, "calendar.recounted", &name), detail, "", now).await?;
        tx.commit().await?;
        return Ok(true);
    };
    asked.after.clone_from(last);
    let mut changes = Vec::new();
    for (id, found) in found {
        let before = match found {
            Ok(before) => before,
            Err(error) => {
                tracing::error!(
                    case = id,
                    error = chain(&error),
                    "the clocks of a case cannot be counted again"
                );
                continue;
            }
        };
        let mut next = before.case.clone();
        let moved = workflow::recount(&mut next, &rules);
        if next != before.case {
            asked.clocks += i64::from(moved);
            let mut change = Change::of(before, next, "complaint.recounted");
            change.by_time = true;
            change.detail.insert("calendar", name.clone());
            change.detail.insert("clocks", moved.to_string());
            changes.push(change);
        }
    }
    let asking = Asking { who: &asked.asked_by, request_id: "" };
    core.save(&tx, &rules, changes, asking, now).await?;
    store::recount::note(&tx, &asked).await?;
    tx.commit().await?;
    Ok(true)
}

/// Moves these together; when that fails, one by one, so that a damaged one stops no clock but its own.
async fn tick_some(core: &Core, ids: Vec<String>, now: DateTime<Utc>) -> Result<usize, Error> {
    match tick_together(core, ids.clone(), now).await {
        Err(error) if ids.len() > 1 => {
            tracing::warn!(error = chain(&error), "clocks are moved one by one");
            let mut moved = 0;
            for id in ids {
                match tick_together(core, vec![id.clone()], now).await {
                    Ok(count) => moved += count,
                    Err(error) => {
                        tracing::error!(case = %id, error = chain(&error), "a clock cannot be moved")
                    }
                }
            }
            Ok(moved)
        }
        done => done,
    }
}

async fn tick_together(core: &Core, ids: Vec<String>, now: DateTime<Utc>) -> Result<usize, Error> {
    let tx = core.db.begin().await?;
    let rules = core.rules_in(&tx).await?;
    let mut records = store::complaint::several(&tx, &core.cipher, ids).await?;
    // In one order, so that two instances never wait for each other crosswise.
    records.sort_by_key(|it| it.case.id);
    let (mut changes, mut late) = (Vec::new(), Vec::new());
    for record in records {
        let (decision, ticked) = workflow::tick(&record.case, &rules, now);
        late.extend(ticked.late.iter().copied());
        changes.push(Change::ticked(record, decision, ticked));
    }
    let count = changes.len();
    match core.save(&tx, &rules, changes, SYSTEM, now).await {
        Ok(_) => {
            tx.commit().await?;
            for clock in late {
                core.metrics.late(clock.into());
            }
            Ok(count)
        }
        // Somebody changed one of them meanwhile: the next pass looks again.
        Err(Error::Stale { .. }) => Ok(0),
        Err(error) => Err(error),
    }
}

/// Scans files, deletes those that nobody used, and forgets what may no longer be kept.
pub(crate) async fn clean_up(core: &Core, now: DateTime<Utc>) -> Result<(), Error> {
    // One step that fails keeps no other from being made.
    let db = &core.db.write;
    let done = [
        ("scanning files", scan(core).await),
        ("deleting files that nobody used", delete_loose(core, now).await),
        ("forgetting personal data", forget(core, now).await),
        (
            "deleting messages of channels",
            store::channel::purge(db, now - KEEP_MESSAGES).await.map(|_| ()).map_err(Error::from),
        ),
        (
            "deleting what is known of chats",
            store::chat::purge(db, now - KEEP_MESSAGES).await.map_err(Error::from),
        ),
        ("deleting counts of networks", forget_networks(core, now).await),
        (
            "deleting bounces that nobody took",
            store::mailbox::purge_bounces(db, now - KEEP_BOUNCES).await.map_err(Error::from),
        ),
        (
            "deleting messages that went out",
            store::outbox::purge(db, now - KEEP_MESSAGES).await.map(|_| ()).map_err(Error::from),
        ),
        (
            "deleting what was noted of digests",
            store::digest::purge(db, now - KEEP_MESSAGES).await.map_err(Error::from),
        ),
        (
            "deleting answers for repetitions",
            idempotency::purge(db, now).await.map(|_| ()).map_err(Error::from),
        ),
    ];
    for (step, done) in done {
        if let Err(error) = done {
            tracing::warn!(step, error = chain(&error), "a clean-up did not end; the next one goes on");
        }
    }
    Ok(())
}

/// Deletes what was counted of networks on days that are over.
async fn forget_networks(core: &Core, now: DateTime<Utc>) -> Result<(), Error> {
    let today = core.rules().await?.date(now).to_string();
    Ok(store::network::purge(&core.db.write, &today).await?)
}

/// Deletes files that nobody used. The row goes only with its file: one that cannot be deleted now is named still, and comes
/// up again.
async fn delete_loose(core: &Core, now: DateTime<Utc>) -> Result<(), Error> {
    let before = now - TimeDelta::minutes(i64::from(core.config.loose_file_minutes));
    for id in store::file::loose(&core.db.read, before, BATCH).await? {
        if let Err(error) = delete_one(core, id).await {
            tracing::warn!(file = %id, error = chain(&error), "a file could not be deleted");
        }
    }
    Ok(())
}

async fn delete_one(core: &Core, id: FileId) -> Result<(), Error> {
    let tx = core.db.begin().await?;
    if store::file::forget(&tx, id).await? {
        core.files.delete(&id.to_string()).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn scan_one(core: &Core, id: FileId) -> Result<(), Error> {
    let content = core.files.get(&id.to_string()).await?;
    let verdict = match clamd::scan(&core.config.clamd, &content, SCAN_PATIENCE).await? {
        Finding::Clean => Scan::Clean,
        Finding::Infected => Scan::Infected,
    };
    store::file::scanned(&core.db.write, id, verdict).await?;
    Ok(())
}

async fn scan(core: &Core) -> Result<(), Error> {
    if core.config.clamd.is_empty() {
        return Ok(());
    }
    for id in store::file::unscanned(&core.db.read, BATCH).await? {
        if let Err(error) = scan_one(core, id).await {
            // It stays held; the others do not wait for it.
            tracing::warn!(file = %id, error = chain(&error), "a file could not be scanned");
        }
    }
    Ok(())
}

/// Removes personal data of cases that ended long ago: who reported, what they and officers wrote, files, the exact place. The
/// numbers stay: class, state, category, agency, clocks, closures. A case that cannot be read keeps no other waiting.
async fn forget(core: &Core, now: DateTime<Utc>) -> Result<(), Error> {
    let months = Months::new(core.config.retention_months);
    let Some(before) = now.checked_sub_months(months) else { return Ok(()) };
    let (mut after, mut forgotten) = (None, 0);
    while forgotten == 0 {
        let page = store::complaint::to_forget(&core.db.read, before, after.as_ref(), BATCH).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        for (_, id) in &page {
            match forget_one(core, id, now).await {
                Ok(()) => forgotten += 1,
                // It was changed meanwhile: the next pass looks again.
                Err(Error::Stale { .. }) => {}
                Err(error) => tracing::error!(case = id, error = chain(&error), "a case cannot be forgotten"),
            }
        }
    }
    Ok(())
}

async fn forget_one(core: &Core, id: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let id: CaseId = read("complaint.id", id)?;
    let tx = core.db.begin().await?;
    let rules = core.rules_in(&tx).await?;
    let Some(record) = store::complaint::find(&tx, &core.cipher, id).await? else { return Ok(()) };
    let mut next = record.case.clone();
    for message in &mut next.messages {
        strip(message);
    }
    next.place = next.place.coarse();
    next.place.point = None;
    next.extra.clear();
    for text in
        [&mut next.queue_ticket, &mut next.advice, &mut next.forwarded_to, &mut next.publication_reason]
    {
        text.clear();
    }
    next.helpers.iter_mut().for_each(|it| it.task.clear());
    // The reporters of a merged case belong to the one it was merged into, and are forgotten with that.
    if next.merged_into.is_none() {
        for reporter in &mut next.reporters {
            store::vault::forget(&tx, reporter.number).await?;
            reporter.reachable = false;
        }
    }
    store::reveal::forget(&tx, id).await?;
    let files = store::file::of_case(&tx, id).await?;
    store::file::forget_of(&tx, id).await?;
    core.save_one(&tx, &rules, Change::of(record, next, "complaint.forgotten"), SYSTEM, now).await?;
    store::complaint::forgotten(&tx, id, now).await?;
    // Before the rows are gone for good: a file that cannot be deleted now is named still, and comes up again.
    for file in files {
        core.files.delete(&file.id.to_string()).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// What a message keeps: who in which part, when, what kind. The digests of files stay as proof that there were some.
fn strip(message: &mut Message) {
    message.text.clear();
    message.external.clear();
    match message.by {
        Part::Reporter => message.reporter.clear(),
        Part::Coordinator | Part::Agency | Part::Inspector | Part::System => {}
    }
}

/// Puts in what ships with the suite where the installation has none of it: the deadlines table and the calendar of the
/// regency. Refuses to go on with deadlines that nobody vouches for, where that is not permitted.
pub(crate) async fn fill_catalogue(core: &Core) -> anyhow::Result<()> {
    let now = core.now();
    let tx = core.db.begin().await?;
    if store::catalogue::deadlines(&tx).await?.is_empty() {
        for row in catalogue::deadlines()? {
            store::catalogue::save_deadline(&tx, &row).await?;
        }
    }
    if !store::catalogue::has_calendar(&tx, &core.config.regency).await? {
        let version = CalendarVersion {
            id: core.config.regency.clone(),
            version: 1,
            calendar: mpp_kit::calendar::national(core.config.zone)?,
        };
        store::catalogue::insert_calendar(&tx, &version, now).await?;
    }
    let known = store::catalogue::languages(&tx).await?;
    for language in catalogue::languages()? {
        if !known.iter().any(|it| it.code == language.code) {
            store::catalogue::insert_language(&tx, &language, now).await?;
        }
    }
    tx.commit().await?;
    let rules = core.rules().await.context("reading the rules")?;
    let today = rules.date(now);
    for gap in rules.unwritten(now) {
        let until = gap.until.map_or_else(|| "none".to_owned(), |it| it.to_string());
        tracing::warn!(
            calendar = gap.calendar,
            free_days_until = until,
            counted_until = %gap.due,
            "deadlines fall due in a year whose free days are not written: write a version of the calendar with them"
        );
    }
    let unverified: Vec<&str> = rules
        .deadlines
        .iter()
        .filter(|it| it.clock.is_some() && it.holds(today) && it.is_unverified())
        .map(|it| it.key.as_str())
        .collect();
    if !unverified.is_empty() && !core.config.allow_unverified_deadlines {
        bail!(
            "nobody vouches for these deadlines: {}. Start once with complaints.allow_unverified_deadlines = true, let an official sign them off (SignOffDeadline), then start again",
            unverified.join(", ")
        );
    }
    Ok(())
}

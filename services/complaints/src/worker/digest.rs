//! Digests: what the board says in the morning, to heads of agencies and to the regent, each office once a day.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mpp_kit::fault::chain;

use crate::domain::OfficialId;
use crate::domain::board::Measure;
use crate::domain::digest::{Due, Numbers, due};
use crate::domain::rules::Rules;
use crate::error::Error;
use crate::rpc::Core;
use crate::store;
use crate::store::outbox::{About, Body, Message, Recipient};

/// The type of the message at notifications.
const KIND: &str = "ringkasan";

/// Sends the digests whose time has come. One that cannot be made keeps no other waiting.
pub(super) async fn send(core: &Core, now: DateTime<Utc>) -> Result<(), Error> {
    let rules = core.rules().await?;
    let due = due(&rules, core.config.digests(), now);
    if due.is_empty() {
        return Ok(());
    }
    let had = store::digest::of_day(&core.db.read, &rules.date(now).to_string()).await?;
    for official in due.iter().map(|it| it.official.id).filter(|id| !had.contains(&id.to_string())) {
        if let Err(error) = send_one(core, official, now).await {
            tracing::error!(%official, error = chain(&error), "a digest could not be made");
        }
    }
    Ok(())
}

async fn send_one(core: &Core, official: OfficialId, now: DateTime<Utc>) -> Result<(), Error> {
    let tx = core.db.begin().await?;
    let rules = core.rules_in(&tx).await?;
    let all = due(&rules, core.config.digests(), now);
    // Nobody holds it any more.
    let Some(due) = all.into_iter().find(|it| it.official.id == official) else { return Ok(()) };
    let day = rules.date(now).to_string();
    let numbers = numbers(&tx, &due, &rules, now).await?;
    let before = store::digest::before(&tx, official, &day).await?;
    if !store::digest::note(&tx, (official, &day), numbers, now).await? {
        // Another instance was first.
        return Ok(());
    }
    if !numbers.is_nothing() {
        let said = numbers.said(before).into_iter();
        let office = ("jabatan", due.official.title.clone());
        let placeholders: BTreeMap<String, String> =
            said.chain([office]).map(|(key, value)| (key.to_owned(), value)).collect();
        // Tomorrow there is another one.
        let expires_at = Some(rules.end_of_today(now));
        let body = Body { placeholders, subject: official.to_string(), expires_at };
        let recipient = Recipient::Account(due.account.to_owned());
        let message = Message::queued((About::Digest(official), KIND), recipient, body, now);
        store::outbox::insert(&tx, &[message]).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// What the board says of the desks of an office, all together.
async fn numbers(
    tx: &sea_orm::DatabaseTransaction,
    due: &Due<'_>,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<Numbers, Error> {
    let counts = store::board::counts(tx).await?;
    let mut sum = Numbers::default();
    for desk in &due.desks {
        let of = |measure| counts.get(*desk).and_then(|it| it.get(&measure)).copied().unwrap_or(0);
        sum.late += of(Measure::Late);
        sum.waiting += of(Measure::ToAcknowledge);
        if of(Measure::Open) > 0 {
            sum.due_today += store::board::due_count(tx, desk, (now, rules.end_of_today(now))).await?;
        }
    }
    Ok(sum)
}

//! Papers for the Ombudsman that end: the coordinator is told some days before, and again when it has happened, each once.

use chrono::{DateTime, Days, NaiveTime, Utc};
use mpp_kit::fault::chain;
use serde_json::json;

use super::BATCH;
use crate::domain::evidence::{Alarm, alarm};
use crate::domain::ladder::{Climb, addressee};
use crate::domain::rules::Rules;
use crate::domain::words::{ClockKind, Rung};
use crate::domain::{COORDINATOR, EvidenceId};
use crate::error::Error;
use crate::rpc::case::SYSTEM;
use crate::rpc::{Core, record};
use crate::store;
use crate::store::outbox::{About, Body, Message, Recipient};

/// Tells of every paper that time has brought to its end, or near it. One that cannot be told of keeps no other waiting.
pub(super) async fn tell(core: &Core, now: DateTime<Utc>) -> Result<(), Error> {
    let rules = core.rules().await?;
    let today = rules.date(now);
    let days = Days::new(u64::from(core.config.evidence_warning_days));
    let soon = today.checked_add_days(days).unwrap_or(today);
    for id in store::evidence::ending(&core.db.read, (today, soon), BATCH).await? {
        if let Err(error) = tell_one(core, id, now).await {
            tracing::error!(evidence = %id, error = chain(&error), "the end of a paper could not be told");
        }
    }
    Ok(())
}

async fn tell_one(core: &Core, id: EvidenceId, now: DateTime<Utc>) -> Result<(), Error> {
    let tx = core.db.begin().await?;
    let rules = core.rules_in(&tx).await?;
    let Some(paper) = store::evidence::find(&tx, id).await? else { return Ok(()) };
    let Some(ends) = paper.ends() else { return Ok(()) };
    let due = alarm(ends, paper.told, rules.date(now), core.config.evidence_warning_days);
    let Some(due) = due.filter(|_| paper.withdrawn.is_none()) else { return Ok(()) };
    // A vacant office swallows no alarm: the next one above is told.
    let climb = Climb {
        clock: ClockKind::Accept,
        cycle: 0,
        percent: 0,
        rung: Rung::Admin,
        holder: COORDINATOR.to_owned(),
    };
    let Some(account) = addressee(&climb, &rules, now).map(|(_, account)| account.to_owned()) else {
        // It is told as soon as somebody holds one of the offices; the page shows it meanwhile.
        tracing::debug!(evidence = %id, "nobody holds an office that could be told of the end of a paper");
        return Ok(());
    };
    if !store::evidence::told(&tx, &paper, due).await? {
        // Another instance was first.
        return Ok(());
    }
    let number = if paper.number.is_empty() { "-" } else { paper.number.as_str() };
    let placeholders = [
        ("indikator", paper.indicator.to_string()),
        ("jenis", paper.kind.name().to_owned()),
        ("nomor", number.to_owned()),
        ("berakhir", ends.format("%d-%m-%Y").to_string()),
    ];
    let body = Body {
        placeholders: placeholders.map(|(key, it)| (key.to_owned(), it)).into_iter().collect(),
        subject: id.to_string(),
        expires_at: pointless_from(due, ends, &rules),
    };
    let recipient = Recipient::Account(account.clone());
    let message = Message::queued((About::Evidence(id), message_type(due)), recipient, body, now);
    store::outbox::insert(&tx, &[message]).await?;
    let detail = json!({"step": due.to_string(), "account": account});
    record(&tx, (SYSTEM.who, "evidence.alarmed", &id.to_string()), detail, "", now).await?;
    tx.commit().await?;
    Ok(())
}

/// The type of the message at notifications.
fn message_type(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::Soon => "bukti_akan_berakhir",
        Alarm::Over => "bukti_berakhir",
    }
}

/// A warning ends with what it warns of.
fn pointless_from(alarm: Alarm, ends: chrono::NaiveDate, rules: &Rules) -> Option<DateTime<Utc>> {
    match alarm {
        Alarm::Soon => {
            let zone = rules.calendar(&rules.home).2.zone();
            ends.succ_opt().map(|after| zone.moment(after.and_time(NaiveTime::MIN)))
        }
        Alarm::Over => None,
    }
}

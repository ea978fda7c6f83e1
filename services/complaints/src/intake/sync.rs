//! SP4N-LAPOR! at work: items become cases once, whatever way they come; what is answered here is told there and read
//! back; and each day both sides are held against each other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::component::{Env, Worker};
use mpp_kit::fault::chain;
use sea_orm::DatabaseTransaction;
use serde_json::json;

use super::lapor::client::{Client, FollowUp};
use super::lapor::ledger::{self as rules_of_ledger, Mode, Ours, Plan, Row};
use super::lapor::{Class as TheirClass, Item, Stage};
use super::place::category;
use crate::domain::case::{Case, Place};
use crate::domain::rules::Rules;
use crate::domain::words::{Channel, Class, MessageKind, Secrecy};
use crate::domain::{CaseId, LedgerId};
use crate::error::Error;
use crate::rpc::case::Asking;
use crate::rpc::file_complaint::Report;
use crate::rpc::{Core, record};
use crate::store;
use crate::store::ledger::{Direction, Entry};
use crate::store::vault::Identity;

/// How far back both sides are compared.
const PERIOD: TimeDelta = TimeDelta::days(90);
/// What one reading overlaps with the one before: clocks differ.
const OVERLAP: TimeDelta = TimeDelta::hours(1);
/// Rows of the ledger that are read at once.
const ROWS: u64 = 500;

const LAPOR: Asking<'_> = Asking { who: "sp4n", request_id: "" };

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is a new case.
    Created,
    /// Its row was brought up to date.
    Updated,
    /// Nothing changed.
    Unchanged,
}

/// Takes an item, in a transaction: its tracking id is one row and one case, however often it comes.
pub(crate) async fn take(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    item: &Item,
    asking: Asking<'_>,
    now: DateTime<Utc>,
) -> Result<Taken, Error> {
    let known = store::ledger::by_tracking(tx, &item.tracking_id).await?;
    match (rules_of_ledger::plan(known.as_ref().map(row).as_ref(), item), known) {
        (Plan::Unchanged, _) => Ok(Taken::Unchanged),
        (Plan::Update, Some(entry)) => {
            let closed = is_closed(core, tx, &entry).await?;
            let latest = Entry {
                stage: item.stage_label.clone(),
                checksum: item.checksum(),
                last_seen_at: Some(now),
                mismatch: seen(&entry, mismatch(&item.stage_label, closed)),
                ..entry
            };
            store::ledger::save(tx, &latest).await?;
            seen_there(tx, &latest, asking, now).await?;
            Ok(Taken::Updated)
        }
        (Plan::Create | Plan::Update, _) => {
            let record = core.create(tx, rules, report(core, rules, item), asking, now).await?;
            let entry = Entry {
                id: LedgerId::generate(),
                tracking: item.tracking_id.clone(),
                direction: Direction::In,
                case: record.case.id.to_string(),
                number: record.case.number.to_string(),
                stage: item.stage_label.clone(),
                last_seen_at: Some(now),
                last_pushed_at: None,
                checksum: item.checksum(),
                mismatch: mismatch(&item.stage_label, false),
            };
            store::ledger::save(tx, &entry).await?;
            seen_there(tx, &entry, asking, now).await?;
            Ok(Taken::Created)
        }
    }
}

/// Enters into the journal what a row says now: the ledger itself keeps the present alone, and evidence is of the past.
async fn seen_there(
    tx: &DatabaseTransaction,
    row: &Entry,
    asking: Asking<'_>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let detail = json!({"tracking": row.tracking, "stage": row.stage, "mismatch": row.mismatch});
    record(tx, (asking.who, "sp4n.seen", &row.id.to_string()), detail, asking.request_id, now).await
}

fn report(core: &Core, rules: &Rules, item: &Item) -> Report {
    let class = match item.class {
        Some(TheirClass::Complaint) | None => Class::Complaint,
        Some(TheirClass::Aspiration) => Class::Aspiration,
        Some(TheirClass::InformationRequest) => Class::InformationRequest,
        Some(TheirClass::Whistleblowing) => Class::Whistleblowing,
    };
    // Rahasia there hides the content, anonim the reporter: here rahasia is both.
    let secrecy = match (item.secret, item.anonymous) {
        (true, _) => Secrecy::Secret,
        (false, true) => Secrecy::Anonymous,
        (false, false) => Secrecy::Open,
    };
    // Its own category, where one here is called the same.
    let named =
        rules.categories.values().find(|it| it.active && it.name.eq_ignore_ascii_case(&item.category));
    let text = match (item.title.trim(), item.text.trim()) {
        ("", text) => text.to_owned(),
        (title, "") => title.to_owned(),
        (title, text) => format!("{title}\n\n{text}"),
    };
    Report {
        class,
        category: named.map_or_else(|| category(core, rules), |it| it.key.clone()),
        place: Place { address: item.place.clone(), ..Place::default() },
        text,
        files: Vec::new(),
        identity: Identity { name: item.reporter.clone().unwrap_or_default(), ..Identity::default() },
        secrecy,
        undecided: false,
        channel: Channel::Sp4n,
        occurred_at: None,
        extra: BTreeMap::new(),
        about: None,
        // Believed where it is plausible, as of every channel: an export of last month starts no clock in the past.
        sent_at: item.written_at,
        queue_ticket: String::new(),
        written_by: String::new(),
        external: format!("sp4n/{}", item.tracking_id),
    }
}

/// A row as the rules of the ledger see it.
fn row(entry: &Entry) -> Row {
    Row {
        tracking_id: entry.tracking.clone(),
        mode: Mode::File,
        case: entry.case.clone(),
        stage: Stage::from_label(&entry.stage),
        checksum: entry.checksum.clone(),
        last_seen_at: entry.last_seen_at.unwrap_or_default(),
        pushed_at: None,
    }
}

/// Why a stage there and a case here disagree; empty when they do not.
pub(crate) fn mismatch(stage: &str, closed: bool) -> String {
    use rules_of_ledger::Mismatch;
    let found = match Stage::from_label(stage) {
        None => Some(Mismatch::UnknownStage),
        Some(Stage::Done | Stage::Archived | Stage::NotOurs) if !closed => Some(Mismatch::ClosedThere),
        Some(Stage::New | Stage::Verified | Stage::Postponed | Stage::InProgress) if closed => {
            Some(Mismatch::ClosedHere)
        }
        Some(_) => None,
    };
    found.map(|it| it.to_string()).unwrap_or_default()
}

/// What a row says after a look at LAPOR!. That something was told and not read back stays until it is, or until an officer
/// says otherwise: no other finding may hide it.
fn seen(row: &Entry, found: String) -> String {
    if is_unconfirmed(row) { row.mismatch.clone() } else { found }
}

/// Whether something was told that LAPOR! did not show.
pub(crate) fn is_unconfirmed(row: &Entry) -> bool {
    row.mismatch == rules_of_ledger::Mismatch::NotConfirmed.to_string()
}

async fn is_closed(core: &Core, db: &impl sea_orm::ConnectionTrait, entry: &Entry) -> Result<bool, Error> {
    Ok(case_of(core, db, entry).await?.is_some_and(|case| case.state.is_closed()))
}

async fn case_of(
    core: &Core,
    db: &impl sea_orm::ConnectionTrait,
    entry: &Entry,
) -> Result<Option<Case>, Error> {
    let Ok(id) = entry.case.parse::<CaseId>() else { return Ok(None) };
    Ok(store::complaint::find(db, &core.cipher, id).await?.map(|it| it.case))
}

/// Reads what changed, tells what was answered, and compares.
pub(crate) struct Sync {
    core: Arc<Core>,
    client: Client,
    read_until: Option<DateTime<Utc>>,
    compared_at: Option<DateTime<Utc>>,
}

impl Sync {
    /// A synchronisation with the interface that is configured.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn new(core: Arc<Core>) -> anyhow::Result<Self> {
        let config = &core.config.channels.sp4n;
        let timeout = Duration::from_secs(config.timeout_seconds.into());
        let client = Client::new(&config.base_url, config.token.clone(), timeout)?;
        Ok(Self { core, client, read_until: None, compared_at: None })
    }

    /// One pass.
    ///
    /// # Errors
    /// When LAPOR! or the database does not answer; the next pass does it.
    pub(crate) async fn tick(&mut self, now: DateTime<Utc>) -> anyhow::Result<()> {
        let since = self.read_until.map_or(now - PERIOD, |until| until - OVERLAP);
        let items = self.client.changed_since(since).await.context("reading SP4N-LAPOR!")?;
        let mut refused = 0;
        for item in &items {
            if let Some(field) = item.missing() {
                tracing::warn!(field, "an item of SP4N-LAPOR! cannot be taken");
                continue;
            }
            let tx = self.core.db.begin().await?;
            let rules = self.core.rules_in(&tx).await?;
            match take(&self.core, &tx, &rules, item, LAPOR, now).await {
                Ok(_) => tx.commit().await?,
                // The rules refuse one, such as whistleblowing before there is an inspectorate: the others do not wait.
                Err(Error::Rejected(why)) => {
                    refused += 1;
                    tracing::warn!(%why, "an item of SP4N-LAPOR! is refused; it is read again");
                }
                Err(error) => return Err(error.into()),
            }
        }
        // What was refused is read again until it can be taken.
        if refused == 0 {
            self.read_until = Some(now);
        }
        self.tell().await?;
        if self.compared_at.is_none_or(|at| now - at >= TimeDelta::days(1)) {
            self.compare(now).await?;
            self.compared_at = Some(now);
        }
        Ok(())
    }

    /// Tells answers of agencies and questions to the reporter that LAPOR! does not show yet. A question pauses no clock: what
    /// the reporter writes there does not come back over this interface, and silence here would be no silence of theirs.
    async fn tell(&self) -> anyhow::Result<()> {
        for entry in self.rows().await?.into_iter().filter(|it| !it.tracking.is_empty()) {
            let Some(case) = case_of(&self.core, &self.core.db.read, &entry).await? else { continue };
            let answers = case.messages.iter().filter(|it| {
                matches!(it.kind, MessageKind::FirstAnswer | MessageKind::Answer | MessageKind::Question)
                    && entry.last_pushed_at.is_none_or(|pushed| it.at > pushed)
            });
            for answer in answers.cloned().collect::<Vec<_>>() {
                let reference = format!("{}-{}", case.number, answer.at.timestamp_micros());
                let text = if answer.kind == MessageKind::Question {
                    format!("Mohon dilengkapi: {}", answer.text)
                } else {
                    answer.text
                };
                let told = FollowUp { reference, text };
                // Refused or not shown: the ledger says so, and the next pass tries again.
                if let Err(error) = self.client.follow_up(&entry.tracking, &told).await {
                    tracing::warn!(error = chain(&error), "an answer could not be told to SP4N-LAPOR!");
                    self.note(&entry, |row| {
                        row.mismatch = rules_of_ledger::Mismatch::NotConfirmed.to_string();
                    })
                    .await?;
                    break;
                }
                self.note(&entry, |row| {
                    // The moment of the answer: one that is given while this is told must not count as told.
                    row.last_pushed_at = Some(answer.at);
                    row.mismatch = mismatch(&row.stage, case.state.is_closed());
                })
                .await?;
            }
        }
        Ok(())
    }

    /// Holds both sides against each other and writes the reasons into the ledger.
    async fn compare(&self, now: DateTime<Utc>) -> anyhow::Result<()> {
        let theirs = self.client.changed_since(now - PERIOD).await.context("comparing with SP4N-LAPOR!")?;
        let mut ours = Vec::new();
        let mut entries = self.rows().await?;
        entries.retain(|it| it.last_seen_at.is_some_and(|at| now - at < PERIOD));
        for entry in &entries {
            let closed = is_closed(&self.core, &self.core.db.read, entry).await?;
            ours.push(Ours { row: row(entry), closed });
        }
        let found = rules_of_ledger::reconcile(&ours, &theirs, now);
        for entry in &entries {
            let reason = found.iter().find(|it| it.tracking_id == entry.tracking);
            let told = reason.map(|it| it.reason.to_string()).unwrap_or_default();
            if told != entry.mismatch {
                self.note(entry, |row| row.mismatch = seen(row, told)).await?;
            }
        }
        let tx = self.core.db.begin().await?;
        let detail = json!({"ours": entries.len(), "theirs": theirs.len(), "mismatches": found.len()});
        record(&tx, (LAPOR.who, "sp4n.compared", "sp4n"), detail, "", now).await?;
        tx.commit().await?;
        tracing::info!(
            ours = entries.len(),
            theirs = theirs.len(),
            mismatches = found.len(),
            "SP4N-LAPOR! compared"
        );
        Ok(())
    }

    /// All rows of the ledger.
    async fn rows(&self) -> anyhow::Result<Vec<Entry>> {
        let mut all: Vec<Entry> = Vec::new();
        loop {
            let before = all.last().map(|it| it.id.to_string());
            let page = store::ledger::list(&self.core.db.read, false, before.as_deref(), ROWS).await?;
            let full = page.len() as u64 == ROWS;
            all.extend(page);
            if !full {
                return Ok(all);
            }
        }
    }

    async fn note(&self, entry: &Entry, change: impl FnOnce(&mut Entry)) -> anyhow::Result<()> {
        let tx = self.core.db.begin().await?;
        if let Some(mut latest) = store::ledger::by_tracking(&tx, &entry.tracking).await? {
            let before = latest.clone();
            change(&mut latest);
            store::ledger::save(&tx, &latest).await?;
            if (&before.stage, &before.mismatch) != (&latest.stage, &latest.mismatch) {
                seen_there(&tx, &latest, LAPOR, self.core.now()).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

/// The worker of the API mode.
pub(crate) fn worker(env: &Env, sync: Sync) -> Worker {
    let every = Duration::from_secs(u64::from(sync.core.config.channels.sp4n.every_minutes) * 60);
    Worker::repeating("complaints: SP4N-LAPOR!", env, every, sync, |sync| {
        let now = sync.core.now();
        Box::pin(async move { sync.tick(now).await.map(|_| ()) })
    })
}

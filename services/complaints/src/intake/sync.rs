//! SP4N-LAPOR! at work: items become cases once, whatever way they come; what is answered here is told there and read
//! back; and each day both sides are held against each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::component::{Env, Worker};
use mpp_kit::fault::chain;
use mpp_kit::journal;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};
use serde_json::json;

use super::lapor::client::{Client, FollowUp};
use super::lapor::ledger::{self as rules_of_ledger, Mode, Ours, Plan, Row};
use super::lapor::{Class as TheirClass, Item, Stage};
use super::place::category;
use crate::domain::case::{Case, Place};
use crate::domain::language::INDONESIAN;
use crate::domain::rules::Rules;
use crate::domain::words::{Channel, Class, MessageKind, Secrecy, State};
use crate::domain::{CaseId, LedgerId};
use crate::error::Error;
use crate::rpc::case::{Asking, Change};
use crate::rpc::file_complaint::Report;
use crate::rpc::{Core, noted};
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

/// What a transaction makes of items: it is saved together, so that it takes what others may hold in the order of [`Core::put`]. The
/// transaction has the turn at the ledger.
#[derive(Default)]
pub(crate) struct Batch {
    opened: Vec<Change>,
    rows: Vec<Entry>,
}

impl Batch {
    /// Takes an item: its tracking id is one row and one case, however often it comes; in one batch it comes once.
    pub(crate) async fn take(
        &mut self,
        core: &Core,
        tx: &DatabaseTransaction,
        rules: &Rules,
        item: &Item,
        now: DateTime<Utc>,
    ) -> Result<Taken, Error> {
        let known = store::ledger::by_tracking(tx, &item.tracking_id).await?;
        let plan = rules_of_ledger::plan(known.as_ref().map(row).as_ref(), item);
        match (plan, known) {
            (Plan::Unchanged, known) => {
                if let Some(entry) = known {
                    self.look_again(tx, entry).await?;
                }
                Ok(Taken::Unchanged)
            }
            (Plan::Update, Some(entry)) => {
                let closed = is_closed(tx, &entry).await?;
                self.rows.push(Entry {
                    stage: item.stage_label.clone(),
                    checksum: item.checksum(),
                    last_seen_at: Some(now),
                    written_at: item.written_at.or(entry.written_at),
                    mismatch: seen(&entry, mismatch(&item.stage_label, closed)),
                    ..entry
                });
                Ok(Taken::Updated)
            }
            (Plan::Create | Plan::Update, _) => {
                let change = core.opened(tx, rules, report(core, rules, item), now).await?;
                self.rows.push(Entry {
                    id: LedgerId::generate(),
                    tracking: item.tracking_id.clone(),
                    direction: Direction::In,
                    case: change.next.id.to_string(),
                    number: change.next.number.to_string(),
                    stage: item.stage_label.clone(),
                    last_seen_at: Some(now),
                    last_pushed_at: None,
                    pasted_until: None,
                    written_at: item.written_at,
                    checksum: item.checksum(),
                    mismatch: mismatch(&item.stage_label, false),
                });
                self.opened.push(change);
                Ok(Taken::Created)
            }
        }
    }

    /// An item is as it was seen last, and the case here may not be: whether both sides agree is said anew.
    async fn look_again(&mut self, tx: &DatabaseTransaction, entry: Entry) -> Result<(), Error> {
        let found = mismatch(&entry.stage, is_closed(tx, &entry).await?);
        let told = seen(&entry, found);
        if told != entry.mismatch {
            self.rows.push(Entry { mismatch: told, ..entry });
        }
        Ok(())
    }

    /// Saves it.
    pub(crate) async fn save(
        self,
        core: &Core,
        tx: &DatabaseTransaction,
        rules: &Rules,
        asking: Asking<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let channels: Vec<Channel> = self.opened.iter().map(|it| it.next.channel).collect();
        let (_, mut entries) = core.put(tx, rules, self.opened, asking, now).await?;
        for row in &self.rows {
            store::ledger::save(tx, row).await?;
            entries.push(seen_there(row, asking, now));
        }
        journal::append_all(tx, &entries).await?;
        channels.into_iter().for_each(|it| core.metrics.filed(it.into()));
        Ok(())
    }
}

/// Lets the rows of a case be about the one that it was merged into, and answers what the journal is to say of them. Nothing of
/// what was said on that one has been told for them: neither what was told of the former case nor what was pasted for it counts
/// there.
pub(crate) async fn follow(
    tx: &DatabaseTransaction,
    (from, to): (CaseId, CaseId),
    asking: Asking<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<journal::Entry>, Error> {
    let mut entries = Vec::new();
    for row in store::ledger::hold_of(tx, from).await? {
        let was_unconfirmed = is_unconfirmed(&row);
        let mut latest = Entry { case: to.to_string(), last_pushed_at: None, pasted_until: None, ..row };
        if was_unconfirmed {
            // What is merged into is open.
            latest.mismatch = mismatch(&latest.stage, false);
        }
        store::ledger::save(tx, &latest).await?;
        if was_unconfirmed {
            entries.push(seen_there(&latest, asking, now));
        }
    }
    Ok(entries)
}

/// What the journal says of what a row says now: the ledger itself keeps the present alone, and evidence is of the past.
fn seen_there(row: &Entry, asking: Asking<'_>, now: DateTime<Utc>) -> journal::Entry {
    let detail = json!({"tracking": row.tracking, "stage": row.stage, "mismatch": row.mismatch});
    noted((asking.who, "sp4n.seen", &row.id.to_string()), detail, asking.request_id, now)
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

/// What was told until then was seen there. The moment of the text: one that is given meanwhile must not count as told.
pub(crate) fn confirmed(row: &mut Entry, until: DateTime<Utc>, closed: bool) {
    row.last_pushed_at = row.last_pushed_at.max(Some(until));
    row.pasted_until = row.pasted_until.filter(|pasted| *pasted > until);
    row.mismatch = if row.pasted_until.is_some() {
        rules_of_ledger::Mismatch::NotConfirmed.to_string()
    } else {
        mismatch(&row.stage, closed)
    };
}

/// What was told until then was pasted there by hand: it is not confirmed until it was seen.
pub(crate) fn pasted(row: &mut Entry, until: DateTime<Utc>) {
    row.pasted_until = row.pasted_until.max(Some(until));
    row.mismatch = rules_of_ledger::Mismatch::NotConfirmed.to_string();
}

/// What was pasted there is not shown: it is told again.
pub(crate) fn not_shown(row: &mut Entry, closed: bool) {
    row.pasted_until = None;
    row.mismatch = mismatch(&row.stage, closed);
}

/// Something that has to be told at LAPOR!.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Untold {
    /// `FIRST_ANSWER`, `ANSWER`, `QUESTION`, or `CLOSED`.
    pub(crate) kind: String,
    /// As it is read there.
    pub(crate) text: String,
    pub(crate) at: DateTime<Utc>,
    /// Whether somebody says that it was pasted there, and nobody saw it there yet.
    pub(crate) pasted: bool,
}

/// What of a case was not seen at LAPOR! yet, oldest first: answers of agencies, questions to the reporter, and why it was closed
/// otherwise.
pub(crate) fn untold(case: &Case, entry: &Entry, rules: &Rules) -> Vec<Untold> {
    let is_new = |at: DateTime<Utc>| entry.last_pushed_at.is_none_or(|told| at > told);
    let pasted = |at: DateTime<Utc>| entry.pasted_until.is_some_and(|until| at <= until);
    let said = case.messages.iter().filter(|it| is_new(it.at));
    let mut untold: Vec<Untold> = said
        .filter(|it| !it.text.is_empty())
        .filter_map(|it| {
            let text = match it.kind {
                MessageKind::Question => format!("Mohon dilengkapi: {}", it.text),
                MessageKind::FirstAnswer | MessageKind::Answer => it.text.clone(),
                MessageKind::Report
                | MessageKind::Addition
                | MessageKind::Note
                | MessageKind::Notice
                | MessageKind::Unproven => return None,
            };
            Some(Untold { kind: it.kind.to_string(), text, at: it.at, pasted: pasted(it.at) })
        })
        .collect();
    // One that was opened again keeps why it was closed before: only as it stands now does it count.
    let key = match case.state {
        State::Archived => Some("status.ARCHIVED_BECAUSE"),
        // As in messages: where it went may tell who reads along what a secret report is about.
        State::ForwardedOutside if case.reporters.iter().all(|it| it.secrecy.shows_reporter()) => {
            Some("status.FORWARDED_TO")
        }
        State::ForwardedOutside => Some("status.FORWARDED_BECAUSE"),
        State::New
        | State::Verified
        | State::Disposed
        | State::InProgress
        | State::AwaitingCompletion
        | State::AwaitingConfirmation
        | State::Reopened
        | State::Settled
        | State::Merged
        | State::DeemedWithdrawn
        | State::Withdrawn => None,
    };
    let closed = key.zip(case.closed_at.filter(|at| is_new(*at)));
    untold.extend(closed.map(|(key, at)| {
        let reason = rules.languages.say(INDONESIAN, &format!("reason.{}", case.closing_reason), &[]);
        let words = [("alasan", reason.as_str()), ("tujuan", case.forwarded_to.as_str())];
        let told = rules.languages.say(INDONESIAN, key, &words);
        let text = format!("Laporan {told}. {}", case.advice);
        Untold { kind: "CLOSED".to_owned(), text, at, pasted: pasted(at) }
    }));
    untold.sort_by_key(|it| it.at);
    untold
}

/// What LAPOR! shows, to be held against what is here.
pub(crate) struct Shown<'a> {
    pub(crate) items: &'a [Item],
    /// The tracking ids of what it shows too and could not be read.
    pub(crate) unread: BTreeSet<&'a str>,
    pub(crate) since: Since,
}

impl Shown<'_> {
    /// Those of our rows that it is held against: what it shows, however old that is, and what it would show. Of what cannot be
    /// read nothing can be said.
    fn of(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        let shown: BTreeSet<&str> = self.items.iter().map(|it| it.tracking_id.as_str()).collect();
        entries.retain(|it| {
            let tracking = it.tracking.as_str();
            shown.contains(tracking) || self.since.holds(it) && !self.unread.contains(tracking)
        });
        entries
    }
}

/// Which rows of ours it would show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// Those that were seen there last after this.
    Seen(DateTime<Utc>),
    /// Those that were written there at this moment or later; `None` if that is not known, so that nothing can be missing.
    Written(Option<DateTime<Utc>>),
}

impl Since {
    fn holds(self, entry: &Entry) -> bool {
        match self {
            Self::Seen(since) => entry.last_seen_at.is_some_and(|at| at > since),
            Self::Written(since) => since.zip(entry.written_at).is_some_and(|(since, at)| at >= since),
        }
    }
}

/// Holds what LAPOR! shows against what is here, and writes the reasons into the ledger. Answers in how many both sides disagree:
/// rows with a reason, and items that there is no row of. What is the inspectorate's is not compared, nor counted on either side.
pub(crate) async fn compare(
    tx: &DatabaseTransaction,
    theirs: &Shown<'_>,
    asking: Asking<'_>,
    now: DateTime<Utc>,
) -> Result<usize, Error> {
    store::ledger::take_turns(tx).await?;
    let entries = theirs.of(all_rows(tx, Rows::All).await?);
    let cases: Vec<&str> = entries.iter().map(|it| it.case.as_str()).collect();
    let closed = store::complaint::closed_of(tx, &cases).await?;
    let ours = entries.iter().map(|it| Ours { row: row(it), closed: closed.contains(&it.case) });
    let ids: Vec<&str> = theirs.items.iter().map(|it| it.tracking_id.as_str()).collect();
    let inspected = store::ledger::inspected(tx, &ids).await?;
    let items = theirs.items.iter().filter(|it| !inspected.contains(&it.tracking_id));
    let items: Vec<Item> = items.cloned().collect();
    let found = rules_of_ledger::reconcile(&ours.collect::<Vec<_>>(), &items, now);
    let mut reasons: BTreeMap<&str, String> = BTreeMap::new();
    for it in &found {
        // The first is the one that counts.
        reasons.entry(&it.tracking_id).or_insert_with(|| it.reason.to_string());
    }
    let mut differing = found.iter().filter(|it| it.case.is_none()).count();
    let mut said = Vec::new();
    for entry in &entries {
        let reason = reasons.get(entry.tracking.as_str()).cloned().unwrap_or_default();
        let mut told = seen(entry, reason.clone());
        if told != entry.mismatch
            && let Some(held) = store::ledger::hold(tx, entry.id).await?
        {
            told = seen(&held, reason);
            let latest = Entry { mismatch: told.clone(), ..held };
            store::ledger::save(tx, &latest).await?;
            said.push(seen_there(&latest, asking, now));
        }
        differing += usize::from(!told.is_empty());
    }
    let detail = json!({"ours": entries.len(), "theirs": items.len(), "mismatches": differing});
    said.push(noted((asking.who, "sp4n.compared", "sp4n"), detail, asking.request_id, now));
    journal::append_all(tx, &said).await?;
    Ok(differing)
}

/// Which rows of the ledger are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    All,
    /// Those of which something may have to be told.
    Changed,
}

/// All of these rows.
async fn all_rows(db: &impl ConnectionTrait, rows: Rows) -> Result<Vec<Entry>, DbErr> {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let before = all.last().map(|it| it.id.to_string());
        let page = match rows {
            Rows::All => store::ledger::list(db, false, before.as_deref(), ROWS).await?,
            Rows::Changed => store::ledger::changed(db, before.as_deref(), ROWS).await?,
        };
        let full = page.len() as u64 == ROWS;
        all.extend(page);
        if !full {
            return Ok(all);
        }
    }
}

async fn is_closed(db: &impl ConnectionTrait, entry: &Entry) -> Result<bool, Error> {
    Ok(!store::complaint::closed_of(db, &[entry.case.as_str()]).await?.is_empty())
}

async fn case_of(core: &Core, db: &impl ConnectionTrait, entry: &Entry) -> Result<Option<Case>, Error> {
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
            store::ledger::take_turns(&tx).await?;
            let rules = self.core.rules_in(&tx).await?;
            let mut batch = Batch::default();
            match batch.take(&self.core, &tx, &rules, item, now).await {
                Ok(_) => {
                    batch.save(&self.core, &tx, &rules, LAPOR, now).await?;
                    tx.commit().await?;
                }
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
        let db = &self.core.db.read;
        let rules = self.core.rules().await?;
        for entry in all_rows(db, Rows::Changed).await? {
            let Some(case) = case_of(&self.core, db, &entry).await? else { continue };
            // For something that was pasted and is not shown.
            let mut waiting = false;
            for answer in untold(&case, &entry, &rules) {
                if answer.pasted {
                    // By hand: it is not told twice. Shown as it stands here, it is confirmed; else the coordinator says so.
                    waiting |= !self.reads(&entry, &answer).await;
                } else {
                    let reference = format!("{}-{}", case.number, answer.at.timestamp_micros());
                    let told = FollowUp { reference, text: answer.text };
                    // Refused or not shown: the ledger says so, and the next pass tries again.
                    if let Err(error) = self.client.follow_up(&entry.tracking, &told).await {
                        tracing::warn!(error = chain(&error), "an answer could not be told to SP4N-LAPOR!");
                        self.note(&entry, |row| {
                            row.mismatch = rules_of_ledger::Mismatch::NotConfirmed.to_string();
                        })
                        .await?;
                        break;
                    }
                }
                // While the row waits for what was pasted before, this is found there again by its reference.
                if !waiting {
                    self.note(&entry, |row| confirmed(row, answer.at, case.state.is_closed())).await?;
                }
            }
        }
        Ok(())
    }

    /// Whether LAPOR! shows what somebody says was pasted there. When it does not answer, that is asked again in the next pass.
    async fn reads(&self, entry: &Entry, pasted: &Untold) -> bool {
        match self.client.reads(&entry.tracking, &pasted.text).await {
            Ok(shown) => shown,
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "what was pasted at SP4N-LAPOR! could not be read back"
                );
                false
            }
        }
    }

    /// Holds both sides against each other.
    async fn compare(&self, now: DateTime<Utc>) -> anyhow::Result<()> {
        let theirs = self.client.changed_since(now - PERIOD).await.context("comparing with SP4N-LAPOR!")?;
        let tx = self.core.db.begin().await?;
        let shown = Shown { items: &theirs, unread: BTreeSet::new(), since: Since::Seen(now - PERIOD) };
        let mismatches = compare(&tx, &shown, LAPOR, now).await?;
        tx.commit().await?;
        tracing::info!(theirs = theirs.len(), mismatches, "SP4N-LAPOR! compared");
        Ok(())
    }

    async fn note(&self, entry: &Entry, change: impl FnOnce(&mut Entry)) -> anyhow::Result<()> {
        let tx = self.core.db.begin().await?;
        store::ledger::take_turns(&tx).await?;
        if let Some(mut latest) = store::ledger::hold(&tx, entry.id).await? {
            let before = latest.clone();
            change(&mut latest);
            store::ledger::save(&tx, &latest).await?;
            if (&before.stage, &before.mismatch) != (&latest.stage, &latest.mismatch) {
                journal::append(&tx, &seen_there(&latest, LAPOR, self.core.now())).await?;
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

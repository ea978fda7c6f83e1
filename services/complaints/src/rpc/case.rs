//! A case at work: loaded, decided by the rules, and saved with everything that follows from it in one transaction:
//! marks of the board, steps of the ladder, messages to send, closures, the journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::journal::{self, Entry};
use mpp_kit::telemetry;
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::json;

use super::{Core, access};
use crate::catalogue;
use crate::domain::case::Case;
use crate::domain::ladder::{Climb, Official, Tone, addressee, pointless_from, tone};
use crate::domain::language::{INDONESIAN, Languages};
use crate::domain::report::Outcome;
use crate::domain::rules::Rules;
use crate::domain::words::{ArchiveReason, Class, ClockKind, DeliveryState, ForwardReason, Rung, State};
use crate::domain::workflow::{self, COMPLETION_DAYS, Notice, NoticeKind, Order, Rejection, Ticked, To};
use crate::domain::{CaseId, EscalationId, OutboxId};
use crate::error::{Error, Thing};
use crate::store;
use crate::store::board::Marked;
use crate::store::complaint::Record;
use crate::store::escalation::Step;
use crate::store::outbox::{About, Body, Message, Recipient};

/// Who asks, for the journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) who: &'a str,
    pub(crate) request_id: &'a str,
}

/// Time itself.
pub(crate) const SYSTEM: Asking<'_> = Asking { who: "system", request_id: "" };

/// A case that changes.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// As it was; `None` for a new one.
    pub(crate) before: Option<Record>,
    /// As it is to be.
    pub(crate) next: Case,
    /// Who has to be told.
    pub(crate) notices: Vec<Notice>,
    /// For the journal.
    pub(crate) what: String,
    /// More for the journal: never personal.
    pub(crate) detail: BTreeMap<&'static str, String>,
    /// Steps of the ladder.
    pub(crate) climbs: Vec<Climb>,
    /// Whether a step waits for somebody; `None` as it was.
    pub(crate) waiting_steps: Option<bool>,
    /// Whether a message did not arrive; `None` as it was.
    pub(crate) undelivered: Option<bool>,
    /// Whether time alone did it, such as a clock that is late: nobody's decision is outdated by that.
    pub(crate) by_time: bool,
}

impl Change {
    pub(crate) fn of(before: Record, next: Case, what: &str) -> Self {
        Self {
            before: Some(before),
            next,
            notices: Vec::new(),
            what: what.to_owned(),
            detail: BTreeMap::new(),
            climbs: Vec::new(),
            waiting_steps: None,
            undelivered: None,
            by_time: false,
        }
    }

    pub(crate) fn decided(before: Option<Record>, decision: workflow::Decision, what: &str) -> Self {
        Self {
            before,
            next: decision.next,
            notices: decision.notices,
            what: what.to_owned(),
            detail: decision.detail,
            climbs: Vec::new(),
            waiting_steps: None,
            undelivered: None,
            by_time: false,
        }
    }

    pub(crate) fn ticked(before: Record, decision: workflow::Decision, ticked: Ticked) -> Self {
        let what = match ticked.closed {
            Some(verb) => verb_name(verb),
            None if !ticked.late.is_empty() => "complaint.late".to_owned(),
            None if !ticked.climbs.is_empty() => "complaint.escalated".to_owned(),
            None if !ticked.late_help.is_empty() => "complaint.help_late".to_owned(),
            None => "complaint.recounted".to_owned(),
        };
        let mut change = Self::decided(Some(before), decision, &what);
        change.by_time = ticked.closed.is_none();
        let names = |kinds: &[ClockKind]| kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        if !ticked.late.is_empty() {
            change.detail.insert("late", names(&ticked.late));
        }
        if ticked.recounted > 0 {
            change.detail.insert("clocks", ticked.recounted.to_string());
        }
        if !ticked.late_help.is_empty() {
            change.detail.insert("lateHelp", ticked.late_help.join(","));
        }
        if !ticked.climbs.is_empty() {
            let steps = ticked.climbs.iter().map(|it| format!("{}@{}", it.clock, it.percent));
            change.detail.insert("steps", steps.collect::<Vec<_>>().join(","));
        }
        change.climbs = ticked.climbs;
        change
    }
}

/// The name of a verb in the journal.
pub(crate) fn verb_name(verb: crate::domain::words::Verb) -> String {
    format!("complaint.{}", verb.to_string().to_lowercase())
}

impl Core {
    /// What the rules read, as it is now. Read again only when something of it has changed.
    pub(crate) async fn rules(&self) -> Result<Arc<Rules>, Error> {
        let db = &self.db.read;
        let changes = store::catalogue::changes(db).await?;
        if let Some(known) = self.known_rules(changes).await {
            return Ok(known);
        }
        let rules = Arc::new(self.read_rules(db).await?);
        *self.rules.write().await = Some((changes, Arc::clone(&rules)));
        Ok(rules)
    }

    /// What the rules read, as a transaction sees it. What that has changed itself is kept for nobody else: it may never
    /// be committed, and then another change gets its number.
    pub(crate) async fn rules_in(&self, tx: &DatabaseTransaction) -> Result<Arc<Rules>, Error> {
        let changes = store::catalogue::changes(tx).await?;
        match self.known_rules(changes).await {
            Some(known) => Ok(known),
            None => Ok(Arc::new(self.read_rules(tx).await?)),
        }
    }

    async fn read_rules(&self, db: &impl ConnectionTrait) -> Result<Rules, Error> {
        let mut rules = store::catalogue::rules(db, &self.config.regency, catalogue::languages()?).await?;
        rules.alternative.clone_from(&self.config.inspectorate_alternative);
        Ok(rules)
    }

    async fn known_rules(&self, changes: i64) -> Option<Arc<Rules>> {
        let known = self.rules.read().await;
        known.as_ref().filter(|(seen, _)| *seen == changes).map(|(_, rules)| Arc::clone(rules))
    }

    /// The case with this id, if the caller may see it.
    pub(super) async fn visible(
        &self,
        db: &impl ConnectionTrait,
        caller: &Caller,
        id: CaseId,
        rules: &Rules,
    ) -> Result<Record, Error> {
        let record = store::complaint::find(db, &self.cipher, id).await?;
        let record = record.ok_or(Error::NotFound(Thing::Complaint))?;
        if self.sees(caller, &record.case, rules) {
            Ok(record)
        } else {
            Err(Error::NotFound(Thing::Complaint))
        }
    }

    /// Decides an order of an officer on a case, and saves what follows.
    pub(super) async fn order(
        &self,
        tx: &DatabaseTransaction,
        caller: &Caller,
        on: (CaseId, u32),
        order: Order,
        request_id: &str,
        now: DateTime<Utc>,
    ) -> Result<Record, Error> {
        let rules = self.rules_in(tx).await?;
        let change = self.decided(tx, caller, on, order, &rules, now).await?;
        let asking = Asking { who: &caller.id, request_id };
        self.save_one(tx, &rules, change, asking, now).await
    }

    /// Decides an order of an officer on a case. Nothing is saved yet.
    pub(super) async fn decided(
        &self,
        tx: &DatabaseTransaction,
        caller: &Caller,
        (id, version): (CaseId, u32),
        order: Order,
        rules: &Rules,
        now: DateTime<Utc>,
    ) -> Result<Change, Error> {
        let record = self.visible(tx, caller, id, rules).await?;
        check_version(version, &record)?;
        let parts = self.parts(caller, &record.case, rules);
        let verb = order.verb();
        let part = parts.iter().copied().find(|part| workflow::may(*part, verb, record.case.class));
        // Without a part the refusal still says which state it is: what is seen may be known.
        let part = part.or(parts.first().copied());
        let Some(part) = part else {
            if !workflow::TRANSITIONS.allowed(record.case.state).contains(&verb) {
                let (state, allowed) = (record.case.state, Vec::new());
                return Err(Rejection::NotNow { verb, state, allowed }.into());
            }
            return Err(Error::Denied);
        };
        let by = access::by(caller, part, &record.case);
        let decision = workflow::decide(&record.case, &by, order, rules, now)?;
        let mut change = Change::decided(Some(record), decision, &verb_name(verb));
        change.detail.insert("part", part.to_string());
        Ok(change)
    }

    /// Saves one change.
    pub(crate) async fn save_one(
        &self,
        tx: &DatabaseTransaction,
        rules: &Rules,
        change: Change,
        asking: Asking<'_>,
        now: DateTime<Utc>,
    ) -> Result<Record, Error> {
        let saved = self.save(tx, rules, vec![change], asking, now).await?;
        saved.into_iter().next().ok_or_else(|| anyhow::anyhow!("a change was not saved").into())
    }

    /// Saves changes with all that follows. Refuses the whole when one of the cases was changed meanwhile.
    pub(crate) async fn save(
        &self,
        tx: &DatabaseTransaction,
        rules: &Rules,
        changes: Vec<Change>,
        asking: Asking<'_>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Record>, Error> {
        let (records, entries) = self.put(tx, rules, changes, asking, now).await?;
        journal::append_all(tx, &entries).await?;
        Ok(records)
    }

    /// As [`Core::save`], without the journal: what it is to say is answered, to be appended with whatever else the transaction
    /// did. The records are in the order of their ids.
    ///
    /// Everybody takes what others may hold in one order, so that no two wait for each other crosswise: the turn at the ledger of
    /// SP4N-LAPOR! ([`store::ledger::take_turns`]), counters, who reported ([`store::vault::hold`]), cases by their ids, counts of
    /// the board by their keys, and last the journal, whose writers take turns from their append to their commit. A transaction
    /// that changes several cases puts them together for that. Where one takes them in another order all the same, PostgreSQL
    /// ends one of two that wait crosswise, and it is done again: see [`Core::once`]; workers come back by themselves.
    pub(crate) async fn put(
        &self,
        tx: &DatabaseTransaction,
        rules: &Rules,
        mut changes: Vec<Change>,
        asking: Asking<'_>,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Record>, Vec<Entry>), Error> {
        changes.sort_by_key(|it| it.next.id);
        let ladder = Ladder { rules };
        let (mut records, mut steps, mut messages, mut entries) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut waiting = Vec::new();
        for change in &changes {
            let record = self.write(tx, rules, change, now).await?;
            let (taken, went) = ladder.steps(change, &record.case, now);
            messages.extend(ladder.notices(change, &record.case, now));
            messages.extend(taken.iter().map(|step| escalated(step, &record.case, rules, now)));
            waiting.push(if taken.is_empty() { change.waiting_steps } else { Some(true) });
            steps.extend(taken);
            entries.push(entry((change, went), &record, asking, now));
            records.push(record);
        }
        store::escalation::insert(tx, &steps).await?;
        store::outbox::insert(tx, &messages).await?;
        let marked: Vec<Marked<'_>> = records
            .iter()
            .zip(&changes)
            .zip(&waiting)
            .map(|((record, change), waiting)| Marked {
                case: &record.case,
                waiting_steps: *waiting,
                undelivered: change.undelivered,
            })
            .collect();
        store::board::mark(tx, &marked, now).await?;
        Ok((records, entries))
    }

    async fn write(
        &self,
        tx: &DatabaseTransaction,
        rules: &Rules,
        change: &Change,
        now: DateTime<Utc>,
    ) -> Result<Record, Error> {
        let version = change.before.as_ref().map_or(1, |it| it.version + 1);
        let mut case = change.next.clone();
        // A message that arrived or a step that was acknowledged leaves the case as it was.
        let same = change.before.as_ref().is_some_and(|before| before.case == change.next);
        if !same && !change.by_time {
            case.touched = version;
        }
        let record = Record { case, version, updated_at: now };
        let Some(before) = &change.before else {
            store::complaint::insert(tx, &self.cipher, &record, rules).await?;
            store::report::stands(tx, &record, now).await?;
            return Ok(record);
        };
        if !store::complaint::update(tx, &self.cipher, &record, rules).await? {
            let current = store::complaint::find(tx, &self.cipher, record.case.id).await?;
            return Err(Error::Stale { version: current.map_or(0, |it| it.version) });
        }
        let helping = |case: &Case| (case.helpers.clone(), case.closed_at);
        if helping(&before.case) != helping(&record.case) {
            store::complaint::set_helpers(tx, &record.case).await?;
        }
        let stands = |case: &Case| (case.desk().to_owned(), case.class, case.category.clone());
        if stands(&before.case) != stands(&record.case) {
            store::report::stands(tx, &record, now).await?;
        }
        let (was, is) = (before.case.state, record.case.state);
        let ratings = |case: &Case| case.reporters.iter().map(|it| case.rating_of(it)).collect::<Vec<_>>();
        if is == State::Settled && was != State::Settled {
            store::report::rated(tx, &record.case, now).await?;
        } else if is == State::Settled && ratings(&before.case) != ratings(&record.case) {
            store::report::rated_later(tx, &record.case, now).await?;
        }
        if was.is_closed() && !is.is_closed() {
            store::report::reopened(tx, record.case.id, now).await?;
            if was == State::Settled {
                store::board::reopened(tx, record.case.desk(), rules.date(now)).await?;
            }
        } else if let (false, Some(outcome)) = (was.is_closed(), Outcome::of(is)) {
            let in_time = record.case.in_time();
            store::report::closed(tx, record.case.id, (outcome, in_time), now).await?;
            if is == State::Settled {
                store::board::settled(tx, record.case.desk(), rules.date(now), in_time).await?;
            }
        }
        Ok(record)
    }
}

/// Where steps of the ladder went that could not go where the ladder names, for the journal.
type Went = BTreeMap<&'static str, String>;

fn entry((change, went): (&Change, Went), record: &Record, asking: Asking<'_>, now: DateTime<Utc>) -> Entry {
    let case = &record.case;
    let mut detail = json!({"version": record.version, "holder": case.holder()});
    if let Some(object) = detail.as_object_mut() {
        for (key, value) in change.detail.iter().chain(&went) {
            object.insert((*key).to_owned(), json!(value));
        }
    }
    Entry {
        at: now,
        who: asking.who.to_owned(),
        what: change.what.clone(),
        subject: case.id.to_string(),
        from: change.before.as_ref().map(|it| it.case.state.to_string()),
        to: Some(case.state.to_string()),
        detail: detail.to_string(),
        request_id: asking.request_id.to_owned(),
        trace_id: telemetry::trace_id(),
    }
}

/// Who holds the offices now.
struct Ladder<'a> {
    rules: &'a Rules,
}

impl Ladder<'_> {
    /// The steps that somebody is told of. Where the named office is vacant, and where nobody holds any that could be told,
    /// the journal says so.
    fn steps(&self, change: &Change, case: &Case, now: DateTime<Utc>) -> (Vec<Step>, Went) {
        let (mut steps, mut passed, mut untold) = (Vec::new(), Vec::new(), Vec::new());
        for climb in &change.climbs {
            let name = format!("{}@{}", climb.clock, climb.percent);
            let Some((official, step)) = self.step(climb, case.id, now) else {
                tracing::warn!(case = %case.id, step = name, "a step of the ladder could be told to nobody");
                untold.push(name);
                continue;
            };
            if official.rung != climb.rung {
                passed.push(format!("{name}:{}>{}", climb.rung, official.rung));
            }
            steps.push(step);
        }
        let went = [("passed", passed), ("untold", untold)].into_iter();
        (steps, went.filter(|(_, it)| !it.is_empty()).map(|(key, it)| (key, it.join(","))).collect())
    }

    fn step(&self, climb: &Climb, case: CaseId, now: DateTime<Utc>) -> Option<(&Official, Step)> {
        let (official, account) = addressee(climb, self.rules, now)?;
        let step = Step {
            id: EscalationId::generate(),
            case,
            clock: climb.clock,
            cycle: climb.cycle,
            percent: climb.percent,
            rung: climb.rung,
            official: Some(official.id.to_string()),
            account: account.to_owned(),
            at: now,
            acknowledged_at: None,
            acknowledged_by: None,
        };
        Some((official, step))
    }

    fn notices(&self, change: &Change, case: &Case, now: DateTime<Utc>) -> Vec<Message> {
        let rules = self.rules;
        let mut messages = Vec::new();
        for notice in &change.notices {
            let (recipient, reachable, number) = match &notice.to {
                To::Reporter(pseudonym) => {
                    let Some(it) = case.reporters.iter().find(|it| it.pseudonym == *pseudonym) else {
                        continue;
                    };
                    let number = it.number.to_string();
                    (Recipient::Reporter(number.clone()), it.reachable, number)
                }
                To::Admin(agency) => {
                    let rung =
                        if case.class == Class::Whistleblowing { Rung::Inspectorate } else { Rung::Admin };
                    let climb = Climb {
                        clock: ClockKind::Accept,
                        cycle: 0,
                        percent: 0,
                        rung,
                        holder: agency.clone(),
                    };
                    let Some((_, account)) = addressee(&climb, rules, now) else {
                        tracing::warn!(case = %case.id, notice = %notice.kind, "nobody holds an office to tell");
                        continue;
                    };
                    (Recipient::Account(account.to_owned()), true, case.number.to_string())
                }
            };
            let mut placeholders = facts(case, &number, notice.kind, rules, now);
            if notice.kind == NoticeKind::HelpLate {
                let late =
                    case.helpers.iter().filter_map(|it| it.late_at.filter(|_| it.done_at.is_none())).max();
                placeholders.insert("jenis_tenggat".to_owned(), "bantuan instansi".to_owned());
                let since = late.map(|at| format!("terlambat sejak {}", local(rules, at)));
                placeholders.insert("keterlambatan".to_owned(), since.unwrap_or_else(|| "-".to_owned()));
            }
            messages.push(Message {
                id: OutboxId::generate(),
                about: About::Case(case.id),
                kind: notice.kind.to_string(),
                recipient,
                body: Body { placeholders, subject: case.id.to_string(), expires_at: None },
                state: if reachable { DeliveryState::Queued } else { DeliveryState::NoContact },
                notification: None,
                attempts: 0,
                created_at: now,
                updated_at: now,
            });
        }
        messages
    }
}

/// The kind of the message about a step of the ladder.
pub(crate) const ESCALATED: &str = "escalated";
/// About one before the clock is late.
pub(crate) const WARNED: &str = "warned";
/// About one of an emergency.
pub(crate) const ALARMED: &str = "alarmed";

fn escalated(step: &Step, case: &Case, rules: &Rules, now: DateTime<Utc>) -> Message {
    let mut placeholders = facts(case, &case.number.to_string(), NoticeKind::Assigned, rules, now);
    placeholders.insert("jenis_tenggat".to_owned(), clock_name(step.clock).to_owned());
    let clock = case.clocks.iter().find(|it| (it.kind, it.cycle) == (step.clock, step.cycle));
    let state = match clock.and_then(|it| it.late_at) {
        Some(late) => format!("terlambat sejak {}", local(rules, late)),
        None => format!("{}% waktu terpakai", step.percent),
    };
    let what = clock_name(step.clock);
    placeholders.insert("keterangan".to_owned(), format!("tenggat {what}: {state}"));
    placeholders.insert("keterlambatan".to_owned(), state);
    if let Some(clock) = clock {
        placeholders.insert("tenggat".to_owned(), format!("{} ({what})", local(rules, clock.due_at)));
        placeholders.insert("sisa".to_owned(), span(clock.due_at - now));
    }
    let kind = match tone(clock, step.percent, rules.is_emergency(&case.category), now) {
        Tone::Warning => WARNED,
        Tone::Escalation => ESCALATED,
        Tone::Emergency => ALARMED,
    };
    let expires_at = Some(pointless_from(clock, now));
    let body = Body { placeholders, subject: step.id.to_string(), expires_at };
    Message::queued((About::Case(case.id), kind), Recipient::Account(step.account.clone()), body, now)
}

/// A span of time in words, the two largest of days, hours and minutes.
fn span(of: TimeDelta) -> String {
    let minutes = of.num_minutes().max(0);
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} menit"),
        (0, hours, 0) => format!("{hours} jam"),
        (0, hours, minutes) => format!("{hours} jam {minutes} menit"),
        (days, 0, _) => format!("{days} hari"),
        (days, hours, _) => format!("{days} hari {hours} jam"),
    }
}

/// A clock in words.
pub(crate) fn clock_name(clock: ClockKind) -> &'static str {
    match clock {
        ClockKind::Verify => "verifikasi",
        ClockKind::Accept => "penerimaan",
        ClockKind::FirstAnswer => "jawaban awal",
        ClockKind::Settle => "penyelesaian",
        ClockKind::Reaction => "reaksi (janji layanan)",
    }
}

/// A moment in words, by the wall clock of the regency.
pub(crate) fn local(rules: &Rules, at: DateTime<Utc>) -> String {
    let zone = rules.calendar(&rules.home).2.zone();
    format!("{} {zone}", zone.local(at).format("%d-%m-%Y %H:%M"))
}

/// What fills the gaps of messages: facts of the case, nothing of a person.
fn facts(
    case: &Case,
    number: &str,
    kind: NoticeKind,
    rules: &Rules,
    now: DateTime<Utc>,
) -> BTreeMap<String, String> {
    let moment = |at: Option<DateTime<Utc>>| at.map_or_else(|| "-".to_owned(), |at| local(rules, at));
    let due = |clock: ClockKind| moment(case.clock(clock).map(|it| it.due_at));
    let category = rules.categories.get(&case.category).map_or(case.category.as_str(), |it| it.name.as_str());
    let village = if case.place.village.is_empty() { "-" } else { case.place.village.as_str() };
    let first = if case.clock(ClockKind::FirstAnswer).is_some() {
        due(ClockKind::FirstAnswer)
    } else {
        due(ClockKind::Reaction)
    };
    let status = status(case, number, kind);
    [
        ("nomor", number.to_owned()),
        ("kategori", category.to_owned()),
        ("instansi", rules.name_of(case.holder())),
        ("tempat", village.to_owned()),
        ("tenggat", moment(case.due_at())),
        ("tenggat_jawaban", first),
        ("tenggat_selesai", due(ClockKind::Settle)),
        // The window to complete a report begins when the question arrives, which is after it was asked: nobody is told a
        // later day than the one that counts.
        ("batas", moment(case.reporter_until.or_else(|| Some(rules.window("D9", COMPLETION_DAYS, now))))),
        ("status", told(&rules.languages, INDONESIAN, &status)),
    ]
    .into_iter()
    .chain(status)
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

/// Beside the status in Indonesian: the key of the phrase, for reporters who are answered in another language, with the key of the
/// reason and the name of where it went.
const STATUS_KEY: &str = "status_key";
const REASON_KEY: &str = "status_reason";
const WHERE: &str = "status_to";

/// What happened, as keys of phrases: why it was closed otherwise, and where it was forwarded unless that may tell who reads over
/// a shoulder what it is about.
fn status(case: &Case, number: &str, kind: NoticeKind) -> Vec<(&'static str, String)> {
    let reason = case.closing_reason.as_str();
    let known = reason.parse::<ArchiveReason>().is_ok() || reason.parse::<ForwardReason>().is_ok();
    let own = case.reporters.iter().find(|it| it.number.to_string() == number);
    let quiet = case.class == Class::Whistleblowing || own.is_none_or(|it| !it.secrecy.shows_reporter());
    let because = match kind {
        NoticeKind::Archived if known => "status.ARCHIVED_BECAUSE",
        NoticeKind::Forwarded if known && quiet => "status.FORWARDED_BECAUSE",
        NoticeKind::Forwarded if known => "status.FORWARDED_TO",
        NoticeKind::Received
        | NoticeKind::Verified
        | NoticeKind::Disposed
        | NoticeKind::Question
        | NoticeKind::FirstAnswer
        | NoticeKind::Answered
        | NoticeKind::Reopened
        | NoticeKind::Settled
        | NoticeKind::Archived
        | NoticeKind::Forwarded
        | NoticeKind::DeemedWithdrawn
        | NoticeKind::Merged
        | NoticeKind::CompletedByOffice
        | NoticeKind::QuestionTakenBack
        | NoticeKind::Recategorised
        | NoticeKind::Revealed
        | NoticeKind::Assigned
        | NoticeKind::HelpAsked
        | NoticeKind::HelpLate
        | NoticeKind::Bounced => return vec![(STATUS_KEY, status_key(case.state, kind))],
    };
    let mut status = vec![(STATUS_KEY, because.to_owned()), (REASON_KEY, format!("reason.{reason}"))];
    if !quiet {
        status.push((WHERE, case.forwarded_to.clone()));
    }
    status
}

/// What happened, in words of a language.
fn told(languages: &Languages, language: &str, status: &[(&str, String)]) -> String {
    let of = |wanted: &str| status.iter().find(|(key, _)| *key == wanted).map_or("", |(_, it)| it.as_str());
    let reason = languages.say(language, of(REASON_KEY), &[]);
    languages.say(language, of(STATUS_KEY), &[("alasan", reason.as_str()), ("tujuan", of(WHERE))])
}

/// What a message says happened, in words of a language; in Indonesian as it was written, also where nothing else is known.
pub(crate) fn status_in(
    languages: &Languages,
    language: &str,
    placeholders: &BTreeMap<String, String>,
) -> String {
    if languages.of(language) == INDONESIAN || !placeholders.contains_key(STATUS_KEY) {
        return placeholders.get("status").cloned().unwrap_or_else(|| "-".to_owned());
    }
    let status = [STATUS_KEY, REASON_KEY, WHERE];
    let status = status.into_iter().filter_map(|key| Some((key, placeholders.get(key)?.clone())));
    told(languages, language, &status.collect::<Vec<_>>())
}

/// The phrase for what happened.
fn status_key(state: State, kind: NoticeKind) -> String {
    match kind {
        NoticeKind::Recategorised => "status.RECATEGORISED".to_owned(),
        NoticeKind::CompletedByOffice => "status.COMPLETED_BY_OFFICE".to_owned(),
        NoticeKind::QuestionTakenBack => "status.QUESTION_TAKEN_BACK".to_owned(),
        NoticeKind::Received
        | NoticeKind::Verified
        | NoticeKind::Disposed
        | NoticeKind::Question
        | NoticeKind::FirstAnswer
        | NoticeKind::Answered
        | NoticeKind::Reopened
        | NoticeKind::Settled
        | NoticeKind::Archived
        | NoticeKind::Forwarded
        | NoticeKind::DeemedWithdrawn
        | NoticeKind::Merged
        | NoticeKind::Revealed
        | NoticeKind::Assigned
        | NoticeKind::HelpAsked
        | NoticeKind::HelpLate
        | NoticeKind::Bounced => format!("status.{state}"),
    }
}

/// Refuses a decision on a version after which somebody changed the case; 0 decides on whatever there is. That a clock became
/// late or a step of the ladder was taken meanwhile outdates no decision.
pub(super) fn check_version(asked: u32, record: &Record) -> Result<(), Error> {
    let touched = if record.case.touched == 0 { record.version } else { record.case.touched };
    if asked == 0 || (touched..=record.version).contains(&asked) {
        Ok(())
    } else {
        Err(Error::Stale { version: record.version })
    }
}

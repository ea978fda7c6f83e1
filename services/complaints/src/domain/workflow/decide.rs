//! Decisions: from a case, an order and the time to the case afterwards, or a refusal.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::super::case::{Case, File, Helper, Message, Place, Reporter};
use super::super::clock::{Clock, ClockState};
use super::super::deadline::Deadline;
use super::super::ladder::Climb;
use super::super::number::Number;
use super::super::rules::Rules;
use super::super::words::{
    Channel, Class, ClockKind, MessageKind, Part, Publication, Rung, Secrecy, State, Verb,
};
use super::super::{COORDINATOR, CaseId};
use super::{
    By, Decision, Notice, NoticeKind, Order, Rejection, TRANSITIONS, Ticked, To, allowed, may,
    publication_after,
};

/// Days the reporter has to complete a report, where no row says otherwise (UU 25/2009 Pasal 44).
pub const COMPLETION_DAYS: i64 = 30;
/// Days the reporter has to answer, where no row says otherwise.
const REPLY_DAYS: i64 = 10;

/// What a report starts with.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Its id.
    pub id: CaseId,
    /// Its number.
    pub number: Number,
    /// Its class.
    pub class: Class,
    /// Its category.
    pub category: String,
    /// Where.
    pub place: Place,
    /// When it happened.
    pub occurred_at: Option<DateTime<Utc>>,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// When it arrived.
    pub arrived_at: DateTime<Utc>,
    /// Its channel.
    pub channel: Channel,
    /// Whom it is about.
    pub about: Option<String>,
    /// The text.
    pub text: String,
    /// Files.
    pub files: Vec<File>,
    /// How the reporter is called.
    pub pseudonym: String,
    /// What is to be kept secret.
    pub secrecy: Secrecy,
    /// Whether the reporter can be reached.
    pub reachable: bool,
    /// Whether the channel is public by origin and the reporter has not chosen yet.
    pub undecided: bool,
    /// Answers to the questions of the category.
    pub extra: BTreeMap<String, String>,
    /// The account that wrote it down for the reporter; empty for none.
    pub written_by: String,
    /// The ticket of the hall.
    pub queue_ticket: String,
    /// The key of the provider's message.
    pub external: String,
}

/// A new case.
///
/// # Errors
/// [`Rejection`]: no such category, no such agency, or no inspectorate for whistleblowing.
pub fn open(opening: Opening, rules: &Rules) -> Result<Decision, Rejection> {
    let category = rules.categories.get(&opening.category).filter(|it| it.active);
    if category.is_none() {
        return Err(Rejection::UnknownCategory(opening.category));
    }
    if let Some(about) = opening.about.as_ref().filter(|it| !rules.agencies.contains_key(*it)) {
        return Err(Rejection::UnknownAgency(about.clone()));
    }
    let (lead, apart) = if opening.class == Class::Whistleblowing {
        // The inspectorate alone, from the first moment: nobody else verifies it either.
        let (inspects, apart) = inspects(rules, opening.about.as_deref())?;
        (Some(inspects), apart)
    } else {
        (None, false)
    };
    let secrecy = if opening.undecided { Secrecy::Secret } else { opening.secrecy };
    let at = opening.arrived_at;
    let message = Message {
        at: opening.received_at,
        by: Part::Reporter,
        account: opening.written_by,
        agency: String::new(),
        kind: MessageKind::Report,
        text: opening.text,
        files: opening.files,
        reporter: opening.pseudonym.clone(),
        external: opening.external,
    };
    let mut case = Case {
        id: opening.id,
        number: opening.number,
        class: opening.class,
        state: State::New,
        resume: None,
        category: opening.category,
        place: opening.place,
        occurred_at: opening.occurred_at,
        received_at: opening.received_at,
        arrived_at: at,
        channel: opening.channel,
        lead,
        about: opening.about,
        apart,
        helpers: Vec::new(),
        messages: vec![message],
        clocks: Vec::new(),
        holders: Vec::new(),
        publication: publication_after(Publication::Pending, secrecy, opening.class),
        publication_reason: String::new(),
        reporters: vec![Reporter {
            pseudonym: opening.pseudonym.clone(),
            number: opening.number,
            secrecy,
            channel: opening.channel,
            reachable: opening.reachable,
            undecided: opening.undecided,
            joined: false,
            content: false,
            unheard: false,
            left: false,
            chosen_at: None,
            revealed: Vec::new(),
            rating: 0,
        }],
        bounces: 0,
        reopenings: 0,
        merged_into: None,
        closing_reason: String::new(),
        forwarded_to: String::new(),
        advice: String::new(),
        no_proof: String::new(),
        reporter_until: None,
        question_open: false,
        rating: 0,
        extra: opening.extra,
        closed_at: None,
        queue_ticket: opening.queue_ticket,
        touched: 0,
    };
    let holder = case.holder().to_owned();
    case.hand_to(&holder, case.received_at);
    for kind in [ClockKind::Verify, ClockKind::Settle, ClockKind::Reaction] {
        start(&mut case, kind, rules, opening.received_at);
    }
    let notices = vec![
        Notice { to: To::Reporter(opening.pseudonym), kind: NoticeKind::Received },
        Notice { to: To::Admin(holder), kind: NoticeKind::Assigned },
    ];
    Ok(Decision { next: case, notices, detail: BTreeMap::new() })
}

/// Who inspects what is told about an agency, and whether that is another one than the inspectorate: nobody reads what is told
/// about themselves.
fn inspects(rules: &Rules, about: Option<&str>) -> Result<(String, bool), Rejection> {
    let inspectorate = rules.inspectorate().ok_or(Rejection::InspectorateOnly)?;
    if about != Some(inspectorate.id.as_str()) {
        return Ok((inspectorate.id.clone(), false));
    }
    let other = rules.alternative().ok_or(Rejection::NoAlternative)?;
    Ok((other.id.clone(), true))
}

/// Decides an order.
///
/// # Errors
/// [`Rejection`]; nothing has changed then.
pub fn decide(
    case: &Case,
    by: &By,
    order: Order,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<Decision, Rejection> {
    let verb = order.verb();
    if !TRANSITIONS.allowed(case.state).contains(&verb) {
        return Err(Rejection::NotNow {
            verb,
            state: case.state,
            allowed: allowed(case.state, case.class, &[by.part]),
        });
    }
    if !may(by.part, verb, case.class) {
        return Err(Rejection::NotYours { verb, part: by.part });
    }
    let mut next = case.clone();
    recount(&mut next, rules);
    // What time has done by now comes first: no verb takes lateness back.
    for clock in &mut next.clocks {
        clock.mark(now);
    }
    let mut notices = Vec::new();
    let mut detail = BTreeMap::new();
    let to = apply(&mut next, by, order, rules, now, &mut notices, &mut detail)?;
    debug_assert!(TRANSITIONS.permits(case.state, verb, to), "{} --{verb}--> {to}", case.state);
    next.state = to;
    if to.is_closed() {
        next.let_go(now);
        next.closed_at = Some(now);
        next.question_open = false;
        for clock in &mut next.clocks {
            clock.stop(now);
        }
    } else {
        next.closed_at = None;
    }
    Ok(Decision { next, notices, detail })
}

fn apply(
    next: &mut Case,
    by: &By,
    order: Order,
    rules: &Rules,
    now: DateTime<Utc>,
    notices: &mut Vec<Notice>,
    detail: &mut BTreeMap<&'static str, String>,
) -> Result<State, Rejection> {
    Ok(match order {
        Order::Verify { note } => {
            say(next, by, MessageKind::Note, note, now);
            tell(next, NoticeKind::Verified, notices);
            State::Verified
        }
        Order::Dispose { agency, helpers, note } => {
            dispose(next, &agency, helpers, rules, now, notices)?;
            say(next, by, MessageKind::Note, note, now);
            tell(next, NoticeKind::Disposed, notices);
            detail.insert("agency", agency);
            State::Disposed
        }
        Order::Accept => {
            meet(next, ClockKind::Accept, now);
            State::InProgress
        }
        Order::Bounce { reason } => {
            bounce(next, rules, now)?;
            say(next, by, MessageKind::Note, reason, now);
            notices.push(Notice { to: To::Admin(COORDINATOR.to_owned()), kind: NoticeKind::Bounced });
            detail.insert("bounces", next.bounces.to_string());
            State::Verified
        }
        Order::AskCompletion { question } => {
            say(next, by, MessageKind::Question, question, now);
            meet(next, ClockKind::Reaction, now);
            next.resume = Some(next.state);
            next.reporter_until = None;
            next.question_open = true;
            tell(next, NoticeKind::Question, notices);
            // The clocks go on until it reached somebody. Where nobody can be reached they never stop: a question that
            // nobody hears is no reason to be late.
            State::AwaitingCompletion
        }
        Order::Complete { reporter, text, files, external, note } => {
            complete(next, by, &reporter, (text, files, external), now)?;
            say(next, by, MessageKind::Note, note, now);
            if by.part != Part::Reporter {
                tell(next, NoticeKind::CompletedByOffice, notices);
            }
            go_on(next, rules, now);
            next.resume.take().unwrap_or(State::New)
        }
        Order::TakeBackQuestion { reason } => {
            say(next, by, MessageKind::Note, reason, now);
            tell(next, NoticeKind::QuestionTakenBack, notices);
            go_on(next, rules, now);
            next.resume.take().unwrap_or(State::New)
        }
        Order::FirstAnswer { text } => {
            say(next, by, MessageKind::FirstAnswer, text, now);
            meet(next, ClockKind::FirstAnswer, now);
            meet(next, ClockKind::Reaction, now);
            tell(next, NoticeKind::FirstAnswer, notices);
            next.state
        }
        Order::Answer { text, proof, no_proof } => {
            if proof.is_empty() && no_proof.is_none() {
                return Err(Rejection::NoProof);
            }
            next.no_proof =
                no_proof.filter(|_| proof.is_empty()).map(|it| it.to_string()).unwrap_or_default();
            detail.insert("proof", proof.len().to_string());
            say_with(next, by, MessageKind::Answer, text, proof, now);
            for kind in [ClockKind::FirstAnswer, ClockKind::Reaction, ClockKind::Settle] {
                meet(next, kind, now);
            }
            next.let_go(now);
            next.reporter_until = Some(rules.window("D3", REPLY_DAYS, now));
            // Each is waited for until it is known that the answer arrived.
            next.reporters.iter_mut().for_each(|it| (it.content, it.unheard) = (false, it.reachable));
            tell(next, NoticeKind::Answered, notices);
            State::AwaitingConfirmation
        }
        Order::Confirm { reporter, rating } => {
            for it in next.reporters.iter_mut().filter(|it| it.pseudonym == reporter) {
                it.content = true;
            }
            if rating > 0 {
                give_rating(next, &reporter, rating);
                detail.insert("rating", rating.to_string());
            }
            // Who cannot be reached is not waited for, nor is who already said so.
            if next.reporters.iter().all(|it| it.content || !it.reachable) {
                // Who has rated it knows that it is settled.
                let unrated = next.reporters.iter().filter(|it| next.rating_of(it) == 0);
                notices.extend(
                    unrated.map(|it| Notice {
                        to: To::Reporter(it.pseudonym.clone()),
                        kind: NoticeKind::Settled,
                    }),
                );
                State::Settled
            } else {
                State::AwaitingConfirmation
            }
        }
        Order::Reopen { reporter, text, files } => {
            if !next.may_say_not_done(now) {
                return Err(Rejection::WindowOver);
            }
            if reporter.is_empty() {
                say(next, by, MessageKind::Addition, text, now);
            } else {
                listen(next, &reporter, MessageKind::Addition, (text, files, String::new()), now);
            }
            next.reopenings += 1;
            next.reporter_until = None;
            next.no_proof.clear();
            next.reporters.iter_mut().for_each(|it| (it.content, it.unheard, it.rating) = (false, false, 0));
            next.rating = 0;
            let holder = next.holder().to_owned();
            next.hand_to(&holder, now);
            start(next, ClockKind::Settle, rules, now);
            tell(next, NoticeKind::Reopened, notices);
            notices.push(Notice { to: To::Admin(holder), kind: NoticeKind::Reopened });
            State::Reopened
        }
        Order::CloseBySilence => {
            tell(next, NoticeKind::Settled, notices);
            State::Settled
        }
        Order::Merge { into, received_at, class, state } => {
            merge(next, into, (received_at, class, state))?;
            tell(next, NoticeKind::Merged, notices);
            detail.insert("into", into.to_string());
            State::Merged
        }
        Order::ForwardOutside { reason, to, advice } => {
            answer_formally(next, now);
            next.closing_reason = reason.to_string();
            next.forwarded_to = to;
            next.advice = advice;
            detail.insert("reason", reason.to_string());
            tell(next, NoticeKind::Forwarded, notices);
            State::ForwardedOutside
        }
        Order::Archive { reason, advice } => {
            answer_formally(next, now);
            next.closing_reason = reason.to_string();
            next.advice = advice;
            detail.insert("reason", reason.to_string());
            tell(next, NoticeKind::Archived, notices);
            State::Archived
        }
        Order::Withdraw { reporter, text } => {
            if !text.is_empty() {
                listen(next, &reporter, MessageKind::Addition, (text, Vec::new(), String::new()), now);
            }
            State::Withdrawn
        }
        Order::DeemWithdrawn => {
            tell(next, NoticeKind::DeemedWithdrawn, notices);
            State::DeemedWithdrawn
        }
    })
}

/// Takes the answer to a question: by the reporter's own hand, or entered by an officer, whose account stands beside it then.
fn complete(
    next: &mut Case,
    by: &By,
    reporter: &str,
    what: (String, Vec<File>, String),
    now: DateTime<Utc>,
) -> Result<(), Rejection> {
    let reporter = match next.reporters.as_slice() {
        [only] if reporter.is_empty() && by.part != Part::Reporter => only.pseudonym.clone(),
        _ => reporter.to_owned(),
    };
    if !next.reporters.iter().any(|it| it.pseudonym == reporter) {
        return Err(Rejection::UnknownReporter(reporter));
    }
    let known = next.messages.len();
    listen(next, &reporter, MessageKind::Addition, what, now);
    for message in next.messages.iter_mut().skip(known) {
        message.account.clone_from(&by.account);
    }
    Ok(())
}

fn dispose(
    next: &mut Case,
    agency: &str,
    helpers: Vec<(String, String, DateTime<Utc>)>,
    rules: &Rules,
    now: DateTime<Utc>,
    notices: &mut Vec<Notice>,
) -> Result<(), Rejection> {
    let active = |id: &str| rules.agencies.get(id).filter(|it| it.active);
    let lead = active(agency).ok_or_else(|| Rejection::UnknownAgency(agency.to_owned()))?;
    let own = if next.apart { next.lead.as_ref() == Some(&lead.id) } else { lead.inspectorate };
    if next.class == Class::Whistleblowing && (!own || !helpers.is_empty()) {
        return Err(Rejection::InspectorateOnly);
    }
    for (id, _, _) in &helpers {
        active(id).ok_or_else(|| Rejection::UnknownAgency(id.clone()))?;
        notices.push(Notice { to: To::Admin(id.clone()), kind: NoticeKind::HelpAsked });
    }
    next.helpers = helpers
        .into_iter()
        .map(|(agency, task, due_at)| Helper { agency, task, due_at, done_at: None, late_at: None })
        .collect();
    meet(next, ClockKind::Verify, now);
    // A transfer starts the clocks of its stage again, never the clock of the case. Told the same agency once more, with other
    // helpers or another note, it is no transfer: its clocks go on, what is late stays so, and nobody is late with what the
    // agency has done. What it sent back, or what was opened again, begins anew.
    let stage = [ClockKind::Accept, ClockKind::FirstAnswer];
    let same = next.lead.as_deref() == Some(agency);
    let goes_on = same && matches!(next.state, State::Disposed | State::InProgress);
    if !same {
        stage.iter().for_each(|kind| stop(next, *kind, now));
    }
    next.lead = Some(agency.to_owned());
    next.hand_to(agency, now);
    set_for_holder(next, rules, now);
    for kind in stage {
        let done = goes_on && next.clock(kind).is_some_and(|it| it.state == ClockState::Met);
        if !done && !next.open_clocks().any(|it| it.kind == kind) {
            start(next, kind, rules, now);
        }
    }
    notices.push(Notice { to: To::Admin(agency.to_owned()), kind: NoticeKind::Assigned });
    Ok(())
}

fn bounce(next: &mut Case, rules: &Rules, now: DateTime<Utc>) -> Result<(), Rejection> {
    let limit =
        next.lead.as_ref().and_then(|it| rules.agencies.get(it)).map_or(u32::MAX, |it| it.bounce_limit);
    if next.bounces >= limit {
        return Err(Rejection::BounceLimit(next.bounces));
    }
    next.bounces += 1;
    for kind in [ClockKind::Accept, ClockKind::FirstAnswer] {
        stop(next, kind, now);
    }
    if next.class != Class::Whistleblowing {
        next.lead = None;
    }
    next.helpers.clear();
    let holder = next.holder().to_owned();
    next.hand_to(&holder, now);
    set_for_holder(next, rules, now);
    start(next, ClockKind::Verify, rules, now);
    Ok(())
}

fn merge(
    next: &mut Case,
    into: CaseId,
    (received_at, class, state): (DateTime<Utc>, Class, State),
) -> Result<(), Rejection> {
    if into == next.id {
        return Err(Rejection::CannotMerge("ITSELF"));
    }
    if state.is_closed() {
        return Err(Rejection::CannotMerge("CLOSED"));
    }
    if (class == Class::Whistleblowing) != (next.class == Class::Whistleblowing) {
        return Err(Rejection::CannotMerge("OTHER_CLASS"));
    }
    // The older one survives: a young case must not take over the lateness of an old one.
    if received_at > next.received_at {
        return Err(Rejection::CannotMerge("YOUNGER"));
    }
    next.merged_into = Some(into);
    Ok(())
}

/// Closing it with a reason that the reporter reads is a reaction and an answer by law.
fn answer_formally(next: &mut Case, now: DateTime<Utc>) {
    for kind in [ClockKind::Verify, ClockKind::Settle, ClockKind::Reaction] {
        meet(next, kind, now);
    }
}

/// Takes over what a merged case had: its reporters with their own numbers, channels and secrecy, what they said, and where they
/// said that it is. An answer that was given before has not reached them: they are told it (see [`again`]), and nobody takes their silence for a word.
#[must_use]
pub fn absorb(survivor: &Case, merged: &Case) -> Case {
    let mut next = survivor.clone();
    for reporter in &merged.reporters {
        if !next.reporters.iter().any(|it| it.pseudonym == reporter.pseudonym) {
            let unheard = next.state == State::AwaitingConfirmation && reporter.reachable;
            next.reporters.push(Reporter { content: false, unheard, ..reporter.clone() });
        }
    }
    let said = merged.messages.iter().filter(|it| it.by == Part::Reporter).cloned();
    next.messages.extend(said.map(|it| Message { kind: MessageKind::Addition, ..it }));
    next.messages.extend(merged.messages.iter().filter(|it| it.kind == MessageKind::Unproven).cloned());
    next.messages.sort_by_key(|it| it.at);
    if next.place.village.is_empty() {
        next.place.village.clone_from(&merged.place.village);
    }
    next.place.describe(merged.place.point, &[merged.place.address.as_str()]);
    next.publication = publication_after(next.publication, next.secrecy(), next.class);
    next
}

/// Counts clocks again by the latest versions of their calendars, as of when those were written: what was late by then stays
/// late, and what is late since by the old version alone is not. Answers how many moved.
pub fn recount(case: &mut Case, rules: &Rules) -> u32 {
    let mut moved = 0;
    for clock in &mut case.clocks {
        let latest = rules.calendars.get(&clock.calendar).filter(|it| clock.calendar_version < it.version);
        if let (Some(latest), Some(written)) = (latest, rules.applied.get(&clock.calendar)) {
            moved += u32::from(clock.recount(latest.version, &latest.calendar, *written));
        }
    }
    moved
}

/// What time alone does: marks of lateness, steps of the ladder, ends of windows. Doing it again changes nothing.
#[must_use]
pub fn tick(case: &Case, rules: &Rules, now: DateTime<Utc>) -> (Decision, Ticked) {
    let mut next = case.clone();
    let mut ticked = Ticked { recounted: recount(&mut next, rules), ..Ticked::default() };
    let holder = next.holder().to_owned();
    let inspected = next.class == Class::Whistleblowing;
    for clock in &mut next.clocks {
        if clock.mark(now) {
            ticked.late.push(clock.kind);
        }
        let calendar = rules.of_clock(clock);
        while let Some((percent, _)) = clock.next_rung(calendar).filter(|(_, at)| *at <= now) {
            clock.climbed.push(percent);
            let rung = clock.ladder.get(&percent).copied().unwrap_or(Rung::Admin);
            ticked.climbs.push(Climb {
                clock: clock.kind,
                cycle: clock.cycle,
                percent,
                rung: if inspected { Rung::Inspectorate } else { rung },
                holder: holder.clone(),
            });
        }
    }
    let mut notices = Vec::new();
    if !next.state.is_closed() {
        for helper in &mut next.helpers {
            if helper.mark(now) {
                ticked.late_help.push(helper.agency.clone());
                notices.push(Notice { to: To::Admin(helper.agency.clone()), kind: NoticeKind::HelpLate });
            }
        }
        if !notices.is_empty() {
            notices.push(Notice { to: To::Admin(holder), kind: NoticeKind::HelpLate });
        }
    }
    let over = next.reporter_until.is_some_and(|until| until <= now);
    let order = match next.state {
        // Nobody is silent who was not told.
        State::AwaitingConfirmation if over && next.is_heard() => Some(Order::CloseBySilence),
        State::AwaitingCompletion if over => Some(Order::DeemWithdrawn),
        State::New
        | State::Verified
        | State::Disposed
        | State::InProgress
        | State::AwaitingCompletion
        | State::AwaitingConfirmation
        | State::Reopened
        | State::Settled
        | State::Merged
        | State::ForwardedOutside
        | State::Archived
        | State::DeemedWithdrawn
        | State::Withdrawn => None,
    };
    let mut decision = Decision { next, notices, detail: BTreeMap::new() };
    if let Some(order) = order {
        let verb = order.verb();
        // Both verbs are permitted where they are ordered, and are the system's.
        if let Ok(decided) = decide(&decision.next, &By::system(), order, rules, now) {
            let told = std::mem::take(&mut decision.notices);
            decision = decided;
            decision.notices.splice(0..0, told);
            ticked.closed = Some(verb);
        }
    }
    (decision, ticked)
}

/// The question reached the reporter: from now on the clocks stand still and the window runs. `None` when there is
/// nothing to note.
#[must_use]
pub fn deliver(case: &Case, rules: &Rules, now: DateTime<Utc>) -> Option<Case> {
    if case.state != State::AwaitingCompletion || !case.question_open {
        return None;
    }
    let mut next = case.clone();
    wait_for_reporter(&mut next, rules, now);
    Some(next)
}

/// The answer reached a reporter: their days to say *sudah* or *belum* count from then, where that is known and later than from
/// the answer. `None` when there is nothing to note.
#[must_use]
pub fn hear(case: &Case, number: Number, at: Option<DateTime<Utc>>, rules: &Rules) -> Option<Case> {
    if case.state != State::AwaitingConfirmation || !case.reporter(number)?.unheard {
        return None;
    }
    let mut next = case.clone();
    next.reporters.iter_mut().filter(|it| it.number == number).for_each(|it| it.unheard = false);
    next.reporter_until = next.reporter_until.max(at.map(|at| rules.window("D3", REPLY_DAYS, at)));
    Some(next)
}

/// The answer was told in another way to those whom it did not reach, as the note says: their days count from now.
///
/// # Errors
/// [`Rejection::AllHeard`] when there is nobody whom it did not reach.
pub fn told_otherwise(case: &Case, rules: &Rules, now: DateTime<Utc>) -> Result<Case, Rejection> {
    if case.state != State::AwaitingConfirmation || case.is_heard() {
        return Err(Rejection::AllHeard);
    }
    let mut next = case.clone();
    next.reporters.iter_mut().for_each(|it| it.unheard = false);
    next.reporter_until = next.reporter_until.max(Some(rules.window("D3", REPLY_DAYS, now)));
    Ok(next)
}

/// Whether a reporter can be reached now. Whom an answer could not be sent to until now has not heard it; who left stays
/// left. `None` when there is nothing to note.
#[must_use]
pub fn reach(case: &Case, number: Number, reachable: bool) -> Option<Case> {
    case.reporter(number).filter(|it| it.reachable != reachable && !it.left)?;
    let mut next = case.clone();
    let answered = next.state == State::AwaitingConfirmation;
    for it in next.reporters.iter_mut().filter(|it| it.number == number) {
        it.reachable = reachable;
        it.unheard |= reachable && answered && !it.content;
    }
    Some(next)
}

/// What a reporter has to be told once more, who can be reached (in another way) since: an answer or a question that has not
/// arrived.
#[must_use]
pub fn again(case: &Case, number: Number) -> Vec<Notice> {
    let Some(own) = case.reporter(number).filter(|it| it.reachable) else { return Vec::new() };
    let kind = if case.state == State::AwaitingConfirmation && own.unheard && !own.content {
        NoticeKind::Answered
    } else if case.state == State::AwaitingCompletion && case.question_open {
        NoticeKind::Question
    } else {
        return Vec::new();
    };
    vec![Notice { to: To::Reporter(own.pseudonym.clone()), kind }]
}

fn wait_for_reporter(next: &mut Case, rules: &Rules, now: DateTime<Utc>) {
    next.question_open = false;
    next.reporter_until = Some(rules.window("D9", COMPLETION_DAYS, now));
    for clock in next.clocks.iter_mut().filter(|it| it.kind.pauses()) {
        clock.pause(now);
    }
}

fn go_on(next: &mut Case, rules: &Rules, now: DateTime<Utc>) {
    next.question_open = false;
    next.reporter_until = None;
    for clock in &mut next.clocks {
        let calendar = rules.of_clock(clock);
        clock.resume(calendar, now);
    }
}

/// Adds something said: by a reporter, or a note among officers. State and clocks stay.
///
/// # Errors
/// [`Rejection::IsClosed`] for notes and additions to a closed case.
pub fn add(
    case: &Case,
    by: &By,
    reporter: &str,
    (text, files, external): (String, Vec<File>, String),
    now: DateTime<Utc>,
) -> Result<Case, Rejection> {
    if case.state.is_closed() {
        return Err(Rejection::IsClosed);
    }
    let mut next = case.clone();
    match by.part {
        Part::Reporter => listen(&mut next, reporter, MessageKind::Addition, (text, files, external), now),
        Part::Coordinator | Part::Agency | Part::Inspector | Part::System => {
            say_with(&mut next, by, MessageKind::Note, text, files, now);
        }
    }
    Ok(next)
}

/// Keeps what a reporter says beside a choice, also where the choice closes the case or it is closed: no word is lost.
#[must_use]
pub fn remark(case: &Case, reporter: &str, what: (String, Vec<File>, String), now: DateTime<Utc>) -> Case {
    let mut next = case.clone();
    listen(&mut next, reporter, MessageKind::Addition, what, now);
    next
}

/// Adds what may be a reporter's, where nothing proves it. It is nobody's word: state, clocks and secrecy stay.
#[must_use]
pub fn unproven(
    case: &Case,
    (text, files, external): (String, Vec<File>, String),
    now: DateTime<Utc>,
) -> Case {
    let mut next = case.clone();
    say_with(&mut next, &By::system(), MessageKind::Unproven, text, files, now);
    if let Some(last) = next.messages.last_mut() {
        last.external = external;
    }
    next
}

/// A helping agency has done its part.
///
/// # Errors
/// [`Rejection::NoHelper`].
pub fn finish_help(
    case: &Case,
    by: &By,
    agency: &str,
    text: String,
    now: DateTime<Utc>,
) -> Result<Case, Rejection> {
    let mut next = case.clone();
    let helper = next.helpers.iter_mut().find(|it| it.agency == agency && it.done_at.is_none());
    let helper = helper.ok_or_else(|| Rejection::NoHelper(agency.to_owned()))?;
    helper.mark(now);
    helper.done_at = Some(now);
    say(&mut next, by, MessageKind::Note, text, now);
    Ok(next)
}

/// A reporter asks for another secrecy. It holds at once.
///
/// # Errors
/// [`Rejection::SecrecyIsTheReporters`] when somebody else asks for less.
pub fn set_secrecy(case: &Case, by: Part, reporter: &str, secrecy: Secrecy) -> Result<Case, Rejection> {
    let mut next = case.clone();
    for it in next.reporters.iter_mut().filter(|it| it.pseudonym == reporter) {
        if by != Part::Reporter && secrecy < it.secrecy {
            return Err(Rejection::SecrecyIsTheReporters);
        }
        it.secrecy = if it.joined { secrecy.min(Secrecy::Anonymous) } else { secrecy };
        it.undecided = false;
    }
    next.publication = publication_after(next.publication, next.secrecy(), next.class);
    Ok(next)
}

/// A reporter chooses how secret it is, by what they sent at a moment. What they sent before that and is read after it undoes
/// nothing: messages of a channel may come in any order.
///
/// # Errors
/// As [`set_secrecy`].
pub fn choose(
    case: &Case,
    reporter: &str,
    (secrecy, at): (Secrecy, DateTime<Utc>),
) -> Result<Case, Rejection> {
    let own = case.reporters.iter().find(|it| it.pseudonym == reporter);
    if own.is_some_and(|it| it.chosen_at.is_some_and(|chosen| at < chosen)) {
        return Ok(case.clone());
    }
    let mut next = set_secrecy(case, Part::Reporter, reporter, secrecy)?;
    for it in next.reporters.iter_mut().filter(|it| it.pseudonym == reporter) {
        it.chosen_at = Some(at);
    }
    Ok(next)
}

/// An officer publishes it, or withholds it.
///
/// # Errors
/// [`Rejection::IsSecret`].
pub fn set_publication(case: &Case, publish: bool, reason: String) -> Result<Case, Rejection> {
    if case.publication == Publication::Secret {
        return Err(Rejection::IsSecret);
    }
    let mut next = case.clone();
    next.publication = if publish { Publication::Public } else { Publication::Withheld };
    next.publication_reason = if publish { String::new() } else { reason };
    Ok(next)
}

/// Another category, or another class. Number and history stay; clocks that run are counted again by the rows of the new
/// one from where they began, and one that is late stays late. Nobody becomes late by a row that is for who holds the case.
///
/// # Errors
/// [`Rejection`]: closed, unknown, or to or from whistleblowing without an inspectorate.
pub fn recategorise(
    case: &Case,
    by: &By,
    (category, class): (&str, Class),
    reason: String,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<Decision, Rejection> {
    if case.state.is_closed() {
        return Err(Rejection::IsClosed);
    }
    if !rules.categories.get(category).is_some_and(|it| it.active) {
        return Err(Rejection::UnknownCategory(category.to_owned()));
    }
    let mut next = case.clone();
    recount(&mut next, rules);
    next.category = category.to_owned();
    if class != case.class {
        if class == Class::Whistleblowing {
            let (lead, apart) = inspects(rules, next.about.as_deref())?;
            next.helpers.clear();
            next.hand_to(&lead, now);
            next.lead = Some(lead);
            next.apart = apart;
            next.state = State::New;
        } else if case.class == Class::Whistleblowing {
            // What was told to the inspectorate alone is not spread by a click.
            return Err(Rejection::InspectorateOnly);
        }
        next.class = class;
        next.publication = publication_after(next.publication, next.secrecy(), class);
        if class == Class::Whistleblowing {
            begin_anew(&mut next, rules, now);
        }
    }
    set_for_category(&mut next, rules, now);
    say(&mut next, by, MessageKind::Note, reason, now);
    let mut notices = Vec::new();
    tell(&next, NoticeKind::Recategorised, &mut notices);
    let mut detail = BTreeMap::from([("from", case.category.clone()), ("to", next.category.clone())]);
    if class != case.class {
        detail.insert("classFrom", case.class.to_string());
        detail.insert("classTo", class.to_string());
    }
    Ok(Decision { next, notices, detail })
}

/// Counts a clock that goes on by another row, from where it began; by the calendar that it has, or else by that of its kind.
fn set_by(clock: &mut Clock, row: &Deadline, (lead, rules): (Option<&str>, &Rules), now: DateTime<Utc>) {
    let calendar = match clock.calendar.as_str() {
        "" => calendar_for(clock.kind, lead, rules),
        known => rules.calendar(known),
    };
    let fresh = Clock::start(clock.kind, clock.cycle, row, calendar, clock.started_at);
    clock.deadline = fresh.deadline;
    clock.value = fresh.value;
    clock.unit = fresh.unit;
    clock.calendar = fresh.calendar;
    clock.calendar_version = fresh.calendar_version;
    clock.ladder = fresh.ladder;
    clock.due_at = clock.moment(100, calendar.2);
    clock.mark(now);
}

/// Clocks that go on in another category or class are counted by the rows of that one from where they began. By what holds for
/// everybody a case may be late at once: whoever waits, waits since then. By what holds for who has it nobody is: its time would have
/// passed before anybody could say so. Then whichever falls due first of the row it has and the one for everybody goes on.
fn set_for_category(case: &mut Case, rules: &Rules, now: DateTime<Utc>) {
    let (class, category, lead) = (case.class, case.category.as_str(), case.lead.as_deref());
    for clock in case.clocks.iter_mut().filter(|it| it.is_open() && !it.is_late(now)) {
        let other = |holder: Option<&str>| {
            let row = rules.deadline(clock.kind, (class, category, holder), clock.started_at)?;
            let mut other = clock.clone();
            if row.id != clock.deadline {
                set_by(&mut other, row, (lead, rules), now);
            }
            Some((row, other))
        };
        let Some((row, own)) = other(lead) else { continue };
        if row.holder.is_empty() || !own.is_over(now) {
            *clock = own;
        } else if let Some((_, general)) = other(None).filter(|(_, it)| it.due_at < clock.due_at) {
            *clock = general;
        }
    }
}

/// Clocks of the case that go on when another one holds it are counted by the row for that one, where there is one. Nobody is late
/// by being given a case: one whose time would have passed by now goes on as it was.
fn set_for_holder(case: &mut Case, rules: &Rules, now: DateTime<Utc>) {
    let of = (case.class, case.category.as_str(), case.lead.as_deref());
    for clock in case.clocks.iter_mut().filter(|it| it.is_open() && !it.is_late(now)) {
        let present = rules.deadlines.iter().find(|it| it.id == clock.deadline);
        let Some(row) = rules.deadline(clock.kind, of, clock.started_at) else { continue };
        // A later row for the same holder is another matter: a case keeps the row that set its clock.
        if present.is_none_or(|it| it.holder == row.holder) {
            continue;
        }
        let mut other = clock.clone();
        set_by(&mut other, row, (of.2, rules), now);
        if !other.is_late(now) {
            *clock = other;
        }
    }
}

/// What became whistleblowing begins anew with the inspectorate: nobody waits for the reporter any more, and the clocks of
/// the inspectorate run. That of the case goes on where it runs still; lateness stays.
fn begin_anew(next: &mut Case, rules: &Rules, now: DateTime<Utc>) {
    go_on(next, rules, now);
    next.resume = None;
    next.no_proof.clear();
    next.reporters.iter_mut().for_each(|it| it.content = false);
    for kind in [ClockKind::Accept, ClockKind::FirstAnswer] {
        stop(next, kind, now);
    }
    for kind in [ClockKind::Verify, ClockKind::Settle] {
        if !next.open_clocks().any(|it| it.kind == kind) {
            start(next, kind, rules, now);
        }
    }
}

/// The identity of a reporter was revealed to an officer: the reporter is told.
#[must_use]
pub fn reveal(case: &Case, reporter: &str, now: DateTime<Utc>) -> Decision {
    let mut next = case.clone();
    let mut notices = Vec::new();
    for it in next.reporters.iter_mut().filter(|it| it.pseudonym == reporter) {
        it.revealed.push(now);
        notices.push(Notice { to: To::Reporter(it.pseudonym.clone()), kind: NoticeKind::Revealed });
    }
    Decision { next, notices, detail: BTreeMap::new() }
}

/// A rating after it was settled: once per reporter and settling.
///
/// # Errors
/// [`Rejection::NothingToRate`].
pub fn rate(case: &Case, reporter: &str, rating: u8) -> Result<Case, Rejection> {
    let own = case.reporters.iter().find(|it| it.pseudonym == reporter);
    if case.state != State::Settled || own.is_none_or(|it| case.rating_of(it) != 0) {
        return Err(Rejection::NothingToRate);
    }
    let mut next = case.clone();
    give_rating(&mut next, reporter, rating);
    Ok(next)
}

fn give_rating(case: &mut Case, reporter: &str, rating: u8) {
    for it in case.reporters.iter_mut().filter(|it| it.pseudonym == reporter) {
        it.rating = rating;
    }
    let given = case.reporters.iter().map(|it| u32::from(it.rating)).filter(|it| *it > 0).collect::<Vec<_>>();
    let (sum, count) = (given.iter().sum::<u32>(), u32::try_from(given.len()).unwrap_or(0).max(1));
    case.rating = u8::try_from((2 * sum + count) / (2 * count)).unwrap_or(0);
}

fn start(case: &mut Case, kind: ClockKind, rules: &Rules, at: DateTime<Utc>) {
    let of = (case.class, case.category.as_str(), case.lead.as_deref());
    let Some(row) = rules.deadline(kind, of, at) else { return };
    let cycle = u32::try_from(case.clocks.iter().filter(|it| it.kind == kind).count()).unwrap_or(0) + 1;
    let calendar = calendar_for(kind, case.lead.as_deref(), rules);
    case.clocks.push(Clock::start(kind, cycle, row, calendar, at));
}

/// The calendar of a clock: those of an agency count by its own, those of the case by the regency's.
fn calendar_for<'a>(
    kind: ClockKind,
    lead: Option<&str>,
    rules: &'a Rules,
) -> (&'a str, u32, &'a mpp_kit::calendar::WorkCalendar) {
    match kind {
        ClockKind::Accept | ClockKind::FirstAnswer => rules.calendar_of(lead),
        ClockKind::Verify | ClockKind::Settle | ClockKind::Reaction => rules.calendar_of(None),
    }
}

fn meet(case: &mut Case, kind: ClockKind, now: DateTime<Utc>) {
    for clock in case.clocks.iter_mut().filter(|it| it.kind == kind && it.state != ClockState::Met) {
        clock.meet(now);
    }
}

fn stop(case: &mut Case, kind: ClockKind, now: DateTime<Utc>) {
    for clock in case.clocks.iter_mut().filter(|it| it.kind == kind) {
        clock.stop(now);
    }
}

fn say(case: &mut Case, by: &By, kind: MessageKind, text: String, now: DateTime<Utc>) {
    if !text.is_empty() {
        say_with(case, by, kind, text, Vec::new(), now);
    }
}

fn say_with(case: &mut Case, by: &By, kind: MessageKind, text: String, files: Vec<File>, now: DateTime<Utc>) {
    case.messages.push(Message {
        at: now,
        by: by.part,
        account: by.account.clone(),
        agency: by.agency.clone(),
        kind,
        text,
        files,
        reporter: String::new(),
        external: String::new(),
    });
}

fn listen(
    case: &mut Case,
    reporter: &str,
    kind: MessageKind,
    (text, files, external): (String, Vec<File>, String),
    now: DateTime<Utc>,
) {
    if text.is_empty() && files.is_empty() {
        return;
    }
    case.messages.push(Message {
        at: now,
        by: Part::Reporter,
        account: String::new(),
        agency: String::new(),
        kind,
        text,
        files,
        reporter: reporter.to_owned(),
        external,
    });
}

/// Each reporter is told, on the own channel.
fn tell(case: &Case, kind: NoticeKind, notices: &mut Vec<Notice>) {
    notices.extend(case.reporters.iter().map(|it| Notice { to: To::Reporter(it.pseudonym.clone()), kind }));
}

/// The verb of a decision by time, for the journal.
impl Ticked {
    /// Whether nothing happened.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.recounted == 0
            && self.late.is_empty()
            && self.late_help.is_empty()
            && self.climbs.is_empty()
            && self.closed.is_none()
    }

    /// The verb that closed it, if one did.
    #[must_use]
    pub fn verb(&self) -> Option<Verb> {
        self.closed
    }
}

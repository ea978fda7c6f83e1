//! The queue of one account: what is due is prepared one by one, sent side by side, and its outcome written.
//!
//! The attempt is written before the call, together with the moment after which nobody waits for its answer any more: a process
//! that ends in between leaves a step that can be looked at, not a lost or a twice-sent message. That moment is counted from
//! when the attempt is written, and the call has ended before it: so no other instance makes it meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::fault::chain;
use sea_orm::DatabaseTransaction;

use crate::channel::{LinkButton, Message, Report, Template, TemplateButton, Way};
use crate::domain::channel::Channel;
use crate::domain::direct::{Direct, Opening, Standing, is_id};
use crate::domain::message_type::{Urgency, Values};
use crate::domain::outcome::{ATTEMPT, CLOSED, Follow, Outcome, UNCLEAR, follow};
use crate::domain::status::Verb;
use crate::domain::template::{self, Part};
use crate::domain::variant::{ButtonKind, INDONESIAN, VariantState, is_usable, unusable};
use crate::error::Error;
use crate::rpc::Core;
use crate::rpc::plan::{Loaded, until};
use crate::rpc::tokens::COMMENTS;
use crate::store::contact::Contact;
use crate::store::inbox::ItemAction;
use crate::store::step::{Attempt, Step};
use crate::store::variant::{self, Key, Variant};
use crate::store::{account, address, comment, contact, link, rules, step};

/// How many messages of an account are under way at once.
const SIDE_BY_SIDE: u32 = 16;
/// The most steps that are looked at for them.
const BATCH: u64 = 64;
/// How often one pass comes back to a queue before the others have their turn.
const ROUNDS: u32 = 20;
/// The most characters of a template or of a text with buttons, and of a text alone (WhatsApp Cloud API).
const WHATSAPP_BODY: usize = 1024;
const WHATSAPP_TEXT: usize = 4096;
/// What stands at the end of a shortened value. Every type with a long gap has the link in its text.
const MARK_ID: &str = "… (lanjutannya di tautan)";
const MARK_EN: &str = "… (the rest is at the link)";
/// How long free text may be sent after a message of the other side.
const WINDOW: TimeDelta = TimeDelta::hours(24);
/// How often an outcome is written again when a webhook changes the same step at the same time.
const TRIES: u32 = 5;

/// What became of a step that was due.
enum Prepared {
    /// It goes out.
    Ready(Box<Ready>),
    /// Not now, or not any more.
    Skipped,
    /// Its time is over, which the look at those whose time is over has not seen yet.
    Over,
    /// The account has sent enough in this second.
    Full,
}

/// An attempt that is written and about to be made.
struct Ready {
    step: Step,
    message: Message,
}

/// Sends what is due from one queue, a few at a time: after each of them the circuit is asked again, so that an account that
/// fails costs no more attempts than are side by side.
pub(super) async fn queue(core: &Core, (queue, way): (&str, &Way)) -> Result<(), Error> {
    for _ in 0..ROUNDS {
        // The time of this round: until when nobody else makes an attempt counts from when it is written, not from when the pass
        // began. And one time for the round: what is sent together counts in one second.
        let now = core.now();
        let (circuit, _) = account::circuit(&core.db.read, queue).await?;
        let admitted = circuit.admits(SIDE_BY_SIDE, now);
        if admitted == 0 {
            return Ok(());
        }
        let (ready, more) = prepared(core, (queue, way), admitted as usize, now).await?;
        futures::future::join_all(ready.into_iter().map(|next| async move {
            let report = attempt(way, &next.message, patience(&next.step, core.now())).await;
            // The outcome of one must not keep that of another from being written.
            let sent = (&next.step, next.message.address.as_str());
            if let Err(error) = conclude(core, queue, sent, report).await {
                tracing::warn!(error = chain(&error), "the outcome of an attempt could not be written");
            }
        }))
        .await;
        if !more {
            return Ok(());
        }
    }
    Ok(())
}

/// How long an attempt may take that is about to be made: no longer than until somebody else may make it.
fn patience(begun: &Step, now: DateTime<Utc>) -> Duration {
    let left = begun.due_at.map_or(ATTEMPT, |end| end - (UNCLEAR - ATTEMPT) - now);
    left.min(ATTEMPT).to_std().unwrap_or_default()
}

/// Makes an attempt. One that takes too long is cut off, and nobody knows what became of it; one for which there is no time
/// left, because writing those before it took so long, is not made.
async fn attempt(way: &Way, message: &Message, patience: Duration) -> Report {
    if patience.is_zero() {
        return Report::of(Outcome::Busy, "NOT_BEGUN");
    }
    tokio::time::timeout(patience, way.send(message))
        .await
        .unwrap_or_else(|_| Report::of(Outcome::Unclear, "TIMEOUT"))
}

/// Up to `most` attempts that are written and about to be made, and whether there may be more.
async fn prepared(
    core: &Core,
    (queue, way): (&str, &Way),
    most: usize,
    now: DateTime<Utc>,
) -> Result<(Vec<Ready>, bool), Error> {
    let mut ready = Vec::new();
    let mut more = false;
    for next in step::due(&core.db.read, queue, now, BATCH).await? {
        if ready.len() >= most {
            return Ok((ready, true));
        }
        let prepared = prepare(core, (queue, way), &next, now).await;
        more |= !matches!(prepared, Ok(Prepared::Over));
        match prepared {
            Ok(Prepared::Ready(next)) => ready.push(*next),
            Ok(Prepared::Skipped | Prepared::Over) | Err(Error::Stale { .. }) => {}
            Ok(Prepared::Full) => return Ok((ready, false)),
            // Those that are written must be made all the same.
            Err(error) if !ready.is_empty() => {
                tracing::warn!(error = chain(&error), "an attempt could not be prepared");
                return Ok((ready, false));
            }
            Err(error) => return Err(error),
        }
    }
    Ok((ready, more))
}

/// Decides whether a step goes out now, and writes its attempt if it does.
async fn prepare(
    core: &Core,
    (queue, way): (&str, &Way),
    due: &Step,
    now: DateTime<Utc>,
) -> Result<Prepared, Error> {
    let tx = core.db.begin().await?;
    let mut loaded = core.load(&tx, due.notification).await?;
    let Some(place) = loaded.place(due.number) else { return Ok(Prepared::Skipped) };
    if loaded.steps[place].version != due.version {
        return Ok(Prepared::Skipped);
    }
    if loaded.steps[place].until_at.is_some_and(|end| end <= now) {
        return Ok(Prepared::Over);
    }
    let contact = match &loaded.notification.account {
        Some(account) => contact::find(&tx, &core.cipher, account).await?.unwrap_or_default(),
        None => Contact::default(),
    };
    let to = known_address(core, &tx, address_of(&loaded, place, &contact)).await?;
    if let Some((verb, reason)) = held(core, &tx, &mut loaded, (place, &contact, &to), now).await? {
        if let Some(verb) = verb {
            core.settle(&tx, &mut loaded, (place, verb, reason), now).await?;
        } else {
            core.save(&tx, &mut loaded, place).await?;
        }
        tx.commit().await?;
        return Ok(Prepared::Skipped);
    }
    let digest = core.address_digest(way.kind, &to);
    let inside = is_inside(&tx, &loaded.steps[place], &digest, now).await?;
    let opening = opening(core, &tx, (&loaded, way), (&to, &digest), now).await?;
    if way.direct.is_some() && opening.is_none() {
        // Not a matter of the message: its recipient has to write first.
        let verb = if loaded.next(place).is_some() { Verb::FallBack } else { Verb::FailTechnically };
        core.settle(&tx, &mut loaded, (place, verb, CLOSED), now).await?;
        tx.commit().await?;
        return Ok(Prepared::Skipped);
    }
    let key = Key {
        message_type: loaded.notification.message_type.clone(),
        channel: way.kind,
        language: language_of(&loaded, place).to_owned(),
    };
    let found = text_of(&tx, &mut loaded.steps[place], &key, inside).await?;
    let Some(text) = found.as_ref().filter(|found| is_usable((found.state, found.kept()), inside)) else {
        let reason = unusable(found.as_ref().map(|found| found.state));
        let verb = if loaded.next(place).is_some() { Verb::FallBack } else { Verb::FailTechnically };
        core.settle(&tx, &mut loaded, (place, verb, reason), now).await?;
        let subject = format!("Templat {} {}/{}", way.kind.title(), key.message_type, key.language);
        let why = found.map(|found| found.reason).filter(|why| !why.is_empty());
        core.alert(&tx, (&subject, why.as_deref().unwrap_or(reason)), now).await?;
        tx.commit().await?;
        return Ok(Prepared::Skipped);
    };
    if way.pair_seconds > 0 {
        let pause = TimeDelta::seconds(way.pair_seconds.into());
        if let Some(free) = address::take_turn(&tx, &digest, pause, now).await? {
            loaded.steps[place].due_at = Some(free);
            core.save(&tx, &mut loaded, place).await?;
            tx.commit().await?;
            return Ok(Prepared::Skipped);
        }
    }
    if !account::take(&tx, queue, way.per_second, now).await? {
        return Ok(Prepared::Full);
    }
    let mut message = message(core, &tx, (&loaded, place, way), (text, inside), &to).await?;
    message.opening = opening;
    begin(core, &tx, &mut loaded, place, digest, now).await?;
    tx.commit().await?;
    Ok(Prepared::Ready(Box::new(Ready { step: loaded.steps[place].clone(), message })))
}

/// The language of a step: those of before there was one in steps have that of their notification.
fn language_of(loaded: &Loaded, place: usize) -> &str {
    let own = loaded.steps[place].language.as_str();
    if own.is_empty() { &loaded.notification.language } else { own }
}

/// The text of a step. One that may not be sent in the language of its recipient is said in Indonesian, where that may be sent;
/// the step then says so.
async fn text_of(
    tx: &DatabaseTransaction,
    step: &mut Step,
    key: &Key,
    inside: bool,
) -> Result<Option<Variant>, Error> {
    let found = variant::find(tx, key, step.variant_version).await?;
    let usable = |it: &Variant| is_usable((it.state, it.kept()), inside);
    if key.language == INDONESIAN || found.as_ref().is_some_and(usable) {
        return Ok(found);
    }
    let indonesian = Key { language: INDONESIAN.to_owned(), ..key.clone() };
    let states = [VariantState::Approved, VariantState::Submitted, VariantState::Paused];
    for states in [&states[..1], &states] {
        if let Some(other) = variant::newest(tx, &indonesian, states).await?.filter(usable) {
            (step.language, step.variant_version) = (INDONESIAN.to_owned(), other.version);
            return Ok(Some(other));
        }
    }
    Ok(found)
}

/// The address of a step as it is now.
fn address_of(loaded: &Loaded, place: usize, contact: &Contact) -> String {
    let channel = loaded.steps[place].channel;
    match (&loaded.notification.account, channel) {
        (Some(account), Channel::InApp) => account.clone(),
        (Some(_), channel) => contact.address(channel).to_owned(),
        (None, channel) => {
            loaded.notification.content.as_ref().map_or("", |content| content.address(channel)).to_owned()
        }
    }
}

/// The address with what was learnt since: whom an answered comment is from.
async fn known_address(core: &Core, tx: &DatabaseTransaction, address: String) -> Result<String, Error> {
    let Some(to) = address.parse::<Direct>().ok() else { return Ok(address) };
    let Some((comment, _)) = &to.comment else { return Ok(address) };
    let digest = core.cipher.digest(COMMENTS, &to.who_wrote(comment));
    let author = comment::author(tx, &core.cipher, &digest).await?;
    Ok(author.map_or(address, |author| to.answered(author).to_string()))
}

/// As what a direct message goes out now; `None` when it may not, and of other channels.
async fn opening(
    core: &Core,
    tx: &DatabaseTransaction,
    (loaded, way): (&Loaded, &Way),
    (to, digest): (&str, &str),
    now: DateTime<Utc>,
) -> Result<Option<Opening>, Error> {
    let Some((terms, to)) = way.direct.as_ref().zip(to.parse::<Direct>().ok()) else { return Ok(None) };
    let kind = core.catalogue.find(&loaded.notification.message_type);
    let known = Standing {
        wrote_at: address::find(tx, digest).await?.wrote_at,
        by_a_person: terms.human_agent && kind.is_some_and(|kind| kind.by_a_person),
    };
    Ok(to.opening(known, now))
}

/// Why a step does not go out now: a verb that ends it, or none when it is only put off.
async fn held(
    core: &Core,
    tx: &DatabaseTransaction,
    loaded: &mut Loaded,
    (place, contact, to): (usize, &Contact, &str),
    now: DateTime<Utc>,
) -> Result<Option<(Option<Verb>, &'static str)>, Error> {
    let has_next = loaded.next(place).is_some();
    let (urgency, account) = (loaded.notification.urgency, loaded.notification.account.is_some());
    let role = loaded.notification.role.clone();
    let emergency = core.catalogue.find(&loaded.notification.message_type).is_some_and(|kind| kind.emergency);
    let step = &mut loaded.steps[place];
    if step.expires_at.is_some_and(|end| end <= now) {
        return Ok(Some((Some(Verb::Expire), "EXPIRED")));
    }
    let agreed = !account || contact.agrees(step.channel);
    if let Some(reason) = core.held_back(tx, step, (to, agreed, urgency), now).await? {
        return Ok(Some((Some(Verb::Suppress), reason)));
    }
    if step.channel != Channel::InApp && !emergency {
        let (rules, _) = rules::get(tx).await?;
        if let Some(end) = rules.rests_until(&role, now) {
            if step.expires_at.is_some_and(|over| over <= end) {
                return Ok(Some((Some(Verb::Suppress), "QUIET_HOURS")));
            }
            (step.due_at, step.until_at) = (Some(end), until(step, has_next, end));
            return Ok(Some((None, "QUIET_HOURS")));
        }
    }
    if step.unclear {
        // Nobody said what became of the last attempt, and nobody will.
        let known = step.known(has_next, now);
        step.unclear_count += 1;
        step.unclear = false;
        if let Follow::Do(verb, reason) = follow(&Outcome::Unclear, &known, 0.0, now) {
            return Ok(Some((Some(verb), reason)));
        }
    }
    Ok(None)
}

/// Whether free text may be sent: the recipient wrote within 24 hours, and it was not refused before.
async fn is_inside(
    tx: &DatabaseTransaction,
    step: &Step,
    digest: &str,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    if step.channel != Channel::Whatsapp || step.as_template {
        return Ok(false);
    }
    let wrote = address::find(tx, digest).await?.wrote_at;
    Ok(wrote.is_some_and(|at| now < at + WINDOW))
}

/// Writes the attempt and when its answer is not waited for any more.
async fn begin(
    core: &Core,
    tx: &DatabaseTransaction,
    loaded: &mut Loaded,
    place: usize,
    digest: String,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let step = &mut loaded.steps[place];
    step.attempt_count += 1;
    step.first_attempt_at.get_or_insert(now);
    (step.unclear, step.due_at, step.address) = (true, Some(now + UNCLEAR), digest);
    let attempt = Attempt {
        step: step.number,
        number: step.attempt_count,
        at: now,
        outcome: Outcome::Unclear.word().to_owned(),
        provider_code: String::new(),
        provider_id: String::new(),
    };
    let id = step.notification;
    // First the step: of two instances that are at it, the second learns from its version that it was not the first.
    core.settle(tx, loaded, (place, Verb::Begin, ""), now).await?;
    step::begin(tx, id, &attempt).await?;
    Ok(())
}

/// What goes out.
async fn message(
    core: &Core,
    tx: &DatabaseTransaction,
    (loaded, place, way): (&Loaded, usize, &Way),
    (text, inside): (&Variant, bool),
    to: &str,
) -> Result<Message, Error> {
    let (notification, step) = (&loaded.notification, &loaded.steps[place]);
    let none = BTreeMap::new();
    let values = notification.content.as_ref().map_or(&none, |content| &content.values);
    let parse = |text: &str| template::parse(text).map_err(anyhow::Error::new);
    let (subject, body) = (parse(&text.subject)?, parse(&text.body)?);
    let id = notification.id.to_string();
    let known = link::of(tx, &id).await?;
    let (mut links, mut replies, mut buttons) = (Vec::new(), Vec::new(), Vec::new());
    for button in &text.buttons {
        match button.kind {
            ButtonKind::Link => {
                let Some(link) = known.iter().find(|link| link.action == button.key) else { continue };
                let token = core.link_token(link.id);
                let url = format!("{}/aksi/{token}", core.base_url);
                buttons.push(TemplateButton::Url(token));
                let (key, label) = (button.key.clone(), button.label.clone());
                links.push(LinkButton { action: ItemAction { key, label, link: link.id }, url });
            }
            ButtonKind::Reply => {
                let payload = format!("{}:{}", button.key, notification.reference);
                buttons.push(TemplateButton::QuickReply(payload.clone()));
                replies.push((payload, button.label.clone()));
            }
        }
    }
    let as_template = step.channel == Channel::Whatsapp && !inside;
    let mark = if text.key.language == "en" { MARK_EN } else { MARK_ID };
    let fitted = match step.channel {
        Channel::Whatsapp => {
            let most = if as_template || !replies.is_empty() { WHATSAPP_BODY } else { WHATSAPP_TEXT };
            // Links stand below a text, and in the buttons of a template.
            let below = if as_template { 0 } else { links.iter().map(LinkButton::length).sum() };
            template::fit(&body, values, (most.saturating_sub(below), mark))
        }
        Channel::Direct => {
            let most = way.direct.as_ref().map_or(usize::MAX, |terms| terms.text_bytes);
            fit_bytes(&body, values, (most, mark))
        }
        Channel::Email | Channel::InApp => values.clone(),
    };
    let values = &fitted;
    let template = as_template.then(|| Template {
        name: text.template_name.clone(),
        language: text.key.language.clone(),
        parameters: template::gaps(&body)
            .into_iter()
            .map(|gap| values.get(gap).cloned().unwrap_or_default())
            .collect(),
        buttons,
    });
    let digest = notification.urgency == Urgency::Digest && step.channel == Channel::Email;
    Ok(Message {
        notification: id,
        step: step.number,
        reference: notification.reference.clone(),
        address: to.to_owned(),
        subject: template::fill(&subject, values),
        body: template::fill(&body, values),
        template,
        links,
        replies,
        reply_to: notification.content.as_ref().map(|it| it.reply_to.clone()).unwrap_or_default(),
        unsubscribe: digest.then(|| format!("{}/berhenti/{}", core.base_url, core.unsubscribe_token(to))),
        opening: None,
        at: notification.created_at,
    })
}

/// As [`template::fit`], for a channel that counts bytes of UTF-8.
fn fit_bytes(body: &[Part], values: &Values, (most, mark): (usize, &str)) -> Values {
    let mut characters = most;
    loop {
        let fitted = template::fit(body, values, (characters, mark));
        let over = template::fill(body, &fitted).len().saturating_sub(most);
        if over == 0 || characters == 0 {
            return fitted;
        }
        // A character is four bytes at most, so this ends, and takes no more than is needed.
        characters = characters.saturating_sub(over.div_ceil(4));
    }
}

/// Writes what came of an attempt.
async fn conclude(core: &Core, queue: &str, (sent, to): (&Step, &str), report: Report) -> Result<(), Error> {
    core.metrics.attempted(sent.channel, report.outcome.word());
    for _ in 0..TRIES {
        match try_conclude(core, queue, (sent, to), &report).await {
            Err(Error::Stale { .. }) => {}
            ended => return ended,
        }
    }
    // The attempt stays unclear and is looked at again.
    Err(Error::Stale { version: sent.version })
}

async fn try_conclude(
    core: &Core,
    queue: &str,
    (sent, to): (&Step, &str),
    report: &Report,
) -> Result<(), Error> {
    let now = core.now();
    let tx = core.db.begin().await?;
    if let Some(author) = &report.replied {
        comment_answered(core, &tx, (to, author), now).await?;
    }
    let attempt = Attempt {
        step: sent.number,
        number: sent.attempt_count,
        at: now,
        outcome: report.outcome.word().to_owned(),
        provider_code: report.code.clone(),
        provider_id: report.provider_id.clone(),
    };
    step::end(&tx, sent.notification, &attempt).await?;
    let mut loaded = core.load(&tx, sent.notification).await?;
    let Some(place) = loaded.place(sent.number) else { return Ok(()) };
    // Only the latest attempt says what follows.
    if loaded.steps[place].attempt_count == sent.attempt_count {
        if let Some(digest) = author_digest(core, (to, report)) {
            loaded.steps[place].address = digest;
        }
        follow_up(core, &tx, &mut loaded, (place, report), now).await?;
        if let Some(Outcome::Delivered) = report.later {
            core.settle(&tx, &mut loaded, (place, Verb::Deliver, ""), now).await?;
        }
    }
    // Last, as everywhere: the row of the account is what others wait for.
    judge_account(core, &tx, queue, report, now).await?;
    tx.commit().await?;
    Ok(())
}

/// A comment was answered: not twice, and its author is known from now on.
async fn comment_answered(
    core: &Core,
    tx: &DatabaseTransaction,
    (to, author): (&str, &str),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let Some(to) = to.parse::<Direct>().ok() else { return Ok(()) };
    let Some((comment, _)) = &to.comment else { return Ok(()) };
    let digest = core.cipher.digest(COMMENTS, &to.who_wrote(comment));
    let author = if author.is_empty() || is_id(author) { author } else { "" };
    comment::answered(tx, &core.cipher, (&digest, author), now).await?;
    Ok(())
}

/// By what the author of a comment is known that was answered now: receipts name them, and never the comment.
fn author_digest(core: &Core, (to, report): (&str, &Report)) -> Option<String> {
    let author = report.replied.as_ref().filter(|it| is_id(it))?;
    let known = to.parse::<Direct>().ok()?.answered(author.clone());
    Some(core.address_digest(Channel::Direct, &known.to_string()))
}

async fn follow_up(
    core: &Core,
    tx: &DatabaseTransaction,
    loaded: &mut Loaded,
    (place, report): (usize, &Report),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let has_next = loaded.next(place).is_some();
    let step = &mut loaded.steps[place];
    if !report.provider_id.is_empty() {
        step.provider_id = Some(report.provider_id.clone());
    }
    if report.outcome == Outcome::Unclear {
        // A status may still come: it is waited for as long as for a process that ended.
        step.due_at = Some(now + UNCLEAR);
        return core.save(tx, loaded, place).await;
    }
    step.unclear = false;
    match follow(&report.outcome, &step.known(has_next, now), rand::random(), now) {
        Follow::Do(verb, reason) => {
            if core.settle(tx, loaded, (place, verb, reason), now).await? {
                core.ended_by(tx, loaded, place, (&report.outcome, &report.code), now).await?;
            }
        }
        Follow::Again(at) | Follow::Wait(at) => {
            step.due_at = Some(at);
            if matches!(report.outcome, Outcome::PairRate | Outcome::Busy) {
                report.outcome.word().clone_into(&mut step.reason);
            }
            core.save(tx, loaded, place).await?;
        }
        Follow::AsTemplate => {
            (step.as_template, step.due_at) = (true, Some(now));
            core.save(tx, loaded, place).await?;
        }
    }
    Ok(())
}

/// Writes what an attempt says about our account.
async fn judge_account(
    core: &Core,
    tx: &DatabaseTransaction,
    queue: &str,
    report: &Report,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if !report.outcome.is_of_account() {
        return account_works(tx, queue).await;
    }
    let locked = report.outcome == Outcome::AccountLocked;
    let problem = format!("{} {}", report.outcome.word(), report.code);
    account_failed(core, tx, queue, (locked, problem.trim()), now).await
}

/// Closes the circuit of an account.
pub(super) async fn account_works(tx: &DatabaseTransaction, queue: &str) -> Result<(), Error> {
    let (circuit, _) = account::circuit(tx, queue).await?;
    let closed = circuit.succeeded();
    if circuit != closed {
        account::set_circuit(tx, queue, &closed, "").await?;
    }
    Ok(())
}

/// Counts a failure of an account. Those in a row open its circuit; then administrators are told.
pub(super) async fn account_failed(
    core: &Core,
    tx: &DatabaseTransaction,
    queue: &str,
    (locked, problem): (bool, &str),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    account::hold(tx, queue).await?;
    let (circuit, _) = account::circuit(tx, queue).await?;
    let next = circuit.failed(locked, now);
    account::set_circuit(tx, queue, &next, problem).await?;
    if next.open_until.is_some() && circuit.open_until.is_none() {
        core.metrics.opened(queue);
        core.alert(tx, (&format!("Akun kanal {queue}"), problem), now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::channel::Channel as Out;

    /// A provider that never answers.
    #[derive(Default)]
    struct Hanging(AtomicU32);

    #[async_trait]
    impl Out for Hanging {
        async fn send(&self, _: &Message) -> Report {
            self.0.fetch_add(1, Ordering::SeqCst);
            std::future::pending().await
        }
    }

    fn message() -> Message {
        Message {
            notification: "ntf_a".to_owned(),
            step: 1,
            reference: "ADU-1".to_owned(),
            address: "6281234567890".to_owned(),
            subject: String::new(),
            body: "Halo".to_owned(),
            template: None,
            links: Vec::new(),
            replies: Vec::new(),
            reply_to: String::new(),
            unsubscribe: None,
            opening: None,
            at: "2026-11-26T01:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn c_17_a_direct_message_is_shortened_by_bytes() {
        let body = template::parse("{jawaban} Lihat {tautan}.").unwrap();
        let answer = "Sudah selesai – dikerjakan tadi pagi. ".repeat(100);
        let values: Values =
            [("jawaban".to_owned(), answer), ("tautan".to_owned(), "https://mpp.example/lacak".to_owned())]
                .into();
        let text = template::fill(&body, &fit_bytes(&body, &values, (1000, MARK_ID)));
        assert!((900..=1000).contains(&text.len()), "{} bytes", text.len());
        assert!(text.ends_with("… (lanjutannya di tautan) Lihat https://mpp.example/lacak."), "{text}");
    }

    #[tokio::test]
    async fn n_08_an_attempt_that_hangs_is_cut_off_and_one_that_is_too_late_is_not_made() {
        let hanging = Arc::new(Hanging::default());
        let way = Way::new((Channel::Whatsapp, 1, 0), hanging.clone());
        let cut = attempt(&way, &message(), Duration::from_millis(30)).await;
        assert_eq!((cut.outcome, cut.code.as_str()), (Outcome::Unclear, "TIMEOUT"));
        let late = attempt(&way, &message(), Duration::ZERO).await;
        assert_eq!((late.outcome, late.code.as_str()), (Outcome::Busy, "NOT_BEGUN"));
        assert_eq!(hanging.0.load(Ordering::SeqCst), 1);
    }
}

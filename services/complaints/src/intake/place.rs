//! Which case a message goes to, and what becomes of the case: one message after the other for each sender, each in one
//! transaction with the row of its chat, so that two workers cannot make two cases of one album.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::fault::chain;
use mpp_kit::meta;
use mpp_kit::patience::doubled;
use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::conversation::{self, Known, Place, Question};
use super::email::{self, Candidate, Hint, Placement};
use super::envelope::{Attachment, Effect, Envelope, Kind, Location, Source};
use super::fetch::{Failure, Fetcher};
use super::media::{self, Unfit};
use super::receive::{self, Content, MailFacts};
use crate::domain::case::{Case, Place as Where};
use crate::domain::language::{self, Languages, Meaning};
use crate::domain::number::Number;
use crate::domain::rules::Rules;
use crate::domain::words::{Channel, Class, DeliveryState, Part, Secrecy, State};
use crate::domain::workflow::{self, By};
use crate::domain::{CaseId, FileId, OutboxId, channel};
use crate::error::Error;
use crate::rpc::Core;
use crate::rpc::answer::{Said, untold};
use crate::rpc::case::{Asking, Change};
use crate::rpc::file_complaint::Report;
use crate::store;
use crate::store::channel::{MessageState, Stored};
use crate::store::chat::{Asked, Chat};
use crate::store::complaint::Record;
use crate::store::media::Wanted;
use crate::store::outbox::{About, Body, Message, Recipient};
use crate::store::vault::{Comment, Identity};
use crate::worker::KEEP_MESSAGES;

/// How much one pass does.
const BATCH: u64 = 200;
/// How long a report of somebody counts as theirs to add to.
const MEMORY: TimeDelta = TimeDelta::days(365);
/// Reports of one sender that are looked at.
const REPORTS: u64 = 50;
/// A message that waits for an answer is not older than this.
const PATIENCE: TimeDelta = TimeDelta::days(2);
/// How long a file that cannot be fetched is tried for: ids of media live this long.
const MEDIA_LIVES: TimeDelta = TimeDelta::days(7);
/// Between the first and the second try.
const FIRST_RETRY: TimeDelta = TimeDelta::seconds(30);
/// Between two tries at most.
const LONGEST_RETRY: TimeDelta = TimeDelta::hours(1);

const INTAKE: Asking<'_> = Asking { who: "intake", request_id: "" };

/// The kind of the question which case is meant.
pub(crate) const WHICH_CASE: &str = "which_case";
/// The kind of the request to say something with number and PIN, and its phrase.
pub(crate) const PROVE: &str = "prove";
/// The kind of the message that it is too late to say *belum*, and its phrase.
pub(crate) const OVER: &str = "window_over";
/// What the journal calls a message that nothing proves.
pub(crate) const UNPROVEN: &str = "complaint.unproven";
/// Whoever writes in the name of others shall not make us write to them more often.
const ASK_AGAIN: TimeDelta = TimeDelta::days(1);

type Waiting = Stored<Content>;

/// Works on what waits. Doing it again changes nothing.
pub(crate) async fn tick(core: &Core, fetcher: &Fetcher, now: DateTime<Utc>) -> Result<(), Error> {
    place_all(core, fetcher, now).await?;
    for conversation in store::chat::asked_until(&core.db.read, now - conversation::PATIENCE, BATCH).await? {
        match give_up_asking(core, &conversation, now).await {
            // Somebody else has changed what it rests on.
            Ok(()) | Err(Error::Stale { .. }) => {}
            Err(error) => {
                let wait = patience(&error, 1);
                store::chat::look_again(&core.db.write, &conversation, now + wait - conversation::PATIENCE)
                    .await?;
            }
        }
    }
    fetch_again(core, fetcher, now).await
}

/// Places every message whose turn it is. One that finds no place is put off with all of its conversation, so that nobody
/// keeps the messages of others waiting: neither by their number nor by what is wrong with them.
async fn place_all(core: &Core, fetcher: &Fetcher, now: DateTime<Utc>) -> Result<(), Error> {
    loop {
        let due = store::channel::due::<Content>(&core.db.read, &core.vault, now, BATCH).await?;
        if due.is_empty() {
            return Ok(());
        }
        // So that the transactions find them.
        core.rules().await?;
        let (full, mut moved, mut held) = (due.len() as u64 == BATCH, false, BTreeSet::new());
        for message in due {
            let turn = match &message {
                Ok(message) => message.turn(),
                Err(unreadable) => unreadable.turn.clone(),
            };
            // What comes after a message that could not be placed waits with it.
            if held.contains(&turn.conversation) {
                continue;
            }
            let placed = match message {
                Ok(message) => place(core, fetcher, message, now).await,
                Err(unreadable) => Err(unreadable.error.into()),
            };
            match placed {
                Ok(()) => moved = true,
                // Somebody else is at it: what is left, the next pass does.
                Err(Error::Stale { .. }) => {
                    held.insert(turn.conversation);
                }
                Err(error) => {
                    let wait = patience(&error, turn.attempts);
                    store::channel::put_off(&core.db.write, &turn, now + wait).await?;
                    moved |= wait > TimeDelta::zero();
                    held.insert(turn.conversation);
                }
            }
        }
        if !full || !moved {
            return Ok(());
        }
    }
}

/// How long what found no place waits until it is tried again. The first time not at all: somebody else may have been in
/// the way.
fn patience(error: &Error, attempts: i32) -> TimeDelta {
    // So many reports of one contact today: it is not lost, it is a case tomorrow.
    if matches!(error, Error::TooMany { .. }) {
        return LONGEST_RETRY;
    }
    tracing::warn!(
        error = chain(error),
        attempts,
        "what a channel brought could not be placed and is tried again"
    );
    match attempts {
        ..=0 => TimeDelta::zero(),
        more => doubled(FIRST_RETRY, more - 1, LONGEST_RETRY),
    }
}

/// The key of a provider's message in a case. The id in it is a digest already.
fn key(message: &Waiting) -> String {
    key_of(&message.source, &message.account, &message.external_id)
}

fn key_of(source: &str, account: &str, external_id: &str) -> String {
    format!("{source}/{account}/{external_id}")
}

async fn place(core: &Core, fetcher: &Fetcher, message: Waiting, now: DateTime<Utc>) -> Result<(), Error> {
    match message.body.envelope.effect.clone() {
        Effect::Edit(of) => amend(core, &message, &of, false, now).await,
        Effect::Remove(of) => amend(core, &message, &of, true, now).await,
        Effect::Add => {
            check_limit(core, &message, now).await?;
            // Before the transaction: what is fetched from outside must not hold the database.
            let arrived = gather(core, fetcher, message, now).await?;
            let fetched = arrived.fetched().to_vec();
            let added = add(core, arrived, now).await;
            if let Err(error) = let_go(core, &fetched).await {
                tracing::warn!(error = chain(&error), "files that were fetched for nothing stay for a while");
            }
            added
        }
    }
}

/// What a message did not take of the files that were fetched for it is nobody's: they are fetched again with it.
async fn let_go(core: &Core, fetched: &[FileId]) -> Result<(), Error> {
    for file in fetched {
        if store::file::forget(&core.db.write, *file).await? {
            core.files.delete(&file.to_string()).await?;
        }
    }
    Ok(())
}

async fn add(core: &Core, arrived: Arrived, now: DateTime<Utc>) -> Result<(), Error> {
    let tx = core.db.begin().await?;
    let rules = core.rules_in(&tx).await?;
    match arrived.message.body.envelope.source {
        Source::Email => mail(core, &tx, &rules, arrived, now).await?,
        Source::FacebookFeed | Source::InstagramComment => comment(core, &tx, &rules, arrived, now).await?,
        Source::Whatsapp => chat(core, &tx, &rules, arrived, now).await?,
        Source::Messenger | Source::InstagramDirect => direct(core, &tx, &rules, arrived, now).await?,
        // Items of LAPOR! are never stored as messages.
        Source::Sp4nLapor => settle(&tx, &arrived.message, MessageState::Ignored, None).await?,
    }
    tx.commit().await?;
    Ok(())
}

/// Refuses a message whose files are still to be fetched, if it can only become a case of its own and its sender has
/// reported as much as is permitted: nobody makes this service fetch what it will not keep.
async fn check_limit(core: &Core, message: &Waiting, now: DateTime<Utc>) -> Result<(), Error> {
    let envelope = &message.body.envelope;
    if !envelope.attachments.iter().any(|it| it.part.is_none()) {
        return Ok(());
    }
    let db = &core.db.read;
    let mut open = open_cases(core, db, envelope, now).await?;
    if envelope.source.is_public() {
        open = of_thread(core, db, open, envelope).await?;
    }
    if open.is_empty() {
        core.within_limit(db, channel_of(envelope.source), &identity(envelope), now).await
    } else {
        Ok(())
    }
}

/// A message with its files.
struct Arrived {
    message: Waiting,
    files: Vec<FileId>,
    /// What is still to be fetched.
    later: Vec<Wanted>,
    /// What its words are, with a line for each file that is not kept.
    text: String,
    /// The language that its sender asked for; empty for none.
    language: String,
}

impl Arrived {
    /// The files that were fetched just now; those before them are kept with the message.
    fn fetched(&self) -> &[FileId] {
        self.files.get(self.message.body.files.len()..).unwrap_or_default()
    }
}

async fn gather(
    core: &Core,
    fetcher: &Fetcher,
    message: Waiting,
    now: DateTime<Utc>,
) -> Result<Arrived, Error> {
    let envelope = &message.body.envelope;
    let mut arrived = Arrived {
        text: words(&message.body),
        files: message.body.files.clone(),
        later: Vec::new(),
        message: message.clone(),
        language: String::new(),
    };
    for attachment in envelope.attachments.iter().filter(|it| it.part.is_none()) {
        let wanted = Wanted { attachment: attachment.clone(), kind: envelope.kind };
        match fetch(core, fetcher, (envelope.source, &envelope.account), &wanted).await {
            Ok(content) => match keep(core, &content, (envelope.source, envelope.kind), None, now).await? {
                Ok(id) => arrived.files.push(id),
                Err(unfit) => note(&mut arrived.text, why(unfit)),
            },
            Err(Failure::Later) => arrived.later.push(wanted),
            Err(Failure::TooLarge) => note(&mut arrived.text, why(Unfit::TooLarge)),
            Err(Failure::Gone | Failure::Foreign) => note(&mut arrived.text, "berkas tidak dapat diambil"),
        }
    }
    Ok(arrived)
}

fn note(text: &mut String, why: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str("(Lampiran tidak disimpan: ");
    text.push_str(why);
    text.push_str(".)");
}

pub(crate) fn why(unfit: Unfit) -> &'static str {
    match unfit {
        Unfit::Empty => "berkas kosong",
        Unfit::TooLarge => "berkas terlalu besar",
        Unfit::Type => "jenis berkas tidak diterima",
        Unfit::Damaged => "berkas rusak",
    }
}

async fn fetch(
    core: &Core,
    fetcher: &Fetcher,
    (source, account): (Source, &str),
    wanted: &Wanted,
) -> Result<Vec<u8>, Failure> {
    let limit = media::limit(source, wanted.kind);
    let Attachment { media_id, url, .. } = &wanted.attachment;
    match (media_id, url) {
        (Some(id), _) => {
            let account = core.config.channels.account_of(source, account).ok_or(Failure::Gone)?;
            fetcher.media(id, &account.access_token, limit).await
        }
        (None, Some(url)) => fetcher.address(url, limit).await,
        (None, None) => Err(Failure::Gone),
    }
}

/// Keeps a file that came from outside, if it is fit: first the file, then its row; as long as the conversation waits that
/// it came with.
pub(crate) async fn keep(
    core: &Core,
    content: &[u8],
    (source, kind): (Source, Kind),
    conversation: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Result<FileId, Unfit>, Error> {
    let kept = match core.keep(content, media::limit(source, kind)).await {
        Ok(kept) => kept?,
        Err(unfit) => return Ok(Err(unfit)),
    };
    store::file::insert(&core.db.write, &kept, conversation, now).await?;
    Ok(Ok(kept.id))
}

/// What a message says, in words: a picture without a caption says that it is one.
fn words(content: &Content) -> String {
    let envelope = &content.envelope;
    let mut text = envelope.text.trim().to_owned();
    if let Some(subject) = content.mail.as_ref().map(|it| it.subject.trim()).filter(|it| !it.is_empty()) {
        text = if text.is_empty() { subject.to_owned() } else { format!("{subject}\n\n{text}") };
    }
    if envelope.location.is_some() {
        // Where it is stands in the place of the case alone, point and words: there it shows as much as the reporters ask for.
        return [text, channel::LOCATION.to_owned()]
            .into_iter()
            .filter(|it| !it.is_empty())
            .collect::<Vec<_>>()
            .join("\n");
    }
    if !text.is_empty() {
        return text;
    }
    match envelope.kind {
        Kind::Image | Kind::Sticker => "(Foto)",
        Kind::Video => "(Video)",
        Kind::Audio => "(Pesan suara)",
        Kind::Document => "(Dokumen)",
        Kind::Contacts => "(Kontak)",
        Kind::Unsupported => {
            "(Pesan ini tidak dapat disampaikan oleh penyedia kanal. Mohon kirim ulang dengan cara lain.)"
        }
        Kind::Text | Kind::Location | Kind::Choice => "(Pesan kosong)",
    }
    .to_owned()
}

/// An open case of a sender, with the number they follow it by.
struct Open {
    record: Record,
    number: Number,
}

/// The open cases that somebody reported, on whatever channel: the one with the latest change first.
async fn open_cases(
    core: &Core,
    db: &impl ConnectionTrait,
    envelope: &Envelope,
    now: DateTime<Utc>,
) -> Result<Vec<Open>, Error> {
    cases_of(core, db, envelope, false, now).await
}

/// The open or the closed ones.
async fn cases_of(
    core: &Core,
    db: &impl ConnectionTrait,
    envelope: &Envelope,
    closed: bool,
    now: DateTime<Utc>,
) -> Result<Vec<Open>, Error> {
    let digests = identity(envelope).digests(&core.vault);
    let numbers = store::vault::numbers_of(db, &digests, now - MEMORY, REPORTS).await?;
    let open = store::complaint::led_to(db, &core.cipher, &numbers, closed).await?.into_iter();
    let open = open.filter(|(number, record)| record.case.reporter(*number).is_some());
    let mut open: Vec<Open> = open.map(|(number, record)| Open { record, number }).collect();
    open.sort_by_key(|it| std::cmp::Reverse((it.record.updated_at, it.record.case.id.to_string())));
    Ok(open)
}

/// Those of the cases that began in the thread of a comment.
async fn of_thread(
    core: &Core,
    db: &impl ConnectionTrait,
    open: Vec<Open>,
    envelope: &Envelope,
) -> Result<Vec<Open>, Error> {
    let mut kept = Vec::new();
    for it in open {
        let known = store::vault::find(db, &core.vault, it.number).await?;
        if known.is_some_and(|known| known.thread == envelope.thread && !envelope.thread.is_empty()) {
            kept.push(it);
        }
    }
    Ok(kept)
}

fn identity(envelope: &Envelope) -> Identity {
    let sender = &envelope.sender;
    Identity {
        name: sender.display.clone(),
        phone: sender.phone.as_ref().map(|digits| format!("+{digits}")).unwrap_or_default(),
        email: sender.email.clone().unwrap_or_default(),
        // An id means something within its account only; an address is known everywhere.
        channel_id: if envelope.source == Source::Email || sender.id.is_empty() {
            String::new()
        } else {
            format!("{} {} {}", envelope.source, envelope.account, sender.id)
        },
        channel_account: envelope.account.clone(),
        thread: envelope.thread.clone(),
        language: String::new(),
        comment: None,
        direct_user: String::new(),
    }
}

/// The comment that a message is, for the one private answer to it.
fn comment_of(message: &Waiting) -> Option<Comment> {
    let envelope = &message.body.envelope;
    let public = envelope.source.is_public() && !envelope.external_id.is_empty();
    public.then(|| Comment { id: envelope.external_id.clone(), at: message.received_at })
}

fn channel_of(source: Source) -> Channel {
    match source {
        Source::Whatsapp => Channel::Whatsapp,
        Source::Messenger | Source::FacebookFeed => Channel::Facebook,
        Source::InstagramDirect | Source::InstagramComment => Channel::Instagram,
        Source::Email => Channel::Email,
        Source::Sp4nLapor => Channel::Sp4n,
    }
}

/// A chat of `WhatsApp`: who has open cases is asked which one is meant.
async fn chat(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    mut arrived: Arrived,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let envelope = arrived.message.body.envelope.clone();
    if is_about_messages(&arrived) {
        return settle(tx, &arrived.message, MessageState::Ignored, None).await;
    }
    let mut chat = store::chat::find(tx, &core.vault, &arrived.message.conversation).await?;
    let open = open_cases(core, tx, &envelope, now).await?;
    follow(core, tx, (&mut chat, &open)).await?;
    if choose_language(core, tx, rules, (&mut chat, &open), &arrived, now).await? {
        return Ok(());
    }
    arrived.language.clone_from(&chat.memory.language);
    let quoted = match &envelope.reply_to {
        Some(id) => store::channel::find(
            tx,
            &arrived.message.source,
            &arrived.message.account,
            &receive::external(core, id),
        )
        .await?
        .and_then(|it| it.case),
        None => None,
    };
    let quoted = where_now(core, tx, &open, quoted).await?;
    // A button that came with an answer names its case; whatever was said last does not matter then.
    let pressed = pressed(envelope.choice.as_deref()).map(|(_, case)| case.to_owned());
    let pressed = where_now(core, tx, &open, pressed).await?;
    let chosen = envelope.choice.as_deref().and_then(conversation::chosen).map(str::to_owned);
    let chosen = where_now(core, tx, &open, chosen).await?.map(|it| conversation::button(&it));
    let meant = match &pressed {
        Some(case) => open.iter().find(|it| it.record.case.id.to_string() == *case),
        None => asked_case(&open, &arrived, &rules.languages).or_else(|| last_case(&chat, &open)),
    };
    let has_asked = chat.memory.question.is_some();
    if is_answer(core, tx, rules, (&open, meant, pressed.as_deref(), has_asked), &arrived, now).await? {
        return Ok(());
    }
    let quoted = pressed.or(quoted);
    let known = Known {
        open: open.iter().map(|it| it.record.case.id.to_string()).collect(),
        question: chat
            .memory
            .question
            .as_ref()
            .map(|it| Question { offered: it.offered.clone(), asked_at: it.at }),
        last: chat.memory.last.clone(),
    };
    let message = conversation::Message {
        text: &envelope.text,
        says: rules.languages.meaning(&envelope.text).map(|(meaning, _)| meaning),
        choice: chosen.as_deref().or(envelope.choice.as_deref()),
        quotes: quoted.as_deref(),
    };
    let find = |id: &str| open.iter().position(|it| it.record.case.id.to_string() == id);
    let into = match conversation::place(&known, message, now) {
        Place::Wait => {
            settle(tx, &arrived.message, MessageState::Asked, None).await?;
            return remember(core, tx, &chat, now).await;
        }
        Place::Ask(offered) => {
            settle(tx, &arrived.message, MessageState::Asked, None).await?;
            ask(core, tx, rules, (&chat, &open), &offered, now).await?;
            chat.memory.question = Some(Asked { offered, at: now });
            return remember(core, tx, &chat, now).await;
        }
        Place::Nothing => {
            settle(tx, &arrived.message, MessageState::Ignored, None).await?;
            return remember(core, tx, &chat, now).await;
        }
        Place::Case(id) => (find(&id), Some(arrived)),
        Place::New => (None, Some(arrived)),
        // The answer itself says nothing about the case.
        Place::Answer(id) => {
            settle(tx, &arrived.message, MessageState::Ignored, None).await?;
            (id.and_then(|id| find(&id)), None)
        }
    };
    let (at, last) = into;
    let mut parts = asked(core, tx, &chat, now).await?;
    parts.extend(last);
    let target = at.and_then(|at| open.into_iter().nth(at));
    let case = gathered(core, tx, rules, target, parts, now).await?;
    chat.memory.question = None;
    if let Some(case) = case {
        chat.memory.last = Some((case.to_string(), now));
    }
    remember(core, tx, &chat, now).await
}

/// Where a case is now that a message names: a button or a message of before it was merged names the case that it was. Only
/// who has that one among theirs gets anywhere with it.
async fn where_now(
    core: &Core,
    tx: &DatabaseTransaction,
    open: &[Open],
    named: Option<String>,
) -> Result<Option<String>, Error> {
    let Some(named) = named else { return Ok(None) };
    if open.iter().any(|it| it.record.case.id.to_string() == named) {
        return Ok(Some(named));
    }
    let last = chain_of(core, tx, named.parse::<CaseId>().ok()).await?.pop();
    Ok(Some(last.map_or(named, |it| it.case.id.to_string())))
}

/// What a chat remembers of cases holds of those that they were merged into since.
async fn follow(
    core: &Core,
    tx: &DatabaseTransaction,
    (chat, open): (&mut Chat, &[Open]),
) -> Result<(), Error> {
    let memory = &mut chat.memory;
    let offered = memory.question.iter_mut().flat_map(|it| &mut it.offered);
    for case in offered.chain(memory.last.iter_mut().map(|(case, _)| case)) {
        if let Some(now) = where_now(core, tx, open, Some(case.clone())).await? {
            *case = now;
        }
    }
    Ok(())
}

/// Whether a message only answers something of ours (a word alone, or a button below a message), and does what it says: about
/// the case that is meant, or one that is over.
async fn is_answer(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    (open, meant, pressed, asked): (&[Open], Option<&Open>, Option<&str>, bool),
    arrived: &Arrived,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    if let Some(last) = meant
        && obey(core, tx, rules, last, arrived, now).await?.is_some()
    {
        return Ok(true);
    }
    if let (Some(open), Some(_)) = (meant, alone(arrived).and_then(stars))
        && pressed.is_some()
    {
        // It was opened again since: there is nothing to rate yet.
        let id = open.record.case.id.to_string();
        settle(tx, &arrived.message, MessageState::Placed, Some(&id)).await?;
        return Ok(true);
    }
    if meant.is_some() && pressed.is_some() {
        return Ok(false);
    }
    let waits = asked || open.iter().any(|it| is_asked(&it.record.case));
    let closed = pressed.is_some() || (!waits && done(arrived, &rules.languages).is_some());
    Ok(closed && after_the_end(core, tx, rules, (pressed, open.is_empty()), arrived, now).await?)
}

/// The case that was written on last, or the only one that is open.
fn last_case<'a>(chat: &Chat, open: &'a [Open]) -> Option<&'a Open> {
    let last = chat.memory.last.as_ref();
    let last = last.and_then(|(id, _)| open.iter().find(|it| it.record.case.id.to_string() == *id));
    last.or_else(|| open.first().filter(|_| open.len() == 1))
}

/// Whether a message only asks for messages or for none. Notifications hears it, and no case is about it.
fn is_about_messages(arrived: &Arrived) -> bool {
    alone(arrived).and_then(meta::wish).is_some()
}

fn is_asked(case: &Case) -> bool {
    case.state == State::AwaitingConfirmation
}

/// The case whose answer a word stands for: the only one that asks whether it is done.
fn asked_case<'a>(open: &'a [Open], arrived: &Arrived, languages: &Languages) -> Option<&'a Open> {
    done(arrived, languages)?;
    let mut asking = open.iter().filter(|it| is_asked(&it.record.case));
    asking.next().filter(|_| asking.next().is_none())
}

/// *Sudah* or *belum* about a case that is over: a button below an old answer, or a word of somebody whose case is settled.
/// It is no report. *Belum* opens a settled case again while its window is open; after that the sender is told so. `false` if
/// there is no such case.
async fn after_the_end(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    (pressed, nothing_open): (Option<&str>, bool),
    arrived: &Arrived,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let closed = cases_of(core, tx, &arrived.message.body.envelope, true, now).await?.into_iter();
    let within = |it: &Open| it.record.case.reporter_until.is_some_and(|until| now < until);
    let found = match pressed {
        Some(id) => closed.into_iter().find(|it| it.record.case.id.to_string() == id),
        None => closed
            .filter(|it| it.record.case.state == State::Settled)
            .filter(|it| nothing_open || within(it))
            .max_by_key(|it| it.record.case.closed_at),
    };
    let Some(open) = found else {
        if pressed.is_some() {
            // Of a case that is not theirs, or forgotten: there is nothing to do, and it is no report either.
            settle(tx, &arrived.message, MessageState::Ignored, None).await?;
        }
        return Ok(pressed.is_some());
    };
    let case = &open.record.case;
    let id = case.id.to_string();
    let reporter = pseudonym(case, open.number);
    let rating = alone(arrived).and_then(stars).filter(|_| pressed.is_some());
    // How secret a report is may be chosen at any time.
    let secrecy = wish(arrived, &rules.languages).filter(|_| pressed.is_some());
    // Rated once per settling: pressed again it changes nothing.
    if let Some(rating) = rating.filter(|rating| workflow::rate(case, &reporter, *rating).is_ok()) {
        let said = Said {
            text: String::new(),
            files: Vec::new(),
            done: None,
            rating,
            external: key(&arrived.message),
        };
        core.listen(tx, rules, open.record, &reporter, said, (INTAKE, now)).await?;
    } else if let Some(secrecy) = secrecy {
        let next = workflow::choose(case, &reporter, (secrecy, arrived.message.received_at))?;
        core.save_one(tx, rules, Change::of(open.record, next, "complaint.secrecy"), INTAKE, now).await?;
    } else if case.state == State::Settled && done(arrived, &rules.languages) == Some(false) {
        if within(&open) {
            let said = Said {
                text: arrived.text.clone(),
                files: Vec::new(),
                done: Some(false),
                rating: 0,
                external: key(&arrived.message),
            };
            core.listen(tx, rules, open.record, &reporter, said, (INTAKE, now)).await?;
        } else {
            let over = in_words(core, tx, rules, (open.number, OVER)).await?;
            store::outbox::insert(tx, &[told((case.id, open.number), (OVER, &over), None, now)]).await?;
        }
    }
    settle(tx, &arrived.message, MessageState::Placed, Some(&id)).await?;
    Ok(true)
}

/// What a phrase says in the language of a reporter.
async fn in_words(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    (number, phrase): (Number, &str),
) -> Result<String, Error> {
    let known = store::vault::find(tx, &core.vault, number).await?.unwrap_or_default();
    Ok(rules.languages.say(&known.language, phrase, &[]))
}

/// A message to a reporter in the words of the intake.
fn told(
    (case, number): (CaseId, Number),
    (kind, status): (&str, &str),
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Message {
    Message {
        id: OutboxId::generate(),
        about: About::Case(case),
        kind: kind.to_owned(),
        recipient: Recipient::Reporter(number.to_string()),
        body: Body {
            placeholders: BTreeMap::from([
                ("nomor".to_owned(), number.to_string()),
                ("status".to_owned(), status.to_owned()),
            ]),
            subject: case.to_string(),
            expires_at,
        },
        state: DeliveryState::Queued,
        notification: None,
        attempts: 0,
        created_at: now,
        updated_at: now,
    }
}

/// Nobody answered: what waited becomes a case of its own.
async fn give_up_asking(core: &Core, conversation: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let tx = core.db.begin().await?;
    let rules = core.rules_in(&tx).await?;
    let mut chat = store::chat::find(&tx, &core.vault, conversation).await?;
    let over = chat.memory.question.as_ref().is_some_and(|it| now - it.at >= conversation::PATIENCE);
    if !over {
        return Ok(());
    }
    let mut parts = Vec::new();
    for arrived in asked(core, &tx, &chat, now).await? {
        match wish(&arrived, &rules.languages) {
            Some(secrecy) => protect(core, &tx, &rules, &arrived, secrecy, now).await?,
            None => parts.push(arrived),
        }
    }
    let case = gathered(core, &tx, &rules, None, parts, now).await?;
    chat.memory.question = None;
    if let Some(case) = case {
        chat.memory.last = Some((case.to_string(), now));
    }
    // Somebody may have answered in this moment: then that counts.
    if !store::chat::save(&tx, &core.vault, &chat, (now, now - KEEP_MESSAGES)).await? {
        return Ok(());
    }
    tx.commit().await?;
    Ok(())
}

/// A word alone asks for secrecy, and nobody said for which report: what protects more holds for all of them, what protects
/// less for none.
async fn protect(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    arrived: &Arrived,
    secrecy: Secrecy,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    for Open { record, number } in open_cases(core, tx, &arrived.message.body.envelope, now).await? {
        let reporter = pseudonym(&record.case, number);
        if record.case.reporter(number).is_some_and(|it| it.secrecy < secrecy) {
            let next = workflow::set_secrecy(&record.case, Part::Reporter, &reporter, secrecy)?;
            core.save_one(tx, rules, Change::of(record, next, "complaint.secrecy"), INTAKE, now).await?;
        }
    }
    settle(tx, &arrived.message, MessageState::Ignored, None).await
}

/// The messages that wait for an answer, with what came with them.
async fn asked(
    core: &Core,
    tx: &DatabaseTransaction,
    chat: &Chat,
    now: DateTime<Utc>,
) -> Result<Vec<Arrived>, Error> {
    let since = now - PATIENCE;
    let all: Vec<Waiting> =
        store::channel::of_conversation(tx, &core.vault, &chat.conversation, since).await?;
    let waiting = all.into_iter().filter(|it| it.state == MessageState::Asked);
    Ok(waiting
        .map(|message| {
            let kind = message.body.envelope.kind;
            // Fetched once they are in a case: nothing is fetched within a transaction.
            let files = message.body.envelope.attachments.iter();
            let later = files.map(|it| Wanted { attachment: it.clone(), kind }).collect();
            Arrived {
                text: words(&message.body),
                files: message.body.files.clone(),
                later,
                message,
                language: chat.memory.language.clone(),
            }
        })
        .collect())
}

/// Puts messages into a case, or makes one of them. Answers it; `None` if there are no messages.
async fn gathered(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    target: Option<Open>,
    parts: Vec<Arrived>,
    now: DateTime<Utc>,
) -> Result<Option<CaseId>, Error> {
    let mut target = target;
    for arrived in parts {
        if let Some(open) = &target
            && let Some(record) = obey(core, tx, rules, open, &arrived, now).await?
        {
            target = Some(Open { record, number: open.number });
            continue;
        }
        target = Some(match target {
            Some(open) => extend(core, tx, rules, open, &arrived, now).await?,
            None => create(core, tx, rules, &arrived, now).await?,
        });
        let id = target.as_ref().map(|it| it.record.case.id.to_string());
        settle(tx, &arrived.message, MessageState::Placed, id.as_deref()).await?;
        remember_media(core, tx, &arrived, now).await?;
    }
    Ok(target.map(|it| it.record.case.id))
}

async fn remember_media(
    core: &Core,
    tx: &DatabaseTransaction,
    arrived: &Arrived,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let message = &arrived.message;
    for wanted in &arrived.later {
        let of = (message.source.as_str(), message.account.as_str(), message.external_id.as_str());
        // Those of an answer that came late are fetched at once, those that failed after a while.
        let next_at = if message.state == MessageState::Asked { now } else { now + FIRST_RETRY };
        store::media::insert(tx, &core.vault, of, wanted, (next_at, now)).await?;
    }
    Ok(())
}

async fn remember(
    core: &Core,
    tx: &DatabaseTransaction,
    chat: &Chat,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let kept = store::chat::save(tx, &core.vault, chat, (now, now - KEEP_MESSAGES)).await?;
    if kept { Ok(()) } else { Err(Error::Stale { version: 0 }) }
}

async fn settle(
    tx: &DatabaseTransaction,
    message: &Waiting,
    state: MessageState,
    case: Option<&str>,
) -> Result<(), Error> {
    // Another worker was first: it did all of this.
    if store::channel::moved(tx, message, state, case).await? {
        Ok(())
    } else {
        Err(Error::Stale { version: 0 })
    }
}

/// Asks which case is meant. The question goes to the reporter of the first one, who is the sender.
async fn ask(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    (chat, open): (&Chat, &[Open]),
    offered: &[String],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let Some(first) = open.first() else { return Ok(()) };
    let known = store::vault::find(tx, &core.vault, first.number).await?.unwrap_or_default();
    let language = if known.language.is_empty() { &chat.memory.language } else { &known.language };
    // Numbers alone: what a secret report is about does not stand in a message that others may see.
    let rows = offered.iter().zip(1..).filter_map(|(id, row)| {
        let it = open.iter().find(|it| it.record.case.id.to_string() == *id)?;
        Some(format!("{row}. {}", it.number))
    });
    let rows = rows.collect::<Vec<_>>().join("; ");
    let question = rules.languages.say(language, language::WHICH_CASE, &[("daftar", &rows)]);
    // After that it is a case of its own, and the question is pointless.
    let end = Some(now + conversation::PATIENCE);
    let message = told((first.record.case.id, first.number), (WHICH_CASE, &question), end, now);
    store::outbox::insert(tx, &[message]).await?;
    Ok(())
}

/// Takes the word for a language, if the message is nothing else: from now on its sender is answered in that one.
async fn choose_language(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    (chat, open): (&mut Chat, &[Open]),
    arrived: &Arrived,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let envelope = &arrived.message.body.envelope;
    let chosen = match rules.languages.meaning(&envelope.text) {
        Some((Meaning::Choose, code)) if envelope.attachments.is_empty() && envelope.choice.is_none() => code,
        Some(_) | None => return Ok(false),
    };
    chosen.clone_into(&mut chat.memory.language);
    for it in open {
        core.set_language(tx, it.record.case.id, it.number, (chosen, INTAKE), now).await?;
    }
    settle(tx, &arrived.message, MessageState::Ignored, None).await?;
    remember(core, tx, chat, now).await?;
    Ok(true)
}

/// A direct message of Facebook or Instagram: it goes on with the case that was written on last, also with one that began as a
/// comment of the same person.
async fn direct(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    arrived: Arrived,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let envelope = arrived.message.body.envelope.clone();
    let chat = store::chat::find(tx, &core.vault, &arrived.message.conversation).await?;
    if is_about_messages(&arrived) {
        return settle(tx, &arrived.message, MessageState::Ignored, None).await;
    }
    let open = open_cases(core, tx, &envelope, now).await?;
    finish(core, tx, rules, chat, open, arrived, now).await?;
    tell_again(core, tx, rules, &envelope, now).await
}

/// Who writes can be written to for a while: an answer or a question that did not arrive before is told now.
async fn tell_again(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    envelope: &Envelope,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    for Open { record, number } in open_cases(core, tx, envelope, now).await? {
        // An account that answers, or none any more, may have been configured since they were looked at.
        let reached = workflow::reach(&record.case, number, core.reaches(tx, number).await?);
        let moved = reached.is_some();
        let next = reached.unwrap_or_else(|| record.case.clone());
        let notices = untold(tx, &next, number, &[DeliveryState::Queued, DeliveryState::Accepted]).await?;
        if notices.is_empty() && !moved {
            continue;
        }
        let mut change = Change::of(record, next, "complaint.told_again");
        change.notices = notices;
        core.save_one(tx, rules, change, INTAKE, now).await?;
    }
    Ok(())
}

/// A comment: by the same author under the same thread it goes on, else it is a case of its own. It is answered nowhere in
/// public; the case stays closed to all until its author has chosen.
async fn comment(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    arrived: Arrived,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let envelope = arrived.message.body.envelope.clone();
    let chat = store::chat::find(tx, &core.vault, &arrived.message.conversation).await?;
    let open = open_cases(core, tx, &envelope, now).await?;
    let open = of_thread(core, tx, open, &envelope).await?;
    finish(core, tx, rules, chat, open, arrived, now).await
}

async fn finish(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    mut chat: Chat,
    open: Vec<Open>,
    mut arrived: Arrived,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    follow(core, tx, (&mut chat, &open)).await?;
    if choose_language(core, tx, rules, (&mut chat, &open), &arrived, now).await? {
        return Ok(());
    }
    arrived.language.clone_from(&chat.memory.language);
    let envelope = &arrived.message.body.envelope;
    // Only below a message of ours there are buttons, and only there a word is an answer to a case that is over.
    let private = !envelope.source.is_public();
    let pressed = pressed(envelope.choice.as_deref()).map(|(_, case)| case.to_owned()).filter(|_| private);
    let pressed = where_now(core, tx, &open, pressed).await?;
    let latest = || last_case(&chat, &open).or(open.first());
    let meant = match &pressed {
        Some(case) => open.iter().find(|it| it.record.case.id.to_string() == *case),
        None => asked_case(&open, &arrived, &rules.languages).or_else(latest),
    };
    let answered = if private {
        is_answer(core, tx, rules, (&open, meant, pressed.as_deref(), false), &arrived, now).await?
    } else if let Some(meant) = meant {
        obey(core, tx, rules, meant, &arrived, now).await?.is_some()
    } else {
        false
    };
    if answered {
        return Ok(());
    }
    let at = meant.map(|it| it.record.case.id);
    let target = open.into_iter().find(|it| Some(it.record.case.id) == at);
    if let Some(case) = gathered(core, tx, rules, target, vec![arrived], now).await? {
        chat.memory.last = Some((case.to_string(), now));
    }
    remember(core, tx, &chat, now).await
}

/// What a button below an answer says, and of which case: `sudah:cmp_…`, as notifications sends it.
fn pressed(choice: Option<&str>) -> Option<(&str, &str)> {
    const VERBS: [&str; 5] = ["sudah", "belum", "rahasia", "anonim", "biasa"];
    choice?.split_once(':').filter(|(verb, _)| VERBS.contains(verb) || stars(verb).is_some())
}

/// The rating that a button stands for: `nilai5`.
fn stars(verb: &str) -> Option<u8> {
    verb.strip_prefix("nilai")?.parse().ok().filter(|it| (1..=5).contains(it))
}

/// What a word alone stands for.
enum Word {
    Secrecy(Secrecy),
    Done(bool),
}

/// What a message without files says: what was pressed, or what was written.
fn alone(arrived: &Arrived) -> Option<&str> {
    let envelope = &arrived.message.body.envelope;
    if !envelope.attachments.is_empty() {
        return None;
    }
    let choice = envelope.choice.as_deref();
    let said = if envelope.source == Source::Email { email::reply(&envelope.text) } else { &envelope.text };
    Some(pressed(choice).map(|(verb, _)| verb).or(choice).unwrap_or(said))
}

/// What a message means that says nothing else, in any language that is used.
fn meaning(arrived: &Arrived, languages: &Languages) -> Option<Meaning> {
    languages.meaning(alone(arrived)?).map(|(meaning, _)| meaning)
}

/// How secret the report shall be, if a message says that and nothing else.
fn wish(arrived: &Arrived, languages: &Languages) -> Option<Secrecy> {
    match meaning(arrived, languages)? {
        Meaning::Open => Some(Secrecy::Open),
        Meaning::Anonymous => Some(Secrecy::Anonymous),
        Meaning::Secret => Some(Secrecy::Secret),
        Meaning::Choose
        | Meaning::Yes
        | Meaning::New
        | Meaning::Done
        | Meaning::NotDone
        | Meaning::Typical => None,
    }
}

/// Whether it is done, if a message says that and nothing else.
fn done(arrived: &Arrived, languages: &Languages) -> Option<bool> {
    match meaning(arrived, languages)? {
        Meaning::Done => Some(true),
        Meaning::NotDone => Some(false),
        Meaning::Choose
        | Meaning::Yes
        | Meaning::New
        | Meaning::Open
        | Meaning::Anonymous
        | Meaning::Secret
        | Meaning::Typical => None,
    }
}

/// The choice that a message is, if it is nothing else: how secret the report shall be, or whether it is done.
fn word(case: &Case, arrived: &Arrived, languages: &Languages) -> Option<Word> {
    let asked = case.state == State::AwaitingConfirmation;
    let done = || done(arrived, languages).filter(|_| asked).map(Word::Done);
    wish(arrived, languages).map(Word::Secrecy).or_else(done)
}

/// Does what a word alone stands for, and answers the case then. `None` if the message is more than that.
async fn obey(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    open: &Open,
    arrived: &Arrived,
    now: DateTime<Utc>,
) -> Result<Option<Record>, Error> {
    let case = &open.record.case;
    let reporter = pseudonym(case, open.number);
    let record = match word(case, arrived, &rules.languages) {
        None => return Ok(None),
        Some(Word::Secrecy(secrecy)) => {
            let next = workflow::choose(case, &reporter, (secrecy, arrived.message.received_at))?;
            let change = Change::of(open.record.clone(), next, "complaint.secrecy");
            core.save_one(tx, rules, change, INTAKE, now).await?
        }
        Some(Word::Done(done)) => {
            let said = Said {
                text: if done { String::new() } else { arrived.text.clone() },
                files: Vec::new(),
                done: Some(done),
                rating: 0,
                external: key(&arrived.message),
            };
            core.listen(tx, rules, open.record.clone(), &reporter, said, (INTAKE, now)).await?
        }
    };
    settle(tx, &arrived.message, MessageState::Placed, Some(&case.id.to_string())).await?;
    Ok(Some(record))
}

fn pseudonym(case: &Case, number: Number) -> String {
    case.reporter(number).map(|it| it.pseudonym.clone()).unwrap_or_default()
}

/// Adds a message to a case: as the completion that was asked for, or as something more.
async fn extend(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    open: Open,
    arrived: &Arrived,
    now: DateTime<Utc>,
) -> Result<Open, Error> {
    let Open { record, number } = open;
    let reporter = pseudonym(&record.case, number);
    let said = Said {
        text: arrived.text.clone(),
        files: arrived.files.clone(),
        done: None,
        rating: 0,
        external: key(&arrived.message),
    };
    if let Some(comment) = comment_of(&arrived.message)
        && let Some(known) = store::vault::hold(tx, &core.vault, number).await?
    {
        // Each comment may be answered once: the latest is the one that was not.
        let identity = Identity { comment: Some(comment), ..known };
        store::vault::save(tx, &core.vault, number, &identity, now).await?;
    }
    let mut record = core.listen(tx, rules, record, &reporter, said, (INTAKE, now)).await?;
    // Before this they may have had no way to be answered, or have one no longer.
    if let Some(next) = workflow::reach(&record.case, number, core.reaches(tx, number).await?) {
        record = core.save_one(tx, rules, Change::of(record, next, "complaint.reached"), INTAKE, now).await?;
    }
    if let Some(at) = &arrived.message.body.envelope.location {
        let mut next = record.case.clone();
        next.place.describe(Some(at.point()), &at.words());
        if next.place != record.case.place {
            let change = Change::of(record, next, "complaint.located");
            record = core.save_one(tx, rules, change, INTAKE, now).await?;
        }
    }
    Ok(Open { record, number })
}

/// Makes a case of a message.
async fn create(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    arrived: &Arrived,
    now: DateTime<Utc>,
) -> Result<Open, Error> {
    let message = &arrived.message;
    let envelope = &message.body.envelope;
    let mut place = Where::default();
    if let Some(at) = &envelope.location {
        place.describe(Some(at.point()), &at.words());
    }
    let report = Report {
        class: Class::Complaint,
        category: category(core, rules),
        place,
        text: arrived.text.clone(),
        files: arrived.files.clone(),
        identity: Identity {
            language: language_of(arrived, rules),
            comment: comment_of(message),
            ..identity(envelope)
        },
        secrecy: Secrecy::Open,
        undecided: envelope.source.is_public(),
        channel: channel_of(envelope.source),
        occurred_at: None,
        extra: BTreeMap::new(),
        about: None,
        // Plausible already, also when it waited for an answer.
        sent_at: Some(message.received_at),
        queue_ticket: String::new(),
        written_by: String::new(),
        external: key(message),
    };
    let record = core.create(tx, rules, report, INTAKE, now).await?;
    let number = record.case.number;
    Ok(Open { record, number })
}

/// The language that the author of a report is answered in: the one they asked for, else the one they write in, if it shows.
fn language_of(arrived: &Arrived, rules: &Rules) -> String {
    let languages = &rules.languages;
    let asked = Some(arrived.language.as_str()).filter(|it| !it.is_empty() && languages.is_active(it));
    asked.or_else(|| languages.detect(&arrived.text)).unwrap_or_default().to_owned()
}

/// The category of what came without one: as configured, else the first that takes reports. What was written does not wait
/// for a setting.
pub(crate) fn category(core: &Core, rules: &Rules) -> String {
    let configured = &core.config.channels.category;
    if rules.categories.get(configured).is_some_and(|it| it.active) {
        return configured.clone();
    }
    rules.categories.values().find(|it| it.active).map_or_else(|| configured.clone(), |it| it.key.clone())
}

/// An e-mail: it extends a case only if its author takes part in it, and is proven to have written it.
async fn mail(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    arrived: Arrived,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let envelope = arrived.message.body.envelope.clone();
    let facts = arrived.message.body.mail.clone();
    let mut found: Vec<Hinted> = Vec::new();
    for hint in facts.iter().flat_map(|it| &it.hints) {
        let Some(record) = hinted(core, tx, &envelope, hint).await? else { continue };
        // The surest hint comes first: the number that a reply address was made for is in it.
        if found.iter().any(|it| it.record.case.id == record.case.id) {
            continue;
        }
        let mut participants = Vec::new();
        for reporter in &record.case.reporters {
            if let Some(who) = store::vault::find(tx, &core.vault, reporter.number).await? {
                participants.push((reporter.number, who.email.to_lowercase()));
            }
        }
        let signed = match hint {
            Hint::Signed(number) => number.parse().ok(),
            Hint::Message(_) | Hint::Number(_) => None,
        };
        found.push(Hinted { record, participants, signed });
    }
    let candidates = found.iter().map(Hinted::candidate).collect::<Vec<_>>();
    let verdict = facts.map_or(email::Verdict::None, |it: MailFacts| it.verdict);
    let open = |id: &str| {
        let it = found.iter().find(|it| it.record.case.id.to_string() == id)?;
        it.of(&envelope.sender.id)
    };
    let (target, hinted) = match email::place(&envelope.sender.id, verdict, &candidates) {
        Placement::Extends(id) => {
            // A closed case is not opened by a mail: it is a new one, and says where it may belong.
            match open(&id) {
                Some(open) if !open.record.case.state.is_closed() => (Some(open), None),
                // But *belum* is an answer, and no report.
                Some(open) if done(&arrived, &rules.languages).is_some() => {
                    let id = open.record.case.id.to_string();
                    after_the_end(core, tx, rules, (Some(&id), false), &arrived, now).await?;
                    return Ok(());
                }
                Some(open) => (None, Some(open.record)),
                None => (None, None),
            }
        }
        Placement::Unproven(id) => match open(&id) {
            Some(open) if !open.record.case.state.is_closed() => {
                return unproven(core, tx, rules, open, arrived, now).await;
            }
            Some(open) => (None, Some(open.record)),
            None => (None, None),
        },
        Placement::New { possible_reply_to } => {
            let record = found.into_iter().map(|it| it.record);
            (None, record.into_iter().find(|it| possible_reply_to.as_ref() == Some(&it.case.id.to_string())))
        }
    };
    if let Some(open) = &target
        && obey(core, tx, rules, open, &arrived, now).await?.is_some()
    {
        return Ok(());
    }
    let case = gathered(core, tx, rules, target, vec![arrived], now).await?;
    // Of whistleblowing nothing is told to those who work on other cases.
    let hinted = hinted.filter(|it| it.case.class != Class::Whistleblowing);
    if let (Some(id), Some(hinted)) = (case, hinted)
        && let Some(record) = store::complaint::find(tx, &core.cipher, id).await?
    {
        let text = format!(
            "Mungkin balasan untuk {}: pengirimnya tidak terbukti sebagai pelapor di sana.",
            hinted.case.number
        );
        let next = workflow::add(&record.case, &By::system(), "", (text, Vec::new(), String::new()), now)?;
        let number = next.number;
        core.save_one(tx, rules, Change::of(record, next, "complaint.noted"), INTAKE, now).await?;
        // There too, and as little to be seen as what may be the reporter's own: whether somebody takes part shows nowhere.
        if !hinted.case.state.is_closed() {
            let text =
                format!("Sebuah surel yang menyebut laporan ini menjadi laporan tersendiri: {number}.");
            let next = workflow::unproven(&hinted.case, (text, Vec::new(), String::new()), now);
            core.save_one(tx, rules, Change::of(hinted, next, UNPROVEN), INTAKE, now).await?;
        }
    }
    Ok(())
}

/// A case that something in a mail points at.
struct Hinted {
    record: Record,
    /// Who takes part, each with the address in lower case.
    participants: Vec<(Number, String)>,
    /// The number that the reply address was made for, which the mail came to.
    signed: Option<Number>,
}

impl Hinted {
    fn candidate(&self) -> Candidate {
        let signed = self.participants.iter().find(|(number, _)| Some(*number) == self.signed);
        Candidate {
            case: self.record.case.id.to_string(),
            participants: self.participants.iter().map(|(_, email)| email.clone()).collect(),
            signed_for: signed.map(|(_, email)| email.clone()).unwrap_or_default(),
        }
    }

    /// The case as a sender follows it: by the number that the reply address was made for, if it is theirs.
    fn of(&self, sender: &str) -> Option<Open> {
        let mut theirs = self.participants.iter().filter(|(_, email)| email == sender);
        let own = theirs.clone().find(|(number, _)| Some(*number) == self.signed);
        let (number, _) = own.or_else(|| theirs.next())?;
        Some(Open { record: self.record.clone(), number: *number })
    }
}

/// A mail from the address of somebody who takes part, and nothing proves that they wrote it. It changes nothing: not how
/// secret the report is, not whether it is done, and it completes nothing. Who distributes cases reads it, and the reporter
/// is asked to say it with number and PIN. Nobody else sees a trace of it: an agency that guesses at who reported and writes
/// in that name learns nothing.
async fn unproven(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    open: Open,
    arrived: Arrived,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let Open { record, number } = open;
    let id = record.case.id;
    let files = core.give(tx, &arrived.files, id).await?;
    let said = (arrived.text.clone(), files, key(&arrived.message));
    let next = workflow::unproven(&record.case, said, now);
    core.save_one(tx, rules, Change::of(record, next, UNPROVEN), INTAKE, now).await?;
    settle(tx, &arrived.message, MessageState::Placed, Some(&id.to_string())).await?;
    let asked = store::outbox::of_case(tx, id).await?.into_iter().any(|it| {
        it.kind == PROVE
            && it.recipient == Recipient::Reporter(number.to_string())
            && now - it.created_at < ASK_AGAIN
    });
    if asked {
        return Ok(());
    }
    let status = in_words(core, tx, rules, (number, PROVE)).await?;
    store::outbox::insert(tx, &[told((id, number), (PROVE, &status), None, now)]).await?;
    Ok(())
}

async fn hinted(
    core: &Core,
    tx: &DatabaseTransaction,
    envelope: &Envelope,
    hint: &Hint,
) -> Result<Option<Record>, Error> {
    let id = match hint {
        Hint::Message(id) => {
            // What we send carries the id of its notification, `ntf_….0@…`; what the sender wrote before, its own id.
            let ours = id.split(['.', '@']).next().filter(|it| it.starts_with("ntf_"));
            let answered = match ours {
                Some(notification) => store::outbox::case_of(tx, notification).await?,
                None => None,
            };
            let case = match answered {
                Some(case) => Some(case),
                None => {
                    let source = Source::Email.to_string();
                    store::channel::case_of_mail(tx, &source, &envelope.account, &receive::external(core, id))
                        .await?
                }
            };
            case.and_then(|it| it.parse::<CaseId>().ok())
        }
        Hint::Signed(text) | Hint::Number(text) => {
            let Ok(number) = text.parse::<Number>() else { return Ok(None) };
            return Ok(store::complaint::by_number(tx, &core.cipher, number).await?);
        }
    };
    // It may be a mail about a case that was merged since: who answers it means the one that survives.
    Ok(chain_of(core, tx, id).await?.pop())
}

/// The author edited a message, or took it back. What waits is changed where it waits; what is in a case, there.
async fn amend(
    core: &Core,
    message: &Waiting,
    of: &str,
    remove: bool,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let tx = core.db.begin().await?;
    let rules = core.rules_in(&tx).await?;
    let target: Option<Waiting> = store::channel::get(
        &tx,
        &core.vault,
        (&message.source, &message.account, &receive::external(core, of)),
    )
    .await?;
    let mut case = None;
    if let Some(target) = target {
        match target.state {
            // It comes before this one, and so it is not waiting any more unless it was put off: then this is put off too.
            MessageState::Waiting => return Err(anyhow::anyhow!("what it changes waits itself").into()),
            MessageState::Asked => {
                let mut content = target.body.clone();
                if remove {
                    content.envelope.text = channel::TAKEN_BACK.to_owned();
                    content.envelope.location = None;
                    content.envelope.attachments.clear();
                    content.files.clear();
                } else {
                    content.envelope.text.clone_from(&message.body.envelope.text);
                }
                store::channel::rewrite(&tx, &core.vault, &target, &content).await?;
            }
            MessageState::Ignored => {}
            MessageState::Placed => {
                case = target.case.clone();
                let id = target.case.as_ref().and_then(|it| it.parse::<CaseId>().ok());
                let (of, text) = (key(&target), message.body.envelope.text.trim());
                // The words stand in the case they came to, and in each that it was merged into.
                for record in chain_of(core, &tx, id).await? {
                    let next = if remove {
                        channel::take_back(&record.case, &of)
                    } else {
                        channel::edit(&record.case, &of, text)
                    };
                    let Some(mut next) = next else { continue };
                    if remove {
                        if let Some(at) = &target.body.envelope.location {
                            let left = locations(core, &tx, &next).await?;
                            let left: Vec<_> = left.iter().map(|it| (it.point(), it.words())).collect();
                            next.place.forget(at.point(), &at.words(), &left);
                        }
                        // They lie loose now, and are deleted with what nobody used.
                        store::file::let_go(&tx, &channel::files(&record.case, &of)).await?;
                    }
                    let what =
                        if remove { "complaint.message_taken_back" } else { "complaint.message_edited" };
                    core.save_one(&tx, &rules, Change::of(record, next, what), INTAKE, now).await?;
                }
                if remove {
                    store::media::forget(&tx, (&target.source, &target.account, &target.external_id)).await?;
                }
            }
        }
    }
    settle(&tx, message, MessageState::Placed, case.as_deref()).await?;
    tx.commit().await?;
    Ok(())
}

/// The locations that were shared with messages of a case and not taken back, oldest first.
async fn locations(core: &Core, tx: &DatabaseTransaction, case: &Case) -> Result<Vec<Location>, Error> {
    let mut found = Vec::new();
    for message in case.messages.iter().filter(|it| it.text != channel::TAKEN_BACK) {
        let Some((source, rest)) = message.external.split_once('/') else { continue };
        let Some((account, id)) = rest.rsplit_once('/') else { continue };
        let stored: Option<Waiting> = store::channel::get(tx, &core.vault, (source, account, id)).await?;
        found.extend(stored.and_then(|it| it.body.envelope.location));
    }
    Ok(found)
}

/// A case, and those that it was merged into one after the other, up to the one where it is now.
async fn chain_of(
    core: &Core,
    tx: &DatabaseTransaction,
    first: Option<CaseId>,
) -> Result<Vec<Record>, Error> {
    let (mut chain, mut next) = (Vec::<Record>::new(), first);
    while let Some(id) = next {
        let Some(record) = store::complaint::find(tx, &core.cipher, id).await? else { break };
        // Only an older case takes over a younger one: no case comes twice.
        next = record.case.merged_into.filter(|into| chain.iter().all(|it| it.case.id != *into));
        chain.push(record);
    }
    Ok(chain)
}

/// Files that could not be fetched with their messages. One that makes trouble keeps no other waiting.
async fn fetch_again(core: &Core, fetcher: &Fetcher, now: DateTime<Utc>) -> Result<(), Error> {
    for pending in store::media::due(&core.db.read, &core.vault, now, BATCH).await? {
        let fetched = match fetch_one(core, fetcher, &pending, now).await {
            Ok(fetched) => fetched,
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "a file of a message could not be added and is tried again"
                );
                false
            }
        };
        if !fetched {
            let wait = doubled(FIRST_RETRY, pending.attempts, LONGEST_RETRY);
            store::media::put_off(&core.db.write, &pending, now + wait).await?;
        }
    }
    Ok(())
}

/// Fetches a file and adds it to its message. `false` if it is to be tried again.
async fn fetch_one(
    core: &Core,
    fetcher: &Fetcher,
    pending: &store::media::Pending,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let source: Source = pending.source.parse().map_err(|_| anyhow::anyhow!("a file of no known channel"))?;
    let message =
        store::channel::find(&core.db.read, &pending.source, &pending.account, &pending.external_id).await?;
    let case = message.and_then(|it| it.case).and_then(|it| it.parse::<CaseId>().ok());
    let (files, text) = match fetch(core, fetcher, (source, &pending.account), &pending.wanted).await {
        Ok(content) => match keep(core, &content, (source, pending.wanted.kind), None, now).await? {
            Ok(id) => (vec![id], String::new()),
            Err(unfit) => (Vec::new(), why(unfit).to_owned()),
        },
        Err(Failure::Later) if now - pending.created_at < MEDIA_LIVES => return Ok(false),
        Err(Failure::TooLarge) => (Vec::new(), why(Unfit::TooLarge).to_owned()),
        Err(Failure::Later | Failure::Gone | Failure::Foreign) => {
            (Vec::new(), "berkas tidak dapat diambil".to_owned())
        }
    };
    let tx = core.db.begin().await?;
    let rules = core.rules_in(&tx).await?;
    // Somebody was first: it did all of this.
    if !store::media::done(&tx, pending).await? {
        return Ok(true);
    }
    // Where the case is now: a merged one has given its files away.
    if let Some(record) = chain_of(core, &tx, case).await?.pop() {
        attach(core, &tx, &rules, record, pending, (files, text), now).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Adds a file that came late to its message; to a closed case too: it was said before.
async fn attach(
    core: &Core,
    tx: &DatabaseTransaction,
    rules: &Rules,
    record: Record,
    pending: &store::media::Pending,
    (ids, why): (Vec<FileId>, String),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let of = key_of(&pending.source, &pending.account, &pending.external_id);
    let mut files = Vec::new();
    for id in ids {
        files.extend(store::file::give(tx, id, record.case.id).await?);
    }
    let mut next = record.case.clone();
    let Some(message) = next.messages.iter_mut().find(|it| it.external == of) else { return Ok(()) };
    if !why.is_empty() {
        note(&mut message.text, &why);
    }
    message.files.extend(files);
    core.save_one(tx, rules, Change::of(record, next, "complaint.file_added"), INTAKE, now).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::pressed;

    #[test]
    fn c_31_a_button_below_an_answer_names_its_case() {
        assert_eq!(pressed(Some("sudah:cmp_1")), Some(("sudah", "cmp_1")));
        assert_eq!(pressed(Some("belum:cmp_2")), Some(("belum", "cmp_2")));
        assert_eq!(pressed(Some("nilai5:cmp_3")), Some(("nilai5", "cmp_3")));
        assert_eq!(pressed(Some("anonim:cmp_4")), Some(("anonim", "cmp_4")));
        for other in [None, Some("sudah"), Some("case:cmp_1"), Some("anonim"), Some("nilai6:cmp_1")] {
            assert_eq!(pressed(other), None, "{other:?}");
        }
    }
}

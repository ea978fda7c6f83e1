//! Messages of channels: stored as they come, each once, in the transaction that answers; placed in cases by a worker, one
//! conversation after the other.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::complaints::v1::{
    GetChannelChallengeRequest, GetChannelChallengeResponse, ReceiveChannelWebhookRequest,
    ReceiveChannelWebhookResponse,
};
use sea_orm::DatabaseTransaction;
use serde_json::json;

use super::answer::Said;
use super::case::{Change, SYSTEM};
use super::file_complaint::Report;
use super::{Core, record};
use crate::domain::case::Place;
use crate::domain::number::Number;
use crate::domain::rules::Rules;
use crate::domain::words::{Channel, Class, Part, Secrecy};
use crate::domain::workflow;
use crate::domain::{CaseId, FileId};
use crate::error::{Error, Thing};
use crate::intake::conversation::{self, Known, Question};
use crate::intake::envelope::{Effect, Envelope, Kind, Source, received_at};
use crate::intake::signature::{self, Refused};
use crate::intake::{facebook, instagram, whatsapp};
use crate::store;
use crate::store::channel::{MessageState, Stored};
use crate::store::complaint::Record;
use crate::store::vault::Identity;

/// How far back the messages of a conversation are looked at.
const MEMORY: TimeDelta = TimeDelta::days(2);
/// How many reports of a sender are looked at for open ones.
const REPORTS: u64 = 20;
/// The kind of contact that a sender of a channel is.
const CONTACT: &str = "channel";

pub(super) async fn challenge(
    core: &Core,
    _caller: &Caller,
    request: GetChannelChallengeRequest,
) -> Result<GetChannelChallengeResponse, Error> {
    let account = core.config.channels.account(&request.channel, &request.account);
    let account = account.ok_or(Error::NotFound(Thing::Channel))?;
    let (mode, told) = (request.mode.as_str(), request.verify_token.as_str());
    let challenge = signature::handshake(&account.verify_token, mode, told, &request.challenge)
        .map_err(|why| Error::Unsigned { missing: why == Refused::Missing })?;
    Ok(GetChannelChallengeResponse { challenge: challenge.to_owned() })
}

pub(super) async fn receive(
    core: &Core,
    _caller: &Caller,
    request: ReceiveChannelWebhookRequest,
) -> Result<ReceiveChannelWebhookResponse, Error> {
    let account = core.config.channels.account(&request.channel, &request.account);
    let account = account.ok_or(Error::NotFound(Thing::Channel))?;
    signature::verify(&account.app_secret, &request.signature, &request.body)
        .map_err(|why| Error::Unsigned { missing: why == Refused::Missing })?;
    let read = match request.channel.as_str() {
        "whatsapp" => whatsapp::read(&request.body),
        "facebook" => facebook::read(&request.body),
        _ => instagram::read(&request.body),
    };
    let Ok(read) = read else {
        let mut check = Checker::new();
        check.violation("body", "MALFORMED", "kiriman tidak dapat dibaca", "the delivery cannot be read");
        check.finish()?;
        return Ok(ReceiveChannelWebhookResponse::default());
    };
    let (stored, repeated) = core.receive(read.messages).await?;
    Ok(ReceiveChannelWebhookResponse { stored, repeated_messages: repeated })
}

impl Core {
    /// Stores messages. Answers how many are new, and how many were there.
    pub(crate) async fn receive(&self, messages: Vec<Envelope>) -> Result<(i32, i32), Error> {
        if messages.is_empty() {
            return Ok((0, 0));
        }
        let now = self.now();
        let mut rows: Vec<Stored<Envelope>> = messages
            .into_iter()
            .map(|it| {
                let (_, account, sender) = it.conversation();
                let conversation = self.vault.digest("conversation", &format!("{} {account} {sender}", it.source));
                Stored {
                    source: it.source.to_string(),
                    account: it.account.clone(),
                    // Keys of providers hold telephone numbers.
                    external_id: self.external(&it.external_id),
                    conversation,
                    case: None,
                    state: MessageState::Waiting,
                    received_at: received_at(it.sent_at, now),
                    arrived_at: now,
                    body: it,
                }
            })
            .collect();
        // In the order of their keys: two deliveries of the same messages then wait for each other, and never crosswise.
        rows.sort_by(|a, b| (&a.source, &a.account, &a.external_id).cmp(&(&b.source, &b.account, &b.external_id)));
        let tx = self.db.begin().await?;
        let stored = store::channel::insert(&tx, &self.vault, &rows).await?;
        if stored > 0 {
            let detail = json!({"stored": stored, "source": rows[0].source});
            record(&tx, ("channel", "channel.received", "channel"), detail, "", now).await?;
        }
        tx.commit().await?;
        let (all, new) = (rows.len(), usize::try_from(stored).unwrap_or(usize::MAX));
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        Ok((count(new), count(all.saturating_sub(new))))
    }

    fn external(&self, id: &str) -> String {
        self.vault.digest("external", id)
    }

    /// Places a message that waits. Whatever it does, it does once: the row moves in the same transaction.
    pub(crate) async fn place_message(
        &self,
        message: &Stored<Envelope>,
        files: Vec<FileId>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let tx = self.db.begin().await?;
        let rules = self.rules(&tx).await?;
        let moved = match &message.body.effect {
            Effect::Add => self.add_message(&tx, &rules, message, files, now).await?,
            Effect::Edit(of) => self.change_message(&tx, &rules, message, of, Some(&message.body.text), now).await?,
            Effect::Remove(of) => self.change_message(&tx, &rules, message, of, None, now).await?,
        };
        if moved {
            tx.commit().await?;
        }
        Ok(())
    }

    /// Gives messages whose sender was asked and did not answer in time a case of their own.
    pub(crate) async fn place_unanswered(&self, now: DateTime<Utc>, limit: u64) -> Result<(), Error> {
        let asked: Vec<Stored<Envelope>> =
            store::channel::waiting(&self.db.read, &self.vault, MessageState::Asked, limit).await?;
        let mut done = std::collections::BTreeSet::new();
        for it in asked {
            let question = Question { offered: Vec::new(), asked_at: it.arrived_at };
            if conversation::is_over(&question, now) && done.insert(it.conversation.clone()) {
                let tx = self.db.begin().await?;
                let rules = self.rules(&tx).await?;
                let since = now - MEMORY;
                let waiting: Vec<Stored<Envelope>> =
                    store::channel::of_conversation(&tx, &self.vault, &it.conversation, since).await?;
                let waiting: Vec<_> =
                    waiting.into_iter().filter(|it| it.state == MessageState::Asked).collect();
                if self.file_messages(&tx, &rules, None, &waiting, Vec::new(), now).await? {
                    tx.commit().await?;
                }
            }
        }
        Ok(())
    }

    async fn add_message(
        &self,
        tx: &DatabaseTransaction,
        rules: &Rules,
        message: &Stored<Envelope>,
        files: Vec<FileId>,
        now: DateTime<Utc>,
    ) -> Result<bool, Error> {
        let body = &message.body;
        if body.kind == Kind::Unsupported {
            return Ok(store::channel::moved(tx, message, MessageState::Ignored, None).await?);
        }
        let history: Vec<Stored<Envelope>> =
            store::channel::of_conversation(tx, &self.vault, &message.conversation, now - MEMORY).await?;
        let asked: Vec<Stored<Envelope>> =
            history.iter().filter(|it| it.state == MessageState::Asked).cloned().collect();
        let open = self.open_cases(tx, body, now).await?;
        let placed = history
            .iter()
            .rev()
            .filter(|it| it.state == MessageState::Placed)
            .find_map(|it| Some((it.case.clone()?, it.arrived_at)));
        let quotes = body.reply_to.as_ref().map(|of| self.external(of)).and_then(|of| {
            history.iter().find(|it| it.external_id == of).and_then(|it| it.case.clone())
        });
        let known = Known {
            question: asked
                .first()
                .map(|it| Question { offered: open.clone(), asked_at: it.arrived_at }),
            last: placed,
            open,
        };
        let said = conversation::Message {
            text: &body.text,
            choice: body.choice.as_deref(),
            quotes: quotes.as_deref(),
        };
        let mut all = asked.clone();
        all.push(message.clone());
        match conversation::place(&known, said, now) {
            conversation::Place::Case(case) => self.file_messages(tx, rules, Some(&case), &all, files, now).await,
            conversation::Place::New => self.file_messages(tx, rules, None, &all, files, now).await,
            conversation::Place::Ask(_) | conversation::Place::Wait => {
                Ok(store::channel::moved(tx, message, MessageState::Asked, None).await?)
            }
            conversation::Place::Answer(case) => {
                let ignored = store::channel::moved(tx, message, MessageState::Ignored, None).await?;
                Ok(ignored && self.file_messages(tx, rules, case.as_deref(), &asked, Vec::new(), now).await?)
            }
            conversation::Place::Nothing => {
                Ok(store::channel::moved(tx, message, MessageState::Ignored, None).await?)
            }
        }
    }

    /// The open cases of a sender, latest report first.
    async fn open_cases(
        &self,
        tx: &DatabaseTransaction,
        body: &Envelope,
        now: DateTime<Utc>,
    ) -> Result<Vec<String>, Error> {
        if body.sender.id.is_empty() {
            return Ok(Vec::new());
        }
        let digest = store::vault::digest(&self.vault, CONTACT, &sender(body));
        let mut open = Vec::new();
        for number in store::vault::numbers_of(tx, &digest, now - TimeDelta::days(365), REPORTS).await? {
            let Ok(number) = number.parse::<Number>() else { continue };
            if let Some(found) = store::complaint::by_number(tx, &self.cipher, number).await?
                && !found.case.state.is_closed()
                && !open.contains(&found.case.id.to_string())
            {
                open.push(found.case.id.to_string());
            }
        }
        Ok(open)
    }

    /// Puts messages into a case, or into a new one, and moves their rows.
    async fn file_messages(
        &self,
        tx: &DatabaseTransaction,
        rules: &Rules,
        case: Option<&str>,
        messages: &[Stored<Envelope>],
        files: Vec<FileId>,
        now: DateTime<Utc>,
    ) -> Result<bool, Error> {
        let Some(first) = messages.first() else { return Ok(true) };
        let id: Option<CaseId> = case.and_then(|it| it.parse().ok());
        let record = match id {
            Some(id) => {
                let mut record = store::complaint::find(tx, &self.cipher, id)
                    .await?
                    .ok_or(Error::NotFound(Thing::Complaint))?;
                let mut files = files;
                for message in messages {
                    let own = std::mem::take(&mut files);
                    record = self.extend(tx, rules, record, message, own, now).await?;
                }
                record
            }
            None => {
                let report = report(first, messages, files, &self.config.channels.category, |it| self.external(it));
                self.create(tx, rules, report, SYSTEM, now).await?
            }
        };
        let id = record.case.id.to_string();
        for message in messages {
            if !store::channel::moved(tx, message, MessageState::Placed, Some(&id)).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What a reporter writes on about a case. A word alone may be a choice: biasa, anonim, rahasia; sudah, belum.
    async fn extend(
        &self,
        tx: &DatabaseTransaction,
        rules: &Rules,
        record: Record,
        message: &Stored<Envelope>,
        files: Vec<FileId>,
        now: DateTime<Utc>,
    ) -> Result<Record, Error> {
        let body = &message.body;
        let digest = store::vault::digest(&self.vault, CONTACT, &sender(body));
        let numbers = store::vault::numbers_of(tx, &digest, DateTime::<Utc>::UNIX_EPOCH, 1000).await?;
        let own = record.case.reporters.iter().find(|it| numbers.contains(&it.number.to_string()));
        let Some(pseudonym) = own.map(|it| it.pseudonym.clone()) else {
            return Err(Error::NotFound(Thing::Complaint));
        };
        let word = body.text.trim().to_lowercase();
        let secrecy = match word.as_str() {
            "biasa" => Some(Secrecy::Open),
            "anonim" => Some(Secrecy::Anonymous),
            "rahasia" => Some(Secrecy::Secret),
            _ => None,
        };
        if let Some(secrecy) = secrecy {
            let next = workflow::set_secrecy(&record.case, Part::Reporter, &pseudonym, secrecy)?;
            return self.save_one(tx, rules, Change::of(record, next, "complaint.secrecy"), SYSTEM, now).await;
        }
        let verbs = workflow::allowed(record.case.state, record.case.class, &[Part::Reporter]);
        let chosen = body.choice.as_deref().unwrap_or(&word);
        let done = match chosen.split(':').next().unwrap_or_default() {
            "sudah" if verbs.contains(&crate::domain::words::Verb::Confirm) => Some(true),
            "belum" if verbs.contains(&crate::domain::words::Verb::Reopen) => Some(false),
            _ => None,
        };
        let said = Said {
            text: words(body),
            files,
            done,
            rating: 0,
            external: self.external(&body.external_id),
        };
        self.listen(tx, rules, record, &pseudonym, said, SYSTEM, now).await
    }

    /// An edit or a removal by the author, in the case where the message is.
    async fn change_message(
        &self,
        tx: &DatabaseTransaction,
        rules: &Rules,
        message: &Stored<Envelope>,
        of: &str,
        text: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<bool, Error> {
        let external = self.external(of);
        let (source, account) = (&message.source, &message.account);
        let case = store::channel::case_of(tx, (source, account, &external)).await?;
        let id: Option<CaseId> = case.as_deref().and_then(|it| it.parse().ok());
        if let Some(id) = id
            && let Some(record) = store::complaint::find(tx, &self.cipher, id).await?
        {
            let mut next = record.case.clone();
            for it in next.messages.iter_mut().filter(|it| it.external == external) {
                it.text = text.map_or_else(|| "(dihapus oleh pengirim)".to_owned(), ToOwned::to_owned);
                if text.is_none() {
                    it.files.clear();
                }
            }
            let what = if text.is_some() { "complaint.message_edited" } else { "complaint.message_removed" };
            self.save_one(tx, rules, Change::of(record, next, what), SYSTEM, now).await?;
        }
        Ok(store::channel::moved(tx, message, MessageState::Ignored, case.as_deref()).await?)
    }
}

/// A sender as contacts are compared: an id means something within its account only.
fn sender(body: &Envelope) -> String {
    format!("{} {} {}", body.source, body.account, body.sender.id)
}

/// What a message says; what it sends stands in words where it has none.
fn words(body: &Envelope) -> String {
    if !body.text.trim().is_empty() {
        return body.text.trim().to_owned();
    }
    match (&body.location, body.kind) {
        (Some(at), _) => format!("Lokasi: {}, {} {}", at.latitude, at.longitude, at.address).trim().to_owned(),
        (None, kind) => format!("({kind})"),
    }
}

fn report(
    first: &Stored<Envelope>,
    messages: &[Stored<Envelope>],
    files: Vec<FileId>,
    category: &str,
    external: impl Fn(&str) -> String,
) -> Report {
    let body = &first.body;
    let public = body.source.is_public();
    let text: Vec<String> = messages.iter().map(|it| words(&it.body)).collect();
    let place = messages.iter().find_map(|it| it.body.location.as_ref()).map(|it| Place {
        village: String::new(),
        point: Some((it.latitude, it.longitude)),
        address: [it.name.as_str(), it.address.as_str()]
            .into_iter()
            .filter(|it| !it.is_empty())
            .collect::<Vec<_>>()
            .join(", "),
    });
    Report {
        class: Class::Complaint,
        text: text.join("\n"),
        category: category.to_owned(),
        place: place.unwrap_or_default(),
        occurred_at: None,
        identity: Identity {
            name: body.sender.display.clone(),
            phone: body.sender.phone.as_ref().map(|it| format!("+{it}")).unwrap_or_default(),
            email: body.sender.email.clone().unwrap_or_default(),
            channel_id: if body.sender.id.is_empty() { String::new() } else { sender(body) },
            channel_account: body.account.clone(),
            thread: body.thread.clone(),
        },
        secrecy: if public { Secrecy::Secret } else { Secrecy::Open },
        undecided: public,
        channel: channel_of(body.source),
        files,
        extra: BTreeMap::new(),
        about: None,
        sent_at: Some(first.received_at),
        queue_ticket: String::new(),
        written_by: String::new(),
        external: external(&body.external_id),
    }
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

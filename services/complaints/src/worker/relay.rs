//! Messages out: from the outbox to notifications, with the id of the row as request id, so that a repetition is one
//! message. What became of it is asked for until it is known; a question to a reporter lets the clocks stand still only
//! once it was delivered.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::client::PeerChannel;
use mpp_kit::component::{Env, Role, Worker};
use mpp_kit::config::ExposeSecret as _;
use mpp_kit::fault::chain;
use mpp_kit::patience::doubled;
use mpp_kit::relay::{self, TokenSource};
use mpp_proto::notifications::v1::notifications_service_client::NotificationsServiceClient;
use mpp_proto::notifications::v1::{
    Action, Addresses, CreateNotificationRequest, DeliveryStatus, DirectAddress, GetNotificationRequest,
    Network, Notification, Recipient as To, recipient,
};
use tonic::Code;

use crate::domain::COORDINATOR;
use crate::domain::case::Case;
use crate::domain::ladder::holder_of;
use crate::domain::language::{OFFICE, PURPOSE};
use crate::domain::number::Number;
use crate::domain::rules::Rules;
use crate::domain::words::{Class, DeliveryState, MessageKind, Rung};
use crate::domain::workflow::{self, NoticeKind};
use crate::error::Error;
use crate::intake::config::{ChannelsConfig, MailboxConfig};
use crate::intake::email;
use crate::intake::envelope::Source;
use crate::rpc::Core;
use crate::rpc::case::{ALARMED, Change, ESCALATED, SYSTEM, WARNED, local, status_in};
use crate::rpc::convert::timestamp;
use crate::store;
use crate::store::complaint::Record;
use crate::store::outbox::{About, Message, Recipient};
use crate::store::vault::Identity;

/// Who sends.
pub(crate) const NOTIFICATIONS: Role = Role("notifications");
const BATCH: u64 = 100;
const EVERY: Duration = Duration::from_secs(1);
/// Between the first two looks at what became of a message; each pause is twice the one before.
const LOOK: TimeDelta = TimeDelta::seconds(15);
/// After which time nobody asks any more. Notifications ends every message before: WhatsApp without a receipt after 72 hours, a
/// mail 24 hours after its server took it, which may be 72 hours after it was offered.
const GIVE_UP: TimeDelta = TimeDelta::days(7);
/// The longest pause before a message is looked at again.
const LONGEST: TimeDelta = TimeDelta::minutes(10);

/// The worker.
pub(super) fn worker(env: &Env, core: &Arc<Core>, token: TokenSource) -> Worker {
    let client = NotificationsServiceClient::new(env.peers.channel(NOTIFICATIONS));
    let relay = Relay { core: Arc::clone(core), client, token };
    Worker::repeating("complaints: messages out", env, EVERY, relay, |relay| {
        Box::pin(relay.pass(relay.core.now()))
    })
}

struct Relay {
    core: Arc<Core>,
    client: NotificationsServiceClient<PeerChannel>,
    token: TokenSource,
}

impl Relay {
    /// Offers what waits, and asks what became of what was taken.
    async fn pass(&self, now: DateTime<Utc>) -> Result<(), Error> {
        let db = &self.core.db.read;
        let queued = store::outbox::due(db, DeliveryState::Queued, now, BATCH).await?;
        let accepted = store::outbox::due(db, DeliveryState::Accepted, now, BATCH).await?;
        if queued.is_empty() && accepted.is_empty() {
            return Ok(());
        }
        let token = (self.token)().await.context("no token for notifications")?;
        for message in queued {
            if let Err(error) = self.offer(&message, &token, now).await {
                // It is offered again; the others do not wait for it.
                tracing::warn!(message = %message.id, error = chain(&error), "a message could not be offered");
            }
        }
        for message in accepted {
            if let Err(error) = self.follow(&message, &token, now).await {
                tracing::warn!(message = %message.id, error = chain(&error), "a message could not be followed");
            }
        }
        Ok(())
    }

    async fn offer(&self, message: &Message, token: &str, now: DateTime<Utc>) -> Result<(), Error> {
        if message.body.expires_at.is_some_and(|end| end <= now) {
            // Nobody took it in its time. A warning of last week is no warning.
            self.core.metrics.message("EXPIRED");
            return self.settle(message, (DeliveryState::Failed, None), None, now, now).await;
        }
        let Some(request) = self.compose(message).await? else {
            self.core.metrics.message("NO_CONTACT");
            return self.settle(message, (DeliveryState::NoContact, None), None, now, now).await;
        };
        match self.client.clone().create_notification(relay::request(request, token)?).await {
            Ok(answer) => {
                let id = answer.into_inner().notification.map(|it| it.id).unwrap_or_default();
                self.core.metrics.message("ACCEPTED");
                self.settle(message, (DeliveryState::Accepted, None), Some(&id), now + LOOK, now).await
            }
            Err(status) => {
                let again = relay::may_be_taken_later(status.code());
                let (code, id) = (status.code(), message.id);
                if again {
                    tracing::warn!(%code, message = %id, "notifications did not take a message; it is offered again");
                    let pause = relay::pause_after(message.attempts);
                    self.settle(message, (DeliveryState::Queued, None), None, now + pause, now).await
                } else {
                    tracing::error!(%code, message = %id, "notifications refuses a message");
                    self.core.metrics.message("REFUSED");
                    self.settle(message, (DeliveryState::Failed, None), None, now, now).await
                }
            }
        }
    }

    async fn follow(&self, message: &Message, token: &str, now: DateTime<Utc>) -> Result<(), Error> {
        let Some(id) = &message.notification else {
            return self.settle(message, (DeliveryState::Queued, None), None, now, now).await;
        };
        let request = GetNotificationRequest { notification: id.clone() };
        let mut heard_at = None;
        let status = match self.client.clone().get_notification(relay::request(request, token)?).await {
            Ok(answer) => {
                let found = answer.into_inner().notification;
                if let Some(user) =
                    found.as_ref().map(|it| it.direct_user.as_str()).filter(|it| !it.is_empty())
                {
                    learn(&self.core, message, user, now).await?;
                }
                heard_at = found.as_ref().and_then(arrived_at);
                found.map(|it| it.status())
            }
            Err(status) if status.code() == Code::NotFound => None,
            Err(status) => {
                let again = now + LOOK;
                tracing::warn!(code = %status.code(), "what became of a message is asked again");
                return self.settle(message, (DeliveryState::Accepted, None), Some(id), again, now).await;
            }
        };
        let state = match status {
            Some(DeliveryStatus::Delivered) => DeliveryState::Delivered,
            Some(
                DeliveryStatus::TemporaryFailure
                | DeliveryStatus::PermanentFailure
                | DeliveryStatus::TechnicalFailure
                | DeliveryStatus::Suppressed
                | DeliveryStatus::Expired
                | DeliveryStatus::Cancelled,
            )
            | None => DeliveryState::Failed,
            Some(
                DeliveryStatus::Unspecified
                | DeliveryStatus::Created
                | DeliveryStatus::Sending
                | DeliveryStatus::Sent
                | DeliveryStatus::FellBack,
            ) if now - message.created_at > GIVE_UP => DeliveryState::Failed,
            Some(
                DeliveryStatus::Unspecified
                | DeliveryStatus::Created
                | DeliveryStatus::Sending
                | DeliveryStatus::Sent
                | DeliveryStatus::FellBack,
            ) => DeliveryState::Accepted,
        };
        let pause = doubled(LOOK, message.attempts, LONGEST);
        self.settle(message, (state, heard_at), Some(id), now + pause, now).await
    }

    /// Notes what became of a message, and what follows for its case, in one transaction.
    async fn settle(
        &self,
        message: &Message,
        (state, heard_at): (DeliveryState, Option<DateTime<Utc>>),
        notification: Option<&str>,
        next_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let core = &self.core;
        let tx = core.db.begin().await?;
        if !store::outbox::moved(&tx, message, (state, notification), next_at, now).await? {
            // Another instance was first.
            return Ok(());
        }
        let About::Case(about) = message.about else {
            // Nothing follows from it.
            tx.commit().await?;
            return Ok(());
        };
        let arrived = state == DeliveryState::Delivered;
        let unreached = state == DeliveryState::NoContact && message.kind == NoticeKind::Answered.to_string();
        let delivered = arrived && message.kind == NoticeKind::Question.to_string();
        let answered = arrived && message.kind == NoticeKind::Answered.to_string();
        // Who was not reached and hears of it later is reached: the mark goes.
        let made_up = state == DeliveryState::Delivered && store::outbox::is_made_up_for(&tx, about).await?;
        if (delivered || answered || made_up || unreached || state == DeliveryState::Failed)
            && let Some(record) = store::complaint::find(&tx, &core.cipher, about).await?
        {
            let rules = core.rules_in(&tx).await?;
            let number = match &message.recipient {
                Recipient::Reporter(number) => number.parse::<Number>().ok(),
                Recipient::Account(_) => None,
            };
            let told = match &message.recipient {
                _ if delivered && !is_of_last(MessageKind::Question, &record.case, message) => None,
                _ if delivered => workflow::deliver(&record.case, &rules, now),
                // Nobody waits for the word of who cannot be told: they follow the case with number and PIN.
                Recipient::Reporter(_) if unreached => match number {
                    // They said just now where to reach them: the next pass tells them there.
                    Some(number) if core.reaches(&tx, number).await? => return Ok(()),
                    Some(number) => workflow::reach(&record.case, number, false),
                    None => None,
                },
                Recipient::Reporter(_)
                    if answered && is_of_last(MessageKind::Answer, &record.case, message) =>
                {
                    number.and_then(|number| workflow::hear(&record.case, number, heard_at, &rules))
                }
                Recipient::Reporter(_) | Recipient::Account(_) => None,
            };
            let what = if delivered {
                "complaint.question_delivered"
            } else if unreached {
                "complaint.unreachable"
            } else {
                "complaint.answer_delivered"
            };
            let mut change = match told {
                Some(next) => Some(Change::of(record, next, what)),
                None if made_up => {
                    let next = record.case.clone();
                    Some(Change::of(record, next, "message.arrived"))
                }
                None if state == DeliveryState::Failed => {
                    let next = record.case.clone();
                    let mut change = Change::of(record, next, "message.failed");
                    change.undelivered = Some(true);
                    Some(change)
                }
                None => None,
            };
            if let Some(change) = &mut change {
                if made_up {
                    change.undelivered = Some(false);
                }
                change.detail.insert("message", message.id.to_string());
            }
            if let Some(change) = change {
                match core.save_one(&tx, &rules, change, SYSTEM, now).await {
                    Ok(_) => {}
                    // The case moved meanwhile; nothing of this is kept, and the next pass looks again.
                    Err(Error::Stale { .. }) => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// The notification of a message; `None` when there is nobody to reach.
    async fn compose(&self, message: &Message) -> Result<Option<CreateNotificationRequest>, Error> {
        let core = &self.core;
        let case = match message.about {
            About::Case(case) => case,
            About::Evidence(_) => {
                let about = to_official(core, message, "/meja/eviden", &*core.rules().await?);
                return Ok(Some(about));
            }
            About::Digest(_) => {
                let about = to_official(core, message, "/kendali/aduan", &*core.rules().await?);
                // Its time has come by the clock of this service: it waits for no other.
                return Ok(Some(CreateNotificationRequest {
                    scheduled_time: Some(timestamp(message.created_at)),
                    ..about
                }));
            }
        };
        let Some(record) = store::complaint::find(&core.db.read, &core.cipher, case).await? else {
            return Ok(None);
        };
        let case = &record.case;
        let mut language = String::new();
        let (recipient, number) = match &message.recipient {
            // Officials are answered in the language of their contact.
            Recipient::Account(account) => (recipient::Kind::AccountId(account.clone()), case.number),
            Recipient::Reporter(number) => {
                let Ok(number) = number.parse::<Number>() else { return Ok(None) };
                let identity = store::vault::find(&core.db.read, &core.vault, number).await?;
                let Some(identity) = identity.filter(|it| core.can_reach(it)) else {
                    return Ok(None);
                };
                core.rules().await?.languages.of(&identity.language).clone_into(&mut language);
                let answers =
                    |it: &store::vault::Direct<'_>| core.config.channels.answers(it.source, it.account);
                let addresses = Addresses {
                    whatsapp: identity.phone.trim_start_matches('+').to_owned(),
                    direct: identity.direct().filter(answers).and_then(|it| direct_address(&it)),
                    email: identity.email,
                };
                (recipient::Kind::Addresses(addresses), number)
            }
        };
        let reply_to = match &message.recipient {
            Recipient::Reporter(_) => reply_to(&core.config.channels, number),
            Recipient::Account(_) => String::new(),
        };
        // Nothing of a secret matter goes into a message that others may read over a shoulder.
        let confidential = case.class == Class::Whistleblowing
            || case.reporter(number).is_none_or(|it| !it.secrecy.shows_reporter());
        let official = matches!(recipient, recipient::Kind::AccountId(_));
        let (message_type, gaps) = type_of(&message.kind, official, confidential);
        let mut placeholders = HashMap::new();
        for gap in gaps {
            placeholders
                .insert((*gap).to_owned(), self.fill(gap, message, &record, (number, &language)).await?);
        }
        let actions = if official && !gaps.is_empty() {
            let permission = "complaints.read".to_owned();
            ["tangani", "buka"]
                .map(|key| Action {
                    key: key.to_owned(),
                    permission: permission.clone(),
                    area: String::new(),
                })
                .to_vec()
        } else {
            Vec::new()
        };
        // Of whistleblowing nobody else is told, not even that somebody could not be reached.
        let coordinator = match case.class {
            Class::Whistleblowing => String::new(),
            Class::Complaint | Class::Aspiration | Class::InformationRequest => {
                let rules = core.rules().await?;
                coordinator(&rules, core.now()).filter(|_| official).unwrap_or_default().to_owned()
            }
        };
        Ok(Some(CreateNotificationRequest {
            coordinator_account_id: coordinator,
            request_id: message.id.to_string(),
            reference: message.body.subject.clone(),
            message_type: message_type.to_owned(),
            recipient: Some(To { kind: Some(recipient), language }),
            placeholders,
            confidential,
            actions,
            reply_to,
            expire_time: message.body.expires_at.map(timestamp),
            ..CreateNotificationRequest::default()
        }))
    }

    async fn fill(
        &self,
        gap: &str,
        message: &Message,
        record: &Record,
        (number, language): (Number, &str),
    ) -> Result<String, Error> {
        let core = &self.core;
        let case = &record.case;
        let rules = core.rules().await?;
        let say = |key: &str| rules.languages.say(language, key, &[]);
        Ok(match gap {
            "pin" => core.pin(number),
            "tautan" => format!("{}/lacak", core.base_url),
            "jawaban" => last(case, &[MessageKind::Answer, MessageKind::FirstAnswer]),
            "yang_diminta" => last(case, &[MessageKind::Question]),
            "jabatan" => say(OFFICE),
            "tujuan" => say(PURPOSE),
            "waktu" => local(&rules, message.created_at),
            "status" => status_in(&rules.languages, language, &message.body.placeholders),
            other => message.body.placeholders.get(other).cloned().unwrap_or_else(|| "-".to_owned()),
        })
    }
}

/// The notification of a message about no case, such as a paper for the Ombudsman: to an official, who is told which it is and
/// where to go.
fn to_official(core: &Core, message: &Message, page: &str, rules: &Rules) -> CreateNotificationRequest {
    let (Recipient::Account(who) | Recipient::Reporter(who)) = &message.recipient;
    let mut placeholders: HashMap<String, String> = message.body.placeholders.clone().into_iter().collect();
    placeholders.insert("tautan".to_owned(), format!("{}{page}", core.base_url));
    CreateNotificationRequest {
        coordinator_account_id: coordinator(rules, core.now()).unwrap_or_default().to_owned(),
        request_id: message.id.to_string(),
        reference: message.body.subject.clone(),
        message_type: message.kind.clone(),
        recipient: Some(To { kind: Some(recipient::Kind::AccountId(who.clone())), language: String::new() }),
        placeholders,
        expire_time: message.body.expires_at.map(timestamp),
        ..CreateNotificationRequest::default()
    }
}

/// When a message arrived: where nothing tells that, when it was taken and did not come back.
fn arrived_at(notification: &Notification) -> Option<DateTime<Utc>> {
    let step = notification.steps.iter().find(|it| it.status() == DeliveryStatus::Delivered)?;
    let told = !matches!(step.reason.as_str(), "NO_BOUNCE" | "NO_FAILURE");
    let at = if told { step.delivered_time } else { step.sent_time }?;
    DateTime::from_timestamp(at.seconds, 0)
}

/// Whether a message tells the answer or the question that a case has now, and not one before it was opened again, taken back or
/// answered elsewhere.
fn is_of_last(kind: MessageKind, case: &Case, message: &Message) -> bool {
    let last = case.messages.iter().rev().find(|it| it.kind == kind);
    last.is_some_and(|it| it.at <= message.created_at)
}

/// Whom a comment is from was told when it was answered: from now on their direct messages are theirs about this case too.
pub(crate) async fn learn(
    core: &Core,
    message: &Message,
    user: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let Recipient::Reporter(number) = &message.recipient else { return Ok(()) };
    let Ok(number) = number.parse::<Number>() else { return Ok(()) };
    let tx = core.db.begin().await?;
    let known = store::vault::hold(&tx, &core.vault, number).await?;
    if let Some(known) = known.filter(|it| it.direct_user != user && it.comment.is_some()) {
        let identity = Identity { direct_user: user.to_owned(), ..known };
        store::vault::save(&tx, &core.vault, number, &identity, now).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Where a direct message goes. A comment is named for the one private answer to it.
fn direct_address(to: &store::vault::Direct<'_>) -> Option<DirectAddress> {
    let network = match to.source {
        Source::Messenger | Source::FacebookFeed => Network::Facebook,
        Source::InstagramDirect | Source::InstagramComment => Network::Instagram,
        Source::Whatsapp | Source::Email | Source::Sp4nLapor => return None,
    };
    Some(DirectAddress {
        network: network.into(),
        account: to.account.to_owned(),
        user: to.user.to_owned(),
        comment: to.comment.map(|it| it.id.clone()).unwrap_or_default(),
        comment_time: to.comment.map(|it| timestamp(it.at)),
    })
}

/// Who is told when an official cannot be reached: who holds the office of the coordinator.
fn coordinator(rules: &Rules, now: DateTime<Utc>) -> Option<&str> {
    let office = rules.officials.iter().find(|it| it.rung == Rung::Admin && it.agency == COORDINATOR)?;
    Some(holder_of(office, &rules.actings, now)).filter(|it| !it.is_empty())
}

/// Where a reporter answers a mail to: an address of the mailbox that is read, signed for this reporter alone, so that the
/// answer is known for theirs. Empty where no mailbox signs any.
fn reply_to(channels: &ChannelsConfig, number: Number) -> String {
    let mut mailboxes = channels.email.values().map(MailboxConfig::mailbox);
    let signing = mailboxes.find(|it| !it.reply_key.expose_secret().is_empty());
    signing.map(|mailbox| email::reply_address(&mailbox, &number.to_string())).unwrap_or_default()
}

/// The last text of these kinds.
fn last(case: &Case, kinds: &[MessageKind]) -> String {
    let found = case.messages.iter().rev().find(|it| kinds.contains(&it.kind));
    found.map(|it| it.text.clone()).unwrap_or_default()
}

/// The type of a message at notifications, with its gaps.
fn type_of(kind: &str, official: bool, confidential: bool) -> (&'static str, &'static [&'static str]) {
    const STATUS: (&str, &[&str]) = ("perubahan_status", &["nomor", "status", "tautan"]);
    const LATE: (&str, &[&str]) =
        ("eskalasi", &["nomor", "kategori", "instansi", "jenis_tenggat", "keterlambatan"]);
    const TASK: (&str, &[&str]) = ("penugasan", &["nomor", "kategori", "tempat", "tenggat"]);
    match kind {
        ESCALATED => return LATE,
        WARNED => return ("peringatan_tenggat", &["nomor", "kategori", "tenggat", "sisa"]),
        ALARMED => return ("eskalasi_darurat", &["nomor", "kategori", "instansi", "keterangan"]),
        _ => {}
    }
    // What is no notice of the rules is told in words, such as the question which case is meant.
    let Ok(kind) = kind.parse::<NoticeKind>() else { return STATUS };
    match kind {
        NoticeKind::Received => {
            ("tanda_terima", &["nomor", "pin", "tenggat_jawaban", "tenggat_selesai", "tautan"])
        }
        NoticeKind::Question if confidential => ("kelengkapan_diminta", &["nomor", "batas", "tautan"]),
        NoticeKind::Question => ("minta_kelengkapan", &["nomor", "yang_diminta", "batas", "tautan"]),
        NoticeKind::FirstAnswer if confidential => ("jawaban_tersedia", &["nomor", "tautan"]),
        NoticeKind::FirstAnswer => ("jawaban_awal", &["nomor", "instansi", "jawaban", "tautan"]),
        NoticeKind::Answered if confidential => ("jawaban_akhir_tersedia", &["nomor", "batas", "tautan"]),
        NoticeKind::Answered => ("jawaban_akhir", &["nomor", "jawaban", "batas", "tautan"]),
        NoticeKind::Revealed => {
            ("pengungkapan_identitas", &["nomor", "jabatan", "tujuan", "waktu", "tautan"])
        }
        NoticeKind::HelpLate => LATE,
        NoticeKind::Assigned | NoticeKind::HelpAsked | NoticeKind::Bounced => TASK,
        // The reporter reads where it stands, the agency that there is something to do again.
        NoticeKind::Reopened if official => TASK,
        // It asks for a rating too.
        NoticeKind::Settled => ("aduan_selesai", &["nomor", "tautan"]),
        NoticeKind::Verified
        | NoticeKind::Disposed
        | NoticeKind::Reopened
        | NoticeKind::Archived
        | NoticeKind::Forwarded
        | NoticeKind::DeemedWithdrawn
        | NoticeKind::Merged
        | NoticeKind::CompletedByOffice
        | NoticeKind::QuestionTakenBack
        | NoticeKind::Recategorised => STATUS,
    }
}

//! A notification and its plan: made, moved from step to step, ended. Everything that changes a step goes through
//! [`Core::settle`], so that status, event, next step and whole follow in one transaction.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::event::{self, Event};
use mpp_kit::webhook::rules::DisableReason;
use mpp_kit::webhook::store::Endpoint;
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::json;

use super::Core;
use crate::catalogue::{CALLBACK_DISABLED, CONTACT_LOST, TROUBLE};
use crate::domain::channel::Channel;
use crate::domain::direct::Direct;
use crate::domain::message_type::{MessageType, Urgency, Values};
use crate::domain::outcome::{BOUNCE, Outcome, RECEIPT};
use crate::domain::rules::CITIZEN;
use crate::domain::status::{self, Status, Verb};
use crate::domain::variant::{INDONESIAN, VariantState};
use crate::domain::{EventId, LinkId, NotificationId};
use crate::error::{Error, Thing};
use crate::store::contact::Contact;
use crate::store::link::Link;
use crate::store::notification::{Content, Notification};
use crate::store::step::Step;
use crate::store::variant::Key;
use crate::store::{address, contact, link, notification, rules, step, variant};

/// How long a link lives at most.
const LINK: TimeDelta = TimeDelta::hours(24);
/// How long an address that failed is left out. Then it is tried again.
const FAILING: TimeDelta = TimeDelta::days(7);

/// Whom a notification is for.
pub(crate) enum To {
    /// An official.
    Account(String),
    /// A citizen.
    Citizen {
        /// Empty for none.
        whatsapp: String,
        /// Empty for none.
        email: String,
        /// Whom a direct message is for; empty for nobody.
        direct: String,
        /// A code of ISO 639.
        language: String,
    },
}

/// A button that a notification shall have.
pub(crate) struct DraftAction {
    pub(crate) key: String,
    pub(crate) permission: String,
    pub(crate) area: String,
}

/// A notification that was asked for, checked.
pub(crate) struct Draft<'a> {
    pub(crate) created_by: &'a str,
    pub(crate) kind: &'a MessageType,
    pub(crate) reference: String,
    pub(crate) to: To,
    /// Where a mail is answered to; empty for where it came from.
    pub(crate) reply_to: String,
    pub(crate) values: Values,
    pub(crate) urgency: Urgency,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) scheduled_at: Option<DateTime<Utc>>,
    pub(crate) actions: Vec<DraftAction>,
    pub(crate) coordinator: Option<String>,
    /// Why this service tells it by itself: told once.
    pub(crate) cause: Option<String>,
}

/// A notification with its steps.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) notification: Notification,
    pub(crate) steps: Vec<Step>,
}

impl Loaded {
    /// Where a step with this number stands in the list.
    pub(crate) fn place(&self, number: u32) -> Option<usize> {
        self.steps.iter().position(|step| step.number == number)
    }

    /// The next step that could take over from this one.
    pub(crate) fn next(&self, place: usize) -> Option<usize> {
        let later = self.steps.iter().enumerate().skip(place + 1);
        later.filter(|(_, step)| step.status == Status::Created).map(|(place, _)| place).next()
    }

    fn statuses(&self) -> Vec<Status> {
        self.steps.iter().map(|step| step.status).collect()
    }
}

impl Core {
    /// The notification with this id.
    pub(crate) async fn load(&self, db: &impl ConnectionTrait, id: NotificationId) -> Result<Loaded, Error> {
        let found = notification::find(db, &self.cipher, id).await?;
        let notification = found.ok_or(Error::NotFound(Thing::Notification))?;
        Ok(Loaded { steps: step::of(db, id).await?, notification })
    }

    /// Makes a notification with its plan. `None` if the same cause was told before.
    pub(crate) async fn create(
        &self,
        tx: &DatabaseTransaction,
        draft: Draft<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<Loaded>, Error> {
        let (account, contact, content, language) = match draft.to {
            To::Account(account) => {
                let contact = contact::find(tx, &self.cipher, &account).await?.unwrap_or_default();
                let language =
                    if contact.language.is_empty() { INDONESIAN } else { &contact.language }.to_owned();
                (Some(account), contact, Content::default(), language)
            }
            To::Citizen { whatsapp, email, direct, language } => {
                let content = Content { whatsapp, email, direct, ..Content::default() };
                (None, Contact::default(), content, language)
            }
        };
        let role = if account.is_some() { contact.role.clone() } else { CITIZEN.to_owned() };
        let (rules, _) = rules::get(tx).await?;
        let earliest = draft.scheduled_at.unwrap_or(now).max(now);
        // Who names the moment of a digest has chosen it: the others wait for the next of the rules.
        let start = match (draft.urgency, draft.scheduled_at) {
            (Urgency::Digest, None) => rules.next_digest(earliest),
            (Urgency::Digest, Some(_)) | (Urgency::Urgent | Urgency::Normal, _) => earliest,
        };
        let id = NotificationId::generate();
        let mut steps = Vec::new();
        for planned in &draft.kind.plan {
            // There is no list for citizens, and nobody expects a direct message who never wrote one.
            let concerned = match planned.channel {
                Channel::InApp => account.is_some(),
                Channel::Direct => !content.direct.is_empty(),
                Channel::Whatsapp | Channel::Email => true,
            };
            if !concerned {
                continue;
            }
            let address = match (&account, planned.channel) {
                (Some(account), Channel::InApp) => account,
                (Some(_), channel) => contact.address(channel),
                (None, channel) => content.address(channel),
            };
            let (language, variant_version) =
                self.frozen(tx, (&draft.kind.key, planned.channel, &language)).await?;
            let mut new = Step {
                notification: id,
                number: u32::try_from(steps.len()).unwrap_or(u32::MAX).saturating_add(1),
                channel: planned.channel,
                queue: self.channels.queue_of(planned.channel, address).unwrap_or_default().to_owned(),
                status: Status::Created,
                reason: String::new(),
                variant_version,
                language,
                priority: draft.urgency.priority(),
                wait_minutes: planned.wait_minutes,
                due_at: None,
                until_at: None,
                expires_at: draft.expires_at,
                attempt_count: 0,
                first_attempt_at: None,
                unclear: false,
                unclear_count: 0,
                as_template: false,
                address: self.address_digest(planned.channel, address),
                provider_id: None,
                sent_at: None,
                delivered_at: None,
                read_at: None,
                failed_at: None,
                version: 1,
            };
            let held = if new.queue.is_empty() {
                Some("CHANNEL_OFF")
            } else {
                let agreed = account.is_none() || contact.agrees(planned.channel);
                self.held_back(tx, &new, (address, agreed, draft.urgency), now).await?
            };
            if let Some(reason) = held {
                (new.status, new.reason) = (Status::Suppressed, reason.to_owned());
            }
            steps.push(new);
        }
        let new = Notification {
            id,
            created_by: draft.created_by.to_owned(),
            reference: draft.reference,
            message_type: draft.kind.key.clone(),
            account,
            role,
            language,
            urgency: draft.urgency,
            status: Status::Created,
            cause: draft.cause,
            coordinator: draft.coordinator,
            scheduled_at: draft.scheduled_at,
            expires_at: draft.expires_at,
            content: Some(Content { values: draft.values, reply_to: draft.reply_to, ..content }),
            created_at: now,
            completed_at: None,
        };
        let mut loaded = Loaded { notification: new, steps };
        if let Some(first) = loaded.steps.iter().position(|step| step.status == Status::Created) {
            activate(&mut loaded, first, start);
        }
        loaded.notification.status = status::overall(&loaded.statuses());
        loaded.notification.completed_at = loaded.notification.status.is_final().then_some(now);
        if !notification::insert(tx, &self.cipher, &loaded.notification).await? {
            return Ok(None);
        }
        for new in &loaded.steps {
            step::insert(tx, new).await?;
            if new.status.is_final() {
                self.announce(tx, &loaded.notification, new, now).await?;
            }
        }
        for action in draft.actions {
            let new = Link {
                id: LinkId::generate(),
                notification: id.to_string(),
                account: loaded.notification.account.clone().unwrap_or_default(),
                reference: loaded.notification.reference.clone(),
                action: action.key,
                permission: action.permission,
                area: action.area,
                expires_at: start + LINK,
                used_at: None,
            };
            link::insert(tx, &new).await?;
        }
        Ok(Some(loaded))
    }

    /// The language and version that a notification made now keeps: of the recipient's language, else of Indonesian, the newest
    /// that is approved, else the newest that was offered, else 0.
    async fn frozen(
        &self,
        tx: &DatabaseTransaction,
        (message_type, channel, language): (&str, Channel, &str),
    ) -> Result<(String, u32), Error> {
        let offered = [VariantState::Submitted, VariantState::Paused, VariantState::Rejected];
        for language in [language, INDONESIAN] {
            let key = Key { message_type: message_type.to_owned(), channel, language: language.to_owned() };
            let approved = variant::newest(tx, &key, &[VariantState::Approved]).await?;
            let found = match approved {
                Some(approved) => Some(approved),
                None => variant::newest(tx, &key, &offered).await?,
            };
            if let Some(found) = found {
                return Ok((language.to_owned(), found.version));
            }
        }
        Ok((INDONESIAN.to_owned(), 0))
    }

    /// Why a step may not be sent, by the rules about its address; `None` if it may.
    pub(crate) async fn held_back(
        &self,
        db: &impl ConnectionTrait,
        step: &Step,
        (to, agreed, urgency): (&str, bool, Urgency),
        now: DateTime<Utc>,
    ) -> Result<Option<&'static str>, Error> {
        if to.is_empty() {
            return Ok(Some("NO_ADDRESS"));
        }
        if step.channel == Channel::InApp {
            return Ok(None);
        }
        if !agreed {
            return Ok(Some("NO_CONSENT"));
        }
        let known = address::find(db, &self.address_digest(step.channel, to)).await?;
        if known.opted_out_at.is_some() {
            return Ok(Some("OPTED_OUT"));
        }
        if urgency == Urgency::Digest && step.channel == Channel::Email {
            let digests = address::find(db, &self.digests_digest(to)).await?;
            if digests.opted_out_at.is_some() {
                return Ok(Some("OPTED_OUT"));
            }
        }
        // Nobody's addresses answer the same each time they are tried.
        let simulated = crate::domain::simulated::outcome(to).is_some();
        if !simulated && known.failing_since.is_some_and(|since| now < since + FAILING) {
            return Ok(Some("CONTACT_FAILING"));
        }
        let allowed = self.allowed.as_ref().is_none_or(|list| simulated || is_listed(list, step.channel, to));
        Ok((!allowed).then_some("NOT_ON_ALLOW_LIST"))
    }

    /// Moves a step by `verb`, if that changes anything: writes it, tells of it, lets the next step take over or ends the plan.
    /// Answers whether it changed the status. Facts that were put into the step before are written in any case.
    ///
    /// # Errors
    /// [`Error::Stale`] when somebody else changed the step meanwhile.
    pub(crate) async fn settle(
        &self,
        tx: &DatabaseTransaction,
        loaded: &mut Loaded,
        (place, verb, reason): (usize, Verb, &str),
        now: DateTime<Utc>,
    ) -> Result<bool, Error> {
        let step = &mut loaded.steps[place];
        let Some(next) = status::next(step.channel, step.status, verb) else {
            self.save(tx, loaded, place).await?;
            return Ok(false);
        };
        step.status = next;
        reason.clone_into(&mut step.reason);
        match next {
            Status::Created | Status::Sending => {}
            Status::Sent => {
                step.sent_at.get_or_insert(now);
                (step.unclear, step.due_at) = (false, None);
                let receipts = self.channels.tells_of_arrival(&step.queue, step.channel);
                match step.channel {
                    Channel::InApp => step.until_at = None,
                    // A mail server that took a mail has told all it tells; a bounce comes by itself, or does not.
                    Channel::Email | Channel::Whatsapp | Channel::Direct if !receipts => {
                        step.until_at = Some(now + BOUNCE);
                    }
                    Channel::Email | Channel::Whatsapp | Channel::Direct => {
                        step.until_at = step.until_at.or(Some(now + RECEIPT));
                    }
                }
            }
            Status::Delivered => {
                step.delivered_at.get_or_insert(now);
                (step.unclear, step.due_at, step.until_at) = (false, None, None);
            }
            Status::TemporaryFailure | Status::PermanentFailure | Status::TechnicalFailure => {
                step.failed_at.get_or_insert(now);
                (step.unclear, step.due_at, step.until_at) = (false, None, None);
            }
            Status::Suppressed | Status::Expired | Status::FellBack | Status::Cancelled => {
                (step.due_at, step.until_at) = (None, None);
            }
        }
        let channel = step.channel;
        self.save(tx, loaded, place).await?;
        self.metrics.reached(channel, next);
        self.announce(tx, &loaded.notification, &loaded.steps[place], now).await?;
        if next == Status::Delivered {
            let address = loaded.steps[place].address.clone();
            address::mark_sound(tx, &address).await?;
            self.end_others(tx, loaded, now).await?;
        }
        if next.hands_over()
            && let Some(other) = loaded.next(place)
            && loaded.steps[other].due_at.is_none()
        {
            activate(loaded, other, now);
            self.save(tx, loaded, other).await?;
        }
        let whole = status::overall(&loaded.statuses());
        if whole != loaded.notification.status {
            loaded.notification.status = whole;
            loaded.notification.completed_at = whole.is_final().then_some(now);
            let notification = &loaded.notification;
            notification::set_status(tx, notification.id, whole, notification.completed_at).await?;
        }
        Ok(true)
    }

    /// Writes a step as it is.
    pub(crate) async fn save(
        &self,
        tx: &DatabaseTransaction,
        loaded: &mut Loaded,
        place: usize,
    ) -> Result<(), Error> {
        let step = &mut loaded.steps[place];
        step.version += 1;
        if step::save(tx, step).await? { Ok(()) } else { Err(Error::Stale { version: step.version }) }
    }

    /// Another step arrived: what was not begun is not needed.
    async fn end_others(
        &self,
        tx: &DatabaseTransaction,
        loaded: &mut Loaded,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        for place in 0..loaded.steps.len() {
            let step = &mut loaded.steps[place];
            if step.status == Status::Created {
                step.status = Status::Cancelled;
                "NOT_NEEDED".clone_into(&mut step.reason);
                (step.due_at, step.until_at) = (None, None);
                self.save(tx, loaded, place).await?;
                self.announce(tx, &loaded.notification, &loaded.steps[place], now).await?;
            }
        }
        Ok(())
    }

    /// Tells other systems where a step stands. Ids and states, never an address or a text.
    async fn announce(
        &self,
        tx: &DatabaseTransaction,
        notification: &Notification,
        step: &Step,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let kind = match step.status {
            // Waiting and trying are no news.
            Status::Created | Status::Sending => return Ok(()),
            Status::Sent => "notification.sent",
            Status::Delivered => "notification.delivered",
            Status::TemporaryFailure | Status::PermanentFailure | Status::TechnicalFailure => {
                "notification.failed"
            }
            Status::Suppressed => "notification.suppressed",
            Status::Expired => "notification.expired",
            Status::FellBack => "notification.fell_back",
            Status::Cancelled => "notification.cancelled",
        };
        let data = json!({
            "reference": notification.reference,
            "messageType": notification.message_type,
            "accountId": notification.account,
            "step": step.number,
            "channel": step.channel.to_string(),
            "status": step.status.to_string(),
            "reason": step.reason,
            "variantVersion": step.variant_version,
        });
        self.tell(tx, kind, &notification.id.to_string(), data, now).await
    }

    async fn tell(
        &self,
        tx: &DatabaseTransaction,
        kind: &'static str,
        subject: &str,
        data: serde_json::Value,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let event = Event {
            id: EventId::generate().to_string(),
            kind,
            subject: subject.to_owned(),
            area: String::new(),
            data,
            at: now,
        };
        event::append(tx, &event).await?;
        Ok(())
    }

    /// What a step that ended by this outcome means for others: an address that cannot take messages, a template that cannot
    /// be sent.
    pub(crate) async fn ended_by(
        &self,
        tx: &DatabaseTransaction,
        loaded: &Loaded,
        place: usize,
        (outcome, code): (&Outcome, &str),
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        if *outcome == Outcome::Undeliverable {
            self.contact_failed(tx, loaded, place, (code, now)).await?;
        }
        if *outcome == Outcome::TemplateUnusable {
            let subject = format!("Templat WhatsApp {}", loaded.notification.message_type);
            self.alert(tx, (&subject, code), now).await?;
        }
        Ok(())
    }

    /// An address cannot take messages: it is marked, other systems are told, and the coordinator of the matter is.
    pub(crate) async fn contact_failed(
        &self,
        tx: &DatabaseTransaction,
        loaded: &Loaded,
        place: usize,
        (reason, now): (&str, DateTime<Utc>),
    ) -> Result<(), Error> {
        let (notification, step) = (&loaded.notification, &loaded.steps[place]);
        address::mark_failing(tx, &step.address, reason, now).await?;
        let data = json!({
            "reference": notification.reference,
            "accountId": notification.account,
            "channel": step.channel.to_string(),
            "reason": reason,
        });
        self.tell(tx, "contact.failing", &notification.id.to_string(), data, now).await?;
        let Some(coordinator) = notification.coordinator.clone() else { return Ok(()) };
        let values = Values::from([
            ("rujukan".to_owned(), notification.reference.clone()),
            ("kanal".to_owned(), step.channel.title().to_owned()),
        ]);
        let cause = format!("contact {}.{}", notification.id, step.number);
        self.tell_account(
            tx,
            CONTACT_LOST,
            (coordinator, notification.reference.clone()),
            (values, cause),
            now,
        )
        .await
    }

    /// Tells the administrators of trouble, once a day for each subject: those of the delivery rules, or where these name nobody
    /// those of the settings. Where nobody is named, the log is all that says it.
    pub(crate) async fn alert(
        &self,
        tx: &DatabaseTransaction,
        (subject, why): (&str, &str),
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let (mut rules, _) = rules::get(tx).await?;
        if rules.admins.is_empty() {
            rules.admins = self.config.admins().map(str::to_owned).collect();
        }
        if rules.admins.is_empty() {
            tracing::error!(
                subject,
                "nobody is told of trouble: name accounts in the delivery rules or in notifications.admin_accounts"
            );
        }
        for admin in rules.admins {
            let cause = format!("trouble {subject} {} {admin}", now.date_naive());
            let values = Values::from([
                ("perihal".to_owned(), subject.to_owned()),
                ("sebab".to_owned(), why.to_owned()),
            ]);
            self.tell_account(tx, TROUBLE, (admin, subject.to_owned()), (values, cause), now).await?;
        }
        Ok(())
    }

    /// Tells the owner of a callback that it gets nothing any more, by a way of its own.
    pub(crate) async fn tell_owner(
        &self,
        tx: &DatabaseTransaction,
        endpoint: &Endpoint,
        reason: DisableReason,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        // The installation itself has no list that somebody reads.
        if endpoint.owner == Caller::system().id {
            return Ok(());
        }
        let id = endpoint.id.to_string();
        let values = Values::from([
            ("webhook".to_owned(), id.clone()),
            ("host".to_owned(), endpoint.host()),
            ("sebab".to_owned(), endpoint.why_disabled(reason)),
        ]);
        let cause = format!("disabled {id} {now}");
        self.tell_account(tx, CALLBACK_DISABLED, (endpoint.owner.clone(), id), (values, cause), now).await
    }

    async fn tell_account(
        &self,
        tx: &DatabaseTransaction,
        kind: &str,
        (account, reference): (String, String),
        (values, cause): (Values, String),
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let kind = self.catalogue.find(kind).ok_or_else(|| anyhow::anyhow!("{kind} is not shipped"))?;
        let draft = Draft {
            created_by: "system",
            kind,
            reference,
            to: To::Account(account),
            reply_to: String::new(),
            values,
            urgency: kind.urgency,
            expires_at: None,
            scheduled_at: None,
            actions: Vec::new(),
            coordinator: None,
            cause: Some(cause),
        };
        // The list of an account is a step like any other, and nothing here can call itself: it has no coordinator.
        Box::pin(self.create(tx, draft, now)).await?;
        Ok(())
    }
}

/// Whether the list of whom may be written to names this address. Of direct messages it may name a whole account: who writes to a
/// Page that is there for tests is not known before.
fn is_listed(list: &BTreeSet<String>, channel: Channel, to: &str) -> bool {
    let Some(to) = to.parse::<Direct>().ok().filter(|_| channel == Channel::Direct) else {
        return list.contains(&to.to_lowercase());
    };
    list.contains(&to.who().to_lowercase()) || list.contains(&format!("{}/{}", to.network, to.account))
}

/// The turn of a step comes: it is due, and its time for the delivery begins.
fn activate(loaded: &mut Loaded, place: usize, at: DateTime<Utc>) {
    let next = loaded.next(place);
    let step = &mut loaded.steps[place];
    step.due_at = Some(at);
    step.until_at = until(step, next.is_some(), at);
}

/// When a step that became due at `at` is looked at whatever happens: the end of its time, or of the message.
pub(crate) fn until(step: &Step, has_next: bool, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let over = has_next.then(|| at + TimeDelta::minutes(step.wait_minutes.into()));
    match (over, step.expires_at) {
        (Some(over), Some(end)) => Some(over.min(end)),
        (over, end) => over.or(end),
    }
}

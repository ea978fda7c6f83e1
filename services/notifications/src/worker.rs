//! What recurs: queues are sent, steps whose time is over hand over, templates are kept in step with Meta, what is over is
//! forgotten. Doing a pass again changes nothing. Each queue has a worker of its own: a provider that hangs holds up no other.

mod deliver;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::component::{Env, Worker};
use mpp_kit::fault::chain;
use mpp_kit::idempotency;
use mpp_kit::webhook::dispatch::{self, Dispatcher, Watch};
use mpp_kit::webhook::rules::DisableReason;
use mpp_kit::webhook::store::Endpoint;
use sea_orm::{DatabaseTransaction, DbErr};

use crate::channel::templates::{Offer, Templates};
use crate::channel::templates_queue;
use crate::domain::channel::Channel;
use crate::domain::outcome::BOUNCE;
use crate::domain::status::{Status, Verb};
use crate::domain::variant::VariantState;
use crate::error::Error;
use crate::rpc::Core;
use crate::store::variant::Variant;
use crate::store::{account, comment, inbox, notification, rules, step, variant};

/// How much one pass does of each kind.
const BATCH: u64 = 500;
/// Between two looks at templates and at what is over.
const SELDOM: Duration = Duration::from_secs(60);

/// The workers of the service.
///
/// # Errors
/// When the system gives no TLS for calls to other systems.
pub(crate) fn workers(env: &Env, core: &Arc<Core>) -> anyhow::Result<Vec<Worker>> {
    let (clock, watch) = (Arc::clone(&core.clock), Arc::clone(core));
    let callbacks =
        Dispatcher::new(core.db.clone(), core.cipher.clone(), clock, core.config.callbacks.clone(), watch)?;
    let every = Duration::from_millis(core.config.tick_millis.into());
    let mut workers = vec![
        Worker::repeating("notifications: steps whose time is over", env, every, Arc::clone(core), |core| {
            Box::pin(overtime(core, core.now()))
        }),
        Worker::repeating("notifications: templates and clean-up", env, SELDOM, Arc::clone(core), |core| {
            Box::pin(tidy(core, core.now()))
        }),
        dispatch::worker(env, Arc::new(callbacks)),
    ];
    for (queue, way) in core.channels.all() {
        let state = (Arc::clone(core), queue.to_owned(), way.clone());
        workers.push(Worker::repeating("notifications: queue", env, every, state, |(core, queue, way)| {
            Box::pin(deliver::queue(core, (queue, way)))
        }));
    }
    Ok(workers)
}

#[async_trait::async_trait]
impl Watch for Core {
    // Nothing follows from who has callbacks.
    fn enabled(&self, _: &[Endpoint]) {}

    fn attempted(&self, told: &'static str, _: Duration) {
        self.metrics.called_back(told);
    }

    fn withheld(&self) {
        self.metrics.called_back("WITHHELD");
    }

    async fn disabled(
        &self,
        tx: &DatabaseTransaction,
        endpoint: &Endpoint,
        reason: DisableReason,
        now: DateTime<Utc>,
    ) -> Result<(), DbErr> {
        let told = self.tell_owner(tx, endpoint, reason, now).await;
        told.map_err(|error| DbErr::Custom(chain(&error)))
    }
}

/// Steps whose time is over.
async fn overtime(core: &Core, now: DateTime<Utc>) -> Result<(), Error> {
    for late in step::overtime(&core.db.read, now, BATCH).await? {
        let tx = core.db.begin().await?;
        let mut loaded = core.load(&tx, late.notification).await?;
        let Some(place) = loaded.place(late.number) else { continue };
        let has_next = loaded.next(place).is_some();
        let step = &mut loaded.steps[place];
        if step.version != late.version {
            continue;
        }
        let expired = step.expires_at.is_some_and(|end| end <= now);
        let verb = match step.status {
            Status::Sent if !core.channels.tells_of_arrival(&step.queue, step.channel) => {
                let arrived = step.sent_at.unwrap_or(now) + BOUNCE;
                step.until_at = Some(arrived);
                (arrived <= now).then_some((
                    Verb::Deliver,
                    if step.channel == Channel::Email { "NO_BOUNCE" } else { "NO_FAILURE" },
                ))
            }
            Status::Created | Status::Sending if expired => Some((Verb::Expire, "EXPIRED")),
            Status::Created | Status::Sending | Status::Sent if has_next && !expired => {
                Some((Verb::FallBack, "NOT_DELIVERED_IN_TIME"))
            }
            Status::Sent => {
                let given_up = step.sent_at.unwrap_or(now) + crate::domain::outcome::RECEIPT;
                step.until_at = Some(given_up);
                (given_up <= now).then_some((Verb::FailTemporarily, "NO_RECEIPT"))
            }
            Status::Created | Status::Sending => {
                step.until_at = step.expires_at;
                None
            }
            Status::Delivered
            | Status::TemporaryFailure
            | Status::PermanentFailure
            | Status::TechnicalFailure
            | Status::Suppressed
            | Status::Expired
            | Status::FellBack
            | Status::Cancelled => {
                step.until_at = None;
                None
            }
        };
        let written = match verb {
            Some((verb, reason)) => {
                core.settle(&tx, &mut loaded, (place, verb, reason), now).await.map(|_| ())
            }
            None => core.save(&tx, &mut loaded, place).await,
        };
        match written {
            Ok(()) => tx.commit().await?,
            // Somebody else was first; it is looked at again.
            Err(Error::Stale { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Keeps templates in step with Meta and forgets what is over.
async fn tidy(core: &Core, now: DateTime<Utc>) -> Result<(), Error> {
    idempotency::purge(&core.db.write, now).await?;
    let before = now - TimeDelta::days(core.config.keep_days.into());
    comment::purge(&core.db.write, before).await?;
    for id in notification::ended(&core.db.read, before, BATCH).await? {
        let tx = core.db.begin().await?;
        notification::forget(&tx, &id).await?;
        inbox::forget(&tx, &id).await?;
        tx.commit().await?;
    }
    templates(core).await
}

/// Keeps the templates of each account in step with Meta. An account that does not answer or does not let us in is left alone
/// for longer and longer, and administrators are told.
async fn templates(core: &Core) -> Result<(), Error> {
    for (key, templates) in &core.templates {
        let queue = templates_queue(key);
        let (circuit, _) = account::circuit(&core.db.read, &queue).await?;
        if circuit.admits(1, core.now()) == 0 {
            continue;
        }
        let trouble = in_step(core, templates).await?;
        let tx = core.db.begin().await?;
        match trouble {
            Some(problem) => {
                tracing::warn!(account = key, problem, "templates could not be kept in step");
                deliver::account_failed(core, &tx, &queue, (true, &problem), core.now()).await?;
            }
            None => deliver::account_works(&tx, &queue).await?,
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Why a text is not used that goes by the name of another one.
const NAME_TAKEN: &str = "TEMPLATE_NAME_TAKEN: at Meta this name stands for another text";

/// Offers what was submitted here and is not known there, and takes over what Meta says of the rest. A text under the name of
/// another one is neither: Meta knows that other one, and what it says is not about this. Answers what stood in the way, if it
/// was not the templates.
async fn in_step(core: &Core, templates: &Templates) -> Result<Option<String>, Error> {
    let offered = variant::offered(&core.db.read).await?;
    let known = match templates.known().await {
        Ok(known) => known,
        Err(problem) => return Ok(Some(problem)),
    };
    for news in &known {
        core.template_news(news).await?;
    }
    for text in &offered {
        let (name, language) = (&text.template_name, &text.key.language);
        let same_name = |it: &&Variant| it.template_name == *name && it.key.language == *language;
        let is_known = known.iter().any(|news| news.name == *name && news.language == *language);
        let meant = variant::known_as(offered.iter().filter(same_name));
        let is_other = meant.is_some_and(|meant| !meant.reads_like(text));
        match text.state {
            VariantState::Submitted | VariantState::Approved | VariantState::Paused
                if is_known && is_other =>
            {
                core.template_refused(text, NAME_TAKEN).await?;
            }
            VariantState::Submitted if !is_known => match templates.offer(text).await {
                Offer::Taken(news) => core.template_news(&news).await?,
                // One that is refused must not hold up the others.
                Offer::Refused(reason) => core.template_refused(text, &reason).await?,
                Offer::Trouble(problem) => return Ok(Some(problem)),
            },
            VariantState::Draft
            | VariantState::Submitted
            | VariantState::Approved
            | VariantState::Paused
            | VariantState::Rejected => {}
        }
    }
    Ok(None)
}

/// Writes the first version of every text that ships with the suite where there is none: ready for use, but for WhatsApp, where
/// Meta has the word, and for drafts. Makes the rows of the channel accounts.
pub(crate) async fn fill_catalogue(core: &Core) -> Result<(), Error> {
    use variant::Key;
    for (queue, _) in core.channels.all() {
        account::ensure(&core.db.write, queue).await?;
    }
    for key in core.templates.keys() {
        account::ensure(&core.db.write, &templates_queue(key)).await?;
    }
    let (rules, _) = rules::get(&core.db.read).await?;
    if rules.admins.is_empty() && core.config.admins().next().is_none() {
        tracing::warn!(
            "nobody will be told of trouble: name accounts in the delivery rules or in notifications.admin_accounts"
        );
    }
    let now = core.now();
    for shipped in core.catalogue.all() {
        let tx = core.db.begin().await?;
        for text in &shipped.variants {
            let state = match text.channel {
                _ if text.draft => VariantState::Draft,
                Channel::Whatsapp => VariantState::Submitted,
                Channel::Email | Channel::InApp | Channel::Direct => VariantState::Approved,
            };
            let key = Key {
                message_type: shipped.kind.key.clone(),
                channel: text.channel,
                language: text.language.clone(),
            };
            if variant::find(&tx, &key, 1).await?.is_some() {
                continue;
            }
            let first = Variant {
                key,
                version: 1,
                state,
                reason: String::new(),
                subject: text.subject.clone(),
                body: text.body.trim_end().to_owned(),
                buttons: text.buttons.clone(),
                template_name: text.template_name.clone(),
                author: "catalogue".to_owned(),
                created_at: now,
                updated_at: now,
            };
            variant::save_draft(&tx, &first).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

//! `ReceiveWhatsAppWebhook`: statuses of what we sent, windows of those who wrote, verdicts on templates. Whatever is told again,
//! late or out of order has no second effect.

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::meta::{self, Wish};
use mpp_proto::notifications::v1::{ReceiveWhatsAppWebhookRequest, ReceiveWhatsAppWebhookResponse};
use sea_orm::DatabaseTransaction;

use super::plan::Loaded;
use super::{Core, convert, record};
use crate::channel::of_tag;
use crate::channel::webhook::{self, Status as Told, Told as What, Wrote};
use crate::domain::channel::Channel;
use crate::domain::outcome::{Follow, Outcome, follow, of_graph};
use crate::domain::status::Verb;
use crate::error::{Error, Thing};
use crate::store::address::{self, Wished};
use crate::store::step;

/// How far ahead of ours the provider's clock may be.
const AHEAD: TimeDelta = TimeDelta::minutes(5);
/// How often a status is tried when somebody else changes its step at the same time.
const TRIES: u32 = 5;

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: ReceiveWhatsAppWebhookRequest,
) -> Result<ReceiveWhatsAppWebhookResponse, Error> {
    let account =
        core.config.whatsapp.get(&request.channel_account).ok_or(Error::NotFound(Thing::Account))?;
    // Over the bytes as they came: nothing is read of a body that is not signed.
    meta::verify(&account.app_secret, &request.signature, &request.body).map_err(|_| Error::Signature)?;
    let Some(news) = webhook::read(&request.body, &account.phone_number_id) else {
        let mut checker = Checker::new();
        checker.violation("body", "INVALID_JSON", "kirim JSON dari Graph API", "send JSON of the Graph API");
        checker.finish()?;
        return Ok(ReceiveWhatsAppWebhookResponse::default());
    };
    let mut answer = ReceiveWhatsAppWebhookResponse::default();
    let count = |length: usize| convert::count(u32::try_from(length).unwrap_or(u32::MAX));
    for status in &news.statuses {
        core.told(status).await?;
    }
    for wrote in &news.wrote {
        core.wrote(Channel::Whatsapp, &wrote.from, wrote).await?;
    }
    for template in &news.templates {
        core.template_news(template).await?;
    }
    answer.statuses = count(news.statuses.len());
    answer.messages = count(news.wrote.len());
    Ok(answer)
}

impl Core {
    /// Somebody wrote to us from this address: its window opens.
    pub(super) async fn wrote(&self, channel: Channel, from: &str, wrote: &Wrote) -> Result<(), Error> {
        let now = self.now();
        let at = wrote.at.filter(|at| *at <= now + AHEAD).unwrap_or(now);
        let digest = self.address_digest(channel, from);
        let tx = self.db.begin().await?;
        address::wrote(&tx, &digest, at.min(now)).await?;
        if channel == Channel::Direct {
            // Who could not be written to can be since they write.
            address::mark_sound(&tx, &digest).await?;
        }
        let wish = match wrote.wish {
            Some(Wish::Stop) => Some((Some(now), "contact.opted_out")),
            Some(Wish::Start) => Some((None, "contact.opted_in")),
            None => None,
        };
        if let Some((opted_out, what)) = wish
            && self.is_last_word(&tx, &digest, (&wrote.id, at)).await?
        {
            address::set_opted_out(&tx, &digest, opted_out).await?;
            let detail = serde_json::json!({ "channel": channel.to_string(), "source": "message" });
            record(&tx, ("recipient", what, &digest), (None, None), detail, "", now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Whether a word about messages is the last one of its address, and notes it if so. One that is told again must not undo
    /// what was said after it, and other messages do not matter: they may overtake it. The provider tells moments to the second;
    /// within one, words count in the order in which they are told, each once.
    async fn is_last_word(
        &self,
        tx: &DatabaseTransaction,
        digest: &str,
        (id, at): (&str, DateTime<Utc>),
    ) -> Result<bool, Error> {
        // The id of a message holds the number it came from.
        let id = self.message_digest(id);
        let mut wished = address::wished(tx, digest).await?;
        if wished.at.is_some_and(|last| at < last) || (wished.at == Some(at) && wished.ids.contains(&id)) {
            return Ok(false);
        }
        if wished.at != Some(at) {
            wished = Wished { at: Some(at), ids: Vec::new() };
        }
        wished.ids.push(id);
        address::set_wished(tx, digest, &wished).await?;
        Ok(true)
    }

    /// Applies a status. One of a message that is not ours is left alone.
    pub(super) async fn told(&self, status: &Told) -> Result<(), Error> {
        for _ in 0..TRIES {
            match self.try_told(status).await {
                Err(Error::Stale { .. }) => {}
                ended => return ended,
            }
        }
        // Not acknowledged: it is told again.
        Err(Error::Stale { version: 0 })
    }

    async fn try_told(&self, status: &Told) -> Result<(), Error> {
        let now = self.now();
        let tx = self.db.begin().await?;
        let Some((mut loaded, place)) = self.step_of(&tx, status).await? else { return Ok(()) };
        let at = status.at.filter(|at| *at <= now + AHEAD).unwrap_or(now);
        let known = |loaded: &Loaded| {
            let step = &loaded.steps[place];
            (step.status, step.sent_at, step.delivered_at, step.read_at, step.failed_at)
        };
        let before = known(&loaded);
        let step = &mut loaded.steps[place];
        let is_current = step.provider_id.as_deref() == Some(&status.provider_id);
        let may_be = step.provider_id.is_none() && step.unclear && !status.provider_id.is_empty();
        if may_be {
            step.provider_id = Some(status.provider_id.clone());
        }
        match status.told {
            What::Sent => {
                step.sent_at.get_or_insert(at);
                self.settle(&tx, &mut loaded, (place, Verb::Accept, ""), now).await?;
            }
            What::Delivered => {
                step.delivered_at.get_or_insert(at);
                self.settle(&tx, &mut loaded, (place, Verb::Deliver, ""), now).await?;
            }
            What::Read => {
                step.delivered_at.get_or_insert(at);
                step.read_at.get_or_insert(at);
                self.settle(&tx, &mut loaded, (place, Verb::Deliver, ""), now).await?;
            }
            // Of the attempt that counts; a failure that is told again after another attempt began says nothing new.
            What::Failed(code) if is_current || may_be => {
                step.failed_at.get_or_insert(at);
                self.failed(&tx, &mut loaded, (place, code), now).await?;
            }
            What::Failed(_) => return Ok(()),
        }
        let after = known(&loaded);
        // What is told again changes nothing, and is not entered again.
        if after != before {
            let (id, detail) = (
                loaded.notification.id.to_string(),
                serde_json::json!({ "step": loaded.steps[place].number }),
            );
            let states = (Some(before.0.to_string()), Some(after.0.to_string()));
            record(&tx, ("meta", "notification.told", &id), states, detail, "", now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn step_of(
        &self,
        tx: &DatabaseTransaction,
        status: &Told,
    ) -> Result<Option<(Loaded, usize)>, Error> {
        let tagged = of_tag(&status.tag);
        let named = match tagged {
            Some(named) => Some(named),
            None => step::of_provider(tx, &status.provider_id)
                .await?
                .map(|found| (found.notification, found.number)),
        };
        let Some((id, number)) = named else { return Ok(None) };
        let loaded = match self.load(tx, id).await {
            Ok(loaded) => loaded,
            Err(Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let place = loaded
            .place(number)
            .filter(|place| matches!(loaded.steps[*place].channel, Channel::Whatsapp | Channel::Direct));
        Ok(place.map(|place| (loaded, place)))
    }

    /// A message that was taken failed after all.
    async fn failed(
        &self,
        tx: &DatabaseTransaction,
        loaded: &mut Loaded,
        (place, code): (usize, i64),
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        // A reason that nobody knows is no reason to send it once more.
        let outcome = of_graph(code).unwrap_or(Outcome::Refused);
        let code = code.to_string();
        if outcome == Outcome::AccountLocked {
            let subject = format!("Akun kanal {}", loaded.steps[place].queue);
            self.alert(tx, (&subject, &format!("{} {code}", outcome.word())), now).await?;
        }
        let has_next = loaded.next(place).is_some();
        let step = &mut loaded.steps[place];
        match follow(&outcome, &step.known(has_next, now), rand::random(), now) {
            Follow::Do(verb, reason) => {
                if self.settle(tx, loaded, (place, verb, reason), now).await? {
                    self.ended_by(tx, loaded, place, (&outcome, &code), now).await?;
                }
            }
            Follow::Again(at) | Follow::Wait(at) => self.again(tx, loaded, (place, false, at), now).await?,
            Follow::AsTemplate => self.again(tx, loaded, (place, true, now), now).await?,
        }
        Ok(())
    }

    /// The step is sent once more.
    async fn again(
        &self,
        tx: &DatabaseTransaction,
        loaded: &mut Loaded,
        (place, as_template, at): (usize, bool, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let step = &mut loaded.steps[place];
        if step.status.is_final() {
            return self.save(tx, loaded, place).await;
        }
        step.as_template |= as_template;
        (step.unclear, step.provider_id, step.due_at) = (false, None, Some(at));
        self.settle(tx, loaded, (place, Verb::Begin, ""), now).await?;
        Ok(())
    }
}

//! The ways out: e-mail, WhatsApp, direct messages, the list inside of the system, and the simulated recipients. Each makes one attempt and
//! says what came of it; when it is made and what follows is [`crate::domain`].

pub(crate) mod direct;
pub mod direct_simulator;
pub(crate) mod direct_webhook;
pub(crate) mod email;
mod graph_simulator;
pub(crate) mod in_app;
mod simulated;
pub mod simulator;
pub(crate) mod templates;
pub(crate) mod webhook;
pub(crate) mod whatsapp;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::domain::NotificationId;
use crate::domain::channel::Channel as Kind;
use crate::domain::direct::{Direct, Network, Opening};
use crate::domain::outcome::Outcome;
use crate::domain::simulated as nobody;
use crate::store::inbox::ItemAction;

/// What goes out in one attempt.
pub(crate) struct Message {
    /// The notification, `ntf_…`.
    pub(crate) notification: String,
    /// The step of its plan.
    pub(crate) step: u32,
    /// What it is about.
    pub(crate) reference: String,
    /// The number, mail address, account, or whom a direct message is for.
    pub(crate) address: String,
    pub(crate) subject: String,
    /// The text with its gaps filled.
    pub(crate) body: String,
    /// For WhatsApp outside of the window.
    pub(crate) template: Option<Template>,
    /// Buttons with links.
    pub(crate) links: Vec<LinkButton>,
    /// Buttons that answer: payload and label.
    pub(crate) replies: Vec<(String, String)>,
    /// Where a mail is answered to; empty for where it came from.
    pub(crate) reply_to: String,
    /// Where a digest is ended, for `List-Unsubscribe`.
    pub(crate) unsubscribe: Option<String>,
    /// As what a direct message goes out; of other channels none.
    pub(crate) opening: Option<Opening>,
    pub(crate) at: DateTime<Utc>,
}

/// A button with a link.
pub(crate) struct LinkButton {
    pub(crate) action: ItemAction,
    pub(crate) url: String,
}

/// A template of WhatsApp with its parameters.
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) language: String,
    /// In the order of the gaps.
    pub(crate) parameters: Vec<String>,
    /// In the order of the buttons: the end of a link, or the payload of an answer.
    pub(crate) buttons: Vec<TemplateButton>,
}

/// What fills a button of a template.
pub(crate) enum TemplateButton {
    Url(String),
    QuickReply(String),
}

impl LinkButton {
    /// The characters it takes where it is written out, see [`Message::with_links`].
    pub(crate) fn length(&self) -> usize {
        4 + self.action.label.chars().count() + self.url.chars().count()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never an address, never a text.
        write!(f, "Message({}.{})", self.notification, self.step)
    }
}

/// The tag of a step of a message.
pub(crate) fn tag_of(notification: &str, step: u32) -> String {
    format!("{notification}.{step}")
}

/// The message and step that a tag names, see [`Message::tag`].
pub(crate) fn of_tag(tag: &str) -> Option<(NotificationId, u32)> {
    let (id, step) = tag.rsplit_once('.')?;
    Some((id.parse().ok()?, step.parse().ok()?))
}

impl Message {
    /// By what the provider and its receipts know it: `ntf_….1`.
    pub(crate) fn tag(&self) -> String {
        tag_of(&self.notification, self.step)
    }

    /// The text with its links written out, for where there are no buttons.
    pub(crate) fn with_links(&self) -> String {
        let mut text = self.body.trim_end().to_owned();
        for link in &self.links {
            text.push_str(&format!("\n\n{}: {}", link.action.label, link.url));
        }
        text
    }
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) outcome: Outcome,
    /// The code of the provider; empty for none.
    pub(crate) code: String,
    /// The id that the provider gave; empty for none.
    pub(crate) provider_id: String,
    /// What is reported afterwards, by a simulated recipient alone.
    pub(crate) later: Option<Outcome>,
    /// Of the private answer to a comment: by which id its author is known from now on; empty when that was not told.
    pub(crate) replied: Option<String>,
}

impl Report {
    /// An outcome with the code of the provider.
    pub(crate) fn of(outcome: Outcome, code: impl ToString) -> Self {
        Self { outcome, code: code.to_string(), provider_id: String::new(), later: None, replied: None }
    }

    /// It was taken under this id.
    pub(crate) fn accepted(provider_id: String) -> Self {
        Self { provider_id, ..Self::of(Outcome::Accepted, "") }
    }
}

/// A way to reach somebody.
#[async_trait]
pub(crate) trait Channel: Send + Sync {
    /// Makes one attempt.
    async fn send(&self, message: &Message) -> Report;
}

/// The ways out of this installation, by queue: `whatsapp:utama`, `facebook:utama`, `email`, `in_app`.
pub(crate) struct Channels {
    ways: BTreeMap<String, Way>,
}

/// A way out and its limits.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) kind: Kind,
    pub(crate) per_second: u32,
    pub(crate) pair_seconds: u32,
    /// Whether it is told that a message arrived; otherwise one that was taken and does not come back counts as delivered.
    pub(crate) receipts: bool,
    /// Of direct messages what our account permits.
    pub(crate) direct: Option<DirectTerms>,
    channel: Arc<dyn Channel>,
}

/// What an account for direct messages permits.
#[derive(Debug, Clone)]
pub(crate) struct DirectTerms {
    /// Where it is.
    pub(crate) network: Network,
    /// Its id there.
    pub(crate) account: String,
    /// Whether what a person wrote may go out until seven days after the last message of the other side.
    pub(crate) human_agent: bool,
    /// The most bytes of a text in UTF-8.
    pub(crate) text_bytes: usize,
}

impl Way {
    /// A way out and its limits.
    pub(crate) fn new((kind, per_second, pair_seconds): (Kind, u32, u32), channel: Arc<dyn Channel>) -> Self {
        let receipts = kind != Kind::Email;
        Self { kind, per_second, pair_seconds, receipts, direct: None, channel }
    }

    /// Makes one attempt: in earnest, or for a simulated recipient.
    pub(crate) async fn send(&self, message: &Message) -> Report {
        match nobody::outcome(&message.address) {
            Some(simulated) => simulated::Nobody(simulated).send(message).await,
            None => self.channel.send(message).await,
        }
    }
}

/// The queue of the list inside of the system.
pub(crate) const IN_APP: &str = "in_app";
/// The queue of e-mail.
pub(crate) const EMAIL: &str = "email";

/// The queue of an account at WhatsApp.
pub(crate) fn whatsapp_queue(key: &str) -> String {
    format!("whatsapp:{key}")
}

/// The queue of an account for direct messages.
pub(crate) fn direct_queue(network: Network, key: &str) -> String {
    format!("{network}:{key}")
}

/// Under what it is noted how the templates of an account at WhatsApp are kept in step.
pub(crate) fn templates_queue(key: &str) -> String {
    format!("templates:{key}")
}

impl Channels {
    /// No way out yet.
    pub(crate) fn new() -> Self {
        Self { ways: BTreeMap::new() }
    }

    /// Adds a way out.
    pub(crate) fn add(&mut self, queue: &str, limits: (Kind, u32, u32), channel: Arc<dyn Channel>) {
        self.ways.insert(queue.to_owned(), Way::new(limits, channel));
    }

    /// Adds an account for direct messages.
    pub(crate) fn add_direct(&mut self, queue: &str, way: Way, (receipts, terms): (bool, DirectTerms)) {
        self.ways.insert(queue.to_owned(), Way { receipts, direct: Some(terms), ..way });
    }

    /// The queue that a channel uses for this address; `None` while it is off.
    pub(crate) fn queue_of(&self, kind: Kind, address: &str) -> Option<&str> {
        let to = address.parse::<Direct>().ok();
        let fits = |way: &Way| match &way.direct {
            Some(terms) => {
                to.as_ref().is_some_and(|to| to.network == terms.network && to.account == terms.account)
            }
            None => true,
        };
        self.ways.iter().find(|(_, way)| way.kind == kind && fits(way)).map(|(queue, _)| queue.as_str())
    }

    /// Whether a queue is told that messages arrived, see [`Way::receipts`]; as of its channel when it is not there any more.
    pub(crate) fn tells_of_arrival(&self, queue: &str, kind: Kind) -> bool {
        self.ways.get(queue).map_or(kind != Kind::Email, |way| way.receipts)
    }

    /// Every way out.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Way)> {
        self.ways.iter().map(|(queue, way)| (queue.as_str(), way))
    }
}

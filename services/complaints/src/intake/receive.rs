//! What came in is stored before anything else, once per provider's id, and answered. What it means is worked out after.

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::meta;
use serde::{Deserialize, Serialize};

use super::email::{Hint, Verdict};
use super::envelope::Envelope;
use super::json::Read;
use super::{facebook, instagram, whatsapp};
use crate::domain::FileId;
use crate::domain::case::received_at;
use crate::error::{Error, Thing};
use crate::rpc::{Core, record};
use crate::store;
use crate::store::channel::{MessageState, Stored};

/// What a stored message keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Content {
    /// The message.
    pub(crate) envelope: Envelope,
    /// Files that were kept with it already: those of an e-mail.
    #[serde(default)]
    pub(crate) files: Vec<FileId>,
    /// What an e-mail tells besides.
    #[serde(default)]
    pub(crate) mail: Option<MailFacts>,
}

/// What an e-mail tells besides its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MailFacts {
    /// Its subject.
    pub(crate) subject: String,
    /// What points at a case, the surest first.
    pub(crate) hints: Vec<Hint>,
    /// Whether its author is who it says.
    pub(crate) verdict: Verdict,
}

/// How many messages of a delivery were new, and how many were there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) stored: u64,
    pub(crate) repeated: u64,
}

/// Takes a delivery of Meta: believed only when its signature holds, read whole, stored in one transaction.
pub(crate) async fn webhook(
    core: &Core,
    (channel, account): (&str, &str),
    (signed, body): (&str, &[u8]),
) -> Result<Counted, Error> {
    let account = core.config.channels.account(channel, account).ok_or(Error::NotFound(Thing::Channel))?;
    meta::verify(&account.app_secret, signed, body).map_err(|refused| match refused {
        meta::Refused::Missing => Error::Unsigned { missing: true },
        meta::Refused::Wrong => Error::Unsigned { missing: false },
    })?;
    let read = match channel {
        "whatsapp" => whatsapp::read(body),
        "facebook" => facebook::read(body),
        _ => instagram::read(body),
    };
    // Signed, and yet not what this address is for: delivering it again would change nothing, so it is taken and told.
    let read = read.unwrap_or_else(|error| {
        tracing::warn!(%error, channel, "a signed webhook could not be read");
        Read::default()
    });
    if read.unreadable > 0 {
        tracing::warn!(count = read.unreadable, channel, "messages without an id were left out");
    }
    // An app brings what is written to all of its numbers to one address.
    let ids = core.config.channels.of_app(channel, account);
    let (ours, strange): (Vec<_>, Vec<_>) =
        read.messages.into_iter().partition(|it| ids.iter().any(|id| id.is_empty() || *id == it.account));
    if !strange.is_empty() {
        tracing::warn!(
            count = strange.len(),
            channel,
            "messages to accounts that are not configured were left out"
        );
    }
    let contents = ours
        .into_iter()
        .map(|envelope| (Content { envelope, files: Vec::new(), mail: None }, MessageState::Waiting));
    let tx = core.db.begin().await?;
    let now = core.now();
    let counted = store(core, &tx, contents.collect(), now).await?;
    if counted.stored > 0 {
        let detail = serde_json::json!({"stored": counted.stored, "channel": channel});
        record(&tx, ("channel", "channel.received", channel), detail, "", now).await?;
    }
    tx.commit().await?;
    Ok(counted)
}

/// Stores messages in a transaction.
pub(crate) async fn store(
    core: &Core,
    tx: &sea_orm::DatabaseTransaction,
    contents: Vec<(Content, MessageState)>,
    now: DateTime<Utc>,
) -> Result<Counted, Error> {
    let mut arrived_at = now;
    let mut messages = Vec::with_capacity(contents.len());
    for (body, state) in contents {
        let envelope = &body.envelope;
        messages.push(Stored {
            source: envelope.source.to_string(),
            account: envelope.account.clone(),
            external_id: external(core, &envelope.external_id),
            conversation: conversation(core, envelope),
            case: None,
            state,
            received_at: received_at(envelope.sent_at, now),
            arrived_at,
            attempts: 0,
            next_at: now,
            body,
        });
        // In the order they stood in: they are worked on by their arrival.
        arrived_at += TimeDelta::microseconds(1);
    }
    // In the order of their keys: two deliveries of the same messages wait for each other, and never crosswise.
    messages.sort_by(|a, b| {
        (&a.source, &a.account, &a.external_id).cmp(&(&b.source, &b.account, &b.external_id))
    });
    let stored = store::channel::insert(tx, &core.vault, &messages).await?;
    Ok(Counted { stored, repeated: messages.len() as u64 - stored })
}

/// A provider's id as a table keeps it: ids of WhatsApp hold telephone numbers, those of mails the names of hosts. What
/// stands after `#` is told apart from the message it is about.
pub(crate) fn external(core: &Core, id: &str) -> String {
    let digest = |text: &str| core.vault.digest("external", text);
    match id.split_once('#') {
        Some((message, event)) => format!("{}#{}", digest(message), digest(event)),
        None => digest(id),
    }
}

/// Whose chat a message belongs to, as a digest: a table of messages names nobody.
pub(crate) fn conversation(core: &Core, envelope: &Envelope) -> String {
    let (source, account, who) = envelope.conversation();
    core.vault.digest("conversation", &format!("{source}|{account}|{who}"))
}

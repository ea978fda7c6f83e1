//! What WhatsApp tells: statuses of what we sent, that somebody wrote, and what became of templates.
//!
//! Every entry, change, status and message of a batch is read; what is not known is left alone. The text of messages is looked
//! at for the words that end messages, and never kept.

use chrono::{DateTime, Utc};
use mpp_kit::meta::{Wish, wish};
use serde::Deserialize;

/// What is told of a message of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// The provider sent it on.
    Sent,
    /// It arrived.
    Delivered,
    /// It was read.
    Read,
    /// It failed, with this code.
    Failed(i64),
}

/// A status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    /// `wamid.…`, `m_…`.
    pub(crate) provider_id: String,
    /// Our name for it, `ntf_….1`; empty when it is not told.
    pub(crate) tag: String,
    pub(crate) told: Told,
    /// When the provider says that it happened.
    pub(crate) at: Option<DateTime<Utc>>,
}

/// Somebody wrote.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Wrote {
    /// The number, or the id at a network.
    pub(crate) from: String,
    /// The id that the provider gave the message.
    pub(crate) id: String,
    /// To the second.
    pub(crate) at: Option<DateTime<Utc>>,
    /// What they want of messages, if that is all they wrote.
    pub(crate) wish: Option<Wish>,
}

/// What became of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateNews {
    pub(crate) name: String,
    pub(crate) language: String,
    /// `APPROVED`, `REJECTED`, `PAUSED`, `DISABLED`, …
    pub(crate) event: String,
    pub(crate) reason: String,
}

/// Everything that one call tells, for the number with this id.
#[derive(Default)]
pub(crate) struct News {
    pub(crate) statuses: Vec<Status>,
    pub(crate) wrote: Vec<Wrote>,
    pub(crate) templates: Vec<TemplateNews>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    field: String,
    #[serde(default)]
    value: serde_json::Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Value {
    metadata: Metadata,
    statuses: Vec<RawStatus>,
    messages: Vec<RawMessage>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    phone_number_id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawStatus {
    id: String,
    status: String,
    timestamp: String,
    biz_opaque_callback_data: String,
    errors: Vec<RawError>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawError {
    code: i64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawMessage {
    from: String,
    id: String,
    timestamp: String,
    text: RawText,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawText {
    body: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawTemplate {
    event: String,
    message_template_name: String,
    message_template_language: String,
    reason: Option<String>,
}

/// Reads a call; `None` if it is no JSON of this interface.
pub(crate) fn read(body: &[u8], phone_number_id: &str) -> Option<News> {
    let body: Body = serde_json::from_slice(body).ok()?;
    let mut news = News::default();
    for change in body.entry.into_iter().flat_map(|entry| entry.changes) {
        match change.field.as_str() {
            "messages" => {
                let Ok(value) = serde_json::from_value::<Value>(change.value) else { continue };
                if value.metadata.phone_number_id != phone_number_id {
                    continue;
                }
                news.statuses.extend(value.statuses.into_iter().filter_map(status));
                news.wrote.extend(value.messages.into_iter().filter_map(wrote));
            }
            "message_template_status_update" => {
                let Ok(raw) = serde_json::from_value::<RawTemplate>(change.value) else { continue };
                news.templates.push(TemplateNews {
                    name: raw.message_template_name,
                    language: raw.message_template_language,
                    event: raw.event,
                    reason: raw.reason.filter(|reason| reason != "NONE").unwrap_or_default(),
                });
            }
            _ => {}
        }
    }
    Some(news)
}

fn status(raw: RawStatus) -> Option<Status> {
    let told = match raw.status.as_str() {
        "sent" => Told::Sent,
        "delivered" => Told::Delivered,
        "read" | "played" => Told::Read,
        "failed" => Told::Failed(raw.errors.first().map_or(0, |error| error.code)),
        _ => return None,
    };
    Some(Status { provider_id: raw.id, tag: raw.biz_opaque_callback_data, told, at: moment(&raw.timestamp) })
}

/// Who has no number (a user name alone) has no window that could be kept by number.
fn wrote(raw: RawMessage) -> Option<Wrote> {
    if raw.from.is_empty() {
        return None;
    }
    Some(Wrote { from: raw.from, id: raw.id, at: moment(&raw.timestamp), wish: wish(&raw.text.body) })
}

/// Seconds since 1970, as text.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    text.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_of_a_batch_is_read() {
        let status = |id: &str, status: &str| {
            serde_json::json!({ "id": id, "status": status, "timestamp": "1757810100",
                "biz_opaque_callback_data": "ntf_a.1", "errors": [{ "code": 131_047 }] })
        };
        let change = |statuses: Vec<serde_json::Value>| {
            serde_json::json!({ "field": "messages", "value": {
                "metadata": { "phone_number_id": "1" }, "statuses": statuses,
                "messages": [{ "from": "6281", "id": "wamid.9", "timestamp": "1757810000",
                    "type": "text", "text": { "body": " Berhenti " } }] } })
        };
        let body = serde_json::json!({ "object": "whatsapp_business_account", "entry": [
            { "id": "w", "changes": [change(vec![status("a", "sent"), status("b", "failed")])] },
            { "id": "w", "changes": [change(vec![status("c", "read")]), change(vec![status("d", "odd")])] },
            { "id": "w", "changes": [{ "field": "message_template_status_update", "value": {
                "event": "PAUSED", "message_template_name": "eskalasi_v1",
                "message_template_language": "id", "reason": "NONE" } }] },
        ] });
        let news = read(body.to_string().as_bytes(), "1").unwrap();
        let told: Vec<_> = news.statuses.iter().map(|it| (it.provider_id.as_str(), it.told)).collect();
        assert_eq!(told, [("a", Told::Sent), ("b", Told::Failed(131_047)), ("c", Told::Read)]);
        assert_eq!(news.wrote.len(), 3);
        assert_eq!(news.wrote[0].wish, Some(Wish::Stop));
        assert_eq!((news.templates[0].event.as_str(), news.templates[0].reason.as_str()), ("PAUSED", ""));
        assert!(read(body.to_string().as_bytes(), "2").unwrap().statuses.is_empty(), "of another number");
        assert!(read(b"no json", "1").is_none());
    }
}

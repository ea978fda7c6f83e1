//! What Facebook and Instagram tell of direct messages: that somebody wrote, that what we said was taken (as an echo with our
//! tag), arrived or was read. Every entry of a batch is read; what is not known is left alone. The text of messages is looked at
//! for the words that end messages, and never kept.

use chrono::{DateTime, Utc};
use mpp_kit::meta::wish;
use serde::Deserialize;

use super::webhook::{Status, Told, Wrote};
use crate::domain::direct::{Network, is_id};

/// Somebody has got, or read, all that went to them before a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) user: String,
    pub(crate) before: DateTime<Utc>,
    pub(crate) read: bool,
}

/// Everything that one call tells about one account.
#[derive(Default)]
pub(crate) struct News {
    pub(crate) statuses: Vec<Status>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) wrote: Vec<Wrote>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    object: String,
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    id: String,
    messaging: Vec<serde_json::Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event {
    sender: Party,
    /// Milliseconds since 1970.
    timestamp: i64,
    message: Option<RawMessage>,
    postback: Option<RawMessage>,
    delivery: Option<Receipt>,
    read: Option<Receipt>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Party {
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawMessage {
    mid: String,
    text: String,
    is_echo: bool,
    is_deleted: bool,
    metadata: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Receipt {
    mid: String,
    mids: Vec<String>,
    watermark: Option<i64>,
}

/// Reads a call; `None` if it is no JSON of this network.
pub(crate) fn read(body: &[u8], network: Network, account: &str) -> Option<News> {
    let body: Body = serde_json::from_slice(body).ok()?;
    let object = match network {
        Network::Facebook => "page",
        Network::Instagram => "instagram",
    };
    if body.object != object {
        return None;
    }
    let mut news = News::default();
    for event in body.entry.into_iter().filter(|it| it.id == account).flat_map(|it| it.messaging) {
        // One that is written otherwise keeps no other from being read.
        if let Ok(event) = serde_json::from_value::<Event>(event) {
            take(event, account, &mut news);
        }
    }
    Some(news)
}

fn take(event: Event, account: &str, news: &mut News) {
    let at = DateTime::from_timestamp_millis(event.timestamp).filter(|_| event.timestamp > 0);
    let user = event.sender.id;
    if let Some(message) = event.message.or(event.postback) {
        if message.is_echo || user == account {
            let (provider_id, tag) = (message.mid, message.metadata);
            // What people write in the inbox of the Page comes back too, without a tag of ours.
            if !provider_id.is_empty() && !tag.is_empty() {
                news.statuses.push(Status { provider_id, tag, told: Told::Sent, at });
            }
        } else if is_id(&user) && !message.is_deleted {
            news.wrote.push(Wrote { from: user, id: message.mid, at, wish: wish(&message.text) });
        }
        return;
    }
    let told = [(event.delivery, Told::Delivered), (event.read, Told::Read)];
    for (receipt, told) in told.into_iter().filter_map(|(receipt, told)| Some((receipt?, told))) {
        let named = receipt.mids.into_iter().chain(Some(receipt.mid)).filter(|it| !it.is_empty());
        news.statuses.extend(named.map(|provider_id| Status { provider_id, tag: String::new(), told, at }));
        let before = receipt.watermark.and_then(DateTime::from_timestamp_millis);
        if let Some(before) = before.filter(|_| is_id(&user)) {
            news.seen.push(Seen { user: user.clone(), before, read: told == Told::Read });
        }
    }
}

#[cfg(test)]
mod tests {
    use mpp_kit::meta::Wish;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_event_of_every_entry_is_read() {
        let from = |event: serde_json::Value| {
            let mut event = event;
            event["sender"] = json!({ "id": "42" });
            event["timestamp"] = json!(1_757_810_000_000_i64);
            event
        };
        let body = json!({ "object": "page", "entry": [
            { "id": "1", "messaging": [
                from(json!({ "message": { "mid": "m_1", "text": " Berhenti " } })),
                from(json!({ "delivery": { "mids": ["m_2"], "watermark": 1_757_810_000_000_i64 } })),
                from(json!({ "read": { "watermark": 1_757_810_000_000_i64 } })),
                from(json!({ "message": { "mid": "m_3", "is_echo": true, "metadata": "ntf_a.1" } })),
                from(json!({ "message": { "mid": "m_4", "is_echo": true, "text": "dari petugas" } })),
                json!("odd"),
            ] },
            { "id": "1", "messaging": [from(json!({ "postback": { "mid": "m_5", "payload": "x" } }))] },
            { "id": "2", "messaging": [from(json!({ "message": { "mid": "m_6", "text": "lain" } }))] },
        ] })
        .to_string();
        let news = read(body.as_bytes(), Network::Facebook, "1").unwrap();
        let wrote: Vec<_> = news.wrote.iter().map(|it| (it.id.as_str(), it.wish)).collect();
        assert_eq!(wrote, [("m_1", Some(Wish::Stop)), ("m_5", None)]);
        let told: Vec<_> =
            news.statuses.iter().map(|it| (it.provider_id.as_str(), it.tag.as_str(), it.told)).collect();
        assert_eq!(told, [("m_2", "", Told::Delivered), ("m_3", "ntf_a.1", Told::Sent)]);
        let seen: Vec<_> = news.seen.iter().map(|it| (it.user.as_str(), it.read)).collect();
        assert_eq!(seen, [("42", false), ("42", true)]);
        assert!(read(body.as_bytes(), Network::Instagram, "1").is_none(), "of another network");
        let seen = json!({ "object": "instagram", "entry": [{ "id": "1", "messaging": [from(json!({ "read": { "mid": "d_1" } }))] }] });
        let news = read(seen.to_string().as_bytes(), Network::Instagram, "1").unwrap();
        assert_eq!((news.statuses[0].provider_id.as_str(), news.statuses[0].told), ("d_1", Told::Read));
        assert!(read(b"no json", Network::Facebook, "1").is_none());
    }
}

//! Facebook: messages to a Page (Messenger) and what is written on it (feed), with edits and removals.

use serde_json::Value;

use super::envelope::{Attachment, Effect, Envelope, Kind, Sender, Source, milliseconds, seconds};
use super::json::{Malformed, Read, flag, integer, list, open, some_text, text};

/// Reads a webhook whose signature was verified.
///
/// # Errors
/// [`Malformed`]: it is no JSON or not a Page's.
pub fn read(body: &[u8]) -> Result<Read, Malformed> {
    let body = open(body, "page")?;
    let mut read = Read::default();
    for entry in list(&body, "entry") {
        let page = text(entry, "id");
        // `standby` instead of `messaging` when another app holds the thread: then it is that app's to answer.
        read.ignored += list(entry, "standby").len();
        for event in list(entry, "messaging") {
            direct(Source::Messenger, &page, event, &mut read);
        }
        for change in list(entry, "changes") {
            if change["field"] == "feed" {
                feed(&page, &change["value"], &mut read);
            } else {
                read.ignored += 1;
            }
        }
    }
    Ok(read)
}

/// A direct message of Messenger or Instagram: they share the shape.
pub(super) fn direct(source: Source, account: &str, event: &Value, read: &mut Read) {
    let sender = text(&event["sender"], "id");
    let sent_at = integer(event, "timestamp").and_then(milliseconds);
    let envelope = |id: &str| {
        let mut envelope = Envelope::new(source, account, id);
        envelope.sender = Sender { id: sender.clone(), ..Sender::default() };
        envelope.sent_at = sent_at;
        envelope
    };
    let message = &event["message"];
    if message.is_object() {
        // Our own words come back as echoes.
        if flag(message, "is_echo") || sender == account {
            read.ignored += 1;
            return;
        }
        let mid = text(message, "mid");
        if flag(message, "is_deleted") {
            let mut envelope = envelope(&id_of(&mid, "removed"));
            envelope.effect = Effect::Remove(mid);
            return read.take(envelope);
        }
        let mut envelope = envelope(&mid);
        fill(message, &mut envelope);
        return read.take(envelope);
    }
    let edit = &event["message_edit"];
    if edit.is_object() && sender != account {
        let mid = text(edit, "mid");
        let number = integer(edit, "num_edit").unwrap_or_default();
        let mut envelope = envelope(&id_of(&mid, &format!("edit.{number}")));
        envelope.text = text(edit, "text");
        envelope.effect = Effect::Edit(mid);
        return read.take(envelope);
    }
    let postback = &event["postback"];
    if postback.is_object() {
        let mut envelope = envelope(&text(postback, "mid"));
        envelope.kind = Kind::Choice;
        envelope.choice = some_text(postback, "payload");
        envelope.text = text(postback, "title");
        return read.take(envelope);
    }
    // Deliveries, reads, reactions, and what is not known yet.
    read.ignored += 1;
}

fn fill(message: &Value, envelope: &mut Envelope) {
    envelope.text = text(message, "text");
    envelope.reply_to = some_text(&message["reply_to"], "mid");
    if message["quick_reply"].is_object() {
        envelope.kind = Kind::Choice;
        envelope.choice = some_text(&message["quick_reply"], "payload");
    }
    for attachment in list(message, "attachments") {
        let told = text(attachment, "type");
        let kind = match told.as_str() {
            "image" => Kind::Image,
            "video" => Kind::Video,
            "audio" => Kind::Audio,
            "file" => Kind::Document,
            // A shared post, a story, a link: nothing that is fetched, but the words stay.
            _ => Kind::Unsupported,
        };
        if kind != Kind::Unsupported {
            envelope.attachments.push(Attachment {
                url: some_text(&attachment["payload"], "url"),
                told_type: told,
                ..Attachment::default()
            });
        }
        let bare = envelope.text.is_empty() && envelope.kind == Kind::Text;
        if kind != Kind::Unsupported || bare {
            envelope.kind = kind;
        }
    }
    if flag(message, "is_unsupported") {
        envelope.kind = Kind::Unsupported;
    }
}

fn feed(page: &str, value: &Value, read: &mut Read) {
    let author = text(&value["from"], "id");
    let item = text(value, "item");
    let written = matches!(item.as_str(), "comment" | "status" | "post" | "photo" | "video" | "share");
    if author == page || !written {
        read.ignored += 1;
        return;
    }
    let thing = some_text(value, "comment_id").or_else(|| some_text(value, "post_id")).unwrap_or_default();
    let time = integer(value, "created_time");
    let (id, effect) = match text(value, "verb").as_str() {
        "add" => (thing, Effect::Add),
        // A comment may be edited again and again; each edit is told with its own time.
        "edited" | "edit" => {
            let when = integer(value, "edited_time").or(time).unwrap_or_default();
            let what = text(value, "message");
            (id_of(&thing, &format!("edit.{when}.{}", short_digest(&what))), Effect::Edit(thing))
        }
        "remove" | "delete" => (id_of(&thing, "removed"), Effect::Remove(thing)),
        // Hidden, shown, liked, and verbs that are not known: they change nothing of what was written.
        _ => {
            read.ignored += 1;
            return;
        }
    };
    let mut envelope = Envelope::new(Source::FacebookFeed, page, &id);
    envelope.thread = text(value, "post_id");
    envelope.sender = Sender { id: author, display: text(&value["from"], "name"), ..Sender::default() };
    envelope.sent_at = time.and_then(seconds);
    envelope.text = text(value, "message");
    // The parent of a top-level comment is the post itself.
    envelope.reply_to = some_text(value, "parent_id").filter(|parent| *parent != envelope.thread);
    envelope.effect = effect;
    if let Some(photo) = some_text(value, "photo") {
        envelope.kind = Kind::Image;
        envelope.attachments.push(Attachment { url: Some(photo), ..Attachment::default() });
    }
    read.take(envelope);
}

/// The id of an event about a message; empty if the message has none.
pub(super) fn id_of(message: &str, what: &str) -> String {
    if message.is_empty() { String::new() } else { format!("{message}#{what}") }
}

/// Tells two edits of one second apart.
pub(super) fn short_digest(text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    hex::encode(&Sha256::digest(text.as_bytes())[..6])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(entry: Value) -> Read {
        let mut entry = entry;
        entry["id"] = json!("PAGE");
        read(&serde_json::to_vec(&json!({"object": "page", "entry": [entry]})).unwrap()).unwrap()
    }

    fn messaging(event: Value) -> Read {
        let mut event = event;
        let object = event.as_object_mut().unwrap();
        object.entry("sender").or_insert_with(|| json!({"id": "PSID"}));
        object.entry("recipient").or_insert_with(|| json!({"id": "PAGE"}));
        object.entry("timestamp").or_insert_with(|| json!(1_757_810_000_000_i64));
        page(json!({"messaging": [event]}))
    }

    #[test]
    fn c_08_messages_to_a_page_are_read() {
        let read =
            messaging(json!({"message": {"mid": "m_1", "text": "Air mati", "reply_to": {"mid": "m_0"},
            "attachments": [{"type": "image", "payload": {"url": "https://cdn.example/a.jpg"}}]}}));
        let it = &read.messages[0];
        assert_eq!((it.external_id.as_str(), it.sender.id.as_str(), it.kind), ("m_1", "PSID", Kind::Image));
        assert_eq!((it.text.as_str(), it.reply_to.as_deref()), ("Air mati", Some("m_0")));
        assert_eq!(it.sent_at.unwrap().timestamp(), 1_757_810_000);
        let it = &messaging(json!({"message": {"mid": "m_2",
            "attachments": [{"type": "fallback", "payload": {}}]}}));
        assert_eq!(it.messages[0].kind, Kind::Unsupported);
        let it = &messaging(json!({"postback": {"mid": "m_3", "payload": "case:new", "title": "Baru"}}));
        assert_eq!(it.messages[0].choice.as_deref(), Some("case:new"));
    }

    #[test]
    fn c_08_edits_and_removals_of_messages_point_at_the_message() {
        let read =
            messaging(json!({"message_edit": {"mid": "m_1", "text": "Air mati total", "num_edit": 2}}));
        let it = &read.messages[0];
        assert_eq!((it.external_id.as_str(), &it.effect), ("m_1#edit.2", &Effect::Edit("m_1".into())));
        assert_eq!(it.text, "Air mati total");
        let read = messaging(json!({"message": {"mid": "m_1", "is_deleted": true}}));
        assert_eq!(read.messages[0].effect, Effect::Remove("m_1".into()));
    }

    #[test]
    fn c_08_echoes_receipts_and_reactions_are_no_messages() {
        for event in [
            json!({"message": {"mid": "m_9", "text": "kami", "is_echo": true}}),
            json!({"sender": {"id": "PAGE"}, "message": {"mid": "m_9", "text": "kami"}}),
            json!({"delivery": {"watermark": 1}}),
            json!({"read": {"watermark": 1}}),
            json!({"reaction": {"mid": "m_1", "emoji": "x"}}),
        ] {
            let read = messaging(event.clone());
            assert_eq!((read.messages.len(), read.ignored), (0, 1), "{event}");
        }
        let read = page(json!({"standby": [{"message": {"mid": "m_1", "text": "x"}}]}));
        assert_eq!((read.messages.len(), read.ignored), (0, 1));
    }

    fn comment(value: Value) -> Read {
        let mut value = value;
        for (key, default) in [
            ("item", json!("comment")),
            ("comment_id", json!("c1")),
            ("post_id", json!("p1")),
            ("parent_id", json!("p1")),
            ("from", json!({"id": "U1", "name": "Rina"})),
            ("created_time", json!(1_757_810_000)),
        ] {
            value.as_object_mut().unwrap().entry(key).or_insert(default);
        }
        page(json!({"changes": [{"field": "feed", "value": value}]}))
    }

    #[test]
    fn c_08_comments_are_added_edited_and_removed() {
        let read = comment(json!({"verb": "add", "message": "Jalan rusak"}));
        let it = &read.messages[0];
        assert_eq!((it.source, it.thread.as_str(), &it.effect), (Source::FacebookFeed, "p1", &Effect::Add));
        assert_eq!(
            (it.external_id.as_str(), it.sender.display.as_str(), &it.reply_to),
            ("c1", "Rina", &None)
        );
        assert!(it.source.is_public());
        let read = comment(json!({"verb": "add", "message": "benar", "comment_id": "c2", "parent_id": "c1"}));
        assert_eq!(read.messages[0].reply_to.as_deref(), Some("c1"));

        let first = comment(json!({"verb": "edited", "message": "Jalan rusak berat"}));
        let second = comment(json!({"verb": "edited", "message": "Jalan rusak parah"}));
        assert_eq!(first.messages[0].effect, Effect::Edit("c1".into()));
        assert_ne!(first.messages[0].external_id, second.messages[0].external_id);
        assert_eq!(comment(json!({"verb": "edited", "message": "Jalan rusak berat"})), first);
        let read = comment(json!({"verb": "remove"}));
        assert_eq!(read.messages[0].effect, Effect::Remove("c1".into()));
    }

    #[test]
    fn c_08_our_own_comments_likes_and_unknown_verbs_are_no_messages() {
        for value in [
            json!({"verb": "add", "message": "kami", "from": {"id": "PAGE"}}),
            json!({"verb": "add", "item": "like"}),
            json!({"verb": "add", "item": "reaction"}),
            json!({"verb": "hide"}),
            json!({"verb": "teleport"}),
        ] {
            let read = comment(value.clone());
            assert_eq!((read.messages.len(), read.ignored), (0, 1), "{value}");
        }
        // Without the permission to see authors, a comment is anonymous; it is kept all the same.
        let read = comment(json!({"verb": "add", "message": "x", "from": null}));
        assert_eq!(read.messages[0].sender, Sender::default());
    }
}

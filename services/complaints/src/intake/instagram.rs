//! Instagram: direct messages with their removals, and comments in the two shapes that exist.

use serde_json::Value;

use super::envelope::{Effect, Envelope, Sender, Source, seconds};
use super::facebook::{direct, id_of, short_digest};
use super::json::{Malformed, Read, integer, list, open, some_text, text};

/// Reads a webhook whose signature was verified.
///
/// # Errors
/// [`Malformed`]: it is no JSON or not Instagram's.
pub fn read(body: &[u8]) -> Result<Read, Malformed> {
    let body = open(body, "instagram")?;
    let mut read = Read::default();
    for entry in list(&body, "entry") {
        let account = text(entry, "id");
        read.ignored += list(entry, "standby").len();
        for event in list(entry, "messaging") {
            direct(Source::InstagramDirect, &account, event, &mut read);
        }
        for change in list(entry, "changes") {
            field(&account, entry, change, &mut read);
        }
        // Business Login for Instagram puts field and value into the entry itself.
        if entry["field"].is_string() {
            field(&account, entry, entry, &mut read);
        }
    }
    Ok(read)
}

fn field(account: &str, entry: &Value, change: &Value, read: &mut Read) {
    let value = &change["value"];
    if change["field"] != "comments" && change["field"] != "live_comments" {
        read.ignored += 1;
        return;
    }
    let author = text(&value["from"], "id");
    if author == account {
        read.ignored += 1;
        return;
    }
    let comment = text(value, "id");
    let words = text(value, "text");
    let (id, effect) = match text(value, "verb").as_str() {
        "remove" | "delete" | "deleted" => (id_of(&comment, "removed"), Effect::Remove(comment)),
        "edited" | "edit" => {
            (id_of(&comment, &format!("edit.{}", short_digest(&words))), Effect::Edit(comment))
        }
        // Comments come without a verb. On boosted posts the same one is delivered twice: its id is the same.
        _ => (comment, Effect::Add),
    };
    let mut envelope = Envelope::new(Source::InstagramComment, account, &id);
    envelope.thread = text(&value["media"], "id");
    envelope.sender = Sender { id: author, display: text(&value["from"], "username"), ..Sender::default() };
    envelope.sent_at = integer(entry, "time").and_then(seconds);
    envelope.text = words;
    envelope.reply_to = some_text(value, "parent_id");
    envelope.effect = effect;
    read.take(envelope);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::envelope::Kind;
    use super::*;

    fn entry(entry: Value) -> Read {
        let mut entry = entry;
        entry["id"] = json!("IG");
        entry["time"] = json!(1_757_810_000);
        read(&serde_json::to_vec(&json!({"object": "instagram", "entry": [entry]})).unwrap()).unwrap()
    }

    #[test]
    fn c_08_both_shapes_of_a_comment_are_the_same_comment() {
        let value = json!({"id": "k1", "from": {"id": "U", "username": "warga"}, "text": "Jalan berlubang",
            "media": {"id": "post", "media_product_type": "FEED"}});
        let changes = entry(json!({"changes": [{"field": "comments", "value": value}]}));
        let bare = entry(json!({"field": "comments", "value": value}));
        assert_eq!(changes, bare);
        let it = &changes.messages[0];
        assert_eq!((it.external_id.as_str(), it.thread.as_str(), it.kind), ("k1", "post", Kind::Text));
        assert_eq!((it.source, it.sender.display.as_str()), (Source::InstagramComment, "warga"));
        assert!(it.source.is_public() && it.sent_at.is_some());
    }

    #[test]
    fn c_08_our_own_comments_and_other_fields_are_ignored() {
        let own = json!({"id": "k2", "from": {"id": "IG"}, "text": "kami kirim pesan pribadi"});
        assert_eq!(entry(json!({"changes": [{"field": "comments", "value": own}]})).ignored, 1);
        assert_eq!(entry(json!({"changes": [{"field": "mentions", "value": {}}]})).ignored, 1);
        let gone = json!({"id": "k1", "verb": "remove"});
        let read = entry(json!({"changes": [{"field": "comments", "value": gone}]}));
        assert_eq!(read.messages[0].effect, Effect::Remove("k1".into()));
    }

    #[test]
    fn c_08_direct_messages_echoes_and_deletions() {
        let event = |message: Value| {
            json!({"messaging": [{"sender": {"id": "IGSID"}, "recipient": {"id": "IG"},
            "timestamp": 1_757_810_000_000_i64, "message": message}]})
        };
        let read = entry(event(json!({"mid": "d1", "text": "Halo"})));
        assert_eq!(
            (read.messages[0].source, read.messages[0].text.as_str()),
            (Source::InstagramDirect, "Halo")
        );
        assert!(!read.messages[0].source.is_public());
        assert_eq!(entry(event(json!({"mid": "d2", "text": "x", "is_echo": true}))).ignored, 1);
        let read = entry(event(json!({"mid": "d1", "is_deleted": true})));
        assert_eq!(read.messages[0].effect, Effect::Remove("d1".into()));
    }
}

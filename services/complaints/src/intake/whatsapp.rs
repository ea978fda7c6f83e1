//! `WhatsApp` Cloud API: what its webhook brings in.
//!
//! Every entry, every change and every message of a batch counts. A phone number may be missing (business-scoped user
//! ids), so nothing rests on it. Statuses of what we sent belong to the notifications service.

use serde_json::Value;

use super::envelope::{Attachment, Envelope, Kind, Location, Sender, Source, seconds};
use super::json::{Malformed, Read, flag, integer, list, open, some_text, text};

/// Reads a webhook whose signature was verified.
///
/// # Errors
/// [`Malformed`]: it is no JSON or not `WhatsApp`'s.
pub fn read(body: &[u8]) -> Result<Read, Malformed> {
    let body = open(body, "whatsapp_business_account")?;
    let mut read = Read::default();
    for entry in list(&body, "entry") {
        for change in list(entry, "changes") {
            let value = &change["value"];
            if change["field"] != "messages" {
                read.ignored += 1;
                continue;
            }
            read.ignored += list(value, "statuses").len();
            for message in list(value, "messages") {
                one(value, message, &mut read);
            }
        }
    }
    Ok(read)
}

fn one(value: &Value, message: &Value, read: &mut Read) {
    let told = text(message, "type");
    // A heart on a message says nothing about a case; system notes are not written by a person.
    if told == "reaction" || told == "system" {
        read.ignored += 1;
        return;
    }
    let account = text(&value["metadata"], "phone_number_id");
    let mut envelope = Envelope::new(Source::Whatsapp, &account, &text(message, "id"));
    envelope.sender = sender(value, message);
    envelope.sent_at = integer(message, "timestamp").and_then(seconds);
    envelope.reply_to = some_text(&message["context"], "id");
    content(&told, message, &mut envelope);
    read.take(envelope);
}

fn sender(value: &Value, message: &Value) -> Sender {
    let from = text(message, "from");
    let scoped = some_text(message, "from_user_id").or_else(|| some_text(message, "user_id"));
    let contacts = list(value, "contacts");
    let contact = contacts
        .iter()
        .find(|it| {
            (!from.is_empty() && text(it, "wa_id") == from)
                || scoped.as_ref().is_some_and(|id| text(it, "user_id") == *id)
        })
        // One message with one contact belong together even where neither id is told twice.
        .or_else(|| contacts.first().filter(|_| contacts.len() == 1));
    let display = contact.map(|it| text(&it["profile"], "name")).unwrap_or_default();
    let phone = Some(from.clone())
        .filter(|it| !it.is_empty())
        .or_else(|| contact.and_then(|it| some_text(it, "wa_id")))
        .filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
    let id = if from.is_empty() {
        scoped.or_else(|| contact.and_then(|it| some_text(it, "user_id"))).or_else(|| phone.clone())
    } else {
        Some(from)
    };
    Sender { id: id.unwrap_or_default(), display, phone, email: None }
}

fn content(told: &str, message: &Value, envelope: &mut Envelope) {
    let part = &message[told];
    let kind = match told {
        "text" => {
            envelope.text = text(part, "body");
            Kind::Text
        }
        "image" => media(part, Kind::Image, envelope),
        "video" => media(part, Kind::Video, envelope),
        "audio" => media(part, Kind::Audio, envelope),
        "document" => media(part, Kind::Document, envelope),
        "sticker" => media(part, Kind::Sticker, envelope),
        "location" => location(part, envelope),
        "contacts" => Kind::Contacts,
        "button" => {
            envelope.text = text(part, "text");
            envelope.choice = some_text(part, "payload");
            Kind::Choice
        }
        "interactive" => interactive(part, envelope),
        // `errors` says why Meta could not deliver it. `order`, and what is invented after this was written, are kept too.
        _ => Kind::Unsupported,
    };
    envelope.kind = if list(message, "errors").is_empty() { kind } else { Kind::Unsupported };
}

fn media(part: &Value, kind: Kind, envelope: &mut Envelope) -> Kind {
    envelope.text = text(part, "caption");
    envelope.attachments.push(Attachment {
        media_id: some_text(part, "id"),
        told_type: text(part, "mime_type"),
        told_sha256: text(part, "sha256"),
        file_name: text(part, "filename"),
        voice: flag(part, "voice"),
        ..Attachment::default()
    });
    kind
}

fn location(part: &Value, envelope: &mut Envelope) -> Kind {
    let point = part["latitude"].as_f64().zip(part["longitude"].as_f64());
    let Some(mut point) = point.and_then(|(latitude, longitude)| Location::new(latitude, longitude)) else {
        return Kind::Unsupported;
    };
    point.name = text(part, "name");
    point.address = text(part, "address");
    envelope.location = Some(point);
    Kind::Location
}

fn interactive(part: &Value, envelope: &mut Envelope) -> Kind {
    for reply in ["button_reply", "list_reply"] {
        if part[reply].is_object() {
            envelope.choice = some_text(&part[reply], "id");
            envelope.text = text(&part[reply], "title");
            return Kind::Choice;
        }
    }
    if part["nfm_reply"].is_object() {
        // The answer of a form (flow) is JSON in a string: kept as it is, read by whoever made the form.
        envelope.text = text(&part["nfm_reply"], "body");
        envelope.choice = some_text(&part["nfm_reply"], "response_json");
        return Kind::Choice;
    }
    Kind::Unsupported
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn webhook(messages: &Value) -> Vec<u8> {
        serde_json::to_vec(&json!({"object": "whatsapp_business_account", "entry": [{"id": "W", "changes": [
            {"field": "messages", "value": {"messaging_product": "whatsapp",
             "metadata": {"display_phone_number": "62511000", "phone_number_id": "P1"},
             "contacts": [{"profile": {"name": "Siti"}, "wa_id": "62812000"}], "messages": messages}}]}]}))
        .unwrap()
    }

    fn only(message: Value) -> Envelope {
        let mut message = message;
        for (key, value) in [("from", "62812000"), ("id", "wamid.A"), ("timestamp", "1757810000")] {
            message.as_object_mut().unwrap().entry(key).or_insert_with(|| value.into());
        }
        let mut read = read(&webhook(&json!([message]))).unwrap();
        assert_eq!((read.messages.len(), read.unreadable), (1, 0));
        read.messages.remove(0)
    }

    #[test]
    fn c_04_each_kind_of_message_is_read() {
        let it = only(json!({"type": "text", "text": {"body": "Lampu jalan mati"}}));
        assert_eq!((it.kind, it.text.as_str(), it.account.as_str()), (Kind::Text, "Lampu jalan mati", "P1"));
        assert_eq!(it.sent_at.unwrap().timestamp(), 1_757_810_000);
        assert_eq!((it.sender.id.as_str(), it.sender.display.as_str()), ("62812000", "Siti"));
        assert_eq!(it.sender.phone.as_deref(), Some("62812000"));

        let it =
            only(json!({"type": "image", "image": {"id": "M1", "mime_type": "image/jpeg", "sha256": "x",
            "caption": "Lubang"}, "context": {"from": "62511000", "id": "wamid.Q"}}));
        assert_eq!((it.kind, it.text.as_str()), (Kind::Image, "Lubang"));
        assert_eq!(it.attachments[0].media_id.as_deref(), Some("M1"));
        assert_eq!(it.reply_to.as_deref(), Some("wamid.Q"));

        let it = only(json!({"type": "audio", "audio": {"id": "M2", "mime_type": "audio/ogg; codecs=opus",
            "voice": true}}));
        assert!(it.kind == Kind::Audio && it.attachments[0].voice);

        let it = only(json!({"type": "document", "document": {"id": "M3", "filename": "../surat.pdf",
            "mime_type": "application/pdf"}}));
        assert_eq!((it.kind, it.attachments[0].file_name.as_str()), (Kind::Document, "../surat.pdf"));

        let it = only(json!({"type": "location", "location": {"latitude": -3.0, "longitude": 114.6,
            "name": "Pasar", "address": "Jl. A"}}));
        let point = it.location.unwrap();
        assert_eq!((it.kind, point.latitude, point.name.as_str()), (Kind::Location, -3.0, "Pasar"));

        let it = only(json!({"type": "interactive", "interactive": {"type": "button_reply",
            "button_reply": {"id": "case:1", "title": "Ya"}}}));
        assert_eq!((it.kind, it.choice.as_deref()), (Kind::Choice, Some("case:1")));
        let it = only(json!({"type": "interactive", "interactive": {"type": "list_reply",
            "list_reply": {"id": "case:new", "title": "Baru"}}}));
        assert_eq!(it.choice.as_deref(), Some("case:new"));
        let it = only(json!({"type": "button", "button": {"payload": "belum", "text": "Belum"}}));
        assert_eq!((it.kind, it.choice.as_deref()), (Kind::Choice, Some("belum")));
    }

    #[test]
    fn c_04_what_cannot_be_delivered_is_kept() {
        let it = only(json!({"type": "unsupported", "errors": [{"code": 131051, "title": "Unsupported"}]}));
        assert_eq!(it.kind, Kind::Unsupported);
        for told in ["order", "hologram", ""] {
            assert_eq!(only(json!({"type": told})).kind, Kind::Unsupported, "{told}");
        }
        assert_eq!(only(json!({"type": "location", "location": {"latitude": 200}})).kind, Kind::Unsupported);
    }

    #[test]
    fn a_sender_without_a_phone_number_is_known_by_the_scoped_id() {
        let body = json!({"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages",
            "value": {"metadata": {"phone_number_id": "P1"},
            "contacts": [{"profile": {"name": "Budi"}, "user_id": "ID.123"}],
            "messages": [{"id": "wamid.B", "from_user_id": "ID.123", "timestamp": "1757810000",
                "type": "text", "text": {"body": "Halo"}}]}}]}]});
        let read = read(&serde_json::to_vec(&body).unwrap()).unwrap();
        let sender = &read.messages[0].sender;
        assert_eq!((sender.id.as_str(), sender.display.as_str(), &sender.phone), ("ID.123", "Budi", &None));
    }

    #[test]
    fn c_13_every_entry_change_and_message_of_a_batch_is_read() {
        let text = |id: &str| {
            json!({"id": id, "from": "62812000", "timestamp": "1757810000", "type": "text",
            "text": {"body": id}})
        };
        let change = |ids: &[&str]| {
            json!({"field": "messages", "value": {"metadata": {"phone_number_id": "P1"},
            "messages": ids.iter().map(|id| text(id)).collect::<Vec<_>>()}})
        };
        let status = json!({"field": "messages", "value": {"metadata": {"phone_number_id": "P1"},
            "statuses": [{"id": "s1", "status": "read"}, {"id": "s2", "status": "sent"}]}});
        let reaction = json!({"field": "messages", "value": {"metadata": {"phone_number_id": "P1"},
            "messages": [{"id": "r", "type": "reaction"}, {"type": "text", "text": {"body": "no id"}}]}});
        let body = json!({"object": "whatsapp_business_account", "entry": [
            {"changes": [change(&["a", "b"]), status]},
            {"changes": [change(&["c"]), reaction, {"field": "account_update", "value": {}}]}]});
        let read = read(&serde_json::to_vec(&body).unwrap()).unwrap();
        let ids = read.messages.iter().map(|it| it.external_id.as_str()).collect::<Vec<_>>();
        assert_eq!((ids, read.ignored, read.unreadable), (vec!["a", "b", "c"], 4, 1));
    }

    #[test]
    fn another_product_and_no_json_are_told_apart() {
        assert_eq!(read(b"{").unwrap_err(), Malformed::Json);
        assert_eq!(read(b"{\"object\":\"page\"}").unwrap_err(), Malformed::Product);
        assert_eq!(read(b"[]").unwrap_err(), Malformed::Product);
    }
}

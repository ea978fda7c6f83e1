//! What a message says: the type, the time and ids. Who wants more asks with its own permission.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::rules::Format;
use crate::event::Recorded;

/// The media type of a message.
#[must_use]
pub fn media_type(format: Format) -> &'static str {
    match format {
        Format::Standard => "application/json",
        Format::CloudEvents => "application/cloudevents+json",
    }
}

/// The body of the message about an event, the same at every attempt.
#[must_use]
pub fn body(event: &Recorded, format: Format) -> String {
    let time = event.at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let data = data(event);
    match format {
        Format::Standard => json!({ "type": event.kind, "timestamp": time, "data": data }),
        Format::CloudEvents => json!({
            "specversion": "1.0",
            "id": event.id,
            "source": format!("/wilayah/{}", event.area),
            "type": event.kind,
            "subject": event.subject,
            "time": time,
            "datacontenttype": "application/json",
            "data": data,
        }),
    }
    .to_string()
}

/// The data of the event, with what it is about and its place for those who also poll.
fn data(event: &Recorded) -> Value {
    let mut data = event.data.as_object().cloned().unwrap_or_default();
    let mut add = |key: &str, value: Value| {
        data.entry(key).or_insert(value);
    };
    add("id", json!(event.subject));
    add("area", json!(event.area));
    add("seq", json!(event.seq));
    Value::Object(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Recorded {
        Recorded {
            seq: 7,
            id: "evt_01h455vb4pex5vsknk084sn02q".to_owned(),
            kind: "surat.terbit".to_owned(),
            subject: "doc_01h455vb4pex5vsknk084sn02q".to_owned(),
            area: "17.07.05.2003".to_owned(),
            data: json!({ "letterType": "sktm" }),
            at: "2026-11-23T01:00:00.5Z".parse().unwrap(),
        }
    }

    #[test]
    fn line_32_a_message_is_type_time_and_ids() {
        let body: Value = serde_json::from_str(&body(&event(), Format::Standard)).unwrap();
        assert_eq!(
            body,
            json!({
                "type": "surat.terbit",
                "timestamp": "2026-11-23T01:00:00.500000Z",
                "data": {
                    "letterType": "sktm",
                    "id": "doc_01h455vb4pex5vsknk084sn02q",
                    "area": "17.07.05.2003",
                    "seq": 7,
                },
            })
        );
    }

    #[test]
    fn line_32_the_same_event_as_cloudevents_1_0() {
        let body: Value = serde_json::from_str(&body(&event(), Format::CloudEvents)).unwrap();
        for required in ["id", "source", "specversion", "type"] {
            assert!(body[required].as_str().is_some_and(|value| !value.is_empty()), "{required}");
        }
        assert_eq!(
            (body["id"].as_str(), body["type"].as_str()),
            (Some(event().id.as_str()), Some("surat.terbit"))
        );
        assert_eq!(body["data"]["id"], "doc_01h455vb4pex5vsknk084sn02q");
    }
}

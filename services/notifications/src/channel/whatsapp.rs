//! WhatsApp Cloud API: one message by `POST /{phone number}/messages`.
//!
//! The interface knows no idempotency key. The attempt is written before the call and `biz_opaque_callback_data` names it, so
//! that a status says whether a call without an answer was taken.

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use mpp_kit::config::{ExposeSecret as _, Secret};
use mpp_kit::outside;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Channel, Message, Report, Template, TemplateButton};
use crate::config::WhatsAppConfig;
use crate::domain::outcome::{Outcome, of_graph, of_http};
use crate::domain::template::parameter;

/// The longest label of a button.
const LABEL: usize = 20;

/// An account at WhatsApp.
pub(crate) struct WhatsApp {
    client: reqwest::Client,
    url: String,
    token: Secret,
}

/// An answer of the Graph API.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    messages: Vec<Taken>,
    error: Option<GraphError>,
}

#[derive(Deserialize)]
struct Taken {
    id: String,
}

/// The body of a refusal.
#[derive(Deserialize)]
struct GraphError {
    code: i64,
}

impl WhatsApp {
    /// The account of these settings.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn new(config: &WhatsAppConfig) -> anyhow::Result<Self> {
        Ok(Self {
            client: client(config)?,
            url: format!("{}/{}/messages", config.base_url.trim_end_matches('/'), config.phone_number_id),
            token: config.token.clone(),
        })
    }
}

/// A client for the Graph API.
pub(super) fn client(config: &WhatsAppConfig) -> anyhow::Result<reqwest::Client> {
    outside::client(Duration::from_secs(config.timeout_seconds.into()))
        .build()
        .context("setting up the client for WhatsApp")
}

/// The body of a call.
fn body(message: &Message) -> Value {
    let mut body = json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.address,
        "biz_opaque_callback_data": message.tag(),
    });
    let (kind, content) = match &message.template {
        Some(template) => ("template", of_template(template)),
        None if message.replies.is_empty() => {
            ("text", json!({ "preview_url": false, "body": message.with_links() }))
        }
        None => ("interactive", of_replies(message)),
    };
    body["type"] = kind.into();
    body[kind] = content;
    body
}

fn of_template(template: &Template) -> Value {
    let mut components = Vec::new();
    if !template.parameters.is_empty() {
        let parameters: Vec<Value> = template
            .parameters
            .iter()
            .map(|value| json!({ "type": "text", "text": parameter(value) }))
            .collect();
        components.push(json!({ "type": "body", "parameters": parameters }));
    }
    for (index, button) in template.buttons.iter().enumerate() {
        let (kind, parameter) = match button {
            TemplateButton::Url(end) => ("url", json!({ "type": "text", "text": end })),
            TemplateButton::QuickReply(payload) => {
                ("quick_reply", json!({ "type": "payload", "payload": payload }))
            }
        };
        components.push(json!({
            "type": "button",
            "sub_type": kind,
            "index": index.to_string(),
            "parameters": [parameter],
        }));
    }
    json!({
        "name": template.name,
        "language": { "code": template.language },
        "components": components,
    })
}

fn of_replies(message: &Message) -> Value {
    let buttons: Vec<Value> = message
        .replies
        .iter()
        .map(|(payload, label)| {
            let title: String = label.chars().take(LABEL).collect();
            json!({ "type": "reply", "reply": { "id": payload, "title": title } })
        })
        .collect();
    json!({
        "type": "button",
        "body": { "text": message.with_links() },
        "action": { "buttons": buttons },
    })
}

#[async_trait]
impl Channel for WhatsApp {
    async fn send(&self, message: &Message) -> Report {
        let call = self.client.post(&self.url).bearer_auth(self.token.expose_secret()).json(&body(message));
        let response = match call.send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() || error.is_builder() => {
                return Report::of(Outcome::ProviderFailed, "CONNECTION");
            }
            // The request went out, or may have.
            Err(error) => {
                return Report::of(
                    Outcome::Unclear,
                    if error.is_timeout() { "TIMEOUT" } else { "CONNECTION" },
                );
            }
        };
        let status = response.status().as_u16();
        let answer: Option<Answer> = response.json().await.ok();
        judge(status, answer)
    }
}

fn judge(status: u16, answer: Option<Answer>) -> Report {
    if let Some(GraphError { code }) = answer.as_ref().and_then(|answer| answer.error.as_ref()) {
        return Report::of(of_graph(*code).unwrap_or_else(|| of_http(status)), code);
    }
    let id = answer.and_then(|answer| answer.messages.into_iter().next()).map(|taken| taken.id);
    match (status, id) {
        (200..=299, Some(id)) if !id.is_empty() => Report::accepted(id),
        _ => Report::of(of_http(status), status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message {
            notification: "ntf_a".to_owned(),
            step: 1,
            reference: "ADU-1".to_owned(),
            address: "6281234567890".to_owned(),
            subject: String::new(),
            body: "Sudah?".to_owned(),
            template: None,
            links: Vec::new(),
            replies: vec![("sudah:ADU-1".to_owned(), "Sudah".to_owned())],
            reply_to: String::new(),
            unsubscribe: None,
            opening: None,
            at: "2026-11-26T01:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_message_is_a_text_with_buttons_inside_and_a_template_outside_of_the_window() {
        let inside = body(&message());
        assert_eq!(inside["interactive"]["action"]["buttons"][0]["reply"]["id"], "sudah:ADU-1");
        assert_eq!(inside["biz_opaque_callback_data"], "ntf_a.1");
        let outside = body(&Message {
            template: Some(Template {
                name: "jawaban_akhir_v1".to_owned(),
                language: "id".to_owned(),
                parameters: vec!["ADU-1".to_owned(), "a\nb".to_owned()],
                buttons: vec![
                    TemplateButton::Url("token".to_owned()),
                    TemplateButton::QuickReply("sudah:ADU-1".to_owned()),
                ],
            }),
            ..message()
        });
        let template = &outside["template"];
        assert_eq!(template["language"]["code"], "id");
        assert_eq!(template["components"][0]["parameters"][1]["text"], "a b");
        assert_eq!(template["components"][1]["sub_type"], "url");
        assert_eq!(template["components"][2]["index"], "1");
    }

    #[test]
    fn answers_are_read_by_code_then_by_status() {
        let answer = |text: &str| serde_json::from_str::<Answer>(text).ok();
        let refused = judge(400, answer(r#"{"error":{"code":131026}}"#));
        assert_eq!((refused.outcome, refused.code.as_str()), (Outcome::Undeliverable, "131026"));
        let taken = judge(200, answer(r#"{"messages":[{"id":"wamid.1"}]}"#));
        assert_eq!(taken.provider_id, "wamid.1");
        let unknown = judge(400, answer(r#"{"error":{"code":139999}}"#));
        assert_eq!((unknown.outcome, unknown.code.as_str()), (Outcome::Refused, "139999"), "not in hope");
        assert_eq!(judge(500, answer(r#"{"error":{"code":139999}}"#)).outcome, Outcome::ProviderFailed);
        assert_eq!(judge(200, None).outcome, Outcome::Unclear);
        assert_eq!(judge(502, None).outcome, Outcome::ProviderFailed);
        assert_eq!(judge(401, None).outcome, Outcome::AccountLocked);
    }
}

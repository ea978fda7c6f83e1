//! Direct messages at Facebook (Messenger) and Instagram: one by `POST /{account}/messages` of the Graph API.
//!
//! Nothing is ever written below a comment: what answers one goes to its author alone. The interface knows no idempotency key.
//! Messenger sends what we said back as an echo with our own tag in it (`metadata`), which tells whether a call without an answer
//! was taken; Instagram does not, so there such a call is repeated once.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use mpp_kit::config::{ExposeSecret as _, Secret};
use mpp_kit::outside;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Channel, Message, Report};
use crate::config::DirectConfig;
use crate::domain::direct::{Direct, Network, Opening};
use crate::domain::outcome::{Outcome, of_direct, of_http};

/// The longest label of a button.
const LABEL: usize = 20;

/// An account of ours at a network.
pub(crate) struct Account {
    client: reqwest::Client,
    url: String,
    token: Secret,
    human_agent: String,
    metadata: bool,
    /// What codes mean where the installation knows better.
    codes: BTreeMap<String, Outcome>,
}

/// An answer of the Graph API.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    recipient_id: String,
    message_id: String,
    error: Option<GraphError>,
}

/// The body of a refusal.
#[derive(Default, Deserialize)]
#[serde(default)]
struct GraphError {
    code: i64,
    error_subcode: i64,
}

impl Account {
    /// The account of these settings.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn new(network: Network, config: &DirectConfig) -> anyhow::Result<Self> {
        let client = outside::client(Duration::from_secs(config.timeout_seconds.into()))
            .build()
            .context("setting up the client for direct messages")?;
        let codes = config.codes.iter();
        Ok(Self {
            client,
            url: format!("{}/{}/messages", config.base_url.trim_end_matches('/'), config.sends_as()),
            token: config.token.clone(),
            human_agent: config.human_agent_tag.clone(),
            metadata: config.has_metadata(network),
            codes: codes.filter_map(|(code, word)| Some((code.clone(), Outcome::of_word(word)?))).collect(),
        })
    }

    /// The body of a call. `None` for what is no direct message, or may not go out.
    fn body(&self, to: &Direct, message: &Message) -> Option<Value> {
        let mut content = json!({ "text": message.with_links() });
        if !message.replies.is_empty() {
            let replies = message.replies.iter().map(|(payload, label)| {
                let title: String = label.chars().take(LABEL).collect();
                json!({ "content_type": "text", "title": title, "payload": payload })
            });
            content["quick_replies"] = replies.collect();
        }
        if self.metadata {
            content["metadata"] = message.tag().into();
        }
        let mut body =
            json!({ "recipient": { "id": to.user }, "messaging_type": "RESPONSE", "message": content });
        match message.opening? {
            Opening::Response => {}
            Opening::PrivateReply => body["recipient"] = json!({ "comment_id": to.comment.as_ref()?.0 }),
            Opening::HumanAgent => {
                body["messaging_type"] = "MESSAGE_TAG".into();
                body["tag"] = self.human_agent.as_str().into();
            }
        }
        Some(body)
    }

    fn judge(&self, (status, answer): (u16, Option<Answer>), opening: Option<Opening>) -> Report {
        let Some(answer) = answer else { return Report::of(of_http(status), status) };
        if let Some(GraphError { code, error_subcode }) = answer.error {
            let whole = format!("{code}/{error_subcode}");
            let told = self.codes.get(&whole).or_else(|| self.codes.get(&code.to_string())).cloned();
            let outcome = told.or_else(|| of_direct(code, error_subcode)).unwrap_or_else(|| of_http(status));
            return Report::of(outcome, if error_subcode == 0 { code.to_string() } else { whole });
        }
        match status {
            200..=299 if !answer.message_id.is_empty() => {
                let replied = (opening == Some(Opening::PrivateReply)).then_some(answer.recipient_id);
                Report { replied, ..Report::accepted(answer.message_id) }
            }
            _ => Report::of(of_http(status), status),
        }
    }
}

#[async_trait]
impl Channel for Account {
    async fn send(&self, message: &Message) -> Report {
        let to = message.address.parse::<Direct>().ok();
        let Some(body) = to.and_then(|to| self.body(&to, message)) else {
            return Report::of(Outcome::Refused, "NO_ADDRESS");
        };
        let call = self.client.post(&self.url).bearer_auth(self.token.expose_secret()).json(&body);
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
        self.judge((status, response.json().await.ok()), message.opening)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(change: impl FnOnce(&mut DirectConfig)) -> Account {
        // As `component` does: a client needs a provider.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let mut config = DirectConfig { id: "1".to_owned(), ..DirectConfig::default() };
        config.human_agent_tag = "HUMAN_AGENT".to_owned();
        change(&mut config);
        Account::new(Network::Facebook, &config).unwrap()
    }

    fn message(address: &str, opening: Opening) -> Message {
        Message {
            notification: "ntf_a".to_owned(),
            step: 1,
            reference: "cmp_1".to_owned(),
            address: address.to_owned(),
            subject: String::new(),
            body: "Sudah?".to_owned(),
            template: None,
            links: Vec::new(),
            replies: vec![("sudah:cmp_1".to_owned(), "Sudah".to_owned())],
            reply_to: String::new(),
            unsubscribe: None,
            opening: Some(opening),
            at: "2026-11-26T01:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn c_09_a_comment_is_answered_to_its_author_alone() {
        let account = account(|_| {});
        let body = |address: &str, opening| {
            let message = message(address, opening);
            account.body(&address.parse().unwrap(), &message).unwrap()
        };
        let answer = body("facebook/1/42", Opening::Response);
        assert_eq!(answer["recipient"], json!({ "id": "42" }));
        assert_eq!(answer["message"]["metadata"], "ntf_a.1");
        assert_eq!(answer["message"]["quick_replies"][0]["payload"], "sudah:cmp_1");
        let private = body("facebook/1//7_8/1757810000", Opening::PrivateReply);
        assert_eq!(private["recipient"], json!({ "comment_id": "7_8" }));
        let later = body("facebook/1/42", Opening::HumanAgent);
        assert_eq!((&later["messaging_type"], &later["tag"]), (&json!("MESSAGE_TAG"), &json!("HUMAN_AGENT")));
        assert!(account.url.ends_with("/1/messages"), "never an edge of a comment");
    }

    #[test]
    fn answers_are_read_by_code_and_subcode_and_the_installation_may_know_better() {
        let answer = |text: &str| serde_json::from_str::<Answer>(text).ok();
        let plain = account(|_| {});
        let refused = plain.judge((400, answer(r#"{"error":{"code":10,"error_subcode":2018278}}"#)), None);
        assert_eq!((refused.outcome, refused.code.as_str()), (Outcome::WindowClosed, "10/2018278"));
        let taken = plain
            .judge((200, answer(r#"{"recipient_id":"42","message_id":"m_1"}"#)), Some(Opening::PrivateReply));
        assert_eq!((taken.provider_id.as_str(), taken.replied.as_deref()), ("m_1", Some("42")));
        let taken = plain
            .judge((200, answer(r#"{"recipient_id":"42","message_id":"m_1"}"#)), Some(Opening::Response));
        assert_eq!(taken.replied, None);
        assert_eq!(plain.judge((200, answer("{}")), None).outcome, Outcome::Unclear);
        assert_eq!(plain.judge((500, None), None).outcome, Outcome::ProviderFailed);
        let told = account(|config| {
            config.codes =
                [("10/77".to_owned(), "WINDOW_CLOSED".to_owned()), ("999".to_owned(), "BUSY".to_owned())]
                    .into();
        });
        let of = |text: &str| told.judge((400, answer(text)), None).outcome;
        assert_eq!(of(r#"{"error":{"code":10,"error_subcode":77}}"#), Outcome::WindowClosed);
        assert_eq!(of(r#"{"error":{"code":999,"error_subcode":1}}"#), Outcome::Busy);
        assert_eq!(of(r#"{"error":{"code":551}}"#), Outcome::Undeliverable);
    }
}

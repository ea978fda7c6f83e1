//! Templates at Meta: what was offered here is offered there (`POST /{account}/message_templates`), and what Meta says of it is
//! asked for (`GET`), besides being told by webhook.
//!
//! A refusal is either of the template, which nobody offers again, or of the account, which comes back.

use mpp_kit::config::{ExposeSecret as _, Secret};
use reqwest::RequestBuilder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::webhook::TemplateNews;
use super::whatsapp::client;
use crate::config::WhatsAppConfig;
use crate::domain::outcome::{Outcome, of_graph, of_http};
use crate::domain::template::{self, Part, TemplateError};
use crate::domain::variant::ButtonKind;
use crate::store::variant::Variant;

/// The templates of an account.
pub(crate) struct Templates {
    client: reqwest::Client,
    url: String,
    token: Secret,
    /// The address that a link button leads to, without its end.
    links: String,
}

/// What came of an offer.
pub(crate) enum Offer {
    /// Meta has it; what it says of it at once.
    Taken(TemplateNews),
    /// Meta does not take it as it is, for this reason.
    Refused(String),
    /// Meta does not answer, or does not let us in: nothing is said about the template.
    Trouble(String),
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    data: Vec<Known>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    next: Option<String>,
}

#[derive(Deserialize)]
struct Known {
    name: String,
    language: String,
    status: String,
    rejected_reason: Option<String>,
}

#[derive(Deserialize)]
struct Offered {
    status: Option<String>,
}

#[derive(Deserialize)]
struct Body {
    error: Option<Fault>,
}

/// The error of an answer.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fault {
    code: i64,
    error_subcode: Option<i64>,
    message: String,
    /// The same in words for people, where Meta has some.
    error_user_msg: String,
}

/// Why a call came to nothing.
struct Failure {
    /// Whether it is about what was sent, rather than about the account or the way there.
    of_content: bool,
    reason: String,
}

impl Failure {
    fn away(reason: impl ToString) -> Self {
        Self { of_content: false, reason: reason.to_string() }
    }

    fn of(status: u16, fault: Option<Fault>) -> Self {
        let known = fault.as_ref().and_then(|fault| of_graph(fault.code));
        let of_content = match known.unwrap_or_else(|| of_http(status)) {
            Outcome::Refused | Outcome::TemplateUnusable => true,
            Outcome::Accepted
            | Outcome::Delivered
            | Outcome::PairRate
            | Outcome::Throughput
            | Outcome::WindowClosed
            | Outcome::AlreadyAnswered
            | Outcome::Undeliverable
            | Outcome::HeldBack
            | Outcome::Busy
            | Outcome::ProviderFailed
            | Outcome::AccountLocked
            | Outcome::Unclear => false,
        };
        Self { of_content, reason: fault.map_or_else(|| format!("HTTP {status}"), |fault| fault.words()) }
    }
}

impl Fault {
    /// `100/2388299: Variables can't be at the start or end`.
    fn words(self) -> String {
        let words = if self.error_user_msg.is_empty() { self.message } else { self.error_user_msg };
        let subcode = self.error_subcode.map(|subcode| format!("/{subcode}")).unwrap_or_default();
        let words = format!("{}{subcode}: {}", self.code, words.trim());
        words.chars().take(REASON).collect()
    }
}

/// The most pages of templates that are read: an account has at most 6000, 100 on a page.
const PAGES: usize = 60;
/// The most characters that are kept of a reason.
const REASON: usize = 500;

impl Templates {
    /// The templates of these settings; `None` without the id of the business account. `base_url` is where people reach the
    /// gateway.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn new(config: &WhatsAppConfig, base_url: &str) -> anyhow::Result<Option<Self>> {
        if config.business_account_id.is_empty() {
            return Ok(None);
        }
        let base = config.base_url.trim_end_matches('/');
        Ok(Some(Self {
            client: client(config)?,
            url: format!("{base}/{}/message_templates", config.business_account_id),
            token: config.token.clone(),
            links: format!("{base_url}/aksi/"),
        }))
    }

    /// What Meta says of every template.
    ///
    /// # Errors
    /// Why Meta does not say it.
    pub(crate) async fn known(&self) -> Result<Vec<TemplateNews>, String> {
        let mut found = Vec::new();
        let mut url = format!("{}?fields=name,language,status,rejected_reason&limit=100", self.url);
        for _ in 0..PAGES {
            let page: Page = self.call(self.client.get(&url)).await.map_err(|failure| failure.reason)?;
            found.extend(page.data.into_iter().map(|known| TemplateNews {
                name: known.name,
                language: known.language,
                event: known.status,
                reason: known.rejected_reason.filter(|reason| reason != "NONE").unwrap_or_default(),
            }));
            match page.paging.and_then(|paging| paging.next) {
                // The address is the provider's own; it must not lead elsewhere with our token.
                Some(next) if next.starts_with(&self.url) => url = next,
                Some(_) | None => break,
            }
        }
        Ok(found)
    }

    /// Offers a variant.
    pub(crate) async fn offer(&self, variant: &Variant) -> Offer {
        let body = match self.body(variant) {
            Ok(body) => body,
            Err(error) => return Offer::Refused(error.to_string()),
        };
        match self.call::<Offered>(self.client.post(&self.url).json(&body)).await {
            Ok(offered) => Offer::Taken(TemplateNews {
                name: variant.template_name.clone(),
                language: variant.key.language.clone(),
                event: offered.status.unwrap_or_else(|| "PENDING".to_owned()),
                reason: String::new(),
            }),
            Err(Failure { of_content: true, reason }) => Offer::Refused(reason),
            Err(Failure { of_content: false, reason }) => Offer::Trouble(reason),
        }
    }

    async fn call<T: DeserializeOwned>(&self, call: RequestBuilder) -> Result<T, Failure> {
        let away =
            |error: reqwest::Error| Failure::away(if error.is_timeout() { "TIMEOUT" } else { "CONNECTION" });
        let response = call.bearer_auth(self.token.expose_secret()).send().await.map_err(away)?;
        let status = response.status();
        let body = response.bytes().await.map_err(away)?;
        let fault = serde_json::from_slice::<Body>(&body).ok().and_then(|body| body.error);
        if fault.is_some() || !status.is_success() {
            return Err(Failure::of(status.as_u16(), fault));
        }
        serde_json::from_slice(&body).map_err(|_| Failure::away("ANSWER"))
    }

    /// A variant as Meta takes it: gaps are numbered, with an example for each.
    fn body(&self, variant: &Variant) -> Result<Value, TemplateError> {
        let parts = template::parse(&variant.body)?;
        let gaps = template::gaps(&parts);
        let text: String = parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Gap(name) => {
                    let place = gaps.iter().position(|gap| gap == name).unwrap_or_default() + 1;
                    format!("{{{{{place}}}}}")
                }
            })
            .collect();
        let mut body = json!({ "type": "BODY", "text": text });
        if !gaps.is_empty() {
            body["example"] = json!({ "body_text": [gaps] });
        }
        let mut components = vec![body];
        if !variant.buttons.is_empty() {
            let buttons: Vec<Value> = variant
                .buttons
                .iter()
                .map(|button| match button.kind {
                    ButtonKind::Link => json!({
                        "type": "URL",
                        "text": button.label,
                        "url": format!("{}{{{{1}}}}", self.links),
                        "example": [format!("{}contoh", self.links)],
                    }),
                    ButtonKind::Reply => json!({ "type": "QUICK_REPLY", "text": button.label }),
                })
                .collect();
            components.push(json!({ "type": "BUTTONS", "buttons": buttons }));
        }
        Ok(json!({
            "name": variant.template_name,
            "language": variant.key.language,
            "category": "UTILITY",
            "components": components,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n_22_a_refusal_of_a_template_is_told_from_trouble_with_the_account() {
        let fault = |text: &str| serde_json::from_str::<Body>(text).unwrap().error;
        let wrong = Failure::of(
            400,
            fault(
                r#"{"error":{"code":100,"error_subcode":2388299,"message":"Invalid parameter",
                    "error_user_msg":"Variables can't be at the end."}}"#,
            ),
        );
        assert_eq!(
            (wrong.of_content, wrong.reason.as_str()),
            (true, "100/2388299: Variables can't be at the end.")
        );
        for (status, text, of_content) in [
            (400, r#"{"error":{"code":2388024,"message":"exists"}}"#, true),
            (401, r#"{"error":{"code":190,"message":"expired"}}"#, false),
            (403, r#"{"error":{"code":200,"message":"permission"}}"#, false),
            (400, r#"{"error":{"code":80008,"message":"too many"}}"#, false),
            (500, r#"{"error":{"code":2,"message":"down"}}"#, false),
            (502, "{}", false),
        ] {
            assert_eq!(Failure::of(status, fault(text)).of_content, of_content, "{status} {text}");
        }
        let long = Fault { message: "x".repeat(2000), ..Fault::default() };
        assert_eq!(long.words().chars().count(), REASON);
    }
}

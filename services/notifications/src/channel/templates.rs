//! Templates at Meta: what was offered here is offered there (`POST /{account}/message_templates`), and what Meta says of it is
//! asked for (`GET`), besides being told by webhook.

use anyhow::Context as _;
use mpp_kit::config::{ExposeSecret as _, Secret};
use serde::Deserialize;
use serde_json::{Value, json};

use super::webhook::TemplateNews;
use super::whatsapp::{GraphError, client};
use crate::config::WhatsAppConfig;
use crate::domain::template::{self, Part};
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

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    data: Vec<Known>,
    error: Option<GraphError>,
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
    error: Option<GraphError>,
}

/// The most pages of templates that are read: an account has at most 6000, 100 on a page.
const PAGES: usize = 60;

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
    /// When Meta does not answer, or refuses.
    pub(crate) async fn known(&self) -> anyhow::Result<Vec<TemplateNews>> {
        let mut found = Vec::new();
        let mut url = format!("{}?fields=name,language,status,rejected_reason&limit=100", self.url);
        for _ in 0..PAGES {
            let call = self.client.get(&url).bearer_auth(self.token.expose_secret());
            let page: Page = call.send().await?.json().await.context("a page of templates")?;
            if let Some(GraphError { code }) = page.error {
                anyhow::bail!("the list of templates was refused with code {code}");
            }
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

    /// Offers a variant. Answers what Meta says of it at once.
    ///
    /// # Errors
    /// When Meta does not answer, or refuses.
    pub(crate) async fn offer(&self, variant: &Variant) -> anyhow::Result<TemplateNews> {
        let call =
            self.client.post(&self.url).bearer_auth(self.token.expose_secret()).json(&self.body(variant)?);
        let offered: Offered = call.send().await?.json().await.context("the answer to a template")?;
        if let Some(GraphError { code }) = offered.error {
            anyhow::bail!("template {} was refused with code {code}", variant.template_name);
        }
        Ok(TemplateNews {
            name: variant.template_name.clone(),
            language: variant.key.language.clone(),
            event: offered.status.unwrap_or_else(|| "PENDING".to_owned()),
            reason: String::new(),
        })
    }

    /// A variant as Meta takes it: gaps are numbered, with an example for each.
    fn body(&self, variant: &Variant) -> anyhow::Result<Value> {
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

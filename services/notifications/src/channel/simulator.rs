//! A stand-in for WhatsApp Cloud API, for the demo and for tests: a real HTTP server that enforces what is documented (bearer
//! token, shape of messages, templates with their approval and parameters, the window of 24 hours, the pair rate, the
//! throughput) and answers refusals in the Graph API's body. What it tells, it signs as Meta does.
//!
//! It is stricter than the real one: unknown fields of a message are refused, and the pair rate has no burst. It remembers
//! everything. What it answers next can be set, to see how the other side bears it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, header};
use mpp_kit::clock::Clock;
use serde_json::{Value, json};

use super::graph_simulator::{Asked, Graph, Server};
pub use super::graph_simulator::{Call, Whim};

/// How long free text may be sent after a message of the other side.
const WINDOW: TimeDelta = TimeDelta::hours(24);
/// Between two messages to one recipient.
const PAIR: TimeDelta = TimeDelta::seconds(6);

/// An account of the simulator.
#[derive(Debug, Clone)]
pub struct Account {
    /// The id of the number.
    pub phone_number_id: String,
    /// The id of the business account.
    pub business_account_id: String,
    /// The token that calls present.
    pub token: String,
    /// The secret that webhooks are signed with.
    pub app_secret: String,
    /// Messages in a second.
    pub per_second: u32,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            phone_number_id: "100000000000001".to_owned(),
            business_account_id: "200000000000002".to_owned(),
            token: "simulator-token".to_owned(),
            app_secret: "simulator-secret".to_owned(),
            per_second: 80,
        }
    }
}

/// A message that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// `wamid.…`.
    pub id: String,
    /// To whom.
    pub to: String,
    /// What was called with.
    pub body: Value,
    /// When.
    pub at: DateTime<Utc>,
}

impl Taken {
    /// What the caller named it by: `biz_opaque_callback_data`.
    #[must_use]
    pub fn tag(&self) -> &str {
        self.body["biz_opaque_callback_data"].as_str().unwrap_or_default()
    }
}

/// A template as it is known there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    status: String,
    parameters: usize,
    buttons: Vec<&'static str>,
}

#[derive(Debug, Default)]
struct Inside {
    templates: BTreeMap<(String, String), Known>,
    wrote: BTreeMap<String, DateTime<Utc>>,
    last: BTreeMap<String, DateTime<Utc>>,
    second: (i64, u32),
    nobody: BTreeSet<String>,
    taken: Vec<Taken>,
    whims: VecDeque<Whim>,
    approves: bool,
    calls: u64,
    offers: u64,
    locked: Option<i64>,
    told: u64,
}

/// The simulator. Ends with the last clone.
#[derive(Clone)]
pub struct Simulator {
    account: Account,
    clock: Arc<dyn Clock>,
    inside: Arc<Mutex<Inside>>,
    server: Arc<Server>,
}

/// Why something is not taken: HTTP status, code and details.
struct Refusal(u16, i64, String);

impl Simulator {
    /// Starts on any free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(account: Account, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let inside = Arc::new(Mutex::new(Inside { approves: true, ..Inside::default() }));
        let numbers =
            Numbers { account: account.clone(), clock: Arc::clone(&clock), inside: Arc::clone(&inside) };
        let server = Arc::new(Server::start(numbers).await?);
        Ok(Self { account, clock, inside, server })
    }

    /// The address of its Graph API: the setting `base_url`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Its account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Settings with which notifications sends here.
    #[must_use]
    pub fn settings(&self) -> crate::WhatsAppConfig {
        crate::WhatsAppConfig {
            base_url: self.server.url.clone(),
            phone_number_id: self.account.phone_number_id.clone(),
            business_account_id: self.account.business_account_id.clone(),
            token: self.account.token.clone().into(),
            app_secret: self.account.app_secret.clone().into(),
            verify_token: "simulator-verify".into(),
            ..crate::WhatsAppConfig::default()
        }
    }

    /// What the next calls are answered, in turn.
    pub fn whim(&self, whims: &[Whim]) {
        self.inside().whims.extend(whims);
    }

    /// Whether templates that are offered are approved at once; otherwise they are pending.
    pub fn approve_templates(&self, approves: bool) {
        self.inside().approves = approves;
    }

    /// Says what became of a template. Answers the call that tells it.
    pub fn set_template(&self, name: &str, language: &str, status: &str, reason: &str) -> Call {
        let key = (name.to_owned(), language.to_owned());
        if let Some(known) = self.inside().templates.get_mut(&key) {
            status.clone_into(&mut known.status);
        }
        self.call(
            "message_template_status_update",
            json!({
                "event": status,
                "message_template_id": 1,
                "message_template_name": name,
                "message_template_language": language,
                "reason": if reason.is_empty() { "NONE" } else { reason },
            }),
        )
    }

    /// Makes a number one that WhatsApp does not have.
    pub fn without_whatsapp(&self, number: &str) {
        self.inside().nobody.insert(number.to_owned());
    }

    /// Every message that was taken, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        self.inside().taken.clone()
    }

    /// How often messages were called for, also what was refused.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.inside().calls
    }

    /// Whether everything about templates is refused, and with which code.
    pub fn lock_templates(&self, code: Option<i64>) {
        self.inside().locked = code;
    }

    /// How often templates were offered, also what was refused.
    #[must_use]
    pub fn offers(&self) -> u64 {
        self.inside().offers
    }

    /// Somebody writes: opens its window, and answers the call that tells it.
    pub fn write(&self, from: &str, text: &str) -> Call {
        self.write_all(from, &[text])
    }

    /// Somebody writes several messages within a second; one call tells them all.
    pub fn write_all(&self, from: &str, texts: &[&str]) -> Call {
        let texts = texts.iter().map(|text| json!({ "type": "text", "text": { "body": text } }));
        self.deliver_all(from, "Warga", texts.collect())
    }

    /// As [`Simulator::write`], by somebody whose profile shows this name, a message of any type.
    pub fn deliver(&self, from: &str, name: &str, message: Value) -> Call {
        self.deliver_all(from, name, vec![message])
    }

    fn deliver_all(&self, from: &str, name: &str, mut messages: Vec<Value>) -> Call {
        let now = self.clock.now();
        for message in &mut messages {
            let mut inside = self.inside();
            inside.wrote.insert(from.to_owned(), now);
            inside.told += 1;
            message["from"] = from.into();
            message["id"] = format!("wamid.in.{}", inside.told).into();
            message["timestamp"] = now.timestamp().to_string().into();
        }
        self.messages(json!({
            "contacts": [{ "profile": { "name": name }, "wa_id": from }],
            "messages": messages,
        }))
    }

    /// The call that tells statuses of messages: `(wamid, sent | delivered | read | failed, code)`.
    #[must_use]
    pub fn statuses(&self, told: &[(&str, &str, i64)]) -> Call {
        let now = self.clock.now().timestamp().to_string();
        let taken = self.taken();
        let statuses: Vec<Value> = told
            .iter()
            .map(|(id, status, code)| {
                let of = taken.iter().find(|taken| taken.id == *id);
                let mut told = json!({
                    "id": id,
                    "status": status,
                    "timestamp": now,
                    "recipient_id": of.map_or("", |taken| &taken.to),
                    "biz_opaque_callback_data": of.map_or("", Taken::tag),
                });
                if *code != 0 {
                    told["errors"] = json!([{ "code": code, "title": title(*code) }]);
                }
                told
            })
            .collect();
        self.messages(json!({ "statuses": statuses }))
    }

    /// Posts a call to a webhook, as Meta does. Answers the HTTP status.
    ///
    /// # Errors
    /// When the webhook does not answer.
    pub async fn post(&self, http: &reqwest::Client, url: &str, call: Call) -> reqwest::Result<u16> {
        let request = http
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("X-Hub-Signature-256", call.signature)
            .body(call.body);
        Ok(request.send().await?.status().as_u16())
    }

    /// Tells a webhook for ever that what was taken was sent, delivered and read: what a demo needs. A webhook that does not
    /// answer is told again.
    pub async fn report_everything(self, url: String, every: Duration) {
        let http = reqwest::Client::new();
        let mut at = 0;
        loop {
            tokio::time::sleep(every).await;
            let taken = self.taken();
            let news: Vec<&str> = taken.iter().skip(at).map(|taken| taken.id.as_str()).collect();
            if news.is_empty() {
                continue;
            }
            let told: Vec<_> = news
                .iter()
                .flat_map(|id| [(*id, "sent", 0), (*id, "delivered", 0), (*id, "read", 0)])
                .collect();
            let call = self.statuses(&told);
            if self.post(&http, &url, call).await.is_ok_and(|status| status == 200) {
                at = taken.len();
            }
        }
    }

    fn messages(&self, mut value: Value) -> Call {
        value["messaging_product"] = "whatsapp".into();
        value["metadata"] = json!({
            "display_phone_number": "625110000000",
            "phone_number_id": self.account.phone_number_id,
        });
        self.call("messages", value)
    }

    fn call(&self, field: &str, value: Value) -> Call {
        let body = json!({
            "object": "whatsapp_business_account",
            "entry": [{
                "id": self.account.business_account_id,
                "changes": [{ "field": field, "value": value }],
            }],
        });
        Call::signed(&self.account.app_secret, &body)
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What answers calls: messages of the number, templates of the business account.
struct Numbers {
    account: Account,
    clock: Arc<dyn Clock>,
    inside: Arc<Mutex<Inside>>,
}

/// The parts of a path: version, id and edge.
fn parts(asked: &Asked) -> Option<(&str, &str)> {
    let parts: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        [_version, id, edge] => Some((*id, *edge)),
        _ => None,
    }
}

impl Graph for Numbers {
    type Refusal = Refusal;

    fn token(&self) -> &str {
        &self.account.token
    }

    fn is_message(&self, asked: &Asked) -> bool {
        asked.method == Method::POST && parts(asked).is_some_and(|(_, edge)| edge == "messages")
    }

    fn whim(&self) -> Option<Whim> {
        let mut inside = self.inside();
        inside.calls += 1;
        inside.whims.pop_front()
    }

    fn message(&self, asked: &Asked) -> Result<Value, Refusal> {
        let body: Value = serde_json::from_slice(&asked.body)
            .map_err(|_| Refusal(400, 100, "The body is not valid JSON".to_owned()))?;
        if !asked.authorised {
            return Err(unauthorised());
        }
        if parts(asked).is_none_or(|(number, _)| number != self.account.phone_number_id) {
            return Err(Refusal(400, 33, "The number does not exist or is not yours".to_owned()));
        }
        let to = shape(&body)?;
        let now = self.clock.now();
        let mut inside = self.inside();
        if inside.second.0 != now.timestamp() {
            inside.second = (now.timestamp(), 0);
        }
        if inside.second.1 >= self.account.per_second {
            return Err(Refusal(400, 130_429, "Cloud API message throughput has been reached".to_owned()));
        }
        if inside.last.get(to).is_some_and(|last| now < *last + PAIR) {
            return Err(Refusal(400, 131_056, "Too many messages to this recipient".to_owned()));
        }
        if inside.nobody.contains(to) {
            return Err(Refusal(400, 131_026, "Message undeliverable".to_owned()));
        }
        if body["type"] == "template" {
            check_template(&inside, &body["template"])?;
        } else if inside.wrote.get(to).is_none_or(|wrote| now >= *wrote + WINDOW) {
            return Err(Refusal(400, 131_047, "More than 24 hours have passed".to_owned()));
        }
        inside.second.1 += 1;
        inside.last.insert(to.to_owned(), now);
        let id = format!("wamid.{}", inside.taken.len() + 1);
        let taken = Taken { id: id.clone(), to: to.to_owned(), body: body.clone(), at: now };
        inside.taken.push(taken);
        Ok(json!({
            "messaging_product": "whatsapp",
            "contacts": [{ "input": to, "wa_id": to }],
            "messages": [{ "id": id, "message_status": "accepted" }],
        }))
    }

    fn other(&self, asked: &Asked) -> Result<Value, Refusal> {
        let Some((id, edge)) = parts(asked) else {
            return Err(Refusal(404, 2500, "Unknown path components".to_owned()));
        };
        if edge != "message_templates" || id != self.account.business_account_id {
            return Err(Refusal(400, 33, "Unsupported request".to_owned()));
        }
        if !asked.authorised {
            return Err(unauthorised());
        }
        let locked = self.inside().locked;
        if let Some(code) = locked {
            return Err(Refusal(400, code, "As told".to_owned()));
        }
        match asked.method {
            Method::GET => Ok(self.templates()),
            Method::POST => {
                self.inside().offers += 1;
                self.offer(&asked.body)
            }
            _ => Err(Refusal(405, 100, "Unsupported method".to_owned())),
        }
    }

    fn wrong(code: i64, words: &'static str) -> Refusal {
        Refusal(400, code, words.to_owned())
    }

    fn refused(Refusal(status, code, details): &Refusal) -> (u16, Value) {
        let body = json!({ "error": {
            "message": format!("(#{code}) {}", title(*code)),
            "type": "OAuthException",
            "code": code,
            "error_data": { "messaging_product": "whatsapp", "details": details },
            "error_user_msg": details,
            "fbtrace_id": "simulator",
        } });
        (*status, body)
    }
}

impl Numbers {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn templates(&self) -> Value {
        let inside = self.inside();
        let data: Vec<Value> = inside
            .templates
            .iter()
            .map(|((name, language), known)| {
                json!({ "name": name, "language": language, "status": known.status, "rejected_reason": "NONE" })
            })
            .collect();
        json!({ "data": data })
    }

    /// Takes a template that is offered.
    fn offer(&self, body: &[u8]) -> Result<Value, Refusal> {
        let wrong = |details: &str| Refusal(400, 100, details.to_owned());
        let body: Value = serde_json::from_slice(body).map_err(|_| wrong("The body is not valid JSON"))?;
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let (name, language) = (text("name"), text("language"));
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || name.len() > 512 || !name.chars().all(is_name) {
            return Err(wrong("A template name has lower-case letters, digits and _"));
        }
        if language.is_empty() || text("category").is_empty() {
            return Err(wrong("A template has a language and a category"));
        }
        let components = body["components"].as_array().cloned().unwrap_or_default();
        let Some(content) = components.iter().find(|it| it["type"] == "BODY") else {
            return Err(wrong("A template has a body"));
        };
        let content = content["text"].as_str().unwrap_or_default();
        if content.is_empty() || content.chars().count() > 1024 {
            return Err(wrong("A body has 1 to 1024 characters"));
        }
        if content.starts_with("{{") || content.ends_with("}}") {
            return Err(wrong("Variables can't be at the start or end of the template"));
        }
        let parameters = (1..).take_while(|place| content.contains(&format!("{{{{{place}}}}}"))).count();
        let buttons = components.iter().find(|it| it["type"] == "BUTTONS");
        let buttons = buttons
            .and_then(|it| it["buttons"].as_array())
            .into_iter()
            .flatten()
            .map(|button| if button["type"] == "URL" { "url" } else { "quick_reply" })
            .collect();
        let mut inside = self.inside();
        if inside.templates.contains_key(&(name.clone(), language.clone())) {
            return Err(Refusal(400, 2_388_024, "There is already a template of this name".to_owned()));
        }
        let status = if inside.approves { "APPROVED" } else { "PENDING" };
        let known = Known { status: status.to_owned(), parameters, buttons };
        inside.templates.insert((name, language), known);
        Ok(json!({ "id": "1", "status": status, "category": "UTILITY" }))
    }
}

fn unauthorised() -> Refusal {
    Refusal(401, 190, "Invalid OAuth access token".to_owned())
}

/// The recipient of a message whose shape is right.
fn shape(body: &Value) -> Result<&str, Refusal> {
    let wrong = |details: &str| Refusal(400, 100, details.to_owned());
    let Some(fields) = body.as_object() else { return Err(wrong("The body is no object")) };
    let kind = body["type"].as_str().unwrap_or_default();
    let known = ["messaging_product", "recipient_type", "to", "type", "biz_opaque_callback_data", kind];
    if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(wrong(&format!("Unexpected key \"{unknown}\"")));
    }
    if body["messaging_product"] != "whatsapp" {
        return Err(wrong("messaging_product must be whatsapp"));
    }
    let to = body["to"].as_str().unwrap_or_default();
    if !crate::domain::channel::is_number(to) {
        return Err(Refusal(400, 131_009, "Parameter value is not valid: to".to_owned()));
    }
    if body["biz_opaque_callback_data"].as_str().is_some_and(|data| data.len() > 512) {
        return Err(wrong("biz_opaque_callback_data has at most 512 characters"));
    }
    let content = &body[kind];
    let length = |text: &Value| text.as_str().map_or(0, |text| text.chars().count());
    match kind {
        "text" if !(1..=4096).contains(&length(&content["body"])) => {
            Err(wrong("A text has 1 to 4096 characters"))
        }
        "interactive" => {
            let buttons = content["action"]["buttons"].as_array().cloned().unwrap_or_default();
            let titles = buttons.iter().all(|button| {
                (1..=20).contains(&length(&button["reply"]["title"]))
                    && (1..=256).contains(&length(&button["reply"]["id"]))
            });
            if content["type"] != "button" || !(1..=3).contains(&buttons.len()) || !titles {
                return Err(wrong("1 to 3 buttons with titles of 1 to 20 characters"));
            }
            if !(1..=1024).contains(&length(&content["body"]["text"])) {
                return Err(wrong("A body has 1 to 1024 characters"));
            }
            Ok(to)
        }
        "text" | "template" => Ok(to),
        _ => Err(Refusal(400, 131_051, "Unsupported message type".to_owned())),
    }
}

/// Whether a template may be sent with these parameters.
fn check_template(inside: &Inside, template: &Value) -> Result<(), Refusal> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let key = (text(&template["name"]), text(&template["language"]["code"]));
    let Some(known) = inside.templates.get(&key) else {
        return Err(Refusal(404, 132_001, "Template name does not exist in the translation".to_owned()));
    };
    match known.status.as_str() {
        "APPROVED" => {}
        "PAUSED" => return Err(Refusal(400, 132_015, "Template is paused".to_owned())),
        "DISABLED" => return Err(Refusal(400, 132_016, "Template is disabled".to_owned())),
        _ => return Err(Refusal(404, 132_001, "Template is not approved".to_owned())),
    }
    let components = template["components"].as_array().cloned().unwrap_or_default();
    let body = components.iter().find(|it| it["type"] == "body");
    let parameters = body.and_then(|it| it["parameters"].as_array()).cloned().unwrap_or_default();
    if parameters.len() != known.parameters {
        return Err(Refusal(400, 132_000, "Number of parameters does not match".to_owned()));
    }
    for parameter in &parameters {
        let text = parameter["text"].as_str().unwrap_or_default();
        if text.is_empty() || text.contains(['\n', '\t']) || text.contains("     ") {
            return Err(Refusal(400, 132_018, "A parameter is empty or has line breaks".to_owned()));
        }
    }
    let buttons: Vec<String> =
        components.iter().filter(|it| it["type"] == "button").map(|it| text(&it["sub_type"])).collect();
    let in_order = components
        .iter()
        .filter(|it| it["type"] == "button")
        .enumerate()
        .all(|(place, it)| it["index"].as_str() == Some(place.to_string().as_str()));
    if buttons != known.buttons || !in_order {
        return Err(Refusal(400, 132_000, "Buttons do not match the template".to_owned()));
    }
    Ok(())
}

fn title(code: i64) -> &'static str {
    match code {
        100 => "Invalid parameter",
        190 => "Access token has expired",
        130_429 => "Rate limit hit",
        131_026 => "Message undeliverable",
        131_047 => "Re-engagement message",
        131_056 => "Pair rate limit hit",
        132_000..=132_999 => "Template error",
        _ => "Error",
    }
}

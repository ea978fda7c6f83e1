//! A stand-in for the direct messages of Facebook and Instagram, for the demo and for tests: a real HTTP server that enforces what
//! is documented (bearer token, shape of messages, the window of 24 hours, the tag for answers of people, one private answer to a
//! comment within seven days, the length of texts, the rate) and answers refusals in the Graph API's body. What it tells, it signs
//! as Meta does.
//!
//! It is stricter than the real one: unknown fields of a message are refused, and Messenger takes no more bytes of a text than
//! Instagram. It remembers everything. What it answers next can be set, to see how the other side bears it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use http::Method;
use mpp_kit::clock::Clock;
use serde_json::{Value, json};

use super::graph_simulator::{Asked, Call, Graph, Server, Whim};
pub use crate::domain::direct::Network;
use crate::domain::direct::{WEEK, WINDOW};

/// The most bytes of a text (Instagram Messaging; Messenger takes 2,000 characters).
const TEXT: usize = 1000;
/// The most buttons, and the most characters of what one says and carries.
const BUTTONS: (usize, usize, usize) = (13, 20, 1000);

/// An account of the simulator.
#[derive(Debug, Clone)]
pub struct Account {
    /// Where it is.
    pub network: Network,
    /// Its id.
    pub id: String,
    /// The token that calls present.
    pub token: String,
    /// The secret that webhooks are signed with.
    pub app_secret: String,
    /// Whether what people write may go out for seven days.
    pub human_agent: bool,
    /// Messages in a second.
    pub per_second: u32,
}

impl Account {
    /// An account at this network.
    #[must_use]
    pub fn of(network: Network) -> Self {
        Self {
            network,
            id: match network {
                Network::Facebook => "300000000000003",
                Network::Instagram => "400000000000004",
            }
            .to_owned(),
            token: "simulator-token".to_owned(),
            app_secret: "simulator-secret".to_owned(),
            human_agent: false,
            per_second: 10,
        }
    }
}

/// A message that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// `m_…`.
    pub id: String,
    /// To whom, also where a comment was answered.
    pub to: String,
    /// What was called with.
    pub body: Value,
    /// When.
    pub at: DateTime<Utc>,
}

impl Taken {
    /// What it says.
    #[must_use]
    pub fn text(&self) -> &str {
        self.body["message"]["text"].as_str().unwrap_or_default()
    }

    /// The payloads of its buttons.
    #[must_use]
    pub fn buttons(&self) -> Vec<&str> {
        let buttons = self.body["message"]["quick_replies"].as_array().map(Vec::as_slice).unwrap_or_default();
        buttons.iter().filter_map(|it| it["payload"].as_str()).collect()
    }
}

/// A comment: whose it is, when it was written, whether it was answered.
#[derive(Debug, Clone)]
struct Comment {
    author: String,
    at: DateTime<Utc>,
    answered: bool,
}

#[derive(Debug, Default)]
struct Inside {
    wrote: BTreeMap<String, DateTime<Utc>>,
    comments: BTreeMap<String, Comment>,
    blocked: BTreeSet<String>,
    second: (i64, u32),
    taken: Vec<Taken>,
    whims: VecDeque<Whim>,
    calls: u64,
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

/// Why something is not taken: HTTP status, code, subcode and words.
struct Refusal(u16, i64, i64, &'static str);

fn wrong(why: &'static str) -> Refusal {
    Refusal(400, 100, 0, why)
}

impl Simulator {
    /// Starts on any free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(account: Account, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let inside = Arc::new(Mutex::new(Inside::default()));
        let messages =
            Messages { account: account.clone(), clock: Arc::clone(&clock), inside: Arc::clone(&inside) };
        let server = Arc::new(Server::start(messages).await?);
        Ok(Self { account, clock, inside, server })
    }

    /// Its account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Settings with which notifications sends here.
    #[must_use]
    pub fn settings(&self) -> crate::DirectConfig {
        crate::DirectConfig {
            base_url: self.server.url.clone(),
            id: self.account.id.clone(),
            token: self.account.token.clone().into(),
            app_secret: self.account.app_secret.clone().into(),
            human_agent_tag: if self.account.human_agent { "HUMAN_AGENT".to_owned() } else { String::new() },
            ..crate::DirectConfig::default()
        }
    }

    /// What the next calls are answered, in turn.
    pub fn whim(&self, whims: &[Whim]) {
        self.inside().whims.extend(whims);
    }

    /// Somebody blocks us, or lets us write again.
    pub fn block(&self, user: &str, blocks: bool) {
        let mut inside = self.inside();
        if blocks {
            inside.blocked.insert(user.to_owned());
        } else {
            inside.blocked.remove(user);
        }
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

    /// Somebody writes: opens their window, and answers the call that tells it.
    pub fn write(&self, user: &str, text: &str) -> Call {
        self.deliver(user, json!({ "text": text }))
    }

    /// Somebody presses a button of ours.
    pub fn press(&self, user: &str, (label, payload): (&str, &str)) -> Call {
        self.deliver(user, json!({ "text": label, "quick_reply": { "payload": payload } }))
    }

    fn deliver(&self, user: &str, mut message: Value) -> Call {
        let now = self.clock.now();
        let mut inside = self.inside();
        inside.wrote.insert(user.to_owned(), now);
        inside.told += 1;
        message["mid"] = format!("m_in.{}", inside.told).into();
        drop(inside);
        self.messaging(user, json!({ "message": message }))
    }

    /// Somebody comments in public, as another id than in messages; answers the comment's id and the call that tells it.
    pub fn comment(
        &self,
        (user, author, name): (&str, &str, &str),
        post: &str,
        text: &str,
    ) -> (String, Call) {
        let now = self.clock.now();
        let mut inside = self.inside();
        inside.told += 1;
        let id = format!("{post}_{}", inside.told);
        let comment = Comment { author: user.to_owned(), at: now, answered: false };
        inside.comments.insert(id.clone(), comment);
        drop(inside);
        let change = match self.account.network {
            Network::Facebook => json!({ "field": "feed", "value": {
                "item": "comment", "verb": "add", "comment_id": id, "post_id": post, "parent_id": post,
                "from": { "id": author, "name": name }, "message": text, "created_time": now.timestamp(),
            } }),
            Network::Instagram => json!({ "field": "comments", "value": {
                "id": id, "from": { "id": author, "username": name }, "text": text, "media": { "id": post },
            } }),
        };
        let entry = json!({ "id": self.account.id, "time": now.timestamp(), "changes": [change] });
        (id, self.call(&entry))
    }

    /// The call that tells that a message arrived.
    #[must_use]
    pub fn delivered(&self, taken: &Taken) -> Call {
        let watermark = self.clock.now().timestamp_millis();
        self.messaging(&taken.to, json!({ "delivery": { "mids": [taken.id], "watermark": watermark } }))
    }

    /// The call that tells that somebody read all there was: by a moment at Facebook, by the message at Instagram.
    #[must_use]
    pub fn read(&self, taken: &Taken) -> Call {
        let watermark = self.clock.now().timestamp_millis();
        let read = match self.account.network {
            Network::Facebook => json!({ "watermark": watermark }),
            Network::Instagram => json!({ "mid": taken.id }),
        };
        self.messaging(&taken.to, json!({ "read": read }))
    }

    /// The call that says a message of ours back.
    #[must_use]
    pub fn echo(&self, taken: &Taken) -> Call {
        let metadata = taken.body["message"]["metadata"].clone();
        let message = json!({ "mid": taken.id, "is_echo": true, "text": taken.text(), "metadata": metadata });
        self.messaging(&self.account.id, json!({ "message": message, "recipient": { "id": taken.to } }))
    }

    fn messaging(&self, sender: &str, mut event: Value) -> Call {
        let now = self.clock.now().timestamp_millis();
        event["sender"] = json!({ "id": sender });
        event["timestamp"] = now.into();
        if event["recipient"].is_null() {
            event["recipient"] = json!({ "id": self.account.id });
        }
        self.call(&json!({ "id": self.account.id, "time": now, "messaging": [event] }))
    }

    fn call(&self, entry: &Value) -> Call {
        let object = match self.account.network {
            Network::Facebook => "page",
            Network::Instagram => "instagram",
        };
        Call::signed(&self.account.app_secret, &json!({ "object": object, "entry": [entry] }))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What answers calls: messages of the account.
struct Messages {
    account: Account,
    clock: Arc<dyn Clock>,
    inside: Arc<Mutex<Inside>>,
}

impl Messages {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Graph for Messages {
    type Refusal = Refusal;

    fn token(&self) -> &str {
        &self.account.token
    }

    fn is_message(&self, asked: &Asked) -> bool {
        let path = format!("/{}/messages", self.account.id);
        asked.method == Method::POST && asked.path.ends_with(&path)
    }

    fn whim(&self) -> Option<Whim> {
        let mut inside = self.inside();
        inside.calls += 1;
        inside.whims.pop_front()
    }

    fn message(&self, asked: &Asked) -> Result<Value, Refusal> {
        if !asked.authorised {
            return Err(Refusal(401, 190, 463, "Invalid OAuth access token"));
        }
        let body: Value =
            serde_json::from_slice(&asked.body).map_err(|_| wrong("The body is not valid JSON"))?;
        shape(&body)?;
        let now = self.clock.now();
        let mut inside = self.inside();
        if inside.second.0 != now.timestamp() {
            inside.second = (now.timestamp(), 0);
        }
        if inside.second.1 >= self.account.per_second {
            return Err(Refusal(400, 613, 0, "Calls to this API have exceeded the rate limit"));
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (user, comment) = (text(&body["recipient"]["id"]), text(&body["recipient"]["comment_id"]));
        let to = if comment.is_empty() {
            let since = inside.wrote.get(&user).map(|at| now - *at);
            let Some(since) = since else {
                return Err(Refusal(400, 100, 2_018_001, "No matching user found"));
            };
            let tagged = body["messaging_type"] == "MESSAGE_TAG";
            if tagged && !self.account.human_agent {
                return Err(Refusal(400, 10, 0, "Application does not have permission for this action"));
            }
            if since >= if tagged { WEEK } else { WINDOW } {
                return Err(Refusal(400, 10, 2_018_278, "This message is sent outside of allowed window"));
            }
            user
        } else {
            let Some(known) = inside.comments.get_mut(&comment) else {
                return Err(wrong("The comment does not exist"));
            };
            if known.answered {
                return Err(Refusal(400, 10_900, 0, "Activity already replied to"));
            }
            if now >= known.at + WEEK {
                return Err(Refusal(400, 10_901, 0, "The activity is too old"));
            }
            known.author.clone()
        };
        if inside.blocked.contains(&to) {
            return Err(Refusal(400, 551, 1_545_041, "This person isn't available right now"));
        }
        if let Some(known) = inside.comments.get_mut(&comment) {
            known.answered = true;
        }
        inside.second.1 += 1;
        let id = format!("m_{}", inside.taken.len() + 1);
        inside.taken.push(Taken { id: id.clone(), to: to.clone(), body, at: now });
        Ok(json!({ "recipient_id": to, "message_id": id }))
    }

    /// Above all no edge of a comment or of its replies: nothing is written where all can read it.
    fn other(&self, _: &Asked) -> Result<Value, Refusal> {
        Err(Refusal(400, 33, 0, "Unsupported request"))
    }

    fn wrong(code: i64, words: &'static str) -> Refusal {
        Refusal(400, code, 0, words)
    }

    fn refused(Refusal(status, code, subcode, words): &Refusal) -> (u16, Value) {
        let mut error = json!({
            "message": format!("(#{code}) {words}"),
            "type": "OAuthException",
            "code": code,
            "fbtrace_id": "simulator",
        });
        if *subcode != 0 {
            error["error_subcode"] = (*subcode).into();
        }
        (*status, json!({ "error": error }))
    }
}

/// Whether the shape of a message is right.
fn shape(body: &Value) -> Result<(), Refusal> {
    let keys = |value: &Value, known: &[&str]| {
        value.as_object().is_some_and(|it| it.keys().all(|key| known.contains(&key.as_str())))
    };
    if !keys(body, &["recipient", "messaging_type", "tag", "message"]) {
        return Err(wrong("Unexpected key"));
    }
    let recipient = &body["recipient"];
    if !keys(recipient, &["id", "comment_id"]) || recipient.as_object().is_none_or(|it| it.len() != 1) {
        return Err(wrong("One recipient: an id or a comment"));
    }
    let known = match body["messaging_type"].as_str() {
        Some("RESPONSE") => body["tag"].is_null(),
        Some("MESSAGE_TAG") => body["tag"] == "HUMAN_AGENT",
        _ => false,
    };
    if !known {
        return Err(wrong("messaging_type is RESPONSE, or MESSAGE_TAG with a tag"));
    }
    let message = &body["message"];
    let length = |value: &Value| value.as_str().map_or(0, |it| it.chars().count());
    if !keys(message, &["text", "quick_replies", "metadata"]) {
        return Err(wrong("Unexpected key in the message"));
    }
    if !(1..=TEXT).contains(&message["text"].as_str().map_or(0, str::len)) {
        return Err(wrong("A text has 1 to 1000 bytes"));
    }
    if length(&message["metadata"]) > 1000 {
        return Err(wrong("metadata has at most 1000 characters"));
    }
    let (most, title, payload) = BUTTONS;
    let buttons = message["quick_replies"].as_array().cloned().unwrap_or_default();
    let sound = buttons.iter().all(|it| {
        it["content_type"] == "text"
            && (1..=title).contains(&length(&it["title"]))
            && (1..=payload).contains(&length(&it["payload"]))
    });
    if buttons.len() > most || !sound {
        return Err(wrong("At most 13 buttons with titles of 1 to 20 characters"));
    }
    Ok(())
}

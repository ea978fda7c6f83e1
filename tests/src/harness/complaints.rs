//! Complaints in a test: the suite with the agencies, the ladder and the people of the demo, and what is around it. Citizens
//! write by signed webhooks, as Meta delivers them; what goes out arrives at a stand-in for WhatsApp and at a real mail
//! server, and every status is reported back.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use mpp::Config;
use mpp::demo::accounts::{Account as Login, DemoAccounts};
use mpp::simulator::whatsapp::{Account, Call, Simulator, Taken};
use mpp_kit::clock::Clock as _;
use mpp_kit::db::Engine;
use mpp_kit::testing::mail::{Mail, MailServer};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::clock::FastForward;
use super::letters::Signing;
use super::people::PASSWORD;
use super::rest::Api;
use super::suite::TestSuite;

/// Far longer than anything takes in an unoptimised build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// How much faster than real time the clock runs: the pause between two messages to one number passes in a moment.
const SPEED: f64 = 20.0;
/// The secret of the app at Meta that Facebook and Instagram are signed with.
const APP_SECRET: &str = "rahasia-aplikasi-uji";
/// The key with which programs file by Open311.
const OPEN311_KEY: &str = "kunci-open311-untuk-uji";
/// The key of every account in the configuration: the last part of the address of its webhook.
const KEY: &str = "utama";
/// Our Instagram account.
const INSTAGRAM: &str = "17841400000000001";
/// Our Page.
const PAGE: &str = "104000000000001";

/// The suite with everybody who works on complaints, and the world around it.
pub struct Complaints {
    /// The suite.
    pub suite: TestSuite,
    /// The clock of everything but the queue.
    pub clock: Arc<FastForward>,
    /// The stand-in for WhatsApp.
    pub whatsapp: Simulator,
    /// The mail server.
    pub mail: MailServer,
    /// Where media of messages are.
    pub media: Media,
    /// Usernames with ids of accounts.
    pub ids: BTreeMap<String, String>,
    people: Vec<Login>,
    /// Statuses of how many messages were reported.
    reported: AtomicUsize,
    /// Numbers the messages of Instagram and Facebook.
    written: AtomicU64,
}

/// What an official got, whatever way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// The addresses of its buttons: what comes after `/aksi/`.
    pub links: Vec<String>,
}

impl Complaints {
    /// Starts the suite at a moment, with `configure` as the last word on its settings.
    ///
    /// # Panics
    /// When anything of it cannot be started.
    pub async fn start(
        engine: Engine,
        at: DateTime<Utc>,
        configure: impl FnOnce(&mut Config) + Send + 'static,
    ) -> Self {
        let clock = Arc::new(FastForward::new(at, SPEED));
        let account = Account { per_second: 1_000, ..Account::default() };
        let whatsapp = Simulator::start(account, clock.clone()).await.expect("a free port");
        let (mail, port) = MailServer::start();
        let media = Media::start().await;
        let (sending, graph) = (whatsapp.clone(), media.url.clone());
        let suite = TestSuite::builder()
            .engine(engine)
            .clock(clock.clone())
            .letters(Signing::Seal)
            .configure(move |config| {
                outgoing(config, &sending, port);
                incoming(config, &sending, graph);
                config.identity.token_seconds = 3_600;
                configure(config);
            })
            .start()
            .await;
        let mut people = suite.letters().accounts.accounts.clone();
        let mut seeding = suite.suite().seeding().await.expect("clients of the system");
        let seeded: DemoAccounts =
            mpp::demo::complaints::seed(&mut seeding).await.expect("agencies, ladder and people");
        drop(seeding);
        people.extend(seeded.accounts);
        let mut town = Self {
            suite,
            clock,
            whatsapp,
            mail,
            media,
            ids: BTreeMap::new(),
            people,
            reported: AtomicUsize::new(0),
            written: AtomicU64::new(0),
        };
        town.ids = town.account_ids().await;
        town.templates_are_approved().await;
        town
    }

    /// A client that is not signed in.
    #[must_use]
    pub fn anybody(&self) -> Api {
        Api::anonymous(self.suite.base_url())
    }

    /// A client that acts as somebody who works on complaints or letters, such as `pupr.aduan`. Signs in anew: after a leap
    /// of the clock every session before it has ended.
    ///
    /// # Panics
    /// When nobody has the name.
    pub async fn official(&self, username: &str) -> Api {
        self.anybody().sign_in(username, self.password(username)).await
    }

    /// The administrator.
    pub async fn admin(&self) -> Api {
        self.official("admin").await
    }

    fn password(&self, username: &str) -> &str {
        let found = self.people.iter().find(|it| it.username == username);
        // Everybody else is of the hall.
        found.map_or(PASSWORD, |it| &it.password)
    }

    /// The id of an account.
    ///
    /// # Panics
    /// When nobody has the name.
    #[must_use]
    pub fn id(&self, username: &str) -> &str {
        self.ids.get(username).unwrap_or_else(|| panic!("nobody is called {username}"))
    }

    /// A browser in which somebody has signed in.
    ///
    /// # Panics
    /// When signing in leaves no cookie.
    pub async fn browser(&self, username: &str) -> Browser {
        let api = self.anybody();
        let body = json!({"username": username, "password": self.password(username)});
        let answer = api.post("/v1/sessions", &body).await;
        let cookie = answer.headers.get("set-cookie").and_then(|it| it.to_str().ok()).expect("a cookie");
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Browser { api, cookie: Some(cookie) }
    }

    /// A browser in which nobody has signed in.
    #[must_use]
    pub fn visitor(&self) -> Browser {
        Browser { api: self.anybody(), cookie: None }
    }

    /// Says how an official is reached; what is empty is not agreed to.
    pub async fn reach(&self, username: &str, whatsapp: &str, email: &str) {
        let consent = |channel: &str, address: &str| json!({"channel": channel, "optedIn": !address.is_empty(), "source": "SK 800/12/2026"});
        let contact = json!({
            "accountId": self.id(username),
            "whatsapp": whatsapp,
            "email": email,
            "role": "PEJABAT",
            "language": "id",
            "consents": [consent("CHANNEL_WHATSAPP", whatsapp), consent("CHANNEL_EMAIL", email)],
        });
        self.admin().await.post("/v1/contacts:apply", &json!({"contact": contact})).await.ok();
    }

    async fn account_ids(&self) -> BTreeMap<String, String> {
        let all = self.admin().await.all("/v1/accounts", "accounts").await;
        all.iter().map(|it| (text(&it["username"]), text(&it["id"]))).collect()
    }

    async fn templates_are_approved(&self) {
        let admin = self.admin().await;
        for kind in admin.all("/v1/messageTypes", "messageTypes").await {
            let path = format!("/v1/messageTypes/{}/variants?channel=CHANNEL_WHATSAPP", text(&kind["key"]));
            self.until("the templates are approved", async || {
                let found = admin.all(&path, "variants").await;
                // Drafts wait for somebody, not for Meta.
                let judged = |it: &Value| {
                    it["state"] == "VARIANT_STATE_APPROVED" || it["state"] == "VARIANT_STATE_DRAFT"
                };
                found.iter().all(judged).then_some(())
            })
            .await;
        }
    }

    /// Waits until something is there; meanwhile what was sent is reported as delivered.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.report().await;
            if let Some(found) = look().await {
                return found;
            }
            assert!(Instant::now() < deadline, "at {}: {what}", self.clock.now());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Tells the suite that everything that was taken has arrived, as Meta does.
    async fn report(&self) {
        let taken = self.whatsapp.taken();
        let from = self.reported.swap(taken.len(), Ordering::Relaxed);
        let told: Vec<_> = taken
            .iter()
            .skip(from)
            .flat_map(|it| [(it.id.as_str(), "sent", 0), (it.id.as_str(), "delivered", 0)])
            .collect();
        if !told.is_empty() {
            self.hook("whatsapp", self.whatsapp.statuses(&told)).await;
        }
    }

    // What citizens do.

    /// Posts what Meta would.
    ///
    /// # Panics
    /// When the suite does not take it.
    pub async fn hook(&self, channel: &str, call: Call) {
        let url = format!("{}/hooks/{channel}/{KEY}", self.suite.base_url());
        let status = self.whatsapp.post(self.anybody().http(), &url, call).await.expect("an answer");
        assert_eq!(status, 200, "{channel}");
    }

    /// Somebody writes on WhatsApp.
    pub async fn writes(&self, from: &str, name: &str, message: Value) {
        self.hook("whatsapp", self.whatsapp.deliver(from, name, message)).await;
    }

    /// Somebody writes to our Instagram account: words, or a picture at an address.
    pub async fn instagram(&self, from: &str, words: &str, picture: Option<&str>) {
        self.direct("instagram", INSTAGRAM, from, words, picture).await;
    }

    /// Somebody writes to our Page.
    pub async fn messenger(&self, from: &str, words: &str) {
        self.direct("page", PAGE, from, words, None).await;
    }

    async fn direct(&self, object: &str, account: &str, from: &str, words: &str, picture: Option<&str>) {
        let now = self.clock.now().timestamp_millis();
        let mut message = json!({"mid": self.next("m")});
        if !words.is_empty() {
            message["text"] = words.into();
        }
        if let Some(url) = picture {
            message["attachments"] = json!([{"type": "image", "payload": {"url": url}}]);
        }
        let event = json!({
            "sender": {"id": from}, "recipient": {"id": account}, "timestamp": now, "message": message,
        });
        let channel = if object == "page" { "facebook" } else { object };
        let body = json!({"object": object, "entry": [{"id": account, "time": now, "messaging": [event]}]});
        self.hook(channel, signed(&body)).await;
    }

    /// Somebody comments on a post of our Instagram account, for all to read.
    pub async fn instagram_comment(&self, from: &str, handle: &str, words: &str) {
        let value = json!({
            "id": self.next("c"), "text": words, "from": {"id": from, "username": handle},
            "media": {"id": "18000000000000001", "media_product_type": "FEED"},
        });
        let entry = json!({
            "id": INSTAGRAM, "time": self.clock.now().timestamp(),
            "changes": [{"field": "comments", "value": value}],
        });
        self.hook("instagram", signed(&json!({"object": "instagram", "entry": [entry]}))).await;
    }

    /// A program files by Open311; answers number and PIN.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn open311(&self, form: &[(&str, &str)]) -> (String, String) {
        let url = format!("{}/open311/v2/requests.json", self.suite.base_url());
        let form: Vec<_> = [("api_key", OPEN311_KEY)].iter().chain(form).copied().collect();
        let answer = with_form(self.anybody().http().post(url), &form).send().await.expect("an answer");
        let status = answer.status();
        let told: Value = answer.json().await.expect("JSON");
        assert_eq!(status, 201, "{told}");
        let pin = text(&told[0]["service_notice"]);
        let pin = pin.rsplit_once("PIN ").expect("a PIN").1.trim_end_matches('.');
        (text(&told[0]["service_request_id"]), pin.to_owned())
    }

    /// Somebody files on the page or by the contract; answers number and PIN.
    pub async fn files(&self, report: &Value) -> (String, String) {
        let filed = self.anybody().post("/v1/complaints", report).await.ok();
        (text(&filed["number"]), text(&filed["pin"]))
    }

    /// Uploads a file for a report or an answer.
    pub async fn uploads(&self, content: &[u8]) -> String {
        use base64::Engine as _;
        let content = base64::engine::general_purpose::STANDARD.encode(content);
        let answer = self.anybody().post("/v1/complaintFiles", &json!({"content": content})).await.ok();
        text(&answer["file"]["fileId"])
    }

    fn next(&self, kind: &str) -> String {
        format!("{kind}_{}", self.written.fetch_add(1, Ordering::Relaxed))
    }

    // What officials see.

    /// A case as the coordinator reads it.
    pub async fn case(&self, id: &str) -> Value {
        let coordinator = self.official("aduan.koordinator").await;
        coordinator.get(&format!("/v1/complaints/{id}")).await.ok()["complaint"].take()
    }

    /// The id of the case that a number leads to, once it does.
    pub async fn case_of(&self, number: &str) -> String {
        let coordinator = self.official("aduan.koordinator").await;
        let path = format!("/v1/complaints?number={number}");
        self.until("the number leads to a case", async || {
            coordinator.all(&path, "complaints").await.first().map(|it| text(&it["id"]))
        })
        .await
    }

    /// The newest case of a channel, once there are `count` of them.
    pub async fn case_by(&self, channel: &str, count: usize) -> Value {
        let coordinator = self.official("aduan.koordinator").await;
        let channel = format!("CHANNEL_{channel}");
        let id = self
            .until("a case of the channel", async || {
                let mut found = coordinator.all("/v1/complaints", "complaints").await;
                found.retain(|it| it["channel"] == channel.as_str());
                found.sort_by_key(|it| text(&it["number"]));
                (found.len() == count).then(|| found.last().map(|it| text(&it["id"]))).flatten()
            })
            .await;
        self.case(&id).await
    }

    /// Does something to a case as an official, whatever version it has.
    pub async fn does(&self, username: &str, case: &str, verb: &str, body: &Value) -> Value {
        let official = self.official(username).await;
        official.post(&format!("/v1/complaints/{case}:{verb}"), body).await.ok()["complaint"].take()
    }

    // What arrived.

    /// What was sent to a number.
    #[must_use]
    pub fn sent_to(&self, number: &str) -> Vec<Notice> {
        self.whatsapp.taken().iter().filter(|it| it.to == number).map(Notice::of_whatsapp).collect()
    }

    /// What was mailed to an address.
    #[must_use]
    pub fn mailed_to(&self, address: &str) -> Vec<Notice> {
        let to = |it: &&Mail| it.to.iter().any(|it| it == address);
        self.mail.taken().iter().filter(to).map(Notice::of_mail).collect()
    }

    /// Stops everything in order.
    ///
    /// # Panics
    /// When a part failed.
    pub async fn stop(self) {
        self.suite.stop().await;
    }
}

/// Where messages go out: the stand-in for WhatsApp and the mail server.
fn outgoing(config: &mut Config, whatsapp: &Simulator, port: u16) {
    let settings = whatsapp.settings();
    config.notifications.whatsapp.insert(KEY.to_owned(), settings);
    config.notifications.allow_list = "*".into();
    config.notifications.tick_millis = 100;
    let email = &mut config.notifications.email;
    "127.0.0.1".clone_into(&mut email.host);
    email.port = port;
    email.security = serde_json::from_value(json!("none")).expect("a word of the setting");
    "Sinergi MPP <tidak-dibalas@contohkab.example>".clone_into(&mut email.from);
    "contohkab.example".clone_into(&mut email.domain);
    email.per_second = 1_000;
}

/// Where messages come in.
fn incoming(config: &mut Config, whatsapp: &Simulator, graph: String) {
    let account = |id: &str, secret: &str| {
        serde_json::from_value(json!({
            "id": id, "app_secret": secret, "verify_token": "uji", "access_token": MEDIA_TOKEN,
        }))
        .expect("the settings of an account")
    };
    let ours = whatsapp.account();
    let channels = &mut config.complaints.channels;
    channels.whatsapp.insert(KEY.to_owned(), account(&ours.phone_number_id, &ours.app_secret));
    channels.instagram.insert(KEY.to_owned(), account(INSTAGRAM, APP_SECRET));
    channels.facebook.insert(KEY.to_owned(), account(PAGE, APP_SECRET));
    channels.graph_url = graph;
    channels.tick_seconds = 1;
    config.complaints.sweep_milliseconds = 100;
    config.gateway.open311.api_keys = OPEN311_KEY.into();
}

/// A request with a form.
fn with_form(request: RequestBuilder, form: &[(&str, &str)]) -> RequestBuilder {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

/// A call as Meta signs it.
fn signed(body: &Value) -> Call {
    // Its own spaces: the signature is over the bytes as they are.
    let body = serde_json::to_vec_pretty(body).expect("JSON");
    Call { signature: signature(APP_SECRET, &body), body }
}

/// The header `X-Hub-Signature-256` under which Meta delivers a body.
///
/// # Panics
/// Never: HMAC takes keys of any length.
#[must_use]
pub fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// The text of a JSON value.
///
/// # Panics
/// When it is none.
#[must_use]
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

impl Notice {
    fn of_whatsapp(taken: &Taken) -> Self {
        let body = &taken.body;
        let mut notice = Self { text: String::new(), links: Vec::new() };
        match body["type"].as_str().unwrap_or_default() {
            "template" => {
                notice.text = text(&body["template"]["name"]);
                for component in body["template"]["components"].as_array().into_iter().flatten() {
                    for parameter in component["parameters"].as_array().into_iter().flatten() {
                        match (component["type"].as_str(), component["sub_type"].as_str()) {
                            (Some("button"), Some("url")) => notice.links.push(text(&parameter["text"])),
                            (Some("button"), _) => notice.links.push(text(&parameter["payload"])),
                            _ => notice.text = format!("{} | {}", notice.text, text(&parameter["text"])),
                        }
                    }
                }
            }
            "interactive" => {
                notice.text = text(&body["interactive"]["body"]["text"]);
                let buttons = body["interactive"]["action"]["buttons"].as_array();
                notice.links = buttons.into_iter().flatten().map(|it| text(&it["reply"]["id"])).collect();
            }
            _ => {
                notice.text = text(&body["text"]["body"]);
                notice.links = links(&notice.text);
            }
        }
        notice
    }

    fn of_mail(mail: &Mail) -> Self {
        let parsed = mail_parser::MessageParser::default().parse(&mail.text).expect("a mail");
        let body = parsed.body_text(0).unwrap_or_default().into_owned();
        let text = format!("{}\n{body}", parsed.subject().unwrap_or_default());
        Self { links: links(&text), text }
    }
}

/// What comes after `/aksi/` in a text.
fn links(text: &str) -> Vec<String> {
    let ends = text.split("/aksi/").skip(1);
    ends.map(|it| it.split_whitespace().next().unwrap_or_default().to_owned()).collect()
}

/// A browser: pages with a session cookie, if somebody signed in.
#[derive(Clone)]
pub struct Browser {
    api: Api,
    cookie: Option<String>,
}

impl Browser {
    /// Opens a page.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub async fn open(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap_or_else(|error| panic!("{path}: {error:?}"))
    }

    /// Sends the form of a page, as a browser does from that page.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub async fn press(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let request = self.request(Method::POST, path).header("sec-fetch-site", "same-origin");
        with_form(request, form).send().await.unwrap_or_else(|error| panic!("{path}: {error:?}"))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.api.base());
        let request = self.api.http().request(method, url).header("accept", "text/html,*/*");
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }
}

/// The token with which media are fetched.
const MEDIA_TOKEN: &str = "token-media-uji";

/// A stand-in for where media of messages are: an id leads to an address.
pub struct Media {
    /// The address of its Graph API.
    pub url: String,
    files: Files,
    task: JoinHandle<()>,
}

type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

impl Media {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let files = Files::default();
        let (base, known) = (url.clone(), Arc::clone(&files));
        let address = async move |Path(id): Path<String>, headers: axum::http::HeaderMap| {
            let token = headers.get("authorization").and_then(|it| it.to_str().ok());
            if token == Some(&format!("Bearer {MEDIA_TOKEN}")) {
                Ok(axum::Json(json!({"url": format!("{base}/bytes/{id}")})))
            } else {
                Err(StatusCode::UNAUTHORIZED)
            }
        };
        let bytes = async |State(files): State<Files>, Path(id): Path<String>| {
            let found = files.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
            found.ok_or(StatusCode::NOT_FOUND)
        };
        let app = Router::new()
            .route("/v25.0/{id}", get(address))
            .route("/bytes/{id}", get(bytes))
            .with_state(known);
        let task = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("it serves until it is dropped");
        });
        Self { url: format!("{url}/v25.0"), files, task }
    }

    /// Keeps a file, and answers where it is.
    pub fn put(&self, id: &str, content: &[u8]) -> String {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), content.to_vec());
        self.url.replace("/v25.0", &format!("/bytes/{id}"))
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.task.abort();
    }
}

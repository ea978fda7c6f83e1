//! What tests of other systems share: a core on a fresh database of each engine with a clock that the test moves, callers,
//! and a small HTTP server that remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use mpp_kit::caller::{Caller, CallerKind, Grant};
use mpp_kit::clock::{Clock as _, ManualClock};
use mpp_kit::config::Secret;
use mpp_kit::event::{self, Event};
use mpp_kit::fault::Language;
use mpp_kit::testing::{ENGINES, Engine, TestDb, fresh_db, scope, temp_dir};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::DIGESTS;
use crate::adapter::signer::Signers;
use crate::config::{Config, FilesConfig, OssConfig, SigningConfig, WebhooksConfig};
use crate::domain::EventId;
use crate::metrics::Metrics;
use crate::press::Press;
use crate::rpc::Core;
use crate::rpc::types::Types;
use mpp_kit::cipher::Cipher;
use mpp_kit::files::Files;

/// A documents core of its own.
pub(crate) struct World {
    pub(crate) core: Arc<Core>,
    pub(crate) clock: Arc<ManualClock>,
    _test_db: TestDb,
    _folder: TempDir,
}

/// Runs a test on a fresh database of each engine, with settings that permit the servers of tests.
pub(crate) async fn on_both(change: impl Fn(&mut Config), test: impl AsyncFn(World)) {
    for engine in ENGINES {
        test(world(engine, &change).await).await;
    }
}

/// A core on a fresh database of this engine.
pub(crate) async fn world(engine: Engine, change: impl Fn(&mut Config)) -> World {
    let test_db = fresh_db(engine).await;
    mpp_migrations::run("documents", &test_db.db.write).await.unwrap();
    World::new(test_db, change).await
}

impl World {
    async fn new(test_db: TestDb, change: impl Fn(&mut Config)) -> Self {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let mut config = Config {
            webhooks: WebhooksConfig {
                allow_http_hosts: "127.0.0.1".to_owned(),
                allow_loopback: true,
                ..WebhooksConfig::default()
            },
            oss: OssConfig {
                enabled: true,
                base_url: "http://127.0.0.1:9".to_owned(),
                user_key: Secret::from("kunci"),
                username: Secret::from("OSSUSER"),
                password: Secret::from("rahasia"),
                agency_code: "033".to_owned(),
                timeout_seconds: 5,
                ..OssConfig::default()
            },
            ..Config::default()
        };
        change(&mut config);
        let clock = Arc::new(ManualClock::at("2026-11-23T01:00:00Z".parse().unwrap()));
        let folder = temp_dir();
        let cipher = Cipher::new([7; 32], DIGESTS);
        let files = Files::open(&FilesConfig::default(), folder.path(), cipher.clone()).unwrap();
        let core = Core {
            db: test_db.db.clone(),
            clock: clock.clone(),
            config,
            base_url: "https://mpp.example".to_owned(),
            types: Types::default(),
            press: Press::new().unwrap(),
            signers: Signers::open(&SigningConfig::default(), &files, clock.now()).await.unwrap(),
            files,
            cipher,
            metrics: Metrics::new(),
            owners: crate::rpc::integration::owners::Owners::default(),
            codes: crate::rpc::underway::Underway::default(),
        };
        Self { core: Arc::new(core), clock, _test_db: test_db, _folder: folder }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.core.now()
    }

    /// Moves the clock on and answers the new time.
    pub(crate) fn after(&self, by: TimeDelta) -> DateTime<Utc> {
        self.clock.advance(by);
        self.now()
    }

    /// Something happens: answers the id of the event.
    pub(crate) async fn happens(&self, kind: &'static str, area: &str) -> String {
        let event = Event {
            id: EventId::generate().to_string(),
            kind,
            subject: "doc_01h455vb4pex5vsknk084sn02q".to_owned(),
            area: area.to_owned(),
            data: serde_json::json!({ "letterType": "sktm" }),
            at: self.now(),
        };
        let tx = self.core.db.begin().await.unwrap();
        event::append(&tx, &event).await.unwrap();
        tx.commit().await.unwrap();
        event.id
    }
}

/// A caller with permissions in areas; without areas, everywhere.
pub(crate) fn caller(id: &str, permissions: &[&str], areas: &[&str]) -> Caller {
    let bounds: &[(&str, &[&str])] = if areas.is_empty() { &[] } else { &[("area", areas)] };
    Caller {
        id: id.to_owned(),
        kind: CallerKind::Staff,
        grants: vec![Grant {
            permissions: permissions.iter().map(|permission| (*permission).to_owned()).collect(),
            scope: scope(bounds),
        }],
        ..Caller::anonymous(Language::Id)
    }
}

/// What a server was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The path with its query.
    pub(crate) path: String,
    /// By lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What a server answers.
pub(crate) struct Reply(pub(crate) u16, pub(crate) Vec<(&'static str, String)>, pub(crate) String);

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self(status, Vec::new(), String::new())
    }

    pub(crate) fn json(body: &serde_json::Value) -> Self {
        Self(200, vec![("content-type", "application/json".to_owned())], body.to_string())
    }
}

/// A small HTTP server. Ends with the value.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Answers at once.
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_async(move |asked| {
            let reply = answer(&asked);
            Box::pin(async move { reply })
        })
        .await
    }

    /// Answers when the future is ready.
    pub(crate) async fn start_async(
        answer: impl Fn(Asked) -> BoxFuture<'static, Reply> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&asked), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move { serve(stream, &seen, &*answer).await });
            }
        });
        Self { url, asked, task }
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request of one connection.
async fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Asked>>,
    answer: &(impl Fn(Asked) -> BoxFuture<'static, Reply> + Send + Sync),
) {
    let mut bytes = Vec::new();
    let asked = loop {
        let mut chunk = [0; 4096];
        let Ok(read @ 1..) = stream.read(&mut chunk).await else { return };
        bytes.extend_from_slice(&chunk[..read]);
        if let Some(asked) = parse(&bytes) {
            break asked;
        }
    };
    seen.lock().unwrap().push(asked.clone());
    let Reply(status, headers, body) = answer(asked).await;
    let mut head = format!("HTTP/1.1 {status} -\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let _sent = stream.write_all(format!("{head}\r\n{body}").as_bytes()).await;
}

/// A request, once it is there whole.
fn parse(bytes: &[u8]) -> Option<Asked> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    (body.len() >= length).then(|| Asked { path, headers, body: body.to_owned() })
}

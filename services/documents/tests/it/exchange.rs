//! A whole documents service with its workers, and a system that receives its webhooks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use mpp_documents::{Config, OssConfig, Place, ROLE, WebhooksConfig, component};
use mpp_kit::auth::{Claims, Policies};
use mpp_kit::client::{PeerChannel, Peers};
use mpp_kit::clock::{Clock, ManualClock};
use mpp_kit::component::Env;
use mpp_kit::config::Secret;
use mpp_kit::server::{StackOptions, stack};
use mpp_kit::shutdown::Shutdown;
use mpp_kit::testing::{ENGINES, Issuer, TestDb, fresh_db, scope, temp_dir};
use mpp_proto::documents::v1::documents_service_client::DocumentsServiceClient;
use sha2::Sha256;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::Request;
use tonic::metadata::MetadataValue;

/// Far longer than a message takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A documents service.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) client: DocumentsServiceClient<PeerChannel>,
    issuer: Arc<Issuer>,
    shutdown: Shutdown,
    workers: JoinSet<anyhow::Result<()>>,
    _test_db: TestDb,
    _folder: TempDir,
}

/// Runs a test on a fresh database of each engine.
pub(crate) async fn on_both(test: impl AsyncFn(&World)) {
    for engine in ENGINES {
        let test_db = fresh_db(engine).await;
        mpp_migrations::run("documents", &test_db.db.write).await.unwrap();
        let mut world = World::start(test_db).await;
        test(&world).await;
        world.shutdown.trigger();
        while let Some(ended) = world.workers.join_next().await {
            ended.unwrap().unwrap();
        }
    }
}

impl World {
    async fn start(test_db: TestDb) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-23T01:00:00Z".parse::<DateTime<Utc>>().unwrap()));
        let as_clock: Arc<dyn Clock> = clock.clone();
        let issuer = Arc::new(Issuer::new());
        let verifier = issuer.verifier(as_clock.clone());
        let (peers, shutdown) = (Peers::new(), Shutdown::new());
        let env = Env {
            clock: as_clock,
            peers: peers.clone(),
            verifier: verifier.clone(),
            shutdown: shutdown.clone(),
        };
        let config = Config {
            webhooks: WebhooksConfig {
                allow_http_hosts: "127.0.0.1".to_owned(),
                allow_loopback: true,
                ..WebhooksConfig::default()
            },
            oss: OssConfig {
                enabled: true,
                // Nobody answers there: what is told waits.
                base_url: "http://127.0.0.1:9".to_owned(),
                user_key: Secret::from("kunci"),
                username: Secret::from("OSSUSER"),
                password: Secret::from("rahasia"),
                ..OssConfig::default()
            },
            ..Config::default()
        };
        let folder = temp_dir();
        let place = Place {
            files: folder.path().join("files"),
            key_file: folder.path().join("documents.key"),
            base_url: "https://mpp.example".to_owned(),
            // Nobody is told anything here.
            token: Arc::new(|| Box::pin(async { anyhow::bail!("no token here") })),
        };
        let component = component(&env, test_db.db.clone(), config, place).await.unwrap();
        let policies = Arc::new(Policies::from_descriptors(mpp_proto::DESCRIPTORS).unwrap());
        peers.local(ROLE, stack(ROLE, component.routes, policies, verifier, StackOptions::default()));
        let mut workers = JoinSet::new();
        for worker in component.workers {
            workers.spawn(worker.task);
        }
        let client = DocumentsServiceClient::new(peers.channel(ROLE));
        Self { clock, client, issuer, shutdown, workers, _test_db: test_db, _folder: folder }
    }

    /// A request of somebody with these permissions in 17.07.
    pub(crate) fn as_caller<T>(&self, id: &str, permissions: &[&str], message: T) -> Request<T> {
        self.signed_in((id, false), permissions, message)
    }

    /// A request of a service account with these permissions in 17.07.
    pub(crate) fn as_service<T>(&self, id: &str, permissions: &[&str], message: T) -> Request<T> {
        self.signed_in((id, true), permissions, message)
    }

    fn signed_in<T>(&self, (id, service): (&str, bool), permissions: &[&str], message: T) -> Request<T> {
        let grants = [(permissions, scope(&[("area", &["17.07"])]))];
        let claims = Claims { service, ..self.issuer.claims(self.clock.as_ref(), id, &grants) };
        let token = self.issuer.sign(&claims);
        let mut request = Request::new(message);
        let value: MetadataValue<_> = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        request
    }
}

/// A message that arrived.
pub(crate) struct Arrived {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Arrived {
    /// Whether it is by the holder of this `whsec_…`, as the specification tells receivers to check: written anew here,
    /// from the specification alone.
    pub(crate) fn is_signed_by(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(self.headers["webhook-id"].as_bytes());
        mac.update(b".");
        mac.update(self.headers["webhook-timestamp"].as_bytes());
        mac.update(b".");
        mac.update(self.body.as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.headers["webhook-signature"].split(' ').any(|signature| signature == expected)
    }
}

/// A system that receives webhooks.
pub(crate) struct Receiver {
    pub(crate) url: String,
    arrived: mpsc::UnboundedReceiver<Arrived>,
}

impl Receiver {
    /// Answers everything with 204.
    pub(crate) async fn start() -> Self {
        Self::answering("HTTP/1.1 204 -\r\nconnection: close\r\n\r\n").await
    }

    /// Answers everything with this, and hangs up.
    pub(crate) async fn answering(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/masuk", listener.local_addr().unwrap());
        let (tell, arrived) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                let arrived = loop {
                    let mut chunk = [0; 4096];
                    let Ok(read @ 1..) = stream.read(&mut chunk).await else { break None };
                    bytes.extend_from_slice(&chunk[..read]);
                    if let Some(arrived) = parse(&bytes) {
                        break Some(arrived);
                    }
                };
                let _sent = stream.write_all(answer.as_bytes()).await;
                if arrived.is_some_and(|arrived| tell.send(arrived).is_err()) {
                    return;
                }
            }
        });
        Self { url, arrived }
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Arrived {
        let next = tokio::time::timeout(PATIENCE, self.arrived.recv()).await;
        next.expect("a message arrives").expect("the receiver runs")
    }
}

/// A request, once it is there whole.
fn parse(bytes: &[u8]) -> Option<Arrived> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let headers: BTreeMap<String, String> = head
        .split("\r\n")
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    (body.len() >= length).then(|| Arrived { headers, body: body.to_owned() })
}

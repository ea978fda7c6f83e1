//! A time stamp authority: OpenSSL stamps under an authority of ours, and an HTTP server carries it, in the moods that real
//! ones have. And what the seal does with each answer.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use mpp_documents::SigningConfig;
use mpp_documents::letter::ca::TestCa;
use mpp_kit::clock::Clock as _;
use mpp_kit::testing::Engine;
use mpp_proto::documents::v1::*;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use super::esign::{lock, read, validity};
use super::paper::signatures;
use super::town::{PLAIN, Resident, Town};

/// What it does with the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It stamps.
    Stamps,
    /// It answers 503.
    Busy,
    /// It answers with a page.
    Page,
    /// It repeats its last time stamp.
    Repeats,
    /// It refuses the request (RFC 3161, section 2.4.2).
    Rejects,
    /// It stamps under a root that nobody trusts.
    Stranger,
}

/// One authority with its files, as `openssl ts` has it.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new(root: &TestCa) -> Self {
        let desk = Self { folder: tempfile::tempdir().expect("a folder") };
        let (key, certificate) =
            root.timestamper("Penanda Waktu Uji CONTOH", validity()).expect("an authority");
        desk.put("key.pem", key.as_bytes());
        desk.put("tsa.pem", certificate.as_bytes());
        desk.put("serial", b"01\n");
        let at = |name: &str| desk.path(name).display().to_string();
        let config = format!(
            "[tsa]\ndefault_tsa = it\n[it]\nserial = {}\nsigner_cert = {}\nsigner_key = {}\n\
             signer_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256\ness_cert_id_alg = sha256\n",
            at("serial"),
            at("tsa.pem"),
            at("key.pem"),
        );
        desk.put("tsa.cnf", config.as_bytes());
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).expect("a file");
    }

    async fn stamp(&self, query: &[u8]) -> Vec<u8> {
        self.put("query", query);
        let output = tokio::process::Command::new("openssl")
            .args(["ts", "-reply", "-config"])
            .arg(self.path("tsa.cnf"))
            .arg("-queryfile")
            .arg(self.path("query"))
            .arg("-out")
            .arg(self.path("reply"))
            .output()
            .await
            .unwrap_or_else(|error| {
                panic!("openssl does not run ({error}): install it, or run script/setup test")
            });
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(self.path("reply")).expect("a reply")
    }
}

struct Inner {
    mood: Mutex<Mood>,
    asked: Mutex<usize>,
    last: Mutex<Vec<u8>>,
    trusted: Desk,
    stranger: Desk,
}

pub(crate) struct Authority {
    inner: Arc<Inner>,
    url: String,
    folder: tempfile::TempDir,
}

impl Authority {
    pub(crate) async fn start() -> Self {
        let root = TestCa::root("Akar Waktu Uji CONTOH", validity()).expect("a root");
        let other = TestCa::root("Akar Waktu Uji CONTOH", validity()).expect("a root");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("roots.pem"), root.certificate().to_pem()).expect("a file");
        let inner = Arc::new(Inner {
            mood: Mutex::new(Mood::Stamps),
            asked: Mutex::default(),
            last: Mutex::default(),
            trusted: Desk::new(&root),
            stranger: Desk::new(&other),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/tsa", listener.local_addr().expect("an address"));
        let serving = Arc::clone(&inner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let inner = Arc::clone(&serving);
                tokio::spawn(async move { inner.serve(stream).await });
            }
        });
        Self { inner, url, folder }
    }

    pub(crate) fn config(&self, required: bool) -> SigningConfig {
        SigningConfig {
            tsa_url: self.url.clone(),
            tsa_roots: self.folder.path().join("roots.pem"),
            tsa_required: required,
            ..SigningConfig::default()
        }
    }

    pub(crate) fn is_now(&self, mood: Mood) {
        *lock(&self.inner.mood) = mood;
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        *lock(&self.inner.asked)
    }
}

impl Inner {
    async fn serve(&self, mut stream: TcpStream) {
        let Some(query) = read(&mut stream).await else { return };
        *lock(&self.asked) += 1;
        let mood = *lock(&self.mood);
        let (status, kind, body) = match mood {
            Mood::Stamps => {
                let reply = self.trusted.stamp(&query).await;
                lock(&self.last).clone_from(&reply);
                (200, "application/timestamp-reply", reply)
            }
            Mood::Busy => (503, "text/plain", Vec::new()),
            Mood::Page => (200, "text/html", b"<html>".to_vec()),
            Mood::Repeats => (200, "application/timestamp-reply", lock(&self.last).clone()),
            Mood::Rejects => (200, "application/timestamp-reply", vec![0x30, 5, 0x30, 3, 2, 1, 2]),
            Mood::Stranger => (200, "application/timestamp-reply", self.stranger.stamp(&query).await),
        };
        let head = format!(
            "HTTP/1.1 {status} -\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        // Who asked may have gone.
        let _gone = stream.write_all(&[head.as_bytes(), &body].concat()).await;
    }
}

/// An application for a resident with this number, up to its signature.
async fn awaiting(town: &Town, number: u32) -> Application {
    let id = town.applied("sktm", &Resident::new(number, PLAIN)).await.application_id;
    town.walk(&id).await
}

/// What the check of a file says of the signature on an issued letter.
async fn finding(town: &Town, id: &str) -> SignatureFinding {
    let document = town.seen(id).await.document_id;
    let file = town.bytes(&document, 0).await;
    let said = signatures(&file);
    assert!(said.contains("Signature is Valid") && said.contains("Total document signed"), "{said}");
    let mut judged = town.judged(file).await;
    assert_eq!((judged.verdict(), judged.signatures.len()), (FileVerdict::Valid, 1));
    judged.signatures.remove(0)
}

lines! {
    /// 48. The seal carries the time stamp of the authority that is set, and its time is the one that counts.
    async fn line_48_the_seal_carries_a_time_stamp(engine) {
        let authority = Authority::start().await;
        let town = Town::with(engine, authority.config(true)).await;
        let letter = awaiting(&town, 1).await;
        let before = mpp_kit::clock::SystemClock.now().timestamp();
        let result = town.head(PLAIN).sign(&letter.id).await;
        assert!(result.signed, "{result:?}");
        let finding = finding(&town, &letter.id).await;
        assert!(finding.timestamped && finding.trusted && finding.intact, "{finding:?}");
        // The authority's clock, not that of the installation, which stands still in tests.
        let time = finding.time.expect("a time").seconds;
        assert!((before..=mpp_kit::clock::SystemClock.now().timestamp()).contains(&time), "{time}");
        assert_eq!(authority.asked(), 1);
    }

    /// 48. Without a trusted time stamp the letter waits, and says why.
    async fn line_48_a_letter_waits_for_its_time_stamp(engine) {
        let authority = Authority::start().await;
        let town = Town::with(engine, authority.config(true)).await;
        let (letter, other) = (awaiting(&town, 1).await, awaiting(&town, 2).await);
        let head = town.head(PLAIN);
        assert!(head.sign(&other.id).await.signed);
        for (mood, reason) in [
            (Mood::Busy, "TIMESTAMP_UNAVAILABLE"),
            (Mood::Page, "TIMESTAMP_UNAVAILABLE"),
            (Mood::Repeats, "TIMESTAMP_NOT_VALID"),
            (Mood::Rejects, "TIMESTAMP_NOT_VALID"),
            (Mood::Stranger, "TIMESTAMP_NOT_VALID"),
        ] {
            authority.is_now(mood);
            let result = head.sign(&letter.id).await;
            assert_eq!((result.signed, result.reason.as_str()), (false, reason), "{mood:?}");
            assert!(result.message.contains("Surat tetap menunggu"), "{}", result.message);
            let after = town.seen(&letter.id).await;
            assert_eq!(after.state(), ApplicationState::AwaitingSignature);
            assert_eq!((&after.numbers, &after.content_hash), (&letter.numbers, &letter.content_hash));
        }
        authority.is_now(Mood::Stamps);
        assert!(head.sign(&letter.id).await.signed);
        assert!(finding(&town, &letter.id).await.timestamped);
    }

    /// 48. Where the time stamp is not required, a letter is sealed while the authority is away; a wrong answer is refused even so.
    async fn line_48_without_the_requirement_a_silent_authority_holds_nothing_up(engine) {
        let authority = Authority::start().await;
        let town = Town::with(engine, authority.config(false)).await;
        let (letter, other) = (awaiting(&town, 1).await, awaiting(&town, 2).await);
        let head = town.head(PLAIN);
        authority.is_now(Mood::Busy);
        assert!(head.sign(&letter.id).await.signed);
        assert!(!finding(&town, &letter.id).await.timestamped);
        authority.is_now(Mood::Stranger);
        assert_eq!(head.sign(&other.id).await.reason, "TIMESTAMP_NOT_VALID");
        authority.is_now(Mood::Stamps);
        assert!(head.sign(&other.id).await.signed);
        assert!(finding(&town, &other.id).await.timestamped);
    }
}

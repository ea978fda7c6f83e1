//! A signing service in the moods that real ones have: it signs, it is busy, it knows better, it is silent.

use std::sync::{Arc, Mutex, PoisonError};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use mpp_documents::letter::ca::{TestCa, Validity};
use mpp_documents::letter::certificate::Subject;
use mpp_documents::letter::pades::{RESERVE, SignatureFields, Timestamper};
use mpp_documents::{SigningConfig, SigningService};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The one-time code that it sends.
pub(crate) const CODE: &str = "TOTP731946UJI";

/// What it does with the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It signs.
    Signs,
    /// It answers 503.
    Busy,
    /// The passphrase is wrong, it says.
    WrongPassphrase,
    /// The certificate is not active, it says; which status it has, it says when it is asked.
    Inactive(&'static str),
    /// The account is locked, it says.
    Locked,
    /// It refuses with a code that nobody knows, and says of the certificate what it is asked for.
    Refuses(&'static str),
    /// It gives back what it got.
    Unsigned,
    /// It signs with a key of somebody else.
    Stranger,
    /// It signs with the right name under a root that nobody trusts.
    Impostor,
    /// It changes a byte and signs.
    Changed,
    /// It signs without a time stamp.
    Unstamped,
    /// It signs with a time stamp of an authority that nobody trusts.
    StrangeStamp,
    /// It signs, and takes its time for it.
    Slow,
    /// It signs all but the second file of a call, which it gives back as it was.
    SecondUnsigned,
    /// It gives back one file less than it got.
    OneFewer,
    /// It signs, but not before it is told to go on.
    Held,
    /// It never answers.
    Silent,
}

/// A request that it got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) nik: String,
    /// The first file.
    pub(crate) pdf: Vec<u8>,
    /// How many files it was.
    pub(crate) files: usize,
    /// `passphrase` or `totp`.
    pub(crate) by: &'static str,
}

struct Inner {
    mood: Mutex<Mood>,
    asked: Mutex<Vec<Asked>>,
    /// Who asked for a code, for how many files.
    codes: Mutex<Vec<(String, u64)>>,
    /// Whose status was asked for.
    statuses: Mutex<Vec<String>>,
    /// The code that holds for the next call.
    code: Mutex<Option<&'static str>>,
    /// Whether what it holds may go on.
    going: tokio::sync::watch::Sender<bool>,
    root: TestCa,
    other_root: TestCa,
}

/// A signing service that speaks the second version of the interface.
pub(crate) struct Esign {
    inner: Arc<Inner>,
    url: String,
    folder: tempfile::TempDir,
}

pub(crate) fn validity() -> Validity {
    let from: DateTime<Utc> = "2020-01-01T00:00:00Z".parse().expect("a moment");
    Validity { from, until: from + TimeDelta::days(7300) }
}

impl Esign {
    pub(crate) async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let root = TestCa::root("Akar Uji CONTOH", validity()).expect("a root");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("roots.pem"), root.certificate().to_pem()).expect("a file");
        let inner = Arc::new(Inner {
            mood: Mutex::new(mood),
            asked: Mutex::default(),
            codes: Mutex::default(),
            statuses: Mutex::default(),
            code: Mutex::default(),
            going: tokio::sync::watch::channel(false).0,
            root,
            other_root: TestCa::root("Akar Uji CONTOH", validity()).expect("a root"),
        });
        let serving = Arc::clone(&inner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let inner = Arc::clone(&serving);
                tokio::spawn(async move { inner.serve(stream).await });
            }
        });
        Self { inner, url, folder }
    }

    /// How the service is told of it.
    pub(crate) fn config(&self) -> SigningConfig {
        SigningConfig {
            service: SigningService::BsreV2,
            url: self.url.clone(),
            username: "aplikasi".to_owned(),
            roots: self.folder.path().join("roots.pem"),
            timeout_seconds: 10,
            ..SigningConfig::default()
        }
    }

    /// The same settings, with an address where nobody listens.
    pub(crate) async fn away(&self) -> SigningConfig {
        let port = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", port.local_addr().expect("an address"));
        SigningConfig { url, ..self.config() }
    }

    pub(crate) fn is_now(&self, mood: Mood) {
        *lock(&self.inner.mood) = mood;
    }

    /// What it holds goes on.
    pub(crate) fn go_on(&self) {
        self.inner.going.send_replace(true);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        lock(&self.inner.asked).clone()
    }

    /// Who asked for a one-time code, each with the number of files.
    pub(crate) fn codes(&self) -> Vec<(String, u64)> {
        lock(&self.inner.codes).clone()
    }

    /// Whose status was asked for.
    pub(crate) fn statuses(&self) -> Vec<String> {
        lock(&self.inner.statuses).clone()
    }

    /// The root that the installation trusts.
    pub(crate) fn root(&self) -> &TestCa {
        &self.inner.root
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    async fn serve(&self, mut stream: TcpStream) {
        let Some((path, body)) = request(&mut stream).await else { return };
        let request: Value = serde_json::from_slice(&body).expect("the request is JSON");
        let (status, answer) = if path == "/api/v2/sign/get/totp" {
            let nik = request["nik"].as_str().expect("a number").to_owned();
            lock(&self.codes).push((nik, request["data"].as_u64().expect("a count")));
            *lock(&self.code) = Some(CODE);
            // What some installations answer: nobody must see it.
            (200, json!({"message": "TOTP dikirim", "totp": CODE}))
        } else if path == "/api/v2/user/check/status" {
            let nik = request["nik"].as_str().expect("a number").to_owned();
            lock(&self.statuses).push(nik);
            let status = if let Mood::Inactive(status) | Mood::Refuses(status) = *lock(&self.mood) {
                status
            } else {
                "ISSUE"
            };
            (200, json!({"status": status}))
        } else {
            self.sign(&request).await
        };
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            answer.len()
        );
        // Who asked may have gone.
        let _gone = stream.write_all(format!("{head}{answer}").as_bytes()).await;
    }
}

impl Inner {
    /// Answers a call to sign.
    async fn sign(&self, request: &Value) -> (u16, Value) {
        let nik = request["nik"].as_str().unwrap_or_default().to_owned();
        let pdf = |file: &Value| STANDARD.decode(file.as_str().unwrap_or_default()).expect("base64");
        let pdfs: Vec<_> = request["file"].as_array().expect("files").iter().map(pdf).collect();
        let code = request["totp"].as_str();
        assert_ne!(code.is_some(), request["passphrase"].is_string(), "one or the other");
        assert_eq!(request["signatureProperties"].as_array().map(Vec::len), Some(pdfs.len()));
        let by = if code.is_some() { "totp" } else { "passphrase" };
        lock(&self.asked).push(Asked { nik: nik.clone(), pdf: pdfs[0].clone(), files: pdfs.len(), by });
        if let Some(given) = code {
            let mut held = lock(&self.code);
            if *held != Some(given) {
                return (400, json!({"status_code": 400, "error": "Kode TOTP salah"}));
            }
            *held = None;
        }
        let all = |sign: &dyn Fn(usize, &Vec<u8>) -> Vec<u8>| {
            let files: Vec<_> =
                pdfs.iter().enumerate().map(|(at, pdf)| STANDARD.encode(sign(at, pdf))).collect();
            (200, json!({"file": files, "time": 1}))
        };
        let mood = *lock(&self.mood);
        match mood {
            Mood::Signs => all(&|_, pdf| signed(&self.root, pdf, &nik)),
            Mood::Slow => {
                tokio::time::sleep(std::time::Duration::from_millis(400)).await;
                all(&|_, pdf| signed(&self.root, pdf, &nik))
            }
            Mood::Busy => (503, json!({"error": "sibuk"})),
            Mood::WrongPassphrase => {
                (400, json!({"status_code": 2031, "error": "Passphrase anda salah !!!"}))
            }
            Mood::Inactive(_) => {
                (400, json!({"status_code": 2026, "error": "Sertifikat tidak aktif, status bukan ISSUE"}))
            }
            Mood::Locked => (400, json!({"status_code": 2035, "error": "Akun terkunci"})),
            Mood::Refuses(_) => (400, json!({"status_code": 5001, "error": "lain"})),
            Mood::Unsigned => all(&|_, pdf| pdf.clone()),
            Mood::SecondUnsigned => {
                all(&|at, pdf| if at == 1 { pdf.clone() } else { signed(&self.root, pdf, &nik) })
            }
            Mood::OneFewer => {
                let (status, mut answer) = all(&|_, pdf| signed(&self.root, pdf, &nik));
                answer["file"].as_array_mut().expect("files").pop();
                (status, answer)
            }
            Mood::Stranger => all(&|_, pdf| signed(&self.root, pdf, "1707020101709999")),
            Mood::Unstamped => all(&|_, pdf| stamped(&self.root, None, pdf, &nik)),
            Mood::StrangeStamp => all(&|_, pdf| stamped(&self.root, Some(&self.other_root), pdf, &nik)),
            Mood::Impostor => all(&|_, pdf| signed(&self.other_root, pdf, &nik)),
            Mood::Changed => all(&|_, pdf| {
                let mut changed = pdf.clone();
                let middle = changed.len() / 2;
                changed[middle] ^= 1;
                signed(&self.root, &changed, &nik)
            }),
            Mood::Held => {
                let mut going = self.going.subscribe();
                let _told = going.wait_for(|going| *going).await;
                all(&|_, pdf| signed(&self.root, pdf, &nik))
            }
            Mood::Silent => std::future::pending().await,
        }
    }
}

/// The body of a request.
pub(crate) async fn read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    Some(request(stream).await?.1)
}

/// Path and body of a request.
async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length:"))?.trim().parse::<usize>().ok()?;
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let path = text.split(' ').nth(1)?.to_owned();
    Some((path, bytes[head..head + length].to_vec()))
}

/// A file with one signature more, by the holder of this number, with a time stamp.
pub(crate) fn signed(root: &TestCa, pdf: &[u8], nik: &str) -> Vec<u8> {
    stamped(root, Some(root), pdf, nik)
}

/// The same with a time stamp under another root, or without one.
fn stamped(root: &TestCa, stamps: Option<&TestCa>, pdf: &[u8], nik: &str) -> Vec<u8> {
    let subject = Subject {
        common_name: "PENANDA TANGAN UJI".to_owned(),
        serial_number: Some(nik.to_owned()),
        organization: Some("Pemerintah Kabupaten Contoh".to_owned()),
    };
    let seal = root.signer(&subject, validity()).expect("a signer");
    let before = pdf.windows(10).filter(|window| *window == b"/ByteRange").count();
    let fields = SignatureFields {
        field: format!("TTE{}", before + 1),
        page: 1,
        time: "2026-11-23T08:00:00+07:00".parse().expect("a moment"),
        name: "Penanda tangan uji".to_owned(),
        reason: None,
        location: None,
        reserve: RESERVE,
    };
    let authority =
        stamps.map(|root| root.stamper("Penanda Waktu Uji CONTOH", validity()).expect("an authority"));
    let stamps = authority.as_ref().map(|authority| authority.at(fields.time.to_utc()));
    let stamps = stamps.as_ref().map(|stamps| stamps as &dyn Timestamper);
    seal.sign(pdf, &fields, stamps).expect("it signs")
}

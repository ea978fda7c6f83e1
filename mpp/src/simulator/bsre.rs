//! BSrE's Esign Client Service, interface versions 1 and 2: signs with a test certificate authority of its own.
//!
//! Made after what agencies publish of their clients; the order of checks is: application account, shape of the request,
//! signer, state of the certificate, passphrase or one-time code. Failures of a network and of a server that lies can be
//! ordered for tests.
//!
//! The real service sends its one-time codes by e-mail or to its own app. Here they arrive in [`INBOX`], a file in the
//! directory of the simulator that only its owner reads.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::{DefaultBodyLimit, Multipart, Path as Segment, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use mpp_documents::letter::ca::{Stamper, TestCa, Validity};
use mpp_documents::letter::certificate::Subject;
use mpp_documents::letter::pades::{RESERVE, Seal, SignatureFields, Timestamper};
use mpp_documents::{SigningConfig, SigningService};
use mpp_kit::clock::Clock;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Wrong passphrases in a row after which an account is locked.
const LOCK_AFTER: u32 = 5;
/// How long a one-time code holds.
const CODE_HOLDS: TimeDelta = TimeDelta::minutes(5);
/// The file where one-time codes arrive: a line for each, with the number of its holder, the code and the count of files.
pub const INBOX: &str = "kode-sekali-pakai.txt";
/// The largest request.
const LARGEST: usize = 64 << 20;

/// Somebody the service signs for.
#[derive(Debug, Clone)]
pub struct Account {
    /// The population number.
    pub nik: String,
    /// The name in the certificate.
    pub name: String,
    /// The passphrase of the key.
    pub passphrase: String,
    /// `ISSUE` may sign; any other status of the real service may not.
    pub status: String,
}

/// How the service misbehaves with the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// 503 before anything was signed.
    Unavailable,
    /// Signs, and the answer is lost.
    LosesAnswer,
    /// 200 with an error in it.
    ErrorAsSuccess,
    /// A page instead of a PDF.
    Garbage,
    /// The file that was sent, without a signature.
    Unsigned,
    /// A signature over other bytes than those that were sent.
    OtherFile,
    /// The signature of somebody else.
    OtherSigner,
    /// The signed file with something appended.
    Appended,
    /// A signature without a time stamp.
    Unstamped,
}

/// A service that answers.
pub struct Bsre {
    url: String,
    roots: PathBuf,
    state: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    inbox: PathBuf,
    username: String,
    password: String,
    ca: TestCa,
    /// Each signature carries a time stamp, as BSrE's do.
    stamper: Stamper,
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    accounts: HashMap<String, (Account, u32)>,
    seals: HashMap<String, Arc<Seal>>,
    codes: HashMap<String, Code>,
    calls: u64,
    misbehaviours: VecDeque<Misbehaviour>,
    signed: u64,
    documents: HashMap<String, Vec<u8>>,
}

/// A one-time code that was sent: good for one call.
struct Code {
    digits: String,
    until: DateTime<Utc>,
    files: usize,
}

impl Drop for Bsre {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Bsre {
    /// Starts the service on a free port of this machine. Its certificate authority is kept in `dir`, so that what it has
    /// signed stays verifiable across starts.
    ///
    /// # Errors
    /// When the directory cannot be used or no port is free.
    pub async fn start(dir: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let ca = authority(dir, clock.now())?;
        let validity =
            Validity { from: clock.now() - TimeDelta::hours(1), until: clock.now() + TimeDelta::days(730) };
        let stamper = ca.stamper("CONTOH Penanda Waktu (bukan BSrE)", validity)?;
        let state = Arc::new(Shared {
            inbox: dir.join(INBOX),
            username: "sinergi".to_owned(),
            password: format!("{:032x}", rand::random::<u128>()),
            ca,
            stamper,
            clock,
            inner: Mutex::default(),
        });
        let listener =
            TcpListener::bind("127.0.0.1:0").await.context("no free port for the signing simulator")?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route("/api/user/status/{nik}", get(status_1))
            .route("/api/sign/pdf", post(sign_1))
            .route("/api/sign/download/{id}", get(download_1))
            .route("/api/v2/user/check/status", post(status_2))
            .route("/api/v2/sign/get/totp", post(code_2))
            .route("/api/v2/sign/pdf", post(sign_2))
            .layer(DefaultBodyLimit::max(LARGEST))
            .with_state(Arc::clone(&state));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the signing simulator ended");
            }
        });
        Ok(Self { url, roots: dir.join("roots.pem"), state, server })
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The PEM file with its root certificate.
    #[must_use]
    pub fn roots(&self) -> &Path {
        &self.roots
    }

    /// The application account: name and password.
    #[must_use]
    pub fn application(&self) -> (&str, &str) {
        (&self.state.username, &self.state.password)
    }

    /// Settings with which documents signs here. What is signed is marked as a sample.
    pub fn configure(&self, signing: &mut SigningConfig) {
        signing.service = SigningService::BsreV2;
        signing.url.clone_from(&self.url);
        signing.username.clone_from(&self.state.username);
        signing.password = self.state.password.clone().into();
        signing.roots.clone_from(&self.roots);
        signing.sample = true;
    }

    /// The same by version 1 of the interface.
    pub fn configure_v1(&self, signing: &mut SigningConfig) {
        self.configure(signing);
        signing.service = SigningService::BsreV1;
    }

    /// Registers a signer, or changes one.
    pub fn register(&self, account: Account) {
        let mut inner = self.state.lock();
        inner.seals.remove(&account.nik);
        inner.accounts.insert(account.nik.clone(), (account, 0));
    }

    /// Orders a misbehaviour for the next request to sign; several are taken in turn.
    pub fn misbehave(&self, how: Misbehaviour) {
        self.state.lock().misbehaviours.push_back(how);
    }

    /// The one-time code that this signer was sent last, as its inbox has it.
    ///
    /// # Errors
    /// When there is none, or the inbox cannot be read.
    pub fn code(&self, nik: &str) -> anyhow::Result<String> {
        let inbox = fs::read_to_string(&self.state.inbox).context("no one-time code was sent yet")?;
        let mut lines = inbox.lines().filter_map(|line| line.split_once(' '));
        let last = lines.rfind(|(holder, _)| *holder == nik).context("this signer was sent no code")?;
        Ok(last.1.split(' ').next().unwrap_or_default().to_owned())
    }

    /// How many calls to sign were answered, with whatever outcome.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state.lock().calls
    }

    /// How many signatures were made.
    #[must_use]
    pub fn signatures(&self) -> u64 {
        self.state.lock().signed
    }
}

/// The authority under `dir`: read if it is there, made if not.
fn authority(dir: &Path, now: DateTime<Utc>) -> anyhow::Result<TestCa> {
    let (chain_file, key_file) = (dir.join("issuer.pem"), dir.join("issuer-key.pem"));
    if chain_file.exists() && key_file.exists() {
        return Ok(TestCa::from_pem(&fs::read_to_string(&chain_file)?, &fs::read_to_string(&key_file)?)?);
    }
    let validity = Validity { from: now - TimeDelta::days(1), until: now + TimeDelta::days(3650) };
    let root = TestCa::root("CONTOH Root CA (bukan BSrE)", validity)?;
    fs::write(dir.join("roots.pem"), root.certificate().to_pem())?;
    let issuer = root.intermediate("CONTOH Issuer CA (bukan BSrE)", validity)?;
    let (chain, key) = issuer.to_pem()?;
    fs::write(&key_file, key)?;
    fs::write(&chain_file, chain)?;
    Ok(issuer)
}

/// How a signer proves to be himself.
enum Secret {
    Passphrase(String),
    Code(String),
}

/// A file to sign.
#[derive(Default)]
struct Request {
    reason: String,
    location: String,
    pdf: Vec<u8>,
}

/// A refusal: HTTP status, business code, words.
struct Refusal(StatusCode, u32, &'static str);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_application(&self, headers: &HeaderMap) -> bool {
        let expected = format!("Basic {}", STANDARD.encode(format!("{}:{}", self.username, self.password)));
        headers.get(header::AUTHORIZATION).is_some_and(|given| given.as_bytes() == expected.as_bytes())
    }

    /// Checks a call in the order of the real service, and signs its files: all of them or none.
    fn sign_all(&self, nik: &str, secret: &Secret, files: &[Request]) -> Result<Vec<Vec<u8>>, Refusal> {
        self.lock().calls += 1;
        if files.iter().any(|file| !file.pdf.starts_with(b"%PDF-")) {
            return Err(Refusal(StatusCode::BAD_REQUEST, 2021, "File yang dikirim bukan PDF"));
        }
        let (account, seal) = {
            let mut inner = self.lock();
            let now = self.clock.now();
            let account = signer(&mut inner, nik)?;
            match secret {
                Secret::Passphrase(passphrase) => {
                    if account.0.passphrase != *passphrase {
                        account.1 += 1;
                        return Err(Refusal(StatusCode::BAD_REQUEST, 2031, "Passphrase anda salah !!!"));
                    }
                    account.1 = 0;
                }
                Secret::Code(given) => {
                    let wrong = |told| Err(Refusal(StatusCode::BAD_REQUEST, 400, told));
                    match inner.codes.get(nik) {
                        Some(code) if code.digits != *given => return wrong("Kode TOTP salah"),
                        Some(code) if code.until < now => return wrong("Kode TOTP sudah kedaluwarsa"),
                        Some(code) if code.files < files.len() => {
                            return wrong("Kode TOTP diminta untuk jumlah file yang lebih sedikit");
                        }
                        // It holds for this call and no other, whatever becomes of it.
                        Some(_) => drop(inner.codes.remove(nik)),
                        None => return wrong("Kode TOTP belum diminta atau sudah dipakai"),
                    }
                }
            }
            let account = signer(&mut inner, nik)?.0.clone();
            let seal = self.seal(&mut inner, &account.nik, &account.name)?;
            (account, seal)
        };
        files.iter().map(|file| self.sign(&account, Arc::clone(&seal), file)).collect()
    }

    /// Sends a one-time code for so many files.
    fn send_code(&self, nik: &str, files: usize) -> Result<(), Refusal> {
        let mut inner = self.lock();
        signer(&mut inner, nik)?;
        let digits = format!("{:06}", rand::random_range(0..1_000_000));
        let told = format!("{nik} {digits} {files}\n");
        let mut options = fs::OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let sent = options.open(&self.inbox).and_then(|mut inbox| inbox.write_all(told.as_bytes()));
        if let Err(error) = sent {
            tracing::error!(%error, "the signing simulator cannot deliver a code");
            return Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, 5000, "Internal error"));
        }
        inner.codes.insert(nik.to_owned(), Code { digits, until: self.clock.now() + CODE_HOLDS, files });
        Ok(())
    }

    fn sign(&self, other: &Account, seal: Arc<Seal>, request: &Request) -> Result<Vec<u8>, Refusal> {
        let how = self.lock().misbehaviours.pop_front();
        if how == Some(Misbehaviour::Unavailable) {
            return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, 5003, "Layanan sedang dipelihara"));
        }
        let seal = if how == Some(Misbehaviour::OtherSigner) {
            self.seal(&mut self.lock(), "9999999999999999", "Orang Lain")?
        } else {
            seal
        };
        let pdf =
            if how == Some(Misbehaviour::OtherFile) { other_file(&request.pdf) } else { request.pdf.clone() };
        let fields = SignatureFields {
            field: format!("BSrE{:016x}", rand::random::<u64>()),
            page: 1,
            time: self.clock.now().with_timezone(&wib()),
            name: other.name.clone(),
            reason: Some(request.reason.clone()),
            location: Some(request.location.clone()),
            reserve: RESERVE,
        };
        let stamps = self.stamper.at(self.clock.now());
        let stamps: Option<&dyn Timestamper> = (how != Some(Misbehaviour::Unstamped)).then_some(&stamps);
        let mut signed = seal
            .sign(&pdf, &fields, stamps)
            .map_err(|_| Refusal(StatusCode::BAD_REQUEST, 2022, "File tidak dapat ditandatangani"))?;
        self.lock().signed += 1;
        match how {
            Some(Misbehaviour::LosesAnswer) => Err(Refusal(StatusCode::GATEWAY_TIMEOUT, 5004, "Waktu habis")),
            Some(Misbehaviour::ErrorAsSuccess) => Err(Refusal(StatusCode::OK, 5000, "Internal error")),
            Some(Misbehaviour::Garbage) => Ok(b"<html>Bad gateway</html>".to_vec()),
            Some(Misbehaviour::Unsigned) => Ok(request.pdf.clone()),
            Some(Misbehaviour::Appended) => {
                signed.extend_from_slice(b"\n% appended\n");
                Ok(signed)
            }
            Some(
                Misbehaviour::Unavailable
                | Misbehaviour::OtherFile
                | Misbehaviour::OtherSigner
                | Misbehaviour::Unstamped,
            )
            | None => Ok(signed),
        }
    }

    fn seal(&self, inner: &mut Inner, nik: &str, name: &str) -> Result<Arc<Seal>, Refusal> {
        if let Some(seal) = inner.seals.get(nik) {
            return Ok(Arc::clone(seal));
        }
        let now = self.clock.now();
        let subject = Subject {
            common_name: name.to_owned(),
            serial_number: Some(nik.to_owned()),
            organization: Some("CONTOH".to_owned()),
        };
        let validity = Validity { from: now - TimeDelta::hours(1), until: now + TimeDelta::days(730) };
        let seal = self
            .ca
            .signer(&subject, validity)
            .map_err(|_| Refusal(StatusCode::INTERNAL_SERVER_ERROR, 5000, "Internal error"))?;
        let seal = Arc::new(seal);
        inner.seals.insert(nik.to_owned(), Arc::clone(&seal));
        Ok(seal)
    }
}

/// Somebody who may sign, with the number of wrong passphrases in a row.
fn signer<'a>(inner: &'a mut Inner, nik: &str) -> Result<&'a mut (Account, u32), Refusal> {
    if nik.len() != 16 || !nik.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal(StatusCode::BAD_REQUEST, 2001, "NIK harus 16 angka"));
    }
    let Some(found) = inner.accounts.get_mut(nik) else {
        return Err(Refusal(StatusCode::BAD_REQUEST, 2011, "Proses signing gagal : User tidak terdaftar"));
    };
    if found.0.status != "ISSUE" {
        return Err(Refusal(StatusCode::BAD_REQUEST, 2026, "Sertifikat tidak aktif, status bukan ISSUE"));
    }
    if found.1 >= LOCK_AFTER {
        return Err(Refusal(StatusCode::BAD_REQUEST, 2035, "Akun terkunci"));
    }
    Ok(found)
}

fn wib() -> FixedOffset {
    FixedOffset::east_opt(7 * 3600).unwrap_or_else(|| unreachable!("seven hours are an offset"))
}

/// A file that differs from this one and is as sound: the binary comment behind the version line is free to change.
fn other_file(pdf: &[u8]) -> Vec<u8> {
    let mut other = pdf.to_vec();
    for byte in other.iter_mut().skip(10).take(4) {
        *byte = byte.wrapping_add(1) | 0x80;
    }
    other
}

fn refused(refusal: &Refusal) -> Response {
    (refusal.0, Json(json!({"status_code": refusal.1, "error": refusal.2}))).into_response()
}

fn unauthorized() -> Response {
    (StatusCode::UNAUTHORIZED, Json(json!({"status_code": 401, "error": "Unauthorized"}))).into_response()
}

async fn status_1(
    State(state): State<Arc<Shared>>,
    headers: HeaderMap,
    Segment(nik): Segment<String>,
) -> Response {
    if !state.is_application(&headers) {
        return unauthorized();
    }
    let status = state.lock().accounts.get(&nik).map(|(account, _)| account.status.clone());
    match status.as_deref() {
        Some("ISSUE") => {
            Json(json!({"status_code": 1111, "status": "ISSUE", "message": "User memiliki sertifikat aktif"}))
                .into_response()
        }
        Some(other) => {
            Json(json!({"status_code": 1113, "status": other, "message": "Sertifikat tidak aktif"}))
                .into_response()
        }
        None => {
            Json(json!({"status_code": 1110, "status": "NOT_REGISTERED", "message": "User tidak terdaftar"}))
                .into_response()
        }
    }
}

async fn status_2(State(state): State<Arc<Shared>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if !state.is_application(&headers) {
        return unauthorized();
    }
    let nik = body["nik"].as_str().unwrap_or_default();
    let status = state.lock().accounts.get(nik).map(|(account, _)| account.status.clone());
    Json(json!({"status": status.unwrap_or_else(|| "NOT_REGISTERED".to_owned())})).into_response()
}

async fn sign_1(State(state): State<Arc<Shared>>, headers: HeaderMap, mut form: Multipart) -> Response {
    if !state.is_application(&headers) {
        return unauthorized();
    }
    let mut request = Request::default();
    let (mut nik, mut passphrase, mut visible) = (String::new(), String::new(), false);
    while let Ok(Some(field)) = form.next_field().await {
        let name = field.name().unwrap_or_default().to_owned();
        let Ok(bytes) = field.bytes().await else { break };
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        match name.as_str() {
            "file" => request.pdf = bytes.to_vec(),
            "nik" => nik = text(),
            "passphrase" => passphrase = text(),
            "reason" => request.reason = text(),
            "location" => request.location = text(),
            "tampilan" => visible = text() != "invisible",
            _ => {}
        }
    }
    if visible {
        return refused(&Refusal(
            StatusCode::BAD_REQUEST,
            2023,
            "Tampilan visible memerlukan gambar atau koordinat",
        ));
    }
    let signed = state.sign_all(&nik, &Secret::Passphrase(passphrase), &[request]);
    match signed.map(|mut files| files.pop().unwrap_or_default()) {
        Ok(signed) => {
            let id = format!("{:032x}", rand::random::<u128>());
            state.lock().documents.insert(id.clone(), signed.clone());
            let headers = [
                (header::CONTENT_TYPE.as_str(), "application/pdf".to_owned()),
                ("id_dokumen", id),
                ("signing_time", "12".to_owned()),
            ];
            (headers, signed).into_response()
        }
        Err(refusal) => refused(&refusal),
    }
}

/// A signed file can be fetched once.
async fn download_1(
    State(state): State<Arc<Shared>>,
    headers: HeaderMap,
    Segment(id): Segment<String>,
) -> Response {
    if !state.is_application(&headers) {
        return unauthorized();
    }
    let document = state.lock().documents.remove(&id);
    match document {
        Some(document) => ([(header::CONTENT_TYPE, "application/pdf")], document).into_response(),
        None => refused(&Refusal(
            StatusCode::BAD_REQUEST,
            4044,
            "File tidak tersedia, pastikan bahwa dokumen belum di download",
        )),
    }
}

async fn sign_2(State(state): State<Arc<Shared>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if !state.is_application(&headers) {
        return unauthorized();
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (Some(files), Some(properties)) = (body["file"].as_array(), body["signatureProperties"].as_array())
    else {
        return refused(&Refusal(StatusCode::BAD_REQUEST, 2002, "file dan signatureProperties wajib diisi"));
    };
    if files.is_empty() || files.len() != properties.len() {
        return refused(&Refusal(
            StatusCode::BAD_REQUEST,
            2003,
            "Jumlah file dan signatureProperties berbeda",
        ));
    }
    // By a passphrase or by a code, and by one of them.
    let secret = match (body["passphrase"].as_str(), body["totp"].as_str()) {
        (Some(passphrase), None) => Secret::Passphrase(passphrase.to_owned()),
        (None, Some(code)) => Secret::Code(code.to_owned()),
        (Some(_), Some(_)) | (None, None) => {
            return refused(&Refusal(StatusCode::BAD_REQUEST, 2004, "Isi passphrase atau totp"));
        }
    };
    let asked: Vec<_> = files
        .iter()
        .zip(properties)
        .map(|(file, property)| Request {
            reason: text(&property["reason"]),
            location: text(&property["location"]),
            pdf: STANDARD.decode(text(file)).unwrap_or_default(),
        })
        .collect();
    let signed: Vec<_> = match state.sign_all(&text(&body["nik"]), &secret, &asked) {
        Ok(signed) => signed.iter().map(|file| STANDARD.encode(file)).collect(),
        Err(refusal) => return refused(&refusal),
    };
    // The real service takes a moment, which shows what waits for it.
    tokio::time::sleep(Duration::from_millis(5)).await;
    Json(json!({"time": 5, "file": signed})).into_response()
}

async fn code_2(State(state): State<Arc<Shared>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if !state.is_application(&headers) {
        return unauthorized();
    }
    let files = body["data"].as_u64().and_then(|files| usize::try_from(files).ok());
    let Some(files) = files.filter(|files| *files > 0) else {
        return refused(&Refusal(StatusCode::BAD_REQUEST, 2002, "data wajib diisi dengan jumlah file"));
    };
    match state.send_code(body["nik"].as_str().unwrap_or_default(), files) {
        Ok(()) => Json(json!({"message": "TOTP telah dikirim"})).into_response(),
        Err(refusal) => refused(&refusal),
    }
}

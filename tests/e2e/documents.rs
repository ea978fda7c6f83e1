//! Letters and licences end to end: from a citizen's form to signatures that programs of others accept, through the public
//! API of the whole suite, with a stand-in for BSrE that really signs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use chrono::TimeDelta;
use mpp::demo::letters::{HOME, ONE_STOP, VILLAGE};
use mpp::simulator::bsre::{Account, Bsre, Misbehaviour};
use mpp::simulator::oss::Oss;
use mpp_kit::clock::{Clock, ManualClock, SystemClock};
use mpp_kit::config::Secret;
use mpp_kit::db::{Db, Engine};
use mpp_kit::testing::qr_codes;
use mpp_tests::harness::{Api, Binary, Persona, Signing, TestSuite};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

/// A resident of the demo's village who does not exist.
const NIK: &str = "1707026602929998";
const NAME: &str = "Rukmini Sari Dewi";
/// The number by which the stand-in for BSrE knows the village head of the demo.
const KADES: &str = "1707020101750001";

/// Far longer than anything here takes in an unoptimised build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An application as its applicant knows it.
pub(crate) struct Filed {
    pub(crate) id: String,
    pub(crate) code: String,
    pub(crate) file: String,
}

/// A paper: what is uploaded is judged by its content.
fn paper() -> Value {
    json!("JVBERi0xLjcKJSBDT05UT0ggYmVya2FzCg==")
}

/// Uploads papers and hands an SKTM in, without signing in.
pub(crate) async fn file_sktm(suite: &TestSuite, sub_district: bool) -> Filed {
    let citizen = Api::anonymous(suite.base_url());
    let mut papers = Vec::new();
    for requirement in ["ktp", "kk", "pernyataan"] {
        let answer = citizen.post("/v1/files", &json!({"content": paper()})).await.ok();
        assert_eq!(answer["file"]["mediaType"], "application/pdf");
        papers.push(json!({"fileId": answer["file"]["fileId"], "requirement": requirement}));
    }
    let file = text(&papers[0]["fileId"]);
    let status = citizen.post("/v1/applications", &form(&papers, sub_district)).await.ok()["status"].take();
    assert_eq!(status["state"], "APPLICATION_STATE_IN_REVIEW", "{status}");
    Filed { id: text(&status["applicationId"]), code: text(&status["code"]), file }
}

/// An SKTM as it is filled in.
fn form(papers: &[Value], sub_district: bool) -> Value {
    json!({
        "letterType": "sktm",
        "subject": {
            "name": NAME,
            "nik": NIK,
            "familyCard": "1707021203189998",
            "area": HOME,
            "address": "Dusun II, RT 002 RW 001, Desa Sukau Kayo",
        },
        "values": {
            "tempat_lahir": "Curup",
            "tanggal_lahir": "1992-02-26",
            "jenis_kelamin": "Perempuan",
            "agama": "Islam",
            "pekerjaan": "Petani/pekebun",
            "penghasilan": 900_000,
            "tanggungan": 3,
            "peruntukan": "Pendidikan",
            "tujuan": "SMP Negeri 1 Rimbo Pengadang",
        },
        "attachments": papers,
        "withOptionalSteps": sub_district,
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// The application as an official reads it.
async fn read(suite: &TestSuite, username: &str, id: &str) -> Value {
    let official = suite.official(username).await;
    official.get(&format!("/v1/applications/{id}")).await.ok()["application"].take()
}

/// Finds the application in somebody's work, reads the draft and approves.
async fn approve(suite: &TestSuite, username: &str, id: &str) -> Value {
    let official = suite.official(username).await;
    let work = official.get("/v1/work?pageSize=200").await.ok();
    let items = work["items"].as_array().expect("items");
    assert!(
        items.iter().any(|item| item["applicationId"] == id),
        "{id} does not wait for {username}: {work}"
    );
    let seen = read(suite, username, id).await;
    let draft = official.get(&format!("/v1/applications/{id}/draft")).await.ok();
    assert_eq!(draft["contentHash"], seen["contentHash"]);
    let body = json!({"version": seen["version"], "contentHash": seen["contentHash"]});
    official.post(&format!("/v1/applications/{id}:approve"), &body).await.ok()["application"].take()
}

/// Signs and answers what became of each.
async fn sign(suite: &TestSuite, username: &str, ids: &[&str], passphrase: &str) -> Vec<Value> {
    let official = suite.official(username).await;
    let mut seen = Vec::new();
    for id in ids {
        seen.push(read(suite, username, id).await["contentHash"].take());
    }
    let body = json!({"applications": ids, "contentHashes": seen, "passphrase": passphrase});
    let answer = official.post("/v1/applications:sign", &body).await.ok();
    let results = answer["results"].as_array().expect("results").clone();
    assert_eq!(results.len(), ids.len());
    results
}

/// Signs one with the right passphrase.
async fn sign_well(suite: &TestSuite, username: &str, id: &str) -> Value {
    let passphrase = suite.letters().passphrase(username).to_owned();
    let mut result = sign(suite, username, &[id], &passphrase).await.remove(0);
    assert_eq!(result["signed"], true, "{username}: {result}");
    result["application"].take()
}

/// An SKTM that waits for the village head.
async fn ready_to_sign(suite: &TestSuite, sub_district: bool) -> Filed {
    let filed = file_sktm(suite, sub_district).await;
    for username in ["rt.002", "rw.001", "desa.staf"] {
        approve(suite, username, &filed.id).await;
    }
    filed
}

/// An SKTM that the village issued, with the id of its document and the code in its QR.
pub(crate) async fn issued(suite: &TestSuite) -> (Filed, String, String) {
    let filed = ready_to_sign(suite, false).await;
    let application = sign_well(suite, "desa.kades", &filed.id).await;
    let status = follow(suite, &filed.code).await;
    (filed, text(&application["documentId"]), text(&status["verificationCode"]))
}

async fn follow(suite: &TestSuite, code: &str) -> Value {
    Api::anonymous(suite.base_url()).get(&format!("/v1/applicationCodes/{code}")).await.ok()["status"].take()
}

/// Downloads as the holder: the code, the last digits, the link.
async fn download(suite: &TestSuite, code: &str) -> Vec<u8> {
    let citizen = Api::anonymous(suite.base_url());
    let path = format!("/v1/applicationCodes/{code}:download");
    citizen.post(&path, &json!({"nikLast4": "0000"})).await.refused(403, "NIK_DIFFERS");
    let link = citizen.post(&path, &json!({"nikLast4": &NIK[12..]})).await.ok();
    fetch(&citizen, &format!("{}{}", suite.base_url(), text(&link["path"]))).await
}

/// Fetches a PDF.
async fn fetch(api: &Api, url: &str) -> Vec<u8> {
    let response = api.http().get(url).send().await.expect("an answer");
    assert!(response.status().is_success(), "{url}: {}", response.status());
    assert_eq!(response.headers()["content-type"], "application/pdf");
    response.bytes().await.expect("a file").to_vec()
}

/// What the upload check says.
async fn check(suite: &TestSuite, pdf: &[u8]) -> Value {
    let body = json!({"content": base64(pdf)});
    Api::anonymous(suite.base_url()).post("/v1/verifications:file", &body).await.ok()
}

/// Reads the code on the page as a telephone does, and opens the address that stands in it: the page of the letter with this number,
/// which names nobody.
async fn scanned(suite: &TestSuite, pdf: &[u8], number: &str) {
    let codes = qr_codes(pdf);
    let [address] = codes.as_slice() else { panic!("one code in a letter: {codes:?}") };
    assert!(address.starts_with(&format!("{}/s/", suite.base_url())), "{address}");
    let answer = reqwest::get(address).await.expect("the page answers");
    assert_eq!(answer.status().as_u16(), 200, "{address}");
    let page = answer.text().await.expect("a page");
    assert!(page.contains(number) && page.contains("R****** S*** D***"), "{page}");
    assert!(!page.contains(NIK) && !page.contains(NAME), "{page}");
    let last = if address.ends_with('0') { "1" } else { "0" };
    let other = reqwest::get(format!("{}{last}", &address[..address.len() - 1])).await.expect("an answer");
    assert_eq!(other.status().as_u16(), 404, "another code is nobody's");
}

/// base64, by the rules of RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 4);
    for chunk in bytes.chunks(3) {
        let three = [chunk[0], chunk.get(1).copied().unwrap_or(0), chunk.get(2).copied().unwrap_or(0)];
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for at in 0..4_u32 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at as usize <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// The programs of others that judge a file.
struct Judges(TempDir);

impl Judges {
    fn new() -> Self {
        Self(TempDir::with_prefix("mpp-judges-").expect("a directory"))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    /// What poppler says.
    fn pdfsig(file: &Path) -> String {
        let output = Command::new("pdfsig").arg("-nocert").arg(file).output();
        words(&output.expect("pdfsig: run script/setup test"))
    }

    /// Whether pyHanko accepts every signature under these roots and no other, and what it says.
    fn pyhanko(file: &Path, roots: &Path) -> (bool, String) {
        let program = root().join("target/venv/bin/pyhanko");
        let program = if program.exists() { program } else { PathBuf::from("pyhanko") };
        let output = Command::new(program)
            .args(["sign", "validate", "--pretty-print", "--trust-replace", "--trust"])
            .args([roots, file])
            .output()
            .expect("pyHanko: run script/setup test");
        (output.status.success(), words(&output))
    }

    /// Asserts that both accept this many signatures and that the last covers the whole file.
    fn accept(&self, pdf: &[u8], roots: Option<&Path>, signatures: usize) {
        let file = self.put("surat.pdf", pdf);
        let said = Self::pdfsig(&file);
        assert_eq!(said.matches("Signature is Valid").count(), signatures, "{said}");
        let last = said.rsplit("Signature #").next().unwrap_or_default();
        assert!(last.contains("Total document signed"), "{said}");
        if let Some(roots) = roots {
            let (accepted, said) = Self::pyhanko(&file, roots);
            assert!(accepted, "{said}");
            assert_eq!(
                said.matches("The signature is cryptographically sound").count(),
                signatures,
                "{said}"
            );
        }
    }
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_owned()
}

/// Runs a Python script with this on its standard input: an implementation that is not ours.
fn python(script: &str, input: &str) -> String {
    use std::io::Write as _;
    let mut child = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3: run script/setup test");
    child.stdin.take().expect("its standard input").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", words(&output));
    words(&output).trim().to_owned()
}

/// Every file under `folder` that holds `needle`.
fn files_with(folder: &Path, needle: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let entry = entry.expect("an entry");
        let (path, kind) = (entry.path(), entry.file_type().expect("a kind"));
        if kind.is_dir() {
            found.extend(files_with(&path, needle));
        } else if kind.is_file() {
            let bytes = std::fs::read(&path).unwrap_or_default();
            if bytes.windows(needle.len()).any(|window| window == needle.as_bytes()) {
                found.push(path);
            }
        }
    }
    found
}

/// Everything that the tables of documents hold, as text.
async fn rows(suite: &TestSuite, engine: Engine) -> String {
    let url = match engine {
        Engine::Sqlite => mpp_kit::db::sqlite_url(&suite.suite().data().join("documents.db")),
        Engine::Postgres => suite.queue_url().to_owned(),
    };
    let db = Db::connect(&url, Some("mpp_documents")).await.expect("the database");
    let connection = &db.read;
    let backend = connection.get_database_backend();
    let tables = match engine {
        Engine::Sqlite => "SELECT name AS name FROM sqlite_master WHERE type = 'table'",
        Engine::Postgres => {
            "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'mpp_documents'"
        }
    };
    let mut out = String::new();
    let found = connection.query_all_raw(Statement::from_string(backend, tables)).await.expect("tables");
    assert!(found.len() > 5, "the tables of documents were not found");
    for table in found {
        let table: String = table.try_get("", "name").expect("a name");
        // SQLite's file is searched as it is; only PostgreSQL has to be asked.
        if engine == Engine::Postgres {
            let all = format!("SELECT CAST(t AS text) AS line FROM mpp_documents.\"{table}\" t");
            for line in connection.query_all_raw(Statement::from_string(backend, all)).await.expect("rows") {
                out.push_str(&line.try_get::<String>("", "line").expect("a line"));
                out.push('\n');
            }
        }
    }
    out
}

/// The pages of a list, joined.
async fn all_pages(api: &Api, path: &str, list: &str) -> Vec<Value> {
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{path}?pageSize=200&pageToken={token}")).await.ok();
        found.extend(page[list].as_array().cloned().unwrap_or_default());
        match page["nextPageToken"].as_str() {
            Some(next) if !next.is_empty() => next.clone_into(&mut token),
            Some(_) | None => return found,
        }
    }
}

/// The real letter of the issue: a form without an account, RT, RW, village, sub-district, two signatures, a verified QR.
async fn from_the_form_to_two_signatures(engine: Engine, signing: Signing) {
    let suite = TestSuite::builder().engine(engine).letters(signing).start().await;
    let citizen = Api::anonymous(suite.base_url());
    let filed = file_sktm(&suite, true).await;

    // The code alone shows where it stands, and nobody's name or number.
    let status = follow(&suite, &filed.code).await;
    assert_eq!(status["office"], "Desa Sukau Kayo");
    assert_eq!(status["steps"].as_array().map(Vec::len), Some(6));
    for hidden in [NIK, NAME, "Saiful"] {
        assert!(!status.to_string().contains(hidden), "{status}");
    }
    // Who has the step in that area acts, nobody else; and nothing changes by trying.
    let hash = read(&suite, "rt.002", &filed.id).await["contentHash"].take();
    for (username, status, reason) in [
        ("rw.001", 403, "NOT_YOUR_STEP"),
        ("camat", 403, "NOT_YOUR_STEP"),
        ("dinkes.verifikator", 404, "NOT_FOUND"),
    ] {
        let official = suite.official(username).await;
        let body = json!({"contentHash": hash});
        official.post(&format!("/v1/applications/{}:approve", filed.id), &body).await.refused(status, reason);
    }
    for username in ["rt.002", "rw.001", "desa.staf"] {
        let seen = read(&suite, username, &filed.id).await;
        assert_eq!(seen["contentHash"], hash, "{username} sees what was handed in");
        approve(&suite, username, &filed.id).await;
    }
    let waiting = read(&suite, "desa.kades", &filed.id).await;
    assert_eq!(waiting["state"], "APPLICATION_STATE_AWAITING_SIGNATURE");
    let village_number = text(&waiting["numbers"][0]["text"]);
    assert!(village_number.contains(&VILLAGE.replace('.', "")), "{village_number}");

    let once = sign_well(&suite, "desa.kades", &filed.id).await;
    assert_eq!(once["state"], "APPLICATION_STATE_IN_REVIEW", "the sub-district follows");
    let path = format!("/v1/applicationCodes/{}:download", filed.code);
    citizen.post(&path, &json!({"nikLast4": &NIK[12..]})).await.refused(409, "NOT_ISSUED");
    assert_eq!(follow(&suite, &filed.code).await["verificationCode"], "");
    approve(&suite, "kecamatan.staf", &filed.id).await;
    let twice = sign_well(&suite, "camat", &filed.id).await;
    assert_eq!(twice["state"], "APPLICATION_STATE_ISSUED");
    assert_eq!(twice["contentHash"], hash);
    assert_eq!(
        twice["numbers"].as_array().map(Vec::len),
        Some(2),
        "each office its own: {}",
        twice["numbers"]
    );
    assert_eq!(twice["numbers"][0]["text"], village_number.as_str(), "the village keeps its number");
    let custody = twice["custody"].as_array().expect("a chain");
    assert!(
        custody.len() >= 2 && custody.iter().all(|link| !link["acknowledgeTime"].is_null()),
        "{custody:?}"
    );

    // Programs of others accept what the holder downloads.
    let pdf = download(&suite, &filed.code).await;
    let judges = Judges::new();
    judges.accept(&pdf, Some(suite.letters().bsre().roots()), 2);
    scanned(&suite, &pdf, &village_number).await;

    // Anybody may ask by the code, in any way it can be typed.
    let code = text(&follow(&suite, &filed.code).await["verificationCode"]);
    for typed in [code.clone(), code.to_lowercase().replace('-', "")] {
        let document = citizen.get(&format!("/v1/verifications/{typed}")).await.ok()["document"].take();
        assert_eq!(document["state"], "DOCUMENT_STATE_VALID");
        assert_eq!(document["number"], village_number.as_str());
        let signers = document["signers"].as_array().expect("signers");
        assert!(
            text(&signers[0]).contains("Zulkarnain") && text(&signers[1]).contains("Ahmad Fauzi"),
            "{signers:?}"
        );
        assert_eq!(document["holderMasked"], "R****** S*** D***");
        assert_eq!(document["sample"], true, "a test certificate is told");
        assert!(!document.to_string().contains(NIK));
    }
    let mut unlike = Vec::new();
    for typed in ["0000-0000-0000-0000", "bukan-kode"] {
        let mut answer = citizen.get(&format!("/v1/verifications/{typed}")).await.refused(404, "NOT_FOUND");
        answer["instance"] = Value::Null;
        unlike.push(answer);
    }
    assert_eq!(unlike[0], unlike[1], "an unknown code and no code look alike");

    // Anybody may ask with the file.
    let whole = check(&suite, &pdf).await;
    assert_eq!(whole["verdict"], "FILE_VERDICT_VALID", "{whole}");
    assert_eq!(whole["signatures"].as_array().map(Vec::len), Some(2));
    assert_eq!(whole["signatures"][1]["wholeFile"], true);
    assert_eq!(whole["document"]["number"], village_number.as_str());
    // As the village left it: ours too.
    let document = text(&twice["documentId"]);
    let officer = suite.official("desa.staf").await;
    let first = officer.get(&format!("/v1/documents/{document}/file?revision=1")).await.ok();
    let body = json!({"content": first["content"]});
    let first = citizen.post("/v1/verifications:file", &body).await.ok();
    assert_eq!(first["verdict"], "FILE_VERDICT_VALID", "{first}");
    assert_eq!(first["signatures"].as_array().map(Vec::len), Some(1));
    let appended = [pdf.as_slice(), b"\n% tambahan\n"].concat();
    assert_eq!(check(&suite, &appended).await["verdict"], "FILE_VERDICT_EXTENDED");
    let mut altered = pdf.clone();
    let at = pdf.len() / 4;
    altered[at] ^= 1;
    assert_eq!(check(&suite, &altered).await["verdict"], "FILE_VERDICT_ALTERED");
    for foreign in [b"%PDF-1.7\n% milik orang lain\n%%EOF\n".as_slice(), b"bukan PDF"] {
        let told = check(&suite, foreign).await;
        assert_eq!((&told["verdict"], &told["document"]), (&json!("FILE_VERDICT_NOT_OURS"), &Value::Null));
    }
    // The judges see the same in what was tampered with.
    let (accepted, said) =
        Judges::pyhanko(&judges.put("diubah.pdf", &altered), suite.letters().bsre().roots());
    assert!(!accepted, "{said}");
    suite.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn line_16_an_sktm_goes_from_the_form_to_two_verified_signatures_by_bsre_2_on_sqlite() {
    from_the_form_to_two_signatures(Engine::Sqlite, Signing::BsreV2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn line_16_an_sktm_goes_from_the_form_to_two_verified_signatures_by_bsre_1_on_postgresql() {
    from_the_form_to_two_signatures(Engine::Postgres, Signing::BsreV1).await;
}

/// Finished at the village: one signature, by BSrE or by the seal, and by either judge sound. A revoked letter says so.
async fn one_signature(engine: Engine) {
    for signing in [Signing::BsreV2, Signing::Seal] {
        let suite = TestSuite::builder().engine(engine).letters(signing).start().await;
        let (filed, document, code) = issued(&suite).await;
        let pdf = download(&suite, &filed.code).await;
        let roots = suite.letters().bsre.as_ref().map(|bsre| bsre.roots().to_owned());
        Judges::new().accept(&pdf, roots.as_deref(), 1);
        let whole = check(&suite, &pdf).await;
        assert_eq!(whole["verdict"], "FILE_VERDICT_VALID", "{signing:?}");
        scanned(&suite, &pdf, &text(&whole["document"]["number"])).await;

        let revoke = format!("/v1/documents/{document}:revoke");
        let reason = json!({"reason": "Diterbitkan atas data yang keliru"});
        suite.official("desa.staf").await.post(&revoke, &reason).await.refused(403, "PERMISSION_MISSING");
        suite.official("desa.kades").await.post(&revoke, &reason).await.ok();
        let citizen = Api::anonymous(suite.base_url());
        let told = citizen.get(&format!("/v1/verifications/{code}")).await.ok();
        assert_eq!(told["document"]["state"], "DOCUMENT_STATE_REVOKED");
        assert!(!told.to_string().contains("keliru"), "the reason is not public");
        let told = check(&suite, &pdf).await;
        assert_eq!(
            told["document"]["state"], "DOCUMENT_STATE_REVOKED",
            "the file is whole, the document is not in force"
        );
        suite.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_signature_is_enough_where_the_village_finishes_on_sqlite() {
    one_signature(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_signature_is_enough_where_the_village_finishes_on_postgresql() {
    one_signature(Engine::Postgres).await;
}

/// Whatever a signing service does, the letter waits with a reason, and the next attempt issues it.
async fn every_misbehaviour(engine: Engine) {
    let suite = TestSuite::builder().engine(engine).letters(Signing::BsreV2).start().await;
    let passphrase = suite.letters().passphrase("desa.kades").to_owned();
    for (how, reason) in [
        (Misbehaviour::Unavailable, "SIGNING_UNAVAILABLE"),
        (Misbehaviour::LosesAnswer, "SIGNING_UNAVAILABLE"),
        (Misbehaviour::ErrorAsSuccess, "SIGNING_REFUSED"),
        (Misbehaviour::Garbage, "SIGNING_REFUSED"),
        (Misbehaviour::Unsigned, "SIGNATURE_NOT_VALID"),
        (Misbehaviour::OtherFile, "SIGNATURE_NOT_VALID"),
        (Misbehaviour::OtherSigner, "SIGNATURE_NOT_VALID"),
        (Misbehaviour::Appended, "SIGNATURE_NOT_VALID"),
        (Misbehaviour::Unstamped, "TIMESTAMP_MISSING"),
    ] {
        let filed = ready_to_sign(&suite, false).await;
        let before = read(&suite, "desa.kades", &filed.id).await;
        let made = suite.letters().bsre().signatures();
        suite.letters().bsre().misbehave(how);
        let failed = sign(&suite, "desa.kades", &[&filed.id], &passphrase).await.remove(0);
        assert_eq!(
            (&failed["signed"], &failed["reason"]),
            (&json!(false), &json!(reason)),
            "{how:?}: {failed}"
        );
        assert!(text(&failed["message"]).len() > 20, "{how:?}: {failed}");
        // Only one of them fails before it signs: what else was signed is a file that nobody keeps.
        let more = u64::from(how != Misbehaviour::Unavailable);
        assert_eq!(
            suite.letters().bsre().signatures(),
            made + more,
            "{how:?}: the same is not sent twice by itself"
        );
        let waiting = read(&suite, "desa.kades", &filed.id).await;
        assert_eq!(waiting["state"], "APPLICATION_STATE_AWAITING_SIGNATURE", "{how:?}");
        assert!(text(&waiting["signingProblem"]).len() > 20, "{how:?}: {waiting}");
        assert_eq!(follow(&suite, &filed.code).await["verificationCode"], "", "{how:?}");
        let issued = sign_well(&suite, "desa.kades", &filed.id).await;
        assert_eq!(issued["state"], "APPLICATION_STATE_ISSUED", "{how:?}");
        assert_eq!(issued["numbers"], before["numbers"], "{how:?}: the number is kept");
        assert_eq!(issued["signingProblem"], "", "{how:?}");
        let pdf = download(&suite, &filed.code).await;
        assert_eq!(check(&suite, &pdf).await["verdict"], "FILE_VERDICT_VALID", "{how:?}");
    }
    // A signer whom the service does not know, and one whose certificate is over.
    let camat = suite.letters().account("camat").clone();
    let filed = ready_to_sign(&suite, true).await;
    sign_well(&suite, "desa.kades", &filed.id).await;
    approve(&suite, "kecamatan.staf", &filed.id).await;
    let account = |status: &str| Account {
        nik: "1707021205780003".to_owned(),
        name: "Drs. Ahmad Fauzi, M.Si.".to_owned(),
        passphrase: camat.passphrase.clone(),
        status: status.to_owned(),
    };
    suite.letters().bsre().register(account("EXPIRED"));
    let failed = sign(&suite, "camat", &[&filed.id], &camat.passphrase).await.remove(0);
    assert_eq!(
        (&failed["signed"], &failed["reason"]),
        (&json!(false), &json!("CERTIFICATE_INACTIVE")),
        "{failed}"
    );
    assert_eq!(read(&suite, "camat", &filed.id).await["state"], "APPLICATION_STATE_AWAITING_SIGNATURE");
    // One who typed a wrong passphrase too often is locked there, also for the right one.
    suite.letters().bsre().register(account("ISSUE"));
    for (passphrase, reason) in std::iter::repeat_n(("salah-sama-sekali", "WRONG_PASSPHRASE"), 5)
        .chain([(camat.passphrase.as_str(), "SIGNER_LOCKED")])
    {
        let failed = sign(&suite, "camat", &[&filed.id], passphrase).await.remove(0);
        assert_eq!((&failed["signed"], &failed["reason"]), (&json!(false), &json!(reason)), "{failed}");
    }
    suite.letters().bsre().register(account("ISSUE"));
    assert_eq!(sign_well(&suite, "camat", &filed.id).await["state"], "APPLICATION_STATE_ISSUED");
    suite.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_misbehaviour_of_the_signing_service_leaves_the_letter_waiting_on_sqlite() {
    every_misbehaviour(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_misbehaviour_of_the_signing_service_leaves_the_letter_waiting_on_postgresql() {
    every_misbehaviour(Engine::Postgres).await;
}

/// A wrong passphrase is tried once in a batch, and no passphrase is kept anywhere.
async fn wrong_passphrase(engine: Engine) {
    const WRONG: &str = "kata-kunci-yang-salah-7731";
    let suite = TestSuite::builder().engine(engine).letters(Signing::BsreV2).start().await;
    let right = suite.letters().passphrase("desa.kades").to_owned();
    let (one, two) = (ready_to_sign(&suite, false).await, ready_to_sign(&suite, false).await);
    // More than the service bears before it locks the account.
    let batch = [&one.id, &two.id, &one.id, &two.id, &one.id, &two.id].map(String::as_str);
    for result in sign(&suite, "desa.kades", &batch, WRONG).await {
        assert_eq!(
            (&result["signed"], &result["reason"]),
            (&json!(false), &json!("WRONG_PASSPHRASE")),
            "{result}"
        );
        assert_eq!(result["application"]["state"], "APPLICATION_STATE_AWAITING_SIGNATURE");
    }
    let empty = sign(&suite, "desa.kades", &[&one.id], "").await.remove(0);
    assert_eq!(empty["reason"], "PASSPHRASE_REQUIRED", "{empty}");
    for result in sign(&suite, "desa.kades", &[&one.id, &two.id], &right).await {
        assert_eq!(result["signed"], true, "the account is not locked: {result}");
    }
    // Asked again, it is signed already.
    let again = sign(&suite, "desa.kades", &[&one.id], &right).await.remove(0);
    assert_eq!(again["signed"], true, "{again}");
    assert_eq!(suite.letters().bsre().signatures(), 2);

    let admin = suite.api(Persona::Admin).await;
    let journal = all_pages(&admin, "/v1/documentJournal", "entries").await;
    assert!(journal.iter().any(|entry| entry["what"] == "application.signing_failed"), "{journal:?}");
    let events = all_pages(&suite.official("sistem.perizinan").await, "/v1/documentEvents", "events").await;
    assert!(events.iter().any(|event| event["type"] == "surat.terbit"), "{events:?}");
    let told = format!("{journal:?} {events:?}");
    let kept = rows(&suite, engine).await;
    let data = suite.suite().data().to_owned();
    for (what, secret) in
        [("wrong passphrase", WRONG), ("passphrase", right.as_str()), ("NIK", NIK), ("name", NAME)]
    {
        assert!(!told.contains(secret), "the {what} stands in the journal or in an event");
        assert!(!kept.contains(secret), "the {what} stands in a table");
        assert_eq!(
            files_with(&data, secret),
            Vec::<PathBuf>::new(),
            "the {what} stands in the data directory"
        );
    }
    suite.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn line_16_a_wrong_passphrase_is_tried_once_and_none_is_kept_on_sqlite() {
    wrong_passphrase(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn line_16_a_wrong_passphrase_is_tried_once_and_none_is_kept_on_postgresql() {
    wrong_passphrase(Engine::Postgres).await;
}

/// A way to a server that can be cut.
/// What goes to the stand-in for the signing service itself, as the client of documents sends it.
async fn ask(bsre: &Bsre, path: &str, body: &Value) -> (u16, Value) {
    let (username, password) = bsre.application();
    let request = reqwest::Client::new().post(format!("{}/{path}", bsre.url())).json(body);
    let answer = request.basic_auth(username, Some(password)).send().await.expect("it answers");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// 37. The stand-in for BSrE refuses what the real service would: a code that is missing, wrong, over, used, or for fewer
/// files. Its codes arrive where their holder looks, and nowhere else.
#[tokio::test]
async fn should_37_the_stand_in_for_bsre_takes_a_code_once() {
    let folder = TempDir::new().expect("a folder");
    let clock = Arc::new(ManualClock::at("2026-11-23T01:00:00Z".parse().expect("a moment")));
    let bsre = Bsre::start(folder.path(), Arc::clone(&clock) as Arc<dyn Clock>).await.expect("it starts");
    let account = |status: &str| Account {
        nik: NIK.to_owned(),
        name: NAME.to_owned(),
        passphrase: "frasa".to_owned(),
        status: status.to_owned(),
    };
    bsre.register(account("ISSUE"));
    let pdf = {
        let suite = TestSuite::builder().letters(Signing::Seal).start().await;
        let filed = ready_to_sign(&suite, false).await;
        sign_well(&suite, "desa.kades", &filed.id).await;
        let pdf = download(&suite, &filed.code).await;
        suite.stop().await;
        base64(&pdf)
    };
    let body = |files: usize, credential: Value| {
        let mut body = json!({
            "nik": NIK,
            "signatureProperties": vec![json!({"tampilan": "INVISIBLE", "reason": "uji", "location": "uji"}); files],
            "file": vec![pdf.clone(); files],
        });
        body.as_object_mut().expect("an object").extend(credential.as_object().cloned().unwrap_or_default());
        body
    };
    let refused = async |files: usize, credential: Value, words: &str| {
        let (status, told) = ask(&bsre, "api/v2/sign/pdf", &body(files, credential)).await;
        assert_eq!(status, 400, "{told}");
        assert!(told["error"].as_str().is_some_and(|told| told.contains(words)), "{words}: {told}");
    };
    let code = async |files: usize| {
        let (status, told) = ask(&bsre, "api/v2/sign/get/totp", &json!({"nik": NIK, "data": files})).await;
        assert_eq!(status, 200, "{told}");
        let code = bsre.code(NIK).expect("it was sent");
        assert!(!told.to_string().contains(&code), "the answer holds no code: {told}");
        code
    };
    refused(1, json!({}), "passphrase atau totp").await;
    refused(1, json!({"totp": "123456"}), "belum diminta").await;
    let first = code(2).await;
    refused(1, json!({"totp": first, "passphrase": "frasa"}), "passphrase atau totp").await;
    refused(1, json!({"totp": "000000x"}), "salah").await;
    refused(3, json!({"totp": first}), "lebih sedikit").await;
    clock.advance(TimeDelta::minutes(6));
    refused(2, json!({"totp": first}), "kedaluwarsa").await;
    assert_eq!(bsre.signatures(), 0);
    let second = code(2).await;
    let (status, signed) = ask(&bsre, "api/v2/sign/pdf", &body(2, json!({"totp": second}))).await;
    assert_eq!((status, signed["file"].as_array().map(Vec::len)), (200, Some(2)), "{signed}");
    assert_eq!(bsre.signatures(), 2);
    refused(2, json!({"totp": second}), "sudah dipakai").await;
    // Who may not sign is sent none.
    bsre.register(account("EXPIRED"));
    let (status, told) = ask(&bsre, "api/v2/sign/get/totp", &json!({"nik": NIK, "data": 1})).await;
    assert_eq!((status, &told["status_code"]), (400, &json!(2026)));
    assert_eq!(files_with(folder.path(), &second), [folder.path().join(mpp::simulator::bsre::INBOX)]);
}

/// 37. A village head signs what waits with one code in one call: nothing keeps it, and each letter is verified.
async fn one_code(engine: Engine) {
    const WRONG: &str = "KodeSalah773109";
    let suite = TestSuite::builder().engine(engine).letters(Signing::BsreV2).start().await;
    let (one, two) = (ready_to_sign(&suite, false).await, ready_to_sign(&suite, false).await);
    let head = suite.official("desa.kades").await;
    let ids = json!([one.id, two.id]);
    let sent = head.post("/v1/applications:requestSigningCode", &json!({"applications": ids})).await.ok();
    assert_eq!(sent, json!({"letters": 2}));
    let code = suite.letters().bsre().code(KADES).expect("it was sent");
    let mut seen = Vec::new();
    for filed in [&one, &two] {
        seen.push(read(&suite, "desa.kades", &filed.id).await["contentHash"].take());
    }
    let sign = async |code: &str| {
        let body = json!({"applications": ids, "contentHashes": seen, "totp": code});
        let answer = head.post("/v1/applications:sign", &body).await.ok();
        answer["results"].as_array().expect("results").clone()
    };
    for result in sign(WRONG).await {
        assert_eq!((&result["signed"], &result["reason"]), (&json!(false), &json!("WRONG_TOTP")), "{result}");
    }
    for result in sign(&code).await {
        assert_eq!(result["signed"], true, "{result}");
    }
    assert_eq!((suite.letters().bsre().calls(), suite.letters().bsre().signatures()), (2, 2));
    for filed in [&one, &two] {
        let pdf = download(&suite, &filed.code).await;
        Judges::new().accept(&pdf, Some(suite.letters().bsre().roots()), 1);
    }
    // The wrong one is long enough to be looked for.
    assert_eq!(
        files_with(suite.suite().data(), WRONG),
        Vec::<PathBuf>::new(),
        "it stands in the data directory"
    );
    assert!(!rows(&suite, engine).await.contains(WRONG), "it stands in a table");
    suite.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn should_37_one_code_signs_what_waits_on_sqlite() {
    one_code(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn should_37_one_code_signs_what_waits_on_postgresql() {
    one_code(Engine::Postgres).await;
}

async fn cuttable(listener: std::net::TcpListener, to: Arc<Mutex<String>>, open: Arc<AtomicBool>) {
    listener.set_nonblocking(true).expect("a listener");
    let listener = TcpListener::from_std(listener).expect("a listener");
    while let Ok((mut inward, _)) = listener.accept().await {
        if !open.load(Ordering::SeqCst) {
            // Dropped: the caller finds the connection gone.
            continue;
        }
        let address = to.lock().expect("nobody panicked").trim_start_matches("http://").to_owned();
        let open = Arc::clone(&open);
        tokio::spawn(async move {
            let Ok(mut outward) = TcpStream::connect(address).await else { return };
            // What is under way ends when the way is cut.
            let cut = async {
                while open.load(Ordering::SeqCst) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::select! { _ = tokio::io::copy_bidirectional(&mut inward, &mut outward) => (), () = cut => () }
        });
    }
}

/// Without BSrE, people go on: forms, drafts, approvals, and letters that wait for a signature.
async fn everything_but_the_signature(engine: Engine) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let here = format!("http://{}", listener.local_addr().expect("its address"));
    let (to, open) = (Arc::new(Mutex::new(String::new())), Arc::new(AtomicBool::new(false)));
    let server = tokio::spawn(cuttable(listener, Arc::clone(&to), Arc::clone(&open)));
    let known = Arc::clone(&to);
    let configured = move |config: &mut mpp::Config| {
        let url = std::mem::replace(&mut config.documents.signing.url, here);
        *known.lock().expect("nobody panicked") = url;
    };
    let suite =
        TestSuite::builder().engine(engine).letters(Signing::BsreV2).configure(configured).start().await;

    // `ready_to_sign` hands in, reads drafts and approves.
    let filed = ready_to_sign(&suite, false).await;
    let passphrase = suite.letters().passphrase("desa.kades").to_owned();
    for _ in 0..2 {
        let failed = sign(&suite, "desa.kades", &[&filed.id], &passphrase).await.remove(0);
        assert_eq!(failed["reason"], "SIGNING_UNAVAILABLE", "{failed}");
        let waiting = read(&suite, "desa.kades", &filed.id).await;
        assert_eq!(waiting["state"], "APPLICATION_STATE_AWAITING_SIGNATURE");
    }
    let draft =
        suite.official("desa.kades").await.get(&format!("/v1/applications/{}/draft", filed.id)).await.ok();
    assert!(text(&draft["pdf"]).starts_with("JVBERi0"), "a draft is a PDF");
    let other = ready_to_sign(&suite, false).await;

    open.store(true, Ordering::SeqCst);
    for id in [&filed.id, &other.id] {
        assert_eq!(sign_well(&suite, "desa.kades", id).await["state"], "APPLICATION_STATE_ISSUED");
    }
    suite.stop().await;
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_but_the_signature_goes_on_while_bsre_is_away_on_sqlite() {
    everything_but_the_signature(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_but_the_signature_goes_on_while_bsre_is_away_on_postgresql() {
    everything_but_the_signature(Engine::Postgres).await;
}

/// What arrived at a server of somebody else.
#[derive(Clone)]
struct Arrived {
    headers: HeaderMap,
    body: String,
}

/// A server of somebody else: it keeps everything, and answers that it is well.
struct Elsewhere {
    address: SocketAddr,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Elsewhere {
    async fn start() -> Self {
        type Kept = Arc<Mutex<Vec<Arrived>>>;
        let arrived = Kept::default();
        let take = async |State(kept): State<Kept>, headers: HeaderMap, body: String| {
            kept.lock().expect("nobody panicked").push(Arrived { headers, body });
        };
        let router = Router::new().route("/masuk", post(take)).with_state(Arc::clone(&arrived));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { address, arrived }
    }

    /// Waits until something arrived that is `wanted`.
    async fn find(&self, wanted: impl Fn(&Arrived) -> bool) -> Arrived {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.arrived.lock().expect("nobody panicked").iter().find(|it| wanted(it)).cloned();
            if let Some(found) = found {
                return found;
            }
            assert!(Instant::now() < deadline, "it did not arrive within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Checks a message as Standard Webhooks 1.0.0 tells receivers to, with Python's `hmac`.
const VERIFY_WEBHOOK: &str = r#"
import base64, hashlib, hmac, json, sys, time
told = json.load(sys.stdin)
key = base64.b64decode(told["secret"].removeprefix("whsec_"))
assert abs(time.time() - int(told["timestamp"])) < 300, "an old message"
signed = f"{told['id']}.{told['timestamp']}.{told['body']}".encode()
expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
print("genuine" if any(hmac.compare_digest(expected, it) for it in told["signature"].split()) else "forged")
"#;

fn is_genuine(message: &Arrived, secret: &str) -> bool {
    let header = |name: &str| message.headers[name].to_str().expect("text").to_owned();
    let told = json!({
        "secret": secret,
        "id": header("webhook-id"),
        "timestamp": header("webhook-timestamp"),
        "signature": header("webhook-signature"),
        "body": message.body,
    });
    python(VERIFY_WEBHOOK, &told.to_string()) == "genuine"
}

fn lets_webhooks_stay_here(config: &mut mpp::Config) {
    config.documents.webhooks.allow_loopback = true;
    config.documents.webhooks.allow_http_hosts = "127.0.0.1".to_owned();
}

/// Makes a webhook of the licensing system and answers its secret and id.
async fn webhook(suite: &TestSuite, receiver: &Elsewhere, types: &[&str]) -> (String, String) {
    let body = json!({"url": format!("http://{}/masuk", receiver.address), "eventTypes": types});
    let system = suite.official("sistem.perizinan").await;
    // A service account repeats safely or not at all.
    let no_key = system.send(reqwest::Method::POST, "/v1/webhooks", Some(&body), &[]).await;
    no_key.refused(400, "IDEMPOTENCY_KEY_REQUIRED");
    let made = system.post("/v1/webhooks", &body).await.ok();
    (text(&made["secret"]), text(&made["webhook"]["id"]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_licensing_system_is_told_of_an_issued_letter_by_a_signed_webhook() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let receiver = Elsewhere::start().await;
        let suite = TestSuite::builder()
            .engine(engine)
            .letters(Signing::BsreV2)
            .configure(lets_webhooks_stay_here)
            .start()
            .await;
        let (secret, id) = webhook(&suite, &receiver, &["surat.terbit"]).await;
        let (filed, document, _) = issued(&suite).await;
        let message = receiver.find(|_| true).await;
        assert!(is_genuine(&message, &secret), "{}", message.body);
        let forged = Arrived { body: message.body.replace("sktm", "skt "), ..message.clone() };
        assert!(!is_genuine(&forged, &secret), "a changed body is taken");
        let other = format!("whsec_{}", base64(&[7; 32]));
        assert!(!is_genuine(&message, &other), "another secret is taken");
        let body: Value = serde_json::from_str(&message.body).expect("JSON");
        assert_eq!(body["type"], "surat.terbit");
        assert!(message.body.contains(&document) || message.body.contains(&filed.id), "{}", message.body);
        for hidden in [NIK, NAME, filed.code.as_str()] {
            assert!(!message.body.contains(hidden), "a message is thin: {}", message.body);
        }
        // The sender knows that it arrived.
        let system = suite.official("sistem.perizinan").await;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let list = system.get(&format!("/v1/webhooks/{id}/deliveries")).await.ok();
            if list["deliveries"][0]["state"] == "DELIVERY_STATE_DELIVERED" {
                break;
            }
            assert!(Instant::now() < deadline, "{list}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        suite.stop().await;
    }
}

/// What OSS presents: SHA1(USERNAME+PASSWORD+NIB+DATE), by Python's `hashlib`.
fn oss_token(nib: &str) -> String {
    let today = (SystemClock.now() + TimeDelta::hours(7)).format("%Y%m%d");
    python(
        "import hashlib, sys; print(hashlib.sha1(sys.stdin.read().encode()).hexdigest())",
        &format!("OSSUSERrahasia{nib}{today}"),
    )
}

/// A licence of OSS-RBA, from `receiveNIB` to `IZINFINAL`, with its statuses in order and its webhook.
async fn licence_of_oss(engine: Engine) {
    let oss = Oss::new("kunci");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base_url = format!("http://{}/v1/kl/rba", listener.local_addr().expect("its address"));
    tokio::spawn(oss.clone().serve(listener));
    let receiver = Elsewhere::start().await;
    let configured = move |config: &mut mpp::Config| {
        lets_webhooks_stay_here(config);
        let oss = &mut config.documents.oss;
        oss.enabled = true;
        oss.base_url = base_url;
        oss.user_key = Secret::from("kunci".to_owned());
        oss.username = Secret::from("OSSUSER".to_owned());
        oss.password = Secret::from("rahasia".to_owned());
        ONE_STOP.clone_into(&mut oss.office);
        "033".clone_into(&mut oss.agency_code);
    };
    let suite =
        TestSuite::builder().engine(engine).letters(Signing::BsreV2).configure(configured).start().await;
    let (secret, _) = webhook(&suite, &receiver, &["izin.terbit"]).await;

    let nib = "1234567890123";
    let call = json!({"dataNIB": {
        "nib": nib,
        "oss_id": "OSS-202611260001",
        "nama_perseroan": "PT Contoh Kopi Lebong",
        "alamat_perseroan": "Jalan Lintas Curup Nomor 8",
        "penanggung_jwb": [{"nama_penanggung_jwb": NAME, "no_identitas_penanggung_jwb": NIK}],
        "data_proyek": [{"id_proyek": "R-202611260001", "kbli": "10761"}],
        "data_checklist": [{
            "id_proyek": "R-202611260001",
            "id_izin": "I-202611260001",
            "jenis_izin": "04",
            "kd_izin": "033000000001",
            "kd_daerah": "1707000000",
            "kewenangan": "02",
            "nama_izin": "Sertifikat standar industri pengolahan kopi",
        }],
    }});
    let anonymous = Api::anonymous(suite.base_url());
    let receive = |token: String| json!({"method": "receiveNIB", "token": token, "body": call.to_string()});
    let forged = anonymous.post("/v1/oss:receive", &receive("0".repeat(40))).await.ok();
    assert_eq!(forged["httpStatus"], 401, "{forged}");
    // Where OSS calls, and the same once more by the API.
    let today = (SystemClock.now() + TimeDelta::hours(7)).format("%Y%m%d").to_string();
    let agency = format!("{}/oss/v1", suite.base_url());
    let agency = (agency.as_str(), "OSSUSER", "rahasia");
    let (status, body) =
        oss.send_nib(anonymous.http(), agency, &call["dataNIB"], &today).await.expect("an answer");
    assert!(status == 200 && body.starts_with(r#"{"responreceiveNIB":{"#), "{status} {body}");
    for _ in 0..2 {
        let taken = anonymous.post("/v1/oss:receive", &receive(oss_token(nib))).await.ok();
        assert_eq!(taken["httpStatus"], 200, "{taken}");
        let body: Value = serde_json::from_str(taken["body"].as_str().expect("a body")).expect("JSON");
        assert_eq!(body["responreceiveNIB"]["status"], "1", "{body}");
    }
    let system = suite.official("sistem.perizinan").await;
    let licences = system.get("/v1/licences").await.ok();
    assert_eq!(
        licences["licences"].as_array().map(Vec::len),
        Some(1),
        "a repetition has no effect: {licences}"
    );
    let licence = text(&licences["licences"][0]["id"]);
    let application = text(&licences["licences"][0]["applicationId"]);

    // An official tells a status; the agency works on it like on every application.
    let told = json!({"statusCode": "20", "officialName": "Rizky Pratama, S.T."});
    let verifier = suite.official("dpmptsp.verifikator").await;
    verifier.post(&format!("/v1/licences/{licence}:updateStatus"), &told).await.ok();
    approve(&suite, "dpmptsp.verifikator", &application).await;
    approve(&suite, "dpmptsp.kabid", &application).await;
    let issued = sign_well(&suite, "dpmptsp.kepala", &application).await;
    assert_eq!(issued["state"], "APPLICATION_STATE_ISSUED", "{issued}");

    // OSS hears of both, in this order; it would refuse a field that is missing, too long or out of turn.
    let deadline = Instant::now() + PATIENCE;
    let taken = loop {
        let taken = oss.taken();
        if taken.iter().any(|it| it.method == "receiveLicense") {
            break taken;
        }
        assert!(Instant::now() < deadline, "{taken:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let methods: Vec<&str> = taken.iter().map(|it| it.method.as_str()).collect();
    assert_eq!(methods, ["receiveLicenseStatus", "receiveLicense"]);
    assert_eq!(taken[0].content["kd_status"], "20");
    let last = &taken[1].content;
    assert_eq!((&last["nib"], &last["id_izin"]), (&json!(nib), &json!("I-202611260001")), "{last}");
    assert_eq!(last["nomor_izin"], issued["numbers"][0]["text"]);
    assert_eq!(last["status_izin"], "50");
    assert_eq!(last["nama_ttd"], "Ir. Bambang Hermanto, M.M.");
    // The link in it opens without signing in, on a file that others find sound.
    let pdf = fetch(&anonymous, &text(&last["file_izin"])).await;
    Judges::new().accept(&pdf, Some(suite.letters().bsre().roots()), 1);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = system.get(&format!("/v1/licences/{licence}")).await.ok();
        let messages = told["licence"]["messages"].as_array().expect("messages").clone();
        let kinds: Vec<&str> = messages.iter().filter_map(|it| it["kind"].as_str()).collect();
        if messages.iter().all(|it| it["state"] == "LICENCE_MESSAGE_STATE_SENT") {
            assert_eq!(kinds, ["IZINSTATUS", "IZINFINAL"], "{told}");
            assert_eq!(told["licence"]["statusCode"], "50");
            assert_eq!(told["licence"]["number"], "OSS-000001", "the number that OSS gave is kept");
            break;
        }
        assert!(Instant::now() < deadline, "{told}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let message = receiver.find(|it| it.body.contains("izin.terbit")).await;
    assert!(is_genuine(&message, &secret), "{}", message.body);
    assert!(!message.body.contains(NIK) && !message.body.contains("PT Contoh"), "{}", message.body);
    suite.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_licence_goes_from_receive_nib_to_izinfinal_on_sqlite() {
    licence_of_oss(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_licence_goes_from_receive_nib_to_izinfinal_on_postgresql() {
    licence_of_oss(Engine::Postgres).await;
}

/// Every field of the form with something odd in it: taken or refused with the name of the field, never a failure.
async fn odd_forms(engine: Engine) {
    let suite = TestSuite::builder().engine(engine).letters(Signing::Seal).start().await;
    let citizen = Api::anonymous(suite.base_url());
    let whole = form(&[], false);
    let odd = [
        json!("\u{0}"),
        json!("kiri \u{202e}kanan"),
        json!("👩‍🦽 dan عربي"),
        json!("#panic(\"x\") *b* $x$ @ref <l> \\ ] }"),
        json!("x".repeat(20_000)),
        json!("W".repeat(79)),
        json!(-1),
        json!(1e308),
        json!([[], {}, null]),
        json!({"a": {"b": [1, null]}}),
        Value::Null,
    ];
    let mut refused = 0;
    for part in ["values", "subject"] {
        let fields: Vec<String> = whole[part].as_object().expect("an object").keys().cloned().collect();
        for field in fields.iter().map(String::as_str).chain(["tidak_dikenal"]) {
            for value in &odd {
                let mut form = whole.clone();
                form[part][field] = value.clone();
                // Papers are missing, so nothing is handed in, and everything else is looked at all the same.
                let answer = citizen.post("/v1/applications", &form).await;
                let asked = value.to_string().chars().take(60).collect::<String>();
                assert_eq!(answer.status.as_u16(), 400, "{part}.{field} = {asked}: {}", answer.body);
                assert_eq!(answer.body["reason"], "INVALID_REQUEST", "{}", answer.body);
                let named = answer.body["violations"].as_array().cloned().unwrap_or_default();
                assert!(!named.is_empty(), "{part}.{field} = {asked}: {}", answer.body);
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "only {refused} forms were tried");
    // With papers it comes as far as the press: what cannot be printed is refused by name.
    for (field, value) in [
        ("tujuan", "kiri \u{202e}kanan"),
        ("tujuan", "👩‍🦽"),
        ("tempat_lahir", "a\u{0}b"),
        ("pekerjaan", "عربي"),
        ("tujuan", "#panic(\"x\") *b* $x$ @ref <l>"),
    ] {
        let mut papers = Vec::new();
        for requirement in ["ktp", "kk", "pernyataan"] {
            let answer = citizen.post("/v1/files", &json!({"content": paper()})).await.ok();
            papers.push(json!({"fileId": answer["file"]["fileId"], "requirement": requirement}));
        }
        let mut form = form(&papers, false);
        form["values"][field] = json!(value);
        let answer = citizen.post("/v1/applications", &form).await;
        if value.starts_with('#') {
            // Data, whatever it looks like.
            answer.ok();
        } else {
            let problem = answer.refused(400, "INVALID_REQUEST");
            assert_eq!(problem["violations"][0]["field"], format!("values.{field}"), "{problem}");
        }
    }
    suite.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_forms_are_refused_by_the_name_of_the_field_on_sqlite() {
    odd_forms(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_forms_are_refused_by_the_name_of_the_field_on_postgresql() {
    odd_forms(Engine::Postgres).await;
}

/// The program plays a letter against the running program, writes it, and says of it what the upload check says; and even
/// a log that tells everything holds no passphrase.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_plays_a_letter_and_verifies_it() {
    let dir = TempDir::with_prefix("mpp-letter-").expect("a directory");
    let data = dir.path().join("data").to_string_lossy().into_owned();
    let out = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let away = Binary::with(["demo", "letter", "--out", &out("a.pdf"), "--data", &data]).finish();
    assert_eq!(away.code, Some(65), "{away:?}");
    assert!(
        away.stderr.contains("demo-accounts.json") && away.stderr.trim().lines().count() == 1,
        "{away:?}"
    );

    let server = Binary::with(["serve", "all", "--port", "0", "--data", &data])
        .env("MPP_TELEMETRY__LOG", "trace")
        .serve();
    let url = server.url().expect("ready");
    for (name, more, steps, signatures) in
        [("satu.pdf", [].as_slice(), 10, 1), ("dua.pdf", ["--sub-district"].as_slice(), 12, 2)]
    {
        let file = out(name);
        let command = ["demo", "letter", "--out", &file, "--data", &data];
        let played = Binary::with(command.into_iter().chain(more.iter().copied())).finish();
        assert_eq!(played.code, Some(0), "{played:?}");
        let lines = played.stdout.lines().filter(|line| line.starts_with('[')).count();
        assert_eq!(lines, steps, "a line for each step: {}", played.stdout);
        assert!(played.stdout.contains("BERLAKU"), "{}", played.stdout);
        let pdf = std::fs::read(&file).expect("the letter");
        let roots = Path::new(&data).join("bsre-simulator/roots.pem");
        Judges::new().accept(&pdf, Some(&roots), signatures);

        // By the data directory, and by the address.
        for more in [["--data", &data], ["--url", &url]] {
            let verified = Binary::with(["verify", &file].into_iter().chain(more)).finish();
            assert_eq!(verified.code, Some(0), "{verified:?}");
            assert!(verified.stdout.contains(": VALID: "), "{verified:?}");
            assert_eq!(verified.stdout.matches("intact, trusted").count(), signatures, "{verified:?}");
        }
        let longer = out("tambahan.pdf");
        std::fs::write(&longer, [pdf.as_slice(), b"\n% tambahan\n"].concat()).expect("a file");
        let foreign = out("lain.pdf");
        std::fs::write(&foreign, "%PDF-1.7\n% milik orang lain\n").expect("a file");
        for (file, verdict, why) in [(&longer, "EXTENDED", "added"), (&foreign, "NOT OURS", "not a document")]
        {
            let refused = Binary::with(["verify", file, "--url", &url]).finish();
            assert_eq!(refused.code, Some(65), "{refused:?}");
            assert!(refused.stdout.contains(verdict), "{refused:?}");
            assert!(
                refused.stderr.contains(why) && refused.stderr.trim().lines().count() == 1,
                "{refused:?}"
            );
        }
    }
    let missing = Binary::with(["verify", &out("tidak-ada.pdf"), "--url", &url]).finish();
    assert_eq!(missing.code, Some(64), "{missing:?}");
    let unwritable =
        Binary::with(["demo", "letter", "--out", "/tidak/ada/surat.pdf", "--data", &data]).finish();
    assert_eq!(unwritable.code, Some(65), "{unwritable:?}");
    assert!(unwritable.stderr.contains("/tidak/ada/surat.pdf"), "{unwritable:?}");

    let accounts: Value = serde_json::from_str(
        &std::fs::read_to_string(Path::new(&data).join("demo-accounts.json")).expect("the demo accounts"),
    )
    .expect("JSON");
    let log = server.log();
    assert!(log.len() > 10_000, "the log tells little: {} bytes", log.len());
    for account in accounts["accounts"].as_array().expect("accounts") {
        let Some(passphrase) = account["passphrase"].as_str() else { continue };
        assert!(!log.contains(passphrase), "the log holds the passphrase of {}", account["username"]);
        let found = files_with(Path::new(&data), passphrase);
        assert!(found.iter().all(|file| file.ends_with("demo-accounts.json")), "{found:?}");
    }
    assert!(!log.contains("1707026602929998"), "the log holds the NIK");
    drop(server);
    let gone = Binary::with(["verify", &out("satu.pdf"), "--url", &url]).finish();
    assert_eq!(gone.code, Some(69), "{gone:?}");
    let gone = Binary::with(["demo", "letter", "--out", &out("a.pdf"), "--data", &data]).finish();
    assert_eq!(gone.code, Some(65), "{gone:?}");
    assert!(gone.stderr.contains("does not answer") && gone.stderr.trim().lines().count() == 1, "{gone:?}");
}

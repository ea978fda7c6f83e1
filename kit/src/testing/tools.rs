//! Programs of others that `script/setup test` installs into `target/venv`: one reads the codes that are printed on a page, one
//! speaks S3.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use super::{temp_dir, watchdog};
use crate::files::FilesConfig;
use crate::process;

/// Far longer than a start in Python takes on a busy machine.
const START: Duration = Duration::from_secs(60);

/// Reads every QR code on the pages that it is given as portable graymaps, by [ZXing-C++](https://pypi.org/project/zxing-cpp/).
const READ_CODES: &str = r#"
import sys, zxingcpp
for path in sys.argv[1:]:
    kind, size, most, rows = open(path, "rb").read().split(b"\n", 3)
    assert (kind, most) == (b"P5", b"255"), (kind, most)
    width, height = map(int, size.split())
    page = memoryview(rows).cast("B", (height, width))
    for code in zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormat.QRCode):
        print(code.text)
"#;

/// A program of the virtual environment; where there is none, the one that is found by its name.
fn venv(program: &str) -> PathBuf {
    installed(program).unwrap_or_else(|| PathBuf::from(program))
}

/// A program of the virtual environment, else of this machine; none where it is in neither.
fn installed(program: &str) -> Option<PathBuf> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv/bin").join(program);
    if ours.exists() { Some(ours) } else { process::find(program) }
}

/// A server of the virtual environment, whose start would be waited for in vain where it is not installed.
///
/// # Panics
/// When it is not.
fn server(program: &str) -> PathBuf {
    installed(program).unwrap_or_else(|| {
        panic!("{program} is not installed: run script/setup test, which puts it into target/venv")
    })
}

fn said(command: &mut Command, remedy: &str) -> Output {
    let output =
        command.output().unwrap_or_else(|error| panic!("{command:?} does not run ({error}): {remedy}"));
    assert!(output.status.success(), "{command:?}: {remedy}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// What a telephone reads in the QR codes of a PDF, in the order of its pages. Each page is drawn at 200 dots per inch, which is
/// less than an office printer prints.
///
/// # Panics
/// When the programs for it are not there, or refuse the file.
#[must_use]
pub fn qr_codes(pdf: &[u8]) -> Vec<String> {
    let folder = temp_dir();
    let file = folder.path().join("surat.pdf");
    std::fs::write(&file, pdf).expect("a file");
    let pages = folder.path().join("halaman");
    let mut draw = Command::new("pdftoppm");
    draw.args(["-r", "200", "-gray"]).arg(&file).arg(&pages);
    said(&mut draw, "install poppler-utils, or run script/setup test");
    let drawn =
        std::fs::read_dir(folder.path()).expect("the folder").map(|entry| entry.expect("an entry").path());
    let mut drawn: Vec<_> = drawn.filter(|path| path.extension().is_some_and(|it| it == "pgm")).collect();
    drawn.sort();
    assert!(!drawn.is_empty(), "pdftoppm drew no page");
    let mut read = Command::new(venv("python3"));
    read.args(["-c", READ_CODES]).args(&drawn);
    let output = said(&mut read, "run script/setup test, which installs zxing-cpp into target/venv");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// The private S3 of this process: [moto](https://pypi.org/project/moto/), which keeps what it is given in memory. Starts when
/// first asked for; every test makes buckets of its own in it.
#[derive(Debug)]
pub struct S3 {
    /// Where it listens, such as `127.0.0.1:5000`.
    address: String,
}

/// The private S3 of this process.
///
/// # Panics
/// When it is not installed, at once; and when it does not start.
pub async fn s3() -> &'static S3 {
    static S3_CELL: OnceCell<S3> = OnceCell::const_new();
    S3_CELL.get_or_init(S3::start).await
}

impl S3 {
    async fn start() -> Self {
        let log = watchdog().root.join("s3.log");
        let program = server("moto_server");
        // Port 0: the system chooses a free one, and the log says which.
        watchdog().run(&format!("{} -H 127.0.0.1 -p 0 >{} 2>&1", program.display(), log.display()));
        let deadline = Instant::now() + START;
        loop {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let announced = text.lines().find_map(|line| line.split_once("Running on http://"));
            if let Some((_, address)) = announced {
                return Self { address: address.trim().to_owned() };
            }
            assert!(
                Instant::now() < deadline,
                "moto_server does not start: run script/setup test, which installs it into target/venv: {text}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A fresh, empty bucket, as the settings of a service name it. Anybody may read and write in it, so that a test sees what
    /// lies there: [`S3::get`].
    pub async fn bucket(&self) -> FilesConfig {
        let bucket = format!("uji-{:016x}", rand::random::<u64>());
        let (status, _) =
            self.send("PUT", &format!("/{bucket}"), "x-amz-acl: public-read-write\r\n", &[]).await;
        assert_eq!(status, 200, "a bucket is made");
        FilesConfig {
            bucket,
            region: "id-jakarta-1".to_owned(),
            endpoint: format!("http://{}", self.address),
            access_key_id: "uji".to_owned(),
            secret_access_key: "rahasia".to_owned().into(),
        }
    }

    /// What lies in a bucket under a key, past everything that the suite does.
    pub async fn get(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let (status, body) = self.send("GET", &format!("/{bucket}/{key}"), "", &[]).await;
        assert!(matches!(status, 200 | 404), "{status}");
        (status == 200).then_some(body)
    }

    /// Lays something into a bucket, over what is there.
    pub async fn put(&self, bucket: &str, key: &str, content: &[u8]) {
        let acl = "x-amz-acl: public-read-write\r\n";
        let (status, _) = self.send("PUT", &format!("/{bucket}/{key}"), acl, content).await;
        assert_eq!(status, 200);
    }

    /// The keys in a bucket.
    pub async fn keys(&self, bucket: &str) -> Vec<String> {
        let (status, body) = self.send("GET", &format!("/{bucket}?list-type=2"), "", &[]).await;
        assert_eq!(status, 200);
        let text = String::from_utf8(body).expect("a list in XML");
        text.split("<Key>").skip(1).filter_map(|it| it.split("</Key>").next()).map(str::to_owned).collect()
    }

    /// A request without credentials, and what came of it.
    async fn send(&self, method: &str, target: &str, headers: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).await.expect("the private S3 listens");
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.expect("it reads");
        stream.write_all(body).await.expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("it answers");
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n").expect("a head and a body");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
        assert!(!head.to_ascii_lowercase().contains("transfer-encoding"), "{head}");
        (status, answer.split_off(end + 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "moto_nowhere is not installed: run script/setup test")]
    fn a_server_that_is_not_installed_is_named_at_once() {
        assert!(installed("sh").is_some());
        server("moto_nowhere");
    }
}

//! A virus scanner that speaks `INSTREAM` as clamd(8) has it: it finds one signature, and looks at small files alone.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::esign::lock;

/// What every scanner finds, and no program: the test file of EICAR.
pub(crate) const EICAR: &[u8] = br"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";
/// `StreamMaxLength`.
const LONGEST: usize = 1 << 20;

pub(crate) struct Clamd {
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    task: JoinHandle<()>,
}

impl Clamd {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let seeing = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seeing);
                tokio::spawn(async move { serve(stream, &seen).await });
            }
        });
        Self { address, seen, task }
    }

    /// The files it found clean.
    pub(crate) fn seen(&self) -> Vec<Vec<u8>> {
        lock(&self.seen).clone()
    }

    /// It answers nobody any more.
    pub(crate) fn ends(&self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Vec<u8>>>) -> Option<()> {
    let mut command = [0; 10];
    stream.read_exact(&mut command).await.ok()?;
    assert_eq!(&command, b"zINSTREAM\0");
    let mut content = Vec::new();
    loop {
        let length = stream.read_u32().await.ok()?;
        if length == 0 {
            break;
        }
        let mut piece = vec![0; usize::try_from(length).ok()?];
        stream.read_exact(&mut piece).await.ok()?;
        content.extend_from_slice(&piece);
    }
    let answer: &[u8] = if content.len() > LONGEST {
        b"INSTREAM size limit exceeded. ERROR\0"
    } else if content.windows(EICAR.len()).any(|window| window == EICAR) {
        b"stream: Eicar-Signature FOUND\0"
    } else {
        lock(seen).push(content);
        b"stream: OK\0"
    };
    stream.write_all(answer).await.ok()
}

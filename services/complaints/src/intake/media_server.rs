//! A stand-in for where media of messages are: an id leads to a short-lived address, both want the token.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The server. It ends when this is dropped.
pub(crate) struct MediaServer {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    fail: bool,
    asked: usize,
}

impl Drop for MediaServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl MediaServer {
    pub(crate) async fn start(token: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v25.0", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        let (served, base) = (Arc::clone(&state), url.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&served), base.clone(), token));
            }
        });
        Self { url, state, task }
    }

    pub(crate) fn put(&self, id: &str, content: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.files.insert(id.to_owned(), content.to_vec());
    }

    /// How often anything was asked for.
    pub(crate) fn asked(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).asked
    }

    /// The next request is answered 503.
    pub(crate) fn fail_next(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).fail = true;
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>, base: String, token: &str) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let target = head.split_whitespace().nth(1).unwrap_or_default();
    let name = target.rsplit('/').next().unwrap_or_default();
    let (status, content) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.asked += 1;
        if std::mem::take(&mut state.fail) {
            (503, Vec::new())
        } else if !head.contains(&format!("authorization: Bearer {token}\r\n")) {
            (401, Vec::new())
        } else {
            match (state.files.get(name), target.contains("/bytes/")) {
                (Some(content), true) => (200, content.clone()),
                (Some(_), false) => (200, format!(r#"{{"url":"{base}/bytes/{name}"}}"#).into_bytes()),
                (None, _) => (404, Vec::new()),
            }
        }
    };
    let head =
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", content.len());
    // Who asked may be gone.
    let _gone = stream.write_all(&[head.as_bytes(), &content].concat()).await;
}

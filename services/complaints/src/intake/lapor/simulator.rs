//! A stand-in for the interface of LAPOR!, as strict as a real one: it wants its token, knows its reports, gives three to a
//! page, refuses empty answers, and can lose an answer or forget what it was told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::client::FollowUp;

const PAGE: usize = 3;

/// The server. It ends when this is dropped.
pub(crate) struct Simulator {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    reports: BTreeMap<String, (Value, Vec<FollowUp>)>,
    lose: bool,
    /// After how many answers one is not kept.
    forget: Option<u32>,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Simulator {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        let served = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self { url, state, task }
    }

    /// A citizen writes a report.
    pub(crate) fn write(&self, id: &str, text: &str) {
        let report = json!({"tracking_id": id, "judul": "Laporan", "isi": text, "klasifikasi": "Pengaduan",
            "kategori": "Penerangan", "status": "Baru", "tanggal": "2026-09-14 08:30", "anonim": true});
        lock(&self.state).reports.insert(id.to_owned(), (report, Vec::new()));
    }

    /// Another class is noted there.
    pub(crate) fn set_class(&self, id: &str, class: &str) {
        if let Some((report, _)) = lock(&self.state).reports.get_mut(id) {
            report["klasifikasi"] = json!(class);
        }
    }

    /// What it shows of a report changes.
    pub(crate) fn set_status(&self, id: &str, status: &str) {
        if let Some((report, _)) = lock(&self.state).reports.get_mut(id) {
            report["status"] = json!(status);
        }
    }

    /// The next answer is taken, and a failure told.
    pub(crate) fn lose_next_answer(&self) {
        lock(&self.state).lose = true;
    }

    /// After so many answers one is told to be taken, and is not kept.
    pub(crate) fn forget_after(&self, answers: u32) {
        lock(&self.state).forget = Some(answers);
    }

    /// Somebody pastes an answer there by hand.
    pub(crate) fn paste(&self, id: &str, text: &str) {
        if let Some((_, told)) = lock(&self.state).reports.get_mut(id) {
            told.push(FollowUp { reference: String::new(), text: text.to_owned() });
        }
    }

    pub(crate) fn follow_ups(&self, id: &str) -> Vec<FollowUp> {
        lock(&self.state).reports.get(id).map(|it| it.1.clone()).unwrap_or_default()
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let (head, body) = loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| {
                line.to_lowercase().strip_prefix("content-length:").map(str::trim).map(str::to_owned)
            })
            .and_then(|length| length.parse::<usize>().ok())
            .unwrap_or_default();
        if body.len() >= length {
            break (head.to_owned(), body.to_owned());
        }
    };
    let (status, answer) = answer(&head, &body, &mut lock(&state));
    let answer = answer.to_string();
    let response = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}",
        answer.len()
    );
    // Who asked may be gone.
    let _gone = stream.write_all(response.as_bytes()).await;
}

fn answer(head: &str, body: &str, state: &mut State) -> (u16, Value) {
    let mut words = head.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !head.lines().any(|line| line.eq_ignore_ascii_case("authorization: Bearer kunci")) {
        return (401, json!({}));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = path.trim_start_matches("/api/laporan").trim_start_matches('/');
    if method == "GET" && path.is_empty() {
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let page: usize = value("halaman").and_then(|it| it.parse().ok()).unwrap_or(1);
        let since = value("sejak").unwrap_or_default();
        let reports = state.reports.values().filter(|_| !since.starts_with("2030"));
        let all = reports.map(|(report, _)| report.clone()).collect::<Vec<_>>();
        let data = all.iter().skip((page - 1) * PAGE).take(PAGE).cloned().collect::<Vec<_>>();
        let next = (page * PAGE < all.len()).then_some(page + 1);
        return (200, json!({"data": data, "next_page": next}));
    }
    let (id, rest) = path.split_once('/').unwrap_or((path, ""));
    let (lose, forget) = (state.lose, state.forget == Some(0));
    let Some((report, told)) = state.reports.get_mut(id) else { return (404, json!({})) };
    match (method, rest) {
        ("GET", "") => {
            let mut report = report.clone();
            report["tindak_lanjut"] = json!(told);
            (200, json!({"data": report}))
        }
        ("POST", "tindak-lanjut") => {
            let Ok(new) = serde_json::from_str::<FollowUp>(body) else { return (400, json!({})) };
            if new.text.trim().is_empty() || new.reference.is_empty() {
                return (422, json!({}));
            }
            if told.iter().any(|it| it.reference == new.reference) {
                return (409, json!({}));
            }
            state.forget = state.forget.and_then(|it| it.checked_sub(1));
            if !forget {
                told.push(new);
            }
            state.lose = false;
            if lose { (502, json!({})) } else { (201, json!({"ok": true})) }
        }
        _ => (405, json!({})),
    }
}

//! The API mode: a client of LAPOR!, reached through the government's service bus after an agreement.
//!
//! The interface is agreed on with each agency and not published; this is the one that the simulator of the tests speaks.
//! What counts is how it is used: pages are read to their end, nothing is believed to have arrived until it was read back,
//! and a refusal is told apart from a failure.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use mpp_kit::config::{ExposeSecret as _, Secret};
use mpp_kit::outside;
use serde::{Deserialize, Serialize};

use super::{Class, Item, Stage, moment};

/// An answer beyond this is none.
const MAX_ANSWER: usize = 8 << 20;
/// Pages beyond this many are an interface that does not end.
const MAX_PAGES: u32 = 1_000;

/// Calls LAPOR!. Clones share the connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
    token: Secret,
}

/// Why a call brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It was refused: the same again would be refused again.
    #[error("refused with status {0}")]
    Refused(u16),
    /// LAPOR! cannot or will not now. What was sent may have arrived all the same.
    #[error("not now: {0}")]
    Later(&'static str),
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Report>,
    #[serde(default)]
    next_page: Option<u32>,
}

#[derive(Deserialize)]
struct One {
    data: Report,
}

/// A report as the interface writes it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Report {
    tracking_id: String,
    judul: String,
    isi: String,
    klasifikasi: String,
    kategori: String,
    status: String,
    tanggal: String,
    pelapor: Option<String>,
    anonim: bool,
    rahasia: bool,
    lokasi: String,
    tindak_lanjut: Vec<FollowUp>,
}

/// An answer of an agency as LAPOR! shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FollowUp {
    /// Our reference: the same for every attempt.
    pub reference: String,
    /// The answer.
    pub text: String,
}

impl From<Report> for Item {
    fn from(it: Report) -> Self {
        Self {
            class: Class::from_label(&it.klasifikasi),
            stage: Stage::from_label(&it.status),
            written_at: moment(&it.tanggal),
            reporter: it.pelapor.filter(|name| !it.anonim && !name.trim().is_empty()),
            tracking_id: it.tracking_id,
            title: it.judul,
            text: it.isi,
            category: it.kategori,
            stage_label: it.status,
            anonymous: it.anonim,
            secret: it.rahasia,
            place: it.lokasi,
        }
    }
}

impl Client {
    /// A client for this address and token.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(base_url: &str, token: Secret, timeout: Duration) -> anyhow::Result<Self> {
        let http = outside::client(timeout).build().context("setting up the client for SP4N-LAPOR!")?;
        Ok(Self { http, base_url: base_url.trim_end_matches('/').to_owned(), token })
    }

    /// Everything that changed since a moment, through all pages.
    ///
    /// # Errors
    /// [`Failure`]. Pages that were read before are lost: the next call reads them again.
    pub async fn changed_since(&self, since: DateTime<Utc>) -> Result<Vec<Item>, Failure> {
        let mut items = Vec::new();
        let mut page = 1;
        let since = since.to_rfc3339();
        for _ in 0..MAX_PAGES {
            let number = page.to_string();
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs([("sejak", since.as_str()), ("halaman", number.as_str())])
                .finish();
            let request = self.http.get(format!("{}/laporan?{query}", self.base_url));
            let read: Page = self.call(request).await?;
            items.extend(read.data.into_iter().map(Item::from));
            match read.next_page.filter(|next| *next > page) {
                Some(next) => page = next,
                None => return Ok(items),
            }
        }
        Err(Failure::Later("the pages do not end"))
    }

    /// Tells an answer, and reads it back. `Ok` means that LAPOR! shows it; told twice under the same reference it is one.
    ///
    /// # Errors
    /// [`Failure`]; after [`Failure::Later`] the same reference is to be told again.
    pub async fn follow_up(&self, tracking_id: &str, told: &FollowUp) -> Result<(), Failure> {
        // What an attempt before may have left is looked for first: the answer to it may be what got lost.
        if self.shows(tracking_id, told).await? {
            return Ok(());
        }
        let url = format!("{}/laporan/{}/tindak-lanjut", self.base_url, segment(tracking_id));
        let _taken: serde_json::Value = self.call(self.http.post(url).json(told)).await?;
        if self.shows(tracking_id, told).await? {
            Ok(())
        } else {
            Err(Failure::Later("what was told is not shown"))
        }
    }

    /// Whether the follow-ups of an item say this, whoever wrote them.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn reads(&self, tracking_id: &str, text: &str) -> Result<bool, Failure> {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let (told, wanted) = (self.told(tracking_id).await?, words(text));
        Ok(told.iter().any(|it| words(&it.text) == wanted))
    }

    async fn shows(&self, tracking_id: &str, told: &FollowUp) -> Result<bool, Failure> {
        Ok(self.told(tracking_id).await?.contains(told))
    }

    /// The follow-ups of an item.
    async fn told(&self, tracking_id: &str) -> Result<Vec<FollowUp>, Failure> {
        let url = format!("{}/laporan/{}", self.base_url, segment(tracking_id));
        let one: One = self.call(self.http.get(url)).await?;
        Ok(one.data.tindak_lanjut)
    }

    async fn call<T: serde::de::DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, Failure> {
        let request = request.bearer_auth(self.token.expose_secret());
        let mut response = request.send().await.map_err(|error| {
            Failure::Later(if error.is_connect() { "not connected" } else { "no answer" })
        })?;
        match response.status().as_u16() {
            200..300 => {}
            // Too many, or an operator has to mend the token: it can be told later.
            401 | 403 | 408 | 429 => return Err(Failure::Later("not let in")),
            status @ 400..500 => return Err(Failure::Refused(status)),
            _ => return Err(Failure::Later("it failed")),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| Failure::Later("cut off"))? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                return Err(Failure::Later("the answer is too large"));
            }
            bytes.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&bytes).map_err(|_| Failure::Later("the answer is of another shape"))
    }
}

/// A tracking id as one segment of a path; [`Item::missing`] lets slashes pass.
fn segment(id: &str) -> String {
    id.replace('%', "%25").replace('/', "%2F").replace('?', "%3F").replace('#', "%23")
}

#[cfg(test)]
mod tests {
    use super::super::simulator::Simulator;
    use super::*;

    async fn simulated() -> (Simulator, Client) {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let simulator = Simulator::start().await;
        let token = Secret::from("kunci");
        let client = Client::new(&simulator.url, token, Duration::from_secs(5)).unwrap();
        (simulator, client)
    }

    #[tokio::test]
    async fn c_11_all_pages_are_read() {
        let (simulator, client) = simulated().await;
        for id in 1..=7 {
            simulator.write(&id.to_string(), "Lampu jalan mati");
        }
        let items = client.changed_since(DateTime::UNIX_EPOCH).await.unwrap();
        assert_eq!(items.len(), 7, "three to a page");
        assert_eq!(items[0].stage, Some(Stage::New));
        assert_eq!(items[0].class, Some(Class::Complaint));
        let later = moment("2030-01-02").unwrap();
        assert!(client.changed_since(later).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn c_11_an_answer_counts_when_it_was_read_back_and_is_never_doubled() {
        let (simulator, client) = simulated().await;
        simulator.write("1", "Lampu jalan mati");
        let told = FollowUp { reference: "obx_1".into(), text: "Lampu diganti".into() };
        // Taken, and the answer is lost; then told again.
        simulator.lose_next_answer();
        assert_eq!(client.follow_up("1", &told).await, Err(Failure::Later("it failed")));
        assert_eq!(client.follow_up("1", &told).await, Ok(()));
        assert_eq!(simulator.follow_ups("1"), std::slice::from_ref(&told));
        // Answered with success, and not kept.
        simulator.forget_after(0);
        let next = FollowUp { reference: "obx_2".into(), text: "Selesai".into() };
        assert_eq!(client.follow_up("1", &next).await, Err(Failure::Later("what was told is not shown")));
    }

    #[tokio::test]
    async fn c_11_what_is_wrong_is_refused_and_what_is_down_is_tried_later() {
        let (simulator, client) = simulated().await;
        let told = FollowUp { reference: "obx_1".into(), text: "x".into() };
        assert_eq!(client.follow_up("nobody", &told).await, Err(Failure::Refused(404)));
        simulator.write("1", "Lampu jalan mati");
        let empty = FollowUp { reference: "obx_1".into(), text: " ".into() };
        assert_eq!(client.follow_up("1", &empty).await, Err(Failure::Refused(422)));
        let stranger = Client::new(&simulator.url, Secret::from("lain"), Duration::from_secs(5)).unwrap();
        let refused = Err(Failure::Later("not let in"));
        assert_eq!(stranger.changed_since(DateTime::UNIX_EPOCH).await, refused);
        let nowhere = Client::new("http://127.0.0.1:9", Secret::from("x"), Duration::from_secs(5)).unwrap();
        let away = nowhere.changed_since(DateTime::UNIX_EPOCH).await;
        assert_eq!(away, Err(Failure::Later("not connected")));
    }
}

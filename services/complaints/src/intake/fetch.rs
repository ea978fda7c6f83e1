//! Fetching the files of messages, before their addresses expire.
//!
//! `WhatsApp` gives an id: it is asked for a short-lived address, and that for the bytes. Messenger and Instagram give the
//! address. Files are only fetched from hosts that are known, by TLS, without redirects: the bearer token goes nowhere
//! else, and nobody makes this service call into its own network.

use std::time::Duration;

use anyhow::Context as _;
use mpp_kit::config::{ExposeSecret as _, Secret};
use mpp_kit::outside;
use reqwest::{Client, Url};
use serde::Deserialize;

/// How long one file may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fetches files. Clones share the connections.
#[derive(Clone)]
pub struct Fetcher {
    http: Client,
    graph: Url,
    hosts: Vec<String>,
}

/// Why a file did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It is gone, or was never there: asking again brings nothing.
    #[error("the file is gone")]
    Gone,
    /// Its address is none that is fetched from.
    #[error("the address is none that files are fetched from")]
    Foreign,
    /// It is larger than its channel allows.
    #[error("the file is too large")]
    TooLarge,
    /// Not now.
    #[error("the file cannot be fetched now")]
    Later,
}

#[derive(Deserialize)]
struct Media {
    url: String,
}

impl Fetcher {
    /// A fetcher that asks `graph` for media and fetches from `hosts` and all below them.
    ///
    /// # Errors
    /// When the address is none, or TLS cannot be set up.
    pub fn new(graph: &str, hosts: Vec<String>) -> anyhow::Result<Self> {
        let http = outside::client(PATIENCE).build().context("setting up the client for media")?;
        let graph = Url::parse(&format!("{}/", graph.trim_end_matches('/')))
            .context("setting complaints.channels.graph_url is no address")?;
        Ok(Self { http, graph, hosts })
    }

    /// A file of `WhatsApp`.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn media(&self, id: &str, token: &Secret, limit: u64) -> Result<Vec<u8>, Failure> {
        // Ids are digits; anything else would reach for another address.
        if id.is_empty() || !id.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'-') {
            return Err(Failure::Gone);
        }
        let address = self.graph.join(id).map_err(|_| Failure::Gone)?;
        let bytes = self.get(address, Some(token), 64 << 10).await?;
        let media: Media = serde_json::from_slice(&bytes).map_err(|_| Failure::Later)?;
        self.get(self.known(&media.url)?, Some(token), limit).await
    }

    /// A file by its address.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn address(&self, address: &str, limit: u64) -> Result<Vec<u8>, Failure> {
        self.get(self.known(address)?, None, limit).await
    }

    /// An address that is fetched from: of a known host, by TLS. The host of the interface itself is known as it is set.
    fn known(&self, address: &str) -> Result<Url, Failure> {
        let url = Url::parse(address).map_err(|_| Failure::Foreign)?;
        let host = url.host_str().unwrap_or_default();
        let of_graph = (url.scheme(), url.host_str(), url.port_or_known_default())
            == (self.graph.scheme(), self.graph.host_str(), self.graph.port_or_known_default());
        let below = |known: &String| {
            host == known || host.strip_suffix(known.as_str()).is_some_and(|rest| rest.ends_with('.'))
        };
        let standard = url.scheme() == "https" && url.port().is_none() && url.username().is_empty();
        if of_graph || (standard && self.hosts.iter().any(below)) { Ok(url) } else { Err(Failure::Foreign) }
    }

    async fn get(&self, url: Url, token: Option<&Secret>, limit: u64) -> Result<Vec<u8>, Failure> {
        let mut request = self.http.get(url);
        if let Some(token) = token {
            request = request.bearer_auth(token.expose_secret());
        }
        // The error holds the address, which is a key to the file: it is not told.
        let mut response = request.send().await.map_err(|_| Failure::Later)?;
        match response.status().as_u16() {
            200 => {}
            // Meta answers 400 for ids that it does not know any more.
            400 | 404 | 410 => return Err(Failure::Gone),
            _ => return Err(Failure::Later),
        }
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(Failure::TooLarge);
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| Failure::Later)? {
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(Failure::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::media_server::MediaServer;
    use super::*;

    async fn served() -> (MediaServer, Fetcher) {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let server = MediaServer::start("token-media").await;
        let fetcher = Fetcher::new(&server.url, vec!["fbcdn.net".into()]).unwrap();
        (server, fetcher)
    }

    #[tokio::test]
    async fn c_15_a_file_comes_by_its_id_with_the_token() {
        let (server, fetcher) = served().await;
        server.put("M1", b"\xFF\xD8\xFFgambar");
        let token = Secret::from("token-media");
        assert_eq!(fetcher.media("M1", &token, 1 << 20).await.unwrap(), b"\xFF\xD8\xFFgambar");
        assert_eq!(fetcher.media("M2", &token, 1 << 20).await, Err(Failure::Gone));
        assert_eq!(fetcher.media("M1", &token, 4).await, Err(Failure::TooLarge));
        assert_eq!(fetcher.media("../x", &token, 4).await, Err(Failure::Gone));
        let wrong = Secret::from("lain");
        assert_eq!(fetcher.media("M1", &wrong, 1 << 20).await, Err(Failure::Later));
        server.fail_next();
        assert_eq!(fetcher.media("M1", &token, 1 << 20).await, Err(Failure::Later));
        assert!(fetcher.media("M1", &token, 1 << 20).await.is_ok());
    }

    #[tokio::test]
    async fn files_come_from_known_hosts_only() {
        let (_server, fetcher) = served().await;
        for known in ["https://fbcdn.net/a", "https://scontent.fbcdn.net/a?b=c"] {
            assert!(fetcher.known(known).is_ok(), "{known}");
        }
        for foreign in [
            "http://scontent.fbcdn.net/a",
            "https://fbcdn.net.evil.example/a",
            "https://evilfbcdn.net/a",
            "https://fbcdn.net:8443/a",
            "https://me@fbcdn.net/a",
            "https://169.254.169.254/",
            "file:///etc/passwd",
            "fbcdn.net/a",
        ] {
            assert_eq!(fetcher.address(foreign, 9).await, Err(Failure::Foreign), "{foreign}");
        }
    }
}

//! A time stamp authority over HTTP (RFC 3161, section 3.4): the request goes as it is, so does the answer. What an answer
//! is worth is for the letter part to say: nonce, imprint and status before it enters the file, its chain after.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use mpp_kit::outside;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;

/// How long an authority may take. It is asked while an official waits.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer: a token with the certificates above it.
const LARGEST: usize = 64 << 10;

/// A client of one authority.
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    /// A client for the authority at this address.
    ///
    /// # Errors
    /// When the system gives no TLS.
    pub(crate) fn new(url: &str) -> anyhow::Result<Self> {
        let http = outside::client(TIMEOUT)
            .no_proxy()
            .build()
            .context("no HTTP client for the time stamp authority")?;
        Ok(Self { http, url: url.to_owned() })
    }

    /// The DER `TimeStampResp` for a DER `TimeStampReq`.
    ///
    /// # Errors
    /// When the authority does not answer, or not with a time stamp response.
    pub(crate) async fn stamp(&self, query: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let request = self.http.post(&self.url).header(CONTENT_TYPE, "application/timestamp-query");
        let request = request.body(query);
        let mut response = request.send().await.map_err(reqwest::Error::without_url)?;
        let status = response.status();
        ensure!(status == StatusCode::OK, "it answers {status}");
        let kind =
            response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        ensure!(
            kind.split(';').next().is_some_and(|kind| kind.trim() == "application/timestamp-reply"),
            "its answer is no application/timestamp-reply"
        );
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
            if body.len() + chunk.len() > LARGEST {
                bail!("its answer is longer than {LARGEST} bytes");
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

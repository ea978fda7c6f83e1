//! One attempt to deliver a message.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};

use super::guard::{Guard, GuardedNames, Names, Refused};
use super::rules::Format;
use super::signature::{self, SigningKey};
use crate::outside;

/// The most characters of an answer that are kept.
const KEPT: usize = 200;
/// The most bytes of an answer that are read.
const READ: usize = 4096;

/// Makes attempts. Clones share the connections.
#[derive(Clone)]
pub struct Sender {
    client: reqwest::Client,
    guard: Guard,
}

/// What goes out.
pub struct Outgoing<'a> {
    /// Where to.
    pub url: &'a str,
    /// The same at every attempt: by it receivers know repetitions.
    pub id: &'a str,
    /// What is posted, byte for byte.
    pub body: &'a str,
    /// How it is written.
    pub format: Format,
    /// What it is signed with, newest first.
    pub keys: &'a [SigningKey],
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// `None` for no answer.
    pub status: Option<u16>,
    /// Empty when nothing was wrong.
    pub problem: &'static str,
    /// The first characters of the answer.
    pub answer: String,
    /// What the receiver asked to wait.
    pub retry_after: Option<TimeDelta>,
    /// How long it took.
    pub took: Duration,
}

impl Sender {
    /// A sender that reaches only what `guard` permits, within `timeout` for each attempt.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(guard: Guard, names: Arc<dyn Names>, timeout: Duration) -> anyhow::Result<Self> {
        let client = outside::client(timeout)
            .dns_resolver(GuardedNames::new(guard.clone(), names))
            .no_proxy()
            .build()
            .context("setting up the client for webhooks")?;
        Ok(Self { client, guard })
    }

    /// Makes one attempt at `now`.
    pub async fn send(&self, message: &Outgoing<'_>, now: DateTime<Utc>) -> Outcome {
        let started = Instant::now();
        let mut outcome = self.attempt(message, now).await;
        outcome.took = started.elapsed();
        outcome
    }

    async fn attempt(&self, message: &Outgoing<'_>, now: DateTime<Utc>) -> Outcome {
        // Again, because settings may have changed since it was accepted.
        let url = match self.guard.check(message.url) {
            Ok(url) => url,
            Err(refused) => return Outcome::failed(refused.reason()),
        };
        let timestamp = now.timestamp();
        let request = self
            .client
            .post(url)
            .header(USER_AGENT, "Sinergi-MPP-Webhooks/1.0")
            .header(CONTENT_TYPE, super::message::media_type(message.format))
            .header("webhook-id", message.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature::header(message.keys, message.id, timestamp, message.body))
            .body(message.body.to_owned());
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Outcome::failed(reason_of(&error)),
        };
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| wait_of(value, now));
        let mut answer = Vec::new();
        // What cannot be read of an answer does not change what its status said.
        while let Ok(Some(chunk)) = response.chunk().await {
            answer.extend_from_slice(&chunk);
            if answer.len() >= READ {
                break;
            }
        }
        Outcome {
            status: Some(status),
            problem: if (200..300).contains(&status) { "" } else { "STATUS" },
            answer: excerpt(&answer),
            retry_after,
            took: Duration::ZERO,
        }
    }
}

impl Outcome {
    fn failed(problem: &'static str) -> Self {
        Self { status: None, problem, answer: String::new(), retry_after: None, took: Duration::ZERO }
    }
}

impl Refused {
    /// The reason as programs read it.
    fn reason(self) -> &'static str {
        match self {
            Self::Form | Self::Scheme | Self::UserInfo | Self::Port => "REFUSED_URL",
            Self::Address => "REFUSED_ADDRESS",
        }
    }
}

/// Why there was no answer.
fn reason_of(error: &reqwest::Error) -> &'static str {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(this) = cause {
        if let Some(refused) = this.downcast_ref::<Refused>() {
            return refused.reason();
        }
        cause = this.source();
    }
    if error.is_timeout() {
        "TIMEOUT"
    } else if error.is_connect() {
        "CONNECT"
    } else {
        "TRANSPORT"
    }
}

/// `Retry-After`: seconds, or a date of HTTP (RFC 9110 §10.2.3).
fn wait_of(value: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    match value.trim().parse::<u32>() {
        Ok(seconds) => Some(TimeDelta::seconds(seconds.into())),
        Err(_) => DateTime::parse_from_rfc2822(value.trim()).ok().map(|at| at.to_utc() - now),
    }
}

/// The first characters of an answer, without what would disturb a screen.
fn excerpt(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer)
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(KEPT)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: DateTime<Utc> = "2026-11-23T01:00:00Z".parse().unwrap();
        assert_eq!(wait_of("120", now), Some(TimeDelta::seconds(120)));
        assert_eq!(wait_of("Mon, 23 Nov 2026 01:02:00 GMT", now), Some(TimeDelta::minutes(2)));
        assert_eq!(wait_of("besok", now), None);
    }

    #[test]
    fn an_excerpt_is_short_and_plain() {
        assert_eq!(excerpt(b"  a\r\nb\x1b[31m"), "a  b [31m");
        assert_eq!(excerpt("é".repeat(500).as_bytes()).chars().count(), KEPT);
        assert_eq!(excerpt(&[0xff, 0xfe]), "\u{fffd}\u{fffd}");
    }
}

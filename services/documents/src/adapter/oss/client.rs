//! Calls of OSS. `kode` in the body says how it went, whatever the HTTP status.

use std::time::Duration;

use anyhow::Context as _;
use mpp_kit::config::{ExposeSecret as _, Secret};
use mpp_kit::outside;
use serde_json::{Value, json};

use super::text;
use crate::config::OssConfig;

/// An answer beyond this is none.
const MAX_ANSWER: usize = 4 << 20;

/// Calls OSS. Clones share the connections.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base_url: String,
    user_key: Secret,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// 200: the object in the envelope.
    Taken(Value),
    /// 400: what was sent is wrong; the same again would be refused again.
    Refused(String),
    /// OSS cannot or will not now. `unclear`: it may have taken it all the same.
    Later { told: String, unclear: bool },
}

impl Client {
    /// A client for these settings.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn new(config: &OssConfig) -> anyhow::Result<Self> {
        let http = outside::client(Duration::from_secs(config.timeout_seconds.into()))
            .build()
            .context("setting up the client for OSS")?;
        let base_url = config.base_url.trim_end_matches('/').to_owned();
        Ok(Self { http, base_url, user_key: config.user_key.clone() })
    }

    /// Tells a status: `IZINSTATUS`.
    pub(crate) async fn receive_license_status(&self, body: &Value) -> Outcome {
        self.call("receiveLicenseStatus", &json!({ "IZINSTATUS": body })).await
    }

    /// Tells the final licence: `IZINFINAL`.
    pub(crate) async fn receive_license(&self, body: &Value) -> Outcome {
        self.call("receiveLicense", &json!({ "IZINFINAL": body })).await
    }

    /// Corrects the final licence.
    pub(crate) async fn update_license(&self, body: &Value) -> Outcome {
        self.call("updateLicense", &json!({ "IZINFINAL": body })).await
    }

    /// Asks for the status that OSS has: its code, if it has one.
    pub(crate) async fn check_license_status(&self, id_izin: &str) -> Result<Option<String>, Outcome> {
        let asked = json!({ "CHECKLICENSESTATUS": { "id_izin": id_izin } });
        match self.call("checkLicenseStatus", &asked).await {
            Outcome::Taken(answer) => {
                Ok(Some(text(&answer["dataIZIN"], "kd_status")).filter(|code| !code.is_empty()))
            }
            // It knows no such licence, or no status of it.
            Outcome::Refused(_) => Ok(None),
            later @ Outcome::Later { .. } => Err(later),
        }
    }

    async fn call(&self, method: &str, body: &Value) -> Outcome {
        let request = self
            .http
            .post(format!("{}/{method}", self.base_url))
            .header("user_key", self.user_key.expose_secret())
            .json(body);
        let mut response = match request.send().await {
            Ok(response) => response,
            // Not connected: nothing went out.
            Err(error) if error.is_connect() => return later("tidak terhubung", false),
            Err(error) if error.is_timeout() => return later("tidak menjawab", true),
            Err(_) => return later("sambungan terputus", true),
        };
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= MAX_ANSWER => bytes.extend_from_slice(&chunk),
                Ok(Some(_)) => return later("jawaban terlalu besar", true),
                Ok(None) => break,
                Err(_) => return later("jawaban terputus", true),
            }
        }
        judge(status, serde_json::from_slice(&bytes).ok())
    }
}

fn later(told: &str, unclear: bool) -> Outcome {
    Outcome::Later { told: told.to_owned(), unclear }
}

/// What an answer means. The guide spells the name of its envelope in several ways, so the first `respon…` counts.
fn judge(status: u16, answer: Option<Value>) -> Outcome {
    let envelope = answer.and_then(|answer| {
        let object = answer.as_object()?;
        object
            .iter()
            .find(|(name, content)| name.starts_with("respon") && content.is_object())
            .map(|(_, content)| content.clone())
    });
    let Some(envelope) = envelope else {
        // No answer of OSS itself: a gateway before it. A refusal of a gateway was not taken; a failure may have been.
        return later(&format!("HTTP {status}"), !(400..500).contains(&status));
    };
    let kode = text(&envelope, "kode");
    let told = format!("{kode} {}", text(&envelope, "keterangan")).chars().take(200).collect::<String>();
    match kode.as_str() {
        "200" => Outcome::Taken(envelope),
        "400" => Outcome::Refused(told),
        // Wrong key, forbidden, no such service: an operator has to mend it, and then it can go out.
        "401" | "403" | "404" | "405" => later(&told, false),
        // 500 and 504: it may have happened before OSS failed.
        _ => later(&told, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_29_the_code_in_the_body_decides() {
        let answer =
            |kode: Value| Some(json!({ "responreceiveLicense": { "kode": kode, "keterangan": "x" } }));
        assert!(matches!(judge(200, answer(json!(200))), Outcome::Taken(_)));
        assert!(matches!(judge(200, answer(json!("200"))), Outcome::Taken(_)));
        assert_eq!(judge(200, answer(json!(400))), Outcome::Refused("400 x".to_owned()));
        for (kode, unclear) in
            [(401, false), (403, false), (404, false), (405, false), (500, true), (504, true)]
        {
            assert_eq!(judge(200, answer(json!(kode))), later(&format!("{kode} x"), unclear));
        }
        assert_eq!(judge(502, None), later("HTTP 502", true));
        assert_eq!(judge(401, Some(json!({ "message": "no" }))), later("HTTP 401", false));
        let spelt = json!({ "responsecheckStatusLicense": { "kode": 200 } });
        assert!(matches!(judge(200, Some(spelt)), Outcome::Taken(_)));
    }
}

//! BSrE's Esign Client Service, interface versions 1 and 2: the gateway in the agency's network that signs with keys which
//! BSrE holds.
//!
//! Learnt from what other agencies publish, since the interface guide is not public: a success may still hold an error; the
//! business code stands in `status_code` or at the end of `error`; a call is not idempotent, so a lost answer means a signed
//! file that nobody holds, and the same frozen bytes are sent again. Passphrase and code live in the request alone.

use std::time::Duration;

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mpp_kit::outside;
use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::signer::{Credential, Order, SigningError};
use crate::config::{SigningConfig, SigningService};

/// The largest answer: fifty letters with their signatures, in base64.
const LARGEST: usize = 64 << 20;

/// The statuses of a certificate that cannot sign; `ISSUE` can, and `NOT_REGISTERED` has none.
const INACTIVE: [&str; 7] =
    ["EXPIRED", "RENEW", "WAITING_FOR_VERIFICATION", "NEW", "NO_CERTIFICATE", "SUSPEND", "REVOKE"];
/// A status that the service did not name.
const UNNAMED: &str = "UNKNOWN";

/// A client of the service.
pub(crate) struct Client {
    http: reqwest::Client,
    version: Version,
    base: String,
    username: String,
    password: SecretString,
}

/// Versions of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// What is said of a failure. Texts are never repeated to anybody: they may hold what was sent.
#[derive(Debug, Default, Deserialize)]
struct Complaint {
    #[serde(default)]
    status_code: Option<serde_json::Value>,
    #[serde(default)]
    error: Option<serde_json::Value>,
    #[serde(default)]
    message: Option<serde_json::Value>,
}

/// What is answered to the question of a signer's status.
#[derive(Debug, Default, Deserialize)]
struct Standing {
    #[serde(default)]
    status: String,
}

#[derive(Debug, Deserialize)]
struct Signed {
    file: Vec<String>,
}

impl Client {
    /// A client for the service that `config` names.
    ///
    /// # Errors
    /// When the system gives no TLS.
    pub(crate) fn new(config: &SigningConfig) -> anyhow::Result<Self> {
        // A passphrase goes to the signing service alone.
        let http = outside::client(Duration::from_secs(config.timeout_seconds.into()))
            .no_proxy()
            .build()
            .context("no HTTP client for the signing service")?;
        Ok(Self {
            http,
            version: match config.service {
                SigningService::Seal | SigningService::BsreV1 => Version::One,
                SigningService::BsreV2 => Version::Two,
            },
            base: config.url.trim_end_matches('/').to_owned(),
            username: config.username.clone(),
            password: config.password.clone(),
        })
    }

    /// Whether the service takes one-time codes, and several files in one call.
    pub(crate) fn takes_codes(&self) -> bool {
        self.version == Version::Two
    }

    /// Has files signed by the holder of this number, answered in their order. What comes back is not verified yet.
    ///
    /// # Errors
    /// When nothing was signed, or what was signed did not come back.
    pub(crate) async fn sign(
        &self,
        orders: &[&Order<'_>],
        nik: &str,
        credential: &Credential,
    ) -> Result<Vec<Result<Vec<u8>, SigningError>>, SigningError> {
        let by_code = !credential.totp.expose_secret().is_empty();
        if credential.passphrase.expose_secret().is_empty() && !(by_code && self.takes_codes()) {
            return Err(SigningError::NoCredential);
        }
        match self.version {
            Version::One => {
                let mut signed = Vec::with_capacity(orders.len());
                for order in orders {
                    signed.push(self.sign_1(order, nik, credential).await);
                }
                Ok(signed)
            }
            // A refusal holds for all. They are not tried one by one then: it may be the passphrase, in a code that is not
            // known here, and each try counts against it.
            Version::Two => match self.sign_2(orders, nik, credential).await {
                Err(refusal) => Err(self.named(refusal, nik).await),
                signed @ Ok(_) => signed,
            },
        }
    }

    /// Has a one-time code sent to the holder of this number, for so many files. It travels by e-mail or the service's own
    /// app; whatever the answer holds is not looked at.
    pub(crate) async fn request_code(&self, nik: &str, files: usize) -> Result<(), SigningError> {
        match self.ask_code(nik, files).await {
            Err(refusal) => Err(self.named(refusal, nik).await),
            sent @ Ok(()) => sent,
        }
    }

    async fn ask_code(&self, nik: &str, files: usize) -> Result<(), SigningError> {
        let body = json!({ "nik": nik, "data": files }).to_string();
        let answer = self
            .send("api/v2/sign/get/totp", |request| {
                request.header(reqwest::header::CONTENT_TYPE, "application/json").body(body)
            })
            .await?;
        let complaint: Complaint = serde_json::from_slice(&answer).unwrap_or_default();
        if complaint.error.is_some() { Err(refused(&complaint)) } else { Ok(()) }
    }

    /// A refusal by the status of the signer's certificate, where the service refused without saying which it is. Asked by version 2
    /// alone: version 1 has the number in the address of the question, where a log of any proxy would keep it.
    async fn named(&self, refusal: SigningError, nik: &str) -> SigningError {
        let unnamed = match &refusal {
            SigningError::RefusedBy(_) => true,
            SigningError::CertificateInactive(status) => status == UNNAMED,
            SigningError::WrongPassphrase
            | SigningError::WrongCode
            | SigningError::NoCodes
            | SigningError::NotRegistered
            | SigningError::AccountLocked
            | SigningError::NoNumber
            | SigningError::NoCredential
            | SigningError::NotOurs(_)
            | SigningError::Unavailable(_)
            | SigningError::NoTimestamp(_)
            | SigningError::NotStamped
            | SigningError::WrongTimestamp
            | SigningError::Broken(_) => false,
        };
        if !unnamed {
            return refusal;
        }
        let body = json!({ "nik": nik }).to_string();
        let answer = self
            .send("api/v2/user/check/status", |request| {
                request.header(reqwest::header::CONTENT_TYPE, "application/json").body(body)
            })
            .await;
        // It refused, whatever the status is: without an answer that is all that is known.
        let Ok(answer) = answer else { return refusal };
        let Standing { status } = serde_json::from_slice(&answer).unwrap_or_default();
        match status.as_str() {
            "NOT_REGISTERED" => SigningError::NotRegistered,
            status if INACTIVE.contains(&status) => SigningError::CertificateInactive(status.to_owned()),
            _ => refusal,
        }
    }

    async fn sign_1(
        &self,
        order: &Order<'_>,
        nik: &str,
        credential: &Credential,
    ) -> Result<Vec<u8>, SigningError> {
        let file = Part::bytes(order.pdf.clone())
            .file_name("surat.pdf")
            .mime_str("application/pdf")
            .map_err(|error| SigningError::Broken(error.into()))?;
        let form = Form::new()
            .part("file", file)
            .text("nik", nik.to_owned())
            .text("passphrase", credential.passphrase.expose_secret().to_owned())
            .text("tampilan", "invisible")
            .text("reason", order.reason.clone())
            .text("location", order.location.clone());
        let body = self.send("api/sign/pdf", |request| request.multipart(form)).await?;
        if body.starts_with(b"%PDF-") {
            return Ok(body);
        }
        // Some installations answer 200 with an error, some with the file in base64.
        let complaint: Complaint = serde_json::from_slice(&body).unwrap_or_default();
        if let Ok(value) = serde_json::from_slice::<serde_json::Value>(&body)
            && let Some(file) = value.get("base64_signed_file").and_then(serde_json::Value::as_str)
        {
            return decoded(file);
        }
        Err(refused(&complaint))
    }

    async fn sign_2(
        &self,
        orders: &[&Order<'_>],
        nik: &str,
        credential: &Credential,
    ) -> Result<Vec<Result<Vec<u8>, SigningError>>, SigningError> {
        let properties = |order: &&Order<'_>| {
            json!({
                "tampilan": "INVISIBLE",
                "page": order.place.0,
                "originX": order.place.1[0],
                "originY": order.place.1[1],
                "width": order.place.1[2],
                "height": order.place.1[3],
                "reason": order.reason,
                "location": order.location,
            })
        };
        let mut request = json!({
            "nik": nik,
            "signatureProperties": orders.iter().map(properties).collect::<Vec<_>>(),
            "file": orders.iter().map(|order| STANDARD.encode(&order.pdf)).collect::<Vec<_>>(),
        });
        let (name, secret) = if credential.totp.expose_secret().is_empty() {
            ("passphrase", &credential.passphrase)
        } else {
            ("totp", &credential.totp)
        };
        request[name] = secret.expose_secret().into();
        // Wiped after the request, as far as the libraries below permit.
        let body = Zeroizing::new(request.to_string());
        let sent = body.as_bytes().to_vec();
        let answer = self
            .send("api/v2/sign/pdf", |request| {
                request.header(reqwest::header::CONTENT_TYPE, "application/json").body(sent)
            })
            .await?;
        match serde_json::from_slice::<Signed>(&answer) {
            // Which of them is missing, nobody can tell.
            Ok(signed) if signed.file.len() != orders.len() => Err(files_missing()),
            Ok(signed) => Ok(signed.file.iter().map(|file| decoded(file)).collect()),
            Err(_) => Err(refused(&serde_json::from_slice(&answer).unwrap_or_default())),
        }
    }

    /// Sends a request and reads the answer, whatever its status says about the signature.
    async fn send(
        &self,
        path: &str,
        fill: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<Vec<u8>, SigningError> {
        let request = self
            .http
            .post(format!("{}/{path}", self.base))
            .basic_auth(&self.username, Some(self.password.expose_secret()));
        // Without its address, an error holds nothing of the request.
        let away = |error: reqwest::Error| SigningError::Unavailable(error.without_url().into());
        let response = fill(request).send().await.map_err(away)?;
        let status = response.status();
        let body = read(response).await?;
        match status {
            StatusCode::OK => Ok(body),
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                Err(SigningError::Unavailable(anyhow::anyhow!("it answers {status}")))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(SigningError::Broken(anyhow::anyhow!(
                "the signing service refuses the application account (settings documents.signing.username and password)"
            ))),
            _ => Err(refused(&serde_json::from_slice(&body).unwrap_or_default())),
        }
    }
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, SigningError> {
    let mut body = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| SigningError::Unavailable(error.without_url().into()))?
    {
        if body.len() + chunk.len() > LARGEST {
            return Err(SigningError::RefusedBy("TOO_LARGE".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn files_missing() -> SigningError {
    SigningError::RefusedBy("FILES".to_owned())
}

fn decoded(file: &str) -> Result<Vec<u8>, SigningError> {
    let bytes = STANDARD.decode(file).ok().filter(|bytes| bytes.starts_with(b"%PDF-"));
    bytes.ok_or_else(|| SigningError::RefusedBy("NO_PDF".to_owned()))
}

/// What a complaint means. The code stands in `status_code`, or at the end of `error`, or nowhere.
fn refused(complaint: &Complaint) -> SigningError {
    let text = |value: &Option<serde_json::Value>| match value {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Number(number)) => number.to_string(),
        Some(_) | None => String::new(),
    };
    let said = format!("{} {}", text(&complaint.error), text(&complaint.message));
    let trailing: String = {
        let reversed: String = said.trim().chars().rev().take_while(char::is_ascii_digit).collect();
        reversed.chars().rev().collect()
    };
    let own = text(&complaint.status_code);
    // 400 only repeats the HTTP status.
    let code = if trailing.len() == 4 || own.is_empty() || own == "400" { trailing } else { own };
    let lower = said.to_lowercase();
    match code.as_str() {
        "2031" => SigningError::WrongPassphrase,
        "2011" => SigningError::NotRegistered,
        "2035" => SigningError::AccountLocked,
        // A wrong one may be told with a warning that the account will be locked.
        _ if lower.contains("passphrase") && lower.contains("akan terkunci") => SigningError::WrongPassphrase,
        _ if lower.contains("terkunci") || lower.contains("locked") => SigningError::AccountLocked,
        _ if lower.contains("passphrase") => SigningError::WrongPassphrase,
        _ if lower.contains("totp") || lower.contains("otp") => SigningError::WrongCode,
        _ if lower.contains("tidak terdaftar") || lower.contains("not_registered") => {
            SigningError::NotRegistered
        }
        _ => {
            let words: Vec<&str> =
                said.split(|letter: char| !letter.is_ascii_uppercase() && letter != '_').collect();
            match INACTIVE.into_iter().find(|status| words.contains(status)) {
                Some(status) => SigningError::CertificateInactive(status.to_owned()),
                None if code == "2026" || lower.contains("tidak aktif") => {
                    SigningError::CertificateInactive(UNNAMED.to_owned())
                }
                None if code.is_empty() => SigningError::RefusedBy("UNKNOWN".to_owned()),
                None => SigningError::RefusedBy(code),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(json: &str) -> String {
        refused(&serde_json::from_str(json).unwrap()).code().to_owned()
    }

    /// Both shapes that were seen, and what cannot be read.
    #[test]
    fn complaints_are_understood_in_both_shapes() {
        for (json, code) in [
            (r#"{"status_code":2031,"error":"Passphrase anda salah !!!"}"#, "WRONG_PASSPHRASE"),
            (
                r#"{"status_code":400,"error":"Proses signing gagal : Passphrase anda salah 2031"}"#,
                "WRONG_PASSPHRASE",
            ),
            (
                r#"{"status_code":400,"error":"Proses signing gagal : User tidak terdaftar 2011"}"#,
                "SIGNER_NOT_REGISTERED",
            ),
            (r#"{"status_code":"2011","message":"User tidak terdaftar"}"#, "SIGNER_NOT_REGISTERED"),
            (r#"{"error":"Sertifikat EXPIRED"}"#, "CERTIFICATE_INACTIVE"),
            (
                r#"{"status_code":2026,"error":"Sertifikat tidak aktif, status bukan ISSUE"}"#,
                "CERTIFICATE_INACTIVE",
            ),
            (
                r#"{"status_code":400,"error":"Proses signing gagal : Sertifikat tidak aktif"}"#,
                "CERTIFICATE_INACTIVE",
            ),
            (r#"{"status_code":2035,"error":"Akun terkunci"}"#, "SIGNER_LOCKED"),
            (
                r#"{"status_code":400,"error":"Akun terkunci, terlalu sering salah passphrase"}"#,
                "SIGNER_LOCKED",
            ),
            (r#"{"error":"TOTP salah"}"#, "WRONG_TOTP"),
            (r#"{"status_code":400,"error":"Kode OTP sudah kedaluwarsa"}"#, "WRONG_TOTP"),
            (r#"{"status_code":5001,"error":"lain"}"#, "SIGNING_REFUSED"),
            ("{}", "SIGNING_REFUSED"),
        ] {
            assert_eq!(meaning(json), code, "{json}");
        }
    }
}

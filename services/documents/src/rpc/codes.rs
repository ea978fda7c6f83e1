//! Codes and links that open something without sign-in. Each is derived from the key of the installation, so that nothing
//! secret is stored, nobody can guess one, and a repeated request answers the same.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Core;
use crate::domain::code;
use crate::domain::{ApplicationId, FileId};
use crate::error::{Error, Thing};
use mpp_kit::cipher::Cipher;

/// The name under which links are encrypted.
const LINK: &str = "link";

/// A file that links lead to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Linked {
    pub(crate) file: FileId,
    pub(crate) file_name: String,
    /// What it is.
    #[serde(default = "pdf", skip_serializing_if = "is_pdf")]
    pub(crate) media_type: String,
    /// What is noted as looked at, by id.
    pub(crate) subject: String,
}

/// What every file is that was signed electronically.
pub(crate) const PDF: &str = "application/pdf";

fn pdf() -> String {
    PDF.to_owned()
}

fn is_pdf(media_type: &String) -> bool {
    media_type == PDF
}

/// What a document is saved as: its type, what tells its bytes apart, and what they are.
pub(crate) fn file_name(letter_type: &str, sha256: &str, media_type: &str) -> String {
    let ending = match media_type {
        "image/jpeg" => "jpg",
        "image/png" => "png",
        _ => "pdf",
    };
    format!("{letter_type}-{}.{ending}", sha256.get(..8).unwrap_or(sha256))
}

impl Linked {
    /// A link that opens it until this moment.
    pub(crate) fn until(self, ends: DateTime<Utc>) -> Link {
        let Self { file, file_name, media_type, subject } = self;
        Link { file, file_name, media_type, subject, ends: ends.timestamp() }
    }
}

/// What a link opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    pub(crate) file: FileId,
    pub(crate) file_name: String,
    /// What it is. Links of before led to PDFs alone.
    #[serde(default = "pdf", skip_serializing_if = "is_pdf")]
    pub(crate) media_type: String,
    /// What is noted as looked at, by id.
    pub(crate) subject: String,
    /// Seconds since 1970.
    pub(crate) ends: i64,
}

impl Link {
    /// The end of an address that opens it.
    pub(crate) fn seal(&self, cipher: &Cipher) -> Result<String, Error> {
        let json = serde_json::to_vec(self).map_err(anyhow::Error::new)?;
        Ok(URL_SAFE_NO_PAD.encode(cipher.seal(LINK, &json)))
    }

    /// The link that such an end of an address is, over or not; `None` if it is none of ours.
    pub(crate) fn read(cipher: &Cipher, token: &str) -> Option<Self> {
        let json = cipher.open(LINK, &URL_SAFE_NO_PAD.decode(token).ok()?)?;
        serde_json::from_slice(&json).ok()
    }

    /// The file that it leads to.
    pub(crate) fn linked(self) -> Linked {
        let Self { file, file_name, media_type, subject, ends: _ } = self;
        Linked { file, file_name, media_type, subject }
    }
}

impl Core {
    /// The code that follows an application.
    pub(crate) fn receipt_code(&self, id: ApplicationId) -> Result<String, Error> {
        self.code("receipt", id)
    }

    /// The code in the QR of the document that comes of an application.
    pub(crate) fn verification_code(&self, id: ApplicationId) -> Result<String, Error> {
        self.code("verification", id)
    }

    fn code(&self, purpose: &str, id: ApplicationId) -> Result<String, Error> {
        let digest = hex::decode(self.cipher.digest(purpose, &id.to_string())).unwrap_or_default();
        code::of_bytes(&digest).ok_or_else(|| anyhow::anyhow!("a digest is too short for a code").into())
    }

    /// Under what an application is found by its code; `None` if it cannot be a code.
    pub(crate) fn code_digest(&self, typed: &str) -> Option<String> {
        code::normalise(typed).map(|code| self.cipher.digest("receipt code", &code))
    }

    /// What a link opens at this moment. Whatever is wrong with it is answered alike.
    pub(crate) fn opened(&self, token: &str, now: DateTime<Utc>) -> Result<Link, Error> {
        let link = Link::read(&self.cipher, token);
        link.filter(|link| now.timestamp() < link.ends).ok_or(Error::NotFound(Thing::Link))
    }
}

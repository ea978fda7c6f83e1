//! Files: uploads, letters at each of their signatures, the seal. Kept as [`mpp_kit::files`] keeps them.

use std::path::PathBuf;

pub(crate) use mpp_kit::cipher::{Cipher, load_or_make_key};
pub(crate) use mpp_kit::files::{Files, FilesError};

/// What digests are made for. The same for ever: codes and links follow from them.
pub(crate) const DIGESTS: &str = "mpp.documents.digests";

/// Where the process keeps what is not configured to be elsewhere.
#[derive(Debug, Clone)]
pub struct Place {
    /// The folder for files, when no bucket is configured.
    pub files: PathBuf,
    /// The file with the key of the installation, when none is configured. Made when it is missing.
    pub key_file: PathBuf,
    /// Where people reach the gateway, without a slash at the end: what stands in the QR of a letter.
    pub base_url: String,
}

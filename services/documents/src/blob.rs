//! Files: uploads, letters at each of their signatures, the seal. In a folder by default, in an S3 bucket in production.
//!
//! Everything is encrypted before it leaves the process (XChaCha20-Poly1305 under the key of the installation, bound to
//! the id of the file), so that a copy of the folder or bucket tells nothing. A file is whole and on the disk before the
//! row that names it is written; nothing here is ever overwritten.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};
use secrecy::ExposeSecret as _;
use thiserror::Error;

use crate::config::FilesConfig;
pub(crate) use mpp_kit::cipher::{Cipher, load_or_make_key};

/// What digests are made for. The same for ever: codes and links follow from them.
pub(crate) const DIGESTS: &str = "mpp.documents.digests";

/// Where files are kept. Clones share everything.
#[derive(Clone)]
pub(crate) struct Files {
    store: Arc<dyn ObjectStore>,
    cipher: Cipher,
}

/// Why a file cannot be had.
#[derive(Debug, Error)]
pub(crate) enum FilesError {
    /// There is none of that name.
    #[error("no file {0}")]
    Missing(String),
    /// It was changed, or was written under another key.
    #[error("file {0} cannot be decrypted: it was changed, or the key is another")]
    Damaged(String),
    /// The store does not answer or has no room.
    #[error("the file store failed: {0}")]
    Store(object_store::Error),
}

impl Files {
    /// Opens the store that `config` names, in `folder` when it names none.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub(crate) fn open(config: &FilesConfig, folder: &Path, cipher: Cipher) -> anyhow::Result<Self> {
        let store: Arc<dyn ObjectStore> = if config.bucket.is_empty() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder for files {}", folder.display()))?;
            let local = LocalFileSystem::new_with_prefix(folder)
                .with_context(|| format!("cannot use the folder for files {}", folder.display()))?;
            Arc::new(local.with_fsync(true))
        } else {
            let mut builder = AmazonS3Builder::new()
                .with_bucket_name(&config.bucket)
                .with_region(&config.region)
                .with_access_key_id(&config.access_key_id)
                .with_secret_access_key(config.secret_access_key.expose_secret());
            if !config.endpoint.is_empty() {
                builder = builder
                    .with_endpoint(&config.endpoint)
                    .with_virtual_hosted_style_request(false)
                    .with_allow_http(config.endpoint.starts_with("http://"));
            }
            Arc::new(builder.build().context("setting documents.files is not usable")?)
        };
        Ok(Self { store, cipher })
    }

    /// Writes a file. It is on the disk when this returns. A name that is taken keeps its content.
    pub(crate) async fn put(&self, name: &str, content: &[u8]) -> Result<(), FilesError> {
        let sealed = self.cipher.seal(name, content);
        let written = self.store.put_opts(&key(name), PutPayload::from(sealed), PutMode::Create.into()).await;
        match written {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(FilesError::Store(error)),
        }
    }

    /// Reads a file.
    pub(crate) async fn get(&self, name: &str) -> Result<Vec<u8>, FilesError> {
        let sealed = match self.store.get(&key(name)).await {
            Ok(found) => found.bytes().await.map_err(FilesError::Store)?,
            Err(object_store::Error::NotFound { .. }) => return Err(FilesError::Missing(name.to_owned())),
            Err(error) => return Err(FilesError::Store(error)),
        };
        self.cipher.open(name, &sealed).ok_or_else(|| FilesError::Damaged(name.to_owned()))
    }

    /// Deletes a file; one that is not there is deleted.
    pub(crate) async fn delete(&self, name: &str) -> Result<(), FilesError> {
        match self.store.delete(&key(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(FilesError::Store(error)),
        }
    }
}

/// The last two letters of an id are random: they spread files over a thousand folders.
fn key(name: &str) -> Key {
    let spread = name.get(name.len().saturating_sub(2)..).unwrap_or("00");
    Key::from(format!("{spread}/{name}"))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Files {
        Files::open(&FilesConfig::default(), folder, Cipher::new([7; 32], DIGESTS)).unwrap()
    }

    #[tokio::test]
    async fn what_was_put_is_read_back_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        files.put("fil_01h455vb4pex5vsknk084sn02q", b"satu").await.unwrap();
        files.put("fil_01h455vb4pex5vsknk084sn02q", b"dua").await.unwrap();
        assert_eq!(files.get("fil_01h455vb4pex5vsknk084sn02q").await.unwrap(), b"satu");
        files.delete("fil_01h455vb4pex5vsknk084sn02q").await.unwrap();
        files.delete("fil_01h455vb4pex5vsknk084sn02q").await.unwrap();
        assert!(matches!(files.get("fil_01h455vb4pex5vsknk084sn02q").await, Err(FilesError::Missing(_))));
    }

    #[tokio::test]
    async fn the_folder_tells_nothing_and_a_changed_or_exchanged_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        files.put("fil_aa", b"nama orang").await.unwrap();
        files.put("fil_ba", b"nama lain").await.unwrap();
        let path = |name: &str| folder.path().join("aa").join(name);
        let (one, other) = (path("fil_aa"), folder.path().join("ba").join("fil_ba"));
        let bytes = std::fs::read(&one).unwrap();
        assert!(!bytes.windows(4).any(|window| window == b"nama"));
        std::fs::copy(&other, &one).unwrap();
        assert!(matches!(files.get("fil_aa").await, Err(FilesError::Damaged(_))), "exchanged");
        let mut changed = bytes;
        *changed.last_mut().unwrap() ^= 1;
        std::fs::write(&one, changed).unwrap();
        assert!(matches!(files.get("fil_aa").await, Err(FilesError::Damaged(_))), "changed");
    }
}

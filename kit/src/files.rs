//! Files of a service, such as uploads. In a folder by default, in an S3 bucket in production.
//!
//! Everything is encrypted before it leaves the process (XChaCha20-Poly1305 under the key of the installation, bound to
//! the id of the file), so that a copy of the folder or bucket tells nothing. A file is whole and on the disk before the
//! row that names it is written; nothing here is ever overwritten.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::cipher::Cipher;
use crate::config::Secret;

/// Where files are kept. Without a bucket: in the folder `files` of the data directory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilesConfig {
    /// The name of an S3 bucket.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// The address of a service that speaks S3, such as `https://minio.example:9000`; empty for Amazon's.
    pub endpoint: String,
    /// The access key.
    pub access_key_id: String,
    /// Its secret.
    #[serde(serialize_with = "crate::config::redacted")]
    pub secret_access_key: Secret,
}

/// Where files are kept. Clones share everything.
#[derive(Clone)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    cipher: Cipher,
}

/// Why a file cannot be had.
#[derive(Debug, Error)]
pub enum FilesError {
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

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Files")
    }
}

impl Files {
    /// Opens the store that `config` names, in `folder` when it names none.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn open(config: &FilesConfig, folder: &Path, cipher: Cipher) -> anyhow::Result<Self> {
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
            Arc::new(builder.build().context("setting files is not usable")?)
        };
        Ok(Self { store, cipher })
    }

    /// Writes a file. It is on the disk when this returns. A name that is taken keeps its content.
    ///
    /// # Errors
    /// [`FilesError::Store`].
    pub async fn put(&self, name: &str, content: &[u8]) -> Result<(), FilesError> {
        let sealed = self.cipher.seal(name, content);
        let written = self.store.put_opts(&key(name), PutPayload::from(sealed), PutMode::Create.into()).await;
        match written {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(FilesError::Store(error)),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`FilesError`].
    pub async fn get(&self, name: &str) -> Result<Vec<u8>, FilesError> {
        let sealed = match self.store.get(&key(name)).await {
            Ok(found) => found.bytes().await.map_err(FilesError::Store)?,
            Err(object_store::Error::NotFound { .. }) => return Err(FilesError::Missing(name.to_owned())),
            Err(error) => return Err(FilesError::Store(error)),
        };
        self.cipher.open(name, &sealed).ok_or_else(|| FilesError::Damaged(name.to_owned()))
    }

    /// Deletes a file; one that is not there is deleted.
    ///
    /// # Errors
    /// [`FilesError::Store`].
    pub async fn delete(&self, name: &str) -> Result<(), FilesError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Files {
        Files::open(&FilesConfig::default(), folder, Cipher::new([7; 32], "test")).unwrap()
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

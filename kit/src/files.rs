//! Files of a service, such as uploads. In a folder by default, in an S3 bucket in production.
//!
//! Everything is encrypted before it leaves the process (XChaCha20-Poly1305 under the key of the installation, bound to
//! the id of the file), so that a copy of the folder or bucket tells nothing. A file is whole and on the disk before the
//! row that names it is written; nothing here is ever overwritten.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, RetryConfig};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::cipher::Cipher;
use crate::config::Secret;

/// How often, and for how long, a bucket that does not answer is asked again: within the time of a request, whose caller is told
/// when to come back.
const RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(5);

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
                .with_secret_access_key(config.secret_access_key.expose_secret())
                .with_retry(RetryConfig {
                    max_retries: RETRIES,
                    retry_timeout: RETRY_TIMEOUT,
                    ..RetryConfig::default()
                });
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
            Err(error) if is_missing(&error) => return Err(FilesError::Missing(name.to_owned())),
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
            Ok(()) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(error) => Err(FilesError::Store(error)),
        }
    }
}

/// Whether a file is not there. A bucket that is not there is answered alike, and is a failure of the store: a file that is not
/// found in it is not deleted, and not lost.
fn is_missing(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { source, .. } if !source.to_string().contains("NoSuchBucket"))
}

/// The last two letters of an id are random: they spread files over a thousand folders.
fn key(name: &str) -> Key {
    let spread = name.get(name.len().saturating_sub(2)..).unwrap_or("00");
    Key::from(format!("{spread}/{name}"))
}

//! Files in a folder and in a bucket: the same promises on both.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use mpp_kit::cipher::Cipher;
use mpp_kit::files::{Files, FilesConfig, FilesError};
use mpp_kit::testing::{S3, s3, temp_dir};
use tempfile::TempDir;

const NAME: &str = "fil_01h455vb4pex5vsknk084sn02q";

/// Where the files of a test lie.
struct Place {
    config: FilesConfig,
    folder: TempDir,
    s3: Option<&'static S3>,
}

impl Place {
    fn folder() -> Self {
        Self { config: FilesConfig::default(), folder: temp_dir(), s3: None }
    }

    async fn bucket() -> Self {
        let s3 = s3().await;
        Self { config: s3.bucket().await, folder: temp_dir(), s3: Some(s3) }
    }

    async fn both() -> [Self; 2] {
        [Self::folder(), Self::bucket().await]
    }

    /// As a process opens it; `key` is the key of the installation.
    fn open(&self, key: u8) -> Files {
        // The service that opens a bucket chooses one at its start.
        let _already = rustls::crypto::ring::default_provider().install_default();
        Files::open(&self.config, self.folder.path(), Cipher::new([key; 32], "test")).unwrap()
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.path().join(key)
    }

    /// What lies there, as whoever keeps the store sees it.
    async fn raw(&self, key: &str) -> Option<Vec<u8>> {
        match self.s3 {
            Some(s3) => s3.get(&self.config.bucket, key).await,
            None => std::fs::read(self.path(key)).ok(),
        }
    }

    async fn lay(&self, key: &str, content: &[u8]) {
        match self.s3 {
            Some(s3) => s3.put(&self.config.bucket, key, content).await,
            None => std::fs::write(self.path(key), content).unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_is_read_back_and_never_overwritten() {
    for place in Place::both().await {
        let files = place.open(7);
        assert!(matches!(files.get(NAME).await, Err(FilesError::Missing(name)) if name == NAME));
        files.put(NAME, b"satu").await.unwrap();
        let kept = place.raw(&format!("2q/{NAME}")).await.expect("it lies where it is looked for");
        files.put(NAME, b"dua").await.unwrap();
        // Another process of the same installation.
        let other = place.open(7);
        other.put(NAME, b"tiga").await.unwrap();
        assert_eq!(other.get(NAME).await.unwrap(), b"satu");
        assert_eq!(place.raw(&format!("2q/{NAME}")).await.unwrap(), kept, "it is not even sealed anew");
        let large: Vec<u8> = (0..3_000_000_u32).map(|it| it.to_le_bytes()[0]).collect();
        files.put("fil_besar", &large).await.unwrap();
        assert_eq!(files.get("fil_besar").await.unwrap(), large);
        files.put("fil_kosong", b"").await.unwrap();
        assert_eq!(files.get("fil_kosong").await.unwrap(), b"");
        for _ in 0..2 {
            files.delete(NAME).await.unwrap();
        }
        assert!(matches!(files.get(NAME).await, Err(FilesError::Missing(_))));
        assert_eq!(other.get("fil_besar").await.unwrap(), large, "only what was named is gone");
        // The name is free again.
        other.put(NAME, b"empat").await.unwrap();
        assert_eq!(files.get(NAME).await.unwrap(), b"empat");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_tells_nothing_and_a_changed_or_exchanged_file_is_noticed() {
    for place in Place::both().await {
        let files = place.open(7);
        files.put("fil_aa", b"nama orang").await.unwrap();
        files.put("fil_ba", b"nama lain").await.unwrap();
        let bytes = place.raw("aa/fil_aa").await.unwrap();
        assert!(bytes.len() > 10 && !bytes.windows(4).any(|window| window == b"nama"));
        place.lay("aa/fil_aa", &place.raw("ba/fil_ba").await.unwrap()).await;
        assert!(matches!(files.get("fil_aa").await, Err(FilesError::Damaged(_))), "exchanged");
        let mut changed = bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        place.lay("aa/fil_aa", &changed).await;
        assert!(matches!(files.get("fil_aa").await, Err(FilesError::Damaged(_))), "changed");
        place.lay("aa/fil_aa", &bytes[..bytes.len() / 2]).await;
        assert!(matches!(files.get("fil_aa").await, Err(FilesError::Damaged(_))), "cut off");
        place.lay("aa/fil_aa", &bytes).await;
        assert_eq!(files.get("fil_aa").await.unwrap(), b"nama orang");
        assert!(matches!(place.open(8).get("fil_aa").await, Err(FilesError::Damaged(_))), "another key");
    }
}

/// A bucket that is not there, and a store that does not answer, are failures of the store and no missing files; and whoever waits
/// is told within the time of a request.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_reached_is_told() {
    let place = Place::bucket().await;
    let wrong = FilesConfig { bucket: "uji-tidak-ada".to_owned(), ..place.config.clone() };
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = FilesConfig { endpoint: format!("http://{closed}"), ..place.config.clone() };
    for config in [wrong, away] {
        let files = Place { config, folder: temp_dir(), s3: None }.open(7);
        let begun = Instant::now();
        let written = files.put(NAME, b"satu").await;
        assert!(matches!(written, Err(FilesError::Store(_))), "{written:?}");
        let read = files.get(NAME).await;
        assert!(matches!(read, Err(FilesError::Store(_))), "{read:?}");
        let deleted = files.delete(NAME).await;
        assert!(matches!(deleted, Err(FilesError::Store(_))), "{deleted:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}

//! Encryption of what lies on disks, under one key of the installation; and digests that only who has it can make.

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The length of a nonce before each ciphertext, in bytes. At 192 bits random ones do not meet.
const NONCE: usize = 24;

/// Encrypts and decrypts under the key of the installation. Clones share it.
#[derive(Clone)]
pub struct Cipher {
    aead: Arc<XChaCha20Poly1305>,
    digests: Arc<Zeroizing<[u8; 32]>>,
}

impl Cipher {
    /// The cipher with this key. `digests` names what digests are made for, such as `mpp.documents.digests`: the same for ever.
    #[must_use]
    pub fn new(key: [u8; 32], digests: &str) -> Self {
        let key = Zeroizing::new(key);
        // A key of its own for digests, so that neither use says anything about the other.
        let digests = mac(&*key, &[digests]);
        Self {
            aead: Arc::new(XChaCha20Poly1305::new(&(*key).into())),
            digests: Arc::new(Zeroizing::new(digests)),
        }
    }

    /// Encrypts `content` under the name of what it is; it opens under no other.
    #[must_use]
    pub fn seal(&self, name: &str, content: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: content, aad: name.as_bytes() };
        // Fails only above 256 GiB.
        let sealed = self.aead.encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
        [nonce.as_slice(), &sealed].concat()
    }

    /// Decrypts what [`Cipher::seal`] made under this name; `None` if it is anything else.
    #[must_use]
    pub fn open(&self, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        self.aead.decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: name.as_bytes() }).ok()
    }

    /// A digest of `parts` that tells nothing about them to who has not the key, as hexadecimal text.
    #[must_use]
    pub fn digest(&self, purpose: &str, text: &str) -> String {
        hex::encode(mac(self.digests.as_slice(), &[purpose, text]))
    }
}

fn mac(key: &[u8], parts: &[&str]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("a key of any length"));
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

/// The key of the installation: as configured in `setting` (32 bytes in base64), else from `file`, which is made when it is
/// missing.
///
/// # Errors
/// A sentence that names the setting or the file.
pub fn load_or_make_key(setting: &str, configured: &str, file: &Path) -> anyhow::Result<[u8; 32]> {
    if !configured.is_empty() {
        return decode(configured).with_context(|| format!("setting {setting} is no key"));
    }
    match std::fs::read_to_string(file) {
        Ok(text) => return decode(text.trim()).with_context(|| format!("{} holds no key", file.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read the key file {}", file.display()));
        }
    }
    let cannot = || format!("cannot write the key file {}", file.display());
    let fresh: [u8; 32] = rand::random();
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    match made {
        Ok(mut made) => {
            made.write_all(STANDARD.encode(fresh).as_bytes()).with_context(cannot)?;
            made.sync_all().with_context(cannot)?;
            Ok(fresh)
        }
        // Another process was first.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = std::fs::read_to_string(file).with_context(cannot)?;
            decode(text.trim()).with_context(|| format!("{} holds no key", file.display()))
        }
        Err(error) => Err(error).with_context(cannot),
    }
}

fn decode(text: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = Zeroizing::new(STANDARD.decode(text).context("it is not base64")?);
    ensure!(bytes.len() == 32, "it must be 32 bytes in base64: `openssl rand -base64 32` makes one");
    let mut key = [0; 32];
    key.copy_from_slice(&bytes);
    Ok(key)
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_under_its_name_and_key_alone() {
        let cipher = Cipher::new([1; 32], "tests");
        let sealed = cipher.seal("a", b"rahasia");
        assert_eq!(cipher.open("a", &sealed).as_deref(), Some(b"rahasia".as_slice()));
        assert_eq!(cipher.open("b", &sealed), None);
        assert_eq!(Cipher::new([2; 32], "tests").open("a", &sealed), None);
        assert_eq!(cipher.open("a", b"short"), None);
        assert_ne!(sealed, cipher.seal("a", b"rahasia"), "a nonce is used once");
    }

    #[test]
    fn digests_depend_on_key_purpose_and_text() {
        let cipher = Cipher::new([1; 32], "tests");
        let digest = cipher.digest("person", "1707052003900001");
        assert_eq!(digest, cipher.digest("person", "1707052003900001"));
        assert_eq!(digest.len(), 64);
        for other in [
            cipher.digest("code", "1707052003900001"),
            cipher.digest("person", "1707052003900002"),
            Cipher::new([2; 32], "tests").digest("person", "1707052003900001"),
        ] {
            assert_ne!(digest, other);
        }
    }

    #[test]
    fn a_key_is_made_once_and_a_wrong_one_is_refused_by_name() {
        let folder = crate::testing::temp_dir();
        let file = folder.path().join("documents.key");
        let key = load_or_make_key("documents.file_key", "", &file).unwrap();
        assert_eq!(load_or_make_key("documents.file_key", "", &file).unwrap(), key);
        assert_eq!(
            load_or_make_key("documents.file_key", &STANDARD.encode([3; 32]), &file).unwrap(),
            [3; 32]
        );
        let told = format!("{:#}", load_or_make_key("documents.file_key", "short", &file).unwrap_err());
        assert!(told.contains("documents.file_key"), "{told}");
    }
}

//! What is secret in the tables of this service, encrypted under the key of the installation (`identity.key`).
//!
//! Releases before the key wrote it as it was. That is still read, and sealed when the service starts.

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mpp_kit::cipher::Cipher;
use p256::{SecretKey, pkcs8::DecodePrivateKey as _};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

/// What the sealed secret of the installation begins with; a secret in clear is base64url and has no colon.
const SEALED: &str = "v1:";

/// The private half of a signing key as it is stored.
pub(crate) fn seal_private_half(cipher: &Cipher, kid: &str, pkcs8: &SecretSlice<u8>) -> Vec<u8> {
    cipher.seal(&private_half_of(kid), pkcs8.expose_secret())
}

/// The private half of a signing key, PKCS#8 DER.
pub(crate) fn open_private_half(
    cipher: &Cipher,
    kid: &str,
    stored: &[u8],
) -> anyhow::Result<SecretSlice<u8>> {
    if let Some(pkcs8) = cipher.open(&private_half_of(kid), stored) {
        return Ok(pkcs8.into());
    }
    if !is_clear_private_half(stored) {
        bail!(
            "the signing keys are encrypted under another key: give identity the key it had (identity.key, or the file \
             identity.key in the data directory)"
        );
    }
    Ok(stored.to_vec().into())
}

/// Whether a stored private half is not encrypted: nothing that is encrypted reads as a key.
pub(crate) fn is_clear_private_half(stored: &[u8]) -> bool {
    SecretKey::from_pkcs8_der(stored).is_ok()
}

fn private_half_of(kid: &str) -> String {
    format!("signing_key/{kid}")
}

/// The secret of the installation as it is stored under `name`.
pub(crate) fn seal_secret(cipher: &Cipher, name: &str, secret: &SecretString) -> String {
    let sealed = cipher.seal(&secret_of(name), secret.expose_secret().as_bytes());
    format!("{SEALED}{}", STANDARD.encode(sealed))
}

/// The secret of the installation.
pub(crate) fn open_secret(cipher: &Cipher, name: &str, stored: &str) -> anyhow::Result<SecretString> {
    let Some(sealed) = stored.strip_prefix(SEALED) else { return Ok(stored.to_owned().into()) };
    let sealed = STANDARD.decode(sealed).context("the secret of the installation is damaged")?;
    let secret = cipher.open(&secret_of(name), &sealed).context(
        "the secret of the installation is encrypted under another key: give identity the key it had (identity.key, or the \
         file identity.key in the data directory)",
    )?;
    Ok(String::from_utf8(secret).context("the secret of the installation is no text")?.into())
}

/// Whether a stored secret is not encrypted.
pub(crate) fn is_clear_secret(stored: &str) -> bool {
    !stored.starts_with(SEALED)
}

fn secret_of(name: &str) -> String {
    format!("service_secret/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{digest::random_secret, signing::KeyPair};

    #[test]
    fn a_private_half_opens_under_its_id_and_key_alone() {
        let (cipher, other) = (Cipher::new([1; 32], "test"), Cipher::new([2; 32], "test"));
        let pair = KeyPair::generate().unwrap();
        let stored = seal_private_half(&cipher, &pair.kid, &pair.pkcs8);
        assert!(!is_clear_private_half(&stored));
        let opened = open_private_half(&cipher, &pair.kid, &stored).unwrap();
        assert_eq!(opened.expose_secret(), pair.pkcs8.expose_secret());
        assert!(open_private_half(&cipher, "another", &stored).is_err());
        let refusal = open_private_half(&other, &pair.kid, &stored).unwrap_err().to_string();
        assert!(refusal.contains("identity.key"), "{refusal}");
        // As releases before the key wrote it.
        let clear = pair.pkcs8.expose_secret();
        assert!(is_clear_private_half(clear));
        assert_eq!(open_private_half(&cipher, &pair.kid, clear).unwrap().expose_secret(), clear);
    }

    #[test]
    fn the_secret_opens_under_its_key_alone() {
        let (cipher, other) = (Cipher::new([1; 32], "test"), Cipher::new([2; 32], "test"));
        let secret = random_secret();
        let stored = seal_secret(&cipher, "root", &secret);
        assert!(!is_clear_secret(&stored) && !stored.contains(secret.expose_secret()));
        assert_eq!(open_secret(&cipher, "root", &stored).unwrap().expose_secret(), secret.expose_secret());
        assert!(open_secret(&other, "root", &stored).unwrap_err().to_string().contains("identity.key"));
        let clear = secret.expose_secret();
        assert!(is_clear_secret(clear));
        assert_eq!(open_secret(&cipher, "root", clear).unwrap().expose_secret(), clear);
    }
}

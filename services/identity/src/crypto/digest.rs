//! Random secrets and their digests.
//!
//! Session secrets and device keys have 256 bits of chance, so a plain SHA-256 of them is enough: there is nothing to
//! guess. Names typed at sign-in have little, so they are digested under a key.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use sha2::{Digest as _, Sha256};

use crate::domain::{DeviceId, device::KEY_PREFIX};

/// A new secret of 256 random bits, as base64url.
pub(crate) fn random_secret() -> SecretString {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()).into()
}

/// The digest under which a secret of 256 bits is stored: SHA-256, as lower-case hexadecimal.
pub(crate) fn of_secret(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// The secret of this installation, from which others are derived. It is kept in the database.
#[derive(Clone)]
pub(crate) struct ServiceSecret(SecretSlice<u8>);

impl ServiceSecret {
    /// Takes a stored secret, or a new one from [`random_secret`].
    pub(crate) fn new(secret: &SecretString) -> Self {
        Self(secret.expose_secret().as_bytes().to_vec().into())
    }

    /// HMAC-SHA256 under this secret. `purpose` keeps the uses apart.
    fn mac(&self, purpose: &str, of: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret())
            .expect("HMAC takes a key of any length (RFC 2104)");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(of.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The key of a device. It is derived, not drawn, so that a repeated EnrolDevice answers the same key although only
    /// its digest is stored.
    pub(crate) fn device_key(&self, device: DeviceId) -> SecretString {
        format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(self.mac("device-key", &device.to_string()))).into()
    }

    /// The key under which failures of a typed username are counted. The name itself is not stored, since people type
    /// passwords and identity numbers into that field.
    pub(crate) fn name_digest(&self, normalised: &str) -> String {
        hex::encode(self.mac("sign-in-name", normalised))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_key_is_the_same_again_for_the_same_device_and_secret_only() {
        let (one, other) = (ServiceSecret::new(&random_secret()), ServiceSecret::new(&random_secret()));
        let (device, another) = (DeviceId::generate(), DeviceId::generate());
        let key = one.device_key(device);
        assert_eq!(key.expose_secret(), one.device_key(device).expose_secret());
        assert_ne!(key.expose_secret(), one.device_key(another).expose_secret());
        assert_ne!(key.expose_secret(), other.device_key(device).expose_secret());
        assert!(key.expose_secret().starts_with("mppd_"));
        // 256 bits are 43 characters of base64url.
        assert_eq!(key.expose_secret().len(), 5 + 43);
    }

    #[test]
    fn the_uses_of_the_service_secret_are_kept_apart() {
        let secret = ServiceSecret::new(&random_secret());
        assert_ne!(secret.mac("device-key", "x"), secret.mac("sign-in-name", "x"));
        assert_ne!(secret.mac("a", "bc"), secret.mac("ab", "c"));
    }

    #[test]
    fn a_secret_is_stored_as_its_sha256() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(of_secret("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}

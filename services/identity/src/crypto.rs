//! Secrets: passwords, signing keys, and the digests under which secrets are stored.

pub(crate) mod digest;
pub(crate) mod password;
pub(crate) mod sealed;
pub(crate) mod signing;

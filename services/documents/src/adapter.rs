//! What talks to other systems.

pub(crate) mod bsre;
pub(crate) mod signer;

//! What talks to other systems.

pub(crate) mod bsre;
pub(crate) mod oss;
pub(crate) mod sicantik;
pub(crate) mod signer;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod tsa;
#[cfg(test)]
mod webhooks;

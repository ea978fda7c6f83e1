//! What talks to other systems.

pub(crate) mod oss;
pub(crate) mod sicantik;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod webhook;

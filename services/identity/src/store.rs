//! The tables of identity and the questions asked of them. Domain values in, domain values out.

pub(crate) mod account;
mod convert;
pub(crate) mod device;
mod entity;
pub(crate) mod failure;
pub(crate) mod secret;
pub(crate) mod session;
pub(crate) mod signing_key;

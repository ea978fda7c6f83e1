//! Entity ⇄ domain, as [`mpp_kit::row`] has it for every service.

pub(crate) use mpp_kit::row::{count, number, open, read, seal};

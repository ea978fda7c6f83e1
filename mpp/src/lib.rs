//! The suite as one binary with many roles. This crate wires and holds no business rule: it reads the settings, binds,
//! opens databases, starts the components of the chosen roles, joins them, serves, and stops them in order.
//!
//! Read [`suite`] first. The command line is in [`cli`]; the demonstration hall in [`demo`];
//! stand-ins for services that cannot be had here in [`simulator`].

pub mod cli;
pub mod config;
pub mod demo;
pub mod failure;
pub mod office;
pub mod seeding;
pub mod simulator;
pub mod suite;

mod boards;
mod data;
mod keys;
mod roles;
mod sender;
mod storage;
mod verdict;

pub use config::Config;
pub use failure::{Exit, Failure};
pub use roles::RoleName;
pub use suite::{Options, Suite};

/// Chooses the implementation of TLS for this process. Every HTTP client needs one before it is built; once is enough, and
/// again does nothing.
pub fn choose_tls() {
    // Whoever chose before is right too.
    let _already = rustls::crypto::ring::default_provider().install_default();
}

//! What comes in from outside: channels that people write on, and SP4N-LAPOR!.
//!
//! Each adapter turns the bytes of its channel into [`envelope::Envelope`]s; it decides nothing. Read [`envelope`] first,
//! then the adapter you need, then [`conversation`]: which case a message belongs to.

pub mod config;
pub mod conversation;
#[cfg(test)]
pub(crate) mod dovecot;
pub mod email;
pub mod envelope;
pub mod facebook;
pub mod fetch;
pub mod imap;
pub mod instagram;
pub mod json;
pub mod lapor;
pub(crate) mod mail;
pub mod media;
#[cfg(test)]
pub(crate) mod media_server;
pub(crate) mod place;
pub(crate) mod receive;
pub(crate) mod sync;
#[cfg(test)]
mod tests;
pub mod whatsapp;
pub(crate) mod worker;

//! What comes in from outside: channels that people write on, and SP4N-LAPOR!.
//!
//! Each adapter turns the bytes of its channel into [`envelope::Envelope`]s; it decides nothing. Read [`envelope`] first,
//! then the adapter you need, then [`conversation`]: which case a message belongs to.

pub mod conversation;
pub mod email;
pub mod envelope;
pub mod facebook;
pub mod instagram;
pub mod json;
pub mod lapor;
pub mod media;
pub mod signature;
pub mod whatsapp;

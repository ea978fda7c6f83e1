//! Letters: rendered, signed, verified. A part without database, network and clock: what happens here depends on its
//! arguments alone.
//!
//! - [`render`]: a template and the data of a letter become PDF/A; [`template`] is the language of templates, [`text`]
//!   what may be printed, [`qr`] the code that leads to the check.
//! - [`arms`]: what may stand at its head.
//! - [`pades`]: a PDF gets a signature, made here with a [`pades::Seal`] or elsewhere.
//! - [`verify`]: what the signatures of a file are worth, and whether a signer elsewhere gave back what was asked for.
//! - [`certificate`]: the certificates beneath both; [`ca`] makes such for tests and the simulator of BSrE.

pub mod arms;
mod asn1;
pub mod ca;
pub mod certificate;
mod cms;
pub mod pades;
mod pdf;
pub mod qr;
pub mod render;
pub mod template;
pub mod text;
pub mod verify;
mod world;

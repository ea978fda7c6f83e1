//! Letters: rendered, signed, verified. A part without database, network and clock: what happens here depends on its
//! arguments alone.

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

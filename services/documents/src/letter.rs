//! Letters: rendered, signed, verified. A part without database, network and clock: what happens here depends on its
//! arguments alone.

pub mod qr;
pub mod render;
pub mod template;
pub mod text;
mod world;

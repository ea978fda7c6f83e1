//! See [`TestSuite`].

pub mod binary;
pub mod hall;
pub mod letters;
pub mod people;
pub mod rest;
mod suite;

pub use binary::{Binary, Running};
pub use letters::{Letters, Signing};
pub use people::{People, Persona};
pub use rest::{Answer, Api};
pub use suite::{Builder, Instance, TestSuite};

//! See [`TestSuite`].

pub mod binary;
pub mod clock;
pub mod complaints;
pub mod hall;
pub mod letters;
pub mod markers;
pub mod people;
pub mod rest;
mod suite;
pub mod surface;

pub use binary::{Binary, Running};
pub use clock::FastForward;
pub use complaints::Complaints;
pub use letters::{Letters, Signing};
pub use people::{People, Persona};
pub use rest::{Answer, Api};
pub use suite::{Builder, Instance, TestSuite};

//! Stand-ins for services that cannot be had on a machine of one's own, for the demo and for tests. They refuse what the real
//! ones would refuse, so that a mistake shows here; what signs really signs, with a test certificate authority, so that
//! nothing it makes passes for official.

pub mod bsre;
pub mod oss;
pub mod whatsapp;

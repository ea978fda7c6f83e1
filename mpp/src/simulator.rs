//! Stand-ins for services that cannot be had on a machine of one's own, for the demo and for tests. They refuse what the real
//! ones would refuse, and really sign: with a test certificate authority, so that nothing they make passes for official.

pub mod bsre;

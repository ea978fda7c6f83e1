//! Stand-ins for systems that no test or demonstration can reach: strict about what they take, so that a mistake shows
//! here and not at the real one.

pub mod oss;

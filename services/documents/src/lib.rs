//! Letters and licences of the offices.

pub mod letter;

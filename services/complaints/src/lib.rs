//! Complaints of citizens: one door for every channel.

pub mod intake;

//! What the tests of the whole suite share.
//!
//! [`harness`] runs the whole suite in this process, with a small hall in it, people and programs that use it; everything
//! is started for one test and ends with it. [`load`] measures a suite that runs.

pub mod harness;
pub mod load;

//! The acceptance list of the queue service, line by line, through the generated client against the service in this
//! process: the tower stack with signed tokens, a real Redis, and SQLite as well as PostgreSQL.
//!
//! Each test is named after its line of the feature list: `must_01_…`, `should_41_…`. Lines about pages are tested where
//! the pages are.

#[macro_use(lines)]
extern crate mpp_kit;

mod boards;
mod calling;
mod day;
mod history;
mod house;
mod intake;
mod operations;
mod people;
mod serving;
mod should;
mod statistics;

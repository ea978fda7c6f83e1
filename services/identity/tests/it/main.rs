//! The identity service through its generated client and the tower stack, on SQLite and on PostgreSQL.

mod audit;
mod devices;
mod harness;
mod manage;
mod policy;
mod sessions;
mod sign_in;
mod tokens;

//! The kit against real engines: SQLite, PostgreSQL, Redis, HTTP/2 over TCP.
#![expect(missing_docs, reason = "tests")]

mod auth;
mod config;
mod db;
mod idempotency;
mod journal;
mod peers;
mod redis;
mod stack;

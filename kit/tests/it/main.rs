//! The kit against real engines: SQLite, PostgreSQL, Redis, HTTP/2 over TCP.

mod auth;
mod config;
mod db;
mod files;
mod idempotency;
mod journal;
mod peers;
mod redis;
mod stack;

//! What every service of the suite needs, and no domain word.
//!
//! A module enters the kit when two services need it. Read [`component`] first: it is the seam that every service exports.

pub mod auth;
pub mod calendar;
pub mod caller;
pub mod check;
pub mod cipher;
pub mod clamd;
pub mod client;
pub mod clock;
pub mod component;
pub mod config;
pub mod counter;
pub mod db;
pub mod event;
pub mod fault;
pub mod files;
pub mod fsm;
pub mod id;
pub mod idempotency;
pub mod journal;
pub mod meta;
pub mod outside;
pub mod page;
pub mod patience;
mod process;
pub mod redis;
pub mod relay;
pub mod row;
pub mod server;
pub mod shutdown;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod webhook;
pub mod wire;
pub mod zone;

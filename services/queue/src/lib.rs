//! The counter queue of a hall: one hall, one log. Redis decides the order, SQL makes it true, pure Rust holds the rules.
//!
//! Read [`domain`] for the rules, [`hall`] for how an operation becomes durable, [`rpc`] for the contract.

pub mod domain;
pub mod error;
pub mod hall;
pub mod metrics;
pub mod rpc;
pub mod store;
pub mod worker;

mod config;

use std::time::Duration;

use mpp_kit::component::{Component, Env, Role, Worker};
use mpp_kit::db::Db;
use mpp_kit::redis::Redis;

pub use config::Config;

/// The part this service plays.
pub const ROLE: Role = Role("queue");

/// The roles it calls: none. Tokens are verified with keys that the process supplies.
pub const CALLS: &[Role] = &[];

/// The queue service on a database and a Redis.
///
/// # Errors
/// When the halls cannot be loaded.
pub async fn component(env: &Env, db: Db, redis: Redis, config: Config) -> anyhow::Result<Component> {
    let halls = hall::Halls::open(
        store::Store::new(db),
        redis,
        env.clock.clone(),
        env.shutdown.clone(),
        metrics::Metrics::new(),
    )
    .await?;
    metrics::observe(&halls);
    let keeper = worker::DayKeeper::new(halls.clone());
    let workers = vec![
        Worker::new("queue: follow other instances", halls.clone().follow()),
        Worker::new("queue: business days", keeper.run(Duration::from_secs(config.day_check_seconds.max(1)))),
    ];
    let routes = tonic::service::Routes::new(rpc::service(halls));
    Ok(Component { role: ROLE, routes, workers })
}

//! The acceptance list of the queue service, line by line, through the generated client against the service in this
//! process: the tower stack with signed tokens, a real Redis, and SQLite as well as PostgreSQL.
//!
//! Each test is named after its line of the feature list: `must_01_…`, `should_41_…`. Lines about pages are tested where
//! the pages are.

/// Writes each test once and runs it on both engines: `must_01_…::sqlite` and `must_01_…::postgres`.
macro_rules! acceptance {
    ($($(#[$meta:meta])* async fn $name:ident($engine:ident) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn run($engine: Engine) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run(Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run(Engine::Postgres).await;
            }
        }
    )*};
}

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

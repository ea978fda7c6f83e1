//! The must lines of letters and licences, through the generated client against the service in this process: the tower
//! stack with signed tokens, files in a folder, and SQLite as well as PostgreSQL.
//!
//! Each test is named after its line of the feature list, `line_07_…`. Lines about webhooks, OSS-RBA and the real protocol
//! of the signing service are tested where these are.

/// Writes each test once and runs it on both engines: `line_07_…::sqlite` and `line_07_…::postgres`.
macro_rules! lines {
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

mod after;
mod apply;
mod audit;
mod catalogue;
mod clamd;
mod clocks;
mod esign;
mod exchange;
mod licences;
mod messages;
mod notices;
mod numbers;
mod oss;
mod paper;
mod payment;
mod report;
mod safety;
mod signing;
mod steps;
mod town;
mod tsa;
mod webhooks;
mod words;

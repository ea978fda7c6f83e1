//! The lines about notifications, through the generated client against the service in this process: the tower stack with
//! signed tokens, its own workers, a real SMTP server, a stand-in for WhatsApp that enforces what is documented, and SQLite as
//! well as PostgreSQL.
//!
//! Each test is named after its line of the feature list, `n_07_…`.

/// Writes each test once and runs it on both engines: `n_07_…::sqlite` and `n_07_…::postgres`.
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

mod accepting;
mod audit;
mod callbacks;
mod contacts;
mod delivering;
mod direct;
mod encrypted;
mod limits;
mod links;
mod office;
mod patience;
mod privacy;
mod rules;
mod templates;

//! Tests that are written once and run on both engines.

/// Writes each test once and runs it on both engines: `c_07_…::sqlite` and `c_07_…::postgres`. For whoever has
/// [`Engine`](crate::testing::Engine) in scope.
#[macro_export]
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

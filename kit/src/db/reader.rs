//! What only reads, on connections that may have been cut meanwhile.

use std::pin::Pin;
use std::time::{Duration, Instant};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
    sqlx,
};

use super::POSTGRES_POOL;

/// A query on its way.
type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbErr>> + Send + 'a>>;

/// Within which time a connection that was cut before is found out.
const AT_ONCE: Duration = Duration::from_millis(100);

/// The connections for what only reads. Clones share them.
///
/// PostgreSQL cuts connections when it restarts or fails over, and when an operator tells it to. The pool hears of it from whoever
/// uses such a connection next. A query that meets one is asked again on another connection, for nothing can have come of it;
/// whoever asked learns nothing of that. What is executed instead of queried is never repeated, here as elsewhere, and a server
/// that is not there is not waited for a second time.
#[derive(Debug, Clone)]
pub struct Reader(DatabaseConnection);

impl Reader {
    pub(super) fn new(connections: DatabaseConnection) -> Self {
        Self(connections)
    }

    pub(super) async fn close(&self) -> Result<(), DbErr> {
        self.0.close_by_ref().await
    }

    /// Asks, and asks again where the connection turns out to be cut. A query that had been running is asked again once alone: an
    /// operator may have ended it on purpose, or it may be what brought the server down.
    async fn asked<'a, T>(&'a self, ask: impl Fn() -> Asked<'a, T> + Send + Sync) -> Result<T, DbErr> {
        let mut has_run = false;
        for _ in 0..self.cut_at_most() {
            let began = Instant::now();
            match ask().await {
                Err(error) if was_cut(&error) => {
                    let ran = began.elapsed() >= AT_ONCE;
                    if ran && has_run {
                        return Err(error);
                    }
                    has_run |= ran;
                    tracing::debug!(%error, "asking again on another connection");
                }
                answer => return answer,
            }
        }
        ask().await
    }

    /// How many connections may have been cut that the pool takes for good. Each attempt finds one of them out.
    fn cut_at_most(&self) -> u32 {
        // SQLite is in this process, and nothing stands between.
        if self.0.get_database_backend() == DbBackend::Postgres { POSTGRES_POOL } else { 0 }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.0.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.0.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.0.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.asked(|| self.0.query_one_raw(statement.clone())).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.asked(|| self.0.query_all_raw(statement.clone())).await
    }
}

/// Whether a connection that was there ended under the query. One that could not be had in the first place is another error.
fn was_cut(error: &DbErr) -> bool {
    let (DbErr::Query(RuntimeErr::SqlxError(error)) | DbErr::Exec(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    if let sqlx::Error::Database(error) = &**error {
        // 57P01 and 57P02: the server ends this connection, by order or because it crashed. 08: the line broke.
        let code = error.code().unwrap_or_default();
        return ["57P01", "57P02", "08"].iter().any(|class| code.starts_with(class));
    }
    matches!(&**error, sqlx::Error::Io(_))
}

//! The ledgers of every service's tables: one per service, applied by [`run`].
//!
//! A landed migration is never edited. Expand first, contract in a later release. Written with the schema builder, so
//! that one file serves SQLite and PostgreSQL; raw SQL only inside a match on the backend. No table refers to a table of
//! another service. Each migration has its own `DeriveMigrationName` module or `MigrationName`, unique in its ledger.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use thiserror::Error;

pub mod complaints;
pub mod documents;
pub mod identity;
pub mod notifications;
pub mod queue;
pub mod shared;

/// Why the tables of a service could not be brought up to date. Nothing of the failed run remains.
#[derive(Debug, Error)]
pub enum MigrationError {
    /// There is no ledger of that name.
    #[error("no service \"{0}\" has tables")]
    UnknownService(String),
    /// The database refused.
    #[error("the tables of {service} could not be brought up to date: {source}")]
    Database {
        /// Whose tables.
        service: String,
        /// Why.
        source: DbErr,
    },
}

/// The services that have tables.
pub const SERVICES: &[&str] = &["identity", "queue", "documents", "complaints", "notifications"];

/// Brings the tables of a service up to date. Running it again changes nothing, and processes that start at once wait for
/// each other: all migrations of a run are one transaction under a lock.
///
/// `db` must be able to write; on PostgreSQL its search path names the service's schema.
///
/// # Errors
/// [`MigrationError`]; the database is then as it was.
pub async fn run(service: &str, db: &DatabaseConnection) -> Result<(), MigrationError> {
    let applied = match service {
        "identity" => apply::<identity::Migrator>(service, db).await,
        "queue" => apply::<queue::Migrator>(service, db).await,
        "documents" => apply::<documents::Migrator>(service, db).await,
        "complaints" => apply::<complaints::Migrator>(service, db).await,
        "notifications" => apply::<notifications::Migrator>(service, db).await,
        other => return Err(MigrationError::UnknownService(other.to_owned())),
    };
    applied.map_err(|source| MigrationError::Database { service: service.to_owned(), source })
}

async fn apply<M: MigratorTrait>(service: &str, db: &DatabaseConnection) -> Result<(), DbErr> {
    let tx = lock(service, db).await?;
    M::up(&tx, None).await?;
    tx.commit().await
}

/// A transaction that only one process has at a time. The migration library takes no lock of its own.
async fn lock(service: &str, db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let backend = db.get_database_backend();
    // SQLite: BEGIN IMMEDIATE takes the write lock, the other process waits for it (busy timeout).
    let options = TransactionOptions {
        sqlite_transaction_mode: (backend == DbBackend::Sqlite).then_some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let tx = db.begin_with_options(options).await?;
    if backend == DbBackend::Postgres {
        // A large table takes its time, and the others wait for it.
        let patient = "SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";
        tx.execute_unprepared(patient).await?;
        // Until the end of the transaction; per schema, so that services and test databases do not wait for each other.
        let sql =
            "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.migrations.' || $1, 0))";
        tx.execute_raw(Statement::from_sql_and_values(backend, sql, [service.into()])).await?;
    }
    Ok(tx)
}

//! The database of a service: SQLite or PostgreSQL by URL, the same code on both.
//!
//! SQLite has one writer connection. With several, its busy handler starves writers for up to a second; with one, they
//! queue in the pool in order. Readers have a pool of their own (write-ahead log: they never wait for the writer).

use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use thiserror::Error;

mod reader;

pub use reader::Reader;

/// How long to wait for a connection, and on SQLite for the write lock of another process.
const PATIENCE: Duration = Duration::from_secs(5);
/// Eight connections saturate a small machine; more only add latency (measured).
const POSTGRES_POOL: u32 = 8;
const SQLITE_READERS: u32 = 4;
/// Pages of the write-ahead log after which it is copied into the file (16 MiB). A page that many commits change is copied
/// once for all of them, so the default of 1,000 pages copies the same pages, and syncs both files, four times as often.
const SQLITE_CHECKPOINT: &str = "4000";
/// How long a statement waits for a row that another transaction holds.
const POSTGRES_LOCK_TIMEOUT: &str = "5s";
/// Says `on` where nothing can be written.
const ONLY_READS: &str = "SHOW transaction_read_only";
/// After which pause in a transaction the server ends it and gives its locks to others.
const POSTGRES_IDLE_IN_TRANSACTION: &str = "10s";

/// The two engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Engine {
    /// A file beside the process.
    Sqlite,
    /// A server.
    Postgres,
}

/// The database of a service. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Db {
    /// For everything that changes something: use [`Db::begin`].
    pub write: DatabaseConnection,
    /// For what only reads.
    pub read: Reader,
    engine: Engine,
}

/// Why a database cannot be used. Never holds the password of a URL.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Neither SQLite nor PostgreSQL.
    #[error("a database URL starts with sqlite:// or postgres://, not with \"{0}\"")]
    Scheme(String),
    /// An SQLite database that would vanish with its connection.
    #[error("an SQLite database must be a file, such as sqlite:///var/lib/mpp/queue.db")]
    InMemory,
    /// A schema name that is no plain identifier.
    #[error("\"{0}\" is no schema name: use lower-case letters, digits and _")]
    SchemaName(String),
    /// A server of PostgreSQL that takes no writes.
    #[error(
        "the server only reads, as a standby does or one that was told to; give the address of the server that writes, or let this one write again"
    )]
    OnlyReads,
    /// A schema that is not there, for one who only looks.
    #[error("the database {at} has no schema {schema}: is this the one that the suite writes to?")]
    NoSchema {
        /// Where, without credentials.
        at: String,
        /// The schema.
        schema: String,
    },
    /// The database does not answer or refuses.
    #[error("cannot open the database {at}: {source}")]
    Open {
        /// Where, without credentials.
        at: String,
        /// Why.
        source: DbErr,
    },
}

impl Db {
    /// Opens the database at `url`. On PostgreSQL every table lives in `schema` (made if it is missing); SQLite has a
    /// file per service and ignores it. An SQLite file is made if it is missing, its directory is not.
    ///
    /// # Errors
    /// [`ConnectError`], in one sentence for the person who configured the URL.
    pub async fn connect(url: &str, schema: Option<&str>) -> Result<Self, ConnectError> {
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            "sqlite" => Self::connect_sqlite(url).await,
            "postgres" | "postgresql" => Self::connect_postgres(url, schema).await,
            _ => Err(ConnectError::Scheme(scheme.to_owned())),
        }
    }

    /// Opens the database at `url` for one who only looks, also at a copy or a standby: what is missing is not made, and whatever
    /// would write is refused, through [`Db::write`] too.
    ///
    /// # Errors
    /// [`ConnectError`], in one sentence for the person who configured the URL.
    pub async fn connect_to_look(url: &str, schema: Option<&str>) -> Result<Self, ConnectError> {
        let fail = |source| ConnectError::Open { at: redacted(url), source };
        let scheme = url.split(':').next().unwrap_or_default();
        let (options, engine) = match scheme {
            "sqlite" => (sqlite_to_look(url)?, Engine::Sqlite),
            "postgres" | "postgresql" => {
                check_name(schema)?;
                (postgres_options(url, schema, true), Engine::Postgres)
            }
            _ => return Err(ConnectError::Scheme(scheme.to_owned())),
        };
        let read = Database::connect(options).await.map_err(fail)?;
        if let (Engine::Postgres, Some(schema)) = (engine, schema)
            && !has_schema(&read, schema).await.map_err(fail)?
        {
            return Err(ConnectError::NoSchema { at: redacted(url), schema: schema.to_owned() });
        }
        Ok(Self { write: read.clone(), read: Reader::new(read), engine })
    }

    async fn connect_sqlite(url: &str) -> Result<Self, ConnectError> {
        check_file(url)?;
        let open = |readers: Option<u32>| {
            let mut options = base_options(url);
            options.max_connections(readers.unwrap_or(1)).min_connections(1).test_before_acquire(false);
            // A connection to a file does not age.
            options.idle_timeout(None).max_lifetime(None);
            options.map_sqlx_sqlite_opts(move |sqlite| {
                sqlite
                    .create_if_missing(readers.is_none())
                    .journal_mode(SqliteJournalMode::Wal)
                    // FULL: a commit is on the disk before it is acknowledged, also when the power fails.
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(PATIENCE)
                    .foreign_keys(true)
                    .pragma("wal_autocheckpoint", SQLITE_CHECKPOINT)
                    // A statement of many rows keeps what it changes until it has succeeded, so that it can be taken back
                    // alone. That journal needs no disk: it is worth nothing after a crash.
                    .pragma("temp_store", "memory")
            });
            // When its disk is full, SQLite takes a transaction back by itself. The driver does not hear of it, would take the next
            // one for a part of the first, and answer COMMIT for what is kept nowhere. Such a connection is not used again. What a
            // dropped transaction left to be rolled back is done by now: a connection is given back only after that.
            options.map_sqlx_sqlite_before_acquire(|connection, _| {
                Box::pin(async move { Ok(!sqlx::Connection::is_in_transaction(connection)) })
            });
            if readers.is_some() {
                // A write through the read pool is a mistake; this makes it an error on both engines' tests.
                options.map_sqlx_sqlite_pool_opts(queries_only);
            }
            Database::connect(options)
        };
        let fail = |source| ConnectError::Open { at: redacted(url), source };
        let write = open(None).await.map_err(fail)?;
        let read = open(Some(SQLITE_READERS)).await.map_err(fail)?;
        Ok(Self { write, read: Reader::new(read), engine: Engine::Sqlite })
    }

    async fn connect_postgres(url: &str, schema: Option<&str>) -> Result<Self, ConnectError> {
        let fail = |source| ConnectError::Open { at: redacted(url), source };
        check_name(schema)?;
        // First what only reads. A server that takes no writes is named for what it is: the pool that writes would ask it again
        // until its patience is over, and could say only that it has waited.
        let read = Database::connect(postgres_options(url, schema, false)).await.map_err(fail)?;
        if only_reads(&read).await.map_err(fail)? {
            return Err(ConnectError::OnlyReads);
        }
        let mut options = postgres_options(url, schema, false);
        options.map_sqlx_postgres_pool_opts(|pool| {
            pool.after_connect(|connection, _| Box::pin(refuse_a_reader(connection)))
        });
        let write = Database::connect(options).await.map_err(fail)?;
        if let Some(schema) = schema {
            ensure_schema(&write, schema).await.map_err(fail)?;
        }
        Ok(Self { write, read: Reader::new(read), engine: Engine::Postgres })
    }

    /// Which engine it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Begins a transaction that writes. On SQLite with `BEGIN IMMEDIATE`: the write lock is taken at once, so that a
    /// transaction never fails half-way because another one wrote meanwhile. Dropped without a commit, it rolls back.
    ///
    /// # Errors
    /// When there is no connection or no lock within five seconds.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        begin_write(&self.write).await
    }

    /// Closes every connection, after those in use were given back.
    ///
    /// # Errors
    /// As reported by the driver.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.read.close().await?;
        self.write.close_by_ref().await
    }
}

/// As [`Db::begin`], for a single connection pool.
///
/// # Errors
/// When there is no connection or no lock within five seconds.
pub async fn begin_write(connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    if connection.get_database_backend() == DbBackend::Sqlite {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        return connection.begin_with_options(options).await;
    }
    // A task of its own, which nobody can give up half-way. sqlx counts a transaction of PostgreSQL only when the answer to
    // BEGIN has come; a caller that is dropped before that (a request that ends, the other branch of a `select!`) would
    // give the connection back with a transaction open on the server and not known here. What is written on it next would
    // be seen by nobody and hold its locks for ever. In a task the answer always comes, and a transaction that nobody takes
    // is rolled back.
    let connection = connection.clone();
    tokio::spawn(async move { connection.begin().await })
        .await
        .unwrap_or_else(|error| Err(DbErr::Custom(format!("a transaction could not begin: {error}"))))
}

/// The constraint that an error is about, `None` if it is about something else: on PostgreSQL its name, on SQLite the
/// name of a check or index, or for a unique constraint its columns as `table.column, table.column`. A foreign key of
/// SQLite has no name: empty text.
#[must_use]
pub fn violated_constraint(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return None;
    };
    let sqlx::Error::Database(error) = &**error else { return None };
    if let Some(name) = error.constraint() {
        return Some(name.to_owned());
    }
    let message = error.message();
    let (_, rest) = message.split_once(" constraint failed")?;
    let subject = rest.trim_start_matches(':').trim();
    // A unique index over an expression is reported as: index 'name'.
    Some(subject.strip_prefix("index ").map_or(subject, |name| name.trim_matches('\'')).to_owned())
}

/// Whether an error says that the database does not answer (as opposed to: answers that something is wrong). A retry
/// later may succeed.
#[must_use]
pub fn is_unavailable(error: &DbErr) -> bool {
    if matches!(error, DbErr::ConnectionAcquire(_)) {
        return true;
    }
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    if let sqlx::Error::Database(error) = &**error {
        let code = error.code().unwrap_or_default();
        return if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
            // The low byte is the primary code: 5 BUSY, 10 IOERR, 13 FULL.
            code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 10 | 13))
        } else {
            // 08 connection, 53 resources (53100: the disk is full), 57P0x shutting down or starting, 25006 the server only
            // reads (a standby, or one that was told to when its disk ran full), 25P03 idle in a transaction, 55P03 no lock
            // in time; 40001 and 40P01 lost a race: try again.
            ["08", "53", "57P0", "25006", "25P03", "55P03", "40001", "40P01"]
                .iter()
                .any(|class| code.starts_with(class))
        };
    }
    matches!(
        &**error,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
    )
}

/// Whether a transaction was taken back because another one was in its way: a deadlock (40P01), or two that cannot both stand
/// (40001). Nothing of it was kept, and done again at once it succeeds as a rule. SQLite has one writer, and no such races.
#[must_use]
pub fn has_lost_a_race(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    let sqlx::Error::Database(error) = &**error else { return false };
    error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some()
        && error.code().is_some_and(|code| matches!(&*code, "40001" | "40P01"))
}

/// Whether PostgreSQL refuses a text for a character in it: a NUL, which SQLite keeps. What the text is compared with or
/// written to does not matter, so no service checks each of its texts for it.
#[must_use]
pub fn is_unkeepable_text(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    matches!(&**error, sqlx::Error::Database(error) if error.code().is_some_and(|code| code == "22021"))
}

/// A URL without user and password, for messages.
#[must_use]
pub fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.split('?').next().unwrap_or_default().to_owned();
    };
    let rest = rest.split('?').next().unwrap_or_default();
    let (authority, path) =
        rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let host = authority.rsplit('@').next().unwrap_or_default();
    path.map_or_else(|| format!("{scheme}://{host}"), |path| format!("{scheme}://{host}/{path}"))
}

/// The URL of an SQLite database in a file.
#[must_use]
pub fn sqlite_url(file: &Path) -> String {
    format!("sqlite://{}", url_path(file))
}

/// A path as it stands in a URL, where some characters have another meaning.
pub(crate) fn url_path(path: &Path) -> String {
    path.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23").replace(' ', "%20")
}

fn base_options(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    // Statements are neither logged nor traced: they would cost on every call and may hold personal data.
    options.sqlx_logging(false).record_stmt_in_spans(false).acquire_timeout(PATIENCE);
    options
}

/// Refuses an SQLite database that is no file.
fn check_file(url: &str) -> Result<(), ConnectError> {
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(ConnectError::InMemory);
    }
    Ok(())
}

/// Has each connection of a pool refuse to write.
fn queries_only(pool: SqlitePoolOptions) -> SqlitePoolOptions {
    pool.after_connect(|connection, _| {
        Box::pin(
            async move { sqlx::Executor::execute(connection, "PRAGMA query_only = ON").await.map(|_| ()) },
        )
    })
}

/// For one who only looks at a file, which is left as it is, what is in its write-ahead log too. Where there is none, nobody else has
/// the file open, and none is made to read it.
fn sqlite_to_look(url: &str) -> Result<ConnectOptions, ConnectError> {
    check_file(url)?;
    let mut options = base_options(url);
    options.max_connections(SQLITE_READERS);
    options.map_sqlx_sqlite_opts(|sqlite| {
        let mut log = sqlite.get_filename().as_os_str().to_owned();
        log.push("-wal");
        let alone = !Path::new(&log).exists();
        sqlite.create_if_missing(false).read_only(true).immutable(alone).busy_timeout(PATIENCE)
    });
    options.map_sqlx_sqlite_pool_opts(queries_only);
    Ok(options)
}

/// Refuses the name of a schema that is no plain identifier.
fn check_name(schema: Option<&str>) -> Result<(), ConnectError> {
    let Some(schema) = schema else { return Ok(()) };
    let plain = schema.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if schema.is_empty() || !plain || schema.as_bytes()[0].is_ascii_digit() {
        return Err(ConnectError::SchemaName(schema.to_owned()));
    }
    Ok(())
}

fn postgres_options(url: &str, schema: Option<&str>, looks: bool) -> ConnectOptions {
    let mut options = base_options(url);
    options
        .max_connections(POSTGRES_POOL)
        // Saves a round trip per acquire while in use; after a pause the connection may have been cut.
        .test_before_acquire_if_idle_for(Duration::from_secs(10))
        .set_application_name(format!("mpp-{}", schema.unwrap_or("suite")));
    // A process that is stopped in the middle of a transaction, and one that waits for its locks, must not wait
    // for ever; on SQLite the busy timeout says the same.
    // The schema goes with them in the first message: a statement of its own would be a trip for each connection, and
    // take the place of the check for a server that only reads.
    let search_path = schema.map(|schema| ("search_path", schema.to_owned()));
    let only_looks = looks.then_some(("default_transaction_read_only", "on"));
    options.map_sqlx_postgres_opts(move |postgres| {
        postgres
            .options([
                ("lock_timeout", POSTGRES_LOCK_TIMEOUT),
                ("idle_in_transaction_session_timeout", POSTGRES_IDLE_IN_TRANSACTION),
            ])
            .options(search_path.clone())
            .options(only_looks)
    });
    options
}

/// Whether the server takes no writes.
async fn only_reads(connection: &DatabaseConnection) -> Result<bool, DbErr> {
    let asked = Statement::from_string(DbBackend::Postgres, ONLY_READS);
    let row = connection.query_one_raw(asked).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound(ONLY_READS.to_owned()))?;
    Ok(row.try_get_by_index::<String>(0)? == "on")
}

/// Refuses a connection to a server that only reads, as a standby does: after a fail-over the address may lead there for a
/// while. In the pool it would stay, and refuse whatever is written through it long after another server has taken over.
async fn refuse_a_reader(connection: &mut sqlx::PgConnection) -> Result<(), sqlx::Error> {
    let reads: String = sqlx::query_scalar(ONLY_READS).fetch_one(connection).await?;
    if reads == "on" { Err(sqlx::Error::Io(std::io::Error::other("the server only reads"))) } else { Ok(()) }
}

async fn has_schema(connection: &DatabaseConnection, schema: &str) -> Result<bool, DbErr> {
    let query = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT 1 FROM pg_namespace WHERE nspname = $1",
        [schema.into()],
    );
    connection.query_one_raw(query).await.map(|row| row.is_some())
}

async fn ensure_schema(connection: &DatabaseConnection, schema: &str) -> Result<(), DbErr> {
    // A login role that may not make schemas is fine as long as its schema is there.
    if has_schema(connection, schema).await? {
        return Ok(());
    }
    // IF NOT EXISTS is not atomic: of two processes that start at once, one may fail although the schema is there now.
    match connection.execute_unprepared(&format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"")).await {
        Ok(_) => Ok(()),
        Err(error) => {
            if has_schema(connection, schema).await? {
                Ok(())
            } else {
                Err(error)
            }
        }
    }
}

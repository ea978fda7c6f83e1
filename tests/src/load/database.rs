//! The databases of the suite, which some benchmarks fill: copies of rows are made faster than cases are filed.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use mpp_kit::db::{self, Db};
use sea_orm::{ConnectionTrait as _, Statement, Value};

/// Where the services keep their rows.
#[derive(Debug, Clone)]
pub enum Database {
    /// Files of SQLite, in the data directory.
    Files(PathBuf),
    /// PostgreSQL, with a schema for each service.
    Postgres(String),
}

impl Database {
    /// Opens the database of a service.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn open(&self, service: &str) -> anyhow::Result<Db> {
        let opened = match self {
            Self::Files(directory) => {
                let file = directory.join(format!("{service}.db"));
                ensure!(
                    file.exists(),
                    "there is no {}: is it the data directory of the suite?",
                    file.display()
                );
                Db::connect(&db::sqlite_url(&file), None).await
            }
            Self::Postgres(url) => Db::connect(url, Some(&format!("mpp_{service}"))).await,
        };
        opened.with_context(|| format!("the database of {service}"))
    }
}

/// The one number that a query answers.
///
/// # Errors
/// When it answers something else.
pub async fn number(db: &Db, sql: &str, values: Vec<Value>) -> anyhow::Result<usize> {
    let statement = Statement::from_sql_and_values(db.write.get_database_backend(), sql, values);
    let row = db.write.query_one_raw(statement).await?.context("no row")?;
    let found: i64 = row.try_get_by_index(0)?;
    Ok(usize::try_from(found)?)
}

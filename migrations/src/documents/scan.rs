//! Letters that are signed by hand: an application may wait for the scan of its signed sheet, and a document and each of its
//! files say what they are.

use sea_orm::{ConnectionTrait as _, DbBackend};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::string;

use super::payment::{AWAITING_PAYMENT, other_states};
use super::{REPORTS, STATES, reach};
use crate::shared::index;

/// The state that is new.
const AWAITING_SCAN: &str = "AWAITING_SCAN";

/// The state of waiting for a scan, and how documents were signed.
pub(super) struct Scans;

impl MigrationName for Scans {
    fn name(&self) -> &'static str {
        "documents_0010_scans"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Scans {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let states: Vec<&str> = STATES.into_iter().chain([AWAITING_PAYMENT, AWAITING_SCAN]).collect();
        other_states(manager, "application_with_scan", &states).await?;
        if manager.get_database_backend() == DbBackend::Sqlite {
            later_indexes(manager).await?;
        }
        // Whatever was issued before was signed electronically, and is a PDF.
        for (table, column, before) in
            [("document", "signature", "ELECTRONIC"), ("document_revision", "media_type", "application/pdf")]
        {
            let mut column = string(column);
            column.default(before);
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        // What waits for its scan has no place in the old table: going back would lose it.
        Err(DbErr::Custom("documents_0010_scans cannot be undone".into()))
    }
}

/// Indexes of later releases, which went with the tables that were made anew.
async fn later_indexes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    for (name, table, columns) in REPORTS.into_iter().filter(|(_, table, _)| *table == "application") {
        manager.create_index(index(name, table, columns)).await?;
    }
    for (name, begins) in reach::INDEXES {
        let sql = format!("CREATE INDEX {name} ON work_item ({begins}role, due_at, application_id)");
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}

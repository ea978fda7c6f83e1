//! Letters that are signed by hand: an application may wait for the scan of its signed sheet, and a document and each of its
//! files say what they are.

use sea_orm::{ConnectionTrait as _, DbBackend};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::string;

use super::payment::AWAITING_PAYMENT;
use super::{REPORTS, STATES, application, reach, work_item};
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
        let db = manager.get_connection();
        if manager.get_database_backend() == DbBackend::Postgres {
            // The builder adds no check to a table that is there.
            let states = states.iter().map(|state| format!("'{state}'")).collect::<Vec<_>>().join(", ");
            let sql = format!(
                "ALTER TABLE application DROP CONSTRAINT application_state_check, \
                 ADD CONSTRAINT application_state_check CHECK (state IN ({states}))"
            );
            db.execute_unprepared(&sql).await?;
        } else {
            other_states(manager, &states).await?;
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

/// SQLite changes no check of a table that is there: the table is made anew with its rows. What waits refers to it, so that
/// it is laid aside meanwhile.
async fn other_states(manager: &SchemaManager<'_>, states: &[&str]) -> Result<(), DbErr> {
    let (backend, db) = (manager.get_database_backend(), manager.get_connection());
    db.execute_unprepared("CREATE TABLE work_item_aside AS SELECT * FROM work_item").await?;
    manager.drop_table(Table::drop().table("work_item").take()).await?;
    manager.create_table(application("application_with_scan", states)).await?;
    db.execute_unprepared("INSERT INTO application_with_scan SELECT * FROM application").await?;
    manager.drop_table(Table::drop().table("application").take()).await?;
    manager.rename_table(Table::rename().table("application_with_scan", "application").take()).await?;
    manager.create_table(work_item(backend)).await?;
    db.execute_unprepared("INSERT INTO work_item SELECT * FROM work_item_aside").await?;
    manager.drop_table(Table::drop().table("work_item_aside").take()).await?;
    // The indexes of both tables went with them.
    for index in [
        index("application_subject", "application", &["subject_key", "letter_type", "submitted_at"]),
        index("application_deemed", "application", &["deemed_at"]),
        index("application_state", "application", &["state", "updated_at"]),
        index("work_item_desk", "work_item", &["area", "role", "due_at", "application_id"]),
        index("work_item_due", "work_item", &["escalated", "due_at"]),
    ] {
        manager.create_index(index).await?;
    }
    for (name, table, columns) in REPORTS.into_iter().filter(|(_, table, _)| *table == "application") {
        manager.create_index(index(name, table, columns)).await?;
    }
    for (name, begins) in reach::INDEXES {
        let sql = format!("CREATE INDEX {name} ON work_item ({begins}role, due_at, application_id)");
        db.execute_unprepared(&sql).await?;
    }
    Ok(())
}

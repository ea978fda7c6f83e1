//! Where each case stood, of which class and category, and when that changed: a report of a past period counts a case as it
//! was at the end of that period, whatever became of it since.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{integer, string, timestamp_with_time_zone, timestamp_with_time_zone_null};

/// Its table.
pub(super) struct Lines;

impl MigrationName for Lines {
    fn name(&self) -> &'static str {
        "complaints_0003_lines"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Lines {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let table = Table::create()
            .table("complaint_line")
            .col(string("complaint_id"))
            // The version of the case that began it.
            .col(integer("version"))
            .col(super::ordered("desk", backend))
            .col(string("class"))
            .col(string("category"))
            .col(string("channel"))
            // When the case was entered here: the same in every line of it.
            .col(timestamp_with_time_zone("entered_at"))
            .col(timestamp_with_time_zone("from_at"))
            .col(timestamp_with_time_zone_null("to_at"))
            .primary_key(Index::create().col("complaint_id").col("version"))
            .take();
        manager.create_table(table).await?;
        // What was before is known no more: cases that are there count as they are now, from when they were received.
        let sql = "INSERT INTO complaint_line (complaint_id, version, desk, class, category, channel, entered_at, from_at, to_at) \
             SELECT id, version, desk, class, category, channel, received_at, received_at, NULL FROM complaint";
        manager.get_connection().execute_unprepared(sql).await?;
        manager.create_index(super::index("complaint_line_entered", "complaint_line", &["entered_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("complaint_line").to_owned()).await
    }
}

//! Calendars by whose new version running clocks are being counted again, and how far that is.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, integer, string, timestamp_with_time_zone};

/// Its table.
pub(super) struct Recounts;

impl MigrationName for Recounts {
    fn name(&self) -> &'static str {
        "complaints_0004_recounts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Recounts {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("recount")
            .col(string("calendar_id").primary_key())
            .col(integer("version"))
            .col(string("asked_by"))
            // The last case that was looked at; empty before the first.
            .col(string("after_id"))
            .col(big_integer("clocks"))
            .col(timestamp_with_time_zone("asked_at"))
            .take();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("recount").to_owned()).await
    }
}

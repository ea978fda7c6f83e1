//! The languages that reporters are answered in, in versions.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{integer, string, text, timestamp_with_time_zone};

/// Its table.
pub(super) struct Languages;

impl MigrationName for Languages {
    fn name(&self) -> &'static str {
        "complaints_0008_languages"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Languages {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let language = Table::create()
            .table("language")
            .col(string("code"))
            .col(integer("version"))
            .col(text("body"))
            .col(timestamp_with_time_zone("created_at"))
            .primary_key(Index::create().name("language_pk").col("code").col("version"))
            .take();
        manager.create_table(language).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("language").to_owned()).await
    }
}

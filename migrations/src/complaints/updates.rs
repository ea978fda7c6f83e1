//! For telling other systems what happened to published cases: the journal is read by time.

use sea_orm_migration::prelude::*;

use crate::shared::index;

/// Its index.
pub(super) struct Updates;

impl MigrationName for Updates {
    fn name(&self) -> &'static str {
        "complaints_0006_updates"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Updates {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index("journal_at", "journal", &["at", "seq"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("journal_at").table("journal").to_owned()).await
    }
}

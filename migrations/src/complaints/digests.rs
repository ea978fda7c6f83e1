//! Which office had its digest on which day, with the numbers it was told: once a day, whoever restarts, and what changed since
//! the one before.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string, timestamp_with_time_zone};

/// Its table.
pub(super) struct Digests;

impl MigrationName for Digests {
    fn name(&self) -> &'static str {
        "complaints_0013_digests"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Digests {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let digest = Table::create()
            .table("digest")
            .col(string("official_id"))
            // By the local calendar.
            .col(string("day"))
            .col(big_integer("late"))
            .col(big_integer("due_today"))
            .col(big_integer("waiting"))
            .col(timestamp_with_time_zone("at"))
            .primary_key(Index::create().name("digest_pk").col("official_id").col("day"))
            .take();
        manager.create_table(digest).await?;
        manager.create_index(super::index("digest_day", "digest", &["day"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("digest").to_owned()).await
    }
}

//! Coats of arms, by area: what stands at the head of letters. No row is changed, for letters name the one that they were
//! frozen with.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{integer, string, string_null, timestamp_with_time_zone};

use crate::shared::ordered;

/// The table of coats of arms.
pub(super) struct Arms;

impl MigrationName for Arms {
    fn name(&self) -> &'static str {
        "documents_0007_arms"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Arms {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(coat_of_arms(manager.get_database_backend())).await?;
        let one = Index::create()
            .name("coat_of_arms_version")
            .table("coat_of_arms")
            .col("area")
            .col("version")
            .unique()
            .take();
        manager.create_index(one).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("coat_of_arms").take()).await
    }
}

/// One upload for an area. The highest version counts.
fn coat_of_arms(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("coat_of_arms")
        .col(string("id").primary_key())
        .col(ordered("area", backend))
        .col(integer("version"))
        // In the file store; NULL where the area has none of its own any more.
        .col(string_null("file_id"))
        .col(string("media_type"))
        .col(integer("size"))
        .col(string("sha256"))
        .col(timestamp_with_time_zone("created_at"))
        .take()
}

//! Bounces that notifications has not heard of yet: they are read once, with the mails around them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{string, timestamp_with_time_zone};

/// Its table.
pub(super) struct Bounces;

impl MigrationName for Bounces {
    fn name(&self) -> &'static str {
        "complaints_0005_bounces"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Bounces {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("mail_bounce")
            // The id of our message, which names nobody.
            .col(string("message").primary_key())
            .col(string("status"))
            .col(timestamp_with_time_zone("created_at"))
            .take();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("mail_bounce").to_owned()).await
    }
}

//! What the intake of channels keeps beside the messages themselves: the state of a chat, how far a mailbox was read, and
//! files that could not be fetched yet.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, integer, string, text, timestamp_with_time_zone, timestamp_with_time_zone_null,
};

/// Its tables.
pub(super) struct Channels;

impl MigrationName for Channels {
    fn name(&self) -> &'static str {
        "complaints_0002_channels"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Channels {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The sender is a digest under the key of the vault, the body is sealed under it.
        let chat = Table::create()
            .table("chat")
            .col(string("conversation").primary_key())
            .col(integer("version"))
            .col(timestamp_with_time_zone_null("asked_at"))
            .col(text("body"))
            .take();
        let mail_cursor = Table::create()
            .table("mail_cursor")
            .col(string("mailbox").primary_key())
            .col(big_integer("uid_validity"))
            .col(big_integer("last_uid"))
            .col(timestamp_with_time_zone("read_at"))
            .take();
        let channel_media = Table::create()
            .table("channel_media")
            .col(string("id").primary_key())
            .col(string("source"))
            .col(string("account"))
            .col(string("external_id"))
            .col(text("body"))
            .col(integer("attempts"))
            .col(timestamp_with_time_zone("next_at"))
            .col(timestamp_with_time_zone("created_at"))
            .take();
        for table in [chat, mail_cursor, channel_media] {
            manager.create_table(table).await?;
        }
        let asked = Index::create()
            .name("chat_asked")
            .table("chat")
            .col("asked_at")
            .cond_where(Condition::all().add(Expr::col("asked_at").is_not_null()))
            .take();
        let due = Index::create().name("channel_media_due").table("channel_media").col("next_at").take();
        manager.create_index(asked).await?;
        manager.create_index(due).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["channel_media", "mail_cursor", "chat"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

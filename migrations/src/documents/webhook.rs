//! Owners of webhooks are told when one is disabled, and deliveries of a range of time are sent again.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{integer, string, timestamp_with_time_zone};

use crate::shared::{index, one_of};

/// The table of messages to owners, and the index of deliveries by time.
pub(super) struct Webhooks;

const RANGE: &str = "webhook_delivery_range";

impl MigrationName for Webhooks {
    fn name(&self) -> &'static str {
        "documents_0014_webhooks"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Webhooks {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(webhook_notice()).await?;
        for index in [
            index("webhook_notice_due", "webhook_notice", &["state", "next_at"]),
            index(RANGE, "webhook_delivery", &["endpoint_id", "created_at", "id"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(RANGE).table("webhook_delivery").to_owned()).await?;
        manager.drop_table(Table::drop().table("webhook_notice").take()).await
    }
}

/// One message to the owner of a webhook. It holds no address: what it says is read from the webhook when it is sent.
fn webhook_notice() -> TableCreateStatement {
    Table::create()
        .table("webhook_notice")
        .col(string("id").primary_key())
        .col(string("webhook_id"))
        // The account.
        .col(string("owner_id"))
        .col(string("reason"))
        .col(string("state").check(one_of("state", &["QUEUED", "SENT", "REFUSED", "POINTLESS"])))
        .col(integer("attempts"))
        .col(timestamp_with_time_zone("next_at"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .take()
}

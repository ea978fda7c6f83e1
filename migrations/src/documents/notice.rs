//! Messages that have to go out about letters: written in the transaction that made them necessary, so that an outage of
//! notifications holds up no letter and loses no message.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{integer, string, text, timestamp_with_time_zone};

use crate::shared::{index, one_of};

/// The table of messages.
pub(super) struct Notices;

impl MigrationName for Notices {
    fn name(&self) -> &'static str {
        "documents_0009_notices"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Notices {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(notice()).await?;
        for index in [
            index("notice_due", "notice", &["state", "next_at"]),
            index("notice_application", "notice", &["application_id", "created_at"]),
            index("notice_topic", "notice", &["recipient", "topic", "created_at"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("notice").take()).await
    }
}

/// One message. It holds no address and no name: what it says is read from its application when it is sent.
fn notice() -> TableCreateStatement {
    Table::create()
        .table("notice")
        .col(string("id").primary_key())
        .col(string("application_id"))
        .col(string("kind"))
        .col(string("recipient_kind").check(one_of("recipient_kind", &["APPLICANT", "ACCOUNT"])))
        // The account; empty for the applicant.
        .col(string("recipient"))
        // The desk that it calls somebody to; empty for what is about one application.
        .col(string("topic"))
        .col(text("body"))
        .col(
            string("state").check(one_of("state", &["QUEUED", "SENT", "REFUSED", "NO_CONTACT", "POINTLESS"])),
        )
        .col(integer("attempts"))
        .col(timestamp_with_time_zone("next_at"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .take()
}

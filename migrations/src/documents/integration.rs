//! Webhooks and their deliveries; licences of OSS-RBA and SiCantik with what is told to OSS about them.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, boolean, integer, string, string_null, text, timestamp_with_time_zone,
};

use crate::shared::{index, one_of, ordered, webhook_delivery, webhook_endpoint};

/// Webhooks, deliveries, licences, messages to OSS.
pub(super) struct Integration;

impl MigrationName for Integration {
    fn name(&self) -> &'static str {
        "documents_0002_integration"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Integration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for table in [
            webhook_endpoint(backend),
            webhook_delivery(backend),
            licence(backend),
            licence_message(),
            oss_receipt(),
            poll_cursor(),
        ] {
            manager.create_table(table).await?;
        }
        for index in [
            index("webhook_delivery_due", "webhook_delivery", &["endpoint_id", "state", "due_at"]),
            index("webhook_delivery_age", "webhook_delivery", &["state", "updated_at"]),
            index("licence_nib", "licence", &["nib", "changed"]),
            index("licence_application", "licence", &["application_id"]),
            index("licence_message_due", "licence_message", &["state", "due_at"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            "poll_cursor",
            "oss_receipt",
            "licence_message",
            "licence",
            "webhook_delivery",
            "webhook_endpoint",
        ] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// Licences that another system asked for. The body is encrypted.
fn licence(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("licence")
        .col(string("id").primary_key())
        .col(string("source"))
        // What the other system knows it by: id_izin of OSS, no_permohonan of SiCantik.
        .col(string("source_key"))
        .col(string("nib"))
        .col(string("oss_id"))
        .col(ordered("area", backend))
        .col(string_null("status_code"))
        .col(string_null("application_id"))
        .col(integer("version"))
        // Grows with every change of any licence: a cursor for those who poll.
        .col(big_integer("changed").unique_key())
        .col(text("body"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .index(Index::create().name("licence_source_key").col("source").col("source_key").unique())
        .check(one_of("source", &["OSS", "SICANTIK"]))
        .take()
}

/// What is told to OSS: in order for each licence, each cause once. The body is encrypted.
fn licence_message() -> TableCreateStatement {
    Table::create()
        .table("licence_message")
        .col(string("id").primary_key())
        .col(string("licence_id"))
        .col(integer("number"))
        // What it is told because of, such as doc_… or a request; a repetition finds it here.
        .col(string("cause"))
        .col(string("kind"))
        .col(string("status_code"))
        .col(string("state"))
        .col(integer("attempt_count"))
        // Whether an attempt ended without an answer, so that OSS may have it.
        .col(boolean("unclear"))
        .col(timestamp_with_time_zone("due_at"))
        .col(text("body"))
        .col(text("answer"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .index(Index::create().name("licence_message_order").col("licence_id").col("number").unique())
        .index(Index::create().name("licence_message_cause").col("licence_id").col("cause").unique())
        .foreign_key(
            ForeignKey::create()
                .name("licence_message_licence")
                .from("licence_message", "licence_id")
                .to("licence", "id"),
        )
        .check(one_of("kind", &["IZINSTATUS", "IZINFINAL", "UPDATE"]))
        .check(one_of("state", &["PENDING", "SENT", "REFUSED"]))
        .take()
}

/// What OSS sent and was taken: one row per company and application there, however often it is repeated.
fn oss_receipt() -> TableCreateStatement {
    Table::create()
        .table("oss_receipt")
        .col(string("nib"))
        .col(string("oss_id"))
        .col(string("digest"))
        .col(integer("times"))
        .col(timestamp_with_time_zone("first_at"))
        .col(timestamp_with_time_zone("last_at"))
        .primary_key(Index::create().name("oss_receipt_pk").col("nib").col("oss_id"))
        .take()
}

/// How far other systems were read.
fn poll_cursor() -> TableCreateStatement {
    Table::create()
        .table("poll_cursor")
        .col(string("name").primary_key())
        .col(text("value"))
        .col(timestamp_with_time_zone("updated_at"))
        .take()
}

//! The tables of the notifications service.
//!
//! Addresses, texts and values are encrypted in `body`; what a query looks for stands in columns beside it, addresses as
//! digests. A step carries what its queue is ordered by, so that a look at the queue touches one index.

use sea_orm::{DbBackend, DynIden};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, boolean, integer, string, string_null, text, timestamp_with_time_zone,
    timestamp_with_time_zone_null,
};

use crate::shared::{
    self, change_counter, event, index, one_of, ordered, webhook_delivery, webhook_endpoint,
};

/// The ledger.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(FirstCut), Box::new(Languages)]
    }

    fn migration_table_name() -> DynIden {
        "migration_notifications".into_iden()
    }
}

/// Notifications with their steps and attempts, texts, contacts, the list, links, rules, callbacks.
struct FirstCut;

impl MigrationName for FirstCut {
    fn name(&self) -> &'static str {
        "notifications_0001_first_cut"
    }
}

/// The language of the text that a step keeps: it may be another one than that of its notification.
struct Languages;

impl MigrationName for Languages {
    fn name(&self) -> &'static str {
        "notifications_0002_languages"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Languages {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Empty in rows of before: they have the language of their notification.
        let language = string("language").default("").to_owned();
        manager.alter_table(Table::alter().table("step").add_column(language).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("step").drop_column("language").to_owned()).await
    }
}

const CHANNELS: &[&str] = &["WHATSAPP", "EMAIL", "IN_APP"];
const STATUSES: &[&str] = &[
    "CREATED",
    "SENDING",
    "SENT",
    "DELIVERED",
    "TEMPORARY_FAILURE",
    "PERMANENT_FAILURE",
    "TECHNICAL_FAILURE",
    "SUPPRESSED",
    "EXPIRED",
    "FELL_BACK",
    "CANCELLED",
];

#[async_trait::async_trait]
impl MigrationTrait for FirstCut {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for table in [
            notification(backend),
            step(backend),
            attempt(backend),
            variant(),
            contact(),
            address(),
            inbox(backend),
            action_link(),
            delivery_rules(),
            channel_account(),
            change_counter(),
            event(),
            webhook_endpoint(backend),
            webhook_delivery(backend),
            shared::idempotency(),
            shared::journal(),
        ] {
            manager.create_table(table).await?;
        }
        for index in [
            index("notification_reference", "notification", &["reference", "id"]),
            index("notification_account", "notification", &["account_id", "id"]),
            index("notification_end", "notification", &["completed_at"]),
            // The queue of one account: urgent first, then by time.
            index("step_queue", "step", &["queue", "priority", "due_at"]),
            index("step_until", "step", &["until_at"]),
            index("step_provider", "step", &["provider_id"]),
            index("inbox_account", "inbox", &["account_id", "id"]),
            index("inbox_unread", "inbox", &["account_id", "read_at"]),
            index("webhook_delivery_due", "webhook_delivery", &["endpoint_id", "state", "due_at"]),
            index("webhook_delivery_age", "webhook_delivery", &["state", "updated_at"]),
            shared::idempotency_age(),
            shared::journal_subject(),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            "journal",
            "idempotency",
            "webhook_delivery",
            "webhook_endpoint",
            "event",
            "change_counter",
            "channel_account",
            "delivery_rules",
            "action_link",
            "inbox",
            "address",
            "contact",
            "variant",
            "attempt",
            "step",
            "notification",
        ] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// A message to one recipient.
fn notification(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("notification")
        .col(ordered("id", backend).primary_key())
        .col(string("created_by"))
        .col(string("reference"))
        .col(string("message_type"))
        .col(string_null("account_id"))
        .col(string("role"))
        .col(string("language"))
        .col(string("urgency"))
        .col(string("status"))
        // Set for what this service tells by itself, so that it tells it once.
        .col(string_null("cause"))
        .col(string_null("coordinator_id"))
        .col(timestamp_with_time_zone_null("scheduled_at"))
        .col(timestamp_with_time_zone_null("expires_at"))
        // Empty after its time: what was said to whom is forgotten, that something was stays.
        .col(text("body"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("completed_at"))
        .index(Index::create().name("notification_cause").col("cause").unique())
        .check(one_of("status", STATUSES))
        .check(one_of("urgency", &["URGENT", "NORMAL", "DIGEST"]))
        .take()
}

/// One step of a plan.
fn step(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("step")
        .col(ordered("notification_id", backend))
        .col(integer("number"))
        .col(string("channel"))
        // The account that sends: `whatsapp:utama`, `email`, `in_app`.
        .col(string("queue"))
        .col(string("status"))
        .col(string("reason"))
        .col(integer("variant_version"))
        .col(integer("priority"))
        .col(integer("wait_minutes"))
        // When it is looked at next; none while its turn has not come, and after its end.
        .col(timestamp_with_time_zone_null("due_at"))
        // When the next step takes over, or a receipt is given up.
        .col(timestamp_with_time_zone_null("until_at"))
        .col(timestamp_with_time_zone_null("expires_at"))
        .col(integer("attempt_count"))
        .col(timestamp_with_time_zone_null("first_attempt_at"))
        // Whether the last attempt has not ended, or ended without an answer; and how often that came before.
        .col(boolean("unclear"))
        .col(integer("unclear_count"))
        .col(boolean("as_template"))
        .col(string("address"))
        .col(string_null("provider_id"))
        .col(timestamp_with_time_zone_null("sent_at"))
        .col(timestamp_with_time_zone_null("delivered_at"))
        .col(timestamp_with_time_zone_null("read_at"))
        .col(timestamp_with_time_zone_null("failed_at"))
        .col(integer("version"))
        .primary_key(Index::create().name("step_pk").col("notification_id").col("number"))
        .foreign_key(
            ForeignKey::create()
                .name("step_notification")
                .from("step", "notification_id")
                .to("notification", "id"),
        )
        .check(one_of("channel", CHANNELS))
        .check(one_of("status", STATUSES))
        .take()
}

/// One attempt, written before it is made.
fn attempt(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("attempt")
        .col(ordered("notification_id", backend))
        .col(integer("step"))
        .col(integer("number"))
        .col(timestamp_with_time_zone("at"))
        .col(string("outcome"))
        .col(string("provider_code"))
        .col(string("provider_id"))
        .primary_key(Index::create().name("attempt_pk").col("notification_id").col("step").col("number"))
        .foreign_key(
            ForeignKey::create()
                .name("attempt_step")
                .from("attempt", ("notification_id", "step"))
                .to("step", ("notification_id", "number")),
        )
        .take()
}

/// Versions of texts.
fn variant() -> TableCreateStatement {
    Table::create()
        .table("variant")
        .col(string("message_type"))
        .col(string("channel"))
        .col(string("language"))
        .col(integer("version"))
        .col(string("state"))
        .col(text("reason"))
        .col(text("subject"))
        .col(text("body"))
        .col(text("buttons"))
        .col(string("template_name"))
        .col(string("author"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .primary_key(
            Index::create()
                .name("variant_pk")
                .col("message_type")
                .col("channel")
                .col("language")
                .col("version"),
        )
        .check(one_of("channel", CHANNELS))
        .check(one_of("state", &["DRAFT", "SUBMITTED", "APPROVED", "PAUSED", "REJECTED"]))
        .take()
}

/// How officials are reached. The body is encrypted.
fn contact() -> TableCreateStatement {
    Table::create()
        .table("contact")
        .col(string("account_id").primary_key())
        .col(integer("version"))
        .col(text("body"))
        .col(timestamp_with_time_zone("updated_at"))
        .take()
}

/// What is known of an address, by a digest that only who has the key can make.
fn address() -> TableCreateStatement {
    Table::create()
        .table("address")
        .col(string("digest").primary_key())
        // Before this moment nothing more is sent there.
        .col(timestamp_with_time_zone_null("next_at"))
        .col(timestamp_with_time_zone_null("failing_since"))
        .col(string("failing_reason"))
        .col(timestamp_with_time_zone_null("opted_out_at"))
        // Free text may be sent for 24 hours after this.
        .col(timestamp_with_time_zone_null("wrote_at"))
        // When its last word about messages (no more, or again) was written, to the second, and digests of the ids of all that
        // were written in that second.
        .col(timestamp_with_time_zone_null("wished_at"))
        .col(text("wish_ids"))
        .take()
}

/// The list of an account. The body is encrypted.
fn inbox(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("inbox")
        .col(ordered("id", backend).primary_key())
        .col(string("account_id"))
        .col(string("notification_id"))
        .col(string("reference"))
        .col(text("body"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("read_at"))
        .index(Index::create().name("inbox_once").col("notification_id").unique())
        .take()
}

/// Links that open once. What stands in a link is not here: it follows from the id and the key of the installation.
fn action_link() -> TableCreateStatement {
    Table::create()
        .table("action_link")
        .col(string("id").primary_key())
        .col(string("notification_id"))
        .col(string("account_id"))
        .col(string("reference"))
        .col(string("action"))
        .col(string("permission"))
        .col(string("area"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("used_at"))
        .index(Index::create().name("action_link_once").col("notification_id").col("action").unique())
        .take()
}

/// One row: when messages go out, and who is told of trouble.
fn delivery_rules() -> TableCreateStatement {
    Table::create()
        .table("delivery_rules")
        .col(integer("id").primary_key())
        .col(integer("version"))
        .col(text("body"))
        .take()
}

/// The circuits of our accounts at providers, and how much went out in the present second.
fn channel_account() -> TableCreateStatement {
    Table::create()
        .table("channel_account")
        .col(string("queue").primary_key())
        .col(integer("failures"))
        .col(integer("opened"))
        .col(timestamp_with_time_zone_null("open_until"))
        .col(string("problem"))
        .col(big_integer("second"))
        .col(integer("sent"))
        .take()
}

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
        vec![
            Box::new(FirstCut),
            Box::new(Languages),
            Box::new(DirectMessages),
            Box::new(shared::AppendOnly("notifications_0004_append_only")),
        ]
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

/// Direct messages at Facebook and Instagram: a channel more, and whom an answered comment is from.
struct DirectMessages;

impl MigrationName for DirectMessages {
    fn name(&self) -> &'static str {
        "notifications_0003_direct_messages"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for DirectMessages {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        channels_are(manager, WITH_DIRECT).await?;
        manager.create_table(answered_comment()).await?;
        // What somebody has seen is told by a moment, for all that went to them before it.
        manager.create_index(index("step_address", "step", &["address", "status"])).await?;
        manager.create_index(index("answered_comment_age", "answered_comment", &["answered_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("answered_comment").to_owned()).await?;
        manager.drop_index(Index::drop().name("step_address").table("step").to_owned()).await?;
        channels_are(manager, CHANNELS).await
    }
}

/// Which channels steps and texts may be of. PostgreSQL takes another check; SQLite keeps one in the table for good, so that its
/// tables are written anew.
async fn channels_are(manager: &SchemaManager<'_>, channels: &[&str]) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let backend = manager.get_database_backend();
    if backend == DbBackend::Postgres {
        let listed = channels.iter().map(|it| format!("'{it}'")).collect::<Vec<_>>().join(", ");
        for table in ["step", "variant"] {
            let change = format!(
                "ALTER TABLE {table} DROP CONSTRAINT {table}_channel_check, \
                 ADD CONSTRAINT {table}_channel_check CHECK (channel IN ({listed}))"
            );
            db.execute_unprepared(&change).await?;
        }
        return Ok(());
    }
    let mut step = step_of(backend, "step_next", channels);
    step.col(string("language").default("").to_owned());
    for (old, table) in [
        ("step", step),
        ("attempt", attempt_of(backend, "attempt_next", "step_next")),
        ("variant", variant_of("variant_next", channels)),
    ] {
        manager.create_table(table).await?;
        let columns = columns(old);
        let copy = format!("INSERT INTO {old}_next ({columns}) SELECT {columns} FROM {old}");
        db.execute_unprepared(&copy).await?;
    }
    // Attempts first: they refer to steps. A table that is renamed takes along what refers to it.
    for table in ["attempt", "step", "variant"] {
        manager.drop_table(Table::drop().table(table).to_owned()).await?;
    }
    for table in ["step", "attempt", "variant"] {
        db.execute_unprepared(&format!("ALTER TABLE {table}_next RENAME TO {table}")).await?;
    }
    for index in step_indexes() {
        manager.create_index(index).await?;
    }
    Ok(())
}

/// The columns of a table, as they are copied by name.
fn columns(table: &str) -> &'static str {
    match table {
        "step" => {
            "notification_id, number, channel, queue, status, reason, variant_version, priority, wait_minutes, due_at, until_at, \
             expires_at, attempt_count, first_attempt_at, unclear, unclear_count, as_template, address, provider_id, sent_at, \
             delivered_at, read_at, failed_at, version, language"
        }
        "attempt" => "notification_id, step, number, at, outcome, provider_code, provider_id",
        _ => {
            "message_type, channel, language, version, state, reason, subject, body, buttons, template_name, author, \
             created_at, updated_at"
        }
    }
}

/// Comments that were answered privately, by digest: a comment is answered once, and from then on its author is written to by
/// the id that the network told for it. The body is encrypted.
fn answered_comment() -> TableCreateStatement {
    Table::create()
        .table("answered_comment")
        .col(string("digest").primary_key())
        .col(text("body"))
        .col(timestamp_with_time_zone("answered_at"))
        .take()
}

const CHANNELS: &[&str] = &["WHATSAPP", "EMAIL", "IN_APP"];
const WITH_DIRECT: &[&str] = &["WHATSAPP", "EMAIL", "IN_APP", "DIRECT"];
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
            index("inbox_account", "inbox", &["account_id", "id"]),
            index("inbox_unread", "inbox", &["account_id", "read_at"]),
            index("webhook_delivery_due", "webhook_delivery", &["endpoint_id", "state", "due_at"]),
            index("webhook_delivery_age", "webhook_delivery", &["state", "updated_at"]),
            shared::idempotency_age(),
            shared::journal_subject(),
        ] {
            manager.create_index(index).await?;
        }
        for index in step_indexes() {
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

fn step_indexes() -> [IndexCreateStatement; 3] {
    [
        // The queue of one account: urgent first, then by time.
        index("step_queue", "step", &["queue", "priority", "due_at"]),
        index("step_until", "step", &["until_at"]),
        index("step_provider", "step", &["provider_id"]),
    ]
}

/// One step of a plan.
fn step(backend: DbBackend) -> TableCreateStatement {
    step_of(backend, "step", CHANNELS)
}

fn step_of(backend: DbBackend, name: &'static str, channels: &[&str]) -> TableCreateStatement {
    Table::create()
        .table(name)
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
                .from(name, "notification_id")
                .to("notification", "id"),
        )
        .check(one_of("channel", channels))
        .check(one_of("status", STATUSES))
        .take()
}

/// One attempt, written before it is made.
fn attempt(backend: DbBackend) -> TableCreateStatement {
    attempt_of(backend, "attempt", "step")
}

fn attempt_of(backend: DbBackend, name: &'static str, step: &'static str) -> TableCreateStatement {
    Table::create()
        .table(name)
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
                .from(name, ("notification_id", "step"))
                .to(step, ("notification_id", "number")),
        )
        .take()
}

/// Versions of texts.
fn variant() -> TableCreateStatement {
    variant_of("variant", CHANNELS)
}

fn variant_of(name: &'static str, channels: &[&str]) -> TableCreateStatement {
    Table::create()
        .table(name)
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
        .check(one_of("channel", channels))
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

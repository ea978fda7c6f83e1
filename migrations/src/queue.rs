//! Tables of the queue service. The unique constraints are a
//! second, independent proof that a number is given once, a version follows once, and nobody is held twice.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, binary, integer, integer_null, string, string_null, text,
    timestamp_with_time_zone,
};
use sea_orm_migration::sea_orm::DbBackend;

/// The ledger of the queue service.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(M0001Queue), Box::new(M0002DaySecrets), Box::new(M0003Storage)]
    }

    fn migration_table_name() -> DynIden {
        "migration_queue".into_iden()
    }
}

struct M0001Queue;

impl MigrationName for M0001Queue {
    fn name(&self) -> &'static str {
        "0001_queue"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for M0001Queue {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("queue_hall")
                    .col(string("id").primary_key())
                    .col(string("code").unique_key())
                    .col(binary("secret"))
                    .col(timestamp_with_time_zone("created_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("queue_shard")
                    .col(string("hall").primary_key())
                    .col(big_integer("epoch"))
                    .col(string("state").check(Expr::col("state").is_in(["active", "rebuilding"])))
                    .col(string("redis_run_id"))
                    .col(big_integer("seq"))
                    .col(string("chain"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("queue_event")
                    .col(string("hall"))
                    .col(big_integer("seq"))
                    .col(big_integer("epoch"))
                    .col(string("event_id").unique_key())
                    .col(string_null("request_id"))
                    .col(string("date"))
                    .col(string("kind"))
                    .col(string_null("ticket_id"))
                    .col(integer_null("ticket_version"))
                    .col(string_null("counter_id"))
                    .col(string("actor"))
                    .col(string("actor_kind"))
                    .col(timestamp_with_time_zone("at"))
                    .col(string("chain"))
                    .col(text("body"))
                    .primary_key(Index::create().col("hall").col("seq"))
                    .to_owned(),
            )
            .await?;
        let unique = |name: &'static str, table: &'static str, columns: &[&'static str]| {
            let mut index = Index::create();
            index.name(name).table(table).unique();
            for column in columns {
                index.col(*column);
            }
            index.to_owned()
        };
        // A request id holds for a business day: see the idempotency section of the service's README.
        manager
            .create_index(unique("queue_event_request", "queue_event", &["hall", "date", "request_id"]))
            .await?;
        manager
            .create_index(unique("queue_event_version", "queue_event", &["ticket_id", "ticket_version"]))
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("queue_event_date")
                    .table("queue_event")
                    .col("hall")
                    .col("date")
                    .col("seq")
                    .to_owned(),
            )
            .await?;
        // Finds where the log of the latest day begins.
        manager
            .create_index(
                Index::create()
                    .name("queue_event_kind")
                    .table("queue_event")
                    .col("hall")
                    .col("kind")
                    .col("seq")
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("queue_ticket")
                    .col(string("id").primary_key())
                    .col(string("hall"))
                    .col(string("date"))
                    .col(string("series"))
                    .col(integer("ordinal"))
                    .col(string("number"))
                    .col(string("token").unique_key())
                    .col(integer("version"))
                    .col(string("state").check(Expr::col("state").is_in([
                        "waiting",
                        "called",
                        "serving",
                        "parked",
                        "no_show",
                        "done",
                        "cancelled",
                        "expired",
                    ])))
                    .col(string("service_id"))
                    .col(string("agency_id"))
                    .col(string_null("counter_id"))
                    .col(timestamp_with_time_zone("arrived_at"))
                    .col(text("body"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(unique(
                "queue_ticket_ordinal",
                "queue_ticket",
                &["hall", "date", "series", "ordinal"],
            ))
            .await?;
        manager
            .create_index(unique("queue_ticket_number", "queue_ticket", &["hall", "date", "number"]))
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("queue_serving")
                    .col(string("hall"))
                    .col(big_integer("from_seq"))
                    .col(big_integer_null("to_seq"))
                    .col(string("ticket_id"))
                    .col(string("counter_id"))
                    .primary_key(Index::create().col("hall").col("from_seq"))
                    .to_owned(),
            )
            .await?;
        for (name, column) in [("queue_serving_ticket", "ticket_id"), ("queue_serving_counter", "counter_id")]
        {
            manager
                .create_index(
                    Index::create()
                        .name(name)
                        .table("queue_serving")
                        .col(column)
                        .unique()
                        .and_where(Expr::col("to_seq").is_null())
                        .to_owned(),
                )
                .await?;
        }
        Ok(())
    }
}

/// Secrets of days: what is kept of a phone number says nothing any more when the secret of its day is gone. Until now it was
/// keyed with the secret of the hall, which stays; so each hall gets a new one.
struct M0002DaySecrets;

impl MigrationName for M0002DaySecrets {
    fn name(&self) -> &'static str {
        "0002_day_secrets"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for M0002DaySecrets {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("queue_day_secret")
                    .col(string("hall"))
                    .col(string("date"))
                    .col(binary("secret"))
                    .primary_key(Index::create().col("hall").col("date"))
                    .to_owned(),
            )
            .await?;
        // Both from the secure generator of the engine: 244 random bits there, 256 here.
        let renewed = if manager.get_database_backend() == DbBackend::Postgres {
            "uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())"
        } else {
            "randomblob(32)"
        };
        let connection = manager.get_connection();
        connection.execute_unprepared(&format!("UPDATE queue_hall SET secret = {renewed}")).await?;
        Ok(())
    }
}

/// How PostgreSQL stores what is written within the commit that a hall waits for. What was written before stays as it is.
///
/// - Half of each page of tickets stays free: a ticket is written again with each of its steps, and where there is room on its
///   page, none of its four indexes is touched for that.
/// - Events are longer than what PostgreSQL stores without compressing it. LZ4 does that several times as fast as the method of
///   old, with which servers begin; one that was built without it goes on as before.
///
/// SQLite writes a row again where it stands, and compresses nothing.
struct M0003Storage;

impl MigrationName for M0003Storage {
    fn name(&self) -> &'static str {
        "0003_storage"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for M0003Storage {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        // To say how a column is compressed, its table is locked against everybody. Where a long reader, such as a dump, is before
        // us, the halls that still run would wait behind us for longer than anybody waits: better to fail, and to start again.
        // The text behind EXECUTE is read only where it is executed: servers before PostgreSQL 14 do not know it.
        let sql = "\
SET LOCAL lock_timeout = '500ms';
ALTER TABLE queue_ticket SET (fillfactor = 50);
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)) THEN
        EXECUTE 'ALTER TABLE queue_event ALTER COLUMN body SET COMPRESSION lz4';
        EXECUTE 'ALTER TABLE queue_ticket ALTER COLUMN body SET COMPRESSION lz4';
    END IF;
END $$";
        manager.get_connection().execute_unprepared(sql).await.map(|_| ())
    }
}

//! Tables that several services have, each its own: what `mpp_kit::idempotency` and `mpp_kit::journal` read and write.
//!
//! A service's migration creates them: `manager.create_table(shared::idempotency()).await?`. They belong to the first
//! migration that uses them; a later change of a column is a new function here and a new migration in each ledger.

use sea_orm::{ConnectionTrait as _, DbBackend};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, blob, blob_null, integer, string, string_null, string_uniq, text, timestamp_with_time_zone,
    timestamp_with_time_zone_null,
};

/// The answers of repeated requests: one row per caller, method and request id.
#[must_use]
pub fn idempotency() -> TableCreateStatement {
    Table::create()
        .table("idempotency")
        .col(string("principal"))
        .col(string("method"))
        .col(string("request_id"))
        .col(blob("fingerprint"))
        // Empty while the request that wrote the row is being worked on, which nobody else sees.
        .col(blob_null("response"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().name("idempotency_pk").col("principal").col("method").col("request_id"))
        .take()
}

/// For purging old rows of [`idempotency`].
#[must_use]
pub fn idempotency_age() -> IndexCreateStatement {
    Index::create().name("idempotency_created_at").table("idempotency").col("created_at").take()
}

/// The append-only, hash-chained record of who did what.
#[must_use]
pub fn journal() -> TableCreateStatement {
    Table::create()
        .table("journal")
        .col(big_integer("seq").primary_key())
        .col(timestamp_with_time_zone("at"))
        .col(string("who"))
        .col(string("what"))
        .col(string("subject"))
        .col(string_null("from_state"))
        .col(string_null("to_state"))
        .col(text("detail"))
        .col(string("request_id"))
        .col(string("trace_id"))
        .col(blob("prev_hash"))
        .col(blob("hash"))
        .take()
}

/// For the history of one thing.
#[must_use]
pub fn journal_subject() -> IndexCreateStatement {
    Index::create().name("journal_subject").table("journal").col("subject").col("seq").take()
}

/// Refuses every change and removal of what stands in [`journal`], whoever asks: a migration of this name for each ledger. The
/// owner of the tables can take the triggers away; what was changed then is found by the chain of hashes
/// (`mpp_kit::journal::verify`). A later change of the table itself takes them away for its own time.
pub struct AppendOnly(pub &'static str);

/// SQLite knows no statement of its own for emptying a table. `INSERT OR REPLACE` removes a row without asking a trigger for
/// deletions, so a number that is taken is refused before.
const SQLITE_APPEND_ONLY: &str = "
    CREATE TRIGGER journal_keeps_entries BEFORE UPDATE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
    CREATE TRIGGER journal_keeps_rows BEFORE DELETE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
    CREATE TRIGGER journal_keeps_numbers BEFORE INSERT ON journal
    WHEN EXISTS (SELECT 1 FROM journal WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;";

/// `ALWAYS`: also in a session that calls itself a replica.
const POSTGRES_APPEND_ONLY: &str = "
    CREATE FUNCTION journal_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the journal is append-only' USING ERRCODE = 'restrict_violation'; END $$;
    CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION journal_append_only();
    ALTER TABLE journal ENABLE ALWAYS TRIGGER journal_append_only;";

impl MigrationName for AppendOnly {
    fn name(&self) -> &str {
        self.0
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AppendOnly {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = if manager.get_database_backend() == DbBackend::Postgres {
            POSTGRES_APPEND_ONLY
        } else {
            SQLITE_APPEND_ONLY
        };
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = if manager.get_database_backend() == DbBackend::Postgres {
            "DROP TRIGGER journal_append_only ON journal; DROP FUNCTION journal_append_only();"
        } else {
            "DROP TRIGGER journal_keeps_entries; DROP TRIGGER journal_keeps_rows; DROP TRIGGER journal_keeps_numbers;"
        };
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
}

/// Addresses that are told of events. The body is encrypted: it holds the keys, and addresses that may hold secrets.
#[must_use]
pub fn webhook_endpoint(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("webhook_endpoint")
        .col(ordered("id", backend).primary_key())
        .col(string("owner_id"))
        .col(string("state"))
        .col(string_null("disable_reason"))
        .col(timestamp_with_time_zone_null("failing_since"))
        .col(text("last_problem"))
        // The last event that deliveries were planned for.
        .col(big_integer("planned_seq"))
        .col(integer("version"))
        .col(text("body"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .check(one_of("state", &["ENABLED", "DISABLED"]))
        .take()
}

/// One message to one address. The unique index proves that an event is planned once.
#[must_use]
pub fn webhook_delivery(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("webhook_delivery")
        .col(ordered("id", backend).primary_key())
        .col(string("endpoint_id"))
        .col(big_integer("event_seq"))
        .col(string("event_id"))
        .col(string("kind"))
        .col(string("state"))
        .col(integer("attempt_count"))
        // When it is tried next. An attempt under way holds it by a time in the future.
        .col(timestamp_with_time_zone("due_at"))
        .col(text("body"))
        .col(text("attempts"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .index(Index::create().name("webhook_delivery_once").col("endpoint_id").col("event_seq").unique())
        .foreign_key(
            ForeignKey::create()
                .name("webhook_delivery_endpoint")
                .from("webhook_delivery", "endpoint_id")
                .to("webhook_endpoint", "id"),
        )
        .check(one_of("state", &["PENDING", "DELIVERED", "FAILED"]))
        .take()
}

/// A plain index.
#[must_use]
pub fn index(name: &'static str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    index.take()
}

/// A check that a column holds one of these texts.
#[must_use]
pub fn one_of(column: &'static str, values: &[&str]) -> Expr {
    Expr::col(column).is_in(values.iter().copied())
}

/// A text whose order is by bytes on both engines, so that pages agree.
#[must_use]
pub fn ordered(name: &'static str, backend: DbBackend) -> ColumnDef {
    let mut column = string(name);
    if backend == DbBackend::Postgres {
        column.extra("COLLATE \"C\"");
    }
    column
}

/// Counters that hand out numbers without gaps, in the order of commits.
#[must_use]
pub fn change_counter() -> TableCreateStatement {
    Table::create().table("change_counter").col(string("name").primary_key()).col(big_integer("last")).take()
}

/// What happened, for other systems: written in the transaction that did it.
#[must_use]
pub fn event() -> TableCreateStatement {
    Table::create()
        .table("event")
        .col(big_integer("seq").primary_key())
        .col(string_uniq("id"))
        .col(string("kind"))
        .col(string("subject"))
        .col(string("area"))
        .col(text("body"))
        .col(timestamp_with_time_zone("at"))
        .take()
}

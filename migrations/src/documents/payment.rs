//! Fees: an application may wait for its payment, and what was asked for and paid is kept beside it.

use sea_orm::{ConnectionTrait as _, DbBackend};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    string, string_null, string_uniq, timestamp_with_time_zone, timestamp_with_time_zone_null,
};

use super::{STATES, application, work_item};
use crate::shared::index;

/// The state that is new.
pub(super) const AWAITING_PAYMENT: &str = "AWAITING_PAYMENT";

/// The table of fees, and the state of waiting for one.
pub(super) struct Payments;

impl MigrationName for Payments {
    fn name(&self) -> &'static str {
        "documents_0004_payments"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Payments {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let states: Vec<&str> = STATES.into_iter().chain([AWAITING_PAYMENT]).collect();
        other_states(manager, "application_with_payment", &states).await?;
        manager.create_table(payment()).await?;
        manager.create_index(a_receipt_pays_once()).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        // What waits for its payment has no place in the old table: going back would lose it.
        Err(DbErr::Custom("documents_0004_payments cannot be undone".into()))
    }
}

/// Gives the table of applications other states. SQLite changes no check of a table that is there: the table is made anew under
/// `anew` with its rows, and renamed. What waits refers to it, so that it is laid aside meanwhile. There, of the indexes of both
/// tables, those of the first release are made again; later ones are the caller's.
pub(super) async fn other_states(
    manager: &SchemaManager<'_>,
    anew: &'static str,
    states: &[&str],
) -> Result<(), DbErr> {
    let (backend, db) = (manager.get_database_backend(), manager.get_connection());
    if backend == DbBackend::Postgres {
        // The builder adds no check to a table that is there.
        let states = states.iter().map(|state| format!("'{state}'")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "ALTER TABLE application DROP CONSTRAINT application_state_check, \
             ADD CONSTRAINT application_state_check CHECK (state IN ({states}))"
        );
        db.execute_unprepared(&sql).await?;
        return Ok(());
    }
    db.execute_unprepared("CREATE TABLE work_item_aside AS SELECT * FROM work_item").await?;
    manager.drop_table(Table::drop().table("work_item").take()).await?;
    manager.create_table(application(anew, states)).await?;
    db.execute_unprepared(&format!("INSERT INTO {anew} SELECT * FROM application")).await?;
    manager.drop_table(Table::drop().table("application").take()).await?;
    manager.rename_table(Table::rename().table(anew, "application").take()).await?;
    manager.create_table(work_item(backend)).await?;
    db.execute_unprepared("INSERT INTO work_item SELECT * FROM work_item_aside").await?;
    manager.drop_table(Table::drop().table("work_item_aside").take()).await?;
    for index in [
        index("application_subject", "application", &["subject_key", "letter_type", "submitted_at"]),
        index("application_deemed", "application", &["deemed_at"]),
        index("application_state", "application", &["state", "updated_at"]),
        index("work_item_desk", "work_item", &["area", "role", "due_at", "application_id"]),
        index("work_item_due", "work_item", &["escalated", "due_at"]),
    ] {
        manager.create_index(index).await?;
    }
    Ok(())
}

/// A fee that was asked for. Amount and reasons are in the body of its application.
fn payment() -> TableCreateStatement {
    Table::create()
        .table("payment")
        .col(string("application_id").primary_key())
        .col(string("office_id"))
        .col(string_uniq("billing_code"))
        // Both NULL until it is paid, and where it was waived.
        .col(string_null("method"))
        .col(string_null("reference"))
        .col(timestamp_with_time_zone("asked_at"))
        .col(timestamp_with_time_zone_null("settled_at"))
        .take()
}

/// A receipt of an office pays one fee.
fn a_receipt_pays_once() -> IndexCreateStatement {
    Index::create()
        .name("payment_reference")
        .table("payment")
        .col("office_id")
        .col("method")
        .col("reference")
        .unique()
        .take()
}

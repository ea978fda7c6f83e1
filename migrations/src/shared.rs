//! Tables that several services have, each its own: what `mpp_kit::idempotency` and `mpp_kit::journal` read and write.
//!
//! A service's migration creates them: `manager.create_table(shared::idempotency()).await?`. They belong to the first
//! migration that uses them; a later change of a column is a new function here and a new migration in each ledger.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, blob, blob_null, string, string_null, text, timestamp_with_time_zone,
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

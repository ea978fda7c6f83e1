//! Requests to sign, kept until they are answered and for repetitions: a signing service takes its time, and its answer must
//! not depend on who still waits for it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{boolean, string, text, timestamp_with_time_zone};

use crate::shared::index;

/// The table of requests to sign.
pub(super) struct Signings;

impl MigrationName for Signings {
    fn name(&self) -> &'static str {
        "documents_0005_signings"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Signings {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(signing()).await?;
        manager.create_index(index("signing_begun", "signing", &["begun_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("signing").take()).await
    }
}

/// One request of one caller. What it was asked with is not here: a passphrase is kept nowhere.
fn signing() -> TableCreateStatement {
    Table::create()
        .table("signing")
        .col(string("principal"))
        .col(string("request_id"))
        // What tells two requests with one id apart.
        .col(string("fingerprint"))
        .col(boolean("ended"))
        .col(timestamp_with_time_zone("begun_at"))
        .col(timestamp_with_time_zone("changed_at"))
        // What became of each letter.
        .col(text("body"))
        .primary_key(Index::create().col("principal").col("request_id"))
        .take()
}

//! Papers for the Ombudsman: decrees, procedures, minutes, lists of who was trained.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    boolean, integer, string, string_null, text, timestamp_with_time_zone, timestamp_with_time_zone_null,
};

use crate::shared::{index, one_of, ordered};

const INDICATORS: [&str; 5] = ["PG-01", "PG-02", "PG-07", "PG-08", "PG-09"];
const KINDS: [&str; 12] = [
    "TEAM_DECREE",
    "PROCEDURE",
    "APPOINTMENT",
    "EVALUATION_MINUTES",
    "EVALUATION_REPORT",
    "INTEGRATION_DECREE",
    "TRIAL_REPORT",
    "REQUEST_LETTER",
    "ATTENDANCE",
    "TRAINING_MATERIAL",
    "LETTER",
    "OTHER",
];

/// Their table.
pub(super) struct Evidence;

impl MigrationName for Evidence {
    fn name(&self) -> &'static str {
        "complaints_0009_evidence"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Evidence {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let table = Table::create()
            .table("evidence_document")
            .col(ordered("id", backend).primary_key())
            .col(string("indicator").check(one_of("indicator", &INDICATORS)))
            .col(string("kind").check(one_of("kind", &KINDS)))
            .col(text("title"))
            .col(string("number"))
            // Dates as 2026-01-31.
            .col(string("dated"))
            // The days that it counts for; without an end to 9999-12-31.
            .col(ordered("first_day", backend))
            .col(ordered("last_day", backend))
            .col(string("period"))
            .col(integer("participants"))
            .col(boolean("cites_report"))
            // Whom it names for which office, as JSON.
            .col(text("members"))
            .col(string("file_id"))
            // What its coordinator was told of its end: 0 nothing, 1 that it comes, 2 that it came or that there is none.
            .col(integer("told"))
            .col(string("created_by"))
            .col(timestamp_with_time_zone("created_at"))
            .col(string_null("withdrawn_by"))
            .col(timestamp_with_time_zone_null("withdrawn_at"))
            .col(text("withdrawn_reason"))
            .take();
        manager.create_table(table).await?;
        manager
            .create_index(index("evidence_document_list", "evidence_document", &["indicator", "id"]))
            .await?;
        manager
            .create_index(index("evidence_document_told", "evidence_document", &["told", "last_day"]))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("evidence_document").to_owned()).await
    }
}

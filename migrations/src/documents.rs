//! The tables of the documents service.
//!
//! What a query looks for stands in columns; the rest of an application, document or office is one JSON `body`, which the
//! service reads and writes whole. Unique indexes prove what the rules promise: a number is given once, a code names one
//! document, a type has one version in force.

mod arms;
mod frozen;
mod integration;
mod notice;
mod payment;
mod reach;
mod same_file;
mod scan;
mod signing;
mod tries;
mod webhook;

use sea_orm::{DbBackend, DynIden};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, boolean, integer, string, string_null, string_uniq, text, timestamp_with_time_zone,
    timestamp_with_time_zone_null,
};

use crate::shared::{self, change_counter, event, index, one_of, ordered};

/// The ledger.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(FirstCut),
            Box::new(integration::Integration),
            Box::new(Indexes),
            Box::new(payment::Payments),
            Box::new(signing::Signings),
            Box::new(reach::Reach),
            Box::new(arms::Arms),
            Box::new(Reports),
            Box::new(notice::Notices),
            Box::new(scan::Scans),
            Box::new(tries::Tries),
            Box::new(frozen::Frozen),
            Box::new(shared::AppendOnly("documents_0013_append_only")),
            Box::new(webhook::Webhooks),
            Box::new(same_file::SameFile),
        ]
    }

    fn migration_table_name() -> DynIden {
        "migration_documents".into_iden()
    }
}

/// The states of an application at first.
const STATES: [&str; 9] = [
    "DRAFT",
    "IN_REVIEW",
    "RETURNED",
    "AWAITING_SIGNATURE",
    "SIGNING",
    "ISSUED",
    "HANDED_OVER",
    "REJECTED",
    "WITHDRAWN",
];

/// Types, offices, applications, numbers, documents.
struct FirstCut;

impl MigrationName for FirstCut {
    fn name(&self) -> &'static str {
        "documents_0001_first_cut"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for FirstCut {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for table in [
            letter_type(),
            office(backend),
            delegation(),
            application("application", &STATES),
            work_item(backend),
            number_series(),
            register_number(),
            document(),
            document_revision(),
            stored_file(),
            person_record(),
            change_counter(),
            event(),
            shared::idempotency(),
            shared::journal(),
        ] {
            manager.create_table(table).await?;
        }
        for index in [
            one_version("letter_type_one_published", "PUBLISHED"),
            one_version("letter_type_one_draft", "DRAFT"),
            index("delegation_office", "delegation", &["office_id", "start_at", "id"]),
            index("application_subject", "application", &["subject_key", "letter_type", "submitted_at"]),
            index("application_deemed", "application", &["deemed_at"]),
            index("work_item_desk", "work_item", &["area", "role", "due_at", "application_id"]),
            index("work_item_due", "work_item", &["escalated", "due_at"]),
            index("register_number_application", "register_number", &["application_id"]),
            index("document_application", "document", &["application_id"]),
            index("document_end", "document", &["state", "valid_until"]),
            index("stored_file_loose", "stored_file", &["application_id", "created_at"]),
            index("document_revision_sha256", "document_revision", &["sha256"]),
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
            "event",
            "change_counter",
            "person_record",
            "stored_file",
            "document_revision",
            "document",
            "register_number",
            "number_series",
            "work_item",
            "application",
            "delegation",
            "office",
            "letter_type",
        ] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// Indexes for what is asked regularly: signatures that never came back, appointments of an account and of an office, a
/// document by its number.
struct Indexes;

impl MigrationName for Indexes {
    fn name(&self) -> &'static str {
        "documents_0003_indexes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Indexes {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // In the order of a page, instead of that of the dates.
        manager.drop_index(Index::drop().name("delegation_office").table("delegation").to_owned()).await?;
        for index in [
            index("delegation_office", "delegation", &["office_id", "id"]),
            index("delegation_account", "delegation", &["account_id", "end_at"]),
            index("application_state", "application", &["state", "updated_at"]),
            index("register_number_text", "register_number", &["text"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table) in [
            ("register_number_text", "register_number"),
            ("application_state", "application"),
            ("delegation_account", "delegation"),
            ("delegation_office", "delegation"),
        ] {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        manager.create_index(index("delegation_office", "delegation", &["office_id", "start_at", "id"])).await
    }
}

/// What reports count by.
struct Reports;

/// Each with its table and columns.
const REPORTS: [(&str, &str, &[&str]); 4] = [
    ("application_received", "application", &["office_id", "submitted_at"]),
    ("application_ended", "application", &["office_id", "state", "updated_at"]),
    ("document_issued", "document", &["office_id", "issued_at"]),
    ("event_kind", "event", &["kind", "subject"]),
];

impl MigrationName for Reports {
    fn name(&self) -> &'static str {
        "documents_0008_reports"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Reports {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table, columns) in REPORTS {
            manager.create_index(index(name, table, columns)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table, _) in REPORTS {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// At most one version of a type is in this state.
fn one_version(name: &'static str, state: &'static str) -> IndexCreateStatement {
    Index::create()
        .name(name)
        .table("letter_type")
        .col("key")
        .unique()
        .cond_where(Condition::all().add(Expr::col("state").eq(state)))
        .take()
}

fn letter_type() -> TableCreateStatement {
    Table::create()
        .table("letter_type")
        .col(string("key"))
        .col(integer("version"))
        .col(string("state"))
        .col(text("definition"))
        .col(text("template"))
        .col(string("author"))
        .col(string_null("publisher"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("published_at"))
        .primary_key(Index::create().name("letter_type_pk").col("key").col("version"))
        .check(one_of("state", &["DRAFT", "PUBLISHED", "RETIRED"]))
        .take()
}

fn office(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("office")
        .col(string("id").primary_key())
        .col(ordered("area", backend))
        .col(string("kind"))
        .col(text("body"))
        .col(timestamp_with_time_zone("updated_at"))
        .index(Index::create().name("office_area_key").col("area").unique())
        .check(one_of("kind", &["VILLAGE", "SUB_DISTRICT", "AGENCY"]))
        .take()
}

fn delegation() -> TableCreateStatement {
    Table::create()
        .table("delegation")
        .col(string("id").primary_key())
        .col(string("office_id"))
        .col(string("role"))
        .col(string("account_id"))
        .col(string("title"))
        .col(string("decree"))
        .col(timestamp_with_time_zone("start_at"))
        .col(timestamp_with_time_zone("end_at"))
        .take()
}

fn application(name: &'static str, states: &[&str]) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(string("id").primary_key())
        .col(string_uniq("code_digest"))
        .col(string("letter_type"))
        .col(integer("letter_type_version"))
        .col(string("office_id"))
        .col(string("state"))
        .col(integer("version"))
        // An HMAC of the population number: finds a person's applications without holding the number.
        .col(string_null("subject_key"))
        // Encrypted.
        .col(text("body"))
        // When it is granted by law if nobody decides; NULL while that cannot be.
        .col(timestamp_with_time_zone_null("deemed_at"))
        .col(timestamp_with_time_zone("submitted_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .check(one_of("state", states))
        .take()
}

/// What waits for an official: one row for each role that may take the step at hand.
fn work_item(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("work_item")
        .col(string("application_id"))
        .col(string("role"))
        .col(ordered("area", backend))
        .col(string("kind"))
        .col(string_null("claimed_by"))
        // When it must be done; the end of time while its clock is paused.
        .col(timestamp_with_time_zone("due_at"))
        .col(boolean("escalated"))
        .primary_key(Index::create().name("work_item_pk").col("application_id").col("role"))
        .foreign_key(
            ForeignKey::create()
                .name("work_item_application")
                .from("work_item", "application_id")
                .to("application", "id"),
        )
        .take()
}

/// The last number of each series: one row to lock, so that numbers follow each other.
fn number_series() -> TableCreateStatement {
    Table::create()
        .table("number_series")
        .col(string("office_id"))
        .col(string("series"))
        .col(integer("year"))
        .col(integer("last"))
        .primary_key(Index::create().name("number_series_pk").col("office_id").col("series").col("year"))
        .take()
}

/// The register: every number that was ever given, void ones too.
fn register_number() -> TableCreateStatement {
    Table::create()
        .table("register_number")
        .col(string("office_id"))
        .col(string("series"))
        .col(integer("year"))
        .col(integer("seq"))
        .col(string("text"))
        .col(string("application_id"))
        .col(string_null("void_reason"))
        .col(timestamp_with_time_zone("given_at"))
        .primary_key(
            Index::create().name("register_number_pk").col("office_id").col("series").col("year").col("seq"),
        )
        .take()
}

fn document() -> TableCreateStatement {
    Table::create()
        .table("document")
        .col(string("id").primary_key())
        .col(string("application_id"))
        .col(string_uniq("code"))
        .col(string("letter_type"))
        .col(string("office_id"))
        .col(string("state"))
        .col(integer("version"))
        .col(string_null("valid_until"))
        // Grows with every change of any document: a cursor for those who poll.
        .col(big_integer("changed").unique_key())
        .col(text("body"))
        .col(timestamp_with_time_zone("issued_at"))
        .check(one_of("state", &["VALID", "EXPIRED", "REVOKED", "REPLACED"]))
        .take()
}

/// The bytes of a document after each of its signatures.
fn document_revision() -> TableCreateStatement {
    Table::create()
        .table("document_revision")
        .col(string("document_id"))
        .col(integer("revision"))
        .col(string("file_id"))
        .col(string("sha256"))
        .col(timestamp_with_time_zone("signed_at"))
        .primary_key(Index::create().name("document_revision_pk").col("document_id").col("revision"))
        .foreign_key(
            ForeignKey::create()
                .name("document_revision_document")
                .from("document_revision", "document_id")
                .to("document", "id"),
        )
        .take()
}

fn stored_file() -> TableCreateStatement {
    Table::create()
        .table("stored_file")
        .col(string("id").primary_key())
        .col(string("media_type"))
        .col(big_integer("size"))
        .col(string("sha256"))
        // The application it was uploaded with; NULL until there is one.
        .col(string_null("application_id"))
        .col(timestamp_with_time_zone("created_at"))
        .take()
}

/// What a person told last, for the next form. The body is encrypted.
fn person_record() -> TableCreateStatement {
    Table::create()
        .table("person_record")
        .col(string("subject_key").primary_key())
        .col(text("body"))
        .col(timestamp_with_time_zone("updated_at"))
        .take()
}

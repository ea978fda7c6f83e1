//! The tables of the complaints service.
//!
//! What a query looks for stands in columns; the rest of a case is one encrypted JSON `body`. Who reported lies in
//! `reporter_vault`, under another key. `board_mark` holds what the board counts, one row per case and number;
//! `board_count` holds how many, kept in the same transaction, so that a number costs the same with ten cases and with a
//! million.

mod bounces;
mod channels;
mod digests;
mod evidence;
mod grid;
mod kept;
mod languages;
mod lines;
mod pasted;
mod recounts;
mod updates;

use sea_orm::{DbBackend, DynIden};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, boolean, double_null, integer, string, string_null, string_uniq, text,
    timestamp_with_time_zone, timestamp_with_time_zone_null,
};

use crate::shared;

/// The ledger.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(FirstCut),
            Box::new(channels::Channels),
            Box::new(lines::Lines),
            Box::new(recounts::Recounts),
            Box::new(bounces::Bounces),
            Box::new(updates::Updates),
            Box::new(grid::Grid),
            Box::new(languages::Languages),
            Box::new(evidence::Evidence),
            Box::new(pasted::Pasted),
            Box::new(kept::Kept),
            Box::new(shared::AppendOnly("complaints_0012_append_only")),
            Box::new(digests::Digests),
        ]
    }

    fn migration_table_name() -> DynIden {
        "migration_complaints".into_iden()
    }
}

/// All of it.
struct FirstCut;

impl MigrationName for FirstCut {
    fn name(&self) -> &'static str {
        "complaints_0001_first_cut"
    }
}

const CLASSES: [&str; 4] = ["COMPLAINT", "ASPIRATION", "INFORMATION_REQUEST", "WHISTLEBLOWING"];
const STATES: [&str; 13] = [
    "NEW",
    "VERIFIED",
    "DISPOSED",
    "IN_PROGRESS",
    "AWAITING_COMPLETION",
    "AWAITING_CONFIRMATION",
    "REOPENED",
    "SETTLED",
    "MERGED",
    "FORWARDED_OUTSIDE",
    "ARCHIVED",
    "DEEMED_WITHDRAWN",
    "WITHDRAWN",
];
const CHANNELS: [&str; 9] =
    ["WEB", "COUNTER", "WHATSAPP", "FACEBOOK", "INSTAGRAM", "EMAIL", "SP4N", "OPEN311", "API"];
const CLOCKS: [&str; 5] = ["VERIFY", "ACCEPT", "FIRST_ANSWER", "SETTLE", "REACTION"];
const RUNGS: [&str; 5] = ["ADMIN", "AGENCY_HEAD", "SECRETARY", "REGENT", "INSPECTORATE"];

#[async_trait::async_trait]
impl MigrationTrait for FirstCut {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for table in [
            agency(backend),
            category(backend),
            official(),
            acting(),
            calendar(),
            deadline(),
            response_template(),
            shared::change_counter(),
            complaint(backend),
            case_number(),
            reporter_vault(),
            reporter_contact(),
            helper(backend),
            board_mark(backend),
            board_count(backend),
            board_day(backend),
            closure(),
            escalation(),
            outbox(),
            stored_file(),
            reveal(),
            channel_message(),
            sp4n_entry(),
            shared::idempotency(),
            shared::journal(),
        ] {
            manager.create_table(table).await?;
        }
        for index in [
            index("acting_official", "acting", &["official_id", "start_at", "id"]),
            index("complaint_desk", "complaint", &["desk", "is_closed", "sort_at", "id"]),
            index("complaint_open", "complaint", &["is_closed", "sort_at", "id"]),
            index("complaint_late", "complaint", &["late", "sort_at", "id"]),
            index("complaint_category", "complaint", &["category", "sort_at", "id"]),
            index("complaint_all", "complaint", &["sort_at", "id"]),
            index("complaint_state", "complaint", &["state", "sort_at", "id"]),
            index("complaint_published", "complaint", &["is_public", "updated_at", "id"]),
            index("complaint_near", "complaint", &["category", "is_public", "is_closed", "latitude"]),
            index("complaint_received", "complaint", &["received_at"]),
            index("complaint_calendar", "complaint", &["is_closed", "id"]),
            index("case_number_complaint", "case_number", &["complaint_id"]),
            index("reporter_contact_number", "reporter_contact", &["number"]),
            index("reporter_vault_age", "reporter_vault", &["created_at"]),
            index("helper_agency", "helper", &["agency_id", "done_at", "complaint_id"]),
            index("board_mark_list", "board_mark", &["desk", "measure", "sort_at", "complaint_id"]),
            index("board_mark_since", "board_mark", &["desk", "measure", "since"]),
            index("board_mark_complaint", "board_mark", &["complaint_id"]),
            index("closure_closed", "closure", &["closed_at"]),
            index("closure_reopened", "closure", &["reopened_at"]),
            index("escalation_account", "escalation", &["account_id", "at", "id"]),
            index("outbox_due", "outbox", &["state", "next_at"]),
            index("outbox_complaint", "outbox", &["complaint_id", "created_at"]),
            index("outbox_notification", "outbox", &["notification_id"]),
            index("stored_file_loose", "stored_file", &["complaint_id", "created_at"]),
            index("stored_file_scan", "stored_file", &["scan", "created_at"]),
            index("reveal_list", "reveal", &["requested_at", "id"]),
            index("channel_message_thread", "channel_message", &["conversation", "arrived_at"]),
            index("channel_message_waiting", "channel_message", &["state", "next_at"]),
            index("sp4n_entry_complaint", "sp4n_entry", &["complaint_id"]),
            due("complaint_next", "complaint", "next_at"),
            Index::create()
                .name("sp4n_entry_tracking")
                .table("sp4n_entry")
                .col("tracking_id")
                .unique()
                .cond_where(Condition::all().add(Expr::col("tracking_id").ne("")))
                .take(),
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
            "sp4n_entry",
            "channel_message",
            "reveal",
            "stored_file",
            "outbox",
            "escalation",
            "closure",
            "board_day",
            "board_count",
            "board_mark",
            "helper",
            "reporter_contact",
            "reporter_vault",
            "case_number",
            "complaint",
            "change_counter",
            "response_template",
            "deadline",
            "calendar",
            "acting",
            "official",
            "category",
            "agency",
        ] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn index(name: &'static str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    index.take()
}

/// An index of what is due, without rows that never are.
fn due(name: &'static str, table: &'static str, column: &'static str) -> IndexCreateStatement {
    Index::create()
        .name(name)
        .table(table)
        .col(column)
        .cond_where(Condition::all().add(Expr::col(column).is_not_null()))
        .take()
}

/// A check that a column holds one of these texts.
fn one_of(column: &'static str, values: &[&str]) -> Expr {
    Expr::col(column).is_in(values.iter().copied())
}

/// A text whose order is by bytes on both engines, so that pages agree.
fn ordered(name: &'static str, backend: DbBackend) -> ColumnDef {
    let mut column = string(name);
    if backend == DbBackend::Postgres {
        column.extra("COLLATE \"C\"");
    }
    column
}

fn agency(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("agency")
        .col(ordered("id", backend).primary_key())
        .col(text("name"))
        .col(string("calendar_id"))
        .col(boolean("inspectorate"))
        .col(boolean("active"))
        .col(integer("bounce_limit"))
        .col(timestamp_with_time_zone("updated_at"))
        .take()
}

fn category(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("category")
        .col(ordered("key", backend).primary_key())
        .col(boolean("active"))
        .col(text("body"))
        .col(timestamp_with_time_zone("updated_at"))
        .take()
}

fn official() -> TableCreateStatement {
    Table::create()
        .table("official")
        .col(string("id").primary_key())
        .col(string("rung").check(one_of("rung", &RUNGS)))
        .col(string("agency_id"))
        .col(text("title"))
        .col(string("account_id"))
        .index(Index::create().unique().name("official_office").col("rung").col("agency_id"))
        .take()
}

fn acting() -> TableCreateStatement {
    Table::create()
        .table("acting")
        .col(string("id").primary_key())
        .col(string("official_id"))
        .col(string("account_id"))
        .col(string("kind").check(one_of("kind", &["PLT", "PLH"])))
        .col(text("decree"))
        .col(timestamp_with_time_zone("start_at"))
        .col(timestamp_with_time_zone("end_at"))
        .take()
}

fn calendar() -> TableCreateStatement {
    Table::create()
        .table("calendar")
        .col(string("id"))
        .col(integer("version"))
        .col(text("body"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().col("id").col("version"))
        .take()
}

fn deadline() -> TableCreateStatement {
    Table::create()
        .table("deadline")
        .col(string("id").primary_key())
        .col(string("key"))
        .col(string("valid_from"))
        .col(text("body"))
        .index(Index::create().unique().name("deadline_key_from").col("key").col("valid_from"))
        .take()
}

fn response_template() -> TableCreateStatement {
    Table::create()
        .table("response_template")
        .col(string("id").primary_key())
        .col(string("kind"))
        .col(text("name"))
        .col(text("text"))
        .col(boolean("active"))
        .take()
}

fn complaint(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("complaint")
        .col(ordered("id", backend).primary_key())
        .col(string_uniq("number"))
        .col(integer("version"))
        .col(string("class").check(one_of("class", &CLASSES)))
        .col(string("state").check(one_of("state", &STATES)))
        .col(string("category"))
        .col(string("channel").check(one_of("channel", &CHANNELS)))
        .col(string("village"))
        .col(double_null("latitude"))
        .col(double_null("longitude"))
        .col(string("lead_agency"))
        .col(ordered("desk", backend))
        .col(string("secrecy").check(one_of("secrecy", &["OPEN", "ANONYMOUS", "SECRET"])))
        .col(boolean("is_public"))
        .col(boolean("is_closed"))
        .col(boolean("late"))
        .col(timestamp_with_time_zone("received_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(timestamp_with_time_zone_null("closed_at"))
        .col(timestamp_with_time_zone_null("due_at"))
        // When the next clock falls due; the end of time when none runs: a page needs a key without gaps.
        .col(timestamp_with_time_zone("sort_at"))
        // When time alone does something to it.
        .col(timestamp_with_time_zone_null("next_at"))
        .col(timestamp_with_time_zone_null("forgotten_at"))
        .col(text("body"))
        .take()
}

/// Every number leads to a case, also after cases were merged.
fn case_number() -> TableCreateStatement {
    Table::create()
        .table("case_number")
        .col(string("number").primary_key())
        .col(string("complaint_id"))
        .col(string("pseudonym"))
        .take()
}

/// Who reported, under the key of the vault.
fn reporter_vault() -> TableCreateStatement {
    Table::create()
        .table("reporter_vault")
        .col(string("number").primary_key())
        .col(text("body"))
        .col(timestamp_with_time_zone("created_at"))
        .take()
}

/// Digests of ways to reach somebody, under the key of the vault: which reports came from the same contact.
fn reporter_contact() -> TableCreateStatement {
    Table::create()
        .table("reporter_contact")
        .col(string("digest"))
        .col(string("number"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().col("digest").col("number"))
        .take()
}

fn helper(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("helper")
        .col(ordered("complaint_id", backend))
        .col(ordered("agency_id", backend))
        .col(timestamp_with_time_zone("due_at"))
        .col(timestamp_with_time_zone_null("done_at"))
        .primary_key(Index::create().col("complaint_id").col("agency_id"))
        .take()
}

fn board_mark(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("board_mark")
        .col(ordered("complaint_id", backend))
        .col(string("measure"))
        .col(ordered("desk", backend))
        .col(timestamp_with_time_zone("sort_at"))
        // Since when: of lateness the moment it fell due.
        .col(timestamp_with_time_zone("since"))
        .primary_key(Index::create().col("complaint_id").col("measure"))
        .take()
}

/// How many marks there are. In slots, so that officers of one agency do not wait for each other's row.
fn board_count(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("board_count")
        .col(ordered("desk", backend))
        .col(string("measure"))
        .col(integer("slot"))
        .col(big_integer("n"))
        .primary_key(Index::create().col("desk").col("measure").col("slot"))
        .take()
}

/// How many were settled on a day, and how many of them in time by law.
fn board_day(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("board_day")
        .col(ordered("desk", backend))
        .col(string("day"))
        .col(big_integer("settled"))
        .col(big_integer("in_time"))
        .primary_key(Index::create().col("desk").col("day"))
        .take()
}

/// Each time a case was closed, and opened again.
fn closure() -> TableCreateStatement {
    Table::create()
        .table("closure")
        .col(string("complaint_id"))
        .col(timestamp_with_time_zone("closed_at"))
        .col(
            string("outcome")
                .check(one_of("outcome", &["SETTLED", "ARCHIVED", "FORWARDED", "WITHDRAWN", "MERGED"])),
        )
        .col(boolean("in_time"))
        .col(timestamp_with_time_zone_null("reopened_at"))
        .primary_key(Index::create().col("complaint_id").col("closed_at"))
        .take()
}

fn escalation() -> TableCreateStatement {
    Table::create()
        .table("escalation")
        .col(string("id").primary_key())
        .col(string("complaint_id"))
        .col(string("clock").check(one_of("clock", &CLOCKS)))
        .col(integer("cycle"))
        .col(integer("percent"))
        .col(string("rung").check(one_of("rung", &RUNGS)))
        .col(string_null("official_id"))
        .col(string("account_id"))
        .col(timestamp_with_time_zone("at"))
        .col(timestamp_with_time_zone_null("acknowledged_at"))
        .col(string_null("acknowledged_by"))
        .index(
            Index::create()
                .unique()
                .name("escalation_once")
                .col("complaint_id")
                .col("clock")
                .col("cycle")
                .col("percent"),
        )
        .take()
}

fn outbox() -> TableCreateStatement {
    Table::create()
        .table("outbox")
        .col(string("id").primary_key())
        .col(string("complaint_id"))
        .col(string("kind"))
        .col(string("recipient_kind").check(one_of("recipient_kind", &["REPORTER", "ACCOUNT"])))
        .col(string("recipient"))
        .col(text("body"))
        .col(
            string("state")
                .check(one_of("state", &["QUEUED", "ACCEPTED", "DELIVERED", "FAILED", "NO_CONTACT"])),
        )
        .col(string_null("notification_id"))
        .col(integer("attempts"))
        .col(timestamp_with_time_zone("next_at"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .take()
}

fn stored_file() -> TableCreateStatement {
    Table::create()
        .table("stored_file")
        .col(string("id").primary_key())
        .col(string_null("complaint_id"))
        .col(string("media_type"))
        .col(big_integer("size"))
        .col(string("sha256"))
        .col(string("scan").check(one_of("scan", &["PENDING", "CLEAN", "INFECTED", "NOT_SCANNED"])))
        // Whose message it came with, while that may still wait for its case.
        .col(string_null("conversation"))
        .col(timestamp_with_time_zone("created_at"))
        .take()
}

fn reveal() -> TableCreateStatement {
    Table::create()
        .table("reveal")
        .col(string("id").primary_key())
        .col(string("complaint_id"))
        .col(string("number"))
        .col(string("pseudonym"))
        .col(text("purpose"))
        .col(string("requested_by"))
        .col(timestamp_with_time_zone("requested_at"))
        .col(string_null("approved_by"))
        .col(timestamp_with_time_zone_null("approved_at"))
        .col(timestamp_with_time_zone_null("open_until"))
        .take()
}

/// Messages as channels delivered them. The key is what makes a repetition one message.
fn channel_message() -> TableCreateStatement {
    Table::create()
        .table("channel_message")
        .col(string("source"))
        .col(string("account"))
        .col(string("external_id"))
        .col(string("conversation"))
        .col(string("state").check(one_of("state", &["WAITING", "PLACED", "ASKED", "IGNORED"])))
        .col(string_null("complaint_id"))
        .col(text("body"))
        .col(timestamp_with_time_zone("received_at"))
        .col(timestamp_with_time_zone("arrived_at"))
        .col(integer("attempts"))
        // When it is its turn: one that found no place is tried again later, and what its sender wrote after it waits too.
        .col(timestamp_with_time_zone("next_at"))
        .primary_key(Index::create().col("source").col("account").col("external_id"))
        .take()
}

fn sp4n_entry() -> TableCreateStatement {
    Table::create()
        .table("sp4n_entry")
        .col(string("id").primary_key())
        .col(string("tracking_id"))
        .col(string("direction").check(one_of("direction", &["IN", "OUT"])))
        .col(string("complaint_id"))
        .col(string("number"))
        .col(text("stage"))
        .col(timestamp_with_time_zone_null("last_seen_at"))
        .col(timestamp_with_time_zone_null("last_pushed_at"))
        .col(string("checksum"))
        .col(text("mismatch"))
        .take()
}

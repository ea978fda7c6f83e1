//! The tables of the identity service.

use sea_orm::{DbBackend, DynIden};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    blob_null, integer, string, string_null, string_uniq, timestamp_with_time_zone,
    timestamp_with_time_zone_null,
};

use crate::shared;

/// The ledger.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(FirstCut),
            Box::new(Areas),
            Box::new(ComplaintRoles),
            Box::new(SenderRole),
            Box::new(shared::AppendOnly("identity_0005_append_only")),
        ]
    }

    fn migration_table_name() -> DynIden {
        "migration_identity".into_iden()
    }
}

/// Accounts, devices, sessions, signing keys.
struct FirstCut;

impl MigrationName for FirstCut {
    fn name(&self) -> &'static str {
        "identity_0001_first_cut"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for FirstCut {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            account(manager.get_database_backend()),
            account_grant(),
            device(),
            session(),
            signing_key(),
            sign_in_failure(),
            service_secret(),
            shared::idempotency(),
            shared::journal(),
        ] {
            manager.create_table(table).await?;
        }
        for index in [
            index("session_account", "session", "account_id"),
            index("session_device", "session", "device_id"),
            index("device_hall", "device", "hall_id"),
            index("sign_in_failure_age", "sign_in_failure", "last_at"),
            one_key_per_state(),
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
            "service_secret",
            "sign_in_failure",
            "signing_key",
            "session",
            "device",
            "account_grant",
            "account",
        ] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

const HALL_ROLES: [&str; 9] = [
    "KIOSK",
    "BOARD",
    "RECEPTION",
    "COUNTER",
    "AGENCY_SUPERVISOR",
    "HALL_MANAGER",
    "ANALYST",
    "AUDITOR",
    "ADMIN",
];
const AREA_ROLES: [&str; 11] = [
    "RT_HEAD",
    "RW_HEAD",
    "VILLAGE_OFFICER",
    "VILLAGE_SECRETARY",
    "VILLAGE_HEAD",
    "SUB_DISTRICT_OFFICER",
    "SUB_DISTRICT_HEAD",
    "AGENCY_OFFICER",
    "AGENCY_HEAD",
    "LETTER_EDITOR",
    "INTEGRATOR",
];
const COMPLAINT_ROLES: [&str; 6] = [
    "COMPLAINT_DESK",
    "COMPLAINT_COORDINATOR",
    "COMPLAINT_ADMIN",
    "REGIONAL_SECRETARY",
    "REGIONAL_HEAD",
    "INSPECTOR",
];

/// The columns of a grant, before and since it has an area.
const COLUMNS: [&str; 8] =
    ["account_id", "position", "role", "hall_id", "agency_id", "counter_ids", "valid_from", "valid_to"];
const COLUMNS_WITH_AREA: [&str; 9] = [
    "account_id",
    "position",
    "role",
    "hall_id",
    "agency_id",
    "counter_ids",
    "area",
    "valid_from",
    "valid_to",
];

/// Roles that hold in an area, and the area of a grant.
struct Areas;

impl MigrationName for Areas {
    fn name(&self) -> &'static str {
        "identity_0002_areas"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Areas {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        with_roles(manager, "account_grant_with_area", &COLUMNS, &[&HALL_ROLES[..], &AREA_ROLES].concat())
            .await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        // Grants in areas have no place in the old table: going back would lose them.
        Err(DbErr::Custom("identity_0002_areas cannot be undone".into()))
    }
}

/// Roles that work on complaints.
struct ComplaintRoles;

impl MigrationName for ComplaintRoles {
    fn name(&self) -> &'static str {
        "identity_0003_complaint_roles"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for ComplaintRoles {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let roles = [&HALL_ROLES[..], &AREA_ROLES, &COMPLAINT_ROLES].concat();
        with_roles(manager, "account_grant_with_complaints", &COLUMNS_WITH_AREA, &roles).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        // Grants of these roles have no place in the old table: going back would lose them.
        Err(DbErr::Custom("identity_0003_complaint_roles cannot be undone".into()))
    }
}

/// The role of services that send notifications.
struct SenderRole;

impl MigrationName for SenderRole {
    fn name(&self) -> &'static str {
        "identity_0004_sender_role"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for SenderRole {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let roles = [&HALL_ROLES[..], &AREA_ROLES, &COMPLAINT_ROLES, &["NOTIFICATION_SENDER"]].concat();
        with_roles(manager, "account_grant_with_sender", &COLUMNS_WITH_AREA, &roles).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        // Grants of this role have no place in the old table: going back would lose them.
        Err(DbErr::Custom("identity_0004_sender_role cannot be undone".into()))
    }
}

fn index(name: &'static str, table: &'static str, column: &'static str) -> IndexCreateStatement {
    Index::create().name(name).table(table).col(column).take()
}

/// A check that a column holds one of these texts.
fn one_of(column: &'static str, values: &[&str]) -> Expr {
    Expr::col(column).is_in(values.iter().copied())
}

fn account(backend: DbBackend) -> TableCreateStatement {
    let mut username = string("username");
    // Pages of accounts are in the order of the username: by bytes, as SQLite does by itself.
    if backend == DbBackend::Postgres {
        username.extra("COLLATE \"C\"");
    }
    Table::create()
        .table("account")
        .col(string("id").primary_key())
        .col(username)
        .col(string("display_name"))
        .col(string("password_hash"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("disabled_at"))
        .col(timestamp_with_time_zone_null("last_sign_in_at"))
        .index(Index::create().name("account_username_key").col("username").unique())
        .take()
}

fn account_grant() -> TableCreateStatement {
    Table::create()
        .table("account_grant")
        .col(string("account_id"))
        .col(integer("position"))
        .col(string("role"))
        .col(string_null("hall_id"))
        .col(string_null("agency_id"))
        .col(string("counter_ids"))
        .col(timestamp_with_time_zone_null("valid_from"))
        .col(timestamp_with_time_zone_null("valid_to"))
        .primary_key(Index::create().name("account_grant_pk").col("account_id").col("position"))
        .foreign_key(
            ForeignKey::create()
                .name("account_grant_account")
                .from("account_grant", "account_id")
                .to("account", "id"),
        )
        .check(one_of("role", &HALL_ROLES))
        .take()
}

/// Grants with other roles than before. SQLite changes no check of a table that is there, so both engines get a new one, under
/// a name of its own until it takes the place of the old; `kept` are the columns that the old one has.
async fn with_roles(
    manager: &SchemaManager<'_>,
    table: &'static str,
    kept: &[&'static str],
    roles: &[&str],
) -> Result<(), DbErr> {
    manager.create_table(account_grant_with_area(table, roles)).await?;
    let rows = Query::select().columns(kept.iter().copied()).from("account_grant").take();
    let copy = Query::insert()
        .into_table(table)
        .columns(kept.iter().copied())
        .select_from(rows)
        .map_err(|error| DbErr::Custom(error.to_string()))?
        .take();
    manager.get_connection().execute(&copy).await?;
    manager.drop_table(Table::drop().table("account_grant").take()).await?;
    manager.rename_table(Table::rename().table(table, "account_grant").take()).await
}

fn account_grant_with_area(table: &'static str, roles: &[&str]) -> TableCreateStatement {
    Table::create()
        .table(table)
        .col(string("account_id"))
        .col(integer("position"))
        .col(string("role"))
        .col(string_null("hall_id"))
        .col(string_null("agency_id"))
        .col(string("counter_ids"))
        .col(string_null("area"))
        .col(timestamp_with_time_zone_null("valid_from"))
        .col(timestamp_with_time_zone_null("valid_to"))
        .primary_key(Index::create().name(format!("{table}_pk")).col("account_id").col("position"))
        .foreign_key(
            ForeignKey::create()
                .name(format!("{table}_account"))
                .from(table, "account_id")
                .to("account", "id"),
        )
        .check(one_of("role", roles))
        .take()
}

fn device() -> TableCreateStatement {
    Table::create()
        .table("device")
        .col(string("id").primary_key())
        .col(string("kind"))
        .col(string("hall_id"))
        .col(string("label"))
        .col(string_uniq("key_digest"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .col(timestamp_with_time_zone_null("last_seen_at"))
        .check(one_of("kind", &["KIOSK", "BOARD"]))
        .take()
}

fn session() -> TableCreateStatement {
    Table::create()
        .table("session")
        .col(string("id").primary_key())
        .col(string_uniq("secret_digest"))
        .col(string_null("account_id"))
        .col(string_null("device_id"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("last_seen_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .foreign_key(
            ForeignKey::create().name("session_account_fk").from("session", "account_id").to("account", "id"),
        )
        .foreign_key(
            ForeignKey::create().name("session_device_fk").from("session", "device_id").to("device", "id"),
        )
        // A session belongs to an account or to a device.
        .check(Expr::col("account_id").is_null().ne(Expr::col("device_id").is_null()))
        .take()
}

fn signing_key() -> TableCreateStatement {
    Table::create()
        .table("signing_key")
        .col(string("kid").primary_key())
        .col(string("state"))
        .col(timestamp_with_time_zone("since"))
        .col(timestamp_with_time_zone("created_at"))
        .col(string("x"))
        .col(string("y"))
        .col(blob_null("pkcs8"))
        .check(one_of("state", &["NEXT", "ACTIVE", "RETAINED"]))
        // A retained key only verifies: its private half is gone.
        .check(Expr::col("state").eq("RETAINED").eq(Expr::col("pkcs8").is_null()))
        .take()
}

/// At most one key is next and at most one signs, also when several instances rotate at once.
fn one_key_per_state() -> IndexCreateStatement {
    Index::create()
        .name("signing_key_one_per_state")
        .table("signing_key")
        .col("state")
        .unique()
        .cond_where(Condition::all().add(Expr::col("state").is_in(["NEXT", "ACTIVE"])))
        .take()
}

fn sign_in_failure() -> TableCreateStatement {
    Table::create()
        .table("sign_in_failure")
        .col(string("name_digest").primary_key())
        .col(integer("failures"))
        .col(timestamp_with_time_zone("last_at"))
        .take()
}

fn service_secret() -> TableCreateStatement {
    Table::create().table("service_secret").col(string("name").primary_key()).col(string("value")).take()
}

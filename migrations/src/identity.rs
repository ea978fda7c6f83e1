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
        vec![Box::new(FirstCut), Box::new(Areas), Box::new(ComplaintRoles), Box::new(SenderRole)]
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

/// Roles that hold in an area, and the area of a grant.
struct Areas;

impl MigrationName for Areas {
    fn name(&self) -> &'static str {
        "identity_0002_areas"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Areas {
    /// SQLite changes no check of a table that is there, so both engines get a new table and keep the rows.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(account_grant_with_area()).await?;
        let columns = [
            "account_id",
            "position",
            "role",
            "hall_id",
            "agency_id",
            "counter_ids",
            "valid_from",
            "valid_to",
        ];
        let rows = Query::select().columns(columns).from("account_grant").take();
        let copy = Query::insert()
            .into_table("account_grant_with_area")
            .columns(columns)
            .select_from(rows)
            .map_err(|error| DbErr::Custom(error.to_string()))?
            .take();
        manager.get_connection().execute(&copy).await?;
        manager.drop_table(Table::drop().table("account_grant").take()).await?;
        manager.rename_table(Table::rename().table("account_grant_with_area", "account_grant").take()).await
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
    /// As before: a new table with another check, and the rows.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(account_grant_with_complaints()).await?;
        let columns = [
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
        let rows = Query::select().columns(columns).from("account_grant").take();
        let copy = Query::insert()
            .into_table("account_grant_with_complaints")
            .columns(columns)
            .select_from(rows)
            .map_err(|error| DbErr::Custom(error.to_string()))?
            .take();
        manager.get_connection().execute(&copy).await?;
        manager.drop_table(Table::drop().table("account_grant").take()).await?;
        let rename = Table::rename().table("account_grant_with_complaints", "account_grant").take();
        manager.rename_table(rename).await
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
    /// As before: a new table with another check, and the rows.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(account_grant_with_sender()).await?;
        let columns = [
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
        let rows = Query::select().columns(columns).from("account_grant").take();
        let copy = Query::insert()
            .into_table("account_grant_with_sender")
            .columns(columns)
            .select_from(rows)
            .map_err(|error| DbErr::Custom(error.to_string()))?
            .take();
        manager.get_connection().execute(&copy).await?;
        manager.drop_table(Table::drop().table("account_grant").take()).await?;
        let rename = Table::rename().table("account_grant_with_sender", "account_grant").take();
        manager.rename_table(rename).await
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
        .check(one_of(
            "role",
            &[
                "KIOSK",
                "BOARD",
                "RECEPTION",
                "COUNTER",
                "AGENCY_SUPERVISOR",
                "HALL_MANAGER",
                "ANALYST",
                "AUDITOR",
                "ADMIN",
            ],
        ))
        .take()
}

fn account_grant_with_area() -> TableCreateStatement {
    Table::create()
        .table("account_grant_with_area")
        .col(string("account_id"))
        .col(integer("position"))
        .col(string("role"))
        .col(string_null("hall_id"))
        .col(string_null("agency_id"))
        .col(string("counter_ids"))
        .col(string_null("area"))
        .col(timestamp_with_time_zone_null("valid_from"))
        .col(timestamp_with_time_zone_null("valid_to"))
        .primary_key(Index::create().name("account_grant_with_area_pk").col("account_id").col("position"))
        .foreign_key(
            ForeignKey::create()
                .name("account_grant_with_area_account")
                .from("account_grant_with_area", "account_id")
                .to("account", "id"),
        )
        .check(one_of(
            "role",
            &[
                "KIOSK",
                "BOARD",
                "RECEPTION",
                "COUNTER",
                "AGENCY_SUPERVISOR",
                "HALL_MANAGER",
                "ANALYST",
                "AUDITOR",
                "ADMIN",
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
            ],
        ))
        .take()
}

fn account_grant_with_complaints() -> TableCreateStatement {
    Table::create()
        .table("account_grant_with_complaints")
        .col(string("account_id"))
        .col(integer("position"))
        .col(string("role"))
        .col(string_null("hall_id"))
        .col(string_null("agency_id"))
        .col(string("counter_ids"))
        .col(string_null("area"))
        .col(timestamp_with_time_zone_null("valid_from"))
        .col(timestamp_with_time_zone_null("valid_to"))
        .primary_key(
            Index::create().name("account_grant_with_complaints_pk").col("account_id").col("position"),
        )
        .foreign_key(
            ForeignKey::create()
                .name("account_grant_with_complaints_account")
                .from("account_grant_with_complaints", "account_id")
                .to("account", "id"),
        )
        .check(one_of(
            "role",
            &[
                "KIOSK",
                "BOARD",
                "RECEPTION",
                "COUNTER",
                "AGENCY_SUPERVISOR",
                "HALL_MANAGER",
                "ANALYST",
                "AUDITOR",
                "ADMIN",
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
                "COMPLAINT_DESK",
                "COMPLAINT_COORDINATOR",
                "COMPLAINT_ADMIN",
                "REGIONAL_SECRETARY",
                "REGIONAL_HEAD",
                "INSPECTOR",
            ],
        ))
        .take()
}

fn account_grant_with_sender() -> TableCreateStatement {
    Table::create()
        .table("account_grant_with_sender")
        .col(string("account_id"))
        .col(integer("position"))
        .col(string("role"))
        .col(string_null("hall_id"))
        .col(string_null("agency_id"))
        .col(string("counter_ids"))
        .col(string_null("area"))
        .col(timestamp_with_time_zone_null("valid_from"))
        .col(timestamp_with_time_zone_null("valid_to"))
        .primary_key(Index::create().name("account_grant_with_sender_pk").col("account_id").col("position"))
        .foreign_key(
            ForeignKey::create()
                .name("account_grant_with_sender_account")
                .from("account_grant_with_sender", "account_id")
                .to("account", "id"),
        )
        .check(one_of(
            "role",
            &[
                "KIOSK",
                "BOARD",
                "RECEPTION",
                "COUNTER",
                "AGENCY_SUPERVISOR",
                "HALL_MANAGER",
                "ANALYST",
                "AUDITOR",
                "ADMIN",
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
                "COMPLAINT_DESK",
                "COMPLAINT_COORDINATOR",
                "COMPLAINT_ADMIN",
                "REGIONAL_SECRETARY",
                "REGIONAL_HEAD",
                "INSPECTOR",
                "NOTIFICATION_SENDER",
            ],
        ))
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

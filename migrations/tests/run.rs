//! The ledgers on real engines.

use mpp_kit::testing::{ENGINES, databases, fresh_db};
use mpp_migrations::{MigrationError, SERVICES, identity, run};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use sea_orm_migration::MigratorTrait as _;

async fn tables(db: &DatabaseConnection) -> Vec<String> {
    let sql = if db.get_database_backend() == DbBackend::Postgres {
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
    } else {
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1"
    };
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_start_at_once_both_succeed() {
    for service in SERVICES {
        for test in databases().await {
            let other = test.connect_again().await;
            let (one, two) = tokio::join!(run(service, &test.db.write), run(service, &other.write));
            one.unwrap();
            two.unwrap();
            let first = tables(&test.db.read).await;
            assert!(first.len() > 1, "{service} on {}: {first:?}", test.engine);
            run(service, &test.db.write).await.unwrap();
            assert_eq!(tables(&test.db.read).await, first, "again changes nothing");
        }
    }
}

#[tokio::test]
async fn both_engines_get_the_same_tables() {
    for service in SERVICES {
        let mut found = Vec::new();
        for test in databases().await {
            run(service, &test.db.write).await.unwrap();
            found.push(tables(&test.db.read).await);
        }
        assert_eq!(found[0], found[1], "{service}");
    }
}

#[tokio::test]
async fn a_service_without_a_ledger_is_refused() {
    for engine in ENGINES {
        let test = fresh_db(engine).await;
        let refused = run("nobody", &test.db.write).await;
        assert!(matches!(refused, Err(MigrationError::UnknownService(name)) if name == "nobody"));
    }
}

#[tokio::test]
async fn grants_outlive_the_tables_that_held_them() {
    for test in databases().await {
        let db = &test.db.write;
        // As it was released with the roles of complaints.
        identity::Migrator::up(db, Some(3)).await.unwrap();
        let backend = db.get_database_backend();
        for sql in [
            "INSERT INTO account (id, username, display_name, password_hash, created_at)
             VALUES ('acc_1', 'ani', 'Ani', 'x', '2026-11-26 01:00:00+00:00')",
            "INSERT INTO account_grant (account_id, position, role, counter_ids, area)
             VALUES ('acc_1', 0, 'INSPECTOR', '[]', '17.07/inspektorat')",
        ] {
            db.execute_unprepared(sql).await.unwrap();
        }
        let send = "INSERT INTO account_grant (account_id, position, role, counter_ids)
                    VALUES ('acc_1', 1, 'NOTIFICATION_SENDER', '[]')";
        db.execute_unprepared(send).await.unwrap_err();
        run("identity", db).await.unwrap();
        db.execute_unprepared(send).await.unwrap();
        let sql = "SELECT role, COALESCE(area, '') AS area FROM account_grant ORDER BY position";
        let rows = db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
        let text = |row: &sea_orm::QueryResult, column| row.try_get::<String>("", column).unwrap();
        let found: Vec<_> = rows.iter().map(|row| (text(row, "role"), text(row, "area"))).collect();
        let expected = [("INSPECTOR", "17.07/inspektorat"), ("NOTIFICATION_SENDER", "")];
        assert_eq!(found, expected.map(|(role, area)| (role.to_owned(), area.to_owned())), "{}", test.engine);
    }
}

//! The ledgers on real engines.

use mpp_kit::testing::{ENGINES, databases, fresh_db};
use mpp_migrations::{MigrationError, SERVICES, run};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

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

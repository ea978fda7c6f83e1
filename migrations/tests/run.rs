//! The ledgers on real engines.
#![expect(missing_docs, reason = "tests")]

use mpp_kit::testing::{databases, fresh_db, ENGINES};
use mpp_migrations::{MigrationError, SERVICES, run};
use sea_orm::{ConnectionTrait, Statement};

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_start_at_once_both_succeed() {
    for service in SERVICES {
        for test in databases().await {
            let other = test.connect_again().await;
            let (one, two) = tokio::join!(run(service, &test.db.write), run(service, &other.write));
            one.unwrap();
            two.unwrap();
            run(service, &test.db.write).await.unwrap();
        }
    }
}

#[tokio::test]
async fn each_service_has_a_ledger_of_its_own() {
    for engine in ENGINES {
        let test = fresh_db(engine).await;
        for service in SERVICES {
            // Two services never share a schema in production; in one, only the shared tables could meet.
            let test = fresh_db(engine).await;
            run(service, &test.db.write).await.unwrap();
            let sql = format!("SELECT count(*) FROM migration_{service}");
            let row = Statement::from_string(test.db.read.get_database_backend(), sql);
            let row = test.db.read.query_one_raw(row).await.unwrap().unwrap();
            assert!(row.try_get_by_index::<i64>(0).unwrap() >= 0);
        }
        assert!(matches!(run("nobody", &test.db.write).await, Err(MigrationError::UnknownService(name)) if name == "nobody"));
    }
}

use mpp_kit::db::{
    ConnectError, Db, Engine, is_unavailable, is_unkeepable_text, sqlite_url, violated_constraint,
};
use mpp_kit::fault::Fault as _;
use mpp_kit::testing::{databases, fresh_db, postgres};
use sea_orm::{ConnectionTrait, DbErr, Statement};

async fn number(db: &impl ConnectionTrait, sql: &str) -> i64 {
    let row =
        db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn sqlite_commits_are_on_disk_and_foreign_keys_hold() {
    let test = fresh_db(Engine::Sqlite).await;
    let pragma = async |name: &str| {
        let row = Statement::from_string(sea_orm::DbBackend::Sqlite, format!("PRAGMA {name}"));
        let row = test.db.write.query_one_raw(row).await.unwrap().unwrap();
        row.try_get_by_index::<String>(0)
            .or_else(|_| row.try_get_by_index::<i64>(0).map(|n| n.to_string()))
            .unwrap()
    };
    assert_eq!(pragma("journal_mode").await, "wal");
    assert_eq!(pragma("synchronous").await, "2", "FULL");
    assert_eq!(pragma("foreign_keys").await, "1");
    assert_eq!(pragma("busy_timeout").await, "5000");
    assert_eq!(pragma("wal_autocheckpoint").await, "4000");
    assert_eq!(pragma("temp_store").await, "2", "MEMORY");
}

#[tokio::test]
async fn a_constraint_is_named_on_both_engines() {
    for test in databases().await {
        let db = &test.db;
        db.write
            .execute_unprepared(
                "CREATE TABLE seat (hall INTEGER NOT NULL, number INTEGER NOT NULL, width INTEGER, \
                 CONSTRAINT seat_number_once UNIQUE (hall, number), CONSTRAINT seat_width CHECK (width > 0))",
            )
            .await
            .unwrap();
        let insert = async |values: &str| {
            db.write.execute_unprepared(&format!("INSERT INTO seat VALUES ({values})")).await
        };
        insert("1, 1, 5").await.unwrap();
        let twice = violated_constraint(&insert("1, 1, 5").await.unwrap_err()).unwrap();
        match test.engine {
            Engine::Sqlite => assert_eq!(twice, "seat.hall, seat.number"),
            Engine::Postgres => assert_eq!(twice, "seat_number_once"),
        }
        let narrow = violated_constraint(&insert("1, 2, 0").await.unwrap_err());
        assert_eq!(narrow.as_deref(), Some("seat_width"), "{}", test.engine);
        let other = db.write.execute_unprepared("SELECT nonsense").await.unwrap_err();
        assert!(violated_constraint(&other).is_none() && !is_unavailable(&other), "{other}");
    }
}

/// A NUL comes with what a caller gave; the caller is told, and it is no failure of ours.
#[tokio::test]
async fn a_text_that_cannot_be_kept_is_the_callers_mistake() {
    for test in databases().await {
        let backend = test.db.read.get_database_backend();
        let text = if test.engine == Engine::Postgres { "SELECT $1::text" } else { "SELECT ?" };
        let asked = Statement::from_sql_and_values(backend, text, ["a\u{0}b".into()]);
        let Err(error) = test.db.read.query_one_raw(asked).await else {
            assert_eq!(test.engine, Engine::Sqlite);
            continue;
        };
        assert!(is_unkeepable_text(&error) && !is_unavailable(&error), "{error}");
        assert_eq!(error.problem().reason, "INVALID_REQUEST");
        let other = test.db.read.execute_unprepared("SELECT nonsense").await.unwrap_err();
        assert!(!is_unkeepable_text(&other), "{other}");
    }
}

/// Read, then write: with deferred transactions the second of two would fail on SQLite with a busy snapshot.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writers_of_two_processes_take_turns() {
    for test in databases().await {
        test.db.write.execute_unprepared("CREATE TABLE counter (value BIGINT NOT NULL)").await.unwrap();
        test.db.write.execute_unprepared("INSERT INTO counter VALUES (0)").await.unwrap();
        let other = test.connect_again().await;
        let mut tasks = Vec::new();
        for index in 0..20 {
            let db = if index % 2 == 0 { test.db.clone() } else { other.clone() };
            tasks.push(tokio::spawn(async move {
                let tx = db.begin().await?;
                let lock = if db.engine() == Engine::Postgres { " FOR UPDATE" } else { "" };
                let value = number(&tx, &format!("SELECT value FROM counter{lock}")).await;
                tx.execute_unprepared(&format!("UPDATE counter SET value = {}", value + 1)).await?;
                tx.commit().await?;
                Ok::<_, DbErr>(())
            }));
        }
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(number(&test.db.read, "SELECT value FROM counter").await, 20, "{}", test.engine);
    }
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing() {
    for test in databases().await {
        test.db.write.execute_unprepared("CREATE TABLE thing (id INTEGER)").await.unwrap();
        let tx = test.db.begin().await.unwrap();
        tx.execute_unprepared("INSERT INTO thing VALUES (1)").await.unwrap();
        drop(tx);
        assert_eq!(number(&test.db.write, "SELECT count(*) FROM thing").await, 0, "{}", test.engine);
    }
}

/// A caller that goes away while its transaction begins must not leave one open on the connection: whatever is written on
/// it next would be seen by nobody, and hold its locks.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_given_up_while_it_begins_leaves_none_open() {
    for test in databases().await {
        test.db.write.execute_unprepared("CREATE TABLE thing (id INTEGER)").await.unwrap();
        let mut written = 0;
        for polls in (1..=4).cycle().take(40) {
            {
                let mut begin = std::pin::pin!(test.db.begin());
                for _ in 0..polls {
                    if futures::poll!(&mut begin).is_ready() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            }
            test.db.write.execute_unprepared("INSERT INTO thing VALUES (1)").await.unwrap();
            written += 1;
            assert_eq!(
                number(&test.db.read, "SELECT count(*) FROM thing").await,
                written,
                "{}, given up after {polls} polls",
                test.engine
            );
        }
    }
}

#[tokio::test]
async fn readers_of_sqlite_cannot_write_and_do_not_wait_for_the_writer() {
    let test = fresh_db(Engine::Sqlite).await;
    test.db.write.execute_unprepared("CREATE TABLE thing (id INTEGER)").await.unwrap();
    let tx = test.db.begin().await.unwrap();
    tx.execute_unprepared("INSERT INTO thing VALUES (1)").await.unwrap();
    assert_eq!(number(&test.db.read, "SELECT count(*) FROM thing").await, 0);
    tx.commit().await.unwrap();
    assert_eq!(number(&test.db.read, "SELECT count(*) FROM thing").await, 1);
    test.db.read.execute_unprepared("INSERT INTO thing VALUES (2)").await.unwrap_err();
}

/// Reads the seven, and can change nothing.
async fn only_looks(connection: &impl ConnectionTrait) {
    assert_eq!(number(connection, "SELECT id FROM thing").await, 7);
    for sql in ["UPDATE thing SET id = 8", "CREATE TABLE other (id BIGINT)", "DROP TABLE thing"] {
        connection.execute_unprepared(sql).await.unwrap_err();
    }
}

/// Who only looks makes and changes nothing, by mistake neither.
#[tokio::test]
async fn one_who_only_looks_makes_and_writes_nothing() {
    let test = fresh_db(Engine::Postgres).await;
    let missing = Db::connect_to_look(&test.url, Some("mpp_one")).await.unwrap_err();
    assert!(matches!(&missing, ConnectError::NoSchema { schema, .. } if schema == "mpp_one"), "{missing}");
    let made = "SELECT count(*) FROM pg_namespace WHERE nspname = 'mpp_one'";
    assert_eq!(number(&test.db.read, made).await, 0, "it has made what it looked for");
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent.db");
    Db::connect_to_look(&sqlite_url(&absent), None).await.unwrap_err();
    assert!(!absent.exists(), "it has made what it looked for");
    for test in databases().await {
        let schema = (test.engine == Engine::Postgres).then_some("mpp_one");
        let owner = Db::connect(&test.url, schema).await.unwrap();
        owner.write.execute_unprepared("CREATE TABLE thing (id BIGINT)").await.unwrap();
        owner.write.execute_unprepared("INSERT INTO thing VALUES (7)").await.unwrap();
        let looks = Db::connect_to_look(&test.url, schema).await.unwrap();
        only_looks(&looks.read).await;
        only_looks(&looks.write).await;
        if let Ok(tx) = looks.begin().await {
            tx.execute_unprepared("INSERT INTO thing VALUES (9)").await.unwrap_err();
        }
        looks.close().await.unwrap();
        assert_eq!(number(&owner.read, "SELECT CAST(sum(id) AS BIGINT) FROM thing").await, 7);
    }
    // Copies stay as they are, in their own journal mode: what is kept elsewhere is compared byte by byte.
    let running = folder.path().join("running.db");
    let owner = Db::connect(&sqlite_url(&running), None).await.unwrap();
    owner.write.execute_unprepared("CREATE TABLE thing (id BIGINT)").await.unwrap();
    let log = folder.path().join("running.db-wal");
    let copies = tempfile::tempdir().unwrap();
    let copy = |name: &str| copies.path().join(name);
    std::fs::copy(&running, copy("with-log.db")).unwrap();
    std::fs::copy(&log, copy("with-log.db-wal")).unwrap();
    owner
        .write
        .execute_unprepared(&format!("VACUUM INTO '{}'", copy("exported.db").display()))
        .await
        .unwrap();
    owner.close().await.unwrap();
    assert!(!log.exists(), "the log of a database that was closed is in the file");
    std::fs::copy(&running, copy("closed.db")).unwrap();
    for (name, beside) in
        [("with-log.db", Some("with-log.db-wal")), ("exported.db", None), ("closed.db", None)]
    {
        let files = || {
            let mut all: Vec<_> =
                std::fs::read_dir(copies.path()).unwrap().map(|it| it.unwrap().path()).collect();
            // How readers of a log take turns: nothing that is kept.
            all.retain(|it| beside.is_none() || it.extension().is_none_or(|kind| kind != "db-shm"));
            all.sort();
            all.into_iter().map(|it| (std::fs::read(&it).unwrap(), it)).collect::<Vec<_>>()
        };
        let before = files();
        let looks = Db::connect_to_look(&sqlite_url(&copy(name)), None).await.unwrap();
        assert_eq!(number(&looks.read, "SELECT count(*) FROM thing").await, 0, "{name}");
        looks.close().await.unwrap();
        assert!(files() == before, "{name} or what lies beside it was changed");
        if let Some(log) = beside {
            // For the others there is to be none.
            let _shared = std::fs::remove_file(copy(&log.replace("-wal", "-shm")));
        }
    }
}

/// An operator who ends a read that runs too long ends it: it comes back once, for the connection may have broken by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_is_ended_on_purpose_comes_back_once() {
    let test = fresh_db(Engine::Postgres).await;
    let reader = test.db.read.clone();
    let long = "SELECT pg_sleep(3600)";
    let read = tokio::spawn(async move {
        reader.query_one_raw(Statement::from_string(reader.get_database_backend(), long)).await
    });
    let end = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE query = '{long}' AND state = 'active' AND query_start < clock_timestamp() - interval '0.3 s'"
    );
    let mut ended = 0;
    while !read.is_finished() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        ended += number(&test.db.write, &end).await;
        assert!(ended <= 2, "it came back again");
    }
    read.await.unwrap().unwrap_err();
    assert_eq!(ended, 2);
}

#[tokio::test]
async fn services_have_schemas_of_their_own_in_one_postgres() {
    let test = fresh_db(Engine::Postgres).await;
    let (first, second) = (Db::connect(&test.url, Some("one")), Db::connect(&test.url, Some("two")));
    let (first, second) = tokio::join!(first, second);
    for (db, id) in [(first.unwrap(), 1), (second.unwrap(), 2)] {
        db.write.execute_unprepared("CREATE TABLE thing (id BIGINT)").await.unwrap();
        db.write.execute_unprepared(&format!("INSERT INTO thing VALUES ({id})")).await.unwrap();
        assert_eq!(number(&db.read, "SELECT id FROM thing").await, id);
    }
}

#[tokio::test]
async fn a_wrong_url_is_explained_without_its_password() {
    let fail = async |url: &str, schema| Db::connect(url, schema).await.unwrap_err();
    assert!(matches!(fail("mysql://x", None).await, ConnectError::Scheme(scheme) if scheme == "mysql"));
    assert!(matches!(fail("sqlite::memory:", None).await, ConnectError::InMemory));
    assert!(matches!(fail("postgres://x/y", Some("a b")).await, ConnectError::SchemaName(_)));
    let nowhere = fail("sqlite:///nowhere/at/all.db", None).await.to_string();
    assert!(nowhere.starts_with("cannot open the database sqlite:///nowhere/at/all.db"), "{nowhere}");
    let closed = fail("postgres://mpp:hush@127.0.0.1:1/mpp?sslmode=disable", None).await;
    assert!(matches!(&closed, ConnectError::Open { source, .. } if is_unavailable(source)), "{closed:?}");
    assert!(!closed.to_string().contains("hush"), "{closed}");
}

/// What a retry later may mend, and what it cannot, by what PostgreSQL says of it.
#[tokio::test]
async fn a_full_disk_and_a_server_that_only_reads_are_unavailable() {
    let test = fresh_db(Engine::Postgres).await;
    let codes = [
        ("53100", true),
        ("53300", true),
        ("25006", true),
        ("57P01", true),
        ("40001", true),
        ("23505", false),
        ("22001", false),
        ("25001", false),
        ("42P01", false),
    ];
    for (code, passes) in codes {
        let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$");
        let error = test.db.write.execute_unprepared(&raise).await.unwrap_err();
        assert_eq!(is_unavailable(&error), passes, "{code}: {error}");
    }
    // Said by the server itself.
    let tx = test.db.begin().await.unwrap();
    tx.execute_unprepared("SET TRANSACTION READ ONLY").await.unwrap();
    let error = tx.execute_unprepared("CREATE TABLE thing (id INTEGER)").await.unwrap_err();
    assert!(is_unavailable(&error), "{error}");

    let test = fresh_db(Engine::Sqlite).await;
    test.db.write.execute_unprepared("CREATE TABLE thing (text TEXT)").await.unwrap();
    test.db.write.execute_unprepared("PRAGMA max_page_count = 2").await.unwrap();
    let fill = async || {
        let long = "INSERT INTO thing VALUES (hex(randomblob(100000)))";
        test.db.write.execute_unprepared(long).await
    };
    let error = fill().await.unwrap_err();
    assert!(is_unavailable(&error), "{error}");
    test.db.write.execute_unprepared("PRAGMA max_page_count = 1000").await.unwrap();
    fill().await.unwrap();
}

/// SQLite takes a whole transaction back by itself when the disk is full. What is written when there is room again is kept,
/// whatever was rolled back meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_after_a_full_disk_is_kept() {
    let test = fresh_db(Engine::Sqlite).await;
    let run = async |sql: &str| test.db.write.execute_unprepared(sql).await.unwrap();
    run("CREATE TABLE thing (id INTEGER)").await;
    // The last number of this table is given: SQLite says FULL, and treats it as a full disk.
    run("CREATE TABLE filled (id INTEGER PRIMARY KEY AUTOINCREMENT)").await;
    run("INSERT INTO filled VALUES (9223372036854775807)").await;
    for rolls_back in [true, false] {
        let tx = test.db.begin().await.unwrap();
        let error = tx.execute_unprepared("INSERT INTO filled VALUES (NULL)").await.unwrap_err();
        assert!(is_unavailable(&error), "{error}");
        if rolls_back {
            tx.rollback().await.expect_err("there is nothing to roll back");
        }
    }
    test.db.begin().await.unwrap().rollback().await.unwrap();
    let tx = test.db.begin().await.unwrap();
    tx.execute_unprepared("INSERT INTO thing VALUES (1)").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(number(&test.db.read, "SELECT count(*) FROM thing").await, 1);
}

/// After a fail-over the address may lead to a server that only reads for a while. Such a connection is not kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_only_reads_is_not_written_to_for_longer_than_it_only_reads() {
    let test = fresh_db(Engine::Postgres).await;
    test.db.write.execute_unprepared("CREATE TABLE thing (id INTEGER)").await.unwrap();
    let admin = Db::connect(&postgres().url("postgres"), None).await.unwrap();
    let name = test.url.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    let reads_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    admin.write.execute_unprepared(&reads_only).await.unwrap();
    // Who starts now is told what is wrong, at once.
    let begun = std::time::Instant::now();
    let refused = Db::connect(&test.url, test.schema).await.unwrap_err();
    assert!(matches!(refused, ConnectError::OnlyReads), "{refused:?}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "it waited {:?}", begun.elapsed());
    let cut =
        format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'");
    assert!(number(&admin.read, &cut).await > 0);
    let again = test.db.clone();
    let writing = tokio::spawn(async move {
        // A connection that was cut is found dead by its next use.
        while let Err(error) = again.write.execute_unprepared("INSERT INTO thing VALUES (1)").await {
            assert!(is_unavailable(&error), "{error}");
        }
    });
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert!(!writing.is_finished(), "nothing can be written");
    // What only reads goes on.
    assert_eq!(number(&test.db.read, "SELECT count(*) FROM thing").await, 0);
    admin
        .write
        .execute_unprepared(&format!("ALTER DATABASE {name} RESET default_transaction_read_only"))
        .await
        .unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(10), writing).await.unwrap().unwrap();
    assert_eq!(number(&test.db.read, "SELECT count(*) FROM thing").await, 1);
    admin.close().await.unwrap();
}

/// Whoever reads hears nothing of connections that PostgreSQL has cut, though it has cut all that the pool holds. What writes is not
/// repeated: nobody knows what came of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_only_reads_survives_that_its_connections_are_cut() {
    let test = fresh_db(Engine::Postgres).await;
    let admin = Db::connect(&postgres().url("postgres"), None).await.unwrap();
    let name = test.url.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    let cut = async || {
        let others =
            format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'");
        number(&admin.read, &others).await
    };
    test.db.write.execute_unprepared("CREATE TABLE thing (id INTEGER)").await.unwrap();
    test.db.write.execute_unprepared("INSERT INTO thing VALUES (1)").await.unwrap();
    for _ in 0..3 {
        // Queries at once, so that the pool holds connections.
        let slow = "SELECT count(*) FROM thing, pg_sleep(0.1)";
        let all = futures::future::join_all((0..6).map(|_| number(&test.db.read, slow))).await;
        assert_eq!(all, [1; 6]);
        assert!(cut().await >= 6, "connections are there to be cut");
        assert_eq!(number(&test.db.read, "SELECT count(*) FROM thing").await, 1);
        let all = Statement::from_string(sea_orm::DbBackend::Postgres, "SELECT id FROM thing");
        cut().await;
        assert_eq!(test.db.read.query_all_raw(all).await.unwrap().len(), 1);
    }
    // In the middle of a query.
    let asked = test.db.read.clone();
    let asking =
        tokio::spawn(async move { number(&asked, "SELECT count(*) FROM thing, pg_sleep(0.5)").await });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(cut().await >= 1);
    assert_eq!(asking.await.unwrap(), 1);
    // Until a connection is there that was opened after the last cut.
    while test.db.write.execute_unprepared("SELECT 1").await.is_err() {}
    cut().await;
    let error = test.db.write.execute_unprepared("INSERT INTO thing VALUES (2)").await.unwrap_err();
    assert!(is_unavailable(&error), "{error}");
    admin.close().await.unwrap();
}

#[tokio::test]
async fn a_database_that_went_away_is_unavailable_not_internal() {
    let test = fresh_db(Engine::Postgres).await;
    let admin = Db::connect(&postgres().url("postgres"), None).await.unwrap();
    let name = test.url.rsplit('/').next().and_then(|rest| rest.split('?').next()).unwrap().to_owned();
    admin.write.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    let error = test.db.write.execute_unprepared("SELECT 1").await.unwrap_err();
    assert!(is_unavailable(&error), "{error}");
}

/// Somebody who stops in the middle of a transaction (a process that is suspended) must not stop everybody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_not_given_back_is_unavailable_not_a_wait_without_end() {
    let test = fresh_db(Engine::Postgres).await;
    test.db.write.execute_unprepared("CREATE TABLE thing (id INTEGER)").await.unwrap();
    test.db.write.execute_unprepared("INSERT INTO thing VALUES (1)").await.unwrap();
    let stopped = test.db.begin().await.unwrap();
    stopped.execute_unprepared("UPDATE thing SET id = 2").await.unwrap();
    let other = test.connect_again().await;
    let error = other.write.execute_unprepared("UPDATE thing SET id = 3").await.unwrap_err();
    assert!(is_unavailable(&error), "{error}");
    // After a while the server ends the transaction that nobody goes on with.
    let mut attempts = 0;
    while let Err(error) = other.write.execute_unprepared("UPDATE thing SET id = 3").await {
        assert!(is_unavailable(&error), "{error}");
        attempts += 1;
        assert!(attempts < 4, "the lock is never given back");
    }
    assert!(is_unavailable(&stopped.commit().await.unwrap_err()));
}

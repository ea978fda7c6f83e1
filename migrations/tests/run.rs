//! The ledgers on real engines.

use mpp_kit::journal::{self, Entry};
use mpp_kit::testing::{ENGINES, TestDb, databases, fresh_db};
use mpp_migrations::{MigrationError, SERVICES, complaints, documents, identity, queue, run};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use sea_orm_migration::MigratorTrait as _;

async fn tables(db: &impl ConnectionTrait) -> Vec<String> {
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

async fn appended(test: &TestDb, what: &str) {
    let tx = test.db.begin().await.unwrap();
    let entry = Entry { who: "acc_1".to_owned(), what: what.to_owned(), ..Entry::default() };
    journal::append(&tx, &entry).await.unwrap();
    tx.commit().await.unwrap();
}

/// Must 33: what stands in the journal of a service is added to and nothing else, also by who writes SQL.
#[tokio::test]
async fn no_entry_of_a_journal_is_changed_or_removed() {
    let mut with_journal = Vec::new();
    for service in SERVICES {
        for test in databases().await {
            run(service, &test.db.write).await.unwrap();
            if !tables(&test.db.read).await.iter().any(|table| table == "journal") {
                continue;
            }
            with_journal.push(*service);
            for what in ["one", "two", "three"] {
                appended(&test, what).await;
            }
            let again = "SELECT seq, at, who, 'lain', subject, from_state, to_state, detail, request_id, trace_id, \
                         prev_hash, hash FROM journal WHERE seq = 2";
            let columns = "(seq, at, who, what, subject, from_state, to_state, detail, request_id, trace_id, prev_hash, hash)";
            let mut attempts = vec![
                "UPDATE journal SET who = 'acc_9' WHERE seq = 2".to_owned(),
                "DELETE FROM journal WHERE seq = 2".to_owned(),
                "DELETE FROM journal".to_owned(),
                format!(
                    "INSERT INTO journal {columns} {again} ON CONFLICT (seq) DO UPDATE SET what = 'lain'"
                ),
            ];
            if test.db.write.get_database_backend() == DbBackend::Postgres {
                attempts.push("TRUNCATE journal".to_owned());
                attempts.push("SET session_replication_role = replica; DELETE FROM journal".to_owned());
            } else {
                attempts.push(format!("INSERT OR REPLACE INTO journal {columns} {again}"));
            }
            for attempt in attempts {
                let refused = test.db.write.execute_unprepared(&attempt).await;
                let error = refused.expect_err(&attempt).to_string();
                assert!(error.contains("append-only"), "{service} on {}: {attempt}: {error}", test.engine);
            }
            appended(&test, "four").await;
            let sound = journal::verify(&test.db.read).await.unwrap();
            assert_eq!(sound.entries, 4, "{service} on {}", test.engine);
        }
    }
    assert_eq!(
        with_journal,
        ["identity", "documents", "complaints", "notifications"].map(|service| [service; 2]).concat()
    );
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

/// Applications that were there before fees are there after, with what waits for officials, and their table has a state more.
#[tokio::test]
async fn applications_of_before_are_kept_when_they_can_wait_for_a_payment() {
    const AT: &str = "'2026-11-23 01:00:00+00:00'";
    let application = |id: &str, state: &str| {
        format!(
            "INSERT INTO application VALUES ('{id}', 'digest {id}', 'sktm', 1, 'ofc_1', '{state}', 3, NULL, 'body {id}', \
             NULL, {AT}, {AT})"
        )
    };
    let item = |id: &str| {
        format!(
            "INSERT INTO work_item VALUES ('{id}', 'VILLAGE_HEAD', '17.07.02.2001', 'SIGN', NULL, {AT}, FALSE)"
        )
    };
    let payment = |id: &str, method: &str, reference: &str| {
        format!(
            "INSERT INTO payment VALUES ('{id}', 'ofc_1', 'code {id}', {method}, {reference}, {AT}, NULL)"
        )
    };
    for engine in ENGINES {
        let test = fresh_db(engine).await;
        let db = &test.db.write;
        documents::Migrator::up(db, Some(3)).await.unwrap();
        for sql in [application("app_1", "IN_REVIEW"), application("app_2", "ISSUED"), item("app_1")] {
            db.execute_unprepared(&sql).await.unwrap();
        }
        let early = db.execute_unprepared(&application("app_3", "AWAITING_PAYMENT")).await;
        assert!(early.is_err(), "{engine}: not yet");
        run("documents", db).await.unwrap();
        let kept = "SELECT a.body FROM application a LEFT JOIN work_item w ON w.application_id = a.id \
                    WHERE a.version = 3 ORDER BY w.role IS NULL";
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), kept)).await.unwrap();
        let bodies: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        assert_eq!(bodies, ["body app_1", "body app_2"], "{engine}");
        let again = application("app_2", "ISSUED").replace("'app_2'", "'app_9'");
        for (sql, why) in [
            (application("app_4", "SOMETHING"), "no state"),
            (again, "a code names one application"),
            (item("app_9"), "nothing waits that is not there"),
        ] {
            assert!(db.execute_unprepared(&sql).await.is_err(), "{engine}: {why}");
        }
        for sql in [
            application("app_3", "AWAITING_PAYMENT"),
            item("app_3"),
            payment("app_1", "'QRIS'", "'0001'"),
            payment("app_2", "'CASH'", "'0001'"),
            payment("app_3", "NULL", "NULL"),
            payment("app_4", "NULL", "NULL"),
        ] {
            db.execute_unprepared(&sql).await.unwrap();
        }
        assert!(
            db.execute_unprepared(&payment("app_5", "'CASH'", "'0001'")).await.is_err(),
            "{engine}: paid once"
        );
    }
}

/// Letters of before are kept when some are signed by hand: each was signed electronically, and is a PDF. Nothing that is read
/// by an index is read without one after.
#[tokio::test]
async fn should_45_letters_of_before_are_electronic_and_their_table_has_a_state_more() {
    const AT: &str = "'2026-11-23 01:00:00+00:00'";
    let application = |id: &str, state: &str| {
        format!(
            "INSERT INTO application VALUES ('{id}', 'digest {id}', 'sktm', 1, 'ofc_1', '{state}', 3, NULL, 'body {id}', \
             NULL, {AT}, {AT})"
        )
    };
    let item = |id: &str| {
        format!(
            "INSERT INTO work_item VALUES ('{id}', 'VILLAGE_HEAD', '17.07.02.2001', 'SCAN', NULL, {AT}, FALSE)"
        )
    };
    for engine in ENGINES {
        let test = fresh_db(engine).await;
        let db = &test.db.write;
        documents::Migrator::up(db, Some(9)).await.unwrap();
        let before = indexes(db).await;
        let document = format!(
            "INSERT INTO document (id, application_id, code, letter_type, office_id, state, version, changed, body, issued_at) \
             VALUES ('doc_1', 'app_1', 'CODE', 'sktm', 'ofc_1', 'VALID', 1, 1, '', {AT})"
        );
        let revision = format!(
            "INSERT INTO document_revision (document_id, revision, file_id, sha256, signed_at) VALUES ('doc_1', 1, 'fil_1', 'f00d', {AT})"
        );
        for sql in [
            application("app_1", "ISSUED"),
            application("app_2", "AWAITING_PAYMENT"),
            item("app_2"),
            document,
            revision,
        ] {
            db.execute_unprepared(&sql).await.unwrap();
        }
        assert!(
            db.execute_unprepared(&application("app_3", "AWAITING_SCAN")).await.is_err(),
            "{engine}: not yet"
        );
        run("documents", db).await.unwrap();
        let kept = "SELECT a.body || ' ' || COALESCE(w.kind, d.signature || ' ' || r.media_type) FROM application a \
                    LEFT JOIN work_item w ON w.application_id = a.id LEFT JOIN document d ON d.application_id = a.id \
                    LEFT JOIN document_revision r ON r.document_id = d.id ORDER BY a.id";
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), kept)).await.unwrap();
        let told: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        assert_eq!(told, ["body app_1 ELECTRONIC application/pdf", "body app_2 SCAN"], "{engine}");
        let after = indexes(db).await;
        assert!(before.iter().all(|index| after.contains(index)), "{engine}: {before:?} {after:?}");
        for sql in [application("app_3", "AWAITING_SCAN"), item("app_3")] {
            db.execute_unprepared(&sql).await.unwrap();
        }
        for (sql, why) in [
            (application("app_4", "SOMETHING"), "no state"),
            (application("app_1", "ISSUED").replace("'app_1'", "'app_9'"), "a code names one application"),
            (item("app_9"), "nothing waits that is not there"),
        ] {
            assert!(db.execute_unprepared(&sql).await.is_err(), "{engine}: {why}");
        }
    }
}

/// The indexes of applications and of what waits.
async fn indexes(db: &DatabaseConnection) -> Vec<String> {
    let sql = if db.get_database_backend() == DbBackend::Postgres {
        "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND indexname NOT LIKE '%key' \
         AND tablename IN ('application', 'work_item') ORDER BY 1"
    } else {
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL \
         AND tbl_name IN ('application', 'work_item') ORDER BY 1"
    };
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// What was digested with the secret of a hall says nothing any more when the hall has another one.
#[tokio::test]
async fn halls_of_before_get_new_secrets() {
    for engine in ENGINES {
        let test = fresh_db(engine).await;
        let db = &test.db.write;
        queue::Migrator::up(db, Some(1)).await.unwrap();
        let old = if db.get_database_backend() == DbBackend::Postgres {
            "decode(repeat('ab', 32), 'hex')"
        } else {
            "zeroblob(32)"
        };
        for id in ["hal_1", "hal_2"] {
            let sql = format!(
                "INSERT INTO queue_hall VALUES ('{id}', 'code {id}', {old}, '2026-03-02 01:00:00+00:00')"
            );
            db.execute_unprepared(&sql).await.unwrap();
        }
        run("queue", db).await.unwrap();
        let sql = format!("SELECT secret FROM queue_hall WHERE secret <> {old} ORDER BY id");
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        let secrets: Vec<Vec<u8>> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        assert_eq!(secrets.iter().map(Vec::len).collect::<Vec<_>>(), [32, 32], "{engine}");
        assert_ne!(secrets[0], secrets[1], "{engine}");
    }
}

/// Cases that were there before the map are on it after: each where the service would round it to.
#[tokio::test]
async fn cases_of_before_lie_on_the_grid_of_the_map() {
    const AT: &str = "'2026-11-23 01:00:00+00:00'";
    for test in databases().await {
        let db = &test.db.write;
        complaints::Migrator::up(db, Some(2)).await.unwrap();
        for (id, point) in
            [("cmp_1", "-3.123456, 102.234567"), ("cmp_2", "-3.125, 102.235"), ("cmp_3", "NULL, NULL")]
        {
            let sql = format!(
                "INSERT INTO complaint (id, number, version, class, state, category, channel, village, latitude, \
                 longitude, lead_agency, desk, secrecy, is_public, is_closed, late, received_at, updated_at, sort_at, body) \
                 VALUES ('{id}', '{id}', 1, 'COMPLAINT', 'NEW', 'JALAN', 'WEB', '', {point}, '', 'coordinator', 'OPEN', \
                 FALSE, FALSE, FALSE, {AT}, {AT}, {AT}, 'body')"
            );
            db.execute_unprepared(&sql).await.unwrap();
        }
        run("complaints", db).await.unwrap();
        let sql = "SELECT grid_lat, grid_lon FROM complaint ORDER BY id";
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        let found: Vec<(Option<i32>, Option<i32>)> = rows
            .iter()
            .map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap()))
            .collect();
        let expected = [(Some(-312), Some(10_223)), (Some(-313), Some(10_224)), (None, None)];
        assert_eq!(found, expected, "{}", test.engine);
    }
}

/// Help that was not finished ends with the case that was closed before, and a chat is as old as its last message.
#[tokio::test]
async fn help_and_chats_of_before_end_with_their_cases_and_messages() {
    const AT: &str = "'2026-11-23 01:00:00+00:00'";
    const CLOSED: &str = "'2026-11-24 01:00:00+00:00'";
    for test in databases().await {
        let db = &test.db.write;
        complaints::Migrator::up(db, Some(8)).await.unwrap();
        for (id, state, is_closed, closed, done) in [
            ("cmp_1", "IN_PROGRESS", "FALSE", "NULL", "NULL"),
            ("cmp_2", "SETTLED", "TRUE", CLOSED, "NULL"),
            ("cmp_3", "SETTLED", "TRUE", CLOSED, AT),
        ] {
            let sql = format!(
                "INSERT INTO complaint (id, number, version, class, state, category, channel, village, lead_agency, desk, secrecy, \
                 is_public, late, received_at, updated_at, sort_at, body, is_closed, closed_at) \
                 VALUES ('{id}', '{id}', 1, 'COMPLAINT', '{state}', 'JALAN', 'WEB', '', '17.07/pupr', '17.07/pupr', 'OPEN', \
                 FALSE, FALSE, {AT}, {AT}, {AT}, 'body', {is_closed}, {closed})"
            );
            db.execute_unprepared(&sql).await.unwrap();
            db.execute_unprepared(&format!(
                "INSERT INTO helper VALUES ('{id}', '17.07/dinkes', {AT}, {done})"
            ))
            .await
            .unwrap();
        }
        for (chat, asked) in [("a", "NULL"), ("b", "NULL"), ("c", AT)] {
            db.execute_unprepared(&format!("INSERT INTO chat VALUES ('{chat}', 1, {asked}, 'body')"))
                .await
                .unwrap();
        }
        for (message, arrived) in [("m1", AT), ("m2", CLOSED)] {
            let sql = format!(
                "INSERT INTO channel_message VALUES ('WHATSAPP', 'utama', '{message}', 'a', 'PLACED', 'cmp_1', 'body', {AT}, {arrived}, 0, {AT})"
            );
            db.execute_unprepared(&sql).await.unwrap();
        }
        run("complaints", db).await.unwrap();
        let texts = async |sql: &str| {
            let rows =
                db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
            rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect::<Vec<_>>()
        };
        let left = "SELECT complaint_id FROM helper WHERE done_at IS NULL";
        assert_eq!(texts(left).await, ["cmp_1"], "{}", test.engine);
        let ended = format!("SELECT complaint_id FROM helper WHERE done_at = {CLOSED}");
        assert_eq!(texts(&ended).await, ["cmp_2"], "{}", test.engine);
        let kept = format!(
            "SELECT conversation FROM chat WHERE touched_at = {CLOSED} OR (conversation = 'c' AND touched_at = {AT}) ORDER BY 1"
        );
        assert_eq!(texts(&kept).await, ["a", "c"], "{}", test.engine);
        assert_eq!(texts("SELECT conversation FROM chat ORDER BY 1").await, ["a", "c"], "{}", test.engine);
    }
}

/// What a hall waits for in each commit is done the fast way, where the server has it; what was written before is read as before.
#[tokio::test]
async fn bodies_of_the_log_are_compressed_by_the_faster_method_where_there_is_one() {
    let test = fresh_db(mpp_kit::testing::Engine::Postgres).await;
    let db = &test.db.write;
    let text = async |sql: &str| -> Vec<String> {
        let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
        rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
    };
    queue::Migrator::up(db, Some(2)).await.unwrap();
    let write = |seq: u32| {
        format!(
            "INSERT INTO queue_event (hall, seq, epoch, event_id, date, kind, actor, actor_kind, at, chain, body)
             VALUES ('hal_1', {seq}, 1, 'evt_{seq}', '2026-03-02', 'day_opened', 'acc_1', 'staff',
                     '2026-03-02 01:00:00+00:00', '', repeat('the same again ', 500))"
        )
    };
    db.execute_unprepared(&write(1)).await.unwrap();
    run("queue", db).await.unwrap();
    db.execute_unprepared(&write(2)).await.unwrap();
    let fast =
        "SELECT 'lz4' FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)";
    let method = text(fast).await.first().cloned().unwrap_or_else(|| "pglz".to_owned());
    let used = text("SELECT pg_column_compression(body) FROM queue_event ORDER BY seq").await;
    assert_eq!(used, ["pglz".to_owned(), method]);
    let read = text("SELECT DISTINCT body FROM queue_event").await;
    assert_eq!(read, ["the same again ".repeat(500)]);
}

/// A ticket is written again with each of its steps. That touches none of its indexes.
#[tokio::test]
async fn a_ticket_that_is_written_again_leaves_its_indexes_alone() {
    let test = fresh_db(mpp_kit::testing::Engine::Postgres).await;
    run("queue", &test.db.write).await.unwrap();
    let tx = test.db.begin().await.unwrap();
    for nth in 0..40 {
        // As long as a ticket is, and of letters that do not compress to nothing.
        let insert = format!(
            "INSERT INTO queue_ticket (id, hall, date, series, ordinal, number, token, version, state, service_id, agency_id,
                 arrived_at, body)
             SELECT 'tkt_{nth}', 'hal_1', '2026-03-02', 'A', {nth}, 'A{nth}', 'token {nth}', 1, 'waiting', 'svc_1', 'agc_1',
                 '2026-03-02 01:00:00+00:00', string_agg(md5(n::text || '{nth}'), '') FROM generate_series(1, 45) AS n"
        );
        tx.execute_unprepared(&insert).await.unwrap();
    }
    let step =
        "UPDATE queue_ticket SET version = 2, state = 'called', counter_id = 'ctr_1', body = body || ' '";
    tx.execute_unprepared(step).await.unwrap();
    let sql = "SELECT pg_stat_get_xact_tuples_hot_updated('queue_ticket'::regclass)";
    let row = tx.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 40);
}

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::caller::{Caller, CallerKind};
use mpp_kit::fault::{Fault as _, Language, Problem};
use mpp_kit::idempotency::{KEEP, Key, Once, once, purge};
use mpp_kit::testing::{TestDb, databases};
use mpp_migrations::shared;
use sea_orm::{ConnectionTrait, Statement};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn key(request_id: &str) -> Key<'_> {
    Key { principal: "acc_1", method: "mpp.queue.v1.QueueService/IssueTicket", request_id }
}

async fn prepared() -> Vec<TestDb> {
    let tests = databases().await;
    for test in &tests {
        test.db.write.execute(&shared::idempotency()).await.unwrap();
        test.db.write.execute(&shared::idempotency_age()).await.unwrap();
    }
    tests
}

async fn attempt(test: &TestDb, key: Key<'_>, fingerprint: &[u8], answer: &str) -> Result<Once, Problem> {
    let tx = test.db.begin().await?;
    let answer =
        once(&tx, key, fingerprint, NOW, || async { Ok::<_, Problem>(answer.as_bytes().to_vec()) }).await?;
    tx.commit().await?;
    Ok(answer)
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer() {
    for test in prepared().await {
        assert_eq!(attempt(&test, key("r1"), b"body", "one").await.unwrap(), Once::Run(b"one".to_vec()));
        assert_eq!(attempt(&test, key("r1"), b"body", "two").await.unwrap(), Once::Replay(b"one".to_vec()));
        let other = Key { principal: "acc_2", ..key("r1") };
        assert_eq!(attempt(&test, other, b"body", "three").await.unwrap(), Once::Run(b"three".to_vec()));
        let reused = attempt(&test, key("r1"), b"another body", "four").await.unwrap_err();
        assert_eq!((reused.code, reused.reason), (tonic::Code::FailedPrecondition, "REQUEST_ID_REUSED"));
        assert_eq!(attempt(&test, key(""), b"body", "five").await.unwrap(), Once::Run(b"five".to_vec()));
        assert_eq!(attempt(&test, key(""), b"body", "six").await.unwrap(), Once::Run(b"six".to_vec()));
    }
}

#[test]
fn a_service_account_gives_a_key_with_each_change() {
    let method = "mpp.documents.v1.DocumentsService/CreateWebhook";
    let person =
        Caller { id: "acc_1".to_owned(), kind: CallerKind::Staff, ..Caller::anonymous(Language::Id) };
    let service = Caller { is_service: true, ..person.clone() };
    let key = Key::of(&service, method, "r1").unwrap();
    assert_eq!((key.principal, key.method, key.request_id), ("acc_1", method, "r1"));
    let refused = Key::of(&service, method, "").unwrap_err().problem();
    assert_eq!((refused.code, refused.reason), (tonic::Code::InvalidArgument, "IDEMPOTENCY_KEY_REQUIRED"));
    for other in [person, Caller::anonymous(Language::Id), Caller::system()] {
        assert_eq!(
            Key::of(&other, method, "").unwrap().principal,
            other.id,
            "who presses a button sees what it did"
        );
    }
}

#[tokio::test]
async fn a_failed_request_leaves_nothing_behind() {
    for test in prepared().await {
        let tx = test.db.begin().await.unwrap();
        let failed = once(&tx, key("r1"), b"body", NOW, || async { Err::<Vec<u8>, _>(Problem::denied()) })
            .await
            .unwrap_err();
        assert_eq!(failed.reason, "PERMISSION_DENIED");
        drop(tx);
        assert_eq!(attempt(&test, key("r1"), b"body", "one").await.unwrap(), Once::Run(b"one".to_vec()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_runs_and_all_get_its_answer() {
    for test in prepared().await {
        let test = std::sync::Arc::new(test);
        let mut tasks = Vec::new();
        for index in 0..16 {
            let test = std::sync::Arc::clone(&test);
            tasks.push(tokio::spawn(async move {
                attempt(&test, key("r1"), b"body", &index.to_string()).await.unwrap()
            }));
        }
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        assert_eq!(
            answers.iter().filter(|answer| matches!(answer, Once::Run(_))).count(),
            1,
            "{}",
            test.engine
        );
        let first = answers[0].clone().into_bytes();
        assert!(answers.into_iter().all(|answer| answer.into_bytes() == first), "{}", test.engine);
    }
}

#[tokio::test]
async fn old_answers_are_forgotten() {
    for test in prepared().await {
        attempt(&test, key("r1"), b"body", "one").await.unwrap();
        let over = NOW + TimeDelta::hours(72);
        assert_eq!(purge(&test.db.write, over).await.unwrap(), 0);
        assert_eq!(attempt(&test, key("r1"), b"body", "two").await.unwrap(), Once::Replay(b"one".to_vec()));
        assert_eq!(purge(&test.db.write, over + TimeDelta::seconds(1)).await.unwrap(), 1);
        assert_eq!(attempt(&test, key("r1"), b"body", "two").await.unwrap(), Once::Run(b"two".to_vec()));
    }
}

/// However much is over, a pass ends, and takes what is oldest by the index of ages.
#[tokio::test]
async fn a_pass_forgets_so_many_and_no_more() {
    for test in prepared().await {
        let db = &test.db.write;
        let backend = db.get_database_backend();
        let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10500) \
                    INSERT INTO idempotency (principal, method, request_id, fingerprint, created_at) \
                    SELECT 'acc_1', 'm', 'r' || i, $1, $2 FROM n";
        let old = [b"body".to_vec().into(), NOW.into()];
        db.execute_raw(Statement::from_sql_and_values(backend, rows, old)).await.unwrap();
        let now = NOW + KEEP + TimeDelta::seconds(1);
        attempt(&test, key("young"), b"body", "one").await.unwrap();
        db.execute_raw(Statement::from_sql_and_values(
            backend,
            "UPDATE idempotency SET created_at = $1 WHERE request_id = 'young'",
            [now.into()],
        ))
        .await
        .unwrap();
        assert_eq!(purge(db, now).await.unwrap(), 10_000, "{}", test.engine);
        assert_eq!(purge(db, now).await.unwrap(), 500, "{}", test.engine);
        assert_eq!(purge(db, now).await.unwrap(), 0, "{}", test.engine);
        let again = attempt(&test, key("young"), b"body", "two").await.unwrap();
        assert_eq!(again, Once::Replay(b"one".to_vec()), "{}", test.engine);
    }
}

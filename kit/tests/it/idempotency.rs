use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::caller::{Caller, CallerKind};
use mpp_kit::fault::{Fault as _, Language, Problem};
use mpp_kit::idempotency::{Key, Once, once, purge};
use mpp_kit::testing::{TestDb, databases};
use mpp_migrations::shared;
use sea_orm::ConnectionTrait;

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
        assert_eq!(purge(&test.db.write, NOW).await.unwrap(), 0);
        assert_eq!(purge(&test.db.write, NOW + TimeDelta::seconds(1)).await.unwrap(), 1);
        assert_eq!(attempt(&test, key("r1"), b"body", "two").await.unwrap(), Once::Run(b"two".to_vec()));
    }
}

use chrono::{DateTime, Utc};
use mpp_kit::journal::{Entry, Sound, VerifyError, append, read, verify, verify_since};
use mpp_kit::testing::{TestDb, databases};
use mpp_migrations::shared;
use sea_orm::ConnectionTrait;

fn entry(what: &str) -> Entry {
    Entry {
        // Finer than PostgreSQL keeps: the hash must survive the way.
        at: DateTime::<Utc>::from_timestamp(1_800_000_000, 123_456_789).unwrap(),
        who: "acc_1".into(),
        what: what.into(),
        subject: "tkt_1".into(),
        from: Some("waiting".into()),
        to: None,
        detail: "{}".into(),
        request_id: "r".into(),
        trace_id: String::new(),
    }
}

async fn write(test: &TestDb, what: &str) -> i64 {
    let tx = test.db.begin().await.unwrap();
    let seq = append(&tx, &entry(what)).await.unwrap();
    tx.commit().await.unwrap();
    seq
}

async fn prepared(entries: usize) -> Vec<TestDb> {
    let tests = databases().await;
    for test in &tests {
        test.db.write.execute(&shared::journal()).await.unwrap();
        test.db.write.execute(&shared::journal_subject()).await.unwrap();
        for number in 0..entries {
            write(test, &format!("ticket.{number}")).await;
        }
    }
    tests
}

#[tokio::test]
async fn a_journal_that_nobody_touched_is_sound() {
    for test in prepared(3).await {
        let sound = verify(&test.db.read).await.unwrap();
        assert_eq!(sound.entries, 3);
        let entries = read(&test.db.read, Some("tkt_1"), 1, 10).await.unwrap();
        assert_eq!(entries.iter().map(|found| found.seq).collect::<Vec<_>>(), [2, 3]);
        assert_eq!((entries[1].entry.what.as_str(), &entries[1].hash), ("ticket.2", &sound.head));
    }
}

#[tokio::test]
async fn a_changed_or_missing_entry_is_found() {
    for test in prepared(3).await {
        test.db.write.execute_unprepared("UPDATE journal SET who = 'acc_9' WHERE seq = 2").await.unwrap();
        assert!(
            matches!(verify(&test.db.read).await, Err(VerifyError::Changed { seq: 2 })),
            "{}",
            test.engine
        );
        test.db.write.execute_unprepared("UPDATE journal SET who = 'acc_1' WHERE seq = 2").await.unwrap();
        verify(&test.db.read).await.unwrap();
        // An absent text is not the same as an empty one.
        test.db.write.execute_unprepared("UPDATE journal SET to_state = '' WHERE seq = 3").await.unwrap();
        assert!(
            matches!(verify(&test.db.read).await, Err(VerifyError::Changed { seq: 3 })),
            "{}",
            test.engine
        );
        test.db.write.execute_unprepared("DELETE FROM journal WHERE seq = 2").await.unwrap();
        let gap = verify(&test.db.read).await;
        assert!(matches!(gap, Err(VerifyError::Gap { expected: 2, found: 3 })), "{}", test.engine);
    }
}

/// What was noted elsewhere shows what a chain by itself cannot: that its end was cut off, or that all of it was written anew.
#[tokio::test]
async fn a_journal_that_is_not_the_one_that_was_noted_is_found() {
    for test in prepared(3).await {
        let sound = verify(&test.db.read).await.unwrap();
        let noted: Sound = sound.to_string().parse().unwrap();
        assert_eq!(noted, sound);
        write(&test, "ticket.3").await;
        assert_eq!(verify_since(&test.db.read, Some(&noted)).await.unwrap().entries, 4, "it went on");
        test.db.write.execute_unprepared("DELETE FROM journal WHERE seq > 2").await.unwrap();
        assert_eq!(verify(&test.db.read).await.unwrap().entries, 2, "by itself it is sound");
        let cut = verify_since(&test.db.read, Some(&noted)).await;
        assert!(matches!(cut, Err(VerifyError::NotAsNoted { seq: 3 })), "{}", test.engine);
        write(&test, "ticket.lain").await;
        write(&test, "ticket.lain").await;
        assert_eq!(verify(&test.db.read).await.unwrap().entries, 4);
        let anew = verify_since(&test.db.read, Some(&noted)).await;
        assert!(matches!(anew, Err(VerifyError::NotAsNoted { seq: 3 })), "{}", test.engine);
    }
    for wrong in ["", "3", "3 abc", "3 00", "tiga 00", &format!("-1 {}", "00".repeat(32))] {
        wrong.parse::<Sound>().unwrap_err();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writers_keep_one_chain() {
    for test in prepared(0).await {
        let test = std::sync::Arc::new(test);
        let tasks: Vec<_> = (0..12)
            .map(|number| {
                let test = std::sync::Arc::clone(&test);
                tokio::spawn(async move { write(&test, &format!("ticket.{number}")).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(verify(&test.db.read).await.unwrap().entries, 12, "{}", test.engine);
    }
}

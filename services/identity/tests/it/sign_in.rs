//! Signing in with name and password, and the lock against guessing.

use std::time::Duration;

use chrono::TimeDelta;
use mpp_identity::{Argon2Costs, Config};
use mpp_proto::identity::v1 as proto;
use sea_orm::{ConnectionTrait as _, sea_query::Query};
use tonic::{Code, Request, Status};

use crate::harness::{PASSWORD, World, details, grant, on_both, reason, small_costs, violations};

const WRONG: &str = "teh manis di meja dua";

async fn reason_of(world: &World, username: &str, password: &str) -> String {
    world
        .sign_in(username, password)
        .await
        .err()
        .map_or_else(|| "OPENED".to_owned(), |status| reason(&status))
}

#[tokio::test]
async fn a_member_of_staff_signs_in_and_is_told_who_they_are() {
    on_both(async |world: World| {
        let created = world.account("ani", vec![grant(proto::Role::Counter)]).await;
        let signed_in = world.sign_in("ani", PASSWORD).await.unwrap();
        assert_eq!(signed_in.account.as_ref(), Some(&created));
        assert_eq!(signed_in.expires_in, 600);
        // 256 bits as base64url.
        assert_eq!(signed_in.secret.len(), 43);
        let again = world.sign_in(" Ani ", PASSWORD).await.unwrap();
        assert_ne!(
            again.secret, signed_in.secret,
            "case and blanks of a typed name do not matter; sessions are new"
        );
        let opened = world.journal_of("session.created").await;
        assert_eq!(opened.len(), 2);
        assert_eq!(opened[0].who, created.id);
        assert!(opened[0].subject.starts_with("ses_"));
    })
    .await;
}

#[tokio::test]
async fn an_unknown_name_a_wrong_password_and_a_disabled_account_get_the_very_same_answer() {
    on_both(async |world: World| {
        world.account("ani", vec![grant(proto::Role::Counter)]).await;
        let disabled = world.account("budi", vec![grant(proto::Role::Counter)]).await;
        world.disable("budi").await;
        let mut answers: Vec<Status> = Vec::new();
        for (username, password) in
            [("nobody", PASSWORD), ("ani", WRONG), ("budi", PASSWORD), ("budi", WRONG)]
        {
            answers.push(world.sign_in(username, password).await.err().unwrap());
        }
        for answer in &answers {
            assert_eq!(answer.code(), Code::Unauthenticated);
            assert_eq!(reason(answer), "INVALID_CREDENTIALS");
            assert_eq!((answer.message(), answer.details()), (answers[0].message(), answers[0].details()));
        }
        let subjects: Vec<String> =
            world.journal_of("sign_in.refused").await.into_iter().map(|e| e.subject).collect();
        assert_eq!(subjects.len(), 4);
        assert_eq!((&*subjects[0], &subjects[2]), ("unknown", &disabled.id));
    })
    .await;
}

#[tokio::test]
async fn five_quick_failures_lock_the_name_for_a_second_then_for_twice_as_long_and_a_success_forgets_them() {
    on_both(async |world: World| {
        world.account("ani", vec![grant(proto::Role::Counter)]).await;
        for _ in 0..5 {
            assert_eq!(reason_of(&world, "ani", WRONG).await, "INVALID_CREDENTIALS");
        }
        let locked = world.sign_in("ani", PASSWORD).await.err().unwrap();
        assert_eq!((locked.code(), &*reason(&locked)), (Code::ResourceExhausted, "ACCOUNT_LOCKED"));
        assert_eq!(details(&locked).retry_info().unwrap().retry_delay, Some(Duration::from_secs(1)));
        world.advance(TimeDelta::seconds(1));
        assert_eq!(reason_of(&world, "ani", WRONG).await, "INVALID_CREDENTIALS");
        world.advance(TimeDelta::seconds(1));
        assert_eq!(
            reason_of(&world, "ani", PASSWORD).await,
            "ACCOUNT_LOCKED",
            "the sixth failure locks for two seconds"
        );
        world.advance(TimeDelta::seconds(1));
        assert_eq!(reason_of(&world, "ani", PASSWORD).await, "OPENED");
        for _ in 0..4 {
            assert_eq!(reason_of(&world, "ani", WRONG).await, "INVALID_CREDENTIALS");
        }
        assert_eq!(
            reason_of(&world, "ani", PASSWORD).await,
            "OPENED",
            "the success had forgotten the earlier failures"
        );
    })
    .await;
}

#[tokio::test]
async fn a_lock_tells_nothing_about_whether_the_account_exists() {
    on_both(async |world: World| {
        world.account("ani", vec![grant(proto::Role::Counter)]).await;
        let mut histories = Vec::new();
        for username in ["ani", "nobody"] {
            let mut history = Vec::new();
            for step in 0..12 {
                let answer = world.sign_in(username, WRONG).await.err().unwrap();
                history.push((answer.code(), answer.message().to_owned(), answer.details().to_vec()));
                if step % 3 == 2 {
                    world.advance(TimeDelta::seconds(1));
                }
            }
            histories.push(history);
        }
        assert!(histories[0].iter().any(|(code, _, _)| *code == Code::ResourceExhausted));
        assert_eq!(histories[0], histories[1]);
    })
    .await;
}

#[tokio::test]
async fn a_lock_survives_a_restart_and_locks_nobody_else() {
    on_both(async |world: World| {
        world.account("ani", vec![grant(proto::Role::Counter)]).await;
        world.account("budi", vec![grant(proto::Role::Counter)]).await;
        for _ in 0..5 {
            assert_eq!(reason_of(&world, "ani", WRONG).await, "INVALID_CREDENTIALS");
        }
        let world = world.restart(small_costs()).await;
        assert_eq!(reason_of(&world, "ani", PASSWORD).await, "ACCOUNT_LOCKED");
        assert_eq!(reason_of(&world, "budi", PASSWORD).await, "OPENED");
    })
    .await;
}

/// The clock stands still, so the lock cannot run out while the guesses do.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_in_parallel_do_not_outrun_the_lock() {
    on_both(async |world: World| {
        world.account("ani", vec![grant(proto::Role::Counter)]).await;
        let guesses = (0..40).map(|number| {
            let mut client = world.client.clone();
            let request = proto::CreateSessionRequest {
                username: "ani".to_owned(),
                password: format!("tebakan ke-{number} salah"),
            };
            tokio::spawn(
                async move { client.create_session(request).await.err().map(|status| reason(&status)) },
            )
        });
        let guesses: Vec<_> = guesses.collect();
        let mut looked_at = 0;
        for guess in guesses {
            match guess.await.unwrap().as_deref() {
                Some("INVALID_CREDENTIALS") => looked_at += 1,
                Some("ACCOUNT_LOCKED") => {}
                other => panic!("{other:?}"),
            }
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        assert!((5..5 + cores).contains(&looked_at), "{looked_at} passwords were looked at");
    })
    .await;
}

/// People type identity numbers and passwords into the wrong field.
#[tokio::test]
async fn what_was_typed_at_a_failed_sign_in_stands_in_no_table() {
    on_both(async |world: World| {
        let typed = "3201010101900001";
        assert_eq!(reason_of(&world, typed, "rahasia yang salah ketik").await, "INVALID_CREDENTIALS");
        let db = &world.test_db.db.read;
        let failures = Query::select().columns(["name_digest"]).from("sign_in_failure").to_owned();
        let digests = db.query_all(&failures).await.unwrap();
        assert_eq!(digests.len(), 1);
        let digest: String = digests[0].try_get("", "name_digest").unwrap();
        assert_eq!(digest.len(), 64);
        let journal = format!("{:?}", world.journal().await);
        assert!(journal.contains("sign_in.refused"));
        for secret in [typed, "rahasia"] {
            assert!(!journal.contains(secret) && !digest.contains(secret));
        }
    })
    .await;
}

#[tokio::test]
async fn no_password_and_no_session_secret_is_stored_in_the_clear() {
    on_both(async |world: World| {
        world.account("ani", vec![grant(proto::Role::Counter)]).await;
        let signed_in = world.sign_in("ani", PASSWORD).await.unwrap();
        let db = &world.test_db.db.read;
        let select = Query::select().columns(["password_hash"]).from("account").to_owned();
        let hash: String =
            db.query_one(&select).await.unwrap().unwrap().try_get("", "password_hash").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=16,t=1,p=1$"), "{hash}");
        let select = Query::select().columns(["secret_digest"]).from("session").to_owned();
        let digest: String =
            db.query_one(&select).await.unwrap().unwrap().try_get("", "secret_digest").unwrap();
        assert!(digest.len() == 64 && !digest.contains(&signed_in.secret));
    })
    .await;
}

#[tokio::test]
async fn a_hash_made_at_other_costs_is_renewed_at_the_next_sign_in() {
    on_both(async |world: World| {
        world.account("ani", vec![grant(proto::Role::Counter)]).await;
        let dearer =
            Config { argon2: Argon2Costs { memory_kib: 32, passes: 2, lanes: 1 }, ..Config::default() };
        let world = world.restart(dearer).await;
        for _ in 0..2 {
            assert_eq!(reason_of(&world, "ani", PASSWORD).await, "OPENED");
        }
        let select = Query::select().columns(["password_hash"]).from("account").to_owned();
        let row = world.test_db.db.read.query_one(&select).await.unwrap().unwrap();
        let hash: String = row.try_get("", "password_hash").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=32,t=2,p=1$"), "{hash}");
    })
    .await;
}

#[tokio::test]
async fn an_empty_form_is_refused_field_by_field_in_the_language_of_the_caller() {
    on_both(async |world: World| {
        let mut request = Request::new(proto::CreateSessionRequest::default());
        request.metadata_mut().insert("accept-language", "en".parse().unwrap());
        let refused = world.client.clone().create_session(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let fields =
            [("password", "REQUIRED"), ("username", "REQUIRED")].map(|(f, r)| (f.to_owned(), r.to_owned()));
        assert_eq!(violations(&refused), fields.into());
        let wrong = world.sign_in("ani", WRONG).await.err().unwrap();
        let message = details(&wrong).localized_message().unwrap().message.clone();
        assert_eq!(message, "Nama pengguna atau kata sandi salah.", "Indonesian by default");
    })
    .await;
}

//! What recurs: the rotation of signing keys, and sweeping up what is over.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::{
    cipher::Cipher,
    component::{Env, Worker},
    db::{Db, violated_constraint},
    idempotency, journal,
};
use sea_orm::{DatabaseTransaction, DbErr};

use crate::{
    config::Config,
    crypto::signing::KeyPair,
    domain::{
        lockout,
        signing_key::{self, KeyState, Step},
    },
    metrics::DeviceWatch,
    rpc::entry,
    store,
};

/// How often the worker looks.
const EVERY: Duration = Duration::from_secs(60);
/// Sessions that are over are kept this long, so that an operator can still see them.
const KEEP_SESSIONS: TimeDelta = TimeDelta::days(7);
/// Devices whose silence is measured; far more than an installation has.
const DEVICES_WATCHED: u64 = 10_000;

/// The worker: a tick a minute until the process ends.
pub(crate) fn upkeep(env: &Env, (db, cipher): (Db, Cipher), config: Config) -> Worker {
    let state = ((db, cipher), config, DeviceWatch::new(), env.clock.clone());
    Worker::repeating("identity: upkeep", env, EVERY, state, |((db, cipher), config, watch, clock)| {
        Box::pin(tick((db, cipher), config, watch, clock.now()))
    })
}

/// Does what is due now. Again changes nothing.
pub(crate) async fn tick(
    (db, cipher): (&Db, &Cipher),
    config: &Config,
    watch: &DeviceWatch,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let keys = store::signing_key::list(&db.read).await?;
    let steps = signing_key::due(&keys, now, config.rotate_after());
    take((db, cipher), &steps, now).await?;
    let absolute = config.lifetimes().absolute;
    store::session::sweep(&db.write, now - KEEP_SESSIONS, now - KEEP_SESSIONS - absolute).await?;
    store::failure::sweep(&db.write, now - lockout::FORGET_AFTER).await?;
    idempotency::purge(&db.write, now).await?;
    watch.record(&store::device::list(&db.read, None, None, DEVICES_WATCHED).await?, now);
    Ok(())
}

/// Makes the first key if there is none, and seals what stands in clear.
pub(crate) async fn ensure_key((db, cipher): (&Db, &Cipher), now: DateTime<Utc>) -> anyhow::Result<()> {
    let keys = store::signing_key::list(&db.read).await?;
    if keys.iter().any(|key| key.state == KeyState::Active) {
        store::signing_key::seal_clear(&db.write, cipher).await.context("sealing the signing keys")
    } else {
        take((db, cipher), &[Step::Bootstrap], now).await
    }
}

/// Replaces the key that signs at once, whatever its age. The replaced key verifies for another
/// [`signing_key::RETAIN_FOR`]. Verifiers that do not know the new key yet ask for it when they first meet it.
///
/// # Errors
/// When the database fails, or another process rotates at the same moment.
pub async fn rotate(db: &Db, cipher: &Cipher, now: DateTime<Utc>) -> anyhow::Result<()> {
    let keys = store::signing_key::list(&db.read).await?;
    let next = keys.into_iter().find(|key| key.state == KeyState::Next);
    take((db, cipher), &[next.map_or(Step::Replace, |next| Step::Activate(next.kid))], now).await
}

/// Takes steps, in one transaction. When another instance is taking the same, theirs hold and these do not.
async fn take((db, cipher): (&Db, &Cipher), steps: &[Step], now: DateTime<Utc>) -> anyhow::Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let tx = db.begin().await?;
    for step in steps {
        match take_one(&tx, cipher, step, now).await {
            Ok(()) => {}
            Err(StepError::Lost) => {
                tracing::debug!("another instance rotates the signing keys");
                return Ok(());
            }
            Err(StepError::Failed(error)) => return Err(error).context("rotating the signing keys"),
        }
    }
    tx.commit().await?;
    Ok(())
}

enum StepError {
    /// Another instance was faster.
    Lost,
    Failed(anyhow::Error),
}

impl From<DbErr> for StepError {
    fn from(error: DbErr) -> Self {
        // That there is one next and one active key is a unique index.
        if violated_constraint(&error).is_some() { Self::Lost } else { Self::Failed(error.into()) }
    }
}

async fn take_one(
    tx: &DatabaseTransaction,
    cipher: &Cipher,
    step: &Step,
    now: DateTime<Utc>,
) -> Result<(), StepError> {
    let (what, kid) = match step {
        Step::Publish => ("signing_key.published", create(tx, cipher, KeyState::Next, now).await?),
        // Does not retire: a key that another instance has made meanwhile is to stay.
        Step::Bootstrap => ("signing_key.activated", create(tx, cipher, KeyState::Active, now).await?),
        Step::Replace => {
            store::signing_key::retire_active(tx, now).await?;
            ("signing_key.activated", create(tx, cipher, KeyState::Active, now).await?)
        }
        Step::Activate(kid) => {
            store::signing_key::retire_active(tx, now).await?;
            if !store::signing_key::activate(tx, kid, now).await? {
                return Err(StepError::Lost);
            }
            ("signing_key.activated", kid.clone())
        }
        Step::Forget(kid) => {
            store::signing_key::forget(tx, kid).await?;
            ("signing_key.forgotten", kid.clone())
        }
    };
    journal::append(tx, &entry("system", what, kid, now)).await?;
    Ok(())
}

async fn create(
    tx: &DatabaseTransaction,
    cipher: &Cipher,
    state: KeyState,
    now: DateTime<Utc>,
) -> Result<String, StepError> {
    let pair = KeyPair::generate().map_err(StepError::Failed)?;
    store::signing_key::insert(tx, cipher, &pair, state, now).await?;
    Ok(pair.kid)
}

#[cfg(test)]
mod tests {
    use mpp_kit::testing::{ENGINES, TestDb, fresh_db, meters};
    use sea_orm::{ConnectionTrait as _, sea_query::Query};
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::crypto::digest::random_secret;
    use crate::domain::{
        DeviceId, HallId,
        device::{Device, DeviceKind},
    };

    async fn on_both(test: impl AsyncFn(TestDb)) {
        for engine in ENGINES {
            let test_db = fresh_db(engine).await;
            mpp_migrations::run("identity", &test_db.db.write).await.unwrap();
            test(test_db).await;
        }
    }

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    async fn states(db: &Db) -> Vec<KeyState> {
        store::signing_key::list(&db.read).await.unwrap().into_iter().map(|key| key.state).collect()
    }

    #[tokio::test]
    async fn a_key_signs_for_thirty_days_and_its_successor_is_published_a_day_before() {
        on_both(async |test: TestDb| {
            let (db, config) = (&test.db, Config::default());
            let cipher = Cipher::new([7; 32], "test");
            let day = |days: i64| start() + TimeDelta::days(days);
            tick((db, &cipher), &config, &DeviceWatch::new(), start()).await.unwrap();
            assert_eq!(states(db).await, [KeyState::Active]);
            let first = store::signing_key::active(&db.read, &cipher).await.unwrap().unwrap().0;

            tick((db, &cipher), &config, &DeviceWatch::new(), day(29) - TimeDelta::seconds(1)).await.unwrap();
            assert_eq!(states(db).await, [KeyState::Active]);
            tick((db, &cipher), &config, &DeviceWatch::new(), day(29)).await.unwrap();
            tick((db, &cipher), &config, &DeviceWatch::new(), day(29)).await.unwrap();
            assert_eq!(states(db).await, [KeyState::Next, KeyState::Active]);
            assert_eq!(store::signing_key::active(&db.read, &cipher).await.unwrap().unwrap().0, first);
            assert_eq!(
                store::signing_key::public(&db.read).await.unwrap().len(),
                2,
                "published before it signs"
            );

            tick((db, &cipher), &config, &DeviceWatch::new(), day(30)).await.unwrap();
            assert_eq!(states(db).await, [KeyState::Active, KeyState::Retained]);
            assert_ne!(store::signing_key::active(&db.read, &cipher).await.unwrap().unwrap().0, first);
            let retained = Query::select().columns(["pkcs8", "state"]).from("signing_key").to_owned();
            for row in db.read.query_all(&retained).await.unwrap() {
                let (pkcs8, state): (Option<Vec<u8>>, String) =
                    (row.try_get("", "pkcs8").unwrap(), row.try_get("", "state").unwrap());
                assert_eq!(
                    pkcs8.is_none(),
                    state == "RETAINED",
                    "the private half of a retained key is destroyed"
                );
            }

            tick((db, &cipher), &config, &DeviceWatch::new(), day(31)).await.unwrap();
            assert_eq!(states(db).await, [KeyState::Active]);
            let entries = journal::read(&db.read, None, 0, 100).await.unwrap();
            let what: Vec<String> = entries.into_iter().map(|recorded| recorded.entry.what).collect();
            assert_eq!(
                what,
                [
                    "signing_key.activated",
                    "signing_key.published",
                    "signing_key.activated",
                    "signing_key.forgotten"
                ]
            );
        })
        .await;
    }

    #[tokio::test]
    async fn what_an_earlier_release_wrote_in_clear_is_sealed_at_the_start() {
        on_both(async |test: TestDb| {
            let db = &test.db;
            let cipher = Cipher::new([7; 32], "test");
            let (pair, secret) = (KeyPair::generate().unwrap(), random_secret());
            let clear = pair.pkcs8.expose_secret().to_vec();
            store::signing_key::insert(&db.write, &cipher, &pair, KeyState::Active, start()).await.unwrap();
            let write = Query::update().table("signing_key").value("pkcs8", clear.clone()).to_owned();
            db.write.execute(&write).await.unwrap();
            let write = Query::insert()
                .into_table("service_secret")
                .columns(["name", "value"])
                .values_panic(["root".into(), secret.expose_secret().into()])
                .to_owned();
            db.write.execute(&write).await.unwrap();

            for _ in 0..2 {
                ensure_key((db, &cipher), start()).await.unwrap();
                let found = store::secret::get_or_insert(&db.write, &cipher, &random_secret()).await.unwrap();
                assert_eq!(found.expose_secret(), secret.expose_secret());
                let (kid, found) = store::signing_key::active(&db.read, &cipher).await.unwrap().unwrap();
                assert_eq!((kid, found.expose_secret()), (pair.kid.clone(), clear.as_slice()));
                let key = Query::select().column("pkcs8").from("signing_key").to_owned();
                let key = db.read.query_one(&key).await.unwrap().unwrap();
                assert_ne!(key.try_get::<Vec<u8>>("", "pkcs8").unwrap(), clear);
                let value = Query::select().column("value").from("service_secret").to_owned();
                let value = db.read.query_one(&value).await.unwrap().unwrap();
                assert!(!value.try_get::<String>("", "value").unwrap().contains(secret.expose_secret()));
            }
            let other = Cipher::new([8; 32], "test");
            assert!(store::signing_key::active(&db.read, &other).await.is_err());
            assert!(store::secret::get_or_insert(&db.write, &other, &random_secret()).await.is_err());
        })
        .await;
    }

    #[tokio::test]
    async fn instances_that_start_at_once_agree_on_one_key_and_one_secret() {
        on_both(async |test: TestDb| {
            let mut instances = Vec::new();
            for _ in 0..4 {
                let db = test.connect_again().await;
                instances.push(tokio::spawn(async move {
                    let cipher = Cipher::new([7; 32], "test");
                    ensure_key((&db, &cipher), start()).await.unwrap();
                    let secret =
                        store::secret::get_or_insert(&db.write, &cipher, &random_secret()).await.unwrap();
                    let key = store::signing_key::active(&db.read, &cipher).await.unwrap().unwrap().0;
                    (key, secret.expose_secret().to_owned())
                }));
            }
            let mut found = std::collections::BTreeSet::new();
            for instance in instances {
                found.insert(instance.await.unwrap());
            }
            assert_eq!(found.len(), 1);
        })
        .await;
    }

    /// Line 40 of the queue's list: device last-seen.
    #[tokio::test]
    async fn must_40_how_long_a_device_is_silent_is_told() {
        meters::begin();
        on_both(async |test: TestDb| {
            let (db, config) = (&test.db, Config::default());
            let cipher = Cipher::new([7; 32], "test");
            let watch = DeviceWatch::new();
            let device = Device {
                id: DeviceId::generate(),
                kind: DeviceKind::Board,
                hall: HallId::generate(),
                label: "Papan tengah".to_owned(),
                created_at: start(),
                revoked_at: None,
                last_seen_at: Some(start()),
            };
            store::device::insert(&db.write, &device, "digest".to_owned()).await.unwrap();
            let told = async |seconds: i64| {
                tick((db, &cipher), &config, &watch, start() + TimeDelta::seconds(seconds)).await.unwrap();
                let key =
                    format!("mpp.identity.device.last_seen{{device={},kind={}}}", device.id, device.kind);
                meters::read().await.get(&key).copied()
            };
            assert_eq!(told(60).await, Some(60.0));
            assert_eq!(told(3600).await, Some(3600.0), "it is off");
            assert!(
                store::device::note_seen(&db.write, device.id, start() + TimeDelta::seconds(3640))
                    .await
                    .unwrap()
            );
            assert_eq!(told(3660).await, Some(20.0), "and on again");
        })
        .await;
    }

    #[tokio::test]
    async fn failures_that_no_longer_count_and_answers_nobody_repeats_are_swept_up() {
        on_both(async |test: TestDb| {
            let (db, config) = (&test.db, Config::default());
            let cipher = Cipher::new([7; 32], "test");
            let tx = db.begin().await.unwrap();
            store::failure::count_another(&tx, "old", start()).await.unwrap();
            store::failure::count_another(&tx, "new", start() + TimeDelta::minutes(1)).await.unwrap();
            tx.commit().await.unwrap();
            tick(
                (db, &cipher),
                &config,
                &DeviceWatch::new(),
                start() + lockout::FORGET_AFTER + TimeDelta::seconds(1),
            )
            .await
            .unwrap();
            assert_eq!(store::failure::find(&db.read, "old").await.unwrap(), None);
            assert_eq!(
                store::failure::find(&db.read, "new").await.unwrap().map(|failures| failures.count),
                Some(1)
            );
        })
        .await;
    }
}

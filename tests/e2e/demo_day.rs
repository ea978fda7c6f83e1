//! The demonstration as a test: a Friday of a hall with real hours, played by its people through the public API while the
//! clock of the queue runs six hundred times faster, and every number of it recomputed from the events.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use mpp::demo::accounts::{self, DemoAccounts};
use mpp::demo::day::{Options, PlayedDay, Rehearsal};
use mpp::demo::history::Action;
use mpp::demo::seed::seed_hall;
use mpp::{Config, RoleName, Suite};
use mpp_kit::clock::{Clock, ScaledClock};
use mpp_kit::config::Secret;
use mpp_kit::db::Engine;
use mpp_kit::testing;
use mpp_proto::queue::v1::{Calendar, EventKind, Hall};

/// How many times faster than real time the day runs: seven and a half hours in 45 seconds.
const SPEED: f64 = 600.0;

/// Friday 20 November 2026, 07:50 in WIB.
const FRIDAY_MORNING: &str = "2026-11-20T00:50:00Z";

/// Stands still until everybody has signed in, then runs.
struct StageClock {
    starts: DateTime<Utc>,
    running: OnceLock<ScaledClock>,
}

impl StageClock {
    fn at(starts: &str) -> Arc<Self> {
        Arc::new(Self { starts: starts.parse().expect("a moment"), running: OnceLock::new() })
    }

    fn start(&self) {
        self.running.get_or_init(|| ScaledClock::new(self.starts, SPEED));
    }
}

impl Clock for StageClock {
    fn now(&self) -> DateTime<Utc> {
        self.running.get().map_or(self.starts, Clock::now)
    }
}

fn config(data: &std::path::Path) -> Config {
    let mut config = Config::default();
    config.server.port = 0;
    config.server.demo = false;
    config.server.data = data.join("data");
    config.server.drain_seconds = 5;
    config.identity.argon2.memory_kib = 8;
    config.identity.argon2.passes = 1;
    // Forty people sign in at once from one address.
    config.gateway.rate.enabled = false;
    config
}

/// The demo hall with real dates and hours.
fn regular_hall() -> Hall {
    let mut hall = mpp::demo::hall().expect("the demo hall");
    hall.set_calendar(Calendar::Regular);
    hall
}

async fn play_friday(engine: Engine) -> PlayedDay {
    let directory = testing::temp_dir();
    let mut config = config(directory.path());
    let database = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(testing::fresh_db(engine).await),
    };
    if let Some(database) = &database {
        config.database.url = Secret::from(database.url.clone());
    }
    let clock = StageClock::at(FRIDAY_MORNING);
    let options = mpp::Options {
        queue_clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..mpp::Options::new(config, RoleName::chosen(&[]))
    };
    let suite = Suite::start(options).await.expect("the suite starts");
    let seeding = suite.seeding().await.expect("clients of the system");
    let accounts = seed_hall(seeding, regular_hall()).await.expect("a hall with people");
    let rehearsal = Rehearsal::prepare(Options {
        visitors: 200,
        speed: SPEED,
        seed: 20_261_120,
        base_url: suite.base_url().to_owned(),
        accounts,
        progress: false,
    });
    let rehearsal = rehearsal.await.expect("everybody signs in");
    clock.start();
    let played = rehearsal.play().await.expect("the day is played");
    suite.stop().await.expect("the suite stops in order");
    played
}

fn assert_holds(played: &PlayedDay) {
    assert!(played.report.is_ok(), "{played}");
    assert_eq!(played.date, "2026-11-20");
    assert_eq!(played.lost(), 0, "{played}");
    // Everything that a day holds has happened, so that the checks looked at it.
    let done = played.done();
    for action in [
        Action::Issue,
        Action::CallNext,
        Action::Start,
        Action::Finish,
        Action::NoShow,
        Action::Transfer,
        Action::Park,
        Action::Resume,
        Action::Recall,
        Action::PauseCounter,
        Action::ResumeCounter,
        Action::CloseCounter,
        Action::StopIntake,
        Action::ResumeIntake,
    ] {
        assert!(done.get(&action).is_some_and(|times| *times > 0), "nobody did {action:?}: {played}");
    }
    // Who came in the Friday break got no ticket.
    assert!(played.refused().contains_key(&(Action::Issue, "SERVICE_OUTSIDE_HOURS".to_owned())), "{played}");
    let breaks = played.events.iter().filter(|event| event.kind() == EventKind::CounterPaused).count();
    assert!(breaks > 40, "every counter keeps the Friday break, not {breaks}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_friday_adds_up_on_sqlite() {
    assert_holds(&play_friday(Engine::Sqlite).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_friday_adds_up_on_postgresql() {
    assert_holds(&play_friday(Engine::Postgres).await);
}

#[tokio::test]
async fn seeding_twice_changes_nothing_and_a_lost_file_is_named_with_its_remedy() {
    let directory = testing::temp_dir();
    let suite = Suite::start(mpp::Options::new(config(directory.path()), RoleName::chosen(&[])))
        .await
        .expect("a suite");
    let seed = async || mpp::demo::seed(suite.seeding().await.expect("clients of the system")).await;
    let first = seed().await.expect("the demo is made");
    let path = accounts::path_in(suite.data());
    assert_eq!(DemoAccounts::read(&path).expect("a file"), Some(first.clone()));
    assert_eq!(seed().await.expect("nothing is left to do"), first);
    let keys: std::collections::BTreeSet<&str> =
        first.devices.iter().map(|device| device.key.as_str()).collect();
    assert_eq!(keys.len(), 6, "two kiosks, three zones, one hall");

    // A start that was cut short before the key of the last board was written down: another board is enrolled.
    let mut cut = first.clone();
    cut.devices.pop();
    cut.write(&path).expect("a file");
    let repaired = seed().await.expect("the rest is made");
    assert_eq!((repaired.devices.len(), &repaired.accounts), (6, &first.accounts));

    std::fs::remove_file(&path).expect("the file is lost");
    let refusal = seed().await.expect_err("passwords cannot be read back").to_string();
    assert!(refusal.contains(&path.display().to_string()) && refusal.contains("--data"), "{refusal}");
    suite.stop().await.expect("the suite stops in order");
}

//! The whole suite for one test.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use mpp::seeding::{self, Bearer, IdentityClient, QueueClient};
use mpp::simulator::bsre::Bsre;
use mpp::{Config, Options, RoleName, Suite};
use mpp_kit::clock::{Clock, SystemClock};
use mpp_kit::config::Secret;
use mpp_kit::db::{Engine, sqlite_url};
use mpp_kit::redis::PrivateServer;
use mpp_kit::testing;
use mpp_proto::queue::v1::{ApplyHallRequest, Hall, OpenDayRequest};
use tempfile::TempDir;

use super::hall;
use super::letters::{Letters, Signing};
use super::people::{People, Persona};
use super::rest::Api;

/// How a test wants its suite.
pub struct Builder {
    engine: Engine,
    clock: Arc<dyn Clock>,
    queue_clock: Arc<dyn Clock>,
    hall: Hall,
    open_day: bool,
    letters: Option<Signing>,
    configure: Box<dyn FnOnce(&mut Config) + Send>,
}

/// The suite of one test: every role in this process on a free port, with a database and a Redis of its own, the hall
/// applied, its day open, and an account for every [`Persona`]. Dropped, all of it ends.
pub struct TestSuite {
    /// The hall with its ids.
    pub hall: Hall,
    /// Accounts and devices.
    pub people: People,
    letters: Option<Letters>,
    first: Suite,
    // Fields drop in order: Redis after those who use it, files last.
    redis: Option<PrivateServer>,
    redis_url: String,
    queue_url: String,
    queue_clock: Arc<dyn Clock>,
    dir: TempDir,
    _database: Option<testing::TestDb>,
}

/// A second instance of queue and gateway that serves the same halls.
pub struct Instance {
    suite: Suite,
    _dir: TempDir,
}

impl Builder {
    /// Runs on this engine.
    #[must_use]
    pub fn engine(mut self, engine: Engine) -> Self {
        self.engine = engine;
        self
    }

    /// Gives everything but the queue this clock: tokens end by it too, so after a leap everybody signs in again.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Gives the queue this clock. Sign-in and tokens keep the time of the machine.
    #[must_use]
    pub fn queue_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.queue_clock = clock;
        self
    }

    /// Applies this hall instead of [`hall::demo`]. Personas need the agencies and counters of the test hall.
    #[must_use]
    pub fn hall(mut self, hall: Hall) -> Self {
        self.hall = hall;
        self
    }

    /// Leaves the day to the test.
    #[must_use]
    pub fn closed(mut self) -> Self {
        self.open_day = false;
        self
    }

    /// Adds the offices and people of letters, who sign like this.
    #[must_use]
    pub fn letters(mut self, signing: Signing) -> Self {
        self.letters = Some(signing);
        self
    }

    /// Changes settings.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut Config) + Send + 'static) -> Self {
        self.configure = Box::new(change);
        self
    }

    /// Starts the suite.
    ///
    /// # Panics
    /// When anything of it cannot be started.
    pub async fn start(self) -> TestSuite {
        self.try_start().await.expect("the suite starts")
    }

    async fn try_start(self) -> anyhow::Result<TestSuite> {
        let dir = testing::temp_dir();
        let redis = PrivateServer::start(&dir.path().join("redis")).await?;
        let redis_url = redis.url().to_owned();
        let database = match self.engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(testing::fresh_db(Engine::Postgres).await),
        };
        let mut config = config(dir.path().join("data"));
        config.redis.url = Secret::from(redis_url.clone());
        let queue_url = match &database {
            Some(database) => database.url.clone(),
            None => sqlite_url(&config.server.data.join("queue.db")),
        };
        if database.is_some() {
            config.database.url = Secret::from(queue_url.clone());
        }
        let bsre = match self.letters {
            Some(Signing::BsreV1 | Signing::BsreV2) => {
                let home = config.server.data.join("bsre-simulator");
                Some(Bsre::start(&home, Arc::new(SystemClock)).await?)
            }
            Some(Signing::Seal) | None => None,
        };
        if let Some(bsre) = &bsre {
            match self.letters {
                Some(Signing::BsreV1) => bsre.configure_v1(&mut config.documents.signing),
                Some(Signing::BsreV2 | Signing::Seal) | None => bsre.configure(&mut config.documents.signing),
            }
        }
        (self.configure)(&mut config);
        let options = Options {
            clock: Arc::clone(&self.clock),
            queue_clock: Arc::clone(&self.queue_clock),
            ..Options::new(config, RoleName::chosen(&[]))
        };
        let first = Suite::start(options).await?;
        let mut clients = first.seeding().await?;
        let hall = clients
            .queue
            .apply_hall(ApplyHallRequest { request_id: String::new(), hall: Some(self.hall) })
            .await?
            .into_inner()
            .hall
            .context("a hall")?;
        if self.open_day {
            clients
                .queue
                .open_day(OpenDayRequest { hall: hall.id.clone(), ..OpenDayRequest::default() })
                .await?;
        }
        let letters = match self.letters {
            Some(_) => {
                let accounts = mpp::demo::letters::seed(&mut clients).await?;
                if let Some(bsre) = &bsre {
                    mpp::demo::letters::register_signers(bsre, &accounts);
                }
                Some(Letters::new(accounts, bsre))
            }
            None => None,
        };
        let people = People::create(clients.identity, &hall).await?;
        Ok(TestSuite {
            hall,
            people,
            letters,
            first,
            redis: Some(redis),
            redis_url,
            queue_url,
            queue_clock: self.queue_clock,
            dir,
            _database: database,
        })
    }
}

/// Settings of a test: a free port, no demo, passwords that cost nothing, a short drain.
fn config(data: PathBuf) -> Config {
    let mut config = Config::default();
    config.server.port = 0;
    config.server.demo = false;
    config.server.data = data;
    config.server.drain_seconds = 5;
    config.identity.argon2.memory_kib = 8;
    config.identity.argon2.passes = 1;
    // Every persona signs in from one address.
    config.gateway.rate.sign_in.per_second = 1_000;
    config.gateway.rate.sign_in.burst = 1_000;
    config.gateway.rate.submission.per_second = 1_000;
    config.gateway.rate.submission.burst = 1_000;
    config
}

impl TestSuite {
    /// A builder: SQLite, the time of the machine, the demo hall, the day open.
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            engine: Engine::Sqlite,
            clock: Arc::new(SystemClock),
            queue_clock: Arc::new(SystemClock),
            hall: hall::demo(),
            open_day: true,
            letters: None,
            configure: Box::new(|_| {}),
        }
    }

    /// The usual suite on an engine.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn start(engine: Engine) -> Self {
        Self::builder().engine(engine).start().await
    }

    /// Where the gateway answers.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.first.base_url()
    }

    /// A REST client that acts as `persona`.
    pub async fn api(&self, persona: Persona) -> Api {
        self.people.api(&Api::anonymous(self.base_url()), persona).await
    }

    /// The people of letters.
    ///
    /// # Panics
    /// When the suite was built without them.
    #[must_use]
    pub fn letters(&self) -> &Letters {
        self.letters.as_ref().expect("a suite with the people of letters")
    }

    /// A REST client that acts as somebody who works on letters, such as `camat`.
    pub async fn official(&self, username: &str) -> Api {
        self.letters().api(&Api::anonymous(self.base_url()), username).await
    }

    /// A gRPC client of the queue that acts as `persona`, past the gateway.
    ///
    /// # Panics
    /// When the persona has no token, as [`Persona::Anonymous`].
    pub async fn queue(&self, persona: Persona) -> QueueClient {
        let api = self.api(persona).await;
        let bearer = Bearer::new(api.token().expect("a signed-in persona")).expect("a header");
        seeding::queue_client(self.first.peers(), bearer)
    }

    /// A gRPC client of the queue that acts as the system.
    ///
    /// # Panics
    /// When identity does not answer.
    pub async fn system(&self) -> (IdentityClient, QueueClient) {
        let seeding = self.first.seeding().await.expect("clients of the system");
        (seeding.identity, seeding.queue)
    }

    /// The suite itself.
    #[must_use]
    pub fn suite(&self) -> &Suite {
        &self.first
    }

    /// The URL of the queue's database: for tests that compare tables with what the API says.
    #[must_use]
    pub fn queue_url(&self) -> &str {
        &self.queue_url
    }

    /// The URL of Redis.
    #[must_use]
    pub fn redis_url(&self) -> &str {
        &self.redis_url
    }

    /// A second instance of queue and gateway on the same database and Redis.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn second(&self) -> Instance {
        let dir = testing::temp_dir();
        let mut config = config(dir.path().join("data"));
        config.redis.url = Secret::from(self.redis_url.clone());
        config.database.queue_url = Secret::from(self.queue_url.clone());
        // The gateway of the first passes gRPC on, so it answers for the other services.
        config.peers.identity = self.base_url().to_owned();
        config.peers.documents = self.base_url().to_owned();
        config.peers.complaints = self.base_url().to_owned();
        config.peers.notifications = self.base_url().to_owned();
        config.board.device_key = Secret::from(self.people.board_key.clone());
        config.grpc.queue_port = 0;
        let roles = [RoleName::Queue, RoleName::Gateway].into();
        let options = Options { queue_clock: Arc::clone(&self.queue_clock), ..Options::new(config, roles) };
        Instance { suite: Suite::start(options).await.expect("the second instance starts"), _dir: dir }
    }

    /// Ends Redis as a crash would.
    ///
    /// # Panics
    /// When it is ended already.
    pub async fn kill_redis(&mut self) {
        let redis = self.redis.take().expect("a Redis that runs");
        tokio::task::spawn_blocking(move || redis.kill()).await.expect("it was killed");
    }

    /// Starts Redis again on the same socket, with what it had on its disk.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn restart_redis(&mut self) {
        assert!(self.redis.is_none(), "Redis runs");
        let redis = PrivateServer::start(&self.dir.path().join("redis")).await.expect("Redis starts");
        assert_eq!(redis.url(), self.redis_url, "the queue would not find it");
        self.redis = Some(redis);
    }

    /// Loses the disk of Redis: call it between [`Self::kill_redis`] and [`Self::restart_redis`].
    ///
    /// # Panics
    /// When Redis runs.
    pub fn lose_redis_data(&self) {
        assert!(self.redis.is_none(), "Redis runs");
        std::fs::remove_dir_all(self.dir.path().join("redis")).expect("its files can be removed");
    }

    /// Empties Redis while it runs.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn flush_redis(&self) {
        let redis = mpp_kit::redis::Redis::connect(&self.redis_url).await.expect("Redis answers");
        redis::cmd("FLUSHALL").exec_async(&mut redis.connection()).await.expect("it is emptied");
    }

    /// Stops everything in order, and says if a part of it failed.
    ///
    /// # Panics
    /// When a part failed.
    pub async fn stop(self) {
        self.first.stop().await.expect("the suite stops in order");
    }
}

impl Instance {
    /// Where its gateway answers.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.suite.base_url()
    }

    /// Stops it in order.
    ///
    /// # Panics
    /// When a part of it failed.
    pub async fn stop(self) {
        self.suite.stop().await.expect("the instance stops in order");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Issues a ticket for a service of ALFA at `base`.
    async fn issue(suite: &TestSuite, base: &str) -> Value {
        let kiosk = suite.api(Persona::Kiosk).await.at(base);
        let body = json!({"serviceId": hall::service_id(&suite.hall, "A1")});
        kiosk.post(&format!("/v1/halls/{}/tickets", suite.hall.id), &body).await.ok()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn two_instances_serve_one_hall_and_survive_the_loss_of_redis_on_both_engines() {
        for engine in testing::ENGINES {
            let mut suite = TestSuite::start(engine).await;
            let second = suite.second().await;
            let counter = hall::counter_id(&suite.hall, "1").to_owned();
            let staff = suite.api(Persona::Counter1).await;
            staff.post(&format!("/v1/counters/{counter}:open"), &json!({})).await.ok();

            // Issued at one instance, called at the other.
            let ticket = issue(&suite, suite.base_url()).await;
            let next = format!("/v1/counters/{counter}:callNext");
            let called = staff.at(second.base_url()).post(&next, &json!({})).await.ok();
            assert_eq!(called["ticket"]["number"], ticket["ticket"]["number"], "{engine}");
            // The second gateway reads boards as an enrolled device.
            let board = suite.api(Persona::Board).await.at(second.base_url());
            let shown = board.get(&format!("/v1/halls/{}/board", suite.hall.id)).await.ok();
            assert_eq!(
                shown["board"]["lastCalls"][0]["ticketNumber"], ticket["ticket"]["number"],
                "{engine}"
            );

            suite.kill_redis().await;
            suite.lose_redis_data();
            suite.restart_redis().await;
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
            let path = format!("/v1/tickets/{}:start", ticket["ticket"]["id"].as_str().expect("an id"));
            loop {
                let answer = staff.post(&path, &json!({"requestId": "mulai-1"})).await;
                if answer.status != reqwest::StatusCode::SERVICE_UNAVAILABLE {
                    assert_eq!(answer.ok()["ticket"]["state"], "TICKET_STATE_SERVING", "{engine}");
                    break;
                }
                assert!(std::time::Instant::now() < deadline, "{engine}: the queue did not come back");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            second.stop().await;
            suite.stop().await;
        }
    }
}

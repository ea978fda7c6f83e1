//! A whole identity service in this process, with a clock the test moves.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use mpp_identity::{Argon2Costs, Config, ROLE, component, key_source, system_token};
use mpp_kit::{
    auth::{Policies, Verifier},
    caller::Caller,
    cipher::Cipher,
    client::{PeerChannel, Peers},
    clock::{Clock, ManualClock},
    component::Env,
    journal::{self, Entry},
    server::{StackOptions, stack},
    shutdown::Shutdown,
    testing::{ENGINES, TestDb, audit::Audit, fresh_db},
};
use mpp_proto::identity::v1::{self as proto, identity_service_client::IdentityServiceClient};
use tonic::{Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

pub(crate) const PASSWORD: &str = "kopi susu di meja tiga";

pub(crate) type Client = IdentityServiceClient<PeerChannel>;

pub(crate) struct World {
    pub(crate) test_db: TestDb,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) client: Client,
    pub(crate) verifier: Arc<Verifier>,
    /// What somebody with the authority of the installation presents.
    pub(crate) system: String,
    /// What calls leave in the journal, from when it begins.
    pub(crate) audit: Arc<Audit>,
}

/// Runs a test on a fresh database of each engine.
pub(crate) async fn on_both(test: impl AsyncFn(World)) {
    for engine in ENGINES {
        let test_db = fresh_db(engine).await;
        mpp_migrations::run("identity", &test_db.db.write).await.unwrap();
        test(World::start(test_db, small_costs()).await).await;
    }
}

/// Costs that make hashing take no time worth mentioning.
pub(crate) fn small_costs() -> Config {
    Config { argon2: Argon2Costs { memory_kib: 16, passes: 1, lanes: 1 }, ..Config::default() }
}

/// The same at every start of an installation.
pub(crate) fn cipher() -> Cipher {
    Cipher::new([7; 32], "mpp.identity.digests")
}

impl World {
    pub(crate) async fn start(test_db: TestDb, config: Config) -> Self {
        let start: DateTime<Utc> = "2026-11-23T01:00:00Z".parse().unwrap();
        Self::start_at(test_db, config, Arc::new(ManualClock::at(start))).await
    }

    async fn start_at(test_db: TestDb, config: Config, clock: Arc<ManualClock>) -> Self {
        let as_clock: Arc<dyn Clock> = clock.clone();
        let verifier = Arc::new(Verifier::new(key_source(test_db.db.clone()), as_clock.clone()));
        let peers = Peers::new();
        let env = Env {
            clock: as_clock,
            peers: peers.clone(),
            verifier: verifier.clone(),
            shutdown: Shutdown::new(),
        };
        let component = component(&env, test_db.db.clone(), config, cipher()).await.unwrap();
        let policies = Arc::new(Policies::from_descriptors(mpp_proto::DESCRIPTORS).unwrap());
        let audit = Audit::of("mpp.identity.v1.IdentityService", &policies, &test_db.db);
        let service = stack(ROLE, component.routes, policies, verifier.clone(), StackOptions::default());
        peers.local(ROLE, audit.around(service));
        let client = IdentityServiceClient::new(peers.channel(ROLE));
        let system = system_token(&test_db.db, &cipher(), clock.as_ref()).await.unwrap();
        Self { test_db, clock, client, verifier, system, audit }
    }

    /// The same installation after the process ended and started again.
    pub(crate) async fn restart(self, config: Config) -> Self {
        Self::start_at(self.test_db, config, self.clock).await
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// A fresh system token: the one in the world lives for a minute only.
    pub(crate) async fn system(&self) -> String {
        system_token(&self.test_db.db, &cipher(), self.clock.as_ref()).await.unwrap()
    }

    /// Creates an account with [`PASSWORD`] in the name of the installation.
    pub(crate) async fn account(&self, username: &str, grants: Vec<proto::Grant>) -> proto::Account {
        let request = new_account(username, grants);
        let system = self.system().await;
        let answer = self.client.clone().create_account(as_caller(&system, request)).await.unwrap();
        answer.into_inner().account.unwrap()
    }

    pub(crate) async fn sign_in(&self, username: &str, password: &str) -> Result<SignedIn, Status> {
        let request =
            proto::CreateSessionRequest { username: username.to_owned(), password: password.to_owned() };
        let response = self.client.clone().create_session(request).await?;
        let secret = session_secret(&response);
        let answer = response.into_inner();
        Ok(SignedIn {
            token: answer.access_token,
            expires_in: answer.expires_in,
            secret,
            account: answer.account,
        })
    }

    /// Creates an account with one grant and signs it in.
    pub(crate) async fn staff(&self, username: &str, grant: proto::Grant) -> SignedIn {
        self.account(username, vec![grant]).await;
        self.sign_in(username, PASSWORD).await.unwrap()
    }

    pub(crate) async fn enrol(&self, kind: proto::DeviceKind, hall: &str) -> proto::EnrolDeviceResponse {
        let request = new_device(kind, hall);
        let system = self.system().await;
        self.client.clone().enrol_device(as_caller(&system, request)).await.unwrap().into_inner()
    }

    pub(crate) async fn sign_in_device(&self, key: &str) -> Result<SignedIn, Status> {
        let request = proto::CreateDeviceSessionRequest { device_key: key.to_owned() };
        let response = self.client.clone().create_device_session(request).await?;
        let secret = session_secret(&response);
        let answer = response.into_inner();
        Ok(SignedIn { token: answer.access_token, expires_in: answer.expires_in, secret, account: None })
    }

    pub(crate) async fn refresh(&self, secret: &str) -> Result<proto::RefreshSessionResponse, Status> {
        let request = proto::RefreshSessionRequest { session_token: secret.to_owned() };
        Ok(self.client.clone().refresh_session(request).await?.into_inner())
    }

    pub(crate) async fn disable(&self, account: &str) -> proto::Account {
        let request = proto::DisableAccountRequest { request_id: String::new(), account: account.to_owned() };
        let system = self.system().await;
        self.client
            .clone()
            .disable_account(as_caller(&system, request))
            .await
            .unwrap()
            .into_inner()
            .account
            .unwrap()
    }

    pub(crate) async fn verify(&self, token: &str) -> Caller {
        self.verifier.verify(token).await.unwrap()
    }

    /// Every entry of the journal, after its chain was checked.
    pub(crate) async fn journal(&self) -> Vec<Entry> {
        journal::verify(&self.test_db.db.read).await.unwrap();
        let recorded = journal::read(&self.test_db.db.read, None, 0, 10_000).await.unwrap();
        recorded.into_iter().map(|recorded| recorded.entry).collect()
    }

    /// What of the journal is about this.
    pub(crate) async fn journal_of(&self, what: &str) -> Vec<Entry> {
        self.journal().await.into_iter().filter(|entry| entry.what == what).collect()
    }
}

pub(crate) struct SignedIn {
    pub(crate) token: String,
    pub(crate) expires_in: i32,
    pub(crate) secret: String,
    pub(crate) account: Option<proto::Account>,
}

fn session_secret<T>(response: &Response<T>) -> String {
    response.metadata().get("mpp-session").expect("a new session has its secret").to_str().unwrap().to_owned()
}

/// A request with a bearer token.
pub(crate) fn as_caller<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

pub(crate) fn new_account(username: &str, grants: Vec<proto::Grant>) -> proto::CreateAccountRequest {
    proto::CreateAccountRequest {
        request_id: String::new(),
        username: username.to_owned(),
        display_name: "Ani Wijaya".to_owned(),
        password: PASSWORD.to_owned(),
        grants,
    }
}

pub(crate) fn new_device(kind: proto::DeviceKind, hall: &str) -> proto::EnrolDeviceRequest {
    proto::EnrolDeviceRequest {
        request_id: String::new(),
        kind: kind.into(),
        hall_id: hall.to_owned(),
        label: "Kiosk pintu utara".to_owned(),
    }
}

/// A grant without bounds.
pub(crate) fn grant(role: proto::Role) -> proto::Grant {
    proto::Grant { role: role.into(), ..proto::Grant::default() }
}

/// A grant in one hall.
pub(crate) fn grant_in(role: proto::Role, hall: &str) -> proto::Grant {
    proto::Grant { hall_id: hall.to_owned(), ..grant(role) }
}

pub(crate) fn hall() -> String {
    mpp_identity::domain::HallId::generate().to_string()
}

pub(crate) fn agency() -> String {
    mpp_identity::domain::AgencyId::generate().to_string()
}

/// The reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    details(status).error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

pub(crate) fn details(status: &Status) -> ErrorDetails {
    status.get_error_details()
}

/// The fields a refusal names, with the reason of each.
pub(crate) fn violations(status: &Status) -> BTreeSet<(String, String)> {
    let found = details(status);
    let found = found.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    found.into_iter().map(|violation| (violation.field, violation.reason)).collect()
}

/// One part of a JWT: 0 is the header, 1 the claims.
pub(crate) fn part(token: &str, index: usize) -> serde_json::Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

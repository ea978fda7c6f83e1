//! The RPCs, one file each: parse, load, decide, save. Here is what they share.

mod convert;
mod create_account;
mod create_device_session;
mod create_session;
mod delete_current_session;
mod disable_account;
mod enrol_device;
mod get_account_names;
mod get_current_session;
mod get_jwks;
mod get_role_holders;
mod list_accounts;
mod list_devices;
mod refresh_session;
mod revoke_device;

use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use mpp_kit::{
    caller::{Caller, CallerKind},
    cipher::Cipher,
    clock::Clock,
    db::Db,
    fault::Fault as _,
    idempotency::{self, Key, Once},
    journal::Entry,
    telemetry,
};
use mpp_proto::identity::v1::{self as proto, identity_service_server::IdentityService};
use prost::Message;
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use secrecy::{ExposeSecret as _, SecretString};
use tonic::{Request, Response, Status};

use crate::{
    config::Config,
    crypto::{
        digest::{self, ServiceSecret},
        password::Hasher,
        signing::{Bearer, Signer, Token},
    },
    domain::{
        SessionId,
        account::Account,
        authority::Authority,
        device::Device,
        session::{Principal, Session},
    },
    error::Error,
    metrics::Metrics,
    store,
};

/// The name of the response metadata with the secret of a new session, for the gateway.
const SESSION_METADATA: &str = "mpp-session";

/// What every RPC works with.
pub(crate) struct Core {
    pub(crate) db: Db,
    pub(crate) cipher: Cipher,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Config,
    pub(crate) hasher: Hasher,
    pub(crate) secret: ServiceSecret,
    pub(crate) metrics: Metrics,
}

/// The service as tonic sees it.
pub(crate) struct Service(pub(crate) Core);

/// Writes one method per RPC: it finds the caller, hands over to the file of the RPC, and says what went wrong in the
/// caller's language.
macro_rules! rpcs {
    ($($name:ident($request:ident) -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl IdentityService for Service {
            $(async fn $name(&self, request: Request<proto::$request>) -> Result<Response<proto::$response>, Status> {
                let caller = Caller::shared(&request);
                let outcome = $name::handle(&self.0, &caller, request.into_inner()).await;
                outcome.map_err(|error| error.problem().into_status(caller.language))
            })*
        }
    };
}

rpcs! {
    create_session(CreateSessionRequest) -> CreateSessionResponse;
    create_device_session(CreateDeviceSessionRequest) -> CreateDeviceSessionResponse;
    get_current_session(GetCurrentSessionRequest) -> GetCurrentSessionResponse;
    delete_current_session(DeleteCurrentSessionRequest) -> DeleteCurrentSessionResponse;
    refresh_session(RefreshSessionRequest) -> RefreshSessionResponse;
    get_jwks(GetJwksRequest) -> GetJwksResponse;
    create_account(CreateAccountRequest) -> CreateAccountResponse;
    list_accounts(ListAccountsRequest) -> ListAccountsResponse;
    get_account_names(GetAccountNamesRequest) -> GetAccountNamesResponse;
    get_role_holders(GetRoleHoldersRequest) -> GetRoleHoldersResponse;
    disable_account(DisableAccountRequest) -> DisableAccountResponse;
    enrol_device(EnrolDeviceRequest) -> EnrolDeviceResponse;
    list_devices(ListDevicesRequest) -> ListDevicesResponse;
    revoke_device(RevokeDeviceRequest) -> RevokeDeviceResponse;
}

/// Who a session belongs to, as it is now.
enum Owner {
    Staff(Account),
    Device(Device),
}

impl Owner {
    /// The owner of a session, if it may still sign in.
    async fn of(db: &impl ConnectionTrait, session: &Session) -> Result<Option<Self>, Error> {
        Ok(match session.principal {
            Principal::Staff(id) => store::account::find(db, id)
                .await?
                .filter(|account| account.disabled_at.is_none())
                .map(Self::Staff),
            Principal::Device(id) => store::device::find(db, id)
                .await?
                .filter(|device| device.revoked_at.is_none())
                .map(Self::Device),
        })
    }
}

impl Core {
    /// The present time, as exact as both databases can keep it.
    fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(6)
    }

    /// An access token for a session of this owner.
    async fn token(&self, owner: &Owner, session: &Session, now: DateTime<Utc>) -> Result<Token, Error> {
        let device_grant;
        let (subject, kind, name, grants) = match owner {
            Owner::Staff(account) => {
                (account.id.to_string(), CallerKind::Staff, &account.display_name, account.grants.as_slice())
            }
            Owner::Device(device) => {
                device_grant = [device.kind.grant(device.hall)];
                (device.id.to_string(), CallerKind::Device, &device.label, device_grant.as_slice())
            }
        };
        let ends_by = session.ends_by(self.config.lifetimes());
        let bearer = Bearer { subject, session: session.id.to_string(), kind, name, grants, ends_by };
        issue((&self.db, &self.cipher), &bearer, now, self.config.token_life()).await
    }

    /// What the caller may do in identity, from its grants as they are now: a token outlives the account's disabling by
    /// minutes, and must not be used to leave accounts behind.
    async fn authority(&self, db: &impl ConnectionTrait, caller: &Caller) -> Result<Authority, Error> {
        match caller.kind {
            CallerKind::System => Ok(Authority::unbounded()),
            CallerKind::Staff => {
                let id = caller.id.parse().map_err(|_| Error::NotPermitted)?;
                let account =
                    store::account::find(db, id).await?.filter(|account| account.disabled_at.is_none());
                Ok(Authority::of(&account.ok_or(Error::NotPermitted)?.grants, self.now()))
            }
            CallerKind::Device | CallerKind::Anonymous => Err(Error::NotPermitted),
        }
    }

    /// The live session of the caller; `None` for the system, which has none.
    async fn session(&self, db: &impl ConnectionTrait, caller: &Caller) -> Result<Option<Session>, Error> {
        if caller.kind == CallerKind::System {
            return Ok(None);
        }
        let id: SessionId =
            caller.session.as_deref().and_then(|id| id.parse().ok()).ok_or(Error::SessionEnded)?;
        let session = store::session::find(db, id)
            .await?
            .filter(|session| session.live_at(self.now(), self.config.lifetimes()));
        session.map(Some).ok_or(Error::SessionEnded)
    }
}

/// Signs a token with the key that signs now. It is read each time: signing is rare beside what it stands for, and a
/// rotation by any instance holds at once.
pub(crate) async fn issue(
    (db, cipher): (&Db, &Cipher),
    bearer: &Bearer<'_>,
    now: DateTime<Utc>,
    life: TimeDelta,
) -> Result<Token, Error> {
    let (kid, pkcs8) = store::signing_key::active(&db.read, cipher)
        .await?
        .context("there is no active signing key in the table signing_key")?;
    Ok(Signer::new(kid, &pkcs8).issue(bearer, now, life)?)
}

/// Executes `run` once for this request id of this caller, or answers what it answered then. What is in `request` must not
/// be secret: its fingerprint is kept.
async fn once<T, R>(
    tx: &DatabaseTransaction,
    caller: &Caller,
    method: &'static str,
    (request, request_id): (&impl Message, &str),
    now: DateTime<Utc>,
    run: impl FnOnce() -> R,
) -> Result<T, Error>
where
    T: Message + Default,
    R: Future<Output = Result<T, Error>>,
{
    let key = Key::of(caller, method, request_id)?;
    let fingerprint = idempotency::fingerprint(request);
    let answer: Once = idempotency::once(tx, key, &fingerprint, now, || async {
        Ok::<_, Error>(run().await?.encode_to_vec())
    })
    .await?;
    Ok(T::decode(answer.into_bytes().as_slice()).context("an answer kept for repetition cannot be read")?)
}

/// An entry for the journal. Who and what it is about are ids, never names.
pub(crate) fn entry(who: impl ToString, what: &str, subject: impl ToString, at: DateTime<Utc>) -> Entry {
    Entry {
        at,
        who: who.to_string(),
        what: what.to_owned(),
        subject: subject.to_string(),
        trace_id: telemetry::trace_id(),
        ..Entry::default()
    }
}

/// A new session and the digest under which its secret is stored.
fn new_session(principal: Principal, now: DateTime<Utc>) -> (Session, SecretString, String) {
    let secret = digest::random_secret();
    let digest = digest::of_secret(secret.expose_secret());
    let session =
        Session { id: SessionId::generate(), principal, created_at: now, last_seen_at: now, ended_at: None };
    (session, secret, digest)
}

/// An answer that hands the secret of a new session to the gateway.
fn with_session_secret<T>(answer: T, secret: &SecretString) -> Result<Response<T>, Error> {
    let mut response = Response::new(answer);
    let value =
        secret.expose_secret().parse().map_err(|_| anyhow::anyhow!("base64url fits into metadata"))?;
    response.metadata_mut().insert(SESSION_METADATA, value);
    Ok(response)
}

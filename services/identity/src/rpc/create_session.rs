//! `CreateSession`: a member of staff signs in.
//!
//! Whoever guesses learns nothing about which accounts exist: a name without an account, a wrong password and a disabled
//! account run through the same statements and the same hashing, are counted alike, and get the same answer.

use chrono::{DateTime, Utc};
use mpp_kit::{caller::Caller, check::Checker, journal};
use mpp_proto::identity::v1::{CreateSessionRequest, CreateSessionResponse};
use secrecy::SecretString;
use tonic::Response;

use super::{Core, Owner, convert, entry, new_session, with_session_secret};
use crate::{
    crypto::password::Turn,
    domain::{AccountId, account::normalise_username, session::Principal},
    error::Error,
    metrics::Outcome,
    store::{self, account::Credentials},
};

pub(super) async fn handle(
    core: &Core,
    _caller: &Caller,
    request: CreateSessionRequest,
) -> Result<Response<CreateSessionResponse>, Error> {
    check(&request)?;
    let username = normalise_username(&request.username);
    let name_digest = core.secret.name_digest(&username);
    // The turn is held until a failure is counted, so that guesses in parallel cannot outrun the lock.
    let turn = core.hasher.turn().await;
    let now = core.now();
    let failures = store::failure::find(&core.db.read, &name_digest).await?;
    if let Some(left) = failures.and_then(|failures| failures.locked_for(now)) {
        core.metrics.sign_in("staff", Outcome::Locked);
        return Err(Error::Locked(left.to_std().unwrap_or_default()));
    }
    let found = store::account::credentials(&core.db.read, &username).await?;
    let stored = found.as_ref().map(|found| found.password_hash.as_str());
    let fits = core.hasher.verify(&turn, &request.password, stored).await?;
    let account = found.as_ref().map(|found| found.id);
    match found {
        Some(found) if fits && !found.disabled => {
            open(core, &turn, found, request.password, &name_digest, now).await
        }
        Some(_) | None => refuse(core, account, &name_digest, now).await,
    }
}

fn check(request: &CreateSessionRequest) -> Result<(), Error> {
    let mut checker = Checker::new();
    if request.username.trim().is_empty() {
        checker.violation("username", "REQUIRED", "isi nama pengguna", "give the username");
    }
    if request.password.is_empty() {
        checker.violation("password", "REQUIRED", "isi kata sandi", "give the password");
    }
    Ok(checker.finish()?)
}

/// Counts and records the failure.
async fn refuse<T>(
    core: &Core,
    account: Option<AccountId>,
    name_digest: &str,
    now: DateTime<Utc>,
) -> Result<T, Error> {
    let tx = core.db.begin().await?;
    let failures = store::failure::count_another(&tx, name_digest, now).await?;
    let subject = account.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
    let mut entry = entry("anonymous", "sign_in.refused", subject, now);
    entry.detail = format!(r#"{{"failures":{}}}"#, failures.count);
    journal::append(&tx, &entry).await?;
    tx.commit().await?;
    core.metrics.sign_in("staff", Outcome::Refused);
    Err(Error::InvalidCredentials)
}

/// Begins a session. The account may have been disabled since its password was read; then this is a failure like others.
async fn open(
    core: &Core,
    turn: &Turn,
    found: Credentials,
    password: String,
    name_digest: &str,
    now: DateTime<Utc>,
) -> Result<Response<CreateSessionResponse>, Error> {
    let new_hash = if core.hasher.is_outdated(&found.password_hash) {
        Some(core.hasher.hash(turn, SecretString::from(password)).await?)
    } else {
        None
    };
    let (session, secret, digest) = new_session(Principal::Staff(found.id), now);
    let tx = core.db.begin().await?;
    if !store::account::note_sign_in(&tx, found.id, now, new_hash).await? {
        tx.rollback().await?;
        return refuse(core, Some(found.id), name_digest, now).await;
    }
    let account = store::account::find(&tx, found.id).await?.ok_or(Error::InvalidCredentials)?;
    store::session::insert(&tx, &session, digest).await?;
    store::failure::forget(&tx, name_digest).await?;
    journal::append(&tx, &entry(account.id, "session.created", session.id, now)).await?;
    tx.commit().await?;
    core.metrics.sign_in("staff", Outcome::Opened);
    let answer = convert::account(&account);
    let token = core.token(&Owner::Staff(account), &session, now).await?;
    let (access_token, expires_in) = (token.jwt, token.expires_in);
    with_session_secret(CreateSessionResponse { access_token, expires_in, account: Some(answer) }, &secret)
}

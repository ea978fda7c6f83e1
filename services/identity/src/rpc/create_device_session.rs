//! `CreateDeviceSession`: an enrolled kiosk or board signs in with its key.
//!
//! A key has 256 bits of chance, so there is nothing to guess and nothing to lock. A key that belongs to no device leaves
//! no trace in the journal: anybody could fill it with those.

use mpp_kit::{caller::Caller, journal};
use mpp_proto::identity::v1::{CreateDeviceSessionRequest, CreateDeviceSessionResponse};
use tonic::Response;

use super::{Core, Owner, convert, entry, new_session, with_session_secret};
use crate::{crypto::digest, domain::session::Principal, error::Error, metrics::Outcome, store};

pub(super) async fn handle(
    core: &Core,
    _caller: &Caller,
    request: CreateDeviceSessionRequest,
) -> Result<Response<CreateDeviceSessionResponse>, Error> {
    let now = core.now();
    let key_digest = digest::of_secret(request.device_key.trim());
    let Some(mut device) = store::device::find_by_key(&core.db.read, &key_digest).await? else {
        core.metrics.sign_in("device", Outcome::Refused);
        return Err(Error::InvalidCredentials);
    };
    let (session, secret, digest) = new_session(Principal::Device(device.id), now);
    let tx = core.db.begin().await?;
    if !store::device::note_seen(&tx, device.id, now).await? {
        journal::append(&tx, &entry("anonymous", "sign_in.refused", device.id, now)).await?;
        tx.commit().await?;
        core.metrics.sign_in("device", Outcome::Refused);
        return Err(Error::InvalidCredentials);
    }
    store::session::insert(&tx, &session, digest).await?;
    journal::append(&tx, &entry(device.id, "session.created", session.id, now)).await?;
    tx.commit().await?;
    core.metrics.sign_in("device", Outcome::Opened);
    device.last_seen_at = Some(now);
    let answer = convert::device(&device);
    let token = core.token(&Owner::Device(device), &session, now).await?;
    let (access_token, expires_in) = (token.jwt, token.expires_in);
    with_session_secret(
        CreateDeviceSessionResponse { access_token, expires_in, device: Some(answer) },
        &secret,
    )
}

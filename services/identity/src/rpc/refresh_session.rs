//! `RefreshSession`: a fresh access token for a live session, with the grants as they are now.

use chrono::{DateTime, Utc};
use mpp_kit::caller::Caller;
use mpp_proto::identity::v1::{RefreshSessionRequest, RefreshSessionResponse};
use tonic::Response;

use super::{Core, Owner};
use crate::{
    crypto::digest,
    domain::session::{Principal, Session},
    error::Error,
    store,
};

pub(super) async fn handle(
    core: &Core,
    _caller: &Caller,
    request: RefreshSessionRequest,
) -> Result<Response<RefreshSessionResponse>, Error> {
    let secret_digest = digest::of_secret(&request.session_token);
    let session =
        store::session::find_by_secret(&core.db.read, &secret_digest).await?.ok_or(Error::SessionEnded)?;
    let now = core.now();
    if !session.live_at(now, core.config.lifetimes()) {
        return Err(Error::SessionEnded);
    }
    let owner = Owner::of(&core.db.read, &session).await?.ok_or(Error::SessionEnded)?;
    if session.note_seen_at(now) {
        note_seen(core, &session, now).await?;
    }
    let token = core.token(&owner, &session, now).await?;
    Ok(Response::new(RefreshSessionResponse { access_token: token.jwt, expires_in: token.expires_in }))
}

async fn note_seen(core: &Core, session: &Session, now: DateTime<Utc>) -> Result<(), Error> {
    let tx = core.db.begin().await?;
    let mut live = store::session::note_seen(&tx, session.id, now).await?;
    if let Principal::Device(device) = session.principal {
        live &= store::device::note_seen(&tx, device, now).await?;
    }
    tx.commit().await?;
    // It may have been ended since it was read.
    if live { Ok(()) } else { Err(Error::SessionEnded) }
}

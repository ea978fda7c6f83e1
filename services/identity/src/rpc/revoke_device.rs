//! `RevokeDevice`: its key and its sessions end.

use mpp_kit::{caller::Caller, check::Checker, journal};
use mpp_proto::identity::v1::{RevokeDeviceRequest, RevokeDeviceResponse};
use tonic::Response;

use super::{Core, convert, entry, once};
use crate::{
    domain::{DeviceId, session::Principal},
    error::Error,
    store,
};

const METHOD: &str = "mpp.identity.v1.IdentityService/RevokeDevice";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: RevokeDeviceRequest,
) -> Result<Response<RevokeDeviceResponse>, Error> {
    let id = parse(&request)?;
    let now = core.now();
    let tx = core.db.begin().await?;
    let authority = core.authority(&tx, caller).await?;
    let answer = once(&tx, caller, METHOD, (&request, &request.request_id), now, || async {
        // A device outside what the caller administers is as good as none.
        let device =
            store::device::find(&tx, id).await?.filter(|device| authority.may_manage_devices(device.hall));
        let mut device = device.ok_or(Error::DeviceNotFound)?;
        if store::device::revoke(&tx, id, now).await? {
            device.revoked_at = Some(now);
            let ended = store::session::end_all(&tx, Principal::Device(id), now).await?;
            let mut entry = entry(&caller.id, "device.revoked", id, now);
            entry.detail = format!(r#"{{"sessionsEnded":{ended}}}"#);
            entry.request_id.clone_from(&request.request_id);
            journal::append(&tx, &entry).await?;
        }
        Ok(RevokeDeviceResponse { device: Some(convert::device(&device)) })
    })
    .await?;
    tx.commit().await?;
    Ok(Response::new(answer))
}

/// A text that can be no id is a mistake in the request, and is told which field it is in.
fn parse(request: &RevokeDeviceRequest) -> Result<DeviceId, Error> {
    let mut checker = Checker::new();
    let id = checker.id("device", &request.device);
    checker.finish()?;
    id.ok_or_else(|| anyhow::anyhow!("the checker let a malformed id pass").into())
}

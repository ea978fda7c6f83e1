//! `EnrolDevice`: a kiosk or board of a hall gets its key.

use chrono::{DateTime, Utc};
use mpp_kit::{caller::Caller, check::Checker, journal};
use mpp_proto::identity::v1::{EnrolDeviceRequest, EnrolDeviceResponse};
use secrecy::ExposeSecret as _;
use tonic::Response;

use super::{Core, convert, entry, once};
use crate::{
    crypto::digest,
    domain::{
        DeviceId,
        device::{Device, MAX_LABEL},
    },
    error::Error,
    store,
};

const METHOD: &str = "mpp.identity.v1.IdentityService/EnrolDevice";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: EnrolDeviceRequest,
) -> Result<Response<EnrolDeviceResponse>, Error> {
    let now = core.now();
    let device = parse(&request, now)?;
    let key_digest = digest::of_secret(core.secret.device_key(device.id).expose_secret());
    let tx = core.db.begin().await?;
    if !core.authority(&tx, caller).await?.may_enrol(device.kind, device.hall) {
        return Err(Error::ExceedsOwn("hall_id".to_owned()));
    }
    let answer: EnrolDeviceResponse =
        once(&tx, caller, METHOD, (&request, &request.request_id), now, || async {
            store::device::insert(&tx, &device, key_digest).await?;
            let mut entry = entry(&caller.id, "device.enrolled", device.id, now);
            entry.detail = format!(r#"{{"kind":"{}","hall":"{}"}}"#, device.kind, device.hall);
            entry.request_id.clone_from(&request.request_id);
            journal::append(&tx, &entry).await?;
            // Without the key: this answer is kept for repetitions, and the key is not to be kept.
            Ok(EnrolDeviceResponse { device: Some(convert::device(&device)), device_key: String::new() })
        })
        .await?;
    tx.commit().await?;
    with_key(core, answer)
}

fn parse(request: &EnrolDeviceRequest, now: DateTime<Utc>) -> Result<Device, Error> {
    let mut checker = Checker::new();
    let kind = convert::device_kind("kind", request.kind, &mut checker);
    let hall = checker.id("hall_id", &request.hall_id);
    let label = checker.text("label", &request.label, 1, MAX_LABEL);
    checker.finish()?;
    let (Some(kind), Some(hall)) = (kind, hall) else {
        return Err(anyhow::anyhow!("the checker let an empty field pass").into());
    };
    Ok(Device {
        id: DeviceId::generate(),
        kind,
        hall,
        label,
        created_at: now,
        revoked_at: None,
        last_seen_at: None,
    })
}

/// Adds the key, derived again from the id of the device that was enrolled.
fn with_key(core: &Core, mut answer: EnrolDeviceResponse) -> Result<Response<EnrolDeviceResponse>, Error> {
    let id = answer.device.as_ref().and_then(|device| device.id.parse().ok());
    let id: DeviceId = id.ok_or_else(|| anyhow::anyhow!("a kept answer of EnrolDevice names no device"))?;
    core.secret.device_key(id).expose_secret().clone_into(&mut answer.device_key);
    Ok(Response::new(answer))
}

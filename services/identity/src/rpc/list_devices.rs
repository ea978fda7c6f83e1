//! `ListDevices`: oldest first, those of the halls the caller administers.

use mpp_kit::{
    caller::Caller,
    page::{PageToken, cut, page_size},
};
use mpp_proto::identity::v1::{ListDevicesRequest, ListDevicesResponse};
use tonic::Response;

use super::{Core, convert};
use crate::{error::Error, store};

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ListDevicesRequest,
) -> Result<Response<ListDevicesResponse>, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("devices of {}", caller.id);
    let after = PageToken::decode(&request.page_token, &filter)?;
    let authority = core.authority(&core.db.read, caller).await?;
    let halls = authority.device_halls();
    let limit = u64::from(size) + 1;
    let mut devices = store::device::list(&core.db.read, halls.as_deref(), after.as_deref(), limit).await?;
    let next_page_token = cut(&mut devices, size, &filter, |last| last.id.to_string());
    Ok(Response::new(ListDevicesResponse {
        next_page_token,
        devices: devices.iter().map(convert::device).collect(),
    }))
}

//! `GetApplicationByCode`: where an application stands, for who has its code.

use mpp_kit::caller::Caller;
use mpp_proto::documents::v1::{GetApplicationByCodeRequest, GetApplicationByCodeResponse};
use tonic::Response;

use super::{Core, status};
use crate::error::Error;

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: GetApplicationByCodeRequest,
) -> Result<Response<GetApplicationByCodeResponse>, Error> {
    let loaded = core.application_by_code(&core.db.read, &request.code).await?;
    let status = status::with_code(core, status::without_code(&loaded, core.now()))?;
    Ok(Response::new(GetApplicationByCodeResponse { status: Some(status) }))
}

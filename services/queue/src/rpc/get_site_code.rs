//! The code that the hall shows now as a rotating QR.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1::{GetSiteCodeRequest, GetSiteCodeResponse};

use super::access::{self, permission};
use super::{convert, input, site_code};
use crate::error::Error;
use crate::hall::Halls;

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: GetSiteCodeRequest,
) -> Result<GetSiteCodeResponse, Error> {
    let mut check = Checker::new();
    let id = check.id("hall", &request.hall);
    let hall = access::hall_with(halls, caller, permission::SITE_CODE, input::parsed(check, id)?).await?;
    let (code, seconds) = site_code::current(hall.secret(), halls.clock().now());
    Ok(GetSiteCodeResponse { code, expires_in: convert::number(seconds) })
}

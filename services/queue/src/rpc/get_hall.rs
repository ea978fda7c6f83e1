//! Gets one hall.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1::{GetHallRequest, GetHallResponse};

use super::access::{self, permission};
use super::{convert, input};
use crate::error::Error;
use crate::hall::Halls;

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: GetHallRequest,
) -> Result<GetHallResponse, Error> {
    let mut check = Checker::new();
    let id = check.id("hall", &request.hall);
    let hall = access::hall_with(halls, caller, permission::READ, input::parsed(check, id)?).await?;
    let staff = access::staff_shown(caller, &hall.plan());
    Ok(GetHallResponse { hall: Some(hall.read(|fold| convert::hall::hall(fold, &staff))) })
}

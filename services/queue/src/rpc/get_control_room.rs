//! Gets the control room of a hall.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1::{GetControlRoomRequest, GetControlRoomResponse};

use super::access::{self, permission};
use super::input;
use super::views::control_room::control_room;
use crate::domain::HallId;
use crate::domain::decide::Reach;
use crate::error::Error;
use crate::hall::{HallHandle, Halls};

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: GetControlRoomRequest,
) -> Result<GetControlRoomResponse, Error> {
    let (hall, reach) = supervised(halls, caller, &request.hall).await?;
    let now = halls.clock().now();
    Ok(GetControlRoomResponse {
        control_room: Some(hall.read(|fold| control_room(fold, now, caller.language, &reach))),
    })
}

/// The hall, and what of it the caller supervises.
pub(super) async fn supervised(
    halls: &Halls,
    caller: &Caller,
    hall: &str,
) -> Result<(HallHandle, Reach), Error> {
    let mut check = Checker::new();
    let id: Option<HallId> = check.id("hall", hall);
    let id = input::parsed(check, id)?;
    let hall = halls.hall(id).await?;
    let reach = access::reach(caller, permission::SUPERVISE, &hall.plan())?;
    Ok((hall, reach))
}

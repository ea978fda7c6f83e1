//! Gets the board of a hall.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1::{GetBoardRequest, GetBoardResponse};

use super::access::{self, permission};
use super::input;
use super::views::board::{board, has_zone};
use crate::error::{Error, zone_not_found};
use crate::hall::{HallHandle, Halls};

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: GetBoardRequest,
) -> Result<GetBoardResponse, Error> {
    let hall = hall_with_zone(halls, caller, &request.hall, &request.zone).await?;
    hall.reaches(seen(request.after_seq)).await;
    let now = halls.clock().now();
    let board = hall.read(|fold| board(fold, hall.epoch(), &request.zone, now));
    Ok(GetBoardResponse { board: Some(board) })
}

/// The position that the caller has seen; 0 for none.
pub(super) fn seen(after_seq: i64) -> u64 {
    u64::try_from(after_seq).unwrap_or(0)
}

/// The hall, if the caller may read it and it has the zone.
pub(super) async fn hall_with_zone(
    halls: &Halls,
    caller: &Caller,
    hall: &str,
    zone: &str,
) -> Result<HallHandle, Error> {
    let mut check = Checker::new();
    let id = check.id("hall", hall);
    let hall = access::hall_with(halls, caller, permission::READ, input::parsed(check, id)?).await?;
    if hall.read(|fold| has_zone(fold.hall(), zone)) { Ok(hall) } else { Err(zone_not_found()) }
}

//! `GetComplaintMap` and `GetPublishedMap`: how many cases of a list lie where. What a square counts is what its list holds.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::complaints::v1::{
    GetComplaintMapRequest, GetComplaintMapResponse, GetPublishedMapRequest, GetPublishedMapResponse,
    ListComplaintsRequest, WorkList,
};

use super::{Core, convert, list};
use crate::domain::map::{Square, Within, draw};
use crate::error::Error;
use crate::store;
use crate::store::complaint::Published;

pub(super) async fn officers(
    core: &Core,
    caller: &Caller,
    request: GetComplaintMapRequest,
) -> Result<GetComplaintMapResponse, Error> {
    let mut check = Checker::new();
    let square = read_square(&mut check, &request.square);
    if request.list == i32::from(WorkList::ToAcknowledge) {
        check.violation(
            "list",
            "NO_MAP",
            "pilih daftar lain: yang menunggu ditangani tidak dipetakan",
            "choose another list: what waits to be acknowledged has no map",
        );
    }
    check.finish()?;
    let rules = core.rules().await?;
    let request = ListComplaintsRequest {
        list: request.list,
        agency_id: request.agency_id,
        state: request.state,
        category: request.category,
        ..ListComplaintsRequest::default()
    };
    let (desks, filter) = list::asked(core, caller, &rules, &request, square.map(Within::Square));
    let spots = store::complaint::spots_of(&core.db.read, &desks, &filter).await?;
    Ok(GetComplaintMapResponse { map: Some(convert::map(draw(&spots, square))) })
}

pub(super) async fn published(
    core: &Core,
    _caller: &Caller,
    request: GetPublishedMapRequest,
) -> Result<GetPublishedMapResponse, Error> {
    let mut check = Checker::new();
    let square = read_square(&mut check, &request.square);
    check.finish()?;
    let filter = Published {
        categories: convert::read_keys(&request.category),
        closed: request.closed,
        within: square.map(Within::Square),
        ..Published::default()
    };
    let spots = store::complaint::published_spots(&core.db.read, &filter).await?;
    Ok(GetPublishedMapResponse { map: Some(convert::map(draw(&spots, square))) })
}

/// The square that is asked for; `None` for where most cases are.
fn read_square(check: &mut Checker, written: &str) -> Option<Square> {
    match convert::read_within(check, written) {
        Some(Within::Square(square)) => Some(square),
        Some(Within::Outside(_) | Within::Nowhere) => {
            check.violation(
                "square",
                "NO_MAP",
                "pilih petak, seperti -380,10220,5; yang di luarnya hanya dapat didaftar",
                "choose a square such as -380,10220,5; what is outside can only be listed",
            );
            None
        }
        None => None,
    }
}

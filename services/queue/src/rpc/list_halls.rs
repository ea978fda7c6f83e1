//! Lists the halls that the caller may see.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1::{ListHallsRequest, ListHallsResponse};

use super::access::{self, permission};
use super::convert;
use super::page::{Page, Sizes};
use crate::error::Error;
use crate::hall::Halls;

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: ListHallsRequest,
) -> Result<ListHallsResponse, Error> {
    let mut check = Checker::new();
    let sizes = Sizes { default: 50, max: 200 };
    let page = Page::read(&mut check, caller, "halls", sizes, request.page_size, &request.page_token);
    check.finish()?;
    let rows = halls
        .all()
        .into_iter()
        .filter(|hall| access::holds(caller, permission::READ, hall.id()))
        .map(|hall| (hall.read(|fold| fold.hall().code.clone()), hall))
        .filter(|(code, _)| page.after().is_none_or(|after| code.as_str() > after))
        .take(page.limit())
        .collect();
    let (rows, next_page_token) = page.cut(rows, |(code, _)| code.clone());
    let show = |(_, hall): (String, crate::hall::HallHandle)| {
        let staff = access::staff_shown(caller, &hall.plan());
        hall.read(|fold| convert::hall::hall(fold, &staff))
    };
    Ok(ListHallsResponse { halls: rows.into_iter().map(show).collect(), next_page_token })
}

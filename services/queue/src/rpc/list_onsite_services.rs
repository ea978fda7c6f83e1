//! Lists the services of a hall for a citizen's phone that read the rotating QR.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1::{ListOnsiteServicesRequest, ListOnsiteServicesResponse};

use super::list_services::{self, SIZES};
use super::page::Page;
use super::{input, site_code};
use crate::error::Error;
use crate::hall::Halls;

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: ListOnsiteServicesRequest,
) -> Result<ListOnsiteServicesResponse, Error> {
    let mut check = Checker::new();
    let id = check.id("hall", &request.hall);
    let filter = format!("onsite services\n{}", request.hall);
    let page = Page::read(&mut check, caller, &filter, SIZES, request.page_size, &request.page_token);
    let hall = halls.hall(input::parsed(check, id)?).await?;
    site_code::verify(hall.secret(), &request.site_code, halls.clock().now())?;
    let (services, next_page_token) = list_services::services(halls, &hall, caller, &page);
    let hall_name = hall.read(|fold| fold.hall().name.clone());
    Ok(ListOnsiteServicesResponse { services, next_page_token, hall_name })
}

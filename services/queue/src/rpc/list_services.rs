//! Lists the services of a hall as a citizen meets them now.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1::{ListServicesRequest, ListServicesResponse, ServiceStatus};

use super::access::{self, permission};
use super::input;
use super::page::{Page, Sizes};
use super::views::service_status;
use crate::error::Error;
use crate::hall::{HallHandle, Halls};

/// Services of a page.
pub(super) const SIZES: Sizes = Sizes { default: 200, max: 500 };

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: ListServicesRequest,
) -> Result<ListServicesResponse, Error> {
    let mut check = Checker::new();
    let id = check.id("hall", &request.hall);
    let filter = format!("services\n{}", request.hall);
    let page = Page::read(&mut check, caller, &filter, SIZES, request.page_size, &request.page_token);
    let hall = access::hall_with(halls, caller, permission::READ, input::parsed(check, id)?).await?;
    let (services, next_page_token) = services(halls, &hall, caller, &page);
    Ok(ListServicesResponse { services, next_page_token })
}

/// The services of a page, and the token of the next one.
pub(super) fn services(
    halls: &Halls,
    hall: &HallHandle,
    caller: &Caller,
    page: &Page,
) -> (Vec<ServiceStatus>, String) {
    let now = halls.clock().now();
    hall.read(|fold| {
        let rows = service_status::listed(fold.hall())
            .into_iter()
            .filter(|(key, _)| page.after().is_none_or(|after| key.as_str() > after))
            .take(page.limit())
            .collect();
        let (rows, next) = page.cut(rows, |(key, _)| key.clone());
        (
            rows.into_iter()
                .map(|(_, service)| service_status::status(fold, service, now, caller.language))
                .collect(),
            next,
        )
    })
}

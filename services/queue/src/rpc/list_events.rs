//! Lists the event log of one business day, oldest first.

use chrono::NaiveDate;
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1::{ListEventsRequest, ListEventsResponse};

use super::access::{self, permission};
use super::page::{Page, Sizes};
use super::{convert, input};
use crate::domain::HallId;
use crate::error::Error;
use crate::hall::{HallHandle, Halls};

const SIZES: Sizes = Sizes { default: 50, max: 1000 };

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: ListEventsRequest,
) -> Result<ListEventsResponse, Error> {
    let mut check = Checker::new();
    let id: Option<HallId> = check.id("hall", &request.hall);
    let date = input::optional_date(&mut check, "date", &request.date);
    let filter = format!("events\n{}\n{}", request.hall, request.date);
    let page = Page::read(&mut check, caller, &filter, SIZES, request.page_size, &request.page_token);
    let id = input::parsed(check, id)?;
    let hall = halls.hall(id).await?;
    let reach = access::reach(caller, permission::AUDIT, &hall.plan())?;
    let Some(date) = date_or_latest(halls, &hall, date).await? else {
        return Ok(ListEventsResponse::default());
    };
    let rows = halls.store().events(id, date, page.after_position(), page.limit() as u64).await?;
    // Cut first: what is out of reach takes its place on a page, so that the next page begins after it.
    let (rows, next_page_token) = page.cut(rows, |row| row.seq.to_string());
    let staff = access::staff_shown(caller, &hall.plan());
    let events =
        hall.read(|fold| rows.iter().filter_map(|row| convert::event(fold, row, &reach, &staff)).collect());
    Ok(ListEventsResponse { events, next_page_token })
}

async fn date_or_latest(
    halls: &Halls,
    hall: &HallHandle,
    date: Option<NaiveDate>,
) -> Result<Option<NaiveDate>, Error> {
    match date.or_else(|| hall.read(|fold| fold.day().map(|day| day.date))) {
        Some(date) => Ok(Some(date)),
        None => halls.store().latest_date(hall.id()).await,
    }
}

//! Opening and closing the business day.

use std::mem::take;

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1 as proto;
use prost::Message;

use super::access::{self, part, permission};
use super::{convert, input};
use crate::domain::HallId;
use crate::domain::decide::Order;
use crate::error::Error;
use crate::hall::Halls;

pub(super) async fn open(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::OpenDayRequest,
) -> Result<proto::OpenDayResponse, Error> {
    let request_id = take(&mut request.request_id);
    let day = ordered(halls, caller, "OpenDay", &request_id, &request.hall, &request, Order::OpenDay).await?;
    Ok(proto::OpenDayResponse { day: Some(day) })
}

pub(super) async fn close(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::CloseDayRequest,
) -> Result<proto::CloseDayResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut check = Checker::new();
    let date = Some(request.date.as_str()).filter(|date| !date.is_empty());
    let date = date.and_then(|date| input::date(&mut check, "date", date));
    check.finish()?;
    let order = Order::CloseDay { date };
    let day = ordered(halls, caller, "CloseDay", &request_id, &request.hall, &request, order).await?;
    Ok(proto::CloseDayResponse { day: Some(day) })
}

async fn ordered(
    halls: &Halls,
    caller: &Caller,
    method: &str,
    request_id: &str,
    hall: &str,
    body: &impl Message,
    order: Order,
) -> Result<proto::Day, Error> {
    let mut check = Checker::new();
    let key = input::request_key(&mut check, caller, method, request_id, body);
    let id: Option<HallId> = check.id("hall", hall);
    let hall = halls.hall(input::parsed(check, id)?).await?;
    let answer = access::submit(&hall, caller, permission::MANAGE, key, order).await?;
    Ok(convert::day(&part(answer.day, "day")?, hall.id()))
}

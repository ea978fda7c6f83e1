//! Calls a given ticket out of order, with a reason.

use std::mem::take;

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1::{CallTicketRequest, CallTicketResponse};

use super::access::{self, part, permission};
use super::{convert, input};
use crate::domain::decide::Order;
use crate::domain::{CounterId, TicketId};
use crate::error::Error;
use crate::hall::Halls;

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    mut request: CallTicketRequest,
) -> Result<CallTicketResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut check = Checker::new();
    let key = input::request_key(&mut check, caller, "CallTicket", &request_id, &request);
    let counter: Option<CounterId> = check.id("counter", &request.counter);
    let ticket: Option<TicketId> = check.id("ticket", &request.ticket);
    let reason = check.text("reason", &request.reason, 3, 200);
    let (counter, ticket) = input::parsed(check, counter.zip(ticket))?;
    let hall = halls.of_counter(counter)?;
    let order = Order::CallTicket { counter, ticket, reason };
    let answer = access::submit(&hall, caller, permission::CALL_SPECIFIC, key, order).await?;
    let ticket = part(answer.ticket, "ticket")?;
    Ok(CallTicketResponse { ticket: Some(convert::ticket(&ticket, halls.clock().now(), true)) })
}

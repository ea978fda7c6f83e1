//! Calls the next ticket to a counter.

use std::mem::take;

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1::{CallNextRequest, CallNextResponse};

use super::access::{self, part, permission};
use super::{convert, input};
use crate::domain::decide::Order;
use crate::domain::{CounterId, TicketId};
use crate::error::Error;
use crate::hall::Halls;

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    mut request: CallNextRequest,
) -> Result<CallNextResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut check = Checker::new();
    let key = input::request_key(&mut check, caller, "CallNext", &request_id, &request);
    let counter: Option<CounterId> = check.id("counter", &request.counter);
    // Given and empty says that the counter holds nothing; not given says nothing.
    let expected: Option<Option<TicketId>> =
        request.expected_current.as_deref().map(|held| check.optional_id("expectedCurrent", held));
    let counter = input::parsed(check, counter)?;
    let hall = halls.of_counter(counter)?;
    let order = Order::CallNext { counter, expected };
    let answer = access::submit(&hall, caller, permission::CALL, key, order).await?;
    let ticket = part(answer.ticket, "ticket")?;
    Ok(CallNextResponse { ticket: Some(convert::ticket(&ticket, halls.clock().now(), true)) })
}

//! Says who would be called next at a counter, and why.

use mpp_kit::caller::Caller;
use mpp_proto::queue::v1::{PreviewNextRequest, PreviewNextResponse};

use super::convert;
use super::get_counter::Seen;
use super::views::next::next;
use crate::error::Error;
use crate::hall::Halls;

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: PreviewNextRequest,
) -> Result<PreviewNextResponse, Error> {
    let seen = Seen::find(halls, caller, &request.counter)?;
    let now = halls.clock().now();
    Ok(seen.hall.read(|fold| {
        let next = next(fold, seen.id, now);
        PreviewNextResponse {
            reason: next.reason.into(),
            explanation: next.explanation(fold, seen.id, now).in_language(caller.language).to_owned(),
            ticket: next.ticket.map(|ticket| convert::live_ticket(fold, &ticket, now)),
        }
    }))
}

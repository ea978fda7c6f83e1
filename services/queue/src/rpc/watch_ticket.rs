//! Streams the state and position of a ticket by its public token.

use std::sync::Arc;

use mpp_kit::caller::Caller;
use mpp_proto::queue::v1::{WatchTicketRequest, WatchTicketResponse};

use super::get_ticket_by_token::find;
use super::views::public_ticket::{public_ticket, still};
use super::watch::{CALM, Changes, Frames, Source};
use crate::error::Error;
use crate::hall::Halls;

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: WatchTicketRequest,
) -> Result<Frames<WatchTicketResponse>, Error> {
    let (hall, mut ticket) = find(halls, &request.token).await?;
    // Whoever holds the token may watch, signed in or not.
    let source = Source { until: None, ..Source::of(halls, &hall, caller, CALM) };
    let mut changes = Changes::new(still);
    Ok(source.frames(move |now, is_due| {
        let page = hall.read(|fold| {
            // When the next day has begun, the ticket stays as it was last seen.
            if let Some(latest) = fold.ticket(ticket.id) {
                ticket = Arc::clone(latest);
            }
            public_ticket(fold, &ticket, now)
        });
        Ok(changes.new_in(page, is_due).map(|page| WatchTicketResponse { ticket: Some(page) }))
    }))
}

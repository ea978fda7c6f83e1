//! Gets the state and position of a ticket by its public token; also of one of a past day.

use std::sync::Arc;

use mpp_kit::caller::Caller;
use mpp_proto::queue::v1::{GetTicketByTokenRequest, GetTicketByTokenResponse};

use super::views::public_ticket::public_ticket;
use crate::domain::rejection::{Rejection, Thing};
use crate::domain::ticket::Ticket;
use crate::error::Error;
use crate::hall::{HallHandle, Halls};

pub(super) async fn handle(
    halls: &Halls,
    _caller: &Caller,
    request: GetTicketByTokenRequest,
) -> Result<GetTicketByTokenResponse, Error> {
    let (hall, ticket) = find(halls, &request.token).await?;
    let now = halls.clock().now();
    Ok(GetTicketByTokenResponse { ticket: Some(hall.read(|fold| public_ticket(fold, &ticket, now))) })
}

/// The ticket with this token, and its hall.
pub(super) async fn find(halls: &Halls, token: &str) -> Result<(HallHandle, Arc<Ticket>), Error> {
    if let Ok(hall) = halls.of_token(token)
        && let Some(ticket) = hall.read(|fold| fold.ticket_by_token(token).cloned())
    {
        return Ok((hall, ticket));
    }
    let ticket = halls.store().ticket_by_token(token).await?.ok_or(Rejection::NotFound(Thing::Ticket))?;
    Ok((halls.hall(ticket.hall).await?, Arc::new(ticket)))
}

//! Gets one ticket with its position; also one of a past day.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1::{GetTicketRequest, GetTicketResponse};

use super::access::{self, permission};
use super::{convert, input};
use crate::domain::TicketId;
use crate::domain::rejection::{Rejection, Thing};
use crate::domain::ticket::Ticket;
use crate::error::Error;
use crate::hall::{HallHandle, Halls};

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: GetTicketRequest,
) -> Result<GetTicketResponse, Error> {
    let mut check = Checker::new();
    let id: Option<TicketId> = check.id("ticket", &request.ticket);
    let (id, now) = (input::parsed(check, id)?, halls.clock().now());
    // Only a ticket of the latest day is found by its hall.
    if let Ok(hall) = halls.of_ticket(id) {
        let found = hall.read(|fold| {
            let ticket = fold.ticket(id)?;
            let (people_ahead, estimate) = convert::place_in_line(fold, ticket, now);
            let shown = convert::live_ticket(fold, ticket, now);
            Some((ticket.clone(), GetTicketResponse { ticket: Some(shown), people_ahead, estimate }))
        });
        if let Some((ticket, response)) = found {
            require_reach(caller, &hall, &ticket)?;
            return Ok(response);
        }
    }
    let ticket = halls.store().ticket(id).await?.ok_or(Rejection::NotFound(Thing::Ticket))?;
    require_reach(caller, &halls.hall(ticket.hall).await?, &ticket)?;
    Ok(GetTicketResponse {
        ticket: Some(convert::ticket(&ticket, now, false)),
        people_ahead: 0,
        estimate: None,
    })
}

/// A ticket of another agency is not there.
fn require_reach(caller: &Caller, hall: &HallHandle, ticket: &Ticket) -> Result<(), Error> {
    match access::reach(caller, permission::READ_TICKETS, &hall.plan()) {
        Ok(reach) if reach.agency(ticket.agency) => Ok(()),
        Ok(_) | Err(_) => Err(Rejection::NotFound(Thing::Ticket).into()),
    }
}

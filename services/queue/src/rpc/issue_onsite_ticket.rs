//! Issues a ticket to a citizen's own phone that read the rotating QR in the hall.

use std::mem::take;

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1::{IssueOnsiteTicketRequest, IssueOnsiteTicketResponse};

use super::issue_ticket::{Wish, issued};
use super::{access, input, site_code};
use crate::domain::HallId;
use crate::domain::decide::{Command, Order, Reach};
use crate::domain::ticket::Channel;
use crate::error::Error;
use crate::hall::Halls;

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    mut request: IssueOnsiteTicketRequest,
) -> Result<IssueOnsiteTicketResponse, Error> {
    let request_id = take(&mut request.request_id);
    let (site_code, phone) = (take(&mut request.site_code), take(&mut request.phone));
    let mut check = Checker::new();
    // A retry may come with the next code: the code is proof of the place, not part of what is asked.
    let key = input::request_key(&mut check, caller, "IssueOnsiteTicket", &request_id, &request);
    let hall: Option<HallId> = check.id("hall", &request.hall);
    let wish =
        Wish::read(&mut check, caller, &request.service_id, request.priority, &request.assistance, &phone);
    let (hall, wish) = input::parsed(check, hall.zip(wish))?;
    access::require_key(caller, key.as_ref())?;
    let hall = halls.hall(hall).await?;
    site_code::verify(hall.secret(), &site_code, halls.clock().now())?;
    let new = wish.ticket(halls, &hall, Channel::Onsite).await?;
    let command = Command {
        actor: access::actor(caller),
        reach: Reach::everything(),
        many_desks: false,
        request: input::of_person(key, new.person.as_deref()),
        order: Order::Issue(Box::new(new)),
    };
    let (ticket, people_ahead, estimate) = issued(halls, &hall, hall.submit(command).await?)?;
    Ok(IssueOnsiteTicketResponse { ticket: Some(ticket), people_ahead, estimate })
}

//! Lists tickets of the present day in order of arrival.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1 as proto;

use super::access::{self, permission};
use super::page::{Page, Sizes};
use super::{convert, input};
use crate::domain::decide::Reach;
use crate::domain::ticket::Ticket;
use crate::domain::{HallId, ServiceId};
use crate::error::Error;
use crate::hall::Halls;

const SIZES: Sizes = Sizes { default: 50, max: 200 };

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: proto::ListTicketsRequest,
) -> Result<proto::ListTicketsResponse, Error> {
    let mut check = Checker::new();
    let id: Option<HallId> = check.id("hall", &request.hall);
    let filter = Filter::read(&mut check, &request);
    let bound_to = format!("tickets\n{}\n{:?}\n{}", request.hall, request.states, request.service_id);
    let page = Page::read(&mut check, caller, &bound_to, SIZES, request.page_size, &request.page_token);
    let id = input::parsed(check, id)?;
    let (hall, now) = (halls.hall(id).await?, halls.clock().now());
    let reach = access::reach(caller, permission::READ_TICKETS, &hall.plan())?;
    let (rows, next_page_token) = hall.read(|fold| {
        let rows =
            fold.tickets_after(page.after_position()).filter(|(_, ticket)| filter.takes(ticket, &reach));
        let (rows, next) = page.cut(rows.take(page.limit()).collect(), |(position, _)| position.to_string());
        (rows.into_iter().map(|(_, ticket)| convert::live_ticket(fold, ticket, now)).collect(), next)
    });
    Ok(proto::ListTicketsResponse { tickets: rows, next_page_token })
}

struct Filter {
    states: Vec<proto::TicketState>,
    service: Option<ServiceId>,
}

impl Filter {
    fn read(check: &mut Checker, request: &proto::ListTicketsRequest) -> Self {
        let mut states = Vec::new();
        for (at, value) in request.states.iter().enumerate() {
            let field = format!("states[{at}]");
            match input::enumeration(check, &field, *value) {
                Some(proto::TicketState::Unspecified) => {
                    check.violation(field, "REQUIRED", "pilih keadaan nomor antrean", "choose a state");
                }
                Some(state) => states.push(state),
                None => {}
            }
        }
        Self { states, service: check.optional_id("serviceId", &request.service_id) }
    }

    fn takes(&self, ticket: &Ticket, reach: &Reach) -> bool {
        reach.agency(ticket.agency)
            && self.service.is_none_or(|service| service == ticket.service)
            && (self.states.is_empty() || self.states.contains(&convert::ticket_state(ticket.state)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decide::Bound;
    use crate::rpc::samples::Hall;

    #[test]
    fn takes_by_state_service_and_reach() {
        let mut hall = Hall::open();
        let (ktp, stnk) = (hall.walk_in(0), hall.walk_in(2));
        hall.opened(0);
        hall.called(0);
        let read = |request: proto::ListTicketsRequest| {
            let mut check = Checker::new();
            let filter = Filter::read(&mut check, &request);
            check.finish().unwrap();
            filter
        };
        let all = Reach::everything();
        let waiting = read(proto::ListTicketsRequest { states: vec![1, 4], ..Default::default() });
        assert!(!waiting.takes(&hall.ticket(ktp), &all) && waiting.takes(&hall.ticket(stnk), &all));
        let of_service =
            read(proto::ListTicketsRequest { service_id: hall.service(0).to_string(), ..Default::default() });
        assert!(of_service.takes(&hall.ticket(ktp), &all) && !of_service.takes(&hall.ticket(stnk), &all));
        let agency = hall.ticket(ktp).agency;
        let own = Reach(vec![Bound { agencies: Some([agency].into()), counters: None }]);
        let any = read(proto::ListTicketsRequest::default());
        assert!(
            any.takes(&hall.ticket(ktp), &own) && !any.takes(&hall.ticket(stnk), &own),
            "agencies do not see each other"
        );
    }

    #[test]
    fn unknown_states_are_violations() {
        let mut check = Checker::new();
        Filter::read(&mut check, &proto::ListTicketsRequest { states: vec![1, 0, 42], ..Default::default() });
        let fields: Vec<String> =
            check.finish().unwrap_err().violations.into_iter().map(|one| one.field).collect();
        assert_eq!(fields, ["states[1]", "states[2]"]);
    }
}

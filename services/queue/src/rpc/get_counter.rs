//! Gets a counter with all that its staff sees.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1::{CounterDesk, GetCounterRequest, GetCounterResponse};

use super::access::{self, permission};
use super::input;
use super::views::desk::desk;
use crate::domain::CounterId;
use crate::domain::rejection::{Rejection, Thing};
use crate::error::Error;
use crate::hall::{HallHandle, Halls};

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: GetCounterRequest,
) -> Result<GetCounterResponse, Error> {
    let seen = Seen::find(halls, caller, &request.counter)?;
    let now = halls.clock().now();
    Ok(GetCounterResponse { desk: Some(seen.desk(now)?) })
}

/// A counter that the caller may look at.
pub(super) struct Seen {
    pub(super) id: CounterId,
    pub(super) hall: HallHandle,
    /// Whether the caller is told who works there.
    with_staff: bool,
}

impl Seen {
    /// Finds the counter. One of an agency out of reach is not there; every counter of the own agency may be looked at.
    pub(super) fn find(halls: &Halls, caller: &Caller, counter: &str) -> Result<Self, Error> {
        let mut check = Checker::new();
        let id: Option<CounterId> = check.id("counter", counter);
        let id = input::parsed(check, id)?;
        let hall = halls.of_counter(id)?;
        let reach = access::reach(caller, permission::READ_TICKETS, &hall.plan()).map_err(|_| not_found())?;
        let agency = hall.read(|fold| fold.plan(id).map(|plan| plan.agency));
        let agency = agency.filter(|agency| reach.agency(*agency)).ok_or_else(not_found)?;
        let with_staff = access::staff_shown(caller, &hall.plan()).agency(agency);
        Ok(Self { id, hall, with_staff })
    }

    /// Its desk now.
    pub(super) fn desk(&self, now: chrono::DateTime<chrono::Utc>) -> Result<CounterDesk, Error> {
        self.hall.read(|fold| desk(fold, self.id, now, self.with_staff)).ok_or_else(not_found)
    }
}

fn not_found() -> Error {
    Rejection::NotFound(Thing::Counter).into()
}

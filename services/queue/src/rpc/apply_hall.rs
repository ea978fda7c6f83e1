//! Creates a hall, or replaces the configuration of the hall with the same code.

use std::mem::take;
use std::sync::Arc;

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::Problem;
use mpp_proto::queue::v1::{ApplyHallRequest, ApplyHallResponse};

use super::access::{self, part, permission};
use super::{convert, input};
use crate::domain::decide::{Command, Order, Reach};
use crate::domain::hall::Hall;
use crate::domain::rejection::Rejection;
use crate::error::Error;
use crate::hall::Halls;

/// How often a configuration is made anew because somebody else was first.
const TRIES: usize = 3;

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    mut request: ApplyHallRequest,
) -> Result<ApplyHallResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut tries = 1;
    loop {
        match attempt(halls, caller, &request_id, &request).await {
            Err(Error::Rejected(Rejection::ConfiguredMeanwhile)) if tries < TRIES => {
                tries += 1;
                halls.look_for_new_ones().await?;
            }
            outcome => return outcome,
        }
    }
}

/// Makes the configuration from what is known of the hall now, and applies it.
async fn attempt(
    halls: &Halls,
    caller: &Caller,
    request_id: &str,
    request: &ApplyHallRequest,
) -> Result<ApplyHallResponse, Error> {
    let mut check = Checker::new();
    let key = input::request_key(&mut check, caller, "ApplyHall", request_id, request);
    let wanted = request.hall.clone().unwrap_or_default();
    let known = known(halls, wanted.code.trim());
    let hall = convert::hall::read(&mut check, &wanted, known.as_deref());
    check.finish()?;
    let reach = reach(caller, known.as_deref())?;
    let command = Command {
        actor: access::actor(caller),
        reach,
        many_desks: true,
        request: key,
        order: Order::Configure(Arc::new(hall)),
    };
    let id = part(halls.apply(command).await?.hall, "hall")?.id;
    let hall = halls.hall(id).await?;
    let staff = access::staff_shown(caller, &hall.plan());
    Ok(ApplyHallResponse { hall: Some(hall.read(|fold| convert::hall::hall(fold, &staff))) })
}

/// The hall that has this code now.
fn known(halls: &Halls, code: &str) -> Option<Arc<Hall>> {
    halls.all().iter().map(|hall| hall.read(|fold| Arc::clone(fold.hall()))).find(|hall| hall.code == code)
}

/// What the caller may configure: the known hall, or for a new one every hall. Both refusals are the same, so that codes
/// of other halls cannot be found out.
fn reach(caller: &Caller, known: Option<&Hall>) -> Result<Reach, Error> {
    let reach = match known {
        Some(hall) => access::reach(caller, permission::CONFIGURE, hall).ok(),
        None if caller.scopes(permission::CONFIGURE).iter().any(|scope| scope.0.is_empty()) => {
            Some(Reach::everything())
        }
        None => None,
    };
    reach.filter(Reach::hall).ok_or_else(|| Problem::denied().into())
}

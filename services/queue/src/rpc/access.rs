//! What a caller reaches in a hall, and handing a command to the rules with it.

use std::collections::BTreeSet;
use std::str::FromStr;

use anyhow::anyhow;
use mpp_kit::caller::{Caller, CallerKind, Scope};
use mpp_kit::fault::Fault as _;
use mpp_kit::idempotency;

use crate::domain::decide::{Bound, Command, Order, Reach};
use crate::domain::event::{Actor, ActorKind, RequestKey};
use crate::domain::fold::Answer;
use crate::domain::hall::Hall;
use crate::domain::rejection::{Rejection, Thing};
use crate::domain::{AgencyId, CounterId, HallId};
use crate::error::Error;
use crate::hall::{HallHandle, Halls};

/// Permissions whose scope is checked here. That the caller has them at all was checked from the contract.
pub(super) mod permission {
    pub(in crate::rpc) const READ: &str = "queue.read";
    pub(in crate::rpc) const CONFIGURE: &str = "queue.configure";
    pub(in crate::rpc) const ISSUE: &str = "queue.issue";
    pub(in crate::rpc) const SITE_CODE: &str = "queue.sitecode";
    pub(in crate::rpc) const READ_TICKETS: &str = "queue.ticket.read";
    pub(in crate::rpc) const CALL: &str = "queue.call";
    pub(in crate::rpc) const CALL_SPECIFIC: &str = "queue.call.specific";
    pub(in crate::rpc) const RESTORE: &str = "queue.restore";
    pub(in crate::rpc) const CANCEL: &str = "queue.cancel";
    pub(in crate::rpc) const SUPERVISE: &str = "queue.supervise";
    pub(in crate::rpc) const MANAGE: &str = "queue.manage";
    pub(in crate::rpc) const STATISTICS: &str = "queue.statistics";
    pub(in crate::rpc) const AUDIT: &str = "queue.audit";
}

/// What the caller reaches in `hall` with `permission`: each grant that has it and holds there is one bound. A grant for
/// counters that names no agency is one for the agencies of these counters: their tickets, and nobody else's.
///
/// # Errors
/// The hall is not found when no grant holds there: what is out of reach does not exist for the caller.
pub(super) fn reach(caller: &Caller, permission: &str, hall: &Hall) -> Result<Reach, Error> {
    let bounds: Vec<Bound> = scopes_at(caller, permission, hall.id)
        .map(|scope| {
            let counters = ids(scope, "counter");
            let agencies = ids(scope, "agency").or_else(|| Some(agencies_of(hall, counters.as_ref()?)));
            Bound { agencies, counters }
        })
        .collect();
    if bounds.is_empty() { Err(Rejection::NotFound(Thing::Hall).into()) } else { Ok(Reach(bounds)) }
}

/// Where the caller is told who works: at the counters of agencies it supervises.
pub(super) fn staff_shown(caller: &Caller, hall: &Hall) -> Reach {
    reach(caller, permission::SUPERVISE, hall).unwrap_or_default()
}

/// Whether some grant of the caller has `permission` in `hall`, for all of it or for a part.
pub(super) fn holds(caller: &Caller, permission: &str, hall: HallId) -> bool {
    scopes_at(caller, permission, hall).next().is_some()
}

/// The hall, if it exists and the caller holds `permission` there.
///
/// # Errors
/// The hall is not found otherwise.
pub(super) async fn hall_with(
    halls: &Halls,
    caller: &Caller,
    permission: &str,
    id: HallId,
) -> Result<HallHandle, Error> {
    let hall = halls.hall(id).await?;
    reach(caller, permission, &hall.plan())?;
    Ok(hall)
}

/// Who the caller is, for the log.
pub(super) fn actor(caller: &Caller) -> Actor {
    let kind = match caller.kind {
        CallerKind::Staff => ActorKind::Staff,
        CallerKind::Device => ActorKind::Device,
        CallerKind::Anonymous => ActorKind::Citizen,
        CallerKind::System => ActorKind::System,
    };
    Actor { id: caller.id.clone(), kind }
}

/// Hands an order to the rules of a hall, within what the caller reaches there with `permission`.
///
/// # Errors
/// What the rules refuse, or that the log does not answer.
pub(super) async fn submit(
    hall: &HallHandle,
    caller: &Caller,
    permission: &str,
    request: Option<RequestKey>,
    order: Order,
) -> Result<Answer, Error> {
    require_key(caller, request.as_ref())?;
    let command = Command {
        actor: actor(caller),
        reach: reach(caller, permission, &hall.plan())?,
        many_desks: holds(caller, permission::SUPERVISE, hall.id()),
        request,
        order,
    };
    hall.submit(command).await
}

/// Refuses a service account whose command has no key.
///
/// # Errors
/// `IDEMPOTENCY_KEY_REQUIRED`.
pub(super) fn require_key(caller: &Caller, request: Option<&RequestKey>) -> Result<(), Error> {
    let key = request.map_or("", |request| request.key.as_str());
    idempotency::require(caller, key).map_err(|error| error.problem().into())
}

/// The part of an answer that this order always leaves.
///
/// # Errors
/// A fault of ours when it is missing.
pub(super) fn part<T>(part: Option<T>, name: &str) -> Result<T, Error> {
    part.ok_or_else(|| Error::Internal(anyhow!("the answer has no {name}")))
}

fn scopes_at<'c>(caller: &'c Caller, permission: &str, hall: HallId) -> impl Iterator<Item = &'c Scope> {
    let hall = hall.to_string();
    caller.scopes(permission).into_iter().filter(move |scope| scope.covers(&[("hall", &hall)]))
}

fn agencies_of(hall: &Hall, counters: &BTreeSet<CounterId>) -> BTreeSet<AgencyId> {
    let plans = hall.counters.iter().filter(|plan| counters.contains(&plan.id));
    plans.map(|plan| plan.agency).collect()
}

/// The ids of a kind that a scope is bound to. What is no id names nothing, so it widens nothing.
fn ids<T: FromStr + Ord>(scope: &Scope, kind: &str) -> Option<BTreeSet<T>> {
    scope.bound(kind).map(|ids| ids.iter().filter_map(|id| id.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use mpp_kit::caller::Grant;
    use mpp_kit::fault::Language;

    use super::*;
    use crate::rpc::samples;

    fn plan(id: HallId) -> Hall {
        Hall { id, ..Hall::clone(samples::Hall::closed().fold.hall()) }
    }

    fn caller(grants: &[&[(&str, &[String])]]) -> Caller {
        let grant = |scope: &&[(&str, &[String])]| Grant {
            permissions: ["queue.call".to_owned()].into(),
            scope: Scope(
                scope.iter().map(|(kind, ids)| ((*kind).to_owned(), ids.iter().cloned().collect())).collect(),
            ),
        };
        Caller {
            kind: CallerKind::Staff,
            grants: grants.iter().map(grant).collect(),
            ..Caller::anonymous(Language::Id)
        }
    }

    #[test]
    fn each_grant_that_holds_in_the_hall_is_one_bound() {
        let (hall, other) = (HallId::generate(), HallId::generate());
        let (agency, foreign) = (AgencyId::generate(), AgencyId::generate());
        let (counter, next) = (CounterId::generate(), CounterId::generate());
        let caller = caller(&[
            &[
                ("hall", &[hall.to_string()]),
                ("agency", &[agency.to_string(), "rubbish".into()]),
                ("counter", &[counter.to_string()]),
            ],
            &[("hall", &[other.to_string()])],
        ]);
        let (hall, other) = (plan(hall), plan(other));
        let here = reach(&caller, "queue.call", &hall).unwrap();
        assert_eq!(here.0.len(), 1, "the grant for the other hall does not count");
        assert!(here.counter(agency, counter) && !here.counter(agency, next));
        assert!(here.agency(agency) && !here.agency(foreign) && !here.hall());
        assert!(reach(&caller, "queue.call", &other).unwrap().hall());
        assert!(matches!(
            reach(&caller, "queue.manage", &hall),
            Err(Error::Rejected(Rejection::NotFound(Thing::Hall)))
        ));
        assert!(reach(&caller, "queue.call", &plan(HallId::generate())).is_err());
    }

    #[test]
    fn a_grant_for_a_counter_reaches_the_agency_of_that_counter_and_no_other() {
        let hall = plan(HallId::generate());
        let (own, foreign) = (&hall.counters[0], &hall.counters[1]);
        assert_ne!(own.agency, foreign.agency, "counters of two agencies");
        for counters in
            [vec![own.id.to_string()], vec![own.id.to_string(), CounterId::generate().to_string()]]
        {
            let caller = caller(&[&[("hall", &[hall.id.to_string()]), ("counter", &counters)]]);
            let reach = reach(&caller, "queue.call", &hall).unwrap();
            assert!(reach.agency(own.agency) && reach.counter(own.agency, own.id));
            assert!(
                !reach.agency(foreign.agency) && !reach.counter(foreign.agency, foreign.id) && !reach.hall()
            );
        }
        let gone = caller(&[&[("counter", &[CounterId::generate().to_string()])]]);
        let reach = reach(&gone, "queue.call", &hall).unwrap();
        assert!(hall.agencies.iter().all(|agency| !reach.agency(agency.id)), "a counter of no agency here");
    }

    #[test]
    fn a_scope_of_nothing_but_rubbish_reaches_nothing() {
        let caller = caller(&[&[("agency", &["rubbish".to_owned()])]]);
        let reach = reach(&caller, "queue.call", &plan(HallId::generate())).unwrap();
        assert!(!reach.agency(AgencyId::generate()) && !reach.hall());
    }

    #[test]
    fn the_system_reaches_everything() {
        assert!(reach(&Caller::system(), "queue.call", &plan(HallId::generate())).unwrap().hall());
    }
}

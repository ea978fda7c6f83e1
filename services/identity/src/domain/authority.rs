//! Who may give what to whom: nobody gives, or takes away, more than they hold.

use chrono::{DateTime, Utc};
use mpp_kit::caller::reaches;

use super::{
    HallId,
    device::DeviceKind,
    grant::{Bounds, Grant},
    role::{Permission, Role},
};

/// One thing the caller may do: a permission, where, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Power {
    /// The permission.
    pub permission: Permission,
    /// Where it holds.
    pub bounds: Bounds,
    /// First moment it no longer holds; `None` for never.
    pub until: Option<DateTime<Utc>>,
}

/// Everything the caller may do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority(Vec<Power>);

/// A part of the installation whose accounts and devices the caller may see. Both bounds must be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach<'a> {
    /// Only this hall; `None` for every hall.
    pub hall: Option<&'a str>,
    /// Only this agency; `None` for every agency.
    pub agency: Option<&'a str>,
}

/// Whether everything in `inner` lies within `outer`: each place is one of the outer ones or, for an area, below one.
fn covers(outer: &Bounds, inner: &Bounds) -> bool {
    outer.iter().all(|(kind, places)| {
        inner
            .get(kind)
            .is_some_and(|inner| inner.iter().all(|place| places.iter().any(|outer| reaches(outer, place))))
    })
}

/// Whether what ends at `inner` ends no later than what ends at `outer`.
fn outlasts(outer: Option<DateTime<Utc>>, inner: Option<DateTime<Utc>>) -> bool {
    outer.is_none_or(|outer| inner.is_some_and(|inner| inner <= outer))
}

impl Authority {
    /// The authority of the installation itself: the command line on the same machine.
    #[must_use]
    pub fn unbounded() -> Self {
        let all = Role::Admin.permissions().iter();
        Self(
            all.map(|permission| Power { permission: *permission, bounds: Bounds::new(), until: None })
                .collect(),
        )
    }

    /// What these grants permit now.
    #[must_use]
    pub fn of(grants: &[Grant], now: DateTime<Utc>) -> Self {
        let holding = grants.iter().filter(|grant| grant.holds_at(now));
        Self(
            holding
                .flat_map(|grant| {
                    grant.role.permissions().iter().map(|permission| Power {
                        permission: *permission,
                        bounds: grant.bounds(),
                        until: grant.valid_to,
                    })
                })
                .collect(),
        )
    }

    fn holds(&self, permission: Permission, at: &Bounds, until: Option<DateTime<Utc>>) -> bool {
        self.0.iter().any(|power| {
            power.permission == permission && covers(&power.bounds, at) && outlasts(power.until, until)
        })
    }

    /// Whether the caller may give this grant: it must administer the place, hold every permission of the role there
    /// itself, and for as long.
    #[must_use]
    pub fn may_give(&self, grant: &Grant) -> bool {
        let bounds = grant.bounds();
        self.holds(Permission::IdentityManage, &bounds, grant.valid_to)
            && grant
                .role
                .permissions()
                .iter()
                .all(|permission| self.holds(*permission, &bounds, grant.valid_to))
    }

    /// Whether the caller may see and disable an account with these grants: it must administer every place of each,
    /// so that the manager of one hall cannot disable the administrator of all. Time does not count here, since
    /// taking away is no gain.
    #[must_use]
    pub fn may_manage(&self, grants: &[Grant]) -> bool {
        grants.iter().all(|grant| {
            let bounds = grant.bounds();
            self.0
                .iter()
                .any(|power| power.permission == Permission::IdentityManage && covers(&power.bounds, &bounds))
        })
    }

    /// Whether the caller may enrol a device of this kind in this hall.
    #[must_use]
    pub fn may_enrol(&self, kind: DeviceKind, hall: HallId) -> bool {
        self.may_give(&kind.grant(hall))
    }

    /// Whether the caller may see and revoke devices of this hall.
    #[must_use]
    pub fn may_manage_devices(&self, hall: HallId) -> bool {
        self.may_manage(&[DeviceKind::Board.grant(hall)])
    }

    /// The parts of the installation the caller administers; `None` when that is all of it. An empty list is nothing.
    #[must_use]
    pub fn reach(&self) -> Option<Vec<Reach<'_>>> {
        let managed = self.0.iter().filter(|power| power.permission == Permission::IdentityManage);
        let mut reach = Vec::new();
        for power in managed {
            if power.bounds.is_empty() {
                return None;
            }
            // Each grant names at most one hall and one agency, see `Grant::bounds`.
            let only =
                |kind: &str| power.bounds.get(kind).and_then(|places| places.first()).map(String::as_str);
            reach.push(Reach { hall: only("hall"), agency: only("agency") });
        }
        Some(reach)
    }

    /// The halls whose devices the caller administers; `None` for every hall. A device belongs to the whole hall, so
    /// who administers one agency of it is not among them.
    #[must_use]
    pub fn device_halls(&self) -> Option<Vec<&str>> {
        let parts = self.reach()?;
        Some(parts.into_iter().filter(|part| part.agency.is_none()).filter_map(|part| part.hall).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use strum::IntoEnumIterator as _;

    use super::*;
    use crate::domain::{AgencyId, CounterId};
    use mpp_kit::id::Uuid;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn hall(number: u128) -> HallId {
        HallId::from_uuid(Uuid::from_u128(number))
    }

    fn grant(
        role: Role,
        hall: Option<HallId>,
        agency: Option<AgencyId>,
        valid_to: Option<DateTime<Utc>>,
    ) -> Grant {
        Grant { role, hall, agency, counters: BTreeSet::new(), area: None, valid_from: None, valid_to }
    }

    #[test]
    fn an_administrator_of_one_hall_gives_nothing_outside_it() {
        let admin = Authority::of(&[grant(Role::Admin, Some(hall(1)), None, None)], at(0));
        for role in Role::iter() {
            assert!(admin.may_give(&grant(role, Some(hall(1)), None, None)), "{role} within");
            assert!(!admin.may_give(&grant(role, Some(hall(2)), None, None)), "{role} in another hall");
            assert!(!admin.may_give(&grant(role, None, None, None)), "{role} everywhere");
        }
        assert!(!admin.may_manage(&[
            grant(Role::Counter, Some(hall(1)), None, None),
            grant(Role::Counter, None, None, None)
        ]));
    }

    #[test]
    fn an_administrator_of_one_agency_enrols_no_device_of_the_whole_hall() {
        let agency = AgencyId::generate();
        let admin = Authority::of(&[grant(Role::Admin, Some(hall(1)), Some(agency), None)], at(0));
        assert!(admin.may_give(&grant(Role::Counter, Some(hall(1)), Some(agency), None)));
        assert!(!admin.may_give(&grant(Role::Counter, Some(hall(1)), Some(AgencyId::generate()), None)));
        assert!(!admin.may_give(&grant(Role::Counter, Some(hall(1)), None, None)));
        assert!(!admin.may_enrol(DeviceKind::Kiosk, hall(1)));
        assert!(!admin.may_manage_devices(hall(1)));
    }

    #[test]
    fn nobody_gives_for_longer_than_they_hold() {
        let admin = Authority::of(&[grant(Role::Admin, None, None, Some(at(1_000)))], at(0));
        assert!(admin.may_give(&grant(Role::Counter, None, None, Some(at(1_000)))));
        assert!(!admin.may_give(&grant(Role::Counter, None, None, Some(at(1_001)))));
        assert!(!admin.may_give(&grant(Role::Admin, None, None, None)));
    }

    #[test]
    fn without_identity_manage_nothing_is_given_or_seen() {
        for role in Role::iter().filter(|role| *role != Role::Admin) {
            let authority = Authority::of(&[grant(role, None, None, None)], at(0));
            assert!(!authority.may_give(&grant(role, Some(hall(1)), None, None)), "{role}");
            assert!(!authority.may_manage(&[grant(role, Some(hall(1)), None, None)]), "{role}");
            assert_eq!(authority.reach(), Some(Vec::new()), "{role}");
        }
        assert_eq!(Authority::of(&[], at(0)).reach(), Some(Vec::new()));
        assert_eq!(Authority::unbounded().reach(), None);
    }

    const AREAS: [&str; 4] = ["17", "17.07", "17.07.05.2003", "17.08"];

    fn any_grant() -> impl Strategy<Value = Grant> {
        let place = prop::option::of(1_u128..3);
        let counters = prop::collection::btree_set(1_u128..4, 0..3);
        let roles = prop::sample::select(Role::iter().collect::<Vec<_>>());
        let area = prop::option::of(prop::sample::select(AREAS.to_vec()));
        (roles, place.clone(), place, counters, area, prop::option::of(0_i64..4)).prop_map(
            |(role, hall_number, agency, counters, area, to)| Grant {
                role,
                area: area.and_then(|area| area.parse().ok()),
                hall: hall_number.map(hall),
                agency: agency.map(|number| AgencyId::from_uuid(Uuid::from_u128(number))),
                counters: counters
                    .into_iter()
                    .map(|number| CounterId::from_uuid(Uuid::from_u128(number)))
                    .collect(),
                valid_from: None,
                valid_to: to.map(at),
            },
        )
    }

    /// A place in the finest grain: one hall, one agency, one counter, one area, one second.
    type Spot<'a> = (HallId, AgencyId, CounterId, &'a str, i64);

    fn permits(
        grants: &[Grant],
        permission: Permission,
        (hall, agency, counter, area, second): Spot<'_>,
    ) -> bool {
        grants.iter().any(|grant| {
            grant.role.permissions().contains(&permission)
                && grant.hall.is_none_or(|own| own == hall)
                && grant.agency.is_none_or(|own| own == agency)
                && (grant.counters.is_empty() || grant.counters.contains(&counter))
                && grant.area.as_ref().is_none_or(|own| reaches(&own.to_string(), area))
                && grant.holds_at(at(second))
        })
    }

    proptest! {
        /// No escalation: whatever may be given permits nothing, anywhere, at any time, that the giver is not
        /// permitted too.
        #[test]
        fn what_is_given_never_exceeds_what_the_giver_holds(held in prop::collection::vec(any_grant(), 1..4), given in any_grant()) {
            let authority = Authority::of(&held, at(0));
            if authority.may_give(&given) {
                for permission in Permission::iter() {
                    for place in 0..27_u128 {
                        let (hall, agency, counter) = (
                            hall(1 + place % 3),
                            AgencyId::from_uuid(Uuid::from_u128(1 + place / 3 % 3)),
                            CounterId::from_uuid(Uuid::from_u128(1 + place / 9)),
                        );
                        for (second, area) in (0..5).flat_map(|second| AREAS.map(|area| (second, area))) {
                            let spot = (hall, agency, counter, area, second);
                            prop_assert!(
                                !permits(std::slice::from_ref(&given), permission, spot)
                                    || permits(&held, permission, spot)
                            );
                        }
                    }
                }
            }
        }
    }
}

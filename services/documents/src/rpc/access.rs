//! What a caller reaches. A grant holds in areas; one that is bound to a hall says nothing about areas.

use mpp_kit::caller::{Caller, Scope, reaches};

use crate::domain::step::StepRole;

/// The permission to act in a role.
pub(crate) fn permission_of(role: StepRole) -> &'static str {
    match role {
        StepRole::RtHead => "documents.act.rt",
        StepRole::RwHead => "documents.act.rw",
        StepRole::VillageOfficer => "documents.act.village",
        StepRole::VillageSecretary => "documents.act.village.secretary",
        StepRole::VillageHead => "documents.act.village.head",
        StepRole::SubDistrictOfficer => "documents.act.subdistrict",
        StepRole::SubDistrictHead => "documents.act.subdistrict.head",
        StepRole::AgencyOfficer => "documents.act.agency",
        StepRole::AgencyHead => "documents.act.agency.head",
    }
}

/// Where a permission holds: everywhere, or in some areas with what lies below them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Areas {
    Everywhere,
    In(Vec<String>),
}

impl Areas {
    /// Where the caller has this permission.
    pub(crate) fn of(caller: &Caller, permission: &str) -> Self {
        let mut areas = Vec::new();
        for scope in caller.scopes(permission).into_iter().filter(|scope| !is_of_a_hall(scope)) {
            match scope.bound("area") {
                None => return Self::Everywhere,
                Some(bound) => areas.extend(bound.iter().cloned()),
            }
        }
        areas.sort();
        areas.dedup();
        Self::In(areas)
    }

    /// Whether an area lies within.
    pub(crate) fn reach(&self, area: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::In(areas) => areas.iter().any(|outer| reaches(outer, area)),
        }
    }

    /// The areas for a query; `None` for everywhere.
    pub(crate) fn bounds(&self) -> Option<&[String]> {
        match self {
            Self::Everywhere => None,
            Self::In(areas) => Some(areas),
        }
    }
}

/// Whether a scope is bound to something else than areas.
fn is_of_a_hall(scope: &Scope) -> bool {
    ["hall", "agency", "counter"].iter().any(|kind| scope.bound(kind).is_some())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use mpp_kit::caller::Grant;
    use mpp_kit::fault::Language;

    use super::*;

    fn caller(grants: &[&[(&str, &str)]]) -> Caller {
        let mut caller = Caller::anonymous(Language::Id);
        caller.grants = grants
            .iter()
            .map(|scope| Grant {
                permissions: ["documents.read".to_owned()].into(),
                scope: Scope(
                    scope
                        .iter()
                        .map(|(kind, id)| ((*kind).to_owned(), BTreeSet::from([(*id).to_owned()])))
                        .collect(),
                ),
            })
            .collect();
        caller
    }

    #[test]
    fn areas_are_joined_and_a_grant_of_a_hall_gives_none() {
        let areas = Areas::of(&caller(&[&[("area", "17.07.05")], &[("area", "17.08")]]), "documents.read");
        assert!(areas.reach("17.07.05.2003") && areas.reach("17.08") && !areas.reach("17.07.06.2001"));
        let none = Areas::of(&caller(&[&[("hall", "hal_1")]]), "documents.read");
        assert_eq!(none, Areas::In(vec![]));
        assert!(!none.reach("17.07"));
        assert_eq!(Areas::of(&caller(&[&[]]), "documents.read"), Areas::Everywhere);
        assert_eq!(Areas::of(&caller(&[&[]]), "documents.work"), Areas::In(vec![]));
        assert_eq!(Areas::of(&Caller::system(), "documents.work"), Areas::Everywhere);
    }
}

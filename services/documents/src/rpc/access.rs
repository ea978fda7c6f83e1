//! What a caller reaches. A grant holds in areas; one that is bound to a hall says nothing about areas.

pub(crate) use mpp_kit::caller::Areas;

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

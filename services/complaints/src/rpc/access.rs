//! What a caller is for a case, and which cases a caller reaches.
//!
//! A grant holds in areas. The coordinator's reaches the regency, an agency's reaches the agency, the inspector's reaches
//! the inspectorate. Whistleblowing stands on a desk of its own that only the permission `complaints.inspect` opens:
//! no area leads there, and no query that is bounded by areas finds it.

use mpp_kit::caller::{Areas, Caller, CallerKind};

use super::Core;
use crate::domain::COORDINATOR;
use crate::domain::case::Case;
use crate::domain::ladder::{Acting, holder_of, rights};
use crate::domain::rules::Rules;
use crate::domain::words::{Class, Part, Rung};
use crate::domain::workflow::By;
use crate::store::complaint::Desks;

impl Core {
    /// Where a permission of the caller holds: own grants, and offices that the caller acts in, as far as the permission is
    /// one of the office.
    pub(super) fn areas(&self, caller: &Caller, permission: &str, rules: &Rules) -> Areas {
        let areas = Areas::of(caller, permission);
        let Areas::In(mut own) = areas else { return areas };
        own.extend(self.acts(caller, permission, rules));
        own.sort();
        own.dedup();
        Areas::In(own)
    }

    /// Where the caller has a permission by acting in an office now.
    fn acts(&self, caller: &Caller, permission: &str, rules: &Rules) -> Vec<String> {
        let now = self.now();
        let acting = |it: &Acting| it.account == caller.id && it.from <= now && now < it.to;
        if caller.kind != CallerKind::Staff || !rules.actings.iter().any(acting) {
            return Vec::new();
        }
        let held = rules.officials.iter().filter(|it| {
            holder_of(it, &rules.actings, now) == caller.id
                && rules.actings.iter().any(|by| by.official == it.id && acting(by))
                && rights(it).contains(&permission)
        });
        held.filter_map(|it| match (it.rung, it.agency.as_str()) {
            (Rung::Inspectorate, _) => rules.inspectorate().map(|it| it.id.clone()),
            (_, "" | COORDINATOR) => Some(self.config.regency.clone()),
            (_, agency) => Some(agency.to_owned()),
        })
        .collect()
    }

    /// Whether the caller is an inspector: was given the permission at the inspectorate itself. Who holds everything
    /// everywhere, such as an administrator, is none: whistleblowing is nobody's by accident.
    fn inspects(&self, caller: &Caller, rules: &Rules) -> bool {
        rules.inspectorate().is_some_and(|it| self.inspects_at(caller, &it.id, rules))
    }

    fn inspects_at(&self, caller: &Caller, agency: &str, rules: &Rules) -> bool {
        self.given(caller, "complaints.inspect", rules).iter().any(|it| it == agency)
    }

    /// Whether the caller inspects a case of whistleblowing. What is about the inspectorate, only who was given that at the
    /// agency which has the lead.
    fn inspects_case(&self, caller: &Caller, case: &Case, rules: &Rules) -> bool {
        if case.apart {
            return case.lead.as_ref().is_some_and(|it| self.inspects_at(caller, it, rules));
        }
        self.inspects(caller, rules)
    }

    /// Where a permission was given to the caller by area, or by acting in an office: not by holding everything.
    fn given(&self, caller: &Caller, permission: &str, rules: &Rules) -> Vec<String> {
        let areas = Areas::of(caller, permission);
        let own = areas.bounds().unwrap_or_default().iter().cloned();
        own.chain(self.acts(caller, permission, rules)).collect()
    }

    /// Whether the caller may take part in showing who reported: was given that for an area, not by holding everything.
    pub(super) fn reveals(&self, caller: &Caller, rules: &Rules) -> bool {
        !self.given(caller, "complaints.reveal", rules).is_empty()
    }

    /// Whether the caller sees requests to show who reported, of cases within reach.
    pub(super) fn may_see_reveals(&self, caller: &Caller, rules: &Rules) -> bool {
        caller.has("complaints.reveal") || self.reveals(caller, rules)
    }

    /// Whether the caller distributes the complaints of the regency.
    pub(super) fn coordinates(&self, caller: &Caller, rules: &Rules) -> bool {
        self.areas(caller, "complaints.coordinate", rules).reach(&self.config.regency)
    }

    /// The desks whose cases the caller reads.
    pub(super) fn desks(&self, caller: &Caller, rules: &Rules, permission: &str) -> Desks {
        let areas = self.areas(caller, permission, rules);
        Desks {
            coordinator: areas.reach(&self.config.regency),
            whistleblowing: self.inspects(caller, rules),
            apart: rules.alternative().is_some_and(|it| self.inspects_at(caller, &it.id, rules)),
            areas,
        }
    }

    /// The parts that the caller has in a case.
    pub(super) fn parts(&self, caller: &Caller, case: &Case, rules: &Rules) -> Vec<Part> {
        let mut parts = Vec::new();
        if case.class == Class::Whistleblowing {
            if self.inspects_case(caller, case, rules) {
                parts.push(Part::Inspector);
            }
            return parts;
        }
        if self.coordinates(caller, rules) {
            parts.push(Part::Coordinator);
        }
        if let Some(lead) = &case.lead
            && self.areas(caller, "complaints.work", rules).reach(lead)
        {
            parts.push(Part::Agency);
        }
        parts
    }

    /// Whether the caller may see a case at all.
    pub(super) fn sees(&self, caller: &Caller, case: &Case, rules: &Rules) -> bool {
        if case.class == Class::Whistleblowing {
            return self.inspects_case(caller, case, rules);
        }
        let areas = self.areas(caller, "complaints.read", rules);
        let holds = case.lead.as_ref().map_or_else(
            || areas.reach(&self.config.regency),
            |lead| areas.reach(lead) || areas.reach(&self.config.regency),
        );
        holds || case.helpers.iter().any(|it| areas.reach(&it.agency))
    }
}

/// Whether these parts read what nothing proves to be the reporter's: who distributes cases, of whistleblowing the inspector.
/// For everybody else there is no trace of it, as it would tell whether an address is the reporter's.
pub(super) fn reads_unproven(parts: &[Part]) -> bool {
    parts.iter().any(|it| matches!(it, Part::Coordinator | Part::Inspector))
}

/// The caller in a part of a case.
pub(super) fn by(caller: &Caller, part: Part, case: &Case) -> By {
    let agency = match part {
        Part::Agency | Part::Inspector => case.lead.clone().unwrap_or_default(),
        Part::Coordinator | Part::Reporter | Part::System => String::new(),
    };
    By { part, account: caller.id.clone(), agency }
}

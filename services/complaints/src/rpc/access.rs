//! What a caller is for a case, and which cases a caller reaches.
//!
//! A grant holds in areas. The coordinator's reaches the regency, an agency's reaches the agency, the inspector's reaches
//! the inspectorate. Whistleblowing stands on a desk of its own that only the permission `complaints.inspect` opens:
//! no area leads there, and no query that is bounded by areas finds it.

use mpp_kit::caller::{Areas, Caller, CallerKind};

use super::Core;
use crate::domain::case::Case;
use crate::domain::ladder::holder_of;
use crate::domain::rules::Rules;
use crate::domain::words::{Class, Part, Rung};
use crate::domain::workflow::By;
use crate::store::complaint::Desks;

impl Core {
    /// Where a permission of the caller holds: own grants, and agencies whose head or admin the caller acts for.
    pub(super) fn areas(&self, caller: &Caller, permission: &str, rules: &Rules) -> Areas {
        let areas = Areas::of(caller, permission);
        let Areas::In(mut own) = areas else { return areas };
        if caller.kind == CallerKind::Staff {
            let now = self.now();
            if rules.actings.iter().any(|it| it.account == caller.id && it.from <= now && now < it.to) {
                for official in &rules.officials {
                    let acts = holder_of(official, &rules.actings, now) == caller.id;
                    if acts && !official.agency.is_empty() {
                        own.push(official.agency.clone());
                    } else if acts && matches!(official.rung, Rung::Secretary | Rung::Regent) {
                        own.push(self.config.regency.clone());
                    }
                }
                own.sort();
                own.dedup();
            }
        }
        Areas::In(own)
    }

    /// Whether the caller is an inspector: was given the permission at the inspectorate itself. Who holds everything
    /// everywhere, such as an administrator, is none: whistleblowing is nobody's by accident.
    pub(super) fn inspects(&self, caller: &Caller, rules: &Rules) -> bool {
        let areas = Areas::of(caller, "complaints.inspect");
        let given = areas.bounds().unwrap_or_default();
        rules.inspectorate().is_some_and(|it| given.contains(&it.id))
    }

    /// Whether the caller may take part in showing who reported: was given that for an area, not by holding everything.
    pub(super) fn reveals(caller: &Caller) -> bool {
        Areas::of(caller, "complaints.reveal").bounds().is_some_and(|areas| !areas.is_empty())
    }

    /// The desks whose cases the caller reads.
    pub(super) fn desks(&self, caller: &Caller, rules: &Rules, permission: &str) -> Desks {
        let areas = self.areas(caller, permission, rules);
        Desks {
            coordinator: areas.reach(&self.config.regency),
            whistleblowing: self.inspects(caller, rules),
            areas,
        }
    }

    /// The parts that the caller has in a case.
    pub(super) fn parts(&self, caller: &Caller, case: &Case, rules: &Rules) -> Vec<Part> {
        let mut parts = Vec::new();
        if case.class == Class::Whistleblowing {
            if self.inspects(caller, rules) {
                parts.push(Part::Inspector);
            }
            return parts;
        }
        if Areas::of(caller, "complaints.coordinate").reach(&self.config.regency) {
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
            return self.inspects(caller, rules);
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

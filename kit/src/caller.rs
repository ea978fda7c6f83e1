//! Who calls, and what they may do where.
//!
//! A grant holds in areas, or at places of a hall; one that is bound to a hall says nothing about areas.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::fault::Language;

/// The metadata in which the gateway tells a service from which network a call comes, where that has to know: an IPv4 address, or
/// the first of an IPv6 /64. No client can write it, and nothing logs it.
pub const NETWORK: &str = "mpp-network";

/// What kind of caller it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum CallerKind {
    /// A member of staff with an account.
    Staff,
    /// An enrolled device: a kiosk, a board.
    Device,
    /// Somebody who did not sign in.
    Anonymous,
    /// This system itself: workers, and the local command line with a token of one minute.
    System,
}

/// Whether what holds at `outer` holds at `inner`: at the same place, or below it where ids are paths, whose segments
/// stand behind `.` or `/` (`17.07` reaches `17.07.05.2003` and `17.07/dinkes`, not `17.071`).
#[must_use]
pub fn reaches(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
}

/// Where a grant holds. Each key names a kind of place (`hall`, `agency`, `counter`) and lists the ids the grant is
/// bound to; a key that is missing means no bound.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(pub BTreeMap<String, BTreeSet<String>>);

impl Scope {
    /// Whether the scope reaches a place, given as pairs of kind and id. A kind that is not given is not checked.
    #[must_use]
    pub fn covers(&self, at: &[(&str, &str)]) -> bool {
        at.iter()
            .all(|(kind, id)| self.0.get(*kind).is_none_or(|ids| ids.iter().any(|outer| reaches(outer, id))))
    }

    /// The ids of a kind the scope is bound to; `None` means all.
    #[must_use]
    pub fn bound(&self, kind: &str) -> Option<&BTreeSet<String>> {
        self.0.get(kind)
    }
}

/// Permissions and where they hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    /// What may be done, such as `queue.call`.
    pub permissions: BTreeSet<String>,
    /// Where.
    pub scope: Scope,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account (`acc_…`) or device (`dev_…`); `anonymous` or `system` otherwise.
    pub id: String,
    /// What kind of caller it is.
    pub kind: CallerKind,
    /// Whether it is a service account: another system signs in with it, never a person.
    pub is_service: bool,
    /// What screens show for the caller. May be personal data: never log it.
    pub name: String,
    /// The session (`ses_…`) the token was issued for.
    pub session: Option<String>,
    /// What the caller may do.
    pub grants: Vec<Grant>,
    /// The language of answers.
    pub language: Language,
    /// When the token ends.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A scope without bounds: what the system itself has.
static EVERYWHERE: Scope = Scope(BTreeMap::new());

impl Caller {
    /// Who asks, for the journal: an id, or that it was somebody without one.
    #[must_use]
    pub fn who(&self) -> &str {
        match self.kind {
            CallerKind::Anonymous => "public",
            CallerKind::Staff | CallerKind::Device | CallerKind::System => &self.id,
        }
    }

    /// Somebody who did not sign in. Has no permission.
    #[must_use]
    pub fn anonymous(language: Language) -> Self {
        Self {
            id: "anonymous".into(),
            kind: CallerKind::Anonymous,
            is_service: false,
            name: String::new(),
            session: None,
            grants: Vec::new(),
            language,
            expires_at: None,
        }
    }

    /// This system itself. Has every permission everywhere.
    #[must_use]
    pub fn system() -> Self {
        Self { id: "system".into(), kind: CallerKind::System, ..Self::anonymous(Language::Id) }
    }

    /// Whether the caller signed in, as staff or as a device.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        match self.kind {
            CallerKind::Staff | CallerKind::Device | CallerKind::System => true,
            CallerKind::Anonymous => false,
        }
    }

    /// Whether some grant has the permission, wherever it holds.
    #[must_use]
    pub fn has(&self, permission: &str) -> bool {
        self.kind == CallerKind::System
            || self.grants.iter().any(|grant| grant.permissions.contains(permission))
    }

    /// Whether one grant has the permission and reaches the whole place, given as pairs of kind and id such as
    /// `[("hall", "hal_…"), ("agency", "agc_…")]`.
    #[must_use]
    pub fn allows(&self, permission: &str, at: &[(&str, &str)]) -> bool {
        self.kind == CallerKind::System || self.scopes(permission).iter().any(|scope| scope.covers(at))
    }

    /// The scopes of every grant with the permission, for filtering a list. Empty: nothing may be seen.
    #[must_use]
    pub fn scopes(&self, permission: &str) -> Vec<&Scope> {
        if self.kind == CallerKind::System {
            return vec![&EVERYWHERE];
        }
        self.grants
            .iter()
            .filter(|grant| grant.permissions.contains(permission))
            .map(|grant| &grant.scope)
            .collect()
    }

    /// The caller of a request that came through [`crate::server::stack`]; anonymous without the stack.
    #[must_use]
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        Self::shared(request).as_ref().clone()
    }

    /// As [`Caller::of`], without a copy.
    #[must_use]
    pub fn shared<T>(request: &tonic::Request<T>) -> Arc<Self> {
        let caller = request.extensions().get::<Arc<Self>>();
        caller.cloned().unwrap_or_else(|| Arc::new(Self::anonymous(Language::default())))
    }
}

/// Where a permission holds: everywhere, or in some areas with what lies below them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Areas {
    /// Wherever.
    Everywhere,
    /// In these and below them, sorted.
    In(Vec<String>),
}

impl Areas {
    /// Where the caller has this permission.
    #[must_use]
    pub fn of(caller: &Caller, permission: &str) -> Self {
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
    #[must_use]
    pub fn reach(&self, area: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::In(areas) => areas.iter().any(|outer| reaches(outer, area)),
        }
    }

    /// The areas for a query; `None` for everywhere.
    #[must_use]
    pub fn bounds(&self) -> Option<&[String]> {
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
    use super::*;

    fn grant(permission: &str, scope: &[(&str, &[&str])]) -> Grant {
        Grant {
            permissions: [permission.to_owned()].into(),
            scope: Scope(
                scope
                    .iter()
                    .map(|(k, ids)| ((*k).to_owned(), ids.iter().map(|id| (*id).to_owned()).collect()))
                    .collect(),
            ),
        }
    }

    #[test]
    fn one_grant_must_cover_the_whole_place() {
        let mut caller = Caller::anonymous(Language::Id);
        caller.grants = vec![
            grant("queue.call", &[("hall", &["h1"]), ("agency", &["a1"])]),
            grant("queue.call", &[("hall", &["h2"])]),
            grant("queue.read", &[]),
        ];
        assert!(caller.allows("queue.call", &[("hall", "h1"), ("agency", "a1")]));
        assert!(!caller.allows("queue.call", &[("hall", "h1"), ("agency", "a2")]), "no mixing of grants");
        assert!(
            caller.allows("queue.call", &[("hall", "h2"), ("agency", "a2")]),
            "a missing key is no bound"
        );
        assert!(!caller.allows("queue.call", &[("hall", "h3")]));
        assert!(caller.allows("queue.read", &[("hall", "h3")]));
        assert!(!caller.has("queue.manage"));
        assert_eq!(caller.scopes("queue.call").len(), 2);
    }

    #[test]
    fn a_place_reaches_itself_and_what_lies_below_it() {
        for inner in ["17.07", "17.07.05", "17.07.05.2003/002", "17.07/dinkes"] {
            assert!(reaches("17.07", inner), "{inner}");
        }
        for inner in ["17", "17.071", "17.08", "", "x17.07"] {
            assert!(!reaches("17.07", inner), "{inner}");
        }
        let mut caller = Caller::anonymous(Language::Id);
        caller.grants = vec![grant("documents.work", &[("area", &["17.07.05"])])];
        assert!(caller.allows("documents.work", &[("area", "17.07.05.2003")]));
        assert!(!caller.allows("documents.work", &[("area", "17.07.06.2003")]));
    }

    #[test]
    fn anonymous_may_nothing_and_the_system_everything() {
        assert!(!Caller::anonymous(Language::Id).allows("queue.read", &[]));
        let system = Caller::system();
        assert!(
            system.allows("queue.call", &[("hall", "any")])
                && system.has("x")
                && system.scopes("x")[0].covers(&[("hall", "h")])
        );
        assert!(!Caller::of(&tonic::Request::new(())).is_authenticated());
    }

    fn holder(grants: &[&[(&str, &str)]]) -> Caller {
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
        let areas = Areas::of(&holder(&[&[("area", "17.07.05")], &[("area", "17.08")]]), "documents.read");
        assert!(areas.reach("17.07.05.2003") && areas.reach("17.08") && !areas.reach("17.07.06.2001"));
        let none = Areas::of(&holder(&[&[("hall", "hal_1")]]), "documents.read");
        assert_eq!(none, Areas::In(vec![]));
        assert!(!none.reach("17.07"));
        assert_eq!(Areas::of(&holder(&[&[]]), "documents.read"), Areas::Everywhere);
        assert_eq!(Areas::of(&holder(&[&[]]), "documents.work"), Areas::In(vec![]));
        assert_eq!(Areas::of(&Caller::system(), "documents.work"), Areas::Everywhere);
    }
}

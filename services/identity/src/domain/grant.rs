//! Grants: a role within bounds of place and time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use mpp_kit::caller::reaches;
use mpp_kit::check::Checker;

use super::{AgencyId, CounterId, HallId, role::Permission, role::Place, role::Role};

/// The most grants one account may hold, so that a token stays small.
pub const MAX_GRANTS: usize = 20;
/// The most counters one grant may name, so that a token stays small.
pub const MAX_COUNTERS: usize = 50;

/// Bounds of place as a token writes them: kind of place → ids. A kind that is missing is not bounded.
pub type Bounds = BTreeMap<String, BTreeSet<String>>;

/// An area, as other services name it: a region code of the Ministry of Home Affairs (`17.07.05.2003`), with RW and RT
/// (`17.07.05.2003/002/005`), or an agency of a regency (`17.07/dinkes`). A grant in an area holds in everything below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Area(String);

impl Area {
    /// The areas that it lies in, the largest first, and itself.
    #[must_use]
    pub fn around(&self) -> Vec<Self> {
        let ends = self.0.match_indices(['.', '/']).map(|(at, _)| at).chain([self.0.len()]);
        ends.map(|end| Self(self.0[..end].to_owned())).collect()
    }
}

/// A text that names no area.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a region code such as 17.07.05.2003, an RT such as 17.07.05.2003/002/005, or an agency such as 17.07/dinkes"
)]
pub struct AreaError;

impl FromStr for Area {
    type Err = AreaError;

    fn from_str(text: &str) -> Result<Self, AreaError> {
        let (code, places) = text.split_once('/').map_or((text, None), |(code, places)| (code, Some(places)));
        // Province, regency, sub-district, village.
        let levels = [2, 2, 2, 4];
        let parts: Vec<&str> = code.split('.').collect();
        let region = parts.len() <= levels.len()
            && parts
                .iter()
                .zip(levels)
                .all(|(part, digits)| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()));
        let below = places.is_none_or(|places| {
            places.split('/').count() <= 2
                && places.split('/').all(|place| {
                    (1..=32).contains(&place.len())
                        && place
                            .bytes()
                            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                })
        });
        if region && below { Ok(Self(text.to_owned())) } else { Err(AreaError) }
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A role within bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What the bearer may do.
    pub role: Role,
    /// The hall it holds in; `None` for every hall.
    pub hall: Option<HallId>,
    /// The agency it holds for; `None` for every agency.
    pub agency: Option<AgencyId>,
    /// The counters it holds at; empty for every counter.
    pub counters: BTreeSet<CounterId>,
    /// The area it holds in, with everything below it; `None` for every area.
    pub area: Option<Area>,
    /// First moment it holds; `None` for always.
    pub valid_from: Option<DateTime<Utc>>,
    /// First moment it no longer holds; `None` for never.
    pub valid_to: Option<DateTime<Utc>>,
}

impl Grant {
    /// Whether it holds at this moment. Tokens count whole seconds, so a grant ends at the start of its last second.
    #[must_use]
    pub fn holds_at(&self, now: DateTime<Utc>) -> bool {
        self.valid_from.is_none_or(|from| from <= now)
            && self.valid_to.is_none_or(|to| now.timestamp() < to.timestamp())
    }

    /// Where it holds, as a token writes it.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        let mut bounds = Bounds::new();
        if let Some(hall) = self.hall {
            bounds.insert("hall".to_owned(), BTreeSet::from([hall.to_string()]));
        }
        if let Some(agency) = self.agency {
            bounds.insert("agency".to_owned(), BTreeSet::from([agency.to_string()]));
        }
        if !self.counters.is_empty() {
            bounds.insert("counter".to_owned(), self.counters.iter().map(ToString::to_string).collect());
        }
        if let Some(area) = &self.area {
            bounds.insert("area".to_owned(), BTreeSet::from([area.to_string()]));
        }
        bounds
    }

    /// Notes what is wrong with the grant under the name `field`, such as `grants[0]`.
    pub fn check(&self, field: &str, checker: &mut Checker) {
        if self.counters.len() > MAX_COUNTERS {
            checker.violation(
                format!("{field}.counter_ids"),
                "TOO_MANY",
                format!("sebutkan paling banyak {MAX_COUNTERS} loket"),
                format!("name at most {MAX_COUNTERS} counters"),
            );
        }
        // Who administers accounts does so for a hall or an agency: an account belongs to no counter.
        if !self.counters.is_empty() && self.role.permissions().contains(&Permission::IdentityManage) {
            checker.violation(
                format!("{field}.counter_ids"),
                "NOT_APPLICABLE",
                "peran administrator tidak dibatasi per loket; kosongkan",
                "an administrator is not bound to counters; leave it empty",
            );
        }
        match (self.role.place(), &self.area) {
            // Without an area an RT head would be one everywhere; nobody means that.
            (Place::Area, None) => checker.violation(
                format!("{field}.area"),
                "REQUIRED",
                "isi kode wilayah tempat peran ini berlaku, seperti 17.07.05.2003",
                "give the area in which this role holds, such as 17.07.05.2003",
            ),
            // An account that is administered in one hall lies in no area.
            (Place::Hall, Some(_)) => checker.violation(
                format!("{field}.area"),
                "NOT_APPLICABLE",
                "peran ini tidak dibatasi per wilayah; kosongkan",
                "this role is not bound to an area; leave it empty",
            ),
            (Place::Area | Place::Anywhere, Some(_)) | (Place::Hall | Place::Anywhere, None) => {}
        }
        if self.role.place() == Place::Area && (self.hall.is_some() || self.agency.is_some()) {
            checker.violation(
                format!("{field}.hall_id"),
                "NOT_APPLICABLE",
                "peran di wilayah tidak dibatasi per balai atau instansi; kosongkan",
                "a role in an area is not bound to a hall or agency; leave both empty",
            );
        }
        if let (Some(from), Some(to)) = (self.valid_from, self.valid_to)
            && to <= from
        {
            checker.violation(
                format!("{field}.valid_to"),
                "INVALID_PERIOD",
                "isi dengan waktu setelah valid_from",
                "give a time after valid_from",
            );
        }
    }
}

/// The grants that hold now, and the first moment at which one of them ends.
#[must_use]
pub fn holding(grants: &[Grant], now: DateTime<Utc>) -> (Vec<&Grant>, Option<DateTime<Utc>>) {
    let holding: Vec<&Grant> = grants.iter().filter(|grant| grant.holds_at(now)).collect();
    let first_end = holding.iter().filter_map(|grant| grant.valid_to).min();
    (holding, first_end)
}

/// Whether whoever holds these grants is another system: it has roles of systems, and none of a person.
#[must_use]
pub fn are_of_a_service(grants: &[&Grant]) -> bool {
    !grants.is_empty() && grants.iter().all(|grant| grant.role.is_of_a_service())
}

/// Whether two people have a part in common: somewhere a grant of the first that holds now and any grant of the second, over
/// or not, are in the same hall and agency, or one's area lies within the other's. A hall and an area have nothing in common.
#[must_use]
pub fn meet(own: &[Grant], others: &[Grant], now: DateTime<Utc>) -> bool {
    let same = |one: Option<String>, other: Option<String>| one.is_none() || other.is_none() || one == other;
    let is_everywhere =
        |grant: &Grant| grant.hall.is_none() && grant.agency.is_none() && grant.area.is_none();
    own.iter().filter(|grant| grant.holds_at(now)).any(|own| {
        others.iter().any(|other| match (&own.area, &other.area) {
            _ if is_everywhere(own) || is_everywhere(other) => true,
            (Some(own), Some(other)) => {
                let (own, other) = (own.to_string(), other.to_string());
                reaches(&own, &other) || reaches(&other, &own)
            }
            (None, None) => {
                let id = |hall: Option<HallId>| hall.map(|hall| hall.to_string());
                let agency = |agency: Option<AgencyId>| agency.map(|agency| agency.to_string());
                same(id(own.hall), id(other.hall)) && same(agency(own.agency), agency(other.agency))
            }
            (Some(_), None) | (None, Some(_)) => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn grant(from: Option<i64>, to: Option<i64>) -> Grant {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        Grant {
            role: Role::Counter,
            hall: None,
            agency: None,
            counters: BTreeSet::new(),
            area: None,
            valid_from: from.map(at),
            valid_to: to.map(at),
        }
    }

    #[test]
    fn holds_from_its_first_moment_until_before_its_last() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let bounded = grant(Some(100), Some(200));
        for (second, holds) in [(99, false), (100, true), (199, true), (200, false)] {
            assert_eq!(bounded.holds_at(at(second)), holds, "{second}");
        }
        assert!(bounded.holds_at(at(199) + TimeDelta::milliseconds(999)));
        assert!(grant(None, None).holds_at(at(0)));
    }

    #[test]
    fn only_grants_that_hold_count_and_the_earliest_end_is_told() {
        let now = DateTime::from_timestamp(150, 0).unwrap();
        let grants = [
            grant(Some(100), Some(300)),
            grant(None, Some(200)),
            grant(None, Some(120)),
            grant(Some(160), Some(170)),
        ];
        let (holding, end) = holding(&grants, now);
        assert_eq!(holding, [&grants[0], &grants[1]]);
        assert_eq!(end, DateTime::from_timestamp(200, 0));
    }

    #[test]
    fn areas_are_region_codes_with_rw_and_rt_or_agencies() {
        for good in ["17", "17.07", "17.07.05", "17.07.05.2003", "17.07.05.2003/002/005", "17.07/dinkes"] {
            assert_eq!(good.parse::<Area>().map(|area| area.to_string()).as_deref(), Ok(good));
        }
        for bad in
            ["", "1", "17.7", "17.07.05.203", "17.07.05.2003.1", "17/", "17/a/b/c", "17.07/DINKES", "17 "]
        {
            assert_eq!(bad.parse::<Area>(), Err(AreaError), "{bad}");
        }
    }

    #[test]
    fn a_role_of_an_area_needs_one_and_a_role_of_a_hall_takes_none() {
        let told = |grant: &Grant| {
            let mut checker = Checker::new();
            grant.check("g", &mut checker);
            let violations = checker.finish().err().map(|problem| problem.violations).unwrap_or_default();
            violations.iter().map(|v| (v.field.clone(), v.reason)).collect::<Vec<_>>()
        };
        let mut wrong = grant(None, None);
        wrong.area = Some("17.07".parse().unwrap());
        assert_eq!(told(&wrong), [("g.area".to_owned(), "NOT_APPLICABLE")]);
        wrong.role = Role::VillageHead;
        assert_eq!(told(&wrong), []);
        wrong.area = None;
        wrong.hall = Some(HallId::generate());
        assert_eq!(
            told(&wrong),
            [("g.area".to_owned(), "REQUIRED"), ("g.hall_id".to_owned(), "NOT_APPLICABLE")]
        );
    }

    #[test]
    fn an_administrator_bound_to_counters_and_a_period_that_ends_before_it_begins_are_refused() {
        let mut wrong = grant(Some(200), Some(200));
        wrong.role = Role::Admin;
        wrong.counters.insert(CounterId::generate());
        let mut checker = Checker::new();
        wrong.check("grants[0]", &mut checker);
        let problem = checker.finish().unwrap_err();
        let found: Vec<_> = problem.violations.iter().map(|v| (v.field.as_str(), v.reason)).collect();
        assert_eq!(
            found,
            [("grants[0].counter_ids", "NOT_APPLICABLE"), ("grants[0].valid_to", "INVALID_PERIOD")]
        );
    }
}

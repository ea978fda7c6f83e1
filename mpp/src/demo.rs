//! The demonstration: a hall of the real shape, its synthetic people, and a whole day played through the public API.
//!
//! - [`seed`] fills an empty suite: the hall of `demo/hall.json`, accounts, devices, an open day, and
//!   `demo-accounts.json` with what a person needs to sign in. It runs at every start and changes nothing twice.
//! - [`letters`] adds the offices and people of letters and licences, [`complaints`] those of complaints.
//! - [`day`] plays a business day over REST and ends by recomputing every number from the event log with [`verify`].
//! - [`letter`] plays one letter over REST, from the citizen's form to signatures that anybody can verify.
//!
//! Nothing here reaches into a service: seeding uses the generated clients, the day and the letter use REST.

pub mod accounts;
pub mod complaints;
pub mod day;
pub mod history;
pub mod letter;
pub mod letters;
pub mod plan;
pub mod rest;
pub mod seed;
pub mod verify;
pub mod wire;

mod play;

use anyhow::Context as _;
use mpp_proto::queue::v1::Hall;

pub use seed::seed;

/// The configuration of the demo hall, proto3 JSON of `mpp.queue.v1.Hall`: what `POST /v1/halls:apply` takes as `hall`.
pub const HALL_JSON: &str = include_str!("../demo/hall.json");

/// The demo hall: the shape of a regency's Mal Pelayanan Publik; the regency is fictional.
///
/// # Errors
/// When `demo/hall.json` is not the JSON of a hall, which a test excludes.
pub fn hall() -> anyhow::Result<Hall> {
    wire::from_text(HALL_JSON).context("demo/hall.json")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use mpp_proto::queue::v1::{Calendar, TimeZone};

    use super::*;

    #[test]
    fn the_hall_has_the_shape_of_a_regency_mpp() {
        let hall = hall().unwrap();
        assert_eq!(hall.calendar(), Calendar::Demo);
        assert_eq!(hall.time_zone(), TimeZone::Wib);
        assert!((20..=26).contains(&hall.agencies.len()), "{}", hall.agencies.len());
        assert!((55..=70).contains(&hall.services.len()), "{}", hall.services.len());
        assert!((30..=40).contains(&hall.counters.len()), "{}", hall.counters.len());
        assert_eq!(hall.zones.iter().map(|zone| zone.code.as_str()).collect::<Vec<_>>(), ["A", "B", "C"]);
        assert!(hall.services.iter().all(|service| {
            service.promised_minutes > 0 && !service.requirements.is_empty() && !service.name_en.is_empty()
        }));
    }

    #[test]
    fn parts_refer_to_each_other_and_codes_are_unique() {
        let hall = hall().unwrap();
        let agencies: BTreeSet<&str> = hall.agencies.iter().map(|agency| agency.code.as_str()).collect();
        let zones: BTreeSet<&str> = hall.zones.iter().map(|zone| zone.code.as_str()).collect();
        let services: BTreeMap<&str, &str> = hall
            .services
            .iter()
            .map(|service| (service.code.as_str(), service.agency_code.as_str()))
            .collect();
        let numbers: BTreeSet<&str> = hall.counters.iter().map(|counter| counter.number.as_str()).collect();
        assert_eq!(agencies.len(), hall.agencies.len());
        assert_eq!(services.len(), hall.services.len());
        assert_eq!(numbers.len(), hall.counters.len());
        assert!(services.values().all(|agency| agencies.contains(agency)));
        for counter in &hall.counters {
            assert!(agencies.contains(counter.agency_code.as_str()), "{}", counter.number);
            assert!(zones.contains(counter.zone_code.as_str()), "{}", counter.number);
            for code in &counter.service_codes {
                assert_eq!(services.get(code.as_str()), Some(&counter.agency_code.as_str()), "{code}");
            }
        }
        for service in &hall.services {
            assert!(
                hall.counters.iter().any(|counter| counter.agency_code == service.agency_code
                    && (counter.service_codes.is_empty() || counter.service_codes.contains(&service.code))),
                "no counter for {}",
                service.code
            );
        }
    }

    #[test]
    fn each_agency_has_one_series_of_its_own_and_a_friday_break() {
        let hall = hall().unwrap();
        let mut prefixes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for service in &hall.services {
            let series = service.series.as_ref().unwrap();
            assert!(
                !series.prefix.is_empty() && series.prefix.chars().all(|letter| letter.is_ascii_uppercase())
            );
            prefixes.entry(&series.prefix).or_default().insert(&service.agency_code);
        }
        assert!(prefixes.values().all(|agencies| agencies.len() == 1));
        assert_eq!(prefixes.len(), hall.agencies.len());
        for agency in &hall.agencies {
            let friday = agency.hours.iter().find(|hours| hours.weekday == 5).unwrap();
            assert_eq!(friday.windows.len(), 2, "{} works through the Friday prayer", agency.code);
        }
    }
}

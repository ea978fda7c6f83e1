//! The visitors of a day, drawn from a seed: who comes when, for what, and what happens to them. Pure.
//!
//! The shape is that of published accounts of MPPs: most visitors come in the first hour, a second wave after lunch,
//! the largest agency takes about a quarter, a few come outside the hours.

use std::collections::{BTreeMap, HashMap};

use mpp_proto::queue::v1::{Agency, Assistance, Calendar, Hall, Outcome, Priority, Service};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Seconds of a minute, for times of day in seconds since local midnight.
const MINUTE: f64 = 60.0;

/// How much more visitors an agency with more counters draws: the largest of some twenty takes about a quarter.
const CONCENTRATION: f64 = 1.6;

/// What to draw.
#[derive(Debug, Clone, Copy)]
pub struct Draw {
    /// How many visitors.
    pub visitors: usize,
    /// Seed of the draw; the same seed draws the same day.
    pub seed: u64,
    /// ISO weekday of the business date, 1 to 7.
    pub weekday: i32,
}

/// The visitors of a day and the hours it is played in.
#[derive(Debug, Clone)]
pub struct DayPlan {
    /// Visitors, by arrival.
    pub visitors: Vec<Visitor>,
    /// First opening of the day, seconds since local midnight.
    pub opens: f64,
    /// Last closing of the day.
    pub closes: f64,
    /// Windows of each agency, by id.
    pub hours: BTreeMap<String, Vec<(f64, f64)>>,
}

/// One visitor. Durations are seconds of the day that is played.
#[derive(Debug, Clone, PartialEq)]
pub struct Visitor {
    /// When the visitor comes, seconds since local midnight.
    pub arrives: f64,
    /// The service wanted, by id.
    pub service: String,
    /// Its agency, by id.
    pub agency: String,
    /// Whether, and why, the visitor goes ahead.
    pub priority: Priority,
    /// Help needed.
    pub assistance: Vec<Assistance>,
    /// Persons in the group.
    pub party_size: i32,
    /// Whether the reception issues the ticket instead of a kiosk.
    pub at_reception: bool,
    /// A synthetic phone number, where the agency counts tickets per person.
    pub phone: Option<String>,
    /// Calls that the visitor misses; `u32::MAX` for somebody who has left.
    pub misses: u32,
    /// Leaves after this time if not called before, and says so at the reception.
    pub leaves_after: Option<f64>,
    /// Comes back after the last call was missed, this much later.
    pub comes_back_after: Option<f64>,
    /// From the call to the counter.
    pub way: f64,
    /// How long each leg takes, as a factor of the promised minutes.
    pub pace: f64,
    /// Has to fetch something in the middle, for this long.
    pub fetches: Option<f64>,
    /// Is sent on to this service after the first leg.
    pub sent_on_to: Option<String>,
    /// How the last leg ends.
    pub outcome: Outcome,
    /// The counter presses the wrong button first and takes the call back.
    pub called_by_mistake: bool,
    /// Is announced once more before coming.
    pub needs_recall: bool,
}

/// Draws a day.
#[must_use]
pub fn draw(hall: &Hall, draw: Draw) -> DayPlan {
    let weekday = played_weekday(hall, draw.weekday);
    let hours: BTreeMap<String, Vec<(f64, f64)>> =
        hall.agencies.iter().map(|agency| (agency.id.clone(), windows(agency, weekday))).collect();
    let opens = hours.values().flatten().map(|window| window.0).fold(f64::INFINITY, f64::min);
    let closes = hours.values().flatten().map(|window| window.1).fold(0.0, f64::max);
    let services = weighted_services(hall, &hours);
    let mut rng = StdRng::seed_from_u64(draw.seed);
    let mut visitors: Vec<Visitor> = Vec::with_capacity(draw.visitors);
    if !services.is_empty() {
        for nth in 0..draw.visitors {
            let visitor = one(&mut rng, hall, &hours, &services, nth, &visitors);
            visitors.push(visitor);
        }
    }
    visitors.sort_by(|a, b| a.arrives.total_cmp(&b.arrives));
    DayPlan { visitors, opens, closes, hours }
}

/// The windows of an agency on a weekday, in seconds since local midnight.
#[must_use]
pub fn windows(agency: &Agency, weekday: i32) -> Vec<(f64, f64)> {
    agency
        .hours
        .iter()
        .filter(|hours| hours.weekday == weekday)
        .flat_map(|hours| &hours.windows)
        .filter_map(|window| Some((seconds(&window.from)?, seconds(&window.to)?)))
        .collect()
}

/// "HH:MM" as seconds since midnight.
fn seconds(face: &str) -> Option<f64> {
    let (hours, minutes) = face.split_once(':')?;
    Some(f64::from(hours.parse::<u32>().ok()? * 60 + minutes.parse::<u32>().ok()?) * MINUTE)
}

/// A demonstration works every day: on a day when most agencies are closed it keeps Monday's hours.
fn played_weekday(hall: &Hall, weekday: i32) -> i32 {
    let open = hall.agencies.iter().filter(|agency| !windows(agency, weekday).is_empty()).count();
    if hall.calendar() == Calendar::Demo && open * 2 < hall.agencies.len() { 1 } else { weekday }
}

/// Services that are given on this day, each with how many visitors it draws.
fn weighted_services<'h>(
    hall: &'h Hall,
    hours: &BTreeMap<String, Vec<(f64, f64)>>,
) -> Vec<(&'h Service, f64)> {
    let mut counters: HashMap<&str, f64> = HashMap::new();
    for counter in &hall.counters {
        *counters.entry(counter.agency_id.as_str()).or_default() += 1.0;
    }
    let given: Vec<&Service> = hall
        .services
        .iter()
        .filter(|service| {
            !service.retired && hours.get(&service.agency_id).is_some_and(|windows| !windows.is_empty())
        })
        .collect();
    let mut minutes: HashMap<&str, f64> = HashMap::new();
    for service in &given {
        *minutes.entry(service.agency_id.as_str()).or_default() += f64::from(service.promised_minutes.max(1));
    }
    given
        .into_iter()
        .filter_map(|service| {
            let counters = counters.get(service.agency_id.as_str())?;
            // Counters, to the power of how halls concentrate, by the minutes of the agency's services.
            Some((service, counters.powf(CONCENTRATION) / minutes.get(service.agency_id.as_str())?))
        })
        .collect()
}

fn one(
    rng: &mut StdRng,
    hall: &Hall,
    hours: &BTreeMap<String, Vec<(f64, f64)>>,
    services: &[(&Service, f64)],
    nth: usize,
    before: &[Visitor],
) -> Visitor {
    let service = pick(rng, services);
    let windows = hours.get(&service.agency_id).map_or(&[][..], Vec::as_slice);
    let limited = hall
        .agencies
        .iter()
        .any(|agency| agency.id == service.agency_id && agency.daily_limit_per_person > 0);
    let priority = if rng.random_bool(0.10) {
        [Priority::Elderly, Priority::Elderly, Priority::Disability, Priority::Pregnant, Priority::Child]
            [rng.random_range(0..5)]
    } else {
        Priority::None
    };
    let assistance = match priority {
        Priority::Disability if rng.random_bool(0.6) => vec![Assistance::Wheelchair],
        Priority::Elderly if rng.random_bool(0.2) => vec![Assistance::Escort, Assistance::Reading],
        Priority::Unspecified
        | Priority::None
        | Priority::Disability
        | Priority::Elderly
        | Priority::Pregnant
        | Priority::Child
        | Priority::DisasterVictim
        | Priority::Internal => Vec::new(),
    };
    let misses = match rng.random_range(0.0..1.0) {
        share if share < 0.06 => u32::MAX,
        share if share < 0.10 => 1,
        _ => 0,
    };
    let others: Vec<(&Service, f64)> =
        services.iter().filter(|(other, _)| other.id != service.id).copied().collect();
    let sent_on = misses != u32::MAX && !others.is_empty() && rng.random_bool(0.05);
    Visitor {
        arrives: arrival(rng, windows),
        service: service.id.clone(),
        agency: service.agency_id.clone(),
        priority,
        assistance,
        party_size: if rng.random_bool(0.08) { rng.random_range(2..=5) } else { 1 },
        at_reception: rng.random_bool(0.05),
        phone: limited.then(|| phone(rng, nth, &service.agency_id, before)),
        misses,
        leaves_after: rng.random_bool(0.04).then(|| rng.random_range(5.0..25.0) * MINUTE),
        comes_back_after: (misses == u32::MAX && rng.random_bool(0.4))
            .then(|| rng.random_range(5.0..20.0) * MINUTE),
        way: rng.random_range(10.0..60.0),
        pace: (0.4 * normal(rng) - 0.2).exp().clamp(0.2, 4.0),
        fetches: rng.random_bool(0.03).then(|| rng.random_range(5.0..15.0) * MINUTE),
        sent_on_to: sent_on.then(|| destination(rng, service, &others)),
        outcome: match rng.random_range(0.0..1.0) {
            share if share < 0.06 => Outcome::IncompleteDocuments,
            share if share < 0.08 => Outcome::NotProvided,
            share if share < 0.09 => Outcome::Cancelled,
            _ => Outcome::Done,
        },
        called_by_mistake: rng.random_bool(0.02),
        needs_recall: rng.random_bool(0.05),
    }
}

/// Half of those who are sent on stay with the agency, where it has another service.
fn destination(rng: &mut StdRng, from: &Service, others: &[(&Service, f64)]) -> String {
    let near: Vec<(&Service, f64)> =
        others.iter().filter(|(other, _)| other.agency_id == from.agency_id).copied().collect();
    if !near.is_empty() && rng.random_bool(0.5) {
        pick(rng, &near).id.clone()
    } else {
        pick(rng, others).id.clone()
    }
}

/// A synthetic number; one in ten belongs to somebody who has been at the agency before.
fn phone(rng: &mut StdRng, nth: usize, agency: &str, before: &[Visitor]) -> String {
    let known: Vec<&String> = before
        .iter()
        .filter(|visitor| visitor.agency == agency)
        .filter_map(|visitor| visitor.phone.as_ref())
        .collect();
    if !known.is_empty() && rng.random_bool(0.1) {
        return known[rng.random_range(0..known.len())].clone();
    }
    format!("0811{nth:08}")
}

fn pick<'h>(rng: &mut StdRng, services: &[(&'h Service, f64)]) -> &'h Service {
    let total: f64 = services.iter().map(|(_, weight)| weight).sum();
    let mut left = rng.random_range(0.0..total);
    for (service, weight) in services {
        left -= weight;
        if left < 0.0 {
            return service;
        }
    }
    // Rounding may leave a rest; it belongs to the last.
    services[services.len() - 1].0
}

/// When somebody comes to an agency: 45 % in the wave that peaks 40 minutes after opening, 20 % in the wave 25 minutes
/// after the second opening (or at 13:15 where there is no break), 2 % outside the hours, the rest evenly.
fn arrival(rng: &mut StdRng, windows: &[(f64, f64)]) -> f64 {
    let (Some(first), Some(last)) = (windows.first(), windows.last()) else { return 0.0 };
    let share = rng.random_range(0.0..1.0);
    if share < 0.02 {
        return outside(rng, windows);
    }
    // A wave that falls outside the hours is drawn again; the even draw below always ends it.
    let wave = match share {
        share if share < 0.47 => Some((first.0 + 40.0 * MINUTE, 18.0 * MINUTE)),
        share if share < 0.67 => {
            let peak = if windows.len() > 1 { last.0 + 25.0 * MINUTE } else { 13.25 * 60.0 * MINUTE };
            Some((peak, 15.0 * MINUTE))
        }
        _ => None,
    };
    if let Some((peak, spread)) = wave {
        for _ in 0..8 {
            let at = peak + spread * normal(rng);
            if inside(at, windows) {
                return at;
            }
        }
    }
    let mut left = rng.random_range(0.0..windows.iter().map(|window| window.1 - window.0).sum());
    for window in windows {
        if left < window.1 - window.0 {
            return window.0 + left;
        }
        left -= window.1 - window.0;
    }
    last.0
}

/// In the break if there is one, else up to half an hour after closing.
fn outside(rng: &mut StdRng, windows: &[(f64, f64)]) -> f64 {
    match windows {
        [before, after, ..] if after.0 > before.1 => rng.random_range(before.1..after.0),
        [.., last] => last.1 + rng.random_range(0.0..30.0 * MINUTE),
        [] => 0.0,
    }
}

fn inside(at: f64, windows: &[(f64, f64)]) -> bool {
    windows.iter().any(|window| window.0 <= at && at < window.1)
}

/// A draw from the standard normal distribution (Box and Muller 1958).
fn normal(rng: &mut StdRng) -> f64 {
    let radius = (-2.0 * rng.random_range(f64::MIN_POSITIVE..1.0).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random_range(0.0..1.0)).cos()
}

/// The demo hall with the ids that a suite would give it, for tests of this crate.
#[cfg(test)]
pub(crate) fn hall_with_ids() -> Hall {
    let mut hall = super::hall().unwrap();
    hall.id = "hal_demo".into();
    for agency in &mut hall.agencies {
        agency.id = format!("agc_{}", agency.code);
    }
    for service in &mut hall.services {
        service.id = format!("svc_{}", service.code);
        service.agency_id = format!("agc_{}", service.agency_code);
    }
    for counter in &mut hall.counters {
        counter.id = format!("ctr_{}", counter.number);
        counter.agency_id = format!("agc_{}", counter.agency_code);
    }
    hall
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRIDAY: Draw = Draw { visitors: 3000, seed: 7, weekday: 5 };

    #[test]
    fn the_same_seed_draws_the_same_day() {
        let hall = hall_with_ids();
        assert_eq!(draw(&hall, FRIDAY).visitors, draw(&hall, FRIDAY).visitors);
        assert_ne!(draw(&hall, FRIDAY).visitors, draw(&hall, Draw { seed: 8, ..FRIDAY }).visitors);
    }

    #[test]
    fn the_day_has_the_published_shape() {
        let hall = hall_with_ids();
        let plan = draw(&hall, FRIDAY);
        let share = |of: &dyn Fn(&Visitor) -> bool| {
            plan.visitors.iter().filter(|visitor| of(visitor)).count() as f64 / plan.visitors.len() as f64
        };
        let about = |share: f64, low: f64, high: f64| assert!((low..high).contains(&share), "{share}");
        about(share(&|v| v.agency == "agc_DUKCAPIL"), 0.20, 0.34);
        about(share(&|v| v.arrives < 9.5 * 3600.0), 0.40, 0.65);
        about(share(&|v| v.priority != Priority::None), 0.07, 0.13);
        about(share(&|v| v.misses == u32::MAX), 0.04, 0.08);
        about(share(&|v| v.sent_on_to.is_some()), 0.03, 0.07);
        about(share(&|v| !inside(v.arrives, &plan.hours[&v.agency])), 0.008, 0.04);
        assert_eq!((plan.opens, plan.closes), (8.0 * 3600.0, 15.0 * 3600.0));
        assert!(plan.visitors.windows(2).all(|pair| pair[0].arrives <= pair[1].arrives));
        assert!(plan.visitors.iter().all(|v| v.sent_on_to.as_ref() != Some(&v.service)));
    }

    #[test]
    fn a_demonstration_on_a_sunday_keeps_mondays_hours_and_a_real_hall_stays_empty() {
        let mut hall = hall_with_ids();
        let sunday = Draw { visitors: 10, seed: 1, weekday: 7 };
        assert_eq!(draw(&hall, sunday).visitors.len(), 10);
        hall.set_calendar(Calendar::Regular);
        assert!(draw(&hall, sunday).visitors.is_empty());
    }
}

//! When a message to another system is tried, and when it is given up. Standard Webhooks 1.0.0 with its recommended
//! schedule; the clock and the dice are arguments.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::caller::reaches;
use crate::check::Checker;

crate::ids! {
    /// An address of another system that is told of events.
    pub WebhookId = "whk";
    /// A message to one address.
    pub DeliveryId = "dlv";
}

/// The most areas or event types that one webhook names.
pub const MAX_FILTERS: usize = 50;
/// The most characters of a description.
pub const MAX_DESCRIPTION: usize = 200;
/// How long an old key signs beside a new one, unless its owner says otherwise, in hours.
pub const GRACE_HOURS: i32 = 24;
/// A key that leaked must not be accepted for longer, in hours.
pub const MAX_GRACE_HOURS: i32 = 168;

/// How long after the attempt before each attempt comes. The first is made at once, the last after three days.
pub const SCHEDULE: [TimeDelta; 10] = [
    TimeDelta::zero(),
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
    TimeDelta::hours(14),
    TimeDelta::hours(20),
    TimeDelta::hours(24),
];

/// An address without a success for longer than this is disabled when a message to it is given up.
pub const PATIENCE: TimeDelta = TimeDelta::days(3);

/// A receiver that asks for more patience than this is not given it: the message would outlive its meaning.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(24);

/// By how much of itself a delay is lengthened at most. Never shortened, so that the last attempt lies beyond
/// [`PATIENCE`].
const JITTER: f64 = 0.2;

/// Whether a webhook gets messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum WebhookState {
    /// It does.
    Enabled,
    /// It does not; what happens meanwhile waits.
    Disabled,
}

/// Why a webhook gets no messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum DisableReason {
    /// Its owner said so.
    Owner,
    /// It answered 410.
    Gone,
    /// It failed for longer than [`PATIENCE`].
    Failing,
    /// Its owner was not seen for so long that nobody knows what he still reaches.
    Unseen,
}

/// How messages are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Signing {
    /// HMAC-SHA256, `v1`.
    Hmac,
    /// Ed25519, `v1a`.
    Ed25519,
}

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Format {
    /// `{type, timestamp, data}`.
    Standard,
    /// A structured event of CloudEvents 1.0.
    CloudEvents,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryState {
    /// Its next attempt is planned, or under way.
    Pending,
    /// It was answered with 2xx.
    Delivered,
    /// Every attempt failed.
    Failed,
}

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It was taken.
    Delivered,
    /// It is tried again then.
    Again(DateTime<Utc>),
    /// It was the last attempt.
    GivenUp,
    /// The receiver says that it is gone for good.
    Gone,
}

/// Whether `pattern` names this type of event: itself, or `surat.*` for all that begin so.
#[must_use]
pub fn names(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => start.ends_with('.') && kind.starts_with(start),
        None => pattern == kind,
    }
}

/// Whether a pattern names any of these types of events.
#[must_use]
pub fn is_known(types: &[&str], pattern: &str) -> bool {
    types.iter().any(|kind| names(pattern, kind))
}

/// Notes which patterns of event types name none of these, with an example of one that does, such as `surat.terbit`.
pub fn check_types(patterns: &[String], types: &[&str], example: &str, checker: &mut Checker) {
    let all = example.split_once('.').map_or(example, |(kind, _)| kind);
    for (index, pattern) in patterns.iter().enumerate().take(MAX_FILTERS) {
        if !is_known(types, pattern) {
            checker.violation(
                format!("event_types[{index}]"),
                "UNKNOWN_EVENT_TYPE",
                format!("isi dengan jenis seperti {example} atau {all}.*"),
                format!("give a type such as {example} or {all}.*"),
            );
        }
    }
}

/// Notes that a filter names more than is permitted.
pub fn check_filter(field: &str, given: &[String], checker: &mut Checker) {
    if given.len() > MAX_FILTERS {
        checker.violation(
            field,
            "TOO_MANY",
            format!("isi paling banyak {MAX_FILTERS}"),
            format!("give at most {MAX_FILTERS}"),
        );
    }
}

/// Whether one of the patterns names this type; all are named by none.
#[must_use]
pub fn wants(patterns: &[String], kind: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| names(pattern, kind))
}

/// Whether `area` lies at or beneath one of these; everything lies beneath none.
#[must_use]
pub fn lies_in(areas: &[String], area: &str) -> bool {
    areas.is_empty() || areas.iter().any(|outer| reaches(outer, area))
}

/// What follows the attempt with this number (from 1), answered with `status` (`None`: not answered). `dice` is a random
/// number from 0 to 1; `asked_for` is what the receiver said in `Retry-After`.
#[must_use]
pub fn next(
    attempt: u32,
    status: Option<u16>,
    asked_for: Option<TimeDelta>,
    dice: f64,
    now: DateTime<Utc>,
) -> Next {
    match status {
        Some(200..=299) => return Next::Delivered,
        Some(410) => return Next::Gone,
        Some(_) | None => {}
    }
    let Some(base) = usize::try_from(attempt).ok().and_then(|index| SCHEDULE.get(index)) else {
        return Next::GivenUp;
    };
    let lengthened = base.num_milliseconds() as f64 * (1.0 + JITTER * dice.clamp(0.0, 1.0));
    let delay = TimeDelta::milliseconds(lengthened as i64);
    let asked_for = asked_for.unwrap_or_default().min(LONGEST_WAIT);
    Next::Again(now + delay.max(asked_for))
}

/// Whether an address that failed since then is to be disabled.
#[must_use]
pub fn failed_too_long(failing_since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    failing_since.is_some_and(|since| now - since > PATIENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-23T01:00:00Z".parse().unwrap()
    }

    #[test]
    fn line_32_attempts_follow_the_schedule_of_standard_webhooks_over_three_days() {
        let wait = |attempt, dice| {
            let Next::Again(at) = next(attempt, Some(500), None, dice, now()) else { panic!("{attempt}") };
            (at - now()).num_seconds()
        };
        let waits = (1..=9).map(|attempt| wait(attempt, 0.0)).collect::<Vec<_>>();
        assert_eq!(waits, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert!(
            waits.iter().sum::<i64>() > PATIENCE.num_seconds(),
            "the last attempt lies beyond the patience"
        );
        assert_eq!(wait(1, 1.0), 6, "jitter lengthens, at most by a fifth");
        assert_eq!(next(10, None, None, 0.5, now()), Next::GivenUp);
    }

    #[test]
    fn line_32_only_2xx_is_success_and_410_is_the_end() {
        for status in [200, 202, 204, 299] {
            assert_eq!(next(1, Some(status), None, 0.0, now()), Next::Delivered);
        }
        for status in [100, 301, 302, 400, 404, 429, 500, 503] {
            assert!(matches!(next(1, Some(status), None, 0.0, now()), Next::Again(_)), "{status}");
        }
        assert_eq!(next(1, Some(410), None, 0.0, now()), Next::Gone);
    }

    #[test]
    fn line_32_retry_after_is_honoured_within_a_day_and_never_hurries() {
        let wait = |attempt, asked| {
            let Next::Again(at) = next(attempt, Some(429), Some(asked), 0.0, now()) else {
                panic!("{attempt}")
            };
            at - now()
        };
        assert_eq!(wait(1, TimeDelta::seconds(120)), TimeDelta::seconds(120));
        assert_eq!(wait(3, TimeDelta::seconds(1)), TimeDelta::minutes(30));
        assert_eq!(wait(1, TimeDelta::days(30)), TimeDelta::hours(24));
        assert_eq!(wait(1, TimeDelta::seconds(-5)), TimeDelta::seconds(5));
    }

    #[test]
    fn patterns_and_areas_choose_events() {
        assert!(names("surat.terbit", "surat.terbit") && names("surat.*", "surat.terbit"));
        assert!(
            !names("surat.*", "izin.terbit")
                && !names("surat*", "surat.terbit")
                && !names("*", "surat.terbit")
        );
        let types = ["izin.terbit"];
        assert!(is_known(&types, "izin.*") && !is_known(&types, "izin.terbti") && !is_known(&types, ""));
        assert!(wants(&[], "surat.terbit") && !wants(&["izin.*".to_owned()], "surat.terbit"));
        let areas = ["17.07".to_owned()];
        assert!(lies_in(&areas, "17.07.05.2003") && lies_in(&areas, "17.07/dinkes") && lies_in(&[], "18"));
        assert!(!lies_in(&areas, "17.071") && !lies_in(&areas, "17"));
    }

    #[test]
    fn an_address_is_disabled_after_more_than_three_days() {
        assert!(!failed_too_long(None, now()));
        assert!(!failed_too_long(Some(now() - TimeDelta::days(3)), now()));
        assert!(failed_too_long(Some(now() - TimeDelta::days(3) - TimeDelta::seconds(1)), now()));
    }
}

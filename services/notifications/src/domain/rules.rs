//! When messages go out: hours of rest, times of digests, time zones without daylight saving.

use chrono::{DateTime, FixedOffset, NaiveTime, TimeDelta, Utc};
use mpp_kit::zone::TimeZone;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

/// The role of citizens in hours of rest.
pub const CITIZEN: &str = "WARGA";
/// The role of an official who entered the own contact, until who sets up gives another.
pub const OFFICIAL: &str = "PEJABAT";
/// The row for every role without one of its own.
pub const EVERYBODY: &str = "*";

/// The three zones of Indonesia.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Display, EnumString, Serialize, Deserialize)]
pub enum Zone {
    /// WIB, UTC+7.
    #[default]
    #[strum(serialize = "Asia/Jakarta")]
    #[serde(rename = "Asia/Jakarta")]
    Wib,
    /// WITA, UTC+8.
    #[strum(serialize = "Asia/Makassar")]
    #[serde(rename = "Asia/Makassar")]
    Wita,
    /// WIT, UTC+9.
    #[strum(serialize = "Asia/Jayapura")]
    #[serde(rename = "Asia/Jayapura")]
    Wit,
}

impl From<Zone> for TimeZone {
    fn from(zone: Zone) -> Self {
        match zone {
            Zone::Wib => Self::Wib,
            Zone::Wita => Self::Wita,
            Zone::Wit => Self::Wit,
        }
    }
}

impl Zone {
    /// The local time.
    #[must_use]
    pub fn local(self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
        at.with_timezone(&TimeZone::from(self).fixed())
    }

    /// This time of day on the day of `at`, `days` later.
    fn on_day(self, at: DateTime<Utc>, days: i64, time: NaiveTime) -> DateTime<Utc> {
        let day = self.local(at).date_naive() + TimeDelta::days(days);
        TimeZone::from(self).moment(day.and_time(time))
    }
}

/// Hours of rest of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// The role, [`CITIZEN`] or [`EVERYBODY`].
    pub role: String,
    /// When they begin.
    pub from: NaiveTime,
    /// When they end; at or before the begin means the next day.
    pub to: NaiveTime,
}

/// When messages go out, and who is told of trouble.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The zone of the hours here.
    pub zone: Zone,
    /// Hours of rest.
    pub quiet: Vec<QuietHours>,
    /// When digests go out.
    pub digests: Vec<NaiveTime>,
    /// Who is told of trouble.
    pub admins: Vec<String>,
}

/// Whether a text may be the id of an account.
#[must_use]
pub fn is_account(id: &str) -> bool {
    id.strip_prefix("acc_").is_some_and(|rest| {
        (1..=80).contains(&rest.len())
            && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-/".contains(&b))
    })
}

/// "HH:MM", or `None`.
#[must_use]
pub fn time_of_day(text: &str) -> Option<NaiveTime> {
    (text.len() == 5).then(|| NaiveTime::parse_from_str(text, "%H:%M").ok()).flatten()
}

impl Rules {
    /// When the rest of this role ends, if it rests at `at`.
    #[must_use]
    pub fn rests_until(&self, role: &str, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let row = self
            .quiet
            .iter()
            .find(|row| row.role == role)
            .or_else(|| self.quiet.iter().find(|row| row.role == EVERYBODY))?;
        let now = self.zone.local(at).time();
        if row.from == row.to {
            return None;
        }
        if row.from < row.to {
            (row.from <= now && now < row.to).then(|| self.zone.on_day(at, 0, row.to))
        } else if now >= row.from {
            Some(self.zone.on_day(at, 1, row.to))
        } else {
            (now < row.to).then(|| self.zone.on_day(at, 0, row.to))
        }
    }

    /// The next time of a digest at or after `at`; `at` itself when none is set.
    #[must_use]
    pub fn next_digest(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let times = self.digests.iter().flat_map(|time| [0, 1].map(|day| self.zone.on_day(at, day, *time)));
        times.filter(|time| *time >= at).min().unwrap_or(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn rules() -> Rules {
        let row = |role: &str, from, to| QuietHours {
            role: role.to_owned(),
            from: time_of_day(from).unwrap(),
            to: time_of_day(to).unwrap(),
        };
        Rules {
            zone: Zone::Wib,
            quiet: vec![row("BUPATI", "12:00", "13:00"), row(EVERYBODY, "21:00", "06:00")],
            digests: vec![time_of_day("07:30").unwrap(), time_of_day("16:00").unwrap()],
            admins: Vec::new(),
        }
    }

    #[test]
    fn n_20_rest_reaches_over_midnight_and_is_a_matter_of_the_role() {
        let rules = rules();
        // 21:00 in Jakarta is 14:00 UTC.
        assert_eq!(rules.rests_until("ADMIN", at("2026-11-26T13:59:59Z")), None);
        assert_eq!(rules.rests_until("ADMIN", at("2026-11-26T14:00:00Z")), Some(at("2026-11-26T23:00:00Z")));
        assert_eq!(rules.rests_until("ADMIN", at("2026-11-26T22:59:59Z")), Some(at("2026-11-26T23:00:00Z")));
        assert_eq!(rules.rests_until("ADMIN", at("2026-11-26T23:00:00Z")), None);
        assert_eq!(rules.rests_until("BUPATI", at("2026-11-26T05:30:00Z")), Some(at("2026-11-26T06:00:00Z")));
        assert_eq!(rules.rests_until("BUPATI", at("2026-11-26T15:00:00Z")), None, "a row of its own");
    }

    #[test]
    fn n_20_digests_wait_for_the_next_time_of_the_day() {
        let rules = rules();
        assert_eq!(rules.next_digest(at("2026-11-26T00:30:00Z")), at("2026-11-26T00:30:00Z"));
        assert_eq!(rules.next_digest(at("2026-11-26T00:30:01Z")), at("2026-11-26T09:00:00Z"));
        assert_eq!(rules.next_digest(at("2026-11-26T09:30:00Z")), at("2026-11-27T00:30:00Z"));
        assert_eq!(Rules::default().next_digest(at("2026-11-26T09:30:00Z")), at("2026-11-26T09:30:00Z"));
        assert_eq!((time_of_day("7:30"), time_of_day("24:00")), (None, None));
    }
}

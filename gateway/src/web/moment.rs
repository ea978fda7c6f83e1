//! Moments in words, at the time of the office that they are about.

use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
use mpp_kit::fault::Language;
use prost_types::Timestamp;

use super::words;

/// One of the three times of Indonesia. None of them changes with the season.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    /// Western time, UTC+7.
    Wib,
    /// Central time, UTC+8.
    Wita,
    /// Eastern time, UTC+9.
    Wit,
}

impl Zone {
    /// The time of a zone of the tz database; western time for any other name.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "Asia/Makassar" => Self::Wita,
            "Asia/Jayapura" => Self::Wit,
            _ => Self::Wib,
        }
    }

    /// Its name in the tz database, for scripts.
    pub(crate) fn tz(self) -> &'static str {
        match self {
            Self::Wib => "Asia/Jakarta",
            Self::Wita => "Asia/Makassar",
            Self::Wit => "Asia/Jayapura",
        }
    }

    /// How far it is from UTC, as RFC 3339 writes it, for scripts.
    pub(crate) fn utc(self) -> &'static str {
        match self {
            Self::Wib => "+07:00",
            Self::Wita => "+08:00",
            Self::Wit => "+09:00",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Wib => "WIB",
            Self::Wita => "WITA",
            Self::Wit => "WIT",
        }
    }

    fn offset(self) -> FixedOffset {
        let hours = match self {
            Self::Wib => 7,
            Self::Wita => 8,
            Self::Wit => 9,
        };
        FixedOffset::east_opt(hours * 60 * 60).expect("less than a day")
    }
}

fn local(time: Timestamp, zone: Zone) -> Option<DateTime<FixedOffset>> {
    let nanos = u32::try_from(time.nanos).unwrap_or_default();
    DateTime::<Utc>::from_timestamp(time.seconds, nanos).map(|time| time.with_timezone(&zone.offset()))
}

/// The date, such as "24 November 2026"; empty without a time.
pub(crate) fn day(time: Option<Timestamp>, zone: Zone, language: Language) -> String {
    let local = time.and_then(|time| local(time, zone));
    local.map(|time| words::date(&time.format("%Y-%m-%d").to_string(), language)).unwrap_or_default()
}

/// The date and the time of day, such as "24 November 2026 pukul 14.05 WIB"; empty without a time.
pub(crate) fn moment(time: Option<Timestamp>, zone: Zone, language: Language) -> String {
    let Some(at) = time.and_then(|time| local(time, zone)) else { return String::new() };
    let (date, zone) = (day(time, zone, language), zone.name());
    match language {
        Language::Id => format!("{date} pukul {} {zone}", at.format("%H.%M")),
        Language::En => format!("{date} at {} {zone}", at.format("%H:%M")),
    }
}

/// A moment as an input of date and time takes it, `2026-11-26T08:30`; none if it is written otherwise.
pub(crate) fn read(written: &str, zone: Zone) -> Option<Timestamp> {
    let written = written.get(..16)?;
    let local = NaiveDateTime::parse_from_str(written, "%Y-%m-%dT%H:%M").ok()?;
    let at = local.and_local_timezone(zone.offset()).single()?;
    Some(Timestamp { seconds: at.timestamp(), nanos: 0 })
}

/// The value of an input of date and time; empty without a time.
pub(crate) fn written(time: Option<Timestamp>, zone: Zone) -> String {
    let local = time.and_then(|time| local(time, zone));
    local.map(|at| at.format("%Y-%m-%dT%H:%M").to_string()).unwrap_or_default()
}

/// For the `datetime` of a `time` element.
pub(crate) fn machine(time: Option<Timestamp>) -> String {
    let utc = time.and_then(|time| DateTime::<Utc>::from_timestamp(time.seconds, 0));
    utc.map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_in_the_time_of_its_office() {
        // 2026-11-24T16:30:00Z is the next day in the east.
        let time = Some(Timestamp { seconds: 1_795_537_800, nanos: 0 });
        assert_eq!(machine(time), "2026-11-24T16:30:00Z");
        assert_eq!(moment(time, Zone::of("Asia/Jakarta"), Language::Id), "24 November 2026 pukul 23.30 WIB");
        assert_eq!(moment(time, Zone::of("Asia/Jayapura"), Language::En), "25 November 2026 at 01:30 WIT");
        assert_eq!(day(time, Zone::of("Asia/Makassar"), Language::Id), "25 November 2026");
        assert_eq!(moment(None, Zone::Wib, Language::Id), "");
        assert_eq!(written(time, Zone::Wit), "2026-11-25T01:30");
        assert_eq!(read("2026-11-25T01:30", Zone::Wit), time);
        assert_eq!(read("2026-11-25T01:30:59", Zone::Wit), time, "browsers may write seconds");
        for wrong in ["", "25-11-2026 01:30", "2026-13-01T00:00", "besok"] {
            assert_eq!(read(wrong, Zone::Wib), None, "{wrong}");
        }
    }
}

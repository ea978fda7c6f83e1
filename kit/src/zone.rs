//! The three wall clocks of the country.

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

/// Time zones of Indonesia. None has daylight saving, so each is a fixed offset (Keppres 41/1987).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[strum(serialize_all = "UPPERCASE")]
#[serde(rename_all = "UPPERCASE")]
pub enum TimeZone {
    /// Waktu Indonesia Barat, UTC+7.
    Wib,
    /// Waktu Indonesia Tengah, UTC+8.
    Wita,
    /// Waktu Indonesia Timur, UTC+9.
    Wit,
}

impl TimeZone {
    /// The wall clock of this zone at `at`; the last moment of the calendar where that is beyond it.
    #[must_use]
    pub fn local(self, at: DateTime<Utc>) -> NaiveDateTime {
        at.checked_add_signed(self.offset()).map_or(NaiveDateTime::MAX, |local| local.naive_utc())
    }

    /// The moment at which the wall clock of this zone shows `local`.
    #[must_use]
    pub fn moment(self, local: NaiveDateTime) -> DateTime<Utc> {
        local.and_utc() - self.offset()
    }

    /// Minutes that its wall clock is ahead of UTC.
    fn offset_minutes(self) -> i32 {
        match self {
            Self::Wib => 7 * 60,
            Self::Wita => 8 * 60,
            Self::Wit => 9 * 60,
        }
    }

    /// The offset for formatting.
    #[must_use]
    pub fn fixed(self) -> FixedOffset {
        // The offsets are constants within ±24 h, so the fall-back is never taken.
        FixedOffset::east_opt(self.offset_minutes() * 60)
            .unwrap_or(FixedOffset::east_opt(0).expect("zero is an offset"))
    }

    fn offset(self) -> TimeDelta {
        TimeDelta::minutes(self.offset_minutes().into())
    }
}

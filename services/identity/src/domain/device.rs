//! Enrolled devices.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::{DeviceId, HallId, grant::Grant, role::Role};

/// The first characters of a device key, so that a key found somewhere is recognised as one.
pub const KEY_PREFIX: &str = "mppd_";
/// The longest label of a device, in characters.
pub const MAX_LABEL: usize = 80;

/// What a device is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum DeviceKind {
    /// Citizens take tickets.
    Kiosk,
    /// Shows and speaks calls.
    Board,
}

impl DeviceKind {
    /// What a device of this kind may do in its hall.
    #[must_use]
    pub fn grant(self, hall: HallId) -> Grant {
        let role = match self {
            Self::Kiosk => Role::Kiosk,
            Self::Board => Role::Board,
        };
        Grant {
            role,
            hall: Some(hall),
            agency: None,
            counters: BTreeSet::new(),
            area: None,
            valid_from: None,
            valid_to: None,
        }
    }
}

/// An enrolled device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// What it is for.
    pub kind: DeviceKind,
    /// Where it stands.
    pub hall: HallId,
    /// Where it stands, for people.
    pub label: String,
    /// When it was enrolled.
    pub created_at: DateTime<Utc>,
    /// When it was revoked; `None` while it is trusted.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it last signed in or refreshed; `None` if never.
    pub last_seen_at: Option<DateTime<Utc>>,
}

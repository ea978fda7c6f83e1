//! Sessions: how long one lives.

use chrono::{DateTime, TimeDelta, Utc};

use super::{AccountId, DeviceId, SessionId};

/// The shortest time between two notes of when a session was last seen, so that reading costs a write at most once a
/// minute.
pub const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Whose session it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// A member of staff.
    Staff(AccountId),
    /// A kiosk or board.
    Device(DeviceId),
}

/// A session. Its secret is not here: only a digest of it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, which tokens carry as `sid`.
    pub id: SessionId,
    /// Whose it is.
    pub principal: Principal,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last used, exact to [`SEEN_EVERY`].
    pub last_seen_at: DateTime<Utc>,
    /// When it was ended; `None` while it lives.
    pub ended_at: Option<DateTime<Utc>>,
}

/// How long sessions of staff live. Those of devices live until they are revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Ends this long after it was last used.
    pub idle: TimeDelta,
    /// Ends this long after it began, used or not.
    pub absolute: TimeDelta,
}

impl Session {
    /// Whether it is alive.
    #[must_use]
    pub fn live_at(&self, now: DateTime<Utc>, lifetimes: Lifetimes) -> bool {
        self.ended_at.is_none() && self.expires_at(lifetimes).is_none_or(|end| now < end)
    }

    /// The moment at which it ends by itself if it is not used again; `None` for never.
    #[must_use]
    pub fn expires_at(&self, lifetimes: Lifetimes) -> Option<DateTime<Utc>> {
        match self.principal {
            Principal::Staff(_) => {
                Some((self.last_seen_at + lifetimes.idle).min(self.created_at + lifetimes.absolute))
            }
            Principal::Device(_) => None,
        }
    }

    /// The moment by which it ends however much it is used; `None` for never. No token outlives it.
    #[must_use]
    pub fn ends_by(&self, lifetimes: Lifetimes) -> Option<DateTime<Utc>> {
        match self.principal {
            Principal::Staff(_) => Some(self.created_at + lifetimes.absolute),
            Principal::Device(_) => None,
        }
    }

    /// Whether its last use should be noted again.
    #[must_use]
    pub fn note_seen_at(&self, now: DateTime<Utc>) -> bool {
        now - self.last_seen_at >= SEEN_EVERY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIMES: Lifetimes = Lifetimes { idle: TimeDelta::minutes(60), absolute: TimeDelta::hours(12) };

    #[test]
    fn a_staff_session_ends_idle_after_an_hour_and_at_the_latest_after_twelve() {
        let start = DateTime::from_timestamp(0, 0).unwrap();
        let mut session = Session {
            id: SessionId::generate(),
            principal: Principal::Staff(AccountId::generate()),
            created_at: start,
            last_seen_at: start,
            ended_at: None,
        };
        assert!(session.live_at(start + TimeDelta::minutes(59), LIFETIMES));
        assert!(!session.live_at(start + TimeDelta::minutes(60), LIFETIMES));
        session.last_seen_at = start + TimeDelta::minutes(12 * 60 - 1);
        assert!(session.live_at(start + TimeDelta::minutes(12 * 60 - 1), LIFETIMES));
        assert!(!session.live_at(start + TimeDelta::hours(12), LIFETIMES));
        session.ended_at = Some(start);
        assert!(!session.live_at(start, LIFETIMES));
    }

    #[test]
    fn a_device_session_lives_until_it_is_ended() {
        let start = DateTime::from_timestamp(0, 0).unwrap();
        let principal = Principal::Device(DeviceId::generate());
        let mut session = Session {
            id: SessionId::generate(),
            principal,
            created_at: start,
            last_seen_at: start,
            ended_at: None,
        };
        assert!(session.live_at(start + TimeDelta::days(4000), LIFETIMES));
        session.ended_at = Some(start);
        assert!(!session.live_at(start, LIFETIMES));
    }

    #[test]
    fn a_use_is_noted_at_most_once_a_minute() {
        let start = DateTime::from_timestamp(0, 0).unwrap();
        let principal = Principal::Device(DeviceId::generate());
        let session = Session {
            id: SessionId::generate(),
            principal,
            created_at: start,
            last_seen_at: start,
            ended_at: None,
        };
        assert!(!session.note_seen_at(start + TimeDelta::seconds(59)));
        assert!(session.note_seen_at(start + TimeDelta::seconds(60)));
    }
}

//! The life of a signing key: published, then used, then kept only to verify, then forgotten.

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::fsm::{Row, Table};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// A key is published this long before it is used, so that every cache of public keys knows it by then.
pub const PUBLISH_AHEAD: TimeDelta = TimeDelta::hours(24);
/// A key is kept this long after its last use. Far longer than any token lives.
pub const RETAIN_FOR: TimeDelta = TimeDelta::hours(24);

/// Where a key is in its life.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Display, EnumIter, EnumString, IntoStaticStr,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum KeyState {
    /// Published, not yet used.
    Next,
    /// Signs. There is one at a time.
    Active,
    /// Verifies what it signed; its private half is destroyed.
    Retained,
}

/// What happens to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum KeyVerb {
    /// It begins to sign.
    Activate,
    /// Another one signs from now on.
    Retire,
}

/// The life of a key. A key is born `NEXT`; a `RETAINED` one is deleted after [`RETAIN_FOR`].
pub const TRANSITIONS: Table<KeyState, KeyVerb> = Table(&[
    Row {
        from: KeyState::Next,
        verb: KeyVerb::Activate,
        to: KeyState::Active,
        why: "every cache of public keys knows it by now",
    },
    Row {
        from: KeyState::Active,
        verb: KeyVerb::Retire,
        to: KeyState::Retained,
        why: "tokens it signed are still about",
    },
]);

/// What is known of a key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Key id.
    pub kid: String,
    /// Where it is in its life.
    pub state: KeyState,
    /// Since when it is in that state.
    pub since: DateTime<Utc>,
}

/// One step of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a key and publish it.
    Publish,
    /// Let this published key sign, and retire the one that signed.
    Activate(String),
    /// Make a key and let it sign at once: there is none that does.
    Bootstrap,
    /// Make a key and let it sign at once in the place of the one that does. Only on command.
    Replace,
    /// Delete this retained key.
    Forget(String),
}

/// The steps that are due. Each is due once: after it was taken, it is not planned again.
#[must_use]
pub fn due(keys: &[KeyRecord], now: DateTime<Utc>, rotate_after: TimeDelta) -> Vec<Step> {
    let mut steps = Vec::new();
    let next = keys.iter().find(|key| key.state == KeyState::Next);
    match (keys.iter().find(|key| key.state == KeyState::Active), next) {
        (None, None) => steps.push(Step::Bootstrap),
        (None, Some(next)) => steps.push(Step::Activate(next.kid.clone())),
        (Some(active), None) if now - active.since >= rotate_after - PUBLISH_AHEAD => {
            steps.push(Step::Publish)
        }
        (Some(active), Some(next))
            if now - active.since >= rotate_after && now - next.since >= PUBLISH_AHEAD =>
        {
            steps.push(Step::Activate(next.kid.clone()));
        }
        (Some(_), None | Some(_)) => {}
    }
    let forgotten =
        keys.iter().filter(|key| key.state == KeyState::Retained && now - key.since >= RETAIN_FOR);
    steps.extend(forgotten.map(|key| Step::Forget(key.kid.clone())));
    steps
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    const ROTATE: TimeDelta = TimeDelta::days(30);

    fn key(kid: &str, state: KeyState, since_hours: i64) -> KeyRecord {
        KeyRecord { kid: kid.to_owned(), state, since: hour(since_hours) }
    }

    fn hour(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(hour * 3600, 0).unwrap()
    }

    #[test]
    fn the_table_is_sound() {
        assert_eq!(TRANSITIONS.defects(KeyState::Next, &KeyState::iter().collect::<Vec<_>>()), [""; 0]);
    }

    #[test]
    fn the_first_start_makes_a_key_that_signs() {
        assert_eq!(due(&[], hour(0), ROTATE), [Step::Bootstrap]);
    }

    #[test]
    fn a_key_is_published_a_day_before_it_signs_and_the_old_one_forgotten_a_day_after() {
        let active = key("a", KeyState::Active, 0);
        assert_eq!(due(std::slice::from_ref(&active), hour(29 * 24 - 1), ROTATE), []);
        assert_eq!(due(std::slice::from_ref(&active), hour(29 * 24), ROTATE), [Step::Publish]);
        let next = key("b", KeyState::Next, 29 * 24);
        assert_eq!(due(&[active.clone(), next.clone()], hour(30 * 24 - 1), ROTATE), []);
        assert_eq!(due(&[active.clone(), next], hour(30 * 24), ROTATE), [Step::Activate("b".to_owned())]);
        // A machine that slept for weeks publishes first and waits all the same.
        assert_eq!(due(&[active, key("b", KeyState::Next, 90 * 24)], hour(90 * 24 + 23), ROTATE), []);
        let after = [key("b", KeyState::Active, 720), key("a", KeyState::Retained, 720)];
        assert_eq!(due(&after, hour(743), ROTATE), []);
        assert_eq!(due(&after, hour(744), ROTATE), [Step::Forget("a".to_owned())]);
    }
}

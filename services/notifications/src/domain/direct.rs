//! Direct messages at Facebook (Messenger) and Instagram: whom one is for, and how it may be sent at a moment.
//!
//! What Meta permits (Messenger Platform and Instagram Messaging, "Send messages", "Private replies", "Human agent"): within 24
//! hours of what somebody wrote, anything; to a comment one private message, within seven days; after the 24 hours and within
//! seven days only what a person wrote, under a tag that Meta has to grant. A comment opens no window: its author has to
//! answer the private message first.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use strum::{Display, EnumIter, EnumString};

/// How long anything may be sent after a message of the other side.
pub const WINDOW: TimeDelta = TimeDelta::hours(24);
/// How long a person may answer a message, and how long a comment may be answered privately.
pub const WEEK: TimeDelta = TimeDelta::days(7);

/// A network of Meta.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Display, EnumString, EnumIter)]
#[strum(serialize_all = "snake_case")]
pub enum Network {
    /// A Page and its Messenger.
    Facebook,
    /// A professional account.
    Instagram,
}

/// Whom a direct message is for. Written as `facebook/PAGE/USER`, with the comment and its second since 1970 behind it where
/// there is one that may be answered: `instagram/ACCOUNT//COMMENT/1757810000`.
#[derive(Clone, PartialEq, Eq)]
pub struct Direct {
    /// Where.
    pub network: Network,
    /// Our account there, by the network's id.
    pub account: String,
    /// The recipient, by the id that counts within our account; empty while nobody knows it.
    pub user: String,
    /// A comment of theirs that was not answered, and when it was written.
    pub comment: Option<(String, DateTime<Utc>)>,
}

/// What is known of the recipient when a message is to be sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standing {
    /// When they last wrote to us.
    pub wrote_at: Option<DateTime<Utc>>,
    /// Whether a person wrote what is sent, and Meta lets our account send such messages later.
    pub by_a_person: bool,
}

/// As what a message goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// As an answer within 24 hours.
    Response,
    /// As the one private answer to a comment.
    PrivateReply,
    /// As the answer of a person, within seven days.
    HumanAgent,
}

/// Whether this can be an id at a network: what no address or text could be hidden in.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (1..=200).contains(&text.len())
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-.:".contains(&it))
}

impl Direct {
    /// By what its recipient is known: the comment only while nobody knows its author.
    #[must_use]
    pub fn who(&self) -> String {
        match &self.comment {
            Some((comment, _)) if self.user.is_empty() => self.who_wrote(comment),
            Some(_) | None => format!("{}/{}/{}", self.network, self.account, self.user),
        }
    }

    /// By what the author of a comment is known while nobody knows more.
    #[must_use]
    pub fn who_wrote(&self, comment: &str) -> String {
        format!("{}/{}//{comment}", self.network, self.account)
    }

    /// After its comment was answered: to this recipient, or to nobody that is known.
    #[must_use]
    pub fn answered(self, user: String) -> Self {
        Self { user: if self.user.is_empty() { user } else { self.user }, comment: None, ..self }
    }

    /// As what a message may go out now; `None` when it may not. What needs no favour of Meta comes first.
    #[must_use]
    pub fn opening(&self, known: Standing, now: DateTime<Utc>) -> Option<Opening> {
        let wrote =
            |within: TimeDelta| !self.user.is_empty() && known.wrote_at.is_some_and(|at| now < at + within);
        if wrote(WINDOW) {
            return Some(Opening::Response);
        }
        if self.comment.as_ref().is_some_and(|(_, at)| now < *at + WEEK) {
            return Some(Opening::PrivateReply);
        }
        (known.by_a_person && wrote(WEEK)).then_some(Opening::HumanAgent)
    }
}

impl fmt::Display for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.network, self.account, self.user)?;
        match &self.comment {
            Some((comment, at)) => write!(f, "/{comment}/{}", at.timestamp()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never who.
        write!(f, "Direct({})", self.network)
    }
}

/// This is no address of a direct message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no address of a direct message")]
pub struct NoAddress;

impl FromStr for Direct {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let parts: Vec<&str> = text.split('/').collect();
        let (network, account, user, comment) = match parts.as_slice() {
            [network, account, user] => (network, account, user, None),
            [network, account, user, comment, at] => (network, account, user, Some((comment, at))),
            _ => return Err(NoAddress),
        };
        let comment = match comment {
            Some((id, at)) if is_id(id) => {
                let at = at.parse().ok().and_then(|at| DateTime::from_timestamp(at, 0)).ok_or(NoAddress)?;
                Some(((*id).to_owned(), at))
            }
            Some(_) => return Err(NoAddress),
            None => None,
        };
        if !is_id(account) || !(is_id(user) || (user.is_empty() && comment.is_some())) {
            return Err(NoAddress);
        }
        let network = network.parse().map_err(|_| NoAddress)?;
        Ok(Self { network, account: (*account).to_owned(), user: (*user).to_owned(), comment })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-26T03:00:00Z".parse().unwrap()
    }

    fn direct(text: &str) -> Direct {
        text.parse().unwrap()
    }

    #[test]
    fn c_17_a_message_goes_out_only_as_meta_permits() {
        let comment = format!("facebook/1//7_8/{}", now().timestamp());
        let (known, author) = (direct("facebook/1/42"), direct(&comment));
        let wrote = |ago, by_a_person| Standing { wrote_at: Some(now() - ago), by_a_person };
        let hours = TimeDelta::hours;
        for (to, standing, expected) in [
            (&known, wrote(hours(23), false), Some(Opening::Response)),
            (&known, wrote(hours(24), false), None),
            (&known, wrote(hours(24), true), Some(Opening::HumanAgent)),
            (&known, wrote(hours(24 * 7), true), None),
            (&known, Standing::default(), None),
            (&author, Standing::default(), Some(Opening::PrivateReply)),
            // Nobody knows who wrote it, so nothing that somebody wrote counts for them.
            (&author, wrote(hours(1), true), Some(Opening::PrivateReply)),
        ] {
            assert_eq!(to.opening(standing, now()), expected, "{to} {standing:?}");
        }
        assert_eq!(author.opening(Standing::default(), now() + WEEK), None, "too late for the comment");
        let answered = author.answered("42".to_owned());
        assert_eq!(answered, known);
        assert_eq!(answered.opening(Standing::default(), now()), None, "it is answered once");
    }

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for text in
            ["facebook/1/42", "instagram/17/9", "facebook/1//7_8/1757810000", "facebook/1/42/7_8/1757810000"]
        {
            assert_eq!(direct(text).to_string(), text);
        }
        assert_eq!(direct("facebook/1//7_8/1757810000").who(), "facebook/1//7_8");
        assert_eq!(direct("facebook/1/42/7_8/1757810000").who(), "facebook/1/42");
        for bad in [
            "",
            "facebook/1",
            "facebook/1/",
            "x/1/2",
            "facebook//2",
            "facebook/1/a b",
            "facebook/1//c/x",
            "facebook/1/2/3",
        ] {
            assert_eq!(bad.parse::<Direct>().err(), Some(NoAddress), "{bad}");
        }
        assert!(!format!("{:?}", direct("facebook/1/42")).contains("42"));
    }
}

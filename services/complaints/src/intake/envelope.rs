//! The one shape in which every channel's messages are handled after their adapter has read them.
//!
//! `(source, account, external_id)` is unique: providers deliver at least once, batch what they like and promise no
//! order. An edit or a removal is an envelope of its own, because it is an event of its own.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

/// Where a message came in. Finer than a channel: a comment and a direct message of one network differ in what may be
/// answered, and where.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Display, EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Source {
    /// `WhatsApp` Cloud API.
    Whatsapp,
    /// A message to a Facebook Page.
    Messenger,
    /// A comment or post on a Facebook Page: public by origin.
    FacebookFeed,
    /// A direct message on Instagram.
    InstagramDirect,
    /// A comment on Instagram: public by origin.
    InstagramComment,
    /// E-mail.
    Email,
    /// SP4N-LAPOR!, the national channel.
    Sp4nLapor,
}

impl Source {
    /// Whether everybody could read it where it was written. Such a case stays closed until its reporter has chosen.
    #[must_use]
    pub const fn is_public(self) -> bool {
        match self {
            Self::FacebookFeed | Self::InstagramComment => true,
            Self::Whatsapp | Self::Messenger | Self::InstagramDirect | Self::Email | Self::Sp4nLapor => false,
        }
    }

    /// Where who writes here is written to in direct messages; of comments that is beside them, never below them.
    #[must_use]
    pub const fn messages(self) -> Option<Self> {
        match self {
            Self::Messenger | Self::FacebookFeed => Some(Self::Messenger),
            Self::InstagramDirect | Self::InstagramComment => Some(Self::InstagramDirect),
            Self::Whatsapp | Self::Email | Self::Sp4nLapor => None,
        }
    }

    /// The largest file a message may carry, in bytes, by the provider's own limits (images and documents on `WhatsApp`
    /// differ, see [`super::media`]).
    #[must_use]
    pub const fn attachment_limit(self) -> u64 {
        match self {
            Self::Whatsapp => 100 << 20,
            Self::Messenger | Self::FacebookFeed | Self::InstagramDirect | Self::InstagramComment => 25 << 20,
            Self::Email | Self::Sp4nLapor => 20 << 20,
        }
    }
}

/// Who wrote, as the channel knows them. Nothing of it is required: networks hide phone numbers, comments come without
/// an author when a permission is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sender {
    /// The id within the account: `wa_id`, PSID, IGSID, address. Empty if the channel hides it.
    pub id: String,
    /// The name shown.
    pub display: String,
    /// A phone number in international digits without `+`, if the channel tells one.
    pub phone: Option<String>,
    /// An e-mail address in lower case.
    pub email: Option<String>,
}

/// A point on the map (WGS 84), and what the channel calls it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Degrees, −90 to 90.
    pub latitude: f64,
    /// Degrees, −180 to 180.
    pub longitude: f64,
    /// The name of the place, if it has one.
    #[serde(default)]
    pub name: String,
    /// Its address, if told.
    #[serde(default)]
    pub address: String,
}

impl Location {
    /// The point, if it is one on Earth.
    #[must_use]
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let valid = latitude.is_finite()
            && longitude.is_finite()
            && latitude.abs() <= 90.0
            && longitude.abs() <= 180.0;
        valid.then(|| Self { latitude, longitude, name: String::new(), address: String::new() })
    }

    /// Latitude and longitude.
    #[must_use]
    pub fn point(&self) -> (f64, f64) {
        (self.latitude, self.longitude)
    }

    /// What it is called, and its address; empty where not told.
    #[must_use]
    pub fn words(&self) -> [&str; 2] {
        [self.name.trim(), self.address.trim()]
    }
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// Words.
    Text,
    /// A picture, perhaps with words.
    Image,
    /// A film, perhaps with words.
    Video,
    /// A voice note or another recording.
    Audio,
    /// A file.
    Document,
    /// A sticker.
    Sticker,
    /// A point on the map.
    Location,
    /// Somebody else's contact.
    Contacts,
    /// A button or list entry of ours that was pressed; see [`Envelope::choice`].
    Choice,
    /// Something the provider could not deliver. It is kept, and the citizen is asked to send it in another way.
    Unsupported,
}

/// A file of a message, before it is fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Attachment {
    /// The provider's id of the file, with which it is fetched.
    pub media_id: Option<String>,
    /// The address to fetch it from. Providers let it expire: fetch at once.
    pub url: Option<String>,
    /// The number of the part in an e-mail, whose bytes are in the stored message.
    pub part: Option<u32>,
    /// What the sender says it is. Only the content decides.
    pub told_type: String,
    /// The SHA-256 the provider tells, in whatever encoding it uses: for the record, never trusted.
    pub told_sha256: String,
    /// The name the sender gave. Never used as a path.
    pub file_name: String,
    /// Whether it is a voice note.
    pub voice: bool,
}

/// What a message does to those before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "of")]
pub enum Effect {
    /// It is a new one.
    Add,
    /// It replaces the words of the message with this external id.
    Edit(String),
    /// Its author took the message with this external id back.
    Remove(String),
}

/// A message of any channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// Where it came in.
    pub source: Source,
    /// Our account there: the phone number id, the Page, the mailbox.
    pub account: String,
    /// The provider's id. With source and account the key under which it is stored once.
    pub external_id: String,
    /// What keeps messages together: a post, a thread. Empty: the sender alone does.
    pub thread: String,
    /// Who wrote.
    pub sender: Sender,
    /// When it was written, by the channel's clock.
    pub sent_at: Option<DateTime<Utc>>,
    /// What it is.
    pub kind: Kind,
    /// Its words, plain text.
    pub text: String,
    /// The id of the button or list entry pressed.
    pub choice: Option<String>,
    /// Its files.
    pub attachments: Vec<Attachment>,
    /// Where, if a point was sent.
    pub location: Option<Location>,
    /// The message it answers, by the provider's id.
    pub reply_to: Option<String>,
    /// Whether it adds, edits or removes.
    pub effect: Effect,
}

impl Envelope {
    /// An empty message that adds.
    #[must_use]
    pub fn new(source: Source, account: &str, external_id: &str) -> Self {
        Self {
            source,
            account: account.to_owned(),
            external_id: external_id.to_owned(),
            thread: String::new(),
            sender: Sender::default(),
            sent_at: None,
            kind: Kind::Text,
            text: String::new(),
            choice: None,
            attachments: Vec::new(),
            location: None,
            reply_to: None,
            effect: Effect::Add,
        }
    }

    /// Messages with the same key are worked on one after the other, never at the same time: an album arrives as
    /// parallel webhooks and must not become several cases. A removal carries no author, so what it removes is looked up.
    #[must_use]
    pub fn conversation(&self) -> (Source, &str, &str) {
        let who = if self.sender.id.is_empty() { self.thread.as_str() } else { self.sender.id.as_str() };
        (self.source, &self.account, if who.is_empty() { &self.external_id } else { who })
    }
}

/// The oldest channel time that is believed. Providers retry for days; a phone that was off sends late.
const OLDEST: TimeDelta = TimeDelta::hours(48);
/// Clocks differ a little; this much ahead is not the future.
const SKEW: TimeDelta = TimeDelta::seconds(60);

/// When a message counts as received: the channel's time when it is plausible (not in the future, at most 48 hours old),
/// else its arrival. From this moment the deadlines run, so neither an outage of ours nor a wrong clock may move them
/// against the citizen or the agency.
#[must_use]
pub fn received_at(sent_at: Option<DateTime<Utc>>, arrived_at: DateTime<Utc>) -> DateTime<Utc> {
    match sent_at {
        Some(sent) if sent <= arrived_at && sent >= arrived_at - OLDEST => sent,
        // A clock a little ahead tells as much as ours does.
        Some(sent) if sent > arrived_at && sent <= arrived_at + SKEW => arrived_at,
        Some(_) | None => arrived_at,
    }
}

/// A moment from Unix seconds, if it is one that a calendar holds.
pub(crate) fn seconds(unix: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(unix, 0)
}

/// A moment from Unix milliseconds.
pub(crate) fn milliseconds(unix: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(unix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_14_the_channels_time_counts_when_it_is_plausible() {
        let arrived = seconds(1_757_810_000).unwrap();
        let ago = |delta: TimeDelta| arrived - delta;
        for (sent, expected) in [
            (Some(arrived), arrived),
            (Some(ago(TimeDelta::hours(47))), ago(TimeDelta::hours(47))),
            (Some(ago(OLDEST)), ago(OLDEST)),
            (Some(ago(OLDEST + TimeDelta::seconds(1))), arrived),
            (Some(arrived + TimeDelta::seconds(30)), arrived),
            (Some(arrived + TimeDelta::days(1)), arrived),
            (None, arrived),
        ] {
            assert_eq!(received_at(sent, arrived), expected, "{sent:?}");
        }
    }

    #[test]
    fn messages_of_one_sender_share_a_conversation() {
        let mut first = Envelope::new(Source::Whatsapp, "1", "wamid.1");
        first.sender.id = "62812".into();
        let mut second = Envelope::new(Source::Whatsapp, "1", "wamid.2");
        second.sender.id = "62812".into();
        assert_eq!(first.conversation(), second.conversation());
        second.account = "2".into();
        assert_ne!(first.conversation(), second.conversation());
        let hidden = Envelope::new(Source::FacebookFeed, "1", "c1");
        assert_eq!(hidden.conversation().2, "c1");
    }

    #[test]
    fn a_point_lies_on_earth() {
        assert!(Location::new(-3.0, 114.6).is_some());
        for (latitude, longitude) in [(91.0, 0.0), (0.0, -181.0), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert_eq!(Location::new(latitude, longitude), None);
        }
    }
}

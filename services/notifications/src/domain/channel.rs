//! Channels and addresses.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

/// A way to reach somebody.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    EnumString,
    EnumIter,
    Serialize,
    Deserialize,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Channel {
    /// WhatsApp Cloud API.
    Whatsapp,
    /// E-mail by SMTP.
    Email,
    /// The list inside of the system.
    InApp,
    /// A direct message at Facebook or Instagram.
    Direct,
}

impl Channel {
    /// What people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Whatsapp => "WhatsApp",
            Self::Email => "e-mail",
            Self::InApp => "aplikasi",
            Self::Direct => "Messenger/Instagram",
        }
    }
}

/// Whether this is a WhatsApp number as the Cloud API takes it: country code first, 8 to 15 digits (E.164 without `+`).
#[must_use]
pub fn is_number(text: &str) -> bool {
    (8..=15).contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether this looks like an e-mail address (RFC 5321 limits): one `@`, a domain with a dot, nothing that could break a
/// header or an envelope.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    text.len() <= 254
        && (1..=64).contains(&local.len())
        && local.chars().all(allowed)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.contains('.')
        && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_addresses_are_told_from_what_is_none() {
        for good in ["6281234567890", "12025550123"] {
            assert!(is_number(good), "{good}");
        }
        for bad in ["081234567890", "+6281234567890", "62 812", "", "628123456789012345"] {
            assert!(!is_number(bad), "{bad}");
        }
        for good in ["budi@contohkab.go.id", "a.b+c@x-y.example"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["budi", "budi@", "@a.b", "a@b", "a b@c.d", "a\r\nb@c.d", "a@b..c", "a..b@c.d", "<a@b.c>"]
        {
            assert!(!is_email(bad), "{bad}");
        }
    }
}

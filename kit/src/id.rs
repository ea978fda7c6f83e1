//! Prefixed ids: a UUIDv7 behind a type and a prefix, written as the [TypeID](https://github.com/jetify-com/typeid)
//! specification says (`tkt_01h455vb4pex5vsknk084sn02q`): 26 characters of lower-case Crockford base32.
//!
//! Ids of different things are different types, so that a counter cannot be passed where a ticket is meant.

use thiserror::Error;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Why a text is not the id it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected an id such as {prefix}_01h455vb4pex5vsknk084sn02q")]
pub struct IdError {
    /// The prefix the id should have.
    pub prefix: &'static str,
}

/// A UUID as 26 characters of Crockford base32, which lie in place: ids are written dozens of times in each call.
#[derive(Debug, Clone, Copy)]
pub struct Digits([u8; 26]);

impl Digits {
    /// The digits of a UUID.
    #[must_use]
    pub fn of(uuid: Uuid) -> Self {
        let mut value = uuid.as_u128();
        let mut digits = [0_u8; 26];
        for slot in digits.iter_mut().rev() {
            *slot = ALPHABET[(value & 31) as usize];
            value >>= 5;
        }
        Self(digits)
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // The alphabet is ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Writes a UUID as 26 characters of Crockford base32.
#[must_use]
pub fn encode(uuid: Uuid) -> String {
    Digits::of(uuid).as_str().to_owned()
}

/// Reads 26 characters of Crockford base32; `None` if they are anything else or do not fit 128 bits.
#[must_use]
pub fn decode(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    // The first character holds the top three bits only.
    if bytes.len() != 26 || bytes[0] > b'7' {
        return None;
    }
    let mut value = 0_u128;
    for byte in bytes {
        let digit = ALPHABET.iter().position(|letter| letter == byte)?;
        value = (value << 5) | digit as u128;
    }
    Some(Uuid::from_u128(value))
}

/// Reads `<prefix>_<26 characters>`.
///
/// # Errors
/// [`IdError`] when the prefix is another or the rest is no id.
pub fn parse(prefix: &'static str, text: &str) -> Result<Uuid, IdError> {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .and_then(decode)
        .ok_or(IdError { prefix })
}

/// Makes id types: `ids! { /// A hall. pub HallId = "hal"; }`.
#[macro_export]
macro_rules! ids {
    ($($(#[$meta:meta])* $vis:vis $name:ident = $prefix:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis struct $name($crate::id::Uuid);

        impl $name {
            /// The prefix of these ids.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, unique and roughly ordered by time (UUIDv7, RFC 9562). Never sort a queue by it.
            #[must_use]
            pub fn generate() -> Self {
                Self($crate::id::Uuid::now_v7())
            }

            /// The id with this UUID inside.
            #[must_use]
            pub const fn from_uuid(uuid: $crate::id::Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            #[must_use]
            pub const fn uuid(self) -> $crate::id::Uuid {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                f.write_str($crate::id::Digits::of(self.0).as_str())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::id::IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::id::parse($prefix, text).map(Self)
            }
        }

        impl $crate::id::serde::Serialize for $name {
            fn serialize<S: $crate::id::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> $crate::id::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::id::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as $crate::id::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err($crate::id::serde::de::Error::custom)
            }
        }
    )*};
}

#[doc(hidden)]
pub use serde;
#[doc(hidden)]
pub use uuid::Uuid;

#[cfg(test)]
mod tests {
    use super::*;
    use things::ThingId;

    #[expect(unreachable_pub, dead_code, reason = "the macro makes more than these tests use")]
    mod things {
        crate::ids! {
            /// A thing.
            pub ThingId = "thg";
        }
    }

    /// Vectors of the TypeID specification.
    #[test]
    fn agrees_with_the_typeid_specification() {
        for (text, uuid) in [
            ("00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
            ("00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
            ("0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
            ("7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
            ("01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
        ] {
            let uuid: Uuid = uuid.parse().unwrap();
            assert_eq!(encode(uuid), text);
            assert_eq!(decode(text), Some(uuid));
        }
    }

    #[test]
    fn refuses_what_is_no_id() {
        for text in [
            "",
            "thg_",
            "thg",
            "xyz_01h455vb4pex5vsknk084sn02q",
            "thg_81h455vb4pex5vsknk084sn02q",
            "thg_01h455vb4pex5vsknk084sn02Q",
            "thg_01h455vb4pex5vsknk084sn02i",
        ] {
            assert_eq!(text.parse::<ThingId>(), Err(IdError { prefix: "thg" }), "{text}");
        }
        let id = ThingId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::from_str::<ThingId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
    }
}

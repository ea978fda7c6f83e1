//! DER, as little of it as signatures need: a reader that keeps the bytes of what it read (a signature is over bytes, not
//! over what a decoder would encode again), and a writer.

use chrono::{DateTime, NaiveDate, Utc};

/// Tags.
pub(super) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTF8: u8 = 0x0c;
    pub(crate) const PRINTABLE: u8 = 0x13;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;

    /// `[n]`, constructed.
    pub(crate) const fn context(n: u8) -> u8 {
        0xa0 | n
    }
}

/// The bytes are not the DER that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the structure that was expected")]
pub(super) struct Malformed;

/// One element: tag, contents, and all its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
    pub(super) raw: &'a [u8],
}

impl<'a> Element<'a> {
    /// The first element of `bytes`, and the rest.
    pub(super) fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let [tag, first, rest @ ..] = bytes else { return Err(Malformed) };
        // Tags above 30 occur nowhere in what is read here.
        if tag & 0x1f == 0x1f {
            return Err(Malformed);
        }
        let (length, head) = match *first {
            short @ 0..=0x7f => (usize::from(short), 2),
            // 0x80, the indefinite length, is BER; four bytes are more than any document.
            long @ 0x81..=0x84 => {
                let count = usize::from(long & 0x7f);
                let digits = rest.get(..count).ok_or(Malformed)?;
                let length = digits.iter().fold(0_usize, |length, digit| length << 8 | usize::from(*digit));
                if digits[0] == 0 || length < 0x80 {
                    return Err(Malformed);
                }
                (length, 2 + count)
            }
            _ => return Err(Malformed),
        };
        let end = head.checked_add(length).ok_or(Malformed)?;
        let raw = bytes.get(..end).ok_or(Malformed)?;
        Ok((Self { tag: *tag, body: &raw[head..], raw }, &bytes[end..]))
    }

    /// The only element of `bytes`.
    pub(super) fn only(bytes: &'a [u8]) -> Result<Self, Malformed> {
        match Self::split(bytes)? {
            (element, []) => Ok(element),
            _ => Err(Malformed),
        }
    }

    /// This element, if it has this tag.
    pub(super) fn expect(self, tag: u8) -> Result<Self, Malformed> {
        if self.tag == tag { Ok(self) } else { Err(Malformed) }
    }

    /// What is inside.
    pub(super) fn parts(self) -> Parts<'a> {
        Parts(self.body)
    }

    /// The one element inside.
    pub(super) fn inner(self) -> Result<Self, Malformed> {
        Self::only(self.body)
    }

    /// The octets of a bit string that has no unused bits.
    pub(super) fn bits(self) -> Result<&'a [u8], Malformed> {
        match self.expect(tag::BIT_STRING)?.body {
            [0, octets @ ..] => Ok(octets),
            _ => Err(Malformed),
        }
    }

    /// A small number.
    pub(super) fn small(self) -> Result<u32, Malformed> {
        match self.expect(tag::INTEGER)?.body {
            [] => Err(Malformed),
            [first, ..] if *first >= 0x80 => Err(Malformed),
            digits if digits.len() <= 4 => {
                Ok(digits.iter().fold(0, |number, digit| number << 8 | u32::from(*digit)))
            }
            _ => Err(Malformed),
        }
    }

    /// A point in time (`UTCTime` or `GeneralizedTime`, in UTC; fractions of a second are dropped).
    pub(super) fn time(self) -> Result<DateTime<Utc>, Malformed> {
        let text = self.body.strip_suffix(b"Z").ok_or(Malformed)?;
        let whole = text.split(|byte| *byte == b'.').next().unwrap_or_default();
        if !whole.iter().all(u8::is_ascii_digit) {
            return Err(Malformed);
        }
        let pairs = whole.chunks(2).map(|pair| match pair {
            [tens, ones] => Ok(u32::from(tens - b'0') * 10 + u32::from(ones - b'0')),
            _ => Err(Malformed),
        });
        let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
        let (year, rest) = match (self.tag, pairs.as_slice()) {
            (tag::UTC_TIME, [year, rest @ ..]) => (if *year < 50 { 2000 + year } else { 1900 + year }, rest),
            (tag::GENERALIZED_TIME, [century, year, rest @ ..]) => (century * 100 + year, rest),
            _ => return Err(Malformed),
        };
        let [month, day, hour, minute, second] = *rest else { return Err(Malformed) };
        let year = i32::try_from(year).map_err(|_| Malformed)?;
        NaiveDate::from_ymd_opt(year, month, day)
            .and_then(|date| date.and_hms_opt(hour, minute, second))
            .map(|time| time.and_utc())
            .ok_or(Malformed)
    }
}

/// The elements of a constructed one, in turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    /// The next one, which must have this tag.
    pub(super) fn read(&mut self, tag: u8) -> Result<Element<'a>, Malformed> {
        self.next().ok_or(Malformed)??.expect(tag)
    }

    /// The next one, whatever it is.
    pub(super) fn read_any(&mut self) -> Result<Element<'a>, Malformed> {
        self.next().ok_or(Malformed)?
    }

    /// The next one, if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Malformed> {
        match self.0.first() {
            Some(first) if *first == tag => self.read(tag).map(Some),
            _ => Ok(None),
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<Element<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        match Element::split(self.0) {
            Ok((element, rest)) => {
                self.0 = rest;
                Some(Ok(element))
            }
            Err(error) => {
                self.0 = &[];
                Some(Err(error))
            }
        }
    }
}

/// An element with this tag and these contents.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    if let Ok(short @ 0..=0x7f) = u8::try_from(length) {
        out.push(short);
    } else {
        let digits = length.to_be_bytes();
        let significant = &digits[digits.iter().take_while(|digit| **digit == 0).count()..];
        out.push(0x80 | u8::try_from(significant.len()).unwrap_or(8));
        out.extend_from_slice(significant);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// A sequence.
pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(tag::SEQUENCE, parts)
}

/// A set; DER wants its members in the order of their bytes.
pub(super) fn set(members: &[&[u8]]) -> Vec<u8> {
    let mut sorted = members.to_vec();
    sorted.sort_unstable();
    element(tag::SET, &sorted)
}

/// A number from its bytes, unsigned and big-endian.
pub(super) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = &bytes[zeros.min(bytes.len().saturating_sub(1))..];
    match digits.first() {
        Some(first) if *first < 0x80 => element(tag::INTEGER, &[digits]),
        Some(_) => element(tag::INTEGER, &[&[0], digits]),
        None => element(tag::INTEGER, &[&[0]]),
    }
}

/// A bit string without unused bits.
pub(super) fn bits(octets: &[u8]) -> Vec<u8> {
    element(tag::BIT_STRING, &[&[0], octets])
}

/// A point in time: `UTCTime` up to 2049, `GeneralizedTime` after it (RFC 5280, section 4.1.2.5).
pub(super) fn time(at: DateTime<Utc>) -> Vec<u8> {
    let full = at.format("%Y%m%d%H%M%SZ").to_string();
    match full.as_str() {
        it if ("1950".."2050").contains(&&it[..4]) => element(tag::UTC_TIME, &[&full.as_bytes()[2..]]),
        it => element(tag::GENERALIZED_TIME, &[it.as_bytes()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_written_and_read() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let bytes = element(tag::OCTET_STRING, &[&vec![7; length]]);
            let read = Element::only(&bytes).unwrap();
            assert_eq!((read.tag, read.body.len(), read.raw.len()), (tag::OCTET_STRING, length, bytes.len()));
        }
    }

    #[test]
    fn what_is_no_der_is_refused() {
        for bytes in [
            &b""[..],
            &[0x30],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 0x01, 0],
            &[0x30, 0x82, 0, 0x80],
            &[0x30, 5, 0],
            &[0x1f, 1, 0],
            &[0x30, 0x85, 1, 1, 1, 1, 1],
        ] {
            assert_eq!(Element::split(bytes), Err(Malformed), "{bytes:x?}");
        }
        assert_eq!(Element::only(&[5, 0, 0]), Err(Malformed));
    }

    #[test]
    fn times_are_written_and_read() {
        for text in
            ["2026-11-26T08:15:00Z", "2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z", "1999-01-01T00:00:00Z"]
        {
            let at = text.parse::<DateTime<Utc>>().unwrap();
            assert_eq!(Element::only(&time(at)).unwrap().time(), Ok(at), "{text}");
        }
        let fraction = element(tag::GENERALIZED_TIME, &[b"20261126081500.123Z"]);
        assert!(Element::only(&fraction).unwrap().time().is_ok());
        for wrong in ["261326081500Z", "2611260815Z", "261126081500+0700", "26112608150Z", "2x1126081500Z"] {
            assert_eq!(
                Element::only(&element(tag::UTC_TIME, &[wrong.as_bytes()])).unwrap().time(),
                Err(Malformed),
                "{wrong}"
            );
        }
    }

    #[test]
    fn numbers_are_minimal_and_not_negative() {
        assert_eq!(unsigned(&[0, 0, 1]), [2, 1, 1]);
        assert_eq!(unsigned(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
        assert_eq!(unsigned(&[0]), [2, 1, 0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok((element, _)) = Element::split(&bytes) {
                let _ = (element.small(), element.bits(), element.time(), element.parts().count());
            }
        }
    }
}

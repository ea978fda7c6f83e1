//! How a case is called: `ADU-2026-000123-7`, with a check digit that finds each wrong digit and each swap of neighbours.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The operation table of Damm's quasigroup of order 10 (H. M. Damm, 2004): weakly totally anti-symmetric, so that it
/// finds every single wrong digit and every swap of two neighbours.
const DAMM: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// Letters of a PIN: Crockford's base32, which has no I, L, O, U.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The number of a case: year and place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Number {
    /// The year in which it was received, local time.
    pub year: u16,
    /// Its place in the year, from 1.
    pub seq: u32,
}

/// A text that is no number of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no number of a case")]
pub struct NoNumber;

impl Number {
    fn digits(self) -> String {
        format!("{:04}{:06}", self.year, self.seq)
    }

    /// The check digit.
    #[must_use]
    pub fn check_digit(self) -> u8 {
        check(&self.digits())
    }
}

fn check(digits: &str) -> u8 {
    digits
        .bytes()
        .fold(0, |interim, digit| DAMM[usize::from(interim)][usize::from(digit.saturating_sub(b'0').min(9))])
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ADU-{:04}-{:06}-{}", self.year, self.seq, self.check_digit())
    }
}

impl From<Number> for String {
    fn from(number: Number) -> Self {
        number.to_string()
    }
}

impl TryFrom<String> for Number {
    type Error = NoNumber;

    fn try_from(text: String) -> Result<Self, NoNumber> {
        text.parse()
    }
}

/// Reads a number as people type it: small letters, spaces and missing dashes do not matter.
impl FromStr for Number {
    type Err = NoNumber;

    fn from_str(text: &str) -> Result<Self, NoNumber> {
        let plain: String =
            text.chars().filter(|it| !it.is_whitespace() && *it != '-').collect::<String>().to_uppercase();
        let digits = plain.strip_prefix("ADU").ok_or(NoNumber)?;
        if digits.len() < 11 || digits.len() > 14 || !digits.bytes().all(|it| it.is_ascii_digit()) {
            return Err(NoNumber);
        }
        let (year, rest) = digits.split_at(4);
        let (seq, digit) = rest.split_at(rest.len() - 1);
        let number =
            Self { year: year.parse().map_err(|_| NoNumber)?, seq: seq.parse().map_err(|_| NoNumber)? };
        (digit == number.check_digit().to_string() && number.seq > 0).then_some(number).ok_or(NoNumber)
    }
}

/// A PIN from 5 random bytes: eight letters, `K7M2-9QXB`. 40 bits, so that trying is hopeless.
#[must_use]
pub fn pin(bytes: [u8; 5]) -> String {
    letters(&bytes, 8, Some(4))
}

/// How officers call a reporter: `Pelapor-7Q2MX`.
#[must_use]
pub fn pseudonym(bytes: [u8; 5]) -> String {
    format!("Pelapor-{}", letters(&bytes, 6, None))
}

fn letters(bytes: &[u8; 5], count: usize, dash: Option<usize>) -> String {
    let value = bytes.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    let mut out = String::new();
    for at in 0..count {
        if dash == Some(at) {
            out.push('-');
        }
        out.push(char::from(LETTERS[((value >> (5 * at)) & 31) as usize]));
    }
    out
}

/// A PIN as it is compared: without dashes, in capital letters, with the letters that look alike read as they are meant.
#[must_use]
pub fn plain_pin(typed: &str) -> String {
    typed
        .chars()
        .filter(|it| it.is_ascii_alphanumeric())
        .map(|it| match it.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_read_as_people_type_it() {
        let number = Number { year: 2026, seq: 123 };
        let text = number.to_string();
        assert!(text.starts_with("ADU-2026-000123-"), "{text}");
        for typed in [text.clone(), text.to_lowercase(), text.replace('-', ""), format!(" {text} ")] {
            assert_eq!(typed.parse(), Ok(number), "{typed}");
        }
        for wrong in ["", "ADU", "ADU-2026-000124-0", "XYZ-2026-000123-7", "ADU-2026-0001234567-1"] {
            if wrong != text {
                assert_eq!(wrong.parse::<Number>(), Err(NoNumber), "{wrong}");
            }
        }
    }

    #[test]
    fn a_pin_is_compared_as_it_is_meant() {
        assert_eq!(plain_pin("k7m2-9qxb"), "K7M29QXB");
        assert_eq!(plain_pin("O1l 0"), "0110");
        assert_eq!(pin([0; 5]), "0000-0000");
        assert_eq!(pin([255; 5]), "ZZZZ-ZZZZ");
    }

    proptest! {
        #[test]
        fn each_wrong_digit_and_each_swap_is_found(year in 2020_u16..2100, seq in 1_u32..1_000_000, at in 0_usize..10, other in 0_u8..10) {
            let number = Number { year, seq };
            let digits = number.digits();
            let mut wrong = digits.clone().into_bytes();
            wrong[at] = b'0' + other;
            let wrong = String::from_utf8(wrong).unwrap();
            prop_assert_eq!(check(&wrong) == number.check_digit(), wrong == digits);
            if at < 9 {
                let mut swapped = digits.clone().into_bytes();
                swapped.swap(at, at + 1);
                let swapped = String::from_utf8(swapped).unwrap();
                prop_assert_eq!(check(&swapped) == number.check_digit(), swapped == digits);
            }
            prop_assert_eq!(number.to_string().parse(), Ok(number));
        }
    }
}

//! Persons: national identity numbers, and how a person is shown to those who need not know him.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};
use thiserror::Error;

/// Provinces as NIK and family card numbers begin (Kepmendagri 300.2.2-2138/2025).
const PROVINCES: [u8; 38] = [
    11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 31, 32, 33, 34, 35, 36, 51, 52, 53, 61, 62, 63, 64, 65, 71, 72,
    73, 74, 75, 76, 81, 82, 91, 92, 93, 94, 95, 96,
];

/// Why a text is no NIK or no family card number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NumberError {
    /// Not 16 digits.
    #[error("expected 16 digits")]
    Digits,
    /// The first digits name no region.
    #[error("the first six digits name no region")]
    Region,
    /// Digits 7 to 12 are no date.
    #[error("digits 7 to 12 are no date")]
    Date,
    /// The last four digits are zero.
    #[error("the last four digits are zero")]
    Serial,
}

/// Checks what NIK and family card numbers have in common and answers the day as it is written there.
fn check(text: &str) -> Result<u32, NumberError> {
    if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Digits);
    }
    let two = |at: usize| text[at..at + 2].parse::<u8>().unwrap_or(0);
    if !PROVINCES.contains(&two(0)) || two(2) == 0 || two(4) == 0 {
        return Err(NumberError::Region);
    }
    if &text[12..] == "0000" {
        return Err(NumberError::Serial);
    }
    Ok(u32::from(two(6)))
}

/// Whether day, month and two-digit year are a date of the last or this century.
fn is_date(day: u32, text: &str) -> bool {
    let month = text[8..10].parse().unwrap_or(0);
    let year: i32 = text[10..12].parse().unwrap_or(0);
    [1900, 2000].iter().any(|century| NaiveDate::from_ymd_opt(century + year, month, day).is_some())
}

/// A national identity number (NIK): region of first registration, date of birth (for women the day plus 40), serial.
/// It is personal data: [`fmt::Debug`] shows it masked, and nothing else of it is ever printed by chance.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nik(String);

impl Nik {
    /// All 16 digits. For the letter itself and for keyed digests only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The last four digits, behind stars: enough for an official to tell two persons of one name apart.
    #[must_use]
    pub fn masked(&self) -> String {
        format!("************{}", &self.0[12..])
    }
}

impl fmt::Debug for Nik {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl FromStr for Nik {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let day = check(text)?;
        let day = if day > 40 { day - 40 } else { day };
        if is_date(day, text) { Ok(Self(text.to_owned())) } else { Err(NumberError::Date) }
    }
}

impl TryFrom<String> for Nik {
    type Error = NumberError;

    fn try_from(text: String) -> Result<Self, NumberError> {
        text.parse()
    }
}

impl From<Nik> for String {
    fn from(nik: Nik) -> Self {
        nik.0
    }
}

/// Checks a family card number (nomor KK): region, date of first issue, serial.
///
/// # Errors
/// A [`NumberError`] that says which part is wrong.
pub fn check_family_card(text: &str) -> Result<(), NumberError> {
    let day = check(text)?;
    if is_date(day, text) { Ok(()) } else { Err(NumberError::Date) }
}

/// Whether somebody is registered in the place that issues.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    EnumIter,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SubjectKind {
    /// Warga: registered in the area.
    Resident,
    /// Bukan warga: what is known of him was typed.
    NonResident,
}

/// Whom a letter is about, as he was when it was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Registered here or not.
    pub kind: SubjectKind,
    /// His NIK; none for a foreigner or somebody without one.
    #[serde(default)]
    pub nik: Option<Nik>,
    /// His name, as on his identity document.
    pub name: String,
    /// Where he was born.
    #[serde(default)]
    pub birth_place: String,
    /// When he was born.
    #[serde(default)]
    pub birth_date: Option<NaiveDate>,
    /// Where he lives, in one line.
    #[serde(default)]
    pub address: String,
    /// Where the data came from: a register, or the person who typed it.
    #[serde(default)]
    pub source: String,
}

/// A name with the first letter of each word and stars: `S*** A*****`. Digits and marks are covered too.
#[must_use]
pub fn mask_name(name: &str) -> String {
    name.split_whitespace()
        .map(|word| {
            word.chars()
                .enumerate()
                .map(|(at, letter)| if at == 0 { letter } else { '*' })
                .collect::<String>()
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plausible_numbers_are_read() {
        // Of a man; of a woman, whose day is written plus 40.
        assert!("1707052610850001".parse::<Nik>().is_ok());
        assert!("1707056602920003".parse::<Nik>().is_ok());
        // 29 February of a leap year in one of the two centuries.
        assert!("1707052902000001".parse::<Nik>().is_ok());
        assert!(check_family_card("1707051203180002").is_ok());
    }

    #[test]
    fn implausible_numbers_are_refused_by_their_part() {
        for (text, error) in [
            ("170705261085000", NumberError::Digits),
            ("17070526108500011", NumberError::Digits),
            ("170705261085000A", NumberError::Digits),
            ("１７０７０５２６１０８５０００１", NumberError::Digits),
            ("0007052610850001", NumberError::Region),
            ("2007052610850001", NumberError::Region),
            ("1700052610850001", NumberError::Region),
            ("1707003010850001", NumberError::Region),
            ("1707053202850001", NumberError::Date),
            ("1707053002850001", NumberError::Date),
            ("1707057202850001", NumberError::Date),
            ("1707052613850001", NumberError::Date),
            ("1707052902990001", NumberError::Date),
            ("1707052610850000", NumberError::Serial),
        ] {
            assert_eq!(text.parse::<Nik>(), Err(error), "{text}");
        }
        assert_eq!(check_family_card("1707056602920003"), Err(NumberError::Date));
    }

    #[test]
    fn names_and_numbers_are_masked() {
        assert_eq!(mask_name("Siti Aminah"), "S*** A*****");
        assert_eq!(mask_name("  I  Gusti Ngurah "), "I G**** N*****");
        assert_eq!(mask_name("Élodie"), "É*****");
        let nik: Nik = "1707056602920003".parse().unwrap();
        assert_eq!(nik.masked(), "************0003");
        assert_eq!(format!("{nik:?}"), "************0003");
    }

    proptest! {
        #[test]
        fn a_mask_shows_first_letters_only(name in "\\PC{0,40}") {
            let masked = mask_name(&name);
            for (word, shown) in name.split_whitespace().zip(masked.split(' ')) {
                prop_assert_eq!(word.chars().next(), shown.chars().next());
                prop_assert!(shown.chars().skip(1).all(|it| it == '*'));
            }
        }

        #[test]
        fn no_text_makes_it_fail(text in "\\PC{0,20}") {
            let _ = text.parse::<Nik>();
            let _ = check_family_card(&text);
        }
    }
}

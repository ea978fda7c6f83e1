//! How documents are numbered: series, and formats with tokens.
//!
//! Tokens are a superset of those that OpenSID's villages know: `[nomor_surat]`, `[nomor_surat, 3]` (zero-padded),
//! `[kode_surat]`, `[kode_desa]`, `[kode_kecamatan]`, `[kode_unit]`, `[kode_klasifikasi]`, `[bulan_romawi]`, `[bulan]`,
//! `[tahun]`. A series restarts every calendar year of the office's local date; that a number is given once is held by
//! the store.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};
use thiserror::Error;

/// Which documents of an office share a series of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SeriesPolicy {
    /// Each type has its own.
    OfficeAndType,
    /// All letters and licences of the office share one.
    Office,
    /// One over all: letters, licences, incoming and outgoing correspondence.
    All,
}

impl SeriesPolicy {
    /// The name of the series within its office: documents with the same name share their numbers.
    #[must_use]
    pub fn series(self, type_key: &str) -> String {
        match self {
            Self::OfficeAndType => format!("type:{type_key}"),
            Self::Office => "office".to_owned(),
            Self::All => "all".to_owned(),
        }
    }
}

/// A token of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, EnumIter)]
#[strum(serialize_all = "snake_case")]
pub enum Token {
    /// The number within the series and year.
    NomorSurat,
    /// The short code of the letter type.
    KodeSurat,
    /// The code of the village, without dots.
    KodeDesa,
    /// The code of the sub-district, without dots.
    KodeKecamatan,
    /// The code of the office that issues.
    KodeUnit,
    /// The classification of archives (Permendagri 83/2022).
    KodeKlasifikasi,
    /// The month in Roman numerals.
    BulanRomawi,
    /// The month with two digits.
    Bulan,
    /// The year with four digits.
    Tahun,
}

/// Why a text is no number format.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FormatError {
    /// A token that is not known.
    #[error("[{0}] is not a known token")]
    UnknownToken(String),
    /// A bracket that is not closed, or closes nothing.
    #[error("a bracket at character {0} has no partner")]
    Bracket(usize),
    /// Only the number takes a width, from 1 to 9.
    #[error("[{0}] takes no such width: only nomor_surat has one, from 1 to 9")]
    Width(String),
    /// A token that stands twice.
    #[error("[{0}] stands twice")]
    Twice(Token),
    /// Number or year touch a letter or digit, so that 1 and 11 could print alike.
    #[error("[{0}] needs a separator such as / on both sides")]
    Touching(Token),
    /// A token that every number needs is missing.
    #[error("[{0}] is missing")]
    Missing(Token),
    /// A character that must not stand in a number.
    #[error("{0:?} must not stand in a number")]
    Character(char),
    /// Longer than a number may be.
    #[error("a number format has at most {MAX_LENGTH} characters")]
    TooLong,
}

/// Characters of a format at most.
pub const MAX_LENGTH: usize = 120;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Token(Token, usize),
}

/// A format that was read and found sound: it holds the number and the year, each set apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Format(Vec<Part>);

/// What is put in the place of tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codes {
    /// Of the letter type.
    pub letter: String,
    /// Of the village, dotted or not; empty where none issues.
    pub village: String,
    /// Of the sub-district, dotted or not.
    pub sub_district: String,
    /// Of the office.
    pub unit: String,
    /// Of the classification.
    pub classification: String,
}

impl Format {
    /// The number `seq` of the year of `date`, which is the local date of the office.
    #[must_use]
    pub fn render(&self, seq: u32, date: NaiveDate, codes: &Codes) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Token(token, width) => match token {
                    Token::NomorSurat => out.push_str(&format!("{seq:0width$}", width = *width)),
                    Token::KodeSurat => out.push_str(&codes.letter),
                    Token::KodeDesa => out.push_str(&codes.village.replace('.', "")),
                    Token::KodeKecamatan => out.push_str(&codes.sub_district.replace('.', "")),
                    Token::KodeUnit => out.push_str(&codes.unit),
                    Token::KodeKlasifikasi => out.push_str(&codes.classification),
                    Token::BulanRomawi => out.push_str(roman_month(date.month())),
                    Token::Bulan => out.push_str(&format!("{:02}", date.month())),
                    Token::Tahun => out.push_str(&format!("{:04}", date.year())),
                },
            }
        }
        out
    }

    /// The tokens it holds.
    pub fn tokens(&self) -> impl Iterator<Item = Token> + '_ {
        self.0.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Token(token, _) => Some(*token),
        })
    }
}

/// The month in Roman numerals, as letters carry it.
#[must_use]
pub fn roman_month(month: u32) -> &'static str {
    const ROMAN: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];
    usize::try_from(month).ok().and_then(|month| ROMAN.get(month.wrapping_sub(1))).copied().unwrap_or("")
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        if text.chars().count() > MAX_LENGTH {
            return Err(FormatError::TooLong);
        }
        let parts = split(text)?;
        for (at, part) in parts.iter().enumerate() {
            let Part::Token(token, _) = part else { continue };
            if parts[..at].iter().any(|other| matches!(other, Part::Token(same, _) if same == token)) {
                return Err(FormatError::Twice(*token));
            }
            if matches!(token, Token::NomorSurat | Token::Tahun) {
                let before = at.checked_sub(1).map(|before| &parts[before]);
                let apart = is_separator(before, |text| text.chars().next_back())
                    && is_separator(parts.get(at + 1), |text| text.chars().next());
                if !apart {
                    return Err(FormatError::Touching(*token));
                }
            }
        }
        let format = Self(parts);
        for needed in [Token::NomorSurat, Token::Tahun] {
            if !format.tokens().any(|token| token == needed) {
                return Err(FormatError::Missing(needed));
            }
        }
        Ok(format)
    }
}

fn is_separator(part: Option<&Part>, edge: impl Fn(&str) -> Option<char>) -> bool {
    match part {
        None => true,
        Some(Part::Literal(text)) => edge(text).is_some_and(|it| !it.is_alphanumeric()),
        Some(Part::Token(..)) => false,
    }
}

fn split(text: &str) -> Result<Vec<Part>, FormatError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut open: Option<(usize, String)> = None;
    for (at, character) in text.chars().enumerate() {
        match (character, open.as_mut()) {
            ('[', None) => {
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                open = Some((at, String::new()));
            }
            ('[', Some(_)) | (']', None) => return Err(FormatError::Bracket(at)),
            (']', Some((_, name))) => {
                parts.push(token(name)?);
                open = None;
            }
            (other, Some((_, name))) => name.push(other),
            (other, None) => {
                if !(other.is_ascii_alphanumeric()
                    || matches!(other, '/' | '.' | '-' | ' ' | '_' | ':' | '(' | ')'))
                {
                    return Err(FormatError::Character(other));
                }
                literal.push(other);
            }
        }
    }
    if let Some((at, _)) = open {
        return Err(FormatError::Bracket(at));
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(parts)
}

fn token(name: &str) -> Result<Part, FormatError> {
    let (word, width) = match name.split_once(',') {
        None => (name.trim(), None),
        Some((word, width)) => (word.trim(), Some(width.trim())),
    };
    let token = word.parse::<Token>().map_err(|_| FormatError::UnknownToken(name.to_owned()))?;
    let width = match width {
        None => 0,
        Some(width) => match width.parse::<usize>() {
            Ok(width @ 1..=9) if token == Token::NomorSurat => width,
            Ok(_) | Err(_) => return Err(FormatError::Width(name.to_owned())),
        },
    };
    Ok(Part::Token(token, width))
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Literal(text) => f.write_str(text)?,
                Part::Token(token, 0) => write!(f, "[{token}]")?,
                Part::Token(token, width) => write!(f, "[{token}, {width}]")?,
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Format {
    type Error = FormatError;

    fn try_from(text: String) -> Result<Self, FormatError> {
        text.parse()
    }
}

impl From<Format> for String {
    fn from(format: Format) -> Self {
        format.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn codes() -> Codes {
        Codes {
            letter: "S-11".to_owned(),
            village: "35.10.01.2001".to_owned(),
            sub_district: "35.10.01".to_owned(),
            unit: "DS.RPG".to_owned(),
            classification: "400.12.3".to_owned(),
        }
    }

    #[test]
    fn the_format_that_villages_know_is_rendered_as_they_know_it() {
        let format: Format =
            "[kode_surat]/[nomor_surat, 3]/[kode_desa]/[bulan_romawi]/[tahun]".parse().unwrap();
        assert_eq!(format.render(7, day("2026-11-26"), &codes()), "S-11/007/3510012001/XI/2026");
        assert_eq!(format.render(1234, day("2027-01-01"), &codes()), "S-11/1234/3510012001/I/2027");
        let all: Format =
            "[kode_klasifikasi]/[nomor_surat]/[kode_unit].[kode_kecamatan]/[bulan]-[tahun]".parse().unwrap();
        assert_eq!(all.render(12, day("2026-02-03"), &codes()), "400.12.3/12/DS.RPG.351001/02-2026");
    }

    #[test]
    fn each_defect_names_its_token() {
        for (text, error) in [
            ("[nomor]/[tahun]", FormatError::UnknownToken("nomor".to_owned())),
            ("[nomor_surat/[tahun]", FormatError::Bracket(13)),
            ("nomor_surat]/[tahun]", FormatError::Bracket(11)),
            ("[nomor_surat]/[tahun", FormatError::Bracket(14)),
            ("[nomor_surat, 0]/[tahun]", FormatError::Width("nomor_surat, 0".to_owned())),
            ("[nomor_surat, 12]/[tahun]", FormatError::Width("nomor_surat, 12".to_owned())),
            ("[nomor_surat]/[tahun, 2]", FormatError::Width("tahun, 2".to_owned())),
            ("[nomor_surat]/[nomor_surat]/[tahun]", FormatError::Twice(Token::NomorSurat)),
            ("[kode_surat][nomor_surat]/[tahun]", FormatError::Touching(Token::NomorSurat)),
            ("[nomor_surat]A/[tahun]", FormatError::Touching(Token::NomorSurat)),
            ("[nomor_surat]/20[tahun]", FormatError::Touching(Token::Tahun)),
            ("470/[tahun]", FormatError::Missing(Token::NomorSurat)),
            ("470/[nomor_surat]", FormatError::Missing(Token::Tahun)),
            ("470/[nomor_surat]\u{202E}/[tahun]", FormatError::Character('\u{202E}')),
        ] {
            assert_eq!(text.parse::<Format>(), Err(error), "{text}");
        }
        assert_eq!("x".repeat(121).parse::<Format>(), Err(FormatError::TooLong));
    }

    #[test]
    fn series_are_shared_as_the_policy_says() {
        assert_ne!(SeriesPolicy::OfficeAndType.series("sktm"), SeriesPolicy::OfficeAndType.series("sku"));
        assert_eq!(SeriesPolicy::Office.series("sktm"), SeriesPolicy::Office.series("sku"));
        assert_ne!(SeriesPolicy::Office.series("sktm"), SeriesPolicy::All.series("sktm"));
    }

    prop_compose! {
        /// Any sound format: its tokens in any order, with separators between.
        fn any_format()(
            order in Just(vec!["[nomor_surat]", "[tahun]", "[kode_surat]", "[kode_unit]", "[bulan_romawi]", "[bulan]"]).prop_shuffle(),
            separators in prop::collection::vec(prop::sample::select(vec!["/", "-", ".", " / "]), 6),
            keep in prop::collection::vec(any::<bool>(), 6),
        ) -> Format {
            let mut text = String::new();
            for ((token, separator), keep) in order.into_iter().zip(separators).zip(keep) {
                if keep || matches!(token, "[nomor_surat]" | "[tahun]") {
                    text.push_str(token);
                    text.push_str(separator);
                }
            }
            text.parse().unwrap()
        }
    }

    proptest! {
        #[test]
        fn two_numbers_are_never_written_alike(
            format in any_format(),
            a in (1_u32..100_000, 2020_i32..2100, 1_u32..13),
            b in (1_u32..100_000, 2020_i32..2100, 1_u32..13),
        ) {
            let render = |(seq, year, month): (u32, i32, u32)| {
                format.render(seq, NaiveDate::from_ymd_opt(year, month, 1).unwrap(), &codes())
            };
            prop_assume!((a.0, a.1) != (b.0, b.1));
            prop_assert_ne!(render(a), render(b));
        }

        #[test]
        fn a_format_is_read_as_it_is_written(format in any_format()) {
            prop_assert_eq!(format.to_string().parse::<Format>(), Ok(format));
        }

        #[test]
        fn no_text_makes_it_fail(text in "[\\[\\]a-z_, 0-9/]{0,60}") {
            let _ = text.parse::<Format>();
        }
    }
}

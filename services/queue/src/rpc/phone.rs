//! Phone numbers: read once, to hold the limit per person of the day, and never kept.

use chrono::NaiveDate;
use hmac::{Hmac, KeyInit as _, Mac as _};
use mpp_kit::check::Checker;
use sha2::Sha256;

/// Reads a phone number as people write it and answers its digits with the country code; empty text is none.
pub(super) fn read(check: &mut Checker, field: &str, text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let number =
        digits(text).map(|digits| international(&digits)).filter(|number| (9..=15).contains(&number.len()));
    if number.is_none() {
        check.violation(
            field,
            "INVALID_PHONE",
            "isi dengan nomor telepon seperti 0812 3456 7890",
            "give a phone number such as +62 812 3456 7890",
        );
    }
    number
}

/// What is kept of a phone number for one day: nobody without the secret of that day of that hall can find the number from
/// it. There are so few numbers that whoever has the secret can try them all; therefore it is destroyed when the date is
/// over, and what stands in the log says nothing from then on.
pub(super) fn digest(day_secret: &[u8], date: NaiveDate, number: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(day_secret).expect("HMAC takes keys of any length");
    mac.update(format!("phone|{date}|{number}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// The digits, if there is nothing else than what people put between them.
fn digits(text: &str) -> Option<String> {
    let rest = text.strip_prefix('+').unwrap_or(text);
    rest.chars()
        .all(|letter| letter.is_ascii_digit() || " -.()".contains(letter))
        .then(|| rest.chars().filter(char::is_ascii_digit).collect())
}

fn international(digits: &str) -> String {
    if let Some(abroad) = digits.strip_prefix("00") {
        return abroad.to_owned();
    }
    match digits.strip_prefix("62").or_else(|| digits.strip_prefix('0')) {
        // Some write the zero although the country code stands before it: +62 (0)812 …
        Some(national) => format!("62{}", national.trim_start_matches('0')),
        None => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_number_is_the_same_number() {
        for text in [
            "081234567890",
            "+6281234567890",
            "62 812-3456-7890",
            "+62 (0)812 3456 7890",
            " 0812.3456.7890 ",
            "006281234567890",
        ] {
            let mut check = Checker::new();
            assert_eq!(read(&mut check, "phone", text).as_deref(), Some("6281234567890"), "{text}");
        }
        let mut check = Checker::new();
        assert_eq!(
            read(&mut check, "phone", "+65 9123 4567").as_deref(),
            Some("6591234567"),
            "a foreign number stays"
        );
        assert_eq!(read(&mut check, "phone", "  "), None);
        assert!(check.is_clean());
    }

    #[test]
    fn what_is_no_number_is_a_violation() {
        for text in ["0812", "08123456789012345", "budi@example.id", "0812x3456789", "++62812345678"] {
            let mut check = Checker::new();
            assert_eq!(read(&mut check, "phone", text), None, "{text}");
            assert_eq!(check.finish().unwrap_err().violations[0].field, "phone");
        }
    }

    #[test]
    fn a_digest_depends_on_secret_day_and_number_and_shows_nothing() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
        let one = digest(&[7; 32], day, "6281234567890");
        assert_eq!(one.len(), 64);
        assert_eq!(one, digest(&[7; 32], day, "6281234567890"));
        for other in [
            digest(&[8; 32], day, "6281234567890"),
            digest(&[7; 32], day.succ_opt().unwrap(), "6281234567890"),
            digest(&[7; 32], day, "6281234567891"),
        ] {
            assert_ne!(one, other);
        }
        assert!(!one.contains("6281234"));
    }
}

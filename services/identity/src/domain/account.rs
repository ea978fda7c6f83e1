//! Staff accounts and the rules of their names.

use chrono::{DateTime, Utc};
use mpp_kit::check::Checker;

use super::{AccountId, grant::Grant};

/// The longest display name, in characters.
pub const MAX_DISPLAY_NAME: usize = 120;

/// A staff account, without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The name typed at sign-in.
    pub username: String,
    /// The name colleagues know the person by.
    pub display_name: String,
    /// When it was disabled; `None` while it may sign in.
    pub disabled_at: Option<DateTime<Utc>>,
    /// What it may do, and where.
    pub grants: Vec<Grant>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// The form in which a typed username is compared: without surrounding blanks and in lower case, because tablets like
/// to begin with a capital.
#[must_use]
pub fn normalise_username(typed: &str) -> String {
    typed.trim().to_lowercase()
}

/// Notes what is wrong with a new username. A NIK (16 digits, also with separators) is refused: it is personal data and
/// would end in journals and screens.
pub fn check_username(field: &str, username: &str, checker: &mut Checker) {
    if !(3..=64).contains(&username.chars().count()) {
        checker.violation(
            field,
            "INVALID_LENGTH",
            "isi dengan 3 sampai 64 karakter",
            "give 3 to 64 characters",
        );
    }
    if username.chars().any(|c| !matches!(c, 'a'..='z' | '0'..='9' | '.' | '-' | '_')) {
        checker.violation(
            field,
            "INVALID_CHARACTER",
            "gunakan hanya huruf kecil, angka, titik, tanda hubung, dan garis bawah",
            "use only lower-case letters, digits, \".\", \"-\" and \"_\"",
        );
    }
    let digits = username.chars().filter(char::is_ascii_digit).count();
    if digits == 16 && !username.chars().any(char::is_alphabetic) {
        checker.violation(
            field,
            "LOOKS_LIKE_NIK",
            "jangan gunakan NIK sebagai nama pengguna",
            "do not use a national identity number as a username",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(username: &str) -> Vec<&'static str> {
        let mut checker = Checker::new();
        check_username("username", username, &mut checker);
        checker
            .finish()
            .err()
            .map_or_else(Vec::new, |problem| problem.violations.iter().map(|v| v.reason).collect())
    }

    #[test]
    fn usernames_are_as_the_contract_says_and_never_a_nik() {
        for good in [
            "ani",
            "ani.wijaya",
            "loket-3_dukcapil",
            "199001012015031001",
            "3201010101900001a",
            &"a".repeat(64),
        ] {
            assert_eq!(reasons(good), [""; 0], "{good}");
        }
        for (bad, reason) in [
            ("an", "INVALID_LENGTH"),
            (&*"a".repeat(65), "INVALID_LENGTH"),
            ("Ani", "INVALID_CHARACTER"),
            ("ani wijaya", "INVALID_CHARACTER"),
            ("ani@x", "INVALID_CHARACTER"),
            ("anï", "INVALID_CHARACTER"),
            ("3201010101900001", "LOOKS_LIKE_NIK"),
            ("320101.010190.0001", "LOOKS_LIKE_NIK"),
        ] {
            assert_eq!(reasons(bad), [reason], "{bad}");
        }
    }

    #[test]
    fn a_typed_username_is_compared_without_case_and_blanks() {
        assert_eq!(normalise_username("  Ani.Wijaya "), "ani.wijaya");
    }
}

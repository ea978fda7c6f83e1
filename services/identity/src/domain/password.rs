//! What a new password must be. Length counts, composition does not (ASVS 6.2).

use mpp_kit::check::Checker;

/// Shortest and longest password, in characters.
pub const LENGTH: std::ops::RangeInclusive<usize> = 12..=128;

/// The passwords people choose first when twelve characters are asked for, in lower case, one a line.
const COMMON: &str = include_str!("common_passwords.txt");

/// Notes what is wrong with a new password for this username.
pub fn check_password(field: &str, password: &str, username: &str, checker: &mut Checker) {
    if !LENGTH.contains(&password.chars().count()) {
        checker.violation(
            field,
            "INVALID_LENGTH",
            "isi dengan 12 sampai 128 karakter",
            "give 12 to 128 characters",
        );
    }
    let lower = password.to_lowercase();
    if !username.is_empty() && lower.contains(&username.to_lowercase()) {
        checker.violation(
            field,
            "CONTAINS_USERNAME",
            "jangan memakai nama pengguna di dalam kata sandi",
            "do not use the username within the password",
        );
    }
    if is_common(&lower) {
        checker.violation(
            field,
            "TOO_COMMON",
            "kata sandi ini terlalu sering dipakai orang; pilih yang lain",
            "this password is among the most used; choose another",
        );
    }
}

/// Whether a password in lower case is on the list, or is one character over and over.
fn is_common(lower: &str) -> bool {
    let mut chars = lower.chars();
    let first = chars.next();
    chars.all(|c| Some(c) == first) || COMMON.lines().any(|line| line == lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(password: &str) -> Vec<&'static str> {
        let mut checker = Checker::new();
        check_password("password", password, "ani.wijaya", &mut checker);
        checker
            .finish()
            .err()
            .map_or_else(Vec::new, |problem| problem.violations.iter().map(|v| v.reason).collect())
    }

    #[test]
    fn short_long_common_and_self_naming_passwords_are_refused() {
        assert_eq!(reasons("kopi susu di meja tiga"), [""; 0]);
        assert_eq!(reasons(&"ab".repeat(64)), [""; 0]);
        for (bad, reason) in [
            ("elevenchars", "INVALID_LENGTH"),
            (&*"ab".repeat(65), "INVALID_LENGTH"),
            ("x-ANI.Wijaya-2026", "CONTAINS_USERNAME"),
            ("123456789012", "TOO_COMMON"),
            ("Indonesia123", "TOO_COMMON"),
            ("aaaaaaaaaaaaaa", "TOO_COMMON"),
        ] {
            assert_eq!(reasons(bad), [reason], "{bad}");
        }
    }

    #[test]
    fn the_list_holds_a_hundred_distinct_passwords_that_length_alone_would_let_through() {
        let lines: std::collections::BTreeSet<&str> = COMMON.lines().collect();
        assert_eq!(lines.len(), COMMON.lines().count(), "one stands twice");
        assert!(lines.len() >= 100, "{}", lines.len());
        for line in lines {
            assert!(LENGTH.contains(&line.chars().count()), "{line}");
            assert_eq!(line, line.to_lowercase().trim());
        }
    }
}

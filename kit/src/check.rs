//! Checking input: every violation is collected and answered at once, so that a form is corrected in one go.

use std::str::FromStr;

use crate::fault::{Problem, Text, Violation};

/// Collects what is wrong with a request.
#[derive(Debug, Default)]
pub struct Checker {
    violations: Vec<Violation>,
}

impl Checker {
    /// A checker that has found nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that `field` is wrong: why as a reason code, and the remedy in Indonesian and English.
    pub fn violation(
        &mut self,
        field: impl Into<String>,
        reason: &'static str,
        id: impl Into<String>,
        en: impl Into<String>,
    ) {
        self.violations.push(Violation { field: field.into(), reason, text: Text::new(id, en) });
    }

    /// Notes that `field` holds a value that is none of those there are.
    pub fn unknown_value(&mut self, field: &str) {
        self.violation(
            field,
            "UNKNOWN_VALUE",
            "pilih salah satu nilai yang ada",
            "give one of the known values",
        );
    }

    /// Parses a required id. `None` means that a violation was noted.
    pub fn id<T: FromStr<Err = crate::id::IdError>>(&mut self, field: &str, text: &str) -> Option<T> {
        match text.parse() {
            Ok(id) => Some(id),
            Err(error) => {
                let error: crate::id::IdError = error;
                let example = format!("{}_01h455vb4pex5vsknk084sn02q", error.prefix);
                self.violation(
                    field,
                    "INVALID_ID",
                    format!("isi dengan id seperti {example}"),
                    format!("give an id such as {example}"),
                );
                None
            }
        }
    }

    /// Parses an optional id: empty text is `None` without a violation.
    pub fn optional_id<T: FromStr<Err = crate::id::IdError>>(
        &mut self,
        field: &str,
        text: &str,
    ) -> Option<T> {
        if text.is_empty() { None } else { self.id(field, text) }
    }

    /// Requires a trimmed text of `min` to `max` characters without control characters, and answers it trimmed.
    pub fn text(&mut self, field: &str, text: &str, min: usize, max: usize) -> String {
        let text = text.trim();
        let length = text.chars().count();
        if length < min || length > max {
            self.violation(
                field,
                "INVALID_LENGTH",
                format!("isi dengan {min} sampai {max} karakter"),
                format!("give {min} to {max} characters"),
            );
        } else if text.chars().any(char::is_control) {
            self.violation(field, "INVALID_CHARACTER", "hapus karakter kendali", "remove control characters");
        }
        text.to_owned()
    }

    /// Requires a number between `min` and `max`, both inclusive.
    pub fn range(&mut self, field: &str, value: i32, min: i32, max: i32) -> i32 {
        if value < min || value > max {
            self.violation(
                field,
                "OUT_OF_RANGE",
                format!("isi dengan angka {min} sampai {max}"),
                format!("give a number from {min} to {max}"),
            );
        }
        value
    }

    /// Whether nothing was found so far.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// Ends the check.
    ///
    /// # Errors
    /// An `INVALID_ARGUMENT` problem with every violation, if there is one.
    pub fn finish(self) -> Result<(), Problem> {
        if self.violations.is_empty() { Ok(()) } else { Err(Problem::invalid(self.violations)) }
    }
}

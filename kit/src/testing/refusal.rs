//! A refusal as a test compares it.

use std::collections::BTreeMap;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// A refusal as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The gRPC code.
    pub code: Code,
    /// The reason for programs, such as `TOO_SHORT`.
    pub reason: String,
    /// In the language of the caller.
    pub message: String,
    /// The fields that are wrong, each with its reason.
    pub fields: BTreeMap<String, String>,
    /// What is said of each field.
    pub remedies: Vec<String>,
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
        Self {
            code: status.code(),
            reason: details.error_info().map(|info| info.reason.clone()).unwrap_or_default(),
            message: details
                .localized_message()
                .map_or_else(|| status.message().to_owned(), |text| text.message.clone()),
            remedies: violations.iter().map(|it| it.description.clone()).collect(),
            fields: violations.into_iter().map(|it| (it.field, it.reason)).collect(),
        }
    }
}

impl Refusal {
    /// Code and reason, for comparing.
    #[must_use]
    pub fn what(&self) -> (Code, &str) {
        (self.code, self.reason.as_str())
    }

    /// The fields that are wrong, each with its reason.
    #[must_use]
    pub fn named(&self) -> Vec<(&str, &str)> {
        self.fields.iter().map(|(field, reason)| (field.as_str(), reason.as_str())).collect()
    }
}

//! What went wrong, said twice: once for the person who calls, in their language, and once for those who run the
//! service. The two never mix: nothing of [`Problem::source`] reaches a client.
//!
//! A service has one error enum whose variants are situations, and one exhaustive match from it to [`Problem`] (the
//! [`Fault`] trait). A handler ends with [`Problem::into_status`]; the gateway turns the same details into problem+json.

use std::collections::{BTreeMap, HashMap};
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, LocalizedMessage, StatusExt};

/// The `domain` of every `google.rpc.ErrorInfo` of the suite.
pub const DOMAIN: &str = "mpp";

/// The languages of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, strum::Display)]
pub enum Language {
    /// Indonesian, the default.
    #[default]
    #[strum(to_string = "id")]
    Id,
    /// English.
    #[strum(to_string = "en")]
    En,
}

impl Language {
    /// The better liked of the two languages in an `Accept-Language` value (RFC 9110 §12.5.4), Indonesian if neither is
    /// named.
    #[must_use]
    pub fn from_accept_language(value: &str) -> Self {
        let mut best = (Self::Id, 0.0_f32);
        for part in value.split(',') {
            let mut pieces = part.split(';');
            let tag = pieces.next().unwrap_or_default().trim();
            let language = match tag.split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
                // "in" is what old Java clients still say for Indonesian.
                "id" | "in" | "*" => Self::Id,
                "en" => Self::En,
                _ => continue,
            };
            let quality = pieces
                .find_map(|piece| piece.trim().strip_prefix("q="))
                .map_or(1.0, |quality| quality.trim().parse::<f32>().unwrap_or(0.0));
            if quality > best.1 {
                best = (language, quality);
            }
        }
        best.0
    }

    /// The BCP 47 tag used in answers.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Id => "id-ID",
            Self::En => "en",
        }
    }
}

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// In Indonesian.
    pub id: String,
    /// In English.
    pub en: String,
}

impl Text {
    /// A sentence from its two versions.
    #[must_use]
    pub fn new(id: impl Into<String>, en: impl Into<String>) -> Self {
        Self { id: id.into(), en: en.into() }
    }

    /// The version in `language`.
    #[must_use]
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Id => &self.id,
            Language::En => &self.en,
        }
    }
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field in the request message, in proto names (`agencies[2].opening`).
    pub field: String,
    /// Why, in `UPPER_SNAKE_CASE`.
    pub reason: &'static str,
    /// The remedy, in words.
    pub text: Text,
}

/// An answer that refuses. Everything in it may be shown to the caller, except [`Problem::source`].
#[derive(Debug)]
pub struct Problem {
    /// The gRPC status code, from which the HTTP status follows.
    pub code: Code,
    /// Why, in `UPPER_SNAKE_CASE`, at most 63 characters: the part of the contract that programs match on.
    pub reason: &'static str,
    /// What happened and what helps, for people.
    pub text: Text,
    /// More for programs: the state a thing is in, the verbs it permits, the limit that was reached. No personal data.
    pub metadata: BTreeMap<String, String>,
    /// The fields that are wrong.
    pub violations: Vec<Violation>,
    /// After which time a retry makes sense.
    pub retry_after: Option<Duration>,
    /// What really failed, for the log of this service. Never shown to a caller.
    pub source: Option<anyhow::Error>,
}

impl Problem {
    /// A problem without details. `id` and `en` are the message in both languages.
    #[must_use]
    pub fn new(code: Code, reason: &'static str, id: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            text: Text::new(id, en),
            metadata: BTreeMap::new(),
            violations: Vec::new(),
            retry_after: None,
            source: None,
        }
    }

    /// Adds a metadata entry. Keys are lowerCamelCase.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// Says when a retry makes sense.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Keeps what really failed, for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<anyhow::Error>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// `INVALID_ARGUMENT` with every field that is wrong.
    #[must_use]
    pub fn invalid(violations: Vec<Violation>) -> Self {
        Self {
            violations,
            ..Self::new(
                Code::InvalidArgument,
                "INVALID_REQUEST",
                "Periksa kembali isian yang ditandai.",
                "Some fields are not valid; correct those listed.",
            )
        }
    }

    /// `NOT_FOUND`, also for what exists but is not the caller's to see. `what` names the kind of thing.
    #[must_use]
    pub fn not_found(what_id: &str, what_en: &str) -> Self {
        Self::new(
            Code::NotFound,
            "NOT_FOUND",
            format!("{} tidak ditemukan.", capitalized(what_id)),
            format!("{} not found.", capitalized(what_en)),
        )
    }

    /// `PERMISSION_DENIED`: the caller may see the thing but not do this to it.
    #[must_use]
    pub fn denied() -> Self {
        Self::new(
            Code::PermissionDenied,
            "PERMISSION_DENIED",
            "Anda tidak berwenang melakukan ini.",
            "You are not permitted to do this.",
        )
    }

    /// `UNAUTHENTICATED` with reason `TOKEN_MISSING`: the caller has to sign in.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated, "TOKEN_MISSING", "Silakan masuk terlebih dahulu.", "Sign in first.")
    }

    /// `INTERNAL`: a fault of ours. The source goes to the log, the caller gets a sentence that says nothing about it.
    #[must_use]
    pub fn internal(source: impl Into<anyhow::Error>) -> Self {
        Self::new(
            Code::Internal,
            "INTERNAL",
            "Terjadi kesalahan pada sistem. Silakan coba lagi.",
            "The system failed. Please try again.",
        )
        .caused_by(source)
    }

    /// `UNAVAILABLE`: something we depend on does not answer; the caller may try again after `retry_after`.
    #[must_use]
    pub fn unavailable(source: impl Into<anyhow::Error>, retry_after: Duration) -> Self {
        Self::new(
            Code::Unavailable,
            "UNAVAILABLE",
            "Layanan sedang tidak tersedia. Silakan coba beberapa saat lagi.",
            "The service is not available at the moment. Please try again shortly.",
        )
        .retry_after(retry_after)
        .caused_by(source)
    }

    /// `FAILED_PRECONDITION`: the state of a thing does not permit this.
    #[must_use]
    pub fn precondition(reason: &'static str, id: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Code::FailedPrecondition, reason, id, en)
    }

    /// The status to answer with: `ErrorInfo` and `LocalizedMessage` always; `BadRequest`, `PreconditionFailure` and
    /// `RetryInfo` where they apply. The source travels in the status so that the outermost layer logs it once; it is
    /// not part of what goes over the wire.
    #[must_use]
    pub fn into_status(self, language: Language) -> Status {
        let message = self.text.in_language(language).to_owned();
        let mut details = ErrorDetails::new();
        if self.code == Code::FailedPrecondition {
            let subject = self.metadata.get("subject").cloned().unwrap_or_default();
            details.add_precondition_failure_violation(self.reason, subject, &message);
        }
        if !self.violations.is_empty() {
            let violations: Vec<FieldViolation> = self
                .violations
                .into_iter()
                .map(|violation| FieldViolation {
                    reason: violation.reason.to_owned(),
                    localized_message: Some(LocalizedMessage {
                        locale: language.tag().to_owned(),
                        message: violation.text.in_language(language).to_owned(),
                    }),
                    description: violation.text.in_language(language).to_owned(),
                    field: violation.field,
                })
                .collect();
            details.set_bad_request(violations);
        }
        if let Some(delay) = self.retry_after {
            details.set_retry_info(Some(delay));
        }
        details.set_error_info(self.reason, DOMAIN, self.metadata.into_iter().collect::<HashMap<_, _>>());
        details.set_localized_message(language.tag(), message);
        let mut status = Status::with_error_details(self.code, self.text.en, details);
        if let Some(source) = self.source {
            let source: Box<dyn StdError + Send + Sync> = source.into();
            status.set_source(Arc::from(source));
        }
        status
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.text.en)
    }
}

impl StdError for Problem {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source: Option<&(dyn StdError + 'static)> = match &self.source {
            Some(source) => Some(&**source),
            None => None,
        };
        source
    }
}

/// An error of a service that knows what to tell its caller. One exhaustive match per service.
pub trait Fault: StdError {
    /// What to tell the caller.
    fn problem(self) -> Problem;
}

impl<F: Fault> From<F> for Problem {
    fn from(fault: F) -> Self {
        fault.problem()
    }
}

/// Database errors that a service did not expect: `UNAVAILABLE` when the database does not answer, `INVALID_ARGUMENT` when
/// it cannot keep a text that the caller gave, else `INTERNAL`.
impl Fault for sea_orm::DbErr {
    fn problem(self) -> Problem {
        if crate::db::is_unavailable(&self) {
            Problem::unavailable(self, Duration::from_secs(1))
        } else if crate::db::is_unkeepable_text(&self) {
            Problem::invalid(vec![Violation {
                field: String::new(),
                reason: "INVALID_CHARACTER",
                text: Text::new(
                    "hapus karakter yang tidak dapat disimpan",
                    "remove characters that cannot be kept",
                ),
            }])
        } else {
            Problem::internal(self)
        }
    }
}

/// Redis errors that a service did not expect: `UNAVAILABLE` when Redis does not answer, else `INTERNAL`.
impl Fault for ::redis::RedisError {
    fn problem(self) -> Problem {
        if self.is_io_error()
            || self.is_timeout()
            || self.is_connection_dropped()
            || self.is_connection_refusal()
        {
            Problem::unavailable(self, Duration::from_secs(1))
        } else {
            Problem::internal(self)
        }
    }
}

/// The chain of causes in one line, for a log.
#[must_use]
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut out = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        // Wrappers often repeat their cause; once is enough.
        if !out.ends_with(&text) {
            out.push_str(": ");
            out.push_str(&text);
        }
        cause = next.source();
    }
    out
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_the_language_by_quality_and_indonesian_by_default() {
        for (header, language) in [
            ("", Language::Id),
            ("fr, de;q=0.5", Language::Id),
            ("en-GB,en;q=0.9", Language::En),
            ("id-ID,id;q=0.9,en-US;q=0.8", Language::Id),
            ("id;q=0.3, en;q=0.7", Language::En),
            ("en;q=0", Language::Id),
            ("en;q=rubbish, id;q=0.1", Language::Id),
        ] {
            assert_eq!(Language::from_accept_language(header), language, "{header}");
        }
    }

    #[test]
    fn a_status_carries_all_details_in_the_language_of_the_caller() {
        let problem = Problem::invalid(vec![Violation {
            field: "name".into(),
            reason: "INVALID_LENGTH",
            text: Text::new("isi nama", "give a name"),
        }])
        .with("limit", 3)
        .retry_after(Duration::from_secs(2));
        let status = problem.into_status(Language::En);
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("INVALID_REQUEST", "mpp"));
        assert_eq!(info.metadata["limit"], "3");
        let violation = &details.bad_request().unwrap().field_violations[0];
        assert_eq!((violation.field.as_str(), violation.reason.as_str()), ("name", "INVALID_LENGTH"));
        assert_eq!(violation.description, "give a name");
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_secs(2)));
        assert_eq!(details.localized_message().unwrap().locale, "en");
        let id = Problem::not_found("tiket", "ticket").into_status(Language::Id);
        assert_eq!(id.get_details_localized_message().unwrap().message, "Tiket tidak ditemukan.");
        assert_eq!(id.message(), "Ticket not found.");
    }

    #[test]
    fn nothing_of_the_source_reaches_the_client() {
        let status = Problem::internal(anyhow::anyhow!("secret table missing").context("while saving"))
            .into_status(Language::En);
        let source = StdError::source(&status).map(chain).unwrap();
        assert_eq!(source, "while saving: secret table missing");
        let response = status.into_http::<()>();
        for (name, value) in response.headers() {
            assert!(!format!("{name}: {value:?}").contains("secret"), "{name}");
        }
    }

    #[test]
    fn a_precondition_names_its_reason_and_subject() {
        let status = Problem::precondition("COUNTER_BUSY", "Loket masih melayani.", "The counter is busy.")
            .with("subject", "ctr_1")
            .into_status(Language::En);
        let failure = status.get_details_precondition_failure().unwrap();
        assert_eq!(failure.violations[0].r#type, "COUNTER_BUSY");
        assert_eq!(failure.violations[0].subject, "ctr_1");
    }
}

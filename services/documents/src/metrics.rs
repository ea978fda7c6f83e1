//! What an operator watches: how many letters come in, are signed, or fail to be.

use opentelemetry::metrics::Counter;
use opentelemetry::{KeyValue, global};

/// The instruments of documents.
pub(crate) struct Metrics {
    submitted: Counter<u64>,
    signatures: Counter<u64>,
    late: Counter<u64>,
}

impl Metrics {
    /// The instruments, on the meter of this process.
    pub(crate) fn new() -> Self {
        let meter = global::meter("mpp-documents");
        let counter = |name: &'static str, description: &'static str| {
            meter.u64_counter(name).with_description(description).build()
        };
        Self {
            submitted: counter("mpp.documents.submitted", "Applications submitted, by letter type"),
            signatures: counter("mpp.documents.signatures", "Signatures, by outcome"),
            late: counter("mpp.documents.late", "Steps that became late"),
        }
    }

    /// Counts a submission.
    pub(crate) fn submitted(&self, letter_type: &str) {
        self.submitted.add(1, &[KeyValue::new("letter_type", letter_type.to_owned())]);
    }

    /// Counts a signature.
    pub(crate) fn signed(&self) {
        self.signatures.add(1, &[KeyValue::new("outcome", "SIGNED")]);
    }

    /// Counts a signature that was not made, by its reason.
    pub(crate) fn not_signed(&self, reason: &'static str) {
        self.signatures.add(1, &[KeyValue::new("outcome", reason)]);
    }

    /// Counts a step that became late.
    pub(crate) fn late(&self) {
        self.late.add(1, &[]);
    }
}

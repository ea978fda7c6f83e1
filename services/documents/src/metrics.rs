//! What an operator watches: how many letters come in, are signed, or fail to be.

use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram};
use opentelemetry::{KeyValue, global};

/// The instruments of documents. Clones are one and the same.
#[derive(Clone)]
pub(crate) struct Metrics {
    submitted: Counter<u64>,
    signatures: Counter<u64>,
    late: Counter<u64>,
    messages: Counter<u64>,
    deliveries: Counter<u64>,
    delivery_seconds: Histogram<f64>,
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
            messages: counter("mpp.documents.messages", "Messages to people, by outcome"),
            deliveries: counter(
                "mpp.documents.webhook.attempts",
                "Attempts to deliver a message, by outcome",
            ),
            delivery_seconds: meter
                .f64_histogram("mpp.documents.webhook.duration")
                .with_unit("s")
                .with_description("How long receivers take to answer")
                .build(),
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

    /// Counts a signature that was made by hand.
    pub(crate) fn signed_by_hand(&self) {
        self.signatures.add(1, &[KeyValue::new("outcome", "SIGNED_BY_HAND")]);
    }

    /// Counts a signature that was not made, by its reason.
    pub(crate) fn not_signed(&self, reason: &'static str) {
        self.signatures.add(1, &[KeyValue::new("outcome", reason)]);
    }

    /// Counts an attempt to deliver a message, by its outcome, and how long it took.
    pub(crate) fn delivered(&self, outcome: &'static str, took: Duration) {
        self.deliveries.add(1, &[KeyValue::new("outcome", outcome)]);
        self.delivery_seconds.record(took.as_secs_f64(), &[]);
    }

    /// Counts a message that is not sent, because its receiver may not know of it any more.
    pub(crate) fn withheld(&self) {
        self.deliveries.add(1, &[KeyValue::new("outcome", "WITHHELD")]);
    }

    /// Counts a message to an applicant or an official, by what became of it here.
    pub(crate) fn told(&self, outcome: &'static str) {
        self.messages.add(1, &[KeyValue::new("outcome", outcome)]);
    }

    /// Counts a step that became late.
    pub(crate) fn late(&self) {
        self.late.add(1, &[]);
    }
}

//! What an operator watches: how many reports come in, are late, and whether messages go out.

use opentelemetry::metrics::Counter;
use opentelemetry::{KeyValue, global};

/// The instruments of complaints.
pub(crate) struct Metrics {
    filed: Counter<u64>,
    late: Counter<u64>,
    messages: Counter<u64>,
}

impl Metrics {
    /// The instruments, on the meter of this process.
    pub(crate) fn new() -> Self {
        let meter = global::meter("mpp-complaints");
        let counter = |name: &'static str, description: &'static str| {
            meter.u64_counter(name).with_description(description).build()
        };
        Self {
            filed: counter("mpp.complaints.filed", "Reports filed, by channel"),
            late: counter("mpp.complaints.late", "Clocks that became late, by kind"),
            messages: counter("mpp.complaints.messages", "Messages handed to notifications, by outcome"),
        }
    }

    /// Counts a report.
    pub(crate) fn filed(&self, channel: &'static str) {
        self.filed.add(1, &[KeyValue::new("channel", channel)]);
    }

    /// Counts a clock that became late.
    pub(crate) fn late(&self, clock: &'static str) {
        self.late.add(1, &[KeyValue::new("clock", clock)]);
    }

    /// Counts a message.
    pub(crate) fn message(&self, outcome: &'static str) {
        self.messages.add(1, &[KeyValue::new("outcome", outcome)]);
    }
}

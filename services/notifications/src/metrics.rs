//! What an operator watches: how attempts end, which circuits open, what Meta does with templates. Never an address, a name or a text.

use opentelemetry::metrics::Counter;
use opentelemetry::{KeyValue, global};

use crate::domain::channel::Channel;
use crate::domain::status::Status;
use crate::domain::variant::VariantVerb;

/// The instruments of notifications.
pub(crate) struct Metrics {
    attempts: Counter<u64>,
    statuses: Counter<u64>,
    opened: Counter<u64>,
    callbacks: Counter<u64>,
    templates: Counter<u64>,
}

impl Metrics {
    /// The instruments, on the meter of this process.
    pub(crate) fn new() -> Self {
        let meter = global::meter("mpp-notifications");
        let counter = |name: &'static str, description: &'static str| {
            meter.u64_counter(name).with_description(description).build()
        };
        Self {
            attempts: counter("mpp.notifications.attempts", "Attempts to send, by channel and outcome"),
            statuses: counter("mpp.notifications.statuses", "Statuses that steps reached, by channel"),
            opened: counter("mpp.notifications.circuits", "Circuits of channel accounts that opened"),
            callbacks: counter("mpp.notifications.callbacks", "Attempts to call back, by outcome"),
            templates: counter("mpp.notifications.templates", "What Meta did with templates, by verb"),
        }
    }

    /// Counts an attempt.
    pub(crate) fn attempted(&self, channel: Channel, outcome: &'static str) {
        let channel = KeyValue::new("channel", channel.to_string());
        self.attempts.add(1, &[channel, KeyValue::new("outcome", outcome)]);
    }

    /// Counts a status.
    pub(crate) fn reached(&self, channel: Channel, status: Status) {
        let channel = KeyValue::new("channel", channel.to_string());
        self.statuses.add(1, &[channel, KeyValue::new("status", status.to_string())]);
    }

    /// Counts an attempt to tell another system what became of its message.
    pub(crate) fn called_back(&self, outcome: &'static str) {
        self.callbacks.add(1, &[KeyValue::new("outcome", outcome)]);
    }

    /// Counts a verdict of Meta on a template.
    pub(crate) fn judged(&self, verb: VariantVerb) {
        self.templates.add(1, &[KeyValue::new("verb", verb.to_string())]);
    }

    /// Counts a circuit that opened.
    pub(crate) fn opened(&self, queue: &str) {
        self.opened.add(1, &[KeyValue::new("queue", queue.to_owned())]);
    }
}

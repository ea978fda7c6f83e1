//! What an operator watches: how many sign-ins open, fail, or meet a lock.

use opentelemetry::{KeyValue, global, metrics::Counter};

/// How an attempt to sign in ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Outcome {
    /// A session began.
    Opened,
    /// The credentials opened nothing.
    Refused,
    /// The name was locked, so the credentials were not looked at.
    Locked,
}

/// The instruments of identity.
pub(crate) struct Metrics {
    sign_ins: Counter<u64>,
}

impl Metrics {
    /// The instruments, on the meter of this process.
    pub(crate) fn new() -> Self {
        let meter = global::meter("mpp-identity");
        let sign_ins = meter
            .u64_counter("mpp.identity.sign_ins")
            .with_description("Attempts to sign in, by kind of principal and outcome")
            .build();
        Self { sign_ins }
    }

    /// Counts an attempt; `kind` is `staff` or `device`.
    pub(crate) fn sign_in(&self, kind: &'static str, outcome: Outcome) {
        let outcome: &'static str = outcome.into();
        self.sign_ins.add(1, &[KeyValue::new("kind", kind), KeyValue::new("outcome", outcome)]);
    }
}

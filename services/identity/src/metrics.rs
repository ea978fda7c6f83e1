//! What an operator watches: how many sign-ins open, fail, or meet a lock.

use chrono::{DateTime, Utc};
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge},
};

use crate::domain::device::Device;

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

/// How long each enrolled device has been silent: a kiosk or board that is off shows here before somebody complains.
pub(crate) struct DeviceWatch {
    silent: Gauge<u64>,
}

impl DeviceWatch {
    /// The instrument, on the meter of this process.
    pub(crate) fn new() -> Self {
        let silent = global::meter("mpp-identity")
            .u64_gauge("mpp.identity.device.last_seen")
            .with_unit("s")
            .with_description(
                "Seconds since a device was last seen, by device and kind; revoked ones are left out",
            )
            .build();
        Self { silent }
    }

    /// Records the devices as they are at `now`.
    pub(crate) fn record(&self, devices: &[Device], now: DateTime<Utc>) {
        for device in devices.iter().filter(|device| device.revoked_at.is_none()) {
            let Some(seen) = device.last_seen_at else { continue };
            let seconds = u64::try_from((now - seen).num_seconds()).unwrap_or(0);
            let attributes = [
                KeyValue::new("device", device.id.to_string()),
                KeyValue::new("kind", device.kind.to_string()),
            ];
            self.silent.record(seconds, &attributes);
        }
    }
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

//! What is measured of every call. The metrics are those of OpenTelemetry's conventions for RPC servers.

use std::sync::Arc;
use std::time::Instant;

use opentelemetry::{KeyValue, metrics};
use tonic::Code;

use super::code_name;

pub(super) struct Meters {
    duration: metrics::Histogram<f64>,
    active: metrics::UpDownCounter<i64>,
    streams: metrics::UpDownCounter<i64>,
}

impl Meters {
    pub(super) fn new() -> Self {
        let meter = opentelemetry::global::meter("mpp");
        Self {
            // Rate and errors are the count of this histogram by status.
            duration: meter
                .f64_histogram("rpc.server.call.duration")
                .with_unit("s")
                .with_description("Time until a call was answered, or its stream began")
                .build(),
            active: meter
                .i64_up_down_counter("rpc.server.active_calls")
                .with_unit("{call}")
                .with_description("Calls being worked on")
                .build(),
            streams: meter
                .i64_up_down_counter("rpc.server.open_streams")
                .with_unit("{stream}")
                .with_description("Streams that have begun and not ended")
                .build(),
        }
    }

    pub(super) fn begin(&self, method: Arc<str>) -> Measured {
        let method = KeyValue::new("rpc.method", method);
        self.active.add(1, std::slice::from_ref(&method));
        Measured {
            active: self.active.clone(),
            duration: self.duration.clone(),
            method,
            since: Instant::now(),
            // What is dropped before its end was given up by its caller.
            code: Code::Cancelled,
        }
    }

    pub(super) fn open_streams(&self, method: Arc<str>) -> OpenStream {
        let method = KeyValue::new("rpc.method", method);
        self.streams.add(1, std::slice::from_ref(&method));
        OpenStream { streams: self.streams.clone(), method }
    }
}

pub(super) struct Measured {
    active: metrics::UpDownCounter<i64>,
    duration: metrics::Histogram<f64>,
    method: KeyValue,
    since: Instant,
    code: Code,
}

impl Measured {
    pub(super) fn end(mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        self.active.add(-1, std::slice::from_ref(&self.method));
        let status = KeyValue::new("rpc.response.status_code", code_name(self.code));
        self.duration.record(self.since.elapsed().as_secs_f64(), &[self.method.clone(), status]);
    }
}

pub(super) struct OpenStream {
    streams: metrics::UpDownCounter<i64>,
    method: KeyValue,
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.streams.add(-1, std::slice::from_ref(&self.method));
    }
}

//! What operators watch: how long scripts and commits take, how often halls reopen, who waits and how long.

use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram, Meter};
use opentelemetry::{KeyValue, global};

use crate::hall::{HallHandle, Halls};

/// Instruments of the queue service. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    append: Histogram<f64>,
    flush: Histogram<f64>,
    batch: Histogram<u64>,
    rebuild: Histogram<f64>,
    conflicts: Counter<u64>,
    reopened: Counter<u64>,
}

impl Metrics {
    /// Instruments of the global meter.
    #[must_use]
    pub fn new() -> Self {
        let meter = meter();
        let seconds = |name: &'static str, what: &'static str| {
            meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(what)
                .with_boundaries(vec![
                    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0,
                ])
                .build()
        };
        Self {
            append: seconds("mpp.queue.append.duration", "time of one append script in Redis"),
            flush: seconds("mpp.queue.flush.duration", "time of one commit in SQL"),
            batch: meter
                .u64_histogram("mpp.queue.flush.events")
                .with_description("events per commit")
                .with_boundaries(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0])
                .build(),
            rebuild: seconds("mpp.queue.rebuild.duration", "time to rebuild the log of a hall in Redis"),
            conflicts: meter
                .u64_counter("mpp.queue.append.conflicts")
                .with_description("appends that another instance was ahead of")
                .build(),
            reopened: meter
                .u64_counter("mpp.queue.reopened")
                .with_description("halls that had to be opened again")
                .build(),
        }
    }

    pub(crate) fn appended(&self, _events: usize, took: Duration) {
        self.append.record(took.as_secs_f64(), &[]);
    }

    pub(crate) fn flushed(&self, events: usize, took: Duration) {
        self.flush.record(took.as_secs_f64(), &[]);
        self.batch.record(events as u64, &[]);
    }

    pub(crate) fn rebuilt(&self, took: Duration) {
        self.rebuild.record(took.as_secs_f64(), &[]);
    }

    pub(crate) fn conflict(&self) {
        self.conflicts.add(1, &[]);
    }

    pub(crate) fn reopened(&self) {
        self.reopened.add(1, &[]);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Registers what is read when metrics are collected: per hall the queue lengths, the longest wait, the position of the log,
/// how far its durability lags behind, and who watches.
pub fn observe(halls: &Halls) {
    let meter = meter();
    let lengths = halls.clone();
    let _waiting = meter
        .u64_observable_gauge("mpp.queue.waiting")
        .with_description("tickets waiting, by hall and service")
        .with_callback(move |observer| {
            for hall in lengths.all() {
                hall.read(|fold| {
                    for service in &fold.hall().services {
                        let waiting = fold.line(service.id).map_or(0, crate::domain::fold::Line::len) as u64;
                        observer.observe(
                            waiting,
                            &[
                                KeyValue::new("hall", fold.hall().code.clone()),
                                KeyValue::new("service", service.code.clone()),
                            ],
                        );
                    }
                });
            }
        })
        .build();
    let waits = halls.clone();
    let _oldest = meter
        .u64_observable_gauge("mpp.queue.oldest_wait")
        .with_unit("s")
        .with_description("longest present wait, by hall")
        .with_callback(move |observer| {
            let now = waits.clock().now();
            for hall in waits.all() {
                hall.read(|fold| {
                    let oldest = fold
                        .tickets()
                        .filter(|ticket| ticket.state == crate::domain::ticket::State::Waiting)
                        .map(|ticket| (now - ticket.leg().queued_at).num_seconds().max(0))
                        .max();
                    let seconds = oldest.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0);
                    observer.observe(seconds, &[KeyValue::new("hall", fold.hall().code.clone())]);
                });
            }
        })
        .build();
    per_hall(&meter, halls, "mpp.queue.committed_seq", "committed position of the log", |hall| {
        hall.read(crate::domain::fold::Fold::seq)
    });
    per_hall(
        &meter,
        halls,
        "mpp.queue.stream.lag",
        "events that stand in Redis and are not committed yet",
        HallHandle::lag,
    );
    per_hall(
        &meter,
        halls,
        "mpp.queue.watchers",
        "streams that follow a hall: boards, consoles, ticket pages",
        |hall| hall.watchers() as u64,
    );
}

/// A gauge of one number per hall.
fn per_hall(
    meter: &Meter,
    halls: &Halls,
    name: &'static str,
    what: &'static str,
    value: impl Fn(&HallHandle) -> u64 + Send + Sync + 'static,
) {
    let halls = halls.clone();
    let _gauge = meter
        .u64_observable_gauge(name)
        .with_description(what)
        .with_callback(move |observer| {
            for hall in halls.all() {
                let code = hall.read(|fold| fold.hall().code.clone());
                observer.observe(value(&hall), &[KeyValue::new("hall", code)]);
            }
        })
        .build();
}

fn meter() -> Meter {
    global::meter("mpp-queue")
}

//! What the instruments of a service say, read in the test's own process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};

/// What was collected last: name and attributes → value (a count for histograms).
type Seen = Arc<Mutex<BTreeMap<String, f64>>>;

/// Keeps what is exported.
#[derive(Debug)]
struct Keeper(Seen);

impl PushMetricExporter for Keeper {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clear(); // all instruments are collected at once, and what is no longer observed is gone
        for metric in metrics.scope_metrics().flat_map(|scope| scope.metrics()) {
            match metric.data() {
                AggregatedMetrics::U64(data) => note(&mut seen, metric.name(), data, |value| *value as f64),
                AggregatedMetrics::I64(data) => note(&mut seen, metric.name(), data, |value| *value as f64),
                AggregatedMetrics::F64(data) => note(&mut seen, metric.name(), data, |value| *value),
            }
        }
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

fn note<T: Copy>(
    seen: &mut BTreeMap<String, f64>,
    name: &str,
    data: &MetricData<T>,
    value: impl Fn(&T) -> f64,
) {
    let key = |attributes: &mut dyn Iterator<Item = &KeyValue>| {
        let mut pairs: Vec<String> = attributes.map(|pair| format!("{}={}", pair.key, pair.value)).collect();
        pairs.sort();
        format!("{name}{{{}}}", pairs.join(","))
    };
    match data {
        MetricData::Gauge(gauge) => {
            for point in gauge.data_points() {
                seen.insert(key(&mut point.attributes()), value(&point.value()));
            }
        }
        MetricData::Sum(sum) => {
            for point in sum.data_points() {
                seen.insert(key(&mut point.attributes()), value(&point.value()));
            }
        }
        MetricData::Histogram(histogram) => {
            for point in histogram.data_points() {
                seen.insert(key(&mut point.attributes()), point.count() as f64);
            }
        }
        MetricData::ExponentialHistogram(histogram) => {
            for point in histogram.data_points() {
                seen.insert(key(&mut point.attributes()), point.count() as f64);
            }
        }
    }
}

static METERS: OnceLock<(SdkMeterProvider, Seen)> = OnceLock::new();

/// Sets the meters of this process up: before the service under test is made, since an instrument is bound to the provider
/// that is there when it is made. Again changes nothing.
pub fn begin() {
    METERS.get_or_init(|| {
        let seen = Seen::default();
        let reader = PeriodicReader::builder(Keeper(Arc::clone(&seen)))
            .with_interval(Duration::from_secs(3600))
            .build();
        let provider = SdkMeterProvider::builder().with_reader(reader).build();
        opentelemetry::global::set_meter_provider(provider.clone());
        (provider, seen)
    });
}

/// What the instruments of this process say now: `name{attribute=value,…}` → value (a count for histograms).
///
/// # Panics
/// Before [`begin`], and when the metrics cannot be collected.
pub async fn read() -> BTreeMap<String, f64> {
    tokio::task::spawn_blocking(|| {
        let (provider, seen) = METERS.get().expect("`begin` was called");
        provider.force_flush().expect("metrics are collected");
        seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    })
    .await
    .expect("metrics are read")
}

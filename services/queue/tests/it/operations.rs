//! Line 40: health and metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use mpp_kit::testing::Engine;
use opentelemetry::KeyValue;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::house::House;

/// The last value of each series: name and attributes → value (a count for histograms).
type Seen = Arc<Mutex<BTreeMap<String, f64>>>;

/// Keeps what is exported.
#[derive(Debug)]
struct Keeper(Seen);

impl PushMetricExporter for Keeper {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

/// Sets the meters of this process up; instruments are bound to the provider that is there when they are made.
pub(crate) fn meters() {
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

/// What the instruments say now.
async fn read() -> BTreeMap<String, f64> {
    tokio::task::spawn_blocking(|| {
        let (provider, seen) = METERS.get().expect("a house was opened");
        provider.force_flush().expect("metrics are collected");
        seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    })
    .await
    .expect("metrics are read")
}

lines! {
    /// 40. Health, and metrics: queue lengths, oldest wait, script latency, stream lag, device last-seen.
    async fn must_40_health_and_metrics_tell_how_the_hall_is(engine) {
        let code = format!("MPP-UKUR-{engine}").to_uppercase();
        let house = House::with(engine, |hall| hall.code.clone_from(&code)).await;
        let mut health = HealthClient::new(house.channel());
        for service in ["", "mpp.queue.v1.QueueService"] {
            let answer = health.check(HealthCheckRequest { service: service.to_owned() }).await.expect("no sign-in is needed");
            assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
        }
        let appended = |seen: &BTreeMap<String, f64>| seen.get("mpp.queue.append.duration{}").copied().unwrap_or(0.0);
        let before = appended(&read().await);
        for _ in 0..3 {
            house.issue("KTP").await;
        }
        house.wait(90);
        house.issue("STNK").await;
        let called = house.call("1").await.expect("called");
        let seen = read().await;
        let value = |name: &str, attributes: &str| {
            let key = format!("{name}{{{attributes}}}");
            *seen.get(&key).unwrap_or_else(|| panic!("no {key} in {:?}", seen.keys().collect::<Vec<_>>()))
        };
        assert_eq!(value("mpp.queue.waiting", &format!("hall={code},service=KTP")), 2.0);
        assert_eq!(value("mpp.queue.waiting", &format!("hall={code},service=STNK")), 1.0);
        assert_eq!(value("mpp.queue.oldest_wait", &format!("hall={code}")), 90.0);
        assert!(appended(&seen) >= before + 5.0, "each append is timed");
        assert!(value("mpp.queue.flush.duration", "") > 0.0);
        assert!(value("mpp.queue.committed_seq", &format!("hall={code}")) >= 5.0);
        house.serve("2", 5).await;
        house.start("1", &called).await;
        let seen = read().await;
        assert_eq!(seen[&format!("mpp.queue.waiting{{hall={code},service=KTP}}")], 1.0, "it follows");
        // How far committed state is behind the stream, and when devices were last seen.
        let named = |part: &str| seen.keys().any(|key| key.starts_with("mpp.queue.") && key.contains(part));
        assert!(named("lag"), "no metric of the stream's lag in {:?}", seen.keys().collect::<Vec<_>>());
        let _board = house.board_of("").await;
        assert!(named("last_seen") || named("watchers"), "no metric of devices in {:?}", seen.keys().collect::<Vec<_>>());
        // No personal data in names and attributes.
        assert!(seen.keys().all(|key| !key.contains("acc_") && !key.contains("tkt_")), "{:?}", seen.keys().collect::<Vec<_>>());
    }
}

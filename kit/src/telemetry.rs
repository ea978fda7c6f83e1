//! Traces, metrics and logs: to standard output for people, and over OTLP when an endpoint is set.
//!
//! No personal data: ids, states and durations only.

use std::str::FromStr;

use anyhow::Context as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::{Deserialize, Serialize};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object per line, for machines.
    Json,
}

/// What is told, and where.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// What is logged, such as `info` or `info,mpp_queue=debug`.
    pub log: String,
    /// How log lines look.
    pub format: Format,
    /// Where traces, metrics and logs go over OTLP/gRPC, such as `http://collector:4317`. Nowhere by default.
    pub otlp_endpoint: Option<String>,
    /// How this process is called there.
    pub service_name: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            log: "info".into(),
            format: Format::default(),
            otlp_endpoint: None,
            service_name: "mpp".into(),
        }
    }
}

/// Keeps telemetry going. Drop it last: what is not sent yet is sent then.
#[must_use = "telemetry ends when the guard is dropped"]
#[derive(Debug, Default)]
pub struct Guard {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
    logs: Option<SdkLoggerProvider>,
}

/// Starts telemetry for the whole process. Call it once, before any [`crate::server::stack`] is made, and inside a tokio
/// runtime when an endpoint is set.
///
/// # Errors
/// When the log filter or the endpoint cannot be read, or telemetry was started before.
pub fn init(config: &TelemetryConfig) -> anyhow::Result<Guard> {
    let mut filter = EnvFilter::from_str(&config.log).with_context(|| {
        format!("telemetry.log is no filter such as \"info,mpp_queue=debug\": {:?}", config.log)
    })?;
    // Telemetry talks about itself at level info; whoever wants to hear that names it.
    if !config.log.contains("opentelemetry") {
        filter = filter.add_directive("opentelemetry=warn".parse()?);
    }
    let stdout = match config.format {
        // Colours are for a terminal; in a file they are noise.
        Format::Pretty => tracing_subscriber::fmt::layer()
            .with_target(false)
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stdout()))
            .boxed(),
        Format::Json => tracing_subscriber::fmt::layer().json().flatten_event(true).boxed(),
    };
    let mut guard = Guard::default();
    let (mut traces, mut logs) = (None, None);
    if let Some(endpoint) = &config.otlp_endpoint {
        guard = export(endpoint, &config.service_name)
            .with_context(|| format!("telemetry.otlp_endpoint cannot be used: {endpoint:?}"))?;
        traces = guard.traces.as_ref().map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("mpp"))
                .with_location(false)
                .with_threads(false)
        });
        // What the exporter itself logs must not be exported again.
        logs = guard.logs.as_ref().map(|provider| {
            let quiet = EnvFilter::new("info,hyper=off,tonic=off,h2=off,tower=off,opentelemetry=off");
            OpenTelemetryTracingBridge::new(provider).with_filter(quiet)
        });
    }
    tracing_subscriber::registry()
        .with(filter)
        .with(traces)
        .with(logs)
        .with(stdout)
        .try_init()
        .context("telemetry was started before")?;
    // Only now: a second start must not take the place of the first.
    guard.install();
    Ok(guard)
}

fn export(endpoint: &str, service_name: &str) -> anyhow::Result<Guard> {
    let resource = Resource::builder().with_service_name(service_name.to_owned()).build();
    let spans = opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let metrics =
        opentelemetry_otlp::MetricExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let logs = opentelemetry_otlp::LogExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    Ok(Guard {
        traces: Some(
            SdkTracerProvider::builder().with_batch_exporter(spans).with_resource(resource.clone()).build(),
        ),
        metrics: Some(
            SdkMeterProvider::builder()
                .with_periodic_exporter(metrics)
                .with_resource(resource.clone())
                .build(),
        ),
        logs: Some(SdkLoggerProvider::builder().with_batch_exporter(logs).with_resource(resource).build()),
    })
}

impl Guard {
    /// Makes the providers those of the whole process.
    fn install(&self) {
        if let Some(traces) = &self.traces {
            opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
            opentelemetry::global::set_tracer_provider(traces.clone());
        }
        if let Some(metrics) = &self.metrics {
            opentelemetry::global::set_meter_provider(metrics.clone());
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Each waits for what is not sent yet, at most five seconds. A collector that is away is no reason to fail.
        let ends = [
            self.traces.take().map(|provider| provider.shutdown()),
            self.metrics.take().map(|provider| provider.shutdown()),
            self.logs.take().map(|provider| provider.shutdown()),
        ];
        for error in ends.into_iter().flatten().filter_map(Result::err) {
            tracing::warn!(%error, "the last telemetry was not sent");
        }
    }
}

/// The id of the trace that the present span belongs to, 32 hexadecimal digits; empty when nothing is traced.
#[must_use]
pub fn trace_id() -> String {
    let context = tracing::Span::current().context();
    let span = context.span();
    let trace = span.span_context();
    if trace.is_valid() { trace.trace_id().to_string() } else { String::new() }
}

//! OTLP exporters of traces and metrics.
//!
//! The endpoints are settings of this program. The OpenTelemetry SDK reads headers (which contain secrets), compression,
//! sampler and intervals from the standard variables.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, Temporality};
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData};

use super::{TelemetryConfig, standard, text};
use crate::setting::ConfigError;
use crate::tls::ExtraRoots;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// Time between two log lines about the exports of a signal.
const REPORT_INTERVAL: Duration = Duration::from_mins(1);

/// Returns the resource of all telemetry: `quilt-mcp`, unless the standard variables set another service name.
pub(super) fn resource() -> Resource {
    let mut attributes = vec![
        KeyValue::new("service.name", "quilt-mcp"),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
    ];
    // Of attributes with the same key, the last one counts.
    attributes.extend(standard::resource_attributes());
    attributes.extend(standard::read("OTEL_SERVICE_NAME").map(|name| KeyValue::new("service.name", name)));
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(attributes)
        .build()
}

/// Creates the provider of traces, if an endpoint is set.
pub(super) fn traces(config: &TelemetryConfig, roots: &ExtraRoots) -> Result<Option<SdkTracerProvider>, ConfigError> {
    let Some(endpoint) = config.traces_endpoint() else {
        return Ok(None);
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(http_client("TRACES", roots)?)
        .with_endpoint(&endpoint)
        .build();
    let exporter = exporter.map_err(|error| ConfigError::new(ENDPOINT, error.to_string()))?;
    Ok(Some(
        SdkTracerProvider::builder()
            .with_resource(resource())
            .with_batch_exporter(Reported::new(exporter, "traces", &endpoint))
            .build(),
    ))
}

/// Creates the exporter of metrics, if an endpoint is set.
pub(super) fn metrics(config: &TelemetryConfig, roots: &ExtraRoots) -> Result<Option<MetricsReader>, ConfigError> {
    let Some(endpoint) = config.metrics_endpoint() else {
        return Ok(None);
    };
    let exporter = MetricExporter::builder()
        .with_http()
        .with_http_client(http_client("METRICS", roots)?)
        .with_endpoint(&endpoint)
        .build();
    let exporter = exporter.map_err(|error| ConfigError::new(ENDPOINT, error.to_string()))?;
    let exporter = Reported::new(exporter, "metrics", &endpoint);
    Ok(Some(PeriodicReader::builder(exporter).build()))
}

/// Builds the client of a signal (`TRACES`, `METRICS`). It trusts the authorities of `roots` and of the standard variable, and
/// follows the proxy settings.
fn http_client(signal: &str, roots: &ExtraRoots) -> Result<reqwest::blocking::Client, ConfigError> {
    let timeout = standard::timeout(signal);
    let own = standard::certificate(signal);
    let roots: Vec<Vec<u8>> = roots.ders().chain(own.ders()).map(<[u8]>::to_vec).collect();
    let build = move || {
        let certificates: Result<Vec<_>, _> = roots.iter().map(|der| reqwest::Certificate::from_der(der)).collect();
        reqwest::blocking::Client::builder()
            .timeout(timeout)
            .tls_certs_merge(certificates?)
            .build()
    };
    // A blocking client cannot be built on a thread of the asynchronous runtime.
    let client = std::thread::spawn(build).join();
    match client {
        Ok(client) => client.map_err(|error| ConfigError::new(ENDPOINT, text::error(&error))),
        Err(panicked) => std::panic::resume_unwind(panicked),
    }
}

/// The reader that exports metrics.
pub(super) type MetricsReader = PeriodicReader<Reported<MetricExporter>>;

/// An exporter whose first failure and recovery are log lines.
#[derive(Debug)]
pub(super) struct Reported<E> {
    exporter: E,
    signal: &'static str,
    /// Host and port of the endpoint; its path may contain a key.
    collector: String,
    health: Mutex<Health>,
}

impl<E> Reported<E> {
    fn new(exporter: E, signal: &'static str, endpoint: &str) -> Self {
        let url = url::Url::parse(endpoint).ok();
        let collector = url.map(|url| url.authority().to_owned()).unwrap_or_default();
        Self {
            exporter,
            signal,
            collector,
            health: Mutex::default(),
        }
    }

    fn report(&self, result: OTelSdkResult) -> OTelSdkResult {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let report = health.report(result.is_err(), Instant::now());
        drop(health);
        let (signal, collector) = (self.signal, &self.collector);
        match (report, &result) {
            (Some(Report::Failure), Err(error)) => {
                let error = text::error(error);
                tracing::warn!(signal, collector, error, "telemetry cannot be exported");
            }
            (Some(Report::Recovery { failures }), _) => {
                tracing::info!(signal, collector, failures, "telemetry is exported again");
            }
            _ => {}
        }
        result
    }
}

/// What a log line says about the exports of a signal.
#[derive(Debug, PartialEq, Eq)]
enum Report {
    Failure,
    Recovery {
        /// Failed exports since the last recovery.
        failures: u64,
    },
}

/// The state of the exports of a signal.
#[derive(Debug, Default)]
struct Health {
    /// Whether the last report was a failure.
    is_failing: bool,
    failures: u64,
    reported: Option<Instant>,
}

impl Health {
    /// Records the outcome of an export. Returns what to report: a change of the state, once a minute at most.
    fn report(&mut self, has_failed: bool, now: Instant) -> Option<Report> {
        self.failures += u64::from(has_failed);
        let is_recent = self
            .reported
            .is_some_and(|last| now.duration_since(last) < REPORT_INTERVAL);
        if has_failed == self.is_failing || is_recent {
            return None;
        }
        self.is_failing = has_failed;
        self.reported = Some(now);
        Some(if has_failed {
            Report::Failure
        } else {
            Report::Recovery {
                failures: std::mem::take(&mut self.failures),
            }
        })
    }
}

impl opentelemetry_sdk::trace::SpanExporter for Reported<SpanExporter> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.exporter.export(batch).await;
        self.report(result)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl PushMetricExporter for Reported<MetricExporter> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let result = self.exporter.export(metrics).await;
        self.report(result)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_and_recovery_are_reported_once_and_not_twice_a_minute() {
        let start = Instant::now();
        let mut health = Health::default();
        let mut report = |seconds, has_failed| health.report(has_failed, start + Duration::from_secs(seconds));
        assert_eq!(report(0, false), None);
        assert_eq!(report(1, true), Some(Report::Failure));
        assert_eq!(report(2, true), None);
        assert_eq!(report(500, true), None);
        assert_eq!(report(501, false), Some(Report::Recovery { failures: 3 }));
        // A state that changes often.
        assert_eq!(report(505, true), None);
        assert_eq!(report(510, false), None);
        assert_eq!(report(570, true), Some(Report::Failure));
        assert_eq!(report(575, false), None);
        assert_eq!(report(640, false), Some(Report::Recovery { failures: 2 }));
    }
}

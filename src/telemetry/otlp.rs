//! OTLP exporters of traces and metrics.
//!
//! The endpoints are settings of this program. The OpenTelemetry SDK reads headers (which contain secrets), timeouts,
//! resource attributes, sampler and intervals from the standard variables.

use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::PeriodicReader;
use opentelemetry_sdk::trace::SdkTracerProvider;

use super::TelemetryConfig;
use crate::setting::ConfigError;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Returns the resource of all telemetry: `quilt-mcp`, unless the standard variables set another service name.
pub(super) fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let found = Resource::builder().with_attribute(version.clone()).build();
    let name = found.get(&Key::from_static_str("service.name"));
    if name.is_some_and(|name| !name.as_str().starts_with("unknown_service")) {
        return found;
    }
    Resource::builder()
        .with_attribute(version)
        .with_service_name("quilt-mcp")
        .build()
}

/// Creates the provider of traces, if an endpoint is set.
pub(super) fn traces(config: &TelemetryConfig) -> Result<Option<SdkTracerProvider>, ConfigError> {
    let Some(endpoint) = config.traces_endpoint() else {
        return Ok(None);
    };
    let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build();
    let exporter = exporter.map_err(|error| ConfigError::new(ENDPOINT, error.to_string()))?;
    Ok(Some(
        SdkTracerProvider::builder()
            .with_resource(resource())
            .with_batch_exporter(exporter)
            .build(),
    ))
}

/// Creates the exporter of metrics, if an endpoint is set.
pub(super) fn metrics(config: &TelemetryConfig) -> Result<Option<PeriodicReader<MetricExporter>>, ConfigError> {
    let Some(endpoint) = config.metrics_endpoint() else {
        return Ok(None);
    };
    let exporter = MetricExporter::builder().with_http().with_endpoint(endpoint).build();
    let exporter = exporter.map_err(|error| ConfigError::new(ENDPOINT, error.to_string()))?;
    Ok(Some(PeriodicReader::builder(exporter).build()))
}

//! Logs, metrics and traces.
//!
//! Owns the names of metrics and spans, the log format and the exporters. Other modules record events through functions of
//! this module. Does not own the events, and imports no module that records them.
//!
//! Invariant: no log line, metric or span contains a token, a key, a presigned URL or the content of an object. Callers are
//! identified by a hash; only the audit log has the subject of a verified token.

mod audit;
mod config;
mod json_lines;
mod line_limit;
pub mod log;
mod log_queue;
pub mod metrics;
mod otlp;
mod panics;
pub mod prometheus;
pub mod text;
pub mod trace;
mod upstream;

use std::io::IsTerminal as _;
use std::net::SocketAddr;

pub use audit::Audit;
pub use config::{Exporter, LogFormat, MetricsConfig, Protocol, TelemetryConfig};
use log_queue::LogQueue;
pub use log_queue::{flush_log, write_last};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
pub use upstream::{Call, Dependency, UpstreamOutcome, in_call_scope, instrument};

use crate::setting::ConfigError;

/// The OpenTelemetry providers of the process. Call [`Self::shutdown`] before the process ends.
#[derive(Default)]
pub struct Providers {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
}

/// Installs the log on standard error, the panic hook, and the exporters of the settings. With `metrics_addr`, metrics are also collected for
/// [`prometheus::serve`].
pub fn init(config: &TelemetryConfig, metrics_addr: Option<SocketAddr>) -> Result<Providers, ConfigError> {
    let is_terminal = std::io::stderr().is_terminal();
    let format = config
        .log_format
        .unwrap_or(if is_terminal { LogFormat::Text } else { LogFormat::Json });
    let traces = otlp::traces(config)?;
    let queue = LogQueue::of_standard_error()
        .map_err(|error| ConfigError::new("QUILT_MCP_LOG", format!("the log could not be started: {error}")))?;
    let subscriber = log::subscriber(&config.log, format, is_terminal, queue)?;
    trace::install(subscriber, traces.as_ref())?;
    panics::install_hook();
    let metrics = metrics::install(otlp::metrics(config)?, metrics_addr.is_some())?;
    Ok(Providers { traces, metrics })
}

impl Providers {
    /// Exports the remaining spans and metrics. Blocks for at most a few seconds.
    pub fn shutdown(self) {
        let results = [
            ("traces", self.traces.map(|provider| provider.shutdown())),
            ("metrics", self.metrics.map(|provider| provider.shutdown())),
        ];
        for (what, result) in results {
            if let Some(Err(error)) = result {
                tracing::warn!(
                    error = text::error(&error),
                    what,
                    "the remaining telemetry could not be exported"
                );
            }
        }
    }
}

//! What operators see: logs, metrics and traces.
//!
//! Owns the names of all of them and how they leave the process. Every other room says what happened by a function of this
//! one; none knows a metric's name, a log's form or an exporter.
//!
//! Invariant: nothing that leaves here holds a token, a key, a presigned URL or anything out of an object; what names a
//! caller is a hash, and in the audit line alone the subject of a proved token.

mod audit;
mod config;
mod line;
pub mod log;
pub mod metrics;
mod otlp;
pub mod prometheus;
pub mod text;
pub mod trace;
mod upstream;

use std::io::IsTerminal as _;
use std::net::SocketAddr;

pub use audit::Audit;
pub use config::{Exporter, LogFormat, MetricsConfig, Protocol, TelemetryConfig};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
pub use upstream::{Call, Dependency, Ended, following, observed};

use crate::setting::ConfigError;

/// What the process exports, until [`Exports::end`].
#[derive(Default)]
pub struct Exports {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
}

/// Installs the process's log, on standard error, and what the settings export beside it. `metrics_addr`: whether metrics
/// are to be read by [`prometheus::serve`].
pub fn init(config: &TelemetryConfig, metrics_addr: Option<SocketAddr>) -> Result<Exports, ConfigError> {
    let is_terminal = std::io::stderr().is_terminal();
    let format = config
        .log_format
        .unwrap_or(if is_terminal { LogFormat::Text } else { LogFormat::Json });
    let traces = otlp::traces(config)?;
    let subscriber = log::subscriber(&config.log, format, is_terminal, std::io::stderr)?;
    trace::install(subscriber, traces.as_ref())?;
    let metrics = metrics::install(otlp::metrics(config)?, metrics_addr.is_some())?;
    Ok(Exports { traces, metrics })
}

impl Exports {
    /// Sends what was not sent yet. Blocks for at most a few seconds.
    pub fn end(self) {
        let ends = [
            ("traces", self.traces.map(|provider| provider.shutdown())),
            ("metrics", self.metrics.map(|provider| provider.shutdown())),
        ];
        for (what, end) in ends {
            if let Some(Err(error)) = end {
                tracing::warn!(
                    error = text::error(&error),
                    what,
                    "the last of the telemetry could not be sent"
                );
            }
        }
    }
}

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
mod request_log;
mod standard;
pub mod text;
pub mod trace;
mod upstream;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

pub use audit::Audit;
pub use config::{Exporter, LogFormat, MetricsConfig, Protocol, TelemetryConfig};
use log_queue::LogQueue;
pub use log_queue::{flush_log, write_last};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
pub use request_log::{RequestLog, RequestRecord, TokenState};
pub use standard::Standard;
pub use upstream::{Call, Dependency, UpstreamOutcome, in_call_scope, instrument};

use crate::setting::ConfigError;
use crate::tls::ExtraRoots;

/// Time for the last exports, when the process ends.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(2);

type Export = Box<dyn FnOnce() -> OTelSdkResult + Send>;

/// The OpenTelemetry providers of the process. Call [`Self::shutdown`] before the process ends.
#[derive(Default)]
pub struct Providers {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
}

/// Installs the log on standard error, the panic hook, and the exporters of the settings. With `metrics_addr`, metrics are
/// also collected for [`prometheus::serve`]. `roots` are trusted besides the system's authorities when the exporters connect.
pub fn init(
    config: &TelemetryConfig,
    roots: &ExtraRoots,
    metrics_addr: Option<SocketAddr>,
) -> Result<Providers, ConfigError> {
    let is_terminal = std::io::stderr().is_terminal();
    let format = config
        .log_format
        .unwrap_or(if is_terminal { LogFormat::Text } else { LogFormat::Json });
    let traces = otlp::traces(config, roots)?;
    let queue = LogQueue::of_standard_error()
        .map_err(|error| ConfigError::new("QUILT_MCP_LOG", format!("the log could not be started: {error}")))?;
    let subscriber = log::subscriber(&config.log, format, is_terminal, queue)?;
    trace::install(subscriber, traces.as_ref())?;
    panics::install_hook();
    standard::warn_about_ignored(config);
    let metrics = metrics::install(otlp::metrics(config, roots)?, metrics_addr.is_some())?;
    Ok(Providers { traces, metrics })
}

impl Providers {
    /// Exports the remaining spans and metrics, both at once. Blocks for two seconds at most.
    pub fn shutdown(self) {
        let mut exports: Vec<(&'static str, Export)> = Vec::new();
        if let Some(traces) = self.traces {
            exports.push(("traces", Box::new(move || traces.shutdown_with_timeout(EXPORT_TIMEOUT))));
        }
        if let Some(metrics) = self.metrics {
            exports.push((
                "metrics",
                Box::new(move || metrics.shutdown_with_timeout(EXPORT_TIMEOUT)),
            ));
        }
        let deadline = Instant::now() + EXPORT_TIMEOUT;
        let (sender, results) = mpsc::channel();
        let mut waiting: Vec<&'static str> = Vec::new();
        for (signal, export) in exports {
            let sender = sender.clone();
            waiting.push(signal);
            // A thread of its own: the exporter's time limits do not cover all that it waits for.
            std::thread::spawn(move || {
                // After the deadline there is no receiver.
                let _ = sender.send((signal, export()));
            });
        }
        while !waiting.is_empty() {
            let time_left = deadline.saturating_duration_since(Instant::now());
            let Ok((signal, result)) = results.recv_timeout(time_left) else {
                break;
            };
            waiting.retain(|other| *other != signal);
            if let Err(error) = result {
                tracing::warn!(
                    error = text::error(&error),
                    signal,
                    "the remaining telemetry could not be exported"
                );
            }
        }
        for signal in waiting {
            tracing::warn!(signal, "the remaining telemetry was not exported in time");
        }
    }
}

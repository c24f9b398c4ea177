//! Settings of logs, metrics and traces.

use std::net::SocketAddr;

use super::standard::{Standard, endpoint, exporter, is_true, protocol};
use crate::setting::{BaseUrl, parse};

/// Format of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Text for a terminal.
    Text,
}

/// Exporter of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Exporter {
    /// OTLP, if an endpoint is set.
    #[default]
    Otlp,
    /// No exporter.
    None,
}

/// Transport of OTLP. OpenTelemetry has others; this is the one that it recommends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// Protobuf over HTTP.
    #[default]
    HttpProtobuf,
}

#[derive(Debug, Clone, Default, clap::Args)]
pub struct MetricsConfig {
    /// Address of a second listener that serves `GET /metrics` in Prometheus text format
    #[arg(long, env = "QUILT_MCP_METRICS_ADDR", value_parser = parse::socket)]
    pub metrics_addr: Option<SocketAddr>,
}

#[derive(Debug, Clone, Default, clap::Args)]
pub struct TelemetryConfig {
    /// Log level, or a filter such as `info,quilt_mcp::credentials=debug`
    #[arg(long, env = "QUILT_MCP_LOG", default_value = "info", value_parser = parse::log_filter)]
    pub log: String,
    /// Format of log lines, `text` or `json`. Default: `text` on a terminal, else `json`
    #[arg(long, env = "QUILT_MCP_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
    /// Base URL of an OpenTelemetry collector; traces are sent to `/v1/traces` and metrics to `/v1/metrics` below it
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_parser = endpoint)]
    pub otlp_endpoint: Option<Standard<BaseUrl>>,
    /// URL for traces, which overrides that of the collector
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", value_parser = endpoint)]
    pub otlp_traces_endpoint: Option<Standard<BaseUrl>>,
    /// URL for metrics, which overrides that of the collector
    #[arg(long, env = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", value_parser = endpoint)]
    pub otlp_metrics_endpoint: Option<Standard<BaseUrl>>,
    /// Transport of traces and metrics; only `http/protobuf` is supported
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_PROTOCOL",
        value_parser = protocol,
        default_value = "http/protobuf"
    )]
    pub otlp_protocol: Standard<Protocol>,
    /// Exporter of traces: `otlp`, or `none` to switch them off
    #[arg(long, env = "OTEL_TRACES_EXPORTER", value_parser = exporter, default_value = "otlp")]
    pub traces_exporter: Standard<Exporter>,
    /// Exporter of metrics by OTLP: `otlp`, or `none` to switch it off
    #[arg(long, env = "OTEL_METRICS_EXPORTER", value_parser = exporter, default_value = "otlp")]
    pub metrics_exporter: Standard<Exporter>,
    /// `true` switches off the export of traces and metrics by OTLP
    #[arg(long, env = "OTEL_SDK_DISABLED", default_value = "false", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set, value_parser = is_true)]
    pub otel_sdk_disabled: Standard<bool>,
}

impl TelemetryConfig {
    /// Returns the URL to which traces are sent; `None` if they are not exported.
    #[must_use]
    pub fn traces_endpoint(&self) -> Option<String> {
        self.endpoint(&self.traces_exporter, self.otlp_traces_endpoint.as_ref(), "/v1/traces")
    }

    /// Returns the URL to which metrics are sent; `None` if they are not exported.
    #[must_use]
    pub fn metrics_endpoint(&self) -> Option<String> {
        self.endpoint(
            &self.metrics_exporter,
            self.otlp_metrics_endpoint.as_ref(),
            "/v1/metrics",
        )
    }

    fn endpoint(&self, exporter: &Standard<Exporter>, own: Option<&Standard<BaseUrl>>, path: &str) -> Option<String> {
        if self.otel_sdk_disabled.value == Some(true) || exporter.value == Some(Exporter::None) {
            return None;
        }
        let shared = || Some(self.otlp_endpoint.as_ref()?.value.as_ref()?.join(path).to_string());
        own.and_then(|url| Some(url.value.as_ref()?.join("").to_string()))
            .or_else(shared)
    }

    /// Returns the standard variables whose values are ignored, because they are not understood, with the values.
    #[must_use]
    pub fn ignored(&self) -> Vec<(&'static str, &str)> {
        let ignored = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", ignored(self.otlp_endpoint.as_ref())),
            (
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                ignored(self.otlp_traces_endpoint.as_ref()),
            ),
            (
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
                ignored(self.otlp_metrics_endpoint.as_ref()),
            ),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", ignored(Some(&self.otlp_protocol))),
            ("OTEL_TRACES_EXPORTER", ignored(Some(&self.traces_exporter))),
            ("OTEL_METRICS_EXPORTER", ignored(Some(&self.metrics_exporter))),
            ("OTEL_SDK_DISABLED", ignored(Some(&self.otel_sdk_disabled))),
        ];
        ignored
            .into_iter()
            .filter_map(|(variable, value)| Some((variable, value?)))
            .collect()
    }
}

fn ignored<T>(setting: Option<&Standard<T>>) -> Option<&str> {
    setting?.ignored.as_deref()
}

//! Settings of logs, metrics and traces.

use std::net::SocketAddr;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Exporter {
    /// OTLP, if an endpoint is set.
    #[default]
    Otlp,
    /// No exporter.
    None,
}

/// Transport of OTLP. OpenTelemetry has others; this is the one that it recommends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Protocol {
    /// Protobuf over HTTP.
    #[default]
    #[value(name = "http/protobuf")]
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
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<BaseUrl>,
    /// URL for traces, which overrides that of the collector
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")]
    pub otlp_traces_endpoint: Option<BaseUrl>,
    /// URL for metrics, which overrides that of the collector
    #[arg(long, env = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")]
    pub otlp_metrics_endpoint: Option<BaseUrl>,
    /// Transport of traces and metrics; only `http/protobuf` is supported
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_PROTOCOL",
        value_enum,
        default_value = "http/protobuf"
    )]
    pub otlp_protocol: Protocol,
    /// Exporter of traces: `otlp`, or `none` to switch them off
    #[arg(long, env = "OTEL_TRACES_EXPORTER", value_enum, default_value = "otlp")]
    pub traces_exporter: Exporter,
    /// Exporter of metrics by OTLP: `otlp`, or `none` to switch it off
    #[arg(long, env = "OTEL_METRICS_EXPORTER", value_enum, default_value = "otlp")]
    pub metrics_exporter: Exporter,
    /// `true` switches off the export of traces and metrics by OTLP
    #[arg(long, env = "OTEL_SDK_DISABLED", default_value = "false", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub otel_sdk_disabled: bool,
}

impl TelemetryConfig {
    /// Returns the URL to which traces are sent; `None` if they are not exported.
    #[must_use]
    pub fn traces_endpoint(&self) -> Option<String> {
        self.endpoint(self.traces_exporter, self.otlp_traces_endpoint.as_ref(), "/v1/traces")
    }

    /// Returns the URL to which metrics are sent; `None` if they are not exported.
    #[must_use]
    pub fn metrics_endpoint(&self) -> Option<String> {
        self.endpoint(
            self.metrics_exporter,
            self.otlp_metrics_endpoint.as_ref(),
            "/v1/metrics",
        )
    }

    fn endpoint(&self, exporter: Exporter, own: Option<&BaseUrl>, path: &str) -> Option<String> {
        if self.otel_sdk_disabled || exporter == Exporter::None {
            return None;
        }
        let shared = || self.otlp_endpoint.as_ref().map(|base| base.join(path).to_string());
        own.map(|url| url.join("").to_string()).or_else(shared)
    }
}

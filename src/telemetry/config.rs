//! What is logged, counted and traced, and where it goes.

use std::net::SocketAddr;

use crate::setting::{BaseUrl, parse};

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a person at a terminal.
    Text,
}

/// Whether a signal is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Exporter {
    /// By OTLP, where an endpoint is set.
    #[default]
    Otlp,
    /// Not at all.
    None,
}

/// How it is exported. OpenTelemetry knows others; this is what it recommends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Protocol {
    /// Protobuf over HTTP.
    #[default]
    #[value(name = "http/protobuf")]
    HttpProtobuf,
}

/// Metrics, of the server alone.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct MetricsConfig {
    /// Address of a second listener that answers `GET /metrics` in Prometheus text
    #[arg(long, env = "QUILT_MCP_METRICS_ADDR", value_parser = parse::socket)]
    pub metrics_addr: Option<SocketAddr>,
}

/// Logs, and what is exported by OTLP.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TelemetryConfig {
    /// Log level, or a filter such as `info,quilt_mcp::credentials=debug`
    #[arg(long, env = "QUILT_MCP_LOG", default_value = "info")]
    pub log: String,
    /// Form of a log line. Default: `text` on a terminal, else `json`
    #[arg(long, env = "QUILT_MCP_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
    /// OpenTelemetry collector to which traces and metrics are sent, below `/v1/traces` and `/v1/metrics`
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<BaseUrl>,
    /// Exact URL for traces, instead of the collector's
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")]
    pub otlp_traces_endpoint: Option<BaseUrl>,
    /// Exact URL for metrics, instead of the collector's
    #[arg(long, env = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")]
    pub otlp_metrics_endpoint: Option<BaseUrl>,
    /// How they are sent: `http/protobuf` is the one way
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_PROTOCOL",
        value_enum,
        default_value = "http/protobuf"
    )]
    pub otlp_protocol: Protocol,
    /// `none` keeps traces from being sent
    #[arg(long, env = "OTEL_TRACES_EXPORTER", value_enum, default_value = "otlp")]
    pub traces_exporter: Exporter,
    /// `none` keeps metrics from being sent
    #[arg(long, env = "OTEL_METRICS_EXPORTER", value_enum, default_value = "otlp")]
    pub metrics_exporter: Exporter,
    /// `true` keeps both from being sent
    #[arg(long, env = "OTEL_SDK_DISABLED", default_value = "false", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub otel_sdk_disabled: bool,
}

impl TelemetryConfig {
    /// Where traces go, if anywhere.
    #[must_use]
    pub fn traces_endpoint(&self) -> Option<String> {
        self.endpoint(self.traces_exporter, self.otlp_traces_endpoint.as_ref(), "/v1/traces")
    }

    /// Where metrics go, if anywhere.
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

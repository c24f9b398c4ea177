//! What is logged, and how.

use std::net::SocketAddr;

use super::parse;

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a person at a terminal.
    Text,
}

/// Metrics, of the server alone.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct MetricsConfig {
    /// Address of a second listener that answers `GET /metrics` in Prometheus text
    #[arg(long, env = "QUILT_MCP_METRICS_ADDR", value_parser = parse::socket)]
    pub metrics_addr: Option<SocketAddr>,
}

/// Logs.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TelemetryConfig {
    /// Log level, or a filter such as `info,quilt_mcp::credentials=debug`
    #[arg(long, env = "QUILT_MCP_LOG", default_value = "info")]
    pub log: String,
    /// Form of a log line. Default: `text` on a terminal, else `json`
    #[arg(long, env = "QUILT_MCP_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
}

//! What is logged, and how.

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a person at a terminal.
    Text,
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

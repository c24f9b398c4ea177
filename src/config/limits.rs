//! Bounds on size, time and number.

use std::time::Duration;

use super::{RateLimit, parse};

/// What one request may cost.
#[derive(Debug, Clone, clap::Args)]
pub struct LimitsConfig {
    /// Longest time that one tool call may take
    #[arg(long, env = "QUILT_MCP_TOOL_TIMEOUT", default_value = "50s", value_parser = parse::duration)]
    pub tool_timeout: Duration,
    /// Largest request body
    #[arg(long, env = "QUILT_MCP_MAX_BODY", default_value = "8MiB", value_parser = parse::bytes)]
    pub max_body: usize,
    /// Most requests to be worked on at once; more are answered 429 at once
    #[arg(long, env = "QUILT_MCP_MAX_IN_FLIGHT", default_value = "256", value_parser = parse::count)]
    pub max_in_flight: usize,
    /// Most calls of one caller in a time, such as `10/s`, `600/min` or `off`; more are answered 429
    #[arg(long, env = "QUILT_MCP_RATE_LIMIT", default_value = "600/min")]
    pub rate_limit: RateLimit,
    /// Time for calls in flight at SIGTERM
    #[arg(long, env = "QUILT_MCP_DRAIN", default_value = "25s", value_parser = parse::duration)]
    pub drain: Duration,
}

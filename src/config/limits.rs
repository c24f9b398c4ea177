//! Bounds on size, time and number.

use std::time::Duration;

use super::{ConfigError, RateLimit, parse};

/// How many of the largest bodies the memory for payloads has to have room for: so many times its size one takes when it
/// is decoded, and decoding has three quarters of that memory.
const BODIES: usize = 8;

/// What one request may cost.
#[derive(Debug, Clone, clap::Args)]
pub struct LimitsConfig {
    /// Longest time that one tool call may take
    #[arg(long, env = "QUILT_MCP_TOOL_TIMEOUT", default_value = "50s", value_parser = parse::duration)]
    pub tool_timeout: Duration,
    /// Largest request body
    #[arg(long, env = "QUILT_MCP_MAX_BODY", default_value = "8MiB", value_parser = parse::bytes)]
    pub max_body: usize,
    /// Memory for bodies, answers and manifests of all calls together; who finds none waits, then is told to come back
    #[arg(long, env = "QUILT_MCP_PAYLOAD_MEMORY", default_value = "256MiB", value_parser = parse::bytes)]
    pub payload_memory: usize,
    /// Most requests to be worked on at once; more are answered 429 at once
    #[arg(long, env = "QUILT_MCP_MAX_IN_FLIGHT", default_value = "256", value_parser = parse::count)]
    pub max_in_flight: usize,
    /// Most calls of one caller in a time, such as `10/s`, `600/min` or `off`; more are answered 429
    #[arg(long, env = "QUILT_MCP_RATE_LIMIT", default_value = "600/min")]
    pub rate_limit: RateLimit,
    /// Idle time after which a connection is closed; set it above the load balancer's own (an NLB keeps connections for
    /// 350 s)
    #[arg(long, env = "QUILT_MCP_IDLE_TIMEOUT", default_value = "75s", value_parser = parse::duration)]
    pub idle_timeout: Duration,
    /// Time for calls in flight at SIGTERM
    #[arg(long, env = "QUILT_MCP_DRAIN", default_value = "25s", value_parser = parse::duration)]
    pub drain: Duration,
}

impl LimitsConfig {
    /// Whether the limits fit each other.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.payload_memory / BODIES < self.max_body {
            let problem = format!("is too little; expected at least {BODIES} times QUILT_MCP_MAX_BODY");
            return Err(ConfigError::new("QUILT_MCP_PAYLOAD_MEMORY", problem));
        }
        Ok(())
    }
}

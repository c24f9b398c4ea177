//! Settings of the memory budget.

use crate::setting::{ConfigError, parse};

/// Number of bodies of the maximum size that the budget must hold. A decoded body takes up to this many times its size, and
/// three quarters of the budget are for decoded bodies.
const MIN_BODIES: usize = 8;

#[derive(Debug, Clone, clap::Args)]
pub struct MemoryConfig {
    /// Memory budget for the request bodies, data and responses of all calls together. A call waits up to ten seconds for
    /// memory, then fails with `throttled`
    #[arg(long, env = "QUILT_MCP_PAYLOAD_MEMORY", default_value = "256MiB", value_parser = parse::bytes)]
    pub payload_memory: usize,
}

impl MemoryConfig {
    /// Checks that the budget is large enough for request bodies of `max_body` bytes.
    pub fn check(&self, max_body: usize) -> Result<(), ConfigError> {
        if self.payload_memory / MIN_BODIES < max_body {
            let problem = format!("is too small; expected at least {MIN_BODIES} times QUILT_MCP_MAX_BODY");
            return Err(ConfigError::new("QUILT_MCP_PAYLOAD_MEMORY", problem));
        }
        Ok(())
    }
}

//! Settings of the memory for payloads.

use crate::setting::{ConfigError, parse};

/// How many of the largest bodies the memory for payloads holds at least. A decoded body takes up to this many times its
/// size, and decoding has three quarters of that memory.
const MIN_BODIES: usize = 8;

/// Memory for payloads.
#[derive(Debug, Clone, clap::Args)]
pub struct MemoryConfig {
    /// Memory for bodies, answers and manifests of all calls together; a call that finds none free waits, then is refused
    /// with 503
    #[arg(long, env = "QUILT_MCP_PAYLOAD_MEMORY", default_value = "256MiB", value_parser = parse::bytes)]
    pub payload_memory: usize,
}

impl MemoryConfig {
    /// Checks that bodies of up to `max_body` bytes fit.
    pub fn check(&self, max_body: usize) -> Result<(), ConfigError> {
        if self.payload_memory / MIN_BODIES < max_body {
            let problem = format!("is too little; expected at least {MIN_BODIES} times QUILT_MCP_MAX_BODY");
            return Err(ConfigError::new("QUILT_MCP_PAYLOAD_MEMORY", problem));
        }
        Ok(())
    }
}

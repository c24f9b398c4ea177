//! Settings of tool calls and confirmations.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use crate::setting::{ConfigError, parse};

/// Minimum length of the key: that of the hash.
const MIN_KEY_BYTES: usize = 32;

#[derive(Debug, Clone, clap::Args)]
pub struct CallConfig {
    /// Time limit of a tool call
    #[arg(long, env = "QUILT_MCP_TOOL_TIMEOUT", default_value = "50s", value_parser = parse::duration)]
    pub tool_timeout: Duration,
    /// Key that protects the state which a client returns with a confirmation: at least 32 random bytes, such as the output
    /// of `openssl rand -base64 32`, the same for all copies of the server. Default: a random key for each process
    #[arg(long, env = "QUILT_MCP_STATE_KEY", hide_env_values = true, value_parser = parse::secret)]
    pub state_key: Option<SecretString>,
}

impl CallConfig {
    /// Rejects a key that is too short.
    pub fn check(&self) -> Result<(), ConfigError> {
        match self.state_key.as_ref().map(|key| key.expose_secret().len()) {
            Some(length) if length < MIN_KEY_BYTES => {
                let problem = format!(
                    "has {length} bytes; expected at least {MIN_KEY_BYTES} random bytes, such as the output of `openssl rand \
                     -base64 32`"
                );
                Err(ConfigError::new("QUILT_MCP_STATE_KEY", problem))
            }
            _ => Ok(()),
        }
    }
}

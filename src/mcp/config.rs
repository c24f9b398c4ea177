//! Settings of tool calls and their confirmations.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use crate::setting::{ConfigError, parse};

/// Keys shorter than the hash of the seal can be guessed.
const MIN_KEY_BYTES: usize = 32;

/// Tool calls.
#[derive(Debug, Clone, clap::Args)]
pub struct CallConfig {
    /// Longest time that one tool call may take
    #[arg(long, env = "QUILT_MCP_TOOL_TIMEOUT", default_value = "50s", value_parser = parse::duration)]
    pub tool_timeout: Duration,
    /// Key that seals the state which a client returns with its user's confirmation: at least 32 random bytes, such as
    /// `openssl rand -base64 32` prints, the same on every copy. Default: a random one for each process
    #[arg(long, env = "QUILT_MCP_STATE_KEY", hide_env_values = true, value_parser = parse::secret)]
    pub state_key: Option<SecretString>,
}

impl CallConfig {
    /// Refuses a key that is too short.
    pub fn check(&self) -> Result<(), ConfigError> {
        match self.state_key.as_ref().map(|key| key.expose_secret().len()) {
            Some(length) if length < MIN_KEY_BYTES => {
                let problem = format!(
                    "has {length} bytes; expected at least {MIN_KEY_BYTES} random ones, such as `openssl rand -base64 32` \
                     prints"
                );
                Err(ConfigError::new("QUILT_MCP_STATE_KEY", problem))
            }
            _ => Ok(()),
        }
    }
}

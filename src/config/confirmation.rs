//! The key of what clients keep for the server between two calls.

use secrecy::{ExposeSecret as _, SecretString};

use super::{ConfigError, ListenConfig, parse};

/// Shorter keys than the seal's hash can be guessed, as with HS256.
const MIN_KEY_BYTES: usize = super::MIN_SECRET_BYTES;

/// Confirmations that are asked for in one call and given in the next.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ConfirmationConfig {
    /// Key that seals what a client brings back with its user's confirmation: at least 32 random bytes, such as
    /// `openssl rand -base64 32` prints, the same on every copy. Default: a random one for each process
    #[arg(long, env = "QUILT_MCP_STATE_KEY", hide_env_values = true, value_parser = parse::secret)]
    pub state_key: Option<SecretString>,
}

impl ConfirmationConfig {
    /// Refuses a key that is too short.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
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

    /// Whether a confirmation that one process asked for may come to another that cannot read it: a server that others
    /// reach may have copies, and has successors.
    #[must_use]
    pub fn may_be_lost(&self, listen: &ListenConfig) -> bool {
        self.state_key.is_none() && !listen.host.is_loopback()
    }
}

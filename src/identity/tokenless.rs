//! The policy for calls without a bearer token.

use std::sync::Arc;

use async_trait::async_trait;

use super::{BearerToken, Rejection};

/// The server's own token, for a server with a single user.
#[async_trait]
pub trait ServerToken: Send + Sync {
    /// Returns a bearer token that is valid now.
    async fn bearer(&self) -> Result<BearerToken, Rejection>;
}

/// What happens to a call without a token. [`Self::Anonymous`] and [`Self::ServerToken`] are accepted on loopback listeners
/// only.
#[derive(Clone)]
pub enum TokenlessPolicy {
    /// It is rejected.
    Reject,
    /// It uses the server's own AWS credentials, within their policy.
    Anonymous,
    /// It is made with the server's own token.
    ServerToken(Arc<dyn ServerToken>),
}

//! What a call that brings no token is: refused, nobody, or the one person whose server this is.

use std::sync::Arc;

use async_trait::async_trait;

use super::{BearerToken, Rejection};

/// The bearer of calls that bring none, on one person's own server.
#[async_trait]
pub trait OwnBearer: Send + Sync {
    /// The bearer for a call made now.
    async fn bearer(&self) -> Result<BearerToken, Rejection>;
}

/// What to do with a call that brings no token. The last two are refused at start unless the listener is loopback.
#[derive(Clone)]
pub enum WithoutToken {
    /// Refuse it.
    Refuse,
    /// Let it act with the server's own credentials, as far as their policy goes.
    Anonymous,
    /// Let it act as the owner of the server's own token.
    Own(Arc<dyn OwnBearer>),
}

//! Verification of opaque tokens by the registry: a token is valid if the registry vends credentials for it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::identity::{AuthenticatedCaller, BearerToken, Caller, Rejection};

/// Why the registry did not verify a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryVerifyError {
    /// Occurs when the registry does not know the token (401).
    Unauthorized(String),
    /// Occurs when the registry knows the token and vends no credentials for it (403).
    Forbidden(String),
    /// Occurs when the registry gives no usable answer.
    Unavailable(String),
}

/// Requests credentials for a caller from the registry. The credentials module implements it, and keeps the credentials for
/// the call that follows.
#[async_trait]
pub trait RegistryVerifier: Send + Sync {
    /// Checks that tokens can be verified now, as far as that is known without a token. The error says why not.
    async fn ready(&self) -> Result<(), String>;

    /// Returns `Ok` if and only if the registry vended credentials for the caller's token.
    async fn verify(&self, caller: &Caller) -> Result<(), RegistryVerifyError>;
}

/// Verifies an opaque token.
pub(super) async fn verify(registry: &dyn RegistryVerifier, token: BearerToken) -> Result<Caller, Rejection> {
    let caller = Caller::Authenticated(Arc::new(AuthenticatedCaller::opaque(token)));
    match registry.verify(&caller).await {
        Ok(()) => Ok(caller),
        Err(RegistryVerifyError::Unauthorized(detail)) => Err(Rejection::invalid(detail)),
        Err(RegistryVerifyError::Forbidden(detail)) => Err(Rejection::Forbidden { detail }),
        Err(RegistryVerifyError::Unavailable(detail)) => Err(Rejection::Unavailable { detail }),
    }
}

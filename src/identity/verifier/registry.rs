//! Opaque bearers: the registry vends credentials for a good one, and that is the proof.

use std::sync::Arc;

use async_trait::async_trait;

use crate::identity::{BearerToken, Caller, ProvedCaller, Rejection};

/// Why the registry did not prove a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It does not know the token (401).
    Unknown(String),
    /// It knows the token and vends nothing for it (403).
    Forbidden(String),
    /// It gave no usable answer.
    Unavailable(String),
}

/// Asks the registry whether it vends credentials for a bearer. Implemented by the room that owns credentials, which
/// keeps what was vended for the call that follows.
#[async_trait]
pub trait RegistryProof: Send + Sync {
    /// `Ok` if and only if the registry vended credentials for this bearer.
    async fn prove(&self, caller: &Caller) -> Result<(), Refusal>;
}

/// Proves an opaque bearer or says why not.
pub(super) async fn verify(registry: &dyn RegistryProof, token: BearerToken) -> Result<Caller, Rejection> {
    let caller = Caller::Proved(Arc::new(ProvedCaller::opaque(token)));
    match registry.prove(&caller).await {
        Ok(()) => Ok(caller),
        Err(Refusal::Unknown(detail)) => Err(Rejection::Invalid { detail }),
        Err(Refusal::Forbidden(detail)) => Err(Rejection::Forbidden { detail }),
        Err(Refusal::Unavailable(detail)) => Err(Rejection::Unavailable { detail }),
    }
}

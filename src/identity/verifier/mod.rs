//! Proves bearers, in the one way that the operator chose.

mod hs256;
mod registry;

use std::sync::Arc;

use super::{BearerToken, Caller, Rejection};

pub use hs256::Hs256;
pub use registry::{Refusal, RegistryProof};

/// The operator's choice of who proves a token.
pub struct Verifier {
    hs256: Option<Hs256>,
    registry: Option<Arc<dyn RegistryProof>>,
}

impl Verifier {
    /// JWTs by signature; API keys by the registry, if there is one.
    #[must_use]
    pub fn hs256(hs256: Hs256, registry: Option<Arc<dyn RegistryProof>>) -> Self {
        Self { hs256: Some(hs256), registry }
    }

    /// Every bearer by the registry. Without a registry nothing can be proved, and every token is answered so.
    #[must_use]
    pub fn registry(registry: Option<Arc<dyn RegistryProof>>) -> Self {
        Self { hs256: None, registry }
    }

    /// Proves a bearer or says why not.
    pub async fn verify(&self, token: BearerToken) -> Result<Caller, Rejection> {
        match (&self.hs256, &self.registry) {
            (Some(hs256), _) if !token.is_api_key() => hs256.verify(token),
            (_, Some(registry)) => registry::verify(registry.as_ref(), token).await,
            (Some(_), None) => Err(Rejection::Invalid {
                detail: String::from("it is a Quilt API key, which only a registry can prove, and none is configured"),
            }),
            (None, None) => Err(Rejection::Unavailable {
                detail: String::from(
                    "this server is configured with neither a registry nor a signing secret that could prove a token",
                ),
            }),
        }
    }
}

//! Proves bearers, in the one way that the operator chose.

mod header;
mod hs256;
mod jwks;
mod registry;

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::{BearerToken, Caller, Fingerprint, Rejection};

/// How long a token counts as one that was proved, and how many of them are remembered.
const PROVED_TTL: Duration = Duration::from_hours(1);
const MAX_PROVED: u64 = 10_000;

pub use hs256::Hs256;
pub use jwks::{Jwks, KeyStore};
pub use registry::{Refusal, RegistryProof};

/// Who proves a bearer that is not an API key.
pub enum Prover {
    /// A shared secret.
    Hs256(Hs256),
    /// The keys that an identity provider publishes.
    Jwks(Jwks),
    /// The registry alone.
    Registry,
}

/// The operator's choice of who proves a token. API keys (`qk_…`) are opaque whatever the choice: only the registry can
/// prove them.
pub struct Verifier {
    prover: Prover,
    registry: Option<Arc<dyn RegistryProof>>,
    /// Opaque tokens that the registry proved in the last hour.
    recent: Cache<Fingerprint, ()>,
}

impl Verifier {
    /// `registry`: absent when none is configured; then what only a registry can prove is not proved.
    #[must_use]
    pub fn new(prover: Prover, registry: Option<Arc<dyn RegistryProof>>) -> Self {
        let recent = Cache::builder()
            .max_capacity(MAX_PROVED)
            .time_to_live(PROVED_TTL)
            .build();
        Self {
            prover,
            registry,
            recent,
        }
    }

    /// Proves a bearer or says why not.
    pub async fn verify(&self, token: BearerToken) -> Result<Caller, Rejection> {
        match (&self.prover, &self.registry) {
            (Prover::Hs256(hs256), _) if !token.is_api_key() => hs256.verify(token),
            (Prover::Jwks(jwks), _) if !token.is_api_key() => jwks.verify(token).await,
            (_, Some(registry)) => {
                let fingerprint = token.fingerprint();
                let verified = registry::verify(registry.as_ref(), token).await;
                match &verified {
                    Ok(_) => self.recent.insert(fingerprint, ()),
                    Err(Rejection::Unavailable { .. }) => {}
                    Err(_) => self.recent.invalidate(&fingerprint),
                }
                verified
            }
            (Prover::Registry, None) => Err(Rejection::Unavailable {
                detail: String::from(
                    "this server is configured with neither a registry nor a key that could prove a token",
                ),
            }),
            (_, None) => Err(Rejection::Invalid {
                detail: String::from("it is a Quilt API key, which only a registry can prove, and none is configured"),
            }),
        }
    }

    /// Whether only the registry can prove this token.
    #[must_use]
    pub fn asks_registry(&self, token: &BearerToken) -> bool {
        token.is_api_key() || matches!(self.prover, Prover::Registry)
    }

    /// Whether the registry proved this token in the last hour, and has not refused it since. Gives no rights: the token is
    /// verified all the same.
    #[must_use]
    pub fn was_proved(&self, token: &BearerToken) -> bool {
        self.recent.contains_key(&token.fingerprint())
    }

    /// Whether tokens can be proved at all right now.
    pub async fn ready(&self) -> Result<(), Rejection> {
        match &self.prover {
            Prover::Jwks(jwks) => jwks.ready().await,
            Prover::Hs256(_) | Prover::Registry => Ok(()),
        }
    }
}

//! Verification of bearer tokens by the method that the operator chose.

mod header;
mod hs256;
mod jwks;
mod registry;

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::{BearerToken, Caller, Fingerprint, Rejection};

/// How long the verifier remembers that the registry verified a token.
const VERIFIED_TTL: Duration = Duration::from_hours(1);
/// Number of tokens that are remembered.
const MAX_VERIFIED: u64 = 10_000;

pub use hs256::Hs256Verifier;
pub use jwks::{JwksVerifier, KeyStore};
pub use registry::{RegistryVerifier, RegistryVerifyError};

/// How tokens other than API keys are verified.
pub enum VerifyMethod {
    Hs256(Hs256Verifier),
    Jwks(Box<JwksVerifier>),
    Registry,
}

/// Verifies bearer tokens. API keys (`qk_…`) are opaque, so that the registry verifies them with every method.
pub struct Verifier {
    method: VerifyMethod,
    registry: Option<Arc<dyn RegistryVerifier>>,
    /// Opaque tokens that the registry verified in the last hour.
    recent: Cache<Fingerprint, ()>,
}

impl Verifier {
    /// Creates a verifier. Without a `registry`, tokens that only a registry can verify are rejected.
    #[must_use]
    pub fn new(method: VerifyMethod, registry: Option<Arc<dyn RegistryVerifier>>) -> Self {
        let recent = Cache::builder()
            .max_capacity(MAX_VERIFIED)
            .time_to_live(VERIFIED_TTL)
            .build();
        Self {
            method,
            registry,
            recent,
        }
    }

    /// Verifies a token and returns its caller.
    pub async fn verify(&self, token: BearerToken) -> Result<Caller, Rejection> {
        match (&self.method, &self.registry) {
            (VerifyMethod::Hs256(hs256), _) if !token.is_api_key() => hs256.verify(token),
            (VerifyMethod::Jwks(jwks), _) if !token.is_api_key() => jwks.verify(token).await,
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
            (VerifyMethod::Registry, None) => Err(Rejection::Unavailable {
                detail: String::from("the server has neither a registry nor a key to verify tokens with"),
            }),
            (_, None) => Err(Rejection::invalid_with(
                "it is a Quilt API key (qk_…), which only a registry can verify, and this server has none",
                "Send a JWT, or ask the operator to set QUILT_REGISTRY_URL or QUILT_CATALOG_URL.",
            )),
        }
    }

    /// Whether only the registry can verify this token.
    #[must_use]
    pub fn needs_registry(&self, token: &BearerToken) -> bool {
        token.is_api_key() || matches!(self.method, VerifyMethod::Registry)
    }

    /// Whether the registry verified this token in the last hour and has not rejected it since. This gives no rights: the
    /// token is verified again for each request.
    #[must_use]
    pub fn verified_recently(&self, token: &BearerToken) -> bool {
        self.recent.contains_key(&token.fingerprint())
    }

    /// Checks that tokens can be verified now.
    pub async fn ready(&self) -> Result<(), Rejection> {
        match (&self.method, &self.registry) {
            (VerifyMethod::Jwks(jwks), _) => jwks.ready().await,
            (VerifyMethod::Registry, Some(registry)) => {
                let ready = registry.ready().await;
                ready.map_err(|detail| Rejection::Unavailable { detail })
            }
            (VerifyMethod::Hs256(_), _) | (VerifyMethod::Registry, None) => Ok(()),
        }
    }
}

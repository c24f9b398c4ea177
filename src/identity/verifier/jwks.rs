//! Verification of JWTs of an identity provider (`RS256`, `ES256` or `EdDSA`) with the keys that it publishes (RFC 7517).

mod key;
mod store;

use std::sync::Arc;

use jsonwebtoken::Algorithm;
pub use store::KeyStore;

use self::key::{UsableKey, Wanted};
use super::header::SignedToken;
use crate::clock::Clock;
use crate::identity::{AuthenticatedCaller, BearerToken, Caller, Expectations, Rejection, VerifyMode};

/// Accepted algorithms. They are asymmetric, so that the keys that verify a token cannot sign one. `EdDSA` has two
/// names (RFC 9864).
const ALGORITHMS: [(&str, Algorithm); 4] = [
    ("RS256", Algorithm::RS256),
    ("ES256", Algorithm::ES256),
    ("EdDSA", Algorithm::EdDSA),
    ("Ed25519", Algorithm::EdDSA),
];

/// Verifies tokens of accepted issuers for accepted audiences.
pub struct JwksVerifier {
    keys: KeyStore,
    expected: Expectations,
    clock: Clock,
}

impl JwksVerifier {
    /// Creates a verifier. Claims must be as expected.
    #[must_use]
    pub fn new(keys: KeyStore, expected: Expectations, clock: Clock) -> Self {
        Self { keys, expected, clock }
    }

    /// Checks that keys are available, and fetches them if necessary.
    pub async fn ready(&self) -> Result<(), Rejection> {
        self.keys.load().await
    }

    /// Verifies a token and returns its caller.
    pub async fn verify(&self, token: BearerToken) -> Result<Caller, Rejection> {
        let signed = SignedToken::parse(&token)?;
        let wanted = Wanted {
            id: signed.key_id.as_deref(),
            algorithm: signed.algorithm(&ALGORITHMS)?,
        };
        // The signature decides between keys that fit equally well.
        let verifies = |key: &Arc<UsableKey>| signed.is_signed_with(&key.key, key.algorithm);
        let mut found = self.keys.find(&wanted).await?;
        if !found.keys.is_empty() && !found.keys.iter().any(verifies) {
            // A key may have been replaced by one of the same name.
            found = self.keys.find_newer(&wanted, found).await?;
        }
        if !found.keys.iter().any(verifies) {
            return Err(found.rejection(&wanted));
        }
        let claims = signed.claims()?;
        let expires_at = claims.check(self.clock.now(), &self.expected)?;
        Ok(Caller::Authenticated(Arc::new(AuthenticatedCaller::signed(
            token,
            VerifyMode::Jwks,
            claims,
            expires_at,
        ))))
    }
}

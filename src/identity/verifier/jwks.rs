//! Verification of JWTs of an identity provider (`RS256`, `ES256` or `EdDSA`) with the keys that it publishes (RFC 7517).

mod key;
mod store;

use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
pub use store::KeyStore;

use super::header;
use crate::clock::Clock;
use crate::identity::{AuthenticatedCaller, BearerToken, Caller, Claims, Rejection, VerifyMode};

/// Accepted algorithms. They are asymmetric, so that the keys that verify a token cannot sign one.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// Verifies tokens of one issuer for one audience.
pub struct JwksVerifier {
    keys: KeyStore,
    issuer: String,
    audience: String,
    clock: Clock,
}

impl JwksVerifier {
    /// Creates a verifier. Tokens must have exactly this issuer, and be for this audience.
    #[must_use]
    pub fn new(keys: KeyStore, issuer: String, audience: String, clock: Clock) -> Self {
        Self {
            keys,
            issuer,
            audience,
            clock,
        }
    }

    /// Checks that keys are available, and fetches them if necessary.
    pub async fn ready(&self) -> Result<(), Rejection> {
        self.keys.load().await
    }

    /// Verifies a token and returns its caller.
    pub async fn verify(&self, token: BearerToken) -> Result<Caller, Rejection> {
        header::reject_critical(&token)?;
        let malformed = || Rejection::Invalid {
            detail: "it is not a well-formed JWT".to_owned(),
        };
        let unsupported = || Rejection::Invalid {
            detail: "its algorithm is not RS256, ES256 or EdDSA, the only ones this server accepts".to_owned(),
        };
        let header = decode_header(token.secret()).map_err(|error| match error.kind() {
            // `none` and unknown algorithms.
            ErrorKind::Json(_) | ErrorKind::InvalidAlgorithmName => unsupported(),
            _ => malformed(),
        })?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(unsupported());
        }
        let key = self.keys.find(header.kid.as_deref(), header.alg).await?;
        // The header's algorithm was checked against the list and the key, and is pinned from here on.
        let mut signature_only = Validation::new(header.alg);
        signature_only.required_spec_claims.clear();
        signature_only.validate_exp = false;
        signature_only.validate_aud = false;
        let claims = decode::<Claims>(token.secret(), &key, &signature_only)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature => Rejection::Invalid {
                    detail: "its signature does not verify".to_owned(),
                },
                _ => malformed(),
            })?
            .claims;
        let expires_at = claims.check(self.clock.now(), Some(&self.issuer), Some(&self.audience))?;
        Ok(Caller::Authenticated(Arc::new(AuthenticatedCaller::signed(
            token,
            VerifyMode::Jwks,
            claims,
            expires_at,
        ))))
    }
}

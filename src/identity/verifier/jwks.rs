//! JWTs of an identity provider: `RS256`, `ES256` or `EdDSA`, checked with the keys that the provider publishes (RFC 7517).

mod key;
mod store;

use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
pub use store::KeyStore;

use super::header;
use crate::clock::Clock;
use crate::identity::{BearerToken, Caller, Claims, Proof, ProvedCaller, Rejection};

/// The algorithms that are accepted: asymmetric ones, so that who can check a token cannot make one.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// Verifies tokens of one issuer for one audience.
pub struct Jwks {
    keys: KeyStore,
    issuer: String,
    audience: String,
    clock: Clock,
}

impl Jwks {
    /// Tokens must carry exactly this issuer, and be for this audience.
    #[must_use]
    pub fn new(keys: KeyStore, issuer: String, audience: String, clock: Clock) -> Self {
        Self {
            keys,
            issuer,
            audience,
            clock,
        }
    }

    /// Whether keys are there; asks for them if not.
    pub async fn ready(&self) -> Result<(), Rejection> {
        self.keys.load().await
    }

    /// Proves a token or says why not.
    pub async fn verify(&self, token: BearerToken) -> Result<Caller, Rejection> {
        header::refuse_critical(&token)?;
        let malformed = || Rejection::Invalid {
            detail: "it is not a well-formed JWT".to_owned(),
        };
        let unsupported = || Rejection::Invalid {
            detail: "its algorithm is none of RS256, ES256 and EdDSA, the only ones this server accepts".to_owned(),
        };
        let header = decode_header(token.secret()).map_err(|error| match error.kind() {
            // `none` and unheard-of names end here.
            ErrorKind::Json(_) | ErrorKind::InvalidAlgorithmName => unsupported(),
            _ => malformed(),
        })?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(unsupported());
        }
        let key = self.keys.find(header.kid.as_deref(), header.alg).await?;
        // The header's algorithm was checked against the list and against the key; from here on it is pinned.
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
        Ok(Caller::Proved(Arc::new(ProvedCaller::signed(
            token,
            Proof::Jwks,
            claims,
            expires_at,
        ))))
    }
}

//! OIDC providers whose tokens `AssumeRoleWithWebIdentity` accepts.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use super::xml::StsError;

/// An OIDC provider that the account trusts.
pub(crate) struct Issuer {
    pub url: String,
    pub audience: String,
    pub keys: JwkSet,
}

impl Issuer {
    /// Returns the ARN by which trust policies name the provider.
    pub(crate) fn arn(&self, account: &str) -> String {
        format!(
            "arn:aws:iam::{account}:oidc-provider/{}",
            self.url.trim_start_matches("https://")
        )
    }

    /// Verifies signature, issuer, audience and expiry of a token.
    pub(crate) fn verify(&self, token: &str) -> Result<(), StsError> {
        let invalid = |why: &str| StsError::new(400, "InvalidIdentityToken", why);
        let header = decode_header(token).map_err(|_| invalid("The ID Token provided is not a valid JWT."))?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA) {
            return Err(invalid("The token's signing algorithm is not supported."));
        }
        let key = header.kid.as_deref().and_then(|id| self.keys.find(id));
        let key = key.and_then(|key| DecodingKey::from_jwk(key).ok());
        let key = key.ok_or_else(|| invalid("Couldn't retrieve verification key from your identity provider"))?;
        let mut validation = Validation::new(header.alg);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.url]);
        validation.set_audience(&[&self.audience]);
        match decode::<Value>(token, &key, &validation) {
            Ok(_) => Ok(()),
            Err(error) if *error.kind() == ErrorKind::ExpiredSignature => {
                Err(StsError::new(400, "ExpiredTokenException", "Token expired"))
            }
            Err(_) => Err(invalid(
                "The token cannot be verified, or is of another issuer or audience.",
            )),
        }
    }
}

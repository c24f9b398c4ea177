//! Verification of JWTs that are signed with a shared secret (HS256, RFC 7515). A second secret is accepted during rotation.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::{ExposeSecret, SecretString};

use super::header::SignedToken;
use crate::clock::Clock;
use crate::identity::{AuthenticatedCaller, BearerToken, Caller, Expectations, Rejection, VerifyMode};

/// The accepted algorithm. It is pinned: a token whose header names another one is rejected.
const ALGORITHMS: [(&str, Algorithm); 1] = [("HS256", Algorithm::HS256)];
/// The remedy for a signature that no secret verifies.
const SAME_SECRET: &str = "Log in again and send the new token; if that does not help, its issuer and this server have different \
                           secrets (MCP_JWT_SECRET).";

/// Verifies the HS256 signature and the claims of tokens.
pub struct Hs256Verifier {
    keys: Vec<DecodingKey>,
    expected: Expectations,
    clock: Clock,
}

impl Hs256Verifier {
    /// Creates a verifier for the `secrets`, the current one first. Claims must be as expected.
    #[must_use]
    pub fn new(secrets: &[SecretString], expected: Expectations, clock: Clock) -> Self {
        let keys = secrets
            .iter()
            // An empty secret is not a key, and verifies nothing.
            .filter_map(|secret| DecodingKey::from_secret(secret.expose_secret().as_bytes()).ok())
            .collect();
        Self { keys, expected, clock }
    }

    /// Verifies a token and returns its caller.
    pub fn verify(&self, token: BearerToken) -> Result<Caller, Rejection> {
        let signed = SignedToken::parse(&token)?;
        let algorithm = signed.algorithm(&ALGORITHMS)?;
        if self.keys.is_empty() {
            return Err(Rejection::invalid("no secret is configured to check it with"));
        }
        if !self.keys.iter().any(|key| signed.is_signed_with(key, algorithm)) {
            return Err(Rejection::invalid_with("its signature does not verify", SAME_SECRET));
        }
        let claims = signed.claims()?;
        let expires_at = claims.check(self.clock.now(), &self.expected)?;
        Ok(Caller::Authenticated(Arc::new(AuthenticatedCaller::signed(
            token,
            VerifyMode::Hs256,
            claims,
            expires_at,
        ))))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD as B64;
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn verifier(secrets: &[&str]) -> Hs256Verifier {
        let secrets: Vec<_> = secrets.iter().map(|s| SecretString::from(*s)).collect();
        let clock = Clock::fixed("2026-11-23T12:00:00Z".parse().unwrap());
        Hs256Verifier::new(&secrets, Expectations::default(), clock)
    }

    fn mint(claims: &Value, secret: &str, alg: Algorithm) -> BearerToken {
        let key = EncodingKey::from_secret(secret.as_bytes()).unwrap();
        BearerToken::parse(&encode(&Header::new(alg), claims, &key).unwrap()).unwrap()
    }

    fn good_claims() -> Value {
        json!({"sub": "alice", "exp": 1_795_500_000})
    }

    #[test]
    fn accepts_current_and_previous_secret_and_no_other() {
        let other = "fedcba9876543210fedcba9876543210";
        let both = verifier(&[SECRET, other]);
        for secret in [SECRET, other] {
            let Ok(Caller::Authenticated(caller)) = both.verify(mint(&good_claims(), secret, Algorithm::HS256)) else {
                panic!("refused");
            };
            assert_eq!(caller.subject(), Some("alice"));
        }
        let refused = verifier(&[other])
            .verify(mint(&good_claims(), SECRET, Algorithm::HS256))
            .unwrap_err();
        assert_eq!(refused.code().as_str(), "invalid_jwt");
    }

    #[test]
    fn a_refusal_says_what_is_wrong_with_the_token() {
        let verifier = verifier(&[SECRET]);
        let other = "fedcba9876543210fedcba9876543210";
        for (token, part) in [
            (
                mint(&good_claims(), other, Algorithm::HS256),
                "its signature does not verify",
            ),
            (
                mint(&good_claims(), SECRET, Algorithm::HS512),
                "its algorithm is HS512, and this server accepts HS256",
            ),
            (BearerToken::parse("a.b.c").unwrap(), "it is not a JWT: its header"),
        ] {
            let refused = verifier.verify(token).unwrap_err().to_string();
            assert!(refused.contains(part), "{part}: {refused}");
        }
    }

    #[test]
    fn the_header_never_chooses_the_algorithm() {
        let verifier = verifier(&[SECRET]);
        for alg in [Algorithm::HS384, Algorithm::HS512] {
            assert!(verifier.verify(mint(&good_claims(), SECRET, alg)).is_err(), "{alg:?}");
        }
        let payload = B64.encode(good_claims().to_string());
        for header in [json!({"alg": "none"}), json!({"alg": "None", "typ": "JWT"}), json!({})] {
            for signature in ["", "x"] {
                let token = format!("{}.{payload}.{signature}", B64.encode(header.to_string()));
                let token = BearerToken::parse(&token).unwrap();
                assert_eq!(verifier.verify(token).unwrap_err().code().as_str(), "invalid_jwt");
            }
        }
    }

    #[test]
    fn critical_extensions_are_refused_however_well_they_are_signed() {
        let key = EncodingKey::from_secret(SECRET.as_bytes()).unwrap();
        let signed = |header: Value| {
            let message = format!(
                "{}.{}",
                B64.encode(header.to_string()),
                B64.encode(good_claims().to_string())
            );
            let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
            verifier(&[SECRET]).verify(BearerToken::parse(&format!("{message}.{signature}")).unwrap())
        };
        assert!(
            signed(json!({ "alg": "HS256", "x-may": 1 })).is_ok(),
            "other members of the header are ignored"
        );
        for crit in [
            json!(["x-must"]),
            json!(["b64"]),
            json!([]),
            json!("x"),
            json!(null),
            json!(7),
        ] {
            let refused = signed(json!({ "alg": "HS256", "b64": true, "crit": crit })).unwrap_err();
            assert_eq!(refused.code(), crate::error_code::ErrorCode::InvalidJwt, "{crit}");
            assert!(refused.to_string().contains("crit"), "{refused}");
        }
    }

    #[test]
    fn a_forged_token_is_not_decoded_unverified_however_it_fails() {
        // The Python server fell back to an unverified decode here.
        let verifier = verifier(&[SECRET]);
        let good = mint(&good_claims(), SECRET, Algorithm::HS256);
        let mut parts: Vec<String> = good.secret().split('.').map(str::to_owned).collect();
        parts[1] = B64.encode(json!({"sub": "mallory", "exp": 1_795_500_000}).to_string());
        assert!(verifier.verify(BearerToken::parse(&parts.join(".")).unwrap()).is_err());
        for mangled in ["a", "a.b", "a.b.c", "a.b.c.d", "..", "eyJhbGciOiJIUzI1NiJ9.."] {
            assert!(
                verifier.verify(BearerToken::parse(mangled).unwrap()).is_err(),
                "{mangled}"
            );
        }
    }
}

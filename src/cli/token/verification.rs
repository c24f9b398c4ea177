//! The verification of a token as a server with the given settings would do it.

use std::time::Duration;

use crate::catalog::{CatalogConfig, HttpOptions};
use crate::cli::fail;
use crate::clock::Clock;
use crate::credentials::TokenView;
use crate::identity::{
    BearerToken, Caller, Claims, Hs256Verifier, JwksVerifier, KeyStore, Rejection, Verifier, VerifyMethod,
};
use crate::identity::{IdentityConfig, VerifyMode};
use crate::resilience::{RetryPolicy, Upstreams};

/// Maximum wait for an identity provider's keys.
const JWKS_TIMEOUT: Duration = Duration::from_secs(5);

/// The result of a verification.
pub(super) struct Verification {
    /// What is known about the signature.
    pub signature: String,
    /// What the server does with the token.
    pub server: String,
    verdict: Verdict,
}

/// What the credential sources learn about the token.
enum Verdict {
    /// The server proves the caller.
    Proved(Caller),
    /// The token is opaque to the server.
    Opaque,
    /// The verification cannot be done here; the server may prove the token.
    Unknown,
    /// The server refuses the token, and no source is asked.
    ReservationError,
}

impl Verification {
    /// An API key, which every server takes as opaque.
    pub(super) fn of_api_key() -> Self {
        Self {
            signature: "none: the token is opaque, and only a registry can prove it".to_owned(),
            server: "asks its registry; the answer is the proof".to_owned(),
            verdict: Verdict::Opaque,
        }
    }

    /// Returns the token as the credential sources see it; `None` if they are not reached.
    pub(super) fn view<'a>(&'a self, claims: Option<&'a Claims>) -> Option<TokenView<'a>> {
        match &self.verdict {
            Verdict::Proved(Caller::Authenticated(caller)) => Some(TokenView::proved(caller)),
            Verdict::Opaque => Some(TokenView::opaque()),
            Verdict::Unknown => claims.map(TokenView::unproved),
            Verdict::Proved(Caller::Anonymous) | Verdict::ReservationError => None,
        }
    }
}

/// Verifies a JWT, and distinguishes the signature from the checks after it.
pub(super) async fn verify(
    identity: &IdentityConfig,
    catalog: &CatalogConfig,
    http: &HttpOptions,
    token: &BearerToken,
    claims: &Claims,
    clock: &Clock,
) -> anyhow::Result<Verification> {
    let (prover, method) = match identity.mode() {
        VerifyMode::Hs256 => (VerifyMethod::Hs256(hs256(identity, clock)), "hs256, MCP_JWT_SECRET"),
        VerifyMode::Jwks => (
            VerifyMethod::Jwks(Box::new(jwks(identity, http, clock).await?)),
            "jwks, MCP_JWT_JWKS_URL",
        ),
        VerifyMode::Registry => return Ok(unchecked(identity, catalog)),
    };
    Ok(match Verifier::new(prover, None).verify(token.clone()).await {
        Ok(caller) => Verification {
            signature: format!("verifies ({method})"),
            server: "takes the token".to_owned(),
            verdict: Verdict::Proved(caller),
        },
        Err(Rejection::Unavailable { detail } | Rejection::NoUsableKey { detail }) => Verification {
            signature: format!("not checked ({method}): {detail}"),
            server: "answers 503 verifier_unavailable while that lasts".to_owned(),
            verdict: Verdict::Unknown,
        },
        Err(rejection) => {
            let checked = claims.check(clock.now(), &identity.expectations());
            // Times, issuer and audience are checked after the signature, and only if it was good.
            let is_signed = checked.err().as_ref() == Some(&rejection);
            let verifies = if is_signed { "verifies" } else { "does not verify" };
            let (status, code) = (rejection.status().as_u16(), rejection.code());
            Verification {
                signature: format!("{verifies} ({method})"),
                server: format!("refuses it with {status} {code}: {rejection}"),
                verdict: Verdict::ReservationError,
            }
        }
    })
}

fn hs256(identity: &IdentityConfig, clock: &Clock) -> Hs256Verifier {
    Hs256Verifier::new(&identity.secrets(), identity.expectations(), clock.clone())
}

async fn jwks(identity: &IdentityConfig, http: &HttpOptions, clock: &Clock) -> anyhow::Result<JwksVerifier> {
    let (Some(url), Some(_), Some(_)) = (&identity.jwt_jwks_url, &identity.jwt_issuer, &identity.jwt_audience) else {
        fail("MCP_JWT_JWKS_URL: needs MCP_JWT_ISSUER and MCP_JWT_AUDIENCE beside it");
    };
    let upstreams = Upstreams::new(clock.clone(), RetryPolicy::default());
    let client = http.unrestricted(JWKS_TIMEOUT)?;
    let keys = KeyStore::at(url.join(""), client, &upstreams, clock.clone()).await;
    Ok(JwksVerifier::new(keys, identity.expectations(), clock.clone()))
}

/// A token that these settings cannot verify: the server is in `registry` mode, or no mode is configured here.
fn unchecked(identity: &IdentityConfig, catalog: &CatalogConfig) -> Verification {
    let hint = "set MCP_JWT_SECRET, or MCP_JWT_JWKS_URL with issuer and audience, to check it";
    let has_registry = catalog.registry_url.is_some() || catalog.catalog().is_ok_and(|url| url.is_some());
    if has_registry || identity.verify.is_some() {
        return Verification {
            signature: format!("not checked: in `registry` mode the token is opaque; {hint}"),
            server: "asks its registry; the answer is the proof".to_owned(),
            verdict: Verdict::Opaque,
        };
    }
    Verification {
        signature: format!("not checked: {hint}"),
        server: "unknown: neither a secret, a key set nor a registry is configured here".to_owned(),
        verdict: Verdict::Unknown,
    }
}

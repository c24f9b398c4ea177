//! `quilt-mcp token inspect`: what a token says, whether it verifies, and what a server would do with it.
//!
//! The settings are those of `serve`, so that the answer is that of a server which has them. The token is sent to nobody;
//! in `jwks` mode the issuer's public keys are fetched.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use jiff::Timestamp;

use super::jwt::{Unproved, take_apart};
use super::shown;
use super::steps::{self, Knows};
use super::times::beside;
use crate::catalog::{CatalogConfig, http_client};
use crate::cli::fail;
use crate::clock::Clock;
use crate::credentials::RightsConfig;
use crate::identity::{
    BearerToken, Claims, Hs256, IdentityConfig, Jwks, KeyStore, Prover, Rejection, Verifier, VerifyMode,
};
use crate::upstream::{Upstreams, Waits};

/// Nothing longer is read: it could not be a bearer.
const MAX_INPUT: u64 = 64 * 1024;
/// Longest wait for an identity provider's keys.
const JWKS_TIMEOUT: Duration = Duration::from_secs(5);

/// The token, and the settings of the server that would be given it.
#[derive(Debug, clap::Args)]
pub struct InspectArgs {
    /// The token, or `-` to read it from standard input, where no other user of the machine can see it
    token: secrecy::SecretString,
    #[command(flatten)]
    identity: IdentityConfig,
    #[command(flatten)]
    catalog: CatalogConfig,
    #[command(flatten)]
    rights: RightsConfig,
}

/// What came of verifying.
struct Proof {
    signature: String,
    server: String,
    /// `None`: the server refuses the token, and no step is reached.
    knows: Option<Knows>,
}

pub(super) async fn run(args: &InspectArgs, clock: &Clock) -> anyhow::Result<()> {
    let token = token(args)?;
    let parts = if token.is_api_key() { None } else { take_apart(&token) };
    if parts.is_none() && !token.is_api_key() {
        fail("this is neither a JWT (three parts with dots between them) nor a Quilt API key (qk_…)");
    }
    let claims = parts.as_ref().map(|parts| Claims::from(parts.claims.clone()));
    let proof = match &claims {
        Some(claims) => prove(args, &token, claims, clock).await?,
        None => Proof {
            signature: "none: the token is opaque, and only a registry can prove it".to_owned(),
            server: "asks its registry; the answer is the proof".to_owned(),
            knows: Some(Knows::Nothing),
        },
    };
    let report = report(args, &token, parts.as_ref(), claims.as_ref(), &proof, clock.now());
    std::io::stdout()
        .lock()
        .write_all(shown::printable(&report).as_bytes())?;
    Ok(())
}

fn report(
    args: &InspectArgs,
    token: &BearerToken,
    parts: Option<&Unproved>,
    claims: Option<&Claims>,
    proof: &Proof,
    now: Timestamp,
) -> String {
    let mut text = String::new();
    let kind = if parts.is_some() { "JWT" } else { "Quilt API key" };
    let _ = writeln!(text, "token      {kind}; in logs it is called {}", token.fingerprint());
    let _ = writeln!(text, "signature  {}", proof.signature);
    let _ = writeln!(text, "server     {}", proof.server);
    if let Some(parts) = parts {
        let _ = writeln!(text, "expiry     {}", expiry(parts, now));
        let _ = writeln!(text, "\nheader\n{}", shown::json(&parts.header));
        let _ = writeln!(text, "\nclaims\n{}", shown::json(&parts.claims));
    }
    let _ = writeln!(
        text,
        "\ncredential steps, of which the first that gives credentials counts"
    );
    let Some(knows) = proof.knows else {
        let _ = writeln!(text, "none is reached: the server refuses the token before");
        return text;
    };
    let first = steps::jwt(claims, knows, &args.rights, now);
    let second = steps::catalog(claims, knows, &args.catalog);
    let third = steps::ambient(&first, &second, &args.rights);
    let _ = writeln!(
        text,
        "1 jwt      {}\n2 catalog  {}\n3 ambient  {third}",
        first.says, second.says
    );
    text
}

/// The token, from the command line or standard input, with or without `Bearer` before it.
fn token(args: &InspectArgs) -> anyhow::Result<BearerToken> {
    use secrecy::ExposeSecret as _;
    let mut text = args.token.expose_secret().to_owned();
    if text == "-" {
        text.clear();
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(MAX_INPUT).read_to_end(&mut bytes)?;
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    let text = text.trim();
    let text = match text.split_once(char::is_whitespace) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => text,
    };
    Ok(BearerToken::parse(text).unwrap_or_else(|_| match text {
        "" => fail("no token was given"),
        _ => fail("this is not a token: it has characters that no bearer token has (RFC 6750), or is too long"),
    }))
}

/// When the token ends; the check of `exp` alone, by the rule that the server has for it.
fn expiry(parts: &Unproved, now: Timestamp) -> String {
    let exp = parts
        .claims
        .get_key_value("exp")
        .map(|(name, value)| (name.clone(), value.clone()));
    match Claims::from(exp.into_iter().collect::<serde_json::Map<_, _>>()).check(now, None, None) {
        Ok(at) | Err(Rejection::Expired { at }) => beside(at, now),
        Err(Rejection::Invalid { detail }) => format!("none that counts: {detail}"),
        Err(other) => other.to_string(),
    }
}

/// Proves a JWT as the server would, and tells the signature apart from what is checked after it.
async fn prove(args: &InspectArgs, token: &BearerToken, claims: &Claims, clock: &Clock) -> anyhow::Result<Proof> {
    let (identity, mode) = (&args.identity, args.identity.mode());
    let (issuer, audience) = (identity.jwt_issuer.clone(), identity.jwt_audience.clone());
    let checked = claims.check(clock.now(), issuer.as_deref(), audience.as_deref());
    let prover = match mode {
        VerifyMode::Hs256 => Prover::Hs256(Hs256::new(&identity.secrets(), issuer, audience, clock.clone())),
        VerifyMode::Jwks => {
            let (Some(url), Some(issuer), Some(audience)) = (&identity.jwt_jwks_url, issuer, audience) else {
                fail("MCP_JWT_JWKS_URL: needs MCP_JWT_ISSUER and MCP_JWT_AUDIENCE beside it");
            };
            let upstreams = Upstreams::new(clock.clone(), Waits::default());
            let keys = KeyStore::at(url.join(""), http_client(JWKS_TIMEOUT)?, &upstreams, clock.clone()).await;
            Prover::Jwks(Jwks::new(keys, issuer, audience, clock.clone()))
        }
        VerifyMode::Registry => return Ok(unchecked(args)),
    };
    let by = if mode == VerifyMode::Hs256 {
        "hs256, MCP_JWT_SECRET"
    } else {
        "jwks, MCP_JWT_JWKS_URL"
    };
    let verified = Verifier::new(prover, None).verify(token.clone()).await;
    Ok(match verified {
        Ok(_) => Proof {
            signature: format!("verifies ({by})"),
            server: "takes the token".to_owned(),
            knows: Some(Knows::Proved(mode)),
        },
        Err(Rejection::Unavailable { detail }) => Proof {
            signature: format!("not checked ({by}): {detail}"),
            server: "answers 503 verifier_unavailable while that lasts".to_owned(),
            knows: Some(Knows::Untold),
        },
        Err(rejection) => {
            // Times, issuer and audience are looked at after the signature, and only if it was good.
            let is_signed = checked.as_ref().err() == Some(&rejection);
            let signature = if is_signed {
                format!("verifies ({by})")
            } else {
                format!("does not verify ({by})")
            };
            let (status, code) = (rejection.status().as_u16(), rejection.code());
            Proof {
                signature,
                server: format!("refuses it with {status} {code}: {rejection}"),
                knows: None,
            }
        }
    })
}

/// A server that takes every token as opaque, or nothing that tells which server it would be.
fn unchecked(args: &InspectArgs) -> Proof {
    let hint = "set MCP_JWT_SECRET, or MCP_JWT_JWKS_URL with issuer and audience, to check it";
    let has_registry = args.catalog.registry_url.is_some() || args.catalog.catalog().is_ok_and(|url| url.is_some());
    if has_registry || args.identity.verify.is_some() {
        return Proof {
            signature: format!("not checked: in `registry` mode the token is opaque; {hint}"),
            server: "asks its registry; the answer is the proof".to_owned(),
            knows: Some(Knows::Nothing),
        };
    }
    Proof {
        signature: format!("not checked: {hint}"),
        server: "not told: neither a secret, a key set nor a registry is configured here".to_owned(),
        knows: Some(Knows::Untold),
    }
}

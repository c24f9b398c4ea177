//! `quilt-mcp token inspect`: the contents of a token, its verification, and what a server would do with it.
//!
//! The settings are those of `serve`, and the explanation is that of a server with these settings. The token is sent
//! nowhere; in `jwks` mode the issuer's public keys are fetched.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};

use jiff::Timestamp;

use super::jwt::{Unproved, decode};
use super::redaction;
use super::steps;
use super::times::beside;
use super::verification::{Verification, verify};
use crate::aws::AwsConfig;
use crate::catalog::{CatalogConfig, HttpOptions};
use crate::cli::fail;
use crate::clock::Clock;
use crate::credentials::RightsConfig;
use crate::identity::IdentityConfig;
use crate::identity::{BearerToken, Claims, Expectations, Rejection};

/// A bearer token cannot be longer, so nothing beyond is read.
const MAX_INPUT: u64 = 64 * 1024;

/// The token, and the settings of the server that it is for.
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
    #[command(flatten)]
    aws: AwsConfig,
}

pub(super) async fn run(args: &InspectArgs, clock: &Clock) -> anyhow::Result<()> {
    let token = token(args)?;
    let parts = if token.is_api_key() { None } else { decode(&token) };
    if parts.is_none() && !token.is_api_key() {
        fail("this is neither a JWT (three parts with dots between them) nor a Quilt API key (qk_…)");
    }
    let claims = parts.as_ref().map(|parts| Claims::from(parts.claims.clone()));
    let verification = match &claims {
        Some(claims) => {
            let roots = args.aws.extra_roots().unwrap_or_else(|error| fail(&error.to_string()));
            let http = HttpOptions { roots, use_proxy: true };
            verify(&args.identity, &args.catalog, &http, &token, claims, clock).await?
        }
        None => Verification::of_api_key(),
    };
    let mut text = contents(&token, parts.as_ref(), &verification, clock.now());
    text.push_str("\ncredential steps, of which the first that gives credentials counts\n");
    match verification.view(claims.as_ref()) {
        Some(view) => text.push_str(&steps::explain(&args.catalog, &args.rights, &view, clock).await?),
        None => text.push_str("none is reached: the server refuses the token before\n"),
    }
    std::io::stdout()
        .lock()
        .write_all(redaction::printable(&text).as_bytes())?;
    Ok(())
}

/// Describes the token and its verification.
fn contents(token: &BearerToken, parts: Option<&Unproved>, verification: &Verification, now: Timestamp) -> String {
    let mut text = String::new();
    let kind = if parts.is_some() { "JWT" } else { "Quilt API key" };
    let _ = writeln!(text, "token      {kind}; in logs it is called {}", token.fingerprint());
    let _ = writeln!(text, "signature  {}", verification.signature);
    let _ = writeln!(text, "server     {}", verification.server);
    if let Some(parts) = parts {
        let _ = writeln!(text, "expiry     {}", expiry(parts, now));
        let _ = writeln!(text, "\nheader\n{}", redaction::json(&parts.header));
        let _ = writeln!(text, "\nclaims\n{}", redaction::json(&parts.claims));
    }
    text
}

/// Reads the token from the command line or standard input, with or without `Bearer` before it.
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

/// Describes when the token expires, by the server's check of `exp` alone.
fn expiry(parts: &Unproved, now: Timestamp) -> String {
    let exp = parts
        .claims
        .get_key_value("exp")
        .map(|(name, value)| (name.clone(), value.clone()));
    match Claims::from(exp.into_iter().collect::<serde_json::Map<_, _>>()).check(now, &Expectations::default()) {
        Ok(at) | Err(Rejection::Expired { at }) => beside(at, now),
        Err(Rejection::Invalid { detail, .. }) => format!("none that counts: {detail}"),
        Err(other) => other.to_string(),
    }
}

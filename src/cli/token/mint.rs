//! `quilt-mcp token mint`: a new HS256 token from flags, or the token of quilt3's login.
//!
//! **Invariant:** standard output receives the token and nothing else; its description goes to standard error.

use std::io::Write as _;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use super::login::{self, Login};
use super::times::{beside, ttl};
use super::{jwt, note};
use crate::cli::fail;
use crate::clock::Clock;
use crate::credentials::RolePattern;
use crate::identity::{BearerToken, MIN_SECRET_BYTES, sign_hs256};
use crate::setting::{BaseUrl, ConfigError};

/// Lifetime of a token without `--ttl`.
const DEFAULT_TTL: SignedDuration = SignedDuration::from_hours(1);

/// The contents of the token.
#[derive(Debug, clap::Args)]
pub struct MintArgs {
    /// Make a token from quilt3's current login: with a secret a new token that carries quilt3's access token for the
    /// registry, without one quilt3's access token itself, for servers in `registry` mode
    #[arg(long)]
    from_quilt3: bool,
    /// Subject of the token; with `--from-quilt3` by default that of quilt3's access token
    #[arg(long, required_unless_present = "from_quilt3")]
    sub: Option<String>,
    /// Role for the server to assume, if it is on its `QUILT_MCP_ASSUMABLE_ROLES`
    #[arg(long, value_parser = role_arn)]
    role_arn: Option<String>,
    /// Bearer for the server to send to the registry
    #[arg(long, conflicts_with = "from_quilt3")]
    catalog_token: Option<SecretString>,
    /// Catalog that the token belongs to; with `--from-quilt3` the one that quilt3 must be configured for
    #[arg(long)]
    catalog_url: Option<BaseUrl>,
    /// Registry that the token belongs to; with `--from-quilt3` the one that quilt3 must be logged in to
    #[arg(long)]
    registry_url: Option<BaseUrl>,
    /// Lifetime of the token: a number with s, m, h or d [default: 1h]
    #[arg(long, value_parser = ttl)]
    ttl: Option<SignedDuration>,
    /// Secret to sign with, at least 32 bytes: the server's `MCP_JWT_SECRET`
    #[arg(long, visible_alias = "jwt-secret", env = "MCP_JWT_SECRET", hide_env_values = true)]
    secret: Option<SecretString>,
    /// A further claim as `name=value`, which may be repeated and replaces one of the same name; the value is JSON, or else
    /// a string
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, Value)>,
    /// The configured registry, which quilt3's login must be at
    #[arg(long, env = "QUILT_REGISTRY_URL", hide = true)]
    configured_registry: Option<BaseUrl>,
    /// The configured catalog, which quilt3 must be configured for
    #[arg(long, env = "QUILT_CATALOG_URL", hide = true)]
    configured_catalog: Option<BaseUrl>,
    /// Directory of the user's data, which contains that of quilt3
    #[arg(long, env = "XDG_DATA_HOME", hide = true)]
    xdg_data_home: Option<PathBuf>,
}

pub(super) fn run(args: &MintArgs, clock: &Clock) -> anyhow::Result<()> {
    let now = clock.now();
    let token = if args.from_quilt3 {
        from_login(args, now)?
    } else {
        from_flags(args, now)?
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", token.secret())?;
    out.flush()?;
    Ok(())
}

fn from_flags(args: &MintArgs, now: Timestamp) -> anyhow::Result<BearerToken> {
    let Some(secret) = &args.secret else {
        fail("MCP_JWT_SECRET: is not set; expected the secret to sign with, here or as --secret");
    };
    let catalog_token = args.catalog_token.as_ref().map(|token| {
        BearerToken::parse(token.expose_secret())
            .unwrap_or_else(|_| fail("--catalog-token: is not of the form that a bearer token has (RFC 6750)"))
    });
    let subject = args.sub.clone().unwrap_or_default();
    let mut claims = claims(args, subject, now, now.saturating_add(args.ttl.unwrap_or(DEFAULT_TTL))?);
    add(
        &mut claims,
        "catalog_token",
        catalog_token.as_ref().map(BearerToken::secret),
    );
    add(&mut claims, "catalog_url", args.catalog_url.as_ref());
    add(&mut claims, "registry_url", args.registry_url.as_ref());
    signed(claims, args, secret)
}

fn from_login(args: &MintArgs, now: Timestamp) -> anyhow::Result<BearerToken> {
    let login = login::current(&login::directory(args.xdg_data_home.as_deref())?, now)?;
    let (registry, catalog) = (Some(&login.registry), login.catalog.as_ref());
    login::must_be(registry, "--registry-url", args.registry_url.as_ref())?;
    login::must_be(catalog, "--catalog-url", args.catalog_url.as_ref())?;
    login::must_be(registry, "QUILT_REGISTRY_URL", args.configured_registry.as_ref())?;
    login::must_be(catalog, "QUILT_CATALOG_URL", args.configured_catalog.as_ref())?;
    let Login {
        registry,
        catalog,
        access_token,
        expires_at,
    } = login;

    let Some(secret) = &args.secret else {
        if args.sub.is_some() || args.role_arn.is_some() || args.ttl.is_some() || !args.claims.is_empty() {
            fail(
                "without MCP_JWT_SECRET or --secret quilt3's access token is printed as it is, and no flag can change it",
            );
        }
        note(&format!(
            "this is quilt3's own access token for {registry}, good until {}; it works with a server in `registry` mode \
             that is configured for this registry",
            beside(expires_at, now)
        ));
        return Ok(access_token);
    };
    let subject = args
        .sub
        .clone()
        .or_else(|| jwt::subject(&access_token))
        .unwrap_or_else(|| {
            fail("quilt3's access token has no subject; give --sub");
        });
    // The registry accepts the embedded token no longer than that.
    let ends = now.saturating_add(args.ttl.unwrap_or(DEFAULT_TTL))?.min(expires_at);
    let mut claims = claims(args, subject, now, ends);
    add(&mut claims, "catalog_token", Some(access_token.secret()));
    add(&mut claims, "catalog_url", catalog.as_ref());
    add(&mut claims, "registry_url", Some(&registry));
    let token = signed(claims, args, secret)?;
    note(&format!(
        "this is a new HS256 token that carries quilt3's access token for {registry}, good until {}; it works with a \
         server in `hs256` mode that has this secret and may ask this registry",
        beside(ends, now)
    ));
    Ok(token)
}

/// Returns the claims of every minted token.
fn claims(args: &MintArgs, subject: String, now: Timestamp, ends: Timestamp) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), subject.into());
    claims.insert("iat".to_owned(), now.as_second().into());
    claims.insert("exp".to_owned(), ends.as_second().into());
    add(&mut claims, "role_arn", args.role_arn.as_ref());
    claims
}

fn add(claims: &mut Map<String, Value>, name: &str, value: Option<impl ToString>) {
    if let Some(value) = value {
        claims.insert(name.to_owned(), value.to_string().into());
    }
}

fn signed(mut claims: Map<String, Value>, args: &MintArgs, secret: &SecretString) -> anyhow::Result<BearerToken> {
    let length = secret.expose_secret().len();
    if length < MIN_SECRET_BYTES {
        let problem = format!("has {length} bytes; expected at least {MIN_SECRET_BYTES} random ones");
        fail(&ConfigError::new("MCP_JWT_SECRET", problem).to_string());
    }
    claims.extend(args.claims.iter().cloned());
    let token = sign_hs256(&Value::Object(claims), secret)?;
    Ok(BearerToken::parse(&token).unwrap_or_else(|_| fail("the claims are too long for a bearer token")))
}

/// Parses the ARN of one role, by the rules of the server's list of assumable roles.
fn role_arn(text: &str) -> Result<String, String> {
    let _: RolePattern = text.parse()?;
    if text.contains('*') {
        Err(format!("`{text}` is a pattern; expected the ARN of one role"))
    } else {
        Ok(text.into())
    }
}

/// Parses `name=value`; the value is JSON, or else a string.
fn claim(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or("expected name=value")?;
    Ok((
        name.to_owned(),
        serde_json::from_str(value).unwrap_or_else(|_| value.into()),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_is_json_or_else_a_string() {
        for (text, value) in [
            ("n=1", json!(1)),
            ("n=true", json!(true)),
            ("n=[\"a\"]", json!(["a"])),
            ("n={\"k\":\"v\"}", json!({"k": "v"})),
            ("n=alice", json!("alice")),
            ("n=\"1\"", json!("1")),
            ("n=a=b", json!("a=b")),
            ("n=", json!("")),
        ] {
            assert_eq!(claim(text), Ok(("n".to_owned(), value)), "{text}");
        }
        assert!(claim("=x").is_err() && claim("x").is_err());
    }
}

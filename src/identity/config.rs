//! Settings of token verification. The operator chooses the method; the token has no influence on it.

mod published_secrets;

use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

use self::published_secrets::is_published;
use crate::setting::{BaseUrl, ConfigError, parse};

/// Minimum length of an HS256 secret: that of the hash (RFC 7518 section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// How a bearer token is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum VerifyMode {
    /// As a JWT signed with a shared secret.
    Hs256,
    /// As a JWT signed with a key that an identity provider publishes.
    Jwks,
    /// As an opaque token for which the registry vends credentials.
    Registry,
}

impl VerifyMode {
    /// Returns the value of `QUILT_MCP_VERIFY`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "hs256",
            Self::Jwks => "jwks",
            Self::Registry => "registry",
        }
    }
}

/// A comma-separated list of values of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedValues(Vec<String>);

impl FromStr for AcceptedValues {
    type Err = String;

    /// Outer white space of each value is cut, and empty ones are left out.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let values = text.split(',').map(str::trim).filter(|value| !value.is_empty());
        Ok(Self(values.map(str::to_owned).collect()))
    }
}

/// The claims that a token must have to be accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectations {
    /// Accepted issuers; empty if any is.
    pub issuers: Vec<String>,
    /// Accepted audiences; empty if any is.
    pub audiences: Vec<String>,
    /// Whether the client of an access token without an audience counts as its audience.
    pub accepts_client_id: bool,
}

#[derive(Debug, Clone, Default, clap::Args)]
pub struct IdentityConfig {
    /// Shared secret that signs HS256 tokens, at least 32 bytes
    #[arg(long = "jwt-secret", env = "MCP_JWT_SECRET", hide_env_values = true, value_parser = parse::secret)]
    pub jwt_secret: Option<SecretString>,
    /// Alias of `MCP_JWT_SECRET`
    #[arg(long, env = "MCP_ENHANCED_JWT_SECRET", hide = true, hide_env_values = true, value_parser = parse::secret)]
    pub enhanced_jwt_secret: Option<SecretString>,
    /// Previous shared secret during a rotation; tokens signed with it are still accepted
    #[arg(long, env = "MCP_JWT_SECRET_PREVIOUS", hide_env_values = true, value_parser = parse::secret)]
    pub jwt_secret_previous: Option<SecretString>,
    /// URL of the JSON Web Key Set of an identity provider; its `RS256`, `ES256` and `EdDSA` tokens are accepted
    #[arg(long = "jwt-jwks-url", env = "MCP_JWT_JWKS_URL")]
    pub jwt_jwks_url: Option<BaseUrl>,
    /// Comma-separated list of accepted `iss` claims, matched exactly; must be set with `MCP_JWT_JWKS_URL`
    #[arg(long = "jwt-issuer", env = "MCP_JWT_ISSUER")]
    pub jwt_issuer: Option<AcceptedValues>,
    /// Comma-separated list of accepted audiences, of which the `aud` claim must contain one exactly; must be set with
    /// `MCP_JWT_JWKS_URL`. In `jwks` mode a token without `aud` whose `token_use` is `access` (Amazon Cognito) is accepted by
    /// its `client_id`
    #[arg(long = "jwt-audience", env = "MCP_JWT_AUDIENCE")]
    pub jwt_audience: Option<AcceptedValues>,
    /// How tokens are verified: `hs256`, `jwks` or `registry`. Default: `hs256` if `MCP_JWT_SECRET` is set, else `jwks` if
    /// `MCP_JWT_JWKS_URL` is set, else `registry`
    #[arg(long, env = "QUILT_MCP_VERIFY", value_enum)]
    pub verify: Option<VerifyMode>,
}

impl IdentityConfig {
    /// Returns the mode from `QUILT_MCP_VERIFY`, or the one that the other settings imply.
    #[must_use]
    pub fn mode(&self) -> VerifyMode {
        let implied = if !self.secrets().is_empty() {
            VerifyMode::Hs256
        } else if self.jwt_jwks_url.is_some() {
            VerifyMode::Jwks
        } else {
            VerifyMode::Registry
        };
        self.verify.unwrap_or(implied)
    }

    /// Returns the HS256 secrets, the current one first.
    #[must_use]
    pub fn secrets(&self) -> Vec<SecretString> {
        let current = self.jwt_secret.clone().or_else(|| self.enhanced_jwt_secret.clone());
        current.into_iter().chain(self.jwt_secret_previous.clone()).collect()
    }

    /// Returns the claims that a token must have.
    #[must_use]
    pub fn expectations(&self) -> Expectations {
        let values =
            |accepted: &Option<AcceptedValues>| accepted.as_ref().map_or_else(Vec::new, |values| values.0.clone());
        Expectations {
            issuers: values(&self.jwt_issuer),
            audiences: values(&self.jwt_audience),
            accepts_client_id: self.mode() == VerifyMode::Jwks,
        }
    }

    /// Rejects secrets that are too short or published, and modes that lack a setting.
    pub fn check(&self) -> Result<(), ConfigError> {
        let named = [
            ("MCP_JWT_SECRET", &self.jwt_secret),
            ("MCP_ENHANCED_JWT_SECRET", &self.enhanced_jwt_secret),
            ("MCP_JWT_SECRET_PREVIOUS", &self.jwt_secret_previous),
        ];
        for (variable, secret) in named {
            let Some(secret) = secret.as_ref().map(ExposeSecret::expose_secret) else {
                continue;
            };
            if is_published(secret) {
                let problem = "is a secret that was published with an earlier server or its documents, so anyone can sign \
                               tokens with it; expected one that is known to this server and its issuer only, such as the \
                               output of `openssl rand -base64 48`";
                return Err(ConfigError::new(variable, problem));
            }
            let length = secret.len();
            if length < MIN_SECRET_BYTES {
                let problem = format!("has {length} bytes; expected at least {MIN_SECRET_BYTES} random bytes");
                return Err(ConfigError::new(variable, problem));
            }
        }
        if self.jwt_secret.is_none() && self.enhanced_jwt_secret.is_none() && self.jwt_secret_previous.is_some() {
            let problem = "is set without MCP_JWT_SECRET; expected the current secret in MCP_JWT_SECRET";
            return Err(ConfigError::new("MCP_JWT_SECRET_PREVIOUS", problem));
        }
        for (variable, values) in [
            ("MCP_JWT_ISSUER", &self.jwt_issuer),
            ("MCP_JWT_AUDIENCE", &self.jwt_audience),
        ] {
            if values.as_ref().is_some_and(|values| values.0.is_empty()) {
                return Err(ConfigError::new(
                    variable,
                    "has no value; expected one, or several with commas between them",
                ));
            }
        }
        if self.mode() == VerifyMode::Jwks {
            let Some(url) = &self.jwt_jwks_url else {
                return Err(ConfigError::new(
                    "QUILT_MCP_VERIFY",
                    "is jwks, which needs MCP_JWT_JWKS_URL",
                ));
            };
            if !url.is_safe_for_tokens() {
                let problem = format!(
                    "`{url}` is not encrypted, so its keys could be forged; expected https, or http on loopback only"
                );
                return Err(ConfigError::new("MCP_JWT_JWKS_URL", problem));
            }
            for (variable, value) in [
                ("MCP_JWT_ISSUER", &self.jwt_issuer),
                ("MCP_JWT_AUDIENCE", &self.jwt_audience),
            ] {
                if value.is_none() {
                    return Err(ConfigError::new(
                        variable,
                        "is not set, but required by MCP_JWT_JWKS_URL",
                    ));
                }
            }
        }
        match self.verify {
            Some(VerifyMode::Hs256) if self.secrets().is_empty() => Err(ConfigError::new(
                "QUILT_MCP_VERIFY",
                "is hs256, which needs MCP_JWT_SECRET",
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_secret(text: &str) -> IdentityConfig {
        IdentityConfig {
            jwt_secret: Some(SecretString::from(text)),
            ..Default::default()
        }
    }

    #[test]
    fn a_short_secret_is_named_but_not_shown() {
        let error = with_secret("hunter2").check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "MCP_JWT_SECRET: has 7 bytes; expected at least 32 random bytes"
        );
    }

    #[test]
    fn the_mode_follows_from_what_is_configured() {
        assert_eq!(with_secret(&"x".repeat(32)).mode(), VerifyMode::Hs256);
        assert_eq!(IdentityConfig::default().mode(), VerifyMode::Registry);
        let forced = IdentityConfig {
            verify: Some(VerifyMode::Registry),
            ..with_secret(&"x".repeat(32))
        };
        assert_eq!(forced.mode(), VerifyMode::Registry);
    }

    #[test]
    fn values_are_a_list_without_outer_white_space() {
        let parsed = |text: &str| text.parse::<AcceptedValues>().unwrap().0;
        assert_eq!(parsed(" https://a/ ,\tb c,,"), ["https://a/", "b c"]);
        assert!(parsed(" , ").is_empty());
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", with_secret("canary-secret-canary-secret-canary"));
        assert!(!shown.contains("canary"), "{shown}");
    }
}

//! Settings of the endpoint: OAuth metadata and limits of requests.

use super::rate::RateLimit;
use crate::identity::VerifyMode;
use crate::setting::{BaseUrl, ConfigError, parse};

/// Which methods need a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RequireAuth {
    /// Methods that access data; discovery needs none.
    Calls,
    /// All methods; OAuth clients log in on the 401 of the first request.
    All,
}

/// This server as an OAuth 2.1 resource server (RFC 9728).
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ResourceServerConfig {
    /// Comma-separated issuers at which OAuth clients log in, for the RFC 9728 metadata; requires `jwks`
    #[arg(long, env = "QUILT_MCP_AUTHORIZATION_SERVERS", value_delimiter = ',')]
    pub authorization_servers: Vec<String>,
    /// Comma-separated scopes that OAuth clients request from the issuer
    #[arg(long, env = "QUILT_MCP_SCOPES", value_delimiter = ',')]
    pub scopes: Vec<String>,
    /// Which methods need a token: `calls` (those that access data) or `all`. Default: `all` if
    /// `QUILT_MCP_AUTHORIZATION_SERVERS` is set, else `calls`
    #[arg(long, env = "QUILT_MCP_REQUIRE_AUTH", value_enum)]
    pub require_auth: Option<RequireAuth>,
}

impl ResourceServerConfig {
    /// Returns which methods need a token, by the setting or its default.
    #[must_use]
    pub fn required(&self) -> RequireAuth {
        let implied = if self.authorization_servers.is_empty() {
            RequireAuth::Calls
        } else {
            RequireAuth::All
        };
        self.require_auth.unwrap_or(implied)
    }

    /// Rejects metadata that clients cannot use, and issuers whose tokens are not accepted.
    pub fn check(&self, mode: VerifyMode) -> Result<(), ConfigError> {
        const SERVERS: &str = "QUILT_MCP_AUTHORIZATION_SERVERS";
        const SCOPES: &str = "QUILT_MCP_SCOPES";
        if self.authorization_servers.is_empty() {
            let problem = "is set without QUILT_MCP_AUTHORIZATION_SERVERS; expected the issuers of these scopes in it";
            return if self.scopes.is_empty() {
                Ok(())
            } else {
                Err(ConfigError::new(SCOPES, problem))
            };
        }
        if mode != VerifyMode::Jwks {
            let problem = "requires tokens of an identity provider (MCP_JWT_JWKS_URL, QUILT_MCP_VERIFY=jwks)";
            return Err(ConfigError::new(SERVERS, problem));
        }
        for issuer in &self.authorization_servers {
            let url: BaseUrl = issuer
                .parse()
                .map_err(|problem: String| ConfigError::new(SERVERS, problem))?;
            if !url.is_safe_for_tokens() {
                let problem =
                    format!("logins at `{url}` would be unencrypted; expected https, or http on loopback only");
                return Err(ConfigError::new(SERVERS, problem));
            }
        }
        for scope in &self.scopes {
            // RFC 6749 section 3.3.
            if scope.is_empty() || !scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\') {
                let problem =
                    format!("`{scope}` is not a scope; expected a comma-separated list such as openid,quilt.read");
                return Err(ConfigError::new(SCOPES, problem));
            }
            if scope == "offline_access" {
                let problem = "contains offline_access, which a client requests from the issuer by itself; remove it";
                return Err(ConfigError::new(SCOPES, problem));
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, clap::Args)]
pub struct LimitsConfig {
    /// Maximum size of a request body
    #[arg(long, env = "QUILT_MCP_MAX_BODY", default_value = "8MiB", value_parser = parse::bytes)]
    pub max_body: usize,
    /// Maximum number of requests in flight; further requests are answered with 429
    #[arg(long, env = "QUILT_MCP_MAX_IN_FLIGHT", default_value = "256", value_parser = parse::count)]
    pub max_in_flight: usize,
    /// Maximum rate of calls of one caller, such as `10/s`, `600/min` or `off`; further calls are answered with 429
    #[arg(long, env = "QUILT_MCP_RATE_LIMIT", default_value = "600/min")]
    pub rate_limit: RateLimit,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(servers: &[&str], scopes: &[&str]) -> ResourceServerConfig {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        ResourceServerConfig {
            authorization_servers: owned(servers),
            scopes: owned(scopes),
            require_auth: None,
        }
    }

    #[test]
    fn a_login_is_required_where_one_is_offered() {
        assert_eq!(config(&[], &[]).required(), RequireAuth::Calls);
        assert_eq!(config(&["https://login.example.com"], &[]).required(), RequireAuth::All);
    }

    #[test]
    fn what_clients_could_not_use_is_refused() {
        let issuer = "https://login.example.com/tenant";
        assert!(
            config(&[issuer], &["openid", "quilt.read"])
                .check(VerifyMode::Jwks)
                .is_ok()
        );
        for (servers, scopes, mode, variable) in [
            (
                &[issuer][..],
                &[][..],
                VerifyMode::Hs256,
                "QUILT_MCP_AUTHORIZATION_SERVERS",
            ),
            (&[issuer], &[], VerifyMode::Registry, "QUILT_MCP_AUTHORIZATION_SERVERS"),
            (
                &["login.example.com"],
                &[],
                VerifyMode::Jwks,
                "QUILT_MCP_AUTHORIZATION_SERVERS",
            ),
            (
                &["http://login.example.com"],
                &[],
                VerifyMode::Jwks,
                "QUILT_MCP_AUTHORIZATION_SERVERS",
            ),
            (&[], &["openid"], VerifyMode::Jwks, "QUILT_MCP_SCOPES"),
            (&[issuer], &["a b"], VerifyMode::Jwks, "QUILT_MCP_SCOPES"),
            (&[issuer], &["offline_access"], VerifyMode::Jwks, "QUILT_MCP_SCOPES"),
        ] {
            assert_eq!(
                config(servers, scopes).check(mode).unwrap_err().variable,
                variable,
                "{servers:?} {scopes:?}"
            );
        }
    }
}

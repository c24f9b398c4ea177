//! Settings of the endpoint: OAuth metadata and the limits of a request.

use super::rate::RateLimit;
use crate::identity::VerifyMode;
use crate::setting::{BaseUrl, ConfigError, parse};

/// Which methods need a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RequireAuth {
    /// Those that ask for somebody's data; discovery needs none.
    Calls,
    /// Every one. OAuth clients start their login on the 401 of the first.
    All,
}

/// This server as an OAuth 2.1 resource server (RFC 9728).
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ResourceServerConfig {
    /// Comma list of the issuers at which clients log in, for the RFC 9728 metadata; only with `jwks`
    #[arg(long, env = "QUILT_MCP_AUTHORIZATION_SERVERS", value_delimiter = ',')]
    pub authorization_servers: Vec<String>,
    /// Comma list of the scopes that clients ask their issuer for
    #[arg(long, env = "QUILT_MCP_SCOPES", value_delimiter = ',')]
    pub scopes: Vec<String>,
    /// Which methods need a token. Default: `calls`; `all` when authorization servers are set
    #[arg(long, env = "QUILT_MCP_REQUIRE_AUTH", value_enum)]
    pub require_auth: Option<RequireAuth>,
}

impl ResourceServerConfig {
    /// Which methods need a token.
    #[must_use]
    pub fn required(&self) -> RequireAuth {
        let implied = if self.authorization_servers.is_empty() {
            RequireAuth::Calls
        } else {
            RequireAuth::All
        };
        self.require_auth.unwrap_or(implied)
    }

    /// Refuses what clients could not use, or what would send them to log in where no token is accepted from.
    pub fn check(&self, mode: VerifyMode) -> Result<(), ConfigError> {
        const SERVERS: &str = "QUILT_MCP_AUTHORIZATION_SERVERS";
        const SCOPES: &str = "QUILT_MCP_SCOPES";
        if self.authorization_servers.is_empty() {
            let problem = "is set without QUILT_MCP_AUTHORIZATION_SERVERS; expected the issuers of these scopes there";
            return if self.scopes.is_empty() {
                Ok(())
            } else {
                Err(ConfigError::new(SCOPES, problem))
            };
        }
        if mode != VerifyMode::Jwks {
            let problem = "needs tokens of an identity provider (MCP_JWT_JWKS_URL, QUILT_MCP_VERIFY=jwks)";
            return Err(ConfigError::new(SERVERS, problem));
        }
        for issuer in &self.authorization_servers {
            let url: BaseUrl = issuer
                .parse()
                .map_err(|problem: String| ConfigError::new(SERVERS, problem))?;
            if !url.is_safe_for_tokens() {
                let problem =
                    format!("`{url}` would take logins unencrypted; expected https, or http on loopback only");
                return Err(ConfigError::new(SERVERS, problem));
            }
        }
        for scope in &self.scopes {
            // RFC 6749 section 3.3.
            if scope.is_empty() || !scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\') {
                let problem = format!("`{scope}` is not a scope; expected a comma list such as openid,quilt.read");
                return Err(ConfigError::new(SCOPES, problem));
            }
            if scope == "offline_access" {
                let problem = "holds offline_access, which is between a client and its issuer; leave it out";
                return Err(ConfigError::new(SCOPES, problem));
            }
        }
        Ok(())
    }
}

/// Limits of a request.
#[derive(Debug, Clone, clap::Args)]
pub struct LimitsConfig {
    /// Largest request body
    #[arg(long, env = "QUILT_MCP_MAX_BODY", default_value = "8MiB", value_parser = parse::bytes)]
    pub max_body: usize,
    /// Most requests to be worked on at once; more are answered 429 at once
    #[arg(long, env = "QUILT_MCP_MAX_IN_FLIGHT", default_value = "256", value_parser = parse::count)]
    pub max_in_flight: usize,
    /// Most calls of one caller in a time, such as `10/s`, `600/min` or `off`; more are answered 429
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

//! Settings of the catalog and its registry, which are two hosts.
//!
//! The catalog answers every path with its web page and a 200, so that credentials and GraphQL are requested from the
//! registry only.

use crate::setting::{BaseUrl, ConfigError, parse};

#[derive(Debug, Clone, clap::Args)]
pub struct CatalogConfig {
    /// URL of the catalog; its `/config.json` names the registry
    #[arg(long, env = "QUILT_CATALOG_URL")]
    pub catalog_url: Option<BaseUrl>,
    /// Host name of the catalog (alias of `QUILT_CATALOG_URL`)
    #[arg(long, env = "QUILT_CATALOG_DOMAIN", hide = true)]
    pub catalog_domain: Option<String>,
    /// URL of the registry, which vends credentials and answers GraphQL; not the host of the catalog. Default: from the
    /// catalog's `/config.json`
    #[arg(long, env = "QUILT_REGISTRY_URL")]
    pub registry_url: Option<BaseUrl>,
    /// Whether the registry vends AWS credentials. `false` if it has no such endpoint: it is then not asked for credentials
    #[arg(long, env = "QUILT_MCP_CATALOG_CREDENTIALS", default_value = "true", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set, value_parser = parse::switch)]
    pub catalog_credentials: bool,
    /// Comma-separated hosts that the `registry_url` and `catalog_url` claims of a verified token may name, in addition to
    /// the configured registry
    #[arg(long, env = "QUILT_MCP_ALLOWED_REGISTRIES", value_delimiter = ',')]
    pub allowed_registries: Vec<String>,
    /// Comma-separated buckets to list if no catalog is configured
    #[arg(long, env = "QUILT_BUCKETS", value_delimiter = ',')]
    pub buckets: Vec<String>,
    /// Whom users ask for rights that they lack, such as a name, an address or a URL. Shown in denials and recommendations
    #[arg(long, env = "QUILT_MCP_CONTACT", value_parser = parse::line)]
    pub contact: Option<String>,
}

impl Default for CatalogConfig {
    fn default() -> Self {
        Self {
            catalog_url: None,
            catalog_domain: None,
            registry_url: None,
            catalog_credentials: true,
            allowed_registries: Vec::new(),
            buckets: Vec::new(),
            contact: None,
        }
    }
}

impl CatalogConfig {
    /// Returns the catalog's URL, from either setting.
    pub fn catalog(&self) -> Result<Option<BaseUrl>, ConfigError> {
        if let Some(url) = &self.catalog_url {
            return Ok(Some(url.clone()));
        }
        let Some(domain) = self.catalog_domain.as_deref().filter(|domain| !domain.is_empty()) else {
            return Ok(None);
        };
        let bad = || {
            let problem = format!("`{domain}` is not a host name; expected a bare host such as catalog.example.com");
            ConfigError::new("QUILT_CATALOG_DOMAIN", problem)
        };
        if domain.contains(['/', '@', '?', '#']) {
            return Err(bad());
        }
        format!("https://{domain}").parse().map(Some).map_err(|_: String| bad())
    }

    /// Rejects URLs to which users' tokens would be sent unencrypted.
    pub fn check(&self) -> Result<(), ConfigError> {
        let clear = |url: &BaseUrl| {
            format!("users' tokens would be sent to `{url}` unencrypted; expected https, or http on loopback only")
        };
        if let Some(url) = self.catalog()?.filter(|url| !url.is_safe_for_tokens()) {
            return Err(ConfigError::new("QUILT_CATALOG_URL", clear(&url)));
        }
        if let Some(url) = self.registry_url.as_ref().filter(|url| !url.is_safe_for_tokens()) {
            return Err(ConfigError::new("QUILT_REGISTRY_URL", clear(url)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_travel_encrypted_or_not_at_all() {
        let config = |url: &str| CatalogConfig {
            registry_url: Some(url.parse().unwrap()),
            ..Default::default()
        };
        assert!(config("https://r.example.com").check().is_ok());
        assert!(config("http://127.0.0.1:9000").check().is_ok());
        assert_eq!(
            config("http://r.example.com").check().unwrap_err().variable,
            "QUILT_REGISTRY_URL"
        );
    }
}

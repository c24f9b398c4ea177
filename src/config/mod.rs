//! All settings of `quilt-mcp serve`.
//!
//! Owns the list of the sections that the modules declare, the checks of one section against another, and the errors of the
//! command line. Each field of a section is a flag and an environment variable, and its doc comment is its description in
//! the reference (`quilt-mcp docs config`). Does not own the behaviour of a setting.
//!
//! Invariant: after [`ServeConfig::check`], each setting is valid and none contradicts another one.

mod environment;
mod error;
mod library_variables;
mod proxy;

pub use environment::{Changes, changes_made, names_in_environment, refused_value, unknown_variables};
pub use error::explain;
pub use library_variables::{library_variables_table, variables_without_effect};
pub use proxy::proxy_variables;

use crate::aws::{AwsConfig, region};
use crate::catalog::CatalogConfig;
use crate::console::ConsoleConfig;
use crate::credentials::{AmbientPolicy, RightsConfig};
use crate::endpoint::{LimitsConfig, ResourceServerConfig};
use crate::identity::{IdentityConfig, VerifyMode};
use crate::mcp::CallConfig;
use crate::memory::MemoryConfig;
use crate::server::{ConnectionConfig, ListenConfig};
use crate::setting::ConfigError;
use crate::telemetry::{MetricsConfig, TelemetryConfig};
use crate::tools::ToolFilterConfig;

/// Every setting of `quilt-mcp serve`.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeConfig {
    #[command(flatten)]
    pub listen: ListenConfig,
    #[command(flatten)]
    pub catalog: CatalogConfig,
    #[command(flatten)]
    pub identity: IdentityConfig,
    #[command(flatten)]
    pub resource_server: ResourceServerConfig,
    #[command(flatten)]
    pub rights: RightsConfig,
    #[command(flatten)]
    pub tool_filter: ToolFilterConfig,
    #[command(flatten)]
    pub calls: CallConfig,
    #[command(flatten)]
    pub limits: LimitsConfig,
    #[command(flatten)]
    pub memory: MemoryConfig,
    #[command(flatten)]
    pub connections: ConnectionConfig,
    #[command(flatten)]
    pub console: ConsoleConfig,
    #[command(flatten)]
    pub aws: AwsConfig,
    #[command(flatten)]
    pub metrics: MetricsConfig,
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
}

impl ServeConfig {
    /// Parses flags without the environment, for `dev` and tests, which must not depend on the machine.
    pub fn from_flags<I, T>(flags: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        use clap::{Args as _, FromArgMatches as _};
        let command = Self::augment_args(clap::Command::new("serve").no_binary_name(true));
        let command = command.mut_args(|arg| arg.env(None::<&str>));
        Self::from_arg_matches(&command.try_get_matches_from(flags)?)
    }

    /// Checks each section, then the sections against each other.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.listen.check()?;
        self.catalog.check()?;
        self.identity.check()?;
        self.check_verification()?;
        self.resource_server.check(self.identity.mode())?;
        self.memory.check(self.limits.max_body)?;
        self.calls.check()?;
        self.aws.check()?;
        self.check_partitions()?;
        self.check_exposure()
    }

    /// Whether a confirmation may reach a process that cannot decode it: a server that is not on loopback may have several
    /// copies, and is replaced by the next release.
    #[must_use]
    pub fn confirmations_may_be_lost(&self) -> bool {
        self.calls.state_key.is_none() && !self.listen.host.is_loopback()
    }

    /// Says in one sentence which callers may act with the server's own AWS credentials under these settings.
    #[must_use]
    pub fn describe_ambient_callers(&self) -> String {
        let (policy, use_) = match self.rights.ambient {
            AmbientPolicy::Never => {
                return "no caller acts with the server's own AWS credentials: QUILT_MCP_AMBIENT is never".to_owned();
            }
            AmbientPolicy::ReadOnly => ("read-only", "read"),
            AmbientPolicy::Full => ("full", "read and write"),
        };
        let has_registry = self.catalog.registry_url.is_some() || self.catalog.catalog().is_ok_and(|url| url.is_some());
        let asks_registry = has_registry && self.catalog.catalog_credentials;
        let every_token_has_a_source = self.identity.mode() == VerifyMode::Registry
            || asks_registry
            || self.rights.web_identity_role_arn.is_some();
        let tokens = "callers whose verified token carries no AWS credentials and names no role and no registry";
        let callers: Vec<&str> = [
            (self.rights.anonymous, "calls without a token"),
            (!every_token_has_a_source, tokens),
        ]
        .into_iter()
        .filter_map(|(applies, who)| applies.then_some(who))
        .collect();
        if callers.is_empty() {
            return "no caller acts with the server's own AWS credentials: every token has another source".to_owned();
        }
        format!(
            "{} may {use_} with the server's own AWS credentials (QUILT_MCP_AMBIENT={policy})",
            callers.join(" and ")
        )
    }

    /// Rejects roles of another partition of AWS than the region's, whose STS does not know them.
    fn check_partitions(&self) -> Result<(), ConfigError> {
        let region = self.aws.region();
        let own = region::partition(region);
        let roles = self
            .rights
            .assumable_roles
            .iter()
            .map(|role| ("QUILT_MCP_ASSUMABLE_ROLES", role.partition()));
        let web = self
            .rights
            .web_identity_role_arn
            .as_deref()
            .and_then(|arn| arn.split(':').nth(1));
        let roles = roles.chain(web.map(|partition| ("QUILT_MCP_WEB_IDENTITY_ROLE_ARN", partition)));
        match roles.into_iter().find(|(_, partition)| *partition != own) {
            None => Ok(()),
            Some((variable, partition)) => {
                let problem = format!(
                    "has a role of the partition {partition}, and the region {region} is in {own}; expected roles of one \
                     partition, and one of its regions in AWS_REGION"
                );
                Err(ConfigError::new(variable, problem))
            }
        }
    }

    /// Rejects a mode of verification that lacks the service it needs.
    fn check_verification(&self) -> Result<(), ConfigError> {
        let has_registry = self.catalog.registry_url.is_some() || self.catalog.catalog()?.is_some();
        if self.identity.verify == Some(VerifyMode::Registry) && !has_registry {
            let problem = "is registry, which requires QUILT_REGISTRY_URL or QUILT_CATALOG_URL";
            return Err(ConfigError::new("QUILT_MCP_VERIFY", problem));
        }
        if !self.catalog.catalog_credentials && has_registry && self.identity.mode() == VerifyMode::Registry {
            let problem = "is false, but without MCP_JWT_SECRET or MCP_JWT_JWKS_URL tokens are verified by the credentials \
                           that the registry vends (QUILT_MCP_VERIFY=registry)";
            return Err(ConfigError::new("QUILT_MCP_CATALOG_CREDENTIALS", problem));
        }
        if self.rights.web_identity_role_arn.is_some() && self.identity.mode() != VerifyMode::Jwks {
            let problem = "requires tokens of an identity provider (MCP_JWT_JWKS_URL, QUILT_MCP_VERIFY=jwks)";
            return Err(ConfigError::new("QUILT_MCP_WEB_IDENTITY_ROLE_ARN", problem));
        }
        Ok(())
    }

    /// Rejects settings that give the server's own rights to callers if the server is not on loopback.
    fn check_exposure(&self) -> Result<(), ConfigError> {
        if self.listen.host.is_loopback() {
            return Ok(());
        }
        let problem = format!(
            "gives the server's own rights to everyone who can reach {}; expected a loopback address in QUILT_MCP_HOST",
            self.listen.host
        );
        if self.rights.anonymous {
            return Err(ConfigError::new("QUILT_MCP_ANONYMOUS", problem));
        }
        if self.rights.server_token().is_some() {
            return Err(ConfigError::new("QUILT_API_TOKEN", problem));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_says_which_callers_act_as_the_server() {
        let secret = format!("--jwt-secret={}", "x".repeat(32));
        let registry = "--registry-url=https://r.example.com";
        let tokens = "callers whose verified token carries no AWS credentials and names no role and no registry may";
        for (flags, expected) in [
            (vec![secret.as_str()], format!("{tokens} read with")),
            (vec![&secret, "--ambient=full"], format!("{tokens} read and write with")),
            (vec![&secret, "--ambient=never"], "no caller acts".to_owned()),
            (vec![&secret, registry], "no caller acts".to_owned()),
            (
                vec![&secret, registry, "--catalog-credentials=false"],
                format!("{tokens} read with"),
            ),
            (vec![registry, "--verify=registry"], "no caller acts".to_owned()),
            (
                vec![registry, "--anonymous"],
                "calls without a token may read with".to_owned(),
            ),
            (
                vec![&secret, "--anonymous"],
                format!("calls without a token and {tokens} read with"),
            ),
        ] {
            let config = ServeConfig::from_flags(&flags).unwrap();
            let sentence = config.describe_ambient_callers();
            assert!(sentence.starts_with(&expected), "{flags:?}: {sentence}");
        }
    }

    #[test]
    fn the_registry_verifies_tokens_only_if_it_vends_credentials() {
        let check = |flags: &[&str]| ServeConfig::from_flags(flags).unwrap().check();
        let registry = "--registry-url=https://r.example.com";
        let error = check(&[registry, "--catalog-credentials=false"]).unwrap_err();
        assert_eq!(error.variable, "QUILT_MCP_CATALOG_CREDENTIALS");
        let secret = format!("--jwt-secret={}", "x".repeat(32));
        assert!(check(&[registry, "--catalog-credentials=false", &secret]).is_ok());
    }

    #[test]
    fn verification_by_the_registry_needs_a_registry() {
        let check = |flags: &[&str]| ServeConfig::from_flags(flags).unwrap().check();
        assert_eq!(check(&["--verify=registry"]).unwrap_err().variable, "QUILT_MCP_VERIFY");
        assert!(check(&["--verify=registry", "--registry-url=https://r.example.com"]).is_ok());
    }
}

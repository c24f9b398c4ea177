//! The settings: what an operator may say, where each value comes from, and what is wrong with a bad one.
//!
//! Owns the one table of settings: every field below is a flag and an environment variable at once, and its doc
//! comment is its line in the README (`quilt-mcp docs config` prints it from here). Owns no behaviour: the rooms take
//! the values they need as plain types.
//!
//! Invariant: after [`ServeConfig::check`] no setting can be wrong by itself or against another one.

mod aws;
mod catalog;
mod confirmation;
mod environment;
mod error;
mod identity;
mod limits;
mod listen;
mod offer;
mod parse;
mod rate;
mod resource_server;
mod rights;
mod telemetry;

pub use aws::AwsConfig;
pub use catalog::{BaseUrl, CatalogConfig};
pub use confirmation::ConfirmationConfig;
pub use environment::{unknown_variables, without_empty_variables};
pub use error::{ConfigError, explain};
pub use identity::{IdentityConfig, MIN_SECRET_BYTES, VerifyMode};
pub use limits::LimitsConfig;
pub use listen::ListenConfig;
pub use offer::{OfferConfig, ToolStyle, Toolset, Toolsets};
pub use rate::{Rate, RateLimit};
pub use resource_server::{RequireAuth, ResourceServerConfig};
pub use rights::{AmbientPolicy, RightsConfig, RolePattern};
pub use telemetry::{Exporter, LogFormat, MetricsConfig, Protocol, TelemetryConfig};

/// Every setting of `quilt-mcp serve`.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeConfig {
    /// Where to listen and which names to answer to.
    #[command(flatten)]
    pub listen: ListenConfig,
    /// The catalog and its registry.
    #[command(flatten)]
    pub catalog: CatalogConfig,
    /// Who proves the token.
    #[command(flatten)]
    pub identity: IdentityConfig,
    /// What an OAuth client is told.
    #[command(flatten)]
    pub resource_server: ResourceServerConfig,
    /// Which rights a call may use.
    #[command(flatten)]
    pub rights: RightsConfig,
    /// Which tools are offered.
    #[command(flatten)]
    pub offer: OfferConfig,
    /// Confirmations by the person behind the client.
    #[command(flatten)]
    pub confirmation: ConfirmationConfig,
    /// Bounds on size, time and number.
    #[command(flatten)]
    pub limits: LimitsConfig,
    /// Region and endpoints.
    #[command(flatten)]
    pub aws: AwsConfig,
    /// Metrics.
    #[command(flatten)]
    pub metrics: MetricsConfig,
    /// Logs.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
}

impl ServeConfig {
    /// The defaults with these flags, and nothing from the environment: for `dev` and tests, which must not depend on the
    /// machine that they run on.
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

    /// Checks what no single value shows: settings that contradict each other.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.listen.check()?;
        self.catalog.check()?;
        self.identity.check(&self.catalog)?;
        self.resource_server.check(self.identity.mode())?;
        self.limits.check()?;
        self.confirmation.check()?;
        if !self.listen.host.is_loopback() {
            let problem = format!(
                "gives its rights to whoever reaches {}; expected a loopback address in QUILT_MCP_HOST with it",
                self.listen.host
            );
            if self.rights.anonymous {
                return Err(ConfigError::new("QUILT_MCP_ANONYMOUS", problem));
            }
            if self.rights.own_token().is_some() {
                return Err(ConfigError::new("QUILT_API_TOKEN", problem));
            }
        }
        if self.rights.web_identity_role_arn.is_some() && self.identity.mode() != VerifyMode::Jwks {
            let problem = "needs tokens of an identity provider (MCP_JWT_JWKS_URL, QUILT_MCP_VERIFY=jwks)";
            return Err(ConfigError::new("QUILT_MCP_WEB_IDENTITY_ROLE_ARN", problem));
        }
        Ok(())
    }
}

//! Ambient credentials: the server's own, from a task role, a profile or the environment, by the SDK's default chain.
//!
//! This is the only place that may load the server's own identity. It serves two purposes that must not be mixed up:
//! signing STS requests that assume a user's role, and, under the operator's policy, calls to which no other source
//! applies. For the latter an [`AmbientPermit`] is needed.

use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

use super::own_identity::{OwnIdentity, OwnIdentityError, expiry};
use crate::aws::AwsOptions;
use crate::credentials::ambient_rule::AmbientPermit;
use crate::credentials::{AmbientPolicy, Attempt, Outcome, Source, SourceCredentials, SourceResult};
use crate::error_code::ErrorCode;

/// The origin of the server's own credentials.
#[derive(Clone)]
pub enum AmbientProvider {
    /// The SDK's default chain.
    DefaultChain,
    /// These, without the machine's: for `dev` and tests.
    Fixed(Credentials),
    /// The server has none.
    None,
}

/// The server's own identity and what it may be used for.
#[derive(Clone)]
pub struct Ambient {
    identity: Option<OwnIdentity>,
    policy: AmbientPolicy,
}

impl Ambient {
    /// Builds the provider; nothing is fetched until it is needed.
    pub async fn new(provider: AmbientProvider, aws: &AwsOptions, policy: AmbientPolicy) -> Self {
        let provider = match provider {
            AmbientProvider::None => None,
            AmbientProvider::Fixed(credentials) => Some(SharedCredentialsProvider::new(credentials)),
            AmbientProvider::DefaultChain => {
                let region = Region::new(aws.region.clone());
                let config = ProviderConfig::default()
                    .with_region(Some(region.clone()))
                    .with_use_fips(Some(aws.use_fips))
                    .with_use_dual_stack(Some(aws.use_dual_stack));
                let config = match &aws.http_client {
                    Some(client) => config.with_http_client(client.clone()),
                    None => config,
                };
                let chain = DefaultCredentialsChain::builder().configure(config).region(region);
                Some(SharedCredentialsProvider::new(chain.build().await))
            }
        };
        Self {
            identity: provider.map(|provider| OwnIdentity::new(provider, aws.clock.clone())),
            policy,
        }
    }

    /// Returns what the operator allows ambient credentials to do.
    #[must_use]
    pub fn policy(&self) -> AmbientPolicy {
        self.policy
    }

    /// Returns the identity that signs STS requests, if the server has one.
    pub(in crate::credentials) fn identity(&self) -> Option<&OwnIdentity> {
        self.identity.as_ref()
    }

    /// Forgets these credentials if they are the server's own, so that they are fetched again.
    pub(in crate::credentials) fn forget(&self, access_key_id: &str) {
        if let Some(identity) = &self.identity {
            identity.forget(access_key_id);
        }
    }

    /// Obtains the server's own credentials, as the policy allows. The permit shows that no other source applies.
    pub(in crate::credentials) async fn resolve(&self, _: AmbientPermit) -> SourceResult {
        if self.policy == AmbientPolicy::Never {
            let message = "the operator set QUILT_MCP_AMBIENT=never, so the server's own credentials are never used";
            return Err(none(Outcome::NotApplicable, ErrorCode::MissingConfig, message));
        }
        let credentials = self.load().await?;
        Ok(SourceCredentials {
            expires_at: expiry(&credentials),
            credentials,
            message: "no user source applies, so the call acts with the server's own credentials".to_owned(),
        })
    }

    /// Returns the server's own credentials; `None` if it has none. The error says why they cannot be had.
    pub(in crate::credentials) async fn own_identity(&self) -> Option<Result<Credentials, String>> {
        match self.load().await {
            Ok(credentials) => Some(Ok(credentials)),
            Err(attempt) if attempt.outcome == Outcome::NotApplicable => None,
            Err(attempt) => Some(Err(attempt.message)),
        }
    }

    /// Describes what a permitted call could do; `None` if the policy allows nothing.
    pub(in crate::credentials) fn explain(&self) -> Option<&'static str> {
        match self.policy {
            AmbientPolicy::Never => None,
            AmbientPolicy::ReadOnly => {
                Some("the server's own credentials, for reading only (QUILT_MCP_AMBIENT=read-only)")
            }
            AmbientPolicy::Full => {
                Some("the server's own credentials, for reading and writing (QUILT_MCP_AMBIENT=full)")
            }
        }
    }

    async fn load(&self) -> Result<Credentials, Attempt> {
        let identity = self.identity.as_ref().ok_or(OwnIdentityError::Absent);
        let loaded = match identity {
            Ok(identity) => identity.load().await,
            Err(absent) => Err(absent),
        };
        loaded.map_err(|error| {
            let (outcome, code) = match error {
                OwnIdentityError::Absent => (Outcome::NotApplicable, ErrorCode::MissingConfig),
                OwnIdentityError::Misconfigured | OwnIdentityError::Unusable(_) => {
                    (Outcome::Denied, ErrorCode::MissingConfig)
                }
                OwnIdentityError::TooSlow => (Outcome::Failed, ErrorCode::Timeout),
                OwnIdentityError::Failed => (Outcome::Failed, ErrorCode::RequestFailed),
            };
            none(outcome, code, &error.to_string())
        })
    }
}

fn none(outcome: Outcome, code: ErrorCode, message: &str) -> Attempt {
    Attempt::none(Source::Ambient, outcome, code, message)
}

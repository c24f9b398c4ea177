//! The server's own credentials: task role, profile or environment, by the SDK's default chain.
//!
//! This is the only place that may load the server's own identity. It serves two purposes that must not be mixed up:
//! asking STS to assume a user's role, and, under the operator's policy, calls to which no user source applies.

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use jiff::Timestamp;

use super::{Attempt, Code, Outcome, Source};
use crate::config::AmbientPolicy;

/// Where the server's own credentials come from.
#[derive(Clone)]
pub enum AmbientProvider {
    /// The SDK's default chain.
    DefaultChain,
    /// These, and nothing from the machine: for `dev` and tests.
    Fixed(Credentials),
    /// None at all.
    None,
}

/// The server's own identity and what it may be used for.
#[derive(Clone)]
pub struct Ambient {
    provider: Option<Arc<SharedCredentialsProvider>>,
    policy: AmbientPolicy,
}

impl Ambient {
    /// Builds the provider; nothing is fetched until it is needed.
    pub async fn new(provider: AmbientProvider, region: &str, policy: AmbientPolicy) -> Self {
        let provider = match provider {
            AmbientProvider::None => None,
            AmbientProvider::Fixed(credentials) => Some(SharedCredentialsProvider::new(credentials)),
            AmbientProvider::DefaultChain => {
                let region = aws_sdk_s3::config::Region::new(region.to_owned());
                let chain =
                    aws_config::default_provider::credentials::DefaultCredentialsChain::builder().region(region);
                Some(SharedCredentialsProvider::new(chain.build().await))
            }
        };
        Self { provider: provider.map(Arc::new), policy }
    }

    /// What the operator allows ambient credentials to do.
    #[must_use]
    pub fn policy(&self) -> AmbientPolicy {
        self.policy
    }

    /// The provider, for asking STS as the server.
    #[must_use]
    pub fn provider(&self) -> Option<SharedCredentialsProvider> {
        self.provider.as_deref().cloned()
    }

    /// The last step of the chain. The resolver calls it only when every user source was not applicable.
    pub(super) async fn step(&self) -> Result<(Credentials, Option<Timestamp>, Attempt), Attempt> {
        let none = |outcome, code, message: &str| Attempt::none(Source::Ambient, outcome, code, message);
        if self.policy == AmbientPolicy::Never {
            let message = "the operator set QUILT_MCP_AMBIENT=never, so the server's own credentials are never used";
            return Err(none(Outcome::NotApplicable, Code::MissingConfig, message));
        }
        let Some(provider) = &self.provider else {
            let message = "the server has no credentials of its own";
            return Err(none(Outcome::NotApplicable, Code::MissingConfig, message));
        };
        match provider.provide_credentials().await {
            Ok(credentials) => {
                let expires_at = credentials.expiry().and_then(|end| Timestamp::try_from(end).ok());
                let message = "no user source applies, so the call acts with the server's own credentials";
                Ok((credentials, expires_at, Attempt::ok(Source::Ambient, message)))
            }
            Err(aws_credential_types::provider::error::CredentialsError::CredentialsNotLoaded(_)) => {
                let message = "the server has no credentials of its own";
                Err(none(Outcome::NotApplicable, Code::MissingConfig, message))
            }
            Err(_) => {
                let message = "the server's own credentials could not be loaded";
                Err(none(Outcome::Failed, Code::RequestFailed, message))
            }
        }
    }
}

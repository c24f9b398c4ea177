//! STS as exactly one caller: who do these credentials say I am?
//!
//! The same rule as in the S3 room: the shared client holds no credentials, so a call without the caller's own fails.

use aws_credential_types::Credentials;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{BehaviorVersion, Builder, IdentityCache, Region};
use aws_sdk_sts::error::SdkError;

use crate::telemetry::{Dependency, Ended, upstream};

/// Longest wait for an answer, with all tries: who asks has other things to tell.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// Account and principal of credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// Twelve digits.
    pub account: String,
    /// ARN of the user or of the assumed role's session.
    pub arn: String,
}

impl CallerIdentity {
    /// Name of the role whose session this is: the part of `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION` that says it.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.arn.split_once(":assumed-role/")?.1.split('/').next().filter(|role| !role.is_empty())
    }
}

/// The shared connection pool.
#[derive(Clone, Debug)]
pub struct SharedSts(Client);

impl SharedSts {
    /// `endpoint`: another STS than AWS's own.
    #[must_use]
    pub fn new(region: &str, endpoint: Option<String>) -> Self {
        let mut config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .timeout_config(TimeoutConfig::builder().operation_timeout(PATIENCE).build())
            .identity_cache(IdentityCache::no_cache());
        config.set_endpoint_url(endpoint);
        Self(Client::from_conf(config.build()))
    }

    /// Asks STS whose these credentials are; needs no permission. `None` when STS does not say.
    pub async fn caller_identity(&self, credentials: Credentials) -> Option<CallerIdentity> {
        let identity = Builder::new().credentials_provider(credentials);
        let request = self.0.get_caller_identity().customize().config_override(identity).send();
        let answer = upstream(Dependency::Sts, "sts:GetCallerIdentity", None, ended, request).await.ok()?;
        Some(CallerIdentity { account: answer.account?, arn: answer.arn? })
    }
}

/// Whether STS answered at all.
pub fn ended<E>(error: &SdkError<E>) -> Ended {
    match error {
        SdkError::TimeoutError(_) => Ended::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Ended::Timeout,
        SdkError::ServiceError(error) if error.raw().status().as_u16() < 500 => Ended::Refused,
        _ => Ended::Failed,
    }
}

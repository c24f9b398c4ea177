//! STS as exactly one caller: who do these credentials say I am?
//!
//! The same rule as in the S3 room: the shared client holds no credentials, so a call without the caller's own fails.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{BehaviorVersion, Builder, IdentityCache, Region};
use aws_sdk_sts::error::{ConnectorError, SdkError};

use crate::telemetry::{Dependency, Ended, observed};
use crate::upstream::{Asker, Breaker, Permit};

/// Longest wait for an answer, with all tries: who asks has other things to tell.
const PATIENCE: Duration = Duration::from_secs(5);

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
        self.arn
            .split_once(":assumed-role/")?
            .1
            .split('/')
            .next()
            .filter(|role| !role.is_empty())
    }
}

/// How STS is reached, by whoever asks it.
#[derive(Clone, Debug)]
pub struct StsOptions {
    /// Region of the endpoint.
    pub region: String,
    /// Another STS than AWS's own.
    pub endpoint: Option<String>,
    /// First wait between two tries of the SDK.
    pub initial_backoff: Duration,
    /// Longest wait for a connection, with the resolving of its name.
    pub connect_timeout: Duration,
    /// The breaker of STS.
    pub breaker: Breaker,
}

impl StsOptions {
    /// A configuration whose calls take at most `patience` with all tries, and each try at most two fifths of it, so that one
    /// that hangs leaves time for another.
    #[must_use]
    pub fn config(&self, patience: Duration) -> Builder {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.connect_timeout)
            .operation_attempt_timeout(patience * 2 / 5)
            .operation_timeout(patience);
        let mut config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .retry_config(RetryConfig::standard().with_initial_backoff(self.initial_backoff))
            .timeout_config(timeouts.build());
        config.set_endpoint_url(self.endpoint.clone());
        config
    }
}

/// Tells a permit whether STS answered. A refusal is an answer, and so is a 500, which may be about one request only.
pub fn told<T, E>(permit: Permit, answer: &Result<T, SdkError<E>>) {
    let status = answer
        .as_ref()
        .err()
        .and_then(SdkError::raw_response)
        .map(|raw| raw.status().as_u16());
    // The SDK also calls it a failure of dispatch when there are no credentials to sign with; that has no kind.
    let was_sent = |error: &ConnectorError| error.is_io() || error.is_timeout() || error.as_other().is_some();
    match (answer, status) {
        (Err(_), Some(502..=504)) | (Err(SdkError::TimeoutError(_)), _) => permit.silent(),
        (Err(SdkError::DispatchFailure(failure)), _) if failure.as_connector_error().is_some_and(was_sent) => {
            permit.silent();
        }
        (Ok(_), _) | (Err(_), Some(_)) => permit.answered(),
        // Nothing was sent.
        (Err(_), None) => drop(permit),
    }
}

/// The shared connection pool.
#[derive(Clone, Debug)]
pub struct SharedSts {
    client: Client,
    breaker: Breaker,
}

impl SharedSts {
    /// Builds the client. No connection is made.
    #[must_use]
    pub fn new(options: &StsOptions) -> Self {
        let config = options.config(PATIENCE).identity_cache(IdentityCache::no_cache());
        Self {
            client: Client::from_conf(config.build()),
            breaker: options.breaker.clone(),
        }
    }

    /// Asks STS whose these credentials are; needs no permission. `None` when STS does not say.
    pub async fn caller_identity(&self, credentials: Credentials) -> Option<CallerIdentity> {
        let permit = self.breaker.ask(Asker::of(credentials.access_key_id())).ok()?;
        let identity = Builder::new().credentials_provider(credentials);
        let request = self
            .client
            .get_caller_identity()
            .customize()
            .config_override(identity)
            .send();
        let answer = observed(Dependency::Sts, "sts:GetCallerIdentity", None, ended, request).await;
        told(permit, &answer);
        let answer = answer.ok()?;
        Some(CallerIdentity {
            account: answer.account?,
            arn: answer.arn?,
        })
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

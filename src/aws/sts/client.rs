//! The shared client of STS, without any identity.

use std::time::Duration;

use aws_sdk_sts::Client;
use aws_sdk_sts::config::timeout::{TimeoutConfig, TimeoutConfigBuilder};
use aws_sdk_sts::config::{Builder, Region};

use crate::aws::{AwsOptions, BreakerRule, Endpoints, Identity, Operation, Resource, Service};
use crate::telemetry::Dependency;

/// Longest wait for a caller's identity, with all attempts: a tool that asks for it has other things to say.
const IDENTITY_TIMEOUT: Duration = Duration::from_secs(5);

/// STS as a service: every client of this process shares its circuit breaker.
#[derive(Clone, Debug)]
pub struct Sts(Endpoints);

impl Service for Sts {
    type Override = Builder;
    const DEPENDENCY: Dependency = Dependency::Sts;
    const BREAKER_RULE: BreakerRule = BreakerRule::Unanswered;

    fn endpoints(&self) -> &Endpoints {
        &self.0
    }

    fn signed_by(identity: Identity) -> Builder {
        let mut config = Builder::new()
            .credentials_provider(identity.credentials)
            .region(Region::new(identity.region));
        config.set_retry_partition(identity.retry_partition);
        config
    }
}

/// The connection pool, without any identity.
#[derive(Clone, Debug)]
pub struct SharedSts {
    pub(super) client: Client,
    pub(super) service: Sts,
    pub(super) options: AwsOptions,
}

impl SharedSts {
    /// Builds the client. No connection is made.
    #[must_use]
    pub fn new(options: AwsOptions) -> Self {
        let config = options.anonymous(timeouts(IDENTITY_TIMEOUT));
        Self {
            client: Client::new(&config),
            service: Sts(Endpoints::new(Dependency::Sts, &options)),
            options,
        }
    }
}

/// Returns timeouts of calls that take at most `total` with all attempts, and each attempt at most two fifths of it, so
/// that one that hangs leaves time for another.
pub(super) fn timeouts(total: Duration) -> TimeoutConfigBuilder {
    TimeoutConfig::builder()
        .operation_attempt_timeout(total * 2 / 5)
        .operation_timeout(total)
}

/// Returns a request to STS.
pub(super) fn operation<'a>(action: &'static str, resource: Resource<'a>) -> Operation<'a> {
    Operation {
        service: "STS",
        action,
        resource,
    }
}

//! Construction of the SDK's clients: endpoint, retries, timeouts, and no identity.

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfigBuilder;
use aws_config::{BehaviorVersion, Region, SdkConfig};

use crate::clock::Clock;

/// How AWS, or one of its services, is reached.
#[derive(Debug, Clone)]
pub struct AwsOptions {
    /// Region of requests whose resource's region is not known.
    pub region: String,
    /// Another endpoint than AWS's own.
    pub endpoint: Option<String>,
    /// First wait between two attempts of the SDK.
    pub initial_backoff: Duration,
    /// Longest wait for a connection, name resolution included.
    pub connect_timeout: Duration,
    pub clock: Clock,
}

impl AwsOptions {
    /// Returns the configuration of a client without an identity: its requests are signed by their overrides or not at all.
    pub(super) fn anonymous(&self, timeouts: TimeoutConfigBuilder) -> SdkConfig {
        let config = self.base(timeouts).into_builder();
        config.identity_cache(IdentityCache::no_cache()).build()
    }

    fn base(&self, timeouts: TimeoutConfigBuilder) -> SdkConfig {
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .retry_config(RetryConfig::standard().with_initial_backoff(self.initial_backoff))
            .timeout_config(timeouts.connect_timeout(self.connect_timeout).build());
        config.set_endpoint_url(self.endpoint.clone());
        config.build()
    }
}

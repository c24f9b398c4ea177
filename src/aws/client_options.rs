//! Construction of the SDK's clients: endpoint, retries, timeouts, and no identity.

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfigBuilder;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

use crate::clock::Clock;
use crate::tls::ExtraRoots;
use aws_sdk_s3::config::SharedHttpClient;

/// How AWS, or one of its services, is reached.
#[derive(Debug, Clone)]
pub struct AwsOptions {
    /// Region of requests whose resource's region is not known.
    pub region: String,
    /// Another endpoint than AWS's own.
    pub endpoint: Option<String>,
    /// The endpoint in presigned URLs, where clients reach S3 at another one than the server does.
    pub public_endpoint: Option<String>,
    /// Whether endpoints that are validated for FIPS 140 are used.
    pub use_fips: bool,
    /// Whether endpoints for IPv4 and IPv6 are used.
    pub use_dual_stack: bool,
    /// Another HTTP client than the SDK's own.
    pub http_client: Option<SharedHttpClient>,
    /// First wait between two attempts of the SDK.
    pub initial_backoff: Duration,
    /// Longest wait for a connection, name resolution included.
    pub connect_timeout: Duration,
    pub clock: Clock,
}

impl Default for AwsOptions {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            endpoint: None,
            public_endpoint: None,
            use_fips: false,
            use_dual_stack: false,
            http_client: None,
            initial_backoff: Duration::from_millis(200),
            connect_timeout: Duration::from_secs(3),
            clock: Clock::system(),
        }
    }
}

/// Returns the HTTP client of a server that trusts these authorities besides the system's; `None` for the SDK's own.
#[must_use]
pub fn http_client(roots: &ExtraRoots) -> Option<SharedHttpClient> {
    if roots.is_empty() {
        return None;
    }
    let trusted = TrustStore::default().with_pem_certificate(roots.pem());
    let context = TlsContext::builder().with_trust_store(trusted).build().ok()?;
    let builder = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    Some(builder.tls_context(context).build_https())
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
        config.set_use_fips(Some(self.use_fips));
        config.set_use_dual_stack(Some(self.use_dual_stack));
        config.set_http_client(self.http_client.clone());
        config.build()
    }
}

//! Construction of the HTTP clients that do not belong to an AWS SDK.

use std::time::Duration;

use reqwest::dns::Resolve;

use super::address::PublicAddresses;

/// Maximum time to connect, including name resolution and TLS.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Builds a client that does not follow redirects, ignores proxy settings and times out after `timeout`.
pub fn http_client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    builder(timeout).build()
}

/// Builds a client that also connects to public addresses only, for hosts that a token names.
pub fn public_only_http_client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    http_client_with_resolver(PublicAddresses, timeout)
}

/// Builds a client that also resolves names with `resolver`.
pub fn http_client_with_resolver(
    resolver: impl Resolve + 'static,
    timeout: Duration,
) -> Result<reqwest::Client, reqwest::Error> {
    builder(timeout).dns_resolver(resolver).build()
}

fn builder(timeout: Duration) -> reqwest::ClientBuilder {
    #[expect(clippy::disallowed_methods, reason = "the one place that builds the clients")]
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .timeout(timeout)
        .user_agent(concat!("quilt-mcp/", env!("CARGO_PKG_VERSION")))
}

//! The one HTTP client of this process that is not an AWS SDK's.

use std::time::Duration;

use reqwest::dns::Resolve;

use super::address::PublicAddresses;

/// Longest wait for a connection, with the resolving of its name and TLS.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A client that follows no redirect, reads no proxy setting and gives up after `timeout`.
pub fn http_client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    builder(timeout).build()
}

/// The same, and it connects to public addresses only: for hosts that a token has named.
pub fn guarded_http_client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    http_client_resolving_by(PublicAddresses, timeout)
}

/// The same, and it connects to what this resolver says.
pub fn http_client_resolving_by(
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

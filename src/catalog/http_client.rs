//! Construction of the HTTP clients that do not belong to an AWS SDK.

use std::time::Duration;

use reqwest::dns::Resolve;

use super::address::PublicAddresses;
use crate::tls::ExtraRoots;

/// Maximum time to connect, including name resolution and TLS.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How the clients of the server reach other hosts.
#[derive(Debug, Clone, Default)]
pub struct HttpOptions {
    /// Certificate authorities that are trusted besides the system's.
    pub roots: ExtraRoots,
    /// Whether hosts that the operator names are reached by the proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name.
    pub use_proxy: bool,
}

impl HttpOptions {
    /// Builds a client for hosts that the operator names. It does not follow redirects and times out after `timeout`.
    pub fn unrestricted(&self, timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
        let builder = builder(timeout).tls_certs_merge(self.certificates()?);
        let builder = if self.use_proxy { builder } else { builder.no_proxy() };
        builder.build()
    }

    /// Builds a client for hosts that a token names. It connects to public addresses only, and never by a proxy, which would
    /// resolve their names itself.
    pub fn public_only(&self, timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
        let builder = builder(timeout).tls_certs_merge(self.certificates()?);
        builder.no_proxy().dns_resolver(PublicAddresses).build()
    }

    fn certificates(&self) -> Result<Vec<reqwest::Certificate>, reqwest::Error> {
        self.roots.ders().map(reqwest::Certificate::from_der).collect()
    }
}

/// Builds a client that does not follow redirects, ignores proxy settings and times out after `timeout`.
pub fn http_client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    builder(timeout).no_proxy().build()
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
    builder(timeout).no_proxy().dns_resolver(resolver).build()
}

fn builder(timeout: Duration) -> reqwest::ClientBuilder {
    #[expect(clippy::disallowed_methods, reason = "the one place that builds the clients")]
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .timeout(timeout)
        .user_agent(concat!("quilt-mcp/", env!("CARGO_PKG_VERSION")))
}

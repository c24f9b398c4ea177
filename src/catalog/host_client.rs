//! HTTP client for JSON APIs, with a circuit breaker and a concurrency limit for each host.

use reqwest::{Method, Request, RequestBuilder, Url};

use super::RegistryError;
use super::registry::read_json;
use crate::resilience::{CallerKey, Failure, Retry, Upstreams};
use crate::telemetry::{Dependency, instrument};

/// A client whose clones, and all clients with the same `upstreams`, share the circuit breakers.
#[derive(Debug, Clone)]
pub struct HostClient {
    http: reqwest::Client,
    upstreams: Upstreams,
}

impl HostClient {
    /// Creates a client. `http` must not follow redirects.
    #[must_use]
    pub fn new(http: reqwest::Client, upstreams: Upstreams) -> Self {
        Self { http, upstreams }
    }

    /// Returns the client that builds requests.
    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Sends a request and reads its JSON response up to the maximum size. A redirect to the same URL with a final slash, as
    /// mounted applications answer it (quilt3-local 2.0.0), is followed once; it leads the token to no other host or path.
    pub(super) async fn ask(
        &self,
        request: RequestBuilder,
        caller: CallerKey,
        retry: Retry,
    ) -> Result<Vec<u8>, RegistryError> {
        let (http, request) = request.build_split();
        let mut request = request.map_err(|_| RegistryError::Unreachable("the request cannot be made"))?;
        match self.send(&http, &request, caller, retry).await {
            Err(RegistryError::Redirect {
                status: 307 | 308,
                location: Some(location),
            }) if is_with_slash(request.url(), &location) => {
                *request.url_mut() = location;
                self.send(&http, &request, caller, retry).await
            }
            answer => answer,
        }
    }

    async fn send(
        &self,
        http: &reqwest::Client,
        request: &Request,
        caller: CallerKey,
        retry: Retry,
    ) -> Result<Vec<u8>, RegistryError> {
        let url = request.url();
        let operation = if request.method() == Method::GET {
            "registry GET"
        } else {
            "registry POST"
        };
        let upstream = self
            .upstreams
            .at(Dependency::Registry, url.origin().ascii_serialization())
            .await;
        let send = || {
            // Bodies are in memory, so that a request can always be cloned.
            let copy = request
                .try_clone()
                .map(|request| RequestBuilder::from_parts(http.clone(), request));
            let read = async { read_json(copy.ok_or(RegistryError::Unreachable("the request cannot be made"))?).await };
            instrument(Dependency::Registry, operation, None, RegistryError::outcome, read)
        };
        upstream.call(caller, retry, send, failure).await
    }
}

/// Whether `location` is `url` with a slash at the end of its path.
fn is_with_slash(url: &Url, location: &Url) -> bool {
    let mut with_slash = url.clone();
    with_slash.set_path(&format!("{}/", url.path()));
    *location == with_slash
}

/// Returns how a host failed to answer. A 500 is an answer: the host took this request and failed on it, as it may on one
/// caller's only.
fn failure(error: &RegistryError) -> Option<Failure> {
    match error {
        RegistryError::Unreachable(_) | RegistryError::Status(502..=504) => Some(Failure::Transient),
        RegistryError::Timeout => Some(Failure::Timeout),
        _ => None,
    }
}

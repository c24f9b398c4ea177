//! Asks hosts for JSON, with what is known about each of them: whether it answers at all, and how many wait for it.

use reqwest::{Method, RequestBuilder};

use super::RegistryError;
use super::registry::read_json;
use crate::telemetry::{Dependency, observed};
use crate::upstream::{Asker, Repeat, Silence, Upstreams};

/// An HTTP client. Clones, and clients made with the same upstreams, share what is known about hosts.
#[derive(Debug, Clone)]
pub struct HostClient {
    http: reqwest::Client,
    upstreams: Upstreams,
}

impl HostClient {
    /// `http` must not follow redirects.
    #[must_use]
    pub fn new(http: reqwest::Client, upstreams: Upstreams) -> Self {
        Self { http, upstreams }
    }

    /// The client, to begin a request with.
    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Sends a request and reads its JSON answer, bounded.
    pub(super) async fn ask(
        &self,
        request: RequestBuilder,
        asker: Asker,
        repeat: Repeat,
    ) -> Result<Vec<u8>, RegistryError> {
        let (http, request) = request.build_split();
        let request = request.map_err(|_| RegistryError::Unreachable("the request cannot be made"))?;
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
        let question = || {
            // The bodies are in memory, so there is always another copy.
            let copy = request
                .try_clone()
                .map(|request| RequestBuilder::from_parts(http.clone(), request));
            let read = async { read_json(copy.ok_or(RegistryError::Unreachable("the request cannot be made"))?).await };
            observed(Dependency::Registry, operation, None, RegistryError::ended, read)
        };
        upstream.ask(asker, repeat, question, silence).await
    }
}

/// Whether a host gave no answer. A 500 is one: the host took this request and failed on it, as it may on one caller's only.
fn silence(error: &RegistryError) -> Option<Silence> {
    match error {
        RegistryError::Unreachable(_) | RegistryError::Status(502..=504) => Some(Silence::Brief),
        RegistryError::Timeout => Some(Silence::Long),
        _ => None,
    }
}

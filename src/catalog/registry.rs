//! HTTP client of the registry's API, and its errors.

use std::fmt;
use std::sync::Arc;

use reqwest::{RequestBuilder, StatusCode, Url, header};

use super::address::RefusedAddress;
use super::choice::ConfiguredRegistry;
use super::{CatalogHost, HostClient};
use crate::identity::{BearerToken, ClaimError};
use crate::json::parse_value;
use crate::resilience::{CallerKey, Rejected, Retry, connection_problem};
use crate::setting::BaseUrl;
use crate::telemetry::UpstreamOutcome;
use crate::telemetry::text::without_controls;

/// Maximum size of a response.
const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;

/// The beginning of an error's body. `Debug` shows its size only.
#[derive(Clone, PartialEq, Eq)]
pub struct ErrorBody(pub(super) Vec<u8>);

impl fmt::Debug for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ErrorBody({} bytes)", self.0.len())
    }
}

/// Why the registry, or the catalog's host, gave no usable response. Each message continues a sentence that names the service,
/// as in "the registry: it did not answer in time". No message contains a token or a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Occurs when the registry does not accept the token (401).
    #[error("it refused the token (401{0})")]
    Unauthorized(String),
    /// Occurs when the user has no permission (403).
    #[error("it refused this user (403{0})")]
    Forbidden(String),
    /// Occurs when the registry does not have the endpoint (404).
    #[error(
        "it does not have this endpoint (404); if this catalog vends no credentials, the operator sets \
         QUILT_MCP_CATALOG_CREDENTIALS=false"
    )]
    NotFound,
    /// Occurs when the response is a web page, most likely because `QUILT_REGISTRY_URL` is the catalog's host.
    #[error("it answered with a web page instead of JSON; is QUILT_REGISTRY_URL the catalog's host?")]
    NotJson,
    /// Occurs when the response is neither JSON nor a web page, most likely because a proxy sent it.
    #[error("its answer is not JSON with status 200")]
    Malformed,
    /// Occurs when there is no response within the timeout.
    #[error("it did not answer in time")]
    Timeout,
    /// Occurs when the registry does not understand the request (400). Servers of GraphQL say why in the body.
    #[error("it answered with status 400")]
    BadRequest(ErrorBody),
    /// Occurs when the response is a redirect, except one to the same path with a final slash, which is followed once.
    #[error("it answered with a redirect (status {status}), which is not followed")]
    Redirect {
        /// The status.
        status: u16,
        /// Where it leads, if that is a URL.
        location: Option<Url>,
    },
    /// Occurs when the response has another status.
    #[error("it answered with status {0}")]
    Status(u16),
    /// Occurs when no connection can be made, or the connection is lost.
    #[error("it could not be reached ({0})")]
    Unreachable(&'static str),
    /// Occurs when the request was not sent, because the circuit is open or too many requests are in flight.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// Occurs when the response exceeds the maximum size.
    #[error("its answer is larger than 4 MiB")]
    TooLarge,
    /// Occurs when the token names a registry that the operator does not allow.
    #[error("the token names {0}, to which this server sends no requests")]
    NotAllowed(&'static str),
    /// Occurs when a claim that chooses the registry or its bearer cannot be read.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// Occurs when the catalog's `/config.json` cannot be fetched or used.
    #[error("the catalog's config.json could not be used: {0}")]
    Config(Box<RegistryError>),
    /// Occurs when the catalog is a local one, and the server is reachable from other machines.
    #[error(
        "the catalog is a local one (mode LOCAL in its config.json), which vends the credentials of its owner with any token; \
         only a server that listens on a loopback address uses it"
    )]
    LocalCatalog,
    /// Occurs when the catalog's `/config.json` does not name a registry with an https URL.
    #[error("it does not name a registry with an https URL")]
    NoRegistry,
}

impl RegistryError {
    /// Classifies the error for metrics and traces.
    pub(super) fn outcome(&self) -> UpstreamOutcome {
        match self {
            Self::Timeout => UpstreamOutcome::Timeout,
            Self::Unreachable(_) | Self::TooLarge | Self::Malformed => UpstreamOutcome::Failed,
            Self::Status(status) if *status >= 500 => UpstreamOutcome::Failed,
            Self::Config(error) => error.outcome(),
            _ => UpstreamOutcome::Refused,
        }
    }
}

/// The source of the registry's URL.
enum Location {
    Configured(BaseUrl),
    FromCatalog(Arc<CatalogHost>),
}

/// A registry.
pub struct RegistryClient {
    location: Location,
    http: HostClient,
}

impl RegistryClient {
    /// Creates the client of a registry with this URL.
    #[must_use]
    pub fn at(url: BaseUrl, http: HostClient) -> Self {
        Self {
            location: Location::Configured(url),
            http,
        }
    }

    /// Creates the client of the registry that the catalog's config names.
    #[must_use]
    pub fn of(catalog: Arc<CatalogHost>, http: HostClient) -> Self {
        Self {
            location: Location::FromCatalog(catalog),
            http,
        }
    }

    /// Returns how the operator configured the registry.
    pub(super) fn configured(&self) -> ConfiguredRegistry<'_> {
        match &self.location {
            Location::Configured(url) => ConfiguredRegistry::At(url),
            Location::FromCatalog(catalog) => ConfiguredRegistry::Of(catalog.url()),
        }
    }

    /// Returns the registry's URL, and fetches the catalog's config if necessary.
    pub async fn url(&self) -> Result<BaseUrl, RegistryError> {
        match &self.location {
            Location::Configured(url) => Ok(url.clone()),
            Location::FromCatalog(catalog) => catalog.registry().await,
        }
    }

    /// Sends `GET {registry}{path}` with this token, and returns the JSON of the response undecoded.
    pub(crate) async fn get(&self, path: &str, token: &BearerToken) -> Result<Vec<u8>, RegistryError> {
        let url = self.url().await?.join(path);
        let request = self.http.http().get(url).header(header::AUTHORIZATION, bearer(token)?);
        self.http.ask(request, caller_key(token), Retry::Safe).await
    }

    /// Sends `POST {registry}{path}` with this token and a JSON body, which must not change anything: the request may be
    /// retried. Returns the JSON of the response undecoded.
    pub(crate) async fn query(
        &self,
        path: &str,
        body: &serde_json::Value,
        token: &BearerToken,
    ) -> Result<Vec<u8>, RegistryError> {
        self.post_json(path, body, token, Retry::Safe).await
    }

    /// Sends a request as [`RegistryClient::query`] does, which may change something: it is sent once.
    pub(crate) async fn mutate(
        &self,
        path: &str,
        body: &serde_json::Value,
        token: &BearerToken,
    ) -> Result<Vec<u8>, RegistryError> {
        self.post_json(path, body, token, Retry::Never).await
    }

    async fn post_json(
        &self,
        path: &str,
        body: &serde_json::Value,
        token: &BearerToken,
        retry: Retry,
    ) -> Result<Vec<u8>, RegistryError> {
        let url = self.url().await?.join(path);
        let request = self
            .http
            .http()
            .post(url)
            .header(header::AUTHORIZATION, bearer(token)?)
            .json(body);
        self.http.ask(request, caller_key(token), retry).await
    }

    /// Sends `POST {registry}{path}` with a form and without a token, and returns the JSON of the response undecoded.
    pub(crate) async fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Result<Vec<u8>, RegistryError> {
        let url = self.url().await?.join(path);
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = self
            .http
            .http()
            .post(url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.http.ask(request.body(body), CallerKey::SERVER, Retry::Never).await
    }
}

fn caller_key(token: &BearerToken) -> CallerKey {
    CallerKey::of(token.fingerprint())
}

/// Returns the value of the `Authorization` header, marked as sensitive so that logs omit it.
fn bearer(token: &BearerToken) -> Result<header::HeaderValue, RegistryError> {
    let mut value = header::HeaderValue::from_str(&format!("Bearer {}", token.secret()))
        .map_err(|_| RegistryError::Unauthorized(String::new()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Sends a request and reads its JSON response up to the maximum size.
pub(super) async fn read_json(request: RequestBuilder) -> Result<Vec<u8>, RegistryError> {
    let mut response = request
        .header(header::ACCEPT, "application/json")
        .send()
        .await
        .map_err(|e| unreachable(&e))?;
    let status = response.status();
    let location = response
        .headers()
        .get(header::LOCATION)
        .and_then(|value| response.url().join(value.to_str().ok()?).ok());
    let content_type = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let is_page = content_type.is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("text/html"));
    let announced = response
        .content_length()
        .and_then(|length| usize::try_from(length).ok());
    if status.is_success() && announced.is_some_and(|length| length > MAX_RESPONSE_BYTES) {
        return Err(RegistryError::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| unreachable(&e))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_RESPONSE_BYTES {
            return Err(RegistryError::TooLarge);
        }
    }
    match status {
        StatusCode::UNAUTHORIZED => Err(RegistryError::Unauthorized(message(&body))),
        StatusCode::FORBIDDEN => Err(RegistryError::Forbidden(message(&body))),
        StatusCode::NOT_FOUND => Err(RegistryError::NotFound),
        StatusCode::BAD_REQUEST => Err(RegistryError::BadRequest(ErrorBody(body))),
        status if status.is_redirection() => Err(RegistryError::Redirect {
            status: status.as_u16(),
            location,
        }),
        // No endpoint answers with another status of success, so one means that something else answered.
        status if status.is_success() && status != StatusCode::OK => Err(RegistryError::Malformed),
        status if !status.is_success() => Err(RegistryError::Status(status.as_u16())),
        _ if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok() => Ok(body),
        // A web page mostly means that the host is the catalog's, or a load balancer's without a healthy target.
        _ if is_page || body.trim_ascii_start().first() == Some(&b'<') => Err(RegistryError::NotJson),
        _ => Err(RegistryError::Malformed),
    }
}

/// Returns the registry's own message (`{"message": …}`) on one line, to be appended to the status.
fn message(body: &[u8]) -> String {
    let text = parse_value(body)
        .ok()
        .and_then(|value| value.get("message").and_then(|text| text.as_str()).map(str::to_owned))
        .unwrap_or_default();
    let text = without_controls(&text, 200);
    if text.is_empty() { text } else { format!(": {text}") }
}

fn unreachable(error: &reqwest::Error) -> RegistryError {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<RefusedAddress>() {
            return RegistryError::NotAllowed("a host with a private or metadata address");
        }
        cause = error.source();
    }
    if error.is_timeout() {
        RegistryError::Timeout
    } else {
        let unnamed = if error.is_connect() {
            "no connection"
        } else {
            "the connection was lost"
        };
        let cause = connection_problem(error).unwrap_or(unnamed);
        tracing::warn!(
            host = error.url().and_then(Url::host_str),
            cause,
            "a registry or catalog could not be reached"
        );
        RegistryError::Unreachable(cause)
    }
}

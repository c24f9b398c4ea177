//! Requests to the registry in a caller's name, and what can come back.

use std::sync::Arc;

use reqwest::{RequestBuilder, StatusCode, header};

use super::address::RefusedAddress;
use super::{CatalogHost, HostClient};
use crate::identity::BearerToken;
use crate::setting::BaseUrl;
use crate::telemetry::Ended;
use crate::telemetry::text::without_controls;
use crate::upstream::{Asker, NotAsked, Repeat};

/// Largest answer that is read.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Why the registry (or the catalog's host) gave no usable answer. The texts go on from its name, as in "the registry: it
/// did not answer in time"; none holds a token or a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// 401: log in again.
    #[error("it refused the token (401{0})")]
    Unauthorized(String),
    /// 403: the user may not; ask an administrator.
    #[error("it refused this user (403{0})")]
    Forbidden(String),
    /// 404: this registry has no such endpoint; check `QUILT_REGISTRY_URL`.
    #[error("it has no such endpoint (404)")]
    NotFound,
    /// A page instead of JSON: most likely this is a catalog's host, not its registry's; check `QUILT_REGISTRY_URL`.
    #[error("it answered a web page instead of JSON; is QUILT_REGISTRY_URL the catalog's host?")]
    NotJson,
    /// Neither JSON nor a page, most likely from something between here and the registry: try again.
    #[error("it answered something that is not JSON")]
    Malformed,
    /// No answer in time: try again.
    #[error("it did not answer in time")]
    Timeout,
    /// Another status: try again, then tell the registry's operator.
    #[error("it answered {0}")]
    Status(u16),
    /// No connection: try again, then check the URL.
    #[error("it could not be reached ({0})")]
    Unreachable(&'static str),
    /// It was not asked: wait, then try again.
    #[error(transparent)]
    NotAsked(#[from] NotAsked),
    /// More than this server is ready to read.
    #[error("its answer is larger than 4 MiB")]
    TooLarge,
    /// The token names a registry that this server may not ask; ask the operator to allow it.
    #[error("the token names {0}, and this server does not ask there")]
    NotAllowed(&'static str),
    /// The catalog's `/config.json` could not be used; check `QUILT_CATALOG_URL`.
    #[error("the catalog's config.json could not be used: {0}")]
    Config(Box<RegistryError>),
    /// The catalog's `/config.json` names no registry that could be asked.
    #[error("it names no registry that can be asked over https")]
    NoRegistry,
}

impl RegistryError {
    /// Whether it answered at all.
    pub(super) fn ended(&self) -> Ended {
        match self {
            Self::Timeout => Ended::Timeout,
            Self::Unreachable(_) | Self::TooLarge | Self::Malformed => Ended::Failed,
            Self::Status(status) if *status >= 500 => Ended::Failed,
            Self::Config(error) => error.ended(),
            _ => Ended::Refused,
        }
    }
}

/// Where the registry's URL comes from.
enum Location {
    Configured(BaseUrl),
    FromCatalog(Arc<CatalogHost>),
}

/// The registry that the operator configured.
pub struct RegistryClient {
    location: Location,
    http: HostClient,
}

impl RegistryClient {
    /// A registry whose URL is configured.
    #[must_use]
    pub fn at(url: BaseUrl, http: HostClient) -> Self {
        Self {
            location: Location::Configured(url),
            http,
        }
    }

    /// The registry that the catalog's config names.
    #[must_use]
    pub fn of(catalog: Arc<CatalogHost>, http: HostClient) -> Self {
        Self {
            location: Location::FromCatalog(catalog),
            http,
        }
    }

    /// The registry's URL, asked of the catalog if need be.
    pub async fn url(&self) -> Result<BaseUrl, RegistryError> {
        match &self.location {
            Location::Configured(url) => Ok(url.clone()),
            Location::FromCatalog(catalog) => catalog.registry().await,
        }
    }

    /// `GET {registry}{path}` with this bearer; the answer's JSON, unparsed.
    pub(crate) async fn get(&self, path: &str, token: &BearerToken) -> Result<Vec<u8>, RegistryError> {
        let url = self.url().await?.join(path);
        let request = self.http.http().get(url).header(header::AUTHORIZATION, bearer(token)?);
        self.http.ask(request, asker(token), Repeat::Safe).await
    }

    /// `POST {registry}{path}` of a JSON body with this bearer, which asks and changes nothing; the answer's JSON, unparsed.
    pub(crate) async fn query(
        &self,
        path: &str,
        body: &serde_json::Value,
        token: &BearerToken,
    ) -> Result<Vec<u8>, RegistryError> {
        let url = self.url().await?.join(path);
        let request = self
            .http
            .http()
            .post(url)
            .header(header::AUTHORIZATION, bearer(token)?)
            .json(body);
        self.http.ask(request, asker(token), Repeat::Safe).await
    }

    /// `POST {registry}{path}` of a form, without a bearer; the answer's JSON, unparsed.
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
        self.http.ask(request.body(body), Asker::SERVER, Repeat::Never).await
    }
}

fn asker(token: &BearerToken) -> Asker {
    Asker::of(token.fingerprint())
}

/// The header's value, marked so that no log shows it.
fn bearer(token: &BearerToken) -> Result<header::HeaderValue, RegistryError> {
    let mut value = header::HeaderValue::from_str(&format!("Bearer {}", token.secret()))
        .map_err(|_| RegistryError::Unauthorized(String::new()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Sends a request and reads its JSON answer, bounded.
pub(super) async fn read_json(request: RequestBuilder) -> Result<Vec<u8>, RegistryError> {
    let mut response = request
        .header(header::ACCEPT, "application/json")
        .send()
        .await
        .map_err(|e| unreachable(&e))?;
    let status = response.status();
    let content_type = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let is_page = content_type.is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("text/html"));
    let announced = response
        .content_length()
        .and_then(|length| usize::try_from(length).ok());
    if status.is_success() && announced.is_some_and(|length| length > MAX_ANSWER) {
        return Err(RegistryError::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| unreachable(&e))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER {
            return Err(RegistryError::TooLarge);
        }
    }
    match status {
        StatusCode::UNAUTHORIZED => Err(RegistryError::Unauthorized(message(&body))),
        StatusCode::FORBIDDEN => Err(RegistryError::Forbidden(message(&body))),
        StatusCode::NOT_FOUND => Err(RegistryError::NotFound),
        status if !status.is_success() => Err(RegistryError::Status(status.as_u16())),
        _ if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok() => Ok(body),
        // A page says that there is no registry here. Anything else that cannot be read may be a registry in trouble, and
        // must not be taken for none: a caller without a registry may be given the server's own rights.
        _ if is_page || body.trim_ascii_start().first() == Some(&b'<') => Err(RegistryError::NotJson),
        _ => Err(RegistryError::Malformed),
    }
}

/// The registry's own word (`{"message": …}`), short and on one line, as it goes behind the status.
fn message(body: &[u8]) -> String {
    let text = serde_json::from_slice::<serde_json::Value>(body)
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
    } else if error.is_connect() {
        RegistryError::Unreachable("no connection")
    } else {
        RegistryError::Unreachable("the connection broke off")
    }
}

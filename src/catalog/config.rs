//! The catalog host's `/config.json`, which names the registry.
//!
//! Fields as in Quilt's `catalog/config-schema.json`; a URL that begins with `/` is relative to the catalog's origin.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::RegistryError;
use super::registry::read_json;
use crate::clock::Clock;
use crate::config::BaseUrl;

/// How long a fetched config is used.
const FRESH_FOR: SignedDuration = SignedDuration::from_mins(10);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigJson {
    registry_url: String,
}

/// The catalog, known by its URL alone.
pub struct CatalogHost {
    url: BaseUrl,
    http: reqwest::Client,
    clock: Clock,
    registry: Mutex<Option<(BaseUrl, Timestamp)>>,
}

impl CatalogHost {
    /// Nothing is fetched until it is needed.
    #[must_use]
    pub fn new(url: BaseUrl, http: reqwest::Client, clock: Clock) -> Self {
        Self { url, http, clock, registry: Mutex::new(None) }
    }

    /// The catalog's own URL.
    #[must_use]
    pub fn url(&self) -> &BaseUrl {
        &self.url
    }

    /// The registry's URL, from a config not older than ten minutes; one flight at a time. A catalog that stops
    /// answering keeps its last known registry.
    pub async fn registry(&self) -> Result<BaseUrl, RegistryError> {
        let mut known = self.registry.lock().await;
        let now = self.clock.now();
        if let Some((registry, fetched)) = &*known
            && now.duration_since(*fetched) < FRESH_FOR
        {
            return Ok(registry.clone());
        }
        match (self.fetch().await, &*known) {
            (Ok(registry), _) => {
                *known = Some((registry.clone(), now));
                Ok(registry)
            }
            (Err(_), Some((registry, _))) => Ok(registry.clone()),
            (Err(refused @ RegistryError::NotAllowed(_)), None) => Err(refused),
            (Err(error), None) => Err(RegistryError::BadConfig(error.to_string())),
        }
    }

    async fn fetch(&self) -> Result<BaseUrl, RegistryError> {
        let request = self.http.get(self.url.join("/config.json"));
        let body = read_json(request).await?;
        let config: ConfigJson = serde_json::from_slice(&body)
            .map_err(|_| RegistryError::BadConfig("it names no registryUrl".to_owned()))?;
        let url = if config.registry_url.starts_with('/') {
            self.url.join(&config.registry_url).to_string()
        } else {
            config.registry_url
        };
        let registry: BaseUrl = url.parse().map_err(RegistryError::BadConfig)?;
        if registry.is_safe_for_tokens() {
            Ok(registry)
        } else {
            Err(RegistryError::BadConfig(format!("its registryUrl `{registry}` is not https")))
        }
    }
}

//! The catalog's `/config.json`, which names the registry.
//!
//! The fields are those of Quilt's `catalog/config-schema.json`. A URL that begins with `/` is relative to the catalog's
//! origin.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{HostClient, RegistryError};
use crate::clock::{Clock, Moment};
use crate::json::deserialize_optional_value;
use crate::resilience::{CallerKey, Retry};
use crate::setting::BaseUrl;
use crate::telemetry::text;

/// Age after which the config is fetched again.
const CONFIG_TTL: SignedDuration = SignedDuration::from_mins(10);
/// Minimum time between two requests while no registry is known.
const MIN_RETRY_INTERVAL: SignedDuration = SignedDuration::from_secs(2);
/// Minimum time between two requests while the last known registry is used.
const MIN_REFRESH_INTERVAL: SignedDuration = SignedDuration::from_secs(30);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigJson {
    registry_url: String,
    #[serde(default, deserialize_with = "deserialize_optional_value")]
    region: Option<Value>,
    #[serde(default)]
    crc64_checksums: Option<bool>,
    /// `PRODUCT`, `OPEN`, `CLOSED` or `LOCAL`.
    #[serde(default, deserialize_with = "deserialize_optional_value")]
    mode: Option<Value>,
    #[serde(default, deserialize_with = "deserialize_optional_value")]
    stack_version: Option<Value>,
}

/// What the server uses of a catalog's config.
#[derive(Clone)]
struct Config {
    registry: BaseUrl,
    region: Option<String>,
    prefers_crc64: bool,
    is_local: bool,
    stack_version: Option<String>,
}

/// Where clients reach a catalog that the server reaches elsewhere, as in a container with one published port.
#[derive(Debug, Clone)]
pub struct PublicCatalog {
    /// The URL of the catalog.
    pub url: BaseUrl,
    /// The URL of its registry.
    pub registry: BaseUrl,
}

/// A catalog, whose config is fetched when it is needed.
pub struct CatalogHost {
    url: BaseUrl,
    public: Option<PublicCatalog>,
    http: HostClient,
    clock: Clock,
    cached: RwLock<CachedConfig>,
    /// Locked by the task that fetches the config. A task waits for it only while no registry is known.
    fetch_lock: Mutex<()>,
}

#[derive(Default)]
struct CachedConfig {
    config: Option<Config>,
    /// When the config is fetched again.
    due: Option<Moment>,
    /// Why the last fetch failed, if no config is known.
    error: Option<RegistryError>,
}

impl CatalogHost {
    /// Creates a catalog. Sends no request yet.
    #[must_use]
    pub fn new(url: BaseUrl, http: HostClient, clock: Clock) -> Self {
        Self {
            url,
            public: None,
            http,
            clock,
            cached: RwLock::default(),
            fetch_lock: Mutex::default(),
        }
    }

    /// Sets where clients reach the catalog and its registry.
    #[must_use]
    pub fn with_public(mut self, public: Option<PublicCatalog>) -> Self {
        self.public = public;
        self
    }

    /// Returns the URL for clients, of which links are made.
    #[must_use]
    pub fn url(&self) -> &BaseUrl {
        self.public.as_ref().map_or(&self.url, |public| &public.url)
    }

    /// Returns the URL at which clients reach a registry of the server's.
    #[must_use]
    pub fn public_registry(&self, registry: BaseUrl) -> BaseUrl {
        self.public.as_ref().map_or(registry, |public| public.registry.clone())
    }

    /// Whether the catalog writes packages with `CRC64NVME` checksums (`crc64Checksums`). `false` if it does not answer.
    pub async fn prefers_crc64(&self) -> bool {
        self.config().await.is_ok_and(|config| config.prefers_crc64)
    }

    /// Returns the AWS region of the catalog's stack, if the catalog names it.
    pub async fn region(&self) -> Option<String> {
        self.config().await.ok()?.region
    }

    /// Returns the version of the catalog's stack, if the catalog names it.
    pub async fn stack_version(&self) -> Option<String> {
        let version = self.config().await.ok()?.stack_version?;
        Some(text::without_controls(&version, 100))
    }

    /// Whether the catalog runs on its owner's machine (`mode: LOCAL`, as quilt3-local): its registry vends the owner's
    /// credentials with every token, and so authenticates no caller.
    pub(super) async fn is_local(&self) -> Result<bool, RegistryError> {
        Ok(self.config().await?.is_local)
    }

    /// Returns the registry's URL.
    pub async fn registry(&self) -> Result<BaseUrl, RegistryError> {
        Ok(self.config().await?.registry)
    }

    /// Returns the registry's URL if the config was fetched before. Sends no request.
    pub(super) fn known_registry(&self) -> Option<BaseUrl> {
        self.cached().config.as_ref().map(|config| config.registry.clone())
    }

    /// Returns the cached config, and fetches it if it is older than ten minutes. One fetch runs at a time, and its result,
    /// even a failure, is that of all tasks that waited for it. If the catalog stops answering, the last known config stays
    /// in use.
    async fn config(&self) -> Result<Config, RegistryError> {
        if let Some(result) = self.cached_config() {
            return result;
        }
        // Other tasks use the old config while one task fetches the new one.
        let last = self.cached().config.clone();
        let guard = match (last, self.fetch_lock.try_lock()) {
            (_, Ok(guard)) => guard,
            (Some(config), Err(_)) => return Ok(config),
            (None, Err(_)) => self.fetch_lock.lock().await,
        };
        if let Some(result) = self.cached_config() {
            return result;
        }
        let fetched = self.fetch().await;
        let now = self.clock.monotonic();
        let after = |wait| Some(now.after(wait));
        {
            let mut cached = self.cached.write().unwrap_or_else(PoisonError::into_inner);
            match fetched {
                Ok(config) => {
                    *cached = CachedConfig {
                        config: Some(config),
                        due: after(CONFIG_TTL),
                        error: None,
                    };
                }
                Err(error) if cached.config.is_some() => {
                    tracing::warn!(error = text::error(&error), catalog = %self.url, "the last known config of the catalog stays in use");
                    cached.due = after(MIN_REFRESH_INTERVAL);
                }
                Err(error) => {
                    *cached = CachedConfig {
                        due: after(MIN_RETRY_INTERVAL),
                        error: Some(error),
                        ..CachedConfig::default()
                    }
                }
            }
        }
        drop(guard);
        self.cached_config().unwrap_or(Err(RegistryError::Timeout))
    }

    fn cached(&self) -> RwLockReadGuard<'_, CachedConfig> {
        self.cached.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the result of the last fetch unless the next one is due.
    fn cached_config(&self) -> Option<Result<Config, RegistryError>> {
        let cached = self.cached();
        if cached.due.is_none_or(|due| due <= self.clock.monotonic()) {
            return None;
        }
        match (&cached.config, &cached.error) {
            (Some(config), _) => Some(Ok(config.clone())),
            (None, Some(refused @ RegistryError::NotAllowed(_))) => Some(Err(refused.clone())),
            (None, Some(error)) => Some(Err(RegistryError::Config(Box::new(error.clone())))),
            (None, None) => None,
        }
    }

    async fn fetch(&self) -> Result<Config, RegistryError> {
        let request = self.http.http().get(self.url.join("/config.json"));
        let body = self.http.ask(request, CallerKey::SERVER, Retry::Safe).await?;
        let config: ConfigJson = serde_json::from_slice(&body).map_err(|_| RegistryError::NoRegistry)?;
        let url = if config.registry_url.starts_with('/') {
            self.url.join(&config.registry_url).to_string()
        } else {
            config.registry_url
        };
        let registry: BaseUrl = url.parse().map_err(|_| RegistryError::NoRegistry)?;
        if registry.is_safe_for_tokens() {
            Ok(Config {
                registry,
                region: config.region.and_then(|region| region.as_str().map(str::to_owned)),
                stack_version: config
                    .stack_version
                    .and_then(|version| version.as_str().map(str::to_owned)),
                prefers_crc64: config.crc64_checksums == Some(true),
                is_local: config
                    .mode
                    .is_some_and(|mode| mode.as_str().is_some_and(|mode| mode.eq_ignore_ascii_case("LOCAL"))),
            })
        } else {
            Err(RegistryError::NoRegistry)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::catalog::http_client;
    use crate::clock::ManualClock;
    use crate::resilience::{RetryPolicy, Upstreams};

    #[test]
    fn what_is_known_is_as_old_as_the_time_that_has_passed() {
        let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let day = SignedDuration::from_hours(24);
        let manual = ManualClock::new(noon + day);
        let http = http_client(Duration::from_secs(1)).unwrap();
        let http = HostClient::new(http, Upstreams::new(manual.clock(), RetryPolicy::default()));
        let host = CatalogHost::new("https://catalog.example.com".parse().unwrap(), http, manual.clock());
        let registry: BaseUrl = "https://registry.example.com".parse().unwrap();
        let due = Some(manual.clock().monotonic().after(CONFIG_TTL));
        *host.cached.write().unwrap() = CachedConfig {
            config: Some(Config {
                registry,
                region: None,
                prefers_crc64: false,
                is_local: false,
                stack_version: None,
            }),
            due,
            ..CachedConfig::default()
        };
        manual.set_wall(noon);
        assert!(host.cached_config().is_some());
        manual.advance(CONFIG_TTL);
        assert!(
            host.cached_config().is_none(),
            "the clock was a day ahead, and the config is ten minutes old"
        );
    }
}

//! The catalog host's `/config.json`, which names the registry.
//!
//! Fields as in Quilt's `catalog/config-schema.json`; a URL that begins with `/` is relative to the catalog's origin.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use jiff::SignedDuration;
use quilt_format::{PackageName, TopHash, percent};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{HostClient, RegistryError};
use crate::clock::{Clock, Moment};
use crate::setting::BaseUrl;
use crate::telemetry::text;
use crate::upstream::{Asker, Repeat};

/// How long a fetched config is used.
const FRESH_FOR: SignedDuration = SignedDuration::from_mins(10);
/// How long a failure is the answer when no registry is known.
const RETRY: SignedDuration = SignedDuration::from_secs(2);
/// How long the last known registry is used before the catalog is asked again.
const RETRY_KNOWN: SignedDuration = SignedDuration::from_secs(30);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigJson {
    registry_url: String,
    #[serde(default)]
    crc64_checksums: Option<bool>,
}

/// The catalog, known by its URL alone.
pub struct CatalogHost {
    url: BaseUrl,
    http: HostClient,
    clock: Clock,
    known: RwLock<Known>,
    /// Whoever fetches holds this; nobody who has an answer waits for it.
    flight: Mutex<()>,
}

#[derive(Default)]
struct Known {
    registry: Option<BaseUrl>,
    prefers_crc64: bool,
    /// When the next fetch is due.
    due: Option<Moment>,
    /// The last fetch's failure, as long as it is the last word.
    failure: Option<RegistryError>,
}

impl CatalogHost {
    /// Nothing is fetched until it is needed.
    #[must_use]
    pub fn new(url: BaseUrl, http: HostClient, clock: Clock) -> Self {
        Self {
            url,
            http,
            clock,
            known: RwLock::default(),
            flight: Mutex::default(),
        }
    }

    /// The catalog's own URL.
    #[must_use]
    pub fn url(&self) -> &BaseUrl {
        &self.url
    }

    /// Whether the catalog writes packages with `CRC64NVME` checksums (`crc64Checksums`). A catalog that does not answer
    /// does not.
    pub async fn prefers_crc64(&self) -> bool {
        self.registry().await.is_ok() && self.known().prefers_crc64
    }

    /// The page of a package's revision, for people.
    #[must_use]
    pub fn package_page(&self, bucket: &str, name: &PackageName, hash: &TopHash) -> String {
        let name: Vec<String> = name.as_str().split('/').map(percent::encode_component).collect();
        self.url
            .join(&format!("/b/{bucket}/packages/{}/tree/{hash}", name.join("/")))
            .to_string()
    }

    /// The registry's URL, from a config not older than ten minutes. One flight at a time, whose outcome serves all who
    /// waited for it, also when it is a failure. A catalog that stops answering keeps its last known registry.
    pub async fn registry(&self) -> Result<BaseUrl, RegistryError> {
        if let Some(answer) = self.answer() {
            return answer;
        }
        // Old news serve everybody but the one who fetches new ones.
        let last = self.known().registry.clone();
        let turn = match (last, self.flight.try_lock()) {
            (_, Ok(turn)) => turn,
            (Some(registry), Err(_)) => return Ok(registry),
            (None, Err(_)) => self.flight.lock().await,
        };
        if let Some(answer) = self.answer() {
            return answer;
        }
        let fetched = self.fetch().await;
        let now = self.clock.monotonic();
        let after = |wait| Some(now.after(wait));
        {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            match fetched {
                Ok((registry, prefers_crc64)) => {
                    *known = Known {
                        registry: Some(registry),
                        prefers_crc64,
                        due: after(FRESH_FOR),
                        failure: None,
                    };
                }
                Err(error) if known.registry.is_some() => {
                    tracing::warn!(error = text::error(&error), catalog = %self.url, "the last known registry stays in use");
                    known.due = after(RETRY_KNOWN);
                }
                Err(error) => {
                    *known = Known {
                        due: after(RETRY),
                        failure: Some(error),
                        ..Known::default()
                    }
                }
            }
        }
        drop(turn);
        self.answer().unwrap_or(Err(RegistryError::Timeout))
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known and not due to be asked again.
    fn answer(&self) -> Option<Result<BaseUrl, RegistryError>> {
        let known = self.known();
        if known.due.is_none_or(|due| due <= self.clock.monotonic()) {
            return None;
        }
        match (&known.registry, &known.failure) {
            (Some(registry), _) => Some(Ok(registry.clone())),
            (None, Some(refused @ RegistryError::NotAllowed(_))) => Some(Err(refused.clone())),
            (None, Some(failure)) => Some(Err(RegistryError::Config(Box::new(failure.clone())))),
            (None, None) => None,
        }
    }

    async fn fetch(&self) -> Result<(BaseUrl, bool), RegistryError> {
        let request = self.http.http().get(self.url.join("/config.json"));
        let body = self.http.ask(request, Asker::SERVER, Repeat::Safe).await?;
        let config: ConfigJson = serde_json::from_slice(&body).map_err(|_| RegistryError::NoRegistry)?;
        let url = if config.registry_url.starts_with('/') {
            self.url.join(&config.registry_url).to_string()
        } else {
            config.registry_url
        };
        let registry: BaseUrl = url.parse().map_err(|_| RegistryError::NoRegistry)?;
        let prefers_crc64 = config.crc64_checksums == Some(true);
        if registry.is_safe_for_tokens() {
            Ok((registry, prefers_crc64))
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
    use crate::upstream::{Upstreams, Waits};

    #[test]
    fn what_is_known_is_as_old_as_the_time_that_has_passed() {
        let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let day = SignedDuration::from_hours(24);
        let manual = ManualClock::new(noon + day);
        let http = http_client(Duration::from_secs(1)).unwrap();
        let http = HostClient::new(http, Upstreams::new(manual.clock(), Waits::default()));
        let host = CatalogHost::new("https://catalog.example.com".parse().unwrap(), http, manual.clock());
        let registry: BaseUrl = "https://registry.example.com".parse().unwrap();
        let due = Some(manual.clock().monotonic().after(FRESH_FOR));
        *host.known.write().unwrap() = Known {
            registry: Some(registry),
            due,
            ..Known::default()
        };
        manual.set_wall(noon);
        assert!(host.answer().is_some());
        manual.advance(FRESH_FOR);
        assert!(
            host.answer().is_none(),
            "the clock was a day ahead, and the config is ten minutes old"
        );
    }
}

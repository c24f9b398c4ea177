//! Cache of an identity provider's keys, which are fetched when a token needs them.
//!
//! Invariants: one request is in flight at a time; tokens with unknown key ids cause at most one request in
//! [`MIN_FETCH_INTERVAL`]; when the provider does not answer, cached keys stay in use for [`MAX_KEY_AGE`]; without keys, a
//! token is neither accepted nor rejected ([`Rejection::Unavailable`]).

use std::sync::{PoisonError, RwLock};

use jiff::SignedDuration;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::key::{UsableKey, usable};
use crate::clock::{Clock, Moment};
use crate::identity::Rejection;
use crate::resilience::{CallerKey, Failure, Rejected, Retry, Upstream, Upstreams};
use crate::telemetry::{Dependency, UpstreamOutcome, instrument};

/// Age after which keys are fetched again.
const KEYS_TTL: SignedDuration = SignedDuration::from_mins(10);
/// Age after which keys are no longer used.
const MAX_KEY_AGE: SignedDuration = SignedDuration::from_hours(24);
/// Minimum time between two requests.
const MIN_FETCH_INTERVAL: SignedDuration = SignedDuration::from_secs(30);
/// Minimum time between two requests while no keys are cached.
const MIN_RETRY_INTERVAL: SignedDuration = SignedDuration::from_secs(2);
/// Maximum size of a key set.
const MAX_KEY_SET_BYTES: usize = 256 * 1024;

/// The keys of one provider.
pub struct KeyStore {
    url: Url,
    http: reqwest::Client,
    upstream: Upstream,
    clock: Clock,
    /// Read by each request. Not locked across an await.
    cached: RwLock<CachedKeys>,
    /// Locked by the task that fetches keys. Contains the time of the last fetch.
    fetch_lock: Mutex<Option<Moment>>,
}

/// A key set whose keys are not decoded yet.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

/// Why keys could not be fetched. It is written to the log, and not shown to callers.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("no answer")]
    NoAnswer { is_timeout: bool },
    #[error("the answer {0}; redirects are not followed")]
    Status(u16),
    #[error("{0}")]
    Unusable(&'static str),
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

impl Problem {
    fn outcome(&self) -> UpstreamOutcome {
        match self {
            Self::NoAnswer { is_timeout: true } => UpstreamOutcome::Timeout,
            Self::NoAnswer { is_timeout: false } | Self::Status(500..) | Self::Unusable(_) => UpstreamOutcome::Failed,
            Self::Status(_) | Self::Rejected(_) => UpstreamOutcome::Refused,
        }
    }

    /// A 500 is an answer, as it is from a registry.
    fn failure(&self) -> Option<Failure> {
        match self {
            Self::NoAnswer { is_timeout: true } => Some(Failure::Timeout),
            Self::NoAnswer { is_timeout: false } | Self::Status(502..=504) => Some(Failure::Transient),
            Self::Status(_) | Self::Unusable(_) | Self::Rejected(_) => None,
        }
    }
}

impl From<reqwest::Error> for Problem {
    fn from(error: reqwest::Error) -> Self {
        Self::NoAnswer {
            is_timeout: error.is_timeout(),
        }
    }
}

#[derive(Default)]
struct CachedKeys {
    keys: Vec<UsableKey>,
    fetched: Option<Moment>,
}

impl KeyStore {
    /// Creates an empty store, which sends no request yet. `http` must not follow redirects.
    pub async fn at(url: Url, http: reqwest::Client, upstreams: &Upstreams, clock: Clock) -> Self {
        let upstream = upstreams.at(Dependency::Jwks, url.origin().ascii_serialization()).await;
        Self {
            url,
            http,
            upstream,
            clock,
            cached: RwLock::default(),
            fetch_lock: Mutex::default(),
        }
    }

    /// Fetches keys if none are cached.
    pub async fn load(&self) -> Result<(), Rejection> {
        if !self.has_keys() {
            let mut tried = self.fetch_lock.lock().await;
            if !self.has_keys() {
                self.refresh(&mut tried, MIN_RETRY_INTERVAL).await;
            }
        }
        if self.has_keys() {
            return Ok(());
        }
        let why = self
            .upstream
            .open_circuit()
            .map(|open| format!(": {open}"))
            .unwrap_or_default();
        Err(Rejection::Unavailable {
            detail: format!("the keys of the issuer (MCP_JWT_JWKS_URL) could not be fetched{why}"),
        })
    }

    /// Returns the key with this id and algorithm; without an id, the only key of the algorithm.
    pub async fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey, Rejection> {
        if let Some(key) = self.pick(id, algorithm, KEYS_TTL) {
            return Ok(key);
        }
        self.load().await?;
        if self.pick(id, algorithm, MAX_KEY_AGE).is_none() {
            // The provider may have rotated its keys just now.
            let mut tried = self.fetch_lock.lock().await;
            if self.pick(id, algorithm, MAX_KEY_AGE).is_none() {
                self.refresh(&mut tried, MIN_FETCH_INTERVAL).await;
            }
        } else if self.pick(id, algorithm, KEYS_TTL).is_none()
            && let Ok(mut tried) = self.fetch_lock.try_lock()
        {
            // Other requests use the old keys while this one fetches new ones.
            self.refresh(&mut tried, MIN_FETCH_INTERVAL).await;
        }
        self.pick(id, algorithm, MAX_KEY_AGE).ok_or_else(|| Rejection::Invalid {
            detail: "it was signed with a key that its issuer does not publish for this algorithm".to_owned(),
        })
    }

    fn has_keys(&self) -> bool {
        self.age() < MAX_KEY_AGE
    }

    fn age(&self) -> SignedDuration {
        let fetched = self.cached.read().unwrap_or_else(PoisonError::into_inner).fetched;
        fetched.map_or(SignedDuration::MAX, |at| self.clock.monotonic().since(at))
    }

    fn pick(&self, id: Option<&str>, algorithm: Algorithm, younger_than: SignedDuration) -> Option<DecodingKey> {
        if self.age() >= younger_than {
            return None;
        }
        let known = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        let fits = |key: &&UsableKey| key.algorithm == algorithm && id.is_none_or(|id| key.id.as_deref() == Some(id));
        let mut fitting = known.keys.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Some(only.key.clone()),
            _ => None,
        }
    }

    /// Fetches keys unless the last fetch was less than `pause` ago.
    async fn refresh(&self, tried: &mut Option<Moment>, pause: SignedDuration) {
        if tried.is_some_and(|at| self.clock.monotonic().since(at) < pause) {
            return;
        }
        let send = || instrument(Dependency::Jwks, "jwks GET", None, Problem::outcome, self.fetch());
        let fetched = self
            .upstream
            .call(CallerKey::SERVER, Retry::Safe, send, Problem::failure)
            .await;
        if matches!(fetched, Err(Problem::Rejected(_))) {
            return;
        }
        // The interval begins at the end of a fetch, so that the tasks that waited for it do not start another one.
        let now = self.clock.monotonic();
        *tried = Some(now);
        match fetched {
            Ok(keys) => {
                *self.cached.write().unwrap_or_else(PoisonError::into_inner) = CachedKeys {
                    keys,
                    fetched: Some(now),
                };
            }
            Err(problem) => tracing::warn!(%problem, "the issuer's keys could not be fetched"),
        }
    }

    async fn fetch(&self) -> Result<Vec<UsableKey>, Problem> {
        let mut response = self.http.get(self.url.clone()).send().await?;
        if !response.status().is_success() {
            return Err(Problem::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_KEY_SET_BYTES {
                return Err(Problem::Unusable("more than 256 KiB"));
            }
        }
        let set: KeySet =
            serde_json::from_slice(&body).map_err(|_| Problem::Unusable("the answer is not a key set"))?;
        // Keys of unknown types are skipped.
        let keys: Vec<Jwk> = set
            .keys
            .into_iter()
            .filter_map(|key| serde_json::from_value(key).ok())
            .collect();
        match usable(&keys) {
            keys if keys.is_empty() => Err(Problem::Unusable(
                "the key set holds no key for RS256, ES256 or EdDSA signatures",
            )),
            keys => Ok(keys),
        }
    }
}

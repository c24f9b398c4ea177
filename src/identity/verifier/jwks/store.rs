//! The provider's keys, fetched when they are needed and kept while they are good.
//!
//! Invariants: one question at a time; a token with an unknown key id makes at most one request in [`COOL_DOWN`], however
//! many such tokens come; when the provider does not answer, the keys that are there stay in use for [`KEEP`], and without
//! any the answer is "cannot tell" and never "refused".

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
use crate::telemetry::{Dependency, Ended, observed};
use crate::upstream::{Asker, NotAsked, Repeat, Silence, Upstream, Upstreams};

/// Keys older than this are fetched anew.
const FRESH: SignedDuration = SignedDuration::from_mins(10);
/// Keys older than this are not used at all.
const KEEP: SignedDuration = SignedDuration::from_hours(24);
/// Least time between two requests.
const COOL_DOWN: SignedDuration = SignedDuration::from_secs(30);
/// Least time between two requests while there are no keys.
const RETRY: SignedDuration = SignedDuration::from_secs(2);
/// Largest key set that is read.
const MAX_BYTES: usize = 256 * 1024;

/// The keys of one provider.
pub struct KeyStore {
    url: Url,
    http: reqwest::Client,
    upstream: Upstream,
    clock: Clock,
    /// Read by every request; never held while waiting.
    known: RwLock<Known>,
    /// Whoever fetches holds this; inside, when the last try ended.
    flight: Mutex<Option<Moment>>,
}

/// A key set, before its keys are looked at.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

/// Why no keys came. The server's log shows it, and no caller.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("no answer")]
    NoAnswer { is_timeout: bool },
    #[error("the answer {0}; redirects are not followed")]
    Status(u16),
    #[error("{0}")]
    Unusable(&'static str),
    #[error(transparent)]
    NotAsked(#[from] NotAsked),
}

impl Problem {
    fn ended(&self) -> Ended {
        match self {
            Self::NoAnswer { is_timeout: true } => Ended::Timeout,
            Self::NoAnswer { is_timeout: false } | Self::Status(500..) | Self::Unusable(_) => Ended::Failed,
            Self::Status(_) | Self::NotAsked(_) => Ended::Refused,
        }
    }

    /// As with a registry: a 500 is an answer.
    fn silence(&self) -> Option<Silence> {
        match self {
            Self::NoAnswer { is_timeout: true } => Some(Silence::Long),
            Self::NoAnswer { is_timeout: false } | Self::Status(502..=504) => Some(Silence::Brief),
            Self::Status(_) | Self::Unusable(_) | Self::NotAsked(_) => None,
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
struct Known {
    keys: Vec<UsableKey>,
    fetched: Option<Moment>,
}

impl KeyStore {
    /// `http` must not follow redirects. Nothing is fetched until it is needed.
    pub async fn at(url: Url, http: reqwest::Client, upstreams: &Upstreams, clock: Clock) -> Self {
        let upstream = upstreams.at(Dependency::Jwks, url.origin().ascii_serialization()).await;
        Self {
            url,
            http,
            upstream,
            clock,
            known: RwLock::default(),
            flight: Mutex::default(),
        }
    }

    /// Makes sure that there are keys.
    pub async fn load(&self) -> Result<(), Rejection> {
        if !self.has_keys() {
            let mut tried = self.flight.lock().await;
            if !self.has_keys() {
                self.refresh(&mut tried, RETRY).await;
            }
        }
        if self.has_keys() {
            return Ok(());
        }
        let why = self
            .upstream
            .resting()
            .map(|resting| format!(": {resting}"))
            .unwrap_or_default();
        Err(Rejection::Unavailable {
            detail: format!("the issuer's keys (MCP_JWT_JWKS_URL) could not be fetched{why}"),
        })
    }

    /// The key with this id and algorithm. Without an id, the only key of that algorithm.
    pub async fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey, Rejection> {
        if let Some(key) = self.pick(id, algorithm, FRESH) {
            return Ok(key);
        }
        self.load().await?;
        if self.pick(id, algorithm, KEEP).is_none() {
            // The provider may have rotated its keys just now.
            let mut tried = self.flight.lock().await;
            if self.pick(id, algorithm, KEEP).is_none() {
                self.refresh(&mut tried, COOL_DOWN).await;
            }
        } else if self.pick(id, algorithm, FRESH).is_none()
            && let Ok(mut tried) = self.flight.try_lock()
        {
            // Old keys serve everybody but the one who fetches new ones.
            self.refresh(&mut tried, COOL_DOWN).await;
        }
        self.pick(id, algorithm, KEEP).ok_or_else(|| Rejection::Invalid {
            detail: "it was signed with a key that its issuer does not publish for this algorithm".to_owned(),
        })
    }

    fn has_keys(&self) -> bool {
        self.age() < KEEP
    }

    fn age(&self) -> SignedDuration {
        let fetched = self.known.read().unwrap_or_else(PoisonError::into_inner).fetched;
        fetched.map_or(SignedDuration::MAX, |at| self.clock.monotonic().since(at))
    }

    fn pick(&self, id: Option<&str>, algorithm: Algorithm, younger_than: SignedDuration) -> Option<DecodingKey> {
        if self.age() >= younger_than {
            return None;
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let fits = |key: &&UsableKey| key.algorithm == algorithm && id.is_none_or(|id| key.id.as_deref() == Some(id));
        let mut fitting = known.keys.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Some(only.key.clone()),
            _ => None,
        }
    }

    /// Fetches keys unless the last try was less than `pause` ago.
    async fn refresh(&self, tried: &mut Option<Moment>, pause: SignedDuration) {
        if tried.is_some_and(|at| self.clock.monotonic().since(at) < pause) {
            return;
        }
        let question = || observed(Dependency::Jwks, "jwks GET", None, Problem::ended, self.fetch());
        let fetched = self
            .upstream
            .ask(Asker::SERVER, Repeat::Safe, question, Problem::silence)
            .await;
        if matches!(fetched, Err(Problem::NotAsked(_))) {
            return;
        }
        // Who has waited for this try must not begin another one, however long it took.
        let now = self.clock.monotonic();
        *tried = Some(now);
        match fetched {
            Ok(keys) => {
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known {
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
            if body.len() > MAX_BYTES {
                return Err(Problem::Unusable("more than 256 KiB"));
            }
        }
        let set: KeySet =
            serde_json::from_slice(&body).map_err(|_| Problem::Unusable("the answer is not a key set"))?;
        // A key of a kind that nobody here knows must not cost the others.
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

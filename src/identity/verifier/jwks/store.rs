//! Cache of an identity provider's keys, which are fetched when a token needs them.
//!
//! Invariants: one request is in flight at a time; tokens with unknown key ids cause at most one request in
//! [`MIN_FETCH_INTERVAL`]; when the provider does not answer, or publishes nothing usable, cached keys stay in use for
//! [`MAX_KEY_AGE`]; without keys, a token is neither accepted nor rejected ([`Rejection::Unavailable`] or, if a set was fetched,
//! [`Rejection::NoUsableKey`]).
//!
//! A set without a usable key does not replace one with keys: a provider in trouble, or a proxy before it, publishes an empty
//! set as easily as an error, and that must not lock every caller out at once. A key that is withdrawn by a set with other
//! keys is no longer used.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::SignedDuration;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::key::{Candidates, UsableKey, Wanted, candidates, usable};
use crate::clock::{Clock, Moment};
use crate::identity::{Rejection, shown};
use crate::json;
use crate::resilience::{CallerKey, Failure, Rejected, Retry, Upstream, Upstreams, connection_problem};
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

/// Why there are no keys. It holds no key material.
#[derive(Debug, Clone, thiserror::Error)]
enum Problem {
    #[error("no answer{}", described(*.cause))]
    NoAnswer {
        is_timeout: bool,
        cause: Option<&'static str>,
    },
    #[error("the answer {0}; redirects are not followed")]
    Status(u16),
    /// A document was fetched that holds no usable key.
    #[error("{0}")]
    Unusable(String),
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

impl Problem {
    fn outcome(&self) -> UpstreamOutcome {
        match self {
            Self::NoAnswer { is_timeout: true, .. } => UpstreamOutcome::Timeout,
            Self::NoAnswer { is_timeout: false, .. } | Self::Status(500..) | Self::Unusable(_) => {
                UpstreamOutcome::Failed
            }
            Self::Status(_) | Self::Rejected(_) => UpstreamOutcome::Refused,
        }
    }

    /// A 500 is an answer, as it is from a registry.
    fn failure(&self) -> Option<Failure> {
        match self {
            Self::NoAnswer { is_timeout: true, .. } => Some(Failure::Timeout),
            Self::NoAnswer { is_timeout: false, .. } | Self::Status(502..=504) => Some(Failure::Transient),
            Self::Status(_) | Self::Unusable(_) | Self::Rejected(_) => None,
        }
    }
}

/// Returns the cause of a missing answer, to be appended.
fn described(cause: Option<&str>) -> String {
    cause.map(|cause| format!(": {cause}")).unwrap_or_default()
}

impl From<reqwest::Error> for Problem {
    fn from(error: reqwest::Error) -> Self {
        Self::NoAnswer {
            is_timeout: error.is_timeout(),
            cause: connection_problem(&error),
        }
    }
}

#[derive(Default)]
struct CachedKeys {
    keys: Vec<Arc<UsableKey>>,
    fetched: Option<Moment>,
    /// Why the last fetch brought no keys.
    problem: Option<Problem>,
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
        Err(self.without_keys())
    }

    /// Says why there are no keys.
    fn without_keys(&self) -> Rejection {
        let problem = self
            .cached
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .problem
            .clone();
        if let Some(Problem::Unusable(problem)) = problem {
            return Rejection::NoUsableKey {
                detail: format!("the document at MCP_JWT_JWKS_URL was fetched, and {problem}"),
            };
        }
        let why = match (self.upstream.open_circuit(), problem) {
            (Some(open), _) => format!(": {open}"),
            (None, Some(Problem::Status(status))) => format!(": the answer was {status}"),
            (None, Some(Problem::NoAnswer { cause, .. })) => described(cause),
            (None, _) => String::new(),
        };
        Rejection::Unavailable {
            detail: format!("the keys of the issuer (MCP_JWT_JWKS_URL) could not be fetched{why}"),
        }
    }

    /// Returns the keys that may have signed a token with this header.
    pub async fn find(&self, wanted: &Wanted<'_>) -> Result<Candidates, Rejection> {
        if let Some(found) = self.pick(wanted, KEYS_TTL) {
            return Ok(found);
        }
        self.load().await?;
        if self.pick(wanted, MAX_KEY_AGE).is_none() {
            // The provider may have rotated its keys just now.
            let mut tried = self.fetch_lock.lock().await;
            if self.pick(wanted, MAX_KEY_AGE).is_none() {
                self.refresh(&mut tried, MIN_FETCH_INTERVAL).await;
            }
        } else if self.pick(wanted, KEYS_TTL).is_none()
            && let Ok(mut tried) = self.fetch_lock.try_lock()
        {
            // Other requests use the old keys while this one fetches new ones.
            self.refresh(&mut tried, MIN_FETCH_INTERVAL).await;
        }
        Ok(self.pick(wanted, MAX_KEY_AGE).unwrap_or_else(Candidates::none))
    }

    /// Returns the keys that may have signed a token that none of those `found` verifies, because the provider may have
    /// replaced a key without giving the new one a name of its own.
    pub async fn find_newer(&self, wanted: &Wanted<'_>, found: Candidates) -> Result<Candidates, Rejection> {
        let mut tried = self.fetch_lock.lock().await;
        self.refresh(&mut tried, MIN_FETCH_INTERVAL).await;
        Ok(self.pick(wanted, MAX_KEY_AGE).unwrap_or(found))
    }

    fn has_keys(&self) -> bool {
        self.age() < MAX_KEY_AGE
    }

    fn age(&self) -> SignedDuration {
        let fetched = self.cached.read().unwrap_or_else(PoisonError::into_inner).fetched;
        fetched.map_or(SignedDuration::MAX, |at| self.clock.monotonic().since(at))
    }

    /// Returns the candidates among keys that are younger than this, if there are any.
    fn pick(&self, wanted: &Wanted<'_>, younger_than: SignedDuration) -> Option<Candidates> {
        if self.age() >= younger_than {
            return None;
        }
        let known = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        Some(candidates(&known.keys, wanted)).filter(|found| !found.keys.is_empty())
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
        let mut cached = self.cached.write().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok(keys) => {
                *cached = CachedKeys {
                    keys,
                    fetched: Some(now),
                    problem: None,
                };
            }
            Err(problem) => {
                if matches!(problem, Problem::Unusable(_)) {
                    tracing::warn!(%problem, "the issuer's keys were fetched, and none is usable");
                } else {
                    tracing::warn!(%problem, "the issuer's keys could not be fetched");
                }
                cached.problem = Some(problem);
            }
        }
    }

    async fn fetch(&self) -> Result<Vec<Arc<UsableKey>>, Problem> {
        let mut response = self.http.get(self.url.clone()).send().await?;
        if !response.status().is_success() {
            return Err(Problem::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_KEY_SET_BYTES {
                return Err(Problem::Unusable("it is larger than 256 KiB".to_owned()));
            }
        }
        keys_of(&body).map_err(Problem::Unusable)
    }
}

/// Reads the keys of a document that should be a key set, or says what it is instead.
fn keys_of(body: &[u8]) -> Result<Vec<Arc<UsableKey>>, String> {
    let document: Value = json::parse_value(body).map_err(|_| "it is not JSON; expected a JSON Web Key Set")?;
    match document.get("keys") {
        Some(Value::Array(keys)) => usable(keys),
        Some(other) => Err(format!("its keys is {}; expected an array", shown::kind(other))),
        None if document.get("jwks_uri").is_some() => {
            Err("it is the issuer's metadata; set MCP_JWT_JWKS_URL to its jwks_uri".to_owned())
        }
        None => Err("it has no keys member; expected a JSON Web Key Set".to_owned()),
    }
}

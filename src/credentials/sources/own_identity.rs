//! The server's own AWS credentials: fetched once for all calls that need them, kept, and replaced when AWS no longer
//! takes them.
//!
//! No lock is held while they are fetched. All callers wait for the same fetch, which has a time limit of its own, and its
//! failure is the answer to all of them and for some seconds after.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use jiff::{SignedDuration, Timestamp};

use crate::aws::{AwsCaller, Renew, Signing};
use crate::clock::{Clock, Moment};
use crate::credentials::keys;
use crate::redact;
use crate::telemetry::text::without_controls;

/// How long before the credentials expire the SDK's chain is asked again.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_mins(5);
/// How long credentials are reused at most.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(15);
/// Longest wait for the SDK's chain; well below the tool timeout, so that the error names the cause.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a failure is the answer to further callers.
const FAILURE_LIFETIME: SignedDuration = SignedDuration::from_secs(5);
/// Minimum time between two replacements of credentials that AWS does not take.
const MIN_REPLACE_INTERVAL: SignedDuration = SignedDuration::from_secs(5);
/// Maximum length of the description of a failure in the log.
const MAX_CAUSE: usize = 500;

/// Why the server has no credentials of its own now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnIdentityError {
    /// Occurs when no step of the SDK's chain applies.
    #[error("the server has no credentials of its own")]
    Absent,
    /// Occurs when the settings of a profile or a provider are wrong.
    #[error("the server's own credentials are not configured correctly; the server's log says what is wrong")]
    Misconfigured,
    /// Occurs when no request can be signed with them.
    #[error("the server's own credentials cannot be used: {0}")]
    Unusable(String),
    /// Occurs when their provider did not answer in time.
    #[error("the server's own credentials could not be loaded: their provider did not answer in time")]
    TooSlow,
    /// Occurs when their provider answered with an error, or could not be reached.
    #[error("the server's own credentials could not be loaded; the server's log has the provider's answer")]
    Failed,
}

impl OwnIdentityError {
    /// Whether another attempt may succeed without a change of the server's settings.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::TooSlow | Self::Failed)
    }
}

type Fetched = Result<Credentials, OwnIdentityError>;
type Fetch = BoxFuture<'static, Fetched>;

/// Credentials of the SDK's chain, and when it is asked again.
struct Kept {
    credentials: Credentials,
    /// The age limit, by the monotonic clock.
    until: Moment,
    /// The renewal before the expiry that AWS gave, by the wall clock.
    renew_at: Option<Timestamp>,
}

impl Kept {
    fn new(credentials: Credentials, clock: &Clock) -> Self {
        let renew_at = expiry(&credentials).map(|end| end.saturating_sub(RENEW_BEFORE).unwrap_or(Timestamp::MIN));
        let life = renew_at.map_or(MAX_AGE, |at| at.duration_since(clock.now()).min(MAX_AGE));
        Self {
            credentials,
            until: clock.monotonic().after(life),
            renew_at,
        }
    }

    fn is_fresh(&self, clock: &Clock) -> bool {
        clock.monotonic() < self.until && self.renew_at.is_none_or(|at| clock.now() < at)
    }

    /// Whether AWS still takes them, as far as their expiry says.
    fn is_valid(&self, clock: &Clock) -> bool {
        expiry(&self.credentials).is_none_or(|end| clock.now() < end)
    }
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    failure: Option<(OwnIdentityError, Moment)>,
    /// The fetch in flight, which ends with the last caller that waits for it.
    flight: Option<WeakShared<Fetch>>,
    replaced: Option<Moment>,
}

struct Inner {
    provider: SharedCredentialsProvider,
    timeout: Duration,
    clock: Clock,
    /// Not locked across an await.
    state: Mutex<State>,
}

/// The server's own AWS credentials. Clones share them.
#[derive(Clone)]
pub struct OwnIdentity(Arc<Inner>);

/// What a caller does next.
enum Next {
    Done(Fetched),
    Wait(Shared<Fetch>),
}

impl OwnIdentity {
    /// Creates the identity of this provider; nothing is fetched until it is needed.
    #[must_use]
    pub fn new(provider: SharedCredentialsProvider, clock: Clock) -> Self {
        Self::with_timeout(provider, FETCH_TIMEOUT, clock)
    }

    fn with_timeout(provider: SharedCredentialsProvider, timeout: Duration, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            provider,
            timeout,
            clock,
            state: Mutex::default(),
        }))
    }

    /// Returns the credentials, which are fetched if none are kept.
    pub async fn load(&self) -> Result<Credentials, OwnIdentityError> {
        match self.next() {
            Next::Done(answer) => answer,
            Next::Wait(flight) => flight.await,
        }
    }

    /// Returns AWS as the server.
    pub async fn aws(&self) -> Result<AwsCaller, OwnIdentityError> {
        let credentials = self.load().await?;
        Ok(AwsCaller::new(signing(credentials), "server", Arc::new(self.clone())))
    }

    /// Forgets credentials that AWS does not take, unless others were forgotten a moment ago.
    pub fn forget(&self, access_key_id: &str) {
        let now = self.0.clock.monotonic();
        let mut state = self.state();
        let is_kept = |kept: &Kept| kept.credentials.access_key_id() == access_key_id;
        let is_too_soon = state.replaced.is_some_and(|at| now.since(at) < MIN_REPLACE_INTERVAL);
        if state.kept.as_ref().is_some_and(is_kept) && !is_too_soon {
            tracing::warn!(
                access_key_id = redact::key_id(access_key_id),
                "AWS does not accept the server's own credentials; their provider is asked again"
            );
            state.kept = None;
            state.replaced = Some(now);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Next {
        let clock = &self.0.clock;
        let mut state = self.state();
        if let Some(kept) = state.kept.as_ref().filter(|kept| kept.is_fresh(clock)) {
            return Next::Done(Ok(kept.credentials.clone()));
        }
        if let Some((error, until)) = &state.failure
            && clock.monotonic() < *until
        {
            return Next::Done(state.valid(clock).ok_or_else(|| error.clone()));
        }
        if let Some(flight) = state.flight.as_ref().and_then(WeakShared::upgrade) {
            return Next::Wait(flight);
        }
        let this = self.clone();
        let flight = async move { this.fetch().await }.boxed().shared();
        state.flight = flight.downgrade();
        Next::Wait(flight)
    }

    async fn fetch(&self) -> Fetched {
        let Inner {
            provider,
            timeout,
            clock,
            ..
        } = &*self.0;
        let answer = match tokio::time::timeout(*timeout, provider.provide_credentials()).await {
            Ok(Ok(credentials)) => {
                keys::check_own(&credentials).map_err(|problem| OwnIdentityError::Unusable(problem.to_string()))
            }
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(OwnIdentityError::TooSlow),
        };
        let mut state = self.state();
        state.flight = None;
        match answer {
            Ok(credentials) => {
                state.kept = Some(Kept::new(credentials.clone(), clock));
                state.failure = None;
                Ok(credentials)
            }
            Err(error) => {
                if error != OwnIdentityError::Absent {
                    tracing::warn!(%error, "the server's own AWS credentials are not available");
                }
                state.failure = Some((error.clone(), clock.monotonic().after(FAILURE_LIFETIME)));
                // Credentials are renewed before they end, so that a provider in trouble costs nothing yet.
                state.valid(clock).ok_or(error)
            }
        }
    }
}

impl State {
    fn valid(&self, clock: &Clock) -> Option<Credentials> {
        let kept = self.kept.as_ref().filter(|kept| kept.is_valid(clock));
        kept.map(|kept| kept.credentials.clone())
    }
}

#[async_trait]
impl Renew for OwnIdentity {
    async fn renew(&self, stale_access_key_id: &str) -> Option<Signing> {
        self.forget(stale_access_key_id);
        self.load().await.ok().map(signing)
    }

    fn renews_unknown_keys(&self) -> bool {
        true
    }
}

fn signing(credentials: Credentials) -> Signing {
    Signing {
        expires_at: expiry(&credentials),
        credentials,
    }
}

/// Reads why the SDK's chain gave no credentials, and logs what it said.
fn failure(error: &CredentialsError) -> OwnIdentityError {
    let kind = match error {
        CredentialsError::CredentialsNotLoaded(_) => return OwnIdentityError::Absent,
        CredentialsError::ProviderTimedOut(_) => OwnIdentityError::TooSlow,
        CredentialsError::InvalidConfiguration(_) => OwnIdentityError::Misconfigured,
        _ => OwnIdentityError::Failed,
    };
    tracing::warn!(
        cause = causes(error),
        "the provider of the server's own AWS credentials failed"
    );
    kind
}

/// Returns when the credentials expire.
pub(super) fn expiry(credentials: &Credentials) -> Option<Timestamp> {
    credentials.expiry().and_then(|end| Timestamp::try_from(end).ok())
}

/// Returns the descriptions of an error and of what caused it, on one line.
fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = chain.map(ToString::to_string).collect();
    texts.dedup();
    without_controls(&texts.join(": "), MAX_CAUSE)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

    use aws_credential_types::provider::future;

    use super::*;
    use crate::clock::{ManualClock, to_system_time};

    /// Counts its calls; its n-th key is `AKIAn`.
    #[derive(Debug, Clone)]
    struct Counting {
        count: Arc<AtomicU32>,
        gives: Gives,
    }

    #[derive(Debug, Clone, Copy)]
    enum Gives {
        /// Credentials that expire this many seconds after 1970.
        Keys(Option<i64>),
        Error,
        ErrorAfterTheFirst(i64),
        Nothing,
    }

    impl ProvideCredentials for Counting {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let count = self.count.fetch_add(1, Ordering::Relaxed);
            let keys = |end: Option<i64>| {
                let end = end.map(|end| to_system_time(Timestamp::from_second(end).unwrap()));
                Ok(Credentials::new(format!("AKIA{count}"), "s", None, end, "test"))
            };
            let answer = match self.gives {
                Gives::Keys(end) => keys(end),
                Gives::ErrorAfterTheFirst(end) if count == 0 => keys(Some(end)),
                Gives::Error | Gives::ErrorAfterTheFirst(_) => Err(CredentialsError::provider_error("500")),
                Gives::Nothing => return future::ProvideCredentials::new(std::future::pending()),
            };
            future::ProvideCredentials::new(async {
                tokio::task::yield_now().await;
                answer
            })
        }
    }

    fn identity(gives: Gives, clock: Clock) -> (OwnIdentity, Arc<AtomicU32>) {
        let count = Arc::new(AtomicU32::new(0));
        let provider = Counting {
            count: count.clone(),
            gives,
        };
        let timeout = Duration::from_millis(1);
        (
            OwnIdentity::with_timeout(SharedCredentialsProvider::new(provider), timeout, clock),
            count,
        )
    }

    /// Returns how often the SDK's chain has been asked by each of these seconds.
    async fn asked(gives: Gives, seconds: &[i64]) -> Vec<u32> {
        let time = Arc::new(AtomicI64::new(0));
        let read = time.clone();
        let clock = Clock::from_fn(move || Timestamp::from_second(read.load(Ordering::Relaxed)).unwrap());
        let (identity, count) = identity(gives, clock);
        let mut asked = Vec::new();
        for second in seconds {
            time.store(*second, Ordering::Relaxed);
            let _ = identity.load().await;
            asked.push(count.load(Ordering::Relaxed));
        }
        asked
    }

    #[tokio::test]
    async fn the_chain_is_asked_again_before_its_credentials_end_and_now_and_then() {
        assert_eq!(
            asked(Gives::Keys(None), &[0, 1, 899, 900, 1799, 1800]).await,
            [1, 1, 1, 2, 2, 3],
            "every quarter of an hour"
        );
        assert_eq!(
            asked(Gives::Keys(Some(3600)), &[0, 899, 900]).await,
            [1, 1, 2],
            "however long they last"
        );
        assert_eq!(
            asked(Gives::Keys(Some(720)), &[0, 419, 420, 421]).await,
            [1, 1, 2, 3],
            "five minutes before they end"
        );
    }

    #[tokio::test]
    async fn all_callers_share_one_fetch_and_its_failure() {
        for (gives, error) in [
            (Gives::Error, OwnIdentityError::Failed),
            (Gives::Nothing, OwnIdentityError::TooSlow),
        ] {
            let manual = ManualClock::new(Timestamp::UNIX_EPOCH);
            let (identity, count) = identity(gives, manual.clock());
            let answers = futures::future::join_all((0..6).map(|_| identity.load())).await;
            assert!(
                answers.iter().all(|answer| answer.as_ref() == Err(&error)),
                "{answers:?}"
            );
            assert!(identity.load().await.is_err());
            assert_eq!(count.load(Ordering::Relaxed), 1, "the failure is kept");
            manual.advance(FAILURE_LIFETIME);
            assert!(identity.load().await.is_err());
            assert_eq!(count.load(Ordering::Relaxed), 2, "for seconds");
        }
    }

    #[tokio::test]
    async fn a_fetch_goes_on_without_the_caller_that_began_it_and_ends_without_any() {
        let manual = ManualClock::new(Timestamp::UNIX_EPOCH);
        let (identity, count) = identity(Gives::Keys(None), manual.clock());
        let (Next::Wait(mut first), Next::Wait(second)) = (identity.next(), identity.next()) else {
            panic!("nothing is kept");
        };
        assert!(futures::poll!(&mut first).is_pending());
        drop(first);
        assert!(second.await.is_ok());
        assert_eq!(count.load(Ordering::Relaxed), 1);

        let (identity, count) = self::identity(Gives::Nothing, manual.clock());
        let Next::Wait(mut only) = identity.next() else {
            panic!("nothing is kept");
        };
        assert!(futures::poll!(&mut only).is_pending());
        drop(only);
        assert_eq!(identity.load().await, Err(OwnIdentityError::TooSlow));
        assert_eq!(count.load(Ordering::Relaxed), 2, "a new fetch, with its own time");
    }

    #[tokio::test]
    async fn credentials_serve_until_their_end_while_their_renewal_fails() {
        let manual = ManualClock::new(Timestamp::UNIX_EPOCH);
        let (identity, count) = identity(Gives::ErrorAfterTheFirst(3600), manual.clock());
        assert!(identity.load().await.is_ok());
        manual.advance(SignedDuration::from_secs(3500));
        assert!(identity.load().await.is_ok() && identity.load().await.is_ok());
        assert_eq!(count.load(Ordering::Relaxed), 2);
        manual.advance(SignedDuration::from_secs(100));
        assert_eq!(identity.load().await, Err(OwnIdentityError::Failed));
    }

    #[tokio::test]
    async fn credentials_that_aws_does_not_take_are_replaced_once_in_a_while() {
        let manual = ManualClock::new(Timestamp::UNIX_EPOCH);
        let (identity, count) = identity(Gives::Keys(None), manual.clock());
        let renewed = async |stale: &str| {
            let signing = identity.renew(stale).await.unwrap();
            signing.credentials.access_key_id().to_owned()
        };
        assert_eq!(identity.load().await.unwrap().access_key_id(), "AKIA0");
        assert_eq!(renewed("AKIA0").await, "AKIA1");
        assert_eq!(renewed("AKIA0").await, "AKIA1", "which another call replaced");
        assert_eq!(renewed("AKIA1").await, "AKIA1", "too soon");
        manual.advance(MIN_REPLACE_INTERVAL);
        assert_eq!(renewed("AKIA1").await, "AKIA2");
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_wall_clock_that_is_set_neither_prolongs_nor_revives_what_is_kept() {
        let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let day = SignedDuration::from_hours(24);
        let kept = |manual: &ManualClock, ends: Option<Timestamp>| {
            Kept::new(
                Credentials::new("AKIAX", "s", None, ends.map(to_system_time), "test"),
                &manual.clock(),
            )
        };
        let manual = ManualClock::new(noon + day);
        let without_end = kept(&manual, None);
        manual.set_wall(noon);
        assert!(without_end.is_fresh(&manual.clock()));
        manual.advance(MAX_AGE);
        assert!(
            !without_end.is_fresh(&manual.clock()),
            "a day ahead, then set right: a quarter of an hour all the same"
        );

        let manual = ManualClock::new(noon - day);
        let with_end = kept(&manual, Some(noon + RENEW_BEFORE));
        manual.set_wall(noon);
        assert!(
            !with_end.is_fresh(&manual.clock()),
            "a day behind, then set right: they end when AWS says"
        );
    }
}

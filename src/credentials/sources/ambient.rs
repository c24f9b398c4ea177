//! Ambient credentials: the server's own, from a task role, a profile or the environment, by the SDK's default chain.
//!
//! This is the only place that may load the server's own identity. It serves two purposes that must not be mixed up:
//! signing STS requests that assume a user's role, and, under the operator's policy, calls to which no other source
//! applies. For the latter an [`AmbientPermit`] is needed.

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::clock::{Clock, Moment};
use crate::credentials::ambient_rule::AmbientPermit;
use crate::credentials::{AmbientPolicy, Attempt, Outcome, Source, SourceCredentials, SourceResult};
use crate::error_code::ErrorCode;

/// How long before the credentials expire the SDK's chain is asked again.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_mins(5);
/// How long credentials are reused at most.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(15);

/// The origin of the server's own credentials.
#[derive(Clone)]
pub enum AmbientProvider {
    /// The SDK's default chain.
    DefaultChain,
    /// These, without the machine's: for `dev` and tests.
    Fixed(Credentials),
    /// The server has none.
    None,
}

/// Credentials of the SDK's chain, and when it is asked again.
struct Cached {
    credentials: Credentials,
    /// The age limit, by the monotonic clock.
    until: Moment,
    /// The renewal before the expiry that AWS gave, by the wall clock.
    renew_at: Option<Timestamp>,
}

impl Cached {
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
}

/// The server's own identity and what it may be used for.
#[derive(Clone)]
pub struct Ambient {
    provider: Option<SharedCredentialsProvider>,
    policy: AmbientPolicy,
    cached: Arc<Mutex<Option<Cached>>>,
    clock: Clock,
}

impl Ambient {
    /// Builds the provider; nothing is fetched until it is needed.
    pub async fn new(provider: AmbientProvider, region: &str, policy: AmbientPolicy, clock: Clock) -> Self {
        let provider = match provider {
            AmbientProvider::None => None,
            AmbientProvider::Fixed(credentials) => Some(SharedCredentialsProvider::new(credentials)),
            AmbientProvider::DefaultChain => {
                let region = aws_sdk_s3::config::Region::new(region.to_owned());
                let chain =
                    aws_config::default_provider::credentials::DefaultCredentialsChain::builder().region(region);
                Some(SharedCredentialsProvider::new(chain.build().await))
            }
        };
        Self {
            provider,
            policy,
            cached: Arc::default(),
            clock,
        }
    }

    /// Returns what the operator allows ambient credentials to do.
    #[must_use]
    pub fn policy(&self) -> AmbientPolicy {
        self.policy
    }

    /// Returns the provider that signs STS requests.
    #[must_use]
    pub fn provider(&self) -> Option<SharedCredentialsProvider> {
        self.provider.clone()
    }

    /// Obtains the server's own credentials, as the policy allows. The permit shows that no other source applies.
    pub(in crate::credentials) async fn resolve(&self, _: AmbientPermit) -> SourceResult {
        if self.policy == AmbientPolicy::Never {
            let message = "the operator set QUILT_MCP_AMBIENT=never, so the server's own credentials are never used";
            return Err(none(Outcome::NotApplicable, ErrorCode::MissingConfig, message));
        }
        let credentials = self.load().await?;
        Ok(SourceCredentials {
            expires_at: expiry(&credentials),
            credentials,
            message: "no user source applies, so the call acts with the server's own credentials".to_owned(),
        })
    }

    /// Returns the server's own credentials; `None` if it has none. The error says why they cannot be had.
    pub(in crate::credentials) async fn own_identity(&self) -> Option<Result<Credentials, String>> {
        match self.load().await {
            Ok(credentials) => Some(Ok(credentials)),
            Err(attempt) if attempt.outcome == Outcome::NotApplicable => None,
            Err(attempt) => Some(Err(attempt.message)),
        }
    }

    /// Describes what a permitted call could do; `None` if the policy allows nothing.
    pub(in crate::credentials) fn explain(&self) -> Option<&'static str> {
        match self.policy {
            AmbientPolicy::Never => None,
            AmbientPolicy::ReadOnly => {
                Some("the server's own credentials, for reading only (QUILT_MCP_AMBIENT=read-only)")
            }
            AmbientPolicy::Full => {
                Some("the server's own credentials, for reading and writing (QUILT_MCP_AMBIENT=full)")
            }
        }
    }

    async fn load(&self) -> Result<Credentials, Attempt> {
        let message = "the server has no credentials of its own";
        let absent = || none(Outcome::NotApplicable, ErrorCode::MissingConfig, message);
        let provider = self.provider.as_ref().ok_or_else(absent)?;
        let mut cached = self.cached.lock().await;
        if let Some(cached) = cached.as_ref().filter(|cached| cached.is_fresh(&self.clock)) {
            return Ok(cached.credentials.clone());
        }
        match provider.provide_credentials().await {
            Ok(credentials) => {
                *cached = Some(Cached::new(credentials.clone(), &self.clock));
                Ok(credentials)
            }
            Err(CredentialsError::CredentialsNotLoaded(_)) => Err(absent()),
            Err(_) => {
                let message = "the server's own credentials could not be loaded";
                Err(none(Outcome::Failed, ErrorCode::RequestFailed, message))
            }
        }
    }
}

fn expiry(credentials: &Credentials) -> Option<Timestamp> {
    credentials.expiry().and_then(|end| Timestamp::try_from(end).ok())
}

fn none(outcome: Outcome, code: ErrorCode, message: &str) -> Attempt {
    Attempt::none(Source::Ambient, outcome, code, message)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

    use aws_credential_types::provider::future;

    use super::*;
    use crate::clock::to_system_time;

    /// Counts its calls; its credentials expire this many seconds after 1970.
    #[derive(Debug, Clone)]
    struct Counting(Arc<AtomicU32>, Option<i64>);

    impl ProvideCredentials for Counting {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.0.fetch_add(1, Ordering::Relaxed);
            let end = self.1.map(|end| to_system_time(Timestamp::from_second(end).unwrap()));
            future::ProvideCredentials::ready(Ok(Credentials::new("AKIAX", "s", None, end, "test")))
        }
    }

    /// Returns how often the SDK's chain has been asked by each of these seconds.
    async fn asked(end: Option<i64>, seconds: &[i64]) -> Vec<u32> {
        let (count, time) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicI64::new(0)));
        let read = time.clone();
        let ambient = Ambient {
            provider: Some(SharedCredentialsProvider::new(Counting(count.clone(), end))),
            policy: AmbientPolicy::Full,
            cached: Arc::default(),
            clock: Clock::from_fn(move || Timestamp::from_second(read.load(Ordering::Relaxed)).unwrap()),
        };
        let mut asked = Vec::new();
        for second in seconds {
            time.store(*second, Ordering::Relaxed);
            let permit = AmbientPermit::grant(None, []).unwrap();
            assert!(ambient.resolve(permit).await.is_ok());
            asked.push(count.load(Ordering::Relaxed));
        }
        asked
    }

    #[test]
    fn a_wall_clock_that_is_set_neither_prolongs_nor_revives_what_is_kept() {
        use crate::clock::ManualClock;

        let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let day = SignedDuration::from_hours(24);
        let cached = |manual: &ManualClock, ends: Option<Timestamp>| {
            Cached::new(
                Credentials::new("AKIAX", "s", None, ends.map(to_system_time), "test"),
                &manual.clock(),
            )
        };
        let manual = ManualClock::new(noon + day);
        let without_end = cached(&manual, None);
        manual.set_wall(noon);
        assert!(without_end.is_fresh(&manual.clock()));
        manual.advance(MAX_AGE);
        assert!(
            !without_end.is_fresh(&manual.clock()),
            "a day ahead, then set right: a quarter of an hour all the same"
        );

        let manual = ManualClock::new(noon - day);
        let with_end = cached(&manual, Some(noon + RENEW_BEFORE));
        manual.set_wall(noon);
        assert!(
            !with_end.is_fresh(&manual.clock()),
            "a day behind, then set right: they end when AWS says"
        );
    }

    #[tokio::test]
    async fn the_chain_is_asked_again_before_its_credentials_end_and_now_and_then() {
        assert_eq!(
            asked(None, &[0, 1, 899, 900, 1799, 1800]).await,
            [1, 1, 1, 2, 2, 3],
            "every quarter of an hour"
        );
        assert_eq!(
            asked(Some(3600), &[0, 899, 900]).await,
            [1, 1, 2],
            "however long they last"
        );
        assert_eq!(
            asked(Some(720), &[0, 419, 420, 421]).await,
            [1, 1, 2, 3],
            "five minutes before they end"
        );
    }
}

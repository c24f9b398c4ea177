//! The server's own credentials: task role, profile or environment, by the SDK's default chain.
//!
//! This is the only place that may load the server's own identity. It serves two purposes that must not be mixed up:
//! asking STS to assume a user's role, and, under the operator's policy, calls to which no user source applies.

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::{Attempt, Outcome, Source};
use crate::clock::{Clock, Moment};
use crate::credentials::AmbientPolicy;
use crate::error_code::ErrorCode;

/// The chain is asked again this long before its credentials end,
const RENEW_BEFORE: SignedDuration = SignedDuration::from_mins(5);
/// and at least this often.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// Where the server's own credentials come from.
#[derive(Clone)]
pub enum AmbientProvider {
    /// The SDK's default chain.
    DefaultChain,
    /// These, and nothing from the machine: for `dev` and tests.
    Fixed(Credentials),
    /// None at all.
    None,
}

/// What the chain gave, and until when it is not asked again.
struct Kept {
    credentials: Credentials,
    /// Age is told by the monotonic clock,
    until: Moment,
    /// and the end that AWS names by the wall clock.
    renew_at: Option<Timestamp>,
}

impl Kept {
    fn new(credentials: Credentials, clock: &Clock) -> Self {
        let ends = credentials.expiry().and_then(|end| Timestamp::try_from(end).ok());
        let renew_at = ends.map(|end| end.saturating_sub(RENEW_BEFORE).unwrap_or(Timestamp::MIN));
        let life = renew_at.map_or(LONGEST, |at| at.duration_since(clock.now()).min(LONGEST));
        Self {
            credentials,
            until: clock.monotonic().after(life),
            renew_at,
        }
    }

    fn is_good(&self, clock: &Clock) -> bool {
        clock.monotonic() < self.until && self.renew_at.is_none_or(|at| clock.now() < at)
    }
}

/// The server's own identity and what it may be used for.
#[derive(Clone)]
pub struct Ambient {
    provider: Option<SharedCredentialsProvider>,
    policy: AmbientPolicy,
    kept: Arc<Mutex<Option<Kept>>>,
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
            kept: Arc::default(),
            clock,
        }
    }

    /// What the operator allows ambient credentials to do.
    #[must_use]
    pub fn policy(&self) -> AmbientPolicy {
        self.policy
    }

    /// The provider, for asking STS as the server.
    #[must_use]
    pub fn provider(&self) -> Option<SharedCredentialsProvider> {
        self.provider.clone()
    }

    /// The last step of the chain. The resolver calls it only when every user source was not applicable.
    pub(super) async fn step(&self) -> Result<(Credentials, Option<Timestamp>, Attempt), Attempt> {
        let none = |outcome, code, message: &str| Attempt::none(Source::Ambient, outcome, code, message);
        if self.policy == AmbientPolicy::Never {
            let message = "the operator set QUILT_MCP_AMBIENT=never, so the server's own credentials are never used";
            return Err(none(Outcome::NotApplicable, ErrorCode::MissingConfig, message));
        }
        let Some(provider) = &self.provider else {
            let message = "the server has no credentials of its own";
            return Err(none(Outcome::NotApplicable, ErrorCode::MissingConfig, message));
        };
        let found = |credentials: Credentials| {
            let expires_at = credentials.expiry().and_then(|end| Timestamp::try_from(end).ok());
            let message = "no user source applies, so the call acts with the server's own credentials";
            (credentials, expires_at, Attempt::ok(Source::Ambient, message))
        };
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.is_good(&self.clock)) {
            return Ok(found(kept.credentials.clone()));
        }
        match provider.provide_credentials().await {
            Ok(credentials) => {
                *kept = Some(Kept::new(credentials.clone(), &self.clock));
                Ok(found(credentials))
            }
            Err(aws_credential_types::provider::error::CredentialsError::CredentialsNotLoaded(_)) => {
                let message = "the server has no credentials of its own";
                Err(none(Outcome::NotApplicable, ErrorCode::MissingConfig, message))
            }
            Err(_) => {
                let message = "the server's own credentials could not be loaded";
                Err(none(Outcome::Failed, ErrorCode::RequestFailed, message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

    use aws_credential_types::provider::future;

    use super::*;
    use crate::clock::to_system_time;

    /// Counts how often it is asked; its credentials end so many seconds after 1970.
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

    /// How often the chain has been asked by each of these seconds.
    async fn asked(end: Option<i64>, seconds: &[i64]) -> Vec<u32> {
        let (count, time) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicI64::new(0)));
        let read = time.clone();
        let ambient = Ambient {
            provider: Some(SharedCredentialsProvider::new(Counting(count.clone(), end))),
            policy: AmbientPolicy::Full,
            kept: Arc::default(),
            clock: Clock::from_fn(move || Timestamp::from_second(read.load(Ordering::Relaxed)).unwrap()),
        };
        let mut asked = Vec::new();
        for second in seconds {
            time.store(*second, Ordering::Relaxed);
            ambient.step().await.unwrap();
            asked.push(count.load(Ordering::Relaxed));
        }
        asked
    }

    #[test]
    fn a_wall_clock_that_is_set_neither_prolongs_nor_revives_what_is_kept() {
        use crate::clock::ManualClock;

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
        assert!(without_end.is_good(&manual.clock()));
        manual.advance(LONGEST);
        assert!(
            !without_end.is_good(&manual.clock()),
            "a day ahead, then set right: a quarter of an hour all the same"
        );

        let manual = ManualClock::new(noon - day);
        let with_end = kept(&manual, Some(noon + RENEW_BEFORE));
        manual.set_wall(noon);
        assert!(
            !with_end.is_good(&manual.clock()),
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

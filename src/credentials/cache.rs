//! The cache of the chain's answers: one entry per caller, one request per key at a time.
//!
//! **Invariants:** the key holds everything that decides whose credentials these are, so two tokens never share an entry;
//! an entry expires before its credentials and never outlives the token; the registry's proof of an opaque token is good for
//! five minutes, then the registry is asked again, and only no answer leaves the entry in use; refusals are cached for
//! seconds only, which is enough to keep a refused token from overloading the registry.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use moka::future::Cache as Moka;
use sha2::{Digest, Sha256};

use super::{NoCredentials, Resolved, Source};
use crate::clock::{Clock, Moment};
use crate::identity::{AuthenticatedCaller, VerifyMode};
use crate::telemetry::metrics::{self, CredentialEvent};

/// Maximum number of entries: a bound on memory (about 2 KiB each), far above the users of one catalog.
const MAX_ENTRIES: u64 = 10_000;
/// How long before the credentials an entry expires.
const EXPIRY_MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// Credentials with less lifetime left are cached for half of it.
const SHORT_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// Lifetime of an entry whose credentials do not expire.
const MAX_LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// Lifetime of an entry with credentials of a registry that does not say when they expire.
const UNKNOWN_LIFETIME: SignedDuration = SignedDuration::from_mins(5);
/// How long the registry's proof of an opaque token is good.
const PROOF_LIFETIME: SignedDuration = SignedDuration::from_mins(5);
/// How long an entry is used after the registry did not answer for a new proof.
const PROOF_RETRY_INTERVAL: SignedDuration = SignedDuration::from_secs(30);
/// Time after which an entry is evicted in any case, so that the credentials of inactive callers do not stay in memory.
const EVICTION_TIME: std::time::Duration = std::time::Duration::from_hours(1);
/// Lifetime of a refusal, and of an answer with ambient credentials.
const REFUSAL_LIFETIME: SignedDuration = SignedDuration::from_secs(5);
/// Lifetime of a failure.
const FAILURE_LIFETIME: SignedDuration = SignedDuration::from_secs(1);

/// The key of an entry: SHA-256 over everything that decides whose credentials it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// The verification mode, the registry that would be asked, the bearer and the role it names.
    pub(super) fn of(caller: Option<&AuthenticatedCaller>, registry: &str) -> Self {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(registry.as_bytes());
        if let Some(caller) = caller {
            part(caller.verified_by().as_str().as_bytes());
            part(caller.fingerprint().bytes());
            part(
                caller
                    .claims()
                    .and_then(|claims| claims.role_arn().ok().flatten())
                    .unwrap_or_default()
                    .as_bytes(),
            );
        }
        Self(hash.finalize().into())
    }
}

/// An answer of the chain, and how long it may be used.
#[derive(Debug)]
struct Entry {
    answer: Result<Arc<Resolved>, NoCredentials>,
    /// The end of its lifetime, which changes of the wall clock do not move.
    lifetime_ends_at: Moment,
    /// The limit that the expiries of credentials and token set, which are times of the wall clock.
    expires_at: Option<Timestamp>,
    /// When the registry must prove an opaque token again.
    proof_ends_at: Option<Moment>,
}

/// What limits the use of credentials besides their own expiry.
#[derive(Debug, Clone, Copy)]
pub(super) enum TokenLimit {
    /// The call has no token.
    None,
    /// A signed token with this expiry.
    ExpiresAt(Option<Timestamp>),
    /// An opaque token, which its registry proves.
    RegistryProof,
}

impl TokenLimit {
    pub(super) fn of(caller: Option<&AuthenticatedCaller>) -> Self {
        match caller {
            None => Self::None,
            Some(caller) if caller.verified_by() == VerifyMode::Registry => Self::RegistryProof,
            Some(caller) => Self::ExpiresAt(caller.expires_at()),
        }
    }
}

impl Entry {
    fn new(answer: Result<Arc<Resolved>, NoCredentials>, limit: TokenLimit, clock: &Clock) -> Self {
        let token_expires_at = match limit {
            TokenLimit::ExpiresAt(end) => end,
            TokenLimit::None | TokenLimit::RegistryProof => None,
        };
        let now = clock.now();
        let (lifetime, follows_expiry) = lifetime(now, &answer);
        let until = follows_expiry.then(|| now.saturating_add(lifetime).unwrap_or(now));
        let expires_at = until.into_iter().chain(token_expires_at).min();
        let lifetime = token_expires_at.map_or(lifetime, |end| lifetime.min(end.duration_since(now)));
        Self {
            answer,
            lifetime_ends_at: clock.monotonic().after(lifetime),
            expires_at,
            proof_ends_at: matches!(limit, TokenLimit::RegistryProof).then(|| clock.monotonic().after(PROOF_LIFETIME)),
        }
    }

    /// Returns this entry for further use, after the registry did not answer for a new proof.
    fn without_new_proof(&self, clock: &Clock) -> Self {
        Self {
            answer: self.answer.clone(),
            lifetime_ends_at: self.lifetime_ends_at,
            expires_at: self.expires_at,
            proof_ends_at: Some(clock.monotonic().after(PROOF_RETRY_INTERVAL)),
        }
    }

    fn is_proof_over(&self, clock: &Clock) -> bool {
        self.answer.is_ok() && self.proof_ends_at.is_some_and(|end| end <= clock.monotonic())
    }

    fn is_expired(&self, clock: &Clock) -> bool {
        self.lifetime_ends_at <= clock.monotonic() || self.expires_at.is_some_and(|end| end <= clock.now())
    }
}

pub(super) struct Cache {
    entries: Moka<Key, Arc<Entry>>,
    clock: Clock,
}

impl Cache {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            entries: Moka::builder()
                .max_capacity(MAX_ENTRIES)
                .time_to_live(EVICTION_TIME)
                .build(),
            clock,
        }
    }

    /// Returns the cached answer for this key, or that of `ask`, which runs once for all calls that wait for it.
    pub(super) async fn get_or_ask(
        &self,
        key: Key,
        limit: TokenLimit,
        ask: impl Future<Output = Result<Resolved, NoCredentials>>,
    ) -> Result<Arc<Resolved>, NoCredentials> {
        let make = async {
            let answer = ask.await.map(Arc::new);
            let previous = self.entries.get(&key).await;
            match (previous, &answer) {
                (Some(previous), Err(none)) if none.is_failure() && !previous.is_expired(&self.clock) => {
                    Arc::new(previous.without_new_proof(&self.clock))
                }
                _ => Arc::new(Entry::new(answer, limit, &self.clock)),
            }
        };
        let entry = self
            .entries
            .entry(key)
            .or_insert_with_if(make, |entry| {
                entry.is_expired(&self.clock) || entry.is_proof_over(&self.clock)
            })
            .await;
        let is_fresh = entry.is_fresh();
        let answer = entry.into_value().answer.clone();
        metrics::credentials(match (&answer, is_fresh) {
            (_, false) => CredentialEvent::Hit,
            (Ok(_), true) => CredentialEvent::Miss,
            (Err(_), true) => CredentialEvent::Denial,
        });
        answer
    }

    pub(super) async fn forget(&self, key: Key) {
        self.entries.invalidate(&key).await;
    }

    /// Forgets the entry if it still holds these credentials. Newer ones, which another call obtained, stay.
    pub(super) async fn forget_stale(&self, key: Key, access_key_id: &str) {
        let holds_it = |entry: &Entry| {
            entry
                .answer
                .as_ref()
                .is_ok_and(|resolved| resolved.credentials().access_key_id() == access_key_id)
        };
        if self.entries.get(&key).await.is_some_and(|entry| holds_it(&entry)) {
            self.entries.invalidate(&key).await;
        }
    }
}

/// Returns how long an answer is cached, and whether that follows from the expiry of its credentials.
fn lifetime(now: Timestamp, answer: &Result<Arc<Resolved>, NoCredentials>) -> (SignedDuration, bool) {
    match answer {
        // Ambient credentials are a stopgap: a caller who has a source again a moment later gets its credentials.
        Ok(resolved) if resolved.source() == Source::Ambient => (REFUSAL_LIFETIME, false),
        Ok(resolved) => match resolved.expires_at() {
            None if resolved.source() == Source::Catalog => (UNKNOWN_LIFETIME, false),
            None => (MAX_LIFETIME, false),
            Some(end) => {
                let left = end.duration_since(now);
                (
                    if left < SHORT_LIFETIME {
                        left / 2
                    } else {
                        left - EXPIRY_MARGIN
                    },
                    true,
                )
            }
        },
        Err(none) if none.is_failure() => (FAILURE_LIFETIME, false),
        Err(_) => (REFUSAL_LIFETIME, false),
    }
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;

    use super::super::{Attempt, Outcome, Source};
    use super::*;
    use crate::clock::ManualClock;
    use crate::error_code::ErrorCode;

    const NOW: &str = "2026-11-23T12:00:00Z";
    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn vended(expires_at: Option<Timestamp>) -> Arc<Resolved> {
        let credentials = Credentials::new("ASIAX", "s", None, None, "test");
        Arc::new(Resolved::new(credentials, Source::Catalog, expires_at, vec![]))
    }

    /// Returns the lifetime of an entry for this answer, by a clock whose two readings move alike.
    fn lifetime_of(answer: Result<Arc<Resolved>, NoCredentials>, token_expires_in: Option<i64>) -> SignedDuration {
        let clock = Clock::fixed(now());
        let entry = Entry::new(
            answer,
            TokenLimit::ExpiresAt(token_expires_in.map(|in_| now() + SignedDuration::from_secs(in_))),
            &clock,
        );
        let monotonic = entry.lifetime_ends_at.since(clock.monotonic());
        entry
            .expires_at
            .map_or(monotonic, |end| monotonic.min(end.duration_since(now())))
    }

    fn seconds(expires_in: Option<i64>, token_expires_in: Option<i64>) -> i64 {
        let expires_at = expires_in.map(|seconds| now() + SignedDuration::from_secs(seconds));
        lifetime_of(Ok(vended(expires_at)), token_expires_in).as_secs()
    }

    #[test]
    fn an_entry_expires_before_its_credentials_and_with_the_token() {
        assert_eq!(seconds(Some(3600), None), 3300, "five minutes before the end");
        assert_eq!(seconds(Some(600), None), 300);
        assert_eq!(seconds(Some(599), None), 299, "half of a short life");
        assert_eq!(seconds(Some(60), None), 30);
        assert_eq!(seconds(Some(-5), None), -2, "already expired: asked again at once");
        assert_eq!(seconds(Some(3600), Some(120)), 120, "never beyond the token");
        assert_eq!(
            seconds(None, None),
            300,
            "the registry may know an end that it does not say"
        );
        let long_term = Resolved::new(
            Credentials::new("AKIAX", "s", None, None, "test"),
            Source::Jwt,
            None,
            vec![],
        );
        assert_eq!(
            lifetime_of(Ok(Arc::new(long_term)), None),
            MAX_LIFETIME,
            "long-term keys are obtained again"
        );
    }

    #[test]
    fn an_entry_lives_no_longer_when_the_wall_clock_is_set_back() {
        let manual = ManualClock::new(now() + DAY);
        let clock = manual.clock();
        let entry = Entry::new(Ok(vended(None)), TokenLimit::None, &clock);
        let expiring = Entry::new(
            Ok(vended(Some(now() + DAY + SignedDuration::from_hours(1)))),
            TokenLimit::None,
            &clock,
        );
        manual.set_wall(now());
        assert!(!entry.is_expired(&clock) && !expiring.is_expired(&clock));
        manual.advance(MAX_LIFETIME);
        assert!(entry.is_expired(&clock) && !expiring.is_expired(&clock));
        manual.advance(SignedDuration::from_mins(40));
        assert!(expiring.is_expired(&clock), "55 minutes after it was made");
    }

    #[test]
    fn an_entry_of_a_clock_that_was_behind_ends_when_others_say() {
        let manual = ManualClock::new(now() - DAY);
        let clock = manual.clock();
        let hour = SignedDuration::from_hours(1);
        let of_credentials = Entry::new(Ok(vended(Some(now() + hour))), TokenLimit::None, &clock);
        let of_token = Entry::new(Ok(vended(None)), TokenLimit::ExpiresAt(Some(now() - hour)), &clock);
        assert!(!of_credentials.is_expired(&clock) && !of_token.is_expired(&clock));
        manual.set_wall(now());
        assert!(of_token.is_expired(&clock), "the token has ended");
        manual.advance(hour - EXPIRY_MARGIN);
        assert!(
            of_credentials.is_expired(&clock),
            "five minutes before the credentials end"
        );
    }

    #[test]
    fn ambient_credentials_are_cached_for_seconds() {
        let credentials = Credentials::new("AKIAX", "s", None, None, "test");
        let resolved = Resolved::new(credentials, Source::Ambient, None, vec![]);
        assert_eq!(lifetime_of(Ok(Arc::new(resolved)), None), REFUSAL_LIFETIME);
    }

    #[test]
    fn refusals_are_cached_for_seconds() {
        let lifetime = |outcome| {
            let attempt = Attempt::none(Source::Catalog, outcome, ErrorCode::Forbidden, "no");
            lifetime_of(
                Err(NoCredentials {
                    attempts: vec![attempt],
                }),
                None,
            )
        };
        assert_eq!(lifetime(Outcome::Denied), REFUSAL_LIFETIME);
        assert_eq!(lifetime(Outcome::Failed), FAILURE_LIFETIME);
    }
}

//! Keeps what the chain answered, one entry a caller, one flight a key.
//!
//! Invariants: the key holds everything that decides whose credentials these are, so two tokens never share an entry; an
//! entry dies before its credentials do and never outlives the token; refusals are kept for seconds only, so that a
//! refused token cannot hammer the registry.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use moka::future::Cache as Moka;
use sha2::{Digest, Sha256};

use super::{NoCredentials, Outcome, Resolved, Source};
use crate::clock::{Clock, Moment};
use crate::identity::ProvedCaller;
use crate::telemetry::metrics::{self, CredentialEvent};

/// Most entries kept: a bound on memory (about 2 KiB each), far above the users of one catalog.
const CAPACITY: u64 = 10_000;
/// Entries of credentials with a long life die this long before them.
const BUFFER: SignedDuration = SignedDuration::from_mins(5);
/// Credentials that live less than this are kept for half their life.
const SHORT_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// Longest life of an entry, for credentials that do not say when they end.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);
/// When an entry leaves memory whatever it says, so that credentials of callers who left do not stay.
const EVICTED: std::time::Duration = std::time::Duration::from_hours(1);
/// How long a refusal is kept, and an answer that is the server's own credentials.
const DENIED: SignedDuration = SignedDuration::from_secs(5);
/// How long a failure to answer is kept.
const FAILED: SignedDuration = SignedDuration::from_secs(1);

/// Name of a cache entry: SHA-256 over everything that decides whose credentials it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// The verification mode, the registry that would be asked, the bearer and the role it names.
    pub(super) fn of(caller: Option<&ProvedCaller>, registry: &str) -> Self {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(registry.as_bytes());
        if let Some(caller) = caller {
            part(caller.proof().as_str().as_bytes());
            part(caller.fingerprint().bytes());
            part(
                caller
                    .claims()
                    .and_then(|claims| claims.role_arn())
                    .unwrap_or_default()
                    .as_bytes(),
            );
        }
        Self(hash.finalize().into())
    }
}

/// An answer of the chain, and until when it is good.
#[derive(Debug)]
struct Entry {
    answer: Result<Arc<Resolved>, NoCredentials>,
    /// The end of its life, whatever happens to the wall clock,
    dies_at: Moment,
    /// and what follows from the ends of credentials and token, which others wrote by the wall clock.
    ends_at: Option<Timestamp>,
}

impl Entry {
    fn new(answer: Result<Arc<Resolved>, NoCredentials>, token_expires_at: Option<Timestamp>, clock: &Clock) -> Self {
        let now = clock.now();
        let (life, follows_expiration) = life(now, &answer);
        let until = follows_expiration.then(|| now.saturating_add(life).unwrap_or(now));
        let ends_at = until.into_iter().chain(token_expires_at).min();
        let life = token_expires_at.map_or(life, |end| life.min(end.duration_since(now)));
        Self {
            answer,
            dies_at: clock.monotonic().after(life),
            ends_at,
        }
    }

    fn is_dead(&self, clock: &Clock) -> bool {
        self.dies_at <= clock.monotonic() || self.ends_at.is_some_and(|end| end <= clock.now())
    }
}

/// The cache.
pub(super) struct Cache {
    entries: Moka<Key, Arc<Entry>>,
    clock: Clock,
}

impl Cache {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            entries: Moka::builder().max_capacity(CAPACITY).time_to_live(EVICTED).build(),
            clock,
        }
    }

    /// The living answer for this key, or that of `ask`, which runs once however many wait for it.
    pub(super) async fn get_or_ask(
        &self,
        key: Key,
        token_expires_at: Option<Timestamp>,
        ask: impl Future<Output = Result<Resolved, NoCredentials>>,
    ) -> Result<Arc<Resolved>, NoCredentials> {
        let make = async {
            let answer = ask.await.map(Arc::new);
            Arc::new(Entry::new(answer, token_expires_at, &self.clock))
        };
        let entry = self
            .entries
            .entry(key)
            .or_insert_with_if(make, |entry| entry.is_dead(&self.clock))
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

    /// Forgets the entry.
    pub(super) async fn forget(&self, key: Key) {
        self.entries.invalidate(&key).await;
    }

    /// Forgets the entry if it still holds these credentials, and not newer ones that another call has fetched.
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

/// How long an answer is kept, and whether that follows from the end of its credentials.
fn life(now: Timestamp, answer: &Result<Arc<Resolved>, NoCredentials>) -> (SignedDuration, bool) {
    match answer {
        // The server's own rights are a stopgap: whoever has a source again a moment later is asked of that source.
        Ok(resolved) if resolved.source() == Source::Ambient => (DENIED, false),
        Ok(resolved) => match resolved.expires_at() {
            None => (LONGEST, false),
            Some(end) => {
                let left = end.duration_since(now);
                (if left < SHORT_LIFE { left / 2 } else { left - BUFFER }, true)
            }
        },
        Err(none)
            if none
                .decisive()
                .is_some_and(|attempt| attempt.outcome == Outcome::Failed) =>
        {
            (FAILED, false)
        }
        Err(_) => (DENIED, false),
    }
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;

    use super::super::{Attempt, Source};
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

    /// The life of an entry that was made by this answer, by a clock of which both readings move alike.
    fn life_of(answer: Result<Arc<Resolved>, NoCredentials>, token_expires_in: Option<i64>) -> SignedDuration {
        let clock = Clock::fixed(now());
        let entry = Entry::new(
            answer,
            token_expires_in.map(|in_| now() + SignedDuration::from_secs(in_)),
            &clock,
        );
        let monotonic = entry.dies_at.since(clock.monotonic());
        entry
            .ends_at
            .map_or(monotonic, |end| monotonic.min(end.duration_since(now())))
    }

    fn seconds(expires_in: Option<i64>, token_expires_in: Option<i64>) -> i64 {
        let expires_at = expires_in.map(|seconds| now() + SignedDuration::from_secs(seconds));
        life_of(Ok(vended(expires_at)), token_expires_in).as_secs()
    }

    #[test]
    fn an_entry_dies_before_its_credentials_and_with_the_token() {
        assert_eq!(seconds(Some(3600), None), 3300, "five minutes before the end");
        assert_eq!(seconds(Some(600), None), 300);
        assert_eq!(seconds(Some(599), None), 299, "half of a short life");
        assert_eq!(seconds(Some(60), None), 30);
        assert_eq!(seconds(Some(-5), None), -2, "already over: asked again at once");
        assert_eq!(seconds(Some(3600), Some(120)), 120, "never beyond the token");
        assert_eq!(seconds(None, None), 900, "long-term keys are looked at again");
    }

    #[test]
    fn an_entry_lives_no_longer_when_the_wall_clock_is_set_back() {
        let manual = ManualClock::new(now() + DAY);
        let clock = manual.clock();
        let entry = Entry::new(Ok(vended(None)), None, &clock);
        let expiring = Entry::new(
            Ok(vended(Some(now() + DAY + SignedDuration::from_hours(1)))),
            None,
            &clock,
        );
        manual.set_wall(now());
        assert!(!entry.is_dead(&clock) && !expiring.is_dead(&clock));
        manual.advance(LONGEST);
        assert!(entry.is_dead(&clock) && !expiring.is_dead(&clock));
        manual.advance(SignedDuration::from_mins(40));
        assert!(expiring.is_dead(&clock), "55 minutes after it was made");
    }

    #[test]
    fn an_entry_of_a_clock_that_was_behind_ends_when_others_say() {
        let manual = ManualClock::new(now() - DAY);
        let clock = manual.clock();
        let hour = SignedDuration::from_hours(1);
        let of_credentials = Entry::new(Ok(vended(Some(now() + hour))), None, &clock);
        let of_token = Entry::new(Ok(vended(None)), Some(now() - hour), &clock);
        assert!(!of_credentials.is_dead(&clock) && !of_token.is_dead(&clock));
        manual.set_wall(now());
        assert!(of_token.is_dead(&clock), "the token has ended");
        manual.advance(hour - BUFFER);
        assert!(
            of_credentials.is_dead(&clock),
            "five minutes before the credentials end"
        );
    }

    #[test]
    fn the_servers_own_rights_are_not_kept_for_a_caller() {
        let credentials = Credentials::new("AKIAX", "s", None, None, "test");
        let resolved = Resolved::new(credentials, Source::Ambient, None, vec![]);
        assert_eq!(life_of(Ok(Arc::new(resolved)), None), DENIED);
    }

    #[test]
    fn refusals_are_kept_for_seconds() {
        let kept = |outcome| {
            let attempt = Attempt::none(Source::Catalog, outcome, ErrorCode::Forbidden, "no");
            life_of(
                Err(NoCredentials {
                    attempts: vec![attempt],
                }),
                None,
            )
        };
        assert_eq!(kept(Outcome::Denied), DENIED);
        assert_eq!(kept(Outcome::Failed), FAILED);
    }
}

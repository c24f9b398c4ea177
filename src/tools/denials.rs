//! The denials that callers met a short while ago, for recommendations.
//!
//! **Invariants**: a caller sees only its own; the number of callers and of denials is bounded. Another copy of the server does
//! not know them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use moka::sync::Cache;

use crate::identity::Fingerprint;

/// Maximum number of callers whose denials are kept.
const MAX_CALLERS: u64 = 1000;
/// Maximum number of denials that are kept of one caller.
const MAX_DENIALS: usize = 20;
/// How long denials are kept.
const TIME_KEPT: Duration = Duration::from_mins(15);

/// A right that a caller lacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeniedCall {
    /// The IAM action.
    pub action: String,
    /// The object or bucket, as a URI.
    pub resource: String,
    pub at: Timestamp,
}

/// The denials of all callers.
pub struct RecentDenials(Cache<Fingerprint, Arc<Mutex<Vec<DeniedCall>>>>);

impl Default for RecentDenials {
    fn default() -> Self {
        let cache = Cache::builder().max_capacity(MAX_CALLERS).time_to_live(TIME_KEPT);
        Self(cache.build())
    }
}

impl RecentDenials {
    /// Notes a denial of a caller, by the fingerprint of its token. A repeated one replaces the older.
    pub fn note(&self, caller: Fingerprint, denied: DeniedCall) {
        let denials = self.0.get_with(caller, Arc::default);
        if let Ok(mut known) = denials.lock() {
            known.retain(|other| (&other.action, &other.resource) != (&denied.action, &denied.resource));
            if known.len() >= MAX_DENIALS {
                known.remove(0);
            }
            known.push(denied);
        }
        // Writing it begins its time anew.
        self.0.insert(caller, denials);
    }

    /// Drops the denials of a caller, whose rights may have changed.
    pub fn forget(&self, caller: &Fingerprint) {
        self.0.invalidate(caller);
    }

    /// Returns the denials of a caller, by the fingerprint of its token, the oldest first.
    #[must_use]
    pub fn of(&self, caller: &Fingerprint) -> Vec<DeniedCall> {
        let known = self.0.get(caller);
        known
            .and_then(|known| known.lock().ok().map(|known| known.clone()))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::BearerToken;

    fn denied(action: &str, resource: &str) -> DeniedCall {
        DeniedCall {
            action: action.to_owned(),
            resource: resource.to_owned(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn fingerprint(token: &str) -> Fingerprint {
        BearerToken::parse(token).unwrap().fingerprint()
    }

    #[test]
    fn denials_are_kept_apart_and_bounded() {
        let denials = RecentDenials::default();
        let [alice, bob] = ["alice", "bob"].map(fingerprint);
        denials.note(alice, denied("s3:PutObject", "s3://b/k"));
        denials.note(alice, denied("s3:PutObject", "s3://b/k"));
        assert_eq!(denials.of(&alice), [denied("s3:PutObject", "s3://b/k")]);
        assert_eq!(denials.of(&bob), []);
        for number in 0..100 {
            denials.note(alice, denied("s3:GetObject", &format!("s3://b/{number}")));
        }
        assert_eq!(denials.of(&alice).len(), MAX_DENIALS);
        assert_eq!(denials.of(&alice).last(), Some(&denied("s3:GetObject", "s3://b/99")));
    }
}

//! Options of an embedded AWS account, fixed when it is created.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// A source of the current time. Session expiry, `Last-Modified` and `Expiration` come from it. The clock-skew check of a
/// signature and the expiry of a presigned URL use the system time, because clients sign with that.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Options of an embedded AWS account.
#[derive(Clone)]
pub struct Options {
    /// The region of buckets that are created without one, and the region in which `GetBucketLocation` is answered for every
    /// bucket.
    pub region: String,
    /// The twelve-digit ID of the account that owns every user, role and bucket.
    pub account_id: String,
    /// The minimum `DurationSeconds` of `AssumeRole`. AWS requires 900; a smaller value lets a test wait for a session to
    /// expire.
    pub min_session_seconds: u32,
    /// The account's clock.
    pub clock: Clock,
}

impl Options {
    /// Returns options for region `us-east-1`, account `123456789012` and sessions of at least one second.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account_id: "123456789012".to_owned(),
            min_session_seconds: 1,
            clock,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("region", &self.region)
            .field("account_id", &self.account_id)
            .field("min_session_seconds", &self.min_session_seconds)
            .finish_non_exhaustive()
    }
}

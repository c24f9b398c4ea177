//! What a caller may choose about the embedded AWS before it starts. Nothing here changes afterwards.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// Tells the time. Session expiry, `Last-Modified` and `Expiration` come from it; the clock-skew check of a signature
/// and the expiry of a presigned URL use the system's time, because the client signs with that.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The choices of an embedded AWS account.
#[derive(Clone)]
pub struct Options {
    /// Region of buckets that name none, and the only region that may ask for any bucket's location.
    pub region: String,
    /// The twelve-digit account that owns every user, role and bucket.
    pub account_id: String,
    /// The shortest `DurationSeconds` that `AssumeRole` accepts. AWS has 900; a smaller value lets a test wait for a
    /// real `ExpiredToken`.
    pub min_session_seconds: u32,
    /// Tells the time.
    pub clock: Clock,
}

impl Options {
    /// Options for region `us-east-1`, account `123456789012` and sessions of one second or more.
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

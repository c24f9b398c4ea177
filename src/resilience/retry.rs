//! Retry policy: which requests are repeated, after which failures, and how many of them in the whole process.

use std::time::Duration;

use tower::retry::budget::{Budget as _, TpsBudget};

/// Of the answers of the last ten seconds a tenth may be repeated, and ten requests besides.
const BUDGET_WINDOW: Duration = Duration::from_secs(10);
const BUDGET_MIN_PER_SECOND: u32 = 1;
const BUDGET_RATIO: f32 = 0.1;
/// A failure that comes later than this is not retried: a caller who has waited so long should hear of it.
const RETRY_CUTOFF: Duration = Duration::from_secs(3);

/// How long this server waits on its own account; tests wait less.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Longest pause before a retry; the pause is drawn between a fifth of it and all of it.
    pub max_backoff: Duration,
    /// Longest wait for a place in the queue of a host.
    pub max_queue_wait: Duration,
}

impl RetryPolicy {
    pub(super) fn backoff(&self) -> Duration {
        self.max_backoff.mul_f64(rand::random_range(0.2..=1.0))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_backoff: Duration::from_millis(250),
            max_queue_wait: Duration::from_secs(2),
        }
    }
}

/// How a request that got no answer failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// There was no connection, it broke, or a gateway reported that its backend is down: most likely the request was not
    /// processed, and the next one may be answered.
    Transient,
    /// The whole time was spent waiting.
    Timeout,
}

/// Whether a request may be sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It changes nothing.
    Safe,
    /// It changes something, or hands out something that is given once.
    Never,
}

impl Retry {
    /// Returns whether a request that failed so, `elapsed` after it was sent, may be repeated.
    pub(super) fn allows(self, failure: Option<Failure>, elapsed: Duration) -> bool {
        self == Self::Safe && failure == Some(Failure::Transient) && elapsed < RETRY_CUTOFF
    }
}

/// The retries that the whole process may still make.
pub(super) struct RetryBudget(TpsBudget);

impl RetryBudget {
    pub(super) fn new() -> Self {
        Self(TpsBudget::new(BUDGET_WINDOW, BUDGET_MIN_PER_SECOND, BUDGET_RATIO))
    }

    /// Counts an answer, which earns a part of a retry.
    pub(super) fn deposit(&self) {
        self.0.deposit();
    }

    /// Takes one retry; `false` if none is left.
    pub(super) fn withdraw(&self) -> bool {
        self.0.withdraw()
    }
}

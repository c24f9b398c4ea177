//! Concurrency limits, for the server and for each caller, and the rate limit of each caller's calls.
//!
//! Owns the counters. A caller is a [`Principal`], who may have several tokens. Discovery takes permits and does not count for
//! the rate. Requests without a proved caller have permits of their own, so that they take none from users.
//!
//! Invariants: no request queues here, a request beyond a limit is refused at once with the time after which to retry; a
//! permit is held until the whole response is sent, streams included.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::audit;
use super::rate::Rate;
use super::response::{self, Refusal};
use crate::error_code::ErrorCode;
use crate::identity::{Caller, Principal};
use crate::mcp::Request;
use crate::telemetry::metrics::{self, InFlight};

/// Permits for requests whose caller is not proved, or not yet.
const MAX_UNPROVED: usize = 32;
/// How many of them are reserved for requests whose token is being verified.
const RESERVED_FOR_TOKENS: usize = 8;
/// One caller may take one in this many of all permits.
const CALLER_SHARE: usize = 2;
/// Number of calls after which callers with a full quota are removed from the rate limiter.
const CLEANUP_INTERVAL: u32 = 4096;

/// Limits of all requests and of each caller.
pub struct Limits {
    permits: Arc<Semaphore>,
    unproved: Arc<Semaphore>,
    /// The largest number of permits of one caller.
    per_caller: usize,
    taken: Arc<Mutex<HashMap<Principal, usize>>>,
    rate: Option<(Rate, DefaultKeyedRateLimiter<Principal>)>,
    calls: AtomicU32,
}

impl Limits {
    /// Limits the server to `max_in_flight` requests at once, and each caller to half of them and to `rate`.
    #[must_use]
    pub fn new(max_in_flight: usize, rate: Option<Rate>) -> Self {
        let limiter = |rate: Rate| {
            let quota = Quota::with_period(rate.period())?.allow_burst(rate.count);
            Some((rate, RateLimiter::dashmap(quota)))
        };
        Self {
            permits: Arc::new(Semaphore::new(max_in_flight)),
            unproved: Arc::new(Semaphore::new(MAX_UNPROVED)),
            per_caller: max_in_flight.div_ceil(CALLER_SHARE),
            taken: Arc::default(),
            rate: rate.and_then(limiter),
            calls: AtomicU32::new(0),
        }
    }

    /// Counts a call against the rate. The error is the number of seconds until the next call is allowed, and the rate.
    fn count(&self, who: &Principal) -> Result<(), (u64, Rate)> {
        let Some((rate, limiter)) = &self.rate else {
            return Ok(());
        };
        if self.calls.fetch_add(1, Ordering::Relaxed) % CLEANUP_INTERVAL == CLEANUP_INTERVAL - 1 {
            limiter.retain_recent();
        }
        limiter.check_key(who).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            (wait.as_secs() + u64::from(wait.subsec_nanos() > 0), *rate)
        })
    }

    fn take(&self, who: Principal) -> Option<CallerPermit> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let permits = taken.entry(who.clone()).or_insert(0);
        if *permits >= self.per_caller {
            return None;
        }
        *permits += 1;
        Some(CallerPermit {
            who,
            taken: self.taken.clone(),
        })
    }
}

/// A permit of the server's concurrency limit.
pub(super) struct ServerPermit {
    _permit: OwnedSemaphorePermit,
    _counted: InFlight,
}

/// A permit of a caller's concurrency limit.
pub(super) struct CallerPermit {
    who: Principal,
    taken: Arc<Mutex<HashMap<Principal, usize>>>,
}

impl Drop for CallerPermit {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(permits) = taken.get_mut(&self.who) {
            *permits = permits.saturating_sub(1);
            if *permits == 0 {
                taken.remove(&self.who);
            }
        }
    }
}

impl Limits {
    /// Acquires a permit of the server's limit.
    pub(super) fn acquire(&self, request: &Request) -> Result<ServerPermit, Refusal> {
        let Ok(permit) = self.permits.clone().try_acquire_owned() else {
            let message = "This server is working on as many requests as it may; try again in a second.";
            audit::refused(Some(request), ErrorCode::Throttled, None);
            return Err(refuse(message, 1, Some(request)));
        };
        Ok(ServerPermit {
            _permit: permit,
            _counted: metrics::in_flight(),
        })
    }

    /// Acquires a permit for a request whose caller is not proved. `is_pending`: whether its token is being verified; the
    /// last permits are reserved for such requests.
    pub(super) fn acquire_unproved(&self, is_pending: bool) -> Result<ServerPermit, Refusal> {
        let is_free = is_pending || self.unproved.available_permits() > RESERVED_FOR_TOKENS;
        let permit = is_free
            .then(|| self.unproved.clone().try_acquire_owned().ok())
            .flatten();
        let Some(permit) = permit else {
            let message =
                "This server is checking as many requests without a proved caller as it may; try again in a second.";
            audit::refused(None, ErrorCode::Throttled, None);
            return Err(refuse(message, 1, None));
        };
        Ok(ServerPermit {
            _permit: permit,
            _counted: metrics::in_flight(),
        })
    }

    /// Acquires a permit of this caller's limit. It is taken before the body is read, and for discovery too, so that one
    /// caller's slow bodies and unread responses do not use up the permits of others.
    pub(super) fn acquire_for(&self, caller: &Caller) -> Result<CallerPermit, Refusal> {
        self.take(caller.principal()).ok_or_else(|| {
            audit::refused(None, ErrorCode::Throttled, Some(caller));
            refuse(
                "This caller has as many calls in flight as one caller may; try again in a second.",
                1,
                None,
            )
        })
    }

    /// Counts a call of this caller against its rate; discovery does not count.
    pub(super) fn check_rate(&self, caller: &Caller, request: &Request) -> Result<(), Refusal> {
        if request.needs_no_caller() {
            return Ok(());
        }
        self.count(&caller.principal()).map_err(|(seconds, rate)| {
            let message = format!(
                "This caller has made as many calls as are allowed ({rate}, QUILT_MCP_RATE_LIMIT); try again in {seconds} s."
            );
            audit::refused(Some(request), ErrorCode::Throttled, Some(caller));
            refuse(message, seconds, Some(request))
        })
    }
}

fn refuse(message: impl Into<std::borrow::Cow<'static, str>>, seconds: u64, request: Option<&Request>) -> Refusal {
    let id = request.and_then(Request::id).map(AsRef::as_ref);
    response::refuse(ErrorCode::Throttled, message, id).retry_after(seconds)
}

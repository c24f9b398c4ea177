//! Limits of concurrency, in all and for one caller, and of the rate of a caller's calls.
//!
//! Owns the counts. A caller is a [`Person`], whatever number of tokens they have. Discovery takes places and does not count
//! for the rate. Requests whose caller is not proved have places of their own, so that they take none from users.
//!
//! Invariants: no request waits here, one too many is refused at once with the time after which to retry; a place is kept
//! until the whole answer was sent, also where it is a stream.

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
use crate::identity::{Caller, Person};
use crate::mcp::Request;
use crate::telemetry::metrics::{self, InFlight};

/// Places for requests whose caller is not proved, or not yet.
const MAX_UNPROVED: usize = 32;
/// How many of them are kept for requests with a token that is being checked.
const KEPT_FOR_TOKENS: usize = 8;
/// Part of all places that one caller may take.
const SHARE: usize = 2;
/// After so many calls, callers who have been quiet for long enough to have their whole quota again are forgotten.
const TIDY_EVERY: u32 = 4096;

/// Limits of all requests and of each caller.
pub struct Limits {
    places: Arc<Semaphore>,
    unproved: Arc<Semaphore>,
    /// Most places for one caller.
    share: usize,
    taken: Arc<Mutex<HashMap<Person, usize>>>,
    rate: Option<(Rate, DefaultKeyedRateLimiter<Person>)>,
    calls: AtomicU32,
}

impl Limits {
    /// At most `max_in_flight` requests at once, and for each caller half of them, at this rate.
    #[must_use]
    pub fn new(max_in_flight: usize, rate: Option<Rate>) -> Self {
        let limiter = |rate: Rate| {
            let quota = Quota::with_period(rate.period())?.allow_burst(rate.count);
            Some((rate, RateLimiter::dashmap(quota)))
        };
        Self {
            places: Arc::new(Semaphore::new(max_in_flight)),
            unproved: Arc::new(Semaphore::new(MAX_UNPROVED)),
            share: max_in_flight.div_ceil(SHARE),
            taken: Arc::default(),
            rate: rate.and_then(limiter),
            calls: AtomicU32::new(0),
        }
    }

    /// Counts a call; the error is the number of seconds after which another one is allowed, and the limit.
    fn count(&self, who: &Person) -> Result<(), (u64, Rate)> {
        let Some((rate, limiter)) = &self.rate else {
            return Ok(());
        };
        if self.calls.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            limiter.retain_recent();
        }
        limiter.check_key(who).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            (wait.as_secs() + u64::from(wait.subsec_nanos() > 0), *rate)
        })
    }

    fn take(&self, who: Person) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let places = taken.entry(who.clone()).or_insert(0);
        if *places >= self.share {
            return None;
        }
        *places += 1;
        Some(Place {
            who,
            taken: self.taken.clone(),
        })
    }
}

/// A place among all requests, until this is dropped.
pub(super) struct PlaceInAll {
    _place: OwnedSemaphorePermit,
    _counted: InFlight,
}

/// A place that a caller takes, until this is dropped.
pub(super) struct Place {
    who: Person,
    taken: Arc<Mutex<HashMap<Person, usize>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = taken.get_mut(&self.who) {
            *places = places.saturating_sub(1);
            if *places == 0 {
                taken.remove(&self.who);
            }
        }
    }
}

impl Limits {
    /// A place among all requests that are worked on, if there is one.
    pub(super) fn in_all(&self, request: &Request) -> Result<PlaceInAll, Refusal> {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            let message = "This server is working on as many requests as it may; try again in a second.";
            audit::refused(Some(request), ErrorCode::Throttled, None);
            return Err(refuse(message, 1, Some(request)));
        };
        Ok(PlaceInAll {
            _place: place,
            _counted: metrics::in_flight(),
        })
    }

    /// A place for a request whose caller is not proved, if there is one. `is_pending`: whether its token may still turn out
    /// to be good; the last places are kept for those.
    pub(super) fn unproved(&self, is_pending: bool) -> Result<PlaceInAll, Refusal> {
        let is_free = is_pending || self.unproved.available_permits() > KEPT_FOR_TOKENS;
        let place = is_free
            .then(|| self.unproved.clone().try_acquire_owned().ok())
            .flatten();
        let Some(place) = place else {
            let message =
                "This server is checking as many requests without a proved caller as it may; try again in a second.";
            audit::refused(None, ErrorCode::Throttled, None);
            return Err(refuse(message, 1, None));
        };
        Ok(PlaceInAll {
            _place: place,
            _counted: metrics::in_flight(),
        })
    }

    /// A place among those of this caller, if there is one. It is taken before the body is read and for discovery too, so
    /// that one caller's slow bodies and unread answers leave room for others.
    pub(super) fn share(&self, caller: &Caller) -> Result<Place, Refusal> {
        self.take(caller.person()).ok_or_else(|| {
            audit::refused(None, ErrorCode::Throttled, Some(caller));
            refuse(
                "This caller has as many calls in flight as one caller may; try again in a second.",
                1,
                None,
            )
        })
    }

    /// Counts a call of this caller, unless it is for discovery.
    pub(super) fn quota(&self, caller: &Caller, request: &Request) -> Result<(), Refusal> {
        if request.needs_no_caller() {
            return Ok(());
        }
        self.count(&caller.person()).map_err(|(seconds, rate)| {
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

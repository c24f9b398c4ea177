//! How many requests are worked on at once, in all and for one caller, and how many calls a caller makes in a time.
//!
//! Owns the counts. A caller is a [`Person`], whatever number of tokens they have. Discovery counts only in all. Requests
//! whose caller is not proved have places of their own, so that they take none from users.
//!
//! Invariants: nobody waits here, what is too much is refused at once and told when to come again; a place is taken until
//! the whole answer was handed over, also where it is streamed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderValue, header};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::audit;
use super::envelope::Envelope;
use super::reply::{self, Problem, Refusal};
use crate::config::Rate;
use crate::error_code::ErrorCode;
use crate::identity::{Caller, Person};
use crate::telemetry::metrics::{self, InFlight};

/// Places for requests whose caller is not proved, or not yet.
const MAX_UNPROVED: usize = 32;
/// Part of all places that one caller may take.
const SHARE: usize = 2;
/// After so many calls, callers who have been quiet for long enough to have their whole quota again are forgotten.
const TIDY_EVERY: u32 = 4096;

/// What callers may take.
pub(super) struct Limits {
    places: Arc<Semaphore>,
    unproved: Arc<Semaphore>,
    /// Most places for one caller.
    share: usize,
    taken: Arc<Mutex<HashMap<Person, usize>>>,
    rate: Option<(Rate, DefaultKeyedRateLimiter<Person>)>,
    calls: AtomicU32,
}

impl Limits {
    pub(super) fn new(max_in_flight: usize, rate: Option<Rate>) -> Self {
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
        let Some((rate, limiter)) = &self.rate else { return Ok(()) };
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
        Some(Place { who, taken: self.taken.clone() })
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
    pub(super) fn in_all(&self, envelope: &Envelope) -> Result<PlaceInAll, Refusal> {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            let message = "This server is working on as many requests as it may; try again in a second.";
            audit::refused(Some(envelope), ErrorCode::Throttled, None);
            return Err(refuse(message, 1, Some(envelope)));
        };
        Ok(PlaceInAll { _place: place, _counted: metrics::in_flight() })
    }

    /// A place for a request whose caller is not proved, if there is one.
    pub(super) fn unproved(&self) -> Result<PlaceInAll, Refusal> {
        let Ok(place) = self.unproved.clone().try_acquire_owned() else {
            let message =
                "This server is checking as many requests without a proved caller as it may; try again in a second.";
            audit::refused(None, ErrorCode::Throttled, None);
            return Err(refuse(message, 1, None));
        };
        Ok(PlaceInAll { _place: place, _counted: metrics::in_flight() })
    }

    /// A place among those of this caller, if there is one and their quota is not used up. Discovery needs none.
    pub(super) fn by_caller(&self, caller: &Caller, envelope: &Envelope) -> Result<Option<Place>, Refusal> {
        if envelope.is_open() {
            return Ok(None);
        }
        let refused = |message: &str, seconds| {
            audit::refused(Some(envelope), ErrorCode::Throttled, Some(caller));
            refuse(message, seconds, Some(envelope))
        };
        let who = caller.person();
        if let Err((seconds, rate)) = self.count(&who) {
            let message = format!(
                "This caller has made as many calls as are allowed ({rate}, QUILT_MCP_RATE_LIMIT); try again in {seconds} s."
            );
            return Err(refused(&message, seconds));
        }
        let message = "This caller has as many calls in flight as one caller may; try again in a second.";
        self.take(who).map(Some).ok_or_else(|| refused(message, 1))
    }
}

fn refuse(message: &str, seconds: u64, envelope: Option<&Envelope>) -> Refusal {
    let what = Problem::new(ErrorCode::Throttled, message);
    let mut response = reply::problem(&what, envelope.and_then(|envelope| envelope.id.as_deref()));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response.into()
}

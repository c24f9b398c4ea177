//! A circuit breaker: after several failures in a row a service is not called for a while, then by one request, whose
//! outcome decides.
//!
//! Own code, because of the crates that do this (`failsafe`, `recloser`, `tower-circuitbreaker`) none takes the clock as a
//! parameter, lets a cancelled call count as nothing, and knows which caller a failure belongs to.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;

use crate::clock::{Clock, Moment};
use crate::telemetry::{Dependency, metrics};

/// Failures without a success between them, of at least two callers, that open the circuit.
const FAILURE_THRESHOLD: u32 = 5;
const OPEN_DURATION: SignedDuration = SignedDuration::from_secs(5);

/// The caller of a request, so that one caller whose every request fails does not cut off the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallerKey(Option<u64>);

impl CallerKey {
    /// The server itself, whose every failure counts.
    pub const SERVER: Self = Self(None);

    /// Returns the key of a caller, out of a value that tells callers apart.
    pub fn of(identity: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        identity.hash(&mut hasher);
        Self(Some(hasher.finish()))
    }
}

/// Occurs when a circuit is open: the service was not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has not been answering lately and is asked again in {retry_after_seconds} s")]
pub struct CircuitOpen {
    /// At least one.
    pub retry_after_seconds: i64,
}

/// The circuit breaker of one service. Clones share it.
#[derive(Clone)]
pub struct CircuitBreaker(Arc<Inner>);

struct Inner {
    dependency: Dependency,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Every request may pass.
    Closed {
        failures: u32,
        /// The caller of the first of these failures.
        first: Option<CallerKey>,
        /// Whether another caller met one too.
        by_several: bool,
    },
    /// No request may pass before this time.
    Open { until: Moment },
    /// One request is on its way, and no other may pass.
    HalfOpen,
}

const CLOSED: State = State::Closed {
    failures: 0,
    first: None,
    by_several: false,
};

impl CircuitBreaker {
    /// Creates the breaker of a service of this kind, which is its name in metrics and logs.
    #[must_use]
    pub fn new(dependency: Dependency, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            dependency,
            clock,
            state: Mutex::new(CLOSED),
        }))
    }

    /// Returns how long the circuit stays open, if it is open.
    #[must_use]
    pub fn open_circuit(&self) -> Option<CircuitOpen> {
        let now = self.0.clock.monotonic();
        match *self.0.state() {
            State::Open { until } if until > now => Some(CircuitOpen::until(until, now)),
            State::HalfOpen => Some(CircuitOpen { retry_after_seconds: 1 }),
            State::Open { .. } | State::Closed { .. } => None,
        }
    }

    /// Takes a permit for one request. A permit that is dropped without a record counts as nothing.
    pub fn try_acquire(&self, caller: CallerKey) -> Result<Permit, CircuitOpen> {
        let now = self.0.clock.monotonic();
        let mut state = self.0.state();
        let is_probe = match *state {
            State::Closed { .. } => false,
            State::Open { until } if until > now => return Err(CircuitOpen::until(until, now)),
            State::HalfOpen => return Err(CircuitOpen { retry_after_seconds: 1 }),
            State::Open { .. } => {
                *state = State::HalfOpen;
                metrics::breaker(self.0.dependency, "half_open");
                true
            }
        };
        Ok(Permit {
            breaker: self.0.clone(),
            caller,
            is_probe,
        })
    }
}

impl CircuitOpen {
    /// Rounds up to the whole second, so that a caller who waits so long is not too early.
    fn until(until: Moment, now: Moment) -> Self {
        let left = until.since(now);
        Self {
            retry_after_seconds: left.as_secs() + i64::from(left.subsec_nanos() > 0),
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, state: &mut State) {
        *state = State::Open {
            until: self.clock.monotonic().after(OPEN_DURATION),
        };
        metrics::breaker(self.dependency, "open");
        tracing::warn!(
            dependency = self.dependency.as_str(),
            open_seconds = OPEN_DURATION.as_secs(),
            "the circuit is open: the service does not answer and is not called"
        );
    }
}

/// Permission for one request.
#[must_use]
pub struct Permit {
    breaker: Arc<Inner>,
    caller: CallerKey,
    is_probe: bool,
}

impl Permit {
    /// Records an answer, be it a refusal: the service is alive.
    pub fn record_success(mut self) {
        self.is_probe = false;
        let mut state = self.breaker.state();
        if !matches!(*state, State::Closed { .. }) {
            metrics::breaker(self.breaker.dependency, "closed");
            tracing::info!(
                dependency = self.breaker.dependency.as_str(),
                "the circuit is closed: the service answers again"
            );
        }
        *state = CLOSED;
    }

    /// Records that no answer came.
    pub fn record_failure(mut self) {
        let is_probe = std::mem::take(&mut self.is_probe);
        let mut state = self.breaker.state();
        match *state {
            State::Closed {
                failures,
                first,
                by_several,
            } => {
                let failures = failures.saturating_add(1);
                let is_other = self.caller == CallerKey::SERVER || first.is_some_and(|first| first != self.caller);
                let by_several = by_several || is_other;
                *state = State::Closed {
                    failures,
                    first: first.or(Some(self.caller)),
                    by_several,
                };
                if failures >= FAILURE_THRESHOLD && by_several {
                    self.breaker.open(&mut state);
                }
            }
            State::HalfOpen if is_probe => self.breaker.open(&mut state),
            // Of requests that were sent before it opened: nothing new.
            State::Open { .. } | State::HalfOpen => {}
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_probe {
            // The probe was cancelled; the next request may pass.
            *self.breaker.state() = State::Open { until: Moment::PAST };
        }
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "CircuitBreaker({}, {:?})",
            self.0.dependency.as_str(),
            *self.0.state()
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::Timestamp;

    use super::*;
    use crate::clock::ManualClock;

    struct Scene {
        breaker: CircuitBreaker,
        millis: Arc<AtomicI64>,
    }

    impl Scene {
        fn new() -> Self {
            let millis = Arc::new(AtomicI64::new(0));
            let read = millis.clone();
            let clock = Clock::from_fn(move || Timestamp::from_millisecond(read.load(Ordering::Relaxed)).unwrap());
            Self {
                breaker: CircuitBreaker::new(Dependency::S3, clock),
                millis,
            }
        }

        fn acquire(&self, who: u8) -> Result<Permit, i64> {
            self.breaker
                .try_acquire(CallerKey::of(who))
                .map_err(|open| open.retry_after_seconds)
        }

        fn fail(&self, who: u8) {
            self.acquire(who).ok().unwrap().record_failure();
        }

        fn opened() -> Self {
            let scene = Self::new();
            (0..5).for_each(|who| scene.fail(who));
            assert_eq!(scene.acquire(0).err(), Some(5));
            scene
        }
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_an_answer_begins_anew() {
        let scene = Scene::new();
        (0..4).for_each(|who| scene.fail(who));
        scene.acquire(0).ok().unwrap().record_success();
        (0..4).for_each(|who| scene.fail(who));
        drop(scene.acquire(0).ok().unwrap());
        assert!(scene.acquire(0).is_ok(), "a cancelled call counts as nothing");
        scene.fail(4);
        assert!(scene.acquire(0).is_err());
    }

    #[test]
    fn the_failures_of_one_caller_alone_do_not_open_it() {
        let scene = Scene::new();
        (0..100).for_each(|_| scene.fail(1));
        assert!(scene.acquire(2).is_ok());
        scene.fail(2);
        assert!(scene.acquire(2).is_err());

        let scene = Scene::new();
        for _ in 0..5 {
            scene.breaker.try_acquire(CallerKey::SERVER).unwrap().record_failure();
        }
        assert!(
            scene.breaker.try_acquire(CallerKey::SERVER).is_err(),
            "each failure of the server itself counts"
        );
    }

    #[test]
    fn it_says_how_long_it_is_open_and_then_lets_one_request_through() {
        let scene = Scene::opened();
        for (millis, seconds) in [(0, 5), (1, 5), (1000, 4), (1001, 4), (4999, 1)] {
            scene.millis.store(millis, Ordering::Relaxed);
            assert_eq!(scene.acquire(0).err(), Some(seconds), "{millis}");
        }
        scene.millis.store(5000, Ordering::Relaxed);
        let probe = scene.acquire(0).ok().unwrap();
        assert_eq!(scene.acquire(1).err(), Some(1), "one at a time");
        probe.record_failure();
        assert_eq!(scene.acquire(1).err(), Some(5), "and it is open again");
        scene.millis.store(10_000, Ordering::Relaxed);
        scene.acquire(0).ok().unwrap().record_success();
        (0..9).for_each(|who| scene.acquire(who).ok().unwrap().record_success());
    }

    #[test]
    fn a_wall_clock_that_is_set_back_does_not_keep_it_open_longer() {
        let manual = ManualClock::new(Timestamp::UNIX_EPOCH);
        let breaker = CircuitBreaker::new(Dependency::S3, manual.clock());
        for _ in 0..FAILURE_THRESHOLD {
            breaker.try_acquire(CallerKey::SERVER).unwrap().record_failure();
        }
        manual.set_wall(Timestamp::UNIX_EPOCH - SignedDuration::from_hours(24));
        assert_eq!(
            breaker.open_circuit().unwrap().retry_after_seconds,
            OPEN_DURATION.as_secs()
        );
        manual.advance(OPEN_DURATION);
        assert!(breaker.try_acquire(CallerKey::SERVER).is_ok());
    }

    #[test]
    fn a_probe_that_is_cancelled_lets_another_through() {
        let scene = Scene::opened();
        scene.millis.store(5000, Ordering::Relaxed);
        drop(scene.acquire(0).ok().unwrap());
        scene.acquire(1).ok().unwrap().record_success();
        assert!(scene.acquire(2).is_ok());
    }

    #[test]
    fn requests_sent_before_it_opened_can_close_it_and_not_prolong_it() {
        let scene = Scene::new();
        let (late, later) = (scene.acquire(8).ok().unwrap(), scene.acquire(9).ok().unwrap());
        (0..5).for_each(|who| scene.fail(who));
        scene.millis.store(4000, Ordering::Relaxed);
        late.record_failure();
        assert_eq!(scene.acquire(0).err(), Some(1));
        later.record_success();
        assert!(scene.acquire(0).is_ok());
    }
}

//! A breaker: after several silences in a row a party is left alone for a while, then asked by one caller, whose answer
//! decides.
//!
//! Own code, because of the crates that do this (`failsafe`, `recloser`, `tower-circuitbreaker`) none takes the clock as a
//! parameter, lets a cancelled call count as nothing, and knows who asks.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;

use crate::clock::{Clock, Moment};
use crate::telemetry::{Dependency, metrics};

/// So many silences without an answer between them, of at least two askers, open it.
const SILENCES: u32 = 5;
/// How long a silent party is left alone.
const REST: SignedDuration = SignedDuration::from_secs(5);

/// Who asks, so that one caller whose every question finds silence does not take the party from everybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker(Option<u64>);

impl Asker {
    /// The server itself, whose every silence counts.
    pub const SERVER: Self = Self(None);

    /// Somebody, by whatever tells them from others.
    pub fn of(name: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        Self(Some(hasher.finish()))
    }
}

/// The party was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has not been answering lately and is asked again in {seconds} s")]
pub struct Resting {
    /// Until somebody may ask; at least one.
    pub seconds: i64,
}

/// The breaker of one party. Clones share it.
#[derive(Clone)]
pub struct Breaker(Arc<Inner>);

struct Inner {
    dependency: Dependency,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Everybody may ask.
    Closed {
        silences: u32,
        /// Who met the first of these silences,
        first: Option<Asker>,
        /// and whether anybody else met one.
        by_several: bool,
    },
    /// Nobody may ask before this time.
    Open { until: Moment },
    /// One asks.
    Probing,
}

const CLOSED: State = State::Closed {
    silences: 0,
    first: None,
    by_several: false,
};

impl Breaker {
    /// A breaker of a party of this kind, which is its name in metrics and logs.
    #[must_use]
    pub fn new(dependency: Dependency, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            dependency,
            clock,
            state: Mutex::new(CLOSED),
        }))
    }

    /// Whether nobody may ask just now.
    #[must_use]
    pub fn resting(&self) -> Option<Resting> {
        let now = self.0.clock.monotonic();
        match *self.0.state() {
            State::Open { until } if until > now => Some(Resting::until(until, now)),
            State::Probing => Some(Resting { seconds: 1 }),
            State::Open { .. } | State::Closed { .. } => None,
        }
    }

    /// Leave to ask once. What came of it is told to the permit; one that is dropped untold counts as nothing.
    pub fn ask(&self, asker: Asker) -> Result<Permit, Resting> {
        let now = self.0.clock.monotonic();
        let mut state = self.0.state();
        let is_probe = match *state {
            State::Closed { .. } => false,
            State::Open { until } if until > now => return Err(Resting::until(until, now)),
            State::Probing => return Err(Resting { seconds: 1 }),
            State::Open { .. } => {
                *state = State::Probing;
                metrics::breaker(self.0.dependency, "half_open");
                true
            }
        };
        Ok(Permit {
            breaker: self.0.clone(),
            asker,
            is_probe,
        })
    }
}

impl Resting {
    /// Up to the whole second, so that who waits so long is not too early.
    fn until(until: Moment, now: Moment) -> Self {
        let left = until.since(now);
        Self {
            seconds: left.as_secs() + i64::from(left.subsec_nanos() > 0),
        }
    }
}

impl Inner {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, state: &mut State) {
        *state = State::Open {
            until: self.clock.monotonic().after(REST),
        };
        metrics::breaker(self.dependency, "open");
        tracing::warn!(
            dependency = self.dependency.as_str(),
            rest_seconds = REST.as_secs(),
            "it does not answer and is left alone"
        );
    }
}

/// Leave to ask once.
#[must_use]
pub struct Permit {
    breaker: Arc<Inner>,
    asker: Asker,
    is_probe: bool,
}

impl Permit {
    /// An answer came, whatever it says: the party is alive.
    pub fn answered(mut self) {
        self.is_probe = false;
        let mut state = self.breaker.state();
        if !matches!(*state, State::Closed { .. }) {
            metrics::breaker(self.breaker.dependency, "closed");
            tracing::info!(dependency = self.breaker.dependency.as_str(), "it answers again");
        }
        *state = CLOSED;
    }

    /// None came.
    pub fn silent(mut self) {
        let is_probe = std::mem::take(&mut self.is_probe);
        let mut state = self.breaker.state();
        match *state {
            State::Closed {
                silences,
                first,
                by_several,
            } => {
                let silences = silences.saturating_add(1);
                let by_several =
                    by_several || self.asker == Asker::SERVER || first.is_some_and(|first| first != self.asker);
                *state = State::Closed {
                    silences,
                    first: first.or(Some(self.asker)),
                    by_several,
                };
                if silences >= SILENCES && by_several {
                    self.breaker.open(&mut state);
                }
            }
            State::Probing if is_probe => self.breaker.open(&mut state),
            // Of those who asked before it was opened: nothing new.
            State::Open { .. } | State::Probing => {}
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_probe {
            // Whoever asked has left without an answer; the next one may ask.
            *self.breaker.state() = State::Open { until: Moment::PAST };
        }
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Breaker({}, {:?})", self.0.dependency.as_str(), *self.0.state())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::Timestamp;

    use super::*;
    use crate::clock::ManualClock;

    struct Scene {
        breaker: Breaker,
        millis: Arc<AtomicI64>,
    }

    impl Scene {
        fn new() -> Self {
            let millis = Arc::new(AtomicI64::new(0));
            let read = millis.clone();
            let clock = Clock::from_fn(move || Timestamp::from_millisecond(read.load(Ordering::Relaxed)).unwrap());
            Self {
                breaker: Breaker::new(Dependency::S3, clock),
                millis,
            }
        }

        fn ask(&self, who: u8) -> Result<Permit, i64> {
            self.breaker.ask(Asker::of(who)).map_err(|resting| resting.seconds)
        }

        fn silence(&self, who: u8) {
            self.ask(who).ok().unwrap().silent();
        }

        fn opened() -> Self {
            let scene = Self::new();
            (0..5).for_each(|who| scene.silence(who));
            assert_eq!(scene.ask(0).err(), Some(5));
            scene
        }
    }

    #[test]
    fn five_silences_in_a_row_open_it_and_an_answer_begins_anew() {
        let scene = Scene::new();
        (0..4).for_each(|who| scene.silence(who));
        scene.ask(0).ok().unwrap().answered();
        (0..4).for_each(|who| scene.silence(who));
        drop(scene.ask(0).ok().unwrap());
        assert!(scene.ask(0).is_ok(), "a cancelled call counts as nothing");
        scene.silence(4);
        assert!(scene.ask(0).is_err());
    }

    #[test]
    fn the_silences_of_one_asker_alone_do_not_open_it() {
        let scene = Scene::new();
        (0..100).for_each(|_| scene.silence(1));
        assert!(scene.ask(2).is_ok());
        scene.silence(2);
        assert!(scene.ask(2).is_err());

        let scene = Scene::new();
        for _ in 0..5 {
            scene.breaker.ask(Asker::SERVER).unwrap().silent();
        }
        assert!(
            scene.breaker.ask(Asker::SERVER).is_err(),
            "the server has nobody beside it"
        );
    }

    #[test]
    fn it_tells_how_long_and_then_one_asks() {
        let scene = Scene::opened();
        for (millis, seconds) in [(0, 5), (1, 5), (1000, 4), (1001, 4), (4999, 1)] {
            scene.millis.store(millis, Ordering::Relaxed);
            assert_eq!(scene.ask(0).err(), Some(seconds), "{millis}");
        }
        scene.millis.store(5000, Ordering::Relaxed);
        let probe = scene.ask(0).ok().unwrap();
        assert_eq!(scene.ask(1).err(), Some(1), "one at a time");
        probe.silent();
        assert_eq!(scene.ask(1).err(), Some(5), "and it rests again");
        scene.millis.store(10_000, Ordering::Relaxed);
        scene.ask(0).ok().unwrap().answered();
        (0..9).for_each(|who| scene.ask(who).ok().unwrap().answered());
    }

    #[test]
    fn a_wall_clock_that_is_set_back_does_not_prolong_the_rest() {
        let manual = ManualClock::new(Timestamp::UNIX_EPOCH);
        let breaker = Breaker::new(Dependency::S3, manual.clock());
        for _ in 0..SILENCES {
            breaker.ask(Asker::SERVER).unwrap().silent();
        }
        manual.set_wall(Timestamp::UNIX_EPOCH - SignedDuration::from_hours(24));
        assert_eq!(breaker.resting().unwrap().seconds, REST.as_secs());
        manual.advance(REST);
        assert!(breaker.ask(Asker::SERVER).is_ok());
    }

    #[test]
    fn a_probe_that_leaves_hands_its_turn_on() {
        let scene = Scene::opened();
        scene.millis.store(5000, Ordering::Relaxed);
        drop(scene.ask(0).ok().unwrap());
        scene.ask(1).ok().unwrap().answered();
        assert!(scene.ask(2).is_ok());
    }

    #[test]
    fn who_asked_before_it_opened_can_close_it_and_not_prolong_it() {
        let scene = Scene::new();
        let (late, later) = (scene.ask(8).ok().unwrap(), scene.ask(9).ok().unwrap());
        (0..5).for_each(|who| scene.silence(who));
        scene.millis.store(4000, Ordering::Relaxed);
        late.silent();
        assert_eq!(scene.ask(0).err(), Some(1));
        later.answered();
        assert!(scene.ask(0).is_ok());
    }
}

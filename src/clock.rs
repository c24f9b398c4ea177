//! The clock, as a parameter: tests set it instead of sleeping.
//!
//! It has two readings. [`Clock::now`] is the wall clock, which an operator or NTP may set forwards or backwards at any
//! time; it is compared only with times that others wrote, such as `exp` or `Expiration`. [`Clock::monotonic`] never goes
//! backwards; ages, pauses and the lives of cache entries go by it.

use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// Origin of the monotonic readings of this process.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A reading of the monotonic clock. It means nothing outside of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(SignedDuration);

impl Moment {
    /// A moment that is before every reading.
    pub const PAST: Self = Self(SignedDuration::MIN);

    /// How much time has passed between an earlier moment and this one.
    #[must_use]
    pub fn since(self, earlier: Self) -> SignedDuration {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment that comes so much later.
    #[must_use]
    pub fn after(self, wait: SignedDuration) -> Self {
        Self(self.0.saturating_add(wait))
    }
}

/// What time it is. Cheap to clone.
#[derive(Clone)]
pub struct Clock {
    wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    monotonic: Arc<dyn Fn() -> Moment + Send + Sync>,
}

/// The same instant for an API of the standard library. An instant that it cannot represent counts as long past.
#[must_use]
pub fn to_system_time(instant: Timestamp) -> std::time::SystemTime {
    std::time::SystemTime::try_from(instant).unwrap_or(std::time::SystemTime::UNIX_EPOCH)
}

impl Clock {
    /// The machine's clocks.
    #[must_use]
    pub fn system() -> Self {
        let elapsed = || SignedDuration::try_from(ORIGIN.elapsed()).unwrap_or(SignedDuration::MAX);
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
        Self {
            wall: Arc::new(Timestamp::now),
            monotonic: Arc::new(move || Moment(elapsed())),
        }
    }

    /// A clock that stands still.
    #[must_use]
    pub fn fixed(at: Timestamp) -> Self {
        Self::from_fn(move || at)
    }

    /// A clock of the caller's own making, of which both readings move alike.
    #[must_use]
    pub fn from_fn(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let wall = Arc::new(read);
        let monotonic = wall.clone();
        Self {
            wall,
            monotonic: Arc::new(move || Moment(monotonic().as_duration())),
        }
    }

    /// The wall clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.wall)()
    }

    /// The monotonic clock.
    #[must_use]
    pub fn monotonic(&self) -> Moment {
        (self.monotonic)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// A clock that is moved by hand, for tests. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Readings>>);

#[derive(Debug, Clone, Copy)]
struct Readings {
    wall: Timestamp,
    passed: SignedDuration,
}

impl ManualClock {
    /// A clock whose wall clock shows this time.
    #[must_use]
    pub fn new(wall: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Readings {
            wall,
            passed: SignedDuration::ZERO,
        })))
    }

    /// The clock, to be handed out.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let (wall, monotonic) = (self.clone(), self.clone());
        Clock {
            wall: Arc::new(move || wall.read().wall),
            monotonic: Arc::new(move || Moment(monotonic.read().passed)),
        }
    }

    /// Lets time pass: both readings move.
    pub fn advance(&self, by: SignedDuration) {
        self.change(|readings| Readings {
            wall: readings.wall.saturating_add(by).unwrap_or(readings.wall),
            passed: readings.passed.saturating_add(by),
        });
    }

    /// Sets the wall clock alone, as an operator or NTP does.
    pub fn set_wall(&self, wall: Timestamp) {
        self.change(|readings| Readings { wall, ..readings });
    }

    fn read(&self) -> Readings {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, to: impl FnOnce(Readings) -> Readings) {
        let mut readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *readings = to(*readings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_the_wall_clock_does_not_move_the_monotonic_one() {
        let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let manual = ManualClock::new(noon);
        let clock = manual.clock();
        let began = clock.monotonic();
        manual.set_wall(noon - SignedDuration::from_hours(24));
        assert_eq!(clock.monotonic().since(began), SignedDuration::ZERO);
        manual.advance(SignedDuration::from_secs(5));
        assert_eq!(clock.monotonic().since(began), SignedDuration::from_secs(5));
        assert_eq!(
            clock.now(),
            noon - SignedDuration::from_hours(24) + SignedDuration::from_secs(5)
        );
    }

    #[test]
    fn moments_saturate() {
        let now = Clock::system().monotonic();
        assert!(Moment::PAST < now && now.after(SignedDuration::MAX) > now);
        assert_eq!(now.since(Moment::PAST), SignedDuration::MAX);
    }
}

//! The clock, passed as a parameter, so that tests set it instead of sleeping.
//!
//! It has two readings. [`Clock::now`] is the wall clock, which an operator or NTP may set forwards or backwards; it is
//! compared only with times from other systems, such as `exp` or `Expiration`. [`Clock::monotonic`] never goes backwards; it
//! measures ages, pauses and lifetimes of cache entries.

use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// The origin of the monotonic readings in this process.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A reading of the monotonic clock, meaningful only in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(SignedDuration);

impl Moment {
    /// A moment before every reading.
    pub const PAST: Self = Self(SignedDuration::MIN);

    /// Returns the time between an earlier moment and this one.
    #[must_use]
    pub fn since(self, earlier: Self) -> SignedDuration {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the moment that is later by this duration.
    #[must_use]
    pub fn after(self, wait: SignedDuration) -> Self {
        Self(self.0.saturating_add(wait))
    }
}

/// A source of wall-clock and monotonic time. Cheap to clone.
#[derive(Clone)]
pub struct Clock {
    wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    monotonic: Arc<dyn Fn() -> Moment + Send + Sync>,
}

/// Converts a time for APIs of the standard library. A time that it cannot represent becomes the Unix epoch.
#[must_use]
pub fn to_system_time(instant: Timestamp) -> std::time::SystemTime {
    std::time::SystemTime::try_from(instant).unwrap_or(std::time::SystemTime::UNIX_EPOCH)
}

impl Clock {
    /// Returns the clock of the machine.
    #[must_use]
    pub fn system() -> Self {
        let elapsed = || SignedDuration::try_from(ORIGIN.elapsed()).unwrap_or(SignedDuration::MAX);
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
        Self {
            wall: Arc::new(Timestamp::now),
            monotonic: Arc::new(move || Moment(elapsed())),
        }
    }

    /// Returns a clock that always shows the same time.
    #[must_use]
    pub fn fixed(at: Timestamp) -> Self {
        Self::from_fn(move || at)
    }

    /// Returns a clock whose readings both come from a function.
    #[must_use]
    pub fn from_fn(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let wall = Arc::new(read);
        let monotonic = wall.clone();
        Self {
            wall,
            monotonic: Arc::new(move || Moment(monotonic().as_duration())),
        }
    }

    /// Returns the time of the wall clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.wall)()
    }

    /// Returns the reading of the monotonic clock.
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

/// A clock for tests, which is advanced by hand. Clones share its readings.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Readings>>);

#[derive(Debug, Clone, Copy)]
struct Readings {
    wall: Timestamp,
    passed: SignedDuration,
}

impl ManualClock {
    /// Creates a clock whose wall clock shows this time.
    #[must_use]
    pub fn new(wall: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Readings {
            wall,
            passed: SignedDuration::ZERO,
        })))
    }

    /// Returns a [`Clock`] with these readings.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let wall = self.clone();
        let monotonic = self.clone();
        Clock {
            wall: Arc::new(move || wall.read().wall),
            monotonic: Arc::new(move || Moment(monotonic.read().passed)),
        }
    }

    /// Advances both readings.
    pub fn advance(&self, by: SignedDuration) {
        self.change(|readings| Readings {
            wall: readings.wall.saturating_add(by).unwrap_or(readings.wall),
            passed: readings.passed.saturating_add(by),
        });
    }

    /// Sets the wall clock only, as an operator or NTP does.
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

//! The parties that this server needs, and what it does when one of them does not answer.
//!
//! Owns the [`Breaker`] that every such party has, and, for those that are asked over plain HTTP ([`Upstream`]), the bound on
//! how many questions wait for one party at once, and the repetition of a question that is safe to repeat. The AWS SDK
//! repeats by itself. Which party that is, what it is asked, and what counts as silence, is the matter of the rooms that ask.
//!
//! Invariants: an answer is an answer whatever it says, so that nobody's denials cost anybody else a party; a question is
//! repeated at most once, and the whole process repeats little more than a tenth of what is answered; a call that was
//! cancelled counts as nothing.

mod breaker;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use breaker::{Asker, Breaker, Permit, Resting};
use moka::future::Cache;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tower::retry::budget::{Budget as _, TpsBudget};

use crate::clock::Clock;
use crate::telemetry::{Dependency, metrics};

/// The budget of repetitions: of the last ten seconds' answers a tenth may be repeated, and ten besides.
const BUDGET_SECONDS: Duration = Duration::from_secs(10);
const BUDGET_RESERVE: u32 = 1;
const BUDGET_SHARE: f32 = 0.1;
/// Questions that wait for one party at once: a quarter of the calls that are worked on, so that a party which hangs does
/// not hold the calls that need nothing of it.
const PLACES: usize = 64;
/// A failure that comes later than this is not repeated: who waited so long should hear of it.
const LATE: Duration = Duration::from_secs(3);
/// Parties remembered: tokens may name some, below hosts that the operator allowed.
const MOST: u64 = 1000;

/// How long this server waits by itself; tests wait less.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// Longest wait before a repetition, which is drawn between a fifth of it and all of it.
    pub pause: Duration,
    /// Longest wait for a place among those who wait for a party.
    pub place: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            pause: Duration::from_millis(250),
            place: Duration::from_secs(2),
        }
    }
}

/// Why a party was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAsked {
    /// Its breaker is open. Try again then.
    #[error(transparent)]
    Resting(#[from] Resting),
    /// Too many wait for it already. Try again.
    #[error("it has too many questions to answer already")]
    Crowded,
}

/// How a question that found no answer went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// The party most likely did not take it, and may answer the next one: no connection, a broken one, or a gateway's word
    /// that nobody is there.
    Brief,
    /// The whole time was spent waiting.
    Long,
}

/// Whether a question may be asked twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing.
    Safe,
    /// It changes something, or gives something out once.
    Never,
}

/// All parties that are asked over plain HTTP. Clones share everything.
#[derive(Clone)]
pub struct Upstreams(Arc<Shared>);

struct Shared {
    clock: Clock,
    waits: Waits,
    budget: TpsBudget,
    known: Cache<String, Upstream>,
}

/// One of them.
#[derive(Clone)]
pub struct Upstream(Arc<Party>);

struct Party {
    dependency: Dependency,
    breaker: Breaker,
    places: Semaphore,
    shared: Arc<Shared>,
}

impl Upstreams {
    /// Nobody is known yet.
    #[must_use]
    pub fn new(clock: Clock, waits: Waits) -> Self {
        let budget = TpsBudget::new(BUDGET_SECONDS, BUDGET_RESERVE, BUDGET_SHARE);
        Self(Arc::new(Shared {
            clock,
            waits,
            budget,
            known: Cache::new(MOST),
        }))
    }

    /// The party at this address: scheme, host and port. `dependency` is its kind, the same for all of a kind.
    pub async fn at(&self, dependency: Dependency, address: String) -> Upstream {
        let new = async {
            let breaker = Breaker::new(dependency, self.0.clock.clone());
            let places = Semaphore::new(PLACES);
            Upstream(Arc::new(Party {
                dependency,
                breaker,
                places,
                shared: self.0.clone(),
            }))
        };
        self.0.known.get_with(address, new).await
    }
}

impl Upstream {
    /// Asks, once more if it may and can be. `silence` says of an error whether an answer came, and if not, how that went.
    pub async fn ask<T, E, Fut>(
        &self,
        asker: Asker,
        repeat: Repeat,
        question: impl Fn() -> Fut,
        silence: impl Fn(&E) -> Option<Silence>,
    ) -> Result<T, E>
    where
        E: From<NotAsked>,
        Fut: Future<Output = Result<T, E>>,
    {
        let Party {
            dependency,
            places,
            shared,
            ..
        } = &*self.0;
        let Ok(Ok(_place)) = timeout(shared.waits.place, places.acquire()).await else {
            return Err(NotAsked::Crowded.into());
        };
        let began = Instant::now();
        let permit = self.0.breaker.ask(asker).map_err(NotAsked::from)?;
        let error = match self.told(permit, question().await, &silence) {
            Err(error) => error,
            answer => return answer,
        };
        let may_repeat = repeat == Repeat::Safe && silence(&error) == Some(Silence::Brief) && began.elapsed() < LATE;
        if !may_repeat || !shared.budget.withdraw() {
            return Err(error);
        }
        sleep(shared.waits.pause.mul_f64(rand::random_range(0.2..=1.0))).await;
        // Meanwhile others may have found out that nobody is there.
        let Ok(permit) = self.0.breaker.ask(asker) else {
            return Err(error);
        };
        metrics::retry(*dependency);
        self.told(permit, question().await, &silence)
    }

    /// Whether it is left alone just now, and for how long.
    #[must_use]
    pub fn resting(&self) -> Option<Resting> {
        self.0.breaker.resting()
    }

    fn told<T, E>(
        &self,
        permit: Permit,
        answer: Result<T, E>,
        silence: impl Fn(&E) -> Option<Silence>,
    ) -> Result<T, E> {
        if answer.as_ref().err().and_then(silence).is_some() {
            permit.silent();
        } else {
            permit.answered();
            self.0.shared.budget.deposit();
        }
        answer
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upstream({:?})", self.0.breaker)
    }
}

impl fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upstreams")
    }
}

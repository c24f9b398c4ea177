//! Computations of unbounded size, on threads of their own.
//!
//! The async workers serve all connections, so a computation whose length depends on what users store or send runs on a
//! [`CpuPool`]: a few places over tokio's blocking threads, each for a bounded time.
//!
//! Invariants: a wait for a place is bounded; a caller waits no longer than the time limit for the result; a computation
//! that checks its [`Deadline`] between units of work stops soon after the limit, or after its caller has left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Computations that run at once.
const PLACES: usize = 2;
/// Longest wait for a place.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest time of one computation.
const LIMIT: Duration = Duration::from_secs(20);

/// Why a computation has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CpuError {
    /// All places were taken. Try again in a few seconds.
    #[error("this server has as many computations under way as it may; try again in a few seconds")]
    Busy,
    /// It took longer than it may. Ask for less.
    #[error("checking the package took longer than the {} seconds that it may take, and was stopped; nothing was changed", LIMIT.as_secs())]
    TooSlow,
}

/// When a computation has to stop. Computations check it between units of work.
#[derive(Debug, Clone)]
pub struct Deadline {
    at: Instant,
    abandoned: CancellationToken,
}

impl Deadline {
    /// Fails once the time is over, or the caller has left.
    pub fn check(&self) -> Result<(), CpuError> {
        if self.abandoned.is_cancelled() || Instant::now() >= self.at {
            Err(CpuError::TooSlow)
        } else {
            Ok(())
        }
    }
}

/// Places for computations. Clones share them.
#[derive(Debug, Clone)]
pub struct CpuPool {
    places: Arc<Semaphore>,
    patience: Duration,
    limit: Duration,
}

impl Default for CpuPool {
    fn default() -> Self {
        Self::new(PLACES, PATIENCE, LIMIT)
    }
}

impl CpuPool {
    fn new(places: usize, patience: Duration, limit: Duration) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            patience,
            limit,
        }
    }

    /// Runs a computation on a blocking thread, as part of the present span. Its place is free when it has ended, which
    /// may be after its caller was told that it is too slow.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Deadline) -> T + Send + 'static,
    ) -> Result<T, CpuError> {
        let waited = tokio::time::timeout(self.patience, self.places.clone().acquire_owned()).await;
        let Ok(Ok(place)) = waited else {
            return Err(CpuError::Busy);
        };
        let abandoned = CancellationToken::new();
        let _abandon = abandoned.clone().drop_guard();
        let deadline = Deadline {
            at: Instant::now() + self.limit,
            abandoned,
        };
        let span = tracing::Span::current();
        let running = tokio::task::spawn_blocking(move || {
            let result = span.in_scope(|| work(&deadline));
            drop(place);
            result
        });
        match tokio::time::timeout(self.limit, running).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(failed)) => match failed.try_into_panic() {
                Ok(panicked) => std::panic::resume_unwind(panicked),
                // The runtime is being shut down.
                Err(_) => Err(CpuError::Busy),
            },
            Err(_elapsed) => Err(CpuError::TooSlow),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_mins(1);

    fn until_stopped(deadline: &Deadline) {
        while deadline.check().is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[tokio::test]
    async fn a_computation_gives_its_result_and_its_place_back() {
        let pool = CpuPool::new(1, LONG, LONG);
        for n in 0..3 {
            assert_eq!(pool.run(move |deadline| deadline.check().map(|()| n)).await, Ok(Ok(n)));
        }
    }

    #[tokio::test]
    async fn a_computation_that_takes_too_long_is_stopped() {
        let pool = CpuPool::new(1, LONG, SHORT);
        let outcome = pool.run(|deadline| {
            until_stopped(deadline);
            deadline.check()
        });
        // The computation may see its deadline before the timer fires.
        assert!(matches!(outcome.await, Err(CpuError::TooSlow) | Ok(Err(_))));
        // Its place is free again, for it has seen its deadline.
        assert!(tokio::time::timeout(LONG, pool.places.acquire()).await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_computation_stops_when_its_caller_leaves() {
        let pool = CpuPool::new(1, LONG, LONG);
        assert!(tokio::time::timeout(SHORT, pool.run(until_stopped)).await.is_err());
        assert!(tokio::time::timeout(LONG, pool.places.acquire()).await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_wait_for_a_place_is_bounded() {
        let pool = CpuPool::new(1, SHORT, LONG);
        let taken = pool.places.clone().acquire_owned().await.unwrap();
        assert_eq!(pool.run(|_| ()).await, Err(CpuError::Busy));
        drop(taken);
        assert_eq!(pool.run(|_| ()).await, Ok(()));
    }
}

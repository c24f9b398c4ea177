//! A bounded pool for CPU-intensive computations.
//!
//! The async workers serve all connections, so computations whose duration depends on what users store or send run on a
//! [`CpuPool`]: a limited number at a time, on tokio's blocking threads, each with a deadline.
//!
//! **Invariants.** The wait for a permit is bounded. The caller waits for the result no longer than the deadline. A
//! computation that checks its [`Deadline`] between units of work stops soon after the deadline, or after its caller is
//! dropped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Maximum number of concurrent computations.
const MAX_CONCURRENT: usize = 2;
/// Maximum wait for a permit.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum duration of a computation.
const RUN_TIMEOUT: Duration = Duration::from_secs(20);

/// The reason that a computation has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CpuError {
    /// Occurs when no permit becomes free within the queue timeout.
    #[error("this server is busy with other computations; try again in a few seconds")]
    Busy,
    /// Occurs when the computation does not finish within the run timeout.
    #[error("checking the package took longer than the limit of {} seconds and was stopped; nothing was changed", RUN_TIMEOUT.as_secs())]
    TooSlow,
}

/// The deadline of a computation, which checks it between units of work.
#[derive(Debug, Clone)]
pub struct Deadline {
    at: Instant,
    abandoned: CancellationToken,
}

impl Deadline {
    /// Returns an error after the deadline, or after the caller is dropped.
    pub fn check(&self) -> Result<(), CpuError> {
        if self.abandoned.is_cancelled() || Instant::now() >= self.at {
            Err(CpuError::TooSlow)
        } else {
            Ok(())
        }
    }
}

/// A pool for computations. Clones share its permits.
#[derive(Debug, Clone)]
pub struct CpuPool {
    permits: Arc<Semaphore>,
    queue_timeout: Duration,
    run_timeout: Duration,
}

impl Default for CpuPool {
    fn default() -> Self {
        Self::new(MAX_CONCURRENT, QUEUE_TIMEOUT, RUN_TIMEOUT)
    }
}

impl CpuPool {
    fn new(max_concurrent: usize, queue_timeout: Duration, run_timeout: Duration) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(max_concurrent)),
            queue_timeout,
            run_timeout,
        }
    }

    /// Runs a computation on a blocking thread, in the current span. Its permit is released when it ends, which may be after
    /// its caller received [`CpuError::TooSlow`].
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Deadline) -> T + Send + 'static,
    ) -> Result<T, CpuError> {
        let acquired = tokio::time::timeout(self.queue_timeout, self.permits.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = acquired else {
            return Err(CpuError::Busy);
        };
        let abandoned = CancellationToken::new();
        let _guard = abandoned.clone().drop_guard();
        let deadline = Deadline {
            at: Instant::now() + self.run_timeout,
            abandoned,
        };
        let span = tracing::Span::current();
        let running = tokio::task::spawn_blocking(move || {
            let result = span.in_scope(|| work(&deadline));
            drop(permit);
            result
        });
        match tokio::time::timeout(self.run_timeout, running).await {
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
        // Its permit is released, because it has checked its deadline.
        assert!(
            tokio::time::timeout(LONG, pool.permits.acquire())
                .await
                .unwrap()
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_computation_stops_when_its_caller_leaves() {
        let pool = CpuPool::new(1, LONG, LONG);
        assert!(tokio::time::timeout(SHORT, pool.run(until_stopped)).await.is_err());
        assert!(
            tokio::time::timeout(LONG, pool.permits.acquire())
                .await
                .unwrap()
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_wait_for_a_place_is_bounded() {
        let pool = CpuPool::new(1, SHORT, LONG);
        let taken = pool.permits.clone().acquire_owned().await.unwrap();
        assert_eq!(pool.run(|_| ()).await, Err(CpuError::Busy));
        drop(taken);
        assert_eq!(pool.run(|_| ()).await, Ok(()));
    }
}

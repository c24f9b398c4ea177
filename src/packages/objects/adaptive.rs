//! Limit of concurrent requests that shrinks when S3 asks for fewer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::aws::{AwsError, AwsErrorKind};

/// Fewest concurrent requests.
const MIN_REQUESTS: usize = 4;
/// Attempts of one request, each of which the SDK repeats itself.
const MAX_ATTEMPTS: u32 = 6;
/// Pause after the first throttled attempt; doubled after each other one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// At most `max` concurrent requests. The limit is halved when a request is throttled that began after it was last halved, and
/// grows by one after as many successes as it allows at once.
#[derive(Debug)]
pub(super) struct AdaptiveLimit {
    permits: Semaphore,
    max: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    size: usize,
    /// Permits to take away when they are returned.
    surplus: usize,
    successes: usize,
    /// How often the limit was halved.
    halvings: u64,
}

impl AdaptiveLimit {
    pub(super) fn new(max: usize) -> Self {
        Self {
            permits: Semaphore::new(max),
            max,
            state: Mutex::new(State {
                size: max,
                surplus: 0,
                successes: 0,
                halvings: 0,
            }),
        }
    }

    /// Makes a request within the limit, and repeats it while it is throttled.
    pub(super) async fn run<T, F: Future<Output = Result<T, AwsError>>>(
        &self,
        request: impl Fn() -> F,
    ) -> Result<T, AwsError> {
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            // The semaphore is never closed.
            let permit = self.permits.acquire().await.ok();
            let halvings = self.state().halvings;
            let answer = request().await;
            let is_throttled = matches!(&answer, Err(error) if error.kind == AwsErrorKind::Throttled);
            if is_throttled {
                self.shrink(halvings);
            } else if answer.is_ok() {
                self.grow();
            }
            self.release(permit);
            if !is_throttled || attempt == MAX_ATTEMPTS {
                return answer;
            }
            let jitter = Duration::from_millis(rand::random_range(0..100));
            tokio::time::sleep(pause + jitter).await;
            pause *= 2;
            attempt += 1;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shrink(&self, halvings: u64) {
        let mut state = self.state();
        if state.halvings == halvings {
            let size = (state.size / 2).max(MIN_REQUESTS).min(state.size);
            state.surplus += state.size - size;
            state.size = size;
            state.successes = 0;
            state.halvings += 1;
        }
    }

    fn grow(&self) {
        let mut state = self.state();
        state.successes += 1;
        if state.size < self.max && state.successes > state.size {
            state.successes = 0;
            state.size += 1;
            if state.surplus > 0 {
                state.surplus -= 1;
            } else {
                self.permits.add_permits(1);
            }
        }
    }

    fn release(&self, permit: Option<SemaphorePermit<'_>>) {
        let mut state = self.state();
        if let Some(permit) = permit
            && state.surplus > 0
        {
            state.surplus -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::aws::{Operation, Resource};

    fn throttled() -> AwsError {
        let operation = Operation {
            service: "S3",
            action: "s3:GetObject",
            resource: Resource::Service,
        };
        AwsError::new(AwsErrorKind::Throttled, operation)
    }

    /// Requests wait for permits all the time, as those of a large package do.
    #[tokio::test]
    async fn the_limit_is_halved_when_s3_throttles_and_grows_again() {
        let limit = AdaptiveLimit::new(16);
        let (asked, current, most) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let request = || async {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            let now = current.fetch_add(1, Ordering::Relaxed) + 1;
            if number >= 64 {
                most.fetch_max(now, Ordering::Relaxed);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            current.fetch_sub(1, Ordering::Relaxed);
            if number < 16 { Err(throttled()) } else { Ok(()) }
        };
        // The sixteen that are throttled at once halve it once; it has not grown to all of it when the last of these begin.
        let first = futures::future::join_all((0..70).map(|_| limit.run(request))).await;
        assert!(first.iter().all(Result::is_ok));
        assert_eq!(limit.state().halvings, 1, "{limit:?}");
        assert!(most.load(Ordering::Relaxed) < 16, "{most:?}");
        for _ in 0..300 {
            limit.run(|| async { Ok(()) }).await.unwrap();
        }
        assert_eq!(limit.state().size, 16);
        assert_eq!(limit.permits.available_permits(), 16);
    }

    #[tokio::test]
    async fn a_request_that_stays_throttled_fails() {
        let limit = AdaptiveLimit::new(2);
        let answer: Result<(), AwsError> = limit.run(|| async { Err(throttled()) }).await;
        assert_eq!(answer.unwrap_err().kind, AwsErrorKind::Throttled);
    }
}

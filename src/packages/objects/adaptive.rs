//! Limit of concurrent requests that shrinks when S3 asks for fewer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::aws::{AwsError, AwsErrorKind};

/// Fewest concurrent requests.
const MIN_REQUESTS: usize = 4;
/// Attempts of one request, each of which the SDK repeats itself.
const MAX_ATTEMPTS: u32 = 6;
/// Pause after the first throttled attempt; doubled after each other one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// At most `max` concurrent requests. The limit is halved when a request is throttled, and grows by one after as many
/// successes as it allows at once.
#[derive(Debug)]
pub(super) struct AdaptiveLimit {
    permits: Semaphore,
    max: usize,
    size: AtomicUsize,
    successes: AtomicUsize,
}

impl AdaptiveLimit {
    pub(super) fn new(max: usize) -> Self {
        Self {
            permits: Semaphore::new(max),
            max,
            size: AtomicUsize::new(max),
            successes: AtomicUsize::new(0),
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
            let answer = request().await;
            match answer {
                Err(error) if error.kind == AwsErrorKind::Throttled && attempt < MAX_ATTEMPTS => {
                    drop(permit);
                    self.shrink();
                    let jitter = Duration::from_millis(rand::random_range(0..100));
                    tokio::time::sleep(pause + jitter).await;
                    pause *= 2;
                    attempt += 1;
                }
                answer => {
                    if answer.is_ok() {
                        self.grow();
                    }
                    return answer;
                }
            }
        }
    }

    fn shrink(&self) {
        let size = self.size.load(Ordering::Relaxed);
        let wanted = size.saturating_sub((size / 2).max(MIN_REQUESTS));
        // Permits that are in use cannot be taken; the next throttled request takes them.
        let taken = self.permits.forget_permits(wanted);
        self.size.fetch_sub(taken, Ordering::Relaxed);
        self.successes.store(0, Ordering::Relaxed);
    }

    fn grow(&self) {
        let size = self.size.load(Ordering::Relaxed);
        if size < self.max && self.successes.fetch_add(1, Ordering::Relaxed) >= size {
            self.successes.store(0, Ordering::Relaxed);
            self.size.fetch_add(1, Ordering::Relaxed);
            self.permits.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{Operation, Resource};

    #[tokio::test]
    async fn the_limit_is_halved_when_s3_throttles_and_grows_again() {
        let limit = AdaptiveLimit::new(16);
        let operation = Operation {
            service: "S3",
            action: "s3:GetObject",
            resource: Resource::Service,
        };
        let asked = AtomicUsize::new(0);
        let answered: Result<(), AwsError> = limit
            .run(|| async {
                match asked.fetch_add(1, Ordering::Relaxed) {
                    0 | 1 => Err(AwsError::new(AwsErrorKind::Throttled, operation)),
                    _ => Ok(()),
                }
            })
            .await;
        answered.unwrap();
        assert_eq!(limit.size.load(Ordering::Relaxed), 4);
        for _ in 0..200 {
            limit.run(|| async { Ok(()) }).await.unwrap();
        }
        assert_eq!(limit.size.load(Ordering::Relaxed), 16);
    }
}

//! Memory limiter: the budget for request bodies, data and responses of all calls together.
//!
//! Owns the budget, its pools and the queues of the calls that wait for memory. Does not own any buffers: a module reserves
//! memory before it allocates, and releases the reservation after it frees the buffer.
//!
//! The budget has three pools: small request bodies, large request bodies, and work, which is everything that a call holds
//! from the decoding of its arguments until its response is sent. A request reserves in this order and never goes back to
//! an earlier pool. Slow senders can exhaust the first two pools, which the calls in progress do not need. Unauthenticated
//! requests have a pool of at most [`MAX_UNAUTHENTICATED_MEMORY`] bytes outside the budget, so that they do not compete with
//! authenticated callers.
//!
//! Invariants: reservations never exceed the budget; a wait is bounded and ends in a [`ReservationError`]; at most one call
//! of each caller waits in the queue for work, so that callers take turns.

mod call;
mod config;
mod pool;

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

pub use call::CallReservation;
pub use config::MemoryConfig;
pub use pool::Reservation;
use tokio::sync::Semaphore;

use self::pool::Pool;
use crate::error_code::ErrorCode;

/// Payloads up to this size need no reservation: the limit on concurrent calls bounds them.
pub const MAX_SMALL_PAYLOAD: usize = 64 * 1024;
/// Maximum memory of all unauthenticated requests together.
pub const MAX_UNAUTHENTICATED_MEMORY: usize = 8 * 1024 * 1024;
/// Maximum wait for memory. Together with the time limit of a call it stays below the minute after which load balancers and
/// clients give up.
const RESERVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Number of queues over which callers are distributed.
const CALLER_QUEUES: usize = 64;

/// The memory budget of the process. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryBudget(Arc<Pools>);

#[derive(Debug)]
struct Pools {
    unauthenticated: Pool,
    small: Pool,
    large: Pool,
    overflow: Pool,
    work: Pool,
    timeout: Duration,
    /// A call that waits for work memory first acquires the queue of its caller.
    caller_queues: [Semaphore; CALLER_QUEUES],
}

/// Why memory could not be reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReservationError {
    /// Occurs when other calls still hold the memory after the maximum wait.
    #[error("The server has no free memory for this request. Try again in a few seconds.")]
    Exhausted,
    /// Occurs when one call needs more memory than its whole pool has.
    #[error(
        "This request needs {requested} bytes of memory, and the limit is {limit} bytes (QUILT_MCP_PAYLOAD_MEMORY; 8 MiB \
         without a verified token)."
    )]
    TooLarge { requested: usize, limit: usize },
}

impl ReservationError {
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Exhausted => ErrorCode::Throttled,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
        }
    }
}

impl MemoryBudget {
    /// Creates a budget of `bytes` for request bodies of up to `max_body` bytes: one sixteenth for small bodies, three for
    /// large ones and twelve for work.
    #[must_use]
    pub fn new(bytes: usize, max_body: usize) -> Self {
        Self::with_timeout(bytes, max_body, RESERVE_TIMEOUT)
    }

    fn with_timeout(bytes: usize, max_body: usize, timeout: Duration) -> Self {
        let part = bytes / 16;
        let overflow = max_body.min(3 * part);
        Self(Arc::new(Pools {
            unauthenticated: Pool::new(MAX_UNAUTHENTICATED_MEMORY.min(part), timeout),
            small: Pool::new(part, timeout),
            large: Pool::new(3 * part - overflow, timeout),
            overflow: Pool::new(overflow, timeout),
            work: Pool::new(12 * part, timeout),
            timeout,
            caller_queues: std::array::from_fn(|_| Semaphore::new(1)),
        }))
    }

    /// Reserves memory for a small body, or for any body of an unauthenticated request.
    pub async fn reserve_body(&self, bytes: usize, authenticated: bool) -> Result<Reservation, ReservationError> {
        if authenticated {
            self.0.small.reserve(bytes).await
        } else {
            self.0.unauthenticated.reserve(bytes).await
        }
    }

    /// Reserves memory for the part of a large body that has arrived, if it is free now. Bodies that wait for more while they
    /// hold a part could deadlock; they use [`Self::reserve_overflow`] instead.
    #[must_use]
    pub fn try_reserve_large_body(&self, bytes: usize) -> Option<Reservation> {
        self.0.large.try_reserve(bytes).ok().flatten()
    }

    /// Reserves memory for the whole of a large body, which replaces its earlier reservation. The caller must release it
    /// within a bounded time: the pool holds one body of the maximum size, and all large bodies get through one by one.
    pub async fn reserve_overflow(&self, bytes: usize) -> Result<Reservation, ReservationError> {
        self.0.overflow.reserve(bytes).await
    }

    /// Returns an empty reservation for a call of an unauthenticated caller.
    #[must_use]
    pub fn unauthenticated_call(&self) -> CallReservation {
        CallReservation::new(self.clone(), None)
    }

    /// Returns an empty reservation for a call of this caller.
    #[must_use]
    pub fn call(&self, caller: impl Hash) -> CallReservation {
        let mut hasher = DefaultHasher::new();
        caller.hash(&mut hasher);
        let queue = usize::try_from(hasher.finish() % CALLER_QUEUES as u64).unwrap_or_default();
        CallReservation::new(self.clone(), Some(queue))
    }

    /// Returns the maximum that one call may reserve.
    fn max_per_call(&self, queue: Option<usize>) -> usize {
        if queue.is_some() {
            self.0.work.size()
        } else {
            self.0.unauthenticated.size()
        }
    }

    /// Reserves memory for work. The calls of one caller wait one behind the other, so that the call of another caller does
    /// not wait behind all of them.
    async fn reserve_work(&self, bytes: usize, queue: Option<usize>) -> Result<Reservation, ReservationError> {
        let Some(queue) = queue else {
            return self.0.unauthenticated.reserve(bytes).await;
        };
        if let Some(reservation) = self.0.work.try_reserve(bytes)? {
            return Ok(reservation);
        }
        let reserved = async {
            let _turn = match self.0.caller_queues.get(queue) {
                Some(queue) => queue.acquire().await.ok(),
                None => None,
            };
            self.0.work.reserve(bytes).await
        };
        tokio::time::timeout(self.0.timeout, reserved)
            .await
            .unwrap_or(Err(ReservationError::Exhausted))
    }
}

#[cfg(test)]
mod tests;

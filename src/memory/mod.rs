//! Memory for payloads: what bodies, answers and manifests may take in all, however many calls there are.
//!
//! Owns the budget and who waits for it. Owns no bytes: whoever is about to hold some takes a share of the budget first,
//! and lets it go when they are gone.
//!
//! Requests whose caller is not proved have memory of their own beside the budget, at most [`UNPROVED`] bytes, so that
//! strangers and users share none. The budget has three parts, which a request takes in this order, never going back to
//! an earlier one: memory for small bodies on their way in, for large ones, and for work, which is all that a call holds from the
//! moment its arguments are decoded until its answer has left. Slow senders can fill the first two, and the calls that are
//! being worked on do not need these.
//!
//! Invariants: what is held is never more than the budget; a wait is bounded, and ends in [`Refused`]; of those who wait
//! for work, no caller has more than one in the queue, so that callers take turns.

mod call;
mod config;
mod pool;

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

pub use call::CallMemory;
pub use config::MemoryConfig;
pub use pool::Share;
use tokio::sync::Semaphore;

use self::pool::Pool;
use crate::error_code::ErrorCode;

/// Payloads up to this size are part of what a call costs in any case: the number of calls bounds them.
pub const SMALL: usize = 64 * 1024;
/// Memory for requests whose caller is not proved.
pub const UNPROVED: usize = 8 * 1024 * 1024;
/// Longest wait for memory. Together with the time of the work itself it stays below the minute for which load balancers
/// and clients wait.
const PATIENCE: Duration = Duration::from_secs(10);
/// Callers are spread over so many lines.
const LINES: usize = 64;

/// The budget of the process. Clones share it.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    unproved: Pool,
    small: Pool,
    large: Pool,
    last_resort: Pool,
    work: Pool,
    patience: Duration,
    /// Whoever has to wait for work stands in the line of its caller until it is its turn in the queue.
    lines: [Semaphore; LINES],
}

/// Why there is no memory for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Others hold it. Try again in a few seconds.
    #[error("This server has no memory left for the request; try again in a few seconds.")]
    Busy,
    /// It is more than the server has for everybody. Ask for less.
    #[error(
        "This request needs {wanted} bytes of memory; the limit is {most} (QUILT_MCP_PAYLOAD_MEMORY, or 8 MiB without a proved token)."
    )]
    TooLarge {
        /// How much was asked for.
        wanted: usize,
        /// How much there is.
        most: usize,
    },
}

impl Refused {
    /// The code of this case.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Busy => ErrorCode::Throttled,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
        }
    }
}

impl Memory {
    /// A budget of `bytes`, in sixteen parts: one for small bodies that are being read, three for large ones (of up to
    /// `max_body` bytes) and twelve for work. Unproved requests have up to [`UNPROVED`] bytes besides.
    #[must_use]
    pub fn new(bytes: usize, max_body: usize) -> Self {
        Self::with_patience(bytes, max_body, PATIENCE)
    }

    fn with_patience(bytes: usize, max_body: usize, patience: Duration) -> Self {
        let part = bytes / 16;
        let last_resort = max_body.min(3 * part);
        Self(Arc::new(Parts {
            unproved: Pool::new(UNPROVED.min(part), patience),
            small: Pool::new(part, patience),
            large: Pool::new(3 * part - last_resort, patience),
            last_resort: Pool::new(last_resort, patience),
            work: Pool::new(12 * part, patience),
            patience,
            lines: std::array::from_fn(|_| Semaphore::new(1)),
        }))
    }

    /// Memory for a small body, or for any body of a caller who is not proved.
    pub async fn arriving(&self, bytes: usize, proved: bool) -> Result<Share, Refused> {
        if proved {
            self.0.small.take(bytes).await
        } else {
            self.0.unproved.take(bytes).await
        }
    }

    /// Memory for a large body as far as it has arrived, if there is some now. A body that waited for more while it holds
    /// some could wait for one that does the same; it waits for [`Self::last_resort`] instead.
    #[must_use]
    pub fn try_large(&self, bytes: usize) -> Option<Share> {
        self.0.large.try_take(bytes).ok().flatten()
    }

    /// Memory for the whole of a large body, in exchange for what it holds. To be had for a bounded time, so that of any
    /// number of large bodies one after the other arrives.
    pub async fn last_resort(&self, bytes: usize) -> Result<Share, Refused> {
        self.0.last_resort.take(bytes).await
    }

    /// What the call of a caller who is not proved holds: nothing yet.
    #[must_use]
    pub fn unproved_call(&self) -> CallMemory {
        CallMemory::new(self.clone(), None)
    }

    /// What a call of this caller holds: nothing yet.
    #[must_use]
    pub fn call(&self, caller: impl Hash) -> CallMemory {
        let mut hasher = DefaultHasher::new();
        caller.hash(&mut hasher);
        let line = usize::try_from(hasher.finish() % LINES as u64).unwrap_or_default();
        CallMemory::new(self.clone(), Some(line))
    }

    /// Most that one call may hold.
    fn most(&self, line: Option<usize>) -> usize {
        if line.is_some() {
            self.0.work.size()
        } else {
            self.0.unproved.size()
        }
    }

    /// Memory for work. A caller's calls wait one behind the other, so that another caller's is not behind all of them.
    async fn work(&self, bytes: usize, line: Option<usize>) -> Result<Share, Refused> {
        let Some(line) = line else {
            return self.0.unproved.take(bytes).await;
        };
        if let Some(share) = self.0.work.try_take(bytes)? {
            return Ok(share);
        }
        let waited = async {
            let _turn = match self.0.lines.get(line) {
                Some(line) => line.acquire().await.ok(),
                None => None,
            };
            self.0.work.take(bytes).await
        };
        tokio::time::timeout(self.0.patience, waited)
            .await
            .unwrap_or(Err(Refused::Busy))
    }
}

#[cfg(test)]
mod tests;

//! One part of the budget.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Refused;
use crate::telemetry::metrics;

/// What is counted. Finer is of no use, and as many as fit the semaphore's 32 bits are four tebibytes.
const UNIT: usize = 1024;

/// Bytes of which shares are taken, in the order in which they are asked for.
#[derive(Debug)]
pub(super) struct Pool {
    free: Arc<Semaphore>,
    units: usize,
    patience: Duration,
}

impl Pool {
    pub(super) fn new(bytes: usize, patience: Duration) -> Self {
        let units = (bytes / UNIT).min(u32::MAX as usize);
        Self {
            free: Arc::new(Semaphore::new(units)),
            units,
            patience,
        }
    }

    pub(super) fn size(&self) -> usize {
        self.units * UNIT
    }

    /// A share, if nobody has to be waited for.
    pub(super) fn try_take(&self, bytes: usize) -> Result<Option<Share>, Refused> {
        let units = self.units(bytes)?;
        Ok(self.free.clone().try_acquire_many_owned(units).ok().map(Share::new))
    }

    /// A share, after a wait if need be.
    pub(super) async fn take(&self, bytes: usize) -> Result<Share, Refused> {
        if let Some(share) = self.try_take(bytes)? {
            return Ok(share);
        }
        let taken = self.free.clone().acquire_many_owned(self.units(bytes)?);
        match tokio::time::timeout(self.patience, taken).await {
            Ok(Ok(permit)) => Ok(Share::new(permit)),
            Ok(Err(_)) | Err(_) => Err(Refused::Busy),
        }
    }

    fn units(&self, bytes: usize) -> Result<u32, Refused> {
        let units = bytes.div_ceil(UNIT);
        let fitting = u32::try_from(units).ok().filter(|_| units <= self.units);
        fitting.ok_or(Refused::TooLarge {
            wanted: bytes,
            most: self.size(),
        })
    }
}

/// Bytes of the budget that are held until this is dropped.
#[derive(Debug)]
#[must_use = "what is dropped is not held"]
pub struct Share(OwnedSemaphorePermit);

impl Share {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        metrics::payload_bytes_taken(permit.num_permits() * UNIT);
        Self(permit)
    }

    /// How many bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.num_permits() * UNIT
    }

    /// Lets go of what is more than this.
    pub fn shrink_to(&mut self, bytes: usize) {
        let more = self.0.num_permits().saturating_sub(bytes.div_ceil(UNIT));
        drop(self.0.split(more).map(Self));
    }

    /// Takes up another share of the same part.
    pub fn merge(&mut self, mut other: Self) {
        if let Some(all) = other.0.split(other.0.num_permits()) {
            self.0.merge(all);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        metrics::payload_bytes_freed(self.bytes());
    }
}

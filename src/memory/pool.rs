//! One pool of the memory budget.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ReservationError;
use crate::telemetry::metrics;

/// Granularity of reservations in bytes. The semaphore counts in 32 bits, so that a pool holds at most four tebibytes.
const UNIT: usize = 1024;

/// Memory that is reserved in the order of the requests.
#[derive(Debug)]
pub(super) struct Pool {
    free: Arc<Semaphore>,
    units: usize,
    timeout: Duration,
}

impl Pool {
    /// Creates a pool in which a reservation waits for at most `timeout`.
    pub(super) fn new(bytes: usize, timeout: Duration) -> Self {
        let units = (bytes / UNIT).min(u32::MAX as usize);
        Self {
            free: Arc::new(Semaphore::new(units)),
            units,
            timeout,
        }
    }

    /// Returns the size of the pool in bytes.
    pub(super) fn size(&self) -> usize {
        self.units * UNIT
    }

    /// Reserves memory if it is free now.
    pub(super) fn try_reserve(&self, bytes: usize) -> Result<Option<Reservation>, ReservationError> {
        let units = self.units(bytes)?;
        let permit = self.free.clone().try_acquire_many_owned(units);
        Ok(permit.ok().map(Reservation::new))
    }

    /// Reserves memory and waits for it if necessary.
    pub(super) async fn reserve(&self, bytes: usize) -> Result<Reservation, ReservationError> {
        if let Some(reservation) = self.try_reserve(bytes)? {
            return Ok(reservation);
        }
        let acquired = self.free.clone().acquire_many_owned(self.units(bytes)?);
        match tokio::time::timeout(self.timeout, acquired).await {
            Ok(Ok(permit)) => Ok(Reservation::new(permit)),
            Ok(Err(_)) | Err(_) => Err(ReservationError::Exhausted),
        }
    }

    fn units(&self, bytes: usize) -> Result<u32, ReservationError> {
        let units = bytes.div_ceil(UNIT);
        let fitting = u32::try_from(units).ok().filter(|_| units <= self.units);
        fitting.ok_or(ReservationError::TooLarge {
            requested: bytes,
            limit: self.size(),
        })
    }
}

/// Reserved memory of one pool. Dropping it releases the memory.
#[derive(Debug)]
#[must_use = "dropping a reservation releases it"]
pub struct Reservation(OwnedSemaphorePermit);

impl Reservation {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        metrics::payload_bytes_reserved(permit.num_permits() * UNIT);
        Self(permit)
    }

    /// Returns the number of reserved bytes, a multiple of 1 KiB.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.num_permits() * UNIT
    }

    /// Releases the memory above `bytes`.
    pub fn release_above(&mut self, bytes: usize) {
        let excess = self.0.num_permits().saturating_sub(bytes.div_ceil(UNIT));
        drop(self.0.split(excess).map(Self));
    }

    /// Adds another reservation of the same pool to this one.
    pub fn merge(&mut self, mut other: Self) {
        if let Some(all) = other.0.split(other.0.num_permits()) {
            self.0.merge(all);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        metrics::payload_bytes_released(self.bytes());
    }
}

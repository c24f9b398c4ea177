//! The memory reservation of one call.

use std::sync::{Arc, Mutex, PoisonError};

use super::{MAX_SMALL_PAYLOAD, MemoryBudget, Reservation, ReservationError};

/// The memory that one call has reserved until its response is sent. Clones belong to the same call; dropping the last one
/// releases everything.
#[derive(Debug, Clone)]
pub struct CallReservation(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    budget: MemoryBudget,
    /// The queue in which the caller waits. `None` for unauthenticated callers, whose calls have a pool of their own.
    queue: Option<usize>,
    reservation: Mutex<Option<Reservation>>,
}

impl CallReservation {
    pub(super) fn new(budget: MemoryBudget, queue: Option<usize>) -> Self {
        Self(Arc::new(Inner {
            budget,
            queue,
            reservation: Mutex::new(None),
        }))
    }

    /// Reserves at least `bytes` in total for the call until its response is sent. Reserve the total once: two calls that
    /// each hold a part and wait for the rest can deadlock.
    pub async fn reserve(&self, bytes: usize) -> Result<(), ReservationError> {
        let Some(missing) = bytes
            .checked_sub(self.bytes())
            .filter(|_| bytes > MAX_SMALL_PAYLOAD)
            .filter(|missing| *missing > 0)
        else {
            return Ok(());
        };
        let Inner {
            budget,
            queue,
            reservation,
        } = &*self.0;
        let limit = budget.max_per_call(*queue);
        if bytes > limit {
            return Err(ReservationError::TooLarge {
                requested: bytes,
                limit,
            });
        }
        let more = budget.reserve_work(missing, *queue).await?;
        let mut reservation = reservation.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *reservation {
            Some(reservation) => reservation.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }

    /// Reserves `bytes` more than the call has now, for a need that is only found on the way. Prefer [`Self::reserve`].
    pub async fn reserve_more(&self, bytes: usize) -> Result<(), ReservationError> {
        self.reserve(self.bytes().saturating_add(bytes)).await
    }

    /// Releases the memory above `bytes`, and all of it if `bytes` is at most [`MAX_SMALL_PAYLOAD`].
    pub fn release_above(&self, bytes: usize) {
        let mut reservation = self.0.reservation.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *reservation {
            Some(reservation) if bytes > MAX_SMALL_PAYLOAD => reservation.release_above(bytes),
            reservation => *reservation = None,
        }
    }

    /// Returns the number of bytes that the call has reserved.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0
            .reservation
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map_or(0, Reservation::bytes)
    }
}

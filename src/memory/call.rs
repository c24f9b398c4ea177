//! What one call holds.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Memory, Refused, SMALL, Share};

/// What one call holds until its answer has left. Clones are of the same call; the last one lets go.
#[derive(Debug, Clone)]
pub struct CallMemory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    memory: Memory,
    /// The line in which the call's caller waits; unproved callers have none, and a part of the budget of their own.
    line: Option<usize>,
    held: Mutex<Option<Share>>,
}

impl CallMemory {
    pub(super) fn new(memory: Memory, line: Option<usize>) -> Self {
        Self(Arc::new(Inner {
            memory,
            line,
            held: Mutex::new(None),
        }))
    }

    /// Holds at least so many bytes for the call as a whole, from now on until its answer has left. To be asked for once,
    /// for all that will be held: who holds a part and waits for the rest may wait for somebody who does the same.
    pub async fn hold(&self, bytes: usize) -> Result<(), Refused> {
        let Some(missing) = bytes
            .checked_sub(self.held())
            .filter(|_| bytes > SMALL)
            .filter(|missing| *missing > 0)
        else {
            return Ok(());
        };
        let Inner { memory, line, held } = &*self.0;
        let most = memory.most(*line);
        if bytes > most {
            return Err(Refused::TooLarge { wanted: bytes, most });
        }
        let more = memory.work(missing, *line).await?;
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *held {
            Some(share) => share.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }

    /// Holds so many bytes more than before: for what is found to be needed on the way, which should be seldom.
    pub async fn hold_more(&self, bytes: usize) -> Result<(), Refused> {
        self.hold(self.held().saturating_add(bytes)).await
    }

    /// Lets go of what is more than this, and of everything when this is little.
    pub fn shrink_to(&self, bytes: usize) {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *held {
            Some(share) if bytes > SMALL => share.shrink_to(bytes),
            held => *held = None,
        }
    }

    /// How many bytes the call holds.
    #[must_use]
    pub fn held(&self) -> usize {
        self.0
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map_or(0, Share::bytes)
    }
}

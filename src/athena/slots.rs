//! Limit of the queries that one caller has in flight.
//!
//! A query that was handed out by its id counts until this copy of the server learns that it has ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;

use crate::clock::{Clock, Moment};
use crate::identity::Principal;

/// Maximum number of queries in flight of one caller.
pub const MAX_IN_FLIGHT: usize = 4;
/// Age after which a query counts no more: Athena ends queries after 30 minutes by default.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(30);

/// The queries in flight, by caller. Clones share them.
#[derive(Clone)]
pub(super) struct Slots {
    taken: Arc<Mutex<HashMap<Principal, Vec<Slot>>>>,
    clock: Clock,
}

struct Slot {
    number: u64,
    /// `None` until the query is started.
    id: Option<String>,
    since: Moment,
}

impl Slots {
    pub fn new(clock: Clock) -> Self {
        Self {
            taken: Arc::default(),
            clock,
        }
    }

    /// Takes a slot, or returns the ids of the queries that have all of them.
    pub fn take(&self, caller: &Principal) -> Result<Ticket, Vec<String>> {
        let now = self.clock.monotonic();
        let mut taken = self.lock();
        taken.retain(|_, slots| {
            slots.retain(|slot| now.since(slot.since) < MAX_AGE);
            !slots.is_empty()
        });
        let slots = taken.entry(caller.clone()).or_default();
        if slots.len() >= MAX_IN_FLIGHT {
            return Err(slots.iter().filter_map(|slot| slot.id.clone()).collect());
        }
        let number = slots.iter().map(|slot| slot.number).max().unwrap_or(0) + 1;
        slots.push(Slot {
            number,
            id: None,
            since: now,
        });
        Ok(Ticket {
            slots: self.clone(),
            caller: caller.clone(),
            number,
            is_started: false,
        })
    }

    /// Frees the slot of a query that has ended.
    pub fn ended(&self, caller: &Principal, id: &str) {
        self.free(caller, |slot| slot.id.as_deref() == Some(id));
    }

    fn free(&self, caller: &Principal, is_meant: impl Fn(&Slot) -> bool) {
        let mut taken = self.lock();
        if let Some(slots) = taken.get_mut(caller) {
            slots.retain(|slot| !is_meant(slot));
            if slots.is_empty() {
                taken.remove(caller);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Principal, Vec<Slot>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot. It is free again when this is dropped, unless a query was started in it.
pub(super) struct Ticket {
    slots: Slots,
    caller: Principal,
    number: u64,
    is_started: bool,
}

impl Ticket {
    /// Leaves the slot to a query.
    pub fn started(mut self, id: &str) {
        self.is_started = true;
        let mut taken = self.slots.lock();
        let slots = taken.get_mut(&self.caller).map(|slots| slots.iter_mut());
        if let Some(slot) = slots.and_then(|mut slots| slots.find(|slot| slot.number == self.number)) {
            slot.id = Some(id.to_owned());
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.is_started {
            let number = self.number;
            self.slots.free(&self.caller, |slot| slot.number == number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_four_slots_and_others_have_their_own() {
        let slots = Slots::new(Clock::system());
        let (alice, bob) = (Principal::Subject("alice".into()), Principal::Subject("bob".into()));
        for id in ["a", "b", "c"] {
            slots.take(&alice).ok().unwrap().started(id);
        }
        let fourth = slots.take(&alice).ok().unwrap();
        assert_eq!(slots.take(&alice).err().unwrap(), ["a", "b", "c"]);
        assert!(slots.take(&bob).is_ok());
        drop(fourth);
        slots.take(&alice).ok().unwrap().started("d");
        assert!(slots.take(&alice).is_err());
        slots.ended(&bob, "a");
        assert!(slots.take(&alice).is_err(), "a query of alice's is not bob's");
        slots.ended(&alice, "a");
        assert!(slots.take(&alice).is_ok());
    }
}

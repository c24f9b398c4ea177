//! Shared state of the account: options, identities, objects, journal and trusted identity providers.
//!
//! **Invariants.** Only one lock is held at a time, and never across an `await`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::athena::store::Athena;
use crate::iam::{IamStore, truncate_to_second};
use crate::journal::Journal;
use crate::options::Options;
use crate::store::Store;
use crate::sts::issuer::Issuer;

/// State shared by the public API and every request.
pub(crate) struct State {
    pub options: Options,
    pub journal: Journal,
    pub athena: Athena,
    iam: Mutex<IamStore>,
    store: Mutex<Store>,
    issuers: Mutex<Vec<Issuer>>,
}

impl State {
    pub fn new(options: Options) -> Self {
        Self {
            options,
            journal: Journal::default(),
            athena: Athena::default(),
            iam: Mutex::default(),
            store: Mutex::default(),
            issuers: Mutex::default(),
        }
    }

    /// Returns the account's time, truncated to the second as AWS reports it.
    pub fn now(&self) -> Timestamp {
        truncate_to_second((self.options.clock)())
    }

    /// Locks the users, roles and sessions.
    pub fn iam(&self) -> MutexGuard<'_, IamStore> {
        lock_ignoring_poison(&self.iam)
    }

    /// Locks the buckets and objects.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        lock_ignoring_poison(&self.store)
    }

    /// Locks the identity providers whose tokens the account accepts.
    pub fn issuers(&self) -> MutexGuard<'_, Vec<Issuer>> {
        lock_ignoring_poison(&self.issuers)
    }
}

/// Locks a mutex even if another thread panicked while holding it: every change is either complete or absent when its
/// lock is released.
pub(crate) fn lock_ignoring_poison<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The state that every request shares: options, identities, objects, the journal and the trusted issuers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::iam::{Directory, whole_second};
use crate::journal::Journal;
use crate::options::Options;
use crate::store::Store;
use crate::sts::Issuer;

/// What the account consists of. The locks are taken one at a time and never held while waiting.
pub(crate) struct State {
    pub options: Options,
    pub iam: Mutex<Directory>,
    pub store: Mutex<Store>,
    pub journal: Journal,
    pub issuers: Mutex<Vec<Issuer>>,
}

impl State {
    pub fn now(&self) -> Timestamp {
        whole_second((self.options.clock)())
    }
}

/// Locks, also behind a panic: every change is complete or absent when its lock is released.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

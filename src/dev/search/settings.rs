//! Settings of the registry's search, chosen by flags and tests.

use std::sync::{Arc, Mutex, PoisonError};

/// A generation of the registry's schema, named by the date of its first schema. Each is served as it was on its last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, clap::ValueEnum)]
pub enum Generation {
    /// No search in GraphQL.
    #[value(name = "none")]
    WithoutSearch,
    /// `total` is a field of `stats`, metadata is an object, and timeouts are GraphQL errors. Until 2025-07-17.
    #[value(name = "2023-10-13")]
    October2023,
    /// `OperationError` in the results, metadata as JSON text, entries that match. Until 2026-08-20.
    #[value(name = "2025-08-22")]
    August2025,
    /// Packages are ordered by expressions, and their first page may be an error.
    #[default]
    #[value(name = "2026-08-21")]
    August2026,
}

/// A failure with which searches are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchFault {
    /// Occurs when a search takes too long: `OperationError` of the name `Timeout`.
    Timeout,
    /// Occurs for another failure of the index: `OperationError` of the name `SearchError`.
    Failed,
    /// Occurs when the first page fails, while the total is known: the GraphQL error `Internal Server Error`.
    FirstPage,
    /// Occurs when cursors are older than the searches that the index remembers.
    ExpiredCursors,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Settings {
    pub generation: Generation,
    pub is_secure: bool,
    pub fault: Option<SearchFault>,
}

/// A handle on the settings of a registry's search, which may change while it runs. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct SearchSettings(Arc<Mutex<Settings>>);

impl SearchSettings {
    /// Serves another generation of the schema, as after an upgrade of the stack.
    pub fn set_generation(&self, generation: Generation) {
        self.change(|settings| settings.generation = generation);
    }

    /// Switches Secure Search, with which hits are not counted: `total` is -1.
    pub fn set_secure(&self, is_secure: bool) {
        self.change(|settings| settings.is_secure = is_secure);
    }

    /// Answers searches with a failure, or no longer.
    pub fn set_fault(&self, fault: Option<SearchFault>) {
        self.change(|settings| settings.fault = fault);
    }

    pub(super) fn get(&self) -> Settings {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

//! Workgroups, saved queries, tables and faults, as the program that sets up the account chooses them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::source::TableSource;
use crate::state::lock_ignoring_poison;

/// A workgroup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workgroup {
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// Where results are said to be stored. A query of a workgroup without an output location fails.
    pub output_location: Option<String>,
    /// The number of bytes that a query may scan.
    pub bytes_limit: Option<u64>,
    /// Whether queries are refused.
    pub is_disabled: bool,
}

/// A saved query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedQuery {
    /// The ID, a UUID.
    pub id: String,
    /// The name.
    pub name: String,
    /// The database of names that have none.
    pub database: String,
    /// The text.
    pub sql: String,
    /// The workgroup to which it belongs.
    pub workgroup: String,
}

/// A failure that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AthenaFault {
    /// Occurs when calls are too many, for this operation or for all, this number of times: `TooManyRequestsException` for
    /// the start of a query, `ThrottlingException` for other operations.
    Throttled {
        /// The operation; `None` for all.
        operation: Option<String>,
        /// The number of calls that fail.
        times: u32,
    },
    /// Occurs when the service fails: `InternalServerException`, for this operation or for all, this number of times.
    Unavailable {
        /// The operation; `None` for all.
        operation: Option<String>,
        /// The number of calls that fail.
        times: u32,
    },
    /// Occurs when no capacity is free: queries stay `QUEUED`.
    Queued,
    /// Occurs when the engine fails: queries end `FAILED` with a retryable error of the system.
    EngineFails,
}

#[derive(Default)]
pub(crate) struct Settings {
    pub workgroups: BTreeMap<String, Workgroup>,
    pub named_queries: Vec<NamedQuery>,
    pub source: Option<Arc<dyn TableSource>>,
    pub fault: Option<AthenaFault>,
}

/// The settings of Athena.
#[derive(Default)]
pub(crate) struct SettingsStore(Mutex<Settings>);

impl SettingsStore {
    pub fn lock(&self) -> MutexGuard<'_, Settings> {
        lock_ignoring_poison(&self.0)
    }

    /// Returns the code with which a call of this operation fails, and counts it.
    pub fn take_fault(&self, called: &str) -> Option<&'static str> {
        let mut settings = self.lock();
        let (code, operation, times) = match settings.fault.as_mut()? {
            AthenaFault::Throttled { operation, times } if called == "StartQueryExecution" => {
                ("TooManyRequestsException", operation, times)
            }
            AthenaFault::Throttled { operation, times } => ("ThrottlingException", operation, times),
            AthenaFault::Unavailable { operation, times } => ("InternalServerException", operation, times),
            AthenaFault::Queued | AthenaFault::EngineFails => return None,
        };
        if operation.as_deref().is_some_and(|operation| operation != called) {
            return None;
        }
        *times = times.checked_sub(1)?;
        Some(code)
    }
}

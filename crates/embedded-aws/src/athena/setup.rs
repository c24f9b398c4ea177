//! Setup of Athena without HTTP, signatures or policies.

use std::sync::Arc;

use super::settings::{AthenaFault, NamedQuery, Workgroup};
use super::source::TableSource;
use crate::account::EmbeddedAws;

impl EmbeddedAws {
    /// Creates a workgroup, or replaces the one of the same name.
    pub fn put_workgroup(&self, workgroup: Workgroup) {
        let mut settings = self.state.athena.settings.lock();
        settings.workgroups.insert(workgroup.name.clone(), workgroup);
    }

    /// Deletes a workgroup and returns whether it existed.
    #[expect(clippy::must_use_candidate, reason = "most callers know that the workgroup exists")]
    pub fn delete_workgroup(&self, name: &str) -> bool {
        self.state.athena.settings.lock().workgroups.remove(name).is_some()
    }

    /// Saves a query.
    pub fn put_named_query(&self, query: NamedQuery) {
        self.state.athena.settings.lock().named_queries.push(query);
    }

    /// Sets the tables that queries read.
    pub fn set_tables(&self, source: Arc<dyn TableSource>) {
        self.state.athena.settings.lock().source = Some(source);
    }

    /// Lets calls or queries fail, or no longer.
    pub fn set_athena_fault(&self, fault: Option<AthenaFault>) {
        self.state.athena.settings.lock().fault = fault;
    }

    /// Returns the number of queries that are queued or running.
    #[must_use]
    pub fn queries_in_flight(&self) -> usize {
        let kept = self.state.athena.executions.lock();
        kept.newest_first()
            .filter(|execution| !execution.state.is_final())
            .count()
    }
}

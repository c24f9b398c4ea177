//! Waiting for a query, with progress for the client.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::athena::{QueryProgress, QueryRun, StatementKind};
use crate::aws::athena::NewQuery;
use crate::tools::Session;

/// Returns the run of a query that is waited for, with progress for the client.
pub(super) fn waiting(session: &Session, query: NewQuery, wait: Duration) -> QueryRun {
    let (reporter, total) = (session.clone(), wait.as_secs());
    QueryRun {
        query,
        kind: StatementKind::Query,
        wait_until: Instant::now() + wait,
        deadline: session.deadline(),
        progress: Arc::new(move |progress: QueryProgress| {
            let waited = progress.waited.as_secs();
            let message = format!(
                "{} for {waited} s, {} bytes scanned",
                progress.state.as_str(),
                progress.scanned_bytes
            );
            reporter.report_message(waited, total, message);
        }),
    }
}

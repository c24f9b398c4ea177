//! Running of a query: it is waited for, handed out by its id, or stopped.
//!
//! A task of its own starts the query and waits for it, so that a client that leaves in the middle, even before Athena has said
//! the id, does not leave a query behind that scans and costs.

use std::sync::Arc;
use std::time::Duration;

use futures::future;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::slots::Ticket;
use super::{AthenaError, QueryState, QueryStatus, StatementKind, UserQueries};
use crate::aws::athena::NewQuery;
use crate::aws::{AwsError, AwsErrorKind};
use crate::telemetry::{in_call_scope, text};

/// First and longest pause between two questions about the state.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// How far a query is.
#[derive(Debug, Clone, Copy)]
pub struct QueryProgress {
    pub state: QueryState,
    pub scanned_bytes: u64,
    /// Time since the call began to wait.
    pub waited: Duration,
}

/// A query to run.
pub struct QueryRun {
    pub query: NewQuery,
    pub kind: StatementKind,
    /// When the query is handed out by its id, if it still runs.
    pub wait_until: Instant,
    /// When the query is stopped, if it still runs.
    pub deadline: Instant,
    pub progress: Arc<dyn Fn(QueryProgress) + Send + Sync>,
}

impl UserQueries {
    /// Runs a query. If the returned future is dropped, the query is stopped.
    pub async fn run(&self, run: QueryRun) -> Result<QueryStatus, AthenaError> {
        let ticket = self.ticket().await?;
        let left = CancellationToken::new();
        let _leaves = left.clone().drop_guard();
        let work = self.clone().drive(run, ticket, left);
        match self.tasks().spawn(in_call_scope(work)).await {
            Ok(outcome) => outcome,
            Err(_panic) => Err(AthenaError::Left),
        }
    }

    /// Takes one of the caller's slots, after a look at the queries that have them all.
    async fn ticket(&self) -> Result<Ticket, AthenaError> {
        let busy = match self.slots().take(&self.caller) {
            Ok(ticket) => return Ok(ticket),
            Err(ids) => ids,
        };
        // The state of a query that has ended frees its slot. One query whose state cannot be read, such as one of another
        // region, does not hide that others have ended.
        let states = future::join_all(busy.iter().map(|id| self.status(id))).await;
        self.slots().take(&self.caller).map_err(|ids| {
            let mut failed = states.into_iter().filter_map(Result::err);
            let failed = failed.find(|error| matches!(error, AthenaError::Aws(_)));
            failed.unwrap_or(AthenaError::Busy(ids))
        })
    }

    async fn drive(self, run: QueryRun, ticket: Ticket, left: CancellationToken) -> Result<QueryStatus, AthenaError> {
        let token = uuid::Uuid::new_v4().to_string();
        let started = self.aws.start_query(&run.query, &token).await;
        let id = started.map_err(|error| of_start(error, &run.query.work_group))?;
        let id = id.ok_or_else(|| AthenaError::NoSuchQuery {
            id: String::new(),
            reason: "Athena started it and gave no id".to_owned(),
        })?;
        ticket.started(&id);
        tracing::info!(
            query_id = id,
            bytes = run.query.sql.len(),
            workgroup = text::bounded(&run.query.work_group, text::MAX_ERROR_BYTES),
            "a query was started"
        );
        let outcome = self.wait(&id, &run, &left).await;
        let is_to_be_stopped = matches!(
            outcome,
            Err(AthenaError::Left | AthenaError::Stopped(_) | AthenaError::NotReading(_))
        ) || left.is_cancelled() && !matches!(&outcome, Ok(status) if status.state.is_final());
        if is_to_be_stopped {
            self.stop_for_good(&id).await;
        }
        outcome
    }

    async fn wait(&self, id: &str, run: &QueryRun, left: &CancellationToken) -> Result<QueryStatus, AthenaError> {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let status = match self.status(id).await {
                Ok(status) => Some(status),
                Err(AthenaError::Aws(error))
                    if error.is_retryable()
                        && !left.is_cancelled()
                        && Instant::now() < run.wait_until.min(run.deadline) =>
                {
                    None
                }
                Err(AthenaError::Aws(error)) => {
                    return Err(AthenaError::Lost {
                        id: id.to_owned(),
                        error: Box::new(error),
                    });
                }
                Err(error) => return Err(error),
            };
            let now = Instant::now();
            if let Some(status) = status {
                if let Some(other) = status.is_not_reading(run.kind) {
                    return Err(AthenaError::NotReading(other));
                }
                if status.state.is_final() {
                    return Ok(status);
                }
                (run.progress)(QueryProgress {
                    state: status.state,
                    scanned_bytes: status.scanned_bytes,
                    waited: now - began,
                });
                if left.is_cancelled() {
                    return Err(AthenaError::Left);
                }
                if now >= run.wait_until {
                    return Ok(status);
                }
                if now >= run.deadline {
                    return Err(AthenaError::Stopped(Box::new(status)));
                }
            }
            let until = (now + pause).min(run.wait_until).min(run.deadline);
            tokio::select! {
                () = left.cancelled() => return Err(AthenaError::Left),
                () = tokio::time::sleep_until(until) => {}
            }
            pause = (pause * 3 / 2).min(MAX_PAUSE);
        }
    }

    /// Stops a query that no one waits for any more.
    async fn stop_for_good(&self, id: &str) {
        match self.aws.stop_query(id).await {
            Ok(()) => {
                self.slots().ended(&self.caller, id);
                tracing::info!(query_id = id, "a query was stopped");
            }
            Err(error) => {
                tracing::warn!(
                    query_id = id,
                    error = text::error(&error),
                    "a query could not be stopped"
                );
            }
        }
    }
}

/// Reads why a query could not be started.
fn of_start(error: AwsError, work_group: &str) -> AthenaError {
    if error.kind != AwsErrorKind::InvalidRequest {
        return error.into();
    }
    let said = error.description();
    let lower = said.to_lowercase();
    // The text of a statement that is wrong may name both.
    if lower.starts_with("workgroup") || lower.starts_with("no output location") {
        return AthenaError::UnusableWorkgroup {
            name: work_group.to_owned(),
            reason: said,
        };
    }
    AthenaError::Refused(error)
}

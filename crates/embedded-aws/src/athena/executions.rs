//! Query executions with their states and results, of which the newest are kept.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::sql::{Failure, ResultSet, Statement};
use crate::state::lock_ignoring_poison;

/// Maximum number of executions that are remembered; the oldest are forgotten.
const MAX_EXECUTIONS: usize = 1000;
/// Maximum size of all results that are kept; the oldest expire.
const MAX_RESULT_BYTES: usize = 512 * 1024 * 1024;
/// Maximum number of queries that run at the same time; others are queued.
const MAX_RUNNING: usize = 8;
/// The time after which results expire, as in a Quilt stack.
const RESULT_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueryState {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl QueryState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// What a caller asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub sql: String,
    pub parameters: Vec<String>,
    pub workgroup: String,
    pub catalog: Option<String>,
    pub database: Option<String>,
    pub output_location: String,
    /// The ARN of the caller.
    pub caller: String,
    pub token: Option<String>,
    /// Minutes for which an earlier result is good enough.
    pub reuse_minutes: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Execution {
    pub id: String,
    pub request: Request,
    pub statement: Statement,
    pub state: QueryState,
    pub reason: Option<String>,
    pub failure: Option<Failure>,
    pub submitted: Timestamp,
    pub started: Option<Timestamp>,
    pub completed: Option<Timestamp>,
    pub scanned: Arc<AtomicU64>,
    pub stopped: Arc<AtomicBool>,
    pub result: Option<Arc<ResultSet>>,
    pub is_reused: bool,
}

impl Execution {
    pub fn finish(&mut self, state: QueryState, reason: Option<String>, now: Timestamp) {
        self.state = state;
        self.reason = reason;
        self.completed = Some(now);
    }

    /// Returns the result, unless it has expired.
    pub fn result_at(&self, now: Timestamp) -> Option<&Arc<ResultSet>> {
        let completed = self.completed?;
        self.result.as_ref().filter(|_| now < completed + RESULT_LIFETIME)
    }

    pub fn to_json(&self, now: Timestamp) -> Value {
        let request = &self.request;
        let milliseconds = |from: Timestamp, to: Timestamp| to.duration_since(from).as_millis();
        let end = self.completed.unwrap_or(now);
        let started = self.started.unwrap_or(end);
        let seconds = |time: Timestamp| Value::from(epoch(time));
        let mut status = json!({ "State": self.state.as_str(), "SubmissionDateTime": seconds(self.submitted) });
        let mut context = json!({});
        let set = |object: &mut Value, name: &str, value: Option<Value>| {
            if let (Some(value), Some(members)) = (value, object.as_object_mut()) {
                members.insert(name.to_owned(), value);
            }
        };
        set(&mut status, "StateChangeReason", self.reason.clone().map(Value::from));
        set(&mut status, "CompletionDateTime", self.completed.map(seconds));
        set(
            &mut status,
            "AthenaError",
            self.failure.as_ref().map(Failure::athena_error),
        );
        set(&mut context, "Catalog", request.catalog.clone().map(Value::from));
        set(&mut context, "Database", request.database.clone().map(Value::from));
        let extension = if self.statement.class.as_str() == "DML" {
            "csv"
        } else {
            "txt"
        };
        let mut execution = json!({
            "QueryExecutionId": self.id, "Query": request.sql, "WorkGroup": request.workgroup,
            "StatementType": self.statement.class.as_str(), "SubstatementType": self.statement.substatement,
            "ResultConfiguration": { "OutputLocation": format!("{}{}.{extension}", request.output_location, self.id) },
            "ResultReuseConfiguration": { "ResultReuseByAgeConfiguration": { "Enabled": request.reuse_minutes.is_some() } },
            "QueryExecutionContext": context, "Status": status,
            "Statistics": {
                "EngineExecutionTimeInMillis": milliseconds(started, end),
                "DataScannedInBytes": self.scanned.load(Ordering::Acquire),
                "TotalExecutionTimeInMillis": milliseconds(self.submitted, end),
                "QueryQueueTimeInMillis": milliseconds(self.submitted, started),
                "ServicePreProcessingTimeInMillis": 0, "QueryPlanningTimeInMillis": 0, "ServiceProcessingTimeInMillis": 0,
                "ResultReuseInformation": { "ReusedPreviousResult": self.is_reused },
            },
            "EngineVersion": { "SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3" },
        });
        let parameters = Some(&request.parameters).filter(|parameters| !parameters.is_empty());
        set(
            &mut execution,
            "ExecutionParameters",
            parameters.map(|parameters| json!(parameters)),
        );
        execution
    }
}

/// Returns a time as the number of seconds that JSON 1.1 has.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of this millennium fit into a double"
)]
pub(crate) fn epoch(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1000.0
}

#[derive(Default)]
pub(crate) struct Kept {
    by_id: HashMap<String, Execution>,
    /// IDs, oldest first.
    order: VecDeque<String>,
}

impl Kept {
    pub fn get(&self, id: &str) -> Option<&Execution> {
        self.by_id.get(id)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut Execution> {
        self.by_id.get_mut(id)
    }

    /// Returns the executions, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Execution> {
        self.order.iter().rev().filter_map(|id| self.by_id.get(id))
    }

    pub fn add(&mut self, execution: Execution) {
        self.order.push_back(execution.id.clone());
        self.by_id.insert(execution.id.clone(), execution);
        while self.order.len() > MAX_EXECUTIONS {
            let oldest = self.order.pop_front().and_then(|id| self.by_id.remove(&id));
            if let Some(oldest) = oldest {
                oldest.stopped.store(true, Ordering::Release);
            }
        }
    }

    /// Lets the oldest results expire that are too many.
    pub fn trim_results(&mut self) {
        let mut left = MAX_RESULT_BYTES;
        for id in self.order.iter().rev() {
            let Some(execution) = self.by_id.get_mut(id) else {
                continue;
            };
            if let Some(bytes) = execution.result.as_ref().map(|result| result.bytes()) {
                match left.checked_sub(bytes) {
                    Some(rest) => left = rest,
                    None => execution.result = None,
                }
            }
        }
    }
}

/// The executions and the tasks that run them.
pub(crate) struct Executions {
    kept: Mutex<Kept>,
    pub tasks: Mutex<JoinSet<()>>,
    pub slots: Semaphore,
}

impl Default for Executions {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            tasks: Mutex::default(),
            slots: Semaphore::new(MAX_RUNNING),
        }
    }
}

impl Executions {
    pub fn lock(&self) -> MutexGuard<'_, Kept> {
        lock_ignoring_poison(&self.kept)
    }

    /// Stops all queries that run.
    pub fn stop_all(&self) {
        for execution in self.lock().by_id.values() {
            execution.stopped.store(true, Ordering::Release);
        }
    }
}

//! State of a query: what Athena says of it, and what a failure means.

use std::fmt;

use jiff::Timestamp;

use super::{Statement, StatementKind};
use crate::aws::athena::{QueryExecution, QueryExecutionState, StatementType};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryState {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl QueryState {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// What the end of a query without a result means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The statement is wrong.
    Statement,
    /// The caller may not read what the statement names.
    Denied,
    /// It would have scanned more than the workgroup allows, or needed more memory.
    TooLarge,
    Timeout,
    Cancelled,
    /// Athena or a connector failed.
    Service,
}

/// Why a query ended without a result.
#[derive(Debug, Clone)]
pub struct Failure {
    pub kind: FailureKind,
    /// Athena's own words.
    pub reason: String,
    pub is_retryable: bool,
}

/// State and statistics of a query.
#[derive(Clone)]
pub struct QueryStatus {
    pub id: String,
    pub state: QueryState,
    /// `DML`, `DDL` or `UTILITY`, once Athena has said so.
    pub statement_type: Option<StatementType>,
    /// Such as `SELECT` or `SHOW_TABLES`.
    pub substatement: Option<String>,
    /// The kind of the statement by our own reading.
    pub kind: Option<StatementKind>,
    pub sql: String,
    pub workgroup: String,
    pub catalog: Option<String>,
    pub database: Option<String>,
    pub scanned_bytes: u64,
    pub queued_ms: u64,
    pub running_ms: u64,
    pub is_reused: bool,
    /// Whether the query ran on capacity that is paid for by time.
    pub is_provisioned: bool,
    pub submitted: Option<Timestamp>,
    pub failure: Option<Failure>,
}

/// Without the SQL, which may hold what is private.
impl fmt::Debug for QueryStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryStatus")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl QueryStatus {
    pub(super) fn of(execution: QueryExecution) -> Self {
        let status = execution.status;
        let state = match status.as_ref().and_then(|status| status.state.as_ref()) {
            Some(QueryExecutionState::Succeeded) => QueryState::Succeeded,
            Some(QueryExecutionState::Failed) => QueryState::Failed,
            Some(QueryExecutionState::Cancelled) => QueryState::Cancelled,
            Some(QueryExecutionState::Running) => QueryState::Running,
            _ => QueryState::Queued,
        };
        let submitted = status.as_ref().and_then(|status| status.submission_date_time);
        let submitted = submitted.and_then(|time| Timestamp::from_second(time.secs()).ok());
        let failure = status.filter(|_| matches!(state, QueryState::Failed | QueryState::Cancelled));
        let failure = failure.map(|status| {
            let reason = status.state_change_reason.filter(|reason| !reason.is_empty());
            let error = status.athena_error;
            let said = error.as_ref().and_then(|error| error.error_message.clone());
            let category = error.as_ref().and_then(|error| error.error_category);
            Failure::of(
                state,
                reason.or(said),
                category,
                error.is_some_and(|error| error.retryable),
            )
        });
        let sql = execution.query.unwrap_or_default();
        let context = execution.query_execution_context;
        let (catalog, database) = context
            .map(|context| (context.catalog, context.database))
            .unwrap_or_default();
        let statistics = execution.statistics;
        let count = |read: fn(&aws_sdk_athena::types::QueryExecutionStatistics) -> Option<i64>| {
            let number = statistics.as_ref().and_then(read).unwrap_or(0);
            u64::try_from(number).unwrap_or(0)
        };
        Self {
            id: execution.query_execution_id.unwrap_or_default(),
            state,
            statement_type: execution.statement_type,
            substatement: execution.substatement_type,
            kind: Statement::parse(&sql).ok().map(|statement| statement.kind),
            workgroup: execution.work_group.unwrap_or_default(),
            catalog,
            database,
            scanned_bytes: count(|statistics| statistics.data_scanned_in_bytes),
            queued_ms: count(|statistics| statistics.query_queue_time_in_millis),
            running_ms: count(|statistics| statistics.engine_execution_time_in_millis),
            is_reused: statistics
                .as_ref()
                .and_then(|statistics| statistics.result_reuse_information.as_ref())
                .is_some_and(|reuse| reuse.reused_previous_result),
            is_provisioned: statistics
                .as_ref()
                .is_some_and(|statistics| statistics.dpu_count.is_some()),
            submitted,
            failure,
            sql,
        }
    }

    /// Returns what Athena takes the statement for, where that is nothing that only reads. Names of types that are not known
    /// are none that read.
    pub(super) fn is_not_reading(&self, kind: StatementKind) -> Option<String> {
        const WRITES: [&str; 7] = ["INSERT", "CREATE", "DELETE", "MERGE", "UPDATE", "UNLOAD", "DROP"];
        let substatement = self.substatement.as_deref().unwrap_or_default().to_ascii_uppercase();
        let is_data = matches!(kind, StatementKind::Query | StatementKind::Explain);
        if is_data && WRITES.iter().any(|word| substatement.starts_with(word)) {
            return Some(substatement);
        }
        match self.statement_type.as_ref()? {
            StatementType::Dml | StatementType::Utility => None,
            // The guard has read the word SHOW or DESCRIBE, which Athena has called DDL, too.
            StatementType::Ddl if !is_data => None,
            other => Some(other.as_str().to_owned()),
        }
    }

    /// Whether the first page of the result begins with the names of the columns.
    pub(super) fn may_have_header(&self) -> bool {
        !matches!(self.kind, Some(StatementKind::Show | StatementKind::Describe))
    }
}

impl Failure {
    fn of(state: QueryState, reason: Option<String>, category: Option<i32>, is_retryable: bool) -> Self {
        let reason = reason.unwrap_or_else(|| "Athena gives no reason".to_owned());
        let lower = reason.to_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
        let kind = if has(&[
            "bytes scanned limit",
            "exceeded limit of data scanned",
            "exhausted resources",
        ]) {
            FailureKind::TooLarge
        } else if state == QueryState::Cancelled {
            FailureKind::Cancelled
        } else if is_of_statement(&reason) {
            FailureKind::Statement
        } else if has(&[
            "not authorized",
            "access denied",
            "accessdenied",
            "permission_denied",
            "insufficient permission",
        ]) {
            FailureKind::Denied
        } else if has(&["query timeout", "exceeded_time_limit"]) {
            FailureKind::Timeout
        } else if category == Some(2) || (category.is_none() && has(OF_STATEMENTS)) {
            FailureKind::Statement
        } else {
            FailureKind::Service
        };
        Self {
            kind,
            reason,
            is_retryable,
        }
    }
}

/// Codes with which the reasons of wrong statements begin. What follows may quote anything, and "Column 'x' cannot be resolved or
/// requester is not authorized" is said of columns that do not exist.
const STATEMENT_CODES: [&str; 12] = [
    "AMBIGUOUS_NAME",
    "CATALOG_NOT_FOUND",
    "COLUMN_NOT_FOUND",
    "DIVISION_BY_ZERO",
    "FUNCTION_NOT_FOUND",
    "INVALID_CAST_ARGUMENT",
    "INVALID_FUNCTION_ARGUMENT",
    "NOT_SUPPORTED",
    "SCHEMA_NOT_FOUND",
    "SYNTAX_ERROR",
    "TABLE_NOT_FOUND",
    "TYPE_MISMATCH",
];

fn is_of_statement(reason: &str) -> bool {
    let code = reason.trim_start().split(':').next().unwrap_or_default();
    STATEMENT_CODES.contains(&code)
}

/// What messages about wrong statements contain, where Athena does not say whose fault it is.
const OF_STATEMENTS: &[&str] = &[
    "line ",
    "_not_found",
    "syntax",
    "mismatch",
    "not_supported",
    "catalog error",
    "table with name",
    "cannot be",
    "invalid_",
    "division",
    "not found in from clause",
    "binder error",
    "conversion error",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_apart() {
        use FailureKind as K;
        for (state, reason, category, kind) in [
            (
                QueryState::Failed,
                "TABLE_NOT_FOUND: line 1:15: Table 'x' does not exist",
                Some(2),
                K::Statement,
            ),
            (
                QueryState::Failed,
                "COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved or requester is not authorized to access requested \
                 resources",
                None,
                K::Statement,
            ),
            (
                QueryState::Failed,
                "INVALID_CAST_ARGUMENT: Cannot cast 'access denied' to BIGINT",
                Some(2),
                K::Statement,
            ),
            (
                QueryState::Failed,
                "PERMISSION_DENIED: Access denied on lambda: User: arn is not authorized to perform: lambda:InvokeFunction",
                Some(2),
                K::Denied,
            ),
            (
                QueryState::Failed,
                "Access denied when reading s3://b: User: arn is not authorized to perform: s3:GetObject",
                Some(2),
                K::Denied,
            ),
            (
                QueryState::Cancelled,
                "Query cancelled! : Bytes scanned limit was exceeded",
                None,
                K::TooLarge,
            ),
            (QueryState::Cancelled, "Query cancelled by user", None, K::Cancelled),
            (
                QueryState::Failed,
                "Query exhausted resources at this scale factor",
                Some(2),
                K::TooLarge,
            ),
            (QueryState::Failed, "GENERIC_INTERNAL_ERROR: null", Some(1), K::Service),
            (
                QueryState::Failed,
                "HIVE_CURSOR_ERROR: unexpected end",
                Some(3),
                K::Service,
            ),
            (QueryState::Failed, "Query timeout", None, K::Timeout),
        ] {
            assert_eq!(
                Failure::of(state, Some(reason.to_owned()), category, false).kind,
                kind,
                "{reason}"
            );
        }
    }

    fn of_types(statement: Option<StatementType>, substatement: &str) -> QueryStatus {
        let mut execution = aws_sdk_athena::types::QueryExecution::builder().substatement_type(substatement);
        execution = execution.set_statement_type(statement);
        QueryStatus::of(execution.build())
    }

    #[test]
    fn the_type_that_athena_names_is_that_of_a_statement_that_reads() {
        use StatementKind as K;
        for (kind, named, substatement, reads) in [
            (K::Query, None, "", true),
            (K::Query, Some(StatementType::Dml), "SELECT", true),
            (K::Query, Some(StatementType::Utility), "", true),
            (K::Query, Some(StatementType::Ddl), "", false),
            (K::Query, Some(StatementType::Dml), "INSERT", false),
            (K::Query, Some(StatementType::Dml), "CREATE_TABLE_AS_SELECT", false),
            (K::Query, Some(StatementType::from("NEW")), "", false),
            (K::Explain, Some(StatementType::Ddl), "", false),
            (K::Show, Some(StatementType::Ddl), "SHOW_CREATE_TABLE", true),
            (K::Describe, Some(StatementType::Utility), "", true),
        ] {
            let verdict = of_types(named.clone(), substatement).is_not_reading(kind);
            assert_eq!(verdict.is_none(), reads, "{kind:?} {named:?} {substatement}");
        }
    }
}

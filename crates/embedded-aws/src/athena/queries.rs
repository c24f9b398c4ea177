//! Query executions: start, stop, state and results.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::access::CallerAccess;
use super::catalogs::source;
use super::executions::{Execution, QueryState, Request};
use super::settings::AthenaFault;
use super::sql::{self, Context, End, Failure, Names, ResultSet, Statement, Visible};
use super::wire::{ApiError, Input, token, with_token};
use super::workgroups::{batch, find as find_workgroup};
use crate::keys::uuid;
use crate::state::{State, lock_ignoring_poison};

const MAX_SQL_BYTES: usize = 262_144;
/// Maximum number of queries that have not ended, as for the account of a Quilt stack.
const MAX_IN_FLIGHT: usize = 200;
/// The interval at which a queued query looks whether it may run.
const QUEUE_STEP: Duration = Duration::from_millis(5);

pub(super) fn start(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    let workgroup = input.get("WorkGroup").unwrap_or("primary");
    access.require("StartQueryExecution", &format!("workgroup/{workgroup}"))?;
    let request = request(access, input, workgroup)?;
    let state = &access.state;
    let now = (state.options.clock)();
    if let Some(id) = same_request(state, &request)? {
        return Ok(json!({ "QueryExecutionId": id }));
    }
    let statement = Statement::parse(&request.sql, &request.parameters)
        .map_err(|failure| ApiError::malformed_query(failure.message))?;
    let mut execution = Execution {
        id: uuid(),
        request,
        statement,
        state: QueryState::Queued,
        reason: None,
        failure: None,
        submitted: now,
        started: None,
        completed: None,
        scanned: Arc::new(AtomicU64::new(0)),
        stopped: Arc::new(AtomicBool::new(false)),
        result: None,
        is_reused: false,
    };
    if let Some(result) = reusable(state, &execution) {
        execution.finish(QueryState::Succeeded, None, now);
        (execution.result, execution.is_reused) = (Some(result), true);
    }
    let id = execution.id.clone();
    let mut kept = state.athena.executions.lock();
    if kept.newest_first().filter(|other| !other.state.is_final()).count() >= MAX_IN_FLIGHT {
        let message = "You have exceeded the limit for the number of queries you can run concurrently.";
        return Err(ApiError::new("TooManyRequestsException", message));
    }
    let is_done = execution.state.is_final();
    kept.add(execution.clone());
    drop(kept);
    if !is_done {
        let mut tasks = lock_ignoring_poison(&state.athena.executions.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(run_when_free(access.clone(), execution));
    }
    Ok(json!({ "QueryExecutionId": id }))
}

/// Reads a request to start a query.
fn request(access: &CallerAccess, input: &Input, workgroup: &str) -> Result<Request, ApiError> {
    let sql = input.required("QueryString")?;
    if sql.len() > MAX_SQL_BYTES {
        return Err(ApiError::invalid(format!(
            "QueryString is longer than {MAX_SQL_BYTES} bytes"
        )));
    }
    let found = find_workgroup(access, workgroup)?;
    if found.is_disabled {
        return Err(ApiError::invalid(format!("WorkGroup {workgroup} is disabled.")));
    }
    // The configuration of the workgroup is enforced: the location of a request counts only if there is no other.
    let own = || {
        input
            .0
            .get("ResultConfiguration")?
            .get("OutputLocation")?
            .as_str()
            .map(str::to_owned)
    };
    let output_location = found.output_location.or_else(own).ok_or_else(|| {
        let message = "No output location provided. An output location is required either through the Workgroup result \
                       configuration setting or as an API input.";
        ApiError::invalid(message)
    })?;
    let token = input.get("ClientRequestToken").map(str::to_owned);
    if token.as_ref().is_some_and(|token| !(32..=128).contains(&token.len())) {
        return Err(ApiError::invalid(
            "ClientRequestToken must have between 32 and 128 characters",
        ));
    }
    let parameters = input.list("ExecutionParameters");
    if parameters
        .iter()
        .any(|parameter| !(1..=1024).contains(&parameter.chars().count()))
    {
        return Err(ApiError::invalid(
            "Each of ExecutionParameters must have between 1 and 1024 characters",
        ));
    }
    let context = |name: &str| {
        input
            .0
            .get("QueryExecutionContext")?
            .get(name)?
            .as_str()
            .map(str::to_owned)
    };
    let reuse = input
        .0
        .get("ResultReuseConfiguration")
        .and_then(|reuse| reuse.get("ResultReuseByAgeConfiguration"));
    let reuse = reuse.filter(|reuse| reuse.get("Enabled").and_then(Value::as_bool) == Some(true));
    let reuse_minutes = reuse.map(|reuse| reuse.get("MaxAgeInMinutes").and_then(Value::as_i64).unwrap_or(60));
    if reuse_minutes.is_some_and(|minutes| !(0..=10_080).contains(&minutes)) {
        return Err(ApiError::invalid("MaxAgeInMinutes must be between 0 and 10080"));
    }
    Ok(Request {
        sql: sql.to_owned(),
        parameters,
        workgroup: workgroup.to_owned(),
        catalog: context("Catalog"),
        database: context("Database"),
        output_location,
        caller: access.caller.arn.clone(),
        token,
        reuse_minutes,
    })
}

/// Returns the ID of the query that was started with the same token.
fn same_request(state: &State, request: &Request) -> Result<Option<String>, ApiError> {
    let kept = state.athena.executions.lock();
    let mut same = kept.newest_first().filter(|other| {
        request.token.is_some() && other.request.token == request.token && other.request.caller == request.caller
    });
    match same.next() {
        Some(other) if other.request == *request => Ok(Some(other.id.clone())),
        Some(_) => Err(ApiError::invalid("Idempotent parameters do not match")),
        None => Ok(None),
    }
}

/// Returns an earlier result of the caller that is young enough to be used again.
fn reusable(state: &State, execution: &Execution) -> Option<Arc<ResultSet>> {
    let (request, now) = (&execution.request, execution.submitted);
    let age = SignedDuration::from_mins(request.reuse_minutes?);
    let kept = state.athena.executions.lock();
    let mut same = kept.newest_first().filter(|other| {
        let theirs = &other.request;
        // A result that was itself reused is as old as the one that it came from.
        other.state == QueryState::Succeeded
            && !other.is_reused
            && (&theirs.sql, &theirs.parameters, &theirs.workgroup)
                == (&request.sql, &request.parameters, &request.workgroup)
            && (&theirs.catalog, &theirs.database, &theirs.caller)
                == (&request.catalog, &request.database, &request.caller)
            && other
                .completed
                .is_some_and(|completed| now.duration_since(completed) <= age)
            && other.statement.class == sql::StatementType::Dml
    });
    same.find_map(|other| other.result_at(now).cloned())
}

/// Runs a query when there is capacity for it.
async fn run_when_free(access: CallerAccess, execution: Execution) {
    let state = Arc::clone(&access.state);
    let athena = &state.athena;
    let now = || (state.options.clock)();
    while athena.settings.lock().fault == Some(AthenaFault::Queued) {
        if execution.stopped.load(Ordering::Acquire) {
            return;
        }
        tokio::time::sleep(QUEUE_STEP).await;
    }
    let Ok(_slot) = athena.executions.slots.acquire().await else {
        return;
    };
    let change = |change: &mut dyn FnMut(&mut Execution)| {
        let mut kept = athena.executions.lock();
        if let Some(kept) = kept.get_mut(&execution.id).filter(|kept| !kept.state.is_final()) {
            change(kept);
        }
        kept.trim_results();
    };
    change(&mut |kept| (kept.state, kept.started) = (QueryState::Running, Some(now())));
    if execution.stopped.load(Ordering::Acquire) {
        return;
    }
    let running = execution.clone();
    let ended = tokio::task::spawn_blocking(move || run(&access, &running)).await;
    let mut ended = Some(ended.unwrap_or_else(|_| Err(Failure::internal("The engine has failed").into())));
    change(&mut |kept| match ended.take() {
        Some(Ok(result)) => {
            kept.finish(QueryState::Succeeded, None, now());
            kept.result = Some(Arc::new(result));
        }
        Some(Err(End::Failed(failure))) => {
            kept.finish(QueryState::Failed, Some(failure.reason()), now());
            kept.failure = Some(failure);
        }
        Some(Err(End::Cancelled(reason))) => kept.finish(QueryState::Cancelled, reason, now()),
        None => {}
    });
}

fn run(access: &CallerAccess, execution: &Execution) -> Result<ResultSet, End> {
    let state = &access.state;
    let (fault, limit) = {
        let settings = state.athena.settings.lock();
        let workgroup = settings.workgroups.get(&execution.request.workgroup);
        (
            settings.fault.clone(),
            workgroup.and_then(|workgroup| workgroup.bytes_limit),
        )
    };
    if fault == Some(AthenaFault::EngineFails) {
        return Err(Failure::internal("The query engine had an internal error").into());
    }
    let source = source(access).map_err(|error| Failure::internal(error.message()))?;
    let default = Names::default();
    let request = &execution.request;
    let context = Context {
        names: Names {
            catalog: request
                .catalog
                .as_ref()
                .map_or(default.catalog, |name| name.to_lowercase()),
            database: request
                .database
                .as_ref()
                .map_or(default.database, |name| name.to_lowercase()),
        },
        visible: Visible {
            source: &*source,
            access,
        },
        stopped: &execution.stopped,
        now: (state.options.clock)(),
        bytes_limit: limit,
        scanned: &execution.scanned,
    };
    sql::run(&execution.statement, &context)
}

/// Returns an execution, if the caller may use this operation on its workgroup.
fn find(access: &CallerAccess, operation: &str, id: &str) -> Result<Execution, ApiError> {
    let found = access.state.athena.executions.lock().get(id).cloned();
    let workgroup = found.as_ref().map_or("primary", |found| &found.request.workgroup);
    let allowed = access.require(operation, &format!("workgroup/{workgroup}"));
    // An unknown ID is reported as such also to callers without permissions.
    let missing = || ApiError::invalid(format!("QueryExecution {id} was not found"));
    match found {
        Some(found) => allowed.map(|()| found),
        None => Err(missing()),
    }
}

pub(super) fn stop(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    let found = find(access, "StopQueryExecution", input.required("QueryExecutionId")?)?;
    let mut kept = access.state.athena.executions.lock();
    if let Some(kept) = kept.get_mut(&found.id).filter(|kept| !kept.state.is_final()) {
        kept.stopped.store(true, Ordering::Release);
        let reason = Some("Query cancelled by user".to_owned());
        kept.finish(QueryState::Cancelled, reason, (access.state.options.clock)());
    }
    Ok(json!({}))
}

pub(super) fn get(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    let found = find(access, "GetQueryExecution", input.required("QueryExecutionId")?)?;
    Ok(json!({ "QueryExecution": found.to_json((access.state.options.clock)()) }))
}

pub(super) fn batch_get(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for id in batch(input, "QueryExecutionIds")? {
        match find(access, "BatchGetQueryExecution", &id) {
            Ok(execution) => found.push(execution.to_json((access.state.options.clock)())),
            Err(error) if error.code == "AccessDeniedException" => return Err(error),
            Err(error) => missing.push(
                json!({ "QueryExecutionId": id, "ErrorCode": "INVALID_QUERY_EXECUTION_ID",
                "ErrorMessage": error.message() }),
            ),
        }
    }
    Ok(json!({ "QueryExecutions": found, "UnprocessedQueryExecutionIds": missing }))
}

pub(super) fn list(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    let workgroup = input.get("WorkGroup").unwrap_or("primary");
    access.require("ListQueryExecutions", &format!("workgroup/{workgroup}"))?;
    find_workgroup(access, workgroup)?;
    let kept = access.state.athena.executions.lock();
    let of_workgroup = kept
        .newest_first()
        .filter(|execution| execution.request.workgroup == workgroup);
    let ids: Vec<String> = of_workgroup.map(|execution| execution.id.clone()).collect();
    drop(kept);
    let (page, next) = input.paged(ids, 50, workgroup)?;
    Ok(with_token(json!({ "QueryExecutionIds": page }), next))
}

pub(super) fn results(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    let found = find(access, "GetQueryResults", input.required("QueryExecutionId")?)?;
    match found.state {
        QueryState::Queued | QueryState::Running => {
            let message = format!("Query has not yet finished. Current state: {}", found.state.as_str());
            return Err(ApiError::invalid(message));
        }
        QueryState::Failed | QueryState::Cancelled => {
            let message = format!(
                "Query did not finish successfully. Final query state: {}",
                found.state.as_str()
            );
            return Err(ApiError::invalid(message));
        }
        QueryState::Succeeded => {}
    }
    let result = found.result_at((access.state.options.clock)());
    let result = result.ok_or_else(|| ApiError::invalid("Could not find results"))?;
    let (first, size) = input.page(1000, &found.id)?;
    // The names of the columns are the first row of a query.
    let header = usize::from(found.statement.has_header_row());
    let end = (first + size).min(result.rows() + header);
    let rows = (first..end).map(|row| match row.checked_sub(header) {
        None => row_of(result.columns.iter().map(|(name, _)| Some(name.as_str()))),
        Some(row) => row_of(result.row(row).into_iter()),
    });
    let columns = result
        .columns
        .iter()
        .map(|(name, data_type)| column_info(name, data_type));
    let output = json!({
        "ResultSet": { "Rows": rows.collect::<Vec<_>>(), "ResultSetMetadata": { "ColumnInfo": columns.collect::<Vec<_>>() } },
        "UpdateCount": 0,
    });
    let next = (end < result.rows() + header).then(|| token(end, &found.id));
    Ok(with_token(output, next))
}

fn row_of<'c>(cells: impl Iterator<Item = Option<&'c str>>) -> Value {
    let cells = cells.map(|cell| cell.map_or_else(|| json!({}), |cell| json!({ "VarCharValue": cell })));
    json!({ "Data": cells.collect::<Vec<_>>() })
}

fn column_info(name: &str, data_type: &str) -> Value {
    let base = data_type.split('(').next().unwrap_or_default();
    let (precision, scale) = match base {
        "bigint" => (19, 0),
        "integer" => (10, 0),
        "smallint" => (5, 0),
        "tinyint" | "timestamp" => (3, 0),
        "double" => (17, 0),
        "varchar" => (2_147_483_647, 0),
        _ => (0, 0),
    };
    json!({ "CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": name, "Label": name, "Type": base,
        "Precision": precision, "Scale": scale, "Nullable": "UNKNOWN", "CaseSensitive": base == "varchar" })
}

//! Explanations of errors of queries: the code, the sentence, and what to do.

use serde_json::{Value, json};

use crate::athena::literal::identifier;
use crate::athena::{
    AthenaError, Failure, FailureKind, MAX_IN_FLIGHT, MAX_ROW_BYTES, MissingName, QueryStatus, Refusal, UserQueries,
    WorkgroupProblem,
};
use crate::aws::AwsError;
use crate::error_code::ErrorCode;
use crate::tools::{Session, ToolError};

/// Workgroups that a sentence names.
const MAX_NAMED: usize = 20;

/// Workgroups that details list: each name has up to 128 characters, and details up to 24,000.
const MAX_LISTED: usize = 150;

/// Explains an error to the caller.
pub(super) fn explain(session: &Session, error: AthenaError) -> ToolError {
    match error {
        AthenaError::Aws(error) => session.explain(&error),
        AthenaError::NoWorkgroup(seen) => no_workgroup(session, &seen),
        AthenaError::SeveralWorkgroups(names) => several_workgroups(&names),
        AthenaError::UnusableWorkgroup { name, reason } => {
            let message = format!("Athena does not run queries in workgroup {name}: {}.", said(&reason));
            ToolError::new(ErrorCode::NoWorkgroup, message)
                .with_hint("athena_workgroups_list shows those that can be used.")
        }
        AthenaError::NoSuchQuery { id, reason } => {
            let message = format!("There is no query {id}, or its result is gone: {}.", said(&reason));
            ToolError::new(ErrorCode::NoSuchQuery, message)
                .with_hint("Results are kept for a day; run the query again, or see athena_query_history.")
        }
        AthenaError::AmbiguousQuery { prefix, ids } => ToolError::invalid(format!(
            "Argument query_id: {} queries begin with {prefix}; give the whole id.",
            ids.len()
        ))
        .with_details(json!({ "query_ids": ids })),
        AthenaError::Busy(ids) => {
            let message = format!("{MAX_IN_FLIGHT} queries of this caller are in flight, the most that it may have.");
            ToolError::new(ErrorCode::Throttled, message)
                .retryable()
                .with_hint("Wait for one with athena_query_results, or stop one with athena_query_stop.")
                .with_details(json!({ "query_ids": ids }))
        }
        AthenaError::Refused(error) => refused_by_athena(session, &error),
        AthenaError::Unsuccessful(status) => unsuccessful(session, &status),
        AthenaError::NotReading(kind) => {
            let message = format!("Athena took the statement for {kind}, which may write, so the query was stopped.");
            ToolError::new(ErrorCode::Internal, message)
                .with_hint("Report the statement to the operator of this server.")
        }
        AthenaError::Stopped(status) => {
            let message = format!(
                "The time of the call ended before the query, so it was stopped; it had scanned {} bytes.",
                status.scanned_bytes
            );
            ToolError::new(ErrorCode::Timeout, message)
                .with_hint(
                    "Set wait_seconds lower, and read the result with athena_query_results; or let it scan less.",
                )
                .with_details(details(&status))
        }
        AthenaError::Left => ToolError::new(
            ErrorCode::Cancelled,
            "The call ended before the query, so it was stopped.",
        ),
        AthenaError::Lost { id, error } => {
            let explained = session.explain(&error);
            let message = format!(
                "The query {id} runs, but its state cannot be read: {}",
                explained.message
            );
            let explained = ToolError {
                message,
                // A second query would be paid for.
                retryable: false,
                ..explained
            };
            explained
                .with_hint("Call athena_query_results with this query_id; do not send the query again.")
                .with_details(json!({ "query_id": id }))
        }
        AthenaError::TooWide(columns) => {
            let message = format!("The result has {columns} columns, more than fit a result.");
            ToolError::new(ErrorCode::TooLarge, message).with_hint("Select fewer columns.")
        }
        AthenaError::RowTooLarge => {
            let message = format!(
                "A row of the result is larger than {} MiB.",
                MAX_ROW_BYTES / (1024 * 1024)
            );
            ToolError::new(ErrorCode::TooLarge, message).with_hint("Select a part of its cells with substr().")
        }
        AthenaError::ListTooLong => {
            let message = "The list is longer than one call reads, and this role may read it in one piece only.";
            ToolError::new(ErrorCode::TooLarge, message)
                .with_hint("Query information_schema with athena_query_execute and a narrower condition.")
        }
        AthenaError::NoSuchDatabase { name, nearest } => ToolError::invalid(format!(
            "There is no database {name} in this catalog, or this caller may not read it."
        ))
        .with_hint(with_names("athena_databases_list shows the databases.", &nearest)),
        AthenaError::NoSuchTable(name) => ToolError::invalid(format!(
            "There is no table {name} in this database, or this caller may not read it."
        ))
        .with_hint("athena_tables_list shows the tables."),
    }
}

/// Explains why the guard let a statement not through.
pub(super) fn refused(refusal: &Refusal) -> ToolError {
    if refusal.is_unreadable() {
        return ToolError::invalid(format!("Argument sql: {refusal}."));
    }
    let message = format!("Argument sql: {refusal}; this tool only reads, and nothing was sent.");
    ToolError::new(ErrorCode::ReadOnly, message).with_hint("Write what is to be read as one SELECT, SHOW or DESCRIBE.")
}

fn no_workgroup(session: &Session, seen: &[WorkgroupProblem]) -> ToolError {
    let message = if seen.is_empty() {
        "The account has no workgroup of Athena in this region.".to_owned()
    } else {
        let named = seen.iter().take(MAX_NAMED);
        let named: Vec<String> = named
            .map(|seen| format!("{}: {}", seen.name, said(&seen.reason)))
            .collect();
        let more = seen.len().saturating_sub(MAX_NAMED);
        let more = if more > 0 {
            format!("; and {more} more")
        } else {
            String::new()
        };
        format!(
            "This caller can use no workgroup of Athena ({}{more}).",
            named.join("; ")
        )
    };
    let hint = "Ask for a role of the catalog that may query; auth_status shows the present one.";
    ToolError::new(ErrorCode::NoWorkgroup, message).with_hint(session.name_contact(hint.to_owned()))
}

fn several_workgroups(names: &[String]) -> ToolError {
    let message = "None of the workgroups of Athena that can be used is plainly the caller's own, and none is named.";
    let hint = "Set workgroup to one of those in details; athena_workgroups_list describes them.";
    ToolError::new(ErrorCode::NoWorkgroup, message)
        .with_hint(hint)
        .with_details(json!({ "workgroups": names.iter().take(MAX_LISTED).collect::<Vec<_>>() }))
}

fn refused_by_athena(session: &Session, error: &AwsError) -> ToolError {
    let text = error.description();
    let explained = session.explain(error);
    let message = format!("Athena refused the statement: {}.", said(&text));
    let hint = statement_hint(&text);
    ToolError { message, ..explained }.with_hint(hint)
}

/// Explains a query that failed or was cancelled, with what only further requests tell: names that are like one that does not
/// exist, and the limit of the workgroup.
pub(super) async fn explain_unsuccessful(session: &Session, queries: &UserQueries, status: &QueryStatus) -> ToolError {
    let error = unsuccessful(session, status);
    match status.failure.as_ref().map(|failure| failure.kind) {
        Some(FailureKind::Statement) => {
            let Some(missing) = MissingName::read(status) else {
                return error;
            };
            let workgroup = Some(status.workgroup.as_str()).filter(|name| !name.is_empty());
            let names = queries.nearest_names(&missing, workgroup, session.deadline()).await;
            let hint = with_names(error.hint.as_deref().unwrap_or_default(), &names);
            error.with_hint(hint)
        }
        Some(FailureKind::TooLarge) => match queries.bytes_limit(&status.workgroup).await {
            Some(limit) => {
                let message = format!("{} The limit of a query is {limit} bytes.", error.message);
                let mut details = details(status);
                if let Some(members) = details.as_object_mut() {
                    members.insert("bytes_limit".to_owned(), limit.into());
                }
                ToolError { message, ..error }.with_details(details)
            }
            None => error,
        },
        _ => error,
    }
}

/// Adds the nearest names to a hint.
fn with_names(hint: &str, names: &[String]) -> String {
    if names.is_empty() {
        return hint.to_owned();
    }
    let names: Vec<String> = names.iter().map(|name| identifier(name)).collect();
    format!("Is {} meant? {hint}", names.join(" or "))
}

/// Explains a query that failed or was cancelled.
fn unsuccessful(session: &Session, status: &QueryStatus) -> ToolError {
    let unknown = Failure {
        kind: FailureKind::Service,
        reason: "Athena gives no reason".to_owned(),
        is_retryable: false,
    };
    let failure = status.failure.as_ref().unwrap_or(&unknown);
    let reason = said(&failure.reason);
    let scanned = status.scanned_bytes;
    let (code, message, hint) = match failure.kind {
        FailureKind::Statement => (
            ErrorCode::InvalidArgument,
            format!("The query failed: {reason}."),
            statement_hint(reason),
        ),
        FailureKind::Denied => return session.explain_denied_query(reason, denied_hint(reason), details(status)),
        FailureKind::TooLarge => (
            ErrorCode::TooLarge,
            format!(
                "Athena ended the query because it needs more than workgroup {} allows: {reason}; it had scanned {scanned} bytes.",
                status.workgroup
            ),
            "Select fewer columns, or filter by partitions; athena_workgroups_list shows the limit.",
        ),
        FailureKind::Timeout => (
            ErrorCode::Timeout,
            format!("The query took longer than Athena allows: {reason}."),
            "Let it scan less.",
        ),
        FailureKind::Cancelled => (
            ErrorCode::Cancelled,
            format!("The query was cancelled: {reason}; it had scanned {scanned} bytes."),
            "Run it again if it is still wanted.",
        ),
        FailureKind::Service => (
            ErrorCode::Upstream,
            format!("Athena, or a connector of it, failed: {reason}."),
            "Try again if retryable is true; else ask the operator of the stack.",
        ),
    };
    ToolError {
        retryable: failure.is_retryable,
        ..ToolError::new(code, message)
    }
    .with_hint(hint)
    .with_details(details(status))
}

fn details(status: &QueryStatus) -> Value {
    json!({
        "query_id": status.id, "state": status.state.as_str(), "workgroup": status.workgroup,
        "scanned_bytes": status.scanned_bytes,
    })
}

fn statement_hint(reason: &str) -> &'static str {
    let lower = reason.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    if has(&["schema_not_found", "catalog_not_found", "schema "]) {
        "athena_databases_list shows the databases; names with - are double-quoted."
    } else if has(&["table_not_found", "table "]) {
        "athena_tables_list shows the tables; names with - are double-quoted: \"database\".\"table\"."
    } else if has(&["column"]) {
        "athena_table_schema shows the columns; strings take single quotes, names double quotes."
    } else {
        "Names with - are double-quoted, strings single-quoted; dry_run checks a query without cost."
    }
}

fn denied_hint(reason: &str) -> &'static str {
    if reason.contains("lambda:") || reason.contains("GetDataCatalog") || reason.contains("spill") {
        "Tables of Tabulator need a role of the catalog, or its open query. Ask for either."
    } else {
        "Ask for the right that the message names; Quilt's roles query only buckets that they may read."
    }
}

/// Returns a text of Athena's, to be followed by punctuation.
fn said(text: &str) -> &str {
    text.trim().trim_end_matches('.')
}

//! The run of a statement: the tables that it names are filled, then SQLite runs it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, params_from_iter};
use serde_json::json;

use super::failure::{Failure, OURS};
use super::functions::register;
use super::lexer::{Token, tokens};
use super::names::{INFORMATION_SCHEMA, Visible};
use super::result::ResultSet;
use super::rewrite::{Names, Rewritten, TableName, quoted, rewrite};
use super::values::{printed, type_of};
use crate::athena::source::{Cell, Table};

/// Maximum size of a result.
const MAX_RESULT_BYTES: usize = 192 * 1024 * 1024;
/// Maximum memory of SQLite, of all queries together.
const MAX_SQLITE_BYTES: i64 = 768 * 1024 * 1024;
/// The number of SQLite's steps after which a query looks whether it was stopped.
const STEPS: i32 = 1000;
/// What stands before the type of a column whose values SQLite keeps as they are.
const AS_IS: &str = "blob ";

/// The circumstances of a query.
pub(crate) struct Context<'c> {
    pub names: Names,
    pub visible: Visible<'c>,
    pub stopped: &'c Arc<AtomicBool>,
    pub now: Timestamp,
    /// Maximum of bytes that the query may scan.
    pub bytes_limit: Option<u64>,
    pub scanned: &'c AtomicU64,
}

/// The end of a query without a result.
#[derive(Debug)]
pub(crate) enum End {
    Failed(Failure),
    /// Occurs when the query was stopped, or would scan more than it may, which is the reason.
    Cancelled(Option<String>),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A table with the place of the first name that means it.
struct Found {
    name: TableName,
    catalog: String,
    database: String,
    table: Table,
}

/// Runs a query.
pub(crate) fn query(sql: &str, context: &Context<'_>) -> Result<ResultSet, End> {
    let rewritten = rewrite(sql, &tokens(sql)?, &context.names)?;
    let connection = open(context)?;
    let found = find(sql, &rewritten, context)?;
    scan(&found, context)?;
    create(&connection, &found)?;
    for table in &found {
        fill(&connection, table, context)?;
    }
    let result = read(sql, &connection, &rewritten, &found, context);
    if context.stopped.load(Ordering::Acquire) {
        return Err(End::Cancelled(None));
    }
    result
}

/// Answers `EXPLAIN (TYPE IO, FORMAT JSON)`: the query is checked and not run.
pub(crate) fn explain(sql: &str, all: &[Token<'_>], context: &Context<'_>) -> Result<ResultSet, End> {
    let is_io = all.iter().take(10).any(|token| token.is("IO"));
    let start = match all.get(1) {
        Some(token) if token.is_symbol("(") => all.iter().position(|token| token.is_symbol(")")).unwrap_or(1) + 1,
        _ => 1,
    };
    let Some(first) = all.get(start).filter(|token| !token.is("ANALYZE")) else {
        return Err(Failure::unsupported(sql, 0, "EXPLAIN ANALYZE").into());
    };
    // Spaces keep the places of what follows.
    let text = format!(
        "{}{}",
        " ".repeat(first.offset),
        sql.get(first.offset..).unwrap_or_default()
    );
    let rewritten = rewrite(&text, all.get(start..).unwrap_or_default(), &context.names)?;
    let connection = open(context)?;
    let found = find(&text, &rewritten, context)?;
    create(&connection, &found)?;
    connection
        .prepare(&rewritten.sql)
        .map_err(|error| failed(&text, &rewritten, &found, &error))?;
    if !is_io {
        let plan = found
            .iter()
            .map(|found| format!("- TableScan[{}.{}]", found.name.schema(), found.name.table));
        return Ok(ResultSet::of_lines("Query Plan", "varchar", plan));
    }
    let tables = found.iter().map(|found| {
        // A size tells of objects, so it needs the permission to read them.
        let objects = objects_of(found, context);
        let is_readable = objects.iter().all(|object| context.visible.access.object(object).is_ok());
        let bytes: u64 = objects.iter().map(|object| object.size).sum();
        let bytes = if is_readable { json!(bytes) } else { json!("NaN") };
        json!({ "table": { "catalog": found.name.catalog, "schemaTable": { "schema": found.name.database, "table": found.name.table } },
            "constraint": { "none": false, "columnConstraints": [] }, "estimate": { "outputRowCount": "NaN", "outputSizeInBytes": bytes } })
    });
    let plan = json!({ "inputTableColumnInfos": tables.collect::<Vec<_>>() });
    let plan = serde_json::to_string_pretty(&plan).unwrap_or_default();
    Ok(ResultSet::of_lines(
        "Query Plan",
        "varchar",
        plan.lines().map(str::to_owned),
    ))
}

fn open(context: &Context<'_>) -> Result<Connection, Failure> {
    let open = || -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_in_memory_with_flags(flags)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "case_sensitive_like", true)?;
        connection.pragma_update(None, "hard_heap_limit", MAX_SQLITE_BYTES)?;
        register(&connection, context.now, context.stopped)?;
        let stopped = Arc::clone(context.stopped);
        connection.progress_handler(STEPS, Some(move || stopped.load(Ordering::Acquire)))?;
        Ok(connection)
    };
    open().map_err(|error| Failure::internal(error.to_string()))
}

fn find(sql: &str, rewritten: &Rewritten, context: &Context<'_>) -> Result<Vec<Found>, Failure> {
    let mut found: BTreeMap<(String, String), Found> = BTreeMap::new();
    for name in &rewritten.tables {
        let key = (name.schema(), name.table.clone());
        if let std::collections::btree_map::Entry::Vacant(entry) = found.entry(key) {
            let (catalog, database, table) = context.visible.find(sql, name)?;
            entry.insert(Found {
                name: name.clone(),
                catalog,
                database,
                table,
            });
        }
    }
    Ok(found.into_values().collect())
}

fn objects_of(found: &Found, context: &Context<'_>) -> Vec<crate::athena::source::ObjectRef> {
    if found.database == INFORMATION_SCHEMA {
        return Vec::new();
    }
    context
        .visible
        .source
        .objects(&found.catalog, &found.database, &found.table)
}

/// Checks that the caller may read the objects behind the tables, and that they are not too many bytes.
fn scan(found: &[Found], context: &Context<'_>) -> Result<(), End> {
    let mut bytes = 0_u64;
    for object in found.iter().flat_map(|found| objects_of(found, context)) {
        context.visible.access.object(&object)?;
        bytes = bytes.saturating_add(object.size);
        if let Some(limit) = context.bytes_limit.filter(|limit| bytes > *limit) {
            context.scanned.store(limit, Ordering::Release);
            return Err(End::Cancelled(Some(format!(
                "Bytes scanned limit was exceeded: {limit}"
            ))));
        }
    }
    context.scanned.store(bytes, Ordering::Release);
    Ok(())
}

fn create(connection: &Connection, found: &[Found]) -> Result<(), Failure> {
    let schemas: BTreeSet<String> = found.iter().map(|found| found.name.schema()).collect();
    let mut statements: Vec<String> = schemas
        .iter()
        .map(|schema| format!("ATTACH ':memory:' AS {}", quoted(schema)))
        .collect();
    for Found { name, table, .. } in found {
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|column| format!("{} {}", quoted(&column.name), quoted(&declared(&column.data_type))))
            .collect();
        let (schema, table) = (quoted(&name.schema()), quoted(&name.table));
        statements.push(format!("CREATE TABLE {schema}.{table} ({})", columns.join(", ")));
    }
    for statement in statements {
        connection.execute_batch(&statement).map_err(|error| {
            let message = error.to_string();
            if message.contains("too many attached") {
                Failure::plain("NOT_SUPPORTED", format!("Too many databases in one query {OURS}"))
            } else {
                Failure::internal(message)
            }
        })?;
    }
    Ok(())
}

/// Returns the type with which a column is declared. SQLite finds in it how to convert the values of the column, which is
/// right for numbers and text alone.
fn declared(data_type: &str) -> String {
    let base = data_type.split('(').next().unwrap_or_default();
    match base {
        "bigint" | "integer" | "smallint" | "tinyint" | "double" | "real" | "varchar" => data_type.to_owned(),
        _ => format!("{AS_IS}{data_type}"),
    }
}

fn fill(connection: &Connection, found: &Found, context: &Context<'_>) -> Result<(), End> {
    let places = vec!["?"; found.table.columns.len()].join(", ");
    let (schema, table) = (quoted(&found.name.schema()), quoted(&found.name.table));
    let insert = format!("INSERT INTO {schema}.{table} VALUES ({places})");
    let mut insert = connection.prepare(&insert).map_err(|error| engine_failure(&error))?;
    let mut problem = None;
    let mut sink = |row: Vec<Cell>| {
        let values = row.into_iter().map(|cell| match cell {
            Cell::Null => Value::Null,
            Cell::Integer(number) => Value::Integer(number),
            Cell::Real(number) => Value::Real(number),
            Cell::Bytes(bytes) => Value::Blob(bytes),
            Cell::Text(text) => Value::Text(text),
        });
        if let Err(error) = insert.execute(params_from_iter(values)) {
            problem = Some(error);
            return ControlFlow::Break(());
        }
        if context.stopped.load(Ordering::Acquire) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    if found.database == INFORMATION_SCHEMA {
        let rows = context.visible.schema_rows(&found.catalog, &found.table.name);
        let _ = rows.into_iter().try_for_each(&mut sink);
    } else {
        let source = context.visible.source;
        let outcome = source.rows(&found.catalog, &found.database, &found.table, &mut sink);
        outcome.map_err(|message| Failure::plain("GENERIC_USER_ERROR", message))?;
    }
    if context.stopped.load(Ordering::Acquire) {
        return Err(End::Cancelled(None));
    }
    match problem {
        Some(error) => Err(engine_failure(&error).into()),
        None => Ok(()),
    }
}

fn read(
    sql: &str,
    connection: &Connection,
    rewritten: &Rewritten,
    found: &[Found],
    context: &Context<'_>,
) -> Result<ResultSet, End> {
    let fail = |error: &Error| failed(sql, rewritten, found, error);
    let mut statement = connection.prepare(&rewritten.sql).map_err(|error| fail(&error))?;
    let declared: BTreeSet<&str> = found
        .iter()
        .flat_map(|found| &found.table.columns)
        .map(|column| column.name.as_str())
        .collect();
    let mut columns: Vec<(String, Option<String>)> = Vec::new();
    for (index, column) in statement.columns().enumerate() {
        let name = column.name();
        let is_named = rewritten.names.contains(name) || declared.contains(name);
        let name = if is_named {
            name.to_owned()
        } else {
            format!("_col{index}")
        };
        columns.push((
            name,
            column.decl_type().map(|declared| {
                let data_type = declared.strip_prefix(AS_IS).unwrap_or(declared);
                data_type.to_owned()
            }),
        ));
    }
    let mut result = ResultSet::new(columns.iter().map(|(name, _)| (name.clone(), String::new())).collect());
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|error| fail(&error))? {
        for (index, (_, data_type)) in columns.iter_mut().enumerate() {
            let value = row.get_ref(index).map_err(|error| fail(&error))?;
            if data_type.is_none() {
                *data_type = type_of(value).map(str::to_owned);
            }
            result.push(printed(value, data_type.as_deref().unwrap_or_default()).as_deref());
        }
        if result.bytes() > MAX_RESULT_BYTES {
            return Err(Failure::plain("EXCEEDED_MEMORY_LIMIT", format!("The result is too large {OURS}")).into());
        }
        if context.stopped.load(Ordering::Acquire) {
            return Err(End::Cancelled(None));
        }
    }
    for ((_, shown), (_, data_type)) in result.columns.iter_mut().zip(columns) {
        *shown = data_type.unwrap_or_else(|| "varchar".to_owned());
    }
    result.shrink();
    Ok(result)
}

/// Returns the failure of a statement of this server's own.
fn engine_failure(error: &Error) -> Failure {
    match error.sqlite_error_code() {
        Some(ErrorCode::OutOfMemory) => Failure::plain(
            "EXCEEDED_MEMORY_LIMIT",
            format!("The tables of the query are too large {OURS}"),
        ),
        _ => Failure::internal(error.to_string()),
    }
}

/// Returns Athena's words for an error of SQLite.
fn failed(sql: &str, rewritten: &Rewritten, found: &[Found], error: &Error) -> Failure {
    let (message, offset) = match error {
        Error::SqlInputError { msg, offset, .. } => {
            let offset = usize::try_from(*offset).ok();
            (msg.as_str(), offset.and_then(|offset| rewritten.place(offset)))
        }
        Error::SqliteFailure(_, Some(message)) => (message.as_str(), None),
        other => return engine_failure(other),
    };
    if error.sqlite_error_code() == Some(ErrorCode::OutOfMemory) {
        return engine_failure(error);
    }
    for name in [
        "DIVISION_BY_ZERO",
        "INVALID_CAST_ARGUMENT",
        "INVALID_FUNCTION_ARGUMENT",
        "NOT_SUPPORTED",
        "EXCEEDED_MEMORY_LIMIT",
    ] {
        if let Some(message) = message.strip_prefix(name) {
            if rewritten.has_try && !matches!(name, "NOT_SUPPORTED" | "EXCEEDED_MEMORY_LIMIT") {
                let message = format!("A failure in a statement with TRY{message} {OURS}");
                return Failure::plain("NOT_SUPPORTED", message);
            }
            return Failure::plain(name, message.trim_start_matches(": "));
        }
    }
    let fail = |name, message: &str| Failure::new(name, sql, offset, message);
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().trim_matches('"').to_owned();
    if let Some(name) = message.strip_prefix("no such column: ") {
        let rows = found.iter().flat_map(|found| &found.table.columns);
        let mut rows = rows.filter(|column| column.data_type.starts_with("row("));
        if let Some((row, _)) = name.split_once('.')
            && rows.any(|column| column.name.eq_ignore_ascii_case(row))
        {
            return fail("NOT_SUPPORTED", &format!("The field '{name}' of a row {OURS}"));
        }
        let name = last(name.split("\" - should").next().unwrap_or(name));
        let message =
            format!("Column '{name}' cannot be resolved or requester is not authorized to access requested resources");
        return fail("COLUMN_NOT_FOUND", &message);
    }
    if let Some(name) = message.strip_prefix("ambiguous column name: ") {
        return fail("AMBIGUOUS_NAME", &format!("Column '{}' is ambiguous", last(name)));
    }
    if let Some(function) = message.strip_prefix("wrong number of arguments to function ") {
        return fail(
            "FUNCTION_NOT_FOUND",
            &format!("Unexpected parameters for function {function}"),
        );
    }
    if is_syntax(message) {
        return fail("NOT_SUPPORTED", &format!("{} {OURS}", expected(sql, offset)));
    }
    fail("SYNTAX_ERROR", &format!("{message} {OURS}"))
}

fn is_syntax(message: &str) -> bool {
    message.contains("syntax error") || message.contains("incomplete input")
}

fn expected(sql: &str, offset: Option<usize>) -> String {
    let all = tokens(sql).unwrap_or_default();
    let found = all
        .iter()
        .find(|token| offset.is_some_and(|offset| token.offset >= offset));
    format!("mismatched input '{}'", found.map_or("<EOF>", |token| token.text))
}

/// Words of Trino's grammar that SQLite's does not have: a statement with one of them may be right.
const TRINO_ONLY: [&str; 7] = ["ANY", "AT", "FOR", "SOME", "VALUES", "WITHIN", "ZONE"];

/// Returns the failure of a query that is not one in either dialect.
pub(super) fn syntax_error(sql: &str, rewritten: &Rewritten) -> Option<Failure> {
    let all = tokens(sql).unwrap_or_default();
    let may_be_right = all.first().is_some_and(|token| token.is_symbol("("))
        || all.iter().any(|token| TRINO_ONLY.iter().any(|word| token.is(word)));
    let connection = Connection::open_in_memory().ok()?;
    // SQLite tells no place of input that ends too early.
    let (message, offset) = match connection.prepare(&rewritten.sql).err()? {
        Error::SqlInputError { msg, offset, .. } => (msg, usize::try_from(offset).ok()),
        Error::SqliteFailure(_, Some(message)) => (message, None),
        _ => return None,
    };
    if may_be_right || !is_syntax(&message) {
        return None;
    }
    let end = sql.trim_end().trim_end_matches(';').len();
    let offset = offset.map_or(Some(end), |offset| rewritten.place(offset));
    Some(Failure::new("MALFORMED_QUERY", sql, offset, &expected(sql, offset)))
}

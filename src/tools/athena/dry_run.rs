//! Check of a query that is not run: Athena's plan of what it would read.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::problem;
use super::wait::waiting;
use crate::athena::literal::identifier;
use crate::athena::{QueryRun, RowLimits, Statement, StatementKind, UserQueries};
use crate::aws::athena::NewQuery;
use crate::tools::{Session, ToolError};

/// Maximum length of a plan in characters.
const MAX_PLAN_CHARS: usize = 1_000_000;
/// Tables that are shown.
const MAX_TABLES: usize = 100;

/// A table that a query reads.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct TableRead {
    sql_name: String,
    columns: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_rows: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_bytes: Option<f64>,
}

/// The plan of a query.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Plan {
    is_valid: bool,
    reads: Vec<TableRead>,
    note: &'static str,
}

/// Returns the statement that explains a query.
pub(super) fn explained(statement: &Statement<'_>, parameters: &[String]) -> Result<String, ToolError> {
    if statement.kind != StatementKind::Query {
        let message = "Argument dry_run: only queries are checked; SHOW, DESCRIBE and EXPLAIN cost nothing.";
        return Err(ToolError::invalid(message));
    }
    // Athena takes parameters in queries alone, not in what explains them.
    let sql = statement.with_literals(parameters);
    match Statement::parse(&sql) {
        Ok(read) if read.kind == StatementKind::Query && read.parameters() == 0 => {}
        Ok(_) => {
            return Err(ToolError::invalid(
                "Argument parameters: they change what the statement is.",
            ));
        }
        Err(refusal) => return Err(problem::refused(&refusal)),
    }
    Ok(format!("EXPLAIN (TYPE IO, FORMAT JSON)\n{sql}"))
}

/// Lets Athena check a query.
pub(super) async fn run(session: &Session, queries: &UserQueries, query: NewQuery) -> Result<Plan, ToolError> {
    let run = QueryRun {
        kind: StatementKind::Explain,
        // Until the deadline: its id is not handed out.
        ..waiting(session, query, Duration::from_hours(1))
    };
    let explain = |error| problem::explain(session, error);
    let status = queries.run(run).await.map_err(explain)?;
    if status.failure.is_some() {
        return Err(problem::explain_unsuccessful(session, queries, &status).await);
    }
    let limits = RowLimits {
        rows: 10_000,
        chars: MAX_PLAN_CHARS,
        cell_chars: MAX_PLAN_CHARS,
    };
    let found = queries.rows(&status, None, limits).await.map_err(explain)?;
    let lines = found.rows.iter().filter_map(|row| row.first()?.as_str());
    let text = lines.collect::<Vec<_>>().join("\n");
    Ok(Plan::read(&text))
}

impl Plan {
    fn read(text: &str) -> Self {
        let plan: Value = serde_json::from_str(text).unwrap_or_default();
        let tables = plan.get("inputTableColumnInfos").and_then(Value::as_array);
        Self {
            is_valid: true,
            note: if tables.is_some() {
                "nothing was run or scanned; columns are those that the query filters by, and estimates are given only where the catalog has statistics"
            } else {
                "Athena accepts the query; its plan names no tables"
            },
            reads: tables.into_iter().flatten().take(MAX_TABLES).map(table).collect(),
        }
    }
}

fn table(info: &Value) -> TableRead {
    let parts = [
        "/table/catalog",
        "/table/schemaTable/schema",
        "/table/schemaTable/table",
    ];
    let parts = parts.into_iter().filter_map(|path| info.pointer(path)?.as_str());
    let constraints = ["/columnConstraints", "/constraint/columnConstraints"];
    let constraints = constraints.into_iter().find_map(|path| info.pointer(path)?.as_array());
    let columns = constraints.into_iter().flatten();
    let columns = columns.filter_map(|column| column.get("columnName")?.as_str().map(str::to_owned));
    let number = |path: &str| info.pointer(path)?.as_f64().filter(|number| number.is_finite());
    TableRead {
        sql_name: parts.map(identifier).collect::<Vec<_>>().join("."),
        columns: columns.collect(),
        estimated_rows: number("/estimate/outputRowCount"),
        estimated_bytes: number("/estimate/outputSizeInBytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_names_the_tables_that_are_read() {
        let text = r#"{"inputTableColumnInfos":[{"table":{"catalog":"awsdatacatalog","schemaTable":{"schema":"a-b","table":"t"}},
            "columnConstraints":[{"columnName":"id","type":"bigint","domain":{}}],
            "estimate":{"outputRowCount":12.0,"outputSizeInBytes":"NaN"}}]}"#;
        let plan = Plan::read(text);
        assert_eq!(plan.reads[0].sql_name, "\"awsdatacatalog\".\"a-b\".\"t\"");
        assert_eq!(plan.reads[0].columns, ["id"]);
        assert_eq!(plan.reads[0].estimated_rows, Some(12.0));
        assert_eq!(plan.reads[0].estimated_bytes, None);
        assert!(Plan::read("not JSON").reads.is_empty());
    }
}

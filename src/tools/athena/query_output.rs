//! The result of a query, as tools show it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{MAX_ANSWER_CHARS, RESERVED_CHARS, problem};
use crate::athena::{
    Position, QueryState, QueryStatus, ResultRows, RowLimits, StatementKind, UserQueries, is_tabulator,
};
use crate::catalog::CatalogPage;
use crate::tools::cursor;
use crate::tools::{Session, ToolError};

/// Maximum length of a cell in characters.
const MAX_CELL_CHARS: usize = 2000;
/// Bytes that the least query is charged for.
const MIN_CHARGED_BYTES: u64 = 10_000_000;
const RUNNING: &str =
    "still running, not failed: call athena_query_results with this query_id; do not send the query again";

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Column {
    name: String,
    r#type: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Seconds {
    queued: f64,
    running: f64,
}

/// A query and rows of its result.
#[derive(Debug, Serialize, JsonSchema)]
pub struct QueryOutput {
    query_id: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<String>,
    workgroup: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
    returned: usize,
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    cut_cells: usize,
    scanned_bytes: u64,
    cost_note: String,
    seconds: Seconds,
    reused: bool,
    /// AWS account that was asked
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_url: Option<String>,
    warnings: Vec<String>,
}

/// A cursor: Athena's page, and the query that it is of.
#[derive(serde::Serialize, serde::Deserialize)]
struct Cursor {
    /// The query.
    q: String,
    p: Position,
}

/// Returns where the page of a cursor begins.
pub(super) fn position(cursor: Option<&str>, query_id: &str) -> Result<Option<Position>, ToolError> {
    match cursor::read::<Cursor>(cursor)? {
        Some(read) if read.q == query_id => Ok(Some(read.p)),
        Some(_) => Err(cursor::foreign()),
        None => Ok(None),
    }
}

/// Reads the rows of a query, if it has succeeded, and makes the result of a tool. `account` is that of the caller's credentials.
pub(super) async fn output(
    session: &Session,
    queries: &UserQueries,
    status: QueryStatus,
    from: Option<Position>,
    max_rows: u64,
    account: Option<String>,
) -> Result<QueryOutput, ToolError> {
    let found = match status.state {
        QueryState::Succeeded => {
            let limits = RowLimits {
                rows: u32::try_from(max_rows).unwrap_or(1000),
                chars: MAX_ANSWER_CHARS - RESERVED_CHARS,
                cell_chars: MAX_CELL_CHARS,
            };
            let rows = queries.rows(&status, from, limits).await;
            rows.map_err(|error| problem::explain(session, error))?
        }
        QueryState::Failed | QueryState::Cancelled => {
            return Err(problem::explain_unsuccessful(session, queries, &status).await);
        }
        QueryState::Queued | QueryState::Running => ResultRows::default(),
    };
    Ok(QueryOutput::of(session, queries, status, found, account))
}

impl QueryOutput {
    fn of(
        session: &Session,
        queries: &UserQueries,
        status: QueryStatus,
        found: ResultRows,
        account: Option<String>,
    ) -> Self {
        let mut warnings = Vec::new();
        if found.cut_cells > 0 {
            warnings.push(format!(
                "{} cells are cut; select a part of them with substr() to see more",
                found.cut_cells
            ));
        }
        let bucket = status
            .database
            .as_deref()
            .filter(|_| status.catalog.as_deref().is_some_and(is_tabulator));
        let page = CatalogPage::Query {
            bucket: bucket.map(str::to_owned),
            workgroup: status.workgroup.clone(),
            query_id: status.id.clone(),
        };
        let catalog_url = session.links().and_then(|links| links.url(&page));
        let columns = found.columns.into_iter().map(|column| Column {
            name: column.name,
            r#type: column.kind,
        });
        Self {
            state: status.state.as_str(),
            message: (!status.state.is_final()).then_some(RUNNING),
            cost_note: cost_note(&status),
            statement: statement(&status),
            columns: columns.collect(),
            returned: found.rows.len(),
            rows: found.rows,
            truncated: found.next.is_some(),
            next_cursor: found.next.map(|p| {
                cursor::write(&Cursor {
                    q: status.id.clone(),
                    p,
                })
            }),
            cut_cells: found.cut_cells,
            scanned_bytes: status.scanned_bytes,
            seconds: Seconds {
                queued: seconds(status.queued_ms),
                running: seconds(status.running_ms),
            },
            reused: status.is_reused,
            account,
            region: queries.region().to_owned(),
            catalog_url,
            warnings,
            query_id: status.id,
            workgroup: status.workgroup,
            catalog: status.catalog,
            database: status.database,
        }
    }
}

/// Returns Athena's name of the kind of the statement.
pub(super) fn statement(status: &QueryStatus) -> Option<String> {
    let substatement = status.substatement.clone().filter(|name| !name.is_empty());
    substatement.or_else(|| status.statement_type.as_ref().map(|kind| kind.as_str().to_owned()))
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a query are few")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// Says what a query costs, as far as it can be said.
fn cost_note(status: &QueryStatus) -> String {
    if status.is_reused {
        return "free: an earlier result was used again".to_owned();
    }
    if matches!(
        status.kind,
        Some(StatementKind::Show | StatementKind::Describe | StatementKind::Explain)
    ) {
        return "free: nothing of the data is scanned".to_owned();
    }
    if status.is_provisioned {
        return "paid for by provisioned capacity, not by bytes".to_owned();
    }
    if !status.state.is_final() {
        return "not known before the query ends".to_owned();
    }
    let charged = status.scanned_bytes.max(MIN_CHARGED_BYTES);
    #[expect(clippy::cast_precision_loss, reason = "an approximate amount")]
    let dollars = charged as f64 / 1e12 * 5.0;
    format!("about {dollars:.5} USD, at 5 USD/TB and 10 MB at least")
}

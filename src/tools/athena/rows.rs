//! All rows of a query that was run before, for tools that make something of them.

use serde_json::Value;
use tokio::time::Instant;

use super::problem;
use crate::athena::{AthenaError, QueryId, QueryState, RowLimits};
use crate::error_code::ErrorCode;
use crate::tools::{Session, ToolError};

/// Maximum number of rows that are read.
const MAX_ROWS: usize = 100_000;
/// Rows of a page.
const PAGE_ROWS: u32 = 1000;
/// Maximum length of the rows of a page, and of a cell, in characters.
const MAX_PAGE_CHARS: usize = 8 * 1024 * 1024;
const MAX_CELL_CHARS: usize = 1024 * 1024;
/// Memory of a row while it is read, beside its text.
const ROW_BYTES: usize = 1024;

/// A result as a whole.
pub(in crate::tools) struct Rows {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

/// Reads the whole result of a query. `argument` names the query in sentences.
pub(in crate::tools) async fn rows(session: &Session, argument: &str, query_id: &str) -> Result<Rows, ToolError> {
    let id: QueryId = query_id
        .parse()
        .map_err(|problem| ToolError::invalid(format!("Argument {argument}: {problem}.")))?;
    let queries = session.athena().await?;
    let explain = |error: AthenaError| problem::explain(session, error);
    let id = queries.whole_id(&id).await.map_err(explain)?;
    let status = queries.status(&id).await.map_err(explain)?;
    match status.state {
        QueryState::Succeeded => {}
        QueryState::Failed | QueryState::Cancelled => {
            return Err(explain(AthenaError::Unsuccessful(Box::new(status))));
        }
        QueryState::Queued | QueryState::Running => {
            let message = format!("Argument {argument}: the query {id} is still running.");
            return Err(ToolError::invalid(message).with_hint("Wait for it with athena_query_results."));
        }
    }
    let limits = RowLimits {
        rows: PAGE_ROWS,
        chars: MAX_PAGE_CHARS,
        cell_chars: MAX_CELL_CHARS,
    };
    let (mut columns, mut rows, mut from, mut bytes) = (Vec::new(), Vec::new(), None, 0);
    loop {
        session.reserve(bytes + MAX_PAGE_CHARS).await?;
        if Instant::now() >= session.deadline() {
            let message = format!(
                "Argument {argument}: the result could not be read within the time of the call; {} rows were read.",
                rows.len()
            );
            return Err(ToolError::new(ErrorCode::Timeout, message)
                .with_hint("Select fewer rows, and add others with package_update."));
        }
        let page = queries.rows(&status, from, limits).await.map_err(explain)?;
        session.report_message(
            rows.len() as u64,
            MAX_ROWS as u64,
            format!("{} rows of the query's result read", rows.len()),
        );
        if page.cut_cells > 0 {
            let message =
                format!("Argument {argument}: a cell of the result is longer than {MAX_CELL_CHARS} characters.");
            return Err(ToolError::invalid(message));
        }
        if columns.is_empty() {
            columns = page.columns.into_iter().map(|column| column.name).collect();
        }
        bytes += page.rows.iter().map(|row| ROW_BYTES + row_bytes(row)).sum::<usize>();
        rows.extend(page.rows);
        if rows.len() > MAX_ROWS {
            let message =
                format!("Argument {argument}: the result has more than {MAX_ROWS} rows, the most that are read.");
            return Err(ToolError::invalid(message).with_hint("Select fewer rows, and add others with package_update."));
        }
        from = page.next;
        if from.is_none() {
            session.reserve(bytes).await?;
            return Ok(Rows { columns, rows });
        }
    }
}

fn row_bytes(row: &[Value]) -> usize {
    row.iter().map(|cell| cell.as_str().map_or(16, str::len)).sum()
}

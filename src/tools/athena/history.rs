//! `athena_query_history`: queries of a workgroup, and its saved ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list_page::fitting;
use super::{MAX_ANSWER_CHARS, RESERVED_CHARS, problem};
use crate::athena::QueryStatus;
use crate::tools::answer_size::beginning;
use crate::tools::arguments::types::Bounded;
use crate::tools::cursor;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

/// Maximum length of a statement in characters.
const MAX_SQL_CHARS: usize = 2000;

pub struct AthenaQueryHistory;

/// State of queries.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
enum State {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// By default the role's own
    workgroup: Option<String>,
    /// Only queries in this state
    state: Option<State>,
    /// Also saved queries
    #[serde(default)]
    saved: bool,
    /// 1 to 50, by default 20
    #[serde(default)]
    limit: Bounded<1, 50, 20>,
    /// A `next_cursor`
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Row {
    query_id: String,
    sql: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted: Option<String>,
    seconds: f64,
    scanned_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Saved {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    database: String,
    sql: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    workgroup: String,
    queries: Vec<Row>,
    returned: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saved_queries: Option<Vec<Saved>>,
    warnings: Vec<String>,
}

/// A cursor: Athena's page of the workgroup, and the queries of it that were read.
#[derive(Serialize, Deserialize)]
struct Cursor {
    w: String,
    n: i32,
    t: Option<String>,
    s: usize,
}

impl Tool for AthenaQueryHistory {
    const NAME: &'static str = "athena_query_history";
    const TITLE: &'static str = "Query history";
    const DESCRIPTION: &'static str = "Lists a workgroup's queries, newest first.";
    const TOOLSET: Toolset = Toolset::Athena;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(_: &Output) -> usize {
        MAX_ANSWER_CHARS
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let queries = session.athena().await?;
        session.reserve(16 * MAX_ANSWER_CHARS).await?;
        let explain = |error| problem::explain(&session, error);
        let workgroup = queries.workgroup(args.workgroup.as_deref()).await.map_err(explain)?;
        let limit = i32::try_from(args.limit.get()).unwrap_or(50);
        let from = match cursor::read::<Cursor>(args.cursor.as_deref())? {
            Some(cursor) if cursor.w == workgroup && (1..=50).contains(&cursor.n) => cursor,
            Some(_) => return Err(cursor::foreign()),
            None => Cursor {
                w: workgroup.clone(),
                n: limit,
                t: None,
                s: 0,
            },
        };
        let page = queries
            .history(&workgroup, from.n, from.t.as_deref())
            .await
            .map_err(explain)?;
        let total = page.queries.len();
        let meant = |status: &QueryStatus| args.state.is_none_or(|state| state.as_str() == status.state.as_str());
        let queries_of_page = page.queries.into_iter().enumerate().skip(from.s);
        let mut rows: Vec<(usize, Row)> = queries_of_page
            .filter(|(_, status)| meant(status))
            .map(|(index, status)| (index, row(status)))
            .collect();
        // Half of the result is for saved queries, if they are asked for.
        let max_chars = (MAX_ANSWER_CHARS - RESERVED_CHARS) / (1 + usize::from(args.saved));
        let shown = fitting(rows.iter().map(|(_, row)| row), max_chars);
        let shown = shown.len().min(usize::try_from(limit).unwrap_or(50));
        let read = rows.get(shown).map_or(total, |(next, _)| *next);
        rows.truncate(shown);
        let mut warnings = Vec::new();
        let saved_queries = if args.saved {
            match queries.saved(&workgroup).await {
                Ok(saved) => Some(fitting(saved.into_iter().map(saved_row), max_chars)),
                Err(error) => {
                    warnings.push(format!("saved queries cannot be read: {error}"));
                    None
                }
            }
        } else {
            None
        };
        let next = if read < total {
            Some(Cursor { s: read, ..from })
        } else {
            page.next_token.map(|token| Cursor {
                t: Some(token),
                s: 0,
                ..from
            })
        };
        let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
        Ok(Output {
            workgroup,
            returned: rows.len(),
            queries: rows,
            next_cursor: next.map(|cursor| cursor::write(&cursor)),
            saved_queries,
            warnings,
        }
        .into())
    }
}

fn row(status: QueryStatus) -> Row {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a query are few")]
    let seconds = status.running_ms as f64 / 1000.0;
    Row {
        query_id: status.id,
        sql: beginning(&status.sql, MAX_SQL_CHARS),
        state: status.state.as_str(),
        submitted: status.submitted.map(|time| time.to_string()),
        seconds,
        scanned_bytes: status.scanned_bytes,
        catalog: status.catalog,
        database: status.database,
        reason: status.failure.map(|failure| beginning(&failure.reason, MAX_SQL_CHARS)),
    }
}

fn saved_row(query: crate::aws::athena::NamedQuery) -> Saved {
    Saved {
        name: query.name,
        description: query.description.filter(|text| !text.is_empty()),
        database: query.database,
        sql: beginning(&query.query_string, MAX_SQL_CHARS),
    }
}

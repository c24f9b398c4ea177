//! Tables of a database and columns of a table, by the ways that a caller's rights leave open.
//!
//! Quilt's roles may not read table metadata by Athena's calls, but may query `information_schema`. The calls are tried once for
//! a caller, since they cost nothing; then SQL, and last SHOW and DESCRIBE, which Hive answers for Glue's catalog alone.

mod columns;
mod names;
mod nearest;

pub use names::{Wanted as WantedTables, matches as name_matches};
pub use nearest::MissingName;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{AthenaError, GLUE_CATALOG, QueryRun, QueryStatus, RowLimits, StatementKind, UserQueries};
use crate::aws::athena::NewQuery;
use crate::aws::{AwsError, AwsErrorKind};

/// How tables or columns were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBy {
    Metadata,
    Sql,
}

impl ReadBy {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Sql => "sql",
        }
    }
}

/// A database of a data catalog, and how it is asked about.
#[derive(Debug, Clone)]
pub struct TableName {
    pub catalog: String,
    pub database: String,
    /// Empty for the database as a whole.
    pub table: String,
}

impl TableName {
    fn is_glue(&self) -> bool {
        self.catalog.eq_ignore_ascii_case(GLUE_CATALOG)
    }
}

/// Where a page of tables begins. A page is read as the one before it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TablePosition {
    /// Athena's token of its page, and the tables of it that were shown.
    Metadata { token: Option<String>, skip: usize },
    /// The last table that was shown.
    Sql { after: String },
    /// The last table that was shown.
    Show { after: String },
}

/// A table of a page.
#[derive(Debug)]
pub struct FoundTable {
    pub name: String,
    /// Where a page begins that follows this table.
    pub behind: TablePosition,
}

/// One page of tables.
#[derive(Debug)]
pub struct TablePage {
    pub tables: Vec<FoundTable>,
    pub next: Option<TablePosition>,
    pub read_by: ReadBy,
    pub scanned_bytes: u64,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    pub name: String,
    pub kind: String,
    /// `None` where it cannot be seen.
    pub is_partition: Option<bool>,
    pub comment: Option<String>,
}

/// The columns of a table.
#[derive(Debug)]
pub struct TableColumns {
    pub columns: Vec<TableColumn>,
    pub read_by: ReadBy,
    pub scanned_bytes: u64,
}

/// The rows of a statement of our own.
struct Answer {
    rows: Vec<Vec<String>>,
    scanned_bytes: u64,
}

/// Number of rows of a statement of our own that are read at once.
const PAGE_ROWS: u32 = 10_000;
/// Maximum length of all its rows in characters, some 30,000 names.
const MAX_CHARS: usize = 2_000_000;

impl UserQueries {
    /// Runs a statement of our own and reads all its rows.
    async fn ask(
        &self,
        of: &TableName,
        kind: StatementKind,
        sql: String,
        named: Option<&str>,
        deadline: Instant,
    ) -> Result<Answer, AthenaError> {
        let work_group = self.workgroup(named).await?;
        let query = NewQuery {
            sql,
            parameters: Vec::new(),
            work_group,
            catalog: Some(of.catalog.clone()),
            database: None,
            reuse_minutes: 0,
        };
        let run = QueryRun {
            query,
            kind,
            // Its id is not handed out.
            wait_until: deadline + std::time::Duration::from_secs(1),
            deadline,
            progress: Arc::new(|_| {}),
        };
        let status = self.run(run).await?;
        if status.failure.is_some() {
            return Err(AthenaError::Unsuccessful(Box::new(status)));
        }
        let rows = self.texts(&status).await?;
        Ok(Answer {
            rows,
            scanned_bytes: status.scanned_bytes,
        })
    }

    /// Reads all rows of a result as texts.
    async fn texts(&self, status: &QueryStatus) -> Result<Vec<Vec<String>>, AthenaError> {
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Null => String::new(),
            other => other.to_string(),
        };
        let limits = RowLimits {
            rows: PAGE_ROWS,
            chars: MAX_CHARS,
            cell_chars: MAX_CHARS,
        };
        let mut rows: Vec<Vec<String>> = Vec::new();
        let (mut from, mut left) = (None, MAX_CHARS);
        loop {
            let found = self.rows(status, from, limits).await?;
            for row in found.rows {
                let row: Vec<String> = row.into_iter().map(text).collect();
                let chars: usize = row.iter().map(String::len).sum();
                left = left.checked_sub(chars).ok_or(AthenaError::ListTooLong)?;
                rows.push(row);
            }
            if found.next.is_none() {
                return Ok(rows);
            }
            from = found.next;
        }
    }

    /// Whether SQL is asked after this refusal of a metadata call; remembers a denial.
    fn is_for_sql(&self, error: &AwsError) -> bool {
        let says_so = error.description().to_lowercase().contains("not authorized");
        if error.kind == AwsErrorKind::AccessDenied || says_so {
            self.remember_no_metadata();
            return true;
        }
        error.kind == AwsErrorKind::InvalidRequest
    }
}

/// Whether another way may succeed where a statement of our own failed.
fn is_of_statement(error: &AthenaError) -> bool {
    matches!(error, AthenaError::Unsuccessful(_) | AthenaError::Refused(_))
}

//! `tabulator_tables_list`: the Tabulator tables of a bucket.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::current::tables;
use super::row::Row;
use crate::aws::s3::BucketName;
use crate::catalog::fetch_open_query;
use crate::tools::answer_size::length;
use crate::tools::arguments::types::Bounded;
use crate::tools::cursor;
use crate::tools::estimate::estimate_items_bytes;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError, athena};

/// Characters of the rows after which a page ends; clients hide results above 48,000.
const MAX_ROWS_CHARS: usize = 24_000;
/// Memory of a table while it is read, in items of a list.
const ITEMS_OF_A_TABLE: usize = 16;

pub struct TabulatorTablesList;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// 1 to 100, by default 50
    #[serde(default)]
    limit: Bounded<1, 100, 50>,
    /// A `next_cursor`
    cursor: Option<String>,
}

/// A page of tables, in the order of their names.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    tables: Vec<Row>,
    returned: usize,
    next_cursor: Option<String>,
    /// Whether the tables are open to queries from outside of the catalog, for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    open_query: Option<bool>,
}

/// The page that follows this table.
#[derive(Serialize, Deserialize)]
struct Cursor {
    bucket: String,
    after: String,
}

impl Tool for TabulatorTablesList {
    const NAME: &'static str = "tabulator_tables_list";
    const TITLE: &'static str = "List Tabulator tables";
    const DESCRIPTION: &'static str = "Lists a bucket's Tabulator tables, which Athena queries.";
    const TOOLSET: Toolset = Toolset::Tabulator;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(_: &Output) -> usize {
        2 * MAX_ROWS_CHARS
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let cursor = cursor::read::<Cursor>(args.cursor.as_deref())?;
        if cursor
            .as_ref()
            .is_some_and(|cursor| cursor.bucket != args.bucket.as_str())
        {
            return Err(cursor::foreign());
        }
        let limit = usize::try_from(args.limit.get()).unwrap_or(100);
        session.reserve(estimate_items_bytes(limit * ITEMS_OF_A_TABLE)).await?;
        let (found, catalog) = futures::join!(tables(&session, &args.bucket), athena::tabulator_catalog(&session));
        let (access, mut found) = found?;
        // A caller who may list tables may lack the right to query them.
        let catalog = catalog.ok().flatten();
        let open_query = if found.is_admin {
            // Older catalogs do not know, and administrators may be refused.
            fetch_open_query(&access).await.ok()
        } else {
            None
        };
        found.tables.sort_by(|a, b| a.name.cmp(&b.name));
        let after = cursor.map(|cursor| cursor.after);
        let is_left = |name: &str| after.as_deref().is_none_or(|after| name > after);
        let (mut rows, mut filled, mut next) = (Vec::new(), 0, None);
        let mut last: Option<&str> = None;
        for table in found.tables.iter().filter(|table| is_left(&table.name)) {
            let row = Row::of(table).with_sql_name(catalog.as_deref(), args.bucket.as_str());
            let row_length = length(&row);
            if let Some(last) = last
                && (rows.len() == limit || filled + row_length > MAX_ROWS_CHARS)
            {
                next = Some(cursor::write(&Cursor {
                    bucket: args.bucket.to_string(),
                    after: last.to_owned(),
                }));
                break;
            }
            filled += row_length;
            last = Some(&table.name);
            rows.push(row);
        }
        Ok(Output {
            bucket: args.bucket.to_string(),
            returned: rows.len(),
            tables: rows,
            next_cursor: next,
            open_query,
        }
        .into())
    }
}

//! `athena_table_schema`: the columns of a table, and how to query it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list_page::page;
use super::quilt_tables::QuiltTable;
use super::tables::{named, sql_name};
use super::{MAX_ANSWER_CHARS, QUERIES, problem};
use crate::athena::literal::identifier;
use crate::athena::{GLUE_CATALOG, TableColumn, TableName, is_tabulator};
use crate::catalog::TableConfig;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError, tabulator};

/// Columns of a page.
const MAX_COLUMNS: u64 = 500;
/// Columns that an example selects.
const EXAMPLE_COLUMNS: usize = 5;

pub struct AthenaTableSchema;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Its database
    database: String,
    /// Its name
    table: String,
    /// By default `AwsDataCatalog`
    catalog: Option<String>,
    /// A `next_cursor`
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Column {
    name: String,
    r#type: String,
    /// Left out where it is not known
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    sql_name: String,
    columns: Vec<Column>,
    returned: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    notes: Vec<String>,
    example_sql: String,
    /// registry, metadata or sql
    read_by: &'static str,
    scanned_bytes: u64,
}

impl Tool for AthenaTableSchema {
    const NAME: &'static str = "athena_table_schema";
    const TITLE: &'static str = "Columns of a table";
    const DESCRIPTION: &'static str =
        "Lists a table's columns, with notes on quoting and JSON paths and an example query.";
    const TOOLSET: Toolset = Toolset::Athena;
    const HINTS: Hints = QUERIES;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(_: &Output) -> usize {
        MAX_ANSWER_CHARS
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let of = TableName {
            catalog: named("catalog", args.catalog.unwrap_or_else(|| GLUE_CATALOG.to_owned()))?,
            database: named("database", args.database)?,
            table: named("table", args.table)?,
        };
        session.reserve(8 * MAX_ANSWER_CHARS).await?;
        let found = if let Some(columns) = registered(&session, &of).await {
            Found {
                columns,
                read_by: "registry",
                scanned_bytes: 0,
            }
        } else {
            let queries = session.athena().await?;
            let found = queries.columns(&of, None, session.deadline()).await;
            let found = found.map_err(|error| problem::explain(&session, error))?;
            Found {
                columns: found.columns,
                read_by: found.read_by.as_str(),
                scanned_bytes: found.scanned_bytes,
            }
        };
        let name = sql_name(&of, &of.table);
        let quilt = QuiltTable::of(&of.table);
        let mut notes = quilt.map(QuiltTable::notes).unwrap_or_default();
        notes.push("Names with - take double quotes in SELECT and backticks in SHOW and DESCRIBE.".to_owned());
        let partitions = found.columns.iter().filter(|column| column.is_partition == Some(true));
        if partitions.count() > 0 {
            notes.push("Conditions on partition columns let a query scan less.".to_owned());
        }
        let example = quilt.and_then(|table| table.example(&of.catalog, &of.database, &name));
        let example_sql = example.unwrap_or_else(|| first_rows(&found.columns, &name));
        let columns = found.columns.into_iter().map(|column| Column {
            name: column.name,
            r#type: column.kind,
            partition: column.is_partition,
            comment: column.comment,
        });
        let page = page(
            &["columns", &of.catalog, &of.database, &of.table],
            columns.collect(),
            MAX_COLUMNS,
            args.cursor.as_deref(),
        )?;
        Ok(Output {
            sql_name: name,
            returned: page.rows.len(),
            columns: page.rows,
            next_cursor: page.next_cursor,
            notes,
            example_sql,
            read_by: found.read_by,
            scanned_bytes: found.scanned_bytes,
        }
        .into())
    }
}

/// The columns of a table, and how they were read.
struct Found {
    columns: Vec<TableColumn>,
    read_by: &'static str,
    scanned_bytes: u64,
}

/// Columns that Tabulator adds to each table.
const ADDED_COLUMNS: [&str; 5] = ["$pkg_name", "$logical_key", "$physical_key", "$top_hash", "$issue"];

/// Returns the columns of a Tabulator table as the registry has them: those of the files, the named groups of the expressions,
/// and those that Tabulator adds. `None` if it is no such table, or the registry does not say.
async fn registered(session: &Session, of: &TableName) -> Option<Vec<TableColumn>> {
    if !is_tabulator(&of.catalog) {
        return None;
    }
    let tables = tabulator::registered(session, &of.database).await?;
    let table = tables.into_iter().find(|table| table.name == of.table)?;
    let (config, patterns) = TableConfig::parse(&table.config).ok()?;
    let of_files = config
        .schema
        .iter()
        .map(|column| (column.name.clone(), column.kind.as_str().to_ascii_lowercase()));
    let named = patterns.group_names().into_iter();
    let named = named
        .chain(ADDED_COLUMNS.map(str::to_owned))
        .map(|name| (name, "string".to_owned()));
    let columns = of_files.chain(named).map(|(name, kind)| TableColumn {
        name,
        kind,
        is_partition: None,
        comment: None,
    });
    Some(columns.collect())
}

fn first_rows(columns: &[TableColumn], name: &str) -> String {
    let columns = columns
        .iter()
        .take(EXAMPLE_COLUMNS)
        .map(|column| identifier(&column.name));
    format!("SELECT {} FROM {name} LIMIT 10", columns.collect::<Vec<_>>().join(", "))
}

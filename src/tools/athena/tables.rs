//! `athena_tables_list`: the tables of a database.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quilt_tables::QuiltTable;
use super::{MAX_ANSWER_CHARS, QUERIES, problem};
use crate::athena::literal::identifier;
use crate::athena::{GLUE_CATALOG, TableName, TablePosition, WantedTables, is_tabulator, name_matches};
use crate::catalog::TabulatorTable;
use crate::tools::answer_size::AnswerBudget;
use crate::tools::arguments::types::Bounded;
use crate::tools::cursor;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError, tabulator};

/// Maximum length of the name of a database, table or catalog, and of a glob for it, in characters: Glue's is 255.
const MAX_NAME_CHARS: usize = 256;

pub struct AthenaTablesList;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Their database
    database: String,
    /// By default `AwsDataCatalog`
    catalog: Option<String>,
    /// Glob, such as `*_package_entry`
    pattern: Option<String>,
    /// 1 to 200, by default 100
    #[serde(default)]
    limit: Bounded<1, 200, 100>,
    /// A `next_cursor`
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Row {
    name: String,
    sql_name: String,
    /// Kind of an index of packages
    #[serde(skip_serializing_if = "Option::is_none")]
    quilt: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    tables: Vec<Row>,
    returned: usize,
    /// registry, metadata or sql
    read_by: &'static str,
    scanned_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A cursor: where the page begins, and of which list.
#[derive(Serialize, Deserialize)]
struct Cursor {
    d: String,
    c: String,
    g: Option<String>,
    #[serde(flatten)]
    p: Begin,
}

/// Where a page begins.
#[derive(Serialize, Deserialize)]
enum Begin {
    /// In Athena's list.
    #[serde(rename = "p")]
    Listed(TablePosition),
    /// Behind this table of the registry.
    #[serde(rename = "r")]
    Registered(String),
}

impl Tool for AthenaTablesList {
    const NAME: &'static str = "athena_tables_list";
    const TITLE: &'static str = "List tables";
    const DESCRIPTION: &'static str = "Lists a database's tables by name, with their names as SQL takes them.";
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
            table: String::new(),
        };
        let pattern = args.pattern.filter(|pattern| !pattern.is_empty());
        let pattern = pattern.map(|pattern| named("pattern", pattern)).transpose()?;
        let from = match cursor::read::<Cursor>(args.cursor.as_deref())? {
            Some(cursor) if cursor.d == of.database && cursor.c == of.catalog && cursor.g == pattern => Some(cursor.p),
            Some(_) => return Err(cursor::foreign()),
            None => None,
        };
        let limit = usize::try_from(args.limit.get()).unwrap_or(100);
        session.reserve(8 * MAX_ANSWER_CHARS).await?;
        let is_registered = is_tabulator(&of.catalog) && !matches!(from, Some(Begin::Listed(_)));
        if is_registered && let Some(tables) = tabulator::registered(&session, &of.database).await {
            return Ok(registered(&of, pattern, tables, from, limit).into());
        }
        let from = match from {
            Some(Begin::Listed(position)) => Some(position),
            Some(Begin::Registered(after)) => Some(TablePosition::Sql { after }),
            None => None,
        };
        let queries = session.athena().await?;
        let wanted = WantedTables {
            of: &of,
            pattern: pattern.as_deref(),
            limit,
            workgroup: None,
            deadline: session.deadline(),
        };
        let page = queries
            .tables(&wanted, from)
            .await
            .map_err(|error| problem::explain(&session, error))?;
        let mut next = page.next;
        let positions: Vec<TablePosition> = page.tables.iter().map(|table| table.behind.clone()).collect();
        let mut rows: Vec<Row> = page.tables.into_iter().map(|table| row(&of, table.name)).collect();
        if !AnswerBudget::new().truncate(&mut rows) {
            next = rows
                .len()
                .checked_sub(1)
                .and_then(|last| positions.into_iter().nth(last));
        }
        let next_cursor = next.map(|p| {
            cursor::write(&Cursor {
                d: of.database.clone(),
                c: of.catalog.clone(),
                g: pattern.clone(),
                p: Begin::Listed(p),
            })
        });
        Ok(Output {
            returned: rows.len(),
            tables: rows,
            read_by: page.read_by.as_str(),
            scanned_bytes: page.scanned_bytes,
            next_cursor,
        }
        .into())
    }
}

/// Makes a page of the tables that the registry has, which costs nothing.
fn registered(
    of: &TableName,
    pattern: Option<String>,
    tables: Vec<TabulatorTable>,
    from: Option<Begin>,
    limit: usize,
) -> Output {
    let after = match from {
        Some(Begin::Registered(after)) => Some(after),
        _ => None,
    };
    let mut names: Vec<String> = tables
        .into_iter()
        .map(|table| table.name)
        .filter(|name| after.as_ref().is_none_or(|after| name > after))
        .filter(|name| pattern.as_deref().is_none_or(|pattern| name_matches(pattern, name)))
        .collect();
    let mut is_more = names.len() > limit;
    names.truncate(limit);
    let mut rows: Vec<Row> = names.into_iter().map(|name| row(of, name)).collect();
    is_more |= !AnswerBudget::new().truncate(&mut rows);
    let last = rows.last().filter(|_| is_more);
    let next_cursor = last.map(|last| {
        cursor::write(&Cursor {
            d: of.database.clone(),
            c: of.catalog.clone(),
            g: pattern,
            p: Begin::Registered(last.name.clone()),
        })
    });
    Output {
        returned: rows.len(),
        tables: rows,
        read_by: "registry",
        scanned_bytes: 0,
        next_cursor,
    }
}

/// Refuses a name that is blank, or longer than any.
pub(super) fn named(argument: &str, name: String) -> Result<String, ToolError> {
    if name.trim().is_empty() {
        return Err(ToolError::invalid(format!(
            "Argument {argument}: expected a name, got a blank text."
        )));
    }
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(ToolError::invalid(format!(
            "Argument {argument}: expected at most {MAX_NAME_CHARS} characters."
        )));
    }
    Ok(name)
}

/// Returns the name of a table as SQL takes it.
pub(super) fn sql_name(of: &TableName, table: &str) -> String {
    [&of.catalog, &of.database, table].map(identifier).join(".")
}

fn row(of: &TableName, name: String) -> Row {
    let quilt = QuiltTable::of(&name);
    Row {
        sql_name: sql_name(of, &name),
        quilt: quilt.map(|table| table.kind),
        bucket: quilt.map(|table| table.bucket.to_owned()),
        name,
    }
}

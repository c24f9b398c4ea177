//! `athena_databases_list`: data catalogs and their databases.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list_page::page;
use super::{MAX_ANSWER_CHARS, problem};
use crate::athena::{CatalogDatabases, is_tabulator};
use crate::tools::arguments::types::Bounded;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct AthenaDatabasesList;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// By default all
    catalog: Option<String>,
    /// By default the role's own
    workgroup: Option<String>,
    /// 1 to 1000 databases, by default 200
    #[serde(default)]
    limit: Bounded<1, 1000, 200>,
    /// A `next_cursor`
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Row {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<String>,
    is_tabulator: bool,
    databases: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    catalogs: Vec<Row>,
    /// Databases on this page
    returned: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    warnings: Vec<String>,
}

impl Tool for AthenaDatabasesList {
    const NAME: &'static str = "athena_databases_list";
    const TITLE: &'static str = "List databases";
    const DESCRIPTION: &'static str =
        "Lists Athena's data catalogs and databases by name; in Tabulator's catalog, databases are buckets.";
    const TOOLSET: Toolset = Toolset::Athena;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(_: &Output) -> usize {
        MAX_ANSWER_CHARS
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let queries = session.athena().await?;
        session.reserve(8 * MAX_ANSWER_CHARS).await?;
        // Catalogs can be asked without a workgroup, if none is the caller's.
        let workgroup = match &args.workgroup {
            Some(workgroup) => Some(workgroup.clone()),
            None => queries.workgroup(None).await.ok(),
        };
        let found = queries.databases(args.catalog.as_deref(), workgroup.as_deref()).await;
        let found = found.map_err(|error| problem::explain(&session, error))?;
        let mut warnings = Vec::new();
        if let Some(error) = &found.incomplete {
            warnings.push(format!("catalogs are missing: {error}"));
        }
        // A row for each database; a catalog without any has one, too.
        let rows: Vec<(usize, Option<&String>)> = found
            .catalogs
            .iter()
            .enumerate()
            .flat_map(|(index, catalog)| {
                let alone = catalog.databases.is_empty().then_some((index, None));
                alone
                    .into_iter()
                    .chain(catalog.databases.iter().map(move |name| (index, Some(name))))
            })
            .collect();
        let page = page(
            &[
                "databases",
                args.catalog.as_deref().unwrap_or_default(),
                args.workgroup.as_deref().unwrap_or_default(),
            ],
            rows,
            args.limit.get(),
            args.cursor.as_deref(),
        )?;
        let returned = page.rows.iter().filter(|(_, name)| name.is_some()).count();
        Ok(Output {
            catalogs: grouped(&found.catalogs, &page.rows),
            returned,
            next_cursor: page.next_cursor,
            warnings,
        }
        .into())
    }
}

fn grouped(catalogs: &[CatalogDatabases], rows: &[(usize, Option<&String>)]) -> Vec<Row> {
    let mut grouped: Vec<(usize, Row)> = Vec::new();
    for (index, database) in rows {
        if grouped.last().is_none_or(|(last, _)| last != index)
            && let Some(catalog) = catalogs.get(*index)
        {
            let row = Row {
                name: catalog.name.clone(),
                r#type: catalog.kind.clone(),
                is_tabulator: is_tabulator(&catalog.name),
                databases: Vec::new(),
                error: catalog.error.as_ref().map(ToString::to_string),
            };
            grouped.push((*index, row));
        }
        if let (Some((_, row)), Some(name)) = (grouped.last_mut(), database) {
            row.databases.push((*name).clone());
        }
    }
    grouped.into_iter().map(|(_, row)| row).collect()
}

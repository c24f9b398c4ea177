//! `athena_workgroups_list`: the workgroups that the caller may use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list_page::page;
use super::{MAX_ANSWER_CHARS, problem};
use crate::athena::Workgroup;
use crate::tools::arguments::types::Bounded;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct AthenaWorkgroupsList;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// 1 to 200, by default 50
    #[serde(default)]
    limit: Bounded<1, 200, 50>,
    /// A `next_cursor`
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Row {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// `role`, `shared`, `open_query` or `other`
    kind: &'static str,
    is_default: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_limit: Option<i64>,
    enforced: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<String>,
    /// `s3` or `managed`
    results: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    workgroups: Vec<Row>,
    returned: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    /// Whether some could not be asked
    incomplete: bool,
    region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    warnings: Vec<String>,
}

impl Tool for AthenaWorkgroupsList {
    const NAME: &'static str = "athena_workgroups_list";
    const TITLE: &'static str = "List workgroups";
    const DESCRIPTION: &'static str = "Lists the caller's workgroups of Athena by name, and the default.";
    const TOOLSET: Toolset = Toolset::Athena;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(_: &Output) -> usize {
        MAX_ANSWER_CHARS
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let queries = session.athena().await?;
        session.reserve(4 * MAX_ANSWER_CHARS).await?;
        let found = queries
            .workgroups()
            .await
            .map_err(|error| problem::explain(&session, error))?;
        let default = match found.default_name() {
            // An empty list would read as an answer.
            Err(error) if found.usable.is_empty() => return Err(problem::explain(&session, *error)),
            default => default.ok().map(str::to_owned),
        };
        let mut warnings = Vec::new();
        if let Some(error) = &found.incomplete {
            warnings.push(format!("some workgroups could not be asked: {error}"));
        }
        if default.is_none() {
            warnings.push("several may be meant, so queries must name a workgroup".to_owned());
        }
        let rows = found
            .usable
            .iter()
            .map(|group| row(group, default.as_deref()))
            .collect();
        let page = page(&["workgroups"], rows, args.limit.get(), args.cursor.as_deref())?;
        Ok(Output {
            returned: page.rows.len(),
            workgroups: page.rows,
            default,
            incomplete: found.incomplete.is_some(),
            region: queries.region().to_owned(),
            next_cursor: page.next_cursor,
            warnings,
        }
        .into())
    }
}

fn row(group: &Workgroup, default: Option<&str>) -> Row {
    Row {
        name: group.name.clone(),
        description: group.description.clone(),
        kind: group.kind.as_str(),
        is_default: default == Some(group.name.as_str()),
        bytes_limit: group.bytes_limit,
        enforced: group.is_enforced,
        engine: group.engine.clone(),
        results: if group.has_managed_results { "managed" } else { "s3" },
    }
}

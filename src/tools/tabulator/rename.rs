//! `tabulator_table_rename`: another name for a table.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::current::{find, not_changed, require, shown, tables};
use crate::aws::s3::BucketName;
use crate::catalog::rename_tabulator_table;
use crate::error_code::ErrorCode;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct TabulatorTableRename;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// Table
    table: String,
    /// New name
    new_name: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    table: String,
    name_before: String,
}

impl Tool for TabulatorTableRename {
    const NAME: &'static str = "tabulator_table_rename";
    const TITLE: &'static str = "Rename a Tabulator table";
    const DESCRIPTION: &'static str = "Renames a Tabulator table; queries of the old name fail then.";
    const TOOLSET: Toolset = Toolset::Tabulator;
    const HINTS: Hints = Hints {
        idempotent: false,
        ..Hints::REPLACES
    };
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let (table, new_name) = (args.table.trim(), args.new_name.trim());
        if new_name.is_empty() {
            return Err(ToolError::invalid("Argument new_name: it is empty."));
        }
        let (access, found) = tables(&session, &args.bucket).await?;
        require(&found.tables, &args.bucket, table)?;
        if find(&found.tables, new_name).is_some() {
            let message = format!(
                "The bucket {} has a Tabulator table `{}` already; nothing was renamed.",
                args.bucket,
                shown(new_name)
            );
            return Err(ToolError::new(ErrorCode::Conflict, message)
                .with_hint("Choose another name, or delete or rename that table first."));
        }
        if let Err(error) = rename_tabulator_table(&access, args.bucket.as_str(), table, new_name).await {
            return Err(not_changed(&session, error).await);
        }
        Ok(Output {
            bucket: args.bucket.to_string(),
            table: new_name.to_owned(),
            name_before: table.to_owned(),
        }
        .into())
    }
}

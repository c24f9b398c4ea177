//! `tabulator_table_delete`: the end of a table; the files and packages stay.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::current::{not_changed, require, tables};
use crate::aws::s3::BucketName;
use crate::catalog::{TabulatorTable, set_tabulator_table};
use crate::error_code::ErrorCode;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{ConfirmationRequest, Session, Subject, ToolError};

pub struct TabulatorTableDelete;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// Table
    table: String,
    /// The table's name again
    confirm: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    table: String,
    /// The configuration, with which the table can be created again.
    config_before: String,
}

impl Tool for TabulatorTableDelete {
    const NAME: &'static str = "tabulator_table_delete";
    const TITLE: &'static str = "Delete a Tabulator table";
    const DESCRIPTION: &'static str = "Deletes a Tabulator table; the files stay. confirm must repeat its name.";
    const TOOLSET: Toolset = Toolset::Tabulator;
    const HINTS: Hints = Hints::REPLACES;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let table = args.table.trim();
        if table.is_empty() {
            return Err(ToolError::invalid("Argument table: it is empty."));
        }
        let is_confirmed = args.confirm.as_deref().map(str::trim) == Some(table);
        if !is_confirmed && (args.confirm.is_some() || !session.can_ask()) {
            let message = "To delete the table, the argument confirm must be its name.";
            return Err(ToolError::new(ErrorCode::ConfirmationRequired, message)
                .with_hint("Ask the user, then repeat the call with confirm set."));
        }
        let (access, found) = tables(&session, &args.bucket).await?;
        let current = require(&found.tables, &args.bucket, table)?;
        if !is_confirmed {
            let question = question(&args.bucket, current);
            if !session.has_consent(question.subject)? {
                return Err(question.into_error());
            }
        }
        if let Err(error) = set_tabulator_table(&access, args.bucket.as_str(), table, None).await {
            return Err(not_changed(&session, error).await);
        }
        Ok(Output {
            bucket: args.bucket.to_string(),
            table: table.to_owned(),
            config_before: current.config.clone(),
        }
        .into())
    }
}

/// Requests confirmation of a deletion of the table as it is configured now.
fn question(bucket: &BucketName, table: &TabulatorTable) -> ConfirmationRequest {
    let parts = ["tabulator_table_delete", bucket.as_str(), &table.name, &table.config];
    ConfirmationRequest {
        subject: Subject::of(parts.map(str::as_bytes)),
        message: format!(
            "Delete the Tabulator table {} of the bucket {bucket}? Queries of it fail then; files and packages stay.",
            table.name
        ),
        confirm_label: "Delete the table",
    }
}

//! The tables of a bucket as they are, for the tools that show or change them.

use crate::aws::s3::BucketName;
use crate::catalog::{BucketTables, MutationError, RegistryAccess, TabulatorTable, fetch_tabulator_tables};
use crate::error_code::ErrorCode;
use crate::tools::registry::{explain, explain_mutation, registry};
use crate::tools::{Session, ToolError};

/// What the errors of a list say.
const NOT_LISTED: &str = "The catalog did not list the Tabulator tables";
/// What the errors of a change say.
const NOT_CHANGED: &str = "The catalog did not change the Tabulator table";

/// Returns the tables of a bucket, and the registry that has them.
pub(super) async fn tables(
    session: &Session,
    bucket: &BucketName,
) -> Result<(RegistryAccess, BucketTables), ToolError> {
    let access = registry(session, NOT_LISTED).await?;
    match fetch_tabulator_tables(&access, bucket.as_str()).await {
        Ok(Some(found)) => Ok((access, found)),
        Ok(None) => Err(ToolError::new(
            ErrorCode::NoSuchBucket,
            format!("The catalog shows this caller no bucket s3://{bucket}."),
        )
        .with_hint("bucket_list shows the buckets of the caller.")),
        Err(error) => Err(explain(session, NOT_LISTED, &error).await),
    }
}

/// Finds a table by its name.
pub(super) fn find<'t>(tables: &'t [TabulatorTable], name: &str) -> Option<&'t TabulatorTable> {
    tables.iter().find(|table| table.name == name)
}

/// Returns the table of this name, or the error of an unknown one.
pub(super) fn require<'t>(
    tables: &'t [TabulatorTable],
    bucket: &BucketName,
    name: &str,
) -> Result<&'t TabulatorTable, ToolError> {
    find(tables, name).ok_or_else(|| {
        let names: Vec<&str> = tables.iter().take(20).map(|table| table.name.as_str()).collect();
        let there = match names.len() {
            0 => "it has none".to_owned(),
            _ => format!("it has {}", names.join(", ")),
        };
        ToolError::invalid(format!(
            "Argument table: the bucket {bucket} has no Tabulator table `{}`; {there}.",
            shown(name)
        ))
    })
}

/// Explains why a table was not changed.
pub(super) async fn not_changed(session: &Session, error: MutationError) -> ToolError {
    let explained = explain_mutation(session, NOT_CHANGED, error, argument).await;
    if explained.code == ErrorCode::AccessDenied {
        return explained.with_hint(
            "Tabulator tables are changed by users who may write the bucket; before version 1.64 of the stack, by \
             administrators.",
        );
    }
    explained
}

/// Returns the argument that an input of the registry is.
fn argument(path: &str) -> &str {
    match path {
        "tableName" => "table",
        "newTableName" => "new_name",
        "bucketName" => "bucket",
        path => path,
    }
}

/// Returns a name of the caller for a sentence.
pub(super) fn shown(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(80).collect()
}

//! Names of arguments: those of older servers and clients, bookkeeping that clients add, and unknown ones.

use serde_json::{Map, Value};

use super::ArgumentSchema;
use crate::telemetry::text::without_controls;
use crate::tools::ToolError;

/// An argument, and another name under which each tool that has it accepts it, unlisted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alias {
    /// The name in the schema.
    pub argument: &'static str,
    /// The other name.
    pub alias: &'static str,
}

const fn alias(argument: &'static str, alias: &'static str) -> Alias {
    Alias { argument, alias }
}

/// The other names. Those of quilt-mcp 0.22 and 0.20, of the action style before, and of the catalog's page.
pub const ALIASES: &[Alias] = &[
    alias("add", "files"),
    alias("add", "s3_uris"),
    alias("bucket", "bucket_name"),
    alias("bucket", "registry"),
    alias("bucket", "target_registry"),
    alias("buckets", "bucket"),
    alias("buckets", "bucket_name"),
    alias("catalog", "catalog_name"),
    alias("catalog", "data_catalog_name"),
    alias("database", "database_name"),
    alias("exclude", "exclude_patterns"),
    alias("files", "s3_uris"),
    alias("hash", "package1_hash"),
    alias("include", "include_patterns"),
    alias("items", "objects"),
    alias("limit", "max_results"),
    alias("limit", "top"),
    alias("max_rows", "max_results"),
    alias("message", "description"),
    alias("metadata", "meta"),
    alias("name", "package1_name"),
    alias("name", "package_name"),
    alias("other_hash", "package2_hash"),
    alias("other_name", "package2_name"),
    alias("overwrite", "force"),
    alias("pattern", "table_pattern"),
    alias("sql", "query"),
    alias("state", "status_filter"),
    alias("table", "table_name"),
    alias("workgroup", "workgroup_name"),
];

/// An argument of an older server's tool of the same name that this server accepts and that has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IgnoredArgument {
    pub tool: &'static str,
    pub argument: &'static str,
    /// What a caller who set it should know. It is part of the result unless the value switches the argument off.
    pub note: &'static str,
}

const fn ignored(tool: &'static str, argument: &'static str, note: &'static str) -> IgnoredArgument {
    IgnoredArgument { tool, argument, note }
}

const ROWS: &str = "rows are JSON values";
const OWN_CREDENTIALS: &str = "queries run with the caller's own credentials";
const SIGNED: &str = "bucket_object_link creates links";
const INFO: &str = "bucket_object_info describes one object";

/// The arguments without effect.
pub const IGNORED: &[IgnoredArgument] = &[
    ignored("athena_query_execute", "output_format", ROWS),
    ignored("athena_query_execute", "service", ROWS),
    ignored("athena_workgroups_list", "use_quilt_auth", OWN_CREDENTIALS),
    ignored("bucket_objects_list", "include_signed_urls", SIGNED),
    ignored(
        "catalog_link",
        "catalog_host",
        "links are those of the catalog of this server",
    ),
    ignored("package_browse", "include_file_info", INFO),
    ignored("package_browse", "include_signed_urls", SIGNED),
    ignored(
        "package_browse",
        "max_depth",
        "path and recursive choose what is listed",
    ),
    ignored(
        "package_create_from_s3",
        "confirm_structure",
        "dry_run shows the keys before anything is written",
    ),
    ignored(
        "package_create_from_s3",
        "generate_readme",
        "readme is the text of README.md",
    ),
    ignored(
        "package_create_from_s3",
        "metadata_template",
        "package_templates shows the fields for metadata",
    ),
    ignored(
        "package_update",
        "flatten",
        "each file has its logical_key, or the name of its object",
    ),
    ignored(
        "permissions_discover",
        "force_refresh",
        "nothing is cached: S3 is asked by every call",
    ),
    ignored(
        "permissions_discover",
        "include_cross_account",
        "check_buckets names buckets of any account",
    ),
];

/// Names that clients are known to add to every call: n8n's `toolCallId`, `sessionId`, `chatInput` and `action`
/// (n8n-io/n8n#21500), Cline's `task_progress` (cline/cline#10426), and Cursor's `random_string` for tools without arguments.
const BOOKKEEPING: [&str; 6] = [
    "toolCallId",
    "task_progress",
    "sessionId",
    "chatInput",
    "action",
    "random_string",
];

/// Adds the bucket of a package that is made in the bucket of its objects, which older clients do not name.
fn complete(schema: &ArgumentSchema, arguments: &mut Map<String, Value>) {
    let source = arguments.get("source_bucket").filter(|bucket| !says_nothing(bucket));
    let (true, Some(source)) = (schema.has("source_bucket"), source.cloned()) else {
        return;
    };
    if arguments.get("bucket").is_none_or(says_nothing) {
        arguments.insert("bucket".to_owned(), source);
    }
}

/// Gives arguments their own names. An argument that is sent under two names must have one value.
pub(in crate::tools) fn rename(schema: &ArgumentSchema, arguments: &mut Map<String, Value>) -> Result<(), ToolError> {
    for Alias { argument, alias } in ALIASES {
        if !schema.has(argument) || schema.has(alias) {
            continue;
        }
        let Some(value) = arguments.remove(*alias) else {
            continue;
        };
        match arguments.get(*argument) {
            None => {
                arguments.insert((*argument).to_owned(), value);
            }
            Some(_) if says_nothing(&value) => {}
            Some(other) if says_nothing(other) => {
                arguments.insert((*argument).to_owned(), value);
            }
            Some(other) if without_scheme(other) == without_scheme(&value) => {}
            Some(_) => {
                let message =
                    format!("`{argument}` and `{alias}` are names of the same argument, but have different values.");
                return Err(ToolError::invalid(message));
            }
        }
    }
    complete(schema, arguments);
    Ok(())
}

fn says_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(super::is_blank)
}

/// Removes the scheme of a bucket, which does not change its meaning.
fn without_scheme(value: &Value) -> Value {
    let Value::String(text) = value else {
        return value.clone();
    };
    text.strip_prefix("s3://")
        .map_or(text.as_str(), |name| name.trim_end_matches('/'))
        .into()
}

/// Removes the arguments without effect, and returns the notes on those that were not switched off.
pub(super) fn take_ignored(schema: &ArgumentSchema, arguments: &mut Map<String, Value>) -> Map<String, Value> {
    IGNORED
        .iter()
        .filter(|ignored| ignored.tool == schema.tool && !schema.has(ignored.argument))
        .filter_map(|ignored| {
            let value = arguments.remove(ignored.argument)?;
            let is_off = says_nothing(&value)
                || matches!(value, Value::Bool(false))
                || value.as_u64() == Some(0)
                || matches!(value.as_str(), Some("false" | "False" | "0"));
            (!is_off).then(|| (ignored.argument.to_owned(), ignored.note.into()))
        })
        .collect()
}

pub(super) fn drop_bookkeeping(schema: &ArgumentSchema, arguments: &mut Map<String, Value>) {
    arguments.retain(|name, _| schema.has(name) || !is_bookkeeping(name));
}

/// Whether clients are known to add an argument of this name to every call.
pub(in crate::tools) fn is_bookkeeping(name: &str) -> bool {
    BOOKKEEPING.contains(&name)
}

pub(super) fn refuse_unknown(schema: &ArgumentSchema, arguments: &Map<String, Value>) -> Result<(), ToolError> {
    let Some(unknown) = arguments.keys().find(|name| !schema.has(name)) else {
        return Ok(());
    };
    let known: Vec<&str> = schema
        .properties()
        .into_iter()
        .flat_map(|properties| properties.keys())
        .map(String::as_str)
        .filter(|name| schema.lists(name))
        .collect();
    let known = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    Err(ToolError::invalid(format!(
        "{} has no argument `{}`; its arguments are: {known}.",
        schema.tool,
        without_controls(unknown, 80)
    )))
}

//! `package_create`: creation of a package from objects that exist.

use schemars::JsonSchema;
use serde::Deserialize;

use super::args::{FileArg, HashType, NewName, choice, message};
use super::from_query;
use super::large::{LargeWrite, MAX_OBJECTS_IN_MEMORY, may_be_large, write_large};
use super::logical_keys::{FileSource, KeyRules, assign_keys, common_directory};
use super::metadata::Metadata;
use super::output::Output;
use super::texts::{SummaryRow, paths, text_files};
use super::write::{WriteOptions, write};
use crate::aws::s3::BucketName;
use crate::packages::{Change, Creation, Plan};
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct PackageCreate;

/// Arguments. Both tools that create list the options: with one flattened struct, errors could not name them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the contract defines exactly these")]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// As `namespace/name`
    #[schemars(with = "String")]
    name: NewName,
    /// Each {`s3_uri`, `logical_key`?, `meta`?}, or just the S3 URI; in any bucket
    #[serde(default)]
    files: Vec<FileArg>,
    /// Id of a query, in place of files; its columns: `logical_key`, `physical_key` or `physical_keys`, size, `meta`?
    from_query: Option<String>,
    /// Commit message
    #[serde(default)]
    message: String,
    /// Of the package: any JSON object
    metadata: Option<Metadata>,
    /// Text of README.md
    readme: Option<String>,
    /// Rows of `quilt_summarize.json`: each a logical key, or {path, title?, description?, expand?, types?}
    #[serde(default)]
    summary: Vec<SummaryRow>,
    /// Name entries by base name, not by the path below the common folder
    #[serde(default)]
    flatten: bool,
    /// Sort into folders by extension
    #[serde(default)]
    auto_organize: bool,
    /// Copy the objects into the bucket
    #[serde(default)]
    copy: bool,
    /// Workflow's id; "" for none
    #[schemars(extend("x-blank" = "value"))]
    workflow: Option<String>,
    /// By default what the catalog prefers
    hash_type: Option<HashType>,
    /// Make a next revision if the name exists
    #[serde(default)]
    overwrite: bool,
    /// Show keys and hash, write nothing
    #[serde(default)]
    dry_run: bool,
}

impl Tool for PackageCreate {
    const NAME: &'static str = "package_create";
    const TITLE: &'static str = "Create a package";
    const DESCRIPTION: &'static str = "Creates a versioned package from S3 objects, which stay where they are \
                                       unless copy is set. An existing name is a conflict unless overwrite=true \
                                       makes a next revision.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::REPLACES;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let files = match args.from_query {
            Some(_) if !args.files.is_empty() => {
                return Err(ToolError::invalid(
                    "Arguments files and from_query: give the files in one of them.",
                ));
            }
            Some(query_id) => {
                let filter = session.tool_filter();
                filter.check_toolset(Toolset::Athena, "Argument from_query: the result of a query")?;
                from_query::files(&session, &query_id).await?
            }
            None if args.files.is_empty() && args.readme.is_none() && args.summary.is_empty() => {
                return Err(ToolError::invalid(
                    "Argument files: give at least one file, or a readme.",
                ));
            }
            None => args.files,
        };
        let unplaced = files.iter().filter(|file| file.logical_key.is_none());
        let base = common_directory(unplaced.map(|file| file.s3_uri.key.as_str()));
        let rules = KeyRules {
            flatten: args.flatten,
            auto_organize: args.auto_organize,
            source: FileSource::Files,
        };
        let plan = Plan {
            name: args.name.0,
            objects: assign_keys(files, rules, &base)?,
            texts: text_files(args.readme, &args.summary)?,
            message: message(args.message),
            workflow: choice(args.workflow.as_deref()),
            copy: args.copy,
            dry_run: args.dry_run,
            change: Change::Create(Creation {
                user_meta: args.metadata.map(|Metadata(user_meta)| user_meta),
                source: None,
            }),
        };
        let options = WriteOptions {
            hash_type: args.hash_type,
            overwrite: args.overwrite,
            warnings: Vec::new(),
            summary: paths(&args.summary).map(str::to_owned).collect(),
        };
        if plan.objects.len() > MAX_OBJECTS_IN_MEMORY
            && may_be_large(&session, &args.bucket, true, plan.workflow, false).await?
        {
            let large = LargeWrite {
                plan,
                sources: Vec::new(),
                copied: None,
                may_stop: false,
                resume: None,
            };
            return Ok(Box::pin(write_large(&session, &args.bucket, large, &options))
                .await?
                .into());
        }
        Ok(write(&session, &args.bucket, plan, options).await?.into())
    }
}

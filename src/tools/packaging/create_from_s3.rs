//! `package_create_from_s3`: creation of a package from the objects below a prefix.

use std::sync::Arc;

use quilt_format::percent;
use schemars::JsonSchema;
use serde::Deserialize;

use super::args::{HashType, NewName, choice, message};
use super::globs;
use super::logical_keys::{FileSource, KeyRules, assign_keys, take_unusable};
use super::metadata::Metadata;
use super::output::Output;
use super::prefix::{KeyFilter, find, warning_of_unusable};
use super::write::{WriteOptions, in_time, write};
use crate::aws::s3::{BucketName, key_in};
use crate::packages::{Change, Creation, Plan};
use crate::tools::arguments::types::yes;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct PackageCreateFromS3;

/// Arguments. Both tools that create list the options: with one flattened struct, errors could not name them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the contract defines exactly these")]
pub struct Args {
    /// Bucket, as `NAME` or `s3://NAME`
    #[schemars(with = "String")]
    bucket: BucketName,
    /// Package, as `namespace/name`
    #[schemars(with = "String")]
    name: NewName,
    /// Bucket of the objects; by default the package's bucket
    #[schemars(with = "Option<String>")]
    source_bucket: Option<BucketName>,
    /// Only objects below this; by default all
    #[serde(default)]
    #[schemars(extend("x-blank" = "value"))]
    source_prefix: String,
    /// Only these, by default all: at most 100 globs of 1 KiB, on the path below the prefix, or without "/" on the file name
    #[schemars(length(max = globs::MAX_GLOBS))]
    #[serde(default)]
    include: Vec<String>,
    /// Not these, by default none: at most 100 globs, as in include
    #[schemars(length(max = globs::MAX_GLOBS))]
    #[serde(default)]
    exclude: Vec<String>,
    /// Message of the revision; by default none
    #[serde(default)]
    message: String,
    /// Metadata of the package: any JSON object
    metadata: Option<Metadata>,
    /// Text of README.md; in the catalog, its relative links reach only copied entries
    readme: Option<String>,
    /// true (the default): entries are named by their base names; false: by the path below the prefix
    #[serde(default = "yes")]
    flatten: bool,
    /// true: sort into folders by extension; by default false
    #[serde(default)]
    auto_organize: bool,
    /// true: copy the objects into the package's bucket; by default false
    #[serde(default)]
    copy: bool,
    /// Id of a workflow of the bucket; "" for none
    #[schemars(extend("x-blank" = "value"))]
    workflow: Option<String>,
    /// Checksum of new entries: sha2-256-chunked or CRC64NVME; by default what the catalog prefers
    hash_type: Option<HashType>,
    /// true: make the next revision of a package that exists; false (the default): a conflict
    #[serde(default)]
    overwrite: bool,
    /// true: show keys and hash, write nothing; by default false
    #[serde(default)]
    dry_run: bool,
}

impl Tool for PackageCreateFromS3 {
    const NAME: &'static str = "package_create_from_s3";
    const TITLE: &'static str = "Create a package from a prefix";
    const DESCRIPTION: &'static str = "Creates a package of all objects below a prefix that match include and not exclude. \
                                       Otherwise like package_create.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::REPLACES;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let source_bucket = args.source_bucket.unwrap_or_else(|| args.bucket.clone());
        globs::checked("include", &args.include)?;
        globs::checked("exclude", &args.exclude)?;
        let prefix = key_in(&source_bucket, &args.source_prefix)
            .map_err(|problem| {
                ToolError::invalid(format!("Argument source_prefix: {problem}."))
                    .with_hint("Name the bucket of the objects in source_bucket.")
            })?
            .into_owned();
        let base = prefix
            .rfind('/')
            .and_then(|slash| prefix.get(..=slash))
            .unwrap_or_default()
            .to_owned();
        let s3 = session.s3_for_writing().await?;
        let filter = KeyFilter::compile(&session, args.include, args.exclude, base.clone()).await?;
        let filter = Arc::new(filter);
        let found = find(&session, &s3, &source_bucket, &prefix, &filter);
        let mut found = in_time(&session, found).await?;
        let mut warnings = found.warnings(&prefix);
        let rules = KeyRules {
            flatten: args.flatten,
            auto_organize: args.auto_organize,
            source: FileSource::Prefix,
        };
        let unusable = take_unusable(&mut found.files, rules, &base);
        warnings.extend(warning_of_unusable(&unusable));
        if found.files.is_empty() {
            let uri = format!("s3://{source_bucket}/{}", percent::quote(&prefix));
            let message = match unusable.first() {
                None => format!("No object below {uri} is to go into the package."),
                Some(object) => format!("No object below {uri} has a key that can be a logical key: {object} has not."),
            };
            return Err(ToolError::invalid(message)
                .with_hint("Check source_prefix, include and exclude with bucket_objects_list."));
        }
        let plan = Plan {
            name: args.name.0,
            objects: assign_keys(found.files, rules, &base)?,
            message: message(args.message),
            workflow: choice(args.workflow.as_deref()),
            copy: args.copy,
            dry_run: args.dry_run,
            change: Change::Create(Creation {
                user_meta: args.metadata.map(|Metadata(user_meta)| user_meta),
                readme: args.readme,
            }),
        };
        let options = WriteOptions {
            hash_type: args.hash_type,
            overwrite: args.overwrite,
            warnings,
        };
        Ok(write(&session, &args.bucket, plan, options).await?.into())
    }
}

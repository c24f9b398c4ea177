//! `package_create_from_s3`: creation of a package from the objects below a prefix.

use std::sync::Arc;

use quilt_format::percent;
use schemars::JsonSchema;
use serde::Deserialize;

use super::args::{HashType, NewName, choice, message};
use super::large::{LargeWrite, MAX_OBJECTS_IN_MEMORY, PrefixSource, may_be_large, resume, write_large};
use super::logical_keys::{FileSource, KeyRules, assign_keys, take_unusable};
use super::metadata::Metadata;
use super::output::Output;
use super::prefix::{Found, KeyFilter, find, source_prefix, warning_of_unusable};
use super::texts::{SummaryRow, paths, text_files};
use super::write::{WriteOptions, in_time, write};
use crate::aws::s3::BucketName;
use crate::packages::{Change, Creation, Plan};
use crate::tools::globs;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct PackageCreateFromS3;

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
    /// By default bucket
    #[schemars(with = "Option<String>")]
    source_bucket: Option<BucketName>,
    /// Only objects below this; by default all
    #[serde(default)]
    #[schemars(extend("x-blank" = "value"))]
    source_prefix: String,
    /// At most 100 globs on the path below the prefix, or without "/" on the file name; by default all
    #[schemars(length(max = globs::MAX_GLOBS))]
    #[serde(default)]
    include: Vec<String>,
    /// Not these: at most 100
    #[schemars(length(max = globs::MAX_GLOBS))]
    #[serde(default)]
    exclude: Vec<String>,
    /// `resume` of an answer that was not complete; all else as before
    resume: Option<String>,
    /// Commit message
    #[serde(default)]
    message: String,
    /// Of the package: any JSON object
    metadata: Option<Metadata>,
    /// Text of README.md
    readme: Option<String>,
    /// As in `package_create`
    #[serde(default)]
    summary: Vec<SummaryRow>,
    /// Name entries by base name, not by the path below the prefix
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
        let (prefix, base) = source_prefix("source_prefix", &source_bucket, &args.source_prefix)?;
        let s3 = session.s3_for_writing().await?;
        let mut filter = KeyFilter::compile(&session, args.include, args.exclude, base.clone()).await?;
        if args.copy && source_bucket == args.bucket {
            filter = filter.without_copies(&args.name.0, &prefix);
        }
        let filter = Arc::new(filter);
        let resume = resume(args.resume.as_deref())?;
        let is_ordered = !args.flatten && !args.auto_organize;
        let max_files = if is_ordered { MAX_OBJECTS_IN_MEMORY } else { usize::MAX };
        let mut found = Found::default();
        if resume.is_none() {
            let listed = find(&session, &s3, &source_bucket, &prefix, &filter, max_files, 0);
            found = in_time(&session, listed).await?;
        }
        let workflow = choice(args.workflow.as_deref());
        let is_large = resume.is_some() || found.has_more;
        let mut options = WriteOptions {
            hash_type: args.hash_type,
            overwrite: args.overwrite,
            warnings: Vec::new(),
            summary: paths(&args.summary).map(str::to_owned).collect(),
        };
        let mut plan = Plan {
            name: args.name.0,
            objects: Vec::new(),
            texts: text_files(args.readme, &args.summary)?,
            message: message(args.message),
            workflow,
            copy: args.copy,
            dry_run: args.dry_run,
            change: Change::Create(Creation {
                user_meta: args.metadata.map(|Metadata(user_meta)| user_meta),
                source: None,
            }),
        };
        if is_large && may_be_large(&session, &args.bucket, is_ordered, workflow, resume.is_some()).await? {
            let source = PrefixSource {
                bucket: source_bucket,
                prefix,
                base,
                logical_prefix: String::new(),
                filter,
            };
            let large = LargeWrite {
                plan,
                sources: vec![source],
                copied: None,
                may_stop: true,
                resume,
            };
            return Ok(Box::pin(write_large(&session, &args.bucket, large, &options))
                .await?
                .into());
        }
        if found.has_more {
            let listed = find(&session, &s3, &source_bucket, &prefix, &filter, usize::MAX, 0);
            found = in_time(&session, listed).await?;
        }
        options.warnings = found.warnings(&prefix);
        options.warnings.extend(filter.warning_of_copies());
        let rules = KeyRules {
            flatten: args.flatten,
            auto_organize: args.auto_organize,
            source: FileSource::Prefix,
        };
        let unusable = take_unusable(&mut found.files, rules, &base);
        options.warnings.extend(warning_of_unusable(&unusable, unusable.len()));
        if found.files.is_empty() {
            let uri = format!("s3://{source_bucket}/{}", percent::quote(&prefix));
            let message = match unusable.first() {
                None => format!("No object below {uri} is to go into the package."),
                Some(object) => format!("No object below {uri} has a key that can be a logical key: {object} has not."),
            };
            return Err(ToolError::invalid(message)
                .with_hint("Check source_prefix, include and exclude with bucket_objects_list."));
        }
        plan.objects = assign_keys(found.files, rules, &base)?;
        Ok(write(&session, &args.bucket, plan, options).await?.into())
    }
}

//! `package_copy`: a revision of a package in another bucket, or under another name.

use quilt_format::PackageName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::args::{ExistingName, HashType, NewName, choice, latest, message};
use super::large::{LargeWrite, MAX_OBJECTS_IN_MEMORY, may_be_large, write_large};
use super::metadata::Metadata;
use super::output::Output;
use super::write::{WriteOptions, in_time, write};
use crate::aws::s3::BucketName;
use crate::error_code::ErrorCode;
use crate::packages::{Change, Creation, PackageBucket, Plan};
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct PackageCopy;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Source bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// As `namespace/name`
    #[schemars(with = "String")]
    name: ExistingName,
    /// A top hash, latest~N, or latest (the default)
    #[serde(default = "latest")]
    hash: String,
    /// By default bucket
    #[schemars(with = "Option<String>")]
    dest_bucket: Option<BucketName>,
    /// By default name
    #[schemars(with = "Option<String>")]
    dest_name: Option<NewName>,
    /// By default the source's
    message: Option<String>,
    /// Any JSON object; by default the source's
    metadata: Option<Metadata>,
    /// Workflow of the destination; "" for none
    #[schemars(extend("x-blank" = "value"))]
    workflow: Option<String>,
    /// Copy objects; by default to another bucket only
    copy: Option<bool>,
    /// Make a next revision if the name exists
    #[serde(default)]
    overwrite: bool,
    /// Write nothing
    #[serde(default)]
    dry_run: bool,
}

impl Tool for PackageCopy {
    const NAME: &'static str = "package_copy";
    const TITLE: &'static str = "Copy a package";
    const DESCRIPTION: &'static str = "Copies a package revision to another bucket or name, with its keys, checksums and \
                                       metadata. The destination's workflow decides.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::REPLACES;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let (bucket, name) = destination(&args)?;
        let is_copied = args.copy.unwrap_or(bucket != args.bucket);
        let s3 = session.s3_for_writing().await?;
        let packages = session.packages(s3, args.bucket.clone());
        let opened = async {
            let opened = packages.open_source(&args.name.0, &args.hash).await;
            opened.map_err(|error| session.explain_package(error))
        };
        let source = in_time(&session, Box::pin(opened)).await.map_err(with_hint)?;
        let message = args.message.and_then(message);
        let parts = source.parts(message.as_deref(), args.metadata.map(|Metadata(metadata)| metadata));
        let mut plan = Plan {
            name,
            objects: Vec::new(),
            texts: Vec::new(),
            message: message.or_else(|| source.message().map(str::to_owned)),
            workflow: choice(args.workflow.as_deref()),
            copy: is_copied,
            dry_run: args.dry_run,
            change: Change::Create(Creation {
                source: Some(Box::new(parts)),
                ..Creation::default()
            }),
        };
        let options = WriteOptions {
            // Every entry has its checksum; only copies that are there already are looked at.
            hash_type: Some(HashType::Sha256Chunked),
            overwrite: args.overwrite,
            warnings: successor_warning(&session, &packages, &bucket)
                .await
                .into_iter()
                .collect(),
            summary: Vec::new(),
        };
        let is_large = !source.is_small(MAX_OBJECTS_IN_MEMORY)
            && may_be_large(&session, &bucket, true, plan.workflow, false).await?;
        let written = if is_large {
            let large = LargeWrite {
                plan,
                sources: Vec::new(),
                copied: Some(source.stream(is_copied)),
                may_stop: false,
                resume: None,
            };
            Box::pin(write_large(&session, &bucket, large, &options)).await
        } else {
            let read = async {
                let read = source.objects(is_copied).await;
                read.map_err(|error| session.explain_package(error))
            };
            plan.objects = in_time(&session, Box::pin(read)).await.map_err(with_hint)?;
            drop(source);
            write(&session, &bucket, plan, options).await
        };
        Ok(written.map_err(with_hint)?.into())
    }
}

/// Returns the bucket and the name of the copy.
fn destination(args: &Args) -> Result<(BucketName, PackageName), ToolError> {
    if args.dest_bucket.is_none() && args.dest_name.is_none() {
        return Err(ToolError::invalid(
            "Argument dest_bucket: give the bucket to copy to, or dest_name for a copy in the same bucket.",
        ));
    }
    let bucket = args.dest_bucket.clone().unwrap_or_else(|| args.bucket.clone());
    let source = &args.name.0;
    let name = match &args.dest_name {
        Some(NewName(name)) => name.clone(),
        None => source.as_str().parse().map_err(|problem| {
            ToolError::invalid(format!(
                "Argument dest_name: needed, because {source} is no name for a new package: {problem}."
            ))
        })?,
    };
    if bucket == args.bucket && name == *source {
        let message = format!("The copy of {source} in s3://{bucket} would be the package itself.");
        return Err(ToolError::invalid(message).with_hint(
            "Give another dest_bucket or dest_name; package_rollback makes an older revision the latest again.",
        ));
    }
    Ok((bucket, name))
}

/// Warns of a destination that the source bucket's configuration does not name. What the caller may do is decided by S3 alone.
async fn successor_warning(session: &Session, source: &PackageBucket, dest: &BucketName) -> Option<String> {
    let bucket = source.name();
    if bucket == dest {
        return None;
    }
    match source.names_successor(dest).await {
        Ok(None | Some(true)) => None,
        Ok(Some(false)) => Some(format!(
            "The workflows configuration of s3://{bucket} does not name s3://{dest} among its successors, the buckets to \
             which its packages are meant to go."
        )),
        Err(error) => {
            let problem = session.explain_package(error).message;
            let problem = problem.trim_end_matches('.');
            Some(format!(
                "It is not known whether s3://{bucket} names s3://{dest} among its successors: {problem}."
            ))
        }
    }
}

/// Says how a copy goes on whose time was over.
fn with_hint(error: ToolError) -> ToolError {
    if error.code != ErrorCode::Timeout || !error.retryable {
        return error;
    }
    error.with_hint("Repeat the call: objects that were copied with their checksums are not copied again.")
}

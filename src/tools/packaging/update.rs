//! `package_update`: the next revision of a package, by changes to the one before.

use quilt_format::{InvalidTopHash, LogicalKey};
use schemars::JsonSchema;
use serde::Deserialize;

use super::args::{FileArg, HashType, NewName, choice, message};
use super::logical_keys::{FileSource, KeyRules, assign_keys};
use super::metadata::Metadata;
use super::output::Output;
use super::write::{WriteOptions, write};
use crate::aws::s3::BucketName;
use crate::packages::{Change, MetadataChange, Plan, Removal, Update};
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct PackageUpdate;

/// How metadata is combined with what is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetadataMode {
    /// Keys that are given are set, the others stay.
    #[default]
    Merge,
    /// Nothing stays.
    Replace,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket, as `NAME` or `s3://NAME`
    #[schemars(with = "String")]
    bucket: BucketName,
    /// Package, as `namespace/name`
    #[schemars(with = "String")]
    name: NewName,
    /// Entries to add or replace, each {`s3_uri`, `logical_key`?, `meta`?}, or just the S3 URI
    #[serde(default)]
    add: Vec<FileArg>,
    /// Logical keys to remove, "dir/" for a folder; by default none
    #[serde(default)]
    remove: Vec<String>,
    /// Metadata of the package: any JSON object
    metadata: Option<Metadata>,
    /// merge (the default): keys that are given are set; replace: nothing else stays
    #[serde(default)]
    metadata_mode: MetadataMode,
    /// Message of the revision; by default none
    #[serde(default)]
    message: String,
    /// Conflict unless this top hash is the latest
    #[schemars(with = "Option<String>")]
    expected_hash: Option<String>,
    /// true: copy the objects into the package's bucket; by default false
    #[serde(default)]
    copy: bool,
    /// Id of a workflow of the bucket; "" for none
    #[schemars(extend("x-blank" = "value"))]
    workflow: Option<String>,
    /// Checksum of new entries: sha2-256-chunked or CRC64NVME; by default what the catalog prefers
    hash_type: Option<HashType>,
    /// true: show keys and hash, write nothing; by default false
    #[serde(default)]
    dry_run: bool,
}

impl Tool for PackageUpdate {
    const NAME: &'static str = "package_update";
    const TITLE: &'static str = "Update a package";
    const DESCRIPTION: &'static str = "Makes the next revision of a package: adds or replaces files, removes entries, sets \
                                       metadata. Everything else stays. A concurrent change is a conflict and loses nothing.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::REPLACES;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let remove = args
            .remove
            .iter()
            .map(|key| removal(key))
            .collect::<Result<Vec<_>, _>>()?;
        if args.add.is_empty() && remove.is_empty() && args.metadata.is_none() && args.message.is_empty() {
            return Err(ToolError::invalid(
                "Nothing is to change: give add, remove, metadata or a message.",
            ));
        }
        let expected = args.expected_hash.as_deref().map(str::parse).transpose();
        let expected = expected
            .map_err(|problem: InvalidTopHash| ToolError::invalid(format!("Argument expected_hash: {problem}.")))?;
        let rules = KeyRules {
            flatten: true,
            auto_organize: false,
            source: FileSource::Add,
        };
        let metadata = match (args.metadata, args.metadata_mode) {
            (None, _) => MetadataChange::Keep,
            (Some(Metadata(new)), MetadataMode::Merge) => MetadataChange::Merge(new),
            (Some(Metadata(new)), MetadataMode::Replace) => MetadataChange::Replace(new),
        };
        let plan = Plan {
            name: args.name.0,
            objects: assign_keys(args.add, rules, "")?,
            message: message(args.message),
            workflow: choice(args.workflow.as_deref()),
            copy: args.copy,
            dry_run: args.dry_run,
            change: Change::Update(Update {
                expected,
                remove,
                metadata,
            }),
        };
        let options = WriteOptions {
            hash_type: args.hash_type,
            overwrite: false,
            warnings: Vec::new(),
        };
        Ok(write(&session, &args.bucket, plan, options).await?.into())
    }
}

fn removal(key: &str) -> Result<Removal, ToolError> {
    let directory = key.strip_suffix('/');
    let path = directory.unwrap_or(key);
    if path.is_empty() {
        return Err(ToolError::invalid(format!(
            "Argument remove: `{key}` names neither an entry nor a directory."
        )));
    }
    // A key that exists need not be one that could be created.
    let path = LogicalKey::from_manifest(path.to_owned());
    Ok(if directory.is_some() {
        Removal::Directory(path)
    } else {
        Removal::Entry(path)
    })
}

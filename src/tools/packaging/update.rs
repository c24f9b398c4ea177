//! `package_update`: the next revision of a package, by changes to the one before.

use std::sync::Arc;

use quilt_format::{LogicalKey, PackageName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{FileArg, HashType, NewName, choice, message};
use super::large::{LargeWrite, MAX_OBJECTS_IN_MEMORY, PrefixSource, may_be_large, resume, write_large};
use super::logical_keys::{FileSource, KeyRules, assign_keys, in_tree_order};
use super::metadata::Metadata;
use super::output::Output;
use super::prefix::{KeyFilter, find, source_prefix, warning_of_unusable};
use super::rollback::expected_hash;
use super::texts::{SummaryRow, paths, text_files};
use super::write::{WriteOptions, in_time, write};
use crate::aws::s3::BucketName;
use crate::packages::{Change, MetadataChange, Plan, Removal, Update};
use crate::tools::globs;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct PackageUpdate;

/// Most prefixes of a call, each of which is listed at the same time.
const MAX_SOURCES: usize = 8;
/// Rules for the keys of `add`.
const RULES: KeyRules = KeyRules {
    flatten: true,
    auto_organize: false,
    source: FileSource::Add,
};

/// How metadata is combined with what is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetadataMode {
    /// Keys that are given are set, the others stay.
    #[default]
    Merge,
    /// Nothing stays.
    Replace,
    /// All of it is taken away.
    Remove,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// As `namespace/name`
    #[schemars(with = "String")]
    name: NewName,
    /// Each {`s3_uri`, `logical_key`?, `meta`?}, or just the S3 URI
    #[serde(default)]
    add: Vec<FileArg>,
    /// Objects below at most 8 prefixes, each {`source_bucket`?, `source_prefix`, `include`?, `exclude`?, `logical_prefix`?};
    /// named by the path below the prefix
    #[schemars(length(max = MAX_SOURCES))]
    #[serde(default)]
    add_from_s3: Vec<AddPrefix>,
    /// Logical keys to remove, "dir/" for a folder
    #[serde(default)]
    remove: Vec<String>,
    /// Of the package: any JSON object
    metadata: Option<Metadata>,
    /// merge (the default): set these keys; replace: nothing else stays; remove: take all away
    #[serde(default)]
    metadata_mode: MetadataMode,
    /// Text of README.md
    readme: Option<String>,
    /// As in `package_create`
    #[serde(default)]
    summary: Vec<SummaryRow>,
    /// Commit message
    #[serde(default)]
    message: String,
    /// Conflict unless this top hash is the latest
    #[schemars(with = "Option<String>")]
    expected_hash: Option<String>,
    /// `resume` of an answer that was not complete; all else as before, and its `expected_hash`
    resume: Option<String>,
    /// Copy the objects into the bucket
    #[serde(default)]
    copy: bool,
    /// Workflow's id; "" for none
    #[schemars(extend("x-blank" = "value"))]
    workflow: Option<String>,
    /// By default what the catalog prefers
    hash_type: Option<HashType>,
    /// Show keys and hash, write nothing
    #[serde(default)]
    dry_run: bool,
}

impl Tool for PackageUpdate {
    const NAME: &'static str = "package_update";
    const TITLE: &'static str = "Update a package";
    const DESCRIPTION: &'static str = "Makes the next revision of a package: adds or replaces files, removes \
                                       entries, sets metadata. Everything else stays.";
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
        if args.add.is_empty()
            && args.add_from_s3.is_empty()
            && remove.is_empty()
            && args.metadata.is_none()
            && args.metadata_mode != MetadataMode::Remove
            && args.message.is_empty()
            && args.readme.is_none()
            && args.summary.is_empty()
        {
            return Err(ToolError::invalid(
                "Nothing is to change: give add, add_from_s3, remove, metadata, readme, summary or a message.",
            ));
        }
        let expected = expected_hash(args.expected_hash.as_deref())?;
        let metadata = match (args.metadata, args.metadata_mode) {
            (None, MetadataMode::Remove) => MetadataChange::Remove,
            (Some(Metadata(given)), MetadataMode::Remove) if given.is_empty() => MetadataChange::Remove,
            (Some(_), MetadataMode::Remove) => {
                return Err(ToolError::invalid(
                    "Argument metadata_mode: remove takes all metadata away, so metadata must not be given; replace sets it.",
                ));
            }
            (None, _) => MetadataChange::Keep,
            (Some(Metadata(new)), MetadataMode::Merge) => MetadataChange::Merge(new),
            (Some(Metadata(new)), MetadataMode::Replace) => MetadataChange::Replace(new),
        };
        let resume = resume(args.resume.as_deref())?;
        if resume.is_some() && expected.is_none() {
            return Err(ToolError::invalid(
                "Argument resume: needs the expected_hash of the answer that had it.",
            ));
        }
        if args.add_from_s3.len() > MAX_SOURCES {
            let message = format!("Argument add_from_s3: one call takes at most {MAX_SOURCES} prefixes.");
            return Err(ToolError::invalid(message).with_hint("Add the others with another call."));
        }
        let copies_of = args.copy.then_some(&args.name.0);
        let mut sources = Vec::new();
        for add in args.add_from_s3 {
            sources.push(add.source(&session, &args.bucket, copies_of).await?);
        }
        let plan = Plan {
            name: args.name.0,
            objects: assign_keys(args.add, RULES, "")?,
            texts: text_files(args.readme, &args.summary)?,
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
            summary: paths(&args.summary).map(str::to_owned).collect(),
        };
        let is_large = resume.is_some() || !sources.is_empty() || plan.objects.len() > MAX_OBJECTS_IN_MEMORY;
        if is_large && may_be_large(&session, &args.bucket, true, plan.workflow, resume.is_some()).await? {
            let large = LargeWrite {
                plan,
                sources,
                copied: None,
                may_stop: true,
                resume,
            };
            return Ok(Box::pin(write_large(&session, &args.bucket, large, &options))
                .await?
                .into());
        }
        let (plan, warnings) = with_objects_of(&session, plan, sources).await?;
        let options = WriteOptions { warnings, ..options };
        Ok(write(&session, &args.bucket, plan, options).await?.into())
    }
}

/// Objects below a prefix that an update adds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct AddPrefix {
    /// By default bucket
    #[schemars(with = "Option<String>")]
    source_bucket: Option<BucketName>,
    /// Only objects below this
    source_prefix: String,
    /// Globs, as in `package_create_from_s3`
    #[serde(default)]
    include: Vec<String>,
    /// Not these
    #[serde(default)]
    exclude: Vec<String>,
    /// Folder of the entries; by default the root
    #[serde(default)]
    logical_prefix: String,
}

impl AddPrefix {
    /// With `copies_of` the objects are copied for this package.
    async fn source(
        self,
        session: &Session,
        package_bucket: &BucketName,
        copies_of: Option<&PackageName>,
    ) -> Result<PrefixSource, ToolError> {
        let bucket = self.source_bucket.unwrap_or_else(|| package_bucket.clone());
        globs::checked("include", &self.include)?;
        globs::checked("exclude", &self.exclude)?;
        let (prefix, base) = source_prefix("add_from_s3: source_prefix", &bucket, &self.source_prefix)?;
        let mut filter = KeyFilter::compile(session, self.include, self.exclude, base.clone()).await?;
        if let Some(name) = copies_of.filter(|_| bucket == *package_bucket) {
            filter = filter.without_copies(name, &prefix);
        }
        let mut logical_prefix = self.logical_prefix.trim_end_matches('/').to_owned();
        if !logical_prefix.is_empty() {
            let checked = logical_prefix.parse::<LogicalKey>();
            checked.map_err(|problem| {
                ToolError::invalid(format!(
                    "Argument add_from_s3: logical_prefix `{logical_prefix}`: {problem}."
                ))
            })?;
            logical_prefix.push('/');
        }
        Ok(PrefixSource {
            bucket,
            prefix,
            base,
            logical_prefix,
            filter: Arc::new(filter),
        })
    }
}

/// Adds the objects of the sources to a plan, for a workflow that checks all entries at once. Also returns what a user should
/// know about them.
async fn with_objects_of<'a>(
    session: &Session,
    mut plan: Plan<'a>,
    sources: Vec<PrefixSource>,
) -> Result<(Plan<'a>, Vec<String>), ToolError> {
    let mut warnings = Vec::new();
    let mut reserved_bytes = 0;
    let s3 = session.s3_for_writing().await?;
    for source in sources {
        let found = find(
            session,
            &s3,
            &source.bucket,
            &source.prefix,
            &source.filter,
            usize::MAX,
            reserved_bytes,
        );
        let found = in_time(session, found).await?;
        reserved_bytes += found.estimated_bytes;
        warnings.extend(found.warnings(&source.prefix));
        warnings.extend(source.filter.warning_of_copies());
        let mut unusable = Vec::new();
        let before = plan.objects.len();
        for file in found.files {
            match source.planned(&file.s3_uri) {
                Some(planned) => plan.objects.push(planned),
                None => unusable.push(file.s3_uri),
            }
        }
        if plan.objects.len() == before {
            return Err(session.explain_package(source.nothing_found()));
        }
        warnings.extend(warning_of_unusable(&unusable, unusable.len()));
    }
    plan.objects = in_tree_order(plan.objects, RULES)?;
    Ok((plan, warnings))
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

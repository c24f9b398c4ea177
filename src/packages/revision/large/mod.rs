//! Revisions of any size: objects are inspected, hashed and written to the manifest one after another, as they are listed.
//!
//! The pipeline of [`super::pipeline`] holds all objects of a revision in memory, inspects all of them before it hashes any,
//! and can check their entries against a workflow. This one holds a few of them. What a call does not finish in its time is
//! written as a manifest to which nothing points, and a later call, on any copy of the server, goes on behind its last entry.

mod base;
mod run;
mod streams;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use quilt_format::json::Value;
use quilt_format::workflow::Choice;
use quilt_format::{Entry, Header, LogicalKey, PackageName, TopHash, layout};
use tokio::time::Instant;

use self::base::LargeBase;
use self::run::{Finished, Run};
pub use self::streams::PlannedObjects;
use self::streams::{refuse_disorder, with_text};
use super::commit::CommitReport;
use super::context::{Context, Progress};
use super::existing::ExistingPackage;
use super::pipeline::Committed;
use super::plan::Change;
use super::removal::Removal;
use super::texts::{TextEntry, TextFile, TextKind, text_entries, written};
use crate::aws::s3::{AHEAD_BYTES, WriteCondition};
use crate::packages::estimate::{CONNECTIONS_BYTES, SCAN_BYTES};
use crate::packages::manifest::{BuiltManifest, ManifestFile, ManifestSink, SINK_BYTES};
use crate::packages::objects::{ChecksumPreference, inspect_each};
use crate::packages::{Differences, PackageBucket, PackageError};

/// Memory of a large revision, whatever its size: the listing with the keys that it holds back, the connections, two
/// manifests that are read, and one that is written.
const LARGE_BYTES: usize = 24 * 1024 * 1024 + AHEAD_BYTES + CONNECTIONS_BYTES + 2 * SCAN_BYTES + SINK_BYTES;
/// Metadata of an unfinished manifest's object that says which call it belongs to.
const ORIGIN: &str = "quilt-mcp-origin";

/// A revision whose objects are not known yet.
pub struct LargePlan<'a> {
    pub name: PackageName,
    pub message: Option<String>,
    pub workflow: Choice<'a>,
    pub copy: bool,
    pub dry_run: bool,
    pub change: Change,
    /// Texts that become entries beside the objects.
    pub texts: Vec<TextFile>,
    pub checksum: ChecksumPreference,
    /// The manifest that an earlier call has written of this revision.
    pub resume: Option<TopHash>,
    /// Whether a later call can go on with what is ready when the time is over.
    pub may_stop: bool,
    /// Identifies the arguments of the call. A later call goes on only with the same.
    pub fingerprint: String,
    /// Memory of the files that are named one by one, and of the listings after the first.
    pub more_bytes: usize,
    /// When the call has to write down what it has.
    pub stop_at: Instant,
}

/// A revision that can be written as its objects are listed.
pub struct LargeRevision {
    context: Context,
    header: Header,
    /// Identifies the arguments and the revision that this one begins with.
    origin: String,
    checksum: ChecksumPreference,
    may_stop: bool,
    stop_at: Instant,
    /// The manifest of an earlier call, and its last key.
    resumed: Option<(ManifestFile, Option<LogicalKey>)>,
    base: LargeBase,
    texts: Vec<TextEntry>,
}

/// Outcome of a call.
#[derive(Debug)]
pub enum LargeOutcome {
    Committed(Committed),
    /// The time was over. Nothing points to the manifest of what is ready.
    Stopped(Stopped),
}

/// What a call has made of a revision.
#[derive(Debug)]
pub struct Stopped {
    /// The manifest of what is ready.
    pub resume: TopHash,
    /// Entries of that manifest.
    pub entries: u64,
    pub total_bytes: u128,
    pub bytes_hashed: u64,
    pub bytes_copied: u64,
    /// Why it has stopped, if its time was not over.
    pub problem: Option<PackageError>,
    /// The revision that an update starts from.
    pub base: Option<TopHash>,
}

impl PackageBucket {
    /// Reports whether the workflow checks entries, which need to be in memory together.
    pub async fn checks_entries(&self, workflow: Choice<'_>) -> Result<bool, PackageError> {
        Ok(self.select_workflow(workflow).await?.wants_entries())
    }

    /// Opens a large revision: reads the state of the package and reserves memory. The workflow must not check entries.
    pub async fn open_large(&self, plan: LargePlan<'_>, progress: Progress) -> Result<LargeRevision, PackageError> {
        let context = Context {
            packages: self.clone(),
            hashing: self.hashing(),
            name: plan.name,
            message: plan.message,
            copy: plan.copy,
            dry_run: plan.dry_run,
            objects: 0,
            progress,
        };
        let workflow = self.select_workflow(plan.workflow).await?;
        if workflow.wants_entries() {
            let message = "the bucket's workflow checks every entry, and these are too many to be checked at once";
            return Err(PackageError::TooLarge(message.to_owned()));
        }
        let source_bytes = match &plan.change {
            Change::Create(creation) => creation.estimate_bytes(),
            Change::Update(_) => 0,
        };
        self.memory
            .reserve(LARGE_BYTES + plan.more_bytes + source_bytes)
            .await?;
        let stored = workflow.stored();
        let (base, header) = match plan.change {
            Change::Create(creation) => LargeBase::create(&context, creation, stored).await?,
            Change::Update(update) => LargeBase::update(&context, update, stored).await?,
        };
        let candidate = context.candidate(header.user_meta());
        self.validate(&workflow, candidate, (), |()| Vec::new()).await?;
        let origin = base.origin(&plan.fingerprint);
        let resumed = match &plan.resume {
            None => None,
            Some(hash) => Some(resumed(self, hash, &origin, &header).await?),
        };
        Ok(LargeRevision {
            texts: text_entries(&context, plan.texts)?,
            context,
            header,
            origin,
            checksum: plan.checksum,
            may_stop: plan.may_stop,
            stop_at: plan.stop_at,
            resumed,
            base,
        })
    }
}

/// Opens the manifest of an earlier call, which must have the same origin and the same header as this one.
async fn resumed(
    packages: &PackageBucket,
    hash: &TopHash,
    origin: &str,
    header: &Header,
) -> Result<(ManifestFile, Option<LogicalKey>), PackageError> {
    let file = packages.open(hash).await.map_err(|error| match error {
        PackageError::NoSuchRevision { .. } => PackageError::Invalid(format!(
            "argument resume: s3://{} has no manifest {hash}; repeat the call without resume",
            packages.bucket
        )),
        other => other,
    })?;
    let head = packages.s3.head(&packages.object(&layout::manifest(hash))?).await?;
    let is_same = Value::from(file.index.header.fields.clone()) == Value::from(header.fields.clone());
    if head.metadata.get(ORIGIN).map(String::as_str) != Some(origin) || !is_same {
        let message = format!(
            "argument resume: {hash} was not made by this call, because an argument differs or the package has changed since; \
             repeat the call with the same arguments, or without resume"
        );
        return Err(PackageError::Invalid(message));
    }
    let last = file.last_key().await?;
    Ok((file, last))
}

impl LargeRevision {
    /// Returns the package that a creation would replace.
    #[must_use]
    pub fn replaced(&self) -> Option<&ExistingPackage> {
        match &self.base {
            LargeBase::Creation { existing, .. } => existing.as_ref(),
            LargeBase::Update { .. } => None,
        }
    }

    /// Returns the error that a creation may not replace a package.
    pub async fn refusal(&self, existing: &ExistingPackage) -> PackageError {
        let name = &self.context.name;
        match existing {
            ExistingPackage::Revision(latest) => PackageError::AlreadyExists {
                name: name.clone(),
                found: latest.hash.clone(),
                is_identical: false,
                diff: None,
            },
            unreadable => {
                let unknown = self.context.packages.latest_unknown(name, unreadable).await;
                PackageError::NameTaken(Box::new(unknown))
            }
        }
    }

    /// Returns the last key that is ready, behind which the objects begin.
    #[must_use]
    pub fn resume_after(&self) -> Option<&LogicalKey> {
        self.resumed.as_ref()?.1.as_ref()
    }

    /// Writes the revision from its objects, and commits it if the time suffices.
    pub async fn write(self, objects: PlannedObjects) -> Result<LargeOutcome, PackageError> {
        let Self {
            context,
            header,
            origin,
            checksum,
            may_stop,
            stop_at,
            resumed,
            base,
            texts,
        } = self;
        let after = resumed.as_ref().and_then(|(_, last)| last.clone());
        let is_left = |text: &&TextEntry| after.as_ref().is_none_or(|after| text.entry().logical_key > *after);
        let writes = !context.dry_run;
        let left: Vec<&TextEntry> = texts.iter().filter(is_left).collect();
        let kinds: Vec<TextKind> = left.iter().map(|text| text.kind()).collect();
        let texts = written(&context, left.into_iter(), writes).await?;
        let copied = AtomicU64::new(0);
        let packages = context.packages.clone();
        let has_resumed = resumed.is_some();
        let finished = {
            let copy_into = (context.copy && writes).then_some(&context.name);
            let inspected = inspect_each(&context.hashing, refuse_disorder(objects, after));
            let entries = packages.resolve_each(&context.hashing, inspected, checksum, copy_into, &copied);
            let texts = kinds.into_iter().zip(texts);
            let entries = texts.fold(entries, |entries, (kind, text)| with_text(entries, kind, text));
            let rows = resumed.as_ref().map(|(file, _)| file.all());
            let run = Run {
                context: &context,
                sink: ManifestSink::new(&packages, &header, base.directories().into_iter(), writes)?,
                merge: base.merge(entries).resuming(rows),
                may_stop: may_stop && writes,
                added: 0,
                shown: Vec::new(),
            };
            run.until(stop_at).await?
        };
        let Finished {
            is_complete,
            problem,
            sink,
            differences,
            missing,
            added,
            shown,
        } = finished;
        if !is_complete && (added == 0 || !writes || !may_stop) {
            return Err(problem.unwrap_or(PackageError::OutOfTime));
        }
        let manifest = sink.finish().await?;
        let bytes_copied = copied.into_inner();
        if !is_complete {
            let stopped = stopped(&context, &base, origin, manifest).await?;
            return Ok(LargeOutcome::Stopped(Stopped {
                bytes_copied,
                problem,
                ..stopped
            }));
        }
        let written = Written {
            manifest,
            metadata: header.user_meta().cloned(),
            differences,
            missing,
            entries: shown,
            entries_added: added,
            bytes_copied,
            has_resumed,
        };
        conclude(context, base, written).await.map(LargeOutcome::Committed)
    }
}

/// Everything that is known when the manifest is complete.
struct Written {
    manifest: BuiltManifest,
    metadata: Option<Value>,
    differences: Differences,
    missing: Vec<Removal>,
    entries: Vec<Entry>,
    entries_added: u64,
    bytes_copied: u64,
    has_resumed: bool,
}

/// Stores the manifest of what is ready.
async fn stopped(
    context: &Context,
    base: &LargeBase,
    origin: String,
    manifest: BuiltManifest,
) -> Result<Stopped, PackageError> {
    let packages = &context.packages;
    let metadata = BTreeMap::from([(ORIGIN.to_owned(), origin)]);
    let hash = &manifest.top_hash;
    let mut condition = WriteCondition::IsNew;
    // One of this hash that is there already may be of another call, with other copies, and is replaced.
    while !packages
        .store_manifest(hash, &manifest.content, &condition, &metadata)
        .await?
    {
        let head = packages.s3.head(&packages.object(&layout::manifest(hash))?).await?;
        condition = head.etag.map_or(WriteCondition::None, WriteCondition::Matches);
    }
    Ok(Stopped {
        resume: manifest.top_hash,
        entries: manifest.entries,
        total_bytes: manifest.total_bytes,
        bytes_hashed: context.hashing.bytes_read(),
        bytes_copied: 0,
        problem: None,
        base: match base {
            LargeBase::Creation { .. } => None,
            LargeBase::Update { latest, .. } => Some(latest.hash.clone()),
        },
    })
}

/// Commits the revision, unless the plan is a dry run.
async fn conclude(context: Context, base: LargeBase, written: Written) -> Result<Committed, PackageError> {
    let Written {
        manifest,
        metadata,
        differences,
        missing,
        entries,
        entries_added,
        bytes_copied,
        has_resumed,
    } = written;
    let existing = base.existing();
    let latest = existing.as_ref().and_then(ExistingPackage::hash).cloned();
    let was_there = latest.as_ref() == Some(&manifest.top_hash);
    if let (LargeBase::Update { latest, .. }, Some(removal), false) = (&base, missing.into_iter().next(), was_there) {
        return Err(PackageError::NothingToRemove {
            name: context.name,
            revision: latest.hash.clone(),
            removal,
        });
    }
    let report = if context.dry_run {
        CommitReport {
            was_there,
            ..CommitReport::default()
        }
    } else {
        context.commit(&manifest, existing).await?
    };
    let (comparison_error, entries_added) = match base {
        LargeBase::Creation { comparison_error, .. } => (comparison_error.map(|error| *error), manifest.entries),
        LargeBase::Update { .. } if has_resumed => (None, differences.counts.added + differences.counts.changed),
        LargeBase::Update { .. } => (None, entries_added),
    };
    Ok(Committed {
        top_hash: manifest.top_hash,
        total_bytes: manifest.total_bytes,
        entries,
        entries_added,
        metadata,
        bytes_hashed: context.hashing.bytes_read(),
        bytes_copied,
        dry_run: context.dry_run,
        diff: latest.filter(|_| comparison_error.is_none()).map(|_| differences),
        comparison_error,
        report,
    })
}
